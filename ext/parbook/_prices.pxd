# The price index of one side of a book: which prices are occupied, and by which level.
#
# Prices are filed by a key that is smaller the better the price is (line_key), so that no search asks which side it
# is on: whether an order buys or sells is what a branch predictor guesses worst.
#
# A 64-ary radix tree over the whole domain of keys, path-compressed: an inner node has at least two children and
# stands only where prices differ, so one far-away price costs one step and memory follows the occupied ticks.
# Each node is a bitmap and 64 slots; a leaf (shift 0) spans 64 neighbouring ticks and its slots are levels. The
# best price is found by one bit scan a node. Leaves used lately are found without descending.
#
# A level without orders stays where it is, and so does a leaf without such levels: the bitmaps forget it, `made` does
# not. Prices come and go one order at a time, and building and tearing down their levels cost more than matching them.
# What is idle is given back all at once, when a slab has no room and half of it is idle (book_sweep).
from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from parbook._slab cimport Slab, slab_give, slab_take
from parbook._types cimport NIL, pb_assert, pb_highest_bit, pb_likely, pb_lowest_bit

cdef enum:
    NODES_FIRST = 8
    NODE_FREE = 255
    NODES_PER_INSERT = 2    # most nodes one insertion needs: a leaf and the inner node above it

cdef struct Node:
    uint32_t parent         # overlaid by the slab's free list
    uint16_t shift          # bits below this node's own six; 0 for a leaf, NODE_FREE for a slot given back
    uint16_t line
    uint64_t prefix         # key >> (shift + 6), common to everything below
    uint64_t bitmap         # children with an order below them
    uint64_t made           # children that exist
    uint32_t child[64]

cdef struct PriceIndex:
    uint32_t root
    uint16_t line
    uint16_t cache_mask
    uint32_t *cache         # leaves used lately, by the low bits of their prefix: NIL, or whatever became of one

cdef inline Node *node_at(const Slab *nodes, uint32_t slot) noexcept nogil:
    return <Node *>nodes.items + slot

cdef inline uint64_t line_key(int line, int64_t price_ticks) noexcept nogil:
    """A price as a number that is smaller the better it is on its line: even lines are best at the highest price."""
    return <uint64_t>price_ticks ^ (<uint64_t>(line & 1) - 1)

cdef inline void prices_init(PriceIndex *index, uint16_t line, uint32_t *cache, uint16_t cache_mask) noexcept nogil:
    """Make an empty index, which remembers leaves in an array of the caller's, a power of two long."""
    index.root = NIL
    index.line = line
    index.cache = cache
    index.cache_mask = cache_mask
    memset(cache, 0xFF, (cache_mask + 1) * sizeof(uint32_t))

cdef inline bint is_leaf_of(const PriceIndex *index, const Node *node, uint64_t prefix) noexcept nogil:
    """Whether a node is the line's leaf of that prefix."""
    return node.prefix == prefix and node.shift == 0 and node.line == index.line

cdef inline uint32_t prices_search_leaf(PriceIndex *index, const Slab *nodes, uint64_t key) noexcept nogil:
    """Find a leaf from the root and remember it; NIL when none spans the key. O(log64 domain)."""
    cdef uint32_t slot = index.root
    cdef Node *node
    cdef int digit
    while slot != NIL:
        node = node_at(nodes, slot)
        if (key >> (node.shift + 6)) != node.prefix:
            return NIL
        if node.shift == 0:
            break
        digit = (key >> node.shift) & 63
        if not (node.made >> digit) & 1:
            return NIL
        slot = node.child[digit]
        if node.shift == 6:
            # No node stands between, so that is the leaf: it need not be read to know.
            break
    if slot != NIL:
        index.cache[(key >> 6) & index.cache_mask] = slot
    return slot

cdef inline const uint32_t *guess_of(const PriceIndex *index, uint64_t key) noexcept nogil:
    """Where prices_guess_leaf looks."""
    return &index.cache[(key >> 6) & index.cache_mask]

cdef inline uint32_t prices_guess_leaf(const PriceIndex *index, uint64_t key) noexcept nogil:
    """Return the leaf last used whose prefix ends like the key's: NIL, that which spans the key, or another node."""
    return guess_of(index, key)[0]

cdef inline uint32_t prices_find_leaf(PriceIndex *index, const Slab *nodes, uint64_t key) noexcept nogil:
    """Return the leaf that spans the key, NIL when none does. O(1) for recent leaves, else O(log64 domain)."""
    cdef uint32_t slot = prices_guess_leaf(index, key)
    # A node that was given back since is no leaf, and one that was taken again says what it is now.
    if pb_likely(slot != NIL and is_leaf_of(index, node_at(nodes, slot), key >> 6)):
        return slot
    return prices_search_leaf(index, nodes, key)

cdef inline uint32_t prices_new_node(
    const PriceIndex *index, Slab *nodes, uint32_t parent, uint32_t shift, uint64_t prefix
) noexcept nogil:
    cdef uint32_t slot = slab_take(nodes, sizeof(Node))
    cdef Node *node = node_at(nodes, slot)
    node.parent = parent
    node.shift = <uint16_t>shift
    node.line = index.line
    node.prefix = prefix
    node.bitmap = 0
    node.made = 0
    return slot

cdef inline void prices_adopt(Slab *nodes, uint32_t parent, uint32_t child, uint64_t path) noexcept nogil:
    """Hang `child`, whose keys begin with `path`, under `parent`."""
    cdef Node *node = node_at(nodes, parent)
    cdef int digit = (path >> node.shift) & 63
    node.made |= <uint64_t>1 << digit
    if node_at(nodes, child).bitmap:
        node.bitmap |= <uint64_t>1 << digit
    node.child[digit] = child
    node_at(nodes, child).parent = parent

cdef inline uint32_t prices_add_leaf(PriceIndex *index, Slab *nodes, uint64_t key) noexcept nogil:
    """Make the idle leaf that spans the key; there is none. NODES_PER_INSERT must be reserved. O(log64 domain)."""
    cdef uint32_t leaf, slot, parent, inner, shift
    cdef uint64_t path
    cdef int digit
    cdef Node *node
    leaf = prices_new_node(index, nodes, NIL, 0, key >> 6)
    index.cache[(key >> 6) & index.cache_mask] = leaf
    slot = index.root
    parent = NIL
    while slot != NIL:
        node = node_at(nodes, slot)
        if (key >> (node.shift + 6)) != node.prefix:
            break
        digit = (key >> node.shift) & 63
        if not (node.made >> digit) & 1:
            prices_adopt(nodes, slot, leaf, key)
            return leaf
        parent = slot
        slot = node.child[digit]
    if slot == NIL:
        index.root = leaf
        return leaf
    # The key leaves the path of `slot`: an inner node at the first differing digit takes both.
    path = node.prefix << (node.shift + 6)
    shift = <uint32_t>(pb_highest_bit(path ^ key) // 6 * 6)
    inner = prices_new_node(index, nodes, parent, shift, key >> (shift + 6))
    if parent == NIL:
        index.root = inner
    else:
        prices_adopt(nodes, parent, inner, key)
    prices_adopt(nodes, inner, slot, path)
    prices_adopt(nodes, inner, leaf, key)
    return leaf

cdef inline void prices_wake(Slab *nodes, uint32_t leaf) noexcept nogil:
    """A leaf got its first order: the bitmaps above it learn of it. O(depth) at most."""
    cdef uint64_t path = node_at(nodes, leaf).prefix << 6
    cdef uint32_t slot = node_at(nodes, leaf).parent
    cdef uint64_t before
    cdef Node *node
    while slot != NIL:
        node = node_at(nodes, slot)
        before = node.bitmap
        node.bitmap = before | <uint64_t>1 << ((path >> node.shift) & 63)
        if before:
            return
        slot = node.parent

cdef inline void prices_idle(Slab *nodes, uint32_t leaf) noexcept nogil:
    """A leaf lost its last order: the bitmaps above it forget it. O(depth) at most."""
    cdef uint64_t path = node_at(nodes, leaf).prefix << 6
    cdef uint32_t slot = node_at(nodes, leaf).parent
    cdef Node *node
    while slot != NIL:
        node = node_at(nodes, slot)
        node.bitmap &= ~(<uint64_t>1 << ((path >> node.shift) & 63))
        if node.bitmap:
            return
        slot = node.parent

cdef inline void prices_drop_leaf(PriceIndex *index, Slab *nodes, uint32_t leaf) noexcept nogil:
    """Give an idle leaf back; an inner node left with one child gives way to it. O(1)."""
    cdef Node *node = node_at(nodes, leaf)
    cdef uint64_t path = node.prefix << 6
    cdef uint32_t inner = node.parent
    cdef uint32_t above, only
    node.shift = NODE_FREE
    slab_give(nodes, leaf, sizeof(Node))
    if inner == NIL:
        index.root = NIL
        return
    node = node_at(nodes, inner)
    node.made &= ~(<uint64_t>1 << ((path >> node.shift) & 63))
    pb_assert(node.made != 0, "prices: an inner node had one child")
    if node.made & (node.made - 1):
        return
    only = node.child[pb_lowest_bit(node.made)]
    above = node.parent
    node.shift = NODE_FREE
    slab_give(nodes, inner, sizeof(Node))
    if above == NIL:
        index.root = only
        node_at(nodes, only).parent = NIL
    else:
        prices_adopt(nodes, above, only, path)

cdef inline uint32_t prices_extreme(const Slab *nodes, uint32_t slot, bint worst) noexcept nogil:
    """Return the level of the best or the worst price below a node that has orders. O(depth)."""
    cdef Node *node = node_at(nodes, slot)
    cdef uint32_t child
    while True:
        child = node.child[pb_highest_bit(node.bitmap) if worst else pb_lowest_bit(node.bitmap)]
        if node.shift == 0:
            return child
        node = node_at(nodes, child)

cdef inline uint32_t prices_next(const Slab *nodes, uint32_t leaf, uint64_t key) noexcept nogil:
    """Return the level of the next price worse than that of a key in `leaf`, NIL at the end. O(depth)."""
    cdef uint32_t slot = leaf
    cdef Node *node
    cdef uint64_t rest
    cdef int digit
    while slot != NIL:
        node = node_at(nodes, slot)
        digit = (key >> node.shift) & 63
        rest = node.bitmap & ~((<uint64_t>2 << digit) - 1)
        if rest:
            digit = pb_lowest_bit(rest)
            if node.shift == 0:
                return node.child[digit]
            return prices_extreme(nodes, node.child[digit], False)
        slot = node.parent
    return NIL
