"""Mass cancels, the kill switch, dead-man timers, and what falls due when the clock moves."""

from __future__ import annotations

import pytest

from parbook import messages as m
from parbook.codes import AccountField, CancelReason, TimeInForce
from parbook.units import TIME_NS_MAX
from tests.support.scenario import curve_params
from tests.support.venue import BUY, SELL, Venue, order


@pytest.fixture
def venue(market_class):
    return Venue(market_class)


@pytest.mark.parametrize(
    ("scope", "gone"),
    [
        ({}, [1, 2, 3, 4]),
        ({"account": 1}, [1, 2]),
        ({"session": 7}, [1, 3]),
        ({"side": BUY}, [1, 4]),
        ({"side": SELL, "account": 1}, [2]),
        ({"account": 2, "session": 8}, [4]),
        ({"account": 9}, []),
    ],
)
def test_the_scope_of_a_mass_cancel(venue, scope, gone):
    venue.do(order(1, BUY, 90, 1, session=7), order(1, SELL, 110, 1, session=8))
    venue.do(order(2, SELL, 110, 1, session=7), order(2, BUY, 120, 1, session=8, stop_ticks=115))
    told = venue.do(m.MassCancel(reason=CancelReason.DISCONNECTED, **scope))
    assert told[-1] == ("mass", scope.get("account", 0), len(gone), "DISCONNECTED")
    assert [fields[1] for fields in told[:-1]] == gone
    assert sorted(venue.live()) == sorted({1, 2, 3, 4} - set(gone))


def test_a_mass_cancel_is_refused_for_other_sides_and_reasons(venue):
    assert venue.do(m.MassCancel(side=3)) == [("rejected", "INVALID_SIDE")]
    assert venue.do(m.MassCancel(reason=CancelReason.KILLED)) == [("rejected", "INVALID_COMBINATION")]


def test_a_killed_account_enters_nothing_until_it_is_lifted(venue):
    venue.do(order(1, BUY, 90, 1), order(2, BUY, 90, 1))
    assert venue.do(m.Kill(account=1)) == [
        ("set", 1, "KILLED", 1),
        ("cancelled", 1, 1, "KILLED"),
        ("mass", 1, 1, "KILLED"),
    ]
    assert venue.do(order(1, BUY, 90, 1)) == [("rejected", "ACCOUNT_KILLED")]
    assert venue.do(m.Quote(account=1, bid_ticks=90, bid_lots=1)) == [("rejected", "ACCOUNT_KILLED")]
    venue.do(m.SetAccount(account=1, field=AccountField.KILLED, value=0))
    assert venue.do(order(1, BUY, 90, 1))[0][0] == "accepted"


def test_a_dead_man_fires_at_its_deadline_once_unless_it_is_moved_or_disarmed(venue):
    venue.do(order(1, BUY, 90, 1), m.DeadMan(account=1, timeout_ns=10, ts_ns=5))
    assert venue.do(m.DeadMan(account=1, timeout_ns=10, ts_ns=14)) == [("deadman", 1, 24)]
    assert venue.do(m.Advance(ts_ns=23)) == [("time", 23)]
    assert venue.do(m.Advance(ts_ns=24)) == [("cancelled", 1, 1, "DEADMAN"), ("mass", 1, 1, "DEADMAN"), ("time", 24)]
    assert venue.do(m.Advance(ts_ns=99)) == [("time", 99)]
    venue.do(m.DeadMan(account=1, timeout_ns=1))
    assert venue.do(m.DeadMan(account=1, timeout_ns=0), m.Advance(ts_ns=200)) == [("deadman", 1, 0), ("time", 200)]
    assert venue.do(m.DeadMan(account=1, timeout_ns=-1)) == [("rejected", "LIMIT_OUT_OF_RANGE")]


def test_a_deadline_saturates_where_the_clock_ends(venue):
    told = venue.do(m.DeadMan(account=1, timeout_ns=TIME_NS_MAX, ts_ns=9))
    assert told == [("deadman", 1, TIME_NS_MAX)]


def test_an_order_may_trade_until_its_last_moment_and_no_later(venue):
    for _ in range(2):
        venue.do(order(1, BUY, 90, 1, tif=TimeInForce.GTD, expire_ns=50))
    assert venue.do(order(2, SELL, 90, 1, tif=TimeInForce.IOC, ts_ns=50))[1][0] == "trade"
    assert venue.do(order(2, SELL, 90, 1, tif=TimeInForce.IOC, ts_ns=51))[0] == ("cancelled", 2, 1, "EXPIRED")


def test_what_falls_due_happens_in_order_of_its_time(venue):
    """At one time: orders by id, accounts by number, anchors; before the command itself, a refused one too."""
    venue.do(m.SetCurve(params=curve_params("pmm depth=4 delay=20")))
    gtd = {"tif": TimeInForce.GTD}
    venue.do(order(3, BUY, 80, 1, **gtd, expire_ns=19), order(3, BUY, 81, 1, **gtd, expire_ns=9))
    venue.do(order(3, BUY, 82, 1, **gtd, expire_ns=19), order(2, BUY, 83, 1), order(1, BUY, 84, 1))
    venue.do(m.DeadMan(account=2, timeout_ns=20), m.DeadMan(account=1, timeout_ns=20))
    venue.do(m.ProposeAnchor(low_ticks=100, high_ticks=100))
    assert venue.do(m.CancelOrder(account=1, order_id=99, ts_ns=30)) == [
        ("cancelled", 2, 1, "EXPIRED"),
        ("cancelled", 1, 1, "EXPIRED"),
        ("cancelled", 3, 1, "EXPIRED"),
        ("cancelled", 5, 1, "DEADMAN"),
        ("mass", 1, 1, "DEADMAN"),
        ("cancelled", 4, 1, "DEADMAN"),
        ("mass", 2, 1, "DEADMAN"),
        ("anchor", 100, 100),
        ("rejected", "UNKNOWN_ORDER"),
    ]
    assert venue.market.now_ns == 30
