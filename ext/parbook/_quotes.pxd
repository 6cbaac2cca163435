# The curve as matching sees it: ladder, cursor, cash, anchors. Twin of parbook.reference.quotes.
from libc.stdint cimport int64_t, uint64_t

from parbook._curve cimport CurveParams, Ladder, curve_compile
from parbook._types cimport (
    BUY, INT64_MAX, MAX_PROPOSED_ANCHORS, MOVE_LIFT, PRICE_TICKS_MAX, SELL, pb_div, pb_mul, pb_unlikely,
)

cdef struct Anchor:
    int64_t low_ticks
    int64_t high_ticks
    int64_t effective_at_ns

# Where the curve stands. `bid` is the first bid rung above net_lots, `ask` the first ask rung below it; their prices
# stand beside them (0 and INT64_MAX for none), so that an order the curve cannot reach reads nothing else of it.
cdef struct Cursor:
    int64_t net_lots
    int64_t cash_notional
    int64_t bid_ticks
    int64_t ask_ticks
    int bid
    int ask

cdef struct Curve:
    CurveParams params
    Ladder ladder           # empty while the curve does not quote
    Cursor cursor
    bint quoting
    int64_t low_ticks
    int64_t high_ticks
    int64_t compiled_at_net_lots
    int proposed
    Anchor anchors[MAX_PROPOSED_ANCHORS]

cdef struct Quote:
    int64_t price_ticks
    int64_t lots

cdef inline void cursor_seek(const Curve *curve, Cursor *cursor) noexcept nogil:
    """Move both rung positions to where net_lots stands. O(rungs passed)."""
    cdef const Ladder *ladder = &curve.ladder
    while cursor.bid < ladder.bids and ladder.bid_lots[cursor.bid] <= cursor.net_lots:
        cursor.bid += 1
    while cursor.bid > 0 and ladder.bid_lots[cursor.bid - 1] > cursor.net_lots:
        cursor.bid -= 1
    while cursor.ask < ladder.asks and ladder.ask_lots[cursor.ask] >= cursor.net_lots:
        cursor.ask += 1
    while cursor.ask > 0 and ladder.ask_lots[cursor.ask - 1] < cursor.net_lots:
        cursor.ask -= 1
    cursor.bid_ticks = ladder.bid_price[cursor.bid] if cursor.bid < ladder.bids else 0
    cursor.ask_ticks = ladder.ask_price[cursor.ask] if cursor.ask < ladder.asks else INT64_MAX

cdef inline bint cursor_reaches(const Cursor *cursor, int side, int64_t limit_ticks) noexcept nogil:
    """Whether a taker of that side accepts the next rung's price, before it is clipped; of none the answer is no.

    Both sides are compared and one is taken: sides alternate at random, and a branch on them is guessed wrongly.
    """
    return ((cursor.ask_ticks <= limit_ticks) & (side ^ 1)) | ((cursor.bid_ticks >= limit_ticks) & side)

cdef inline void cursor_trade(
    const Curve *curve, Cursor *cursor, int taker, int64_t price_ticks, int64_t lots
) noexcept nogil:
    """Move the cursor by a fill: a selling taker is bought from, a buying one sold to. Exact."""
    if taker == SELL:
        cursor.net_lots += lots
        cursor.cash_notional -= lots * price_ticks
    else:
        cursor.net_lots -= lots
        cursor.cash_notional += lots * price_ticks
    cursor_seek(curve, cursor)

cdef inline int64_t lots_for(int64_t cash_notional, int64_t lots, int64_t price_ticks) noexcept nogil:
    """Return `lots`, or as many as the cash covers, rounded down. Divides only when cash is short."""
    cdef int64_t cost
    if pb_unlikely(pb_mul(lots, price_ticks, &cost) or cost > cash_notional):
        return <int64_t>pb_div(<uint64_t>cash_notional, <uint64_t>price_ticks)
    return lots

cdef inline bint curve_quote(
    const Curve *curve, const Cursor *cursor, int taker, int64_t touch_ticks, Quote *quote
) noexcept nogil:
    """Set the best quote for a taker of that side and return True, or return False.

    `touch_ticks` is the best resting price on the taker's own side, 0 for none; it clips the curve. O(rungs merged).
    """
    cdef const Ladder *ladder = &curve.ladder
    cdef int rung
    cdef int64_t price_ticks, clip_ticks
    if taker == SELL:
        rung = cursor.bid
        if rung >= ladder.bids:
            return False
        price_ticks = ladder.bid_price[rung]
        if touch_ticks != 0 and price_ticks >= touch_ticks - 1:
            clip_ticks = touch_ticks - 1
            if clip_ticks < 1:
                return False
            while rung + 1 < ladder.bids and ladder.bid_price[rung + 1] >= clip_ticks:
                rung += 1
            price_ticks = clip_ticks
        quote.lots = lots_for(cursor.cash_notional, ladder.bid_lots[rung] - cursor.net_lots, price_ticks)
    else:
        rung = cursor.ask
        if rung >= ladder.asks:
            return False
        price_ticks = ladder.ask_price[rung]
        if touch_ticks != 0 and price_ticks <= touch_ticks + 1:
            clip_ticks = touch_ticks + 1
            if clip_ticks > PRICE_TICKS_MAX:
                return False
            while rung + 1 < ladder.asks and ladder.ask_price[rung + 1] <= clip_ticks:
                rung += 1
            price_ticks = clip_ticks
        quote.lots = lots_for(INT64_MAX - cursor.cash_notional, cursor.net_lots - ladder.ask_lots[rung], price_ticks)
    quote.price_ticks = price_ticks
    return quote.lots > 0

cdef inline int64_t curve_liftable(const Curve *curve, int64_t ask_ticks, int64_t lifted_lots) noexcept nogil:
    """Lots the curve may LIFT at a resting ask: never above its own bid. O(rungs)."""
    cdef const Ladder *ladder = &curve.ladder
    cdef int64_t lots = 0
    cdef int rung = 0
    if curve.params.anchor_move != MOVE_LIFT:
        return 0
    while rung < ladder.bids and ladder.bid_price[rung] >= ask_ticks:
        lots = ladder.bid_lots[rung] - curve.cursor.net_lots
        rung += 1
    lots = min(lots, curve.params.lift_max_lots - lifted_lots)
    if lots <= 0:
        return 0
    return lots_for(curve.cursor.cash_notional, lots, ask_ticks)

cdef inline void curve_compile_here(Curve *curve) noexcept nogil:
    curve.compiled_at_net_lots = curve.cursor.net_lots
    curve_compile(&curve.params, curve.low_ticks, curve.high_ticks, curve.cursor.net_lots, &curve.ladder)
    curve.cursor.bid = curve.cursor.ask = 0
    cursor_seek(curve, &curve.cursor)

cdef inline void curve_withdraw(Curve *curve) noexcept nogil:
    """Stop quoting until the next activation."""
    curve.quoting = False
    curve.ladder.bids = curve.ladder.asks = 0
    curve.cursor.bid = curve.cursor.ask = 0
    cursor_seek(curve, &curve.cursor)
    curve.compiled_at_net_lots = 0

cdef inline void curve_replace(Curve *curve, const CurveParams *params) noexcept nogil:
    """Take new parameters: target and budget afresh, nothing proposed, the active anchor kept."""
    curve.params = params[0]
    curve.params.ts_ns = 0
    curve.params.instrument = 0
    curve.cursor.net_lots = 0
    curve.cursor.cash_notional = params.budget_notional
    curve.proposed = 0
    if curve.quoting:
        curve_compile_here(curve)
    else:
        cursor_seek(curve, &curve.cursor)
        curve.compiled_at_net_lots = 0
