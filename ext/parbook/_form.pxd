# What a NEW must look like, whatever the market holds. Twin of parbook.reference.form.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

from parbook._phases cimport ACTION_CALL, ACTION_GATHER, ACTION_IMMEDIATE
from parbook._types cimport *

cdef enum:
    GATHERING_TIFS = 25     # bits of GTC, GTD, DAY
    IMMEDIATE_TIFS = 6      # bits of IOC, FOK

# A NEW and its terms; those of a plain one are 0. `trail_ppm` counts only in a special one.
cdef struct Entry:
    const Command *command
    const Terms *terms
    uint32_t trail_ppm

cdef inline bint is_market_type(uint8_t order_type) noexcept nogil:
    """Whether the price of an order is its protected limit."""
    return order_type == MARKET or order_type == MARKET_TO_LIMIT

cdef inline bint is_immediate(uint8_t tif) noexcept nogil:
    return tif == IOC or tif == FOK

cdef inline bint is_stop(const Entry *entry) noexcept nogil:
    """Whether a NEW waits for a trigger."""
    if entry.terms.stop_ticks != 0:
        return True
    return entry.command.order_type != PEGGED and (entry.terms.offset_ticks != 0 or entry.trail_ppm != 0)

cdef inline int action_of(const Entry *entry) noexcept nogil:
    """What the session states call a NEW."""
    cdef const Command *command = entry.command
    if command.tif == TIF_AUCTION:
        return ACTION_CALL
    if is_stop(entry):
        return ACTION_GATHER
    if is_immediate(command.tif) or is_market_type(command.order_type) or entry.terms.min_lots != 0:
        return ACTION_IMMEDIATE
    return ACTION_GATHER

cdef inline int tifs_of_type(uint8_t order_type, bint market_rests) noexcept nogil:
    """Bits of the times in force an order type may have."""
    if order_type == LIMIT:
        return 63
    if order_type == MARKET:
        return IMMEDIATE_TIFS | 32 | (1 if market_rests else 0)
    return GATHERING_TIFS

cdef inline bint terms_go_together(const Entry *entry) noexcept nogil:
    cdef const Command *command = entry.command
    cdef const Terms *terms = entry.terms
    cdef bint stop = is_stop(entry)
    cdef bint market = is_market_type(command.order_type)
    cdef bint pegged = command.order_type == PEGGED
    cdef bint immediate = is_immediate(command.tif)
    cdef bint in_auction = command.tif == TIF_AUCTION
    cdef bint limit_or_market = command.order_type == LIMIT or command.order_type == MARKET
    if terms.stp > STP_DECREMENT or terms.peg > PEG_PRIMARY or terms.trigger > TRIGGER_ANCHOR:
        return False
    if terms.hidden > 1 or terms.reduce_only > 1:
        return False
    if pegged != (terms.peg != PEG_NONE) or (pegged and entry.trail_ppm != 0):
        return False
    if terms.expire_ns != 0 and command.tif != GTD:
        return False
    if terms.display_lots != 0 and (terms.hidden or market or pegged or stop or immediate):
        return False
    if terms.hidden and (market or pegged or stop or immediate):
        return False
    if terms.min_lots != 0 and (not limit_or_market or stop or in_auction):
        return False
    if stop and (not limit_or_market or in_auction):
        return False
    if terms.trigger != 0 and not stop:
        return False
    if stop and (terms.stop_ticks != 0) + (terms.offset_ticks != 0) + (entry.trail_ppm != 0) > 1:
        return False
    if terms.reduce_only and (not limit_or_market or in_auction):
        return False
    if terms.amount_notional != 0 and (
        command.order_type != MARKET or command.tif != IOC or command.side != BUY or stop
    ):
        return False
    return not (terms.oco_order_id != 0 and (pegged or ((immediate or market) and not stop)))

cdef inline uint16_t refusal_of_entry(const Entry *entry, bint market_rests) noexcept nogil:
    """Test account, side, type, time in force and their combination, then the terms."""
    cdef const Command *command = entry.command
    if command.account == 0:
        return INVALID_ACCOUNT
    if command.side > SELL:
        return INVALID_SIDE
    if command.order_type > PEGGED:
        return INVALID_ORDER_TYPE
    if command.tif > TIF_AUCTION:
        return INVALID_TIF
    if not (tifs_of_type(command.order_type, market_rests) >> command.tif) & 1:
        return INVALID_COMBINATION
    return 0 if terms_go_together(entry) else INVALID_TERMS

cdef inline bint too_many_slices(int64_t qty_lots, int64_t display_lots) noexcept nogil:
    """Whether an iceberg would take more than ICEBERG_SLICES_MAX slices; False without a display. Both in range."""
    return display_lots != 0 and display_lots * ICEBERG_SLICES_MAX < qty_lots

cdef inline uint16_t refusal_of_ranges(const Entry *entry, int64_t now_ns) noexcept nogil:
    """Test quantity and terms against their ranges."""
    cdef const Command *command = entry.command
    cdef const Terms *terms = entry.terms
    if command.qty_lots < 1 or command.qty_lots > QTY_LOTS_MAX:
        return QTY_OUT_OF_RANGE
    if (
        terms.display_lots < 0
        or terms.display_lots > command.qty_lots
        or too_many_slices(command.qty_lots, terms.display_lots)
    ):
        return DISPLAY_OUT_OF_RANGE
    if terms.min_lots < 0 or terms.min_lots > command.qty_lots:
        return MIN_QTY_OUT_OF_RANGE
    if terms.amount_notional < 0:
        return AMOUNT_OUT_OF_RANGE
    if command.tif == GTD and terms.expire_ns < now_ns:
        return EXPIRY_OUT_OF_RANGE
    if command.order_type == PEGGED:
        if terms.offset_ticks < -PRICE_TICKS_MAX or terms.offset_ticks > PRICE_TICKS_MAX:
            return OFFSET_OUT_OF_RANGE
    elif (
        terms.stop_ticks < 0
        or terms.stop_ticks > PRICE_TICKS_MAX
        or terms.offset_ticks < 0
        or terms.offset_ticks > PRICE_TICKS_MAX
        or entry.trail_ppm > 1000000
    ):
        return STOP_OUT_OF_RANGE
    return 0
