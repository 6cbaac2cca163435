"""The redemption curve of the anchored token as an exact integer payment function.

On a supply of Y tokens backed by A < Y, all measured from the anchor (the state in which nothing was redeemed):

    price(X) = 1                        for X <= Xu                       par
               1 - alpha (X - Xu) / Y   for Xu < X <= Xu + U              a slope
               1 - alpha U / Y          beyond                            pro rata: what is left for each who is left
    alpha    = max(slope, least); least = 2 (1 - r) for r = A / Y >= (1 + floor) / 2,
               (1-floor)^2 / (2 (r - floor)) below
    Xu       = Y - sqrt(2 (Y-A) Y / alpha)                              when the slope ends above the floor
               Y - (Y-A) / (1-floor) - Y (1-floor) / (2 alpha)          when it reaches it
               and at most the par share of Y
    U        = W - sqrt(W^2 - 2 (Y-A) Y / alpha), W = Y - Xu            so that all of A is paid when X = Y
    r >= 1: par for all; r <= floor: r for all

Source: the primary-market AMM of Gyroscope (Klages-Mundt and Schuldenzucker, "Designing autonomous markets for
stablecoin monetary policy", 2022). Paid(X) is the integral, held as X minus a shortfall that is rounded up once; a
redemption pays Paid(x + d) - Paid(x). It telescopes: splitting changes nothing, and all together get at most A. Roots
and thresholds are held as multiples of 2**-96 micro, rounded so that the shortfall is never too small; what everybody
together gets lies at most 2 micro below A.
"""

from __future__ import annotations

from math import isqrt
from typing import Final, NamedTuple

from parbook.anchored.terms import CurveTerms
from parbook.pools.amounts import E12, Rounding, divide

_FINE: Final = 2**96


class Shape(NamedTuple):
    """The curve of one anchor. `par` and `width` are Xu and U in 2**-96 micro; the slope is a fraction."""

    slope_over: int
    slope_under: int
    par: int
    width: int


def _ceil(numerator: int, denominator: int) -> int:
    return divide(numerator, denominator, Rounding.CEIL)


def _root_ceil(n: int) -> int:
    return isqrt(n - 1) + 1 if n > 0 else 0


def shape_of(terms: CurveTerms, backing_micro: int, supply_micro: int) -> Shape:
    """Return the curve of an anchor whose ratio lies between floor and 1. O(1)."""
    a, y = backing_micro, supply_micro
    lack, drop = y - a, E12 - terms.floor_e12
    if 2 * a * E12 >= (E12 + terms.floor_e12) * y:
        over, under = 2 * lack, y
    else:
        over, under = drop * drop * y, 2 * E12 * (a * E12 - terms.floor_e12 * y)
    if terms.slope_e12 * under > over * E12:
        over, under = terms.slope_e12, E12
    # Twice the lack over the slope: the square of the width that a slope down to the end would have.
    square = _ceil(2 * lack * y * under * _FINE**2, over)
    most = terms.par_e12 * y * _FINE // E12
    if 2 * lack * over * E12 * E12 <= drop * drop * y * under:
        par = y * _FINE - _root_ceil(square)
        width = y * _FINE - max(par, 0)
    else:
        half = _ceil(y * drop * under * _FINE, 2 * E12 * over)
        par = y * _FINE - _ceil(lack * E12 * _FINE, drop) - half
        width = 2 * half
    par = max(par, 0)
    if par > most:
        par, left = most, y * _FINE - most
        width = left - isqrt(max(left * left - square, 0))
    return Shape(over, under, par, min(width, y * _FINE - par))


def paid_micro(terms: CurveTerms, backing_micro: int, supply_micro: int, redeemed_micro: int) -> int:
    """Return what the first `redeemed_micro` of `supply_micro` tokens get together, rounded down. O(1).

    Never more than `redeemed_micro`, and never more than `backing_micro`.
    """
    if backing_micro >= supply_micro:
        return redeemed_micro
    if backing_micro * E12 <= terms.floor_e12 * supply_micro:
        return divide(backing_micro * redeemed_micro, supply_micro, Rounding.FLOOR)
    shape = shape_of(terms, backing_micro, supply_micro)
    behind = max(redeemed_micro * _FINE - shape.par, 0)
    sloped = min(behind, shape.width)
    lack = shape.slope_over * sloped * (2 * behind - sloped)
    return redeemed_micro - _ceil(lack, 2 * supply_micro * shape.slope_under * _FINE**2)


def marginal_e12(terms: CurveTerms, backing_micro: int, supply_micro: int, redeemed_micro: int) -> int:
    """Return what the next token gets, rounded down. O(1)."""
    if backing_micro >= supply_micro:
        return E12
    if backing_micro * E12 <= terms.floor_e12 * supply_micro:
        return divide(backing_micro * E12, supply_micro, Rounding.FLOOR)
    shape = shape_of(terms, backing_micro, supply_micro)
    sloped = min(max(redeemed_micro * _FINE - shape.par, 0), shape.width)
    return E12 - _ceil(E12 * shape.slope_over * sloped, supply_micro * shape.slope_under * _FINE)


def anchor_micro(terms: CurveTerms, backing_micro: int, supply_micro: int, redeemed_micro: int) -> int:
    """Return the backing at the anchor of a state: the largest A with A - Paid_A(redeemed) <= backing.

    With it what is there covers what the curve still promises to those who stay. O(log redeemed) payments.
    """
    if backing_micro >= supply_micro:
        return backing_micro + redeemed_micro
    whole = supply_micro + redeemed_micro
    low, high = backing_micro, backing_micro + redeemed_micro
    while low < high:
        middle = (low + high + 1) // 2
        if middle - paid_micro(terms, middle, whole, redeemed_micro) <= backing_micro:
            low = middle
        else:
            high = middle - 1
    return low
