"""Listing, curves, the fair price, sessions and limits."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

import parbook as pb
from parbook import messages as m
from parbook._exchange import Exchange as Core
from parbook.codes import AccountField, RejectCode
from parbook.errors import ConversionError, MisuseError
from tests.venue.conftest import BUYBACK, TREASURY, Place, opened


def test_a_curve_in_a_persons_units_is_the_engines():
    place = opened(None)
    assert BUYBACK.params(place.mkt) == pb.CurveParams(
        shape=pb.CurveShape.LINEAR,
        base_depth_lots=240_000,
        quote_depth_lots=240_000,
        budget_notional=2_500_000_000,
        k_ppm=500_000,
        spread_ppm=2_500,
        par_lots=1_000,
        drop_ppm=30_000,
        activation_delay_ns=100,
    )
    pmm = pb.Pmm(budget="1000.5", depth_lots=500, k="0.1", spread_bps="2.25", rung="0.0010", min_net_lots=-5)
    assert pmm.params(place.mkt) == pb.CurveParams(
        shape=pb.CurveShape.PMM,
        base_depth_lots=500,
        quote_depth_lots=500,
        budget_notional=10_005_000,
        k_ppm=100_000,
        spread_ppm=225,
        rung_ticks=10,
        min_net_lots=-5,
    )
    redemption = pb.Redemption(budget=10, depth_lots=5, base_depth_lots=7, drop_bps=100, anchor_move="lift")
    params = redemption.params(place.mkt)
    assert (params.shape, params.base_depth_lots, params.drop_ppm) == (pb.CurveShape.REDEMPTION, 7, 10_000)
    assert params.anchor_move is pb.AnchorMove.LIFT
    assert params.resale is pb.CurveResale.ALONG
    for given in ("above_high", "ABOVE_HIGH", 1, pb.CurveResale.ABOVE_HIGH):
        assert replace(redemption, resale=given).params(place.mkt).resale is pb.CurveResale.ABOVE_HIGH


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"budget": "0.00001"}, "SME-A/USDx curve budget=0.00001 is not a whole number"),
        ({"budget": 0.5}, "float is not accepted"),
        ({"drop_bps": "0"}, r"curve: drop_bps \(in ppm\)=0 is outside 1"),
        ({"spread_bps": "0.001"}, "Nearest accepted: 0.00 or 0.01"),
        ({"depth_lots": 0, "base_depth_lots": 1}, "curve: depth_lots=0 is outside 1"),
        ({"k": 2}, "k=2 lies outside 0"),
        ({"resale": "above"}, r"curve resale='above' is no CurveResale. Did you mean 'above_high'\?"),
        ({"resale": 2}, "curve resale=2 is no CurveResale"),
        ({"anchor_move": "jump"}, "anchor_move='jump' is no AnchorMove"),
        ({"par_lots": -1}, "curve: par_lots=-1 is outside"),
    ],
)
def test_a_curve_that_is_none_says_which_field_is_wrong(place: Place, given, why):
    fields = {"budget": 10, "depth_lots": 5, "drop_bps": 100} | given
    with pytest.raises(MisuseError, match=why):
        place.ex.set_curve(place.mkt, pb.LinearBuyback(**fields))


def test_a_curve_needs_a_treasury_that_can_pay():
    ex = pb.Exchange()
    usd, loan = ex.add_asset("USDx", decimals=6), ex.add_asset("SME-A")
    about = {"base": loan, "quote": usd, "tick": "0.0001"}
    with pytest.raises(MisuseError, match=r"has no treasury to pay for a curve. Name one: add_instrument\(treasury"):
        ex.add_instrument("A", curve=BUYBACK, **about)
    ex.deposit(TREASURY, usd, "1000.5")
    why = "A: the curve needs 250000.000000 USDx of its treasury, account 1, which has 1000.500000 available; nothing"
    with pytest.raises(MisuseError, match=why):
        ex.add_instrument("A", curve=BUYBACK, treasury=TREASURY, **about)
    assert not ex.instruments
    assert not ex.core.listings
    mkt = ex.add_instrument("A", treasury=TREASURY, **about)
    assert ex.set_curve(mkt, BUYBACK).code is pb.RejectCode.CURVE_UNFUNDED
    ex.deposit(TREASURY, usd, "248999.5")
    assert ex.set_curve(mkt, BUYBACK).ok
    assert ex.balances(TREASURY)["USDx"].available == 0
    selling = pb.Pmm(budget="1", depth_lots=10, min_net_lots=-1)
    ex.deposit(TREASURY, usd, 1)
    with pytest.raises(MisuseError, match="A2: the curve needs 1 SME-A of its treasury, account 1, which has 0 avail"):
        ex.add_instrument("A2", curve=selling, treasury=TREASURY, **about)


@pytest.mark.parametrize(
    ("price", "conf", "low", "high"),
    [
        ("0.9873", "0.0005", 9868, 9878),
        ("0.98735", "0.00001", 9873, 9874),
        ("0.98735", 0, 9873, 9874),
        ("0.98739999999999999999999999999999999", "0.0000000000000000000000000001", 9873, 9875),
        (1, "0.9999", 1, 19_999),
    ],
)
def test_an_observation_becomes_an_anchor_rounded_outwards(with_curve: Place, price, conf, low, high):
    done = with_curve.ex.observe(with_curve.mkt, source="nav", price=price, conf=conf)
    proposed = next(event for event in done.events if isinstance(event, m.AnchorProposed))
    assert (proposed.low_ticks, proposed.high_ticks) == (low, high)


@pytest.mark.parametrize(("price", "conf"), [("0.9", "0.9"), ("0.9", "-0.1"), ("0", "0"), ("-1", "0"), (0.98, 0)])
def test_an_observation_that_is_no_price_is_refused(with_curve: Place, price, conf):
    with pytest.raises(ConversionError, match="observe SME-A/USDx from nav: "):
        with_curve.ex.observe(with_curve.mkt, source="nav", price=price, conf=conf)


def test_an_anchor_activates_when_its_delay_is_over_and_can_be_taken_back(with_curve: Place):
    ex, mkt = with_curve.ex, with_curve.mkt
    curve = ex.market(mkt).curve
    assert curve is not None
    assert (curve.low_ticks, curve.high_ticks) == (9870, 9876)
    ex.observe(mkt, price="0.9000", ts=5_000)
    ex.advance(ts=5_099)
    assert ex.market(mkt).curve == replace(curve, proposed=1)
    assert ex.withdraw_anchors(mkt).ok
    ex.observe(mkt, price="0.9100", ts=6_000)
    ex.advance(mkt, ts=6_100)
    assert ex.market(mkt).curve == replace(curve, low_ticks=9100, high_ticks=9100)
    assert ex.fund_curve(mkt, "12.5").ok
    assert ex.market(mkt).curve == replace(curve, low_ticks=9100, high_ticks=9100, cash_notional=125_000)
    with pytest.raises(ConversionError, match=r"fund_curve on .*budget"):
        ex.fund_curve(mkt, "0.00001")
    assert ex.fund_curve(mkt, "1000000000").code == RejectCode.CURVE_UNFUNDED
    assert ex.withdraw_curve(mkt).ok
    assert len(ex.depth(mkt)) == 0


def test_rules_of_an_instrument_take_names_and_bps():
    ex = pb.Exchange()
    base, quote = ex.add_asset("B"), ex.add_asset("Q")
    mkt = ex.add_instrument(
        "B/Q", base=base, quote=quote, stp="cancel_oldest", collar_bps=500, static_band_bps="12.5",
        allocation="pro_rata", initial_state="pre_open", breach_state=pb.SessionState.HALTED, bust_window=5,
        max_fee_bps="2.5",
    )  # fmt: skip
    rules = mkt.instrument
    assert (rules.stp, rules.allocation) == (pb.StpMode.CANCEL_OLDEST, pb.Allocation.PRO_RATA)
    assert (rules.collar_ppm, rules.static_band_ppm, mkt.listing.max_fee_ppm) == (50_000, 1_250, 250)
    assert (rules.initial_state, rules.breach_state) == (pb.SessionState.PRE_OPEN, pb.SessionState.HALTED)
    assert rules.bust_window == 5


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ({"collar": 5}, "collar=5 is no rule of an instrument. There are collar_ppm"),
        ({"stp": "default"}, "stp=<StpMode.DEFAULT: 0> must be one of"),
        ({"stp": "cancel"}, "stp='cancel' is no StpMode. Did you mean"),
        ({"collar_bps": 0.5}, "float is not accepted"),
        ({"tick": 0}, "tick=0 must be positive"),
        ({"quote": 1}, "base and quote are both SME-A"),
        ({"quote": 7}, "asset=7: the exchange has"),
        ({"treasury": -1}, "treasury=-1 is outside"),
        ({"max_fee_bps": 10_000}, "max_fee_ppm=1000000 is outside"),
    ],
)
def test_an_instrument_that_makes_no_sense_is_not_added(place: Place, rules, why):
    with pytest.raises(MisuseError, match=why):
        place.ex.add_instrument("X", **{"base": place.loan, "quote": place.usd, **rules})
    assert place.ex.instruments == (place.mkt,)
    with pytest.raises(MisuseError, match="SME-A/USDx exists already"):
        place.ex.add_instrument("SME-A/USDx", base=place.loan, quote=place.usd)
    with pytest.raises(MisuseError, match="asset USDx exists already"):
        place.ex.add_asset("USDx")
    assert (len(place.ex.instruments), len(place.ex.assets)) == (1, 2) == (1, len(place.ex.core.assets))


def test_sessions_move_by_name(place: Place):
    assert place.ex.set_state(place.mkt, "halted").ok
    assert place.ex.place(place.mkt, 7, "buy", 1, 1).code is pb.RejectCode.STATE_FORBIDS
    assert place.ex.set_state(place.mkt, "pre_open").code is pb.RejectCode.INVALID_TRANSITION
    with pytest.raises(MisuseError, match=r"state='halt' is no SessionState. Did you mean 'halted'"):
        place.ex.set_state(place.mkt, "halt")


def test_time_is_a_command_and_never_goes_back(place: Place):
    assert place.ex.advance(ts=100).ok
    assert place.ex.now_ns == 100
    assert place.ex.advance(ts=99).code is pb.RejectCode.TIME_REVERSED
    assert place.ex.deposit(7, place.usd, 1, ts=99).code is pb.RejectCode.TIME_REVERSED


@pytest.mark.parametrize(
    ("limit", "field", "value"),
    [
        ({"max_long": "500"}, AccountField.MAX_LONG_LOTS, 500),
        ({"max_long_lots": 500}, AccountField.MAX_LONG_LOTS, 500),
        ({"position": "-20"}, AccountField.POSITION_LOTS, -20),
        ({"max_order_value": "100.5"}, AccountField.MAX_ORDER_NOTIONAL, 1_005_000),
        ({"allowed_types": ["limit", "post_only"]}, AccountField.ALLOWED_TYPES, 0b101),
        ({"allowed_tifs": [pb.TimeInForce.IOC]}, AccountField.ALLOWED_TIFS, 0b10),
        ({"denied": ["amend", "quote"]}, AccountField.DENIED, 10),
        ({"denied": "buy"}, AccountField.DENIED, 16),
        ({"denied": 3}, AccountField.DENIED, 3),
        ({"killed": True}, AccountField.KILLED, 1),
        ({"rate_per_second": 7}, AccountField.RATE_PER_SECOND, 7),
    ],
)
def test_each_limit_is_one_field(place: Place, limit, field, value):
    done = place.ex.set_account(place.mkt, 7, **limit)
    (event,) = done.events
    assert isinstance(event, m.AccountSet)
    assert (event.account, event.field, event.value) == (7, field, value)


def test_limits_are_set_in_order_until_one_is_refused(place: Place):
    done = place.ex.set_account(place.mkt, 7, max_long=5, rate_burst=0, max_short=5)
    assert done.code is pb.RejectCode.LIMIT_OUT_OF_RANGE
    assert [type(event).__name__ for event in done.events] == ["AccountSet", "Rejected"]
    before = place.ex.state_hash()
    for nonsense, why in (({"max_lng": 5}, "is no limit"), ({"max_long": 1.5}, "float"), ({}, "name a limit")):
        with pytest.raises(MisuseError, match=why):
            place.ex.set_account(place.mkt, 7, **{"max_short": 1, **nonsense} if nonsense else {})
    assert place.ex.state_hash() == before


def test_calls_for_all_instruments_reach_all():
    ex = pb.Exchange(core=Core())
    base, quote, other = ex.add_asset("B"), ex.add_asset("Q"), ex.add_asset("C")
    one = ex.add_instrument("B/Q", base=base, quote=quote)
    two = ex.add_instrument("C/Q", base=other, quote=quote)
    ex.deposit(7, quote, 1000)
    for mkt in (one, two):
        ex.place(mkt, 7, "buy", 1, 5)
    assert ex.mass_cancel(two).cancelled == 1
    ex.place(two, 7, "buy", 1, 5)
    gone = ex.kill(7)
    assert (gone.ok, gone.cancelled) == (True, 2)
    for mkt in (one, two):
        assert ex.place(mkt, 7, "buy", 1, 5).code is pb.RejectCode.ACCOUNT_KILLED
