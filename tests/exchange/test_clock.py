"""One clock for all markets, which catch up when they are named."""

from __future__ import annotations

import pytest

from parbook import messages as m
from parbook.codes import CancelReason, OrderType, TimeInForce, Trigger
from parbook.units import EVERY_INSTRUMENT
from tests.exchange.house import BUY, SELL, TREASURY, USD, House, buyback

EVERY = EVERY_INSTRUMENT


@pytest.fixture
def expiring(house):
    """In instrument 0 a buy of account 1 holds 500 USD until 100."""
    house.fund(1, usd=500)
    house.fund(2, bond=10)
    house.rest(1, BUY, 50, 10, tif=TimeInForce.GTD, expire_ns=100)
    return house


def test_time_passes_by_a_market_that_nobody_names(expiring):
    exchange = expiring.exchange
    assert expiring.told(m.Advance(ts_ns=200, instrument=1)) == [(1, ("time", 200))]
    assert (exchange.now_ns, exchange.market(0).now_ns, exchange.market(1).now_ns) == (200, 0, 200)
    withdrawal = m.Withdraw(account=1, asset=USD, amount_atoms=500)
    assert expiring.refused(withdrawal) == ["INSUFFICIENT_AVAILABLE"], "the market has not caught up"
    command = exchange.next_command
    events = expiring.do(m.CancelOrder(account=1, order_id=99))
    assert [(type(e).__name__, e.command) for e in events] == [("Cancelled", command), ("Rejected", command + 1)]
    assert events[0].reason is CancelReason.EXPIRED
    assert exchange.market(0).now_ns == 200
    assert expiring.refused(withdrawal) == []


def test_a_market_in_which_nothing_fell_due_catches_up_without_a_word_or_a_number(expiring):
    expiring.do(m.Advance(ts_ns=100, instrument=1))
    command = expiring.exchange.next_command
    (event,) = expiring.do(m.CancelOrder(account=1, order_id=1))
    assert (event.reason, event.command) == (CancelReason.REQUESTED, command)
    assert expiring.exchange.market(0).now_ns == 100


def test_what_falls_due_falls_due_at_its_own_time(house):
    """A dead-man's deadline before the expiry: the order leaves for the earlier reason, and was never there later."""
    house.fund(1, usd=500)
    house.rest(1, BUY, 50, 10, tif=TimeInForce.GTD, expire_ns=100)
    house.do(m.DeadMan(account=1, timeout_ns=60))
    house.do(m.Advance(ts_ns=500, instrument=1))
    told = house.told(m.Advance(ts_ns=0))
    assert told == [(0, ("cancelled", 1, 10, "DEADMAN")), (0, ("mass", 1, 1, "DEADMAN")), (0, ("time", 500))]


def test_no_time_lies_before_what_any_market_or_the_exchange_has_seen(house):
    house.do(m.Deposit(account=1, asset=USD, amount_atoms=5, ts_ns=50))
    assert house.refused(m.Advance(ts_ns=49, instrument=1)) == ["TIME_REVERSED"]
    house.do(m.Advance(ts_ns=70, instrument=0))
    assert house.refused(m.Advance(ts_ns=69, instrument=1)) == ["TIME_REVERSED"]
    assert house.refused(m.Deposit(account=1, asset=USD, amount_atoms=5, ts_ns=69)) == ["TIME_REVERSED"]
    assert house.refused(m.Deposit(account=1, asset=USD, amount_atoms=5, ts_ns=-1)) == ["TIME_REVERSED"]
    assert house.refused(m.Advance(ts_ns=70, instrument=1)) == []
    assert house.exchange.now_ns == 70


def test_a_refused_command_moves_the_clock_but_one_to_nowhere_does_not(house):
    house.do(m.CancelOrder(account=1, order_id=9, ts_ns=30, instrument=1))
    assert house.exchange.now_ns == 30
    for instrument in (2, 500, EVERY):
        told = house.told(m.CancelOrder(account=1, order_id=9, ts_ns=90, instrument=instrument))
        assert told == [(-1, ("rejected", "UNKNOWN_INSTRUMENT"))]
    assert house.exchange.now_ns == 30


def test_anchors_and_their_stops_catch_up_under_a_number_before_the_commands(house):
    house.fund(TREASURY, usd=10_000)
    house.fund(1, sme=10)
    house.do(buyback(activation_delay_ns=20), m.ProposeAnchor(low_ticks=90, high_ticks=90, ts_ns=10))
    house.rest(1, SELL, 80, 1, stop_ticks=95, trigger=Trigger.ANCHOR, tif=TimeInForce.IOC)
    house.do(m.Advance(ts_ns=30, instrument=1))
    assert house.exchange.market(0).curve.quoting is False
    first = house.exchange.next_command
    events = house.do(m.NewOrder(account=1, side=SELL, price_ticks=90, qty_lots=1))
    told = [(e.command - first, type(e).__name__) for e in events]
    assert told == [(0, "AnchorActivated"), (0, "Triggered"), (0, "Trade"), (1, "Accepted"), (1, "Trade")]
    assert house.exchange.balance(1, USD) == 180


# --- every instrument ---------------------------------------------------------------------------


def test_advancing_all_tells_what_fell_due_and_the_time_once(expiring):
    assert expiring.told(m.Advance(ts_ns=101, instrument=EVERY)) == [
        (0, ("cancelled", 1, 10, "EXPIRED")),
        (-1, ("time", 101)),
    ]
    assert [expiring.exchange.market(i).now_ns for i in (0, 1)] == [101, 101]
    assert expiring.money(1) == (500, 0)


def test_what_fell_due_before_has_numbers_of_its_own_and_all_of_the_command_one(house):
    house.fund(1, usd=1000)
    for instrument in (0, 1):
        house.rest(1, BUY, 50, 4, tif=TimeInForce.GTD, expire_ns=100, instrument=instrument)
        house.rest(1, BUY, 40, 1, instrument=instrument)
    house.do(m.Deposit(account=1, asset=USD, amount_atoms=1, ts_ns=150))
    first = house.exchange.next_command
    events = house.do(m.MassCancel(account=1, ts_ns=160, instrument=EVERY))
    told = [(e.command - first, e.instrument, type(e).__name__) for e in events]
    assert told == [
        (0, 0, "Cancelled"),
        (1, 1, "Cancelled"),
        (2, 0, "Cancelled"),
        (2, 0, "MassCancelled"),
        (2, 1, "Cancelled"),
        (2, 1, "MassCancelled"),
    ]
    assert house.exchange.next_command == first + 3
    assert house.money(1) == (1001, 0)


def test_a_kill_and_a_dead_man_reach_every_market(house):
    house.fund(1, usd=1000)
    for instrument in (0, 1):
        house.rest(1, BUY, 50, 1, instrument=instrument)
    told = house.told(m.DeadMan(account=1, timeout_ns=10, ts_ns=5, instrument=EVERY))
    assert told == [(0, ("deadman", 1, 15)), (1, ("deadman", 1, 15))]
    told = house.told(m.Kill(account=1, instrument=EVERY))
    assert [where for where, _ in told] == [0, 0, 0, 1, 1, 1]
    for instrument in (0, 1):
        order = m.NewOrder(account=1, side=BUY, price_ticks=50, qty_lots=1, instrument=instrument)
        assert house.refused(order) == ["ACCOUNT_KILLED"]


def test_a_reversed_time_is_refused_once_and_nothing_catches_up(expiring):
    expiring.do(m.Deposit(account=1, asset=USD, amount_atoms=1, ts_ns=150))
    for command in (m.Advance(ts_ns=149, instrument=EVERY), m.MassCancel(ts_ns=149, instrument=EVERY)):
        assert expiring.told(command) == [(-1, ("rejected", "TIME_REVERSED"))]
    assert expiring.exchange.market(0).open_orders == 1


def test_each_market_answers_a_bad_scope_for_itself(house):
    assert house.told(m.MassCancel(side=3, instrument=EVERY)) == [
        (0, ("rejected", "INVALID_SIDE")),
        (1, ("rejected", "INVALID_SIDE")),
    ]


def test_an_exchange_without_instruments_has_a_clock(exchange_class):
    house = House(exchange_class, instruments=0)
    assert house.told(m.Advance(ts_ns=9, instrument=EVERY)) == [(-1, ("time", 9))]
    assert house.told(m.Advance(ts_ns=8, instrument=EVERY)) == [(-1, ("rejected", "TIME_REVERSED"))]
    for command in (
        m.MassCancel(ts_ns=20, instrument=EVERY),
        m.Kill(account=1, ts_ns=20, instrument=EVERY),
        m.DeadMan(account=1, timeout_ns=1, ts_ns=20, instrument=EVERY),
        m.Advance(ts_ns=20, instrument=0),
    ):
        assert house.told(command) == [(-1, ("rejected", "UNKNOWN_INSTRUMENT"))]
    assert house.exchange.now_ns == 9


@pytest.mark.parametrize(
    "command",
    [
        m.NewOrder(account=1, side=BUY, qty_lots=1, price_ticks=1, instrument=EVERY),
        m.NewOrder(account=1, side=BUY, qty_lots=1, order_type=OrderType.MARKET, hidden=True, instrument=EVERY),
        m.SetState(state=0, instrument=EVERY),
        m.BustTrade(trade_seq=1, instrument=EVERY),
        m.SetCurve(
            params=m.CurveParams(shape=1, base_depth_lots=1, quote_depth_lots=1, budget_notional=1), instrument=EVERY
        ),
    ],
)
def test_other_kinds_name_one_instrument(house, command):
    assert house.told(command) == [(-1, ("rejected", "UNKNOWN_INSTRUMENT"))]
