"""One writer: a lock that dies with its process, and an epoch by which a promoted follower fences the old writer off.

The lock is flock(2) on a file: the kernel lets go of it when the process ends, however it ends. A promotion puts a new
lock file in the place of the old one and counts the epoch up in a page that both processes map. The old writer looks
at that page after every barrier, before it acknowledges: what it wrote before the count the promoted one reads, and
what it looked at after the count it does not acknowledge.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol, Self

from parbook.errors import JournalFencedError, JournalLockedError

LOCK: Final = "writer.lock"
EPOCH: Final = "writer.epoch"
_EPOCH: Final = struct.Struct("<Q")


def written_epoch(root: Path) -> int:
    """Return the epoch that stands in a directory."""
    epoch: int = _EPOCH.unpack((root / EPOCH).read_bytes()[: _EPOCH.size])[0]
    return epoch


class Fence(Protocol):
    """Whether this writer is still the one."""

    epoch: int

    def check(self) -> None:
        """JournalFencedError when another writer has taken over."""

    def catch_up(self, epoch: int) -> None:
        """Be of no smaller epoch than what stands in the journal: its count was lost, or not copied with it."""

    def close(self) -> None:
        """Let the next one in."""


class NoFence:
    """For storage that no other process can reach."""

    def __init__(self, epoch: int = 1) -> None:
        self.epoch = epoch

    def check(self) -> None:
        """Nobody else can be there."""

    def catch_up(self, epoch: int) -> None:
        """Count on."""
        self.epoch = max(self.epoch, epoch)

    def close(self) -> None:
        """Nothing to let go of."""


class DirectoryFence:
    """The lock and the epoch of a directory, held until close()."""

    def __init__(self, root: Path, descriptor: int, epoch_file: int) -> None:
        self._root = root
        self._descriptor = descriptor
        self._page = mmap.mmap(epoch_file, _EPOCH.size)
        os.close(epoch_file)
        self.epoch = self._written()

    @classmethod
    def take(cls, root: Path) -> Self:
        """Become the writer of a journal that has none. JournalLockedError names the process that is."""
        path = root / LOCK
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
                os.close(descriptor)
                raise JournalLockedError(
                    f"{root} is open in process {holder}. Close it there, or wait for its end; a process that runs and "
                    "does not answer is fenced off by promoting a follower."
                ) from error
            # Between opening and locking, a promotion may have put another file there.
            with suppress(FileNotFoundError):
                if os.fstat(descriptor).st_ino == path.stat().st_ino:
                    return cls._hold(root, descriptor)
            os.close(descriptor)

    @classmethod
    def seize(cls, root: Path) -> Self:
        """Become the writer whoever is: count the epoch up, so that nothing of the one before is acknowledged."""
        mine = root / f"{LOCK}.{os.getpid()}"
        descriptor = os.open(mine, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        mine.replace(root / LOCK)
        fence = cls._hold(root, descriptor)
        fence.epoch += 1
        fence._page[:] = _EPOCH.pack(fence.epoch)
        fence._page.flush()
        return fence

    @classmethod
    def _hold(cls, root: Path, descriptor: int) -> Self:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        epoch_file = os.open(root / EPOCH, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if os.fstat(epoch_file).st_size < _EPOCH.size:
            os.pwrite(epoch_file, _EPOCH.pack(1), 0)
            os.fsync(epoch_file)
        return cls(root, descriptor, epoch_file)

    def _written(self) -> int:
        epoch: int = _EPOCH.unpack(self._page[: _EPOCH.size])[0]
        return epoch

    def check(self) -> None:
        """JournalFencedError when the epoch is no longer this writer's. A load from memory."""
        if self._written() != self.epoch:
            raise JournalFencedError(
                f"{self._root}: a follower was promoted (epoch {self._written()}, this writer's is {self.epoch}). What "
                "was not acknowledged before is not in its state. Close this exchange and use the promoted one."
            )

    def catch_up(self, epoch: int) -> None:
        """Write the journal's epoch into the page: a segment of a smaller one would pass for a fenced writer's."""
        if self.epoch < epoch:
            self.check()
            self.epoch = epoch
            self._page[:] = _EPOCH.pack(epoch)
            self._page.flush()

    def close(self) -> None:
        """Let go of the lock. Again: nothing happens."""
        if self._descriptor >= 0:
            self._page.close()
            os.close(self._descriptor)
            self._descriptor = -1
