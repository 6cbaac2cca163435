"""A token bucket: at most `capacity` at once, and `capacity` more a window, continuously, without a cliff.

    available = max(capacity - used, 0);  used falls by rate x elapsed / window, and never below 0

What is remembered is what was used. A capacity that grows or falls (it is a share of something) therefore gives or
takes only its own difference. Time is exact: what accrued short of a whole micro is kept, so that crediting often
gives what crediting once does. The unit is whatever the caller counts: money or units, in micro.
"""

from __future__ import annotations

from typing import Final

import msgspec

from parbook.errors import InvariantError
from parbook.pools.amounts import MONEY_MICRO_MAX, require_int

WINDOW_NS_MAX: Final = 2**62
_WHERE: Final = "throttle"


class Throttle(msgspec.Struct, frozen=True, kw_only=True):
    """What was used and has not come back. `part` is what came back short of one micro, in micro x ns."""

    used_micro: int = 0
    part: int = 0

    def check(self, window_ns: int) -> None:
        """Raise InvariantError unless the part is one, and nothing comes back where nothing was used."""
        if self.used_micro < 0 or not 0 <= self.part < window_ns or (self.part and not self.used_micro):
            raise InvariantError(f"{self} over {window_ns} ns is no throttle")


def available_micro(throttle: Throttle, capacity_micro: int) -> int:
    """Return what may be used now."""
    return max(capacity_micro - throttle.used_micro, 0)


def credited(throttle: Throttle, rate_micro: int, elapsed_ns: int, window_ns: int) -> Throttle:
    """Return the throttle after `elapsed_ns` at `rate_micro` a window. Rounded down, the rest is kept; O(1)."""
    require_int(_WHERE, "rate_micro", rate_micro, 0, MONEY_MICRO_MAX)
    require_int(_WHERE, "elapsed_ns", elapsed_ns, 0, 2**63 - 1)
    if not throttle.used_micro:
        return throttle
    whole, part = divmod(throttle.part + rate_micro * elapsed_ns, window_ns)
    if whole >= throttle.used_micro:
        return Throttle()
    return Throttle(used_micro=throttle.used_micro - whole, part=part)


def drained(throttle: Throttle, amount_micro: int) -> Throttle:
    """Return the throttle after an amount was used, whether or not it was available."""
    require_int(_WHERE, "amount_micro", amount_micro, 0, MONEY_MICRO_MAX)
    return Throttle(used_micro=throttle.used_micro + amount_micro, part=throttle.part)


def reframed(throttle: Throttle) -> Throttle:
    """Return the throttle for another window: the part, which was one of the old window, is given up."""
    return Throttle(used_micro=throttle.used_micro)
