"""What a market and an exchange offer, whichever implementation stands behind them.

`parbook.reference` is the specification in plain Python, `parbook.Market` and its exchange the compiled twins. Both
take the same commands and answer with the same events, byte for byte, and the same state hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from parbook.codes import AccountStatus, OrderType, Peg, Place, RejectCode, Side, StpMode, TimeInForce, Trigger
from parbook.instrument import Instrument
from parbook.listing import Asset, Fees, Listing
from parbook.messages import Command, Event
from parbook.records import Records


class Placed(Protocol):
    """Outcome of `place` and `amend`: what became of one order."""

    @property
    def code(self) -> int:
        """0 when accepted, else the RejectCode's number."""

    @property
    def order_id(self) -> int:
        """The engine's id of the order; for a refused change the id that was named; 0 for a refused new order."""

    @property
    def filled_lots(self) -> int:
        """Lots the order traded by this call, whichever side it was on; not what others traded."""

    @property
    def notional(self) -> int:
        """Ticks x lots of those; divided by filled_lots it is the average price in ticks."""

    @property
    def leaves_lots(self) -> int:
        """Lots of the order that are live now; 0 for a refused change, which leaves its order as it was."""

    @property
    def first_seq(self) -> int:
        """Sequence number of this call's first event."""

    @property
    def ok(self) -> bool:
        """True when the order was accepted."""

    @property
    def refusal(self) -> RejectCode | None:
        """The refusal with its documentation, or None."""


class OrderState(msgspec.Struct, frozen=True, kw_only=True):
    """One live order as the market holds it. leaves = qty_lots - filled_lots. Fields as in parbook.state.ORDER."""

    order_id: int
    client_id: int
    account: int
    session: int
    side: Side
    order_type: OrderType
    tif: TimeInForce
    place: Place
    price_ticks: int
    qty_lots: int
    filled_lots: int
    shown_lots: int
    display_lots: int
    stop_ticks: int
    offset_ticks: int
    limit_ticks: int
    trail_ppm: int
    expire_ns: int
    oco_order_id: int
    hidden: bool
    reduce_only: bool
    stp: StpMode
    peg: Peg
    trigger: Trigger
    post_only: bool


class CurveState(msgspec.Struct, frozen=True, kw_only=True):
    """The curve as the market holds it.

    quoting        an anchor is active and the curve has not been withdrawn
    low_ticks      the anchor of its bids (0 before the first activation)
    high_ticks     the anchor of its asks
    net_lots       the cursor: net lots bought since target
    cash_notional  ticks x lots left to spend
    proposed       anchors waiting to activate
    """

    quoting: bool
    low_ticks: int
    high_ticks: int
    net_lots: int
    cash_notional: int
    proposed: int


class MarketProtocol(Protocol):
    """One instrument's book and curve behind one matching path. Deterministic; no clock, no I/O."""

    @classmethod
    def from_state(cls, instrument: Instrument, state: bytes) -> MarketProtocol:
        """Return the market that had this state: from now on it answers as that one would, event for event.

        `instrument` must be the one it had; its symbol, tick and lot are not in the state, which state_bytes() returns
        again. CorruptionError, with the first record that cannot be, for bytes that no such market returned;
        MisuseError for other types; MemoryError when there is no memory. O(state * log levels).
        """

    @property
    def instrument(self) -> Instrument:
        """What is traded here, and its limits."""

    def apply(self, command: Command) -> list[Event]:
        """Apply one command and return its events, in order. Never empty."""

    def apply_batch(self, commands: Records) -> Records:
        """Apply an array of COMMAND records and return the array of EVENT records they caused."""

    def place(
        self,
        account: int,
        side: int,
        qty_lots: int,
        price_ticks: int = 0,
        order_type: int = 0,
        tif: int = 0,
        client_id: int = 0,
        ts_ns: int = 0,
    ) -> Placed:
        """Enter an order; the shortcut for apply(NewOrder(...)). MisuseError for non-integers."""

    def cancel(self, account: int, order_id: int = 0, client_id: int = 0, ts_ns: int = 0) -> int:
        """Cancel an order; 0 when done, else the RejectCode's number."""

    def amend(
        self,
        account: int,
        order_id: int = 0,
        client_id: int = 0,
        qty_lots: int = 0,
        price_ticks: int = 0,
        ts_ns: int = 0,
    ) -> Placed:
        """Amend an order; the shortcut for apply(AmendOrder(...))."""

    def depth(self, levels: int = 10) -> Records:
        """Return DEPTH records: bids best first, then asks best first, at most `levels` of each source a side.

        Book levels carry displayed lots and order count. Curve rungs carry the lots each adds at its
        effective (clipped) price, cut where the cash ends. At one price the book's row comes first.
        """

    def order(self, order_id: int) -> OrderState | None:
        """Return the resting order, or None. O(1)."""

    def queue(self, side: int, price_ticks: int) -> list[int]:
        """Return the ids of the orders resting at a price, first to trade first. O(orders there)."""

    @property
    def curve(self) -> CurveState | None:
        """The curve's state, or None before the first SetCurve."""

    @property
    def best_bid_ticks(self) -> int:
        """Best resting bid of the book, 0 when there is none. The curve is not counted."""

    @property
    def best_ask_ticks(self) -> int:
        """Best resting ask of the book, 0 when there is none. The curve is not counted."""

    @property
    def last_trade_ticks(self) -> int:
        """Price of the last trade, 0 before the first."""

    @property
    def open_orders(self) -> int:
        """How many orders rest."""

    @property
    def now_ns(self) -> int:
        """The market's clock: the greatest ts_ns of any command so far."""

    @property
    def next_seq(self) -> int:
        """Sequence number the next event will carry. The first is 1."""

    def state_bytes(self) -> bytes:
        """Return the canonical serialisation of everything that can influence a later event. O(state)."""

    def state_hash(self) -> str:
        """Return the BLAKE2b-256 of `state_bytes()` as hex digits."""

    def check(self) -> None:
        """Verify every container's invariants; InvariantError names the one that is broken. O(state)."""


class ExchangeProtocol(Protocol):
    """Many markets over one ledger and one clock. Deterministic; no clock of its own, no I/O.

    A command that names an instrument runs in its market, which first does what fell due since it was last named.
    Money, fees and statuses are answered in the exchange's own stream: their `instrument` is EVERY_INSTRUMENT.
    """

    @classmethod
    def from_state(cls, state: bytes, assets: Sequence[Asset], listings: Sequence[Listing]) -> ExchangeProtocol:
        """Return the exchange that had this state: from now on it answers as that one would, event for event.

        `assets` and `listings` must be those it had, by index. CorruptionError, with the first record that cannot be,
        for bytes that no such exchange returned; MisuseError for other types; MemoryError when there is no memory.
        O(state * log levels).
        """

    def add_asset(self, asset: Asset) -> int:
        """Return the index of a new asset, dense from 0. MisuseError when its name is taken or there is no room."""

    def add_instrument(self, listing: Listing) -> int:
        """Return the index of a new instrument, dense from 0. MisuseError when it does not fit what is here."""

    @property
    def assets(self) -> tuple[Asset, ...]:
        """The assets, by index."""

    @property
    def listings(self) -> tuple[Listing, ...]:
        """The instruments with their money, by index."""

    def apply(self, command: Command) -> list[Event]:
        """Apply one command and return its events, in order. Never empty."""

    def apply_batch(self, commands: Records) -> Records:
        """Apply an array of COMMAND records, of any instruments, and return the EVENT records they caused."""

    def place(
        self,
        instrument: int,
        account: int,
        side: int,
        qty_lots: int,
        price_ticks: int = 0,
        order_type: int = 0,
        tif: int = 0,
        client_id: int = 0,
        ts_ns: int = 0,
    ) -> Placed:
        """Enter an order; the shortcut for apply(NewOrder(...)). MisuseError for non-integers."""

    def cancel(self, instrument: int, account: int, order_id: int = 0, client_id: int = 0, ts_ns: int = 0) -> int:
        """Cancel an order; 0 when done, else the RejectCode's number."""

    def amend(
        self,
        instrument: int,
        account: int,
        order_id: int = 0,
        client_id: int = 0,
        qty_lots: int = 0,
        price_ticks: int = 0,
        ts_ns: int = 0,
    ) -> Placed:
        """Amend an order; the shortcut for apply(AmendOrder(...))."""

    def market(self, instrument: int) -> MarketProtocol:
        """Return a market to look at; commands to it raise MisuseError. MisuseError for an unknown index."""

    def balance(self, account: int, asset: int) -> int:
        """Atoms an account owns, held ones included. MisuseError, here and below, for an unknown asset."""

    def held(self, account: int, asset: int) -> int:
        """Atoms of the balance that live orders may need, and for a treasury its curves."""

    def available(self, account: int, asset: int) -> int:
        """Atoms that may be withdrawn, transferred or held for something else: balance - held."""

    def fees_taken(self, asset: int) -> int:
        """Atoms that the venue earned: fees minus rebates."""

    def suspense(self, asset: int) -> int:
        """Atoms of busts that nobody had left to pay; negative: the venue owes them."""

    def inside(self, asset: int) -> int:
        """Atoms deposited and not withdrawn: all balances, the fees and the suspense together."""

    def fees_of(self, account: int) -> Fees:
        """What an account pays from the next fill on."""

    def status_of(self, account: int) -> AccountStatus:
        """What an account may do in all markets."""

    @property
    def now_ns(self) -> int:
        """The exchange's clock: the greatest ts_ns of any command so far. A market not named since may stand behind."""

    @property
    def next_command(self) -> int:
        """The number the next command will have, of whatever instrument. The first is 1."""

    @property
    def next_seq(self) -> int:
        """Sequence number of the next event in the exchange's own stream. The first is 1."""

    def state_bytes(self) -> bytes:
        """Return the canonical serialisation of everything that can influence a later event. O(state)."""

    def state_hash(self) -> str:
        """Return the BLAKE2b-256 of `state_bytes()` as hex digits."""

    def check(self) -> None:
        """Verify every market and that each asset adds up; InvariantError names what is broken. O(state)."""
