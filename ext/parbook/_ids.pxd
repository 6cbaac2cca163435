# Which slot an order id stands for: ids are dense, so two array reads find it. Twin of a dict in parbook.reference.
# How a page keeps its ids is in _idpages.
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport realloc
from libc.string cimport memmove, memset

from parbook._idpages cimport (
    FORM_FEW, FORM_ONE, PAGE_IDS, PAGE_SHIFT, PAGES_FIRST, QUARTER_SHIFT, QUARTERS, YOUNG_PAGES, IdIndex, IdPage,
    PageRef, few_at, old_drop, old_find, old_put, page_at, pages_age, pb_drop_apart, pb_find_apart,
)
from parbook._slab cimport slab_give, slab_init, slab_reserve, slab_take
from parbook._types cimport NIL, pb_likely, pb_prefetch, pb_unlikely

cdef inline void ids_init(IdIndex *ids) noexcept nogil:
    slab_init(&ids.pages, sizeof(IdPage))
    ids.directory = NULL
    ids.first_page = 0
    ids.length = 0
    ids.dead = 0
    ids.aged = 0
    ids.capacity = 0
    ids.free_quarter = NIL
    ids.free_quarters = 0

cdef inline int ids_reserve(IdIndex *ids, uint32_t count, uint64_t next_id) noexcept nogil:
    """Make room for `count` ids from next_id on. Returns -1 when there is no memory. O(1) amortised."""
    cdef uint64_t last_page = (next_id + count) >> PAGE_SHIFT
    cdef size_t capacity = 16 if ids.capacity == 0 else ids.capacity
    cdef PageRef *directory
    if slab_reserve(&ids.pages, count // PAGE_IDS + 2, PAGES_FIRST) != 0:
        return -1
    if pb_unlikely(ids.length > ids.aged + YOUNG_PAGES):
        pages_age(ids)
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
        ids.directory[ids.length].live = 0
        ids.length += 1
    ref = ids.directory + entry
    if ref.live == 0:
        ref.at = slab_take(&ids.pages, sizeof(IdPage))
        memset(page_at(ids, ref.at), 0xFF, sizeof(IdPage))
    page_at(ids, ref.at).slot[order_id & (PAGE_IDS - 1)] = slot
    ref.live += 1

cdef inline void ids_put_restored(IdIndex *ids, uint64_t order_id, uint32_t slot) noexcept nogil:
    """File an order of a state, in any order of ids. The directory must span them, a page must have been reserved."""
    cdef size_t entry = (order_id >> PAGE_SHIFT) - ids.first_page
    if entry < ids.aged:
        old_put(ids, ids.directory + entry, order_id & (PAGE_IDS - 1), slot)
    else:
        ids_put(ids, order_id, slot)

cdef inline uint32_t ids_find(const IdIndex *ids, uint64_t order_id) noexcept nogil:
    """Return the order's slot, NIL when no such order rests. O(1)."""
    cdef uint64_t entry = (order_id >> PAGE_SHIFT) - ids.first_page
    cdef const PageRef *ref
    if entry >= ids.length:
        return NIL
    ref = ids.directory + entry
    # One test for both: less one, a page without live ids has the greatest number.
    if pb_unlikely(ref.live - 1 >= <uint32_t>PAGE_IDS):
        return pb_find_apart(old_find, ids, entry, order_id & (PAGE_IDS - 1))
    return page_at(ids, ref.at).slot[order_id & (PAGE_IDS - 1)]

cdef inline bint ids_ask(const IdIndex *ids, uint64_t order_id) noexcept nogil:
    """Ask for the line in which an order's slot stands; return whether any id of its page is live. Changes nothing."""
    cdef uint64_t entry = (order_id >> PAGE_SHIFT) - ids.first_page
    cdef PageRef ref
    cdef uint32_t quarter
    if entry >= ids.length:
        return False
    ref = ids.directory[entry]
    quarter = ref.at * QUARTERS + <uint32_t>((order_id & (PAGE_IDS - 1)) >> QUARTER_SHIFT)
    quarter = ref.at if ref.live & FORM_FEW else 0 if ref.live & FORM_ONE else quarter
    pb_prefetch(few_at(ids, quarter))
    return ref.live != 0

cdef inline uint64_t ids_first(const IdIndex *ids, size_t entry) noexcept nogil:
    """Return the first id of a page of the directory."""
    return (ids.first_page + entry) << PAGE_SHIFT

cdef inline void ids_drop_apart(IdIndex *ids, size_t entry, uint32_t digit) noexcept nogil:
    """Forget an order of an old page, or the last of a young one. O(1) amortised: the directory is moved only when
    half of it is dead."""
    cdef PageRef *ref = ids.directory + entry
    if ref.live == 1:
        slab_give(&ids.pages, ref.at, sizeof(IdPage))
        ref.live = 0
    else:
        old_drop(ids, ref, digit)
    if ref.live != 0 or entry != ids.dead:
        return
    while ids.dead < ids.length and ids.directory[ids.dead].live == 0:
        ids.dead += 1
    if ids.dead * 2 >= ids.length:
        memmove(ids.directory, ids.directory + ids.dead, (ids.length - ids.dead) * sizeof(PageRef))
        ids.first_page += ids.dead
        ids.length -= ids.dead
        ids.aged -= min(ids.aged, ids.dead)
        ids.dead = 0

cdef inline void ids_drop(IdIndex *ids, uint64_t order_id) noexcept nogil:
    """Forget an order. O(1) amortised."""
    cdef size_t entry = (order_id >> PAGE_SHIFT) - ids.first_page
    cdef PageRef *ref = ids.directory + entry
    # One test for both: less two, a page with one live id has the greatest number.
    if pb_unlikely(ref.live - 2 > <uint32_t>(PAGE_IDS - 2)):
        pb_drop_apart(ids_drop_apart, ids, entry, order_id & (PAGE_IDS - 1))
        return
    page_at(ids, ref.at).slot[order_id & (PAGE_IDS - 1)] = NIL
    ref.live -= 1
