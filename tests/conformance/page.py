"""Write docs/conformance.md from the table of differences: `python -m tests.conformance.page`."""

from __future__ import annotations

from pathlib import Path

from tests.conformance.differences import CPPTRADER, DIFFERENCES, LEFT_OUT_STEPS, RUN_STEPS, WITHOUT_REFERENCE

PAGE = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"

_HEAD = """# Scenarios of other engines

Made by `python -m tests.conformance.page` from `tests/conformance/differences.py`; do not edit. The files are not part
of this project: the tests read them from the shared folder (`PARBOOK_SHARED`, else `../shared`) and are skipped where
it is absent. Reference and core run every file. A difference without an entry below fails a test, and so does an
entry without a difference.

Notation: `16 x30 @40` is a trade of 30 lots at 40 with resting order 16; `50: 14x10 15x10` is a price and its queue.
"""


def page() -> str:
    """Return the page's whole text."""
    rows = []
    for name, (about, theirs) in CPPTRADER.items():
        found = [difference for difference in DIFFERENCES if difference.scenario == name]
        rows.append(_row(f"{name}: {about}", "the same" if not found else "", "", ""))
        for part, _, ours, rule in ((d.part, d.scenario, d.parbook, d.rule) for d in found):
            rows.append(_row(part, getattr(theirs, part) or "none", ours or "none", rule))
    rows.append(
        _row(
            f"{WITHOUT_REFERENCE.scenario} without an anchor", "none", WITHOUT_REFERENCE.parbook, WITHOUT_REFERENCE.rule
        )
    )
    same = len(CPPTRADER) - len({difference.scenario for difference in DIFFERENCES})
    left_out = "\n".join(f"| {kind} | {count} |" for kind, count in LEFT_OUT_STEPS.items())
    return (
        f"{_HEAD}\n## CppTrader (MIT)\n\n"
        f"{same} of {len(CPPTRADER)} files come to the same trades, refusals, book and stops.\n\n"
        f"{_row('file, part of the outcome', 'CppTrader', 'parbook', 'the rule')}\n{_row(*['---'] * 4)}\n"
        + "\n".join(rows)
        + "\n\n## exchange-core (Apache-2.0)\n\n"
        f"{RUN_STEPS} steps of five scenarios were taken: orders, moves, cancels, trades, whole books, live orders.\n"
        "All hold. What speaks of money alone belongs to a ledger, which a single market does not have:\n\n"
        f"| left out | steps |\n|---|---|\n{left_out}\n"
    )


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
