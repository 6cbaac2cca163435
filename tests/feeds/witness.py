"""A market, its publisher and its subscribers, compared with each other after every batch of commands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from parbook.codes import EventKind, Place, Side, Source
from parbook.feeds import BookBuilder, Level, Publisher
from parbook.interface import MarketProtocol
from parbook.messages import SetCurve
from parbook.records import Records
from tests.parity.lockstep import apply, singles
from tests.parity.reading import read, resting_orders
from tests.parity.streams import Operation

ALL_LEVELS = 2**31 - 1
NOTHING = Level(0, 0, 0)


def pieces(operation: Operation, commands: int) -> Iterator[Operation]:
    """Yield an operation in batches of so many commands; a special command and its TERMS count as one."""
    single = singles([operation])
    if isinstance(operation, SetCurve):
        yield operation
        return
    for start in range(0, len(single), commands):
        yield np.concatenate([part for part in single[start : start + commands] if isinstance(part, np.ndarray)])


def engine_orders(market: MarketProtocol, side: Side) -> list[tuple[int, int, int]]:
    """Return (order_id, price_ticks, shown lots) of a side's displayed orders, first to trade first, from the state."""
    return [
        (
            int(order["order_id"]),
            int(order["price_ticks"]),
            int(order["shown_lots"] if order["place"] == Place.ICEBERG else order["qty_lots"] - order["filled_lots"]),
        )
        for order in resting_orders(market)
        if order["side"] == side
    ]


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
        reading = read(market)
        assert client.state == reading.state
        names = ("indicative_ticks", "indicative_paired_lots", "indicative_surplus_lots")
        assert client.indicative == tuple(int(reading.header[name]) for name in names)

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
