"""The guardian makes things safer, for a while."""

from __future__ import annotations

import pytest

from parbook.errors import AssetError, InvariantError
from parbook.governance import registry
from parbook.governance.checks import check
from parbook.governance.state import Change, DueKind, Guard, ProposalState
from parbook.governance.terms import DAY_NS, GUARDIAN, HOUR_NS, ParameterTerms, Safer, may_increase_risk, safer_than
from parbook.refusals import Refusal
from tests.governance.support import (
    BUDGET,
    FEE,
    GUARDIAN_ACCOUNT,
    MODEL,
    PAUSE_DESK,
    Chamber,
    chamber,
    decoded,
)


def test_safer_is_a_direction():
    for safer, lower, higher in ((Safer.LOWER, True, False), (Safer.HIGHER, False, True), (Safer.NONE, False, False)):
        assert (safer_than(safer, 1, 2), safer_than(safer, 2, 1), safer_than(safer, 2, 2)) == (lower, higher, False)
        assert may_increase_risk(safer, 2, 1) is not lower
        assert may_increase_risk(safer, 1, 2) is not higher
        assert not may_increase_risk(safer, 2, 2)


def test_a_guard_holds_at_once_and_ends_by_itself():
    house = Chamber()
    begun = house.now
    plan = house.guard(BUDGET, 5_000)
    assert (house.value(BUDGET), plan.until_ns) == (5_000, begun + 3 * DAY_NS)
    house.guard(PAUSE_DESK, 1)
    assert house.value(PAUSE_DESK) == 1
    house.later(3 * DAY_NS - 1)
    assert house.value(BUDGET) == 5_000
    ended = house.later(1)
    assert [(end.kind, end.name, end.changes[0].value) for end in ended] == [
        (DueKind.GUARD_END, BUDGET, 20_000),
        (DueKind.GUARD_END, PAUSE_DESK, 0),
    ]
    assert (house.value(BUDGET), house.value(PAUSE_DESK)) == (20_000, 0)


def test_what_the_guardian_may_not():
    house = Chamber(guard_max=2)
    for name, value, account, refusal in (
        (BUDGET, 1, 5, Refusal.GOVERNANCE_NOT_GUARDIAN),
        ("nothing", 1, GUARDIAN_ACCOUNT, Refusal.GOVERNANCE_UNKNOWN_PARAMETER),
        (MODEL, 2, GUARDIAN_ACCOUNT, Refusal.GOVERNANCE_NO_DIRECTION),
        (GUARDIAN, 2, GUARDIAN_ACCOUNT, Refusal.GOVERNANCE_NO_DIRECTION),
        (BUDGET, -1, GUARDIAN_ACCOUNT, Refusal.GOVERNANCE_OUT_OF_BOUNDS),
        (BUDGET, 20_001, GUARDIAN_ACCOUNT, Refusal.GOVERNANCE_WRONG_DIRECTION),
        (BUDGET, 20_000, GUARDIAN_ACCOUNT, Refusal.GOVERNANCE_WRONG_DIRECTION),
        (FEE, 2_499, GUARDIAN_ACCOUNT, Refusal.GOVERNANCE_WRONG_DIRECTION),
    ):
        assert house.guard(name, value, account) is refusal
    assert house.guard(BUDGET, 0).value == 0
    assert house.guard(BUDGET, 0) is Refusal.GOVERNANCE_GUARDED
    assert house.guard(FEE, 50_000).value == 50_000
    assert house.guard(PAUSE_DESK, 1) is Refusal.GOVERNANCE_GUARDS_FULL
    with pytest.raises(AssetError, match="value"):
        registry.plan_guard(house.state, GUARDIAN_ACCOUNT, BUDGET, 0.5, house.now)


def test_a_guard_cannot_be_made_permanent():
    """Whatever a guardian tries, every hour of a month: the parameter is guarded three days of ten."""
    house = Chamber()
    guarded = 0
    hours = 30 * 24
    for _ in range(hours):
        house.guard(BUDGET, 0)
        guarded += house.value(BUDGET) == 0
        house.later(HOUR_NS)
    assert guarded == 3 * 3 * 24
    assert house.guard(BUDGET, 0).until_ns == house.now + 3 * DAY_NS
    house.later(3 * DAY_NS)
    assert house.guard(BUDGET, 0) is Refusal.GOVERNANCE_GUARD_COOLING
    house.later(7 * DAY_NS - 1)
    assert house.guard(BUDGET, 0) is Refusal.GOVERNANCE_GUARD_COOLING


def test_of_the_governed_value_and_the_guardian_s_the_safer_one_holds():
    house = chamber(guard_ns=10 * DAY_NS, guard_cooldown_ns=10 * DAY_NS)
    house.passed(BUDGET=30_000)
    house.guard(BUDGET, 10_000)
    house.later(4 * DAY_NS)
    assert (house.state.parameters[BUDGET].value, house.value(BUDGET)) == (30_000, 10_000)
    house.later(6 * DAY_NS)
    assert house.value(BUDGET) == 30_000
    house = chamber(guard_ns=10 * DAY_NS, guard_cooldown_ns=10 * DAY_NS)
    house.passed(BUDGET=5_000)
    house.guard(BUDGET, 10_000)
    house.later(4 * DAY_NS)
    assert house.value(BUDGET) == 5_000


@pytest.mark.parametrize(
    ("values", "vetoed"),
    [
        ({"BUDGET": 30_000}, True),
        ({"BUDGET": 10_000}, False),
        ({"FEE": 2_000}, True),
        ({"FEE": 3_000}, False),
        ({"FEE": 3_000, "BUDGET": 30_000}, True),
        ({"FEE": 3_000, "BUDGET": 10_000}, False),
        ({"MODEL": 2}, True),
        ({"MODEL": 1}, False),
        ({"GUARDIAN": 5}, False),
    ],
)
def test_the_guardian_vetoes_what_may_increase_risk(values, vetoed):
    house = chamber()
    number = house.propose_of(1, {GUARDIAN: 5}).number if "GUARDIAN" in values else house.propose(1, **values).number
    house.later(DAY_NS)
    house.vote(number, 1)
    house.later(3 * DAY_NS)
    out = house.cancel(number, GUARDIAN_ACCOUNT)
    assert out is Refusal.GOVERNANCE_NO_VETO if not vetoed else out.veto
    assert (house.state.proposals == []) is vetoed


def test_governance_replaces_the_guardian_whose_guards_and_cool_downs_stay():
    house = chamber()
    house.propose_of(1, {GUARDIAN: 5})
    house.later(DAY_NS)
    house.vote(1, 1)
    house.later(9 * DAY_NS)
    house.guard(BUDGET, 0)
    house.later(DAY_NS)
    assert house.where(1) is ProposalState.EXECUTED
    assert (house.value(GUARDIAN), house.value(BUDGET)) == (5, 0)
    assert house.guard(FEE, 9_000) is Refusal.GOVERNANCE_NOT_GUARDIAN
    assert house.guard(FEE, 9_000, account=5).value == 9_000
    house.later(2 * DAY_NS)
    assert house.guard(BUDGET, 0, account=5) is Refusal.GOVERNANCE_GUARD_COOLING


def test_without_a_guardian_nobody_guards():
    house = chamber()
    house.state.parameters[GUARDIAN].value = 0
    assert house.guard(BUDGET, 0, account=0) is Refusal.GOVERNANCE_NOT_GUARDIAN
    number = house.passed(BUDGET=30_000)
    assert house.cancel(number, 0) is Refusal.GOVERNANCE_NOT_PROPOSER


def test_a_state_comes_back_from_its_encoding():
    house = chamber()
    house.guard(BUDGET, 0)
    house.passed(FEE=3_000)
    house.propose(2, MODEL=3)
    house.later(DAY_NS)
    house.vote(2, 3)
    assert decoded(house.state) == house.state


def parameter(house, name=BUDGET):
    return house.state.parameters[name]


@pytest.mark.parametrize(
    ("name", "break_it"),
    [
        ("outside its bounds", lambda h: setattr(parameter(h), "value", 50_001)),
        (
            "guard of .* is outside its bounds",
            lambda h: setattr(parameter(h), "guard", Guard(value=-1, until_ns=h.now)),
        ),
        ("no safer direction", lambda h: setattr(parameter(h, MODEL), "guard", Guard(value=1, until_ns=h.now))),
        ("lives too long", lambda h: setattr(parameter(h), "guard", Guard(value=0, until_ns=h.now + 9 * DAY_NS))),
        ("the cool-down", lambda h: setattr(parameter(h), "cool_ns", 0)),
        ("another's name", lambda h: setattr(parameter(h), "terms", ParameterTerms(name="x", value=0, low=0, high=9))),
        ("who the guardian is", lambda h: h.state.parameters.pop(GUARDIAN)),
        ("do not add up to their total", lambda h: setattr(h.state, "total_micro", 1)),
        ("what was locked last", lambda h: setattr(h.state, "recent_micro", 1)),
        ("another's number", lambda h: setattr(h.state.stakes["1"], "account", 9)),
        ("is held than there is", lambda h: setattr(h.state.stakes["1"], "held_micro", 10**12)),
        ("last past", lambda h: setattr(h.state.stakes["1"].pasts[-1], "last_micro", 1)),
        ("its least", lambda h: setattr(h.state.stakes["1"].pasts[-1], "low_micro", -1)),
        ("its changes", lambda h: h.state.proposals[0].changes.clear()),
        ("leave its bounds", lambda h: setattr(h.state.proposals[0], "changes", [Change(name=BUDGET, value=-1)])),
        ("wait for its timelock", lambda h: setattr(h.state.proposals[0], "eta_ns", h.state.proposals[0].ends_ns + 1)),
        ("do not add up", lambda h: setattr(h.state.proposals[0], "for_micro", 1)),
        ("more votes than stake", lambda h: setattr(h.state.proposals[0], "total_micro", 1)),
        ("its times", lambda h: setattr(h.state.proposals[0], "starts_ns", 1)),
        ("held back and not queued", lambda h: setattr(h.state.proposals[0], "held_back", True)),
        ("did not keep", lambda h: setattr(h.state.stakes["1"].pasts[-1], "low_micro", 1)),
        ("two open proposals", lambda h: setattr(h.state.proposals[1], "proposer", 1)),
        ("not in order", lambda h: h.state.proposals.reverse()),
        ("nobody made", lambda h: setattr(h.state, "proposals_made", 1)),
    ],
)
def test_a_broken_invariant_is_found(name, break_it):
    house = chamber()
    house.guard(BUDGET, 0)
    house.propose(1, BUDGET=100)
    house.propose(2, FEE=3_000)
    house.lock(1, 5)
    house.later(DAY_NS)
    house.vote(1, 1)
    check(house.state)
    break_it(house)
    with pytest.raises(InvariantError, match=name):
        check(house.state)
