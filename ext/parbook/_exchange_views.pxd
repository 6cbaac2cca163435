# An exchange's ledger and sessions as plain arrays, for its state: a snapshot walks them while every command waits.
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from parbook._ledger cimport Balance, Ledger, Profile
from parbook._venue cimport Outcome, Venue

cdef inline bint is_listed(const Balance *balance) noexcept nogil:
    """Whether a balance is part of the state: those of 0 are left out."""
    return balance.key != 0 and balance.atoms != 0

cdef inline uint64_t count_balances(const Ledger *ledger) noexcept nogil:
    cdef uint64_t count = 0
    cdef uint64_t i
    for i in range(ledger.capacity):
        count += is_listed(&ledger.balances[i])
    return count

cdef inline void put_balances(const Ledger *ledger, uint64_t[::1] keys, int64_t[::1] atoms) noexcept nogil:
    """Fill both with every listed balance, in no order. O(capacity)."""
    cdef uint64_t i
    cdef Py_ssize_t at = 0
    for i in range(ledger.capacity):
        if is_listed(&ledger.balances[i]):
            keys[at] = ledger.balances[i].key
            atoms[at] = ledger.balances[i].atoms
            at += 1

cdef inline void put_profiles(
    const Ledger *ledger, uint32_t[::1] accounts, uint8_t[::1] tiers, uint8_t[::1] statuses
) noexcept nogil:
    """Fill all three, of profile_used elements, in no order. O(capacity)."""
    cdef const Profile *profile
    cdef uint64_t i
    cdef Py_ssize_t at = 0
    for i in range(ledger.profile_capacity):
        profile = &ledger.profiles[i]
        if profile.account != 0:
            accounts[at] = profile.account
            tiers[at] = profile.tier
            statuses[at] = profile.status
            at += 1

cdef inline void put_txns(const Ledger *ledger, uint64_t[::1] txns) noexcept nogil:
    """Fill with the transaction ids that still count, oldest first."""
    cdef uint64_t i
    for i in range(ledger.txns.dead_count):
        txns[<Py_ssize_t>i] = ledger.txns.dead[(ledger.txns.dead_first + i) & (ledger.txns.dead_capacity - 1)].client_id

cdef inline void put_outcomes(const Venue *venue, uint8_t[::1] out) noexcept nogil:
    """Fill an array of parbook.exchange_state.OUTCOME records, oldest first: an Outcome and two bytes."""
    cdef Outcome *record
    cdef const Outcome *outcome
    cdef uint64_t i
    if out.shape[0] == 0:
        return
    record = <Outcome *>&out[0]
    memset(record, 0, <size_t>out.shape[0])
    for i in range(venue.outcome_count):
        outcome = &venue.outcomes[(venue.outcome_first + i) % venue.outcome_capacity]
        # Field by field: what pads the struct may hold anything.
        record[i].session_ref = outcome.session_ref
        record[i].order_id = outcome.order_id
        record[i].first_seq = outcome.first_seq
        record[i].session = outcome.session
        record[i].instrument = outcome.instrument
        record[i].code = outcome.code
