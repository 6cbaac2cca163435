"""A journal for other programs: readable JSON lines of its commands or its events, and Parquet tables of the same.

JSON lines hold every record; the tables have the fixed-size records, one column a field, for analysis. Neither can be
read back: the journal is the original.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from parbook.codes import CommandKind
from parbook.errors import MisuseError
from parbook.journal.layout import Frame, Kind
from parbook.journal.payloads import current_payload
from parbook.journal.recovery import recover
from parbook.journal.scan import Scanner
from parbook.journal.storage import Storage
from parbook.records import COMMAND, CURVE, SPECIAL_FIELDS, TERMS, Records, curve_from_record, events_from_records

ROWS: int = 2**16
"""Rows that are gathered before they are written."""


def frames(storage: Storage) -> Iterator[Frame]:
    """Yield every record that is there, the oldest first. JournalDamageError, OSError."""
    scanner = Scanner(storage)
    scanner.go_to_the_oldest()
    return scanner.records()


def command_lines(storage: Storage) -> Iterator[bytes]:
    """Yield a JSON object for each command, listing, curve, start and seal. O(records)."""
    for frame in frames(storage):
        payload = current_payload(frame)
        if frame.kind == Kind.COMMANDS:
            yield from _rows(frame, payload)
        elif frame.kind == Kind.CURVE:
            curve = curve_from_record(np.frombuffer(payload, CURVE), as_it_stands=True)
            yield _line(frame, frame.command, msgspec.to_builtins(curve))
        elif frame.kind == Kind.SEAL:
            yield _line(frame, frame.command, {"state_hash": payload.hex()})
        else:
            yield _line(frame, frame.command, msgspec.json.decode(payload))


def _rows(frame: Frame, payload: bytes) -> Iterator[bytes]:
    """Yield a line for each command: a special one with its terms."""
    rows = np.frombuffer(payload, COMMAND)
    terms = rows.view(TERMS)
    number, at = frame.command, 0
    while at < len(rows):
        fields = dict(zip(COMMAND.names or (), rows[at].tolist(), strict=True))
        if rows["kind"][at] in SPECIAL_FIELDS and at + 1 < len(rows) and rows["kind"][at + 1] == CommandKind.TERMS:
            at += 1
            fields["terms"] = dict(zip(TERMS.names or (), terms[at].tolist(), strict=True))
        yield _line(frame, number, fields)
        number, at = number + 1, at + 1


def _line(frame: Frame, command: int, fields: dict[str, Any]) -> bytes:
    head = {"record": frame.record, "command": command, "record_kind": Kind(frame.kind).name}
    return msgspec.json.encode(head | fields)


def event_lines(storage: Storage, write: Callable[[bytes], object]) -> int:
    """Replay the journal from its first record and write a JSON object for each event; return how many. O(records)."""
    written = 0

    def put(position: int, events: Records) -> None:
        nonlocal written
        for number, event in enumerate(events_from_records(events), start=position):
            fields = msgspec.to_builtins(event)
            write(msgspec.json.encode({"position": number, "event": type(event).__name__} | fields))
        written += len(events)

    recover(storage, on_events=put, from_record_1=True)
    return written


def write_parquet(storage: Storage, path: Path, *, of_events: bool) -> int:
    """Write the COMMAND records, or the EVENT records of a replay, as a Parquet table; return the number of rows.

    Needs pyarrow: `pip install parbook[arrow]`. MisuseError without it.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError:
        raise MisuseError("Parquet needs pyarrow: pip install 'parbook[arrow]'.") from None
    table = _Table(pa, pq, path)
    try:
        if of_events:
            recover(storage, on_events=table.add, from_record_1=True)
        else:
            for frame in frames(storage):
                if frame.kind == Kind.COMMANDS:
                    table.add(frame.command, np.frombuffer(current_payload(frame), COMMAND))
    finally:
        table.close()
    return table.rows


class _Table:
    """Gathers records into row groups. The first column numbers them: a command's number or an event's position."""

    def __init__(self, pa: Any, pq: Any, path: Path) -> None:
        self._pa, self._pq, self._path = pa, pq, path
        self._writer: Any = None
        self._parts: list[tuple[int, Records]] = []
        self._held = 0
        self.rows = 0

    def add(self, first: int, records: Records) -> None:
        """Append rows, of which the first has that number."""
        self._parts.append((first, records))
        self._held += len(records)
        self.rows += len(records)
        if self._held >= ROWS:
            self._flush()

    def _flush(self) -> None:
        if not self._parts:
            return
        records = np.concatenate([part for _, part in self._parts])
        numbers = np.concatenate([np.arange(first, first + len(part), dtype="u8") for first, part in self._parts])
        columns = {"number": numbers} | {name: records[name] for name in records.dtype.names or ()}
        table = self._pa.table({name: self._pa.array(np.ascontiguousarray(data)) for name, data in columns.items()})
        if self._writer is None:
            self._writer = self._pq.ParquetWriter(self._path, table.schema)
        self._writer.write_table(table)
        self._parts, self._held = [], 0

    def close(self) -> None:
        """Write what is left."""
        self._flush()
        if self._writer is not None:
            self._writer.close()
