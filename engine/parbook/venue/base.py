"""What every part of the public exchange stands on: the core, its handles, the history, the one writer."""

from __future__ import annotations

import sys
from threading import get_ident
from typing import Protocol, cast

from parbook.errors import MisuseError, shown
from parbook.interface import ExchangeProtocol
from parbook.messages import Command, Event
from parbook.protocol.answers import Acted
from parbook.protocol.commands import Order
from parbook.protocol.events import Said
from parbook.protocol.exchange import BackedExchange
from parbook.protocol.state import ProtocolState
from parbook.units import ACCOUNT_MAX, EVERY_INSTRUMENT, checked_int
from parbook.venue.grid import AssetHandle, InstrumentHandle
from parbook.venue.hearing import Hearing
from parbook.venue.history import History
from parbook.venue.ids import ClientIds
from parbook.venue.results import Outcome, own_events, refusal_in

InstrumentLike = InstrumentHandle | int
AssetLike = AssetHandle | int


class VenueCore(ExchangeProtocol, Protocol):
    """What a public exchange stands on: an exchange with its protocol."""

    def act(self, command: Order) -> Acted:
        """Carry out a command of the protocol."""

    def take_said(self) -> list[Said]:
        """Return what the protocol said meanwhile."""

    def backing_report(self, token: int, previous: bytes | None = None) -> bytes:
        """Return the proof of a token's backing."""

    @property
    def protocol(self) -> ProtocolState:
        """What the protocol knows."""


def _with_protocol(core: ExchangeProtocol | None) -> VenueCore:
    """Return what a public exchange stands on: with a protocol of its own where it was given none."""
    if core is None:
        return BackedExchange()
    return cast(VenueCore, core) if hasattr(core, "act") else BackedExchange.over(core)


def refuse_free_threading() -> None:
    """Raise MisuseError in a Python that runs without its global lock, on which the one-writer rule leans."""
    enabled = getattr(sys, "_is_gil_enabled", None)
    if enabled is not None and not enabled():
        raise MisuseError(
            "parbook does not support free-threaded Python: nothing in it was tested without the global lock. "
            "Start Python with PYTHON_GIL=1, or use an ordinary build."
        )


def named(account: int) -> str:
    """Return what to call an account in an error; MisuseError when it is no account number."""
    return f"account {checked_int(account, 'account', 0, ACCOUNT_MAX)}"


class Base:
    """An integer-level core with handles and a history. For one thread."""

    def __init__(self, core: ExchangeProtocol | None, retain_events: int) -> None:
        refuse_free_threading()
        self._core: VenueCore = _with_protocol(core)
        self._owner = get_ident()
        self._ids = ClientIds()
        self._assets = [AssetHandle(index, asset) for index, asset in enumerate(self._core.assets)]
        self._instruments = [
            InstrumentHandle(index, listing, self._assets[listing.base], self._assets[listing.quote])
            for index, listing in enumerate(self._core.listings)
        ]
        of_markets = sum(self._core.market(index).next_seq - 1 for index in range(len(self._instruments)))
        self._history = History(retain_events, of_markets + self._core.next_seq - 1, self._guard)
        self._hearing = Hearing(self._core.protocol.next_said)

    # --- one writer -----------------------------------------------------------------------------

    def _guard(self) -> None:
        if get_ident() != self._owner:
            raise MisuseError(
                "this exchange belongs to another thread: an exchange has one writer, and its readers share the "
                "writer's thread. Send the call there, or hand the exchange over with take_over()."
            )

    def take_over(self) -> None:
        """Make the calling thread the one that may use the exchange. No call may be under way in the old one."""
        self._owner = get_ident()

    # --- handles --------------------------------------------------------------------------------

    @property
    def assets(self) -> tuple[AssetHandle, ...]:
        """All assets, by index."""
        return tuple(self._assets)

    @property
    def instruments(self) -> tuple[InstrumentHandle, ...]:
        """All instruments, by index."""
        return tuple(self._instruments)

    def asset(self, asset: AssetLike | str) -> AssetHandle:
        """Return the handle of an index or a name. MisuseError when there is none, or it is another exchange's."""
        self._guard()
        if isinstance(asset, str):
            found = next((handle for handle in self._assets if handle.name == asset), None)
        else:
            index = checked_int(asset, "asset", 0, 2**64)
            found = self._assets[index] if index < len(self._assets) else None
        if found is None or (isinstance(asset, AssetHandle) and asset.name != found.name):
            raise MisuseError(f"asset={shown(asset)}: the exchange has {shown(self._assets)}. Add it with add_asset().")
        return found

    def instrument(self, instrument: InstrumentLike | str) -> InstrumentHandle:
        """Return the handle of an index or a symbol. MisuseError when there is none, or it is another exchange's."""
        self._guard()
        if isinstance(instrument, str):
            found = next((handle for handle in self._instruments if handle.name == instrument), None)
        else:
            index = checked_int(instrument, "instrument", 0, 2**64)
            found = self._instruments[index] if index < len(self._instruments) else None
        if found is None or (isinstance(instrument, InstrumentHandle) and instrument.name != found.name):
            raise MisuseError(
                f"instrument={shown(instrument)}: the exchange has {shown(self._instruments)}. "
                "Add it with add_instrument()."
            )
        return found

    def _scope(self, instrument: InstrumentLike | None) -> tuple[int, str]:
        """Return the index that stands for one instrument or, for None, for all of them, and how to call it."""
        if instrument is None:
            return EVERY_INSTRUMENT, "every instrument"
        handle = self.instrument(instrument)
        return int(handle), handle.name

    # --- commands -------------------------------------------------------------------------------

    def _run(self, command: Command) -> tuple[Event, ...]:
        """Send a command to the core and retain what it caused."""
        self._guard()
        events = tuple(self._core.apply(command))
        self._history.add(events)
        self._hearing.hear(self._core.take_said())
        return events

    def _outcome(self, what: str, command: Command) -> Outcome:
        events = self._run(command)
        return Outcome(what=what, code=refusal_in(own_events(events)), events=events)
