"""Random commands beside a plain model, which keeps every balance there ever was and every value with its time."""

from __future__ import annotations

import random

import pytest

from parbook.governance.state import Choice, DueKind, ProposalState
from parbook.governance.terms import DAY_NS, GUARDIAN, HOUR_NS, Safer
from parbook.pools.amounts import MICRO
from parbook.refusals import Refusal
from tests.governance.support import (
    BUDGET,
    FEE,
    GUARDIAN_ACCOUNT,
    MODEL,
    PARAMETERS,
    PAUSE_DESK,
    Chamber,
    decoded,
    encoded,
)

ACCOUNTS = range(1, 7)
MOVES = (
    ["lock"] * 6
    + ["unlock"] * 4
    + ["propose"] * 4
    + ["vote"] * 14
    + ["wait"] * 8
    + ["cancel", "guard", "guard", "execute"]
)


class Model:
    """What governance should say, in the plainest way."""

    def __init__(self, now: int) -> None:
        self.balances: dict[int, list[tuple[int, int, int]]] = {account: [(0, 0, 0)] for account in ACCOUNTS}
        """(order, time, balance) after each change."""
        self.order = 0
        self.made: dict[int, tuple[int, int]] = {}
        """proposal -> (order, time)."""
        self.holds: dict[int, tuple[int, int]] = {}
        """account -> (amount, until): the most held, until the last of what holds it ends."""
        self.cast: dict[int, dict[int, tuple[Choice, int]]] = {}

    def balance(self, account: int) -> int:
        return self.balances[account][-1][2]

    def change(self, account: int, amount: int, now: int) -> None:
        self.order += 1
        self.balances[account].append((self.order, now, self.balance(account) + amount))

    def weight(self, account: int, number: int) -> int:
        """The least balance since the last change before the proposal's own moment."""
        made = self.made[number][1]
        history = self.balances[account]
        before = [balance for _, time, balance in history if time < made][-1:]
        since = [balance for _, time, balance in history if time >= made]
        return min(before + since)

    def held(self, account: int, now: int) -> int:
        amount, until = self.holds.get(account, (0, 0))
        return amount if now < until else 0

    def hold(self, account: int, amount: int, until: int, now: int) -> None:
        last = self.holds.get(account, (0, 0))[1]
        self.holds[account] = (max(self.held(account, now), amount), max(last, until))

    def eligible(self, number: int) -> int:
        return sum(self.weight_at_start(account, number) for account in ACCOUNTS)

    def weight_at_start(self, account: int, number: int) -> int:
        order, made = self.made[number]
        before = [balance for _, time, balance in self.balances[account] if time < made][-1:]
        then = [balance for at, time, balance in self.balances[account] if time == made and at <= order]
        return min(before + then)


class Stream:
    """Governance and its model."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.house = Chamber(threshold_micro=50 * MICRO, quorum_ppm=300_000, guard_max=2)
        self.model = Model(self.house.now)
        self.told: list[object] = []
        self.values = {terms.name: terms.value for terms in PARAMETERS} | {GUARDIAN: GUARDIAN_ACCOUNT}
        self.guards: dict[str, tuple[int, int]] = {}
        self.ended: set[ProposalState] = set()

    def run(self, steps: int, trips: random.Random | None = None) -> None:
        for _ in range(steps):
            out = getattr(self, self.rng.choice(MOVES))()
            self.told.append(out)
            self.look()
            if trips and trips.random() < 0.2:
                self.house.state = decoded(self.house.state)

    def lock(self) -> object:
        account, units = self.rng.choice(ACCOUNTS), self.rng.choice([1, 10, 60, 300])
        out = self.house.lock(account, units)
        self.model.change(account, units * MICRO, self.house.now)
        return out

    def unlock(self) -> object:
        account = self.rng.choice(ACCOUNTS)
        units = self.rng.choice([1, 10, 60, self.model.balance(account) // MICRO])
        out = self.house.unlock(account, units)
        left = self.model.balance(account) - units * MICRO
        if out is Refusal.GOVERNANCE_STAKE_HELD:
            assert 0 <= left < self.model.held(account, self.house.now)
        elif not isinstance(out, Refusal):
            assert left >= self.model.held(account, self.house.now)
            self.model.change(account, -units * MICRO, self.house.now)
        return out

    def propose(self) -> object:
        account = self.rng.choice(ACCOUNTS)
        names = self.rng.choice([[FEE], [BUDGET], [FEE, BUDGET], [MODEL], [PAUSE_DESK], [GUARDIAN], [GUARDIAN, FEE]])
        bounds = {terms.name: (terms.low, terms.high) for terms in PARAMETERS} | {GUARDIAN: (98, 99)}
        values = {
            name: self.rng.randint(bounds[name][0] - (self.rng.random() < 0.1), bounds[name][1]) for name in names
        }
        out = self.house.propose_of(account, values)
        if not isinstance(out, Refusal):
            self.model.made[out.number] = (self.model.order, self.house.now)
            self.model.cast[out.number] = {}
            self.model.hold(account, 50 * MICRO, self.house.now + 4 * DAY_NS, self.house.now)
            # Exactly what each account had before this moment, and did not take out in it.
            assert out.total_micro == self.model.eligible(out.number)
        return out

    def vote(self) -> object:
        number = self.house.state.proposals_made - self.rng.randint(0, 3)
        account, choice = self.rng.choice(ACCOUNTS), self.rng.choice([Choice.FOR, Choice.FOR, *Choice])
        out = self.house.vote(number, account, choice)
        if out is Refusal.GOVERNANCE_NO_WEIGHT:
            assert self.model.weight(account, number) == 0
        elif not isinstance(out, Refusal):
            assert account not in self.model.cast[number]
            assert out.weight_micro == self.model.weight(account, number) > 0
            self.model.cast[number][account] = (choice, out.weight_micro)
            ends = self.model.made[number][1] + 4 * DAY_NS
            self.model.hold(account, out.weight_micro, ends, self.house.now)
            assert sum(weight for _, weight in self.model.cast[number].values()) <= self.model.eligible(number)
        return out

    def wait(self) -> object:
        refuse = self.rng.random() < 0.3
        happened = self.house.later(
            self.rng.choice([0, 1, HOUR_NS, 9 * HOUR_NS, DAY_NS, 2 * DAY_NS]), lambda plan: refuse
        )
        for plan in happened:
            if plan.kind is DueKind.TALLY:
                cast = self.model.cast[plan.number].values()
                sums = {choice: sum(weight for said, weight in cast if said is choice) for choice in Choice}
                quorum = sum(sums.values()) * 10 >= self.model.eligible(plan.number) * 3
                passes = quorum and sums[Choice.FOR] > sums[Choice.AGAINST]
                assert plan.outcome is (ProposalState.QUEUED if passes else ProposalState.DEFEATED)
            elif plan.kind is DueKind.EXECUTE and not refuse:
                self.apply(plan.number, plan.at_ns, plan.changes)
            elif plan.kind is DueKind.GUARD_END:
                assert plan.at_ns == self.guards[plan.name][1]
            self.ended.add(plan.outcome)
        return happened

    def apply(self, number, at_ns, changes) -> None:
        """No change is effective before its own parameter's timelock after the vote."""
        timelocks = {name: parameter.terms.timelock_ns for name, parameter in self.house.state.parameters.items()}
        for change in changes:
            assert at_ns >= self.model.made[number][1] + 4 * DAY_NS + timelocks[change.name]
            self.values[change.name] = change.value

    def cancel(self) -> object:
        out = self.house.cancel(
            self.house.state.proposals_made - self.rng.randint(0, 4), self.rng.choice([*ACCOUNTS, GUARDIAN_ACCOUNT])
        )
        return out

    def execute(self) -> object:
        number = self.house.state.proposals_made - self.rng.randint(0, 6)
        out = self.house.execute(number)
        if not isinstance(out, Refusal):
            self.apply(number, self.house.now, out.changes)
        return out

    def guard(self) -> object:
        name, account = self.rng.choice([FEE, BUDGET, PAUSE_DESK, MODEL]), self.rng.choice([98, 99, 99])
        value = self.rng.choice([0, 1, 100, 10_000, 50_000])
        out = self.house.guard(name, value, account)
        if not isinstance(out, Refusal):
            assert account == self.values[GUARDIAN]
            last = self.guards.get(name)
            assert last is None or self.house.now >= last[1] + 7 * DAY_NS
            self.guards[name] = (value, self.house.now + 3 * DAY_NS)
        return out

    def look(self) -> None:
        """A value is the governed one or a living guard's, the safer one; every unit of stake is somebody's."""
        house = self.house
        house.to(house.now)
        for name, parameter in house.state.parameters.items():
            terms, value = parameter.terms, self.values[name]
            guard, until = self.guards.get(name, (0, 0))
            if house.now < until:
                value = min(value, guard) if terms.safer is Safer.LOWER else max(value, guard)
            assert house.value(name) == value
            assert terms.low <= value <= terms.high
        assert house.state.total_micro == sum(self.model.balance(account) for account in ACCOUNTS)
        for one in house.state.stakes.values():
            assert one.amount_micro == self.model.balance(one.account)


@pytest.mark.parametrize("seed", range(12))
def test_random_commands(seed):
    plain, again = Stream(seed), Stream(seed)
    plain.run(800)
    again.run(800, trips=random.Random(seed))
    assert again.told == plain.told
    assert encoded(again.house.state) == encoded(plain.house.state)


def test_the_streams_reach_what_they_should():
    streams = [Stream(seed) for seed in range(50, 58)]
    for stream in streams:
        stream.run(800)
    kinds = {plan.kind for stream in streams for plan in stream.house.dues}
    assert kinds == set(DueKind)
    refusals = {out for stream in streams for out in stream.told if isinstance(out, Refusal)}
    assert len(refusals) >= 15
    assert {ProposalState.EXECUTED, ProposalState.DEFEATED, ProposalState.EXPIRED} <= {
        state for stream in streams for state in stream.house.ended.values()
    }
    assert sum(stream.house.state.proposals_executed for stream in streams) > 20
