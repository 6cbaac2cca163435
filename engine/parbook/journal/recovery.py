"""From the files to a core: the newest sound snapshot, then every sound record behind it, each checked as it comes."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from parbook.errors import CorruptionError, JournalDamageError, MisuseError
from parbook.journal import snapshots
from parbook.journal.layout import Frame, Kind, crc32c
from parbook.journal.payloads import Start, carry_out, current_payload
from parbook.journal.scan import REMEDY, End, Place, Scanner
from parbook.journal.storage import QUARANTINE, Storage
from parbook.protocol.events import Said
from parbook.protocol.exchange import BackedExchange
from parbook.records import Records


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """A core as it stood at the last sound record. `start` is None in a journal without a record."""

    core: BackedExchange
    start: Start | None
    end: End
    position: int
    snapshot: str
    """The snapshot it began with, "" for none."""
    snapshot_record: int
    skipped: tuple[str, ...]
    """Newer snapshots that were no good; `skipped_why` says what is wrong with each."""
    skipped_why: tuple[str, ...]
    replayed_records: int
    replayed_commands: int


def recover(
    storage: Storage,
    *,
    make: type[BackedExchange] = BackedExchange,
    outcome_window: int = 65536,
    on_events: Callable[[int, Records], None] | None = None,
    on_record: Callable[[Frame], None] | None = None,
    on_said: Callable[[list[Said]], None] | None = None,
    from_record_1: bool = False,
) -> Recovered:
    """Return the core that the files describe. Changes no file.

    `on_events(position, events)` and `on_said` see what the replay says again, `on_record` every frame.
    `from_record_1`: as if there were no snapshot. `outcome_window` is for a journal that has not begun.
    JournalDamageError, SchemaError, OSError. O(state + records behind the snapshot).
    """
    replay = Replay(storage, make=make, outcome_window=outcome_window, on_events=on_events, on_said=on_said)
    if not from_record_1:
        replay.load_newest()
    scanner = replay.scanner()
    for frame in scanner.records():
        replay.apply(frame)
        if on_record is not None:
            on_record(frame)
    assert scanner.end is not None
    return replay.result(scanner.end)


def place_of(stored: snapshots.Stored) -> Place:
    """Return where the records behind a snapshot begin."""
    return Place(record=stored.record, crc=stored.crc, segment=stored.listed.segment, offset=stored.offset)


class Replay:
    """A core that is brought from a snapshot, or from nothing, to wherever the records end."""

    def __init__(
        self,
        storage: Storage,
        *,
        make: type[BackedExchange] = BackedExchange,
        outcome_window: int = 65536,
        on_events: Callable[[int, Records], None] | None = None,
        on_said: Callable[[list[Said]], None] | None = None,
    ) -> None:
        self.storage = storage
        self.make = make
        self.outcome_window = outcome_window
        self.on_events = on_events
        self.on_said = on_said
        self.core: BackedExchange | None = None
        self.start: Start | None = None
        self.snapshot = ""
        self.stored: snapshots.Stored | None = None
        self.skipped: list[tuple[str, str]] = []
        self.position = 0
        self.records = self.commands = 0

    def load_newest(self) -> None:
        """Begin with the newest snapshot that is sound; the others are in `skipped`. JournalDamageError, OSError."""
        for name in reversed(snapshots.snapshot_names(self.storage.names())):
            stored = snapshots.read(self.storage, name)
            if isinstance(stored, str):
                self.skipped.append((name, stored))
                continue
            self.core = self._load(name, stored)
            self.snapshot, self.stored, self.position = name, stored, stored.position
            window = stored.listed.outcome_window
            self.start = Start(journal=stored.journal.hex(), outcome_window=window, written_by="")
            return

    def scanner(self) -> Scanner:
        """Return what reads on behind the snapshot."""
        if self.stored is None:
            return Scanner(self.storage)
        return Scanner(self.storage, place_of(self.stored), self.stored.journal)

    def result(self, end: End) -> Recovered:
        """Return where it stands."""
        if self.stored is None and self.skipped and self.records == 0:
            reason = "no snapshot is sound, and the records before them are gone"
            raise JournalDamageError(self.skipped[0][0], 0, 0, reason, REMEDY)
        return Recovered(
            core=self.make(outcome_window=self.outcome_window) if self.core is None else self.core,
            start=self.start,
            end=end,
            position=self.position,
            snapshot=self.snapshot,
            snapshot_record=self.stored.record if self.stored else 0,
            skipped=tuple(name for name, _ in self.skipped),
            skipped_why=tuple(why for _, why in self.skipped),
            replayed_records=self.records,
            replayed_commands=self.commands,
        )

    def _load(self, name: str, stored: snapshots.Stored) -> BackedExchange:
        listed = stored.listed
        core = self.make.from_state(stored.state, listed.assets, listed.listings)
        if core.state_hash() != stored.state_hash or core.next_command != stored.command:
            raise JournalDamageError(name, 0, stored.record, "the core that was made of it has another state", REMEDY)
        return core

    def apply(self, frame: Frame) -> None:
        """Carry one record out, after seeing that the core stands where the writer's stood."""
        if frame.kind == Kind.START:
            self._begin(frame)
        else:
            core = self.core
            if core is None:
                raise CorruptionError(f"record {frame.record} comes before the one that begins a journal. {REMEDY}")
            stands = (core.next_command, self.position, core.now_ns)
            wrote = (frame.command, frame.position, frame.now_ns)
            if stands != wrote:
                raise CorruptionError(
                    f"record {frame.record}: the writer stood at (command, event, clock) {wrote}, the replay stands at "
                    f"{stands}. Replay it with the parbook that wrote it, and report this."
                )
            if frame.kind == Kind.SEAL:
                self._compare(core, frame)
            else:
                self._carry_out(core, frame)
        self.records += 1

    def _begin(self, frame: Frame) -> None:
        self.start = msgspec.json.decode(current_payload(frame), type=Start)
        self.core = self.make(outcome_window=self.start.outcome_window)

    def _carry_out(self, core: BackedExchange, frame: Frame) -> None:
        before = core.next_command
        try:
            events = carry_out(core, frame)
        except MisuseError as error:
            raise CorruptionError(f"record {frame.record} cannot be carried out again: {error}") from error
        self.commands += core.next_command - before
        said = core.take_said()
        if said and self.on_said is not None:
            self.on_said(said)
        if events is not None:
            if self.on_events is not None:
                self.on_events(self.position, events)
            self.position += len(events)

    def _compare(self, core: BackedExchange, frame: Frame) -> None:
        if core.state_hash() != frame.payload.hex():
            raise CorruptionError(
                f"record {frame.record} says the state was {frame.payload.hex()}, and the replay has "
                f"{core.state_hash()}. Replay it with the parbook that wrote it, and report this."
            )


def settle(storage: Storage, end: End) -> None:
    """Put the sound records and all names on the medium, and zeros behind them.

    Whoever wrote may have been killed before a barrier, or its barrier failed: then the system shows what the medium
    does not hold, and a sync alone need not write it. It is written again, and synced. A tail goes into quarantine
    before: no record of a lost future may come back behind a new one.
    """
    size = -1 if end.torn else end.offset - end.unsettled
    data = storage.read(end.segment, end.unsettled, size) if end.segment else b""
    sound, tail = data[: end.offset - end.unsettled], data[end.offset - end.unsettled :].rstrip(b"\0")
    if end.torn:
        storage.write_whole(f"{QUARANTINE}/{end.segment}-{end.offset}-{crc32c(tail):08x}.tail", tail)
    storage.sync_names()
    if sound or tail:
        handle = storage.open(end.segment)
        try:
            handle.write(sound + bytes(len(tail)), end.unsettled)
            handle.sync()
        finally:
            handle.close()
