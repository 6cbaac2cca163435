"""What the protocol said lately, for readers that come later."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from parbook.errors import GapError, MisuseError
from parbook.protocol.events import Said
from parbook.units import checked_int

SAID_RETAINED: Final = 2**16
"""How much of what the protocol said is kept."""


class Hearing:
    """The last of what the protocol said. `next` is the number that comes next."""

    def __init__(self, first: int) -> None:
        self.next = first
        self._said: deque[Said] = deque(maxlen=SAID_RETAINED)

    def hear(self, said: Iterable[Said]) -> None:
        """Append what was said, forgetting what is too old. Numbers that were heard before are passed over."""
        for one in said:
            if one.seq >= self.next or not self._said:
                self._said.append(one)
                self.next = one.seq + 1

    def since(self, seq: int) -> list[Said]:
        """Return what was said from a number on. GapError when part of it is forgotten, MisuseError beyond the end."""
        checked_int(seq, "since", 1, 2**63 - 1)
        oldest = self._said[0].seq if self._said else self.next
        if seq > self.next:
            raise MisuseError(f"since={seq}: what comes next will have the number {self.next}. Count from 1.")
        if seq < oldest:
            remedy = f"The oldest available is {oldest}: look at protocol for what holds now, and read on from there."
            raise GapError("what the protocol said", seq, oldest - 1, remedy)
        return [one for one in self._said if one.seq >= seq]
