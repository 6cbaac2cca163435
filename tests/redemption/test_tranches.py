"""Which tranche's leavers are paid: by seniority, as far as those above stay protected."""

from __future__ import annotations

import random
from itertools import product

import pytest

from parbook.errors import AssetError
from parbook.pools.amounts import E12
from parbook.redemption.tranches import Demand, allocate

SENIOR = Demand(value_micro=700, demand_micro=100, minimum_subordination_e12=E12 // 4)
JUNIOR = Demand(value_micro=300, demand_micro=300)


@pytest.mark.parametrize(
    ("cash", "paid"),
    [
        (0, [0, 0]),
        (60, [60, 0]),
        (100, [100, 0]),
        # 600 and 300 are left, a third below: 100 may go before a quarter of 800 is what stands below.
        (150, [100, 50]),
        (1000, [100, 100]),
    ],
)
def test_the_senior_first_and_the_junior_down_to_the_protection(cash, paid):
    assert allocate(cash, [SENIOR, JUNIOR]) == paid


def test_who_is_unprotected_already_is_made_no_worse():
    senior = Demand(value_micro=900, demand_micro=0, minimum_subordination_e12=E12 // 5)
    assert allocate(1000, [senior, Demand(value_micro=100, demand_micro=100)]) == [0, 0]


def test_a_senior_s_own_leaving_makes_room_for_the_junior():
    senior = Demand(value_micro=800, demand_micro=400, minimum_subordination_e12=E12 // 5)
    junior = Demand(value_micro=200, demand_micro=200)
    assert allocate(10_000, [senior, junior]) == [400, 100]
    assert allocate(10_000, [Demand(value_micro=800, demand_micro=0, minimum_subordination_e12=E12 // 5), junior]) == [
        0,
        0,
    ]


def test_what_must_all_be_subordinated_lets_nobody_below_out():
    senior = Demand(value_micro=1, demand_micro=0, minimum_subordination_e12=E12)
    assert allocate(100, [senior, JUNIOR]) == [0, 0]
    nobody = Demand(value_micro=0, demand_micro=0, minimum_subordination_e12=E12)
    assert allocate(100, [nobody, JUNIOR]) == [0, 100]


def test_without_protection_seniority_alone_decides():
    plain = [Demand(value_micro=10, demand_micro=10)] * 3
    assert allocate(25, plain) == [10, 10, 5]


@pytest.mark.parametrize("seed", range(60))
def test_no_other_payment_is_better(seed):
    """Lexicographically, most senior first, over all payments that keep the protection of those above."""
    rng = random.Random(seed)
    demands = []
    for n in range(3):
        value = rng.randrange(12)
        minimum = rng.choice([0, rng.randrange(E12), E12 // 3]) if n < 2 else 0
        demands.append(
            Demand(value_micro=value, demand_micro=rng.randrange(value + 1), minimum_subordination_e12=minimum)
        )
    cash = rng.randrange(20)
    best = [0, 0, 0]
    for paid in product(*(range(demand.demand_micro + 1) for demand in demands)):
        left = [demand.value_micro - x for demand, x in zip(demands, paid, strict=True)]
        kept = all(
            sum(left[n + 1 :]) * E12 >= demand.minimum_subordination_e12 * sum(left) or not any(paid[n + 1 :])
            for n, demand in enumerate(demands)
        )
        if sum(paid) <= cash and kept:
            best = max(best, list(paid))
    assert allocate(cash, demands) == best


def test_numbers_out_of_range_are_refused():
    with pytest.raises(AssetError, match="cash_micro"):
        allocate(-1, [JUNIOR])
    for count in (0, 17):
        with pytest.raises(AssetError, match="tranches"):
            allocate(1, [JUNIOR] * count)
    with pytest.raises(AssetError, match="demand_micro"):
        Demand(value_micro=1, demand_micro=2)
