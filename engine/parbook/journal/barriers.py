"""Who waits for the medium: the caller, or a thread that does nothing else.

A barrier covers every record that was written before it began. One that fails is the last: what is on the medium then
nobody knows, and a second sync that succeeds would say nothing about it.
"""

from __future__ import annotations

from threading import Lock, Thread
from typing import Protocol, cast

from parbook._barriers import Barriers as Compiled
from parbook.journal.storage import DiskHandle, Handle


class Barriers(Protocol):
    """Syncs a writer's current file."""

    @property
    def durable(self) -> int:
        """The last record that a barrier covered."""

    @property
    def error(self) -> OSError | None:
        """Why the barrier failed that did."""

    def use(self, handle: Handle | None, durable: int) -> None:
        """Sync this file from now on; its records up to `durable` are on the medium."""

    def appended(self, record: int) -> None:
        """Say that records up to this one are written."""

    def sync(self) -> int:
        """Run a barrier unless one has covered all; return the last record covered. OSError."""

    def ask(self) -> None:
        """Let the thread run a barrier; without a thread somebody else must."""

    def wake(self, descriptor: int) -> None:
        """Have a byte written to this descriptor after every barrier of the thread; -1: to none."""

    def start(self) -> None:
        """Begin a thread for what is asked."""

    def stop(self) -> None:
        """End the thread, when there is one."""


class PlainBarriers:
    """For storage that is no file. Its thread is never started: who wants barriers runs them."""

    def __init__(self) -> None:
        self.durable = 0
        self.error: OSError | None = None
        self._handle: Handle | None = None
        self._appended = 0
        self._lock = Lock()

    def use(self, handle: Handle | None, durable: int) -> None:
        """See Barriers."""
        with self._lock:
            self._handle, self._appended, self.durable = handle, durable, durable

    def appended(self, record: int) -> None:
        """See Barriers."""
        self._appended = record

    def sync(self) -> int:
        """See Barriers."""
        wanted = self._appended
        with self._lock:
            if self.error is not None:
                raise self.error
            if self.durable < wanted and self._handle is not None:
                upto = self._appended
                try:
                    self._handle.sync()
                except OSError as error:
                    self.error = error
                    raise
                self.durable = upto
            return self.durable

    def ask(self) -> None:
        """Nobody answers: see the class."""

    def wake(self, descriptor: int) -> None:
        """Nobody wakes: see the class."""

    def start(self) -> None:
        """See the class."""

    def stop(self) -> None:
        """See the class."""


class DiskBarriers:
    """For files: syncs without Python's lock, in the caller's thread and in one of its own."""

    def __init__(self) -> None:
        self._compiled = Compiled()
        self._thread: Thread | None = None

    @property
    def durable(self) -> int:
        """See Barriers."""
        return self._compiled.durable

    @property
    def error(self) -> OSError | None:
        """See Barriers."""
        number = self._compiled.error
        return OSError(number, "a sync failed") if number else None

    def use(self, handle: Handle | None, durable: int) -> None:
        """See Barriers."""
        self._compiled.use(-1 if handle is None else cast(DiskHandle, handle).descriptor, durable)

    def appended(self, record: int) -> None:
        """See Barriers."""
        self._compiled.appended(record)

    def sync(self) -> int:
        """See Barriers."""
        return self._compiled.sync()

    def ask(self) -> None:
        """See Barriers."""
        self._compiled.ask()

    def wake(self, descriptor: int) -> None:
        """See Barriers."""
        self._compiled.wake(descriptor)

    def start(self) -> None:
        """See Barriers."""
        self._thread = Thread(target=self._compiled.run, name="parbook-journal-barriers", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """See Barriers."""
        if self._thread is not None:
            self._compiled.stop()
            self._thread.join()
            self._thread = None
