# Client ids: unique per account among live orders and the most recently dead. Twin of parbook.reference.identity.
#
# An open-addressed table (linear probing, deletion by shifting back) from (account, client id) to the order's slot,
# or to DEAD while the pair waits in the window.
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc

from parbook._types cimport NIL, pb_assert

cdef enum:
    ENTRIES_FIRST = 64

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
    uint64_t capacity       # a power of two, at least a third of it free
    uint64_t used
    uint64_t window
    DeadId *dead            # a ring; grows up to the window
    uint64_t dead_capacity
    uint64_t dead_first
    uint64_t dead_count

cdef inline void client_ids_init(ClientIds *ids, uint64_t window) noexcept nogil:
    ids.entries = NULL
    ids.capacity = 0
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

cdef inline uint64_t client_hash(uint32_t account, uint64_t client_id) noexcept nogil:
    # The finaliser of splitmix64 (Steele, Lea, Flood 2014) over both keys.
    cdef uint64_t z = client_id + <uint64_t>account * 0x9E3779B97F4A7C15ULL
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL
    return z ^ (z >> 31)

cdef inline uint64_t client_position(const ClientIds *ids, uint32_t account, uint64_t client_id) noexcept nogil:
    """Return where the pair stands, or the free entry where it would. Expected O(1). Capacity must not be 0."""
    cdef uint64_t at = client_hash(account, client_id) & (ids.capacity - 1)
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

cdef inline int client_ids_reserve(ClientIds *ids, uint32_t count) noexcept nogil:
    """Make room for `count` more live pairs. Returns -1 when there is no memory. O(1) amortised."""
    while (ids.used + count) * 3 > ids.capacity * 2:
        if client_ids_grow(ids) != 0:
            return -1
    return 0

cdef inline void client_open(ClientIds *ids, uint32_t account, uint64_t client_id, uint32_t slot) noexcept nogil:
    """Register a live order; room must have been reserved. Client id 0 needs none."""
    cdef uint64_t at
    if client_id == 0:
        return
    at = client_position(ids, account, client_id)
    pb_assert(ids.entries[at].client_id == 0, "client ids: taken twice")
    ids.entries[at].client_id = client_id
    ids.entries[at].account = account
    ids.entries[at].slot = slot
    ids.used += 1

cdef inline void client_remove(ClientIds *ids, uint32_t account, uint64_t client_id) noexcept nogil:
    """Free a pair's entry and close the gap by shifting its followers back. Expected O(1)."""
    cdef uint64_t mask = ids.capacity - 1
    cdef uint64_t gap = client_position(ids, account, client_id)
    cdef uint64_t at = gap
    cdef uint64_t home
    pb_assert(ids.entries[gap].client_id != 0, "client ids: removing an unknown pair")
    while True:
        at = (at + 1) & mask
        if ids.entries[at].client_id == 0:
            break
        home = client_hash(ids.entries[at].account, ids.entries[at].client_id) & mask
        if ((at - home) & mask) >= ((at - gap) & mask):
            ids.entries[gap] = ids.entries[at]
            gap = at
    ids.entries[gap].client_id = 0
    ids.used -= 1

cdef inline int client_close(ClientIds *ids, uint32_t account, uint64_t client_id) noexcept nogil:
    """An order died: its pair joins the window, the oldest beyond it is free again. -1 when there is no memory."""
    cdef uint64_t at
    cdef DeadId *oldest
    if client_id == 0:
        return 0
    if ids.window == 0:
        client_remove(ids, account, client_id)
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
