"""Every stock's book, built from LOG records. Twin of parbook.logs.books, which specifies it."""
cimport cython
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from parbook._built cimport (
    Books, COUNTERS, LOTS_BITS, Level, Line, NOBODY, Order, PRICE_BITS, SYMBOLS_LIMIT, TOGETHER, above, books_clear,
    books_init, follow_some, key_of, level_of, order_of, put_in_order, seat_of,
)
from parbook._itch cimport ItchDecoder
from parbook._log cimport LogRecord
from parbook._refs cimport refs_find
from parbook._types cimport NIL

import numpy as np

from parbook.errors import InvariantError, MisuseError
from parbook.logs.books import COUNTS, LOTS_MAX, PRICE_MAX, SYMBOLS_MAX, BuiltLevel, BuiltOrder, checked_line
from parbook.logs.records import LOG
from parbook.units import checked_int

if sizeof(LogRecord) != LOG.itemsize or len(COUNTS) != COUNTERS:
    raise ImportError("parbook._itchbook was compiled for another LOG record. Build parbook again.")
if (PRICE_BITS, LOTS_BITS, SYMBOLS_LIMIT) != (PRICE_MAX.bit_length() - 1, LOTS_MAX.bit_length(), SYMBOLS_MAX):
    raise ImportError("parbook._itchbook was compiled for other ranges. Build parbook again.")


cdef int follow_all(Books *books, const LogRecord *records, Py_ssize_t count) noexcept nogil:
    """Follow all messages in order; -1 when there is no memory, with those before followed."""
    cdef Py_ssize_t at = 0
    while at < count:
        if follow_some(books, records + at, min(count - at, TOGETHER), False) != 0:
            return -1
        at += TOGETHER
    return 0


cdef int decode_all(
    Books *books, ItchDecoder decoder, const uint8_t *block, Py_ssize_t size, Py_ssize_t *consumed, int *fault
) noexcept nogil:
    """Decode a block and follow what comes out, a few records at a time, so that they stay in the nearest cache.

    -1 when there is no memory, with the messages before followed.
    """
    cdef LogRecord records[TOGETHER]
    cdef Py_ssize_t count = TOGETHER
    cdef Py_ssize_t taken
    consumed[0] = 0
    while count == TOGETHER:
        fault[0] = decoder.decode_some(
            block + consumed[0], size - consumed[0], records, TOGETHER, &taken, &count, False
        )
        consumed[0] += taken
        if follow_some(books, records, count, True) != 0:
            return -1
    return 0


@cython.final
cdef class BookBuilder:
    """The books of all symbols of a log. See the stub for the contract."""

    cdef Books books

    def __cinit__(self):
        books_init(&self.books)

    def __dealloc__(self):
        books_clear(&self.books)

    @property
    def counts(self):
        return {name: self.books.counts[i] for i, name in enumerate(COUNTS)}

    def __len__(self):
        return self.books.resting

    def feed(self, records):
        cdef const uint8_t[::1] view
        cdef Py_ssize_t count
        cdef int result
        if not isinstance(records, np.ndarray) or records.dtype != LOG or records.ndim != 1:
            raise MisuseError("records must be a one-dimensional array of LOG records.")
        view = np.ascontiguousarray(records).view(np.uint8)
        count = view.shape[0] // <Py_ssize_t>sizeof(LogRecord)
        if count == 0:
            return
        with nogil:
            result = follow_all(&self.books, <const LogRecord *>&view[0], count)
        if result != 0:
            raise MemoryError("There is no memory for the books of this log.")

    def feed_itch(self, ItchDecoder decoder not None, const uint8_t[::1] block):
        cdef Py_ssize_t consumed = 0
        cdef int fault = 0
        cdef int result
        if block.shape[0] == 0:
            return 0, 0
        with nogil:
            result = decode_all(&self.books, decoder, &block[0], block.shape[0], &consumed, &fault)
        if result != 0:
            raise MemoryError("There is no memory for the books of this log.")
        return consumed, fault

    def order(self, order_id):
        cdef uint64_t ref = checked_int(order_id, "order_id", 0, 2**64 - 1)
        cdef uint32_t slot = refs_find(&self.books.refs, ref)
        cdef Level *level
        if slot == NIL:
            return None
        level = level_of(&self.books, order_of(&self.books, slot).level)
        return BuiltOrder(level.line >> 1, level.line & 1, level.price, order_of(&self.books, slot).lots)

    def best(self, symbol, side):
        return next(iter(self.levels(symbol, side, 1)), None)

    def levels(self, symbol, side, count):
        cdef uint32_t number = checked_line(symbol, side)
        cdef uint32_t wanted = checked_int(count, "count", 0, 2**31 - 1)
        cdef uint32_t at
        cdef Line *line
        cdef Level *level
        out = []
        if number < self.books.line_count:
            line = &self.books.lines[number]
            put_in_order(line)
            at = line.count
            while at > 0 and wanted > 0:
                at -= 1
                level = level_of(&self.books, line.places[at].level)
                if level.orders != 0:
                    out.append(BuiltLevel(level.price, level.lots, level.orders))
                    wanted -= 1
        return out

    def queue(self, symbol, side, price_ticks):
        cdef uint32_t number = checked_line(symbol, side)
        cdef int64_t price = checked_int(price_ticks, "price_ticks", 1, PRICE_MAX)
        cdef uint32_t at, slot
        cdef Line *line
        out = []
        if number >= self.books.line_count:
            return out
        line = &self.books.lines[number]
        put_in_order(line)
        at = above(line.places, line.count, key_of(number, price))
        if at and line.places[at - 1].key == key_of(number, price):
            slot = level_of(&self.books, line.places[at - 1].level).tail
            while slot != NOBODY:
                out.append(order_of(&self.books, slot).ref)
                slot = order_of(&self.books, slot).prev
        out.reverse()
        return out

    def check(self):
        cdef uint32_t number, at
        cdef uint64_t found = 0
        cdef Line *line
        for number in range(self.books.line_count):
            line = &self.books.lines[number]
            put_in_order(line)
            for at in range(line.count):
                if at and line.places[at - 1].key >= line.places[at].key:
                    raise InvariantError(f"built book: prices of symbol {number >> 1} are out of order")
                found += self._checked_level(number, line.places[at].level, line.places[at].key)
        if found != self.books.resting:
            raise InvariantError(f"built book: {self.books.resting} orders rest, {found} are queued")

    cdef uint64_t _checked_level(self, uint32_t number, uint32_t slot, int64_t key) except? 0:
        """Return the number of orders queued at a level; InvariantError unless it adds up and each is found."""
        cdef Level *level = level_of(&self.books, slot)
        cdef uint32_t at = level.tail
        cdef uint32_t behind = NOBODY
        cdef uint64_t orders = 0
        cdef int64_t lots = 0
        cdef Order *order
        while at != NOBODY:
            order = order_of(&self.books, at)
            if order.level != slot or order.next != behind or refs_find(&self.books.refs, order.ref) != at:
                raise InvariantError(f"built book: order {order.ref} is not where its queue has it")
            lots += order.lots
            orders += 1
            behind = at
            at = order.prev
        if seat_of(&self.books, number, level.price)[0] != slot:
            raise InvariantError(f"built book: the level at {level.price} is not found by its price")
        if (level.orders, level.lots, level.line) != (orders, lots, number):
            raise InvariantError(f"built book: the level at {level.price} does not add up")
        if key != key_of(number, level.price):
            raise InvariantError(f"built book: the level at {level.price} is filed under another price")
        return orders
