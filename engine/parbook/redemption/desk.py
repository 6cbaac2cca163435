"""Instant redemption at `FV_low (1 - f)`: how much may leave, what it pays, and why not. See `fee` for f.

The fee stays with those who stay: it remains in the pool's cash. The desk does not lend on it at once: what it kept
counts as no liquidity until it decays, or parts of a redemption would find more cash than the whole.
"""

from __future__ import annotations

from typing import Final

import msgspec

from parbook.codes import DocumentedEnum
from parbook.errors import InvariantError, MisuseError
from parbook.pools.amounts import E12, E18, MONEY_MICRO_MAX, NANO, Rounding, divide, require_int, share_of
from parbook.pools.throttle import WINDOW_NS_MAX, Throttle, available_micro, credited, drained, reframed
from parbook.pools.tranches import PRICE_NANO_MAX
from parbook.redemption.decay import MINUTE_FACTOR_E18, MINUTE_NS, decay_e18
from parbook.redemption.fee import Path, marginal_e12, payout_micro
from parbook.refusals import Refusal

DAY_NS: Final = 86_400 * 10**9
TIME_NS_MAX: Final = 2**63 - 1
_WHERE: Final = "desk"


class DeskStatus(DocumentedEnum):
    """Whether the desk redeems."""

    OPEN = 0, "redeems within its limits"
    CLOSED = 1, "redeems nothing; the queue goes on"


class DeskTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a desk; AssetError where out of range, or where the three fees could exceed a half."""

    base_e12: int = 25 * E12 // 10_000
    """f0."""
    beta_e12: int = E12 // 10
    """What redeeming all of the supply adds to the base rate."""
    minute_factor_e18: int = MINUTE_FACTOR_E18
    """What a minute leaves of it: a half-life of 12 hours."""
    penalty_scale_e12: int = 5 * E12 // 10_000
    """a of the marginal penalty a / (C/L + c)."""
    penalty_offset_e12: int = 50 * E12 // 10_000
    """c of it."""
    throttle_e12: int = 2 * E12 // 100
    """Share of the supply that may leave at once, and a `throttle_ns`."""
    throttle_ns: int = DAY_NS
    minimum_units_micro: int = 10**6

    def __post_init__(self) -> None:
        """Refuse what is out of range; AssetError."""
        where = "desk terms"
        for name in ("base_e12", "beta_e12", "penalty_scale_e12", "throttle_e12"):
            require_int(where, name, getattr(self, name), 0, E12)
        require_int(where, "minute_factor_e18", self.minute_factor_e18, 0, E18)
        require_int(where, "penalty_offset_e12", self.penalty_offset_e12, 1, E12)
        require_int(where, "throttle_ns", self.throttle_ns, MINUTE_NS, WINDOW_NS_MAX)
        require_int(where, "minimum_units_micro", self.minimum_units_micro, 1, MONEY_MICRO_MAX)
        steepest = divide(self.penalty_scale_e12 * E12, self.penalty_offset_e12, Rounding.CEIL)
        require_int(
            where, "base, beta and scale/offset together", self.base_e12 + self.beta_e12 + steepest, 0, E12 // 2
        )


class Desk(msgspec.Struct, kw_only=True):
    """One tranche's desk. Heat and what is held are as of `decayed_ns`."""

    terms: DeskTerms
    status: DeskStatus = DeskStatus.OPEN
    throttle: Throttle = Throttle()
    throttled_ns: int = 0
    heat_micro: int = 0
    """Units redeemed lately."""
    held_micro: int = 0
    """Fees kept lately, which count as no liquidity; and a part of a micro, in 1e-9."""
    held_part: int = 0
    decayed_ns: int = 0
    now_ns: int = 0
    version: int = 0


class PoolView(msgspec.Struct, frozen=True, kw_only=True):
    """What a desk must know of the tranche it redeems. AssetError where out of range."""

    price_low_nano: int
    """Low fair value of a unit as it stands; 0: there is none."""
    feed_ok: bool
    supply_micro: int
    """Units in circulation, those to be redeemed among them."""
    exit_value_micro: int
    """Exit value of the tranche: what its exit price divides by `supply_micro`."""
    unreserved_micro: int
    """The pool's cash beyond what is claimable, reserved or owed as fees."""
    other_assets_micro: int
    """Everything else the pool has, at its low value."""

    def __post_init__(self) -> None:
        """Refuse what is out of range; AssetError."""
        require_int("pool view", "price_low_nano", self.price_low_nano, 0, PRICE_NANO_MAX)
        for name in ("supply_micro", "exit_value_micro", "unreserved_micro", "other_assets_micro"):
            require_int("pool view", name, getattr(self, name), 0, MONEY_MICRO_MAX)


class Redemption(msgspec.Struct, frozen=True, kw_only=True):
    """Units to burn, what their holder is paid, and what stays: `fee_micro` is the rest of their value, rounded up."""

    units_micro: int
    paid_micro: int
    fee_micro: int
    fee_e12: int
    """The fee over the value at the low price, rounded up."""
    left_units_micro: int
    """What was asked for beyond the most that could be redeemed; 0 unless `partial`."""
    throttle: Throttle
    heat_micro: int
    held_micro: int
    held_part: int
    decayed_ns: int
    version: int


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """Other terms, or another status."""

    terms: DeskTerms
    status: DeskStatus
    version: int


def opened(terms: DeskTerms, now_ns: int) -> Desk:
    """Return an open desk that has redeemed nothing."""
    require_int(_WHERE, "now_ns", now_ns, 0, TIME_NS_MAX)
    return Desk(terms=terms, throttled_ns=now_ns, decayed_ns=now_ns, now_ns=now_ns)


def check(desk: Desk) -> None:
    """Raise InvariantError unless every invariant of a desk holds."""
    desk.throttle.check(desk.terms.throttle_ns)
    if min(desk.heat_micro, desk.held_micro) < 0 or not 0 <= desk.held_part < NANO:
        raise InvariantError(f"heat {desk.heat_micro}, held {desk.held_micro} and {desk.held_part}")
    if not max(desk.decayed_ns, desk.throttled_ns) <= desk.now_ns:
        raise InvariantError(f"the desk is at {desk.now_ns}, ahead of that {desk.decayed_ns} or {desk.throttled_ns}")


def next_due_ns(desk: Desk) -> int:
    """Return 0: nothing happens to a desk by time alone, what decays is computed when asked."""
    del desk
    return 0


def most_units_micro(desk: Desk, view: PoolView, now_ns: int) -> int:
    """Return the most that could be redeemed now: by status, price, throttle and cash; 0 below the minimum."""
    _require_now(desk, now_ns)
    if desk.status is DeskStatus.CLOSED or not (view.feed_ok and view.price_low_nano):
        return 0
    path = _path(desk, view, now_ns)
    by_cash = path.cash_fine // view.price_low_nano
    most = min(by_cash, available_micro(*_throttle(desk, path, now_ns)), view.supply_micro)
    return most if most >= desk.terms.minimum_units_micro else 0


def marginal_fee_e12(desk: Desk, view: PoolView, now_ns: int) -> int:
    """Return the fee of the next unit as a rate, rounded up."""
    _require_now(desk, now_ns)
    terms = desk.terms
    return marginal_e12(
        _path(desk, view, now_ns),
        base_e12=terms.base_e12,
        beta_e12=terms.beta_e12,
        scale_e12=terms.penalty_scale_e12,
        offset_e12=terms.penalty_offset_e12,
    )


def plan_redeem(
    desk: Desk, view: PoolView, units_micro: int, *, now_ns: int, least_micro: int = 0, partial: bool = False
) -> Refusal | Redemption:
    """Return what redeeming pays, or why not. With `partial`, as many units as throttle and cash let through. O(1).

    Refused, in this order: closed, no fair value, too small, throttled, too little cash, above the exit value, below
    `least_micro`. The payout is rounded down, the fee up; those who stay keep the rest. AssetError: more units than
    the supply. MisuseError: time fell.
    """
    _require_now(desk, now_ns)
    require_int(_WHERE, "units_micro", units_micro, 1, max(view.supply_micro, 1))
    require_int(_WHERE, "least_micro", least_micro, 0, MONEY_MICRO_MAX)
    if desk.status is DeskStatus.CLOSED:
        return Refusal.DESK_CLOSED
    if not (view.feed_ok and view.price_low_nano):
        return Refusal.DESK_NO_FAIR_VALUE
    if units_micro < desk.terms.minimum_units_micro:
        return Refusal.DESK_TOO_SMALL
    most = most_units_micro(desk, view, now_ns) if partial else units_micro
    units = min(units_micro, most) or units_micro
    path = _path(desk, view, now_ns)
    if units > available_micro(*_throttle(desk, path, now_ns)):
        return Refusal.DESK_THROTTLED
    if units * view.price_low_nano > path.cash_fine:
        return Refusal.DESK_LACKS_CASH
    paid = _paid(desk.terms, path, units)
    if paid < 1:
        return Refusal.DESK_TOO_SMALL
    if paid * view.supply_micro > view.exit_value_micro * units:
        return Refusal.DESK_NAV_WOULD_FALL
    if paid < least_micro:
        return Refusal.DESK_BELOW_LEAST
    return _redemption(desk, path, units, paid, units_micro - units, now_ns)


def redeem(desk: Desk, plan: Redemption, now_ns: int) -> None:
    """Carry a redemption out; the composer burns the units and pays. MisuseError when the plan is an old one."""
    _take(desk, plan.version, now_ns)
    desk.throttle = plan.throttle
    desk.throttled_ns = now_ns
    desk.heat_micro = plan.heat_micro
    desk.held_micro = plan.held_micro
    desk.held_part = plan.held_part
    desk.decayed_ns = plan.decayed_ns


def plan_switch(desk: Desk, now_ns: int, *, terms: DeskTerms | None = None, status: DeskStatus | None = None) -> Switch:
    """Return a change of terms or status, which governance or a guardian decided."""
    _require_now(desk, now_ns)
    return Switch(
        terms=desk.terms if terms is None else terms,
        status=desk.status if status is None else status,
        version=desk.version,
    )


def switch(desk: Desk, plan: Switch, now_ns: int) -> None:
    """Carry a change of terms or status out. What was used, heat and what is held stay."""
    _take(desk, plan.version, now_ns)
    if plan.terms.throttle_ns != desk.terms.throttle_ns:
        desk.throttle = reframed(desk.throttle)
    desk.terms = plan.terms
    desk.status = plan.status


# --- inside -----------------------------------------------------------------------------------------


def _paid(terms: DeskTerms, path: Path, units: int) -> int:
    return payout_micro(
        path,
        units,
        base_e12=terms.base_e12,
        beta_e12=terms.beta_e12,
        scale_e12=terms.penalty_scale_e12,
        offset_e12=terms.penalty_offset_e12,
    )


def _redemption(desk: Desk, path: Path, units: int, paid: int, left: int, now_ns: int) -> Redemption:
    gross = units * path.price_nano
    held_micro, held_part = divmod(_held_fine(desk, now_ns) + gross - paid * NANO, NANO)
    return Redemption(
        units_micro=units,
        paid_micro=paid,
        fee_micro=divide(gross, NANO, Rounding.CEIL) - paid,
        fee_e12=divide((gross - paid * NANO) * E12, gross, Rounding.CEIL),
        left_units_micro=left,
        throttle=drained(_throttle(desk, path, now_ns)[0], units),
        heat_micro=path.heat_micro + units,
        held_micro=held_micro,
        held_part=held_part,
        # Whole minutes have decayed; what is over counts towards the next.
        decayed_ns=desk.decayed_ns + _minutes(desk, now_ns) * MINUTE_NS,
        version=desk.version,
    )


def _path(desk: Desk, view: PoolView, now_ns: int) -> Path:
    return Path(
        price_nano=view.price_low_nano,
        supply_micro=view.supply_micro,
        heat_micro=divide(desk.heat_micro * _left_e18(desk, now_ns), E18, Rounding.CEIL),
        cash_fine=max(view.unreserved_micro * NANO - _held_fine(desk, now_ns), 0),
        other_micro=view.other_assets_micro,
    )


def _held_fine(desk: Desk, now_ns: int) -> int:
    return divide((desk.held_micro * NANO + desk.held_part) * _left_e18(desk, now_ns), E18, Rounding.CEIL)


def _minutes(desk: Desk, now_ns: int) -> int:
    return (now_ns - desk.decayed_ns) // MINUTE_NS


def _left_e18(desk: Desk, now_ns: int) -> int:
    return decay_e18(_minutes(desk, now_ns), desk.terms.minute_factor_e18)


def _throttle(desk: Desk, path: Path, now_ns: int) -> tuple[Throttle, int]:
    """Return the throttle as of now and its capacity: a share of the supply before what left lately.

    Of the supply alone, parts of a redemption would find a smaller throttle than the whole.
    """
    capacity = share_of(path.supply_micro + path.heat_micro, desk.terms.throttle_e12, Rounding.FLOOR)
    elapsed = now_ns - desk.throttled_ns
    return credited(desk.throttle, min(capacity, MONEY_MICRO_MAX), elapsed, desk.terms.throttle_ns), capacity


def _require_now(desk: Desk, now_ns: int) -> None:
    require_int(_WHERE, "now_ns", now_ns, 0, TIME_NS_MAX)
    if now_ns < desk.now_ns:
        raise MisuseError(f"now_ns={now_ns} is before {desk.now_ns}: a desk's time never falls; pass the latest")


def _take(desk: Desk, version: int, now_ns: int) -> None:
    _require_now(desk, now_ns)
    if version != desk.version:
        raise MisuseError(f"the plan is of version {version} and the desk of {desk.version}: plan again")
    desk.version += 1
    desk.now_ns = now_ns
