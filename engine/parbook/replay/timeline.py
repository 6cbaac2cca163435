"""Samples of book and curve over a replay: evenly spaced in messages, and never more than SAMPLES_MAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

SAMPLES_MAX: Final = 600
"""A timeline holds at most this many samples, whatever the log's length."""
DEPTH_LEVELS: Final = 10
"""Levels a side in one sample."""

Levels = tuple[tuple[int, int], ...]
"""(price_ticks, lots) of some levels, best first."""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """The market after `message` messages, at `ts_ns`. Volumes are lots since the start; money is ticks x lots."""

    message: int
    ts_ns: int
    bids: Levels = ()
    asks: Levels = ()
    rung_bids: Levels = ()
    rung_asks: Levels = ()
    low_ticks: int = 0
    high_ticks: int = 0
    last_trade_ticks: int = 0
    book_lots: int = 0
    bought_lots: int = 0
    sold_lots: int = 0
    net_lots: int = 0
    cash_notional: int = 0


class Timeline:
    """Keeps a sample every `stride` messages; when full, forgets every other one and doubles the stride."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.stride = 1
        self.due = 1
        """The number of messages at which the next sample is taken."""

    def offer(self, message: int, make: Callable[[], Sample]) -> None:
        """Take a sample when one is due. O(levels), amortised."""
        if message < self.due:
            return
        self.samples.append(make())
        if len(self.samples) >= SAMPLES_MAX:
            self.samples = self.samples[1::2]
            self.stride *= 2
        self.due = message + self.stride

    def close(self, message: int, make: Callable[[], Sample]) -> None:
        """Take the last sample, unless it was just taken."""
        if message and (not self.samples or self.samples[-1].message != message):
            self.samples.append(make())
