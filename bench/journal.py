"""The journal's bars: group commit against the raw medium (B8), the whole venue to durable events (B17), recovery.

By the wall clock, because waiting for the medium is what is measured, and not pinned, because a barrier waits in a
thread of its own. The ceiling writes the same bytes at the same size of batch into a file of zeros and syncs each.
"""

from __future__ import annotations

import gc
import os
import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

import parbook as pb
from bench.bars import NOT_JUDGED, Row, judged
from bench.funded import QUOTE, TRADERS, named, payments
from bench.measure import BUILD, Settings, Spread, interleave, note, ratios
from bench.workloads import batches, flow
from parbook.journal.layout import SEGMENT_BYTES, frame_bytes
from parbook.records import COMMAND, Records

BATCH: Final = 1024
RATE_PER_S: Final = 1_000_000
OPEN_BATCH: Final = 256
"""Commands that arrive together in the open loop: one batch every 256 us."""
_SHAPE: Final = "own"
_LATE_NS: Final = 1_000_000


@contextmanager
def directory() -> Iterator[Path]:
    """A directory on the disk the checkout is on, gone afterwards; all cores for the block."""
    root = BUILD / f"journal.{os.getpid()}"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    pinned = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    if pinned is not None:
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        yield root
    finally:
        if pinned is not None:
            os.sched_setaffinity(0, pinned)
        shutil.rmtree(root)


class Room(NamedTuple):
    """The segments that a journal is given."""

    spares: int = 1
    segment_bytes: int = SEGMENT_BYTES


_USUAL: Final = Room()


def opened(root: Path, durability: str, room: Room = _USUAL) -> pb.DurableExchange:
    """Return a journaled exchange of one instrument whose accounts can pay, as bench.funded has it."""
    exchange = pb.open(
        root,
        durability=durability,
        segment_bytes=room.segment_bytes,
        spare_segments=room.spares,
        checkpoint_bytes=0,
        retain_events=2**21,
    )
    if not exchange.instruments:
        core = exchange.core
        core.add_asset(pb.Asset(name="CASH"))
        base = core.add_asset(pb.Asset(name="ASSET0"))
        core.add_instrument(pb.Listing(instrument=named(0), base=base, quote=QUOTE))
        exchange.apply_batch(payments(TRADERS))
    return exchange


# --- B8 -----------------------------------------------------------------------------------------


def ceiling(root: Path, count: int, size: int) -> float:
    """Write `count` blocks into a file of zeros, a sync behind each; return seconds."""
    data = os.urandom(size)
    descriptor = os.open(root / "raw", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        for start in range(0, count * size, 2**20):
            os.pwrite(descriptor, bytes(2**20), start)
        os.fsync(descriptor)
        began = time.perf_counter()
        for number in range(count):
            os.pwrite(descriptor, data, number * size)
            os.fdatasync(descriptor)
        return time.perf_counter() - began
    finally:
        os.close(descriptor)
        (root / "raw").unlink()


def grouped(root: Path, parts: list[Records], durability: str = "group") -> float:
    """Run batches through a journaled exchange until all are durable; return seconds."""
    with opened(root / "data", durability) as exchange:
        began = time.perf_counter()
        if durability == "group":
            for part in parts:
                exchange.submit(part)
            exchange.flush()
        else:
            for part in parts:
                exchange.apply_batch(part)
        taken = time.perf_counter() - began
        if exchange.durable != exchange.journaled:
            raise AssertionError("not everything is durable")
    shutil.rmtree(root / "data")
    return taken


def group_rows(settings: Settings) -> list[Row]:
    """Return B8, and what an acknowledged batch and a single command cost in each durability."""
    note("B8 group commit against the raw medium")
    parts = batches(flow(_SHAPE, settings.size(400_000)), BATCH)
    commands = sum(map(len, parts))
    with directory() as root:
        contenders = {name: partial(grouped, root, parts, name) for name in ("group", "every", "none")}
        size = frame_bytes(BATCH * COMMAND.itemsize)
        samples = interleave(contenders | {"raw": partial(ceiling, root, len(parts), size)}, settings.rounds)
        single = {name: _single(root, name, settings) for name in ("every", "group", "none")}
    rate = {name: Spread.of(commands / taken / 1e6 for taken in times) for name, times in samples.items()}
    measured = (
        f"group {rate['group']} M commands/s, raw {rate['raw']}; every {rate['every']}, none {rate['none']}; "
        f"{BATCH} a batch, {size:,} bytes"
    )
    values = {f"{name}_m_commands_per_s": spread for name, spread in rate.items()}
    text = "; ".join(f"{name} {p50:,.0f} us, p99 {p99:,.0f}" for name, (p50, p99) in single.items())
    return [
        judged("B8", "group mode / raw ceiling", measured, ratios(samples["raw"], samples["group"]), values),
        Row(
            bar="B8",
            what="one place(), acknowledged: p50",
            measured=text,
            verdict=f"{NOT_JUDGED}: no bar",
            values={f"{name}_us": Spread(p50, p50, p99, settings.size(2_000)) for name, (p50, p99) in single.items()},
        ),
    ]


def _single(root: Path, durability: str, settings: Settings) -> tuple[float, float]:
    """Return p50 and p99 of one order that rests far from the market, in us, until place() returns."""
    times = []
    with opened(root / "one", durability) as exchange:
        core = exchange.core
        for number in range(settings.size(2_000, 20)):
            began = time.perf_counter()
            core.place(0, 1 + number % 4, 0, 1, 10)
            times.append((time.perf_counter() - began) * 1e6)
    shutil.rmtree(root / "one")
    return statistics.median(times), float(np.quantile(times, 0.99))


# --- B17 ----------------------------------------------------------------------------------------


@contextmanager
def frozen() -> Iterator[None]:
    """Let the garbage collector leave alone what is there: to go through it takes 16 ms, which venues need not wait."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def rooms(commands: Records, usual: int) -> dict[str, Room]:
    """Return how a journal may be given room: one spare of the usual size; a stock for the run; larger segments.

    A stock is filled again when half of it is gone. Larger segments: the run never leaves the first.
    """
    size = -(-len(commands) // OPEN_BATCH) * frame_bytes(OPEN_BATCH * COMMAND.itemsize)
    stock = 2 * (size // usual + 1)
    return {
        f"open loop, {OPEN_BATCH} a batch": Room(1, usual),
        f"the same, {stock} spare segments prepared": Room(stock, usual),
        f"the same, 2 prepared, of {4 * usual / 2**20:g} MiB": Room(2, 4 * usual),
    }


def open_loop(root: Path, commands: Records, room: Room) -> tuple[float, np.ndarray]:
    """Send batches at RATE_PER_S and return (M commands/s, ns from each batch's intended start to its durable events).

    A batch that could not be sent in time counts from when it should have been: nothing is omitted. Room that is asked
    for is made before the clock starts.
    """
    parts = batches(commands, OPEN_BATCH)
    step_ns = OPEN_BATCH * 1_000_000_000 // RATE_PER_S
    waits = np.zeros(len(parts), np.int64)
    with opened(root / "data", "group", room) as exchange, frozen():
        if room.spares > 1:
            exchange.prepare()
        first, done, sent = exchange.journaled + 1, 0, 0
        position = exchange.next_event
        time.sleep(0.5)
        began = time.perf_counter_ns()
        while done < len(parts):
            now = time.perf_counter_ns() - began
            if sent < len(parts) and now >= sent * step_ns:
                exchange.submit(parts[sent])
                sent += 1
                continue
            for batch in exchange.events(position):
                position += len(batch)
            durable = exchange.durable - first + 1
            if durable > done:
                now = time.perf_counter_ns() - began
                waits[done:durable] = now - np.arange(done, durable) * step_ns
                done = durable
            else:
                time.sleep(2e-5)
        taken = time.perf_counter_ns() - began
    shutil.rmtree(root / "data")
    return len(commands) / taken * 1e3, waits


def medium_loop(root: Path, count: int) -> np.ndarray:
    """Return what `open_loop` would measure of the medium alone, ns from each batch's intended start to its sync.

    The same bytes at the same rate into a file of zeros made before, everything that has come in written and synced
    again and again: no engine, no second file. Where this exceeds the bar, the medium does.
    """
    block = os.urandom(frame_bytes(OPEN_BATCH * COMMAND.itemsize))
    step_ns = OPEN_BATCH * 1_000_000_000 // RATE_PER_S
    waits = np.zeros(count, np.int64)
    descriptor = os.open(root / "raw", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        for start in range(0, count * len(block), 2**20):
            os.pwrite(descriptor, bytes(2**20), start)
        os.fsync(descriptor)
        time.sleep(0.5)
        began, done = time.perf_counter_ns(), 0
        while done < count:
            due = min((time.perf_counter_ns() - began) // step_ns + 1, count)
            if due > done:
                os.pwrite(descriptor, block * (due - done), done * len(block))
                os.fdatasync(descriptor)
                waits[done:due] = time.perf_counter_ns() - began - np.arange(done, due) * step_ns
                done = due
    finally:
        os.close(descriptor)
        (root / "raw").unlink()
    return waits


def venue_rows(settings: Settings) -> list[Row]:
    """Return B17: what the whole venue takes at once, and how long a command waits at a million a second.

    The latter for every kind of room, by turns with the medium alone.
    """
    note("B17 whole venue: holds, fees, prevention, events, journal in group")
    commands = flow(_SHAPE, settings.size(2_000_000, OPEN_BATCH * 8))
    kinds = rooms(commands, settings.size(SEGMENT_BYTES, 2**20))
    runs: dict[str, list[tuple[float, np.ndarray]]] = {what: [] for what in kinds}
    bare = []
    with directory() as root:
        closed = [len(commands) / grouped(root, batches(commands, BATCH)) / 1e6 for _ in range(settings.rounds)]
        for _ in range(settings.rounds):
            for what, room in kinds.items():
                runs[what].append(open_loop(root, commands, room))
            bare.append(medium_loop(root, -(-len(commands) // OPEN_BATCH)))
    most = Spread.of(closed)
    return [
        judged("B17", "commands to durable events", f"{most} M commands/s", most, {"m_commands_per_s": most}),
        *(_open_row(what, done, bare) for what, done in runs.items()),
    ]


def _open_row(what: str, done: list[tuple[float, np.ndarray]], bare: list[np.ndarray]) -> Row:
    """Judge the thousandth that waits longest; the medium alone stands beside it."""
    tails = [float(np.quantile(waits, 0.999)) for _, waits in done]
    tail, middle, medium, medium_middle = (
        Spread.of(float(np.quantile(waits, at)) / 1e3 for waits in samples)
        for samples, at in (
            ([waits for _, waits in done], 0.999),
            ([waits for _, waits in done], 0.5),
            (bare, 0.999),
            (bare, 0.5),
        )
    )
    offered = f"{RATE_PER_S / 1e6:g} M/s offered, {Spread.of(rate for rate, _ in done)} M/s done"
    return judged(
        "B17",
        f"{what}: 1 ms / p99.9",
        f"p99.9 {tail} us, p50 {middle} us from the intended start; {offered}; the medium alone: p99.9 {medium} us, "
        f"p50 {medium_middle} us",
        Spread.of(_LATE_NS / ns for ns in tails),
        {"p999_us": tail, "p50_us": middle, "medium_p999_us": medium, "medium_p50_us": medium_middle},
    )


# --- recovery -----------------------------------------------------------------------------------


def crowd(count: int) -> Records:
    """Return limit orders around one price, half of each side: most trade, the rest piles up."""
    draw = np.random.default_rng(1)
    commands = np.zeros(count, COMMAND)
    commands["kind"] = pb.CommandKind.NEW
    commands["account"] = draw.integers(1, 5, count)
    commands["side"] = draw.integers(0, 2, count)
    commands["qty_lots"] = draw.integers(1, 10, count)
    commands["price_ticks"] = draw.integers(9_000, 11_000, count) + np.int64(600) * commands["side"]
    return commands


def recovery_rows(settings: Settings) -> list[Row]:
    """Return how long opening takes behind many commands, without and with a snapshot, and what a snapshot costs."""
    note("B8 recovery of ten million commands")
    commands = crowd(settings.size(10_000_000, OPEN_BATCH * 8))
    with directory() as root:
        with opened(root / "data", "none") as exchange:
            for part in batches(commands, BATCH):
                exchange.apply_batch(part)
            state = exchange.state_hash()
            open_orders = exchange.core.market(0).open_orders
        replay_s = _opening(root / "data", state)
        with pb.open(root / "data", durability="none", checkpoint_bytes=0) as exchange:
            began = time.perf_counter()
            stored = exchange.checkpoint()
            snapshot_s = time.perf_counter() - began
            size = (root / "data" / stored).stat().st_size
        load_s = _opening(root / "data", state)
    measured = (
        f"{len(commands):,} commands replayed in {replay_s:.2f} s, {len(commands) / replay_s / 1e6:.2f} M/s; snapshot "
        f"of {open_orders:,} orders, {size / 2**20:.1f} MiB: taken in {snapshot_s:.2f} s, opened in {load_s:.2f} s"
    )
    values = {
        "replay_m_commands_per_s": Spread.of([len(commands) / replay_s / 1e6]),
        "snapshot_s": Spread.of([snapshot_s]),
        "load_s": Spread.of([load_s]),
    }
    return [Row(bar="B8", what="recovery", measured=measured, verdict=f"{NOT_JUDGED}: no bar", values=values)]


def _opening(root: Path, state: str) -> float:
    """Open a journal and return how long that took; the state must be the one that was closed."""
    began = time.perf_counter()
    exchange = pb.open(root, durability="none", checkpoint_bytes=0)
    taken = time.perf_counter() - began
    if exchange.state_hash() != state:
        raise AssertionError("another state came back")
    exchange.close()
    return taken
