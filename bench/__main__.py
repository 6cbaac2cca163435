"""`python -m bench`: measure this build and print every bar with its verdict.

A missed bar is an answer, not a failure: the exit code is 0 unless something could not run, or --check finds that a
flow costs more instructions than the baseline allows.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from bench import regression
from bench.against import plain_rows
from bench.bars import BARS, Row, markdown, skipped, table, unbuilt
from bench.calls import call_rows, exchange_call_rows
from bench.core import allocation_rows, anchor_rows, batch_rows, growth_rows, ladder_rows, sweep_rows
from bench.exchange import full_rows, instrument_rows
from bench.flows import flow_rows
from bench.instructions import batch_allocation_rows, instruction_rows
from bench.itch import itch_rows
from bench.journal import group_rows, recovery_rows, venue_rows
from bench.latency.service import tail_rows
from bench.measure import FULL, QUICK, Settings, UnavailableError, machine, note, pin
from bench.memory import exchange_memory_rows, memory_rows
from bench.peers.table import peer_rows
from bench.public.challenge import audit_rows, challenge_rows
from bench.threads import thread_rows
from bench.value import loan_rows, move_rows

Measure = Callable[[Settings], list[Row]]

MEASURES: Final[dict[str, tuple[Measure, ...]]] = {
    "B1": (challenge_rows,),
    "B2": (audit_rows,),
    "B3": (ladder_rows,),
    "B4": (sweep_rows,),
    "B5": (full_rows,),
    "B6": (call_rows, exchange_call_rows),
    "B7": (batch_rows,),
    "B8": (group_rows, recovery_rows),
    "B9": (memory_rows, exchange_memory_rows),
    "B10": (growth_rows, instrument_rows),
    "B11": (thread_rows,),
    "B12": (itch_rows,),
    "B13": (loan_rows, move_rows),
    "B14": (allocation_rows, tail_rows),
    "B15": (anchor_rows,),
    "B16": (flow_rows,),
    "B17": (venue_rows,),
    "peers": (peer_rows,),
    "plain": (plain_rows,),
}
"""bar -> what measures it. A bar that is not here waits for a part of parbook."""

COUNTED: Final[dict[str, tuple[Measure, ...]]] = {"B7": (instruction_rows,), "B14": (batch_allocation_rows,)}
"""bar -> what valgrind counts for it, with --instructions."""


def measure(only: list[str], settings: Settings) -> list[Row]:
    """Return the rows of the bars `only`, in order."""
    rows: list[Row] = []
    for bar in only:
        functions = MEASURES.get(bar, ()) + (COUNTED.get(bar, ()) if settings.instructions else ())
        if not functions:
            rows.append(unbuilt(bar))
        for function in functions:
            try:
                rows += function(settings)
            except UnavailableError as error:
                rows.append(skipped(bar, str(error)))
    return rows


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that everything runs, not how fast")
    parser.add_argument("--only", metavar="B7,B10", default=",".join(BARS), help="measure these bars only")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write rows and machine to FILE as well")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--instructions", action="store_true", help="count instructions and allocations with valgrind")
    parser.add_argument("--against", metavar="COMMIT", default="", help="count instructions of this older commit too")
    parser.add_argument("--check", action="store_true", help="only hold instruction counts to bench/baseline.json")
    parser.add_argument("--rebaseline", action="store_true", help="write ratios and counts to bench/baseline.json")
    parsed = parser.parse_args(words)
    if parsed.rebaseline and parsed.quick:
        parser.error("a quick run measures nothing that could be a baseline")
    parsed.only = parsed.only.split(",")
    unknown = [bar for bar in parsed.only if bar not in BARS]
    if unknown:
        parser.error(f"unknown bar {', '.join(unknown)}; there are {', '.join(BARS)}")
    return parsed


def main(words: list[str] | None = None) -> int:
    """Measure, print the table, and return the exit code."""
    parsed = arguments(words)
    if parsed.check:
        return regression.main([])
    settings = msgspec.structs.replace(
        QUICK if parsed.quick else FULL, instructions=parsed.instructions, against=parsed.against
    )
    host = machine(pin())
    note(f"{host['processor']}, core {host['core']}, medians of {settings.rounds} (least-greatest)")
    rows = measure(parsed.only, settings)
    print(markdown(rows) if parsed.markdown else table(rows))
    if parsed.quick:
        print("\nA quick run: everything ran, but sizes were tiny, so the figures and their verdicts mean nothing.")
    if parsed.json is not None:
        parsed.json.write_bytes(msgspec.json.format(msgspec.json.encode({"machine": host, "rows": rows})))
    if parsed.rebaseline:
        regression.rebaseline(rows, str(host["processor"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
