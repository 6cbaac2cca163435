"""What an exchange said lately, batch by batch, for readers that come later or wait.

An event's *position* is how many events the exchange emitted before it, all streams together, in order. As every stream
is numbered without gaps, it follows from the state alone, and is the same after a recovery.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import numpy as np

from parbook.errors import GapError, MisuseError
from parbook.messages import Event
from parbook.records import Records, event_records
from parbook.units import checked_int

RETAINED_EVENTS = 2**16
"""How many events an exchange keeps unless told otherwise."""


class History:
    """The last batches, at most `limit` events; a batch that is larger alone is kept until the next one comes."""

    def __init__(self, limit: int, start: int, guard: Callable[[], None]) -> None:
        self.limit = checked_int(limit, "retain_events", 1, 2**40)
        self.oldest = self.end = start
        # Batch number -> (position of its first event, events). Structs become records when somebody reads them.
        self._batches: dict[int, tuple[int, Sequence[Event] | Records]] = {}
        self._first = self._next = 0
        self._guard = guard
        self._waiting: set[asyncio.Future[None]] = set()

    def add(self, batch: Sequence[Event] | Records) -> None:
        """Append what one call caused, forget what is too old, wake those who wait. Amortised O(1)."""
        if not len(batch):
            return
        self._batches[self._next] = (self.end, batch)
        self._next += 1
        self.end += len(batch)
        while self.end - self.oldest > self.limit and self._first < self._next - 1:
            first, gone = self._batches.pop(self._first)
            self.oldest = first + len(gone)
            self._first += 1
        for future in self._waiting:
            if not future.done() and not future.get_loop().is_closed():
                future.set_result(None)
        self._waiting.clear()

    def interrupt(self, error: Exception) -> None:
        """Raise an error in those who wait: what they wait for will never come."""
        for future in self._waiting:
            if not future.done() and not future.get_loop().is_closed():
                future.set_exception(error)
        self._waiting.clear()

    def read(self, since: int) -> Iterator[Records]:
        """Yield the batches from a position to the end, also what is added meanwhile. GapError as in `check`."""
        while since < self.end:
            self._guard()
            self.check(since)
            number = bisect_right(range(self._first, self._next), since, key=lambda number: self._batches[number][0])
            batch = self._records(self._first + number - 1, since)
            since += len(batch)
            yield batch

    async def follow(self, since: int) -> AsyncIterator[Records]:
        """Yield as `read`, then wait for more, without end."""
        while True:
            for batch in self.read(since):
                since += len(batch)
                yield batch
            # Nothing runs between the end of the loop and this: no event can be missed.
            future = asyncio.get_running_loop().create_future()
            self._waiting.add(future)
            try:
                await future
            finally:
                self._waiting.discard(future)

    def check(self, since: int) -> None:
        """Raise GapError when what follows a position is forgotten in part, MisuseError when it has yet to come."""
        checked_int(since, "since", 0, 2**63 - 1)
        if since < self.oldest:
            raise GapError(
                "events of the exchange",
                since,
                self.oldest - 1,
                f"The oldest available is {self.oldest}: take a snapshot() and read on from its next_event, "
                f"or give Exchange(retain_events=) more than {self.limit}.",
            )
        if since > self.end:
            raise MisuseError(f"since={since}: the next event will be {self.end}. Count the events you have seen.")

    def _records(self, number: int, since: int) -> Records:
        first, batch = self._batches[number]
        if not isinstance(batch, np.ndarray):
            batch = event_records(batch)
            batch.flags.writeable = False
            self._batches[number] = (first, batch)
        return batch[since - first :]
