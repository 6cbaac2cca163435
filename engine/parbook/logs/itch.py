"""Nasdaq TotalView-ITCH 5.0 files as a LogSource."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

from parbook._itch import Fault, ItchDecoder
from parbook.errors import LogFormatError
from parbook.instrument import Instrument
from parbook.logs.itch_encode import LENGTHS, MESSAGES, PREFIX_BYTES, FieldForm
from parbook.logs.stream import BLOCK_BYTES, ByteStream
from parbook.records import Records

_FETCH_AGAIN: Final = "The bytes there are damaged: fetch the file again and compare its checksum with the source."
_NAMES_SHOWN: Final = 8

# Fault -> (fields at issue, what was expected of them, remedy)
_WORDING: Final[dict[Fault, tuple[tuple[str, ...], str, str]]] = {
    Fault.TIME_REVERSED: ((), "a time stamp not before the previous message's", _FETCH_AGAIN),
    Fault.TIME_OF_DAY: ((), "a time stamp below 86,400 s after midnight", _FETCH_AGAIN),
    Fault.STOCK_NAME: (("stock",), "1 to 8 printable letters, padded with spaces on the right", _FETCH_AGAIN),
    Fault.STOCK_CHANGED: (("stock",), "the stock that an earlier message gave this locate code", _FETCH_AGAIN),
    Fault.STOCK_TWICE: (("stock",), "a stock that has no other locate code", _FETCH_AGAIN),
    Fault.LOCATE_UNKNOWN: (
        (),
        "a locate code that an earlier message has tied to a stock",
        "Start at the beginning of the day's file; an excerpt must keep its R messages.",
    ),
    Fault.SIDE: (("side",), "B or S", _FETCH_AGAIN),
    Fault.SHARES: (("shares",), "1 share or more, below 2**63", _FETCH_AGAIN),
    Fault.PRICE: (("price",), "a price above 0", _FETCH_AGAIN),
    Fault.ORDER_REFERENCE: (
        ("order_id", "new_order_id"),
        "a new order reference that differs from the old",
        _FETCH_AGAIN,
    ),
    Fault.PRINTABLE: (("printable",), "Y or N", _FETCH_AGAIN),
    Fault.TRADING_STATE: (("state", "action"), "a trading state (H, P, Q or T; in h: H or T)", _FETCH_AGAIN),
    Fault.SYSTEM_EVENT: (("event",), "one of O S Q M E C", _FETCH_AGAIN),
}


class ItchLog:
    """One ITCH 5.0 file, plain, gzip or xz, streamed in blocks.

    `symbols` grows while the file is read, in the order in which its messages name stocks; with `symbol`
    given, it is that one and every record has symbol 0. `notes` says what is unusual about the file.
    Opening looks for `symbol` as far into the file as it takes, so that a wrong one is refused at once.
    LogFormatError names file, byte offset (of the decompressed data), message number from 1, expectation
    and remedy; records before the fault are yielded first.
    """

    def __init__(self, path: str | Path, symbol: str | None = None, *, block_bytes: int = BLOCK_BYTES) -> None:
        """Open `path`; LogFormatError when its first message or `symbol` is not there."""
        self.path = Path(path)
        self.symbols: list[str] = []
        self.notes: list[str] = []
        self._symbol = symbol
        self._block_bytes = block_bytes
        with ByteStream(self.path) as stream:
            self._progress = (0, stream.size)
            self._scan(stream)

    @property
    def progress(self) -> tuple[int, int]:
        """Bytes of the file (compressed as it is) read so far, and in all."""
        return self._progress

    def instrument(self, symbol: str) -> Instrument:
        """Return the instrument of `symbol`: tick 0.0001, lot 1. LogFormatError for one not seen so far."""
        if symbol not in self.symbols:
            raise self._unknown_symbol(symbol, self.symbols)
        return Instrument(symbol=symbol, tick=Decimal("0.0001"), lot=Decimal(1))

    def __iter__(self) -> Iterator[Records]:
        """Yield LOG arrays in file order, each with at least one record. Holds one block. O(bytes)."""
        decoder = ItchDecoder()
        last = 0
        with ByteStream(self.path) as stream:
            if self._symbol is not None:
                self._find(stream, decoder, self._symbol)
                decoder.rewind()
                stream.restart()
            for records in self._decoded(stream, decoder):
                self._progress = (stream.position, stream.size)
                if self._symbol is None:
                    self.symbols += decoder.symbols(len(self.symbols))
                if len(records):
                    last = int(records["raw_type"][-1])
                    yield records
            self._progress = (stream.size, stream.size)
        if self._symbol is None and last != ord("S"):
            self._note("The file does not end with a system event: it is an excerpt, or cut between two messages.")

    def _scan(self, stream: ByteStream) -> None:
        """Check the first message and learn the symbols of the first block, or find the one asked for."""
        decoder = ItchDecoder()
        if self._symbol is not None:
            self._find(stream, decoder, self._symbol)
            self.symbols = [self._symbol]
        else:
            # A fault further on is left for iteration to report, behind the records before it.
            for _ in self._decoded(stream, decoder):
                if decoder.messages:
                    break
            else:
                raise LogFormatError(str(self.path), "it holds no message", "Fetch it again, or name another file.")
            self.symbols = decoder.symbols()
        if decoder.zero_prefixes:
            self._note("Every length prefix in this file is zero; each message has the length of its type.")

    def _find(self, stream: ByteStream, decoder: ItchDecoder, symbol: str) -> None:
        """Decode until a message names `symbol` and select it; LogFormatError when the file ends first."""
        for _ in self._decoded(stream, decoder):
            if decoder.select(symbol):
                return
        raise self._unknown_symbol(symbol, decoder.symbols())

    def _decoded(self, stream: ByteStream, decoder: ItchDecoder) -> Iterator[Records]:
        """Yield the records of each block, possibly none, then raise what stopped the decoder, if anything."""
        rest = b""
        while block := stream.read(self._block_bytes):
            data = rest + block if rest else block
            records, consumed, fault = decoder.decode(data)
            rest = data[consumed:]
            yield records
            if fault:
                if fault == Fault.END_OF_SESSION and len(rest) == PREFIX_BYTES and not stream.read(1):
                    return
                raise self._fault(Fault(fault), decoder, rest, final=False)
        if rest:
            raise self._fault(Fault.NONE, decoder, rest, final=True)

    def _fault(self, fault: Fault, decoder: ItchDecoder, data: bytes, *, final: bool) -> LogFormatError:
        """Return the error for the message at the start of `data`."""
        where = f"{self.path}, byte {decoder.place}, message {decoder.messages + 1}"
        prefix = int.from_bytes(data[:PREFIX_BYTES], "big")
        kind = data[PREFIX_BYTES : PREFIX_BYTES + 1].decode("latin-1")
        if fault == Fault.NONE:
            whole = f"{PREFIX_BYTES + LENGTHS[kind]} bytes (type {kind})" if kind in LENGTHS else "a length and a type"
            reason = f"the file ends after {len(data)} bytes of this message; expected {whole}"
            return LogFormatError(where, reason, "The file is cut off: fetch it again and compare its size.")
        if fault == Fault.END_OF_SESSION:
            reason = "length 0 ends a file, but more bytes follow; expected a message"
            return LogFormatError(where, reason, _FETCH_AGAIN)
        if fault == Fault.UNKNOWN_TYPE:
            reason = f"unknown message type {kind!r} (length {prefix}); expected one of {' '.join(MESSAGES)}"
            remedy = _FETCH_AGAIN if decoder.messages else "This is no ITCH 5.0 file, or not its start."
            return LogFormatError(where, reason, remedy)
        if fault == Fault.LENGTH:
            reason = f"length prefix {prefix}; expected {LENGTHS[kind]}, the length of type {kind}"
            return LogFormatError(where, reason, _FETCH_AGAIN)
        if fault == Fault.PREFIX_MIXED:
            reason = f"length prefix {prefix}; expected 0, as before every earlier message of this file"
            return LogFormatError(where, reason, _FETCH_AGAIN)
        names, expected, remedy = _WORDING[fault]
        message = data[PREFIX_BYTES:]
        found = [f"locate={int.from_bytes(message[1:3], 'big')}", f"ts_ns={int.from_bytes(message[5:11], 'big')}"]
        for field in MESSAGES[kind]:
            if field.name in names:
                raw = message[field.offset : field.offset + field.size]
                value = int.from_bytes(raw, "big") if field.form is FieldForm.INTEGER else raw
                found.append(f"{field.name}={value!r}")
        return LogFormatError(where, f"type {kind} with {', '.join(found)}; expected {expected}", remedy)

    def _unknown_symbol(self, symbol: str, known: list[str]) -> LogFormatError:
        close = difflib.get_close_matches(symbol.upper(), known, n=_NAMES_SHOWN, cutoff=0.5)
        shown = close or known[:_NAMES_SHOWN]
        more = f" and {len(known) - len(shown)} more" if len(known) > len(shown) else ""
        reason = f"no message names the symbol {symbol!r}"
        if not known:
            return LogFormatError(str(self.path), reason, "The file names no symbol at all.")
        return LogFormatError(str(self.path), reason, f"Available: {', '.join(shown)}{more}.")

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
