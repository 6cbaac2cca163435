"""nautilus_trader (LGPL-3.0-or-later): its order-by-order book, in Rust, fed through its Python objects.

A book builder, no matcher of orders against orders: it is given the changes of a venue's book, prepared in advance.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Final

from bench.peers.steps import Change, changes
from parbook._itchbook import BookBuilder
from parbook.codes import Side
from parbook.records import Records

NAME: Final = "nautilus_trader"
LICENCE: Final = "LGPL-3.0-or-later"
COMMANDS: Final = 20_000


def module() -> Any:
    """Return the peer's parts; ImportError where it is not installed."""
    names = ("model.book", "model.data", "model.enums", "model.identifiers", "model.objects")
    return [importlib.import_module(f"nautilus_trader.{name}") for name in names]


def prepared(peer: Any, records: Records) -> list[Any]:
    """Return the changes as the peer's objects, one for each LOG record that changes the book, two for a replace."""
    _, data, enums, identifiers, objects = peer
    instrument = identifiers.InstrumentId.from_str("BENCH.XNAS")
    action = enums.BookAction
    actions = {Change.ADD: action.ADD, Change.UPDATE: action.UPDATE, Change.DELETE: action.DELETE}
    out = []
    for at, (what, order_id, side, price, lots) in enumerate(changes(records)):
        sign = enums.OrderSide.BUY if side == Side.BUY else enums.OrderSide.SELL
        order = data.BookOrder(sign, objects.Price(price, 0), objects.Quantity(lots, 0), order_id)
        out.append(data.OrderBookDelta(instrument, actions[what], order, 0, at, at, at))
    return out


def run(peer: Any, deltas: list[Any]) -> tuple[Any, Callable[[], object]]:
    """Return a fresh book and the run that applies the changes to it, one Python call each."""
    book_module, _, enums, identifiers, _ = peer
    book = book_module.OrderBook(identifiers.InstrumentId.from_str("BENCH.XNAS"), enums.BookType.L3_MBO)

    def deltas_applied() -> None:
        for delta in deltas:
            book.apply_delta(delta)

    return book, deltas_applied


def levels(book: Any, side: Side) -> list[tuple[int, int, int]]:
    """Return (price, lots, orders) of every level of a side, best first."""
    found = book.bids() if side == Side.BUY else book.asks()
    return [(int(level.price), int(level.size()), len(level.orders())) for level in found]


def parbook_run(records: Records, batch: int) -> tuple[BookBuilder, Callable[[], object]]:
    """Return a fresh builder and the run that feeds it the same messages in batches."""
    builder = BookBuilder()
    parts = [records[at : at + batch] for at in range(0, len(records), batch)]

    def fed() -> None:
        for part in parts:
            builder.feed(part)

    return builder, fed
