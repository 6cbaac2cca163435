"""The fault matrix of the journal: `python -m tests.journal.faults --count 100000`.

Seed after seed, until so many distinct faults were tried: crashes at every operation, of recoveries too, damage, lies
of the medium, calls that fail; from 100,000 on every bit and byte of one small log besides. Prints a table of how they
ended; exit status 1 when a promise was broken.
"""

from __future__ import annotations

import argparse
import sys
import time
from random import Random

from parbook.journal.durable import Durability
from tests.journal.crashes import crashes
from tests.journal.damage import flips, lies, log, truncations
from tests.journal.errors import full_disk, refusals
from tests.journal.promise import Tally
from tests.journal.script import script

SHOWN = 20
"""Of so many broken promises it is said how to see them again."""


def every_byte_and_bit(tally: Tally, seed: int) -> None:
    """Truncate a small log with two snapshots at every byte and flip each of its bits, closed and not closed."""
    small = script(seed, changes=8)
    closed, running = (log(small, Durability.GROUP, closed=closed) for closed in (True, False))
    for at_rest in (closed, running):
        truncations(tally, at_rest)
    flips(tally, closed)


def one_seed(tally: Tally, seed: int, durability: Durability) -> None:
    """Try every class of fault on one script, each with a share of its cases."""
    day = script(seed)
    draw = Random(f"one seed {seed} {durability}")
    crashes(tally, day, durability, cuts=8, orders=8, again=0.03)
    for closed in (True, False):
        at_rest = log(day, durability, closed=closed)
        truncations(tally, at_rest, every=97)
        flips(tally, at_rest, draw, count=100)
    lies(tally, day, durability, places=2)
    if seed % 4 == 0:
        refusals(tally, day, durability, rests=1)
        full_disk(tally, day, durability)


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000, help="distinct faults, at least (default 100,000)")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    options = parser.parse_args()
    print(f"journal faults: {options.count:,} or more, first seed {options.seed}", flush=True)
    start, tally, seed = time.monotonic(), Tally(), options.seed
    if options.count >= 100_000:
        every_byte_and_bit(tally, seed)
    # Of one log there are so many bits that they would crowd out the rest: they come on top.
    enough = tally.cases + options.count
    while tally.cases < enough and len(tally.broken) < 1000:
        for durability in Durability:
            one_seed(tally, seed, durability)
            print(
                f"\rjournal faults: {tally.cases:,} tried, {len(tally.broken)} broken promises, seed {seed}",
                end="",
                file=sys.stderr,
                flush=True,
            )
        seed += 1
    print(f"\n{tally.table()}\nseeds {options.seed} to {seed - 1}, {time.monotonic() - start:.0f} s")
    for line in tally.broken[:SHOWN]:
        print(f"BROKEN {line}")
    return 1 if tally.broken else 0


if __name__ == "__main__":
    sys.exit(main())
