"""Formulas of other systems that the fund uses, as pure integer functions.

- `emission_e12`: Aave Umbrella's emission curve: on x = staked / target, (2 - x) x up to 1, then straight down to 0.8
  at 1.2, and 0.8 beyond: little stake earns more each, and too much is not paid for.
- `payout_micro`: the Reserve Protocol's reward stream: `pool (1 - (1 - ratio)^seconds)`. Streams compose: to be counted
  every second or once a week is the same but for roundings.
- `dutch_e18`: the Reserve Protocol's falling price: in the first fifth geometric from 1000 to 1.5 times the best price,
  then straight to the best at 45 %, to the worst at 95 %, and the worst to the end.
"""

from __future__ import annotations

from typing import Final

from parbook.pools.accrual import power_e27
from parbook.pools.amounts import E12, E18, E27, Rounding, divide

_STEPS: Final = 6_502_287
"""How often 0.999999 is multiplied from 1.5 times the best price down: 0.999999 ** _STEPS = 1.5 / 1000."""
_BASE_E27: Final = 999_999 * 10**21


def emission_e12(staked: int, target: int) -> int:
    """Return the share of the full emission that is paid, rounded down; target > 0. O(1)."""
    if staked <= target:
        return divide((2 * target - staked) * staked * E12, target * target, Rounding.FLOOR)
    if 5 * staked >= 6 * target:
        return 8 * E12 // 10
    return divide((2 * target - staked) * E12, target, Rounding.FLOOR)


def payout_micro(pool_micro: int, ratio_e27: int, seconds: int) -> int:
    """Return what a pool pays out in `seconds` at a ratio a second, rounded down. O(log seconds)."""
    return divide(pool_micro * (E27 - power_e27(E27 - ratio_e27, seconds)), E27, Rounding.FLOOR)


def dutch_e18(best_e18: int, worst_e18: int, elapsed: int, length: int) -> int:
    """Return the price after `elapsed` of `length`, both in one unit of time; a charge: the first fifth rounded up.

    worst <= best; it never rises with time. O(1).
    """
    progress = divide(elapsed * E18, length, Rounding.FLOOR)
    high = divide(best_e18 * 3, 2, Rounding.CEIL)
    if 5 * progress < E18:
        left = E18 // 5 - progress
        steps = divide(_STEPS * left, E18 // 5, Rounding.NEAREST)
        shrunk = power_e27(_BASE_E27, steps) // 10**9
        return divide(best_e18 * 3 * E18, 2 * shrunk, Rounding.CEIL)
    if 20 * progress < 9 * E18:
        return high - (high - best_e18) * (progress - E18 // 5) // (E18 // 4)
    if 20 * progress < 19 * E18:
        return best_e18 - (best_e18 - worst_e18) * (progress - 9 * E18 // 20) // (E18 // 2)
    return worst_e18
