# Arrays of equal items that are taken and given back by 32-bit slot; they grow, never shrink, and never move
# an item to another slot. Growth happens only in slab_reserve, so that a command, once begun, cannot run out.
from libc.stdint cimport uint32_t

from parbook._lines cimport lines_free, lines_grow
from parbook._types cimport NIL, pb_assert, pb_likely, pb_prefetch

cdef struct Slab:
    char *items
    size_t item_bytes
    uint32_t used           # slots ever handed out
    uint32_t capacity
    uint32_t free_head      # a free item's first four bytes name the next one
    uint32_t free_count

cdef inline void slab_init(Slab *slab, size_t item_bytes) noexcept nogil:
    slab.items = NULL
    slab.item_bytes = item_bytes
    slab.used = 0
    slab.capacity = 0
    slab.free_head = NIL
    slab.free_count = 0

cdef inline void slab_clear(Slab *slab) noexcept nogil:
    lines_free(slab.items)
    slab_init(slab, slab.item_bytes)

cdef inline int slab_grow(Slab *slab, uint32_t first_capacity) noexcept nogil:
    """Double the capacity. Returns -1, with the slab as it was, when there is no memory or no slot left."""
    cdef size_t capacity = first_capacity if slab.capacity == 0 else <size_t>slab.capacity * 2
    cdef char *items
    if capacity >= NIL:
        return -1
    items = <char *>lines_grow(slab.items, slab.used * slab.item_bytes, capacity * slab.item_bytes)
    if items == NULL:
        return -1
    slab.items = items
    slab.capacity = <uint32_t>capacity
    return 0

cdef inline bint slab_has(const Slab *slab, uint32_t items) noexcept nogil:
    """Whether there is room for `items` more."""
    return slab.free_count + (slab.capacity - slab.used) >= items

cdef inline int slab_reserve(Slab *slab, uint32_t items, uint32_t first_capacity) noexcept nogil:
    """Make room for `items` more. Returns -1 when that is impossible. O(1) amortised."""
    while not slab_has(slab, items):
        if slab_grow(slab, first_capacity) != 0:
            return -1
    return 0

cdef inline uint32_t slab_take(Slab *slab, size_t item_bytes) noexcept nogil:
    """Return a slot whose content is undefined. Room must have been reserved. O(1).

    The size, which the slab knows too, is a constant where the call stands: the slot is found by shifts.
    """
    cdef uint32_t slot = slab.free_head
    pb_assert(item_bytes == slab.item_bytes, "slab: an item of another size")
    if pb_likely(slot != NIL):
        slab.free_head = (<uint32_t *>(slab.items + slot * item_bytes))[0]
        slab.free_count -= 1
        # The next to be taken may have lain free for long. Of an empty list this asks for what is nowhere, harmlessly.
        pb_prefetch(slab.items + slab.free_head * item_bytes)
        return slot
    pb_assert(slab.used < slab.capacity, "slab: take without reserve")
    slot = slab.used
    slab.used += 1
    return slot

cdef inline void slab_give(Slab *slab, uint32_t slot, size_t item_bytes) noexcept nogil:
    """Return a slot of a slab whose items have that size. O(1)."""
    pb_assert(item_bytes == slab.item_bytes, "slab: an item of another size")
    (<uint32_t *>(slab.items + slot * item_bytes))[0] = slab.free_head
    slab.free_head = slot
    slab.free_count += 1
