"""What came of the commands that sessions number: so that one sent again is answered, not done again."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple

from parbook.codes import RejectCode

OUTCOMES_MAX: Final = 2**16
"""How many outcomes are remembered, the latest ones of all sessions together."""


class Outcome(NamedTuple):
    """What Repeated says: code 0 or the refusal's, the order's id, and where its first event stands."""

    code: int
    order_id: int
    instrument: int
    first_seq: int


class Outcomes:
    """The last reference of each session, and the latest outcomes by (session, reference), oldest first."""

    def __init__(self, window: int = OUTCOMES_MAX) -> None:
        self.window = window
        self.last_ref: dict[int, int] = {}
        self.latest: OrderedDict[tuple[int, int], Outcome] = OrderedDict()

    def of(self, session: int, ref: int) -> Outcome | RejectCode | None:
        """Return what came of a reference, or why that cannot be said; None when it is new. O(1).

        A reference that its session passed over was never carried out, but nothing tells it from a forgotten one.
        """
        if session == 0 or ref < 0:
            return RejectCode.INVALID_SESSION_REF
        if ref > self.last_ref.get(session, 0):
            return None
        return self.latest.get((session, ref), RejectCode.OUTCOME_FORGOTTEN)

    def remember(self, session: int, ref: int, outcome: Outcome) -> None:
        """Note what came of a new reference; the oldest outcome beyond the window is forgotten. O(1)."""
        self.last_ref[session] = ref
        self.latest[session, ref] = outcome
        if len(self.latest) > self.window:
            self.latest.popitem(last=False)
