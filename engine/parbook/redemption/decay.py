"""A half-life, by the minute, in whole numbers: the same on every machine. The minute factor is Liquity's."""

from __future__ import annotations

from typing import Final

from parbook.pools.amounts import E18, require_int

MINUTE_NS: Final = 60 * 10**9
MINUTE_FACTOR_E18: Final = 999_037_758_833_783_000
"""2 to the power of -1/720, of 12 hours, to 15 digits."""
MINUTES_MAX: Final = 525_600_000
"""A thousand years; what is longer ago counts as that."""


def decay_e18(minutes: int, factor_e18: int = MINUTE_FACTOR_E18) -> int:
    """Return what is left of 1 after so many minutes; each product is rounded half up. O(log minutes).

    Squares and multiplies from the lowest bit, so that every digit is that of `LiquityMath._decPow`.
    """
    require_int("decay", "factor_e18", factor_e18, 0, E18)
    left = min(require_int("decay", "minutes", minutes, 0, 2**63 - 1), MINUTES_MAX)
    result, power = E18, factor_e18
    while left:
        if left & 1:
            result = _times(result, power)
        power = _times(power, power)
        left >>= 1
    return result


def _times(x: int, y: int) -> int:
    return (x * y + E18 // 2) // E18
