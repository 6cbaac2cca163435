"""The semantics the public matching benchmark asks for: makers' prices, modify = cancel + reinsert, ids free again."""

from __future__ import annotations

from typing import Any

import pytest

from parbook import messages as m
from parbook.codes import Priority, RejectCode, Side
from parbook.instrument import Instrument
from parbook.interface import MarketProtocol


def order(account: int, side: Side, price_ticks: int, qty_lots: int, client_id: int = 0) -> m.NewOrder:
    return m.NewOrder(account=account, side=side, price_ticks=price_ticks, qty_lots=qty_lots, client_id=client_id)


@pytest.fixture
def benchmark_market(market_class: Any) -> MarketProtocol:
    """A market as the benchmark wants it."""
    made: MarketProtocol = market_class(Instrument(symbol="B", reinsert_on_amend=True, client_id_window=0))
    return made


@pytest.mark.parametrize(("maker", "taker", "maker_ticks", "taker_ticks"), [(1, 0, 100, 105), (0, 1, 105, 100)])
def test_fills_print_at_the_makers_price_both_ways(benchmark_market, maker, taker, maker_ticks, taker_ticks):
    benchmark_market.apply(order(1, Side(maker), maker_ticks, 5))
    events = benchmark_market.apply(order(2, Side(taker), taker_ticks, 3))
    trades = [event for event in events if isinstance(event, m.Trade)]
    assert [(trade.price_ticks, trade.qty_lots) for trade in trades] == [(maker_ticks, 3)]


@pytest.mark.parametrize("qty_lots", [4, 5, 6])
def test_every_modify_goes_to_the_back_a_smaller_one_too(benchmark_market, qty_lots):
    benchmark_market.apply(order(1, Side.SELL, 100, 5))
    benchmark_market.apply(order(2, Side.SELL, 100, 5))
    (amended,) = benchmark_market.apply(m.AmendOrder(account=1, order_id=1, qty_lots=qty_lots))
    assert isinstance(amended, m.Amended)
    assert amended.priority is Priority.LOST
    assert benchmark_market.queue(Side.SELL, 100) == [2, 1]
    benchmark_market.check()


def test_without_the_mode_a_smaller_modify_keeps_its_place(market):
    market.apply(order(1, Side.SELL, 100, 5))
    market.apply(order(2, Side.SELL, 100, 5))
    market.apply(m.AmendOrder(account=1, order_id=1, qty_lots=4))
    assert market.queue(Side.SELL, 100) == [1, 2]


def test_a_modify_that_crosses_trades_under_its_old_id(benchmark_market):
    benchmark_market.apply(order(1, Side.SELL, 100, 5))
    benchmark_market.apply(order(2, Side.BUY, 90, 7))
    events = benchmark_market.apply(m.AmendOrder(account=2, order_id=2, price_ticks=101, qty_lots=7))
    trade = next(event for event in events if isinstance(event, m.Trade))
    assert (trade.taker_order_id, trade.price_ticks, trade.qty_lots) == (2, 100, 5)
    state = benchmark_market.order(2)
    assert state is not None
    assert (state.price_ticks, state.qty_lots - state.filled_lots) == (101, 2)


def test_a_client_id_is_free_again_as_soon_as_its_order_is_gone(benchmark_market):
    benchmark_market.apply(order(1, Side.SELL, 100, 5, client_id=7))
    (refused,) = benchmark_market.apply(order(1, Side.SELL, 100, 5, client_id=7))
    assert refused.code is RejectCode.DUPLICATE_CLIENT_ID
    benchmark_market.apply(order(2, Side.BUY, 100, 5))
    (accepted,) = benchmark_market.apply(order(1, Side.SELL, 100, 5, client_id=7))
    assert isinstance(accepted, m.Accepted)
