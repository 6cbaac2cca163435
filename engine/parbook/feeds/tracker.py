"""From private events to what the public sees of each order.

The tracker follows every live order through the events alone and keeps the displayed book. Place of an order, by event:

    ACCEPTED, TRIGGERED   say it (code); it rests there after its own fills, an iceberg with the SHOWN that follows
    AMENDED               KEPT: as before. LOST: a stop waits on, a peg is parked, any other rests after its own fills
    REPRICED              a peg (every one is ACCEPTED as PARKED): in the book at its price, parked at 0
    SHOWN                 an iceberg's slice, at the back of its queue

ACCEPTED, TRIGGERED and AMENDED come before the fills of their order, which is out of the book meanwhile. It is shown
after them, so that readers see the executions first and no book that is crossed by an order still matching.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from parbook.codes import CancelReason, EventKind, Place, Priority, Side, Source, StpMode
from parbook.errors import CorruptionError
from parbook.feeds.displayed import DisplayedBook
from parbook.feeds.wire import Flag, MessageKind


class EventRow(NamedTuple):
    """One EVENT record as plain integers, field for field."""

    kind: int
    side: int
    code: int
    account: int
    seq: int
    order_id: int
    other_id: int
    price_ticks: int
    qty_lots: int
    leaves_lots: int
    other_account: int
    instrument: int
    command: int


class Draft(NamedTuple):
    """A public message before it has a sequence number. Fields as in wire.MESSAGE."""

    kind: MessageKind
    side: int = 0
    code: int = 0
    flags: int = 0
    order_id: int = 0
    trade_id: int = 0
    price_ticks: int = 0
    qty_lots: int = 0
    leaves_lots: int = 0
    orders: int = 0


class _Live:
    """A live order, wherever it stands."""

    __slots__ = ("leaves_lots", "order_id", "pegged", "place", "price_ticks", "side")

    def __init__(self, row: EventRow) -> None:
        self.order_id = row.order_id
        self.side = Side(row.side)
        self.price_ticks = row.price_ticks
        self.leaves_lots = row.leaves_lots
        self.place = Place(row.code)
        self.pegged = self.place is Place.PARKED


_RESTING: Final = frozenset({Place.BOOK, Place.ICEBERG, Place.HIDDEN})
_MATCHED: Final = frozenset({Source.BOOK, Source.HIDDEN, Source.CURVE})
_CLEARED: Final = frozenset({Source.UNCROSS, Source.UNCROSS_CURVE})


class Tracker:
    """Follows the events of one market from its first one; `emit` receives the public side of each.

    `book` is the displayed book. Events that contradict each other raise CorruptionError. O(log levels) an event.
    """

    def __init__(self, emit: Callable[[Draft], None], touch: Callable[[Side, int], None]) -> None:
        """Hand messages to `emit`, and to `touch` the side and price of each level that changes."""
        self.book = DisplayedBook()
        self._emit = emit
        self._touch = touch
        self._live: dict[int, _Live] = {}
        self._matching: _Live | None = None

    def follow(self, row: EventRow) -> None:
        """Take the next event."""
        if self._matching and not self._belongs_to_match(self._matching.order_id, row):
            self.settle()
        handler = _HANDLERS.get(row.kind)
        if handler:
            handler(self, row)

    def settle(self) -> None:
        """Let the order whose match is over rest: what ends every command, too."""
        order, self._matching = self._matching, None
        if order is None:
            return
        if not order.leaves_lots:
            del self._live[order.order_id]
            self._hide(order)
        elif order.place is Place.BOOK:
            self._show(order, order.leaves_lots)

    @staticmethod
    def _belongs_to_match(order_id: int, row: EventRow) -> bool:
        match row.kind:
            case EventKind.TRADE:
                return row.order_id == order_id and row.code in _MATCHED
            case EventKind.CANCELLED:
                return row.order_id != order_id and row.code == CancelReason.SELF_TRADE
            case EventKind.SHOWN:
                return True
            case EventKind.PREVENTED | EventKind.BREACHED | EventKind.UNSPENT:
                return row.order_id == order_id
        return False

    def _named(self, order_id: int, row: EventRow) -> _Live:
        order = self._live.get(order_id)
        if order is None:
            raise CorruptionError(
                f"event {row.seq} ({EventKind(row.kind).name}) names order {order_id}, not a live one"
            )
        return order

    # --- the displayed book ---------------------------------------------------------------------

    def _show(self, order: _Live, lots: int) -> None:
        """Put an order, shown or not, at the back of its price's queue with `lots`."""
        kind = MessageKind.ADD
        if order.order_id in self.book:
            kind = MessageKind.MOVE
            self._touch(*self.book.place_of(order.order_id))
            self.book.delete(order.order_id)
        self.book.add(order.order_id, order.side, order.price_ticks, lots)
        self._touch(order.side, order.price_ticks)
        self._emit(Draft(kind, order.side, order_id=order.order_id, price_ticks=order.price_ticks, qty_lots=lots))

    def _hide(self, order: _Live) -> None:
        """Take an order from the displayed book, if it is there."""
        if order.order_id not in self.book:
            return
        side, price_ticks = self.book.place_of(order.order_id)
        lots = self.book.delete(order.order_id)
        self._touch(side, price_ticks)
        self._emit(Draft(MessageKind.DELETE, side, order_id=order.order_id, price_ticks=price_ticks, qty_lots=lots))

    def _shrink(self, order: _Live) -> None:
        """Let an order show no more than its leaves; an unshown reserve goes first."""
        if order.order_id not in self.book:
            return
        excess_lots = self.book.lots_of(order.order_id) - order.leaves_lots
        if not order.leaves_lots:
            self._hide(order)
        elif excess_lots > 0:
            self._take(MessageKind.REDUCE, order, excess_lots, trade_id=0)

    def _take(self, kind: MessageKind, order: _Live, lots: int, trade_id: int) -> None:
        side, price_ticks = self.book.place_of(order.order_id)
        left_lots = self.book.take(order.order_id, lots)
        self._touch(side, price_ticks)
        self._emit(
            Draft(
                kind,
                side,
                order_id=order.order_id,
                trade_id=trade_id,
                price_ticks=price_ticks,
                qty_lots=lots,
                leaves_lots=left_lots,
            )
        )

    # --- events ---------------------------------------------------------------------------------

    def _accepted(self, row: EventRow) -> None:
        if row.leaves_lots:
            order = self._live[row.order_id] = _Live(row)
            if order.place in _RESTING:
                self._matching = order

    def _triggered(self, row: EventRow) -> None:
        order = self._named(row.order_id, row)
        order.place, order.price_ticks, order.leaves_lots = Place(row.code), row.price_ticks, row.leaves_lots
        self._matching = order

    def _amended(self, row: EventRow) -> None:
        order = self._named(row.order_id, row)
        order.leaves_lots = row.leaves_lots
        order.price_ticks = row.price_ticks
        if row.code == Priority.KEPT:
            self._shrink(order)
        elif order.pegged:
            order.place = Place.PARKED
            self._hide(order)
        elif order.place in _RESTING:
            self._matching = order

    def _repriced(self, row: EventRow) -> None:
        order = self._named(row.order_id, row)
        order.price_ticks, order.leaves_lots = row.price_ticks, row.leaves_lots
        order.place = Place.BOOK if row.price_ticks else Place.PARKED
        if row.price_ticks:
            self._show(order, row.leaves_lots)
        else:
            self._hide(order)

    def _shown(self, row: EventRow) -> None:
        order = self._named(row.order_id, row)
        if order is self._matching:
            self._matching = None
        order.leaves_lots = row.leaves_lots
        self._show(order, row.qty_lots)

    def _cancelled(self, row: EventRow) -> None:
        order = self._live.pop(row.order_id, None)
        if order:
            self._hide(order)

    def _prevented(self, row: EventRow) -> None:
        if row.code != StpMode.DECREMENT:
            return
        order = self._named(row.other_id, row)
        order.leaves_lots = row.leaves_lots
        self._shrink(order)
        if not order.leaves_lots:
            del self._live[order.order_id]

    def _traded(self, row: EventRow) -> None:
        parties = [self._named(row.other_id, row)] if row.other_id else []
        if parties and parties[0].leaves_lots - row.qty_lots != row.leaves_lots:
            raise CorruptionError(
                f"event {row.seq}: order {row.other_id} has other leaves than the events before it say"
            )
        if row.code in _CLEARED:
            parties.insert(0, self._named(row.order_id, row))
        hidden = any(order.place is Place.HIDDEN for order in parties)
        for order in parties:
            order.leaves_lots -= row.qty_lots
            if order.order_id in self.book:
                self._take(MessageKind.EXECUTE, order, row.qty_lots, trade_id=row.seq)
            if not order.leaves_lots:
                del self._live[order.order_id]
        self._emit(
            Draft(
                MessageKind.TRADE,
                row.side,
                row.code,
                Flag.HIDDEN if hidden else 0,
                trade_id=row.seq,
                price_ticks=row.price_ticks,
                qty_lots=row.qty_lots,
            )
        )

    def _busted(self, row: EventRow) -> None:
        self._emit(
            Draft(
                MessageKind.BUST,
                row.side,
                row.code,
                trade_id=row.order_id,
                price_ticks=row.price_ticks,
                qty_lots=row.qty_lots,
            )
        )

    def _state_changed(self, row: EventRow) -> None:
        self._emit(Draft(MessageKind.STATE, code=row.code, leaves_lots=row.side))

    def _clearing(self, row: EventRow) -> None:
        kind = MessageKind.UNCROSS if row.kind == EventKind.UNCROSSED else MessageKind.INDICATIVE
        self._emit(Draft(kind, price_ticks=row.price_ticks, qty_lots=row.qty_lots, leaves_lots=row.leaves_lots))


_HANDLERS: Final[dict[int, Callable[[Tracker, EventRow], None]]] = {
    EventKind.ACCEPTED: Tracker._accepted,
    EventKind.TRADE: Tracker._traded,
    EventKind.CANCELLED: Tracker._cancelled,
    EventKind.AMENDED: Tracker._amended,
    EventKind.PREVENTED: Tracker._prevented,
    EventKind.TRIGGERED: Tracker._triggered,
    EventKind.SHOWN: Tracker._shown,
    EventKind.REPRICED: Tracker._repriced,
    EventKind.STATE_CHANGED: Tracker._state_changed,
    EventKind.INDICATIVE: Tracker._clearing,
    EventKind.UNCROSSED: Tracker._clearing,
    EventKind.BUSTED: Tracker._busted,
}
"""Events of every other kind change nothing that the public sees."""
