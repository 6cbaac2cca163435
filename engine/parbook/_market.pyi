"""The compiled market. Rules and refusals: `parbook.reference`; interface: `parbook.interface`."""

from typing import final

from parbook._calls import Placed
from parbook.instrument import Instrument
from parbook.interface import CurveState, OrderState
from parbook.messages import Command, Event
from parbook.records import Records

@final
class Gate:
    """Whether somebody is inside an exchange; its markets look at it. Nothing here is for callers."""

@final
class Market:
    """One instrument's book and curve, compiled. Not for two threads at once."""

    @property
    def instrument(self) -> Instrument:
        """What is traded here, and its limits."""
    def __new__(cls, instrument: Instrument) -> Market:
        """Make an empty market. MemoryError when there is none."""
    @classmethod
    def from_state(cls, instrument: Instrument, state: bytes) -> Market:
        """Return the market that had this state; a second loads some million orders. See MarketProtocol.

        CorruptionError, with the first record that cannot be, for bytes that no such market returned; MisuseError for
        other types; MemoryError when there is no memory.
        """
    def apply(self, command: Command) -> list[Event]:
        """Apply one command and return its events. MisuseError when a value does not fit its record field."""
    def apply_batch(self, commands: Records) -> Records:
        """Apply an array of COMMAND records and return the EVENT records they caused. Releases the GIL."""
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
    def cancel(self, account: int, order_id: int = 0, client_id: int = 0, ts_ns: int = 0) -> int:
        """Cancel an order; 0 when done, else the RejectCode's number."""
    def events(self, since: int) -> Records:
        """Return the EVENT records from sequence number `since` on. MisuseError when they are overwritten.

        The events of the last place, cancel, amend or apply are always kept; of a batch, which returned them, its end.
        """
    def depth(self, levels: int = 10) -> Records:
        """Return DEPTH records of book and curve, best first, bids before asks."""
    def order(self, order_id: int) -> OrderState | None:
        """Return the resting order, or None."""
    def queue(self, side: int, price_ticks: int) -> list[int]:
        """Return the ids of the orders resting at a price, first to trade first."""
    @property
    def curve(self) -> CurveState | None:
        """The curve's state, or None before the first SetCurve."""
    @property
    def best_bid_ticks(self) -> int:
        """Best resting bid of the book, 0 when there is none."""
    @property
    def best_ask_ticks(self) -> int:
        """Best resting ask of the book, 0 when there is none."""
    @property
    def last_trade_ticks(self) -> int:
        """Price of the last trade, 0 before the first."""
    @property
    def open_orders(self) -> int:
        """How many orders rest."""
    @property
    def now_ns(self) -> int:
        """The market's clock."""
    @property
    def next_seq(self) -> int:
        """Sequence number the next event will carry."""
    @property
    def memory_bytes(self) -> int:
        """Bytes of heap this market has reserved, events included."""
    def state_bytes(self) -> bytes:
        """Return the canonical serialisation of the state; layout in `parbook.state`."""
    def live_orders(self) -> Records:
        """Return the ORDER records (`parbook.state`) of every live order, in the order of the state."""
    def state_hash(self) -> str:
        """Return the BLAKE2b-256 of `state_bytes()`."""
    def check(self) -> None:
        """Verify every container's invariants; InvariantError names the one that is broken."""
