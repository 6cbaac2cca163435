"""What a treasury may spend, hold and lose: its settings, which governance changes."""

from __future__ import annotations

from typing import Final

import msgspec

from parbook.codes import DocumentedEnum
from parbook.pools.amounts import E12, MONEY_MICRO_MAX, require_int
from parbook.pools.throttle import WINDOW_NS_MAX

HOUR_NS: Final = 3600 * 10**9
DAY_NS: Final = 24 * HOUR_NS
SYNC_NS_LEAST: Final = 60 * 10**9
"""Least time from one due sync to the next."""


class Recycling(DocumentedEnum):
    """What becomes of units that the curve bought."""

    RESELL = 0, "they lie with the curve, which sells them at the high band or above"
    RETIRE = 1, "they are burned, where that does not dilute those who stay"


class TreasuryTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Shares are of the supply's value at the low price, or of the supply's units. AssetError where out of range."""

    day_e12: int = 2 * E12 // 100
    """Most bought at once, and a `day_ns`."""
    day_ns: int = DAY_NS
    month_e12: int = 5 * E12 // 100
    month_ns: int = 30 * DAY_NS
    credit_max_ns: int = 26 * HOUR_NS
    """Most time between two good rounds that gives budget back."""
    sync_ns: int = HOUR_NS
    """A sync is due this long after the last, at least a minute: spending counts from the sync that finds it."""
    inventory_units_max_e12: int = 20 * E12 // 100
    inventory_value_max_micro: int = MONEY_MICRO_MAX
    reserve_floor_micro: int = 0
    """What the reserve outside the till keeps."""
    loss_max_e12: int = 5 * E12 // 1000
    """Most that the result may fall within `loss_window_ns`, as a share of the supply's value."""
    loss_window_ns: int = 30 * DAY_NS
    pause_max_ns: int = 3 * DAY_NS
    pause_rest_ns: int = 7 * DAY_NS
    """From the end of a pause to the next one, at least."""
    recycling: Recycling = Recycling.RESELL

    def __post_init__(self) -> None:
        """Refuse what is out of range; AssetError."""
        where = "treasury terms"
        for name in ("day_e12", "month_e12", "inventory_units_max_e12", "loss_max_e12"):
            require_int(where, name, getattr(self, name), 0, E12)
        for name in ("inventory_value_max_micro", "reserve_floor_micro"):
            require_int(where, name, getattr(self, name), 0, MONEY_MICRO_MAX)
        for name in ("day_ns", "month_ns", "loss_window_ns", "pause_rest_ns"):
            require_int(where, name, getattr(self, name), HOUR_NS, WINDOW_NS_MAX)
        # A silence is looked at sync by sync until its feed halts.
        require_int(where, "sync_ns", self.sync_ns, SYNC_NS_LEAST, WINDOW_NS_MAX)
        require_int(where, "credit_max_ns", self.credit_max_ns, 0, WINDOW_NS_MAX)
        # A pause no longer than its rest leaves the treasury at work at least half of the time.
        require_int(where, "pause_max_ns", self.pause_max_ns, 0, self.pause_rest_ns)
