# Books built from LOG records: the C part of parbook._itchbook. An order is 24 bytes, queued in its level by links; a
# level is 32, found by a hash of its line and price. Two things are put off, because a message must not wait for them:
# a level that empties lies idle, for a market opens and empties the same few prices over and over; and the prices of a
# line, one side of one symbol, are put in order when somebody asks for them.
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, qsort, realloc
from libc.string cimport memmove, memset

from parbook._log cimport LOG_ADD, LOG_DELETE, LOG_REPLACE, LogRecord
from parbook._refs cimport (
    REF_PAGE_REFS, REF_PAGE_SHIFT, RefEntry, RefIndex, refs_clear, refs_drop, refs_entry, refs_home, refs_init,
    refs_make, refs_page, refs_reserve,
)
from parbook._slab cimport Slab, slab_clear, slab_give, slab_grow, slab_has, slab_init, slab_reserve, slab_take
from parbook._types cimport NIL, pb_highest_bit, pb_likely, pb_prefetch, pb_unlikely

cdef enum:
    # In the order of COUNTS; the first five at the number of their kind less one.
    QUIET = 5
    UNKNOWN_REFERENCE = 6
    DUPLICATE_REFERENCE = 7
    OVERSIZED = 8
    MALFORMED = 9
    COUNTERS = 10

    # Slot 0 is no order and no level: it takes what is written to a neighbour that is not there.
    NOBODY = 0
    ORDERS_FIRST = 128
    LEVELS_FIRST = 128
    LINE_FIRST = 8
    TABLE_SHARE = 4         # places in the table for each level there is room for
    LINES_SHARE = 4         # lines that may be looked at for each level there is room for
    NEW_FEW = 16            # so many new prices are put in order one by one
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
    Place *places           # by rising key, but for those behind `ordered`
    uint32_t count
    uint32_t capacity
    uint32_t ordered
    uint32_t padding

cdef struct Books:
    Slab orders
    Slab levels
    RefIndex refs
    Line *lines             # of symbol s and side d: 2 s + d
    uint32_t line_count
    uint32_t resting
    uint32_t *table         # by a hash of line and price: every level, at most a quarter full; NOBODY: nothing there
    size_t table_count      # a power of two, or 0
    int table_shift         # a hash of 64 bits moved right by this is a place in the table
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
    free(books.table)
    slab_clear(&books.orders)
    slab_clear(&books.levels)
    refs_clear(&books.refs)

# --- levels -------------------------------------------------------------------------------------

cdef inline uint32_t *home_of(const Books *books, uint32_t number, int64_t price) noexcept nogil:
    """Return where a level belongs in the table."""
    cdef uint64_t mixed = (<uint64_t>price + (<uint64_t>number << 40)) * <uint64_t>0x9E3779B97F4A7C15
    # The highest bits, in which every bit has a say. Twice: prices in even steps of some lengths would fall together.
    mixed = (mixed ^ (mixed >> 32)) * <uint64_t>0x9E3779B97F4A7C15
    return &books.table[mixed >> books.table_shift]

cdef inline uint32_t *seat_of(const Books *books, uint32_t number, int64_t price) noexcept nogil:
    """Return where the level of a price is in the table, or the free place where it belongs. O(1) expected."""
    cdef uint32_t *seat = home_of(books, number, price)
    cdef const Level *level
    while True:
        level = level_of(books, seat[0])
        if pb_likely((level.price == price) & (level.line == number)) or seat[0] == NOBODY:
            return seat
        seat += 1
        if seat == books.table + books.table_count:
            seat = books.table

cdef inline int place_room(Books *books, uint32_t number) noexcept nogil:
    """Make room for one more price of a line; -1 when there is no memory."""
    cdef size_t count = books.line_count if books.line_count else 2
    cdef size_t capacity
    cdef Line *lines
    cdef Place *places
    if number >= books.line_count:
        while count <= number:
            count *= 2
        lines = <Line *>realloc(books.lines, count * sizeof(Line))
        if lines == NULL:
            return -1
        memset(lines + books.line_count, 0, (count - books.line_count) * sizeof(Line))
        books.lines = lines
        books.line_count = <uint32_t>count
    lines = &books.lines[number]
    if lines.count == lines.capacity:
        capacity = <size_t>lines.capacity * 2 if lines.capacity else LINE_FIRST
        places = <Place *>realloc(lines.places, capacity * sizeof(Place))
        if places == NULL:
            return -1
        lines.places = places
        lines.capacity = <uint32_t>capacity
    return 0

cdef inline uint32_t level_at(Books *books, uint32_t number, int64_t price) noexcept nogil:
    """Return the level of a price, made when there is none, idle; NOBODY when there is no memory. O(1) expected."""
    cdef uint32_t *seat = seat_of(books, number, price)
    cdef uint32_t slot = seat[0]
    cdef Line *line
    cdef Level *level
    if pb_likely(slot != NOBODY):
        return slot
    if place_room(books, number) != 0:
        return NOBODY
    slot = slab_take(&books.levels, sizeof(Level))
    level = level_of(books, slot)
    level.tail = NOBODY
    level.orders = 0
    level.line = number
    level.price = price
    level.lots = 0
    line = &books.lines[number]
    line.places[line.count].key = key_of(number, price)
    line.places[line.count].level = slot
    line.count += 1
    seat[0] = slot
    return slot

cdef inline void drop_idle(Books *books) noexcept nogil:
    """Give back all levels that lie idle. The table must be filled anew."""
    cdef Line *line
    cdef uint32_t number, i, kept, ordered, slot
    for number in range(books.line_count):
        line = &books.lines[number]
        kept = 0
        ordered = 0
        for i in range(line.count):
            slot = line.places[i].level
            if level_of(books, slot).orders != 0:
                line.places[kept] = line.places[i]
                kept += 1
                ordered += i < line.ordered
            else:
                level_of(books, slot).price = 0
                slab_give(&books.levels, slot, sizeof(Level))
        line.count = kept
        line.ordered = ordered

cdef inline void fill_table(Books *books) noexcept nogil:
    cdef const Level *level
    cdef uint32_t slot
    memset(books.table, NOBODY, books.table_count * sizeof(uint32_t))
    for slot in range(NOBODY + 1, books.levels.used):
        level = level_of(books, slot)
        if level.price != 0:
            seat_of(books, level.line, level.price)[0] = slot

cdef inline int levels_room(Books *books) noexcept nogil:
    """Make room for TOGETHER more levels; -1 when there is no memory. O(1) amortised.

    Idle levels go when they are half of all, and all are not few among the lines, every one of which is looked at.
    Otherwise there is room for twice as many. Either way the next time is far off.
    """
    cdef uint32_t live = 0
    cdef uint32_t slot
    cdef size_t count
    cdef uint32_t *table
    if not slab_has(&books.levels, TOGETHER):
        for slot in range(books.levels.used):
            live += level_of(books, slot).orders != 0
        if live < books.levels.capacity // 2 - TOGETHER and books.line_count <= books.levels.capacity * LINES_SHARE:
            drop_idle(books)
            fill_table(books)
        elif slab_grow(&books.levels, LEVELS_FIRST) != 0:
            return -1
    if books.table_count < <size_t>books.levels.capacity * TABLE_SHARE:
        count = <size_t>books.levels.capacity * TABLE_SHARE
        table = <uint32_t *>realloc(books.table, count * sizeof(uint32_t))
        if table == NULL:
            return -1
        books.table = table
        books.table_count = count
        books.table_shift = 64 - pb_highest_bit(count)
        fill_table(books)
    return 0

cdef inline int books_room(Books *books) noexcept nogil:
    """Make room for all that TOGETHER messages may add, but places; -1 when there is no memory."""
    if slab_reserve(&books.orders, TOGETHER, ORDERS_FIRST) != 0 or refs_reserve(&books.refs, TOGETHER) != 0:
        return -1
    if levels_room(books) != 0:
        return -1
    if books.orders.used == 0:
        memset(order_of(books, slab_take(&books.orders, sizeof(Order))), 0, sizeof(Order))
        memset(level_of(books, slab_take(&books.levels, sizeof(Level))), 0, sizeof(Level))
    return 0

# --- prices in order ----------------------------------------------------------------------------

cdef inline int by_key(const void *a, const void *b) noexcept nogil:
    cdef int64_t left = (<const Place *>a).key
    cdef int64_t right = (<const Place *>b).key
    return (left > right) - (left < right)

cdef inline uint32_t above(const Place *places, uint32_t count, int64_t key) noexcept nogil:
    """Return how many of `count` places in order have a key of at most `key`."""
    cdef uint32_t low = 0
    cdef uint32_t middle
    while low < count:
        middle = (low + count) >> 1
        if places[middle].key <= key:
            low = middle + 1
        else:
            count = middle
    return low

cdef inline void put_in_order(Line *line) noexcept nogil:
    """Put the prices of a line in order. A few that came since the last time are moved to where they belong."""
    cdef Place place
    cdef uint32_t at
    if line.count - line.ordered > NEW_FEW:
        qsort(line.places, line.count, sizeof(Place), by_key)
        line.ordered = line.count
    while line.ordered < line.count:
        place = line.places[line.ordered]
        at = above(line.places, line.ordered, place.key)
        memmove(&line.places[at + 1], &line.places[at], (line.ordered - at) * sizeof(Place))
        line.places[at] = place
        line.ordered += 1

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

cdef inline void add(Books *books, uint32_t at, uint64_t ref, uint32_t lots) noexcept nogil:
    """Queue an order at a level; one that has its reference goes first. Room must have been made."""
    cdef RefEntry *entry = refs_make(&books.refs, ref)
    cdef uint32_t *known = &refs_page(&books.refs, entry)[ref & (REF_PAGE_REFS - 1)]
    cdef Level *level = level_of(books, at)
    cdef uint32_t slot
    cdef Order *order
    if pb_unlikely(known[0] != NIL):
        books.counts[DUPLICATE_REFERENCE] += 1
        remove(books, entry, known[0])
        entry = refs_make(&books.refs, ref)
        known = &refs_page(&books.refs, entry)[ref & (REF_PAGE_REFS - 1)]
    slot = slab_take(&books.orders, sizeof(Order))
    known[0] = slot
    entry.live += 1
    order = order_of(books, slot)
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
    cdef uint32_t lots, at
    cdef Order *order
    cdef Level *level
    if pb_likely(entry != NULL):
        slot = refs_page(&books.refs, entry)[r.order_id & (REF_PAGE_REFS - 1)]
    if pb_unlikely(slot == NIL):
        books.counts[UNKNOWN_REFERENCE] += 1
        return 0
    order = order_of(books, slot)
    level = level_of(books, order.level)
    if pb_unlikely(level.line >> 1 != r.symbol):
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
    at = level_at(books, level.line, r.price_ticks)
    if pb_unlikely(at == NOBODY):
        return -1
    remove(books, entry, slot)
    add(books, at, r.new_order_id, <uint32_t>r.qty_lots)
    return 0

cdef inline bint malformed(const LogRecord *r) noexcept nogil:
    """Whether something that a message with an order carries is out of range."""
    cdef bint has_price = (r.kind == LOG_ADD) | (r.kind == LOG_REPLACE)
    return (
        (has_price & (<uint64_t>(r.price_ticks - 1) >= (<uint64_t>1 << PRICE_BITS)))
        | ((r.kind != LOG_DELETE) & (<uint64_t>(r.qty_lots - 1) >= (<uint64_t>1 << LOTS_BITS) - 1))
        | (r.symbol >= SYMBOLS_LIMIT) | ((r.kind == LOG_ADD) & (r.side > 1))
    )

cdef inline int follow(Books *books, const LogRecord *r, bint checked) noexcept nogil:
    """Follow one message; -1 when there is no memory, with nothing of it done but counted.

    `checked`: it comes from the decoder, which lets nothing through that is out of range here.
    """
    cdef uint32_t at
    if pb_unlikely(<uint8_t>(r.kind - LOG_ADD) > LOG_REPLACE - LOG_ADD):
        books.counts[QUIET] += 1
        return 0
    books.counts[r.kind - LOG_ADD] += 1
    if not checked and pb_unlikely(malformed(r)):
        books.counts[MALFORMED] += 1
        return 0
    if r.kind != LOG_ADD:
        return change(books, r)
    at = level_at(books, r.symbol * 2 + r.side, r.price_ticks)
    if pb_unlikely(at == NOBODY):
        return -1
    add(books, at, r.order_id, <uint32_t>r.qty_lots)
    return 0

cdef inline void fetch(const Books *books, const LogRecord *records, Py_ssize_t count) noexcept nogil:
    """Ask for what the messages will touch, one step of the way at a time for all of them. Changes nothing.

    An order that enters comes to its level by the table, and to the last order there. The side of a replacement is not
    known yet, so both are asked for. The lists grow without a branch on the kind, which cannot be guessed.
    """
    cdef const uint32_t *homes[2 * TOGETHER + 1]
    cdef uint32_t slots[TOGETHER]
    cdef uint64_t refs[TOGETHER + 1]
    cdef uint32_t named = 0
    cdef uint32_t entering = 0
    cdef const LogRecord *r
    cdef Py_ssize_t i
    for i in range(count):
        r = &records[i]
        pb_prefetch(&books.refs.entries[refs_home(&books.refs, r.order_id >> REF_PAGE_SHIFT)])
        refs[named] = r.order_id
        named += r.kind != LOG_ADD
        homes[entering] = home_of(books, r.symbol * 2 + r.side, r.price_ticks)
        pb_prefetch(homes[entering])
        entering += (r.kind == LOG_ADD) | (r.kind == LOG_REPLACE)
        if pb_unlikely(r.kind == LOG_REPLACE):
            homes[entering] = home_of(books, r.symbol * 2 + 1, r.price_ticks)
            pb_prefetch(homes[entering])
            entering += 1
    fetch_pages(books, refs, named, slots)
    for i in range(entering):
        pb_prefetch(level_of(books, homes[i][0]))
    fetch_orders(books, refs, named, slots)
    for i in range(entering):
        # It may be another's level.
        pb_prefetch(order_of(books, level_of(books, homes[i][0]).tail))
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

cdef inline int follow_some(Books *books, const LogRecord *records, Py_ssize_t count, bint checked) noexcept nogil:
    """Follow at most TOGETHER messages in order; -1 when there is no memory, with those before followed."""
    cdef Py_ssize_t i
    if books_room(books) != 0:
        return -1
    if books.resting > FAR_ORDERS:
        fetch(books, records, count)
    for i in range(count):
        if pb_unlikely(follow(books, &records[i], checked) != 0):
            return -1
    return 0
