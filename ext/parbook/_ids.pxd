# Which slot an order id stands for: ids are dense, so two array reads find it. Twin of a dict in parbook.reference.
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport realloc
from libc.string cimport memmove, memset

from parbook._slab cimport Slab, slab_give, slab_init, slab_reserve, slab_take
from parbook._types cimport NIL, pb_likely

cdef enum:
    PAGES_FIRST = 4
    PAGE_IDS = 64
    PAGE_SHIFT = 6

cdef struct IdPage:
    uint32_t slot[PAGE_IDS]  # the first is overlaid by the slab's free list

# How many ids of a page are live stands here and not in the page: only the line of its slot is fetched to drop an id.
cdef struct PageRef:
    uint32_t page           # NIL for none
    uint32_t live

# Order ids are dense, so an id finds its order by two array reads. Pages without a live id are given back, and the
# directory forgets its dead beginning.
cdef struct IdIndex:
    Slab pages
    PageRef *directory
    uint64_t first_page     # number of the page that directory[0] stands for
    size_t length
    size_t dead             # entries at the beginning without a page
    size_t capacity

cdef inline IdPage *page_at(const IdIndex *ids, uint32_t slot) noexcept nogil:
    return <IdPage *>ids.pages.items + slot

cdef inline void ids_init(IdIndex *ids) noexcept nogil:
    slab_init(&ids.pages, sizeof(IdPage))
    ids.directory = NULL
    ids.first_page = 0
    ids.length = 0
    ids.dead = 0
    ids.capacity = 0

cdef inline int ids_reserve(IdIndex *ids, uint32_t count, uint64_t next_id) noexcept nogil:
    """Make room for `count` ids from next_id on. Returns -1 when there is no memory. O(1) amortised."""
    cdef uint64_t last_page = (next_id + count) >> PAGE_SHIFT
    cdef size_t capacity = 16 if ids.capacity == 0 else ids.capacity
    cdef PageRef *directory
    if slab_reserve(&ids.pages, count // PAGE_IDS + 2, PAGES_FIRST) != 0:
        return -1
    if ids.length == 0:
        ids.first_page = next_id >> PAGE_SHIFT
    while last_page - ids.first_page >= capacity:
        capacity *= 2
    if capacity == ids.capacity:
        return 0
    directory = <PageRef *>realloc(ids.directory, capacity * sizeof(PageRef))
    if directory == NULL:
        return -1
    ids.directory = directory
    ids.capacity = capacity
    return 0

cdef inline void ids_put(IdIndex *ids, uint64_t order_id, uint32_t slot) noexcept nogil:
    """File a new order. Ids come in rising order; room must have been reserved. O(1) amortised."""
    cdef size_t entry
    cdef PageRef *ref
    if ids.length == 0:
        # This very command may have filled the last order that rested and emptied the directory.
        ids.first_page = order_id >> PAGE_SHIFT
    entry = (order_id >> PAGE_SHIFT) - ids.first_page
    while ids.length <= entry:
        ids.directory[ids.length].page = NIL
        ids.length += 1
    ref = ids.directory + entry
    if ref.page == NIL:
        ref.page = slab_take(&ids.pages, sizeof(IdPage))
        ref.live = 0
        memset(page_at(ids, ref.page), 0xFF, sizeof(IdPage))
    page_at(ids, ref.page).slot[order_id & (PAGE_IDS - 1)] = slot
    ref.live += 1

cdef inline uint32_t ids_find(const IdIndex *ids, uint64_t order_id) noexcept nogil:
    """Return the order's slot, NIL when no such order rests. O(1)."""
    cdef uint64_t entry = (order_id >> PAGE_SHIFT) - ids.first_page
    if entry >= ids.length or ids.directory[entry].page == NIL:
        return NIL
    return page_at(ids, ids.directory[entry].page).slot[order_id & (PAGE_IDS - 1)]

cdef inline void ids_drop(IdIndex *ids, uint64_t order_id) noexcept nogil:
    """Forget an order. O(1) amortised: the directory is moved only when half of it is dead."""
    cdef size_t entry = (order_id >> PAGE_SHIFT) - ids.first_page
    cdef PageRef *ref = ids.directory + entry
    page_at(ids, ref.page).slot[order_id & (PAGE_IDS - 1)] = NIL
    ref.live -= 1
    if pb_likely(ref.live != 0):
        return
    slab_give(&ids.pages, ref.page, sizeof(IdPage))
    ref.page = NIL
    if entry != ids.dead:
        return
    while ids.dead < ids.length and ids.directory[ids.dead].page == NIL:
        ids.dead += 1
    if ids.dead * 2 >= ids.length:
        memmove(ids.directory, ids.directory + ids.dead, (ids.length - ids.dead) * sizeof(PageRef))
        ids.first_page += ids.dead
        ids.length -= ids.dead
        ids.dead = 0
