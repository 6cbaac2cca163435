"""What the protocol can be asked to do, as immutable msgspec Structs with ranges.

A command is checked against its types and ranges when it is given; MisuseError names what is wrong.
`account` is who asks, and pays. `ts_ns` as in every command: 0 means now. Money and units are whole micro.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from parbook import canonical
from parbook.errors import AssetError, CorruptionError, MisuseError, shown
from parbook.instrument import Instrument
from parbook.pools.loans import LoanEntry
from parbook.pools.pool import PoolTerms
from parbook.pools.servicing import ServiceRow
from parbook.pools.states import PoolState, TrancheState
from parbook.units import RESERVED_ACCOUNT

Account = Annotated[int, Meta(ge=1, le=RESERVED_ACCOUNT - 1)]
Amount = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Index = Annotated[int, Meta(ge=0, le=2**16 - 1)]
Time = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Order(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What all of them have."""

    ts_ns: Time = 0


class Tick(Order, frozen=True, kw_only=True):
    """Let happen what is due by now."""


# --- pools ----------------------------------------------------------------------------------------------------------


class OpenPool(Order, frozen=True, kw_only=True):
    """Make a pool: an asset with six decimals for every tranche, and for each of `markets` that is given an instrument.

    `quote` is the asset it is paid in, of six decimals. Instruments are named as their `Instrument.symbol` says; a lot
    and a tick must be whole micro.
    """

    terms: PoolTerms
    quote: Index
    markets: tuple[Instrument | None, ...] = ()
    max_fee_ppm: Annotated[int, Meta(ge=0, le=200_000)] = 10_000


class Invest(Order, frozen=True, kw_only=True):
    """Buy units of a tranche from its pool, at the entry price of the high band."""

    pool: Index
    tranche: Index
    account: Account
    amount_micro: Amount


class AddLoans(Order, frozen=True, kw_only=True):
    """Take assets into a pool, all or none; what they cost goes from its cash to `originator`. By its manager."""

    pool: Index
    account: Account
    originator: Account
    entries: tuple[LoanEntry, ...]


class Service(Order, frozen=True, kw_only=True):
    """Report what happened to assets, all or none. `payer` hands over what was collected. By the pool's manager."""

    pool: Index
    account: Account
    payer: Account
    rows: tuple[ServiceRow, ...]


class RunWaterfall(Order, frozen=True, kw_only=True):
    """Pay the pool's fees to its manager and fill its surplus buffer. By its manager."""

    pool: Index
    account: Account


class SetPool(Order, frozen=True, kw_only=True):
    """Move a pool on to another state. By its manager."""

    pool: Index
    account: Account
    state: PoolState


class SetTranche(Order, frozen=True, kw_only=True):
    """Gate, open or close a tranche. By the pool's manager."""

    pool: Index
    tranche: Index
    account: Account
    state: TrancheState


ProtocolCommand = Tick | OpenPool | Invest | AddLoans | Service | RunWaterfall | SetPool | SetTranche

_Command = TypeVar("_Command", bound=Order)


def encode_command(command: Order) -> bytes:
    """Return a command as it is journaled. MisuseError names the field that is of another type or out of range."""
    if not isinstance(command, Order):
        raise MisuseError(f"{shown(command)} is no command of the protocol. Give one of parbook.protocol.commands.")
    try:
        data = canonical.encode(command)
        again: Any = msgspec.json.decode(data, type=ProtocolCommand)
    except (msgspec.ValidationError, AssetError, MisuseError, TypeError, NotImplementedError) as error:
        raise MisuseError(f"{type(command).__name__}: {error}. Mend that field and send it again.") from error
    if again != command:
        raise MisuseError(f"{type(command).__name__}: it does not come back equal. Give plain ints, texts and tuples.")
    return data


def decode_command(data: bytes) -> Order:
    """Return a journaled command; CorruptionError when it is none."""
    try:
        return canonical.decode(data, ProtocolCommand, "a command of the protocol")  # type: ignore[arg-type]
    except (AssetError, MisuseError) as error:
        raise CorruptionError(f"a command of the protocol: {error}") from error
