"""The session: phase, close and delisting, and what entering a state does. Tables: `parbook.sessions`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parbook.codes import CancelReason, RejectCode, SessionState, TimeInForce
from parbook.messages import StateChanged
from parbook.reference import auction
from parbook.sessions import KEPT_UNDER_CLOSED, PERMITTED, TRANSITIONS, Action

if TYPE_CHECKING:
    from parbook.reference.desk import Desk, Row


class Session:
    """The state in its three layers, and the auction's last indication: price, paired lots, surplus lots."""

    def __init__(self, initial: SessionState) -> None:
        self.closed = initial is SessionState.CLOSED
        self.delisted = False
        self.phase = SessionState.PRE_OPEN if self.closed else initial
        self.indicative = (0, 0, 0)

    @property
    def state(self) -> SessionState:
        """The state that counts: DELISTED over CLOSED over the phase."""
        if self.delisted:
            return SessionState.DELISTED
        return SessionState.CLOSED if self.closed else self.phase

    @property
    def matches(self) -> bool:
        """Whether orders match as they arrive."""
        return self.state is SessionState.CONTINUOUS

    @property
    def indicates(self) -> bool:
        """Whether the price of an uncross is indicated."""
        return self.state in (SessionState.AUCTION, SessionState.CLOSING)

    def forbids(self, action: Action) -> RejectCode | None:
        """Return the refusal of an action, None when the state lets it through."""
        return None if action in PERMITTED[self.state] else RejectCode.STATE_FORBIDS

    def allows(self, target: SessionState) -> bool:
        """Whether a command may move to `target`."""
        if target in TRANSITIONS[self.state]:
            return True
        if self.delisted:
            return target is (SessionState.CLOSED if self.closed else self.phase)
        return self.closed and target is self.phase


def set_state(desk: Desk, row: Row) -> RejectCode | None:
    """Move to another state, if there is a way."""
    states: dict[int, SessionState] = {int(state): state for state in SessionState}
    target = states.get(row.order_type)
    if target is None or not desk.session.allows(target):
        return RejectCode.INVALID_TRANSITION
    change(desk, target)
    return None


def change(desk: Desk, target: SessionState) -> None:
    """Enter a state: uncross if it opens or closes trading, then say so, then let orders leave that may not stay.

    Reopening after CLOSED or DELISTED finds what lay beneath; no uncross then, but for CONTINUOUS, which never
    begins crossed.
    """
    session = desk.session
    previous = session.state
    if target is SessionState.CONTINUOUS or (previous, target) == (SessionState.CLOSING, SessionState.CLOSED):
        auction.uncross(desk)
    if target is SessionState.DELISTED:
        session.delisted = True
    elif session.delisted:
        session.delisted = False
    elif target is SessionState.CLOSED:
        session.closed = True
        if session.phase not in KEPT_UNDER_CLOSED:
            session.phase = SessionState.PRE_OPEN
    else:
        session.closed = False
        session.phase = target
    session.indicative = (0, 0, 0)
    desk.emit(StateChanged, state=target, previous=previous)
    if target is SessionState.DELISTED:
        _cancel_all(desk, CancelReason.DELISTED, day_only=False)
    elif target is SessionState.CLOSED and previous is not SessionState.DELISTED:
        _cancel_all(desk, CancelReason.EXPIRED, day_only=True)


def _cancel_all(desk: Desk, reason: CancelReason, day_only: bool) -> None:
    for order in list(desk.live_orders()):
        if order.order_id in desk.orders and (not day_only or order.tif is TimeInForce.DAY):
            desk.cancel(order, reason)
