"""From bytes back to a compiled market. Twin of parbook.reference.restore: the same flaws, found in the same order.

A module of its own, so that the market's own code stays as it was compiled. Room for everything is reserved from the
counts before the first order is taken; then each is tested and put where it stands, without a Python object.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, realloc
from libc.string cimport memset

from parbook._accounts cimport account_chain, account_soil, quote_key
from parbook._audit cimport audit
from parbook._book cimport (
    CHAIN_CALL_BUYS, CHAIN_ELECTED, FLAG_POST_ONLY, LINE_HIDDEN_BIDS, LINE_NONE, LINE_TRADE_SELLS, ORDERS_FIRST,
    SPECIALS_FIRST, Order, Special, book_enqueue, book_reserve_levels, book_specials, book_touch, chain_append,
    order_at, order_leaves, slots_insert, slots_reserve, special_at,
)
from parbook._curve cimport CurveParams, curve_validate
from parbook._desk cimport Desk
from parbook._flaws cimport *
from parbook._identity cimport ClientIds, client_close, client_find, client_home, client_ids_reserve, client_open
from parbook._ids cimport PAGE_IDS, PAGE_SHIFT, PAGES_FIRST, IdIndex, ids_find, ids_put, page_at
from parbook._limits cimport closable_lots
from parbook._listing cimport order_hold
from parbook._market cimport Market
from parbook._phases cimport session_matches
from parbook._quotes cimport Anchor, Curve, Quote, curve_compile_here, curve_quote, cursor_seek
from parbook._registry cimport Account, AccountRecord, registry_add, registry_find, registry_reserve
from parbook._slab cimport slab_reserve, slab_take
from parbook._timers cimport TIMER_DEADMAN, TIMER_EXPIRY, timers_add, timers_reserve
from parbook._types cimport *
from parbook._views cimport DeadIdRecord, OrderRecord
from parbook._window cimport TradeRecord, window_at, window_grow

import numpy as np

from parbook.flaws import Flaw, corruption, flawed
from parbook.state_parts import cut_market, refuse_other_states

cdef enum:
    NO_MEMORY = -1
    SECTION_ELECTED = 8
    SECTION_PARKED = 9
    SECTION_CALL_BUYS = 10
    AHEAD = 16              # orders

cdef extern from *:
    """
    #define PB_ID_PAGES_MAX (((uint64_t)1) << 30)
    """
    # Where the ids of live orders are farther apart than 2**36 their index alone would take 4 GiB.
    const uint64_t ID_PAGES_MAX "PB_ID_PAGES_MAX"

# parbook.state.CURVE_STATE
cdef struct CurveStateRecord:
    uint64_t quoting
    int64_t low_ticks
    int64_t high_ticks
    int64_t net_lots
    int64_t cash_notional
    int64_t compiled_at_net_lots

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


cdef const void *bytes_of(object records) except? NULL:
    cdef const uint8_t[::1] view
    if len(records) == 0:
        return NULL
    view = records.view(np.uint8)
    return &view[0]


# --- what stands there once -----------------------------------------------------------------------

cdef int restore_counters(Desk *desk, object header) except -1:
    desk.now_ns = header["now_ns"]
    desk.next_seq = header["next_seq"]
    # Nothing of the ring was written by this market: its first event is the next one.
    desk.grown_seq = desk.batch_seq = desk.next_seq
    desk.next_command = header["next_command"]
    desk.next_order_id = header["next_order_id"]
    desk.last_trade_ticks = header["last_trade_ticks"]
    desk.last_auction_ticks = header["last_auction_ticks"]
    desk.session.phase = header["phase"]
    desk.session.closed = header["closed"]
    desk.session.delisted = header["delisted"]
    desk.session.indicated.price_ticks = header["indicative_ticks"]
    desk.session.indicated.paired_lots = header["indicative_paired_lots"]
    desk.session.indicated.surplus_lots = header["indicative_surplus_lots"]
    desk.watch &= ~<uint32_t>WATCH_STATE
    if not session_matches(&desk.session):
        desk.watch |= WATCH_STATE
    return 0


cdef int flaw_of_parameters(const Desk *desk, const CurveParams *params) noexcept nogil:
    cdef int i
    for i in range(4):
        if params.reserved[i] != 0:
            return FLAW_UNKNOWN_NUMBER
    if params.ts_ns != 0 or params.instrument != 0:
        return FLAW_UNKNOWN_NUMBER
    if curve_validate(params) != 0:
        return FLAW_CURVE_PARAMETERS
    return FLAW_CURVE_UNFUNDED if desk.funds != NULL and desk.funds.treasury == 0 else FLAW_NONE


cdef int flaw_of_curve_state(
    const Desk *desk, const CurveParams *params, const CurveStateRecord *state
) noexcept nogil:
    cdef bint anchored = 1 <= state.low_ticks <= state.high_ticks and state.high_ticks <= CURVE_PRICE_TICKS_MAX
    cdef int64_t atoms
    if state.quoting > 1:
        return FLAW_CURVE_STATE
    if not anchored and (state.quoting != 0 or (state.low_ticks | state.high_ticks) != 0):
        return FLAW_CURVE_STATE
    if not params.min_net_lots <= state.net_lots <= params.max_net_lots or state.cash_notional < 0:
        return FLAW_CURVE_STATE
    if state.quoting == 0 and state.compiled_at_net_lots != 0:
        return FLAW_CURVE_STATE
    if not params.min_net_lots <= state.compiled_at_net_lots <= params.max_net_lots:
        return FLAW_CURVE_STATE
    if desk.funds != NULL and (
        pb_mul(state.cash_notional, desk.funds.tick_atoms, &atoms)
        or pb_mul(state.net_lots - params.min_net_lots, desk.funds.lot_atoms, &atoms)
    ):
        return FLAW_NOTIONAL_OVERFLOW
    return FLAW_NONE


cdef int restore_curve(Desk *desk, const CurveParams *params, const CurveStateRecord *state) noexcept nogil:
    """Let a sound curve stand as it was. -1 without memory."""
    cdef Curve *curve = <Curve *>calloc(1, sizeof(Curve))
    if curve == NULL:
        return NO_MEMORY
    desk.curve = curve
    curve.params = params[0]
    curve.low_ticks = state.low_ticks
    curve.high_ticks = state.high_ticks
    curve.quoting = state.quoting != 0
    if curve.quoting:
        # The ladder hangs on where the cursor stood when the anchor came.
        curve.cursor.net_lots = state.compiled_at_net_lots
        curve_compile_here(curve)
    curve.cursor.net_lots = state.net_lots
    curve.cursor.cash_notional = state.cash_notional
    cursor_seek(curve, &curve.cursor)
    return 0


cdef int restore_anchors(Desk *desk, const Anchor *anchors, uint64_t count, uint64_t *index) noexcept nogil:
    cdef int64_t earliest_ns = desk.now_ns
    cdef const Anchor *anchor
    cdef uint64_t i
    for i in range(count):
        index[0] = i
        anchor = &anchors[i]
        if not 1 <= anchor.low_ticks <= anchor.high_ticks or anchor.high_ticks > CURVE_PRICE_TICKS_MAX:
            return FLAW_PRICE_OUT_OF_RANGE
        if anchor.effective_at_ns < earliest_ns:
            return FLAW_TIME_OUT_OF_RANGE
        earliest_ns = anchor.effective_at_ns
        desk.curve.anchors[i] = anchor[0]
        desk.curve.proposed += 1
    return FLAW_NONE


# --- accounts, past trades, dead ids --------------------------------------------------------------

cdef int restore_accounts(Desk *desk, const AccountRecord *records, uint64_t count, uint64_t *index) noexcept nogil:
    cdef uint64_t last = 0
    cdef const AccountRecord *record
    cdef Account *account
    cdef uint64_t i
    cdef int flaw
    for i in range(count):
        index[0] = i
        record = &records[i]
        flaw = flaw_of_account(record, desk.now_ns)
        if flaw != FLAW_NONE:
            return flaw
        if record.account <= last:
            return FLAW_OUT_OF_ORDER
        if registry_reserve(&desk.accounts) != 0 or timers_reserve(&desk.timers, 1) != 0:
            return NO_MEMORY
        account = registry_add(&desk.accounts, <uint32_t>record.account)
        account.record = record[0]
        if record.deadline_ns != 0:
            timers_add(
                &desk.timers, &desk.book, &desk.accounts, <uint64_t>record.deadline_ns, TIMER_DEADMAN,
                record.account, desk.accounts.count - 1,
            )
        last = record.account
    if count != 0:
        desk.watch |= WATCH_ACCOUNTS
    return FLAW_NONE


cdef int restore_trades(Desk *desk, const TradeRecord *records, uint64_t count, uint64_t *index) noexcept nogil:
    cdef uint64_t last = 0
    cdef uint64_t i
    cdef int flaw
    for i in range(count):
        index[0] = i
        flaw = flaw_of_trade(&records[i], desk.next_seq, desk.funds)
        if flaw != FLAW_NONE:
            return flaw
        if records[i].seq <= last:
            return FLAW_OUT_OF_ORDER
        if desk.window.count == desk.window.capacity and window_grow(&desk.window) != 0:
            return NO_MEMORY
        window_at(&desk.window, i)[0] = records[i]
        desk.window.count += 1
        last = records[i].seq
    return FLAW_NONE


cdef int restore_dead_ids(Desk *desk, const DeadIdRecord *records, uint64_t count, uint64_t *index) noexcept nogil:
    cdef uint64_t i
    for i in range(count):
        index[0] = i
        if records[i].account == 0 or records[i].account >> 32 != 0:
            return FLAW_NO_ACCOUNT
        if records[i].client_id == 0:
            return FLAW_CLIENT_ID_MISSING
        if client_find(&desk.ids, <uint32_t>records[i].account, records[i].client_id) != NIL:
            return FLAW_CLIENT_ID_TWICE
        if client_ids_reserve(&desk.ids, 1) != 0:
            return NO_MEMORY
        client_open(&desk.ids, <uint32_t>records[i].account, records[i].client_id, 0)
        if client_close(&desk.ids, <uint32_t>records[i].account, records[i].client_id) != 0:
            return NO_MEMORY
    return FLAW_NONE


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


cdef void count_orders(
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


cdef int span_ids(IdIndex *ids, uint64_t least, uint64_t greatest) noexcept nogil:
    """Let the directory reach from one id to another: the orders of a state do not come by id. -1 without memory."""
    cdef uint64_t length = (greatest >> PAGE_SHIFT) - (least >> PAGE_SHIFT) + 1
    cdef size_t capacity = 16
    if length > ID_PAGES_MAX:
        return NO_MEMORY
    while capacity < length:
        capacity *= 2
    ids.directory = <uint32_t *>realloc(ids.directory, capacity * sizeof(uint32_t))
    if ids.directory == NULL:
        return NO_MEMORY
    memset(ids.directory, 0xFF, length * sizeof(uint32_t))
    ids.first_page = least >> PAGE_SHIFT
    ids.length = length
    ids.capacity = capacity
    return 0


cdef int reserve_orders(Desk *desk, uint64_t count, const Loading *loading) noexcept nogil:
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


cdef int restore_order(Desk *desk, const OrderRecord *record, Loading *loading) noexcept nogil:
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
    if slab_reserve(&desk.book.ids.pages, 1, PAGES_FIRST) != 0:
        return NO_MEMORY
    slot = make_order(desk, record)
    ids_put(&desk.book.ids, record.order_id, slot)
    client_open(&desk.ids, record.account, record.client_id, slot)
    if not is_plain_order(record):
        make_special(desk, slot, record)
    desk.book.open_orders += 1
    count_for_account(desk, record)
    return put_order(desk, slot, record, section)


cdef inline void await_client(const ClientIds *ids, const OrderRecord *record) noexcept nogil:
    """Have a client id's entry fetched before it is asked for."""
    pb_prefetch(&ids.entries[client_home(ids, record.account, record.client_id)])


cdef int restore_orders(Desk *desk, const OrderRecord *records, uint64_t count, uint64_t *index) noexcept nogil:
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
        chain_reduce_only(desk)
    if desk.book.chains[CHAIN_ELECTED].head != NIL:
        desk.watch |= WATCH_ELECTED
    return FLAW_NONE


cdef bint has_partner(const Desk *desk, const OrderRecord *record) noexcept nogil:
    """Whether an order's OCO partner is live, names it, and is of the same account."""
    cdef uint32_t slot = ids_find(&desk.book.ids, record.oco_order_id)
    cdef const Order *partner
    if slot == NIL:
        return False
    partner = order_at(&desk.book, slot)
    if partner.special == NIL or partner.account != record.account:
        return False
    return special_at(&desk.book, partner.special).oco_order_id == record.order_id


cdef void chain_reduce_only(Desk *desk) noexcept nogil:
    """Chain each account's reduce-only orders by id, and have those looked at that are too many for its position.

    A triggered stop that was cancelled ends no step: what it left to be looked at waits for the next one.
    """
    cdef Account *account
    cdef const Order *order
    cdef uint32_t slot, i
    cdef size_t entry
    cdef int digit, side
    for entry in range(desk.book.ids.length):
        if desk.book.ids.directory[entry] == NIL:
            continue
        for digit in range(PAGE_IDS):
            slot = page_at(&desk.book.ids, desk.book.ids.directory[entry]).slot[digit]
            if slot == NIL:
                continue
            order = order_at(&desk.book, slot)
            if order.special != NIL and special_at(&desk.book, order.special).reduce_only:
                account_chain(desk, registry_find(&desk.accounts, order.account), slot)
    for i in range(desk.accounts.count):
        account = &desk.accounts.items[i]
        for side in range(2):
            if account.open_lots[side][1][0] != 0 and closable_lots(account, side) < 0:
                account_soil(desk, account)


cdef bint is_crossed(const Desk *desk) noexcept nogil:
    """Whether book and curve are locked or crossed while orders match."""
    cdef int64_t best_bid = book_touch(&desk.book, BUY)
    cdef int64_t best_ask = book_touch(&desk.book, SELL)
    cdef int64_t bid_touch = best_bid
    cdef Quote quote
    if not session_matches(&desk.session):
        return False
    if desk.curve != NULL:
        if curve_quote(desk.curve, &desk.curve.cursor, SELL, best_ask, &quote):
            best_bid = max(best_bid, quote.price_ticks)
        if curve_quote(desk.curve, &desk.curve.cursor, BUY, bid_touch, &quote):
            best_ask = min(best_ask, quote.price_ticks) if best_ask != 0 else quote.price_ticks
    return best_bid != 0 and best_ask != 0 and best_bid >= best_ask


# --- the whole ------------------------------------------------------------------------------------

cdef int refuse(object name, object part, int flaw, uint64_t index) except -1:
    if flaw == NO_MEMORY:
        raise MemoryError(f"no memory for a state of {name}")
    if flaw != FLAW_NONE:
        raise flawed(name, part, index, Flaw(flaw))
    return 0


cdef int restore_curve_of(Desk *desk, object parts, object symbol) except -1:
    cdef const CurveParams *params = <const CurveParams *>bytes_of(parts.curve)
    cdef const CurveStateRecord *state = <const CurveStateRecord *>bytes_of(parts.curve_state)
    cdef uint64_t index = 0
    if params == NULL or state == NULL:
        return 0
    refuse(symbol, "curve", flaw_of_parameters(desk, params), 0)
    refuse(symbol, "curve state", flaw_of_curve_state(desk, params, state), 0)
    refuse(symbol, "curve", restore_curve(desk, params, state), 0)
    flaw = restore_anchors(desk, <const Anchor *>bytes_of(parts.anchors), len(parts.anchors), &index)
    return refuse(symbol, "anchor", flaw, index)


cdef int restore_desk(Desk *desk, object instrument, object data) except -1:
    cdef uint64_t index = 0
    cdef uint64_t count
    cdef const OrderRecord *orders
    cdef const char *broken
    cdef int flaw
    parts = cut_market(data, instrument)
    symbol = f"market {instrument.symbol}"
    restore_counters(desk, parts.header)
    restore_curve_of(desk, parts, symbol)
    flaw = restore_accounts(desk, <const AccountRecord *>bytes_of(parts.accounts), len(parts.accounts), &index)
    refuse(symbol, "account", flaw, index)
    flaw = restore_trades(desk, <const TradeRecord *>bytes_of(parts.trades), len(parts.trades), &index)
    refuse(symbol, "trade", flaw, index)
    orders = <const OrderRecord *>bytes_of(parts.orders)
    count = len(parts.orders)
    with nogil:
        flaw = restore_orders(desk, orders, count, &index)
    refuse(symbol, "order", flaw, index)
    flaw = restore_dead_ids(desk, <const DeadIdRecord *>bytes_of(parts.dead_ids), len(parts.dead_ids), &index)
    refuse(symbol, "dead id", flaw, index)
    if is_crossed(desk):
        raise corruption(f"state of {symbol}, orders", Flaw(FLAW_BOOK_CROSSED).doc)
    broken = audit(desk)
    if broken != NULL:
        raise corruption(f"state of {symbol}", broken.decode())
    return 0


def market_from_state(instrument, state):
    """Return the compiled market that had this state. Behind `Market.from_state`."""
    cdef Market market
    refuse_other_states(state)
    market = Market(instrument)
    restore_desk(&market.desk, instrument, state)
    return market
