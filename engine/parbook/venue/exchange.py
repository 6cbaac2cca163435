"""The public exchange: assets, instruments and accounts in memory, in a person's units."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import msgspec

from parbook.codes import Side
from parbook.errors import MisuseError
from parbook.interface import CurveState, ExchangeProtocol, MarketProtocol
from parbook.messages import Command, Event
from parbook.records import Records
from parbook.state import digest
from parbook.units import ACCOUNT_MAX, checked_int
from parbook.venue.acts import Acts
from parbook.venue.base import InstrumentLike, named
from parbook.venue.choices import chosen
from parbook.venue.grid import Exact, InstrumentHandle, one_of
from parbook.venue.history import RETAINED_EVENTS
from parbook.venue.markets import Markets
from parbook.venue.money import Money
from parbook.venue.orders import Orders
from parbook.venue.preview import Preview, preview_of


class MarketSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument at a moment. `last_seq` is the number of the last event in its stream; prices 0: none."""

    instrument: InstrumentHandle
    last_seq: int
    open_orders: int
    best_bid_ticks: int
    best_ask_ticks: int
    last_trade_ticks: int
    curve: CurveState | None


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The whole exchange at a moment. `next_event` is where to read on with events(since=)."""

    now_ns: int
    next_command: int
    next_event: int
    markets: tuple[MarketSummary, ...]
    state: bytes

    @property
    def state_hash(self) -> str:
        """The BLAKE2b-256 of `state`, as hex digits."""
        return digest(self.state)


class Exchange(Markets, Orders, Money, Acts):
    """An exchange in memory: `ex = pb.Exchange()`.

    One thread uses it, the one that made it; others get a MisuseError (`take_over` moves it). `core` is what carries
    the commands out, see `parbook.interface.ExchangeProtocol`; one that has a past may be given. `retain_events`: how
    many events events() and aevents() can go back, at least.
    """

    def __init__(self, core: ExchangeProtocol | None = None, *, retain_events: int = RETAINED_EVENTS) -> None:
        super().__init__(core, retain_events)

    # --- integers only --------------------------------------------------------------------------

    @property
    def core(self) -> ExchangeProtocol:
        """The integer-level exchange, to look at. Send commands through apply(): events() retains those alone."""
        return self._core

    def apply(self, command: Command) -> tuple[Event, ...]:
        """Apply one command Struct and return its events."""
        return self._run(command)

    def apply_batch(self, commands: Records) -> Records:
        """Apply an array of COMMAND records and return the read-only array of EVENT records they caused. No parsing."""
        self._guard()
        events = self._core.apply_batch(commands)
        events.flags.writeable = False
        self._history.add(events)
        self._hearing.hear(self._core.take_said())
        return events

    # --- looking --------------------------------------------------------------------------------

    @property
    def now_ns(self) -> int:
        """The clock: the greatest ts of any command so far."""
        return self._core.now_ns

    def market(self, instrument: InstrumentLike) -> MarketProtocol:
        """Return an instrument's market, to look at: orders, queues, the curve. Its commands raise MisuseError."""
        self._guard()
        return self._core.market(int(self.instrument(instrument)))

    def depth(self, instrument: InstrumentLike, levels: int = 10) -> Records:
        """Return DEPTH records, bids best first, then asks; `source` flags the curve's rungs. In ticks and lots."""
        return self.market(instrument).depth(levels)

    def preview(
        self,
        instrument: InstrumentLike,
        account: int,
        side: Side | str,
        qty: Exact | None = None,
        price: Exact | None = None,
        *,
        qty_lots: int | None = None,
        price_ticks: int | None = None,
    ) -> Preview:
        """Say what an order would trade at once, without any effect; what that cannot know: `Preview`.

        Without a price it goes as far as it must. O(levels met + rungs^2).
        """
        market, handle = self.market(instrument), self.instrument(instrument)
        what = f"preview on {handle.name} for {named(account)}"
        checked_int(account, "account", 1, ACCOUNT_MAX)
        one_of(qty, qty_lots, "qty", "qty_lots")
        one_of(price, price_ticks, "price", "price_ticks")
        if qty is None and qty_lots is None:
            raise MisuseError(f"{what}: no quantity. Give qty= or qty_lots=.")
        # The integer forms take the same road: a number of lots is what it says.
        lots = handle.qty_lots(qty) if qty is not None else checked_int(qty_lots, "qty_lots", 1, 2**38 - 1)
        limit = price_ticks if price is None else handle.price_ticks(price)
        wanted = chosen(Side, side, "side")
        pays_with = handle.quote if wanted is Side.BUY else handle.base
        available = self._core.available(account, int(pays_with))
        return preview_of(handle, market, wanted, limit, lots, self._core.fees_of(account), available)

    def snapshot(self) -> Snapshot:
        """Return the whole exchange as it stands. O(state)."""
        self._guard()
        markets = []
        for handle in self._instruments:
            market = self._core.market(int(handle))
            summary = MarketSummary(
                instrument=handle,
                last_seq=market.next_seq - 1,
                open_orders=market.open_orders,
                best_bid_ticks=market.best_bid_ticks,
                best_ask_ticks=market.best_ask_ticks,
                last_trade_ticks=market.last_trade_ticks,
                curve=market.curve,
            )
            markets.append(summary)
        return Snapshot(
            now_ns=self._core.now_ns,
            next_command=self._core.next_command,
            next_event=self._history.end,
            markets=tuple(markets),
            state=self._core.state_bytes(),
        )

    def state_hash(self) -> str:
        """Return the BLAKE2b-256 of everything that can influence a later event. O(state)."""
        self._guard()
        return self._core.state_hash()

    def check(self) -> None:
        """Raise InvariantError unless every market and the ledger are sound. O(state)."""
        self._guard()
        self._core.check()

    # --- events ---------------------------------------------------------------------------------

    @property
    def next_event(self) -> int:
        """Position of the next event: how many the exchange has emitted, in all streams together."""
        return self._history.end

    def events(self, since: int = 0) -> Iterator[Records]:
        """Yield the EVENT arrays, one a call or batch, from position `since` on; the first may start inside a batch.

        Read on with since += len(batch). At least the last `retain_events` are there: GapError names the oldest
        available when `since` lies before it, or when it was overtaken between two batches. The arrays are read-only.
        """
        self._guard()
        self._history.check(since)
        return self._history.read(since)

    def aevents(self, since: int | None = None) -> AsyncIterator[Records]:
        """Yield as events(), from now on by default, and wait for more without end: `async for batch in ex.aevents()`.

        It runs in the exchange's thread, whose event loop it shares. GapError when its reader fell too far behind.
        """
        self._guard()
        start = self._history.end if since is None else since
        self._history.check(start)
        return self._history.follow(start)
