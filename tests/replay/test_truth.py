"""Mode book on LOBSTER: the venue's own book after every message, one step at a time and cumulatively."""

import pytest

from parbook.errors import LogFormatError
from parbook.logs.lobster import LobsterLog
from parbook.replay.truth import after_change, verify_truth
from tests.support.replay_logs import BUY, SELL, write_lobster
from tests.support.shared import shared_path

SAMPLES = [
    ("AAPL_L10_999rows/AAPL_2012-06-21_34200000_57600000_{}_10.csv", 999, 10),
    ("MSFT_L50_1000rows/MSFT_2012-06-21_34200000_37800000_{}_50.csv.xz", 1000, 50),
]


def passed(verifier):
    return {check.name: (check.passed, check.total) for check in verifier.checks()}


@pytest.mark.parametrize(("name", "rows", "levels"), SAMPLES)
def test_real_books_are_right_at_every_level_after_every_message(name, rows, levels):
    paths = [shared_path("data", "lobster", name.format(part)) for part in ("message", "orderbook")]
    verifier = verify_truth(LobsterLog(*paths))
    compared, cells = rows - 1, (rows - 1) * 2 * levels
    assert passed(verifier) == {
        "one_step_rows": (compared, compared),
        "one_step_levels": (cells, cells),
        "cumulative_rows": (compared, compared),
        "cumulative_levels": (cells, cells),
    }
    assert verifier.findings.mismatches_total == 0


@pytest.mark.parametrize("seed", range(6))
def test_a_venue_that_hides_what_is_behind_the_window_verifies_wholly(tmp_path, seed):
    verifier = verify_truth(LobsterLog(*write_lobster(tmp_path, seed)))
    assert all(check.passed == check.total > 0 for check in verifier.checks())
    # The window did move: without revealed levels the rule would not have been tried.
    assert verifier.findings.counts["levels_revealed"] > 5
    assert verifier.findings.counts["references_known"] > 5


@pytest.mark.parametrize(
    ("row", "column", "side", "level"), [(150, 1, "SELL", 1), (200, 6, "BUY", 2), (399, 3, "BUY", 1)]
)
def test_a_flipped_cell_is_found_at_its_row_side_and_level(tmp_path, row, column, side, level):
    messages, books = write_lobster(tmp_path, rows=400)
    lines = books.read_text().splitlines()[:400]
    messages.write_text("".join(line + "\n" for line in messages.read_text().splitlines()[:400]))
    cells = lines[row].split(",")
    cells[column] = str(int(cells[column]) + 1)
    lines[row] = ",".join(cells)
    books.write_text("\n".join(lines) + "\n")
    verifier = verify_truth(LobsterLog(messages, books))
    checks = {check.name: check.failed for check in verifier.checks()}
    assert checks["cumulative_rows"] == 1
    # The row after starts from the wrong one, so that one step cannot be right there either.
    assert checks["one_step_rows"] == (1 if row == 399 else 2)
    first = next(item for item in verifier.findings.mismatches if item.check == "cumulative")
    assert (first.where, first.side, first.level) == (f"row {row}", side, level)
    assert first.expected != first.got


def test_a_message_of_another_size_breaks_every_row_from_there(tmp_path):
    messages, books = write_lobster(tmp_path, rows=300)
    lines = messages.read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if i > 100 and line.split(",")[1] == "1")
    cells = lines[at].split(",")
    cells[3] = str(int(cells[3]) + 1000)
    lines[at] = ",".join(cells)
    messages.write_text("\n".join(lines) + "\n")
    verifier = verify_truth(LobsterLog(messages, books))
    failed = {check.name: check.failed for check in verifier.checks()}
    assert failed["one_step_rows"] == 1
    assert failed["cumulative_rows"] >= 2
    assert verifier.findings.mismatches[0].where == f"row {at}"


def test_files_of_different_length_are_refused(tmp_path):
    messages, books = write_lobster(tmp_path)
    rows = books.read_text().splitlines()
    books.write_text("\n".join([*rows, rows[-1]]) + "\n")
    with pytest.raises(LogFormatError, match="has no message"):
        verify_truth(LobsterLog(messages, books))
    books.write_text("\n".join(rows[:-1]) + "\n")
    with pytest.raises(LogFormatError, match="has no book"):
        verify_truth(LobsterLog(messages, books))


def test_after_change_keeps_levels_sorted_and_refuses_what_is_not_there():
    bids = [(100, 5), (98, 7)]
    assert after_change(bids, BUY, 99, 3) == [(100, 5), (99, 3), (98, 7)]
    assert after_change(bids, BUY, 97, 3) == [(100, 5), (98, 7), (97, 3)]
    assert after_change(bids, BUY, 100, -5) == [(98, 7)]
    assert after_change(bids, BUY, 98, -6) == [(100, 5), (98, 1)]
    assert after_change(bids, BUY, 98, -8) is None
    assert after_change(bids, BUY, 99, -1) is None
    assert after_change(bids, BUY, 90, -1) is None
    assert after_change([(101, 2)], SELL, 100, 4) == [(100, 4), (101, 2)]
