"""Every stock's book, built from LOG records. Twin of parbook.logs.books, which specifies it.

An order is 24 bytes, queued in its level by links; a level is 32. Of each side of each symbol the occupied prices stand
in one array, best last: most messages concern prices near the best, so little is searched and little is moved.
"""
cimport cython
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memmove, memset

from parbook._refs cimport (
    REF_PAGE_REFS, REF_PAGE_SHIFT, RefEntry, RefIndex, refs_clear, refs_drop, refs_entry, refs_find, refs_home,
    refs_init, refs_make, refs_page, refs_reserve,
)
from parbook._slab cimport Slab, slab_clear, slab_give, slab_init, slab_reserve, slab_take
from parbook._types cimport NIL, pb_likely, pb_prefetch, pb_unlikely

import numpy as np

from parbook.errors import InvariantError, MisuseError
from parbook.logs.books import COUNTS, LOTS_MAX, PRICE_MAX, SYMBOLS_MAX, BuiltLevel, BuiltOrder, checked_line
from parbook.logs.records import LOG
from parbook.units import checked_int

cdef enum:
    ADD = 1
    REDUCE = 2
    DELETE = 3
    EXECUTE = 4
    REPLACE = 5

    # In the order of COUNTS; the first five at the number of their kind less one.
    QUIET = 5
    UNKNOWN_REFERENCE = 6
    DUPLICATE_REFERENCE = 7
    OVERSIZED = 8
    MALFORMED = 9
    COUNTERS = 10

    ORDERS_FIRST = 64
    LEVELS_FIRST = 32
    LINE_FIRST = 8
    NEAR = 16               # so many of the best prices are looked at one by one
    TOGETHER = 64           # records that room is made for, and that are fetched ahead, at once
    FAR_ORDERS = 16384      # above so many resting orders they no longer fit the nearer caches

cdef int64_t PRICE_LIMIT = PRICE_MAX
cdef int64_t LOTS_LIMIT = LOTS_MAX
cdef uint32_t SYMBOLS_LIMIT = SYMBOLS_MAX

cdef packed struct LogRecord:
    uint8_t kind
    uint8_t side
    uint8_t printable
    uint8_t raw_type
    uint32_t symbol
    int64_t ts_ns
    uint64_t order_id
    uint64_t new_order_id
    int64_t price_ticks
    int64_t qty_lots
    uint64_t match_id
    uint64_t place

cdef struct Order:
    uint32_t level          # overlaid by the slab's free list
    uint32_t lots
    uint32_t prev           # neighbours in the queue
    uint32_t next
    uint64_t ref

cdef struct Level:
    uint32_t head           # overlaid by the slab's free list
    uint32_t tail
    uint32_t orders
    uint32_t line
    int64_t price
    int64_t lots

cdef struct Place:
    int64_t key             # the price of a bid, the negated price of an ask: the best is the greatest
    uint32_t level
    uint32_t padding

cdef struct Line:
    Place *places           # by rising key
    uint32_t count
    uint32_t capacity

if sizeof(LogRecord) != LOG.itemsize or len(COUNTS) != COUNTERS:
    raise ImportError("parbook._itchbook was compiled for another LOG record. Build parbook again.")


cdef struct Books:
    Slab orders
    Slab levels
    RefIndex refs
    Line *lines             # of symbol s and side d: 2 s + d
    uint32_t line_count
    uint32_t resting
    uint32_t *hints         # by a hash of line and price: the level that was last seen there, or NIL
    size_t hint_count       # a power of two, or 0
    uint64_t counts[COUNTERS]


cdef inline Order *order_of(const Books *books, uint32_t slot) noexcept nogil:
    return <Order *>books.orders.items + slot


cdef inline Level *level_of(const Books *books, uint32_t slot) noexcept nogil:
    return <Level *>books.levels.items + slot


cdef inline int64_t key_of(uint32_t line, int64_t price) noexcept nogil:
    return -price if line & 1 else price


# --- prices -------------------------------------------------------------------------------------


cdef inline uint32_t above(const Line *line, int64_t key) noexcept nogil:
    """Return how many places have a key of at most `key`: it stands right before that place, or belongs there."""
    cdef uint32_t at = line.count
    cdef uint32_t low, middle
    cdef uint32_t last = at - NEAR if at > NEAR else 0
    while at > last:
        if line.places[at - 1].key <= key:
            return at
        at -= 1
    low = 0
    while low < at:
        middle = (low + at) >> 1
        if line.places[middle].key <= key:
            low = middle + 1
        else:
            at = middle
    return at


cdef int line_room(Line *line) noexcept nogil:
    """Make room for one more place; -1 when there is no memory."""
    cdef size_t capacity = <size_t>line.capacity * 2 if line.capacity else LINE_FIRST
    cdef Place *places = <Place *>realloc(line.places, capacity * sizeof(Place))
    if places == NULL:
        return -1
    line.places = places
    line.capacity = <uint32_t>capacity
    return 0


cdef int lines_room(Books *books, uint32_t symbol) noexcept nogil:
    """Make room for the two lines of a symbol; -1 when there is no memory."""
    cdef size_t count = books.line_count if books.line_count else 2
    cdef Line *lines
    while count < <size_t>symbol * 2 + 2:
        count *= 2
    lines = <Line *>realloc(books.lines, count * sizeof(Line))
    if lines == NULL:
        return -1
    memset(lines + books.line_count, 0, (count - books.line_count) * sizeof(Line))
    books.lines = lines
    books.line_count = <uint32_t>count
    return 0


cdef int hints_room(Books *books) noexcept nogil:
    """Let there be four hints for a level; those there were are forgotten. -1 when there is no memory."""
    cdef size_t count = LEVELS_FIRST * 4
    cdef uint32_t *hints
    while count < <size_t>books.levels.capacity * 4:
        count *= 2
    hints = <uint32_t *>realloc(books.hints, count * sizeof(uint32_t))
    if hints == NULL:
        return -1
    memset(hints, 0xFF, count * sizeof(uint32_t))
    books.hints = hints
    books.hint_count = count
    return 0


cdef inline uint32_t *hint_of(Books *books, uint32_t number, int64_t price) noexcept nogil:
    cdef uint64_t mixed = (<uint64_t>price + (<uint64_t>number << 40)) * <uint64_t>0x9E3779B97F4A7C15
    return &books.hints[(mixed >> 32) & (books.hint_count - 1)]


cdef inline uint32_t level_at(Books *books, uint32_t number, int64_t price) noexcept nogil:
    """Return the level of a price, made when there is none. Room must be there for it and its place."""
    cdef uint32_t *hint = hint_of(books, number, price)
    cdef uint32_t slot = hint[0]
    cdef Line *line
    cdef Level *level
    cdef int64_t key
    cdef uint32_t at
    if pb_likely(slot != NIL):
        level = level_of(books, slot)
        if pb_likely(level.price == price and level.line == number and level.orders != 0):
            return slot
    line = &books.lines[number]
    key = key_of(number, price)
    at = above(line, key)
    if at and line.places[at - 1].key == key:
        hint[0] = line.places[at - 1].level
        return hint[0]
    slot = slab_take(&books.levels, sizeof(Level))
    level = level_of(books, slot)
    level.head = NIL
    level.tail = NIL
    level.orders = 0
    level.line = number
    level.price = price
    level.lots = 0
    memmove(&line.places[at + 1], &line.places[at], (line.count - at) * sizeof(Place))
    line.places[at].key = key
    line.places[at].level = slot
    line.count += 1
    hint[0] = slot
    return slot


cdef inline void drop_level(Books *books, uint32_t slot) noexcept nogil:
    cdef Level *level = level_of(books, slot)
    cdef Line *line = &books.lines[level.line]
    cdef uint32_t at = above(line, key_of(level.line, level.price))
    memmove(&line.places[at - 1], &line.places[at], (line.count - at) * sizeof(Place))
    line.count -= 1
    slab_give(&books.levels, slot, sizeof(Level))


# --- orders -------------------------------------------------------------------------------------


cdef inline void remove(Books *books, RefEntry *entry, uint32_t slot) noexcept nogil:
    """Take an order out of its queue, and its level with it when it was the last there."""
    cdef Order *order = order_of(books, slot)
    cdef uint32_t at = order.level
    cdef Level *level = level_of(books, at)
    if order.prev == NIL:
        level.head = order.next
    else:
        order_of(books, order.prev).next = order.next
    if order.next == NIL:
        level.tail = order.prev
    else:
        order_of(books, order.next).prev = order.prev
    level.orders -= 1
    level.lots -= order.lots
    refs_drop(&books.refs, entry, order.ref)
    slab_give(&books.orders, slot, sizeof(Order))
    books.resting -= 1
    if level.orders == 0:
        drop_level(books, at)


cdef inline int place_room(Books *books, uint32_t number) noexcept nogil:
    """Make room for one more price of a line; -1 when there is no memory."""
    if pb_unlikely(number >= books.line_count) and lines_room(books, number >> 1) != 0:
        return -1
    if pb_unlikely(books.lines[number].count == books.lines[number].capacity):
        return line_room(&books.lines[number])
    return 0


cdef inline void add(Books *books, uint32_t number, uint64_t ref, int64_t price, uint32_t lots) noexcept nogil:
    """Queue an order; one that has its reference goes first. Room must have been made."""
    cdef RefEntry *entry = refs_make(&books.refs, ref)
    cdef uint32_t *known = &refs_page(&books.refs, entry)[ref & (REF_PAGE_REFS - 1)]
    cdef uint32_t slot, at
    cdef Order *order
    cdef Level *level
    if pb_unlikely(known[0] != NIL):
        books.counts[DUPLICATE_REFERENCE] += 1
        remove(books, entry, known[0])
        entry = refs_make(&books.refs, ref)
        known = &refs_page(&books.refs, entry)[ref & (REF_PAGE_REFS - 1)]
    slot = slab_take(&books.orders, sizeof(Order))
    known[0] = slot
    entry.live += 1
    at = level_at(books, number, price)
    order = order_of(books, slot)
    level = level_of(books, at)
    order.level = at
    order.lots = lots
    order.ref = ref
    order.prev = level.tail
    order.next = NIL
    if level.tail == NIL:
        level.head = slot
    else:
        order_of(books, level.tail).next = slot
    level.tail = slot
    level.orders += 1
    level.lots += lots
    books.resting += 1


cdef inline int change(Books *books, const LogRecord *r) noexcept nogil:
    """Follow a message that names an order; -1 when there is no memory, with nothing of it done."""
    cdef RefEntry *entry = refs_entry(&books.refs, r.order_id)
    cdef uint32_t slot = NIL
    cdef uint32_t number, lots
    cdef Order *order
    cdef Level *level
    if pb_likely(entry != NULL):
        slot = refs_page(&books.refs, entry)[r.order_id & (REF_PAGE_REFS - 1)]
    if pb_unlikely(slot == NIL):
        books.counts[UNKNOWN_REFERENCE] += 1
        return 0
    order = order_of(books, slot)
    level = level_of(books, order.level)
    number = level.line
    if pb_unlikely(number >> 1 != r.symbol):
        books.counts[UNKNOWN_REFERENCE] += 1
        return 0
    if r.kind == DELETE:
        remove(books, entry, slot)
    elif r.kind == REPLACE:
        if place_room(books, number) != 0:
            return -1
        remove(books, entry, slot)
        add(books, number, r.new_order_id, r.price_ticks, <uint32_t>r.qty_lots)
    else:
        lots = <uint32_t>r.qty_lots
        if lots >= order.lots:
            books.counts[OVERSIZED] += lots > order.lots
            remove(books, entry, slot)
        else:
            order.lots -= lots
            level.lots -= lots
    return 0


cdef int follow(Books *books, const LogRecord *r) noexcept nogil:
    """Follow one message; -1 when there is no memory, with nothing of it done but counted."""
    cdef uint32_t number
    if r.kind < ADD or r.kind > REPLACE:
        books.counts[QUIET] += 1
        return 0
    books.counts[r.kind - 1] += 1
    if (
        ((r.kind == ADD or r.kind == REPLACE) and (r.price_ticks < 1 or r.price_ticks > PRICE_LIMIT))
        or (r.kind != DELETE and (r.qty_lots < 1 or r.qty_lots > LOTS_LIMIT))
        or r.symbol >= SYMBOLS_LIMIT or (r.kind == ADD and r.side > 1)
    ):
        books.counts[MALFORMED] += 1
        return 0
    if r.kind != ADD:
        return change(books, r)
    number = r.symbol * 2 + r.side
    if place_room(books, number) != 0:
        return -1
    add(books, number, r.order_id, r.price_ticks, <uint32_t>r.qty_lots)
    return 0


cdef void fetch(Books *books, const LogRecord *records, Py_ssize_t count) noexcept nogil:
    """Ask for what the messages will touch, one step of the way at a time for all of them. Changes nothing."""
    cdef uint32_t slots[TOGETHER]
    cdef RefEntry *entry
    cdef const LogRecord *r
    cdef Py_ssize_t i
    for i in range(count):
        r = &records[i]
        pb_prefetch(&books.refs.entries[refs_home(&books.refs, r.order_id >> REF_PAGE_SHIFT)])
        if r.kind == ADD:
            pb_prefetch(hint_of(books, r.symbol * 2 + r.side, r.price_ticks))
    for i in range(count):
        r = &records[i]
        if r.kind == ADD:
            slots[i] = hint_of(books, r.symbol * 2 + r.side, r.price_ticks)[0]
            if slots[i] != NIL:
                pb_prefetch(level_of(books, slots[i]))
            continue
        entry = refs_entry(&books.refs, r.order_id)
        slots[i] = NIL
        if entry != NULL:
            slots[i] = entry.page
            pb_prefetch(refs_page(&books.refs, entry))
    fetch_orders(books, records, count, slots)


cdef inline void fetch_orders(
    const Books *books, const LogRecord *records, Py_ssize_t count, uint32_t *slots
) noexcept nogil:
    """Go on from the levels of adds and the pages of others, to the orders and their neighbours."""
    cdef const uint32_t *page
    cdef Order *order
    cdef Py_ssize_t i
    for i in range(count):
        if slots[i] == NIL:
            continue
        if records[i].kind == ADD:
            slots[i] = level_of(books, slots[i]).tail
        else:
            page = <const uint32_t *>books.refs.pages.items + <size_t>slots[i] * REF_PAGE_REFS
            slots[i] = page[records[i].order_id & (REF_PAGE_REFS - 1)]
        if slots[i] < books.orders.used:
            pb_prefetch(order_of(books, slots[i]))
    for i in range(count):
        # A hint may be of a level that is gone, whose tail is anything.
        if slots[i] < books.orders.used and records[i].kind != ADD:
            order = order_of(books, slots[i])
            if order.level < books.levels.used:
                pb_prefetch(level_of(books, order.level))
            if order.prev < books.orders.used:
                pb_prefetch(order_of(books, order.prev))
            if order.next < books.orders.used:
                pb_prefetch(order_of(books, order.next))


cdef int follow_all(Books *books, const LogRecord *records, Py_ssize_t count) noexcept nogil:
    """Follow all messages in order; -1 when there is no memory, with those before followed."""
    cdef Py_ssize_t i, part
    while count > 0:
        part = min(count, TOGETHER)
        if slab_reserve(&books.orders, TOGETHER, ORDERS_FIRST) != 0 or refs_reserve(&books.refs, TOGETHER) != 0:
            return -1
        if slab_reserve(&books.levels, TOGETHER, LEVELS_FIRST) != 0:
            return -1
        if books.hint_count < <size_t>books.levels.capacity * 4 and hints_room(books) != 0:
            return -1
        if books.resting > FAR_ORDERS:
            fetch(books, records, part)
        for i in range(part):
            if pb_unlikely(follow(books, &records[i]) != 0):
                return -1
        records += part
        count -= part
    return 0


@cython.final
cdef class BookBuilder:
    """The books of all symbols of a log. See the stub for the contract."""

    cdef Books books

    def __cinit__(self):
        slab_init(&self.books.orders, sizeof(Order))
        slab_init(&self.books.levels, sizeof(Level))
        refs_init(&self.books.refs)

    def __dealloc__(self):
        cdef uint32_t i
        for i in range(self.books.line_count):
            free(self.books.lines[i].places)
        free(self.books.lines)
        free(self.books.hints)
        slab_clear(&self.books.orders)
        slab_clear(&self.books.levels)
        refs_clear(&self.books.refs)

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
            for at in range(line.count, line.count - min(wanted, line.count), -1):
                level = level_of(&self.books, line.places[at - 1].level)
                out.append(BuiltLevel(level.price, level.lots, level.orders))
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
        at = above(line, key_of(number, price))
        if at and line.places[at - 1].key == key_of(number, price):
            slot = level_of(&self.books, line.places[at - 1].level).head
            while slot != NIL:
                out.append(order_of(&self.books, slot).ref)
                slot = order_of(&self.books, slot).next
        return out

    def check(self):
        cdef uint32_t number, at
        cdef uint64_t found = 0
        cdef Line *line
        for number in range(self.books.line_count):
            line = &self.books.lines[number]
            for at in range(line.count):
                if at and line.places[at - 1].key >= line.places[at].key:
                    raise InvariantError(f"built book: prices of symbol {number >> 1} are out of order")
                found += self._checked_level(number, line.places[at].level, line.places[at].key)
        if found != self.books.resting:
            raise InvariantError(f"built book: {self.books.resting} orders rest, {found} are queued")

    cdef uint64_t _checked_level(self, uint32_t number, uint32_t slot, int64_t key) except? 0:
        """Return the number of orders queued at a level; InvariantError unless it adds up and each is found."""
        cdef Level *level = level_of(&self.books, slot)
        cdef uint32_t at = level.head
        cdef uint32_t before = NIL
        cdef uint64_t orders = 0
        cdef int64_t lots = 0
        cdef Order *order
        while at != NIL:
            order = order_of(&self.books, at)
            if order.level != slot or order.prev != before or refs_find(&self.books.refs, order.ref) != at:
                raise InvariantError(f"built book: order {order.ref} is not where its queue has it")
            lots += order.lots
            orders += 1
            before = at
            at = order.next
        if not orders or level.tail != before or (level.orders, level.lots, level.line) != (orders, lots, number):
            raise InvariantError(f"built book: the level at {level.price} does not add up")
        if key != key_of(number, level.price):
            raise InvariantError(f"built book: the level at {level.price} is filed under another price")
        return orders
