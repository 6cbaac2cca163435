"""The state of an anchored token, its values now, and its invariants."""

from __future__ import annotations

from typing import Final

import msgspec

from parbook.anchored.graph import circular_path
from parbook.anchored.terms import LEGS_MAX, LegStatus, TokenState, TokenTerms
from parbook.anchored.throttle import Bucket
from parbook.errors import InvariantError, MisuseError
from parbook.pools.accrual import power_e27
from parbook.pools.amounts import E12, E27, MONEY_MICRO_MAX, NANO, Rounding, divide, require_int
from parbook.units import TIME_NS_MAX

RATIO_MAX_E12: Final = 10**6 * E12
"""What a ratio that is larger, or of no supply, is said to be."""
SECOND_NS: Final = 10**9


class Leg(msgspec.Struct, kw_only=True):
    """One asset of the basket. Times are those of its price, of its status, and since when it was fresh (0: is not)."""

    asset: int
    haircut_e12: int
    weight_e12: int = 0
    quantity_micro: int = 0
    low_nano: int = 0
    seen_ns: int = 0
    status: LegStatus = LegStatus.IFFY
    since_ns: int = 0
    fresh_ns: int = 0


class Token(msgspec.Struct, kw_only=True):
    """An anchored token. Legs stand by rising asset. `claims` is the backing graph: (asset, assets it is a claim on).

    `level_micro` is what was redeemed lately, net of mints, at `level_ns`; `anchor_micro` and `anchor_supply_micro`
    are the curve it is redeemed along while the backing is `seen_micro`. `basket` counts re-weightings. Its terms may
    be replaced between operations.
    """

    terms: TokenTerms
    legs: list[Leg] = []
    claims: list[tuple[int, list[int]]] = []
    supply_micro: int = 0
    issuance: Bucket
    redemption: Bucket
    level_micro: int = 0
    level_ns: int = 0
    anchor_micro: int = 0
    anchor_supply_micro: int = 0
    seen_micro: int = 0
    haircut: bool = False
    basket: int = 0
    now_ns: int = 0
    revision: int = 0


def opened(terms: TokenTerms, now_ns: int) -> Token:
    """Return a token without a basket; its buckets are full. AssetError for what is no time."""
    require_int("anchored token", "now_ns", now_ns, 0, TIME_NS_MAX)
    issuance = Bucket(left_micro=terms.issuance.amount_micro, at_ns=now_ns)
    redemption = Bucket(left_micro=terms.redemption.amount_micro, at_ns=now_ns)
    return Token(terms=terms, issuance=issuance, redemption=redemption, now_ns=now_ns, level_ns=now_ns)


def leg_of(state: Token, asset: int) -> Leg | None:
    """Return the leg of an asset, or None."""
    return next((leg for leg in state.legs if leg.asset == asset), None)


# --- status ---------------------------------------------------------------------------------------


def next_status(leg: Leg, terms: TokenTerms) -> tuple[int, LegStatus] | None:
    """Return when the leg's status changes by time alone, and to what; None: never. O(1).

    A fresh price must stay fresh for `recover_ns` before the leg is SOUND again, and the clock of its default runs
    until then: one that flickers for `default_ns` is given up.
    """
    stale_ns = leg.seen_ns + terms.stale_ns
    if leg.status is LegStatus.SOUND:
        return stale_ns, LegStatus.IFFY
    if leg.status is LegStatus.DISABLED:
        return None
    sound_ns, lost_ns = leg.fresh_ns + terms.recover_ns, leg.since_ns + terms.default_ns
    if leg.fresh_ns and sound_ns < stale_ns and sound_ns <= lost_ns:
        return sound_ns, LegStatus.SOUND
    return lost_ns, LegStatus.DISABLED


def rolled(leg: Leg, terms: TokenTerms, now_ns: int) -> tuple[LegStatus, int, int]:
    """Return (status, since_ns, fresh_ns) of a leg at `now_ns`, its price as it is. At most three changes."""
    view = msgspec.structs.replace(leg)
    while (change := next_status(view, terms)) and change[0] <= now_ns:
        view.since_ns, view.status = change
        if view.status is not LegStatus.SOUND:
            view.fresh_ns = 0
    return view.status, view.since_ns, view.fresh_ns


def status_of(leg: Leg, terms: TokenTerms, now_ns: int) -> LegStatus:
    """Return a leg's status at `now_ns`."""
    return rolled(leg, terms, now_ns)[0]


def token_state(state: Token, now_ns: int) -> TokenState:
    """Return where the token stands at `now_ns`. A DISABLED leg without weight is out of the basket. O(legs)."""
    worst = TokenState.SOUND
    for leg in state.legs:
        status = status_of(leg, state.terms, now_ns)
        if status is LegStatus.DISABLED and leg.weight_e12:
            return TokenState.DISABLED
        if status is LegStatus.IFFY:
            worst = TokenState.IFFY
    return TokenState.HAIRCUT if state.haircut else worst


# --- values ---------------------------------------------------------------------------------------


def counted(state: Token, now_ns: int, *, haircut: bool) -> int:
    """Return the legs' low value, less haircuts if asked for, in 1e-27 of money, exact. DISABLED legs count nothing."""
    total = 0
    for leg in state.legs:
        if status_of(leg, state.terms, now_ns) is not LegStatus.DISABLED:
            total += leg.quantity_micro * leg.low_nano * (E12 - leg.haircut_e12 if haircut else E12)
    return total


def backing_micro(state: Token, now_ns: int) -> int:
    """Return `sum (1 - haircut) V_low`, rounded down once. O(legs)."""
    return divide(counted(state, now_ns, haircut=True), NANO * E12, Rounding.FLOOR)


def ratio_e12(state: Token, now_ns: int) -> int:
    """Return the backing ratio, rounded down. RATIO_MAX_E12 where there is no supply, or more of it. O(legs)."""
    if not state.supply_micro:
        return RATIO_MAX_E12
    return min(RATIO_MAX_E12, counted(state, now_ns, haircut=True) // (state.supply_micro * NANO))


def level_now(state: Token, now_ns: int) -> tuple[int, int]:
    """Return the redemption level at `now_ns`, rounded up, and the time up to which it faded: whole seconds."""
    seconds = (now_ns - state.level_ns) // SECOND_NS
    if not state.level_micro:
        return 0, now_ns
    kept = power_e27(state.terms.memory_e27, seconds) if seconds else E27
    return divide(state.level_micro * kept, E27, Rounding.CEIL), state.level_ns + seconds * SECOND_NS


# --- invariants -----------------------------------------------------------------------------------


def check(state: Token) -> None:
    """Raise InvariantError unless every stated invariant holds. O(legs + graph)."""
    assets = [leg.asset for leg in state.legs]
    if assets != sorted(set(assets)) or len(assets) > LEGS_MAX:
        raise InvariantError(f"the legs {assets} do not rise, or are more than {LEGS_MAX}")
    forbidden = (state.terms.native_asset, state.terms.token_asset)
    claims = dict(state.claims)
    for asset in assets:
        if path := circular_path(claims, asset, forbidden):
            raise InvariantError(f"the backing is circular: {path}")
    if sum(leg.weight_e12 for leg in state.legs) not in (0, E12):
        raise InvariantError("target weights do not sum to 1")
    for leg in state.legs:
        if not 0 <= leg.quantity_micro <= MONEY_MICRO_MAX or not 0 <= leg.weight_e12 <= E12 or leg.low_nano < 0:
            raise InvariantError(f"{leg} is out of range")
        if leg.seen_ns > state.now_ns or leg.since_ns > state.now_ns or leg.fresh_ns > state.now_ns:
            raise InvariantError(f"{leg} is ahead of the clock, {state.now_ns}")
        if leg.fresh_ns and leg.status is LegStatus.DISABLED:
            raise InvariantError(f"{leg} recovers from being DISABLED, which is for good")
    if not 0 <= state.supply_micro <= MONEY_MICRO_MAX or state.level_micro < 0:
        raise InvariantError(f"supply {state.supply_micro} or level {state.level_micro} is out of range")
    if min(state.issuance.left_micro, state.redemption.left_micro) < 0:
        raise InvariantError("a throttle gave more than it had")
    if state.anchor_supply_micro and not state.supply_micro:
        raise InvariantError("there is a curve and no supply")


def known_leg(state: Token, asset: int) -> Leg:
    """Return the leg of an asset that a plan found; MisuseError when there is none."""
    leg = leg_of(state, asset)
    if leg is None:
        raise MisuseError(f"anchored token: no leg is of asset {asset}; the plan is not of this state.")
    return leg
