"""LOBSTER message files, and the order book files beside them, as a LogSource with the truth at hand."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from parbook.codes import Side
from parbook.errors import LogFormatError
from parbook.instrument import Instrument
from parbook.logs.records import LOG, LogKind
from parbook.logs.stream import ByteStream
from parbook.records import Records

BATCH_ROWS: Final = 8192
"""Rows in one yielded array."""
NO_LEVEL: Final = 9_999_999_999
"""Price of an empty ask level; an empty bid level has its negative. The size there is 0."""

_COLUMNS: Final = ("time", "type", "order id", "size", "price", "direction")
_BOOK_COLUMNS: Final = 4
_DAY_NS: Final = 86_400_000_000_000
_NS_DIGITS: Final = 9
_INT64_MAX: Final = 2**63 - 1
_HALT_PRICES: Final = {-1: LogKind.HALT, 0: LogKind.OTHER, 1: LogKind.RESUME}
_BOOK_KINDS: Final = {1: LogKind.ADD, 2: LogKind.REDUCE, 3: LogKind.DELETE, 4: LogKind.EXECUTE}
_KINDS: Final = _BOOK_KINDS | {5: LogKind.HIDDEN_TRADE, 6: LogKind.CROSS}
_HALT_TYPE: Final = 7
_SIDES: Final = {1: Side.BUY, -1: Side.SELL}
_REMEDY: Final = "Compare the row with the LOBSTER format: " + ",".join(_COLUMNS) + "."
_BOOK_REMEDY: Final = "Each row is ask price,ask size,bid price,bid size for every level, all integers."
_PAIR_REMEDY: Final = "Give the message and order book files of the same stock, day, time range and level count."


class LobsterLog:
    """One LOBSTER message file, plain, gzip or xz, with or without a header row.

    LOG fields: `side` is the resting order's (LOBSTER's direction), `raw_type` the digit of the type as ASCII,
    `place` the row from 0 without the header. Trades (4, 5, 6) have `printable` 1. A DELETE carries the lots it
    removes. Type 7 is HALT at price -1, RESUME at 1 and OTHER at 0 (quoting resumes, trading does not).
    Prices are 1/10,000 dollar. LogFormatError names file and line.
    """

    def __init__(self, message_path: str | Path, orderbook_path: str | Path | None = None) -> None:
        """Open both files and check their first rows."""
        self.path = Path(message_path)
        self.orderbook_path = None if orderbook_path is None else Path(orderbook_path)
        self.symbols: list[str] = [_symbol_of(self.path)]
        self.notes: list[str] = []
        with ByteStream(self.path) as stream:
            self._progress = (0, stream.size)
            for line, row, text in _rows(stream, len(_COLUMNS)):
                _message(self.path, line, row, text)
                break
            else:
                raise LogFormatError(str(self.path), "it has no row of data", _REMEDY)
        self.levels = 0 if self.orderbook_path is None else self._count_levels(self.orderbook_path)

    @property
    def progress(self) -> tuple[int, int]:
        """Bytes of the message file (compressed as it is) read so far, and in all."""
        return self._progress

    def instrument(self, symbol: str) -> Instrument:
        """Return the instrument: tick 0.0001, lot 1. LogFormatError for another symbol than the file name's."""
        if symbol not in self.symbols:
            raise LogFormatError(str(self.path), f"it holds {self.symbols[0]}, not {symbol!r}", "Name another file.")
        return Instrument(symbol=symbol, tick=Decimal("0.0001"), lot=Decimal(1))

    def __iter__(self) -> Iterator[Records]:
        """Yield LOG arrays of at most BATCH_ROWS rows in file order. Holds one block. O(rows)."""
        batch: list[tuple[int, ...]] = []
        last_ns = 0
        with ByteStream(self.path) as stream:
            for line, row, text in _rows(stream, len(_COLUMNS)):
                record = _message(self.path, line, row, text)
                if record[5] < last_ns:
                    reason = f"time {record[5]} ns lies before the previous row's {last_ns} ns"
                    raise LogFormatError(
                        f"{self.path}, line {line}", reason, "Rows stand in order of time: fetch the file again."
                    )
                last_ns = record[5]
                batch.append(record)
                if len(batch) == BATCH_ROWS:
                    self._progress = (stream.position, stream.size)
                    yield np.array(batch, LOG)
                    batch = []
            self._progress = (stream.size, stream.size)
        if batch:
            yield np.array(batch, LOG)

    @property
    def truth(self) -> Iterator[npt.NDArray[np.int64]]:
        """Yield the book after each message: an int64 array of 4 x `levels` numbers per row, in file order.

        Columns are ask price, ask size, bid price, bid size of level 1, then of level 2 and so on; an empty
        level has price +NO_LEVEL (ask) or -NO_LEVEL (bid). LogFormatError when there is no order book file, or
        when it has another number of rows than the message file: known once the shorter one ends.
        """
        if self.orderbook_path is None:
            raise LogFormatError(str(self.path), "no order book file was given", "Pass orderbook_path (truth=).")
        with ByteStream(self.orderbook_path) as books, ByteStream(self.path) as messages:
            rows = _rows(messages, len(_COLUMNS))
            last = 0
            for line, row, text in _rows(books, _BOOK_COLUMNS):
                if next(rows, None) is None:
                    reason = f"row {row + 1} has no message: {self.path} has only {row} rows"
                    raise LogFormatError(f"{self.orderbook_path}, line {line}", reason, _PAIR_REMEDY)
                last = row + 1
                yield self._book(line, text)
            extra = next(rows, None)
            if extra is not None:
                reason = f"row {extra[1] + 1} has no book: {self.orderbook_path} has only {last} rows"
                raise LogFormatError(f"{self.path}, line {extra[0]}", reason, _PAIR_REMEDY)

    def _count_levels(self, path: Path) -> int:
        with ByteStream(path) as stream:
            for line, _, text in _rows(stream, _BOOK_COLUMNS):
                columns = text.count(b",") + 1
                if columns % _BOOK_COLUMNS:
                    reason = f"{columns} columns; expected a multiple of {_BOOK_COLUMNS}"
                    raise LogFormatError(f"{path}, line {line}", reason, _BOOK_REMEDY)
                return columns // _BOOK_COLUMNS
        raise LogFormatError(str(path), "it has no row of data", _BOOK_REMEDY)

    def _book(self, line: int, text: bytes) -> npt.NDArray[np.int64]:
        where = f"{self.orderbook_path}, line {line}"
        cells = text.split(b",")
        if len(cells) != self.levels * _BOOK_COLUMNS:
            reason = f"{len(cells)} columns; expected {self.levels * _BOOK_COLUMNS} as in the first row"
            raise LogFormatError(where, reason, _BOOK_REMEDY)
        numbers = [_integer(cell) for cell in cells]
        for column, number in enumerate(numbers):
            if number is None:
                reason = f"column {column + 1} is {_shown(cells[column])}; expected an integer"
                raise LogFormatError(where, reason, _BOOK_REMEDY)
            if column % 2 and number < 0:
                reason = f"column {column + 1} is {number}; expected a size of 0 or more"
                raise LogFormatError(where, reason, _BOOK_REMEDY)
        return np.array(numbers, np.int64)


def is_message_row(text: bytes) -> bool:
    """Return True when `text` looks like a LOBSTER message row or the header of a message file."""
    cells = text.split(b",")
    return len(cells) == len(_COLUMNS) and (_is_header(cells) or _nanoseconds(cells[0]) is not None)


def _rows(stream: ByteStream, columns: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield (line from 1, row from 0, text) of every data row.

    Empty last lines are skipped, and a header, which has a multiple of `columns`.
    """
    row = 0
    empty = 0
    for line, text in enumerate(stream.lines(), 1):
        if not text.strip():
            empty = empty or line
            continue
        if empty:
            raise LogFormatError(f"{stream.path}, line {empty}", "the line is empty; expected a row", _REMEDY)
        if line == 1 and (text.count(b",") + 1) % columns == 0 and _is_header(text.split(b",")):
            continue
        yield line, row, text
        row += 1


def _is_header(cells: list[bytes]) -> bool:
    """Every cell of a header starts with a letter; a damaged row keeps some number."""
    return all(cell.strip(b' "')[:1].isalpha() for cell in cells)


def _message(path: Path, line: int, row: int, text: bytes) -> tuple[int, ...]:
    """Return the LOG record of one row as a tuple."""
    where = f"{path}, line {line}"
    cells = text.split(b",")
    if len(cells) != len(_COLUMNS):
        raise LogFormatError(where, f"{len(cells)} columns; expected {len(_COLUMNS)}", _REMEDY)
    ts_ns = _nanoseconds(cells[0])
    if ts_ns is None:
        reason = f"time is {_shown(cells[0])}; expected seconds with at most {_NS_DIGITS} decimals, below 86400"
        raise LogFormatError(where, reason, _REMEDY)
    numbers = [_integer(cell) for cell in cells[1:]]
    for name, cell, number in zip(_COLUMNS[1:], cells[1:], numbers, strict=True):
        if number is None:
            raise LogFormatError(where, f"{name} is {_shown(cell)}; expected an integer", _REMEDY)
    kind_number, order_id, qty, price, direction = (number or 0 for number in numbers)
    raw_type = ord("0") + kind_number
    if kind_number == _HALT_TYPE:
        if price not in _HALT_PRICES:
            reason = f"price is {price} in a halt row; expected -1 (halt), 0 (quoting resumes) or 1 (trading resumes)"
            raise LogFormatError(where, reason, _REMEDY)
        return (_HALT_PRICES[price], 0, 0, raw_type, 0, ts_ns, 0, 0, 0, 0, 0, row)
    kind = _KINDS.get(kind_number)
    side = _SIDES.get(direction)
    if kind is None:
        raise LogFormatError(where, f"type is {kind_number}; expected 1 to 7", _REMEDY)
    if side is None:
        raise LogFormatError(where, f"direction is {direction}; expected 1 (buy) or -1 (sell)", _REMEDY)
    visible = kind_number in _BOOK_KINDS
    lowest_qty = 0 if kind is LogKind.CROSS else 1
    if qty < lowest_qty:
        raise LogFormatError(where, f"size is {qty}; expected {lowest_qty} or more", _REMEDY)
    if price < lowest_qty:
        raise LogFormatError(where, f"price is {price}; expected {lowest_qty} or more", _REMEDY)
    if order_id < 0 and (visible or order_id != -1):
        raise LogFormatError(where, f"order id is {order_id}; expected 0 or more", _REMEDY)
    printable = 1 if kind_number >= 4 else 0
    return (kind, side, printable, raw_type, 0, ts_ns, max(order_id, 0), 0, price, qty, 0, row)


def _nanoseconds(cell: bytes) -> int | None:
    """Return the decimal seconds of `cell` as nanoseconds since midnight, exactly; None when it is no such time."""
    whole, _, fraction = cell.strip().partition(b".")
    fraction = fraction[:_NS_DIGITS] + fraction[_NS_DIGITS:].rstrip(b"0")
    if len(fraction) > _NS_DIGITS or not whole.isdigit() or len(whole) > 5 or not (fraction.isdigit() or not fraction):
        return None
    ts_ns = int(whole) * 10**_NS_DIGITS + int(fraction.ljust(_NS_DIGITS, b"0"))
    return ts_ns if ts_ns < _DAY_NS else None


def _integer(cell: bytes) -> int | None:
    """Return the integer of `cell`, or None when it is not one or does not fit 64 bits."""
    text = cell.strip()
    # int() would also take underscores and a plus sign.
    if not text.removeprefix(b"-").isdigit() or len(text) > 20:
        return None
    number = int(text)
    return number if -_INT64_MAX <= number <= _INT64_MAX else None


def _shown(cell: bytes) -> str:
    text = cell.decode("utf-8", "replace")
    return repr(text if len(text) <= 40 else text[:40] + "...")


def _symbol_of(path: Path) -> str:
    """Return the part of the file name before the first underscore or dot, as LOBSTER names its files."""
    symbol = path.name.split("_")[0].split(".")[0]
    return symbol if 1 <= len(symbol) <= 32 and symbol.isprintable() else "LOBSTER"
