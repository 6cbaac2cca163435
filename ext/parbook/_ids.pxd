# Which slot an order id stands for: ids are dense, so two array reads find it. Twin of a dict in parbook.reference.
# How a page keeps its ids is in _idpages, where pages far behind the newest stand in _idfar.
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memmove, memset

from parbook._idfar cimport NEAR_PAGES, far_home, far_make, far_move, far_place, far_remove
from parbook._idpages cimport (
    FORM_FEW, PAGE_IDS, PAGE_SHIFT, PAGES_FIRST, WHOLE_MOST, YOUNG_PAGES, FarPage, IdIndex, IdPage, PageRef,
    few_at, old_drop, old_find, old_put, page_at, pages_age, pb_drop_apart, pb_find_apart,
)
from parbook._slab cimport slab_clear, slab_give, slab_init, slab_reserve, slab_take
from parbook._types cimport NIL, pb_likely, pb_prefetch, pb_unlikely

cdef extern from *:
    """
    #define PB_ASK_AGAIN 0xFFFFFFFEu
    """
    const uint32_t ASK_AGAIN "PB_ASK_AGAIN"

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
    ids.far.places = NULL
    ids.far.capacity = 0
    ids.far.shift = 0
    ids.far.used = 0

cdef inline void ids_clear(IdIndex *ids) noexcept nogil:
    slab_clear(&ids.pages)
    free(ids.directory)
    free(ids.far.places)
    ids_init(ids)

cdef inline void ids_forget_dead(IdIndex *ids) noexcept nogil:
    """Let the directory begin at its first page in use once half of it is dead, or NEAR_PAGES are. O(1) amortised."""
    while ids.dead < ids.length and ids.directory[ids.dead].live == 0:
        ids.dead += 1
    if ids.dead * 2 < ids.length and ids.dead < NEAR_PAGES:
        return
    memmove(ids.directory, ids.directory + ids.dead, (ids.length - ids.dead) * sizeof(PageRef))
    ids.first_page += ids.dead
    ids.length -= ids.dead
    ids.aged -= min(ids.aged, ids.dead)
    ids.dead = 0

cdef inline int ids_reserve(IdIndex *ids, uint32_t count, uint64_t next_id) noexcept nogil:
    """Make room for `count` ids from next_id on. Returns -1 when there is no memory. O(1) amortised."""
    cdef uint64_t last_page = (next_id + count) >> PAGE_SHIFT
    cdef size_t capacity = 16 if ids.capacity == 0 else ids.capacity
    cdef PageRef *directory
    if slab_reserve(&ids.pages, count // PAGE_IDS + 2, PAGES_FIRST) != 0:
        return -1
    if pb_unlikely(ids.length > ids.aged + YOUNG_PAGES):
        pages_age(ids, ids.length - YOUNG_PAGES)
    if pb_unlikely(ids.length != 0 and ids.first_page + ids.dead + NEAR_PAGES < next_id >> PAGE_SHIFT):
        far_move(ids, next_id >> PAGE_SHIFT)
        ids_forget_dead(ids)
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
    """File an order of a state, in any order of ids. Room for a page, and for a far one, must have been reserved; the
    directory reaches to the greatest id."""
    cdef uint64_t number = order_id >> PAGE_SHIFT
    if number < ids.first_page:
        old_put(ids, far_make(&ids.far, number), order_id & (PAGE_IDS - 1), slot)
    elif number - ids.first_page < ids.aged:
        old_put(ids, ids.directory + (number - ids.first_page), order_id & (PAGE_IDS - 1), slot)
    else:
        ids_put(ids, order_id, slot)

cdef inline uint32_t ids_find_apart(const IdIndex *ids, uint64_t order_id) noexcept nogil:
    """Return the slot of an order of an old page, of a far page, or of none."""
    cdef uint64_t entry = (order_id >> PAGE_SHIFT) - ids.first_page
    cdef const PageRef *ref
    if ids.dead <= entry < ids.length:
        ref = ids.directory + entry
    elif ids.far.used != 0:
        ref = &far_place(&ids.far, order_id >> PAGE_SHIFT).ref
    else:
        return NIL
    return old_find(ids, ref, order_id & (PAGE_IDS - 1))

cdef inline uint32_t ids_find(const IdIndex *ids, uint64_t order_id) noexcept nogil:
    """Return the order's slot, NIL when no such order rests. O(1), expected for pages that are far behind."""
    cdef uint64_t entry = (order_id >> PAGE_SHIFT) - ids.first_page
    cdef const PageRef *ref
    if pb_likely(entry < ids.length):
        ref = ids.directory + entry
        # One test for both: less one, a page without live ids has the greatest number.
        if pb_likely(ref.live - 1 < <uint32_t>WHOLE_MOST):
            return page_at(ids, ref.at).slot[order_id & (PAGE_IDS - 1)]
    return pb_find_apart(ids_find_apart, ids, order_id)

cdef inline uint32_t ids_ask(const IdIndex *ids, uint64_t order_id) noexcept nogil:
    """Ask for the line in which an order's slot stands; return what ids_asked wants, NIL when nobody can be there."""
    cdef uint64_t entry = (order_id >> PAGE_SHIFT) - ids.first_page
    cdef const PageRef *ref
    if pb_likely(entry < ids.length):
        ref = ids.directory + entry
        if pb_likely(ref.live - 1 < <uint32_t>WHOLE_MOST):
            pb_prefetch(&page_at(ids, ref.at).slot[order_id & (PAGE_IDS - 1)])
            return ref.at
        if ref.live & FORM_FEW:
            pb_prefetch(few_at(ids, ref.at))
        return ASK_AGAIN if ref.live != 0 or ids.far.used != 0 else NIL
    if ids.far.used != 0:
        pb_prefetch(ids.far.places + far_home(&ids.far, order_id >> PAGE_SHIFT))
        return ASK_AGAIN
    return NIL

cdef inline uint32_t ids_asked(const IdIndex *ids, uint64_t order_id, uint32_t asked) noexcept nogil:
    """Return the slot of an order that was asked for, with nothing changed since; NIL when no such order rests."""
    if pb_unlikely(asked == ASK_AGAIN):
        return pb_find_apart(ids_find_apart, ids, order_id)
    return page_at(ids, asked).slot[order_id & (PAGE_IDS - 1)]

cdef inline void ids_drop_apart(IdIndex *ids, uint64_t order_id) noexcept nogil:
    """Forget an order of an old or a far page, or the last of a young one. O(1) amortised."""
    cdef uint64_t entry = (order_id >> PAGE_SHIFT) - ids.first_page
    cdef PageRef *ref
    cdef FarPage *place
    if not ids.dead <= entry < ids.length:
        place = far_place(&ids.far, order_id >> PAGE_SHIFT)
        old_drop(ids, &place.ref, order_id & (PAGE_IDS - 1))
        if place.ref.live == 0:
            far_remove(&ids.far, place)
        return
    ref = ids.directory + entry
    if ref.live == 1:
        slab_give(&ids.pages, ref.at, sizeof(IdPage))
        ref.live = 0
    else:
        old_drop(ids, ref, order_id & (PAGE_IDS - 1))
    if ref.live == 0 and entry == ids.dead:
        ids_forget_dead(ids)

cdef inline void ids_drop(IdIndex *ids, uint64_t order_id) noexcept nogil:
    """Forget an order. O(1) amortised, expected for pages that are far behind."""
    cdef uint64_t entry = (order_id >> PAGE_SHIFT) - ids.first_page
    cdef PageRef *ref
    if pb_likely(entry < ids.length):
        ref = ids.directory + entry
        # One test for both: less two, a page with one live id has the greatest number.
        if pb_likely(ref.live - 2 <= <uint32_t>(PAGE_IDS - 2)):
            page_at(ids, ref.at).slot[order_id & (PAGE_IDS - 1)] = NIL
            ref.live -= 1
            return
    pb_drop_apart(ids_drop_apart, ids, order_id)

# --- walking over all pages -----------------------------------------------------------------------

cdef inline size_t ids_places(const IdIndex *ids) noexcept nogil:
    """How many places there are in which a page may stand: the directory's, which rise, and then the table's."""
    return ids.length + ids.far.capacity

cdef inline const PageRef *ids_ref(const IdIndex *ids, size_t place) noexcept nogil:
    """Return what stands in a place. Where nothing is live there, that is no page."""
    return ids.directory + place if place < ids.length else &ids.far.places[place - ids.length].ref

cdef inline uint64_t ids_first(const IdIndex *ids, size_t place) noexcept nogil:
    """Return the first id of a page."""
    cdef uint64_t number = ids.first_page + place
    return (number if place < ids.length else ids.far.places[place - ids.length].number) << PAGE_SHIFT
