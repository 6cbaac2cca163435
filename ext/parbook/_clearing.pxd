# The price of an auction, from a schedule of each side. Pure: knows nothing of book, accounts or events.
# Twin of the first half of parbook.reference.auction.
#
# Demand falls and supply rises with the price, so the best prices form an interval; bisection finds its ends.
from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport free, realloc
from libc.string cimport memset

from parbook._quotes cimport Curve, lots_for
from parbook._types cimport BUY, INT64_MAX, SELL

cdef enum:
    STEPS_FIRST = 64

# `lots` of all orders at this price or a better one.
cdef struct ScheduleStep:
    int64_t price_ticks
    int64_t lots

# One side's limits, best price first, and the lots of its market orders.
cdef struct Schedule:
    ScheduleStep *steps
    uint32_t count
    uint32_t capacity
    int64_t call_lots

cdef struct Crossing:
    Schedule side[2]
    Curve *curve            # NULL when it takes no part
    int64_t least_ticks     # lowest and highest price that anybody has named, 0 and 0 when nobody has
    int64_t most_ticks

cdef struct Clearing:
    int64_t price_ticks     # 0: nothing crosses
    int64_t paired_lots
    int64_t surplus_lots    # positive: buyers are left over

cdef inline void schedule_clear(Schedule *schedule) noexcept nogil:
    free(schedule.steps)
    memset(schedule, 0, sizeof(Schedule))

cdef inline int schedule_add(Schedule *schedule, int64_t price_ticks, int64_t lots) noexcept nogil:
    """Add lots at a price not better than the last. Returns -1 when there is no memory. O(1) amortised."""
    cdef size_t capacity
    cdef ScheduleStep *steps
    if schedule.count == schedule.capacity:
        capacity = STEPS_FIRST if schedule.capacity == 0 else <size_t>schedule.capacity * 2
        steps = <ScheduleStep *>realloc(schedule.steps, capacity * sizeof(ScheduleStep))
        if steps == NULL:
            return -1
        schedule.steps = steps
        schedule.capacity = <uint32_t>capacity
    schedule.steps[schedule.count].price_ticks = price_ticks
    schedule.steps[schedule.count].lots = lots
    if schedule.count != 0:
        schedule.steps[schedule.count].lots += schedule.steps[schedule.count - 1].lots
    schedule.count += 1
    return 0

cdef inline int64_t schedule_at(const Schedule *schedule, int side, int64_t price_ticks) noexcept nogil:
    """Lots of a side's orders that accept a price. O(log steps)."""
    cdef uint32_t low = 0
    cdef uint32_t high = schedule.count
    cdef uint32_t middle
    cdef int64_t step_ticks
    while low < high:
        middle = (low + high) >> 1
        step_ticks = schedule.steps[middle].price_ticks
        if step_ticks >= price_ticks if side == BUY else step_ticks <= price_ticks:
            low = middle + 1
        else:
            high = middle
    return schedule.call_lots + (schedule.steps[low - 1].lots if low != 0 else 0)

cdef inline int64_t curve_demand(const Curve *curve, int64_t price_ticks) noexcept nogil:
    """Lots the curve buys at a price: what its ladder bids there or better, as far as its cash pays. O(log rungs)."""
    cdef int low = 0
    cdef int high = curve.ladder.bids
    cdef int middle
    cdef int64_t lots
    while low < high:
        middle = (low + high) >> 1
        if curve.ladder.bid_price[middle] >= price_ticks:
            low = middle + 1
        else:
            high = middle
    lots = curve.ladder.bid_lots[low - 1] - curve.cursor.net_lots if low != 0 else 0
    if lots <= 0:
        return 0
    return lots_for(curve.cursor.cash_notional, lots, price_ticks)

cdef inline int64_t curve_supply(const Curve *curve, int64_t price_ticks) noexcept nogil:
    """Lots the curve sells at a price: what its ladder offers there or better, as far as cash fits. O(log rungs)."""
    cdef int low = 0
    cdef int high = curve.ladder.asks
    cdef int middle
    cdef int64_t lots
    while low < high:
        middle = (low + high) >> 1
        if curve.ladder.ask_price[middle] <= price_ticks:
            low = middle + 1
        else:
            high = middle
    lots = curve.cursor.net_lots - curve.ladder.ask_lots[low - 1] if low != 0 else 0
    if lots <= 0:
        return 0
    return lots_for(INT64_MAX - curve.cursor.cash_notional, lots, price_ticks)

cdef inline int64_t curve_lots(const Curve *curve, int side, int64_t price_ticks) noexcept nogil:
    """Lots the curve would buy or sell in all at one price. O(log rungs)."""
    return curve_demand(curve, price_ticks) if side == BUY else curve_supply(curve, price_ticks)

cdef inline int64_t lots_at(const Crossing *crossing, int side, int64_t price_ticks) noexcept nogil:
    """Lots that a side wants at a price. O(log steps)."""
    cdef int64_t lots = schedule_at(&crossing.side[side], side, price_ticks)
    return lots + curve_lots(crossing.curve, side, price_ticks) if crossing.curve != NULL else lots

cdef inline int64_t surplus_at(const Crossing *crossing, int64_t price_ticks) noexcept nogil:
    """Demand less supply."""
    return lots_at(crossing, BUY, price_ticks) - lots_at(crossing, SELL, price_ticks)

# What the best price has most of: volume, then least imbalance.
cdef struct Merit:
    int64_t paired_lots
    int64_t imbalance_lots

cdef inline Merit merit_at(const Crossing *crossing, int64_t price_ticks) noexcept nogil:
    cdef int64_t demand_lots = lots_at(crossing, BUY, price_ticks)
    cdef int64_t supply_lots = lots_at(crossing, SELL, price_ticks)
    cdef int64_t paired_lots = min(demand_lots, supply_lots)
    return Merit(paired_lots, max(demand_lots, supply_lots) - paired_lots)

cdef inline bint same_merit(const Merit *a, const Merit *b) noexcept nogil:
    return a.paired_lots == b.paired_lots and a.imbalance_lots == b.imbalance_lots

cdef inline bint better_merit(const Merit *a, const Merit *b) noexcept nogil:
    if a.paired_lots != b.paired_lots:
        return a.paired_lots > b.paired_lots
    return a.imbalance_lots < b.imbalance_lots

cdef enum:
    # Conditions that hold up to some price and not beyond it.
    UNTIL_SHORT = 0         # the surplus is 0 or more
    UNTIL_BEST = 1          # below `pivot` and not as good as `best`
    WHILE_BEST = 2          # up to `pivot`, or as good as `best`

cdef inline int64_t last_price(
    const Crossing *crossing, int condition, int64_t pivot_ticks, const Merit *best
) noexcept nogil:
    """Return the last price for which a condition holds, one below the least when it never does."""
    cdef int64_t low = crossing.least_ticks - 1
    cdef int64_t high = crossing.most_ticks
    cdef int64_t middle
    cdef Merit merit
    cdef bint holds
    while low < high:
        middle = low + ((high - low + 1) >> 1)
        if condition == UNTIL_SHORT:
            holds = surplus_at(crossing, middle) >= 0
        else:
            merit = merit_at(crossing, middle)
            if condition == UNTIL_BEST:
                holds = middle < pivot_ticks and not same_merit(&merit, best)
            else:
                holds = middle <= pivot_ticks or same_merit(&merit, best)
        if holds:
            low = middle
        else:
            high = middle - 1
    return low

cdef inline Clearing clear_at(const Crossing *crossing, int64_t reference_ticks) noexcept nogil:
    """Return price, volume and surplus of an uncross; the rules stand in parbook.reference.auction.clearing.

    O(log price range x log steps).
    """
    cdef Clearing clearing = Clearing(0, 0, 0)
    cdef Merit best, merit
    cdef int64_t first_ticks, last_ticks, low_ticks, high_ticks
    if crossing.most_ticks == 0:
        return clearing
    # The best prices lie around the change of the surplus's sign.
    first_ticks = last_ticks = last_price(crossing, UNTIL_SHORT, 0, &best)
    if last_ticks < crossing.most_ticks:
        last_ticks += 1
    first_ticks = max(first_ticks, crossing.least_ticks)
    best = merit_at(crossing, first_ticks)
    merit = merit_at(crossing, last_ticks)
    if better_merit(&merit, &best):
        best = merit
        first_ticks = last_ticks
    elif not same_merit(&merit, &best):
        last_ticks = first_ticks
    if best.paired_lots == 0:
        return clearing
    low_ticks = last_price(crossing, UNTIL_BEST, first_ticks, &best) + 1
    high_ticks = last_price(crossing, WHILE_BEST, last_ticks, &best)
    if surplus_at(crossing, high_ticks) > 0:
        clearing.price_ticks = high_ticks
    elif surplus_at(crossing, low_ticks) < 0:
        clearing.price_ticks = low_ticks
    else:
        if reference_ticks == 0:
            reference_ticks = low_ticks + ((high_ticks - low_ticks) >> 1)
        clearing.price_ticks = min(max(reference_ticks, low_ticks), high_ticks)
    merit = merit_at(crossing, clearing.price_ticks)
    clearing.paired_lots = merit.paired_lots
    clearing.surplus_lots = surplus_at(crossing, clearing.price_ticks)
    return clearing
