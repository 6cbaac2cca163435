"""Anchored tokens: opened, backed, minted, redeemed; their legs priced by the feeds of what they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from parbook.anchored import basket
from parbook.anchored import state as token_state
from parbook.anchored import token as tokens
from parbook.anchored.basket import Quote
from parbook.anchored.terms import LegTerms
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
    if any(asset.name == command.name for asset in core.assets) or not 1 <= len(command.name) <= 32:
        return Refusal.NAME_TAKEN
    for name in ("native", "cash"):
        number = getattr(command, name)
        if number >= len(core.assets) or core.assets[number].decimals != DECIMALS:
            return No(Refusal.NOT_THERE, f"{name}: no asset of number {number} with {DECIMALS} decimals")
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


def _governed(engine: Engine, command: Any) -> TokenEntry | Refusal:
    """Return the token that a command names, its prices those of now, when the account governs it."""
    entry = entry_of(engine.state.tokens, command.token)
    if entry is None:
        return Refusal.NOT_THERE
    if entry.governor != command.account:
        return Refusal.NOT_ALLOWED
    look(engine, entry)
    return entry


def look(engine: Engine, entry: TokenEntry) -> None:
    """Take the prices of the legs as they are now. Those that have none keep what they had, and age."""
    quotes = {}
    for leg in entry.token.legs:
        quote = prices.price_of(engine, leg.asset, entry.cash)
        if quote is not None and engine.now_ns - quote.age_ns >= leg.seen_ns:
            quotes[leg.asset] = Quote(low_nano=quote.low_nano, age_ns=quote.age_ns)
    plan = basket.plan_observe(entry.token, quotes, engine.now_ns)
    assert not isinstance(plan, Refusal), "every leg is known, and no price is older than the last"
    if any(
        (leg.low_nano, leg.seen_ns) != (low, at)
        for asset, low, at in plan.prices
        for leg in entry.token.legs
        if leg.asset == asset
    ):
        basket.observe(entry.token, plan, engine.now_ns)


# --- the basket ---------------------------------------------------------------------------------------------------


def add_leg(engine: Engine, command: c.AddLeg) -> Answer:
    """Add a leg. A circular backing is refused, and the path named."""
    entry = _governed(engine, command)
    if isinstance(entry, Refusal):
        return entry
    if command.asset >= len(engine.core.assets) or engine.core.assets[command.asset].decimals != DECIMALS:
        return Refusal.NOT_THERE
    terms = LegTerms(asset=command.asset, haircut_e12=command.haircut_e12, claims=dict(command.claims))
    plan = basket.plan_add_leg(entry.token, terms, engine.now_ns)
    if isinstance(plan, Refusal):
        path = basket.circular_leg(entry.token, terms) if plan is Refusal.CIRCULAR_BACKING else ()
        return No(
            plan, " -> ".join(engine.core.assets[asset].name for asset in path if asset < len(engine.core.assets))
        )
    basket.add_leg(entry.token, plan, engine.now_ns)
    look(engine, entry)
    engine.say(e.LegAdded, token=command.token, asset=command.asset, haircut_e12=command.haircut_e12)
    return None


def drop_leg(engine: Engine, command: c.DropLeg) -> Answer:
    """Forget a leg that is empty."""
    entry = _governed(engine, command)
    if isinstance(entry, Refusal):
        return entry
    plan = basket.plan_drop_leg(entry.token, command.asset, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    basket.drop_leg(entry.token, plan, engine.now_ns)
    engine.say(e.LegDropped, token=command.token, asset=command.asset)
    return None


def reweight(engine: Engine, command: c.Reweight) -> Answer:
    """Set another basket."""
    entry = _governed(engine, command)
    if isinstance(entry, Refusal):
        return entry
    if len(dict(command.weights)) < len(command.weights):
        return Refusal.WEIGHTS_OFF
    plan = basket.plan_reweight(entry.token, dict(command.weights), engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    basket.reweight(entry.token, plan, engine.now_ns)
    engine.say(e.Reweighted, token=command.token, weights=command.weights)
    return None


def endow(engine: Engine, command: c.Endow) -> Answer:
    """Put units in against nothing. Anybody may."""
    entry = entry_of(engine.state.tokens, command.token)
    if entry is None:
        return Refusal.NOT_THERE
    look(engine, entry)
    plan = basket.plan_endow(entry.token, command.asset, command.quantity_micro, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    no = engine.purse.refusal_of_payment(command.account, command.asset, command.quantity_micro)
    if no:
        return no
    engine.purse.move(command.account, entry.vault_account, command.asset, command.quantity_micro)
    basket.endow(entry.token, plan, engine.now_ns)
    _say_backing(engine, command.token)
    return None


def release(engine: Engine, command: c.Release) -> Answer:
    """Take units out that the backing does not need."""
    entry = _governed(engine, command)
    if isinstance(entry, Refusal):
        return entry
    plan = basket.plan_release(entry.token, command.asset, command.quantity_micro, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    engine.purse.move(entry.vault_account, command.account, command.asset, command.quantity_micro)
    basket.release(entry.token, plan, engine.now_ns)
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
    look(engine, entry)
    plan = tokens.plan_mint(entry.token, command.asset, command.quantity_micro, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    asset = entry.token.terms.token_asset
    no = engine.purse.refusal_of_payment(command.account, command.asset, plan.quantity_micro)
    no = no or engine.purse.refusal_of_mint(asset, plan.tokens_micro)
    if no:
        return no
    engine.purse.move(command.account, entry.vault_account, command.asset, plan.quantity_micro)
    engine.purse.mint(command.account, asset, plan.tokens_micro)
    tokens.mint(entry.token, plan, engine.now_ns)
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
    look(engine, entry)
    plan = tokens.plan_redeem(entry.token, command.tokens_micro, engine.now_ns, in_kind=command.in_kind)
    if isinstance(plan, Refusal):
        return plan
    no = engine.purse.refusal_of_payment(command.account, entry.token.terms.token_asset, plan.tokens_micro)
    if no:
        return no
    engine.purse.burn(command.account, entry.token.terms.token_asset, plan.tokens_micro)
    for asset, units in plan.units:
        engine.purse.move(entry.vault_account, command.account, asset, units)
    tokens.redeem(entry.token, plan, engine.now_ns)
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
    entry = _governed(engine, command)
    if isinstance(entry, Refusal):
        return entry
    if command.holders_micro:
        plan = basket.plan_haircut(entry.token, command.holders_micro, engine.now_ns)
    else:
        plan = basket.plan_lift(entry.token, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    basket.set_haircut(entry.token, plan, engine.now_ns)
    engine.say(e.HaircutSet, token=command.token, haircut=plan.haircut, ratio_e12=plan.ratio_e12)
    return None


# --- time ---------------------------------------------------------------------------------------------------------


def next_due_ns(engine: Engine) -> int:
    """Return when a leg's status changes next. O(legs)."""
    dues = (basket.next_due_ns(entry.token) for entry in engine.state.tokens)
    return min((due_ns for due_ns in dues if due_ns), default=2**63)


def due(engine: Engine) -> None:
    """Look at the prices of tokens whose legs are about to change, and write down what time has changed."""
    for number, entry in enumerate(engine.state.tokens):
        if 0 < basket.next_due_ns(entry.token) <= engine.now_ns:
            look(engine, entry)
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
