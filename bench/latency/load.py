"""Open loop: latency from the intended start against the offered load, up to saturation and beyond."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from bench.bars import MISSED, NOT_JUDGED, REACHED
from bench.latency.native import BATCH, PER_CALL, Clock, Histogram, Percentiles, drive
from bench.latency.service import TAIL_LIMIT, UNSHARED, middle
from bench.latency.sources import Source, source
from bench.measure import Settings, Spread, interleave, note

MODES: Final = {"per call": PER_CALL, "batch": BATCH}
ARRIVALS: Final = ("fixed", "Poisson")
LOADS: Final = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1)
"""Offered rates as shares of a mode's capacity: its best round with everything due at once, since noise only takes."""

COMMANDS: Final = 500_000
SATURATED: Final = 0.99
"""A mode that does not reach this share of what the idle loop reaches is saturated: its queue grows for ever."""

_K1, _K2, _K3 = (np.uint64(k) for k in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def gaps(arrivals: str, count: int, seed: int) -> npt.NDArray[np.float64]:
    """Return the times between arrivals in units of their mean: all 1, or exponential by the integers of splitmix64."""
    if arrivals == "fixed":
        return np.ones(count)
    z = np.uint64(seed) + _K1 * np.arange(1, count + 1, dtype=np.uint64)
    z = (z ^ (z >> np.uint64(30))) * _K2
    z = (z ^ (z >> np.uint64(27))) * _K3
    z ^= z >> np.uint64(31)
    return -np.log(((z >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53)


def schedule_ns(arrivals: str, count: int, rate_per_second: float, seed: int) -> npt.NDArray[np.float64]:
    """Return the intended starts of so many commands, in ns after the start of the run."""
    return np.cumsum(gaps(arrivals, count, seed)) * (1e9 / rate_per_second)


class Point(msgspec.Struct, frozen=True):
    """One offered rate, round by round: what was achieved, how long commands took, the same schedule with no work."""

    mode: str
    arrivals: str
    load: float
    offered_per_second: float
    achieved_per_second: list[float]
    idle_per_second: list[float]
    core_share: list[float]
    commands_per_call: list[float]
    core: list[Percentiles]
    platform: list[Percentiles]

    @property
    def achieved(self) -> Spread:
        """Commands a second."""
        return Spread.of(self.achieved_per_second)

    @property
    def saturated(self) -> bool:
        """Whether the core fell behind a schedule that the idle loop kept."""
        return self.achieved.median < SATURATED * Spread.of(self.idle_per_second).median


class Sweep(msgspec.Struct, frozen=True):
    """All points of a flow, and the rate at which each mode was saturated, whose best round is its capacity."""

    flow: str
    commands: int
    capacity_per_second: dict[str, Spread]
    points: list[Point]

    def limit_ns(self, mode: str) -> float:
        """Return the bar of a mode's tail: ten times the median of a command that finds no queue, in the best round."""
        lightest = [point for point in self.points if (point.mode, point.load) == (mode, LOADS[0])]
        return TAIL_LIMIT * min(middle(point.core, "p50_ns").low for point in lightest)

    def verdict(self, point: Point) -> str:
        """Return whether a point's p99.9 keeps the bar, where the core keeps up and the platform alone is below it."""
        limit_ns = self.limit_ns(point.mode)
        if Spread.of(point.core_share).median < UNSHARED:
            return NOT_JUDGED
        if point.saturated:
            return "saturated"
        if middle(point.platform, "p99_9_ns").median > limit_ns:
            return NOT_JUDGED
        return REACHED if middle(point.core, "p99_9_ns").median <= limit_ns else MISSED


def sweep(name: str, settings: Settings, clock: Clock) -> Sweep:
    """Measure a flow at every load, in rounds that visit all of them. UnavailableError without the flow."""
    feed = source(name, settings)
    count = settings.size(COMMANDS)
    note(f"latency: capacity, {name} flow")
    once = {mode: partial(_saturated, feed, count, clock, cap) for mode, cap in MODES.items()}
    capacity = {mode: Spread.of(rates) for mode, rates in interleave(once, 4 * settings.rounds).items()}
    points = {
        (mode, arrivals, load): Point(mode, arrivals, load, capacity[mode].high * load, [], [], [], [], [], [])
        for mode, arrivals, load in product(MODES, ARRIVALS, LOADS)
    }
    for number in range(settings.rounds):
        note(f"latency: {name} flow, round {number + 1} of {settings.rounds} at {len(points)} loads")
        for point in points.values():
            _visit(point, feed, count, clock, number + 1)
    return Sweep(name, count, capacity, list(points.values()))


def _saturated(feed: Source, count: int, clock: Clock, cap: int) -> float:
    """Return the commands a second that are applied when all are due at once."""
    histogram, due = Histogram(), np.full(count, 0, np.int64)
    market, commands = feed(count)
    run = drive(market, commands, histogram, clock.kind, intended=due[: len(commands)], cap=cap)
    return len(commands) * 1e9 / clock.ns(run.elapsed_ticks)


def _visit(point: Point, feed: Source, count: int, clock: Clock, seed: int) -> None:
    """Add a round to a point: the core, then the same schedule with no work."""
    due = clock.ticks(schedule_ns(point.arrivals, count, point.offered_per_second, seed))
    histogram, idle = Histogram(), Histogram()
    cap = MODES[point.mode]
    market, commands = feed(count)
    due = due[: len(commands)]
    run = drive(market, commands, histogram, clock.kind, intended=due, cap=cap)
    point.core_share.append(run.core_share(clock))
    rest = drive(None, commands, idle, clock.kind, intended=due, cap=cap)
    point.idle_per_second.append(len(commands) * 1e9 / clock.ns(rest.elapsed_ticks))
    point.achieved_per_second.append(len(commands) * 1e9 / clock.ns(run.elapsed_ticks))
    point.commands_per_call.append(len(commands) / run.calls)
    point.core.append(Percentiles.of(histogram, clock))
    point.platform.append(Percentiles.of(idle, clock))
