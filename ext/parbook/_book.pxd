# The limit order book: price, then time. Twin of parbook.reference.book. Knows nothing of curve or events.
#
# Orders, levels, index nodes and id pages are slots of four slabs. An order is one cache line; a level is half of
# one and holds its queue as a doubly linked list through the orders.
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memmove, memset

from parbook._prices cimport (
    NODES_FIRST, NODES_PER_INSERT, Node, PriceIndex, node_at, prices_drop_leaf, prices_extreme, prices_init,
    prices_make_leaf, prices_next,
)
from parbook._slab cimport Slab, slab_clear, slab_give, slab_init, slab_reserve, slab_take
from parbook._types cimport BUY, NIL, SELL, pb_assert, pb_likely

cdef enum:
    ORDERS_FIRST = 32
    LEVELS_FIRST = 16
    PAGES_FIRST = 4
    PAGE_IDS = 64
    PAGE_SHIFT = 6

cdef struct Order:
    uint64_t order_id       # overlaid by the slab's free list
    uint64_t client_id
    int64_t price_ticks
    int64_t qty_lots        # total; leaves = total - filled
    int64_t filled_lots
    uint32_t account
    uint32_t level
    uint32_t prev
    uint32_t next
    uint8_t side
    uint8_t post_only

cdef struct Level:
    int64_t price_ticks     # overlaid by the slab's free list
    int64_t lots            # sum of the leaves of its orders
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

cdef struct Book:
    Slab orders
    Slab levels
    Slab nodes
    PriceIndex index[2]
    int64_t best_ticks[2]   # 0 when a side is empty
    uint32_t best_level[2]
    uint32_t open_orders
    IdIndex ids

cdef inline Order *order_at(const Book *book, uint32_t slot) noexcept nogil:
    return <Order *>book.orders.items + slot

cdef inline Level *level_at(const Book *book, uint32_t slot) noexcept nogil:
    return <Level *>book.levels.items + slot

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

# --- book -----------------------------------------------------------------------------------------

cdef inline void book_init(Book *book) noexcept nogil:
    slab_init(&book.orders, sizeof(Order))
    slab_init(&book.levels, sizeof(Level))
    slab_init(&book.nodes, sizeof(Node))
    prices_init(&book.index[BUY])
    prices_init(&book.index[SELL])
    book.best_ticks[BUY] = book.best_ticks[SELL] = 0
    book.best_level[BUY] = book.best_level[SELL] = NIL
    book.open_orders = 0
    ids_init(&book.ids)

cdef inline void book_clear(Book *book) noexcept nogil:
    slab_clear(&book.orders)
    slab_clear(&book.levels)
    slab_clear(&book.nodes)
    slab_clear(&book.ids.pages)
    free(book.ids.directory)
    book_init(book)

cdef inline int book_reserve(Book *book, uint32_t orders, uint64_t next_order_id) noexcept nogil:
    """Make room for so many orders at new prices. Returns -1 when there is no memory. O(1) amortised."""
    if (
        slab_reserve(&book.orders, orders, ORDERS_FIRST) != 0
        or slab_reserve(&book.levels, orders, LEVELS_FIRST) != 0
        or slab_reserve(&book.nodes, orders * NODES_PER_INSERT, NODES_FIRST) != 0
        or ids_reserve(&book.ids, orders, next_order_id) != 0
    ):
        return -1
    return 0

cdef inline uint32_t book_level(Book *book, int side, int64_t price_ticks) noexcept nogil:
    """Return the level at a price, making it when there is none. Room must have been reserved."""
    cdef uint32_t slot, leaf
    cdef int digit
    cdef Node *node
    cdef Level *level
    if price_ticks == book.best_ticks[side]:
        return book.best_level[side]
    leaf = prices_make_leaf(&book.index[side], &book.nodes, price_ticks)
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
    if book.best_level[side] == NIL or (
        price_ticks > book.best_ticks[side] if side == BUY else price_ticks < book.best_ticks[side]
    ):
        book.best_ticks[side] = price_ticks
        book.best_level[side] = slot
    return slot

cdef inline void book_drop_level(Book *book, int side, uint32_t slot) noexcept nogil:
    """Remove an empty level; when it was the best, the next becomes it. O(depth of the index)."""
    cdef Level *level = level_at(book, slot)
    cdef Node *node = node_at(&book.nodes, level.leaf)
    cdef uint32_t leaf = level.leaf
    cdef uint32_t best
    node.bitmap &= ~(<uint64_t>1 << (level.price_ticks & 63))
    if book.best_level[side] == slot:
        # The best is at one end of its leaf, so the next one is the leaf's new extreme, if it has any.
        if node.bitmap:
            best = prices_extreme(&book.nodes, leaf, side == BUY)
        else:
            prices_drop_leaf(&book.index[side], &book.nodes, leaf)
            best = NIL
            if book.index[side].root != NIL:
                best = prices_extreme(&book.nodes, book.index[side].root, side == BUY)
        book.best_level[side] = best
        book.best_ticks[side] = level_at(book, best).price_ticks if best != NIL else 0
    elif node.bitmap == 0:
        prices_drop_leaf(&book.index[side], &book.nodes, leaf)
    slab_give(&book.levels, slot)

cdef inline void book_enqueue(Book *book, uint32_t slot) noexcept nogil:
    """Put an order, whose fields are set, at the back of its price's queue. Room must have been reserved."""
    cdef Order *order = order_at(book, slot)
    cdef uint32_t level_slot = book_level(book, order.side, order.price_ticks)
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
    level.lots += order.qty_lots - order.filled_lots

cdef inline void book_unqueue(Book *book, uint32_t slot) noexcept nogil:
    """Take an order out of its queue, wherever it stands; its slot and id stay. O(1) but for an emptied level."""
    cdef Order *order = order_at(book, slot)
    cdef Level *level = level_at(book, order.level)
    level.lots -= order.qty_lots - order.filled_lots
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
        book_drop_level(book, order.side, order.level)

cdef inline void book_forget(Book *book, uint32_t slot) noexcept nogil:
    """Give back an order's slot and id after it left its queue."""
    ids_drop(&book.ids, order_at(book, slot).order_id)
    slab_give(&book.orders, slot)
    book.open_orders -= 1

cdef inline uint32_t book_next_level(const Book *book, int side, uint32_t slot) noexcept nogil:
    """Return the level after `slot` in trading order, NIL at the end. O(depth of the index)."""
    cdef Level *level = level_at(book, slot)
    return prices_next(&book.nodes, level.leaf, level.price_ticks, side == BUY)
