"""Tables of what was measured, and the part of docs/latency.md that they fill."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from bench.bars import MISSED, NOT_JUDGED, REACHED
from bench.latency.load import Point, Sweep
from bench.latency.native import Clock
from bench.latency.service import TAIL_LIMIT, Service, middle
from bench.measure import Spread, short

BEGIN: Final = '<!-- measured: `make latency ARGS="--write docs"` rewrites what is between these lines -->'
END: Final = "<!-- end of measured -->"


class Report(msgspec.Struct, frozen=True):
    """Everything a run found; a part that was not asked for is empty."""

    machine: dict[str, Any]
    clock: Clock
    rounds: int
    service: list[Service]
    sweeps: list[Sweep]


def duration(ns: float) -> str:
    """Return a time with three significant digits in the unit that suits it."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if ns >= size:
            return f"{short(ns / size)} {unit}"
    return f"{short(ns)} ns"


def cell(spread: Spread) -> str:
    """Return a median with the least and the greatest; a unit they all share is said once."""
    middle_text, *ends = (duration(ns) for ns in (spread.median, spread.low, spread.high))
    if spread.count == 1:
        return middle_text
    unit = middle_text[middle_text.index(" ") :]
    if all(end.endswith(unit) for end in ends):
        ends = [end.removesuffix(unit) for end in ends]
    return f"{middle_text} ({'-'.join(ends)})"


def service_table(found: list[Service]) -> str:
    """Return the service times as a Markdown table."""
    head = [
        "flow",
        "commands",
        "p50",
        "p99",
        "p99.9",
        "longest",
        "p99.9 / p50",
        "with one event",
        "plain work",
        "of the core",
        "B14",
    ]
    return _table(head, [_service_cells(each) for each in found])


def _service_cells(found: Service) -> list[str]:
    times = [cell(middle(found.core, name)) for name in ("p50_ns", "p99_ns", "p99_9_ns")]
    verdict = NOT_JUDGED if found.noise else REACHED if found.tail.median <= TAIL_LIMIT else MISSED
    share = f"{Spread.of(found.core_share).median:.0%}"
    longest = duration(middle(found.core, "max_ns").high)
    plain = cell(middle(found.platform, "p99_9_ns"))
    tails = [str(found.tail), str(found.single_tail)]
    return [found.flow, f"{found.commands:,}", *times, longest, *tails, plain, share, verdict]


def load_table(sweep: Sweep, mode: str) -> str:
    """Return the points of one mode as a Markdown table."""
    head = ["arrivals", "load", "offered M/s", "achieved M/s", "of the core", "commands a call"]
    head += ["p50", "p99", "p99.9", "longest", "platform p99", "platform p99.9", "tail"]
    return _table(head, [_load_cells(sweep, point) for point in sweep.points if point.mode == mode])


def _load_cells(sweep: Sweep, point: Point) -> list[str]:
    achieved = Spread.of(each / 1e6 for each in point.achieved_per_second)
    times = [cell(middle(point.core, name)) for name in ("p50_ns", "p99_ns", "p99_9_ns")]
    return [
        point.arrivals,
        f"{point.load:.0%}",
        short(point.offered_per_second / 1e6),
        str(achieved),
        f"{Spread.of(point.core_share).median:.0%}",
        short(Spread.of(point.commands_per_call).median),
        *times,
        duration(middle(point.core, "max_ns").high),
        duration(middle(point.platform, "p99_ns").median),
        cell(middle(point.platform, "p99_9_ns")),
        sweep.verdict(point),
    ]


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def text(report: Report) -> str:
    """Return the whole report as Markdown."""
    machine = report.machine
    parts = [
        f"Taken on {machine['date']} on {machine['processor']}, core {machine['core']}, {machine['system']}, "
        f"CPython {machine['python']}: medians of {report.rounds} rounds, "
        f"least and greatest in parentheses; `longest` is of all rounds.\nClock: {report.clock}."
    ]
    if report.service:
        parts += ["### Service time, closed loop", service_table(report.service)]
    for sweep in report.sweeps:
        parts.append(f"### Latency against offered load, {sweep.flow} flow, {sweep.commands:,} commands a round")
        for mode, rate in sweep.capacity_per_second.items():
            capacity = Spread.of([rate.median / 1e6, rate.low / 1e6, rate.high / 1e6])
            limit = duration(sweep.limit_ns(mode))
            parts.append(
                f"**{mode}**: with everything due at once {capacity} M commands/s, of which the best is 100%; "
                f"bar of the tail {limit}."
            )
            parts.append(load_table(sweep, mode))
    return "\n\n".join(parts)


def rewrite(path: Path, measured: str) -> None:
    """Put `measured` between the two marks of a page. ValueError when it has not both."""
    page = path.read_text(encoding="utf-8")
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path.name} lacks the lines that enclose what is measured")
    path.write_text(f"{before}{BEGIN}\n\n{measured}\n\n{END}{after}", encoding="utf-8")
