"""Reference and core in lockstep for as long as you like: `make soak MINUTES=n`.

Each worker process takes seeds of its own; the first seed is printed, so that a run can be repeated. A
difference is shrunk to a scenario, printed, and ends the soak with exit code 1.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait

import numpy as np
from tqdm import tqdm

from tests.parity.coverage import SEEN_SHAPE, Cells, coverage, watched_session
from tests.parity.lockstep import DifferenceError, run
from tests.parity.profiles import PROFILES

BATCHES, BATCH_SIZE = 60, 150


def one_round(number: int, batches: int = BATCHES) -> tuple[np.ndarray, Cells, str]:
    """Run one profile with one seed; return what occurred, and the difference's description if there is one."""
    profile = PROFILES[number % len(PROFILES)]
    cells: Cells = Counter()
    try:
        with watched_session(cells):
            return run(profile, seed=number, batches=batches, batch_size=BATCH_SIZE), cells, ""
    except DifferenceError as difference:
        return np.zeros(SEEN_SHAPE, np.int64), cells, str(difference)


def soak(minutes: float, commands: int, first_seed: int, processes: int) -> int:
    """Run rounds until the time, or that many commands (0: no limit), are used up; return the exit code."""
    end = time.monotonic() + minutes * 60
    per_round = BATCHES * BATCH_SIZE
    print(f"parity soak: {processes} processes, first seed {first_seed}", flush=True)
    seen, cells = np.zeros(SEEN_SHAPE, np.int64), Cells()
    number, done = first_seed, 0
    running: set[Future[tuple[np.ndarray, Cells, str]]] = set()
    pool = ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))
    with pool, tqdm(unit=" commands", unit_scale=True, disable=None) as bar:
        while True:
            wanted = time.monotonic() < end and (not commands or (number - first_seed) * per_round < commands)
            if wanted and len(running) < 2 * processes:
                running.add(pool.submit(one_round, number))
                number += 1
                continue
            if not running:
                break
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                counts, used, difference = future.result()
                if difference:
                    print(difference)
                    pool.shutdown(cancel_futures=True)
                    return 1
                seen += counts
                cells += used
                done += per_round
                bar.update(per_round)
    table, missing = coverage(seen, cells)
    print(f"parity soak: {done:,} commands, {int(seen.sum()):,} events, 0 differences\n{table}")
    if missing:
        print(f"never occurred in this run: {', '.join(missing)}")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and soak."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--commands", type=int, default=0, help="stop after that many commands (0: no limit)")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args(arguments)
    return soak(options.minutes, options.commands, options.seed, options.processes)


if __name__ == "__main__":
    sys.exit(main())
