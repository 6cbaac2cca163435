"""A Storage in memory that keeps what is on the medium apart from what the system merely has. The rules of the model:

- A file has a `view`, which every reader of the running system sees, and a `medium`, which is there after the machine
  fell. A write changes the view and is *pending* until a sync of that file puts all that is pending on the medium.
- Sectors of 512 bytes are written whole or not at all. Until the sync each sector may hold any of the versions it went
  through, whatever its neighbours hold. A torn write, cut at any byte, is offered besides: some media do that.
- Names are pending until sync_names: links, renames and removals, each done in one step or not at all, each one by
  itself. A file under a pending name has its content by its own rules.
- `create` and `write_whole` are three operations: the file appears empty, its content is written, it is synced. When
  one of the last two fails, the file is gone again, as the protocol has it.
- A sync that fails leaves any part of what was pending on the medium, and nothing is pending afterwards: the view shows
  data that no later sync will write, as a page cache does after a failed fsync.
- A write that fails has written any beginning of its data. A failed change of names did nothing.
- A medium that lies: a write is reported and synced, and never happens, or happens in another place; the view is right
  until the machine falls.

Every operation is counted from 1, reads and openings among them. At the numbers in `plan` something else happens.
After a Crash every further operation raises Crash too: no `finally` under test changes what a crash leaves.
"""

from __future__ import annotations

import errno
from random import Random
from typing import Final, NamedTuple

from parbook.journal.storage import QUARANTINE

SECTOR: Final = 512


class Crash(BaseException):
    """The machine fell, or the process was killed. No Exception, so that no code under test swallows it."""


class Fall(NamedTuple):
    """Raise Crash when the operation has begun and nothing has covered it."""


class Refuse(NamedTuple):
    """Raise OSError. `seed` decides how much of a write, or of what a sync should have covered, is there."""

    errno: int
    seed: int = 0


class Lie(NamedTuple):
    """Report a write that never reaches the medium, or reaches it in `name` at `offset`."""

    name: str = ""
    offset: int = 0


Plan = Fall | Refuse | Lie


class Write(NamedTuple):
    """What is pending of a file. `lie`: where the medium will put it instead."""

    offset: int
    data: bytes
    lie: Lie | None = None


class File:
    """A file, whatever its names."""

    def __init__(self, content: bytes = b"") -> None:
        self.view = bytearray(content)
        self.medium = bytearray(content)
        self.pending: list[Write] = []

    def write(self, data: bytes, offset: int, lie: Lie | None = None) -> None:
        """Change the view."""
        put(self.view, data, offset)
        self.pending.append(Write(offset, data, lie))

    def settled(self, draw: Random) -> bytearray:
        """Return what the medium may hold with any version of each pending sector."""
        content = bytearray(self.medium)
        versions: dict[int, list[tuple[int, bytes]]] = {}
        for write in self.pending:
            if write.lie is None:
                for start, piece in sectors(write):
                    versions.setdefault(start // SECTOR, []).append((start, piece))
        for pieces in versions.values():
            for start, piece in pieces[: draw.randint(0, len(pieces))]:
                put(content, piece, start)
        return content


class Link(NamedTuple):
    """A pending change of names: `file` is called `name`, and no longer `old`. None: nothing is called so."""

    name: str
    file: File | None
    old: str = ""

    def apply(self, names: dict[str, File]) -> None:
        """Change a table of names."""
        if self.old and names.get(self.old) is self.file:
            del names[self.old]
        if self.file is None:
            names.pop(self.name, None)
        else:
            names[self.name] = self.file


def put(content: bytearray, data: bytes, offset: int) -> None:
    """Write into a file's bytes; what lies between its end and the offset becomes zeros."""
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def sectors(write: Write) -> list[tuple[int, bytes]]:
    """Return a write's pieces, each within one sector, with their offsets."""
    pieces = []
    start, end = write.offset, write.offset + len(write.data)
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        pieces.append((start, write.data[start - write.offset : stop - write.offset]))
        start = stop
    return pieces


class MemoryHandle:
    """An open file of a MemoryDisk."""

    def __init__(self, disk: MemoryDisk, name: str, file: File) -> None:
        self._disk = disk
        self._name = name
        self._file = file

    def write(self, data: bytes, offset: int) -> None:
        """Write, pending."""
        self._disk.write_into(self._file, self._name, data, offset)

    def sync(self) -> None:
        """Put what is pending on the medium."""
        self._disk.sync_file(self._file, self._name)

    def close(self) -> None:
        """Nothing is held."""


class MemoryDisk:
    """The files of one journal in memory. `on_medium` are the files and names that are there after a fall."""

    def __init__(self, on_medium: dict[str, bytes] | None = None) -> None:
        self.names_seen = {name: File(content) for name, content in (on_medium or {}).items()}
        self.names_durable = dict(self.names_seen)
        self.links: list[Link] = []
        self.plan: dict[int, Plan] = {}
        self.full = False
        """Nothing that grows finds room: making a file, writing a new one."""
        self.count = 0
        self.trace: list[tuple[str, str]] = []
        """Every operation so far: what it was, and the name of its file."""
        self.last_write: tuple[File, int] | None = None
        """The last write, by its place among what is pending of its file."""
        self.dead = False

    # --- what happens at an operation -------------------------------------------------------------

    def _begin(self, what: str, name: str) -> Plan | None:
        if self.dead:
            raise Crash
        self.count += 1
        self.trace.append((what, name))
        return self.plan.get(self.count)

    def _end(self, plan: Plan | None) -> None:
        if isinstance(plan, Fall):
            self.dead = True
            raise Crash

    def _only(self, what: str, name: str) -> None:
        """Count an operation that changes nothing, or nothing when it is refused."""
        plan = self._begin(what, name)
        if isinstance(plan, Refuse):
            raise OSError(plan.errno, "refused by plan")
        self._end(plan)

    def _link(self, what: str, link: Link) -> None:
        plan = self._begin(what, link.name)
        if isinstance(plan, Refuse):
            raise OSError(plan.errno, "refused by plan")
        link.apply(self.names_seen)
        self.links.append(link)
        self._end(plan)

    def write_into(self, file: File, name: str, data: bytes, offset: int) -> None:
        """Write into a file, pending."""
        plan = self._begin("write", name)
        if isinstance(plan, Refuse):
            done = Random(plan.seed).randint(0, len(data)) if plan.seed else 0
            file.write(data[:done], offset)
            raise OSError(plan.errno, "refused by plan")
        file.write(data, offset, plan if isinstance(plan, Lie) else None)
        self.last_write = (file, len(file.pending) - 1)
        self._end(plan)

    def sync_file(self, file: File, name: str) -> None:
        """Put what is pending of a file on the medium."""
        plan = self._begin("sync", name)
        if isinstance(plan, Refuse):
            file.medium = file.settled(Random(plan.seed))
            file.pending.clear()
            raise OSError(plan.errno, "refused by plan")
        self._end(plan)
        for write in file.pending:
            if write.lie is None:
                put(file.medium, write.data, write.offset)
            elif write.lie.name in self.names_seen:
                put(self.names_seen[write.lie.name].medium, write.data, write.lie.offset)
        file.pending.clear()

    # --- the protocol -----------------------------------------------------------------------------

    def names(self) -> list[str]:
        """List what a reader sees."""
        self._only("names", "")
        return sorted(name for name in self.names_seen if not name.startswith(QUARANTINE))

    def size(self, name: str) -> int:
        """Return the size a reader sees."""
        self._only("size", name)
        return len(self._found(name).view)

    def read(self, name: str, offset: int = 0, size: int = -1) -> bytes:
        """Return bytes that a reader sees."""
        self._only("read", name)
        end = None if size < 0 else offset + size
        return bytes(memoryview(self._found(name).view)[offset:end])

    def open(self, name: str) -> MemoryHandle:
        """Open a file to write into it."""
        self._only("open", name)
        return MemoryHandle(self, name, self._found(name))

    def create(self, name: str, size: int, *, gently: bool = False) -> None:
        """Make a file of zeros."""
        self._make(name, bytes(size))

    def write_whole(self, name: str, data: bytes) -> None:
        """Make a file with this content."""
        self._make(name, data)

    def _make(self, name: str, data: bytes) -> None:
        file = File()
        if self.full:
            raise OSError(errno.ENOSPC, "no room")
        self._link("create", Link(name, file))
        try:
            self.write_into(file, name, data, 0)
            self.sync_file(file, name)
        except OSError:
            gone = Link(name, None)
            gone.apply(self.names_seen)
            self.links.append(gone)
            raise

    def rename(self, name: str, to: str) -> None:
        """Give a file another name."""
        self._link("rename", Link(to, self._found(name), name))

    def remove(self, name: str) -> None:
        """Take a file's name away."""
        self._found(name)
        self._link("remove", Link(name, None))

    def sync_names(self) -> None:
        """Put the names on the medium."""
        self._only("sync_names", "")
        for link in self.links:
            link.apply(self.names_durable)
        self.links.clear()

    def _found(self, name: str) -> File:
        file = self.names_seen.get(name)
        if file is None:
            raise FileNotFoundError(errno.ENOENT, "no such file", name)
        return file

    # --- the next life ----------------------------------------------------------------------------

    def files(self) -> dict[str, bytes]:
        """Return what is on the medium, by durable name."""
        return {name: bytes(file.medium) for name, file in sorted(self.names_durable.items())}

    def restarted(self) -> MemoryDisk:
        """Return this disk for a process that comes after this one: the system lives on with all it has pending."""
        copies = {id(file): file for file in _every_file(self)}
        for key, file in copies.items():
            twin = File()
            twin.view, twin.medium, twin.pending = bytearray(file.view), bytearray(file.medium), list(file.pending)
            copies[key] = twin
        disk = MemoryDisk()
        disk.names_seen = {name: copies[id(file)] for name, file in self.names_seen.items()}
        disk.names_durable = {name: copies[id(file)] for name, file in self.names_durable.items()}
        disk.links = [link._replace(file=None if link.file is None else copies[id(link.file)]) for link in self.links]
        return disk


def _every_file(disk: MemoryDisk) -> list[File]:
    linked = [link.file for link in disk.links if link.file is not None]
    return [*disk.names_seen.values(), *disk.names_durable.values(), *linked]
