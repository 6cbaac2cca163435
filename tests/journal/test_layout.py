"""Frames and segment heads: what is written is read, and nothing else is taken for it."""

from __future__ import annotations

import pytest

from parbook.journal import layout
from parbook.journal.layout import Kind, SegmentHeader

FIELDS = {"previous": 7, "record": 3, "command": 9, "position": 11, "now_ns": 13, "schema": 1, "count": 2, "durable": 2}


def framed(payload=b"abc" * 40, kind=Kind.COMMANDS):
    return layout.encode_frame(payload, kind=kind, **FIELDS)


def test_the_checksum_is_crc32c():
    # RFC 3720, appendix B.4: 32 bytes of zeros, of ones, and rising; and the check value of the CRC catalogue.
    assert layout.crc32c(bytes(32)) == 0x8A9136AA
    assert layout.crc32c(b"\xff" * 32) == 0x62A8AB43
    assert layout.crc32c(bytes(range(32))) == 0x46DD794E
    assert layout.crc32c(b"123456789") == 0xE3069283


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 128, 4000])
def test_a_frame_is_read_as_it_was_written(size):
    payload = bytes(range(256)) * 16
    data, crc = framed(payload[:size])
    frame = layout.read_frame(b"\0" * 64 + data + b"\0" * 64, 64)
    assert len(data) % layout.ALIGN_BYTES == 0
    assert len(data) == layout.frame_bytes(size)
    assert (frame.payload, frame.crc, frame.kind) == (payload[:size], crc, Kind.COMMANDS)
    assert {name: getattr(frame, name) for name in FIELDS} == FIELDS
    assert (frame.offset, frame.end) == (64, 64 + len(data))


def test_every_flipped_bit_of_a_frame_is_seen():
    data, _ = framed(b"abc" * 9)
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        assert layout.read_frame(bytes(flipped), 0) is None, f"bit {bit}"


def test_a_frame_cut_off_anywhere_is_none():
    data, _ = framed()
    assert all(layout.read_frame(data[:size], 0) is None for size in range(len(data)))


def test_every_flipped_bit_of_a_head_is_seen():
    head = layout.encode_segment(SegmentHeader(previous=1, epoch=2, first=3, journal=b"j" * 16))
    assert len(head) == layout.SEGMENT_HEADER_BYTES
    assert layout.read_segment(head).first == 3
    for bit in range(len(head) * 8):
        flipped = bytearray(head)
        flipped[bit // 8] ^= 1 << bit % 8
        assert layout.read_segment(bytes(flipped)) is None, f"bit {bit}"


def test_a_length_beyond_all_payloads_is_damage():
    data = bytearray(framed()[0])
    data[12:16] = (layout.PAYLOAD_BYTES_MAX + 1).to_bytes(4, "little")
    assert layout.read_frame(bytes(data) + bytes(2**20), 0) is None
