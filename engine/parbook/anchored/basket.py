"""What happens to the basket: prices, time, legs, weights, the protocol's own units, the haircut.

Each operation is planned, which changes nothing, and carried out. Who may ask for it is the composer's business:
prices come from the oracle, time from a due command, everything else from governance.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from parbook.anchored import graph
from parbook.anchored.state import Leg, Token, counted, known_leg, leg_of, next_status, ratio_e12, rolled
from parbook.anchored.terms import GRAPH_MAX, LEGS_MAX, LegStatus, LegTerms
from parbook.pools.amounts import E12, MONEY_MICRO_MAX, NANO, require_int
from parbook.pools.steps import Plan, carried_out, started
from parbook.refusals import Refusal
from parbook.units import TIME_NS_MAX

WHERE = "anchored token"
PRICE_NANO_MAX = 2**63 - 1


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """A leg's low price and how old it is. `lasting`: it was not stale since the last one, as money never is."""

    low_nano: int
    age_ns: int
    lasting: bool = False


class ObservePlan(Plan, frozen=True, kw_only=True):
    """Prices to be taken: (asset, low_nano, the time the price is of); those that last, by asset."""

    prices: tuple[tuple[int, int, int], ...]
    lasting: tuple[int, ...] = ()


class DuePlan(Plan, frozen=True, kw_only=True):
    """Legs whose status time has changed: (asset, status, since_ns)."""

    changes: tuple[tuple[int, int, int], ...]


class LegPlan(Plan, frozen=True, kw_only=True):
    """A leg to be added, and the backing graph with it."""

    asset: int
    haircut_e12: int
    claims: tuple[tuple[int, tuple[int, ...]], ...]


class WeightPlan(Plan, frozen=True, kw_only=True):
    """Target weights by rising asset: (asset, weight_e12)."""

    weights: tuple[tuple[int, int], ...]


class UnitsPlan(Plan, frozen=True, kw_only=True):
    """Units that enter (positive) or leave the basket, against no tokens."""

    asset: int
    quantity_micro: int


class HaircutPlan(Plan, frozen=True, kw_only=True):
    """The haircut begins, or ends; `ratio_e12` is what decides."""

    haircut: bool
    ratio_e12: int


# --- prices and time ------------------------------------------------------------------------------


def plan_observe(state: Token, quotes: Mapping[int, Quote], now_ns: int) -> Refusal | ObservePlan:
    """Return the plan to take prices; UNKNOWN_LEG, or QUOTE_OLDER than the one a leg has. O(quotes x legs)."""
    started(WHERE, state, now_ns)
    prices = []
    for asset in sorted(quotes):
        low_nano = require_int(WHERE, "low_nano", quotes[asset].low_nano, 0, PRICE_NANO_MAX)
        at_ns = now_ns - require_int(WHERE, "age_ns", quotes[asset].age_ns, 0, now_ns)
        leg = leg_of(state, asset)
        if leg is None:
            return Refusal.UNKNOWN_LEG
        if at_ns < leg.seen_ns:
            return Refusal.QUOTE_OLDER
        prices.append((asset, low_nano, at_ns))
    lasting = tuple(asset for asset in sorted(quotes) if quotes[asset].lasting)
    return ObservePlan(revision=state.revision, now_ns=now_ns, prices=tuple(prices), lasting=lasting)


def observe(state: Token, plan: ObservePlan, now_ns: int) -> None:
    """Take the prices. A price that is stale already counts, and makes nothing fresh."""
    carried_out(WHERE, state, plan, now_ns)
    for asset, low_nano, at_ns in plan.prices:
        leg = known_leg(state, asset)
        if asset in plan.lasting and leg.seen_ns:
            leg.seen_ns = at_ns
        was_fresh = now_ns < leg.seen_ns + state.terms.stale_ns
        leg.status, leg.since_ns, leg.fresh_ns = rolled(leg, state.terms, now_ns)
        leg.low_nano, leg.seen_ns = low_nano, at_ns
        if leg.status is not LegStatus.DISABLED:
            is_fresh = now_ns < at_ns + state.terms.stale_ns
            leg.fresh_ns = 0 if not is_fresh else leg.fresh_ns if was_fresh and leg.fresh_ns else now_ns


def next_due_ns(state: Token) -> int:
    """Return when a leg's status changes next by time alone; 0: never. O(legs)."""
    times = [change[0] for leg in state.legs if (change := next_status(leg, state.terms))]
    return min([*times, TIME_NS_MAX]) if times else 0


def plan_due(state: Token, now_ns: int) -> DuePlan:
    """Return the plan to write down what time has changed; without changes where nothing is due. O(legs)."""
    started(WHERE, state, now_ns)
    changes = []
    for leg in state.legs:
        status, since_ns, _ = rolled(leg, state.terms, now_ns)
        if (status, since_ns) != (leg.status, leg.since_ns):
            changes.append((leg.asset, int(status), since_ns))
    return DuePlan(revision=state.revision, now_ns=now_ns, changes=tuple(changes))


def due(state: Token, plan: DuePlan, now_ns: int) -> None:
    """Write down what time has changed. Nothing hangs on it: every operation counts time itself."""
    carried_out(WHERE, state, plan, now_ns)
    for leg in state.legs:
        leg.status, leg.since_ns, leg.fresh_ns = rolled(leg, state.terms, now_ns)


# --- governance -----------------------------------------------------------------------------------


def plan_add_leg(state: Token, terms: LegTerms, now_ns: int) -> Refusal | LegPlan:
    """Return the plan to add a leg without weight, units or price; LEG_EXISTS, LEGS_FULL, GRAPH_FULL, CIRCULAR_BACKING.

    `circular_leg` names the path that makes it circular. O(graph).
    """
    started(WHERE, state, now_ns)
    if leg_of(state, terms.asset) is not None:
        return Refusal.LEG_EXISTS
    if len(state.legs) >= LEGS_MAX:
        return Refusal.LEGS_FULL
    claims = graph.merged(dict(state.claims), terms.claims)
    if graph.size(claims) > GRAPH_MAX:
        return Refusal.GRAPH_FULL
    if circular_leg(state, terms):
        return Refusal.CIRCULAR_BACKING
    return LegPlan(
        revision=state.revision,
        now_ns=now_ns,
        asset=terms.asset,
        haircut_e12=terms.haircut_e12,
        claims=tuple((asset, tuple(claims[asset])) for asset in sorted(claims)),
    )


def circular_leg(state: Token, terms: LegTerms) -> tuple[int, ...]:
    """Return the path, asset by asset, that makes this leg or a present one circular; () when none does. O(graph)."""
    claims = graph.merged(dict(state.claims), terms.claims)
    forbidden = (state.terms.native_asset, state.terms.token_asset)
    for asset in (terms.asset, *(leg.asset for leg in state.legs)):
        if path := graph.circular_path(claims, asset, forbidden):
            return path
    return ()


def add_leg(state: Token, plan: LegPlan, now_ns: int) -> None:
    """Add the leg. It is IFFY until its price has been fresh for `recover_ns`."""
    carried_out(WHERE, state, plan, now_ns)
    state.legs.append(Leg(asset=plan.asset, haircut_e12=plan.haircut_e12, since_ns=now_ns))
    state.legs.sort(key=lambda leg: leg.asset)
    state.claims = [(asset, list(below)) for asset, below in plan.claims]


def plan_drop_leg(state: Token, asset: int, now_ns: int) -> Refusal | UnitsPlan:
    """Return the plan to forget a leg without units and weight; UNKNOWN_LEG, LEG_IN_USE."""
    started(WHERE, state, now_ns)
    leg = leg_of(state, asset)
    if leg is None:
        return Refusal.UNKNOWN_LEG
    if leg.quantity_micro or leg.weight_e12:
        return Refusal.LEG_IN_USE
    return UnitsPlan(revision=state.revision, now_ns=now_ns, asset=asset, quantity_micro=0)


def drop_leg(state: Token, plan: UnitsPlan, now_ns: int) -> None:
    """Forget the leg. What it is a claim on stays known."""
    carried_out(WHERE, state, plan, now_ns)
    state.legs.remove(known_leg(state, plan.asset))


def plan_reweight(state: Token, weights: Mapping[int, int], now_ns: int) -> Refusal | WeightPlan:
    """Return the plan of another basket: a target weight for every leg, summing to 1, none for DISABLED legs.

    WEIGHTS_OFF otherwise. This is the one way out of DISABLED. O(legs).
    """
    started(WHERE, state, now_ns)
    for asset in sorted(weights):
        require_int(WHERE, f"weight of {asset}", weights[asset], 0, E12)
    if sorted(weights) != [leg.asset for leg in state.legs] or sum(weights.values()) != E12:
        return Refusal.WEIGHTS_OFF
    for leg in state.legs:
        if weights[leg.asset] and rolled(leg, state.terms, now_ns)[0] is LegStatus.DISABLED:
            return Refusal.WEIGHTS_OFF
    pairs = tuple((asset, weights[asset]) for asset in sorted(weights))
    return WeightPlan(revision=state.revision, now_ns=now_ns, weights=pairs)


def reweight(state: Token, plan: WeightPlan, now_ns: int) -> None:
    """Set the weights. Units are traded by others, with `endow` and `release`."""
    carried_out(WHERE, state, plan, now_ns)
    state.basket += 1
    for asset, weight_e12 in plan.weights:
        known_leg(state, asset).weight_e12 = weight_e12


def plan_endow(state: Token, asset: int, quantity_micro: int, now_ns: int) -> Refusal | UnitsPlan:
    """Return the plan to put units into a leg against no tokens: the buffer, or a hole that is filled.

    UNKNOWN_LEG, SUPPLY_LIMIT.
    """
    started(WHERE, state, now_ns)
    require_int(WHERE, "quantity_micro", quantity_micro, 1, MONEY_MICRO_MAX)
    leg = leg_of(state, asset)
    if leg is None:
        return Refusal.UNKNOWN_LEG
    if leg.quantity_micro + quantity_micro > MONEY_MICRO_MAX:
        return Refusal.SUPPLY_LIMIT
    return UnitsPlan(revision=state.revision, now_ns=now_ns, asset=asset, quantity_micro=quantity_micro)


def endow(state: Token, plan: UnitsPlan, now_ns: int) -> None:
    """Put the units in."""
    carried_out(WHERE, state, plan, now_ns)
    known_leg(state, plan.asset).quantity_micro += plan.quantity_micro


def plan_release(state: Token, asset: int, quantity_micro: int, now_ns: int) -> Refusal | UnitsPlan:
    """Return the plan to take units out of a leg against no tokens: of a surplus, or of a leg that counts nothing.

    UNKNOWN_LEG, LEG_SHORT; BACKING_TOO_LOW when it lowers the ratio below 1 plus the buffer. O(legs).
    """
    started(WHERE, state, now_ns)
    require_int(WHERE, "quantity_micro", quantity_micro, 1, MONEY_MICRO_MAX)
    leg = leg_of(state, asset)
    if leg is None:
        return Refusal.UNKNOWN_LEG
    if leg.quantity_micro < quantity_micro:
        return Refusal.LEG_SHORT
    disabled = rolled(leg, state.terms, now_ns)[0] is LegStatus.DISABLED
    worth = 0 if disabled else quantity_micro * leg.low_nano * (E12 - leg.haircut_e12)
    least = (E12 + state.terms.buffer_e12) * state.supply_micro * NANO
    if worth and counted(state, now_ns, haircut=True) - worth < least:
        return Refusal.BACKING_TOO_LOW
    return UnitsPlan(revision=state.revision, now_ns=now_ns, asset=asset, quantity_micro=-quantity_micro)


def release(state: Token, plan: UnitsPlan, now_ns: int) -> None:
    """Take the units out."""
    carried_out(WHERE, state, plan, now_ns)
    known_leg(state, plan.asset).quantity_micro += plan.quantity_micro


# --- haircut --------------------------------------------------------------------------------------


def plan_haircut(state: Token, holders_micro: int, now_ns: int) -> Refusal | HaircutPlan:
    """Return the plan to share a loss among all holders; `holders_micro` is what the loss order left to them.

    LOSS_COVERED when that is nothing, NOT_SHORT while the ratio is 1 or more. O(legs).
    """
    started(WHERE, state, now_ns)
    if not require_int(WHERE, "holders_micro", holders_micro, 0, MONEY_MICRO_MAX):
        return Refusal.LOSS_COVERED
    ratio = ratio_e12(state, now_ns)
    if ratio >= E12:
        return Refusal.NOT_SHORT
    return HaircutPlan(revision=state.revision, now_ns=now_ns, haircut=True, ratio_e12=ratio)


def plan_lift(state: Token, now_ns: int) -> Refusal | HaircutPlan:
    """Return the plan to end the haircut; NOT_SHORT where there is none, STILL_SHORT below a ratio of 1. O(legs)."""
    started(WHERE, state, now_ns)
    ratio = ratio_e12(state, now_ns)
    if not state.haircut:
        return Refusal.NOT_SHORT
    if ratio < E12:
        return Refusal.STILL_SHORT
    return HaircutPlan(revision=state.revision, now_ns=now_ns, haircut=False, ratio_e12=ratio)


def set_haircut(state: Token, plan: HaircutPlan, now_ns: int) -> None:
    """Begin or end the haircut, as planned."""
    carried_out(WHERE, state, plan, now_ns)
    state.haircut = plan.haircut
