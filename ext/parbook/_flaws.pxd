# What can be wrong with a record of a serialised state. Twin of parbook.flaws, with the same numbers.
from libc.stdint cimport int64_t, uint8_t, uint64_t

from parbook._accounts cimport MAX_QUOTE_SLOTS, TOKEN
from parbook._limits cimport MAX_POSITION_LOTS, field_admits
from parbook._listing cimport Funds, pb_fee
from parbook._registry cimport AccountRecord
from parbook._types cimport *
from parbook._views cimport OrderRecord
from parbook._window cimport TradeRecord

cdef enum:
    FLAW_NONE = 0
    FLAW_ID_OUT_OF_RANGE = 1
    FLAW_NO_ACCOUNT = 2
    FLAW_UNKNOWN_NUMBER = 3
    FLAW_LOTS_OUT_OF_RANGE = 4
    FLAW_PRICE_OUT_OF_RANGE = 5
    FLAW_DISPLAY_OUT_OF_RANGE = 6
    FLAW_TIME_OUT_OF_RANGE = 7
    FLAW_TERMS_CONTRADICT = 8
    FLAW_WRONG_PLACE = 9
    FLAW_NOTIONAL_OVERFLOW = 10
    FLAW_OUT_OF_ORDER = 11
    FLAW_ORDER_ID_TWICE = 12
    FLAW_CLIENT_ID_TWICE = 13
    FLAW_QUOTE_TWICE = 14
    FLAW_NOT_REGISTERED = 15
    FLAW_TOO_MANY = 16
    FLAW_NO_PARTNER = 17
    FLAW_LIMIT_OUT_OF_RANGE = 18
    FLAW_BUCKET_OUT_OF_RANGE = 19
    FLAW_SEQUENCE_OUT_OF_RANGE = 20
    FLAW_ACCOUNTS_CONTRADICT = 21
    FLAW_FEES_OUT_OF_RANGE = 22
    FLAW_CLIENT_ID_MISSING = 23
    FLAW_CURVE_PARAMETERS = 24
    FLAW_CURVE_STATE = 25
    FLAW_CURVE_UNFUNDED = 26
    FLAW_BOOK_CROSSED = 27
    FLAW_UNKNOWN_ASSET = 28
    FLAW_ATOMS_OUT_OF_RANGE = 29
    FLAW_DOES_NOT_ADD_UP = 30
    FLAW_HELD_TWICE = 31
    FLAW_RATE_OUT_OF_RANGE = 32
    FLAW_UNKNOWN_TIER = 33
    FLAW_UNKNOWN_STATUS = 34
    FLAW_TXN_TWICE = 35
    FLAW_REFERENCE_OUT_OF_RANGE = 36
    FLAW_UNKNOWN_INSTRUMENT = 37
    FLAW_REDUCES_TOO_MUCH = 38
    FLAW_PEG_ELSEWHERE = 39
    FLAW_INDICATION_STALE = 40

cdef extern from *:
    """
    #define PB_POSITION_REACH_LOTS (((int64_t)1) << 61)
    """
    const int64_t POSITION_REACH_LOTS "PB_POSITION_REACH_LOTS"

# --- orders: twin of parbook.reference.order_flaws ------------------------------------------------

cdef inline bint numbers_known(const OrderRecord *order) noexcept nogil:
    """Whether every enumeration has the order's number."""
    return (
        order.side <= SELL
        and order.order_type <= PEGGED
        and order.tif <= TIF_AUCTION
        and order.place <= PLACE_CALL
        and order.hidden <= 1
        and order.reduce_only <= 1
        and order.stp <= STP_DECREMENT
        and order.peg <= PEG_PRIMARY
        and order.trigger <= TRIGGER_ANCHOR
        and order.quote_slot <= MAX_QUOTE_SLOTS
        and order.reserved == 0
    )

cdef inline bint prices_in_range(const OrderRecord *order) noexcept nogil:
    return (
        0 <= order.price_ticks <= PRICE_TICKS_MAX
        and 0 <= order.stop_ticks <= PRICE_TICKS_MAX
        and 0 <= order.limit_ticks <= PRICE_TICKS_MAX
        and -PRICE_TICKS_MAX <= order.offset_ticks <= PRICE_TICKS_MAX
        and order.trail_ppm <= 1000000
    )

cdef inline bint shows_a_slice(const OrderRecord *order) noexcept nogil:
    """Whether an iceberg shows a slice that it can show, and nothing else shows one."""
    if order.display_lots < 0 or order.display_lots > QTY_LOTS_MAX:
        return False
    if order.display_lots != 0 and order.display_lots * ICEBERG_SLICES_MAX < order.qty_lots:
        return False
    if order.place != PLACE_ICEBERG:
        return order.shown_lots == 0
    return 1 <= order.shown_lots <= min(order.display_lots, order.qty_lots - order.filled_lots)

cdef inline bint is_quote(const OrderRecord *order) noexcept nogil:
    """Whether a quote has such terms: none but post-only."""
    return (
        order.order_type == POST_ONLY
        and (order.client_id | order.oco_order_id) == 0
        and (order.tif | order.place | order.hidden | order.reduce_only | order.stp | order.trigger) == 0
        and (order.display_lots | order.stop_ticks | order.offset_ticks | order.limit_ticks) == 0
        and order.trail_ppm == 0
    )

cdef inline bint is_peg(const OrderRecord *order) noexcept nogil:
    """Whether a pegged order can have such terms."""
    return (
        (order.display_lots | order.stop_ticks) == 0
        and (order.hidden | order.trigger | order.reduce_only) == 0
        and order.trail_ppm == 0
        and order.oco_order_id == 0
        and order.limit_ticks >= 1
        and (order.tif == GTC or order.tif == GTD or order.tif == DAY)
    )

cdef inline bint terms_go_together(const OrderRecord *order) noexcept nogil:
    """Whether a NEW, or a quote, can have had such terms."""
    cdef bint market = order.order_type == MARKET
    if (order.order_type == PEGGED) != (order.peg != PEG_NONE) or order.oco_order_id == order.order_id:
        return False
    if order.quote_slot != 0:
        return is_quote(order)
    if order.peg != PEG_NONE:
        return is_peg(order)
    if order.order_type == POST_ONLY or order.order_type == POST_SLIDE:
        if (order.tif != GTC and order.tif != GTD and order.tif != DAY) or order.stop_ticks != 0 or order.reduce_only:
            return False
    elif market:
        if order.tif == GTD or order.tif == DAY or order.display_lots != 0 or order.hidden:
            return False
    elif order.order_type != LIMIT:
        # What is left of MARKET_TO_LIMIT has become LIMIT.
        return False
    if order.stop_ticks == 0 and (order.offset_ticks != 0 or order.trail_ppm != 0 or order.trigger != 0):
        return False
    if order.offset_ticks < 0 or (order.offset_ticks != 0 and order.trail_ppm != 0):
        return False
    if order.stop_ticks != 0 and (order.display_lots != 0 or order.hidden):
        return False
    if order.tif == TIF_AUCTION and (order.stop_ticks != 0 or order.reduce_only):
        return False
    return (order.limit_ticks >= 1) == market

cdef inline bint stands_where_it_may(const OrderRecord *order) noexcept nogil:
    """Whether an order of such terms can wait or rest in its place."""
    cdef bint market = order.order_type == MARKET
    cdef uint8_t by_terms = PLACE_BOOK
    if order.place <= PLACE_HIDDEN:
        if order.hidden:
            by_terms = PLACE_HIDDEN
        elif order.display_lots != 0:
            by_terms = PLACE_ICEBERG
        if order.place != by_terms or (order.hidden and order.display_lots != 0):
            return False
        return not market and order.tif != IOC and order.tif != FOK and order.price_ticks >= 1
    if order.place == PLACE_ARMED or order.place == PLACE_ELECTED:
        return order.stop_ticks != 0 and order.filled_lots == 0 and market == (order.price_ticks == 0)
    if order.place == PLACE_PARKED:
        return order.peg != PEG_NONE and order.price_ticks == 0
    if not market or order.tif != TIF_AUCTION:
        return False
    return (order.price_ticks | order.filled_lots) == 0 and not order.reduce_only

cdef inline int flaw_of_order(const OrderRecord *order, uint64_t next_order_id, int64_t now_ns) noexcept nogil:
    """Return what is wrong with one order by itself, FLAW_NONE when nothing is. O(1)."""
    cdef int64_t limit_ticks, notional
    if order.order_id < 1 or order.order_id >= next_order_id:
        return FLAW_ID_OUT_OF_RANGE
    if order.account == 0:
        return FLAW_NO_ACCOUNT
    if not numbers_known(order):
        return FLAW_UNKNOWN_NUMBER
    if order.filled_lots < 0 or order.filled_lots >= order.qty_lots or order.qty_lots > QTY_LOTS_MAX:
        return FLAW_LOTS_OUT_OF_RANGE
    if not prices_in_range(order):
        return FLAW_PRICE_OUT_OF_RANGE
    if not shows_a_slice(order):
        return FLAW_DISPLAY_OUT_OF_RANGE
    if order.expire_ns < now_ns if order.tif == GTD else order.expire_ns != 0:
        return FLAW_TIME_OUT_OF_RANGE
    if not terms_go_together(order):
        return FLAW_TERMS_CONTRADICT
    if not stands_where_it_may(order):
        return FLAW_WRONG_PLACE
    limit_ticks = order.limit_ticks if order.limit_ticks != 0 else order.price_ticks
    # What a seller asks may have slid or followed beyond; nothing is ever held or spent by it.
    if order.side == BUY and pb_mul(limit_ticks, order.qty_lots, &notional):
        return FLAW_NOTIONAL_OVERFLOW
    return FLAW_NONE

# --- accounts and past trades: twin of parbook.reference.restore ----------------------------------

cdef inline int flaw_of_account(const AccountRecord *account, int64_t now_ns) noexcept nogil:
    cdef int64_t position_lots = account.values[FIELD_POSITION_LOTS - 1]
    cdef int field
    if account.account == 0 or account.account >> 32 != 0:
        return FLAW_NO_ACCOUNT
    for field in range(FIELD_STP_GROUP, FIELD_KILLED + 1):
        if field != FIELD_POSITION_LOTS and not field_admits(field, account.values[field - 1]):
            return FLAW_LIMIT_OUT_OF_RANGE
    # Fills and busts may carry a position beyond what SET_ACCOUNT may state.
    if position_lots < -MAX_POSITION_LOTS - POSITION_REACH_LOTS or position_lots > (
        MAX_POSITION_LOTS + POSITION_REACH_LOTS
    ):
        return FLAW_LIMIT_OUT_OF_RANGE
    if account.bucket < 0 or account.bucket > account.values[FIELD_RATE_BURST - 1] * TOKEN:
        return FLAW_BUCKET_OUT_OF_RANGE
    if account.protected < 0 or account.protected > 1:
        return FLAW_LIMIT_OUT_OF_RANGE
    # A window is over with the fill that reaches its lots.
    if account.protection_filled_lots < 0 or account.protection_filled_lots > MAX_POSITION_LOTS + QTY_LOTS_MAX:
        return FLAW_LIMIT_OUT_OF_RANGE
    if not 0 <= account.bucket_at_ns <= now_ns or not 0 <= account.protection_since_ns <= now_ns:
        return FLAW_TIME_OUT_OF_RANGE
    return FLAW_TIME_OUT_OF_RANGE if account.deadline_ns != 0 and account.deadline_ns < now_ns else FLAW_NONE

cdef inline bint reserved_used(const TradeRecord *trade) noexcept nogil:
    cdef int i
    for i in range(5):
        if trade.reserved[i] != 0:
            return True
    return False

cdef inline int flaw_of_fees(const TradeRecord *trade, const Funds *funds) noexcept nogil:
    """Test what a fill moved: it must have been possible, or its bust could not undo it."""
    cdef int64_t most_atoms = 0
    cdef int64_t most_of_taker, most_of_maker, notional, atoms
    if funds != NULL:
        if pb_mul(trade.price_ticks, trade.qty_lots, &notional) or pb_mul(notional, funds.tick_atoms, &notional):
            return FLAW_NOTIONAL_OVERFLOW
        if pb_mul(trade.qty_lots, funds.lot_atoms, &atoms):
            return FLAW_NOTIONAL_OVERFLOW
        if (trade.taker_account == 0 or trade.maker_account == 0) and funds.treasury == 0:
            return FLAW_CURVE_UNFUNDED
        most_atoms = pb_fee(notional, funds.max_fee_ppm)
    most_of_taker = most_atoms if trade.taker_account != 0 else 0
    most_of_maker = most_atoms if trade.maker_account != 0 else 0
    if not 0 <= trade.taker_fee_atoms <= most_of_taker:
        return FLAW_FEES_OUT_OF_RANGE
    return FLAW_NONE if -most_of_maker <= trade.maker_fee_atoms <= most_of_maker else FLAW_FEES_OUT_OF_RANGE

cdef inline int flaw_of_trade(const TradeRecord *trade, uint64_t next_seq, const Funds *funds) noexcept nogil:
    cdef bint taker = trade.source != SOURCE_LIFT
    cdef bint maker = trade.source != SOURCE_CURVE and trade.source != SOURCE_UNCROSS_CURVE
    if trade.seq < 1 or trade.seq >= next_seq:
        return FLAW_SEQUENCE_OUT_OF_RANGE
    if trade.source > SOURCE_UNCROSS_CURVE or trade.side > SELL or trade.busted > 1 or reserved_used(trade):
        return FLAW_UNKNOWN_NUMBER
    if trade.price_ticks < 1 or trade.price_ticks > PRICE_TICKS_MAX:
        return FLAW_PRICE_OUT_OF_RANGE
    if trade.qty_lots < 1 or trade.qty_lots > QTY_LOTS_MAX:
        return FLAW_LOTS_OUT_OF_RANGE
    if (trade.taker_account != 0) != taker or (trade.maker_account != 0) != maker:
        return FLAW_ACCOUNTS_CONTRADICT
    return flaw_of_fees(trade, funds)
