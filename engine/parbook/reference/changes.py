"""The rules of CANCEL, REDUCE and AMEND. A refused change leaves the order exactly as it was."""

from __future__ import annotations

from parbook.codes import CancelReason, OrderType, Place, Priority, RejectCode
from parbook.reference import stops
from parbook.reference.aggress import carry_out, foresee
from parbook.reference.book import RESTING, Order
from parbook.reference.desk import Desk, Row
from parbook.reference.entry import make_passive, measured_ticks, refusal_of_distance, refusal_of_size
from parbook.reference.form import too_many_slices
from parbook.sessions import Action
from parbook.units import NOTIONAL_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX


def find_order(desk: Desk, row: Row) -> Order | RejectCode:
    """Return the live order a command names, or why its sender may not touch it."""
    if not row.account:
        return RejectCode.INVALID_ACCOUNT
    order_id = row.order_id or desk.ids.find(row.account, row.client_id)
    order = desk.orders.get(order_id)
    if order is None:
        return RejectCode.UNKNOWN_ORDER
    if order.account != row.account:
        return RejectCode.NOT_OWNER
    return order


def cancel_order(desk: Desk, row: Row) -> RejectCode | None:
    """Take the order out, and its OCO partner."""
    order = find_order(desk, row)
    if isinstance(order, RejectCode):
        return order
    code = desk.session.forbids(Action.CANCEL) or desk.accounts.refusal_of_cancel(row.account)
    if code:
        return code
    desk.cancel(order, CancelReason.REQUESTED)
    return None


def reduce_order(desk: Desk, row: Row) -> RejectCode | None:
    """Take lots off the order's total; it keeps its place; nothing left means cancelled."""
    order = find_order(desk, row)
    if isinstance(order, RejectCode):
        return order
    code = desk.session.forbids(Action.CANCEL) or desk.accounts.refusal_of_cancel(row.account)
    if code:
        return code
    if not 1 <= row.qty_lots <= QTY_LOTS_MAX:
        return RejectCode.QTY_OUT_OF_RANGE
    if row.qty_lots >= order.leaves_lots:
        desk.cancel(order, CancelReason.REQUESTED)
    else:
        desk.shrink(order, row.qty_lots)
        desk.amended(order, Priority.KEPT, order.leaves_lots)
    return None


def amend_order(desk: Desk, row: Row) -> RejectCode | None:
    """Set total, price, an iceberg's slice, a stop's trigger. Only less quantity, all else equal, keeps priority."""
    order = find_order(desk, row)
    if isinstance(order, RejectCode):
        return order
    code = (
        desk.session.forbids(Action.AMEND)
        or desk.accounts.refusal_of_amend(desk, order)
        or _refusal_of_ranges(order, row)
        or _refusal_of_place(order, row)
    )
    if code:
        return code
    qty_lots = row.qty_lots or order.qty_lots
    limit_ticks = order.limit_ticks if order.peg else order.price_ticks
    price_ticks = row.price_ticks or limit_ticks
    size_ticks = measured_ticks(desk, order, price_ticks)
    if qty_lots * size_ticks > NOTIONAL_MAX:
        return RejectCode.NOTIONAL_OVERFLOW
    if qty_lots <= order.filled_lots:
        code = desk.accounts.refusal_of_rate(desk, order.account)
        if not code:
            desk.cancel(order, CancelReason.AMENDED_TO_FILLED)
        return code
    code = (
        refusal_of_size(desk, order.account, size_ticks, qty_lots)
        or (refusal_of_distance(desk, price_ticks) if row.price_ticks else None)
        or desk.accounts.refusal_of_growth(order, qty_lots - order.qty_lots)
        or _refusal_of_funds(desk, order, size_ticks, qty_lots - order.filled_lots)
    )
    if code:
        return code
    display_lots = row.terms.display_lots or order.display_lots
    smaller = price_ticks == limit_ticks and qty_lots <= order.qty_lots and display_lots == order.display_lots
    if order.place is Place.ARMED:
        return _amend_stop(desk, order, price_ticks, qty_lots, row.terms.stop_ticks or order.stop_ticks, size_ticks)
    if smaller and not (desk.instrument.reinsert_on_amend and order.place in RESTING and not order.peg):
        code = desk.accounts.refusal_of_rate(desk, order.account)
        if not code:
            desk.shrink(order, order.qty_lots - qty_lots)
            desk.amended(order, Priority.KEPT, order.leaves_lots)
        return code
    if order.peg:
        return _amend_peg(desk, order, price_ticks, qty_lots)
    return _reenter(desk, order, price_ticks, qty_lots, display_lots)


def _refusal_of_funds(desk: Desk, order: Order, size_ticks: int, leaves_lots: int) -> RejectCode | None:
    return desk.funds.refusal_of_change(order, size_ticks, leaves_lots) if desk.funds else None


def _refusal_of_ranges(order: Order, row: Row) -> RejectCode | None:
    if not 0 <= row.qty_lots <= QTY_LOTS_MAX:
        return RejectCode.QTY_OUT_OF_RANGE
    if not 0 <= row.price_ticks <= PRICE_TICKS_MAX:
        return RejectCode.PRICE_OUT_OF_RANGE
    if not 0 <= row.terms.display_lots <= (row.qty_lots or order.qty_lots):
        return RejectCode.DISPLAY_OUT_OF_RANGE
    if not 0 <= row.terms.stop_ticks <= PRICE_TICKS_MAX:
        return RejectCode.STOP_OUT_OF_RANGE
    return None


def _refusal_of_place(order: Order, row: Row) -> RejectCode | None:
    """Test that an order standing where it stands can be changed in this way."""
    if row.terms.display_lots and order.place is not Place.ICEBERG:
        return RejectCode.INVALID_TERMS
    if too_many_slices(row.qty_lots or order.qty_lots, row.terms.display_lots or order.display_lots):
        return RejectCode.DISPLAY_OUT_OF_RANGE
    if row.terms.stop_ticks and (order.place is not Place.ARMED or order.trailing):
        return RejectCode.INVALID_TERMS
    # Market orders that wait have no limit to change; those whose turn comes next may only shrink.
    next_in_turn = order.place in (Place.ELECTED, Place.CALL)
    other_price = row.price_ticks and row.price_ticks != order.price_ticks and not order.peg
    if other_price and (next_in_turn or not order.price_ticks):
        return RejectCode.INVALID_TERMS
    return RejectCode.INVALID_TERMS if next_in_turn and row.qty_lots > order.qty_lots else None


def _amend_stop(
    desk: Desk, order: Order, price_ticks: int, qty_lots: int, stop_ticks: int, size_ticks: int
) -> RejectCode | None:
    """Change a waiting stop in place; it never executes here. A new trigger puts it behind those that wait for it."""
    moves = stop_ticks != order.stop_ticks
    old_stop_ticks, order.stop_ticks = order.stop_ticks, stop_ticks
    reached = moves and stops.through(desk, order)
    order.stop_ticks = old_stop_ticks
    code = RejectCode.STOP_THROUGH if reached else desk.accounts.refusal_of_rate(desk, order.account)
    if code:
        return code
    desk.stops.reduce(order, order.qty_lots - qty_lots)
    order.price_ticks = price_ticks
    if order.order_type is OrderType.MARKET and size_ticks:
        order.limit_ticks = size_ticks
    if moves:
        desk.stops.disarm(order)
        order.stop_ticks = stop_ticks
        desk.stops.arm(order)
    desk.amended(order, Priority.LOST if moves else Priority.KEPT, order.leaves_lots)
    return None


def _amend_peg(desk: Desk, order: Order, limit_ticks: int, qty_lots: int) -> RejectCode | None:
    """Park a peg that grew or has another limit; the end of the command places it at the back."""
    code = desk.accounts.refusal_of_rate(desk, order.account)
    if code:
        return code
    desk.take_out(order)
    order.place, order.price_ticks = Place.PARKED, 0
    order.limit_ticks, order.qty_lots = limit_ticks, qty_lots
    desk.amended(order, Priority.LOST, order.leaves_lots)
    return None


def _reenter(desk: Desk, order: Order, price_ticks: int, qty_lots: int, display_lots: int) -> RejectCode | None:
    """Move an order to a new price or size: it trades what now crosses, then rests at the back of the queue."""
    old = (order.price_ticks, order.qty_lots, order.display_lots)
    if order.post_only and desk.session.matches:
        order.price_ticks = price_ticks
        code = make_passive(desk, order, without=order)
        price_ticks, order.price_ticks = order.price_ticks, old[0]
        if code:
            return code
    code = desk.accounts.refusal_of_rate(desk, order.account)
    if code:
        return code
    desk.book.remove(order)
    order.price_ticks, order.qty_lots, order.display_lots = price_ticks, qty_lots, display_lots
    if not desk.session.matches:
        desk.amended(order, Priority.LOST, order.leaves_lots)
        desk.rest(order)
        return None
    outcome = foresee(desk, order)
    order.price_ticks = outcome.price_ticks
    desk.amended(order, Priority.LOST, outcome.resting_lots)
    carry_out(desk, order, outcome)
    return None
