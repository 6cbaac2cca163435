# Every invariant of the core's containers, tested one after another. Behind Market.check().
from libc.stdint cimport int64_t, uint32_t, uint64_t

from parbook._book cimport Book, Level, Node, Order, book_next_level, ids_find, level_at, node_at, order_at
from parbook._desk cimport Desk
from parbook._identity cimport DEAD, ClientIds, client_find
from parbook._prices cimport PriceIndex
from parbook._quotes cimport Curve, Quote, curve_quote
from parbook._slab cimport Slab
from parbook._types cimport *

cdef inline int64_t audit_node(const Book *book, int side, uint32_t slot, uint32_t parent) noexcept nogil:
    """Return how many levels hang below a node, -1 when any link, prefix or bitmap below it is wrong."""
    cdef const Node *node = node_at(&book.nodes, slot)
    cdef const Level *level
    cdef int64_t levels = 0
    cdef int64_t below
    cdef int digit
    cdef uint64_t path
    if node.parent != parent or node.bitmap == 0 or node.shift > 54:
        return -1
    if node.shift != 0 and (node.bitmap & (node.bitmap - 1)) == 0:
        return -1
    for digit in range(64):
        if not (node.bitmap >> digit) & 1:
            continue
        path = (node.prefix << 6) | <uint64_t>digit
        if node.shift == 0:
            level = level_at(book, node.child[digit])
            if <uint64_t>level.price_ticks != path or level.leaf != slot or level.orders == 0:
                return -1
            levels += 1
        else:
            if node_at(&book.nodes, node.child[digit]).shift >= node.shift:
                return -1
            if (
                node_at(&book.nodes, node.child[digit]).prefix
                >> (node.shift - node_at(&book.nodes, node.child[digit]).shift - 6)
            ) != path:
                return -1
            below = audit_node(book, side, node.child[digit], slot)
            if below < 0:
                return -1
            levels += below
    return levels

cdef inline const char *audit_level(const Desk *desk, int side, uint32_t slot, uint32_t *orders) noexcept nogil:
    cdef const Book *book = &desk.book
    cdef const Level *level = level_at(book, slot)
    cdef const Order *order
    cdef uint32_t order_slot = level.head
    cdef uint32_t prev = NIL
    cdef uint32_t count = 0
    cdef int64_t lots = 0
    while order_slot != NIL:
        order = order_at(book, order_slot)
        if order.prev != prev or order.level != slot or order.side != side:
            return b"book: a queue's links are broken"
        if order.price_ticks != level.price_ticks:
            return b"book: an order rests at another price than its level"
        if order.filled_lots < 0 or order.qty_lots <= order.filled_lots:
            return b"book: an order rests with nothing left"
        if ids_find(&book.ids, order.order_id) != order_slot:
            return b"book: an order is not found by its id"
        if order.client_id != 0 and client_find(&desk.ids, order.account, order.client_id) != order_slot:
            return b"client ids: a live order is not found by its client id"
        lots += order.qty_lots - order.filled_lots
        count += 1
        prev = order_slot
        order_slot = order.next
    if level.tail != prev or level.orders != count or count == 0:
        return b"book: a level's tail or count is wrong"
    if level.lots != lots:
        return b"book: a level's lots are not the sum of its orders"
    orders[0] += count
    return NULL

cdef inline const char *audit_side(const Desk *desk, int side, uint32_t *orders) noexcept nogil:
    cdef const Book *book = &desk.book
    cdef const PriceIndex *index = &book.index[side]
    cdef const Level *level
    cdef const char *broken
    cdef uint32_t slot = book.best_level[side]
    cdef int64_t walked = 0
    cdef int64_t last_ticks = 0
    cdef int64_t levels = 0
    cdef int i
    if index.root != NIL:
        levels = audit_node(book, side, index.root, NIL)
    if levels < 0:
        return b"prices: the index tree is inconsistent"
    for i in range(64):
        if index.cache[i].node != NIL and (
            node_at(&book.nodes, index.cache[i].node).prefix != index.cache[i].prefix
            or node_at(&book.nodes, index.cache[i].node).shift != 0
        ):
            return b"prices: a cached leaf is stale"
    if book.best_ticks[side] != (level_at(book, slot).price_ticks if slot != NIL else 0):
        return b"book: the best price is not that of the best level"
    while slot != NIL:
        level = level_at(book, slot)
        if last_ticks != 0 and (level.price_ticks >= last_ticks if side == BUY else level.price_ticks <= last_ticks):
            return b"book: levels are out of order"
        last_ticks = level.price_ticks
        broken = audit_level(desk, side, slot, orders)
        if broken != NULL:
            return broken
        walked += 1
        slot = book_next_level(book, side, slot)
    if walked != levels:
        return b"book: walking the levels from the best misses some"
    return NULL

cdef inline const char *audit_client_ids(const Desk *desk, uint64_t *live) noexcept nogil:
    cdef const ClientIds *ids = &desk.ids
    cdef uint64_t i, at
    cdef uint64_t dead = 0
    cdef uint64_t used = 0
    for i in range(ids.capacity):
        if ids.entries[i].client_id == 0:
            continue
        used += 1
        if client_find(ids, ids.entries[i].account, ids.entries[i].client_id) != ids.entries[i].slot:
            return b"client ids: an entry is not found from its home"
        if ids.entries[i].slot == DEAD:
            dead += 1
        else:
            live[0] += 1
    if used != ids.used or dead != ids.dead_count or ids.dead_count > ids.window:
        return b"client ids: counts and window disagree"
    for i in range(ids.dead_count):
        at = (ids.dead_first + i) & (ids.dead_capacity - 1)
        if client_find(ids, <uint32_t>ids.dead[at].account, ids.dead[at].client_id) != DEAD:
            return b"client ids: a pair in the window is free"
    return NULL

cdef inline const char *audit_curve(const Desk *desk) noexcept nogil:
    cdef const Curve *curve = desk.curve
    cdef int64_t net_lots = curve.cursor.net_lots
    cdef int64_t best_bid = desk.book.best_ticks[BUY]
    cdef int64_t best_ask = desk.book.best_ticks[SELL]
    cdef Quote bid, ask
    cdef int i
    if net_lots < curve.params.min_net_lots or net_lots > curve.params.max_net_lots:
        return b"curve: the cursor is outside its limits"
    if curve.cursor.cash_notional < 0:
        return b"curve: cash is negative"
    if not curve.quoting and curve.ladder.bids + curve.ladder.asks != 0:
        return b"curve: rungs without an active anchor"
    for i in range(curve.ladder.bids):
        if (curve.ladder.bid_lots[i] > net_lots) != (i >= curve.cursor.bid):
            return b"curve: the bid rung position is wrong"
    for i in range(curve.ladder.asks):
        if (curve.ladder.ask_lots[i] < net_lots) != (i >= curve.cursor.ask):
            return b"curve: the ask rung position is wrong"
    if curve.cursor.bid_ticks != (
        curve.ladder.bid_price[curve.cursor.bid] if curve.cursor.bid < curve.ladder.bids else 0
    ) or curve.cursor.ask_ticks != (
        curve.ladder.ask_price[curve.cursor.ask] if curve.cursor.ask < curve.ladder.asks else INT64_MAX
    ):
        return b"curve: the next rungs' prices are stale"
    if curve_quote(curve, &curve.cursor, SELL, best_ask, &bid):
        best_bid = max(best_bid, bid.price_ticks)
    if curve_quote(curve, &curve.cursor, BUY, desk.book.best_ticks[BUY], &ask):
        best_ask = min(best_ask, ask.price_ticks) if best_ask != 0 else ask.price_ticks
    if best_bid != 0 and best_ask != 0 and best_bid >= best_ask:
        return b"market: book and curve are locked or crossed"
    return NULL

cdef inline const char *audit(const Desk *desk) noexcept nogil:
    """Return what is broken, NULL when nothing is. O(state)."""
    cdef const char *broken
    cdef uint32_t orders = 0
    cdef uint64_t live = 0
    cdef int side
    for side in range(2):
        broken = audit_side(desk, side, &orders)
        if broken != NULL:
            return broken
    if orders != desk.book.open_orders or orders != desk.book.orders.used - desk.book.orders.free_count:
        return b"book: open orders and queues disagree"
    if desk.book.best_ticks[BUY] != 0 and desk.book.best_ticks[SELL] != 0 and \
            desk.book.best_ticks[BUY] >= desk.book.best_ticks[SELL]:
        return b"book: locked or crossed"
    broken = audit_client_ids(desk, &live)
    if broken != NULL:
        return broken
    if live > orders:
        return b"client ids: more live ids than orders"
    if desk.curve != NULL:
        return audit_curve(desk)
    return NULL
