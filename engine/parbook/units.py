"""Integers inside, exact text and Decimal at the edge.

A price is a whole number of *ticks*, a quantity a whole number of *lots*, money a whole number of
*atoms*. Conversions are exact or refused: nothing here rounds. Floats are refused, because the float
nearest to 0.1 is not 0.1.
"""

from __future__ import annotations

from decimal import Context, Decimal, InvalidOperation
from typing import NewType

from parbook.errors import ConversionError, MisuseError

Ticks = NewType("Ticks", int)
Lots = NewType("Lots", int)
Atoms = NewType("Atoms", int)

PRICE_TICKS_MAX = 2**60 - 1
"""Largest price of an order, in ticks. Smallest: 1."""
QTY_LOTS_MAX = 2**38 - 1
"""Largest total quantity of an order, in lots. Smallest: 1. A level of 2**24 such orders fits 63 bits."""
NOTIONAL_MAX = 2**63 - 1
"""Largest price_ticks * qty_lots of an order."""
ACCOUNT_MAX = 2**32 - 1
"""Largest account number. Smallest: 1; 0 stands for the protocol's curve."""
CLIENT_ID_MAX = 2**64 - 1
"""Largest client id. 0 means: no client id."""
TIME_NS_MAX = 2**63 - 1
"""Largest time stamp in nanoseconds. 0 on a command means: at the market's current time."""
CURVE_PRICE_TICKS_MAX = 2**41 - 1
"""Largest anchor and rung price of a curve; keeps every intermediate of its formulas under 126 bits."""
CURVE_LOTS_MAX = 2**32 - 1
"""Largest depth of a curve on either side of its target, in lots."""
PPM = 10**6
"""One, in parts per million."""

_EXACT = Context(prec=120, traps=[InvalidOperation])


def parse_decimal(value: str | int | Decimal, what: str = "value") -> Decimal:
    """Return `value` as a finite Decimal. Accepts text, int and Decimal; refuses float, bool, NaN, infinity.

    Raises ConversionError naming `what`, the value and the remedy.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise ConversionError(
            f"{what}={value!r}: a {type(value).__name__} is not exact. Pass text such as '0.9873', an int or a Decimal."
        )
    try:
        number = Decimal(value.strip() if isinstance(value, str) else value)
    except InvalidOperation:
        raise ConversionError(f"{what}={value!r} is not a number. Pass text such as '0.9873'.") from None
    if not number.is_finite():
        raise ConversionError(f"{what}={value!r} is not finite. Pass an ordinary number.")
    if abs(number.adjusted()) > 60 or len(number.as_tuple().digits) > 60:
        raise ConversionError(f"{what}={value!r} has more digits than any price or quantity. Check its unit.")
    return number


def to_units(value: str | int | Decimal, step: Decimal, what: str, unit: str) -> int:
    """Return `value / step` when it is a whole number; refuse it otherwise. Exact, never rounds.

    `step` is the size of one unit (a tick, a lot, an atom) and must be positive; `unit` names it in the
    message. The refusal names the two nearest values that would be accepted.
    """
    if step <= 0:
        raise MisuseError(f"the {unit} size must be positive, not {step}. Give it as text such as '0.0001'.")
    number = parse_decimal(value, what)
    scaled, remainder = _EXACT.divmod(number, step)
    if remainder:
        below = _EXACT.multiply(scaled, step)
        above = _EXACT.add(below, step if number > 0 else -step)
        raise ConversionError(
            f"{what}={value} is not a whole number of {unit}s of {step}. "
            f"Nearest accepted: {min(below, above)} or {max(below, above)}."
        )
    return int(scaled)


def from_units(units: int, step: Decimal) -> Decimal:
    """Return `units * step` exactly, with the number of decimals that `step` has."""
    return _EXACT.multiply(Decimal(units), step)


def checked_int(value: object, what: str, low: int, high: int) -> int:
    """Return `value` when it is an int (not a bool, not a float) in [low, high]; raise MisuseError otherwise."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise MisuseError(f"{what}={value!r} must be an int, not {type(value).__name__}.")
    if not low <= value <= high:
        raise MisuseError(f"{what}={value} is outside {low}..{high}.")
    return value
