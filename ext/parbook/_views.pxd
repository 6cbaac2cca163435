# What can be read off a desk without changing it: depth, queues, the state's order and id records.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from parbook._book cimport Book, Level, Node, Order, book_next_level, level_at, node_at, order_at
from parbook._desk cimport Desk, better
from parbook._identity cimport ClientIds
from parbook._prices cimport prices_find_leaf
from parbook._quotes cimport Cursor, Quote, cursor_trade, curve_quote
from parbook._types cimport *

# parbook.state.ORDER and .DEAD_ID
cdef struct OrderRecord:
    uint64_t order_id
    uint64_t client_id
    uint32_t account
    uint8_t side
    uint8_t post_only
    uint16_t reserved
    int64_t price_ticks
    int64_t qty_lots
    int64_t filled_lots

cdef struct DeadIdRecord:
    uint64_t account
    uint64_t client_id

cdef inline list depth_rows(const Desk *desk, int side, int64_t count):
    """One side's DEPTH rows, best first, book before curve at one price; at most `count` of each source."""
    cdef list rows = []
    cdef const Book *book = &desk.book
    cdef uint32_t level_slot = book.best_level[side]
    cdef const Level *level
    cdef int64_t levels = 0
    cdef int64_t rungs = 0
    cdef Cursor cursor = Cursor(0, 0, 0, 0, 0, 0)
    cdef Quote quote = Quote(0, 0)
    cdef bint has_quote = False
    cdef int taker = 1 - side
    if desk.curve != NULL:
        cursor = desk.curve.cursor
        has_quote = curve_quote(desk.curve, &cursor, taker, book.best_ticks[taker], &quote)
    while True:
        if levels == count:
            level_slot = NIL
        if rungs == count:
            has_quote = False
        if has_quote and (
            level_slot == NIL or better(taker, quote.price_ticks, level_at(book, level_slot).price_ticks)
        ):
            rows.append((side, SOURCE_CURVE, 0, quote.price_ticks, quote.lots))
            cursor_trade(desk.curve, &cursor, taker, quote.price_ticks, quote.lots)
            has_quote = curve_quote(desk.curve, &cursor, taker, book.best_ticks[taker], &quote)
            rungs += 1
        elif level_slot != NIL:
            level = level_at(book, level_slot)
            rows.append((side, SOURCE_BOOK, level.orders, level.price_ticks, level.lots))
            level_slot = book_next_level(book, side, level_slot)
            levels += 1
        else:
            return rows

cdef inline list queue_of(Book *book, int side, int64_t price_ticks):
    """The ids resting at a price in time priority."""
    cdef list ids = []
    cdef uint32_t leaf = NIL
    cdef uint32_t slot
    cdef const Node *node
    cdef int digit = price_ticks & 63
    if 1 <= price_ticks <= PRICE_TICKS_MAX:
        leaf = prices_find_leaf(&book.index[side], &book.nodes, price_ticks)
    if leaf == NIL:
        return ids
    node = node_at(&book.nodes, leaf)
    if not (node.bitmap >> digit) & 1:
        return ids
    slot = level_at(book, node.child[digit]).head
    while slot != NIL:
        ids.append(order_at(book, slot).order_id)
        slot = order_at(book, slot).next
    return ids

cdef inline int put_orders(const Book *book, uint8_t[::1] out) except -1:
    """Fill an array of ORDER records: bids best first, then asks, each queue in time priority. O(orders)."""
    cdef OrderRecord *record
    cdef const Order *order
    cdef uint32_t level_slot, slot
    cdef int side
    if out.shape[0] == 0:
        return 0
    record = <OrderRecord *>&out[0]
    for side in range(2):
        level_slot = book.best_level[side]
        while level_slot != NIL:
            slot = level_at(book, level_slot).head
            while slot != NIL:
                order = order_at(book, slot)
                record.order_id = order.order_id
                record.client_id = order.client_id
                record.account = order.account
                record.side = order.side
                record.post_only = order.post_only
                record.reserved = 0
                record.price_ticks = order.price_ticks
                record.qty_lots = order.qty_lots
                record.filled_lots = order.filled_lots
                record += 1
                slot = order.next
            level_slot = book_next_level(book, side, level_slot)
    return 0

cdef inline int put_dead_ids(const ClientIds *ids, uint8_t[::1] out) except -1:
    """Fill an array of DEAD_ID records, oldest first."""
    cdef DeadIdRecord *record
    cdef uint64_t i, at
    if out.shape[0] == 0:
        return 0
    record = <DeadIdRecord *>&out[0]
    for i in range(ids.dead_count):
        at = (ids.dead_first + i) & (ids.dead_capacity - 1)
        record[i].account = ids.dead[at].account
        record[i].client_id = ids.dead[at].client_id
    return 0
