# Where the slots of the live ids of a page of 64 stand: in 64 places while the page is young, and more closely once it
# is old and few of its ids live. A book of survivors would otherwise keep 256 bytes for each.
#
#     live ids     a young page            an old one
#     0            nothing                 nothing
#     1            64 places               the directory's entry itself
#     2 to 14      64 places               a quarter of a page: which ids live, and their slots
#     15 to 64     64 places               64 places
#
# Quarters are cut from pages given up for them, so that this never needs memory that was not reserved. Whoever asks of
# a young page pays for none of this but one comparison.
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy, memmove, memset

from parbook._slab cimport Slab, slab_give, slab_take
from parbook._types cimport NIL, pb_assert, pb_lowest_bit

cdef extern from *:
    """
    #if PARBOOK_CHECKED
    #define PB_YOUNG_PAGES 2u
    #else
    #define PB_YOUNG_PAGES 8192u
    #endif
    static inline uint32_t pb_count_bits(uint64_t word) { return (uint32_t)__builtin_popcountll(word); }
    /* A call that gcc cannot see through, and so cannot inline: what is rare would cost its caller registers. */
    #define pb_apart(function, ...) ({ __typeof__(&*(function)) pb_called = (function); \
        __asm__ ("" : "+r"(pb_called)); pb_called(__VA_ARGS__); })
    #define pb_find_apart pb_apart
    #define pb_drop_apart pb_apart
    """
    # Pages behind so many newer ones are old. Most orders leave young, and their pages empty by themselves: two
    # megabytes are kept as they are. The checked build has old pages everywhere.
    const uint32_t YOUNG_PAGES "PB_YOUNG_PAGES"
    uint32_t pb_count_bits(uint64_t word) noexcept nogil

cdef enum:
    PAGES_FIRST = 4
    PAGE_IDS = 64
    PAGE_SHIFT = 6
    QUARTERS = 4
    FEW_IDS = 14
    # What `live` of an old page has on top of how many of its ids live. Up to WHOLE_MOST, but 0, `at` is a page.
    FORM_MANY = 0x80
    WHOLE_MOST = 0xFF
    FORM_FEW = 0x100        # `at` is a quarter
    FORM_ONE = 0x200        # `at` is a slot, and instead of how many stands which

cdef struct IdPage:
    uint32_t slot[PAGE_IDS]  # the first is overlaid by the slab's free list

# A quarter of a page, on a cache line of its own.
cdef struct FewIds:
    uint64_t present        # bit i: id i of the page lives; overlaid by the list of free quarters
    uint32_t slot[FEW_IDS]  # of those ids, by rising id

# How many ids of a page are live stands here and not in the page: only the line of its slot is fetched to drop an id.
cdef struct PageRef:
    uint32_t at             # the page, the quarter or the slot; of no meaning where nothing is live
    uint32_t live

cdef struct FarPage:
    uint64_t number
    PageRef ref             # nothing live: the place is free

# Pages behind the directory, by their numbers: a table with linear probing, at most half full.
cdef struct FarPages:
    FarPage *places
    size_t capacity         # a power of two, or 0
    uint32_t shift          # 64 less the bits of a position
    size_t used

# Order ids are dense, so an id finds its order by two array reads. Pages without a live id are given back; the
# directory forgets its dead beginning, and hands pages that are far behind over to a table.
cdef struct IdIndex:
    Slab pages
    PageRef *directory
    uint64_t first_page     # number of the page that directory[0] stands for
    size_t length
    size_t dead             # entries at the beginning without a live id
    size_t aged             # entries at the beginning that are old
    size_t capacity
    uint32_t free_quarter   # quarter q is part q % 4 of page q // 4 of the slab
    uint32_t free_quarters
    FarPages far

cdef extern from *:
    uint32_t pb_find_apart(
        uint32_t (*function)(const IdIndex *, uint64_t) noexcept nogil, const IdIndex *ids, uint64_t order_id
    ) noexcept nogil
    void pb_drop_apart(
        void (*function)(IdIndex *, uint64_t) noexcept nogil, IdIndex *ids, uint64_t order_id
    ) noexcept nogil

cdef inline IdPage *page_at(const IdIndex *ids, uint32_t page) noexcept nogil:
    return <IdPage *>ids.pages.items + page

cdef inline FewIds *few_at(const IdIndex *ids, uint32_t quarter) noexcept nogil:
    return <FewIds *>ids.pages.items + quarter

cdef inline uint64_t id_bit(uint32_t digit) noexcept nogil:
    return <uint64_t>1 << digit

cdef inline uint32_t few_before(const FewIds *few, uint32_t digit) noexcept nogil:
    """How many of the live ids stand before one."""
    return pb_count_bits(few.present & (id_bit(digit) - 1))

# --- quarters -------------------------------------------------------------------------------------

cdef inline void quarter_give(IdIndex *ids, uint32_t quarter) noexcept nogil:
    (<uint32_t *>few_at(ids, quarter))[0] = ids.free_quarter
    ids.free_quarter = quarter
    ids.free_quarters += 1

cdef inline void quarters_cut(IdIndex *ids, uint32_t page) noexcept nogil:
    """Let a page that was taken from the slab be four free quarters, for good."""
    cdef int part
    for part in range(QUARTERS - 1, -1, -1):
        quarter_give(ids, page * QUARTERS + part)

cdef inline uint32_t quarter_take(IdIndex *ids) noexcept nogil:
    """Return a quarter whose content is undefined; there must be a free one."""
    cdef uint32_t quarter = ids.free_quarter
    pb_assert(ids.free_quarters != 0, "ids: no quarter is free")
    ids.free_quarter = (<uint32_t *>few_at(ids, quarter))[0]
    ids.free_quarters -= 1
    return quarter

# --- old pages ------------------------------------------------------------------------------------

cdef inline void page_fold(IdIndex *ids, PageRef *ref) noexcept nogil:
    """Keep the at most FEW_IDS live ids of a page of 64 places more closely. O(PAGE_IDS), once in a page's life."""
    cdef uint32_t slots[FEW_IDS + 1]
    cdef uint32_t page = ref.at
    cdef uint32_t slot
    cdef uint32_t count = 0
    cdef int digit
    cdef uint64_t present = 0
    cdef FewIds *few
    for digit in range(PAGE_IDS):
        slot = page_at(ids, page).slot[digit]
        slots[count] = slot
        count += slot != NIL
        present |= <uint64_t>(slot != NIL) << digit
    pb_assert(count == (ref.live & ~FORM_MANY), "ids: a page is miscounted")
    if count == 1 or ids.free_quarters != 0:
        slab_give(&ids.pages, page, sizeof(IdPage))
    else:
        quarters_cut(ids, page)
    if count == 1:
        ref.at = slots[0]
        ref.live = FORM_ONE | <uint32_t>pb_lowest_bit(present)
        return
    ref.at = quarter_take(ids)
    ref.live = FORM_FEW | count
    few = few_at(ids, ref.at)
    few.present = present
    memcpy(few.slot, slots, count * sizeof(uint32_t))

cdef inline uint32_t old_find(const IdIndex *ids, const PageRef *ref, uint32_t digit) noexcept nogil:
    """Return the slot of an id of any page, or of one without live ids: NIL when it has none. O(1)."""
    cdef const FewIds *few
    if ref.live & FORM_MANY:
        return page_at(ids, ref.at).slot[digit]
    if ref.live & FORM_FEW:
        few = few_at(ids, ref.at)
        return few.slot[few_before(few, digit)] if few.present & id_bit(digit) else NIL
    return ref.at if ref.live == (FORM_ONE | digit) else NIL

cdef inline void few_drop(IdIndex *ids, PageRef *ref, uint32_t digit) noexcept nogil:
    """Forget one of several live ids of a quarter. O(FEW_IDS)."""
    cdef FewIds *few = few_at(ids, ref.at)
    cdef uint32_t at = few_before(few, digit)
    ref.live -= 1
    few.present &= ~id_bit(digit)
    memmove(few.slot + at, few.slot + at + 1, ((ref.live & ~FORM_FEW) - at) * sizeof(uint32_t))
    if ref.live == (FORM_FEW | 1):
        at = ref.at
        ref.live = FORM_ONE | <uint32_t>pb_lowest_bit(few.present)
        ref.at = few.slot[0]
        quarter_give(ids, at)

cdef inline void old_drop(IdIndex *ids, PageRef *ref, uint32_t digit) noexcept nogil:
    """Forget a live id of an old page. O(PAGE_IDS) at most."""
    if ref.live & FORM_MANY:
        page_at(ids, ref.at).slot[digit] = NIL
        ref.live -= 1
        if ref.live == (FORM_MANY | FEW_IDS):
            page_fold(ids, ref)
    elif ref.live & FORM_FEW:
        few_drop(ids, ref, digit)
    else:
        ref.live = 0

cdef inline void pages_age(IdIndex *ids, size_t count) noexcept nogil:
    """Let the directory's first `count` pages be old. O(PAGE_IDS), once for each page."""
    cdef PageRef *ref
    while ids.aged < count:
        ref = ids.directory + ids.aged
        ids.aged += 1
        if ref.live > FEW_IDS:
            ref.live |= FORM_MANY
        elif ref.live != 0:
            page_fold(ids, ref)

# --- restored states ------------------------------------------------------------------------------

cdef inline void few_insert(FewIds *few, uint32_t count, uint32_t digit, uint32_t slot) noexcept nogil:
    """Put an id among `count`, fewer than FEW_IDS."""
    cdef uint32_t at = few_before(few, digit)
    memmove(few.slot + at + 1, few.slot + at, (count - at) * sizeof(uint32_t))
    few.slot[at] = slot
    few.present |= id_bit(digit)

cdef inline void page_unfold(IdIndex *ids, PageRef *ref) noexcept nogil:
    """Let an old page of FEW_IDS have 64 places again. Room for a page must have been reserved."""
    cdef uint32_t quarter = ref.at
    cdef FewIds few = few_at(ids, quarter)[0]
    cdef int i
    ref.at = slab_take(&ids.pages, sizeof(IdPage))
    ref.live = FORM_MANY | FEW_IDS
    memset(page_at(ids, ref.at), 0xFF, sizeof(IdPage))
    for i in range(FEW_IDS):
        page_at(ids, ref.at).slot[pb_lowest_bit(few.present)] = few.slot[i]
        few.present &= few.present - 1
    quarter_give(ids, quarter)

cdef inline void old_put(IdIndex *ids, PageRef *ref, uint32_t digit, uint32_t slot) noexcept nogil:
    """File an id on an old page. Room for a page must have been reserved."""
    cdef uint32_t first
    if ref.live == 0:
        ref.at = slot
        ref.live = FORM_ONE | digit
        return
    if ref.live == (FORM_FEW | FEW_IDS):
        page_unfold(ids, ref)
    if ref.live & FORM_MANY:
        page_at(ids, ref.at).slot[digit] = slot
        ref.live += 1
        return
    if ref.live & FORM_ONE:
        first = ref.at
        if ids.free_quarters == 0:
            quarters_cut(ids, slab_take(&ids.pages, sizeof(IdPage)))
        ref.at = quarter_take(ids)
        few_at(ids, ref.at).present = id_bit(ref.live & (PAGE_IDS - 1))
        few_at(ids, ref.at).slot[0] = first
        ref.live = FORM_FEW | 1
    few_insert(few_at(ids, ref.at), ref.live & ~FORM_FEW, digit, slot)
    ref.live += 1
