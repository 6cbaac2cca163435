"""A channel: the messages of many instruments in one gapless sequence."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np

from parbook.errors import GapError, MisuseError
from parbook.feeds.builder import BookBuilder, MessageRow
from parbook.feeds.publisher import Publisher, Snapshot
from parbook.feeds.wire import CHANNEL, MESSAGE
from parbook.messages import Event
from parbook.records import Records


class ChannelSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Every instrument's snapshot, as of channel message `last_seq`."""

    last_seq: int
    books: tuple[Snapshot, ...]


class Channel:
    """Merges the publishers of one exchange, in the order in which `publish` is called."""

    def __init__(self, publishers: Iterable[Publisher]) -> None:
        """Carry these publishers, which have published nothing yet; MisuseError when two have one number."""
        self._publishers: dict[int, Publisher] = {}
        self._last_seq = 0
        for publisher in publishers:
            if publisher.instrument in self._publishers:
                raise MisuseError(f"two publishers of one channel have the instrument number {publisher.instrument}.")
            if publisher.last_seq:
                raise MisuseError(
                    f"the publisher of instrument {publisher.instrument} has published outside the channel."
                )
            self._publishers[publisher.instrument] = publisher

    @property
    def last_seq(self) -> int:
        """Channel number of the last message, 0 before the first."""
        return self._last_seq

    def publish(self, instrument: int, events: Records | Iterable[Event], depth: Records | None = None) -> Records:
        """Return the CHANNEL records of one instrument's events and curve. Arguments and errors as Publisher.publish.

        MisuseError for an instrument that no publisher has.
        """
        publisher = self._publishers.get(instrument)
        if publisher is None:
            raise MisuseError(f"this channel has no instrument {instrument}.")
        messages = publisher.publish(events, depth)
        out = np.zeros(len(messages), CHANNEL)
        out["channel_seq"] = np.arange(self._last_seq + 1, self._last_seq + len(messages) + 1, dtype=np.uint64)
        for name in MESSAGE.names or ():
            out[name] = messages[name]
        self._last_seq += len(messages)
        return out

    def snapshot(self) -> ChannelSnapshot:
        """Return what a late joiner of the channel needs. O(orders of all instruments)."""
        return ChannelSnapshot(last_seq=self._last_seq, books=tuple(p.snapshot() for p in self._publishers.values()))


class ChannelBuilder:
    """Builds the books of all instruments of a channel; `books` holds a BookBuilder for each instrument seen."""

    def __init__(self) -> None:
        self.last_seq = 0
        self.books: dict[int, BookBuilder] = {}

    def load(self, snapshot: ChannelSnapshot) -> None:
        """Forget everything and stand where the snapshot stands."""
        self.books = {}
        for of_book in snapshot.books:
            self.books[of_book.instrument] = BookBuilder(of_book.instrument)
            self.books[of_book.instrument].load(of_book)
        self.last_seq = snapshot.last_seq

    def apply(self, messages: Records) -> int:
        """Apply CHANNEL records and return how many were new; those at or before `last_seq` are ignored.

        Errors as BookBuilder.apply; GapError names channel numbers.
        """
        if not isinstance(messages, np.ndarray) or messages.dtype != CHANNEL:
            raise MisuseError("apply takes an array of parbook.feeds.CHANNEL.")
        applied = 0
        for channel_seq, *values in messages.tolist():
            if channel_seq <= self.last_seq:
                continue
            if channel_seq != self.last_seq + 1:
                remedy = f"Apply them first, or load a snapshot whose last_seq is {channel_seq - 1} or later."
                raise GapError("messages of the channel", self.last_seq + 1, channel_seq - 1, remedy)
            row = MessageRow._make(values)
            if row.instrument not in self.books:
                self.books[row.instrument] = BookBuilder(row.instrument)
            self.books[row.instrument].apply_row(row)
            self.last_seq = channel_seq
            applied += 1
        return applied
