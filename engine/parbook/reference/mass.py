"""MASS_CANCEL, KILL and dead-man timers: many orders leave at once, in the order of parbook.state."""

from __future__ import annotations

from collections.abc import Callable

from parbook.codes import AccountField, CancelReason, RejectCode, Side
from parbook.messages import AccountSet, DeadManSet, MassCancelled
from parbook.reference.book import Order
from parbook.reference.desk import Desk, Row
from parbook.sessions import Action
from parbook.units import TIME_NS_MAX

BOTH_SIDES = 2
_REASONS = (CancelReason.MASS, CancelReason.DISCONNECTED)


def cancel_where(desk: Desk, account: int, reason: CancelReason, wanted: Callable[[Order], bool]) -> None:
    """Cancel every live order that is wanted gone, partners of the cancelled right after them. O(live orders)."""
    count = 0
    for order in list(desk.live_orders()):
        if order.order_id in desk.orders and wanted(order):
            desk.cancel(order, reason)
            count += 1
    desk.emit(MassCancelled, reason=reason, account=account, count=count)


def mass_cancel(desk: Desk, row: Row) -> RejectCode | None:
    """Cancel what lies in the scope. It is the venue's command: no account's denial stops it."""
    if row.side > BOTH_SIDES:
        return RejectCode.INVALID_SIDE
    if row.order_type not in _REASONS:
        return RejectCode.INVALID_COMBINATION
    code = desk.session.forbids(Action.CANCEL)
    if code:
        return code

    def wanted(order: Order) -> bool:
        return (
            row.account in (0, order.account)
            and row.session in (0, order.session)
            and (row.side == BOTH_SIDES or order.side is Side(row.side))
        )

    cancel_where(desk, row.account, CancelReason(row.order_type), wanted)
    return None


def kill(desk: Desk, row: Row) -> RejectCode | None:
    """Cancel an account's orders and refuse its next ones; registers the account."""
    if not row.account:
        return RejectCode.INVALID_ACCOUNT
    code = desk.session.forbids(Action.CANCEL)
    if code:
        return code
    account = desk.accounts.register(desk, row.account)
    if account is None:
        return RejectCode.ACCOUNTS_FULL
    account.killed = 1
    desk.emit(AccountSet, field=AccountField.KILLED, account=row.account, value=1)
    cancel_where(desk, row.account, CancelReason.KILLED, lambda order: order.account == row.account)
    return None


def dead_man(desk: Desk, row: Row) -> RejectCode | None:
    """Set, move or disarm an account's deadline; registers the account. It saturates where the clock ends."""
    if not row.account:
        return RejectCode.INVALID_ACCOUNT
    if row.qty_lots < 0:
        return RejectCode.LIMIT_OUT_OF_RANGE
    account = desk.accounts.register(desk, row.account)
    if account is None:
        return RejectCode.ACCOUNTS_FULL
    account.deadline_ns = min(desk.now_ns + row.qty_lots, TIME_NS_MAX) if row.qty_lots else 0
    desk.emit(DeadManSet, account=row.account, deadline_ns=account.deadline_ns)
    return None


def deadline_passed(desk: Desk, number: int) -> None:
    """Cancel the orders of an account that did not report in time, and disarm its timer."""
    account = desk.accounts.by_number[number]
    account.deadline_ns = 0
    cancel_where(desk, number, CancelReason.DEADMAN, lambda order: order.account == number)
