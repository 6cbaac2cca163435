# One market's state and what every command is made of. Twin of parbook.reference.desk and .matching.
#
# Events are written in place, into a ring addressed by sequence number: the last `capacity` events stay readable
# until they are overwritten, and the ring grows when one batch writes more than it holds.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memset

from parbook._book cimport (
    Book, Order, book_clear, book_forget, book_init, book_next_level, book_reserve, book_unqueue, level_at, order_at,
)
from parbook._clearing cimport Crossing, schedule_clear
from parbook._identity cimport ClientIds, client_close, client_ids_clear, client_ids_init, client_ids_reserve
from parbook._lines cimport lines_free, lines_grow
from parbook._listing cimport Funds
from parbook._phases cimport Session, session_init
from parbook._quotes cimport Cursor, Curve, Quote, cursor_reaches, cursor_trade, curve_quote
from parbook._registry cimport AccountTable, registry_clear
from parbook._settle cimport hold_at, settle
from parbook._timers cimport Timers, timers_clear, timers_reserve
from parbook._types cimport (
    ALLOCATION_PRICE_TIME, BUY, CANCELLED, Command, Config, Event, INT64_MAX, NIL, PREVENTED, QTY_LOTS_MAX,
    REASON_SELF_TRADE, REJECTED, SELL, SOURCE_BOOK, SOURCE_CURVE, SOURCE_LIFT, STATE_CONTINUOUS, STP_CANCEL_NEWEST,
    STP_CANCEL_OLDEST, STP_DECREMENT, STP_OFF, TRADE, WATCH_CONFIG, WATCH_PREVENTION, WATCH_STATE, pb_assert,
    pb_event_head, pb_likely, pb_prefetch, pb_unlikely, pb_write_event,
)
from parbook._window cimport TradeWindow, window_clear

cdef enum:
    EVENTS_FIRST = 32
    CALLS_RESERVED = 8      # single calls that room is made for at a time
    EVENTS_SPARE = 4        # places behind every event written in full; a plain command's own events are fewer

# One action of an aggressor, planned before anything changes: a fill, or a prevention instead of one.
cdef struct PlanStep:
    int64_t price_ticks
    int64_t lots
    uint32_t slot           # the resting order, NIL for the curve
    uint8_t source
    uint8_t mode            # how the prevention works, 0 for a fill

# A displayed order in one round of a price.
cdef struct Turn:
    int64_t offered_lots
    int64_t reserve_lots    # what an iceberg shows in later rounds
    int64_t share_lots
    uint32_t slot

cdef struct Plan:
    PlanStep *steps
    Turn *turns
    size_t count
    size_t capacity
    size_t turn_count
    size_t turn_capacity

# An order that traded, or left, in a step, and its OCO partner, which leaves when the step is over.
cdef struct Touched:
    uint64_t order_id
    uint64_t partner_id

# What one step did, for step_finish.
cdef struct Step:
    Touched *touched
    size_t touched_count
    size_t touched_capacity
    int64_t first_print_ticks
    int64_t last_print_ticks
    int64_t anchor_ticks
    bint breached

# Orders that one command is about to cancel.
cdef struct Noted:
    uint64_t *ids
    size_t count
    size_t capacity

cdef struct Desk:
    Event *events
    uint64_t events_mask
    uint64_t grown_seq      # first sequence number that survived the ring's last growth
    uint64_t batch_seq      # first of the running batch: must not be overwritten
    uint64_t next_seq
    uint64_t next_command
    uint64_t next_order_id
    int64_t now_ns
    int64_t last_trade_ticks
    uint32_t watch          # WATCH_* bits; 0 keeps every command that asks for nothing special on the plain path
    uint16_t number         # the instrument's in its exchange, 0 in a market of its own
    uint16_t roomy          # for so many more single calls there is room: see desk_reserve_call
    bint broken             # memory ran out half-way through a command: nothing further may be trusted
    Curve *curve            # NULL before the first SET_CURVE
    Funds *funds            # NULL in a market without money
    ClientIds ids
    Config config
    int64_t last_auction_ticks
    int64_t band_ticks      # the last trade before the running command
    Step step
    Plan plan
    Session session
    AccountTable accounts
    Timers timers
    TradeWindow window
    ClientIds quotes        # (account, quote_key) of every live quote order -> its slot
    Crossing crossing       # room for the schedules of an auction
    Noted noted
    Book book

cdef inline bint config_watched(const Config *config) noexcept nogil:
    """Whether a setting changes admission or matching of plain orders: then none takes the plain path."""
    return (
        config.stp == STP_DECREMENT
        or config.allocation != ALLOCATION_PRICE_TIME
        or config.market_rests != 0
        or config.static_band_ppm != 0
        or config.dynamic_band_ppm != 0
        or config.max_order_lots != QTY_LOTS_MAX
        or config.max_order_notional != INT64_MAX
        or config.price_reach_ppm != 0
        or config.registered_only != 0
        or config.bust_window != 0
    )

cdef inline int desk_init(Desk *desk, const Config *config, uint8_t state) noexcept nogil:
    """Make an empty market in a session state. Returns -1 when there is no memory."""
    memset(desk, 0, sizeof(Desk))
    desk.config = config[0]
    if config_watched(config):
        desk.watch |= WATCH_CONFIG
    if config.stp != STP_OFF:
        desk.watch |= WATCH_PREVENTION
    session_init(&desk.session, state)
    if state != STATE_CONTINUOUS:
        desk.watch |= WATCH_STATE
    desk.window.window = <uint64_t>config.bust_window
    desk.next_seq = desk.next_command = desk.next_order_id = 1
    desk.grown_seq = desk.batch_seq = 1
    book_init(&desk.book)
    client_ids_init(&desk.ids, <uint64_t>config.client_id_window)
    client_ids_init(&desk.quotes, 0)
    desk.events = <Event *>lines_grow(NULL, 0, EVENTS_FIRST * sizeof(Event))
    desk.events_mask = EVENTS_FIRST - 1
    return 0 if desk.events != NULL else -1

cdef inline void desk_free(Desk *desk) noexcept nogil:
    lines_free(desk.events)
    free(desk.curve)
    free(desk.plan.steps)
    free(desk.plan.turns)
    free(desk.step.touched)
    desk.events = NULL
    desk.curve = NULL
    memset(&desk.plan, 0, sizeof(Plan))
    memset(&desk.step, 0, sizeof(Step))
    registry_clear(&desk.accounts)
    timers_clear(&desk.timers)
    window_clear(&desk.window)
    client_ids_clear(&desk.quotes)
    schedule_clear(&desk.crossing.side[BUY])
    schedule_clear(&desk.crossing.side[SELL])
    free(desk.noted.ids)
    memset(&desk.noted, 0, sizeof(Noted))
    book_clear(&desk.book)
    client_ids_clear(&desk.ids)

cdef inline int desk_reserve(Desk *desk, uint32_t orders, uint32_t specials) noexcept nogil:
    """Make room for commands that enter so many orders, so that none runs out half-way. -1 when there is none."""
    desk.roomy = 0
    if book_reserve(&desk.book, orders, specials, desk.next_order_id) != 0:
        return -1
    if specials != 0 and timers_reserve(&desk.timers, specials) != 0:
        return -1
    return client_ids_reserve(&desk.ids, orders)

cdef inline int desk_reserve_call(Desk *desk) noexcept nogil:
    """Make room for one command that comes alone. Who sends one sends more: room is made for several at a time.

    Plain commands take no more than was asked for; whatever else takes room asks desk_reserve first, which ends it.
    """
    if pb_likely(desk.roomy != 0):
        desk.roomy -= 1
        return 0
    if desk_reserve(desk, CALLS_RESERVED, 0) != 0:
        return desk_reserve(desk, 1, 0)
    desk.roomy = CALLS_RESERVED - 1
    return 0

cdef inline int desk_room(
    Desk *desk, void **items, size_t *capacity, size_t count, size_t item_bytes
) noexcept nogil:
    """Make room for one more item in an array that a running command needs. Without memory the desk is broken."""
    cdef size_t larger
    cdef void *moved
    if pb_likely(count < capacity[0]):
        return 0
    larger = 64 if capacity[0] == 0 else capacity[0] * 2
    moved = realloc(items[0], larger * item_bytes)
    if moved == NULL:
        desk.broken = True
        return -1
    items[0] = moved
    capacity[0] = larger
    return 0

# --- events ---------------------------------------------------------------------------------------

cdef inline Event *event_at(Desk *desk, uint64_t seq) noexcept nogil:
    return &desk.events[seq & desk.events_mask]

cdef inline uint64_t desk_oldest_seq(const Desk *desk) noexcept nogil:
    """First sequence number that is still in the ring."""
    cdef uint64_t kept = desk.events_mask + 1
    return max(desk.grown_seq, desk.next_seq - kept if desk.next_seq > kept else 1)

cdef inline void desk_grow_events(Desk *desk) noexcept nogil:
    """Double the ring, keeping every event in it. Without memory the desk is broken and writes over the oldest."""
    cdef uint64_t mask = desk.events_mask * 2 + 1
    cdef uint64_t oldest_seq = desk_oldest_seq(desk)
    cdef uint64_t seq
    cdef Event *events = <Event *>lines_grow(NULL, 0, (mask + 1) * sizeof(Event))
    if events == NULL:
        desk.broken = True
        desk.batch_seq = desk.next_seq
        return
    for seq in range(oldest_seq, desk.next_seq):
        events[seq & mask] = desk.events[seq & desk.events_mask]
    lines_free(desk.events)
    desk.events = events
    desk.events_mask = mask
    desk.grown_seq = oldest_seq

cdef inline int desk_hold_events(Desk *desk, uint64_t events) noexcept nogil:
    """Make the ring hold so many events. Returns -1, with the ring as it was, when there is no memory."""
    while desk.events_mask + 1 < events:
        desk_grow_events(desk)
        if desk.broken:
            # Nothing was written over: the ring has only failed to grow.
            desk.broken = False
            return -1
    return 0

cdef inline void desk_await_events(Desk *desk) noexcept nogil:
    """Make space for EVENTS_SPARE events: a plain command writes its own, which are fewer, without asking again."""
    if pb_unlikely(desk.next_seq + EVENTS_SPARE - desk.batch_seq > desk.events_mask):
        desk_grow_events(desk)

cdef inline Event *desk_next_event(Desk *desk) noexcept nogil:
    """Number the next event and return its place, which the caller writes whole. Some space is left behind it."""
    desk_await_events(desk)
    desk.next_seq += 1
    return event_at(desk, desk.next_seq - 1)

cdef inline uint64_t desk_event_tail(const Desk *desk, uint64_t other_account) noexcept nogil:
    """The last word of an event: the other account, the instrument, the low bits of the command's number."""
    return other_account | <uint64_t>desk.number << 32 | desk.next_command << 48

cdef inline Event *desk_emit(
    Desk *desk, uint8_t kind, uint8_t side, uint16_t code, uint32_t account, uint64_t order_id, uint64_t other_id,
    int64_t price_ticks, int64_t qty_lots, int64_t leaves_lots, uint32_t other_account
) noexcept nogil:
    """Write the next event in its place and return it."""
    cdef Event *event = desk_next_event(desk)
    pb_write_event(
        event, pb_event_head(kind, side, code, account), desk.next_seq - 1, order_id, other_id, price_ticks, qty_lots,
        leaves_lots, desk_event_tail(desk, other_account),
    )
    return event

cdef inline void emit_rejected(Desk *desk, uint16_t code, const Command *command) noexcept nogil:
    desk_emit(desk, REJECTED, 0, code, command.account, command.order_id, command.client_id, 0, 0, 0, 0)

cdef inline void emit_order(
    Desk *desk, uint8_t kind, uint16_t code, const Order *order, int64_t qty_lots, int64_t leaves_lots
) noexcept nogil:
    """An event about one order."""
    pb_write_event(
        desk_next_event(desk), pb_event_head(kind, order.side, code, order.account), desk.next_seq - 1, order.order_id,
        order.client_id, order.price_ticks, qty_lots, leaves_lots, desk_event_tail(desk, 0),
    )

cdef inline void put_event(
    Desk *desk, uint8_t kind, uint16_t code, const Order *order, int64_t qty_lots, int64_t leaves_lots
) noexcept nogil:
    """The same where desk_await_events has made the space."""
    cdef uint64_t seq = desk.next_seq
    pb_assert(seq - desk.batch_seq <= desk.events_mask, "events: written without space")
    desk.next_seq = seq + 1
    pb_write_event(
        event_at(desk, seq), pb_event_head(kind, order.side, code, order.account), seq, order.order_id,
        order.client_id, order.price_ticks, qty_lots, leaves_lots, desk_event_tail(desk, 0),
    )

cdef inline void emit_cancelled(Desk *desk, uint16_t reason, const Order *order) noexcept nogil:
    emit_order(desk, CANCELLED, reason, order, order.qty_lots - order.filled_lots, 0)

# --- orders ---------------------------------------------------------------------------------------

cdef inline void desk_close_id(Desk *desk, const Order *order) noexcept nogil:
    if order.client_id != 0 and client_close(&desk.ids, order.account, order.client_id) != 0:
        desk.broken = True

cdef inline void desk_trade_resting(
    Desk *desk, uint32_t slot, uint16_t source, uint8_t side, int64_t lots, uint32_t account, uint64_t order_id
) noexcept nogil:
    """Trade `lots` of a resting order with a taker and say so; it leaves when nothing is left."""
    cdef Order *order = order_at(&desk.book, slot)
    cdef int64_t leaves_lots = order.qty_lots - order.filled_lots - lots
    if desk.funds != NULL:
        hold_at(desk.funds, order.account, order.side, order.price_ticks, -lots)
        settle(desk.funds, <uint8_t>source, side, order.price_ticks, lots, account, order.account, NULL)
    level_at(&desk.book, order.level).lots -= lots
    order.filled_lots += lots
    desk.last_trade_ticks = order.price_ticks
    pb_write_event(
        desk_next_event(desk), pb_event_head(TRADE, side, source, account), desk.next_seq - 1, order_id, order.order_id,
        order.price_ticks, lots, leaves_lots, desk_event_tail(desk, order.account),
    )
    if leaves_lots == 0:
        desk_close_id(desk, order)
        book_unqueue(&desk.book, slot, order.side, 0)
        book_forget(&desk.book, slot)

cdef inline bint within(int side, int64_t price_ticks, int64_t limit_ticks) noexcept nogil:
    """Whether a taker of that side accepts the price. Without a branch: sides alternate at random."""
    return (price_ticks ^ -<int64_t>side) <= (limit_ticks ^ -<int64_t>side)

cdef inline bint better(int side, int64_t price_ticks, int64_t than_ticks) noexcept nogil:
    """Whether the price is strictly better for a taker of that side. SELL's prices are compared negated."""
    return (price_ticks ^ -<int64_t>side) < (than_ticks ^ -<int64_t>side)

cdef inline bint desk_quote(
    const Desk *desk, const Cursor *cursor, int side, int64_t limit_ticks, int64_t touch_ticks, Quote *quote
) noexcept nogil:
    """Set the curve's best quote within the taker's limit and return True, or return False."""
    # The clip only ever worsens a quote, so a rung beyond the limit ends the question at once.
    if pb_likely(not cursor_reaches(cursor, side, limit_ticks)):
        return False
    return curve_quote(desk.curve, cursor, side, touch_ticks, quote) and within(side, quote.price_ticks, limit_ticks)

cdef inline bint desk_prevent(Desk *desk, const Order *taker, uint32_t slot, int64_t lots) noexcept nogil:
    """Keep an account from trading with itself: the resting order leaves, or the taker must, which is then True.

    Where no account is registered each is its own group. DECREMENT is for the full path.
    """
    cdef const Order *maker = order_at(&desk.book, slot)
    cdef bint newest = desk.config.stp == STP_CANCEL_NEWEST
    desk_emit(
        desk, PREVENTED, taker.side, <uint16_t>desk.config.stp, taker.account, taker.order_id, maker.order_id,
        maker.price_ticks, lots, maker.qty_lots - maker.filled_lots if newest else 0, maker.account,
    )
    if not newest:
        desk_cancel(desk, slot, REASON_SELF_TRADE)
    return desk.config.stp != STP_CANCEL_OLDEST

cdef inline int64_t desk_match(
    Desk *desk, Order *taker, int64_t lots, int64_t touch_ticks, bint *stopped
) noexcept nogil:
    """Fill `lots` of the taker as far as its price allows and return what is left.

    `stopped` becomes True when self-trade prevention ends it: what is left is to be cancelled.

    Best price first; at one price the book before the curve; in the book by time. O(fills + rungs crossed).
    The taker must not lie in the slab that fills give slots back to, or must be queued nowhere.
    """
    cdef Book *book = &desk.book
    cdef int side = taker.side
    cdef int maker_side = 1 - side
    cdef int64_t limit_ticks = taker.price_ticks
    cdef int64_t best_ticks, fill_lots
    cdef uint32_t slot
    cdef Order *maker
    cdef Quote quote = Quote(0, 0)
    cdef bint has_quote
    while lots != 0:
        best_ticks = book.best_ticks[maker_side]
        has_quote = desk.curve != NULL and desk_quote(
            desk, &desk.curve.cursor, side, limit_ticks, touch_ticks, &quote
        )
        if has_quote and (best_ticks == 0 or better(side, quote.price_ticks, best_ticks)):
            fill_lots = min(lots, quote.lots)
            cursor_trade(desk.curve, &desk.curve.cursor, side, quote.price_ticks, fill_lots)
            desk.last_trade_ticks = quote.price_ticks
            desk_emit(
                desk, TRADE, side, SOURCE_CURVE, taker.account, taker.order_id, 0, quote.price_ticks, fill_lots,
                desk.curve.cursor.net_lots, 0,
            )
            if desk.funds != NULL:
                settle(desk.funds, SOURCE_CURVE, side, quote.price_ticks, fill_lots, taker.account, 0, NULL)
        elif best_ticks != 0 and within(side, best_ticks, limit_ticks):
            slot = level_at(book, book.best_level[maker_side]).head
            maker = order_at(book, slot)
            pb_prefetch(order_at(book, maker.next))
            fill_lots = min(lots, maker.qty_lots - maker.filled_lots)
            if pb_unlikely(desk.config.stp != STP_OFF and maker.account == taker.account):
                if desk_prevent(desk, taker, slot, fill_lots):
                    stopped[0] = True
                    break
                continue
            desk_trade_resting(desk, slot, SOURCE_BOOK, side, fill_lots, taker.account, taker.order_id)
        else:
            break
        taker.filled_lots += fill_lots
        lots -= fill_lots
    return lots

cdef inline int64_t desk_fillable(
    const Desk *desk, int side, int64_t limit_ticks, int64_t lots, int64_t touch_ticks
) noexcept nogil:
    """Return how many of `lots` desk_match would fill, changing nothing: the same walk on a copy of the cursor.

    Levels are taken whole. O(levels + rungs crossed).
    """
    cdef const Book *book = &desk.book
    cdef int maker_side = 1 - side
    cdef int64_t wanted_lots = lots
    cdef int64_t fill_lots, best_ticks
    cdef uint32_t level_slot = book.best_level[maker_side]
    cdef Cursor cursor = Cursor(0, 0, 0, 0, 0, 0)
    cdef Quote quote = Quote(0, 0)
    cdef bint has_quote
    if desk.curve != NULL:
        cursor = desk.curve.cursor
    while lots != 0:
        best_ticks = level_at(book, level_slot).price_ticks if level_slot != NIL else 0
        has_quote = desk.curve != NULL and desk_quote(desk, &cursor, side, limit_ticks, touch_ticks, &quote)
        if has_quote and (best_ticks == 0 or better(side, quote.price_ticks, best_ticks)):
            fill_lots = min(lots, quote.lots)
            cursor_trade(desk.curve, &cursor, side, quote.price_ticks, fill_lots)
        elif best_ticks != 0 and within(side, best_ticks, limit_ticks):
            fill_lots = min(lots, level_at(book, level_slot).lots)
            level_slot = book_next_level(book, maker_side, level_slot)
        else:
            break
        lots -= fill_lots
    return wanted_lots - lots

cdef inline void desk_drop(Desk *desk, uint32_t slot, uint16_t reason) noexcept nogil:
    """Take a resting order out and say so; its client id is for the caller. Space for one event must be there."""
    cdef Order *order = order_at(&desk.book, slot)
    cdef int64_t leaves_lots = order.qty_lots - order.filled_lots
    put_event(desk, CANCELLED, reason, order, leaves_lots, 0)
    if desk.funds != NULL:
        hold_at(desk.funds, order.account, order.side, order.price_ticks, -leaves_lots)
    book_unqueue(&desk.book, slot, order.side, leaves_lots)
    book_forget(&desk.book, slot)

cdef inline void desk_cancel(Desk *desk, uint32_t slot, uint16_t reason) noexcept nogil:
    """Take a resting order out and say so."""
    desk_await_events(desk)
    desk_close_id(desk, order_at(&desk.book, slot))
    desk_drop(desk, slot, reason)

cdef inline void desk_lift(Desk *desk, uint32_t slot, int64_t lots) noexcept nogil:
    """The curve buys `lots` of a resting ask at the ask's own price."""
    cursor_trade(desk.curve, &desk.curve.cursor, SELL, order_at(&desk.book, slot).price_ticks, lots)
    desk_trade_resting(desk, slot, SOURCE_LIFT, BUY, lots, 0, 0)

cdef inline int64_t touch_without(const Desk *desk, uint32_t slot) noexcept nogil:
    """Best resting price on an order's side as if it did not rest."""
    cdef const Book *book = &desk.book
    cdef const Order *order = order_at(book, slot)
    cdef int side = order.side
    cdef uint32_t next_level
    if book.best_level[side] != order.level or level_at(book, order.level).orders > 1:
        return book.best_ticks[side]
    next_level = book_next_level(book, side, order.level)
    return level_at(book, next_level).price_ticks if next_level != NIL else 0
