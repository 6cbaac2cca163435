"""Cost per message against size: resting orders, price levels, instruments, rungs of a curve.

    python -m bench.sizes               print the numbers
    python -m bench.sizes --write docs  write docs/sizes-*.svg and docs/sizes.json as well

Each sweep holds everything else and takes its sizes in turns, so a bend in a line is of that size and not of the hour.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from bench.core import fed, steady_samples
from bench.exchange import spread_samples
from bench.measure import FULL, QUICK, Settings, Spread, interleave, machine, note, pin
from bench.plot import Point, figure
from bench.workloads import INSTRUMENT, anchor, batches, flow, ladder_curve, reaching
from parbook import Market
from parbook.codes import CurveShape, EventKind

ORDERS: Final = (1_000, 4_000, 16_000, 64_000, 256_000, 1_000_000, 4_000_000, 10_000_000)
LEVELS: Final = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
INSTRUMENTS: Final = (1, 10, 100, 1_000, 10_000)
RUNGS: Final = (0, 1, 4, 16, 64, 256)

_ANCHOR: Final = (9_000, 9_000)


class Sweep(NamedTuple):
    """One figure: its file's name, its title, what its axis counts, and what measures it."""

    name: str
    title: str
    axis: str
    samples: Callable[[Settings], dict[int, list[float]]]


def orders(settings: Settings) -> dict[int, list[float]]:
    """Return ns per message at each number of resting orders, on at most 1,000 levels."""
    sizes = _sizes(ORDERS, settings, 64)
    books = {f"{size:,} orders": (size, min(size, settings.size(1_000, 8))) for size in sizes}
    return _by_size(sizes, steady_samples(settings, "resting orders", books))


def levels(settings: Settings) -> dict[int, list[float]]:
    """Return ns per message at each number of levels, under a million resting orders."""
    resting = settings.size(max(LEVELS))
    sizes = _sizes(LEVELS, settings, 2)
    books = {f"{size:,} levels": (resting, size) for size in sizes}
    return _by_size(sizes, steady_samples(settings, "price levels", books))


def instruments(settings: Settings) -> dict[int, list[float]]:
    """Return ns per message at each number of instruments, with 160,000 resting orders in all."""
    sizes = _sizes(INSTRUMENTS, settings, 1)
    return _by_size(sizes, spread_samples(settings, sizes, sizes[-1] * 16, sizes[-1] * 24))


def rungs(settings: Settings) -> dict[int, list[float]]:
    """Return ns per message at each number of bid rungs behind the book, inside the limits of those who take."""
    commands = flow("taken", settings.size(200_000))
    parts = batches(reaching(commands))
    contenders = {str(size): partial(fed, partial(laddered, size), parts) for size in RUNGS}
    note("rungs: timing")
    samples = interleave(contenders, settings.rounds + 1)
    return {size: [ns / len(commands) for ns in samples[str(size)][1:]] for size in RUNGS}


def laddered(count: int) -> Market:
    """Return a market whose curve bids at `count` prices and asks nowhere; one without a curve for 0.

    A curve stops buying at its greatest holding, so the sum of its first rungs is what leaves it no others.
    """
    market = Market(INSTRUMENT)
    curve = ladder_curve(CurveShape.PMM, sells=False)
    market.apply(curve)
    market.apply_batch(anchor(*_ANCHOR))
    if count == max(RUNGS):
        return market
    lots = market.depth(count)["qty_lots"] if count else np.zeros(0, np.int64)
    market = Market(INSTRUMENT)
    if count:
        params = msgspec.structs.replace(curve.params, max_net_lots=int(lots.sum()))
        market.apply(msgspec.structs.replace(curve, params=params))
        events = market.apply_batch(anchor(*_ANCHOR))
        if EventKind.ANCHOR_ACTIVATED not in events["kind"]:
            raise AssertionError("the anchor of the swept curve was not activated")
    return market


SWEEPS: Final = (
    Sweep("orders", "ns per message against resting orders, on 1,000 levels", "resting orders", orders),
    Sweep("levels", "ns per message against price levels, under 1 M orders", "price levels", levels),
    Sweep("instruments", "ns per message against instruments, 160,000 orders in all", "instruments", instruments),
    Sweep("rungs", "ns per message against rungs behind the book", "rungs", rungs),
)


def _sizes(full: tuple[int, ...], settings: Settings, least: int) -> list[int]:
    """Return the sizes, or in a quick run their shares, each once."""
    return sorted({settings.size(size, least) for size in full})


def _by_size(sizes: list[int], samples: dict[str, list[float]]) -> dict[int, list[float]]:
    return dict(zip(sizes, samples.values(), strict=True))


def points(samples: dict[int, list[float]]) -> list[Point]:
    """Return what is drawn of the samples."""
    spreads = {size: Spread.of(taken) for size, taken in samples.items()}
    return [Point(size, *(round(value, 2) for value in (s.median, s.low, s.high))) for size, s in spreads.items()]


def main(words: list[str] | None = None) -> int:
    """Measure, print, write if asked, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.sizes", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", metavar="FOLDER", type=Path, help="write the figures and sizes.json there")
    parser.add_argument("--only", metavar="NAMES", default=",".join(s.name for s in SWEEPS), help="these sweeps only")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that everything runs, not how fast")
    parsed = parser.parse_args(words)
    chosen = [sweep for sweep in SWEEPS if sweep.name in parsed.only.split(",")]
    host = machine(pin())
    settings = QUICK if parsed.quick else FULL
    kept: dict[str, Any] = {}
    target = None if parsed.write is None else parsed.write / "sizes.json"
    if target is not None and target.exists():
        kept = msgspec.json.decode(target.read_bytes())["sweeps"]
    for number, sweep in enumerate(chosen, 1):
        note(f"sizes {number} of {len(chosen)}: {sweep.name}")
        found = points(sweep.samples(settings))
        print(f"{sweep.title}, medians of {settings.rounds} (least-greatest)")
        for point in found:
            print(f"  {point.size:>12,}  {Spread(point.median, point.low, point.high, settings.rounds)}")
        rows = [point._asdict() for point in found]
        kept[sweep.name] = {"title": sweep.title, "unit": "ns per message", "machine": host, "points": rows}
        if parsed.write is not None:
            (parsed.write / f"sizes-{sweep.name}.svg").write_text(figure(sweep.title, sweep.axis, found))
    if target is not None:
        target.write_bytes(msgspec.json.format(msgspec.json.encode({"sweeps": kept}), indent=2) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
