"""The publisher: one market's private events in, public messages out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
import numpy as np

from parbook.codes import SessionState, Side, Source
from parbook.errors import GapError, MisuseError
from parbook.feeds.displayed import Level
from parbook.feeds.tracker import Draft, EventRow, Tracker
from parbook.feeds.wire import FEED_OF, MESSAGE, Feed, Flag, MessageKind
from parbook.messages import Event
from parbook.records import DEPTH, EVENT, Records, event_records
from parbook.units import checked_int

_NOTHING: Final = Level(0, 0, 0)
Touches = dict[tuple[Source, Side], Level]


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A book as of public message `last_seq`: the MESSAGE records that build it, all numbered `last_seq`."""

    instrument: int
    last_seq: int
    messages: Records


def as_records(events: Records | Iterable[Event]) -> Records:
    """Return events as EVENT records; MisuseError for another dtype."""
    if not isinstance(events, np.ndarray):
        return event_records(events)
    if events.dtype != EVENT or events.ndim != 1:
        raise MisuseError("events must be a one-dimensional array of parbook.records.EVENT, or Structs.")
    return events


def check_follows(where: str, seqs: Records, next_seq: int) -> None:
    """Raise GapError unless `seqs` continue at `next_seq` without a gap. O(n)."""
    expected = np.arange(next_seq, next_seq + len(seqs), dtype=np.uint64)
    wrong = np.flatnonzero(seqs != expected)
    if not len(wrong):
        return
    wanted, found = int(expected[wrong[0]]), int(seqs[wrong[0]])
    if found < wanted:
        raise MisuseError(
            f"{where}: event {found} comes after event {wanted - 1}. Hand over every event once, in order."
        )
    raise GapError(where, wanted, found - 1, "Hand over every event of the market, from its first one, in order.")


class Publisher:
    """Publishes what the public may know of one market, from its first event on.

    It reads events, and depth for the curve, never the book. Its messages carry a gapless `seq` of their own, from 1,
    over all the feeds it publishes: readers of different feeds have publishers of their own.
    """

    def __init__(
        self, instrument: int = 0, feeds: Feed = Feed.ALL, initial_state: SessionState = SessionState.CONTINUOUS
    ) -> None:
        """Publish `feeds` under the number `instrument` (0..65535) of a market that began in `initial_state`."""
        self.instrument = checked_int(instrument, "instrument", 0, 2**16 - 1)
        self.feeds = Feed(feeds)
        self._next_event_seq = 1
        self._last_seq = 0
        self._tracker = Tracker(self._take_draft, self._mark)
        self._drafts: list[Draft] = []
        self._rows: list[tuple[int, ...]] = []
        self._changed: dict[tuple[Side, int], None] = {}
        self._rungs: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._touches: Touches = {(source, side): _NOTHING for source in (Source.BOOK, Source.CURVE) for side in Side}
        self._last = Draft(MessageKind.LAST)
        self._published_last = self._last
        self._state = Draft(MessageKind.STATE, code=initial_state, leaves_lots=initial_state)
        self._indicative = Draft(MessageKind.INDICATIVE)
        self._uncross: Draft | None = None

    @property
    def last_seq(self) -> int:
        """Number of the last message, 0 before the first."""
        return self._last_seq

    @property
    def next_event_seq(self) -> int:
        """Sequence number of the private event that it expects next."""
        return self._next_event_seq

    def publish(self, events: Records | Iterable[Event], depth: Records | None = None) -> Records:
        """Return the MESSAGE records of the events of whole commands, and of the curve in `depth`, if it is given.

        `depth` is what `market.depth(levels)` says after these commands; its book rows are ignored. L3, trades and
        status come event by event, L2 and L1 of the book once a command, of the curve once a call. GapError when events
        are missing, MisuseError when they come twice; both publish nothing. O(events x log levels + rungs).
        """
        records = as_records(events)
        rungs = None if depth is None else _rungs_of(depth)
        check_follows("private events", records["seq"], self._next_event_seq)
        self._next_event_seq += len(records)
        command = None
        for values in records.tolist():
            row = EventRow._make(values)
            if row.command != command:
                self._end_command()
                command = row.command
            self._tracker.follow(row)
        self._end_command()
        if rungs is not None:
            self._refresh_curve(rungs)
        rows, self._rows = self._rows, []
        return np.array(rows, MESSAGE)

    def snapshot(self) -> Snapshot:
        """Return what a late joiner needs to build the book as of `last_seq`. O(orders)."""
        drafts = [draft for draft in self._whole_book() if FEED_OF[draft.kind] & self.feeds]
        rows = [self._row(draft, self._last_seq) for draft in drafts]
        return Snapshot(instrument=self.instrument, last_seq=self._last_seq, messages=np.array(rows, MESSAGE))

    def _whole_book(self) -> Iterator[Draft]:
        yield self._state
        yield self._indicative
        if self._uncross:
            yield self._uncross
        book = self._tracker.book
        for side in Side:
            for order in book.orders(side):
                yield Draft(MessageKind.ADD, side, **order._asdict())
            for level in book.levels(side):
                yield _level_draft(Source.BOOK, side, level)
            for price_ticks, lots in self._rungs[side].items():
                yield _level_draft(Source.CURVE, side, Level(price_ticks, lots, 0))
        for (source, side), touch in self._touches.items():
            yield _touch_draft(source, side, touch)
        yield self._published_last

    # --- messages -------------------------------------------------------------------------------

    def _mark(self, side: Side, price_ticks: int) -> None:
        self._changed[side, price_ticks] = None

    def _take_draft(self, draft: Draft) -> None:
        match draft.kind:
            case MessageKind.TRADE:
                self._last = draft._replace(kind=MessageKind.LAST)
            case MessageKind.STATE:
                self._state, self._indicative = draft, Draft(MessageKind.INDICATIVE)
            case MessageKind.INDICATIVE:
                self._indicative = draft
            case MessageKind.UNCROSS:
                self._uncross = draft
        self._drafts.append(draft)

    def _end_command(self) -> None:
        """Publish a command: its events' messages, then the levels and the touch it changed."""
        self._tracker.settle()
        for side, price_ticks in self._changed:
            self._drafts.append(_level_draft(Source.BOOK, side, self._tracker.book.level(side, price_ticks)))
        if self._changed:
            self._refresh_touch(Source.BOOK, *(self._tracker.book.best(side) for side in Side))
        if self._last != self._published_last:
            self._drafts.append(self._last)
            self._published_last = self._last
        self._changed.clear()
        self._flush()

    def _refresh_curve(self, rungs: tuple[dict[int, int], dict[int, int]]) -> None:
        """Publish the rungs that changed, those that are gone first."""
        for side in Side:
            old, new = self._rungs[side], rungs[side]
            gone = {price_ticks: 0 for price_ticks in old if price_ticks not in new}
            for price_ticks, lots in (gone | new).items():
                if old.get(price_ticks, 0) != lots:
                    self._drafts.append(_level_draft(Source.CURVE, side, Level(price_ticks, lots, 0)))
        self._rungs = rungs
        bests = (next(iter(of_side.items()), (0, 0)) for of_side in rungs)
        self._refresh_touch(Source.CURVE, *(Level(price_ticks, lots, 0) for price_ticks, lots in bests))
        self._flush()

    def _refresh_touch(self, source: Source, *bests: Level) -> None:
        for side, best in zip(Side, bests, strict=True):
            if best != self._touches[source, side]:
                self._touches[source, side] = best
                self._drafts.append(_touch_draft(source, side, best))

    def _flush(self) -> None:
        """Number what goes out; the last message carries END."""
        drafts = [draft for draft in self._drafts if FEED_OF[draft.kind] & self.feeds]
        self._drafts.clear()
        if drafts:
            drafts[-1] = drafts[-1]._replace(flags=drafts[-1].flags | Flag.END)
        for draft in drafts:
            self._last_seq += 1
            self._rows.append(self._row(draft, self._last_seq))

    def _row(self, draft: Draft, seq: int) -> tuple[int, ...]:
        kind, side, code, flags, *rest = draft
        return (kind, side, code, flags, self.instrument, 0, seq, *rest)


def _level_draft(source: Source, side: Side, level: Level) -> Draft:
    return Draft(MessageKind.LEVEL, side, source, **level._asdict())


def _touch_draft(source: Source, side: Side, touch: Level) -> Draft:
    return Draft(MessageKind.TOUCH, side, source, **touch._asdict())


def _rungs_of(depth: Records) -> tuple[dict[int, int], dict[int, int]]:
    """Return the curve's (price_ticks: lots) of DEPTH records, best first, by side. MisuseError for another dtype."""
    if not isinstance(depth, np.ndarray) or depth.dtype != DEPTH:
        raise MisuseError("depth must be an array of parbook.records.DEPTH, as market.depth() returns it.")
    rungs: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for side, source, _, price_ticks, lots in depth.tolist():
        if source == Source.CURVE:
            rungs[side][price_ticks] = lots
    return rungs
