"""What a description says, in whole numbers: a venue that can be built, and what its report shall try."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final

import msgspec

from parbook.codes import Side
from parbook.errors import AssetError
from parbook.instrument import Instrument
from parbook.messages import CurveParams
from parbook.oracle.terms import FeedTerms
from parbook.pools.amounts import E12, MONEY_MICRO_MAX, require_int
from parbook.pools.pool import PoolTerms
from parbook.redemption.desk import DeskTerms
from parbook.redemption.queue_state import QueueTerms
from parbook.treasury.terms import TreasuryTerms

HOUR_NS: Final = 3600 * 10**9
DAY_NS: Final = 24 * HOUR_NS
RUN_STEPS_MAX: Final = 10_000
"""Most steps of a run."""


class TapeFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Where assets, zero rates and risk groups are; see docs/valuation.md for their columns."""

    assets: Path
    curve: Path
    groups: Path | None = None


class TreasurySetup(msgspec.Struct, frozen=True, kw_only=True):
    """What buys units back. `founder` pays the reserve in; he owns nothing of it afterwards."""

    terms: TreasuryTerms
    params: CurveParams
    guardian: int
    governor: int
    founder: int
    reserve_micro: int


class TrancheSetup(msgspec.Struct, frozen=True, kw_only=True):
    """A tranche, who buys it for how much (account, amount_micro), and how its holders may leave."""

    name: str
    holders: tuple[tuple[int, int], ...]
    market: Instrument | None = None
    treasury: TreasurySetup | None = None
    desk: DeskTerms | None = None
    queue: QueueTerms | None = None


class FeedSetup(msgspec.Struct, frozen=True, kw_only=True):
    """The pool's feed. `members` are (source, Ed25519 public key in hex)."""

    terms: FeedTerms
    arbiter: int
    members: tuple[tuple[int, str], ...]


class OrderTerms(msgspec.Struct, frozen=True, kw_only=True):
    """An order that rests in the book of a tranche, of a market maker say."""

    tranche: int
    account: int
    side: Side
    price_ticks: int
    qty_lots: int


class RunTerms(msgspec.Struct, frozen=True, kw_only=True):
    """The bad days of the report: what becomes of the assets, how long nobody reports it, who wants to leave.

    share_e12         of every tranche's units, of those who want to leave
    pd_multiple_e12   PD of every asset times this, at most 1
    lgd_add_e12       added to every LGD, at most 1
    late_ns           how long no source reports
    every_ns          how often sources report and leavers try
    days              how long it is watched
    """

    share_e12: int = 2 * E12 // 5
    pd_multiple_e12: int = 3 * E12
    lgd_add_e12: int = E12 // 5
    late_ns: int = 3 * DAY_NS
    every_ns: int = DAY_NS
    days: int = 30

    def __post_init__(self) -> None:
        """Refuse what is out of range; AssetError."""
        require_int("run", "share_e12", self.share_e12, 0, E12)
        require_int("run", "pd_multiple_e12", self.pd_multiple_e12, E12, 1000 * E12)
        require_int("run", "lgd_add_e12", self.lgd_add_e12, 0, E12)
        require_int("run", "days", self.days, 1, 3650)
        require_int("run", "late_ns", self.late_ns, 0, self.days * DAY_NS)
        require_int("run", "every_ns", self.every_ns, HOUR_NS, 30 * DAY_NS)
        if self.days * DAY_NS > RUN_STEPS_MAX * self.every_ns:
            raise AssetError("run", f"it has more than {RUN_STEPS_MAX} steps", "Try less often, or for fewer days.")


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """A venue that can be built: one pool, its tranches, most senior first, its feed, and orders in its books.

    `insurance_micro` and `backing_e12` (None: no anchored token) count where the venue has no fund and no token.
    """

    path: str
    quote: str
    as_of: date
    max_fee_ppm: int
    pool: PoolTerms
    originator: int
    tape: TapeFiles
    tranches: tuple[TrancheSetup, ...]
    feed: FeedSetup
    orders: tuple[OrderTerms, ...] = ()
    insurance_micro: int = 0
    backing_e12: int | None = None
    run: RunTerms = RunTerms()

    def __post_init__(self) -> None:
        """Refuse amounts beyond all money; AssetError."""
        total = sum(amount for tranche in self.tranches for _, amount in tranche.holders)
        require_int("setup", "what holders invest in all", total, 1, MONEY_MICRO_MAX)

    @property
    def start_ns(self) -> int:
        """When the venue opens: midnight, UTC, of the day of valuation."""
        return (self.as_of - date(1970, 1, 1)).days * DAY_NS
