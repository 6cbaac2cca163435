# What a lot and a tick of one market are worth, and the arithmetic of holds and fees. Twin of parbook.listing and of
# the formulas of parbook.reference.funds.
from libc.stdint cimport int64_t, uint32_t, uint64_t

from parbook._ledger cimport Balance, Ledger
from parbook._types cimport BUY

cdef extern from *:
    """
    typedef unsigned __int128 pb_uint128;
    /* price + ceil(price * fee / 10**6), price = ticks * tick_atoms: below 2**119 for every valid order. */
    static inline pb_uint128 pb_lot_cost(uint64_t ticks, uint64_t tick_atoms, uint64_t fee_ppm) {
        pb_uint128 price = (pb_uint128)ticks * tick_atoms;
        if (price < ((pb_uint128)1 << 45))      /* times a fee below 2**18 this fits 64 bits: no long division */
            return price + ((uint64_t)price * fee_ppm + 999999) / 1000000;
        return price + (price * fee_ppm + 999999) / 1000000;
    }
    /* lots * what each costs at most; True when it exceeds 63 bits. */
    static inline int pb_buy_hold(int64_t ticks, int64_t lots, int64_t tick_atoms, int64_t fee_ppm, int64_t *hold) {
        int64_t notional;
        pb_uint128 total;
        if (__builtin_mul_overflow(ticks, lots, &notional)) return 1;
        /* With ticks * lots below 2**63 the product is below 2**63 * 2**40 * 1.2 + lots. */
        total = pb_lot_cost((uint64_t)ticks, (uint64_t)tick_atoms, (uint64_t)fee_ppm) * (uint64_t)lots;
        *hold = (int64_t)total;
        return total > 0x7FFFFFFFFFFFFFFFULL;
    }
    static inline int pb_sell_hold(int64_t lots, int64_t lot_atoms, int64_t *hold) {
        return __builtin_mul_overflow(lots, lot_atoms, hold);
    }
    /* What a lot holds, modulo 2**64. */
    static inline uint64_t pb_lot_hold(int64_t ticks, int64_t tick_atoms, int64_t fee_ppm) {
        return (uint64_t)pb_lot_cost((uint64_t)ticks, (uint64_t)tick_atoms, (uint64_t)fee_ppm);
    }
    /* The amount, ceil(amount * fee), and an atom for each further fill that rounds up; True beyond 63 bits. */
    static inline int pb_amount_hold(
        int64_t amount, int64_t fills, int64_t tick_atoms, int64_t fee_ppm, int64_t *hold
    ) {
        pb_uint128 total = pb_lot_cost((uint64_t)amount, (uint64_t)tick_atoms, (uint64_t)fee_ppm) + (uint64_t)fills;
        *hold = (int64_t)total;
        return total > 0x7FFFFFFFFFFFFFFFULL;
    }
    /* Rounded up; a rebate, which is negative, towards zero: both in favour of the venue. */
    static inline int64_t pb_fee(int64_t notional_atoms, int64_t rate_ppm) {
        uint64_t rate = rate_ppm < 0 ? -(uint64_t)rate_ppm : (uint64_t)rate_ppm;
        uint64_t round = rate_ppm < 0 ? 0 : 999999;
        uint64_t fee;
        if ((uint64_t)notional_atoms < ((uint64_t)1 << 45))
            fee = ((uint64_t)notional_atoms * rate + round) / 1000000;
        else
            fee = (uint64_t)(((pb_uint128)notional_atoms * rate + round) / 1000000);
        return rate_ppm < 0 ? -(int64_t)fee : (int64_t)fee;
    }
    """
    bint pb_buy_hold(int64_t ticks, int64_t lots, int64_t tick_atoms, int64_t fee_ppm, int64_t *hold) noexcept nogil
    bint pb_sell_hold(int64_t lots, int64_t lot_atoms, int64_t *hold) noexcept nogil
    uint64_t pb_lot_hold(int64_t ticks, int64_t tick_atoms, int64_t fee_ppm) noexcept nogil
    bint pb_amount_hold(
        int64_t amount, int64_t fills, int64_t tick_atoms, int64_t fee_ppm, int64_t *hold
    ) noexcept nogil
    int64_t pb_fee(int64_t notional_atoms, int64_t rate_ppm) noexcept nogil

# One market's money: which assets it trades, what they are worth, and the ledger they are kept in.
cdef struct Funds:
    Ledger *ledger
    int64_t lot_atoms
    int64_t tick_atoms
    int64_t max_fee_ppm
    uint32_t base
    uint32_t quote
    uint32_t treasury       # the account the curve trades for, 0: no curve can be set
    # What the running order pays with, found when it was admitted: good until a balance is made, which only fills do.
    Balance *payer          # NULL: not noted
    int64_t payer_atoms     # what the whole order holds

cdef inline uint32_t paying_asset(const Funds *funds, int side) noexcept nogil:
    """What an order of that side pays with."""
    return funds.quote if side == BUY else funds.base

cdef inline uint64_t lot_hold(const Funds *funds, int side, int64_t limit_ticks) noexcept nogil:
    """What one lot of a live order at a limit holds, modulo 2**64."""
    if side == BUY:
        return pb_lot_hold(limit_ticks, funds.tick_atoms, funds.max_fee_ppm)
    return <uint64_t>funds.lot_atoms

cdef inline bint order_hold(
    const Funds *funds, int side, int64_t limit_ticks, int64_t lots, int64_t *hold_atoms
) noexcept nogil:
    """Set what lots at a limit hold; True when that exceeds 63 bits."""
    if side == BUY:
        return pb_buy_hold(limit_ticks, lots, funds.tick_atoms, funds.max_fee_ppm, hold_atoms)
    return pb_sell_hold(lots, funds.lot_atoms, hold_atoms)
