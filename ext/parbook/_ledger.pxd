# Who owns what, in atoms: balances and what is held of them, fees, suspense, fee tiers, statuses, transaction ids.
# Twin of parbook.reference.ledger, which asks for holds where this keeps their sums (docs/decisions/0014).
#
# The two tables are open-addressed with linear probing and never shrink: an account that was here stays known.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memset

from parbook._identity cimport (
    DEAD, ClientIds, client_close, client_find, client_ids_clear, client_ids_init, client_ids_reserve, client_open,
)
from parbook._types cimport (
    AMOUNT_OUT_OF_RANGE, BALANCE_OVERFLOW, DUPLICATE_TXN, FEE_OUT_OF_RANGE, INSUFFICIENT_AVAILABLE, INT64_MAX,
    INVALID_ACCOUNT, int128_t, pb_prefetch, pb_unlikely,
)

cdef enum:
    BALANCES_FIRST = 64
    ENTRIES_NEAR = 16384    # of a table that the second-level cache holds beside much else
    TIERS_MAX = 256
    CONSERVED_EACH_TIME = 16384
    TXN_SCOPE = 1           # the one scope of transaction ids, in the place of an account
    STATUS_LIMIT = 2        # the greatest AccountStatus

cdef struct Balance:
    uint64_t key            # account << 16 | asset; accounts begin at 1, so that 0 is a free entry
    int64_t atoms
    int64_t held            # while an order by amount runs it may pass through more than there is, and even wrap

# What is settled for an account in the whole exchange.
cdef struct Profile:
    uint32_t account        # 0: a free entry
    uint8_t tier
    uint8_t status

cdef struct AssetSums:
    int64_t inside
    int64_t fees
    int64_t suspense
    int64_t owned           # the sum of all balances, kept as they change

cdef struct Ledger:
    Balance *balances
    uint64_t capacity       # a power of two, at least half of it free
    uint64_t used
    Profile *profiles
    uint64_t profile_capacity
    uint64_t profile_used
    AssetSums *assets
    uint32_t asset_count
    bint broken             # memory ran out inside a command
    ClientIds txns          # every known id is DEAD: it counts once, until it leaves the window
    int64_t maker_ppm[TIERS_MAX]
    int64_t taker_ppm[TIERS_MAX]
    uint8_t tier_set[TIERS_MAX]

cdef inline int ledger_init(Ledger *ledger, uint64_t txn_window) noexcept nogil:
    """Make an empty ledger. -1 without memory."""
    memset(ledger, 0, sizeof(Ledger))
    client_ids_init(&ledger.txns, txn_window)
    ledger.tier_set[0] = 1
    ledger.balances = <Balance *>calloc(BALANCES_FIRST, sizeof(Balance))
    ledger.profiles = <Profile *>calloc(BALANCES_FIRST, sizeof(Profile))
    ledger.capacity = ledger.profile_capacity = BALANCES_FIRST
    return 0 if ledger.balances != NULL and ledger.profiles != NULL else -1

cdef inline void ledger_clear(Ledger *ledger) noexcept nogil:
    free(ledger.balances)
    free(ledger.profiles)
    free(ledger.assets)
    client_ids_clear(&ledger.txns)
    memset(ledger, 0, sizeof(Ledger))

cdef inline int ledger_add_asset(Ledger *ledger) noexcept nogil:
    """Make room for one more asset. -1 without memory."""
    cdef AssetSums *assets = <AssetSums *>realloc(ledger.assets, (ledger.asset_count + 1) * sizeof(AssetSums))
    if assets == NULL:
        return -1
    ledger.assets = assets
    memset(&assets[ledger.asset_count], 0, sizeof(AssetSums))
    ledger.asset_count += 1
    return 0

# --- balances -------------------------------------------------------------------------------------

cdef inline uint64_t balance_key(uint32_t account, uint32_t asset) noexcept nogil:
    return <uint64_t>account << 16 | asset

cdef inline uint64_t key_hash(uint64_t key) noexcept nogil:
    # Fibonacci hashing (Knuth 6.4): the high bits of a product with 2**64 / phi, folded down.
    cdef uint64_t z = key * 0x9E3779B97F4A7C15ULL
    return z ^ (z >> 32)

cdef inline Balance *balance_find(const Ledger *ledger, uint64_t key) noexcept nogil:
    """Return a balance, or the free entry where it would stand. Expected O(1)."""
    cdef uint64_t at = key_hash(key) & (ledger.capacity - 1)
    while ledger.balances[at].key != key and ledger.balances[at].key != 0:
        at = (at + 1) & (ledger.capacity - 1)
    return &ledger.balances[at]

cdef inline void balance_ask(const Ledger *ledger, uint32_t account, uint32_t asset) noexcept nogil:
    """Ask memory for a balance that will be looked up, in a table that no cache holds."""
    if ledger.capacity > ENTRIES_NEAR:
        pb_prefetch(ledger.balances + (key_hash(balance_key(account, asset)) & (ledger.capacity - 1)))

cdef inline int balances_grow(Ledger *ledger) noexcept nogil:
    cdef Balance *old = ledger.balances
    cdef uint64_t count = ledger.capacity
    cdef uint64_t i
    cdef Balance *bigger = <Balance *>calloc(count * 2, sizeof(Balance))
    if bigger == NULL:
        return -1
    ledger.balances = bigger
    ledger.capacity = count * 2
    for i in range(count):
        if old[i].key != 0:
            balance_find(ledger, old[i].key)[0] = old[i]
    free(old)
    return 0

cdef inline Balance *balance_of(Ledger *ledger, uint32_t account, uint32_t asset) noexcept nogil:
    """Return a balance, made at 0 when there is none yet. The pointer is good until the next one is made.

    Without memory the ledger is broken and another entry stands in: nothing that follows may be trusted.
    """
    cdef uint64_t key = balance_key(account, asset)
    cdef Balance *balance = balance_find(ledger, key)
    if balance.key != 0:
        return balance
    if (ledger.used + 1) * 2 > ledger.capacity:
        if balances_grow(ledger) != 0:
            ledger.broken = True
            return &ledger.balances[0]
        balance = balance_find(ledger, key)
    ledger.used += 1
    balance.key = key
    return balance

cdef inline void ledger_find_four(
    Ledger *ledger, uint32_t one, uint32_t other, uint32_t quote, uint32_t base, Balance **four
) noexcept nogil:
    """Find two accounts' balances in two assets, made where there are none: one's quote and base, the other's.

    None of the four pointers moves another; without memory the ledger is broken and all are one entry.
    """
    if pb_unlikely((ledger.used + 4) * 2 > ledger.capacity) and balances_grow(ledger) != 0:
        ledger.broken = True
        four[0] = four[1] = four[2] = four[3] = &ledger.balances[0]
        return
    four[0] = balance_of(ledger, one, quote)
    four[1] = balance_of(ledger, one, base)
    four[2] = balance_of(ledger, other, quote)
    four[3] = balance_of(ledger, other, base)

cdef inline int64_t ledger_balance(const Ledger *ledger, uint32_t account, uint32_t asset) noexcept nogil:
    return balance_find(ledger, balance_key(account, asset)).atoms

cdef inline int64_t ledger_held(const Ledger *ledger, uint32_t account, uint32_t asset) noexcept nogil:
    return balance_find(ledger, balance_key(account, asset)).held

cdef inline int64_t ledger_available(const Ledger *ledger, uint32_t account, uint32_t asset) noexcept nogil:
    """What the account may withdraw, transfer or hold for something else. Expected O(1)."""
    cdef const Balance *balance = balance_find(ledger, balance_key(account, asset))
    return balance.atoms - balance.held

cdef inline void ledger_credit(Ledger *ledger, uint32_t account, uint32_t asset, int64_t atoms) noexcept nogil:
    """Add atoms, which may be negative, to an account. Whoever calls takes them from somewhere else."""
    balance_of(ledger, account, asset).atoms += atoms
    ledger.assets[asset].owned += atoms

cdef inline void ledger_hold(Ledger *ledger, uint32_t account, uint32_t asset, uint64_t atoms) noexcept nogil:
    """Hold atoms more, modulo 2**64: a release is a negative number."""
    cdef Balance *balance = balance_of(ledger, account, asset)
    balance.held = <int64_t>(<uint64_t>balance.held + atoms)

cdef inline bint ledger_overflows(const Ledger *ledger, uint32_t asset, int128_t atoms) noexcept nogil:
    """Whether so many more in the accounts, from outside or put up by the venue, would exceed 63 bits all told."""
    return atoms + ledger.assets[asset].inside - ledger.assets[asset].suspense > INT64_MAX

cdef inline bint ledger_conserves(const Ledger *ledger) noexcept nogil:
    """Whether every asset adds up, and the balances themselves where they are few enough for every command.

    Counted anew they are weighed by asset, so that no atom can hide in another asset. O(assets + balances).
    """
    cdef int128_t weighed = 0
    cdef uint64_t at
    cdef uint32_t i
    cdef const AssetSums *sums
    for i in range(ledger.asset_count):
        sums = &ledger.assets[i]
        if sums.owned + sums.fees + sums.suspense != sums.inside:
            return False
        weighed += <int128_t>sums.owned * (2 * i + 1)
    if ledger.capacity > CONSERVED_EACH_TIME:
        return True
    for at in range(ledger.capacity):
        if ledger.balances[at].key != 0:
            weighed -= <int128_t>ledger.balances[at].atoms * (2 * (ledger.balances[at].key & 0xFFFF) + 1)
    return weighed == 0

# --- from and to the outside ----------------------------------------------------------------------

cdef inline uint16_t ledger_refusal(
    const Ledger *ledger, uint32_t account, int64_t amount_atoms, uint64_t txn_id
) noexcept nogil:
    if account == 0:
        return INVALID_ACCOUNT
    if amount_atoms < 1:
        return AMOUNT_OUT_OF_RANGE
    return DUPLICATE_TXN if client_find(&ledger.txns, TXN_SCOPE, txn_id) == DEAD else 0

cdef inline void ledger_remember(Ledger *ledger, uint64_t txn_id) noexcept nogil:
    """Note a transaction id, 0 excepted, which means: none; the oldest beyond the window is forgotten."""
    if txn_id == 0:
        return
    if client_ids_reserve(&ledger.txns, 1) != 0:
        ledger.broken = True
        return
    client_open(&ledger.txns, TXN_SCOPE, txn_id, 0)
    if client_close(&ledger.txns, TXN_SCOPE, txn_id) != 0:
        ledger.broken = True

cdef inline uint16_t ledger_deposit(
    Ledger *ledger, uint32_t account, uint32_t asset, int64_t amount_atoms, uint64_t txn_id
) noexcept nogil:
    """Credit what came from outside. The same txn_id again changes nothing: DUPLICATE_TXN."""
    cdef uint16_t code = ledger_refusal(ledger, account, amount_atoms, txn_id)
    if code != 0:
        return code
    if ledger_overflows(ledger, asset, amount_atoms):
        return BALANCE_OVERFLOW
    ledger_remember(ledger, txn_id)
    ledger.assets[asset].inside += amount_atoms
    ledger_credit(ledger, account, asset, amount_atoms)
    return 0

cdef inline uint16_t ledger_withdraw(
    Ledger *ledger, uint32_t account, uint32_t asset, int64_t amount_atoms, uint64_t txn_id
) noexcept nogil:
    """Debit what leaves for the outside; INSUFFICIENT_AVAILABLE when it is not there or is held."""
    cdef uint16_t code = ledger_refusal(ledger, account, amount_atoms, txn_id)
    if code != 0:
        return code
    if amount_atoms > ledger_available(ledger, account, asset):
        return INSUFFICIENT_AVAILABLE
    ledger_remember(ledger, txn_id)
    ledger.assets[asset].inside -= amount_atoms
    ledger_credit(ledger, account, asset, -amount_atoms)
    return 0

cdef inline uint16_t ledger_transfer(
    Ledger *ledger, uint32_t source, uint32_t target, uint32_t asset, int64_t amount_atoms, uint64_t txn_id
) noexcept nogil:
    """Move what is available from one account to another, which may not be the same."""
    cdef uint16_t code = ledger_refusal(ledger, source, amount_atoms, txn_id)
    if code != 0:
        return code
    if target == 0 or target == source:
        return INVALID_ACCOUNT
    if amount_atoms > ledger_available(ledger, source, asset):
        return INSUFFICIENT_AVAILABLE
    ledger_remember(ledger, txn_id)
    ledger_credit(ledger, source, asset, -amount_atoms)
    ledger_credit(ledger, target, asset, amount_atoms)
    return 0

# --- accounts -------------------------------------------------------------------------------------

cdef inline Profile *profile_place(const Ledger *ledger, uint32_t account) noexcept nogil:
    """Return an account's profile, or the free entry where it would stand. Expected O(1)."""
    cdef uint64_t at = key_hash(account) & (ledger.profile_capacity - 1)
    while ledger.profiles[at].account != account and ledger.profiles[at].account != 0:
        at = (at + 1) & (ledger.profile_capacity - 1)
    return &ledger.profiles[at]

cdef inline void profile_ask(const Ledger *ledger, uint32_t account) noexcept nogil:
    """Ask memory for a profile that will be looked up, in a table that no cache holds."""
    if ledger.profile_capacity > ENTRIES_NEAR:
        pb_prefetch(ledger.profiles + (key_hash(account) & (ledger.profile_capacity - 1)))

cdef inline Profile *profile_make(Ledger *ledger, uint32_t account) noexcept nogil:
    """Return an account's profile, made when there is none yet. NULL without memory, and the ledger is broken."""
    cdef Profile *place = profile_place(ledger, account)
    cdef Profile *old = ledger.profiles
    cdef uint64_t count = ledger.profile_capacity
    cdef uint64_t i
    if place.account != 0:
        return place
    if (ledger.profile_used + 1) * 2 > count:
        ledger.profiles = <Profile *>calloc(count * 2, sizeof(Profile))
        if ledger.profiles == NULL:
            ledger.profiles = old
            ledger.broken = True
            return NULL
        ledger.profile_capacity = count * 2
        for i in range(count):
            if old[i].account != 0:
                profile_place(ledger, old[i].account)[0] = old[i]
        free(old)
        place = profile_place(ledger, account)
    ledger.profile_used += 1
    place.account = account
    return place

cdef inline uint8_t ledger_tier(const Ledger *ledger, uint32_t account) noexcept nogil:
    """The fee tier an account is in; most exchanges have one tier, and no profiles to look into."""
    return profile_place(ledger, account).tier if ledger.profile_used != 0 else 0

cdef inline uint8_t ledger_status(const Ledger *ledger, uint32_t account) noexcept nogil:
    return profile_place(ledger, account).status if ledger.profile_used != 0 else 0

# --- fees -----------------------------------------------------------------------------------------

cdef inline uint16_t ledger_set_fees(
    Ledger *ledger, uint32_t tier, int64_t maker_ppm, int64_t taker_ppm, int64_t max_fee_ppm
) noexcept nogil:
    """Set a tier's rates: none above what holds reckon with, no rebate above what any taker pays. O(tiers)."""
    cdef int64_t least_maker = maker_ppm
    cdef int64_t least_taker = taker_ppm
    cdef int i
    if tier >= TIERS_MAX or maker_ppm > max_fee_ppm or taker_ppm > max_fee_ppm or taker_ppm < 0:
        return FEE_OUT_OF_RANGE
    for i in range(TIERS_MAX):
        if ledger.tier_set[i] and <uint32_t>i != tier:
            least_maker = min(least_maker, ledger.maker_ppm[i])
            least_taker = min(least_taker, ledger.taker_ppm[i])
    if least_maker < -least_taker:
        return FEE_OUT_OF_RANGE
    ledger.maker_ppm[tier] = maker_ppm
    ledger.taker_ppm[tier] = taker_ppm
    ledger.tier_set[tier] = 1
    return 0
