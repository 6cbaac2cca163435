# What the next commands of a batch will touch, asked of memory before they run. Changes no result and says nothing.
#
# In a book larger than the nearest caches a cancel waits for its id page, then for its order, then for the level and
# the neighbours, each behind the one before; a new order for its leaf, its level and the order before it. One after
# another these waits are most of the time. Asked for step by step over a whole block of commands, the waits of a block
# overlap, and each step is a short loop. A small book, which is near anyway, is not asked.
#
# Every slot that is read here was read from a table that nothing has changed since, and no slab shrinks: whatever a
# command says, only memory of the market's own is looked at. All that is written is where a leaf was last found, and
# whoever reads that tests it.
from libc.stdint cimport int64_t, uint32_t, uint64_t

from parbook._book cimport Book, Order, level_at, order_at
from parbook._desk cimport Desk
from parbook._identity cimport CAPACITY_SPARSE, DEAD, ClientIds, client_find, client_home
from parbook._idpages cimport PAGE_SHIFT
from parbook._ids cimport ids_ask, ids_asked
from parbook._ledger cimport balance_ask, profile_ask
from parbook._listing cimport Funds, paying_asset
from parbook._lines cimport LINE_BYTES
from parbook._prices cimport (
    Node, PriceIndex, guess_of, is_leaf_of, line_key, node_at, prices_guess_leaf, prices_search_leaf,
)
from parbook._types cimport NEW, NIL, SELL, Command, pb_prefetch, pb_unlikely

cdef extern from *:
    """
    #if PARBOOK_CHECKED
    #define PB_AHEAD_ORDERS 0u
    #else
    #define PB_AHEAD_ORDERS 12288u
    #endif
    """
    # Books with fewer orders, some megabyte with their levels and ids, are near and run without looking ahead: there it
    # costs a quarter of the time. The checked build always looks.
    const uint32_t AHEAD_ORDERS "PB_AHEAD_ORDERS"

cdef enum:
    AHEAD = 32              # commands looked at together: what they touch is some 12 KiB
    AHEAD_LEAST = 8         # too few to overlap

cdef inline bint looks_ahead(const Desk *desk, int64_t count) noexcept nogil:
    """Whether `count` commands are worth looking at together."""
    return desk.book.open_orders >= AHEAD_ORDERS and count >= AHEAD_LEAST

# A command on its way through the steps. Those that enter an order go one way, those that name one another, each way in
# a list of its own: which a command is, and whether it still leads anywhere, is then guessed by no branch.
cdef struct Asked:
    const Command *command
    Desk *desk
    uint32_t slot           # of what the last step asked for

cdef inline uint32_t or_first(uint32_t slot) noexcept nogil:
    """A slot that may be asked for without a branch: that of the first item instead of none."""
    return slot if slot != NIL else 0

cdef inline void ask_client(const ClientIds *ids, uint32_t account, uint64_t client_id) noexcept nogil:
    """Ask for where a client id stands, in a table that no cache holds."""
    if client_id != 0 and ids.capacity > CAPACITY_SPARSE:
        pb_prefetch(ids.entries + client_home(ids, account, client_id))

cdef inline void ask_money(const Funds *funds, uint32_t account, int side) noexcept nogil:
    """Ask for what an order of that side is paid from."""
    if funds != NULL:
        balance_ask(funds.ledger, account, paying_asset(funds, side))

cdef inline void ask_leaf(const Book *book, uint32_t leaf, uint64_t key) noexcept nogil:
    if pb_unlikely(leaf == NIL):
        return
    pb_prefetch(node_at(&book.nodes, leaf))
    pb_prefetch(&node_at(&book.nodes, leaf).child[key & 63])

cdef inline uint64_t key_of(const Command *command) noexcept nogil:
    return line_key(command.side & SELL, command.price_ticks)

# --- the way of those that enter an order: leaf, level, last of the level -------------------------

cdef inline void ask_guesses(Asked *asked, int64_t count) noexcept nogil:
    """Ask for the leaves last used at such prices, and for who pays."""
    cdef const Command *command
    cdef const Desk *desk
    cdef int64_t i
    for i in range(count):
        command = asked[i].command
        desk = asked[i].desk
        ask_client(&desk.ids, command.account, command.client_id)
        ask_money(desk.funds, command.account, command.side & SELL)
        if desk.funds != NULL:
            profile_ask(desk.funds.ledger, command.account)
        asked[i].slot = prices_guess_leaf(&desk.book.index[command.side & SELL], key_of(command))
        ask_leaf(&desk.book, asked[i].slot, key_of(command))

cdef inline int64_t ask_leaves(Asked *asked, int64_t count) noexcept nogil:
    """Ask for the right leaf where the one remembered is of other prices; return how many have one."""
    cdef Book *book
    cdef PriceIndex *index
    cdef uint64_t key
    cdef int64_t i
    cdef int64_t kept = 0
    cdef uint32_t slot
    for i in range(count):
        book = &asked[i].desk.book
        index = &book.index[asked[i].command.side & SELL]
        key = key_of(asked[i].command)
        slot = asked[i].slot
        if slot == NIL or not is_leaf_of(index, node_at(&book.nodes, slot), key >> 6):
            slot = prices_search_leaf(index, &book.nodes, key)
            ask_leaf(book, slot, key)
        asked[kept] = asked[i]
        asked[kept].slot = slot
        kept += slot != NIL
    return kept

cdef inline int64_t ask_levels(Asked *asked, int64_t count) noexcept nogil:
    """Ask for the levels that the leaves have; return how many."""
    cdef const Node *leaf
    cdef uint64_t key, made
    cdef int64_t i
    cdef int64_t kept = 0
    for i in range(count):
        leaf = node_at(&asked[i].desk.book.nodes, asked[i].slot)
        key = key_of(asked[i].command)
        made = (leaf.made >> (key & 63)) & 1
        asked[kept] = asked[i]
        # Where none was made the child says nothing.
        asked[kept].slot = leaf.child[key & 63] & <uint32_t>(0 - made)
        pb_prefetch(level_at(&asked[i].desk.book, asked[kept].slot))
        kept += made
    return kept

cdef inline void ask_tails(const Asked *asked, int64_t count) noexcept nogil:
    """Ask for the orders behind which the new ones will stand."""
    cdef const Book *book
    cdef int64_t i
    for i in range(count):
        book = &asked[i].desk.book
        pb_prefetch(order_at(book, or_first(level_at(book, asked[i].slot).tail)))

# --- the way of those that name an order: page of ids, order, neighbours and level ----------------

cdef inline int64_t ask_pages(Asked *asked, int64_t count) noexcept nogil:
    """Ask for the page of an id, or for where a client id stands; return how many name an order."""
    cdef const Command *command
    cdef const Book *book
    cdef int64_t i
    cdef int64_t kept = 0
    cdef uint32_t slot
    for i in range(count):
        command = asked[i].command
        book = &asked[i].desk.book
        ask_client(&asked[i].desk.ids, command.account, command.client_id)
        if command.order_id != 0:
            slot = ids_ask(&book.ids, command.order_id)
        else:
            slot = 0 if command.client_id != 0 else NIL
        asked[kept] = asked[i]
        asked[kept].slot = slot
        kept += slot != NIL
    return kept

cdef inline int64_t ask_orders(Asked *asked, int64_t count) noexcept nogil:
    """Ask for the orders themselves; return how many live."""
    cdef const Command *command
    cdef Desk *desk
    cdef int64_t i
    cdef int64_t kept = 0
    cdef uint32_t slot
    for i in range(count):
        command = asked[i].command
        desk = asked[i].desk
        if command.order_id != 0:
            slot = ids_asked(&desk.book.ids, command.order_id, asked[i].slot)
        else:
            slot = client_find(&desk.ids, command.account, command.client_id)
            slot = NIL if slot == DEAD else slot
        pb_prefetch(order_at(&desk.book, or_first(slot)))
        asked[kept] = asked[i]
        asked[kept].slot = slot
        kept += slot != NIL
    return kept

cdef inline int64_t ask_neighbours(Asked *asked, int64_t count) noexcept nogil:
    """Ask for an order's level, its neighbours and what else it has; return how many stand in a level."""
    cdef const Book *book
    cdef const Order *order
    cdef int64_t i
    cdef int64_t kept = 0
    for i in range(count):
        book = &asked[i].desk.book
        order = order_at(book, asked[i].slot)
        pb_prefetch(order_at(book, or_first(order.prev)))
        pb_prefetch(order_at(book, or_first(order.next)))
        ask_money(asked[i].desk.funds, order.account, order.side)
        if asked[i].command.client_id == 0:
            ask_client(&asked[i].desk.ids, order.account, order.client_id)
        # An order that waits outside the levels says nothing of use here.
        asked[kept] = asked[i]
        asked[kept].slot = order.level if order.level < book.levels.used else 0
        pb_prefetch(level_at(book, asked[kept].slot))
        kept += order.level < book.levels.used
    return kept

cdef inline void ask_emptied(const Asked *asked, int64_t count) noexcept nogil:
    """Ask for the leaves that will hear of a level when it is emptied."""
    cdef int64_t i
    for i in range(count):
        pb_prefetch(node_at(&asked[i].desk.book.nodes, level_at(&asked[i].desk.book, asked[i].slot).leaf))

# --- one market's commands, or those of many ------------------------------------------------------

cdef inline void ask_steps(Desk **desks, size_t stride, const Command *commands, int64_t count) noexcept nogil:
    """Go both ways with `count` commands; the i-th goes to the desk at i * stride, NULL for none.

    The steps of the two ways alternate, so that what one asks for comes while the other is at it.
    """
    cdef Asked asked[2][AHEAD]
    cdef int64_t counts[2]
    cdef int64_t i
    cdef int way
    counts[0] = counts[1] = 0
    for i in range(count):
        way = commands[i].kind == NEW
        asked[way][counts[way]].command = commands + i
        asked[way][counts[way]].desk = desks[i * stride]
        counts[way] += desks[i * stride] != NULL
    counts[0] = ask_pages(asked[0], counts[0])
    ask_guesses(asked[1], counts[1])
    counts[0] = ask_orders(asked[0], counts[0])
    counts[1] = ask_leaves(asked[1], counts[1])
    counts[0] = ask_neighbours(asked[0], counts[0])
    counts[1] = ask_levels(asked[1], counts[1])
    ask_emptied(asked[0], counts[0])
    ask_tails(asked[1], counts[1])

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
    """Ask for where the next event and order will stand, and for the tables in which the first step looks."""
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
            orders += desks[commands[i].instrument].book.open_orders
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
