# Invariants of accounts, timers, quotes, session and window. Behind Market.check(), after those of _audit.
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from parbook._accounts cimport MAX_QUOTE_SLOTS, TOKEN, order_reduces, order_waits, quote_key
from parbook._book cimport Book, Order, Special, order_at, order_leaves, special_at
from parbook._desk cimport Desk
from parbook._identity cimport client_find
from parbook._idpages cimport PAGE_IDS
from parbook._ids cimport ids_find, ids_first, ids_places, ids_ref
from parbook._limits cimport closable_lots
from parbook._phases cimport session_indicates, session_matches
from parbook._registry cimport Account, account_value, registry_find
from parbook._timers cimport TIMER_DEADMAN, TIMER_EXPIRY, Timer, timer_before
from parbook._types cimport *
from parbook._window cimport window_at

# What the live orders of one account add up to.
cdef struct Sums:
    int64_t open_lots[2][2][2]
    int64_t open_orders
    uint32_t reduce_only

# What the walk over all live orders has counted besides.
cdef struct VenueTally:
    uint64_t quotes
    uint32_t expiring

cdef inline const char *audit_terms(const Desk *desk, uint32_t slot, VenueTally *tally) noexcept nogil:
    """Test one special order's timer and its place among the quotes."""
    cdef const Order *order = order_at(&desk.book, slot)
    cdef const Special *special = special_at(&desk.book, order.special)
    cdef const Timer *timer
    if special.quote_slot != 0:
        tally.quotes += 1
        if special.quote_slot > MAX_QUOTE_SLOTS:
            return b"quotes: an order stands in a slot that does not exist"
        if client_find(&desk.quotes, order.account, quote_key(special.quote_slot, order.side)) != slot:
            return b"quotes: an order is not found by its slot"
    if (special.timer != NIL) != (special.tif == GTD):
        return b"timers: an order that expires has none, or another has one"
    if special.timer == NIL:
        return NULL
    tally.expiring += 1
    if special.timer >= desk.timers.count:
        return b"timers: an order's position is beyond the heap"
    timer = &desk.timers.heap[special.timer]
    if (
        timer.kind != TIMER_EXPIRY
        or timer.number != order.order_id
        or timer.owner != order.special
        or timer.due_ns != <uint64_t>special.expire_ns + 1
    ):
        return b"timers: an order's timer is another's"
    return NULL

cdef inline const char *audit_live(const Desk *desk, Sums *sums, VenueTally *tally) noexcept nogil:
    """Walk all live orders by id and add them up by account."""
    cdef const Book *book = &desk.book
    cdef const Account *account
    cdef const Order *order
    cdef const char *broken
    cdef Sums *sum
    cdef uint32_t slot
    cdef size_t entry
    cdef int i
    for entry in range(ids_places(&book.ids)):
        if ids_ref(&book.ids, entry).live == 0:
            continue
        for i in range(PAGE_IDS):
            slot = ids_find(&book.ids, ids_first(&book.ids, entry) + i)
            if slot == NIL:
                continue
            order = order_at(book, slot)
            if order.special != NIL:
                broken = audit_terms(desk, slot, tally)
                if broken != NULL:
                    return broken
            account = registry_find(&desk.accounts, order.account)
            if account == NULL:
                if order_reduces(book, order):
                    return b"accounts: a reduce-only order of an unknown account"
                continue
            sum = sums + (account - desk.accounts.items)
            sum.open_orders += 1
            sum.open_lots[order.side][order_reduces(book, order)][order_waits(book, order)] += order_leaves(order)
            sum.reduce_only += order_reduces(book, order)
    return NULL

cdef inline const char *audit_reduce_only(const Desk *desk, const Account *account, uint32_t count) noexcept nogil:
    """Walk an account's reduce-only orders, newest first."""
    cdef const Book *book = &desk.book
    cdef const Special *special
    cdef uint32_t slot = account.reduce_tail
    cdef uint32_t newer = NIL
    cdef uint32_t walked = 0
    while slot != NIL:
        if order_at(book, slot).account != account.record.account or not order_reduces(book, order_at(book, slot)):
            return b"accounts: a chain of reduce-only orders holds another order"
        if newer != NIL and order_at(book, newer).order_id <= order_at(book, slot).order_id:
            return b"accounts: reduce-only orders are not in the order of their ids"
        special = special_at(book, order_at(book, slot).special)
        if special.reduce_next != newer:
            return b"accounts: a chain of reduce-only orders is broken"
        newer = slot
        walked += 1
        slot = special.reduce_prev
    if walked != count:
        return b"accounts: reduce-only orders are miscounted"
    return NULL

cdef inline const char *audit_account(const Desk *desk, uint32_t place, const Sums *sum) noexcept nogil:
    """Test one account against the sums of its live orders."""
    cdef const Account *account = &desk.accounts.items[place]
    cdef const Timer *timer
    cdef int i
    if registry_find(&desk.accounts, <uint32_t>account.record.account) != account:
        return b"accounts: one is not found by its number"
    for i in range(8):
        if account.open_lots[i >> 2][(i >> 1) & 1][i & 1] != sum.open_lots[i >> 2][(i >> 1) & 1][i & 1]:
            return b"accounts: open lots are not the sum of the live orders"
    if account.open_orders != sum.open_orders:
        return b"accounts: live orders are miscounted"
    for i in range(2):
        if not account.dirty and account.open_lots[i][1][0] != 0 and closable_lots(account, i) < 0:
            return b"accounts: reduce-only orders could turn a position round, and nothing will look at them"
    if account.record.bucket < 0 or account.record.bucket > account_value(account, FIELD_RATE_BURST) * TOKEN:
        return b"accounts: a bucket holds more than it can"
    if (account.record.deadline_ns != 0) != (account.timer != NIL):
        return b"timers: an armed account has none, or another has one"
    if account.timer != NIL:
        timer = &desk.timers.heap[account.timer]
        if (
            account.timer >= desk.timers.count
            or timer.kind != TIMER_DEADMAN
            or timer.number != account.record.account
            or timer.owner != place
            or timer.due_ns != <uint64_t>account.record.deadline_ns
        ):
            return b"timers: an account's timer is another's"
    return audit_reduce_only(desk, account, sum.reduce_only)

cdef inline const char *audit_timers(const Desk *desk, const VenueTally *tally) noexcept nogil:
    cdef uint32_t armed = 0
    cdef uint32_t i
    for i in range(desk.timers.count):
        armed += desk.timers.heap[i].kind == TIMER_DEADMAN
        if i != 0 and not timer_before(&desk.timers.heap[(i - 1) >> 1], &desk.timers.heap[i]):
            return b"timers: the heap is out of order"
    for i in range(desk.accounts.count):
        armed -= desk.accounts.items[i].timer != NIL
    if armed != 0 or desk.timers.count < tally.expiring:
        return b"timers: some belong to nobody"
    return NULL

cdef inline const char *audit_sums(const Desk *desk, Sums *sums) noexcept nogil:
    """Test all that the live orders say about accounts, timers and quotes. `sums` begin as zeros."""
    cdef VenueTally tally = VenueTally(0, 0)
    cdef const char *broken = audit_live(desk, sums, &tally)
    cdef uint32_t i
    if broken != NULL:
        return broken
    for i in range(desk.accounts.count):
        broken = audit_account(desk, i, sums + i)
        if broken != NULL:
            return broken
    if tally.quotes != desk.quotes.used:
        return b"quotes: some are filed that do not stand"
    return audit_timers(desk, &tally)

cdef inline const char *audit_venue(const Desk *desk) noexcept nogil:
    """Return what is broken, NULL when nothing is. O(state)."""
    cdef Sums *sums = <Sums *>calloc(desk.accounts.count + 1, sizeof(Sums))
    cdef const char *broken
    cdef uint32_t dirty = 0
    cdef uint64_t i
    if sums == NULL:
        return b"check: no memory to add up accounts"
    broken = audit_sums(desk, sums)
    free(sums)
    if broken != NULL:
        return broken
    for i in range(desk.accounts.count):
        dirty += desk.accounts.items[i].dirty
    # A triggered stop that was cancelled ends no step: what it left to be looked at waits for the next one.
    if desk.accounts.dirty_count != dirty or desk.accounts.fired_count != 0:
        return b"accounts: what follows a step is miscounted"
    if (desk.accounts.count != 0) != ((desk.watch & WATCH_ACCOUNTS) != 0):
        return b"accounts: the plain path does not know of them"
    if session_matches(&desk.session) != ((desk.watch & WATCH_STATE) == 0):
        return b"session: the plain path does not know its state"
    if not session_indicates(&desk.session) and desk.session.indicated.price_ticks != 0:
        return b"session: an indication outlived its state"
    if desk.window.count > desk.window.window:
        return b"window: too many trades"
    for i in range(1, desk.window.count):
        if window_at(&desk.window, i - 1).seq >= window_at(&desk.window, i).seq:
            return b"window: trades are out of order"
    return NULL
