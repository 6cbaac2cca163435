"""The market's state and the few operations that every command is made of.

A `Desk` holds book, stops, pegs, client ids, accounts, session, curve, clock and counters, and composes them; the rules
of each command stand in the modules that `running.HANDLERS` names, what follows an aggressor in `steps`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from parbook.codes import CancelReason, Place, Priority, RejectCode, Side, Source, TimeInForce
from parbook.instrument import Instrument
from parbook.messages import Accepted, Amended, Cancelled, Event, Rejected, Shown, Trade
from parbook.reference.accounts import Accounts
from parbook.reference.book import RESTING, Book, Order
from parbook.reference.busts import PastTrade, TradeWindow
from parbook.reference.funds import Funds
from parbook.reference.identity import ClientIds
from parbook.reference.quotes import Curve
from parbook.reference.session import Session
from parbook.reference.statuses import Statuses
from parbook.reference.stopbook import StopBook


class Terms(NamedTuple):
    """One TERMS record as plain integers, field for field."""

    kind: int = 0
    hidden: int = 0
    reduce_only: int = 0
    stp: int = 0
    peg: int = 0
    trigger: int = 0
    reserved: int = 0
    display_lots: int = 0
    min_lots: int = 0
    stop_ticks: int = 0
    offset_ticks: int = 0
    expire_ns: int = 0
    amount_notional: int = 0
    oco_order_id: int = 0


class Row(NamedTuple):
    """One COMMAND record as plain integers, field for field, and the terms of a special one."""

    kind: int
    side: int = 0
    order_type: int = 0
    tif: int = 0
    account: int = 0
    order_id: int = 0
    client_id: int = 0
    price_ticks: int = 0
    qty_lots: int = 0
    ts_ns: int = 0
    high_ticks: int = 0
    instrument: int = 0
    session: int = 0
    trail_ppm: int = 0
    terms: Any = Terms()


class Step:
    """What one aggressor did, for `steps.finish_step`: the orders it touched, their fills, the prints."""

    def __init__(self) -> None:
        self.touched: list[Order] = []
        self.fills: list[tuple[Order, int]] = []
        self.first_print_ticks = 0
        self.last_print_ticks = 0
        self.anchor_ticks = 0
        self.breached = False


class Desk:
    """Everything one market remembers."""

    def __init__(
        self, instrument: Instrument, funds: Funds | None = None, statuses: Statuses | None = None, number: int = 0
    ) -> None:
        self.instrument = instrument
        self.number = number
        self.statuses = statuses if statuses is not None else Statuses()
        self.funds = funds
        if funds:
            funds.desk = self
        self.book = Book()
        self.stops = StopBook()
        self.orders: dict[int, Order] = {}
        self.expiring: dict[int, Order] = {}
        self.elected: deque[Order] = deque()
        self.pegs: dict[int, Order] = {}
        self.calls: tuple[dict[int, Order], dict[int, Order]] = ({}, {})
        self.ids = ClientIds(instrument.client_id_window)
        self.accounts = Accounts()
        self.session = Session(instrument.initial_state)
        self.window = TradeWindow(instrument.bust_window)
        self.curve: Curve | None = None
        self.now_ns = 0
        self.next_seq = 1
        self.next_command = 1
        self.next_order_id = 1
        self.last_trade_ticks = 0
        self.last_auction_ticks = 0
        self.step = Step()
        self.band_ticks = 0
        self.events: list[Event] = []

    def emit(self, event: type[Any], **fields: Any) -> None:
        """Append an event with the next sequence number, caused by the current command."""
        command = self.next_command & 0xFFFF
        self.events.append(event(seq=self.next_seq, command=command, instrument=self.number, **fields))
        self.next_seq += 1

    def refuse(self, code: RejectCode, row: Row) -> None:
        """Answer the command with its refusal; it echoes the ids of commands that name orders."""
        names_orders = not 13 <= row.kind <= 20
        self.emit(
            Rejected,
            code=code,
            order_id=row.order_id if names_orders else 0,
            client_id=row.client_id if names_orders else 0,
            account=row.account,
        )

    @property
    def reference_ticks(self) -> int:
        """What prices are measured against: the active anchor's middle, rounded down, else the last trade, else 0.

        The anchor comes first because in a thin market the last trade may be days old.
        """
        return self.anchor_ticks or self.last_trade_ticks

    @property
    def anchor_ticks(self) -> int:
        """The middle of the anchor the curve quotes around, rounded down; 0 without one."""
        curve = self.curve
        return (curve.low_ticks + curve.high_ticks) // 2 if curve and curve.quoting else 0

    # --- orders ---------------------------------------------------------------------------------

    def live_orders(self) -> Iterator[Order]:
        """Yield every live order in the order of parbook.state."""
        for line in (*self.book.displayed, *self.book.hidden):
            yield from line
        yield from self.stops
        yield from self.elected
        yield from (order for order in self.pegs.values() if order.place is Place.PARKED)
        for side in Side:
            yield from self.calls[side].values()

    def open(self, order: Order) -> None:
        """Give a new order its identity."""
        self.orders[order.order_id] = order
        if order.tif is TimeInForce.GTD:
            self.expiring[order.order_id] = order
        self.ids.open(order.account, order.client_id, order.order_id)
        self.accounts.opened(order)
        if self.funds:
            self.funds.opened(order)

    def close(self, order: Order) -> None:
        """Forget an order that is nowhere any more."""
        del self.orders[order.order_id]
        self.expiring.pop(order.order_id, None)
        self.pegs.pop(order.order_id, None)
        self.ids.close(order.account, order.client_id)
        self.accounts.closed(order)
        if self.funds:
            self.funds.closed(order)

    def accept(self, order: Order, place: Place, price_ticks: int, leaves_lots: int) -> None:
        """Announce a new order, which keeps `leaves_lots` at `place` once its fills are applied."""
        fields = order_fields(order) | {"price_ticks": price_ticks}
        self.emit(Accepted, **fields, leaves_lots=leaves_lots, place=place)

    def amended(self, order: Order, priority: Priority, leaves_lots: int) -> None:
        """Announce an order's new total and price."""
        self.emit(Amended, **order_fields(order), priority=priority, leaves_lots=leaves_lots)

    def rest(self, order: Order) -> None:
        """Put what is left of an order at the back of its queue; an iceberg's slice is announced."""
        self.book.add(order)
        if order.place is Place.ICEBERG:
            self.shown(order)

    def shown(self, order: Order) -> None:
        """Announce an iceberg's slice."""
        fields = order_fields(order) | {"qty_lots": order.shown_lots}
        self.emit(Shown, **fields, leaves_lots=order.leaves_lots)

    def take_out(self, order: Order) -> None:
        """Take a live order from wherever it stands."""
        if order.place in RESTING:
            self.book.remove(order)
        elif order.place is Place.ARMED:
            self.stops.disarm(order)
        elif order.place is Place.ELECTED:
            self.elected.remove(order)
        elif order.place is Place.CALL:
            del self.calls[order.side][order.order_id]

    def shrink(self, order: Order, lots: int) -> None:
        """Take `lots` (fewer than its leaves) off a live order's total; it keeps its place."""
        if order.place in RESTING:
            self.book.reduce(order, lots)
        elif order.place is Place.ARMED:
            self.stops.reduce(order, lots)
        else:
            order.qty_lots -= lots

    def cancel(self, order: Order, reason: CancelReason) -> None:
        """Take a live order out and say so; its OCO partner leaves right after it."""
        self.take_out(order)
        self.cancelled(order, reason)
        self.release_partner(order)

    def cancelled(self, order: Order, reason: CancelReason) -> None:
        """Announce that what was left of an order does not trade any more."""
        fields = order_fields(order) | {"qty_lots": order.leaves_lots}
        self.emit(Cancelled, **fields, reason=reason)
        self.close(order)

    def release_partner(self, order: Order) -> None:
        """Cancel the other leg of an OCO pair, if it is still live."""
        partner = self.orders.get(order.oco_order_id)
        order.oco_order_id = 0
        if partner:
            partner.oco_order_id = 0
            self.cancel(partner, CancelReason.OCO)

    # --- trades ---------------------------------------------------------------------------------

    def trade_resting(self, maker: Order, taker: Order | None, lots: int, source: Source) -> None:
        """Trade `lots` of a resting order at its price; a taker None is the curve, which LIFTs."""
        price_ticks = maker.price_ticks
        fresh_slice = self.book.fill(maker, lots)
        if taker:
            taker.filled_lots += lots
        self.print(source, taker.side if taker else Side.BUY, price_ticks, lots, taker, maker)
        if not maker.leaves_lots:
            self.close(maker)
        elif fresh_slice:
            self.shown(maker)

    def trade_curve(self, taker: Order, price_ticks: int, lots: int, source: Source = Source.CURVE) -> None:
        """Trade `lots` between an order and the curve."""
        assert self.curve is not None
        self.curve.cursor = self.curve.cursor.after(taker.side, price_ticks, lots)
        taker.filled_lots += lots
        self.print(source, taker.side, price_ticks, lots, taker, None)

    def lift(self, order: Order, lots: int) -> None:
        """The curve buys `lots` of a resting ask at the ask's own price."""
        assert self.curve is not None
        self.curve.cursor = self.curve.cursor.after(Side.SELL, order.price_ticks, lots)
        self.trade_resting(order, None, lots, Source.LIFT)

    def print(
        self, source: Source, side: Side, price_ticks: int, lots: int, taker: Order | None, maker: Order | None
    ) -> None:
        """Announce a fill that orders and cursor already include, and note it for what follows the step."""
        seq = self.next_seq
        step = self.step
        self.last_trade_ticks = step.last_print_ticks = price_ticks
        step.first_print_ticks = step.first_print_ticks or price_ticks
        cursor_lots = self.curve.cursor.net_lots if self.curve else 0
        taker_account, maker_account = taker.account if taker else 0, maker.account if maker else 0
        self.emit(
            Trade,
            source=source,
            side=side,
            price_ticks=price_ticks,
            qty_lots=lots,
            taker_order_id=taker.order_id if taker else 0,
            taker_account=taker_account,
            maker_order_id=maker.order_id if maker else 0,
            maker_account=maker_account,
            maker_leaves_lots=maker.leaves_lots if maker else cursor_lots,
        )
        trade = PastTrade(seq, price_ticks, lots, source, side, taker_account, maker_account)
        self.window.record(trade)
        if self.funds:
            self.funds.settle(trade)
        for order in (maker, taker):
            if order:
                self.accounts.filled(order, lots)
                step.touched.append(order)
                step.fills.append((order, lots))


def order_fields(order: Order) -> dict[str, Any]:
    """Return what every event about one order says of it."""
    return {
        "order_id": order.order_id,
        "client_id": order.client_id,
        "account": order.account,
        "side": order.side,
        "price_ticks": order.price_ticks,
        "qty_lots": order.qty_lots,
    }
