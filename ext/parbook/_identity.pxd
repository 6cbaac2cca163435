# Client ids: unique per account among live orders and the most recently dead. Twin of parbook.reference.identity.
#
# An open-addressed table (linear probing, deletion by shifting back) from (account, client id) to the order's slot,
# or to DEAD while the pair waits in the window.
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc

from parbook._types cimport NIL, pb_assert, pb_highest_bit

cdef enum:
    ENTRIES_FIRST = 64
    CAPACITY_SPARSE = 32768     # half a megabyte

cdef extern from *:
    """
    #define PB_DEAD 0xFFFFFFFEu
    """
    const uint32_t DEAD "PB_DEAD"

cdef struct Entry:
    uint64_t client_id      # 0: the entry is free
    uint32_t account
    uint32_t slot

cdef struct DeadId:
    uint64_t account
    uint64_t client_id

cdef struct ClientIds:
    Entry *entries
    uint64_t capacity       # a power of two; client_ids_limit says how much of it is used
    uint32_t shift          # 64 less the bits of a position
    uint64_t used
    uint64_t window
    DeadId *dead            # a ring; grows up to the window
    uint64_t dead_capacity
    uint64_t dead_first
    uint64_t dead_count

cdef inline void client_ids_init(ClientIds *ids, uint64_t window) noexcept nogil:
    ids.entries = NULL
    ids.capacity = 0
    ids.shift = 0
    ids.used = 0
    ids.window = window
    ids.dead = NULL
    ids.dead_capacity = 0
    ids.dead_first = 0
    ids.dead_count = 0

cdef inline void client_ids_clear(ClientIds *ids) noexcept nogil:
    free(ids.entries)
    free(ids.dead)
    client_ids_init(ids, ids.window)

cdef inline uint64_t client_home(const ClientIds *ids, uint32_t account, uint64_t client_id) noexcept nogil:
    """Where a pair would stand alone: the upper bits of a product with the golden ratio (Knuth 6.4), over both keys."""
    return ((client_id ^ <uint64_t>account * 0x94D049BB133111EBULL) * 0x9E3779B97F4A7C15ULL) >> ids.shift

cdef inline uint64_t client_position(const ClientIds *ids, uint32_t account, uint64_t client_id) noexcept nogil:
    """Return where the pair stands, or the free entry where it would. Expected O(1). Capacity must not be 0."""
    cdef uint64_t at = client_home(ids, account, client_id)
    while ids.entries[at].client_id != 0:
        if ids.entries[at].client_id == client_id and ids.entries[at].account == account:
            break
        at = (at + 1) & (ids.capacity - 1)
    return at

cdef inline uint32_t client_find(const ClientIds *ids, uint32_t account, uint64_t client_id) noexcept nogil:
    """Return the order's slot, DEAD for a pair in the window, NIL for an unknown one or client id 0."""
    cdef uint64_t at
    if client_id == 0 or ids.capacity == 0:
        return NIL
    at = client_position(ids, account, client_id)
    return ids.entries[at].slot if ids.entries[at].client_id else NIL

cdef inline int client_ids_grow(ClientIds *ids) noexcept nogil:
    cdef ClientIds bigger = ids[0]
    cdef uint64_t i, at
    bigger.capacity = ENTRIES_FIRST if ids.capacity == 0 else ids.capacity * 2
    bigger.shift = 64 - <uint32_t>pb_highest_bit(bigger.capacity)
    bigger.entries = <Entry *>calloc(bigger.capacity, sizeof(Entry))
    if bigger.entries == NULL:
        return -1
    for i in range(ids.capacity):
        if ids.entries[i].client_id:
            at = client_position(&bigger, ids.entries[i].account, ids.entries[i].client_id)
            bigger.entries[at] = ids.entries[i]
    free(ids.entries)
    ids[0] = bigger
    return 0

cdef inline int client_dead_grow(ClientIds *ids) noexcept nogil:
    """Double the ring. It is full when this is called, so its oldest pair may stand anywhere: straighten it."""
    cdef uint64_t capacity = 16 if ids.dead_capacity == 0 else ids.dead_capacity * 2
    cdef uint64_t i
    cdef DeadId *dead = <DeadId *>realloc(NULL, capacity * sizeof(DeadId))
    if dead == NULL:
        return -1
    for i in range(ids.dead_count):
        dead[i] = ids.dead[(ids.dead_first + i) & (ids.dead_capacity - 1)]
    free(ids.dead)
    ids.dead = dead
    ids.dead_capacity = capacity
    ids.dead_first = 0
    return 0

cdef inline uint64_t client_ids_limit(const ClientIds *ids) noexcept nogil:
    """How many pairs the table takes before it doubles: a quarter while it is small enough for a cache, so that pairs
    seldom meet and no branch is guessed wrong for it; two thirds beyond that, for memory."""
    return ids.capacity >> 2 if ids.capacity <= CAPACITY_SPARSE else ids.capacity // 3 * 2

cdef inline int client_ids_reserve(ClientIds *ids, uint32_t count) noexcept nogil:
    """Make room for `count` more live pairs. Returns -1 when there is no memory. O(1) amortised."""
    while ids.used + count > client_ids_limit(ids):
        if client_ids_grow(ids) != 0:
            return -1
    return 0

cdef inline void client_put(
    ClientIds *ids, uint64_t at, uint32_t account, uint64_t client_id, uint32_t slot
) noexcept nogil:
    """Register a live order where client_position says; room must have been reserved."""
    pb_assert(ids.entries[at].client_id == 0, "client ids: taken twice")
    ids.entries[at].client_id = client_id
    ids.entries[at].account = account
    ids.entries[at].slot = slot
    ids.used += 1

cdef inline void client_open(ClientIds *ids, uint32_t account, uint64_t client_id, uint32_t slot) noexcept nogil:
    """Register a live order; room must have been reserved. Client id 0 needs none."""
    if client_id == 0:
        return
    client_put(ids, client_position(ids, account, client_id), account, client_id, slot)

cdef inline void client_remove(ClientIds *ids, uint32_t account, uint64_t client_id) noexcept nogil:
    """Free a pair's entry. Expected O(1)."""
    client_remove_at(ids, client_position(ids, account, client_id))

cdef inline void client_remove_at(ClientIds *ids, uint64_t gap) noexcept nogil:
    """Free an entry and close the gap by shifting its followers back. Expected O(1)."""
    cdef uint64_t mask = ids.capacity - 1
    cdef uint64_t at = gap
    cdef uint64_t home
    pb_assert(ids.entries[gap].client_id != 0, "client ids: removing an unknown pair")
    while True:
        at = (at + 1) & mask
        if ids.entries[at].client_id == 0:
            break
        home = client_home(ids, ids.entries[at].account, ids.entries[at].client_id)
        if ((at - home) & mask) >= ((at - gap) & mask):
            ids.entries[gap] = ids.entries[at]
            gap = at
    ids.entries[gap].client_id = 0
    ids.used -= 1

cdef inline int client_close(ClientIds *ids, uint32_t account, uint64_t client_id) noexcept nogil:
    """An order died: its pair joins the window, the oldest beyond it is free again. -1 when there is no memory."""
    if client_id == 0:
        return 0
    return client_close_at(ids, client_position(ids, account, client_id))

cdef inline int client_close_at(ClientIds *ids, uint64_t position) noexcept nogil:
    """The same for the pair that stands there."""
    cdef uint32_t account = ids.entries[position].account
    cdef uint64_t client_id = ids.entries[position].client_id
    cdef uint64_t at
    cdef DeadId *oldest
    if ids.window == 0:
        client_remove_at(ids, position)
        return 0
    if ids.dead_count == ids.window:
        oldest = &ids.dead[ids.dead_first]
        client_remove(ids, <uint32_t>oldest.account, oldest.client_id)
        ids.dead_first = (ids.dead_first + 1) & (ids.dead_capacity - 1)
        ids.dead_count -= 1
    elif ids.dead_count == ids.dead_capacity and client_dead_grow(ids) != 0:
        return -1
    at = (ids.dead_first + ids.dead_count) & (ids.dead_capacity - 1)
    ids.dead[at].account = account
    ids.dead[at].client_id = client_id
    ids.dead_count += 1
    ids.entries[client_position(ids, account, client_id)].slot = DEAD
    return 0
