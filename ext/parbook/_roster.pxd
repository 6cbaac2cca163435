# Which live orders a command is about: noted first, in the order of parbook.state, because what is done to one may
# take others with it.
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from parbook._book cimport (
    CHAIN_CALL_BUYS, CHAIN_CALL_SELLS, CHAIN_ELECTED, LINES, Book, Order, Special, book_next_level, level_at, order_at,
    order_place, special_at,
)
from parbook._desk cimport Desk, desk_room
from parbook._types cimport DAY, NIL, PLACE_PARKED

cdef enum:
    BOTH_SIDES = 2

# Live orders of `account` (0: any), `session` (0: any) and `side` (BOTH_SIDES: either), perhaps only those for the day.
cdef struct Scope:
    uint32_t account
    uint16_t session
    uint8_t side
    bint day_only

cdef inline bint scope_has(const Scope *scope, const Book *book, const Order *order) noexcept nogil:
    """Whether an order lies inside a scope."""
    if scope.account != 0 and order.account != scope.account:
        return False
    if scope.session != 0 and order.session != scope.session:
        return False
    if scope.side != BOTH_SIDES and order.side != scope.side:
        return False
    return not scope.day_only or (order.special != NIL and special_at(book, order.special).tif == DAY)

cdef inline void note_order(Desk *desk, uint64_t order_id) noexcept nogil:
    """Note one order. Without memory the desk is broken."""
    if desk_room(
        desk, <void **>&desk.noted.ids, &desk.noted.capacity, desk.noted.count, sizeof(uint64_t)
    ) == 0:
        desk.noted.ids[desk.noted.count] = order_id
        desk.noted.count += 1

cdef inline void note_queue(Desk *desk, const Scope *scope, uint32_t slot) noexcept nogil:
    """Note the orders of the scope from `slot` to the end of its queue or chain."""
    cdef const Order *order
    while slot != NIL:
        order = order_at(&desk.book, slot)
        if scope_has(scope, &desk.book, order):
            note_order(desk, order.order_id)
        slot = order.next

cdef inline void note_scope(Desk *desk, const Scope *scope) noexcept nogil:
    """Note every live order of the scope, in the order of parbook.state. O(live orders)."""
    cdef const Book *book = &desk.book
    cdef const Order *order
    cdef uint32_t level_slot, i
    cdef int line
    desk.noted.count = 0
    for line in range(LINES):
        level_slot = book.best_level[line]
        while level_slot != NIL:
            note_queue(desk, scope, level_at(book, level_slot).head)
            level_slot = book_next_level(book, line, level_slot)
    note_queue(desk, scope, book.chains[CHAIN_ELECTED].head)
    for i in range(book.pegs.count):
        order = order_at(book, book.pegs.slots[i])
        if order_place(book, order) == PLACE_PARKED and scope_has(scope, book, order):
            note_order(desk, order.order_id)
    note_queue(desk, scope, book.chains[CHAIN_CALL_BUYS].head)
    note_queue(desk, scope, book.chains[CHAIN_CALL_SELLS].head)
