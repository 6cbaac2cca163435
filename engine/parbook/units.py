"""Integers inside, exact text and Decimal at the edge.

A price is a whole number of *ticks*, a quantity a whole number of *lots*, money a whole number of
*atoms*. Conversions are exact or refused: nothing here rounds. Floats are refused, because the float
nearest to 0.1 is not 0.1.
"""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import NewType

from parbook.errors import ConversionError, MisuseError, shown

Ticks = NewType("Ticks", int)
Lots = NewType("Lots", int)
Atoms = NewType("Atoms", int)

PRICE_TICKS_MAX = 2**60 - 1
"""Largest price of an order, in ticks. Smallest: 1."""
QTY_LOTS_MAX = 2**38 - 1
"""Largest total quantity of an order, in lots. Smallest: 1. A level of 2**24 such orders fits 63 bits."""
ICEBERG_SLICES_MAX = 1000
"""Most slices of an iceberg, qty_lots / display_lots rounded up: what one aggressor can make it announce is bounded."""
ATOMS_MAX = 2**63 - 1
"""Most atoms of one asset that an exchange holds inside, all accounts together."""
NOTIONAL_MAX = 2**63 - 1
"""Largest price_ticks * qty_lots of an order."""
ACCOUNT_MAX = 2**32 - 1
"""Largest account number. Smallest: 1; 0 stands for the protocol's curve."""
RESERVED_ACCOUNT = 2**32 - 2**20
"""Accounts from this number on are the protocol's: no command from outside may name one."""
INSTRUMENTS_MAX = 2**16 - 1
"""Most instruments of an exchange; they are numbered from 0."""
EVERY_INSTRUMENT = 2**16 - 1
"""In a command: every instrument, in order. In an event: the exchange's own stream."""
SESSION_REF_MAX = 2**63 - 1
"""Largest session reference. 0 means: none."""
CLIENT_ID_MAX = 2**64 - 1
"""Largest client id. 0 means: no client id."""
TIME_NS_MAX = 2**63 - 1
"""Largest time stamp in nanoseconds. 0 on a command means: at the market's current time."""
CURVE_PRICE_TICKS_MAX = 2**41 - 1
"""Largest anchor and rung price of a curve; keeps every intermediate of its formulas under 126 bits."""
BUDGET_NOTIONAL_MAX = 2**62
"""Most cash of a curve, in ticks x lots."""
CURVE_LOTS_MAX = 2**32 - 1
"""Largest depth of a curve on either side of its target, in lots."""
PPM = 10**6
"""One, in parts per million."""

# A value and a step of up to 60 digits and exponents up to 60 give quotients of 121 and products of 181 digits.
_EXACT = Context(prec=200, traps=[InvalidOperation, Inexact])


def parse_decimal(value: str | int | Decimal, what: str = "value") -> Decimal:
    """Return `value` as a finite Decimal. Accepts text, int and Decimal; refuses float, bool, NaN, infinity.

    Raises ConversionError naming `what`, the value and the remedy.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise ConversionError(
            f"{what}={shown(value)}: a {type(value).__name__} is not accepted as exact. "
            "Pass text such as '0.9873', an int or a Decimal."
        )
    try:
        number = Decimal(value.strip() if isinstance(value, str) else value)
    except InvalidOperation:
        raise ConversionError(f"{what}={shown(value)} is not a number. Pass text such as '0.9873'.") from None
    if not number.is_finite():
        raise ConversionError(f"{what}={shown(value)} is not finite. Pass an ordinary number.")
    if abs(number.adjusted()) > 60 or len(number.as_tuple().digits) > 60:
        raise ConversionError(f"{what}={shown(value)} has more digits than any price or quantity. Check its unit.")
    return number


def to_units(
    value: str | int | Decimal,
    step: Decimal,
    what: str,
    unit: str,
    low: int | None = None,
    high: int | None = None,
) -> int:
    """Return `value / step` when it is a whole number in low..high; refuse it otherwise. Exact, never rounds.

    `step` is the size of one unit (a tick, a lot, an atom) and must be positive; `unit` names it in the
    message. Raises ConversionError naming the nearest values that would be accepted, or else the range.
    """
    if step <= 0:
        raise MisuseError(f"the {unit} size must be positive, not {step}. Give it as text such as '0.0001'.")
    number = parse_decimal(value, what)
    scaled, remainder = _EXACT.divmod(number, step)
    units = int(scaled)
    # divmod truncates toward zero, so the other neighbour lies away from zero.
    neighbours = sorted((units, units + (-1 if number < 0 else 1))) if remainder else [units]
    accepted = [n for n in neighbours if (low is None or low <= n) and (high is None or n <= high)]
    if not accepted:
        raise ConversionError(f"{what}={number} lies outside {low}..{high} {unit}s of {step}. Check sign and unit.")
    if remainder:
        nearest = " or ".join(format(from_units(n, step), "f") for n in accepted)
        raise ConversionError(
            f"{what}={number} is not a whole number of {unit}s of {step}. Nearest accepted: {nearest}."
        )
    return units


def from_units(units: int, step: Decimal) -> Decimal:
    """Return `units * step` exactly, with the number of decimals that `step` has; for |units| < 10**100."""
    return _EXACT.multiply(Decimal(units), step)


def checked_int(value: object, what: str, low: int, high: int) -> int:
    """Return `value` when it is an int (not a bool, not a float) in [low, high]; raise MisuseError otherwise."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise MisuseError(f"{what}={shown(value)} must be an int, not {type(value).__name__}.")
    if not low <= value <= high:
        raise MisuseError(f"{what}={shown(value)} is outside {low}..{high}.")
    return value
