"""Whole states on the medium: written under another name, synced, renamed, two of them kept.

magic       8   SNAPSHOT_MAGIC
crc         u32 CRC-32C of the rest of the head
crc_at      u32 checksum of the frame of `record`
record      u64 the last record whose effect is in the state
command     u64 number of the exchange's next command
position    u64 how many events the exchange had emitted
now_ns      i64 its clock
journal     16  identity of the journal
listed      u64 bytes of the JSON that says what is listed
state       u64 bytes of the state, as parbook.exchange_state has it
digest      32  BLAKE2b-256 of both
state_hash  32  BLAKE2b-256 of the state: what a core that holds it must answer
"""

from __future__ import annotations

import struct
from hashlib import blake2b
from typing import Final, Protocol

import msgspec

from parbook.interface import ExchangeProtocol
from parbook.journal.layout import crc32c
from parbook.journal.payloads import Start
from parbook.journal.storage import Storage
from parbook.listing import Asset, Listing

SNAPSHOT_MAGIC: Final = b"PBSNAP01"
GENERATIONS: Final = 2
"""How many snapshots stay: when the newest is damaged, the one before serves, with a longer replay."""
_HEAD: Final = struct.Struct("<8sIIQQQq16sQQQ32s32s")
_SUFFIX: Final = ".snapshot"


class Stands(Protocol):
    """Behind which record a core stands: its number and checksum, where its frame ends in which segment."""

    @property
    def record(self) -> int:
        """Its number."""

    @property
    def crc(self) -> int:
        """The checksum of its frame."""

    @property
    def segment(self) -> str:
        """Where it stands."""

    @property
    def offset(self) -> int:
        """Where its frame ends there."""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """What a state's bytes do not say: names, decimals, grids, what the exchange was made with, and where it stood.

    `segment` holds the frame of the snapshot's record.
    """

    segment: str
    outcome_window: int
    assets: tuple[Asset, ...]
    listings: tuple[Listing, ...]


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot in memory."""

    record: int
    crc: int
    command: int
    position: int
    now_ns: int
    journal: bytes
    offset: int
    listed: Listed
    state: bytes

    @property
    def state_hash(self) -> str:
        """The BLAKE2b-256 of the state, hex."""
        return blake2b(self.state, digest_size=32).hexdigest()


def take(core: ExchangeProtocol, stands: Stands, *, position: int, start: Start) -> Stored:
    """Return a core's state as a snapshot behind the record where it stands. O(state)."""
    return Stored(
        record=stands.record,
        crc=stands.crc,
        command=core.next_command,
        position=position,
        now_ns=core.now_ns,
        journal=bytes.fromhex(start.journal),
        offset=stands.offset,
        listed=Listed(
            segment=stands.segment,
            outcome_window=start.outcome_window,
            assets=core.assets,
            listings=core.listings,
        ),
        state=core.state_bytes(),
    )


def snapshot_name(record: int) -> str:
    """Return the name of the snapshot behind that record."""
    return f"{record:020d}{_SUFFIX}"


def snapshot_names(names: list[str]) -> list[str]:
    """Return those names that are snapshots', oldest first."""
    return [name for name in names if name.endswith(_SUFFIX) and name[:20].isdigit()]


def encode(stored: Stored) -> bytes:
    """Return a snapshot's file."""
    listed = msgspec.json.encode(stored.listed)
    digest = blake2b(listed + stored.state, digest_size=32).digest()
    fields = (
        stored.crc,
        stored.record,
        stored.command,
        stored.position,
        stored.now_ns,
        stored.journal,
        stored.offset,
        len(listed),
        len(stored.state),
        digest,
        bytes.fromhex(stored.state_hash),
    )
    head = _HEAD.pack(SNAPSHOT_MAGIC, 0, *fields)
    return b"".join((_HEAD.pack(SNAPSHOT_MAGIC, crc32c(head[12:]), *fields), listed, stored.state))


def decode(data: bytes) -> Stored | str:
    """Return the snapshot in a file, or what is wrong with it."""
    if len(data) < _HEAD.size or data[:8] != SNAPSHOT_MAGIC:
        return "it does not begin as a snapshot does"
    (
        _,
        crc,
        crc_at,
        record,
        command,
        position,
        now_ns,
        journal,
        offset,
        listed_bytes,
        state_bytes,
        digest,
        state_hash,
    ) = _HEAD.unpack_from(data)
    if crc32c(data[12 : _HEAD.size]) != crc:
        return "its head is damaged"
    if len(data) != _HEAD.size + listed_bytes + state_bytes:
        return f"it has {len(data)} bytes, not {_HEAD.size + listed_bytes + state_bytes}"
    if blake2b(memoryview(data)[_HEAD.size :], digest_size=32).digest() != digest:
        return "its content is damaged"
    try:
        listed = msgspec.json.decode(data[_HEAD.size : _HEAD.size + listed_bytes], type=Listed)
    except msgspec.DecodeError as error:
        return f"what it lists cannot be read: {error}"
    stored = Stored(
        record=record,
        crc=crc_at,
        command=command,
        position=position,
        now_ns=now_ns,
        journal=journal,
        offset=offset,
        listed=listed,
        state=data[_HEAD.size + listed_bytes :],
    )
    return stored if bytes.fromhex(stored.state_hash) == state_hash else "its state is not the one it names"


def write(storage: Storage, stored: Stored, by: str = "writer") -> str:
    """Put a snapshot on the medium and return its name. Everything up to its record must be durable. OSError.

    `by`: writer and follower may be at it at the same time, each in a file of its own until it has its name.
    """
    name, part = snapshot_name(stored.record), f"part-of-{by}"
    storage.write_whole(part, encode(stored))
    storage.rename(part, name)
    storage.sync_names()
    return name


def read(storage: Storage, name: str) -> Stored | str:
    """Return a snapshot, or what is wrong with it. OSError as the storage has it."""
    stored = decode(storage.read(name))
    if isinstance(stored, Stored) and snapshot_name(stored.record) != name:
        return "it has the name of another"
    return stored
