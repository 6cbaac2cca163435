"""What each durability promises, and what a call may say before its barrier: nothing."""

from __future__ import annotations

import asyncio
import errno
import os
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pytest

import parbook as pb
from parbook.codes import CommandKind
from parbook.journal import durable
from parbook.journal.barriers import DiskBarriers
from parbook.journal.durable import Durability
from parbook.journal.lock import NoFence
from parbook.journal.opening import Options, assemble
from parbook.journal.storage import DiskHandle, DiskStorage
from tests.journal.house import SMALL, everything, furnish, orders


@pytest.fixture
def syncs(monkeypatch):
    """Count the barriers of `plain`, and let a test make them fail."""
    seen = SimpleNamespace(count=0, error=None)
    sync = DiskHandle.sync

    def counted(handle):
        if seen.error is not None:
            raise seen.error
        seen.count += 1
        sync(handle)

    monkeypatch.setattr(DiskHandle, "sync", counted)
    return seen


def plain(root, durability, **options):
    """Open a journal whose barriers run when they are called for, and never else."""
    return assemble(DiskStorage(root), NoFence(), Options(durability=Durability(durability), **options))


@pytest.mark.parametrize(("durability", "barriers"), [("none", 0), ("group", 3), ("every", 3)])
def test_a_call_returns_behind_its_barrier(tmp_path, syncs, durability, barriers):
    with plain(tmp_path, durability) as exchange:
        market = furnish(exchange)
        before = syncs.count
        exchange.apply_batch(orders(10))
        exchange.place(market, account=1, side="buy", qty="1", price="0.9")
        exchange.apply(pb.Advance(ts_ns=100, instrument=int(market)))
        assert syncs.count == before + barriers


def test_what_runs_ahead_is_silent_until_its_barrier(tmp_path):
    with plain(tmp_path, "group") as exchange:
        furnish(exchange)
        start = exchange.next_event
        records = [exchange.submit(orders(20, seed)) for seed in range(3)]
        assert records == [exchange.journaled - 2, exchange.journaled - 1, exchange.journaled]
        assert exchange.durable < records[0]
        assert len(everything(exchange, start)) == 0
        exchange.flush()
        events = everything(exchange, start)
        assert exchange.durable == exchange.journaled
    memory = pb.Exchange()
    furnish(memory)
    expected = [memory.apply_batch(orders(20, seed)) for seed in range(3)]
    assert events.tobytes() == np.concatenate(expected).tobytes()


def test_a_call_behind_submitted_ones_keeps_the_order_of_events(tmp_path):
    with pb.open(tmp_path, durability="group") as exchange:
        market = furnish(exchange)
        start = exchange.next_event
        exchange.submit(orders(20, 1))
        own = exchange.apply_batch(orders(20, 2))
        exchange.submit(orders(20, 3))
        exchange.place(market, account=1, side="buy", qty="1", price="0.9")
        events = everything(exchange, start)
    memory = pb.Exchange()
    market = furnish(memory)
    memory.apply_batch(orders(20, 1))
    assert own.tobytes() == memory.apply_batch(orders(20, 2)).tobytes()
    memory.apply_batch(orders(20, 3))
    memory.place(market, account=1, side="buy", qty="1", price="0.9")
    assert events.tobytes() == everything(memory, start).tobytes()


def test_running_ahead_has_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr(durable, "RUN_AHEAD_EVENTS", 50)
    with plain(tmp_path, "group") as exchange:
        furnish(exchange)
        exchange.submit(orders(10))
        assert exchange.durable < exchange.journaled
        exchange.submit(orders(100))
        assert exchange.durable == exchange.journaled


@pytest.mark.parametrize("durability", ["group", "every"])
def test_a_barrier_that_fails_ends_it(tmp_path, syncs, durability):
    exchange = plain(tmp_path, durability)
    market = furnish(exchange)
    state, position = exchange.state_hash(), exchange.next_event
    syncs.error = OSError(errno.EIO, "the disk is gone")
    with pytest.raises(pb.JournalFailedError, match="the disk is gone"):
        exchange.place(market, account=1, side="buy", qty="1", price="0.9")
    assert exchange.next_event == position
    syncs.error = None
    for call in (
        lambda: exchange.place(market, account=1, side="buy", qty="1", price="0.9"),
        lambda: exchange.submit(orders(3)),
        lambda: exchange.apply_batch(orders(3)),
        lambda: exchange.apply_batch(orders(0)),
        exchange.flush,
        exchange.checkpoint,
        lambda: exchange.add_asset("X"),
    ):
        with pytest.raises(pb.JournalFailedError):
            call()
    exchange.close()
    with pb.open(tmp_path) as again:
        # The record was written before its barrier failed: it may be there, and it may not.
        assert again.next_event >= position
        again.cancel(market, 1, order_id=1)
    assert state


def test_a_barrier_that_fails_in_the_background_silences_what_ran_ahead(tmp_path):
    exchange = pb.open(tmp_path, durability="group")
    furnish(exchange)
    position = exchange.next_event
    reads, writes = os.pipe()
    barriers = exchange._durable.writer.barriers
    # A pipe cannot be synced: EINVAL.
    assert isinstance(barriers, DiskBarriers)
    barriers._compiled.use(writes, exchange.durable)
    with suppress(pb.JournalFailedError):
        exchange.submit(orders(20))
    while barriers.error is None:
        pass
    for call in (exchange.flush, lambda: exchange.events(position), lambda: exchange.submit(orders(1))):
        with pytest.raises(pb.JournalFailedError, match="a sync failed"):
            call()
    assert exchange.next_event == position
    exchange.close()
    os.close(reads)
    os.close(writes)


def test_a_full_disk_refuses_and_recovers(tmp_path, monkeypatch):
    full = False
    create = DiskStorage.create

    def limited(storage, name, size, *, gently=False):
        if full:
            raise OSError(errno.ENOSPC, "no space left")
        create(storage, name, size, gently=gently)

    monkeypatch.setattr(DiskStorage, "create", limited)
    with pb.open(tmp_path, segment_bytes=SMALL) as exchange:
        market = furnish(exchange)
        full = True
        with pytest.raises(pb.JournalFullError, match="Free space, then send it again"):
            _place_many(exchange, market)
        state, journaled = exchange.state_hash(), exchange.journaled
        with pytest.raises(pb.JournalFullError):
            exchange.apply_batch(orders(500))
        assert (exchange.state_hash(), exchange.journaled) == (state, journaled)
        full = False
        exchange.apply_batch(orders(500))
        state = exchange.state_hash()
    with pb.open(tmp_path) as again:
        assert again.state_hash() == state


def test_a_journal_that_cannot_begin_says_why_and_lets_go(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "no space left")

    with monkeypatch.context() as once:
        once.setattr(DiskStorage, "create", full)
        with pytest.raises(pb.JournalFullError):
            pb.open(tmp_path)
    pb.open(tmp_path).close()


def _place_many(exchange, market):
    for _ in range(1000):
        exchange.place(market, account=1, side="buy", qty="1", price="0.9")


def test_a_large_batch_is_several_records_and_refused_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(durable, "FRAME_COMMANDS_MAX", 7)
    special = pb.command_records(
        [pb.NewOrder(account=1, side=pb.Side.SELL, qty_lots=9, price_ticks=9950, display_lots=3)]
    )
    batch = np.concatenate([orders(6), special, orders(9, 2)])
    assert batch["kind"][7] == CommandKind.TERMS
    with pb.open(tmp_path, segment_bytes=SMALL) as exchange:
        furnish(exchange)
        before = exchange.journaled
        events = exchange.apply_batch(batch)
        assert exchange.journaled == before + 3
        state = exchange.state_hash()
    memory = pb.Exchange()
    furnish(memory)
    assert events.tobytes() == memory.apply_batch(batch).tobytes()
    with pb.open(tmp_path) as again:
        assert again.state_hash() == state


def test_readers_that_wait_hear_of_what_became_durable(tmp_path):
    async def listen():
        with pb.open(tmp_path, durability="group") as exchange:
            furnish(exchange)
            start = exchange.next_event
            reader = exchange.aevents(start)
            waiting = asyncio.ensure_future(anext(reader))
            await asyncio.sleep(0)
            exchange.submit(orders(20))
            batch = await asyncio.wait_for(waiting, 10)
            return batch

    events = asyncio.run(listen())
    memory = pb.Exchange()
    furnish(memory)
    assert events.tobytes() == memory.apply_batch(orders(20)).tobytes()


def test_readers_that_wait_hear_of_a_failure(tmp_path):
    async def listen():
        exchange = pb.open(tmp_path, durability="group")
        furnish(exchange)
        waiting = asyncio.ensure_future(anext(exchange.aevents()))
        await asyncio.sleep(0)
        reads, writes = os.pipe()
        barriers = exchange._durable.writer.barriers
        assert isinstance(barriers, DiskBarriers)
        barriers._compiled.use(writes, exchange.durable)
        with suppress(pb.JournalFailedError):
            exchange.submit(orders(20))
        try:
            with pytest.raises(pb.JournalFailedError, match="a sync failed"):
                await asyncio.wait_for(waiting, 10)
        finally:
            with suppress(pb.JournalFailedError):
                exchange.close()
            os.close(reads)
            os.close(writes)

    asyncio.run(listen())


def test_every_way_to_call_the_core_is_journaled(tmp_path):
    with pb.open(tmp_path) as exchange:
        furnish(exchange)
        core = exchange.core
        first = core.place(0, 1, 0, 5, 9000, client_id=5)
        assert core.amend(0, 1, order_id=first.order_id, qty_lots=3).code == 0
        assert core.cancel(0, 1, client_id=5) == 0
        assert core.cancel(0, 1, client_id=5) == pb.RejectCode.UNKNOWN_ORDER
        assert core.place(99, 1, 0, 5, 9000).code == pb.RejectCode.UNKNOWN_INSTRUMENT
        assert core.place(0, 1, 7, 5, 9000).code != 0
        core.apply(pb.Advance(ts_ns=50, instrument=0))
        state, journaled = exchange.state_hash(), exchange.journaled
    assert journaled == 1 + 3 + 20 + 2 + 7
    with pb.open(tmp_path) as again:
        assert again.state_hash() == state
