"""Which settings of the mechanisms votes may change: names, hard bounds, the safer direction, how long a change waits.

    feed/N/FIELD         of feed N             pause/feed/N       1: suspended
    treasury/P/T/FIELD   of pool P, tranche T  pause/desk/P/T     1: closed
    desk/P/T/FIELD       of pool P, tranche T

What stands in no table here nobody changes: it is what it was opened with, for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from parbook.errors import AssetError
from parbook.governance.state import Change
from parbook.governance.terms import DAY_NS, HOUR_NS, ParameterTerms, Safer, pause
from parbook.oracle import feed as feeds
from parbook.oracle.terms import BOUNDS
from parbook.pools.amounts import E12, MONEY_MICRO_MAX
from parbook.protocol.answers import entry_of
from parbook.protocol.state import FeedEntry, TrancheEntry
from parbook.redemption import desk as desks
from parbook.redemption.desk import DeskStatus
from parbook.refusals import Refusal
from parbook.treasury import commands as treasuries

if TYPE_CHECKING:
    from parbook.protocol.engine import Engine

_LOWER, _HIGHER = Safer.LOWER, Safer.HIGHER


class Rule(NamedTuple):
    """What a vote may do with a field."""

    safer: Safer
    low: int
    high: int
    timelock_ns: int = 2 * DAY_NS


FEED: Final[dict[str, Rule]] = {
    name: Rule(safer, *BOUNDS[name])
    for name, safer in (
        ("cap_ppm", _LOWER),
        ("cap_reference_ppm", _LOWER),
        ("confidence_max_ppm", _LOWER),
        ("divergence_max_ppm", _LOWER),
        ("delay_ns", _HIGHER),
        ("stale_ns", _LOWER),
        ("halt_ns", _LOWER),
        ("recovery_rounds", _HIGHER),
    )
}
TREASURY: Final[dict[str, Rule]] = {
    "day_e12": Rule(_LOWER, 0, E12 // 10),
    "month_e12": Rule(_LOWER, 0, E12 // 2),
    "inventory_units_max_e12": Rule(_LOWER, 0, E12 // 2),
    "inventory_value_max_micro": Rule(_LOWER, 0, MONEY_MICRO_MAX),
    "reserve_floor_micro": Rule(_HIGHER, 0, MONEY_MICRO_MAX),
    "loss_max_e12": Rule(_LOWER, 0, E12 // 10),
}
DESK: Final[dict[str, Rule]] = {
    "base_e12": Rule(_HIGHER, 0, E12 // 20),
    "beta_e12": Rule(_HIGHER, 0, E12 // 5),
    "penalty_scale_e12": Rule(_HIGHER, 0, E12 // 100),
    "throttle_e12": Rule(_LOWER, 0, E12 // 10),
}


class Target(NamedTuple):
    """What a name means: the mechanism, the field of its terms (None: its pause), the pool that hangs on it (-1)."""

    kind: str
    numbers: tuple[int, ...]
    field: str | None
    held: Any


def target_of(engine: Engine, name: str) -> Target | None:
    """Return what a name means, None when it means nothing. O(1)."""
    parts = name.split("/")
    paused = parts[0] == "pause" and len(parts) > 1
    kind, *rest = parts[1:] if paused else parts
    field = None if paused or not rest else rest.pop()
    if not all(part.isdecimal() and len(part) <= 5 for part in rest):
        return None
    numbers = tuple(int(part) for part in rest)
    held: Any = None
    if kind == "feed" and len(numbers) == 1:
        held = entry_of(engine.state.feeds, numbers[0])
    elif kind in ("treasury", "desk") and len(numbers) == 2:
        entry = entry_of(engine.state.pools, numbers[0])
        tranche = entry_of(entry.tranches, numbers[1]) if entry else None
        present = tranche is not None and (tranche.treasury if kind == "treasury" else tranche.desk) is not None
        held = tranche if present else None
    if held is None or (paused and kind == "treasury"):
        return None
    table = {"feed": FEED, "treasury": TREASURY, "desk": DESK}[kind]
    return Target(kind, numbers, field, held) if field is None or field in table else None


def parameter_of(engine: Engine, name: str) -> ParameterTerms | None:
    """Return a setting as governance registers it, at its present value; None for a name that means nothing."""
    target = target_of(engine, name)
    if target is None:
        return None
    if target.field is None:
        return pause(name.removeprefix("pause/"), HOUR_NS)
    rule = {"feed": FEED, "treasury": TREASURY, "desk": DESK}[target.kind][target.field]
    value = getattr(_terms(target), target.field)
    low, high = min(rule.low, value), max(rule.high, value)
    return ParameterTerms(name=name, value=value, low=low, high=high, safer=rule.safer, timelock_ns=rule.timelock_ns)


def _terms(target: Target) -> Any:
    held = target.held
    if target.kind == "feed":
        return held.feed.terms
    return held.treasury.treasury.terms if target.kind == "treasury" else held.desk.terms


def apply(engine: Engine, changes: Sequence[Change]) -> list[Target]:
    """Set what was decided, all or nothing, and return what it touched. AssetError: it cannot be set so together."""
    wanted: dict[tuple[str, tuple[int, ...]], dict[str, int]] = {}
    targets: dict[tuple[str, tuple[int, ...]], Target] = {}
    pauses: list[tuple[Target, bool]] = []
    for change in changes:
        target = target_of(engine, change.name)
        if target is None:
            raise AssetError(f"parameter {change.name}", "it means nothing here", "Leave it out.")
        if target.field is None:
            pauses.append((target, bool(change.value)))
        else:
            key = target.kind, target.numbers
            targets[key] = target
            wanted.setdefault(key, {})[target.field] = change.value
    # Everything is tested before anything is set.
    steps = []
    for key, target in targets.items():
        steps.append(_step(engine, target, msgspec.structs.replace(_terms(target), **wanted[key])))
    for step in steps:
        step()
    for target, paused in pauses:
        _pause(engine, target, paused)
    return [*targets.values(), *(target for target, _ in pauses)]


def _step(engine: Engine, target: Target, terms: Any) -> Callable[[], None]:
    """Return what sets a mechanism's terms. AssetError when it does not take them."""
    now_ns, held = engine.now_ns, target.held
    if target.kind == "feed":
        plan = feeds.plan_terms(held.feed, terms, now_ns)
        if isinstance(plan, Refusal):
            raise AssetError(f"feed {target.numbers[0]}", plan.doc, "Change its members first.")
        return lambda: feeds.set_terms(held.feed, plan, now_ns)
    if target.kind == "treasury":
        treasury = held.treasury.treasury
        amendment = treasuries.plan_amend(treasury, terms, now_ns)
        return lambda: treasuries.amend(treasury, amendment, now_ns)
    switch = desks.plan_switch(held.desk, now_ns, terms=terms)
    return lambda: desks.switch(held.desk, switch, now_ns)


def _pause(engine: Engine, target: Target, paused: bool) -> None:
    held: FeedEntry | TrancheEntry = target.held
    if isinstance(held, FeedEntry):
        plan = feeds.plan_suspend(held.feed, paused, engine.now_ns)
        if isinstance(plan, Refusal):
            return
        for account, bond_micro in plan.returned:
            engine.purse.move(held.bond_account, account, held.bond_asset, bond_micro)
        feeds.suspend(held.feed, plan, engine.now_ns)
    elif held.desk is not None:
        status = DeskStatus.CLOSED if paused else DeskStatus.OPEN
        desks.switch(held.desk, desks.plan_switch(held.desk, engine.now_ns, status=status), engine.now_ns)
