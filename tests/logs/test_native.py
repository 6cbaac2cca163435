"""parbook's own log: round trip, truncation and a flip at every byte, and what the writer refuses."""

import gzip
import struct
import zlib
from decimal import Decimal

import msgspec
import numpy as np
import pytest

from parbook.codes import AnchorMove, CommandKind, CurveResale, CurveShape, Side
from parbook.errors import LogFormatError, MisuseError
from parbook.instrument import Instrument
from parbook.logs import native
from parbook.logs.generate import generate, write_native
from parbook.logs.native import MAGIC, NativeLog, NativeWriter
from parbook.messages import Advance, CancelOrder, CurveParams, NewOrder, ProposeAnchor, SetCurve
from parbook.records import COMMAND, command_records

INSTRUMENT = Instrument(symbol="SME-A/USDx", tick=Decimal("0.0001"), lot=Decimal("0.5"), collar_ppm=1234)
CURVE = SetCurve(
    params=CurveParams(
        shape=CurveShape.LINEAR, base_depth_lots=5, quote_depth_lots=7, budget_notional=2**62, spread_ppm=25,
        min_net_lots=-4, drop_ppm=300, anchor_move=AnchorMove.LIFT,
    ),
    ts_ns=99,
)  # fmt: skip
COMMANDS = command_records(
    [
        NewOrder(account=7, side=Side.SELL, qty_lots=2**38 - 1, price_ticks=2**62 - 1, client_id=2**64 - 1, ts_ns=1),
        ProposeAnchor(low_ticks=9_990, high_ticks=10_010, ts_ns=2),
        CancelOrder(account=2**32 - 1, order_id=2**64 - 1, ts_ns=2**63 - 1),
        Advance(ts_ns=2**63 - 1),
    ]
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "orders.parbook"
    with NativeWriter(path, INSTRUMENT, CURVE, "by hand, seed 0") as writer:
        writer.write(COMMANDS[:1])
        writer.write(COMMANDS[1:])
    return path


def read(path):
    return np.concatenate([np.empty(0, COMMAND), *NativeLog(path)])


def refusal(path):
    with pytest.raises(LogFormatError) as caught:
        read(path)
    assert str(path) in caught.value.where
    assert caught.value.reason
    assert caught.value.remedy
    return caught.value


def test_round_trip(path):
    log = NativeLog(path)
    assert log.instrument() == log.instrument("SME-A/USDx") == INSTRUMENT
    assert log.symbols == ["SME-A/USDx"]
    assert log.curve == CURVE
    assert log.provenance == "by hand, seed 0"
    assert log.progress == (0, path.stat().st_size)
    assert np.array_equal(read(path), COMMANDS)
    list(log)
    assert log.progress == (path.stat().st_size, path.stat().st_size)
    with pytest.raises(LogFormatError, match="holds SME-A/USDx, not 'X'"):
        log.instrument("X")


def test_the_bytes_are_as_documented(path):
    data = path.read_bytes()
    magic, version, record_size, length = struct.unpack_from("<8sHHI", data)
    assert (magic, version, record_size) == (b"PARBKLOG", 1, 64)
    metadata = msgspec.msgpack.decode(data[16 : 16 + length])
    assert set(metadata) == {"instrument", "curve", "provenance"}
    assert metadata["instrument"]["tick"] == "0.0001"
    assert data[16 + length : -16] == COMMANDS.tobytes()
    assert struct.unpack("<Q4s", data[-16:-4]) == (4, b"PEND")
    assert int.from_bytes(data[-4:], "little") == zlib.crc32(data[:-4])


def test_what_an_older_reader_would_pass_over_has_another_version(tmp_path, path):
    params = msgspec.structs.replace(CURVE.params, resale=CurveResale.ABOVE_HIGH)
    with NativeWriter(tmp_path / "new", INSTRUMENT, SetCurve(params=params)) as writer:
        writer.write(COMMANDS)
    assert (tmp_path / "new").read_bytes()[8:10] == b"\2\0"
    assert path.read_bytes()[8:10] == b"\1\0"
    log = NativeLog(tmp_path / "new")
    assert log.curve is not None
    assert log.curve.params == params
    assert np.array_equal(read(tmp_path / "new"), COMMANDS)


def test_an_empty_log_and_a_gzipped_one(tmp_path, path):
    with NativeWriter(tmp_path / "empty", INSTRUMENT):
        pass
    log = NativeLog(tmp_path / "empty")
    assert list(log) == []
    assert (log.curve, log.provenance) == (None, "")
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert np.array_equal(read(packed), COMMANDS)


def test_long_logs_stream_in_blocks(tmp_path, monkeypatch):
    path = tmp_path / "long"
    assert write_native(path, 5, 1_000) == 1_000
    expected = np.concatenate(list(generate(5, 1_000)))
    for block_bytes in (1, 63, 64, 65, 80, 1_000):
        monkeypatch.setattr(native, "BLOCK_BYTES", block_bytes)
        log = NativeLog(path)
        arrays = list(log)
        assert len(arrays) > 1
        assert np.array_equal(np.concatenate(arrays), expected)


def test_truncation_at_every_byte_is_refused(path):
    data = path.read_bytes()
    for cut in range(len(data)):
        path.write_bytes(data[:cut])
        refusal(path)


def test_a_flip_of_every_bit_is_refused(path):
    data = path.read_bytes()
    for at in range(len(data)):
        for bit in range(8):
            bad = bytearray(data)
            bad[at] ^= 1 << bit
            path.write_bytes(bad)
            refusal(path)


def test_bytes_added_behind_the_trailer_are_refused(path):
    data = path.read_bytes()
    for extra in (1, 16, 64, 80):
        path.write_bytes(data + bytes(extra))
        refusal(path)


def sealed(data):
    """Return `data` up to its trailer's checksum, with the checksum that it then must have."""
    return data + zlib.crc32(data).to_bytes(4, "little")


@pytest.mark.parametrize(
    ("at", "value", "where", "reason"),
    [
        (0, b"X", "byte 0", "expected b'PARBKLOG'"),
        (8, b"\x03\x00", "byte 8", "format version 3; expected 1 or 2"),
        (10, b"\x41\x00", "byte 10", "record size 65; expected 64"),
        (12, b"\xff\xff\xff\xff", "byte 12", "at most 1048576"),
        (12, b"\xff\xff\x00\x00", "", "the metadata end after"),
        (16, b"\xc1", "byte 16", "metadata are not"),
    ],
)
def test_each_header_field_has_its_own_words(path, at, value, where, reason):
    data = bytearray(path.read_bytes()[:-4])
    data[at : at + len(value)] = value
    path.write_bytes(sealed(bytes(data)))
    error = refusal(path)
    assert where in error.where
    assert reason in error.reason


@pytest.mark.parametrize("kind", [0, CommandKind.SET_CURVE, max(CommandKind) + 1, 255])
def test_an_unknown_record_kind_is_refused_even_with_a_good_checksum(path, kind):
    data = bytearray(path.read_bytes()[:-4])
    data[-12 - 2 * 64] = kind
    path.write_bytes(sealed(bytes(data)))
    error = refusal(path)
    assert "record 3" in error.where
    assert f"kind {kind} is no command" in error.reason


def test_a_wrong_count_is_refused_even_with_a_good_checksum(path):
    data = bytearray(path.read_bytes()[:-4])
    data[-12] = 5
    path.write_bytes(sealed(bytes(data)))
    error = refusal(path)
    assert "states 5 records; found 4" in error.reason
    assert error.where.endswith(f"byte {len(data) - 12}")


def test_wrong_metadata_are_refused_even_with_a_good_checksum(path):
    for metadata in (
        {"instrument": {"symbol": ""}},
        {"instrument": {"symbol": "A", "tick": "0"}},
        {"instrument": {"symbol": "A", "tick": "nan"}},
        {"instrument": {"symbol": "A", "collar_ppm": -1}},
        {"instrument": {"symbol": "A"}, "curve": b"short"},
        {"instrument": {"symbol": "A"}, "curve": bytes(112)},
        {"instrument": {"symbol": "A"}, "surprise": 1},
        {"provenance": "no instrument"},
        [1, 2],
    ):
        packed = msgspec.msgpack.encode(metadata)
        head = struct.pack("<8sHHI", MAGIC, 1, 64, len(packed))
        path.write_bytes(sealed(head + packed + struct.pack("<Q4s", 0, b"PEND")))
        refusal(path)


def test_a_writer_that_was_interrupted_leaves_no_whole_log(tmp_path):
    path = tmp_path / "partial"

    def interrupted():
        with NativeWriter(path, INSTRUMENT) as writer:
            writer.write(COMMANDS)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert "without its trailer" in refusal(path).reason


def test_the_writer_refuses_what_it_could_not_read_back(tmp_path):
    wrong = COMMANDS.copy()
    wrong["kind"][0] = CommandKind.SET_CURVE
    with NativeWriter(tmp_path / "log", INSTRUMENT) as writer:
        for records in (wrong, np.zeros(3, np.int64), COMMANDS.reshape(2, 2)):
            with pytest.raises(MisuseError):
                writer.write(records)
    assert list(NativeLog(tmp_path / "log")) == []
    with pytest.raises(MisuseError, match="metadata"):
        NativeWriter(tmp_path / "huge", INSTRUMENT, provenance="x" * 2**20)


@pytest.mark.parametrize("records_in_a_block", [1, 2, 3])
def test_an_order_and_its_terms_come_in_one_array(path, monkeypatch, records_in_a_block):
    special = NewOrder(account=1, side=Side.BUY, qty_lots=9, price_ticks=5, display_lots=2)
    commands = command_records([special, special, Advance(ts_ns=1), special])
    with NativeWriter(path, INSTRUMENT, None, "by hand") as log:
        log.write(commands)
    monkeypatch.setattr(native, "BLOCK_BYTES", 64 * records_in_a_block)
    arrays = list(NativeLog(path))
    assert np.concatenate(arrays).tobytes() == commands.tobytes()
    assert len(arrays) > 1
    for array in arrays:
        assert array["kind"][-1] != CommandKind.NEW_SPECIAL
        assert array["kind"][0] != CommandKind.TERMS
