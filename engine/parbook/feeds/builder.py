"""The subscriber: builds the displayed book from a snapshot and public messages, and from nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from parbook.codes import SessionState, Side, Source
from parbook.errors import CorruptionError, GapError, MisuseError
from parbook.feeds.displayed import DisplayedBook, Level
from parbook.feeds.publisher import Snapshot
from parbook.feeds.wire import MESSAGE, MessageKind
from parbook.records import DEPTH, Records


class MessageRow(NamedTuple):
    """One MESSAGE record as plain integers, field for field."""

    kind: int
    side: int
    code: int
    flags: int
    instrument: int
    reserved: int
    seq: int
    order_id: int
    trade_id: int
    price_ticks: int
    qty_lots: int
    leaves_lots: int
    orders: int


class Clearing(NamedTuple):
    """What an auction does: price (0: nothing), paired lots, surplus (positive: of buys)."""

    price_ticks: int = 0
    paired_lots: int = 0
    surplus_lots: int = 0


class LastTrade(NamedTuple):
    """The last trade; all 0 before the first."""

    price_ticks: int = 0
    qty_lots: int = 0
    trade_id: int = 0


class BookBuilder:
    """Builds one instrument's book from the messages of one publisher.

    It begins before message 1, or wherever `load` puts it. `book` holds L3, `levels` L2, `touch` L1 and so on: each is
    filled only by its own feed. Between messages of one command (see Flag.END) the book may be locked or crossed.
    """

    def __init__(self, instrument: int = 0) -> None:
        self.instrument = instrument
        self.last_seq = 0
        self._clear()

    def _clear(self) -> None:
        self.book = DisplayedBook()
        self._levels: dict[tuple[Source, Side], dict[int, Level]] = {
            (source, side): {} for source in (Source.BOOK, Source.CURVE) for side in Side
        }
        self._touches: dict[tuple[Source, Side], Level] = {}
        self.last_trade = LastTrade()
        self.state = SessionState.CONTINUOUS
        self.indicative = Clearing()
        self.last_uncross = Clearing()

    def load(self, snapshot: Snapshot) -> None:
        """Forget everything and stand where the snapshot stands. MisuseError when it is another instrument's."""
        if snapshot.instrument != self.instrument:
            raise MisuseError(f"snapshot of instrument {snapshot.instrument} given to a book of {self.instrument}.")
        self._clear()
        for values in snapshot.messages.tolist():
            self._take(MessageRow._make(values))
        self.last_seq = snapshot.last_seq

    def apply(self, messages: Records) -> int:
        """Apply MESSAGE records and return how many were new; those at or before `last_seq` are ignored.

        GapError names the messages that are missing; what comes before them has been applied, nothing behind them.
        MisuseError for another dtype or instrument. CorruptionError when a message contradicts the book.
        O(messages x log levels).
        """
        if not isinstance(messages, np.ndarray) or messages.dtype != MESSAGE:
            raise MisuseError("apply takes an array of parbook.feeds.MESSAGE.")
        return sum(self.apply_row(MessageRow._make(values)) for values in messages.tolist())

    def apply_row(self, row: MessageRow) -> bool:
        """Apply one message; False when it was ignored. Errors as `apply`."""
        if row.instrument != self.instrument:
            raise MisuseError(f"message of instrument {row.instrument} given to a book of {self.instrument}.")
        if row.seq <= self.last_seq:
            return False
        if row.seq != self.last_seq + 1:
            raise GapError(
                f"messages of instrument {self.instrument}",
                self.last_seq + 1,
                row.seq - 1,
                f"Apply them first, or load a snapshot whose last_seq is {row.seq - 1} or later.",
            )
        self._take(row)
        self.last_seq = row.seq
        return True

    def _take(self, row: MessageRow) -> None:
        try:
            _HANDLERS[MessageKind(row.kind)](self, row)
        except (KeyError, ValueError):
            where = f"message {row.seq} of instrument {self.instrument}"
            raise CorruptionError(f"{where} is none: kind={row.kind}, side={row.side}, code={row.code}") from None

    # --- views ----------------------------------------------------------------------------------

    def levels(self, side: Side, source: Source = Source.BOOK) -> list[Level]:
        """Return L2 of the book, or the curve's rungs, of a side, best first. O(levels x log levels)."""
        levels = self._levels[source, side].values()
        return sorted(levels, key=lambda level: level.price_ticks, reverse=side is Side.BUY)

    def touch(self, side: Side, source: Source = Source.BOOK) -> Level:
        """Return L1: the best level of a side of book or curve; (0, 0, 0) when there is none."""
        return self._touches.get((source, side), Level(0, 0, 0))

    def depth(self, levels: int = 10) -> Records:
        """Return DEPTH records exactly as the market's own `depth(levels)`, from L2."""
        rows: list[tuple[int, ...]] = []
        for side in Side:
            of_side = [
                (side, source, level.orders, level.price_ticks, level.qty_lots)
                for source in (Source.BOOK, Source.CURVE)
                for level in self.levels(side, source)[:levels]
            ]
            sign = -1 if side is Side.BUY else 1
            rows += sorted(of_side, key=lambda row: (sign * row[3], row[1]))
        return np.array(rows, DEPTH)

    def picture(self) -> tuple[Any, ...]:
        """Return all it holds but `last_seq`, as a value to compare with another builder's."""
        return (
            [list(self.book.orders(side)) for side in Side],
            [self.levels(side, source) for source in (Source.BOOK, Source.CURVE) for side in Side],
            [self.touch(side, source) for source in (Source.BOOK, Source.CURVE) for side in Side],
            self.last_trade,
            self.state,
            self.indicative,
            self.last_uncross,
        )

    # --- messages -------------------------------------------------------------------------------

    def _add(self, row: MessageRow) -> None:
        self.book.add(row.order_id, Side(row.side), row.price_ticks, row.qty_lots)

    def _execute_or_reduce(self, row: MessageRow) -> None:
        left_lots = self.book.take(row.order_id, row.qty_lots)
        if left_lots != row.leaves_lots:
            raise CorruptionError(f"message {row.seq}: order {row.order_id} shows {left_lots}, not {row.leaves_lots}")

    def _delete(self, row: MessageRow) -> None:
        lots = self.book.delete(row.order_id)
        if lots != row.qty_lots:
            raise CorruptionError(f"message {row.seq}: order {row.order_id} showed {lots}, not {row.qty_lots}")

    def _move(self, row: MessageRow) -> None:
        self.book.delete(row.order_id)
        self._add(row)

    def _level(self, row: MessageRow) -> None:
        levels = self._levels[Source(row.code), Side(row.side)]
        if row.qty_lots:
            levels[row.price_ticks] = Level(row.price_ticks, row.qty_lots, row.orders)
        else:
            levels.pop(row.price_ticks, None)

    def _touch(self, row: MessageRow) -> None:
        self._touches[Source(row.code), Side(row.side)] = Level(row.price_ticks, row.qty_lots, row.orders)

    def _last(self, row: MessageRow) -> None:
        self.last_trade = LastTrade(row.price_ticks, row.qty_lots, row.trade_id)

    def _state(self, row: MessageRow) -> None:
        self.state = SessionState(row.code)
        self.indicative = Clearing()

    def _indicative(self, row: MessageRow) -> None:
        self.indicative = Clearing(row.price_ticks, row.qty_lots, row.leaves_lots)

    def _uncross(self, row: MessageRow) -> None:
        self.last_uncross = Clearing(row.price_ticks, row.qty_lots, row.leaves_lots)

    def _print(self, row: MessageRow) -> None:
        """Prints and busts change no book: a client reads them from the messages themselves."""


_HANDLERS: Final[dict[int, Callable[[BookBuilder, MessageRow], None]]] = {
    MessageKind.ADD: BookBuilder._add,
    MessageKind.EXECUTE: BookBuilder._execute_or_reduce,
    MessageKind.REDUCE: BookBuilder._execute_or_reduce,
    MessageKind.DELETE: BookBuilder._delete,
    MessageKind.MOVE: BookBuilder._move,
    MessageKind.LEVEL: BookBuilder._level,
    MessageKind.TOUCH: BookBuilder._touch,
    MessageKind.LAST: BookBuilder._last,
    MessageKind.TRADE: BookBuilder._print,
    MessageKind.BUST: BookBuilder._print,
    MessageKind.STATE: BookBuilder._state,
    MessageKind.INDICATIVE: BookBuilder._indicative,
    MessageKind.UNCROSS: BookBuilder._uncross,
}
