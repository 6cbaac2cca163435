"""The settings of a simulated world, all in one place."""

from __future__ import annotations

from typing import Final

import msgspec

from parbook.codes import DocumentedEnum
from parbook.errors import AssetError
from parbook.messages import CurveParams
from parbook.oracle.terms import MEMBERS_MAX, FeedTerms
from parbook.pools.amounts import E12, MICRO, MONEY_MICRO_MAX, Rounding, require_int, share_of
from parbook.redemption.desk import DeskTerms
from parbook.redemption.queue_state import QueueTerms
from parbook.simulate.rhythm import DAY_HOURS, HOUR_NS, stays_fresh
from parbook.treasury.terms import TreasuryTerms
from parbook.units import PPM, PRICE_TICKS_MAX, QTY_LOTS_MAX

HORIZON_DAYS_MAX: Final = 1000
LOANS_MAX: Final = 10_000
HOLDERS_MAX: Final = 10_000
PD_TIMES_E12_MAX: Final = 1000 * E12
LOAN_MICRO_LEAST: Final = 3 * MICRO
"""Least mean of the loans: the smallest that is drawn then still has a unit of money."""


class Lateness(DocumentedEnum):
    """What a late oracle does while it is late."""

    SILENT = 0, "its sources say nothing: the feed goes stale and decays"
    LAGGING = 1, "its sources report on time what was true before the shock: nobody can see that it is late"


class World(msgspec.Struct, frozen=True, kw_only=True):
    """A pool, its venue, a shock and a run. Shares, rates, probabilities 1e-12; money micro. AssetError if impossible.

    Credit figures are a year's. The shock is that of the listing report's worst case: PD x 3, LGD + 20 points, a
    3-day-late oracle, and 40 % of the supply on its way out. What may be None is then not opened; who would have left
    that way leaves by the next there is: market, desk, queue, and around.
    """

    # The pool.
    size_micro: int = 1_000_000 * MICRO
    junior_e12: int = 3 * E12 // 100
    senior_rate_e12: int = 6 * E12 // 100
    minimum_subordination_e12: int = 0
    """0 lets the desk pay however thin the junior has become: worse for those who stay, so that is what is tested."""
    fee_e12: int = 0
    """The manager's, a year, of what counts."""
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
    pd_times_e12: int = 3 * E12
    lgd_plus_e12: int = 20 * E12 // 100
    failing_e12: int = 6 * E12 // 100
    """Chance of each obligor to fail on the day of the shock."""
    servicer_late_days: int = 1
    oracle_late_days: int = 3
    lateness: Lateness = Lateness.SILENT
    report_hours: int = 12
    """How often the sources report, from 6:00 on; where a day is no multiple of it, its last interval is shorter."""
    sources: int = 3
    feed_terms: FeedTerms = FeedTerms(quorum=2, confidence_max_ppm=2_000_000)
    """The band may be wide, because in the end only recoveries are left, whose bands are."""
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
    market: bool = True
    """Whether the senior trades, with ticks of 1e-4 and lots of a unit."""
    bids: tuple[tuple[int, int], ...] = ()
    """Orders that rest in its book from the beginning, (ticks, lots), of nobody who acts again."""
    makers: int = 3
    maker_micro: int = 6_000 * MICRO
    maker_spread_ppm: int = 15_000
    # What stands behind the market, and the ways out beside it.
    reserve_micro: int = 100_000 * MICRO
    curve_drop_ppm: int = 100_000
    curve_params: CurveParams | None = None
    """Lots are units, ticks 1e-4. None: a line from the low price, over a fifth of the supply, down by `curve_drop`."""
    treasury_terms: TreasuryTerms | None = TreasuryTerms()
    desk_terms: DeskTerms | None = DeskTerms()
    queue_terms: QueueTerms | None = QueueTerms()
    horizon_days: int = 165

    @property
    def calm(self) -> bool:
        """Whether nothing happens to loans or sources."""
        return not (self.failing_e12 or self.lgd_plus_e12 or self.oracle_late_days) and self.pd_times_e12 == E12

    @property
    def opening_ns(self) -> int:
        """How far apart the rounds are by which a new feed comes to be trusted."""
        terms = self.feed_terms
        return max(min(3, self.report_hours) * HOUR_NS, terms.min_interval_ns, terms.delay_ns)

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated; AssetError."""
        where = "world"
        for name in ("size_micro", "reserve_micro", "maker_micro"):
            require_int(where, name, getattr(self, name), 0, MONEY_MICRO_MAX // 100)
        require_int(where, "size_micro", self.size_micro, 1000 * MICRO, MONEY_MICRO_MAX // 100)
        for each in self.__struct_fields__:
            if each.endswith("_e12") and each != "pd_times_e12":
                require_int(where, each, getattr(self, each), 0, E12)
            elif each.endswith("_ppm"):
                require_int(where, each, getattr(self, each), 0, 2 * PPM)
        for field, low, high in (
            ("loans", 1, LOANS_MAX),
            ("holders", 2, HOLDERS_MAX),
            ("makers", 0, 100),
            ("horizon_days", 2, HORIZON_DAYS_MAX),
            ("due_days_min", 1, HORIZON_DAYS_MAX),
            ("due_days_max", self.due_days_min, 10 * HORIZON_DAYS_MAX),
            # What begins when all is over is not played, and its figures would be of nothing.
            ("shock_day", 1, self.horizon_days - 1),
            ("run_day", 1, self.horizon_days - 1),
            ("run_days", 1, HORIZON_DAYS_MAX),
            ("patience_days", 0, HORIZON_DAYS_MAX),
            ("oracle_late_days", 0, HORIZON_DAYS_MAX),
            ("servicer_late_days", 0, HORIZON_DAYS_MAX),
            ("recovery_days", 1, HORIZON_DAYS_MAX),
            ("default_days", 0, 119),
            ("report_hours", 1, DAY_HOURS),
            ("pd_times_e12", E12, PD_TIMES_E12_MAX),
            ("sources", 1, MEMBERS_MAX),
            ("noise_ppm", 0, PPM // 10),
            ("discount_max_ppm", 0, PPM),
            ("maker_spread_ppm", 0, PPM // 2),
            ("curve_drop_ppm", 1, PPM - 1),
        ):
            require_int(where, field, getattr(self, field), low, high)
        self._require_sense()
        self._require_voices()

    def _require_sense(self) -> None:
        """Refuse fields that contradict each other; AssetError."""
        behind = self.makers or self.bids or self.treasury_terms is not None
        lent_micro = share_of(self.size_micro, self.lent_e12, Rounding.FLOOR)
        junior_micro = share_of(self.size_micro, self.junior_e12, Rounding.FLOOR)
        for fine, what, remedy in (
            (
                self.market_e12 + self.desk_e12 <= E12,
                "market and desk are chosen by more than all",
                "Lower market_e12 or desk_e12.",
            ),
            (0 < self.junior_e12 < E12, "one of the tranches is empty", "Give junior_e12 a share between 0 and 1."),
            (
                junior_micro * E12 >= self.minimum_subordination_e12 * self.size_micro,
                f"minimum_subordination_e12={self.minimum_subordination_e12} is more than the junior has",
                "Lower it, or raise junior_e12.",
            ),
            (
                self.servicer_late_days < self.recovery_days,
                "a recovery comes before its failure is reported",
                "Raise recovery_days or report sooner.",
            ),
            (
                not lent_micro or lent_micro >= self.loans * LOAN_MICRO_LEAST,
                f"loans={self.loans} share {lent_micro} micro, and some would have less than a unit of money",
                "Lend more, or in fewer loans.",
            ),
            (
                self.market or not behind,
                "makers, bids or a treasury have no market to be in",
                "Give it a market, or none of them.",
            ),
            (
                self.treasury_terms is not None or not self.reserve_micro,
                f"reserve_micro={self.reserve_micro} belongs to no treasury",
                "Give treasury_terms, or reserve_micro=0.",
            ),
            (
                all(1 <= ticks <= PRICE_TICKS_MAX and 1 <= lots <= QTY_LOTS_MAX for ticks, lots in self.bids),
                "bids have no price or no units, or more than an order may have",
                "Give (ticks, lots) of at least 1 each.",
            ),
            (
                all(ticks * lots <= MONEY_MICRO_MAX // MICRO for ticks, lots in self.bids),
                "bids are worth more than a world has",
                "Make them smaller.",
            ),
        ):
            if not fine:
                raise AssetError("world", what, remedy)

    def _require_voices(self) -> None:
        """Refuse sources that the feed cannot have, or that leave it stale; AssetError."""
        quorum = self.feed_terms.quorum
        if not quorum <= self.sources < 2 * quorum:
            what = f"sources={self.sources} for a quorum of {quorum}"
            raise AssetError("world", what, "A quorum is a majority of the sources, and no more than there are.")
        if not stays_fresh(self.feed_terms, self.sources, self.report_hours):
            what = f"report_hours={self.report_hours} leave the feed stale before the next report is in force"
            remedy = "Report more often, let rounds follow each other sooner, or let the feed go stale later."
            raise AssetError("world", what, remedy)
