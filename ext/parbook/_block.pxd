# Memory for the events a batch answers with: filled without the GIL, then handed to NumPy as it stands.
from libc.stddef cimport size_t

cdef class Block:
    cdef char *bytes
    cdef size_t used
    cdef size_t capacity
    # Make room for `more` bytes. Returns -1, the block as it was, when there is no memory.
    cdef int reserve(self, size_t more) noexcept nogil

# A block with room for `capacity` bytes, reused where possible. MemoryError when there is none.
cdef Block take_block(size_t capacity)
