"""itch-book (MIT): ITCH 5.0 to books in C++, the fastest on PyPI. The same bytes, and the same books afterwards."""

from __future__ import annotations

import importlib
from typing import Any, Final

from parbook._itch import ItchDecoder
from parbook._itchbook import BookBuilder
from parbook.codes import Side
from parbook.logs.books import COUNTS

NAME: Final = "itch-book"
_CHECKED_LEVELS: Final = 10
_THEIRS: Final = dict(
    zip(
        COUNTS,
        ("adds", "cancels", "deletes", "executes", "replaces", "", "missing_ref", "dup_ref", "clamped"),
        strict=False,
    )
)
"""What parbook counts -> the peer's name of it."""


def module() -> Any | None:
    """Return the peer, None where it is not installed."""
    try:
        return importlib.import_module("itch_book")
    except ImportError:
        return None


def build(peer: Any, data: bytes, block_bytes: int) -> dict[str, Any]:
    """Parse the bytes and build every book, without tables; return the peer's counts."""
    session = peer.Session(tables=[], depth=0, symbols=[])
    # A view, as parbook gets: slices of bytes would be copies, a fourteenth of its time.
    view = memoryview(data)
    for at in range(0, len(data), block_bytes):
        session.feed(view[at : at + block_bytes])
    return dict(session.stats())


def verify(peer: Any, data: bytes, decoder: ItchDecoder, builder: BookBuilder, block_bytes: int) -> int:
    """Compare counts, resting orders and the ten best levels of both sides of every stock; return the levels compared.

    AssertionError at the first difference. Locate codes must be the stocks' numbers from 1.
    """
    stats = build(peer, data, block_bytes)
    pairs = {theirs: builder.counts[ours] for ours, theirs in _THEIRS.items() if theirs}
    pairs |= {"messages": decoder.messages, "live_orders": len(builder)}
    wrong = {name: (number, stats[name]) for name, number in pairs.items() if stats[name] != number}
    if wrong:
        raise AssertionError(f"itch-book counts otherwise (parbook, itch-book): {wrong}")
    compared = 0
    for locate, theirs in _depths(peer, data, block_bytes).items():
        for side in Side:
            ours = builder.levels(locate - 1, side, _CHECKED_LEVELS)
            if [tuple(level) for level in ours] != theirs[side]:
                raise AssertionError(f"itch-book has other levels of stock {locate}: {theirs[side]}, parbook {ours}")
            compared += len(ours)
    return compared


def _depths(peer: Any, data: bytes, block_bytes: int) -> dict[int, dict[Side, list[tuple[int, int, int]]]]:
    """Return the peer's last ten levels of each stock: locate -> side -> (price, lots, orders), best first."""
    session = peer.Session(tables=[], depth=_CHECKED_LEVELS, symbols=[])
    last: dict[int, dict[Side, list[tuple[int, int, int]]]] = {}
    for at in range(0, len(data), block_bytes):
        session.feed(data[at : at + block_bytes])
        table = session.take_depth()
        # Of equal keys a dict keeps the last.
        rows = {locate: row for row, locate in enumerate(table["locate"].tolist())}
        for locate, row in rows.items():
            last[locate] = {side: _levels(table, row, "bid" if side == Side.BUY else "ask") for side in Side}
    return last


def _levels(table: dict[str, Any], row: int, side: str) -> list[tuple[int, int, int]]:
    found = (
        tuple(int(table[f"{side}_{what}_{level:02}"][row]) for what in ("px", "sz", "ct"))
        for level in range(_CHECKED_LEVELS)
    )
    return [(price, lots, orders) for price, lots, orders in found if orders]
