"""Closed forms of the bids against published numbers, and the listing report's figures against a plain day count."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import pairwise

import pytest

from parbook.errors import AssetError
from parbook.pools.amounts import E12, MICRO, NANO
from parbook.treasury import AnchoredBid, LinearBid, coverage, discount_e12
from parbook.treasury.coverage import DAYS_MAX
from tests.assets.support import vectors
from tests.treasury.support import DAY, Venue


def test_every_published_linear_bid():
    for row in vectors("own_formulas")["linear_bid_curve"]["rows"]:
        bid = LinearBid(first_nano=row["p0_1e9"], floor_nano=row["floor_1e9"], budget_micro=row["budget_micro"])
        assert bid.capacity_micro == row["capacity_micro_units"]
        for point in row["points"]:
            assert bid.paid_micro(point["cum_units"]) == point["cum_paid"]
            assert bid.marginal_nano(point["cum_units"]) == point["marginal_price"]
        ends = [bid.capacity_micro * n // 7 for n in range(8)]
        parts = [bid.paid_micro(end) - bid.paid_micro(begin) for begin, end in pairwise(ends)]
        assert parts == row["split_into_7"]
        assert sum(parts) == bid.paid_micro(bid.capacity_micro)


def test_every_published_anchored_bid():
    for row in vectors("own_formulas")["anchored_bid_curve"]:
        first = int(Fraction(row["p0"]) * NANO)
        assert first == Fraction(row["fv_low"]) * (1 - Fraction(row["half_spread"])) * NANO
        bid = AnchoredBid(first_nano=first, budget_micro=int(row["budget"]) * MICRO)
        units = row["units_in"] * MICRO
        assert bid.paid_micro(units) == int(Fraction(row["paid"]) * MICRO)
        assert abs(bid.marginal_nano(units) - Fraction(row["marginal_after"]) * NANO) <= 1
        assert abs(Fraction(bid.paid_micro(units), units) - Fraction(row["avg"])) < Fraction(1, 10**9)


@pytest.mark.parametrize("seed", range(30))
def test_no_bid_pays_more_than_its_budget_or_for_parts(seed):
    rng = random.Random(seed)
    first = rng.randrange(1, 2 * NANO)
    linear = LinearBid(first_nano=first, floor_nano=rng.randrange(first + 1), budget_micro=rng.randrange(10**12))
    anchored = AnchoredBid(first_nano=first, budget_micro=rng.randrange(1, 10**12))
    for bid, most in ((linear, linear.capacity_micro), (anchored, 10**13)):
        ends = sorted(rng.randrange(most + 1) for _ in range(80))
        paid = [bid.paid_micro(end) for end in ends]
        assert paid == sorted(paid)
        assert paid[-1] <= bid.budget_micro
        assert all(sum_paid <= units * first // NANO for units, sum_paid in zip(ends, paid, strict=True))


def test_a_quoted_discount_is_rounded_up_and_ends_with_the_capacity():
    bid = LinearBid(first_nano=960_000_000, floor_nano=900_000_000, budget_micro=93_000 * MICRO)
    assert bid.capacity_micro == 100_000 * MICRO
    assert discount_e12(bid, 100_000 * MICRO, NANO) == 7 * E12 // 100
    assert discount_e12(bid, 100_000 * MICRO + 1, NANO) is None
    assert discount_e12(AnchoredBid(first_nano=NANO, budget_micro=3), 1, NANO) == E12


@pytest.mark.parametrize("bid", [(0, 0, 1), (5, 6, 1), (5, 1, -1)])
def test_a_bid_out_of_range_is_refused(bid):
    with pytest.raises(AssetError, match="bid curve"):
        LinearBid(first_nano=bid[0], floor_nano=bid[1], budget_micro=bid[2])


# --- coverage ---------------------------------------------------------------------------------------


def figures(venue):
    return coverage(
        venue.treasury,
        till_micro=venue.till,
        reserve_micro=venue.reserve,
        supply_micro=venue.supply,
        price_low_nano=venue.low,
    )


def test_the_figures_of_a_fresh_treasury():
    """2 % a day until 5 % are out, then a thirtieth of 5 % a day; 20 % may be held."""
    found = figures(Venue())
    assert found.reserve_ratio_e12 == E12 // 5
    # 20,000; then 50,000 and six days' refill; then the same with 29.
    assert found.bought_micro == (20_000 * MICRO, 60_000 * MICRO, 98_333_333_333)
    assert found.coverage_e12 == (2 * E12 // 100, 6 * E12 // 100, 98_333_333_333)
    # 100,000 are 50,000 and thirty refills, 200,000 ninety: the first day has none. 40 % may not be held.
    assert found.exit_days == (31, 91, None)


def test_what_was_spent_covers_less():
    venue = Venue()
    venue.sync()
    venue.buy(20_000 * MICRO)
    venue.sync(good=False)
    assert figures(venue).bought_micro[0] == 0
    assert figures(venue).exit_days[0] > figures(Venue()).exit_days[0]


def test_the_floor_of_the_reserve_covers_nothing():
    assert figures(Venue(reserve_floor_micro=195_000 * MICRO)).bought_micro == (5_000 * MICRO,) * 3
    assert figures(Venue(low=0)).coverage_e12 == (0, 0, 0)


@pytest.mark.parametrize("seed", range(20))
def test_figures_are_what_a_venue_buys_that_buys_daily(seed):
    """The same count through plan and sync, with good rounds daily: buckets and bounds of the treasury itself."""
    rng = random.Random(seed)
    terms = {"inventory_units_max_e12": rng.randrange(E12), "month_e12": rng.randrange(E12 // 5), "loss_max_e12": E12}
    terms["reserve_floor_micro"] = rng.randrange(10**11)
    venue = Venue(**terms, low=NANO)
    venue.sync()
    venue.buy(rng.randrange(venue.till + 1))
    venue.sync(good=False)
    found, total, totals = figures(venue), 0, []
    for _ in range(30):
        total += venue.till
        venue.buy(venue.till)
        venue.sync(good=False)
        totals.append(total)
        venue.sync(after=DAY)
    assert found.bought_micro == tuple(totals[days - 1] for days in (1, 7, 30))


def test_leaving_may_take_too_long_to_count():
    found = figures(Venue(month_e12=1, inventory_units_max_e12=E12, reserve=10**6 * MICRO))
    assert found.exit_days == (None, None, None)
    assert DAYS_MAX == 3650
