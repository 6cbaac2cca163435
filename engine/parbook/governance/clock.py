"""What of governance is due when, and that plans are made of the present and carried out on the state they saw."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from parbook.errors import MisuseError
from parbook.governance.state import DueKind, Governance
from parbook.units import TIME_NS_MAX


class Event(NamedTuple):
    """Something that happens at a time; compares by time, kind, number, name."""

    at_ns: int
    kind: DueKind
    number: int
    name: str


class Plan(Protocol):
    """What every plan says: of which state it was made, and for when."""

    @property
    def version(self) -> int:
        """The state's."""

    @property
    def at_ns(self) -> int:
        """The moment."""


def ready(state: Governance, now_ns: int) -> None:
    """MisuseError unless `now_ns` is a time that does not fall, and everything due until then has been done."""
    if isinstance(now_ns, bool) or not isinstance(now_ns, int) or not state.now_ns <= now_ns <= TIME_NS_MAX:
        raise MisuseError(f"now_ns={now_ns!r} lies before governance's {state.now_ns}. Time never falls.")
    event = first_event(state)
    if event and event.at_ns <= now_ns:
        raise MisuseError(f"{event.kind.name} was due at {event.at_ns}. Carry out what is due before anything else.")


def begin(state: Governance, plan: Plan, now_ns: int) -> None:
    """Note that a change begins. MisuseError when its plan was made of another state or for another moment."""
    if plan.version != state.version or plan.at_ns != now_ns:
        raise MisuseError(
            f"The plan is of version {plan.version} at {plan.at_ns}, the state {state.version} at {now_ns}. Plan again."
        )
    state.version += 1
    state.now_ns = now_ns


def first_event(state: Governance) -> Event | None:
    """Return what is due first, None when nothing ever will be. O(parameters + proposals)."""
    events = []
    for name in sorted(state.parameters):
        guard = state.parameters[name].guard
        if guard:
            events.append(Event(guard.until_ns, DueKind.GUARD_END, 0, name))
    for proposal in state.proposals:
        number = proposal.number
        if not proposal.queued:
            events.append(Event(proposal.ends_ns, DueKind.TALLY, number, ""))
        elif proposal.held_back:
            events.append(Event(proposal.expires_ns, DueKind.EXPIRE, number, ""))
        else:
            events.append(Event(proposal.eta_ns, DueKind.EXECUTE, number, ""))
    return min(events, default=None)
