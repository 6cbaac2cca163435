"""Medians that a minority cannot move, and caps, against brute force."""

from __future__ import annotations

import itertools
import random

import pytest

from parbook.oracle.aggregate import agreeing, capped, decayed, flaw_of, median_band, moves, too_wide
from parbook.oracle.state import Flaw, Mark
from parbook.oracle.terms import DAY_NS, HOUR_NS, MINUTE_NS
from tests.oracle.support import Desk, band, terms


def test_an_even_number_takes_the_lower_middle_and_for_high_the_upper():
    bands = [band(mid, mid - 5, mid + 5) for mid in (130, 110, 140, 120)]
    assert median_band(bands) == band(120, 115, 135)
    assert median_band(bands[:1]) == bands[0]
    assert median_band(bands[:3]) == band(130, 125, 135)


@pytest.mark.parametrize("honest", [1, 2, 3, 4])
def test_a_minority_moves_no_median_beyond_what_the_others_say(honest):
    """Every number of liars below half, every lie out of a grid around the honest range."""
    said = [band(100 + 3 * n, 95 + 2 * n, 105 + 4 * n) for n in range(honest)]
    grid = (1, 94, 96, 99, 101, 104, 107, 113, 10**6)
    lies = [band(mid, low, high) for low, mid, high in itertools.combinations_with_replacement(grid[::2], 3)]
    for liars in range(honest):
        for told in itertools.combinations_with_replacement(lies if liars < 2 else lies[::4], liars):
            median = median_band([*said, *told])
            for name in ("low_nano", "mid_nano", "high_nano"):
                honestly = [getattr(one, name) for one in said]
                assert min(honestly) <= getattr(median, name) <= max(honestly)
            assert median.low_nano <= median.mid_nano <= median.high_nano


def test_with_as_many_liars_as_honest_it_would_not_hold():
    assert median_band([band(100), band(101), band(1), band(2)]).mid_nano == 2


def test_order_changes_nothing():
    bands = [band(100, 90, 130), band(104, 104, 104), band(101, 80, 102), band(99, 98, 120)]
    assert len({median_band(order) for order in itertools.permutations(bands)}) == 1
    anchors = set()
    for order in itertools.permutations(range(1, 5)):
        desk = Desk(terms(confidence_max_ppm=10**6), sources=4)
        for source in order:
            one = bands[source - 1]
            desk.report(source, 10**7 * one.mid_nano, low_nano=10**7 * one.low_nano, high_nano=10**7 * one.high_nano)
        desk.later(HOUR_NS)
        anchors.add(desk.anchor())
    assert len(anchors) == 1


def test_limits_are_met_exactly():
    assert not too_wide(band(100, 90, 110), 200_000)
    assert too_wide(band(100, 90, 110), 199_999)
    assert agreeing([band(95), band(105), band(106)], 100, 50_000) == 2
    given = terms(divergence_max_ppm=50_000)
    assert flaw_of([band(95), band(100), band(105)], given) is Flaw.NONE
    assert flaw_of([band(94), band(100), band(105)], given) is Flaw.DIVERGED
    assert flaw_of([band(100), band(100)], given) is Flaw.NO_QUORUM
    assert flaw_of([band(100, 50, 101)] * 3, given) is Flaw.WIDE


def test_moves_are_rounded_down():
    assert moves(199, 10_000) == (198, 200)
    assert moves(99, 10_000) == (99, 99)
    assert moves(10_000, 100) == (9_999, 10_001)


def test_the_first_round_is_bounded_by_nothing():
    assert capped(band(7, 5, 9), [], 0, terms()) == band(7, 5, 9)


def test_the_window_reaches_to_the_last_round_before_it():
    given = terms(cap_ppm=20_000)
    trail = [Mark(at_ns=0, band=band(10_000)), Mark(at_ns=DAY_NS, band=band(10_200))]
    for at_ns, most in ((DAY_NS + 1, 10_200), (2 * DAY_NS - 1, 10_200), (2 * DAY_NS, 10_404)):
        assert capped(band(20_000), trail, at_ns, given).mid_nano == most


def test_caps_that_were_wider_leave_the_last_round_its_place():
    trail = [Mark(at_ns=0, band=band(10_000)), Mark(at_ns=1, band=band(12_000))]
    for raw in (11_900, 11_990, 12_000, 12_100):
        assert capped(band(raw), trail, 2, terms()).mid_nano == min(raw, 12_000)


def test_a_random_walk_keeps_both_caps_and_its_order():
    for seed in range(20):
        rng = random.Random(seed)
        given = terms(cap_ppm=rng.choice([100, 3_000, 10_000]), cap_reference_ppm=rng.choice([10_000, 20_000, 30_000]))
        trail: list[Mark] = []
        now, mid = 0, 10 ** rng.randint(5, 12)
        for _ in range(150):
            now += rng.choice([15 * MINUTE_NS, HOUR_NS, 9 * HOUR_NS, 30 * HOUR_NS])
            mid = max(10**5, mid * rng.randint(970, 1030) // 1000 * rng.choice([1, 1, 1, 1, 2]))
            raw = band(mid, mid * rng.randint(90, 100) // 100, mid * rng.randint(100, 110) // 100)
            out = capped(raw, trail, now, given)
            assert out.low_nano <= out.mid_nano <= out.high_nano
            for name in ("low_nano", "mid_nano", "high_nano"):
                price, wanted = getattr(out, name), getattr(raw, name)
                for mark in trail[-1:]:
                    last = getattr(mark.band, name)
                    assert abs(price - last) * 10**6 <= given.cap_ppm * last
                    # It never moves away from what the sources say.
                    assert min(last, wanted) <= price <= max(last, wanted)
                for mark in trail:
                    if now - mark.at_ns < DAY_NS:
                        before = getattr(mark.band, name)
                        assert abs(price - before) * 10**6 <= given.cap_reference_ppm * before
            trail.append(Mark(at_ns=now, band=out))


def test_decay_widens_and_never_crosses():
    given, one = terms(), band(1_000_003, 999_999, 1_000_007)
    last = one
    for age_ns in range(0, given.halt_ns, 7 * MINUTE_NS + 1):
        now = decayed(one, age_ns, given)
        assert now.low_nano <= last.low_nano
        assert now.high_nano >= last.high_nano
        assert now.mid_nano == one.mid_nano
        last = now
    span, late = given.halt_ns - given.stale_ns, age_ns - given.stale_ns
    assert now.low_nano * span <= one.low_nano * (span - late) < (now.low_nano + 1) * span
    assert (now.high_nano - 1) * span < one.high_nano * (span + late) <= now.high_nano * span
