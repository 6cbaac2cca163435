# The rules of each command on the plain path: which refusals, in which order, and what an accepted one does.
# Twin of what parbook.reference.entry, .changes and .anchors do in a market of plain orders; read those first.
# The full path, which does all of it, stands in _entry, _changes and _clock.
from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t

from parbook._book cimport FLAG_POST_ONLY, Order, book_enqueue, book_forget, book_unqueue, level_at, order_at
from parbook._curve cimport CurveParams
from parbook._desk cimport (
    Desk, desk_cancel, desk_close_id, desk_drop, desk_emit, desk_fillable, desk_lift, desk_match, event_at,
    put_event, touch_without, within,
)
from parbook._identity cimport DEAD, client_close_at, client_find, client_position, client_put
from parbook._ids cimport ids_find, ids_put
from parbook._listing cimport Funds
from parbook._prices cimport line_key
from parbook._quotes cimport (
    Anchor, Curve, cursor_reaches, curve_compile_here, curve_liftable, curve_replace, curve_withdraw,
)
from parbook._settle cimport funds_suffice, hold_at, refusal_of_plain, refusal_of_status
from parbook._slab cimport slab_give, slab_take
from parbook._types cimport *

cdef enum:
    COMMANDS_RESERVED = 64  # room is made for so many commands at a time

# --- the clock and the curve ----------------------------------------------------------------------

cdef inline void lift_crossed_asks(Desk *desk) noexcept nogil:
    cdef int64_t lifted_lots = 0
    cdef int64_t lots
    cdef uint32_t slot
    cdef const Order *order
    while desk.book.best_level[SELL] != NIL:
        slot = level_at(&desk.book, desk.book.best_level[SELL]).head
        order = order_at(&desk.book, slot)
        lots = curve_liftable(desk.curve, order.price_ticks, lifted_lots)
        lots = min(lots, order.qty_lots - order.filled_lots)
        if lots == 0:
            return
        desk_lift(desk, slot, lots)
        lifted_lots += lots

cdef inline void take_next_anchor(Desk *desk) noexcept nogil:
    """Let the oldest proposed anchor become the active one, and say so; what it crosses is for the caller."""
    cdef Curve *curve = desk.curve
    cdef Anchor anchor = curve.anchors[0]
    cdef int i
    curve.proposed -= 1
    for i in range(curve.proposed):
        curve.anchors[i] = curve.anchors[i + 1]
    curve.low_ticks = anchor.low_ticks
    curve.high_ticks = anchor.high_ticks
    curve.quoting = True
    curve_compile_here(curve)
    desk_emit(
        desk, ANCHOR_ACTIVATED, 0, 0, 0, 0, <uint64_t>curve.cursor.cash_notional, anchor.low_ticks,
        curve.cursor.net_lots, anchor.high_ticks, 0,
    )

cdef inline void activate_due(Desk *desk) noexcept nogil:
    cdef const Curve *curve = desk.curve
    while curve != NULL and curve.proposed != 0 and curve.anchors[0].effective_at_ns <= desk.now_ns:
        take_next_anchor(desk)
        lift_crossed_asks(desk)

cdef inline uint16_t move_clock(Desk *desk, int64_t ts_ns) noexcept nogil:
    if ts_ns == 0:
        return 0
    if ts_ns < desk.now_ns:
        return TIME_REVERSED
    if ts_ns > desk.now_ns:
        desk.now_ns = ts_ns
        # Asked here, because the call costs more than the question.
        if desk.curve != NULL and desk.curve.proposed != 0:
            activate_due(desk)
    return 0

cdef inline uint16_t do_set_curve(Desk *desk, const CurveParams *params) noexcept nogil:
    """Install parameters. The caller has made desk.curve point to zeroed memory when it was NULL."""
    curve_replace(desk.curve, params)
    desk_emit(desk, CURVE_SET, 0, params.shape, 0, 0, <uint64_t>params.budget_notional, 0, 0, 0, 0)
    return 0

cdef inline uint16_t queue_anchor(Desk *desk, const Command *command) noexcept nogil:
    """Let an anchor wait for its time, which may have come already."""
    cdef Curve *curve = desk.curve
    cdef Anchor *anchor
    cdef int64_t low_ticks = command.price_ticks
    cdef int64_t high_ticks = command.high_ticks
    if curve == NULL:
        return NO_CURVE
    if low_ticks < 1 or low_ticks > CURVE_PRICE_TICKS_MAX or high_ticks < 1 or high_ticks > CURVE_PRICE_TICKS_MAX:
        return ANCHOR_OUT_OF_RANGE
    if low_ticks > high_ticks:
        return ANCHOR_INVERTED
    if curve.proposed >= MAX_PROPOSED_ANCHORS:
        return ANCHOR_QUEUE_FULL
    anchor = &curve.anchors[curve.proposed]
    curve.proposed += 1
    anchor.low_ticks = low_ticks
    anchor.high_ticks = high_ticks
    if desk.now_ns > INT64_MAX - curve.params.activation_delay_ns:
        anchor.effective_at_ns = INT64_MAX
    else:
        anchor.effective_at_ns = desk.now_ns + curve.params.activation_delay_ns
    desk_emit(desk, ANCHOR_PROPOSED, 0, 0, 0, 0, 0, low_ticks, anchor.effective_at_ns, high_ticks, 0)
    return 0

cdef inline uint16_t do_propose_anchor(Desk *desk, const Command *command) noexcept nogil:
    cdef uint16_t code = queue_anchor(desk, command)
    if code == 0:
        activate_due(desk)
    return code

cdef inline uint16_t do_withdraw_anchors(Desk *desk) noexcept nogil:
    if desk.curve == NULL:
        return NO_CURVE
    desk_emit(desk, ANCHORS_WITHDRAWN, 0, 0, 0, 0, 0, 0, desk.curve.proposed, 0, 0)
    desk.curve.proposed = 0
    return 0

cdef inline uint16_t do_withdraw_curve(Desk *desk) noexcept nogil:
    if desk.curve == NULL:
        return NO_CURVE
    curve_withdraw(desk.curve)
    desk_emit(
        desk, CURVE_WITHDRAWN, 0, 0, 0, 0, <uint64_t>desk.curve.cursor.cash_notional, 0, desk.curve.cursor.net_lots,
        0, 0,
    )
    return 0

# --- entering orders ------------------------------------------------------------------------------

cdef inline int64_t protected_limit(const Desk *desk, int side) noexcept nogil:
    """Return the limit of a market order, rounded towards the reference; 0 when there is no reference price."""
    cdef int64_t reference_ticks = desk.last_trade_ticks
    cdef int64_t reach_ticks
    if desk.curve != NULL and desk.curve.quoting:
        reference_ticks = (desk.curve.low_ticks + desk.curve.high_ticks) >> 1
    if reference_ticks == 0:
        return 0
    # floor(reference * collar / 10**6) without a 128-bit product: the quotient and remainder apart.
    reach_ticks = <int64_t>pb_div(<uint64_t>reference_ticks, 1000000) * desk.config.collar_ppm + <int64_t>pb_div(
        (<uint64_t>reference_ticks - pb_div(<uint64_t>reference_ticks, 1000000) * 1000000)
        * <uint64_t>desk.config.collar_ppm,
        1000000,
    )
    if side == BUY:
        return min(PRICE_TICKS_MAX, reference_ticks + reach_ticks)
    return max(<int64_t>1, reference_ticks - reach_ticks)

cdef inline uint16_t refusal_of_form(const Command *command) noexcept nogil:
    if command.account == 0:
        return INVALID_ACCOUNT
    if command.side > SELL:
        return INVALID_SIDE
    if command.order_type == POST_ONLY and command.tif != GTC:
        return INVALID_COMBINATION
    if command.order_type == MARKET and command.tif == GTC:
        return INVALID_COMBINATION
    return 0

cdef inline uint16_t refusal_of_new(const Desk *desk, const Command *command, int64_t *limit_ticks) noexcept nogil:
    """Everything that is tested before an order is built, in order; a market order gets its protected limit."""
    cdef int64_t lots = command.qty_lots
    cdef int64_t notional, touch_ticks
    cdef uint16_t code = refusal_of_form(command)
    if desk.funds != NULL and code == 0:
        code = refusal_of_status(desk.funds, command.account, command.side == BUY)
    if pb_unlikely(code != 0):
        return code
    if command.client_id != 0 and client_find(&desk.ids, command.account, command.client_id) != NIL:
        return DUPLICATE_CLIENT_ID
    if pb_unlikely(lots < 1 or lots > QTY_LOTS_MAX):
        return QTY_OUT_OF_RANGE
    if command.order_type == MARKET:
        limit_ticks[0] = protected_limit(desk, command.side)
        if limit_ticks[0] == 0:
            return NO_REFERENCE_PRICE
    elif pb_unlikely(limit_ticks[0] < 1 or limit_ticks[0] > PRICE_TICKS_MAX):
        return PRICE_OUT_OF_RANGE
    if pb_unlikely(pb_mul(limit_ticks[0], lots, &notional)):
        return NOTIONAL_OVERFLOW
    if pb_unlikely(command.tif == GTC and desk.book.open_orders >= desk.config.max_orders):
        return BOOK_FULL
    if desk.funds != NULL:
        code = refusal_of_plain(desk.funds, command.account, command.side, limit_ticks[0], lots)
        if pb_unlikely(code != 0):
            return code
    touch_ticks = desk.book.best_ticks[command.side]
    if command.order_type == POST_ONLY and desk_fillable(desk, command.side, limit_ticks[0], 1, touch_ticks) != 0:
        return POST_ONLY_WOULD_TRADE
    if command.tif == FOK and desk_fillable(desk, command.side, limit_ticks[0], lots, touch_ticks) != lots:
        return FOK_UNFILLABLE
    return 0

cdef inline bint is_welcome(Desk *desk, const Command *command) noexcept nogil:
    """Whether a LIMIT order, GTC or IOC, passes every test of refusal_of_new but that of its client id.

    No answer but yes means anything: the tests themselves decide then. Where there is money, the payer is noted.
    """
    cdef int64_t notional
    return (
        (pb_first_word(command) & ~<uint32_t>0x01000100) == NEW
        and command.account != 0
        and <uint64_t>(command.qty_lots - 1) < QTY_LOTS_MAX
        and <uint64_t>(command.price_ticks - 1) < PRICE_TICKS_MAX
        and not pb_mul(command.price_ticks, command.qty_lots, &notional)
        and desk.book.open_orders < desk.config.max_orders
        and (
            desk.funds == NULL
            or funds_suffice(desk.funds, command.account, command.side, command.price_ticks, command.qty_lots)
        )
    )

cdef inline bint may_trade(const Desk *desk, int side, int64_t limit_ticks) noexcept nogil:
    """Whether the book's best price, or the curve's before it is clipped, is within a limit."""
    if desk.book.best_key[1 - side] <= line_key(1 - side, limit_ticks):
        return True
    if desk.curve == NULL:
        return False
    return cursor_reaches(&desk.curve.cursor, side, limit_ticks)

cdef inline void hold_new(const Funds *funds, const Order *order, int64_t lots) noexcept nogil:
    """Hold for what rests of a new order; where nothing of it was filled, that is what its admission reckoned."""
    if funds.payer != NULL and lots == order.qty_lots:
        funds.payer.held += funds.payer_atoms
    else:
        hold_at(funds, order.account, order.side, order.price_ticks, lots)

cdef inline uint16_t do_new(Desk *desk, const Command *command) noexcept nogil:
    cdef int64_t limit_ticks = command.price_ticks
    cdef int64_t lots = command.qty_lots
    cdef int64_t rests_lots = lots if command.tif == GTC else 0
    cdef int side = command.side
    cdef uint64_t ack_seq
    cdef uint64_t client_at = 0
    cdef uint32_t slot
    cdef Order *order
    cdef bint stopped = False
    cdef bint known = False
    cdef uint16_t code
    if command.client_id != 0 and desk.ids.capacity != 0:
        client_at = client_position(&desk.ids, command.account, command.client_id)
        known = desk.ids.entries[client_at].client_id != 0
    if pb_unlikely(known or not is_welcome(desk, command)):
        code = refusal_of_new(desk, command, &limit_ticks)
        if code != 0:
            return code

    # The order is built in its slot; one that does not come to rest gives it back without a trace.
    slot = slab_take(&desk.book.orders, sizeof(Order))
    order = order_at(&desk.book, slot)
    order.order_id = desk.next_order_id
    order.client_id = command.client_id
    order.price_ticks = limit_ticks
    order.qty_lots = lots
    order.filled_lots = 0
    order.account = command.account
    order.side = command.side
    order.flags = FLAG_POST_ONLY if command.order_type == POST_ONLY else 0
    order.session = command.session
    order.special = NIL
    desk.next_order_id += 1
    if order.client_id != 0:
        client_put(&desk.ids, client_at, order.account, order.client_id, slot)
    ack_seq = desk.next_seq
    put_event(desk, ACCEPTED, 0, order, lots, rests_lots)
    if may_trade(desk, side, limit_ticks):
        lots = desk_match(desk, order, lots, desk.book.best_ticks[side], &stopped)
        if stopped:
            rests_lots = 0
        rests_lots = min(rests_lots, lots)
        event_at(desk, ack_seq).leaves_lots = rests_lots
    if pb_likely(rests_lots != 0):
        if desk.funds != NULL:
            hold_new(desk.funds, order, lots)
        desk.book.open_orders += 1
        ids_put(&desk.book.ids, order.order_id, slot)
        book_enqueue(&desk.book, slot, side, limit_ticks, lots)
        return 0
    if lots != 0:
        put_event(
            desk, CANCELLED, REASON_SELF_TRADE if stopped else REASON_REMAINDER, order, lots, 0
        )
    desk_close_id(desk, order)
    slab_give(&desk.book.orders, slot, sizeof(Order))
    return 0

# --- changing orders ------------------------------------------------------------------------------

cdef inline uint16_t find_order(const Desk *desk, const Command *command, uint32_t *slot) noexcept nogil:
    """Set the slot of the resting order a command names; else return why its sender may not touch it."""
    if command.account == 0:
        return INVALID_ACCOUNT
    if command.order_id != 0:
        slot[0] = ids_find(&desk.book.ids, command.order_id)
    else:
        slot[0] = client_find(&desk.ids, command.account, command.client_id)
        if slot[0] == DEAD:
            return UNKNOWN_ORDER
    if slot[0] == NIL:
        return UNKNOWN_ORDER
    if order_at(&desk.book, slot[0]).account != command.account:
        return NOT_OWNER
    return 0

cdef inline uint16_t do_cancel(Desk *desk, const Command *command) noexcept nogil:
    cdef uint32_t slot
    cdef uint64_t at
    cdef uint16_t code
    if command.order_id != 0 or command.account == 0 or command.client_id == 0 or desk.ids.capacity == 0:
        code = find_order(desk, command, &slot)
        if code == 0:
            desk_close_id(desk, order_at(&desk.book, slot))
    else:
        # Found by its client id, which need not be looked up again to be closed.
        at = client_position(&desk.ids, command.account, command.client_id)
        slot = desk.ids.entries[at].slot
        code = UNKNOWN_ORDER if desk.ids.entries[at].client_id == 0 or slot == DEAD else 0
        if code == 0 and client_close_at(&desk.ids, at) != 0:
            desk.broken = True
    if pb_likely(code == 0):
        desk_drop(desk, slot, REASON_REQUESTED)
    return code

cdef inline void reduce_in_place(Desk *desk, Order *order, int64_t lots) noexcept nogil:
    """Take lots off the total of a resting order, which keeps its place."""
    order.qty_lots -= lots
    if desk.funds != NULL:
        hold_at(desk.funds, order.account, order.side, order.price_ticks, -lots)
    level_at(&desk.book, order.level).lots -= lots
    put_event(desk, AMENDED, PRIORITY_KEPT, order, order.qty_lots, order.qty_lots - order.filled_lots)

cdef inline uint16_t do_reduce(Desk *desk, const Command *command) noexcept nogil:
    cdef uint32_t slot
    cdef Order *order
    cdef uint16_t code = find_order(desk, command, &slot)
    if code != 0:
        return code
    if command.qty_lots < 1 or command.qty_lots > QTY_LOTS_MAX:
        return QTY_OUT_OF_RANGE
    order = order_at(&desk.book, slot)
    if command.qty_lots >= order.qty_lots - order.filled_lots:
        desk_cancel(desk, slot, REASON_REQUESTED)
    else:
        reduce_in_place(desk, order, command.qty_lots)
    return 0

cdef inline uint16_t reenter(Desk *desk, uint32_t slot, int64_t price_ticks, int64_t qty_lots) noexcept nogil:
    """Move an order to a new price or size: it trades what now crosses, then rests at the back of the queue."""
    cdef Order *order = order_at(&desk.book, slot)
    cdef int64_t touch_ticks = touch_without(desk, slot)
    cdef int64_t lots
    cdef uint64_t ack_seq
    cdef bint stopped = False
    if order.flags & FLAG_POST_ONLY and desk_fillable(desk, order.side, price_ticks, 1, touch_ticks) != 0:
        return POST_ONLY_WOULD_TRADE
    book_unqueue(&desk.book, slot, order.side, order.qty_lots - order.filled_lots)
    order.price_ticks = price_ticks
    order.qty_lots = qty_lots
    ack_seq = desk.next_seq
    put_event(desk, AMENDED, PRIORITY_LOST, order, qty_lots, 0)
    lots = desk_match(desk, order, qty_lots - order.filled_lots, touch_ticks, &stopped)
    if lots != 0:
        event_at(desk, ack_seq).leaves_lots = lots
        book_enqueue(&desk.book, slot, order.side, order.price_ticks, lots)
    else:
        desk_close_id(desk, order)
        book_forget(&desk.book, slot)
    return 0

cdef inline uint16_t do_amend(Desk *desk, const Command *command) noexcept nogil:
    cdef uint32_t slot
    cdef Order *order
    cdef int64_t price_ticks, qty_lots, notional
    cdef uint16_t code = find_order(desk, command, &slot)
    if code != 0:
        return code
    if command.qty_lots < 0 or command.qty_lots > QTY_LOTS_MAX:
        return QTY_OUT_OF_RANGE
    if command.price_ticks < 0 or command.price_ticks > PRICE_TICKS_MAX:
        return PRICE_OUT_OF_RANGE
    order = order_at(&desk.book, slot)
    qty_lots = command.qty_lots if command.qty_lots != 0 else order.qty_lots
    price_ticks = command.price_ticks if command.price_ticks != 0 else order.price_ticks
    if pb_mul(price_ticks, qty_lots, &notional):
        return NOTIONAL_OVERFLOW
    if qty_lots <= order.filled_lots:
        desk_cancel(desk, slot, REASON_AMENDED_TO_FILLED)
    elif (
        price_ticks == order.price_ticks and qty_lots <= order.qty_lots and desk.config.reinsert_on_amend == 0
    ):
        reduce_in_place(desk, order, order.qty_lots - qty_lots)
    else:
        return reenter(desk, slot, price_ticks, qty_lots)
    return 0
