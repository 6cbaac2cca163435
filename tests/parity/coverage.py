"""What a run of random streams has reached: events, their codes, and every cell of the session's two tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import IntEnum

import numpy as np

from parbook.codes import (
    AccountField,
    CancelReason,
    CurveShape,
    EventKind,
    Place,
    Priority,
    RejectCode,
    SessionState,
    Source,
    StpMode,
)
from parbook.reference.session import Session
from parbook.sessions import PERMITTED, TRANSITIONS, Action

SEEN_SHAPE = (64, 128)
"""Event kinds x codes that a run counts."""

FIRST_CODE_OF_MONEY = RejectCode.UNKNOWN_ASSET
"""A market without a ledger refuses nothing for want of money; tests.exchange looks after those codes."""

CODES: Mapping[EventKind, Sequence[IntEnum]] = {
    EventKind.REJECTED: [code for code in RejectCode if code < FIRST_CODE_OF_MONEY],
    EventKind.TRADE: list(Source),
    EventKind.CANCELLED: [reason for reason in CancelReason if reason is not CancelReason.FUNDS],
    EventKind.AMENDED: list(Priority),
    EventKind.ACCEPTED: list(Place),
    EventKind.TRIGGERED: [Place.BOOK],
    EventKind.PREVENTED: [mode for mode in StpMode if mode not in (StpMode.DEFAULT, StpMode.OFF)],
    EventKind.STATE_CHANGED: list(SessionState),
    EventKind.CURVE_SET: list(CurveShape),
    EventKind.ACCOUNT_SET: list(AccountField),
    EventKind.MASS_CANCELLED: [
        CancelReason.MASS,
        CancelReason.DISCONNECTED,
        CancelReason.KILLED,
        CancelReason.DEADMAN,
    ],
    EventKind.BUSTED: list(Source),
}

Cells = Counter[str]
"""How often each cell of the session's tables was used: 'state action verdict' and 'state -> state verdict'."""


@contextmanager
def watched_session(cells: Cells) -> Iterator[None]:
    """Count what the reference's session is asked, and what it answers."""
    forbids, allows = Session.forbids, Session.allows

    def counting_forbids(self: Session, action: Action) -> RejectCode | None:
        code = forbids(self, action)
        cells[f"{self.state.name} {action.name} {'refused' if code else 'passed'}"] += 1
        return code

    def counting_allows(self: Session, target: SessionState) -> bool:
        allowed = allows(self, target)
        cells[f"{self.state.name} -> {target.name} {'passed' if allowed else 'refused'}"] += 1
        return allowed

    Session.forbids, Session.allows = counting_forbids, counting_allows  # type: ignore[method-assign]
    try:
        yield
    finally:
        Session.forbids, Session.allows = forbids, allows  # type: ignore[method-assign]


def wanted_cells() -> list[str]:
    """Return every cell a run must use: each action in each state, each move that is there or is not.

    Not AMEND while DELISTED: it needs a live order before the state is asked, and none is live then.
    """
    cells = [
        f"{state.name} {action.name} {'passed' if action in PERMITTED[state] else 'refused'}"
        for state in SessionState
        for action in Action
        if (state, action) != (SessionState.DELISTED, Action.AMEND)
    ]
    layered = (SessionState.CLOSED, SessionState.DELISTED)
    for state in SessionState:
        for target in SessionState:
            there = target in TRANSITIONS[state]
            if there or state not in layered:
                cells.append(f"{state.name} -> {target.name} {'passed' if there else 'refused'}")
    beneath = ("PRE_OPEN", "AUCTION", "HALTED")
    cells += [f"CLOSED -> {name} {verdict}" for name in beneath for verdict in ("passed", "refused")]
    cells += ["CLOSED -> CONTINUOUS refused", "CLOSED -> CLOSING refused", "CLOSED -> CLOSED refused"]
    cells += [f"DELISTED -> {state.name} passed" for state in SessionState if state is not SessionState.DELISTED]
    return [*cells, "DELISTED -> DELISTED refused"]


def coverage(seen: np.ndarray, cells: Cells) -> tuple[str, list[str]]:
    """Return a table of how often everything occurred, and the names of what never did."""
    counts: dict[str, int] = {}
    for kind in EventKind:
        if kind >= EventKind.DEPOSITED:
            continue  # an exchange's own stream; tests.exchange looks after those
        if kind not in CODES:
            counts[kind.name] = int(seen[kind].sum())
        for code in CODES.get(kind, ()):
            counts[f"{kind.name} {code.name}"] = int(seen[kind, code])
    counts |= {name: cells[name] for name in wanted_cells()}
    table = "\n".join(f"  {name:40s} {count:12,d}" for name, count in counts.items())
    return table, [name for name, count in counts.items() if not count]
