"""The invariants of governance."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from parbook.errors import InvariantError
from parbook.governance.registry import in_force
from parbook.governance.stake import held_at, weight_of
from parbook.governance.state import Choice, Governance, Proposal, account_key
from parbook.governance.terms import CHANGES_MAX, GUARDIAN, PARAMETERS_MAX, PROPOSALS_MAX, STAKERS_MAX, Safer


def check(state: Governance) -> None:
    """Raise InvariantError unless every invariant of governance holds. O(parameters + stakes x votes)."""
    for broken, what in chain(_parameters(state), _stakes(state), _proposals(state)):
        if broken:
            raise InvariantError(f"governance at {state.now_ns}: {what}")


def _parameters(state: Governance) -> Iterator[tuple[bool, str]]:
    yield len(state.parameters) > PARAMETERS_MAX, "too many parameters"
    yield GUARDIAN not in state.parameters, "no parameter says who the guardian is"
    guards = 0
    for name in sorted(state.parameters):
        parameter = state.parameters[name]
        terms, guard = parameter.terms, parameter.guard
        yield terms.name != name, f"{name} stands under another's name"
        for value in (parameter.value, in_force(parameter, state.now_ns)):
            yield not terms.low <= value <= terms.high, f"{name} is outside its bounds"
        if guard:
            guards += 1
            yield not terms.low <= guard.value <= terms.high, f"the guard of {name} is outside its bounds"
            yield terms.safer is Safer.NONE, f"{name} is guarded and has no safer direction"
            yield guard.until_ns > state.now_ns + state.terms.guard_ns, f"the guard of {name} lives too long"
            yield parameter.cool_ns != guard.until_ns + state.terms.guard_cooldown_ns, f"the cool-down of {name}"
    yield guards > state.terms.guard_max, "too many guards"


def _stakes(state: Governance) -> Iterator[tuple[bool, str]]:
    stakes = [state.stakes[key] for key in sorted(state.stakes)]
    yield len(stakes) > STAKERS_MAX, "too many stakers"
    yield sum(stake.amount_micro for stake in stakes) != state.total_micro, "the stakes do not add up to their total"
    recent = sum(one.pasts[-1].recent_micro for one in stakes if one.pasts[-1].recent_ns == state.recent_ns)
    yield recent != state.recent_micro, "what was locked last does not add up"
    for key, stake in sorted(state.stakes.items()):
        account = stake.account
        yield account_key(account) != key, f"the stake of {account} stands under another's number"
        yield stake.amount_micro < state.terms.lock_min_micro, f"the stake of {account} is too small"
        yield held_at(stake, state.now_ns) > stake.amount_micro, f"more of {account}'s stake is held than there is"
        yield stake.pasts[-1].last_micro != stake.amount_micro, f"the last past of {account}"
        epochs = [past.epoch for past in stake.pasts]
        yield epochs != sorted(set(epochs)) or len(epochs) > PROPOSALS_MAX + 1, f"the pasts of {account}"
        for past in stake.pasts:
            yield not 0 <= past.low_micro <= past.last_micro, f"a past of {account}: its least"
            yield not 0 <= past.recent_micro <= past.last_micro, f"a past of {account}: what came last"


def _proposals(state: Governance) -> Iterator[tuple[bool, str]]:
    yield len(state.proposals) > PROPOSALS_MAX, "too many proposals"
    proposers = [proposal.proposer for proposal in state.proposals]
    yield len(set(proposers)) < len(proposers), "two open proposals of one account"
    for proposal in state.proposals:
        for broken, what in _proposal(state, proposal):
            yield broken, f"proposal {proposal.number}: {what}"
    numbers = [proposal.number for proposal in state.proposals]
    yield numbers != sorted(set(numbers)), "proposals are not in order"
    yield bool(numbers) and numbers[-1] > state.proposals_made, "a proposal nobody made"


def _proposal(state: Governance, proposal: Proposal) -> Iterator[tuple[bool, str]]:
    names = [change.name for change in proposal.changes]
    yield not 1 <= len(names) <= CHANGES_MAX or len(set(names)) < len(names), "its changes"
    for change in proposal.changes:
        terms = state.parameters[change.name].terms
        yield not terms.low <= change.value <= terms.high, f"{change.name} would leave its bounds"
        yield proposal.eta_ns < proposal.ends_ns + terms.timelock_ns, f"{change.name} would not wait for its timelock"
    for choice, sum_micro in (
        (Choice.FOR, proposal.for_micro),
        (Choice.AGAINST, proposal.against_micro),
        (Choice.ABSTAIN, proposal.abstain_micro),
    ):
        cast = sum(vote.weight_micro for vote in proposal.votes.values() if vote.choice is choice)
        yield cast != sum_micro, f"votes {choice.name} do not add up"
    part = proposal.for_micro + proposal.against_micro + proposal.abstain_micro
    yield part > proposal.total_micro, "more votes than stake"
    yield not proposal.created_ns < proposal.starts_ns < proposal.ends_ns < proposal.eta_ns, "its times"
    yield bool(proposal.votes) and state.now_ns < proposal.starts_ns, "votes before the vote"
    yield proposal.held_back and not proposal.queued, "held back and not queued"
    if not proposal.queued:
        weights = sum(weight_of(state, state.stakes[key].account, proposal) for key in sorted(state.stakes))
        yield weights > proposal.total_micro, "more weight than there was stake"
        kept = all(
            vote.weight_micro <= weight_of(state, int(key), proposal) for key, vote in sorted(proposal.votes.items())
        )
        yield not kept, "who voted did not keep the stake"
