# The compiled ladder: parameters in, at most 256 rungs a side out. Twin of parbook.curve.
from libc.stdint cimport int64_t, uint8_t, uint16_t

cdef enum:
    MAX_RUNGS = 256

cdef struct CurveParams:
    uint8_t shape
    uint8_t anchor_move
    uint16_t instrument
    uint8_t resale
    uint8_t reserved[3]
    int64_t base_depth_lots
    int64_t quote_depth_lots
    int64_t budget_notional
    int64_t k_ppm
    int64_t spread_ppm
    int64_t rung_ticks
    int64_t par_lots
    int64_t drop_ppm
    int64_t min_net_lots
    int64_t max_net_lots
    int64_t activation_delay_ns
    int64_t lift_max_lots
    int64_t ts_ns

cdef struct Ladder:
    int bids
    int asks
    int64_t bid_price[MAX_RUNGS]    # strictly falling
    int64_t bid_lots[MAX_RUNGS]     # N_bid at that price, strictly rising
    int64_t ask_price[MAX_RUNGS]    # strictly rising
    int64_t ask_lots[MAX_RUNGS]     # N_ask at that price, strictly falling

# 0, or the number of the RejectCode that refuses the parameters. Total; touches no Python object.
cdef int curve_validate(const CurveParams *params) noexcept nogil
# Compile both sides around `net_lots`. Parameters and anchors must have been validated.
cdef void curve_compile(
    const CurveParams *params, int64_t low_ticks, int64_t high_ticks, int64_t net_lots, Ladder *out
) noexcept nogil
