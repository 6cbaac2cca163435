"""What was measured last, kept in the repository: ratios of the bars, and instructions a command with their toolchain.

`bench/baseline.json` holds two parts that are renewed apart. The ratios are a record, for reading: times of another
machine bind nobody. The instructions are a promise, which `python -m bench.regression` holds every change to.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sysconfig
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from bench.bars import Row
from bench.measure import ROOT

PATH: Final = ROOT / "bench/baseline.json"
_NAMED_ONLY: Final = ("numpy", "valgrind")
_COMPILER: Final = re.compile(rb"GCC: \([^\x00]{1,80}|clang version [^\x00]{1,80}")


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """One judged row as it was last measured: the median of its ratio, the bar and the verdict."""

    bar: str
    what: str
    value: float | None
    low: float | None
    high: float | None
    promise: str
    verdict: str

    @classmethod
    def of(cls, row: Row, promise: str) -> Ratio:
        """Return what is kept of a row."""
        spread = row.ratio
        value, low, high = (None, None, None) if spread is None else (spread.median, spread.low, spread.high)
        return cls(bar=row.bar, what=row.what, value=value, low=low, high=high, promise=promise, verdict=row.verdict)


class Toolchain(msgspec.Struct, frozen=True, kw_only=True):
    """What instruction counts depend on besides the sources. Counts of two toolchains are never compared.

    NumPy and valgrind are named for who wonders: NumPy makes one array a batch, which a command hardly notices.
    """

    compiler: str
    libc: str
    python: str
    numpy: str
    valgrind: str
    machine: str

    def differences(self, other: Toolchain) -> list[str]:
        """Return `what: theirs, here ours` for each part in which `other`, this machine's, differs."""
        mine, theirs = msgspec.structs.asdict(self), msgspec.structs.asdict(other)
        return [
            f"{name}: {value}, here {theirs[name]}"
            for name, value in mine.items()
            if value != theirs[name] and name not in _NAMED_ONLY
        ]


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Instructions a command of each flow, over `commands` commands after as many to warm up."""

    toolchain: Toolchain
    commands: int
    flows: dict[str, float]


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """The file."""

    date: str
    processor: str
    ratios: list[Ratio]
    instructions: Counts | None = None


def read(path: Path = PATH) -> Baseline | None:
    """Return the baseline, None when there is none. msgspec.ValidationError for a file of another shape."""
    return msgspec.json.decode(path.read_bytes(), type=Baseline) if path.exists() else None


def write(baseline: Baseline, path: Path = PATH) -> None:
    """Write the baseline, indented: it is read in diffs."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(baseline), indent=2) + b"\n")


def renewed(
    old: Baseline | None, processor: str, ratios: Iterable[Ratio] = (), instructions: Counts | None = None
) -> Baseline:
    """Return `old` with the bars of `ratios` replaced, all rows of each, and with the instructions if there are any."""
    fresh = list(ratios)
    measured = {ratio.bar for ratio in fresh}
    kept = [] if old is None else [ratio for ratio in old.ratios if ratio.bar not in measured]
    if instructions is None and old is not None:
        instructions = old.instructions
    return Baseline(
        date=time.strftime("%Y-%m-%d", time.gmtime()),
        processor=processor,
        ratios=sorted([*kept, *fresh], key=lambda ratio: _number(ratio.bar)),
        instructions=instructions,
    )


def _number(bar: str) -> int:
    digits = bar.removeprefix("B")
    return int(digits) if digits.isdigit() else 10_000


def toolchain() -> Toolchain:
    """Return this machine's."""
    libc = " ".join(part for part in platform.libc_ver() if part)
    return Toolchain(
        compiler=compiler(),
        libc=libc or "unknown",
        python=f"{platform.python_implementation()} {'.'.join(platform.python_version_tuple()[:2])}",
        numpy=np.__version__,
        valgrind=_valgrind(),
        machine=f"{platform.system()} {platform.machine()}",
    )


def compiler() -> str:
    """Return the compiler that built the core, as it signed the module; `unknown` when it did not."""
    module = ROOT / f"engine/parbook/_market{sysconfig.get_config_var('EXT_SUFFIX')}"
    found = _COMPILER.search(module.read_bytes()) if module.exists() else None
    return "unknown" if found is None else found[0].decode(errors="replace")


def _valgrind() -> str:
    program = shutil.which("valgrind")
    if program is None:
        return "none"
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout.strip()
