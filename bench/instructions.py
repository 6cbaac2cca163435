"""Instructions a command costs, and allocations a batch costs, counted by valgrind: repeatable to a part in a thousand.

`python -m bench.instructions SHAPE MESSAGES BATCH` and `steady BATCH COUNT KEEP` are what valgrind runs. Counting
is switched on inside Market.apply_batch only: import and generation do not count, copying the events out does.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from bench.bars import NOT_JUDGED, Row, judged
from bench.measure import BUILD, ROOT, Settings, Spread, UnavailableError, note, short
from bench.workloads import BATCH, COMPARED, INSTRUMENT, SteadyFlow, batches, feed, flow
from parbook import Market

_TOGGLE: Final = "--toggle-collect=__pyx_pw_7parbook_7_market_6Market_*apply_batch"
_STEADY_BATCH: Final = 2_048


def replay(shape: str, messages: int, batch: int) -> None:
    """Feed a flow to a fresh market."""
    feed(Market(INSTRUMENT), batches(flow(shape, messages), batch))


def steady(batch: int, count: int, keep: bool) -> None:
    """Warm a small market up, then feed `count` batches of a flow that is prepared whole, whatever is fed.

    Events that are dropped lend their memory to the next batch; with `keep` none are.
    """
    prepared = SteadyFlow(1_000, 100)
    warm = [*prepared.prefill(), *batches(prepared.messages(64_000), _STEADY_BATCH)]
    parts = batches(prepared.messages(_STEADY_BATCH * 48)[: batch * 48], batch)
    market = Market(INSTRUMENT)
    feed(market, warm)
    if keep:
        _ = [market.apply_batch(part) for part in parts[:count]]
    else:
        feed(market, parts[:count])


def counted_instructions(shape: str, messages: int, root: Path = ROOT) -> int:
    """Return the instructions executed inside apply_batch of the checkout at `root`."""
    BUILD.mkdir(parents=True, exist_ok=True)
    out = BUILD / f"callgrind.{shape}.{messages}"
    tool = ["--tool=callgrind", "--collect-atstart=no", _TOGGLE, f"--callgrind-out-file={out}"]
    said = valgrind(tool, "bench.instructions", shape, messages, BATCH, root=root)
    found = re.search(r"Collected : (\d+)", said)
    if found is None or found[1] == "0":
        raise UnavailableError("valgrind collected nothing inside apply_batch: was the core stripped?")
    return int(found[1])


def counted_allocations(batch: int, count: int, keep: bool = False) -> int:
    """Return how often a whole run that feeds `count` batches of a steady flow allocated."""
    tool = ["--tool=memcheck", "--undef-value-errors=no"]
    said = valgrind(tool, "bench.instructions", "steady", batch, count, int(keep))
    found = re.search(r"total heap usage: ([\d,]+) allocs", said)
    if found is None:
        raise UnavailableError("valgrind did not report its heap usage")
    return int(found[1].replace(",", ""))


def valgrind(tool: list[str], module: str, *arguments: object, root: Path = ROOT) -> str:
    """Run `python -m module arguments` of the checkout at `root` under valgrind; return what it says on stderr."""
    program = shutil.which("valgrind")
    if program is None:
        raise UnavailableError("valgrind is not installed")
    command = [program, *tool, sys.executable, "-m", module, *map(str, arguments)]
    # glibc may copy by `rep movsb`, which callgrind counts as one instruction a byte.
    # A seed of its own for each process's string hashes would move the last digits.
    environment = os.environ | {
        "PYTHONHASHSEED": "0",
        "GLIBC_TUNABLES": "glibc.cpu.x86_rep_movsb_threshold=1073741824",
        "PYTHONPATH": os.pathsep.join([str(root / "engine"), str(root)]),
    }
    run = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
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
    """Return B14's count: what a batch allocates, for small and for large batches of a steady flow."""
    note("B14 allocations, under valgrind")
    few, many = settings.size(8, 2), settings.size(48, 12)
    sizes = (256, _STEADY_BATCH)
    each = [(counted_allocations(size, many) - counted_allocations(size, few)) / (many - few) for size in sizes]
    per_command = Spread.of([(each[1] - each[0]) / (sizes[1] - sizes[0])])
    measured = (
        f"{each[0]:g} allocations a batch of {sizes[0]}, {each[1]:g} a batch of {sizes[1]:,}: "
        f"{per_command.median:g} a command (dropped events lend their memory to the next batch)"
    )
    return [judged("B14", "allocations counted by valgrind", measured, per_command)]


if __name__ == "__main__":
    if sys.argv[1] == "steady":
        steady(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "1")
    else:
        replay(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
