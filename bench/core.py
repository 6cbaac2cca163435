"""The bars that one market answers for in this process: ladder, sweeps, batches, growth, allocations, anchors."""

from __future__ import annotations

import ctypes
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from bench.bars import Row, judged
from bench.measure import Settings, Spread, interleave, note, ratios, short, timed
from bench.workloads import (
    COMPARED,
    INSTRUMENT,
    BatchMarket,
    Ints,
    SteadyFlow,
    anchor,
    batches,
    events_of,
    feed,
    flow,
    ladder_curve,
    new_orders,
    reaching,
)
from parbook import Market
from parbook.codes import CurveShape, EventKind, Side, Source, TimeInForce
from parbook.records import Records
from parbook.reference import Market as ReferenceMarket

_SWEEPS = (1, 8, 64, 200)
_LADDERS = {
    "beyond every limit": ("own", False, 2_000, 50_000),
    "inside every limit, behind the book": ("taken", True, 9_000, 11_000),
}


def per(samples: list[float], count: int) -> Spread:
    """Return the spread of samples that each took `count` steps, for one step."""
    return Spread.of(sample / count for sample in samples)


# --- B3 -----------------------------------------------------------------------------------------


def ladder_rows(settings: Settings) -> list[Row]:
    """Return B3: a flow through a market whose ladder never trades, against the same without a curve."""
    rows = []
    for where, (shape, far, low, high) in _LADDERS.items():
        note(f"B3 ladder {where}")
        commands = flow(shape, settings.size(200_000))
        parts = batches(reaching(commands) if far else commands)
        if not same_but_numbered(events_of(_laddered(low, high), parts), events_of(Market(INSTRUMENT), parts)):
            raise AssertionError("the ladder that was to stay idle changed the events")
        samples = interleave(
            {
                "with": partial(fed, partial(_laddered, low, high), parts),
                "without": partial(fed, partial(Market, INSTRUMENT), parts),
            },
            settings.rounds,
        )
        values = {f"{name}_ns_per_command": per(taken, len(commands)) for name, taken in samples.items()}
        measured = " ns, ".join(f"{name} {per(taken, len(commands))}" for name, taken in samples.items()) + " ns"
        rows.append(judged("B3", f"ladder {where}", measured, ratios(samples["with"], samples["without"]), values))
    return rows


def _laddered(low: int, high: int) -> Market:
    market = Market(INSTRUMENT)
    market.apply(ladder_curve())
    market.apply_batch(anchor(low, high))
    return market


def fed(make: Callable[[], BatchMarket], parts: list[Records]) -> float:
    """Return a sample: the time of a whole flow through a fresh market, in ns."""
    market = make()
    return float(timed(partial(feed, market, parts)))


def same_but_numbered(a: Records, b: Records) -> bool:
    """Return whether two streams differ only in where their numbering begins."""
    names = [name for name in a.dtype.names or () if name not in ("seq", "command")]
    return len(a) == len(b) and all(np.array_equal(a[name], b[name]) for name in names)


# --- B4 -----------------------------------------------------------------------------------------


def sweep_rows(settings: Settings) -> list[Row]:
    """Return B4: takers that each cross k rungs, against takers that each cross k levels of one order.

    Both sides hold the same prices and lots, so both give the same fills. The cost of an empty batch call,
    taken in the same round, is subtracted from both.
    """
    rows = []
    rungs = _bid_ladder().depth(256)
    prices, lots = rungs["price_ticks"].copy(), rungs["qty_lots"].copy()
    for k in _SWEEPS:
        note(f"B4 sweep of {k}")
        takers = _takers(prices, lots, k)
        fills = len(takers) * k
        repeats = settings.size(200, 3)
        kinds: dict[str, Callable[[], Market]] = {
            "rungs": _bid_ladder,
            "levels": lambda: _bid_levels(prices, lots),
        }
        for name, make in kinds.items():
            events = make().apply_batch(takers)
            trades = events[events["kind"] == EventKind.TRADE]
            source = Source.CURVE if name == "rungs" else Source.BOOK
            if len(trades) != fills or (trades["code"] != source).any():
                raise AssertionError(f"the sweep of {k} {name} made {len(trades)} fills, not {fills}")
        contenders = {name: _sweeps(make, takers, repeats) for name, make in kinds.items()}
        contenders["call"] = _sweeps(_bid_ladder, takers[:0], repeats)
        samples = interleave(contenders, settings.rounds)
        net = {name: [a - b for a, b in zip(samples[name], samples["call"], strict=True)] for name in kinds}
        spreads = {name: per(net[name], fills) for name in kinds}
        measured = ", ".join(f"{spread} ns a {name[:-1]}" for name, spread in spreads.items())
        values = {f"ns_per_{name[:-1]}": spread for name, spread in spreads.items()}
        rows.append(judged("B4", f"k = {k}", measured, ratios(net["rungs"], net["levels"]), values))
    return rows


def _bid_ladder() -> Market:
    """A market whose curve bids 256 rungs, all of them ahead of its cursor."""
    market = Market(INSTRUMENT)
    market.apply(ladder_curve(CurveShape.PMM, sells=False))
    market.apply_batch(anchor(100_000, 100_000))
    return market


def _bid_levels(prices: Ints, lots: Ints) -> Market:
    market = Market(INSTRUMENT)
    market.apply_batch(new_orders(Side.BUY, prices, lots, len(prices)))
    return market


def _takers(prices: Ints, lots: Ints, k: int) -> Records:
    """IOC sell orders, each for exactly the lots of the next k prices."""
    count = len(prices) // k
    wanted = lots[: count * k].reshape(count, k).sum(axis=1)
    out = new_orders(Side.SELL, prices[k - 1 : count * k : k], wanted, count, account=2)
    out["tif"] = TimeInForce.IOC
    return out


def _sweeps(make: Callable[[], Market], takers: Records, repeats: int) -> Callable[[], float]:
    """A sample: the median time of one batch of `takers` over `repeats` fresh markets, in ns.

    Microseconds at a time, so by the wall clock, whose reading is cheap; the median drops interruptions.
    """

    def sample() -> float:
        times = []
        for _ in range(repeats):
            market = make()
            market.apply_batch(takers[:0])
            start = time.perf_counter_ns()
            market.apply_batch(takers)
            times.append(time.perf_counter_ns() - start)
        return statistics.median(times)

    return sample


# --- B7 -----------------------------------------------------------------------------------------


def batch_rows(settings: Settings) -> list[Row]:
    """Return B7: core and reference on the same commands, whose events are compared first."""
    rows = []
    for shape in COMPARED:
        note(f"B7 {shape} flow, events compared first")
        commands = flow(shape, settings.size(50_000))
        parts = batches(commands)
        events = events_of(Market(INSTRUMENT), parts)
        if events.tobytes() != events_of(ReferenceMarket(INSTRUMENT), parts).tobytes():
            raise AssertionError(f"core and reference disagree on the {shape} flow")
        samples = interleave(
            {
                "core": partial(fed, partial(Market, INSTRUMENT), parts),
                "reference": partial(fed, partial(ReferenceMarket, INSTRUMENT), parts),
            },
            settings.rounds,
        )
        ns = {name: per(taken, len(commands)) for name, taken in samples.items()}
        trades = int((events["kind"] == EventKind.TRADE).sum())
        measured = (
            f"{short(1000 / ns['core'].median)} M commands/s: {ns['core']} ns a command, "
            f"reference {ns['reference']} ns; {trades / len(commands):.2f} trades a command"
        )
        values = {f"{name}_ns_per_command": spread for name, spread in ns.items()}
        rows.append(judged("B7", f"{shape} flow", measured, ratios(samples["reference"], samples["core"]), values))
    return rows


# --- B10 ----------------------------------------------------------------------------------------


def growth_rows(settings: Settings) -> list[Row]:
    """Return B10: a steady mix on books of rising size, the worst of the larger against the smallest."""
    orders = [settings.size(n, 100) for n in (10_000, 100_000, 1_000_000, 10_000_000)]
    levels = [settings.size(n, 10) for n in (100, 1_000, 10_000, 100_000, 1_000_000)]
    by_orders = {f"{n:,}": (n, settings.size(1_000, 10)) for n in orders}
    by_levels = {f"{n:,}": (settings.size(1_000_000, 100), n) for n in levels}
    return [
        _growth(settings, "resting orders, on 1,000 levels", by_orders),
        _growth(settings, "price levels, under 1 M orders", by_levels),
    ]


def _growth(settings: Settings, what: str, books: dict[str, tuple[int, int]]) -> Row:
    samples = steady_samples(settings, f"B10 {what}", books)
    smallest, *larger = samples
    worst = max(larger, key=lambda name: statistics.median(samples[name]))
    spreads = {name: Spread.of(taken) for name, taken in samples.items()}
    measured = "; ".join(f"{name}: {spread} ns" for name, spread in spreads.items())
    values = {f"ns_per_message_at_{name.replace(',', '')}": spread for name, spread in spreads.items()}
    return judged("B10", what, measured, ratios(samples[worst], samples[smallest]), values)


def steady_samples(settings: Settings, what: str, books: dict[str, tuple[int, int]]) -> dict[str, list[float]]:
    """Return ns per message of the steady flow on books of (orders, levels), in turns; a first round warms up.

    All books are held at once.
    """
    count = settings.size(200_000) // 8 * 8
    flows, markets = {}, {}
    for name, (orders, levels) in books.items():
        note(f"{what}: building {name}")
        flows[name] = SteadyFlow(orders, levels)
        markets[name] = Market(INSTRUMENT)
        feed(markets[name], list(flows[name].prefill()))

    def sample(name: str) -> float:
        parts = batches(flows[name].messages(count))
        market = markets[name]
        before = market.open_orders
        taken = timed(partial(feed, market, parts))
        if market.open_orders != before:
            raise AssertionError("the steady flow changed the number of resting orders")
        return taken / count

    note(f"{what}: timing")
    samples = interleave({name: partial(sample, name) for name in books}, settings.rounds + 1)
    return {name: taken[1:] for name, taken in samples.items()}


# --- B14 ----------------------------------------------------------------------------------------


_MALLINFO_FIELDS = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"


class _MallInfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in _MALLINFO_FIELDS.split()]


def heap_in_use() -> int | None:
    """Return the bytes that malloc has handed out and not got back, None where glibc does not say."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallinfo2"):
        return None
    libc.mallinfo2.restype = _MallInfo
    info = libc.mallinfo2()
    return int(info.uordblks) + int(info.hblkhd)


def allocation_rows(settings: Settings) -> list[Row]:
    """Return B14's half that Python can see: what a market allocates once its book has its size."""
    note("B14 allocations in steady state")
    steady = SteadyFlow(settings.size(10_000, 100), settings.size(1_000, 10))
    market = Market(INSTRUMENT)
    feed(market, list(steady.prefill()))
    count = settings.size(2_000_000) // 8 * 8
    warm, parts = batches(steady.messages(count)), batches(steady.messages(count))
    feed(market, warm)
    heap_in_use()
    reserved, heap = market.memory_bytes, heap_in_use()
    feed(market, parts)
    grown = market.memory_bytes - reserved
    after = heap_in_use()
    delta = Spread.of([float(grown)])
    said = "glibc's figure is not available"
    values = {"memory_bytes_grown": delta}
    if heap is not None and after is not None:
        values["heap_bytes_grown"] = Spread.of([float(after - heap)])
        said = f"heap in use {after - heap:+,} B"
    measured = f"{count:,} commands: Market.memory_bytes {grown:+,} B, {said}"
    return [judged("B14", "allocations in steady state", measured, delta, values)]


# --- B15 ----------------------------------------------------------------------------------------


def anchor_rows(settings: Settings) -> list[Row]:
    """Return B15: anchors proposed and activated at once, each compiling a full ladder on both sides."""
    rows = []
    count = settings.size(200, 4)
    for shape in CurveShape:
        note(f"B15 anchor change, {shape.name}")
        market = Market(INSTRUMENT)
        market.apply(ladder_curve(shape))
        moves = anchor(1_000_000, 1_001_000, count)
        moves["price_ticks"] += np.arange(count) * 7 % 1000
        events = market.apply_batch(moves)
        if (events["kind"] == EventKind.ANCHOR_ACTIVATED).sum() != count:
            raise AssertionError("an anchor was not activated")
        depth = market.depth(256)
        bids, asks = (int((depth["side"] == side).sum()) for side in (Side.BUY, Side.SELL))
        rounds = range(settings.rounds)
        spread = Spread.of(timed(partial(market.apply_batch, moves)) / 1000 / count for _ in rounds)
        measured = f"{spread} us an anchor; {bids} bid and {asks} ask rungs ahead of the cursor"
        rows.append(judged("B15", f"{shape.name}, both sides", measured, spread, {"us_per_anchor": spread}))
    return rows
