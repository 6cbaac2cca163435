"""From bytes back to a compiled exchange. Twin of parbook.reference.exchange_restore: the same flaws in its order."""

from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from parbook._book cimport Order, order_at, order_leaves
from parbook._desk cimport Desk
from parbook._exchange cimport Exchange
from parbook._flaws cimport *
from parbook._funds cimport hold_ticks
from parbook._identity cimport DEAD, client_find
from parbook._ledger cimport (
    STATUS_LIMIT, TIERS_MAX, TXN_SCOPE, AssetSums, Balance, Ledger, Profile, balance_key, balance_of, ledger_remember,
    ledger_set_fees, profile_make,
)
from parbook._listing cimport Funds, lot_hold, paying_asset
from parbook._market cimport Market
from parbook._restore cimport bytes_of, refuse, restore_desk
from parbook._restore_orders cimport NO_MEMORY
from parbook._types cimport *
from parbook._venue cimport EVERY_INSTRUMENT, Outcome, Venue, remember_outcome, sessions_grow

import numpy as np

from parbook.flaws import Flaw, corruption
from parbook.state_parts import EXCHANGE, cut_exchange, refuse_other_states

cdef enum:
    SESSIONS_MAX = 65536
    OVERFLOWN = -1          # balances of an asset that exceed 63 bits all told

# parbook.exchange_state.ASSET
cdef struct AssetRecord:
    char name[128]
    int64_t decimals
    int64_t inside
    int64_t fees
    int64_t suspense

# parbook.exchange_state.BALANCE
cdef struct BalanceRecord:
    uint32_t account
    uint16_t asset
    uint16_t reserved
    int64_t atoms

# parbook.exchange_state.TIER
cdef struct TierRecord:
    uint64_t tier
    int64_t maker_ppm
    int64_t taker_ppm

# parbook.exchange_state.MEMBER and .STATUS: what an account is in, or may do
cdef struct ProfileRecord:
    uint32_t account
    uint32_t number

# parbook.exchange_state.SESSION
cdef struct SessionRecord:
    uint64_t session
    int64_t last_ref

# parbook.exchange_state.OUTCOME
cdef struct OutcomeRecord:
    int64_t session_ref
    uint64_t order_id
    uint64_t first_seq
    uint16_t session
    uint16_t instrument
    uint16_t code
    uint16_t reserved


# --- money ----------------------------------------------------------------------------------------

cdef int flaw_of_balance(const BalanceRecord *record, uint32_t assets, uint64_t last_key) noexcept nogil:
    if record.account == 0:
        return FLAW_NO_ACCOUNT
    if record.asset >= assets:
        return FLAW_UNKNOWN_ASSET
    if record.reserved != 0:
        return FLAW_UNKNOWN_NUMBER
    if record.atoms < 1:
        return FLAW_ATOMS_OUT_OF_RANGE
    return FLAW_OUT_OF_ORDER if balance_key(record.account, record.asset) <= last_key else FLAW_NONE


cdef int restore_balances(Ledger *ledger, const BalanceRecord *records, uint64_t count, uint64_t *index) noexcept nogil:
    """Take the balances and add them up by asset."""
    cdef uint64_t last_key = 0
    cdef const BalanceRecord *record
    cdef AssetSums *sums
    cdef Balance *balance
    cdef uint64_t i
    cdef int flaw
    for i in range(count):
        index[0] = i
        record = &records[i]
        flaw = flaw_of_balance(record, ledger.asset_count, last_key)
        if flaw != FLAW_NONE:
            return flaw
        last_key = balance_key(record.account, record.asset)
        balance = balance_of(ledger, record.account, record.asset)
        if ledger.broken:
            return NO_MEMORY
        balance.atoms = record.atoms
        sums = &ledger.assets[record.asset]
        if sums.owned == OVERFLOWN or record.atoms > INT64_MAX - sums.owned:
            sums.owned = OVERFLOWN
        else:
            sums.owned += record.atoms
    return FLAW_NONE


cdef int restore_sums(Ledger *ledger, const AssetRecord *records, uint64_t count, uint64_t *index) noexcept nogil:
    """Take what came in, the fees and the suspense of each asset: they must add up with its balances."""
    cdef const AssetRecord *record
    cdef AssetSums *sums
    cdef uint64_t i
    for i in range(count):
        index[0] = i
        record = &records[i]
        sums = &ledger.assets[i]
        if record.inside < 0 or record.fees < 0 or sums.owned == OVERFLOWN or record.fees > INT64_MAX - sums.owned:
            return FLAW_ATOMS_OUT_OF_RANGE
        if <int128_t>sums.owned + record.fees + record.suspense != record.inside:
            return FLAW_DOES_NOT_ADD_UP
        sums.inside = record.inside
        sums.fees = record.fees
        sums.suspense = record.suspense
    return FLAW_NONE


# --- what is held ---------------------------------------------------------------------------------

cdef int hold_more(
    Ledger *ledger, uint32_t account, uint32_t asset, uint64_t atoms, uint64_t *least_key
) noexcept nogil:
    """Hold so much more, fewer than 2**63; the least key of a balance that is too small for its holds is noted."""
    cdef Balance *balance = balance_of(ledger, account, asset)
    if ledger.broken:
        return NO_MEMORY
    if <uint64_t>balance.held <= <uint64_t>balance.atoms:
        balance.held = <int64_t>(<uint64_t>balance.held + atoms)
    if <uint64_t>balance.held > <uint64_t>balance.atoms:
        least_key[0] = min(least_key[0], balance.key)
    return 0


cdef int hold_for(Desk *desk, uint64_t *least_key) noexcept nogil:
    """Hold what the live orders and the curve of a restored market need. -1 without memory. O(orders)."""
    cdef const Funds *funds = desk.funds
    cdef const Order *order
    cdef uint64_t atoms
    cdef uint32_t slot
    # Nothing has left yet: the slab is the live orders, in the order of the state.
    for slot in range(desk.book.orders.used):
        order = order_at(&desk.book, slot)
        atoms = lot_hold(funds, order.side, hold_ticks(desk, order)) * <uint64_t>order_leaves(order)
        if hold_more(funds.ledger, order.account, paying_asset(funds, order.side), atoms, least_key) != 0:
            return NO_MEMORY
    if desk.curve == NULL:
        return 0
    atoms = <uint64_t>(desk.curve.cursor.cash_notional * funds.tick_atoms)
    if atoms != 0 and hold_more(funds.ledger, funds.treasury, funds.quote, atoms, least_key) != 0:
        return NO_MEMORY
    atoms = <uint64_t>((desk.curve.cursor.net_lots - desk.curve.params.min_net_lots) * funds.lot_atoms)
    if atoms == 0:
        return 0
    return hold_more(funds.ledger, funds.treasury, funds.base, atoms, least_key)


# --- who is who -----------------------------------------------------------------------------------

cdef int restore_tiers(Venue *venue, const TierRecord *records, uint64_t count, uint64_t *index) noexcept nogil:
    cdef const TierRecord *record
    cdef uint64_t i
    for i in range(count):
        index[0] = i
        record = &records[i]
        if i != 0 and record.tier <= records[i - 1].tier:
            return FLAW_OUT_OF_ORDER
        if record.tier >= TIERS_MAX or (i == 0 and record.tier != 0):
            return FLAW_UNKNOWN_TIER
        if ledger_set_fees(
            &venue.ledger, <uint32_t>record.tier, record.maker_ppm, record.taker_ppm, venue.least_max_fee_ppm
        ) != 0:
            return FLAW_RATE_OUT_OF_RANGE
    return FLAW_NONE


cdef int restore_profiles(
    Ledger *ledger, const ProfileRecord *records, uint64_t count, bint members, uint64_t *index
) noexcept nogil:
    """Take the accounts that are in another tier than 0, or those that are not ACTIVE."""
    cdef const ProfileRecord *record
    cdef Profile *profile
    cdef uint64_t i
    for i in range(count):
        index[0] = i
        record = &records[i]
        if i != 0 and record.account <= records[i - 1].account:
            return FLAW_OUT_OF_ORDER
        if record.account == 0:
            return FLAW_NO_ACCOUNT
        if members and (record.number == 0 or record.number >= TIERS_MAX or not ledger.tier_set[record.number]):
            return FLAW_UNKNOWN_TIER
        if not members and (record.number == 0 or record.number > STATUS_LIMIT):
            return FLAW_UNKNOWN_STATUS
        profile = profile_make(ledger, record.account)
        if profile == NULL:
            return NO_MEMORY
        if members:
            profile.tier = <uint8_t>record.number
        else:
            profile.status = <uint8_t>record.number
    return FLAW_NONE


cdef int restore_txns(Ledger *ledger, const uint64_t *txn_ids, uint64_t count, uint64_t *index) noexcept nogil:
    cdef uint64_t i
    for i in range(count):
        index[0] = i
        if txn_ids[i] == 0 or client_find(&ledger.txns, TXN_SCOPE, txn_ids[i]) == DEAD:
            return FLAW_TXN_TWICE
        ledger_remember(ledger, txn_ids[i])
        if ledger.broken:
            return NO_MEMORY
    return FLAW_NONE


# --- sessions -------------------------------------------------------------------------------------

cdef int restore_sessions(Venue *venue, const SessionRecord *records, uint64_t count, uint64_t *index) noexcept nogil:
    cdef const SessionRecord *record
    cdef uint64_t i
    for i in range(count):
        index[0] = i
        record = &records[i]
        if i != 0 and record.session <= records[i - 1].session:
            return FLAW_OUT_OF_ORDER
        if record.session < 1 or record.session >= SESSIONS_MAX or record.last_ref < 1:
            return FLAW_REFERENCE_OUT_OF_RANGE
        if record.session >= venue.sessions and sessions_grow(venue, <uint16_t>record.session) != 0:
            return NO_MEMORY
        venue.last_refs[record.session] = <uint64_t>record.last_ref
    return FLAW_NONE


cdef int restore_outcomes(
    Venue *venue, const OutcomeRecord *records, uint64_t count, int64_t *last_refs, uint64_t *index
) noexcept nogil:
    """Take what can still be said again. A session's references rise (`last_refs`), so none is remembered twice."""
    cdef const OutcomeRecord *record
    cdef Outcome outcome
    cdef uint64_t i
    for i in range(count):
        index[0] = i
        record = &records[i]
        if record.session_ref <= last_refs[record.session] or record.session >= venue.sessions:
            return FLAW_REFERENCE_OUT_OF_RANGE
        if <uint64_t>record.session_ref > venue.last_refs[record.session]:
            return FLAW_REFERENCE_OUT_OF_RANGE
        if record.instrument >= venue.count and record.instrument != EVERY_INSTRUMENT:
            return FLAW_UNKNOWN_INSTRUMENT
        if record.first_seq < 1 or record.first_seq > <uint64_t>INT64_MAX:
            return FLAW_SEQUENCE_OUT_OF_RANGE
        if record.reserved != 0:
            return FLAW_UNKNOWN_NUMBER
        last_refs[record.session] = record.session_ref
        memset(&outcome, 0, sizeof(Outcome))
        outcome.session_ref = <uint64_t>record.session_ref
        outcome.order_id = record.order_id
        outcome.first_seq = record.first_seq
        outcome.session = record.session
        outcome.instrument = record.instrument
        outcome.code = record.code
        remember_outcome(venue, &outcome)
        if venue.broken:
            return NO_MEMORY
    return FLAW_NONE


# --- the whole ------------------------------------------------------------------------------------

cdef int restore_ledger(Venue *venue, object parts) except -1:
    cdef Ledger *ledger = &venue.ledger
    cdef uint64_t index = 0
    cdef int flaw
    flaw = restore_balances(ledger, <const BalanceRecord *>bytes_of(parts.balances), len(parts.balances), &index)
    refuse(EXCHANGE, "balance", flaw, index)
    flaw = restore_sums(ledger, <const AssetRecord *>bytes_of(parts.assets), len(parts.assets), &index)
    refuse(EXCHANGE, "asset", flaw, index)
    flaw = restore_tiers(venue, <const TierRecord *>bytes_of(parts.tiers), len(parts.tiers), &index)
    refuse(EXCHANGE, "tier", flaw, index)
    flaw = restore_profiles(
        ledger, <const ProfileRecord *>bytes_of(parts.members), len(parts.members), True, &index
    )
    refuse(EXCHANGE, "member", flaw, index)
    flaw = restore_profiles(
        ledger, <const ProfileRecord *>bytes_of(parts.statuses), len(parts.statuses), False, &index
    )
    refuse(EXCHANGE, "status", flaw, index)
    flaw = restore_txns(ledger, <const uint64_t *>bytes_of(parts.txns), len(parts.txns), &index)
    return refuse(EXCHANGE, "txn", flaw, index)


cdef int restore_sessions_of(Venue *venue, object parts) except -1:
    cdef int64_t[::1] last_refs = np.zeros(SESSIONS_MAX, np.int64)
    cdef uint64_t index = 0
    cdef int flaw
    flaw = restore_sessions(venue, <const SessionRecord *>bytes_of(parts.sessions), len(parts.sessions), &index)
    refuse(EXCHANGE, "session", flaw, index)
    flaw = restore_outcomes(
        venue, <const OutcomeRecord *>bytes_of(parts.outcomes), len(parts.outcomes), &last_refs[0], &index
    )
    return refuse(EXCHANGE, "outcome", flaw, index)


cdef int restore_markets(Exchange exchange, object markets) except -1:
    """Fill every market, then hold what their orders and curves need: no more than is there."""
    cdef Venue *venue = &exchange.venue
    cdef uint64_t least_key = ~<uint64_t>0
    cdef Market market
    cdef uint32_t i
    for number, data in enumerate(markets):
        market = exchange._markets[number]
        restore_desk(&market.desk, market.instrument, data)
        # A market that is named later catches up with both.
        if market.desk.next_command != venue.next_command or market.desk.now_ns > venue.now_ns:
            reason = "its next_command is not the exchange's, or its clock is ahead"
            raise corruption(f"state of market {market.instrument.symbol}, header", reason)
    for i in range(venue.count):
        if hold_for(venue.desks[i], &least_key) != 0:
            raise MemoryError("no memory for an exchange of this state")
    if least_key != ~<uint64_t>0:
        where = f"state of {EXCHANGE}, account {least_key >> 16}, asset {least_key & 0xFFFF}"
        raise corruption(where, Flaw(FLAW_HELD_TWICE).doc)
    return 0


def exchange_from_state(state, assets, listings):
    """Return the compiled exchange that had this state. Behind `Exchange.from_state`."""
    cdef Exchange exchange
    refuse_other_states(state)
    parts = cut_exchange(state, assets, listings)
    exchange = Exchange(parts.header["outcome_window"])
    for asset in assets:
        exchange.add_asset(asset)
    for listing in listings:
        exchange.add_instrument(listing)
    exchange.venue.now_ns = parts.header["now_ns"]
    exchange.venue.next_command = parts.header["next_command"]
    exchange.venue.next_seq = parts.header["next_seq"]
    restore_ledger(&exchange.venue, parts)
    restore_sessions_of(&exchange.venue, parts)
    restore_markets(exchange, parts.markets)
    return exchange
