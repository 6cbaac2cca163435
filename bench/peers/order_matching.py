"""order-matching (its package states no licence): plain Python, queues sorted by time at every insertion."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from bench.peers.steps import Levels, Outcome, Step
from parbook.codes import Side

NAME: Final = "order-matching"
LICENCE: Final = "none stated"
FLOW: Final = "touch"
# The public flows build their book for 10,000 messages before anything trades, which would take minutes.
MESSAGES: Final = 3_000


def module() -> Any:
    """Return the peer; ImportError where it, or the polars and pandera it needs, is not installed."""
    for part in ("order", "orders", "enums"):
        importlib.import_module(f"order_matching.{part}")
    engine = importlib.import_module("order_matching.matching_engine")
    # It logs every call; a log of its own would be most of what is timed.
    importlib.import_module("loguru").logger.disable("order_matching")
    return importlib.import_module("order_matching"), engine


def _entered(peer: Any, engine: Any, step: Step) -> Any:
    package, _ = peer
    now = datetime(2024, 1, 1) + timedelta(microseconds=step.order_id)
    side = package.enums.Side.BUY if step.side == Side.BUY else package.enums.Side.SELL
    order = package.order.LimitOrder(
        side=side, price=step.price, size=step.lots, timestamp=now, order_id=str(step.order_id), trader_id="7"
    )
    engine.place(package.orders.Orders([order]))
    return engine.match(timestamp=now)


def run(peer: Any, given: list[Step]) -> Callable[[], object]:
    """Return the run of the steps through a fresh engine."""
    engine = peer[1].MatchingEngine(seed=1)

    def steps() -> None:
        for step in given:
            if step.lots:
                _entered(peer, engine, step)
            else:
                engine.cancel_order(str(step.order_id))

    return steps


def outcome(peer: Any, given: list[Step]) -> Outcome:
    """Return what the peer makes of the steps."""
    engine = peer[1].MatchingEngine(seed=1)
    trades = []
    for step in given:
        if step.lots:
            made = _entered(peer, engine, step)
            trades += [(int(t.book_order_id), int(t.price), int(t.size)) for t in made.trades]
        else:
            engine.cancel_order(str(step.order_id))
    book = engine.unprocessed_orders
    levels: Levels = {}
    for side, depth in ((Side.BUY, book.bids_depth), (Side.SELL, book.asks_depth)):
        levels |= {(int(side), int(price)): int(lots) for price, lots in depth if lots}
    return Outcome(trades, levels)
