"""The auction: the price at which most trades, and clearing the book at it.

The rule is that of the ASX's opening: volume, imbalance, market pressure, reference.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from parbook.codes import CancelReason, Place, Side, Source, TimeInForce
from parbook.messages import Indicative, Uncrossed
from parbook.reference.quotes import Curve
from parbook.units import NOTIONAL_MAX

if TYPE_CHECKING:
    from parbook.reference.book import Order
    from parbook.reference.desk import Desk


class Clearing(NamedTuple):
    """What an uncross does: price (0: no cross), lots that trade, and what is left of the larger side there."""

    price_ticks: int
    paired_lots: int
    surplus_lots: int


NO_CROSS = Clearing(0, 0, 0)


class Steps:
    """A sum of lots that only ever falls, or only ever rises, with the price."""

    def __init__(self, limits: Iterable[tuple[int, int]]) -> None:
        """Take (price_ticks, lots)."""
        by_price = sorted(limits)
        self.prices = [price for price, _ in by_price]
        self.sums = [0, *accumulate(lots for _, lots in by_price)]

    def at_or_above(self, price_ticks: int) -> int:
        """Lots of all limits at a price or above it. O(log limits)."""
        return self.sums[-1] - self.sums[bisect_left(self.prices, price_ticks)]

    def at_or_below(self, price_ticks: int) -> int:
        """Lots of all limits at a price or below it. O(log limits)."""
        return self.sums[bisect_right(self.prices, price_ticks)]


class Schedule:
    """Demand and supply of the whole market at any one price."""

    def __init__(
        self,
        bids: Iterable[tuple[int, int]],
        asks: Iterable[tuple[int, int]],
        call_lots: tuple[int, int] = (0, 0),
        curve: Curve | None = None,
    ) -> None:
        """Take (price_ticks, lots) of all limits, the market orders' lots a side, and the curve if it takes part."""
        self.bids = Steps(bids)
        self.asks = Steps(asks)
        self.call_lots = call_lots
        self.curve = curve

    def demand(self, price_ticks: int) -> int:
        """Lots wanted at a price. Never rises with it."""
        lots = self.call_lots[Side.BUY] + self.bids.at_or_above(price_ticks)
        return lots + (curve_lots(self.curve, Side.BUY, price_ticks) if self.curve else 0)

    def supply(self, price_ticks: int) -> int:
        """Lots offered at a price. Never falls with it, but where the curve's cash would no longer fit 63 bits."""
        lots = self.call_lots[Side.SELL] + self.asks.at_or_below(price_ticks)
        return lots + (curve_lots(self.curve, Side.SELL, price_ticks) if self.curve else 0)

    def surplus(self, price_ticks: int) -> int:
        """Demand less supply."""
        return self.demand(price_ticks) - self.supply(price_ticks)

    def merit(self, price_ticks: int) -> tuple[int, int]:
        """Return what the best price has most of: volume, then minus the imbalance."""
        demand, supply = self.demand(price_ticks), self.supply(price_ticks)
        return min(demand, supply), -abs(demand - supply)

    def bounds(self, reference_ticks: int) -> tuple[int, int]:
        """Return the lowest and highest price anybody has named: limits, rungs, the reference. (0, 0) when none has.

        Beyond them market orders alone would push the price to the end of its domain.
        """
        named = [*self.bids.prices[:1], *self.bids.prices[-1:], *self.asks.prices[:1], *self.asks.prices[-1:]]
        if self.curve:
            for rungs in (self.curve.ladder.bids, self.curve.ladder.asks):
                named += [rung.price_ticks for rung in (*rungs[:1], *rungs[-1:])]
        named += [reference_ticks] if reference_ticks else []
        return (min(named), max(named)) if named else (0, 0)


def curve_lots(curve: Curve, side: Side, price_ticks: int) -> int:
    """Return the lots the curve would buy or sell in all at one price: its ladder there, bounded by its cash."""
    net_lots, cash_notional = curve.cursor
    if side is Side.BUY:
        target = max((r.net_lots for r in curve.ladder.bids if r.price_ticks >= price_ticks), default=net_lots)
        return max(0, min(target - net_lots, cash_notional // price_ticks))
    target = min((r.net_lots for r in curve.ladder.asks if r.price_ticks <= price_ticks), default=net_lots)
    return max(0, min(net_lots - target, (NOTIONAL_MAX - cash_notional) // price_ticks))


def clearing(schedule: Schedule, reference_ticks: int) -> Clearing:
    """Return price, volume and surplus of an uncross.

    (1) greatest volume; (2) least imbalance; (3) if all prices that tie have surplus of one sign, the highest for a
    buy surplus, the lowest for a sell surplus; (4) else the one nearest the reference, clamped into the plateau, and
    without a reference the plateau's middle, rounded down. Only prices within `Schedule.bounds` count; so a book of
    market orders alone clears at the reference. O(log domain * log levels).
    """
    least, most = schedule.bounds(reference_ticks)
    if not most:
        return NO_CROSS
    low, high = _plateau(schedule, least, most)
    if not schedule.merit(low)[0]:
        return NO_CROSS
    if schedule.surplus(high) > 0:
        price_ticks = high
    elif schedule.surplus(low) < 0:
        price_ticks = low
    else:
        price_ticks = min(max(reference_ticks or (low + high) // 2, low), high)
    return Clearing(price_ticks, schedule.merit(price_ticks)[0], schedule.surplus(price_ticks))


def _plateau(schedule: Schedule, least: int, most: int) -> tuple[int, int]:
    """Return the lowest and highest price of greatest volume and, among those, least imbalance.

    Surplus never rises with the price. So the best prices lie around its change of sign: the last price with a
    surplus of 0 or more, the one after it, and the neighbours that equal the better of the two.
    """
    last_long = _last(lambda price: schedule.surplus(price) >= 0, least, most)
    candidates = [price for price in (last_long, last_long + 1) if least <= price <= most]
    best = max(schedule.merit(price) for price in candidates)
    found = [price for price in candidates if schedule.merit(price) == best]
    low = _last(lambda price: price < found[0] and schedule.merit(price) != best, least, most) + 1
    high = _last(lambda price: price <= found[-1] or schedule.merit(price) == best, least, most)
    return low, high


def _last(holds: Callable[[int], bool], least: int, most: int) -> int:
    """Return the last price for which a condition that once turns false holds, least - 1 when it never does."""
    low, high = least - 1, most
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low


# --- the market ---------------------------------------------------------------------------------


def _schedule(desk: Desk) -> Schedule:
    bids, asks = ([(order.price_ticks, order.leaves_lots) for order in desk.book.resting(side)] for side in Side)
    buys, sells = (sum(order.leaves_lots for order in desk.calls[side].values()) for side in Side)
    return Schedule(bids, asks, (buys, sells), _curve(desk))


def _curve(desk: Desk) -> Curve | None:
    """Return the curve if it takes part in auctions."""
    curve = desk.curve
    return curve if desk.instrument.curve_in_auction and curve and curve.quoting else None


def _reference_ticks(desk: Desk) -> int:
    return desk.anchor_ticks or desk.last_auction_ticks or desk.last_trade_ticks


def foresee_uncross(desk: Desk) -> Clearing:
    """Return what an uncross would do now."""
    return clearing(_schedule(desk), _reference_ticks(desk))


def indicate(desk: Desk) -> None:
    """In a state that indicates, say what an uncross would do, if that has changed."""
    if not desk.session.indicates:
        return
    now = foresee_uncross(desk)
    if tuple(now) != desk.session.indicative:
        desk.session.indicative = (now.price_ticks, now.paired_lots, now.surplus_lots)
        desk.emit(Indicative, price_ticks=now.price_ticks, paired_lots=now.paired_lots, surplus_lots=now.surplus_lots)


def uncross(desk: Desk) -> None:
    """Clear the book at one price, pairing both sides in trading order; then what was only for this auction leaves."""
    clear = foresee_uncross(desk)
    desk.emit(Uncrossed, price_ticks=clear.price_ticks, paired_lots=clear.paired_lots, surplus_lots=clear.surplus_lots)
    if clear.paired_lots:
        _pair(desk, clear)
        # What the uncross elects is measured from its price, not from the last trade before the halt.
        desk.last_auction_ticks = desk.band_ticks = clear.price_ticks
    leftovers = [order for side in Side for order in (*desk.calls[side].values(), *_auction_only(desk, side))]
    for order in leftovers:
        if order.order_id in desk.orders:
            desk.cancel(order, CancelReason.UNTRADED)


def _auction_only(desk: Desk, side: Side) -> list[Order]:
    """Return a side's limit orders that were for this auction only, in trading order."""
    return list({o.order_id: o for o, _ in desk.book.walk(side) if o.tif is TimeInForce.AUCTION}.values())


def _pair(desk: Desk, clear: Clearing) -> None:
    """Trade the paired lots at the clearing price, one buyer with one seller at a time."""
    buyers, sellers = (_turns(desk, side, clear) for side in Side)
    buyer, buyer_lots = next(buyers)
    seller, seller_lots = next(sellers)
    left_lots = clear.paired_lots
    while left_lots:
        lots = min(buyer_lots, seller_lots)
        _fill(desk, buyer, seller, clear.price_ticks, lots)
        left_lots, buyer_lots, seller_lots = left_lots - lots, buyer_lots - lots, seller_lots - lots
        if left_lots and not buyer_lots:
            buyer, buyer_lots = next(buyers)
        if left_lots and not seller_lots:
            seller, seller_lots = next(sellers)


def _turns(desk: Desk, side: Side, clear: Clearing) -> Iterator[tuple[Order | None, int]]:
    """Yield who of a side trades (None: the curve) and how many lots, until the paired lots are reached."""
    curve = _curve(desk)
    curve_left = curve_lots(curve, side, clear.price_ticks) if curve else 0
    left_lots = clear.paired_lots
    for order, lots in _merged(desk, side, clear.price_ticks, curve_left):
        taken_lots = min(lots, left_lots)
        left_lots -= taken_lots
        if taken_lots:
            yield order, taken_lots
        if not left_lots:
            return


def _merged(desk: Desk, side: Side, price_ticks: int, curve_left: int) -> Iterator[tuple[Order | None, int]]:
    """Yield market orders, then limits that accept the price and the curve's rungs, best first, the book at a tie."""
    for order in list(desk.calls[side].values()):
        yield order, order.leaves_lots
    rungs = _rungs(desk, side, curve_left)
    rung_ticks, rung_lots = next(rungs)
    for order, lots in list(desk.book.walk(side)):
        if (order.price_ticks < price_ticks) if side is Side.BUY else (order.price_ticks > price_ticks):
            break
        while rung_lots and (
            (rung_ticks > order.price_ticks) if side is Side.BUY else (rung_ticks < order.price_ticks)
        ):
            yield None, rung_lots
            rung_ticks, rung_lots = next(rungs)
        yield order, lots
    while rung_lots:
        yield None, rung_lots
        rung_ticks, rung_lots = next(rungs)


def _rungs(desk: Desk, side: Side, left_lots: int) -> Iterator[tuple[int, int]]:
    """Yield the curve's (price, lots) in its own order until `left_lots` are reached, then (0, 0) for ever."""
    if desk.curve and left_lots:
        net_lots = desk.curve.cursor.net_lots
        rungs = desk.curve.ladder.bids if side is Side.BUY else desk.curve.ladder.asks
        for rung in rungs:
            ahead = rung.net_lots - net_lots if side is Side.BUY else net_lots - rung.net_lots
            if ahead > 0 and left_lots:
                lots = min(ahead, left_lots)
                yield rung.price_ticks, lots
                left_lots -= lots
                net_lots = rung.net_lots
    while True:
        yield 0, 0


def _fill(desk: Desk, buyer: Order | None, seller: Order | None, price_ticks: int, lots: int) -> None:
    """Trade between two resting orders, or one and the curve, at the clearing price."""
    orders = [order for order in (buyer, seller) if order is not None]
    fresh = [order for order in orders if _take(desk, order, lots)]
    if buyer and seller:
        desk.print(Source.UNCROSS, Side.BUY, price_ticks, lots, buyer, seller)
    else:
        assert desk.curve is not None
        (order,) = orders
        desk.curve.cursor = desk.curve.cursor.after(order.side, price_ticks, lots)
        desk.print(Source.UNCROSS_CURVE, order.side, price_ticks, lots, order, None)
    for order in orders:
        if not order.leaves_lots:
            desk.close(order)
    for order in fresh:
        desk.shown(order)


def _take(desk: Desk, order: Order, lots: int) -> bool:
    """Take traded lots off an order; True when an iceberg shows a new slice."""
    if order.place is Place.CALL:
        order.filled_lots += lots
        if not order.leaves_lots:
            del desk.calls[order.side][order.order_id]
        return False
    return desk.book.fill(order, lots)
