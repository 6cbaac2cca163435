# The auction: what an uncross would do now, and doing it. Twin of the second half of parbook.reference.auction.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from parbook._aggress cimport anchor_ticks
from parbook._book cimport (
    CHAIN_CALL_BUYS, LINE_HIDDEN_BIDS, Book, Order, book_next_level, book_specials, chain_remove, level_at,
    order_at, order_front, order_leaves, order_place, special_at,
)
from parbook._clearing cimport (
    Clearing, Crossing, Schedule, clear_at, curve_lots, lots_at, schedule_add,
)
from parbook._desk cimport Desk, better, desk_emit, within
from parbook._funds cimport funds_admit_change, hold_release, hold_retake
from parbook._ids cimport ids_find
from parbook._live cimport emit_shown, live_cancel, live_close, live_fill, live_print
from parbook._mass cimport cancel_noted
from parbook._phases cimport Indication, session_indicates
from parbook._prices cimport prices_extreme
from parbook._quotes cimport Curve, cursor_trade
from parbook._roster cimport note_order
from parbook._types cimport *

# --- what it would do -----------------------------------------------------------------------------

cdef inline Curve *auction_curve(Desk *desk) noexcept nogil:
    """The curve if it takes part in auctions, else NULL."""
    if desk.config.curve_in_auction == 0 or desk.curve == NULL or not desk.curve.quoting:
        return NULL
    return desk.curve

cdef inline void name_price(Crossing *crossing, int64_t price_ticks) noexcept nogil:
    """Let the uncross reach as far as a price; 0 is none."""
    if price_ticks == 0:
        return
    if crossing.most_ticks == 0:
        crossing.least_ticks = crossing.most_ticks = price_ticks
    crossing.least_ticks = min(crossing.least_ticks, price_ticks)
    crossing.most_ticks = max(crossing.most_ticks, price_ticks)

cdef inline void name_line(const Book *book, Crossing *crossing, int line) noexcept nogil:
    """Name the best and the worst price of a line."""
    cdef uint32_t root = book.index[line].root
    if book.best_level[line] == NIL:
        return
    name_price(crossing, book.best_ticks[line])
    name_price(crossing, level_at(book, prices_extreme(&book.nodes, root, True)).price_ticks)

cdef inline int64_t level_leaves(const Book *book, uint32_t level_slot) noexcept nogil:
    """Leaves of a level's orders, what icebergs do not show included. O(1) in a book without special orders."""
    cdef int64_t lots = 0
    cdef uint32_t slot
    if book_specials(book) == 0:
        return level_at(book, level_slot).lots
    slot = level_at(book, level_slot).head
    while slot != NIL:
        lots += order_leaves(order_at(book, slot))
        slot = order_at(book, slot).next
    return lots

cdef inline uint32_t better_level(const Book *book, int side, uint32_t shown, uint32_t hidden) noexcept nogil:
    """Which of a displayed and a hidden level of a side trades first; NIL when both are."""
    if shown == NIL:
        return hidden
    if hidden == NIL or not better(1 - side, level_at(book, hidden).price_ticks, level_at(book, shown).price_ticks):
        return shown
    return hidden

cdef inline int gather_side(Desk *desk, int side, int64_t worst_ticks) noexcept nogil:
    """Fill a side's schedule with the limits up to a price. Returns -1 without memory. O(levels)."""
    cdef const Book *book = &desk.book
    cdef Schedule *schedule = &desk.crossing.side[side]
    cdef uint32_t shown = book.best_level[side]
    cdef uint32_t hidden = book.best_level[LINE_HIDDEN_BIDS + side]
    cdef uint32_t level_slot = better_level(book, side, shown, hidden)
    cdef uint32_t slot = book.chains[CHAIN_CALL_BUYS + side].head
    schedule.count = 0
    schedule.call_lots = 0
    while slot != NIL:
        schedule.call_lots += order_leaves(order_at(book, slot))
        slot = order_at(book, slot).next
    while level_slot != NIL and within(1 - side, level_at(book, level_slot).price_ticks, worst_ticks):
        if schedule_add(schedule, level_at(book, level_slot).price_ticks, level_leaves(book, level_slot)) != 0:
            return -1
        if level_slot == shown:
            shown = book_next_level(book, side, shown)
        else:
            hidden = book_next_level(book, LINE_HIDDEN_BIDS + side, hidden)
        level_slot = better_level(book, side, shown, hidden)
    return 0

cdef inline int64_t best_facing(const Desk *desk, const Curve *curve, int side) noexcept nogil:
    """The worst price at which an order of a side could be paired: the best that faces it, any for market orders."""
    cdef const Book *book = &desk.book
    cdef int facing = 1 - side
    cdef int64_t end_ticks = 1 if side == BUY else PRICE_TICKS_MAX
    cdef int64_t best_ticks = PRICE_TICKS_MAX if side == BUY else 1
    cdef int64_t ticks
    cdef int line
    if book.chains[CHAIN_CALL_BUYS + facing].head != NIL:
        return end_ticks
    for line in range(facing, LINE_HIDDEN_BIDS + 2, 2):
        ticks = book.best_ticks[line]
        if ticks != 0 and better(side, ticks, best_ticks):
            best_ticks = ticks
    if curve != NULL:
        if side == BUY and curve.ladder.asks != 0:
            best_ticks = min(best_ticks, curve.ladder.ask_price[0])
        elif side == SELL and curve.ladder.bids != 0:
            best_ticks = max(best_ticks, curve.ladder.bid_price[0])
    return best_ticks

cdef inline Clearing auction_foresee(Desk *desk) noexcept nogil:
    """Return what an uncross would do now.

    Limits that nothing could be paired with are left out: they change neither the volume nor where it is greatest.
    O(levels inside the crossing; all levels facing market orders).
    """
    cdef Crossing *crossing = &desk.crossing
    cdef Curve *curve = auction_curve(desk)
    cdef int64_t reference_ticks = anchor_ticks(desk)
    cdef Clearing none = Clearing(0, 0, 0)
    cdef int line
    if reference_ticks == 0:
        reference_ticks = desk.last_auction_ticks if desk.last_auction_ticks != 0 else desk.last_trade_ticks
    crossing.curve = curve
    crossing.least_ticks = crossing.most_ticks = 0
    for line in range(LINE_HIDDEN_BIDS + 2):
        name_line(&desk.book, crossing, line)
    if curve != NULL:
        if curve.ladder.bids != 0:
            name_price(crossing, curve.ladder.bid_price[0])
            name_price(crossing, curve.ladder.bid_price[curve.ladder.bids - 1])
        if curve.ladder.asks != 0:
            name_price(crossing, curve.ladder.ask_price[0])
            name_price(crossing, curve.ladder.ask_price[curve.ladder.asks - 1])
    name_price(crossing, reference_ticks)
    if (
        gather_side(desk, BUY, best_facing(desk, curve, BUY)) != 0
        or gather_side(desk, SELL, best_facing(desk, curve, SELL)) != 0
    ):
        desk.broken = True
        return none
    return clear_at(crossing, reference_ticks)

cdef inline void auction_indicate(Desk *desk) noexcept nogil:
    """In a state that indicates, say what an uncross would do, if that has changed."""
    cdef Indication *said = &desk.session.indicated
    cdef Clearing now
    if not session_indicates(&desk.session):
        return
    now = auction_foresee(desk)
    if (
        now.price_ticks == said.price_ticks
        and now.paired_lots == said.paired_lots
        and now.surplus_lots == said.surplus_lots
    ):
        return
    said.price_ticks = now.price_ticks
    said.paired_lots = now.paired_lots
    said.surplus_lots = now.surplus_lots
    desk_emit(desk, INDICATIVE, 0, 0, 0, 0, 0, now.price_ticks, now.paired_lots, now.surplus_lots, 0)

# --- doing it -------------------------------------------------------------------------------------

# Who of a side trades next, and how many lots before somebody else's turn; slot NIL is the curve.
cdef struct Turn:
    uint32_t slot
    int64_t lots

cdef inline Turn next_turn(const Desk *desk, const Curve *curve, int side, int64_t curve_left) noexcept nogil:
    """Market orders by time, then limits and the curve's rungs, best price first, the book at a tie. O(1)."""
    cdef const Book *book = &desk.book
    cdef uint32_t slot = book.chains[CHAIN_CALL_BUYS + side].head
    cdef uint32_t level_slot
    cdef int64_t rung_ticks, rung_lots
    if slot != NIL:
        return Turn(slot, order_leaves(order_at(book, slot)))
    level_slot = better_level(book, side, book.best_level[side], book.best_level[LINE_HIDDEN_BIDS + side])
    if curve != NULL and curve_left != 0:
        if side == BUY:
            rung_ticks = curve.cursor.bid_ticks
            rung_lots = curve.ladder.bid_lots[curve.cursor.bid] - curve.cursor.net_lots
        else:
            rung_ticks = curve.cursor.ask_ticks
            rung_lots = curve.cursor.net_lots - curve.ladder.ask_lots[curve.cursor.ask]
        if level_slot == NIL or better(1 - side, rung_ticks, level_at(book, level_slot).price_ticks):
            return Turn(NIL, min(rung_lots, curve_left))
    slot = level_at(book, level_slot).head
    return Turn(slot, order_front(book, order_at(book, slot)))

cdef inline bint take(Desk *desk, uint32_t slot, int64_t lots) noexcept nogil:
    """Take traded lots off an order; True when an iceberg shows a new slice."""
    cdef Order *order = order_at(&desk.book, slot)
    if order_place(&desk.book, order) != PLACE_CALL:
        return live_fill(desk, slot, lots)
    order.filled_lots += lots
    if order_leaves(order) == 0:
        chain_remove(&desk.book, CHAIN_CALL_BUYS + order.side, slot)
    return False

cdef inline void settle_turn(Desk *desk, uint32_t slot) noexcept nogil:
    """Forget an order that has nothing left."""
    if slot != NIL and order_leaves(order_at(&desk.book, slot)) == 0:
        live_close(desk, slot)

cdef inline void pair(Desk *desk, uint32_t buyer, uint32_t seller, int64_t price_ticks, int64_t lots) noexcept nogil:
    """Trade between two orders, or one and the curve (NIL), at the clearing price."""
    cdef bint fresh_buyer = buyer != NIL and take(desk, buyer, lots)
    cdef bint fresh_seller = seller != NIL and take(desk, seller, lots)
    cdef int side = SELL if buyer == NIL else BUY
    if buyer != NIL and seller != NIL:
        live_print(desk, SOURCE_UNCROSS, BUY, price_ticks, lots, buyer, seller)
    else:
        cursor_trade(desk.curve, &desk.curve.cursor, side, price_ticks, lots)
        live_print(
            desk, SOURCE_UNCROSS_CURVE, <uint8_t>side, price_ticks, lots, seller if buyer == NIL else buyer, NIL
        )
    settle_turn(desk, buyer)
    settle_turn(desk, seller)
    if fresh_buyer:
        emit_shown(desk, order_at(&desk.book, buyer))
    if fresh_seller:
        emit_shown(desk, order_at(&desk.book, seller))

cdef inline void note_auction_only(Desk *desk, int side) noexcept nogil:
    """Note a side's orders that were for this auction only: market orders by time, then limits in trading order."""
    cdef const Book *book = &desk.book
    cdef uint32_t shown = book.best_level[side]
    cdef uint32_t hidden = book.best_level[LINE_HIDDEN_BIDS + side]
    cdef uint32_t slot = book.chains[CHAIN_CALL_BUYS + side].head
    cdef uint32_t level_slot
    cdef const Order *order
    while slot != NIL:
        note_order(desk, order_at(book, slot).order_id)
        slot = order_at(book, slot).next
    if book_specials(book) == 0:
        return
    level_slot = better_level(book, side, shown, hidden)
    while level_slot != NIL:
        slot = level_at(book, level_slot).head
        while slot != NIL:
            order = order_at(book, slot)
            if order.special != NIL and special_at(book, order.special).tif == TIF_AUCTION:
                note_order(desk, order.order_id)
            slot = order.next
        if level_slot == shown:
            shown = book_next_level(book, side, shown)
        else:
            hidden = book_next_level(book, LINE_HIDDEN_BIDS + side, hidden)
        level_slot = better_level(book, side, shown, hidden)

cdef inline bint leave_unfunded(Desk *desk, int64_t price_ticks) noexcept nogil:
    """Cancel the market buys that cannot hold what they would cost at this price; whether there was one.

    Those that can hold it from now on, so that two orders of one account are not funded by the same money.
    """
    cdef uint32_t slot = desk.book.chains[CHAIN_CALL_BUYS].head
    cdef const Order *order
    cdef bint found = False
    cdef size_t i
    if desk.funds == NULL:
        return False
    desk.noted.count = 0
    while slot != NIL:
        note_order(desk, order_at(&desk.book, slot).order_id)
        slot = order_at(&desk.book, slot).next
    for i in range(desk.noted.count):
        slot = ids_find(&desk.book.ids, desk.noted.ids[i])
        if slot == NIL:
            continue
        order = order_at(&desk.book, slot)
        if price_ticks <= special_at(&desk.book, order.special).limit_ticks:
            continue
        if funds_admit_change(desk, order, price_ticks, order_leaves(order)) != 0:
            live_cancel(desk, slot, REASON_FUNDS)
            found = True
        else:
            hold_release(desk, order)
            special_at(&desk.book, order.special).limit_ticks = price_ticks
            hold_retake(desk, order)
    return found

cdef inline void auction_uncross(Desk *desk) noexcept nogil:
    """Clear the book at one price, pairing both sides in trading order; then what was only for this auction leaves.

    What follows a step follows later, with the command that asked for it. O(fills + live orders).
    """
    cdef Clearing clearing = auction_foresee(desk)
    cdef Curve *curve = auction_curve(desk)
    cdef int64_t left_lots
    cdef int64_t curve_left[2]
    cdef int64_t lots
    cdef Turn buyer, seller
    while leave_unfunded(desk, clearing.price_ticks):
        clearing = auction_foresee(desk)
    left_lots = clearing.paired_lots
    desk_emit(
        desk, UNCROSSED, 0, 0, 0, 0, 0, clearing.price_ticks, clearing.paired_lots, clearing.surplus_lots, 0
    )
    curve_left[BUY] = curve_left[SELL] = 0
    if left_lots != 0 and curve != NULL:
        curve_left[BUY] = curve_lots(curve, BUY, clearing.price_ticks)
        curve_left[SELL] = curve_lots(curve, SELL, clearing.price_ticks)
    while left_lots != 0:
        buyer = next_turn(desk, curve, BUY, curve_left[BUY])
        seller = next_turn(desk, curve, SELL, curve_left[SELL])
        lots = min(left_lots, min(buyer.lots, seller.lots))
        pair(desk, buyer.slot, seller.slot, clearing.price_ticks, lots)
        if buyer.slot == NIL:
            curve_left[BUY] -= lots
        if seller.slot == NIL:
            curve_left[SELL] -= lots
        left_lots -= lots
    if clearing.paired_lots != 0:
        # What the uncross elects is measured from its price, not from the last trade before the halt.
        desk.last_auction_ticks = clearing.price_ticks
        desk.band_ticks = clearing.price_ticks
    desk.noted.count = 0
    note_auction_only(desk, BUY)
    note_auction_only(desk, SELL)
    cancel_noted(desk, REASON_UNTRADED)
