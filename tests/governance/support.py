"""Helpers of governance's tests: driven as a composer would drive it, with every invariant checked."""

from __future__ import annotations

from typing import Any

import msgspec

from parbook.governance import proposals, registry, stake
from parbook.governance.checks import check
from parbook.governance.state import Change, Choice, DueKind, DuePlan, Governance, ProposalState
from parbook.governance.terms import DAY_NS, HOUR_NS, GovernanceTerms, ParameterTerms, Safer, pause
from parbook.pools.amounts import MICRO
from parbook.refusals import Refusal

START = 1000 * DAY_NS
GUARDIAN_ACCOUNT = 99
PARAMETERS = (
    ParameterTerms(name="desk/fee_ppm", value=2_500, low=100, high=50_000, safer=Safer.HIGHER, timelock_ns=2 * DAY_NS),
    ParameterTerms(
        name="market/budget_ppm", value=20_000, low=0, high=50_000, safer=Safer.LOWER, timelock_ns=4 * DAY_NS
    ),
    ParameterTerms(name="model", value=1, low=1, high=9, timelock_ns=3 * DAY_NS),
    pause("desk"),
)
FEE, BUDGET, MODEL, PAUSE_DESK = (terms.name for terms in PARAMETERS)


class Chamber:
    """Governance, its clock, and how each proposal ended: every step is planned, carried out and checked."""

    def __init__(self, **changes: Any) -> None:
        self.state = registry.opened(GovernanceTerms(**changes), PARAMETERS, GUARDIAN_ACCOUNT, START)
        self.now = START
        self.dues: list[DuePlan] = []
        self.ended: dict[int, ProposalState] = {}

    def to(self, now: int, refuse: Any = None) -> list[DuePlan]:
        """Go to a time; return what happened on the way. `refuse(plan)`: whether the mechanisms cannot take it."""
        before = len(self.dues)
        while 0 < proposals.next_due_ns(self.state) <= now:
            plan = proposals.plan_due(self.state, now)
            assert isinstance(plan, DuePlan)
            back = plan.kind is DueKind.EXECUTE and refuse is not None and refuse(plan)
            (proposals.hold_back if back else proposals.due)(self.state, plan, now)
            check(self.state)
            if plan.kind is not DueKind.GUARD_END and not back:
                self.ended[plan.number] = plan.outcome
            self.dues.append(plan)
        self.now = now
        return self.dues[before:]

    def later(self, by: int, refuse: Any = None) -> list[DuePlan]:
        return self.to(self.now + by, refuse)

    def do(self, plan_of: Any, carry_out: Any, *arguments: Any) -> Any:
        """Plan and carry out; return the plan, or the refusal after which nothing has changed."""
        before = encoded(self.state)
        plan = plan_of(self.state, *arguments, self.now)
        assert encoded(self.state) == before
        if not isinstance(plan, Refusal):
            carry_out(self.state, plan, self.now)
            check(self.state)
        return plan

    def lock(self, account: int, units: int) -> Any:
        return self.do(stake.plan_lock, stake.lock, account, units * MICRO)

    def unlock(self, account: int, units: int) -> Any:
        return self.do(stake.plan_unlock, stake.unlock, account, units * MICRO)

    def propose(self, proposer: int, **values: int) -> Any:
        """Parameters by the names of this module: FEE=3000."""
        return self.propose_of(proposer, {globals()[name]: value for name, value in values.items()})

    def propose_of(self, proposer: int, values: dict[str, int]) -> Any:
        changes = [Change(name=name, value=value) for name, value in values.items()]
        return self.do(proposals.plan_propose, proposals.propose, proposer, changes)

    def vote(self, number: int, account: int, choice: Choice = Choice.FOR) -> Any:
        return self.do(proposals.plan_vote, proposals.vote, number, account, choice)

    def cancel(self, number: int, account: int) -> Any:
        return self.do(proposals.plan_cancel, proposals.cancel, number, account)

    def execute(self, number: int) -> Any:
        return self.do(proposals.plan_execute, proposals.execute, number)

    def guard(self, name: str, value: int, account: int = GUARDIAN_ACCOUNT) -> Any:
        return self.do(registry.plan_guard, registry.guard, account, name, value)

    def value(self, name: str) -> int:
        return registry.value_at(self.state, name, self.now)

    def where(self, number: int) -> ProposalState:
        """Where a proposal stands, open or ended."""
        proposal = proposals.proposal_of(self.state, number)
        return proposals.state_at(proposal, self.now) if proposal else self.ended[number]

    def passed(self, proposer: int = 1, **values: int) -> int:
        """A proposal that has just passed its vote, with all of its proposer's stake; return its number."""
        number = self.propose(proposer, **values).number
        self.later(DAY_NS)
        self.vote(number, proposer)
        self.later(3 * DAY_NS)
        assert self.where(number) is ProposalState.QUEUED
        return number


def chamber(**changes: Any) -> Chamber:
    """A chamber in which accounts 1, 2 and 3 locked 5000, 3000 and 2000 units a day ago."""
    out = Chamber(**changes)
    for account, units in ((1, 5_000), (2, 3_000), (3, 2_000)):
        out.lock(account, units)
    out.later(DAY_NS)
    return out


def encoded(state: Governance) -> bytes:
    return msgspec.json.encode(state, order="deterministic")


def decoded(state: Governance) -> Governance:
    return msgspec.json.decode(encoded(state), type=Governance)


__all__ = ["DAY_NS", "HOUR_NS", "START", "Chamber", "Choice", "chamber"]
