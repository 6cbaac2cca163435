"""Barriers of a journal in a thread that never needs Python's lock: what is durable is told without waiting for it."""

from typing import final

@final
class Barriers:
    """Syncs one file at a time, for whoever asks. See `parbook.journal.barriers`."""
    def __new__(cls) -> Barriers:
        """Make one without a file. MemoryError."""
    @property
    def durable(self) -> int:
        """The last record that a sync covered."""
    @property
    def error(self) -> int:
        """The errno of the sync that failed, 0 when none did. After it none is tried again."""
    def use(self, descriptor: int, durable: int) -> None:
        """Sync this file from now on, whose records up to `durable` are on the medium. -1: none."""
    def wake(self, descriptor: int) -> None:
        """Write a byte to this descriptor after every barrier of the thread; -1: to none."""
    def appended(self, record: int) -> None:
        """Say that records up to this one are written."""
    def ask(self) -> None:
        """Let the thread run a barrier for what is written."""
    def sync(self) -> int:
        """Return the last record on the medium when all that was written before the call is; OSError."""
    def run(self) -> None:
        """Run barriers as they are asked for, until stop(). For a thread of its own."""
    def stop(self) -> None:
        """End run()."""
