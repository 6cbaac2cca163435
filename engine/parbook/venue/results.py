"""What the public calls return: frozen values. Integers are kept; Decimals are made, exactly, when they are read."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Final, TypeVar

import msgspec

from parbook.codes import RejectCode, Source
from parbook.errors import RefusedError
from parbook.listing import Fees, fee_atoms
from parbook.messages import Cancelled, Event, Rejected
from parbook.venue.grid import AssetHandle, InstrumentHandle

AVERAGE: Final = Context(prec=28, rounding=ROUND_HALF_EVEN)
"""How averages become Decimals: 28 significant digits, half to even."""
_BOTH_MAKE: Final = frozenset({Source.LIFT, Source.UNCROSS, Source.UNCROSS_CURVE})

Self = TypeVar("Self", bound="Outcome")


def fill_fee(fees: Fees, source: Source, notional_atoms: int, *, maker: bool) -> int:
    """Return what one side of a fill pays, in atoms; a rebate is negative. Nobody takes in an auction or a LIFT."""
    if source in _BOTH_MAKE:
        return fee_atoms(notional_atoms, max(fees.maker_ppm, 0))
    return fee_atoms(notional_atoms, fees.maker_ppm if maker else fees.taker_ppm)


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """One fill of an order. `trade_id` is what `bust` takes. Fees are in the quote asset; the curve pays none."""

    instrument: InstrumentHandle
    trade_id: int
    source: Source
    is_maker: bool
    price_ticks: int
    qty_lots: int
    taker_fee_atoms: int
    maker_fee_atoms: int

    def __repr__(self) -> str:
        return f"<fill {self.qty} @ {self.price} {self.source.name}>"

    @property
    def price(self) -> Decimal:
        """The maker's price."""
        return self.instrument.price(self.price_ticks)

    @property
    def qty(self) -> Decimal:
        """The quantity."""
        return self.instrument.qty(self.qty_lots)

    @property
    def value(self) -> Decimal:
        """Price x quantity, exact: what moves between the two sides before fees."""
        return self.instrument.value(self.price_ticks * self.qty_lots)

    @property
    def taker_fee(self) -> Decimal:
        """What the taker pays."""
        return self.instrument.quote.amount(self.taker_fee_atoms)

    @property
    def maker_fee(self) -> Decimal:
        """What the maker pays; negative: a rebate."""
        return self.instrument.quote.amount(self.maker_fee_atoms)

    @property
    def fee(self) -> Decimal:
        """What the order itself pays."""
        return self.maker_fee if self.is_maker else self.taker_fee


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a call. `code` is None, or why it was refused: `code.doc` says it in words.

    `events` are all it caused, in order; those of what fell due before it come first. A call for every instrument is
    answered by each, and `code` is the first refusal.
    """

    what: str
    code: RejectCode | None
    events: tuple[Event, ...]

    def __repr__(self) -> str:
        return f"<{self.what}: {'done' if self.code is None else self.code.name}>"

    def __bool__(self) -> bool:
        return self.ok

    @property
    def ok(self) -> bool:
        """True when nothing was refused."""
        return self.code is None

    @property
    def cancelled(self) -> int:
        """How many orders left without trading all they wanted."""
        return sum(isinstance(event, Cancelled) for event in self.events)

    def raise_for_refusal(self: Self) -> Self:
        """Return the outcome itself, or raise RefusedError with its code."""
        if self.code is not None:
            raise RefusedError(self.what, self.code, self.code.doc)
        return self


class QuoteOutcome(Outcome, frozen=True, kw_only=True):
    """What became of a quote: the ids of its two orders, 0 where there is none."""

    bid_order_id: int
    ask_order_id: int


class Placement(Outcome, frozen=True, kw_only=True):
    """What became of one order by this call.

    order_id     the engine's id; of a refused change the one that was named, of a refused new order 0
    client_id    as given: text or integer, None for none
    fills        of this order, in order; not those of stops it elected
    leaves_lots  lots live now; 0 for a refused change, which leaves its order as it was
    first_seq    sequence number, in the instrument's stream, of the call's first event
    repeated     the session had sent this reference before: code, order_id and first_seq are of then, `fills` is empty
                 (read them in the events from first_seq on), leaves_lots of now
    """

    instrument: InstrumentHandle
    account: int
    order_id: int
    client_id: str | int | None
    fills: tuple[Fill, ...]
    filled_lots: int
    notional: int
    leaves_lots: int
    first_seq: int
    repeated: bool = False

    def __repr__(self) -> str:
        if self.code is not None:
            return f"<{self.what}: {self.code.name}>"
        return f"<{self.what}: order {self.order_id}, {self.filled} filled, {self.leaves} left>"

    @property
    def filled(self) -> Decimal:
        """Quantity traded by this call."""
        return self.instrument.qty(self.filled_lots)

    @property
    def leaves(self) -> Decimal:
        """Quantity live now."""
        return self.instrument.qty(self.leaves_lots)

    @property
    def value(self) -> Decimal:
        """Sum of price x quantity of the fills, exact, before fees."""
        return self.instrument.value(self.notional)

    @property
    def avg_ticks(self) -> Fraction | None:
        """Average price in ticks, exact; None without a fill."""
        return Fraction(self.notional, self.filled_lots) if self.filled_lots else None

    @property
    def avg_price(self) -> Decimal | None:
        """Average price, rounded half to even to 28 digits; None without a fill. Exact: `avg_ticks`, `value`."""
        if not self.filled_lots:
            return None
        return AVERAGE.divide(self.instrument.price(self.notional), Decimal(self.filled_lots))

    @property
    def fee_atoms(self) -> int:
        """Fees of the order's fills, in atoms of the quote asset; negative: a rebate."""
        return sum(fill.maker_fee_atoms if fill.is_maker else fill.taker_fee_atoms for fill in self.fills)

    @property
    def fee(self) -> Decimal:
        """Fees of the order's fills."""
        return self.instrument.quote.amount(self.fee_atoms)


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """What an account has of an asset: available = total - held. Held is what its live orders could need."""

    asset: AssetHandle
    total_atoms: int
    held_atoms: int

    def __repr__(self) -> str:
        return f"<{self.asset.name}: {self.total}, of which {self.held} held>"

    @property
    def total(self) -> Decimal:
        """What it owns."""
        return self.asset.amount(self.total_atoms)

    @property
    def held(self) -> Decimal:
        """What its live orders, or a curve of which it is the treasury, could need."""
        return self.asset.amount(self.held_atoms)

    @property
    def available(self) -> Decimal:
        """What it may withdraw, transfer, or use for another order."""
        return self.asset.amount(self.total_atoms - self.held_atoms)


def own_events(events: Sequence[Event]) -> list[Event]:
    """Return what a command itself caused: not what fell due before it, which has numbers of its own."""
    number = events[-1].command
    return [event for event in events if event.command == number]


def refusal_in(events: Sequence[Event]) -> RejectCode | None:
    """Return the code of the first Rejected, or None."""
    return next((event.code for event in events if isinstance(event, Rejected)), None)
