# How a call from Python becomes a command, and how its events become an answer.
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from parbook._block cimport Block
from parbook._desk cimport Desk, event_at
from parbook._ints cimport pb_small_int
from parbook._types cimport *

cdef extern from *:
    """
    /* Whether the object has one reference. Where threads share them without a lock, nobody can say. */
    static inline int pb_held_once(PyObject *object) {
    #ifdef Py_GIL_DISABLED
        (void)object;
        return 0;
    #else
        return Py_REFCNT(object) == 1;
    #endif
    }
    """
    bint pb_held_once(PyObject *object) noexcept

cdef class Placed:
    cdef readonly int code
    cdef readonly uint64_t order_id
    cdef readonly int64_t filled_lots
    cdef readonly int64_t leaves_lots
    cdef readonly uint64_t first_seq
    # 128 bits in two words: an object here would make every Placed a matter for the garbage collector.
    cdef uint64_t notional_low
    cdef uint64_t notional_high
    cdef void follow(self, const Event *event) noexcept

# Copy the events from sequence number `first` on, which must still be in the ring, behind what a block has; -1 without
# memory.
cdef int copy_events(const Desk *desk, Block block, uint64_t first) noexcept nogil

# A batch's commands as contiguous, aligned bytes; MisuseError for another dtype or shape.
cdef object checked_commands(object commands)

cdef object as_events(Block block)

cdef int64_t any_signed(object value, str name) except? -1
cdef uint64_t any_unsigned(object value, str name, uint64_t high) except? 1

cdef inline int64_t signed_of(object value, str name) except? -1:
    """Return an int's value; MisuseError for anything else, bool and float included, and beyond 64 bits."""
    cdef int64_t result
    return result if pb_small_int(value, &result) else any_signed(value, name)

cdef inline uint64_t unsigned_of(object value, str name, uint64_t high) except? 1:
    """Return an int in 0..high; MisuseError for anything else."""
    cdef int64_t small
    if pb_small_int(value, &small) and 0 <= small and <uint64_t>small <= high:
        return <uint64_t>small
    return any_unsigned(value, name, high)

# Filling in a command from Python's arguments; MisuseError for what is no int or does not fit.

cdef inline int fill_new(
    Command *command, object account, object side, object qty_lots, object price_ticks, object order_type, object tif,
    object client_id, object ts_ns
) except -1:
    cdef uint32_t head = NEW
    memset(command, 0, sizeof(Command))
    command.account = <uint32_t>unsigned_of(account, "account", 0xFFFFFFFF)
    head |= <uint32_t>unsigned_of(side, "side", 255) << 8
    command.qty_lots = signed_of(qty_lots, "qty_lots")
    command.price_ticks = signed_of(price_ticks, "price_ticks")
    if order_type is not tif or tif is not client_id or client_id is not ts_ns:
        head |= <uint32_t>unsigned_of(order_type, "order_type", 255) << 16
        head |= <uint32_t>unsigned_of(tif, "tif", 255) << 24
        command.client_id = unsigned_of(client_id, "client_id", 0xFFFFFFFFFFFFFFFF)
        command.ts_ns = signed_of(ts_ns, "ts_ns")
    else:
        # One object four times: the default, nearly always. One look tells what all of them say.
        command.client_id = unsigned_of(order_type, "order_type", 255)
        command.ts_ns = <int64_t>command.client_id
        head |= <uint32_t>command.client_id * 0x01010000
    pb_put_first_word(command, head)
    return 0

cdef inline int fill_amend(
    Command *command, object account, object order_id, object client_id, object qty_lots, object price_ticks,
    object ts_ns
) except -1:
    memset(command, 0, sizeof(Command))
    command.kind = AMEND
    command.account = <uint32_t>unsigned_of(account, "account", 0xFFFFFFFF)
    command.order_id = unsigned_of(order_id, "order_id", 0xFFFFFFFFFFFFFFFF)
    command.client_id = unsigned_of(client_id, "client_id", 0xFFFFFFFFFFFFFFFF)
    command.qty_lots = signed_of(qty_lots, "qty_lots")
    command.price_ticks = signed_of(price_ticks, "price_ticks")
    command.ts_ns = signed_of(ts_ns, "ts_ns")
    return 0

cdef inline int fill_cancel(
    Command *command, object account, object order_id, object client_id, object ts_ns
) except -1:
    memset(command, 0, sizeof(Command))
    command.kind = CANCEL
    command.account = <uint32_t>unsigned_of(account, "account", 0xFFFFFFFF)
    command.order_id = unsigned_of(order_id, "order_id", 0xFFFFFFFFFFFFFFFF)
    command.ts_ns = signed_of(ts_ns, "ts_ns")
    if client_id is ts_ns and command.ts_ns >= 0:
        # One object twice: the default, nearly always.
        command.client_id = <uint64_t>command.ts_ns
    else:
        command.client_id = unsigned_of(client_id, "client_id", 0xFFFFFFFFFFFFFFFF)
    return 0

# What a call is answered with.

cdef inline bint begins(const Event *event, const Command *command) noexcept nogil:
    if event.kind == ACCEPTED:
        return True
    if command.kind == NEW or command.kind == NEW_SPECIAL:
        return False
    if event.kind != AMENDED and event.kind != CANCELLED:
        return False
    if command.order_id:
        return event.order_id == command.order_id
    return event.account == command.account and event.other_id == command.client_id

cdef inline Placed placed_again(PyObject **last):
    """Return the answer before when nobody has kept it, else a new one. `last` holds a reference; nothing is filled in.

    A loop that looks at each answer and lets it go makes none, which is a fifteenth of the instructions of a call.
    """
    cdef Placed placed
    if pb_likely(last[0] != NULL and pb_held_once(last[0])):
        return <Placed>last[0]
    placed = Placed.__new__(Placed)
    Py_INCREF(placed)
    Py_XDECREF(last[0])
    last[0] = <PyObject *>placed
    return placed

cdef inline void put_untraded(Placed placed, int code, uint64_t order_id, uint64_t first_seq) noexcept:
    placed.code = code
    placed.order_id = order_id
    placed.filled_lots = placed.leaves_lots = 0
    placed.first_seq = first_seq
    placed.notional_low = placed.notional_high = 0

cdef inline void sum_up(Placed placed, Desk *desk, const Command *command, uint64_t first) noexcept:
    """Fill in what the events from `first` on say of a command."""
    cdef const Event *event = event_at(desk, first)
    cdef uint64_t seq = first
    cdef bint begun = False
    put_untraded(placed, 0, command.order_id, first)
    if pb_likely(event.kind == ACCEPTED and desk.next_seq != first):
        # The commonest answer, and often the whole of it.
        placed.order_id = event.order_id
        placed.leaves_lots = event.leaves_lots
        begun = True
        seq += 1
    while seq != desk.next_seq:
        event = event_at(desk, seq)
        seq += 1
        if event.kind == REJECTED:
            put_untraded(placed, event.code, command.order_id, first)
        elif begun:
            placed.follow(event)
        elif begins(event, command):
            begun = True
            placed.order_id = event.order_id
            placed.leaves_lots = 0 if event.kind == CANCELLED else event.leaves_lots

cdef inline int refusal_from(Desk *desk, uint64_t first) noexcept:
    """Return the code of the Rejected among a call's events, 0 without one; what it let loose may follow it."""
    cdef uint64_t seq
    for seq in range(first, desk.next_seq):
        if event_at(desk, seq).kind == REJECTED:
            return event_at(desk, seq).code
    return 0
