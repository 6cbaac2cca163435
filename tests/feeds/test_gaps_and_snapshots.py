"""A gap is named, messages seen twice are ignored, and whoever joins late holds the same book."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import parbook.reference
from parbook.codes import Side
from parbook.errors import CorruptionError, GapError, MisuseError
from parbook.feeds import BookBuilder, Channel, ChannelBuilder, Feed, MessageKind, Publisher, ShownOrder
from parbook.instrument import Instrument
from parbook.messages import CancelOrder, NewOrder
from parbook.records import Records
from tests.feeds.witness import ALL_LEVELS
from tests.parity.lockstep import apply
from tests.parity.profiles import SPECIAL, instrument_of
from tests.parity.streams import Stream

LIVELY = next(profile for profile in SPECIAL if profile.name == "auctions-curve")


def stream_of(seed: int, instrument: int = 0, rounds: int = 8) -> tuple[Publisher, list[Records], list[Any]]:
    """Return a publisher, its messages round by round, and its snapshot before each round."""
    market = parbook.reference.Market(instrument_of(LIVELY, seed))
    publisher = Publisher(instrument, initial_state=market.instrument.initial_state)
    stream = Stream(LIVELY, seed)
    messages: list[Records] = []
    snapshots = []
    for _ in range(rounds):
        snapshots.append(publisher.snapshot())
        for operation in stream.next(market, 30):
            messages.append(publisher.publish(apply(market, operation), market.depth(ALL_LEVELS)))
    return publisher, messages, snapshots


def test_joiners_of_every_moment_hold_the_same():
    publisher, messages, snapshots = stream_of(9)
    everything = np.concatenate(messages)
    pictures = []
    for snapshot in [*snapshots, publisher.snapshot()]:
        client = BookBuilder()
        client.load(snapshot)
        assert client.last_seq == snapshot.last_seq
        # Everything from the first message on: what the snapshot holds already is ignored.
        assert client.apply(everything) == publisher.last_seq - snapshot.last_seq
        pictures.append(client.picture())
    assert publisher.last_seq > 300
    assert all(picture == pictures[0] for picture in pictures)


def test_a_snapshot_holds_only_the_feeds_of_its_publisher():
    publisher = Publisher(feeds=Feed.L2)
    market = parbook.reference.Market(Instrument(symbol="X"))
    publisher.publish(market.apply(NewOrder(account=1, side=Side.BUY, qty_lots=1, price_ticks=5)))
    assert publisher.snapshot().messages["kind"].tolist() == [MessageKind.LEVEL]


def test_a_gap_names_what_is_missing_and_changes_nothing_behind_it():
    publisher, messages, snapshots = stream_of(9)
    everything = np.concatenate(messages)
    client = BookBuilder()
    client.load(snapshots[0])
    with pytest.raises(GapError, match=r"11 to 14 are missing\. Apply them first, or load a snapshot") as caught:
        client.apply(np.concatenate([everything[:10], everything[14:]]))
    assert (caught.value.first, caught.value.last) == (11, 14)
    assert client.last_seq == 10
    # Either remedy works.
    resent, reloaded = client, BookBuilder()
    assert resent.apply(everything) == publisher.last_seq - 10
    reloaded.load(snapshots[3])
    reloaded.apply(everything)
    assert resent.picture() == reloaded.picture()


def test_one_lost_message_anywhere_is_noticed():
    _, messages, snapshots = stream_of(4, rounds=2)
    everything = np.concatenate(messages)
    for lost in range(0, len(everything) - 1, 7):
        client = BookBuilder()
        client.load(snapshots[0])
        with pytest.raises(GapError) as caught:
            client.apply(np.delete(everything, lost))
        assert (caught.value.first, caught.value.last) == (lost + 1, lost + 1)


def test_loading_forgets_what_was_there():
    publisher, _, snapshots = stream_of(9)
    client = BookBuilder()
    client.load(publisher.snapshot())
    client.load(snapshots[2])
    fresh = BookBuilder()
    fresh.load(snapshots[2])
    assert client.picture() == fresh.picture()
    assert client.last_seq == snapshots[2].last_seq


def test_the_publisher_wants_every_event_once():
    market = parbook.reference.Market(Instrument(symbol="X"))
    first, second, third = (
        market.apply(NewOrder(account=1, side=Side.BUY, qty_lots=1, price_ticks=price)) for price in (5, 6, 7)
    )
    publisher = Publisher()
    publisher.publish(first)
    with pytest.raises(GapError, match="private events: 2 to 2 are missing"):
        publisher.publish(third)
    with pytest.raises(MisuseError, match="event 1 comes after event 1"):
        publisher.publish(first)
    assert publisher.next_event_seq == 2
    publisher.publish(second + third)
    client = BookBuilder()
    client.load(publisher.snapshot())
    assert list(client.book.orders(Side.BUY)) == [ShownOrder(3, 7, 1), ShownOrder(2, 6, 1), ShownOrder(1, 5, 1)]


def test_an_execution_that_leaves_something_else_is_corruption():
    market = parbook.reference.Market(Instrument(symbol="X"))
    publisher, client = Publisher(feeds=Feed.L3), BookBuilder()
    client.apply(publisher.publish(market.apply(NewOrder(account=1, side=Side.BUY, qty_lots=4, price_ticks=5))))
    execution = publisher.publish(market.apply(NewOrder(account=2, side=Side.SELL, qty_lots=1, price_ticks=5)))
    execution["leaves_lots"] = 2
    with pytest.raises(CorruptionError, match="shows 3, not 2"):
        client.apply(execution)


def test_messages_that_contradict_the_book_are_corruption():
    market = parbook.reference.Market(Instrument(symbol="X"))
    publisher = Publisher(feeds=Feed.L3)
    messages = np.concatenate(
        [
            publisher.publish(market.apply(NewOrder(account=1, side=Side.BUY, qty_lots=4, price_ticks=5))),
            publisher.publish(market.apply(CancelOrder(account=1, order_id=1))),
        ]
    )
    for field, value in (("order_id", 7), ("qty_lots", 3), ("kind", 99), ("kind", MessageKind.ADD)):
        forged = messages.copy()
        forged[field][1] = value
        client = BookBuilder()
        with pytest.raises(CorruptionError):
            client.apply(forged)
        assert client.last_seq == 1


def test_what_belongs_elsewhere_is_misuse():
    publisher, messages, _ = stream_of(9, instrument=3, rounds=1)
    client = BookBuilder(4)
    with pytest.raises(MisuseError, match="instrument 3"):
        client.apply(np.concatenate(messages))
    with pytest.raises(MisuseError, match="instrument 3"):
        client.load(publisher.snapshot())
    for wrong in (np.zeros(2), [1], None):
        with pytest.raises(MisuseError):
            client.apply(wrong)
        with pytest.raises(MisuseError):
            ChannelBuilder().apply(wrong)
    with pytest.raises(MisuseError):
        publisher.publish(np.zeros(2))
    with pytest.raises(MisuseError):
        publisher.publish([], np.zeros(2))
    for number in (-1, 2**16, 1.0):
        with pytest.raises(MisuseError):
            Publisher(number)


# --- channels -----------------------------------------------------------------------------------


class Exchange:
    """Three markets and their channel."""

    def __init__(self) -> None:
        self.numbers = (2, 5, 7)
        self.markets = {n: parbook.reference.Market(instrument_of(LIVELY, n)) for n in self.numbers}
        self.streams = {n: Stream(LIVELY, n) for n in self.numbers}
        self.channel = Channel(
            Publisher(n, initial_state=market.instrument.initial_state) for n, market in self.markets.items()
        )

    def round(self) -> Records:
        """Let every market trade a little and return what the channel says."""
        out = []
        for number, market in self.markets.items():
            for operation in self.streams[number].next(market, 15):
                events = apply(market, operation)
                out.append(self.channel.publish(number, events, market.depth(ALL_LEVELS)))
        return np.concatenate(out)


def test_a_channel_numbers_all_instruments_without_gaps_and_each_of_them_too():
    exchange = Exchange()
    early = ChannelBuilder()
    early.load(exchange.channel.snapshot())
    messages = np.concatenate([exchange.round() for _ in range(4)])
    snapshot = exchange.channel.snapshot()
    messages = np.concatenate([messages, *(exchange.round() for _ in range(4))])
    assert messages["channel_seq"].tolist() == list(range(1, len(messages) + 1))
    for number in exchange.numbers:
        of_one = messages[messages["instrument"] == number]
        assert of_one["seq"].tolist() == list(range(1, len(of_one) + 1))
        assert len(of_one) > 30
    late = ChannelBuilder()
    late.load(snapshot)
    assert early.apply(messages) == len(messages)
    assert late.apply(messages) == len(messages) - snapshot.last_seq
    for number, market in exchange.markets.items():
        assert late.books[number].picture() == early.books[number].picture()
        assert late.books[number].depth(ALL_LEVELS).tobytes() == market.depth(ALL_LEVELS).tobytes()


def test_a_gap_in_the_channel_is_named():
    exchange = Exchange()
    client = ChannelBuilder()
    client.load(exchange.channel.snapshot())
    messages = exchange.round()
    with pytest.raises(GapError, match="messages of the channel: 4 to 4 are missing"):
        client.apply(np.delete(messages, 3))
    assert client.last_seq == 3
    assert client.apply(messages) == len(messages) - 3


def test_a_channel_knows_its_instruments():
    with pytest.raises(MisuseError, match="instrument number 1"):
        Channel([Publisher(1), Publisher(1)])
    with pytest.raises(MisuseError, match="no instrument 9"):
        Channel([Publisher(1)]).publish(9, [])
    publisher, _, _ = stream_of(9, rounds=1)
    with pytest.raises(MisuseError, match="outside the channel"):
        Channel([publisher])
