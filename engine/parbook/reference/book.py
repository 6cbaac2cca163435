"""The limit order book: price, then time. Knows nothing of the curve, of accounts' rules or of events."""

from __future__ import annotations

from collections.abc import Iterator

from sortedcontainers import SortedDict

from parbook.codes import Side
from parbook.errors import InvariantError


class Order:
    """One order. `qty_lots` is its total; leaves = total - filled."""

    __slots__ = ("account", "client_id", "filled_lots", "order_id", "post_only", "price_ticks", "qty_lots", "side")

    def __init__(
        self, order_id: int, client_id: int, account: int, side: Side, price_ticks: int, qty_lots: int, post_only: bool
    ) -> None:
        self.order_id = order_id
        self.client_id = client_id
        self.account = account
        self.side = side
        self.price_ticks = price_ticks
        self.qty_lots = qty_lots
        self.post_only = post_only
        self.filled_lots = 0

    @property
    def leaves_lots(self) -> int:
        """What can still trade."""
        return self.qty_lots - self.filled_lots


class Level:
    """The orders resting at one price, in time priority, and the sum of their leaves."""

    __slots__ = ("lots", "orders", "price_ticks")

    def __init__(self, price_ticks: int) -> None:
        self.price_ticks = price_ticks
        self.orders: dict[int, Order] = {}
        self.lots = 0


class Book:
    """Both sides' levels in a SortedDict each, best first, and every resting order by id.

    Keys are -price for bids and price for asks, so that the smallest key is the best price on either side.
    """

    def __init__(self) -> None:
        self.levels: tuple[SortedDict[int, Level], SortedDict[int, Level]] = (SortedDict(), SortedDict())
        self.orders: dict[int, Order] = {}

    @staticmethod
    def _key(side: Side, price_ticks: int) -> int:
        return -price_ticks if side is Side.BUY else price_ticks

    def add(self, order: Order) -> None:
        """Put `order` at the back of its price's queue. O(log levels)."""
        levels = self.levels[order.side]
        key = self._key(order.side, order.price_ticks)
        level = levels.get(key)
        if level is None:
            level = levels[key] = Level(order.price_ticks)
        level.orders[order.order_id] = order
        level.lots += order.leaves_lots
        self.orders[order.order_id] = order

    def remove(self, order: Order) -> None:
        """Take `order` out, wherever it stands in its queue. O(log levels)."""
        levels = self.levels[order.side]
        key = self._key(order.side, order.price_ticks)
        level = levels[key]
        del level.orders[order.order_id]
        level.lots -= order.leaves_lots
        if not level.orders:
            del levels[key]
        del self.orders[order.order_id]

    def reduce(self, order: Order, lots: int) -> None:
        """Take `lots` (fewer than its leaves) off the order's total; it keeps its place. O(log levels)."""
        self.levels[order.side][self._key(order.side, order.price_ticks)].lots -= lots
        order.qty_lots -= lots

    def fill(self, order: Order, lots: int) -> None:
        """Trade `lots` of a resting order; it leaves when nothing is left. O(log levels)."""
        self.levels[order.side][self._key(order.side, order.price_ticks)].lots -= lots
        order.filled_lots += lots
        if not order.leaves_lots:
            self.remove(order)

    def best_ticks(self, side: Side, without: Order | None = None) -> int:
        """Return the best price of a side, as if `without` did not rest; 0 when there is none. O(log levels)."""
        for level in self.levels[side].values():
            if without is None or level.orders.keys() != {without.order_id}:
                return int(level.price_ticks)
        return 0

    def resting(self, side: Side) -> Iterator[Order]:
        """Yield a side's orders in the order in which they would trade."""
        for level in self.levels[side].values():
            yield from level.orders.values()

    def check(self) -> None:
        """Raise InvariantError unless every stated relation between levels, orders and index holds. O(orders)."""
        seen = 0
        for side in Side:
            for key, level in self.levels[side].items():
                where = f"book {side.name} {level.price_ticks}"
                if key != self._key(side, level.price_ticks):
                    raise InvariantError(f"{where}: filed under key {key}")
                if not level.orders:
                    raise InvariantError(f"{where}: empty level kept")
                if level.lots != sum(order.leaves_lots for order in level.orders.values()):
                    raise InvariantError(f"{where}: level says {level.lots} lots, its orders say otherwise")
                for order in level.orders.values():
                    seen += 1
                    if order.leaves_lots <= 0 or order.filled_lots < 0:
                        raise InvariantError(f"{where}: order {order.order_id} rests with {order.leaves_lots} lots")
                    if order.side is not side or order.price_ticks != level.price_ticks:
                        raise InvariantError(f"{where}: order {order.order_id} belongs elsewhere")
                    if self.orders.get(order.order_id) is not order:
                        raise InvariantError(f"{where}: order {order.order_id} is not in the index")
        if seen != len(self.orders):
            raise InvariantError(f"book: {len(self.orders)} orders in the index, {seen} in the queues")
        bid, ask = self.best_ticks(Side.BUY), self.best_ticks(Side.SELL)
        if bid and ask and bid >= ask:
            raise InvariantError(f"book: bid {bid} meets ask {ask}")
