# Which slot a 64-bit reference stands for. References come in runs of neighbours, so 16 neighbours share a page of one
# cache line, and a table of pages is hashed by their number. Neighbouring pages stand near each other in the table.
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from parbook._slab cimport Slab, slab_clear, slab_give, slab_init, slab_reserve, slab_take
from parbook._types cimport NIL, pb_likely

cdef enum:
    REF_PAGE_SHIFT = 4
    REF_PAGE_REFS = 16
    REF_ENTRIES_FIRST = 64
    REF_PAGES_FIRST = 32
    REF_RUN_SHIFT = 2       # four neighbouring entries share a cache line; longer runs would collide whole

cdef struct RefEntry:
    uint64_t number         # reference >> REF_PAGE_SHIFT
    uint32_t page
    uint32_t live           # references in use; 0: the entry is free

cdef struct RefIndex:
    RefEntry *entries
    size_t capacity         # a power of two, or 0
    size_t used             # at most a quarter of the capacity: a search then ends after one or two entries
    Slab pages

cdef inline void refs_init(RefIndex *index) noexcept nogil:
    index.entries = NULL
    index.capacity = 0
    index.used = 0
    slab_init(&index.pages, REF_PAGE_REFS * sizeof(uint32_t))

cdef inline void refs_clear(RefIndex *index) noexcept nogil:
    free(index.entries)
    slab_clear(&index.pages)
    refs_init(index)

cdef inline uint32_t *refs_page(const RefIndex *index, const RefEntry *entry) noexcept nogil:
    return <uint32_t *>index.pages.items + <size_t>entry.page * REF_PAGE_REFS

cdef inline size_t refs_home(const RefIndex *index, uint64_t number) noexcept nogil:
    """Return where a page belongs. The multiplier is 2**64 over the golden ratio, as Knuth has it."""
    cdef uint64_t mixed = (number >> REF_RUN_SHIFT) * <uint64_t>0x9E3779B97F4A7C15
    return <size_t>((number ^ (mixed >> 32)) & (index.capacity - 1))

cdef inline RefEntry *refs_entry(const RefIndex *index, uint64_t ref) noexcept nogil:
    """Return the entry of a reference's page, NULL when there is none. O(1) expected."""
    cdef uint64_t number = ref >> REF_PAGE_SHIFT
    cdef size_t at
    cdef RefEntry *entry
    if index.capacity == 0:
        return NULL
    at = refs_home(index, number)
    while True:
        entry = &index.entries[at]
        if entry.live == 0:
            return NULL
        if pb_likely(entry.number == number):
            return entry
        at = (at + 1) & (index.capacity - 1)

cdef inline uint32_t refs_find(const RefIndex *index, uint64_t ref) noexcept nogil:
    """Return the slot of a reference, NIL when it has none. O(1) expected."""
    cdef RefEntry *entry = refs_entry(index, ref)
    return NIL if entry == NULL else refs_page(index, entry)[ref & (REF_PAGE_REFS - 1)]

cdef inline int refs_grow(RefIndex *index) noexcept nogil:
    """Double the table. Returns -1, with the index as it was, when there is no memory."""
    cdef RefEntry *old = index.entries
    cdef size_t old_capacity = index.capacity
    cdef size_t capacity = old_capacity * 2 if old_capacity else REF_ENTRIES_FIRST
    cdef RefEntry *entries = <RefEntry *>calloc(capacity, sizeof(RefEntry))
    cdef size_t i, at
    if entries == NULL:
        return -1
    index.entries = entries
    index.capacity = capacity
    for i in range(old_capacity):
        if old[i].live:
            at = refs_home(index, old[i].number)
            while entries[at].live:
                at = (at + 1) & (capacity - 1)
            entries[at] = old[i]
    free(old)
    return 0

cdef inline int refs_reserve(RefIndex *index, uint32_t refs) noexcept nogil:
    """Make room for `refs` more references. Returns -1 when there is no memory. O(1) amortised."""
    while (index.used + refs) * 4 > index.capacity:
        if refs_grow(index) != 0:
            return -1
    return slab_reserve(&index.pages, refs, REF_PAGES_FIRST)

cdef inline RefEntry *refs_make(RefIndex *index, uint64_t ref) noexcept nogil:
    """Return the entry of a reference's page, made when there is none. Room must have been reserved. O(1) expected.

    An entry made here must be given a reference, or it will not be found again.
    """
    cdef uint64_t number = ref >> REF_PAGE_SHIFT
    cdef size_t at = refs_home(index, number)
    cdef RefEntry *entry
    cdef uint32_t *page
    cdef int i
    while True:
        entry = &index.entries[at]
        if entry.live == 0:
            break
        if pb_likely(entry.number == number):
            return entry
        at = (at + 1) & (index.capacity - 1)
    entry.number = number
    entry.page = slab_take(&index.pages, REF_PAGE_REFS * sizeof(uint32_t))
    page = refs_page(index, entry)
    for i in range(REF_PAGE_REFS):
        page[i] = NIL
    index.used += 1
    return entry

cdef inline void refs_drop(RefIndex *index, RefEntry *entry, uint64_t ref) noexcept nogil:
    """Forget a reference of this entry that has a slot. An entry without any gives its place up. O(1) expected."""
    cdef size_t mask = index.capacity - 1
    cdef size_t hole, at
    refs_page(index, entry)[ref & (REF_PAGE_REFS - 1)] = NIL
    entry.live -= 1
    if entry.live:
        return
    slab_give(&index.pages, entry.page, REF_PAGE_REFS * sizeof(uint32_t))
    index.used -= 1
    hole = entry - index.entries
    at = hole
    while True:
        at = (at + 1) & mask
        if index.entries[at].live == 0:
            break
        # It may move to the hole unless its home lies behind the hole.
        if ((at - refs_home(index, index.entries[at].number)) & mask) >= ((at - hole) & mask):
            index.entries[hole] = index.entries[at]
            hole = at
    index.entries[hole].live = 0
