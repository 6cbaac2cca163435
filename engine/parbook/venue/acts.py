"""The protocol in the public exchange: its commands, what it said, what it knows."""

from __future__ import annotations

from parbook.errors import RefusedError
from parbook.oracle import signing
from parbook.oracle.feed import member_of
from parbook.oracle.state import Observation
from parbook.protocol.answers import Acted, No, entry_of
from parbook.protocol.commands import Observe, Order
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


def feed_domain(feed: int) -> str:
    """Return the feed's part of what sources sign for."""
    return f"feed {feed}"


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

    def report(self, feed: int, observation: Observation, signature: str, *, exchange: str, ts: int = 0) -> Done:
        """Take a signed observation: its signature is verified here, at the edge, and only then is it a command.

        `exchange` is the name that the sources sign for, so that what they say counts nowhere else; the feed's
        part is `feed_domain(feed)`. BAD_SIGNATURE changes nothing and is not journaled. Needs `parbook[oracle]`.
        """
        self._guard()
        command = Observe(feed=feed, observation=observation, signature=signature, ts_ns=ts)
        entry = entry_of(self._core.protocol.feeds, feed)
        member = member_of(entry.feed, observation.source) if entry is not None else None
        # Whom nobody knows the feed refuses by itself, with its own reason.
        if member is not None:
            domain = signing.Domain(exchange=exchange, feed=feed_domain(feed))
            if not signing.verify(member.public_key, domain, observation, signature):
                return Done(command, Acted(No(Refusal.BAD_SIGNATURE), [], []))
        return self.act(command)

    def backing_report(self, token: int, previous: bytes | None = None) -> bytes:
        """Return the proof of an anchored token's backing, to be signed and published; `previous`: the one before.

        See `parbook.anchored.proof`: anybody can check it, and anybody's claim against it. MisuseError. O(state).
        """
        self._guard()
        return self._core.backing_report(token, previous)

    @property
    def protocol(self) -> ProtocolState:
        """What the protocol knows, to look at: whoever changes it changes the venue."""
        self._guard()
        return self._core.protocol

    def said(self, since: int = 1) -> list[Said]:
        """Return what the protocol said, from a number on; the last 65,536 are there. GapError, MisuseError."""
        self._guard()
        return self._hearing.since(since)
