"""Bonds next to the reserve: what they earn, over which time, and what they bear."""

from __future__ import annotations

import random
from typing import Any

import pytest

from parbook.errors import AssetError, InvariantError, MisuseError
from parbook.pools.amounts import E12, MICRO
from parbook.refusals import Refusal
from parbook.support import bonds
from parbook.support.state import (
    BONDERS_MAX,
    DAY_NS,
    UNBONDINGS_MAX,
    SupportTerms,
    bonded_micro,
    check,
    claimable_micro,
)
from tests.anchored.support import reread
from tests.liquidity.support import START_NS, Case

ANN, BOB, CAT = 1, 2, 3
WEEK_NS = 7 * DAY_NS


def owed(case: Case, account: int) -> int:
    return claimable_micro(case.state, account, case.now)


# --- rewards --------------------------------------------------------------------------------------


def test_spread_streams_over_a_week_to_those_who_are_bonded():
    case = Case()
    case.bond(ANN, 300 * MICRO)
    case.bond(BOB, 100 * MICRO)
    shared = case.spread(81 * MICRO)
    assert (shared.bonds_micro, shared.reserve_micro, shared.end_ns) == (40_500_000, 40_500_000, case.now + WEEK_NS)
    case.wait(WEEK_NS // 3)
    assert (owed(case, ANN), owed(case, BOB)) == (10_125_000, 3_375_000)
    case.wait(WEEK_NS)
    assert case.claim_reward(ANN).reward_micro == 30_375_000
    assert case.claim_reward(BOB).reward_micro == 10_125_000
    assert case.claim_reward(BOB) is Refusal.NO_REWARD
    assert (case.state.unpaid_micro, case.state.owed_micro) == (0, 0)


def test_an_odd_micro_is_the_reserves():
    case = Case()
    case.bond(ANN, 1)
    assert case.spread(7).bonds_micro == 3
    assert case.state.unpaid_micro == 3


def test_without_bonds_the_spread_is_the_reserves():
    assert Case().spread(100).reserve_micro == 100


def test_who_jumps_in_before_a_distribution_gets_the_share_of_the_time_only():
    """Bonded as much as all others for a minute of a week: half of a minute's stream."""
    case = Case()
    case.bond(ANN, 1000 * MICRO)
    case.wait(DAY_NS).bond(BOB, 1000 * MICRO)
    case.spread(2000 * MICRO)
    case.wait(60 * 10**9)
    case.unbond(BOB, case.shares(BOB))
    minute = 1000 * MICRO * 60 * 10**9 // WEEK_NS
    assert minute // 2 - 2 <= owed(case, BOB) <= minute // 2
    gained = owed(case, BOB)
    case.wait(WEEK_NS)
    assert owed(case, BOB) == gained
    assert owed(case, ANN) >= 1000 * MICRO - gained - 2


def test_a_small_distribution_does_not_hold_back_a_large_one():
    """1000 with half a week to go and 1 of a week: the stream ends a three-thousandth later, not half a week."""
    case = Case()
    case.bond(ANN, MICRO)
    case.spread(2000 * MICRO)
    case.wait(WEEK_NS // 2)
    planned = case.spread(MICRO)
    later = planned.end_ns - (START_NS + WEEK_NS)
    assert 0 < later <= WEEK_NS // 1000
    # Many dusty distributions together hold back no more than their weight.
    for _ in range(50):
        case.wait(10**9).spread(2)
    assert case.state.end_ns - (START_NS + WEEK_NS) <= WEEK_NS // 900


def test_a_stream_stands_still_while_nobody_is_bonded():
    case = Case()
    case.bond(ANN, 100)
    case.spread(2000)
    case.wait(WEEK_NS // 2).unbond(ANN, 100)
    assert owed(case, ANN) == 500
    case.wait(10 * WEEK_NS).bond(BOB, 50)
    assert owed(case, BOB) == 0
    case.wait(WEEK_NS // 4)
    assert owed(case, BOB) == 250
    case.wait(WEEK_NS // 4)
    assert owed(case, BOB) == 500
    assert case.state.end_ns == case.now


# --- leaving --------------------------------------------------------------------------------------


def test_a_bond_leaves_after_the_delay_and_earns_nothing_meanwhile():
    case = Case()
    case.bond(ANN, 100)
    leaving = case.unbond(ANN, 60)
    assert (leaving.money_micro, leaving.due_ns) == (60, case.now + WEEK_NS)
    assert bonded_micro(case.state) == 100
    assert case.wait(WEEK_NS - 1).claim_bond(ANN) is Refusal.NOTHING_UNBONDED
    assert case.wait(1).claim_bond(ANN).bond_micro == 60
    assert case.claim_bond(BOB) is Refusal.NOTHING_UNBONDED
    assert bonded_micro(case.state) == 40


def test_who_is_turned_away(monkeypatch):
    case = Case(SupportTerms(bonds_micro_max=1000))
    assert case.bond(ANN, 1001) is Refusal.BOND_LIMIT
    case.bond(ANN, 900)
    assert case.unbond(ANN, 901) is Refusal.BOND_SHORT
    assert case.unbond(BOB, 1) is Refusal.BOND_SHORT
    assert case.claim_reward(BOB) is Refusal.NO_REWARD
    for _ in range(UNBONDINGS_MAX):
        case.unbond(ANN, 1)
    assert case.unbond(ANN, 1) is Refusal.UNBONDINGS_FULL
    assert case.bond(BOB, 101) is Refusal.BOND_LIMIT
    case.loss(800, 0)
    assert case.fork().bond(BOB, 1).shares == 9
    case.wait(WEEK_NS).claim_bond(ANN)
    assert case.unbond(ANN, 1) is Refusal.BOND_TOO_SMALL
    monkeypatch.setattr(bonds, "BONDERS_MAX", 1)
    assert case.bond(BOB, 5) is Refusal.BONDERS_FULL
    assert BONDERS_MAX == 100_000
    assert case.spread(2**63 - 1).bonds_micro == (2**63 - 1) // 2
    case.spread(2**63 - 1)
    assert case.spread(2**63 - 1) is Refusal.BOND_LIMIT


def test_a_bond_smaller_than_a_share_is_refused():
    case = Case()
    case.bond(ANN, 3)
    case.state.bonds.shares = case.state.bonders["1"].bond.shares = 2
    assert case.bond(BOB, 1) is Refusal.BOND_TOO_SMALL


# --- losses ---------------------------------------------------------------------------------------


def test_the_reserve_bears_first_then_all_in_proportion():
    """A tenth of 1000 first; then 900 of reserve stand beside 300 of bonds, a third of them leaving."""
    case = Case()
    case.bond(ANN, 200)
    case.bond(BOB, 100)
    case.unbond(BOB, 100)
    assert case.fork().loss(100, 1000).bonds_micro == 0
    plan = case.loss(500, 1000)
    assert (plan.first_micro, plan.reserve_micro) == (100, 300)
    assert (plan.bonds_micro, plan.leavers_micro, plan.uncovered_micro) == (67, 33, 0)
    assert case.wait(WEEK_NS).claim_bond(BOB).bond_micro == 67


def test_what_exceeds_everything_is_not_covered():
    case = Case()
    case.bond(ANN, 100)
    plan = case.loss(1000, 500)
    assert (plan.first_micro, plan.reserve_micro, plan.bonds_micro, plan.uncovered_micro) == (50, 450, 100, 400)
    assert Case().loss(7, 0).uncovered_micro == 7
    # The account's place is free, and bonds begin anew.
    assert case.state.bonders == {}
    assert case.bond(BOB, 5).shares == 5


def test_a_pot_too_thin_is_emptied_and_its_rewards_stay_owed():
    case = Case()
    case.bond(ANN, 10**12)
    case.spread(2000)
    case.wait(WEEK_NS)
    plan = case.loss(10**12 - 999, 0)
    assert (plan.bonds_micro, plan.dust_micro) == (10**12 - 999, 999)
    assert case.state.bonds.shares == 0
    assert case.claim_reward(ANN).reward_micro == 1000
    case.bond(BOB, 10**12)
    assert case.loss(10**12 - 1000, 0).dust_micro == 0


def test_a_loss_splits_to_the_micro():
    rng = random.Random(5)
    for _ in range(300):
        case = Case(SupportTerms(first_loss_e12=rng.choice([0, E12, rng.randrange(E12)])))
        case.bond(ANN, rng.randrange(1, 10**9))
        if rng.random() < 0.7:
            case.unbond(ANN, rng.randrange(1, case.shares(ANN) + 1))
        there, reserve, loss = bonded_micro(case.state), rng.randrange(10**9), rng.randrange(2 * 10**9)
        plan = case.loss(loss, reserve)
        ours = plan.bonds_micro + plan.leavers_micro
        assert plan.first_micro + plan.reserve_micro + ours + plan.uncovered_micro == loss
        assert plan.first_micro + plan.reserve_micro <= reserve
        assert bonded_micro(case.state) == there - ours - plan.dust_micro
        if plan.uncovered_micro:
            assert ours == there


# --- random streams -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_random_streams_conserve(seed):
    rng, case = random.Random(seed), Case()
    rewards, paid, put, out, lost, refused = 0, 0, 0, 0, 0, set()
    for n in range(500):
        who = rng.choice([ANN, BOB, CAT, 40])
        amount = rng.choice([rng.randrange(1, 50), rng.randrange(1, 10**9)])
        done: Any = None
        match rng.randrange(9):
            case 0 | 1:
                done = case.bond(who, amount)
                put += 0 if isinstance(done, Refusal) else amount
            case 2:
                done = case.unbond(who, rng.randrange(1, max(case.shares(who), 1) + 1))
            case 3:
                done = case.claim_bond(who)
                out += 0 if isinstance(done, Refusal) else done.bond_micro
            case 4:
                done = case.claim_reward(who)
                paid += 0 if isinstance(done, Refusal) else done.reward_micro
            case 5 | 6:
                done = case.spread(amount)
                rewards += done.bonds_micro
                assert done.bonds_micro + done.reserve_micro == amount
            case 7:
                rate = case.state.bonds.micro * 10**18 // (case.state.bonds.shares or 1)
                reserve = rng.randrange(10**9)
                done = case.loss(rng.randrange(1 + bonded_micro(case.state)) + reserve // 2, reserve)
                lost += done.bonds_micro + done.leavers_micro + done.dust_micro
                assert case.state.bonds.micro * 10**18 // (case.state.bonds.shares or 1) <= rate
            case 8:
                case.wait(rng.choice([1, 10**9, DAY_NS, WEEK_NS]))
        refused.add(done if isinstance(done, Refusal) else None)
        assert put == out + lost + bonded_micro(case.state)
        assert rewards == paid + case.state.unpaid_micro + case.state.owed_micro
        # Never more is claimed than was put in.
        assert paid + sum(owed(case, account) for account in (ANN, BOB, CAT, 40)) <= rewards
        if n % 9 == 0:
            case.state = reread(case.state)
    assert len(refused) >= 4


@pytest.mark.parametrize("seed", range(3))
def test_splitting_never_gains(seed):
    rng = random.Random(seed)
    for _ in range(80):
        case = Case()
        case.bond(ANN, rng.randrange(2, 10**6))
        case.loss(rng.randrange(1, bonded_micro(case.state)), 0)
        whole, split, amount = case.fork(), case.fork(), rng.randrange(3, 10**6)
        whole.bond(BOB, amount)
        for part in (amount // 3, amount // 3, amount - 2 * (amount // 3)):
            split.bond(BOB, part)
        assert split.shares(BOB) <= whole.shares(BOB)
        for other in (whole, split):
            other.spread(amount)
            other.wait(rng.randrange(1, WEEK_NS))
        parts = whole.fork()
        shares = whole.shares(BOB)
        if shares < 3:
            continue
        whole.unbond(BOB, shares)
        for part in (shares // 3, shares // 3, shares - 2 * (shares // 3)):
            parts.unbond(BOB, part)
        got = []
        for other in (whole, parts):
            done = other.wait(WEEK_NS).claim_bond(BOB)
            got.append(0 if isinstance(done, Refusal) else done.bond_micro)
        assert got[1] <= got[0] <= amount


# --- terms, misuse, invariants --------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [{"share_e12": E12 + 1}, {"stream_ns": 0}, {"unbond_ns": 0}, {"first_loss_e12": -1}, {"bonds_micro_max": 2.0}],
)
def test_terms_out_of_range_are_refused(changes):
    with pytest.raises(AssetError):
        SupportTerms(**changes)


def test_plans_are_of_one_state_and_time():
    case = Case()
    planned = bonds.plan_bond(case.state, ANN, 5, START_NS)
    bonds.bond(case.state, planned, START_NS)
    with pytest.raises(MisuseError, match="Plan again"):
        bonds.bond(case.state, planned, START_NS)
    with pytest.raises(MisuseError, match="never falls"):
        bonds.plan_bond(case.state, ANN, 5, START_NS - 1)


def test_check_finds_what_is_broken():
    def broken(change) -> None:
        case = Case()
        case.bond(ANN, 100)
        case.spread(100)
        change(case.state)
        with pytest.raises(InvariantError):
            check(case.state)

    broken(lambda state: setattr(state.bonds, "micro", 101))
    broken(lambda state: setattr(state.bonds, "shares", 99))
    broken(lambda state: setattr(state, "unpaid_micro", 51))
    broken(lambda state: setattr(state, "lost_out_micro", 1))
    broken(lambda state: setattr(state.bonders["1"].bond, "owed_micro", 1))
    broken(lambda state: setattr(state, "streamed_ns", state.now_ns + 1))
