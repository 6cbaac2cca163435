# What follows every step: an aggressor's match, an anchor's activation, an uncross. Twin of parbook.reference.steps.
from libc.stdint cimport int64_t
from libc.stddef cimport size_t

from parbook._desk cimport Desk
from parbook._live cimport live_release
from parbook._protection cimport accounts_protect, accounts_trim
from parbook._session cimport session_change
from parbook._stops cimport stops_elect
from parbook._types cimport STATE_CONTINUOUS, TRIGGER_ANCHOR, TRIGGER_TRADE

cdef inline void step_finish(Desk *desk) noexcept nogil:
    """Let partners, protection, reduce-only orders, stops and the session follow what the step did, in that order."""
    cdef int64_t first_ticks = desk.step.first_print_ticks
    cdef int64_t last_ticks = desk.step.last_print_ticks
    cdef int64_t anchor_ticks = desk.step.anchor_ticks
    cdef bint breached = desk.step.breached
    cdef size_t i
    desk.step.first_print_ticks = desk.step.last_print_ticks = desk.step.anchor_ticks = 0
    desk.step.breached = False
    for i in range(desk.step.touched_count):
        live_release(desk, desk.step.touched[i].order_id, desk.step.touched[i].partner_id)
    desk.step.touched_count = 0
    accounts_protect(desk)
    accounts_trim(desk)
    stops_elect(desk, TRIGGER_TRADE, first_ticks)
    if last_ticks != first_ticks:
        stops_elect(desk, TRIGGER_TRADE, last_ticks)
    stops_elect(desk, TRIGGER_ANCHOR, anchor_ticks)
    if breached and desk.config.breach_state != STATE_CONTINUOUS:
        session_change(desk, <int>desk.config.breach_state)
