# Books built from LOG records: the C part of parbook._itchbook. An order is 24 bytes, queued in its level by links; a
# level is 32. Of each side of each symbol the prices stand in one array, best last. A level that empties stays there,
# idle, until its array is full: a market opens and empties the same few prices over and over, and nothing guesses when.
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memmove, memset

from parbook._log cimport LOG_ADD, LOG_DELETE, LOG_REPLACE, LogRecord
from parbook._refs cimport (
    REF_PAGE_REFS, REF_PAGE_SHIFT, RefEntry, RefIndex, refs_clear, refs_drop, refs_entry, refs_home, refs_init,
    refs_make, refs_page, refs_reserve,
)
from parbook._slab cimport Slab, slab_clear, slab_give, slab_init, slab_reserve, slab_take
from parbook._types cimport NIL, pb_likely, pb_prefetch, pb_unlikely

cdef enum:
    # In the order of COUNTS; the first five at the number of their kind less one.
    QUIET = 5
    UNKNOWN_REFERENCE = 6
    DUPLICATE_REFERENCE = 7
    OVERSIZED = 8
    MALFORMED = 9
    COUNTERS = 10

    # Slot 0 of orders and of levels is no order and no level: it takes what is written to a neighbour that is not there.
    NOBODY = 0
    ORDERS_FIRST = 128
    LEVELS_FIRST = 128
    LINE_FIRST = 8
    TOGETHER = 64           # records that room is made for, and that are fetched ahead, at once
    FAR_ORDERS = 16384      # above so many resting orders they no longer fit the nearer caches

    SYMBOLS_LIMIT = 65536   # the ranges of parbook.logs.books
    PRICE_BITS = 62
    LOTS_BITS = 32

cdef struct Order:
    uint32_t level          # overlaid by the slab's free list
    uint32_t lots
    uint32_t prev           # neighbours in the queue, or NOBODY
    uint32_t next
    uint64_t ref

cdef struct Level:
    uint32_t tail           # overlaid by the slab's free list; NOBODY: it lies idle
    uint32_t orders
    uint32_t line
    uint32_t padding
    int64_t price           # 0: the slot is free
    int64_t lots

cdef struct Place:
    int64_t key             # the price of a bid, the negated price of an ask: the best is the greatest
    uint32_t level
    uint32_t padding

cdef struct Line:
    Place *places           # by rising key
    uint32_t count
    uint32_t capacity

cdef struct Books:
    Slab orders
    Slab levels
    RefIndex refs
    Line *lines             # of symbol s and side d: 2 s + d
    uint32_t line_count
    uint32_t resting
    uint32_t *hints         # by a hash of line and price: the level that was last seen there, or NOBODY
    size_t hint_count       # a power of two, or 0
    uint64_t counts[COUNTERS]

cdef inline Order *order_of(const Books *books, uint32_t slot) noexcept nogil:
    return <Order *>books.orders.items + slot

cdef inline Level *level_of(const Books *books, uint32_t slot) noexcept nogil:
    return <Level *>books.levels.items + slot

cdef inline int64_t key_of(uint32_t line, int64_t price) noexcept nogil:
    return -price if line & 1 else price

cdef inline void books_init(Books *books) noexcept nogil:
    memset(books, 0, sizeof(Books))
    slab_init(&books.orders, sizeof(Order))
    slab_init(&books.levels, sizeof(Level))
    refs_init(&books.refs)

cdef inline void books_clear(Books *books) noexcept nogil:
    cdef uint32_t i
    for i in range(books.line_count):
        free(books.lines[i].places)
    free(books.lines)
    free(books.hints)
    slab_clear(&books.orders)
    slab_clear(&books.levels)
    refs_clear(&books.refs)

# --- room ---------------------------------------------------------------------------------------

cdef inline void drop_idle(Books *books, Line *line) noexcept nogil:
    """Give back the levels of a line that lie idle. Hints may go on naming them: no price is 0."""
    cdef uint32_t kept = 0
    cdef uint32_t i, slot
    for i in range(line.count):
        slot = line.places[i].level
        if level_of(books, slot).orders != 0:
            line.places[kept] = line.places[i]
            kept += 1
        else:
            level_of(books, slot).price = 0
            slab_give(&books.levels, slot, sizeof(Level))
    line.count = kept

cdef inline int line_room(Books *books, Line *line) noexcept nogil:
    """Make room for one more place in a full line; -1 when there is no memory. O(1) amortised.

    A line grows when more than half of its levels are in use, so that the next time comes no sooner than after as many
    places again.
    """
    cdef size_t capacity = <size_t>line.capacity * 2 if line.capacity else LINE_FIRST
    cdef Place *places
    drop_idle(books, line)
    if line.count < line.capacity - line.capacity // 2:
        return 0
    places = <Place *>realloc(line.places, capacity * sizeof(Place))
    if places == NULL:
        return 0 if line.count < line.capacity else -1
    line.places = places
    line.capacity = <uint32_t>capacity
    return 0

cdef inline int lines_room(Books *books, uint32_t symbol) noexcept nogil:
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

cdef inline int place_room(Books *books, uint32_t number) noexcept nogil:
    """Make room for one more price of a line; -1 when there is no memory."""
    if pb_unlikely(number >= books.line_count) and lines_room(books, number >> 1) != 0:
        return -1
    if pb_unlikely(books.lines[number].count == books.lines[number].capacity):
        return line_room(books, &books.lines[number])
    return 0

cdef inline int hints_room(Books *books) noexcept nogil:
    """Let there be four hints for a level; those there were are forgotten. -1 when there is no memory."""
    cdef size_t count = LEVELS_FIRST * 4
    cdef uint32_t *hints
    while count < <size_t>books.levels.capacity * 4:
        count *= 2
    hints = <uint32_t *>realloc(books.hints, count * sizeof(uint32_t))
    if hints == NULL:
        return -1
    memset(hints, NOBODY, count * sizeof(uint32_t))
    books.hints = hints
    books.hint_count = count
    return 0

cdef inline int books_room(Books *books) noexcept nogil:
    """Make room for all that TOGETHER messages may add, but places; -1 when there is no memory."""
    if slab_reserve(&books.orders, TOGETHER, ORDERS_FIRST) != 0 or refs_reserve(&books.refs, TOGETHER) != 0:
        return -1
    if slab_reserve(&books.levels, TOGETHER, LEVELS_FIRST) != 0:
        return -1
    if books.hint_count < <size_t>books.levels.capacity * 4 and hints_room(books) != 0:
        return -1
    if books.orders.used == 0:
        memset(order_of(books, slab_take(&books.orders, sizeof(Order))), 0, sizeof(Order))
        memset(level_of(books, slab_take(&books.levels, sizeof(Level))), 0, sizeof(Level))
    return 0

# --- prices -------------------------------------------------------------------------------------

cdef inline uint32_t above(const Line *line, int64_t key) noexcept nogil:
    """Return how many places have a key of at most `key`: it stands right before that place, or belongs there."""
    cdef uint32_t low = 0
    cdef uint32_t high = line.count
    cdef uint32_t middle
    while low < high:
        middle = (low + high) >> 1
        if line.places[middle].key <= key:
            low = middle + 1
        else:
            high = middle
    return low

cdef inline uint32_t *hint_of(const Books *books, uint32_t number, int64_t price) noexcept nogil:
    cdef uint64_t mixed = (<uint64_t>price + (<uint64_t>number << 40)) * <uint64_t>0x9E3779B97F4A7C15
    return &books.hints[(mixed >> 32) & (books.hint_count - 1)]

cdef inline uint32_t find_level(Books *books, uint32_t number, int64_t price) noexcept nogil:
    """Return the level of a price that no hint led to, made when there is none. Room must be there for it."""
    cdef Line *line = &books.lines[number]
    cdef int64_t key = key_of(number, price)
    cdef uint32_t at = above(line, key)
    cdef uint32_t slot
    cdef Level *level
    if at and line.places[at - 1].key == key:
        return line.places[at - 1].level
    slot = slab_take(&books.levels, sizeof(Level))
    level = level_of(books, slot)
    level.tail = NOBODY
    level.orders = 0
    level.line = number
    level.price = price
    level.lots = 0
    memmove(&line.places[at + 1], &line.places[at], (line.count - at) * sizeof(Place))
    line.places[at].key = key
    line.places[at].level = slot
    line.count += 1
    return slot

cdef inline uint32_t level_at(Books *books, uint32_t number, int64_t price) noexcept nogil:
    """Return the level of a price, made when there is none. Room must be there for it and its place."""
    cdef uint32_t *hint = hint_of(books, number, price)
    cdef Level *level = level_of(books, hint[0])
    if pb_unlikely((level.price != price) | (level.line != number)):
        hint[0] = find_level(books, number, price)
    return hint[0]

# --- orders -------------------------------------------------------------------------------------

cdef inline void remove(Books *books, RefEntry *entry, uint32_t slot) noexcept nogil:
    """Take an order out of its queue. Its level stays, idle when it was the last there."""
    cdef Order *order = order_of(books, slot)
    cdef Level *level = level_of(books, order.level)
    order_of(books, order.prev).next = order.next
    order_of(books, order.next).prev = order.prev
    level.tail = level.tail if order.next else order.prev
    level.orders -= 1
    level.lots -= order.lots
    refs_drop(&books.refs, entry, order.ref)
    slab_give(&books.orders, slot, sizeof(Order))
    books.resting -= 1

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
    order.next = NOBODY
    order_of(books, level.tail).next = slot
    level.tail = slot
    level.orders += 1
    level.lots += lots
    books.resting += 1

# --- messages -----------------------------------------------------------------------------------

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
    # Chosen, not branched on: a deletion takes all lots there are, and so does a replacement.
    lots = order.lots if (r.kind == LOG_DELETE) | (r.kind == LOG_REPLACE) else <uint32_t>r.qty_lots
    if lots < order.lots:
        order.lots -= lots
        level.lots -= lots
        return 0
    books.counts[OVERSIZED] += lots > order.lots
    if r.kind != LOG_REPLACE:
        remove(books, entry, slot)
        return 0
    if place_room(books, number) != 0:
        return -1
    remove(books, entry, slot)
    add(books, number, r.new_order_id, r.price_ticks, <uint32_t>r.qty_lots)
    return 0

cdef inline bint malformed(const LogRecord *r) noexcept nogil:
    """Whether something that a message with an order carries is out of range."""
    cdef bint has_price = (r.kind == LOG_ADD) | (r.kind == LOG_REPLACE)
    return (
        (has_price & (<uint64_t>(r.price_ticks - 1) >= (<uint64_t>1 << PRICE_BITS)))
        | ((r.kind != LOG_DELETE) & (<uint64_t>(r.qty_lots - 1) >= (<uint64_t>1 << LOTS_BITS) - 1))
        | (r.symbol >= SYMBOLS_LIMIT) | ((r.kind == LOG_ADD) & (r.side > 1))
    )

cdef inline int follow(Books *books, const LogRecord *r) noexcept nogil:
    """Follow one message; -1 when there is no memory, with nothing of it done but counted."""
    cdef uint32_t number
    if pb_unlikely(<uint8_t>(r.kind - LOG_ADD) > LOG_REPLACE - LOG_ADD):
        books.counts[QUIET] += 1
        return 0
    books.counts[r.kind - LOG_ADD] += 1
    if pb_unlikely(malformed(r)):
        books.counts[MALFORMED] += 1
        return 0
    if r.kind != LOG_ADD:
        return change(books, r)
    number = r.symbol * 2 + r.side
    if place_room(books, number) != 0:
        return -1
    add(books, number, r.order_id, r.price_ticks, <uint32_t>r.qty_lots)
    return 0

cdef inline void fetch(const Books *books, const LogRecord *records, Py_ssize_t count) noexcept nogil:
    """Ask for what the messages will touch, one step of the way at a time for all of them. Changes nothing.

    An order that enters comes to its level by a hint, and to the last order there. The side of a replacement is not
    known yet, so both are asked for.
    """
    cdef const uint32_t *hints[2 * TOGETHER]
    cdef uint32_t slots[TOGETHER]
    cdef uint64_t refs[TOGETHER]
    cdef uint32_t named = 0
    cdef uint32_t entering = 0
    cdef const LogRecord *r
    cdef Py_ssize_t i
    for i in range(count):
        r = &records[i]
        pb_prefetch(&books.refs.entries[refs_home(&books.refs, r.order_id >> REF_PAGE_SHIFT)])
        refs[named] = r.order_id
        named += r.kind != LOG_ADD
        if (r.kind == LOG_ADD) | (r.kind == LOG_REPLACE):
            hints[entering] = hint_of(books, r.symbol * 2 + r.side, r.price_ticks)
            pb_prefetch(hints[entering])
            entering += 1
            if r.kind == LOG_REPLACE:
                hints[entering] = hint_of(books, r.symbol * 2 + 1, r.price_ticks)
                pb_prefetch(hints[entering])
                entering += 1
    fetch_pages(books, refs, named, slots)
    for i in range(entering):
        pb_prefetch(level_of(books, hints[i][0]))
    fetch_orders(books, refs, named, slots)
    for i in range(entering):
        # A hint may be of a level that is gone, whose tail is anything.
        pb_prefetch(order_of(books, level_of(books, hints[i][0]).tail))
    fetch_neighbours(books, slots, named)

cdef inline void fetch_pages(const Books *books, const uint64_t *refs, uint32_t count, uint32_t *pages) noexcept nogil:
    """Ask for the pages of references; NIL where there is none."""
    cdef const RefEntry *entry
    cdef uint32_t i
    for i in range(count):
        entry = refs_entry(&books.refs, refs[i])
        pages[i] = NIL
        if pb_likely(entry != NULL):
            pages[i] = entry.page
            pb_prefetch(refs_page(&books.refs, entry))

cdef inline void fetch_orders(const Books *books, const uint64_t *refs, uint32_t count, uint32_t *slots) noexcept nogil:
    """Go on from pages to orders; NOBODY where there is none."""
    cdef const uint32_t *page
    cdef uint32_t i
    for i in range(count):
        if pb_unlikely(slots[i] == NIL):
            slots[i] = NOBODY
            continue
        page = <const uint32_t *>books.refs.pages.items + <size_t>slots[i] * REF_PAGE_REFS
        slots[i] = page[refs[i] & (REF_PAGE_REFS - 1)]
        if pb_unlikely(slots[i] == NIL):
            slots[i] = NOBODY
        pb_prefetch(order_of(books, slots[i]))

cdef inline void fetch_neighbours(const Books *books, const uint32_t *slots, uint32_t count) noexcept nogil:
    """Go on from orders to their levels and neighbours."""
    cdef const Order *order
    cdef uint32_t i
    for i in range(count):
        order = order_of(books, slots[i])
        pb_prefetch(level_of(books, order.level))
        pb_prefetch(order_of(books, order.prev))
        pb_prefetch(order_of(books, order.next))

cdef inline int follow_some(Books *books, const LogRecord *records, Py_ssize_t count) noexcept nogil:
    """Follow at most TOGETHER messages in order; -1 when there is no memory, with those before followed."""
    cdef Py_ssize_t i
    if books_room(books) != 0:
        return -1
    if books.resting > FAR_ORDERS:
        fetch(books, records, count)
    for i in range(count):
        if pb_unlikely(follow(books, &records[i]) != 0):
            return -1
    return 0
