"""How a number is taken: pinned to one core, contenders in turn, medians with their range.

Times are CPU times of the measuring thread, because the machine may be shared: time during which others ran
does not count, a cache they emptied does. On an idle machine it is the wall time.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

ROOT: Final = Path(__file__).resolve().parents[1]
BUILD: Final = ROOT / "build/bench"

cpu_ns = time.thread_time_ns
"""CPU time of this thread in ns."""


class UnavailableError(Exception):
    """This machine lacks what a row needs; the message says what."""


class Spread(msgspec.Struct, frozen=True):
    """Median, least and greatest of `count` samples."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, samples: Iterable[float]) -> Spread:
        """Return the spread of at least one sample."""
        values = list(samples)
        return cls(statistics.median(values), min(values), max(values), len(values))

    def __str__(self) -> str:
        if self.count == 1:
            return short(self.median)
        return f"{short(self.median)} ({short(self.low)}-{short(self.high)})"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured. `scale` divides the sizes; a quick run shows that everything works, not how fast."""

    rounds: int = 7
    scale: int = 1
    instructions: bool = False
    against: str = ""

    def size(self, full: int, least: int = 1) -> int:
        """Return `full`, or its share in a quick run."""
        return max(least, full // self.scale)


FULL: Final = Settings()
QUICK: Final = Settings(rounds=2, scale=100)


def short(value: float) -> str:
    """Return three significant digits, in plain notation from 100 up."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def pin() -> int | None:
    """Pin this process and its children to the last core it may use; return its number, None where impossible."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return core


def machine(core: int | None) -> dict[str, Any]:
    """Return what the numbers were taken on."""
    return {
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "core": core,
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def note(text: str) -> None:
    """Say on stderr what is being measured."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def timed(action: Callable[[], object]) -> int:
    """Return the CPU time of one call in ns, the garbage collector held off."""
    gc.collect()
    gc.disable()
    try:
        start = cpu_ns()
        action()
        return cpu_ns() - start
    finally:
        gc.enable()


def interleave(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Take `rounds` samples of each contender in turn; who begins changes from round to round.

    A contender prepares what it needs and returns the one number that counts.
    """
    names = list(contenders)
    samples: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            samples[name].append(contenders[name]())
    return samples


def ratios(above: Sequence[float], below: Sequence[float]) -> Spread:
    """Return the spread of the ratios round by round: noise that hits both neighbours cancels out."""
    return Spread.of(a / b for a, b in zip(above, below, strict=True))


def child(module: str, *arguments: object) -> Any:
    """Run `python -m module arguments` and return the JSON it prints. UnavailableError with its last words."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return last_json(command)


def last_json(command: list[str]) -> Any:
    """Run a command from the repository's root and return the JSON on its last line of output."""
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise UnavailableError(f"{' '.join(command[:4])} failed: {run.stderr.strip().splitlines()[-1:]}")
    return json.loads(run.stdout.strip().splitlines()[-1])
