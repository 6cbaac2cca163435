"""From bytes back to a compiled market. Twin of parbook.reference.restore: the same flaws, found in the same order.

A module of its own, so that the market's own code stays as it was compiled. What stands in a queue is in
_restore_orders.
"""

from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.stdlib cimport calloc

from parbook._auction cimport auction_foresee
from parbook._audit cimport audit
from parbook._book cimport Order, book_touch, order_at, special_at
from parbook._clearing cimport Clearing
from parbook._curve cimport CurveParams, curve_validate
from parbook._desk cimport Desk
from parbook._flaws cimport *
from parbook._identity cimport client_close, client_find, client_ids_reserve, client_open
from parbook._limits cimport closable_lots
from parbook._market cimport Market
from parbook._pegs cimport pegs_aim
from parbook._phases cimport Indication, session_indicates, session_matches
from parbook._quotes cimport Anchor, Curve, Quote, curve_compile_here, curve_quote, cursor_seek
from parbook._registry cimport Account, AccountRecord, registry_add, registry_reserve
from parbook._restore_orders cimport NO_MEMORY, restore_orders
from parbook._timers cimport TIMER_DEADMAN, timers_add, timers_reserve
from parbook._types cimport *
from parbook._views cimport DeadIdRecord, OrderRecord
from parbook._window cimport TradeRecord, window_at, window_grow

import numpy as np

from parbook.flaws import Flaw, corruption, flawed
from parbook.state_parts import cut_market, refuse_other_states

# parbook.state.CURVE_STATE
cdef struct CurveStateRecord:
    uint64_t quoting
    int64_t low_ticks
    int64_t high_ticks
    int64_t net_lots
    int64_t cash_notional
    int64_t compiled_at_net_lots


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
    for i in range(3):
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


# --- the whole ------------------------------------------------------------------------------------

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


cdef int flaw_of_positions(const Desk *desk, uint64_t *index) noexcept nogil:
    """Test that no reduce-only order that rests could turn its account's position round."""
    cdef const Account *account
    cdef uint32_t i
    cdef int side
    for i in range(desk.accounts.count):
        index[0] = i
        account = &desk.accounts.items[i]
        for side in range(2):
            if account.open_lots[side][1][0] != 0 and closable_lots(account, side) < 0:
                return FLAW_REDUCES_TOO_MUCH
    return FLAW_NONE


cdef int flaw_of_pegs(Desk *desk, uint64_t *order_id) noexcept nogil:
    """Test that every peg stands where it belongs. O(pegs)."""
    cdef const Order *order
    cdef uint32_t i
    if desk.book.pegs.count == 0:
        return FLAW_NONE
    pegs_aim(desk)
    for i in range(desk.book.pegs.count):
        order = order_at(&desk.book, desk.book.pegs.slots[i])
        order_id[0] = order.order_id
        if order.price_ticks != special_at(&desk.book, order.special).target_ticks:
            return FLAW_PEG_ELSEWHERE
    return FLAW_NONE


cdef bint is_stale(Desk *desk) noexcept nogil:
    """Whether an uncross would do something else than is indicated."""
    cdef const Indication *said = &desk.session.indicated
    cdef Clearing now
    if not session_indicates(&desk.session):
        return False
    now = auction_foresee(desk)
    return (
        now.price_ticks != said.price_ticks
        or now.paired_lots != said.paired_lots
        or now.surplus_lots != said.surplus_lots
    )


cdef int test_what_commands_leave(Desk *desk, object symbol) except -1:
    """Test what holds after every command, because the next one would be the first to see that it does not."""
    cdef uint64_t number = 0
    cdef bint stale
    cdef int flaw
    if is_crossed(desk):
        raise corruption(f"state of {symbol}, orders", Flaw(FLAW_BOOK_CROSSED).doc)
    flaw = flaw_of_positions(desk, &number)
    refuse(symbol, "account", flaw, number)
    flaw = flaw_of_pegs(desk, &number)
    refuse(symbol, "order id", flaw, number)
    stale = is_stale(desk)
    if desk.broken:
        raise MemoryError(f"no memory for a state of {symbol}")
    if stale:
        raise corruption(f"state of {symbol}, header", Flaw(FLAW_INDICATION_STALE).doc)
    return 0


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
    test_what_commands_leave(desk, symbol)
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
