# The price index of one side of a book: which prices are occupied, and by which level.
#
# A 64-ary radix tree over the whole price domain, path-compressed: an inner node has at least two children and
# stands only where prices differ, so one far-away price costs one step and memory follows the occupied ticks.
# Each node is a bitmap and 64 slots; a leaf (shift 0) spans 64 neighbouring ticks and its slots are levels. The
# best price is found by one bit scan a node. Leaves used lately are found without descending.
from libc.stdint cimport int64_t, uint32_t, uint64_t

from parbook._slab cimport Slab, slab_give, slab_take
from parbook._types cimport NIL, pb_assert, pb_highest_bit, pb_likely, pb_lowest_bit

cdef enum:
    LEAF_CACHE = 64         # leaves remembered per side, by the low bits of their prefix
    NODES_FIRST = 8
    NODES_PER_INSERT = 2    # most nodes one insertion needs: a leaf and the inner node above it

cdef struct Node:
    uint32_t parent         # overlaid by the slab's free list
    uint32_t shift          # bits below this node's own six; 0 for a leaf
    uint64_t prefix         # price >> (shift + 6), common to everything below
    uint64_t bitmap
    uint32_t child[64]

cdef struct CachedLeaf:
    uint64_t prefix
    uint32_t node

cdef struct PriceIndex:
    uint32_t root
    CachedLeaf cache[LEAF_CACHE]

cdef inline Node *node_at(const Slab *nodes, uint32_t slot) noexcept nogil:
    return <Node *>nodes.items + slot

cdef inline void prices_init(PriceIndex *index) noexcept nogil:
    cdef int i
    index.root = NIL
    for i in range(LEAF_CACHE):
        index.cache[i].prefix = ~<uint64_t>0
        index.cache[i].node = NIL

cdef inline uint32_t prices_find_leaf(PriceIndex *index, const Slab *nodes, int64_t price_ticks) noexcept nogil:
    """Return the leaf that spans the price, NIL when none does. O(1) for recent leaves, else O(log64 domain)."""
    cdef uint64_t prefix = <uint64_t>price_ticks >> 6
    cdef CachedLeaf *cached = &index.cache[prefix & (LEAF_CACHE - 1)]
    cdef uint32_t slot
    cdef Node *node
    cdef int digit
    if pb_likely(cached.prefix == prefix):
        return cached.node
    slot = index.root
    while slot != NIL:
        node = node_at(nodes, slot)
        if (<uint64_t>price_ticks >> (node.shift + 6)) != node.prefix:
            return NIL
        if node.shift == 0:
            cached.prefix = prefix
            cached.node = slot
            return slot
        digit = (<uint64_t>price_ticks >> node.shift) & 63
        slot = node.child[digit] if (node.bitmap >> digit) & 1 else NIL
    return NIL

cdef inline uint32_t prices_new_node(Slab *nodes, uint32_t parent, uint32_t shift, uint64_t prefix) noexcept nogil:
    cdef uint32_t slot = slab_take(nodes)
    cdef Node *node = node_at(nodes, slot)
    node.parent = parent
    node.shift = shift
    node.prefix = prefix
    node.bitmap = 0
    return slot

cdef inline void prices_adopt(Slab *nodes, uint32_t parent, uint32_t child, uint64_t path) noexcept nogil:
    """Hang `child`, whose prices begin with `path`, under `parent`."""
    cdef Node *node = node_at(nodes, parent)
    cdef int digit = (path >> node.shift) & 63
    node.bitmap |= <uint64_t>1 << digit
    node.child[digit] = child
    node_at(nodes, child).parent = parent

cdef inline uint32_t prices_make_leaf(PriceIndex *index, Slab *nodes, int64_t price_ticks) noexcept nogil:
    """Return the leaf that spans the price, making it when there is none. NODES_PER_INSERT must be reserved."""
    cdef uint64_t price = <uint64_t>price_ticks
    cdef uint32_t leaf = prices_find_leaf(index, nodes, price_ticks)
    cdef uint32_t slot, parent, inner
    cdef uint64_t path
    cdef uint32_t shift
    cdef int digit
    cdef Node *node
    if leaf != NIL:
        return leaf
    leaf = prices_new_node(nodes, NIL, 0, price >> 6)
    index.cache[(price >> 6) & (LEAF_CACHE - 1)].prefix = price >> 6
    index.cache[(price >> 6) & (LEAF_CACHE - 1)].node = leaf
    slot = index.root
    parent = NIL
    while slot != NIL:
        node = node_at(nodes, slot)
        if (price >> (node.shift + 6)) != node.prefix:
            break
        digit = (price >> node.shift) & 63
        if not (node.bitmap >> digit) & 1:
            prices_adopt(nodes, slot, leaf, price)
            return leaf
        parent = slot
        slot = node.child[digit]
    if slot == NIL:
        index.root = leaf
        return leaf
    # The price leaves the path of `slot`: an inner node at the first differing digit takes both.
    path = node.prefix << (node.shift + 6)
    shift = <uint32_t>(pb_highest_bit(path ^ price) // 6 * 6)
    inner = prices_new_node(nodes, parent, shift, price >> (shift + 6))
    if parent == NIL:
        index.root = inner
    else:
        prices_adopt(nodes, parent, inner, price)
    prices_adopt(nodes, inner, slot, path)
    prices_adopt(nodes, inner, leaf, price)
    return leaf

cdef inline void prices_drop_leaf(PriceIndex *index, Slab *nodes, uint32_t leaf) noexcept nogil:
    """Remove an empty leaf; an inner node left with one child gives way to it. O(1)."""
    cdef Node *node = node_at(nodes, leaf)
    cdef uint64_t path = node.prefix << 6
    cdef CachedLeaf *cached = &index.cache[node.prefix & (LEAF_CACHE - 1)]
    cdef uint32_t inner = node.parent
    cdef uint32_t above, only
    if cached.node == leaf:
        cached.prefix = ~<uint64_t>0
        cached.node = NIL
    slab_give(nodes, leaf)
    if inner == NIL:
        index.root = NIL
        return
    node = node_at(nodes, inner)
    node.bitmap &= ~(<uint64_t>1 << ((path >> node.shift) & 63))
    pb_assert(node.bitmap != 0, "prices: an inner node had one child")
    if node.bitmap & (node.bitmap - 1):
        return
    only = node.child[pb_lowest_bit(node.bitmap)]
    above = node.parent
    slab_give(nodes, inner)
    if above == NIL:
        index.root = only
        node_at(nodes, only).parent = NIL
    else:
        prices_adopt(nodes, above, only, path)

cdef inline uint32_t prices_extreme(const Slab *nodes, uint32_t slot, bint highest) noexcept nogil:
    """Return the level of the highest or lowest price below a node. O(depth)."""
    cdef Node *node = node_at(nodes, slot)
    cdef uint32_t child
    while True:
        child = node.child[pb_highest_bit(node.bitmap) if highest else pb_lowest_bit(node.bitmap)]
        if node.shift == 0:
            return child
        node = node_at(nodes, child)

cdef inline uint32_t prices_next(const Slab *nodes, uint32_t leaf, int64_t price_ticks, bint downwards) noexcept nogil:
    """Return the level of the next occupied price below (or above) a price of `leaf`, NIL at the end. O(depth)."""
    cdef uint32_t slot = leaf
    cdef Node *node
    cdef uint64_t rest
    cdef int digit
    while slot != NIL:
        node = node_at(nodes, slot)
        digit = (<uint64_t>price_ticks >> node.shift) & 63
        if downwards:
            rest = node.bitmap & ((<uint64_t>1 << digit) - 1)
        else:
            rest = node.bitmap & ~((<uint64_t>2 << digit) - 1)
        if rest:
            digit = pb_highest_bit(rest) if downwards else pb_lowest_bit(rest)
            if node.shift == 0:
                return node.child[digit]
            return prices_extreme(nodes, node.child[digit], downwards)
        slot = node.parent
    return NIL
