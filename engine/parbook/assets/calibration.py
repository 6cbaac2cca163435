"""Default rates by grade from a tape of loans that ended, with intervals that say how little a few loans tell.

Two intervals, both for `k` defaults of `n`: Wilson's (1927), whose coverage is right on average and which is what to
plot; Clopper and Pearson's (1934), which never covers less than it says and is what to price by. Ours are a page of
code and agree with their published values; the libraries that have them (scipy, statsmodels) weigh a hundred times
that at run time. See docs/decisions/0034.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import NormalDist

import msgspec

from parbook.errors import AssetError
from parbook.pools.amounts import E12, require_int

LOANS_MAX = 10**9
"""Most loans of a grade; the tails of the binomial are summed in logarithms and stay exact to 1e-9 up to here."""


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A rate with its interval, in 1e-12; the bounds are rounded outward."""

    rate_e12: int
    low_e12: int
    high_e12: int


class GradeRate(msgspec.Struct, frozen=True, kw_only=True):
    """What a tape says about one grade. `smooth_e12` is the rate after worse grades may not default less."""

    grade: str
    loans: int
    defaults: int
    wilson: Interval
    exact: Interval
    smooth_e12: int


def wilson(defaults: int, loans: int, confidence_e12: int = 95 * E12 // 100) -> Interval:
    """Return Wilson's score interval."""
    _check(defaults, loans, confidence_e12)
    z = NormalDist().inv_cdf(0.5 + confidence_e12 / E12 / 2)
    p = defaults / loans
    centre = (p + z * z / (2 * loans)) / (1 + z * z / loans)
    half = z / (1 + z * z / loans) * math.sqrt(p * (1 - p) / loans + z * z / (4 * loans * loans))
    return _interval(defaults, loans, centre - half if defaults else 0.0, centre + half if defaults < loans else 1.0)


def clopper_pearson(defaults: int, loans: int, confidence_e12: int = 95 * E12 // 100) -> Interval:
    """Return the exact interval: the rates at which so many defaults, or so few, have half the rest's probability."""
    _check(defaults, loans, confidence_e12)
    tail = (1 - confidence_e12 / E12) / 2
    low = _bisected(lambda p: at_least(defaults, loans, p), tail) if defaults else 0.0
    high = _bisected(lambda p: 1 - at_least(defaults + 1, loans, p), tail) if defaults < loans else 1.0
    return _interval(defaults, loans, low, high)


def at_least(count: int, loans: int, p: float) -> float:
    """Return the probability of `count` defaults or more among `loans` that each default with probability p.

    Terms fall off on both sides of the mean; those below 1e-18 of the largest are left out.
    """
    if count <= 0 or p >= 1:
        return 1.0
    if p <= 0 or count > loans:
        return 0.0
    start = max(count, min(loans, round(p * loans)))
    odds = p / (1 - p)
    total, ratio = 0.0, 1.0
    for number in range(start, loans + 1):
        total += ratio
        ratio *= (loans - number) / (number + 1) * odds
        if ratio < 1e-18:
            break
    ratio = 1.0
    for number in range(start, count, -1):
        ratio *= number / (loans - number + 1) / odds
        total += ratio
        if ratio < 1e-18:
            break
    return min(total * math.exp(_log_term(start, loans, p)), 1.0)


def grade_rates(
    counts: Mapping[str, tuple[int, int]], order: Sequence[str], confidence_e12: int = 95 * E12 // 100
) -> list[GradeRate]:
    """Return a rate for each grade of `order`, best first; `counts` holds (defaults, loans)."""
    missing = [grade for grade in order if grade not in counts] + [grade for grade in counts if grade not in order]
    if missing:
        raise AssetError("calibration", f"grades {missing} are counted or ordered alone", "Name the same grades twice.")
    smooth = monotone([counts[grade] for grade in order])
    return [
        GradeRate(
            grade=grade,
            loans=counts[grade][1],
            defaults=counts[grade][0],
            wilson=wilson(*counts[grade], confidence_e12),
            exact=clopper_pearson(*counts[grade], confidence_e12),
            smooth_e12=rate,
        )
        for grade, rate in zip(order, smooth, strict=True)
    ]


def monotone(counts: Sequence[tuple[int, int]]) -> list[int]:
    """Return rates in 1e-12 that never fall: neighbours that violate it are pooled (isotonic regression, PAVA)."""
    blocks: list[tuple[int, int, int]] = []
    for defaults, loans in counts:
        blocks.append((defaults, loans, 1))
        while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] > blocks[-1][0] * blocks[-2][1]:
            last, before = blocks.pop(), blocks.pop()
            blocks.append((before[0] + last[0], before[1] + last[1], before[2] + last[2]))
    return [round(defaults * E12 / loans) for defaults, loans, width in blocks for _ in range(width)]


def annual_pd_e12(lifetime_e12: int, months: int) -> int:
    """Return the yearly PD that makes a share of loans default within `months`, hazards being equal; to the nearest."""
    require_int("calibration", "lifetime_e12", lifetime_e12, 0, E12)
    require_int("calibration", "months", months, 1, 1200)
    if lifetime_e12 == E12:
        return E12
    return round(-math.expm1(12 / months * math.log1p(-lifetime_e12 / E12)) * E12)


def _check(defaults: int, loans: int, confidence_e12: int) -> None:
    require_int("calibration", "loans", loans, 1, LOANS_MAX)
    require_int("calibration", "defaults", defaults, 0, loans)
    require_int("calibration", "confidence_e12", confidence_e12, E12 // 2, E12 - 1000)


def _interval(defaults: int, loans: int, low: float, high: float) -> Interval:
    return Interval(
        rate_e12=round(defaults * E12 / loans),
        low_e12=max(math.floor(low * E12), 0),
        high_e12=min(math.ceil(high * E12), E12),
    )


def _bisected(tail: Callable[[float], float], target: float) -> float:
    """Return where a monotone function of 0..1 takes a value."""
    low, high, rising = 0.0, 1.0, tail(1.0) > tail(0.0)
    for _ in range(60):
        middle = (low + high) / 2
        if (tail(middle) < target) is rising:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _log_term(count: int, loans: int, p: float) -> float:
    ways = math.lgamma(loans + 1) - math.lgamma(count + 1) - math.lgamma(loans - count + 1)
    return ways + count * math.log(p) + (loans - count) * math.log1p(-p)
