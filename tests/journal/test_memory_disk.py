"""The memory disk keeps its own rules: what the fault matrix proves is worth what this model is worth."""

from __future__ import annotations

import errno
from random import Random

import pytest

from tests.journal.falls import lost, reordered, torn
from tests.journal.memory_disk import SECTOR, Crash, Fall, Lie, MemoryDisk, Refuse


def disk_with(name: str = "a", size: int = 2048) -> MemoryDisk:
    disk = MemoryDisk()
    disk.create(name, size)
    disk.sync_names()
    return disk


def test_what_is_not_synced_is_lost_and_what_is_synced_is_not():
    disk = disk_with()
    handle = disk.open("a")
    handle.write(b"one", 0)
    handle.sync()
    handle.write(b"two", 10)
    assert disk.read("a", 10, 3) == b"two"
    assert lost(disk)["a"] == b"one".ljust(2048, b"\0")


def test_a_name_is_lost_until_the_names_are_synced():
    disk = disk_with()
    disk.rename("a", "b")
    assert (disk.names(), list(lost(disk))) == (["b"], ["a"])
    disk.sync_names()
    assert list(lost(disk)) == ["b"]


def test_a_torn_write_is_cut_everywhere_and_lacks_any_sector():
    disk = disk_with()
    disk.open("a").write(b"x" * 1200, 100)
    rests = {files["a"] for files in torn(disk, 2000, Random(1))}
    cuts = {b"\0" * 100 + b"x" * n for n in range(1201)}
    assert {rest.rstrip(b"\0") or b"\0" * 100 for rest in rests} >= cuts
    sectors = {tuple(bool(rest[at : at + SECTOR].strip(b"\0")) for at in (0, SECTOR, 2 * SECTOR)) for rest in rests}
    assert len(sectors) == 8


def test_each_sector_keeps_any_of_its_versions_and_each_name_is_there_or_not():
    disk = disk_with()
    handle = disk.open("a")
    handle.write(b"1" * 1024, 0)
    handle.write(b"2" * 512, 0)
    disk.write_whole("b", b"new")
    draw = Random(1)
    rests = [reordered(disk, draw) for _ in range(200)]
    assert {(chr(rest["a"][0]), chr(rest["a"][600])) for rest in rests} == {(x, y) for x in "\x0012" for y in "\x001"}
    assert {"b" in rest for rest in rests} == {True, False}


def test_a_failed_sync_leaves_anything_and_the_next_one_writes_none_of_it():
    rests = set()
    for seed in range(40):
        disk = disk_with()
        handle = disk.open("a")
        handle.write(b"x" * 1024, 0)
        disk.plan[disk.count + 1] = Refuse(errno.EIO, seed)
        with pytest.raises(OSError, match="refused"):
            handle.sync()
        before = lost(disk)["a"]
        handle.sync()
        assert lost(disk)["a"] == before
        assert disk.read("a", 0, 1024) == b"x" * 1024
        rests.add(before.strip(b"\0"))
    assert rests == {b"", b"x" * 512, b"x" * 1024}


def test_a_refused_file_leaves_nothing_and_a_refused_write_a_beginning():
    disk = disk_with()
    for number in range(1, 4):
        disk.plan = {disk.count + number: Refuse(errno.ENOSPC)}
        with pytest.raises(OSError, match="refused"):
            disk.create("b", 512)
        assert disk.names_seen.keys() == {"a"}
    lengths = set()
    for seed in range(1, 40):
        disk.plan = {disk.count + 2: Refuse(errno.EIO, seed)}
        handle = disk.open("a")
        with pytest.raises(OSError, match="refused"):
            handle.write(b"x" * 4, 4 * seed)
        lengths.add(disk.read("a", 4 * seed, 4).count(b"x"))
    assert lengths == {0, 1, 2, 3, 4}


def test_a_lie_is_seen_when_the_machine_has_fallen():
    for lie, there in ((Lie(), {"a": 0, "b": 0}), (Lie("b", 64), {"a": 0, "b": 64})):
        disk = disk_with()
        disk.create("b", 512)
        disk.sync_names()
        disk.plan[disk.count + 2] = lie
        handle = disk.open("a")
        handle.write(b"x", 0)
        handle.sync()
        assert disk.read("a", 0, 1) == b"x"
        assert {name: max(content.find(b"x"), 0) for name, content in lost(disk).items()} == there


def test_after_a_crash_every_operation_crashes_and_nothing_changes():
    disk = disk_with()
    disk.plan[disk.count + 1] = Fall()
    with pytest.raises(Crash):
        disk.remove("a")
    for operation in (disk.names, disk.sync_names, lambda: disk.open("a"), lambda: disk.write_whole("b", b"")):
        with pytest.raises(Crash):
            operation()
    assert list(lost(disk)) == ["a"]


def test_a_process_that_comes_after_sees_what_was_written_and_can_lose_it_still():
    disk = disk_with()
    disk.open("a").write(b"x", 0)
    disk.rename("a", "b")
    other = disk.restarted()
    assert other.read("b", 0, 1) == b"x"
    assert lost(other) == {"a": bytes(2048)}
    other.open("b").sync()
    other.sync_names()
    assert lost(other)["b"][:1] == b"x"
    assert lost(disk) == {"a": bytes(2048)}


def test_operations_are_counted_one_by_one():
    disk = disk_with()
    assert [what for what, _ in disk.trace] == ["create", "write", "sync", "sync_names"]
    assert disk.count == 4
