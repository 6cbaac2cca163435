"""Many markets over one ledger, in plain Python: what composes mechanisms that know nothing of each other."""

from __future__ import annotations

from parbook.codes import RejectCode
from parbook.errors import MisuseError, shown
from parbook.listing import ASSETS_MAX, MAX_FEE_PPM_MAX, TIERS_MAX, Asset, Fees, Listing
from parbook.messages import Command, Event
from parbook.reference.funds import FeeTable, Funds
from parbook.reference.ledger import Ledger
from parbook.reference.market import Market
from parbook.units import INSTRUMENTS_MAX, checked_int

class Exchange:
    """Assets, instruments and accounts. Indexes of assets and instruments are dense, in the order they came."""

    def __init__(self) -> None:
        self.assets: list[Asset] = []
        self.listings: list[Listing] = []
        self.markets: list[Market] = []
        self.ledger = Ledger()
        self.fees = FeeTable()

    def add_asset(self, asset: Asset) -> int:
        """Return the index of a new asset. MisuseError when the name is taken or there is no room."""
        if any(asset.name == other.name for other in self.assets):
            raise MisuseError(f"asset {asset.name} exists already: use its index.")
        if len(self.assets) >= ASSETS_MAX:
            raise MisuseError(f"an exchange has at most {ASSETS_MAX} assets.")
        self.assets.append(asset)
        return len(self.assets) - 1

    def add_instrument(self, listing: Listing) -> int:
        """Return the index of a new instrument, its market empty. MisuseError when it does not fit what is here."""
        symbol = listing.instrument.symbol
        if max(listing.base, listing.quote) >= len(self.assets):
            raise MisuseError(f"listing {symbol}: base and quote must be among the {len(self.assets)} assets added.")
        if any(symbol == other.instrument.symbol for other in self.listings):
            raise MisuseError(f"instrument {symbol} exists already: use its index.")
        if len(self.listings) >= INSTRUMENTS_MAX:
            raise MisuseError(f"an exchange has at most {INSTRUMENTS_MAX} instruments.")
        if any(max(f.maker_ppm, f.taker_ppm) > listing.max_fee_ppm for f in self.fees.tiers.values()):
            raise MisuseError(f"listing {symbol}: a fee tier is above max_fee_ppm={listing.max_fee_ppm}. Raise it.")
        self.listings.append(listing)
        self.markets.append(Market(listing.instrument, Funds(listing, self.ledger, self.fees)))
        return len(self.listings) - 1

    def apply(self, instrument: int, command: Command) -> list[Event]:
        """Apply a command to one instrument's market and return its events."""
        if not 0 <= instrument < len(self.markets):
            raise MisuseError(f"instrument={shown(instrument)}: the exchange has {len(self.markets)}.")
        return self.markets[instrument].apply(command)

    def deposit(self, account: int, asset: int, amount_atoms: int, txn_id: int) -> RejectCode | None:
        """Credit what came from outside; see `Ledger.deposit`."""
        return self._unknown(asset) or self.ledger.deposit(account, asset, amount_atoms, txn_id)

    def withdraw(self, account: int, asset: int, amount_atoms: int, txn_id: int) -> RejectCode | None:
        """Debit what leaves for the outside; see `Ledger.withdraw`."""
        return self._unknown(asset) or self.ledger.withdraw(account, asset, amount_atoms, txn_id)

    def transfer(self, source: int, target: int, asset: int, amount_atoms: int, txn_id: int) -> RejectCode | None:
        """Move what is available between accounts; see `Ledger.transfer`."""
        return self._unknown(asset) or self.ledger.transfer(source, target, asset, amount_atoms, txn_id)

    def set_fees(self, tier: int, fees: Fees) -> RejectCode | None:
        """Set what a tier pays from the next fill on."""
        checked_int(tier, "tier", 0, TIERS_MAX - 1)
        least = min((listing.max_fee_ppm for listing in self.listings), default=MAX_FEE_PPM_MAX)
        code = self.fees.refusal_of(tier, fees, least)
        if not code:
            self.fees.tiers[tier] = fees
        return code

    def set_tier(self, account: int, tier: int) -> None:
        """Put an account in a tier that has been set. MisuseError otherwise."""
        if tier not in self.fees.tiers:
            raise MisuseError(f"tier={shown(tier)} has no fees yet: set_fees first.")
        self.fees.tier_of[account] = tier

    def _unknown(self, asset: int) -> RejectCode | None:
        return None if 0 <= asset < len(self.assets) else RejectCode.UNKNOWN_ASSET

    def check(self) -> None:
        """Raise InvariantError unless every market and the ledger are sound. O(state)."""
        for market in self.markets:
            market.check()
        self.ledger.check()
