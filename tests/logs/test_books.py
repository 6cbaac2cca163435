"""Books built from LOG records: tables for the reference, then the compiled twin held to it on random streams."""

from __future__ import annotations

import random

import numpy as np
import pytest

from parbook._itchbook import BookBuilder as Compiled
from parbook.codes import Side
from parbook.errors import InvariantError, MisuseError
from parbook.logs.books import LOTS_MAX, PRICE_MAX, SYMBOLS_MAX, BuiltOrder
from parbook.logs.books import BookBuilder as Reference
from parbook.logs.generate import write_itch
from parbook.logs.open import open_log
from parbook.logs.records import LOG, LogKind
from parbook.replay.rebuild import Rebuilder
from tests.support.replay_logs import BUY, SELL, log_records
from tests.support.shared import shared_path

BOTH = pytest.mark.parametrize("builder", [Reference, Compiled], ids=["reference", "compiled"])


def add(order_id, side=BUY, price=100, lots=10, symbol=0):
    return "ADD", {"order_id": order_id, "side": side, "price_ticks": price, "qty_lots": lots, "symbol": symbol}


def named(kind, order_id, lots=0, symbol=0, **more):
    return kind, {"order_id": order_id, "qty_lots": lots, "symbol": symbol, **more}


def fed(builder, *rows):
    books = builder()
    books.feed(log_records(*rows))
    books.check()
    return books


def counted(books):
    return {name: number for name, number in books.counts.items() if number}


# --- what each message does ---------------------------------------------------------------------


@BOTH
def test_orders_queue_by_time_at_their_price(builder):
    books = fed(builder, add(7), add(5), add(6, price=101, lots=3), add(9, SELL, 103), add(8, SELL, 102, 4))
    assert books.levels(0, BUY, 9) == [(101, 3, 1), (100, 20, 2)]
    assert books.levels(0, SELL, 1) == [(102, 4, 1)]
    assert books.best(0, SELL) == (102, 4, 1)
    assert books.queue(0, BUY, 100) == [7, 5]
    assert books.order(6) == BuiltOrder(0, BUY, 101, 3)
    assert len(books) == 5
    assert counted(books) == {"adds": 5}


@BOTH
@pytest.mark.parametrize("kind", ["EXECUTE", "REDUCE"])
def test_lots_are_taken_and_the_place_is_kept(builder, kind):
    books = fed(builder, add(1), add(2), named(kind, 1, 4))
    assert books.queue(0, BUY, 100) == [1, 2]
    assert books.levels(0, BUY, 9) == [(100, 16, 2)]
    books.feed(log_records(named(kind, 1, 6)))
    assert books.queue(0, BUY, 100) == [2]
    assert books.order(1) is None


@BOTH
def test_an_execution_at_another_price_takes_from_where_the_order_rests(builder):
    books = fed(builder, add(1), named("EXECUTE", 1, 4, price_ticks=250, printable=1))
    assert books.levels(0, BUY, 9) == [(100, 6, 1)]


@BOTH
def test_a_deleted_order_takes_its_empty_level_along(builder):
    books = fed(builder, add(1), add(2, price=99), named("DELETE", 1))
    assert books.levels(0, BUY, 9) == [(99, 10, 1)]
    assert books.queue(0, BUY, 100) == []


@BOTH
def test_a_replaced_order_goes_to_the_back_on_its_own_side(builder):
    books = fed(
        builder, add(1, SELL), add(2, SELL), named("REPLACE", 1, 5, new_order_id=3, price_ticks=100),
        named("REPLACE", 2, 6, new_order_id=2, price_ticks=90),
    )  # fmt: skip
    assert books.levels(0, SELL, 9) == [(90, 6, 1), (100, 5, 1)]
    assert books.order(1) is None
    assert books.order(2) == BuiltOrder(0, SELL, 90, 6)
    assert counted(books) == {"adds": 2, "replaces": 2}


@BOTH
def test_symbols_have_books_of_their_own(builder):
    books = fed(builder, add(1, symbol=0), add(2, symbol=SYMBOLS_MAX - 1), add(3, symbol=300))
    assert [books.best(symbol, BUY) for symbol in (0, 300, SYMBOLS_MAX - 1)] == [(100, 10, 1)] * 3
    assert books.best(299, BUY) is None
    assert books.levels(5_000, SELL, 3) == []
    assert books.queue(7, SELL, 100) == []


# --- what cannot be followed --------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("kind", ["EXECUTE", "REDUCE", "DELETE", "REPLACE"])
@pytest.mark.parametrize(("order_id", "symbol"), [(2, 0), (1, 1), (17, 0), (2**64 - 1, 0)])
def test_unknown_references_are_counted_and_change_nothing(builder, kind, order_id, symbol):
    books = fed(builder, add(1), named(kind, order_id, 1, symbol, new_order_id=8, price_ticks=5))
    assert books.counts["unknown_references"] == 1
    assert books.levels(0, BUY, 9) == [(100, 10, 1)]
    assert len(books) == 1


@BOTH
def test_a_reference_in_use_gives_way_to_the_new_order(builder):
    books = fed(
        builder, add(1, symbol=4), add(1, SELL, 7), add(2), named("REPLACE", 2, 1, new_order_id=1, price_ticks=9)
    )
    assert books.order(1) == BuiltOrder(0, BUY, 9, 1)
    assert len(books) == 1
    assert books.levels(4, BUY, 9) == books.levels(0, SELL, 9) == []
    assert books.counts["duplicate_references"] == 2


@BOTH
def test_more_lots_than_there_are_take_what_there_is(builder):
    books = fed(builder, add(1), named("EXECUTE", 1, 11), add(2), named("REDUCE", 2, 10))
    assert len(books) == 0
    assert books.counts["oversized"] == 1


@BOTH
@pytest.mark.parametrize(
    "row",
    [
        add(1, lots=0), add(1, lots=LOTS_MAX + 1), add(1, lots=-1), add(1, price=0), add(1, price=PRICE_MAX + 1),
        add(1, side=2), add(1, symbol=SYMBOLS_MAX), named("EXECUTE", 9, 0), named("REDUCE", 9, -5),
        named("DELETE", 9, 0, SYMBOLS_MAX), named("REPLACE", 9, 5, new_order_id=1, price_ticks=0),
        named("REPLACE", 9, 0, new_order_id=1, price_ticks=5),
    ],
)  # fmt: skip
def test_what_is_out_of_range_is_counted_and_changes_nothing(builder, row):
    books = fed(builder, add(9), row)
    assert books.counts["malformed"] == 1
    assert books.counts["unknown_references"] == 0
    assert books.levels(0, BUY, 9) == [(100, 10, 1)]


@BOTH
def test_the_extremes_are_in_range(builder):
    books = fed(builder, add(0, lots=LOTS_MAX, price=PRICE_MAX), add(2**64 - 1, SELL, 1, 1))
    assert books.best(0, BUY) == (PRICE_MAX, LOTS_MAX, 1)
    assert books.queue(0, SELL, 1) == [2**64 - 1]
    assert books.order(0) == BuiltOrder(0, BUY, PRICE_MAX, LOTS_MAX)


@BOTH
def test_everything_else_is_quiet(builder):
    quiet = [(kind.name, {"order_id": 1, "qty_lots": 5}) for kind in LogKind if kind > LogKind.REPLACE]
    books = fed(builder, add(1), *quiet)
    assert counted(books) == {"adds": 1, "quiet": 5}
    assert len(books) == 1


@BOTH
@pytest.mark.parametrize(
    ("method", "arguments"),
    [("levels", (SYMBOLS_MAX, 0, 1)), ("levels", (0, 2, 1)), ("levels", (0, 0, -1)), ("levels", (0.0, 0, 1)),
     ("queue", (0, 0, 0)), ("queue", (0, 0, 1.5)), ("order", (-1,)), ("order", (2**64,)), ("best", (-1, 0))],
)  # fmt: skip
def test_wrong_questions_are_refused(builder, method, arguments):
    with pytest.raises(MisuseError):
        getattr(builder(), method)(*arguments)


def test_only_log_records_can_be_fed():
    for wrong in ([1, 2], np.zeros(3), np.zeros((2, 2), LOG), np.zeros(2, LOG).view("u1")):
        with pytest.raises(MisuseError):
            Compiled().feed(wrong)
    spaced = Compiled()
    spaced.feed(log_records(add(1), add(2), add(3))[::2])
    assert spaced.queue(0, BUY, 100) == [1, 3]
    Compiled().feed(np.empty(0, LOG))


def test_the_reference_notices_a_book_that_does_not_add_up():
    books = fed(Reference, add(1))
    del books._orders[1]
    with pytest.raises(InvariantError):
        books.check()


# --- the twin -----------------------------------------------------------------------------------


def references(pattern, count, rng):
    """References as venues and adversaries number orders."""
    return {
        "dense": lambda: list(range(1, count + 1)),
        "sparse": lambda: [rng.getrandbits(64) for _ in range(count)],
        "strided": lambda: [n << 4 for n in range(count)],
        "far": lambda: [n << 40 for n in range(count)],
        "few": lambda: [rng.randrange(40) for _ in range(count)],
    }[pattern]()


def stream(pattern, count, rng, prices):
    """LOG records of everything that can happen, most of it sensible."""
    out = np.zeros(count, LOG)
    ids = references(pattern, count, rng)
    seen = []
    for row, ref in zip(out, ids, strict=True):
        kind = rng.choices(list(LogKind), [40, 8, 20, 12, 14, 1, 1, 1, 1, 2])[0]
        row["kind"] = kind
        row["symbol"] = rng.choice([0, 0, 0, 1, 77])
        row["side"] = rng.random() < 0.5
        row["price_ticks"] = rng.randrange(1, prices) if rng.random() < 0.99 else rng.choice([0, -1, PRICE_MAX])
        row["qty_lots"] = rng.choice([0, LOTS_MAX, 2**33]) if rng.random() < 0.01 else rng.randrange(1, 30)
        row["new_order_id"] = ref
        if kind == LogKind.ADD or not seen or rng.random() < 0.02:
            row["order_id"] = ref if not seen or rng.random() < 0.97 else rng.choice(seen)[0]
            seen.append((ref, row["symbol"]))
        else:
            row["order_id"], symbol = seen[rng.randrange(max(0, len(seen) - 300), len(seen))]
            if rng.random() < 0.95:
                row["symbol"] = symbol
            if kind == LogKind.REPLACE:
                seen.append((ref, row["symbol"]))
    return out


def state(books, prices):
    """Everything a builder can be asked."""
    lines = [(symbol, side) for symbol in (0, 1, 2, 77) for side in Side]
    levels = {line: books.levels(*line, prices + 1) for line in lines}
    queues = {
        (*line, level.price_ticks): books.queue(*line, level.price_ticks) for line in lines for level in levels[line]
    }
    orders = [books.order(order_id) for queue in queues.values() for order_id in queue]
    return books.counts, len(books), levels, queues, orders, [books.levels(*line, 3) for line in lines]


@pytest.mark.parametrize("pattern", ["dense", "sparse", "strided", "far", "few"])
@pytest.mark.parametrize(("seed", "prices"), [(1, 6), (2, 60), (3, 2_000)])
def test_compiled_books_equal_the_references(pattern, seed, prices):
    rng = random.Random(f"{pattern} {seed}")
    records = stream(pattern, 6_000, rng, prices)
    reference, compiled = Reference(), Compiled()
    at = 0
    while at < len(records):
        part = records[at : at + rng.randrange(1, 900)]
        at += len(part)
        reference.feed(part)
        compiled.feed(part)
        compiled.check()
        assert state(compiled, prices) == state(reference, prices)
    reference.check()
    assert all(compiled.counts.values()), "every counter was met"


def test_books_that_empty_and_fill_again_forget_nothing():
    rng = random.Random(5)
    reference, compiled = Reference(), Compiled()
    for _ in range(20):
        ids = rng.sample(range(10**6), 500)
        adds = [add(n, rng.randrange(2), rng.randrange(1, 50)) for n in ids]
        rng.shuffle(ids)
        for rows in (adds, [named("DELETE", n) for n in ids[:480]]):
            for books in (reference, compiled):
                books.feed(log_records(*rows))
            compiled.check()
            assert state(compiled, 50) == state(reference, 50)


def filled(count, rng, prices):
    """LOG records of `count` adds over three symbols."""
    out = np.zeros(count, LOG)
    out["kind"] = LogKind.ADD
    out["order_id"] = np.arange(count) * 3
    out["symbol"] = [rng.choice([0, 1, 77]) for _ in range(count)]
    out["side"] = np.arange(count) & 1
    out["price_ticks"] = [rng.randrange(1, prices) for _ in range(count)]
    out["qty_lots"] = 7
    return out


@pytest.mark.parametrize("pattern", ["dense", "few", "far"])
def test_fetching_ahead_in_a_large_book_changes_nothing(pattern):
    rng = random.Random(pattern)
    fill = filled(25_000, rng, 500)
    named_later = stream(pattern, 4_000, rng, 500)
    # Half of what follows names orders of the large book, some of them twice, with levels that come and go.
    old = np.flatnonzero(named_later["kind"] != LogKind.ADD)[::2]
    chosen = [rng.randrange(len(fill)) for _ in old]
    named_later["order_id"][old] = fill["order_id"][chosen]
    named_later["symbol"][old] = fill["symbol"][chosen]
    emptied = fill[rng.sample(range(len(fill)), 3_000)].copy()
    emptied["kind"] = LogKind.DELETE
    reference, compiled = Reference(), Compiled()
    for part in (fill, named_later, emptied, filled(500, rng, 10_000)):
        for books in (reference, compiled):
            books.feed(part)
        compiled.check()
        assert len(compiled) > 16_384, "with fewer orders nothing is fetched ahead"
        assert state(compiled, 10_000) == state(reference, 10_000)


# --- logs ---------------------------------------------------------------------------------------


def _built(path):
    compiled, reference, rebuilder = Compiled(), Reference(), Rebuilder()
    log = open_log(path)
    for records in log:
        for books in (compiled, reference, rebuilder):
            books.feed(records)
    compiled.check()
    assert compiled.counts == reference.counts
    assert sum(list(compiled.counts.values())[:6]) == rebuilder.messages
    assert len(compiled) == len(reference) == sum(map(len, rebuilder.books.values()))
    for symbol, book in rebuilder.books.items():
        for side in Side:
            levels = compiled.levels(symbol, side, 10**6)
            assert levels == reference.levels(symbol, side, 10**6)
            assert [(level.price_ticks, level.lots) for level in levels] == book.levels(side, 10**6)
    return compiled


def test_a_generated_day_builds_the_replays_book(tmp_path):
    path = tmp_path / "a.itch"
    write_itch(path, 3, 5_000)
    books = _built(path)
    assert len(books) > 1_000
    assert not any(list(books.counts.values())[6:])


@pytest.mark.parametrize("name", ["AAPL_20200130_first2000.bin", "ex20101224.TEST_ITCH_50.gz"])
def test_real_messages_build_the_replays_book(name):
    books = _built(shared_path("data", "itch", name))
    assert len(books) > 0
