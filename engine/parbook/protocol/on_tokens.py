"""Anchored tokens: opened, backed, minted, redeemed; their legs priced by the feeds of what they are."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from parbook.anchored import basket
from parbook.anchored import state as token_state
from parbook.anchored import token as tokens
from parbook.anchored.basket import Quote
from parbook.anchored.state import Token, status_of
from parbook.anchored.terms import IN_KIND, LegStatus, LegTerms
from parbook.listing import ASSETS_MAX, Asset
from parbook.protocol import commands as c
from parbook.protocol import events as e
from parbook.protocol import prices
from parbook.protocol.answers import Answer, No, entry_of
from parbook.protocol.state import TokenEntry
from parbook.refusals import Refusal

if TYPE_CHECKING:
    from parbook.protocol.engine import Engine

TOKENS_MAX: Final = 64
DECIMALS: Final = 6


def open_token(engine: Engine, command: c.OpenToken) -> Answer:
    """Make a token with an asset of its own. Which asset that is the terms need not say."""
    core = engine.core
    if len(engine.state.tokens) >= TOKENS_MAX or len(core.assets) >= ASSETS_MAX:
        return Refusal.FULL
    if any(asset.name == command.name for asset in core.assets):
        return Refusal.NAME_TAKEN
    for name in ("native", "cash"):
        number = getattr(command, name)
        if number >= len(core.assets) or core.assets[number].decimals != DECIMALS:
            return No(Refusal.NOT_THERE, f"{name}: no asset of number {number} with {DECIMALS} decimals")
    if command.terms.cash_leg not in (IN_KIND, command.cash):
        # Units are paid out at the low price: at one that lags or is opened, too many of them.
        return No(Refusal.UNKNOWN_LEG, f"cash_leg: asset {command.terms.cash_leg} is not the money, {command.cash}")
    index = core.add_asset(Asset(name=command.name, decimals=DECIMALS))
    terms = msgspec.structs.replace(command.terms, token_asset=index, native_asset=command.native)
    engine.state.tokens.append(
        TokenEntry(
            token=token_state.opened(terms, engine.now_ns),
            cash=command.cash,
            vault_account=engine.new_account(),
            governor=command.governor,
        )
    )
    engine.say(e.TokenOpened, token=len(engine.state.tokens) - 1, asset=index, name=command.name)
    return None


def _governed(engine: Engine, command: Any) -> tuple[TokenEntry, Token] | Refusal:
    """Return the token that a command names and a copy of it at the prices of now, when the account governs it."""
    entry = entry_of(engine.state.tokens, command.token)
    if entry is None:
        return Refusal.NOT_THERE
    if entry.governor != command.account:
        return Refusal.NOT_ALLOWED
    return entry, looked(engine, entry)


def looked(engine: Engine, entry: TokenEntry) -> Token:
    """Return a copy of a token that has taken the prices of its legs as they are now.

    Whoever carries a command out puts it in the place of the token; whoever refuses one leaves that as it was. Legs
    without a price keep what they had, and age.
    """
    token = copy.deepcopy(entry.token)
    quotes = {}
    for leg in token.legs:
        quote = prices.price_of(engine, leg.asset, entry.cash)
        if quote is None:
            continue
        # A later round may rest on an older observation: its price counts, and what was seen before stays seen.
        seen_ns = max(engine.now_ns - quote.age_ns, leg.seen_ns)
        if seen_ns > leg.seen_ns or quote.low_nano != leg.low_nano:
            lasting = leg.asset == entry.cash
            quotes[leg.asset] = Quote(low_nano=quote.low_nano, age_ns=engine.now_ns - seen_ns, lasting=lasting)
    if quotes:
        plan = basket.plan_observe(token, quotes, engine.now_ns)
        assert not isinstance(plan, Refusal), "every leg is known, and none was seen before the last time"
        basket.observe(token, plan, engine.now_ns)
    return token


def _lacks(engine: Engine, entry: TokenEntry, token: Token, *, doubted: bool) -> bool:
    """Whether a leg that counts has no price, or one that its sources say is too high; `doubted`: or is not trusted.

    Its price still counts as it is. But who mints at it, or takes money or a surplus at the ratio it makes, gains what
    the others lose: in kind nobody needs to know a price (decision 66).
    """
    for leg in token.legs:
        counts = leg.quantity_micro or leg.weight_e12
        if not counts or status_of(leg, token.terms, engine.now_ns) is LegStatus.DISABLED:
            continue
        price = prices.price_of(engine, leg.asset, entry.cash)
        if price is None or price.held_up or (doubted and not price.trusted):
            return True
    return False


# --- the basket ---------------------------------------------------------------------------------------------------


def add_leg(engine: Engine, command: c.AddLeg) -> Answer:
    """Add a leg. A circular backing is refused, and the path named."""
    place = _governed(engine, command)
    if isinstance(place, Refusal):
        return place
    entry, token = place
    if command.asset >= len(engine.core.assets) or engine.core.assets[command.asset].decimals != DECIMALS:
        return Refusal.NOT_THERE
    terms = LegTerms(asset=command.asset, haircut_e12=command.haircut_e12, claims=dict(command.claims))
    plan = basket.plan_add_leg(token, terms, engine.now_ns)
    if isinstance(plan, Refusal):
        path = basket.circular_leg(token, terms) if plan is Refusal.CIRCULAR_BACKING else ()
        return No(
            plan, " -> ".join(engine.core.assets[asset].name for asset in path if asset < len(engine.core.assets))
        )
    basket.add_leg(token, plan, engine.now_ns)
    entry.token = token
    entry.token = looked(engine, entry)
    engine.say(e.LegAdded, token=command.token, asset=command.asset, haircut_e12=command.haircut_e12)
    return None


def drop_leg(engine: Engine, command: c.DropLeg) -> Answer:
    """Forget a leg that is empty."""
    place = _governed(engine, command)
    if isinstance(place, Refusal):
        return place
    entry, token = place
    plan = basket.plan_drop_leg(token, command.asset, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    entry.token = token
    basket.drop_leg(token, plan, engine.now_ns)
    engine.say(e.LegDropped, token=command.token, asset=command.asset)
    return None


def reweight(engine: Engine, command: c.Reweight) -> Answer:
    """Set another basket."""
    place = _governed(engine, command)
    if isinstance(place, Refusal):
        return place
    entry, token = place
    if len(dict(command.weights)) < len(command.weights):
        return Refusal.WEIGHTS_OFF
    plan = basket.plan_reweight(token, dict(command.weights), engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    entry.token = token
    basket.reweight(token, plan, engine.now_ns)
    engine.say(e.Reweighted, token=command.token, weights=command.weights)
    return None


def endow(engine: Engine, command: c.Endow) -> Answer:
    """Put units in against nothing. Anybody may."""
    entry = entry_of(engine.state.tokens, command.token)
    if entry is None:
        return Refusal.NOT_THERE
    token = looked(engine, entry)
    plan = basket.plan_endow(token, command.asset, command.quantity_micro, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    no = engine.purse.refusal_of_payment(command.account, command.asset, command.quantity_micro)
    if no:
        return no
    engine.purse.move(command.account, entry.vault_account, command.asset, command.quantity_micro)
    entry.token = token
    basket.endow(token, plan, engine.now_ns)
    _say_backing(engine, command.token)
    return None


def release(engine: Engine, command: c.Release) -> Answer:
    """Take units out that the backing does not need."""
    place = _governed(engine, command)
    if isinstance(place, Refusal):
        return place
    entry, token = place
    plan = basket.plan_release(token, command.asset, command.quantity_micro, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    if _lacks(engine, entry, token, doubted=False):
        return Refusal.LEG_NOT_SOUND
    engine.purse.move(entry.vault_account, command.account, command.asset, command.quantity_micro)
    entry.token = token
    basket.release(token, plan, engine.now_ns)
    _say_backing(engine, command.token)
    return None


def _say_backing(engine: Engine, number: int) -> None:
    token = engine.state.tokens[number].token
    engine.say(
        e.Backed,
        token=number,
        state=token_state.token_state(token, engine.now_ns),
        supply_micro=token.supply_micro,
        backing_micro=token_state.backing_micro(token, engine.now_ns),
    )


# --- minting and redeeming ----------------------------------------------------------------------------------------


def mint(engine: Engine, command: c.MintTokens) -> Answer:
    """Issue tokens against units of a leg."""
    entry = entry_of(engine.state.tokens, command.token)
    if entry is None:
        return Refusal.NOT_THERE
    token = looked(engine, entry)
    plan = tokens.plan_mint(token, command.asset, command.quantity_micro, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    if _lacks(engine, entry, token, doubted=True):
        return Refusal.TOKEN_NOT_SOUND
    asset = token.terms.token_asset
    no = engine.purse.refusal_of_payment(command.account, command.asset, plan.quantity_micro)
    no = no or engine.purse.refusal_of_mint(asset, plan.tokens_micro)
    if no:
        return no
    engine.purse.move(command.account, entry.vault_account, command.asset, plan.quantity_micro)
    engine.purse.mint(command.account, asset, plan.tokens_micro)
    entry.token = token
    tokens.mint(token, plan, engine.now_ns)
    engine.say(
        e.Minted,
        token=command.token,
        account=command.account,
        asset=command.asset,
        quantity_micro=plan.quantity_micro,
        tokens_micro=plan.tokens_micro,
        fee_micro=plan.fee_micro,
    )
    return None


def redeem(engine: Engine, command: c.RedeemTokens) -> Answer:
    """Take tokens back for what backs them."""
    entry = entry_of(engine.state.tokens, command.token)
    if entry is None:
        return Refusal.NOT_THERE
    token = looked(engine, entry)
    plan = tokens.plan_redeem(token, command.tokens_micro, engine.now_ns, in_kind=command.in_kind)
    if isinstance(plan, Refusal):
        return plan
    in_kind = command.in_kind or token.terms.cash_leg == IN_KIND
    if not in_kind and _lacks(engine, entry, token, doubted=False):
        return Refusal.LEG_NOT_SOUND
    no = engine.purse.refusal_of_payment(command.account, token.terms.token_asset, plan.tokens_micro)
    if no:
        return no
    engine.purse.burn(command.account, token.terms.token_asset, plan.tokens_micro)
    for asset, units in plan.units:
        engine.purse.move(entry.vault_account, command.account, asset, units)
    entry.token = token
    tokens.redeem(token, plan, engine.now_ns)
    engine.say(
        e.TokensRedeemed,
        token=command.token,
        account=command.account,
        tokens_micro=plan.tokens_micro,
        worth_micro=plan.worth_micro,
        fee_micro=plan.fee_micro,
        units=plan.units,
    )
    return None


def set_haircut(engine: Engine, command: c.SetHaircut) -> Answer:
    """Let all holders bear alike what the loss order has left to them; or end that once the backing is whole."""
    place = _governed(engine, command)
    if isinstance(place, Refusal):
        return place
    entry, token = place
    if command.holders_micro:
        plan = basket.plan_haircut(token, command.holders_micro, engine.now_ns)
    else:
        plan = basket.plan_lift(token, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    entry.token = token
    basket.set_haircut(token, plan, engine.now_ns)
    engine.say(e.HaircutSet, token=command.token, haircut=plan.haircut, ratio_e12=plan.ratio_e12)
    return None


# --- time ---------------------------------------------------------------------------------------------------------


def next_due_ns(engine: Engine) -> int:
    """Return when a leg's status changes next. O(legs)."""
    dues = (basket.next_due_ns(entry.token) for entry in engine.state.tokens)
    return min((due_ns for due_ns in dues if due_ns), default=2**63)


def follow(engine: Engine) -> None:
    """Let every token see prices that a round has just changed: how long they are fresh counts from then. O(legs)."""
    for entry in engine.state.tokens:
        entry.token = looked(engine, entry)


def due(engine: Engine) -> None:
    """Look at the prices of tokens whose legs are about to change, and write down what time has changed."""
    for number, entry in enumerate(engine.state.tokens):
        if 0 < basket.next_due_ns(entry.token) <= engine.now_ns:
            entry.token = looked(engine, entry)
            plan = basket.plan_due(entry.token, engine.now_ns)
            basket.due(entry.token, plan, engine.now_ns)
            if plan.changes:
                _say_backing(engine, number)


HANDLERS: Final[dict[type[c.Order], Callable[[Engine, Any], Answer]]] = {
    c.OpenToken: open_token,
    c.AddLeg: add_leg,
    c.DropLeg: drop_leg,
    c.Reweight: reweight,
    c.Endow: endow,
    c.Release: release,
    c.MintTokens: mint,
    c.RedeemTokens: redeem,
    c.SetHaircut: set_haircut,
}
