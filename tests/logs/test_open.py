"""open_log: the format is recognised by content, and what is no log is refused in plain words."""

import gzip
import lzma
import os

import pytest

from parbook.errors import LogFormatError
from parbook.logs.generate import write_itch, write_native
from parbook.logs.itch import ItchLog
from parbook.logs.lobster import LobsterLog
from parbook.logs.native import NativeLog
from parbook.logs.open import open_log

LOBSTER = b"34200.1,1,5,18,100,1\n34200.2,3,5,18,100,1\n"
HEADED = b"Time,Type,Order ID,Size,Price,Direction\n" + LOBSTER


def refusal(path, **options):
    with pytest.raises(LogFormatError) as caught:
        open_log(path, **options)
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress], ids=["plain", "gzip", "xz"])
def test_formats_are_recognised_whatever_the_name(tmp_path, pack):
    write_itch(tmp_path / "itch", 1, 20)
    write_native(tmp_path / "native", 1, 20)
    (tmp_path / "lobster").write_bytes(LOBSTER)
    (tmp_path / "headed").write_bytes(HEADED)
    (tmp_path / "zero").write_bytes(b"\0\0S" + bytes(10) + b"O")
    for name, kind in {
        "itch": ItchLog, "native": NativeLog, "lobster": LobsterLog, "headed": LobsterLog, "zero": ItchLog,
    }.items():  # fmt: skip
        misleading = tmp_path / f"{name}.csv.itch"
        misleading.write_bytes(pack((tmp_path / name).read_bytes()))
        log = open_log(misleading)
        assert type(log) is kind
        assert sum(map(len, log)) > 0


def test_symbol_and_truth_reach_the_reader(tmp_path):
    write_itch(tmp_path / "itch", 1, 20, "PAR")
    assert open_log(tmp_path / "itch", symbol="PAR").symbols == ["PAR"]
    assert "Available: PAR" in refusal(tmp_path / "itch", symbol="PAT").remedy
    write_native(tmp_path / "native", 1, 20, "PAR")
    assert open_log(str(tmp_path / "native"), symbol="PAR").symbols == ["PAR"]
    assert "holds PAR, not 'X'" in refusal(tmp_path / "native", symbol="X").reason
    (tmp_path / "PAR_message.csv").write_bytes(LOBSTER)
    (tmp_path / "PAR_orderbook.csv").write_bytes(b"110,1,100,18\n110,1,90,5\n")
    log = open_log(tmp_path / "PAR_message.csv", symbol="PAR", truth=tmp_path / "PAR_orderbook.csv")
    assert [book.tolist() for book in log.truth] == [[110, 1, 100, 18], [110, 1, 90, 5]]
    assert "holds PAR" in refusal(tmp_path / "PAR_message.csv", symbol="X").reason
    for name in ("itch", "native"):
        assert "no LOBSTER message file" in refusal(tmp_path / name, truth=tmp_path / "PAR_orderbook.csv").reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (gzip.compress(b""), "decompresses to nothing"),
        (b"PARBKLO", "no known log format"),
        (b"MZ\x90\x00", "no known log format"),
        (b"<html>\n", "no known log format"),
        (b"a,b,c\n1,2,3\n", "no known log format"),
        (gzip.compress(b"x" * 10_000)[:20], "compressed data"),
    ],
    ids=["empty", "empty gzip", "cut magic", "binary", "html", "other csv", "cut gzip"],
)
def test_what_is_no_log_is_refused(tmp_path, data, reason):
    path = tmp_path / "file"
    path.write_bytes(data)
    error = refusal(path)
    assert reason in error.reason
    assert str(path) in error.where


def test_missing_directory_and_unreadable(tmp_path):
    assert "No such file" in refusal(tmp_path / "absent").reason
    assert "it is a directory" in refusal(tmp_path).reason
    path = tmp_path / "secret"
    path.write_bytes(LOBSTER)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    assert "Permission denied" in refusal(path).reason
