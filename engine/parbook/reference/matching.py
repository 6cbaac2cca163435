"""The one matching path: how an order is split between book and curve.

What an aggressor does is planned first, from one iterator, and applied afterwards. Feasibility tests (fill-or-kill,
minimum quantity, post-only) read the same plan, so they cannot disagree with execution.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from itertools import chain
from typing import NamedTuple

from parbook.codes import Side, Source, StpMode
from parbook.reference.book import Book, Level, Order, rounds
from parbook.reference.quotes import Cursor, Curve


class PlannedFill(NamedTuple):
    """`lots` at the maker's price. `order` is the resting order, None for the curve."""

    source: Source
    price_ticks: int
    lots: int
    order: Order | None


class Prevention(NamedTuple):
    """Self-trade prevention instead of a fill: `lots` of the resting `order` would have traded."""

    mode: StpMode
    price_ticks: int
    lots: int
    order: Order


PlannedStep = PlannedFill | Prevention


class Wish(NamedTuple):
    """What an aggressor wants.

    `amount_notional` is what it may spend, None without such a bound; `is_own` says whether a resting order
    belongs to its self-trade group, and counts unless `stp` is OFF.
    """

    side: Side
    limit_ticks: int
    lots: int
    stp: StpMode = StpMode.OFF
    is_own: Callable[[Order], bool] = lambda _order: False
    amount_notional: int | None = None
    pro_rata: bool = False


def opposite(side: Side) -> Side:
    """Return the other side."""
    return Side.SELL if side is Side.BUY else Side.BUY


def within(side: Side, price_ticks: int, limit_ticks: int) -> bool:
    """Whether a taker of `side` with that limit accepts the price."""
    return price_ticks <= limit_ticks if side is Side.BUY else price_ticks >= limit_ticks


def better(side: Side, price_ticks: int, than_ticks: int) -> bool:
    """Whether the price is strictly better for a taker of `side`."""
    return price_ticks < than_ticks if side is Side.BUY else price_ticks > than_ticks


class _Appetite:
    """What is still wanted while a plan is made."""

    def __init__(self, wish: Wish) -> None:
        self.lots = wish.lots
        # Own orders dealt with: an iceberg among them stands in later rounds of its price no more.
        self.prevented: set[int] = set()
        self.amount_notional = wish.amount_notional

    def at(self, price_ticks: int, offered_lots: int) -> int:
        """Return how many of the offered lots are taken at a price. An amount buys whole lots, rounded down."""
        lots = min(self.lots, offered_lots)
        return lots if self.amount_notional is None else min(lots, self.amount_notional // price_ticks)

    def eat(self, price_ticks: int, lots: int) -> None:
        """Count lots as taken."""
        self.lots -= lots
        if self.amount_notional is not None:
            self.amount_notional -= lots * price_ticks


def plan_fills(book: Book, curve: Curve | None, wish: Wish, touch_ticks: int) -> Iterator[PlannedStep]:
    """Yield what an aggressor does, in order, without changing anything.

    Best price first; at one price the displayed orders in rounds, then the hidden ones, then the curve, because the
    curve is the residual trader. `touch_ticks` is the best price on the aggressor's own side, which clips the curve.
    The merge of two monotone ladders is the cheapest split there is: O(levels + orders + rungs crossed).
    """
    appetite = _Appetite(wish)
    cursor = curve.cursor if curve else Cursor(0, 0)
    for price_ticks, displayed, hidden in chain(book.prices(opposite(wish.side)), [(0, None, None)]):
        while curve and appetite.lots:
            quote = curve.quote(wish.side, touch_ticks, cursor)
            if quote is None or not within(wish.side, quote.price_ticks, wish.limit_ticks):
                break
            if price_ticks and not better(wish.side, quote.price_ticks, price_ticks):
                break
            lots = appetite.at(quote.price_ticks, quote.lots)
            if not lots:
                return
            appetite.eat(quote.price_ticks, lots)
            cursor = cursor.after(wish.side, quote.price_ticks, lots)
            yield PlannedFill(Source.CURVE, quote.price_ticks, lots, None)
        if not price_ticks or not appetite.lots or not within(wish.side, price_ticks, wish.limit_ticks):
            return
        if not (yield from _plan_price(wish, appetite, price_ticks, displayed, hidden)):
            return


def _plan_price(
    wish: Wish, appetite: _Appetite, price_ticks: int, displayed: Level | None, hidden: Level | None
) -> Generator[PlannedStep, None, bool]:
    """Yield what happens at one price; return True when the aggressor goes on to the next."""
    in_rounds = _plan_pro_rata if wish.pro_rata else _plan_in_turn
    for turn in rounds(displayed):
        if not (yield from in_rounds(wish, appetite, Source.BOOK, price_ticks, turn)):
            return False
    if hidden:
        turn = [(order, order.leaves_lots) for order in hidden.orders.values()]
        return (yield from _plan_in_turn(wish, appetite, Source.HIDDEN, price_ticks, turn))
    return True


def _plan_in_turn(
    wish: Wish, appetite: _Appetite, source: Source, price_ticks: int, turn: list[tuple[Order, int]]
) -> Generator[PlannedStep, None, bool]:
    """Yield fills by time; return True when all of the turn is taken and more is wanted."""
    for order, offered_lots in turn:
        if order.order_id in appetite.prevented:
            continue
        if wish.stp is not StpMode.OFF and wish.is_own(order):
            if not (yield from _prevent(wish, appetite, price_ticks, order)):
                return False
            continue
        lots = appetite.at(price_ticks, offered_lots)
        if not lots:
            return False
        appetite.eat(price_ticks, lots)
        yield PlannedFill(source, price_ticks, lots, order)
        if not appetite.lots:
            return False
    return True


def _plan_pro_rata(
    wish: Wish, appetite: _Appetite, source: Source, price_ticks: int, turn: list[tuple[Order, int]]
) -> Generator[PlannedStep, None, bool]:
    """Yield fills in proportion to what is shown, rounded down, then the leftover lots by time."""
    others = []
    for order, offered_lots in turn:
        if order.order_id in appetite.prevented:
            continue
        if wish.stp is StpMode.OFF or not wish.is_own(order):
            others.append((order, offered_lots))
        elif not (yield from _prevent(wish, appetite, price_ticks, order)):
            return False
    total_lots = sum(lots for _, lots in others)
    wanted_lots = appetite.at(price_ticks, total_lots)
    if not total_lots:
        return True
    if not wanted_lots:
        return False
    appetite.eat(price_ticks, wanted_lots)
    leftover_lots = wanted_lots
    shares = []
    for order, offered_lots in others:
        share_lots = wanted_lots * offered_lots // total_lots
        shares.append((order, offered_lots - share_lots))
        leftover_lots -= share_lots
        if share_lots:
            yield PlannedFill(source, price_ticks, share_lots, order)
    for order, rest_lots in shares:
        lots = min(leftover_lots, rest_lots)
        leftover_lots -= lots
        if lots:
            yield PlannedFill(source, price_ticks, lots, order)
    return wanted_lots == total_lots and appetite.lots > 0


def _prevent(wish: Wish, appetite: _Appetite, price_ticks: int, order: Order) -> Generator[PlannedStep, None, bool]:
    """Yield a prevention; return True when the aggressor goes on. An amount that is spent ends it before any."""
    lots = appetite.at(price_ticks, order.leaves_lots)
    if not lots:
        return False
    appetite.prevented.add(order.order_id)
    yield Prevention(wish.stp, price_ticks, lots, order)
    if wish.stp is StpMode.DECREMENT:
        appetite.eat(price_ticks, lots)
    return wish.stp in (StpMode.CANCEL_OLDEST, StpMode.DECREMENT) and appetite.lots > 0


def first_price(book: Book, curve: Curve | None, side: Side, limit_ticks: int, touch_ticks: int) -> int:
    """Return the price at which one lot would trade, whoever owns it; 0 when none would: what post-only asks."""
    step = next(plan_fills(book, curve, Wish(side, limit_ticks, 1), touch_ticks), None)
    return step.price_ticks if step else 0
