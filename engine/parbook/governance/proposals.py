"""Proposals: made, voted on, queued, executed; withdrawn by who made them, or vetoed by the guardian.

    PENDING -> VOTING -> DEFEATED | QUEUED -> EXECUTED | EXPIRED;  CANCELLED from PENDING, VOTING and QUEUED

A vote passes with more stake for than against, when a quorum of all stake at the start took part; a tie fails. A queued
proposal waits for the longest timelock of its parameters and is executed as soon as that has run out.
"""

from __future__ import annotations

from collections.abc import Sequence

from parbook.governance.clock import begin, first_event, ready
from parbook.governance.stake import hold, settled_micro, total_settled_micro, weight_of
from parbook.governance.state import (
    CancelPlan,
    Change,
    Choice,
    DueKind,
    DuePlan,
    ExecutePlan,
    Governance,
    Proposal,
    ProposalState,
    ProposePlan,
    Vote,
    VotePlan,
    account_key,
)
from parbook.governance.terms import CHANGES_MAX, GUARDIAN, PROPOSALS_MAX, may_increase_risk
from parbook.pools.amounts import Rounding, divide, require_int
from parbook.refusals import Refusal
from parbook.units import ACCOUNT_MAX, PPM


def state_at(proposal: Proposal, now_ns: int) -> ProposalState:
    """Return where an open proposal stands: PENDING, VOTING or QUEUED. How it ends is what `due` or `cancel` said."""
    if proposal.queued:
        return ProposalState.QUEUED
    return ProposalState.PENDING if now_ns < proposal.starts_ns else ProposalState.VOTING


def proposal_of(state: Governance, number: int) -> Proposal | None:
    """Return the open proposal of this number, None when there is none. O(proposals)."""
    return next((proposal for proposal in state.proposals if proposal.number == number), None)


def _open(state: Governance, number: int) -> Proposal:
    proposal = proposal_of(state, number)
    assert proposal is not None, "the version has not changed since the plan saw it"
    return proposal


# --- making one -------------------------------------------------------------------------------------


def plan_propose(state: Governance, proposer: int, changes: Sequence[Change], now_ns: int) -> Refusal | ProposePlan:
    """Plan a proposal. Its proposer's stake must reach the threshold with what was locked before. O(changes)."""
    ready(state, now_ns)
    require_int("proposal", "proposer", proposer, 1, ACCOUNT_MAX)
    refusal = _refused(state, changes)
    if refusal:
        return refusal
    stake = state.stakes.get(account_key(proposer))
    if stake is None or settled_micro(stake, now_ns) < state.terms.threshold_micro:
        return Refusal.GOVERNANCE_BELOW_THRESHOLD
    if any(other.proposer == proposer for other in state.proposals):
        return Refusal.GOVERNANCE_PROPOSER_BUSY
    if len(state.proposals) >= PROPOSALS_MAX:
        return Refusal.GOVERNANCE_PROPOSALS_FULL
    starts_ns = now_ns + state.terms.pending_ns
    ends_ns = starts_ns + state.terms.voting_ns
    eta_ns = ends_ns + max(state.parameters[change.name].terms.timelock_ns for change in changes)
    total_micro = total_settled_micro(state, now_ns)
    return ProposePlan(
        version=state.version,
        at_ns=now_ns,
        number=state.proposals_made + 1,
        proposer=proposer,
        changes=tuple(changes),
        starts_ns=starts_ns,
        ends_ns=ends_ns,
        eta_ns=eta_ns,
        expires_ns=eta_ns + state.terms.grace_ns,
        total_micro=total_micro,
        quorum_micro=divide(total_micro * state.terms.quorum_ppm, PPM, Rounding.CEIL),
        held_micro=state.terms.threshold_micro,
    )


def _refused(state: Governance, changes: Sequence[Change]) -> Refusal | None:
    names = [change.name for change in changes]
    if not names:
        return Refusal.GOVERNANCE_CHANGES_MISSING
    if len(names) > CHANGES_MAX:
        return Refusal.GOVERNANCE_TOO_MANY_CHANGES
    if len(set(names)) < len(names):
        return Refusal.GOVERNANCE_CHANGE_TWICE
    for change in changes:
        require_int(f"parameter {change.name}", "value", change.value, -(2**64), 2**64)
        parameter = state.parameters.get(change.name)
        if parameter is None:
            return Refusal.GOVERNANCE_UNKNOWN_PARAMETER
        if not parameter.terms.low <= change.value <= parameter.terms.high:
            return Refusal.GOVERNANCE_OUT_OF_BOUNDS
    # Alone, it never increases risk by anything else, so that no guardian vetoes its own replacement.
    return Refusal.GOVERNANCE_GUARDIAN_ALONE if GUARDIAN in names and len(names) > 1 else None


def propose(state: Governance, plan: ProposePlan, now_ns: int) -> None:
    """Carry out `plan_propose`."""
    begin(state, plan, now_ns)
    state.proposals_made = plan.number
    proposal = Proposal(
        number=plan.number,
        proposer=plan.proposer,
        changes=list(plan.changes),
        created_ns=now_ns,
        starts_ns=plan.starts_ns,
        ends_ns=plan.ends_ns,
        eta_ns=plan.eta_ns,
        expires_ns=plan.expires_ns,
        total_micro=plan.total_micro,
        quorum_micro=plan.quorum_micro,
    )
    state.proposals.append(proposal)
    hold(state.stakes[account_key(plan.proposer)], plan.held_micro, plan.ends_ns, now_ns)


# --- voting -----------------------------------------------------------------------------------------


def plan_vote(state: Governance, number: int, account: int, choice: Choice, now_ns: int) -> Refusal | VotePlan:
    """Plan a vote with all the weight the account has; it stays. AssetError for no Choice. O(open votes)."""
    ready(state, now_ns)
    require_int("vote", "choice", choice, 0, len(Choice) - 1)
    proposal = proposal_of(state, number)
    if proposal is None:
        return Refusal.GOVERNANCE_UNKNOWN_PROPOSAL
    if state_at(proposal, now_ns) is not ProposalState.VOTING:
        return Refusal.GOVERNANCE_NOT_VOTING
    if account_key(account) in proposal.votes:
        return Refusal.GOVERNANCE_VOTED
    weight = weight_of(state, account, proposal)
    if weight <= 0:
        return Refusal.GOVERNANCE_NO_WEIGHT
    return VotePlan(
        version=state.version,
        at_ns=now_ns,
        number=number,
        account=account,
        choice=Choice(choice),
        weight_micro=weight,
    )


def vote(state: Governance, plan: VotePlan, now_ns: int) -> None:
    """Carry out `plan_vote`."""
    begin(state, plan, now_ns)
    proposal = _open(state, plan.number)
    proposal.votes[account_key(plan.account)] = Vote(choice=plan.choice, weight_micro=plan.weight_micro)
    if plan.choice is Choice.FOR:
        proposal.for_micro += plan.weight_micro
    elif plan.choice is Choice.AGAINST:
        proposal.against_micro += plan.weight_micro
    else:
        proposal.abstain_micro += plan.weight_micro
    hold(state.stakes[account_key(plan.account)], plan.weight_micro, proposal.ends_ns, now_ns)


def passes(proposal: Proposal) -> bool:
    """Return whether its votes, as they are, pass it."""
    part = proposal.for_micro + proposal.against_micro + proposal.abstain_micro
    return part >= proposal.quorum_micro and proposal.for_micro > proposal.against_micro


# --- cancelling -------------------------------------------------------------------------------------


def increases_risk(state: Governance, proposal: Proposal) -> bool:
    """Return whether a change of it may increase risk against the governed value of now.

    A parameter without a safer direction may, whichever way it goes; the guardian's own replacement does not.
    """
    return any(
        change.name != GUARDIAN
        and may_increase_risk(
            state.parameters[change.name].terms.safer, state.parameters[change.name].value, change.value
        )
        for change in proposal.changes
    )


def plan_cancel(state: Governance, number: int, account: int, now_ns: int) -> Refusal | CancelPlan:
    """Plan to withdraw an open proposal, by who made it, or to veto a queued one that may increase risk: the guardian.

    O(changes).
    """
    ready(state, now_ns)
    proposal = proposal_of(state, number)
    if proposal is None:
        return Refusal.GOVERNANCE_UNKNOWN_PROPOSAL
    if account == proposal.proposer:
        return CancelPlan(version=state.version, at_ns=now_ns, number=number, veto=False)
    guardian = state.parameters[GUARDIAN].value
    if not guardian or account != guardian:
        return Refusal.GOVERNANCE_NOT_PROPOSER
    if not proposal.queued or not increases_risk(state, proposal):
        return Refusal.GOVERNANCE_NO_VETO
    return CancelPlan(version=state.version, at_ns=now_ns, number=number, veto=True)


def cancel(state: Governance, plan: CancelPlan, now_ns: int) -> None:
    """Carry out `plan_cancel`."""
    begin(state, plan, now_ns)
    state.proposals.remove(_open(state, plan.number))


# --- time and execution -----------------------------------------------------------------------------


def next_due_ns(state: Governance) -> int:
    """Return when `plan_due` has something to carry out, 0 when it never will. O(parameters + proposals)."""
    event = first_event(state)
    return event.at_ns if event else 0


def plan_due(state: Governance, now_ns: int) -> Refusal | DuePlan:
    """Plan the first thing that is due by `now_ns`. It happens at its own time, however late it is carried out."""
    event = first_event(state)
    if event is None or event.at_ns > now_ns:
        return Refusal.GOVERNANCE_NOTHING_DUE
    outcome, changes = ProposalState.PENDING, tuple[Change, ...]()
    if event.kind is DueKind.GUARD_END:
        changes = (Change(name=event.name, value=state.parameters[event.name].value),)
    else:
        proposal = _open(state, event.number)
        if event.kind is DueKind.TALLY:
            outcome = ProposalState.QUEUED if passes(proposal) else ProposalState.DEFEATED
        elif event.kind is DueKind.EXPIRE:
            outcome = ProposalState.EXPIRED
        else:
            outcome, changes = ProposalState.EXECUTED, tuple(proposal.changes)
    return DuePlan(
        version=state.version,
        at_ns=event.at_ns,
        kind=event.kind,
        number=event.number,
        name=event.name,
        outcome=outcome,
        changes=changes,
    )


def due(state: Governance, plan: DuePlan, now_ns: int) -> None:
    """Carry out `plan_due`. Call both until `next_due_ns` is 0 or lies ahead."""
    begin(state, plan, min(plan.at_ns, now_ns))
    if plan.kind is DueKind.GUARD_END:
        state.parameters[plan.name].guard = None
    elif plan.outcome is ProposalState.QUEUED:
        _open(state, plan.number).queued = True
    elif plan.outcome is ProposalState.EXECUTED:
        _execute(state, plan.number, plan.changes)
    else:
        state.proposals.remove(_open(state, plan.number))


def hold_back(state: Governance, plan: DuePlan, now_ns: int) -> None:
    """Instead of `due`, for an EXECUTE whose changes the mechanisms cannot take together: none of them is made.

    The proposal stays queued; `plan_execute` may try again until it expires.
    """
    begin(state, plan, min(plan.at_ns, now_ns))
    _open(state, plan.number).held_back = True


def plan_execute(state: Governance, number: int, now_ns: int) -> Refusal | ExecutePlan:
    """Plan to execute a proposal that was held back, within its grace."""
    ready(state, now_ns)
    proposal = proposal_of(state, number)
    if proposal is None:
        return Refusal.GOVERNANCE_UNKNOWN_PROPOSAL
    if not proposal.queued:
        return Refusal.GOVERNANCE_NOT_QUEUED
    # One that was not held back is executed as soon as it may be, by `due`.
    if now_ns < proposal.eta_ns:
        return Refusal.GOVERNANCE_TIMELOCKED
    return ExecutePlan(version=state.version, at_ns=now_ns, number=number, changes=tuple(proposal.changes))


def execute(state: Governance, plan: ExecutePlan, now_ns: int) -> None:
    """Carry out `plan_execute`."""
    begin(state, plan, now_ns)
    _execute(state, plan.number, plan.changes)


def _execute(state: Governance, number: int, changes: tuple[Change, ...]) -> None:
    for change in changes:
        state.parameters[change.name].value = change.value
    state.proposals.remove(_open(state, number))
    state.proposals_executed += 1
