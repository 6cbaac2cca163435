"""Many seeds, over processes. The outcome of a seed does not depend on who computes it, nor on how many do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from typing import Final

import msgspec

from parbook.simulate.results import Outcome, Result
from parbook.simulate.run import Run
from parbook.simulate.world import World

SEEDS_MAX: Final = 100_000
WORKERS_MAX: Final = 256
_PORTION: Final = 4

Progress = Callable[[int, int], None]


def play(world: World, seed: int, *, checked: bool = True, paired: bool = False) -> Result:
    """Play one seed; `paired` plays it to the horizon, and the same world without a run as well, to compare the ends.

    InvariantError when an invariant fails, or an exit took more from those who stay than is possible.
    """
    result = Run(world, seed, checked=checked).play(until_out=not paired)
    if not paired:
        return result
    alone = Run(world, seed, checked=checked, running=False).play()
    outcome = msgspec.structs.replace(result.outcome, end_alone_nano=alone.outcome.end_nano)
    return msgspec.structs.replace(result, outcome=outcome)


def _outcome(world: World, seed: int, checked: bool, paired: bool) -> Outcome:
    return play(world, seed, checked=checked, paired=paired).outcome


def outcomes(
    world: World,
    seeds: Iterable[int],
    *,
    checked: bool = False,
    paired: bool = False,
    workers: int = 0,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Return the outcomes of seeds, in their order. `workers`: 0 for one a processor, 1 for none but this process.

    No more processes begin than there are portions of work, nor more than WORKERS_MAX.
    """
    wanted = list(seeds)
    workers = min(workers or os.cpu_count() or 1, -(-len(wanted) // _PORTION), WORKERS_MAX)
    if workers <= 1:
        return _gathered(map(_outcome, repeat(world), wanted, repeat(checked), repeat(paired)), len(wanted), progress)
    with ProcessPoolExecutor(workers) as pool:
        done = pool.map(_outcome, repeat(world), wanted, repeat(checked), repeat(paired), chunksize=_PORTION)
        return _gathered(done, len(wanted), progress)


def _gathered(done: Iterator[Outcome], total: int, progress: Progress | None) -> list[Outcome]:
    out: list[Outcome] = []
    for one in done:
        out.append(one)
        if progress is not None:
            progress(len(out), total)
    return out
