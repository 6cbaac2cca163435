"""What an older commit's core costs on the same flows, counted beside this one: did features tax the plain path?

The older commit is built from the repository's history into build/bench, with the same compiler and flags, so the ratio
of instructions holds on every machine and is repeatable to a part in a thousand.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

from bench.bars import Row, judged, skipped
from bench.instructions import counted_instructions
from bench.measure import BUILD, ROOT, Settings, Spread, UnavailableError, note, short
from bench.workloads import COMPARED


def built(commit: str) -> Path:
    """Return the folder of a commit's checkout with its core built in place; made once, kept for the next run."""
    named = ["git", "rev-parse", "--verify", f"{commit}^{{commit}}"]
    root = BUILD / "against" / _run(named, ROOT, "is not in this history:").decode().strip()
    if not list(root.glob("engine/parbook/_market.*.so")):
        note(f"building {commit[:12]}")
        root.mkdir(parents=True, exist_ok=True)
        archive = _run(["git", "archive", "--format=tar", commit], ROOT, "cannot be read:")
        with tarfile.open(fileobj=BytesIO(archive)) as files:
            files.extractall(root, filter="data")
        _run([sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"], root, "does not build:")
    return root


def _run(command: list[str], folder: Path, problem: str) -> bytes:
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout
    except FileNotFoundError:
        raise UnavailableError(f"{command[0]} is not installed") from None
    except subprocess.CalledProcessError as error:
        last = error.stderr.decode(errors="replace").strip()[-200:]
        raise UnavailableError(f"the commit to compare with {problem} {last}".strip()) from None


def plain_rows(settings: Settings) -> list[Row]:
    """Return a row per shape of B7: instructions a command here over those of the commit `settings.against`."""
    if not settings.against:
        return [skipped("plain", "no commit to compare with; --against COMMIT names one")]
    other = built(settings.against)
    messages = settings.size(20_000)
    rows = []
    for shape in COMPARED:
        note(f"instructions of the {shape} flow, here and at {settings.against[:12]}, under valgrind")
        here, there = (
            (counted_instructions(shape, 2 * messages, root) - counted_instructions(shape, messages, root)) / messages
            for root in (ROOT, other)
        )
        measured = f"{short(here)} instructions a command, {short(there)} at {settings.against[:12]} (callgrind)"
        ratio = Spread.of([here / there])
        values = {"here_instructions": Spread.of([here]), "there_instructions": Spread.of([there])}
        rows.append(judged("plain", f"{shape} flow: limit, market, cancel, amend", measured, ratio, values))
    return rows
