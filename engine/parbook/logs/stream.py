"""Read a log's bytes in order, whatever compressed them, and name the place when that fails."""

from __future__ import annotations

import gzip
import lzma
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self, cast

from parbook.errors import LogFormatError

GZIP_MAGIC: Final = b"\x1f\x8b"
XZ_MAGIC: Final = b"\xfd7zXZ\x00"
BLOCK_BYTES: Final = 1 << 20
"""Bytes read at once: large against the cost of a call, small against a cache."""

LINE_MAX_BYTES: Final = 1 << 20
"""No line of a text log is longer."""


class ByteStream:
    """The decompressed bytes of one file: plain, gzip or xz, recognised by content and never by name.

    Holds one block at a time. LogFormatError for a file that is missing, unreadable, a directory, empty,
    or whose compressed data are damaged or cut off.
    """

    def __init__(self, path: Path) -> None:
        """Open `path` and check that it holds at least one byte."""
        self.path = path
        self.offset = 0
        try:
            if path.is_dir():
                raise LogFormatError(str(path), "it is a directory", "Name one log file inside it.")
            self._raw = path.open("rb")
        except OSError as error:
            reason = error.strerror or str(error)
            raise LogFormatError(
                str(path), f"it cannot be opened ({reason})", "Check the path and its permissions."
            ) from None
        self.size = os.fstat(self._raw.fileno()).st_size
        if self.size == 0:
            self._raw.close()
            raise LogFormatError(str(path), "the file is empty", "Fetch it again, or name another file.")
        magic = self._raw.read(len(XZ_MAGIC))
        self._raw.seek(0)
        self._data: IO[bytes] = self._raw
        if magic.startswith(GZIP_MAGIC):
            self._data = cast(IO[bytes], gzip.GzipFile(fileobj=self._raw, mode="rb"))
        elif magic == XZ_MAGIC:
            self._data = cast(IO[bytes], lzma.LZMAFile(self._raw))  # noqa: SIM115 (closed by close())

    def restart(self) -> None:
        """Go back to the first byte."""
        self._data.seek(0)
        self.offset = 0

    @property
    def position(self) -> int:
        """Bytes of the file itself read so far, compressed as they are."""
        return self.size if self._raw.closed else min(self._raw.tell(), self.size)

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer only at the end."""
        try:
            data = self._data.read(size)
        except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, OSError) as error:
            raise LogFormatError(
                f"{self.path}, decompressed byte {self.offset} or later",
                f"the compressed data are damaged or cut off ({error})",
                "Fetch the file again and compare its size and checksum with the source.",
            ) from None
        self.offset += len(data)
        return data

    def lines(self) -> Iterator[bytes]:
        """Yield the remaining lines without their line ends. Holds one block and one line."""
        tail = b""
        while block := self.read(BLOCK_BYTES):
            pieces = (tail + block).split(b"\n")
            tail = pieces.pop()
            if len(tail) > LINE_MAX_BYTES:
                raise LogFormatError(
                    f"{self.path}, decompressed byte {self.offset - len(tail)}",
                    f"a line of more than {LINE_MAX_BYTES} bytes; expected text in lines",
                    "This is no LOBSTER file, or its line ends are lost.",
                )
            for piece in pieces:
                yield piece.removesuffix(b"\r")
        if tail:
            yield tail.removesuffix(b"\r")

    def close(self) -> None:
        """Close the file."""
        self._data.close()
        self._raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
