"""The curve as two integer functions of price: the specification that the compiled twin must equal.

`n_bid(params, low_ticks, p)`: willing to pay p, the protocol buys until its cursor equals the result.
`n_ask(params, high_ticks, p)`: willing to receive p, it sells until its cursor equals the result.

Two axioms hold for every valid parameter set and every low_ticks <= high_ticks:

    M   both functions are non-increasing in p
    X   n_bid(p) <= n_ask(p)

Both functions round one real function F of (fair price m) / (anchor i): the bid rounds F down, the ask up,
and F rises with the anchor; that is why X holds. With S = PPM, K = k_ppm and E = 2**31:

    price -> fair price   g = p snapped to a multiple of rung_ticks, up for bids, down for asks;
                          bids: m = ceil(g*S / (S - spread)); asks: m = floor(g*S / (S + spread))
    PMM, m < i            U = sqrt(K*m / (i*S - m*(S-K))),  F = q0 * (1-U) * ((1 - K/S)*U + K/S) / U
    PMM, m = i            F = 0
    PMM, m > i            F = B0 * sqrt(K*i / (m*S - i*(S-K))) - B0
    PMM with K = 0        F = q0 below i, 0 at i, -B0 above: a constant price
    LINEAR, m <= i        F = par + (i-m)*S*D / (i*drop), D = q0; above i as PMM. Bids stop at the floor
                          i*(1 - drop/S): below it they buy what stood there and no more
    REDEMPTION            bids: F as LINEAR down to the floor, everything at and below it, nothing above i.
                          It never sells
    ABOVE_HIGH            any shape's asks: max_net_lots where g is below the anchor. That raises N_ask to its
                          greatest value on the cheap side, so M and X hold as before

U is held as a multiple of 1/E. Every intermediate is below 2**126 at the bounds i, p < 2**41 and lots < 2**32
(the largest, B0*B0*K*i, is below 2**125), because K*m <= i*S - m*(S-K) whenever m <= i.
"""

from __future__ import annotations

from math import isqrt
from typing import Final

from parbook.codes import AnchorMove, CurveResale, CurveShape, RejectCode
from parbook.errors import shown
from parbook.messages import CurveParams
from parbook.units import BUDGET_NOTIONAL_MAX, CURVE_LOTS_MAX, CURVE_PRICE_TICKS_MAX, PPM

_ONE: Final = 2**31
"""E: the fixed-point one of the root U."""
_SHAPES: Final = frozenset(int(shape) for shape in CurveShape)
_MOVES: Final = frozenset(int(move) for move in AnchorMove)
_RESALES: Final = frozenset(int(resale) for resale in CurveResale)
_SLOPED: Final = (CurveShape.LINEAR, CurveShape.REDEMPTION)


def floor_div(a: int, b: int) -> int:
    """Return a / b rounded towards minus infinity; b > 0."""
    return a // b


def ceil_div(a: int, b: int) -> int:
    """Return a / b rounded towards plus infinity; b > 0."""
    return -(-a // b)


def isqrt_floor(n: int) -> int:
    """Return the largest r with r*r <= n; n >= 0."""
    return isqrt(n)


def isqrt_ceil(n: int) -> int:
    """Return the smallest r with r*r >= n; n >= 0."""
    return isqrt(n - 1) + 1 if n else 0


def snap_up(price_ticks: int, rung_ticks: int) -> int:
    """Return the lowest multiple of `rung_ticks` at or above `price_ticks`."""
    return ceil_div(price_ticks, rung_ticks) * rung_ticks


def snap_down(price_ticks: int, rung_ticks: int) -> int:
    """Return the highest multiple of `rung_ticks` at or below `price_ticks`."""
    return floor_div(price_ticks, rung_ticks) * rung_ticks


def clamp(value: int, low: int, high: int) -> int:
    """Return `value` moved into [low, high]."""
    return max(low, min(value, high))


def curve_parameter_error(params: CurveParams) -> str | None:
    """Return why `params` are refused, naming field, value and range; None when they are valid. O(1)."""
    if _not_int(params.shape) or params.shape not in _SHAPES:
        return f"shape={shown(params.shape)} is none of {sorted(_SHAPES)}"
    if _not_int(params.anchor_move) or params.anchor_move not in _MOVES:
        return f"anchor_move={shown(params.anchor_move)} is none of {sorted(_MOVES)}"
    if _not_int(params.resale) or params.resale not in _RESALES:
        return f"resale={shown(params.resale)} is none of {sorted(_RESALES)}"
    sloped = params.shape in _SLOPED
    ranges = (
        ("base_depth_lots", 1, CURVE_LOTS_MAX),
        ("quote_depth_lots", 1 if sloped else 0, CURVE_LOTS_MAX),
        ("budget_notional", 0, BUDGET_NOTIONAL_MAX),
        ("k_ppm", 0, PPM),
        ("spread_ppm", 0, PPM // 2),
        ("rung_ticks", 1, CURVE_PRICE_TICKS_MAX),
        ("par_lots", 0, CURVE_LOTS_MAX),
        ("drop_ppm", 1 if sloped else 0, PPM - 1),
        ("max_net_lots", 0, CURVE_LOTS_MAX),
        ("activation_delay_ns", 0, 2**62),
        ("lift_max_lots", 0, CURVE_LOTS_MAX),
    )
    for name, low, high in ranges:
        value = getattr(params, name)
        if _not_int(value) or not low <= value <= high:
            return f"{name}={shown(value)} is outside {low}..{high}"
    low = 1 - params.base_depth_lots
    if _not_int(params.min_net_lots) or not low <= params.min_net_lots <= 0:
        return f"min_net_lots={shown(params.min_net_lots)} is outside {low}..0"
    return None


def validate(params: CurveParams) -> RejectCode | None:
    """Return the code that refuses `params`, or None. `curve_parameter_error` says why. O(1)."""
    return None if curve_parameter_error(params) is None else RejectCode.CURVE_PARAMETER


def n_bid(params: CurveParams, low_ticks: int, price_ticks: int) -> int:
    """Return the cursor up to which the curve buys at `price_ticks` (1 or more), in lots. O(1).

    Rounded down throughout: it buys no lot that the exact curve would not buy at that price. The formula
    holds beyond CURVE_PRICE_TICKS_MAX too, where snapping may lead; compiled ladders have no rung there.
    """
    price = snap_up(price_ticks, params.rung_ticks)
    if params.shape == CurveShape.LINEAR:
        price = max(price, _linear_floor_rung(params, low_ticks))
    fair = ceil_div(price * PPM, PPM - params.spread_ppm)
    if params.shape == CurveShape.REDEMPTION:
        lots = _redemption_lots_floor(params, low_ticks, fair)
    elif params.shape == CurveShape.LINEAR and fair <= low_ticks:
        lots = params.par_lots + floor_div(*_slope(params, low_ticks, fair))
    else:
        lots = _pmm_lots_floor(params, low_ticks, fair)
    return clamp(lots, params.min_net_lots, params.max_net_lots)


def n_ask(params: CurveParams, high_ticks: int, price_ticks: int) -> int:
    """Return the cursor down to which the curve sells at `price_ticks` (0 or more), in lots. O(1).

    Rounded up throughout: it sells no lot that the exact curve would keep at that price. A price below the
    first rung sells nothing (max_net_lots), and so does REDEMPTION at every price. LINEAR's slope goes on
    below the floor for asks, so that nothing bought there is ever offered more cheaply. With ABOVE_HIGH a rung
    below `high_ticks` sells nothing either, whatever was paid for what the curve holds.
    """
    if params.shape == CurveShape.REDEMPTION:
        return params.max_net_lots
    price = snap_down(price_ticks, params.rung_ticks)
    fair = floor_div(price * PPM, PPM + params.spread_ppm)
    if fair == 0 or (params.resale == CurveResale.ABOVE_HIGH and price < high_ticks):
        return params.max_net_lots
    if params.shape == CurveShape.LINEAR and fair <= high_ticks:
        lots = params.par_lots + ceil_div(*_slope(params, high_ticks, fair))
    else:
        lots = _pmm_lots_ceil(params, high_ticks, fair)
    return clamp(lots, params.min_net_lots, params.max_net_lots)


def _not_int(value: object) -> bool:
    return isinstance(value, bool) or not isinstance(value, int)


def _slope(params: CurveParams, anchor: int, fair: int) -> tuple[int, int]:
    """Return numerator and denominator of the lots between par and `fair`; fair <= anchor."""
    return (anchor - fair) * PPM * params.quote_depth_lots, anchor * params.drop_ppm


def _linear_floor_rung(params: CurveParams, anchor: int) -> int:
    """Return the lowest rung price whose fair price is at or above the floor anchor * (1 - drop)."""
    floor_fair = ceil_div(anchor * (PPM - params.drop_ppm), PPM)
    # ceil(g*S / (S-spread)) >= floor_fair  <=>  g*S > (floor_fair - 1) * (S-spread)
    price = floor_div((floor_fair - 1) * (PPM - params.spread_ppm), PPM) + 1
    return snap_up(price, params.rung_ticks)


def _redemption_lots_floor(params: CurveParams, anchor: int, fair: int) -> int:
    if fair > anchor:
        return params.min_net_lots
    if fair * PPM <= anchor * (PPM - params.drop_ppm):
        return params.max_net_lots
    return params.par_lots + floor_div(*_slope(params, anchor, fair))


def _pmm_lots_floor(params: CurveParams, anchor: int, fair: int) -> int:
    """Return PMM's F rounded down; a larger root U means fewer lots, so U is rounded up."""
    k, base, quote = params.k_ppm, params.base_depth_lots, params.quote_depth_lots
    if fair == anchor:
        return 0
    if k == 0:
        return quote if fair < anchor else -base
    if fair > anchor:
        return isqrt_floor(floor_div(base * base * k * anchor, fair * PPM - anchor * (PPM - k))) - base
    u = min(_ONE, isqrt_ceil(ceil_div(k * fair * _ONE**2, anchor * PPM - fair * (PPM - k))))
    return floor_div(quote * (_ONE - u) * ((PPM - k) * u + k * _ONE), PPM * u * _ONE)


def _pmm_lots_ceil(params: CurveParams, anchor: int, fair: int) -> int:
    """Return PMM's F rounded up; the mirror of `_pmm_lots_floor`, every rounding turned around."""
    k, base, quote = params.k_ppm, params.base_depth_lots, params.quote_depth_lots
    if fair == anchor:
        return 0
    if k == 0:
        return quote if fair < anchor else -base
    if fair > anchor:
        return isqrt_ceil(ceil_div(base * base * k * anchor, fair * PPM - anchor * (PPM - k))) - base
    u = min(_ONE, isqrt_floor(floor_div(k * fair * _ONE**2, anchor * PPM - fair * (PPM - k))))
    return ceil_div(quote * (_ONE - u) * ((PPM - k) * u + k * _ONE), PPM * u * _ONE)
