"""Markets and exchanges that are made anew from their state before every command: whatever they forget, they show."""

from __future__ import annotations

import os
from typing import Any

from parbook.instrument import Instrument
from parbook.interface import ExchangeProtocol, MarketProtocol
from parbook.listing import Asset, Listing
from parbook.messages import Command, Event
from parbook.records import Records

RELOADED = os.environ.get("PARBOOK_RELOADED") == "1"
"""Whether the tables of market and exchange are played by these: tests/restore/test_tables.py asks for it."""


class _Reloaded:
    """Hands everything on; before a command it has its inner one forget all that its state does not say."""

    inner: Any

    def reload(self) -> None:
        """Replace the inner one by what its state makes of it; the bytes must stay the same."""
        raise NotImplementedError

    def apply(self, command: Command) -> list[Event]:
        self.reload()
        events: list[Event] = self.inner.apply(command)
        return events

    def apply_batch(self, commands: Records) -> Records:
        self.reload()
        events: Records = self.inner.apply_batch(commands)
        return events

    def place(self, *args: Any, **fields: Any) -> Any:
        self.reload()
        return self.inner.place(*args, **fields)

    def amend(self, *args: Any, **fields: Any) -> Any:
        self.reload()
        return self.inner.amend(*args, **fields)

    def cancel(self, *args: Any, **fields: Any) -> int:
        self.reload()
        code: int = self.inner.cancel(*args, **fields)
        return code

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def reloaded_market(kind: Any) -> Any:
    """Return the class of markets of an implementation that are reloaded before every command."""

    class ReloadedMarket(_Reloaded):
        def __init__(self, instrument: Instrument) -> None:
            self.inner: MarketProtocol = kind(instrument)

        def reload(self) -> None:
            state = self.inner.state_bytes()
            self.inner = kind.from_state(self.inner.instrument, state)
            assert self.inner.state_bytes() == state

    return ReloadedMarket


def reloaded_exchange(kind: Any) -> Any:
    """Return the class of exchanges of an implementation that are reloaded before every command."""

    class ReloadedExchange(_Reloaded):
        def __init__(self, **settings: Any) -> None:
            self.inner: ExchangeProtocol = kind(**settings)

        def reload(self) -> None:
            state = self.inner.state_bytes()
            self.inner = kind.from_state(state, self.inner.assets, self.inner.listings)
            assert self.inner.state_bytes() == state

        def add_asset(self, asset: Asset) -> int:
            return self.inner.add_asset(asset)

        def add_instrument(self, listing: Listing) -> int:
            return self.inner.add_instrument(listing)

    return ReloadedExchange
