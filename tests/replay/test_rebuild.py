"""Mode book on ITCH: the rebuilt book believes nothing that breaks price-time priority."""

import pytest

from parbook.codes import Side
from parbook.errors import InvariantError
from parbook.logs.generate import write_itch
from parbook.logs.open import open_log
from parbook.replay.book import RebuiltBook
from parbook.replay.rebuild import rebuild
from parbook.replay.timeline import SAMPLES_MAX
from tests.support.replay_logs import BUY, SELL, FakeLog, log_records, with_executions_swapped
from tests.support.shared import shared_path

ADDS = (
    ("ADD", {"order_id": 1, "side": BUY, "price_ticks": 100, "qty_lots": 10}),
    ("ADD", {"order_id": 2, "side": BUY, "price_ticks": 100, "qty_lots": 20}),
    ("ADD", {"order_id": 3, "side": BUY, "price_ticks": 99, "qty_lots": 30}),
    ("ADD", {"order_id": 4, "side": SELL, "price_ticks": 102, "qty_lots": 40}),
)


def run(*rows):
    return rebuild(FakeLog(log_records(*ADDS, *rows)))


def failed(rebuilder):
    return {check.name: check.failed for check in rebuilder.checks() if check.failed}


def test_real_nasdaq_messages_verify_wholly():
    rebuilder = rebuild(open_log(shared_path("data", "itch", "AAPL_20200130_first2000.bin")))
    assert {check.name: (check.passed, check.total) for check in rebuilder.checks()} == {
        "front": (136, 136),
        "reference": (1928, 1928),
        "size": (136, 136),
        "uncrossed": (1928, 1928),
    }
    assert rebuilder.findings.mismatches_total == 0


def test_generated_itch_verifies_wholly(tmp_path):
    path = tmp_path / "a.itch"
    write_itch(path, 3, 5000)
    rebuilder = rebuild(open_log(path))
    assert failed(rebuilder) == {}
    assert rebuilder.findings.counts["executions"] > 400
    assert all(check.total for check in rebuilder.checks())
    assert len(rebuilder.timeline.samples) <= SAMPLES_MAX


def test_swapped_executions_are_reported_with_their_place(tmp_path):
    path = tmp_path / "a.itch"
    write_itch(path, 3, 5000)
    path.write_bytes(with_executions_swapped(path.read_bytes()))
    rebuilder = rebuild(open_log(path))
    assert failed(rebuilder)["front"] >= 1
    first = rebuilder.findings.mismatches[0]
    assert first.check == "front"
    assert first.where.startswith("byte ")
    assert "not first at the best price" in first.reason


@pytest.mark.parametrize(
    ("row", "check"),
    [
        (("EXECUTE", {"order_id": 2, "qty_lots": 5}), "front"),
        (("EXECUTE", {"order_id": 3, "qty_lots": 5}), "front"),
        (("EXECUTE", {"order_id": 9, "qty_lots": 5}), "reference"),
        (("DELETE", {"order_id": 9}), "reference"),
        (("EXECUTE", {"order_id": 1, "qty_lots": 11}), "size"),
        (("REDUCE", {"order_id": 1, "qty_lots": 11}), "size"),
        (("ADD", {"order_id": 1, "side": SELL, "price_ticks": 103, "qty_lots": 1}), "reference"),
        (("ADD", {"order_id": 5, "side": SELL, "price_ticks": 100, "qty_lots": 1}), "uncrossed"),
    ],
)
def test_each_planted_fault_fails_its_own_check(row, check):
    assert failed(run()) == {}
    rebuilder = run(row)
    assert failed(rebuilder) == {check: 1}
    assert rebuilder.findings.mismatches[0].check == check
    assert rebuilder.findings.mismatches[0].where == "byte 4"


def test_an_execution_at_the_front_passes_and_the_next_in_line_moves_up():
    rebuilder = run(
        ("EXECUTE", {"order_id": 1, "qty_lots": 10}),
        ("EXECUTE", {"order_id": 2, "qty_lots": 20}),
        ("EXECUTE", {"order_id": 3, "qty_lots": 1}),
    )
    assert failed(rebuilder) == {}
    assert rebuilder.books[0].levels(Side.BUY, 5) == [(99, 29)]


def test_a_print_at_another_price_is_counted_apart():
    rebuilder = run(("EXECUTE", {"order_id": 3, "qty_lots": 5, "price_ticks": 101}))
    assert failed(rebuilder) == {}
    assert rebuilder.findings.counts["executions_at_another_price"] == 1


def test_a_replaced_order_goes_to_the_back():
    replaced = ("REPLACE", {"order_id": 1, "new_order_id": 7, "price_ticks": 100, "qty_lots": 10})
    assert failed(run(replaced, ("EXECUTE", {"order_id": 2, "qty_lots": 1}))) == {}
    assert failed(run(replaced, ("EXECUTE", {"order_id": 7, "qty_lots": 1}))) == {"front": 1}


def test_a_halted_book_may_cross():
    crossing = ("ADD", {"order_id": 5, "side": SELL, "price_ticks": 99, "qty_lots": 1})
    gone = ("DELETE", {"order_id": 5})
    assert failed(run(("HALT", {}), crossing, gone, ("RESUME", {}))) == {}
    assert failed(run(("HALT", {}), ("RESUME", {}), crossing, gone)) == {"uncrossed": 1}


def test_symbols_have_books_of_their_own():
    other = ("ADD", {"order_id": 5, "side": SELL, "price_ticks": 50, "qty_lots": 1, "symbol": 1})
    assert failed(run(other)) == {}


def test_check_sees_a_broken_total():
    book = RebuiltBook()
    book.add(1, BUY, 100, 5)
    book.check()
    next(iter(book._sides[BUY].values())).lots = 6
    with pytest.raises(InvariantError, match="add up"):
        book.check()
