"""LOBSTER message and order book files: real samples, exact times, and every kind of bad row."""

import gzip
import lzma

import numpy as np
import pytest

from parbook.errors import LogFormatError
from parbook.logs.lobster import BATCH_ROWS, NO_LEVEL, LobsterLog
from parbook.logs.records import LogKind
from tests.support.shared import shared_path

ROWS = [
    "34200.004241176,1,16113575,18,5853300,1",
    "34200.00426064,2,16113575,8,5853300,1",
    "34200.5,4,16113575,5,5853300,1",
    "34201,3,16113575,5,5853300,1",
    "34201.000000001,5,0,10,5853400,-1",
    "34201.000000001,6,-1,1000,5853400,-1",
    "34202.1,7,0,0,-1,-1",
    "34203.1,7,0,0,0,-1",
    "34204.123456789000,7,0,0,1,-1",
]
BOOKS = [f"5859400,200,{5853300 + i},18,{NO_LEVEL},0,{-NO_LEVEL},0" for i in range(len(ROWS))]


@pytest.fixture
def write(tmp_path):
    def put(rows, name="AAPL_2012-06-21_34200000_57600000_message_2.csv", pack=bytes):
        path = tmp_path / name
        path.write_bytes(pack("".join(f"{row}\n" for row in rows).encode()))
        return path

    return put


def read(*paths):
    return np.concatenate(list(LobsterLog(*paths)))


def read_all(*paths):
    log = LobsterLog(*paths)
    return list(log), list(log.truth) if len(paths) == 2 else None


def refusal(*paths):
    with pytest.raises(LogFormatError) as caught:
        read_all(*paths)
    assert caught.value.remedy
    return caught.value


def test_every_type(write):
    records = read(write(ROWS))
    kinds = [
        LogKind.ADD, LogKind.REDUCE, LogKind.EXECUTE, LogKind.DELETE, LogKind.HIDDEN_TRADE, LogKind.CROSS,
        LogKind.HALT, LogKind.OTHER, LogKind.RESUME,
    ]  # fmt: skip
    assert records["kind"].tolist() == kinds
    assert records["raw_type"].tobytes() == b"124356777"
    assert records["side"].tolist() == [0, 0, 0, 0, 1, 1, 0, 0, 0]
    assert records["printable"].tolist() == [0, 0, 1, 0, 1, 1, 0, 0, 0]
    assert records["order_id"].tolist() == [16113575] * 4 + [0] * 5
    assert records["qty_lots"].tolist() == [18, 8, 5, 5, 10, 1000, 0, 0, 0]
    assert records["price_ticks"].tolist() == [5853300] * 4 + [5853400] * 2 + [0] * 3
    assert records["place"].tolist() == list(range(9))
    assert not records["symbol"].any()


def test_times_are_exact_nanoseconds(write):
    assert read(write(ROWS))["ts_ns"].tolist() == [
        34_200_004_241_176,
        34_200_004_260_640,
        34_200_500_000_000,
        34_201_000_000_000,
        34_201_000_000_001,
        34_201_000_000_001,
        34_202_100_000_000,
        34_203_100_000_000,
        34_204_123_456_789,
    ]


def test_header_compression_line_ends_and_a_last_line_without_one(write, tmp_path):
    plain = read(write(ROWS))
    header = "Time,Type,Order ID,Size,Price,Direction"
    assert np.array_equal(read(write([header, *ROWS], "b.csv")), plain)
    assert np.array_equal(read(write(ROWS, "c.csv", gzip.compress)), plain)
    assert np.array_equal(read(write([header, *ROWS], "d.txt", lzma.compress)), plain)
    (tmp_path / "e.csv").write_bytes("\r\n".join(ROWS).encode())
    assert np.array_equal(read(tmp_path / "e.csv"), plain)


def test_batches_join_without_a_seam(write):
    rows = [f"34200.{i:09d},1,{i + 1},1,100,1" for i in range(BATCH_ROWS * 2 + 1)]
    log = LobsterLog(write(rows))
    arrays = list(log)
    assert [len(array) for array in arrays] == [BATCH_ROWS, BATCH_ROWS, 1]
    assert np.concatenate(arrays)["order_id"].tolist() == list(range(1, len(rows) + 1))
    assert log.progress[0] == log.progress[1] > 0


def test_instrument_and_symbol_come_from_the_name(write):
    log = LobsterLog(write(ROWS))
    assert log.symbols == ["AAPL"]
    assert log.instrument("AAPL").price_ticks("585.33") == 5_853_300
    assert log.instrument("AAPL").qty_lots("18") == 18
    with pytest.raises(LogFormatError, match="holds AAPL, not 'MSFT'"):
        log.instrument("MSFT")


GOOD = ROWS[0]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("34200.1,1,5,18,100", "5 columns; expected 6"),
        ("34200.1,1,5,18,100,1,9", "7 columns; expected 6"),
        ("garbage", "1 columns"),
        ("34200.1x,1,5,18,100,1", "time is '34200.1x'"),
        ("3.42e4,1,5,18,100,1", "time is"),
        ("-1.0,1,5,18,100,1", "time is"),
        (",1,5,18,100,1", "time is ''"),
        ("nan,1,5,18,100,1", "time is 'nan'"),
        ("34200.0000000001,1,5,18,100,1", "at most 9 decimals"),
        ("86400.0,1,5,18,100,1", "below 86400"),
        ("34200.1,one,5,18,100,1", "type is 'one'"),
        ("34200.1,1,5.0,18,100,1", "order id is '5.0'"),
        ("34200.1,1,5,,100,1", "size is ''"),
        ("34200.1,1,5,1_8,100,1", "size is '1_8'"),
        ("34200.1,1,5,18,0x64,1", "price is '0x64'"),
        ("34200.1,1,5,18,99999999999999999999999,1", "price is '9999"),
        ("34200.1,1,5,18,9223372036854775808,1", "price is '9223"),
        ("34200.1,0,5,18,100,1", "type is 0; expected 1 to 7"),
        ("34200.1,8,5,18,100,1", "type is 8; expected 1 to 7"),
        ("34200.1,1,5,-18,100,1", "size is -18; expected 1 or more"),
        ("34200.1,4,5,0,100,1", "size is 0; expected 1 or more"),
        ("34200.1,6,-1,-1,100,1", "size is -1; expected 0 or more"),
        ("34200.1,1,5,18,0,1", "price is 0; expected 1 or more"),
        ("34200.1,1,5,18,-100,1", "price is -100"),
        ("34200.1,1,-5,18,100,1", "order id is -5"),
        ("34200.1,1,-1,18,100,1", "order id is -1"),
        ("34200.1,1,5,18,100,0", "direction is 0; expected 1 (buy) or -1 (sell)"),
        ("34200.1,7,0,0,2,-1", "price is 2 in a halt row"),
        ("34200.000000001,1,5,18,100,1", "lies before the previous row's 34200004241176 ns"),
    ],
)
def test_bad_rows_are_named_with_file_and_line(write, row, reason):
    path = write([GOOD, row])
    error = refusal(path)
    assert error.where == f"{path}, line 2"
    assert reason in error.reason
    with_header = write(["Time,Type,OrderID,Size,Price,Direction", GOOD, row])
    assert refusal(with_header).where == f"{with_header}, line 3"


@pytest.mark.parametrize("row", ["garbage", "1,2", "x34200.1,1,5,18,100,1"])
def test_a_bad_first_row_is_refused_on_opening(write, row):
    with pytest.raises(LogFormatError, match=", line 1: "):
        LobsterLog(write([row, GOOD]))


def test_empty_lines_only_at_the_end(write):
    assert len(read(write([*ROWS, "", ""]))) == len(ROWS)
    path = write([GOOD, "", GOOD])
    assert refusal(path).where == f"{path}, line 2"


def test_a_file_of_a_header_alone_is_refused(write):
    assert "no row of data" in refusal(write(["Time,Type,Order ID,Size,Price,Direction"])).reason


def test_a_file_whose_line_ends_are_lost_is_refused_before_it_fills_memory(tmp_path):
    path = tmp_path / "AAPL.csv"
    path.write_bytes((ROWS[0] + ";").encode() * 100_000)
    assert "a line of more than" in refusal(path).reason


def test_truth_gives_the_book_after_every_message(write):
    log = LobsterLog(write(ROWS), write(BOOKS, "book.csv"))
    assert log.levels == 2
    books = list(log.truth)
    assert all(book.dtype == np.int64 and book.shape == (8,) for book in books)
    assert [book[2] for book in books] == [5853300 + i for i in range(len(ROWS))]
    assert books[0].tolist() == [5859400, 200, 5853300, 18, NO_LEVEL, 0, -NO_LEVEL, 0]
    header = ",".join(f"{side} {what} {level}" for level in "12" for side in ("Ask", "Bid") for what in "PS")
    headed = LobsterLog(write(ROWS), write([header, *BOOKS], "book.csv"))
    assert np.array_equal(list(headed.truth), books)


def test_truth_must_be_asked_for_and_must_match(write):
    with pytest.raises(LogFormatError, match="no order book file"):
        next(LobsterLog(write(ROWS)).truth)
    short = refusal(write(ROWS), write(BOOKS[:-2], "book.csv"))
    assert short.where.endswith(f"line {len(ROWS) - 1}")
    assert f"has only {len(ROWS) - 2} rows" in short.reason
    long = refusal(write(ROWS), write([*BOOKS, BOOKS[0]], "book.csv"))
    assert long.where.endswith(f"book.csv, line {len(ROWS) + 1}")
    assert f"has only {len(ROWS)} rows" in long.reason


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1,2,3,4,5,6,7", "7 columns; expected 8"),
        ("1,2,3,4,5,6,7,8,9,10,11,12", "12 columns; expected 8"),
        ("1,2,3,4,5,6,7,x", "column 8 is 'x'"),
        ("1,2,3,4,5,6.5,7,8", "column 6 is '6.5'"),
        ("1,2,3,-4,5,6,7,8", "column 4 is -4"),
    ],
)
def test_bad_book_rows_are_named_with_file_and_line(write, row, reason):
    books = write([BOOKS[0], row, *BOOKS[2:]], "book.csv")
    error = refusal(write(ROWS), books)
    assert error.where == f"{books}, line 2"
    assert reason in error.reason


def test_a_book_that_is_not_four_columns_a_level_is_refused_on_opening(write):
    with pytest.raises(LogFormatError, match="6 columns; expected a multiple of 4"):
        LobsterLog(write(ROWS), write(["1,2,3,4,5,6"], "book.csv"))


@pytest.mark.parametrize(
    ("folder", "stem", "levels", "suffix", "counts", "first_ns"),
    [
        ("AAPL_L10_999rows", "AAPL_2012-06-21_34200000_57600000_{}_10", 10, "csv",
         {1: 471, 3: 369, 4: 98, 5: 61}, 34_200_004_241_176),
        ("MSFT_L50_1000rows", "MSFT_2012-06-21_34200000_37800000_{}_50", 50, "csv.xz",
         {1: 449, 2: 1, 3: 435, 4: 110, 5: 5}, 35_999_954_513_652),
    ],
)  # fmt: skip
def test_real_samples(folder, stem, levels, suffix, counts, first_ns):
    messages, books = (
        shared_path("data", "lobster", folder, f"{stem.format(what)}.{suffix}") for what in ("message", "orderbook")
    )
    log = LobsterLog(messages, books)
    assert log.symbols == [folder[:4]]
    assert log.levels == levels
    records = np.concatenate(list(log))
    types, numbers = np.unique(records["raw_type"] - ord("0"), return_counts=True)
    assert dict(zip(types.tolist(), numbers.tolist(), strict=True)) == counts
    assert records["ts_ns"][0] == first_ns
    truth = np.array(list(log.truth))
    assert truth.shape == (len(records), 4 * levels)
    asks, bids = truth[:, 0], truth[:, 2]
    assert (bids < asks).all()
    # A new order inside the window stands in the book of its own row, at its own price.
    adds = records["kind"] == LogKind.ADD
    column = np.where(records["side"] == 0, 2, 0)
    best = truth[np.arange(len(truth)), column]
    inside = adds & (np.where(records["side"] == 0, records["price_ticks"] >= best, records["price_ticks"] <= best))
    assert inside.any()
    assert (records["price_ticks"][inside] == best[inside]).all()
