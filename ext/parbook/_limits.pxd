# What registered accounts may do: registration, admission, SET_ACCOUNT. Twin of parbook.reference.accounts; the sums
# that these tests read are kept by _accounts.
from libc.stdint cimport int64_t, uint16_t, uint32_t

from parbook._accounts cimport TOKEN, account_lots, account_soil, order_reduces, order_waits
from parbook._book cimport Order, order_at, order_leaves
from parbook._desk cimport Desk, desk_emit
from parbook._funds cimport funds_admit_status
from parbook._ids cimport ids_find
from parbook._registry cimport Account, account_value, registry_add, registry_find, registry_reserve
from parbook._roster cimport BOTH_SIDES, Scope, note_scope
from parbook._types cimport *

cdef enum:
    MAX_RATE = 1000000000
    MAX_BURST = 1048576
    ALL_CHOICES = 255       # every bit of ALLOWED_TYPES and ALLOWED_TIFS
    ALL_DENIALS = 63

cdef extern from *:
    """
    #define PB_MAX_POSITION_LOTS (((int64_t)1) << 62)
    #define PB_MAX_OPEN_ORDERS (((int64_t)1) << 32)
    """
    const int64_t MAX_POSITION_LOTS "PB_MAX_POSITION_LOTS"
    const int64_t MAX_OPEN_ORDERS "PB_MAX_OPEN_ORDERS"

cdef inline Account *accounts_register(Desk *desk, uint32_t number) noexcept nogil:
    """Return the account, registered with the orders it has; NULL when there is no room. O(live orders) once."""
    cdef Account *account = registry_find(&desk.accounts, number)
    cdef Scope scope = Scope(number, 0, BOTH_SIDES, False)
    cdef uint32_t slot
    cdef size_t i
    if account != NULL or desk.accounts.count >= desk.config.max_accounts:
        return account
    if registry_reserve(&desk.accounts) != 0:
        desk.broken = True
        return NULL
    account = registry_add(&desk.accounts, number)
    account.record.values[FIELD_STP_GROUP - 1] = number
    account.record.values[FIELD_MAX_LONG_LOTS - 1] = MAX_POSITION_LOTS
    account.record.values[FIELD_MAX_SHORT_LOTS - 1] = MAX_POSITION_LOTS
    account.record.values[FIELD_MAX_OPEN_ORDERS - 1] = MAX_OPEN_ORDERS
    account.record.values[FIELD_MAX_ORDER_LOTS - 1] = QTY_LOTS_MAX
    account.record.values[FIELD_MAX_ORDER_NOTIONAL - 1] = INT64_MAX
    account.record.values[FIELD_RATE_BURST - 1] = 1
    account.record.values[FIELD_ALLOWED_TYPES - 1] = ALL_CHOICES
    account.record.values[FIELD_ALLOWED_TIFS - 1] = ALL_CHOICES
    account.record.bucket = TOKEN
    desk.watch |= WATCH_ACCOUNTS
    note_scope(desk, &scope)
    for i in range(desk.noted.count):
        slot = ids_find(&desk.book.ids, desk.noted.ids[i])
        account.open_orders += 1
        account_lots(desk, account, order_at(&desk.book, slot), order_leaves(order_at(&desk.book, slot)))
    return account

# --- admission ------------------------------------------------------------------------------------

cdef inline uint16_t refusal_of_side(const Account *account, int side) noexcept nogil:
    """Test that the account may buy, or sell, here: what an allow-list says."""
    return SIDE_DENIED if account_value(account, FIELD_DENIED) & (DENIED_BUY if side == BUY else DENIED_SELL) else 0

cdef inline uint16_t accounts_admit_use(const Desk *desk, const Command *command, const Terms *terms) noexcept nogil:
    """Test that the account is known where it must be, and may enter this kind of order."""
    cdef const Account *account = registry_find(&desk.accounts, command.account)
    cdef uint16_t code = funds_admit_status(desk, command.account, command.side == BUY)
    if account == NULL:
        return UNKNOWN_ACCOUNT if desk.config.registered_only or terms.reduce_only else code
    if account_value(account, FIELD_KILLED):
        return ACCOUNT_KILLED
    if code != 0:
        return code
    if not (account_value(account, FIELD_ALLOWED_TYPES) >> command.order_type) & 1:
        return TYPE_NOT_ALLOWED
    if not (account_value(account, FIELD_ALLOWED_TIFS) >> command.tif) & 1:
        return TIF_NOT_ALLOWED
    if account_value(account, FIELD_DENIED) & DENIED_RESTING and command.tif != IOC and command.tif != FOK:
        return RESTING_DENIED
    return refusal_of_side(account, command.side)

cdef inline uint16_t accounts_admit_quote(const Desk *desk, uint32_t number, const int64_t *lots) noexcept nogil:
    """Test that the account may quote the sides that have lots."""
    cdef const Account *account = registry_find(&desk.accounts, number)
    cdef uint16_t code = funds_admit_status(desk, number, lots[BUY] != 0)
    cdef int side
    if account == NULL:
        return UNKNOWN_ACCOUNT if desk.config.registered_only else code
    if account_value(account, FIELD_KILLED):
        return ACCOUNT_KILLED
    if code != 0:
        return code
    if account_value(account, FIELD_DENIED) & DENIED_QUOTE:
        return QUOTE_DENIED
    for side in range(2):
        if lots[side] != 0 and refusal_of_side(account, side) != 0:
            return SIDE_DENIED
    if account_value(account, FIELD_DENIED) & DENIED_RESTING:
        return RESTING_DENIED
    return PROTECTION_ACTIVE if account.record.protected else 0

cdef inline uint16_t accounts_admit_cancel(const Desk *desk, uint32_t number) noexcept nogil:
    """Test that the account may cancel and reduce."""
    cdef const Account *account = registry_find(&desk.accounts, number)
    return CANCEL_DENIED if account != NULL and account_value(account, FIELD_DENIED) & DENIED_CANCEL else 0

cdef inline uint16_t accounts_admit_amend(const Desk *desk, const Order *order) noexcept nogil:
    """Test that the order's account may amend it."""
    cdef const Account *account = registry_find(&desk.accounts, order.account)
    cdef uint16_t code = funds_admit_status(desk, order.account, order.side == BUY)
    if code != 0 or account == NULL:
        return code
    if account_value(account, FIELD_DENIED) & DENIED_AMEND:
        return AMEND_DENIED
    return refusal_of_side(account, order.side)

cdef inline int64_t accounts_max_lots(const Desk *desk, uint32_t number) noexcept nogil:
    """The most lots one of the account's orders may have."""
    cdef const Account *account = registry_find(&desk.accounts, number)
    return QTY_LOTS_MAX if account == NULL else account_value(account, FIELD_MAX_ORDER_LOTS)

cdef inline int64_t accounts_max_notional(const Desk *desk, uint32_t number) noexcept nogil:
    """The greatest notional one of the account's orders may have."""
    cdef const Account *account = registry_find(&desk.accounts, number)
    return INT64_MAX if account == NULL else account_value(account, FIELD_MAX_ORDER_NOTIONAL)

cdef inline int128_t closable_lots(const Account *account, int side) noexcept nogil:
    """Lots that side may still trade before the position passes zero, if all that rests on that side fills."""
    cdef int128_t lots = account_value(account, FIELD_POSITION_LOTS)
    if side == BUY:
        lots = -lots
    return lots - account.open_lots[side][0][0] - account.open_lots[side][1][0]

cdef inline uint16_t account_admit_position(const Account *account, int side, int64_t lots) noexcept nogil:
    """Test where the position could go if all open orders of a side and `lots` more filled."""
    cdef int128_t lots_after = account_value(account, FIELD_POSITION_LOTS)
    cdef int64_t most_lots = account_value(account, FIELD_MAX_LONG_LOTS)
    if side == SELL:
        lots_after = -lots_after
        most_lots = account_value(account, FIELD_MAX_SHORT_LOTS)
    lots_after += account.open_lots[side][0][0]
    lots_after += account.open_lots[side][0][1]
    lots_after += lots
    return POSITION_LIMIT if lots_after > most_lots else 0

cdef inline uint16_t accounts_admit_exposure(
    const Desk *desk, uint32_t number, int side, int64_t lots, bint reduce_only, bint is_stop,
    bint may_stay,
) noexcept nogil:
    """Test the count of open orders, and where they all could take the position together with a new one."""
    cdef const Account *account = registry_find(&desk.accounts, number)
    if account == NULL:
        return 0
    if may_stay and account.open_orders >= account_value(account, FIELD_MAX_OPEN_ORDERS):
        return OPEN_ORDER_LIMIT
    if reduce_only:
        return REDUCE_ONLY_EXCEEDED if not is_stop and lots > closable_lots(account, side) else 0
    return account_admit_position(account, side, lots)

cdef inline uint16_t accounts_admit_exposures(
    const Desk *desk, uint32_t number, const int64_t *lots, const int64_t *old_lots
) noexcept nogil:
    """Test a quote's two sides in the place of the orders they replace; 0 lots is no order."""
    cdef const Account *account = registry_find(&desk.accounts, number)
    cdef int64_t orders
    cdef uint16_t code = 0
    cdef int side
    if account == NULL or lots[BUY] + lots[SELL] == 0:
        return 0
    orders = account.open_orders
    for side in range(2):
        orders += (lots[side] != 0) - (old_lots[side] != 0)
    if orders > account_value(account, FIELD_MAX_OPEN_ORDERS):
        return OPEN_ORDER_LIMIT
    for side in range(2):
        if code == 0 and lots[side] > old_lots[side]:
            code = account_admit_position(account, side, lots[side] - old_lots[side])
    return code

cdef inline uint16_t accounts_admit_growth(const Desk *desk, uint32_t slot, int64_t lots) noexcept nogil:
    """Test `lots` more on a live order; 0 or less need no test."""
    cdef const Order *order = order_at(&desk.book, slot)
    cdef const Account *account = registry_find(&desk.accounts, order.account)
    if account == NULL or lots <= 0:
        return 0
    if not order_reduces(&desk.book, order):
        return account_admit_position(account, order.side, lots)
    if not order_waits(&desk.book, order) and lots > closable_lots(account, order.side):
        return REDUCE_ONLY_EXCEEDED
    return 0

cdef inline uint16_t accounts_admit_rate(Desk *desk, uint32_t number) noexcept nogil:
    """Take a token from the account's bucket, or refuse. The last test: a refused command costs nothing."""
    cdef Account *account = registry_find(&desk.accounts, number)
    cdef int128_t bucket
    cdef int64_t full
    if account == NULL or account_value(account, FIELD_RATE_PER_SECOND) == 0:
        return 0
    full = account_value(account, FIELD_RATE_BURST) * TOKEN
    bucket = desk.now_ns - account.record.bucket_at_ns
    bucket = bucket * account_value(account, FIELD_RATE_PER_SECOND) + account.record.bucket
    if bucket > full:
        bucket = full
    if bucket < TOKEN:
        return RATE_LIMITED
    account.record.bucket = <int64_t>(bucket - TOKEN)
    account.record.bucket_at_ns = desk.now_ns
    return 0

cdef inline int64_t accounts_reduce_only_room(const Desk *desk, uint32_t slot) noexcept nogil:
    """Lots an elected reduce-only stop may do, its place still that of one that waits; 0 or less: none."""
    cdef const Order *order = order_at(&desk.book, slot)
    cdef const Account *account = registry_find(&desk.accounts, order.account)
    cdef int128_t lots
    if account == NULL:
        return 0
    lots = closable_lots(account, order.side)
    return -1 if lots < 0 else <int64_t>lots if lots < INT64_MAX else INT64_MAX

# --- SET_ACCOUNT ----------------------------------------------------------------------------------

cdef inline bint field_admits(int field, int64_t value) noexcept nogil:
    """Whether a field of an account exists and may have a value."""
    if field == FIELD_POSITION_LOTS:
        return -MAX_POSITION_LOTS <= value <= MAX_POSITION_LOTS
    if field < FIELD_STP_GROUP or field > FIELD_KILLED or value < (1 if field == FIELD_RATE_BURST else 0):
        return False
    if field == FIELD_MAX_LONG_LOTS or field == FIELD_MAX_SHORT_LOTS or field == FIELD_PROTECTION_LOTS:
        return value <= MAX_POSITION_LOTS
    if field == FIELD_MAX_OPEN_ORDERS:
        return value <= MAX_OPEN_ORDERS
    if field == FIELD_MAX_ORDER_LOTS:
        return value <= QTY_LOTS_MAX
    if field == FIELD_RATE_PER_SECOND:
        return value <= MAX_RATE
    if field == FIELD_RATE_BURST:
        return value <= MAX_BURST
    if field == FIELD_ALLOWED_TYPES or field == FIELD_ALLOWED_TIFS:
        return value <= ALL_CHOICES
    if field == FIELD_DENIED:
        return value <= ALL_DENIALS
    return value <= 1 if field == FIELD_KILLED else True

cdef inline uint16_t do_set_account(Desk *desk, const Command *command) noexcept nogil:
    """Set one field; the first one registers the account. A new rate or burst starts with a full bucket."""
    cdef int field = command.order_type
    cdef Account *account
    if command.account == 0:
        return INVALID_ACCOUNT
    if not field_admits(field, command.qty_lots):
        return LIMIT_OUT_OF_RANGE
    account = accounts_register(desk, command.account)
    if account == NULL:
        return ACCOUNTS_FULL
    account.record.values[field - 1] = command.qty_lots
    if field == FIELD_RATE_PER_SECOND or field == FIELD_RATE_BURST:
        account.record.bucket = account_value(account, FIELD_RATE_BURST) * TOKEN
        account.record.bucket_at_ns = desk.now_ns
    if field == FIELD_POSITION_LOTS:
        account_soil(desk, account)
    desk_emit(desk, ACCOUNT_SET, 0, <uint16_t>field, command.account, 0, 0, 0, command.qty_lots, 0, 0)
    return 0
