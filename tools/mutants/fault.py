"""A planted fault, and the tables they are read from.

A table is text. `== path` opens the faults of one source file, and each fault takes three lines:

    == engine/parbook/reference/book.py
    # fill-keeps-level-lots: a level forgets to shed what traded
    - level.lots -= lots
    + level.lots -= 0

`- ` and `+ ` are followed by the exact text to find and what replaces it; several of either are joined as lines, so the
second one carries its indentation. The text found must occur once in the file: it may be part of a line. A line
`? tests/market/test_limit.py` names tests to try first, below `==` for every fault of the file. Empty lines and lines
that begin with `;` are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

TABLES = Path(__file__).resolve().parent / "faults"


class FaultError(ValueError):
    """A table is malformed, or a fault does not fit the source it is for."""


class Fault(NamedTuple):
    """One deliberate mistake: `find`, which occurs once in `file`, becomes `replace`."""

    id: str
    file: str
    find: str
    replace: str
    what: str
    first: tuple[str, ...] = ()

    @property
    def compiled(self) -> bool:
        """Whether the core must be rebuilt for it."""
        return not self.file.endswith(".py")

    def plant(self, text: str) -> str:
        """Return the file's text with the fault in it. FaultError unless its place is there, once."""
        count = text.count(self.find)
        if count != 1:
            raise FaultError(f"its text occurs {count} times in {self.file}")
        return text.replace(self.find, self.replace)


def read_table(name: str, text: str) -> list[Fault]:
    """Return the faults of one table; `name` is for messages. Raises FaultError at the first line that does not fit."""
    faults: list[Fault] = []
    file, of_file = "", []
    for head, lines in _entries(name, text):
        find, replace, first = ([line[2:] for line in lines if line[0] == mark] for mark in "-+?")
        if head.startswith("== "):
            file, of_file = head[3:].strip(), first
            continue
        found = re.fullmatch(r"# ([a-z0-9-]+): (.+)", head)
        if not found or not file:
            raise FaultError(f"{name}: not `# id: what it breaks` below a `== path`: {head}")
        if not find or not replace:
            raise FaultError(f"{name}: {found[1]} needs a `- ` line and a `+ ` line")
        fault = Fault(found[1], file, "\n".join(find), "\n".join(replace), found[2], (*first, *of_file))
        if fault.find == fault.replace:
            raise FaultError(f"{name}: {fault.id} changes nothing")
        faults.append(fault)
    return faults


def _entries(name: str, text: str) -> Iterable[tuple[str, list[str]]]:
    """Yield each `==` or `#` line with the lines that belong to it."""
    entries: list[tuple[str, list[str]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith(";"):
            continue
        if line.startswith(("== ", "# ")):
            entries.append((line, []))
        elif entries and re.match(r"[-+?] ", line):
            entries[-1][1].append(line)
        else:
            raise FaultError(f"{name}:{number}: expected `== `, `# `, `- `, `+ ` or `? `: {line}")
    return entries


def all_faults(tables: Path = TABLES) -> list[Fault]:
    """Return the faults of every table, in the order of file names. FaultError when two share an id."""
    faults = [fault for path in sorted(tables.glob("*.txt")) for fault in read_table(path.name, path.read_text())]
    ids = [fault.id for fault in faults]
    doubles = sorted({name for name in ids if ids.count(name) > 1})
    if doubles:
        raise FaultError(f"ids used twice: {', '.join(doubles)}")
    return faults


def misplaced(faults: Iterable[Fault], root: Path) -> list[str]:
    """Return a line for each fault that cannot be planted in the sources under `root`."""
    found = []
    for fault in faults:
        try:
            fault.plant((root / fault.file).read_text("utf-8"))
        except (FaultError, OSError) as error:
            found.append(f"{fault.id}: {error}")
    return found
