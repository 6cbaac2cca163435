"""The reference market: the specification, behind the interface every market offers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

import msgspec

from parbook.codes import RejectCode, Side
from parbook.instrument import Instrument
from parbook.interface import CurveState, OrderState
from parbook.messages import (
    Accepted,
    Amended,
    AmendOrder,
    Cancelled,
    CancelOrder,
    Command,
    Event,
    NewOrder,
    Rejected,
    SetCurve,
    Trade,
)
from parbook.records import Records, command_records, curve_record, event_records
from parbook.reference import running, views
from parbook.reference.desk import Desk, Row
from parbook.reference.restore import restore
from parbook.reference.running import refuse_other_arrays, rows_of
from parbook.state_parts import refuse_other_states
from parbook.units import checked_int


class Placed(msgspec.Struct, frozen=True):
    """Outcome of `place` and `amend`. See `parbook.interface.Placed`."""

    code: int
    order_id: int
    filled_lots: int
    notional: int
    leaves_lots: int
    first_seq: int

    @property
    def ok(self) -> bool:
        """True when the order was accepted."""
        return self.code == 0

    @property
    def refusal(self) -> RejectCode | None:
        """The refusal with its documentation, or None."""
        return RejectCode(self.code) if self.code else None


def _begins(event: Event, order_id: int, fields: Mapping[str, Any]) -> TypeGuard[Accepted | Amended | Cancelled]:
    """Whether a command's word on its own order is this event, not on one that the clock or a stop moved before it."""
    if isinstance(event, Accepted):
        return True
    # Only a change names an order; what a new order's own time let expire is another one.
    if "order_id" not in fields or not isinstance(event, (Amended, Cancelled)):
        return False
    if order_id:
        return event.order_id == order_id
    return (event.account, event.client_id) == (fields["account"], fields["client_id"])


def refuse_other_numbers(fields: dict[str, Any]) -> None:
    """Raise MisuseError for an argument of a shortcut that is no integer, or none that any record could carry."""
    for name, value in fields.items():
        checked_int(value, name, -(2**63), 2**64 - 1)


def placed_of(events: list[Event], fields: Mapping[str, Any], first_seq: int, desk: Desk | None) -> Placed:
    """Return what became of the order that a command with these fields entered or changed. O(events)."""
    refused = next((event for event in events if isinstance(event, Rejected)), None)
    order_id = fields.get("order_id", 0)
    fills: list[Trade] = []
    if not refused:
        start, begin = next((n, event) for n, event in enumerate(events) if _begins(event, order_id, fields))
        order_id = begin.order_id
        trades = [event for event in events[start:] if isinstance(event, Trade)]
        fills = [trade for trade in trades if order_id in (trade.taker_order_id, trade.maker_order_id)]
    order = desk.orders.get(order_id) if desk and not refused else None
    return Placed(
        int(refused.code) if refused else 0,
        order_id,
        sum(fill.qty_lots for fill in fills),
        sum(fill.qty_lots * fill.price_ticks for fill in fills),
        order.leaves_lots if order else 0,
        first_seq,
    )


class Market:
    """One instrument's book and curve, in plain Python. See `parbook.interface.MarketProtocol`."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self._desk = Desk(instrument)

    @classmethod
    def from_state(cls, instrument: Instrument, state: bytes) -> Market:
        """Return the market that had this state. See `parbook.interface.MarketProtocol`."""
        refuse_other_states(state)
        market = cls(instrument)
        restore(market._desk, state)
        return market

    # --- commands -------------------------------------------------------------------------------

    def apply(self, command: Command) -> list[Event]:
        """Apply one command and return its events. MisuseError when a value does not fit its record field."""
        if isinstance(command, SetCurve):
            curve_record(command)  # refuses values that fit no record, as it does for every other command
            return self._run_set_curve(command)
        return [event for row in rows_of(command_records([command])) for event in self._run(row)]

    def apply_batch(self, commands: Records) -> Records:
        """Apply an array of COMMAND records and return the EVENT records they caused."""
        refuse_other_arrays(commands)
        events: list[Event] = []
        for row in rows_of(commands):
            events += self._run(row)
        return event_records(events)

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
        """Enter an order; the shortcut for apply(NewOrder(...))."""
        fields = {name: value for name, value in locals().items() if name != "self"}
        return self._placed(NewOrder, fields)

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
        fields = {name: value for name, value in locals().items() if name != "self"}
        return self._placed(AmendOrder, fields)

    def cancel(self, account: int, order_id: int = 0, client_id: int = 0, ts_ns: int = 0) -> int:
        """Cancel an order; 0 when done, else the RejectCode's number."""
        fields = {name: value for name, value in locals().items() if name != "self"}
        return self._placed(CancelOrder, fields).code

    def _placed(self, kind: type[Any], fields: dict[str, Any]) -> Placed:
        refuse_other_numbers(fields)
        first_seq = self._desk.next_seq
        return placed_of(self.apply(kind(**fields)), fields, first_seq, self._desk)

    def _run(self, row: Row) -> list[Event]:
        running.run_leftovers(self._desk)
        running.run(self._desk, row)
        return self._finish()

    def _run_set_curve(self, command: SetCurve) -> list[Event]:
        running.run_leftovers(self._desk)
        running.run_set_curve(self._desk, command)
        return self._finish()

    def _finish(self) -> list[Event]:
        self._desk.next_command += 1
        return running.take_events(self._desk)

    # --- views ----------------------------------------------------------------------------------

    def depth(self, levels: int = 10) -> Records:
        """Return DEPTH records of book and curve, best first, bids before asks."""
        return views.depth(self._desk, checked_int(levels, "levels", 1, 2**31 - 1))

    def order(self, order_id: int) -> OrderState | None:
        """Return the live order, or None."""
        order = self._desk.orders.get(checked_int(order_id, "order_id", 0, 2**64 - 1))
        return None if order is None else views.order_state(order)

    def queue(self, side: int, price_ticks: int) -> list[int]:
        """Return the ids of the orders resting at a price, first to trade first."""
        side = Side(checked_int(side, "side", 0, 1))
        return views.queue(self._desk, side, checked_int(price_ticks, "price_ticks", -(2**63), 2**63 - 1))

    @property
    def curve(self) -> CurveState | None:
        """The curve's state, or None before the first SetCurve."""
        return views.curve_state(self._desk)

    @property
    def best_bid_ticks(self) -> int:
        """Best resting bid of the book, 0 when there is none."""
        return self._desk.book.best_ticks(Side.BUY)

    @property
    def best_ask_ticks(self) -> int:
        """Best resting ask of the book, 0 when there is none."""
        return self._desk.book.best_ticks(Side.SELL)

    @property
    def last_trade_ticks(self) -> int:
        """Price of the last trade, 0 before the first."""
        return self._desk.last_trade_ticks

    @property
    def open_orders(self) -> int:
        """How many orders are live, wherever they stand."""
        return len(self._desk.orders)

    @property
    def now_ns(self) -> int:
        """The market's clock."""
        return self._desk.now_ns

    @property
    def next_seq(self) -> int:
        """Sequence number the next event will carry."""
        return self._desk.next_seq

    def state_bytes(self) -> bytes:
        """Return the canonical serialisation of the state; layout in `parbook.state`."""
        return views.state_bytes(self._desk)

    def state_hash(self) -> str:
        """Return the BLAKE2b-256 of `state_bytes()`."""
        return views.digest(self.state_bytes())

    def check(self) -> None:
        """Verify every container's invariants, and that book and curve are neither locked nor crossed."""
        views.check(self._desk)
