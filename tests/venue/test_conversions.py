"""Text, Decimal and int at the edge: exact or refused. Integers pass."""

from __future__ import annotations

import copy
import pickle
from decimal import Decimal

import pytest

import parbook as pb
from parbook.errors import ConversionError, MisuseError
from tests.venue.conftest import Place, opened


@pytest.mark.parametrize(
    ("lot", "tick", "base_decimals", "quote_decimals", "lot_atoms", "tick_atoms"),
    [
        ("1", "0.0001", 0, 6, 1, 100),
        ("0.001", "0.01", 8, 2, 100_000, None),
        ("0.001", "0.01", 8, 5, 100_000, 1),
        ("0.5", "1", 0, 0, None, None),
        ("100", "0.0025", 0, 2, 100, 25),
        ("1000000", "0.000001", 18, 6, None, None),
        (1, Decimal("0.5"), 2, 1, 100, 5),
    ],
)
def test_a_lot_and_a_tick_are_whole_atoms_or_the_listing_is_refused(
    lot, tick, base_decimals, quote_decimals, lot_atoms, tick_atoms
):
    ex = pb.Exchange()
    base, quote = ex.add_asset("B", decimals=base_decimals), ex.add_asset("Q", decimals=quote_decimals)
    if lot_atoms is None or tick_atoms is None:
        wrong = "a lot, in B" if lot_atoms is None else "a tick of one lot, in Q"
        with pytest.raises(ConversionError, match=f"X: {wrong} with"):
            ex.add_instrument("X", base=base, quote=quote, tick=tick, lot=lot)
        assert ex.instruments == ()
        return
    mkt = ex.add_instrument("X", base=base, quote=quote, tick=tick, lot=lot)
    assert (mkt.listing.lot_atoms, mkt.listing.tick_atoms) == (lot_atoms, tick_atoms)


@pytest.mark.parametrize(
    ("qty", "price", "why"),
    [
        ("0.5", "1", "not a whole number of lots"),
        ("1", "0.98765", "Nearest accepted: 0.9876 or 0.9877"),
        ("0", "1", "outside 1"),
        ("-5", "1", "outside 1"),
        ("1", "0", "outside 1"),
        (1.0, "1", "float is not accepted"),
        ("1", 0.98, "float is not accepted"),
        (True, "1", "bool is not accepted"),
        ("1", "nan", "not finite"),
        ("one", "1", "is not a number"),
        ("274877906944", "1", "outside 1"),
    ],
)
def test_what_is_no_whole_number_of_lots_or_ticks_is_refused_and_nothing_happens(place: Place, qty, price, why):
    before = place.ex.state_hash()
    with pytest.raises(ConversionError, match=why):
        place.ex.place(place.mkt, 7, "buy", qty, price)
    assert place.ex.state_hash() == before


@pytest.mark.parametrize(("qty", "price"), [("500", "0.9880"), (500, Decimal("0.988")), (" 500.0 ", "0.98800")])
def test_text_decimal_and_int_say_the_same(place: Place, qty, price):
    done = place.ex.place(place.mkt, 7, "buy", qty, price)
    order = place.ex.market(place.mkt).order(done.order_id)
    assert order is not None
    assert (order.qty_lots, order.price_ticks) == (500, 9880)


def test_integers_skip_the_parsing_and_the_engine_judges_them(place: Place):
    assert place.ex.place(place.mkt, 7, "buy", qty_lots=500, price_ticks=9880).leaves == 500
    assert place.ex.place(place.mkt, 7, "buy", qty_lots=0, price_ticks=9880).code is pb.RejectCode.QTY_OUT_OF_RANGE
    assert place.ex.place(place.mkt, 7, "buy", qty_lots=1, price_ticks=-1).code is pb.RejectCode.PRICE_OUT_OF_RANGE
    with pytest.raises(MisuseError, match=r"qty_lots=1\.5 must be an int"):
        place.ex.place(place.mkt, 7, "buy", qty_lots=1.5, price_ticks=1)


@pytest.mark.parametrize(
    ("call", "why"),
    [
        ({"qty": 1, "qty_lots": 1, "price": 1}, "qty=1 and qty_lots=1 say the same thing twice"),
        ({"qty": 1, "price": 1, "price_ticks": 1}, "price=1 and price_ticks=1"),
        ({"qty": 1, "price": 1, "stop": 1, "stop_ticks": 1}, "stop_ticks=1 says stop_ticks a second time"),
        ({"price": 1}, "no quantity. Give qty="),
        ({"qty": 1}, "a LIMIT order needs a price"),
        ({"qty": 1, "type": "pegged"}, "a PEGGED order needs a price"),
        ({"qty": 1, "price": 1, "dispaly": 1}, "Did you mean display"),
        ({"qty": 1, "price": 1, "type": "limt"}, "Did you mean 'limit'"),
        ({"qty": 1, "price": 1, "tif": 17}, "tif=17 is no TimeInForce. Choose one of gtc, ioc"),
        ({"qty": 1, "price": 1, "stp": True}, "stp=True is no StpMode"),
        ({"qty": 1, "price": 1, "hidden": 1}, "hidden=1 must be True or False"),
        ({"qty": 1, "price": 1, "account": 2**32}, "account=4294967296 is outside"),
        ({"qty": 1, "price": 1, "ts": "now"}, "ts_ns='now' must be an int"),
    ],
)
def test_a_call_that_makes_no_sense_says_what_to_mend(place: Place, call, why):
    before = place.ex.state_hash()
    with pytest.raises(MisuseError, match=why):
        place.ex.place(place.mkt, call.pop("account", 7), "buy", **call)
    assert place.ex.state_hash() == before


def test_a_handle_is_its_index_and_knows_its_name(place: Place):
    assert (int(place.mkt), place.mkt.name, place.mkt.base, place.mkt.quote) == (0, "SME-A/USDx", 1, 0)
    assert place.ex.instrument(0) is place.ex.instrument("SME-A/USDx") is place.ex.instrument(place.mkt)
    assert place.ex.asset(1) is place.ex.asset("SME-A") is place.loan
    assert (place.ex.instruments, place.ex.assets) == ((place.mkt,), (place.usd, place.loan))
    assert repr(place.mkt) == "<instrument 0 SME-A/USDx>"
    for again in (pickle.loads(pickle.dumps(place.mkt)), copy.deepcopy(place.mkt)):
        assert (again, again.name, again.value_step) == (place.mkt, place.mkt.name, place.mkt.value_step)


def test_a_handle_of_another_exchange_is_refused(place: Place):
    other = pb.Exchange()
    other.add_asset("EURx")
    with pytest.raises(MisuseError, match=r"asset=<asset 0 USDx>: the exchange has \[<asset 0 EURx>\]"):
        other.deposit(7, place.usd, "1")
    with pytest.raises(MisuseError, match="instrument=<instrument 0 SME-A/USDx>: the exchange has"):
        other.depth(place.mkt)
    with pytest.raises(MisuseError, match="instrument=1: the exchange has"):
        place.ex.depth(1)
    with pytest.raises(MisuseError, match="asset='EURx'"):
        place.ex.asset("EURx")


def test_every_term_reaches_its_order():
    place = opened(None, market_rests=True)
    ex, mkt = place.ex, place.mkt
    ex.set_account(mkt, 7, position="1000")
    ex.place(mkt, 8, "sell", 10, "0.9900")
    ex.place(mkt, 7, "buy", 10, "0.9900")
    partner = ex.place(mkt, 7, "sell", 40, "0.9990", client_id="take-profit")

    def order(**fields):
        done = ex.place(mkt, 7, **fields).raise_for_refusal()
        state = ex.market(mkt).order(done.order_id)
        assert state is not None
        return state

    iceberg = order(side="sell", qty=100, price="0.9995", display=10, stp="cancel_newest", session=3)
    assert (iceberg.display_lots, iceberg.stp, iceberg.session) == (10, pb.StpMode.CANCEL_NEWEST, 3)
    stop = order(side="sell", qty=40, price="0.9700", stop="0.9750", oco=partner.order_id)
    assert (stop.stop_ticks, stop.oco_order_id) == (9750, partner.order_id)
    trail = order(side="sell", qty=5, price="0.9000", trail_bps="12.5", tif="gtd", expire=10**6)
    assert (trail.trail_ppm, trail.expire_ns, trail.stop_ticks) == (1250, 10**6, 9888)
    by_ticks = order(side="sell", qty=5, price="0.9000", offset="0.0010")
    assert (by_ticks.offset_ticks, by_ticks.stop_ticks) == (10, 9890)
    hidden = order(side="sell", qty=5, price="0.9999", hidden=True, reduce_only=True)
    assert (hidden.hidden, hidden.reduce_only) == (True, True)
    peg = order(side="buy", qty=5, price="0.9800", type="pegged", peg="primary", offset="-0.0003")
    assert (peg.peg, peg.offset_ticks, peg.limit_ticks) == (pb.Peg.PRIMARY, -3, 9800)
    armed = order(side="sell", qty=5, price="0.9000", stop_ticks=9000, trigger="anchor")
    assert armed.trigger is pb.Trigger.ANCHOR
    refused = ex.place(mkt, 7, "buy", 50, "0.9900", min_qty=20)
    assert refused.code is pb.RejectCode.MIN_QTY_UNFILLABLE
