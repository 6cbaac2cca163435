"""What an order would meet now, read off depth. Changes nothing."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Final

import msgspec

from parbook.codes import Side, Source
from parbook.interface import MarketProtocol
from parbook.listing import Fees, fee_atoms
from parbook.units import PRICE_TICKS_MAX, from_units
from parbook.venue.grid import BPS, InstrumentHandle
from parbook.venue.results import AVERAGE

_LEVELS: Final = 64


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What a limit order would trade at once, book and curve together, if nothing that depth hides got in its way.

    It cannot know: hidden orders and what icebergs keep back (they only make it better), the order's own group resting
    in front (self-trade prevention), the collar and the account's limits, a session state in which nothing matches, and
    whether an anchor falls due by then.

    book_lots, curve_lots  where the lots come from
    notional               ticks x lots of them
    worst_ticks            the last price it would print at, 0 without a fill
    left_lots              what would not trade
    fair_ticks             middle of the active anchor, exact; None without one
    fee_atoms              the taker's fee on the whole; every fill rounds up, so it may be an atom a fill more
    available_atoms        what the account has to pay with: quote to buy, base to sell
    needed_atoms           what an order over the filled lots at worst_ticks would hold
    """

    instrument: InstrumentHandle
    side: Side
    book_lots: int
    curve_lots: int
    notional: int
    worst_ticks: int
    left_lots: int
    fair_ticks: Fraction | None
    fee_atoms: int
    available_atoms: int
    needed_atoms: int

    def __repr__(self) -> str:
        split = f"{self.book} from the book, {self.curve} from the curve"
        return f"<preview {self.side.name}: {split}, average {self.avg_price}, {self.left} left>"

    @property
    def filled_lots(self) -> int:
        """Lots that would trade."""
        return self.book_lots + self.curve_lots

    @property
    def filled(self) -> Decimal:
        """Quantity that would trade."""
        return self.instrument.qty(self.filled_lots)

    @property
    def book(self) -> Decimal:
        """Quantity from resting orders."""
        return self.instrument.qty(self.book_lots)

    @property
    def curve(self) -> Decimal:
        """Quantity from the curve."""
        return self.instrument.qty(self.curve_lots)

    @property
    def left(self) -> Decimal:
        """Quantity that would not trade."""
        return self.instrument.qty(self.left_lots)

    @property
    def value(self) -> Decimal:
        """Sum of price x quantity, exact, before fees."""
        return self.instrument.value(self.notional)

    @property
    def fee(self) -> Decimal:
        """The taker's fee; see fee_atoms."""
        return self.instrument.quote.amount(self.fee_atoms)

    @property
    def worst_price(self) -> Decimal | None:
        """The last price, or None without a fill."""
        return self.instrument.price(self.worst_ticks) if self.worst_ticks else None

    @property
    def avg_price(self) -> Decimal | None:
        """Average price, rounded half to even to 28 digits; None without a fill."""
        if not self.filled_lots:
            return None
        return AVERAGE.divide(self.instrument.price(self.notional), Decimal(self.filled_lots))

    @property
    def discount_bps(self) -> Decimal | None:
        """How much worse than fair the average is, in bps of fair, half to even to 0.01; below 0: better."""
        if not self.filled_lots or self.fair_ticks is None:
            return None
        average = Fraction(self.notional, self.filled_lots)
        worse = self.fair_ticks - average if self.side is Side.SELL else average - self.fair_ticks
        share = worse / self.fair_ticks * 10_000
        return from_units(round(share * 100), BPS)

    @property
    def affordable(self) -> bool:
        """Whether the account has what such an order would hold."""
        return self.needed_atoms <= self.available_atoms


def swept(market: MarketProtocol, side: Side, limit_ticks: int, lots: int) -> list[tuple[Source, int, int]]:
    """Return (source, price_ticks, lots) of what faces an order, best first. O(levels met + rungs^2).

    At one price the book comes first; the curve's rungs are those of depth, clipped and cut where its cash ends.
    """
    levels = _LEVELS
    while True:
        depth = market.depth(levels)
        rows = depth[depth["side"] == 1 - side].tolist()
        steps: list[tuple[Source, int, int]] = []
        left_lots = lots
        seen = dict.fromkeys((Source.BOOK, Source.CURVE), 0)
        for _, source, _, price_ticks, qty_lots in rows:
            beyond = price_ticks > limit_ticks if side is Side.BUY else price_ticks < limit_ticks
            # Behind the last row that was asked for of a source, more of it may stand between those of the other.
            if beyond or not left_lots or levels in seen.values():
                break
            taken = min(left_lots, qty_lots)
            steps.append((Source(source), price_ticks, taken))
            seen[Source(source)] += 1
            left_lots -= taken
        if not left_lots or levels not in seen.values():
            return steps
        levels *= 8


def preview_of(
    handle: InstrumentHandle,
    market: MarketProtocol,
    side: Side,
    limit_ticks: int | None,
    lots: int,
    fees: Fees,
    available_atoms: int,
) -> Preview:
    """Return the preview of a limit order, or of one without a limit."""
    worst_limit = PRICE_TICKS_MAX if side is Side.BUY else 1
    steps = swept(market, side, worst_limit if limit_ticks is None else limit_ticks, lots)
    by_source = {source: sum(n for s, _, n in steps if s is source) for source in (Source.BOOK, Source.CURVE)}
    filled_lots = sum(by_source.values())
    notional = sum(price_ticks * n for _, price_ticks, n in steps)
    worst_ticks = steps[-1][1] if steps else 0
    listing = handle.listing
    if side is Side.BUY:
        price_atoms = worst_ticks * listing.tick_atoms
        needed_atoms = filled_lots * (price_atoms + fee_atoms(price_atoms, listing.max_fee_ppm))
    else:
        needed_atoms = filled_lots * listing.lot_atoms
    curve = market.curve
    return Preview(
        instrument=handle,
        side=side,
        book_lots=by_source[Source.BOOK],
        curve_lots=by_source[Source.CURVE],
        notional=notional,
        worst_ticks=worst_ticks,
        left_lots=lots - filled_lots,
        fair_ticks=Fraction(curve.low_ticks + curve.high_ticks, 2) if curve and curve.low_ticks else None,
        fee_atoms=fee_atoms(notional * listing.tick_atoms, fees.taker_ppm),
        available_atoms=available_atoms,
        needed_atoms=needed_atoms,
    )
