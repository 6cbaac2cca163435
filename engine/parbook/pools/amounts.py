"""Units of the asset side and the only ways a number is rounded here.

| what | unit | name ends in |
|---|---|---|
| money, and units of a tranche | 1e-6, int64 | `_micro` |
| price of one unit | 1e-9, int64 | `_nano` |
| rate, probability, share, correlation | 1e-12 | `_e12` |
| index by which a claim has grown | 1e-18 | `_e18` |
| growth factor of one second | 1e-27 | `_e27` |
| time | days or months | `_days`, `_months` |

Who pays keeps what is lost: a payout is rounded down, a charge up. Where neither side pays (a claim that
grows, a value that is only reported) the nearest is taken, ties to even.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from parbook.errors import AssetError, shown

MICRO: Final = 10**6
"""One unit of money, or of a tranche."""
NANO: Final = 10**9
"""The price 1."""
E12: Final = 10**12
"""The rate, probability or share 1."""
E18: Final = 10**18
"""The index 1."""
E27: Final = 10**27
"""The growth factor 1."""
MONEY_MICRO_MAX: Final = 2**63 - 1
"""Most money of a pool."""
ASSET_MICRO_MAX: Final = 2**53
"""Most money of one asset: up to here a double holds every integer, so that nothing is lost on the way in."""


class Rounding(IntEnum):
    """Which way a division goes."""

    FLOOR = 0
    """A payout."""
    CEIL = 1
    """A charge."""
    NEAREST = 2
    """Neither: ties to even."""


def divide(numerator: int, denominator: int, rounding: Rounding) -> int:
    """Return numerator / denominator, rounded as named; denominator > 0."""
    quotient, remainder = divmod(numerator, denominator)
    if not remainder or rounding is Rounding.FLOOR:
        return quotient
    if rounding is Rounding.CEIL:
        return quotient + 1
    twice = 2 * remainder
    return quotient + (twice > denominator or (twice == denominator and quotient % 2 == 1))


def share_of(amount_micro: int, share_e12: int, rounding: Rounding) -> int:
    """Return a share of an amount, in its unit."""
    return divide(amount_micro * share_e12, E12, rounding)


def require_int(where: str, name: str, value: object, low: int, high: int) -> int:
    """Return `value` when it is an int (no bool, no float) in low..high; AssetError says where it is not."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise AssetError(where, f"{name}={shown(value)} is a {type(value).__name__}", "Give a whole number.")
    if not low <= value <= high:
        raise AssetError(where, f"{name}={shown(value)} is outside {low}..{high}", "Check the number and its unit.")
    return value
