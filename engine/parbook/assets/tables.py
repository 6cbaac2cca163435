"""Rows of a CSV or Parquet file as text by column, checked against a declared schema.

Parquet needs pyarrow (`pip install parbook[arrow]`), which is imported when a .parquet file is read and not before.
Its cells become the text a CSV would hold; a float is refused there, because it is not the number somebody wrote.
"""

from __future__ import annotations

import csv
import difflib
import importlib
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from parbook.assets.schema import CellError, Column, Faults
from parbook.errors import InputError

ROWS_MAX: Final = 20_000_000
_BATCH: Final = 65_536
_REMEMBERED: Final = 4096

Row = dict[str, Any]
"""Column -> what was read; empty cells are left out."""


def read_rows(
    path: Path, columns: Sequence[Column], required: Sequence[str], faults: Faults
) -> Iterator[tuple[int, Row]]:
    """Yield (row number, cells) of every row without a fault; faults go to `faults`. InputError when unreadable."""
    rows = _parquet(path) if path.suffix.lower() in (".parquet", ".pq") else _csv(path, faults)
    header = next(rows, None)
    if header is None:
        raise InputError(str(path), "it is empty", "The first line names the columns.")
    names = [str(name).strip().lower() for name in header[1]]
    _check_header(names, columns, required, faults)
    # A wrong header makes every row wrong in the same way: say it once.
    faults.raise_any()
    by_name = {column.name: _Reader(column) for column in columns}
    readers = [by_name[name] for name in names]
    for count, (number, cells) in enumerate(rows):
        if count == ROWS_MAX:
            raise InputError(str(path), f"it has over {ROWS_MAX} rows", "Split it.")
        before = faults.total
        row = _row(number, cells, readers, required, faults)
        if faults.total == before:
            yield number, row


def _check_header(names: list[str], columns: Sequence[Column], required: Sequence[str], faults: Faults) -> None:
    known = [column.name for column in columns]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.6)
            remedy = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(known)}."
            faults.add(1, name or "(empty)", "", "there is no such column", remedy)
        elif names.count(name) > 1 and not any(fault.column == name for fault in faults.kept):
            faults.add(1, name, "", "the column is there twice", "Keep one of them.")
    for name in required:
        if name not in names:
            faults.add(1, name, "", "the column is missing", "Add it.")


class _Reader:
    """Reads the cells of one column, and remembers some: rates, kinds and names repeat down a tape."""

    def __init__(self, column: Column) -> None:
        self.column = column
        self._seen: dict[str, Any] = {}

    def read(self, text: str) -> Any:
        """Return what a cell holds; CellError when it is wrong."""
        value = self._seen.get(text)
        if value is None:
            value = self.column.read(text)
            if len(self._seen) < _REMEMBERED:
                self._seen[text] = value
        return value


def _row(number: int, cells: Sequence[object], readers: list[_Reader], required: Sequence[str], faults: Faults) -> Row:
    if len(cells) != len(readers):
        faults.add(
            number, "", "", f"it has {len(cells)} cells and the header {len(readers)}", "Quote cells with commas."
        )
        return {}
    row: Row = {}
    for reader, cell in zip(readers, cells, strict=True):
        column, text = reader.column, ""
        try:
            text = cell.strip() if isinstance(cell, str) else _text(cell)
            if text:
                row[column.name] = reader.read(text)
            elif column.name in required:
                raise CellError("it is empty", f"Give the {column.meaning.partition(';')[0]}.")
        except CellError as error:
            faults.add(number, column.name, text or str(cell or ""), error.reason, error.remedy)
    return row


def _text(cell: object) -> str:
    """Return a cell of a Parquet file that is no text as a CSV would hold it; CellError for a float."""
    match cell:
        case None:
            return ""
        case bool():
            return str(cell).lower()
        case int() | Decimal():
            return format(cell, "f") if isinstance(cell, Decimal) else str(cell)
        case date():
            return cell.isoformat()[:10]
    kind = type(cell).__name__
    raise CellError(f"a {kind} is not exact", "Store the column as decimal, integer or text.")


def _csv(path: Path, faults: Faults) -> Iterator[tuple[int, Sequence[object]]]:
    try:
        # utf-8-sig: spreadsheets put a byte order mark before the first name.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            try:
                for cells in reader:
                    if cells:
                        yield reader.line_num, cells
            except csv.Error as error:
                faults.add(reader.line_num, "", "", f"it is no CSV: {error}", "Check its quotes; reading stopped here.")
    except OSError as error:
        raise InputError(str(path), f"it cannot be read ({error.strerror})", "Check the path.") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}, byte {error.start}", "it is not UTF-8 text", "Save it as UTF-8.") from None


def _parquet(path: Path) -> Iterator[tuple[int, Sequence[object]]]:
    try:
        parquet = importlib.import_module("pyarrow.parquet")
        arrow = importlib.import_module("pyarrow")
    except ImportError:
        raise InputError(
            str(path), "Parquet needs pyarrow, which is not installed", "pip install parbook[arrow]"
        ) from None
    try:
        with parquet.ParquetFile(path) as file:
            yield 1, file.schema_arrow.names
            number = 1
            for batch in file.iter_batches(_BATCH):
                for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    number += 1
                    yield number, cells
    except OSError as error:
        raise InputError(str(path), f"it cannot be read ({error})", "Check path and format.") from None
    except arrow.ArrowInvalid as error:
        raise InputError(str(path), f"it is no Parquet file ({error})", "Check path and format.") from None
