# The price of an auction, from a schedule of each side. Pure: knows nothing of book, accounts or events.
#
# Demand falls and supply rises with the price, so every set of tied prices is an interval, and its ends are found by
# bisection over the whole price domain.
from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport free, realloc
from libc.string cimport memset

from parbook._quotes cimport Curve
from parbook._types cimport BUY, INT64_MAX, PRICE_TICKS_MAX, SELL, pb_div

cdef enum:
    STEPS_FIRST = 64

# `lots` of all orders at this price or a better one.
cdef struct ScheduleStep:
    int64_t price_ticks
    int64_t lots

# One side's orders, best price first; orders without a limit stand at the end of the price domain.
cdef struct Schedule:
    ScheduleStep *steps
    uint32_t count
    uint32_t capacity

cdef struct Crossing:
    Schedule side[2]
    const Curve *curve      # NULL when it takes no part

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
    """Lots of the orders that accept a price. O(log steps)."""
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
    return schedule.steps[low - 1].lots if low != 0 else 0
