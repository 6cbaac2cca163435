"""What can be read off a desk without changing it: depth, orders, the curve, the state's bytes, the check."""

from __future__ import annotations

import numpy as np

from parbook import state
from parbook.codes import Side, Source
from parbook.errors import InvariantError
from parbook.interface import CurveState, OrderState
from parbook.messages import SetCurve
from parbook.records import CURVE, DEPTH, Records, curve_record
from parbook.reference.book import Order
from parbook.reference.desk import Desk
from parbook.reference.matching import opposite
from parbook.state import digest

__all__ = ["check", "curve_state", "depth", "digest", "order_state", "queue", "state_bytes"]


def depth(desk: Desk, levels: int) -> Records:
    """Return DEPTH records: bids best first, then asks; book before curve at one price. O(levels + rungs^2)."""
    rows: list[tuple[int, int, int, int, int]] = []
    for side in Side:
        of_side = [
            (int(side), int(Source.BOOK), len(level.orders), level.price_ticks, level.lots)
            for level in desk.book.levels[side].values()[:levels]
        ]
        of_side += [(int(side), int(Source.CURVE), 0, price, lots) for price, lots in curve_quotes(desk, side, levels)]
        sign = -1 if side is Side.BUY else 1
        rows += sorted(of_side, key=lambda row: (sign * row[3], row[1]))
    return np.array(rows, DEPTH)


def curve_quotes(desk: Desk, side: Side, count: int) -> list[tuple[int, int]]:
    """Return the curve's next (price_ticks, lots) on a side, as one sweep of the curve alone would trade them."""
    quotes: list[tuple[int, int]] = []
    if desk.curve is None:
        return quotes
    taker = opposite(side)
    touch_ticks = desk.touch_ticks(taker)
    cursor = desk.curve.cursor
    while len(quotes) < count and (quote := desk.curve.quote(taker, touch_ticks, cursor)):
        quotes.append((quote.price_ticks, quote.lots))
        cursor = cursor.after(taker, quote.price_ticks, quote.lots)
    return quotes


def order_state(order: Order) -> OrderState:
    """Return an immutable copy of a resting order."""
    return OrderState(
        order_id=order.order_id,
        client_id=order.client_id,
        account=order.account,
        side=order.side,
        price_ticks=order.price_ticks,
        qty_lots=order.qty_lots,
        filled_lots=order.filled_lots,
        post_only=order.post_only,
    )


def queue(desk: Desk, side: Side, price_ticks: int) -> list[int]:
    """Return the ids resting at a price in time priority."""
    level = desk.book.levels[side].get(-price_ticks if side is Side.BUY else price_ticks)
    return list(level.orders) if level else []


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


def state_bytes(desk: Desk) -> bytes:
    """Return the canonical serialisation; layout in `parbook.state`. O(state)."""
    orders = [
        (o.order_id, o.client_id, o.account, int(o.side), o.post_only, 0, o.price_ticks, o.qty_lots, o.filled_lots)
        for side in Side
        for o in desk.book.resting(side)
    ]
    curve = desk.curve
    header = (
        state.MAGIC,
        desk.now_ns,
        desk.next_seq,
        desk.next_command,
        desk.next_order_id,
        desk.last_trade_ticks,
        desk.instrument.collar_ppm,
        desk.instrument.max_orders,
        desk.instrument.client_id_window,
        curve is not None,
        len(curve.proposed) if curve else 0,
        len(orders),
        len(desk.ids.dead),
    )
    curve_states = []
    if curve:
        curve_states = [(curve.quoting, curve.low_ticks, curve.high_ticks, *curve.cursor, curve.compiled_at_net_lots)]
    return state.encode(
        np.array([header], state.HEADER),
        curve_record(SetCurve(params=curve.params)) if curve else np.zeros(0, CURVE),
        np.array(curve_states, state.CURVE_STATE),
        np.array([tuple(anchor) for anchor in curve.proposed] if curve else [], state.ANCHOR),
        np.array(orders, state.ORDER),
        np.array(list(desk.ids.dead), state.DEAD_ID),
    )


def check(desk: Desk) -> None:
    """Raise InvariantError unless every container is sound and the market neither locked nor crossed. O(state)."""
    desk.book.check()
    desk.ids.check()
    live = {(o.account, o.client_id): o.order_id for o in desk.book.orders.values() if o.client_id}
    if live != desk.ids.live:
        raise InvariantError("market: live client ids and resting orders disagree")
    if desk.curve is None:
        return
    desk.curve.check()
    bids, asks = (
        [p for p in (desk.book.best_ticks(side), *(q[0] for q in curve_quotes(desk, side, 1))) if p] for side in Side
    )
    if bids and asks and max(bids) >= min(asks):
        raise InvariantError(f"market: bids {bids} meet asks {asks}")
