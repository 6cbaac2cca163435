# What the exchange shares with the module that restores one.
from cpython.object cimport PyObject
from libc.stdint cimport uint32_t, uint64_t

from parbook._calls cimport Placed
from parbook._desk cimport Desk
from parbook._market cimport Gate
from parbook._types cimport Command
from parbook._venue cimport Venue

cdef class Exchange:
    cdef Venue venue
    cdef Gate gate
    cdef PyObject *placed   # the last answer, or NULL: see placed_again
    cdef list _assets
    cdef list _listings
    cdef list _markets
    cdef set _names
    cdef set _symbols
    cdef int _idle(self) except -1
    cdef int _enter(self) except -1
    cdef int _refuse_broken(self) except -1
    cdef int _leave(self, int result) except -1
    cdef Desk *_step(self, const Command *command, uint64_t *first, uint64_t *own) except? NULL
    cdef Placed _place(self, const Command *command)
    cdef uint32_t _asset(self, object asset) except? 0xFFFFFFFF
    cdef object _ledger_parts(self)
    cdef object _session_parts(self)
