"""Parity of whole exchanges at scale: `python -m tests.exchange.soak --minutes 10`, or `--commands 20000000`."""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from os import cpu_count

from parbook.codes import EventKind, RejectCode
from tests.exchange.lockstep import LARGE, SMALL, DifferenceError, run
from tests.exchange.streams import Coverage

BATCHES = {SMALL: 60, LARGE: 48}
"""Batches a stream has before another exchange is founded."""


def one(seed: int) -> tuple[int, Coverage, str]:
    """Run a stream: every fourth on a small exchange, where the state is compared after each batch."""
    scale = LARGE if seed % 4 else SMALL
    coverage = Coverage()
    try:
        return run(seed, scale, BATCHES[scale], coverage), coverage, ""
    except DifferenceError as difference:
        return 0, coverage, str(difference)


def soak(minutes: float, commands: int, first_seed: int, processes: int) -> int:
    """Run streams until the time is over or enough commands were compared; return the exit code."""
    end = time.monotonic() + minutes * 60
    total, seed, coverage = 0, first_seed, Coverage()
    with ProcessPoolExecutor(processes) as pool:
        running = {pool.submit(one, seed + number) for number in range(processes)}
        seed += processes
        while running:
            done = next(as_completed(running))
            running.remove(done)
            count, seen, difference = done.result()
            if difference:
                print(difference)
                pool.shutdown(cancel_futures=True)
                return 1
            total += count
            coverage.codes += seen.codes
            coverage.kinds += seen.kinds
            print(f"\rexchange soak: {total:,} commands", end="", file=sys.stderr, flush=True)
            if total < commands if commands else time.monotonic() < end:
                running.add(pool.submit(one, seed))
                seed += 1
    events = sum(coverage.kinds.values())
    print(f"\nexchange soak: {total:,} commands, {events:,} events, 0 differences", flush=True)
    for kind in EventKind:
        print(f"  {kind.name:40s} {coverage.kinds[kind]:12,d}")
    for code in RejectCode:
        print(f"  REJECTED {code.name:31s} {coverage.codes[code]:12,d}")
    missing = coverage.missing()
    if missing:
        print("never occurred in this run:", ", ".join(missing))
    return 0


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--commands", type=int, default=0, help="stop after so many instead")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=cpu_count() or 1)
    options = parser.parse_args()
    print(f"exchange soak: {options.processes} processes, first seed {options.seed}", flush=True)
    return soak(options.minutes, options.commands, options.seed, options.processes)


if __name__ == "__main__":
    sys.exit(main())
