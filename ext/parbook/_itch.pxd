# What compiled code sees of the decoder: it may ask for a few records at a time.
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from parbook._log cimport LogRecord

cdef enum:
    LOCATES = 65536

cdef class ItchDecoder:
    cdef uint64_t stock_of[LOCATES]
    cdef uint32_t index_of[LOCATES]
    cdef uint64_t names[LOCATES]
    cdef uint32_t name_count
    cdef int framing
    cdef int32_t only_locate
    cdef int64_t last_ns
    cdef readonly uint64_t messages
    cdef readonly uint64_t place

    # Decode until `room` records are there, the bytes end, or one is wrong: the Fault. With as many records as there
    # was room for, there may be more. Not `whole`: time, match and place of a record may be anything.
    cdef int decode_some(
        self, const uint8_t *block, Py_ssize_t size, LogRecord *out, Py_ssize_t room, Py_ssize_t *consumed,
        Py_ssize_t *count, bint whole
    ) noexcept nogil
    cdef Py_ssize_t _exactly(
        self, const uint8_t *p, Py_ssize_t size, LogRecord *r, Py_ssize_t *count, int *fault
    ) noexcept nogil
    cdef int _stock(self, const uint8_t *m, uint8_t stock_at, uint16_t locate) noexcept nogil
    cdef int _frame(self, uint16_t prefix, uint8_t need) noexcept nogil
    cdef int _name(self, uint16_t locate, uint64_t stock) noexcept nogil
