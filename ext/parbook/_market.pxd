# What a market shares with the exchange it may belong to: its desk, and its way to run commands.
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint64_t

from parbook._block cimport Block
from parbook._calls cimport Placed
from parbook._curve cimport CurveParams
from parbook._desk cimport Desk
from parbook._quotes cimport Curve
from parbook._types cimport Command

# Whether somebody is inside an exchange. Its markets hold it rather than the exchange: no cycle keeps either alive.
cdef class Gate:
    cdef bint entered

cdef class Market:
    cdef Desk desk
    cdef bint entered
    cdef readonly object instrument
    cdef Gate gate              # of the exchange whose market this is, or None
    cdef PyObject *placed       # the last answer, or NULL: see placed_again
    cdef int _enter(self) except -1
    cdef int _idle(self) except -1
    cdef int _leave(self, int result) except -1
    cdef int _copy_events(self, Block block, uint64_t first) noexcept nogil
    cdef object _events_from(self, uint64_t first)
    cdef int _run_batch(self, const Command *commands, int64_t count, Block block) noexcept nogil
    cdef int _run_one(self, const Command *command) except -1
    cdef Placed _sum_up(self, const Command *command)
    cdef object _state_header(self)
    cdef object _state_bytes(self)

# _dispatch, compiled once. A command of an exchange is prepared (time that passed elsewhere, leftovers) and then run.
cdef int64_t market_run(Desk *desk, const Command *commands, int64_t count, bint prepared) noexcept nogil
cdef int64_t market_plain(Desk *desk, const Command *command) noexcept nogil
cdef void market_catch_up(Desk *desk, int64_t now_ns) noexcept nogil
cdef void market_prepare(Desk *desk, int64_t now_ns) noexcept nogil
cdef int64_t market_step(
    Desk *desk, int64_t now_ns, const Command *commands, int64_t count, uint64_t *own_seq
) noexcept nogil
cdef void market_pass_time(Desk *desk, int64_t now_ns) noexcept nogil
cdef void market_set_curve(Desk *desk, const CurveParams *params, Curve *spare) noexcept nogil
