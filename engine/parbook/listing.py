"""What turns a market into one of an exchange: the assets it trades, what a lot and a tick are worth, who pays what."""

from __future__ import annotations

from typing import Final

import msgspec

from parbook.errors import MisuseError, shown
from parbook.instrument import Instrument
from parbook.units import ACCOUNT_MAX, PPM

ASSETS_MAX: Final = 2**16 - 1
"""Most assets of an exchange."""
ASSET_NAME_MAX: Final = 32
"""Most characters in the name of an asset."""
LOT_ATOMS_MAX: Final = 2**40
"""Most base atoms in a lot."""
TICK_ATOMS_MAX: Final = 2**40
"""Most quote atoms that a tick of a lot is worth."""
MAX_FEE_PPM_MAX: Final = 200_000
"""Largest `max_fee_ppm`: a fifth of the notional."""
TIERS_MAX: Final = 256
"""Fee tiers are numbered 0..TIERS_MAX-1; an account is in tier 0 until it is put in another."""


def asset_name_error(name: str) -> str:
    """Return what is wrong with the name of an asset and what to give instead, "" for nothing."""
    if 1 <= len(name) <= ASSET_NAME_MAX and name.isprintable():
        return ""
    return f"name={shown(name)}: give 1 to {ASSET_NAME_MAX} printable characters"


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is owned in whole atoms, of which 10**decimals make one unit."""

    name: str
    decimals: int = 0

    def __post_init__(self) -> None:
        wrong = asset_name_error(self.name)
        if wrong:
            raise MisuseError(f"asset {wrong}.")
        if not 0 <= self.decimals <= 18:
            raise MisuseError(f"asset {self.name}: decimals={shown(self.decimals)} is outside 0..18.")


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """An instrument with its money.

    A lot is `lot_atoms` of asset `base`; a tick of one lot is worth `tick_atoms` of asset `quote`, so a fill of q lots
    at p ticks moves q x lot_atoms against p x q x tick_atoms, exactly. No fee tier may exceed `max_fee_ppm` of the
    notional: it is what holds reckon with. The curve trades for account `treasury`; 0: no curve can be set.
    """

    instrument: Instrument
    base: int
    quote: int
    lot_atoms: int = 1
    tick_atoms: int = 1
    max_fee_ppm: int = 10_000
    treasury: int = 0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("base", 0, ASSETS_MAX - 1),
            ("quote", 0, ASSETS_MAX - 1),
            ("lot_atoms", 1, LOT_ATOMS_MAX),
            ("tick_atoms", 1, TICK_ATOMS_MAX),
            ("max_fee_ppm", 0, MAX_FEE_PPM_MAX),
            ("treasury", 0, ACCOUNT_MAX),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                where = f"listing {self.instrument.symbol}: {name}={shown(value)}"
                raise MisuseError(f"{where} is outside {low}..{high}.")
        if self.base == self.quote:
            raise MisuseError(f"listing {self.instrument.symbol}: base and quote are the same asset {self.base}.")


class Fees(msgspec.Struct, frozen=True, kw_only=True):
    """What a tier pays, in ppm of the notional; a negative maker rate is a rebate, which the taker's fee must cover."""

    maker_ppm: int = 0
    taker_ppm: int = 0


def fee_atoms(notional_atoms: int, rate_ppm: int) -> int:
    """Return a fill's fee: rounded up, a rebate (negative) rounded towards zero; both in favour of the venue."""
    return -(-notional_atoms * rate_ppm // PPM)
