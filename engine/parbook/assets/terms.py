"""Parameters of the valuation of one asset, and the three bands they are stressed into."""

from __future__ import annotations

from enum import IntEnum
from math import log1p
from typing import Final

import msgspec

from parbook.assets.curve import RATE_E12_MAX
from parbook.errors import AssetError
from parbook.pools.amounts import E12, Rounding, divide, require_int

LAG_MONTHS_MAX: Final = 120
"""A recovery comes at most so many months after the default."""
HAZARD_E12_MAX: Final = 1000 * E12
"""Largest multiple of the base hazard."""


class Band(IntEnum):
    """LOW is what the protocol may pay, HIGH what it must ask, MID the model's own value."""

    LOW = 0
    MID = 1
    HIGH = 2


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What the model assumes of an asset. Frozen and comparable: assets with equal terms are valued together.

    pd_e12           probability of default within a year, 0..1
    lgd_e12          share of the balance lost at default, 0..1
    cpr_e12          share of the balance prepaid in a year, 0..1
    spread_e12       added to the zero rate, continuously compounded, 0 or more
    lag_months       from a default to its recovery
    hazard_e12       term structure of default: in month k the year's survival 1 - PD is taken to the power
                     hazard[k - 1] / 12; the last entry stands for all later months; none means 1 always
    seller_pd_e12    recourse: the seller's PD, so that only the default of both is one; -1 without recourse
    correlation_e12  of the seller's and the debtor's standing, -1..1
    """

    pd_e12: int
    lgd_e12: int
    cpr_e12: int = 0
    spread_e12: int = 0
    lag_months: int = 0
    hazard_e12: tuple[int, ...] = ()
    seller_pd_e12: int = -1
    correlation_e12: int = 0

    def __post_init__(self) -> None:
        """Refuse what is out of range; AssetError."""
        for name in ("pd_e12", "lgd_e12", "cpr_e12"):
            require_int("terms", name, getattr(self, name), 0, E12)
        require_int("terms", "spread_e12", self.spread_e12, 0, RATE_E12_MAX)
        require_int("terms", "lag_months", self.lag_months, 0, LAG_MONTHS_MAX)
        require_int("terms", "seller_pd_e12", self.seller_pd_e12, -1, E12)
        require_int("terms", "correlation_e12", self.correlation_e12, -E12, E12)
        for n, multiple in enumerate(self.hazard_e12):
            require_int("terms", f"hazard_e12[{n}]", multiple, 0, HAZARD_E12_MAX)

    @property
    def lag_days(self) -> int:
        """The recovery lag of dated flows: months of 365 / 12 days, to the nearest day."""
        return (self.lag_months * 365 + 6) // 12


class Stress(msgspec.Struct, frozen=True, kw_only=True):
    """How the low band differs from the model, and, the other way round, the high one."""

    pd_multiple_e12: int = E12 * 3 // 2
    lgd_add_e12: int = E12 // 10
    spread_add_e12: int = E12 // 100

    def __post_init__(self) -> None:
        """Refuse a stress that would not be one; AssetError."""
        require_int("stress", "pd_multiple_e12", self.pd_multiple_e12, E12, 1000 * E12)
        require_int("stress", "lgd_add_e12", self.lgd_add_e12, 0, E12)
        require_int("stress", "spread_add_e12", self.spread_add_e12, 0, RATE_E12_MAX)


DEFAULT_STRESS: Final = Stress()
"""PD x 1.5, LGD + 10 points, spread + 100 bp; the high band takes the same steps the other way."""


def stressed(terms: Terms, band: Band, stress: Stress = DEFAULT_STRESS) -> Terms:
    """Return the terms of a band. Each stays in its range; what was rounded is rounded against the asset."""
    if band is Band.MID:
        return terms
    low = band is Band.LOW
    sign = 1 if low else -1

    def probability(value: int) -> int:
        # What has happened is no probability any more: an asset in default stays there in the high band.
        if value == E12:
            return value
        if low:
            return min(divide(value * stress.pd_multiple_e12, E12, Rounding.CEIL), E12)
        return divide(value * E12, stress.pd_multiple_e12, Rounding.CEIL)

    return msgspec.structs.replace(
        terms,
        pd_e12=probability(terms.pd_e12),
        lgd_e12=min(max(terms.lgd_e12 + sign * stress.lgd_add_e12, 0), E12),
        spread_e12=min(max(terms.spread_e12 + sign * stress.spread_add_e12, 0), RATE_E12_MAX),
        seller_pd_e12=-1 if terms.seller_pd_e12 < 0 else probability(terms.seller_pd_e12),
    )


def yearly_default(pd_e12: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """Return (pd_e12, hazard_e12) of conditional default probabilities by year; the last holds for ever after.

    The multiples are ratios of hazards, -log(1 - PD), to the nearest 1e-12.
    """
    for n, pd in enumerate(pd_e12):
        require_int("terms", f"PD of year {n + 1}", pd, 0, E12 - 1)
    if not pd_e12 or pd_e12[0] == 0:
        raise AssetError("terms", "the first year's PD is 0 or missing", "Give a first year above 0 to measure by.")
    base = log1p(-pd_e12[0] / E12)
    multiples = [round(log1p(-pd / E12) / base * E12) for pd in pd_e12]
    return pd_e12[0], tuple(multiple for multiple in multiples for _ in range(12))
