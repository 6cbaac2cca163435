"""The displayed book, order by order: what a publisher holds of its market and a subscriber builds again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sortedcontainers import SortedDict

from parbook.codes import Side
from parbook.errors import CorruptionError


class Level(NamedTuple):
    """A price of one side: lots shown, and in how many orders (0: a rung of the curve)."""

    price_ticks: int
    qty_lots: int
    orders: int


class ShownOrder(NamedTuple):
    """One displayed order: what it shows now, never what it hides."""

    order_id: int
    price_ticks: int
    qty_lots: int


class _Queue:
    """The orders shown at one price, first to trade first, and the sum of their lots."""

    __slots__ = ("lots", "orders")

    def __init__(self) -> None:
        self.orders: dict[int, int] = {}
        self.lots = 0


class DisplayedBook:
    """Both sides' displayed orders in the order in which they trade. CorruptionError for an order it does not hold."""

    def __init__(self) -> None:
        self._where: dict[int, tuple[Side, int]] = {}
        # Keys are prices, negative on the bid side, so that the best one comes first.
        self._sides: tuple[SortedDict[int, _Queue], SortedDict[int, _Queue]] = (SortedDict(), SortedDict())

    def __contains__(self, order_id: int) -> bool:
        return order_id in self._where

    def __len__(self) -> int:
        return len(self._where)

    @staticmethod
    def _key(side: Side, price_ticks: int) -> int:
        return price_ticks if side is Side.SELL else -price_ticks

    def place_of(self, order_id: int) -> tuple[Side, int]:
        """Return side and price_ticks of a displayed order. O(1)."""
        try:
            return self._where[order_id]
        except KeyError:
            raise CorruptionError(f"displayed book: order {order_id} is not displayed") from None

    def lots_of(self, order_id: int) -> int:
        """Return what a displayed order shows. O(1)."""
        return self._queue(order_id).orders[order_id]

    def _queue(self, order_id: int) -> _Queue:
        side, price_ticks = self.place_of(order_id)
        queue: _Queue = self._sides[side][self._key(side, price_ticks)]
        return queue

    def add(self, order_id: int, side: Side, price_ticks: int, qty_lots: int) -> None:
        """Show an order at the back of a price's queue. CorruptionError when it is shown already. O(log levels)."""
        if order_id in self._where or qty_lots <= 0:
            raise CorruptionError(f"displayed book: order {order_id} cannot be added with {qty_lots} lots")
        key = self._key(side, price_ticks)
        queue = self._sides[side].get(key)
        if queue is None:
            queue = self._sides[side][key] = _Queue()
        queue.orders[order_id] = qty_lots
        queue.lots += qty_lots
        self._where[order_id] = (side, price_ticks)

    def take(self, order_id: int, qty_lots: int) -> int:
        """Take lots off a displayed order, which keeps its place or, with nothing left, goes; return what is left.

        CorruptionError for more lots than it shows. O(1), O(log levels) when it goes.
        """
        queue = self._queue(order_id)
        left_lots = queue.orders[order_id] - qty_lots
        if left_lots < 0 or qty_lots <= 0:
            raise CorruptionError(f"displayed book: order {order_id} cannot lose {qty_lots} lots")
        if not left_lots:
            self.delete(order_id)
        else:
            queue.orders[order_id] = left_lots
            queue.lots -= qty_lots
        return left_lots

    def delete(self, order_id: int) -> int:
        """Take a displayed order out and return the lots it showed. O(1), O(log levels) for the last of its price."""
        queue = self._queue(order_id)
        side, price_ticks = self._where.pop(order_id)
        lots = queue.orders.pop(order_id)
        queue.lots -= lots
        if not queue.orders:
            del self._sides[side][self._key(side, price_ticks)]
        return lots

    def level(self, side: Side, price_ticks: int) -> Level:
        """Return what a price shows; (price, 0, 0) when nothing. O(1)."""
        queue = self._sides[side].get(self._key(side, price_ticks))
        return Level(price_ticks, queue.lots, len(queue.orders)) if queue else Level(price_ticks, 0, 0)

    def best(self, side: Side) -> Level:
        """Return the best level of a side; (0, 0, 0) when it is empty. O(log levels)."""
        return next(self.levels(side), Level(0, 0, 0))

    def levels(self, side: Side) -> Iterator[Level]:
        """Yield a side's levels, best first."""
        for key, queue in self._sides[side].items():
            yield Level(abs(key), queue.lots, len(queue.orders))

    def orders(self, side: Side) -> Iterator[ShownOrder]:
        """Yield a side's orders, best price first, first to trade first within a price."""
        for key, queue in self._sides[side].items():
            for order_id, lots in queue.orders.items():
                yield ShownOrder(order_id, abs(key), lots)
