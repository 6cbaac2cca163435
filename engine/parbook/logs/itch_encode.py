"""Nasdaq TotalView-ITCH 5.0 as a table of fields, and messages packed by that table.

Every message starts with type@0, locate u16@1, tracking u16@3 and ts_ns u48@5 (nanoseconds since midnight);
the table lists what follows. Integers are big-endian, text is padded with spaces on the right, a Price(4) is
a u32 of 1/10,000 dollar, a Price(8) a u64 of 1/100,000,000. In a file, each message follows its length as a
big-endian u16. `parbook._itch` reads what this module writes.
"""

from __future__ import annotations

import struct
from enum import Enum
from typing import Final

import msgspec

from parbook.errors import MisuseError

HEADER_BYTES: Final = 11
PREFIX_BYTES: Final = 2
END_OF_SESSION: Final = b"\x00\x00"
"""The zero length that may close a file."""


class FieldForm(Enum):
    """How the bytes of a field are read."""

    INTEGER = "unsigned big-endian integer"
    TEXT = "ASCII, padded with spaces on the right"


class Field(msgspec.Struct, frozen=True):
    """`size` bytes from `offset` of the message, the type byte standing at 0."""

    name: str
    offset: int
    size: int
    form: FieldForm


_CODES: Final = {1: "B", 2: "H", 4: "I", 8: "Q"}


def _fields(text: str) -> tuple[Field, ...]:
    """Return the fields of `text`: name:size, with `u` before the size of an integer, from the header on."""
    out = []
    offset = HEADER_BYTES
    for item in text.split():
        name, _, size_text = item.partition(":")
        size = int(size_text.removeprefix("u"))
        out.append(Field(name, offset, size, FieldForm.INTEGER if size_text[0] == "u" else FieldForm.TEXT))
        offset += size
    return tuple(out)


MESSAGES: Final[dict[str, tuple[Field, ...]]] = {
    kind: _fields(text)
    for kind, text in {
        "S": "event:1",
        "R": "stock:8 category:1 status:1 round_lot:u4 round_lots_only:1 classification:1 subtype:2 authenticity:1"
        " short_sale:1 ipo:1 luld_tier:1 etp:1 etp_leverage:u4 inverse:1",
        "H": "stock:8 state:1 reserved:1 reason:4",
        "Y": "stock:8 action:1",
        "L": "mpid:4 stock:8 primary:1 mode:1 state:1",
        "V": "level1:u8 level2:u8 level3:u8",
        "W": "level:1",
        "K": "stock:8 release_s:u4 qualifier:1 price:u4",
        "J": "stock:8 reference:u4 upper:u4 lower:u4 extension:u4",
        "h": "stock:8 market:1 action:1",
        "A": "order_id:u8 side:1 shares:u4 stock:8 price:u4",
        "F": "order_id:u8 side:1 shares:u4 stock:8 price:u4 mpid:4",
        "E": "order_id:u8 shares:u4 match_id:u8",
        "C": "order_id:u8 shares:u4 match_id:u8 printable:1 price:u4",
        "X": "order_id:u8 shares:u4",
        "D": "order_id:u8",
        "U": "order_id:u8 new_order_id:u8 shares:u4 price:u4",
        "P": "order_id:u8 side:1 shares:u4 stock:8 price:u4 match_id:u8",
        "Q": "shares:u8 stock:8 price:u4 match_id:u8 cross:1",
        "B": "match_id:u8",
        "I": "paired:u8 imbalance:u8 direction:1 stock:8 far:u4 near:u4 reference:u4 cross:1 variation:1",
        "N": "stock:8 flag:1",
        "O": "stock:8 open:1 minimum:u4 maximum:u4 near:u4 near_time:u8 lower:u4 upper:u4",
    }.items()
}
"""type -> its fields behind the header."""

LENGTHS: Final[dict[str, int]] = {
    kind: HEADER_BYTES + sum(field.size for field in fields) for kind, fields in MESSAGES.items()
}
"""type -> bytes of the message, without the length prefix."""


def _layout(kind: str) -> struct.Struct:
    codes = (_CODES[f.size] if f.form is FieldForm.INTEGER else f"{f.size}s" for f in MESSAGES[kind])
    return struct.Struct(">HcHHHI" + "".join(codes))


FRAMES: Final[dict[str, struct.Struct]] = {kind: _layout(kind) for kind in MESSAGES}
"""type -> packer of length, type byte, locate, tracking, ts_ns >> 32, ts_ns & 0xFFFFFFFF, then the fields."""


def field_of(kind: str, name: str) -> Field:
    """Return the field `name` of message type `kind`; KeyError when there is none."""
    for field in MESSAGES[kind]:
        if field.name == name:
            return field
    raise KeyError(f"{kind}.{name}")


def encode(
    kind: str, /, *, locate: int = 0, tracking: int = 0, ts_ns: int = 0, prefix: bool = True, **values: int | str
) -> bytes:
    """Return one message of type `kind` behind its length (`prefix=False`: alone).

    Integers left out are 0, texts blank. No check beyond what fits the bytes: tests need wrong messages too.
    MisuseError for an unknown type or field, or a value that does not fit.
    """
    if kind not in MESSAGES:
        raise MisuseError(f"kind={kind!r} is no ITCH 5.0 message type. Known: {' '.join(MESSAGES)}.")
    packed: list[int | bytes] = []
    for field in MESSAGES[kind]:
        value = values.pop(field.name, 0 if field.form is FieldForm.INTEGER else "")
        if field.form is FieldForm.INTEGER:
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 8 * field.size:
                raise MisuseError(f"{kind}.{field.name}={value!r} does not fit {field.size} bytes.")
            packed.append(value)
        else:
            if not isinstance(value, str) or len(value) > field.size or not value.isascii():
                raise MisuseError(f"{kind}.{field.name}={value!r} is not ASCII text of at most {field.size} letters.")
            packed.append(value.encode("ascii").ljust(field.size))
    if values:
        raise MisuseError(f"{kind} has no field {sorted(values)}. Known: {[f.name for f in MESSAGES[kind]]}.")
    for name, number, bits in (("locate", locate, 16), ("tracking", tracking, 16), ("ts_ns", ts_ns, 48)):
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 1 << bits:
            raise MisuseError(f"{kind}.{name}={number!r} does not fit {bits} bits.")
    head = (LENGTHS[kind], kind.encode("ascii"), locate, tracking, ts_ns >> 32, ts_ns & 0xFFFFFFFF)
    framed = FRAMES[kind].pack(*head, *packed)
    return framed if prefix else framed[PREFIX_BYTES:]
