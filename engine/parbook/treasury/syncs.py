"""How much should lie in the till: what was spent is found, time credited, losses looked at, the difference moved."""

from __future__ import annotations

from parbook.pools.amounts import E12, MONEY_MICRO_MAX, NANO, Rounding, divide, require_int, share_of
from parbook.pools.tranches import PRICE_NANO_MAX
from parbook.treasury.budget import after_spending, after_time, capacities, left_micro
from parbook.treasury.inventory import Inventory, Mark, loss_micro, marked, result_micro, traded, worth_micro
from parbook.treasury.state import Sync, Treasury, TreasuryStatus, require_now, take
from parbook.treasury.terms import TreasuryTerms

_WHERE = "treasury"


def plan_sync(
    treasury: Treasury,
    *,
    now_ns: int,
    till_micro: int,
    inventory_units_micro: int,
    reserve_micro: int,
    supply_micro: int,
    price_low_nano: int,
    good_rounds: int,
    feed_ok: bool,
    leaving_micro: int = 0,
) -> Sync:
    """Return what to move between the reserve and the till. Never refused; O(1). Roundings: docs/treasury.md.

    `inventory_units_micro` are all units the protocol holds, with the curve or elsewhere. `reserve_micro` lies outside
    the till; `leaving_micro` of both is kept, or swept, out of it. `price_low_nano` is the low price as it stands,
    decayed while the feed is stale, 0 when halted; `feed_ok` is then False: nothing is topped up, and no loss is
    marked. `good_rounds` counts all there ever were. AssetError: out of range. MisuseError: time or rounds fell.
    """
    require_now(treasury, now_ns)
    _require(MONEY_MICRO_MAX, till_micro=till_micro, inventory_units_micro=inventory_units_micro)
    _require(MONEY_MICRO_MAX, leaving_micro=leaving_micro, supply_micro=supply_micro, good_rounds=good_rounds)
    _require(MONEY_MICRO_MAX - till_micro, reserve_micro=reserve_micro)
    _require(PRICE_NANO_MAX, price_low_nano=price_low_nano)
    terms, paid = treasury.terms, treasury.till_micro - till_micro
    inventory = traded(treasury.inventory, paid, inventory_units_micro)
    most = capacities(terms, supply_micro, price_low_nano)
    # Time first, as if all was spent just now: when it was is not known, and a full bucket gains nothing by time.
    budget = after_spending(after_time(treasury.budget, terms, most, good_rounds, now_ns), max(paid, 0))
    marks, loss = _losses(treasury, inventory, price_low_nano, now_ns) if feed_ok else (tuple(treasury.marks), 0)
    loss_max = divide(supply_micro * price_low_nano * terms.loss_max_e12, NANO * E12, Rounding.FLOOR)
    before = current_status(treasury, now_ns)
    status = TreasuryStatus.STOPPED if loss > loss_max else before
    room = units_room_micro(terms, inventory, supply_micro, price_low_nano)
    target = 0
    if status is TreasuryStatus.ACTIVE:
        keep = max(till_micro + reserve_micro - leaving_micro - terms.reserve_floor_micro, 0)
        target = min(left_micro(budget, most), keep, worth_micro(room, price_low_nano), keep if feed_ok else till_micro)
    return Sync(
        top_up_micro=max(target - till_micro, 0),
        sweep_micro=max(till_micro - target, 0),
        till_micro=target,
        budget_micro=left_micro(budget, most),
        units_room_micro=room,
        spent_micro=max(paid, 0),
        returned_micro=max(-paid, 0),
        loss_micro=loss,
        loss_max_micro=loss_max,
        status=status,
        stopped=status is not before,
        budget=budget,
        inventory=inventory,
        marks=marks,
        version=treasury.version,
    )


def _require(high: int, **values: int) -> None:
    for name, value in values.items():
        require_int(_WHERE, name, value, 0, high)


def _losses(treasury: Treasury, inventory: Inventory, price_low_nano: int, now_ns: int) -> tuple[tuple[Mark, ...], int]:
    result = result_micro(inventory, price_low_nano)
    marks = marked(treasury.marks, result, now_ns, treasury.terms.loss_window_ns)
    return marks, loss_micro(marks, result)


def sync(treasury: Treasury, plan: Sync, now_ns: int) -> None:
    """Carry a sync out; the composer moves `top_up_micro` or `sweep_micro`. MisuseError when the plan is an old one."""
    take(treasury, plan.version, now_ns)
    was = treasury.status
    treasury.status = plan.status
    treasury.budget = plan.budget
    treasury.inventory = plan.inventory
    treasury.marks = list(plan.marks)
    treasury.till_micro = plan.till_micro
    if was is TreasuryStatus.PAUSED and plan.status is not was:
        end_pause(treasury, min(now_ns, treasury.paused_until_ns))


def end_pause(treasury: Treasury, ended_ns: int) -> None:
    """Record that a pause ended: the rest before the next one counts from here."""
    treasury.paused_until_ns = 0
    treasury.pause_allowed_ns = ended_ns + treasury.terms.pause_rest_ns


def current_status(treasury: Treasury, now_ns: int) -> TreasuryStatus:
    """Return the status at `now_ns`: a pause whose time has come is over, carried out or not."""
    if treasury.status is TreasuryStatus.PAUSED and now_ns >= treasury.paused_until_ns:
        return TreasuryStatus.ACTIVE
    return treasury.status


def units_room_micro(terms: TreasuryTerms, inventory: Inventory, supply_micro: int, price_low_nano: int) -> int:
    """Return how many units more may be held: the lesser of both bounds, rounded down; 0 without a price."""
    if not price_low_nano:
        return 0
    by_units = share_of(supply_micro, terms.inventory_units_max_e12, Rounding.FLOOR) - inventory.units_micro
    held = divide(inventory.units_micro * price_low_nano, NANO, Rounding.CEIL)
    by_value = divide((terms.inventory_value_max_micro - held) * NANO, price_low_nano, Rounding.FLOOR)
    return max(min(by_units, by_value), 0)
