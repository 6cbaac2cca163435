"""Seeded logs of realistic flow, as COMMAND records, as a native log and as an ITCH 5.0 file.

The same seed, symbol, length and parameters give the same bytes on every machine and every Python.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np

from parbook.codes import CommandKind, Side
from parbook.errors import MisuseError
from parbook.instrument import Instrument
from parbook.logs.flow import Fill, Flow, FlowParams, Random, Step
from parbook.logs.itch_encode import FRAMES, LENGTHS, encode
from parbook.logs.native import NativeWriter
from parbook.messages import SetCurve
from parbook.records import COMMAND, Records
from parbook.units import checked_int

BATCH_MESSAGES: Final = 8192
"""Records in one generated array."""

_RECORD: Final = struct.Struct("<BBBBIQQqqqqHHI")
_DAY_NS: Final = 86_400_000_000_000
_SECOND_NS: Final = 1_000_000_000
_LOCATE: Final = 1
_MPIDS: Final = ("PARB", "OOKS")
_NEW: Final = int(CommandKind.NEW)
_CANCEL: Final = int(CommandKind.CANCEL)
_REDUCE: Final = int(CommandKind.REDUCE)
_AMEND: Final = int(CommandKind.AMEND)

Progress = Callable[[int, int], None]


def generate(seed: int, messages: int, symbol: str = "RWA", *, flow: FlowParams | None = None) -> Iterator[Records]:
    """Yield `messages` COMMAND records in arrays of at most BATCH_MESSAGES.

    Every command is accepted by a fresh market without a curve: NEW orders are LIMIT with GTC or IOC, the
    engine numbers them 1, 2, 3... in order, and every CANCEL, REDUCE and AMEND names a live order and its
    account. With a curve, which trades with the same orders, the numbers still agree, but some of those name
    an order that the curve has filled and are refused as UNKNOWN_ORDER.
    `symbol` and `seed` together choose the flow. O(messages).
    """
    params = FlowParams() if flow is None else flow
    checked_int(seed, "seed", 0, 2**64 - 1)
    checked_int(messages, "messages", 0, 2**40)
    return _batches(Flow(seed, symbol, params), messages)


def write_native(
    path: str | Path,
    seed: int,
    messages: int,
    symbol: str = "RWA",
    *,
    flow: FlowParams | None = None,
    curve: SetCurve | None = None,
    progress: Progress | None = None,
) -> int:
    """Write the flow of `generate` as a native log and return the number of records.

    `progress(done, messages)` is called now and then.
    """
    instrument = Instrument(symbol=symbol, tick=Decimal("0.0001"))
    provenance = f"parbook.logs.generate seed={seed} messages={messages} symbol={symbol} flow={flow or FlowParams()}"
    with NativeWriter(path, instrument, curve, provenance) as writer:
        for records in generate(seed, messages, symbol, flow=flow):
            writer.write(records)
            if progress is not None:
                progress(writer.count, messages)
        return writer.count


def write_itch(
    path: str | Path,
    seed: int,
    messages: int,
    symbol: str = "RWA",
    *,
    flow: FlowParams | None = None,
    progress: Progress | None = None,
) -> int:
    """Write the flow of `generate(seed, messages, symbol)` as the ITCH 5.0 file a venue would have published.

    Returns the number of ITCH messages, which is not `messages`: an aggressor appears as the executions of the
    orders it meets, in price-time order under rising match numbers, and what is left of a GTC order as an add;
    an IOC order that trades nothing leaves no trace, nor does an anchor. Between them stand hidden trades. The
    day opens and closes with the system events, the directory and a cross, as a real one does.
    `progress(done, messages)` is called now and then.
    MisuseError when the flow runs past midnight or `symbol` is not 1 to 8 letters.
    """
    params = FlowParams() if flow is None else flow
    checked_int(seed, "seed", 0, 2**64 - 1)
    checked_int(messages, "messages", 0, 2**40)
    if not 1 <= len(symbol) <= 8 or not symbol.isascii() or not symbol.isprintable() or " " in symbol:
        raise MisuseError(f"symbol={symbol!r} must have 1 to 8 printable ASCII letters.")
    if not 5 * _SECOND_NS <= params.start_ns < _DAY_NS:
        raise MisuseError(f"start_ns={params.start_ns} must lie from 5 s after midnight to the next midnight.")
    writer = _ItchWriter(seed, symbol, params)
    source = Flow(seed, symbol, params)
    with Path(path).open("wb") as file:
        file.write(writer.opening())
        left = messages
        while left:
            batch = min(left, BATCH_MESSAGES)
            left -= batch
            file.write(b"".join([writer.step(source.step(), source) for _ in range(batch)]))
            if progress is not None:
                progress(messages - left, messages)
        file.write(writer.closing())
    return writer.count


def _batches(source: Flow, messages: int) -> Iterator[Records]:
    pack_into = _RECORD.pack_into
    step = source.step
    while messages:
        batch = min(messages, BATCH_MESSAGES)
        messages -= batch
        data = bytearray(batch * COMMAND.itemsize)
        for offset in range(0, len(data), COMMAND.itemsize):
            kind, side, tif, account, order_id, price, qty, ts_ns, high, _, _ = step()
            if kind == _NEW:
                order_id = 0
            else:
                side = 0
            pack_into(data, offset, kind, side, 0, tif, account, order_id, 0, price, qty, ts_ns, high, 0, 0, 0)
        yield np.frombuffer(data, COMMAND)


class _ItchWriter:
    """Turns steps of the flow into ITCH messages. Keeps the venue's reference of each resting order."""

    def __init__(self, seed: int, symbol: str, params: FlowParams) -> None:
        self.count = 0
        self._symbol = symbol
        self._stock = symbol.encode().ljust(8)
        self._start_ns = params.start_ns
        self._random = Random(seed, b"itch" + symbol.encode())
        self._reference: dict[int, int] = {}
        self._next_reference = 1
        self._next_match = 1
        self._now = params.start_ns
        self._last_price = params.fair_ticks

    def opening(self) -> bytes:
        """Return the messages before the first order."""
        second = self._start_ns - 5 * _SECOND_NS
        out = [
            encode("S", ts_ns=second, event="O"),
            self._own("R", second, category="Q", status="N", round_lot=100, round_lots_only="N", classification="C",
                      subtype="Z", authenticity="P", short_sale="N", ipo="N", luld_tier="2", etp="N", inverse="N"),
            self._own("H", second, state="T"),
            self._own("Y", second, action="0"),
            *(self._own("L", second, mpid=mpid, primary="Y", mode="N", state="A") for mpid in _MPIDS),
            encode("S", ts_ns=second + _SECOND_NS, event="S"),
            encode("S", ts_ns=self._start_ns, event="Q"),
            self._own("Q", self._start_ns, price=self._last_price, match_id=self._match(), cross="O"),
        ]  # fmt: skip
        self.count += len(out)
        return b"".join(out)

    def closing(self) -> bytes:
        """Return the messages after the last order."""
        now = self._now
        out = [
            encode("S", ts_ns=now, event="M"),
            self._own("Q", now, price=self._last_price, match_id=self._match(), cross="C"),
            encode("S", ts_ns=now, event="E"),
            encode("S", ts_ns=now, event="C"),
        ]
        self.count += len(out)
        return b"".join(out)

    def step(self, step: Step, source: Flow) -> bytes:
        """Return the messages that one command makes visible."""
        kind, side, _, _, order_id, price, qty, ts_ns, _, leaves, fills = step
        if ts_ns >= _DAY_NS:
            raise MisuseError("the flow runs past midnight. Ask for fewer messages, or shorten gap_ns.")
        self._now = ts_ns
        high, low = ts_ns >> 32, ts_ns & 0xFFFFFFFF
        decor = self._random.bits()
        out = [self._execution(high, low, fill, decor >> 32) for fill in fills]
        if kind == _NEW:
            if leaves:
                out.append(self._add(high, low, order_id, side, leaves, price, decor))
        elif kind == _CANCEL:
            out.append(_frame("D", high, low, self._reference.pop(order_id)))
        elif kind == _REDUCE:
            out.append(_frame("X", high, low, self._reference[order_id], qty))
        elif kind == _AMEND:
            old = self._reference[order_id]
            out.append(_frame("U", high, low, old, self._refer(order_id), leaves, price))
        if decor & 0xFF == 0:
            out.append(self._hidden(high, low, source, decor >> 8))
        self.count += len(out)
        return b"".join(out)

    def _execution(self, high: int, low: int, fill: Fill, decor: int) -> bytes:
        """One fill as E, and one in 32 as C: executed with a price, here the order's own."""
        maker, price, lots, left = fill
        reference = self._reference[maker] if left else self._reference.pop(maker)
        self._last_price = price
        match = self._match()
        if (decor ^ match) & 31:
            return _frame("E", high, low, reference, lots, match)
        return _frame("C", high, low, reference, lots, match, b"Y", price)

    def _add(self, high: int, low: int, order_id: int, side: int, leaves: int, price: int, decor: int) -> bytes:
        """An order that came to rest as A, and one in 16 with its market maker's name as F."""
        fields = (self._refer(order_id), b"S" if side == Side.SELL else b"B", leaves, self._stock, price)
        if decor & 0xF0:
            return _frame("A", high, low, *fields)
        return _frame("F", high, low, *fields, _MPIDS[order_id & 1].encode())

    def _hidden(self, high: int, low: int, source: Flow, decor: int) -> bytes:
        """A trade against an order nobody saw, at the middle of the spread; side B and reference 0 as published."""
        bid, ask = source.book.best(Side.BUY), source.book.best(Side.SELL)
        price = (bid + ask) // 2 if bid and ask else self._last_price
        return _frame("P", high, low, 0, b"B", 1 + decor % 100, self._stock, price, self._match())

    def _own(self, kind: str, ts_ns: int, **values: Any) -> bytes:
        return encode(kind, locate=_LOCATE, ts_ns=ts_ns, stock=self._symbol, **values)

    def _refer(self, order_id: int) -> int:
        reference = self._next_reference
        self._next_reference = reference + 1
        self._reference[order_id] = reference
        return reference

    def _match(self) -> int:
        match = self._next_match
        self._next_match = match + 1
        return match


def _frame(kind: str, high: int, low: int, *fields: int | bytes) -> bytes:
    """Pack a message whose fields are known to fit: the hot path of `encode`."""
    return FRAMES[kind].pack(LENGTHS[kind], kind.encode(), _LOCATE, 0, high, low, *fields)
