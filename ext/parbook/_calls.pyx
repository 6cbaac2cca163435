"""How a call from Python becomes a command, and how its events become an answer: shared by market and exchange."""

cimport cython
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_AsUnsignedLongLong
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from parbook._block cimport Block
from parbook._desk cimport Desk, event_at
from parbook._types cimport *

import numpy as np

from parbook import codes as _codes
from parbook.errors import MisuseError, shown
from parbook.records import COMMAND, EVENT

# --- reading arguments ----------------------------------------------------------------------------


cdef int64_t any_signed(object value, str name) except? -1:
    cdef int overflow = 0
    cdef int64_t result
    if isinstance(value, bool) or not isinstance(value, int):
        raise MisuseError(f"{name}={shown(value)} must be an int, not {type(value).__name__}.")
    result = PyLong_AsLongLongAndOverflow(value, &overflow)
    if overflow:
        raise MisuseError(f"{name}={shown(value)} does not fit 64 bits.")
    return result


cdef object as_events(Block block):
    """Return a block as an array of EVENT records that owns it."""
    return np.frombuffer(block, EVENT) if block.used else np.empty(0, EVENT)


cdef int copy_events(const Desk *desk, Block block, uint64_t first) noexcept nogil:
    cdef uint64_t count = desk.next_seq - first
    cdef uint64_t at = first & desk.events_mask
    cdef uint64_t straight = min(count, desk.events_mask + 1 - at)
    if block.reserve(count * sizeof(Event)) != 0:
        return -1
    memcpy(block.bytes + block.used, &desk.events[at], straight * sizeof(Event))
    block.used += straight * sizeof(Event)
    memcpy(block.bytes + block.used, desk.events, (count - straight) * sizeof(Event))
    block.used += (count - straight) * sizeof(Event)
    return 0


cdef object checked_commands(object commands):
    cdef const uint8_t[::1] view
    if not isinstance(commands, np.ndarray) or commands.dtype != COMMAND or commands.ndim != 1:
        found = getattr(commands, "dtype", type(commands).__name__)
        raise MisuseError(f"apply_batch takes a one-dimensional array of parbook.records.COMMAND, not {found}.")
    view = np.ascontiguousarray(commands).view(np.uint8)
    if view.shape[0] and <size_t>&view[0] & 7:
        # Records sliced out of a file at an odd offset: NumPy calls them aligned, C does not.
        view = commands.copy().view(np.uint8)
    return view.base


cdef uint64_t any_unsigned(object value, str name, uint64_t high) except? 1:
    cdef int overflow = 0
    cdef int64_t small
    cdef uint64_t result
    if isinstance(value, bool) or not isinstance(value, int):
        raise MisuseError(f"{name}={shown(value)} must be an int, not {type(value).__name__}.")
    small = PyLong_AsLongLongAndOverflow(value, &overflow)
    if overflow > 0 and value <= 0xFFFFFFFFFFFFFFFF:
        result = PyLong_AsUnsignedLongLong(value)
    elif overflow != 0 or small < 0:
        raise MisuseError(f"{name}={shown(value)} is outside 0..{high}.")
    else:
        result = <uint64_t>small
    if result > high:
        raise MisuseError(f"{name}={shown(value)} is outside 0..{high}.")
    return result


cdef int fill_new(
    Command *command, object account, object side, object qty_lots, object price_ticks, object order_type, object tif,
    object client_id, object ts_ns
) except -1:
    memset(command, 0, sizeof(Command))
    command.kind = NEW
    command.account = <uint32_t>unsigned_of(account, "account", 0xFFFFFFFF)
    command.side = <uint8_t>unsigned_of(side, "side", 255)
    command.qty_lots = signed_of(qty_lots, "qty_lots")
    command.price_ticks = signed_of(price_ticks, "price_ticks")
    command.order_type = <uint8_t>unsigned_of(order_type, "order_type", 255)
    command.tif = <uint8_t>unsigned_of(tif, "tif", 255)
    command.client_id = unsigned_of(client_id, "client_id", 0xFFFFFFFFFFFFFFFF)
    command.ts_ns = signed_of(ts_ns, "ts_ns")
    return 0


cdef int fill_amend(
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


cdef int fill_cancel(Command *command, object account, object order_id, object client_id, object ts_ns) except -1:
    memset(command, 0, sizeof(Command))
    command.kind = CANCEL
    command.account = <uint32_t>unsigned_of(account, "account", 0xFFFFFFFF)
    command.order_id = unsigned_of(order_id, "order_id", 0xFFFFFFFFFFFFFFFF)
    command.client_id = unsigned_of(client_id, "client_id", 0xFFFFFFFFFFFFFFFF)
    command.ts_ns = signed_of(ts_ns, "ts_ns")
    return 0

# --- answering ------------------------------------------------------------------------------------


@cython.final
@cython.freelist(64)
cdef class Placed:
    """Outcome of `place` and `amend`. Twin of `parbook.interface.Placed`, with the same attributes."""

    @property
    def notional(self):
        """Ticks x lots traded by this call."""
        return self.notional_low if self.notional_high == 0 else (<object>self.notional_high << 64) + self.notional_low

    @property
    def ok(self):
        """True when the order was accepted."""
        return self.code == 0

    @property
    def refusal(self):
        """The refusal with its documentation, or None."""
        return _codes.RejectCode(self.code) if self.code else None

    def __repr__(self):
        return (
            f"Placed(code={self.code}, order_id={self.order_id}, filled_lots={self.filled_lots}, "
            f"notional={self.notional}, leaves_lots={self.leaves_lots}, first_seq={self.first_seq})"
        )

    cdef void follow(self, const Event *event) noexcept:
        """Add what one event says of the order: most are its fills."""
        cdef uint64_t value
        if event.kind == TRADE:
            if event.other_id == self.order_id:
                self.leaves_lots = event.leaves_lots
            elif event.order_id != self.order_id:
                return
            self.filled_lots += event.qty_lots
            # A fill's notional fits 63 bits; their sum need not.
            value = <uint64_t>event.price_ticks * <uint64_t>event.qty_lots
            self.notional_low += value
            self.notional_high += self.notional_low < value
        elif event.kind == PREVENTED:
            if event.other_id == self.order_id:
                self.leaves_lots = event.leaves_lots
        elif event.order_id == self.order_id:
            if event.kind == CANCELLED:
                self.leaves_lots = 0
            elif event.kind == AMENDED or event.kind == TRIGGERED:
                self.leaves_lots = event.leaves_lots


cdef bint begins(const Event *event, const Command *command) noexcept nogil:
    if event.kind == ACCEPTED:
        return True
    if command.kind == NEW or command.kind == NEW_SPECIAL:
        return False
    if event.kind != AMENDED and event.kind != CANCELLED:
        return False
    if command.order_id:
        return event.order_id == command.order_id
    return event.account == command.account and event.other_id == command.client_id


cdef Placed placed_of(Desk *desk, const Command *command, uint64_t first):
    cdef Placed placed = Placed.__new__(Placed)
    cdef const Event *event
    cdef uint64_t seq
    cdef bint begun = False
    placed.first_seq = first
    placed.order_id = command.order_id
    for seq in range(first, desk.next_seq):
        event = event_at(desk, seq)
        if event.kind == REJECTED:
            placed = Placed.__new__(Placed)
            placed.first_seq = first
            placed.order_id = command.order_id
            placed.code = event.code
        elif begun:
            placed.follow(event)
        elif begins(event, command):
            begun = True
            placed.order_id = event.order_id
            placed.leaves_lots = 0 if event.kind == CANCELLED else event.leaves_lots
    return placed
