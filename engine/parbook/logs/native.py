"""parbook's own order log: COMMAND records behind a self-describing header, closed by a checksum.

Layout, little-endian:
    magic        8 bytes  b"PARBKLOG"
    version      u16      1; 2 when the curve's `resale` is not ALONG, so that an older reader does not pass over it
    record size  u16      64
    metadata     u32      length of the MessagePack map that follows
    metadata     instrument, optional CURVE record, provenance
    records      COMMAND records
    trailer      u64 record count, 4 bytes b"PEND", u32 CRC-32 (zlib) of every byte before these last four
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec
import numpy as np

from parbook.codes import CommandKind, CurveResale
from parbook.errors import LogFormatError, MisuseError
from parbook.instrument import Instrument
from parbook.logs.stream import BLOCK_BYTES, ByteStream
from parbook.messages import SetCurve
from parbook.records import COMMAND, CURVE, SPECIAL_FIELDS, Records, curve_from_record, curve_record

MAGIC: Final = b"PARBKLOG"
VERSIONS: Final = (1, 2)
METADATA_MAX_BYTES: Final = 1 << 20
"""No header carries more metadata than this."""

_HEAD: Final = struct.Struct("<8sHHI")
_TRAILER: Final = struct.Struct("<Q4sI")
_TRAILER_MAGIC: Final = b"PEND"
_CRC_BYTES: Final = 4
_SPECIAL_KINDS: Final = frozenset(int(kind) for kind in SPECIAL_FIELDS)
_BATCH_KINDS: Final = np.array([kind for kind in CommandKind if kind is not CommandKind.SET_CURVE], np.uint8)
_WRITE_AGAIN: Final = "Write the log again, or take an undamaged copy."


class _Metadata(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    instrument: Instrument
    curve: bytes | None = None
    provenance: str = ""


class NativeWriter:
    """Writes one native log. Use as a context manager: leaving it normally writes the trailer.

    When the block inside raises, the file stays without its trailer, so that no reader takes it for whole.
    """

    def __init__(
        self, path: str | Path, instrument: Instrument, curve: SetCurve | None = None, provenance: str = ""
    ) -> None:
        """Create `path`, replacing what is there. `provenance` says in free text where the commands come from."""
        record = None if curve is None else curve_record(curve).tobytes()
        metadata = msgspec.msgpack.encode(_Metadata(instrument=instrument, curve=record, provenance=provenance))
        if len(metadata) > METADATA_MAX_BYTES:
            raise MisuseError(f"the metadata take {len(metadata)} bytes, at most {METADATA_MAX_BYTES} are allowed.")
        self.count = 0
        self._crc = 0
        self._file = Path(path).open("wb")  # noqa: SIM115 (closed by close() and discard())
        version = VERSIONS[curve is not None and curve.params.resale != CurveResale.ALONG]
        self._put(_HEAD.pack(MAGIC, version, COMMAND.itemsize, len(metadata)) + metadata)

    def write(self, commands: Records) -> None:
        """Append a one-dimensional COMMAND array; MisuseError for another type or a kind that no batch carries."""
        if commands.dtype != COMMAND or commands.ndim != 1:
            raise MisuseError(f"expected a one-dimensional COMMAND array, not {commands.dtype} x {commands.ndim}.")
        if not np.isin(commands["kind"], _BATCH_KINDS).all():
            raise MisuseError("a record's kind is not a command that a batch can carry. See CommandKind.")
        self._put(commands.tobytes())
        self.count += len(commands)

    def close(self) -> None:
        """Write the trailer and close the file."""
        if self._file.closed:
            return
        self._put(_TRAILER.pack(self.count, _TRAILER_MAGIC, 0)[:-_CRC_BYTES])
        self._file.write(self._crc.to_bytes(_CRC_BYTES, "little"))
        self._file.close()

    def discard(self) -> None:
        """Close the file without its trailer: readers will refuse it."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def _put(self, data: bytes) -> None:
        self._crc = zlib.crc32(data, self._crc)
        self._file.write(data)


class NativeLog:
    """One native log, plain, gzip or xz. Iterating yields COMMAND arrays (a LogSource yields LOG arrays).

    The checksum stands at the end and the file is streamed, so a damaged log raises LogFormatError after the
    records before the damage were yielded: what was computed from them must then be dropped.
    """

    def __init__(self, path: str | Path) -> None:
        """Read the header; LogFormatError when it is wrong."""
        self.path = Path(path)
        self.notes: list[str] = []
        with ByteStream(self.path) as stream:
            self._progress = (0, stream.size)
            metadata, _ = self._header(stream)
        self.curve = self._curve(metadata.curve)
        self.provenance = metadata.provenance
        self.symbols: list[str] = [metadata.instrument.symbol]
        self._instrument = metadata.instrument

    @property
    def progress(self) -> tuple[int, int]:
        """Bytes of the file (compressed as it is) read so far, and in all."""
        return self._progress

    def instrument(self, symbol: str | None = None) -> Instrument:
        """Return the log's instrument; LogFormatError when it is not `symbol`."""
        if symbol is not None and symbol != self._instrument.symbol:
            reason = f"it holds {self._instrument.symbol}, not {symbol!r}"
            raise LogFormatError(str(self.path), reason, "Name another file.")
        return self._instrument

    def __iter__(self) -> Iterator[Records]:
        """Yield COMMAND arrays in file order, then verify count and checksum. Holds one block. O(bytes)."""
        size = COMMAND.itemsize
        count = 0
        with ByteStream(self.path) as stream:
            _, crc = self._header(stream)
            data = b""
            # The last bytes are held back: only at the end is it known that they are the trailer.
            while block := stream.read(BLOCK_BYTES):
                data += block
                whole = max(len(data) - _TRAILER.size, 0) // size * size
                if whole and data[whole - size] in _SPECIAL_KINDS:
                    # Its terms are in the next block: the two must reach the market together.
                    whole -= size
                if whole:
                    crc = zlib.crc32(data[:whole], crc)
                    yield self._records(data[:whole], count)
                    count += whole // size
                    data = data[whole:]
                self._progress = (stream.position, stream.size)
            if len(data) == size + _TRAILER.size:
                # A special command whose terms were never written.
                crc = zlib.crc32(data[:size], crc)
                yield self._records(data[:size], count)
                count += 1
                data = data[size:]
            self._check_trailer(data, count, crc, stream.offset)
            self._progress = (stream.size, stream.size)

    def _records(self, data: bytes, first: int) -> Records:
        records = np.frombuffer(data, COMMAND)
        known = np.isin(records["kind"], _BATCH_KINDS)
        if not known.all():
            at = int(np.argmin(known))
            reason = f"kind {records['kind'][at]} is no command; expected one of {_BATCH_KINDS.tolist()}"
            raise LogFormatError(f"{self.path}, record {first + at + 1}", reason, _WRITE_AGAIN)
        return records

    def _check_trailer(self, data: bytes, count: int, crc: int, end: int) -> None:
        where = f"{self.path}, byte {end - len(data)}"
        if len(data) != _TRAILER.size or data[8:12] != _TRAILER_MAGIC:
            reason = f"the log ends without its trailer after {count} records; it was cut off or never closed"
            raise LogFormatError(where, reason, _WRITE_AGAIN)
        stated, _, stated_crc = _TRAILER.unpack(data)
        if stated != count:
            reason = f"the trailer states {stated} records; found {count}"
            raise LogFormatError(where, reason, _WRITE_AGAIN)
        crc = zlib.crc32(data[:-_CRC_BYTES], crc)
        if stated_crc != crc:
            reason = f"the checksum is {crc:#010x}; the trailer states {stated_crc:#010x}: bytes before it are damaged"
            raise LogFormatError(where, reason, _WRITE_AGAIN)

    def _header(self, stream: ByteStream) -> tuple[_Metadata, int]:
        """Read header and metadata; return the metadata and the checksum so far."""
        where = str(self.path)
        head = stream.read(_HEAD.size)
        if head[: len(MAGIC)] != MAGIC[: len(head)]:
            remedy = "This is no parbook log; parbook.logs.open.open_log recognises the others."
            raise LogFormatError(f"{where}, byte 0", f"magic {head[:8]!r}; expected {MAGIC!r}", remedy)
        if len(head) < _HEAD.size:
            raise LogFormatError(where, f"the header ends after {len(head)} of {_HEAD.size} bytes", _WRITE_AGAIN)
        _, version, record_size, length = _HEAD.unpack(head)
        if version not in VERSIONS:
            remedy = "Read it with the parbook that wrote it, or write it again."
            expected = " or ".join(map(str, VERSIONS))
            raise LogFormatError(f"{where}, byte 8", f"format version {version}; expected {expected}", remedy)
        if record_size != COMMAND.itemsize:
            reason = f"record size {record_size}; expected {COMMAND.itemsize}"
            raise LogFormatError(f"{where}, byte 10", reason, _WRITE_AGAIN)
        if length > METADATA_MAX_BYTES:
            reason = f"{length} bytes of metadata; at most {METADATA_MAX_BYTES} are allowed"
            raise LogFormatError(f"{where}, byte 12", reason, _WRITE_AGAIN)
        packed = stream.read(length)
        if len(packed) < length:
            raise LogFormatError(where, f"the metadata end after {len(packed)} of {length} bytes", _WRITE_AGAIN)
        try:
            metadata = msgspec.msgpack.decode(packed, type=_Metadata)
        except (msgspec.DecodeError, MisuseError, UnicodeDecodeError) as error:
            reason = f"the metadata are not as the format has them ({error})"
            raise LogFormatError(f"{where}, byte {_HEAD.size}", reason, _WRITE_AGAIN) from None
        return metadata, zlib.crc32(packed, zlib.crc32(head))

    def _curve(self, record: bytes | None) -> SetCurve | None:
        if record is None:
            return None
        where = f"{self.path}, metadata"
        if len(record) != CURVE.itemsize:
            reason = f"the curve takes {len(record)} bytes; expected {CURVE.itemsize}"
            raise LogFormatError(where, reason, _WRITE_AGAIN)
        try:
            return curve_from_record(np.frombuffer(record, CURVE))
        except MisuseError as error:
            raise LogFormatError(where, f"the curve cannot be read ({error})", _WRITE_AGAIN) from None
