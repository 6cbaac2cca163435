"""A book rebuilt from a venue's messages, by order id; it never matches, it only believes and checks."""

from __future__ import annotations

from collections import OrderedDict
from itertools import islice
from typing import NamedTuple

from sortedcontainers import SortedDict

from parbook.codes import Side
from parbook.errors import InvariantError


class Level:
    """The orders at one price, first to trade first, and `unseen` lots whose orders the log never showed."""

    __slots__ = ("lots", "orders", "unseen")

    def __init__(self) -> None:
        self.orders: OrderedDict[int, int] = OrderedDict()
        self.lots = 0
        self.unseen = 0


class Taken(NamedTuple):
    """What `take` took off: `lots`, of the `held` that rested; `front` says the order stood first at the best price."""

    side: int
    price_ticks: int
    lots: int
    held: int
    front: bool


class RebuiltBook:
    """Price-time queues by order id. Every operation costs O(log levels)."""

    def __init__(self) -> None:
        # Keys are negated for bids, so that the first key is always the best.
        self._sides: tuple[SortedDict[int, Level], SortedDict[int, Level]] = (SortedDict(), SortedDict())
        self._where: dict[int, tuple[int, int]] = {}

    def __contains__(self, order_id: int) -> bool:
        return order_id in self._where

    def __len__(self) -> int:
        return len(self._where)

    def place_of(self, order_id: int) -> tuple[int, int]:
        """Return (side, price_ticks) of a resting order; KeyError when it does not rest."""
        return self._where[order_id]

    def best_ticks(self, side: int) -> int:
        """Return the best price of a side, 0 when it is empty."""
        levels = self._sides[side]
        return abs(levels.peekitem(0)[0]) if levels else 0

    def crossed(self) -> bool:
        """Return True when the best bid stands at or above the best ask."""
        bids, asks = self._sides
        return bool(bids and asks) and -bids.peekitem(0)[0] >= asks.peekitem(0)[0]

    def add(self, order_id: int, side: int, price_ticks: int, lots: int) -> None:
        """Let an order rest at the back of its queue. The id must not rest already."""
        level = self._level(side, price_ticks)
        level.orders[order_id] = lots
        level.lots += lots
        self._where[order_id] = (side, price_ticks)

    def take(self, order_id: int, lots: int | None) -> Taken:
        """Take `lots` (None: all) off a resting order, at most what it holds; it keeps its place."""
        side, price = self._where[order_id]
        key = _key(side, price)
        levels = self._sides[side]
        level = levels[key]
        held = level.orders[order_id]
        front = next(iter(level.orders)) == order_id and levels.peekitem(0)[0] == key
        taken = held if lots is None else min(lots, held)
        level.lots -= taken
        if taken == held:
            del level.orders[order_id]
            del self._where[order_id]
            self._prune(side, key)
        else:
            level.orders[order_id] = held - taken
        return Taken(side, price, taken, held, front)

    def seed(self, side: int, price_ticks: int, lots: int) -> None:
        """Add lots whose orders are not known, as a snapshot shows them."""
        level = self._level(side, price_ticks)
        level.unseen += lots
        level.lots += lots

    def take_unseen(self, side: int, price_ticks: int, lots: int) -> int:
        """Take up to `lots` of the unseen lots at a price; return how many were there."""
        key = _key(side, price_ticks)
        level = self._sides[side].get(key)
        if level is None:
            return 0
        taken = min(lots, level.unseen)
        level.unseen -= taken
        level.lots -= taken
        self._prune(side, key)
        return taken

    def levels(self, side: int, count: int) -> list[tuple[int, int]]:
        """Return (price_ticks, lots) of the best `count` levels, best first. O(count)."""
        return [(abs(key), level.lots) for key, level in islice(self._sides[side].items(), count)]

    def level_count(self, side: int) -> int:
        """Return the number of prices at which something rests."""
        return len(self._sides[side])

    def keep_best(self, side: int, count: int) -> None:
        """Forget every level behind the best `count`, with its orders. O(what is forgotten)."""
        levels = self._sides[side]
        while len(levels) > count:
            _, level = levels.popitem(-1)
            for order_id in level.orders:
                del self._where[order_id]

    def check(self) -> None:
        """Raise InvariantError unless totals, index and queues agree. O(orders)."""
        found = 0
        for side, levels in enumerate(self._sides):
            for key, level in levels.items():
                if level.lots <= 0 or level.lots != sum(level.orders.values()) + level.unseen:
                    raise InvariantError(f"rebuilt book: {level.lots} lots at {abs(key)} do not add up")
                for order_id in level.orders:
                    if self._where.get(order_id) != (side, abs(key)):
                        raise InvariantError(f"rebuilt book: order {order_id} is not indexed at {abs(key)}")
                found += len(level.orders)
        if found != len(self._where):
            raise InvariantError(f"rebuilt book: {len(self._where)} orders indexed, {found} queued")

    def _level(self, side: int, price_ticks: int) -> Level:
        levels = self._sides[side]
        key = _key(side, price_ticks)
        level = levels.get(key)
        if level is None:
            level = levels[key] = Level()
        return level

    def _prune(self, side: int, key: int) -> None:
        levels = self._sides[side]
        level = levels[key]
        if not level.orders and not level.unseen:
            del levels[key]


def _key(side: int, price_ticks: int) -> int:
    return price_ticks if side == Side.SELL else -price_ticks
