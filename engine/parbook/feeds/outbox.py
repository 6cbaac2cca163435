"""The outbox: a bounded queue of events that pushes back before anything is matched."""

from __future__ import annotations

from collections import deque

import numpy as np

from parbook.codes import CommandKind
from parbook.errors import BackpressureError, MisuseError
from parbook.interface import MarketProtocol
from parbook.messages import Command
from parbook.records import COMMAND, EVENT, Records, event_records
from parbook.units import checked_int

_SPECIAL = (CommandKind.NEW_SPECIAL, CommandKind.AMEND_SPECIAL)


class Outbox:
    """Stands between callers and a market, and keeps its events until they are taken. Nothing is ever dropped.

    While more than `high_water` events wait, no command is taken: the caller knows before it has traded. How many
    events a command causes is known only afterwards, so the queue holds at most `high_water` and the events of one
    submission (of one chunk, for `submit_chunks`).
    """

    def __init__(self, market: MarketProtocol, high_water: int) -> None:
        """Queue the events of `market` up to `high_water` (0 or more)."""
        self.market = market
        self.high_water = checked_int(high_water, "high_water", 0, 2**31 - 1)
        self._queue: deque[Records] = deque()
        self._queued = 0

    def __len__(self) -> int:
        """Return how many events wait."""
        return self._queued

    @property
    def is_full(self) -> bool:
        """Whether the next submission would be refused."""
        return self._queued > self.high_water

    def submit(self, commands: Records | Command) -> int:
        """Apply COMMAND records, or one Struct, and queue their events; return how many events that were.

        BackpressureError when the outbox is full: then nothing was matched, no clock moved. O(commands).
        """
        if self.is_full:
            raise BackpressureError(self._queued, self.high_water)
        if isinstance(commands, np.ndarray):
            events = self.market.apply_batch(commands)
        else:
            events = event_records(self.market.apply(commands))
        if len(events):
            self._queue.append(events)
            self._queued += len(events)
        return len(events)

    def submit_chunks(self, commands: Records, chunk: int = 256) -> int:
        """Apply COMMAND records chunk by chunk while the outbox is not full; return how many records were taken.

        Go on later with `commands[taken:]`. A special command and its TERMS stay together, so a chunk may be one record
        longer. 0 when it was full already.
        """
        checked_int(chunk, "chunk", 1, 2**31 - 1)
        if not isinstance(commands, np.ndarray) or commands.dtype != COMMAND or commands.ndim != 1:
            raise MisuseError("submit_chunks takes a one-dimensional array of parbook.records.COMMAND.")
        taken = 0
        while taken < len(commands) and not self.is_full:
            end = min(taken + chunk, len(commands))
            if end < len(commands) and commands["kind"][end - 1] in _SPECIAL and _is_terms(commands, end):
                end += 1
            self.submit(commands[taken:end])
            taken = end
        return taken

    def take(self, limit: int = 2**31 - 1) -> Records:
        """Take events out, oldest first: whole commands, at most `limit` events but at least one command.

        Empty only when nothing waits. O(events taken + events of the oldest submission).
        """
        checked_int(limit, "limit", 1, 2**31 - 1)
        taken: list[Records] = []
        count = 0
        while self._queue and count < limit:
            head = self._queue[0]
            size = len(head) if count + len(head) <= limit else _whole_commands(head, limit - count)
            if not size and taken:
                break
            size = size or _whole_commands(head, len(head), first_only=True)
            taken.append(head[:size])
            count += size
            if size == len(head):
                self._queue.popleft()
            else:
                self._queue[0] = head[size:]
        self._queued -= count
        return np.concatenate(taken) if taken else np.zeros(0, EVENT)


def _is_terms(commands: Records, index: int) -> bool:
    return bool(commands["kind"][index] == CommandKind.TERMS)


def _whole_commands(events: Records, limit: int, first_only: bool = False) -> int:
    """Return how many of the first `limit` events make whole commands; with `first_only`, those of the first one."""
    ends = np.append(np.flatnonzero(np.diff(events["command"].astype(np.int64))) + 1, len(events))
    if first_only:
        return int(ends[0])
    fitting = ends[ends <= limit]
    return int(fitting[-1]) if len(fitting) else 0
