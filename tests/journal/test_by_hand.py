"""Journals made by hand, each with one thing that no crash and no careful writer leaves."""

from __future__ import annotations

import pytest

from parbook import messages as m
from parbook.errors import CorruptionError, JournalDamageError
from parbook.journal.durable import Durability
from parbook.journal.exchange import DurableExchange
from parbook.journal.layout import SEGMENT_HEADER_BYTES, Frame, Kind, encode_frame
from parbook.journal.lock import DirectoryFence, NoFence
from parbook.journal.opening import Options, assemble, open_exchange
from parbook.journal.recovery import recover
from parbook.journal.segments import segment_names
from parbook.journal.storage import QUARANTINE
from parbook.listing import Asset
from tests.journal.damage import frames
from tests.journal.driver import Driver
from tests.journal.falls import Files, lost
from tests.journal.memory_disk import MemoryDisk
from tests.journal.script import script

FIRST = "00000000000000000001-000001.segment"


def exchange_on(disk: MemoryDisk, **settings: int) -> DurableExchange:
    options = Options(durability=Durability.EVERY, segment_bytes=4096, outcome_window=64)
    return assemble(disk, NoFence(**settings), options)


def journal_of(*amounts: int, disk: MemoryDisk | None = None) -> Files:
    """Write a journal of an asset and deposits, and turn the machine off."""
    disk = disk or MemoryDisk()
    exchange = exchange_on(disk)
    exchange._durable.add_asset(Asset(name="USD"))
    for amount in amounts:
        exchange.apply(m.Deposit(account=1, asset=0, amount_atoms=amount))
    return lost(disk)


def with_frames(files: Files, found: list[Frame], **changes: int | bytes) -> Files:
    """Return the files with these frames written anew, the last of them changed, its checksum right."""
    content = bytearray(files[FIRST])
    offset, previous = SEGMENT_HEADER_BYTES, 0
    for frame in found:
        fields = {name: getattr(frame, name) for name in frame.__struct_fields__}
        fields |= {"previous": previous} | (changes if frame is found[-1] else {})
        for name in ("offset", "end", "crc"):
            del fields[name]
        fields["kind"] = Kind(fields["kind"])
        data, previous = encode_frame(**fields)
        content[offset : offset + len(data)] = data
        offset += len(data)
    return files | {FIRST: bytes(content)}


def balance(files: Files) -> int:
    return recover(MemoryDisk(files)).core.balance(1, 0)


def test_a_record_of_another_past_is_no_successor():
    """Its number and its own checksum are right: the chain alone tells."""
    one, other = journal_of(5, 7, 9), journal_of(6, 8, 9)
    here, there = list(frames(one[FIRST])), list(frames(other[FIRST]))
    assert here[-1].offset == there[-1].offset
    mixed = one[FIRST][: here[-1].offset] + other[FIRST][here[-1].offset :]
    assert balance(one) == 21
    assert balance({FIRST: mixed}) == 12


def test_a_segment_of_another_past_does_not_follow():
    day = script(3)
    files = [lost(_run(day, durability)) for durability in (Durability.EVERY, Durability.NONE)]
    second = segment_names(sorted(files[0]))[1]
    assert second in files[1]
    assert files[0][second][:64] != files[1][second][:64]
    mixed = {name: files[0][name] for name in segment_names(list(files[0]))}
    mixed[second] = files[1][second]
    with pytest.raises(JournalDamageError, match="comes after it"):
        recover(MemoryDisk(mixed), outcome_window=64)


def _run(day, durability: Durability) -> MemoryDisk:
    disk = MemoryDisk()
    Driver(day, disk, durability).run()
    return disk


@pytest.mark.parametrize(("field", "value"), [("command", 9), ("position", 9), ("now_ns", 9)])
def test_a_replay_that_goes_another_way_is_stopped_at_once(field, value):
    files = journal_of(5, 7)
    found = list(frames(files[FIRST]))
    with pytest.raises(CorruptionError, match="the writer stood at"):
        balance(with_frames(files, found, **{field: value}))


def test_a_seal_that_names_another_state_is_not_believed():
    disk = MemoryDisk()
    with exchange_on(disk) as exchange:
        exchange._durable.add_asset(Asset(name="USD"))
    files = lost(disk)
    found = list(frames(files[FIRST]))
    assert found[-1].kind == Kind.SEAL
    with pytest.raises(CorruptionError, match="says the state was"):
        balance(with_frames(files, found, payload=bytes(32)))


def test_what_is_cut_off_is_kept_in_quarantine():
    files = journal_of(5, 7)
    tail = b"torn" * 20
    end = list(frames(files[FIRST]))[-1].end
    content = bytearray(files[FIRST])
    content[end + 64 : end + 64 + len(tail)] = tail
    disk = MemoryDisk({FIRST: bytes(content)})
    exchange_on(disk)
    kept = [name for name in lost(disk) if name.startswith(QUARANTINE)]
    assert [lost(disk)[name] for name in kept] == [bytes(64) + tail]
    assert lost(disk)[FIRST] == files[FIRST]


def test_a_flipped_bit_anywhere_in_a_head_is_damage():
    """Also where nothing reads it: a head is written once, before anybody relies on it."""
    files = journal_of(5)
    for bit in range(8 * SEGMENT_HEADER_BYTES):
        content = bytearray(files[FIRST])
        content[bit // 8] ^= 1 << bit % 8
        with pytest.raises(JournalDamageError, match="the head of the segment is damaged"):
            balance({FIRST: bytes(content)})


def test_the_last_record_standing_in_another_place_is_damage():
    """A medium that misdirected the last write: no crash does that, so that it is no torn tail."""
    files = journal_of(5, 7)
    last = list(frames(files[FIRST]))[-1]
    content = bytearray(files[FIRST])
    frame = bytes(content[last.offset : last.end])
    content[last.offset : last.end] = bytes(len(frame))
    content[2048 : 2048 + len(frame)] = frame
    with pytest.raises(JournalDamageError, match="stands at 2048, where it never was"):
        balance({FIRST: bytes(content)})


def test_a_segment_that_is_missing_is_missed():
    day = script(3)
    disk = MemoryDisk()
    Driver(day, disk, Durability.EVERY).run()
    files = {name: content for name, content in lost(disk).items() if name in segment_names(list(lost(disk)))}
    assert len(files) > 1
    for name in sorted(files)[:-1]:
        with pytest.raises(JournalDamageError):
            recover(MemoryDisk({other: content for other, content in files.items() if other != name}))


def test_a_snapshot_without_any_segment_is_damage():
    day = script(1, changes=16)
    files = lost(_run(day, Durability.EVERY))
    snapshots = {name: content for name, content in files.items() if name.endswith(".snapshot")}
    assert snapshots
    with pytest.raises(JournalDamageError, match="is gone"):
        recover(MemoryDisk(snapshots), outcome_window=64)


# --- epochs ---------------------------------------------------------------------------------------


def test_a_journal_whose_epoch_was_lost_is_not_written_to_as_by_a_fenced_writer(tmp_path):
    """A restored copy without the count: a segment of a smaller epoch would be left out at the next opening."""
    open_exchange(tmp_path).close()
    fence = DirectoryFence.seize(tmp_path)
    fence.close()
    with open_exchange(tmp_path) as exchange:
        exchange._durable.add_asset(Asset(name="USD"))
    (tmp_path / "writer.epoch").unlink()
    with open_exchange(tmp_path) as exchange:
        exchange._durable.add_asset(Asset(name="EUR"))
    with open_exchange(tmp_path) as exchange:
        assert [asset.name for asset in exchange.core.assets] == ["USD", "EUR"]
    fence = DirectoryFence.take(tmp_path)
    assert fence.epoch == 2
    fence.close()


def test_a_new_epoch_begins_a_segment_behind_a_torn_tail():
    disk = MemoryDisk()
    files = journal_of(5, 7, disk=disk)
    end = list(frames(files[FIRST]))[-1].end
    content = bytearray(files[FIRST])
    content[end : end + 3] = b"bad"
    disk = MemoryDisk({FIRST: bytes(content)})
    exchange_on(disk, epoch=2).apply(m.Deposit(account=1, asset=0, amount_atoms=1))
    assert balance(lost(disk)) == 13
    assert "00000000000000000005-000002.segment" in lost(disk)
