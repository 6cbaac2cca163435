"""How a handler says no, and how it finds what a command names."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

from parbook.messages import Event
from parbook.protocol.events import Said
from parbook.refusals import Refusal

_Entry = TypeVar("_Entry")


class No(NamedTuple):
    """A refusal with what it is about."""

    refusal: Refusal
    detail: str = ""


class Acted(NamedTuple):
    """What came of a command: why it was refused, what the exchange's streams and the protocol's say."""

    no: No | None
    events: list[Event]
    said: list[Said]


Answer = No | Refusal | None
"""What a handler returns: why nothing happened, None when it did."""


def entry_of(entries: list[_Entry], number: int) -> _Entry | None:
    """Return the entry of a number, None when there is none. O(1)."""
    return entries[number] if 0 <= number < len(entries) else None
