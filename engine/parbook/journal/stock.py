"""Spare segments: files of zeros, made before they are needed, because making one takes longer than a command may wait.

Zeros share the disk with the barriers of those who commit meanwhile. A stock that was filled before the market opened
is what a burst is written into: it is filled again only when half of it is gone, so that a burst of no more than that
shares the disk with nobody.
"""

from __future__ import annotations

from contextlib import suppress
from threading import Condition, Thread
from typing import Final, NamedTuple

from parbook.journal.layout import SEGMENT_HEADER_BYTES
from parbook.journal.storage import Storage

_SPARE: Final = "spare-"
SUFFIX: Final = ".segment"


def spare_name(epoch: int, number: int) -> str:
    """Return what a writer's segment is called before it is one. Two writers never share that, nor do two spares."""
    return f"{_SPARE}{epoch:06d}-{number:06d}{SUFFIX}"


def spare_names(names: list[str]) -> list[str]:
    """Return those names that are of spare segments: found at opening, they are thrown away."""
    return [name for name in names if name.startswith(_SPARE) and name.endswith(SUFFIX)]


class Spare(NamedTuple):
    """A file of zeros that is on the medium."""

    name: str
    size: int


class Stock:
    """At most `most` spares, made one after the other, `in_background` by a thread that lives while there are too few.

    For one thread, which takes them. `error` is why the last one could not be made: it stops no command before the
    stock is used up, and then making one is tried once more, for that command to be refused if it fails again.
    """

    def __init__(self, storage: Storage, *, epoch: int, segment_bytes: int, most: int, in_background: bool) -> None:
        self.error: OSError | None = None
        self.most = most
        self._storage = storage
        self._epoch = epoch
        self._segment_bytes = segment_bytes
        self._in_background = in_background
        self._ready: list[Spare] = []
        self._number = 0
        self._begun = False
        self._changed = Condition()
        self._thread: Thread | None = None
        self._making_bytes = 0
        """Size of what the thread makes, 0 when it makes no more."""
        self._stop = False

    @property
    def ready(self) -> int:
        """How many there are to take."""
        return len(self._ready)

    def begin(self) -> None:
        """Make a stock at once. A single spare waits for refill(): who writes little shall not make a segment more."""
        if self.most > 1 and not self._begun:
            self._begun = True
            self._make(self._segment_bytes)

    def refill(self, frame: int) -> None:
        """Make it full again when half of it is gone, of spares that such a frame fits into. Behind an error: not."""
        if len(self._ready) <= self.most // 2 and not self._making_bytes and self.error is None:
            self._make(max(self._segment_bytes, frame + SEGMENT_HEADER_BYTES))

    def fill(self) -> None:
        """Return when it is full. OSError: no more could be made, and what is there stays."""
        self._join()
        self.error = None
        while len(self._ready) < self.most:
            self._ready.append(self._create(self._segment_bytes, gently=False))

    def take(self, frame: int) -> Spare:
        """Return a spare that such a frame fits into, made here if it must be. OSError: it could not, nothing changed.

        It waits for the one that is being made, not for those after it.
        """
        wanted = frame + SEGMENT_HEADER_BYTES
        with self._changed:
            while (spare := self._fitting(wanted)) is None and self._making_bytes >= wanted:
                self._changed.wait()
            if spare is not None:
                self._ready.remove(spare)
        if spare is None:
            spare = self._create(max(self._segment_bytes, wanted), gently=False)
        # Once for every segment it is tried again: there may be room by now.
        self.error = None
        return spare

    def close(self) -> None:
        """Remove all. The one that is being made is made to its end first."""
        self._join()
        for spare in self._ready:
            with suppress(OSError):
                self._storage.remove(spare.name)
        self._ready.clear()

    # --- making ---------------------------------------------------------------------------------

    def _fitting(self, wanted: int) -> Spare | None:
        return next((spare for spare in self._ready if spare.size >= wanted), None)

    def _make(self, size: int) -> None:
        if not self._in_background:
            self._make_all(size, gently=False)
            return
        self._join()
        thread = Thread(target=self._make_all, args=(size, True), name="parbook-journal-spares", daemon=True)
        self._making_bytes = size
        try:
            thread.start()
        except RuntimeError:
            # No thread is to be had: then one is made when it is needed.
            self._making_bytes = 0
        else:
            self._thread = thread

    def _make_all(self, size: int, gently: bool) -> None:
        try:
            while len(self._ready) < self.most and not self._stop:
                spare = self._create(size, gently=gently)
                with self._changed:
                    self._ready.append(spare)
                    self._changed.notify()
        except OSError as error:
            self.error = error
        finally:
            with self._changed:
                self._making_bytes = 0
                self._changed.notify()

    def _create(self, size: int, *, gently: bool) -> Spare:
        with self._changed:
            self._number += 1
            name = spare_name(self._epoch, self._number)
        self._storage.create(name, size, gently=gently)
        return Spare(name, size)

    def _join(self) -> None:
        """Let the thread end behind the spare it makes."""
        if self._thread is not None:
            self._stop = True
            self._thread.join()
            self._thread, self._stop = None, False
