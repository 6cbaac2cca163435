"""Handles of assets and instruments, and the exact conversions between a person's units and the engine's integers."""

from __future__ import annotations

from decimal import Context, Decimal, Inexact
from typing import Final

from parbook.errors import MisuseError, shown
from parbook.instrument import Instrument
from parbook.listing import LOT_ATOMS_MAX, TICK_ATOMS_MAX, Asset, Listing
from parbook.units import ATOMS_MAX, NOTIONAL_MAX, from_units, to_units

Exact = str | int | Decimal
"""What converts exactly: text, int, Decimal. Never a float."""

BPS: Final = Decimal("0.01")
"""A millionth, in basis points."""
_EXACT: Final = Context(prec=200, traps=[Inexact])


class AssetHandle(int):
    """An asset of an exchange. As an int it is its index; `step` is the size of an atom."""

    name: str
    decimals: int
    step: Decimal

    def __new__(cls, index: int, asset: Asset) -> AssetHandle:
        """Make the handle of the asset at `index`."""
        handle = super().__new__(cls, index)
        handle.name = asset.name
        handle.decimals = asset.decimals
        handle.step = Decimal(1).scaleb(-asset.decimals)
        return handle

    def __repr__(self) -> str:
        return f"<asset {int(self)} {self.name}>"

    def __reduce__(self) -> tuple[type[AssetHandle], tuple[int, Asset]]:
        return AssetHandle, (int(self), Asset(name=self.name, decimals=self.decimals))

    def atoms(self, amount: Exact, what: str = "amount") -> int:
        """Return `amount` in atoms; ConversionError unless it is a whole number of them in 1..ATOMS_MAX."""
        return to_units(amount, self.step, f"{self.name} {what}", "atom", 1, ATOMS_MAX)

    def amount(self, atoms: int) -> Decimal:
        """Return atoms as an exact amount."""
        return from_units(atoms, self.step)


class InstrumentHandle(int):
    """An instrument of an exchange. As an int it is its index; it knows its listing and converts its units."""

    listing: Listing
    base: AssetHandle
    quote: AssetHandle
    value_step: Decimal

    def __new__(cls, index: int, listing: Listing, base: AssetHandle, quote: AssetHandle) -> InstrumentHandle:
        """Make the handle of the listing at `index`."""
        handle = super().__new__(cls, index)
        handle.listing = listing
        handle.base, handle.quote = base, quote
        handle.value_step = _EXACT.multiply(listing.instrument.tick, listing.instrument.lot)
        return handle

    def __repr__(self) -> str:
        return f"<instrument {int(self)} {self.name}>"

    def __reduce__(self) -> tuple[type[InstrumentHandle], tuple[int, Listing, AssetHandle, AssetHandle]]:
        return InstrumentHandle, (int(self), self.listing, self.base, self.quote)

    @property
    def name(self) -> str:
        """Its symbol."""
        return self.listing.instrument.symbol

    @property
    def instrument(self) -> Instrument:
        """Its tick, lot, rules and limits."""
        return self.listing.instrument

    # --- to integers: exact, or a ConversionError that names the nearest values accepted ------------

    def price_ticks(self, price: Exact, what: str = "price", low: int | None = 1) -> int:
        """Return a price, or a distance of prices (`low` None), in ticks."""
        return to_units(price, self.instrument.tick, f"{self.name} {what}", "tick", low, 2**60 - 1)

    def qty_lots(self, qty: Exact, what: str = "qty", low: int = 1) -> int:
        """Return a quantity in lots."""
        return to_units(qty, self.instrument.lot, f"{self.name} {what}", "lot", low, 2**38 - 1)

    def notional(self, amount: Exact, what: str = "amount") -> int:
        """Return an amount of the quote asset in ticks x lots."""
        return to_units(amount, self.value_step, f"{self.name} {what}", "tick x lot", 1, NOTIONAL_MAX)

    # --- from integers: always exact ----------------------------------------------------------------

    def price(self, price_ticks: int) -> Decimal:
        """Return ticks as a price."""
        return from_units(price_ticks, self.instrument.tick)

    def qty(self, qty_lots: int) -> Decimal:
        """Return lots as a quantity."""
        return from_units(qty_lots, self.instrument.lot)

    def value(self, notional: int) -> Decimal:
        """Return ticks x lots as an amount of the quote asset."""
        return from_units(notional, self.value_step)


def listing_of(
    instrument: Instrument, base: AssetHandle, quote: AssetHandle, max_fee_ppm: int, treasury: int
) -> Listing:
    """Return the listing whose lot and tick are whole atoms; ConversionError says which of the two is not, and why."""
    if int(base) == int(quote):
        raise MisuseError(f"{instrument.symbol}: base and quote are both {base.name}. Trade one asset for another.")
    value = _EXACT.multiply(instrument.tick, instrument.lot)
    lot = f"{instrument.symbol}: a lot, in {base.name} with {base.decimals} decimals,"
    tick = f"{instrument.symbol}: a tick of one lot, in {quote.name} with {quote.decimals} decimals,"
    return Listing(
        instrument=instrument,
        base=int(base),
        quote=int(quote),
        lot_atoms=to_units(instrument.lot, base.step, lot, "atom", 1, LOT_ATOMS_MAX),
        tick_atoms=to_units(value, quote.step, tick, "atom", 1, TICK_ATOMS_MAX),
        max_fee_ppm=max_fee_ppm,
        treasury=treasury,
    )


def ppm_of(bps: Exact, what: str) -> int:
    """Return basis points in ppm, 100 to one; ConversionError beyond two decimals."""
    return to_units(bps, BPS, what, "ppm")


def one_of(text: Exact | None, number: int | None, text_name: str, number_name: str) -> None:
    """Refuse a value that is given both in a person's units and as an integer."""
    if text is not None and number is not None:
        raise MisuseError(
            f"{text_name}={shown(text)} and {number_name}={shown(number)} say the same thing twice. Give one of them."
        )
