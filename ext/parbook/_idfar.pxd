# Pages of order ids that the directory no longer spans, found by their number. The directory has 8 bytes for every 64
# ids, live or not: an order that rests through billions of later ones would let it grow without end.
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from parbook._idpages cimport FarPage, FarPages, IdIndex, PageRef, pages_age
from parbook._types cimport pb_assert, pb_highest_bit

cdef extern from *:
    """
    #if PARBOOK_CHECKED
    #define PB_NEAR_PAGES 8u
    #else
    #define PB_NEAR_PAGES (1u << 21)
    #endif
    """
    # The directory spans so many pages before the newest, and up to as many behind them: 16 to 32 MiB. The checked
    # build has far pages everywhere.
    const uint32_t NEAR_PAGES "PB_NEAR_PAGES"

cdef enum:
    FAR_FIRST = 16

cdef inline size_t far_home(const FarPages *far, uint64_t number) noexcept nogil:
    """The upper bits of a product with the golden ratio (Knuth 6.4)."""
    return <size_t>((number * <uint64_t>0x9E3779B97F4A7C15) >> far.shift)

cdef inline FarPage *far_place(const FarPages *far, uint64_t number) noexcept nogil:
    """Return where a page stands, or the free place where it would. O(1) expected. Capacity must not be 0."""
    cdef size_t at = far_home(far, number)
    while far.places[at].ref.live != 0 and far.places[at].number != number:
        at = (at + 1) & (far.capacity - 1)
    return far.places + at

cdef inline int far_reserve(FarPages *far) noexcept nogil:
    """Make room for one more page. Returns -1, with the table as it was, when there is no memory. O(1) amortised."""
    cdef FarPages bigger = far[0]
    cdef size_t i
    if (far.used + 1) * 2 <= far.capacity:
        return 0
    bigger.capacity = far.capacity * 2 if far.capacity else FAR_FIRST
    bigger.shift = 64 - <uint32_t>pb_highest_bit(bigger.capacity)
    bigger.places = <FarPage *>calloc(bigger.capacity, sizeof(FarPage))
    if bigger.places == NULL:
        return -1
    for i in range(far.capacity):
        if far.places[i].ref.live != 0:
            far_place(&bigger, far.places[i].number)[0] = far.places[i]
    free(far.places)
    far[0] = bigger
    return 0

cdef inline PageRef *far_make(FarPages *far, uint64_t number) noexcept nogil:
    """Return the entry of a page, a new one with nothing live yet. Room must have been made."""
    cdef FarPage *place = far_place(far, number)
    if place.ref.live == 0:
        place.number = number
        far.used += 1
    return &place.ref

cdef inline void far_remove(FarPages *far, FarPage *place) noexcept nogil:
    """Free the place of a page on which nothing is live any more, and close the gap. O(1) expected."""
    cdef size_t mask = far.capacity - 1
    cdef size_t gap = place - far.places
    cdef size_t at = gap
    pb_assert(place.ref.live == 0, "ids: a far page that is in use is removed")
    while True:
        at = (at + 1) & mask
        if far.places[at].ref.live == 0:
            break
        # It may move to the gap unless its home lies behind the gap.
        if ((at - far_home(far, far.places[at].number)) & mask) >= ((at - gap) & mask):
            far.places[gap] = far.places[at]
            gap = at
    far.places[gap].ref.live = 0
    far.used -= 1

cdef inline void far_move(IdIndex *ids, uint64_t newest_page) noexcept nogil:
    """Hand over pages of the directory that NEAR_PAGES are newer than, while there is memory. O(1) amortised."""
    cdef PageRef *ref
    cdef uint64_t beyond = min(<uint64_t>ids.length, newest_page - NEAR_PAGES - ids.first_page)
    # Ids that never rested came after the directory's last page: behind them even that may be far.
    pages_age(ids, beyond)
    while ids.dead < beyond:
        ref = ids.directory + ids.dead
        if ref.live != 0:
            if far_reserve(&ids.far) != 0:
                return
            far_make(&ids.far, ids.first_page + ids.dead)[0] = ref[0]
            ref.live = 0
        ids.dead += 1
