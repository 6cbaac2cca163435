"""What the calls about orders return, and that refusals are values."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import msgspec
import pytest

import parbook as pb
from parbook import messages as m
from parbook.errors import MisuseError, RefusedError
from parbook.venue.ids import ClientIds, client_number
from parbook.venue.results import fill_fee
from tests.venue.conftest import Place, opened


def test_a_placement_says_what_traded_where_at_what_cost(with_curve: Place):
    ex, mkt, _, _ = with_curve
    ex.set_fees(maker_bps="-0.5", taker_bps=5)
    bid = ex.place(mkt, 7, "buy", "300", "0.9850", client_id="bid")
    assert [bid.ok, bid.code, bid.filled, bid.leaves, bid.avg_price, bid.fills] == [True, None, 0, 300, None, ()]
    sold = ex.place(mkt, 8, "sell", "1000", "0.9500", tif="ioc", client_id="out")
    book, curve = sold.fills
    assert [book.source, book.price, book.qty] == [pb.Source.BOOK, Decimal("0.9850"), 300]
    assert [curve.source, curve.price, curve.qty, curve.maker_fee] == [pb.Source.CURVE, Decimal("0.9845"), 700, 0]
    assert sold.value == book.value + curve.value == Decimal("984.65")
    assert sold.avg_price == Decimal("0.98465")
    assert sold.avg_ticks == Fraction(300 * 9850 + 700 * 9845, 1000)
    assert (book.taker_fee, book.maker_fee, book.fee) == (Decimal("0.14775"), Decimal("-0.014775"), Decimal("0.14775"))
    assert sold.fee == book.fee + curve.fee == ex.core.fees_taken(0) / Decimal(10**6) + Decimal("0.014775")
    assert [sold.client_id, sold.leaves, book.is_maker] == ["out", 0, False]
    assert ex.balances(8)["USDx"].total == 100_000 + sold.value - sold.fee
    assert ex.balances(7)["USDx"].total == 100_000 - book.value - book.maker_fee


def test_average_prices_are_rounded_half_to_even_and_the_exact_pair_is_there(place: Place):
    place.ex.place(place.mkt, 7, "buy", 1, "0.0002")
    place.ex.place(place.mkt, 7, "buy", 2, "0.0001")
    sold = place.ex.place(place.mkt, 8, "sell", 3, "0.0001")
    assert sold.avg_ticks == Fraction(4, 3)
    assert sold.avg_price == Decimal("0.0001333333333333333333333333333")


def test_in_an_auction_and_a_lift_both_sides_pay_the_makers_rate_and_nobody_gets_a_rebate():
    fees, rebate = pb.Fees(maker_ppm=100, taker_ppm=500), pb.Fees(maker_ppm=-100, taker_ppm=500)
    for source in pb.Source:
        both_make = source in (pb.Source.LIFT, pb.Source.UNCROSS, pb.Source.UNCROSS_CURVE)
        assert fill_fee(fees, source, 10_001, maker=False) == (2 if both_make else 6)
        assert fill_fee(fees, source, 10_001, maker=True) == 2
        assert fill_fee(rebate, source, 10_001, maker=True) == (0 if both_make else -1)


def test_results_are_frozen(place: Place):
    done = place.ex.place(place.mkt, 7, "buy", 1, 1)
    with pytest.raises(AttributeError, match="immutable"):
        done.order_id = 2
    assert isinstance(done, msgspec.Struct)


def test_a_refusal_is_a_value_with_a_reason_and_raises_only_when_asked(place: Place):
    refused = place.ex.place(place.mkt, 7, "buy", 500_000, "0.9880", client_id="big")
    assert not refused
    assert (refused.ok, refused.order_id, refused.leaves_lots) == (False, 0, 0)
    assert refused.code is pb.RejectCode.INSUFFICIENT_QUOTE
    assert refused.code.doc.startswith("less of the quote asset")
    with pytest.raises(
        RefusedError, match=r"place on SME-A/USDx for account 7 was refused: INSUFFICIENT_QUOTE \(102\)"
    ):
        refused.raise_for_refusal()
    done = place.ex.place(place.mkt, 7, "buy", 5, "0.9880", client_id="big")
    assert done.raise_for_refusal() is done
    assert done


@pytest.mark.parametrize(
    ("account", "side", "qty", "price", "code"),
    [
        (7, "buy", 101_011, "1", "INSUFFICIENT_QUOTE"),
        (7, "buy", 99_999, "1", "INSUFFICIENT_FEE"),
        (7, "sell", 50_001, "1", "INSUFFICIENT_BASE"),
        (9, "buy", 1, "0.0001", "INSUFFICIENT_QUOTE"),
    ],
)
def test_each_shortage_has_a_code_of_its_own(place: Place, account, side, qty, price, code):
    refused = place.ex.place(place.mkt, account, side, qty, price)
    assert refused.code is pb.RejectCode[code]
    assert place.ex.core.held(account, 0) == place.ex.core.held(account, 1) == 0


def test_amend_reduce_and_cancel_speak_of_their_order(place: Place):
    ex, mkt = place.ex, place.mkt
    ex.place(mkt, 7, "buy", 500, "0.9880", client_id="a-1")
    smaller = ex.amend(mkt, 7, client_id="a-1", qty="300")
    assert [smaller.order_id, smaller.leaves, smaller.filled] == [1, 300, 0]
    assert isinstance(smaller.events[-1], m.Amended)
    assert smaller.events[-1].priority is pb.Priority.KEPT
    assert ex.reduce(mkt, 7, 100, client_id="a-1").leaves == 200
    ex.place(mkt, 8, "sell", 50, "0.9900")
    moved = ex.amend(mkt, 7, order_id=1, price="0.9900")
    assert [moved.filled, moved.leaves, moved.avg_price] == [50, 150, Decimal("0.99")]
    assert ex.amend(mkt, 8, order_id=1, qty=1).code is pb.RejectCode.NOT_OWNER
    gone = ex.cancel(mkt, 7, client_id="a-1")
    assert [gone.ok, gone.leaves, gone.cancelled] == [True, 0, 1]
    assert ex.cancel(mkt, 7, client_id="a-1").code is pb.RejectCode.UNKNOWN_ORDER
    assert ex.market(mkt).open_orders == 0
    with pytest.raises(MisuseError, match="no quantity to take off"):
        ex.reduce(mkt, 7, order_id=1)


def test_stops_that_an_order_sets_off_are_not_its_fills(place: Place):
    ex, mkt = place.ex, place.mkt
    ex.place(mkt, 7, "buy", 10, "0.9900")
    ex.place(mkt, 7, "buy", 10, "0.9800")
    ex.place(mkt, 8, "sell", 5, "0.9700", stop="0.9900")
    sold = ex.place(mkt, 8, "sell", 10, "0.9900", tif="ioc")
    assert [sold.filled, sold.avg_price] == [10, Decimal("0.99")]
    assert sum(isinstance(event, m.Trade) for event in sold.events) == 2


def test_what_fell_due_before_a_command_is_not_its_own(place: Place):
    ex, mkt = place.ex, place.mkt
    ex.place(mkt, 7, "buy", 10, "0.9900", tif="gtd", expire=50, ts=1, client_id="dies")
    ex.deposit(9, place.usd, 1, ts=100)
    done = ex.cancel(mkt, 7, client_id="dies")
    assert done.code is pb.RejectCode.UNKNOWN_ORDER
    assert [type(event).__name__ for event in done.events] == ["Cancelled", "Rejected"]
    assert done.first_seq == done.events[-1].seq == 3


def test_an_order_that_expires_as_it_is_cancelled_was_not_cancelled(place: Place):
    ex, mkt = place.ex, place.mkt
    ex.place(mkt, 7, "buy", 10, "0.9900", tif="gtd", expire=50, ts=1, client_id="dies")
    done = ex.cancel(mkt, 7, client_id="dies", ts=100)
    assert [type(event).__name__ for event in done.events] == ["Cancelled", "Rejected"]
    assert (done.code, done.leaves_lots) == (pb.RejectCode.UNKNOWN_ORDER, 0)


def test_a_market_order_by_amount_needs_no_quantity(place: Place):
    ex, mkt = place.ex, place.mkt
    ex.place(mkt, 8, "sell", 100, "0.9900")
    ex.place(mkt, 8, "sell", 1, "0.9900")
    ex.place(mkt, 7, "buy", 1, "0.9900")
    done = ex.place(mkt, 7, "buy", type="market", tif="ioc", amount="50.0000")
    assert [done.filled, done.value] == [50, Decimal("49.50")]
    unspent = next(event for event in done.events if isinstance(event, m.Unspent))
    assert mkt.value(unspent.notional) == Decimal("0.50")


def test_a_session_that_repeats_itself_gets_the_first_outcome(place: Place):
    ex, mkt = place.ex, place.mkt
    first = ex.place(mkt, 7, "buy", 10, "0.9900", session=4, session_ref=1)
    again = ex.place(mkt, 7, "buy", 10, "0.9900", session=4, session_ref=1)
    assert [again.ok, again.repeated, again.order_id, again.first_seq, again.leaves] == [True, True, 1, 1, 10]
    assert not first.repeated
    assert ex.market(mkt).open_orders == 1
    bad = ex.place(mkt, 7, "sell", 10**6, "0.9900", session=4, session_ref=2)
    same = ex.place(mkt, 7, "sell", 10**6, "0.9900", session=4, session_ref=2)
    assert bad.code is same.code is pb.RejectCode.INSUFFICIENT_BASE
    assert ex.place(mkt, 7, "buy", 1, 1, session_ref=1).code is pb.RejectCode.INVALID_SESSION_REF


def test_quotes_kills_and_mass_cancels(place: Place):
    ex, mkt = place.ex, place.mkt
    stands = ex.quote(mkt, 7, slot=2, bid="0.98", bid_qty=10, ask="0.99", ask_qty=20)
    assert (stands.ok, stands.bid_order_id, stands.ask_order_id) == (True, 1, 2)
    crossed = ex.quote(mkt, 7, bid="0.99", bid_qty=10, ask="0.98", ask_qty=20)
    assert (crossed.code, crossed.bid_order_id) == (pb.RejectCode.QUOTE_CROSSED, 0)
    assert ex.quote(mkt, 7, slot=2, bid="0.98", bid_qty=10).ask_order_id == 0
    ex.place(mkt, 8, "buy", 1, "0.97")
    ex.place(mkt, 8, "sell", 1, "0.99")
    assert ex.mass_cancel(mkt, account=8, side="buy").cancelled == 1
    assert ex.mass_cancel().cancelled == 2
    assert ex.kill(7).ok
    assert ex.place(mkt, 7, "buy", 1, "0.97").code is pb.RejectCode.ACCOUNT_KILLED
    assert ex.set_account(mkt, 7, killed=False).ok
    assert ex.place(mkt, 7, "buy", 1, "0.97").ok
    assert ex.dead_man(7, 10, ts=5).ok
    assert ex.advance(ts=15).cancelled == 1


def test_a_busted_fill_returns_money_and_fees():
    place = opened(None, bust_window=10)
    place.ex.set_fees(taker_bps=10)
    before = [place.ex.balances(account) for account in (7, 8)]
    place.ex.place(place.mkt, 7, "buy", 10, "0.99")
    (fill,) = place.ex.place(place.mkt, 8, "sell", 10, "0.99").fills
    assert place.ex.balances(8) != before[1]
    assert place.ex.bust(place.mkt, fill.trade_id).ok
    assert [place.ex.balances(account) for account in (7, 8)] == before
    assert place.ex.bust(place.mkt, fill.trade_id).code is pb.RejectCode.ALREADY_BUSTED


# --- text ids -----------------------------------------------------------------------------------


def test_a_text_id_has_one_number_for_ever():
    assert client_number("a-1") == 7_680_245_424_303_175_113
    assert client_number("a-2") != client_number("a-1")


def test_no_text_has_the_number_that_means_none(monkeypatch: pytest.MonkeyPatch):
    zero = SimpleNamespace(digest=lambda: bytes(8))
    monkeypatch.setattr("parbook.venue.ids.blake2b", lambda data, digest_size: zero)
    assert client_number("a-1") == 1


def test_the_text_behind_an_event_can_be_looked_up(place: Place):
    done = place.ex.place(place.mkt, 7, "buy", 1, 1, client_id="größer")
    event = done.events[0]
    assert isinstance(event, m.Accepted)
    assert place.ex.client_text(7, event.client_id) == "größer"
    assert place.ex.client_text(8, event.client_id) is None
    assert place.ex.place(place.mkt, 8, "buy", 1, 1, client_id="größer").ok
    again = place.ex.place(place.mkt, 7, "buy", 1, 1, client_id="größer")
    assert again.code is pb.RejectCode.DUPLICATE_CLIENT_ID


def test_the_text_of_a_refused_order_is_not_kept(place: Place):
    refused = place.ex.place(place.mkt, 7, "buy", 10**6, 1, client_id="x")
    assert not refused.ok
    assert place.ex.client_text(7, client_number("x")) is None


@pytest.mark.parametrize("text", ["", "x" * 257, "\ud800"])
def test_a_text_that_is_no_id_is_refused(place: Place, text):
    with pytest.raises(MisuseError, match="client_id="):
        place.ex.place(place.mkt, 7, "buy", 1, 1, client_id=text)


def test_two_texts_of_one_number_are_refused_only_within_an_account(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("parbook.venue.ids.client_number", lambda text: 5)
    ids = ClientIds()
    ids.remember(7, ids.number(7, "a"), "a")
    with pytest.raises(MisuseError, match="client_id='b' of account 7 has the number 5 of 'a'"):
        ids.number(7, "b")
    assert ids.number(7, "a") == ids.number(8, "b") == 5


def test_the_oldest_text_is_forgotten_first():
    ids = ClientIds(texts_max=2)
    for text in ("a", "b", "a", "c"):
        ids.remember(7, ids.number(7, text), text)
    kept = [ids.text(7, client_number(text)) for text in "abc"]
    assert kept == ["a", None, "c"]
