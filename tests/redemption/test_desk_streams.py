"""Parts of a redemption never pay more than the whole; those who stay never lose; streams against sixty digits."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest

from parbook.pools.amounts import E12, E18, MICRO, NANO
from parbook.redemption import desk as d
from parbook.redemption.decay import decay_e18
from parbook.redemption.fee import Path, payout_micro
from parbook.refusals import Refusal
from tests.redemption.support import DAY, HOUR, MINUTE, Pool, decoded, fee


def random_pool(rng: random.Random, **terms) -> Pool:
    cash = rng.choice([10**6, rng.randrange(10**7, 10**12)])
    pool = Pool(
        cash=cash,
        other=rng.choice([0, rng.randrange(10**12), 10**15, 10**18]),
        low=rng.randrange(10**5, NANO),
        throttle_e12=E12,
        minimum_units_micro=1,
        **terms,
    )
    # Worth more than it pays, so that only the fee is looked at.
    pool.other = max(pool.other, 10**12 - cash)
    return pool


def parts_of(rng: random.Random, units: int, count: int) -> list[int]:
    """Return `count` parts, most of them dust."""
    dust = [rng.choice([1, 2, 7, rng.randrange(1, max(units // count // 4, 2))]) for _ in range(count - 1)]
    return [part for part in (*dust, units - sum(dust)) if part > 0]


def pay(pool: Pool, units: int) -> int:
    """Redeem, and return the payout; dust that pays nothing is left alone, as the desk does."""
    plan = pool.redeem(units)
    if isinstance(plan, Refusal):
        assert plan is Refusal.DESK_TOO_SMALL
        return 0
    return plan.paid_micro


@pytest.mark.parametrize("count", [2, 3, 65, 130])
@pytest.mark.parametrize("seed", range(25))
def test_parts_never_pay_more_than_the_whole(seed, count):
    rng = random.Random(f"{seed} {count}")
    whole, split = random_pool(rng), Pool()
    split.__dict__.update({**whole.__dict__, "desk": decoded(whole.desk)})
    if rng.random() < 0.5:
        # Both begin warm: heat, and fees that count as no liquidity.
        first = max(whole.most // 5, 1)
        assert pay(whole, first) == pay(split, first)
        assert whole.desk == split.desk
    units = rng.randrange(count, max(whole.most, count + 1))
    if units > whole.most:
        return
    parts = parts_of(rng, units, count)
    rng.shuffle(parts)
    at_once = pay(whole, units)
    in_parts = [pay(split, part) for part in parts]
    assert sum(in_parts) <= at_once
    refused = sum(part for part, paid in zip(parts, in_parts, strict=True) if not paid)
    # Additive but for a floor each, the charge for the logarithm's error each, and what was too small to redeem.
    error = Fraction(whole.desk.terms.penalty_scale_e12 * whole.other * 2000, E12 * E18)
    assert at_once - sum(in_parts) <= len(parts) * (1 + error) + refused * whole.low // NANO + 1


def test_parts_at_an_empty_pool_pay_no_more_either():
    """Where the penalty is steepest: the last of the cash, in 200 parts of it."""
    whole, split = (Pool(cash=2_000 * MICRO, other=998_000 * MICRO, minimum_units_micro=1) for _ in range(2))
    at_once = pay(whole, 2_000 * MICRO)
    assert sum(pay(split, 10 * MICRO) for _ in range(200)) <= at_once
    assert split.desk.heat_micro == whole.desk.heat_micro
    # The fee is above eight percent there, and nothing of it was lent on.
    assert whole.desk.held_micro > 160 * MICRO
    assert (split.most, whole.most) == (0, 0)


def test_parts_would_pay_more_if_kept_fees_were_liquidity():
    """The reason for `held_micro`: without it the second half finds the first half's fee as cash."""
    terms = {"base_e12": 0, "beta_e12": 0, "scale_e12": 5 * E12 // 10_000, "offset_e12": 50 * E12 // 10_000}
    units, other = 10_000 * MICRO, 990_000 * MICRO
    whole = payout_micro(Path(NANO, 10**12, 0, units * NANO, other), units, **terms)
    first = payout_micro(Path(NANO, 10**12, 0, units * NANO, other), units // 2, **terms)
    naive = payout_micro(Path(NANO, 10**12, 0, (units - first) * NANO, other), units // 2, **terms)
    exact = payout_micro(Path(NANO, 10**12, 0, (units - units // 2) * NANO, other), units // 2, **terms)
    assert first + naive > whole
    assert whole - 2 <= first + exact <= whole


@pytest.mark.parametrize("seed", range(10))
def test_a_desk_in_a_random_stream(seed):
    """Redemptions, issues, repayments, marks, cash that moves: payouts are the formulas', stayers never lose."""
    rng = random.Random(seed)
    pool = Pool(cash=200_000 * MICRO, other=800_000 * MICRO, throttle_e12=rng.choice([E12 // 50, E12 // 5]))
    used, burned, issued, seen = [], 0, 10**12, set()
    heat, kept, at = Decimal(0), Decimal(0), 0
    for _ in range(400):
        pool.now += rng.choice([0, 0, 1, MINUTE, rng.randrange(HOUR), rng.randrange(12 * HOUR)])
        pool.feed_ok = rng.random() < 0.95
        if rng.random() < 0.2:
            pool.cash += rng.randrange(50_000 * MICRO)
            pool.other = max(pool.other - rng.randrange(20_000 * MICRO), 1)
            pool.low = min(NANO * (pool.cash + pool.other) // pool.supply + rng.randrange(-(10**7), 10**6), 2 * NANO)
        if rng.random() < 0.2:
            new = rng.randrange(60_000 * MICRO)
            # Issued at no less than the exit value.
            pool.cash += -(-new * (pool.cash + pool.other) // pool.supply)
            pool.supply, issued = pool.supply + new, issued + new
        units = rng.choice([rng.randrange(1, 5 * MICRO), rng.randrange(1, 20_000 * MICRO)])
        minutes = (pool.now - at) // MINUTE
        left = Decimal(decay_e18(minutes)) / E18
        exact_heat, exact_kept = heat * left, kept * left
        capacity = (pool.supply + exact_heat) * pool.desk.terms.throttle_e12 / E12
        plan = pool.plan(units, partial=rng.random() < 0.5)
        if isinstance(plan, Refusal):
            seen.add(plan)
            continue
        exact = Decimal(plan.units_micro * pool.low) / NANO - fee(pool, plan.units_micro, int(exact_heat), exact_kept)
        assert exact - 2 < plan.paid_micro < exact + 1
        assert plan.units_micro + plan.left_units_micro == units
        assert pool.redeem(plan.units_micro) == msgspec.structs.replace(plan, left_units_micro=0)
        used.append((pool.now, plan.units_micro))
        burned += plan.units_micro
        at += minutes * MINUTE
        heat = exact_heat + plan.units_micro
        kept = exact_kept + Decimal(plan.units_micro * pool.low) / NANO - plan.paid_micro
        assert abs(pool.desk.heat_micro - heat) < len(used) + 1
        assert abs(pool.desk.held_micro - kept) < len(used) + 1
        assert plan.units_micro <= capacity
        if rng.random() < 0.1:
            pool.desk = decoded(pool.desk)
    assert pool.supply == issued - burned
    assert Refusal.DESK_THROTTLED in seen or pool.desk.terms.throttle_e12 > E12 // 50
    assert Refusal.DESK_NO_FAIR_VALUE in seen
    # What left within any day is at most twice the share: a full bucket, and a day's refill.
    share = pool.desk.terms.throttle_e12
    for first, _ in used:
        assert sum(units for when, units in used if first <= when < first + DAY) <= 2 * issued * share // E12


@pytest.mark.parametrize("seed", range(10))
def test_the_most_is_what_is_not_refused(seed):
    rng = random.Random(seed)
    for _ in range(50):
        pool = Pool(
            cash=rng.randrange(40_000 * MICRO), other=10**12, low=rng.randrange(NANO // 2, NANO), base_e12=E12 // 100
        )
        pool.redeem(rng.randrange(MICRO, 10_000 * MICRO), partial=True)
        pool.now = rng.randrange(DAY)
        most = pool.most
        if most:
            assert isinstance(pool.plan(most), d.Redemption)
        assert pool.plan(most + 1) in {Refusal.DESK_THROTTLED, Refusal.DESK_LACKS_CASH, Refusal.DESK_TOO_SMALL}
