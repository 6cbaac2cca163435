"""Liquidity support: bonds that stand in a treasury's reserve, earn of what the curve realises, and bear its losses.

Bonded money lies in the reserve, which may spend it on units like its own: whoever leaves is paid when it lies there
again. What is about to leave is not topped up into the till.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from parbook.protocol import commands as c
from parbook.protocol import events as e
from parbook.protocol import prices
from parbook.protocol.answers import Answer, entry_of
from parbook.protocol.state import PoolEntry, SupportEntry, TreasuryEntry
from parbook.refusals import Refusal
from parbook.support import bonds
from parbook.support import state as support_state
from parbook.support.state import Support

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
    """Return what a command names."""
    place = _treasury(engine, command)
    if isinstance(place, Refusal):
        return place
    entry, held = place
    return (entry, held, held.support) if held.support is not None else Refusal.NOT_THERE


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
    # What the curve realised until now belongs to those who were there: shared out only once this is no refusal.
    prices.settle(engine, command.pool, command.tranche, held)
    plan = bonds.plan_bond(support.support, command.account, command.amount_micro, engine.now_ns)
    # Sharing out only takes from the pots: as much room as before for money and accounts, no fewer shares for money.
    assert not isinstance(plan, Refusal), "what was possible before is possible still"
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
    _, held, support = place
    if command.shares > bonds.SHARES_MAX:
        return Refusal.BOND_SHORT
    # A loss that no sync has found yet may leave less than there is now, or nothing.
    seen, _ = _foreseen(engine, command, held, support)
    no = bonds.plan_unbond(seen, command.account, command.shares, engine.now_ns)
    if isinstance(no, Refusal):
        return no
    prices.settle(engine, command.pool, command.tranche, held)
    plan = bonds.plan_unbond(support.support, command.account, command.shares, engine.now_ns)
    assert not isinstance(plan, Refusal), "it is as was foreseen"
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


def _foreseen(engine: Engine, command: Any, held: TreasuryEntry, support: SupportEntry) -> tuple[Support, int]:
    """Return the support, the command's account alone in it, and what its reserve has, as a sync now would leave both.

    A copy, and `prices.settle` does the same to what is there: what is refused here has moved nothing. O(1).
    """
    entry = prices.looked(engine, engine.state.pools[command.pool])
    found = prices.planned_sync(engine, entry, command.tranche, held)
    reserve_micro = engine.core.available(held.reserve_account, entry.quote) - found.top_up_micro + found.sweep_micro
    state, account = support.support, str(command.account)
    seen = msgspec.structs.replace(
        state,
        bonds=copy.copy(state.bonds),
        leavers=copy.copy(state.leavers),
        bonders={account: copy.deepcopy(state.bonders[account])} if account in state.bonders else {},
    )
    realised_micro = found.inventory.realised_micro - support.realised_micro
    rewards_micro = prices.shared(seen, realised_micro, reserve_micro, engine.now_ns)
    return seen, reserve_micro - rewards_micro


def claim(engine: Engine, command: c.ClaimBond) -> Answer:
    """Pay out bonds that may leave, as far as the reserve has the money, and rewards."""
    place = _place(engine, command)
    if isinstance(place, Refusal):
        return place
    entry, held, support = place
    state, account, now_ns = support.support, command.account, engine.now_ns
    seen, reserve_micro = _foreseen(engine, command, held, support)
    out = bonds.plan_claim_bond(seen, account, now_ns)
    earned = bonds.plan_claim_reward(seen, account, now_ns)
    bond_micro = 0 if isinstance(out, Refusal) else out.bond_micro
    reward_micro = 0 if isinstance(earned, Refusal) else earned.reward_micro
    short = bond_micro > reserve_micro
    if not reward_micro and (short or not bond_micro):
        return Refusal.RESERVE_SHORT if short else Refusal.NOTHING_UNBONDED
    prices.settle(engine, command.pool, command.tranche, held)
    if short:
        bond_micro = 0
    if bond_micro:
        out = bonds.plan_claim_bond(state, account, now_ns)
        assert not isinstance(out, Refusal), "it is as was foreseen"
        bond_micro = out.bond_micro
        bonds.claim_bond(state, out, now_ns)
    if reward_micro:
        earned = bonds.plan_claim_reward(state, account, now_ns)
        assert not isinstance(earned, Refusal), "it is as was foreseen"
        reward_micro = earned.reward_micro
        bonds.claim_reward(state, earned, now_ns)
    engine.purse.move(held.reserve_account, account, entry.quote, bond_micro)
    engine.purse.move(support.rewards_account, account, entry.quote, reward_micro)
    engine.say(
        e.BondClaimed,
        pool=command.pool,
        tranche=command.tranche,
        account=account,
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
