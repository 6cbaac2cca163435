"""What a journal's files are made of, byte by byte. Little-endian throughout.

A journal is a directory of segments, each named by the number of its first record: a SEGMENT header, then frames, then
the zeros it was made of. A frame is a FRAME header and its payload, padded with zeros to ALIGN_BYTES. One frame carries
what one call journaled: a batch of commands is a single record.

FRAME (64 bytes)
    magic      u32  FRAME_MAGIC
    crc        u32  CRC-32C of what follows in the header, and of the payload
    previous   u32  crc of the frame before: frames are a chain, across segments too
    length     u32  bytes of the payload, without padding
    record     u64  number of this record; dense, the first is 1
    command    u64  number of the exchange's next command before the record
    position   u64  how many events the exchange had emitted before it
    now_ns     i64  the exchange's clock before it
    kind       u16  Kind
    schema     u16  version of the payload's layout
    count      u32  how many fixed-size records the payload holds, 1 for other payloads
    durable    u64  greatest record that a barrier covered when this one was written

`command`, `position` and `now_ns` let a replay see at once that it went another way. `durable` tells a hole among
records that nobody was told of from a hole in what was acknowledged (docs/decisions/0020).

SEGMENT (128 bytes)
    magic      8    SEGMENT_MAGIC
    crc        u32  CRC-32C of the rest of the header
    previous   u32  crc of the last frame before this segment; 0 in the first
    epoch      u64  greater than that of a writer that was fenced off
    first      u64  number of the segment's first record
    journal    16   identity of the journal, so that files of two are never mixed
    layouts    16   LAYOUTS_HASH of who wrote it
    size       u64  bytes of the file, which never change: a shorter one was truncated, by no crash
    reserved   56   zeros
"""

from __future__ import annotations

import struct
from enum import IntEnum
from hashlib import blake2b
from typing import Final

import google_crc32c
import msgspec

from parbook.layouts import COMMAND, CURVE, TERMS

ALIGN_BYTES: Final = 64
FRAME_MAGIC: Final = 0x52464250  # "PBFR"
FRAME_MAGIC_BYTES: Final = FRAME_MAGIC.to_bytes(4, "little")
SEGMENT_MAGIC: Final = b"PBJRNL01"
SEGMENT_BYTES: Final = 64 * 2**20
"""Size of a segment unless told otherwise."""
PAYLOAD_BYTES_MAX: Final = 2**26
"""No payload is longer: a length beyond it is damage."""

_FRAME: Final = struct.Struct("<IIIIQQQqHHIQ")
_CHECKED: Final = 8  # bytes of a frame's header that its checksum does not cover
_SEGMENT: Final = struct.Struct("<8sIIQQ16s16sQ56x")
FRAME_BYTES: Final = _FRAME.size
SEGMENT_HEADER_BYTES: Final = _SEGMENT.size


def _layouts_hash() -> bytes:
    text = repr([dtype.descr for dtype in (COMMAND, TERMS, CURVE)])
    return blake2b(text.encode(), digest_size=16).digest()


LAYOUTS_HASH: Final = _layouts_hash()
"""Changes with the layout of any fixed-size record, also when somebody forgot to count the schema up."""
KNOWN_LAYOUTS: Final = {
    bytes.fromhex("ab40466e31888797d50cd09db3dcc46c"): 1,
    bytes.fromhex("21246bff998d237793034b8a3cbc209f"): 2,
}
"""LAYOUTS_HASH -> the first schema whose records are laid out so: today's, and those that upgraders lead from.

A segment's head tells how its first writer laid records out. A newer one may have gone on in it: the schema of each
frame says what that frame holds, and is what keeps an older parbook from reading it."""


class Kind(IntEnum):
    """What a frame carries."""

    START = 1
    COMMANDS = 2
    CURVE = 3
    ASSET = 4
    LISTING = 5
    SEAL = 6
    PROTOCOL = 7


class Frame(msgspec.Struct, frozen=True):
    """One frame as it was read. `offset` and `end` are where it stands in its segment."""

    record: int
    command: int
    position: int
    now_ns: int
    kind: int
    schema: int
    count: int
    durable: int
    previous: int
    crc: int
    payload: bytes
    offset: int
    end: int


class SegmentHeader(msgspec.Struct, frozen=True):
    """The head of a segment."""

    previous: int
    epoch: int
    first: int
    journal: bytes
    layouts: bytes = LAYOUTS_HASH
    size: int = 0


def crc32c(data: bytes, crc: int = 0) -> int:
    """Return the CRC-32C (Castagnoli, RFC 3720) of `data`, going on from `crc`."""
    checksum: int = google_crc32c.extend(crc, data)
    return checksum


def frame_bytes(payload_bytes: int) -> int:
    """Return how many bytes a frame with such a payload takes."""
    return FRAME_BYTES + -(-payload_bytes // ALIGN_BYTES) * ALIGN_BYTES


def encode_frame(
    payload: bytes,
    *,
    previous: int,
    record: int,
    command: int,
    position: int,
    now_ns: int,
    kind: Kind,
    schema: int,
    count: int,
    durable: int,
) -> tuple[bytes, int]:
    """Return (the frame, padded; its checksum). O(payload)."""
    fields = (previous, len(payload), record, command, position, now_ns, kind, schema, count, durable)
    head = _FRAME.pack(FRAME_MAGIC, 0, *fields)
    crc = crc32c(payload, crc32c(head[_CHECKED:]))
    padding = bytes(-len(payload) % ALIGN_BYTES)
    return b"".join((_FRAME.pack(FRAME_MAGIC, crc, *fields), payload, padding)), crc


def read_frame(data: bytes, offset: int) -> Frame | None:
    """Return the frame that begins there, None unless it is whole and its checksum is right. O(payload)."""
    if offset + FRAME_BYTES > len(data):
        return None
    magic, crc, previous, length, *fields = _FRAME.unpack_from(data, offset)
    start = offset + FRAME_BYTES
    if magic != FRAME_MAGIC or length > PAYLOAD_BYTES_MAX or offset + frame_bytes(length) > len(data):
        return None
    payload = data[start : start + length]
    if crc32c(payload, crc32c(data[offset + _CHECKED : start])) != crc:
        return None
    record, command, position, now_ns, kind, schema, count, durable = fields
    end = offset + frame_bytes(length)
    if any(data[start + length : end]):
        return None
    return Frame(record, command, position, now_ns, kind, schema, count, durable, previous, crc, payload, offset, end)


def encode_segment(header: SegmentHeader) -> bytes:
    """Return a segment's head."""
    fields = (header.previous, header.epoch, header.first, header.journal, header.layouts, header.size)
    head = _SEGMENT.pack(SEGMENT_MAGIC, 0, *fields)
    return _SEGMENT.pack(SEGMENT_MAGIC, crc32c(head[12:]), *fields)


def read_segment(data: bytes) -> SegmentHeader | None:
    """Return a segment's head, None unless it is whole and its checksum is right."""
    if len(data) < SEGMENT_HEADER_BYTES:
        return None
    magic, crc, *fields = _SEGMENT.unpack_from(data)
    if magic != SEGMENT_MAGIC or crc32c(data[12:SEGMENT_HEADER_BYTES]) != crc:
        return None
    return SegmentHeader(*fields)
