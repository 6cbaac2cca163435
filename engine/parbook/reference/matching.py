"""The one matching path: how an order is split between book and curve.

The fills of an aggressor are planned first, from one iterator, and applied afterwards. Feasibility tests
(fill-or-kill, post-only) read the same plan, so they cannot disagree with execution.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from parbook.codes import Side, Source
from parbook.reference.book import Book, Order
from parbook.reference.quotes import Cursor, Curve


class PlannedFill(NamedTuple):
    """`lots` at the maker's price. `order` is the resting order, None for the curve."""

    source: Source
    price_ticks: int
    lots: int
    order: Order | None


def opposite(side: Side) -> Side:
    """Return the other side."""
    return Side.SELL if side is Side.BUY else Side.BUY


def within(side: Side, price_ticks: int, limit_ticks: int) -> bool:
    """Whether a taker of `side` with that limit accepts the price."""
    return price_ticks <= limit_ticks if side is Side.BUY else price_ticks >= limit_ticks


def better(side: Side, price_ticks: int, than_ticks: int) -> bool:
    """Whether the price is strictly better for a taker of `side`."""
    return price_ticks < than_ticks if side is Side.BUY else price_ticks > than_ticks


def plan_fills(
    book: Book, curve: Curve | None, side: Side, limit_ticks: int, qty_lots: int, touch_ticks: int
) -> Iterator[PlannedFill]:
    """Yield the fills of a taker in order, without changing anything.

    Best price first; at one price the book before the curve, because the curve is the residual trader;
    in the book by time. `touch_ticks` is the best price on the taker's own side, which clips the curve.
    The merge of two monotone ladders is the cheapest split there is: O(levels + orders + rungs crossed).
    """
    resting = book.resting(opposite(side))
    order = next(resting, None)
    cursor = curve.cursor if curve else Cursor(0, 0)
    while qty_lots:
        quote = curve.quote(side, touch_ticks, cursor) if curve else None
        if quote and not within(side, quote.price_ticks, limit_ticks):
            quote = None
        if quote and (order is None or better(side, quote.price_ticks, order.price_ticks)):
            lots = min(qty_lots, quote.lots)
            cursor = cursor.after(side, quote.price_ticks, lots)
            yield PlannedFill(Source.CURVE, quote.price_ticks, lots, None)
        elif order and within(side, order.price_ticks, limit_ticks):
            lots = min(qty_lots, order.leaves_lots)
            yield PlannedFill(Source.BOOK, order.price_ticks, lots, order)
            order = next(resting, None)
        else:
            return
        qty_lots -= lots


def would_trade(book: Book, curve: Curve | None, side: Side, limit_ticks: int, touch_ticks: int) -> bool:
    """Whether one lot would trade: what post-only asks."""
    return next(plan_fills(book, curve, side, limit_ticks, 1, touch_ticks), None) is not None
