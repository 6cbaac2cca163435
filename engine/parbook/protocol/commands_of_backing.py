"""Commands of governance, anchored tokens, insurance and support. See `parbook.protocol.commands`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from parbook.anchored.terms import TokenTerms
from parbook.errors import AssetError
from parbook.governance.state import Change, Choice
from parbook.governance.terms import GovernanceTerms
from parbook.insurance.terms import FundTerms
from parbook.listing import asset_name_error
from parbook.protocol.order import Account, Amount, Index, Order, Share
from parbook.support.state import SupportTerms
from parbook.units import RESERVED_ACCOUNT

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

    def __post_init__(self) -> None:
        """Refuse a name that no asset can have; AssetError."""
        wrong = asset_name_error(self.name)
        if wrong:
            raise AssetError("anchored token", wrong, "Its asset has that name.")


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
