"""The protocol in the public exchange: its commands, what it said, what it knows."""

from __future__ import annotations

from parbook.errors import RefusedError
from parbook.protocol.answers import Acted, No
from parbook.protocol.commands import Order
from parbook.protocol.events import Said
from parbook.protocol.state import ProtocolState
from parbook.refusals import Refusal
from parbook.venue.base import Base
from parbook.venue.grid import AssetHandle, InstrumentHandle


class Done:
    """What came of a command of the protocol. `said` is in the protocol's own words, `events` in the exchange's."""

    def __init__(self, command: Order, acted: Acted) -> None:
        self.command = command
        self.no: No | None = acted.no
        self.said = tuple(acted.said)
        self.events = tuple(acted.events)

    def __repr__(self) -> str:
        return f"<{type(self.command).__name__} {'done' if self.no is None else self.no.refusal.name}>"

    @property
    def ok(self) -> bool:
        """Whether it was carried out."""
        return self.no is None

    @property
    def code(self) -> Refusal | None:
        """Why it was refused, None when it was not; `detail` says which part of it."""
        return self.no.refusal if self.no else None

    @property
    def detail(self) -> str:
        """Which part of a refused command was the reason, where there are several."""
        return self.no.detail if self.no else ""

    def raise_for_refusal(self) -> None:
        """RefusedError when it was refused."""
        if self.no is not None:
            what = f"{type(self.command).__name__}{f' ({self.no.detail})' if self.no.detail else ''}"
            raise RefusedError(what, self.no.refusal, self.no.refusal.doc)


class Acts(Base):
    """Pools and everything that stands behind a bid. Commands: `parbook.protocol.commands`."""

    def act(self, command: Order) -> Done:
        """Carry out a command of the protocol. A refusal is a value; MisuseError for wrong types or ranges."""
        done = Done(command, self._act(command))
        for index in range(len(self._assets), len(self._core.assets)):
            self._assets.append(AssetHandle(index, self._core.assets[index]))
        for index in range(len(self._instruments), len(self._core.listings)):
            listing = self._core.listings[index]
            handle = InstrumentHandle(index, listing, self._assets[listing.base], self._assets[listing.quote])
            self._instruments.append(handle)
        return done

    def _act(self, command: Order) -> Acted:
        self._guard()
        acted = self._core.act(command)
        self._history.add(acted.events)
        self._hearing.hear(acted.said)
        return acted

    @property
    def protocol(self) -> ProtocolState:
        """What the protocol knows, to look at: whoever changes it changes the venue."""
        self._guard()
        return self._core.protocol

    def said(self, since: int = 1) -> list[Said]:
        """Return what the protocol said, from a number on; the last 65,536 are there. GapError, MisuseError."""
        self._guard()
        return self._hearing.since(since)
