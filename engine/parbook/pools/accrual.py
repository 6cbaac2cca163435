"""Interest that compounds by the second, and claims that grow by an index. Integers; each rounding is named.

A growth factor of one second is so near 1 that 1e-18 would leave its rate nine digits: it has 27 decimals. An index,
the product of many, has 18.
"""

from __future__ import annotations

from typing import Final

from parbook.errors import AssetError
from parbook.pools.amounts import E12, E18, E27, Rounding, divide, require_int

SECONDS_PER_YEAR: Final = 365 * 86400
INDEX_E18_MAX: Final = 10**12 * E18
"""No claim grows a million million times."""


def factor_e27(rate_e12: int) -> int:
    """Return the growth factor of a second for a nominal yearly rate: 1 + rate / 31,536,000, to the nearest."""
    require_int("accrual", "rate_e12", rate_e12, 0, 1000 * E12)
    return E27 + divide(rate_e12 * (E27 // E12), SECONDS_PER_YEAR, Rounding.NEAREST)


def power_e27(factor: int, seconds: int) -> int:
    """Return `factor` to the power of `seconds`, each product rounded to the nearest. O(log seconds)."""
    require_int("accrual", "seconds", seconds, 0, 1000 * SECONDS_PER_YEAR)
    require_int("accrual", "factor_e27", factor, 1, 2 * E27)
    result = E27
    while seconds:
        if seconds & 1:
            result = divide(result * factor, E27, Rounding.NEAREST)
        factor = divide(factor * factor, E27, Rounding.NEAREST)
        seconds >>= 1
    return result


def index_e18(index: int, factor: int, seconds: int) -> int:
    """Return an index after `seconds` more, rounded to the nearest; AssetError when it leaves its range."""
    require_int("accrual", "index_e18", index, 1, INDEX_E18_MAX)
    grown = divide(index * power_e27(factor, seconds), E27, Rounding.NEAREST)
    if grown > INDEX_E18_MAX:
        raise AssetError("accrual", f"the index would become {grown}", "Check the rate and the time.")
    return grown


def accrued(amount: int, factor: int, seconds: int, rounding: Rounding = Rounding.NEAREST) -> int:
    """Return an amount, in any unit, after it compounded for `seconds`."""
    return divide(amount * power_e27(factor, seconds), E27, rounding)


def discounted(amount: int, factor: int, seconds: int, rounding: Rounding = Rounding.FLOOR) -> int:
    """Return what an amount due in `seconds` is worth now at a growth factor."""
    return divide(amount * E27, power_e27(factor, seconds), rounding)


def reindexed(claim_micro: int, index_then: int, index_now: int) -> int:
    """Return a claim that stood at one index at another, to the nearest: neither side pays."""
    return divide(claim_micro * index_now, index_then, Rounding.NEAREST)
