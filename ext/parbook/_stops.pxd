# Stops: what elects them, and trailing ones that follow a price. Twin of parbook.reference.stopbook and the first half
# of .stops; what an elected stop does when its turn comes stands in _turns.
from libc.stdint cimport int64_t, uint32_t

from parbook._aggress cimport anchor_ticks
from parbook._book cimport (
    CHAIN_ELECTED, LINE_TRADE_SELLS, Order, Special, book_enqueue, book_unqueue, chain_append, level_at, order_at,
    order_leaves, special_at,
)
from parbook._desk cimport Desk
from parbook._live cimport live_disarm, live_special
from parbook._types cimport *

cdef inline bint is_reached(int side, int64_t stop_ticks, int64_t price_ticks) noexcept nogil:
    """Whether a price triggers a stop: a buy at or above it, a sell at or below it."""
    return price_ticks >= stop_ticks if side == BUY else price_ticks <= stop_ticks

cdef inline int64_t trigger_price(const Desk *desk, int trigger) noexcept nogil:
    """The price a stop of that source compares itself with at entry; 0 when there is none."""
    return anchor_ticks(desk) if trigger == TRIGGER_ANCHOR else desk.last_trade_ticks

cdef inline bint stop_through(const Desk *desk, int side, int trigger, int64_t stop_ticks) noexcept nogil:
    """Whether a stop's trigger has been reached before it is armed."""
    cdef int64_t price_ticks = trigger_price(desk, trigger)
    return price_ticks != 0 and is_reached(side, stop_ticks, price_ticks)

cdef inline int64_t trailing_stop(const Special *special, int side, int64_t price_ticks) noexcept nogil:
    """A trailing stop's trigger when the best price is `price_ticks`, kept inside 1..PRICE_TICKS_MAX.

    The distance of a share is rounded down, and at least 1.
    """
    cdef int64_t distance_ticks = special.offset_ticks
    if distance_ticks == 0:
        distance_ticks = max(<int64_t>1, pb_share(price_ticks, special.trail_ppm, 1000000))
    if side == BUY:
        return min(PRICE_TICKS_MAX, price_ticks + distance_ticks)
    return max(<int64_t>1, price_ticks - distance_ticks)

cdef inline void stops_elect_line(Desk *desk, int line, int side, int64_t price_ticks) noexcept nogil:
    """Elect what a price reaches on one line, nearest trigger first, then by arrival. O(elected)."""
    cdef uint32_t slot
    while desk.book.best_level[line] != NIL and is_reached(side, desk.book.best_ticks[line], price_ticks):
        slot = level_at(&desk.book, desk.book.best_level[line]).head
        live_disarm(desk, slot)
        live_special(desk, order_at(&desk.book, slot)).place = PLACE_ELECTED
        chain_append(&desk.book, CHAIN_ELECTED, slot)

cdef inline void stops_trail(Desk *desk, int trigger, int64_t price_ticks) noexcept nogil:
    """Let trailing stops follow a price in their favour, by id, each to the back of its trigger. O(trailing)."""
    cdef Order *order
    cdef Special *special
    cdef int64_t stop_ticks
    cdef uint32_t i, slot
    for i in range(desk.book.trailing.count):
        slot = desk.book.trailing.slots[i]
        order = order_at(&desk.book, slot)
        special = special_at(&desk.book, order.special)
        if special.trigger != trigger:
            continue
        stop_ticks = trailing_stop(special, order.side, price_ticks)
        if stop_ticks < special.stop_ticks if order.side == BUY else stop_ticks > special.stop_ticks:
            book_unqueue(&desk.book, slot, special.line, order_leaves(order))
            special.stop_ticks = stop_ticks
            book_enqueue(&desk.book, slot, special.line, stop_ticks, order_leaves(order))

cdef inline void stops_elect(Desk *desk, int trigger, int64_t price_ticks) noexcept nogil:
    """Elect the stops a price reaches, buys then sells, then let the trailing ones that still wait follow it."""
    if price_ticks == 0:
        return
    stops_elect_line(desk, LINE_TRADE_SELLS + 2 * trigger + 1, BUY, price_ticks)
    stops_elect_line(desk, LINE_TRADE_SELLS + 2 * trigger, SELL, price_ticks)
    stops_trail(desk, trigger, price_ticks)
