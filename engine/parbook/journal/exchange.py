"""The public exchange over a journal: durable events, running ahead, checkpoints."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from threading import Thread
from typing import Self

import msgspec

from parbook.errors import JournalError, JournalFullError, ParbookError
from parbook.journal import snapshots
from parbook.journal.barriers import Barriers
from parbook.journal.catalogue import Catalogue
from parbook.journal.durable import DurableCore
from parbook.journal.layout import Kind
from parbook.journal.payloads import Start
from parbook.journal.recovery import Recovered
from parbook.journal.retention import Retention, tidy
from parbook.journal.storage import Storage
from parbook.messages import Command, Event
from parbook.protocol.answers import Acted
from parbook.protocol.commands import Order
from parbook.protocol.events import Said
from parbook.records import Records
from parbook.venue.exchange import Exchange
from parbook.venue.hearing import SAID_RETAINED
from parbook.venue.history import History


class Replayed:
    """The last events of a replay, as many as a history may keep."""

    def __init__(self, retain_events: int) -> None:
        self.retain_events = retain_events
        self.batches: deque[tuple[int, Records]] = deque()
        self._events = 0
        self.said: deque[Said] = deque(maxlen=SAID_RETAINED)

    def hear(self, said: list[Said]) -> None:
        """Note what the protocol said."""
        self.said += said

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


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What was settled when the journal was opened. 0 in `checkpoint_bytes` or `checkpoint_ns`: no such checkpoints."""

    start: Start
    recovered: Recovered
    retention: Retention
    checkpoint_bytes: int
    checkpoint_ns: int
    catalogue: Catalogue | None


class _Wakeful:
    """A pipe through which the thread of the barriers wakes an event loop."""

    def __init__(self, barriers: Barriers, release: Callable[[], None]) -> None:
        self._barriers = barriers
        self._release = release
        self._reads, self._writes = os.pipe()
        os.set_blocking(self._reads, False)
        os.set_blocking(self._writes, False)
        self._loop: asyncio.AbstractEventLoop | None = None

    def listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wake this loop from now on."""
        if self._loop is not loop:
            self._loop = loop
            loop.add_reader(self._reads, self._woken)
            self._barriers.wake(self._writes)

    def _woken(self) -> None:
        with suppress(BlockingIOError):
            while os.read(self._reads, 4096):
                pass
        self._release()

    def close(self) -> None:
        """Wake nobody any more. The thread must have ended."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._reads)
        os.close(self._reads)
        os.close(self._writes)


class DurableExchange(Exchange):
    """A public exchange whose every acknowledged command is on the medium. Make one with `parbook.open`.

    Also a context manager: leaving the block closes it. `recovered` says what opening found.
    """

    def __init__(self, core: DurableCore, storage: Storage, settled: Settled, replayed: Replayed) -> None:
        super().__init__(core, retain_events=replayed.retain_events)
        self._history = History(replayed.retain_events, replayed.oldest(core.position), self._guard)
        for _, events in replayed.batches:
            self._history.add(events)
        self._hearing.hear(replayed.said)
        self._durable = core
        self._storage = storage
        self._settled = settled
        self._closed = False
        self._wakeful: _Wakeful | None = None
        self._writing: Thread | None = None
        self._checkpoint_error: Exception | None = None
        self._checkpointed_bytes = core.writer.written_bytes
        self._checkpointed_ns = core.now_ns

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
        self._checkpoint_if_due()
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
        return self._durable.look()

    def _release(self) -> None:
        for events in self._durable.take():
            events.flags.writeable = False
            self._history.add(events)
        self._hearing.hear(self._durable.take_said())

    def _release_to_waiting(self) -> None:
        """As a reader that waits has it: a journal that has failed wakes it with the reason."""
        try:
            self._release()
        except JournalError as error:
            self._history.interrupt(error)

    def _run(self, command: Command) -> tuple[Event, ...]:
        self._guard()
        events = tuple(self._durable.apply(command))
        self._release()
        self._history.add(events)
        self._checkpoint_if_due()
        return events

    def _act(self, command: Order) -> Acted:
        self._guard()
        acted = self._durable.act(command)
        self._release()
        self._history.add(acted.events)
        self._hearing.hear(acted.said)
        self._checkpoint_if_due()
        return acted

    def apply_batch(self, commands: Records) -> Records:
        """Apply an array of COMMAND records; return the read-only EVENT records they caused when they are durable."""
        self._guard()
        events = self._durable.apply_batch(commands)
        self._release()
        events.flags.writeable = False
        self._history.add(events)
        self._checkpoint_if_due()
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
        if self._wakeful is None:
            self._wakeful = _Wakeful(self._durable.writer.barriers, self._release_to_waiting)
        self._wakeful.listen(asyncio.get_running_loop())
        return super().aevents(since)

    # --- room -----------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Return when all `spare_segments` that opening was told of are made. Call it before the market opens.

        A burst of up to half of them is then written without making another beside it. JournalFullError: there is no
        room for all; OSError: the disk's reason. The exchange goes on with those that are there. O(their bytes).
        """
        self._guard()
        self._durable.refuse_failed()
        self._durable.writer.prepare()

    @property
    def spare_segments(self) -> int:
        """How many segments are made ahead by now."""
        return self._durable.writer.stock.ready

    @property
    def spare_error(self) -> OSError | None:
        """Why the last one could not be made, None when it could. Commands go on while there are any."""
        return self._durable.writer.stock.error

    # --- snapshots ------------------------------------------------------------------------------

    @property
    def recovered(self) -> Recovered:
        """What opening found: the snapshot it began with, how much it replayed, which snapshots were no good."""
        return self._settled.recovered

    @property
    def catalogue(self) -> Catalogue | None:
        """What an operator can query; None over storage that is no directory."""
        return self._settled.catalogue

    @property
    def checkpoint_error(self) -> Exception | None:
        """Why the last checkpoint in the background failed, None when it did not. The exchange goes on without it."""
        return self._checkpoint_error

    def checkpoint(self, *, wait: bool = True) -> str:
        """Write a snapshot of the state and return its file's name; opening then replays from there.

        Commands wait while the state is serialised, O(state), see docs/durability.md. The file is written meanwhile:
        `wait` says whether this call waits for it. OSError when there is no room: the exchange goes on without it.
        Then what retention does not keep is removed.
        """
        self._guard()
        self._durable.refuse_failed()
        self._finish_checkpoint()
        writer = self._durable.writer
        stored = snapshots.take(self._durable.core, writer, position=self._durable.position, start=self._settled.start)
        self._checkpointed_bytes, self._checkpointed_ns = writer.written_bytes, self.now_ns
        if wait:
            self._durable.barrier()
            self._release()
            self._write(stored)
        else:
            self._writing = Thread(target=self._write_later, args=(stored,), name="parbook-journal-checkpoint")
            self._writing.start()
        return snapshots.snapshot_name(stored.record)

    def _write(self, stored: snapshots.Stored) -> None:
        """Put a snapshot on the medium, everything up to its record being there, and remove what may go."""
        name = snapshots.write(self._storage, stored)
        gone = tidy(self._storage, self._settled.retention)
        if self.catalogue is not None:
            self.catalogue.snapshot(name, stored)
            self.catalogue.removed(gone)

    def _write_later(self, stored: snapshots.Stored) -> None:
        try:
            # A sync that fails here has failed for the exchange too.
            self._durable.writer.sync()
            # A state that a fenced writer alone has been in must never be found by an opening.
            self._durable.fence.check()
            self._write(stored)
            self._checkpoint_error = None
        except (OSError, ParbookError) as error:
            self._checkpoint_error = error

    def _finish_checkpoint(self) -> None:
        if self._writing is not None:
            self._writing.join()
            self._writing = None

    def _checkpoint_if_due(self) -> None:
        """By size, and by the exchange's own clock: both are the same in every replay."""
        settled = self._settled
        by_size = self._durable.writer.written_bytes - self._checkpointed_bytes >= settled.checkpoint_bytes > 0
        by_time = self.now_ns - self._checkpointed_ns >= settled.checkpoint_ns > 0
        if (by_size or by_time) and (self._writing is None or not self._writing.is_alive()):
            self.checkpoint(wait=False)

    # --- the end --------------------------------------------------------------------------------

    def seal(self) -> None:
        """Write down the state's hash, which says that all before it is durable and how it must look. O(state)."""
        self._guard()
        self._durable.barrier()
        self._durable.journal(Kind.SEAL, bytes.fromhex(self._durable.state_hash()))
        self._durable.barrier()

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
        self._finish_checkpoint()
        try:
            if not self._durable.failure_is_known:
                # All is durable before the seal is written: a disk without room for it takes nothing away.
                with suppress(JournalFullError):
                    self.seal()
                if self.catalogue is not None:
                    self.catalogue.closed(self.journaled, self.state_hash())
        finally:
            self._let_go()

    def _let_go(self) -> None:
        self._durable.close()
        if self.catalogue is not None:
            self.catalogue.close()
        if self._wakeful is not None:
            self._wakeful.close()
