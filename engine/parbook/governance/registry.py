"""Parameters, their values, and the guardian.

A value never leaves its parameter's hard bounds. It changes by an executed proposal, after its timelock; the guardian
may make it safer at once and only for `guard_ns`, and must then leave it alone for `guard_cooldown_ns`, which is no
shorter: whoever guards, and however often guardians change, a parameter is guarded at most half of the time.
"""

from __future__ import annotations

from collections.abc import Iterable

from parbook.errors import AssetError, MisuseError
from parbook.governance.clock import begin, ready
from parbook.governance.state import Governance, Guard, GuardPlan, Parameter, RegisterPlan
from parbook.governance.terms import GUARDIAN, PARAMETERS_MAX, GovernanceTerms, ParameterTerms, Safer, safer_than
from parbook.pools.amounts import require_int
from parbook.refusals import Refusal
from parbook.units import ACCOUNT_MAX, TIME_NS_MAX


def opened(terms: GovernanceTerms, parameters: Iterable[ParameterTerms], guardian: int, now_ns: int) -> Governance:
    """Return governance with these parameters and one more, the guardian: an account or 0. AssetError for doubles."""
    state = Governance(terms=terms, now_ns=require_int("governance", "now_ns", now_ns, 0, TIME_NS_MAX))
    own = ParameterTerms(name=GUARDIAN, value=guardian, low=0, high=ACCOUNT_MAX, timelock_ns=terms.guardian_timelock_ns)
    for given in [own, *parameters]:
        plan = plan_register(state, given, now_ns)
        if isinstance(plan, Refusal):
            raise AssetError(f"parameter {given.name}", plan.doc, "Leave it out.")
        register(state, plan, now_ns)
    return state


def plan_register(state: Governance, terms: ParameterTerms, now_ns: int) -> Refusal | RegisterPlan:
    """Plan to add a parameter."""
    ready(state, now_ns)
    if terms.name in state.parameters:
        return Refusal.GOVERNANCE_PARAMETER_EXISTS
    if len(state.parameters) >= PARAMETERS_MAX:
        return Refusal.GOVERNANCE_PARAMETERS_FULL
    return RegisterPlan(version=state.version, at_ns=now_ns, terms=terms)


def register(state: Governance, plan: RegisterPlan, now_ns: int) -> None:
    """Carry out `plan_register`."""
    begin(state, plan, now_ns)
    state.parameters[plan.terms.name] = Parameter(terms=plan.terms, value=plan.terms.value)


def value_at(state: Governance, name: str, now_ns: int) -> int:
    """Return a parameter's value at `now_ns`: the governed one, or the guardian's while that lives and is safer.

    MisuseError for an unknown name, or while something is due. O(parameters + proposals).
    """
    ready(state, now_ns)
    parameter = state.parameters.get(name)
    if parameter is None:
        raise MisuseError(f"There is no parameter {name!r}. Register it first.")
    return in_force(parameter, now_ns)


def in_force(parameter: Parameter, now_ns: int) -> int:
    """Return the safer of the governed value and the guardian's, if that lives."""
    guard = parameter.guard
    if guard and now_ns < guard.until_ns and safer_than(parameter.terms.safer, guard.value, parameter.value):
        return guard.value
    return parameter.value


def plan_guard(state: Governance, account: int, name: str, value: int, now_ns: int) -> Refusal | GuardPlan:
    """Plan the guardian's setting a parameter to something safer, at once and for `guard_ns`. O(parameters)."""
    ready(state, now_ns)
    guardian = state.parameters[GUARDIAN].value
    if not guardian or account != guardian:
        return Refusal.GOVERNANCE_NOT_GUARDIAN
    parameter = state.parameters.get(name)
    if parameter is None:
        return Refusal.GOVERNANCE_UNKNOWN_PARAMETER
    terms = parameter.terms
    require_int(f"parameter {name}", "value", value, -(2**64), 2**64)
    if terms.safer is Safer.NONE:
        return Refusal.GOVERNANCE_NO_DIRECTION
    if not terms.low <= value <= terms.high:
        return Refusal.GOVERNANCE_OUT_OF_BOUNDS
    if parameter.guard:
        return Refusal.GOVERNANCE_GUARDED
    if now_ns < parameter.cool_ns:
        return Refusal.GOVERNANCE_GUARD_COOLING
    if not safer_than(terms.safer, value, parameter.value):
        return Refusal.GOVERNANCE_WRONG_DIRECTION
    if sum(other.guard is not None for other in state.parameters.values()) >= state.terms.guard_max:
        return Refusal.GOVERNANCE_GUARDS_FULL
    until_ns = now_ns + state.terms.guard_ns
    return GuardPlan(version=state.version, at_ns=now_ns, name=name, value=value, until_ns=until_ns)


def guard(state: Governance, plan: GuardPlan, now_ns: int) -> None:
    """Carry out `plan_guard`."""
    begin(state, plan, now_ns)
    parameter = state.parameters[plan.name]
    parameter.guard = Guard(value=plan.value, until_ns=plan.until_ns)
    parameter.cool_ns = plan.until_ns + state.terms.guard_cooldown_ns
