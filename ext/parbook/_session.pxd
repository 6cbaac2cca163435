# The session: entering a state, and SET_STATE with what opens, closes or leaves on the way.
# Twin of parbook.reference.session; its tables stand in _phases.
from libc.stdint cimport uint8_t, uint16_t, uint32_t

from parbook._auction cimport auction_uncross
from parbook._desk cimport Desk, desk_emit
from parbook._mass cimport cancel_noted
from parbook._phases cimport KEPT_UNDER_CLOSED, Indication, Session, session_state, successors
from parbook._roster cimport BOTH_SIDES, Scope, note_scope
from parbook._types cimport *

cdef inline void session_change(Desk *desk, int state) noexcept nogil:
    """Enter a state and say so. Enough for a breach, which neither uncrosses nor cancels anything."""
    cdef uint8_t previous = session_state(&desk.session)
    if state == STATE_DELISTED:
        desk.session.delisted = True
    elif desk.session.delisted:
        desk.session.delisted = False
    elif state == STATE_CLOSED:
        desk.session.closed = True
        if not (KEPT_UNDER_CLOSED >> desk.session.phase) & 1:
            desk.session.phase = STATE_PRE_OPEN
    else:
        desk.session.closed = False
        desk.session.phase = <uint8_t>state
    desk.session.indicated = Indication(0, 0, 0)
    if state == STATE_CONTINUOUS:
        desk.watch &= ~<uint32_t>WATCH_STATE
    else:
        desk.watch |= WATCH_STATE
    desk_emit(desk, STATE_CHANGED, previous, <uint16_t>state, 0, 0, 0, 0, 0, 0, 0)

cdef inline bint session_allows(const Session *session, uint8_t target) noexcept nogil:
    """Whether a command may move to a state: along the table, or back to what lies beneath."""
    if target > STATE_DELISTED:
        return False
    if (successors(session_state(session)) >> target) & 1:
        return True
    if session.delisted:
        return target == (<uint8_t>STATE_CLOSED if session.closed else session.phase)
    return session.closed and target == session.phase

cdef inline uint16_t do_set_state(Desk *desk, const Command *command) noexcept nogil:
    """Uncross if the move opens or closes trading, enter the state, then let orders leave that may not stay."""
    cdef uint8_t target = command.order_type
    cdef uint8_t previous = session_state(&desk.session)
    cdef Scope scope = Scope(0, 0, BOTH_SIDES, target == STATE_CLOSED)
    if not session_allows(&desk.session, target):
        return INVALID_TRANSITION
    if target == STATE_CONTINUOUS or (previous == STATE_CLOSING and target == STATE_CLOSED):
        auction_uncross(desk)
    session_change(desk, target)
    if target == STATE_DELISTED or (target == STATE_CLOSED and previous != STATE_DELISTED):
        note_scope(desk, &scope)
        cancel_noted(desk, REASON_DELISTED if target == STATE_DELISTED else REASON_EXPIRED)
    return 0
