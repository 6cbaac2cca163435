"""What everything the protocol says has."""

from __future__ import annotations

import msgspec

from parbook.refusals import Refusal


class Said(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What all of them have: their number, and the exchange's time when it happened."""

    seq: int
    ts_ns: int


class Refused(Said, frozen=True, kw_only=True):
    """A command changed nothing. `detail` says which line of it, or what would have been possible."""

    command: str
    code: Refusal
    detail: str = ""
