"""The settings of a simulated world, all in one place."""

from __future__ import annotations

from typing import Final

import msgspec

from parbook.codes import DocumentedEnum
from parbook.errors import AssetError
from parbook.pools.amounts import E12, MICRO, MONEY_MICRO_MAX, require_int
from parbook.units import PPM

SECOND_NS: Final = 10**9
HOUR_NS: Final = 3600 * SECOND_NS
DAY_NS: Final = 24 * HOUR_NS
HORIZON_DAYS_MAX: Final = 1000
LOANS_MAX: Final = 10_000
HOLDERS_MAX: Final = 10_000


class Lateness(DocumentedEnum):
    """What a late oracle does while it is late."""

    SILENT = 0, "its sources say nothing: the feed goes stale and decays"
    LAGGING = 1, "its sources report on time what was true before the shock: nobody can see that it is late"


class World(msgspec.Struct, frozen=True, kw_only=True):
    """A pool, its venue, a shock and a run. Shares, rates, probabilities 1e-12; money micro. AssetError if impossible.

    Credit figures are a year's. The shock is that of the listing report's worst case: PD x 3, LGD + 20 points, a
    3-day-late oracle, and 40 % of the supply on its way out.
    """

    # The pool.
    size_micro: int = 1_000_000 * MICRO
    junior_e12: int = 3 * E12 // 100
    senior_rate_e12: int = 6 * E12 // 100
    minimum_subordination_e12: int = 0
    """0 lets the desk pay however thin the junior has become: worse for those who stay, so that is what is tested."""
    lent_e12: int = 85 * E12 // 100
    """The rest lies in cash."""
    loans: int = 80
    due_days_min: int = 10
    due_days_max: int = 120
    coupon_e12: int = 14 * E12 // 100
    discount_e12: int = 9 * E12 // 100
    """Zero rate and spread together."""
    pd_e12: int = 6 * E12 // 100
    lgd_e12: int = 45 * E12 // 100
    recovery_days: int = 45
    default_days: int = 60
    """Days past due at which the servicer books a failure; with it half of what is owed still counts."""
    # The shock.
    shock_day: int = 7
    pd_times: int = 3
    lgd_plus_e12: int = 20 * E12 // 100
    failing_e12: int = 6 * E12 // 100
    """Chance of each obligor to fail on the day of the shock."""
    servicer_late_days: int = 1
    oracle_late_days: int = 3
    lateness: Lateness = Lateness.SILENT
    report_hours: int = 12
    confidence_max_ppm: int = 2_000_000
    """Widest band the feed takes. Wide, because in the end only recoveries are left, whose bands are."""
    noise_ppm: int = 300
    """Most that a source is off."""
    # The run.
    run_day: int = 6
    run_days: int = 4
    """Leavers make up their minds within so many days."""
    leaving_e12: int = 40 * E12 // 100
    holders: int = 48
    market_e12: int = 30 * E12 // 100
    """Of the leavers, who try the market first; and below, the desk first. The others ask the queue at once."""
    desk_e12: int = 30 * E12 // 100
    patience_days: int = 5
    """How long they try before they ask the queue for the rest."""
    discount_max_ppm: int = 50_000
    """The most below the low price last trusted at which the market-goers sell."""
    makers: int = 3
    maker_micro: int = 6_000 * MICRO
    maker_spread_ppm: int = 15_000
    # What stands behind the market.
    reserve_micro: int = 100_000 * MICRO
    curve_drop_ppm: int = 100_000
    treasury_day_e12: int = 2 * E12 // 100
    treasury_month_e12: int = 5 * E12 // 100
    desk_base_e12: int = 25 * E12 // 10_000
    desk_throttle_e12: int = 2 * E12 // 100
    horizon_days: int = 165

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated; AssetError."""
        where = "world"
        for name in ("size_micro", "reserve_micro", "maker_micro"):
            require_int(where, name, getattr(self, name), 0, MONEY_MICRO_MAX // 100)
        require_int(where, "size_micro", self.size_micro, 1000 * MICRO, MONEY_MICRO_MAX // 100)
        for each in self.__struct_fields__:
            if each.endswith("_e12"):
                require_int(where, each, getattr(self, each), 0, E12)
            elif each.endswith("_ppm"):
                require_int(where, each, getattr(self, each), 0, 2 * PPM)
        for field, low, high in (
            ("loans", 1, LOANS_MAX),
            ("holders", 2, HOLDERS_MAX),
            ("makers", 0, 100),
            ("horizon_days", 1, HORIZON_DAYS_MAX),
            ("due_days_min", 1, HORIZON_DAYS_MAX),
            ("due_days_max", self.due_days_min, 10 * HORIZON_DAYS_MAX),
            ("shock_day", 1, HORIZON_DAYS_MAX),
            ("run_day", 1, HORIZON_DAYS_MAX),
            ("run_days", 1, HORIZON_DAYS_MAX),
            ("patience_days", 0, HORIZON_DAYS_MAX),
            ("oracle_late_days", 0, HORIZON_DAYS_MAX),
            ("servicer_late_days", 0, HORIZON_DAYS_MAX),
            ("recovery_days", 1, HORIZON_DAYS_MAX),
            ("default_days", 0, 119),
            ("report_hours", 1, 24),
            ("pd_times", 1, 100),
            ("noise_ppm", 0, PPM // 10),
            ("discount_max_ppm", 0, PPM),
            ("maker_spread_ppm", 0, PPM // 2),
            ("curve_drop_ppm", 1, PPM - 1),
        ):
            require_int(where, field, getattr(self, field), low, high)
        if self.market_e12 + self.desk_e12 > E12:
            raise AssetError(where, "market and desk are chosen by more than all", "Lower market_e12 or desk_e12.")
        if not 0 < self.junior_e12 < E12:
            raise AssetError(where, "one of the tranches is empty", "Give junior_e12 a share between 0 and 1.")
        if self.servicer_late_days >= self.recovery_days:
            raise AssetError(
                where, "a recovery comes before its failure is reported", "Raise recovery_days or report sooner."
            )
