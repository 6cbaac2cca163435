"""Stops: what elects them, and what an elected one does when its turn comes."""

from __future__ import annotations

from parbook.codes import CancelReason, OrderType, Place, Priority, TimeInForce, Trigger
from parbook.messages import Triggered
from parbook.reference import steps
from parbook.reference.aggress import carry_out, foresee, protected_limit_ticks
from parbook.reference.book import Order
from parbook.reference.desk import Desk, order_fields
from parbook.reference.stopbook import is_reached
from parbook.units import NOTIONAL_MAX


def trigger_price_ticks(desk: Desk, trigger: Trigger) -> int:
    """Return the price that a stop of that source compares itself with at entry; 0 when there is none."""
    return desk.anchor_ticks if trigger is Trigger.ANCHOR else desk.last_trade_ticks


def through(desk: Desk, order: Order) -> bool:
    """Whether a stop's trigger has been reached before it is armed."""
    price_ticks = trigger_price_ticks(desk, order.trigger)
    return bool(price_ticks) and is_reached(order.side, order.stop_ticks, price_ticks)


def elect(desk: Desk, trigger: Trigger, price_ticks: int) -> None:
    """Elect the stops a price reaches, then let the trailing ones that still wait follow it."""
    for order in desk.stops.elect(trigger, price_ticks):
        order.place = Place.ELECTED
        desk.elected.append(order)
    desk.stops.trail(trigger, price_ticks)


def run_elected(desk: Desk) -> None:
    """Run elected stops, first elected first, until none is left or the command has run its most."""
    for _ in range(desk.instrument.max_triggers):
        if not desk.elected or not desk.session.matches:
            return
        _run(desk, desk.elected.popleft())


def _run(desk: Desk, order: Order) -> None:
    """Enter a triggered stop under its old id. Its partner leaves first: it may hold the position the stop reduces."""
    desk.release_partner(order)
    # Cut while it still counts as one that waits: its own lots must not take its room.
    if order.reduce_only and not _cut_to_position(desk, order):
        return
    order.place = Place.HIDDEN if order.hidden else Place.ICEBERG if order.display_lots else Place.BOOK
    if order.order_type is OrderType.MARKET:
        if not desk.reference_ticks:
            desk.cancelled(order, CancelReason.NO_REFERENCE)
            return
        order.price_ticks = protected_limit_ticks(order.side, desk.reference_ticks, desk.instrument.collar_ppm)
        # The reference may have moved far since entry, where the same was tested.
        if order.price_ticks * order.leaves_lots > NOTIONAL_MAX:
            desk.cancelled(order, CancelReason.NOTIONAL)
            return
    outcome = foresee(desk, order)
    if order.tif is TimeInForce.FOK and outcome.filled_lots < order.qty_lots:
        desk.cancelled(order, CancelReason.REMAINDER)
        return
    fields = order_fields(order) | {"price_ticks": outcome.price_ticks}
    desk.emit(Triggered, **fields, place=outcome.place, leaves_lots=outcome.resting_lots)
    carry_out(desk, order, outcome)
    steps.finish_step(desk)


def _cut_to_position(desk: Desk, order: Order) -> bool:
    """Cut a triggered reduce-only order to what it may reduce; False when that is nothing and it has left."""
    room_lots = desk.accounts.reduce_only_room(order)
    if room_lots <= 0:
        desk.cancelled(order, CancelReason.REDUCE_ONLY)
        return False
    if room_lots < order.leaves_lots:
        order.qty_lots = room_lots
        desk.amended(order, Priority.KEPT, room_lots)
    return True
