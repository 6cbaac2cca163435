"""What the protocol can be asked to do, as immutable msgspec Structs with ranges.

A command is checked against its types and ranges when it is given; MisuseError names what is wrong.
`account` is who asks, and pays. `ts_ns` as in every command: 0 means now. Money and units are whole micro.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from parbook import canonical
from parbook.anchored.terms import TokenTerms
from parbook.errors import AssetError, CorruptionError, MisuseError, shown
from parbook.governance.state import Change, Choice
from parbook.governance.terms import GovernanceTerms
from parbook.instrument import Instrument
from parbook.insurance.terms import FundTerms
from parbook.messages import CurveParams
from parbook.oracle.state import Observation
from parbook.oracle.terms import FeedTerms
from parbook.pools.loans import LoanEntry
from parbook.pools.pool import PoolTerms
from parbook.pools.servicing import ServiceRow
from parbook.pools.states import PoolState, TrancheState
from parbook.redemption.desk import DeskTerms
from parbook.redemption.queue_state import QueueTerms
from parbook.support.state import SupportTerms
from parbook.treasury.terms import TreasuryTerms
from parbook.units import RESERVED_ACCOUNT

Account = Annotated[int, Meta(ge=1, le=RESERVED_ACCOUNT - 1)]
Amount = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Index = Annotated[int, Meta(ge=0, le=2**16 - 1)]
Share = Annotated[int, Meta(ge=0, le=10**12)]
Time = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Order(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What all of them have."""

    ts_ns: Time = 0


class Tick(Order, frozen=True, kw_only=True):
    """Let happen what is due by now."""


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


# --- governance -----------------------------------------------------------------------------------------------------


class OpenGovernance(Order, frozen=True, kw_only=True):
    """Let holders of `native` vote on the settings named; `guardian` may make them safer for a while (0: nobody)."""

    terms: GovernanceTerms
    native: Index
    guardian: Annotated[int, Meta(ge=0, le=RESERVED_ACCOUNT - 1)] = 0
    names: tuple[str, ...] = ()


class Govern(Order, frozen=True, kw_only=True):
    """Put further settings to the vote. Names: `parbook.protocol.governed`."""

    names: tuple[str, ...]


class LockStake(Order, frozen=True, kw_only=True):
    """Lock native tokens: they vote on what is proposed from then on."""

    account: Account
    amount_micro: Amount


class UnlockStake(Order, frozen=True, kw_only=True):
    """Take native tokens back that no vote needs any more."""

    account: Account
    amount_micro: Amount


class ProposeChange(Order, frozen=True, kw_only=True):
    """Propose other values, all or nothing."""

    account: Account
    changes: tuple[Change, ...]


class VoteOn(Order, frozen=True, kw_only=True):
    """Vote on a proposal, once."""

    account: Account
    proposal: Amount
    choice: Choice


class CancelProposal(Order, frozen=True, kw_only=True):
    """Take a proposal back, by its proposer; or veto what increases risk, by the guardian."""

    account: Account
    proposal: Amount


class ExecuteProposal(Order, frozen=True, kw_only=True):
    """Try again a proposal that could not be carried out when it was due."""

    proposal: Amount


class Guard(Order, frozen=True, kw_only=True):
    """Make a setting safer at once; it ends by itself. By the guardian."""

    account: Account
    name: str
    value: Annotated[int, Meta(ge=-(2**63) + 1, le=2**63 - 1)]


# --- the anchored token -----------------------------------------------------------------------------------------


class OpenToken(Order, frozen=True, kw_only=True):
    """Make an anchored token: an asset of that name. `cash` is what everything is priced in, `native` never counts.

    `terms.token_asset` and `.native_asset` are set by the protocol, whatever they say.
    """

    name: str
    native: Index
    cash: Index
    governor: Account
    terms: TokenTerms


class AddLeg(Order, frozen=True, kw_only=True):
    """Add an asset to the basket. `claims`: (asset, the assets it is a claim on). By the token's governor."""

    token: Index
    account: Account
    asset: Index
    haircut_e12: Share
    claims: tuple[tuple[Index, tuple[Index, ...]], ...] = ()


class DropLeg(Order, frozen=True, kw_only=True):
    """Forget an empty leg. By the token's governor."""

    token: Index
    account: Account
    asset: Index


class Reweight(Order, frozen=True, kw_only=True):
    """Set the target weight of every leg. By the token's governor."""

    token: Index
    account: Account
    weights: tuple[tuple[Index, Share], ...]


class Endow(Order, frozen=True, kw_only=True):
    """Put units into the basket against no tokens."""

    token: Index
    account: Account
    asset: Index
    quantity_micro: Amount


class Release(Order, frozen=True, kw_only=True):
    """Take units out that the backing does not need. By the token's governor."""

    token: Index
    account: Account
    asset: Index
    quantity_micro: Amount


class MintTokens(Order, frozen=True, kw_only=True):
    """Mint tokens against units of a leg, at its low price."""

    token: Index
    account: Account
    asset: Index
    quantity_micro: Amount


class RedeemTokens(Order, frozen=True, kw_only=True):
    """Redeem tokens from the cash leg, or in kind."""

    token: Index
    account: Account
    tokens_micro: Amount
    in_kind: bool = False


class SetHaircut(Order, frozen=True, kw_only=True):
    """Let all holders bear `holders_micro` alike, or, with 0, end that. By the token's governor."""

    token: Index
    account: Account
    holders_micro: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0


# --- insurance --------------------------------------------------------------------------------------------------


class OpenFund(Order, frozen=True, kw_only=True):
    """Insure a pool's senior claims with cash and staked native tokens. By the pool's manager."""

    pool: Index
    account: Account
    native: Index
    governor: Account
    terms: FundTerms


class Stake(Order, frozen=True, kw_only=True):
    """Put native tokens at stake for premiums."""

    pool: Index
    account: Account
    native_micro: Amount


class Unstake(Order, frozen=True, kw_only=True):
    """Begin to take shares of the stake out; a loss reaches them until they are claimed."""

    pool: Index
    account: Account
    shares: Annotated[int, Meta(ge=1)]


class ClaimStake(Order, frozen=True, kw_only=True):
    """Have stake that may leave, and premium earned, paid out."""

    pool: Index
    account: Account


class PayPremium(Order, frozen=True, kw_only=True):
    """Charge the pool its premium up to now."""

    pool: Index


class PayIn(Order, frozen=True, kw_only=True):
    """Add cash to a fund, for good."""

    pool: Index
    account: Account
    amount_micro: Amount


class Alarm(Order, frozen=True, kw_only=True):
    """Hold all stake while a loss is assessed, or let it go. By the fund's governor."""

    pool: Index
    account: Account
    begins: bool = True


class CoverLoss(Order, frozen=True, kw_only=True):
    """Fill the hole behind the senior claims in the loss order. By the fund's governor."""

    pool: Index
    account: Account


class AuctionStake(Order, frozen=True, kw_only=True):
    """Put seized stake up for sale. By the fund's governor."""

    pool: Index
    account: Account


class BuyStake(Order, frozen=True, kw_only=True):
    """Buy seized stake for at most so much."""

    pool: Index
    account: Account
    native_micro: Amount
    most_micro: Amount


class GiveUp(Order, frozen=True, kw_only=True):
    """Leave what seized stake did not fetch to the holders. By the fund's governor."""

    pool: Index
    account: Account


# --- liquidity support --------------------------------------------------------------------------------------------


class OpenSupport(Order, frozen=True, kw_only=True):
    """Let people bond money beside a treasury's reserve. By the treasury's governor."""

    pool: Index
    tranche: Index
    account: Account
    terms: SupportTerms


class Bond(Order, frozen=True, kw_only=True):
    """Bond money: it earns of what the curve realises, and bears its losses."""

    pool: Index
    tranche: Index
    account: Account
    amount_micro: Amount


class Unbond(Order, frozen=True, kw_only=True):
    """Begin to take shares of the bonds out."""

    pool: Index
    tranche: Index
    account: Account
    shares: Annotated[int, Meta(ge=1)]


class ClaimBond(Order, frozen=True, kw_only=True):
    """Have bonds that may leave, and rewards, paid out."""

    pool: Index
    tranche: Index
    account: Account


ProtocolCommand = (
    Tick
    | OpenPool
    | Invest
    | AddLoans
    | Service
    | RunWaterfall
    | SetPool
    | SetTranche
    | OpenFeed
    | Observe
    | SetMember
    | Dispute
    | Judge
    | SuspendFeed
    | OpenTreasury
    | FundTreasury
    | PauseTreasury
    | ResumeTreasury
    | RetireUnits
    | OpenDesk
    | Redeem
    | OpenQueue
    | RequestExit
    | CancelExit
    | ClaimExit
    | OpenGovernance
    | Govern
    | LockStake
    | UnlockStake
    | ProposeChange
    | VoteOn
    | CancelProposal
    | ExecuteProposal
    | Guard
    | OpenToken
    | AddLeg
    | DropLeg
    | Reweight
    | Endow
    | Release
    | MintTokens
    | RedeemTokens
    | SetHaircut
    | OpenFund
    | Stake
    | Unstake
    | ClaimStake
    | PayPremium
    | PayIn
    | Alarm
    | CoverLoss
    | AuctionStake
    | BuyStake
    | GiveUp
    | OpenSupport
    | Bond
    | Unbond
    | ClaimBond
)

_Command = TypeVar("_Command", bound=Order)


def encode_command(command: Order) -> bytes:
    """Return a command as it is journaled. MisuseError names the field that is of another type or out of range."""
    if not isinstance(command, Order):
        raise MisuseError(f"{shown(command)} is no command of the protocol. Give one of parbook.protocol.commands.")
    try:
        data = canonical.encode(command)
        again: Any = msgspec.json.decode(data, type=ProtocolCommand)
    except (msgspec.ValidationError, AssetError, MisuseError, TypeError, NotImplementedError) as error:
        raise MisuseError(f"{type(command).__name__}: {error}. Mend that field and send it again.") from error
    if again != command:
        raise MisuseError(f"{type(command).__name__}: it does not come back equal. Give plain ints, texts and tuples.")
    return data


def decode_command(data: bytes) -> Order:
    """Return a journaled command; CorruptionError when it is none."""
    try:
        return canonical.decode(data, ProtocolCommand, "a command of the protocol")  # type: ignore[arg-type]
    except (AssetError, MisuseError) as error:
        raise CorruptionError(f"a command of the protocol: {error}") from error
