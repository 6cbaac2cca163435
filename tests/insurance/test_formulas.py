"""The formulas the fund takes from other systems, at their published points."""

from __future__ import annotations

import random

import pytest

from parbook.insurance.formulas import dutch_e18, emission_e12, payout_micro
from parbook.insurance.loss import seized_uniformly, stake_value_micro
from parbook.pools.amounts import E12, E18, E27, NANO
from tests.anchored.support import vectors


def test_every_published_emission():
    rows = vectors("aave_umbrella")["cases"]
    assert len(rows) == 8
    for row in rows:
        assert emission_e12(int(row["assets"]), row["target"]) * row["max"] * 10**6 == int(row["emission_scaled"])


def test_every_published_payout():
    """Exact for one second; else within the 18 digits that upstream keeps of the share paid."""
    rows = vectors("reserve_protocol")["strsr_payout"]
    assert len(rows) == 5
    for row in rows:
        pays = payout_micro(int(row["balance"]), row["reward_ratio"] * 10**9, row["seconds"])
        assert 0 <= int(row["payout"]) - pays <= int(row["balance"]) // E18
        shared = E27 * pays // int(row["balance"])
        assert -(-shared // 10**9) * int(row["balance"]) // E18 == int(row["payout"])


def test_every_published_seizure():
    for row in vectors("reserve_protocol")["seize_uniform"]:
        given, out = row["inputs"], row["out"]
        taken = seized_uniformly((given["stakeRSR"], given["draftRSR"], given["rewards"]), given["seize"])
        assert taken == [out["stake_taken"], out["draft_taken"], out["rewards_taken"]]
        assert sum(taken) == out["total"]


def test_every_published_auction_price():
    rows = vectors("reserve_protocol")["dutch"]
    best, worst, length = int(rows["best"]), int(rows["worst"]), rows["length"]
    for point in rows["points"]:
        assert dutch_e18(best, worst, point["t"], length) == int(point["price_d18"])
    assert len(rows["points"]) == 14


def test_the_published_price_curve():
    """151 blocks of 12 s, to the eight decimals of the table; its first fifth is a block's rounding off at most."""
    rows = vectors("reserve_protocol")["dutch"]
    best, worst, length = int(rows["best"]), int(rows["worst"]), rows["length"]
    table = rows["doc_curve_even_price_1e8"]
    mine = [dutch_e18(best, worst, 12 * n, length) for n in range(len(table))]
    assert len(table) >= 150
    for price, listed in zip(mine, table, strict=True):
        assert abs(-(-price // 10**10) - listed) <= 1


def test_streams_compose():
    """To be counted every second or at once is the same, but for roundings that stay in the pool."""
    rng = random.Random(1)
    for _ in range(100):
        pool, ratio = rng.randrange(1, 10**15), rng.randrange(1, E27 // 10**6)
        times = [rng.randrange(1, 10**5) for _ in range(5)]
        left = pool
        for seconds in times:
            left -= payout_micro(left, ratio, seconds)
        at_once = pool - payout_micro(pool, ratio, sum(times))
        assert at_once <= left <= at_once + len(times)
    assert payout_micro(10**15, 0, 10**6) == 0


def test_emission_rises_to_the_target_and_falls_to_a_floor():
    values = [emission_e12(n, 1000) for n in range(2000)]
    assert max(values) == values[1000] == E12
    assert values[:1000] == sorted(values[:1000])
    assert values[1000:] == sorted(values[1000:], reverse=True)
    assert values[1200:] == [8 * E12 // 10] * 800


@pytest.mark.parametrize("length", [1, 7, 1800, 10**12])
def test_a_price_only_falls_and_ends_at_the_worst(length):
    rng = random.Random(length)
    best = rng.randrange(1, 10**24)
    worst = rng.randrange(1, best + 1)
    points = sorted({0, length - 1, length, *(rng.randrange(length + 1) for _ in range(200))})
    prices = [dutch_e18(best, worst, at, length) for at in points]
    assert prices == sorted(prices, reverse=True)
    assert prices[-1] == worst
    assert prices[0] >= 999 * best


def test_seizures_are_the_same_share_of_each_rounded_up():
    rng = random.Random(4)
    for _ in range(500):
        amounts = [rng.randrange(10**9) for _ in range(3)]
        seize = rng.randrange(sum(amounts) + 1)
        taken = seized_uniformly(amounts, seize)
        assert all(0 <= part <= amount for part, amount in zip(taken, amounts, strict=True))
        assert seize <= sum(taken) <= seize + 2
    assert seized_uniformly((0, 0), 0) == [0, 0]
    assert stake_value_micro(7, 3 * NANO, E12 // 2) == 10
