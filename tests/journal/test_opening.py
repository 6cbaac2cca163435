"""parbook.open: what was done is there again, one at a time may have it, and misuse leaves no trace."""

from __future__ import annotations

import os
import sqlite3
from importlib import metadata

import numpy as np
import pytest

import parbook as pb
from parbook.journal.lock import LOCK
from parbook.protocol.exchange import BackedExchange as Core
from tests.journal.house import SMALL, everything, furnish, orders

DURABILITIES = ["none", "group", "every"]


@pytest.mark.parametrize("durability", DURABILITIES)
def test_an_exchange_is_there_again(tmp_path, durability):
    with pb.open(tmp_path / "data", durability=durability, segment_bytes=SMALL) as exchange:
        market = furnish(exchange)
        exchange.apply_batch(orders(200))
        placed = exchange.place(market, account=1, side="buy", qty="5", price="0.9800", client_id="a-1")
        state, events = exchange.state_hash(), everything(exchange)
    with pb.open(tmp_path / "data", durability=durability) as again:
        assert again.state_hash() == state
        assert everything(again).tobytes() == events.tobytes()
        assert again.recovered.replayed_commands == 200 + 20 + 2 + 1
        assert [handle.name for handle in again.instruments] == ["SME-A/USDx"]
        assert again.instruments[0].listing == market.listing
        assert again.cancel("SME-A/USDx", 1, client_id="a-1").order_id == placed.order_id
        again.check()


def test_it_answers_as_an_exchange_in_memory(tmp_path):
    memory = pb.Exchange()
    with pb.open(tmp_path, durability="none") as exchange:
        for one in (memory, exchange):
            furnish(one)
        for seed in range(5):
            batch = orders(300, seed)
            assert memory.apply_batch(batch).tobytes() == exchange.apply_batch(batch).tobytes()
        assert memory.state_hash() == exchange.state_hash()
        assert everything(memory).tobytes() == everything(exchange).tobytes()


def test_it_goes_on_where_it_was(tmp_path):
    hashes = []
    memory = pb.Exchange()
    furnish(memory)
    for round_number in range(4):
        with pb.open(tmp_path, segment_bytes=SMALL) as exchange:
            if not exchange.instruments:
                furnish(exchange)
            exchange.apply_batch(orders(70, round_number))
            memory.apply_batch(orders(70, round_number))
            hashes.append((exchange.state_hash(), memory.state_hash()))
    assert all(ours == theirs for ours, theirs in hashes)
    assert len({ours for ours, _ in hashes}) == 4


def test_a_process_that_ended_without_closing_loses_nothing_acknowledged(tmp_path):
    child = os.fork()
    if child == 0:
        exchange = pb.open(tmp_path, durability="none")
        furnish(exchange)
        exchange.apply_batch(orders(50))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    memory = pb.Exchange()
    furnish(memory)
    memory.apply_batch(orders(50))
    with pb.open(tmp_path) as exchange:
        assert exchange.state_hash() == memory.state_hash()


def test_a_copy_that_was_never_installed_writes_a_journal_too(tmp_path, monkeypatch):
    def unknown(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", unknown)
    with pb.open(tmp_path / "journal") as exchange:
        exchange.add_asset("BOND")
    with pb.open(tmp_path / "journal") as exchange:
        assert [asset.name for asset in exchange.assets] == ["BOND"]


def test_a_journal_has_one_writer(tmp_path):
    with pb.open(tmp_path) as exchange:
        furnish(exchange)
        with pytest.raises(pb.JournalLockedError, match=f"open in process {os.getpid()}"):
            pb.open(tmp_path)
        exchange.apply_batch(orders(10))
    pb.open(tmp_path).close()


def test_a_lock_whose_process_is_gone_is_no_lock(tmp_path):
    pb.open(tmp_path).close()
    (tmp_path / LOCK).write_text("1\n")
    pb.open(tmp_path).close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"durability": "sometimes"}, "durability='sometimes' is none. There are none, group, every"),
        ({"retention": "some"}, "There are all, needed"),
        ({"segment_bytes": 100}, "segment_bytes=100 is outside 4096"),
        ({"outcome_window": 0}, "outcome_window=0"),
        ({"retain_events": 0}, "retain_events=0"),
        ({"checkpoint_bytes": -1}, "checkpoint_bytes=-1"),
        ({"checkpoint_ns": "x"}, "checkpoint_ns='x'"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, arguments, words):
    with pytest.raises(pb.MisuseError, match=words):
        pb.open(tmp_path / "new", **arguments)
    assert not (tmp_path / "new").exists()


def test_a_file_is_no_journal(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(pb.MisuseError, match="is a file"):
        pb.open(tmp_path / "file")


def test_a_refused_command_is_journaled_and_misuse_is_not(tmp_path):
    with pb.open(tmp_path) as exchange:
        market = furnish(exchange)
        before = exchange.journaled
        refused = exchange.place(market, account=1, side="buy", qty="90000", price="90")
        assert refused.code is pb.RejectCode.INSUFFICIENT_QUOTE
        assert exchange.journaled == before + 1
        for misuse in (
            lambda: exchange.place(market, account=1, side="buy", qty="1"),
            lambda: exchange.apply_batch(np.zeros(3)),
            lambda: exchange.apply(pb.NewOrder(account=2**40, side=pb.Side.BUY, qty_lots=1, price_ticks=1)),
            lambda: exchange.add_asset("USDx"),
            lambda: exchange.core.add_asset("no asset"),
            lambda: exchange.core.apply_batch(orders(4).reshape(2, 2)),
        ):
            with pytest.raises(pb.MisuseError):
                misuse()
        assert exchange.journaled == before + 1
        assert len(exchange.apply_batch(orders(0))) == 0
        assert exchange.journaled == before + 1
        state = exchange.state_hash()
    with pb.open(tmp_path) as exchange:
        assert exchange.state_hash() == state


def test_closing_twice_is_closing_once(tmp_path):
    exchange = pb.open(tmp_path)
    exchange.close()
    exchange.close()
    with pytest.raises(pb.JournalError, match="closed"):
        exchange.add_asset("USDx")


def test_the_outcome_window_is_the_journals(tmp_path):
    pb.open(tmp_path, outcome_window=3).close()
    with pb.open(tmp_path, outcome_window=500) as exchange:
        assert exchange.state_hash() == Core(outcome_window=3).state_hash()


def test_a_segment_that_was_deleted_whole_is_missed(tmp_path):
    with pb.open(tmp_path, segment_bytes=SMALL) as exchange:
        furnish(exchange)
        exchange.apply_batch(orders(300))
    segments = sorted(tmp_path.glob("*.segment"))
    assert len(segments) > 1
    segments[-1].unlink()
    with pytest.raises(pb.JournalDamageError, match="the catalogue knows this segment"):
        pb.open(tmp_path)


def test_a_broken_catalogue_stops_nothing(tmp_path):
    with pb.open(tmp_path) as exchange:
        furnish(exchange)
        state = exchange.state_hash()
    (tmp_path / "catalogue.sqlite").write_bytes(b"no database" * 1000)
    with pb.open(tmp_path) as exchange:
        assert exchange.state_hash() == state
        assert isinstance(exchange.catalogue.error, sqlite3.Error)
        exchange.apply_batch(orders(10))


def test_another_layout_is_another_version(tmp_path, monkeypatch):
    pb.open(tmp_path).close()
    monkeypatch.setattr("parbook.journal.scan.KNOWN_LAYOUTS", {b"of tomorrow's   ": 3})
    with pytest.raises(pb.SchemaError, match="layouts that this parbook does not know"):
        pb.open(tmp_path)
