"""`parbook.open`: what is in a directory becomes an exchange that goes on there."""

from __future__ import annotations

import os
import secrets
from importlib import metadata
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from parbook.errors import JournalDamageError, MisuseError, shown
from parbook.journal.barriers import DiskBarriers, PlainBarriers
from parbook.journal.catalogue import Catalogue
from parbook.journal.durable import Durability, DurableCore
from parbook.journal.exchange import DurableExchange, Replayed, Settled
from parbook.journal.layout import SEGMENT_BYTES, Kind
from parbook.journal.lock import DirectoryFence, Fence
from parbook.journal.payloads import Start, encode_value
from parbook.journal.recovery import Recovered, recover, settle
from parbook.journal.retention import Retention
from parbook.journal.scan import REMEDY
from parbook.journal.segments import Writer, segment_names
from parbook.journal.stock import spare_names
from parbook.journal.storage import QUARANTINE, DiskStorage, Storage, make_directory
from parbook.protocol.exchange import BackedExchange
from parbook.units import checked_int
from parbook.venue.history import RETAINED_EVENTS

_Choice = TypeVar("_Choice", Durability, Retention)

OUTCOMES: Final = 65536
CHECKPOINT_BYTES: Final = 2**30
"""So much journal makes a checkpoint due, unless told otherwise: about ten million commands, seconds to replay."""
SEGMENT_BYTES_MIN: Final = 4096
SPARE_SEGMENTS_MAX: Final = 1024
SPARE_BYTES_MAX: Final = 2**36
"""64 GiB of zeros, the most spares of the usual size: a stock is for a burst, and must not be what fills the disk."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How a journal is written; see `open_exchange`, whose arguments these are.

    `in_background`: segments are made and barriers of "group" run by threads of their own. Without it, nobody runs a
    barrier for what was submitted but flush() and the next call.
    """

    durability: Durability = Durability.GROUP
    segment_bytes: int = SEGMENT_BYTES
    spare_segments: int = 1
    outcome_window: int = OUTCOMES
    retain_events: int = RETAINED_EVENTS
    checkpoint_bytes: int = CHECKPOINT_BYTES
    checkpoint_ns: int = 0
    retention: Retention = Retention.ALL
    in_background: bool = False


def open_exchange(
    path: str | os.PathLike[str],
    *,
    durability: Durability | str = Durability.GROUP,
    segment_bytes: int = SEGMENT_BYTES,
    spare_segments: int = 1,
    outcome_window: int = OUTCOMES,
    retain_events: int = RETAINED_EVENTS,
    checkpoint_bytes: int = CHECKPOINT_BYTES,
    checkpoint_ns: int = 0,
    retention: Retention | str = Retention.ALL,
) -> DurableExchange:
    """Open the journal in a directory, or begin one, and return the exchange as it stood at the last sound record.

    `durability`: see Durability. `segment_bytes`: size of the files the journal is written to. `spare_segments`: how
    many of them are made ahead, a single one while the current one fills, more from now on; prepare() waits for them.
    `outcome_window` counts when a journal begins. events() goes back to the newest snapshot, within `retain_events`.
    Snapshots are taken after so many bytes of journal and after so many ns of the exchange's clock; 0: never.
    `retention`: see Retention.

    JournalLockedError: somebody has it open. JournalDamageError: an acknowledged record is damaged or missing; nothing
    was changed. SchemaError: another version wrote it. O(state + records behind the newest snapshot).
    """
    options = Options(
        durability=_chosen(Durability, durability, "durability"),
        segment_bytes=checked_int(segment_bytes, "segment_bytes", SEGMENT_BYTES_MIN, 2**31),
        spare_segments=checked_int(spare_segments, "spare_segments", 1, SPARE_SEGMENTS_MAX),
        outcome_window=checked_int(outcome_window, "outcome_window", 1, OUTCOMES),
        retain_events=checked_int(retain_events, "retain_events", 1, 2**40),
        checkpoint_bytes=checked_int(checkpoint_bytes, "checkpoint_bytes", 0, 2**62),
        checkpoint_ns=checked_int(checkpoint_ns, "checkpoint_ns", 0, 2**62),
        retention=_chosen(Retention, retention, "retention"),
        in_background=True,
    )
    _check_stock(options)
    root = Path(path)
    if root.exists() and not root.is_dir():
        raise MisuseError(f"{root} is a file. Name a directory: a journal is several files.")
    make_directory(root)
    fence = DirectoryFence.take(root)
    catalogue = Catalogue(root)
    try:
        storage = DiskStorage(root)
        missing = catalogue.missing_segments(segment_names(storage.names()))
        if missing:
            raise JournalDamageError(missing[0], 0, 0, "the catalogue knows this segment, and it is gone", REMEDY)
        return assemble(storage, fence, options, catalogue)
    except BaseException:
        catalogue.close()
        fence.close()
        raise


def assemble(
    storage: Storage,
    fence: Fence,
    options: Options,
    catalogue: Catalogue | None = None,
    make: type[BackedExchange] = BackedExchange,
) -> DurableExchange:
    """Recover what is in a storage, mend its end, and return the exchange that goes on there. `make`: see `recover`."""
    replayed = Replayed(options.retain_events)
    recovered = recover(
        storage, make=make, on_events=replayed.add, on_said=replayed.hear, outcome_window=options.outcome_window
    )
    _clear_away(storage, recovered)
    return go_on(storage, fence, options, recovered, replayed, catalogue)


def _check_stock(options: Options) -> None:
    wanted = options.spare_segments * options.segment_bytes
    if wanted > SPARE_BYTES_MAX:
        raise MisuseError(
            f"spare_segments={options.spare_segments} of segment_bytes={options.segment_bytes} are {wanted} bytes of "
            f"zeros on the disk, more than {SPARE_BYTES_MAX}. Ask for fewer, or for smaller segments."
        )


def _writer_name() -> str:
    try:
        return f"parbook {metadata.version('parbook')}"
    except metadata.PackageNotFoundError:
        # Copied into an application's own tree and never installed: it writes the same journal.
        return "parbook, not installed"


def go_on(
    storage: Storage,
    fence: Fence,
    options: Options,
    recovered: Recovered,
    replayed: Replayed,
    catalogue: Catalogue | None = None,
) -> DurableExchange:
    """Return the exchange that continues what was recovered, in a new segment when the epoch is a new one."""
    end = recovered.end
    # A crash may have left a segment without its first record: the journal has its identity already.
    start = recovered.start or Start(
        journal=end.journal.hex() or secrets.token_hex(16),
        outcome_window=options.outcome_window,
        written_by=_writer_name(),
    )
    fence.catch_up(end.epoch)
    writer = Writer(
        storage,
        journal=bytes.fromhex(start.journal),
        epoch=fence.epoch,
        segment_bytes=options.segment_bytes,
        spare_segments=options.spare_segments,
        barriers=DiskBarriers() if options.in_background else PlainBarriers(),
        in_background=options.in_background,
    )
    if catalogue is not None:
        writer.on_segment = catalogue.segment
        catalogue.opened(
            epoch=fence.epoch,
            durability=options.durability,
            written_by=start.written_by,
            snapshot=recovered.snapshot,
            replayed=recovered.replayed_records,
            first_record=end.record + 1,
        )
    writer.go_on(end.segment if end.epoch == fence.epoch else "", end.offset, end.record, end.crc)
    core = DurableCore(recovered.core, writer, fence, options.durability, recovered.position)
    try:
        if end.record == 0:
            core.journal(Kind.START, encode_value(start))
            core.barrier()
        settled = Settled(
            start=start,
            recovered=recovered,
            retention=options.retention,
            checkpoint_bytes=options.checkpoint_bytes,
            checkpoint_ns=options.checkpoint_ns,
            catalogue=catalogue,
        )
        return DurableExchange(core, storage, settled, replayed)
    except BaseException:
        core.close()
        raise


def _clear_away(storage: Storage, recovered: Recovered) -> None:
    """Take a torn tail, a segment nobody used and snapshots that are no good out of the way. Nothing of it is lost."""
    for name in spare_names(storage.names()):
        storage.remove(name)
    for name in recovered.skipped:
        storage.rename(name, f"{QUARANTINE}/{name}")
    if recovered.skipped:
        storage.sync_names()
    settle(storage, recovered.end)


def _chosen(kind: type[_Choice], value: str, what: str) -> _Choice:
    try:
        return kind(value)
    except ValueError:
        raise MisuseError(f"{what}={shown(value)} is none. There are {', '.join(kind)}.") from None
