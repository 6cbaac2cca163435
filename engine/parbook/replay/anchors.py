"""Where the curve's fair price comes from during a replay.

    FileAnchors    a CSV file of times and prices
    TrailingAnchors  the volume-weighted average of the trades of a trailing window
    LogAnchors     the PROPOSE_ANCHOR commands that a native log holds itself
Each says before which command of a block an anchor is to be proposed.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from parbook.errors import ConversionError, InputError
from parbook.instrument import Instrument
from parbook.replay.translate import Print
from parbook.units import CURVE_PRICE_TICKS_MAX, PPM, TIME_NS_MAX, parse_decimal

ANCHORS_MAX: Final = 1_000_000
"""An anchor file has at most this many rows."""

_HEADERS: Final = (("ts_ns", "low", "high"), ("ts_ns", "price"), ("ts", "low", "high"), ("ts", "price"))
_REMEDY: Final = (
    "The first line is ts_ns,low,high or ts,price (ts: seconds, ts_ns: nanoseconds), then one row per anchor."
)


class _Rows(Protocol):
    """What csv.reader returns."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...


class Anchor(NamedTuple):
    """Propose (low, high) at `ts_ns`, before the block's command number `before`, from 0."""

    before: int
    ts_ns: int
    low_ticks: int
    high_ticks: int


class AnchorSource(Protocol):
    """Decides when which anchor is proposed."""

    name: str
    replaces_log: bool
    """True when PROPOSE_ANCHOR commands of the log itself are to be dropped."""
    reads_prints: bool
    """True when `due` needs the block's trades."""

    def due(self, times_ns: npt.NDArray[np.int64], prints: Sequence[Print]) -> list[Anchor]:
        """Return the anchors to propose within a block of commands of these times, in order."""


class LogAnchors:
    """The log proposes its anchors itself."""

    name = "the log's own anchors"
    replaces_log = False
    reads_prints = False

    def due(self, times_ns: npt.NDArray[np.int64], prints: Sequence[Print]) -> list[Anchor]:
        """Return nothing: the commands are in the block."""
        return []


class FileAnchors:
    """Anchors from a CSV file, each proposed before the first command at or after its time."""

    replaces_log = True
    reads_prints = False

    def __init__(self, path: Path, instrument: Instrument, band_ppm: int = 0) -> None:
        """Read the file. InputError names file, line and value. `band_ppm` widens the `price` form. O(rows)."""
        self.name = f"file {path.name}"
        self._anchors = _read_anchors(path, instrument, band_ppm)
        self._next = 0

    def due(self, times_ns: npt.NDArray[np.int64], prints: Sequence[Print]) -> list[Anchor]:
        """Return the anchors whose time has come by the end of the block. O(due log commands)."""
        out = []
        last = int(times_ns[-1]) if len(times_ns) else -1
        while self._next < len(self._anchors) and self._anchors[self._next][0] <= last:
            ts_ns, low, high = self._anchors[self._next]
            out.append(Anchor(int(np.searchsorted(times_ns, ts_ns, "left")), ts_ns, low, high))
            self._next += 1
        return out


class TrailingAnchors:
    """The volume-weighted average price of the trades of the last `window_ns`, widened by `band_ppm` on each side.

    low = floor(avg x (PPM - band) / PPM), high = ceil(avg x (PPM + band) / PPM), in ticks, with avg the exact
    quotient of sums, so that nothing is rounded twice. It is proposed after the trade that moved it, at most
    once in `interval_ns`.
    """

    replaces_log = True
    reads_prints = True

    def __init__(self, window_ns: int, interval_ns: int, band_ppm: int) -> None:
        self.name = (
            f"volume-weighted trades of the trailing {window_ns / 1e9:g} s, at most every {interval_ns / 1e9:g} s"
        )
        self._window_ns = window_ns
        self._interval_ns = interval_ns
        self._band_ppm = band_ppm
        self._trades: deque[tuple[int, int, int]] = deque()
        self._notional = 0
        self._lots = 0
        self._last: tuple[int, int] | None = None
        self._last_ns = 0

    def due(self, times_ns: npt.NDArray[np.int64], prints: Sequence[Print]) -> list[Anchor]:
        """Return the anchors that the block's trades lead to. O(trades), amortised."""
        out = []
        for after, ts_ns, price, lots in prints:
            self._trades.append((ts_ns, price, lots))
            self._notional += price * lots
            self._lots += lots
            while self._trades[0][0] <= ts_ns - self._window_ns:
                _, old_price, old_lots = self._trades.popleft()
                self._notional -= old_price * old_lots
                self._lots -= old_lots
            if self._last is not None and ts_ns < self._last_ns + self._interval_ns:
                continue
            pair = self._average()
            if pair != self._last:
                self._last, self._last_ns = pair, ts_ns
                out.append(Anchor(after, ts_ns, *pair))
        return out

    def _average(self) -> tuple[int, int]:
        low = self._notional * (PPM - self._band_ppm) // (self._lots * PPM)
        high = -(-self._notional * (PPM + self._band_ppm) // (self._lots * PPM))
        return max(low, 1), high


def banded(price_ticks: int, band_ppm: int) -> tuple[int, int]:
    """Return the price widened by `band_ppm` a side: low rounded down (at least 1), high up."""
    low = price_ticks * (PPM - band_ppm) // PPM
    high = -(-price_ticks * (PPM + band_ppm) // PPM)
    return max(low, 1), high


def _read_anchors(path: Path, instrument: Instrument, band_ppm: int) -> list[tuple[int, int, int]]:
    try:
        # Spreadsheets put a byte order mark before the header.
        text = path.read_text("utf-8-sig")
    except OSError as error:
        reason = f"the anchor file cannot be read ({error.strerror})"
        raise InputError(str(path), reason, "Name a CSV file.") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}, byte {error.start}", "it is not UTF-8 text", "Name a CSV file.") from None
    rows = csv.reader(text.splitlines())
    header = tuple(cell.strip() for cell in next(rows, []))
    if header not in _HEADERS:
        raise InputError(f"{path}, line 1", f"the columns are {','.join(header) or 'missing'}", _REMEDY)
    try:
        return _read_rows(path, header, rows, instrument, band_ppm)
    except csv.Error as error:
        raise InputError(f"{path}, line {rows.line_num}", f"it is no CSV ({error})", _REMEDY) from None


def _read_rows(
    path: Path, header: tuple[str, ...], rows: _Rows, instrument: Instrument, band_ppm: int
) -> list[tuple[int, int, int]]:
    out: list[tuple[int, int, int]] = []
    for cells in rows:
        if not cells:
            continue
        where = f"{path}, line {rows.line_num}"
        if len(cells) != len(header):
            raise InputError(where, f"{len(cells)} columns; expected {len(header)}", _REMEDY)
        if len(out) == ANCHORS_MAX:
            raise InputError(where, f"more than {ANCHORS_MAX} anchors", "Thin the file out.")
        try:
            row = _anchor(dict(zip(header, cells, strict=True)), instrument, band_ppm)
        except ConversionError as error:
            raise InputError(where, str(error).rstrip("."), "Give exact prices on the log's tick.") from None
        _check_anchor(where, row, out)
        out.append(row)
    if not out:
        raise InputError(str(path), "the file holds no anchor", _REMEDY)
    return out


def _anchor(cells: dict[str, str], instrument: Instrument, band_ppm: int) -> tuple[int, int, int]:
    given = cells.get("ts_ns") or cells.get("ts") or ""
    ts = parse_decimal(given, "time")
    if "ts" in cells:
        ts = ts.scaleb(9)
    ts_ns = int(ts)
    if ts_ns != ts or not 0 <= ts_ns <= TIME_NS_MAX:
        raise ConversionError(f"time {given} is no whole number of nanoseconds from 0")
    if "price" in cells:
        return ts_ns, *banded(instrument.price_ticks(cells["price"]), band_ppm)
    return ts_ns, instrument.price_ticks(cells["low"]), instrument.price_ticks(cells["high"])


def _check_anchor(where: str, row: tuple[int, int, int], before: list[tuple[int, int, int]]) -> None:
    ts_ns, low, high = row
    if before and ts_ns < before[-1][0]:
        raise InputError(where, f"time {ts_ns} ns lies before the previous row's", "Sort the rows by time.")
    if low > high:
        raise InputError(where, f"low ({low} ticks) is above high ({high} ticks)", "Swap the columns.")
    if high > CURVE_PRICE_TICKS_MAX:
        raise InputError(where, f"{high} ticks is above {CURVE_PRICE_TICKS_MAX}", "Check the price's unit.")
