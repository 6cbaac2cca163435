"""A synthetic ITCH 5.0 file of many stocks with many resting orders, as a whole market's day looks to a book builder.

References rise over all stocks together, as the venue hands them out. Most orders that leave are young, the rest are
drawn evenly from all that rest: a real day has both, the first kind lives in the caches, the second does not.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Final

from parbook.logs.itch_encode import FRAMES, LENGTHS, encode

_YOUNG: Final = 2_000
_START_NS: Final = 34_200_000_000_000
_STEP_NS: Final = 700


def write_day(path: Path, stocks: int, resting: int, messages: int, seed: int = 1) -> int:
    """Write the file and return the number of messages: a directory, `resting` adds, then `messages` of a mix.

    Of 100 messages about 45 enter an order, 37 delete one, 9 execute, 6 replace and 3 reduce. About 3 us each.
    """
    day = _Day(stocks, seed)
    with path.open("wb") as file:
        file.write(day.opening())
        for _ in range(resting):
            file.write(day.add())
        for _ in range(messages):
            file.write(day.step())
    return day.count


class _Day:
    def __init__(self, stocks: int, seed: int) -> None:
        self.count = 0
        self._random = random.Random(seed)
        self._names = [f"S{number}".encode().ljust(8) for number in range(stocks)]
        # Cents; a few stocks have most of the messages.
        self._fair = [self._random.randrange(1_000, 50_000) for _ in range(stocks)]
        self._live: list[list[int]] = []
        self._next = 1
        self._match = 1
        self._now = _START_NS

    def opening(self) -> bytes:
        """Name every stock."""
        self.count += len(self._names) + 1
        names = (name.decode().strip() for name in self._names)
        directory = [encode("R", locate=1 + at, stock=name, ts_ns=self._now) for at, name in enumerate(names)]
        return encode("S", event="O", ts_ns=self._now) + b"".join(directory)

    def add(self) -> bytes:
        """Enter an order in a stock drawn by the square of an even draw."""
        chosen = int(len(self._names) * self._random.random() ** 2)
        side = self._random.random() < 0.5
        away = 1 + int(self._random.expovariate(0.1))
        price = 100 * max(1, self._fair[chosen] + (away if side else -away))
        lots = 100 * self._random.randrange(1, 6)
        reference = self._take()
        self._live.append([reference, chosen, lots, side, price])
        sign = b"S" if side else b"B"
        return self._pack("A", chosen, reference, sign, lots, self._names[chosen], price)

    def step(self) -> bytes:
        """Return the next message of the mix."""
        draw = self._random.random()
        if draw < 0.45 or len(self._live) < 2 * _YOUNG:
            return self.add()
        at = self._chosen()
        order = self._live[at]
        reference, stock, lots, _, price = order
        if draw < 0.82:
            self._drop(at)
            return self._pack("D", stock, reference)
        if draw < 0.88:
            order[0] = self._take()
            order[4] = max(100, price + 100 * self._random.randrange(-3, 4))
            return self._pack("U", stock, reference, order[0], lots, order[4])
        taken = lots if draw < 0.95 else self._random.randrange(1, lots + 1)
        if taken == lots:
            self._drop(at)
        else:
            order[2] = lots - taken
        if draw < 0.97:
            self._match += 1
            return self._pack("E", stock, reference, taken, self._match)
        return self._pack("X", stock, reference, taken)

    def _chosen(self) -> int:
        """Four of five leave young."""
        if self._random.random() < 0.8:
            return len(self._live) - 1 - self._random.randrange(_YOUNG)
        return self._random.randrange(len(self._live))

    def _drop(self, at: int) -> None:
        last = self._live.pop()
        if at < len(self._live):
            self._live[at] = last

    def _take(self) -> int:
        self._next += 1
        return self._next - 1

    def _pack(self, kind: str, stock: int, *fields: int | bytes) -> bytes:
        self.count += 1
        self._now += self._random.randrange(2 * _STEP_NS)
        head = (LENGTHS[kind], kind.encode(), 1 + stock, 0, self._now >> 32, self._now & 0xFFFFFFFF)
        return FRAMES[kind].pack(*head, *fields)
