"""What a replay returns. Everything is an integer or text, so that the JSON of the same replay is the same bytes."""

from __future__ import annotations

from typing import Final

import msgspec

from parbook.replay.timeline import Timeline

MISMATCHES_SHOWN: Final = 20
"""A result lists the first so many mismatches and counts the rest."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One verification: `passed` of `total` comparisons held. Only a `required` one decides the outcome."""

    name: str
    what: str
    passed: int
    total: int
    required: bool

    @property
    def failed(self) -> int:
        """Comparisons that did not hold."""
        return self.total - self.passed

    @property
    def percent(self) -> str:
        """Passed of total as text with four decimals, rounded down: 100 is said only of all."""
        return percent_text(self.passed, self.total)


class Mismatch(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison that did not hold. `where` is the byte or row in the log; `level` counts from 1, 0: none."""

    check: str
    where: str
    reason: str
    expected: str
    got: str
    side: str = ""
    level: int = 0


class CurveReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the buyback did over a log. Money is ticks x lots; a fair price is the middle of the active anchors.

    unfilled_alone_*   aggressor lots of the side that the recorded book alone left unfilled
    unfilled_joint_*   the same with the curve
    residual_filled_*  lots that an aggressor could not trade alone and, as the same command, traded jointly
    curve_share_*_ppm  the curve's part of all lots takers of that side traded, rounded down
    discount_ppm       how far below fair the curve bought, weighted by fair value, rounded down
    pnl_notional       cash change + net lots at the final fair price, rounded down
    reserve_used_*     budget - cash; negative after selling more than was spent
    diverged           commands of the log that the joint market refused and the book alone did not
    """

    budget_notional: int
    bought_lots: int
    bought_notional: int
    lifted_lots: int
    sold_lots: int
    sold_notional: int
    book_lots: int
    book_lots_alone: int
    unfilled_alone_buy_lots: int
    unfilled_alone_sell_lots: int
    unfilled_joint_buy_lots: int
    unfilled_joint_sell_lots: int
    residual_filled_buy_lots: int
    residual_filled_sell_lots: int
    curve_share_buy_ppm: int
    curve_share_sell_ppm: int
    reserve_used_max_notional: int
    reserve_used_final_notional: int
    net_lots: int
    net_lots_max: int
    net_lots_min: int
    discount_ppm: int
    fair_twice_ticks: int
    pnl_notional: int
    anchors_proposed: int
    anchors_activated: int
    anchors_refused: int
    diverged: int
    anchor_source: str


class ReplayResult(msgspec.Struct, kw_only=True):
    """The outcome of one replay. `timeline` is for the report and stays out of the JSON."""

    log: str
    format: str
    mode: str
    symbols: list[str]
    tick: str
    lot: str
    messages: int
    verified: bool
    checks: list[Check]
    counts: dict[str, int]
    mismatches_total: int
    mismatches: list[Mismatch]
    notes: list[str]
    state_hash: str
    curve: CurveReport | None
    timeline: Timeline

    def to_json(self) -> str:
        """Return one JSON object, keys in a fixed order, without the timeline."""
        fields = {name: getattr(self, name) for name in self.__struct_fields__ if name != "timeline"}
        fields["checks"] = [msgspec.structs.asdict(check) | {"percent": check.percent} for check in self.checks]
        return msgspec.json.encode({"schema": 1} | fields).decode()


class Findings:
    """Collects checks, counts and mismatches while a replay runs."""

    def __init__(self) -> None:
        self.mismatches: list[Mismatch] = []
        self.mismatches_total = 0
        self.counts: dict[str, int] = {}

    def count(self, name: str, by: int = 1) -> None:
        """Add to a named count."""
        self.counts[name] = self.counts.get(name, 0) + by

    def mismatch(
        self, check: str, where: str, reason: str, expected: object, got: object, side: str = "", level: int = 0
    ) -> None:
        """Record a comparison that did not hold; the first MISMATCHES_SHOWN are kept whole."""
        self.mismatches_total += 1
        if len(self.mismatches) < MISMATCHES_SHOWN:
            self.mismatches.append(
                Mismatch(
                    check=check,
                    where=where,
                    reason=reason,
                    expected=str(expected),
                    got=str(got),
                    side=side,
                    level=level,
                )
            )


def percent_text(part: int, whole: int) -> str:
    """Return part / whole in percent with four decimals, rounded down; 'n/a' when there is no whole."""
    if whole == 0:
        return "n/a"
    parts = part * 1_000_000 // whole
    return f"{parts // 10_000}.{parts % 10_000:04d}"
