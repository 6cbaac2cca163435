# Registered accounts: their limits, and what follows from their live orders and fills. Twin of the data of
# parbook.reference.accounts; the rules stand in _accounts.
#
# An open-addressed table (linear probing; accounts never leave) from the account's number to its place in a dense
# array. A market without registered accounts holds no memory here, and every hook below is not called at all.
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memset

from parbook._types cimport FIELD_STP_GROUP, NIL, pb_assert

cdef enum:
    ACCOUNTS_FIRST = 16

# parbook.state.ACCOUNT; `values` are indexed by AccountField - 1.
cdef struct AccountRecord:
    uint64_t account
    int64_t values[15]
    int64_t bucket
    int64_t bucket_at_ns
    int64_t protection_since_ns
    int64_t protection_filled_lots
    int64_t protected
    int64_t deadline_ns

cdef struct Account:
    AccountRecord record
    # Leaves of its live orders: [side][reduce-only][still a stop: armed, or elected and not yet run].
    int64_t open_lots[2][2][2]
    int64_t open_orders
    uint32_t reduce_tail    # its newest live reduce-only order; they are chained by id through their Specials
    uint32_t timer          # where its deadline stands in the heap of timers, NIL when disarmed
    bint dirty              # its reduce-only orders may be too many when the step ends
    bint fired              # its protection fires when the step ends

cdef struct AccountTable:
    Account *items
    uint32_t *slots         # the hash table: 1 + place in items, 0 for a free entry
    uint32_t *dirty         # numbers of the accounts to trim when the step ends
    uint32_t *fired         # places of the accounts to protect when the step ends, in the order of their trades
    uint32_t count
    uint32_t capacity
    uint32_t dirty_count
    uint32_t fired_count

cdef inline void registry_clear(AccountTable *table) noexcept nogil:
    free(table.items)
    free(table.slots)
    free(table.dirty)
    free(table.fired)
    memset(table, 0, sizeof(AccountTable))

cdef inline uint32_t registry_entry(const AccountTable *table, uint32_t account) noexcept nogil:
    """Return where an account stands in the hash table, or the free entry where it would. Expected O(1)."""
    cdef uint32_t mask = table.capacity * 2 - 1
    cdef uint32_t at = <uint32_t>((account * <uint64_t>0x9E3779B97F4A7C15ULL) >> 32) & mask
    while table.slots[at] != 0 and table.items[table.slots[at] - 1].record.account != account:
        at = (at + 1) & mask
    return at

cdef inline Account *registry_find(const AccountTable *table, uint32_t account) noexcept nogil:
    """Return a registered account, NULL for any other. The pointer is good until the next registration."""
    cdef uint32_t slot
    if table.count == 0:
        return NULL
    slot = table.slots[registry_entry(table, account)]
    return &table.items[slot - 1] if slot != 0 else NULL

cdef inline int enlarge(void **items, size_t bytes) noexcept nogil:
    """Give an array more room. Returns -1, with the array as it was, when there is no memory."""
    cdef void *larger = realloc(items[0], bytes)
    if larger == NULL:
        return -1
    items[0] = larger
    return 0

cdef inline int registry_reserve(AccountTable *table) noexcept nogil:
    """Make room for one more account. Returns -1, with every account as it was, without memory. O(1) amortised."""
    cdef size_t capacity = ACCOUNTS_FIRST if table.capacity == 0 else <size_t>table.capacity * 2
    cdef uint32_t *slots
    cdef uint32_t i
    if table.count < table.capacity:
        return 0
    if (
        enlarge(<void **>&table.items, capacity * sizeof(Account)) != 0
        or enlarge(<void **>&table.dirty, capacity * sizeof(uint32_t)) != 0
        or enlarge(<void **>&table.fired, capacity * sizeof(uint32_t)) != 0
    ):
        return -1
    slots = <uint32_t *>calloc(capacity * 2, sizeof(uint32_t))
    if slots == NULL:
        return -1
    free(table.slots)
    table.slots = slots
    table.capacity = <uint32_t>capacity
    for i in range(table.count):
        table.slots[registry_entry(table, <uint32_t>table.items[i].record.account)] = i + 1
    return 0

cdef inline Account *registry_add(AccountTable *table, uint32_t account) noexcept nogil:
    """Add an account, all its numbers 0 but its own. Room must have been reserved. Expected O(1)."""
    cdef Account *added = &table.items[table.count]
    pb_assert(table.count < table.capacity, "accounts: add without reserve")
    memset(added, 0, sizeof(Account))
    added.record.account = account
    added.reduce_tail = added.timer = NIL
    table.slots[registry_entry(table, account)] = table.count + 1
    table.count += 1
    return added

cdef inline int64_t account_value(const Account *account, int field) noexcept nogil:
    return account.record.values[field - 1]

cdef inline int64_t group_of(const AccountTable *table, uint32_t account) noexcept nogil:
    """Return an account's self-trade group: its own number when it is not registered."""
    cdef const Account *found = registry_find(table, account)
    return account_value(found, FIELD_STP_GROUP) if found != NULL else account
