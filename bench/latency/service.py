"""Closed loop: what one command costs in the core, B14's tail, and what the platform adds to as much plain work."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from bench.bars import NOT_JUDGED, Row, judged, skipped
from bench.latency.native import P50, Clock, Histogram, Percentiles, best_clock, drive
from bench.latency.sources import FLOWS, STEADY, Source, source
from bench.measure import Settings, Spread, UnavailableError, note, short
from parbook.records import COMMAND

TAIL_LIMIT: Final = 10
"""B14: p99.9 may be this many times p50."""

STEADY_COMMANDS: Final = 1_000_000
_PROBE_TURNS: Final = 1_000


class Service(msgspec.Struct, frozen=True):
    """Service times of a flow, the clock's cost subtracted: a round of the core, and one of the platform, each."""

    flow: str
    commands: int
    core: list[Percentiles]
    platform: list[Percentiles]

    @property
    def tail(self) -> Spread:
        """p99.9 / p50 of the core, round by round."""
        return Spread.of(each.p99_9_ns / each.p50_ns for each in self.core)

    @property
    def noisy(self) -> bool:
        """Whether the platform alone exceeds the bar: p99.9 of plain work above ten times the core's p50."""
        limit_ns = TAIL_LIMIT * middle(self.core, "p50_ns").median
        return middle(self.platform, "p99_9_ns").median > limit_ns


def middle(rounds: list[Percentiles], name: str) -> Spread:
    """Return the spread of one percentile over the rounds, in ns."""
    return Spread.of(getattr(each, name) for each in rounds)


def service(name: str, settings: Settings, clock: Clock) -> Service:
    """Measure one flow: rounds of the core and of as long plain work in turn. UnavailableError without the flow.

    The steady flow goes on through one warm market, every other one from its start through a fresh market.
    """
    feed = source(name, settings)
    note(f"latency: service time, {name} flow")
    core, platform, commands = [], [], 0
    for _ in range(settings.rounds):
        histogram = _core(feed, settings, clock)
        core.append(Percentiles.of(histogram, clock, clock.cost_p50_ticks))
        commands = histogram.total
        platform.append(_platform(commands, core[-1].p50_ns, clock))
    return Service(name, commands, core, platform)


def _core(feed: Source, settings: Settings, clock: Clock) -> Histogram:
    market, commands = feed(settings.size(STEADY_COMMANDS) if feed.__name__ == STEADY else 2**31)
    histogram = Histogram()
    drive(market, commands, histogram, clock.kind)
    return histogram


def _platform(count: int, work_ns: float, clock: Clock) -> Percentiles:
    """The same loop, each command replaced by an empty loop that takes about `work_ns`."""
    nothing = np.full(count, 0, COMMAND)
    probe = Histogram()
    drive(None, nothing[:_PROBE_TURNS], probe, clock.kind, spin=_PROBE_TURNS)
    turn_ns = clock.ns(probe.percentile(P50) - clock.cost_p50_ticks) / _PROBE_TURNS
    histogram = Histogram()
    drive(None, nothing, histogram, clock.kind, spin=max(1, round(work_ns / turn_ns)))
    return Percentiles.of(histogram, clock, clock.cost_p50_ticks)
