"""The reference market: the specification, behind the interface every market offers.

Every command is one row of integers, whether it came as a Struct or in an array. Its handler either refuses
with a RejectCode before it changes anything, or carries the command out and emits its events in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeGuard

import msgspec
import numpy as np

from parbook.codes import CommandKind, RejectCode, Side
from parbook.errors import MisuseError
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
from parbook.records import COMMAND, TERMS, Records, command_records, curve_record, event_records
from parbook.reference import (
    accounts,
    anchors,
    auction,
    busts,
    changes,
    entry,
    mass,
    pegs,
    quoting,
    session,
    steps,
    stops,
    views,
)
from parbook.reference.desk import Desk, Row, Terms
from parbook.units import checked_int

Handler = Callable[[Desk, Row], RejectCode | None]

HANDLERS: Final[dict[int, Handler]] = {
    CommandKind.NEW: entry.new_order,
    CommandKind.CANCEL: changes.cancel_order,
    CommandKind.AMEND: changes.amend_order,
    CommandKind.REDUCE: changes.reduce_order,
    CommandKind.ADVANCE: anchors.advance,
    CommandKind.PROPOSE_ANCHOR: anchors.propose_anchor,
    CommandKind.WITHDRAW_ANCHORS: anchors.withdraw_anchors,
    CommandKind.WITHDRAW_CURVE: anchors.withdraw_curve,
    CommandKind.NEW_SPECIAL: entry.new_order,
    CommandKind.AMEND_SPECIAL: changes.amend_order,
    CommandKind.MASS_CANCEL: mass.mass_cancel,
    CommandKind.KILL: mass.kill,
    CommandKind.DEADMAN: mass.dead_man,
    CommandKind.QUOTE: quoting.quote,
    CommandKind.RESET_PROTECTION: quoting.reset_protection,
    CommandKind.SET_ACCOUNT: accounts.set_account,
    CommandKind.SET_STATE: session.set_state,
    CommandKind.BUST: busts.bust,
}
SPECIAL: Final = frozenset({CommandKind.NEW_SPECIAL, CommandKind.AMEND_SPECIAL})


def rows_of(commands: Records) -> Iterator[Row]:
    """Yield the commands of a COMMAND array; a special one takes the TERMS record behind it. O(records)."""
    records = commands.tolist()
    index = 0
    while index < len(records):
        row = Row._make((*records[index], Terms()))
        index += 1
        if row.kind in SPECIAL:
            if index == len(records) or records[index][0] != CommandKind.TERMS:
                yield row._replace(terms=None)
                continue
            terms = np.ascontiguousarray(commands[index : index + 1]).view(TERMS)
            row = row._replace(terms=Terms._make(terms[0].tolist()))
            index += 1
        else:
            row = row._replace(trail_ppm=0)
        yield row


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


def _begins(event: Event, order_id: int, fields: dict[str, Any]) -> TypeGuard[Accepted | Amended | Cancelled]:
    """Whether a command's word on its own order is this event, not on one that the clock or a stop moved before it."""
    if isinstance(event, Accepted):
        return True
    # Only a change names an order; what a new order's own time let expire is another one.
    if "order_id" not in fields or not isinstance(event, (Amended, Cancelled)):
        return False
    if order_id:
        return event.order_id == order_id
    return (event.account, event.client_id) == (fields["account"], fields["client_id"])


class Market:
    """One instrument's book and curve, in plain Python. See `parbook.interface.MarketProtocol`."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self._desk = Desk(instrument)

    # --- commands -------------------------------------------------------------------------------

    def apply(self, command: Command) -> list[Event]:
        """Apply one command and return its events. MisuseError when a value does not fit its record field."""
        if isinstance(command, SetCurve):
            curve_record(command)  # refuses values that fit no record, as it does for every other command
            return self._run_set_curve(command)
        return [event for row in rows_of(command_records([command])) for event in self._run(row)]

    def apply_batch(self, commands: Records) -> Records:
        """Apply an array of COMMAND records and return the EVENT records they caused."""
        if not isinstance(commands, np.ndarray) or commands.dtype != COMMAND or commands.ndim != 1:
            found = getattr(commands, "dtype", type(commands).__name__)
            raise MisuseError(f"apply_batch takes a one-dimensional array of parbook.records.COMMAND, not {found}.")
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
        for name, value in fields.items():
            checked_int(value, name, -(2**63), 2**64 - 1)
        first_seq = self._desk.next_seq
        events = self.apply(kind(**fields))
        refused = next((event for event in events if isinstance(event, Rejected)), None)
        order_id = fields.get("order_id", 0)
        fills: list[Trade] = []
        if not refused:
            start, begin = next((n, event) for n, event in enumerate(events) if _begins(event, order_id, fields))
            order_id = begin.order_id
            trades = [event for event in events[start:] if isinstance(event, Trade)]
            fills = [trade for trade in trades if order_id in (trade.taker_order_id, trade.maker_order_id)]
        order = None if refused else self._desk.orders.get(order_id)
        return Placed(
            int(refused.code) if refused else 0,
            order_id,
            sum(fill.qty_lots for fill in fills),
            sum(fill.qty_lots * fill.price_ticks for fill in fills),
            order.leaves_lots if order else 0,
            first_seq,
        )

    def _run(self, row: Row) -> list[Event]:
        desk = self._desk
        self._run_leftovers()
        handler = HANDLERS.get(row.kind)
        if handler is None:
            desk.refuse(RejectCode.UNKNOWN_COMMAND, row)
        elif row.terms is None:
            desk.refuse(RejectCode.MISSING_TERMS, row)
        else:
            code = anchors.move_clock(desk, row.ts_ns) or handler(desk, row)
            if code:
                desk.refuse(code, row)
            steps.finish_step(desk)
            self._follow_up()
        return self._finish()

    def _run_set_curve(self, command: SetCurve) -> list[Event]:
        desk = self._desk
        self._run_leftovers()
        code = anchors.move_clock(desk, command.ts_ns) or anchors.set_curve(desk, command)
        if code:
            desk.refuse(code, Row(CommandKind.SET_CURVE))
        steps.finish_step(desk)
        self._follow_up()
        return self._finish()

    def _run_leftovers(self) -> None:
        """Run stops that an earlier command elected and left, as an internal command with a number of its own."""
        desk = self._desk
        desk.band_ticks = desk.last_trade_ticks
        if desk.elected and desk.session.matches:
            self._follow_up()
            desk.next_command += 1
            desk.band_ticks = desk.last_trade_ticks

    def _follow_up(self) -> None:
        """Do what follows every command: elected stops, pegs, the auction's indication."""
        stops.run_elected(self._desk)
        pegs.follow(self._desk)
        auction.indicate(self._desk)

    def _finish(self) -> list[Event]:
        desk = self._desk
        events, desk.events = desk.events, []
        desk.next_command += 1
        return events

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
