# CANCEL, REDUCE and AMEND on the full path. A refused change leaves the order exactly as it was.
# Twin of parbook.reference.changes.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

from parbook._accounts cimport accounts_shrunk
from parbook._aggress cimport Outcome, carry_out, foresee, market_limit, reference_ticks, resting_lots
from parbook._book cimport (
    FLAG_POST_ONLY, LINE_HIDDEN_BIDS, Book, Order, Special, book_next_level, level_at, order_at, order_leaves,
    order_place, special_at, special_trails,
)
from parbook._commands cimport find_order
from parbook._desk cimport Desk
from parbook._entry cimport make_passive, refusal_of_distance, refusal_of_size
from parbook._form cimport too_many_slices
from parbook._funds cimport funds_admit_change, hold_release, hold_retake
from parbook._limits cimport (
    accounts_admit_amend, accounts_admit_cancel, accounts_admit_growth, accounts_admit_rate,
)
from parbook._live cimport (
    emit_amended, live_arm, live_cancel, live_disarm, live_rest, live_shrink, live_special, live_take_out,
    live_unqueue, special_settle,
)
from parbook._phases cimport ACTION_AMEND, ACTION_CANCEL, session_forbids, session_matches
from parbook._stops cimport stop_through
from parbook._types cimport *

# What an amendment leaves of an order: its total, its limit (of a peg the worst price), its slice.
cdef struct Amendment:
    int64_t qty_lots
    int64_t price_ticks
    int64_t display_lots
    int64_t stop_ticks
    int64_t size_ticks

cdef inline uint16_t find_to_cancel(const Desk *desk, const Command *command, uint32_t *slot) noexcept nogil:
    """Set the slot of the live order a CANCEL or REDUCE names; else return why it may not leave or shrink."""
    cdef uint16_t code = find_order(desk, command, slot)
    if code == 0:
        code = session_forbids(&desk.session, ACTION_CANCEL)
    return code if code != 0 else accounts_admit_cancel(desk, command.account)

cdef inline uint16_t full_cancel(Desk *desk, const Command *command) noexcept nogil:
    """Take the order out, and its OCO partner."""
    cdef uint32_t slot
    cdef uint16_t code = find_to_cancel(desk, command, &slot)
    if code == 0:
        live_cancel(desk, slot, REASON_REQUESTED)
    return code

cdef inline uint16_t full_reduce(Desk *desk, const Command *command) noexcept nogil:
    """Take lots off the order's total; it keeps its place; nothing left means cancelled."""
    cdef uint32_t slot
    cdef const Order *order
    cdef uint16_t code = find_to_cancel(desk, command, &slot)
    if code != 0:
        return code
    if command.qty_lots < 1 or command.qty_lots > QTY_LOTS_MAX:
        return QTY_OUT_OF_RANGE
    order = order_at(&desk.book, slot)
    if command.qty_lots >= order_leaves(order):
        live_cancel(desk, slot, REASON_REQUESTED)
    else:
        live_shrink(desk, slot, command.qty_lots)
        emit_amended(desk, PRIORITY_KEPT, order, order_leaves(order))
    return 0

# --- AMEND ----------------------------------------------------------------------------------------

cdef inline uint16_t refusal_of_amend_ranges(
    const Order *order, const Command *command, const Terms *terms
) noexcept nogil:
    if command.qty_lots < 0 or command.qty_lots > QTY_LOTS_MAX:
        return QTY_OUT_OF_RANGE
    if command.price_ticks < 0 or command.price_ticks > PRICE_TICKS_MAX:
        return PRICE_OUT_OF_RANGE
    if terms.display_lots < 0 or terms.display_lots > (
        command.qty_lots if command.qty_lots != 0 else order.qty_lots
    ):
        return DISPLAY_OUT_OF_RANGE
    if terms.stop_ticks < 0 or terms.stop_ticks > PRICE_TICKS_MAX:
        return STOP_OUT_OF_RANGE
    return 0

cdef inline uint16_t refusal_of_place(
    const Desk *desk, const Order *order, const Command *command, const Terms *terms
) noexcept nogil:
    """Test that an order standing where it stands can be changed in this way."""
    cdef uint8_t place = order_place(&desk.book, order)
    cdef const Special *special = special_at(&desk.book, order.special) if order.special != NIL else NULL
    cdef bint next_in_turn = place == PLACE_ELECTED or place == PLACE_CALL
    cdef bint pegged = special != NULL and special.peg != PEG_NONE
    cdef int64_t qty_lots = command.qty_lots if command.qty_lots != 0 else order.qty_lots
    cdef int64_t display_lots = terms.display_lots
    if display_lots != 0 and place != PLACE_ICEBERG:
        return INVALID_TERMS
    if display_lots == 0 and special != NULL:
        display_lots = special.display_lots
    if too_many_slices(qty_lots, display_lots):
        return DISPLAY_OUT_OF_RANGE
    if terms.stop_ticks != 0 and (place != PLACE_ARMED or special_trails(special)):
        return INVALID_TERMS
    # Market orders that wait have no limit to change; those whose turn comes next may only shrink.
    if command.price_ticks != 0 and command.price_ticks != order.price_ticks and not pegged:
        if next_in_turn or order.price_ticks == 0:
            return INVALID_TERMS
    return INVALID_TERMS if next_in_turn and command.qty_lots > order.qty_lots else 0

cdef inline uint16_t amend_stop(Desk *desk, uint32_t slot, const Amendment *amendment) noexcept nogil:
    """Change a waiting stop in place; it never executes here. A new trigger puts it behind those that wait for it."""
    cdef Order *order = order_at(&desk.book, slot)
    cdef Special *special = live_special(desk, order)
    cdef bint moves = amendment.stop_ticks != special.stop_ticks
    cdef uint16_t code
    if moves and stop_through(desk, order.side, special.trigger, amendment.stop_ticks):
        return STOP_THROUGH
    code = accounts_admit_rate(desk, order.account)
    if code != 0:
        return code
    live_shrink(desk, slot, order.qty_lots - amendment.qty_lots)
    hold_release(desk, order)
    order.price_ticks = amendment.price_ticks
    if special.order_type == MARKET and amendment.size_ticks != 0:
        special.limit_ticks = amendment.size_ticks
    hold_retake(desk, order)
    if moves:
        live_disarm(desk, slot)
        special.stop_ticks = amendment.stop_ticks
        live_arm(desk, slot)
    emit_amended(desk, PRIORITY_LOST if moves else PRIORITY_KEPT, order, order_leaves(order))
    return 0

cdef inline uint16_t amend_smaller(Desk *desk, uint32_t slot, const Amendment *amendment) noexcept nogil:
    """Take lots off an order that keeps everything else, and its priority."""
    cdef Order *order = order_at(&desk.book, slot)
    cdef uint16_t code = accounts_admit_rate(desk, order.account)
    if code == 0:
        live_shrink(desk, slot, order.qty_lots - amendment.qty_lots)
        emit_amended(desk, PRIORITY_KEPT, order, order_leaves(order))
    return code

cdef inline uint16_t amend_peg(Desk *desk, uint32_t slot, const Amendment *amendment) noexcept nogil:
    """Park a peg that grew or has another limit; the end of the command places it at the back."""
    cdef Order *order = order_at(&desk.book, slot)
    cdef Special *special = live_special(desk, order)
    cdef uint16_t code = accounts_admit_rate(desk, order.account)
    if code != 0:
        return code
    live_take_out(desk, slot)
    special.place = PLACE_PARKED
    accounts_shrunk(desk, slot, order.qty_lots - amendment.qty_lots)
    order.price_ticks = 0
    order.qty_lots = amendment.qty_lots
    hold_release(desk, order)
    special.limit_ticks = amendment.price_ticks
    hold_retake(desk, order)
    emit_amended(desk, PRIORITY_LOST, order, order_leaves(order))
    return 0

cdef inline int64_t line_without(const Book *book, int line, const Order *order) noexcept nogil:
    """The best price of a line as if an order did not rest there, 0 when there is none. O(depth of the index)."""
    cdef uint32_t best = book.best_level[line]
    if best == NIL:
        return 0
    if best == order.level and level_at(book, best).orders == 1:
        best = book_next_level(book, line, best)
    return level_at(book, best).price_ticks if best != NIL else 0

cdef inline int64_t touch_without_order(const Book *book, const Order *order) noexcept nogil:
    """The best price of a resting order's side, hidden ones included, as if it did not rest."""
    cdef int64_t shown_ticks = line_without(book, order.side, order)
    cdef int64_t hidden_ticks = line_without(book, LINE_HIDDEN_BIDS + order.side, order)
    if hidden_ticks == 0 or shown_ticks == 0:
        return shown_ticks | hidden_ticks
    return max(shown_ticks, hidden_ticks) if order.side == BUY else min(shown_ticks, hidden_ticks)

cdef inline uint16_t reenter_order(Desk *desk, uint32_t slot, const Amendment *amendment) noexcept nogil:
    """Move an order to a new price or size: it trades what now crosses, then rests at the back of the queue."""
    cdef Order *order = order_at(&desk.book, slot)
    cdef uint8_t order_type = POST_ONLY if order.special == NIL else special_at(&desk.book, order.special).order_type
    cdef int64_t price_ticks = amendment.price_ticks
    cdef Outcome outcome
    cdef uint16_t code = 0
    if order.flags & FLAG_POST_ONLY and session_matches(&desk.session):
        code = make_passive(
            desk, order.side, order_type, touch_without_order(&desk.book, order), &price_ticks
        )
    if code == 0:
        code = accounts_admit_rate(desk, order.account)
    if code != 0:
        return code
    live_unqueue(desk, slot)
    accounts_shrunk(desk, slot, order.qty_lots - amendment.qty_lots)
    order.qty_lots = amendment.qty_lots
    hold_release(desk, order)
    order.price_ticks = price_ticks
    hold_retake(desk, order)
    if order.special != NIL:
        special_at(&desk.book, order.special).display_lots = amendment.display_lots
    if not session_matches(&desk.session):
        emit_amended(desk, PRIORITY_LOST, order, order_leaves(order))
        live_rest(desk, slot)
        special_settle(desk, order)
        return 0
    foresee(desk, slot, 0, &outcome)
    if order.price_ticks != outcome.price_ticks:
        hold_release(desk, order)
        order.price_ticks = outcome.price_ticks
        hold_retake(desk, order)
    emit_amended(desk, PRIORITY_LOST, order, resting_lots(&outcome))
    carry_out(desk, slot, &outcome, 0)
    return 0

cdef inline uint16_t amend_live(
    Desk *desk, uint32_t slot, const Command *command, const Terms *terms
) noexcept nogil:
    """Amend an order that its owner may amend in this way, by the place where it stands."""
    cdef Order *order = order_at(&desk.book, slot)
    cdef const Special *special = special_at(&desk.book, order.special) if order.special != NIL else NULL
    cdef bint pegged = special != NULL and special.peg != PEG_NONE
    cdef int64_t limit_ticks = special.limit_ticks if pegged else order.price_ticks
    cdef int64_t old_display = special.display_lots if special != NULL else 0
    cdef int64_t notional
    cdef Amendment new
    cdef uint16_t code
    new.qty_lots = command.qty_lots if command.qty_lots != 0 else order.qty_lots
    new.price_ticks = command.price_ticks if command.price_ticks != 0 else limit_ticks
    new.display_lots = terms.display_lots if terms.display_lots != 0 else old_display
    new.stop_ticks = terms.stop_ticks
    if new.stop_ticks == 0 and special != NULL:
        new.stop_ticks = special.stop_ticks
    # A market order that waits has no limit: it is measured at what would protect it now.
    new.size_ticks = new.price_ticks
    if new.size_ticks == 0 and reference_ticks(desk) != 0:
        new.size_ticks = market_limit(desk, order.side)
    if pb_mul(new.size_ticks, new.qty_lots, &notional):
        return NOTIONAL_OVERFLOW
    if new.qty_lots <= order.filled_lots:
        code = accounts_admit_rate(desk, order.account)
        if code == 0:
            live_cancel(desk, slot, REASON_AMENDED_TO_FILLED)
        return code
    code = refusal_of_size(desk, order.account, new.size_ticks, new.qty_lots, 0)
    if code == 0 and command.price_ticks != 0:
        code = refusal_of_distance(desk, new.price_ticks)
    if code == 0:
        code = accounts_admit_growth(desk, slot, new.qty_lots - order.qty_lots)
    if code == 0:
        code = funds_admit_change(desk, order, new.size_ticks, new.qty_lots - order.filled_lots)
    if code != 0:
        return code
    if order_place(&desk.book, order) == PLACE_ARMED:
        return amend_stop(desk, slot, &new)
    if new.price_ticks == limit_ticks and new.qty_lots <= order.qty_lots and new.display_lots == old_display:
        if (
            desk.config.reinsert_on_amend == 0
            or pegged
            or order_place(&desk.book, order) > PLACE_HIDDEN
        ):
            return amend_smaller(desk, slot, &new)
    if pegged:
        return amend_peg(desk, slot, &new)
    return reenter_order(desk, slot, &new)

cdef inline uint16_t full_amend(Desk *desk, const Command *command, const Terms *terms) noexcept nogil:
    """Set total, price, an iceberg's slice, a stop's trigger. Only less quantity, all else equal, keeps priority."""
    cdef uint32_t slot
    cdef uint16_t code = find_order(desk, command, &slot)
    if code == 0:
        code = session_forbids(&desk.session, ACTION_AMEND)
    if code == 0:
        code = accounts_admit_amend(desk, order_at(&desk.book, slot))
    if code == 0:
        code = refusal_of_amend_ranges(order_at(&desk.book, slot), command, terms)
    if code == 0:
        code = refusal_of_place(desk, order_at(&desk.book, slot), command, terms)
    if code == 0:
        code = amend_live(desk, slot, command, terms)
    return code
