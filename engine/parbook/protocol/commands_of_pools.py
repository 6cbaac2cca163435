"""Commands of pools, feeds, treasuries, desks and queues. See `parbook.protocol.commands`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from parbook.instrument import Instrument
from parbook.messages import CurveParams
from parbook.oracle.state import Observation
from parbook.oracle.terms import FeedTerms
from parbook.pools.loans import LoanEntry
from parbook.pools.pool import PoolTerms
from parbook.pools.servicing import ServiceRow
from parbook.pools.states import PoolState, TrancheState
from parbook.protocol.order import Account, Amount, Index, Order, Time
from parbook.redemption.desk import DeskTerms
from parbook.redemption.queue_state import QueueTerms
from parbook.treasury.terms import TreasuryTerms

# --- pools ----------------------------------------------------------------------------------------------------------


class OpenPool(Order, frozen=True, kw_only=True):
    """Make a pool: an asset with six decimals for every tranche, and for each of `markets` that is given an instrument.

    `quote` is the asset it is paid in, of six decimals. Instruments are named as their `Instrument.symbol` says; a lot
    and a tick must be whole micro.
    """

    terms: PoolTerms
    quote: Index
    markets: tuple[Instrument | None, ...] = ()
    max_fee_ppm: Annotated[int, Meta(ge=0, le=200_000)] = 10_000


class Invest(Order, frozen=True, kw_only=True):
    """Buy units of a tranche from its pool, at the entry price of the high band."""

    pool: Index
    tranche: Index
    account: Account
    amount_micro: Amount


class AddLoans(Order, frozen=True, kw_only=True):
    """Take assets into a pool, all or none; what they cost goes from its cash to `originator`. By its manager."""

    pool: Index
    account: Account
    originator: Account
    entries: tuple[LoanEntry, ...]


class Service(Order, frozen=True, kw_only=True):
    """Report what happened to assets, all or none. `payer` hands over what was collected. By the pool's manager."""

    pool: Index
    account: Account
    payer: Account
    rows: tuple[ServiceRow, ...]


class RunWaterfall(Order, frozen=True, kw_only=True):
    """Pay the pool's fees to its manager and fill its surplus buffer. By its manager."""

    pool: Index
    account: Account


class SetPool(Order, frozen=True, kw_only=True):
    """Move a pool on to another state. By its manager."""

    pool: Index
    account: Account
    state: PoolState


class SetTranche(Order, frozen=True, kw_only=True):
    """Gate, open or close a tranche. By the pool's manager."""

    pool: Index
    tranche: Index
    account: Account
    state: TrancheState


# --- the oracle -----------------------------------------------------------------------------------------------------


class OpenFeed(Order, frozen=True, kw_only=True):
    """Open a feed of a pool's fair value, as a share of what its assets still count for, or of an instrument's price.

    `members` are (source, Ed25519 public key in hex). `arbiter` judges disputes and changes members.
    """

    terms: FeedTerms
    arbiter: Account
    bond_asset: Index
    pool: Index | None = None
    instrument: Index | None = None
    members: tuple[tuple[int, str], ...] = ()


class Observe(Order, frozen=True, kw_only=True):
    """What a source reports. Verify its signature before (`parbook.oracle.signing`): the protocol believes the sender.

    `signature` is kept in the journal beside it, as evidence.
    """

    feed: Index
    observation: Observation
    signature: str = ""


class SetMember(Order, frozen=True, kw_only=True):
    """Add a member, change its key, enable or disable it. By the feed's arbiter."""

    feed: Index
    account: Account
    source: int
    public_key: str
    enabled: bool = True


class Dispute(Order, frozen=True, kw_only=True):
    """Put a bond against a provisional round."""

    feed: Index
    account: Account
    round: Amount


class Judge(Order, frozen=True, kw_only=True):
    """Uphold or dismiss a dispute. By the feed's arbiter."""

    feed: Index
    account: Account
    round: Amount
    upheld: bool


class SuspendFeed(Order, frozen=True, kw_only=True):
    """Stop a feed, or let it go on. By its arbiter."""

    feed: Index
    account: Account
    suspended: bool


# --- the treasury ---------------------------------------------------------------------------------------------------


class OpenTreasury(Order, frozen=True, kw_only=True):
    """Give a tranche's instrument a buyback: a curve, and a budget for it. By the pool's manager.

    `guardian` may pause it, `governor` restart it and retire units.
    """

    pool: Index
    tranche: Index
    account: Account
    terms: TreasuryTerms
    params: CurveParams
    guardian: Account
    governor: Account


class FundTreasury(Order, frozen=True, kw_only=True):
    """Add money to the reserve, for good."""

    pool: Index
    tranche: Index
    account: Account
    amount_micro: Amount


class PauseTreasury(Order, frozen=True, kw_only=True):
    """Keep the till empty until a time; it ends by itself. By the guardian."""

    pool: Index
    tranche: Index
    account: Account
    until_ns: Time


class ResumeTreasury(Order, frozen=True, kw_only=True):
    """End a pause, by the guardian, or restart what losses stopped, by the governor."""

    pool: Index
    tranche: Index
    account: Account


class RetireUnits(Order, frozen=True, kw_only=True):
    """Burn all units that were bought back. By the governor, where the treasury's terms say RETIRE."""

    pool: Index
    tranche: Index
    account: Account


# --- leaving --------------------------------------------------------------------------------------------------------


class OpenDesk(Order, frozen=True, kw_only=True):
    """Open a tranche's desk. By the pool's manager."""

    pool: Index
    tranche: Index
    account: Account
    terms: DeskTerms


class Redeem(Order, frozen=True, kw_only=True):
    """Redeem units at once, by the desk's formula. `least_micro`: the least it must pay; `partial`: take what goes."""

    pool: Index
    tranche: Index
    account: Account
    units_micro: Amount
    least_micro: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    partial: bool = False


class OpenQueue(Order, frozen=True, kw_only=True):
    """Open a tranche's epoch queue. By the pool's manager."""

    pool: Index
    tranche: Index
    account: Account
    terms: QueueTerms


class RequestExit(Order, frozen=True, kw_only=True):
    """Ask to leave at the end of the epoch, at a price nobody knows yet."""

    pool: Index
    tranche: Index
    account: Account
    units_micro: Amount


class CancelExit(Order, frozen=True, kw_only=True):
    """Take a request back while its epoch collects."""

    pool: Index
    tranche: Index
    account: Account


class ClaimExit(Order, frozen=True, kw_only=True):
    """Have what was struck paid out."""

    pool: Index
    tranche: Index
    account: Account
