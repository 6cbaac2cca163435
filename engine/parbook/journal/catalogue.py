"""What an operator asks a database: runs, segments, snapshots, hashes. SQLite, beside the journal, never on its path.

The journal needs none of it: a catalogue that is missing is begun anew, and one that cannot be written stops nothing.
It knows one thing that the files cannot say of themselves: which segments there should be. One that was deleted whole
at the journal's end leaves no trace but here.

    runs        each opening: when, by which process, what it found, when and how it ended
    segments    each file the journal was written to; `removed_at_ns` when retention took it
    snapshots   each snapshot, with the state's hash
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final

from parbook.journal.snapshots import Stored

_Work = Callable[[sqlite3.Connection], object]

CATALOGUE: Final = "catalogue.sqlite"
_TABLES: Final = """
create table if not exists runs (
    run integer primary key, opened_at_ns integer not null, closed_at_ns integer, process integer not null,
    epoch integer not null, durability text not null, written_by text not null, snapshot text not null,
    replayed_records integer not null, first_record integer not null, last_record integer, state_hash text
);
create table if not exists segments (
    name text primary key, run integer not null, first_record integer not null, opened_at_ns integer not null,
    removed_at_ns integer
);
create table if not exists snapshots (
    name text primary key, run integer not null, record integer not null, command integer not null,
    exchange_now_ns integer not null, bytes integer not null, state_hash text not null, written_at_ns integer not null,
    removed_at_ns integer
);
"""


class Catalogue:
    """The catalogue of one directory. `error` is the last thing that went wrong, None when nothing did.

    What it is told it writes in a thread of its own, in order: its syncs hold nobody up. close() waits for them.
    """

    def __init__(self, root: Path) -> None:
        self.path = root / CATALOGUE
        self.error: sqlite3.Error | None = None
        self._run = 0
        self._work: SimpleQueue[_Work | None] = SimpleQueue()
        self._thread = Thread(target=self._carry_out, name="parbook-journal-catalogue", daemon=True)
        self._thread.start()
        self._tell("pragma journal_mode = wal")
        self._work.put(lambda db: db.executescript(_TABLES))

    def _carry_out(self) -> None:
        while (work := self._work.get()) is not None:
            # Whatever the database has against it is noted, and stops nobody.
            try:
                db = sqlite3.connect(self.path, timeout=1.0)
                try:
                    db.execute("pragma synchronous = full")
                    with db:
                        work(db)
                finally:
                    db.close()
            except sqlite3.Error as error:
                self.error = error

    def _tell(self, statement: str, values: Sequence[Any] = ()) -> None:
        self._work.put(lambda db: db.execute(statement, values))

    def close(self) -> None:
        """Return when everything told is written."""
        if self._thread.is_alive():
            self._work.put(None)
            self._thread.join()

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return what a query finds; nothing when the catalogue cannot be read."""
        try:
            db = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=1.0)
            try:
                return db.execute(query, values).fetchall()
            finally:
                db.close()
        except sqlite3.Error as error:
            self.error = error
            return []

    def missing_segments(self, names: Sequence[str]) -> list[str]:
        """Return the segments that should be there and are not."""
        known = self.rows("select name from segments where removed_at_ns is null order by name")
        return [name for (name,) in known if name not in names]

    def opened(
        self, *, epoch: int, durability: str, written_by: str, snapshot: str, replayed: int, first_record: int
    ) -> None:
        """Begin a run."""
        values = (time.time_ns(), os.getpid(), epoch, durability, written_by, snapshot, replayed, first_record)
        columns = "opened_at_ns, process, epoch, durability, written_by, snapshot, replayed_records, first_record"

        def begin(db: sqlite3.Connection) -> None:
            self._run = (
                db.execute(f"insert into runs ({columns}) values (?, ?, ?, ?, ?, ?, ?, ?)", values).lastrowid or 0
            )

        self._work.put(begin)

    def closed(self, last_record: int, state_hash: str) -> None:
        """End the run; a run without an end was not closed."""
        values = (time.time_ns(), last_record, state_hash, self._run)
        self._tell("update runs set closed_at_ns = ?, last_record = ?, state_hash = ? where run = ?", values)

    def segment(self, name: str, first_record: int) -> None:
        """Note a segment."""
        columns = "name, run, first_record, opened_at_ns"
        values = (name, self._run, first_record, time.time_ns())
        self._tell(f"insert or replace into segments ({columns}) values (?, ?, ?, ?)", values)

    def snapshot(self, name: str, stored: Stored) -> None:
        """Note a snapshot."""
        columns = "name, run, record, command, exchange_now_ns, bytes, state_hash, written_at_ns"
        values = (
            name,
            self._run,
            stored.record,
            stored.command,
            stored.now_ns,
            len(stored.state),
            stored.state_hash,
            time.time_ns(),
        )
        self._tell(f"insert or replace into snapshots ({columns}) values (?, ?, ?, ?, ?, ?, ?, ?)", values)

    def removed(self, names: Sequence[str]) -> None:
        """Note what retention took."""
        gone = [(time.time_ns(), name) for name in names]

        def take(db: sqlite3.Connection) -> None:
            for table in ("segments", "snapshots"):
                db.executemany(f"update {table} set removed_at_ns = ? where name = ?", gone)

        if gone:
            self._work.put(take)
