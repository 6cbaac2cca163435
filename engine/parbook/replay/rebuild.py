"""Mode book: rebuild every symbol's book from a venue's own messages and hold its prints to price-time priority.

What is verified of each message, with its place when it fails:
    front      an execution takes the order that stands first at the best price of its side
    reference  a message names an order that rests, and adds one whose id is not in use
    size       no message takes more lots than the order holds
    uncrossed  best bid < best ask after every message, unless the symbol is halted
Executions at another price than the order's own (auction and other prints) are counted apart: they need not
come from the front.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from parbook.codes import Side
from parbook.logs.records import LogKind, LogSource
from parbook.records import Records
from parbook.replay.book import RebuiltBook
from parbook.replay.result import Check, Findings
from parbook.replay.timeline import DEPTH_LEVELS, Sample, Timeline

Progress = Callable[[int, int], None]

_ADD = int(LogKind.ADD)
_REDUCE = int(LogKind.REDUCE)
_DELETE = int(LogKind.DELETE)
_EXECUTE = int(LogKind.EXECUTE)
_REPLACE = int(LogKind.REPLACE)
_COUNTED = {
    LogKind.HIDDEN_TRADE: "hidden_trades",
    LogKind.CROSS: "crosses",
    LogKind.HALT: "halts",
    LogKind.RESUME: "resumes",
    LogKind.OTHER: "other",
}


def limited(blocks: Iterator[Records], limit: int | None) -> Iterator[Records]:
    """Yield `blocks` up to `limit` records in all; None for no limit."""
    left = limit
    for block in blocks:
        if left is None:
            yield block
            continue
        if left <= 0:
            return
        yield block[:left]
        left -= len(block)


class Rebuilder:
    """Feeds LOG records to one book per symbol and collects findings. Holds the resting orders, nothing else."""

    def __init__(self) -> None:
        self.books: dict[int, RebuiltBook] = {}
        self.findings = Findings()
        self.timeline = Timeline()
        self.messages = 0
        self._halted: set[int] = set()
        self._totals = dict.fromkeys(("front", "reference", "size", "uncrossed"), 0)
        self._failed = dict.fromkeys(self._totals, 0)
        self._traded_lots = 0
        self._last_trade_ticks = 0
        self._crossed: set[int] = set()

    def feed(self, records: Records) -> None:
        """Apply one LOG array. O(records log levels)."""
        for kind, side, _, _, symbol, ts_ns, order_id, new_id, price, lots, _, place in records.tolist():
            self.messages += 1
            if kind > _REPLACE:
                self._quiet(kind, symbol)
            else:
                book = self.books.get(symbol)
                if book is None:
                    book = self.books[symbol] = RebuiltBook()
                self._change(book, kind, side, order_id, new_id, price, lots, place)
                if symbol not in self._halted:
                    self._uncrossed(book, symbol, place)
            if self.messages >= self.timeline.due:
                self.timeline.offer(self.messages, lambda ts_ns=ts_ns: self._sample(ts_ns))  # type: ignore[misc]
        if len(records):
            self._last_ns = int(records[-1]["ts_ns"])

    def close(self) -> None:
        """Take the last sample and verify the books' own invariants."""
        if self.messages:
            self.timeline.close(self.messages, lambda: self._sample(self._last_ns))
        for book in self.books.values():
            book.check()

    def checks(self) -> list[Check]:
        """Return the four verifications with their counts."""
        what = {
            "front": "executions took the first order of the best queue",
            "reference": "messages named an order as the book has it",
            "size": "messages took no more lots than their order held",
            "uncrossed": "messages left the best bid below the best ask",
        }
        return [
            Check(name=name, what=what[name], passed=total - self._failed[name], total=total, required=True)
            for name, total in self._totals.items()
        ]

    def _change(
        self, book: RebuiltBook, kind: int, side: int, order_id: int, new_id: int, price: int, lots: int, place: int
    ) -> None:
        count = self.findings.count
        if kind == _ADD:
            count("adds")
            self._add(book, order_id, side, price, lots, place)
            return
        self._totals["reference"] += 1
        if order_id not in book:
            count("unknown_references")
            self._fail("reference", place, f"{LogKind(kind).name} names an unknown order", order_id, "no such order")
            return
        if kind == _EXECUTE:
            self._execute(book, order_id, price, lots, place)
        elif kind == _REDUCE:
            count("reduces")
            self._sized(book, order_id, lots, place)
        elif kind == _DELETE:
            count("deletes")
            book.take(order_id, None)
        else:
            count("replaces")
            side, _ = book.place_of(order_id)
            book.take(order_id, None)
            self._add(book, new_id, side, price, lots, place)

    def _add(self, book: RebuiltBook, order_id: int, side: int, price: int, lots: int, place: int) -> None:
        self._totals["reference"] += 1
        if order_id in book:
            self.findings.count("duplicate_orders")
            self._fail("reference", place, "an order is added under an id that rests already", "a new id", order_id)
            book.take(order_id, None)
        book.add(order_id, side, price, lots)

    def _execute(self, book: RebuiltBook, order_id: int, price: int, lots: int, place: int) -> None:
        self.findings.count("executions")
        side, resting = book.place_of(order_id)
        best = book.best_ticks(side)
        front = self._sized(book, order_id, lots, place)
        self._traded_lots += lots
        self._last_trade_ticks = price or resting
        if price and price != resting:
            self.findings.count("executions_at_another_price")
            return
        self._totals["front"] += 1
        if not front:
            reason = f"execution of order {order_id}, which is not first at the best price"
            self._fail("front", place, reason, f"the front at {best}", f"order at {resting}", Side(side).name)

    def _sized(self, book: RebuiltBook, order_id: int, lots: int, place: int) -> bool:
        self._totals["size"] += 1
        taken = book.take(order_id, lots)
        if taken.held < lots:
            self._fail("size", place, f"order {order_id} holds too few lots", f"at most {taken.held}", lots)
        return taken.front

    def _quiet(self, kind: int, symbol: int) -> None:
        self.findings.count(_COUNTED[LogKind(kind)])
        if kind == LogKind.HALT:
            self._halted.add(symbol)
        elif kind == LogKind.RESUME:
            self._halted.discard(symbol)

    def _uncrossed(self, book: RebuiltBook, symbol: int, place: int) -> None:
        self._totals["uncrossed"] += 1
        if not book.crossed():
            self._crossed.discard(symbol)
            return
        self._failed["uncrossed"] += 1
        self.findings.count("locked_or_crossed")
        # One crossing lasts many messages: it is counted with each and described once.
        if symbol not in self._crossed:
            self._crossed.add(symbol)
            bid, ask = book.best_ticks(Side.BUY), book.best_ticks(Side.SELL)
            self.findings.mismatch(
                "uncrossed", f"byte {place}", "the book is locked or crossed", "bid < ask", f"bid {bid}, ask {ask}"
            )

    def _fail(self, check: str, place: int, reason: str, expected: object, got: object, side: str = "") -> None:
        self._failed[check] += 1
        self.findings.mismatch(check, f"byte {place}", reason, expected, got, side)

    def _sample(self, ts_ns: int) -> Sample:
        book = next(iter(self.books.values()), None) or RebuiltBook()
        return Sample(
            message=self.messages,
            ts_ns=ts_ns,
            bids=tuple(book.levels(Side.BUY, DEPTH_LEVELS)),
            asks=tuple(book.levels(Side.SELL, DEPTH_LEVELS)),
            last_trade_ticks=self._last_trade_ticks,
            book_lots=self._traded_lots,
        )


def rebuild(source: LogSource, *, limit: int | None = None, progress: Progress | None = None) -> Rebuilder:
    """Rebuild and verify every book of `source`, up to `limit` messages. O(messages log levels)."""
    rebuilder = Rebuilder()
    for records in limited(iter(source), limit):
        rebuilder.feed(records)
        if progress is not None:
            progress(*source.progress)
    rebuilder.close()
    return rebuilder
