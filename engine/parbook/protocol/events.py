"""What the protocol says, as immutable msgspec Structs, in a stream of their own: `seq` counts from 1 without gaps.

What they moved stands in the exchange's own events as well, as deposits, withdrawals and transfers, so that who follows
balances needs these no more than anybody else.
"""

from __future__ import annotations

import msgspec

from parbook.anchored.terms import TokenState
from parbook.governance.state import Change, Choice
from parbook.oracle.state import FeedState, Flaw
from parbook.pools.states import PoolState, TrancheState
from parbook.refusals import Refusal
from parbook.treasury.state import TreasuryStatus


class Said(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What all of them have: their number, and the exchange's time when it happened."""

    seq: int
    ts_ns: int


class Refused(Said, frozen=True, kw_only=True):
    """A command changed nothing. `detail` says which line of it, or what would have been possible."""

    command: str
    code: Refusal
    detail: str = ""


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


# --- governance -----------------------------------------------------------------------------------------------------


class GovernanceOpened(Said, frozen=True, kw_only=True):
    """Settings are put to the vote of those who hold `native`."""

    native: int
    parameters: tuple[str, ...]


class Governed(Said, frozen=True, kw_only=True):
    """Further settings are."""

    parameters: tuple[str, ...]


class StakeLocked(Said, frozen=True, kw_only=True):
    """Tokens were locked."""

    account: int
    amount_micro: int


class StakeUnlocked(Said, frozen=True, kw_only=True):
    """Tokens went back."""

    account: int
    amount_micro: int


class ChangeProposed(Said, frozen=True, kw_only=True):
    """A proposal was made; it is voted on after its delay."""

    proposal: int
    account: int
    changes: tuple[Change, ...]


class Voted(Said, frozen=True, kw_only=True):
    """An account voted."""

    proposal: int
    account: int
    choice: Choice
    weight_micro: int


class ProposalEnded(Said, frozen=True, kw_only=True):
    """A proposal goes on or is over: QUEUED DEFEATED EXECUTED EXPIRED CANCELLED VETOED."""

    proposal: int
    outcome: str


class ProposalHeldBack(Said, frozen=True, kw_only=True):
    """What it changes could not be set so; it may be tried again within its grace."""

    proposal: int
    reason: str


class Guarded(Said, frozen=True, kw_only=True):
    """The guardian made a setting safer, until a time."""

    name: str
    value: int
    until_ns: int


class GuardEnded(Said, frozen=True, kw_only=True):
    """What the guardian set is over: the governed value holds again, unless `reason` says why it could not be set."""

    name: str
    value: int
    reason: str = ""


# --- the anchored token ----------------------------------------------------------------------------------------------


class TokenOpened(Said, frozen=True, kw_only=True):
    """An anchored token is there."""

    token: int
    asset: int
    name: str


class LegAdded(Said, frozen=True, kw_only=True):
    """An asset backs a token from now on; it counts once its price has been fresh for a while."""

    token: int
    asset: int
    haircut_e12: int


class LegDropped(Said, frozen=True, kw_only=True):
    """An empty leg was forgotten."""

    token: int
    asset: int


class Reweighted(Said, frozen=True, kw_only=True):
    """A basket has other target weights."""

    token: int
    weights: tuple[tuple[int, int], ...]


class Backed(Said, frozen=True, kw_only=True):
    """What backs a token has changed: units came or went, or the state of a leg did."""

    token: int
    state: TokenState
    supply_micro: int
    backing_micro: int


class Minted(Said, frozen=True, kw_only=True):
    """Tokens were issued against units."""

    token: int
    account: int
    asset: int
    quantity_micro: int
    tokens_micro: int
    fee_micro: int


class TokensRedeemed(Said, frozen=True, kw_only=True):
    """Tokens were taken back for (asset, units)."""

    token: int
    account: int
    tokens_micro: int
    worth_micro: int
    fee_micro: int
    units: tuple[tuple[int, int], ...]


class HaircutSet(Said, frozen=True, kw_only=True):
    """All holders bear a loss alike, or do no longer."""

    token: int
    haircut: bool
    ratio_e12: int


# --- insurance -------------------------------------------------------------------------------------------------------


class FundOpened(Said, frozen=True, kw_only=True):
    """A pool's claims are insured."""

    pool: int
    native: int


class Staked(Said, frozen=True, kw_only=True):
    """Native tokens are at stake."""

    pool: int
    account: int
    native_micro: int
    shares: int


class Unstaking(Said, frozen=True, kw_only=True):
    """Stake will be free to leave at a time."""

    pool: int
    account: int
    native_micro: int
    due_ns: int


class StakeClaimed(Said, frozen=True, kw_only=True):
    """Stake and premium were paid out."""

    pool: int
    account: int
    native_micro: int
    cash_micro: int


class PremiumPaid(Said, frozen=True, kw_only=True):
    """A pool paid for its insurance; `stakers_micro` of it stream to the stakers."""

    pool: int
    charge_micro: int
    stakers_micro: int


class PaidIn(Said, frozen=True, kw_only=True):
    """A fund has more cash."""

    pool: int
    account: int
    amount_micro: int


class Alarmed(Said, frozen=True, kw_only=True):
    """Stake is held until a time; 0: it no longer is."""

    pool: int
    until_ns: int


class LossCovered(Said, frozen=True, kw_only=True):
    """A hole behind the senior claims was shared out in the loss order; the layers sum to it."""

    pool: int
    loss_micro: int
    buffer_micro: int
    cash_micro: int
    stake_micro: int
    holders_micro: int
    seized_micro: int


class AuctionBegan(Said, frozen=True, kw_only=True):
    """Seized stake is for sale."""

    pool: int
    lot_micro: int
    end_ns: int


class StakeSold(Said, frozen=True, kw_only=True):
    """Seized stake was sold; `cover_micro` went into the hole."""

    pool: int
    account: int
    native_micro: int
    cost_micro: int
    cover_micro: int


class GivenUp(Said, frozen=True, kw_only=True):
    """What seized stake did not fetch is the holders'."""

    pool: int
    holders_micro: int


# --- liquidity support -----------------------------------------------------------------------------------------------


class SupportOpened(Said, frozen=True, kw_only=True):
    """People may bond beside a treasury's reserve."""

    pool: int
    tranche: int


class Bonded(Said, frozen=True, kw_only=True):
    """Money stands beside the reserve."""

    pool: int
    tranche: int
    account: int
    amount_micro: int
    shares: int


class Unbonding(Said, frozen=True, kw_only=True):
    """Bonds will be free to leave at a time."""

    pool: int
    tranche: int
    account: int
    amount_micro: int
    due_ns: int


class BondClaimed(Said, frozen=True, kw_only=True):
    """Bonds and rewards were paid out."""

    pool: int
    tranche: int
    account: int
    bond_micro: int
    reward_micro: int
