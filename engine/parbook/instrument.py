"""What is traded, and the limits and conversions that belong to it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from parbook.errors import MisuseError, shown
from parbook.units import PPM, PRICE_TICKS_MAX, QTY_LOTS_MAX, checked_int, from_units, parse_decimal, to_units

MAX_ORDERS_LIMIT = 2**24
"""No market holds more resting orders than this."""
CLIENT_ID_WINDOW_LIMIT = 2**20
"""No market remembers more client ids of dead orders than this."""


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One tradable instrument.

    symbol                    1 to 32 printable characters
    tick, lot                 size of one price tick and of one lot, as text or Decimal; positive
    collar_ppm                half-width of the band around the reference price that a market order may reach
    max_orders                resting orders the book accepts before it refuses with BOOK_FULL
    client_id_window          how many client ids of dead orders stay refused as duplicates (0: free at once)
    """

    symbol: str
    tick: Decimal = Decimal("1")
    lot: Decimal = Decimal("1")
    collar_ppm: int = 50_000
    max_orders: int = MAX_ORDERS_LIMIT
    client_id_window: int = 1024

    if TYPE_CHECKING:
        # msgspec makes the constructor from the fields; this one tells type checkers that text is welcome.
        def __init__(
            self,
            *,
            symbol: str,
            tick: str | int | Decimal = ...,
            lot: str | int | Decimal = ...,
            collar_ppm: int = ...,
            max_orders: int = ...,
            client_id_window: int = ...,
        ) -> None: ...

    def __post_init__(self) -> None:
        if not isinstance(self.symbol, str) or not 1 <= len(self.symbol) <= 32 or not self.symbol.isprintable():
            raise MisuseError(f"symbol={shown(self.symbol)} must be text of 1 to 32 printable characters.")
        for name in ("tick", "lot"):
            value = parse_decimal(getattr(self, name), name)
            if value <= 0:
                raise MisuseError(f"{name}={value} must be positive.")
            msgspec.structs.force_setattr(self, name, value)
        for name, low, high in (
            ("collar_ppm", 0, PPM),
            ("max_orders", 1, MAX_ORDERS_LIMIT),
            ("client_id_window", 0, CLIENT_ID_WINDOW_LIMIT),
        ):
            checked_int(getattr(self, name), name, low, high)

    def price_ticks(self, price: str | int | Decimal) -> int:
        """Return `price` in ticks; ConversionError when off the tick grid or outside 1..PRICE_TICKS_MAX."""
        return to_units(price, self.tick, "price", "tick", 1, PRICE_TICKS_MAX)

    def qty_lots(self, qty: str | int | Decimal) -> int:
        """Return `qty` in lots; ConversionError when not whole lots or outside 1..QTY_LOTS_MAX."""
        return to_units(qty, self.lot, "qty", "lot", 1, QTY_LOTS_MAX)

    def price_text(self, price_ticks: int) -> str:
        """Return the exact price of `price_ticks` as text."""
        return format(from_units(price_ticks, self.tick), "f")

    def qty_text(self, qty_lots: int) -> str:
        """Return the exact quantity of `qty_lots` as text."""
        return format(from_units(qty_lots, self.lot), "f")
