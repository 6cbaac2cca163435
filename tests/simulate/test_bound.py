"""The bound (1) against everything an exit may do, and what the observer makes of it."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from parbook.errors import InvariantError
from parbook.pools.amounts import E12, MICRO, NANO
from parbook.redemption.desk import DeskTerms
from parbook.simulate.bound import Observer, Standing, standing
from parbook.simulate.rhythm import DAY_NS, HOUR_NS
from parbook.simulate.run import Run
from parbook.simulate.world import World


def exits(seed: int):
    """Yield (before, after, paid) of exits as the pool makes them: never above what claim and feed allow a unit."""
    draw = random.Random(seed)
    for _ in range(2000):
        supply = draw.randint(2, 10**6) * draw.choice((1, MICRO))
        claim = draw.randint(0, 2 * supply)
        believed, true = (draw.randint(0, 2 * supply) for _ in range(2))
        units = draw.randint(1, supply - 1)
        paid = draw.randint(0, units * min(claim, believed) // supply)
        gone = claim * units // supply
        yield (
            Standing(claim_micro=claim, assets_micro=true, supply_micro=supply),
            Standing(claim_micro=claim - gone, assets_micro=true - paid, supply_micro=supply - units),
            paid,
        )


@pytest.mark.parametrize("seed", range(5))
def test_no_exit_at_a_price_of_the_pool_costs_more_than_the_bound(seed):
    observer = Observer(DeskTerms(), 1)
    lossy = 0
    for before, after, paid in exits(seed):
        lossy += observer.exit(before, after, paid) > 0
    assert lossy > 100
    assert observer.lost <= observer.allowed
    assert observer.exits == 2000


def test_an_impaired_senior_loses_exactly_what_the_leaver_gains():
    """1000 units, 900 there: 100 leave at 1 each, where 0.9 is fair. Each of 900 loses 10 / 900."""
    observer = Observer(DeskTerms(), 1000)
    before = Standing(claim_micro=1000, assets_micro=900, supply_micro=1000)
    after = Standing(claim_micro=900, assets_micro=800, supply_micro=900)
    assert observer.exit(before, after, 100) == observer.allowed == Fraction(10, 900)


def test_a_whole_senior_loses_nothing_and_the_rest_gains_by_a_low_price():
    observer = Observer(DeskTerms(), 1000)
    before = Standing(claim_micro=1000, assets_micro=1050, supply_micro=1000)
    assert observer.exit(before, Standing(claim_micro=900, assets_micro=950, supply_micro=900), 100) == 0
    low = Standing(claim_micro=1000, assets_micro=900, supply_micro=1000)
    observer.exit(low, Standing(claim_micro=900, assets_micro=820, supply_micro=900), 80)
    assert observer.gained == Fraction(820, 900) - Fraction(9, 10)
    assert observer.lost == 0


def test_what_is_not_possible_is_said():
    observer = Observer(DeskTerms(), 1000)
    before = Standing(claim_micro=1000, assets_micro=900, supply_micro=1000)
    with pytest.raises(InvariantError, match="an exit of 100 for 90 cost a unit"):
        observer.exit(before, Standing(claim_micro=900, assets_micro=809, supply_micro=900), 90)


def test_the_formula_counts_intervals_time_and_the_worst_price():
    terms = DeskTerms(base_e12=0, throttle_e12=E12 // 50)
    observer = Observer(terms, 1000)
    fair = Standing(claim_micro=1000, assets_micro=900, supply_micro=1000)
    assert observer.formula(600) == 0
    observer.price(0, NANO * 9 // 10, fair)
    assert observer.formula(600) == 0, "a fair price is no interval"
    observer.price(HOUR_NS, NANO, fair)
    observer.price(13 * HOUR_NS, NANO * 95 // 100, fair)
    observer.price(14 * HOUR_NS, 0, fair)
    observer.price(20 * HOUR_NS, NANO, fair)
    # Two intervals, half a day in all, at most 0.1 above: 2 % x 1000 x 2.5 x 0.1 over 600 units.
    assert (observer.intervals, observer.wrong_ns) == (2, DAY_NS // 2)
    assert observer.formula(600) == Fraction(1000, 50) * Fraction(5, 2) * Fraction(1, 10) / 600
    observer.strike(100, NANO, fair)
    assert observer.formula(600) == (5 + 100 * Fraction(1, 10)) / 600
    observer.strike(100, NANO // 2, fair)
    assert observer.formula(600) == Fraction(15, 600), "an epoch at less than the true value takes nothing"
    assert observer.formula(0) is None


def test_nothing_is_lost_where_nobody_stays():
    observer = Observer(DeskTerms(), 1000)
    before = Standing(claim_micro=1000, assets_micro=900, supply_micro=1000)
    after = Standing(claim_micro=0, assets_micro=0, supply_micro=0)
    assert observer.exit(before, after, 1000) == 0
    assert after.worth == 0


def test_a_standing_is_what_the_pool_says_once_its_claim_has_grown():
    run = Run(World(loans=5, holders=3), 1, checked=True)
    entry, now = run.venue.entry, run.venue.now_ns
    later = standing(entry, NANO, now + DAY_NS)
    run.venue.pass_to(now + DAY_NS)
    run.venue.report((NANO, NANO, NANO))
    run.venue.pass_to(run.venue.now_ns)
    assert abs(standing(entry, NANO, run.venue.now_ns).claim_micro - later.claim_micro) <= 24, "a micro a look"
    assert later.assets_micro == entry.pool.book.sums.kept_micro + entry.pool.cash_micro
    assert later.worth_nano == run.venue.exit_nano(NANO)
