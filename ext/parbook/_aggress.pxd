# One order against the market: what it would do, and doing it. NEW, AMEND and triggered stops share this path.
# Twin of parbook.reference.aggress.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

from parbook._accounts cimport accounts_shrunk
from parbook._book cimport Order, Special, book_touch, order_at, order_leaves, special_at
from parbook._desk cimport Desk, PlanStep, desk_emit
from parbook._funds cimport hold_release, hold_retake
from parbook._live cimport (
    live_cancelled, live_close, live_rest, live_shrink, live_trade, live_trade_curve, live_unqueue, special_settle,
    step_touch,
)
from parbook._registry cimport group_of
from parbook._sweep cimport Sweep, Wish, plan_fills
from parbook._types cimport *

cdef enum:
    NO_REASON = 0xFFFF      # what is left rests

# What an aggressor will do; its steps stand in Desk.plan until the next plan is made.
cdef struct Outcome:
    int64_t filled_lots
    int64_t leaves_lots
    int64_t spent_notional
    int64_t price_ticks     # where it rests, or its limit
    int64_t edge_ticks      # of the collar that stopped it, 0 for none
    uint16_t reason         # why what is left is cancelled, NO_REASON when it rests

cdef inline int64_t resting_lots(const Outcome *outcome) noexcept nogil:
    """Lots that stay in the book."""
    return outcome.leaves_lots if outcome.reason == NO_REASON else 0

cdef inline int64_t anchor_ticks(const Desk *desk) noexcept nogil:
    """The middle of the anchor the curve quotes around, rounded down; 0 without one."""
    if desk.curve == NULL or not desk.curve.quoting:
        return 0
    return (desk.curve.low_ticks + desk.curve.high_ticks) >> 1

cdef inline int64_t reference_ticks(const Desk *desk) noexcept nogil:
    """What prices are measured against: the anchor's middle, else the last trade, else 0."""
    cdef int64_t middle_ticks = anchor_ticks(desk)
    return middle_ticks if middle_ticks != 0 else desk.last_trade_ticks

cdef inline int64_t protected_ticks(int side, int64_t around_ticks, int64_t ppm) noexcept nogil:
    """Return around +/- a share of it, rounded towards it, kept a valid price."""
    cdef int64_t reach_ticks = pb_share(around_ticks, ppm, 1000000)
    if side == BUY:
        return min(PRICE_TICKS_MAX, around_ticks + reach_ticks)
    return max(<int64_t>1, around_ticks - reach_ticks)

cdef inline int64_t market_limit(const Desk *desk, int side) noexcept nogil:
    """The protected limit of a market order; there must be a reference price."""
    return protected_ticks(side, reference_ticks(desk), desk.config.collar_ppm)

cdef inline int64_t tighter(int side, int64_t edge_ticks, int64_t around_ticks, int64_t ppm) noexcept nogil:
    cdef int64_t band_ticks
    if ppm == 0 or around_ticks == 0:
        return edge_ticks
    band_ticks = protected_ticks(side, around_ticks, ppm)
    return min(edge_ticks, band_ticks) if side == BUY else max(edge_ticks, band_ticks)

cdef inline int64_t collar_edge(const Desk *desk, int side) noexcept nogil:
    """The worst price an aggressor of a side may print at; without bands or references the end of the domain."""
    cdef int64_t edge_ticks = PRICE_TICKS_MAX if side == BUY else 1
    cdef int64_t static_ticks = anchor_ticks(desk)
    if static_ticks == 0:
        static_ticks = desk.last_auction_ticks if desk.last_auction_ticks != 0 else desk.last_trade_ticks
    edge_ticks = tighter(side, edge_ticks, static_ticks, desk.config.static_band_ppm)
    return tighter(side, edge_ticks, desk.band_ticks, desk.config.dynamic_band_ppm)

cdef inline uint16_t reason_of_cancel(const Desk *desk, const Special *special, const Sweep *sweep) noexcept nogil:
    """Why what is left may not rest, NO_REASON when it may. `special` NULL is a plain order that rests."""
    cdef uint8_t tif = GTC if special == NULL else special.tif
    cdef uint8_t order_type = LIMIT if special == NULL else special.order_type
    cdef bint never_rests = tif == IOC or tif == FOK
    if sweep.stopped:
        return REASON_SELF_TRADE
    if sweep.breached and (
        never_rests or order_type == MARKET or order_type == MARKET_TO_LIMIT or desk.config.breach_rests == 0
    ):
        return REASON_COLLAR
    return REASON_REMAINDER if never_rests else NO_REASON

cdef inline void foresee(Desk *desk, uint32_t slot, int64_t amount_notional, Outcome *outcome) noexcept nogil:
    """Work out what an order that is nowhere in the market would do, changing nothing but Desk.plan."""
    cdef const Order *order = order_at(&desk.book, slot)
    cdef const Special *special = special_at(&desk.book, order.special) if order.special != NIL else NULL
    cdef uint8_t stp = special.stp if special != NULL and special.stp != STP_DEFAULT else <uint8_t>desk.config.stp
    cdef Wish wish
    cdef Sweep sweep
    wish.side = order.side
    wish.limit_ticks = order.price_ticks
    wish.lots = order_leaves(order)
    wish.amount_notional = amount_notional
    wish.by_amount = amount_notional != 0
    wish.pro_rata = desk.config.allocation == ALLOCATION_PRO_RATA
    wish.stp = stp
    wish.group = group_of(&desk.accounts, order.account) if stp != STP_OFF else 0
    wish.edge_ticks = collar_edge(desk, order.side)
    plan_fills(desk, &wish, book_touch(&desk.book, order.side), &sweep)
    outcome.filled_lots = sweep.filled_lots
    outcome.leaves_lots = order_leaves(order) - sweep.filled_lots - sweep.decremented_lots
    outcome.spent_notional = sweep.spent_notional
    outcome.price_ticks = order.price_ticks
    outcome.edge_ticks = collar_edge(desk, order.side) if sweep.breached else 0
    outcome.reason = NO_REASON
    if outcome.leaves_lots == 0:
        return
    outcome.reason = reason_of_cancel(desk, special, &sweep)
    if outcome.reason != NO_REASON:
        return
    if sweep.breached and desk.config.breach_state == STATE_CONTINUOUS:
        outcome.price_ticks = outcome.edge_ticks
    elif special != NULL and special.order_type == MARKET_TO_LIMIT:
        outcome.price_ticks = sweep.last_ticks

cdef inline void carry_prevention(Desk *desk, uint32_t taker, const PlanStep *step) noexcept nogil:
    """Carry out a prevention. Partners of orders that leave here follow after the step, like those of a trade."""
    cdef Order *order = order_at(&desk.book, taker)
    cdef Order *maker = order_at(&desk.book, step.slot)
    cdef int64_t leaves_lots = 0
    if step.mode == STP_CANCEL_NEWEST:
        leaves_lots = order_leaves(maker)
    elif step.mode == STP_DECREMENT:
        leaves_lots = order_leaves(maker) - step.lots
    desk_emit(
        desk, PREVENTED, order.side, step.mode, order.account, order.order_id, maker.order_id, step.price_ticks,
        step.lots, leaves_lots, maker.account,
    )
    if step.mode == STP_CANCEL_NEWEST:
        return
    if step.mode != STP_DECREMENT:
        live_unqueue(desk, step.slot)
        step_touch(desk, maker)
        live_cancelled(desk, step.slot, REASON_SELF_TRADE)
        return
    order.qty_lots -= step.lots
    accounts_shrunk(desk, taker, step.lots)
    if leaves_lots != 0:
        live_shrink(desk, step.slot, step.lots)
    else:
        step_touch(desk, maker)
        live_unqueue(desk, step.slot)
        live_close(desk, step.slot)
    if order_leaves(order) == 0:
        step_touch(desk, order)

cdef inline void carry_out(Desk *desk, uint32_t slot, const Outcome *outcome, int64_t amount_notional) noexcept nogil:
    """Do what was foreseen: the steps in order, then what is left rests, leaves or has gone."""
    cdef Order *order = order_at(&desk.book, slot)
    cdef const PlanStep *step
    cdef Special *special
    cdef size_t i
    for i in range(desk.plan.count):
        step = &desk.plan.steps[i]
        if step.mode != 0:
            carry_prevention(desk, slot, step)
        elif step.slot == NIL:
            live_trade_curve(desk, slot, step.price_ticks, step.lots, SOURCE_CURVE)
        else:
            live_trade(desk, step.slot, slot, step.lots, step.source)
    if outcome.edge_ticks != 0:
        desk_emit(
            desk, BREACHED, order.side, 0, order.account, order.order_id, 0, outcome.edge_ticks, 0, 0, 0
        )
        desk.step.breached = True
    if amount_notional > outcome.spent_notional:
        desk_emit(
            desk, UNSPENT, 0, 0, order.account, order.order_id, order.client_id, 0,
            amount_notional - outcome.spent_notional, 0, 0,
        )
    if outcome.reason != NO_REASON:
        step_touch(desk, order)
        live_cancelled(desk, slot, outcome.reason)
    elif outcome.leaves_lots == 0:
        live_close(desk, slot)
    else:
        if order.price_ticks != outcome.price_ticks:
            hold_release(desk, order)
            order.price_ticks = outcome.price_ticks
            hold_retake(desk, order)
        if order.special != NIL:
            special = special_at(&desk.book, order.special)
            if special.order_type == MARKET or special.order_type == MARKET_TO_LIMIT:
                special.order_type = LIMIT
        live_rest(desk, slot)
        special_settle(desk, order)
