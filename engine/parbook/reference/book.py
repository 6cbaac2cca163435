"""The limit order book: price, then displayed before hidden, then time. Knows nothing of curve, accounts or events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sortedcontainers import SortedDict

from parbook.codes import OrderType, Peg, Place, Side, StpMode, TimeInForce, Trigger
from parbook.errors import InvariantError

RESTING = frozenset({Place.BOOK, Place.ICEBERG, Place.HIDDEN})
"""Places inside the book."""


class Order:
    """One order. `qty_lots` is its total; leaves = total - filled. Fields as in parbook.state.ORDER."""

    __slots__ = (
        "account",
        "client_id",
        "display_lots",
        "expire_ns",
        "filled_lots",
        "hidden",
        "limit_ticks",
        "oco_order_id",
        "offset_ticks",
        "order_id",
        "order_type",
        "peg",
        "place",
        "price_ticks",
        "qty_lots",
        "quote_slot",
        "reduce_only",
        "session",
        "shown_lots",
        "side",
        "stop_ticks",
        "stp",
        "tif",
        "trail_ppm",
        "trigger",
    )

    def __init__(self, order_id: int, account: int, side: Side, price_ticks: int, qty_lots: int, **terms: Any) -> None:
        self.order_id = order_id
        self.account = account
        self.side = side
        self.price_ticks = price_ticks
        self.qty_lots = qty_lots
        self.client_id: int = terms.pop("client_id", 0)
        self.session: int = terms.pop("session", 0)
        self.order_type: OrderType = terms.pop("order_type", OrderType.LIMIT)
        self.tif: TimeInForce = terms.pop("tif", TimeInForce.GTC)
        self.display_lots: int = terms.pop("display_lots", 0)
        self.stop_ticks: int = terms.pop("stop_ticks", 0)
        self.offset_ticks: int = terms.pop("offset_ticks", 0)
        self.limit_ticks: int = terms.pop("limit_ticks", 0)
        self.trail_ppm: int = terms.pop("trail_ppm", 0)
        self.expire_ns: int = terms.pop("expire_ns", 0)
        self.oco_order_id: int = terms.pop("oco_order_id", 0)
        self.hidden: bool = terms.pop("hidden", False)
        self.reduce_only: bool = terms.pop("reduce_only", False)
        self.stp: StpMode = terms.pop("stp", StpMode.DEFAULT)
        self.peg: Peg = terms.pop("peg", Peg.NONE)
        self.trigger: Trigger = terms.pop("trigger", Trigger.TRADE)
        self.quote_slot: int = terms.pop("quote_slot", 0)
        assert not terms, terms
        self.place = Place.HIDDEN if self.hidden else Place.ICEBERG if self.display_lots else Place.BOOK
        self.filled_lots = 0
        self.shown_lots = 0

    @property
    def may_stay(self) -> bool:
        """Whether it can outlive its entry: it takes a place among the open orders."""
        return self.tif not in (TimeInForce.IOC, TimeInForce.FOK) or bool(self.stop_ticks or self.trailing)

    @property
    def leaves_lots(self) -> int:
        """What can still trade."""
        return self.qty_lots - self.filled_lots

    @property
    def post_only(self) -> bool:
        """Whether it never takes."""
        return self.order_type in (OrderType.POST_ONLY, OrderType.POST_SLIDE)

    @property
    def front_lots(self) -> int:
        """What it offers at its turn in the queue: an iceberg's slice, all of another order."""
        return self.shown_lots if self.place is Place.ICEBERG else self.leaves_lots

    @property
    def trailing(self) -> bool:
        """Whether it is a trailing stop."""
        return self.peg is Peg.NONE and bool(self.offset_ticks or self.trail_ppm)


class Level:
    """The orders queued at one price, in time priority, and the sum of what they offer."""

    __slots__ = ("lots", "orders", "price_ticks")

    def __init__(self, price_ticks: int) -> None:
        self.price_ticks = price_ticks
        self.orders: dict[int, Order] = {}
        self.lots = 0


class Line:
    """Levels sorted best first; the best price is the highest if `highest_first`, else the lowest."""

    def __init__(self, highest_first: bool) -> None:
        self.sign = -1 if highest_first else 1
        self.levels: SortedDict[int, Level] = SortedDict()

    def enqueue(self, order: Order, price_ticks: int) -> None:
        """Put `order` at the back of a price's queue. O(log levels)."""
        level = self.levels.get(self.sign * price_ticks)
        if level is None:
            level = self.levels[self.sign * price_ticks] = Level(price_ticks)
        level.orders[order.order_id] = order
        level.lots += order.front_lots

    def unqueue(self, order: Order, price_ticks: int) -> None:
        """Take `order` out, wherever it stands in its queue. O(log levels)."""
        level = self.levels[self.sign * price_ticks]
        del level.orders[order.order_id]
        level.lots -= order.front_lots
        if not level.orders:
            del self.levels[self.sign * price_ticks]

    def level(self, price_ticks: int) -> Level | None:
        """Return the level at a price, if any. O(1)."""
        return self.levels.get(self.sign * price_ticks)

    def best(self, without: Order | None = None, pegs: bool = True) -> int:
        """Return the best price as if `without`, or without `pegs` every peg, did not rest; 0 when there is none."""
        for level in self.levels.values():
            for order in level.orders.values():
                if order is not without and (pegs or order.peg is Peg.NONE):
                    return int(level.price_ticks)
        return 0

    def __iter__(self) -> Iterator[Order]:
        for level in self.levels.values():
            yield from level.orders.values()

    def check(self, where: str) -> None:
        """Raise InvariantError unless levels, keys, queues and sums agree. O(orders)."""
        for key, level in self.levels.items():
            at = f"{where} {level.price_ticks}"
            if key != self.sign * level.price_ticks:
                raise InvariantError(f"{at}: filed under key {key}")
            if not level.orders:
                raise InvariantError(f"{at}: empty level kept")
            if level.lots != sum(order.front_lots for order in level.orders.values()):
                raise InvariantError(f"{at}: level says {level.lots} lots, its orders say otherwise")
            for order in level.orders.values():
                if order.leaves_lots <= 0 or order.filled_lots < 0:
                    raise InvariantError(f"{at}: order {order.order_id} rests with {order.leaves_lots} lots")
                if order.place is Place.ICEBERG and not 0 < order.shown_lots <= min(
                    order.display_lots, order.leaves_lots
                ):
                    raise InvariantError(f"{at}: iceberg {order.order_id} shows {order.shown_lots} lots")


class Book:
    """Both sides' displayed and hidden levels."""

    def __init__(self) -> None:
        self.displayed = (Line(highest_first=True), Line(highest_first=False))
        self.hidden = (Line(highest_first=True), Line(highest_first=False))

    def line(self, order: Order) -> Line:
        """Return where an order rests, or would."""
        return (self.hidden if order.place is Place.HIDDEN else self.displayed)[order.side]

    def add(self, order: Order) -> None:
        """Put `order` at the back of its price's queue; an iceberg with a fresh slice. O(log levels)."""
        if order.place is Place.ICEBERG:
            order.shown_lots = min(order.display_lots, order.leaves_lots)
        self.line(order).enqueue(order, order.price_ticks)

    def remove(self, order: Order) -> None:
        """Take `order` out, wherever it stands in its queue. O(log levels)."""
        self.line(order).unqueue(order, order.price_ticks)
        order.shown_lots = 0

    def reduce(self, order: Order, lots: int) -> None:
        """Take `lots` (fewer than its leaves) off the order's total; it keeps its place; its reserve goes first."""
        level = self.line(order).level(order.price_ticks)
        assert level is not None
        level.lots -= order.front_lots
        order.qty_lots -= lots
        order.shown_lots = min(order.shown_lots, order.leaves_lots)
        level.lots += order.front_lots

    def fill(self, order: Order, lots: int) -> bool:
        """Trade `lots` of what a resting order offers; True when a new slice of an iceberg went to the back.

        An order with nothing left leaves. O(log levels).
        """
        line = self.line(order)
        level = line.level(order.price_ticks)
        assert level is not None
        assert lots <= order.front_lots
        level.lots -= lots
        order.filled_lots += lots
        if order.place is Place.ICEBERG:
            order.shown_lots -= lots
        if not order.leaves_lots:
            self.remove(order)
        elif not order.front_lots:
            line.unqueue(order, order.price_ticks)
            self.add(order)
            return True
        return False

    def best_ticks(self, side: Side) -> int:
        """Return the best displayed price of a side, 0 when there is none. O(1)."""
        return self.displayed[side].best()

    def touch_ticks(self, side: Side, without: Order | None = None, pegs: bool = True) -> int:
        """Return the best price of a side, hidden orders included, 0 when there is none. See Line.best."""
        bests = [p for p in (line[side].best(without, pegs) for line in (self.displayed, self.hidden)) if p]
        return (max(bests) if side is Side.BUY else min(bests)) if bests else 0

    def prices(self, side: Side) -> Iterator[tuple[int, Level | None, Level | None]]:
        """Yield (price_ticks, displayed level, hidden level) of a side, best first."""
        displayed, hidden = self.displayed[side].levels, self.hidden[side].levels
        for key in sorted(displayed.keys() | hidden.keys()) if hidden else displayed.keys():
            yield abs(key), displayed.get(key), hidden.get(key)

    def resting(self, side: Side) -> Iterator[Order]:
        """Yield a side's orders: displayed ones best first, then hidden ones best first."""
        yield from self.displayed[side]
        yield from self.hidden[side]

    def walk(self, side: Side) -> Iterator[tuple[Order, int]]:
        """Yield (order, lots) in the order in which a sweep of everything would trade them."""
        for _, displayed, hidden in self.prices(side):
            for turn in rounds(displayed):
                yield from turn
            if hidden:
                for order in hidden.orders.values():
                    yield order, order.leaves_lots

    def check(self) -> None:
        """Raise InvariantError unless every line is sound. O(orders)."""
        for side in Side:
            self.displayed[side].check(f"book {side.name}")
            self.hidden[side].check(f"hidden {side.name}")
            for order in self.resting(side):
                if order.side is not side or order.place not in RESTING:
                    raise InvariantError(f"book {side.name}: order {order.order_id} belongs elsewhere")


def rounds(level: Level | None) -> Iterator[list[tuple[Order, int]]]:
    """Yield a displayed level's orders round by round, with the lots each offers then, as a sweep would meet them.

    An iceberg whose slice is used up shows the next one at the back of the queue, that is, in the next round.
    """
    if level is None:
        return
    turn = [(order, order.front_lots, order.leaves_lots - order.front_lots) for order in level.orders.values()]
    while turn:
        yield [(order, lots) for order, lots, _ in turn]
        turn = [
            (order, min(order.display_lots, reserve), reserve - min(order.display_lots, reserve))
            for order, _, reserve in turn
            if reserve
        ]
