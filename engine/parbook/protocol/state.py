"""Everything of the protocol that can influence what it does later."""

from __future__ import annotations

import msgspec

from parbook.anchored.state import Token
from parbook.governance.state import Governance
from parbook.insurance.state import Fund
from parbook.messages import CurveParams
from parbook.oracle.state import Feed
from parbook.pools.pool import Pool, Shares
from parbook.redemption.desk import Desk
from parbook.redemption.queue_state import Queue
from parbook.support.state import Support
from parbook.treasury.state import Treasury
from parbook.units import RESERVED_ACCOUNT


class SupportEntry(msgspec.Struct, kw_only=True):
    """Bonds beside a treasury's reserve. `realised_micro`: what the treasury had realised when it was last shared."""

    support: Support
    rewards_account: int
    realised_micro: int


class TreasuryEntry(msgspec.Struct, kw_only=True):
    """What buys a tranche's units back. Its reserve has its own account; what the curve may spend lies in the till.

    `guardian` may pause it, `governor` restart it and change its terms.
    """

    treasury: Treasury
    reserve_account: int
    params: CurveParams
    guardian: int
    governor: int
    support: SupportEntry | None = None


class QueueEntry(msgspec.Struct, kw_only=True):
    """A tranche's epochs: units in escrow, money promised to leavers."""

    queue: Queue
    escrow_account: int
    claims_account: int


class TrancheEntry(msgspec.Struct, kw_only=True):
    """A tranche's place in the exchange: the asset its units are, the instrument they trade in (-1: none), its till."""

    asset: int
    instrument: int
    till: int
    treasury: TreasuryEntry | None = None
    desk: Desk | None = None
    queue: QueueEntry | None = None


class FeedEntry(msgspec.Struct, kw_only=True):
    """A feed with the account its bonds lie in. `pool` says whose fair value it reports; -1: an instrument's price.

    `bond_asset` is what disputes are bonded in, and `arbiter` who judges them.
    """

    feed: Feed
    pool: int
    instrument: int
    bond_asset: int
    bond_account: int
    arbiter: int


class FundEntry(msgspec.Struct, kw_only=True):
    """The insurance of a pool's claims: cash and native tokens, each in an account of its own."""

    fund: Fund
    native: int
    cash_account: int
    native_account: int
    governor: int


class PoolEntry(msgspec.Struct, kw_only=True):
    """A pool with its place in the exchange.

    `feed`: the number of its feed, -1 for none. `shares`: the fair value in force, None while there is none; `trusted`:
    recent and undoubted, so that units may be issued at it.
    """

    pool: Pool
    quote: int
    cash_account: int
    buffer_account: int
    tranches: list[TrancheEntry]
    feed: int = -1
    shares: Shares | None = None
    trusted: bool = False
    fund: FundEntry | None = None


class GovernanceEntry(msgspec.Struct, kw_only=True):
    """Who votes on what: the native token it takes, and the account in which locked tokens lie."""

    governance: Governance
    native: int
    account: int


class TokenEntry(msgspec.Struct, kw_only=True):
    """An anchored token, what backs it in one account. `cash` is the asset that everything is priced in."""

    token: Token
    cash: int
    vault_account: int
    governor: int


class ProtocolState(msgspec.Struct, kw_only=True):
    """All mechanisms, by number. `next_account`: the next of the accounts that are the protocol's alone."""

    next_account: int = RESERVED_ACCOUNT
    next_said: int = 1
    pools: list[PoolEntry] = []
    feeds: list[FeedEntry] = []
    tokens: list[TokenEntry] = []
    governance: GovernanceEntry | None = None
