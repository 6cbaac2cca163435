# How a call from Python becomes a command, and how its events become an answer.
from libc.stdint cimport int64_t, uint64_t

from parbook._block cimport Block
from parbook._desk cimport Desk
from parbook._ints cimport pb_small_int
from parbook._types cimport Command, Event

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

# Sum up what a NEW or an AMEND did, from its events: those from `first` on.
cdef Placed placed_of(Desk *desk, const Command *command, uint64_t first)

# Whether a command's word on its own order is this event, not on one that the clock or a stop moved before it.
cdef bint begins(const Event *event, const Command *command) noexcept nogil

# A batch's commands as contiguous, aligned bytes; MisuseError for another dtype or shape.
cdef object checked_commands(object commands)

cdef object as_events(Block block)

# Fill in a command from Python's arguments; MisuseError for what is no int or does not fit.
cdef int fill_new(
    Command *command, object account, object side, object qty_lots, object price_ticks, object order_type, object tif,
    object client_id, object ts_ns
) except -1
cdef int fill_amend(
    Command *command, object account, object order_id, object client_id, object qty_lots, object price_ticks,
    object ts_ns
) except -1
cdef int fill_cancel(Command *command, object account, object order_id, object client_id, object ts_ns) except -1

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
