"""Nothing is made or lost: what fills, busts, curves and their ends leave behind."""

from __future__ import annotations

import pytest

from parbook import messages as m
from parbook.codes import OrderType, Source, TimeInForce
from parbook.units import ATOMS_MAX, EVERY_INSTRUMENT
from tests.exchange.house import BOND, BUY, SELL, SME, TREASURY, USD, House, buyback


def trades(events):
    return [event for event in events if isinstance(event, m.Trade)]


def test_no_hold_outlives_its_order_whatever_it_was(house):
    house.fund(1, sme=1000, usd=100_000)
    house.fund(2, sme=10, usd=10_000)
    house.rest(2, SELL, 100, 1)
    house.rest(1, BUY, 100, 1)
    ends = {"tif": TimeInForce.GTD, "expire_ns": 10}
    house.rest(1, BUY, 90, 5, display_lots=2)
    house.rest(1, BUY, 90, 5, hidden=True)
    house.rest(1, SELL, 80, 5, stop_ticks=85)
    house.rest(1, SELL, 0, 5, order_type=OrderType.MARKET, tif=TimeInForce.IOC, stop_ticks=80)
    house.rest(1, BUY, 120, 5, order_type=OrderType.PEGGED, peg=3)
    house.rest(1, SELL, 150, 5, oco_order_id=house.rest(1, BUY, 130, 5, stop_ticks=125))
    house.rest(1, BUY, 70, 5, **ends)
    house.do(m.Quote(account=1, bid_ticks=60, bid_lots=3, ask_ticks=200, ask_lots=3))
    assert house.exchange.held(1, USD) == 90 * 10 + 120 * 5 + 130 * 5 + 70 * 5 + 60 * 3
    assert house.exchange.held(1, SME) == 5 + 5 + 5 + 3
    house.do(m.Advance(ts_ns=20, instrument=EVERY_INSTRUMENT))
    assert house.exchange.held(1, USD) == 90 * 10 + 120 * 5 + 130 * 5 + 60 * 3
    house.do(m.MassCancel(account=1, instrument=EVERY_INSTRUMENT))
    assert [house.exchange.held(1, asset) for asset in (SME, USD)] == [0, 0]


def test_a_bust_returns_fees_and_is_refused_a_second_time(exchange_class):
    house = House(exchange_class, max_fee_ppm=100_000)
    house.do(m.SetFees(tier=0, maker_ppm=-20_000, taker_ppm=50_000))
    house.fund(1, sme=10)
    house.fund(2, usd=2000)
    house.rest(1, SELL, 100, 10)
    (trade,) = trades(house.do(m.NewOrder(account=2, side=BUY, price_ticks=100, qty_lots=10)))
    exchange = house.exchange
    assert [exchange.balance(1, USD), exchange.balance(2, USD), exchange.fees_taken(USD)] == [1020, 950, 30]
    assert house.refused(m.BustTrade(trade_seq=trade.seq)) == []
    assert [exchange.balance(1, USD), exchange.balance(2, USD), exchange.fees_taken(USD)] == [0, 2000, 0]
    assert [exchange.balance(1, SME), exchange.balance(2, SME), exchange.suspense(USD)] == [10, 0, 0]
    assert house.refused(m.BustTrade(trade_seq=trade.seq)) == ["ALREADY_BUSTED"]


def test_a_bust_takes_nothing_that_is_held_the_venue_owes_it(house):
    house.fund(1, sme=10)
    house.fund(2, usd=1000)
    house.rest(1, SELL, 100, 10)
    (trade,) = trades(house.do(m.NewOrder(account=2, side=BUY, price_ticks=100, qty_lots=10)))
    house.rest(1, BUY, 40, 15, instrument=1)
    house.rest(2, SELL, 300, 4)
    house.do(m.BustTrade(trade_seq=trade.seq))
    exchange = house.exchange
    assert house.money(1) == (600, 600)
    assert (exchange.balance(2, SME), exchange.held(2, SME)) == (4, 4)
    assert (exchange.suspense(USD), exchange.suspense(SME)) == (-600, -4)
    assert (exchange.balance(2, USD), exchange.balance(1, SME)) == (1000, 10)
    assert [exchange.inside(asset) for asset in (SME, BOND, USD)] == [10, 0, 1000]


@pytest.mark.parametrize(("beyond", "refused"), [(0, []), (1, ["BALANCE_OVERFLOW"])])
def test_what_the_venue_puts_up_counts_towards_63_bits(house, beyond, refused):
    house.fund(1, sme=1)
    house.fund(2, usd=100)
    house.rest(1, SELL, 100, 1)
    (trade,) = trades(house.do(m.NewOrder(account=2, side=BUY, price_ticks=100, qty_lots=1)))
    assert house.refused(m.Withdraw(account=1, asset=USD, amount_atoms=100)) == []
    house.fund(3, usd=ATOMS_MAX - 100 + beyond)
    assert house.refused(m.BustTrade(trade_seq=trade.seq)) == refused
    assert house.exchange.balance(2, USD) == (0 if refused else 100)
    assert house.exchange.suspense(USD) == (0 if refused else -100)
    assert house.refused(m.Deposit(account=3, asset=USD, amount_atoms=100)) == ["BALANCE_OVERFLOW"]


# --- curves -------------------------------------------------------------------------------------


@pytest.fixture
def curved(house):
    """The treasury's ten thousand are promised to the curve of instrument 0, which quotes around 100."""
    house.fund(TREASURY, usd=10_000)
    house.fund(1, sme=500, bond=500)
    house.do(buyback(), m.ProposeAnchor(low_ticks=100, high_ticks=100))
    return house


def test_what_one_curve_may_spend_no_other_may(curved):
    assert curved.refused(buyback(budget_notional=1), m.Deposit(account=TREASURY, asset=USD, amount_atoms=1)) == []
    assert curved.refused(buyback(budget_notional=10_000)) == []
    other = m.SetCurve(params=buyback(budget_notional=2).params, instrument=1)
    assert curved.refused(other) == ["CURVE_UNFUNDED"]
    curved.fund(TREASURY, usd=1)
    assert curved.refused(other) == []
    assert curved.refused(m.Withdraw(account=TREASURY, asset=USD, amount_atoms=1)) == ["INSUFFICIENT_AVAILABLE"]


def test_a_curve_never_spends_what_its_treasury_lacks(curved):
    while trades(curved.do(m.NewOrder(account=1, side=SELL, price_ticks=1, qty_lots=7, tif=TimeInForce.IOC))):
        balance, held = curved.money(TREASURY)
        assert balance == held >= 0
        if not curved.exchange.balance(1, SME) >= 7:
            break
    assert curved.exchange.balance(1, USD) + curved.exchange.balance(TREASURY, USD) == 10_000
    assert curved.exchange.balance(1, USD) > 5000


def test_a_curve_without_treasury_money_is_no_curve(house):
    assert house.refused(buyback()) == ["CURVE_UNFUNDED"]
    assert house.exchange.market(0).curve is None


def test_a_lift_takes_the_makers_fee_and_the_treasury_pays_none(exchange_class):
    house = House(exchange_class, max_fee_ppm=100_000)
    house.do(m.SetFees(tier=0, maker_ppm=10_000, taker_ppm=50_000))
    house.fund(TREASURY, usd=10_000)
    house.fund(1, sme=10)
    house.rest(1, SELL, 100, 10)
    house.do(buyback(anchor_move=1, lift_max_lots=50))
    (trade,) = trades(house.do(m.ProposeAnchor(low_ticks=110, high_ticks=110)))
    assert (trade.source, trade.qty_lots) == (Source.LIFT, 10)
    assert house.exchange.balance(1, USD) == 1000 - 10
    assert house.exchange.balance(TREASURY, USD) == 9000
    assert house.money(TREASURY) == (9000, 9000)
