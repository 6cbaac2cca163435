"""SIGKILL under load: `python -m tests.journal.kills --rounds 200`.

A real process over a real directory acknowledges commands until it is killed at a random moment. Then the journal is
opened here: every command it acknowledged is there, the state is the one that a core without a journal has after the
same commands, and the next process goes on with it. Every few rounds the journal begins anew.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from enum import StrEnum
from pathlib import Path
from random import Random

from parbook.journal.durable import Durability
from parbook.journal.exchange import DurableExchange
from parbook.journal.follower import Follower
from parbook.journal.opening import Options, open_exchange
from parbook.journal.scan import Scanner
from parbook.journal.storage import DiskStorage
from parbook.protocol.exchange import BackedExchange as Exchange
from tests.journal.load import OUTCOMES, SEGMENT_BYTES, batch, found

ROOT = Path(__file__).resolve().parents[2]
ROUNDS_PER_JOURNAL = 5
DURABILITIES = (Durability.GROUP, Durability.EVERY, Durability.GROUP, Durability.NONE)


class Ending(StrEnum):
    """How a life ends, and who takes over: an opening, or a follower, from a dead process or from one that runs on."""

    KILLED = "killed"
    PROMOTED = "killed, follower promoted"
    FENCED = "fenced off while it runs"


ENDINGS = (Ending.KILLED, Ending.PROMOTED, Ending.FENCED, Ending.KILLED, Ending.PROMOTED)
OPTIONS = Options(segment_bytes=SEGMENT_BYTES, outcome_window=OUTCOMES)


class KilledError(AssertionError):
    """What was there after the kill is not what was acknowledged before it."""


def one_life(path: Path, seed: int, first: int, durability: Durability, lines: int, ending: Ending) -> tuple[int, int]:
    """Run a process until it has said so many lines, end it, take over; return (commands acknowledged, next command).

    `lines` decides the moment: no clock does, and the end comes while the next calls are under way.
    """
    command = (sys.executable, "-m", "tests.journal.load", str(path), str(seed), str(first), str(durability))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "engine"), str(ROOT)))}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        said = [child.stdout.readline()]
        follower = None if ending is Ending.KILLED else Follower(path)
        try:
            while len(said) < lines:
                said.append(child.stdout.readline())
                if follower is not None:
                    follower.poll(limit=20)
            if follower is not None and ending is Ending.FENCED:
                exchange = follower.promote(OPTIONS)
        except BaseException:
            child.kill()
            raise
        if ending is not Ending.FENCED:
            child.kill()
        said += child.stdout.read().splitlines(keepends=True)
        problem = child.stderr.read().decode()
    whole = [int(line) for line in said if line.endswith(b"\n")]
    if problem or not whole:
        raise KilledError(f"the process said: {problem or 'nothing'}")
    if ending is Ending.PROMOTED and follower is not None:
        exchange = follower.promote(OPTIONS)
    elif ending is Ending.KILLED:
        exchange = open_exchange(path, segment_bytes=SEGMENT_BYTES, outcome_window=OUTCOMES)
    with exchange:
        return whole[-1], compared(exchange, seed, whole[-1])


def compared(exchange: DurableExchange, seed: int, acknowledged: int) -> int:
    """Hold what took over against a core without a journal; return the next number."""
    done = exchange.core.next_command - 1
    if done < acknowledged:
        raise KilledError(f"{acknowledged} commands were acknowledged, and {done} are there")
    core = Exchange(outcome_window=OUTCOMES)
    found(core)
    if done:
        core.apply_batch(batch(seed, 1, done))
    if core.state_hash() != exchange.state_hash():
        raise KilledError(f"the state after {done} commands is another one")
    return done + 1


def segments(path: Path) -> int:
    """Return how many segments a journal has, after reading all of it once more."""
    scanner = Scanner(DiskStorage(path))
    for _ in scanner.records():
        pass
    return len(scanner.segments)


def rounds(count: int, seed: int, folder: Path) -> tuple[int, int]:
    """Kill so many processes; return (acknowledged commands, segments) of all journals together."""
    draw = Random(seed)
    total = files = 0
    for number in range(count):
        if number % ROUNDS_PER_JOURNAL == 0:
            path, first, journal = folder / f"journal{number}", 1, seed + number
        lines = draw.choice([1, 2, draw.randint(3, 30), draw.randint(30, 150)])
        durability = DURABILITIES[number % len(DURABILITIES)]
        ending = ENDINGS[number % len(ENDINGS)]
        try:
            acknowledged, following = one_life(path, journal, first, durability, lines, ending)
        except Exception as error:
            raise KilledError(f"seed {seed}, round {number}, {durability}, {ending}: {error}") from error
        total += acknowledged - first + 1
        first = following
        if number % ROUNDS_PER_JOURNAL == ROUNDS_PER_JOURNAL - 1 or number == count - 1:
            files += segments(path)
        print(f"\rkills: {number + 1} of {count}", end="", file=sys.stderr, flush=True)
    return total, files


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(f"kills: {options.rounds} rounds, seed {options.seed}", flush=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="parbook-kills-") as folder:
        total, files = rounds(options.rounds, options.seed, Path(folder))
    print(
        f"\nkills: {options.rounds} processes killed, {total:,} commands acknowledged, {files} segments, "
        f"none lost, {time.monotonic() - start:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
