"""ITCH files: framing, compression, blocks, truncation, symbols, real samples and mutated bytes."""

import gzip
import lzma
import random
from collections import Counter

import numpy as np
import pytest

from parbook.errors import LogFormatError
from parbook.logs.generate import write_itch
from parbook.logs.itch import ItchLog
from parbook.logs.itch_encode import END_OF_SESSION, LENGTHS, MESSAGES, PREFIX_BYTES, encode
from parbook.logs.records import LOG
from tests.logs.test_itch_messages import message
from tests.support.log_book import LogBook
from tests.support.shared import shared_path

EVERY_TYPE = [encode("S", event="O"), message("R"), *(message(kind) for kind in MESSAGES), message("S", event="C")]


@pytest.fixture
def write(tmp_path):
    def put(data, name="log.itch"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return put


def all_records(log):
    arrays = list(log)
    assert all(len(array) for array in arrays)
    return np.concatenate(arrays) if arrays else np.empty(0, LOG)


def zeroed(parts):
    return b"".join(bytes(PREFIX_BYTES) + part[PREFIX_BYTES:] for part in parts)


def refusal(path, symbol=None, **options):
    with pytest.raises(LogFormatError) as caught:
        all_records(ItchLog(path, symbol, **options))
    assert str(path) in caught.value.where
    assert caught.value.remedy
    return caught.value


def test_places_are_byte_offsets(write):
    records = all_records(ItchLog(write(b"".join(EVERY_TYPE))))
    offsets = np.cumsum([0, *map(len, EVERY_TYPE)])
    assert records["place"].tolist() == offsets[:-1].tolist()
    assert records["raw_type"].tobytes() == b"SR" + "".join(MESSAGES).encode() + b"S"


def test_compression_is_recognised_by_content(write):
    data = b"".join(EVERY_TYPE)
    plain = all_records(ItchLog(write(data, "a.gz")))
    for packed in (gzip.compress(data), gzip.compress(data[:40]) + gzip.compress(data[40:]), lzma.compress(data)):
        log = ItchLog(write(packed, "b.bin"))
        assert np.array_equal(all_records(log), plain)
        assert log.progress == (len(packed), len(packed))


def test_block_boundaries_do_not_matter(write):
    path = write(b"".join(EVERY_TYPE))
    whole = all_records(ItchLog(path))
    mine = whole[~np.isin(whole["raw_type"], [ord(kind) for kind in "SVW"])]
    for block_bytes in range(1, 65):
        assert np.array_equal(all_records(ItchLog(path, block_bytes=block_bytes)), whole)
        assert np.array_equal(all_records(ItchLog(path, "PAR", block_bytes=block_bytes)), mine)


def test_zero_prefixes_fall_back_to_the_length_of_the_type(write):
    log = ItchLog(write(zeroed(EVERY_TYPE)))
    assert np.array_equal(all_records(log), all_records(ItchLog(write(b"".join(EVERY_TYPE), "b"))))
    assert any("zero" in note for note in log.notes)
    mixed = zeroed(EVERY_TYPE[:3]) + EVERY_TYPE[3]
    error = refusal(write(mixed))
    assert "expected 0" in error.reason
    assert "message 4" in error.where


def test_a_zero_length_may_close_the_file_and_only_close_it(write):
    data = b"".join(EVERY_TYPE)
    whole = all_records(ItchLog(write(data)))
    for block_bytes in (1, 7, len(data), len(data) + 1, len(data) + 2, 1 << 20):
        log = ItchLog(write(data + END_OF_SESSION, "b"), block_bytes=block_bytes)
        assert np.array_equal(all_records(log), whole)
    for block_bytes in (1, len(data), len(data) + 2, 1 << 20):
        error = refusal(write(data + END_OF_SESSION + EVERY_TYPE[0]), block_bytes=block_bytes)
        assert f"byte {len(data)}, message {len(EVERY_TYPE) + 1}" in error.where
        assert "ends a file" in error.reason


@pytest.mark.parametrize("framing", ["prefixed", "zero"])
def test_truncation_anywhere_inside_a_message_is_named(write, framing):
    data = b"".join(EVERY_TYPE) if framing == "prefixed" else zeroed(EVERY_TYPE)
    ends = set(np.cumsum([len(part) for part in EVERY_TYPE]).tolist())
    for cut in range(1, len(data)):
        path = write(data[:cut])
        if cut in ends:
            log = ItchLog(path)
            all_records(log)
            # At a boundary only the missing end-of-day event can tell.
            cut_before_end = data[:cut][-12:-11] != b"S"
            assert any("excerpt" in note for note in log.notes) == cut_before_end
            continue
        error = refusal(path)
        start = max((end for end in ends if end < cut), default=0)
        assert f"byte {start}," in error.where
        assert f"after {cut - start} bytes" in error.reason
        assert "cut off" in error.remedy


def test_truncated_or_damaged_compression_is_named(write):
    for pack in (gzip.compress, lzma.compress):
        packed = pack(b"".join(EVERY_TYPE))
        for cut in range(7, len(packed) - 1, 5):
            assert "compressed data" in refusal(write(packed[:cut])).reason
    flipped = bytearray(gzip.compress(b"".join(EVERY_TYPE)))
    flipped[-6] ^= 1
    error = refusal(write(bytes(flipped)), block_bytes=100)
    assert "compressed data" in error.reason
    assert f"byte {sum(map(len, EVERY_TYPE)) // 100 * 100} or later" in error.where


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (gzip.compress(b""), "holds no message"),
        (b"\x00", "ends after 1 bytes"),
        (b"\x00\x00", "ends after 2 bytes"),
        (b"hello, world", "unknown message type"),
        (b"\x00\x0bS" + bytes(11), "expected 12"),
    ],
)
def test_files_that_are_no_itch(write, data, reason):
    assert reason in refusal(write(data)).reason


def test_an_error_names_message_offset_value_expectation(write):
    good = b"".join(EVERY_TYPE)
    bad = message("A", side="X", shares=0)
    error = refusal(write(good + bad))
    assert f"byte {len(good)}, message {len(EVERY_TYPE) + 1}" in error.where
    assert "side=b'X'" in error.reason
    assert "B or S" in error.reason
    records = iter(ItchLog(write(good + bad)))
    assert len(next(records)) == len(EVERY_TYPE)
    with pytest.raises(LogFormatError):
        next(records)


def two_symbols():
    parts = [encode("S", event="O"), encode("R", locate=4, stock="AAA"), encode("R", locate=9, stock="AAB")]
    for i in range(200):
        locate, stock = ((4, "AAA"), (9, "AAB"))[i % 3 == 0]
        parts.append(encode("A", locate=locate, ts_ns=i, order_id=i, side="B", shares=1, stock=stock, price=5))
        parts.append(encode("D", locate=locate, ts_ns=i, order_id=i))
    return [*parts, encode("S", ts_ns=300, event="C")]


def test_a_symbol_is_filtered_by_locate(write):
    path = write(b"".join(two_symbols()))
    everything = all_records(ItchLog(path))
    for index, symbol in enumerate(("AAA", "AAB")):
        log = ItchLog(path, symbol)
        assert log.symbols == [symbol]
        mine = everything[(everything["symbol"] == index) & (everything["raw_type"] != ord("S"))].copy()
        mine["symbol"] = 0
        assert np.array_equal(all_records(log), mine)
        assert np.array_equal(all_records(log), mine), "a second pass reads the same"
        assert log.instrument(symbol).price_ticks("1.0001") == 10_001


def test_an_unknown_symbol_names_those_there_are(write):
    path = write(b"".join(two_symbols()))
    error = refusal(path, "AAC")
    assert "'AAC'" in error.reason
    assert "AAB" in error.remedy
    assert "AAA" in error.remedy
    assert "AAA" in refusal(path, "zzzzz").remedy
    with pytest.raises(LogFormatError, match="no message names"):
        ItchLog(path).instrument("AAC")


def test_damage_in_another_symbols_messages_is_still_found(write):
    parts = two_symbols()
    parts[50] = b"\x00\x01" + parts[50][2:]
    assert "message 51" in refusal(write(b"".join(parts)), "AAB" if parts[50][4] == 4 else "AAA").where


def test_mutated_files_never_crash_and_never_skip(write, tmp_path):
    source = tmp_path / "base.itch"
    write_itch(source, 3, 60)
    base = source.read_bytes()
    rng = random.Random(20_240_229)
    outcomes = Counter()
    for _ in range(4_000):
        data = bytearray(base)
        for _ in range(rng.choice((1, 1, 2, 8))):
            at = rng.randrange(len(data))
            action = rng.randrange(4)
            if action == 0:
                data[at] ^= 1 << rng.randrange(8)
            elif action == 1:
                data[at] = rng.randrange(256)
            elif action == 2:
                del data[at : at + rng.randrange(1, 9)]
            else:
                data[at:at] = rng.randbytes(rng.randrange(1, 9))
        outcomes[mutant_outcome(write(bytes(data)), bytes(data))] += 1
    assert min(outcomes["refused"], outcomes["read"]) > 100, outcomes


def mutant_outcome(path, data):
    """Every byte belongs to a yielded record, or the error names where the first one that does not stands."""
    end = 0
    fault = None
    try:
        for records in ItchLog(path):
            for place in records["place"].tolist():
                assert place == end
                end += PREFIX_BYTES + LENGTHS[chr(data[end + PREFIX_BYTES])]
    except LogFormatError as error:
        fault = error
    if fault is None:
        assert end == len(data) or data[end:] == END_OF_SESSION
        return "read"
    assert f"byte {end}," in fault.where
    return "refused"


def test_real_aapl_sample():
    path = shared_path("data", "itch", "AAPL_20200130_first2000.bin")
    log = ItchLog(path)
    records = all_records(log)
    counts = Counter(map(chr, records["raw_type"].tolist()))
    assert counts == {"A": 984, "D": 808, "E": 136, "L": 52, "P": 17, "R": 1, "H": 1, "Y": 1}
    assert log.symbols == ["AAPL"]
    book = LogBook()
    for record in records:
        book.feed(record)
        book.assert_uncrossed()
    assert book.executions == 136
    assert np.array_equal(all_records(ItchLog(path, "AAPL")), records)


def test_real_sample_with_zero_prefixes():
    log = ItchLog(shared_path("data", "itch", "ex20101224.TEST_ITCH_50.gz"))
    records = all_records(log)
    counts = Counter(map(chr, records["raw_type"].tolist()))
    assert len(records) == 12_012
    assert counts == {
        "P": 5000, "A": 4997, "D": 1745, "E": 198, "X": 45, "U": 12, "S": 6, "R": 3, "H": 3, "F": 3,
    }  # fmt: skip
    assert log.symbols == ["ALC", "BOB", "CHAR"]
    assert [note for note in log.notes if "zero" in note] == log.notes
    per_symbol = [len(all_records(ItchLog(log.path, symbol))) for symbol in log.symbols]
    assert sum(per_symbol) == 12_012 - counts["S"]
