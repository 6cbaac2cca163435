"""What governance, anchored tokens, insurance and support say. See `parbook.protocol.events`."""

from __future__ import annotations

from parbook.anchored.terms import TokenState
from parbook.governance.state import Change, Choice
from parbook.protocol.said import Said

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
