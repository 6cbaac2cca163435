"""Nasdaq TotalView-ITCH 5.0, decoded a block at a time into LOG records.

The format is tabulated in `parbook.logs.itch_encode`. The decoder keeps no orders: the side and price of an
execution, cancel or delete are in the book, not in the message, and stay 0 here. What it does keep between
blocks is the framing, the clock and which stock each locate code stands for.
"""
cimport cython
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from parbook._log cimport (
    LOG_ADD, LOG_CROSS, LOG_DELETE, LOG_EXECUTE, LOG_HALT, LOG_HIDDEN_TRADE, LOG_OTHER, LOG_REDUCE, LOG_REPLACE,
    LOG_RESUME, LogRecord,
)
from parbook._types cimport pb_unlikely

import numpy as np

from parbook.errors import MisuseError
from parbook.logs.records import LOG
from parbook.units import checked_int


cdef extern from * nogil:
    """
    #include <stdint.h>
    #include <string.h>
    #define PB_ITCH_DAY_NS INT64_C(86400000000000)
    static inline uint16_t be16(const uint8_t *p) { uint16_t v; memcpy(&v, p, 2); return __builtin_bswap16(v); }
    static inline uint16_t raw16(const uint8_t *p) { uint16_t v; memcpy(&v, p, 2); return v; }
    static inline uint16_t swapped16(uint16_t v) { return __builtin_bswap16(v); }
    static inline uint32_t be32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return __builtin_bswap32(v); }
    static inline uint64_t be64(const uint8_t *p) { uint64_t v; memcpy(&v, p, 8); return __builtin_bswap64(v); }
    static inline uint64_t raw64(const uint8_t *p) { uint64_t v; memcpy(&v, p, 8); return v; }
    static inline void put_head(void *record, uint32_t head, uint32_t symbol) {
        uint64_t v = head | (uint64_t)symbol << 32;
        memcpy(record, &v, 8);
    }
    """
    uint16_t be16(const uint8_t *p)
    uint16_t raw16(const uint8_t *p)
    uint16_t swapped16(uint16_t v)
    uint32_t be32(const uint8_t *p)
    uint64_t be64(const uint8_t *p)
    uint64_t raw64(const uint8_t *p)
    # A variable would be read again for every message.
    const int64_t DAY_NS "PB_ITCH_DAY_NS"
    # Kind, side, printable, type and symbol in one store: eight bytes stored apart would keep a reader waiting.
    void put_head(void *record, uint32_t head, uint32_t symbol)


cpdef enum Fault:
    NONE = 0
    END_OF_SESSION = 1
    UNKNOWN_TYPE = 2
    LENGTH = 3
    TIME_REVERSED = 4
    TIME_OF_DAY = 5
    STOCK_NAME = 6
    STOCK_CHANGED = 7
    STOCK_TWICE = 8
    LOCATE_UNKNOWN = 9
    SIDE = 10
    SHARES = 11
    PRICE = 12
    ORDER_REFERENCE = 13
    PRINTABLE = 14
    TRADING_STATE = 15
    SYSTEM_EVENT = 16
    PREFIX_MIXED = 17

cdef enum:
    FRAMING_UNKNOWN = 0
    FRAMING_PREFIXED = 1
    FRAMING_ZERO = 2

cdef enum:
    # In STOCK_AT: the message has a locate but no stock, so the locate must have been named before.
    BY_LOCATE = 255
    PREFIX_BYTES = 2
    SHORTEST_FRAME = 14
    LONGEST_ORDER_FRAME = 42

    # Of the first word of a record.
    SIDE_BIT = 1 << 8
    PRINTABLE_BIT = 1 << 16

cdef uint64_t NO_MASK = ~<uint64_t>0
cdef uint64_t INT64_LIMIT = <uint64_t>1 << 63

if sizeof(LogRecord) != LOG.itemsize:
    raise ImportError("parbook._itch was compiled for another LOG record. Build parbook again.")

cdef uint8_t LENGTH_OF[256]
cdef uint8_t STOCK_AT[256]

cdef struct Form:               # where a message about an order has what; what it has not has the mask 0
    uint64_t new_mask
    uint64_t match_mask
    uint64_t stock_mask
    uint32_t lots_mask
    uint32_t price_mask
    uint32_t head               # kind, printable and type as a record begins with them
    uint32_t flag_bit           # what the other flag adds to it
    uint16_t prefix             # the length, as it stands before a message
    uint8_t lots_at             # 0 for what it has not: the type stands there, which is never 0
    uint8_t price_at
    uint8_t new_at
    uint8_t match_at
    uint8_t stock_at
    uint8_t flag_at
    uint8_t flag                # B of B and S, N of N and Y: the other one is odd where this is even, or the reverse
    uint8_t flag_odd            # the bits in which they differ
    uint8_t padding[14]         # to a power of two: an entry is found by a shift

cdef Form FORMS[256]


cdef void _fill_tables() except *:
    cdef int i
    for i in range(256):
        LENGTH_OF[i] = 0
        STOCK_AT[i] = 0
    for kind, length, stock_at in (
        (b"S", 12, 0), (b"R", 39, 11), (b"H", 25, 11), (b"Y", 20, 11), (b"L", 26, 15), (b"V", 35, 0),
        (b"W", 12, 0), (b"K", 28, 11), (b"J", 35, 11), (b"h", 21, 11), (b"A", 36, 24), (b"F", 40, 24),
        (b"E", 31, BY_LOCATE), (b"C", 36, BY_LOCATE), (b"X", 23, BY_LOCATE), (b"D", 19, BY_LOCATE),
        (b"U", 35, BY_LOCATE), (b"P", 44, 24), (b"Q", 40, 19), (b"B", 19, BY_LOCATE), (b"I", 50, 28),
        (b"N", 20, 11), (b"O", 48, 11),
    ):
        LENGTH_OF[<int>kind[0]] = length
        STOCK_AT[<int>kind[0]] = stock_at


cdef void _fill_forms() except *:
    cdef Form *form
    cdef int i
    memset(FORMS, 0, sizeof(FORMS))
    for i in range(256):
        # A flag that its own type byte cannot be: all other types are left to `_exactly`.
        FORMS[i].flag = i ^ 0xFF
    for kind, log_kind, lots_at, price_at, new_at, match_at, flag_at, flags, flag_bit in (
        (b"A", LOG_ADD, 20, 32, 0, 0, 19, b"BS", SIDE_BIT),
        (b"F", LOG_ADD, 20, 32, 0, 0, 19, b"BS", SIDE_BIT),
        # Without a flag the type itself stands for one that is always right.
        (b"D", LOG_DELETE, 0, 0, 0, 0, 0, b"DD", 0),
        (b"X", LOG_REDUCE, 19, 0, 0, 0, 0, b"XX", 0),
        (b"E", LOG_EXECUTE | PRINTABLE_BIT, 19, 0, 0, 23, 0, b"EE", 0),
        (b"C", LOG_EXECUTE, 19, 32, 0, 23, 31, b"NY", PRINTABLE_BIT),
        (b"U", LOG_REPLACE, 27, 31, 19, 0, 0, b"UU", 0),
    ):
        form = &FORMS[<int>kind[0]]
        form.prefix = swapped16(LENGTH_OF[<int>kind[0]])
        form.head = log_kind | kind[0] << 24
        form.flag_bit = flag_bit
        form.flag_at, form.flag, form.flag_odd = flag_at, flags[0], flags[0] ^ flags[1]
        form.lots_at, form.price_at, form.new_at, form.match_at = lots_at, price_at, new_at, match_at
        form.lots_mask = 0xFFFFFFFF if lots_at else 0
        form.price_mask = 0xFFFFFFFF if price_at else 0
        form.new_mask = NO_MASK if new_at else 0
        form.match_mask = NO_MASK if match_at else 0
        if STOCK_AT[<int>kind[0]] != BY_LOCATE:
            form.stock_at = STOCK_AT[<int>kind[0]]
            form.stock_mask = NO_MASK


_fill_tables()
_fill_forms()


cdef inline void _begin(LogRecord *r, uint8_t kind, int64_t ts_ns, uint64_t place) noexcept nogil:
    """Fill what every record has and clear the rest."""
    r.side = 0
    r.printable = 0
    r.raw_type = kind
    r.ts_ns = ts_ns
    r.order_id = 0
    r.new_order_id = 0
    r.price_ticks = 0
    r.qty_lots = 0
    r.match_id = 0
    r.place = place


cdef inline int _decode_state(const uint8_t *m, uint8_t kind, LogRecord *r) noexcept nogil:
    """Fill the kind of a message that is no order and no trade; return a Fault."""
    cdef uint8_t flag
    r.kind = LOG_OTHER
    if kind == c"H":
        flag = m[19]
        r.kind = LOG_RESUME if flag == c"T" else LOG_HALT
        return NONE if flag == c"T" or flag == c"H" or flag == c"P" or flag == c"Q" else TRADING_STATE
    if kind == c"h":
        flag = m[20]
        r.kind = LOG_RESUME if flag == c"T" else LOG_HALT
        return NONE if flag == c"T" or flag == c"H" else TRADING_STATE
    if kind == c"S":
        flag = m[11]
        if not (flag == c"O" or flag == c"S" or flag == c"Q" or flag == c"M" or flag == c"E" or flag == c"C"):
            return SYSTEM_EVENT
    return NONE


cdef inline int _decode_trade(const uint8_t *m, uint8_t kind, LogRecord *r) noexcept nogil:
    """Fill the fields of an execution with a price of its own, a trade or a cross; return a Fault."""
    cdef uint8_t flag
    cdef uint64_t wide
    if kind == c"C":
        r.kind = LOG_EXECUTE
        r.order_id = be64(m + 11)
        r.qty_lots = be32(m + 19)
        r.match_id = be64(m + 23)
        flag = m[31]
        r.price_ticks = be32(m + 32)
        r.printable = flag == c"Y"
        if flag != c"Y" and flag != c"N":
            return PRINTABLE
        if r.price_ticks == 0:
            return PRICE
    elif kind == c"P":
        r.kind = LOG_HIDDEN_TRADE
        r.printable = 1
        r.order_id = be64(m + 11)
        flag = m[19]
        r.qty_lots = be32(m + 20)
        r.price_ticks = be32(m + 32)
        r.match_id = be64(m + 36)
        r.side = flag == c"S"
        if flag != c"B" and flag != c"S":
            return SIDE
        if r.price_ticks == 0:
            return PRICE
        return NONE if r.qty_lots != 0 else SHARES
    elif kind == c"Q":
        r.kind = LOG_CROSS
        r.printable = 1
        wide = be64(m + 11)
        r.qty_lots = <int64_t>(wide & (INT64_LIMIT - 1))
        r.price_ticks = be32(m + 27)
        r.match_id = be64(m + 31)
        return NONE if wide < INT64_LIMIT else SHARES
    else:
        return _decode_state(m, kind, r)
    return NONE if r.qty_lots != 0 else SHARES


cdef inline int _decode_order(const uint8_t *m, uint8_t kind, LogRecord *r) noexcept nogil:
    """Fill the fields that the message at `m` carries behind its header; return a Fault."""
    cdef uint8_t flag
    if kind == c"A" or kind == c"F":
        r.kind = LOG_ADD
        r.order_id = be64(m + 11)
        flag = m[19]
        r.qty_lots = be32(m + 20)
        r.price_ticks = be32(m + 32)
        r.side = flag == c"S"
        if flag != c"B" and flag != c"S":
            return SIDE
        if r.price_ticks == 0:
            return PRICE
    elif kind == c"D":
        r.kind = LOG_DELETE
        r.order_id = be64(m + 11)
        return NONE
    elif kind == c"E":
        r.kind = LOG_EXECUTE
        r.printable = 1
        r.order_id = be64(m + 11)
        r.qty_lots = be32(m + 19)
        r.match_id = be64(m + 23)
    elif kind == c"X":
        r.kind = LOG_REDUCE
        r.order_id = be64(m + 11)
        r.qty_lots = be32(m + 19)
    elif kind == c"U":
        r.kind = LOG_REPLACE
        r.order_id = be64(m + 11)
        r.new_order_id = be64(m + 19)
        r.qty_lots = be32(m + 27)
        r.price_ticks = be32(m + 31)
        if r.new_order_id == r.order_id:
            return ORDER_REFERENCE
        if r.price_ticks == 0:
            return PRICE
    else:
        return _decode_trade(m, kind, r)
    return NONE if r.qty_lots != 0 else SHARES


cdef inline Py_ssize_t _orders(
    ItchDecoder self, const uint8_t *block, Py_ssize_t size, LogRecord *out, Py_ssize_t room, Py_ssize_t *count,
    bint selected, bint whole
) noexcept nogil:
    """Decode messages about orders as long as nothing is wrong or unusual; return the bytes taken.

    Which of the seven types comes next cannot be guessed, so nothing branches on it. A table says where a type has
    what, and all that may be wrong is asked at once. What is not plainly right is left to `_exactly`. `selected`: one
    stock alone is wanted; not `whole`: only what the books read is. Both are constants where the call stands.
    """
    cdef const uint8_t *m = block + PREFIX_BYTES
    cdef const uint8_t *last = m + size - LONGEST_ORDER_FRAME
    cdef const Form *form
    cdef LogRecord *r = out
    cdef uint64_t place = self.place - <uint64_t>m
    cdef uint64_t stock, order_id, new_order_id, unequal, passed = 0
    cdef uint32_t locate, price, lots, flag, other
    cdef int64_t ts_ns, below, last_ns = self.last_ns
    while m <= last and r < out + room:
        form = &FORMS[m[0]]
        locate = be16(m + 1)
        ts_ns = <int64_t>(be64(m + 5) >> 16)
        stock = self.stock_of[locate]
        order_id = be64(m + 11)
        lots = be32(m + form.lots_at)
        price = be32(m + form.price_at)
        new_order_id = be64(m + form.new_at)
        # Which of the two that a flag may be: all ones for the other. Then what is wrong with it.
        flag = m[form.flag_at] ^ form.flag
        other = 0 - (flag & 1)
        unequal = (
            (raw16(m - PREFIX_BYTES) ^ form.prefix) | (flag ^ (form.flag_odd & other))
            | ((stock ^ raw64(m + form.stock_at)) & form.stock_mask)
        )
        # Negative when one of them is: time reversed or past the day; no lots, no price, no stock named so far.
        below = (
            (ts_ns - last_ns) | (DAY_NS - 1 - ts_ns) | (<int64_t>lots - 1) | (<int64_t>price - 1) | <int64_t>(stock - 1)
        )
        if pb_unlikely((below < 0) | (unequal != 0) | (order_id == new_order_id)):
            break
        put_head(r, form.head | (form.flag_bit & other), 0 if selected else self.index_of[locate])
        r.order_id = order_id
        r.new_order_id = new_order_id & form.new_mask
        r.price_ticks = price & form.price_mask
        r.qty_lots = lots & form.lots_mask
        if whole:
            r.ts_ns = ts_ns
            r.match_id = be64(m + form.match_at) & form.match_mask
            r.place = place + <uint64_t>m
        last_ns = ts_ns
        m += LENGTH_OF[m[0]] + PREFIX_BYTES
        if selected and locate != <uint32_t>self.only_locate:
            passed += 1
        else:
            r += 1
    self.last_ns = last_ns
    self.messages = self.messages + passed + <uint64_t>(r - out)
    self.place = place + <uint64_t>m
    count[0] = r - out
    return m - PREFIX_BYTES - block


@cython.final
cdef class ItchDecoder:
    """Turns consecutive blocks of one ITCH 5.0 file into LOG records. See the stub for the contract."""

    def __cinit__(self):
        self.only_locate = -1

    @property
    def zero_prefixes(self):
        return self.framing == FRAMING_ZERO

    def symbols(self, first=0):
        cdef uint32_t i
        cdef uint32_t start = checked_int(first, "first", 0, LOCATES)
        out = []
        for i in range(start, self.name_count):
            out.append((<uint8_t *>&self.names[i])[:8].decode("ascii").rstrip(" "))
        return out

    def select(self, symbol):
        """Keep only messages of `symbol` from here on, as symbol 0; False when no message has named it yet."""
        cdef uint32_t locate
        if self.only_locate >= 0:
            raise MisuseError("select() was called before. Make a new ItchDecoder for another symbol.")
        for locate in range(<uint32_t>LOCATES):
            if self.stock_of[locate]:
                name = (<uint8_t *>&self.stock_of[locate])[:8].decode("ascii").rstrip(" ")
                if name == symbol:
                    self.only_locate = locate
                    return True
        return False

    def rewind(self):
        """Go back to the start of the file; stocks already named stay named."""
        self.framing = FRAMING_UNKNOWN
        self.last_ns = 0
        self.messages = 0
        self.place = 0

    def decode(self, const uint8_t[::1] block):
        cdef Py_ssize_t size = block.shape[0]
        cdef Py_ssize_t consumed = 0
        cdef Py_ssize_t count = 0
        cdef Py_ssize_t room
        cdef int fault = NONE
        cdef uint8_t[::1] raw
        if size == 0:
            return np.empty(0, LOG), 0, NONE
        room = size // SHORTEST_FRAME + 1
        records = np.empty(room, LOG)
        raw = records.view(np.uint8)
        with nogil:
            fault = self.decode_some(&block[0], size, <LogRecord *>&raw[0], room, &consumed, &count, True)
        del raw
        # A sparse slice would keep the whole allocation alive.
        out = records[:count].copy() if count < len(records) // 8 else records[:count]
        return out, consumed, fault

    cdef int decode_some(
        self, const uint8_t *block, Py_ssize_t size, LogRecord *out, Py_ssize_t room, Py_ssize_t *consumed,
        Py_ssize_t *count, bint whole
    ) noexcept nogil:
        cdef Py_ssize_t at = 0
        cdef Py_ssize_t made = 0
        cdef Py_ssize_t taken, kept
        cdef int fault = NONE
        while True:
            kept = 0
            if self.framing == FRAMING_PREFIXED and size - at >= LONGEST_ORDER_FRAME:
                if self.only_locate >= 0:
                    at += _orders(self, block + at, size - at, out + made, room - made, &kept, True, True)
                elif whole:
                    at += _orders(self, block + at, size - at, out + made, room - made, &kept, False, True)
                else:
                    at += _orders(self, block + at, size - at, out + made, room - made, &kept, False, False)
            made += kept
            if made == room:
                break
            taken = self._exactly(block + at, size - at, out + made, &kept, &fault)
            if taken == 0:
                break
            at += taken
            made += kept
        consumed[0] = at
        count[0] = made
        return fault

    cdef Py_ssize_t _exactly(
        self, const uint8_t *p, Py_ssize_t size, LogRecord *r, Py_ssize_t *count, int *fault
    ) noexcept nogil:
        """Decode one message of any type; return the bytes taken, 0 when it is incomplete or wrong: `fault` says."""
        cdef const uint8_t *m = p + PREFIX_BYTES
        cdef int64_t ts_ns
        cdef uint16_t locate
        cdef uint8_t kind, need, stock_at
        count[0] = 0
        if size <= PREFIX_BYTES:
            # Two bytes alone: the prefix of a message whose type is still to come, or the end-of-session mark.
            if size == PREFIX_BYTES and self.framing == FRAMING_PREFIXED and be16(p) == 0:
                fault[0] = END_OF_SESSION
            return 0
        kind = m[0]
        need = LENGTH_OF[kind]
        if be16(p) != (need if self.framing == FRAMING_PREFIXED else 0) or need == 0:
            fault[0] = self._frame(be16(p), need)
            if fault[0] != NONE:
                return 0
        elif self.framing == FRAMING_UNKNOWN:
            self.framing = FRAMING_ZERO
        if size - PREFIX_BYTES < need:
            return 0
        locate = be16(m + 1)
        ts_ns = <int64_t>(be64(m + 5) >> 16)
        if ts_ns < self.last_ns or ts_ns >= DAY_NS:
            fault[0] = TIME_REVERSED if ts_ns < self.last_ns else TIME_OF_DAY
            return 0
        stock_at = STOCK_AT[kind]
        if stock_at != 0:
            fault[0] = self._stock(m, stock_at, locate)
            if fault[0] != NONE:
                return 0
        if self.only_locate < 0 or (locate == self.only_locate and stock_at != 0):
            _begin(r, kind, ts_ns, self.place)
            r.symbol = self.index_of[locate] if self.only_locate < 0 and stock_at != 0 else 0
            fault[0] = _decode_order(m, kind, r)
            if fault[0] != NONE:
                return 0
            count[0] = 1
        self.last_ns = ts_ns
        self.messages = self.messages + 1
        self.place = self.place + PREFIX_BYTES + need
        return PREFIX_BYTES + need

    cdef inline int _stock(self, const uint8_t *m, uint8_t stock_at, uint16_t locate) noexcept nogil:
        """Hold a message's locate against the stock it names, or against those named before."""
        if stock_at == BY_LOCATE:
            return NONE if self.stock_of[locate] != 0 else LOCATE_UNKNOWN
        if self.stock_of[locate] == raw64(m + stock_at):
            return NONE
        return self._name(locate, raw64(m + stock_at))

    cdef int _frame(self, uint16_t prefix, uint8_t need) noexcept nogil:
        """Settle the framing on the first message; name what is wrong with a later prefix."""
        if self.framing == FRAMING_PREFIXED and prefix == 0:
            return END_OF_SESSION
        if need == 0:
            return UNKNOWN_TYPE
        if self.framing == FRAMING_ZERO:
            return PREFIX_MIXED
        if prefix != need:
            return LENGTH
        self.framing = FRAMING_PREFIXED
        return NONE

    cdef int _name(self, uint16_t locate, uint64_t stock) noexcept nogil:
        """Let `locate` stand for the 8 bytes `stock`: printable, left-justified, new to both."""
        cdef const uint8_t *text = <const uint8_t *>&stock
        cdef bint padding = False
        cdef uint32_t i
        for i in range(8):
            if text[i] < 0x20 or text[i] > 0x7E or (padding and text[i] != 0x20):
                return STOCK_NAME
            padding = text[i] == 0x20
        if text[0] == 0x20:
            return STOCK_NAME
        if self.stock_of[locate] != 0:
            return STOCK_CHANGED
        for i in range(self.name_count):
            if self.names[i] == stock:
                return STOCK_TWICE
        self.stock_of[locate] = stock
        self.index_of[locate] = self.name_count
        self.names[self.name_count] = stock
        # Not +=: under nonecheck, which checked builds turn on, Cython wants the GIL for it.
        self.name_count = self.name_count + 1
        return NONE
