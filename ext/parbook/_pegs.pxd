# Pegged orders: where each belongs, and moving those that stand elsewhere. Twin of parbook.reference.pegs.
from libc.stdint cimport int64_t, uint32_t

from parbook._book cimport (
    LINE_HIDDEN_BIDS, Book, Order, Special, book_next_level, level_at, order_at, order_leaves, special_at,
)
from parbook._desk cimport Desk, emit_order
from parbook._live cimport live_enqueue, live_take_out
from parbook._phases cimport session_matches
from parbook._quotes cimport Quote, curve_quote
from parbook._types cimport *

cdef inline int64_t best_unpegged(const Book *book, int line) noexcept nogil:
    """The best price of a line as if no peg rested there, 0 when there is none. O(pegs at the front)."""
    cdef uint32_t level_slot = book.best_level[line]
    cdef uint32_t slot
    cdef const Order *order
    while level_slot != NIL:
        slot = level_at(book, level_slot).head
        while slot != NIL:
            order = order_at(book, slot)
            if order.special == NIL or special_at(book, order.special).peg == PEG_NONE:
                return order.price_ticks
            slot = order.next
        level_slot = book_next_level(book, line, level_slot)
    return 0

cdef inline int64_t touch_unpegged(const Book *book, int side) noexcept nogil:
    """The best price of a side, hidden orders included, as if no peg rested; pegs are never hidden."""
    cdef int64_t shown_ticks = best_unpegged(book, side)
    cdef int64_t hidden_ticks = book.best_ticks[LINE_HIDDEN_BIDS + side]
    if hidden_ticks == 0 or shown_ticks == 0:
        return shown_ticks | hidden_ticks
    return max(shown_ticks, hidden_ticks) if side == BUY else min(shown_ticks, hidden_ticks)

cdef inline int64_t wall_of(const Desk *desk, int side) noexcept nogil:
    """The most aggressive price a peg of that side may take: one tick behind the best it could trade with."""
    cdef int64_t best_ticks = touch_unpegged(&desk.book, 1 - side)
    cdef Quote quote = Quote(0, 0)
    if desk.curve != NULL and curve_quote(
        desk.curve, &desk.curve.cursor, side, touch_unpegged(&desk.book, side), &quote
    ):
        if best_ticks == 0:
            best_ticks = quote.price_ticks
        else:
            best_ticks = min(best_ticks, quote.price_ticks) if side == BUY else max(best_ticks, quote.price_ticks)
    if side == BUY:
        return best_ticks - 1 if best_ticks != 0 else PRICE_TICKS_MAX
    return best_ticks + 1 if best_ticks != 0 else 1

# What pegs follow and may not pass, read once for all of them.
cdef struct PegView:
    int64_t displayed_ticks[2]
    int64_t anchor_ticks[2]     # bids follow the low price, asks the high one; 0 while the curve does not quote
    int64_t wall_ticks[2]

cdef inline void peg_look(const Desk *desk, PegView *view) noexcept nogil:
    cdef int side
    for side in range(2):
        view.displayed_ticks[side] = best_unpegged(&desk.book, side)
        view.anchor_ticks[side] = 0
        view.wall_ticks[side] = wall_of(desk, side)
    if desk.curve != NULL and desk.curve.quoting:
        view.anchor_ticks[BUY] = desk.curve.low_ticks
        view.anchor_ticks[SELL] = desk.curve.high_ticks

cdef inline int64_t peg_reference(const PegView *view, int side, int peg) noexcept nogil:
    """What a peg follows, 0 when it is not there."""
    cdef int64_t bid_ticks = view.displayed_ticks[BUY]
    cdef int64_t ask_ticks = view.displayed_ticks[SELL]
    if peg == PEG_ANCHOR:
        return view.anchor_ticks[side]
    if peg == PEG_PRIMARY:
        return view.displayed_ticks[side]
    if bid_ticks == 0 or ask_ticks == 0:
        return 0
    return (bid_ticks + ask_ticks + (side == SELL)) >> 1

cdef inline int64_t peg_target(
    const PegView *view, int side, const Special *special, int64_t wall_ticks
) noexcept nogil:
    """The price of a peg, 0 to park it."""
    cdef int64_t target_ticks = peg_reference(view, side, special.peg)
    if target_ticks == 0:
        return 0
    target_ticks += special.offset_ticks
    if side == BUY:
        target_ticks = min(min(target_ticks, special.limit_ticks), wall_ticks)
    else:
        target_ticks = max(max(target_ticks, special.limit_ticks), wall_ticks)
    return target_ticks if 1 <= target_ticks <= PRICE_TICKS_MAX else 0

cdef inline void pegs_aim(Desk *desk) noexcept nogil:
    """Set every peg's target. Buys come first: sells stay one tick above the best of them. O(pegs)."""
    cdef bint matches = session_matches(&desk.session)
    cdef int64_t best_buy_ticks = 0
    cdef PegView view
    cdef const Order *order
    cdef Special *special
    cdef int side
    cdef uint32_t i
    if matches:
        peg_look(desk, &view)
    for side in range(2):
        if side == SELL and matches:
            view.wall_ticks[SELL] = max(view.wall_ticks[SELL], best_buy_ticks + 1)
        for i in range(desk.book.pegs.count):
            order = order_at(&desk.book, desk.book.pegs.slots[i])
            if order.side != side:
                continue
            special = special_at(&desk.book, order.special)
            special.target_ticks = peg_target(&view, side, special, view.wall_ticks[side]) if matches else 0
            if side == BUY:
                best_buy_ticks = max(best_buy_ticks, special.target_ticks)

cdef inline void peg_place(Desk *desk, uint32_t slot) noexcept nogil:
    """Put a peg, which stands nowhere, where it belongs, and say so."""
    cdef Order *order = order_at(&desk.book, slot)
    cdef Special *special = special_at(&desk.book, order.special)
    order.price_ticks = special.target_ticks
    special.place = PLACE_BOOK if special.target_ticks != 0 else PLACE_PARKED
    if special.target_ticks != 0:
        live_enqueue(desk, slot)
    emit_order(desk, REPRICED, 0, order, order.qty_lots, order_leaves(order))

cdef inline void pegs_follow(Desk *desk) noexcept nogil:
    """Move every peg that does not stand at its target: all leave, then all return, buys by id, then sells by id."""
    cdef uint32_t count = desk.book.pegs.count
    cdef Order *order
    cdef Special *special
    cdef uint32_t i, slot
    cdef int side
    if count == 0:
        return
    pegs_aim(desk)
    for i in range(count):
        slot = desk.book.pegs.slots[i]
        order = order_at(&desk.book, slot)
        if order.price_ticks != special_at(&desk.book, order.special).target_ticks:
            live_take_out(desk, slot)
    for side in range(2):
        for i in range(count):
            slot = desk.book.pegs.slots[i]
            order = order_at(&desk.book, slot)
            special = special_at(&desk.book, order.special)
            if order.side == side and order.price_ticks != special.target_ticks:
                peg_place(desk, slot)
