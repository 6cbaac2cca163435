# What falls due: an indexed binary heap of (time, kind, number), so that any timer can be taken back in O(log n).
# The clock that empties it stands in _clock.
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memset

from parbook._book cimport Book, special_at
from parbook._registry cimport AccountTable
from parbook._types cimport NIL, pb_assert

cdef enum:
    TIMERS_FIRST = 16

    # At one time orders come before accounts.
    TIMER_EXPIRY = 0        # number: order id, owner: slot of its Special
    TIMER_DEADMAN = 1       # number: account, owner: its place in the table

cdef struct Timer:
    uint64_t due_ns         # unsigned: an order of the last moment expires one beyond the clock's range, so never
    uint64_t number
    uint32_t kind
    uint32_t owner          # who holds this timer's position

cdef struct Timers:
    Timer *heap
    uint32_t count
    uint32_t capacity

cdef inline void timers_clear(Timers *timers) noexcept nogil:
    free(timers.heap)
    memset(timers, 0, sizeof(Timers))

cdef inline int timers_reserve(Timers *timers, uint32_t count) noexcept nogil:
    """Make room for `count` more. Returns -1 when there is no memory. O(1) amortised."""
    cdef size_t capacity = TIMERS_FIRST if timers.capacity == 0 else timers.capacity
    cdef Timer *heap
    while timers.count + <size_t>count > capacity:
        capacity *= 2
    if capacity == timers.capacity:
        return 0
    heap = <Timer *>realloc(timers.heap, capacity * sizeof(Timer))
    if heap == NULL:
        return -1
    timers.heap = heap
    timers.capacity = <uint32_t>capacity
    return 0

cdef inline bint timer_before(const Timer *a, const Timer *b) noexcept nogil:
    """Whether `a` falls due first: by time, then orders by id, then accounts by number."""
    if a.due_ns != b.due_ns:
        return a.due_ns < b.due_ns
    if a.kind != b.kind:
        return a.kind < b.kind
    return a.number < b.number

cdef inline void timer_tell(const Timers *timers, const Book *book, AccountTable *accounts, uint32_t at) noexcept nogil:
    """Let a timer's owner know where it stands."""
    cdef const Timer *timer = &timers.heap[at]
    if timer.kind == TIMER_EXPIRY:
        special_at(book, timer.owner).timer = at
    else:
        accounts.items[timer.owner].timer = at

cdef inline void timer_settle(
    Timers *timers, const Book *book, AccountTable *accounts, uint32_t at, const Timer *timer
) noexcept nogil:
    """Put a timer into the hole at `at`, moving its elders down or its juniors up. O(log timers)."""
    cdef Timer settled = timer[0]
    cdef uint32_t other
    while at != 0 and timer_before(&settled, &timers.heap[(at - 1) >> 1]):
        other = (at - 1) >> 1
        timers.heap[at] = timers.heap[other]
        timer_tell(timers, book, accounts, at)
        at = other
    while 2 * at + 1 < timers.count:
        other = 2 * at + 1
        if other + 1 < timers.count and timer_before(&timers.heap[other + 1], &timers.heap[other]):
            other += 1
        if not timer_before(&timers.heap[other], &settled):
            break
        timers.heap[at] = timers.heap[other]
        timer_tell(timers, book, accounts, at)
        at = other
    timers.heap[at] = settled
    timer_tell(timers, book, accounts, at)

cdef inline void timers_add(
    Timers *timers, const Book *book, AccountTable *accounts, uint64_t due_ns, uint32_t kind, uint64_t number,
    uint32_t owner
) noexcept nogil:
    """Start a timer. Room must have been reserved. O(log timers)."""
    cdef Timer timer
    pb_assert(timers.count < timers.capacity, "timers: add without reserve")
    timer.due_ns = due_ns
    timer.kind = kind
    timer.number = number
    timer.owner = owner
    timers.count += 1
    timer_settle(timers, book, accounts, timers.count - 1, &timer)

cdef inline void timers_drop(Timers *timers, const Book *book, AccountTable *accounts, uint32_t at) noexcept nogil:
    """Take back the timer at a position; its owner holds NIL from now on. O(log timers)."""
    cdef Timer last
    if timers.heap[at].kind == TIMER_EXPIRY:
        special_at(book, timers.heap[at].owner).timer = NIL
    else:
        accounts.items[timers.heap[at].owner].timer = NIL
    timers.count -= 1
    if at != timers.count:
        last = timers.heap[timers.count]
        timer_settle(timers, book, accounts, at, &last)
