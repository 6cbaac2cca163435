"""The writer: room is made before a command runs, so that a full disk refuses it instead of losing it.

The next segment is made while the current one still has room, and more of them when there is a stock, see
`parbook.journal.stock`. It takes its name only when it is needed: header, sync, rename, sync of the names.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Final

from parbook.errors import JournalFullError
from parbook.journal.barriers import Barriers
from parbook.journal.layout import (
    SEGMENT_HEADER_BYTES,
    Kind,
    SegmentHeader,
    encode_frame,
    encode_segment,
    frame_bytes,
)
from parbook.journal.payloads import SCHEMA
from parbook.journal.stock import SUFFIX, Spare, Stock
from parbook.journal.storage import Handle, Storage

_NO_SPACE: Final = (errno.ENOSPC, errno.EDQUOT)


def segment_name(first: int, epoch: int) -> str:
    """Return the name of a writer's segment whose first record has that number. Two writers never share a name."""
    return f"{first:020d}-{epoch:06d}{SUFFIX}"


def segment_names(names: list[str]) -> list[str]:
    """Return those names that are segments', in order."""
    return [name for name in names if name.endswith(SUFFIX) and name[:20].isdigit()]


class Writer:
    """Appends frames to a journal whose end is known. One thread appends; another may sync at the same time.

    `appended` is the last record written, `written_bytes` how much this writer wrote. `on_segment(name, first record)`
    is told of every segment begun.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        journal: bytes,
        epoch: int,
        segment_bytes: int,
        barriers: Barriers,
        spare_segments: int = 1,
        in_background: bool = False,
    ) -> None:
        self.storage = storage
        self.barriers = barriers
        self.stock = Stock(
            storage, epoch=epoch, segment_bytes=segment_bytes, most=spare_segments, in_background=in_background
        )
        self.appended = 0
        self.crc = 0
        self.segment = ""
        self.offset = 0
        self.written_bytes = 0
        self.on_segment: Callable[[str, int], None] = lambda name, first: None
        self._journal = journal
        self._epoch = epoch
        self._segment_bytes = segment_bytes
        self._handle: Handle | None = None
        self._size = 0

    def go_on(self, segment: str, offset: int, record: int, crc: int) -> None:
        """Append behind `record`, whose frame ends there and is durable. `segment` may be "": then in a new one."""
        self.appended = record
        self.crc = crc
        if segment:
            self.segment, self.offset = segment, offset
            self._size = self.storage.size(segment)
            self._handle = self.storage.open(segment)
        self.barriers.use(self._handle, record)
        if segment:
            self.stock.begin()

    # --- room -----------------------------------------------------------------------------------

    def make_room(self, payload_bytes: int) -> None:
        """Make sure that a frame with such a payload can be appended. JournalFullError: nothing has changed."""
        wanted = frame_bytes(payload_bytes)
        if self.offset + wanted <= self._size:
            if self.offset > self._size // 8:
                self.stock.refill(wanted)
            return
        try:
            spare = self.stock.take(wanted)
        except OSError as error:
            if error.errno not in _NO_SPACE:
                raise
            raise JournalFullError(
                f"there is no room on the disk for another segment of {self._segment_bytes} bytes, so the call was "
                "refused and nothing of it applied. Free space, then send it again."
            ) from error
        self._use(spare)

    def prepare(self) -> None:
        """Return when the stock is full. JournalFullError, OSError: it is not, and nothing else has changed."""
        try:
            self.stock.fill()
        except OSError as error:
            if error.errno not in _NO_SPACE:
                raise
            raise JournalFullError(
                f"there is room on the disk for {self.stock.ready} of {self.stock.most} spare segments of "
                f"{self._segment_bytes} bytes. Free space, then call prepare() again, or go on with those."
            ) from error

    def _use(self, spare: Spare) -> None:
        """Turn a spare into the current segment. What stands in the one before is durable then.

        Its head and what stands before it reach the medium in either order, so that the head's sync runs beside the
        barrier that a thread may be at. Both come before the name, and the name before any barrier of the segment.
        """
        name = segment_name(self.appended + 1, self._epoch)
        header = SegmentHeader(
            previous=self.crc,
            epoch=self._epoch,
            first=self.appended + 1,
            journal=self._journal,
            size=spare.size,
        )
        self.barriers.ask()
        handle = self.storage.open(spare.name)
        handle.write(encode_segment(header), 0)
        handle.sync()
        self.sync()
        self.storage.rename(spare.name, name)
        self.storage.sync_names()
        self.barriers.use(handle, self.appended)
        if self._handle is not None:
            self._handle.close()
        self._handle = handle
        self.segment, self.offset, self._size = name, SEGMENT_HEADER_BYTES, spare.size
        self.on_segment(name, header.first)
        self.stock.begin()

    # --- records --------------------------------------------------------------------------------

    def append(self, kind: Kind, payload: bytes, *, command: int, position: int, now_ns: int, count: int = 1) -> int:
        """Write a record and return its number. make_room must have been asked. OSError: the journal has failed."""
        frame, crc = encode_frame(
            payload,
            previous=self.crc,
            record=self.appended + 1,
            command=command,
            position=position,
            now_ns=now_ns,
            kind=kind,
            schema=SCHEMA,
            count=count,
            durable=self.durable,
        )
        assert self._handle is not None
        assert self.offset + len(frame) <= self._size
        self._handle.write(frame, self.offset)
        self.offset += len(frame)
        self.written_bytes += len(frame)
        self.crc = crc
        self.appended += 1
        self.barriers.appended(self.appended)
        return self.appended

    @property
    def record(self) -> int:
        """The last record, as a snapshot names it."""
        return self.appended

    @property
    def durable(self) -> int:
        """The last record that a barrier covered."""
        return self.barriers.durable

    def sync(self) -> int:
        """Return the last record that is on the medium now, everything appended before the call among it. OSError."""
        return self.barriers.sync()

    def close(self) -> None:
        """Let go of the files. What was appended and not synced is not durable."""
        self.barriers.stop()
        self.barriers.use(None, self.durable)
        if self._handle is not None:
            self._handle.close()
            self._handle = None
        self.stock.close()
