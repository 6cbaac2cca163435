"""hftbacktest (MIT): a backtester in Rust that replays a venue's order-by-order feed. It matches no order with another.

It keeps two books, the venue's and the delayed one that a strategy sees; with no delay both see every event.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from bench.peers.steps import Change, changes
from parbook._itchbook import BookBuilder
from parbook.codes import Side
from parbook.records import Records

NAME: Final = "hftbacktest"
LICENCE: Final = "MIT"
COMMANDS: Final = 200_000

_PRICE_LIMIT: Final = 10**9


def module() -> Any:
    """Return the peer; ImportError where it is not installed."""
    return importlib.import_module("hftbacktest")


def prepared(peer: Any, records: Records) -> Any:
    """Return the changes as the peer's array of events, a nanosecond apart."""
    types = importlib.import_module("hftbacktest.types")
    kinds = {Change.ADD: types.ADD_ORDER_EVENT, Change.UPDATE: types.MODIFY_ORDER_EVENT}
    kinds[Change.DELETE] = types.CANCEL_ORDER_EVENT
    sides = {Side.BUY: types.BUY_EVENT, Side.SELL: types.SELL_EVENT}
    both = types.EXCH_EVENT | types.LOCAL_EVENT
    rows = [
        (both | kinds[what] | sides[Side(side)], at, at, price, lots, order_id, 0, 0)
        for at, (what, order_id, side, price, lots) in enumerate(changes(records), 1)
    ]
    return np.array(rows, types.event_dtype)


def _backtest(peer: Any, events: Any) -> Any:
    asset = (
        peer.BacktestAsset().data([events]).linear_asset(1.0).constant_order_latency(0, 0).l3_fifo_queue_model()
        .no_partial_fill_exchange().trading_value_fee_model(0, 0).tick_size(1.0).lot_size(1.0)
    )  # fmt: skip
    return peer.HashMapMarketDepthBacktest([asset])


def run(peer: Any, events: Any) -> Callable[[], object]:
    """Return the run of a fresh backtest over all events: one call, with no strategy."""
    backtest = _backtest(peer, events)
    return lambda: backtest.elapse(len(events) + 10)


def verify(peer: Any, events: Any, builder: BookBuilder) -> int:
    """Replay, compare the lots of every level with the builder's, and return the number of levels."""
    backtest = _backtest(peer, events)
    backtest.elapse(len(events) + 10)
    depth = backtest.depth(0)
    compared = 0
    for side, best, lots_at in (
        (Side.BUY, depth.best_bid_tick, depth.bid_qty_at_tick),
        (Side.SELL, depth.best_ask_tick, depth.ask_qty_at_tick),
    ):
        levels = builder.levels(0, side, _PRICE_LIMIT)
        if best != levels[0].price_ticks:
            raise AssertionError(f"hftbacktest has its best at {best}, parbook at {levels[0].price_ticks}")
        for level in levels:
            if lots_at(level.price_ticks) != level.lots:
                raise AssertionError(f"hftbacktest has {lots_at(level.price_ticks)} lots, parbook {level}")
        compared += len(levels)
    return compared
