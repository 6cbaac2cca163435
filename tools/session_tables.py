"""Write docs/sessions.md from `parbook.sessions`: `python tools/session_tables.py`. A test holds the two together."""

from __future__ import annotations

from pathlib import Path

from parbook.codes import SessionState
from parbook.sessions import KEPT_UNDER_CLOSED, PERMITTED, TRANSITIONS, Action

PAGE = Path(__file__).resolve().parents[1] / "docs" / "sessions.md"

_HEAD = """# Sessions

Made from `parbook.sessions` by `tools/session_tables.py`; do not edit.

The phase of a market is one of the first five states. CLOSED lies over it, DELISTED over both. What enters CONTINUOUS,
and CLOSING -> CLOSED, uncrosses first. Every move is a command (`SetState`); calendars belong to the venue.
"""


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines) + "\n"


def page() -> str:
    """Return the page's whole text. O(states^2)."""
    states = list(SessionState)
    meaning = _table(["state", "what it is"], [[state.name, state.doc] for state in states])
    permitted = _table(
        ["state", *(action.name for action in Action)],
        [[state.name, *("yes" if action in PERMITTED[state] else "refused" for action in Action)] for state in states],
    )
    actions = _table(["action", "commands"], [[action.name, action.doc] for action in Action])
    moves = _table(
        ["from \\ to", *(state.name for state in states)],
        [[source.name, *(_move(source, target) for target in states)] for source in states],
    )
    kept = ", ".join(state.name for state in sorted(KEPT_UNDER_CLOSED))
    return (
        f"{_HEAD}\n{meaning}\n## What each state lets through\n\n{permitted}\nRefused means STATE_FORBIDS. The clock, "
        f"anchors, the curve, accounts, dead-man timers and busts pass in\nevery state.\n\n{actions}\n"
        f"## Where each state may go\n\n{moves}\nAnything else is INVALID_TRANSITION. *beneath*: only to what lies "
        f"under it; a close over {kept} keeps that phase,\nover any other it leaves PRE_OPEN.\n"
    )


def _move(source: SessionState, target: SessionState) -> str:
    if target in TRANSITIONS[source]:
        return "yes"
    beneath_close = {SessionState.PRE_OPEN, *KEPT_UNDER_CLOSED}
    if source is SessionState.CLOSED and target in beneath_close:
        return "beneath"
    return "beneath" if source is SessionState.DELISTED is not target else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
