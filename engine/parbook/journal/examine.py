"""What an operator asks of a journal at rest or at work: what is in it, is it sound, and can it be mended.

Nothing here runs commands; `recovery` does. Only `repair` writes, and what it takes out it puts into quarantine.
"""

from __future__ import annotations

import msgspec

from parbook.errors import JournalDamageError
from parbook.journal import snapshots
from parbook.journal.layout import Kind
from parbook.journal.recovery import place_of, settle
from parbook.journal.scan import BEGINNING, End, Scanner
from parbook.journal.segments import segment_names
from parbook.journal.stock import spare_names
from parbook.journal.storage import QUARANTINE, Storage


class SegmentReport(msgspec.Struct, kw_only=True):
    """One segment: its records, how much of it is used, what its writer's epoch was."""

    name: str
    first_record: int
    epoch: int
    bytes: int
    used_bytes: int = 0
    records: int = 0
    commands: int = 0


class SnapshotReport(msgspec.Struct, frozen=True, kw_only=True):
    """One snapshot; `fault` is what is wrong with it, "" for nothing."""

    name: str
    record: int
    bytes: int
    state_hash: str = ""
    fault: str = ""


class Report(msgspec.Struct, kw_only=True):
    """What a whole journal holds. `damage` and `torn` as in `parbook.journal.scan`."""

    journal: str = ""
    segments: list[SegmentReport] = []
    fenced: list[str] = []
    snapshots: list[SnapshotReport] = []
    kinds: dict[str, int] = {}
    first_record: int = 0
    last_record: int = 0
    last_command: int = 0
    sealed: bool = False
    torn: bool = False
    damage: str = ""
    damaged_segment: str = ""
    damaged_offset: int = 0

    @property
    def is_sound(self) -> bool:
        """Whether nothing acknowledged is damaged. A torn tail is sound: nobody was told of it."""
        return not self.damage and not any(snapshot.fault for snapshot in self.snapshots)


def examine(storage: Storage) -> Report:
    """Read every byte of a journal and report. Changes nothing. SchemaError, OSError. O(bytes)."""
    report = Report()
    report.snapshots = [_snapshot(storage, name) for name in snapshots.snapshot_names(storage.names())]
    try:
        scanner = Scanner(storage)
        _read(storage, scanner, report)
    except JournalDamageError as error:
        report.damage = f"{error.reason}; the last good record is {error.last_good}"
        report.damaged_segment, report.damaged_offset = error.segment, error.offset
    return report


def _snapshot(storage: Storage, name: str) -> SnapshotReport:
    stored = snapshots.read(storage, name)
    size = storage.size(name)
    if isinstance(stored, str):
        return SnapshotReport(name=name, record=int(name[:20]), bytes=size, fault=stored)
    return SnapshotReport(name=name, record=stored.record, bytes=size, state_hash=stored.state_hash)


def _read(storage: Storage, scanner: Scanner, report: Report) -> None:
    live = {segment.name for segment in scanner.segments}
    report.fenced = [name for name in segment_names(storage.names()) if name not in live]
    if not scanner.segments:
        return
    report.journal = scanner.segments[0].header.journal.hex()
    report.segments = [
        SegmentReport(
            name=segment.name,
            first_record=segment.header.first,
            epoch=segment.header.epoch,
            bytes=storage.size(segment.name),
        )
        for segment in scanner.segments
    ]
    scanner.go_to_the_oldest()
    report.first_record = scanner.segments[0].header.first
    index = 0
    for frame in scanner.records():
        while index + 1 < len(report.segments) and frame.record >= report.segments[index + 1].first_record:
            index += 1
        segment = report.segments[index]
        segment.records += 1
        segment.used_bytes = frame.end
        segment.commands += frame.count if frame.kind in (Kind.COMMANDS, Kind.CURVE) else 0
        name = Kind(frame.kind).name
        report.kinds[name] = report.kinds.get(name, 0) + 1
        report.last_record, report.last_command = frame.record, frame.command
        report.sealed = frame.kind == Kind.SEAL
    report.torn = scanner.end is not None and scanner.end.torn


def repair(storage: Storage, *, apply: bool) -> list[str]:
    """Say what would make the journal open again, and with `apply` do it. Returns a line for each step.

    What an opening would stop at, and everything behind it, goes into quarantine: acknowledged records behind the
    damage are given up, which is why somebody has to ask for it. Damage that a sound snapshot covers stops no opening
    and stays, but for a segment whose head cannot be read. The writer's lock must be held. OSError. O(bytes).
    """
    steps = []
    for snapshot in examine(storage).snapshots:
        if snapshot.fault:
            steps.append(f"{snapshot.name}: {snapshot.fault}: to quarantine")
            if apply:
                storage.rename(snapshot.name, f"{QUARANTINE}/{snapshot.name}")
    for name in spare_names(storage.names()) if apply else ():
        storage.remove(name)
    stored = _newest(storage)
    try:
        for _ in Scanner(storage, BEGINNING if stored is None else place_of(stored)).records():
            pass
    except JournalDamageError as error:
        steps += _cut_at(storage, error, stored, apply=apply)
    if apply:
        storage.sync_names()
    return steps


def _newest(storage: Storage) -> snapshots.Stored | None:
    """Return the snapshot that an opening would begin with."""
    for name in reversed(snapshots.snapshot_names(storage.names())):
        stored = snapshots.read(storage, name)
        if isinstance(stored, snapshots.Stored):
            return stored
    return None


def _cut_at(storage: Storage, error: JournalDamageError, stored: snapshots.Stored | None, *, apply: bool) -> list[str]:
    """Keep the records before the damage, and the snapshots of those; what a snapshot makes superfluous goes alone."""
    steps = [f"{error.segment}, offset {error.offset}: {error.reason}; the last good record is {error.last_good}"]
    names = segment_names(storage.names())
    if stored is not None and error.segment < stored.listed.segment:
        behind = [error.segment]
    elif error.offset == 0:
        last = int(error.segment[:20]) - 1
        behind = [name for name in names if name >= error.segment]
        behind += [name for name in snapshots.snapshot_names(storage.names()) if int(name[:20]) > last]
    else:
        behind = [name for name in names if name > error.segment]
        behind += [name for name in snapshots.snapshot_names(storage.names()) if int(name[:20]) > error.last_good]
        steps.append(f"{error.segment}: from offset {error.offset} on to quarantine")
        if apply:
            end = End(
                segment=error.segment,
                offset=error.offset,
                record=error.last_good,
                crc=0,
                epoch=0,
                unsettled=error.offset,
                journal=b"",
                torn=True,
            )
            settle(storage, end)
    for name in behind:
        steps.append(f"{name}: to quarantine")
        if apply:
            storage.rename(name, f"{QUARANTINE}/{name}")
    return steps
