"""The writer alone: a sync is never tried again, and threads that count barriers never count back."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from parbook import messages as m
from parbook.codes import AccountStatus
from parbook.errors import JournalFailedError
from parbook.journal import storage
from parbook.journal.barriers import PlainBarriers
from parbook.journal.durable import Durability, DurableCore
from parbook.journal.layout import Kind
from parbook.journal.lock import NoFence
from parbook.journal.opening import Options, assemble
from parbook.journal.segments import Writer
from parbook.journal.stock import spare_name
from parbook.listing import Asset
from parbook.protocol.exchange import BackedExchange as Exchange
from parbook.records import command_records
from tests.journal.memory_disk import MemoryDisk, Refuse

SPARE = spare_name(1, 1)


def writer_on(disk: MemoryDisk) -> Writer:
    return Writer(disk, journal=bytes(16), epoch=1, segment_bytes=4096, barriers=PlainBarriers())


def written(writer: Writer) -> int:
    writer.make_room(8)
    return writer.append(Kind.SEAL, bytes(8), command=1, position=0, now_ns=0)


def core_on(disk: MemoryDisk) -> DurableCore:
    return DurableCore(Exchange(outcome_window=64), writer_on(disk), NoFence(), Durability.GROUP, 0)


def test_a_sync_that_failed_is_never_tried_again():
    """The thread of the barriers meets the error; the caller's barrier comes a moment later."""
    disk = MemoryDisk()
    writer = writer_on(disk)
    written(writer)
    disk.plan[disk.count + 1] = Refuse(errno.EIO)
    with pytest.raises(OSError, match="refused by plan"):
        writer.sync()
    tried = disk.count
    with pytest.raises(OSError, match="refused by plan"):
        writer.sync()
    assert (disk.count, writer.durable) == (tried, 0)


def test_a_barrier_that_ends_late_takes_no_acknowledgement_back():
    core = core_on(MemoryDisk())
    core.add_asset(Asset(name="USD"))
    core.add_asset(Asset(name="EUR"))
    assert core.acknowledged == 2
    core.writer.sync = lambda: 1  # type: ignore[method-assign]
    core.barrier()
    assert (core.acknowledged, core.look()) == (2, 2)


def test_a_failure_in_the_background_is_raised_by_the_next_call():
    disk = MemoryDisk()
    core = core_on(disk)
    core.add_asset(Asset(name="USD"))
    core.journal(Kind.SEAL, bytes(8))
    disk.plan[disk.count + 1] = Refuse(errno.EIO)
    with pytest.raises(OSError, match="refused by plan"):
        core.writer.sync()
    with pytest.raises(JournalFailedError, match="the journal failed"):
        core.add_asset(Asset(name="EUR"))
    assert core.acknowledged == 1
    assert len(core.assets) == 1


@pytest.mark.parametrize("known", [False, True])
def test_closing_tells_of_a_failure_in_the_background_unless_a_call_has(known):
    """Else somebody who submits and closes would take for durable what no barrier covered."""
    disk = MemoryDisk()
    options = Options(durability=Durability.GROUP, segment_bytes=4096, outcome_window=64)
    exchange = assemble(disk, NoFence(), options)
    exchange.submit(command_records([m.SetStatus(account=1, status=AccountStatus.SUSPENDED)]))
    disk.plan[disk.count + 1] = Refuse(errno.EIO)
    with pytest.raises(OSError, match="refused by plan"):
        exchange._durable.writer.sync()
    if known:
        with pytest.raises(JournalFailedError):
            exchange.flush()
        exchange.close()
    else:
        with pytest.raises(JournalFailedError):
            exchange.close()
    exchange.close()


class _InterruptedError(BaseException):
    """As a KeyboardInterrupt, which a test run would take for its own."""


class _Interrupted:
    """A core whose call is done when the interrupt comes."""

    def __init__(self) -> None:
        self.core = Exchange(outcome_window=64)

    def __getattr__(self, name: str) -> object:
        return getattr(self.core, name)

    def apply(self, command: m.Command) -> list[m.Event]:
        self.core.apply(command)
        raise _InterruptedError


def test_a_call_that_was_interrupted_behind_the_core_is_the_last():
    """Its command is in the state and not in the journal: whatever came after it could not be replayed."""
    disk = MemoryDisk()
    core = core_on(disk)
    core.core = _Interrupted()  # type: ignore[assignment]
    with pytest.raises(_InterruptedError):
        core.apply(m.SetStatus(account=1, status=AccountStatus.SUSPENDED))
    with pytest.raises(JournalFailedError, match="interrupted"):
        core.add_asset(Asset(name="USD"))
    assert (core.writer.appended, core.acknowledged) == (0, 0)


# --- short writes -------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [1, 7, 4095])
def test_short_writes_are_gone_on_with(tmp_path, monkeypatch, most):
    """The system may take less than it was given, whenever it likes."""
    whole = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, offset: whole(fd, data[:most], offset))
    disk = storage.DiskStorage(tmp_path)
    disk.create(SPARE, 5000)
    handle = disk.open(SPARE)
    data = bytes(range(1, 256)) * 8
    handle.write(data, 100)
    handle.sync()
    handle.close()
    assert disk.read(SPARE) == bytes(100) + data + bytes(5000 - 100 - len(data))
    disk.write_whole("whole", data)
    assert disk.read("whole") == data


def test_a_write_that_writes_nothing_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "pwrite", lambda *_: 0)
    with pytest.raises(OSError, match="nothing could be written"):
        storage.DiskStorage(tmp_path).write_whole("whole", b"abc")
    assert storage.DiskStorage(tmp_path).names() == []


def test_a_journal_is_made_with_the_names_of_its_directories_on_the_medium(tmp_path, monkeypatch):
    synced: list[str] = []
    sync = storage._sync_directory

    def noted(path: Path) -> None:
        synced.append(path.name)
        sync(path)

    monkeypatch.setattr(storage, "_sync_directory", noted)
    storage.make_directory(tmp_path / "venues" / "one")
    assert synced == ["venues", tmp_path.name]


def test_a_disk_syncs_what_it_says_it_does(tmp_path, monkeypatch):
    """No test can turn the machine off: that the system is asked is all that can be seen."""
    calls: list[str] = []
    for system in (os.fsync, os.fdatasync):

        def noted(descriptor: int, system: Callable[[int], None] = system) -> None:
            calls.append(system.__name__)
            system(descriptor)

        monkeypatch.setattr(os, system.__name__, noted)
    monkeypatch.setattr(storage, "sync_data", os.fdatasync)
    disk = storage.DiskStorage(tmp_path)
    disk.create(SPARE, 4096)
    assert calls == ["fsync"]
    disk.open(SPARE).sync()
    assert calls == ["fsync", "fdatasync"]
    disk.write_whole(f"{storage.QUARANTINE}/tail", b"abc")
    assert calls == ["fsync", "fdatasync", "fsync"]
    disk.sync_names()
    assert calls == ["fsync", "fdatasync", "fsync", "fsync", "fsync"]
