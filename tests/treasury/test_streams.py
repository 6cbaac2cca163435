"""Random streams of trades, rounds, pauses and restarts, against a model on fractions and laws of conservation."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest

from parbook.pools.amounts import E12, MICRO, NANO
from parbook.refusals import Refusal
from parbook.treasury import (
    Recycling,
    TreasuryStatus,
    TreasuryTerms,
    amend,
    check,
    next_due_ns,
    pause,
    plan_amend,
    plan_due,
    plan_pause,
    plan_restart,
    plan_resume,
    plan_retire,
    retire,
    turn,
)
from tests.treasury.support import DAY, HOUR, Venue, decoded


class Model:
    """The two buckets on fractions: what is noted, and what counts since the last good round."""

    def __init__(self, venue: Venue) -> None:
        self.windows = [(venue.treasury.terms.day_ns, "day_e12"), (venue.treasury.terms.month_ns, "month_e12")]
        self.noted, self.counted, self.rate = [Fraction(0)] * 2, [Fraction(0)] * 2, [0, 0]
        self.good = self.at = 0

    def sync(self, venue: Venue, spent: int, good: bool) -> int:
        terms = venue.treasury.terms
        until = min(venue.now, self.good + terms.credit_max_ns)
        most = [venue.supply * venue.low * getattr(terms, name) // (NANO * E12) for _, name in self.windows]
        for n, (window, _) in enumerate(self.windows):
            back = Fraction(self.rate[n] * max(until - self.at, 0), window)
            self.noted[n] = max(self.noted[n] - back, Fraction(0))
            if good:
                self.counted[n], self.rate[n] = self.noted[n], most[n]
            self.noted[n] += spent
            self.counted[n] += spent
        self.at = venue.now
        self.good = venue.now if good else self.good
        return min(max(int(most[n] - self.counted[n]), 0) for n in range(2))


def trade(rng: random.Random, venue: Venue) -> int:
    """Buy or sell at a price near the low one, and return the money put in (negative: taken out)."""
    if rng.random() < 0.7:
        money = rng.choice([rng.randrange(venue.till + 1), venue.till, min(venue.till, 1)])
        price = venue.low * rng.randrange(95, 101) // 100
        venue.buy(money, units=money * NANO // max(price, 1))
        return -money
    units = rng.randrange(venue.units + 1)
    money = units * venue.low * rng.randrange(100, 106) // 100 // NANO
    venue.sell(units, money)
    return money


def disturb(rng: random.Random, venue: Venue) -> bool:
    """Do one of the commands; return whether the treasury was changed."""
    treasury, now = venue.treasury, venue.now
    plan: Any
    carry: Any
    match rng.randrange(5):
        case 0:
            plan = plan_pause(treasury, now + rng.randrange(4 * DAY), now)
            carry = pause
        case 1:
            plan, carry = plan_resume(treasury, now), turn
        case 2:
            plan, carry = plan_restart(treasury, now), turn
        case 3:
            units = rng.randrange(1, venue.units + 2)
            plan = plan_retire(
                treasury,
                units,
                now_ns=now,
                exit_value_micro=venue.supply,
                supply_micro=venue.supply,
                price_low_nano=venue.low,
            )
            carry = retire
            if not isinstance(plan, Refusal):
                venue.units -= units
                venue.supply -= units
        case _:
            plan, carry = plan_due(treasury, now), turn
    if plan is None or isinstance(plan, Refusal):
        return False
    carry(treasury, plan, now)
    check(treasury)
    return True


@pytest.mark.parametrize("seed", range(12))
def test_a_treasury_in_a_random_stream(seed):
    rng = random.Random(seed)
    venue = Venue(
        recycling=Recycling(seed % 2),
        loss_max_e12=rng.choice([E12 // 100, E12]),
        reserve_floor_micro=rng.choice([0, 150_000 * MICRO]),
        inventory_units_max_e12=rng.choice([E12 // 50, E12 // 5]),
    )
    floor = venue.treasury.terms.reserve_floor_micro
    model, money, statuses = Model(venue), venue.reserve, set()
    for _ in range(400):
        before = venue.till
        while rng.random() < 0.5:
            money += trade(rng, venue)
        spent = max(before - venue.till, 0)
        venue.now += rng.choice([0, 1, HOUR, rng.randrange(2 * DAY)])
        good = rng.random() < 0.6
        venue.feed_ok = rng.random() < 0.9
        venue.low = max(venue.low * rng.randrange(985, 1016) // 1000, 1) if good else venue.low
        expected = model.sync(venue, spent, good)
        plan = venue.sync(good=good)
        assert plan.budget_micro == expected
        assert venue.reserve + venue.till == money
        assert venue.till <= plan.budget_micro
        assert venue.reserve >= min(floor, money)
        assert plan.inventory.units_micro == venue.units
        assert not (plan.top_up_micro and (plan.sweep_micro or not venue.feed_ok))
        assert venue.till == 0 or plan.status is TreasuryStatus.ACTIVE
        assert next_due_ns(venue.treasury) > venue.now
        statuses.add(plan.status)
        # A treasury that has been away and back goes on as the other would.
        if rng.random() < 0.1:
            venue.treasury = decoded(venue.treasury)
        if rng.random() < 0.3 and disturb(rng, venue):
            model.sync(venue, 0, False)
            venue.sync(good=False)
    assert TreasuryStatus.PAUSED in statuses


@pytest.mark.parametrize("seed", range(10))
def test_more_syncs_than_needed_change_nothing(seed):
    """Two treasuries see the same trades and rounds; one is synced in between as well."""
    rng = random.Random(seed)
    once, often = Venue(), Venue()
    for _ in range(100):
        step, good = rng.randrange(1, DAY), rng.random() < 0.7
        money = rng.randrange(once.till + 1)
        for venue in (once, often):
            venue.buy(money)
            venue.sync(good=False)
        cuts = sorted(rng.randrange(step) for _ in range(3))
        for begin, end in zip([0, *cuts], cuts, strict=False):
            often.sync(after=end - begin, good=False)
        once.sync(after=step, good=good)
        often.sync(after=step - cuts[-1], good=good)
        assert (once.till, once.treasury.budget) == (often.till, often.treasury.budget)


@pytest.mark.parametrize("seed", range(10))
def test_no_window_spends_more_than_capacity_and_refill(seed):
    """Whenever trades and syncs come: net spending within any time is at most a bucket and what that time refills."""
    rng = random.Random(seed)
    venue = Venue(month_e12=E12, loss_max_e12=E12, inventory_units_max_e12=E12, reserve=10**7 * MICRO)
    spendings = []
    for _ in range(150):
        venue.now += rng.choice([0, 1, HOUR, rng.randrange(DAY)])
        if rng.random() < 0.5:
            money = rng.choice([venue.till, rng.randrange(venue.till + 1)])
            venue.buy(money)
            spendings.append((venue.now, money))
        venue.sync(good=rng.random() < 0.8)
    capacity = 20_000 * MICRO
    for first in range(len(spendings)):
        total = 0
        for when, money in spendings[first:]:
            total += money
            assert total <= capacity + Fraction(capacity * (when - spendings[first][0]), DAY) + 1


def test_other_terms_in_the_middle_keep_the_stream_sound():
    rng = random.Random(5)
    venue = Venue()
    for n in range(200):
        trade(rng, venue)
        venue.sync(after=rng.randrange(DAY))
        if n % 20 == 0:
            terms = TreasuryTerms(day_ns=rng.randrange(HOUR, 3 * DAY), loss_window_ns=rng.randrange(DAY, 60 * DAY))
            amend(venue.treasury, plan_amend(venue.treasury, terms, venue.now), venue.now)
            check(venue.treasury)
            venue.treasury = decoded(venue.treasury)
    assert venue.treasury.inventory.units_micro == venue.units
