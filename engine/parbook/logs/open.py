"""Open an order log by what is in it, whatever it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from parbook.errors import LogFormatError
from parbook.logs.itch import ItchLog
from parbook.logs.itch_encode import LENGTHS, PREFIX_BYTES
from parbook.logs.lobster import LobsterLog, is_message_row
from parbook.logs.native import MAGIC, NativeLog
from parbook.logs.stream import ByteStream

_HEAD_BYTES: Final = 4096
_FORMATS: Final = "Known are ITCH 5.0, LOBSTER message files and parbook's own log, each plain, gzip or xz."


def open_log(
    path: str | Path, *, symbol: str | None = None, truth: str | Path | None = None
) -> ItchLog | LobsterLog | NativeLog:
    """Open `path` as the log it is: parbook's own (by its magic), ITCH 5.0 or a LOBSTER message file.

    `symbol` keeps one symbol of an ITCH file, and must be the symbol of any other; `truth` is the order book
    file of a LOBSTER message file. LogFormatError when the file is missing, unreadable, empty, a directory or
    of no known format, when it has no such symbol, and when `truth` is given for another format.
    """
    path = Path(path)
    with ByteStream(path) as stream:
        head = stream.read(_HEAD_BYTES)
    if not head:
        raise LogFormatError(str(path), "the file decompresses to nothing", "Fetch it again, or name another file.")
    log: ItchLog | LobsterLog | NativeLog
    if head.startswith(MAGIC):
        log = NativeLog(path)
    elif _is_itch(head):
        log = ItchLog(path, symbol)
    elif is_message_row(head.partition(b"\n")[0].removesuffix(b"\r")):
        log = LobsterLog(path, truth)
    else:
        raise LogFormatError(str(path), f"its first bytes, {head[:16]!r}, are of no known log format", _FORMATS)
    if truth is not None and not isinstance(log, LobsterLog):
        raise LogFormatError(str(truth), f"{path} is no LOBSTER message file, so it has no book file", "Drop truth.")
    if symbol is not None:
        log.instrument(symbol)
    return log


def _is_itch(head: bytes) -> bool:
    """An ITCH file starts with the length of a message, or zero, and the message's type."""
    prefix = int.from_bytes(head[:PREFIX_BYTES], "big")
    length = LENGTHS.get(head[PREFIX_BYTES : PREFIX_BYTES + 1].decode("latin-1"))
    return length is not None and prefix in (0, length)
