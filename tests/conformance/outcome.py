"""What a scenario comes to, in a text that can be compared: trades, refusals, and the book at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from parbook import messages as m
from parbook.codes import Place, Side
from parbook.instrument import Instrument
from parbook.interface import MarketProtocol, OrderState

MakeMarket = Callable[[Instrument], MarketProtocol]


class Outcome(NamedTuple):
    """How a scenario ended. Orders are named by the ids of the scenario; an empty text means: none.

    trades: `MAKER xLOTS @PRICE`, in order. refused: `ORDER CODE`. bids, asks: `PRICE: ORDERxLOTS ...`, best first.
    waits: stops that have not been triggered, `ORDER side xLOTS stop PRICE`.
    """

    trades: str = ""
    refused: str = ""
    bids: str = ""
    asks: str = ""
    waits: str = ""


def joined(parts: list[str]) -> str:
    """Return the parts as one text."""
    return "; ".join(parts)


def book_side(market: MarketProtocol, side: Side) -> str:
    """Return one side of the book, best price first, first to trade first."""
    levels = []
    for row in market.depth(1000):
        if row["side"] == side:
            orders = [live(market, order_id) for order_id in market.queue(side, int(row["price_ticks"]))]
            queue = " ".join(f"{order.client_id}x{order.qty_lots - order.filled_lots}" for order in orders)
            levels.append(f"{row['price_ticks']}: {queue}")
    return joined(levels)


def live(market: MarketProtocol, order_id: int) -> OrderState:
    """Return an order that must be live."""
    order = market.order(order_id)
    assert order is not None, order_id
    return order


def waiting(market: MarketProtocol, last_order_id: int) -> str:
    """Return the stops that wait, by id."""
    found = [market.order(order_id) for order_id in range(1, last_order_id + 1)]
    return joined(
        [
            f"{o.client_id} {o.side.name.lower()} x{o.qty_lots - o.filled_lots} stop {o.stop_ticks}"
            for o in found
            if o is not None and o.place is Place.ARMED
        ]
    )


def trades_of(events: list[m.Event]) -> list[m.Trade]:
    """Return the trades among events."""
    return [event for event in events if isinstance(event, m.Trade)]
