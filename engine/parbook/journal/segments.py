"""The writer: room is made before a command runs, so that a full disk refuses it instead of losing it.

The next segment is made while the current one still has room, in a thread of its own on a real disk. It takes its name
only when it is needed: header, sync, rename, sync of the names.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
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
from parbook.journal.storage import Handle, Storage

_SPARE: Final = "spare-"
_SUFFIX: Final = ".segment"
_NO_SPACE: Final = (errno.ENOSPC, errno.EDQUOT)


def spare_name(epoch: int) -> str:
    """Return what a writer's next segment is called before it is one. Two writers never share that either."""
    return f"{_SPARE}{epoch:06d}{_SUFFIX}"


def spare_names(names: list[str]) -> list[str]:
    """Return those names that are of spare segments: found at opening, they are thrown away."""
    return [name for name in names if name.startswith(_SPARE) and name.endswith(_SUFFIX)]


def segment_name(first: int, epoch: int) -> str:
    """Return the name of a writer's segment whose first record has that number. Two writers never share a name."""
    return f"{first:020d}-{epoch:06d}{_SUFFIX}"


def segment_names(names: list[str]) -> list[str]:
    """Return those names that are segments', in order."""
    return [name for name in names if name.endswith(_SUFFIX) and name[:20].isdigit()]


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
        in_background: bool = False,
    ) -> None:
        self.storage = storage
        self.barriers = barriers
        self.appended = 0
        self.crc = 0
        self.segment = ""
        self.offset = 0
        self.written_bytes = 0
        self.on_segment: Callable[[str, int], None] = lambda name, first: None
        self._journal = journal
        self._epoch = epoch
        self._spare = spare_name(epoch)
        self._segment_bytes = segment_bytes
        self._in_background = in_background
        self._handle: Handle | None = None
        self._size = 0
        self._spare_bytes = 0
        self._spare_error: OSError | None = None
        self._making: Thread | None = None

    def go_on(self, segment: str, offset: int, record: int, crc: int) -> None:
        """Append behind `record`, whose frame ends there and is durable. `segment` may be "": then in a new one."""
        self.appended = record
        self.crc = crc
        if segment:
            self.segment, self.offset = segment, offset
            self._size = self.storage.size(segment)
            self._handle = self.storage.open(segment)
        self.barriers.use(self._handle, record)

    # --- room -----------------------------------------------------------------------------------

    def make_room(self, payload_bytes: int) -> None:
        """Make sure that a frame with such a payload can be appended. JournalFullError: nothing has changed."""
        wanted = frame_bytes(payload_bytes)
        if self.offset + wanted <= self._size:
            if self.offset > self._size // 8 and not self._spare_bytes:
                self._make_spare(wanted, self._in_background)
            return
        self._join()
        if self._spare_bytes < wanted + SEGMENT_HEADER_BYTES:
            self._make_spare(wanted, in_background=False)
            if self._spare_error is not None:
                error, self._spare_error = self._spare_error, None
                if error.errno not in _NO_SPACE:
                    raise error
                raise JournalFullError(
                    f"there is no room on the disk for another segment of {self._segment_bytes} bytes, so the call was "
                    "refused and nothing of it applied. Free space, then send it again."
                ) from error
        self._use_spare()

    def _make_spare(self, frame: int, in_background: bool) -> None:
        size = max(self._segment_bytes, frame + SEGMENT_HEADER_BYTES)
        if not in_background:
            self._create_spare(size, gently=False)
        elif self._making is None and self._spare_error is None:
            self._making = Thread(
                target=self._create_spare, args=(size, True), name="parbook-journal-spare", daemon=True
            )
            self._making.start()

    def _create_spare(self, size: int, gently: bool) -> None:
        self._spare_error = None
        try:
            self.storage.create(self._spare, size, gently=gently)
            self._spare_bytes = size
        except OSError as error:
            self._spare_error = error

    def _join(self) -> None:
        if self._making is not None:
            self._making.join()
            self._making = None

    def _use_spare(self) -> None:
        """Turn the spare into the current segment. What stands in the one before is durable then."""
        self.sync()
        name = segment_name(self.appended + 1, self._epoch)
        header = SegmentHeader(
            previous=self.crc,
            epoch=self._epoch,
            first=self.appended + 1,
            journal=self._journal,
            size=self._spare_bytes,
        )
        handle = self.storage.open(self._spare)
        handle.write(encode_segment(header), 0)
        handle.sync()
        self.storage.rename(self._spare, name)
        self.storage.sync_names()
        self.barriers.use(handle, self.appended)
        if self._handle is not None:
            self._handle.close()
        self._handle = handle
        self.segment, self.offset, self._size = name, SEGMENT_HEADER_BYTES, self._spare_bytes
        self._spare_bytes = 0
        self.on_segment(name, header.first)

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
        self._join()
        self.barriers.stop()
        self.barriers.use(None, self.durable)
        if self._handle is not None:
            self._handle.close()
            self._handle = None
        if self._spare_bytes:
            with suppress(OSError):
                self.storage.remove(self._spare)
            self._spare_bytes = 0
