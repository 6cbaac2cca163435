"""`parbook.open`: a public exchange over a journal on disk."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Final, Self

from parbook._exchange import Exchange as Core
from parbook.errors import MisuseError, shown
from parbook.journal import snapshots
from parbook.journal.durable import Durability, DurableCore
from parbook.journal.layout import SEGMENT_BYTES, Kind
from parbook.journal.lock import DirectoryFence, Fence
from parbook.journal.payloads import Start, encode_value
from parbook.journal.recovery import MakeCore, Recovered, recover, settle
from parbook.journal.segments import SPARE, Writer
from parbook.journal.storage import DiskStorage, Storage, make_directory
from parbook.messages import Command, Event
from parbook.records import Records
from parbook.units import checked_int
from parbook.venue.exchange import Exchange
from parbook.venue.history import RETAINED_EVENTS, History

OUTCOMES: Final = 65536


class Replayed:
    """The last events of a replay, as many as a history may keep."""

    def __init__(self, retain_events: int) -> None:
        self.retain_events = retain_events
        self.batches: deque[tuple[int, Records]] = deque()
        self._events = 0

    def add(self, position: int, events: Records) -> None:
        """Note a batch that begins at a position; drop the oldest that are not needed. Amortised O(1)."""
        if not len(events):
            return
        events.flags.writeable = False
        self.batches.append((position, events))
        self._events += len(events)
        while self._events - len(self.batches[0][1]) >= self.retain_events:
            self._events -= len(self.batches.popleft()[1])

    def oldest(self, end: int) -> int:
        """Return the position of the first event kept, `end` when there is none."""
        return self.batches[0][0] if self.batches else end


class DurableExchange(Exchange):
    """A public exchange whose every acknowledged command is on the medium. Make one with `parbook.open`.

    Also a context manager: leaving the block closes it. `recovered` says what opening found.
    """

    def __init__(
        self, core: DurableCore, storage: Storage, recovered: Recovered, start: Start, replayed: Replayed
    ) -> None:
        super().__init__(core, retain_events=replayed.retain_events)
        self._history = History(replayed.retain_events, replayed.oldest(core.position), self._guard)
        for _, events in replayed.batches:
            self._history.add(events)
        self.recovered = recovered
        self._durable = core
        self._storage = storage
        self._start = start
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- running ahead --------------------------------------------------------------------------

    def submit(self, commands: Records) -> int:
        """Run an array of COMMAND records ahead of the medium and return the number of its last journal record.

        Its events come out of events() and aevents() once a barrier covers them: in "group" durability a thread runs
        barriers all the time. flush() waits for them. No event is lost on the way: a batch whose barrier fails was
        never acknowledged.
        """
        self._guard()
        record = self._durable.submit(commands)
        self._release()
        return record

    def flush(self) -> None:
        """Return when everything submitted is durable, its events ready to be read."""
        self._guard()
        self._durable.barrier()
        self._release()

    @property
    def journaled(self) -> int:
        """Number of the last journal record, 0 for none."""
        return self._durable.writer.appended

    @property
    def durable(self) -> int:
        """Number of the last journal record that is acknowledged."""
        return self._durable.acknowledged

    def _release(self) -> None:
        for events in self._durable.take():
            events.flags.writeable = False
            self._history.add(events)

    def _run(self, command: Command) -> tuple[Event, ...]:
        self._guard()
        events = tuple(self._durable.apply(command))
        self._release()
        self._history.add(events)
        return events

    def apply_batch(self, commands: Records) -> Records:
        """Apply an array of COMMAND records; return the read-only EVENT records they caused when they are durable."""
        self._guard()
        events = self._durable.apply_batch(commands)
        self._release()
        events.flags.writeable = False
        self._history.add(events)
        return events

    def events(self, since: int = 0) -> Iterator[Records]:
        """Yield durable events from a position on, batch by batch, see Exchange.events."""
        self._guard()
        if not self._closed:
            self._release()
        return super().events(since)

    def aevents(self, since: int | None = None) -> AsyncIterator[Records]:
        """Yield durable events from a position on, then wait for more, see Exchange.aevents."""
        self._guard()
        self._release()
        loop = asyncio.get_running_loop()

        def wake() -> None:
            # Between two barriers the loop may have ended, and its readers with it.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._release_if_open)

        self._durable.on_durable = wake
        return super().aevents(since)

    def _release_if_open(self) -> None:
        if not self._closed:
            self._release()

    # --- snapshots ------------------------------------------------------------------------------

    def checkpoint(self) -> str:
        """Write a snapshot of the state and return its file's name; opening then replays from there. O(state).

        Commands wait as long as it takes to serialise the state, see docs/durability.md. OSError when there is no
        room: the exchange goes on without it.
        """
        self._guard()
        self._durable.barrier()
        self._release()
        writer = self._durable.writer
        stored = snapshots.take(
            self._durable.core,
            record=writer.appended,
            crc=writer.crc,
            position=self._durable.position,
            journal=bytes.fromhex(self._start.journal),
            outcome_window=self._start.outcome_window,
        )
        return snapshots.write(self._storage, stored)

    # --- the end --------------------------------------------------------------------------------

    def close(self) -> None:
        """Make everything durable, seal the journal and let the next one open it. Again: nothing happens. O(state).

        The seal is a record of the state's hash, which opening compares; behind it no damage passes for a torn tail.
        A journal that has failed is let go of as it is; when no call has raised the failure yet, this one does:
        JournalFailedError, and what was submitted since the last acknowledgement may be lost.
        """
        if self._closed:
            return
        self._guard()
        self._closed = True
        try:
            if not self._durable.failure_is_known:
                seal(self._durable)
        finally:
            self._durable.close()


def seal(core: DurableCore) -> None:
    """Append a record of the state's hash, which says that all before it is durable."""
    core.barrier()
    core.journal(Kind.SEAL, bytes.fromhex(core.state_hash()))
    core.barrier()


def open_exchange(
    path: str | os.PathLike[str],
    *,
    durability: Durability | str = Durability.GROUP,
    segment_bytes: int = SEGMENT_BYTES,
    outcome_window: int = OUTCOMES,
    retain_events: int = RETAINED_EVENTS,
) -> DurableExchange:
    """Open the journal in a directory, or begin one, and return the exchange as it stood at the last sound record.

    `durability`: see Durability. `segment_bytes`: size of the files the journal is written to. `outcome_window` counts
    when a journal begins. events() goes back to the newest snapshot, within `retain_events`.

    JournalLockedError: somebody has it open. JournalDamageError: an acknowledged record is damaged or missing; nothing
    was changed. SchemaError: another version wrote it. O(state + records behind the newest snapshot).
    """
    try:
        chosen = Durability(durability)
    except ValueError:
        names = ", ".join(Durability)
        raise MisuseError(f"durability={shown(durability)} is none. There are {names}.") from None
    checked_int(segment_bytes, "segment_bytes", 4096, 2**31)
    root = Path(path)
    if root.exists() and not root.is_dir():
        raise MisuseError(f"{root} is a file. Name a directory: a journal is several files.")
    make_directory(root)
    fence = DirectoryFence.take(root)
    try:
        return assemble(
            DiskStorage(root),
            fence,
            chosen,
            segment_bytes=segment_bytes,
            outcome_window=outcome_window,
            retain_events=retain_events,
            in_background=True,
        )
    except BaseException:
        fence.close()
        raise


def assemble(
    storage: Storage,
    fence: Fence,
    durability: Durability,
    *,
    segment_bytes: int = SEGMENT_BYTES,
    outcome_window: int = OUTCOMES,
    retain_events: int = RETAINED_EVENTS,
    in_background: bool = False,
    own_thread: bool = True,
    make: MakeCore = Core,
) -> DurableExchange:
    """Recover what is in a storage and return the exchange that goes on there.

    `in_background`: segments are made in a thread; `own_thread`: so run the barriers of "group"; `make`: see recover.
    """
    replayed = Replayed(checked_int(retain_events, "retain_events", 1, 2**40))
    recovered = recover(storage, make=make, on_events=replayed.add, outcome_window=outcome_window)
    if SPARE in storage.names():
        storage.remove(SPARE)
    end = recovered.end
    # A crash may have left a segment without its first record: the journal has its identity already.
    start = recovered.start or Start(
        journal=end.journal.hex() or secrets.token_hex(16),
        outcome_window=outcome_window,
        written_by=f"parbook {metadata.version('parbook')}",
    )
    fence.catch_up(end.epoch)
    settle(storage, end)
    writer = Writer(
        storage,
        journal=bytes.fromhex(start.journal),
        epoch=fence.epoch,
        segment_bytes=segment_bytes,
        in_background=in_background,
    )
    writer.go_on(end.segment if end.epoch == fence.epoch else "", end.offset, end.record, end.crc)
    core = DurableCore(recovered.core, writer, fence, durability, recovered.position, own_thread=own_thread)
    try:
        if end.record == 0:
            core.journal(Kind.START, encode_value(start))
            core.barrier()
        return DurableExchange(core, storage, recovered, start, replayed)
    except BaseException:
        core.close()
        raise
