"""Governance: stake locked, changes proposed and voted on, executed after their timelock; the guardian in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from parbook.errors import AssetError
from parbook.governance import proposals, registry, stake
from parbook.governance.state import Change, DueKind, Governance
from parbook.governance.terms import GUARDIAN, PARAMETERS_MAX, ParameterTerms, safer_than
from parbook.protocol import commands as c
from parbook.protocol import events as e
from parbook.protocol import governed, on_oracle, prices
from parbook.protocol.answers import Answer, No
from parbook.protocol.state import GovernanceEntry
from parbook.refusals import Refusal

if TYPE_CHECKING:
    from parbook.protocol.engine import Engine


def open_governance(engine: Engine, command: c.OpenGovernance) -> Answer:
    """Let the holders of an asset vote on settings."""
    if engine.state.governance is not None:
        return Refusal.ALREADY_THERE
    if command.native >= len(engine.core.assets) or engine.core.assets[command.native].decimals != 6:
        return No(Refusal.NOT_THERE, f"native: no asset of number {command.native} with 6 decimals")
    parameters = _parameters(engine, command.names)
    if isinstance(parameters, No):
        return parameters
    try:
        governance = registry.opened(command.terms, parameters, command.guardian, engine.now_ns)
    except AssetError as error:
        return No(Refusal.GOVERNANCE_PARAMETER_EXISTS, str(error))
    entry = GovernanceEntry(governance=governance, native=command.native, account=engine.new_account())
    engine.state.governance = entry
    engine.say(e.GovernanceOpened, native=command.native, parameters=command.names)
    return None


def _parameters(engine: Engine, names: Sequence[str]) -> list[ParameterTerms] | No:
    found = []
    for name in names:
        terms = governed.parameter_of(engine, name)
        if terms is None:
            return No(Refusal.GOVERNANCE_UNKNOWN_PARAMETER, name)
        found.append(terms)
    return found


def _open(engine: Engine) -> tuple[GovernanceEntry, Governance] | Refusal:
    entry = engine.state.governance
    return (entry, entry.governance) if entry is not None else Refusal.NOT_THERE


def govern(engine: Engine, command: c.Govern) -> Answer:
    """Put further settings to the vote."""
    place = _open(engine)
    if isinstance(place, Refusal):
        return place
    _, state = place
    parameters = _parameters(engine, command.names)
    if isinstance(parameters, No):
        return parameters
    names = [terms.name for terms in parameters]
    if len(set(names)) < len(names) or any(name in state.parameters for name in names):
        return Refusal.GOVERNANCE_PARAMETER_EXISTS
    if len(state.parameters) + len(names) > PARAMETERS_MAX:
        return Refusal.GOVERNANCE_PARAMETERS_FULL
    for terms in parameters:
        plan = registry.plan_register(state, terms, engine.now_ns)
        assert not isinstance(plan, Refusal), "names and room were tested"
        registry.register(state, plan, engine.now_ns)
    engine.say(e.Governed, parameters=command.names)
    return None


# --- stake and votes ----------------------------------------------------------------------------------------------


def lock(engine: Engine, command: c.LockStake) -> Answer:
    """Lock native tokens."""
    place = _open(engine)
    if isinstance(place, Refusal):
        return place
    entry, state = place
    plan = stake.plan_lock(state, command.account, command.amount_micro, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    no = engine.purse.refusal_of_payment(command.account, entry.native, command.amount_micro)
    if no:
        return no
    engine.purse.move(command.account, entry.account, entry.native, command.amount_micro)
    stake.lock(state, plan, engine.now_ns)
    engine.say(e.StakeLocked, account=command.account, amount_micro=command.amount_micro)
    return None


def unlock(engine: Engine, command: c.UnlockStake) -> Answer:
    """Give native tokens back."""
    place = _open(engine)
    if isinstance(place, Refusal):
        return place
    entry, state = place
    plan = stake.plan_unlock(state, command.account, command.amount_micro, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    stake.unlock(state, plan, engine.now_ns)
    engine.purse.move(entry.account, command.account, entry.native, command.amount_micro)
    engine.say(e.StakeUnlocked, account=command.account, amount_micro=command.amount_micro)
    return None


def propose(engine: Engine, command: c.ProposeChange) -> Answer:
    """Propose changes."""
    place = _open(engine)
    if isinstance(place, Refusal):
        return place
    _, state = place
    plan = proposals.plan_propose(state, command.account, command.changes, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    proposals.propose(state, plan, engine.now_ns)
    engine.say(e.ChangeProposed, proposal=state.proposals_made, account=command.account, changes=command.changes)
    return None


def vote(engine: Engine, command: c.VoteOn) -> Answer:
    """Vote."""
    place = _open(engine)
    if isinstance(place, Refusal):
        return place
    _, state = place
    plan = proposals.plan_vote(state, command.proposal, command.account, command.choice, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    proposals.vote(state, plan, engine.now_ns)
    engine.say(
        e.Voted,
        proposal=command.proposal,
        account=command.account,
        choice=command.choice,
        weight_micro=plan.weight_micro,
    )
    return None


def cancel(engine: Engine, command: c.CancelProposal) -> Answer:
    """Take a proposal back, or veto it."""
    place = _open(engine)
    if isinstance(place, Refusal):
        return place
    _, state = place
    plan = proposals.plan_cancel(state, command.proposal, command.account, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    proposals.cancel(state, plan, engine.now_ns)
    engine.say(e.ProposalEnded, proposal=command.proposal, outcome="VETOED" if plan.veto else "CANCELLED")
    return None


def execute(engine: Engine, command: c.ExecuteProposal) -> Answer:
    """Try again what the mechanisms could not take together when it was due."""
    place = _open(engine)
    if isinstance(place, Refusal):
        return place
    _, state = place
    plan = proposals.plan_execute(state, command.proposal, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    no = _apply(engine, plan.changes, lambda: proposals.execute(state, plan, engine.now_ns))
    if no:
        return No(Refusal.GOVERNANCE_OUT_OF_BOUNDS, no)
    engine.say(e.ProposalEnded, proposal=command.proposal, outcome="EXECUTED")
    return None


def guard(engine: Engine, command: c.Guard) -> Answer:
    """Make a setting safer for a while. By the guardian."""
    place = _open(engine)
    if isinstance(place, Refusal):
        return place
    _, state = place
    plan = registry.plan_guard(state, command.account, command.name, command.value, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    change = (Change(name=command.name, value=command.value),)
    no = _apply(engine, change, lambda: registry.guard(state, plan, engine.now_ns))
    if no:
        return No(Refusal.GOVERNANCE_OUT_OF_BOUNDS, no)
    engine.say(e.Guarded, name=command.name, value=command.value, until_ns=plan.until_ns)
    return None


# --- time ---------------------------------------------------------------------------------------------------------


def next_due_ns(engine: Engine) -> int:
    """Return when a vote ends, a change comes into force or a guardian's one ends."""
    entry = engine.state.governance
    return (proposals.next_due_ns(entry.governance) if entry else 0) or 2**63


def due(engine: Engine) -> None:
    """Carry out what is due now."""
    entry = engine.state.governance
    if entry is None:
        return
    state = entry.governance
    while 0 < proposals.next_due_ns(state) <= engine.now_ns:
        plan = proposals.plan_due(state, engine.now_ns)
        assert not isinstance(plan, Refusal), "it is due"
        if plan.kind is DueKind.EXECUTE:
            no = _apply(engine, plan.changes, lambda: None)
            if no:
                proposals.hold_back(state, plan, engine.now_ns)
                engine.say(e.ProposalHeldBack, proposal=plan.number, reason=no)
                continue
        proposals.due(state, plan, engine.now_ns)
        if plan.kind is DueKind.GUARD_END:
            no = _apply(engine, plan.changes, lambda: None)
            engine.say(e.GuardEnded, name=plan.name, value=plan.changes[0].value, reason=no)
        else:
            engine.say(e.ProposalEnded, proposal=plan.number, outcome=plan.outcome.name)


def _apply(engine: Engine, changes: Sequence[Change], then: Callable[[], None]) -> str:
    """Set what was decided and do what belongs to it, or return why it cannot be set so.

    What the guardian holds at something safer stays there until its time is over.
    """
    entry = engine.state.governance
    assert entry is not None, "it decided"
    parameters = entry.governance.parameters
    effective = []
    for change in changes:
        parameter = parameters[change.name]
        held = parameter.guard
        if held and safer_than(parameter.terms.safer, held.value, change.value) and held.until_ns > engine.now_ns:
            continue
        if change.name != GUARDIAN:
            effective.append(change)
    try:
        touched = governed.apply(engine, effective)
    except AssetError as error:
        return str(error)
    then()
    on_oracle.due(engine)
    for target in touched:
        if target.kind == "feed":
            on_oracle.follow(engine, target.numbers[0])
        else:
            prices.reprice(engine, target.numbers[0])
    return ""


HANDLERS: Final[dict[type[c.Order], Callable[[Engine, Any], Answer]]] = {
    c.OpenGovernance: open_governance,
    c.Govern: govern,
    c.LockStake: lock,
    c.UnlockStake: unlock,
    c.ProposeChange: propose,
    c.VoteOn: vote,
    c.CancelProposal: cancel,
    c.ExecuteProposal: execute,
    c.Guard: guard,
}
