# Live orders on the full path, whatever terms they have: how they come, change, trade and leave. Twin of the second
# half of parbook.reference.desk. Everything here keeps places, client ids, accounts and timers in step.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from parbook._accounts cimport accounts_closed, accounts_filled, accounts_opened, accounts_shrunk
from parbook._book cimport (
    CHAIN_CALL_BUYS, CHAIN_ELECTED, FLAG_POST_ONLY, LINE_HIDDEN_BIDS, LINE_NONE, LINE_TRADE_SELLS, Order, Special,
    book_enqueue, book_forget, book_unqueue, chain_remove, level_at, order_at, order_front, order_leaves,
    order_line, order_place, slots_insert, slots_remove, special_at, special_trails,
)
from parbook._desk cimport Desk, desk_emit, desk_room, emit_cancelled, emit_order
from parbook._identity cimport client_close, client_open
from parbook._ids cimport ids_find, ids_put
from parbook._quotes cimport cursor_trade
from parbook._settle cimport settle
from parbook._slab cimport slab_give, slab_take
from parbook._timers cimport TIMER_EXPIRY, timers_add, timers_drop
from parbook._types cimport *
from parbook._window cimport window_latest, window_record

cdef inline Special *live_special(Desk *desk, const Order *order) noexcept nogil:
    """An order's Special; it must have one."""
    pb_assert(order.special != NIL, "orders: a plain one where a special one was expected")
    return special_at(&desk.book, order.special)

cdef inline Special *special_new(Desk *desk, Order *order) noexcept nogil:
    """Give a plain order a Special that says what it is. Room must have been reserved."""
    cdef Special *special
    order.special = slab_take(&desk.book.specials, sizeof(Special))
    special = special_at(&desk.book, order.special)
    memset(special, 0, sizeof(Special))
    special.line = order.side
    special.timer = NIL
    special.order_type = POST_ONLY if order.flags & FLAG_POST_ONLY else LIMIT
    return special

cdef inline void special_settle(Desk *desk, Order *order) noexcept nogil:
    """Give back the Special of a resting order that turned out to be plain: the market may take the plain path then."""
    cdef const Special *special
    if order.special == NIL:
        return
    special = special_at(&desk.book, order.special)
    if (
        special.place == PLACE_BOOK
        and special.order_type in (LIMIT, POST_ONLY)
        and special.tif == GTC
        and (
            special.hidden | special.reduce_only | special.stp | special.peg | special.trigger | special.quote_slot
        ) == 0
        and (special.display_lots | special.stop_ticks | special.offset_ticks | special.limit_ticks) == 0
        and special.expire_ns == 0
        and special.oco_order_id == 0
        and special.trail_ppm == 0
    ):
        slab_give(&desk.book.specials, order.special, sizeof(Special))
        order.special = NIL

# --- coming, standing, leaving --------------------------------------------------------------------

cdef inline uint8_t place_of_terms(const Special *special) noexcept nogil:
    """Where an order with such terms rests."""
    if special.hidden:
        return PLACE_HIDDEN
    return PLACE_ICEBERG if special.display_lots != 0 else PLACE_BOOK

cdef inline void live_open(Desk *desk, uint32_t slot) noexcept nogil:
    """Give a new order, whose fields are set, its identity."""
    cdef Order *order = order_at(&desk.book, slot)
    cdef const Special *special
    desk.next_order_id += 1
    desk.book.open_orders += 1
    ids_put(&desk.book.ids, order.order_id, slot)
    client_open(&desk.ids, order.account, order.client_id, slot)
    if order.special != NIL:
        special = special_at(&desk.book, order.special)
        if special.tif == GTD:
            timers_add(
                &desk.timers, &desk.book, &desk.accounts, <uint64_t>special.expire_ns + 1, TIMER_EXPIRY,
                order.order_id, order.special,
            )
        if special.peg != PEG_NONE:
            slots_insert(&desk.book, &desk.book.pegs, slot)
    accounts_opened(desk, slot)

cdef inline void live_close(Desk *desk, uint32_t slot) noexcept nogil:
    """Forget an order that stands nowhere any more."""
    cdef Order *order = order_at(&desk.book, slot)
    cdef Special *special
    accounts_closed(desk, slot)
    if order.special != NIL:
        special = special_at(&desk.book, order.special)
        if special.timer != NIL:
            timers_drop(&desk.timers, &desk.book, &desk.accounts, special.timer)
        if special.peg != PEG_NONE:
            slots_remove(&desk.book, &desk.book.pegs, slot)
        slab_give(&desk.book.specials, order.special, sizeof(Special))
    if order.client_id != 0 and client_close(&desk.ids, order.account, order.client_id) != 0:
        desk.broken = True
    book_forget(&desk.book, slot)

cdef inline void live_enqueue(Desk *desk, uint32_t slot) noexcept nogil:
    """Put an order at the back of its price's queue, an iceberg with a fresh slice; its place says which line."""
    cdef Order *order = order_at(&desk.book, slot)
    cdef Special *special
    cdef int line = order.side
    if order.special != NIL:
        special = special_at(&desk.book, order.special)
        if special.place == PLACE_ICEBERG:
            special.shown_lots = min(special.display_lots, order_leaves(order))
        elif special.place == PLACE_HIDDEN:
            line = LINE_HIDDEN_BIDS + order.side
        special.line = <uint8_t>line
    book_enqueue(&desk.book, slot, line, order.price_ticks, order_front(&desk.book, order))

cdef inline void live_unqueue(Desk *desk, uint32_t slot) noexcept nogil:
    """Take a resting order out of its queue."""
    cdef Order *order = order_at(&desk.book, slot)
    book_unqueue(&desk.book, slot, order_line(&desk.book, order), order_front(&desk.book, order))
    if order.special != NIL:
        special_at(&desk.book, order.special).line = LINE_NONE
        special_at(&desk.book, order.special).shown_lots = 0

cdef inline void live_arm(Desk *desk, uint32_t slot) noexcept nogil:
    """Let a stop wait for its trigger, behind those that wait for the same."""
    cdef Order *order = order_at(&desk.book, slot)
    cdef Special *special = live_special(desk, order)
    special.place = PLACE_ARMED
    special.line = <uint8_t>(LINE_TRADE_SELLS + 2 * special.trigger + (order.side == BUY))
    book_enqueue(&desk.book, slot, special.line, special.stop_ticks, order_leaves(order))
    if special_trails(special):
        slots_insert(&desk.book, &desk.book.trailing, slot)

cdef inline void live_disarm(Desk *desk, uint32_t slot) noexcept nogil:
    """Take an armed stop from the place where it waits."""
    cdef Order *order = order_at(&desk.book, slot)
    cdef Special *special = live_special(desk, order)
    book_unqueue(&desk.book, slot, special.line, order_leaves(order))
    special.line = LINE_NONE
    if special_trails(special):
        slots_remove(&desk.book, &desk.book.trailing, slot)

cdef inline void live_take_out(Desk *desk, uint32_t slot) noexcept nogil:
    """Take a live order from wherever it stands; a parked peg stands nowhere."""
    cdef Order *order = order_at(&desk.book, slot)
    cdef uint8_t place = order_place(&desk.book, order)
    if place <= PLACE_HIDDEN:
        live_unqueue(desk, slot)
    elif place == PLACE_ARMED:
        live_disarm(desk, slot)
    elif place == PLACE_ELECTED:
        chain_remove(&desk.book, CHAIN_ELECTED, slot)
    elif place == PLACE_CALL:
        chain_remove(&desk.book, CHAIN_CALL_BUYS + order.side, slot)

cdef inline void live_shrink(Desk *desk, uint32_t slot, int64_t lots) noexcept nogil:
    """Take `lots`, fewer than its leaves, off a live order's total; it keeps its place, its reserve goes first."""
    cdef Order *order = order_at(&desk.book, slot)
    cdef uint8_t place = order_place(&desk.book, order)
    cdef int64_t front_lots = order_front(&desk.book, order)
    cdef Special *special
    order.qty_lots -= lots
    if place == PLACE_ICEBERG:
        special = live_special(desk, order)
        special.shown_lots = min(special.shown_lots, order_leaves(order))
    if place <= PLACE_ARMED:
        level_at(&desk.book, order.level).lots += order_front(&desk.book, order) - front_lots
    accounts_shrunk(desk, slot, lots)

# --- saying so ------------------------------------------------------------------------------------

cdef inline void emit_shown(Desk *desk, const Order *order) noexcept nogil:
    emit_order(desk, SHOWN, 0, order, special_at(&desk.book, order.special).shown_lots, order_leaves(order))

cdef inline void emit_amended(Desk *desk, uint16_t priority, const Order *order, int64_t leaves_lots) noexcept nogil:
    emit_order(desk, AMENDED, priority, order, order.qty_lots, leaves_lots)

cdef inline void live_accept(
    Desk *desk, const Order *order, uint16_t place, int64_t price_ticks, int64_t leaves_lots
) noexcept nogil:
    """Announce a new order, which keeps `leaves_lots` at `place` once its fills are applied."""
    desk_emit(
        desk, ACCEPTED, order.side, place, order.account, order.order_id, order.client_id, price_ticks,
        order.qty_lots, leaves_lots, 0,
    )

cdef inline void live_rest(Desk *desk, uint32_t slot) noexcept nogil:
    """Put what is left of an order at the back of its queue; an iceberg's slice is announced."""
    cdef Order *order = order_at(&desk.book, slot)
    live_enqueue(desk, slot)
    if order_place(&desk.book, order) == PLACE_ICEBERG:
        emit_shown(desk, order)

cdef inline void live_cancelled(Desk *desk, uint32_t slot, uint16_t reason) noexcept nogil:
    """Announce that what was left of an order, which stands nowhere now, does not trade any more; forget it."""
    emit_cancelled(desk, reason, order_at(&desk.book, slot))
    live_close(desk, slot)

cdef inline uint64_t partner_of(const Desk *desk, const Order *order) noexcept nogil:
    """The id of an order's OCO partner, 0 for none."""
    return 0 if order.special == NIL else special_at(&desk.book, order.special).oco_order_id

cdef inline void live_release(Desk *desk, uint64_t order_id, uint64_t partner_id) noexcept nogil:
    """Cancel the other leg of an OCO pair if it is still live; `order_id`, the first leg, may be gone."""
    cdef uint32_t slot
    if partner_id == 0:
        return
    slot = ids_find(&desk.book.ids, order_id)
    if slot != NIL:
        live_special(desk, order_at(&desk.book, slot)).oco_order_id = 0
    slot = ids_find(&desk.book.ids, partner_id)
    if slot == NIL:
        return
    live_take_out(desk, slot)
    live_cancelled(desk, slot, REASON_OCO)

cdef inline void live_cancel(Desk *desk, uint32_t slot, uint16_t reason) noexcept nogil:
    """Take a live order out and say so; its OCO partner leaves right after it."""
    cdef const Order *order = order_at(&desk.book, slot)
    cdef uint64_t order_id = order.order_id
    cdef uint64_t partner_id = partner_of(desk, order)
    live_take_out(desk, slot)
    live_cancelled(desk, slot, reason)
    live_release(desk, order_id, partner_id)

# --- trades ---------------------------------------------------------------------------------------

cdef inline void step_touch(Desk *desk, const Order *order) noexcept nogil:
    """Note that an order's partner leaves when the step is over."""
    cdef uint64_t partner_id = partner_of(desk, order)
    if partner_id == 0:
        return
    if desk_room(desk, <void **>&desk.step.touched, &desk.step.touched_capacity, desk.step.touched_count, 16) != 0:
        return
    desk.step.touched[desk.step.touched_count].order_id = order.order_id
    desk.step.touched[desk.step.touched_count].partner_id = partner_id
    desk.step.touched_count += 1

cdef inline void live_print(
    Desk *desk, uint16_t source, uint8_t side, int64_t price_ticks, int64_t lots, uint32_t taker, uint32_t maker
) noexcept nogil:
    """Announce a fill that orders and cursor already include, and note it for what follows the step.

    `taker` and `maker` are slots, NIL for the curve.
    """
    cdef const Order *taker_order = order_at(&desk.book, taker) if taker != NIL else NULL
    cdef const Order *maker_order = order_at(&desk.book, maker) if maker != NIL else NULL
    cdef uint64_t taker_id = taker_order.order_id if taker != NIL else 0
    cdef uint64_t maker_id = maker_order.order_id if maker != NIL else 0
    cdef uint32_t taker_account = taker_order.account if taker != NIL else 0
    cdef uint32_t maker_account = maker_order.account if maker != NIL else 0
    cdef int64_t maker_leaves = desk.curve.cursor.net_lots if maker == NIL else order_leaves(maker_order)
    desk.last_trade_ticks = desk.step.last_print_ticks = price_ticks
    if desk.step.first_print_ticks == 0:
        desk.step.first_print_ticks = price_ticks
    if window_record(
        &desk.window, desk.next_seq, price_ticks, lots, <uint8_t>source, side, taker_account, maker_account
    ) != 0:
        desk.broken = True
    desk_emit(
        desk, TRADE, side, source, taker_account, taker_id, maker_id, price_ticks, lots, maker_leaves, maker_account
    )
    if desk.funds != NULL:
        settle(
            desk.funds, <uint8_t>source, side, price_ticks, lots, taker_account, maker_account,
            window_latest(&desk.window),
        )
    if maker != NIL:
        accounts_filled(desk, maker, lots)
        step_touch(desk, maker_order)
    if taker != NIL:
        accounts_filled(desk, taker, lots)
        step_touch(desk, taker_order)

cdef inline bint live_fill(Desk *desk, uint32_t slot, int64_t lots) noexcept nogil:
    """Trade `lots` of what a resting order offers; True when a new slice of an iceberg went to the back.

    An order with nothing left stands nowhere afterwards; it is not forgotten yet.
    """
    cdef Order *order = order_at(&desk.book, slot)
    cdef Special *special
    pb_assert(lots <= order_front(&desk.book, order), "orders: a fill takes more than is offered")
    level_at(&desk.book, order.level).lots -= lots
    order.filled_lots += lots
    if order.special != NIL:
        special = special_at(&desk.book, order.special)
        if special.place == PLACE_ICEBERG:
            special.shown_lots -= lots
            if special.shown_lots == 0 and order.qty_lots != order.filled_lots:
                live_unqueue(desk, slot)
                live_enqueue(desk, slot)
                return True
    if order.qty_lots == order.filled_lots:
        live_unqueue(desk, slot)
    return False

cdef inline void live_trade(Desk *desk, uint32_t maker, uint32_t taker, int64_t lots, uint16_t source) noexcept nogil:
    """Trade `lots` of a resting order at its price; a taker NIL is the curve, which LIFTs."""
    cdef Order *order = order_at(&desk.book, maker)
    cdef uint8_t side = BUY
    cdef bint fresh_slice = live_fill(desk, maker, lots)
    if taker != NIL:
        order_at(&desk.book, taker).filled_lots += lots
        side = order_at(&desk.book, taker).side
    live_print(desk, source, side, order.price_ticks, lots, taker, maker)
    if order.qty_lots == order.filled_lots:
        live_close(desk, maker)
    elif fresh_slice:
        emit_shown(desk, order)

cdef inline void live_trade_curve(
    Desk *desk, uint32_t taker, int64_t price_ticks, int64_t lots, uint16_t source
) noexcept nogil:
    """Trade `lots` between an order and the curve."""
    cdef Order *order = order_at(&desk.book, taker)
    cursor_trade(desk.curve, &desk.curve.cursor, order.side, price_ticks, lots)
    order.filled_lots += lots
    live_print(desk, source, order.side, price_ticks, lots, taker, NIL)
