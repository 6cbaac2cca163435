"""The exchange a world is played on: a pool of two tranches, its feed; curve, desk and queue for the senior units.

Everything goes through `BackedExchange`: this only puts commands together, sends them, and checks after each.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from parbook.codes import CurveShape, OrderType, Side, TimeInForce
from parbook.errors import AssetError, InvariantError
from parbook.instrument import Instrument
from parbook.listing import Asset, fee_atoms
from parbook.messages import CancelOrder, Command, CurveParams, Deposit, Event, NewOrder, Rejected, Trade
from parbook.oracle.rounds import state_at
from parbook.oracle.state import Feed, FeedState, Observation, RoundState
from parbook.oracle.terms import FeedTerms
from parbook.pools.amounts import E12, MICRO, NANO, Rounding, divide, share_of
from parbook.pools.limits import Limits
from parbook.pools.loans import LoanEntry
from parbook.pools.pool import PoolTerms, Shares, TrancheTerms, tranche_prices
from parbook.pools.servicing import Action, ServiceRow
from parbook.pools.states import PoolState
from parbook.protocol import commands as c
from parbook.protocol.answers import Acted
from parbook.protocol.events import Said
from parbook.protocol.exchange import BackedExchange
from parbook.protocol.state import PoolEntry, TrancheEntry
from parbook.refusals import Refusal
from parbook.simulate.credit import Obligor
from parbook.simulate.rhythm import DAY_NS
from parbook.simulate.world import World
from parbook.units import PPM

SENIOR: Final = 0
JUNIOR: Final = 1
MANAGER, BORROWER, PAYER, GUARDIAN, GOVERNOR, ARBITER, FOUNDER, FIRST_LOSS = range(1, 9)
BIDDER: Final = 99
"""Whose the orders are that rest in the book from the beginning."""
MAKERS: Final = 100
HOLDERS: Final = 1000
SOURCES: Final = (1, 2, 3)
TICKS: Final = 10_000
"""Ticks of one unit of money."""
TICK: Final = Decimal(1) / TICKS
START_NS: Final = DAY_NS
_UNHEARD: Final = (Refusal.ORACLE_BAND_TOO_WIDE, Refusal.ORACLE_OUT_OF_RANGE)


def members_of(count: int) -> tuple[tuple[int, str], ...]:
    """Return so many sources, numbered from 1, and their public keys."""
    return tuple((source, hashlib.sha256(f"key {source}".encode()).hexdigest()) for source in range(1, count + 1))


MEMBERS: Final = members_of(len(SOURCES))
"""The sources and their public keys."""


class Venue:
    """A venue that is played on. `checked`: every invariant is tested after every command."""

    def __init__(self, *, checked: bool = True, exchange: BackedExchange | None = None) -> None:
        self.exchange = BackedExchange() if exchange is None else exchange
        self.checked = checked
        self.commands = 0
        self.said: list[Said] = []
        self.usd = self.asset("USD")
        self.sources: tuple[int, ...] = SOURCES
        self.sequence = 0

    # --- commands -------------------------------------------------------------------------------

    def act(self, command: c.Order) -> Acted:
        """Carry out a command of the protocol, refused or not."""
        acted = self.exchange.act(command)
        self._done(acted.said)
        return acted

    def do(self, command: c.Order) -> list[Said]:
        """Carry out a command that must succeed; InvariantError when it is refused."""
        acted = self.act(command)
        if acted.no is not None:
            raise InvariantError(f"{type(command).__name__} was refused: {acted.no.refusal.name} {acted.no.detail}")
        return acted.said

    def apply(self, command: Command) -> list[Event]:
        """Carry out a command of the exchange."""
        events = list(self.exchange.apply(command))
        self._done(self.exchange.take_said())
        return events

    def _done(self, said: list[Said]) -> None:
        self.said += said
        self.commands += 1
        if self.checked:
            self.exchange.check()

    def asset(self, name: str) -> int:
        """Add an asset of six decimals."""
        return self.exchange.add_asset(Asset(name=name, decimals=6))

    def give(self, account: int, asset: int, micro: int) -> None:
        """Deposit money or units; nothing where it is 0."""
        if micro:
            self.apply(Deposit(account=account, asset=asset, amount_atoms=micro))

    def pass_to(self, ts_ns: int) -> list[Said]:
        """Let time pass."""
        return self.act(c.Tick(ts_ns=ts_ns)).said

    # --- looking --------------------------------------------------------------------------------

    @property
    def now_ns(self) -> int:
        """The exchange's clock."""
        return self.exchange.now_ns

    @property
    def entry(self) -> PoolEntry:
        """The pool."""
        return self.exchange.protocol.pools[0]

    @property
    def senior(self) -> TrancheEntry:
        """The senior's place."""
        return self.entry.tranches[SENIOR]

    def has(self, account: int, asset: int) -> int:
        """Return a balance."""
        return self.exchange.balance(account, asset)

    def round_due_ns(self) -> int:
        """Return when a round closes or takes effect next, 0 when none waits: at no other time epochs are struck."""
        waiting = [one.effective_ns for one in self.feed.rounds if one.state is RoundState.PROVISIONAL]
        return min([at_ns for at_ns in (*waiting, self.feed.close_ns) if at_ns], default=0)

    def stale_at_ns(self) -> int:
        """Return until when the feed is trusted if no round takes effect before: now, where it is not."""
        active = self.feed.active
        if not self.entry.trusted or active is None:
            return self.now_ns
        return active.as_of_ns + self.feed.terms.stale_ns

    def feed_state(self) -> FeedState:
        """Return how far the feed may be trusted."""
        return state_at(self.feed, self.now_ns)

    def quoted(self) -> Shares | None:
        """Return the shares in force; None without a fair value."""
        return self.entry.shares

    def exit_nano(self, share_nano: int, tranche: int = SENIOR) -> int:
        """Return the exit price of a unit at a share of what the venue counts, as the pool stands; 0 without units."""
        if not self.entry.pool.tranches[tranche].supply_micro:
            return 0
        return tranche_prices(self.entry.pool, share_nano)[tranche].exit_nano

    def best_bid_ticks(self) -> int:
        """Return the best bid of book and curve, 0 for none."""
        if self.senior.instrument < 0:
            return 0
        levels = self.exchange.market(self.senior.instrument).depth(1)
        bids = levels[levels["side"] == Side.BUY]
        return int(bids["price_ticks"].max()) if len(bids) else 0

    # --- building -------------------------------------------------------------------------------

    def open_pool(self, world: World, **changes: Any) -> None:
        """Open the pool, with its two markets if the world has any, and pay the junior in."""
        self.pass_to(START_NS)
        fields: dict[str, Any] = {
            "name": "SME",
            "manager": MANAGER,
            "tranches": (
                TrancheTerms(
                    name="S", rate_e12=world.senior_rate_e12, minimum_subordination_e12=world.minimum_subordination_e12
                ),
                TrancheTerms(name="J"),
            ),
            "limits": Limits(obligor_e12=E12, counterparty_e12=E12),
            "fee_e12": world.fee_e12,
        }
        markets = tuple(
            Instrument(symbol=name, tick=TICK, lot=Decimal(1)) if world.market else None for name in ("S", "J")
        )
        self.do(c.OpenPool(terms=PoolTerms(**(fields | changes)), quote=self.usd, markets=markets))
        junior = share_of(world.size_micro, world.junior_e12, Rounding.FLOOR)
        # The senior is held in whole units; what is left of one is the junior's.
        self.invest(FIRST_LOSS, junior + (world.size_micro - junior) % MICRO, JUNIOR)

    def invest(self, account: int, micro: int, tranche: int = SENIOR) -> None:
        """Give an account money and let it buy units from the pool."""
        self.give(account, self.usd, micro)
        self.do(c.Invest(pool=0, tranche=tranche, account=account, amount_micro=micro))

    def lend(self, obligors: Sequence[Obligor], *, names: Sequence[str] = ()) -> None:
        """Pay loans out, and bill them so that they count as current."""
        self.do(c.AddLoans(pool=0, account=MANAGER, originator=BORROWER, entries=entries_of(obligors, names)))
        self.service([ServiceRow(one.asset_id, Action.BILL) for one in obligors])

    def service(self, rows: Sequence[ServiceRow]) -> None:
        """Report, and pay what was collected."""
        collected = sum(row.amount_micro for row in rows if row.action in (Action.PAY, Action.RECOVER))
        self.give(PAYER, self.usd, collected)
        if rows:
            self.do(c.Service(pool=0, account=MANAGER, payer=PAYER, rows=tuple(rows)))

    def open_feed(self, terms: FeedTerms | None = None, sources: int = len(SOURCES)) -> None:
        """Open the pool's feed; by default three sources of which two are a quorum."""
        self.sources = tuple(range(1, sources + 1))
        feed_terms = FeedTerms(quorum=2) if terms is None else terms
        self.do(c.OpenFeed(pool=0, terms=feed_terms, arbiter=ARBITER, bond_asset=self.usd, members=members_of(sources)))

    @property
    def feed(self) -> Feed:
        """The pool's feed."""
        return self.exchange.protocol.feeds[0].feed

    def report(self, shares: tuple[int, int, int], noise: random.Random | None = None, noise_ppm: int = 0) -> None:
        """Let all sources report shares, each a little off, none below a thousandth."""
        self.sequence += 1
        for source in self.sources:
            off = noise.randint(-noise_ppm, noise_ppm) if noise else 0
            low, mid, high = (min(max(share * (PPM + off) // PPM, NANO // 1000), NANO) for share in shares)
            self.observe(0, source, (low, mid, high))

    def observe(self, feed: int, source: int, band: tuple[int, int, int]) -> None:
        """Let a source report low, mid and high, seen now, under the number of this round.

        What the feed does not take, a band too wide or a price out of its range, is not heard: it grows older.
        """
        low, mid, high = band
        observation = Observation(
            source=source,
            sequence=self.sequence,
            observed_ns=self.now_ns,
            low_nano=low,
            mid_nano=mid,
            high_nano=high,
            model_hash="0" * 64,
            input_hash="0" * 64,
        )
        no = self.act(c.Observe(feed=feed, observation=observation)).no
        if no is not None and no.refusal not in _UNHEARD:
            raise InvariantError(f"an observation was refused: {no.refusal.name} {no.detail}")

    def open_exits(self, world: World, *, recycle: bool = True) -> None:
        """Open treasury, curve, desk and queue for the senior, those that the world has, and let the pool run off."""
        place: dict[str, Any] = {"pool": 0, "tranche": SENIOR, "account": MANAGER}
        if world.treasury_terms is not None:
            terms, params = world.treasury_terms, self._curve_of(world)
            self.do(c.OpenTreasury(**place, terms=terms, params=params, guardian=GUARDIAN, governor=GOVERNOR))
            if world.reserve_micro:
                self.give(FOUNDER, self.usd, world.reserve_micro)
                self.do(c.FundTreasury(pool=0, tranche=SENIOR, account=FOUNDER, amount_micro=world.reserve_micro))
        if world.desk_terms is not None:
            self.do(c.OpenDesk(**place, terms=world.desk_terms))
        if world.queue_terms is not None:
            self.do(c.OpenQueue(**place, terms=world.queue_terms))
        if recycle:
            self.do(c.SetPool(pool=0, account=MANAGER, state=PoolState.AMORTISING))

    def _curve_of(self, world: World) -> CurveParams:
        """Return the world's curve, or the line over a fifth of the supply that it has without one."""
        if world.curve_params is not None:
            return world.curve_params
        lots = max(self.entry.pool.tranches[SENIOR].supply_micro // MICRO, 1)
        return CurveParams(
            shape=CurveShape.LINEAR,
            base_depth_lots=lots,
            quote_depth_lots=max(lots // 5, 1),
            budget_notional=0,
            drop_ppm=max(world.curve_drop_ppm, 1),
            spread_ppm=1_000,
            rung_ticks=10,
        )

    # --- leaving, trading -----------------------------------------------------------------------

    def sell(self, account: int, units_micro: int, least_ticks: int) -> list[Trade]:
        """Sell whole units at once into whatever bids at least this price; return the trades."""
        lots = units_micro // MICRO
        if lots < 1 or least_ticks < 1 or self.senior.instrument < 0:
            return []
        events = self.order(account, Side.SELL, lots, least_ticks, TimeInForce.IOC)
        return [event for event in events if isinstance(event, Trade)]

    def order(self, account: int, side: Side, lots: int, ticks: int, tif: TimeInForce = TimeInForce.GTC) -> list[Event]:
        """Enter a limit order in the senior's market."""
        return self.apply(
            NewOrder(
                account=account,
                side=side,
                qty_lots=lots,
                price_ticks=ticks,
                order_type=OrderType.LIMIT,
                tif=tif,
                instrument=self.senior.instrument,
            )
        )

    @property
    def max_fee_ppm(self) -> int:
        """The largest fee that the senior's market may take, for which every bid must have the money."""
        return self.exchange.listings[self.senior.instrument].max_fee_ppm

    def rest(self, bids: Sequence[tuple[int, int]]) -> None:
        """Let bids, (ticks, lots), rest in the senior's book, with the money for them; AssetError when refused."""
        for ticks, lots in bids:
            cost = ticks * lots * MICRO // TICKS
            self.give(BIDDER, self.usd, cost + fee_atoms(cost, self.max_fee_ppm))
            for event in self.order(BIDDER, Side.BUY, lots, ticks):
                if isinstance(event, Rejected):
                    reason = f"bids={(ticks, lots)} was refused: {event.code.name}, {event.code.doc}"
                    raise AssetError("world", reason, "Change that bid, or leave it out.")

    def cancel(self, account: int, order_id: int) -> None:
        """Cancel an order."""
        self.apply(CancelOrder(account=account, order_id=order_id, instrument=self.senior.instrument))

    def redeem(self, account: int, units_micro: int, tranche: int = SENIOR) -> Acted:
        """Redeem at the desk as many of these units as it takes."""
        return self.act(c.Redeem(pool=0, tranche=tranche, account=account, units_micro=units_micro, partial=True))

    def request(self, account: int, units_micro: int) -> Acted:
        """Ask the queue."""
        return self.act(c.RequestExit(pool=0, tranche=SENIOR, account=account, units_micro=units_micro))

    def claim(self, account: int) -> None:
        """Have what was struck paid out, where there is anything."""
        acted = self.act(c.ClaimExit(pool=0, tranche=SENIOR, account=account))
        if acted.no is not None and acted.no.refusal is not Refusal.QUEUE_NOTHING_CLAIMABLE:
            raise InvariantError(f"a claim was refused: {acted.no.refusal.name}")

    def digest(self) -> str:
        """Return the hash of the exchange's whole state."""
        return self.exchange.state_hash()


def entries_of(obligors: Sequence[Obligor], names: Sequence[str] = ()) -> tuple[LoanEntry, ...]:
    """Return the loans as a pool takes them; each has an obligor of its own unless `names` says otherwise."""
    return tuple(
        LoanEntry(
            asset_id=one.asset_id,
            kind=1,
            obligor=names[n] if names else f"obligor {one.number}",
            seller="",
            group="A",
            legal_hash=hashlib.sha256(f"contract {one.asset_id}".encode()).hexdigest(),
            principal_micro=one.principal_micro,
            months=max(-(-one.due_day // 30), 1),
            pd_e12=E12 // 20,
        )
        for n, one in enumerate(obligors)
    )


def ticks_of(price_nano: int) -> int:
    """Return a price in ticks, rounded down."""
    return divide(price_nano * TICKS, NANO, Rounding.FLOOR)
