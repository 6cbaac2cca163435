"""Text and Decimal become integers exactly or not at all."""

from __future__ import annotations

import decimal
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parbook.errors import ConversionError, MisuseError
from parbook.units import (
    CURVE_PRICE_TICKS_MAX,
    NOTIONAL_MAX,
    PRICE_TICKS_MAX,
    QTY_LOTS_MAX,
    checked_int,
    from_units,
    parse_decimal,
    to_units,
)

STEPS = [Decimal(text) for text in ("0.0001", "0.25", "1E-8", "3", "1", "1E+2", "0.0125", "1E-60")]


@pytest.mark.parametrize(
    ("value", "step", "units"),
    [
        ("0.9873", "0.0001", 9873),
        (" 0.9873 ", "0.0001", 9873),
        (Decimal("0.9873"), "0.0001", 9873),
        ("1e-4", "0.0001", 1),
        ("1.2500", "0.25", 5),
        ("0.00000003", "1E-8", 3),
        (9, "3", 3),
        ("200", "1E+2", 2),
        ("0", "0.0001", 0),
        ("-0", "0.0001", 0),
        ("-0.75", "0.25", -3),
        ("1e60", "1E-60", 10**120),
    ],
)
def test_exact_values_convert(value, step, units):
    assert to_units(value, Decimal(step), "price", "tick") == units


@pytest.mark.parametrize(
    ("value", "step", "nearest"),
    [
        ("0.98735", "0.0001", "0.9873 or 0.9874"),
        ("1.3", "0.25", "1.25 or 1.50"),
        ("-1.3", "0.25", "-1.50 or -1.25"),
        ("0.000000015", "1E-8", "0.00000001 or 0.00000002"),
        ("10", "3", "9 or 12"),
        ("0.00005", "0.0001", "0.0000 or 0.0001"),
        ("-0.00005", "0.0001", "-0.0001 or 0.0000"),
    ],
)
def test_off_grid_values_are_refused_and_the_nearest_are_named(value, step, nearest):
    with pytest.raises(ConversionError, match=f"Nearest accepted: {nearest.replace('.', '[.]')}[.]$"):
        to_units(value, Decimal(step), "price", "tick")


def test_only_neighbours_inside_the_range_are_named():
    with pytest.raises(ConversionError, match=r"Nearest accepted: 0\.0001\.$"):
        to_units("0.00005", Decimal("0.0001"), "price", "tick", 1, 100)
    with pytest.raises(ConversionError, match=r"Nearest accepted: 0\.0100\.$"):
        to_units("0.01005", Decimal("0.0001"), "price", "tick", 1, 100)
    with pytest.raises(ConversionError, match=r"price=-1\.5 lies outside 1\.\.100 ticks of 1\."):
        to_units("-1.5", Decimal(1), "price", "tick", 1, 100)


@pytest.mark.parametrize("value", [0, -1, 101, 10**30])
def test_values_outside_the_range_are_refused(value):
    with pytest.raises(ConversionError, match=rf"qty={value} lies outside 1\.\.100 lots"):
        to_units(str(value), Decimal(1), "qty", "lot", 1, 100)


def test_the_ends_of_the_range_are_accepted():
    assert [to_units(value, Decimal(1), "qty", "lot", 1, 100) for value in (1, 100)] == [1, 100]


@pytest.mark.parametrize("value", [0.5, 1.0, True, False, None, b"1", ("1",), 1j])
def test_types_that_are_not_exact_are_refused(value):
    with pytest.raises(ConversionError, match=f"price=.*{type(value).__name__}.*Pass text such as"):
        parse_decimal(value, "price")


@pytest.mark.parametrize("text", ["NaN", "sNaN", "-nan", "inf", "-Infinity", Decimal("NaN"), Decimal("-Infinity")])
def test_what_is_not_finite_is_refused(text):
    with pytest.raises(ConversionError, match=r"price=.*not finite"):
        parse_decimal(text, "price")


@pytest.mark.parametrize("text", ["", " ", "abc", "1,5", "1.2.3", "0x10", "1 2", "$1"])
def test_text_that_is_no_number_is_refused(text):
    with pytest.raises(ConversionError, match=r"price='.*is not a number"):
        parse_decimal(text, "price")


@pytest.mark.parametrize(
    "value",
    [
        "1e61",
        "1e999999",
        "1e-61",
        "1" * 61,
        10**61,
        pytest.param(10**5000, id="huge"),
        pytest.param("9" * 10**5, id="long"),
    ],
)
def test_absurd_magnitudes_are_refused_with_a_short_message(value):
    with pytest.raises(ConversionError, match="more digits than any price") as caught:
        parse_decimal(value, "price")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("step", ["0", "-0.01"])
def test_a_step_must_be_positive(step):
    with pytest.raises(MisuseError, match="tick size must be positive"):
        to_units("1", Decimal(step), "price", "tick")


def test_the_callers_decimal_context_changes_nothing():
    with decimal.localcontext() as context:
        context.prec = 3
        context.traps[decimal.InvalidOperation] = False
        assert to_units("123456789.0001", Decimal("0.0001"), "price", "tick") == 1234567890001
        assert from_units(1234567890001, Decimal("0.0001")) == Decimal("123456789.0001")
        with pytest.raises(ConversionError):
            parse_decimal("abc", "price")


@given(units=st.integers(-NOTIONAL_MAX, NOTIONAL_MAX), step=st.sampled_from(STEPS))
def test_units_survive_the_round_trip(units, step):
    value = from_units(units, step)
    assert to_units(value, step, "price", "tick") == units
    assert to_units(str(value), step, "price", "tick") == units
    assert value.as_tuple().exponent == step.as_tuple().exponent


@given(
    units=st.integers(-(2**62), 2**62),
    step=st.sampled_from(STEPS[:-1]),
    fraction=st.decimals("0.001", "0.999", places=3),
)
def test_a_fraction_of_a_step_never_converts(units, step, fraction):
    with decimal.localcontext(prec=100):
        value = (units + fraction) * step
    with pytest.raises(ConversionError, match="Nearest accepted"):
        to_units(value, step, "price", "tick")


def test_from_units_refuses_to_round():
    with pytest.raises(decimal.Inexact):
        from_units(10**300 + 1, Decimal("0.1"))


@pytest.mark.parametrize("value", [1, 5, 10, 2**3])
def test_checked_int_returns_what_is_inside(value):
    assert checked_int(value, "levels", 1, 10) is value


@pytest.mark.parametrize("value", [True, 1.0, "1", None, Decimal(1)])
def test_checked_int_refuses_what_is_not_an_int(value):
    with pytest.raises(MisuseError, match=f"levels=.* must be an int, not {type(value).__name__}"):
        checked_int(value, "levels", 0, 10)


@pytest.mark.parametrize("value", [0, 11, -1, pytest.param(10**5000, id="huge")])
def test_checked_int_refuses_what_is_outside(value):
    with pytest.raises(MisuseError, match=r"levels=.* is outside 1\.\.10"):
        checked_int(value, "levels", 1, 10)


def test_limits_are_the_published_ones():
    assert (QTY_LOTS_MAX, CURVE_PRICE_TICKS_MAX) == (2**38 - 1, 2**41 - 1)
    assert CURVE_PRICE_TICKS_MAX < PRICE_TICKS_MAX < NOTIONAL_MAX == 2**63 - 1
    # A level of 2**24 of the largest orders must fit a signed 64-bit sum.
    assert QTY_LOTS_MAX * 2**24 < 2**63
