# What the next commands of a batch will touch, asked of memory before they run. Changes no result and says nothing.
#
# In a book larger than the nearest caches a cancel waits for its id page, then for its order, then for the level and
# the neighbours, each behind the one before; a new order for its leaf, its level and the order before it. One after
# another these waits are most of the time. Asked for step by step over a whole block of commands, the waits of a block
# overlap, and each step is a short loop. A small book, which is near anyway, is not asked.
#
# Every slot that is read here was read from a table that nothing has changed since, and no slab shrinks: whatever a
# command says, only memory of the market's own is looked at.
from libc.stdint cimport int64_t, uint32_t, uint64_t

from parbook._book cimport Book, Level, Order, level_at, order_at
from parbook._desk cimport Desk
from parbook._identity cimport CAPACITY_SPARSE, DEAD, ClientIds, client_find, client_home
from parbook._ids cimport PAGE_IDS, PAGE_SHIFT, page_at
from parbook._ledger cimport balance_ask, profile_ask
from parbook._listing cimport Funds, paying_asset
from parbook._lines cimport LINE_BYTES
from parbook._prices cimport Node, guess_of, is_leaf_of, line_key, node_at, prices_guess_leaf, prices_search_leaf
from parbook._types cimport NEW, NIL, SELL, Command, pb_prefetch

cdef extern from *:
    """
    #if PARBOOK_CHECKED
    #define PB_AHEAD_ORDERS 0u
    #else
    #define PB_AHEAD_ORDERS 16384u
    #endif
    """
    # Books with fewer orders are run without looking ahead; the checked build always looks.
    const uint32_t AHEAD_ORDERS "PB_AHEAD_ORDERS"

cdef enum:
    AHEAD = 32              # commands looked at together: what they touch is some 12 KiB
    AHEAD_LEAST = 8         # too few to overlap

cdef inline bint looks_ahead(const Desk *desk, int64_t count) noexcept nogil:
    """Whether `count` commands are worth looking at together."""
    return desk.book.orders.used >= AHEAD_ORDERS and count >= AHEAD_LEAST

cdef inline void ask_client(const ClientIds *ids, uint32_t account, uint64_t client_id) noexcept nogil:
    """Ask for where a client id stands, in a table that no cache holds."""
    if client_id != 0 and ids.capacity > CAPACITY_SPARSE:
        pb_prefetch(ids.entries + client_home(ids, account, client_id))

cdef inline void ask_money(const Funds *funds, uint32_t account, int side) noexcept nogil:
    """Ask for what an order of that side is paid from."""
    if funds != NULL:
        balance_ask(funds.ledger, account, paying_asset(funds, side))

# --- four steps, each of which needs what the one before it asked for -----------------------------

cdef inline uint32_t ask_index(const Desk *desk, const Command *command) noexcept nogil:
    """Ask for where a command's order is found: the page of its id, or the leaf of its price. NIL without any."""
    cdef const Book *book = &desk.book
    cdef uint64_t entry, key
    cdef uint32_t slot = NIL
    cdef int line
    ask_client(&desk.ids, command.account, command.client_id)
    if command.kind == NEW:
        line = command.side & SELL
        key = line_key(line, command.price_ticks)
        ask_money(desk.funds, command.account, line)
        if desk.funds != NULL:
            profile_ask(desk.funds.ledger, command.account)
        slot = prices_guess_leaf(&book.index[line], key)
        if slot != NIL:
            pb_prefetch(node_at(&book.nodes, slot))
            pb_prefetch(&node_at(&book.nodes, slot).child[key & 63])
    elif command.order_id != 0:
        entry = (command.order_id >> PAGE_SHIFT) - book.ids.first_page
        if entry < book.ids.length:
            slot = book.ids.directory[entry].page
        if slot != NIL:
            pb_prefetch(&page_at(&book.ids, slot).slot[command.order_id & (PAGE_IDS - 1)])
    elif command.client_id != 0:
        slot = 0
    return slot

cdef inline uint32_t ask_order(Desk *desk, const Command *command, uint32_t at) noexcept nogil:
    """Ask for the order that an id names, or for the right leaf when the one remembered is of another price."""
    cdef Book *book = &desk.book
    cdef uint32_t slot
    cdef uint64_t key
    cdef int line
    if command.kind != NEW:
        if command.order_id != 0:
            slot = page_at(&book.ids, at).slot[command.order_id & (PAGE_IDS - 1)]
        else:
            slot = client_find(&desk.ids, command.account, command.client_id)
            if slot == DEAD:
                slot = NIL
        if slot != NIL:
            pb_prefetch(order_at(book, slot))
        return slot
    line = command.side & SELL
    key = line_key(line, command.price_ticks)
    if is_leaf_of(&book.index[line], node_at(&book.nodes, at), key >> 6):
        return at
    slot = prices_search_leaf(&book.index[line], &book.nodes, key)
    if slot != NIL:
        pb_prefetch(node_at(&book.nodes, slot))
        pb_prefetch(&node_at(&book.nodes, slot).child[key & 63])
    return slot

cdef inline uint32_t ask_level(const Desk *desk, const Command *command, uint32_t at) noexcept nogil:
    """Ask for the level of an order, its neighbours and what else it has; or for the level that a leaf has."""
    cdef const Book *book = &desk.book
    cdef const Order *order
    cdef const Node *leaf
    cdef uint64_t key
    cdef uint32_t slot = NIL
    if command.kind != NEW:
        order = order_at(book, at)
        if order.prev != NIL:
            pb_prefetch(order_at(book, order.prev))
        if order.next != NIL:
            pb_prefetch(order_at(book, order.next))
        ask_money(desk.funds, order.account, order.side)
        if command.client_id == 0:
            ask_client(&desk.ids, order.account, order.client_id)
        # An order that waits outside the levels says nothing of use here.
        if order.level < book.levels.used:
            slot = order.level
    else:
        leaf = node_at(&book.nodes, at)
        key = line_key(command.side & SELL, command.price_ticks)
        if (leaf.made >> (key & 63)) & 1:
            slot = leaf.child[key & 63]
    if slot != NIL:
        pb_prefetch(level_at(book, slot))
    return slot

cdef inline void ask_last(const Desk *desk, const Command *command, uint32_t at) noexcept nogil:
    """Ask for the leaf that will hear of an emptied level, or for the order behind which the new one will stand."""
    cdef const Level *level = level_at(&desk.book, at)
    if command.kind != NEW:
        if level.orders == 1:
            pb_prefetch(node_at(&desk.book.nodes, level.leaf))
    elif level.tail != NIL:
        pb_prefetch(order_at(&desk.book, level.tail))

# --- one market's commands, or those of many ------------------------------------------------------

cdef inline void ask_steps(Desk **desks, size_t stride, const Command *commands, int64_t count) noexcept nogil:
    """Take the four steps with `count` commands; the i-th goes to the desk at i * stride, NULL for none."""
    cdef uint32_t at[AHEAD]
    cdef int64_t i
    for i in range(count):
        at[i] = ask_index(desks[i * stride], commands + i) if desks[i * stride] != NULL else NIL
    for i in range(count):
        if at[i] != NIL:
            at[i] = ask_order(desks[i * stride], commands + i, at[i])
    for i in range(count):
        if at[i] != NIL:
            at[i] = ask_level(desks[i * stride], commands + i, at[i])
    for i in range(count):
        if at[i] != NIL:
            ask_last(desks[i * stride], commands + i, at[i])

cdef inline void ask_commands(const Command *commands) noexcept nogil:
    cdef int64_t i
    for i in range(AHEAD):
        # Callers hand over a long batch part by part: what lies behind this part is most often the next.
        pb_prefetch(commands + AHEAD + i)

cdef inline void look_ahead(Desk *desk, const Command *commands, int64_t left) noexcept nogil:
    """Ask for what the next AHEAD of so many commands will touch, and for those behind them. Expected O(AHEAD)."""
    ask_commands(commands)
    ask_steps(&desk, 0, commands, min(left, <int64_t>AHEAD))

cdef inline void ask_lines(const void *first, const void *end) noexcept nogil:
    cdef const char *at = <const char *>first
    while at < <const char *>end:
        pb_prefetch(at)
        at += LINE_BYTES

cdef inline void ask_desk(const Desk *desk) noexcept nogil:
    """Ask for what every plain command reads of its desk."""
    ask_lines(desk, &desk.last_auction_ticks)
    pb_prefetch(&desk.timers)
    ask_lines(&desk.book, desk.book.leaf_cache)

cdef inline void ask_tables(const Desk *desk, const Command *command) noexcept nogil:
    """Ask for where the next event and order will stand, and for the tables in which ask_index looks."""
    cdef const Book *book = &desk.book
    cdef uint64_t entry
    cdef uint32_t slot
    pb_prefetch(desk.events + (desk.next_seq & desk.events_mask))
    if command.kind == NEW:
        slot = book.orders.free_head if book.orders.free_head != NIL else book.orders.used
        pb_prefetch(order_at(book, slot))
        pb_prefetch(guess_of(&book.index[command.side & SELL], line_key(command.side & SELL, command.price_ticks)))
    elif command.order_id != 0:
        entry = (command.order_id >> PAGE_SHIFT) - book.ids.first_page
        if entry < book.ids.length:
            pb_prefetch(book.ids.directory + entry)

cdef inline bint looks_everywhere(Desk **desks, uint32_t count, const Command *commands, int64_t left) noexcept nogil:
    """Whether a batch goes back and forth between markets that together are large, by its first commands. O(AHEAD)."""
    cdef int64_t window = min(left, <int64_t>AHEAD)
    cdef int64_t i
    cdef int64_t turns = 0
    cdef uint64_t orders = 0
    for i in range(1, window):
        turns += commands[i].instrument != commands[i - 1].instrument
    if window < AHEAD_LEAST or turns * AHEAD_LEAST < window:
        return False
    for i in range(window):
        if commands[i].instrument < count:
            orders += desks[commands[i].instrument].book.orders.used
    return orders // <uint64_t>window * count >= AHEAD_ORDERS

cdef inline void look_everywhere(Desk **desks, uint32_t count, const Command *commands, int64_t left) noexcept nogil:
    """The same as look_ahead for commands of any market of an exchange, whose desks may be as far as their books."""
    cdef Desk *to[AHEAD]
    cdef int64_t window = min(left, <int64_t>AHEAD)
    cdef int64_t i
    ask_commands(commands)
    for i in range(window):
        to[i] = desks[commands[i].instrument] if commands[i].instrument < count else NULL
        if to[i] != NULL:
            ask_desk(to[i])
    for i in range(window):
        if to[i] != NULL:
            ask_tables(to[i], commands + i)
    ask_steps(to, 1, commands, window)
