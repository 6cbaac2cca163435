"""From several bands to one: medians, agreement, caps. Pure functions of integers.

For an even number of observations low and mid are the lower of the two in the middle, high the upper one: the curve
never buys dearer nor sells cheaper for it. Fewer liars than half the observations cannot move a median beyond what
the others say, in either direction (its breakdown point, Donoho and Huber 1983).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from parbook.oracle.state import Band, Flaw, Mark
from parbook.oracle.terms import FeedTerms
from parbook.pools.amounts import Rounding, divide
from parbook.units import PPM


def median_band(bands: Sequence[Band]) -> Band:
    """Return the medians of low, mid and high; at least one band. low <= mid <= high holds if it holds for each.

    O(n log n).
    """
    lower, upper = (len(bands) - 1) // 2, len(bands) // 2
    return Band(
        low_nano=sorted(band.low_nano for band in bands)[lower],
        mid_nano=sorted(band.mid_nano for band in bands)[lower],
        high_nano=sorted(band.high_nano for band in bands)[upper],
    )


def too_wide(band: Band, confidence_max_ppm: int) -> bool:
    """Return whether (high - low) / mid exceeds the limit; exactly at it does not."""
    return (band.high_nano - band.low_nano) * PPM > confidence_max_ppm * band.mid_nano


def agreeing(bands: Sequence[Band], mid_nano: int, divergence_max_ppm: int) -> int:
    """Return how many mids lie within the limit of `mid_nano`; exactly at it does."""
    return sum(abs(band.mid_nano - mid_nano) * PPM <= divergence_max_ppm * mid_nano for band in bands)


def flaw_of(bands: Sequence[Band], terms: FeedTerms) -> Flaw:
    """Return why these bands make no round, NONE if they make one.

    Outliers stay in the median, which they cannot move far: to leave them out would let whoever is near the middle
    decide who counts. But a quorum must agree.
    """
    if len(bands) < terms.quorum:
        return Flaw.NO_QUORUM
    median = median_band(bands)
    if agreeing(bands, median.mid_nano, terms.divergence_max_ppm) < terms.quorum:
        return Flaw.DIVERGED
    return Flaw.WIDE if too_wide(median, terms.confidence_max_ppm) else Flaw.NONE


def capped(raw: Band, trail: Sequence[Mark], at_ns: int, terms: FeedTerms) -> Band:
    """Return what of `raw` may take effect at `at_ns` after the rounds of `trail`, oldest first.

    Each price stays within `cap_ppm` of the last round and within `cap_reference_ppm` of every round of the last
    `reference_age_ns` and of the last one before that (the reference). The latter includes the price a slow walk began
    at, wherever in the day it was; a cap against the reference alone would allow twice the move from trough to peak.
    The last round always keeps its place, so that there always is an answer. Moves are rounded down. O(len(trail)).
    """
    if not trail:
        return raw
    prices = []
    for name in ("low_nano", "mid_nano", "high_nano"):
        last: int = getattr(trail[-1].band, name)
        near, far = moves(last, terms.cap_ppm)
        low, high = 0, 2 * far
        for price in _window(trail, at_ns, terms.reference_age_ns, name):
            least, most = moves(price, terms.cap_reference_ppm)
            low, high = max(low, least), min(high, most)
        low, high = max(near, min(low, last)), min(far, max(high, last))
        prices.append(min(max(getattr(raw, name), low), high))
    # The bounds rise with the price they are around, so that low <= mid <= high holds after them as well.
    return Band(low_nano=prices[0], mid_nano=prices[1], high_nano=prices[2])


def moves(price_nano: int, cap_ppm: int) -> tuple[int, int]:
    """Return the lowest and the highest price within a cap of `price_nano`."""
    move = divide(price_nano * cap_ppm, PPM, Rounding.FLOOR)
    return price_nano - move, price_nano + move


def _window(trail: Sequence[Mark], at_ns: int, age_ns: int, name: str) -> Iterable[int]:
    for mark in reversed(trail):
        yield getattr(mark.band, name)
        if mark.at_ns <= at_ns - age_ns:
            return


def decayed(band: Band, age_ns: int, terms: FeedTerms) -> Band:
    """Return a band at an age below `halt_ns`: from `stale_ns` on low goes to 0 and high to twice itself, linearly.

    Low is rounded down and high up: nobody is paid by the rounding. Mid stays.
    """
    late = age_ns - terms.stale_ns
    if late <= 0:
        return band
    span = terms.halt_ns - terms.stale_ns
    return Band(
        low_nano=divide(band.low_nano * (span - late), span, Rounding.FLOOR),
        mid_nano=band.mid_nano,
        high_nano=divide(band.high_nano * (span + late), span, Rounding.CEIL),
    )
