"""Carries a script out over a journal on some storage, and notes what the client was told: the log of acknowledgements.

The barriers that a thread would run are run here, where a step says so: the same script is the same operations.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from unittest.mock import patch

from parbook.errors import JournalFullError
from parbook.journal import opening
from parbook.journal.durable import Durability
from parbook.journal.exchange import DurableExchange
from parbook.journal.lock import NoFence
from parbook.journal.retention import Retention
from parbook.journal.storage import Storage
from parbook.records import Records
from tests.journal.script import OUTCOMES, Script, Step, carry_out

SEGMENT_BYTES = 4096
SPARES = 3
"""Scripts have one spare segment to so many: two seeds each, of which one keeps every segment."""
SHOWN = ("apply", "apply_batch")
"""Calls of the public exchange, whose events events() gives again; the others are calls of its core."""


def assembled(storage: Storage, script: Script, durability: Durability, identity: int = 1) -> DurableExchange:
    """Open a script's journal on a storage. `identity`: what the journal is called if it has not begun yet."""
    with patch("secrets.token_hex", lambda size: f"{identity:0{2 * size}x}"):
        return opening.assemble(
            storage,
            NoFence(),
            opening.Options(
                durability=durability,
                segment_bytes=SEGMENT_BYTES,
                spare_segments=1 + (script.seed // 2 + 2) % SPARES,
                outcome_window=OUTCOMES,
                checkpoint_bytes=0,
                retention=Retention.NEEDED if script.seed % 2 else Retention.ALL,
            ),
        )


class Driver:
    """One script over one storage. What it promised its client survives it: it is read after a crash."""

    def __init__(self, script: Script, storage: Any, durability: Durability) -> None:
        self.script = script
        self.storage = storage
        self.durability = durability
        self.after: dict[int, int] = {0: 0}
        """Journal record -> how many changes are in the state behind it. Of the record being written, too."""
        self.acknowledged = 0
        """Greatest record whose effect the client was told of."""
        self.durable = 0
        """Greatest record that must survive the machine: the same, unless the durability is NONE."""
        self.done = 0
        """Changes made so far."""
        self.full = 0
        """Calls that were refused for want of room."""
        self.skipped = 0
        """Snapshots that could not be written."""
        self.openings = 0
        self.exchange: DurableExchange | None = None
        self._since = 0
        self._unseen: list[tuple[int, int]] = []
        """(change, its record) whose events the client has not read yet, from position `_since` on."""

    # --- the whole script -------------------------------------------------------------------------

    def run(self, space: Callable[[], None] = lambda: None) -> None:
        """Open, carry every step out, close. `space`: what is done after a refusal, before the call is made again."""
        self.open()
        for step in self.script.steps:
            self.until_room(step, space)
        self.until_room(Step("close"), space)

    def until_room(self, step: Step, space: Callable[[], None]) -> None:
        """Make a call, and again when it was refused for want of room."""
        for _ in range(8):
            try:
                self.step(step)
                return
            except JournalFullError:
                self.full += 1
                # Nothing was applied: the state is the one before.
                if self._open.state_hash() != self.script.effects[self.done].state_hash:
                    raise AssertionError("a call that was refused for want of room changed something") from None
                space()
        raise AssertionError("a call is refused for want of room although there is room")

    @property
    def _open(self) -> DurableExchange:
        assert self.exchange is not None
        return self.exchange

    def _expect(self, changes: int) -> int:
        """Note what the next record will stand for, and return its number."""
        record = self._open.journaled + 1
        self.after[record] = changes
        return record

    # --- opening and closing ----------------------------------------------------------------------

    def open(self) -> None:
        """Open the journal, and hold what is found against what was done."""
        self.after.setdefault(1, 0)
        self.openings += 1
        self.exchange = None
        self.exchange = assembled(self.storage, self.script, self.durability, self.openings)
        self._told(self.exchange.durable, survives=True)
        if self.exchange.state_hash() != self.script.effects[self.done].state_hash:
            raise AssertionError("opened again, the exchange has another state")
        self._since = self.exchange.next_event
        self._unseen.clear()

    def revived(self, storage: Any, record: int) -> Driver:
        """Return the driver of the next life, in which only what came up to that record has ever been."""
        other = Driver(self.script, storage, self.durability)
        other.after = {number: changes for number, changes in self.after.items() if number <= record}
        other.done = self.after[record]
        other.acknowledged = other.durable = record
        other.openings = self.openings
        return other

    def close(self) -> None:
        """Close, which writes a seal."""
        exchange, last = self._open, self._open.journaled
        seal = self._expect(self.done)
        self.exchange = None
        exchange.close()
        if exchange.journaled == last:
            # All is durable; there was no room for the seal alone.
            self.full += 1
        self._told(min(seal, exchange.journaled), survives=True)

    # --- steps ------------------------------------------------------------------------------------

    def step(self, step: Step) -> None:
        """Do one step, and note what the client may rely on once it has returned."""
        if step.changes:
            self._change(step)
        else:
            getattr(self, "flush" if step.what == "flush" else f"_{step.what}")()

    def _change(self, step: Step) -> None:
        exchange = self._open
        record = self._expect(self.done + 1)
        if step.what == "submit":
            exchange.submit(step.value)
        else:
            events = carry_out(exchange if step.what in SHOWN else exchange._durable, step)
            if events is not None:
                self._compare(events, self.done)
        if step.what in (*SHOWN, "submit"):
            self._unseen.append((self.done, record))
        self.done += 1
        if step.what != "submit":
            self._told(record)
        self._told(exchange.durable)
        self._look()

    def _compare(self, events: Records, change: int) -> None:
        if events.tobytes() != self._emitted(change):
            raise AssertionError(f"change {change} emitted something else than without a journal")

    def _told(self, record: int, survives: bool = False) -> None:
        self.acknowledged = max(self.acknowledged, record)
        if survives or self.durability is not Durability.NONE:
            self.durable = max(self.durable, record)

    def flush(self) -> None:
        record = self._open.journaled
        self._open.flush()
        self._told(record, survives=True)
        self._read()

    def _read(self) -> None:
        """Compare what events() gives since the last time with what there must be."""
        got = b"".join(batch.tobytes() for batch in self._open.events(self._since))
        self._since = self._open.next_event
        if got != b"".join(self._emitted(change) for change, _ in self._unseen):
            raise AssertionError("events() does not give what was emitted")
        self._unseen.clear()

    def _look(self) -> None:
        """See which events are there already: what they belong to counts as acknowledged."""
        there = sum(len(batch) * batch.itemsize for batch in self._open.events(self._since))
        for change, record in self._unseen:
            there -= len(self._emitted(change))
            if there >= 0:
                self._told(record)

    def _emitted(self, change: int) -> bytes:
        before, after = self.script.effects[change].events, self.script.effects[change + 1].events
        return after[len(before) :]

    def _barrier(self) -> None:
        if self.durability is Durability.GROUP:
            # Nobody hears of an error here, as in a thread: the next call does.
            with suppress(OSError):
                self._open._durable.writer.sync()
        self._told(self._open.durable)

    def _checkpoint(self) -> None:
        record = self._open.journaled
        try:
            self._open.checkpoint()
        except OSError as error:
            # The exchange goes on without it.
            if error.errno not in (errno.ENOSPC, errno.EIO):
                raise
            self.skipped += 1
            return
        self._told(record, survives=True)

    def _reopen(self) -> None:
        self.close()
        self.open()

    def _close(self) -> None:
        self.close()

    def _restart(self) -> None:
        """The process is killed and another one comes; the system lives on."""
        self.open()
