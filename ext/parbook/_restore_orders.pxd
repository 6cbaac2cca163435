# The orders of a serialised state, taken one by one in the order in which they stand. Twin of the orders' part of
# parbook.reference.restore: the same flaws, found in the same order.
#
# Room for everything is reserved from counts before the first order is taken; then each is tested and put where it
# stands, without a Python object.
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, qsort, realloc
from libc.string cimport memset

from parbook._accounts cimport account_chain, quote_key
from parbook._book cimport (
    CHAIN_CALL_BUYS, CHAIN_ELECTED, FLAG_POST_ONLY, LINE_HIDDEN_BIDS, LINE_NONE, LINE_TRADE_SELLS, ORDERS_FIRST,
    SPECIALS_FIRST, Order, Special, book_enqueue, book_reserve_levels, book_specials, chain_append, order_at,
    order_leaves, slots_insert, slots_reserve, special_at,
)
from parbook._desk cimport Desk
from parbook._flaws cimport *
from parbook._identity cimport ClientIds, client_find, client_home, client_ids_reserve, client_open
from parbook._idfar cimport NEAR_PAGES, far_reserve
from parbook._idpages cimport PAGE_SHIFT, PAGES_FIRST, YOUNG_PAGES, IdIndex, PageRef
from parbook._ids cimport ids_find, ids_put_restored
from parbook._listing cimport order_hold
from parbook._registry cimport Account, registry_find
from parbook._slab cimport slab_reserve, slab_take
from parbook._timers cimport TIMER_EXPIRY, timers_add, timers_reserve
from parbook._types cimport *
from parbook._views cimport OrderRecord

cdef enum:
    NO_MEMORY = -1
    SECTION_ELECTED = 8
    SECTION_PARKED = 9
    SECTION_CALL_BUYS = 10
    AHEAD = 16              # orders

# What has to be reserved for the orders of a state, and what sorted the last one.
cdef struct Loading:
    uint32_t specials
    uint32_t client_ids
    uint32_t quotes
    uint32_t pegs
    uint32_t trailing
    uint32_t expiring
    uint64_t least_id
    uint64_t greatest_id
    int section
    int64_t key

# --- room for the orders --------------------------------------------------------------------------

cdef inline bint is_plain_order(const OrderRecord *record) noexcept nogil:
    """Whether an order has no terms at all: it needs no Special."""
    return (
        (record.order_type == LIMIT or record.order_type == POST_ONLY)
        and (record.tif | record.place | record.hidden | record.reduce_only) == 0
        and (record.stp | record.peg | record.trigger | record.quote_slot) == 0
        and (record.display_lots | record.stop_ticks | record.offset_ticks | record.limit_ticks) == 0
        and (record.expire_ns | record.shown_lots) == 0
        and record.oco_order_id == 0
        and record.trail_ppm == 0
    )

cdef inline void count_orders(
    const OrderRecord *records, uint64_t count, uint64_t next_order_id, Loading *loading
) noexcept nogil:
    """Count what has to be reserved. Nothing has been tested yet: numbers may be nonsense, but none exceeds `count`."""
    cdef const OrderRecord *record
    cdef uint64_t i
    memset(loading, 0, sizeof(Loading))
    loading.section = -1
    loading.least_id = ~<uint64_t>0
    for i in range(count):
        record = &records[i]
        loading.specials += not is_plain_order(record)
        loading.client_ids += record.client_id != 0
        loading.quotes += record.quote_slot != 0
        loading.pegs += record.peg != PEG_NONE
        loading.trailing += record.offset_ticks != 0 or record.trail_ppm != 0
        loading.expiring += record.tif == GTD
        if 1 <= record.order_id < next_order_id:
            loading.least_id = min(loading.least_id, record.order_id)
            loading.greatest_id = max(loading.greatest_id, record.order_id)

cdef inline int span_ids(IdIndex *ids, uint64_t least, uint64_t greatest) noexcept nogil:
    """Let the directory reach from one id to another, or back from it as far as directories do: the orders of a state
    do not come by id. -1 without memory."""
    cdef uint64_t length = min((greatest >> PAGE_SHIFT) - (least >> PAGE_SHIFT) + 1, <uint64_t>NEAR_PAGES)
    cdef size_t capacity = 16
    while capacity < length:
        capacity *= 2
    ids.directory = <PageRef *>realloc(ids.directory, capacity * sizeof(PageRef))
    if ids.directory == NULL:
        return NO_MEMORY
    memset(ids.directory, 0, length * sizeof(PageRef))
    ids.first_page = (greatest >> PAGE_SHIFT) + 1 - length
    ids.length = length
    ids.aged = length - min(length, <uint64_t>YOUNG_PAGES)
    ids.capacity = capacity
    return 0

cdef inline int reserve_orders(Desk *desk, uint64_t count, const Loading *loading) noexcept nogil:
    """Make room for all orders but for their levels, of which there may be few. -1 without memory."""
    if (
        slab_reserve(&desk.book.orders, <uint32_t>count, ORDERS_FIRST) != 0
        or slab_reserve(&desk.book.specials, loading.specials, SPECIALS_FIRST) != 0
        or slots_reserve(&desk.book.pegs, loading.pegs) != 0
        or slots_reserve(&desk.book.trailing, loading.trailing) != 0
        or timers_reserve(&desk.timers, loading.expiring) != 0
        or client_ids_reserve(&desk.ids, loading.client_ids) != 0
        or client_ids_reserve(&desk.quotes, loading.quotes) != 0
    ):
        return NO_MEMORY
    if loading.greatest_id == 0:
        return 0
    return span_ids(&desk.book.ids, loading.least_id, loading.greatest_id)

# --- orders ---------------------------------------------------------------------------------------

cdef inline void rank_of(const OrderRecord *record, int *section, int64_t *key) noexcept nogil:
    """Set the number of an order's section in parbook.state, and what sorts it there: never less than the last's."""
    key[0] = 0
    if record.place <= PLACE_HIDDEN:
        section[0] = (LINE_HIDDEN_BIDS if record.place == PLACE_HIDDEN else 0) + record.side
        key[0] = -record.price_ticks if record.side == BUY else record.price_ticks
    elif record.place == PLACE_ARMED:
        section[0] = LINE_TRADE_SELLS + 2 * record.trigger + (record.side == BUY)
        key[0] = record.stop_ticks if record.side == BUY else -record.stop_ticks
    elif record.place == PLACE_ELECTED:
        section[0] = SECTION_ELECTED
    else:
        section[0] = SECTION_PARKED if record.place == PLACE_PARKED else SECTION_CALL_BUYS + record.side
        key[0] = <int64_t>record.order_id

cdef inline bint comes_too_late(const Loading *loading, int section, int64_t key) noexcept nogil:
    """Whether an order should have come before the last one. Where ids decide none has its rank twice."""
    if section != loading.section:
        return section < loading.section
    return key < loading.key or (section >= SECTION_PARKED and key == loading.key)

cdef inline int flaw_among_others(const Desk *desk, const OrderRecord *record) noexcept nogil:
    """Test an order against those before it."""
    cdef int64_t limit_ticks = record.limit_ticks if record.limit_ticks != 0 else record.price_ticks
    cdef int64_t hold_atoms
    if ids_find(&desk.book.ids, record.order_id) != NIL:
        return FLAW_ORDER_ID_TWICE
    if client_find(&desk.ids, record.account, record.client_id) != NIL:
        return FLAW_CLIENT_ID_TWICE
    if record.reduce_only and registry_find(&desk.accounts, record.account) == NULL:
        return FLAW_NOT_REGISTERED
    if record.quote_slot != 0:
        if client_find(&desk.quotes, record.account, quote_key(record.quote_slot, record.side)) != NIL:
            return FLAW_QUOTE_TWICE
    if desk.funds != NULL and order_hold(
        desk.funds, record.side, limit_ticks, record.qty_lots - record.filled_lots, &hold_atoms
    ):
        return FLAW_NOTIONAL_OVERFLOW
    if record.peg != PEG_NONE and desk.book.pegs.count >= desk.config.max_pegs:
        return FLAW_TOO_MANY
    if record.place == PLACE_ARMED and (record.offset_ticks != 0 or record.trail_ppm != 0):
        if desk.book.trailing.count >= desk.config.max_trailing:
            return FLAW_TOO_MANY
    return FLAW_NONE

cdef inline uint32_t make_order(Desk *desk, const OrderRecord *record) noexcept nogil:
    """Return the slot of an order that stands nowhere yet."""
    cdef uint32_t slot = slab_take(&desk.book.orders, sizeof(Order))
    cdef Order *order = order_at(&desk.book, slot)
    order.order_id = record.order_id
    order.client_id = record.client_id
    order.price_ticks = record.price_ticks
    order.qty_lots = record.qty_lots
    order.filled_lots = record.filled_lots
    order.account = record.account
    order.side = record.side
    order.session = record.session
    order.flags = FLAG_POST_ONLY if record.order_type == POST_ONLY or record.order_type == POST_SLIDE else 0
    order.special = NIL
    return slot

cdef inline void make_special(Desk *desk, uint32_t slot, const OrderRecord *record) noexcept nogil:
    """Give an order its terms, and start what follows from them."""
    cdef Order *order = order_at(&desk.book, slot)
    cdef Special *special
    order.special = slab_take(&desk.book.specials, sizeof(Special))
    special = special_at(&desk.book, order.special)
    memset(special, 0, sizeof(Special))
    special.line = LINE_NONE
    special.timer = special.reduce_prev = special.reduce_next = NIL
    special.place = record.place
    special.order_type = record.order_type
    special.tif = record.tif
    special.hidden = record.hidden
    special.reduce_only = record.reduce_only
    special.stp = record.stp
    special.peg = record.peg
    special.trigger = record.trigger
    special.quote_slot = record.quote_slot
    special.trail_ppm = record.trail_ppm
    special.shown_lots = record.shown_lots
    special.display_lots = record.display_lots
    special.stop_ticks = record.stop_ticks
    special.offset_ticks = record.offset_ticks
    special.limit_ticks = record.limit_ticks
    special.expire_ns = record.expire_ns
    special.oco_order_id = record.oco_order_id
    if special.tif == GTD:
        timers_add(
            &desk.timers, &desk.book, &desk.accounts, <uint64_t>special.expire_ns + 1, TIMER_EXPIRY,
            order.order_id, order.special,
        )
    if special.peg != PEG_NONE:
        slots_insert(&desk.book, &desk.book.pegs, slot)
    if special.quote_slot != 0:
        client_open(&desk.quotes, order.account, quote_key(special.quote_slot, order.side), slot)

cdef inline int put_order(Desk *desk, uint32_t slot, const OrderRecord *record, int section) noexcept nogil:
    """Let an order stand at the back of where its place says, as it is. -1 without memory."""
    cdef Order *order = order_at(&desk.book, slot)
    cdef int64_t price_ticks = record.price_ticks
    cdef int64_t front_lots = order_leaves(order)
    if section == SECTION_ELECTED:
        chain_append(&desk.book, CHAIN_ELECTED, slot)
    elif section >= SECTION_CALL_BUYS:
        chain_append(&desk.book, CHAIN_CALL_BUYS + record.side, slot)
    if section >= SECTION_ELECTED:
        return 0
    if book_reserve_levels(&desk.book, 1) != 0:
        return NO_MEMORY
    if record.place == PLACE_ARMED:
        price_ticks = record.stop_ticks
        if record.offset_ticks != 0 or record.trail_ppm != 0:
            slots_insert(&desk.book, &desk.book.trailing, slot)
    elif record.place == PLACE_ICEBERG:
        front_lots = record.shown_lots
    if order.special != NIL:
        special_at(&desk.book, order.special).line = <uint8_t>section
    book_enqueue(&desk.book, slot, section, price_ticks, front_lots)
    return 0

cdef inline void count_for_account(Desk *desk, const OrderRecord *record) noexcept nogil:
    cdef Account *account = registry_find(&desk.accounts, record.account)
    cdef bint waits = record.place == PLACE_ARMED or record.place == PLACE_ELECTED
    if account != NULL:
        account.open_orders += 1
        account.open_lots[record.side][record.reduce_only][waits] += record.qty_lots - record.filled_lots

cdef inline int restore_order(Desk *desk, const OrderRecord *record, Loading *loading) noexcept nogil:
    """Test one order and let it live. A flaw, or -1 without memory."""
    cdef int section = 0
    cdef int64_t key = 0
    cdef uint32_t slot
    cdef int flaw = flaw_of_order(record, desk.next_order_id, desk.now_ns)
    if flaw != FLAW_NONE:
        return flaw
    rank_of(record, &section, &key)
    if comes_too_late(loading, section, key):
        return FLAW_OUT_OF_ORDER
    loading.section = section
    loading.key = key
    flaw = flaw_among_others(desk, record)
    if flaw != FLAW_NONE:
        return flaw
    if slab_reserve(&desk.book.ids.pages, 1, PAGES_FIRST) != 0 or far_reserve(&desk.book.ids.far) != 0:
        return NO_MEMORY
    slot = make_order(desk, record)
    ids_put_restored(&desk.book.ids, record.order_id, slot)
    client_open(&desk.ids, record.account, record.client_id, slot)
    if not is_plain_order(record):
        make_special(desk, slot, record)
    desk.book.open_orders += 1
    count_for_account(desk, record)
    return put_order(desk, slot, record, section)

cdef inline void await_client(const ClientIds *ids, const OrderRecord *record) noexcept nogil:
    """Have a client id's entry fetched before it is asked for."""
    pb_prefetch(&ids.entries[client_home(ids, record.account, record.client_id)])

cdef inline int restore_orders(Desk *desk, const OrderRecord *records, uint64_t count, uint64_t *index) noexcept nogil:
    """Take the orders in the order in which they stand. O(count * log timers)."""
    cdef Loading loading
    cdef uint64_t i
    cdef int flaw
    count_orders(records, count, desk.next_order_id, &loading)
    if reserve_orders(desk, count, &loading) != 0:
        return NO_MEMORY
    for i in range(count):
        index[0] = i
        if desk.ids.capacity != 0 and i + AHEAD < count:
            # Client ids are hashed, so every order's lies on a cache line of its own.
            await_client(&desk.ids, &records[i + AHEAD])
        flaw = restore_order(desk, &records[i], &loading)
        if flaw != FLAW_NONE:
            return flaw
    for i in range(count):
        index[0] = i
        if records[i].oco_order_id != 0 and not has_partner(desk, &records[i]):
            return FLAW_NO_PARTNER
    if book_specials(&desk.book) != 0:
        desk.watch |= WATCH_SPECIAL
        if chain_reduce_only(desk, records, count) != 0:
            return NO_MEMORY
    if desk.book.chains[CHAIN_ELECTED].head != NIL:
        desk.watch |= WATCH_ELECTED
    return FLAW_NONE

cdef inline bint has_partner(const Desk *desk, const OrderRecord *record) noexcept nogil:
    """Whether an order's OCO partner is live, names it, and is of the same account."""
    cdef uint32_t slot = ids_find(&desk.book.ids, record.oco_order_id)
    cdef const Order *partner
    if slot == NIL:
        return False
    partner = order_at(&desk.book, slot)
    if partner.special == NIL or partner.account != record.account:
        return False
    return special_at(&desk.book, partner.special).oco_order_id == record.order_id

cdef inline int number_id(const void *a, const void *b) noexcept nogil:
    cdef uint64_t left = (<const uint64_t *>a)[0]
    cdef uint64_t right = (<const uint64_t *>b)[0]
    return (left > right) - (left < right)

cdef inline int chain_reduce_only(Desk *desk, const OrderRecord *records, uint64_t count) noexcept nogil:
    """Chain each account's reduce-only orders by id: in a state they do not come so. -1 without memory."""
    cdef uint64_t *order_ids
    cdef uint64_t chained = 0
    cdef uint64_t i
    cdef uint32_t slot
    for i in range(count):
        chained += records[i].reduce_only != 0
    if chained == 0:
        return 0
    order_ids = <uint64_t *>malloc(chained * sizeof(uint64_t))
    if order_ids == NULL:
        return NO_MEMORY
    chained = 0
    for i in range(count):
        if records[i].reduce_only:
            order_ids[chained] = records[i].order_id
            chained += 1
    qsort(order_ids, chained, sizeof(uint64_t), &number_id)
    for i in range(chained):
        slot = ids_find(&desk.book.ids, order_ids[i])
        account_chain(desk, registry_find(&desk.accounts, order_at(&desk.book, slot).account), slot)
    free(order_ids)
    return 0
