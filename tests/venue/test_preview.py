"""A preview against what then really happens."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import parbook as pb
from parbook.errors import MisuseError
from tests.venue.conftest import Place, opened


def test_a_preview_says_price_split_discount_and_what_is_left_and_changes_nothing(with_curve: Place):
    ex, mkt = with_curve.ex, with_curve.mkt
    ex.set_fees(taker_bps=2)
    ex.place(mkt, 7, "buy", 300, "0.9850")
    before, position = ex.state_hash(), ex.next_event
    seen = ex.preview(mkt, account=8, side="sell", qty="1000", price="0.9845")
    assert (ex.state_hash(), ex.next_event) == (before, position)
    assert [seen.book, seen.curve, seen.left, seen.worst_price] == [300, 700, 0, Decimal("0.9845")]
    assert seen.avg_price == Decimal("0.98465")
    assert seen.fair_ticks == Fraction(9873)
    assert seen.discount_bps == Decimal("26.84")
    assert (seen.fee, seen.affordable) == (Decimal("0.19693"), True)
    sold = ex.place(mkt, 8, "sell", 1000, "0.9845", tif="ioc")
    assert (sold.filled, sold.value, sold.avg_price) == (seen.filled, seen.value, seen.avg_price)
    assert 0 <= sold.fee_atoms - seen.fee_atoms < len(sold.fills)


def test_without_anything_to_meet_there_is_no_price(place: Place):
    seen = place.ex.preview(place.mkt, 7, "buy", 10)
    assert [seen.filled, seen.left, seen.avg_price, seen.worst_price, seen.discount_bps] == [0, 10, None, None, None]
    assert seen.affordable


def test_what_an_account_cannot_pay_is_said(place: Place):
    place.ex.place(place.mkt, 7, "buy", 10, "0.99")
    place.ex.place(place.mkt, 8, "sell", 10, "0.995")
    assert not place.ex.preview(place.mkt, 9, "sell", 10).affordable
    buyer = place.ex.preview(place.mkt, 9, "buy", 10)
    assert (buyer.available_atoms, buyer.needed_atoms) == (0, 10 * 9950 * 100 * 101 // 100)
    place.ex.deposit(9, place.usd, amount_atoms=buyer.needed_atoms - 1)
    assert not place.ex.preview(place.mkt, 9, "buy", 10).affordable
    assert place.ex.place(place.mkt, 9, "buy", 10, "0.995").code is pb.RejectCode.INSUFFICIENT_FEE
    place.ex.deposit(9, place.usd, amount_atoms=1)
    assert place.ex.preview(place.mkt, 9, "buy", 10).affordable
    assert place.ex.place(place.mkt, 9, "buy", 10, "0.995").filled == 10


def test_hidden_orders_make_it_better_than_it_said(place: Place):
    place.ex.place(place.mkt, 8, "sell", 10, "0.98", hidden=True)
    place.ex.place(place.mkt, 8, "sell", 10, "0.99")
    assert place.ex.preview(place.mkt, 7, "buy", 10).avg_price == Decimal("0.99")
    assert place.ex.place(place.mkt, 7, "buy", 10, "0.99").avg_price == Decimal("0.98")


def test_more_levels_than_one_look_shows_are_all_seen(with_curve: Place):
    ex, mkt = with_curve.ex, with_curve.mkt
    ex.deposit(7, with_curve.usd, "10000000")
    ex.place(mkt, 8, "sell", 1000, "0.9500", tif="ioc")
    for number in range(300):
        ex.place(mkt, 7, "buy", 2, price_ticks=9000 + number)
    for lots, limit in ((150_000, 1), (150_000, 9100), (100_000, 9700)):
        seen = ex.preview(mkt, 9, "sell", qty_lots=lots, price_ticks=limit)
        copy = opened_like(with_curve)
        sold = copy.ex.place(mkt, 9, "sell", qty_lots=lots, price_ticks=limit, tif="ioc")
        assert (sold.filled_lots, sold.notional) == (seen.filled_lots, seen.notional)
        assert seen.book_lots == sum(fill.qty_lots for fill in sold.fills if fill.source is pb.Source.BOOK)
        assert len({fill.price_ticks for fill in sold.fills}) > 64


def opened_like(place: Place) -> Place:
    """Return a second exchange with the same market, and an account 9 that owns enough."""
    copy = opened()
    copy.ex.observe(copy.mkt, price="0.9873", conf="0.0003", ts=1_000)
    copy.ex.advance(ts=2_000)
    copy.ex.deposit(7, copy.usd, "10000000")
    copy.ex.deposit(9, copy.loan, 10**6)
    copy.ex.place(copy.mkt, 8, "sell", 1000, "0.9500", tif="ioc")
    for number in range(300):
        copy.ex.place(copy.mkt, 7, "buy", 2, price_ticks=9000 + number)
    assert copy.ex.depth(copy.mkt, 500).tobytes() == place.ex.depth(place.mkt, 500).tobytes()
    return copy


def test_book_levels_between_rungs_are_seen_however_many_there_are():
    """One source has more rows than one look shows before the other has: what lies between must not be skipped."""
    curve = pb.LinearBuyback(budget=250000, par_lots=0, drop_bps=600, depth_lots=30_000, rung="0.0005")
    place = opened(curve)
    ex, mkt = place.ex, place.mkt
    ex.observe(mkt, price="0.9873")
    for number in range(300):
        ex.place(mkt, 7, "buy", qty_lots=1 + number % 7, price_ticks=9870 - number)
    rows = ex.depth(mkt, 10_000)
    bids = [(int(row["price_ticks"]), int(row["qty_lots"])) for row in rows if row["side"] == pb.Side.BUY]
    for lots in range(1, 30_000, 211):
        left_lots, notional = lots, 0
        for price_ticks, of_row in bids:
            taken = min(left_lots, of_row)
            left_lots, notional = left_lots - taken, notional + taken * price_ticks
        seen = ex.preview(mkt, 8, "sell", qty_lots=lots)
        assert (seen.notional, seen.left_lots) == (notional, left_lots)


@pytest.mark.parametrize(
    ("side", "limit", "filled", "discount"),
    [
        ("buy", "0.9880", 5, "0.00"),
        ("buy", "0.9881", 10, "0.51"),
        ("buy", "0.9879", 0, None),
        ("sell", "0.9879", 0, None),
        ("sell", "0.9870", 5, "10.12"),
        ("sell", "0.9869", 10, "10.63"),
    ],
)
def test_a_limit_is_met_at_its_price_and_not_beyond(side: str, limit: str, filled: int, discount: str | None):
    place = opened(pb.LinearBuyback(budget=1, depth_lots=1, drop_bps=1))
    ex, mkt = place.ex, place.mkt
    ex.place(mkt, 7, "buy", 5, "0.9870")
    ex.place(mkt, 7, "buy", 5, "0.9869")
    ex.place(mkt, 7, "sell", 5, "0.9880")
    ex.place(mkt, 7, "sell", 5, "0.9881")
    ex.observe(mkt, price="0.9880")
    seen = ex.preview(mkt, 8, side, 10, limit)
    assert (seen.filled_lots, seen.left_lots) == (filled, 10 - filled)
    assert seen.discount_bps == (None if discount is None else Decimal(discount))


ORDERS = st.lists(
    st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 400), st.integers(9780, 9960)), max_size=12
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(orders=ORDERS, side=st.sampled_from(["buy", "sell"]), lots=st.integers(1, 3000), limit=st.integers(9700, 10_050))
def test_a_preview_comes_true(orders, side, lots, limit):
    place = opened()
    ex, mkt = place.ex, place.mkt
    ex.observe(mkt, price="0.9873", conf="0.0003", ts=1_000)
    ex.advance(ts=2_000)
    for of_side, qty, price_ticks in orders:
        ex.place(mkt, 7, of_side, qty_lots=qty, price_ticks=price_ticks)
    seen = ex.preview(mkt, 8, side, qty_lots=lots, price_ticks=limit)
    done = ex.place(mkt, 8, side, qty_lots=lots, price_ticks=limit, tif="ioc").raise_for_refusal()
    assert (done.filled_lots, done.notional) == (seen.filled_lots, seen.notional)
    assert seen.left_lots == lots - done.filled_lots
    by_curve = sum(fill.qty_lots for fill in done.fills if fill.source is pb.Source.CURVE)
    assert (seen.curve_lots, seen.book_lots) == (by_curve, done.filled_lots - by_curve)
    assert seen.worst_ticks == (done.fills[-1].price_ticks if done.fills else 0)


@pytest.mark.parametrize(
    ("call", "why"),
    [
        ({"side": "buy"}, "no quantity"),
        ({"side": "both", "qty": 1}, "side='both' is no Side"),
        ({"side": "buy", "qty": 1, "account": 0}, "account=0 is outside"),
        ({"side": "buy", "qty_lots": 0}, "qty_lots=0 is outside"),
    ],
)
def test_a_preview_of_nothing_is_misuse(place: Place, call, why):
    with pytest.raises(MisuseError, match=why):
        place.ex.preview(place.mkt, call.pop("account", 7), **call)
