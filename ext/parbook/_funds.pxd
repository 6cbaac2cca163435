# Where book, curve and ledger meet: what a market's orders and its curve hold, and what its fills move. Twin of
# parbook.reference.funds. Every hook does nothing in a market that has no money.
#
# The sums of holds are kept in step here: an order's hold is lot_hold x leaves at any moment between two hooks, and
# Exchange.check compares the sums with that formula over all live orders.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from parbook._book cimport Order, order_at, order_leaves, special_at
from parbook._curve cimport CurveParams
from parbook._desk cimport Desk
from parbook._form cimport Entry
from parbook._ledger cimport ledger_available, ledger_credit, ledger_hold, ledger_overflows
from parbook._listing cimport Funds, order_hold, pb_amount_hold
from parbook._settle cimport hold_at, refusal_of_hold, refusal_of_status
from parbook._types cimport *
from parbook._window cimport TradeRecord

# --- holds ----------------------------------------------------------------------------------------

cdef inline int64_t hold_ticks(const Desk *desk, const Order *order) noexcept nogil:
    """The price a live order holds at: its own, or the worst of a peg or of a market order that waits."""
    cdef int64_t limit_ticks = special_at(&desk.book, order.special).limit_ticks if order.special != NIL else 0
    return limit_ticks if limit_ticks != 0 else order.price_ticks

cdef inline void hold_lots(Desk *desk, const Order *order, int64_t lots) noexcept nogil:
    """Hold for so many lots of a live order more; fewer when negative. Expected O(1)."""
    if desk.funds != NULL:
        hold_at(desk.funds, order.account, order.side, hold_ticks(desk, order), lots)

cdef inline void hold_release(Desk *desk, const Order *order) noexcept nogil:
    """Before an order's limit changes: let go of what it holds. `hold_retake` must follow."""
    if desk.funds != NULL:
        hold_lots(desk, order, -order_leaves(order))

cdef inline void hold_retake(Desk *desk, const Order *order) noexcept nogil:
    """After an order's limit has changed: hold for it at the new one."""
    if desk.funds != NULL:
        hold_lots(desk, order, order_leaves(order))

cdef inline void hold_curve(Desk *desk, int sign) noexcept nogil:
    """Hold what the curve could spend and sell for its treasury (sign 1), or let go of it (-1)."""
    cdef const Funds *funds = desk.funds
    cdef uint64_t cash, lots
    if funds == NULL or desk.curve == NULL:
        return
    cash = <uint64_t>desk.curve.cursor.cash_notional * <uint64_t>funds.tick_atoms
    lots = <uint64_t>(desk.curve.cursor.net_lots - desk.curve.params.min_net_lots) * <uint64_t>funds.lot_atoms
    ledger_hold(funds.ledger, funds.treasury, funds.quote, cash if sign > 0 else -cash)
    ledger_hold(funds.ledger, funds.treasury, funds.base, lots if sign > 0 else -lots)

# --- admission ------------------------------------------------------------------------------------

cdef inline uint16_t funds_admit_order(
    const Desk *desk, uint32_t account, int side, int64_t limit_ticks, int64_t lots, int64_t amount_notional
) noexcept nogil:
    """Test that a new order can hold what it may cost; one by amount holds the amount and its largest fee."""
    cdef const Funds *funds = desk.funds
    cdef int64_t hold_atoms = 0
    cdef int64_t amount_atoms = 0
    cdef bint overflow, amount_overflow
    if funds == NULL:
        return 0
    overflow = order_hold(funds, side, limit_ticks, lots, &hold_atoms)
    if amount_notional != 0:
        amount_overflow = pb_amount_hold(
            amount_notional, min(lots, amount_notional), funds.tick_atoms, funds.max_fee_ppm, &amount_atoms
        )
        if not amount_overflow and (overflow or amount_atoms < hold_atoms):
            hold_atoms = amount_atoms
            overflow = False
    if overflow:
        return NOTIONAL_OVERFLOW
    return refusal_of_hold(funds, account, side, <int128_t>limit_ticks * lots, hold_atoms, 0)

cdef inline uint16_t funds_admit_change(
    const Desk *desk, const Order *order, int64_t limit_ticks, int64_t lots
) noexcept nogil:
    """Test that a live order can hold what it may cost once its limit and leaves are these."""
    cdef int64_t hold_atoms = 0
    cdef int64_t old_atoms = 0
    if desk.funds == NULL:
        return 0
    if order_hold(desk.funds, order.side, limit_ticks, lots, &hold_atoms):
        return NOTIONAL_OVERFLOW
    order_hold(desk.funds, order.side, hold_ticks(desk, order), order_leaves(order), &old_atoms)
    return refusal_of_hold(desk.funds, order.account, order.side, <int128_t>limit_ticks * lots, hold_atoms, old_atoms)

cdef inline uint16_t funds_admit_entry(const Desk *desk, const Entry *entry, int64_t size_ticks) noexcept nogil:
    """Test that a NEW can hold what it may cost."""
    return funds_admit_order(
        desk, entry.command.account, entry.command.side, size_ticks, entry.command.qty_lots,
        entry.terms.amount_notional,
    )

cdef inline uint16_t funds_admit_curve(const Desk *desk, const CurveParams *params) noexcept nogil:
    """Test that the treasury has a new curve's budget and the lots it may sell; the present curve's are free."""
    cdef const Funds *funds = desk.funds
    cdef int128_t cash, lots
    if funds == NULL:
        return 0
    if funds.treasury == 0:
        return CURVE_UNFUNDED
    cash = ledger_available(funds.ledger, funds.treasury, funds.quote)
    lots = ledger_available(funds.ledger, funds.treasury, funds.base)
    if desk.curve != NULL:
        cash += <int128_t>desk.curve.cursor.cash_notional * funds.tick_atoms
        lots += <int128_t>(desk.curve.cursor.net_lots - desk.curve.params.min_net_lots) * funds.lot_atoms
    if <int128_t>params.budget_notional * funds.tick_atoms > cash:
        return CURVE_UNFUNDED
    return CURVE_UNFUNDED if <int128_t>(-params.min_net_lots) * funds.lot_atoms > lots else 0

cdef inline uint16_t funds_admit_cash(const Desk *desk, int64_t cash_notional) noexcept nogil:
    """Test that the treasury has the cash the curve should have; what it has left is free."""
    cdef const Funds *funds = desk.funds
    cdef int128_t cash
    if funds == NULL:
        return 0
    cash = ledger_available(funds.ledger, funds.treasury, funds.quote)
    cash += <int128_t>desk.curve.cursor.cash_notional * funds.tick_atoms
    return CURVE_UNFUNDED if <int128_t>cash_notional * funds.tick_atoms > cash else 0

cdef inline uint16_t funds_admit_status(const Desk *desk, uint32_t account, bint buys) noexcept nogil:
    """Test that the account's status lets it enter or amend, and buy if it does."""
    return refusal_of_status(desk.funds, account, buys) if desk.funds != NULL else 0

# --- busts ----------------------------------------------------------------------------------------

# One movement of a bust: what an account should receive (or pay, when negative), and what it can bear of that.
cdef struct MoveBack:
    uint32_t account
    uint32_t asset
    int64_t atoms
    int64_t taken

cdef struct Unwinding:
    MoveBack moves[6]
    int count

cdef inline void move_back(
    const Funds *funds, Unwinding *unwinding, uint32_t account, uint32_t asset, int64_t atoms
) noexcept nogil:
    """Plan one movement: all that an account receives, of what it pays what it has after the movements before."""
    cdef MoveBack *move = &unwinding.moves[unwinding.count]
    cdef int64_t has_atoms = ledger_available(funds.ledger, account, asset)
    cdef int i
    for i in range(unwinding.count):
        if unwinding.moves[i].account == account and unwinding.moves[i].asset == asset:
            has_atoms += unwinding.moves[i].taken
    move.account = account
    move.asset = asset
    move.atoms = atoms
    move.taken = atoms if atoms >= 0 else -min(-atoms, max(<int64_t>0, has_atoms))
    unwinding.count += 1

cdef inline void plan_unwind(const Funds *funds, const TradeRecord *trade, Unwinding *unwinding) noexcept nogil:
    """Plan what a bust moves: fees, money, lots, each to who receives it first."""
    cdef int64_t notional_atoms = trade.price_ticks * trade.qty_lots * funds.tick_atoms
    cdef int64_t base_atoms = trade.qty_lots * funds.lot_atoms
    cdef uint32_t buyer = trade.taker_account if trade.taker_account != 0 else funds.treasury
    cdef uint32_t seller = trade.maker_account if trade.maker_account != 0 else funds.treasury
    if trade.side == SELL:
        buyer, seller = seller, buyer
    unwinding.count = 0
    if trade.taker_fee_atoms != 0:
        move_back(funds, unwinding, trade.taker_account, funds.quote, trade.taker_fee_atoms)
    if trade.maker_fee_atoms != 0:
        move_back(funds, unwinding, trade.maker_account, funds.quote, trade.maker_fee_atoms)
    move_back(funds, unwinding, buyer, funds.quote, notional_atoms)
    move_back(funds, unwinding, seller, funds.quote, -notional_atoms)
    move_back(funds, unwinding, seller, funds.base, base_atoms)
    move_back(funds, unwinding, buyer, funds.base, -base_atoms)

cdef inline uint16_t funds_admit_bust(const Desk *desk, const TradeRecord *trade) noexcept nogil:
    """Test that what the venue would have to put up does not take an asset beyond 63 bits."""
    cdef const Funds *funds = desk.funds
    cdef Unwinding unwinding
    cdef int128_t base_short = 0
    cdef int128_t quote_short = 0
    cdef int i
    if funds == NULL:
        return 0
    plan_unwind(funds, trade, &unwinding)
    for i in range(unwinding.count):
        if unwinding.moves[i].asset == funds.base:
            base_short += unwinding.moves[i].taken - unwinding.moves[i].atoms
        else:
            quote_short += unwinding.moves[i].taken - unwinding.moves[i].atoms
    if base_short != 0 and ledger_overflows(funds.ledger, funds.base, base_short):
        return BALANCE_OVERFLOW
    return BALANCE_OVERFLOW if quote_short != 0 and ledger_overflows(funds.ledger, funds.quote, quote_short) else 0

cdef inline void funds_unwind(Desk *desk, const TradeRecord *trade) noexcept nogil:
    """Undo a busted fill. What a side no longer has available the venue puts up, out of the suspense."""
    cdef const Funds *funds = desk.funds
    cdef Unwinding unwinding
    cdef const MoveBack *move
    cdef int i
    if funds == NULL:
        return
    plan_unwind(funds, trade, &unwinding)
    for i in range(unwinding.count):
        move = &unwinding.moves[i]
        ledger_credit(funds.ledger, move.account, move.asset, move.taken)
        funds.ledger.assets[move.asset].suspense += move.atoms - move.taken
    funds.ledger.assets[funds.quote].fees -= trade.taker_fee_atoms + trade.maker_fee_atoms
