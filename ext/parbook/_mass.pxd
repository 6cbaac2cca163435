# Cancelling many orders at once: MASS_CANCEL, KILL and dead-man timers. Twin of parbook.reference.mass.
from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t

from parbook._desk cimport Desk, desk_emit
from parbook._ids cimport ids_find
from parbook._limits cimport accounts_register
from parbook._live cimport live_cancel
from parbook._phases cimport ACTION_CANCEL, session_forbids
from parbook._registry cimport Account, registry_find
from parbook._roster cimport BOTH_SIDES, Scope, note_scope
from parbook._timers cimport TIMER_DEADMAN, timers_add, timers_drop, timers_reserve
from parbook._types cimport *

cdef inline int64_t cancel_noted(Desk *desk, uint16_t reason) noexcept nogil:
    """Cancel the noted orders that are still live; return how many there were. Partners leave right after theirs."""
    cdef int64_t count = 0
    cdef uint32_t slot
    cdef size_t i
    for i in range(desk.noted.count):
        slot = ids_find(&desk.book.ids, desk.noted.ids[i])
        if slot != NIL:
            live_cancel(desk, slot, reason)
            count += 1
    return count

cdef inline void cancel_scope(Desk *desk, const Scope *scope, uint16_t reason) noexcept nogil:
    """Cancel every live order of a scope, in the order of parbook.state, and say how many. O(live orders)."""
    cdef int64_t count
    note_scope(desk, scope)
    count = cancel_noted(desk, reason)
    desk_emit(desk, MASS_CANCELLED, 0, reason, scope.account, 0, 0, 0, count, 0, 0)

cdef inline uint16_t do_mass_cancel(Desk *desk, const Command *command) noexcept nogil:
    """Cancel what lies in the scope. It is the venue's command: no account's denial stops it."""
    cdef Scope scope = Scope(command.account, command.session, command.side, False)
    cdef uint16_t code
    if command.side > BOTH_SIDES:
        return INVALID_SIDE
    if command.order_type != REASON_MASS and command.order_type != REASON_DISCONNECTED:
        return INVALID_COMBINATION
    code = session_forbids(&desk.session, ACTION_CANCEL)
    if code == 0:
        cancel_scope(desk, &scope, command.order_type)
    return code

cdef inline uint16_t do_kill(Desk *desk, const Command *command) noexcept nogil:
    """Cancel an account's orders and refuse its next ones; registers the account."""
    cdef Scope scope = Scope(command.account, 0, BOTH_SIDES, False)
    cdef Account *account
    cdef uint16_t code
    if command.account == 0:
        return INVALID_ACCOUNT
    code = session_forbids(&desk.session, ACTION_CANCEL)
    if code != 0:
        return code
    account = accounts_register(desk, command.account)
    if account == NULL:
        return ACCOUNTS_FULL
    account.record.values[FIELD_KILLED - 1] = 1
    desk_emit(desk, ACCOUNT_SET, 0, FIELD_KILLED, command.account, 0, 0, 0, 1, 0, 0)
    cancel_scope(desk, &scope, REASON_KILLED)
    return 0

cdef inline uint16_t do_deadman(Desk *desk, const Command *command) noexcept nogil:
    """Set, move or disarm an account's deadline; registers the account. It saturates where the clock ends."""
    cdef int64_t timeout_ns = command.qty_lots
    cdef Account *account
    if command.account == 0:
        return INVALID_ACCOUNT
    if timeout_ns < 0:
        return LIMIT_OUT_OF_RANGE
    account = accounts_register(desk, command.account)
    if account == NULL:
        return ACCOUNTS_FULL
    if account.timer != NIL:
        timers_drop(&desk.timers, &desk.book, &desk.accounts, account.timer)
    account.record.deadline_ns = 0
    if timeout_ns != 0:
        account.record.deadline_ns = desk.now_ns + min(timeout_ns, INT64_MAX - desk.now_ns)
        if timers_reserve(&desk.timers, 1) != 0:
            desk.broken = True
            return 0
        timers_add(
            &desk.timers, &desk.book, &desk.accounts, <uint64_t>account.record.deadline_ns, TIMER_DEADMAN,
            command.account, <uint32_t>(account - desk.accounts.items),
        )
    desk_emit(desk, DEADMAN_SET, 0, 0, command.account, 0, 0, 0, account.record.deadline_ns, 0, 0)
    return 0

cdef inline void deadline_passed(Desk *desk, uint32_t number) noexcept nogil:
    """Cancel the orders of an account that did not report in time, and disarm its timer."""
    cdef Scope scope = Scope(number, 0, BOTH_SIDES, False)
    cdef Account *account = registry_find(&desk.accounts, number)
    timers_drop(&desk.timers, &desk.book, &desk.accounts, account.timer)
    account.record.deadline_ns = 0
    cancel_scope(desk, &scope, REASON_DEADMAN)
