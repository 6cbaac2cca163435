"""B11: do two markets, or two exchanges, in two threads give twice the throughput of one?"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec

from bench.bars import BARS, NOT_JUDGED, Row, judged, skipped
from bench.funded import funded
from bench.measure import Settings, Spread, interleave, note, ratios
from bench.workloads import BATCH, INSTRUMENT, BatchMarket, batches, feed, flow
from parbook import Market
from parbook.records import Records

LAPS: Final = 8
"""So many of a kind has a thread, each with the same commands: a sample is then a tenth of a second. The start of a
thread and the waking of a core that slept take a millisecond or two, which one of twelve showed as throughput lost."""

MADE: Final[dict[str, Callable[[], BatchMarket]]] = {"market": partial(Market, INSTRUMENT), "exchange": funded}
"""What a thread has for itself."""


def thread_rows(settings: Settings) -> list[Row]:
    """Return B11: two of a kind fed by two threads, against one fed by one. By the wall clock, not pinned.

    SHA-256, which is known to run without the GIL, is the control: where two threads of it miss the bar in
    any round, the machine had no two idle cores and nothing can be judged.
    """
    if not hasattr(os, "sched_setaffinity"):
        return [skipped("B11", "the core of a thread cannot be chosen here")]
    pinned = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        if len(os.sched_getaffinity(0)) < 2:
            return [skipped("B11", "needs two cores")]
        parts = batches(flow("own", settings.size(400_000)), BATCH * 4)
        return [_row(settings, kind, parts) for kind in MADE]
    finally:
        os.sched_setaffinity(0, pinned)


def _row(settings: Settings, kind: str, parts: list[Records]) -> Row:
    note(f"B11 two threads, {kind}s")
    data = bytes(settings.size(128_000_000))
    contenders = {
        "one": partial(_walled, partial(_feeder, kind, parts), 1),
        "two": partial(_walled, partial(_feeder, kind, parts), 2),
        "control_one": partial(_walled, lambda: partial(hashlib.sha256, data), 1),
        "control_two": partial(_walled, lambda: partial(hashlib.sha256, data), 2),
    }
    samples = interleave(contenders, settings.rounds)
    rate, control = (
        ratios([2 * one for one in samples[f"{which}one"]], samples[f"{which}two"]) for which in ("", "control_")
    )
    values = {f"{name}_ms": Spread.of(ns / 1e6 for ns in taken) for name, taken in samples.items()}
    one, two = values["one_ms"], values["two_ms"]
    measured = f"one thread, one {kind} {one} ms; two and two {two} ms; control, SHA-256: {control} x"
    row = judged("B11", f"{kind}s: throughput of two threads / one", measured, rate, values)
    if control.low < BARS["B11"].limit:
        return msgspec.structs.replace(row, verdict=f"{NOT_JUDGED}: no two idle cores, by the control")
    return row


def _feeder(kind: str, parts: list[Records]) -> Callable[[], object]:
    fresh = [MADE[kind]() for _ in range(LAPS)]

    def laps() -> None:
        for venue in fresh:
            feed(venue, parts)

    return laps


def _walled(make: Callable[[], Callable[[], object]], threads: int) -> float:
    """A sample: the wall time until `threads` threads have each done what `make` made for it, in ns."""
    workers = [threading.Thread(target=make()) for _ in range(threads)]
    start = time.perf_counter_ns()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return float(time.perf_counter_ns() - start)
