"""The bars, and the table that says which of them this machine reached.

A bar is a promise with a number. Every bar stands in the table of every full run: measured, or with the part
of parbook that it waits for.
"""

from __future__ import annotations

import textwrap
from typing import Final

import msgspec

from bench.measure import Spread

MISSED: Final = "missed"
REACHED: Final = "reached"
NOT_JUDGED: Final = "not judged"
NOT_BUILT: Final = "not yet built"

_WIDTHS: Final = (5, 34, 58, 20, 20, 30)
_HEAD: Final = ("bar", "what", "measured", "ratio", "the bar", "verdict")


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One promise. `limit` bounds the judged number from the side `sense` names; `waits_for` says what is missing."""

    what: str
    text: str
    limit: float
    sense: str
    waits_for: str = ""

    def verdict(self, value: float) -> str:
        """Return whether `value` keeps the promise."""
        return REACHED if (value <= self.limit if self.sense == "<=" else value >= self.limit) else MISSED


def _bar(what: str, text: str, sense: str, limit: float, waits_for: str = "") -> Bar:
    return Bar(what=what, text=text, sense=sense, limit=limit, waits_for=waits_for)


BARS: Final[dict[str, Bar]] = {
    "B1": _bar("public benchmark, worst of five", ">= 5 x CppTrader", ">=", 5),
    "B2": _bar("conformance gate, audit, 100 seeds", "34/34, VALID", ">=", 34),
    "B3": _bar("an idle 256-rung ladder beside the book", "<= 1.10 x without", "<=", 1.10),
    "B4": _bar("sweep of k rungs / of k book levels", "<= 1.0 x", "<=", 1.0),
    "B5": _bar("full exchange / bare matching", "<= 1.8 x", "<=", 1.8),
    "B6": _bar("one Python call / an empty method", "<= 2.5 x", "<=", 2.5),
    "B7": _bar("batch API / the reference", ">= 100 x", ">=", 100),
    "B8": _bar("journal in group mode / raw ceiling", ">= 70 %", ">=", 0.7),
    "B9": _bar("memory per order; of an idle market", "<= 96 B; <= 16 KiB", "<=", 96),
    "B10": _bar("cost per message as the book grows", "grows <= 2.5 x", "<=", 2.5),
    "B11": _bar("two threads, each its own / one", ">= 1.8 x", ">=", 1.8),
    "B12": _bar("ITCH decode + book / itch-book", ">= 2 x", ">=", 2),
    "B13": _bar("a million loans; a rate move", ">= 5 x NumPy; <= 5 us", ">=", 5),
    "B14": _bar("allocations in steady state; tail", "zero; p99.9/p50 <= 10", "<=", 0),
    "B15": _bar("compile and activate 256 rungs", "<= 50 us", "<=", 50),
    "B16": _bar("in-process loop on the public flows", "<= 1.0 x fastest peer", "<=", 1.0),
    "B17": _bar("whole venue, commands to durable", ">= 1 M/s; p99.9 <= 1 ms", ">=", 1),
    "peers": _bar("what PyPI has, on the same task", "no bar", ">=", 0),
    "plain": _bar("plain limit path / an older commit", "<= 1.10 x instructions", "<=", 1.10),
}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table. `values` holds what was measured, by name with its unit, for machines."""

    bar: str
    what: str
    measured: str
    verdict: str
    ratio: Spread | None = None
    values: dict[str, Spread] = {}

    @property
    def cells(self) -> tuple[str, str, str, str, str, str]:
        """The columns as text."""
        ratio = "" if self.ratio is None else str(self.ratio)
        return (self.bar, self.what, self.measured, ratio, BARS[self.bar].text, self.verdict)


def judged(
    bar: str, what: str, measured: str, ratio: Spread, values: dict[str, Spread] | None = None, *, limit: float = 0
) -> Row:
    """Return a row with the verdict on the median of `ratio`; `limit` replaces the bar's own when it has two."""
    promise = BARS[bar] if limit == 0 else msgspec.structs.replace(BARS[bar], limit=limit)
    verdict = promise.verdict(ratio.median)
    return Row(bar=bar, what=what, measured=measured, verdict=verdict, ratio=ratio, values=values or {})


def unbuilt(bar: str, what: str = "", measured: str = "") -> Row:
    """Return the row of a bar that cannot be measured yet."""
    promise = BARS[bar]
    verdict = f"{NOT_BUILT}: needs {promise.waits_for}"
    return Row(bar=bar, what=what or promise.what, measured=measured or "-", verdict=verdict)


def skipped(bar: str, reason: str) -> Row:
    """Return the row of a bar that this machine lacks something for."""
    return Row(bar=bar, what=BARS[bar].what, measured="-", verdict=f"{NOT_JUDGED}: {reason}")


def table(rows: list[Row]) -> str:
    """Return the rows as text for a terminal, cells wrapped in their columns."""
    rule = "  ".join("-" * width for width in _WIDTHS)
    return "\n".join([*_lines(_HEAD), rule, *(line for row in rows for line in _lines(row.cells))])


def markdown(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| " + " | ".join(_HEAD) + " |", "|" + "---|" * len(_HEAD)]
    return "\n".join(lines + ["| " + " | ".join(row.cells) + " |" for row in rows])


def _lines(cells: tuple[str, ...]) -> list[str]:
    columns = [textwrap.wrap(cell, width) or [""] for cell, width in zip(cells, _WIDTHS, strict=True)]
    height = max(map(len, columns))
    filled = [column + [""] * (height - len(column)) for column in columns]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, _WIDTHS, strict=True)).rstrip()
        for line in zip(*filled, strict=True)
    ]
