"""Session states: where each may go, what each refuses, what entering one does. Written from docs/sessions.md."""

from __future__ import annotations

import itertools

import pytest

from parbook import messages as m
from parbook.codes import OrderType, SessionState, TimeInForce
from tests.parity.reading import read
from tests.support.venue import BUY, SELL, Venue, order

S = SessionState
PATHS = {
    S.CONTINUOUS: [S.AUCTION, S.CONTINUOUS],
    S.PRE_OPEN: [],
    S.AUCTION: [S.AUCTION],
    S.HALTED: [S.AUCTION, S.HALTED],
    S.CLOSING: [S.AUCTION, S.CONTINUOUS, S.CLOSING],
    S.CLOSED: [S.CLOSED],
    S.DELISTED: [S.DELISTED],
}
"""How a market that begins in PRE_OPEN reaches each state."""


def go(state):
    return m.SetState(state=state)


def venue_in(market_class, state, before=(), **instrument):
    venue = Venue(market_class, initial_state=S.PRE_OPEN, **instrument)
    venue.do(*before, *map(go, PATHS[state]))
    assert read(venue.market).state is state
    return venue


# --- transitions --------------------------------------------------------------------------------

ALLOWED = {
    S.CONTINUOUS: {S.AUCTION, S.HALTED, S.CLOSING, S.CLOSED, S.DELISTED},
    S.PRE_OPEN: {S.AUCTION, S.CLOSED, S.DELISTED},
    S.AUCTION: {S.CONTINUOUS, S.HALTED, S.CLOSED, S.DELISTED},
    S.HALTED: {S.CONTINUOUS, S.AUCTION, S.CLOSING, S.CLOSED, S.DELISTED},
    S.CLOSING: {S.HALTED, S.CLOSED, S.DELISTED},
    S.CLOSED: {S.PRE_OPEN, S.DELISTED},
    S.DELISTED: {S.PRE_OPEN},
}
"""CLOSED and DELISTED here lie over PRE_OPEN."""


@pytest.mark.parametrize(("start", "target"), list(itertools.product(S, S)))
def test_every_transition(market_class, start, target):
    venue = venue_in(market_class, start)
    told = venue.do(go(target))
    if target in ALLOWED[start]:
        assert told[-1] == ("state", start.name, target.name)
        assert read(venue.market).state is target
        opens = target is S.CONTINUOUS or (start, target) == (S.CLOSING, S.CLOSED)
        assert told[:-1] == ([("uncrossed", 0, 0, 0)] if opens else [])
    else:
        assert told == [("rejected", "INVALID_TRANSITION")]
        assert read(venue.market).state is start


@pytest.mark.parametrize("number", [7, 200])
def test_a_state_that_does_not_exist(market_class, number):
    assert Venue(market_class).do(m.SetState(state=number)) == [("rejected", "INVALID_TRANSITION")]


@pytest.mark.parametrize(
    ("phase", "beneath"),
    [(S.CONTINUOUS, S.PRE_OPEN), (S.PRE_OPEN, S.PRE_OPEN), (S.AUCTION, S.AUCTION), (S.HALTED, S.HALTED),
     (S.CLOSING, S.PRE_OPEN)],
)  # fmt: skip
def test_a_close_keeps_a_halt_or_an_auction_beneath_it(market_class, phase, beneath):
    venue = venue_in(market_class, phase)
    venue.do(go(S.CLOSED))
    others = [state for state in S if state not in (beneath, S.CLOSED, S.DELISTED)]
    assert venue.do(*map(go, others)) == [("rejected", "INVALID_TRANSITION")] * len(others)
    assert venue.do(go(beneath)) == [("state", "CLOSED", beneath.name)]


@pytest.mark.parametrize("state", [state for state in S if state is not S.DELISTED])
def test_a_delisting_outranks_every_state_and_relisting_finds_it_again(market_class, state):
    venue = venue_in(market_class, state)
    venue.do(go(S.DELISTED))
    others = [other for other in S if other is not state]
    assert venue.do(*map(go, others)) == [("rejected", "INVALID_TRANSITION")] * len(others)
    assert venue.do(go(state))[-1] == ("state", "DELISTED", state.name)
    assert read(venue.market).state is state


def test_a_delisting_keeps_the_close_and_the_phase_beneath_it(market_class):
    venue = venue_in(market_class, S.HALTED)
    venue.do(go(S.CLOSED), go(S.DELISTED))
    assert venue.do(go(S.HALTED)) == [("rejected", "INVALID_TRANSITION")]
    assert venue.do(go(S.CLOSED), go(S.HALTED)) == [
        ("state", "DELISTED", "CLOSED"),
        ("state", "CLOSED", "HALTED"),
    ]


@pytest.mark.parametrize("initial", [state for state in S if state is not S.DELISTED])
def test_a_market_begins_where_its_instrument_says(market_class, initial):
    venue = Venue(market_class, initial_state=initial)
    assert read(venue.market).state is initial
    assert read(venue.market).phase is (S.PRE_OPEN if initial is S.CLOSED else initial)


# --- what each state refuses --------------------------------------------------------------------

GATHERING = {
    "gtc": order(1, BUY, 90, 2),
    "gtd": order(1, BUY, 90, 2, tif=TimeInForce.GTD, expire_ns=9),
    "day": order(1, BUY, 90, 2, tif=TimeInForce.DAY),
    "post": order(1, BUY, 90, 2, order_type=OrderType.POST_ONLY),
    "stop": order(1, BUY, 120, 2, stop_ticks=115),
    "stop ioc": order(1, BUY, 120, 2, stop_ticks=115, tif=TimeInForce.IOC),
}
IMMEDIATE = {
    "ioc": order(1, BUY, 90, 2, tif=TimeInForce.IOC),
    "fok": order(1, BUY, 110, 1, tif=TimeInForce.FOK),
    "market": order(1, BUY, 0, 1, order_type=OrderType.MARKET, tif=TimeInForce.IOC),
    "market that rests": order(1, BUY, 0, 1, order_type=OrderType.MARKET),
    "market to limit": order(1, BUY, 0, 1, order_type=OrderType.MARKET_TO_LIMIT),
    "min": order(1, BUY, 110, 1, min_lots=1),
}
CALL = {
    "auction limit": order(1, BUY, 90, 2, tif=TimeInForce.AUCTION),
    "auction market": order(1, BUY, 0, 2, order_type=OrderType.MARKET, tif=TimeInForce.AUCTION),
}
CHANGING = {
    "amend": m.AmendOrder(account=2, order_id=3, qty_lots=3),
    "quote": m.Quote(account=1, bid_ticks=90, bid_lots=1),
}
CANCELLING = {
    "cancel": m.CancelOrder(account=2, order_id=3),
    "reduce": m.ReduceOrder(account=2, order_id=3, qty_lots=1),
    "mass cancel": m.MassCancel(account=2),
    "kill": m.Kill(account=2),
}
ALWAYS = {
    "time": m.Advance(ts_ns=5),
    "account": m.SetAccount(account=1, field=2, value=3),
    "dead man": m.DeadMan(account=1, timeout_ns=5),
    "reset": m.ResetProtection(account=7),
    "bust": m.BustTrade(trade_seq=3),
}
CALL_PHASE = GATHERING | CALL | CHANGING | CANCELLING | ALWAYS
PERMITS = {
    S.CONTINUOUS: GATHERING | IMMEDIATE | CHANGING | CANCELLING | ALWAYS,
    S.PRE_OPEN: CALL_PHASE,
    S.AUCTION: CALL_PHASE,
    S.HALTED: CANCELLING | ALWAYS,
    S.CLOSING: CALL_PHASE,
    S.CLOSED: CANCELLING | ALWAYS,
    S.DELISTED: ALWAYS,
}
EVERYTHING = GATHERING | IMMEDIATE | CALL | CHANGING | CANCELLING | ALWAYS
CONTINUOUS_PATHS = {
    S.CONTINUOUS: [],
    S.PRE_OPEN: [S.CLOSED, S.PRE_OPEN],
    S.AUCTION: [S.AUCTION],
    S.HALTED: [S.HALTED],
    S.CLOSING: [S.CLOSING],
    S.CLOSED: [S.CLOSED],
    S.DELISTED: [S.DELISTED],
}


@pytest.mark.parametrize(("state", "name"), list(itertools.product(S, EVERYTHING)))
def test_the_matrix(market_class, state, name):
    """Order 3 asks 4 lots at 104 for account 2; the last trade, event 3, was at 100; account 7 is registered."""
    venue = Venue(market_class, bust_window=4, market_rests=True)
    venue.trade(100)
    venue.do(order(2, SELL, 104, 4), m.SetAccount(account=7, field=1, value=7))
    venue.do(*map(go, CONTINUOUS_PATHS[state]))
    assert read(venue.market).state is state
    told = venue.do(EVERYTHING[name])
    if name in PERMITS[state]:
        assert told[0][0] != "rejected"
    else:
        # A delisting cancelled order 3, and an order is looked up before the state is.
        gone = state is S.DELISTED and name in ("amend", "cancel", "reduce")
        assert told == [("rejected", "UNKNOWN_ORDER" if gone else "STATE_FORBIDS")]


# --- what entering a state does -----------------------------------------------------------------


def resting(tif):
    return order(1, BUY, 90, 2, tif=tif, expire_ns=99 if tif is TimeInForce.GTD else 0)


def test_day_orders_leave_at_the_close_wherever_they_stand(market_class):
    venue = Venue(market_class)
    for tif in (TimeInForce.GTC, TimeInForce.GTD, TimeInForce.DAY):
        venue.do(resting(tif))
    venue.do(order(1, BUY, 120, 5, stop_ticks=110, tif=TimeInForce.DAY))
    venue.do(order(1, SELL, 120, 5, tif=TimeInForce.DAY, hidden=True))
    assert venue.do(go(S.CLOSED)) == [
        ("state", "CONTINUOUS", "CLOSED"),
        ("cancelled", 3, 2, "EXPIRED"),
        ("cancelled", 5, 5, "EXPIRED"),
        ("cancelled", 4, 5, "EXPIRED"),
    ]
    assert venue.live() == [1, 2]


def test_the_closing_auction_trades_day_orders_before_they_leave(market_class):
    venue = Venue(market_class)
    venue.do(go(S.CLOSING), order(1, BUY, 100, 5, tif=TimeInForce.DAY), order(2, SELL, 100, 3))
    assert venue.do(go(S.CLOSED)) == [
        ("uncrossed", 100, 3, 2),
        ("trade", 100, 3, 1, 2, "UNCROSS"),
        ("state", "CLOSING", "CLOSED"),
        ("cancelled", 1, 2, "EXPIRED"),
    ]


def test_other_closes_do_not_uncross(market_class):
    venue = venue_in(market_class, S.AUCTION)
    venue.do(order(1, BUY, 100, 5), order(2, SELL, 100, 3))
    assert venue.do(go(S.CLOSED)) == [("state", "AUCTION", "CLOSED")]
    assert venue.do(go(S.AUCTION)) == [("state", "CLOSED", "AUCTION"), ("indicative", 100, 3, 2)]


def test_relisting_into_closed_expires_nothing_and_delisting_cancels_all(market_class):
    venue = venue_in(market_class, S.AUCTION)
    venue.do(order(1, BUY, 100, 5), order(2, SELL, 100, 3, tif=TimeInForce.AUCTION))
    venue.do(order(3, BUY, 120, 1, stop_ticks=110), order(3, SELL, 130, 1, oco_order_id=3))
    assert venue.do(go(S.DELISTED)) == [
        ("state", "AUCTION", "DELISTED"),
        ("cancelled", 1, 5, "DELISTED"),
        ("cancelled", 2, 3, "DELISTED"),
        ("cancelled", 4, 1, "DELISTED"),
        ("cancelled", 3, 1, "OCO"),
    ]


def test_a_halt_in_the_auction_keeps_it_for_the_next_one(market_class):
    venue = venue_in(market_class, S.AUCTION)
    venue.do(order(1, BUY, 100, 5), order(2, SELL, 100, 3))
    assert venue.do(go(S.HALTED)) == [("state", "AUCTION", "HALTED")]
    assert venue.do(go(S.CONTINUOUS)) == [
        ("uncrossed", 100, 3, 2),
        ("trade", 100, 3, 1, 2, "UNCROSS"),
        ("state", "HALTED", "CONTINUOUS"),
    ]
