"""The stock of spare segments: made ahead, filled again behind use, and never in the way of what is promised."""

from __future__ import annotations

import errno
from random import Random
from threading import Event, Thread

import pytest

import parbook as pb
from parbook.journal.durable import Durability
from parbook.journal.layout import SEGMENT_HEADER_BYTES, Kind
from parbook.journal.lock import NoFence
from parbook.journal.opening import SPARE_SEGMENTS_MAX, Options, _check_stock, assemble
from parbook.journal.recovery import recover
from parbook.journal.stock import Stock, spare_names
from parbook.journal.storage import DiskStorage
from tests.journal.falls import lost, reordered
from tests.journal.house import SMALL, furnish, orders
from tests.journal.memory_disk import Crash, Fall, MemoryDisk, Refuse

MANY = 4


def opened(disk, spares=MANY):
    """Open a journal in memory, whose spares are made at once."""
    options = Options(durability=Durability.EVERY, segment_bytes=SMALL, outcome_window=64, spare_segments=spares)
    return assemble(disk, NoFence(), options)


def spares(disk):
    return spare_names(disk.names())


def begin_segment(exchange):
    """Write until the next segment has been begun and is more than an eighth full; return its name."""
    writer, before = exchange._durable.writer, exchange._durable.writer.segment
    while writer.segment == before or writer.offset < SMALL // 4:
        exchange.seal()
    return writer.segment


def fill_segments(exchange):
    """Write until something stops it."""
    while True:
        begin_segment(exchange)


def place_many(exchange, market):
    """Place orders until something stops it."""
    while True:
        exchange.place(market, account=1, side="buy", qty="1", price="0.9")


# --- making ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, -1, SPARE_SEGMENTS_MAX + 1, 1.5, "2", None])
def test_a_stock_that_makes_no_sense_is_refused(tmp_path, count):
    with pytest.raises(pb.MisuseError, match="spare_segments="):
        pb.open(tmp_path / "new", spare_segments=count)
    assert not (tmp_path / "new").exists()


def test_a_stock_that_would_fill_the_disk_is_refused(tmp_path):
    with pytest.raises(pb.MisuseError, match=r"spare_segments=33 of segment_bytes=2147483648 are 70866960384 bytes"):
        pb.open(tmp_path / "new", spare_segments=33, segment_bytes=2**31)
    assert not (tmp_path / "new").exists()
    _check_stock(Options(spare_segments=32, segment_bytes=2**31))
    _check_stock(Options(spare_segments=SPARE_SEGMENTS_MAX))


def test_one_spare_is_made_when_the_segment_fills_and_more_at_opening():
    for count, at_opening, later in ((1, 0, 1), (2, 2, 2), (5, 5, 4)):
        disk = MemoryDisk()
        exchange = opened(disk, count)
        assert len(spares(disk)) == exchange.spare_segments == at_opening
        begin_segment(exchange)
        assert len(spares(disk)) == exchange.spare_segments == later


def test_a_journal_that_goes_on_in_its_segment_begins_its_stock_at_once():
    disk = MemoryDisk()
    opened(disk).close()
    exchange = opened(disk)
    assert len(spares(disk)) == exchange.spare_segments == MANY


def test_it_is_filled_again_when_half_is_used_and_not_before():
    disk = MemoryDisk()
    exchange = opened(disk)
    there = []
    for _ in range(6):
        begin_segment(exchange)
        there.append(len(spares(disk)))
        assert exchange.spare_segments == there[-1]
    assert there == [3, 4, 3, 4, 3, 4]


def test_no_name_is_given_twice():
    disk = MemoryDisk()
    exchange = opened(disk, 2)
    for _ in range(8):
        begin_segment(exchange)
    made = [name for what, name in disk.trace if what == "create" and name.startswith("spare-")]
    assert len(made) == len(set(made)) > 8


def test_a_frame_larger_than_the_spares_leaves_them_alone():
    disk = MemoryDisk()
    exchange = opened(disk)
    furnish(exchange)
    exchange.apply_batch(orders(500))
    assert disk.size(exchange._durable.writer.segment) > SMALL
    assert len(spares(disk)) == exchange.spare_segments
    assert exchange.spare_segments >= MANY // 2


def test_a_spare_is_taken_only_for_a_frame_that_fits():
    stock = Stock(MemoryDisk(), epoch=1, segment_bytes=SMALL, most=2, in_background=False)
    stock.begin()
    room = SMALL - SEGMENT_HEADER_BYTES
    assert stock.take(room + 64).size == SMALL + 64
    assert stock.ready == 2
    assert stock.take(room).size == SMALL
    assert stock.ready == 1


@pytest.mark.parametrize("count", [1, MANY])
def test_no_room_for_a_large_frame_takes_no_spare_away(count):
    disk = MemoryDisk()
    exchange = opened(disk, count)
    furnish(exchange)
    begin_segment(exchange)
    there = spares(disk)
    # The file appears and its content finds no room.
    disk.plan[disk.count + 2] = Refuse(errno.ENOSPC)
    with pytest.raises(pb.JournalFullError):
        exchange.apply_batch(orders(500))
    assert spares(disk) == there
    begin_segment(exchange)


# --- waiting for it -------------------------------------------------------------------------------


def test_prepare_returns_when_all_are_there(tmp_path):
    with pb.open(tmp_path, segment_bytes=SMALL, spare_segments=3) as exchange:
        exchange.prepare()
        made = spares(DiskStorage(tmp_path))
        assert len(made) == exchange.spare_segments == 3
        assert all((tmp_path / name).read_bytes() == bytes(SMALL) for name in made)
        exchange.prepare()
        assert spares(DiskStorage(tmp_path)) == made
    assert not spares(DiskStorage(tmp_path))
    with pytest.raises(pb.JournalError, match="closed"):
        exchange.prepare()


def test_prepare_fills_what_was_used():
    disk = MemoryDisk()
    exchange = opened(disk)
    begin_segment(exchange)
    assert exchange.spare_segments == MANY - 1
    exchange.prepare()
    assert len(spares(disk)) == exchange.spare_segments == MANY


def test_prepare_makes_the_one_spare_too():
    disk = MemoryDisk()
    exchange = opened(disk, 1)
    exchange.prepare()
    assert len(spares(disk)) == 1


def test_prepare_says_that_the_disk_is_full_and_the_exchange_goes_on():
    disk = MemoryDisk()
    exchange = opened(disk)
    market = furnish(exchange)
    exchange.prepare()
    begin_segment(exchange)
    disk.full = True
    with pytest.raises(pb.JournalFullError, match=r"3 of 4 spare .* Free space, then call prepare\(\) again"):
        exchange.prepare()
    exchange.place(market, account=1, side="buy", qty="1", price="0.9")
    disk.full = False
    exchange.prepare()
    assert exchange.spare_segments == MANY
    assert exchange.spare_error is None


def test_prepare_raises_what_else_the_disk_says_and_the_exchange_goes_on():
    disk = MemoryDisk()
    exchange = opened(disk)
    begin_segment(exchange)
    disk.plan[disk.count + 1] = Refuse(errno.EIO)
    with pytest.raises(OSError, match="refused by plan"):
        exchange.prepare()
    exchange.add_asset("USDx")
    exchange.prepare()
    assert exchange.spare_segments == MANY


def test_a_journal_that_failed_prepares_nothing():
    disk = MemoryDisk()
    exchange = opened(disk)
    begin_segment(exchange)
    exchange._durable.journal(Kind.SEAL, bytes.fromhex(exchange.state_hash()))
    disk.plan[disk.count + 1] = Refuse(errno.EIO)
    with pytest.raises(pb.JournalFailedError):
        exchange.flush()
    with pytest.raises(pb.JournalFailedError):
        exchange.prepare()


# --- a disk without room --------------------------------------------------------------------------


@pytest.mark.parametrize("operation", range(3 * MANY))
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_stock_that_could_not_be_filled_at_opening_stops_nothing(operation, code):
    disk = MemoryDisk()
    opened(disk).close()
    whole = disk.restarted()
    opened(whole)
    before = whole.trace.index(("create", "spare-000001-000001.segment"))
    again = disk.restarted()
    again.plan[before + operation + 1] = Refuse(code)
    exchange = opened(again)
    assert exchange.spare_segments == operation // 3
    assert isinstance(exchange.spare_error, OSError)
    assert exchange.spare_error.errno == code
    assert len(spares(again)) == operation // 3
    begin_segment(exchange)
    assert exchange.spare_error is None
    exchange.prepare()
    assert exchange.spare_segments == MANY
    exchange.close()
    assert recover(MemoryDisk(lost(again))).end.record == exchange.journaled


def test_a_disk_without_room_is_asked_once_for_each_segment(monkeypatch):
    disk = MemoryDisk()
    exchange = opened(disk)
    begin_segment(exchange)
    tried = 0

    def full(*_, **__):
        nonlocal tried
        tried += 1
        raise OSError(errno.ENOSPC, "no room")

    with monkeypatch.context() as once:
        once.setattr(disk, "create", full)
        for _ in range(3):
            begin_segment(exchange)
            exchange.seal()
    assert (tried, exchange.spare_segments) == (3, 0)
    begin_segment(exchange)
    assert exchange.spare_segments == MANY


def test_a_full_disk_refuses_when_the_stock_is_used_up_and_not_before():
    disk = MemoryDisk()
    exchange = opened(disk)
    market = furnish(exchange)
    exchange.prepare()
    disk.full = True
    for _ in range(MANY):
        begin_segment(exchange)
    with pytest.raises(pb.JournalFullError, match="Free space, then send it again"):
        place_many(exchange, market)
    assert exchange.spare_segments == 0
    state, journaled = exchange.state_hash(), exchange.journaled
    assert recover(MemoryDisk(lost(disk)), outcome_window=64).core.state_hash() == state
    disk.full = False
    exchange.place(market, account=1, side="buy", qty="1", price="0.9")
    assert exchange.journaled == journaled + 1
    begin_segment(exchange)
    assert exchange.spare_segments == MANY - 1


# --- crashes and ends -----------------------------------------------------------------------------


def test_spares_that_a_crash_leaves_are_thrown_away_and_nothing_else():
    disk = MemoryDisk()
    exchange = opened(disk)
    furnish(exchange)
    begin_segment(exchange)
    disk.sync_names()
    state = exchange.state_hash()
    files = lost(disk)
    left = spare_names(list(files))
    assert len(left) >= MANY // 2
    again = MemoryDisk(files)
    one = opened(again, 1)
    assert one.state_hash() == state
    assert not spares(again)
    assert {name: files[name] for name in files if name not in left}.keys() <= set(again.names())
    one.close()
    assert opened(again, 1).state_hash() == state


def test_a_crash_at_every_operation_of_a_change_of_segment_loses_nothing():
    whole = MemoryDisk()
    exchange = opened(whole)
    began = whole.count
    begin_segment(exchange)
    begin_segment(exchange)
    for number in range(began + 1, whole.count + 1):
        disk = MemoryDisk()
        disk.plan[number] = Fall()
        exchange = opened(disk)
        with pytest.raises(Crash):
            fill_segments(exchange)
        for seed in range(8):
            files = lost(disk) if seed == 0 else reordered(disk, Random(seed))
            found = opened(MemoryDisk(files))
            assert exchange.durable <= found.recovered.end.record <= exchange.journaled + 1
            found.seal()


def test_closing_takes_every_spare_along():
    disk = MemoryDisk()
    exchange = opened(disk)
    begin_segment(exchange)
    assert spares(disk)
    exchange.close()
    assert not spares(disk)


class Gate:
    """A disk whose creation of spares waits to be let through, and says that it waits."""

    def __init__(self, monkeypatch):
        self.waits, self.open, self.made = Event(), Event(), []
        create = DiskStorage.create

        def gated(storage, name, size, *, gently=False):
            if gently:
                self.waits.set()
                assert self.open.wait(10)
            create(storage, name, size, gently=gently)
            self.made.append(gently)

        monkeypatch.setattr(DiskStorage, "create", gated)


@pytest.mark.parametrize(("call", "left", "made"), [("close", 0, [True]), ("fill", 3, [True, False, False])])
def test_the_spare_that_is_being_made_is_the_last_that_is_made_gently(tmp_path, monkeypatch, call, left, made):
    gate = Gate(monkeypatch)
    stock = Stock(DiskStorage(tmp_path), epoch=1, segment_bytes=SMALL, most=3, in_background=True)
    stock.begin()
    assert gate.waits.wait(10)
    caller = Thread(target=getattr(stock, call))
    caller.start()
    caller.join(0.05)
    assert caller.is_alive()
    gate.open.set()
    caller.join(10)
    assert not caller.is_alive()
    assert len(spares(DiskStorage(tmp_path))) == stock.ready == left
    assert gate.made == made


def test_a_command_waits_for_one_spare_and_not_for_the_stock(tmp_path):
    """The second spare is never finished while the command waits."""
    one, two = Event(), Event()

    class Slow(DiskStorage):
        def create(self, name, size, *, gently=False):
            assert (one if name.endswith("-000001.segment") else two).wait(60)
            super().create(name, size, gently=gently)

    stock = Stock(Slow(tmp_path), epoch=1, segment_bytes=SMALL, most=2, in_background=True)
    stock.begin()
    taken = []
    taking = Thread(target=lambda: taken.append(stock.take(64)), daemon=True)
    taking.start()
    taking.join(0.05)
    assert taking.is_alive()
    one.set()
    taking.join(5)
    assert [name for name, _ in taken] == ["spare-000001-000001.segment"]
    two.set()
    stock.close()
    assert spares(DiskStorage(tmp_path)) == ["spare-000001-000001.segment"]


def test_without_a_thread_to_be_had_a_spare_is_made_when_it_is_needed(tmp_path, monkeypatch):
    def none(thread):
        raise RuntimeError("can't start new thread")

    stock = Stock(DiskStorage(tmp_path), epoch=1, segment_bytes=SMALL, most=2, in_background=True)
    with monkeypatch.context() as once:
        once.setattr(Thread, "start", none)
        stock.begin()
        stock.refill(64)
    assert stock.ready == 0
    assert stock.take(64).size == SMALL
    stock.close()


def test_a_failure_in_the_background_surfaces_at_need(tmp_path, monkeypatch):
    failed = Event()
    full = True
    create = DiskStorage.create

    def limited(storage, name, size, *, gently=False):
        if full and name != "spare-000001-000001.segment":
            failed.set()
            raise OSError(errno.ENOSPC, "no space left")
        create(storage, name, size, gently=gently)

    monkeypatch.setattr(DiskStorage, "create", limited)
    with pb.open(tmp_path, segment_bytes=SMALL, spare_segments=2) as exchange:
        assert failed.wait(10)
        with pytest.raises(pb.JournalFullError, match="call prepare"):
            exchange.prepare()
        with pytest.raises(pb.JournalFullError, match="send it again"):
            fill_segments(exchange)
        full = False
        begin_segment(exchange)
        exchange.prepare()
        assert exchange.spare_segments == 2
