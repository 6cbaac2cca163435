# Every invariant of the core's containers, tested one after another. Behind Market.check().
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from parbook._audit_venue cimport audit_venue
from parbook._book cimport (
    CHAIN_CALL_BUYS, CHAIN_CALL_SELLS, CHAIN_ELECTED, CHAINS, LINE_HIDDEN_BIDS, LINE_NONE, LINE_TRADE_SELLS, LINES,
    Book, Level, Node, Order, Special, book_next_level, book_specials, book_touch, level_at, line_falls, node_at,
    order_at, order_front, order_line, order_place, special_at, special_trails,
)
from parbook._desk cimport Desk
from parbook._identity cimport DEAD, ClientIds, client_find, client_ids_limit
from parbook._idpages cimport (
    FEW_IDS, FORM_FEW, FORM_MANY, FORM_ONE, PAGE_IDS, PAGE_SHIFT, QUARTERS, IdIndex, few_at,
)
from parbook._ids cimport ids_find, ids_first, ids_places, ids_ref
from parbook._prices cimport NODES_PER_INSERT, PriceIndex, line_key
from parbook._quotes cimport Curve, Quote, curve_quote
from parbook._slab cimport Slab, slab_has
from parbook._types cimport *

cdef inline int64_t audit_node(const Book *book, int line, uint32_t slot, uint32_t parent) noexcept nogil:
    """Return how many levels hang below a node, -1 when any link, prefix or bitmap below it is wrong."""
    cdef const Node *node = node_at(&book.nodes, slot)
    cdef const Level *level
    cdef int64_t levels = 0
    cdef int64_t below
    cdef int digit
    cdef uint64_t path
    if node.parent != parent or node.shift > 54 or node.line != line:
        return -1
    if node.bitmap & ~node.made or (node.shift != 0 and (node.made & (node.made - 1)) == 0):
        return -1
    for digit in range(64):
        path = (node.prefix << 6) | <uint64_t>digit
        if node.shift == 0:
            if not (node.made >> digit) & 1:
                continue
            level = level_at(book, node.child[digit])
            if line_key(line, level.price_ticks) != path or level.leaf != slot:
                return -1
            if (level.orders != 0) != ((node.bitmap >> digit) & 1):
                return -1
            if level.orders == 0 and (level.lots != 0 or level.head != NIL or level.tail != NIL):
                return -1
            levels += level.orders != 0
        elif (node.made >> digit) & 1:
            if node_at(&book.nodes, node.child[digit]).shift >= node.shift:
                return -1
            if (
                node_at(&book.nodes, node.child[digit]).prefix
                >> (node.shift - node_at(&book.nodes, node.child[digit]).shift - 6)
            ) != path:
                return -1
            below = audit_node(book, line, node.child[digit], slot)
            if below < 0 or (below != 0) != ((node.bitmap >> digit) & 1):
                return -1
            levels += below
    return levels

# What the walk over all places has counted.
cdef struct Tally:
    uint32_t orders
    uint32_t specials
    uint32_t pegs
    uint32_t parked
    uint32_t trailing

cdef inline const char *audit_partner(const Book *book, const Order *order) noexcept nogil:
    """An OCO partner, if one is named, must be live and name this order."""
    cdef uint64_t partner_id = special_at(book, order.special).oco_order_id
    cdef uint32_t slot
    if partner_id == 0:
        return NULL
    slot = ids_find(&book.ids, partner_id)
    if slot == NIL or order_at(book, slot).special == NIL:
        return b"orders: an OCO partner is not live"
    if special_at(book, order_at(book, slot).special).oco_order_id != order.order_id:
        return b"orders: OCO partners do not name each other"
    return NULL

cdef inline const char *audit_order(const Desk *desk, uint32_t slot, Tally *tally) noexcept nogil:
    """What holds for every live order, wherever it stands."""
    cdef const Book *book = &desk.book
    cdef const Order *order = order_at(book, slot)
    cdef const Special *special
    tally.orders += 1
    if order.filled_lots < 0 or order.qty_lots <= order.filled_lots:
        return b"orders: one is live with nothing left"
    if ids_find(&book.ids, order.order_id) != slot:
        return b"orders: one is not found by its id"
    if order.client_id != 0 and client_find(&desk.ids, order.account, order.client_id) != slot:
        return b"client ids: a live order is not found by its client id"
    if order.special == NIL:
        return NULL
    special = special_at(book, order.special)
    tally.specials += 1
    tally.pegs += special.peg != PEG_NONE
    tally.parked += special.place == PLACE_PARKED
    tally.trailing += special.place == PLACE_ARMED and special_trails(special)
    if special.place == PLACE_ICEBERG:
        if special.shown_lots < 1 or special.shown_lots > min(special.display_lots, order.qty_lots - order.filled_lots):
            return b"orders: an iceberg's slice is out of range"
    elif special.shown_lots != 0:
        return b"orders: one that is no iceberg has a slice"
    return audit_partner(book, order)

cdef inline int line_of_place(const Order *order, const Special *special) noexcept nogil:
    """The line an order of its place must be queued in."""
    if special.place == PLACE_ARMED:
        return LINE_TRADE_SELLS + 2 * special.trigger + (order.side == BUY)
    if special.place == PLACE_HIDDEN:
        return LINE_HIDDEN_BIDS + order.side
    return order.side if special.place <= PLACE_ICEBERG else LINE_NONE

cdef inline const char *audit_level(const Desk *desk, int line, uint32_t slot, Tally *tally) noexcept nogil:
    cdef const Book *book = &desk.book
    cdef const Level *level = level_at(book, slot)
    cdef const Order *order
    cdef const char *broken
    cdef uint32_t order_slot = level.head
    cdef uint32_t prev = NIL
    cdef uint32_t count = 0
    cdef int64_t lots = 0
    while order_slot != NIL:
        order = order_at(book, order_slot)
        if order.prev != prev or order.level != slot or order_line(book, order) != line:
            return b"book: a queue's links are broken"
        if order.special != NIL and line_of_place(order, special_at(book, order.special)) != line:
            return b"book: an order is queued in another line than its place says"
        if level.price_ticks != (
            order.price_ticks if line < LINE_TRADE_SELLS else special_at(book, order.special).stop_ticks
        ):
            return b"book: an order is queued at another price than its level"
        broken = audit_order(desk, order_slot, tally)
        if broken != NULL:
            return broken
        lots += order_front(book, order)
        count += 1
        prev = order_slot
        order_slot = order.next
    if level.tail != prev or level.orders != count or count == 0:
        return b"book: a level's tail or count is wrong"
    if level.lots != lots:
        return b"book: a level's lots are not the sum of its orders"
    return NULL

cdef inline const char *audit_line(const Desk *desk, int line, Tally *tally) noexcept nogil:
    cdef const Book *book = &desk.book
    cdef const PriceIndex *index = &book.index[line]
    cdef const Level *level
    cdef const char *broken
    cdef uint32_t slot = book.best_level[line]
    cdef int64_t walked = 0
    cdef int64_t last_ticks = 0
    cdef int64_t levels = 0
    cdef int i
    if index.root != NIL:
        levels = audit_node(book, line, index.root, NIL)
    if levels < 0:
        return b"prices: the index tree is inconsistent"
    for i in range(index.cache_mask + 1):
        if index.cache[i] != NIL and index.cache[i] >= book.nodes.used:
            return b"prices: a cached leaf never was"
    if book.best_ticks[line] != (level_at(book, slot).price_ticks if slot != NIL else 0):
        return b"book: the best price is not that of the best level"
    if book.best_key[line] != (line_key(line, book.best_ticks[line]) if slot != NIL else ~<uint64_t>0):
        return b"book: the best key is not that of the best price"
    while slot != NIL:
        level = level_at(book, slot)
        if last_ticks != 0 and (
            level.price_ticks >= last_ticks if line_falls(line) else level.price_ticks <= last_ticks
        ):
            return b"book: levels are out of order"
        last_ticks = level.price_ticks
        broken = audit_level(desk, line, slot, tally)
        if broken != NULL:
            return broken
        walked += 1
        slot = book_next_level(book, line, slot)
    if walked != levels:
        return b"book: walking the levels from the best misses some"
    return NULL

cdef inline const char *audit_chain(const Desk *desk, int chain, Tally *tally) noexcept nogil:
    cdef const Book *book = &desk.book
    cdef const Order *order
    cdef const char *broken
    cdef uint32_t slot = book.chains[chain].head
    cdef uint32_t prev = NIL
    cdef uint32_t count = 0
    cdef uint8_t place = PLACE_ELECTED if chain == CHAIN_ELECTED else PLACE_CALL
    while slot != NIL:
        order = order_at(book, slot)
        if order.prev != prev or order_place(book, order) != place or order_line(book, order) != LINE_NONE:
            return b"orders: a chain's links or places are broken"
        if (chain == CHAIN_CALL_BUYS and order.side != BUY) or (chain == CHAIN_CALL_SELLS and order.side != SELL):
            return b"orders: a market order waits on the other side"
        broken = audit_order(desk, slot, tally)
        if broken != NULL:
            return broken
        count += 1
        prev = slot
        slot = order.next
    if book.chains[chain].tail != prev or book.chains[chain].orders != count:
        return b"orders: a chain's tail or count is wrong"
    return NULL

cdef inline const char *audit_lists(const Desk *desk, Tally *tally) noexcept nogil:
    """The lists of pegs and trailing stops, by rising id. Parked pegs stand nowhere else."""
    cdef const Book *book = &desk.book
    cdef const Order *order
    cdef const char *broken
    cdef uint64_t last_id = 0
    cdef uint32_t i
    for i in range(book.pegs.count):
        order = order_at(book, book.pegs.slots[i])
        if order.order_id <= last_id or order.special == NIL or special_at(book, order.special).peg == PEG_NONE:
            return b"orders: the list of pegs is broken"
        last_id = order.order_id
        if order_place(book, order) == PLACE_PARKED:
            if order_line(book, order) != LINE_NONE or order.price_ticks != 0:
                return b"orders: a parked peg stands somewhere"
            broken = audit_order(desk, book.pegs.slots[i], tally)
            if broken != NULL:
                return broken
    if tally.pegs != book.pegs.count:
        return b"orders: a peg is not in the list of pegs"
    last_id = 0
    for i in range(book.trailing.count):
        order = order_at(book, book.trailing.slots[i])
        if order.order_id <= last_id or order_place(book, order) != PLACE_ARMED:
            return b"orders: the list of trailing stops is broken"
        last_id = order.order_id
    if tally.trailing != book.trailing.count:
        return b"orders: a trailing stop is not in the list of them"
    return NULL

cdef inline const char *audit_page(const IdIndex *ids, size_t place, uint32_t *quarters) noexcept nogil:
    """Hold a page of live ids against what says how many they are, and against the form it ought to have."""
    cdef uint32_t said = ids_ref(ids, place).live
    cdef uint32_t live = 0
    cdef bint one = (said & FORM_ONE) != 0
    cdef bint few = (said & FORM_FEW) != 0
    cdef bint many = (said & FORM_MANY) != 0
    cdef bint far = place >= ids.length
    cdef int i
    for i in range(PAGE_IDS):
        live += ids_find(ids, ids_first(ids, place) + i) != NIL
    if one + few + many != (far or place < ids.aged):
        return b"book: a page of ids is old that should be young, or young that should be old"
    if one and live != 1 or few and not 2 <= live <= FEW_IDS or many and live <= FEW_IDS:
        return b"book: an old page of ids is kept in the wrong form"
    if live == 0 or not one and live != said & (FORM_MANY - 1):
        return b"book: the live ids of a page are miscounted"
    if far and ids.length != 0 and ids_first(ids, place) >> PAGE_SHIFT >= ids.first_page + ids.dead:
        return b"book: a far page of ids is not behind the directory"
    quarters[0] += few
    return NULL

cdef inline const char *audit_pages(const IdIndex *ids, uint32_t orders) noexcept nogil:
    """Walk the pages of ids, which name each order once; count what lives on them, and what they are made of."""
    cdef uint32_t quarters = ids.free_quarters
    cdef uint32_t whole = 0
    cdef uint32_t free_quarters = 0
    cdef uint32_t at = ids.free_quarter
    cdef const char *broken
    cdef size_t far = 0
    cdef size_t place
    cdef int i
    for place in range(ids_places(ids)):
        if ids_ref(ids, place).live == 0:
            continue
        broken = audit_page(ids, place, &quarters)
        if broken != NULL:
            return broken
        whole += ids_ref(ids, place).live & (FORM_ONE | FORM_FEW) == 0
        far += place >= ids.length
        for i in range(PAGE_IDS):
            orders -= ids_find(ids, ids_first(ids, place) + i) != NIL
    if far != ids.far.used:
        return b"book: the far pages of ids are miscounted"
    if orders != 0:
        return b"book: an order has two ids, or none"
    while at != NIL and free_quarters < ids.free_quarters:
        at = (<const uint32_t *>few_at(ids, at))[0]
        free_quarters += 1
    if at != NIL or free_quarters != ids.free_quarters:
        return b"book: the free quarters of pages are miscounted"
    if quarters % QUARTERS != 0 or whole + quarters // QUARTERS != ids.pages.used - ids.pages.free_count:
        return b"book: a page of ids is lost, or used twice"
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
    cdef int64_t best_bid = book_touch(&desk.book, BUY)
    cdef int64_t best_ask = book_touch(&desk.book, SELL)
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
    if curve_quote(curve, &curve.cursor, BUY, book_touch(&desk.book, BUY), &ask):
        best_ask = min(best_ask, ask.price_ticks) if best_ask != 0 else ask.price_ticks
    if best_bid != 0 and best_ask != 0 and best_bid >= best_ask:
        return b"market: book and curve are locked or crossed"
    return NULL

cdef inline bint audit_slab(const Slab *slab) noexcept nogil:
    return slab.free_count <= slab.used <= slab.capacity

cdef inline const char *audit_room(const Desk *desk) noexcept nogil:
    """Whether nothing outgrew its memory, and the room that single calls were promised is there."""
    cdef const Book *book = &desk.book
    cdef uint32_t calls = desk.roomy
    cdef uint64_t last_page = (desk.next_order_id + calls) >> PAGE_SHIFT
    if (
        not (audit_slab(&book.orders) and audit_slab(&book.specials) and audit_slab(&book.levels))
        or not (audit_slab(&book.nodes) and audit_slab(&book.ids.pages))
        or book.ids.length > book.ids.capacity
    ):
        return b"slab: more is in use than there is room for"
    if (
        not (slab_has(&book.orders, calls) and slab_has(&book.levels, calls))
        or not slab_has(&book.nodes, calls * NODES_PER_INSERT)
        or (calls != 0 and book.ids.length != 0 and last_page - book.ids.first_page >= book.ids.capacity)
        or desk.ids.used + calls > client_ids_limit(&desk.ids)
    ):
        return b"room: promised to single calls, and not there"
    return NULL

cdef inline const char *audit(const Desk *desk) noexcept nogil:
    """Return what is broken, NULL when nothing is. O(state)."""
    cdef const Book *book = &desk.book
    cdef const char *broken
    cdef Tally tally
    cdef uint64_t live = 0
    cdef int i
    memset(&tally, 0, sizeof(Tally))
    for i in range(LINES):
        broken = audit_line(desk, i, &tally)
        if broken != NULL:
            return broken
    for i in range(CHAINS):
        broken = audit_chain(desk, i, &tally)
        if broken != NULL:
            return broken
    broken = audit_lists(desk, &tally)
    if broken != NULL:
        return broken
    if tally.orders != book.open_orders or tally.orders != book.orders.used - book.orders.free_count:
        return b"book: open orders and places disagree"
    if tally.specials != book_specials(book) or (tally.specials != 0) != ((desk.watch & WATCH_SPECIAL) != 0):
        return b"orders: special ones are miscounted"
    broken = audit_pages(&book.ids, tally.orders)
    if broken != NULL:
        return broken
    broken = audit_room(desk)
    if broken != NULL:
        return broken
    broken = audit_client_ids(desk, &live)
    if broken != NULL:
        return broken
    if live > tally.orders:
        return b"client ids: more live ids than orders"
    broken = audit_venue(desk)
    if broken != NULL:
        return broken
    if desk.watch & WATCH_STATE:
        return NULL
    if book_touch(book, BUY) != 0 and book_touch(book, SELL) != 0 and book_touch(book, BUY) >= book_touch(book, SELL):
        return b"book: locked or crossed"
    return audit_curve(desk) if desk.curve != NULL else NULL
