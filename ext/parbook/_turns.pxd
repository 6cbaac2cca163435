# What elected stops do when their turn comes. Twin of the second half of parbook.reference.stops.
from libc.stdint cimport int64_t, uint32_t, uint64_t

from parbook._accounts cimport accounts_runs, accounts_shrunk
from parbook._aggress cimport Outcome, carry_out, foresee, market_limit, reference_ticks, resting_lots
from parbook._book cimport CHAIN_ELECTED, Order, Special, chain_remove, order_at, order_leaves
from parbook._desk cimport Desk, desk_emit
from parbook._funds cimport funds_admit_change, hold_release, hold_retake
from parbook._limits cimport accounts_reduce_only_room
from parbook._live cimport emit_amended, live_cancelled, live_release, live_special, partner_of, place_of_terms
from parbook._phases cimport session_matches
from parbook._steps cimport step_finish
from parbook._types cimport *

cdef inline bint cut_to_position(Desk *desk, uint32_t slot) noexcept nogil:
    """Cut a triggered reduce-only order to what it may reduce; False when that is nothing and it has left."""
    cdef Order *order = order_at(&desk.book, slot)
    cdef int64_t room_lots = accounts_reduce_only_room(desk, slot)
    cdef int64_t excess_lots = order_leaves(order) - room_lots
    if room_lots <= 0:
        live_cancelled(desk, slot, REASON_REDUCE_ONLY)
        return False
    if excess_lots > 0:
        order.qty_lots -= excess_lots
        accounts_shrunk(desk, slot, excess_lots)
        emit_amended(desk, PRIORITY_KEPT, order, room_lots)
    return True

cdef inline void run_stop(Desk *desk, uint32_t slot) noexcept nogil:
    """Enter a triggered stop, which has left its chain, under its old id. Its partner leaves first."""
    cdef Order *order = order_at(&desk.book, slot)
    cdef Special *special = live_special(desk, order)
    cdef Outcome outcome
    cdef int64_t limit_ticks, notional
    live_release(desk, order.order_id, partner_of(desk, order))
    if special.reduce_only and not cut_to_position(desk, slot):
        return
    accounts_runs(desk, slot)
    special.place = place_of_terms(special)
    if special.order_type == MARKET:
        if reference_ticks(desk) == 0:
            live_cancelled(desk, slot, REASON_NO_REFERENCE)
            return
        limit_ticks = market_limit(desk, order.side)
        # The reference may have moved far since entry, where the same was tested.
        if pb_mul(limit_ticks, order_leaves(order), &notional):
            order.price_ticks = limit_ticks
            live_cancelled(desk, slot, REASON_NOTIONAL)
            return
        if funds_admit_change(desk, order, limit_ticks, order_leaves(order)) != 0:
            order.price_ticks = limit_ticks
            live_cancelled(desk, slot, REASON_FUNDS)
            return
        hold_release(desk, order)
        order.price_ticks = limit_ticks
        special.limit_ticks = 0
        hold_retake(desk, order)
    foresee(desk, slot, 0, &outcome)
    if special.tif == FOK and outcome.filled_lots < order.qty_lots:
        live_cancelled(desk, slot, REASON_REMAINDER)
        return
    desk_emit(
        desk, TRIGGERED, order.side, special.place, order.account, order.order_id, order.client_id,
        outcome.price_ticks, order.qty_lots, resting_lots(&outcome), 0,
    )
    carry_out(desk, slot, &outcome, 0)
    step_finish(desk)

cdef inline void run_elected(Desk *desk) noexcept nogil:
    """Run elected stops, first elected first, until none is left or the command has run its most."""
    cdef int64_t turns = 0
    cdef uint32_t slot
    while turns < desk.config.max_triggers:
        slot = desk.book.chains[CHAIN_ELECTED].head
        if slot == NIL or not session_matches(&desk.session):
            return
        chain_remove(&desk.book, CHAIN_ELECTED, slot)
        run_stop(desk, slot)
        turns += 1
