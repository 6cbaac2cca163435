"""The reader: every sound record in order, and what comes after the last one: nothing, a torn tail, or damage.

A crash may leave any part of what no barrier covered: missing, torn, and in any order. Frames carry how far barriers
had come when they were written, so that a hole is judged by what stands behind it:

- nothing valid behind the hole, or only frames that were written before any barrier covered it: nobody was told of
  what is missing. It is a torn tail and may be cut off;
- a frame, or a later segment, that was written after the hole was durable: an acknowledged record is gone. Damage.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final, NoReturn

import msgspec

from parbook.errors import JournalDamageError, SchemaError
from parbook.journal.layout import (
    ALIGN_BYTES,
    FRAME_MAGIC_BYTES,
    KNOWN_LAYOUTS,
    SEGMENT_HEADER_BYTES,
    Frame,
    SegmentHeader,
    read_frame,
    read_segment,
)
from parbook.journal.segments import segment_name, segment_names
from parbook.journal.storage import Storage

REMEDY: Final = (
    "Nothing was changed. Restore the directory from a copy or promote a follower; `parbook journal verify` lists what "
    "is damaged, `parbook journal repair` keeps the records before it and puts the rest into quarantine."
)


class End(msgspec.Struct, frozen=True, kw_only=True):
    """Where the sound records end. `torn`: something lies behind that must be cut off before anything is appended.

    `unsettled` is the offset of the first frame of the segment that no barrier is known to have covered. `journal`: the
    identity in the heads, empty when there is no segment; a journal may have one before it has a record.
    """

    segment: str
    offset: int
    record: int
    crc: int
    epoch: int
    unsettled: int
    journal: bytes
    torn: bool


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Behind a record: its number, its checksum, where its frame ended. `segment` "": at the head of the next one."""

    record: int
    crc: int
    segment: str = ""
    offset: int = 0


BEGINNING: Final = Place(record=0, crc=0)


class Segment(msgspec.Struct, frozen=True):
    """One segment file with its head."""

    name: str
    header: SegmentHeader


class Scanner:
    """Reads a journal once, from the segment that holds record `after + 1`. `end` is known when records() has ended."""

    def __init__(self, storage: Storage, place: Place = BEGINNING, journal: bytes | None = None) -> None:
        """Begin behind a place; `journal` is the identity that the segments must have."""
        self.storage = storage
        self.end: End | None = None
        self.place = place
        self._journal = journal
        self._uncovered: deque[tuple[int, int]] = deque()
        found = [self._segment(name) for name in segment_names(storage.names())]
        self.segments = [segment for segment in found if not any(_fences(other, segment) for other in found)]

    def go_to_the_oldest(self) -> None:
        """Begin with the oldest record that is there, whatever a snapshot says."""
        if self.segments:
            oldest = self.segments[0].header
            self.place = Place(record=oldest.first - 1, crc=oldest.previous)

    def _segment(self, name: str) -> Segment:
        header = read_segment(self.storage.read(name, 0, SEGMENT_HEADER_BYTES))
        if header is None or segment_name(header.first, header.epoch) != name:
            # It was synced before it got its name, so that no crash leaves it like this.
            raise JournalDamageError(name, 0, self.place.record, "the head of the segment is damaged", REMEDY)
        if header.layouts not in KNOWN_LAYOUTS:
            raise SchemaError(
                name, "its records have layouts that this parbook does not know", "Open it with the parbook it is of."
            )
        if self.storage.size(name) != header.size:
            reason = f"the segment has {self.storage.size(name)} bytes, and was made with {header.size}"
            raise JournalDamageError(name, 0, self.place.record, reason, REMEDY)
        self._journal = self._journal or header.journal
        if header.journal != self._journal:
            raise JournalDamageError(name, 0, self.place.record, "the segment belongs to another journal", REMEDY)
        return Segment(name, header)

    def records(self) -> Iterator[Frame]:
        """Yield every sound frame behind `after`, in order. JournalDamageError: what was acknowledged is not there."""
        begin = self.begin()
        if begin is None:
            identity = self._journal or b""
            self.end = End(segment="", offset=0, record=0, crc=0, epoch=0, unsettled=0, journal=identity, torn=False)
            return
        index, offset = begin
        record, crc = self.place.record, self.place.crc
        while True:
            segment = self.segments[index]
            data = self.storage.read(segment.name)
            following = self._following(index)
            self._uncovered.clear()
            while True:
                if following is not None and self._continues(following, record, crc, data, offset):
                    break
                frame = read_frame(data, offset)
                if frame is None or frame.record != record + 1 or frame.previous != crc:
                    self.end = self._judge(index, data, offset, record, crc)
                    return
                self._cover(frame)
                record, crc, offset = frame.record, frame.crc, frame.end
                yield frame
            index, offset = index + 1, SEGMENT_HEADER_BYTES

    def begin(self) -> tuple[int, int] | None:
        """Return the index of the segment to read first, and the offset there; None when there is nothing at all."""
        place = self.place
        for index, segment in enumerate(self.segments):
            if segment.name == place.segment:
                return index, place.offset
        for index, segment in enumerate(self.segments):
            if segment.header.first == place.record + 1 and segment.header.previous == place.crc:
                return index, SEGMENT_HEADER_BYTES
        if place.record == 0 and not self.segments:
            return None
        name = place.segment or self.segments[0].name
        self._damage(name, place.offset, place.record, f"the segment that goes on behind record {place.record} is gone")

    def _following(self, index: int) -> Segment | None:
        return self.segments[index + 1] if index + 1 < len(self.segments) else None

    def _continues(self, following: Segment, record: int, crc: int, data: bytes, offset: int) -> bool:
        """Whether the next segment goes on here: nothing more stands in this one, or its writer was fenced off."""
        header = following.header
        if header.first != record + 1 or header.previous != crc:
            return False
        index = self.segments.index(following)
        nothing_more = not any(data[offset : offset + ALIGN_BYTES])
        return header.epoch > self.segments[index - 1].header.epoch or nothing_more

    def _cover(self, frame: Frame) -> None:
        """Note where the frames begin that no later one says a barrier covered."""
        self._uncovered.append((frame.record, frame.offset))
        while self._uncovered and self._uncovered[0][0] <= frame.durable:
            self._uncovered.popleft()

    def _judge(self, index: int, data: bytes, offset: int, record: int, crc: int) -> End:
        """Decide what the place is where sound records end."""
        segment = self.segments[index]
        torn = len(data.rstrip(b"\0")) > offset
        for frame in frames_in(data, offset):
            self._weigh(segment.name, offset, record, crc, frame)
        for later in self.segments[index + 1 :]:
            # Its writer synced everything before it, then gave it its name.
            reason = f"record {record + 1} was acknowledged, and is not there: {later.name} comes after it"
            self._damage(segment.name, offset, record, reason)
        return End(
            segment=segment.name,
            offset=offset,
            record=record,
            crc=crc,
            epoch=segment.header.epoch,
            unsettled=self.unsettled(offset),
            journal=segment.header.journal,
            torn=torn,
        )

    def unsettled(self, end: int) -> int:
        """Return where in the current segment the first frame stands that no barrier is known to have covered."""
        return self._uncovered[0][1] if self._uncovered else end

    def _weigh(self, name: str, offset: int, record: int, crc: int, frame: Frame) -> None:
        if frame.durable > record:
            reason = f"record {record + 1} is damaged; record {frame.record} at {frame.offset} says it was durable"
            self._damage(name, offset, record, reason)
        if frame.record <= record or (frame.record == record + 1 and frame.previous == crc):
            self._damage(name, offset, record, f"record {frame.record} stands at {frame.offset}, where it never was")

    def _damage(self, name: str, offset: int, record: int, reason: str) -> NoReturn:
        raise JournalDamageError(name, offset, record, reason, REMEDY)


def _fences(newer: Segment, older: Segment) -> bool:
    """Whether a promoted writer began before a segment of the one that was fenced off: then nothing of it counts."""
    return newer.header.epoch > older.header.epoch and newer.header.first <= older.header.first


def frames_in(data: bytes, offset: int) -> Iterator[Frame]:
    """Yield every valid frame from an offset on, wherever it stands. O(bytes)."""
    offset = data.find(FRAME_MAGIC_BYTES, offset)
    while offset >= 0:
        frame = read_frame(data, offset)
        if frame is not None:
            yield frame
        offset = data.find(FRAME_MAGIC_BYTES, offset + 1 if frame is None else frame.end)
