"""The rules of NEW: which orders are refused, in which order the reasons are tested, what an accepted one does."""

from __future__ import annotations

from parbook.codes import CancelReason, OrderType, RejectCode, Side, TimeInForce
from parbook.reference.book import Order
from parbook.reference.desk import Desk, Row
from parbook.reference.matching import would_trade
from parbook.units import NOTIONAL_MAX, PPM, PRICE_TICKS_MAX, QTY_LOTS_MAX


def new_order(desk: Desk, row: Row) -> RejectCode | None:
    """Enter an order: match, then rest, cancel or have been refused, by type and time in force."""
    code = _refusal_of_form(row) or _refusal_of_size(desk, row)
    if code:
        return code
    side, tif = Side(row.side), TimeInForce(row.tif)
    limit_ticks = row.price_ticks
    if row.order_type == OrderType.MARKET:
        reference_ticks = reference_price_ticks(desk)
        if not reference_ticks:
            return RejectCode.NO_REFERENCE_PRICE
        limit_ticks = protected_limit_ticks(side, reference_ticks, desk.instrument.collar_ppm)
    elif not 1 <= limit_ticks <= PRICE_TICKS_MAX:
        return RejectCode.PRICE_OUT_OF_RANGE
    if limit_ticks * row.qty_lots > NOTIONAL_MAX:
        return RejectCode.NOTIONAL_OVERFLOW
    if tif is TimeInForce.GTC and len(desk.book.orders) >= desk.instrument.max_orders:
        return RejectCode.BOOK_FULL
    post_only = row.order_type == OrderType.POST_ONLY
    if post_only and would_trade(desk.book, desk.curve, side, limit_ticks, desk.touch_ticks(side)):
        return RejectCode.POST_ONLY_WOULD_TRADE
    fills = desk.plan(side, limit_ticks, row.qty_lots)
    leaves_lots = row.qty_lots - sum(fill.lots for fill in fills)
    if tif is TimeInForce.FOK and leaves_lots:
        return RejectCode.FOK_UNFILLABLE

    order = Order(desk.next_order_id, row.client_id, row.account, side, limit_ticks, row.qty_lots, post_only)
    desk.next_order_id += 1
    desk.ids.open(order.account, order.client_id, order.order_id)
    desk.accept(order, leaves_lots if tif is TimeInForce.GTC else 0)
    desk.execute(order, fills)
    if leaves_lots and tif is not TimeInForce.GTC:
        desk.cancelled(order, CancelReason.REMAINDER)
    else:
        desk.rest(order)
    return None


_SIDES, _ORDER_TYPES, _TIFS = frozenset(Side), frozenset(OrderType), frozenset(TimeInForce)


def _refusal_of_form(row: Row) -> RejectCode | None:
    if not row.account:
        return RejectCode.INVALID_ACCOUNT
    if row.side not in _SIDES:
        return RejectCode.INVALID_SIDE
    if row.order_type not in _ORDER_TYPES:
        return RejectCode.INVALID_ORDER_TYPE
    if row.tif not in _TIFS:
        return RejectCode.INVALID_TIF
    if row.order_type == OrderType.POST_ONLY and row.tif != TimeInForce.GTC:
        return RejectCode.INVALID_COMBINATION
    if row.order_type == OrderType.MARKET and row.tif == TimeInForce.GTC:
        return RejectCode.INVALID_COMBINATION
    return None


def _refusal_of_size(desk: Desk, row: Row) -> RejectCode | None:
    if desk.ids.is_taken(row.account, row.client_id):
        return RejectCode.DUPLICATE_CLIENT_ID
    if not 1 <= row.qty_lots <= QTY_LOTS_MAX:
        return RejectCode.QTY_OUT_OF_RANGE
    return None


def reference_price_ticks(desk: Desk) -> int:
    """Return what market orders are protected around: the active anchor's middle, rounded down, else the last trade.

    The anchor comes first because in a thin market the last trade may be days old. 0 when there is neither.
    """
    if desk.curve and desk.curve.quoting:
        return (desk.curve.low_ticks + desk.curve.high_ticks) // 2
    return desk.last_trade_ticks


def protected_limit_ticks(side: Side, reference_ticks: int, collar_ppm: int) -> int:
    """Return the limit of a market order: reference +/- collar, rounded towards the reference, kept a valid price.

    Follows CME Globex's market order with protection, with the fair price in place of the touch.
    """
    reach_ticks = reference_ticks * collar_ppm // PPM
    if side is Side.BUY:
        return min(PRICE_TICKS_MAX, reference_ticks + reach_ticks)
    return max(1, reference_ticks - reach_ticks)
