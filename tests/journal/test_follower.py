"""A follower stands where the writer stands, says nothing, waits for what is not whole yet, and takes over once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from unittest.mock import patch

import pytest

import parbook as pb
from parbook.journal.follower import Follower
from parbook.journal.layout import Kind, encode_frame, read_frame
from parbook.journal.opening import Options
from tests.journal.house import SMALL, everything, furnish, orders


def test_a_follower_stands_where_the_writer_stands(tmp_path):
    with pb.open(tmp_path, durability="none", segment_bytes=SMALL) as exchange:
        follower = Follower(tmp_path)
        assert follower.standing.record == 1
        furnish(exchange)
        for seed in range(20):
            exchange.apply_batch(orders(30, seed))
            assert follower.poll() > 0
            assert follower.standing.record == exchange.journaled
            assert follower.standing.behind_bytes == 0
            assert follower.state_hash() == exchange.state_hash()
            assert follower.poll() == 0
    assert follower.poll() == 1
    assert follower.standing.record == exchange.journaled


def test_it_writes_nothing(tmp_path):
    with pb.open(tmp_path, segment_bytes=SMALL) as exchange:
        furnish(exchange)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    follower = Follower(tmp_path)
    follower.poll()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_it_reads_as_far_as_it_is_told(tmp_path):
    with pb.open(tmp_path, durability="none") as exchange:
        follower = Follower(tmp_path)
        furnish(exchange)
        assert follower.poll(limit=5) == 5
        assert follower.standing.record == 6
        assert follower.standing.behind_bytes > 0


def test_it_waits_for_a_frame_that_is_not_whole(tmp_path):
    with pb.open(tmp_path, durability="none", segment_bytes=2**16) as exchange:
        furnish(exchange)
        follower = Follower(tmp_path)
        stood = follower.standing
        path = tmp_path / stood.segment
        exchange.apply_batch(orders(30))
        whole = path.read_bytes()
        frame = read_frame(whole, stood.offset)
        for cut in range(stood.offset, frame.end - 64, 64):
            path.write_bytes(whole[:cut] + bytes(len(whole) - cut))
            assert follower.poll() == 0
        path.write_bytes(whole)
        assert follower.poll() == 1
        assert follower.state_hash() == exchange.state_hash()


@pytest.mark.parametrize("wrong", [{"previous": 5}, {"record": 99}])
def test_a_frame_of_another_past_is_not_followed(tmp_path, wrong):
    with pb.open(tmp_path, durability="none", segment_bytes=2**16) as exchange:
        furnish(exchange)
        follower = Follower(tmp_path)
        stood = follower.standing
        core, writer = exchange.core, exchange._durable.writer
        fields = {"previous": writer.crc, "record": writer.appended + 1} | wrong
        frame, _ = encode_frame(
            orders(3).tobytes(), **fields, command=core.next_command, position=exchange.next_event, now_ns=core.now_ns,
            kind=Kind.COMMANDS, schema=1, count=3, durable=0,
        )  # fmt: skip
        path = tmp_path / stood.segment
        data = bytearray(path.read_bytes())
        data[stood.offset : stood.offset + len(frame)] = frame
        path.write_bytes(data)
        assert follower.poll() == 0
        assert follower.standing.record == stood.record


def test_damage_is_no_frame_that_is_not_whole(tmp_path):
    with pb.open(tmp_path, durability="every", segment_bytes=2**16) as exchange:
        furnish(exchange)
        follower = Follower(tmp_path)
        stood = follower.standing
        exchange.apply_batch(orders(30))
        exchange.apply_batch(orders(30))
        path = tmp_path / stood.segment
        data = bytearray(path.read_bytes())
        data[stood.offset + 100] ^= 1
        path.write_bytes(data)
        assert follower.poll() == 0
        with pytest.raises(pb.JournalDamageError, match="says it was durable"):
            follower.poll()


def test_a_follower_takes_the_snapshots(tmp_path):
    with pb.open(tmp_path, durability="none", segment_bytes=SMALL) as exchange:
        furnish(exchange)
        follower = Follower(tmp_path)
        for seed in range(3):
            exchange.apply_batch(orders(60, seed))
            follower.poll()
            name = follower.checkpoint()
        exchange.apply_batch(orders(60, 9))
        state = exchange.state_hash()
    with pb.open(tmp_path) as again:
        assert again.recovered.snapshot == name
        assert again.recovered.replayed_commands == 60
        assert again.state_hash() == state


def test_a_follower_of_a_fenced_writer_takes_none(tmp_path):
    old = pb.open(tmp_path, durability="none")
    furnish(old)
    behind, promoted = Follower(tmp_path), Follower(tmp_path)
    new = promoted.promote()
    with pytest.raises(pb.JournalFencedError, match="a follower was promoted"):
        behind.checkpoint()
    behind.poll()
    behind.checkpoint()
    new.close()
    with pytest.raises(pb.JournalFencedError):
        old.close()


def test_no_journal_is_no_journal(tmp_path):
    with pytest.raises(pb.InputError, match="there is no journal"):
        Follower(tmp_path)


def test_promotion_fences_the_writer_off(tmp_path):
    old = pb.open(tmp_path, durability="every", segment_bytes=SMALL)
    market = furnish(old)
    follower = Follower(tmp_path)
    old.apply_batch(orders(30))
    state, position = old.state_hash(), old.next_event
    new = follower.promote(Options(segment_bytes=SMALL))
    assert new.state_hash() == state
    assert everything(new, position - 10).tobytes() == everything(old, position - 10).tobytes()
    with pytest.raises(pb.JournalFencedError, match="a follower was promoted"):
        old.place(market, account=1, side="buy", qty="1", price="0.9")
    with pytest.raises(pb.JournalFencedError):
        old.apply_batch(orders(3))
    assert old.next_event == position
    with pytest.raises(pb.JournalLockedError):
        pb.open(tmp_path)
    new.apply_batch(orders(30, 2))
    state = new.state_hash()
    old.close()
    with pytest.raises(pb.JournalLockedError):
        pb.open(tmp_path)
    new.close()
    with pb.open(tmp_path) as again:
        assert again.state_hash() == state


@pytest.mark.parametrize("durability", ["none", "group", "every"])
def test_what_a_fenced_writer_still_writes_counts_for_nothing(tmp_path, durability):
    old = pb.open(tmp_path, durability=durability, segment_bytes=SMALL)
    furnish(old)
    new = Follower(tmp_path).promote(Options(segment_bytes=SMALL))
    # The old one runs on: it writes behind its own end, and begins segments, before it looks at the epoch.
    for seed in range(30):
        with pytest.raises(pb.JournalFencedError):
            old.apply_batch(orders(20, seed))
        old._durable._failure = None
    new.apply_batch(orders(30, 99))
    state, records = new.state_hash(), new.journaled
    assert Follower(tmp_path).state_hash() == state
    new.close()
    with pb.open(tmp_path) as again:
        assert (again.state_hash(), again.recovered.end.record) == (state, records + 1)
    old._durable._failure = pb.JournalError("over")
    old.close()


def test_a_follower_that_followed_a_fenced_writer_too_far_says_so(tmp_path):
    old = pb.open(tmp_path, durability="none")
    furnish(old)
    ahead, promoted = Follower(tmp_path), Follower(tmp_path)
    new = promoted.promote()
    with pytest.raises(pb.JournalFencedError):
        old.apply_batch(orders(20))
    # As if it had read that before the new one's segment had its name.
    with patch.object(ahead, "_look_for_segments"):
        assert ahead.poll() == 1
    with pytest.raises(pb.JournalFencedError, match="Begin again with a new follower"):
        ahead.poll()
    new.close()
    old.close()


@pytest.mark.parametrize("wait", [False, True])
def test_a_fenced_writer_leaves_no_snapshot(tmp_path, wait):
    old = pb.open(tmp_path, durability="none")
    furnish(old)
    new = Follower(tmp_path).promote()
    if wait:
        with pytest.raises(pb.JournalFencedError):
            old.checkpoint()
    else:
        old.checkpoint(wait=False)
        old._finish_checkpoint()
        assert isinstance(old.checkpoint_error, pb.JournalFencedError)
    assert not list(tmp_path.glob("*.snapshot"))
    new.close()
    old._durable._failure = pb.JournalError("over")
    old._durable.failure_is_known = True
    old.close()


def test_a_promoted_follower_can_be_followed_and_promoted_over(tmp_path):
    exchange = pb.open(tmp_path, segment_bytes=SMALL)
    furnish(exchange)
    for round_number in range(3):
        exchange.apply_batch(orders(30, round_number))
        state = exchange.state_hash()
        follower = Follower(tmp_path)
        following = follower.promote(Options(segment_bytes=SMALL))
        assert following.state_hash() == state
        with pytest.raises(pb.JournalFencedError):
            exchange.flush()
        exchange.close()
        exchange = following
    exchange.close()


WRITER = """
import sys
import parbook as pb
from tests.journal.house import furnish, orders
exchange = pb.open(sys.argv[1], durability="every")
furnish(exchange)
for seed in range(10_000):
    exchange.apply_batch(orders(50, seed))
    print(exchange.journaled, exchange.state_hash(), flush=True)
"""


def test_a_follower_takes_over_from_a_process_that_was_killed(tmp_path):
    root = os.fspath(tmp_path / "data")
    writer = subprocess.Popen([sys.executable, "-c", WRITER, root], stdout=subprocess.PIPE, text=True)
    acknowledged = [writer.stdout.readline().split()]
    follower = Follower(tmp_path / "data")
    deadline = time.monotonic() + 60
    while follower.standing.record < 40 and time.monotonic() < deadline:
        follower.poll()
    writer.send_signal(signal.SIGKILL)
    # The last line may be cut: its record was acknowledged, and nobody heard of it.
    acknowledged += [line.split() for line in writer.communicate()[0].splitlines(keepends=True) if line.endswith("\n")]
    with follower.promote() as exchange:
        record, state = acknowledged[-1]
        said = dict(acknowledged)
        assert exchange.journaled - 1 >= int(record)
        last = str(exchange.journaled - 1)
        assert exchange.state_hash() == said.get(last, exchange.state_hash())
        assert last == record or int(last) == int(record) + 1
    with pb.open(root) as again:
        assert state
        again.apply_batch(orders(10))
