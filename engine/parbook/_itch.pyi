"""Nasdaq TotalView-ITCH 5.0, decoded a block at a time into LOG records. Compiled from ext/parbook/_itch.pyx."""

from enum import IntEnum
from typing import final

from parbook.records import Records

class Fault(IntEnum):
    """Why the decoder stopped at a message. `parbook.logs.itch` words each."""

    NONE = 0
    END_OF_SESSION = 1
    UNKNOWN_TYPE = 2
    LENGTH = 3
    TIME_REVERSED = 4
    TIME_OF_DAY = 5
    STOCK_NAME = 6
    STOCK_CHANGED = 7
    STOCK_TWICE = 8
    LOCATE_UNKNOWN = 9
    SIDE = 10
    SHARES = 11
    PRICE = 12
    ORDER_REFERENCE = 13
    PRINTABLE = 14
    TRADING_STATE = 15
    SYSTEM_EVENT = 16
    PREFIX_MIXED = 17

@final
class ItchDecoder:
    """Turns consecutive blocks of one ITCH 5.0 file into LOG records.

    A message is a big-endian u16 length and that many bytes. A file whose first length is zero must have
    zero in all of them; each message then has the length of its type.

    One thread at a time may use a decoder; several decoders run in parallel.

    What a record holds beyond the contract of LOG: prices are Price(4) integers (1/10,000 dollar) from 1 to
    2**32-1 (no lower cap: stocks above 200,000 dollars are real); `printable` is 1 for E, P and Q and C's own
    flag; E's `price_ticks` and the side of E, C, X, D and U are 0, because only a book that follows the orders
    knows them; Q may print 0 shares. H in state T is RESUME, in H, P or Q (quotation only) HALT; h likewise.
    Order reference 0 is taken as it stands: obfuscated files use it.
    A market-wide message (S, V, W) has symbol 0.
    """

    @property
    def messages(self) -> int:
        """Messages decoded so far, those of unselected symbols included."""

    @property
    def place(self) -> int:
        """Offset of the next message from the start of the file."""

    @property
    def zero_prefixes(self) -> bool:
        """True when every length prefix of this file is zero."""

    def symbols(self, first: int = 0) -> list[str]:
        """Return the symbols from index `first` on, in the order in which messages named them. O(symbols)."""

    def select(self, symbol: str) -> bool:
        """Keep only messages of `symbol` from here on, as symbol 0; False when no message has named it yet.

        Messages of other symbols are still checked for length, time and stock. MisuseError the second time.
        """

    def rewind(self) -> None:
        """Go back to the start of the file; stocks already named stay named."""

    def decode(self, block: bytes | bytearray | memoryview) -> tuple[Records, int, Fault | int]:
        """Decode the whole messages at the start of `block`: (LOG records, bytes consumed, fault).

        `fault` is 0 when only an incomplete message is left; the caller presents its bytes again with more
        behind them. Otherwise the message at `block[consumed:]` is wrong and nothing of it was taken.
        END_OF_SESSION is a zero length in a file with lengths: right at the end, wrong elsewhere.
        The GIL is released. O(bytes).
        """
