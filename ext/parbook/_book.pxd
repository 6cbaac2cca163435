# The limit order book: price, then time. Twin of parbook.reference.book. Knows nothing of curve or events.
#
# Orders, levels, index nodes, id pages and the terms of special orders are slots of five slabs. An order is one cache
# line; a level is half of one and holds its queue as a doubly linked list through the orders. What only special orders
# have stands apart, in a Special: a book of plain orders never reads one.
#
# Levels are filed by LINES. Even lines are best at the highest price, odd ones at the lowest; lines 4..7 hold stops
# at the price that triggers them. A plain order's line is its side.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memmove, memset

from parbook._prices cimport (
    NODES_FIRST, NODES_PER_INSERT, Node, PriceIndex, node_at, prices_drop_leaf, prices_extreme, prices_find_leaf,
    prices_init, prices_make_leaf, prices_next,
)
from parbook._slab cimport Slab, slab_clear, slab_give, slab_init, slab_reserve, slab_take
from parbook._types cimport BUY, NIL, PEG_NONE, PLACE_BOOK, PLACE_ICEBERG, PRICE_TICKS_MAX, pb_assert, pb_likely

cdef enum:
    ORDERS_FIRST = 32
    LEVELS_FIRST = 16
    PAGES_FIRST = 4
    SPECIALS_FIRST = 8
    PAGE_IDS = 64
    PAGE_SHIFT = 6

    LINE_BIDS = 0
    LINE_ASKS = 1
    LINE_HIDDEN_BIDS = 2
    LINE_HIDDEN_ASKS = 3
    LINE_TRADE_SELLS = 4
    LINE_TRADE_BUYS = 5
    LINE_ANCHOR_SELLS = 6
    LINE_ANCHOR_BUYS = 7
    LINES = 8
    LINE_NONE = 255         # of a special order that stands in no level

    # Orders outside the levels that wait in a row.
    CHAIN_ELECTED = 0       # in their turn
    CHAIN_CALL_BUYS = 1     # by time
    CHAIN_CALL_SELLS = 2
    CHAINS = 3

    FLAG_POST_ONLY = 1

cdef struct Order:
    uint64_t order_id       # overlaid by the slab's free list
    uint64_t client_id
    int64_t price_ticks
    int64_t qty_lots        # total; leaves = total - filled
    int64_t filled_lots
    uint32_t account
    uint32_t level
    uint32_t prev           # neighbours in its level's queue, or in its chain
    uint32_t next
    uint8_t side
    uint8_t flags
    uint16_t session
    uint32_t special        # NIL for a plain order

# What a plain order does not have. `line` is where the order is queued, LINE_NONE outside the levels.
cdef struct Special:
    uint8_t line            # these four are overlaid by the slab's free list
    uint8_t place
    uint8_t order_type
    uint8_t tif
    uint8_t hidden
    uint8_t reduce_only
    uint8_t stp
    uint8_t peg
    uint8_t trigger
    uint8_t quote_slot      # 1 + the slot, 0 for no quote
    uint16_t padding
    uint32_t trail_ppm
    uint32_t timer          # where its expiry stands in the heap of timers, NIL when it has none
    uint32_t reduce_prev    # neighbours among its account's reduce-only orders, by id
    uint32_t reduce_next
    int64_t shown_lots      # an iceberg's slice, else 0
    int64_t display_lots
    int64_t stop_ticks
    int64_t offset_ticks
    int64_t limit_ticks     # a peg's worst price
    int64_t expire_ns
    uint64_t oco_order_id
    int64_t target_ticks    # a peg's next price, while pegs are being moved

cdef struct Level:
    int64_t price_ticks     # overlaid by the slab's free list
    int64_t lots            # sum of what its orders show: an iceberg's slice, the leaves of all others
    uint32_t head
    uint32_t tail
    uint32_t orders
    uint32_t leaf

cdef struct IdPage:
    uint32_t live           # overlaid by the slab's free list
    uint32_t slot[PAGE_IDS]

# Order ids are dense, so an id finds its order by two array reads. Pages without a live id are given back, and the
# directory forgets its dead beginning.
cdef struct IdIndex:
    Slab pages
    uint32_t *directory
    uint64_t first_page     # number of the page that directory[0] stands for
    size_t length
    size_t dead             # entries at the beginning without a page
    size_t capacity

cdef struct Chain:
    uint32_t head
    uint32_t tail
    uint32_t orders

# Slots of orders by rising id. Its room is reserved with that of the orders; its length is bounded by a reject code.
cdef struct SlotList:
    uint32_t *slots
    uint32_t count
    uint32_t capacity

cdef struct Book:
    Slab orders
    Slab levels
    Slab nodes
    int64_t best_ticks[LINES]   # 0 when a line is empty
    uint32_t best_level[LINES]
    uint32_t open_orders        # all live ones, wherever they stand
    IdIndex ids
    Slab specials
    Chain chains[CHAINS]
    SlotList pegs               # wherever they stand
    SlotList trailing           # armed trailing stops
    PriceIndex index[LINES]

cdef inline Order *order_at(const Book *book, uint32_t slot) noexcept nogil:
    return <Order *>book.orders.items + slot

cdef inline Level *level_at(const Book *book, uint32_t slot) noexcept nogil:
    return <Level *>book.levels.items + slot

cdef inline Special *special_at(const Book *book, uint32_t slot) noexcept nogil:
    return <Special *>book.specials.items + slot

cdef inline IdPage *page_at(const IdIndex *ids, uint32_t slot) noexcept nogil:
    return <IdPage *>ids.pages.items + slot

# --- ids ------------------------------------------------------------------------------------------

cdef inline void ids_init(IdIndex *ids) noexcept nogil:
    slab_init(&ids.pages, sizeof(IdPage))
    ids.directory = NULL
    ids.first_page = 0
    ids.length = 0
    ids.dead = 0
    ids.capacity = 0

cdef inline int ids_reserve(IdIndex *ids, uint32_t count, uint64_t next_id) noexcept nogil:
    """Make room for `count` ids from next_id on. Returns -1 when there is no memory. O(1) amortised."""
    cdef uint64_t last_page = (next_id + count) >> PAGE_SHIFT
    cdef size_t capacity = 16 if ids.capacity == 0 else ids.capacity
    cdef uint32_t *directory
    if slab_reserve(&ids.pages, count // PAGE_IDS + 2, PAGES_FIRST) != 0:
        return -1
    if ids.length == 0:
        ids.first_page = next_id >> PAGE_SHIFT
    while last_page - ids.first_page >= capacity:
        capacity *= 2
    if capacity == ids.capacity:
        return 0
    directory = <uint32_t *>realloc(ids.directory, capacity * sizeof(uint32_t))
    if directory == NULL:
        return -1
    ids.directory = directory
    ids.capacity = capacity
    return 0

cdef inline void ids_put(IdIndex *ids, uint64_t order_id, uint32_t slot) noexcept nogil:
    """File a new order. Ids come in rising order; room must have been reserved. O(1) amortised."""
    cdef size_t entry
    cdef IdPage *page
    if ids.length == 0:
        # This very command may have filled the last order that rested and emptied the directory.
        ids.first_page = order_id >> PAGE_SHIFT
    entry = (order_id >> PAGE_SHIFT) - ids.first_page
    while ids.length <= entry:
        ids.directory[ids.length] = NIL
        ids.length += 1
    if ids.directory[entry] == NIL:
        ids.directory[entry] = slab_take(&ids.pages)
        page = page_at(ids, ids.directory[entry])
        page.live = 0
        memset(page.slot, 0xFF, sizeof(page.slot))
    page = page_at(ids, ids.directory[entry])
    page.slot[order_id & (PAGE_IDS - 1)] = slot
    page.live += 1

cdef inline uint32_t ids_find(const IdIndex *ids, uint64_t order_id) noexcept nogil:
    """Return the order's slot, NIL when no such order rests. O(1)."""
    cdef uint64_t entry = (order_id >> PAGE_SHIFT) - ids.first_page
    if entry >= ids.length or ids.directory[entry] == NIL:
        return NIL
    return page_at(ids, ids.directory[entry]).slot[order_id & (PAGE_IDS - 1)]

cdef inline void ids_drop(IdIndex *ids, uint64_t order_id) noexcept nogil:
    """Forget an order. O(1) amortised: the directory is moved only when half of it is dead."""
    cdef size_t entry = (order_id >> PAGE_SHIFT) - ids.first_page
    cdef IdPage *page = page_at(ids, ids.directory[entry])
    page.slot[order_id & (PAGE_IDS - 1)] = NIL
    page.live -= 1
    if pb_likely(page.live != 0):
        return
    slab_give(&ids.pages, ids.directory[entry])
    ids.directory[entry] = NIL
    if entry != ids.dead:
        return
    while ids.dead < ids.length and ids.directory[ids.dead] == NIL:
        ids.dead += 1
    if ids.dead * 2 >= ids.length:
        memmove(ids.directory, ids.directory + ids.dead, (ids.length - ids.dead) * sizeof(uint32_t))
        ids.first_page += ids.dead
        ids.length -= ids.dead
        ids.dead = 0

# --- lists of slots -------------------------------------------------------------------------------

cdef inline void slots_init(SlotList *list) noexcept nogil:
    list.slots = NULL
    list.count = 0
    list.capacity = 0

cdef inline int slots_reserve(SlotList *list, uint32_t count) noexcept nogil:
    """Make room for `count` more. Returns -1 when there is no memory. O(1) amortised."""
    cdef uint32_t capacity = 16 if list.capacity == 0 else list.capacity
    cdef uint32_t *slots
    if list.count + count <= list.capacity:
        return 0
    while capacity < list.count + count:
        capacity *= 2
    slots = <uint32_t *>realloc(list.slots, capacity * sizeof(uint32_t))
    if slots == NULL:
        return -1
    list.slots = slots
    list.capacity = capacity
    return 0

cdef inline uint32_t slots_position(const Book *book, const SlotList *list, uint64_t order_id) noexcept nogil:
    """Return how many orders of the list have a smaller id. O(log list)."""
    cdef uint32_t low = 0
    cdef uint32_t high = list.count
    cdef uint32_t middle
    while low < high:
        middle = (low + high) >> 1
        if order_at(book, list.slots[middle]).order_id < order_id:
            low = middle + 1
        else:
            high = middle
    return low

cdef inline void slots_insert(const Book *book, SlotList *list, uint32_t slot) noexcept nogil:
    """File a slot by its order's id. Room must have been reserved. O(list), O(1) for the greatest id."""
    cdef uint32_t at = slots_position(book, list, order_at(book, slot).order_id)
    pb_assert(list.count < list.capacity, "slots: insert without reserve")
    memmove(list.slots + at + 1, list.slots + at, (list.count - at) * sizeof(uint32_t))
    list.slots[at] = slot
    list.count += 1

cdef inline void slots_remove(const Book *book, SlotList *list, uint32_t slot) noexcept nogil:
    """Take a slot out; its order must still have its id. O(list)."""
    cdef uint32_t at = slots_position(book, list, order_at(book, slot).order_id)
    pb_assert(list.slots[at] == slot, "slots: removing a slot that is not there")
    list.count -= 1
    memmove(list.slots + at, list.slots + at + 1, (list.count - at) * sizeof(uint32_t))

# --- book -----------------------------------------------------------------------------------------

cdef inline void book_init(Book *book) noexcept nogil:
    cdef int i
    slab_init(&book.orders, sizeof(Order))
    slab_init(&book.levels, sizeof(Level))
    slab_init(&book.nodes, sizeof(Node))
    slab_init(&book.specials, sizeof(Special))
    for i in range(LINES):
        prices_init(&book.index[i])
        book.best_ticks[i] = 0
        book.best_level[i] = NIL
    for i in range(CHAINS):
        book.chains[i].head = book.chains[i].tail = NIL
        book.chains[i].orders = 0
    slots_init(&book.pegs)
    slots_init(&book.trailing)
    book.open_orders = 0
    ids_init(&book.ids)

cdef inline void book_clear(Book *book) noexcept nogil:
    slab_clear(&book.orders)
    slab_clear(&book.levels)
    slab_clear(&book.nodes)
    slab_clear(&book.specials)
    slab_clear(&book.ids.pages)
    free(book.ids.directory)
    free(book.pegs.slots)
    free(book.trailing.slots)
    book_init(book)

cdef inline uint32_t book_specials(const Book *book) noexcept nogil:
    """How many live orders are special."""
    return book.specials.used - book.specials.free_count

cdef inline int book_reserve(Book *book, uint32_t orders, uint32_t specials, uint64_t next_order_id) noexcept nogil:
    """Make room for so many orders at new prices, of which `specials` may be special. -1 without memory.

    A live special order may move to a new price within any command, so each claims a level and its nodes on top. A
    command's room is thereby complete before it begins. O(1) amortised.
    """
    cdef uint32_t levels = orders + book_specials(book)
    if (
        slab_reserve(&book.orders, orders, ORDERS_FIRST) != 0
        or slab_reserve(&book.levels, levels, LEVELS_FIRST) != 0
        or slab_reserve(&book.nodes, levels * NODES_PER_INSERT, NODES_FIRST) != 0
        or ids_reserve(&book.ids, orders, next_order_id) != 0
        or slab_reserve(&book.specials, specials, SPECIALS_FIRST) != 0
        or slots_reserve(&book.pegs, specials) != 0
        or slots_reserve(&book.trailing, specials) != 0
    ):
        return -1
    return 0

cdef inline bint line_falls(int line) noexcept nogil:
    """Whether a line's best price is its highest."""
    return (line & 1) == 0

cdef inline uint32_t book_level(Book *book, int line, int64_t price_ticks) noexcept nogil:
    """Return the level at a price, making it when there is none. Room must have been reserved."""
    cdef uint32_t slot, leaf
    cdef int digit
    cdef Node *node
    cdef Level *level
    if price_ticks == book.best_ticks[line]:
        return book.best_level[line]
    leaf = prices_make_leaf(&book.index[line], &book.nodes, price_ticks)
    node = node_at(&book.nodes, leaf)
    digit = price_ticks & 63
    if (node.bitmap >> digit) & 1:
        return node.child[digit]
    slot = slab_take(&book.levels)
    node.bitmap |= <uint64_t>1 << digit
    node.child[digit] = slot
    level = level_at(book, slot)
    level.price_ticks = price_ticks
    level.lots = 0
    level.head = level.tail = NIL
    level.orders = 0
    level.leaf = leaf
    if book.best_level[line] == NIL or (
        price_ticks > book.best_ticks[line] if line_falls(line) else price_ticks < book.best_ticks[line]
    ):
        book.best_ticks[line] = price_ticks
        book.best_level[line] = slot
    return slot

cdef inline uint32_t book_find_level(Book *book, int line, int64_t price_ticks) noexcept nogil:
    """Return the level at any price, NIL when there is none. O(1) for recent leaves, else O(depth of the index)."""
    cdef uint32_t leaf
    cdef int digit = price_ticks & 63
    if price_ticks < 1 or price_ticks > PRICE_TICKS_MAX:
        return NIL
    leaf = prices_find_leaf(&book.index[line], &book.nodes, price_ticks)
    if leaf == NIL or not (node_at(&book.nodes, leaf).bitmap >> digit) & 1:
        return NIL
    return node_at(&book.nodes, leaf).child[digit]

cdef inline void book_drop_level(Book *book, int line, uint32_t slot) noexcept nogil:
    """Remove an empty level; when it was the best, the next becomes it. O(depth of the index)."""
    cdef Level *level = level_at(book, slot)
    cdef Node *node = node_at(&book.nodes, level.leaf)
    cdef uint32_t leaf = level.leaf
    cdef uint32_t best
    node.bitmap &= ~(<uint64_t>1 << (level.price_ticks & 63))
    if book.best_level[line] == slot:
        # The best is at one end of its leaf, so the next one is the leaf's new extreme, if it has any.
        if node.bitmap:
            best = prices_extreme(&book.nodes, leaf, line_falls(line))
        else:
            prices_drop_leaf(&book.index[line], &book.nodes, leaf)
            best = NIL
            if book.index[line].root != NIL:
                best = prices_extreme(&book.nodes, book.index[line].root, line_falls(line))
        book.best_level[line] = best
        book.best_ticks[line] = level_at(book, best).price_ticks if best != NIL else 0
    elif node.bitmap == 0:
        prices_drop_leaf(&book.index[line], &book.nodes, leaf)
    slab_give(&book.levels, slot)

cdef inline void book_enqueue(Book *book, uint32_t slot, int line, int64_t price_ticks, int64_t lots) noexcept nogil:
    """Put an order that shows `lots` at the back of a price's queue. Room must have been reserved."""
    cdef Order *order = order_at(book, slot)
    cdef uint32_t level_slot = book_level(book, line, price_ticks)
    cdef Level *level = level_at(book, level_slot)
    order.level = level_slot
    order.prev = level.tail
    order.next = NIL
    if level.tail == NIL:
        level.head = slot
    else:
        order_at(book, level.tail).next = slot
    level.tail = slot
    level.orders += 1
    level.lots += lots

cdef inline void book_unqueue(Book *book, uint32_t slot, int line, int64_t lots) noexcept nogil:
    """Take an order that shows `lots` out of its queue; its slot and id stay. O(1) but for an emptied level."""
    cdef Order *order = order_at(book, slot)
    cdef Level *level = level_at(book, order.level)
    level.lots -= lots
    level.orders -= 1
    if order.prev == NIL:
        level.head = order.next
    else:
        order_at(book, order.prev).next = order.next
    if order.next == NIL:
        level.tail = order.prev
    else:
        order_at(book, order.next).prev = order.prev
    if level.orders == 0:
        book_drop_level(book, line, order.level)

cdef inline void book_forget(Book *book, uint32_t slot) noexcept nogil:
    """Give back an order's slot and id after it left its queue. A special one has given back its Special."""
    ids_drop(&book.ids, order_at(book, slot).order_id)
    slab_give(&book.orders, slot)
    book.open_orders -= 1

cdef inline uint32_t book_next_level(const Book *book, int line, uint32_t slot) noexcept nogil:
    """Return the level after `slot` in the order of its line, NIL at the end. O(depth of the index)."""
    cdef Level *level = level_at(book, slot)
    return prices_next(&book.nodes, level.leaf, level.price_ticks, line_falls(line))

# --- special orders -------------------------------------------------------------------------------

cdef inline int64_t order_leaves(const Order *order) noexcept nogil:
    return order.qty_lots - order.filled_lots

cdef inline uint8_t order_place(const Book *book, const Order *order) noexcept nogil:
    return <uint8_t>PLACE_BOOK if order.special == NIL else special_at(book, order.special).place

cdef inline int order_line(const Book *book, const Order *order) noexcept nogil:
    """The line an order is queued in, LINE_NONE outside the levels."""
    return order.side if order.special == NIL else special_at(book, order.special).line

cdef inline int64_t order_front(const Book *book, const Order *order) noexcept nogil:
    """What a queued order offers at its turn: an iceberg's slice, the leaves of any other."""
    if order.special != NIL and special_at(book, order.special).place == PLACE_ICEBERG:
        return special_at(book, order.special).shown_lots
    return order_leaves(order)

cdef inline bint special_trails(const Special *special) noexcept nogil:
    return special.peg == PEG_NONE and (special.offset_ticks != 0 or special.trail_ppm != 0)

cdef inline void chain_append(Book *book, int chain, uint32_t slot) noexcept nogil:
    cdef Chain *row = &book.chains[chain]
    cdef Order *order = order_at(book, slot)
    order.prev = row.tail
    order.next = NIL
    if row.tail == NIL:
        row.head = slot
    else:
        order_at(book, row.tail).next = slot
    row.tail = slot
    row.orders += 1

cdef inline void chain_remove(Book *book, int chain, uint32_t slot) noexcept nogil:
    cdef Chain *row = &book.chains[chain]
    cdef Order *order = order_at(book, slot)
    if order.prev == NIL:
        row.head = order.next
    else:
        order_at(book, order.prev).next = order.next
    if order.next == NIL:
        row.tail = order.prev
    else:
        order_at(book, order.next).prev = order.prev
    row.orders -= 1

cdef inline int64_t book_touch(const Book *book, int side) noexcept nogil:
    """Best price of a side, hidden orders included; 0 when there is none. O(1)."""
    cdef int64_t shown_ticks = book.best_ticks[side]
    cdef int64_t hidden_ticks = book.best_ticks[LINE_HIDDEN_BIDS + side]
    if hidden_ticks == 0 or shown_ticks == 0:
        return shown_ticks | hidden_ticks
    return max(shown_ticks, hidden_ticks) if side == BUY else min(shown_ticks, hidden_ticks)
