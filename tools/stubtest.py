"""Compare the stub of every compiled module with the module itself, as mypy's stubtest sees it.

Every ext/parbook/_x.pyx must have its engine/parbook/_x.pyi. Exit status: 0 when all agree.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mypy import stubtest

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run stubtest over all compiled modules and return its exit status."""
    names = [source.stem for source in sorted((ROOT / "ext/parbook").glob("_*.pyx"))]
    unstubbed = [name for name in names if not (ROOT / f"engine/parbook/{name}.pyi").exists()]
    for name in unstubbed:
        print(f"ext/parbook/{name}.pyx has no stub: write engine/parbook/{name}.pyi", file=sys.stderr)
    if unstubbed or not names:
        return len(unstubbed)
    options = ["--mypy-config-file", "pyproject.toml", "--allowlist", "tools/stubtest-allowlist.txt"]
    return stubtest.test_stubs(
        stubtest.parse_options([f"parbook.{name}" for name in names] + options + ["--ignore-unused-allowlist"])
    )


if __name__ == "__main__":
    sys.exit(main())
