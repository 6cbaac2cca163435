"""What can be read off a desk without changing it: depth, orders, the curve, the state's bytes, the check."""

from __future__ import annotations

import numpy as np

from parbook import state
from parbook.codes import Place, Side, Source
from parbook.errors import InvariantError
from parbook.interface import CurveState, OrderState
from parbook.messages import SetCurve
from parbook.records import CURVE, DEPTH, Records, curve_record
from parbook.reference.book import RESTING, Order
from parbook.reference.desk import Desk
from parbook.reference.matching import opposite
from parbook.state import digest

__all__ = ["check", "curve_state", "depth", "digest", "is_crossed", "order_state", "queue", "state_bytes"]


def depth(desk: Desk, levels: int) -> Records:
    """Return DEPTH records: bids best first, then asks; book before curve at one price. O(levels + rungs^2)."""
    rows: list[tuple[int, int, int, int, int]] = []
    for side in Side:
        of_side = [
            (int(side), int(Source.BOOK), len(level.orders), level.price_ticks, level.lots)
            for level in desk.book.displayed[side].levels.values()[:levels]
        ]
        of_side += [(int(side), int(Source.CURVE), 0, price, lots) for price, lots in curve_quotes(desk, side, levels)]
        sign = -1 if side is Side.BUY else 1
        rows += sorted(of_side, key=lambda row: (sign * row[3], row[1]))
    return np.array(rows, DEPTH)


def curve_quotes(desk: Desk, side: Side, count: int) -> list[tuple[int, int]]:
    """Return the curve's next (price_ticks, lots) on a side, as one sweep of the curve alone would trade them.

    None while nothing matches: a crossed book has no touch to clip them by.
    """
    quotes: list[tuple[int, int]] = []
    if desk.curve is None or not desk.session.matches:
        return quotes
    taker = opposite(side)
    touch_ticks = desk.book.touch_ticks(taker)
    cursor = desk.curve.cursor
    while len(quotes) < count and (quote := desk.curve.quote(taker, touch_ticks, cursor)):
        quotes.append((quote.price_ticks, quote.lots))
        cursor = cursor.after(taker, quote.price_ticks, quote.lots)
    return quotes


def order_state(order: Order) -> OrderState:
    """Return an immutable copy of a live order."""
    return OrderState(**{name: getattr(order, name) for name in OrderState.__struct_fields__})


def queue(desk: Desk, side: Side, price_ticks: int) -> list[int]:
    """Return the ids resting at a price in time priority: displayed, then hidden ones."""
    levels = (line[side].level(price_ticks) for line in (desk.book.displayed, desk.book.hidden))
    return [order_id for level in levels if level for order_id in level.orders]


def curve_state(desk: Desk) -> CurveState | None:
    """Return an immutable copy of the curve's state."""
    curve = desk.curve
    if curve is None:
        return None
    return CurveState(
        quoting=curve.quoting,
        low_ticks=curve.low_ticks,
        high_ticks=curve.high_ticks,
        net_lots=curve.cursor.net_lots,
        cash_notional=curve.cursor.cash_notional,
        proposed=len(curve.proposed),
    )


def _order_row(order: Order) -> tuple[int, ...]:
    """Return an ORDER record's values; `shown_lots` is 0 but for an iceberg."""
    names = state.ORDER.names or ()
    return tuple(int(getattr(order, name)) if name != "reserved" else 0 for name in names)


def state_bytes(desk: Desk) -> bytes:
    """Return the canonical serialisation; layout in `parbook.state`. O(state)."""
    orders = [_order_row(order) for order in desk.live_orders()]
    curve = desk.curve
    trades = desk.window.rows()
    accounts = desk.accounts.rows()
    header = (
        state.MAGIC,
        desk.now_ns,
        desk.next_seq,
        desk.next_command,
        desk.next_order_id,
        desk.last_trade_ticks,
        desk.last_auction_ticks,
        int(desk.session.phase),
        desk.session.closed,
        desk.session.delisted,
        (0,) * 5,
        *desk.session.indicative,
        curve is not None,
        len(curve.proposed) if curve else 0,
        len(accounts),
        len(trades),
        len(orders),
        len(desk.ids.dead),
    )
    curve_states = []
    if curve:
        curve_states = [(curve.quoting, curve.low_ticks, curve.high_ticks, *curve.cursor, curve.compiled_at_net_lots)]
    config = tuple(int(getattr(desk.instrument, name)) for name in state.CONFIG_FIELDS)
    return state.encode(
        np.array([header], state.HEADER),
        np.array([config], state.CONFIG),
        curve_record(SetCurve(params=curve.params)) if curve else np.zeros(0, CURVE),
        np.array(curve_states, state.CURVE_STATE),
        np.array([tuple(anchor) for anchor in curve.proposed] if curve else [], state.ANCHOR),
        np.array(accounts, state.ACCOUNT),
        np.array(trades, state.TRADE),
        np.array(orders, state.ORDER),
        np.array(list(desk.ids.dead), state.DEAD_ID),
    )


def check(desk: Desk) -> None:
    """Raise InvariantError unless every container is sound and the market neither locked nor crossed. O(state)."""
    desk.book.check()
    desk.stops.check()
    desk.ids.check()
    desk.accounts.check(desk)
    live = list(desk.live_orders())
    if {order.order_id: order for order in live} != desk.orders or len(live) != len(desk.orders):
        raise InvariantError("market: the places hold other orders than the index")
    named = {(o.account, o.client_id): o.order_id for o in live if o.client_id}
    if named != desk.ids.live:
        raise InvariantError("market: live client ids and live orders disagree")
    if {o.order_id for o in live if o.peg} != desk.pegs.keys():
        raise InvariantError("market: pegs and live orders disagree")
    for order in live:
        partner = desk.orders.get(order.oco_order_id)
        if order.oco_order_id and (partner is None or partner.oco_order_id != order.order_id):
            raise InvariantError(f"market: order {order.order_id} and its partner do not know each other")
        if order.place not in RESTING | {Place.ARMED, Place.ELECTED, Place.PARKED, Place.CALL}:
            raise InvariantError(f"market: order {order.order_id} stands nowhere")
    if desk.curve is not None:
        desk.curve.check()
    if is_crossed(desk):
        raise InvariantError("market: bids meet asks")


def is_crossed(desk: Desk) -> bool:
    """Whether book and curve are locked or crossed while orders match. O(log levels + rungs)."""
    if not desk.session.matches:
        return False
    bids, asks = (
        [p for p in (desk.book.touch_ticks(side), *(q[0] for q in curve_quotes(desk, side, 1))) if p] for side in Side
    )
    return bool(bids and asks and max(bids) >= min(asks))
