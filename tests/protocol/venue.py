"""A whole venue: a pool with two tranches, its feed, and behind the senior's units a curve, a desk and a queue."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

from parbook import messages as m
from parbook.codes import CurveShape, OrderType, Side, TimeInForce
from parbook.instrument import Instrument
from parbook.messages import CurveParams
from parbook.oracle.state import Observation
from parbook.oracle.terms import FeedTerms
from parbook.pools.amounts import E12
from parbook.pools.limits import Limits
from parbook.pools.loans import LoanEntry
from parbook.pools.pool import PoolTerms, TrancheTerms
from parbook.protocol import commands as c
from parbook.protocol import prices
from parbook.redemption.desk import DeskTerms
from parbook.redemption.queue_state import QueueTerms
from parbook.treasury.terms import TreasuryTerms
from tests.protocol.house import MANAGER, MICRO, SECOND, House

SENIOR, JUNIOR = 0, 1
INVESTOR, BORROWER, PAYER, GUARDIAN, GOVERNOR, ARBITER, FOUNDER = 7, 8, 9, 10, 11, 12, 13
HOUR = 3600 * SECOND
SOURCES = (1, 2, 3)


def key(source: int) -> str:
    """Return a public key; nothing here is signed."""
    return hashlib.sha256(f"key {source}".encode()).hexdigest()


def loan(number: int, principal: int = 100, **changes: Any) -> LoanEntry:
    """Return a loan of so many units of money."""
    fields: dict[str, Any] = {
        "asset_id": f"L{number}",
        "kind": 1,
        "obligor": f"obligor {number}",
        "seller": "",
        "group": "A",
        "legal_hash": hashlib.sha256(str(number).encode()).hexdigest(),
        "principal_micro": principal * MICRO,
        "months": 12,
        "pd_e12": E12 // 50,
    }
    return LoanEntry(**(fields | changes))


def feed_terms(**changes: Any) -> FeedTerms:
    """Return the terms of a feed that closes at once and waits an hour."""
    return FeedTerms(**({"quorum": 2, "recovery_rounds": 1} | changes))


class Venue(House):
    """Ten loans of 100 behind 700 senior and 300 junior units; 500 in reserve, of which 5 % a day may be spent."""

    def __init__(
        self, *, check: bool = True, feed: dict[str, Any] | None = None, rate_e12: int = E12 // 20, **treasury: Any
    ) -> None:
        super().__init__(check=check)
        self.usd = self.asset("USD")
        self.sequence = 0
        pool = PoolTerms(
            name="SME",
            manager=MANAGER,
            tranches=(
                TrancheTerms(name="S", rate_e12=rate_e12, minimum_subordination_e12=E12 // 5),
                TrancheTerms(name="J"),
            ),
            limits=Limits(obligor_e12=E12, counterparty_e12=E12),
        )
        markets = tuple(Instrument(symbol=s, tick=Decimal("0.0001"), lot=Decimal("0.01")) for s in ("S", "J"))
        self.units = self.do(c.OpenPool(terms=pool, quote=self.usd, markets=markets)).assets
        for account in (INVESTOR, PAYER, FOUNDER, ARBITER):
            self.give(account, self.usd, 10_000 * MICRO)
        self.do(c.Invest(pool=0, tranche=JUNIOR, account=INVESTOR, amount_micro=300 * MICRO))
        self.do(c.Invest(pool=0, tranche=SENIOR, account=INVESTOR, amount_micro=700 * MICRO))
        loans = tuple(loan(number, 80) for number in range(10))
        self.do(c.AddLoans(pool=0, account=MANAGER, originator=BORROWER, entries=loans))
        members = tuple((source, key(source)) for source in SOURCES)
        terms = feed_terms(**(feed or {}))
        self.do(c.OpenFeed(pool=0, terms=terms, arbiter=ARBITER, bond_asset=self.usd, members=members))
        place = {"pool": 0, "tranche": SENIOR, "account": MANAGER}
        self.do(
            c.OpenTreasury(
                **place,
                terms=TreasuryTerms(**({"day_e12": E12 // 20, "month_e12": E12 // 5} | treasury)),
                params=CurveParams(
                    shape=CurveShape.LINEAR,
                    base_depth_lots=20_000,
                    quote_depth_lots=10_000,
                    budget_notional=0,
                    par_lots=1_000,
                    drop_ppm=100_000,
                    spread_ppm=1_000,
                    rung_ticks=10,
                ),
                guardian=GUARDIAN,
                governor=GOVERNOR,
            )
        )
        self.do(c.FundTreasury(pool=0, tranche=SENIOR, account=FOUNDER, amount_micro=500 * MICRO))
        self.do(c.OpenDesk(**place, terms=DeskTerms()))
        self.do(c.OpenQueue(**place, terms=QueueTerms()))

    @property
    def pool(self) -> Any:
        """The pool."""
        return self.protocol.pools[0].pool

    @property
    def curve(self) -> Any:
        """The senior's curve."""
        return self.one.market(0).curve

    @property
    def now(self) -> int:
        """The clock."""
        return self.one.now_ns

    def pass_to(self, ts_ns: int) -> None:
        """Let time pass."""
        self.act(c.Tick(ts_ns=ts_ns))

    def report(
        self, low: int, mid: int | None = None, high: int | None = None, *, ts: int = 0, age: int = 0, feed: int = 0
    ) -> None:
        """Let all sources report a fair value in ppm of what the assets count for."""
        ts = ts or self.now + 1
        mid = low if mid is None else mid
        high = mid if high is None else high
        self.sequence += 1
        for source in SOURCES:
            observation = Observation(
                source=source,
                sequence=self.sequence,
                observed_ns=ts - age,
                low_nano=low * 1000,
                mid_nano=mid * 1000,
                high_nano=high * 1000,
                model_hash="0" * 64,
                input_hash="0" * 64,
            )
            self.do(c.Observe(feed=feed, observation=observation, ts_ns=ts))

    def opened(self, low: int = 980_000, mid: int = 990_000, high: int = 1_000_000) -> Venue:
        """Have a first fair value in force."""
        self.report(low, mid, high)
        self.pass_to(self.now + HOUR)
        return self

    def sell(self, units: int, price: str = "0.0001", account: int = INVESTOR, ts: int = 0) -> int:
        """Sell senior units into whatever bids; return the lots that traded."""
        ticks = int(Decimal(price) * 10_000)
        order = m.NewOrder(
            account=account,
            side=Side.SELL,
            qty_lots=units * 100,
            price_ticks=ticks,
            order_type=OrderType.LIMIT,
            tif=TimeInForce.IOC,
            ts_ns=ts,
            instrument=0,
        )
        return sum(event.qty_lots for event in self.apply(order) if isinstance(event, m.Trade))

    def exit_prices(self) -> list[tuple[int, int]]:
        """Return (low, mid) exit prices of both tranches."""
        entry = self.protocol.pools[0]
        assert entry.shares is not None
        low, mid = (prices.values(entry, share) for share in (entry.shares.low_nano, entry.shares.mid_nano))
        return [(a.exit_nano, b.exit_nano) for a, b in zip(low, mid, strict=True)]


def no_worse(after: list[tuple[int, int]], before: list[tuple[int, int]]) -> bool:
    """Whether no exit price fell."""
    return all(new >= old for pair in zip(after, before, strict=True) for new, old in zip(*pair, strict=True))
