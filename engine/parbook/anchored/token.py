"""Minting an anchored token against units of a leg, and redeeming it for units of the basket.

A redemption never mints anything, and a mint takes nothing but what a leg of the basket is of. Per redemption of d of S
tokens, V the legs' low value and C what of it counts after haircuts:

| state | worth | in kind, of every leg | from the cash leg |
|---|---|---|---|
| SOUND | along the curve, at most d | worth / V of it | worth / low price |
| IFFY | the same | the same, at most d / S | refused unless that leg is SOUND |
| DISABLED, HAIRCUT | d min(1, C / S) | d / max(S, V) of it: the units' share, at most par | worth / low price |

In kind and HAIRCUT, d / S of every leg is the ratio for all alike, whoever comes first, and moves the ratio for nobody.
The redemption fee stays in the basket; where all are alike there is none, because it would raise the ratio for the
later parts of a redemption that is split. Units are rounded down, fees up; the basket keeps what is lost.
"""

from __future__ import annotations

from parbook.anchored.redemption_curve import anchor_micro, paid_micro
from parbook.anchored.state import (
    Leg,
    Token,
    backing_micro,
    counted,
    known_leg,
    leg_of,
    level_now,
    status_of,
    token_state,
)
from parbook.anchored.terms import IN_KIND, LegStatus, ThrottleTerms, TokenState
from parbook.anchored.throttle import Bucket, available_micro, limit_micro, pass_through
from parbook.pools.amounts import E12, MONEY_MICRO_MAX, NANO, Rounding, divide, require_int, share_of
from parbook.pools.steps import Plan, carried_out, started
from parbook.refusals import Refusal

WHERE = "anchored token"


class MintPlan(Plan, frozen=True, kw_only=True):
    """`quantity_micro` units of `asset` come in, `tokens_micro` are made; the fee is part of the value."""

    asset: int
    quantity_micro: int
    value_micro: int
    fee_micro: int
    tokens_micro: int


class RedeemPlan(Plan, frozen=True, kw_only=True):
    """`tokens_micro` are burned, `units` (asset, units_micro) leave the basket by rising asset; none is nothing.

    `worth_micro` includes the fee. `anchor_micro` of `anchor_supply_micro` is the curve, 0 of 0 where all are alike.
    """

    tokens_micro: int
    worth_micro: int
    fee_micro: int
    units: tuple[tuple[int, int], ...]
    anchor_micro: int
    anchor_supply_micro: int
    level_micro: int
    level_ns: int


# --- throttles ------------------------------------------------------------------------------------


def _room(state: Token, bucket: Bucket, terms: ThrottleTerms, now_ns: int) -> int:
    limit = limit_micro(terms.amount_micro, terms.share_e12, state.supply_micro)
    return available_micro(bucket, limit, terms.period_ns, now_ns)


def _pass(state: Token, bucket: Bucket, terms: ThrottleTerms, now_ns: int, amount_micro: int) -> None:
    limit = limit_micro(terms.amount_micro, terms.share_e12, state.supply_micro)
    pass_through(bucket, limit, terms.period_ns, now_ns, amount_micro)


def issuance_room_micro(state: Token, now_ns: int) -> int:
    """Return how many tokens may be minted at `now_ns` as far as the throttle goes. O(1)."""
    return _room(state, state.issuance, state.terms.issuance, now_ns)


def redemption_room_micro(state: Token, now_ns: int) -> int:
    """Return how many tokens may be redeemed at `now_ns` as far as throttle and supply go. O(1)."""
    return min(state.supply_micro, _room(state, state.redemption, state.terms.redemption, now_ns))


# --- minting --------------------------------------------------------------------------------------


def plan_mint(state: Token, asset: int, quantity_micro: int, now_ns: int) -> Refusal | MintPlan:
    """Return the plan to mint against units of a leg, at its low price, rounded down; the fee is rounded up.

    TOKEN_NOT_SOUND, UNKNOWN_LEG, LEG_NOT_SOUND (a leg out of the basket), TOKENS_TOO_FEW, SUPPLY_LIMIT, OVERWEIGHT,
    BACKING_TOO_LOW, ISSUANCE_THROTTLED; in this order. O(legs).
    """
    started(WHERE, state, now_ns)
    require_int(WHERE, "quantity_micro", quantity_micro, 1, MONEY_MICRO_MAX)
    if token_state(state, now_ns) is not TokenState.SOUND:
        return Refusal.TOKEN_NOT_SOUND
    leg = leg_of(state, asset)
    if leg is None:
        return Refusal.UNKNOWN_LEG
    if not leg.weight_e12 or status_of(leg, state.terms, now_ns) is not LegStatus.SOUND:
        return Refusal.LEG_NOT_SOUND
    value = divide(quantity_micro * leg.low_nano, NANO, Rounding.FLOOR)
    fee = share_of(value, state.terms.mint_fee_e12, Rounding.CEIL)
    tokens = value - fee
    if tokens < 1:
        return Refusal.TOKENS_TOO_FEW
    if max(state.supply_micro + tokens, leg.quantity_micro + quantity_micro) > MONEY_MICRO_MAX:
        return Refusal.SUPPLY_LIMIT
    if _is_overweight(state, leg, quantity_micro, now_ns):
        return Refusal.OVERWEIGHT
    after = counted(state, now_ns, haircut=True) + quantity_micro * leg.low_nano * (E12 - leg.haircut_e12)
    if after < (E12 + state.terms.buffer_e12) * (state.supply_micro + tokens) * NANO:
        return Refusal.BACKING_TOO_LOW
    if tokens > issuance_room_micro(state, now_ns):
        return Refusal.ISSUANCE_THROTTLED
    return MintPlan(
        revision=state.revision,
        now_ns=now_ns,
        asset=asset,
        quantity_micro=quantity_micro,
        value_micro=value,
        fee_micro=fee,
        tokens_micro=tokens,
    )


def _is_overweight(state: Token, leg: Leg, quantity_micro: int, now_ns: int) -> bool:
    """Return whether the leg's share of low value afterwards exceeds target and drift."""
    more = quantity_micro * leg.low_nano * E12
    total = counted(state, now_ns, haircut=False) + more
    return (leg.quantity_micro * leg.low_nano * E12 + more) * E12 > total * (leg.weight_e12 + state.terms.drift_e12)


def mint(state: Token, plan: MintPlan, now_ns: int) -> None:
    """Carry the mint out. It gives redemptions room and lowers the redemption level: what counts is the net flow."""
    carried_out(WHERE, state, plan, now_ns)
    level, level_ns = level_now(state, now_ns)
    _pass(state, state.issuance, state.terms.issuance, now_ns, plan.tokens_micro)
    _pass(state, state.redemption, state.terms.redemption, now_ns, -plan.tokens_micro)
    known_leg(state, plan.asset).quantity_micro += plan.quantity_micro
    state.supply_micro += plan.tokens_micro
    state.level_micro, state.level_ns = max(level - plan.tokens_micro, 0), level_ns
    state.anchor_micro = state.anchor_supply_micro = 0


# --- redemption -----------------------------------------------------------------------------------


def plan_redeem(state: Token, tokens_micro: int, now_ns: int, *, in_kind: bool = False) -> Refusal | RedeemPlan:
    """Return the plan to redeem tokens, in kind or, where the terms name a cash leg, from that.

    ABOVE_SUPPLY, REDEMPTION_THROTTLED, LEG_NOT_SOUND (the cash leg; ask in kind), TOKENS_TOO_FEW, LEG_SHORT (of cash).
    O(legs); O(log) payments of the curve where the ratio lies below 1.
    """
    started(WHERE, state, now_ns)
    require_int(WHERE, "tokens_micro", tokens_micro, 1, MONEY_MICRO_MAX)
    if tokens_micro > state.supply_micro:
        return Refusal.ABOVE_SUPPLY
    if tokens_micro > redemption_room_micro(state, now_ns):
        return Refusal.REDEMPTION_THROTTLED
    level, level_ns = level_now(state, now_ns)
    alike = token_state(state, now_ns) in (TokenState.DISABLED, TokenState.HAIRCUT)
    anchor, whole = (0, 0) if alike else anchor_now(state, now_ns)
    if alike:
        worth = _worth_alike(state, tokens_micro, now_ns)
    else:
        before = paid_micro(state.terms.curve, anchor, whole, level)
        worth = paid_micro(state.terms.curve, anchor, whole, level + tokens_micro) - before
    fee = 0 if alike else share_of(worth, state.terms.redeem_fee_e12, Rounding.CEIL)
    if in_kind or state.terms.cash_leg == IN_KIND:
        units = _in_kind(state, tokens_micro, worth - fee, now_ns)
    else:
        cash = leg_of(state, state.terms.cash_leg)
        if cash is None or not cash.low_nano or status_of(cash, state.terms, now_ns) is not LegStatus.SOUND:
            return Refusal.LEG_NOT_SOUND
        quantity = divide((worth - fee) * NANO, cash.low_nano, Rounding.FLOOR)
        if quantity > cash.quantity_micro:
            return Refusal.LEG_SHORT
        units = ((cash.asset, quantity),) if quantity else ()
    if not units:
        return Refusal.TOKENS_TOO_FEW
    return RedeemPlan(
        revision=state.revision,
        now_ns=now_ns,
        tokens_micro=tokens_micro,
        worth_micro=worth,
        fee_micro=fee,
        units=units,
        anchor_micro=anchor,
        anchor_supply_micro=whole,
        level_micro=level,
        level_ns=level_ns,
    )


def _worth_alike(state: Token, tokens_micro: int, now_ns: int) -> int:
    total = counted(state, now_ns, haircut=True)
    par = state.supply_micro * NANO * E12
    return tokens_micro if total >= par else divide(tokens_micro * total, par, Rounding.FLOOR)


def _in_kind(state: Token, tokens_micro: int, net_micro: int, now_ns: int) -> tuple[tuple[int, int], ...]:
    """Return the units of every leg that leave; the same fraction of each, priced or not."""
    where = token_state(state, now_ns)
    value = counted(state, now_ns, haircut=False)
    par = NANO * E12
    if where in (TokenState.DISABLED, TokenState.HAIRCUT):
        over, under = tokens_micro * par, max(state.supply_micro * par, value)
    else:
        over, under = net_micro * par, value
        if where is TokenState.IFFY and over * state.supply_micro > tokens_micro * under:
            # A price that is not believed may be too low: nobody takes more than the tokens' share of the units.
            over, under = tokens_micro, state.supply_micro
    if not under:
        return ()
    over = min(over, under)
    shares = ((leg.asset, divide(leg.quantity_micro * over, under, Rounding.FLOOR)) for leg in state.legs)
    return tuple((asset, units) for asset, units in shares if units)


def anchor_now(state: Token, now_ns: int) -> tuple[int, int]:
    """Return backing and supply at the anchor of the curve that redemptions go along at `now_ns`.

    The stored one while backing and level are as the last redemption left them, so that redemptions telescope; else the
    one that what is there leads back to. O(log) payments.
    """
    level, _ = level_now(state, now_ns)
    backing, whole = backing_micro(state, now_ns), state.supply_micro + level
    if level == state.level_micro and backing == state.seen_micro and whole == state.anchor_supply_micro:
        return state.anchor_micro, whole
    return anchor_micro(state.terms.curve, backing, state.supply_micro, level), whole


def redeem(state: Token, plan: RedeemPlan, now_ns: int) -> None:
    """Carry the redemption out."""
    carried_out(WHERE, state, plan, now_ns)
    _pass(state, state.redemption, state.terms.redemption, now_ns, plan.tokens_micro)
    _pass(state, state.issuance, state.terms.issuance, now_ns, -plan.tokens_micro)
    for asset, units in plan.units:
        known_leg(state, asset).quantity_micro -= units
    state.supply_micro -= plan.tokens_micro
    if not state.supply_micro:
        state.level_micro = state.anchor_micro = state.anchor_supply_micro = state.seen_micro = 0
        state.level_ns = now_ns
        return
    state.level_micro, state.level_ns = plan.level_micro + plan.tokens_micro, plan.level_ns
    state.anchor_micro, state.anchor_supply_micro = plan.anchor_micro, plan.anchor_supply_micro
    state.seen_micro = backing_micro(state, now_ns)
