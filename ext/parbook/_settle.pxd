# What a fill moves in the ledger, and what a plain order holds there: the part of _funds that needs no market.
# Twin of the settlement of parbook.reference.funds.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from parbook._ledger cimport (
    Balance, balance_find, balance_key, ledger_available, ledger_find_four, ledger_hold, ledger_status, ledger_tier,
)
from parbook._listing cimport Funds, lot_hold, order_hold, paying_asset, pb_fee
from parbook._types cimport *
from parbook._window cimport TradeRecord

cdef inline void hold_at(
    const Funds *funds, uint32_t account, int side, int64_t limit_ticks, int64_t lots
) noexcept nogil:
    """Hold for so many lots at a limit more; fewer when negative. Expected O(1)."""
    ledger_hold(
        funds.ledger, account, paying_asset(funds, side), lot_hold(funds, side, limit_ticks) * <uint64_t>lots
    )

cdef inline uint16_t refusal_of_hold(
    const Funds *funds, uint32_t account, int side, int128_t notional, int64_t hold_atoms, int64_t old_atoms
) noexcept nogil:
    """Test that an account has available what an order holds beyond what it held."""
    cdef int128_t spare_atoms, price_atoms
    if hold_atoms <= old_atoms:
        return 0
    spare_atoms = ledger_available(funds.ledger, account, paying_asset(funds, side))
    spare_atoms += old_atoms
    if pb_likely(hold_atoms <= spare_atoms):
        return 0
    if side == SELL:
        return INSUFFICIENT_BASE
    price_atoms = notional * funds.tick_atoms
    if price_atoms > hold_atoms:
        price_atoms = hold_atoms
    return INSUFFICIENT_FEE if price_atoms <= spare_atoms else INSUFFICIENT_QUOTE

cdef inline uint16_t refusal_of_plain(
    Funds *funds, uint32_t account, int side, int64_t limit_ticks, int64_t lots
) noexcept nogil:
    """Test that a new order without an amount can hold what it may cost. The payer is not noted."""
    cdef int64_t hold_atoms = 0
    funds.payer = NULL
    if order_hold(funds, side, limit_ticks, lots, &hold_atoms):
        return NOTIONAL_OVERFLOW
    return refusal_of_hold(funds, account, side, <int128_t>limit_ticks * lots, hold_atoms, 0)

cdef inline bint funds_suffice(
    Funds *funds, uint32_t account, int side, int64_t limit_ticks, int64_t lots
) noexcept nogil:
    """Whether an account may enter a plain order and has what it may cost; the payer is noted if so.

    No means nothing: refusal_of_status and refusal_of_plain decide then. Expected O(1).
    """
    cdef Balance *balance
    if ledger_status(funds.ledger, account) != STATUS_ACTIVE:
        return False
    if order_hold(funds, side, limit_ticks, lots, &funds.payer_atoms):
        return False
    balance = balance_find(funds.ledger, balance_key(account, paying_asset(funds, side)))
    if funds.payer_atoms > balance.atoms - balance.held:
        return False
    funds.payer = balance
    return True

cdef inline uint16_t refusal_of_status(const Funds *funds, uint32_t account, bint buys) noexcept nogil:
    """Test that the account's status lets it enter or amend, and buy if it does."""
    cdef uint8_t status = ledger_status(funds.ledger, account)
    if pb_likely(status == STATUS_ACTIVE):
        return 0
    if status == STATUS_SUSPENDED:
        return ACCOUNT_SUSPENDED
    return ACCOUNT_REDUCE_ONLY if buys else 0

cdef inline int64_t fee_of(
    const Funds *funds, uint32_t account, uint8_t source, bint makes, int64_t notional_atoms
) noexcept nogil:
    """The fee of one side of a fill. Without a taker nobody pays for a rebate: the maker's rate, and no rebate."""
    cdef uint8_t tier
    if account == 0:
        return 0
    tier = ledger_tier(funds.ledger, account)
    if source == SOURCE_LIFT or source == SOURCE_UNCROSS or source == SOURCE_UNCROSS_CURVE:
        return pb_fee(notional_atoms, max(funds.ledger.maker_ppm[tier], <int64_t>0))
    return pb_fee(notional_atoms, funds.ledger.maker_ppm[tier] if makes else funds.ledger.taker_ppm[tier])

cdef inline void settle(
    const Funds *funds, uint8_t source, uint8_t side, int64_t price_ticks, int64_t lots, uint32_t taker,
    uint32_t maker, TradeRecord *past
) noexcept nogil:
    """Move a fill's lots and money between its two accounts, 0 being the curve, and their fees to the venue.

    `past`, if the trade is remembered, learns the fees. Expected O(1).
    """
    cdef Balance *four[4]
    cdef int64_t notional_atoms = price_ticks * lots * funds.tick_atoms
    cdef int64_t base_atoms = lots * funds.lot_atoms
    cdef int64_t taker_fee = fee_of(funds, taker, source, False, notional_atoms)
    cdef int64_t maker_fee = fee_of(funds, maker, source, True, notional_atoms)
    cdef bint taker_buys = side == BUY
    cdef int64_t quote_to_taker = -notional_atoms if taker_buys else notional_atoms
    cdef int64_t base_to_taker = base_atoms if taker_buys else -base_atoms
    if past != NULL:
        past.taker_fee_atoms = taker_fee
        past.maker_fee_atoms = maker_fee
    ledger_find_four(
        funds.ledger, taker if taker != 0 else funds.treasury, maker if maker != 0 else funds.treasury, funds.quote,
        funds.base, four,
    )
    four[0].atoms += quote_to_taker - taker_fee
    four[1].atoms += base_to_taker
    four[2].atoms -= quote_to_taker + maker_fee
    four[3].atoms -= base_to_taker
    funds.ledger.assets[funds.quote].owned -= taker_fee + maker_fee
    funds.ledger.assets[funds.quote].fees += taker_fee + maker_fee
    # What the curve spends it held, what it receives it holds.
    if taker == 0:
        four[0].held += quote_to_taker
        four[1].held += base_to_taker
    elif maker == 0:
        four[2].held -= quote_to_taker
        four[3].held -= base_to_taker
