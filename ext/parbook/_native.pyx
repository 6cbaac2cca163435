"""The compiled market for programs in C: a table of functions in the capsule `API`. See parbook/include/parbook.h."""

from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int64_t, uint32_t, uint64_t

from parbook._book cimport Book, book_find_level, level_at, order_at
from parbook._desk cimport Desk, desk_hold_events, desk_reserve
from parbook._identity cimport DEAD, client_find
from parbook._dispatch cimport is_plain
from parbook._ids cimport ids_find
from parbook._market cimport Market, market_plain, market_run
from parbook._types cimport *

from parbook.errors import MisuseError

# The counters at the head of a Desk, for callers that know nothing else of it. Held against Desk by a test.
cdef struct Front:
    Event *events
    uint64_t events_mask
    uint64_t grown_seq
    uint64_t keep_seq
    uint64_t next_seq
    uint64_t next_command
    uint64_t next_order_id
    int64_t now_ns
    int64_t last_trade_ticks

cdef struct NativeApi:
    uint32_t version
    uint32_t command_bytes
    uint32_t event_bytes
    uint32_t front_bytes
    Desk *(*take)(object market) except NULL
    int (*give_back)(object market) except -1
    int (*reserve)(Desk *desk, uint32_t commands) noexcept nogil
    int64_t (*run)(Desk *desk, const Command *commands, int64_t count) noexcept nogil
    int (*hold_events)(Desk *desk, uint64_t events) noexcept nogil
    int64_t (*best_ticks)(const Desk *desk, int side) noexcept nogil
    int64_t (*level_lots)(const Desk *desk, int side, int64_t price_ticks) noexcept nogil
    uint64_t (*open_orders)(const Desk *desk) noexcept nogil
    int64_t (*filled_lots)(const Desk *desk, uint32_t account, uint64_t order_id, uint64_t client_id) noexcept nogil
    int (*broken)(const Desk *desk) noexcept nogil


cdef Desk *native_take(object market) except NULL:
    if not isinstance(market, Market):
        raise MisuseError(f"a compiled Market is needed, not {type(market).__name__}.")
    (<Market>market)._enter()
    return &(<Market>market).desk


cdef int native_give_back(object market) except -1:
    if not isinstance(market, Market):
        raise MisuseError(f"a compiled Market is needed, not {type(market).__name__}.")
    return (<Market>market)._leave(0)


cdef int native_reserve(Desk *desk, uint32_t commands) noexcept nogil:
    return desk_reserve(desk, commands, 0)


cdef int64_t native_best_ticks(const Desk *desk, int side) noexcept nogil:
    return desk.book.best_ticks[side]


cdef int64_t native_level_lots(const Desk *desk, int side, int64_t price_ticks) noexcept nogil:
    cdef uint32_t slot = book_find_level(<Book *>&desk.book, side, price_ticks)
    return level_at(&desk.book, slot).lots if slot != NIL else 0


cdef uint64_t native_open_orders(const Desk *desk) noexcept nogil:
    return desk.book.open_orders


cdef int64_t native_filled_lots(
    const Desk *desk, uint32_t account, uint64_t order_id, uint64_t client_id
) noexcept nogil:
    cdef uint32_t slot
    if order_id != 0:
        slot = ids_find(&desk.book.ids, order_id)
    else:
        slot = client_find(&desk.ids, account, client_id)
    return order_at(&desk.book, slot).filled_lots if slot < DEAD else -1


cdef int native_broken(const Desk *desk) noexcept nogil:
    return desk.broken


cdef int native_hold_events(Desk *desk, uint64_t events) noexcept nogil:
    return desk_hold_events(desk, events)


cdef int64_t native_run(Desk *desk, const Command *commands, int64_t count) noexcept nogil:
    # One command, the commonest call, passes through here without a frame of its own.
    if pb_likely(count == 1 and is_plain(desk, commands)):
        return market_plain(desk, commands)
    return market_run(desk, commands, count, False)


cdef NativeApi functions

functions.version = 1
functions.command_bytes = sizeof(Command)
functions.event_bytes = sizeof(Event)
functions.front_bytes = sizeof(Front)
functions.take = native_take
functions.give_back = native_give_back
functions.reserve = native_reserve
functions.run = native_run
functions.hold_events = native_hold_events
functions.best_ticks = native_best_ticks
functions.level_lots = native_level_lots
functions.open_orders = native_open_orders
functions.filled_lots = native_filled_lots
functions.broken = native_broken

API = PyCapsule_New(&functions, "parbook._native.API", NULL)
