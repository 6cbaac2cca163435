"""The only part of the journal that touches files. Everything else asks a Storage, and tests give it another one."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

_ZEROS: Final = bytes(2**20)
_PORTION: Final = 8 * 2**20
_GENTLE_PORTION: Final = 2**17
"""Zeros are written and synced in portions: who commits meanwhile waits for no more than one."""


class Handle(Protocol):
    """An open file of a fixed size."""

    def write(self, data: bytes, offset: int) -> None:
        """Write all of `data`, or raise OSError."""

    def sync(self) -> None:
        """Return when everything written is on the medium; OSError when it may not be."""

    def close(self) -> None:
        """Let go of the file."""


class Storage(Protocol):
    """The files of one journal, by name. Every method raises OSError as the system does."""

    def names(self) -> list[str]:
        """Return the names of all files, sorted; not those in quarantine."""

    def size(self, name: str) -> int:
        """Return a file's size in bytes."""

    def read(self, name: str, offset: int = 0, size: int = -1) -> bytes:
        """Return a file's bytes from `offset` on, `size` of them unless it ends before."""

    def create(self, name: str, size: int, *, gently: bool = False) -> None:
        """Make a file of zeros that are on the medium, its name not necessarily. Nothing is left of one that failed.

        `gently`: slower, so that who commits meanwhile hardly waits.
        """

    def open(self, name: str) -> Handle:
        """Open an existing file to write into it."""

    def write_whole(self, name: str, data: bytes) -> None:
        """Make a file with this content and sync the content."""

    def rename(self, name: str, to: str) -> None:
        """Give a file another name, in one step; a file of that name is replaced."""

    def remove(self, name: str) -> None:
        """Remove a file."""

    def sync_names(self) -> None:
        """Return when every name made, changed or removed is so on the medium."""


def write_all(descriptor: int, data: bytes, offset: int) -> None:
    """Write all of `data` at an offset: the system may take less than it was given."""
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        if written <= 0:
            raise OSError(5, "nothing could be written")
        view, offset = view[written:], offset + written


sync_data: Final = getattr(os, "fdatasync", os.fsync)
"""fdatasync(2), where there is one."""


def make_directory(path: Path) -> None:
    """Make a directory and those above it that are missing, their names on the medium."""
    made = [path, *(above for above in path.parents if not above.exists())]
    path.mkdir(parents=True, exist_ok=True)
    for one in made:
        # Who may not look into a directory did not make it either.
        with suppress(PermissionError):
            _sync_directory(one.parent)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class DiskHandle:
    """A file of a directory."""

    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def write(self, data: bytes, offset: int) -> None:
        """Write all of `data`."""
        write_all(self.descriptor, data, offset)

    def sync(self) -> None:
        """Wait for the medium. The size never changes, so that the data is all there is to sync."""
        sync_data(self.descriptor)

    def close(self) -> None:
        """Close the file."""
        os.close(self.descriptor)


class DiskStorage:
    """A directory. What is in quarantine stands in a directory of that name inside it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def names(self) -> list[str]:
        """List the directory."""
        return sorted(entry.name for entry in os.scandir(self.root) if entry.is_file())

    def size(self, name: str) -> int:
        """Ask for a file's size."""
        return (self.root / name).stat().st_size

    def read(self, name: str, offset: int = 0, size: int = -1) -> bytes:
        """Read a file."""
        with (self.root / name).open("rb", buffering=0) as file:
            file.seek(offset)
            parts = []
            while size != 0:
                part = file.read(size)
                if not part:
                    break
                parts.append(part)
                size = size - len(part) if size > 0 else size
            return parts[0] if len(parts) == 1 else b"".join(parts)

    def create(self, name: str, size: int, *, gently: bool = False) -> None:
        """Make a file and write its zeros: what is merely reserved would have to be noted at every sync."""
        portion = _GENTLE_PORTION if gently else _PORTION
        zeros = _ZEROS[:portion]
        path = self.root / name
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            for offset in range(0, size, len(zeros)):
                write_all(descriptor, zeros[: size - offset], offset)
                if (offset + len(zeros)) % portion == 0:
                    sync_data(descriptor)
            os.fsync(descriptor)
        except OSError:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        os.close(descriptor)

    def open(self, name: str) -> DiskHandle:
        """Open a file."""
        return DiskHandle(self.root / name)

    def write_whole(self, name: str, data: bytes) -> None:
        """Write a file and sync it; nothing is left of one that failed."""
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            write_all(descriptor, data, 0)
            os.fsync(descriptor)
        except OSError:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        os.close(descriptor)

    def rename(self, name: str, to: str) -> None:
        """Rename a file."""
        (self.root / to).parent.mkdir(exist_ok=True)
        (self.root / name).replace(self.root / to)

    def remove(self, name: str) -> None:
        """Remove a file."""
        (self.root / name).unlink()

    def sync_names(self) -> None:
        """Sync the directory, and that of the quarantine."""
        for path in (self.root, self.root / QUARANTINE):
            if path.is_dir():
                _sync_directory(path)


QUARANTINE: Final = "quarantine"
"""Where repair and recovery put what they took out. Nothing is ever deleted from there."""
