"""`python -m bench.public CHECKOUT` builds CHECKOUT/parbook_adapter.so against that checkout of the public benchmark.

The harness of the benchmark then runs it: `./harness --engine ./parbook_adapter.so --scenario normal --mode perf`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.public.build import build_adapter
from parbook.errors import InputError


def main(arguments: list[str]) -> int:
    """Build the adapter; 0 when it was built, 1 when it could not be, 2 for a wrong command line."""
    if len(arguments) != 1:
        print("usage: python -m bench.public CHECKOUT", file=sys.stderr)
        return 2
    try:
        built = build_adapter(Path(arguments[0]))
    except InputError as error:
        print(f"parbook: {error}", file=sys.stderr)
        return 1
    print(f"built {built}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
