"""Snapshots: opening begins with the newest sound one, and whatever it was, the state is the same."""

from __future__ import annotations

import errno

import pytest

import parbook as pb
from parbook.journal import snapshots
from parbook.journal.durable import Durability
from parbook.journal.examine import examine
from parbook.journal.follower import Follower
from parbook.journal.lock import NoFence
from parbook.journal.opening import Options, assemble
from parbook.journal.storage import DiskStorage
from tests.journal.house import SMALL, everything, furnish, orders


def _names(root, kind):
    return sorted(path.name for path in root.glob(f"*.{kind}"))


def _flip(path, offset=200):
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def test_opening_begins_with_the_newest_snapshot(tmp_path):
    with pb.open(tmp_path, segment_bytes=SMALL) as exchange:
        market = furnish(exchange)
        exchange.apply_batch(orders(100))
        exchange.place(market, account=1, side="sell", qty="50", price="2", display="5", client_id="ice")
        name = exchange.checkpoint()
        behind = exchange.next_event
        exchange.apply_batch(orders(40, 2))
        state, events = exchange.state_hash(), everything(exchange)
    with pb.open(tmp_path) as again:
        assert again.recovered.snapshot == name
        assert again.recovered.replayed_commands == 40
        assert again.state_hash() == state
        assert again.next_event == len(events)
        assert everything(again, behind).tobytes() == events[behind:].tobytes()
        with pytest.raises(pb.GapError, match=f"oldest available is {behind}"):
            again.events(behind - 1)
        assert again.instruments[0].listing == market.listing
        assert again.cancel(market, 1, client_id="ice").ok
        again.check()


def test_a_snapshot_changes_nothing_that_follows(tmp_path):
    memory = pb.Exchange()
    furnish(memory)
    for seed in range(12):
        with pb.open(tmp_path, segment_bytes=SMALL, retention="needed") as exchange:
            if not exchange.instruments:
                furnish(exchange)
            assert memory.apply_batch(orders(60, seed)).tobytes() == exchange.apply_batch(orders(60, seed)).tobytes()
            if seed % 3 == 1:
                exchange.checkpoint()
            assert exchange.state_hash() == memory.state_hash()


@pytest.mark.parametrize("damaged", [1, 2])
def test_a_damaged_snapshot_is_replaced_by_a_longer_replay(tmp_path, damaged):
    with pb.open(tmp_path, segment_bytes=SMALL) as exchange:
        furnish(exchange)
        for seed in range(2):
            exchange.apply_batch(orders(60, seed))
            exchange.checkpoint()
        state = exchange.state_hash()
    names = _names(tmp_path, "snapshot")
    for name in names[-damaged:]:
        _flip(tmp_path / name)
    with pb.open(tmp_path) as again:
        assert again.state_hash() == state
        assert again.recovered.snapshot == (names[0] if damaged == 1 else "")
        assert again.recovered.skipped == tuple(reversed(names[-damaged:]))
        assert "content is damaged" in again.recovered.skipped_why[0]
        assert _names(tmp_path, "snapshot") == names[: 2 - damaged]
        assert sorted(path.name for path in (tmp_path / "quarantine").iterdir()) == names[-damaged:]


def test_without_a_sound_snapshot_what_is_gone_is_gone(tmp_path):
    with pb.open(tmp_path, segment_bytes=SMALL, retention="needed") as exchange:
        furnish(exchange)
        for seed in range(4):
            exchange.apply_batch(orders(200, seed))
            exchange.checkpoint()
    assert _names(tmp_path, "segment")[0][:20] != f"{1:020d}"
    for name in _names(tmp_path, "snapshot"):
        _flip(tmp_path / name)
    with pytest.raises(pb.JournalDamageError, match="behind record 0 is gone"):
        pb.open(tmp_path)


def test_every_flipped_bit_of_a_snapshots_head_is_seen(tmp_path):
    with pb.open(tmp_path) as exchange:
        name = exchange.checkpoint()
    storage = DiskStorage(tmp_path)
    data = storage.read(name)
    assert isinstance(snapshots.decode(data), snapshots.Stored)
    for bit in range(8 * 256):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        assert isinstance(snapshots.decode(bytes(flipped)), str), f"bit {bit}"
    assert all(isinstance(snapshots.decode(data[:size]), str) for size in range(0, len(data), 7))


def test_a_snapshot_under_anothers_name_is_none(tmp_path):
    with pb.open(tmp_path) as exchange:
        furnish(exchange)
        name = exchange.checkpoint()
        state = exchange.state_hash()
    (tmp_path / name).rename(tmp_path / snapshots.snapshot_name(5))
    with pb.open(tmp_path) as again:
        assert again.state_hash() == state
        assert again.recovered.skipped_why == ("it has the name of another",)


def test_retention_keeps_what_the_older_snapshot_needs(tmp_path):
    with pb.open(tmp_path, segment_bytes=SMALL, retention="needed") as exchange:
        furnish(exchange)
        for seed in range(37):
            exchange.apply_batch(orders(20, seed))
            # Snapshots fall into the middle of segments: what is behind them there is needed.
            if seed % 3 == 2:
                exchange.checkpoint()
        state = exchange.state_hash()
    removed = exchange.catalogue.rows("select count(*) from segments where removed_at_ns is not null")
    older, newer = _names(tmp_path, "snapshot")
    segments = _names(tmp_path, "segment")
    assert removed[0][0] >= 10
    assert int(segments[0][:20]) <= int(older[:20])
    assert int(older[:20]) + 1 < int(segments[1][:20]), "it does not fall into the middle of a segment"
    _flip(tmp_path / newer)
    with pb.open(tmp_path) as again:
        assert again.recovered.snapshot == older
        assert again.state_hash() == state


def test_all_is_kept_unless_it_is_said(tmp_path):
    with pb.open(tmp_path, segment_bytes=SMALL) as exchange:
        furnish(exchange)
        for seed in range(5):
            exchange.apply_batch(orders(120, seed))
            exchange.checkpoint()
    assert _names(tmp_path, "segment")[0][:20] == f"{1:020d}"
    assert len(_names(tmp_path, "snapshot")) == 2


def test_checkpoints_by_size_and_by_time(tmp_path):
    with pb.open(tmp_path / "size", checkpoint_bytes=20_000) as exchange:
        furnish(exchange)
        for seed in range(10):
            exchange.apply_batch(orders(100, seed))
            exchange._finish_checkpoint()
    assert len(_names(tmp_path / "size", "snapshot")) == 2
    with pb.open(tmp_path / "time", checkpoint_bytes=0, checkpoint_ns=1_000) as exchange:
        furnish(exchange)
        exchange.advance(ts=900)
        assert exchange.checkpoint_error is None
        exchange.advance(ts=1_100)
    assert len(_names(tmp_path / "time", "snapshot")) == 1
    with pb.open(tmp_path / "time") as exchange:
        assert exchange.recovered.snapshot_record == exchange.recovered.end.record - 1


def test_a_checkpoint_that_finds_no_room_harms_nothing(tmp_path, monkeypatch):
    write_whole = DiskStorage.write_whole

    def full(storage, name, data):
        raise OSError(errno.ENOSPC, "no space left")

    with pb.open(tmp_path, checkpoint_bytes=1) as exchange:
        furnish(exchange)
        monkeypatch.setattr(DiskStorage, "write_whole", full)
        with pytest.raises(OSError, match="no space left"):
            exchange.checkpoint()
        exchange._finish_checkpoint()
        exchange.apply_batch(orders(10))
        exchange._finish_checkpoint()
        monkeypatch.setattr(DiskStorage, "write_whole", write_whole)
        state = exchange.state_hash()
    assert exchange.checkpoint_error.errno == errno.ENOSPC
    with pb.open(tmp_path) as again:
        assert again.state_hash() == state


def test_a_follower_begins_with_the_snapshot_too(tmp_path):
    with pb.open(tmp_path, segment_bytes=SMALL, retention="needed") as exchange:
        furnish(exchange)
        for seed in range(4):
            exchange.apply_batch(orders(100, seed))
            exchange.checkpoint()
        follower = Follower(tmp_path)
        assert follower.state_hash() == exchange.state_hash()
        exchange.apply_batch(orders(100, 9))
        follower.poll()
        assert follower.state_hash() == exchange.state_hash()


def test_a_snapshot_of_another_journal_is_not_taken_for_this_ones(tmp_path):
    for name in ("one", "other"):
        with pb.open(tmp_path / name) as exchange:
            furnish(exchange)
            stored = exchange.checkpoint()
    (tmp_path / "one" / stored).replace(tmp_path / "other" / stored)
    with pytest.raises(pb.JournalDamageError, match="belongs to another journal"):
        pb.open(tmp_path / "other")


def test_examination_names_a_damaged_snapshot(tmp_path):
    with pb.open(tmp_path) as exchange:
        furnish(exchange)
        name = exchange.checkpoint()
    assert examine(DiskStorage(tmp_path)).is_sound
    _flip(tmp_path / name)
    report = examine(DiskStorage(tmp_path))
    assert not report.is_sound
    assert report.snapshots[0].fault == "its content is damaged"


@pytest.mark.parametrize("wait", [False, True])
def test_the_journal_is_on_the_medium_before_a_snapshot_of_it(tmp_path, monkeypatch, wait):
    """Else a crash could leave the snapshot behind a hole, and an older one could not be gone on from."""
    options = Options(durability=Durability.GROUP, checkpoint_bytes=0)
    with assemble(DiskStorage(tmp_path), NoFence(), options) as exchange:
        furnish(exchange)
        write, durable = snapshots.write, []

        def noted(storage, stored):
            durable.append(exchange._durable.writer.durable)
            return write(storage, stored)

        monkeypatch.setattr(snapshots, "write", noted)
        record = exchange.submit(orders(20))
        assert exchange.durable < record
        exchange.checkpoint(wait=wait)
        exchange._finish_checkpoint()
        assert durable == [record]
