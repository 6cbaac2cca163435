"""Did a change make a command dearer? Instructions a command, counted afresh, against bench/baseline.json.

    python -m bench.regression               count and compare; exit 1 when a flow costs 3 % more
    python -m bench.regression --rebaseline  count and write the baseline; --rows FILE takes the ratios that
                                             `python -m bench --json FILE` wrote along

Instructions do not depend on who else uses the machine and repeat to a part in a thousand, so a small run decides what
times never could. They do depend on compiler, libc and Python: where one differs from the baseline's, nothing is
compared, and that is said.
"""

from __future__ import annotations

import argparse
import re
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np

from bench import baseline
from bench.bars import BARS, Row
from bench.baseline import Baseline, Counts, Ratio, Toolchain
from bench.funded import funded
from bench.instructions import valgrind
from bench.measure import BUILD, ROOT, UnavailableError, note, short
from bench.workloads import BATCH, INSTRUMENT, BatchMarket, batches, feed, flow, flow_of
from parbook import Market
from parbook.logs.flow import FlowParams
from parbook.records import Records

COMMANDS: Final = 20 * BATCH
"""Commands that are counted of each flow, after as many that are not."""
TOLERANCE: Final = 0.03
REBASELINE: Final = "python -m bench.regression --rebaseline"

Counter = Callable[[], dict[str, float]]
"""Counts instructions a command of each flow."""

_CANCELS: Final = FlowParams(cancel_ppm=700_000, reduce_ppm=0, amend_ppm=0, take_ppm=5_000, resting_orders=500)
# Read once, here: two threads that ask sysconfig for the first time at once may both be told None.
_SUFFIX: Final = sysconfig.get_config_var("EXT_SUFFIX")
_CLASSES: Final = {"_market": "7_market_6Market_", "_exchange": "9_exchange_8Exchange_"}


class Flow(NamedTuple):
    """What is counted: a stream, the market it goes to, and how many batch calls making that market takes."""

    commands: Callable[[int], Records]
    market: Callable[[], BatchMarket]
    calls: int = 0


GROUPS: Final[dict[str, dict[str, Flow]]] = {
    "_market": {
        "own": Flow(lambda count: flow("own", count), lambda: Market(INSTRUMENT)),
        "touch": Flow(lambda count: flow("touch", count), lambda: Market(INSTRUMENT)),
        "wide": Flow(lambda count: flow("wide", count), lambda: Market(INSTRUMENT)),
        "cancels": Flow(lambda count: flow_of(_CANCELS, count), lambda: Market(INSTRUMENT)),
    },
    "_exchange": {"exchange": Flow(lambda count: flow("own", count), funded, calls=1)},
}
"""module whose apply_batch is counted -> its flows, in the order in which one process runs them."""


class Line(NamedTuple):
    """One flow against the baseline."""

    name: str
    before: float | None
    after: float

    @property
    def dearer(self) -> bool:
        """True when the flow costs more than the tolerance above the baseline, or is not in it."""
        return self.before is None or self.after > self.before * (1 + TOLERANCE)

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.name:9} {short(self.after)} instructions a command; the baseline does not have this flow"
        change = self.after / self.before - 1
        said = "DEARER" if self.dearer else "cheaper: re-baseline to hold it" if change < -TOLERANCE else "ok"
        return f"{self.name:9} {self.before:9.1f} -> {self.after:9.1f} instructions a command, {change:+.1%}  {said}"


# --- counting -----------------------------------------------------------------------------------


def run(module: str, folder: Path) -> None:
    """Feed the streams of a folder, each to a market of its own. This is what valgrind runs."""
    for name, chosen in GROUPS[module].items():
        feed(chosen.market(), batches(np.load(folder / f"{name}.npy")))


def count(commands: int = COMMANDS) -> dict[str, float]:
    """Return instructions a command of each flow, copying the events out included. About 30 s on one core."""
    if commands % BATCH:
        raise ValueError(f"commands={commands} must be a multiple of {BATCH}")
    with ThreadPoolExecutor(len(GROUPS)) as pool:
        parts = pool.map(partial(_counted, commands=commands), GROUPS)
        return {name: value for part in parts for name, value in part.items()}


def _counted(module: str, commands: int) -> dict[str, float]:
    """Count the flows of one module in one process.

    callgrind writes a total after each call of apply_batch, and can do so for one function only; of each flow the first
    half of the calls warms up, the second is summed.
    """
    flows = GROUPS[module]
    function = _symbol(module, _CLASSES[module])
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD, prefix="regression-") as made:
        folder = Path(made)
        for name, chosen in flows.items():
            np.save(folder / f"{name}.npy", chosen.commands(2 * commands))
        options = [f"--toggle-collect={function}", f"--dump-after={function}"]
        tool = ["--tool=callgrind", "--collect-atstart=no", *options, f"--callgrind-out-file={folder / 'calls'}"]
        valgrind(tool, "bench.regression", "--run", module, folder)
        totals = _totals(folder)
    calls = commands // BATCH
    expected = sum(chosen.calls + 2 * calls for chosen in flows.values())
    if len(totals) != expected or 0 in totals:
        raise UnavailableError(f"callgrind counted {len(totals)} batch calls, {expected} were made")
    counted = {}
    for name, chosen in flows.items():
        own, totals = totals[: chosen.calls + 2 * calls], totals[chosen.calls + 2 * calls :]
        counted[name] = sum(own[-calls:]) / commands
    return counted


def _symbol(module: str, prefix: str) -> str:
    """Return the name of a compiled class's apply_batch; Cython numbers it, and dumps take no wildcard."""
    path = ROOT / f"engine/parbook/{module}{_SUFFIX}"
    if not path.exists():
        raise UnavailableError(f"{path.name} is not built")
    found = re.search(rb"__pyx_pw_7parbook_" + prefix.encode() + rb"\d+apply_batch(?=\x00)", path.read_bytes())
    if found is None:
        raise UnavailableError(f"apply_batch has no name in {path.name}: was the core stripped?")
    return found[0].decode()


def _totals(folder: Path) -> list[int]:
    """Return the total of every dump, in the order of the calls. The file without a number is the process's end."""
    paths = sorted(folder.glob("calls.*"), key=lambda path: int(path.suffix[1:]))
    found = [re.search(r"^totals: (\d+)", path.read_text(), re.MULTILINE) for path in paths]
    return [0 if total is None else int(total[1]) for total in found]


# --- comparing ----------------------------------------------------------------------------------


def compared(old: Counts, fresh: dict[str, float]) -> list[Line]:
    """Return a line for each flow that was counted."""
    return [Line(name, old.flows.get(name), after) for name, after in fresh.items()]


def check(counter: Counter = count, here: Toolchain | None = None, path: Path = baseline.PATH) -> int:
    """Count, print the comparison, and return the exit code: 1 when a flow got dearer or has no baseline."""
    old = baseline.read(path)
    if old is None or old.instructions is None:
        print(f"regression: {path.name} holds no instructions. Write them: {REBASELINE}")
        return 1
    differences = old.instructions.toolchain.differences(here or baseline.toolchain())
    if differences:
        compiler = any(text.startswith("compiler:") for text in differences)
        print(f"regression: not compared: other {'compiler' if compiler else 'toolchain'}")
        print("\n".join(f"  {text}" for text in differences))
        return 0
    note("counting instructions under valgrind, about 30 s")
    lines = compared(old.instructions, counter())
    print("\n".join(map(str, lines)))
    dearer = [line for line in lines if line.dearer]
    for line in dearer:
        before = "no baseline" if line.before is None else f"{line.before:.1f} before"
        print(f"regression: {line.name}: {before}, {line.after:.1f} after, tolerance {TOLERANCE:.0%}")
    if dearer:
        print(f"If the feature is worth it, say so in the commit and re-baseline: {REBASELINE}")
    return 1 if dearer else 0


def rebaseline(rows: list[Row], processor: str, counter: Counter = count, path: Path = baseline.PATH) -> None:
    """Count and write the baseline; `rows`, if there are any, renew the ratios of their bars."""
    note("counting instructions under valgrind, about 30 s")
    flows = {name: round(value, 2) for name, value in counter().items()}
    counts = Counts(toolchain=baseline.toolchain(), commands=COMMANDS, flows=flows)
    ratios = [Ratio.of(row, BARS[row.bar].text) for row in rows if row.bar in BARS]
    baseline.write(baseline.renewed(baseline.read(path), processor, ratios, counts), path)
    note(f"wrote {path.name}: {len(ratios)} rows of bars, {len(flows)} flows")


class _Report(msgspec.Struct):
    """What `python -m bench --json` writes."""

    machine: dict[str, str | int | None]
    rows: list[Row]


def main(words: list[str] | None = None) -> int:
    """Check, or rewrite the baseline; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.regression", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rebaseline", action="store_true", help="write what is counted as the new baseline")
    parser.add_argument("--rows", metavar="FILE", type=Path, help="with --rebaseline: rows of `python -m bench --json`")
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    parsed = parser.parse_args(words)
    if parsed.run is not None:
        run(parsed.run[0], Path(parsed.run[1]))
        return 0
    try:
        if not parsed.rebaseline:
            return check()
        old: Baseline | None = baseline.read()
        processor, rows = "" if old is None else old.processor, []
        if parsed.rows is not None:
            report = msgspec.json.decode(parsed.rows.read_bytes(), type=_Report)
            processor, rows = str(report.machine.get("processor", "")), report.rows
        rebaseline(rows, processor)
    except UnavailableError as error:
        print(f"regression: not compared: {error}")
        return 1 if parsed.rebaseline else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
