"""Liquidity support: bonds that stand in a treasury's reserve, earn of what the curve realises, and bear its losses.

Bonded money lies in the reserve, which may spend it on units like its own: whoever leaves is paid when it lies there
again. What is about to leave is not topped up into the till.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from parbook.protocol import commands as c
from parbook.protocol import events as e
from parbook.protocol import prices
from parbook.protocol.answers import Answer, entry_of
from parbook.protocol.state import PoolEntry, SupportEntry, TreasuryEntry
from parbook.refusals import Refusal
from parbook.support import bonds
from parbook.support import state as support_state

if TYPE_CHECKING:
    from parbook.protocol.engine import Engine


def _treasury(engine: Engine, command: Any) -> tuple[PoolEntry, TreasuryEntry] | Refusal:
    entry = entry_of(engine.state.pools, command.pool)
    tranche = entry_of(entry.tranches, command.tranche) if entry else None
    if entry is None or tranche is None or tranche.treasury is None:
        return Refusal.NOT_THERE
    return entry, tranche.treasury


def open_support(engine: Engine, command: c.OpenSupport) -> Answer:
    """Let people bond beside a treasury's reserve. By its governor."""
    place = _treasury(engine, command)
    if isinstance(place, Refusal):
        return place
    _, held = place
    if held.governor != command.account:
        return Refusal.NOT_ALLOWED
    if held.support is not None:
        return Refusal.ALREADY_THERE
    held.support = SupportEntry(
        support=support_state.opened(command.terms, engine.now_ns),
        rewards_account=engine.new_account(),
        realised_micro=held.treasury.inventory.realised_micro,
    )
    engine.say(e.SupportOpened, pool=command.pool, tranche=command.tranche)
    return None


def _place(engine: Engine, command: Any) -> tuple[PoolEntry, TreasuryEntry, SupportEntry] | Refusal:
    """Return what a command names, what the curve realised until now shared out."""
    place = _treasury(engine, command)
    if isinstance(place, Refusal):
        return place
    entry, held = place
    if held.support is None:
        return Refusal.NOT_THERE
    prices.reprice(engine, command.pool)
    return entry, held, held.support


def bond(engine: Engine, command: c.Bond) -> Answer:
    """Bond money."""
    place = _place(engine, command)
    if isinstance(place, Refusal):
        return place
    entry, held, support = place
    plan = bonds.plan_bond(support.support, command.account, command.amount_micro, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    no = engine.purse.refusal_of_payment(command.account, entry.quote, command.amount_micro)
    if no:
        return no
    engine.purse.move(command.account, held.reserve_account, entry.quote, command.amount_micro)
    bonds.bond(support.support, plan, engine.now_ns)
    engine.say(
        e.Bonded,
        pool=command.pool,
        tranche=command.tranche,
        account=command.account,
        amount_micro=command.amount_micro,
        shares=plan.shares,
    )
    prices.reprice(engine, command.pool)
    return None


def unbond(engine: Engine, command: c.Unbond) -> Answer:
    """Begin to leave."""
    place = _place(engine, command)
    if isinstance(place, Refusal):
        return place
    _, _, support = place
    plan = bonds.plan_unbond(support.support, command.account, command.shares, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    bonds.unbond(support.support, plan, engine.now_ns)
    engine.say(
        e.Unbonding,
        pool=command.pool,
        tranche=command.tranche,
        account=command.account,
        amount_micro=plan.money_micro,
        due_ns=plan.due_ns,
    )
    prices.reprice(engine, command.pool)
    return None


def claim(engine: Engine, command: c.ClaimBond) -> Answer:
    """Pay out bonds that may leave, as far as the reserve has the money, and rewards."""
    place = _place(engine, command)
    if isinstance(place, Refusal):
        return place
    entry, held, support = place
    out = bonds.plan_claim_bond(support.support, command.account, engine.now_ns)
    short = False
    bond_micro = reward_micro = 0
    if not isinstance(out, Refusal):
        short = out.bond_micro > engine.core.available(held.reserve_account, entry.quote)
        if not short:
            bonds.claim_bond(support.support, out, engine.now_ns)
            bond_micro = out.bond_micro
    earned = bonds.plan_claim_reward(support.support, command.account, engine.now_ns)
    if not isinstance(earned, Refusal):
        bonds.claim_reward(support.support, earned, engine.now_ns)
        reward_micro = earned.reward_micro
    if not bond_micro and not reward_micro:
        return Refusal.RESERVE_SHORT if short else Refusal.NOTHING_UNBONDED
    engine.purse.move(held.reserve_account, command.account, entry.quote, bond_micro)
    engine.purse.move(support.rewards_account, command.account, entry.quote, reward_micro)
    engine.say(
        e.BondClaimed,
        pool=command.pool,
        tranche=command.tranche,
        account=command.account,
        bond_micro=bond_micro,
        reward_micro=reward_micro,
    )
    prices.reprice(engine, command.pool)
    return None


HANDLERS: Final[dict[type[c.Order], Callable[[Engine, Any], Answer]]] = {
    c.OpenSupport: open_support,
    c.Bond: bond,
    c.Unbond: unbond,
    c.ClaimBond: claim,
}
