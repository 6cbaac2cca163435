"""What frames carry, how a core carries it out again, and how payloads of older schemas become today's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np

from parbook.errors import CorruptionError, SchemaError
from parbook.journal.layout import Frame, Kind
from parbook.listing import Asset, Listing
from parbook.protocol.exchange import BackedExchange
from parbook.records import COMMAND, CURVE, Records, curve_from_record, event_records

SCHEMA: Final = 2
"""Version of every payload that is written today.

1   the first
2   the fifth byte of a CURVE record is `resale`. It was reserved, and 0, which is ALONG: so nothing has to be upgraded,
    and an older parbook refuses what it would carry out differently
"""

Upgrader = Callable[[bytes], bytes]
UPGRADERS: Final[dict[tuple[Kind, int], Upgrader]] = {}
"""(kind, schema) -> a pure function to the next schema. One entry for each layout that was ever changed."""


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """The first record of a journal: what the exchange is made with. `journal` is its identity, hex."""

    journal: str
    outcome_window: int
    written_by: str


def encode_value(value: Start | Asset | Listing) -> bytes:
    """Return a value's payload: JSON, its fields in the order of the class."""
    return msgspec.json.encode(value)


def current_payload(
    frame: Frame, upgraders: dict[tuple[Kind, int], Upgrader] | None = None, to: int | None = None
) -> bytes:
    """Return a frame's payload in today's schema. SchemaError for a schema that has no way here, a newer one above all.

    A schema that is not in the table is the same as the next: only what changed has an upgrader.
    """
    table = UPGRADERS if upgraders is None else upgraders
    to = SCHEMA if to is None else to
    if not 1 <= frame.schema <= to:
        raise SchemaError(
            f"record {frame.record}",
            f"its schema is {frame.schema}, and this parbook reads 1 to {to}",
            "Open the journal with the parbook that wrote it, or a newer one.",
        )
    payload = frame.payload
    for schema in range(frame.schema, to):
        step = table.get((Kind(frame.kind), schema))
        payload = step(payload) if step else payload
    return payload


def carry_out(core: BackedExchange, frame: Frame) -> Records | None:
    """Do again what a record of commands or of something listed did, and return its events, None for a listing.

    CorruptionError when the payload is none of its kind: its checksum was right, so it was written wrong.
    """
    payload = current_payload(frame)
    try:
        if frame.kind == Kind.COMMANDS:
            return core.apply_batch(np.frombuffer(payload, COMMAND))
        if frame.kind == Kind.CURVE:
            # A core refused a number that means nothing, and that refusal is an event: it refuses it again.
            curve = curve_from_record(np.frombuffer(payload, CURVE), as_it_stands=True)
            return event_records(core.apply(curve))
        if frame.kind == Kind.ASSET:
            core.add_asset(msgspec.json.decode(payload, type=Asset))
        elif frame.kind == Kind.LISTING:
            core.add_instrument(msgspec.json.decode(payload, type=Listing))
        elif frame.kind == Kind.PROTOCOL:
            return event_records(core.act_encoded(payload)[1])
        else:
            raise CorruptionError(f"record {frame.record} has the unknown kind {frame.kind}")
    except (ValueError, msgspec.DecodeError) as error:
        raise CorruptionError(f"record {frame.record}: its payload cannot be read: {error}") from error
    return None
