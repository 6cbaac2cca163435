# The last trades, which BUST can name. Twin of parbook.reference.busts.TradeWindow.
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

cdef enum:
    TRADES_FIRST = 16

# parbook.state.TRADE
cdef struct TradeRecord:
    uint64_t seq
    int64_t price_ticks
    int64_t qty_lots
    int64_t taker_fee_atoms     # 0 in a market without money
    int64_t maker_fee_atoms
    uint32_t taker_account
    uint32_t maker_account
    uint8_t source
    uint8_t side
    uint8_t busted
    uint8_t reserved[5]

# A ring that grows up to the window; `capacity` is a power of two.
cdef struct TradeWindow:
    TradeRecord *trades
    uint64_t capacity
    uint64_t first
    uint64_t count
    uint64_t window

cdef inline void window_clear(TradeWindow *window) noexcept nogil:
    free(window.trades)
    memset(window, 0, sizeof(TradeWindow))

cdef inline TradeRecord *window_at(const TradeWindow *window, uint64_t index) noexcept nogil:
    """Return the trade that is the `index`-th oldest, from 0."""
    return &window.trades[(window.first + index) & (window.capacity - 1)]

cdef inline int window_grow(TradeWindow *window) noexcept nogil:
    """Double the ring, oldest trade first. Returns -1, with the ring as it was, when there is no memory."""
    cdef uint64_t capacity = TRADES_FIRST if window.capacity == 0 else window.capacity * 2
    cdef TradeRecord *trades = <TradeRecord *>malloc(capacity * sizeof(TradeRecord))
    cdef uint64_t i
    if trades == NULL:
        return -1
    for i in range(window.count):
        trades[i] = window_at(window, i)[0]
    free(window.trades)
    window.trades = trades
    window.capacity = capacity
    window.first = 0
    return 0

cdef inline int window_record(
    TradeWindow *window, uint64_t seq, int64_t price_ticks, int64_t lots, uint8_t source, uint8_t side,
    uint32_t taker_account, uint32_t maker_account
) noexcept nogil:
    """Remember a trade, forgetting the oldest beyond the window. -1 when there is no memory. O(1) amortised."""
    cdef TradeRecord *trade
    if window.window == 0:
        return 0
    if window.count == window.window:
        window.first = (window.first + 1) & (window.capacity - 1)
        window.count -= 1
    elif window.count == window.capacity and window_grow(window) != 0:
        return -1
    trade = window_at(window, window.count)
    window.count += 1
    memset(trade, 0, sizeof(TradeRecord))
    trade.seq = seq
    trade.price_ticks = price_ticks
    trade.qty_lots = lots
    trade.taker_account = taker_account
    trade.maker_account = maker_account
    trade.source = source
    trade.side = side
    return 0

cdef inline TradeRecord *window_latest(const TradeWindow *window) noexcept nogil:
    """Return the trade remembered last, NULL when none is."""
    return window_at(window, window.count - 1) if window.count != 0 else NULL

cdef inline TradeRecord *window_find(const TradeWindow *window, uint64_t seq) noexcept nogil:
    """Return the remembered trade of that event, NULL for any other number. O(log window)."""
    cdef uint64_t low = 0
    cdef uint64_t high = window.count
    cdef uint64_t middle
    while low < high:
        middle = (low + high) >> 1
        if window_at(window, middle).seq < seq:
            low = middle + 1
        else:
            high = middle
    if low == window.count or window_at(window, low).seq != seq:
        return NULL
    return window_at(window, low)
