"""How a call from Python becomes a command, and how its events become an answer: shared by market and exchange."""

cimport cython
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_AsUnsignedLongLong
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy

from parbook._block cimport Block
from parbook._desk cimport Desk
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
