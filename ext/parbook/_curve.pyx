"""Compiled twin of parbook.curve: the same formulas in 128-bit integers, the same rungs.

`parbook.curve.shapes` states the formulas, their roundings and why no intermediate exceeds 126 bits;
`parbook.curve.compile` states which rungs are kept. Only what differs from them is explained here.
"""
cimport cython
from libc.math cimport sqrt
from libc.stdint cimport int64_t, uint64_t

from parbook.codes import RejectCode
from parbook.curve.ladder import Ladder as LadderStruct
from parbook.curve.ladder import Rung
from parbook.errors import MisuseError
from parbook.units import checked_int

cdef extern from *:
    """
    typedef unsigned __int128 parbook_u128;
    """
    # Cython only needs to know that this is an unsigned integer; C knows how wide it is.
    ctypedef unsigned long long u128 "parbook_u128"

cdef enum:
    PMM = 1
    LINEAR = 2
    REDEMPTION = 3
    CLIP = 0
    LIFT = 1
    ALONG = 0
    ABOVE_HIGH = 1
    CURVE_PARAMETER = 54
    S = 1000000
    ROOT_BITS = 31
    MAX_RUNGS_BEHIND = 64

cdef int64_t LOTS_MAX = (<int64_t> 1 << 32) - 1
cdef int64_t PRICE_MAX = (<int64_t> 1 << 41) - 1
cdef int64_t WIDE_MAX = <int64_t> 1 << 62


# --- integer arithmetic; every operand is non-negative ---------------------------------------------

@cython.cdivision(True)
cdef inline u128 divide(u128 a, u128 b, bint up) noexcept nogil:
    """Return a / b, rounded up or down; b > 0."""
    if up:
        return (a + (b - 1)) / b
    return a / b


@cython.cdivision(True)
cdef inline u128 root(u128 n, bint up) noexcept nogil:
    """Return the square root of n < 2**126, rounded up or down, exactly.

    The float root is within 2**11 of the true one; one Newton step brings that to 1, integer steps to 0.
    """
    cdef u128 r = <u128> sqrt(<double> n)
    if n >> 64 and r:
        r = (r + n / r) >> 1
    while r * r > n:
        r -= 1
    while (r + 1) * (r + 1) <= n:
        r += 1
    if up and r * r < n:
        r += 1
    return r


cdef inline int64_t clamp(u128 plus, u128 minus, int64_t low, int64_t high) noexcept nogil:
    """Return plus - minus moved into [low, high]; low <= 0 <= high."""
    if plus >= minus:
        return high if plus - minus > <u128> high else <int64_t> (plus - minus)
    return low if minus - plus > <u128> (-low) else -<int64_t> (minus - plus)


# --- the two functions -----------------------------------------------------------------------------
# One body serves both: `up` is false for N_bid and true for N_ask. A root in a denominator turns round.

cdef struct Quotes:
    const CurveParams *params
    int64_t anchor
    int64_t floor_rung      # LINEAR bids buy nothing below this price; 0 elsewhere
    int64_t top             # highest grid index
    int64_t end             # highest index of `value` at which there may be a rung: below the top for ABOVE_HIGH asks
    bint ask


cdef inline int64_t pmm_lots(const CurveParams *params, u128 anchor, u128 fair, bint up) noexcept nogil:
    cdef u128 k = <u128> params.k_ppm
    cdef u128 base = <u128> params.base_depth_lots
    cdef u128 quote = <u128> params.quote_depth_lots
    cdef u128 one = <u128> 1 << ROOT_BITS
    cdef u128 u, lots
    if fair == anchor:
        return 0
    if k == 0:
        if fair < anchor:
            return clamp(quote, 0, params.min_net_lots, params.max_net_lots)
        return clamp(0, base, params.min_net_lots, params.max_net_lots)
    if fair > anchor:
        lots = root(divide(base * base * k * anchor, (fair - anchor) * S + anchor * k, up), up)
        return clamp(lots, base, params.min_net_lots, params.max_net_lots)
    u = root(divide((k * fair) << (2 * ROOT_BITS), (anchor - fair) * S + fair * k, not up), not up)
    if u > one:
        u = one
    # / (S*u*E) in two steps: floor of floor and ceil of ceil are exact.
    lots = divide(quote * (one - u) * ((S - k) * u + (k << ROOT_BITS)), one, up)
    return clamp(divide(lots, u * S, up), 0, params.min_net_lots, params.max_net_lots)


cdef inline int64_t sloped_lots(const CurveParams *params, u128 anchor, u128 fair, bint up) noexcept nogil:
    cdef u128 rise = divide(
        (anchor - fair) * S * <u128> params.quote_depth_lots, anchor * <u128> params.drop_ppm, up
    )
    return clamp(<u128> params.par_lots + rise, 0, params.min_net_lots, params.max_net_lots)


cdef int64_t lots_at(const Quotes *quotes, int64_t price) noexcept nogil:
    """Return N_bid or N_ask at a grid price of 0 or more."""
    cdef const CurveParams *params = quotes.params
    cdef bint up = quotes.ask
    cdef u128 anchor = <u128> quotes.anchor
    cdef u128 fair
    if price < quotes.floor_rung:
        price = quotes.floor_rung
    if up:
        fair = divide(<u128> price * S, <u128> (S + params.spread_ppm), False)
        if fair == 0 or params.shape == REDEMPTION:
            return params.max_net_lots
    else:
        fair = divide(<u128> price * S, <u128> (S - params.spread_ppm), True)
        if params.shape == REDEMPTION:
            if fair > anchor:
                return params.min_net_lots
            if fair * S <= anchor * <u128> (S - params.drop_ppm):
                return params.max_net_lots
    if params.shape != PMM and fair <= anchor:
        return sloped_lots(params, anchor, fair, up)
    return pmm_lots(params, anchor, fair, up)


cdef int64_t linear_floor_rung(const CurveParams *params, int64_t anchor) noexcept nogil:
    cdef u128 fair = divide(<u128> anchor * <u128> (S - params.drop_ppm), S, True)
    cdef u128 price = divide((fair - 1) * <u128> (S - params.spread_ppm), S, False) + 1
    return <int64_t> (divide(price, <u128> params.rung_ticks, True) * <u128> params.rung_ticks)


# --- the compiler ----------------------------------------------------------------------------------
# As in the specification, asks become bids by counting the grid downwards and lots negatively.

@cython.cdivision(True)
cdef void quotes_init(Quotes *quotes, const CurveParams *params, int64_t anchor, bint ask) noexcept nogil:
    quotes.params = params
    quotes.anchor = anchor
    quotes.ask = ask
    quotes.top = PRICE_MAX / params.rung_ticks
    quotes.end = quotes.top
    quotes.floor_rung = 0
    if ask:
        if params.resale == ABOVE_HIGH:
            # Rungs below the anchor are left out of the mirrored grid, so that no formula has to ask for them.
            quotes.end = quotes.top - (anchor - 1) / params.rung_ticks
    elif params.shape == LINEAR:
        quotes.floor_rung = linear_floor_rung(params, anchor)


cdef inline int64_t value(const Quotes *quotes, int64_t index) noexcept nogil:
    cdef const CurveParams *params = quotes.params
    if quotes.ask:
        if index > quotes.end:
            return -params.max_net_lots
        return -lots_at(quotes, (quotes.top + 1 - index) * params.rung_ticks)
    if index > quotes.end:
        return params.min_net_lots
    return lots_at(quotes, index * params.rung_ticks)


cdef inline bint holds(int64_t lots, int64_t bound, int step) noexcept nogil:
    """Walking down the grid: at most `bound`; walking up: at least `bound`."""
    return lots <= bound if step < 0 else lots >= bound


cdef int64_t last_where(
    const Quotes *quotes, int64_t bound, int64_t start, int64_t end, int64_t guess, int64_t *beyond
) noexcept nogil:
    """Return the last index from `start` towards `end` that holds `bound`; `beyond` gets the next one's value.

    Gallops from the distance `guess`, then bisects. The spacing of rungs changes so evenly that going on
    from the last two finds most of them in a few steps; a wrong guess costs time, never correctness.
    `beyond` is left alone when everything to `end` holds.
    """
    cdef int step = 1 if end >= start else -1
    cdef int64_t reach = (end - start) * step
    cdef int64_t good = 0, bad = reach + 1, stride = 1, lots
    cdef int64_t probe = min(max(guess, 1), reach)
    cdef bint galloping = True
    while bad - good > 1:
        lots = value(quotes, start + step * probe)
        if holds(lots, bound, step):
            good = probe
            galloping = galloping and bad > reach
            probe = good + stride
        else:
            bad = probe
            beyond[0] = lots
            galloping = galloping and good == 0
            probe = bad - stride
        stride *= 2
        if not galloping or probe <= good:
            galloping = False
            probe = good + ((bad - good) >> 1)
        elif probe > reach:
            probe = reach
    return start + step * good


cdef int window(const Quotes *quotes, int64_t net_lots, int64_t *prices, int64_t *lots) noexcept nogil:
    """Write the chosen rungs, best first, as grid indices and values of `value`; return how many."""
    cdef int64_t start = value(quotes, quotes.end + 1)
    cdef int64_t bound = start if net_lots < start else net_lots
    cdef int64_t near[MAX_RUNGS_BEHIND]
    cdef int64_t near_lots[MAX_RUNGS_BEHIND]
    cdef int64_t anchor_index = grid_index(quotes, quotes.anchor)
    cdef int64_t next_lots = start, held, index, found, gap, last_gap, guess
    cdef int behind = 0, count = 0
    cdef int64_t edge = last_where(quotes, bound, quotes.end + 1, 1, quotes.end + 1 - anchor_index, &next_lots)

    index = edge
    held = value(quotes, index)
    gap = guess = 1
    while held > start and behind < MAX_RUNGS_BEHIND:
        next_lots = start
        found = last_where(quotes, held, index, quotes.end, guess, &next_lots)
        near[behind] = found
        near_lots[behind] = held
        behind += 1
        last_gap, gap = gap, found + 1 - index
        guess = 2*gap - last_gap
        index = found + 1
        held = next_lots
    while count < behind:
        prices[count] = near[behind - 1 - count]
        lots[count] = near_lots[behind - 1 - count]
        count += 1

    index = edge - 1
    held = value(quotes, index) if index > 0 else 0
    gap = guess = 1
    while index > 0 and count < MAX_RUNGS:
        prices[count] = index
        lots[count] = held
        count += 1
        found = last_where(quotes, held, index, 1, guess, &held)
        last_gap, gap = gap, index + 1 - found
        guess = 2*gap - last_gap
        index = found - 1
    return count


@cython.cdivision(True)
cdef inline int64_t grid_index(const Quotes *quotes, int64_t price) noexcept nogil:
    """Return an index `value` understands near `price`, in 1..top."""
    cdef int64_t index = price / quotes.params.rung_ticks
    if index < 1:
        index = 1
    return quotes.top + 1 - index if quotes.ask else index


cdef void curve_compile(
    const CurveParams *params, int64_t low_ticks, int64_t high_ticks, int64_t net_lots, Ladder *out
) noexcept nogil:
    cdef Quotes quotes
    cdef int i
    quotes_init(&quotes, params, low_ticks, False)
    out.bids = window(&quotes, net_lots, out.bid_price, out.bid_lots)
    for i in range(out.bids):
        out.bid_price[i] *= params.rung_ticks
    quotes_init(&quotes, params, high_ticks, True)
    out.asks = window(&quotes, -net_lots, out.ask_price, out.ask_lots)
    for i in range(out.asks):
        out.ask_price[i] = (quotes.top + 1 - out.ask_price[i]) * params.rung_ticks
        out.ask_lots[i] = -out.ask_lots[i]


cdef inline bint within(int64_t number, int64_t low, int64_t high) noexcept nogil:
    return low <= number <= high


cdef int curve_validate(const CurveParams *params) noexcept nogil:
    cdef bint sloped = params.shape == LINEAR or params.shape == REDEMPTION
    if (
        (sloped or params.shape == PMM)
        and (params.anchor_move == CLIP or params.anchor_move == LIFT)
        and (params.resale == ALONG or params.resale == ABOVE_HIGH)
        and within(params.base_depth_lots, 1, LOTS_MAX)
        and within(params.quote_depth_lots, 1 if sloped else 0, LOTS_MAX)
        and within(params.budget_notional, 0, WIDE_MAX)
        and within(params.k_ppm, 0, S)
        and within(params.spread_ppm, 0, S // 2)
        and within(params.rung_ticks, 1, PRICE_MAX)
        and within(params.par_lots, 0, LOTS_MAX)
        and within(params.drop_ppm, 1 if sloped else 0, S - 1)
        and within(params.min_net_lots, 1 - params.base_depth_lots, 0)
        and within(params.max_net_lots, 0, LOTS_MAX)
        and within(params.activation_delay_ns, 0, WIDE_MAX)
        and within(params.lift_max_lots, 0, LOTS_MAX)
    ):
        return 0
    return CURVE_PARAMETER


# --- for Python ------------------------------------------------------------------------------------

cdef bint fill(CurveParams *out, object params):
    """Copy a CurveParams Struct; return False when a field is no int or does not fit its C field."""
    for name, bits in _FIELD_BITS:
        number = getattr(params, name)
        if isinstance(number, bool) or not isinstance(number, int):
            return False
        if not (0 <= number < 256 if bits == 8 else -(1 << 63) <= number < (1 << 63)):
            return False
    out.shape = params.shape
    out.anchor_move = params.anchor_move
    out.resale = params.resale
    out.base_depth_lots = params.base_depth_lots
    out.quote_depth_lots = params.quote_depth_lots
    out.budget_notional = params.budget_notional
    out.k_ppm = params.k_ppm
    out.spread_ppm = params.spread_ppm
    out.rung_ticks = params.rung_ticks
    out.par_lots = params.par_lots
    out.drop_ppm = params.drop_ppm
    out.min_net_lots = params.min_net_lots
    out.max_net_lots = params.max_net_lots
    out.activation_delay_ns = params.activation_delay_ns
    out.lift_max_lots = params.lift_max_lots
    out.ts_ns = 0
    return True


_FIELD_BITS = tuple(
    (name, 8 if name in ("shape", "anchor_move", "resale") else 64)
    for name in (
        "shape", "anchor_move", "base_depth_lots", "quote_depth_lots", "budget_notional", "k_ppm", "spread_ppm",
        "rung_ticks", "par_lots", "drop_ppm", "min_net_lots", "max_net_lots", "activation_delay_ns", "lift_max_lots",
        "resale",
    )
)


def validate(params):
    """Return the RejectCode that refuses `params`, or None."""
    cdef CurveParams c_params
    if not fill(&c_params, params):
        return RejectCode.CURVE_PARAMETER
    code = curve_validate(&c_params)
    return RejectCode(code) if code else None


def compile_ladder(params, low_ticks, high_ticks, net_lots):
    """Return the Ladder that parbook.curve.compile_ladder returns for the same arguments."""
    cdef CurveParams c_params
    cdef Ladder ladder
    if not fill(&c_params, params) or curve_validate(&c_params):
        raise MisuseError(f"{params} is not a valid curve; parbook.curve.curve_parameter_error says why.")
    checked_int(low_ticks, "low_ticks", 1, PRICE_MAX)
    checked_int(high_ticks, "high_ticks", low_ticks, PRICE_MAX)
    checked_int(net_lots, "net_lots", -LOTS_MAX, LOTS_MAX)
    curve_compile(&c_params, low_ticks, high_ticks, net_lots, &ladder)
    return LadderStruct(
        bids=tuple([Rung(ladder.bid_price[i], ladder.bid_lots[i]) for i in range(ladder.bids)]),
        asks=tuple([Rung(ladder.ask_price[i], ladder.ask_lots[i]) for i in range(ladder.asks)]),
    )


def square_root(n, up):
    """Return the square root of n, 0 <= n < 2**126, rounded down, or up when `up` is true."""
    checked_int(n, "n", 0, (1 << 126) - 1)
    cdef u128 wide = (<u128> <uint64_t> (n >> 64) << 64) | <uint64_t> (n & 0xFFFFFFFFFFFFFFFF)
    return <uint64_t> root(wide, up)
