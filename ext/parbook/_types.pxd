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
    /* The empty asm is an effect. Without one gcc takes a function that only prefetches for pure, and drops it. */
    #define pb_prefetch(address) do { __builtin_prefetch(address); __asm__ volatile (""); } while (0)
    #if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    #error "parbook's records are little-endian, and so must the machine be"
    #endif
    /* An EVENT as eight words: a third of the stores its fields take one by one. A macro, so that no caller pays a
       call with eleven arguments. */
    #define pb_event_head(kind, side, code, account) \
        ((uint64_t)(kind) | (uint64_t)(side) << 8 | (uint64_t)(code) << 16 | (uint64_t)(account) << 32)
    #define pb_first_word(command) (*(const uint32_t *)(command))
    #define pb_put_first_word(command, word) (*(uint32_t *)(command) = (word))
    #define pb_write_event(event, head, seq, order_id, other_id, price, qty, leaves, tail) do { \
        uint64_t *pb_words = (uint64_t *)(event); \
        pb_words[0] = (head); pb_words[1] = (seq); pb_words[2] = (order_id); pb_words[3] = (other_id); \
        pb_words[4] = (uint64_t)(price); pb_words[5] = (uint64_t)(qty); pb_words[6] = (uint64_t)(leaves); \
        pb_words[7] = (tail); } while (0)
    static inline int pb_mul(int64_t a, int64_t b, int64_t *out) { return __builtin_mul_overflow(a, b, out); }
    static inline uint64_t pb_div(uint64_t a, uint64_t b) { return a / b; }
    static inline int64_t pb_share(int64_t a, int64_t b, int64_t c) { return (int64_t)((pb_int128)a * b / c); }
    static inline int pb_product_above(int64_t a, int64_t b, int64_t c, int64_t d) {
        return (pb_int128)a * b > (pb_int128)c * d;
    }
    """
    ctypedef long long int128_t "pb_int128"
    void pb_assert(bint cond, const char *what) noexcept nogil
    bint pb_likely(bint cond) noexcept nogil
    bint pb_unlikely(bint cond) noexcept nogil
    int pb_lowest_bit(uint64_t word) noexcept nogil
    int pb_highest_bit(uint64_t word) noexcept nogil
    void pb_prefetch(const void *address) noexcept nogil
    uint64_t pb_event_head(uint64_t kind, uint64_t side, uint64_t code, uint64_t account) noexcept nogil
    # A command's kind, side, type and time in force in one number, kind lowest.
    uint32_t pb_first_word(const Command *command) noexcept nogil
    # Write it whole: who reads four bytes that were stored one by one waits for the last of them.
    void pb_put_first_word(Command *command, uint32_t word) noexcept nogil
    void pb_write_event(
        Event *event, uint64_t head, uint64_t seq, uint64_t order_id, uint64_t other_id, int64_t price, int64_t qty,
        int64_t leaves, uint64_t tail
    ) noexcept nogil
    # True when a * b does not fit 63 bits; *out is then meaningless.
    bint pb_mul(int64_t a, int64_t b, int64_t *out) noexcept nogil
    # a / b rounded down; b must not be 0. Cython's own division would test for that with the GIL.
    uint64_t pb_div(uint64_t a, uint64_t b) noexcept nogil
    # a * b / c rounded towards zero through 128 bits; c must not be 0 and the result must fit 63 bits.
    int64_t pb_share(int64_t a, int64_t b, int64_t c) noexcept nogil
    # a * b > c * d, exactly.
    bint pb_product_above(int64_t a, int64_t b, int64_t c, int64_t d) noexcept nogil

cdef enum:
    BUY = 0
    SELL = 1

    LIMIT = 0
    MARKET = 1
    POST_ONLY = 2
    POST_SLIDE = 3
    MARKET_TO_LIMIT = 4
    PEGGED = 5

    GTC = 0
    IOC = 1
    FOK = 2
    GTD = 3
    DAY = 4
    TIF_AUCTION = 5

    NEW = 1
    CANCEL = 2
    AMEND = 3
    REDUCE = 4
    ADVANCE = 5
    PROPOSE_ANCHOR = 6
    WITHDRAW_ANCHORS = 7
    WITHDRAW_CURVE = 8
    NEW_SPECIAL = 10
    AMEND_SPECIAL = 11
    TERMS = 12
    MASS_CANCEL = 13
    KILL = 14
    DEADMAN = 15
    QUOTE = 16
    RESET_PROTECTION = 17
    SET_ACCOUNT = 18
    SET_STATE = 19
    BUST = 20
    DEPOSIT = 21
    WITHDRAW = 22
    TRANSFER = 23
    SET_FEES = 24
    SET_TIER = 25
    SET_STATUS = 26
    FUND_CURVE = 27

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
    PREVENTED = 12
    TRIGGERED = 13
    SHOWN = 14
    REPRICED = 15
    STATE_CHANGED = 16
    INDICATIVE = 17
    UNCROSSED = 18
    MASS_CANCELLED = 19
    ACCOUNT_SET = 20
    QUOTED = 21
    PROTECTED = 22
    BUSTED = 23
    UNSPENT = 24
    BREACHED = 25
    DEADMAN_SET = 26
    DEPOSITED = 27
    WITHDRAWN = 28
    TRANSFERRED = 29
    FEES_SET = 30
    TIER_SET = 31
    STATUS_SET = 32
    REPEATED = 33
    CURVE_FUNDED = 34

    SOURCE_BOOK = 0
    SOURCE_CURVE = 1
    SOURCE_LIFT = 2
    SOURCE_HIDDEN = 3
    SOURCE_UNCROSS = 4
    SOURCE_UNCROSS_CURVE = 5

    REASON_REQUESTED = 0
    REASON_REMAINDER = 1
    REASON_AMENDED_TO_FILLED = 2
    REASON_SELF_TRADE = 3
    REASON_EXPIRED = 4
    REASON_OCO = 5
    REASON_MASS = 6
    REASON_DISCONNECTED = 7
    REASON_KILLED = 8
    REASON_DEADMAN = 9
    REASON_PROTECTION = 10
    REASON_QUOTE_REPLACED = 11
    REASON_REDUCE_ONLY = 12
    REASON_DELISTED = 13
    REASON_COLLAR = 14
    REASON_NO_REFERENCE = 15
    REASON_UNTRADED = 16
    REASON_NOTIONAL = 17
    REASON_FUNDS = 18

    PRIORITY_KEPT = 0
    PRIORITY_LOST = 1

    MOVE_LIFT = 1

    STP_DEFAULT = 0
    STP_OFF = 1
    STP_CANCEL_NEWEST = 2
    STP_CANCEL_OLDEST = 3
    STP_CANCEL_BOTH = 4
    STP_DECREMENT = 5

    PEG_NONE = 0
    PEG_ANCHOR = 1
    PEG_MID = 2
    PEG_PRIMARY = 3

    TRIGGER_TRADE = 0
    TRIGGER_ANCHOR = 1

    PLACE_BOOK = 0
    PLACE_ICEBERG = 1
    PLACE_HIDDEN = 2
    PLACE_ARMED = 3
    PLACE_ELECTED = 4
    PLACE_PARKED = 5
    PLACE_CALL = 6

    STATE_CONTINUOUS = 0
    STATE_PRE_OPEN = 1
    STATE_AUCTION = 2
    STATE_HALTED = 3
    STATE_CLOSING = 4
    STATE_CLOSED = 5
    STATE_DELISTED = 6

    ALLOCATION_PRICE_TIME = 0
    ALLOCATION_PRO_RATA = 1

    FIELD_STP_GROUP = 1
    FIELD_POSITION_LOTS = 2
    FIELD_MAX_LONG_LOTS = 3
    FIELD_MAX_SHORT_LOTS = 4
    FIELD_MAX_OPEN_ORDERS = 5
    FIELD_MAX_ORDER_LOTS = 6
    FIELD_MAX_ORDER_NOTIONAL = 7
    FIELD_RATE_PER_SECOND = 8
    FIELD_RATE_BURST = 9
    FIELD_ALLOWED_TYPES = 10
    FIELD_ALLOWED_TIFS = 11
    FIELD_DENIED = 12
    FIELD_PROTECTION_LOTS = 13
    FIELD_PROTECTION_WINDOW_NS = 14
    FIELD_KILLED = 15

    DENIED_RESTING = 1
    DENIED_AMEND = 2
    DENIED_CANCEL = 4
    DENIED_QUOTE = 8
    DENIED_BUY = 16
    DENIED_SELL = 32

    STATUS_ACTIVE = 0
    STATUS_REDUCE_ONLY = 1
    STATUS_SUSPENDED = 2

    UNKNOWN_COMMAND = 1
    INVALID_SIDE = 2
    INVALID_ORDER_TYPE = 3
    INVALID_TIF = 4
    INVALID_COMBINATION = 5
    INVALID_ACCOUNT = 6
    TIME_REVERSED = 7
    MISSING_TERMS = 8
    INVALID_TERMS = 9
    DUPLICATE_CLIENT_ID = 10
    UNKNOWN_ORDER = 11
    NOT_OWNER = 12
    UNKNOWN_ACCOUNT = 13
    UNKNOWN_TRADE = 14
    ALREADY_BUSTED = 15
    QTY_OUT_OF_RANGE = 20
    PRICE_OUT_OF_RANGE = 21
    NOTIONAL_OVERFLOW = 22
    DISPLAY_OUT_OF_RANGE = 23
    MIN_QTY_OUT_OF_RANGE = 24
    STOP_OUT_OF_RANGE = 25
    AMOUNT_OUT_OF_RANGE = 26
    EXPIRY_OUT_OF_RANGE = 27
    OFFSET_OUT_OF_RANGE = 28
    BOOK_FULL = 30
    PEGS_FULL = 31
    TRAILING_FULL = 32
    ACCOUNTS_FULL = 33
    POST_ONLY_WOULD_TRADE = 40
    FOK_UNFILLABLE = 41
    NO_REFERENCE_PRICE = 42
    MIN_QTY_UNFILLABLE = 43
    NOTHING_TO_TRADE = 44
    STOP_THROUGH = 45
    NO_CURVE = 50
    ANCHOR_OUT_OF_RANGE = 51
    ANCHOR_INVERTED = 52
    ANCHOR_QUEUE_FULL = 53
    CURVE_PARAMETER = 54
    STATE_FORBIDS = 60
    INVALID_TRANSITION = 61
    TYPE_NOT_ALLOWED = 70
    TIF_NOT_ALLOWED = 71
    RESTING_DENIED = 72
    AMEND_DENIED = 73
    CANCEL_DENIED = 74
    QUOTE_DENIED = 75
    ACCOUNT_KILLED = 76
    SIDE_DENIED = 77
    ORDER_TOO_LARGE = 80
    NOTIONAL_TOO_LARGE = 81
    PRICE_TOO_FAR = 82
    POSITION_LIMIT = 83
    OPEN_ORDER_LIMIT = 84
    RATE_LIMITED = 85
    REDUCE_ONLY_EXCEEDED = 86
    PROTECTION_ACTIVE = 87
    INVALID_OCO = 90
    INVALID_SLOT = 91
    QUOTE_CROSSED = 92
    LIMIT_OUT_OF_RANGE = 93
    UNKNOWN_ASSET = 100
    UNKNOWN_INSTRUMENT = 101
    INSUFFICIENT_QUOTE = 102
    INSUFFICIENT_FEE = 103
    INSUFFICIENT_BASE = 104
    INSUFFICIENT_AVAILABLE = 105
    DUPLICATE_TXN = 106
    BALANCE_OVERFLOW = 107
    CURVE_UNFUNDED = 108
    FEE_OUT_OF_RANGE = 109
    ACCOUNT_SUSPENDED = 110
    ACCOUNT_REDUCE_ONLY = 111
    UNKNOWN_TIER = 112
    UNKNOWN_STATUS = 113
    INVALID_SESSION_REF = 114
    OUTCOME_FORGOTTEN = 115

    MAX_PROPOSED_ANCHORS = 16

cdef extern from *:
    """
    #define PB_NIL 0xFFFFFFFFu
    #define PB_PRICE_TICKS_MAX ((((int64_t)1) << 60) - 1)
    #define PB_QTY_LOTS_MAX ((((int64_t)1) << 38) - 1)
    #define PB_ICEBERG_SLICES_MAX ((int64_t)1000)
    #define PB_CURVE_PRICE_TICKS_MAX ((((int64_t)1) << 41) - 1)
    #define PB_BUDGET_NOTIONAL_MAX (((int64_t)1) << 62)
    #define PB_INT64_MAX 0x7FFFFFFFFFFFFFFFLL
    """
    const uint32_t NIL "PB_NIL"
    const int64_t PRICE_TICKS_MAX "PB_PRICE_TICKS_MAX"
    const int64_t QTY_LOTS_MAX "PB_QTY_LOTS_MAX"
    const int64_t ICEBERG_SLICES_MAX "PB_ICEBERG_SLICES_MAX"
    const int64_t CURVE_PRICE_TICKS_MAX "PB_CURVE_PRICE_TICKS_MAX"
    const int64_t BUDGET_NOTIONAL_MAX "PB_BUDGET_NOTIONAL_MAX"
    const int64_t INT64_MAX "PB_INT64_MAX"

# Why run_command leaves the plain path: bits of Desk.watch, each set and cleared by its owner.
cdef enum:
    WATCH_CONFIG = 1        # the instrument has a setting that changes admission or matching
    WATCH_STATE = 2         # the market is not CONTINUOUS
    WATCH_SPECIAL = 4       # a live order has a Special
    WATCH_ACCOUNTS = 8      # an account is registered
    WATCH_ELECTED = 16      # triggered stops wait for their turn
    WATCH_MONEY = 32        # orders hold money, fills move it: the plain path knows how, for most kinds
    WATCH_PREVENTION = 64   # accounts do not trade with themselves: the same
    WATCH_FULL = 31         # what the plain path knows nothing of

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
    uint32_t trail_ppm

# The second record of a special command, in the place of a Command.
cdef struct Terms:
    uint8_t kind
    uint8_t hidden
    uint8_t reduce_only
    uint8_t stp
    uint8_t peg
    uint8_t trigger
    uint16_t reserved
    int64_t display_lots
    int64_t min_lots
    int64_t stop_ticks
    int64_t offset_ticks
    int64_t expire_ns
    int64_t amount_notional
    uint64_t oco_order_id

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
    uint16_t instrument
    uint16_t command

# The instrument's numbers, field for field parbook.state.CONFIG.
cdef struct Config:
    int64_t collar_ppm
    int64_t max_orders
    int64_t client_id_window
    int64_t allocation
    int64_t stp
    int64_t reinsert_on_amend
    int64_t market_rests
    int64_t max_pegs
    int64_t max_trailing
    int64_t max_triggers
    int64_t stop_through_triggers
    int64_t curve_in_auction
    int64_t static_band_ppm
    int64_t dynamic_band_ppm
    int64_t breach_rests
    int64_t breach_state
    int64_t max_order_lots
    int64_t max_order_notional
    int64_t price_reach_ppm
    int64_t registered_only
    int64_t max_accounts
    int64_t bust_window
