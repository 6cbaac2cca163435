# The numbers and record layouts of parbook.codes and parbook.records, for compiled code.
# tests/parity/test_layout.py holds them against the Python definitions.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from *:
    """
    typedef __int128 pb_int128;
    #if PARBOOK_CHECKED
    #include <stdio.h>
    #include <stdlib.h>
    #define pb_assert(cond, what) do { if (!(cond)) { \
        fprintf(stderr, "parbook: broken invariant: %s (%s:%d)\\n", what, __FILE__, __LINE__); abort(); } } while (0)
    #else
    #define pb_assert(cond, what) ((void)sizeof(what))
    #endif
    #define pb_likely(cond) __builtin_expect(!!(cond), 1)
    #define pb_unlikely(cond) __builtin_expect(!!(cond), 0)
    #define pb_lowest_bit(word) __builtin_ctzll(word)
    #define pb_highest_bit(word) (63 - __builtin_clzll(word))
    #define pb_prefetch(address) __builtin_prefetch(address)
    static inline int pb_mul(int64_t a, int64_t b, int64_t *out) { return __builtin_mul_overflow(a, b, out); }
    static inline uint64_t pb_div(uint64_t a, uint64_t b) { return a / b; }
    """
    ctypedef long long int128_t "pb_int128"
    void pb_assert(bint cond, const char *what) noexcept nogil
    bint pb_likely(bint cond) noexcept nogil
    bint pb_unlikely(bint cond) noexcept nogil
    int pb_lowest_bit(uint64_t word) noexcept nogil
    int pb_highest_bit(uint64_t word) noexcept nogil
    void pb_prefetch(const void *address) noexcept nogil
    # True when a * b does not fit 63 bits; *out is then meaningless.
    bint pb_mul(int64_t a, int64_t b, int64_t *out) noexcept nogil
    # a / b rounded down; b must not be 0. Cython's own division would test for that with the GIL.
    uint64_t pb_div(uint64_t a, uint64_t b) noexcept nogil

cdef enum:
    BUY = 0
    SELL = 1

    LIMIT = 0
    MARKET = 1
    POST_ONLY = 2

    GTC = 0
    IOC = 1
    FOK = 2

    NEW = 1
    CANCEL = 2
    AMEND = 3
    REDUCE = 4
    ADVANCE = 5
    PROPOSE_ANCHOR = 6
    WITHDRAW_ANCHORS = 7
    WITHDRAW_CURVE = 8

    ACCEPTED = 1
    REJECTED = 2
    TRADE = 3
    CANCELLED = 4
    AMENDED = 5
    ADVANCED = 6
    ANCHOR_PROPOSED = 7
    ANCHOR_ACTIVATED = 8
    ANCHORS_WITHDRAWN = 9
    CURVE_SET = 10
    CURVE_WITHDRAWN = 11

    SOURCE_BOOK = 0
    SOURCE_CURVE = 1
    SOURCE_LIFT = 2

    REASON_REQUESTED = 0
    REASON_REMAINDER = 1
    REASON_AMENDED_TO_FILLED = 2

    PRIORITY_KEPT = 0
    PRIORITY_LOST = 1

    MOVE_LIFT = 1

    UNKNOWN_COMMAND = 1
    INVALID_SIDE = 2
    INVALID_ORDER_TYPE = 3
    INVALID_TIF = 4
    INVALID_COMBINATION = 5
    INVALID_ACCOUNT = 6
    TIME_REVERSED = 7
    DUPLICATE_CLIENT_ID = 10
    UNKNOWN_ORDER = 11
    NOT_OWNER = 12
    QTY_OUT_OF_RANGE = 20
    PRICE_OUT_OF_RANGE = 21
    NOTIONAL_OVERFLOW = 22
    BOOK_FULL = 30
    POST_ONLY_WOULD_TRADE = 40
    FOK_UNFILLABLE = 41
    NO_REFERENCE_PRICE = 42
    NO_CURVE = 50
    ANCHOR_OUT_OF_RANGE = 51
    ANCHOR_INVERTED = 52
    ANCHOR_QUEUE_FULL = 53

    MAX_PROPOSED_ANCHORS = 16

cdef extern from *:
    """
    #define PB_NIL 0xFFFFFFFFu
    #define PB_PRICE_TICKS_MAX ((((int64_t)1) << 60) - 1)
    #define PB_QTY_LOTS_MAX ((((int64_t)1) << 38) - 1)
    #define PB_CURVE_PRICE_TICKS_MAX ((((int64_t)1) << 41) - 1)
    #define PB_INT64_MAX 0x7FFFFFFFFFFFFFFFLL
    """
    const uint32_t NIL "PB_NIL"
    const int64_t PRICE_TICKS_MAX "PB_PRICE_TICKS_MAX"
    const int64_t QTY_LOTS_MAX "PB_QTY_LOTS_MAX"
    const int64_t CURVE_PRICE_TICKS_MAX "PB_CURVE_PRICE_TICKS_MAX"
    const int64_t INT64_MAX "PB_INT64_MAX"

cdef struct Command:
    uint8_t kind
    uint8_t side
    uint8_t order_type
    uint8_t tif
    uint32_t account
    uint64_t order_id
    uint64_t client_id
    int64_t price_ticks
    int64_t qty_lots
    int64_t ts_ns
    int64_t high_ticks
    uint16_t instrument
    uint16_t session
    uint32_t reserved

cdef struct Event:
    uint8_t kind
    uint8_t side
    uint16_t code
    uint32_t account
    uint64_t seq
    uint64_t order_id
    uint64_t other_id
    int64_t price_ticks
    int64_t qty_lots
    int64_t leaves_lots
    uint32_t other_account
    uint32_t command
