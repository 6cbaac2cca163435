"""lightmatchingengine (MIT): matching in plain Python, one dict of lists a side."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Final

from bench.peers.steps import Outcome, Step
from parbook.codes import Side

NAME: Final = "lightmatchingengine"
LICENCE: Final = "MIT"
FLOW: Final = "itch"
MESSAGES: Final = 40_000

_SYMBOL: Final = "BENCH"
_SIDES: Final = {int(Side.BUY): 1, int(Side.SELL): 2}


def module() -> Any:
    """Return the peer; ImportError where it is not installed."""
    return importlib.import_module("lightmatchingengine.lightmatchingengine")


def run(peer: Any, given: list[Step]) -> Callable[[], object]:
    """Return the run of the steps through a fresh engine."""
    engine = peer.LightMatchingEngine()

    def steps() -> None:
        for side, lots, price, order_id in given:
            if lots:
                engine.add_order(_SYMBOL, price, lots, _SIDES[side])
            else:
                engine.cancel_order(order_id, _SYMBOL)

    return steps


def outcome(peer: Any, given: list[Step]) -> Outcome:
    """Return what the peer makes of the steps. It reports each side of a trade; the maker's is kept."""
    engine = peer.LightMatchingEngine()
    trades = []
    for side, lots, price, order_id in given:
        if lots:
            order, made = engine.add_order(_SYMBOL, price, lots, _SIDES[side])
            trades += [(t.order_id, t.trade_price, t.trade_qty) for t in made if t.order_id != order.order_id]
        elif engine.cancel_order(order_id, _SYMBOL) is None:
            raise AssertionError(f"the peer does not know order {order_id}")
    book = engine.order_books[_SYMBOL]
    sides = {int(Side.BUY): book.bids, int(Side.SELL): book.asks}
    levels = {
        (side, price): sum(order.leaves_qty for order in queue)
        for side, prices in sides.items()
        for price, queue in prices.items()
    }
    return Outcome(trades, levels)
