"""What is locked votes; what was locked too late, moved, or voted already does not."""

from __future__ import annotations

import pytest

from parbook.errors import AssetError
from parbook.governance import stake
from parbook.governance.state import Choice
from parbook.governance.terms import DAY_NS, STAKERS_MAX
from parbook.pools.amounts import MICRO
from parbook.refusals import Refusal
from tests.governance.support import Chamber, chamber


def weights(house, number):
    proposal = next(one for one in house.state.proposals if one.number == number)
    return {
        one.account: stake.weight_of(house.state, one.account, proposal) // MICRO for one in house.state.stakes.values()
    }


def test_what_is_locked_after_a_proposal_or_with_it_has_no_weight_in_it():
    house = chamber()
    house.lock(4, 100_000)
    plan = house.propose(1, FEE=3_000)
    house.lock(1, 700)
    house.later(DAY_NS)
    house.lock(2, 900)
    house.lock(5, 100_000)
    assert plan.total_micro == 10_000 * MICRO
    assert weights(house, 1) == {1: 5_000, 2: 3_000, 3: 2_000, 4: 0, 5: 0}
    for account in (4, 5, 6):
        assert house.vote(1, account) is Refusal.GOVERNANCE_NO_WEIGHT
    # In the next one all of it counts.
    house.later(1)
    assert house.propose(2, FEE=3_000).total_micro == 211_600 * MICRO
    assert weights(house, 2) == {1: 5_700, 2: 3_900, 3: 2_000, 4: 100_000, 5: 100_000}


def test_what_was_away_for_a_moment_does_not_count_again():
    house = chamber()
    house.propose(1, FEE=3_000)
    house.unlock(2, 2_999)
    house.lock(2, 2_999)
    house.unlock(3, 2_000)
    house.lock(3, 2_000)
    assert weights(house, 1) == {1: 5_000, 2: 1, 3: 0}


def test_borrowed_for_a_moment_around_a_proposal():
    """Locked before it in the same nanosecond, or unlocked behind it: neither votes."""
    house = chamber()
    house.lock(4, 1_000_000)
    house.unlock(4, 400_000)
    house.lock(4, 100_000)
    house.propose(1, FEE=3_000)
    house.later(1)
    assert weights(house, 1)[4] == 0
    house.lock(3, 50)
    house.unlock(3, 100)
    assert weights(house, 1)[3] == 1_950


def test_who_votes_keeps_the_stake_until_the_vote_ends():
    house = chamber()
    house.propose(1, FEE=3_000)
    house.later(DAY_NS)
    assert house.unlock(3, 500).amount_micro == 500 * MICRO
    assert house.vote(1, 3).weight_micro == 1_500 * MICRO
    house.lock(3, 200)
    assert house.unlock(3, 201) is Refusal.GOVERNANCE_STAKE_HELD
    assert house.unlock(3, 200).amount_micro == 200 * MICRO
    # Its proposer keeps the threshold, voting or not.
    assert house.unlock(1, 4_001) is Refusal.GOVERNANCE_STAKE_HELD
    assert house.unlock(1, 4_000).amount_micro == 4_000 * MICRO
    house.later(3 * DAY_NS - 1)
    assert house.unlock(3, 1_500) is Refusal.GOVERNANCE_STAKE_HELD
    house.later(1)
    assert house.unlock(3, 1_500).amount_micro == 1_500 * MICRO
    assert "3" not in house.state.stakes


def test_what_two_votes_hold_stays_until_the_later_one_ends():
    house = chamber()
    house.propose(1, FEE=3_000)
    house.later(2 * DAY_NS)
    house.propose(2, FEE=4_000)
    house.vote(1, 3)
    house.later(DAY_NS)
    house.vote(2, 3, Choice.AGAINST)
    house.later(DAY_NS)
    assert house.unlock(3, 1) is Refusal.GOVERNANCE_STAKE_HELD
    house.later(2 * DAY_NS)
    assert house.unlock(3, 2_000).amount_micro == 2_000 * MICRO


def test_a_hold_that_is_over_weighs_nothing_in_the_next():
    house = chamber()
    house.propose(1, FEE=3_000)
    house.later(DAY_NS)
    house.vote(1, 2)
    house.later(10 * DAY_NS)
    house.unlock(2, 2_000)
    house.later(1)
    house.propose(2, FEE=4_000)
    assert house.state.stakes["2"].held_micro == 1_000 * MICRO


def test_amounts_have_a_least_and_accounts_a_most():
    house = chamber()
    assert house.do(stake.plan_lock, stake.lock, 4, MICRO - 1) is Refusal.GOVERNANCE_AMOUNT_TOO_SMALL
    assert house.do(stake.plan_unlock, stake.unlock, 1, 5_000 * MICRO - 1) is Refusal.GOVERNANCE_AMOUNT_TOO_SMALL
    assert house.do(stake.plan_unlock, stake.unlock, 1, 0) is Refusal.GOVERNANCE_AMOUNT_TOO_SMALL
    assert house.unlock(1, 5_001) is Refusal.GOVERNANCE_STAKE_MISSING
    assert house.unlock(9, 1) is Refusal.GOVERNANCE_STAKE_MISSING
    for account in (0, 2**32, True):
        with pytest.raises(AssetError):
            stake.plan_lock(house.state, account, MICRO, house.now)
    crowd = Chamber()
    for account in range(1, STAKERS_MAX + 1):
        stake.lock(crowd.state, stake.plan_lock(crowd.state, account, MICRO, crowd.now), crowd.now)
    assert stake.plan_lock(crowd.state, STAKERS_MAX + 1, MICRO, crowd.now) is Refusal.GOVERNANCE_STAKERS_FULL
    assert not isinstance(stake.plan_lock(crowd.state, STAKERS_MAX, MICRO, crowd.now), Refusal)


def test_what_is_remembered_of_a_stake_does_not_grow_without_votes():
    house = chamber()
    for _ in range(30):
        house.lock(1, 1)
        house.later(1)
    assert len(house.state.stakes["1"].pasts) == 1
    for account in (1, 2, 3):
        house.propose(account, FEE=3_000)
        for _ in range(5):
            house.lock(1, 1)
            house.unlock(1, 1)
            house.later(1)
        assert len(house.state.stakes["1"].pasts) == account + 1
    for _ in range(20):
        house.cancel(house.state.proposals_made, 3)
        house.propose(3, FEE=3_000)
        house.lock(1, 1)
    assert len(house.state.stakes["1"].pasts) == 4
    house.later(5 * DAY_NS)
    house.lock(1, 1)
    assert len(house.state.stakes["1"].pasts) == 1
