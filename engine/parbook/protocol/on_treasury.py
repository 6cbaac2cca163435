"""The treasury behind a tranche's curve: opened, funded, paused, restarted, its units retired."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from parbook.codes import CurveResale
from parbook.curve.shapes import curve_parameter_error
from parbook.messages import SetCurve
from parbook.pools import pool as pools
from parbook.protocol import commands as c
from parbook.protocol import events as e
from parbook.protocol import prices
from parbook.protocol.answers import Answer, No, entry_of
from parbook.protocol.state import PoolEntry, TrancheEntry, TreasuryEntry
from parbook.refusals import Refusal
from parbook.treasury import commands as treasuries
from parbook.treasury import state as treasury_state

if TYPE_CHECKING:
    from parbook.protocol.engine import Engine


def open_treasury(engine: Engine, command: c.OpenTreasury) -> Answer:
    """Give a tranche's instrument a curve that buys back within a budget. By the pool's manager.

    Not taken from `params`: delay (the feed has one), budget (the treasury has it), the least cursor (it sells nothing
    it has not bought) and where it sells back: never below the high price (decision 45).
    """
    entry = entry_of(engine.state.pools, command.pool)
    tranche = entry_of(entry.tranches, command.tranche) if entry else None
    if entry is None or tranche is None or tranche.instrument < 0:
        return Refusal.NOT_THERE
    if entry.pool.terms.manager != command.account:
        return Refusal.NOT_ALLOWED
    if tranche.treasury is not None:
        return Refusal.ALREADY_THERE
    params = msgspec.structs.replace(
        command.params, budget_notional=0, activation_delay_ns=0, min_net_lots=0, resale=CurveResale.ABOVE_HIGH
    )
    wrong = curve_parameter_error(params)
    if wrong is not None:
        return No(Refusal.AMOUNT_OUT_OF_RANGE, wrong)
    engine.purse.run(SetCurve(params=params, instrument=tranche.instrument))
    tranche.treasury = TreasuryEntry(
        treasury=treasury_state.opened(command.terms, engine.now_ns),
        reserve_account=engine.new_account(),
        params=params,
        guardian=command.guardian,
        governor=command.governor,
    )
    engine.say(e.TreasuryOpened, pool=command.pool, tranche=command.tranche)
    prices.reprice(engine, command.pool)
    return None


def _held(engine: Engine, command: Any) -> tuple[PoolEntry, TrancheEntry, TreasuryEntry] | Refusal:
    """Return pool, tranche and treasury that a command names."""
    entry = entry_of(engine.state.pools, command.pool)
    tranche = entry_of(entry.tranches, command.tranche) if entry else None
    if entry is None or tranche is None or tranche.treasury is None:
        return Refusal.NOT_THERE
    return entry, tranche, tranche.treasury


def fund_treasury(engine: Engine, command: c.FundTreasury) -> Answer:
    """Add to the reserve. Whoever does it owns nothing of it afterwards."""
    held = _held(engine, command)
    if isinstance(held, Refusal):
        return held
    entry, _, treasury = held
    no = engine.purse.refusal_of_payment(command.account, entry.quote, command.amount_micro)
    if no:
        return no
    engine.purse.move(command.account, treasury.reserve_account, entry.quote, command.amount_micro)
    engine.say(
        e.TreasuryFunded,
        pool=command.pool,
        tranche=command.tranche,
        account=command.account,
        amount_micro=command.amount_micro,
    )
    prices.reprice(engine, command.pool)
    return None


def pause(engine: Engine, command: c.PauseTreasury) -> Answer:
    """Keep the till empty for a while; it ends by itself. By the guardian."""
    held = _held(engine, command)
    if isinstance(held, Refusal):
        return held
    _, _, treasury = held
    if treasury.guardian != command.account:
        return Refusal.NOT_ALLOWED
    plan = treasuries.plan_pause(treasury.treasury, command.until_ns, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    treasuries.pause(treasury.treasury, plan, engine.now_ns)
    engine.say(e.TreasuryPaused, pool=command.pool, tranche=command.tranche, until_ns=plan.until_ns)
    prices.reprice(engine, command.pool)
    return None


def resume(engine: Engine, command: c.ResumeTreasury) -> Answer:
    """End a pause early, by the guardian; or restart what its losses stopped, by the governor."""
    held = _held(engine, command)
    if isinstance(held, Refusal):
        return held
    _, _, treasury = held
    stopped = treasury.treasury.status is treasury_state.TreasuryStatus.STOPPED
    if command.account != (treasury.governor if stopped else treasury.guardian):
        return Refusal.NOT_ALLOWED
    plan_of = treasuries.plan_restart if stopped else treasuries.plan_resume
    plan = plan_of(treasury.treasury, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    treasuries.turn(treasury.treasury, plan, engine.now_ns)
    engine.say(e.TreasuryResumed, pool=command.pool, tranche=command.tranche)
    prices.reprice(engine, command.pool)
    return None


def retire(engine: Engine, command: c.RetireUnits) -> Answer:
    """Burn all units that were bought back, where they cost no more than those who stay would get. By the governor.

    The curve begins at a new target afterwards: it holds nothing any more.
    """
    held = _held(engine, command)
    if isinstance(held, Refusal):
        return held
    entry, tranche, treasury = held
    if treasury.governor != command.account:
        return Refusal.NOT_ALLOWED
    # What was bought since the last sync counts; it is looked at on a copy first, so that a refusal moves nothing.
    entry = prices.looked(engine, entry)
    found = prices.planned_sync(engine, entry, command.tranche, treasury)
    seen = msgspec.structs.replace(treasury.treasury, inventory=found.inventory)
    units = seen.inventory.units_micro
    value = prices.low_value(entry, command.tranche)
    if not units or value is None:
        return Refusal.TREASURY_LACKS_UNITS
    asked = partial(
        treasuries.plan_retire,
        units_micro=units,
        now_ns=engine.now_ns,
        exit_value_micro=value.exit_value_micro,
        supply_micro=entry.pool.tranches[command.tranche].supply_micro,
        price_low_nano=value.exit_nano,
    )
    no = asked(seen)
    if isinstance(no, Refusal):
        return no
    prices.settle(engine, command.pool, command.tranche, treasury)
    plan = asked(treasury.treasury)
    assert not isinstance(plan, Refusal), "it has found what was foreseen, and settling trades nothing"
    engine.purse.run(SetCurve(params=treasury.params, instrument=tranche.instrument))
    engine.purse.burn(tranche.till, tranche.asset, plan.units_micro)
    pools.retire(engine.state.pools[command.pool].pool, command.tranche, plan.units_micro, 0)
    treasuries.retire(treasury.treasury, plan, engine.now_ns)
    engine.say(
        e.UnitsRetired,
        pool=command.pool,
        tranche=command.tranche,
        units_micro=plan.units_micro,
        cost_micro=plan.cost_micro,
    )
    prices.reprice(engine, command.pool)
    return None


# --- time ---------------------------------------------------------------------------------------------------------


def _treasuries(engine: Engine) -> list[tuple[int, PoolEntry, TreasuryEntry]]:
    return [
        (number, entry, tranche.treasury)
        for number, entry in enumerate(engine.state.pools)
        for tranche in entry.tranches
        if tranche.treasury is not None
    ]


def due_ns_of(entry: PoolEntry, held: TreasuryEntry) -> int:
    """Return when a treasury wants to look at its till, or its pause ends; 0 for never.

    Without a price the curve is withdrawn, and was when the price went: no till changes, nothing is topped up, and
    what time gives back is the same in one step or many. So however long nothing is heard, there are no more syncs
    than fit into the time before the feed halts.
    """
    return held.treasury.paused_until_ns if entry.shares is None else treasuries.next_due_ns(held.treasury)


def next_due_ns(engine: Engine) -> int:
    """Return when the first treasury wants to look at its till, or its pause ends. O(treasuries)."""
    dues = (due_ns_of(entry, held) for _, entry, held in _treasuries(engine))
    return min((due_ns for due_ns in dues if due_ns), default=2**63)


def due(engine: Engine) -> None:
    """End pauses whose time has come, and sync."""
    pools_due = []
    for number, entry, held in _treasuries(engine):
        if 0 < due_ns_of(entry, held) <= engine.now_ns:
            plan = treasuries.plan_due(held.treasury, engine.now_ns)
            if plan is not None:
                treasuries.turn(held.treasury, plan, engine.now_ns)
            pools_due.append(number)
    for number in sorted(set(pools_due)):
        prices.reprice(engine, number)


HANDLERS: Final[dict[type[c.Order], Callable[[Engine, Any], Answer]]] = {
    c.OpenTreasury: open_treasury,
    c.FundTreasury: fund_treasury,
    c.PauseTreasury: pause,
    c.ResumeTreasury: resume,
    c.RetireUnits: retire,
}
