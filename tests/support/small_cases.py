"""Small random markets, and a matcher that works lot by lot from the curve's two functions, not from its rungs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from hypothesis import strategies as st

from parbook.codes import AnchorMove, CurveResale, CurveShape, Side, Source
from parbook.curve import n_ask, n_bid
from parbook.instrument import Instrument
from parbook.interface import MarketProtocol
from parbook.messages import CurveParams, Event, NewOrder, ProposeAnchor, SetCurve, Trade
from parbook.units import NOTIONAL_MAX
from tests.parity.reading import resting_orders

# No bid of a curve below reaches this price: it starts at most at 110 and has sold at most half of its depth.
PRICE_END = 900
IOC = 1


class Case(NamedTuple):
    """A book entered first, then a curve and its anchors, then trades that move the cursor, then the taker."""

    orders: list[tuple[Side, int, int]]
    params: CurveParams
    low_ticks: int
    high_ticks: int
    prelude: list[tuple[Side, int]]
    taker: Side
    limit_ticks: int
    qty_lots: int


class Lot(NamedTuple):
    """One lot of a fill. `maker` is the resting order's id, 0 for the curve."""

    source: Source
    price_ticks: int
    maker: int


def small_params(rng: random.Random) -> CurveParams:
    """Return valid parameters of at most 40 lots a side, often short of cash."""
    base = rng.randint(1, 40)
    return CurveParams(
        shape=CurveShape(rng.randint(1, 3)),
        base_depth_lots=base,
        quote_depth_lots=rng.randint(1, 40),
        budget_notional=rng.choice([0, rng.randint(0, 300), rng.randint(0, 3000), 10**9, 2**62]),
        k_ppm=rng.choice([0, 1000, 100_000, 10**6]),
        spread_ppm=rng.choice([0, 0, 5000, 30_000]),
        rung_ticks=rng.choice([1, 1, 1, 3]),
        par_lots=rng.randint(0, 8),
        drop_ppm=rng.choice([20_000, 100_000, 300_000]),
        min_net_lots=-rng.randint(0, base // 2),
        max_net_lots=rng.randint(0, 40),
        anchor_move=AnchorMove(rng.randint(0, 1)),
        lift_max_lots=rng.randint(0, 8),
        resale=CurveResale(rng.randint(0, 1)),
    )


def small_case(rng: random.Random) -> Case:
    """Return a case whose book often stands inside the curve's quotes, so that the clip matters."""
    middle = rng.randint(92, 108)
    orders = [
        (side, middle - rng.randint(1, 12) if side is Side.BUY else middle + rng.randint(0, 12), rng.randint(1, 5))
        for side in (rng.choice(tuple(Side)) for _ in range(rng.randint(0, 7)))
    ]
    taker = Side(rng.randint(0, 1))
    inside = middle + rng.randint(2, 12) * (1 if taker is Side.SELL else -1)
    low = rng.choice([rng.randint(90, 110), inside, middle + rng.randint(-5, 5), middle])
    return Case(
        orders=orders,
        params=small_params(rng),
        low_ticks=low,
        high_ticks=low + rng.choice([0, 0, 2]),
        prelude=[(Side(rng.randint(0, 1)), rng.randint(1, 6)) for _ in range(rng.randint(0, 3))],
        taker=taker,
        limit_ticks=rng.choice([low, rng.randint(80, 120), 200 if taker is Side.BUY else 1]),
        qty_lots=rng.randint(1, 30),
    )


def small_cases() -> st.SearchStrategy[Case]:
    """Strategy for `small_case`; shrinks."""
    return st.randoms(use_true_random=False).map(small_case)


def built(make_market: Any, case: Case) -> MarketProtocol:
    """Return a market of that class in the state in which the case's taker arrives."""
    market: MarketProtocol = make_market(Instrument(symbol="SMALL"))
    for side, price_ticks, lots in case.orders:
        market.place(1, side, lots, price_ticks)
    market.apply(SetCurve(params=case.params))
    market.apply(ProposeAnchor(low_ticks=case.low_ticks, high_ticks=case.high_ticks))
    for side, lots in case.prelude:
        market.place(2, side, lots, 130 if side is Side.BUY else 70, tif=IOC)
    return market


def take(market: MarketProtocol, case: Case, lots: int, tif: int = IOC) -> list[Trade]:
    """Enter the case's taker with `lots` and return its trades."""
    order = NewOrder(account=3, side=case.taker, qty_lots=lots, price_ticks=case.limit_ticks, tif=tif)
    return trades_of(market.apply(order))


def trades_of(events: list[Event]) -> list[Trade]:
    """Return the trades among events."""
    return [event for event in events if isinstance(event, Trade)]


def lots_of(trades: list[Trade]) -> list[Lot]:
    """Return trades lot by lot."""
    return [Lot(t.source, t.price_ticks, t.maker_order_id) for t in trades for _ in range(t.qty_lots)]


class BruteForce:
    """The taker's view of a market, worked out one lot at a time."""

    def __init__(self, market: MarketProtocol, case: Case) -> None:
        self.taker = case.taker
        self.limit_ticks = case.limit_ticks
        rows = resting_orders(market)
        own = [int(r["price_ticks"]) for r in rows if r["side"] == case.taker]
        self.own_touch = (max(own) if case.taker is Side.BUY else min(own)) if own else None
        # State bytes list each side best first and each price by time; nothing else about the book is taken on trust.
        self.book = [
            (int(r["price_ticks"]), int(r["order_id"]))
            for r in rows
            if r["side"] != case.taker
            for _ in range(int(r["qty_lots"] - r["filled_lots"]))
        ]
        state = market.curve
        assert state is not None
        self.net, self.cash = state.net_lots, state.cash_notional
        prices = range(1, PRICE_END)
        if case.taker is Side.SELL:
            self.wants = [(p, n_bid(case.params, case.low_ticks, p)) for p in reversed(prices)]
        else:
            self.wants = [(p, n_ask(case.params, case.high_ticks, p)) for p in prices]

    def curve_price(self) -> int | None:
        """Return what the curve would trade its next lot at: its best price, moved behind the taker's own touch."""
        selling = self.taker is Side.SELL
        price = next((p for p, n in self.wants if (n > self.net if selling else n < self.net)), None)
        if price is None:
            return None
        if self.own_touch is not None:
            price = min(price, self.own_touch - 1) if selling else max(price, self.own_touch + 1)
        enough = price <= self.cash if selling else self.cash + price <= NOTIONAL_MAX
        return price if price >= 1 and enough else None

    def take_curve(self, price: int) -> Lot:
        """Trade one lot with the curve."""
        sign = 1 if self.taker is Side.SELL else -1
        self.net += sign
        self.cash -= sign * price
        return Lot(Source.CURVE, price, 0)

    def within(self, price: int | None) -> bool:
        """Whether the taker accepts the price."""
        if price is None:
            return False
        return price <= self.limit_ticks if self.taker is Side.BUY else price >= self.limit_ticks

    def sweep(self, lots: int) -> Iterator[Lot]:
        """Yield the taker's lots: the better price each time, the book's at a tie."""
        for _ in range(lots):
            curve, book = self.curve_price(), self.book[0][0] if self.book else None
            sign = 1 if self.taker is Side.BUY else -1
            from_curve = self.within(curve) and (book is None or sign * (curve or 0) < sign * book)
            if from_curve and curve is not None:
                yield self.take_curve(curve)
            elif self.within(book):
                price, maker = self.book.pop(0)
                yield Lot(Source.BOOK, price, maker)
            else:
                return

    def curve_ladder(self, lots: int) -> list[int]:
        """Return the prices at which the curve alone would trade up to `lots` within the limit."""
        prices: list[int] = []
        while len(prices) < lots and self.within(price := self.curve_price()):
            assert price is not None
            prices.append(self.take_curve(price).price_ticks)
        return prices
