"""From locked stake to a value in force, and every way there that ends sooner."""

from __future__ import annotations

import pytest

from parbook.errors import AssetError, MisuseError
from parbook.governance import proposals, registry, stake
from parbook.governance.state import Change, Choice, DueKind, ProposalState
from parbook.governance.terms import (
    BOUNDS,
    CHANGES_MAX,
    DAY_NS,
    GUARDIAN,
    HOUR_NS,
    PARAMETERS_MAX,
    PROPOSALS_MAX,
    VALUE_MAX,
    GovernanceTerms,
    ParameterTerms,
    Safer,
    pause,
)
from parbook.pools.amounts import MICRO, MONEY_MICRO_MAX
from parbook.refusals import Refusal
from tests.governance.support import BUDGET, FEE, GUARDIAN_ACCOUNT, MODEL, PAUSE_DESK, START, Chamber, chamber

# --- terms and parameters ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(BOUNDS))
def test_every_term_has_hard_bounds(name):
    low, high = BOUNDS[name]
    for value in (low - 1, high + 1, True, 1.0):
        with pytest.raises(AssetError, match=name):
            GovernanceTerms(**{name: value})


def test_a_cool_down_is_no_shorter_than_a_guard():
    with pytest.raises(AssetError, match="guard_cooldown_ns is below guard_ns"):
        GovernanceTerms(guard_ns=2 * DAY_NS, guard_cooldown_ns=2 * DAY_NS - 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "Fee"},
        {"name": "a" * 65},
        {"name": 7},
        {"value": -1},
        {"value": 11},
        {"low": 11},
        {"high": VALUE_MAX + 1},
        {"low": -VALUE_MAX - 1},
        {"timelock_ns": HOUR_NS - 1},
        {"timelock_ns": 90 * DAY_NS + 1},
        {"name": "pause/x", "high": 1, "value": 0, "safer": Safer.LOWER},
    ],
)
def test_a_parameter_has_a_name_and_lies_within_its_bounds(changes):
    with pytest.raises(AssetError):
        ParameterTerms(**{"name": "x", "value": 5, "low": 0, "high": 10, **changes})


def test_a_parameter_is_registered_once_and_their_number_ends():
    house = Chamber()
    other = ParameterTerms(name=FEE, value=1, low=1, high=1)
    assert house.do(registry.plan_register, registry.register, other) is Refusal.GOVERNANCE_PARAMETER_EXISTS
    for number in range(len(house.state.parameters), PARAMETERS_MAX):
        plan = registry.plan_register(house.state, ParameterTerms(name=f"p{number}", value=0, low=0, high=1), START)
        registry.register(house.state, plan, START)
    last = pause("more")
    assert house.do(registry.plan_register, registry.register, last) is Refusal.GOVERNANCE_PARAMETERS_FULL
    with pytest.raises(AssetError, match="a parameter has this name already"):
        registry.opened(GovernanceTerms(), [pause("a"), pause("a")], 1, START)
    with pytest.raises(MisuseError, match="no parameter 'nothing'"):
        house.value("nothing")


# --- the way to a value -----------------------------------------------------------------------------


def test_a_proposal_from_its_making_to_its_execution():
    house = chamber()
    plan = house.propose(1, FEE=1_000, BUDGET=30_000)
    made = house.now
    assert (plan.total_micro, plan.quorum_micro) == (10_000 * MICRO, 1_000 * MICRO)
    assert (plan.starts_ns, plan.ends_ns) == (made + DAY_NS, made + 4 * DAY_NS)
    # The longest timelock of its parameters.
    assert plan.eta_ns == made + 8 * DAY_NS
    assert house.where(1) is ProposalState.PENDING
    assert house.vote(1, 1) is Refusal.GOVERNANCE_NOT_VOTING
    house.later(DAY_NS)
    assert house.where(1) is ProposalState.VOTING
    assert house.vote(1, 2).weight_micro == 3_000 * MICRO
    assert house.vote(1, 3, Choice.AGAINST).weight_micro == 2_000 * MICRO
    assert house.vote(1, 2, Choice.AGAINST) is Refusal.GOVERNANCE_VOTED
    with pytest.raises(AssetError, match="choice"):
        house.vote(1, 1, 3)
    (tally,) = house.later(3 * DAY_NS)
    assert (tally.kind, tally.outcome, tally.at_ns) == (DueKind.TALLY, ProposalState.QUEUED, plan.ends_ns)
    assert house.vote(1, 1) is Refusal.GOVERNANCE_NOT_VOTING
    assert house.execute(1) is Refusal.GOVERNANCE_TIMELOCKED
    house.to(plan.eta_ns - 1)
    assert (house.value(FEE), house.value(BUDGET)) == (2_500, 20_000)
    (done,) = house.later(1)
    assert (done.kind, done.outcome, done.at_ns) == (DueKind.EXECUTE, ProposalState.EXECUTED, plan.eta_ns)
    assert {change.name: change.value for change in done.changes} == {FEE: 1_000, BUDGET: 30_000}
    assert (house.value(FEE), house.value(BUDGET)) == (1_000, 30_000)
    assert house.state.proposals_executed == 1


@pytest.mark.parametrize(
    ("votes", "passes"),
    [
        ({1: Choice.FOR}, True),
        ({1: Choice.AGAINST, 2: Choice.FOR, 3: Choice.FOR}, False),  # a tie
        ({}, False),
        ({1: Choice.ABSTAIN}, False),
        ({3: Choice.FOR, 2: Choice.ABSTAIN}, True),
        ({3: Choice.FOR, 2: Choice.AGAINST}, False),
    ],
)
def test_a_majority_of_those_who_vote_decides(votes, passes):
    house = chamber()
    house.propose(1, FEE=3_000)
    house.later(DAY_NS)
    for account, choice in votes.items():
        house.vote(1, account, choice)
    house.later(3 * DAY_NS)
    assert house.where(1) is (ProposalState.QUEUED if passes else ProposalState.DEFEATED)


@pytest.mark.parametrize(("quorum_ppm", "passes"), [(500_000, True), (500_001, False)])
def test_a_quorum_is_a_share_of_all_stake_rounded_up_and_abstentions_count(quorum_ppm, passes):
    house = chamber(quorum_ppm=quorum_ppm)
    assert house.propose(1, FEE=3_000).quorum_micro == 10_000 * quorum_ppm
    house.later(DAY_NS)
    house.vote(1, 2)
    house.vote(1, 3, Choice.ABSTAIN)
    house.later(3 * DAY_NS)
    assert house.where(1) is (ProposalState.QUEUED if passes else ProposalState.DEFEATED)
    odd = Chamber(threshold_micro=1)
    odd.do(stake.plan_lock, stake.lock, 1, 1_000_001)
    odd.later(1)
    assert odd.propose(1, FEE=3_000).quorum_micro == 100_001


def test_what_may_be_proposed():
    house = chamber()
    for values, refusal in (
        ({}, Refusal.GOVERNANCE_CHANGES_MISSING),
        ({"nothing": 1}, Refusal.GOVERNANCE_UNKNOWN_PARAMETER),
        ({FEE: 99}, Refusal.GOVERNANCE_OUT_OF_BOUNDS),
        ({FEE: 200, BUDGET: 50_001}, Refusal.GOVERNANCE_OUT_OF_BOUNDS),
        ({GUARDIAN: 5, FEE: 200}, Refusal.GOVERNANCE_GUARDIAN_ALONE),
        ({f"p{number}": 0 for number in range(CHANGES_MAX + 1)}, Refusal.GOVERNANCE_TOO_MANY_CHANGES),
    ):
        assert house.propose_of(1, values) is refusal
    for value in (True, 2**65):
        with pytest.raises(AssetError, match="value"):
            house.propose_of(1, {FEE: value})
    twice = [Change(name=FEE, value=200), Change(name=FEE, value=300)]
    assert proposals.plan_propose(house.state, 1, twice, house.now) is Refusal.GOVERNANCE_CHANGE_TWICE
    assert house.propose_of(1, {FEE: 100, BUDGET: 50_000}).number == 1
    assert house.propose_of(1, {FEE: 100}) is Refusal.GOVERNANCE_PROPOSER_BUSY
    for call in (house.vote, house.cancel):
        assert call(2, 1) is Refusal.GOVERNANCE_UNKNOWN_PROPOSAL
    assert house.execute(2) is Refusal.GOVERNANCE_UNKNOWN_PROPOSAL
    assert house.execute(1) is Refusal.GOVERNANCE_NOT_QUEUED


def test_who_may_propose_and_how_many():
    house = chamber(threshold_micro=2_000 * MICRO + 1)
    assert house.propose(3, FEE=200) is Refusal.GOVERNANCE_BELOW_THRESHOLD
    assert house.propose(4, FEE=200) is Refusal.GOVERNANCE_BELOW_THRESHOLD
    # What was locked this very moment proposes nothing.
    house.lock(3, 1)
    assert house.propose(3, FEE=200) is Refusal.GOVERNANCE_BELOW_THRESHOLD
    house.later(1)
    assert house.propose(3, FEE=200).held_micro == 2_000 * MICRO + 1
    full = Chamber()
    for account in range(1, PROPOSALS_MAX + 2):
        full.lock(account, 1_000)
    full.later(1)
    for account in range(1, PROPOSALS_MAX + 1):
        assert full.propose(account, FEE=200).number == account
    assert full.propose(PROPOSALS_MAX + 1, FEE=200) is Refusal.GOVERNANCE_PROPOSALS_FULL


def test_a_proposer_withdraws_at_any_stage_and_nobody_else():
    for wait in (0, DAY_NS):
        house = chamber()
        house.propose(1, FEE=200)
        house.later(wait)
        assert house.cancel(1, 2) is Refusal.GOVERNANCE_NOT_PROPOSER
        assert house.cancel(1, GUARDIAN_ACCOUNT) is Refusal.GOVERNANCE_NO_VETO
        assert house.cancel(1, 1).veto is False
        assert house.state.proposals == []
    house = chamber()
    assert house.cancel(house.passed(FEE=200), 1).veto is False
    assert house.later(30 * DAY_NS) == []
    assert house.value(FEE) == 2_500


# --- execution --------------------------------------------------------------------------------------


def test_what_the_mechanisms_cannot_take_waits_and_may_be_tried_again():
    house = chamber()
    number = house.passed(FEE=1_000)
    eta = house.now + 2 * DAY_NS
    house.to(eta + DAY_NS, refuse=lambda plan: True)
    assert (house.where(number), house.value(FEE)) == (ProposalState.QUEUED, 2_500)
    assert house.execute(number).changes[0].value == 1_000
    assert house.value(FEE) == 1_000
    assert house.execute(number) is Refusal.GOVERNANCE_UNKNOWN_PROPOSAL


def test_what_is_never_executed_expires_with_its_grace():
    house = chamber()
    number = house.passed(FEE=1_000)
    eta = house.now + 2 * DAY_NS
    house.to(eta + 3 * DAY_NS - 1, refuse=lambda plan: True)
    assert house.where(number) is ProposalState.QUEUED
    (expired,) = house.later(1)
    assert (expired.kind, house.where(number), house.value(FEE)) == (DueKind.EXPIRE, ProposalState.EXPIRED, 2_500)


def test_what_is_due_happens_at_its_own_time_however_late():
    late, prompt = chamber(), chamber()
    for house in (late, prompt):
        house.propose(1, BUDGET=1_000)
        house.guard(PAUSE_DESK, 1)
        house.later(DAY_NS)
        house.vote(1, 1)
    late.later(20 * DAY_NS)
    for _ in range(20):
        prompt.later(DAY_NS)
    assert late.state == prompt.state
    assert late.dues == prompt.dues
    assert late.value(BUDGET) == 1_000


def test_time_does_not_fall_and_what_is_due_comes_first():
    house = chamber()
    assert proposals.plan_due(house.state, house.now) is Refusal.GOVERNANCE_NOTHING_DUE
    assert proposals.next_due_ns(house.state) == 0
    house.propose(1, FEE=200)
    with pytest.raises(MisuseError, match="TALLY was due"):
        registry.value_at(house.state, FEE, house.now + 4 * DAY_NS)
    with pytest.raises(MisuseError, match="Time never falls"):
        stake.plan_lock(house.state, 1, MICRO, house.now - 1)
    plan = stake.plan_lock(house.state, 1, MICRO, house.now)
    with pytest.raises(MisuseError, match="Plan again"):
        stake.lock(house.state, plan, house.now + 1)
    stake.lock(house.state, plan, house.now)
    with pytest.raises(MisuseError, match="Plan again"):
        stake.lock(house.state, plan, house.now)


def test_the_model_needs_the_longest_timelock_only_when_it_is_in_the_list():
    house = chamber()
    ends = house.propose(1, PAUSE_DESK=1, MODEL=2).ends_ns
    assert house.state.proposals[0].eta_ns == ends + 3 * DAY_NS
    assert house.propose(2, PAUSE_DESK=1).eta_ns == house.now + 4 * DAY_NS + HOUR_NS
    assert house.value(MODEL) == 1


def test_stake_has_an_end():
    house = Chamber()
    assert house.do(stake.plan_lock, stake.lock, 1, MONEY_MICRO_MAX).amount_micro == MONEY_MICRO_MAX
    assert house.do(stake.plan_lock, stake.lock, 2, MICRO) is Refusal.GOVERNANCE_STAKE_OVERFLOW
