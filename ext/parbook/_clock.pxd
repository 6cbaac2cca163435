# The clock on the full path, and what falls due while it moves: expiries, dead-man deadlines, anchors, in the order of
# their times. Twin of move_clock of parbook.reference.anchors.
from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t

from parbook._aggress cimport anchor_ticks
from parbook._book cimport LINE_HIDDEN_ASKS, LINE_ASKS, Book, level_at, order_at, order_front
from parbook._commands cimport queue_anchor, take_next_anchor
from parbook._desk cimport Desk, desk_emit
from parbook._ids cimport ids_find
from parbook._live cimport live_cancel, live_trade
from parbook._mass cimport deadline_passed
from parbook._phases cimport session_matches
from parbook._quotes cimport Anchor, Curve, cursor_trade, curve_compile_here, curve_liftable
from parbook._steps cimport step_finish
from parbook._timers cimport TIMER_EXPIRY, Timer
from parbook._types cimport *

cdef inline uint32_t front_ask(const Book *book) noexcept nogil:
    """The ask that trades first, displayed before hidden at one price; NIL when there is none."""
    cdef int line = LINE_ASKS
    if book.best_level[LINE_HIDDEN_ASKS] != NIL and (
        book.best_level[LINE_ASKS] == NIL or book.best_ticks[LINE_HIDDEN_ASKS] < book.best_ticks[LINE_ASKS]
    ):
        line = LINE_HIDDEN_ASKS
    return level_at(book, book.best_level[line]).head if book.best_level[line] != NIL else NIL

cdef inline void lift_asks(Desk *desk) noexcept nogil:
    """LIFT: the curve buys the asks at or below its own bid, best first, at the makers' prices. Any terms."""
    cdef int64_t lifted_lots = 0
    cdef int64_t lots, price_ticks
    cdef uint32_t slot = front_ask(&desk.book)
    while slot != NIL:
        price_ticks = order_at(&desk.book, slot).price_ticks
        lots = curve_liftable(desk.curve, price_ticks, lifted_lots)
        lots = min(lots, order_front(&desk.book, order_at(&desk.book, slot)))
        if lots == 0:
            return
        cursor_trade(desk.curve, &desk.curve.cursor, SELL, price_ticks, lots)
        live_trade(desk, slot, NIL, lots, SOURCE_LIFT)
        lifted_lots += lots
        slot = front_ask(&desk.book)

cdef inline void activate_next(Desk *desk) noexcept nogil:
    """Let the oldest proposed anchor become the active one: a step of its own."""
    take_next_anchor(desk)
    if session_matches(&desk.session):
        lift_asks(desk)
    desk.step.anchor_ticks = anchor_ticks(desk)
    step_finish(desk)

cdef inline uint16_t propose_anchor(Desk *desk, const Command *command) noexcept nogil:
    """Queue an anchor; without a delay it activates within this command."""
    cdef uint16_t code = queue_anchor(desk, command)
    while code == 0 and desk.curve.proposed != 0 and desk.curve.anchors[0].effective_at_ns <= desk.now_ns:
        activate_next(desk)
    return code

cdef inline void timer_ends(Desk *desk) noexcept nogil:
    """Do what the first timer is for; it stops it."""
    cdef Timer timer = desk.timers.heap[0]
    if timer.kind == TIMER_EXPIRY:
        live_cancel(desk, ids_find(&desk.book.ids, timer.number), REASON_EXPIRED)
    else:
        deadline_passed(desk, <uint32_t>timer.number)

cdef inline uint16_t clock_move(Desk *desk, int64_t ts_ns) noexcept nogil:
    """Move the clock before a command is looked at; what falls due happens first, at its own time.

    At one time orders expire by id, then dead-man timers end by account, then anchors activate, oldest first.
    """
    cdef uint64_t timer_ns, anchor_ns, due_ns
    if ts_ns == 0:
        return 0
    if ts_ns < desk.now_ns:
        return TIME_REVERSED
    while True:
        timer_ns = anchor_ns = ~<uint64_t>0
        if desk.timers.count != 0:
            timer_ns = desk.timers.heap[0].due_ns
        if desk.curve != NULL and desk.curve.proposed != 0:
            anchor_ns = <uint64_t>desk.curve.anchors[0].effective_at_ns
        due_ns = min(timer_ns, anchor_ns)
        if due_ns > <uint64_t>ts_ns:
            break
        desk.now_ns = max(desk.now_ns, <int64_t>due_ns)
        if timer_ns <= anchor_ns:
            timer_ends(desk)
        else:
            activate_next(desk)
    desk.now_ns = ts_ns
    return 0
