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
from libc.string cimport memmove

from parbook._idpages cimport IdIndex
from parbook._ids cimport ids_clear, ids_drop, ids_init, ids_reserve
from parbook._prices cimport (
    NODES_FIRST, NODES_PER_INSERT, Node, PriceIndex, line_key, node_at, prices_add_leaf, prices_extreme,
    prices_drop_leaf, prices_find_leaf, prices_idle, prices_init, prices_next, prices_wake,
)
from parbook._slab cimport Slab, slab_clear, slab_give, slab_has, slab_init, slab_reserve, slab_take
from parbook._types cimport (
    BUY, NIL, PEG_NONE, PLACE_BOOK, PLACE_ICEBERG, PRICE_TICKS_MAX, pb_assert, pb_likely, pb_lowest_bit, pb_unlikely,
)

cdef enum:
    ORDERS_FIRST = 32
    LEVELS_FIRST = 16
    SPECIALS_FIRST = 8
    IDLE_LEVELS_KEPT = 8192     # or a small book would sweep, and make its levels anew, all the time
    LEAF_CACHE = 1024           # leaves remembered of displayed bids, and of asks: 65,536 ticks each
    LEAF_CACHE_SMALL = 16       # of every other line
    LEAF_CACHES = 2144          # of all

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
    uint64_t best_key[LINES]    # line_key of the best price, all ones when a line is empty
    int64_t best_ticks[LINES]   # 0 when a line is empty
    uint32_t best_level[LINES]
    uint32_t idle_levels        # made, without an order
    uint32_t open_orders        # all live ones, wherever they stand
    IdIndex ids
    Slab specials
    Chain chains[CHAINS]
    SlotList pegs               # wherever they stand
    SlotList trailing           # armed trailing stops
    PriceIndex index[LINES]
    uint32_t leaf_cache[LEAF_CACHES]

cdef inline Order *order_at(const Book *book, uint32_t slot) noexcept nogil:
    return <Order *>book.orders.items + slot

cdef inline Level *level_at(const Book *book, uint32_t slot) noexcept nogil:
    return <Level *>book.levels.items + slot

cdef inline Special *special_at(const Book *book, uint32_t slot) noexcept nogil:
    return <Special *>book.specials.items + slot

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
    """Make an empty book, which must stay where it is: its indexes point into it."""
    cdef int i, at
    slab_init(&book.orders, sizeof(Order))
    slab_init(&book.levels, sizeof(Level))
    slab_init(&book.nodes, sizeof(Node))
    slab_init(&book.specials, sizeof(Special))
    for i in range(LINES):
        at = LEAF_CACHE * i if i <= LINE_ASKS else LEAF_CACHE * 2 + LEAF_CACHE_SMALL * (i - 2)
        prices_init(
            &book.index[i], <uint16_t>i, book.leaf_cache + at, (LEAF_CACHE if i <= LINE_ASKS else LEAF_CACHE_SMALL) - 1
        )
        book.best_ticks[i] = 0
        book.best_key[i] = ~<uint64_t>0
        book.best_level[i] = NIL
    for i in range(CHAINS):
        book.chains[i].head = book.chains[i].tail = NIL
        book.chains[i].orders = 0
    slots_init(&book.pegs)
    slots_init(&book.trailing)
    book.open_orders = 0
    book.idle_levels = 0
    ids_init(&book.ids)

cdef inline void book_clear(Book *book) noexcept nogil:
    slab_clear(&book.orders)
    slab_clear(&book.levels)
    slab_clear(&book.nodes)
    slab_clear(&book.specials)
    ids_clear(&book.ids)
    free(book.pegs.slots)
    free(book.trailing.slots)
    book_init(book)

cdef inline uint32_t book_specials(const Book *book) noexcept nogil:
    """How many live orders are special."""
    return book.specials.used - book.specials.free_count

cdef inline int book_reserve_levels(Book *book, uint32_t levels) noexcept nogil:
    """Make room for levels at new prices, by giving idle ones back where they are many and half. -1 without memory."""
    if pb_likely(slab_has(&book.levels, levels) and slab_has(&book.nodes, levels * NODES_PER_INSERT)):
        return 0
    if book.idle_levels >= IDLE_LEVELS_KEPT and book.idle_levels * 2 >= book.levels.used - book.levels.free_count:
        book_sweep(book)
    if slab_reserve(&book.levels, levels, LEVELS_FIRST) != 0:
        return -1
    return slab_reserve(&book.nodes, levels * NODES_PER_INSERT, NODES_FIRST)

cdef inline int book_reserve(Book *book, uint32_t orders, uint32_t specials, uint64_t next_order_id) noexcept nogil:
    """Make room for so many orders at new prices, of which `specials` may be special. -1 without memory.

    A live special order may move to a new price within any command, so each claims a level and its nodes on top. A
    command's room is thereby complete before it begins. O(1) amortised.
    """
    cdef uint32_t levels = orders + book_specials(book)
    if (
        slab_reserve(&book.orders, orders, ORDERS_FIRST) != 0
        or book_reserve_levels(book, levels) != 0
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

cdef inline uint32_t book_add_level(Book *book, int line, int64_t price_ticks, uint32_t leaf) noexcept nogil:
    """Make the idle level at a price of a leaf, where there is none."""
    cdef uint64_t key = line_key(line, price_ticks)
    cdef uint32_t slot = slab_take(&book.levels, sizeof(Level))
    cdef Node *node = node_at(&book.nodes, leaf)
    cdef Level *level = level_at(book, slot)
    node.made |= <uint64_t>1 << (key & 63)
    node.child[key & 63] = slot
    level.price_ticks = price_ticks
    level.lots = 0
    level.head = level.tail = NIL
    level.orders = 0
    level.leaf = leaf
    book.idle_levels += 1
    return slot

cdef inline uint32_t book_level(Book *book, int line, int64_t price_ticks) noexcept nogil:
    """Return the level at a price, making an idle one when there is none. Room for what is live must be reserved.

    One command may move an order over more prices than room was made for, each of which leaves a level idle: what lies
    idle gives way then.
    """
    cdef uint64_t key = line_key(line, price_ticks)
    cdef uint32_t leaf = prices_find_leaf(&book.index[line], &book.nodes, key)
    if pb_likely(leaf != NIL and (node_at(&book.nodes, leaf).made >> (key & 63)) & 1):
        return node_at(&book.nodes, leaf).child[key & 63]
    if pb_unlikely(not slab_has(&book.levels, 1) or not slab_has(&book.nodes, NODES_PER_INSERT)):
        book_sweep(book)
        leaf = prices_find_leaf(&book.index[line], &book.nodes, key)
    if leaf == NIL:
        leaf = prices_add_leaf(&book.index[line], &book.nodes, key)
    return book_add_level(book, line, price_ticks, leaf)

cdef inline void book_wake_level(Book *book, int line, uint32_t slot, int64_t price_ticks) noexcept nogil:
    """A level got its first order."""
    cdef uint64_t key = line_key(line, price_ticks)
    cdef uint32_t leaf = level_at(book, slot).leaf
    cdef Node *node = node_at(&book.nodes, leaf)
    book.idle_levels -= 1
    if node.bitmap == 0:
        prices_wake(&book.nodes, leaf)
    node.bitmap |= <uint64_t>1 << (key & 63)
    if key < book.best_key[line]:
        book.best_key[line] = key
        book.best_ticks[line] = price_ticks
        book.best_level[line] = slot

cdef inline uint32_t book_find_level(Book *book, int line, int64_t price_ticks) noexcept nogil:
    """Return the level at any price, NIL when there is none. O(1) for recent leaves, else O(depth of the index)."""
    cdef uint64_t key = line_key(line, price_ticks)
    cdef uint32_t leaf
    if price_ticks < 1 or price_ticks > PRICE_TICKS_MAX:
        return NIL
    leaf = prices_find_leaf(&book.index[line], &book.nodes, key)
    if leaf == NIL or not (node_at(&book.nodes, leaf).bitmap >> (key & 63)) & 1:
        return NIL
    return node_at(&book.nodes, leaf).child[key & 63]

cdef inline void book_find_best(Book *book, int line) noexcept nogil:
    """Let the best price be what the index says. O(depth)."""
    cdef uint32_t best = NIL
    cdef int64_t best_ticks = 0
    if book.index[line].root != NIL and node_at(&book.nodes, book.index[line].root).bitmap:
        best = prices_extreme(&book.nodes, book.index[line].root, False)
        best_ticks = level_at(book, best).price_ticks
    book.best_level[line] = best
    book.best_ticks[line] = best_ticks
    book.best_key[line] = line_key(line, best_ticks) if best != NIL else ~<uint64_t>0

cdef inline void book_idle_level(Book *book, int line, uint32_t slot) noexcept nogil:
    """A level lost its last order; when it was the best, the next becomes it. O(depth of the index)."""
    cdef const Level *level = level_at(book, slot)
    cdef uint32_t leaf = level.leaf
    cdef Node *node = node_at(&book.nodes, leaf)
    cdef uint64_t key = line_key(line, level.price_ticks)
    cdef uint32_t best
    node.bitmap &= ~(<uint64_t>1 << (key & 63))
    book.idle_levels += 1
    if node.bitmap == 0:
        prices_idle(&book.nodes, leaf)
        if book.best_key[line] == key:
            book_find_best(book, line)
    elif book.best_key[line] == key:
        # The best stands in the first leaf, so the next best is what follows it there.
        best = node.child[pb_lowest_bit(node.bitmap)]
        book.best_level[line] = best
        book.best_ticks[line] = level_at(book, best).price_ticks
        book.best_key[line] = line_key(line, book.best_ticks[line])

cdef inline void book_sweep(Book *book) noexcept nogil:
    """Give back every idle level, and every leaf without another. O(nodes + idle levels)."""
    cdef uint32_t slot
    cdef uint64_t idle
    cdef Node *node
    for slot in range(book.nodes.used):
        node = node_at(&book.nodes, slot)
        if node.shift != 0:
            continue
        idle = node.made & ~node.bitmap
        node.made = node.bitmap
        while idle:
            slab_give(&book.levels, node.child[pb_lowest_bit(idle)], sizeof(Level))
            book.idle_levels -= 1
            idle &= idle - 1
        if node.bitmap == 0:
            prices_drop_leaf(&book.index[node.line], &book.nodes, slot)

cdef inline void book_enqueue(Book *book, uint32_t slot, int line, int64_t price_ticks, int64_t lots) noexcept nogil:
    """Put an order that shows `lots` at the back of a price's queue. Room must have been reserved."""
    cdef Order *order = order_at(book, slot)
    cdef uint32_t level_slot = book_level(book, line, price_ticks)
    cdef Level *level = level_at(book, level_slot)
    cdef uint32_t *to_this = &level.head if level.tail == NIL else &order_at(book, level.tail).next
    order.level = level_slot
    order.prev = level.tail
    order.next = NIL
    to_this[0] = slot
    level.tail = slot
    level.orders += 1
    level.lots += lots
    if level.orders == 1:
        book_wake_level(book, line, level_slot, price_ticks)

cdef inline void book_unqueue(Book *book, uint32_t slot, int line, int64_t lots) noexcept nogil:
    """Take an order that shows `lots` out of its queue; its slot and id stay. O(1) but for an emptied level."""
    cdef Order *order = order_at(book, slot)
    cdef Level *level = level_at(book, order.level)
    # Chosen, not branched on: whether an order is first or last of its queue is a coin toss.
    cdef uint32_t *to_next = &level.head if order.prev == NIL else &order_at(book, order.prev).next
    cdef uint32_t *to_prev = &level.tail if order.next == NIL else &order_at(book, order.next).prev
    level.lots -= lots
    level.orders -= 1
    to_next[0] = order.next
    to_prev[0] = order.prev
    if level.orders == 0:
        book_idle_level(book, line, order.level)

cdef inline void book_forget(Book *book, uint32_t slot) noexcept nogil:
    """Give back an order's slot and id after it left its queue. A special one has given back its Special."""
    ids_drop(&book.ids, order_at(book, slot).order_id)
    slab_give(&book.orders, slot, sizeof(Order))
    book.open_orders -= 1

cdef inline uint32_t book_next_level(const Book *book, int line, uint32_t slot) noexcept nogil:
    """Return the level after `slot` in the order of its line, NIL at the end. O(depth of the index)."""
    cdef Level *level = level_at(book, slot)
    return prices_next(&book.nodes, level.leaf, line_key(line, level.price_ticks))

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
