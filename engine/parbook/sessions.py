"""Sessions: which state may follow which, and what each refuses. The one place for both; docs/sessions.md shows it.

A market's state has three layers. The *phase* is one of the first five states; CLOSED lies over it and DELISTED
over both. A close over HALTED or AUCTION leaves that phase beneath, to be found at the next opening; after any
other phase the market opens with PRE_OPEN. Whatever enters CONTINUOUS, and CLOSING -> CLOSED, uncrosses first.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from parbook.codes import SessionState as S


class Action(IntEnum):
    """What the states tell apart among commands; the numbers are bits of compiled masks."""

    GATHER = 0
    IMMEDIATE = 1
    CALL = 2
    AMEND = 3
    QUOTE = 4
    CANCEL = 5

    @property
    def doc(self) -> str:
        """Return which commands it stands for."""
        return _ACTION_DOCS[self]


_ACTION_DOCS: Final = {
    Action.GATHER: "NEW with GTC, GTD or DAY, and every stop, which waits",
    Action.IMMEDIATE: "NEW with IOC or FOK, MARKET_TO_LIMIT, min_lots, MARKET that may rest",
    Action.CALL: "NEW with time in force AUCTION",
    Action.AMEND: "AMEND",
    Action.QUOTE: "QUOTE",
    Action.CANCEL: "CANCEL, REDUCE, MASS_CANCEL, KILL",
}

_CALL_PHASE: Final = frozenset({Action.GATHER, Action.CALL, Action.AMEND, Action.QUOTE, Action.CANCEL})
PERMITTED: Final[dict[S, frozenset[Action]]] = {
    S.CONTINUOUS: frozenset({Action.GATHER, Action.IMMEDIATE, Action.AMEND, Action.QUOTE, Action.CANCEL}),
    S.PRE_OPEN: _CALL_PHASE,
    S.AUCTION: _CALL_PHASE,
    S.HALTED: frozenset({Action.CANCEL}),
    S.CLOSING: _CALL_PHASE,
    S.CLOSED: frozenset({Action.CANCEL}),
    S.DELISTED: frozenset(),
}
"""What a state lets through; everything else of `Action` is refused with STATE_FORBIDS. The clock, anchors, curve,
accounts, timers and busts are let through by every state."""

TRANSITIONS: Final[dict[S, frozenset[S]]] = {
    S.PRE_OPEN: frozenset({S.AUCTION, S.CLOSED, S.DELISTED}),
    S.AUCTION: frozenset({S.CONTINUOUS, S.HALTED, S.CLOSED, S.DELISTED}),
    S.CONTINUOUS: frozenset({S.HALTED, S.AUCTION, S.CLOSING, S.CLOSED, S.DELISTED}),
    S.HALTED: frozenset({S.CONTINUOUS, S.AUCTION, S.CLOSING, S.CLOSED, S.DELISTED}),
    S.CLOSING: frozenset({S.CLOSED, S.HALTED, S.DELISTED}),
    S.CLOSED: frozenset({S.DELISTED}),
    S.DELISTED: frozenset(),
}
"""Where each state may go. CLOSED may also go to the phase beneath it, DELISTED to the state beneath it."""

KEPT_UNDER_CLOSED: Final = frozenset({S.HALTED, S.AUCTION})
"""Phases that a close leaves as they were."""
