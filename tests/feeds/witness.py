"""A market, its publisher and its subscribers, compared with each other after every batch of commands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from parbook.codes import CommandKind, EventKind, Place, SessionState, Side, Source
from parbook.feeds import BookBuilder, Level, Publisher
from parbook.interface import MarketProtocol
from parbook.messages import SetCurve
from parbook.records import Records, event_records
from parbook.state import HEADER
from tests.parity.streams import Operation, resting_orders

ALL_LEVELS = 2**31 - 1
SPECIAL = (CommandKind.NEW_SPECIAL, CommandKind.AMEND_SPECIAL)
NOTHING = Level(0, 0, 0)


def pieces(operation: Operation, commands: int) -> Iterator[Operation]:
    """Yield an operation in batches of so many commands; a special command and its TERMS count as one."""
    if isinstance(operation, SetCurve):
        yield operation
        return
    start = end = count = 0
    while end < len(operation):
        special = operation["kind"][end] in SPECIAL
        end += 1
        if special and end < len(operation) and operation["kind"][end] == CommandKind.TERMS:
            end += 1
        count += 1
        if count == commands or end == len(operation):
            yield operation[start:end]
            start, count = end, 0


def apply(market: MarketProtocol, operation: Operation) -> Records:
    """Apply one operation and return its EVENT records."""
    if isinstance(operation, SetCurve):
        return event_records(market.apply(operation))
    return market.apply_batch(operation)


def engine_orders(market: MarketProtocol, side: Side) -> list[tuple[int, int, int]]:
    """Return (order_id, price_ticks, shown lots) of a side's displayed orders, first to trade first, from the state."""
    return [
        (
            int(order["order_id"]),
            int(order["price_ticks"]),
            int(order["shown_lots"] if order["place"] == Place.ICEBERG else order["qty_lots"] - order["filled_lots"]),
        )
        for order in resting_orders(market)
        if order["side"] == side and order["place"] in (Place.BOOK, Place.ICEBERG)
    ]


def engine_state(market: MarketProtocol) -> tuple[SessionState, tuple[int, int, int]]:
    """Return session state and last indication, from the state."""
    header = np.frombuffer(market.state_bytes(), HEADER, count=1)[0]
    state = SessionState(int(header["phase"]))
    if header["closed"]:
        state = SessionState.CLOSED
    if header["delisted"]:
        state = SessionState.DELISTED
    price_ticks, paired_lots, surplus_lots = (
        int(header[f"indicative_{name}"]) for name in ("ticks", "paired_lots", "surplus_lots")
    )
    return state, (price_ticks, paired_lots, surplus_lots)


class Witness:
    """Applies operations to a market and lets a client that sees only the feed follow it."""

    def __init__(self, market: MarketProtocol) -> None:
        self.market = market
        self.publisher = Publisher(initial_state=market.instrument.initial_state)
        self.client = BookBuilder()
        self.client.load(self.publisher.snapshot())
        self.late: list[BookBuilder] = []
        self.kinds: set[int] = set()
        self.events: Counter[tuple[int, int]] = Counter()
        self.hidden_ids: set[int] = set()

    def heard(self, events: Records) -> Records:
        """Return what the publisher hears of the events: all of it, unless a test says otherwise."""
        return events

    def step(self, operation: Operation) -> Records:
        """Apply, publish, follow, compare; return the public messages."""
        events = self.heard(apply(self.market, operation))
        depth = self.market.depth(ALL_LEVELS)
        messages = self.publisher.publish(events, depth)
        for client in (self.client, *self.late):
            assert client.apply(messages) == len(messages)
        self.kinds |= set(messages["kind"].tolist())
        self.events.update(zip(events["kind"].tolist(), events["code"].tolist(), strict=True))
        accepted_hidden = (events["kind"] == EventKind.ACCEPTED) & (events["code"] == Place.HIDDEN)
        self.hidden_ids |= set(events["order_id"][accepted_hidden].tolist())
        assert not self.hidden_ids & set(messages["order_id"].tolist())
        self.compare(depth)
        return messages

    def compare(self, depth: Records) -> None:
        """Compare everything the client holds with the engine."""
        market, client = self.market, self.client
        assert client.depth(ALL_LEVELS).tobytes() == depth.tobytes()
        for side in Side:
            assert list(client.book.orders(side)) == engine_orders(market, side)
            assert list(client.book.levels(side)) == client.levels(side)
            for source in (Source.BOOK, Source.CURVE):
                assert client.touch(side, source) == next(iter(client.levels(side, source)), NOTHING)
        assert client.touch(Side.BUY).price_ticks == market.best_bid_ticks
        assert client.touch(Side.SELL).price_ticks == market.best_ask_ticks
        assert client.last_trade.price_ticks == market.last_trade_ticks
        state, indicative = engine_state(market)
        assert client.state == state
        assert client.indicative == indicative

    def join(self) -> None:
        """Let one more client join now, from a snapshot."""
        client = BookBuilder()
        client.load(self.publisher.snapshot())
        self.late.append(client)

    def compare_late(self) -> None:
        """All clients hold the same, whenever they joined."""
        for client in self.late:
            assert client.picture() == self.client.picture()
            assert client.last_seq == self.client.last_seq == self.publisher.last_seq
