"""What a curve pays for units in all, from its first to its last: closed forms of the two bids, in whole numbers.

A trade of dq at q pays `paid(q + dq) - paid(q)`: path independent, so splitting gains nothing. Payouts are rounded
down; the budget keeps the rest. Reports quote from these; the exchange trades the ladder (docs/rules.md).
"""

from __future__ import annotations

import msgspec

from parbook.pools.amounts import E12, MONEY_MICRO_MAX, NANO, Rounding, divide, require_int
from parbook.pools.tranches import PRICE_NANO_MAX

_WHERE = "bid curve"


class LinearBid(msgspec.Struct, frozen=True, kw_only=True):
    """Falls straight from `first_nano` to `floor_nano`, where the budget ends: U = floor(2 Q / (p0 + pf)) units."""

    first_nano: int
    floor_nano: int
    budget_micro: int

    def __post_init__(self) -> None:
        """Refuse what is out of range; AssetError."""
        require_int(_WHERE, "first_nano", self.first_nano, 1, PRICE_NANO_MAX)
        require_int(_WHERE, "floor_nano", self.floor_nano, 0, self.first_nano)
        require_int(_WHERE, "budget_micro", self.budget_micro, 0, MONEY_MICRO_MAX)

    @property
    def capacity_micro(self) -> int:
        """Most units it buys, rounded down."""
        return divide(2 * self.budget_micro * NANO, self.first_nano + self.floor_nano, Rounding.FLOOR)

    def paid_micro(self, units_micro: int) -> int:
        """Return what the first units bring: floor((2 p0 q U - (p0 - pf) q^2) / (2 U)). AssetError above capacity."""
        most = self.capacity_micro
        require_int(_WHERE, "units_micro", units_micro, 0, most)
        if not units_micro:
            return 0
        drop = (self.first_nano - self.floor_nano) * units_micro * units_micro
        return divide(2 * self.first_nano * units_micro * most - drop, 2 * most * NANO, Rounding.FLOOR)

    def marginal_nano(self, units_micro: int) -> int:
        """Return the price of the next unit, rounded up: a figure to show. What is paid is `paid_micro`."""
        most = self.capacity_micro
        require_int(_WHERE, "units_micro", units_micro, 0, most)
        if not units_micro:
            return self.first_nano
        fallen = divide((self.first_nano - self.floor_nano) * units_micro, most, Rounding.FLOOR)
        return self.first_nano - fallen


class AnchoredBid(msgspec.Struct, frozen=True, kw_only=True):
    """Constant product: falls without a floor and never spends all. paid = Q p0 q / (Q + p0 q)."""

    first_nano: int
    budget_micro: int

    def __post_init__(self) -> None:
        """Refuse what is out of range; AssetError."""
        require_int(_WHERE, "first_nano", self.first_nano, 1, PRICE_NANO_MAX)
        require_int(_WHERE, "budget_micro", self.budget_micro, 1, MONEY_MICRO_MAX)

    def paid_micro(self, units_micro: int) -> int:
        """Return what the first units bring, rounded down."""
        require_int(_WHERE, "units_micro", units_micro, 0, MONEY_MICRO_MAX)
        worth = self.first_nano * units_micro
        return divide(self.budget_micro * worth, self.budget_micro * NANO + worth, Rounding.FLOOR)

    def marginal_nano(self, units_micro: int) -> int:
        """Return the price of the next unit: p0 Q^2 / (Q + p0 q)^2, rounded down."""
        require_int(_WHERE, "units_micro", units_micro, 0, MONEY_MICRO_MAX)
        whole = self.budget_micro * NANO
        return divide(self.first_nano * whole * whole, (whole + self.first_nano * units_micro) ** 2, Rounding.FLOOR)


def discount_e12(bid: LinearBid | AnchoredBid, units_micro: int, fair_nano: int) -> int | None:
    """Return how far below fair value the first units sell on average, rounded up; None: it does not buy as many."""
    require_int(_WHERE, "units_micro", units_micro, 1, MONEY_MICRO_MAX)
    require_int(_WHERE, "fair_nano", fair_nano, 1, PRICE_NANO_MAX)
    if isinstance(bid, LinearBid) and units_micro > bid.capacity_micro:
        return None
    return E12 - divide(bid.paid_micro(units_micro) * NANO * E12, units_micro * fair_nano, Rounding.FLOOR)
