# LOG records, as parbook.logs.records lays them out, for compiled code.
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

cdef enum:
    LOG_ADD = 1
    LOG_REDUCE = 2
    LOG_DELETE = 3
    LOG_EXECUTE = 4
    LOG_REPLACE = 5
    LOG_HIDDEN_TRADE = 6
    LOG_CROSS = 7
    LOG_HALT = 8
    LOG_RESUME = 9
    LOG_OTHER = 10

cdef packed struct LogRecord:
    uint8_t kind
    uint8_t side
    uint8_t printable
    uint8_t raw_type
    uint32_t symbol
    int64_t ts_ns
    uint64_t order_id
    uint64_t new_order_id
    int64_t price_ticks
    int64_t qty_lots
    uint64_t match_id
    uint64_t place
