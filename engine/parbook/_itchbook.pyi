"""Every stock's book, built from LOG records. Compiled from ext/parbook/_itchbook.pyx; `logs.books` specifies it."""

from typing import final

from parbook.logs.books import BuiltLevel, BuiltOrder
from parbook.records import Records

@final
class BookBuilder:
    """The books of all symbols of a log, as `parbook.logs.books.BookBuilder` builds them.

    One thread at a time may use a builder; several builders run in parallel, `feed` releases the GIL.
    Memory per resting order: 24 bytes, and 5 of its reference when references are dense, at most 80 when they
    are not; 32 bytes a level that is or was there. It grows and is not given back before the builder is.
    """

    @property
    def counts(self) -> dict[str, int]:
        """What was fed and what could not be followed: `logs.books.COUNTS` -> number."""

    def __len__(self) -> int:
        """Return the number of resting orders."""

    def feed(self, records: Records) -> None:
        """Apply LOG records in order. MisuseError for another dtype; MemoryError leaves what came before applied.

        A message that names an order costs O(1). One that opens or empties a level moves 16 bytes for each better
        level of its side, and searches a price that stands deep in O(log levels).
        """

    def order(self, order_id: int) -> BuiltOrder | None:
        """Return a resting order, None when no order of this reference rests. O(1)."""

    def best(self, symbol: int, side: int) -> BuiltLevel | None:
        """Return the best level of a side, None when it is empty. O(1)."""

    def levels(self, symbol: int, side: int, count: int) -> list[BuiltLevel]:
        """Return the best `count` levels of a side, best first. O(count)."""

    def queue(self, symbol: int, side: int, price_ticks: int) -> list[int]:
        """Return the references of the orders at a price, first to trade first. O(log levels + orders)."""

    def check(self) -> None:
        """Raise InvariantError unless queues, totals, prices and references agree. O(orders)."""
