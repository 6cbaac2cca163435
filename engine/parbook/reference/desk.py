"""The market's state and the few operations that every command is made of.

A `Desk` holds book, client ids, curve, clock and counters, and composes them; the rules of each command
stand in `entry`, `changes` and `anchors`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from parbook.codes import CancelReason, Priority, RejectCode, Side, Source
from parbook.instrument import Instrument
from parbook.messages import Accepted, Amended, Cancelled, Event, Rejected, Trade
from parbook.reference.book import Book, Order
from parbook.reference.identity import ClientIds
from parbook.reference.matching import PlannedFill, plan_fills
from parbook.reference.quotes import Curve


class Row(NamedTuple):
    """One COMMAND record as plain integers, field for field."""

    kind: int
    side: int
    order_type: int
    tif: int
    account: int
    order_id: int
    client_id: int
    price_ticks: int
    qty_lots: int
    ts_ns: int
    high_ticks: int
    instrument: int
    session: int
    reserved: int


class Desk:
    """Everything one market remembers."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.book = Book()
        self.ids = ClientIds(instrument.client_id_window)
        self.curve: Curve | None = None
        self.now_ns = 0
        self.next_seq = 1
        self.next_command = 1
        self.next_order_id = 1
        self.last_trade_ticks = 0
        self.events: list[Event] = []

    def emit(self, event: type[Any], **fields: Any) -> None:
        """Append an event with the next sequence number, caused by the current command."""
        self.events.append(event(seq=self.next_seq, command=self.next_command & 0xFFFFFFFF, **fields))
        self.next_seq += 1

    def refuse(self, code: RejectCode, row: Row) -> None:
        """Answer the command with its refusal."""
        self.emit(Rejected, code=code, order_id=row.order_id, client_id=row.client_id, account=row.account)

    # --- orders ---------------------------------------------------------------------------------

    def touch_ticks(self, side: Side, without: Order | None = None) -> int:
        """Best resting price of the taker's own side: what clips the curve."""
        return self.book.best_ticks(side, without)

    def plan(self, side: Side, limit_ticks: int, qty_lots: int) -> list[PlannedFill]:
        """Return the fills a taker of that side would get now."""
        return list(plan_fills(self.book, self.curve, side, limit_ticks, qty_lots, self.touch_ticks(side)))

    def accept(self, order: Order, leaves_lots: int) -> None:
        """Announce a new order, which keeps `leaves_lots` once its fills are applied."""
        self.emit(Accepted, **_order_fields(order), leaves_lots=leaves_lots)

    def amended(self, order: Order, priority: Priority, leaves_lots: int) -> None:
        """Announce an order's new total and price."""
        self.emit(Amended, **_order_fields(order), priority=priority, leaves_lots=leaves_lots)

    def execute(self, taker: Order, fills: list[PlannedFill]) -> None:
        """Apply a taker's planned fills in order, each at the maker's price."""
        for fill in fills:
            if fill.order is not None:
                self._fill_resting(fill.order, fill.lots)
            elif self.curve is not None:
                self.curve.cursor = self.curve.cursor.after(taker.side, fill.price_ticks, fill.lots)
            taker.filled_lots += fill.lots
            self._trade(fill, taker)

    def lift(self, order: Order, lots: int) -> None:
        """The curve buys `lots` of a resting ask at the ask's own price."""
        assert self.curve is not None
        self.curve.cursor = self.curve.cursor.after(Side.SELL, order.price_ticks, lots)
        self._fill_resting(order, lots)
        self._trade(PlannedFill(Source.LIFT, order.price_ticks, lots, order), None)

    def rest(self, order: Order) -> None:
        """Let what is left of an order rest at the back of its queue; one with nothing left dies."""
        if order.leaves_lots:
            self.book.add(order)
        else:
            self.ids.close(order.account, order.client_id)

    def cancel(self, order: Order, reason: CancelReason) -> None:
        """Take a resting order out and say so."""
        self.book.remove(order)
        self.cancelled(order, reason)

    def cancelled(self, order: Order, reason: CancelReason) -> None:
        """Announce that what was left of an order does not trade any more."""
        fields = _order_fields(order) | {"qty_lots": order.leaves_lots}
        self.emit(Cancelled, **fields, reason=reason)
        self.ids.close(order.account, order.client_id)

    def _fill_resting(self, order: Order, lots: int) -> None:
        self.book.fill(order, lots)
        if not order.leaves_lots:
            self.ids.close(order.account, order.client_id)

    def _trade(self, fill: PlannedFill, taker: Order | None) -> None:
        maker = fill.order
        self.last_trade_ticks = fill.price_ticks
        cursor_lots = self.curve.cursor.net_lots if self.curve else 0
        self.emit(
            Trade,
            source=fill.source,
            side=taker.side if taker else Side.BUY,
            price_ticks=fill.price_ticks,
            qty_lots=fill.lots,
            taker_order_id=taker.order_id if taker else 0,
            taker_account=taker.account if taker else 0,
            maker_order_id=maker.order_id if maker else 0,
            maker_account=maker.account if maker else 0,
            maker_leaves_lots=maker.leaves_lots if maker else cursor_lots,
        )


def _order_fields(order: Order) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "client_id": order.client_id,
        "account": order.account,
        "side": order.side,
        "price_ticks": order.price_ticks,
        "qty_lots": order.qty_lots,
    }
