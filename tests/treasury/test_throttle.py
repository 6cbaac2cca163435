"""A token bucket: published numbers, and time that is exact however it is cut."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from parbook.errors import AssetError, InvariantError
from parbook.pools.amounts import MICRO
from parbook.pools.throttle import Throttle, available_micro, credited, drained, reframed
from tests.assets.support import vectors
from tests.treasury.support import DAY, HOUR


def test_every_published_throttle():
    for row in vectors("own_formulas")["throttle"]:
        capacity = row["supply"] * MICRO * row["cap_bps_per_day"] // 10_000
        used = drained(Throttle(), row["used"] * MICRO)
        after = credited(used, capacity, row["hours"] * HOUR, DAY)
        assert available_micro(after, capacity) == round(float(row["available"]) * MICRO)


def test_a_used_share_comes_back_continuously():
    used = drained(Throttle(), 1000)
    assert [available_micro(credited(used, 1000, DAY * n // 4, DAY), 1000) for n in range(6)] == [
        0, 250, 500, 750, 1000, 1000,
    ]  # fmt: skip


def test_a_capacity_that_changes_gives_or_takes_its_difference_only():
    used = drained(Throttle(), 700)
    assert available_micro(used, 1000) == 300
    assert available_micro(used, 1200) == 500
    assert available_micro(used, 600) == 0


@pytest.mark.parametrize("seed", range(20))
def test_time_cut_in_any_way_gives_the_same(seed):
    rng = random.Random(seed)
    rate, window = rng.randrange(1, 10**6), rng.choice([DAY, 30 * DAY, 7 * HOUR + 13])
    cuts = [rng.choice([1, 60, rng.randrange(HOUR)]) for _ in range(200)]
    often = once = drained(Throttle(), 10**12)
    for cut in cuts:
        often = credited(often, rate, cut, window)
        often.check(window)
    assert often == credited(once, rate, sum(cuts), window)
    exact = 10**12 - Fraction(rate * sum(cuts), window)
    assert often.used_micro - Fraction(often.part, window) == exact


def test_nothing_comes_back_beyond_what_was_used():
    used = drained(Throttle(), 10)
    assert credited(used, 1000, DAY, DAY) == Throttle()
    assert credited(Throttle(), 1000, DAY, DAY) == Throttle()


def test_another_window_gives_the_part_up():
    used = credited(drained(Throttle(), 10), 1, DAY - 1, DAY)
    assert (used.used_micro, used.part) == (10, DAY - 1)
    assert reframed(used) == Throttle(used_micro=10)


@pytest.mark.parametrize("broken", [Throttle(used_micro=-1), Throttle(part=1), Throttle(used_micro=1, part=DAY)])
def test_a_broken_throttle_is_found(broken):
    with pytest.raises(InvariantError):
        broken.check(DAY)


def test_what_is_no_amount_is_refused():
    with pytest.raises(AssetError, match="amount_micro"):
        drained(Throttle(), -1)
    with pytest.raises(AssetError, match="elapsed_ns"):
        credited(Throttle(), 1, -1, DAY)
