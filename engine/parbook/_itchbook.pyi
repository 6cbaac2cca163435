"""Every stock's book, built from LOG records. Compiled from ext/parbook/_itchbook.pyx; `logs.books` specifies it."""

from typing import final

from parbook._itch import Fault, ItchDecoder
from parbook.logs.books import BuiltLevel, BuiltOrder
from parbook.records import Records

@final
class BookBuilder:
    """The books of all symbols of a log, as `parbook.logs.books.BookBuilder` builds them.

    One thread at a time may use a builder, queries included; several builders run in parallel, `feed` and `feed_itch`
    release the GIL. Memory per resting order: 24 bytes, and 5 of its reference when references are dense, at most 80
    when they are not; 64 to 128 a level, idle ones included. It grows and is not given back before the builder is.

    A level that empties lies idle until half of all do, and new prices are put in order when a query needs them: what a
    query costs goes by the levels that are or were there since.
    """

    @property
    def counts(self) -> dict[str, int]:
        """What was fed and what could not be followed: `logs.books.COUNTS` -> number."""

    def __len__(self) -> int:
        """Return the number of resting orders."""

    def feed(self, records: Records) -> None:
        """Apply LOG records in order. MisuseError for another dtype; MemoryError leaves what came before applied.

        Each costs O(1), now and then one that makes room O(levels).
        """

    def feed_itch(self, decoder: ItchDecoder, block: bytes | bytearray | memoryview) -> tuple[int, Fault | int]:
        """Decode the whole messages at the start of `block` and apply them: (bytes consumed, fault) as of `decode`.

        The same as `decode` and `feed`, in one pass. All before a fault is applied. MemoryError leaves what came
        before applied and the decoder somewhere ahead of it: both are to be made anew.
        """

    def order(self, order_id: int) -> BuiltOrder | None:
        """Return a resting order, None when no order of this reference rests. O(1)."""

    def best(self, symbol: int, side: int) -> BuiltLevel | None:
        """Return the best level of a side, None when it is empty. O(1), and what idle levels and new prices add."""

    def levels(self, symbol: int, side: int, count: int) -> list[BuiltLevel]:
        """Return the best `count` levels of a side, best first. O(count) and the same."""

    def queue(self, symbol: int, side: int, price_ticks: int) -> list[int]:
        """Return the references of the orders at a price, first to trade first. O(log levels + orders) and the same."""

    def check(self) -> None:
        """Raise InvariantError unless queues, totals, prices and references agree. O(orders)."""
