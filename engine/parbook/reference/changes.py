"""The rules of CANCEL, REDUCE and AMEND. A refused change leaves the order exactly as it was."""

from __future__ import annotations

from parbook.codes import CancelReason, Priority, RejectCode
from parbook.reference.book import Order
from parbook.reference.desk import Desk, Row
from parbook.reference.matching import would_trade
from parbook.units import NOTIONAL_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX


def find_order(desk: Desk, row: Row) -> Order | RejectCode:
    """Return the resting order a command names, or why its sender may not touch it."""
    if not row.account:
        return RejectCode.INVALID_ACCOUNT
    order_id = row.order_id or desk.ids.find(row.account, row.client_id)
    order = desk.book.orders.get(order_id)
    if order is None:
        return RejectCode.UNKNOWN_ORDER
    if order.account != row.account:
        return RejectCode.NOT_OWNER
    return order


def cancel_order(desk: Desk, row: Row) -> RejectCode | None:
    """Take the order out."""
    order = find_order(desk, row)
    if isinstance(order, RejectCode):
        return order
    desk.cancel(order, CancelReason.REQUESTED)
    return None


def reduce_order(desk: Desk, row: Row) -> RejectCode | None:
    """Take lots off the order's total; it keeps its place; nothing left means cancelled."""
    order = find_order(desk, row)
    if isinstance(order, RejectCode):
        return order
    if not 1 <= row.qty_lots <= QTY_LOTS_MAX:
        return RejectCode.QTY_OUT_OF_RANGE
    if row.qty_lots >= order.leaves_lots:
        desk.cancel(order, CancelReason.REQUESTED)
    else:
        desk.book.reduce(order, row.qty_lots)
        desk.amended(order, Priority.KEPT, order.leaves_lots)
    return None


def amend_order(desk: Desk, row: Row) -> RejectCode | None:
    """Set total and price. Only less quantity at the same price keeps priority."""
    order = find_order(desk, row)
    if isinstance(order, RejectCode):
        return order
    if not 0 <= row.qty_lots <= QTY_LOTS_MAX:
        return RejectCode.QTY_OUT_OF_RANGE
    if not 0 <= row.price_ticks <= PRICE_TICKS_MAX:
        return RejectCode.PRICE_OUT_OF_RANGE
    qty_lots = row.qty_lots or order.qty_lots
    price_ticks = row.price_ticks or order.price_ticks
    if qty_lots * price_ticks > NOTIONAL_MAX:
        return RejectCode.NOTIONAL_OVERFLOW
    if qty_lots <= order.filled_lots:
        desk.cancel(order, CancelReason.AMENDED_TO_FILLED)
    elif price_ticks == order.price_ticks and qty_lots <= order.qty_lots:
        desk.book.reduce(order, order.qty_lots - qty_lots)
        desk.amended(order, Priority.KEPT, order.leaves_lots)
    else:
        return _reenter(desk, order, price_ticks, qty_lots)
    return None


def _reenter(desk: Desk, order: Order, price_ticks: int, qty_lots: int) -> RejectCode | None:
    """Move the order to a new price or size: it trades what now crosses, then rests at the back of the queue."""
    if order.post_only:
        # The order's own old price must not clip the curve it is tested against.
        touch_ticks = desk.touch_ticks(order.side, without=order)
        if would_trade(desk.book, desk.curve, order.side, price_ticks, touch_ticks):
            return RejectCode.POST_ONLY_WOULD_TRADE
    desk.book.remove(order)
    order.price_ticks, order.qty_lots = price_ticks, qty_lots
    fills = desk.plan(order.side, price_ticks, order.leaves_lots)
    leaves_lots = order.leaves_lots - sum(fill.lots for fill in fills)
    desk.amended(order, Priority.LOST, leaves_lots)
    desk.execute(order, fills)
    desk.rest(order)
    return None
