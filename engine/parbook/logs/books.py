"""Every stock's book, built from LOG records: in plain Python, the specification of `parbook._itchbook`.

It believes the venue: nothing is matched, and a crossed book stays crossed. `parbook.replay` is what holds a venue to
price-time priority; this is what one reads a day with.

    ADD      the order rests at the back of the queue at its price. If its reference is in use, that order goes first
    EXECUTE  takes lots off the order, which keeps its place; at no lots left it goes. REDUCE does the same
    DELETE   takes the order away
    REPLACE  takes the order away and adds the new one on its side, at the back
    else     touches no book

An order reference is unique among all symbols. What cannot be followed changes nothing and is counted, see COUNTS.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from parbook._itch import Fault, ItchDecoder
from parbook.codes import Side
from parbook.errors import InvariantError
from parbook.logs.records import LogKind
from parbook.records import Records
from parbook.units import checked_int

COUNTS: Final = (
    "adds",
    "reduces",
    "deletes",
    "executions",
    "replaces",
    "quiet",
    "unknown_references",
    "duplicate_references",
    "oversized",
    "malformed",
)
"""What is counted, in this order. The first six add up to the messages, each by its kind, followed or not.

unknown_references    a message that names no resting order, or one of another symbol
duplicate_references  an add or replace whose new reference was in use by another order, which was taken away
oversized             an execution or reduction by more than the order held: it took what there was
malformed             price, lots, side or symbol out of range
"""

SYMBOLS_MAX: Final = 65_536
PRICE_MAX: Final = 2**62
LOTS_MAX: Final = 2**32 - 1

_ADD: Final = int(LogKind.ADD)
_REDUCE: Final = int(LogKind.REDUCE)
_DELETE: Final = int(LogKind.DELETE)
_EXECUTE: Final = int(LogKind.EXECUTE)
_REPLACE: Final = int(LogKind.REPLACE)
_BY_KIND: Final = {_ADD: "adds", _REDUCE: "reduces", _DELETE: "deletes", _EXECUTE: "executions", _REPLACE: "replaces"}


class BuiltLevel(NamedTuple):
    """One price of a side."""

    price_ticks: int
    lots: int
    orders: int


class BuiltOrder(NamedTuple):
    """A resting order."""

    symbol: int
    side: int
    price_ticks: int
    lots: int


def checked_line(symbol: int, side: int) -> int:
    """Return 2 symbol + side; MisuseError for an int out of range or another type."""
    return 2 * checked_int(symbol, "symbol", 0, SYMBOLS_MAX - 1) + checked_int(side, "side", 0, int(Side.SELL))


def _malformed(kind: int, side: int, symbol: int, price: int, lots: int) -> bool:
    """Return True when something that a message of this kind carries is out of range."""
    if kind in (_ADD, _REPLACE) and not 1 <= price <= PRICE_MAX:
        return True
    if kind != _DELETE and not 1 <= lots <= LOTS_MAX:
        return True
    return symbol >= SYMBOLS_MAX or (kind == _ADD and side > Side.SELL)


class BookBuilder:
    """The books of all symbols of a log. Holds the resting orders, nothing else."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(COUNTS, 0)
        self._orders: dict[int, BuiltOrder] = {}
        # (symbol, side) -> price -> order reference -> lots; a dict keeps the order in which keys came.
        self._books: dict[tuple[int, int], dict[int, dict[int, int]]] = {}

    @property
    def counts(self) -> dict[str, int]:
        """What was fed and what could not be followed: COUNTS -> number."""
        return dict(self._counts)

    def __len__(self) -> int:
        """Return the number of resting orders."""
        return len(self._orders)

    def feed(self, records: Records) -> None:
        """Apply LOG records in order. O(1) each."""
        for kind, side, _, _, symbol, _, order_id, new_id, price, lots, _, _ in records.tolist():
            self._counts[_BY_KIND.get(kind, "quiet")] += 1
            if kind not in _BY_KIND:
                continue
            if _malformed(kind, side, symbol, price, lots):
                self._counts["malformed"] += 1
            elif kind == _ADD:
                self._add(order_id, BuiltOrder(symbol, side, price, lots))
            else:
                self._change(kind, symbol, order_id, new_id, price, lots)

    def feed_itch(self, decoder: ItchDecoder, block: bytes | bytearray | memoryview) -> tuple[int, Fault | int]:
        """Decode the whole messages at the start of `block` and apply them: (bytes consumed, fault) as of `decode`."""
        records, consumed, fault = decoder.decode(block)
        self.feed(records)
        return consumed, fault

    def order(self, order_id: int) -> BuiltOrder | None:
        """Return a resting order, None when no order of this reference rests. O(1)."""
        return self._orders.get(checked_int(order_id, "order_id", 0, 2**64 - 1))

    def best(self, symbol: int, side: int) -> BuiltLevel | None:
        """Return the best level of a side, None when it is empty."""
        return next(iter(self.levels(symbol, side, 1)), None)

    def levels(self, symbol: int, side: int, count: int) -> list[BuiltLevel]:
        """Return the best `count` levels of a side, best first."""
        checked_line(symbol, side)
        book = self._books.get((symbol, side), {})
        prices = sorted(book, reverse=side == Side.BUY)[: checked_int(count, "count", 0, 2**31 - 1)]
        return [BuiltLevel(price, sum(book[price].values()), len(book[price])) for price in prices]

    def queue(self, symbol: int, side: int, price_ticks: int) -> list[int]:
        """Return the references of the orders at a price, first to trade first."""
        checked_line(symbol, side)
        return list(self._books.get((symbol, side), {}).get(checked_int(price_ticks, "price_ticks", 1, PRICE_MAX), {}))

    def check(self) -> None:
        """Raise InvariantError unless queues and references agree. O(orders)."""
        queued: dict[int, BuiltOrder] = {}
        for (symbol, side), book in self._books.items():
            for price, queue in book.items():
                if not queue:
                    raise InvariantError(f"built book: symbol {symbol} keeps an empty level at {price}")
                queued |= {order_id: BuiltOrder(symbol, side, price, lots) for order_id, lots in queue.items()}
        if queued != self._orders:
            raise InvariantError(f"built book: {len(self._orders)} orders are known, {len(queued)} are queued alike")

    def _change(self, kind: int, symbol: int, order_id: int, new_id: int, price: int, lots: int) -> None:
        order = self._orders.get(order_id)
        if order is None or order.symbol != symbol:
            self._counts["unknown_references"] += 1
        elif kind in (_DELETE, _REPLACE):
            self._remove(order_id, order)
            if kind == _REPLACE:
                self._add(new_id, BuiltOrder(symbol, order.side, price, lots))
        else:
            self._take(order_id, order, lots)

    def _add(self, order_id: int, order: BuiltOrder) -> None:
        before = self._orders.get(order_id)
        if before is not None:
            self._counts["duplicate_references"] += 1
            self._remove(order_id, before)
        self._orders[order_id] = order
        book = self._books.setdefault((order.symbol, order.side), {})
        book.setdefault(order.price_ticks, {})[order_id] = order.lots

    def _take(self, order_id: int, order: BuiltOrder, lots: int) -> None:
        self._counts["oversized"] += lots > order.lots
        if lots >= order.lots:
            self._remove(order_id, order)
            return
        left = order._replace(lots=order.lots - lots)
        self._orders[order_id] = left
        self._books[order.symbol, order.side][order.price_ticks][order_id] = left.lots

    def _remove(self, order_id: int, order: BuiltOrder) -> None:
        del self._orders[order_id]
        book = self._books[order.symbol, order.side]
        del book[order.price_ticks][order_id]
        if not book[order.price_ticks]:
            del book[order.price_ticks]
