# What an aggressor would do, planned before anything changes. Twin of parbook.reference.matching.
#
# Feasibility tests read the very plan that is carried out, so they cannot disagree with it. The rounds of a price with
# icebergs need no trial run: what an iceberg shows in a later round follows from its reserve.
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from parbook._book cimport (
    LINE_HIDDEN_BIDS, Book, Order, book_next_level, book_touch, level_at, order_at, order_front, order_leaves,
    special_at,
)
from parbook._desk cimport Desk, PlanStep, Turn, better, desk_quote, desk_room, within
from parbook._quotes cimport Cursor, Quote, cursor_trade
from parbook._registry cimport group_of
from parbook._types cimport *

# What an aggressor wants, and, while the plan is made, what it still wants.
cdef struct Wish:
    int side
    int64_t limit_ticks
    int64_t lots
    int64_t amount_notional     # what it may spend; counts if by_amount
    bint by_amount
    bint pro_rata
    uint8_t stp                 # STP_OFF, or what happens when it meets its own group
    int64_t group
    int64_t edge_ticks          # the collar: the plan stops before a step beyond it

# What the plan amounts to; its steps stand in Desk.plan.
cdef struct Sweep:
    int64_t filled_lots
    int64_t decremented_lots
    int64_t spent_notional      # of an aggressor by amount, else meaningless
    int64_t last_ticks          # of the last fill, 0 without one
    bint stopped                # a prevention ends it and cancels what is left
    bint breached               # it would go on beyond the collar

cdef inline int64_t appetite(const Wish *wish, int64_t price_ticks, int64_t offered_lots) noexcept nogil:
    """How many of the offered lots are taken at a price. An amount buys whole lots, rounded down."""
    cdef int64_t lots = min(wish.lots, offered_lots)
    cdef int64_t cost
    if wish.by_amount and (pb_mul(lots, price_ticks, &cost) or cost > wish.amount_notional):
        return <int64_t>pb_div(<uint64_t>wish.amount_notional, <uint64_t>price_ticks)
    return lots

cdef inline bint plan_step(
    Desk *desk, const Wish *wish, Sweep *sweep, uint8_t source, uint8_t mode, int64_t price_ticks, int64_t lots,
    uint32_t slot
) noexcept nogil:
    """Note one step; False when it lies beyond the collar, or memory is short: then the plan ends."""
    cdef PlanStep *step
    if better(wish.side, wish.edge_ticks, price_ticks):
        sweep.breached = True
        return False
    if desk_room(desk, <void **>&desk.plan.steps, &desk.plan.capacity, desk.plan.count, sizeof(PlanStep)) != 0:
        return False
    step = &desk.plan.steps[desk.plan.count]
    desk.plan.count += 1
    step.price_ticks = price_ticks
    step.lots = lots
    step.slot = slot
    step.source = source
    step.mode = mode
    return True

cdef inline bint plan_fill(
    Desk *desk, Wish *wish, Sweep *sweep, uint8_t source, int64_t price_ticks, int64_t lots, uint32_t slot
) noexcept nogil:
    """Note a fill whose lots the wish has lost already."""
    if not plan_step(desk, wish, sweep, source, 0, price_ticks, lots, slot):
        return False
    sweep.filled_lots += lots
    sweep.last_ticks = price_ticks
    if wish.by_amount:
        sweep.spent_notional += lots * price_ticks
    return True

cdef inline void eat(Wish *wish, int64_t price_ticks, int64_t lots) noexcept nogil:
    wish.lots -= lots
    if wish.by_amount:
        wish.amount_notional -= lots * price_ticks

cdef inline bint is_own(const Desk *desk, const Wish *wish, const Order *maker) noexcept nogil:
    """Whether self-trade prevention keeps the two apart."""
    return wish.stp != STP_OFF and group_of(&desk.accounts, maker.account) == wish.group

cdef inline bint plan_prevention(
    Desk *desk, Wish *wish, Sweep *sweep, int64_t price_ticks, uint32_t slot
) noexcept nogil:
    """Note a prevention; True when the aggressor goes on. An amount that is spent ends it before any."""
    cdef int64_t lots = appetite(wish, price_ticks, order_leaves(order_at(&desk.book, slot)))
    if lots == 0:
        return False
    if not plan_step(desk, wish, sweep, SOURCE_BOOK, wish.stp, price_ticks, lots, slot):
        return False
    if wish.stp == STP_DECREMENT:
        eat(wish, price_ticks, lots)
        sweep.decremented_lots += lots
    elif wish.stp != STP_CANCEL_OLDEST:
        sweep.stopped = True
        return False
    return wish.lots != 0

cdef inline bint turn_add(
    Desk *desk, uint32_t slot, int64_t offered_lots, int64_t reserve_lots
) noexcept nogil:
    """Add an order to the round at hand, or to the next one."""
    cdef Turn *turn
    if desk_room(desk, <void **>&desk.plan.turns, &desk.plan.turn_capacity, desk.plan.turn_count, sizeof(Turn)) != 0:
        return False
    turn = &desk.plan.turns[desk.plan.turn_count]
    desk.plan.turn_count += 1
    turn.offered_lots = offered_lots
    turn.reserve_lots = reserve_lots
    turn.share_lots = 0
    turn.slot = slot
    return True

cdef inline void next_round(Desk *desk) noexcept nogil:
    """Keep the icebergs that have a reserve, each offering its next slice. O(turns)."""
    cdef Turn *turns = desk.plan.turns
    cdef size_t kept = 0
    cdef size_t i
    for i in range(desk.plan.turn_count):
        if turns[i].reserve_lots == 0:
            continue
        turns[kept] = turns[i]
        turns[kept].offered_lots = min(
            turns[i].reserve_lots, special_at(&desk.book, order_at(&desk.book, turns[i].slot).special).display_lots
        )
        turns[kept].reserve_lots -= turns[kept].offered_lots
        kept += 1
    desk.plan.turn_count = kept

# --- one price ------------------------------------------------------------------------------------

cdef inline bint plan_queue(
    Desk *desk, Wish *wish, Sweep *sweep, uint8_t source, int64_t price_ticks, uint32_t head
) noexcept nogil:
    """Plan a queue by time: its first round, or all of a hidden one. True when all is taken and more is wanted.

    Icebergs with a reserve are left in the turns. O(orders met).
    """
    cdef uint32_t slot = head
    cdef uint32_t following
    cdef const Order *order
    cdef int64_t lots, front_lots
    while slot != NIL:
        order = order_at(&desk.book, slot)
        following = order.next
        if is_own(desk, wish, order):
            if not plan_prevention(desk, wish, sweep, price_ticks, slot):
                return False
            slot = following
            continue
        front_lots = order_front(&desk.book, order)
        lots = appetite(wish, price_ticks, front_lots)
        if lots == 0:
            return False
        eat(wish, price_ticks, lots)
        if not plan_fill(desk, wish, sweep, source, price_ticks, lots, slot) or wish.lots == 0:
            return False
        if order_leaves(order) != front_lots and not turn_add(desk, slot, 0, order_leaves(order) - front_lots):
            return False
        slot = following
    return True

cdef inline bint plan_turns(Desk *desk, Wish *wish, Sweep *sweep, int64_t price_ticks) noexcept nogil:
    """Plan a later round by time. True when all of it is taken and more is wanted."""
    cdef size_t i
    cdef int64_t lots
    for i in range(desk.plan.turn_count):
        lots = appetite(wish, price_ticks, desk.plan.turns[i].offered_lots)
        if lots == 0:
            return False
        eat(wish, price_ticks, lots)
        if not plan_fill(desk, wish, sweep, SOURCE_BOOK, price_ticks, lots, desk.plan.turns[i].slot):
            return False
        if wish.lots == 0:
            return False
    return True

cdef inline bint gather_turns(
    Desk *desk, Wish *wish, Sweep *sweep, int64_t price_ticks, uint32_t head
) noexcept nogil:
    """Make the first round of a price that is shared pro rata, after its preventions. False when matching ends."""
    cdef uint32_t slot = head
    cdef const Order *order
    cdef int64_t front_lots
    while slot != NIL:
        order = order_at(&desk.book, slot)
        if is_own(desk, wish, order):
            if not plan_prevention(desk, wish, sweep, price_ticks, slot):
                return False
        else:
            front_lots = order_front(&desk.book, order)
            if not turn_add(desk, slot, front_lots, order_leaves(order) - front_lots):
                return False
        slot = order.next
    return True

cdef inline bint share_turns(Desk *desk, Wish *wish, Sweep *sweep, int64_t price_ticks) noexcept nogil:
    """Split a round in proportion to what is shown, rounded down, then the leftover lots by time."""
    cdef Turn *turns = desk.plan.turns
    cdef int64_t total_lots = 0
    cdef int64_t wanted_lots, leftover_lots, lots
    cdef size_t i
    for i in range(desk.plan.turn_count):
        total_lots += turns[i].offered_lots
    if total_lots == 0:
        return True
    wanted_lots = appetite(wish, price_ticks, total_lots)
    if wanted_lots == 0:
        return False
    eat(wish, price_ticks, wanted_lots)
    leftover_lots = wanted_lots
    for i in range(desk.plan.turn_count):
        lots = pb_share(wanted_lots, turns[i].offered_lots, total_lots)
        turns[i].share_lots = lots
        leftover_lots -= lots
        if lots != 0 and not plan_fill(desk, wish, sweep, SOURCE_BOOK, price_ticks, lots, turns[i].slot):
            return False
    for i in range(desk.plan.turn_count):
        lots = min(leftover_lots, turns[i].offered_lots - turns[i].share_lots)
        leftover_lots -= lots
        if lots != 0 and not plan_fill(desk, wish, sweep, SOURCE_BOOK, price_ticks, lots, turns[i].slot):
            return False
    return wanted_lots == total_lots and wish.lots != 0

cdef inline bint plan_level(
    Desk *desk, Wish *wish, Sweep *sweep, int64_t price_ticks, uint32_t level
) noexcept nogil:
    """Plan a displayed level, round by round. True when all of it is taken and more is wanted."""
    cdef uint32_t head = level_at(&desk.book, level).head
    desk.plan.turn_count = 0
    if wish.pro_rata:
        if not gather_turns(desk, wish, sweep, price_ticks, head):
            return False
        while desk.plan.turn_count != 0:
            if not share_turns(desk, wish, sweep, price_ticks):
                return False
            next_round(desk)
        return True
    if not plan_queue(desk, wish, sweep, SOURCE_BOOK, price_ticks, head):
        return False
    next_round(desk)
    while desk.plan.turn_count != 0:
        if not plan_turns(desk, wish, sweep, price_ticks):
            return False
        next_round(desk)
    return True

# --- the sweep ------------------------------------------------------------------------------------

cdef inline bint plan_curve(
    Desk *desk, Wish *wish, Sweep *sweep, Cursor *cursor, int64_t touch_ticks, int64_t until_ticks
) noexcept nogil:
    """Plan the curve's rungs strictly better than `until_ticks`, 0 for all. False when matching ends. O(rungs)."""
    cdef Quote quote = Quote(0, 0)
    cdef int64_t lots
    while wish.lots != 0:
        if not desk_quote(desk, cursor, wish.side, wish.limit_ticks, touch_ticks, &quote):
            return True
        if until_ticks != 0 and not better(wish.side, quote.price_ticks, until_ticks):
            return True
        lots = appetite(wish, quote.price_ticks, quote.lots)
        if lots == 0:
            return False
        eat(wish, quote.price_ticks, lots)
        cursor_trade(desk.curve, cursor, wish.side, quote.price_ticks, lots)
        if not plan_fill(desk, wish, sweep, SOURCE_CURVE, quote.price_ticks, lots, NIL):
            return False
    return False

cdef inline void plan_fills(Desk *desk, Wish *wish, int64_t touch_ticks, Sweep *sweep) noexcept nogil:
    """Plan what an aggressor does, in order, into Desk.plan, and sum it up. The wish is used up.

    Best price first; at one price the displayed orders in rounds, then the hidden ones, then the curve.
    O(orders met + levels + rungs crossed).
    """
    cdef const Book *book = &desk.book
    cdef int maker_side = 1 - wish.side
    cdef uint32_t displayed = book.best_level[maker_side]
    cdef uint32_t hidden = book.best_level[LINE_HIDDEN_BIDS + maker_side]
    cdef int64_t displayed_ticks, hidden_ticks, price_ticks
    cdef Cursor cursor = Cursor(0, 0, 0, 0, 0, 0)
    desk.plan.count = 0
    sweep.filled_lots = sweep.decremented_lots = sweep.spent_notional = sweep.last_ticks = 0
    sweep.stopped = sweep.breached = False
    if desk.curve != NULL:
        cursor = desk.curve.cursor
    while True:
        displayed_ticks = level_at(book, displayed).price_ticks if displayed != NIL else 0
        hidden_ticks = level_at(book, hidden).price_ticks if hidden != NIL else 0
        price_ticks = displayed_ticks
        if displayed == NIL or (hidden != NIL and better(wish.side, hidden_ticks, displayed_ticks)):
            price_ticks = hidden_ticks
        if desk.curve != NULL and not plan_curve(desk, wish, sweep, &cursor, touch_ticks, price_ticks):
            return
        if price_ticks == 0 or wish.lots == 0 or not within(wish.side, price_ticks, wish.limit_ticks):
            return
        if displayed_ticks == price_ticks:
            if not plan_level(desk, wish, sweep, price_ticks, displayed):
                return
            displayed = book_next_level(book, maker_side, displayed)
        if hidden_ticks == price_ticks:
            desk.plan.turn_count = 0
            if not plan_queue(desk, wish, sweep, SOURCE_HIDDEN, price_ticks, level_at(book, hidden).head):
                return
            hidden = book_next_level(book, LINE_HIDDEN_BIDS + maker_side, hidden)

cdef inline int64_t first_price(const Desk *desk, int side, int64_t limit_ticks, int64_t touch_ticks) noexcept nogil:
    """Return the price at which one lot would trade, whoever owns it; 0 when none would: what post-only asks. O(1)."""
    cdef int64_t best_ticks = book_touch(&desk.book, 1 - side)
    cdef Quote quote = Quote(0, 0)
    if desk.curve != NULL and desk_quote(desk, &desk.curve.cursor, side, limit_ticks, touch_ticks, &quote):
        if best_ticks == 0 or better(side, quote.price_ticks, best_ticks):
            return quote.price_ticks
    return best_ticks if best_ticks != 0 and within(side, best_ticks, limit_ticks) else 0
