"""The exchange's own commands: money in, out and across, fees, and what an account may do everywhere.

Each refuses with a RejectCode before it changes anything, or emits its one event in the exchange's own stream.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from parbook.codes import AccountStatus, CommandKind, RejectCode
from parbook.listing import MAX_FEE_PPM_MAX, TIERS_MAX, Fees
from parbook.messages import Deposited, FeesSet, StatusSet, TierSet, Transferred, Withdrawn
from parbook.reference.desk import Row
from parbook.reference.office import Office


def run(office: Office, row: Row) -> None:
    """Run one of `HANDLERS`. A refused one has moved the clock and nothing else, unless it was TIME_REVERSED."""
    code = office.move_clock(row.ts_ns) or HANDLERS[row.kind](office, row)
    if code:
        office.refuse(code, row)


def deposit(office: Office, row: Row) -> RejectCode | None:
    """Credit what came from outside. No status keeps it out."""
    code = _refusal_of_asset(office, row)
    code = code or office.ledger.deposit(row.account, row.session, row.qty_lots, row.order_id)
    if not code:
        office.emit(Deposited, **_moved(office, row))
    return code


def withdraw(office: Office, row: Row) -> RejectCode | None:
    """Debit what leaves for the outside. One that was done before says so, whatever its account may do by now."""
    code = (
        _refusal_of_asset(office, row)
        or office.ledger.refusal_of_form(row.account, row.qty_lots, row.order_id)
        or office.statuses.refusal_of_payment(row.account)
        or office.ledger.withdraw(row.account, row.session, row.qty_lots, row.order_id)
    )
    if not code:
        office.emit(Withdrawn, **_moved(office, row))
    return code


def transfer(office: Office, row: Row) -> RejectCode | None:
    """Move what is available to `trail_ppm`'s account; a suspended one may be paid, but not pay."""
    code = (
        _refusal_of_asset(office, row)
        or office.ledger.refusal_of_form(row.account, row.qty_lots, row.order_id)
        or office.statuses.refusal_of_payment(row.account)
        or office.ledger.transfer(row.account, row.trail_ppm, row.session, row.qty_lots, row.order_id)
    )
    if not code:
        office.emit(Transferred, **_moved(office, row), target_account=row.trail_ppm)
    return code


def _refusal_of_asset(office: Office, row: Row) -> RejectCode | None:
    return None if row.session < len(office.assets) else RejectCode.UNKNOWN_ASSET


def _moved(office: Office, row: Row) -> dict[str, int]:
    return {
        "account": row.account,
        "asset": row.session,
        "amount_atoms": row.qty_lots,
        "balance_atoms": office.ledger.balance(row.account, row.session),
        "txn_id": row.order_id,
    }


def set_fees(office: Office, row: Row) -> RejectCode | None:
    """Set what a tier pays from the next fill on. No market's `max_fee_ppm` may be exceeded."""
    if row.session >= TIERS_MAX:
        return RejectCode.FEE_OUT_OF_RANGE
    fees = Fees(maker_ppm=row.price_ticks, taker_ppm=row.high_ticks)
    least = min((listing.max_fee_ppm for listing in office.listings), default=MAX_FEE_PPM_MAX)
    code = office.fees.refusal_of(row.session, fees, least)
    if not code:
        office.fees.tiers[row.session] = fees
        office.emit(FeesSet, tier=row.session, maker_ppm=fees.maker_ppm, taker_ppm=fees.taker_ppm)
    return code


def set_tier(office: Office, row: Row) -> RejectCode | None:
    """Put an account in a tier that has been set."""
    if not row.account:
        return RejectCode.INVALID_ACCOUNT
    if row.session not in office.fees.tiers:
        return RejectCode.UNKNOWN_TIER
    office.fees.put(row.account, row.session)
    office.emit(TierSet, account=row.account, tier=row.session)
    return None


def set_status(office: Office, row: Row) -> RejectCode | None:
    """Set what an account may do; its live orders stay."""
    if not row.account:
        return RejectCode.INVALID_ACCOUNT
    if row.order_type not in tuple(AccountStatus):
        return RejectCode.UNKNOWN_STATUS
    status = AccountStatus(row.order_type)
    office.statuses.set(row.account, status)
    office.emit(StatusSet, account=row.account, status=status)
    return None


HANDLERS: Final[dict[int, Callable[[Office, Row], RejectCode | None]]] = {
    CommandKind.DEPOSIT: deposit,
    CommandKind.WITHDRAW: withdraw,
    CommandKind.TRANSFER: transfer,
    CommandKind.SET_FEES: set_fees,
    CommandKind.SET_TIER: set_tier,
    CommandKind.SET_STATUS: set_status,
}
