"""A second core that follows a journal while another process writes it, stays silent, and can take over.

It reads what the writer has written, on the same machine: what stands in a file outlives the process that wrote it. It
applies whole frames in the order of the chain; one that is not whole yet is looked at again later. It writes nothing
before it is promoted.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from parbook.errors import CorruptionError, InputError, JournalDamageError, JournalFencedError
from parbook.journal import snapshots
from parbook.journal.catalogue import Catalogue
from parbook.journal.exchange import DurableExchange, Replayed
from parbook.journal.layout import (
    FRAME_BYTES,
    SEGMENT_HEADER_BYTES,
    Frame,
    frame_bytes,
    read_frame,
    read_segment,
)
from parbook.journal.lock import EPOCH, DirectoryFence, written_epoch
from parbook.journal.opening import Options, go_on
from parbook.journal.recovery import Replay, settle
from parbook.journal.scan import BEGINNING, REMEDY, End, Place, Scanner, frames_in
from parbook.journal.segments import segment_names
from parbook.journal.storage import DiskStorage
from parbook.protocol.exchange import BackedExchange
from parbook.units import checked_int
from parbook.venue.history import RETAINED_EVENTS

CHUNK_BYTES: Final = 4 * 2**20


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a follower stands. `behind_bytes`: written behind it in its segment, 0 when it has caught up."""

    record: int
    command: int
    now_ns: int
    segment: str
    offset: int
    behind_bytes: int


class Follower:
    """Follows the journal in a directory: poll() applies what is new. For one thread."""

    def __init__(self, path: Path, *, retain_events: int = RETAINED_EVENTS) -> None:
        """Read the newest snapshot and all that is behind it. InputError when there is no journal."""
        self.root = Path(path)
        if not (self.root / EPOCH).exists():
            raise InputError(str(path), "there is no journal", "Name the directory that parbook.open was given.")
        self._storage = DiskStorage(self.root)
        self._replayed = Replayed(checked_int(retain_events, "retain_events", 1, 2**40))
        self._replay = Replay(self._storage, on_events=self._replayed.add, on_said=self._replayed.hear)
        self._replay.load_newest()
        scanner = self._replay.scanner()
        self._end = End(segment="", offset=0, record=0, crc=0, epoch=0, unsettled=0, journal=b"", torn=False)
        begin = scanner.begin()
        if begin is not None:
            index, offset = begin
            segment = scanner.segments[index]
            self._end = End(
                segment=segment.name,
                offset=offset,
                record=scanner.place.record,
                crc=scanner.place.crc,
                epoch=segment.header.epoch,
                unsettled=offset,
                journal=segment.header.journal,
                torn=False,
            )
        self._buffer, self._base = b"", 0
        self._seen = b""
        self._begins: dict[int, tuple[int, str]] = {}
        self.poll()

    # --- following ------------------------------------------------------------------------------

    @property
    def core(self) -> BackedExchange:
        """The core as it stands, to look at. CorruptionError before the journal's first record."""
        if self._replay.core is None:
            raise CorruptionError(f"{self.root}: the journal has no record yet. Poll again when it has.")
        return self._replay.core

    @property
    def standing(self) -> Standing:
        """Where it stands."""
        core = self._replay.core
        behind = b""
        if self._end.segment:
            behind = self._storage.read(self._end.segment, self._end.offset).rstrip(b"\0")
        return Standing(
            record=self._end.record,
            command=core.next_command - 1 if core else 0,
            now_ns=core.now_ns if core else 0,
            segment=self._end.segment,
            offset=self._end.offset,
            behind_bytes=len(behind),
        )

    def state_hash(self) -> str:
        """Return the BLAKE2b-256 of the state at the record where it stands. O(state)."""
        return self.core.state_hash()

    def poll(self, limit: int = 2**62, on_record: Callable[[Frame], None] | None = None) -> int:
        """Apply what was written since, at most `limit` records, and return how many that were.

        JournalDamageError when what stands there can never become the next record; JournalFencedError when it followed
        a writer that was fenced off, farther than the journal did: begin again with a new one.
        """
        applied = 0
        self._look_for_segments()
        while applied < limit:
            # What a fenced writer wrote behind the cut is as sound as any frame, and counts for nothing.
            if self._begins.get(self._end.record + 1, (0, ""))[0] > self._end.epoch and self._next_segment():
                continue
            frame = self._next()
            if frame is None:
                if self._next_segment():
                    continue
                break
            self._replay.apply(frame)
            self._stand(offset=frame.end, record=frame.record, crc=frame.crc)
            applied += 1
            if on_record is not None:
                on_record(frame)
        if applied == 0:
            self._refuse_damage()
        return applied

    def _look_for_segments(self) -> None:
        """Note which segments begin where, of the greatest epoch for each record."""
        self._begins = {}
        for name in segment_names(self._storage.names()):
            first, epoch = int(name[:20]), int(name[21:27])
            self._begins[first] = max(self._begins.get(first, (0, "")), (epoch, name))
            if self._end.epoch < epoch and 0 < first <= self._end.record:
                raise JournalFencedError(
                    f"{self.root}: a follower was promoted behind record {first - 1}, and this one is at "
                    f"{self._end.record}, behind a writer that was fenced off. Begin again with a new follower."
                )

    def _stand(self, **where: int | str) -> None:
        self._end = msgspec.structs.replace(self._end, **where)

    def _next(self) -> Frame | None:
        """Return the next frame of the current segment, None when it is not there or not whole yet."""
        if not self._end.segment:
            return None
        frame = self._read(self._end.offset - self._base)
        if frame is None:
            head = self._storage.read(self._end.segment, self._end.offset, FRAME_BYTES)
            if not any(head):
                return None
            # The length may be damage as well; it is believed no further than a payload may be long.
            length = min(int.from_bytes(head[12:16], "little"), CHUNK_BYTES * 16)
            size = max(CHUNK_BYTES, frame_bytes(length))
            self._buffer = self._storage.read(self._end.segment, self._end.offset, size)
            self._base = self._end.offset
            frame = self._read(0)
        return frame

    def _read(self, at: int) -> Frame | None:
        frame = read_frame(self._buffer, at) if at >= 0 else None
        if frame is None or frame.record != self._end.record + 1 or frame.previous != self._end.crc:
            return None
        return msgspec.structs.replace(frame, offset=frame.offset + self._base, end=frame.end + self._base)

    def _next_segment(self) -> bool:
        """Go on in the segment that begins behind the last record, when there is one."""
        self._look_for_segments()
        epoch, name = self._begins.get(self._end.record + 1, (0, ""))
        if name in ("", self._end.segment) or epoch < self._end.epoch:
            return False
        header = read_segment(self._storage.read(name, 0, SEGMENT_HEADER_BYTES))
        if header is None or header.previous != self._end.crc:
            return False
        self._stand(segment=name, offset=SEGMENT_HEADER_BYTES, epoch=header.epoch)
        self._buffer, self._base = b"", 0
        return True

    def _refuse_damage(self) -> None:
        """Raise when the same bytes stand in the way twice and a frame behind them says they were durable."""
        if not self._end.segment:
            return
        data = self._storage.read(self._end.segment, self._end.offset)
        rest = data.rstrip(b"\0")
        if rest and rest == self._seen:
            for frame in frames_in(data, 0):
                if frame.durable > self._end.record:
                    reason = f"record {self._end.record + 1} is damaged; record {frame.record} says it was durable"
                    raise JournalDamageError(self._end.segment, self._end.offset, self._end.record, reason, REMEDY)
        self._seen = rest

    def _settled(self) -> int:
        """Return where in the current segment the frames begin that no barrier is known to have covered."""
        if not self._end.segment:
            return 0
        header = read_segment(self._storage.read(self._end.segment, 0, SEGMENT_HEADER_BYTES))
        place = BEGINNING if header is None else Place(record=header.first - 1, crc=header.previous)
        scanner = Scanner(self._storage, place)
        for frame in scanner.records():
            if frame.record == self._end.record:
                break
        return scanner.unsettled(self._end.offset)

    def checkpoint(self) -> str:
        """Write a snapshot of where it stands, so that the writer need not stop for one; return its file's name.

        What the snapshot is of is put on the medium first. JournalFencedError when the writer it follows is no longer
        the one: a state of its branch must not be found by an opening. OSError. O(state).
        """
        start = self._replay.start
        if start is None or not self._end.segment:
            raise CorruptionError(f"{self.root}: the journal has no record yet. Poll again when it has.")
        stored = snapshots.take(self.core, self._end, position=self._replay.position, start=start)
        handle = self._storage.open(self._end.segment)
        try:
            handle.sync()
        finally:
            handle.close()
        # Read after the last record was: if the epoch still is the writer's, whoever is promoted reads that record too.
        if written_epoch(self.root) != self._end.epoch:
            raise JournalFencedError(
                f"{self.root}: a follower was promoted; poll until this one stands in the new writer's segment."
            )
        return snapshots.write(self._storage, stored, by="follower")

    # --- taking over ----------------------------------------------------------------------------

    def promote(self, options: Options | None = None) -> DurableExchange:
        """Become the writer, and return the exchange that goes on where the journal ends.

        The old writer is fenced off first, so that all it ever acknowledged is read here and nothing after that is
        acknowledged there. The follower is done then. The first record is a seal, in a segment of the new epoch.
        """
        fence = DirectoryFence.seize(self.root)
        catalogue = Catalogue(self.root)
        try:
            while self.poll():
                pass
            # Whatever the old writer had not synced is written again; its end is cut by the new segment's epoch.
            settle(self._storage, msgspec.structs.replace(self._end, unsettled=self._settled()))
            recovered = self._replay.result(self._end)
            chosen = msgspec.structs.replace(options or Options(), in_background=True)
            exchange = go_on(self._storage, fence, chosen, recovered, self._replayed, catalogue)
        except BaseException:
            catalogue.close()
            fence.close()
            raise
        exchange.seal()
        return exchange
