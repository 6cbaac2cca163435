"""Compare the stub of every compiled module with the module itself, as mypy's stubtest sees it.

Every ext/parbook/_x.pyx must have its engine/parbook/_x.pyi. Exit status: 0 when all agree.

stubtest reads a Python module's source to tell its own names from imported ones. A compiled module has none
that it understands, so the allowlist is completed here from the .pyx: names the module imports, and
`__init__` of classes that take their arguments in `__cinit__`, which shows as `object.__init__` at run time.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from mypy import stubtest

ROOT = Path(__file__).resolve().parent.parent
ALLOWLIST = ROOT / "tools/stubtest-allowlist.txt"


def not_its_own(name: str, source: str) -> list[str]:
    """Return the attributes of the compiled module `name` that its stub need not describe, given its source."""
    found = []
    for names in re.findall(r"^from +[\w.]+ +import +(\([^)]*\)|[^\n(]*)", source, re.MULTILINE):
        for item in names.strip("() \n").split(","):
            if item.strip():
                found.append(f"parbook.{name}.{item.split()[-1]}")
    for block in re.split(r"^(?:cdef )?class ", source, flags=re.MULTILINE)[1:]:
        if "def __cinit__(" in block and "def __init__(" not in block:
            found.append(f"parbook.{name}.{re.match(r'[A-Za-z_]+', block)[0]}.__init__")  # type: ignore[index]
    return found


def main() -> int:
    """Run stubtest over all compiled modules and return its exit status."""
    sources = sorted((ROOT / "ext/parbook").glob("_*.pyx"))
    unstubbed = [path for path in sources if not (ROOT / f"engine/parbook/{path.stem}.pyi").exists()]
    for path in unstubbed:
        print(f"ext/parbook/{path.name} has no stub: write engine/parbook/{path.stem}.pyi", file=sys.stderr)
    if unstubbed or not sources:
        return len(unstubbed)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as allowlist:
        allowed = [name for path in sources for name in not_its_own(path.stem, path.read_text())]
        allowlist.write(ALLOWLIST.read_text() + "\n".join(allowed) + "\n")
        allowlist.flush()
        options = ["--mypy-config-file", str(ROOT / "pyproject.toml"), "--allowlist", allowlist.name]
        options.append("--ignore-unused-allowlist")
        return stubtest.test_stubs(stubtest.parse_options([f"parbook.{path.stem}" for path in sources] + options))


if __name__ == "__main__":
    sys.exit(main())
