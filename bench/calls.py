"""B6: what one call from Python costs, to a market and to an exchange, against methods that do nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from bench.bars import Row, judged
from bench.build import empty_class
from bench.core import per
from bench.funded import SOLE, funded
from bench.measure import Settings, note, ratios, timed
from bench.workloads import INSTRUMENT
from parbook import Market

Loop = Callable[[Any, Iterable[int]], object]
"""Calls a bound method once for each number: a price to place at, or the id of an order to cancel."""


class Loops(NamedTuple):
    """The loops over the methods that work and over those that do nothing. What is called keeps none of its results."""

    place: Loop
    cancel: Loop
    empty_place: Loop
    empty_cancel: Loop


MARKET: Final = Loops(
    lambda place, prices: [None for price in prices if place(7, 0, 10, price) is None],
    lambda cancel, ids: [None for order_id in ids if cancel(7, order_id) != 0],
    lambda place, prices: [None for price in prices if place(7, 0, 10, price) is not None],
    lambda cancel, ids: [None for order_id in ids if cancel(7, order_id) is not None],
)
EXCHANGE: Final = Loops(
    lambda place, prices: [None for price in prices if place(0, 7, 0, 10, price) is None],
    lambda cancel, ids: [None for order_id in ids if cancel(0, 7, order_id) != 0],
    lambda place, prices: [None for price in prices if place(0, 7, 0, 10, price) is not None],
    lambda cancel, ids: [None for order_id in ids if cancel(0, 7, order_id) is not None],
)


def call_rows(settings: Settings) -> list[Row]:
    """Return B6 of a market."""
    note("B6 one Python call")
    market = Market(INSTRUMENT)
    return _rows(settings, "", MARKET, market, market, empty_class()())


def exchange_call_rows(settings: Settings) -> list[Row]:
    """Return B6 of an exchange, whose account has the money for every order."""
    note("B6 one Python call to an exchange")
    exchange = funded(SOLE)
    return _rows(settings, "exchange, ", EXCHANGE, exchange, exchange.market(0), empty_class("EmptyExchange")())


def _rows(settings: Settings, where: str, loops: Loops, target: Any, market: Market, empty: Any) -> list[Row]:
    """`place` and `cancel` of `target` from a Python loop, against those of `empty`; the loop itself is subtracted."""
    count = settings.size(50_000, 100)
    prices = [9_900 + i % 50 for i in range(count)]
    first = 1

    def places() -> float:
        taken = timed(lambda: loops.place(target.place, prices))
        if market.open_orders != count:
            raise AssertionError("an order did not rest")
        return float(taken)

    def cancels() -> float:
        nonlocal first
        ids = range(first, first + count)
        taken = timed(lambda: loops.cancel(target.cancel, ids))
        first += count
        if market.open_orders != 0:
            raise AssertionError("an order that was placed was not cancelled")
        return float(taken)

    def empty_places() -> float:
        return float(timed(lambda: loops.empty_place(empty.place, prices)))

    def empty_cancels() -> float:
        return float(timed(lambda: loops.empty_cancel(empty.cancel, range(1, count + 1))))

    def loop() -> float:
        return float(timed(lambda: [None for price in prices if price is None]))

    # One contender, so that every order placed is cancelled before the next round.
    rounds = [(places(), cancels(), empty_places(), empty_cancels(), loop()) for _ in range(settings.rounds + 1)][1:]
    rows = []
    for at, name in enumerate(("place", "cancel")):
        ours = [taken[at] - taken[4] for taken in rounds]
        yardstick = [taken[at + 2] - taken[4] for taken in rounds]
        measured = f"{per(ours, count)} ns, empty method {per(yardstick, count)} ns"
        values = {f"{name}_ns": per(ours, count), f"empty_{name}_ns": per(yardstick, count)}
        rows.append(judged("B6", f"{where}{name}()", measured, ratios(ours, yardstick), values))
    return rows
