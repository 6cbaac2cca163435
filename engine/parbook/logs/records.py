"""One shape for every venue's order log: the LOG record.

Readers translate a venue's messages into arrays of LOG records, in file order; replay reads nothing else.
Prices and quantities are the file's own integers (ITCH and LOBSTER: 1/10,000 dollar and shares), which
`LogSource` names as tick and lot.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

import numpy as np

from parbook.codes import DocumentedEnum
from parbook.instrument import Instrument
from parbook.records import Records


class LogKind(DocumentedEnum):
    """What a log message did to the venue's book."""

    ADD = 1, "an order came to rest: order_id, side, price_ticks, qty_lots"
    REDUCE = 2, "qty_lots of a resting order were cancelled; it keeps its priority"
    DELETE = 3, "a resting order was cancelled whole"
    EXECUTE = 4, "qty_lots of a resting order traded, at price_ticks"
    REPLACE = 5, "order_id was replaced by new_order_id with qty_lots at price_ticks, at the back of the queue"
    HIDDEN_TRADE = 6, "qty_lots traded at price_ticks against an order the log never showed; book unchanged"
    CROSS = 7, "an auction printed qty_lots at price_ticks; book unchanged"
    HALT = 8, "trading stopped"
    RESUME = 9, "trading resumed"
    OTHER = 10, "anything else; book unchanged"


LOG: Final[np.dtype[np.void]] = np.dtype(
    [
        ("kind", "u1"),
        ("side", "u1"),
        ("printable", "u1"),
        ("raw_type", "u1"),
        ("symbol", "<u4"),
        ("ts_ns", "<i8"),
        ("order_id", "<u8"),
        ("new_order_id", "<u8"),
        ("price_ticks", "<i8"),
        ("qty_lots", "<i8"),
        ("match_id", "<u8"),
        ("place", "<u8"),
    ]
)
"""One log message, 64 bytes. `side` is the resting order's; `raw_type` the venue's own type byte;
`symbol` indexes `LogSource.symbols`; `place` is the byte offset (ITCH) or the row from 0 (LOBSTER).
Fields a message does not carry are 0."""


class LogSource(Protocol):
    """An opened log. Iterating yields LOG arrays in file order; errors are LogFormatError with the place."""

    symbols: list[str]

    def instrument(self, symbol: str) -> Instrument:
        """Return the instrument of `symbol` with this format's tick and lot."""

    def __iter__(self) -> Iterator[Records]:
        """Yield LOG arrays of convenient size."""

    @property
    def progress(self) -> tuple[int, int]:
        """Bytes read so far and bytes in all, for a progress bar."""
