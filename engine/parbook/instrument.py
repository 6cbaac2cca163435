"""What is traded, and the limits and conversions that belong to it."""

from __future__ import annotations

from decimal import Decimal
from enum import IntEnum
from typing import TYPE_CHECKING

import msgspec

from parbook.codes import Allocation, SessionState, StpMode
from parbook.errors import MisuseError, shown
from parbook.units import (
    NOTIONAL_MAX,
    PPM,
    PRICE_TICKS_MAX,
    QTY_LOTS_MAX,
    checked_int,
    from_units,
    parse_decimal,
    to_units,
)

MAX_ORDERS_LIMIT = 2**24
"""No market holds more resting orders than this."""
CLIENT_ID_WINDOW_LIMIT = 2**20
"""No market remembers more client ids of dead orders than this."""
MAX_TRIGGERS_LIMIT = 2**16
"""No command elects more stops than this."""
MAX_FOLLOWERS_LIMIT = 2**14
"""No market holds more pegs, nor more trailing stops, than this."""
MAX_ACCOUNTS_LIMIT = 2**20
"""No market registers more accounts than this."""
BUST_WINDOW_LIMIT = 2**20
"""No market remembers more trades than this for BUST."""


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One tradable instrument.

    symbol                    1 to 32 printable characters
    tick, lot                 size of one price tick and of one lot, as text or Decimal; positive
    collar_ppm                half-width of the band around the reference price that a market order may reach
    max_orders                resting orders the book accepts before it refuses with BOOK_FULL
    client_id_window          how many client ids of dead orders stay refused as duplicates (0: free at once)

    Matching:
    allocation                how the orders of one price share an aggressor
    stp                       self-trade prevention of orders that name no mode of their own
    reinsert_on_amend         every amendment is a cancel and a new entry under the old id: priority is always lost
    market_rests              a MARKET order may be GTC; its remainder rests at the protected limit
    max_pegs                  pegged orders that may be live; every command may move all of them
    max_trailing              trailing stops that may wait; every print may move all of them
    max_triggers              stops one command may elect; those beyond wait for the next command
    stop_through_triggers     a stop whose price is reached at entry triggers at once (else it is refused)

    Session and auctions:
    initial_state             session state of a new market
    curve_in_auction          the curve's ladder takes part in the uncross

    Protection (0: off):
    static_band_ppm           collar around the static reference: active anchor, else last auction, else last trade
    dynamic_band_ppm          collar around the last trade before the command
    breach_rests              what a sweep leaves at the collar rests (else it is cancelled)
    breach_state              session state after a breach: CONTINUOUS (none), HALTED or AUCTION
    max_order_lots            largest order
    max_order_notional        largest price_ticks * qty_lots of an order
    price_reach_ppm           farthest price from the reference price, either way
    max_accounts              accounts that SET_ACCOUNT, KILL and DEADMAN may register
    registered_only           accounts must have been registered by SET_ACCOUNT
    bust_window               how many past trades BUST can name
    """

    symbol: str
    tick: Decimal = Decimal("1")
    lot: Decimal = Decimal("1")
    collar_ppm: int = 50_000
    max_orders: int = MAX_ORDERS_LIMIT
    client_id_window: int = 1024
    allocation: Allocation = Allocation.PRICE_TIME
    stp: StpMode = StpMode.OFF
    reinsert_on_amend: bool = False
    market_rests: bool = False
    max_pegs: int = 1024
    max_trailing: int = 1024
    max_triggers: int = 64
    stop_through_triggers: bool = False
    initial_state: SessionState = SessionState.CONTINUOUS
    curve_in_auction: bool = False
    static_band_ppm: int = 0
    dynamic_band_ppm: int = 0
    breach_rests: bool = False
    breach_state: SessionState = SessionState.CONTINUOUS
    max_order_lots: int = QTY_LOTS_MAX
    max_order_notional: int = NOTIONAL_MAX
    price_reach_ppm: int = 0
    registered_only: bool = False
    max_accounts: int = MAX_ACCOUNTS_LIMIT
    bust_window: int = 0

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
            allocation: Allocation = ...,
            stp: StpMode = ...,
            reinsert_on_amend: bool = ...,
            market_rests: bool = ...,
            max_pegs: int = ...,
            max_trailing: int = ...,
            max_triggers: int = ...,
            stop_through_triggers: bool = ...,
            initial_state: SessionState = ...,
            curve_in_auction: bool = ...,
            static_band_ppm: int = ...,
            dynamic_band_ppm: int = ...,
            breach_rests: bool = ...,
            breach_state: SessionState = ...,
            max_order_lots: int = ...,
            max_order_notional: int = ...,
            price_reach_ppm: int = ...,
            registered_only: bool = ...,
            max_accounts: int = ...,
            bust_window: int = ...,
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
            ("max_pegs", 0, MAX_FOLLOWERS_LIMIT),
            ("max_trailing", 0, MAX_FOLLOWERS_LIMIT),
            ("max_triggers", 1, MAX_TRIGGERS_LIMIT),
            ("max_accounts", 0, MAX_ACCOUNTS_LIMIT),
            ("static_band_ppm", 0, PPM),
            ("dynamic_band_ppm", 0, PPM),
            ("max_order_lots", 1, QTY_LOTS_MAX),
            ("max_order_notional", 1, NOTIONAL_MAX),
            ("price_reach_ppm", 0, PPM * PPM),
            ("bust_window", 0, BUST_WINDOW_LIMIT),
        ):
            checked_int(getattr(self, name), name, low, high)
        for name in (
            "reinsert_on_amend",
            "market_rests",
            "stop_through_triggers",
            "curve_in_auction",
            "breach_rests",
            "registered_only",
        ):
            if not isinstance(getattr(self, name), bool):
                raise MisuseError(f"{name}={shown(getattr(self, name))} must be True or False.")
        self._check_choices()

    def _check_choices(self) -> None:
        states = (SessionState.CONTINUOUS, SessionState.HALTED, SessionState.AUCTION)
        initial = tuple(state for state in SessionState if state is not SessionState.DELISTED)
        stp = tuple(mode for mode in StpMode if mode is not StpMode.DEFAULT)
        every: tuple[tuple[str, tuple[IntEnum, ...]], ...] = (
            ("allocation", tuple(Allocation)),
            ("stp", stp),
            ("breach_state", states),
            ("initial_state", initial),
        )
        for name, choices in every:
            value = getattr(self, name)
            if value not in choices:
                names = ", ".join(choice.name for choice in choices)
                raise MisuseError(f"{name}={shown(value)} must be one of {names}.")
            msgspec.structs.force_setattr(self, name, choices[choices.index(value)])

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
