"""The driver in C and its clock, as Python sees them: runs go in, histograms in ticks come out."""

from __future__ import annotations

import time
from functools import cache
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from bench.build import extension
from bench.measure import ROOT, cpu_ns
from parbook import Market
from parbook.records import COMMAND, Records

Ticks = npt.NDArray[np.int64]

ARTIFICIAL, SYSTEM, TSC = range(3)
"""Clocks: one for tests that only moves as it is told, the system's CLOCK_MONOTONIC_RAW, the time stamp counter."""

PER_CALL: Final = 1
"""The cap of a loop in which every command is a call of its own."""

BATCH: Final = 64
"""The cap of a loop that hands over all commands that are due, as many as room is made for at once."""

P50, P99, P99_9 = 500_000, 990_000, 999_000

LINEAR_TICKS: Final = 2048
"""Below it every value has a bucket of its own."""


@cache
def native() -> Any:
    """Return the extension module of bench/native/latency.c, compiled if need be. UnavailableError without cc."""
    return extension(ROOT / "bench/native/latency.c")


class Histogram:
    """Counts of values in ticks, at three significant digits; the memory is here, the arithmetic in C."""

    def __init__(self) -> None:
        """Make an empty one, every page of it touched: recording takes no page fault."""
        self.words = np.full(native().HISTOGRAM_WORDS, 0, np.uint64)

    def record(self, values: Ticks) -> None:
        """Add values; below 0 they count as 0."""
        native().record(self.words, np.ascontiguousarray(values, np.int64))

    def percentile(self, ppm: int) -> int:
        """Return the value that `ppm` millionths of all do not exceed, to three digits; 0 when empty."""
        return int(native().percentile(self.words, ppm))

    def smooth_percentile(self, ppm: int, step_ticks: int) -> float:
        """Return a percentile of values that are multiples of a step, as the median of grouped data is taken.

        A clock that moves in steps shows a duration as one of the two multiples around it; within a step the
        values are taken as spread evenly. Beyond the buckets of a tick each, the plain percentile.
        """
        value = self.percentile(ppm)
        counts = self.words[2:]
        if step_ticks == 1 or value >= LINEAR_TICKS:
            return value
        rank = max(1, -(-self.total * ppm // 1_000_000))
        below = int(counts[:value].sum())
        return max(0.0, value + step_ticks * ((rank - below) / int(counts[value]) - 0.5))

    @property
    def total(self) -> int:
        """How many values were recorded."""
        return int(self.words[0])

    @property
    def greatest(self) -> int:
        """The greatest value, exactly."""
        return int(self.words[1])


class Run(msgspec.Struct, frozen=True):
    """What one loop did: calls into the core, ticks from its start to the last completion, CPU time of the thread."""

    calls: int
    elapsed_ticks: int
    cpu_ns: int

    def core_share(self, clock: Clock) -> float:
        """Return the share of its time during which the loop had its core to itself."""
        return min(1.0, self.cpu_ns / max(1.0, clock.ns(self.elapsed_ticks)))


def drive(
    market: Market | None,
    commands: Records,
    histogram: Histogram,
    clock: int,
    *,
    intended: Ticks | None = None,
    cap: int = PER_CALL,
    singles: Histogram | None = None,
    latencies: Ticks | None = None,
    service_ticks: Ticks | None = None,
    spin: int = 0,
) -> Run:
    """Run the commands once through a market, or through nothing, and add each one's latency to the histogram.

    With `intended`, ticks after the start in ascending order, the loop is open and a latency counts from there;
    without, it is closed and counts the command alone; `singles` then takes those that caused one event as well.
    `latencies` takes every one. Without a market a command is `spin` turns of an empty loop. The artificial clock
    moves by `service_ticks`. RuntimeError when not every command was applied.
    """
    apart = None if singles is None else singles.words
    before_ns = cpu_ns()
    applied, calls, elapsed_ticks = native().drive(
        market, commands, intended, histogram.words, apart, latencies, service_ticks, clock, cap, spin
    )
    if applied != len(commands):
        raise RuntimeError(f"{applied} of {len(commands)} commands were applied")
    return Run(calls, elapsed_ticks, cpu_ns() - before_ns)


class Clock(msgspec.Struct, frozen=True):
    """A clock, its speed, the step it moves in, and what a reading costs: two readings with nothing between them."""

    kind: int
    ticks_per_ns: float
    step_ticks: int
    cost_p50_ticks: float
    cost_p99_9_ticks: float

    @property
    def name(self) -> str:
        """What it is called in a report."""
        return "time stamp counter" if self.kind == TSC else "CLOCK_MONOTONIC_RAW"

    def ns(self, ticks: float) -> float:
        """Return ticks as ns."""
        return ticks / self.ticks_per_ns

    def ticks(self, ns: npt.NDArray[np.float64]) -> Ticks:
        """Return ns as ticks, rounded down."""
        return (ns * self.ticks_per_ns).astype(np.int64)

    def __str__(self) -> str:
        cost = f"{self.ns(self.cost_p50_ticks):.1f} ns (p99.9 {self.ns(self.cost_p99_9_ticks):.1f} ns)"
        speed = f"{self.ticks_per_ns * 1000:,.0f} M ticks/s in steps of {self.ns(self.step_ticks):.1f} ns"
        return f"{self.name}, {speed}; reading it costs {cost}"


def best_clock(seconds: float = 0.2) -> Clock:
    """Return this machine's best clock, held against CLOCK_MONOTONIC_RAW over some seconds."""
    kind = int(native().BEST_CLOCK)
    first_ns, first_ticks = native().clock_pair(kind)
    time.sleep(seconds)
    last_ns, last_ticks = native().clock_pair(kind)
    speed = 1.0 if kind == SYSTEM else (last_ticks - first_ticks) / (last_ns - first_ns)
    nothing = np.full(100_000, 0, COMMAND)
    for _ in range(2):  # the first warms up
        histogram = Histogram()
        drive(None, nothing, histogram, kind)
    seen = np.flatnonzero(histogram.words[2 : 2 + LINEAR_TICKS])
    step = max(1, int(np.gcd.reduce(seen)))
    return Clock(kind, speed, step, *(histogram.smooth_percentile(ppm, step) for ppm in (P50, P99_9)))


class Percentiles(msgspec.Struct, frozen=True):
    """What a histogram says, in ns."""

    p50_ns: float
    p99_ns: float
    p99_9_ns: float
    max_ns: float

    @classmethod
    def of(cls, histogram: Histogram, clock: Clock, less_ticks: float = 0) -> Percentiles:
        """Return the percentiles less `less_ticks`, the cost of the clock; none falls below one tick."""
        ticks = [histogram.smooth_percentile(ppm, clock.step_ticks) for ppm in (P50, P99, P99_9)]
        return cls(*(clock.ns(max(1, value - less_ticks)) for value in (*ticks, histogram.greatest)))
