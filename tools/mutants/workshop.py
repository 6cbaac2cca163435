"""A copy of the checkout in which faults are planted, one at a time, and looked for."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from tools.mutants.fault import Fault, FaultError

NOT_COPIED = (".git", ".venv*", "build", "dist", "out", "*.so", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis")
MEMORY_KIB = 4 * 2**20
"""Most address space of one check: a fault may well allocate without end."""


class Check(NamedTuple):
    """Something that goes red: a command whose exit status is 1. `optional`: no other status means anything."""

    name: str
    command: tuple[str, ...]
    cpu_seconds: int = 120
    optional: bool = False


class Outcome(Enum):
    """What became of a planted fault. Only the first is good."""

    CAUGHT = "caught"
    SURVIVED = "survived"
    MISPLACED = "misplaced"
    BROKEN = "broken"


class Verdict(NamedTuple):
    """The outcome, what saw the fault or why there is no telling, and how long that took."""

    fault: Fault
    outcome: Outcome
    by: str
    seconds: float


class BrokenError(Exception):
    """A build or a check failed in a way that says nothing about the fault."""


Checks = Callable[[Fault], Iterable[Check]]


class Workshop:
    """A checkout to be damaged. One fault at a time; not for use by several threads at once."""

    def __init__(self, root: Path, build: tuple[str, ...]) -> None:
        """Take a copy made by `copy_checkout`, or by copying another workshop, and the command that builds it."""
        self.root = root
        self.build_command = build
        self.skipped: list[str] = []

    def copy_to(self, root: Path) -> Workshop:
        """Return another workshop, as far built as this one: files keep their times, so nothing is built again."""
        shutil.copytree(self.root, root, symlinks=True)
        other = Workshop(root, self.build_command)
        other.skipped = self.skipped
        return other

    def build(self) -> None:
        """Build the core. BrokenError with the compiler's last words when that fails."""
        done = self._run(self.build_command, cpu_seconds=600)
        if done.returncode:
            raise BrokenError(f"does not build: {_last_line(done.stdout)}")

    def try_fault(self, fault: Fault, checks: Checks) -> Verdict:
        """Plant a fault, run its checks until one sees it, and restore the file."""
        start = time.monotonic()
        try:
            outcome, by = self._planted(fault, checks)
        except FaultError as error:
            outcome, by = Outcome.MISPLACED, str(error)
        except BrokenError as error:
            outcome, by = Outcome.BROKEN, str(error)
        return Verdict(fault, outcome, by, time.monotonic() - start)

    def _planted(self, fault: Fault, checks: Checks) -> tuple[Outcome, str]:
        path = self.root / fault.file
        if not path.is_file():
            raise FaultError(f"there is no {fault.file}")
        sound = path.read_text("utf-8")
        times = path.stat()
        faulty = fault.plant(sound)
        built = {so: so.read_bytes() for so in self.root.rglob("*.so")} if fault.compiled else {}
        path.write_text(faulty, "utf-8")
        try:
            if fault.compiled:
                self.build()
            else:
                # Python knows a cached module by size and whole seconds: the faulty file must differ in one of them.
                os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns + 10 * 10**9))
                _must_compile(fault, faulty)
            for check in checks(fault):
                by = self.seen_by(check)
                if by:
                    return Outcome.CAUGHT, by
            return Outcome.SURVIVED, ""
        finally:
            path.write_text(sound, "utf-8")
            for so, content in built.items():
                so.write_bytes(content)
            # A compiled source keeps its new time, so that the next build replaces what was made of the faulty one.
            if not fault.compiled:
                os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
            shutil.rmtree(self.root / ".hypothesis", ignore_errors=True)

    def seen_by(self, check: Check) -> str:
        """Run a check and return what went red, empty when nothing did. BrokenError when it could not tell."""
        done = self._run((*check.command, *self._deselections(check)), check.cpu_seconds)
        if done.returncode == 1:
            return culprit(done.stdout)
        if done.returncode in (-signal.SIGXCPU, 128 + signal.SIGXCPU, -signal.SIGKILL):
            return f"{check.name}: hangs {_running_test(done.stdout)}".strip()
        if done.returncode < 0 or done.returncode > 128:
            return f"{check.name}: crashes {_running_test(done.stdout)}".strip()
        if done.returncode and not check.optional:
            raise BrokenError(f"{check.name} ends with {done.returncode}: {_last_line(done.stdout)}")
        return ""

    def red_without_fault(self, check: Check) -> list[str]:
        """Run a check to its end on the sound sources and return what is red all the same."""
        command = tuple(word for word in check.command if word != "-x")
        done = self._run(command, check.cpu_seconds, write_caches=True)
        if done.returncode == 1 and _FAILED.search(done.stdout):
            return [found.strip() for found in _FAILED.findall(done.stdout)]
        if done.returncode:
            raise BrokenError(f"{check.name} ends with {done.returncode} without a fault: {_last_line(done.stdout)}")
        return []

    def _deselections(self, check: Check) -> list[str]:
        return [word for test in self.skipped for word in ("--deselect", test)] if "pytest" in check.command else []

    def _run(
        self, command: tuple[str, ...], cpu_seconds: int, write_caches: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the copy, with an upper limit of processor time and memory; both outputs as one text."""
        environment = os.environ | {"PYTHONPATH": f"{self.root / 'engine'}{os.pathsep}{self.root}", "COLUMNS": "400"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        if not write_caches:
            environment["PYTHONDONTWRITEBYTECODE"] = "1"
        limited = ("sh", "-c", f'ulimit -v {MEMORY_KIB}; ulimit -t "$0"; exec "$@"', str(cpu_seconds), *command)
        return subprocess.run(
            limited,
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )


def copy_checkout(source: Path, target: Path) -> None:
    """Copy what a build needs, and nothing that a build made."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*NOT_COPIED))


def _must_compile(fault: Fault, text: str) -> None:
    try:
        compile(text, fault.file, "exec")
    except SyntaxError as error:
        raise BrokenError(f"is no Python: {error.msg}") from error


# --- reading what a check printed ---------------------------------------------------------------

_FAILED = re.compile(r"^(?:FAILED|ERROR) (tests/[^\s\[]+(?:\[.*?\])?)(?: - .*)?$", re.MULTILINE)
_RUNNING = re.compile(r'File "[^"\n]*?(tests/[^"\n]+)", line \d+ in (test_\w+)')


def culprit(output: str) -> str:
    """Return the test that pytest says has failed, else the last line."""
    found = _FAILED.search(output)
    return found[1].strip() if found else _last_line(output)


def _running_test(output: str) -> str:
    """Return the test in which the interpreter died, as its fault handler shows it."""
    found = _RUNNING.search(output)
    return f"in {found[1]}::{found[2]}" if found else ""


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1][:160] if lines else "no output"


# --- parbook's own checks -----------------------------------------------------------------------

BUILD = ("env", "PARBOOK_QUICK=1", sys.executable, "setup.py", "--quiet", "build_ext", "--inplace")
PYTEST = (sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", "--hypothesis-seed=0", "-m", "not slow")
BEHAVIOUR = Check("behaviour", (*PYTEST, "tests/market", "tests/messages", "tests/parity/test_layout.py"))
PARITY = Check("parity", (sys.executable, "-m", "tools.mutants.fuzz"))
OUTER_HALF = frozenset(
    {"bench", "cli", "examples", "instrument", "logs", "market", "messages", "mutants", "packaging", "parity", "replay"}
    | {"report", "style", "support", "units"}
)
"""Folders of tests left out of the last check: run before it, or not about the market."""


def slow_check(root: Path) -> Check:
    """Return the check of last resort: every folder of tests about the market that has not run yet."""
    folders = sorted(path.name for path in (root / "tests").iterdir() if (path / "__init__.py").is_file())
    return Check("all", (*PYTEST, *(f"tests/{name}" for name in folders if name not in OUTER_HALF)), cpu_seconds=1200)


class MarketChecks:
    """Which checks a fault of parbook meets, in order.

    A fault of the reference meets the tables of behaviour first and the comparison with the core after them, a fault
    of the core the other way round: each first meets what it ought to be caught by.
    """

    def __init__(self, clean: Workshop, hints: dict[str, str]) -> None:
        """Take a workshop that stays sound, and for some faults the test that saw it last time."""
        self.clean = clean
        self.hints = hints
        self.lock = threading.Lock()
        self.sound: set[str] = set()

    def require(self, check: Check) -> Check:
        """Return the check after it ran once without a fault; what is red then is skipped from now on."""
        with self.lock:
            if check.name not in self.sound:
                self.clean.skipped += self.clean.red_without_fault(check)
                self.sound.add(check.name)
        return check

    def __call__(self, fault: Fault) -> Iterable[Check]:
        """Yield the checks."""
        hint = self.hints.get(fault.id, "")
        # Half of the tables run against the other market.
        mine = ("-k", "core or not reference" if fault.compiled else "reference or not core")
        if hint.startswith("tests/"):
            yield Check("hint", (*PYTEST, hint), optional=True)
        elif fault.first:
            yield Check("hint", (*PYTEST, *fault.first, *mine), optional=True)
        seen = re.match(r"parity (\S+), seed", hint)
        parity = PARITY._replace(command=(*PARITY.command, seen[1])) if seen else PARITY
        behaviour = BEHAVIOUR._replace(command=(*BEHAVIOUR.command, *mine))
        yield from (parity, behaviour) if fault.compiled else (behaviour, parity)
        yield self.require(slow_check(self.clean.root))
