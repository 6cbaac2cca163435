# What follows a step for registered accounts: market-maker protection, and reduce-only orders that must shrink.
# Twin of protect and trim_reduce_only of parbook.reference.accounts.
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport qsort

from parbook._accounts cimport MAX_QUOTE_SLOTS, order_waits, quote_key
from parbook._book cimport Book, Order, Special, order_at, order_leaves, special_at
from parbook._desk cimport Desk, desk_emit
from parbook._identity cimport client_find
from parbook._limits cimport closable_lots
from parbook._live cimport emit_amended, live_cancel, live_shrink
from parbook._registry cimport Account, registry_find
from parbook._types cimport *

cdef inline bint queued_before(const Book *book, uint32_t slot, uint32_t other) noexcept nogil:
    """Whether a displayed order comes before another in the order of parbook.state. O(queue) at one price."""
    cdef const Order *a = order_at(book, slot)
    cdef const Order *b = order_at(book, other)
    if a.side != b.side:
        return a.side < b.side
    if a.price_ticks != b.price_ticks:
        return a.price_ticks > b.price_ticks if a.side == BUY else a.price_ticks < b.price_ticks
    while slot != NIL and slot != other:
        slot = order_at(book, slot).next
    return slot == other

cdef inline void cancel_quotes(Desk *desk, uint32_t number) noexcept nogil:
    """Cancel every quote of an account, in the order of parbook.state. None of them has an OCO partner."""
    cdef uint32_t slots[2 * MAX_QUOTE_SLOTS]
    cdef int count = 0
    cdef int key, at
    cdef uint32_t slot
    for key in range(1, 2 * MAX_QUOTE_SLOTS + 1):
        slot = client_find(&desk.quotes, number, <uint64_t>key)
        if slot == NIL:
            continue
        at = count
        while at != 0 and queued_before(&desk.book, slot, slots[at - 1]):
            slots[at] = slots[at - 1]
            at -= 1
        slots[at] = slot
        count += 1
    for at in range(count):
        live_cancel(desk, slots[at], REASON_PROTECTION)

cdef inline void accounts_protect(Desk *desk) noexcept nogil:
    """Pull the quotes of the accounts whose protection fires, in the order of the trades that did it."""
    cdef Account *account
    cdef uint32_t number, i
    for i in range(desk.accounts.fired_count):
        account = &desk.accounts.items[desk.accounts.fired[i]]
        number = <uint32_t>account.record.account
        account.fired = False
        account.record.protected = 1
        desk_emit(desk, PROTECTED, 0, 0, number, 0, 0, 0, account.record.protection_filled_lots, 0, 0)
        cancel_quotes(desk, number)
    desk.accounts.fired_count = 0

cdef inline uint32_t older_reduce_only(Desk *desk, uint32_t slot) noexcept nogil:
    """The next older reduce-only order of the account that stays when this one and its OCO partner leave."""
    cdef const Special *special = special_at(&desk.book, order_at(&desk.book, slot).special)
    cdef uint32_t older = special.reduce_prev
    if older != NIL and order_at(&desk.book, older).order_id == special.oco_order_id:
        older = special_at(&desk.book, order_at(&desk.book, older).special).reduce_prev
    return older

cdef inline void trim_side(Desk *desk, Account *account, int side) noexcept nogil:
    """Shrink a side's reduce-only orders that rest, newest first, until they fit. O(reduce-only orders)."""
    cdef int128_t missing_lots = -closable_lots(account, side)
    cdef uint32_t slot = account.reduce_tail
    cdef uint32_t older
    cdef int64_t excess_lots
    cdef Order *order
    if missing_lots <= 0:
        return
    excess_lots = <int64_t>missing_lots if missing_lots < INT64_MAX else INT64_MAX
    while slot != NIL and excess_lots > 0:
        order = order_at(&desk.book, slot)
        older = older_reduce_only(desk, slot)
        if order.side != side or order_waits(&desk.book, order):
            # It stays, and so does its partner.
            older = special_at(&desk.book, order.special).reduce_prev
        elif order_leaves(order) <= excess_lots:
            excess_lots -= order_leaves(order)
            live_cancel(desk, slot, REASON_REDUCE_ONLY)
        else:
            live_shrink(desk, slot, excess_lots)
            emit_amended(desk, PRIORITY_KEPT, order, order_leaves(order))
            excess_lots = 0
        slot = older

cdef inline int number_order(const void *a, const void *b) noexcept nogil:
    cdef uint32_t left = (<const uint32_t *>a)[0]
    cdef uint32_t right = (<const uint32_t *>b)[0]
    return (left > right) - (left < right)

cdef inline void accounts_trim(Desk *desk) noexcept nogil:
    """Shrink reduce-only orders, newest first, until nothing that rests could turn a position round.

    Only accounts of which something has changed since the last step are looked at, by number.
    """
    cdef uint32_t count = desk.accounts.dirty_count
    cdef Account *account
    cdef uint32_t i
    if count == 0:
        return
    qsort(desk.accounts.dirty, count, sizeof(uint32_t), &number_order)
    for i in range(count):
        account = registry_find(&desk.accounts, desk.accounts.dirty[i])
        trim_side(desk, account, BUY)
        trim_side(desk, account, SELL)
        account.dirty = False
    desk.accounts.dirty_count = 0
