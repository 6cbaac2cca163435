"""Damaging a serialised state: by bits that flip, and by fields, records and counts that are changed with intent."""

from __future__ import annotations

from typing import Any

import numpy as np

from parbook import exchange_state, state
from parbook.records import CURVE, Records

MARKET_PARTS = (
    ("has_curve", CURVE),
    ("has_curve", state.CURVE_STATE),
    ("proposed", state.ANCHOR),
    ("accounts", state.ACCOUNT),
    ("trades", state.TRADE),
    ("open_orders", state.ORDER),
    ("dead_ids", state.DEAD_ID),
)
"""What follows a market's header and configuration: the header's count, and the record."""
EXCHANGE_PARTS = (
    ("assets", exchange_state.ASSET),
    ("instruments", exchange_state.LISTING),
    ("balances", exchange_state.BALANCE),
    ("tiers", exchange_state.TIER),
    ("members", exchange_state.MEMBER),
    ("statuses", exchange_state.STATUS),
    ("txns", exchange_state.TXN),
    ("sessions", exchange_state.SESSION),
    ("outcomes", exchange_state.OUTCOME),
)
"""What follows an exchange's header; the markets come behind."""


class Parts:
    """A state cut into writable arrays, to be changed and put together again."""

    def __init__(self, header: Records, parts: list[Records], tail: bytes, counts: list[str]) -> None:
        self.header = header
        self.parts = parts
        self.tail = tail
        self.counts = counts

    def records(self, dtype: np.dtype[np.void]) -> Records:
        """Return the part of that record."""
        return next(part for part in self.parts if part.dtype == dtype)

    def put(self, dtype: np.dtype[np.void], records: Records) -> None:
        """Replace a part, and the count of it in the header."""
        number = next(number for number, part in enumerate(self.parts) if part.dtype == dtype)
        self.parts[number] = records
        if self.counts[number]:
            self.header[self.counts[number]] = len(records)

    def drop(self, dtype: np.dtype[np.void], index: int) -> None:
        """Leave a record out."""
        self.put(dtype, np.delete(self.records(dtype), index))

    def twice(self, dtype: np.dtype[np.void], index: int) -> None:
        """Let a record stand there twice, one after the other."""
        records = self.records(dtype)
        self.put(dtype, np.insert(records, index, records[index]))

    def swap(self, dtype: np.dtype[np.void], one: int, other: int) -> None:
        """Let two records change places."""
        records = self.records(dtype)
        records[[one, other]] = records[[other, one]]

    def bytes(self) -> bytes:
        """Return the state."""
        return b"".join([self.header.tobytes(), *(part.tobytes() for part in self.parts), self.tail])


def cut(data: bytes) -> Parts:
    """Cut the state of a market, or of an exchange; what is no record of the latter stays together at the end."""
    if data[:8] == state.MAGIC:
        header = np.frombuffer(data, state.HEADER, 1).copy()
        layout: list[tuple[str, np.dtype[np.void], int]] = [("", state.CONFIG, 1)]
        layout += [(name, dtype, int(header[name][0])) for name, dtype in MARKET_PARTS]
    else:
        header = np.frombuffer(data, exchange_state.HEADER, 1).copy()
        layout = [(name, dtype, int(header[name][0])) for name, dtype in EXCHANGE_PARTS]
    at = header.nbytes
    parts, counts = [], []
    for name, dtype, count in layout:
        parts.append(np.frombuffer(data, dtype, count, at).copy() if count else np.zeros(0, dtype))
        counts.append(name)
        at += parts[-1].nbytes
    return Parts(header, parts, data[at:], counts)


def flip(draw: np.random.Generator, data: bytes, bits: int) -> bytes:
    """Return the bytes with some bits flipped."""
    damaged = bytearray(data)
    for at in draw.integers(0, len(data) * 8, bits).tolist():
        damaged[at // 8] ^= 1 << (at % 8)
    return bytes(damaged)


def _edge(draw: np.random.Generator, field: np.ndarray, at: int) -> int:
    """Return a value near what stands there, near what stands elsewhere, or at an end of what fits."""
    info = np.iinfo(field.dtype)
    here, there = int(field[at]), int(field[draw.integers(0, len(field))])
    choices = [
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        info.max,
        info.min,
        here + 1,
        here - 1,
        here * 2,
        -here,
        there,
        there + 1,
        there - 1,
    ]
    choices += [2**38 - 1, 2**60, 2**62]
    value = choices[int(draw.integers(0, len(choices)))]
    return value if info.min <= value <= info.max else 0


def _change_field(draw: np.random.Generator, records: Records) -> None:
    names = [name for name in records.dtype.names or () if records.dtype[name].kind in "iu"]
    name = names[int(draw.integers(0, len(names)))]
    at = int(draw.integers(0, len(records)))
    records[name][at] = _edge(draw, records[name], at)


def change(draw: np.random.Generator, data: bytes) -> bytes:
    """Return a state of which a field, or the order of the records, or their number, has been changed with intent."""
    parts = cut(data)
    filled: list[Any] = [part.dtype for part in parts.parts if len(part) and part.dtype != state.CONFIG]
    for _ in range(int(draw.integers(1, 3))):
        dtype = filled[int(draw.integers(0, len(filled)))] if filled else None
        records = parts.records(dtype) if dtype is not None else parts.header
        action = int(draw.integers(0, 10))
        if dtype is None or action == 0 or not len(records):
            _change_field(draw, parts.header)
        elif action <= 6:
            _change_field(draw, records)
        elif action == 7:
            parts.drop(dtype, int(draw.integers(0, len(records))))
        elif action == 8:
            parts.twice(dtype, int(draw.integers(0, len(records))))
        else:
            parts.swap(dtype, *draw.integers(0, len(records), 2).tolist())
    return parts.bytes()
