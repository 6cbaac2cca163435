"""What pools, feeds, treasuries, desks and queues say. See `parbook.protocol.events`."""

from __future__ import annotations

from parbook.oracle.state import FeedState, Flaw
from parbook.pools.states import PoolState, TrancheState
from parbook.protocol.said import Said
from parbook.treasury.state import TreasuryStatus

# --- pools ----------------------------------------------------------------------------------------------------------


class PoolOpened(Said, frozen=True, kw_only=True):
    """A pool is there, with its tranches' assets and, where they trade, instruments (-1: none)."""

    pool: int
    name: str
    assets: tuple[int, ...]
    instruments: tuple[int, ...]


class Invested(Said, frozen=True, kw_only=True):
    """Units were issued for money."""

    pool: int
    tranche: int
    account: int
    amount_micro: int
    units_micro: int
    price_nano: int
    ownerless_micro: int = 0
    """Units for what those who left had left behind: the buffer's."""


class LoansAdded(Said, frozen=True, kw_only=True):
    """Assets came in and were paid out."""

    pool: int
    count: int
    paid_micro: int


class Serviced(Said, frozen=True, kw_only=True):
    """A servicer's report was carried out."""

    pool: int
    rows: int
    collected_micro: int
    owed_micro: int
    kept_micro: int


class WaterfallRun(Said, frozen=True, kw_only=True):
    """Fees were paid and the surplus buffer was filled."""

    pool: int
    fees_micro: int
    buffer_micro: int


class BufferLeft(Said, frozen=True, kw_only=True):
    """Units of the buffer's were redeemed: what they brought is its cash."""

    pool: int
    tranche: int
    units_micro: int
    paid_micro: int
    price_nano: int


class PoolMoved(Said, frozen=True, kw_only=True):
    """A pool has another state."""

    pool: int
    state: PoolState


class TrancheMoved(Said, frozen=True, kw_only=True):
    """A tranche is open, gated or closed."""

    pool: int
    tranche: int
    state: TrancheState


# --- the oracle -----------------------------------------------------------------------------------------------------


class FeedOpened(Said, frozen=True, kw_only=True):
    """A feed is there, of a pool's fair value or of an instrument's price (-1: not of that)."""

    feed: int
    pool: int
    instrument: int


class Observed(Said, frozen=True, kw_only=True):
    """An observation was taken."""

    feed: int
    source: int
    sequence: int


class RoundClosed(Said, frozen=True, kw_only=True):
    """Observations closed to a round, in force at `effective_ns`; or, with a flaw, to none."""

    feed: int
    round: int
    flaw: Flaw
    effective_ns: int
    low_nano: int
    mid_nano: int
    high_nano: int


class RoundLapsed(Said, frozen=True, kw_only=True):
    """A disputed round became too old to matter; its bond went back."""

    feed: int
    round: int


class Anchored(Said, frozen=True, kw_only=True):
    """What the feed says from now on."""

    feed: int
    state: FeedState
    low_nano: int
    mid_nano: int
    high_nano: int
    age_ns: int


class MemberSet(Said, frozen=True, kw_only=True):
    """A member was added or changed."""

    feed: int
    source: int
    enabled: bool


class Disputed(Said, frozen=True, kw_only=True):
    """A bond stands against a round."""

    feed: int
    round: int
    account: int
    bond_micro: int


class Judged(Said, frozen=True, kw_only=True):
    """A dispute was upheld or dismissed."""

    feed: int
    round: int
    upheld: bool


class FeedSuspended(Said, frozen=True, kw_only=True):
    """A feed was stopped, or goes on."""

    feed: int
    suspended: bool


# --- the treasury ---------------------------------------------------------------------------------------------------


class TreasuryOpened(Said, frozen=True, kw_only=True):
    """A tranche has a buyback."""

    pool: int
    tranche: int


class TreasuryFunded(Said, frozen=True, kw_only=True):
    """The reserve grew."""

    pool: int
    tranche: int
    account: int
    amount_micro: int


class TreasurySynced(Said, frozen=True, kw_only=True):
    """What was spent was found, and the till filled or swept. `budget_micro`: what the buckets leave."""

    pool: int
    tranche: int
    status: TreasuryStatus
    till_micro: int
    spent_micro: int
    returned_micro: int
    budget_micro: int
    loss_micro: int


class TreasuryPaused(Said, frozen=True, kw_only=True):
    """The till is empty until a time."""

    pool: int
    tranche: int
    until_ns: int


class TreasuryResumed(Said, frozen=True, kw_only=True):
    """A pause or a stop ended."""

    pool: int
    tranche: int


class UnitsRetired(Said, frozen=True, kw_only=True):
    """Units that were bought back were burned."""

    pool: int
    tranche: int
    units_micro: int
    cost_micro: int


# --- leaving --------------------------------------------------------------------------------------------------------


class DeskOpened(Said, frozen=True, kw_only=True):
    """A tranche has a desk."""

    pool: int
    tranche: int


class Redeemed(Said, frozen=True, kw_only=True):
    """Units were redeemed at once; `fee_micro` stayed with those who stay."""

    pool: int
    tranche: int
    account: int
    units_micro: int
    paid_micro: int
    fee_micro: int


class QueueOpened(Said, frozen=True, kw_only=True):
    """A tranche has an epoch queue."""

    pool: int
    tranche: int


class ExitRequested(Said, frozen=True, kw_only=True):
    """Units wait for the price of their epoch."""

    pool: int
    tranche: int
    account: int
    epoch: int
    units_micro: int
    total_units_micro: int


class ExitCancelled(Said, frozen=True, kw_only=True):
    """Units went back."""

    pool: int
    tranche: int
    account: int
    units_micro: int


class EpochClosed(Said, frozen=True, kw_only=True):
    """An epoch takes no further requests; its price is the first one observed from now on."""

    pool: int
    tranche: int
    epoch: int
    requests: int
    units_micro: int


class EpochStruck(Said, frozen=True, kw_only=True):
    """One price for all of an epoch; `filled_e12` is the share of what was asked, the rest waits on."""

    pool: int
    tranche: int
    epoch: int
    price_nano: int
    units_micro: int
    paid_micro: int
    filled_e12: int


class ExitClaimed(Said, frozen=True, kw_only=True):
    """Money was paid out."""

    pool: int
    tranche: int
    account: int
    paid_micro: int
