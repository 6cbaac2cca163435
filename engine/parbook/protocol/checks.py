"""What must hold after every command, across the mechanisms and the exchange's ledger. O(state)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parbook.errors import InvariantError
from parbook.pools import pool as pools

if TYPE_CHECKING:
    from parbook.protocol.engine import Engine


def check(engine: Engine) -> None:
    """Raise InvariantError unless every mechanism is sound and the ledger has what each of them says it has."""
    for entry in engine.state.pools:
        pools.check(entry.pool, entry.shares)
        same(engine, f"pool {entry.pool.name}, cash", entry.cash_account, entry.quote, entry.pool.cash_micro)
        same(engine, f"pool {entry.pool.name}, buffer", entry.buffer_account, entry.quote, entry.pool.buffer_micro)
        for asset, standing in zip(entry.assets, entry.pool.tranches, strict=True):
            inside = engine.core.inside(asset)
            if inside != standing.supply_micro:
                raise InvariantError(
                    f"pool {entry.pool.name}: {inside} units of asset {asset}, not {standing.supply_micro}"
                )


def same(engine: Engine, what: str, account: int, asset: int, atoms: int) -> None:
    """Raise InvariantError unless an account of the protocol's holds exactly this."""
    balance = engine.core.balance(account, asset)
    if balance != atoms:
        raise InvariantError(f"{what}: the ledger has {balance}, the protocol {atoms}")
