"""Everything of the protocol that can influence what it does later."""

from __future__ import annotations

import msgspec

from parbook.pools.pool import Pool, Shares
from parbook.units import RESERVED_ACCOUNT


class PoolEntry(msgspec.Struct, kw_only=True):
    """A pool with its place in the exchange. `shares`: the fair value that is active, None before there is one."""

    pool: Pool
    quote: int
    cash_account: int
    buffer_account: int
    assets: list[int]
    instruments: list[int]
    tills: list[int]
    shares: Shares | None = None


class ProtocolState(msgspec.Struct, kw_only=True):
    """All mechanisms, by number. `next_account`: the next of the accounts that are the protocol's alone."""

    next_account: int = RESERVED_ACCOUNT
    next_said: int = 1
    pools: list[PoolEntry] = []
