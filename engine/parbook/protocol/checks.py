"""What must hold after every command, across the mechanisms and the exchange's ledger. O(state)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parbook.anchored.state import check as check_token
from parbook.errors import InvariantError
from parbook.governance.checks import check as check_governance
from parbook.insurance.state import check as check_fund
from parbook.oracle.checks import check as check_feed
from parbook.pools import pool as pools
from parbook.protocol.state import FundEntry, PoolEntry, TrancheEntry
from parbook.redemption import desk, queue_state
from parbook.support.state import check as check_support
from parbook.treasury import state as treasury_state

if TYPE_CHECKING:
    from parbook.protocol.engine import Engine


def check(engine: Engine) -> None:
    """Raise InvariantError unless every mechanism is sound and the ledger has what each of them says it has."""
    for entry in engine.state.pools:
        pools.check(entry.pool, entry.shares)
        same(engine, f"pool {entry.pool.name}, cash", entry.cash_account, entry.quote, entry.pool.cash_micro)
        same(engine, f"pool {entry.pool.name}, buffer", entry.buffer_account, entry.quote, entry.pool.buffer_micro)
        for tranche, standing in zip(entry.tranches, entry.pool.tranches, strict=True):
            inside = engine.core.inside(tranche.asset)
            if inside != standing.supply_micro:
                raise InvariantError(
                    f"{entry.pool.name}: {inside} units of {tranche.asset}, not {standing.supply_micro}"
                )
            name = f"pool {entry.pool.name}, asset {tranche.asset}, the buffer's units"
            same(engine, name, entry.buffer_account, tranche.asset, standing.ownerless_micro)
            _check_tranche(engine, entry, tranche)
        if entry.fund is not None:
            _check_fund(engine, entry, entry.fund)
    for number, held in enumerate(engine.state.feeds):
        check_feed(held.feed)
        bonds = sum(waiting.bond_micro for waiting in held.feed.rounds)
        same(engine, f"feed {number}, bonds", held.bond_account, held.bond_asset, bonds)

    for number, backed in enumerate(engine.state.tokens):
        check_token(backed.token)
        supply = engine.core.inside(backed.token.terms.token_asset)
        if supply != backed.token.supply_micro:
            raise InvariantError(f"token {number}: {supply} are out, not {backed.token.supply_micro}")
        for leg in backed.token.legs:
            same(engine, f"token {number}, asset {leg.asset}", backed.vault_account, leg.asset, leg.quantity_micro)
    voted = engine.state.governance
    if voted is not None:
        check_governance(voted.governance)
        same(engine, "governance, stake", voted.account, voted.native, voted.governance.total_micro)


def _check_fund(engine: Engine, entry: PoolEntry, held: FundEntry) -> None:
    """Test a pool's insurance."""
    fund, name = held.fund, f"pool {entry.pool.name}, insurance"
    check_fund(fund)
    same(engine, f"{name}, cash", held.cash_account, entry.quote, fund.cash_micro + fund.unpaid_micro + fund.owed_micro)
    lot = fund.auction.left_micro if fund.auction else 0
    native = fund.stake.micro + fund.drafts.micro + fund.seized_micro + lot
    same(engine, f"{name}, native", held.native_account, held.native, native)


def _check_tranche(engine: Engine, entry: PoolEntry, tranche: TrancheEntry) -> None:
    """Test what stands behind one tranche."""
    name = f"pool {entry.pool.name}, asset {tranche.asset}"
    if tranche.desk is not None:
        desk.check(tranche.desk)
    if tranche.queue is not None:
        queue = tranche.queue.queue
        queue_state.check(queue)
        same(engine, f"{name}, escrow", tranche.queue.escrow_account, tranche.asset, queue.escrow_units_micro)
        same(engine, f"{name}, claims", tranche.queue.claims_account, entry.quote, queue.claimable_micro)
    if tranche.treasury is not None:
        treasury_state.check(tranche.treasury.treasury)
        curve = engine.core.market(tranche.instrument).curve
        tick_atoms = engine.core.listings[tranche.instrument].tick_atoms
        if curve is None or curve.cash_notional * tick_atoms > engine.core.balance(tranche.till, entry.quote):
            raise InvariantError(f"{name}: the curve may spend more than lies in its till")
        support = tranche.treasury.support
        if support is not None:
            check_support(support.support)
            rewards = support.support.unpaid_micro + support.support.owed_micro
            same(engine, f"{name}, rewards", support.rewards_account, entry.quote, rewards)


def same(engine: Engine, what: str, account: int, asset: int, atoms: int) -> None:
    """Raise InvariantError unless an account of the protocol's holds exactly this."""
    balance = engine.core.balance(account, asset)
    if balance != atoms:
        raise InvariantError(f"{what}: the ledger has {balance}, the protocol {atoms}")
