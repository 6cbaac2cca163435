"""Mode book for LOBSTER: compare with the venue's own book after every message, at every level.

LOBSTER shows the best L levels. When one of them empties, the next level behind enters the window from a part
of the book that no message showed: that one level is taken from the file. Everything else must follow from
the messages:
    one_step    row i-1 + message i = row i
    cumulative  row 0 + messages 1..i = row i, with the book kept by order id and levels outside the window
                forgotten
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt

from parbook.codes import Side
from parbook.logs.records import LogKind, LogSource
from parbook.records import Records
from parbook.replay.book import RebuiltBook
from parbook.replay.rebuild import Progress, limited
from parbook.replay.result import Check, Findings
from parbook.replay.timeline import DEPTH_LEVELS, Sample, Timeline

Levels = list[tuple[int, int]]
"""(price_ticks, lots), best first."""

_SIDES = (Side.BUY, Side.SELL)
_ADD = int(LogKind.ADD)
_EXECUTE = int(LogKind.EXECUTE)
_BOOK_KINDS = (_ADD, int(LogKind.REDUCE), int(LogKind.DELETE), _EXECUTE)
_COLUMN = {Side.SELL: 0, Side.BUY: 2}


class TruthSource(LogSource, Protocol):
    """A log with the venue's book after each message beside it."""

    levels: int

    @property
    def truth(self) -> Iterator[npt.NDArray[np.int64]]:
        """Yield one row per message: [ask price, ask size, bid price, bid size] * levels."""


def side_levels(row: npt.NDArray[np.int64], side: int) -> Levels:
    """Return the levels of one side of a truth row, without the empty ones. O(levels)."""
    first = _COLUMN[Side(side)]
    prices, lots = row[first::4].tolist(), row[first + 1 :: 4].tolist()
    return [(price, size) for price, size in zip(prices, lots, strict=True) if size]


def after_change(levels: Levels, side: int, price: int, change_lots: int) -> Levels | None:
    """Return `levels` with `change_lots` more (or, negative, fewer) lots at `price`; None when it cannot be.

    O(levels).
    """
    out = []
    placed = False
    for at, lots in levels:
        if not placed and (at == price or (at < price if side == Side.BUY else at > price)):
            placed = True
            total = change_lots + (lots if at == price else 0)
            if total < 0:
                return None
            if total:
                out.append((price, total))
            if at == price:
                continue
        out.append((at, lots))
    if not placed:
        if change_lots < 0:
            return None
        out.append((price, change_lots))
    return out


class TruthVerifier:
    """Compares one LOBSTER log with its order book file. Row 0 seeds; rows from 1 on are compared."""

    def __init__(self, levels: int) -> None:
        self.depth = levels
        self.book = RebuiltBook()
        self.findings = Findings()
        self.timeline = Timeline()
        self.messages = 0
        self._previous: dict[int, Levels] = {}
        self._rows = 0
        self._good = {"one_step": 0, "cumulative": 0}
        self._levels = 0
        self._good_levels = {"one_step": 0, "cumulative": 0}
        self._traded_lots = 0
        self._last_trade_ticks = 0

    def feed(self, records: Records, truth: Iterator[npt.NDArray[np.int64]]) -> None:
        """Apply one LOG array, taking one truth row per record."""
        for record in records.tolist():
            # A missing or surplus row is the reader's to report; asking for the next one makes it do so.
            row = next(truth)
            self._count(record)
            now = {int(side): side_levels(row, side) for side in _SIDES}
            if self.messages == 0:
                for side, levels in now.items():
                    for price, lots in levels:
                        self.book.seed(side, price, lots)
            else:
                self._compare(record, now)
            self.messages += 1
            self._previous = now
            self._last_ns = record[5]
            self.timeline.offer(self.messages, self._sample)

    def close(self) -> None:
        """Take the last sample and verify the book's own invariants."""
        self.timeline.close(self.messages, self._sample)
        self.book.check()

    def checks(self) -> list[Check]:
        """Return rows and levels that agreed, one-step and cumulative."""
        text = {
            "one_step": "right one message after the venue's own",
            "cumulative": "right after all messages since the venue's first",
        }
        out = []
        for name, what in text.items():
            out.append(
                Check(
                    name=f"{name}_rows", what=f"books {what}", passed=self._good[name], total=self._rows, required=True
                )
            )
            out.append(
                Check(
                    name=f"{name}_levels",
                    what=f"levels {what}",
                    passed=self._good_levels[name],
                    total=self._levels,
                    required=True,
                )
            )
        return out

    def _count(self, record: tuple[int, ...]) -> None:
        kind = LogKind(record[0])
        self.findings.count(f"{kind.name.lower()}_messages")
        if kind == LogKind.EXECUTE:
            self._traded_lots += record[9]
            self._last_trade_ticks = record[8]

    def _compare(self, record: tuple[int, ...], now: dict[int, Levels]) -> None:
        kind, moved, price, lots = record[0], record[1], record[8], record[9]
        row = record[11]
        change = 0 if kind not in _BOOK_KINDS else lots if kind == _ADD else -lots
        if change:
            self._apply(kind, moved, record[6], price, lots, row)
        self._rows += 1
        good = {"one_step": True, "cumulative": True}
        for side, true in now.items():
            before = self._previous[side]
            self._levels += len(true)
            step: Levels | None = before
            if change and side == moved:
                step = after_change(before, side, price, change)
            if step is None:
                self.findings.mismatch(
                    "one_step", f"row {row}", "the message takes lots that the row before does not show",
                    f"{-change} lots at {price}", "fewer", Side(side).name,
                )  # fmt: skip
                good["one_step"] = False
            else:
                good["one_step"] &= self._same("one_step", row, side, self._reveal(step, before, true, side), true)
            held = self.book.levels(side, self.depth + 1)
            held = self._reveal(held, before, true, side, adopt=True)
            good["cumulative"] &= self._same("cumulative", row, side, held, true)
            self.book.keep_best(side, self.depth)
        for name, ok in good.items():
            self._good[name] += ok

    def _apply(self, kind: int, side: int, order_id: int, price: int, lots: int, row: int) -> None:
        """Change the book by order id; what names an order the log never showed takes unseen lots at its price."""
        book = self.book
        if kind == _ADD:
            if order_id in book:
                self.findings.mismatch("cumulative", f"row {row}", "an order is added twice", "a new id", order_id)
                return
            book.add(order_id, side, price, lots)
            return
        if order_id in book and book.place_of(order_id) == (side, price):
            taken = book.take(order_id, lots).lots
            self.findings.count("references_known")
        else:
            taken = book.take_unseen(side, price, lots)
            self.findings.count("references_seeded")
        if taken < lots:
            self.findings.mismatch(
                "cumulative",
                f"row {row}",
                f"order {order_id} at {price} holds too few lots",
                lots,
                taken,
                Side(side).name,
            )

    def _reveal(self, mine: Levels, before: Levels, true: Levels, side: int, *, adopt: bool = False) -> Levels:
        """Return `mine` cut to the window, with the one level that newly enters at its deep end.

        A level can enter only behind a full window that lost one. With `adopt` the book takes it in.
        """
        mine = mine[: self.depth]
        if len(before) == self.depth and len(mine) == self.depth - 1 and len(true) == self.depth:
            price, lots = true[-1]
            if not mine or (price < mine[-1][0] if side == Side.BUY else price > mine[-1][0]):
                mine = [*mine, (price, lots)]
                if adopt:
                    self.findings.count("levels_revealed")
                    self.book.seed(side, price, lots)
        return mine

    def _same(self, check: str, row: int, side: int, mine: Levels, true: Levels) -> bool:
        if mine == true:
            self._good_levels[check] += len(true)
            return True
        shown = False
        for level in range(max(len(mine), len(true))):
            expected = true[level] if level < len(true) else None
            got = mine[level] if level < len(mine) else None
            if expected == got:
                self._good_levels[check] += 1
            elif not shown:
                shown = True
                self.findings.mismatch(
                    check, f"row {row}", "the book differs from the truth file", _text(expected), _text(got),
                    Side(side).name, level + 1,
                )  # fmt: skip
        return False

    def _sample(self) -> Sample:
        return Sample(
            message=self.messages,
            ts_ns=self._last_ns,
            bids=tuple(self.book.levels(Side.BUY, DEPTH_LEVELS)),
            asks=tuple(self.book.levels(Side.SELL, DEPTH_LEVELS)),
            last_trade_ticks=self._last_trade_ticks,
            book_lots=self._traded_lots,
        )


def _text(level: tuple[int, int] | None) -> str:
    return "no level" if level is None else f"{level[1]} lots at {level[0]}"


def verify_truth(source: TruthSource, *, limit: int | None = None, progress: Progress | None = None) -> TruthVerifier:
    """Compare `source` with its truth after every message. O(messages x levels)."""
    verifier = TruthVerifier(source.levels)
    truth = source.truth
    for records in limited(iter(source), limit):
        verifier.feed(records, truth)
        if progress is not None:
            progress(*source.progress)
    if limit is None or verifier.messages < limit:
        # A book file that is longer than the message file is refused by the reader when asked to go on.
        next(truth, None)
    verifier.close()
    return verifier
