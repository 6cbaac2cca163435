# From bytes back to a compiled market: what an exchange needs of it for its own.
from libc.stdint cimport uint64_t

from parbook._desk cimport Desk

# Fill an empty desk with a serialised state; CorruptionError when it is none, and the desk is then of no use.
cdef int restore_desk(Desk *desk, object instrument, object data) except -1

# Where an array's bytes begin, NULL for an empty one. They live as long as the array.
cdef const void *bytes_of(object records) except? NULL

# Raise what a part's flaw calls for, MemoryError for -1; return 0 when there is none.
cdef int refuse(object name, object part, int flaw, uint64_t index) except -1
