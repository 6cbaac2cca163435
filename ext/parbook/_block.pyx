"""Memory for the events a batch answers with.

Fresh memory costs a page fault for every 64 events, more than it costs to make them. A block therefore keeps its
memory when its array is dropped and lends it to the next batch; a few are kept, of bounded size.
"""

cimport cython
from cpython.buffer cimport PyBuffer_FillInfo
from libc.stddef cimport size_t
from libc.stdlib cimport free, realloc

cdef enum:
    KEPT_BLOCKS = 4
    KEPT_BYTES = 1 << 24    # a larger block is given back at once

cdef char *kept_bytes[KEPT_BLOCKS]
cdef size_t kept_capacity[KEPT_BLOCKS]
cdef int kept = 0


@cython.final
cdef class Block:
    """Bytes under one owner, readable and writable through the buffer protocol."""

    def __dealloc__(self):
        global kept
        if self.bytes != NULL and kept < KEPT_BLOCKS and self.capacity <= KEPT_BYTES:
            kept_bytes[kept] = self.bytes
            kept_capacity[kept] = self.capacity
            kept += 1
        else:
            free(self.bytes)

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        PyBuffer_FillInfo(buffer, self, self.bytes, <Py_ssize_t>self.used, 0, flags)

    cdef int reserve(self, size_t more) noexcept nogil:
        cdef size_t capacity = self.capacity if self.capacity != 0 else 4096
        cdef char *bytes
        while capacity - self.used < more:
            capacity *= 2
        if capacity == self.capacity:
            return 0
        bytes = <char *>realloc(self.bytes, capacity)
        if bytes == NULL:
            return -1
        self.bytes = bytes
        self.capacity = capacity
        return 0


cdef Block take_block(size_t capacity):
    global kept
    cdef Block block = Block.__new__(Block)
    if kept > 0:
        kept -= 1
        block.bytes = kept_bytes[kept]
        block.capacity = kept_capacity[kept]
    if block.reserve(capacity) != 0:
        raise MemoryError("no memory for the events of a batch")
    return block
