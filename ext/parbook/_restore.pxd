# From bytes back to a compiled market: what an exchange needs of it for its own.
from parbook._desk cimport Desk

# Fill an empty desk with a serialised state; CorruptionError when it is none, and the desk is then of no use.
cdef int restore_desk(Desk *desk, object instrument, object data) except -1
