# The session's state, and what each state refuses. Twin of parbook.sessions and of the data of
# parbook.reference.session; tests/parity/test_layout.py holds the masks against parbook.sessions.
from libc.stdint cimport int64_t, uint8_t, uint16_t

from parbook._types cimport (
    STATE_AUCTION, STATE_CLOSED, STATE_CLOSING, STATE_CONTINUOUS, STATE_DELISTED, STATE_FORBIDS, STATE_HALTED,
    STATE_PRE_OPEN,
)

cdef enum:
    # parbook.sessions.Action
    ACTION_GATHER = 0
    ACTION_IMMEDIATE = 1
    ACTION_CALL = 2
    ACTION_AMEND = 3
    ACTION_QUOTE = 4
    ACTION_CANCEL = 5

    # Bit n permits action n.
    PERMITTED_CONTINUOUS = 59
    PERMITTED_PRE_OPEN = 61
    PERMITTED_AUCTION = 61
    PERMITTED_HALTED = 32
    PERMITTED_CLOSING = 61
    PERMITTED_CLOSED = 32
    PERMITTED_DELISTED = 0

    # Bit n leads to state n.
    FROM_CONTINUOUS = 124
    FROM_PRE_OPEN = 100
    FROM_AUCTION = 105
    FROM_HALTED = 117
    FROM_CLOSING = 104
    FROM_CLOSED = 64
    FROM_DELISTED = 0

    KEPT_UNDER_CLOSED = 12

cdef struct Indication:
    int64_t price_ticks
    int64_t paired_lots
    int64_t surplus_lots

cdef struct Session:
    uint8_t phase           # one of the first five states
    bint closed
    bint delisted
    Indication indicated    # what the last INDICATIVE said; zeros outside the states that indicate

cdef inline void session_init(Session *session, uint8_t state) noexcept nogil:
    """Begin in a state; CLOSED lies over PRE_OPEN."""
    session.closed = state == STATE_CLOSED
    session.delisted = False
    session.phase = <uint8_t>STATE_PRE_OPEN if session.closed else state
    session.indicated = Indication(0, 0, 0)

cdef inline uint8_t session_state(const Session *session) noexcept nogil:
    """The effective state: DELISTED over CLOSED over the phase."""
    if session.delisted:
        return STATE_DELISTED
    return <uint8_t>STATE_CLOSED if session.closed else session.phase

cdef inline bint session_matches(const Session *session) noexcept nogil:
    """Whether orders match as they arrive."""
    return session_state(session) == STATE_CONTINUOUS

cdef inline int permitted(uint8_t state) noexcept nogil:
    """The actions a state lets through, as bits."""
    if state == STATE_CONTINUOUS:
        return PERMITTED_CONTINUOUS
    if state == STATE_PRE_OPEN:
        return PERMITTED_PRE_OPEN
    if state == STATE_AUCTION:
        return PERMITTED_AUCTION
    if state == STATE_HALTED:
        return PERMITTED_HALTED
    if state == STATE_CLOSING:
        return PERMITTED_CLOSING
    return PERMITTED_CLOSED if state == STATE_CLOSED else PERMITTED_DELISTED

cdef inline int successors(uint8_t state) noexcept nogil:
    """The states that may follow a state, as bits; what lies beneath CLOSED and DELISTED apart."""
    if state == STATE_CONTINUOUS:
        return FROM_CONTINUOUS
    if state == STATE_PRE_OPEN:
        return FROM_PRE_OPEN
    if state == STATE_AUCTION:
        return FROM_AUCTION
    if state == STATE_HALTED:
        return FROM_HALTED
    if state == STATE_CLOSING:
        return FROM_CLOSING
    return FROM_CLOSED if state == STATE_CLOSED else FROM_DELISTED

cdef inline uint16_t session_forbids(const Session *session, int action) noexcept nogil:
    """0, or the code that refuses an action in the present state. O(1)."""
    return 0 if (permitted(session_state(session)) >> action) & 1 else STATE_FORBIDS

cdef inline bint session_indicates(const Session *session) noexcept nogil:
    """Whether the price of the uncross is published in the present state."""
    cdef uint8_t state = session_state(session)
    return state == STATE_AUCTION or state == STATE_CLOSING
