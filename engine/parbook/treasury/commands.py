"""What guardians and governance may do with a treasury, what falls due, and what is for sale."""

from __future__ import annotations

from parbook.pools.amounts import MONEY_MICRO_MAX, Rounding, require_int, share_of
from parbook.pools.tranches import PRICE_NANO_MAX
from parbook.refusals import Refusal
from parbook.treasury.budget import for_terms
from parbook.treasury.inventory import Mark, cost_of_micro, marked, retired
from parbook.treasury.state import (
    TIME_NS_MAX,
    Amendment,
    Offer,
    Pause,
    Retirement,
    Treasury,
    TreasuryStatus,
    Turn,
    require_now,
    take,
)
from parbook.treasury.syncs import current_status, end_pause
from parbook.treasury.terms import Recycling, TreasuryTerms

_WHERE = "treasury"

# --- pause ------------------------------------------------------------------------------------------


def plan_pause(treasury: Treasury, until_ns: int, now_ns: int) -> Refusal | Pause:
    """Return a guardian's pause, which ends by itself at `until_ns` and cannot be prolonged."""
    require_now(treasury, now_ns)
    require_int(_WHERE, "until_ns", until_ns, 0, TIME_NS_MAX)
    match current_status(treasury, now_ns):
        case TreasuryStatus.PAUSED:
            return Refusal.TREASURY_PAUSED
        case TreasuryStatus.STOPPED:
            return Refusal.TREASURY_STOPPED
    if not now_ns < until_ns <= now_ns + treasury.terms.pause_max_ns:
        return Refusal.TREASURY_PAUSE_TOO_LONG
    # A pause that is over and was not yet carried out as due counts from its own end.
    over = treasury.status is TreasuryStatus.PAUSED
    allowed = treasury.paused_until_ns + treasury.terms.pause_rest_ns if over else treasury.pause_allowed_ns
    if now_ns < allowed:
        return Refusal.TREASURY_PAUSE_TOO_SOON
    return Pause(until_ns=until_ns, version=treasury.version)


def pause(treasury: Treasury, plan: Pause, now_ns: int) -> None:
    """Carry a pause out. The composer then sweeps the till: plan a sync of the same moment."""
    take(treasury, plan.version, now_ns)
    treasury.status = TreasuryStatus.PAUSED
    treasury.paused_until_ns = plan.until_ns


def plan_resume(treasury: Treasury, now_ns: int) -> Refusal | Turn:
    """Return the early end of a pause."""
    require_now(treasury, now_ns)
    if current_status(treasury, now_ns) is not TreasuryStatus.PAUSED:
        return Refusal.TREASURY_NOT_PAUSED
    return Turn(before=TreasuryStatus.PAUSED, status=TreasuryStatus.ACTIVE, version=treasury.version)


def next_due_ns(treasury: Treasury) -> int:
    """Return when the pause ends or the next sync is due, whichever is first. Then: `plan_due`, and sync."""
    sync_ns = treasury.budget.noted_ns + treasury.terms.sync_ns
    return min(treasury.paused_until_ns, sync_ns) if treasury.status is TreasuryStatus.PAUSED else sync_ns


def plan_due(treasury: Treasury, now_ns: int) -> Turn | None:
    """Return the end of a pause whose time has come, or None: then only a sync may be due."""
    require_now(treasury, now_ns)
    if treasury.status is not TreasuryStatus.PAUSED or now_ns < treasury.paused_until_ns:
        return None
    return Turn(before=TreasuryStatus.PAUSED, status=TreasuryStatus.ACTIVE, version=treasury.version)


def plan_restart(treasury: Treasury, now_ns: int) -> Refusal | Turn:
    """Return the restart of a treasury that its losses stopped: governance's, and it begins with a clean slate."""
    require_now(treasury, now_ns)
    if treasury.status is not TreasuryStatus.STOPPED:
        return Refusal.TREASURY_NOT_STOPPED
    return Turn(before=TreasuryStatus.STOPPED, status=TreasuryStatus.ACTIVE, version=treasury.version)


def turn(treasury: Treasury, plan: Turn, now_ns: int) -> None:
    """Carry out a resume, a due end of a pause, or a restart. The till fills with the next sync."""
    take(treasury, plan.version, now_ns)
    treasury.status = plan.status
    if plan.before is TreasuryStatus.PAUSED:
        end_pause(treasury, min(now_ns, treasury.paused_until_ns))
    else:
        # The losses that stopped it were looked at; the next window begins with the next result.
        treasury.marks = []


# --- units ------------------------------------------------------------------------------------------


def offer(treasury: Treasury, *, now_ns: int, supply_micro: int, price_high_nano: int, feed_ok: bool) -> Offer:
    """Return what the curve may sell. The least price is the high band, and never the cost (decision 45).

    Nothing while the price is in doubt (stale feed, pause, stop), nor where units are retired. At most
    `inventory_units_max_e12` of the supply, though more be held.
    """
    require_now(treasury, now_ns)
    require_int(_WHERE, "supply_micro", supply_micro, 0, MONEY_MICRO_MAX)
    require_int(_WHERE, "price_high_nano", price_high_nano, 0, PRICE_NANO_MAX)
    active = current_status(treasury, now_ns) is TreasuryStatus.ACTIVE
    if not (active and feed_ok and price_high_nano and treasury.terms.recycling is Recycling.RESELL):
        return Offer(units_micro=0, least_nano=0)
    most = share_of(supply_micro, treasury.terms.inventory_units_max_e12, Rounding.FLOOR)
    return Offer(units_micro=min(treasury.inventory.units_micro, most), least_nano=price_high_nano)


def plan_retire(
    treasury: Treasury, units_micro: int, *, now_ns: int, exit_value_micro: int, supply_micro: int, price_low_nano: int
) -> Refusal | Retirement:
    """Return the burning of units, where their average cost is at most their share of the exit value.

    With c paid for u of S units and exit value E: c/u <= E/S exactly when (E-c)/(S-u) >= E/S, and as well when E and S
    are those after the purchase. Compared as whole numbers, the cost rounded up. Any status: burning risks nothing.
    """
    require_now(treasury, now_ns)
    require_int(_WHERE, "units_micro", units_micro, 1, MONEY_MICRO_MAX)
    require_int(_WHERE, "exit_value_micro", exit_value_micro, 0, MONEY_MICRO_MAX)
    require_int(_WHERE, "supply_micro", supply_micro, 1, MONEY_MICRO_MAX)
    require_int(_WHERE, "price_low_nano", price_low_nano, 0, PRICE_NANO_MAX)
    if treasury.terms.recycling is not Recycling.RETIRE:
        return Refusal.TREASURY_KEEPS_UNITS
    if units_micro > treasury.inventory.units_micro:
        return Refusal.TREASURY_LACKS_UNITS
    cost = cost_of_micro(treasury.inventory, units_micro)
    if cost * supply_micro > exit_value_micro * units_micro:
        return Refusal.TREASURY_ABOVE_NAV
    return Retirement(
        units_micro=units_micro,
        cost_micro=cost,
        inventory=retired(treasury.inventory, units_micro, price_low_nano),
        version=treasury.version,
    )


def retire(treasury: Treasury, plan: Retirement, now_ns: int) -> None:
    """Carry a retirement out; the composer burns the units. Sync before it: what was bought since is not known here."""
    take(treasury, plan.version, now_ns)
    treasury.inventory = plan.inventory


# --- terms ------------------------------------------------------------------------------------------


def plan_amend(treasury: Treasury, terms: TreasuryTerms, now_ns: int) -> Amendment:
    """Return a change of terms, which governance decided."""
    require_now(treasury, now_ns)
    return Amendment(terms=terms, version=treasury.version)


def amend(treasury: Treasury, plan: Amendment, now_ns: int) -> None:
    """Carry a change of terms out. A running pause keeps its end; marks of another window begin anew."""
    take(treasury, plan.version, now_ns)
    if plan.terms.loss_window_ns != treasury.terms.loss_window_ns:
        # Slots of another length have other numbers. The best result within the old window stays the mark.
        best = max((mark.best_micro for mark in treasury.marks), default=None)
        slot = marked((), 0, now_ns, plan.terms.loss_window_ns)[0].slot
        treasury.marks = [] if best is None else [Mark(slot=slot, best_micro=best)]
    treasury.terms = plan.terms
    treasury.budget = for_terms(treasury.budget)
