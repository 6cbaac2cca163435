# What can be read off a desk without changing it: depth, queues, the state's order and id records.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from parbook._book cimport (
    CHAIN_CALL_BUYS, CHAIN_CALL_SELLS, CHAIN_ELECTED, FLAG_POST_ONLY, LINE_HIDDEN_BIDS, LINES, Book, Level, Order,
    Special, book_find_level, book_next_level, book_touch, level_at, order_at, order_place, special_at,
)
from parbook._desk cimport Desk, better
from parbook._identity cimport ClientIds
from parbook._phases cimport session_matches
from parbook._quotes cimport Cursor, Quote, cursor_trade, curve_quote
from parbook._registry cimport AccountRecord, AccountTable
from parbook._types cimport *
from parbook._window cimport TradeRecord, TradeWindow, window_at

# parbook.state.ORDER and .DEAD_ID
cdef struct OrderRecord:
    uint64_t order_id
    uint64_t client_id
    uint32_t account
    uint16_t session
    uint8_t side
    uint8_t order_type
    uint8_t tif
    uint8_t place
    uint8_t hidden
    uint8_t reduce_only
    uint8_t stp
    uint8_t peg
    uint8_t trigger
    uint8_t quote_slot
    int64_t price_ticks
    int64_t qty_lots
    int64_t filled_lots
    int64_t shown_lots
    int64_t display_lots
    int64_t stop_ticks
    int64_t offset_ticks
    int64_t limit_ticks
    int64_t expire_ns
    uint64_t oco_order_id
    uint32_t trail_ppm
    uint32_t reserved

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
    # While nothing matches, a crossed book has no touch to clip the curve by.
    if desk.curve != NULL and session_matches(&desk.session):
        cursor = desk.curve.cursor
        has_quote = curve_quote(desk.curve, &cursor, taker, book_touch(book, taker), &quote)
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
            has_quote = curve_quote(desk.curve, &cursor, taker, book_touch(book, taker), &quote)
            rungs += 1
        elif level_slot != NIL:
            level = level_at(book, level_slot)
            rows.append((side, SOURCE_BOOK, level.orders, level.price_ticks, level.lots))
            level_slot = book_next_level(book, side, level_slot)
            levels += 1
        else:
            return rows

cdef inline int queue_of_line(Book *book, int line, int64_t price_ticks, list ids) except -1:
    """Append the ids queued at a price of a line, in time priority."""
    cdef uint32_t level = book_find_level(book, line, price_ticks)
    cdef uint32_t slot
    if level == NIL:
        return 0
    slot = level_at(book, level).head
    while slot != NIL:
        ids.append(order_at(book, slot).order_id)
        slot = order_at(book, slot).next
    return 0

cdef inline list queue_of(Book *book, int side, int64_t price_ticks):
    """The ids resting at a price in time priority: displayed, then hidden ones."""
    cdef list ids = []
    queue_of_line(book, side, price_ticks, ids)
    queue_of_line(book, LINE_HIDDEN_BIDS + side, price_ticks, ids)
    return ids

cdef inline void put_order(const Book *book, const Order *order, OrderRecord *record) noexcept nogil:
    """Fill one ORDER record, whose bytes are 0."""
    cdef const Special *special
    record.order_id = order.order_id
    record.client_id = order.client_id
    record.account = order.account
    record.session = order.session
    record.side = order.side
    record.price_ticks = order.price_ticks
    record.qty_lots = order.qty_lots
    record.filled_lots = order.filled_lots
    if order.special == NIL:
        record.order_type = POST_ONLY if order.flags & FLAG_POST_ONLY else LIMIT
        return
    special = special_at(book, order.special)
    record.order_type = special.order_type
    record.tif = special.tif
    record.place = special.place
    record.hidden = special.hidden
    record.reduce_only = special.reduce_only
    record.stp = special.stp
    record.peg = special.peg
    record.trigger = special.trigger
    record.quote_slot = special.quote_slot
    record.shown_lots = special.shown_lots
    record.display_lots = special.display_lots
    record.stop_ticks = special.stop_ticks
    record.offset_ticks = special.offset_ticks
    record.limit_ticks = special.limit_ticks
    record.expire_ns = special.expire_ns
    record.oco_order_id = special.oco_order_id
    record.trail_ppm = special.trail_ppm

cdef inline OrderRecord *put_queue(const Book *book, uint32_t slot, OrderRecord *record) noexcept nogil:
    """Fill a record for each order from `slot` to the end of its queue or chain; return where the next one goes."""
    while slot != NIL:
        put_order(book, order_at(book, slot), record)
        record += 1
        slot = order_at(book, slot).next
    return record

cdef inline int put_orders(const Desk *desk, uint8_t[::1] out) except -1:
    """Fill an array of zeroed ORDER records, section by section as parbook.state has them. O(orders)."""
    cdef const Book *book = &desk.book
    cdef OrderRecord *record
    cdef uint32_t level_slot, i
    cdef int line
    if out.shape[0] == 0:
        return 0
    record = <OrderRecord *>&out[0]
    for line in range(LINES):
        level_slot = book.best_level[line]
        while level_slot != NIL:
            record = put_queue(book, level_at(book, level_slot).head, record)
            level_slot = book_next_level(book, line, level_slot)
    record = put_queue(book, book.chains[CHAIN_ELECTED].head, record)
    for i in range(book.pegs.count):
        if order_place(book, order_at(book, book.pegs.slots[i])) == PLACE_PARKED:
            put_order(book, order_at(book, book.pegs.slots[i]), record)
            record += 1
    record = put_queue(book, book.chains[CHAIN_CALL_BUYS].head, record)
    put_queue(book, book.chains[CHAIN_CALL_SELLS].head, record)
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

cdef inline int put_accounts(const AccountTable *accounts, uint8_t[::1] out) except -1:
    """Fill an array of ACCOUNT records, by time of registration."""
    cdef AccountRecord *record
    cdef uint32_t i
    if out.shape[0] == 0:
        return 0
    record = <AccountRecord *>&out[0]
    for i in range(accounts.count):
        record[i] = accounts.items[i].record
    return 0

cdef inline int put_trades(const TradeWindow *window, uint8_t[::1] out) except -1:
    """Fill an array of TRADE records, oldest first."""
    cdef TradeRecord *record
    cdef uint64_t i
    if out.shape[0] == 0:
        return 0
    record = <TradeRecord *>&out[0]
    for i in range(window.count):
        record[i] = window_at(window, i)[0]
    return 0
