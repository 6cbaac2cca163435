"""Closed loop: what one command costs in the core, B14's tail, and what the platform adds to as much plain work."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from bench.bars import NOT_JUDGED, Row, judged, skipped
from bench.latency.native import P50, Clock, Histogram, Percentiles, best_clock, drive
from bench.latency.sources import COMMANDS, FLOWS, source
from bench.measure import Settings, Spread, UnavailableError, note, short
from parbook.records import COMMAND

TAIL_LIMIT: Final = 10
"""B14: p99.9 may be this many times p50."""

_PROBE_TURNS: Final = 1_000


UNSHARED: Final = 0.98
"""A thread that had less than this share of its core's time shared it: what it fell behind by is not the engine's."""


class Service(msgspec.Struct, frozen=True):
    """Service times of a flow, the clock's cost subtracted, round by round.

    `core` holds every command, `singles` those that caused one event, `platform` as long plain work.
    """

    flow: str
    commands: int
    core: list[Percentiles]
    singles: list[Percentiles]
    platform: list[Percentiles]
    core_share: list[float]

    @property
    def tail(self) -> Spread:
        """p99.9 / p50 of the core, round by round."""
        return _tail(self.core)

    @property
    def single_tail(self) -> Spread:
        """The same of commands that caused one event: what is left is the machine's, not a longer sweep's."""
        return _tail(self.singles)

    @property
    def noise(self) -> str:
        """Why nothing can be judged; empty when it can: somebody shared the core, or plain work misses the bar too."""
        limit_ns = TAIL_LIMIT * middle(self.core, "p50_ns").median
        if Spread.of(self.core_share).median < UNSHARED:
            return "the core was shared"
        if middle(self.platform, "p99_9_ns").median > limit_ns:
            return "the platform's own p99.9 is above the bar"
        return ""


def _tail(rounds: list[Percentiles]) -> Spread:
    return Spread.of(each.p99_9_ns / each.p50_ns for each in rounds)


def middle(rounds: list[Percentiles], name: str) -> Spread:
    """Return the spread of one percentile over the rounds, in ns."""
    return Spread.of(getattr(each, name) for each in rounds)


def service(name: str, settings: Settings, clock: Clock) -> Service:
    """Measure one flow: rounds of the core and of as long plain work in turn. UnavailableError without the flow.

    The steady flow goes on through one warm market, every other one from its start through a fresh market.
    """
    feed = source(name, settings)
    note(f"latency: service time, {name} flow")
    core, singles, platform, share, commands = [], [], [], [], 0
    for _ in range(settings.rounds):
        histogram, apart = Histogram(), Histogram()
        market, stream = feed(settings.size(COMMANDS[name]))
        run = drive(market, stream, histogram, clock.kind, singles=apart)
        share.append(run.core_share(clock))
        core.append(Percentiles.of(histogram, clock, clock.cost_p50_ticks))
        singles.append(Percentiles.of(apart, clock, clock.cost_p50_ticks))
        commands = histogram.total
        platform.append(_platform(commands, core[-1].p50_ns, clock))
    return Service(name, commands, core, singles, platform, share)


def _platform(count: int, work_ns: float, clock: Clock) -> Percentiles:
    """The same loop, each command replaced by an empty loop that takes about `work_ns`."""
    nothing = np.full(count, 0, COMMAND)
    probe = Histogram()
    drive(None, nothing[:_PROBE_TURNS], probe, clock.kind, spin=_PROBE_TURNS)
    turn_ns = clock.ns(probe.percentile(P50) - clock.cost_p50_ticks) / _PROBE_TURNS
    histogram = Histogram()
    drive(None, nothing, histogram, clock.kind, spin=max(1, round(work_ns / turn_ns)))
    return Percentiles.of(histogram, clock, clock.cost_p50_ticks)


def tail_rows(settings: Settings) -> list[Row]:
    """Return B14's tail: p99.9 / p50 of the service time in the core, a row for each flow."""
    clock = best_clock()
    rows = []
    for name in FLOWS:
        try:
            rows.append(tail_row(service(name, settings, clock), clock))
        except UnavailableError as error:
            rows.append(skipped("B14", str(error)))
    return rows


def tail_row(found: Service, clock: Clock) -> Row:
    """Return B14's row of one flow."""
    names = {"p50_ns": "p50", "p99_ns": "p99", "p99_9_ns": "p99.9", "max_ns": "max"}
    values = {name: middle(found.core, name) for name in names}
    noise = middle(found.platform, "p99_9_ns")
    measured = (
        ", ".join(f"{said} {values[name]} ns" for name, said in names.items())
        + f"; {short(clock.ns(clock.cost_p50_ticks))} ns of the clock subtracted; {found.commands:,} commands a round"
        + f"; of commands with one event p99.9/p50 {found.single_tail}; as long plain work: p99.9 {noise} ns"
    )
    values["platform_p99_9_ns"] = noise
    row = judged("B14", f"p99.9 / p50, {found.flow} flow", measured, found.tail, values, limit=TAIL_LIMIT)
    return msgspec.structs.replace(row, verdict=f"{NOT_JUDGED}: {found.noise}") if found.noise else row
