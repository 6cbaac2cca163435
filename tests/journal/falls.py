"""What a fall of the machine may leave of a MemoryDisk: every such rest is a table of files, a disk for the next life.

LOST       nothing that was pending is there
TORN       all of it is there, but the last write is cut at a byte, or any of its sectors are missing
REORDERED  any version of each pending sector, and any of the pending names
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from random import Random

from tests.journal.memory_disk import File, MemoryDisk, put, sectors

Files = dict[str, bytes]


def lost(disk: MemoryDisk) -> Files:
    """Return what is left when everything pending is gone."""
    return disk.files()


def torn(disk: MemoryDisk, cuts: int, draw: Random) -> Iterator[Files]:
    """Yield what is left when everything pending is there but a part of the last write: cut, or without some sectors.

    `cuts`: how many places to cut at, and how many choices of sectors; all there are when they are fewer.
    """
    if disk.last_write is None:
        return
    file, index = disk.last_write
    if index >= len(file.pending):
        return
    write = file.pending[index]
    content = _but_last(file, index)
    size = len(write.data)
    for cut in range(size + 1) if size < cuts else sorted({0, size, *(draw.randrange(size) for _ in range(cuts))}):
        yield _with(disk, file, content, [(write.offset, write.data[:cut])])
    pieces = sectors(write)
    few = len(pieces) < cuts.bit_length()
    for mask in range(2 ** len(pieces)) if few else [draw.getrandbits(len(pieces)) for _ in range(cuts)]:
        yield _with(disk, file, content, [piece for number, piece in enumerate(pieces) if mask >> number & 1])


def _but_last(file: File, index: int) -> bytearray:
    content = bytearray(file.medium)
    for write in file.pending[:index]:
        put(content, write.data, write.offset)
    return content


def _with(disk: MemoryDisk, last: File, content: bytearray, pieces: list[tuple[int, bytes]]) -> Files:
    files = {}
    for name, file in disk.names_seen.items():
        rest = bytearray(content) if file is last else _but_last(file, len(file.pending))
        if file is last:
            for start, piece in pieces:
                put(rest, piece, start)
        files[name] = bytes(rest)
    return files


def reordered(disk: MemoryDisk, draw: Random) -> Files:
    """Return what is left when any of what was pending is there."""
    names = dict(disk.names_durable)
    for link in disk.links:
        if draw.random() < 0.5:
            link.apply(names)
    return {name: bytes(file.settled(draw)) for name, file in names.items()}


def anything_pending(disk: MemoryDisk) -> bool:
    """Whether a fall could leave more than one thing."""
    return bool(disk.links) or any(file.pending for file in disk.names_seen.values())


def fingerprint(files: Files) -> bytes:
    """Return what tells one rest from another."""
    state = blake2b(digest_size=12)
    for name, content in sorted(files.items()):
        state.update(f"{name} {len(content)} ".encode())
        state.update(content)
    return state.digest()
