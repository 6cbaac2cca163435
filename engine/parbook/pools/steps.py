"""Operations in two steps: a plan changes nothing and says all amounts; it is carried out on the state it is of."""

from __future__ import annotations

from typing import Protocol

import msgspec

from parbook.errors import MisuseError
from parbook.pools.amounts import require_int
from parbook.units import TIME_NS_MAX


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What every plan says: the revision of the state it was made of, and when."""

    revision: int
    now_ns: int


class Stepped(Protocol):
    """A state whose every change has a number."""

    now_ns: int
    revision: int


def started(where: str, state: Stepped, now_ns: int) -> None:
    """Check that time does not run backward; AssetError for what is no time, MisuseError for one that is past."""
    require_int(where, "now_ns", now_ns, 0, TIME_NS_MAX)
    if now_ns < state.now_ns:
        raise MisuseError(f"{where}: now_ns={now_ns} lies before {state.now_ns}; time never falls.")


def carried_out(where: str, state: Stepped, plan: Plan, now_ns: int) -> None:
    """Count the operation. MisuseError unless the plan is of this state and time: its amounts hold nowhere else."""
    if plan.revision != state.revision or plan.now_ns != now_ns:
        raise MisuseError(
            f"{where}: the plan is of revision {plan.revision} at {plan.now_ns}, the state of {state.revision} at "
            f"{now_ns}. Plan again."
        )
    state.revision += 1
    state.now_ns = now_ns
