"""What a listing report says, as records of whole numbers: shares in 1e-12, money in micro, prices in nano."""

from __future__ import annotations

from typing import Final

import msgspec

from parbook.assets.nav import GroupValue, StageLoss
from parbook.pools.limits import Concentration

SCHEMA: Final = 1
"""Of the JSON; keys are only ever added to it."""


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """What selling a share of the supply at once would bring, from book and curve together.

    `discount_e12`: how far the average of what trades lies below fair, rounded up; None when nothing trades. What does
    not trade is `asked_micro - book_micro - curve_micro`.
    """

    share_e12: int
    asked_micro: int
    book_micro: int
    curve_micro: int
    paid_micro: int
    worst_nano: int
    discount_e12: int | None

    @property
    def filled_micro(self) -> int:
        """Units that trade."""
        return self.book_micro + self.curve_micro


class Backing(msgspec.Struct, frozen=True, kw_only=True):
    """A tranche's reserve, over the supply's value at the low price, and how far the buyback alone would go.

    `coverage_e12`: within 1, 7 and 30 days. `exit_days`: until 10, 20, 40 % are bought, the first day being 1; None:
    never.
    """

    reserve_micro: int
    till_micro: int
    reserve_ratio_e12: int
    bought_micro: tuple[int, ...]
    coverage_e12: tuple[int, ...]
    exit_days: tuple[int | None, ...]


class TrancheLines(msgspec.Struct, frozen=True, kw_only=True):
    """A tranche: what a unit is worth, what stands behind it, what it is quoted at."""

    name: str
    symbol: str
    supply_micro: int
    value_low_micro: int
    value_mid_micro: int
    value_high_micro: int
    exit_low_nano: int
    exit_mid_nano: int
    exit_high_nano: int
    entry_high_nano: int
    subordination_e12: int
    protected: bool
    backing: Backing | None
    quotes: tuple[Quote, ...]
    exit_ns: tuple[int | None, ...]
    """Until 10, 20, 40 % of the supply have left by all ways there are; None: not while it was watched."""


class NavLines(msgspec.Struct, frozen=True, kw_only=True):
    """Net assets in three bands, at the fair value in force, and its age."""

    owed_micro: int
    kept_micro: int
    fair_low_micro: int
    fair_mid_micro: int
    fair_high_micro: int
    cash_micro: int
    buffer_micro: int
    fees_micro: int
    low_micro: int
    mid_micro: int
    high_micro: int
    age_ns: int
    feed: str


class Exits(msgspec.Struct, frozen=True, kw_only=True):
    """What leavers of one tranche got, by way, and what they still hold; units and money."""

    asked_micro: int
    book_micro: int
    curve_micro: int
    desk_micro: int
    queue_micro: int
    held_micro: int
    book_paid_micro: int
    curve_paid_micro: int
    desk_paid_micro: int
    queue_paid_micro: int

    @property
    def left_micro(self) -> int:
        """Units that have left."""
        return self.book_micro + self.curve_micro + self.desk_micro + self.queue_micro

    @property
    def paid_micro(self) -> int:
        """Money they got."""
        return self.book_paid_micro + self.curve_paid_micro + self.desk_paid_micro + self.queue_paid_micro


class Haircut(msgspec.Struct, frozen=True, kw_only=True):
    """What a tranche's holders lose in the run, against the same days without it; shares rounded up.

    `calm_nano`: a unit's exit price at the end, had nothing happened; `end_nano`: as it is then, at the true value.
    `assets_e12`: what they lose if nobody leaves. `worst_e12`: the larger of stayers' and leavers'.
    """

    name: str
    calm_nano: int
    alone_nano: int
    end_nano: int
    assets_e12: int
    stayers_e12: int
    leavers_e12: int | None
    worst_e12: int
    exits: Exits
    treasury_result_micro: int


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """A moment of the run: how much has left of each tranche, what the feed says, what is true."""

    at_ns: int
    left_micro: tuple[int, ...]
    feed: str
    low_nano: int
    true_nano: int


class RunLines(msgspec.Struct, frozen=True, kw_only=True):
    """The run: what was assumed, the fair value it starts from and the true one, and who loses what."""

    share_e12: int
    pd_multiple_e12: int
    lgd_add_e12: int
    late_ns: int
    every_ns: int
    days: int
    fair_mid_micro: int
    true_mid_micro: int
    true_low_micro: int
    haircuts: tuple[Haircut, ...]
    trail: tuple[Day, ...]
    refused: dict[str, int]
    """Reports that the feed did not take, by refusal."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line: a number with its unit (None: there is none), in words, and how it was computed."""

    key: str
    label: str
    value: int | None
    unit: str
    text: str
    how: str


class ListingReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a venue wants to know before it lists a tranche."""

    schema: int
    name: str
    as_of: str
    model: str
    input_hash: str
    assets: int
    nav: NavLines
    tranches: tuple[TrancheLines, ...]
    obligors: Concentration
    counterparties: Concentration
    late: tuple[GroupValue, ...]
    stages: tuple[StageLoss, ...]
    insurance_micro: int
    insurance_ratio_e12: int
    backing_e12: int | None
    run: RunLines
    notes: tuple[str, ...]
    lines: tuple[Line, ...]

    def to_json(self) -> str:
        """Return one JSON object."""
        return msgspec.json.encode(msgspec.to_builtins(self)).decode()
