"""A pool's net assets, its tranches' shares of them, and the prices of their units.

    A = sum FV + cash - claimable - fees
    senior = min(claim, A), the next = min(claim, what is left), the last = the rest
    entry price = value / supply, rounded up; exit price = value after unrealised losses / supply, rounded down

What was promised to leavers (`claimable`) belongs to no tranche. Values are never negative and sum to A, or to
nothing when A is less than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from parbook.errors import AssetError
from parbook.pools.amounts import E12, MONEY_MICRO_MAX, NANO, Rounding, divide, require_int

TRANCHES_MAX: Final = 16
PRICE_NANO_MAX: Final = 2**63 - 1


class Tranche(msgspec.Struct, frozen=True, kw_only=True):
    """One tranche. The last of a pool has no claim: it gets the rest. `supply_micro` counts its units in millionths."""

    name: str
    claim_micro: int = 0
    supply_micro: int = 0
    minimum_subordination_e12: int = 0

    def __post_init__(self) -> None:
        """Refuse what is out of range; AssetError."""
        where = f"tranche {self.name}"
        require_int(where, "claim_micro", self.claim_micro, 0, MONEY_MICRO_MAX)
        require_int(where, "supply_micro", self.supply_micro, 0, MONEY_MICRO_MAX)
        require_int(where, "minimum_subordination_e12", self.minimum_subordination_e12, 0, E12)


class TrancheValue(msgspec.Struct, frozen=True, kw_only=True):
    """What a tranche is worth. `subordination_e12` is the share of A that loses before it does."""

    name: str
    claim_micro: int
    value_micro: int
    exit_value_micro: int
    entry_nano: int
    exit_nano: int
    subordination_e12: int
    protected: bool
    """Whether `subordination_e12` reaches the tranche's minimum."""


def net_assets_micro(fair_value_micro: int, cash_micro: int, claimable_micro: int, fees_micro: int) -> int:
    """Return A, which may be negative: fees may exceed what is there. AssetError when claimable exceeds cash."""
    require_int("pool", "cash_micro", cash_micro, 0, MONEY_MICRO_MAX)
    require_int("pool", "claimable_micro", claimable_micro, 0, MONEY_MICRO_MAX)
    require_int("pool", "fees_micro", fees_micro, 0, MONEY_MICRO_MAX)
    require_int("pool", "fair_value_micro", fair_value_micro, -MONEY_MICRO_MAX, MONEY_MICRO_MAX)
    if claimable_micro > cash_micro:
        raise AssetError(
            "pool",
            f"claimable {claimable_micro} exceeds cash {cash_micro}",
            "What is promised to leavers must lie in cash; check both.",
        )
    return fair_value_micro + cash_micro - claimable_micro - fees_micro


def tranche_values(assets_micro: int, claims_micro: Sequence[int]) -> list[int]:
    """Return the values of tranches with these claims, most senior first, and last the rest, which has none."""
    left = max(assets_micro, 0)
    values = []
    for claim in claims_micro:
        value = min(claim, left)
        values.append(value)
        left -= value
    return [*values, left]


def priced(tranches: Sequence[Tranche], assets_micro: int, unrealised_micro: int = 0) -> list[TrancheValue]:
    """Return value and prices of each tranche, most senior first. Unrealised losses fall on the junior first.

    A price above PRICE_NANO_MAX is said to be that: leavers get less than they might, and nobody may enter.
    """
    if not 1 <= len(tranches) <= TRANCHES_MAX:
        raise AssetError("pool", f"it has {len(tranches)} tranches", f"Give 1 to {TRANCHES_MAX}.")
    if len({tranche.name for tranche in tranches}) < len(tranches):
        raise AssetError("pool", "two tranches have one name", "Name each differently.")
    if tranches[-1].claim_micro:
        raise AssetError(f"tranche {tranches[-1].name}", "the last tranche has a claim", "It gets the rest: give none.")
    require_int("pool", "unrealised_micro", unrealised_micro, 0, MONEY_MICRO_MAX)
    claims = [tranche.claim_micro for tranche in tranches[:-1]]
    now = tranche_values(assets_micro, claims)
    leaving = tranche_values(assets_micro - unrealised_micro, claims)
    total, below = sum(now), sum(now)
    out = []
    for tranche, value, exit_value in zip(tranches, now, leaving, strict=True):
        below -= value
        subordination = divide(below * E12, total, Rounding.FLOOR) if total else 0
        out.append(
            TrancheValue(
                name=tranche.name,
                claim_micro=tranche.claim_micro,
                value_micro=value,
                exit_value_micro=exit_value,
                entry_nano=_within(value, tranche.supply_micro, Rounding.CEIL),
                exit_nano=_within(exit_value, tranche.supply_micro, Rounding.FLOOR),
                subordination_e12=subordination,
                protected=subordination >= tranche.minimum_subordination_e12,
            )
        )
    return out


def _within(value_micro: int, supply_micro: int, rounding: Rounding) -> int:
    """Return a price, PRICE_NANO_MAX where it is more: a millionth of a unit may be all that is left of a tranche."""
    if value_micro * NANO > PRICE_NANO_MAX * supply_micro > 0:
        return PRICE_NANO_MAX
    return price_nano(value_micro, supply_micro, rounding)


def price_nano(value_micro: int, supply_micro: int, rounding: Rounding) -> int:
    """Return value / supply; 1 where there are no units: the first are issued at par."""
    if not supply_micro:
        return NANO
    price = divide(value_micro * NANO, supply_micro, rounding)
    if price > PRICE_NANO_MAX:
        raise AssetError("price", f"{value_micro} micro over {supply_micro} units overflows", "Check the supply.")
    return price
