"""Registered accounts: denials, sizes, position, open orders, rate, reduce-only, protection."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parbook import messages as m
from parbook.codes import AccountField, Denial, OrderType, RejectCode, StpMode, TimeInForce
from parbook.units import NOTIONAL_MAX, QTY_LOTS_MAX, TIME_NS_MAX
from tests.parity.reading import read
from tests.support.markets import MARKETS, examples
from tests.support.scenario import state_but_counters
from tests.support.venue import BUY, SELL, Venue, order

SECOND = 10**9


@pytest.fixture
def venue(market_class):
    return Venue(market_class)


def refused(code):
    return [("rejected", code)]


# --- SET_ACCOUNT --------------------------------------------------------------------------------

RANGES = {
    "stp_group": (0, 2**63 - 1),
    "position_lots": (-(2**62), 2**62),
    "max_long_lots": (0, 2**62),
    "max_short_lots": (0, 2**62),
    "max_open_orders": (0, 2**32),
    "max_order_lots": (0, QTY_LOTS_MAX),
    "max_order_notional": (0, NOTIONAL_MAX),
    "rate_per_second": (0, 10**9),
    "rate_burst": (1, 2**20),
    "allowed_types": (0, 255),
    "allowed_tifs": (0, 255),
    "denied": (0, 63),
    "protection_lots": (0, 2**62),
    "protection_window_ns": (0, TIME_NS_MAX),
    "killed": (0, 1),
}


@pytest.mark.parametrize("name", RANGES)
def test_every_field_takes_the_ends_of_its_range_and_nothing_beyond(venue, name):
    venue.limit(1, max_open_orders=7)
    field = AccountField[name.upper()]
    for value in RANGES[name]:
        venue.limit(1, **{name: value})
        assert read(venue.market).accounts[0][name] == value
    for value in (RANGES[name][0] - 1, RANGES[name][1] + 1):
        if -(2**63) <= value < 2**63:
            before = state_but_counters(venue.market)
            assert venue.do(m.SetAccount(account=1, field=field, value=value)) == refused("LIMIT_OUT_OF_RANGE")
            assert state_but_counters(venue.market) == before


def test_one_field_touches_no_other(venue):
    for number, name in enumerate(RANGES, start=1):
        venue.limit(number, position_lots=0)
        before = read(venue.market).accounts[number - 1].copy()
        venue.limit(number, **{name: 1})
        after = read(venue.market).accounts[number - 1]
        # A new rate or burst fills the bucket.
        may_change = {name, "bucket", "bucket_at_ns"} if name.startswith("rate") else {name}
        changed = {field for field in after.dtype.names if before[field] != after[field]}
        assert changed <= may_change


@pytest.mark.parametrize("field", [0, 16, 255])
def test_unknown_fields(venue, field):
    assert venue.do(m.SetAccount(account=1, field=field, value=1)) == refused("LIMIT_OUT_OF_RANGE")
    assert len(read(venue.market).accounts) == 0


def test_account_0_is_the_curve(venue):
    for command in (
        m.SetAccount(account=0, field=AccountField.KILLED, value=1),
        m.Kill(account=0),
        m.DeadMan(account=0, timeout_ns=1),
        m.Quote(account=0),
        m.ResetProtection(account=0),
    ):
        assert venue.do(command) == refused("INVALID_ACCOUNT")


def test_only_so_many_register(market_class):
    venue = Venue(market_class, max_accounts=2)
    venue.limit(5, killed=0)
    venue.do(m.DeadMan(account=3, timeout_ns=0))
    assert venue.do(m.SetAccount(account=4, field=AccountField.KILLED, value=0)) == refused("ACCOUNTS_FULL")
    assert venue.do(m.Kill(account=4)) == refused("ACCOUNTS_FULL")
    assert venue.do(m.DeadMan(account=4, timeout_ns=1)) == refused("ACCOUNTS_FULL")
    venue.limit(5, killed=1)
    assert list(read(venue.market).accounts["account"]) == [3, 5]


def test_registering_finds_the_orders_that_are_live_already(venue):
    venue.do(order(1, BUY, 90, 4), order(1, BUY, 120, 3, stop_ticks=110))
    venue.limit(1, max_long_lots=9)
    assert venue.do(order(1, BUY, 90, 3)) == refused("POSITION_LIMIT")
    assert venue.do(order(1, BUY, 90, 2))[0][0] == "accepted"


# --- use ----------------------------------------------------------------------------------------


def test_registered_only(market_class):
    venue = Venue(market_class, registered_only=True)
    assert venue.do(order(1, BUY, 90, 1)) == refused("UNKNOWN_ACCOUNT")
    assert venue.do(m.Quote(account=1, bid_ticks=90, bid_lots=1)) == refused("UNKNOWN_ACCOUNT")
    venue.limit(1, killed=0)
    assert venue.do(order(1, BUY, 90, 1))[0][0] == "accepted"


def test_reduce_only_needs_a_position_that_is_kept_here(venue):
    assert venue.do(order(1, SELL, 90, 1, reduce_only=True)) == refused("UNKNOWN_ACCOUNT")
    assert venue.do(m.ResetProtection(account=1)) == refused("UNKNOWN_ACCOUNT")


@pytest.mark.parametrize("order_type", [OrderType.LIMIT, OrderType.POST_ONLY, OrderType.POST_SLIDE])
def test_allowed_types(venue, order_type):
    venue.limit(1, allowed_types=255 - (1 << order_type))
    assert venue.do(order(1, BUY, 90, 1, order_type=order_type)) == refused("TYPE_NOT_ALLOWED")
    venue.limit(1, allowed_types=1 << order_type)
    assert venue.do(order(1, BUY, 90, 1, order_type=order_type))[0][0] == "accepted"


@pytest.mark.parametrize("tif", [TimeInForce.GTC, TimeInForce.IOC, TimeInForce.DAY])
def test_allowed_tifs(venue, tif):
    venue.limit(1, allowed_tifs=255 - (1 << tif))
    assert venue.do(order(1, BUY, 90, 1, tif=tif)) == refused("TIF_NOT_ALLOWED")
    venue.limit(1, allowed_tifs=1 << tif)
    assert venue.do(order(1, BUY, 90, 1, tif=tif))[0][0] == "accepted"


def test_denied_resting(venue):
    venue.limit(1, denied=Denial.RESTING)
    for tif in (TimeInForce.GTC, TimeInForce.DAY):
        assert venue.do(order(1, BUY, 90, 1, tif=tif)) == refused("RESTING_DENIED")
    assert venue.do(m.Quote(account=1, bid_ticks=90, bid_lots=1)) == refused("RESTING_DENIED")
    assert venue.do(order(1, BUY, 90, 1, tif=TimeInForce.IOC))[0][0] == "accepted"


@pytest.mark.parametrize(
    ("denied", "refusals"),
    [
        (Denial.AMEND, ["AMEND_DENIED", None, None]),
        (Denial.CANCEL, [None, "CANCEL_DENIED", "CANCEL_DENIED"]),
        (Denial.QUOTE, [None, None, None]),
    ],
)
def test_denied_changes(venue, denied, refusals):
    venue.do(order(1, BUY, 90, 9))
    venue.limit(1, denied=denied)
    for refusal, command in zip(
        refusals,
        [
            m.AmendOrder(account=1, order_id=1, qty_lots=8),
            m.ReduceOrder(account=1, order_id=1, qty_lots=1),
            m.CancelOrder(account=1, order_id=1),
        ],
        strict=True,
    ):
        told = venue.do(command)
        assert told == refused(refusal) if refusal else told[0][0] in ("amended", "cancelled")
    quote = venue.do(m.Quote(account=1, bid_ticks=90, bid_lots=1))
    assert quote == refused("QUOTE_DENIED") if denied is Denial.QUOTE else quote[-1][0] == "quoted"


def test_the_order_of_refusals(venue):
    """Each step mends the reason that came first."""
    bad = order(
        1, BUY, 0, QTY_LOTS_MAX + 1, order_type=OrderType.POST_ONLY, tif=TimeInForce.DAY, client_id=5, ts_ns=SECOND
    )
    venue.limit(1, max_order_lots=5, max_order_notional=400, max_open_orders=1, max_long_lots=2)
    venue.do(order(1, BUY, 90, 1, client_id=5))
    venue.limit(1, killed=1, allowed_types=0, allowed_tifs=0, denied=15)

    def change(**fields):
        nonlocal bad
        bad = m.NewOrder(**{name: getattr(bad, name) for name in bad.__struct_fields__} | fields)

    for code, mend in (
        ("ACCOUNT_KILLED", lambda: venue.limit(1, killed=0)),
        ("TYPE_NOT_ALLOWED", lambda: venue.limit(1, allowed_types=255)),
        ("TIF_NOT_ALLOWED", lambda: venue.limit(1, allowed_tifs=255)),
        ("RESTING_DENIED", lambda: venue.limit(1, denied=0)),
        ("DUPLICATE_CLIENT_ID", lambda: change(client_id=6)),
        ("QTY_OUT_OF_RANGE", lambda: change(qty_lots=6)),
        ("PRICE_OUT_OF_RANGE", lambda: change(price_ticks=90)),
        ("ORDER_TOO_LARGE", lambda: change(qty_lots=5)),
        ("NOTIONAL_TOO_LARGE", lambda: change(qty_lots=4)),
        ("OPEN_ORDER_LIMIT", lambda: venue.limit(1, max_open_orders=2)),
        ("POSITION_LIMIT", lambda: venue.limit(1, max_long_lots=5)),
    ):
        assert venue.do(bad) == refused(code)
        mend()
    assert venue.do(bad) == [("accepted", 2, "BOOK", 90, 4)]


# --- limits -------------------------------------------------------------------------------------


def test_positions_follow_the_fills_of_both_sides(venue):
    venue.limit(98, position_lots=0)
    venue.limit(99, position_lots=-3)
    venue.trade(100, 5)
    assert (venue.position(98), venue.position(99)) == (-5, 2)


@pytest.mark.parametrize(("side", "far_ticks", "name"), [(BUY, 90, "max_long_lots"), (SELL, 110, "max_short_lots")])
def test_position_and_open_orders_together_stay_inside_the_limit(venue, side, far_ticks, name):
    sign = 1 if side is BUY else -1
    venue.limit(1, **{name: 10, "position_lots": sign * 4})
    venue.do(order(1, side, far_ticks, 3))
    trigger = 130 if side is BUY else 70
    assert venue.do(order(1, side, trigger, 4, stop_ticks=trigger)) == refused("POSITION_LIMIT")
    assert venue.do(order(1, side, trigger, 3, stop_ticks=trigger))[0][0] == "accepted"
    assert venue.do(order(1, side, far_ticks, 1)) == refused("POSITION_LIMIT")
    other = SELL if side is BUY else BUY
    assert venue.do(order(1, other, 200 - far_ticks, 9))[0][0] == "accepted"


def test_amendments_count_what_they_add(venue):
    venue.limit(1, max_long_lots=10)
    venue.do(order(1, BUY, 90, 6))
    assert venue.do(m.AmendOrder(account=1, order_id=1, qty_lots=11)) == refused("POSITION_LIMIT")
    assert venue.do(m.AmendOrder(account=1, order_id=1, qty_lots=10))[0] == ("amended", 1, 10, "LOST")
    venue.limit(1, max_long_lots=2)
    assert venue.do(m.AmendOrder(account=1, order_id=1, qty_lots=9))[0] == ("amended", 1, 9, "KEPT")


def test_open_orders_count_wherever_they_stand(venue):
    venue.limit(1, max_open_orders=2)
    venue.do(order(1, BUY, 90, 1), order(1, BUY, 120, 1, stop_ticks=110))
    assert venue.do(order(1, SELL, 120, 1)) == refused("OPEN_ORDER_LIMIT")
    assert venue.do(order(1, SELL, 120, 1, tif=TimeInForce.IOC))[0][0] == "accepted"
    assert venue.do(order(1, BUY, 130, 1, tif=TimeInForce.IOC, stop_ticks=125)) == refused("OPEN_ORDER_LIMIT")
    venue.do(m.CancelOrder(account=1, order_id=2))
    assert venue.do(order(1, SELL, 120, 1))[0][0] == "accepted"


@pytest.mark.parametrize("mode", [StpMode.CANCEL_NEWEST, StpMode.CANCEL_OLDEST])
def test_accounts_of_one_group_do_not_trade_with_each_other(market_class, mode):
    venue = Venue(market_class, stp=mode)
    venue.limit(1, stp_group=7)
    venue.limit(2, stp_group=7)
    assert venue.trade(100, 1, seller=1, buyer=3)[-1][0] == "trade"
    told = venue.trade(100, 1, seller=1, buyer=2)
    assert [name for name, *_ in told] == ["accepted", "accepted", "Prevented", "cancelled"]
    # An account that was never registered has its own number for a group, which another may join.
    venue.limit(2, stp_group=5)
    told = venue.trade(99, 1, seller=5, buyer=2)
    assert "Prevented" in [name for name, *_ in told]
    assert "trade" not in [name for name, *_ in told]


# --- rate ---------------------------------------------------------------------------------------


def test_a_bucket_of_tokens(venue):
    venue.limit(1, rate_per_second=2, rate_burst=3)
    cheap = order(1, BUY, 90, 1)
    told = [venue.do(cheap)[0][0] for _ in range(4)]
    assert told == ["accepted"] * 3 + ["rejected"]
    late = order(1, BUY, 90, 1, ts_ns=SECOND // 2 - 1)
    assert venue.do(late) == refused("RATE_LIMITED")
    assert venue.do(order(1, BUY, 90, 1, ts_ns=SECOND // 2))[0][0] == "accepted"
    assert venue.do(order(1, BUY, 90, 1)) == refused("RATE_LIMITED")
    venue.do(m.Advance(ts_ns=100 * SECOND))
    told = [venue.do(cheap)[0][0] for _ in range(4)]
    assert told == ["accepted"] * 3 + ["rejected"]


def test_new_amend_and_quote_take_a_token_and_nothing_else_does(venue):
    venue.limit(1, rate_per_second=1, rate_burst=4)
    assert venue.do(order(1, BUY, 90, 9))[0][0] == "accepted"
    venue.do(m.AmendOrder(account=1, order_id=1, qty_lots=8), m.Quote(account=1, ask_ticks=110, ask_lots=1))
    venue.do(m.ReduceOrder(account=1, order_id=1, qty_lots=1), m.CancelOrder(account=1, order_id=2))
    venue.do(m.DeadMan(account=1, timeout_ns=0), m.ResetProtection(account=1))
    assert venue.do(m.AmendOrder(account=1, order_id=1, price_ticks=89))[0][0] == "amended"
    before = state_but_counters(venue.market)
    for command in (
        order(1, BUY, 90, 9),
        m.AmendOrder(account=1, order_id=1, qty_lots=6),
        m.Quote(account=1, ask_ticks=110, ask_lots=1),
    ):
        assert venue.do(command) == refused("RATE_LIMITED")
        assert state_but_counters(venue.market) == before


def test_a_refused_command_takes_no_token(venue):
    venue.limit(1, rate_per_second=1, rate_burst=1)
    assert venue.do(order(1, BUY, 90, 1, tif=TimeInForce.FOK)) == refused("FOK_UNFILLABLE")
    assert venue.do(order(1, BUY, 90, 1, min_lots=1)) == refused("MIN_QTY_UNFILLABLE")
    assert venue.do(order(1, BUY, 90, 1))[0][0] == "accepted"
    assert venue.do(order(1, BUY, 90, 1, tif=TimeInForce.FOK)) == refused("FOK_UNFILLABLE")
    assert venue.do(order(1, BUY, 90, 1)) == refused("RATE_LIMITED")


def test_at_the_end_of_time_the_bucket_does_not_overflow(venue):
    venue.limit(1, rate_per_second=10**9, rate_burst=2**20)
    assert venue.do(order(1, BUY, 90, 1, ts_ns=TIME_NS_MAX))[0][0] == "accepted"
    assert read(venue.market).accounts[0]["bucket"] == (2**20 - 1) * SECOND


@pytest.mark.parametrize("name", MARKETS)
@examples(100)
@given(
    st.integers(1, 5),
    st.integers(1, 4),
    st.lists(st.integers(0, SECOND), min_size=1, max_size=30),
)
def test_no_window_admits_more_than_burst_and_rate_together(name, rate, burst, gaps):
    venue = Venue(MARKETS[name])
    venue.limit(1, rate_per_second=rate, rate_burst=burst)
    now_ns, admitted = 1, []
    for gap in gaps:
        now_ns += gap
        (event,) = venue.raw(order(1, BUY, 90, 1, ts_ns=now_ns))
        if isinstance(event, m.Accepted):
            admitted.append(now_ns)
        else:
            assert event.code is RejectCode.RATE_LIMITED
            recent = [at for at in admitted if (now_ns - at) * rate < burst * SECOND]
            assert recent  # refused only where it had been busy
    for i, start in enumerate(admitted):
        for j, end in enumerate(admitted[i:]):
            assert j + 1 <= burst + (end - start) * rate // SECOND
