# Memory that begins at a cache line, so that an item of one line is one line to fetch: what malloc returns lies across
# two, for its own words come first. May grow in place as realloc lets it, which aligned_alloc cannot.
from libc.stddef cimport size_t
from libc.stdint cimport uintptr_t
from libc.stdlib cimport free, realloc
from libc.string cimport memmove

cdef enum:
    LINE_BYTES = 64

cdef inline void lines_free(void *items) noexcept nogil:
    """Give back what lines_grow returned, or NULL."""
    if items != NULL:
        free((<void **>items - 1)[0])

cdef inline void *lines_grow(void *items, size_t bytes, size_t larger) noexcept nogil:
    """Return memory of `larger` bytes that begins with the `bytes` of the old; NULL, the old untouched, without any.

    The block as realloc knows it stands in the word before the first line.
    """
    cdef char *block = NULL
    cdef char *moved
    cdef char *first
    cdef size_t offset = 0
    if items != NULL:
        block = <char *>(<void **>items - 1)[0]
        offset = <char *>items - block
    moved = <char *>realloc(block, larger + LINE_BYTES)
    if moved == NULL:
        return NULL
    # malloc's blocks begin at multiples of 16, so at least that much lies before the line.
    first = <char *>((<uintptr_t>moved + LINE_BYTES) & ~<uintptr_t>(LINE_BYTES - 1))
    if <size_t>(first - moved) != offset and bytes != 0:
        memmove(first, moved + offset, bytes)
    (<void **>first - 1)[0] = moved
    return first
