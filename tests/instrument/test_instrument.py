"""An instrument refuses bad settings, and converts within the ranges of an order."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parbook.errors import ConversionError, MisuseError
from parbook.instrument import CLIENT_ID_WINDOW_LIMIT, MAX_ORDERS_LIMIT, Instrument
from parbook.units import PRICE_TICKS_MAX, QTY_LOTS_MAX, from_units

LOAN = Instrument(symbol="SME-A/USDx", tick="0.0001", lot="0.25")


def test_text_becomes_decimal():
    assert LOAN.tick == Decimal("0.0001")
    assert isinstance(LOAN.tick, Decimal)
    assert LOAN.lot == Decimal("0.25")


def test_an_order_in_text_becomes_integers_and_text_again():
    assert LOAN.price_ticks("0.9873") == 9873
    assert LOAN.qty_lots("12.5") == 50
    assert LOAN.price_text(9873) == "0.9873"
    assert LOAN.price_text(10_000) == "1.0000"
    assert LOAN.qty_text(50) == "12.50"
    assert Instrument(symbol="X", tick="1E-8").price_text(3) == "0.00000003"
    assert Instrument(symbol="X", lot="1E+2").qty_text(3) == "300"


@given(ticks=st.integers(1, PRICE_TICKS_MAX), tick=st.sampled_from(["0.0001", "0.25", "1E-8", "3"]))
def test_every_price_survives_the_text(ticks, tick):
    instrument = Instrument(symbol="X", tick=tick)
    assert instrument.price_ticks(instrument.price_text(ticks)) == ticks


@given(lots=st.integers(1, QTY_LOTS_MAX), lot=st.sampled_from(["0.0001", "0.25", "1E-8", "3"]))
def test_every_quantity_survives_the_text(lots, lot):
    instrument = Instrument(symbol="X", lot=lot)
    assert instrument.qty_lots(instrument.qty_text(lots)) == lots


@pytest.mark.parametrize(
    ("price", "message"),
    [
        ("0.98735", r"price=0\.98735 is not a whole number of ticks of 0\.0001\. Nearest accepted: 0\.9873 or 0\.9874"),
        ("0.00005", r"Nearest accepted: 0\.0001\.$"),
        ("0", rf"price=0 lies outside 1\.\.{PRICE_TICKS_MAX} ticks"),
        ("-0.9873", r"price=-0\.9873 lies outside"),
        (from_units(PRICE_TICKS_MAX + 1, LOAN.tick), "lies outside"),
        (0.9873, "float"),
        (True, "bool"),
        ("NaN", "not finite"),
        ("1e400", "more digits"),
    ],
)
def test_prices_that_no_order_can_have_are_refused(price, message):
    with pytest.raises(ConversionError, match=message):
        LOAN.price_ticks(price)


@pytest.mark.parametrize(
    ("qty", "message"),
    [
        ("0.3", r"qty=0\.3 is not a whole number of lots of 0\.25\. Nearest accepted: 0\.25 or 0\.50"),
        ("0", rf"qty=0 lies outside 1\.\.{QTY_LOTS_MAX} lots"),
        ("-1", "lies outside"),
        (from_units(QTY_LOTS_MAX + 1, LOAN.lot), "lies outside"),
        (1.0, "float"),
    ],
)
def test_quantities_that_no_order_can_have_are_refused(qty, message):
    with pytest.raises(ConversionError, match=message):
        LOAN.qty_lots(qty)


def test_the_largest_price_and_quantity_are_accepted():
    assert LOAN.price_ticks(from_units(PRICE_TICKS_MAX, LOAN.tick)) == PRICE_TICKS_MAX
    assert LOAN.qty_lots(from_units(QTY_LOTS_MAX, LOAN.lot)) == QTY_LOTS_MAX


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"symbol": ""}, "symbol=''"),
        ({"symbol": "x" * 33}, "symbol="),
        ({"symbol": "a\nb"}, "symbol="),
        ({"symbol": None}, "symbol=None"),
        ({"tick": "0"}, "tick=0 must be positive"),
        ({"lot": "-1"}, "lot=-1 must be positive"),
        ({"tick": 0.01}, "tick=0.01: a float"),
        ({"tick": "NaN"}, "tick='NaN' is not finite"),
        ({"collar_ppm": -1}, r"collar_ppm=-1 is outside 0\.\.1000000"),
        ({"collar_ppm": 10**6 + 1}, "collar_ppm="),
        ({"collar_ppm": 0.5}, "collar_ppm=0.5 must be an int, not float"),
        ({"max_orders": 0}, "max_orders=0"),
        ({"max_orders": MAX_ORDERS_LIMIT + 1}, "max_orders="),
        ({"max_orders": True}, "max_orders=True"),
        ({"client_id_window": CLIENT_ID_WINDOW_LIMIT + 1}, "client_id_window="),
    ],
)
def test_bad_settings_are_refused_by_name(settings, message):
    with pytest.raises(MisuseError, match=message):
        Instrument(**({"symbol": "X"} | settings))


def test_an_instrument_is_frozen_and_survives_json():
    with pytest.raises(AttributeError):
        LOAN.symbol = "other"
    assert msgspec.json.decode(msgspec.json.encode(LOAN), type=Instrument) == LOAN
