"""A venue with a protocol, run twice at once: over the compiled exchange and over the reference, always compared."""

from __future__ import annotations

from typing import Any

import msgspec

from parbook import canonical
from parbook import messages as m
from parbook.listing import Asset
from parbook.protocol import commands as c
from parbook.protocol.answers import Acted
from parbook.protocol.events import Refused, Said
from parbook.protocol.exchange import BackedExchange
from parbook.protocol.state import ProtocolState
from parbook.reference.exchange import Exchange as ReferenceExchange
from parbook.refusals import Refusal

MICRO = 10**6
NANO = 10**9
SECOND = 10**9
DAY = 86_400 * SECOND
MANAGER = 1


class ReferenceBacked(BackedExchange):
    """The same over the reference."""

    base = ReferenceExchange


class House:
    """Both venues. Every command goes to both; answers and states must agree, and every invariant hold."""

    def __init__(self, *, check: bool = True) -> None:
        self.one, self.two = BackedExchange(), ReferenceBacked()
        self.checks = check
        self.said: list[Said] = []

    @property
    def protocol(self) -> ProtocolState:
        """What the protocol knows."""
        return self.one.protocol

    def asset(self, name: str, decimals: int = 6) -> int:
        """Add an asset."""
        asset = Asset(name=name, decimals=decimals)
        assert self.one.add_asset(asset) == self.two.add_asset(asset)
        return len(self.one.assets) - 1

    def act(self, command: c.Order) -> Acted:
        """Carry out a command of the protocol on both."""
        acted, other = self.one.act(command), self.two.act(command)
        assert acted == other
        self.said += acted.said
        self._agree()
        return acted

    def do(self, command: c.Order) -> Any:
        """Carry out a command that must succeed and return the last thing said about it."""
        acted = self.act(command)
        assert acted.no is None, acted.no
        return acted.said[-1] if acted.said else None

    def no(self, command: c.Order) -> Refusal:
        """Carry out a command that must be refused; it has changed nothing but time. Return why."""
        tick = c.Tick(ts_ns=command.ts_ns)
        if not command.ts_ns or command.ts_ns >= self.one.now_ns:
            self.act(tick)
        before = self.stands()
        acted = self.act(command)
        assert acted.no is not None, acted.said
        self.unmoved(acted, before)
        return acted.no.refusal

    def stands(self) -> tuple[bytes, bytes]:
        """Return all that the exchange and the protocol know, but how much was said."""
        return self.one.core.state_bytes(), canonical.encode(msgspec.structs.replace(self.protocol, next_said=0))

    def unmoved(self, acted: Acted, before: tuple[bytes, bytes]) -> None:
        """Test that a refused command whose time had come before it changed nothing, and said that alone."""
        assert acted.no is not None
        assert [type(said) for said in acted.said] == [Refused], acted
        assert acted.events == []
        assert self.stands() == before, acted

    def apply(self, command: m.Command) -> list[m.Event]:
        """Apply a command of the exchange to both."""
        events = self.one.apply(command)
        assert events == self.two.apply(command)
        said = self.one.take_said()
        assert said == self.two.take_said()
        self.said += said
        self._agree()
        return events

    def give(self, account: int, asset: int, micro: int) -> None:
        """Deposit money or units."""
        self.apply(m.Deposit(account=account, asset=asset, amount_atoms=micro))

    def has(self, account: int, asset: int) -> int:
        """Return a balance."""
        return self.one.balance(account, asset)

    def _agree(self) -> None:
        assert self.one.state_hash() == self.two.state_hash()
        if self.checks:
            self.one.check()
            self.two.check()

    def reload(self) -> None:
        """Go on with what the state says: nothing else may be remembered."""
        for name in ("one", "two"):
            exchange: BackedExchange = getattr(self, name)
            state = exchange.state_bytes()
            again = type(exchange).from_state(state, exchange.assets, exchange.listings)
            assert again.state_bytes() == state
            setattr(self, name, again)
