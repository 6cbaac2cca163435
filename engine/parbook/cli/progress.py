"""A progress bar on stderr for what takes over a second."""

from __future__ import annotations

import importlib
import sys
import time
from types import TracebackType
from typing import Any, Final, Self

SHOW_AFTER_S: Final = 1.0
"""Shorter work shows nothing."""
_PERCENT_STEP: Final = 10


class ProgressBar:
    """Shows how much is done, counted in `unit`s. A tqdm bar; without tqdm, a line for every tenth.

    Nothing is shown when `quiet`, during the first second, or when stderr is no terminal, unless `forced`.
    """

    def __init__(self, what: str, *, unit: str = "B", quiet: bool = False, forced: bool = False) -> None:
        self._what = what
        self._unit = unit
        self._on = forced or (not quiet and sys.stderr.isatty())
        self._wait_s = 0.0 if forced else SHOW_AFTER_S
        self._start_s = time.monotonic()
        self._bar: Any = None
        self._tenths = -1

    def __call__(self, done: int, total: int) -> None:
        """Report `done` of `total` units."""
        if not self._on or (self._tenths < 0 and time.monotonic() - self._start_s < self._wait_s):
            return
        tenths = done * _PERCENT_STEP // total if total else _PERCENT_STEP
        if self._tenths < 0:
            self._bar = _tqdm_bar(self._what, total, self._unit)
            self._tenths = 0
        if self._bar is not None:
            self._bar.update(done - self._bar.n)
        elif tenths > self._tenths:
            print(f"{self._what}: {tenths * 100 // _PERCENT_STEP}%", file=sys.stderr)
        self._tenths = max(tenths, self._tenths)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()


def _tqdm_bar(what: str, total: int, unit: str) -> Any:
    """Return a tqdm bar, or None when tqdm is not installed."""
    try:
        tqdm = importlib.import_module("tqdm")
    except ImportError:
        return None
    return tqdm.tqdm(desc=what, total=total, unit=unit, unit_scale=True, file=sys.stderr, leave=False)
