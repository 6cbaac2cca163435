"""The stops that wait: by trigger source and side, nearest trigger first, and by arrival at one trigger."""

from __future__ import annotations

from collections.abc import Iterator

from parbook.codes import Place, Side, Trigger
from parbook.errors import InvariantError
from parbook.reference.book import Line, Order
from parbook.units import PPM, PRICE_TICKS_MAX


def is_reached(side: Side, stop_ticks: int, price_ticks: int) -> bool:
    """Whether a price triggers a stop: a buy at or above it, a sell at or below it."""
    return price_ticks >= stop_ticks if side is Side.BUY else price_ticks <= stop_ticks


def trailing_stop_ticks(order: Order, price_ticks: int) -> int:
    """Return a trailing stop's trigger when the best price is `price_ticks`, kept inside 1..PRICE_TICKS_MAX.

    The distance of a share is rounded down, and at least 1.
    """
    distance_ticks = order.offset_ticks or max(1, price_ticks * order.trail_ppm // PPM)
    if order.side is Side.BUY:
        return min(PRICE_TICKS_MAX, price_ticks + distance_ticks)
    return max(1, price_ticks - distance_ticks)


class StopBook:
    """Armed stops. Buys trigger on a rise, so the lowest trigger is the nearest; sells the other way round."""

    def __init__(self) -> None:
        self.lines = {
            (trigger, side): Line(highest_first=side is Side.SELL)
            for trigger in Trigger
            for side in (Side.SELL, Side.BUY)
        }
        self.trailing: dict[int, Order] = {}

    def __iter__(self) -> Iterator[Order]:
        for line in self.lines.values():
            yield from line

    def arm(self, order: Order) -> None:
        """Let an order wait for its trigger, behind those that wait for the same. O(log levels)."""
        order.place = Place.ARMED
        self.lines[order.trigger, order.side].enqueue(order, order.stop_ticks)
        if order.trailing:
            self.trailing[order.order_id] = order

    def disarm(self, order: Order) -> None:
        """Take an armed order out. O(log levels)."""
        self.lines[order.trigger, order.side].unqueue(order, order.stop_ticks)
        self.trailing.pop(order.order_id, None)

    def reduce(self, order: Order, lots: int) -> None:
        """Take `lots` off an armed order's total; it keeps its place. O(1)."""
        level = self.lines[order.trigger, order.side].level(order.stop_ticks)
        assert level is not None
        level.lots -= lots
        order.qty_lots -= lots

    def elect(self, trigger: Trigger, price_ticks: int) -> list[Order]:
        """Take out and return the stops a price reaches: buys, then sells, nearest trigger first, then by arrival."""
        reached = []
        for side in Side:
            for order in self.lines[trigger, side]:
                if not is_reached(side, order.stop_ticks, price_ticks):
                    break
                reached.append(order)
        for order in reached:
            self.disarm(order)
        return reached

    def trail(self, trigger: Trigger, price_ticks: int) -> None:
        """Let trailing stops follow a price in their favour, by id, each to the back of its trigger. O(trailing)."""
        for order in sorted(self.trailing.values(), key=lambda order: order.order_id):
            if order.trigger is not trigger:
                continue
            stop_ticks = trailing_stop_ticks(order, price_ticks)
            if stop_ticks < order.stop_ticks if order.side is Side.BUY else stop_ticks > order.stop_ticks:
                self.disarm(order)
                order.stop_ticks = stop_ticks
                self.arm(order)

    def check(self) -> None:
        """Raise InvariantError unless lines and trailing stops agree. O(stops)."""
        for (trigger, side), line in self.lines.items():
            line.check(f"stops {trigger.name} {side.name}")
            for order in line:
                if order.place is not Place.ARMED or (order.trigger, order.side) != (trigger, side):
                    raise InvariantError(f"stops: order {order.order_id} belongs elsewhere")
        trailing = {order.order_id for order in self if order.trailing}
        if trailing != self.trailing.keys():
            raise InvariantError("stops: the trailing ones are miscounted")
