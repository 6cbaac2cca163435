"""What the peers are given is what parbook is given. The peers themselves are not installed here."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace

import numpy as np
import pytest

from bench import bars, itch, itchday
from bench.measure import QUICK
from bench.peers import itch_book, lightmatchingengine, nautilus, table
from bench.peers import steps as given
from parbook._itchbook import BookBuilder
from parbook.codes import Side


def test_the_steps_are_accepted_one_by_one_and_in_a_batch():
    steps = given.steps("touch", 3_000)
    outcome = given.parbook_outcome(steps)
    assert len(outcome.trades) > 10
    assert {bool(step.lots) for step in steps} == {True, False}
    assert given.parbook_run(steps)() is None
    assert sum(outcome.levels.values()) > 0


def test_changes_rebuild_the_book_they_come_from():
    records = given.log(4_000)
    builder = BookBuilder()
    builder.feed(records)
    book = {}
    kinds = set()
    for change, order_id, side, price, lots in given.changes(records):
        kinds.add(change)
        if change == given.Change.DELETE:
            del book[order_id]
        else:
            assert (order_id in book) == (change == given.Change.UPDATE)
            book[order_id] = (side, price, lots)
    assert kinds == set(given.Change)
    assert len(book) == len(builder)
    for order_id, (side, price, lots) in book.items():
        assert builder.order(order_id) == (0, side, price, lots)


def test_a_peer_that_is_absent_or_broken_says_so():
    def absent():
        raise ModuleNotFoundError(name="lightmatchingengine")

    def broken():
        raise ModuleNotFoundError(name="cStringIO")

    said = [table._row(measure, lightmatchingengine).verdict for measure in (absent, broken)]
    assert said == ["not judged: not installed", "not judged: does not import here: no module cStringIO"]


def test_every_peer_has_a_row():
    rows = table.peer_rows(QUICK)
    assert [row.bar for row in rows] == ["peers"] * 5
    for row in rows:
        assert row.verdict.startswith(bars.NOT_JUDGED)
        installed = importlib.util.find_spec(row.what.split()[0].replace("-", "_"))
        assert installed or "not installed" in row.verdict


@pytest.mark.parametrize("what", ["trades", "levels"])
def test_another_outcome_is_no_row(monkeypatch, what):
    steps = given.steps("touch", 400)
    outcome = given.parbook_outcome(steps)
    wrong = outcome._replace(**{what: type(getattr(outcome, what))()})
    assert wrong != outcome
    peer = SimpleNamespace(
        NAME="p", LICENCE="", FLOW="touch", MESSAGES=400, module=lambda: None, outcome=lambda *_: wrong
    )
    with pytest.raises(AssertionError, match="other trades"):
        table._matcher(QUICK, peer)


# --- ITCH ---------------------------------------------------------------------------------------


def test_the_market_wide_day_can_be_followed_wholly(tmp_path):
    path = tmp_path / "day.itch"
    written = itchday.write_day(path, 30, 5_000, 10_000)
    decoder, builder = itch.build(path.read_bytes())
    builder.check()
    assert decoder.messages == written == sum(list(builder.counts.values())[:6])
    assert not any(builder.counts[fault] for fault in itch._FAULTS)
    assert all(builder.counts[kind] > 100 for kind in ("adds", "deletes", "executions", "replaces", "reduces"))
    assert sum(builder.best(stock, Side.BUY) is not None for stock in range(30)) > 20


class _Session:
    """Stands in for itch-book's: counts and one stock's best level, as told."""

    def __init__(self, stats, price):
        self.answer, self.price = stats, price

    def __call__(self, **_):
        return self

    def feed(self, _):
        return None

    def stats(self):
        return self.answer

    def take_depth(self):
        columns = {
            f"{side}_{what}_{n:02}": [0] for side in ("bid", "ask") for what in ("px", "sz", "ct") for n in range(10)
        }
        columns |= {"bid_px_00": [self.price], "bid_sz_00": [5], "bid_ct_00": [1]}
        return {"locate": np.array([1]), **columns}


def test_another_book_of_itch_book_is_noticed(tmp_path):
    path = tmp_path / "one.itch"
    day = itchday._Day(1, 1)
    path.write_bytes(day.opening())
    decoder, builder = itch.build(path.read_bytes())
    builder.feed(np.array([(1, 0, 0, 0, 0, 0, 9, 0, 100, 5, 0, 0)], given.log(10).dtype))
    stats = {theirs: builder.counts[ours] for ours, theirs in itch_book._THEIRS.items() if theirs}
    stats |= {"messages": decoder.messages, "live_orders": 1}

    def verify(stats, price):
        peer = SimpleNamespace(Session=_Session(stats, price))
        return itch_book.verify(peer, path.read_bytes(), decoder, builder, 10**6)

    assert verify(stats, 100) == 1
    with pytest.raises(AssertionError, match="other levels"):
        verify(stats, 101)
    with pytest.raises(AssertionError, match="counts otherwise"):
        verify(stats | {"live_orders": 2}, 100)


def test_both_builders_of_the_replay_row_are_the_same():
    records = given.log(500)
    builder, fed = nautilus.parbook_run(records, 64)
    fed()
    assert builder.counts["adds"] > 100
