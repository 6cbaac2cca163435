"""Instructions a command costs, and allocations a batch costs, counted by valgrind: exact and repeatable.

`python -m bench.instructions SHAPE MESSAGES BATCH` is what valgrind runs. Counting is switched on inside
Market.apply_batch only, so import and generation do not count; copying the events out does.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import Final

from bench.bars import NOT_JUDGED, Row
from bench.measure import BUILD, ROOT, Settings, Spread, UnavailableError, note, short
from bench.workloads import BATCH, COMPARED, INSTRUMENT, batches, feed, flow
from parbook import Market

_TOGGLE: Final = "--toggle-collect=__pyx_pw_7parbook_7_market_6Market_*apply_batch"


def replay(shape: str, messages: int, batch: int) -> None:
    """Feed a flow to a fresh market."""
    feed(Market(INSTRUMENT), batches(flow(shape, messages), batch))


def counted_instructions(shape: str, messages: int) -> int:
    """Return the instructions executed inside apply_batch."""
    BUILD.mkdir(parents=True, exist_ok=True)
    out = BUILD / f"callgrind.{shape}.{messages}"
    tool = ["--tool=callgrind", "--collect-atstart=no", _TOGGLE, f"--callgrind-out-file={out}"]
    said = _valgrind(tool, shape, messages, BATCH)
    found = re.search(r"Collected : (\d+)", said)
    if found is None or found[1] == "0":
        raise UnavailableError("valgrind collected nothing inside apply_batch: was the core stripped?")
    return int(found[1])


def counted_allocations(shape: str, messages: int, batch: int) -> int:
    """Return how often a whole run called malloc, calloc or realloc."""
    said = _valgrind(["--tool=memcheck", "--undef-value-errors=no"], shape, messages, batch)
    found = re.search(r"total heap usage: ([\d,]+) allocs", said)
    if found is None:
        raise UnavailableError("valgrind did not report its heap usage")
    return int(found[1].replace(",", ""))


def _valgrind(tool: list[str], shape: str, messages: int, batch: int) -> str:
    program = shutil.which("valgrind")
    if program is None:
        raise UnavailableError("valgrind is not installed")
    command = [program, *tool, sys.executable, "-m", "bench.instructions", shape, str(messages), str(batch)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise UnavailableError(f"valgrind failed: {run.stderr.strip()[-200:]}")
    return run.stderr


def instruction_rows(settings: Settings) -> list[Row]:
    """Return instructions per command on the shapes of B7: the difference of runs with N and 2N commands."""
    rows = []
    messages = settings.size(100_000)
    for shape in COMPARED:
        note(f"instructions of the {shape} flow, under valgrind")
        once, twice = (counted_instructions(shape, n) for n in (messages, 2 * messages))
        each = Spread.of([(twice - once) / messages])
        rows.append(
            Row(
                bar="B7",
                what=f"{shape} flow, instructions",
                measured=f"{short(each.median)} instructions a command, events copied out (callgrind)",
                verdict=f"{NOT_JUDGED}: stands beside the times",
                values={f"{shape}_instructions_per_command": each},
            )
        )
    return rows


def batch_allocation_rows(settings: Settings) -> list[Row]:
    """Return B14's count: allocations of runs with as many batches and four times the commands, book and all alike.

    Batches of 512 and 2,048 commands, 8 and 24 of each: what 16 more batches of either size allocate differs
    only if commands allocate. The generator's own objects come from Python's pools, not from malloc.
    """
    note("B14 allocations, under valgrind")
    each = []
    for batch in (512, 2_048):
        few, many = (counted_allocations("own", batch * count, batch) for count in (8, 24))
        each.append((many - few) / 16)
    return each  # type: ignore[return-value]


if __name__ == "__main__":
    replay(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
