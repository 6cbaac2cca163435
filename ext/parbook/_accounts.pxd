# The books kept for accounts: what they hold, and the sums of registered ones. Twin of the bookkeeping of
# parbook.reference.accounts; what an account may do stands in _limits, what it must hold in _funds.
#
# These hooks keep each account's sums in step with its live orders, so that a limit is tested in O(1). They cost one
# look into an empty table while no account is registered and there is no money, and are not called on the plain path.
from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t

from parbook._book cimport Book, Order, Special, order_at, order_leaves, order_place, special_at
from parbook._desk cimport Desk
from parbook._funds cimport hold_lots
from parbook._identity cimport client_remove
from parbook._registry cimport Account, account_value, registry_find
from parbook._types cimport *

cdef enum:
    MAX_QUOTE_SLOTS = 16
    TOKEN = 1000000000      # one token of a rate's bucket; time refills it by elapsed nanoseconds x rate

cdef inline bint order_waits(const Book *book, const Order *order) noexcept nogil:
    """Whether an order is a stop that has not run yet."""
    cdef int place = order_place(book, order)
    return place == PLACE_ARMED or place == PLACE_ELECTED

cdef inline bint order_reduces(const Book *book, const Order *order) noexcept nogil:
    return order.special != NIL and special_at(book, order.special).reduce_only != 0

cdef inline void account_soil(Desk *desk, Account *account) noexcept nogil:
    """Have an account's reduce-only orders looked at when the step ends."""
    if account.dirty or account.reduce_tail == NIL:
        return
    account.dirty = True
    desk.accounts.dirty[desk.accounts.dirty_count] = <uint32_t>account.record.account
    desk.accounts.dirty_count += 1

cdef inline void account_lots(Desk *desk, Account *account, const Order *order, int64_t lots) noexcept nogil:
    """Add lots, which may be negative, to the sum that an order belongs to."""
    cdef bint waits = order_waits(&desk.book, order)
    account.open_lots[order.side][order_reduces(&desk.book, order)][waits] += lots
    if lots > 0 and not waits:
        account_soil(desk, account)

cdef inline void account_chain(Desk *desk, Account *account, uint32_t slot) noexcept nogil:
    """Append a new reduce-only order to its account's; ids rise, so the tail is the newest."""
    cdef Special *special = special_at(&desk.book, order_at(&desk.book, slot).special)
    special.reduce_prev = account.reduce_tail
    special.reduce_next = NIL
    if account.reduce_tail != NIL:
        special_at(&desk.book, order_at(&desk.book, account.reduce_tail).special).reduce_next = slot
    account.reduce_tail = slot

cdef inline void account_unchain(Desk *desk, Account *account, uint32_t slot) noexcept nogil:
    cdef const Special *special = special_at(&desk.book, order_at(&desk.book, slot).special)
    if special.reduce_prev != NIL:
        special_at(&desk.book, order_at(&desk.book, special.reduce_prev).special).reduce_next = special.reduce_next
    if special.reduce_next != NIL:
        special_at(&desk.book, order_at(&desk.book, special.reduce_next).special).reduce_prev = special.reduce_prev
    else:
        account.reduce_tail = special.reduce_prev

cdef inline void accounts_opened(Desk *desk, uint32_t slot) noexcept nogil:
    """An order became live, its place and its leaves set. O(1)."""
    cdef const Order *order = order_at(&desk.book, slot)
    cdef Account *account = registry_find(&desk.accounts, order.account)
    hold_lots(desk, order, order_leaves(order))
    if account == NULL:
        return
    if order_reduces(&desk.book, order):
        account_chain(desk, account, slot)
    account.open_orders += 1
    account_lots(desk, account, order, order_leaves(order))

cdef inline uint64_t quote_key(int quote_slot, int side) noexcept nogil:
    """Where a side of a quote is filed, from 1 on; `quote_slot` is 1 + the slot."""
    return <uint64_t>(2 * quote_slot - 1 + side)

cdef inline void accounts_closed(Desk *desk, uint32_t slot) noexcept nogil:
    """An order is not live any more; what it had left is not open any more. O(1)."""
    cdef const Order *order = order_at(&desk.book, slot)
    cdef Account *account = registry_find(&desk.accounts, order.account)
    hold_lots(desk, order, -order_leaves(order))
    if order.special != NIL and special_at(&desk.book, order.special).quote_slot != 0:
        client_remove(
            &desk.quotes, order.account, quote_key(special_at(&desk.book, order.special).quote_slot, order.side)
        )
    if account == NULL:
        return
    if order_reduces(&desk.book, order):
        account_unchain(desk, account, slot)
    account.open_orders -= 1
    account_lots(desk, account, order, -order_leaves(order))

cdef inline void accounts_shrunk(Desk *desk, uint32_t slot, int64_t lots) noexcept nogil:
    """A live order's total fell by `lots`; a negative number says that it grew. O(1)."""
    cdef const Order *order = order_at(&desk.book, slot)
    cdef Account *account = registry_find(&desk.accounts, order.account)
    hold_lots(desk, order, -lots)
    if account != NULL:
        account_lots(desk, account, order, -lots)

cdef inline void accounts_runs(Desk *desk, uint32_t slot) noexcept nogil:
    """An elected stop's turn has come; its place still says that it waits. O(1)."""
    cdef const Order *order = order_at(&desk.book, slot)
    cdef Account *account = registry_find(&desk.accounts, order.account)
    cdef bint reduces = order_reduces(&desk.book, order)
    if account == NULL:
        return
    account.open_lots[order.side][reduces][1] -= order_leaves(order)
    account.open_lots[order.side][reduces][0] += order_leaves(order)
    account_soil(desk, account)

cdef inline void account_count_quote_fill(Desk *desk, Account *account, int64_t lots) noexcept nogil:
    """Count the fill of a quote; when too many traded inside the window, protection fires when the step ends."""
    cdef int64_t most_lots = account_value(account, FIELD_PROTECTION_LOTS)
    if most_lots == 0 or account.record.protected or account.fired:
        return
    if (
        account.record.protection_filled_lots == 0
        or desk.now_ns - account.record.protection_since_ns > account_value(account, FIELD_PROTECTION_WINDOW_NS)
    ):
        account.record.protection_since_ns = desk.now_ns
        account.record.protection_filled_lots = 0
    account.record.protection_filled_lots += lots
    if account.record.protection_filled_lots >= most_lots:
        account.fired = True
        desk.accounts.fired[desk.accounts.fired_count] = <uint32_t>(account - desk.accounts.items)
        desk.accounts.fired_count += 1

cdef inline void accounts_moved(Desk *desk, uint32_t number, int side, int64_t lots) noexcept nogil:
    """An account bought or sold `lots`; negative lots undo it. O(1)."""
    cdef Account *account = registry_find(&desk.accounts, number)
    if account == NULL:
        return
    account.record.values[FIELD_POSITION_LOTS - 1] += lots if side == BUY else -lots
    account_soil(desk, account)

cdef inline void accounts_filled(Desk *desk, uint32_t slot, int64_t lots) noexcept nogil:
    """A live order traded `lots`, which its filled_lots include already. O(1)."""
    cdef const Order *order = order_at(&desk.book, slot)
    cdef Account *account = registry_find(&desk.accounts, order.account)
    hold_lots(desk, order, -lots)
    if account == NULL:
        return
    accounts_moved(desk, order.account, order.side, lots)
    account_lots(desk, account, order, -lots)
    if order.special != NIL and special_at(&desk.book, order.special).quote_slot != 0:
        account_count_quote_fill(desk, account, lots)
