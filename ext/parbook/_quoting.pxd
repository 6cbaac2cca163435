# QUOTE and RESET_PROTECTION: two-sided quotes, replaced as a whole or not at all. Twin of parbook.reference.quoting.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from parbook._accounts cimport MAX_QUOTE_SLOTS, quote_key
from parbook._book cimport (
    FLAG_POST_ONLY, LINE_HIDDEN_BIDS, Book, Order, Special, book_next_level, level_at, order_at, order_leaves,
    special_at,
)
from parbook._desk cimport Desk, desk_emit, within
from parbook._entry cimport refusal_of_distance, refusal_of_size
from parbook._funds cimport funds_admit_change, funds_admit_order
from parbook._identity cimport client_find, client_ids_reserve, client_open
from parbook._limits cimport accounts_admit_exposures, accounts_admit_quote, accounts_admit_rate
from parbook._live cimport emit_amended, live_accept, live_cancel, live_open, live_rest, live_shrink, special_new
from parbook._phases cimport ACTION_QUOTE, session_forbids, session_matches
from parbook._quotes cimport Quote, curve_quote
from parbook._registry cimport Account, registry_find
from parbook._slab cimport slab_take
from parbook._types cimport *

# Both sides of a quote as its owner wants them, and the orders that stand in its slot now (NIL: none).
cdef struct Sides:
    int64_t price_ticks[2]
    int64_t lots[2]
    uint32_t old[2]

cdef inline uint16_t refusal_of_quote_form(const Command *command, Sides *sides) noexcept nogil:
    """Test the numbers of a quote, and set both sides."""
    cdef int side
    sides.price_ticks[BUY], sides.price_ticks[SELL] = command.price_ticks, command.high_ticks
    sides.lots[BUY] = command.qty_lots
    # Far too many lots for either side; the record's field is unsigned.
    sides.lots[SELL] = <int64_t>min(command.client_id, <uint64_t>INT64_MAX)
    if command.account == 0:
        return INVALID_ACCOUNT
    if command.order_id >= MAX_QUOTE_SLOTS:
        return INVALID_SLOT
    for side in range(2):
        if sides.lots[side] < 0 or sides.lots[side] > QTY_LOTS_MAX:
            return QTY_OUT_OF_RANGE
        if sides.lots[side] != 0 and not 1 <= sides.price_ticks[side] <= PRICE_TICKS_MAX:
            return PRICE_OUT_OF_RANGE
    if sides.lots[BUY] != 0 and sides.lots[SELL] != 0 and sides.price_ticks[BUY] >= sides.price_ticks[SELL]:
        return QUOTE_CROSSED
    return 0

cdef inline int64_t touch_but(const Book *book, int side, uint32_t without) noexcept nogil:
    """Best price of a side, hidden orders included, as if one displayed order did not rest; 0 when there is none."""
    cdef uint32_t best = book.best_level[side]
    cdef int64_t hidden_ticks = book.best_ticks[LINE_HIDDEN_BIDS + side]
    cdef int64_t shown_ticks
    if best != NIL and without != NIL and order_at(book, without).level == best and level_at(book, best).orders == 1:
        best = book_next_level(book, side, best)
    shown_ticks = level_at(book, best).price_ticks if best != NIL else 0
    if hidden_ticks == 0 or shown_ticks == 0:
        return shown_ticks | hidden_ticks
    return max(shown_ticks, hidden_ticks) if side == BUY else min(shown_ticks, hidden_ticks)

cdef inline bint quote_would_trade(const Desk *desk, int side, const Sides *sides) noexcept nogil:
    """Whether a side would meet book or curve, the quote it replaces not counted."""
    cdef int64_t price_ticks = sides.price_ticks[side]
    cdef int64_t facing_ticks = touch_but(&desk.book, 1 - side, sides.old[1 - side])
    cdef Quote quote
    if facing_ticks != 0 and within(side, facing_ticks, price_ticks):
        return True
    if desk.curve == NULL or not curve_quote(
        desk.curve, &desk.curve.cursor, side, touch_but(&desk.book, side, sides.old[side]), &quote
    ):
        return False
    return within(side, quote.price_ticks, price_ticks)

cdef inline bint side_kept(const Desk *desk, int side, const Sides *sides) noexcept nogil:
    """Whether the order that stands keeps its place: the same price, and no more lots than it has left."""
    cdef const Order *order
    if sides.old[side] == NIL or sides.lots[side] == 0:
        return False
    order = order_at(&desk.book, sides.old[side])
    return order.price_ticks == sides.price_ticks[side] and sides.lots[side] <= order_leaves(order)

cdef inline uint16_t refusal_of_quote_funds(const Desk *desk, uint32_t account, const Sides *sides) noexcept nogil:
    """Test that each side can hold what it may cost, in the place of the order it replaces."""
    cdef uint16_t code = 0
    cdef int side
    for side in range(2):
        if sides.lots[side] == 0 or code != 0:
            continue
        if sides.old[side] != NIL:
            code = funds_admit_change(
                desk, order_at(&desk.book, sides.old[side]), sides.price_ticks[side], sides.lots[side]
            )
        else:
            code = funds_admit_order(desk, account, side, sides.price_ticks[side], sides.lots[side], 0)
    return code

cdef inline uint16_t refusal_of_sides(Desk *desk, uint32_t account, const Sides *sides) noexcept nogil:
    """Test both new sides as if the old ones they replace were gone."""
    cdef int64_t old_lots[2]
    cdef int64_t orders = desk.book.open_orders
    cdef uint16_t code = 0
    cdef int side
    for side in range(2):
        if sides.lots[side] != 0 and code == 0:
            code = refusal_of_size(desk, account, sides.price_ticks[side], sides.lots[side], 0)
            if code == 0:
                code = refusal_of_distance(desk, sides.price_ticks[side])
        orders += (sides.lots[side] != 0) - (sides.old[side] != NIL)
        old_lots[side] = order_leaves(order_at(&desk.book, sides.old[side])) if sides.old[side] != NIL else 0
    if code != 0:
        return code
    if orders > desk.config.max_orders:
        return BOOK_FULL
    code = accounts_admit_exposures(desk, account, sides.lots, old_lots)
    if code == 0:
        code = refusal_of_quote_funds(desk, account, sides)
    if code != 0 or not session_matches(&desk.session):
        return code
    for side in range(2):
        # A side that stays enters nothing; without it the curve that it clips would seem to stand in its way.
        if sides.lots[side] != 0 and not side_kept(desk, side, sides) and quote_would_trade(desk, side, sides):
            return POST_ONLY_WOULD_TRADE
    return 0

cdef inline uint64_t enter_side(Desk *desk, const Command *command, int side, const Sides *sides) noexcept nogil:
    """Let one side of a quote rest and return its order id. Room must have been reserved."""
    cdef uint32_t slot = slab_take(&desk.book.orders, sizeof(Order))
    cdef Order *order = order_at(&desk.book, slot)
    cdef Special *special
    order.order_id = desk.next_order_id
    order.client_id = 0
    order.price_ticks = sides.price_ticks[side]
    order.qty_lots = sides.lots[side]
    order.filled_lots = 0
    order.account = command.account
    order.side = <uint8_t>side
    order.session = command.session
    order.flags = FLAG_POST_ONLY
    special = special_new(desk, order)
    special.quote_slot = <uint8_t>(command.order_id + 1)
    live_open(desk, slot)
    client_open(&desk.quotes, order.account, quote_key(special.quote_slot, side), slot)
    live_accept(desk, order, PLACE_BOOK, order.price_ticks, order.qty_lots)
    live_rest(desk, slot)
    return order.order_id

cdef inline uint64_t keep_side(Desk *desk, int side, const Sides *sides) noexcept nogil:
    """Shrink the order that stands to what is wanted, if that is less, and return its id."""
    cdef const Order *order = order_at(&desk.book, sides.old[side])
    if sides.lots[side] < order_leaves(order):
        live_shrink(desk, sides.old[side], order_leaves(order) - sides.lots[side])
        emit_amended(desk, PRIORITY_KEPT, order, order_leaves(order))
    return order.order_id

cdef inline uint16_t do_quote(Desk *desk, const Command *command) noexcept nogil:
    """Replace both sides of the quote in a slot. A side at its old price that does not grow keeps its priority."""
    cdef Sides sides
    cdef bint kept[2]
    cdef uint64_t order_ids[2]
    cdef int side
    cdef uint16_t code = refusal_of_quote_form(command, &sides)
    if code == 0:
        code = session_forbids(&desk.session, ACTION_QUOTE)
    if code == 0:
        code = accounts_admit_quote(desk, command.account, sides.lots)
    if code != 0:
        return code
    for side in range(2):
        sides.old[side] = client_find(&desk.quotes, command.account, quote_key(<int>command.order_id + 1, side))
    code = refusal_of_sides(desk, command.account, &sides)
    if code == 0:
        code = accounts_admit_rate(desk, command.account)
    if code != 0:
        return code
    if client_ids_reserve(&desk.quotes, 2) != 0:
        desk.broken = True
        return 0
    for side in range(2):
        kept[side] = side_kept(desk, side, &sides)
    for side in range(2):
        if sides.old[side] != NIL and not kept[side]:
            live_cancel(desk, sides.old[side], REASON_QUOTE_REPLACED)
    for side in range(2):
        if kept[side]:
            order_ids[side] = keep_side(desk, side, &sides)
        else:
            order_ids[side] = enter_side(desk, command, side, &sides) if sides.lots[side] != 0 else 0
    desk_emit(
        desk, QUOTED, 0, <uint16_t>command.order_id, command.account, order_ids[BUY], order_ids[SELL], 0, 0, 0, 0
    )
    return 0

cdef inline uint16_t do_reset_protection(Desk *desk, const Command *command) noexcept nogil:
    """Let an account quote again, with an empty window."""
    cdef Account *account
    if command.account == 0:
        return INVALID_ACCOUNT
    account = registry_find(&desk.accounts, command.account)
    if account == NULL:
        return UNKNOWN_ACCOUNT
    account.record.protected = account.record.protection_filled_lots = account.record.protection_since_ns = 0
    desk_emit(desk, PROTECTED, 0, 0, command.account, 0, 0, 0, 0, 0, 0)
    return 0
