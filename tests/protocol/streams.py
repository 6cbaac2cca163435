"""Seeded random commands for a whole venue: everything the protocol can be asked, also wrongly, between market orders.

What is drawn depends on the venue's state only through its views, so two venues that agree are asked the same.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from parbook import canonical
from parbook import messages as m
from parbook.codes import AccountStatus, CurveShape, OrderType, SessionState, Side, TimeInForce
from parbook.instrument import Instrument
from parbook.messages import CurveParams
from parbook.oracle.state import Observation
from parbook.oracle.terms import FeedTerms
from parbook.pools import pool as pools
from parbook.pools.amounts import E12, NANO
from parbook.pools.loans import LoanEntry
from parbook.pools.pool import PoolTerms, TrancheTerms
from parbook.pools.servicing import Action, ServiceRow
from parbook.pools.states import LoanState, PoolState, TrancheState
from parbook.protocol import commands as c
from parbook.protocol import events as e
from parbook.redemption.desk import DeskTerms
from parbook.redemption.queue_state import QueueTerms
from parbook.treasury.state import TreasuryStatus
from parbook.treasury.terms import Recycling, TreasuryTerms
from parbook.units import RESERVED_ACCOUNT
from tests.protocol.house import DAY, MANAGER, MICRO, SECOND
from tests.protocol.venue import (
    ARBITER,
    BORROWER,
    FOUNDER,
    GOVERNOR,
    GUARDIAN,
    HOUR,
    INVESTOR,
    PAYER,
    Venue,
    key,
    loan,
)

PEOPLE = (INVESTOR, PAYER, FOUNDER, ARBITER, 21, 22, 23)
"""Who trades, invests and leaves."""
ROLES = (*PEOPLE, MANAGER, BORROWER, GUARDIAN, GOVERNOR)


def params(draw: random.Random) -> CurveParams:
    """Return a curve's parameters, now and then impossible ones."""
    return CurveParams(
        shape=CurveShape.LINEAR,
        base_depth_lots=20_000,
        quote_depth_lots=draw.choice([1_000, 10_000]),
        budget_notional=0,
        par_lots=draw.choice([0, 1_000]),
        drop_ppm=draw.choice([50_000, 100_000, 2_000_000]),
        spread_ppm=1_000,
        rung_ticks=draw.choice([1, 10]),
    )


class Stream:
    """Draws commands for a venue from one seed. `asked` counts them by kind, `refusals` by code."""

    def __init__(self, venue: Venue, seed: int) -> None:
        self.venue = venue
        self.draw = random.Random(seed)
        self.asked: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.numbers = 1000
        self.sequences: Counter[tuple[int, int]] = Counter()
        self.value_ppm = 980_000
        """What the sources think the assets are worth."""

    # --- what is there ------------------------------------------------------------------------------

    def index(self, count: int) -> int:
        """Return one of so many numbers, now and then one too many."""
        return count if not count or self.draw.random() < 0.03 else self.draw.randrange(count)

    def pool(self) -> int:
        """Return a pool's number."""
        return self.index(len(self.venue.protocol.pools)) if self.draw.random() < 0.3 else 0

    def place(self) -> dict[str, int]:
        """Return a pool and a tranche."""
        pool = self.pool()
        entries = self.venue.protocol.pools
        return {"pool": pool, "tranche": self.index(len(entries[pool].tranches) if pool < len(entries) else 2)}

    def manager(self) -> int:
        """Return the manager, now and then somebody else."""
        return MANAGER if self.draw.random() < 0.95 else self.draw.choice(PEOPLE)

    def person(self) -> int:
        """Return somebody."""
        return self.draw.choice(PEOPLE)

    def one_of(self, right: int) -> int:
        """Return whom a command needs, now and then somebody else."""
        return right if self.draw.random() < 0.9 else self.draw.choice(ROLES)

    def micro(self, most: int) -> int:
        """Return an amount, of any size up to that."""
        return self.draw.randint(1, max(most, 1)) if self.draw.random() < 0.8 else self.draw.choice([1, most or 1])

    def time(self) -> int:
        """Return a time for a command: mostly none, mostly near, now and then one that has passed."""
        now = self.venue.now
        kind = self.draw.random()
        if kind < 0.55:
            return 0
        if kind < 0.75:
            return now + self.draw.randrange(SECOND)
        if kind < 0.93:
            return now + self.draw.randrange(2 * HOUR)
        if kind < 0.985:
            return now + self.draw.randrange(DAY)
        if kind < 0.99:
            return now + self.draw.randrange(20 * DAY)
        return max(now - self.draw.randrange(1, HOUR), 1)

    # --- pools --------------------------------------------------------------------------------------

    def open_pool(self) -> c.Order:
        """A further pool, with or without markets."""
        tranches = (TrancheTerms(name="S", rate_e12=self.draw.randrange(E12 // 5)), TrancheTerms(name="J"))
        name = f"P{self.draw.randrange(4)}"
        lot, tick = (
            Decimal(self.draw.choice(["1", "0.01"])),
            Decimal(self.draw.choice(["0.0001", "0.01", "0.00000001"])),
        )
        markets = tuple(Instrument(symbol=f"{name}{side}", tick=tick, lot=lot) for side in "SJ")
        terms = PoolTerms(name=name, manager=MANAGER, tranches=tranches, fee_e12=self.draw.randrange(E12 // 10))
        quote = self.index(len(self.venue.one.assets)) if self.draw.random() < 0.2 else self.venue.usd
        return c.OpenPool(terms=terms, quote=quote, markets=markets if self.draw.random() < 0.5 else ())

    def invest(self) -> c.Order:
        """Units for money."""
        account = self.person()
        most = self.venue.one.available(account, self.venue.usd) // self.draw.choice([1, 10, 100])
        return c.Invest(**self.place(), account=account, amount_micro=self.micro(most))

    def add_loans(self) -> c.Order:
        """A few assets, now and then one that is there already or asks too much."""
        entries = []
        for _ in range(self.draw.randint(0, 3)):
            self.numbers += self.draw.random() < 0.95
            entries.append(self.new_loan())
        return c.AddLoans(
            pool=self.pool(), account=self.manager(), originator=self.draw.choice(ROLES), entries=tuple(entries)
        )

    def new_loan(self) -> LoanEntry:
        """An asset of any size."""
        seller = f"seller {self.draw.randrange(5)}" if self.draw.random() < 0.8 else ""
        return loan(
            self.numbers,
            1,
            principal_micro=self.micro(self.draw.choice([MICRO, 60 * MICRO])),
            obligor=f"obligor {self.draw.randrange(30)}",
            seller=seller,
        )

    def service(self) -> c.Order:
        """A report of a few rows, most of which can be."""
        pool = self.pool()
        entries = self.venue.protocol.pools
        loans = entries[pool].pool.book.loans if pool < len(entries) else {}
        names = sorted(loans) or ["nobody"]
        rows = tuple(self.row(self.draw.choice(names), loans) for _ in range(self.draw.randint(0, 4)))
        return c.Service(pool=pool, account=self.manager(), payer=self.one_of(PAYER), rows=rows)

    def row(self, name: str, loans: Any) -> ServiceRow:
        """A row that the state of the asset allows, mostly."""
        state = loans[name].state if name in loans else LoanState.CURRENT
        fitting = {
            LoanState.FUNDED: (Action.BILL, Action.PAY, Action.ARREARS),
            LoanState.CURRENT: (Action.BILL, Action.PAY, Action.PAY, Action.ARREARS, Action.IMPAIR),
            LoanState.LATE: (Action.BILL, Action.PAY, Action.ARREARS, Action.DEFAULT, Action.IMPAIR),
            LoanState.IMPAIRED: (Action.PAY, Action.CURE, Action.CURE, Action.DEFAULT),
            LoanState.DEFAULTED: (Action.RECOVER, Action.WRITE_OFF),
            LoanState.RECOVERING: (Action.RECOVER, Action.WRITE_OFF, Action.CLOSE),
        }
        action = self.draw.choice(fitting.get(state, tuple(Action)))
        if self.draw.random() < 0.1:
            action = self.draw.choice(tuple(Action))
        account = loans[name].account if name in loans else None
        owed = account.owed_micro if account else MICRO
        if owed == 0 and self.draw.random() < 0.8:
            action = Action.CLOSE
        if action is Action.BILL:
            performing = account.performing_micro if account else 0
            return ServiceRow(name, action, self.draw.randrange(MICRO), self.draw.randint(0, performing))
        days = self.draw.choice([0, 0, 5, 29, 30, 31, 60, 95, 130])
        return ServiceRow(name, action, self.micro(owed), 0, days)

    def run_waterfall(self) -> c.Order:
        """Fees and buffer."""
        return c.RunWaterfall(pool=self.pool(), account=self.manager())

    def set_pool(self) -> c.Order:
        """Another state; the first pool stays in business."""
        pool = max(self.pool(), 1) if self.draw.random() < 0.9 else 0
        state = PoolState.REVOLVING if pool == 0 else self.draw.choice(tuple(PoolState))
        return c.SetPool(pool=pool, account=self.manager(), state=state)

    def set_tranche(self) -> c.Order:
        """Gated and open again; only further pools close."""
        place = self.place()
        states = (TrancheState.GATED, *(TrancheState.OPEN,) * 4)
        state = self.draw.choice(tuple(TrancheState) if place["pool"] else states)
        return c.SetTranche(**place, account=self.manager(), state=state)

    # --- the oracle -----------------------------------------------------------------------------------

    def feed(self) -> int:
        """Return a feed's number."""
        return self.index(len(self.venue.protocol.feeds)) if self.draw.random() < 0.2 else 0

    def open_feed(self) -> c.Order:
        """A feed of a pool or of an instrument."""
        terms = FeedTerms(quorum=self.draw.choice([1, 2]), delay_ns=self.draw.choice([0, HOUR]), recovery_rounds=1)
        members = tuple((source, key(source)) for source in range(1, self.draw.choice([2, 4])))
        pool = self.index(len(self.venue.protocol.pools)) if self.draw.random() < 0.6 else None
        instrument = self.index(len(self.venue.one.listings)) if pool is None or self.draw.random() < 0.05 else None
        bond = self.index(len(self.venue.one.assets)) if self.draw.random() < 0.1 else self.venue.usd
        return c.OpenFeed(
            terms=terms, arbiter=ARBITER, bond_asset=bond, pool=pool, instrument=instrument, members=members
        )

    def observe(self) -> c.Order:
        """What a source sees: about what it saw last."""
        number, source = self.feed(), self.draw.randint(1, 4) if self.draw.random() < 0.05 else self.draw.randint(1, 3)
        self.value_ppm = min(max(self.value_ppm + self.draw.randint(-700, 730), 700_000), 1_000_000)
        if self.draw.random() < 0.005:
            self.value_ppm = self.draw.randint(600_000, 1_000_000)
        low = self.value_ppm * 1000
        mid = low + self.draw.randrange(1 + (NANO - low) // 2)
        high = min(mid + self.draw.randrange(10_000_000), NANO) if self.draw.random() < 0.97 else mid - 1
        self.sequences[number, source] += self.draw.random() < 0.97
        ts = self.time()
        seen = max(ts or self.venue.now, 1) - self.draw.choice([0] * 30 + [1, HOUR, 7 * HOUR])
        observation = Observation(
            source=source,
            sequence=self.sequences[number, source],
            observed_ns=max(seen, 0),
            low_nano=low,
            mid_nano=mid,
            high_nano=high,
            model_hash="0" * 64,
            input_hash="0" * (64 if self.draw.random() < 0.98 else 63),
        )
        return c.Observe(feed=number, observation=observation, ts_ns=ts)

    def set_member(self) -> c.Order:
        """A member, mostly one of the three, mostly enabled."""
        source = self.draw.randint(1, 3) if self.draw.random() < 0.8 else self.draw.randint(0, 5)
        known = key(source if self.draw.random() < 0.8 else source + 10)
        return c.SetMember(
            feed=self.feed(),
            account=self.one_of(ARBITER),
            source=source,
            public_key=known if self.draw.random() < 0.95 else "no key",
            enabled=self.draw.random() < 0.85,
        )

    def round(self, number: int) -> int:
        """Return the number of a round that waits, or about one."""
        feeds = self.venue.protocol.feeds
        waiting = feeds[number].feed.rounds if number < len(feeds) else []
        return self.draw.choice(waiting).number if waiting and self.draw.random() < 0.9 else self.draw.randint(1, 9)

    def dispute(self) -> c.Order:
        """A bond against a round."""
        number = self.feed()
        return c.Dispute(feed=number, account=self.person(), round=self.round(number))

    def judge(self) -> c.Order:
        """A judgement."""
        number = self.feed()
        return c.Judge(
            feed=number, account=self.one_of(ARBITER), round=self.round(number), upheld=self.draw.random() < 0.5
        )

    def suspend_feed(self) -> c.Order:
        """Stopped, and mostly let go on."""
        number, feeds = self.feed(), self.venue.protocol.feeds
        stopped = number < len(feeds) and feeds[number].feed.suspended
        suspended = self.draw.random() < (0.05 if stopped else 0.3)
        return c.SuspendFeed(feed=number, account=self.one_of(ARBITER), suspended=suspended)

    # --- the treasury ---------------------------------------------------------------------------------

    def open_treasury(self) -> c.Order:
        """A buyback for another tranche."""
        terms = TreasuryTerms(
            day_e12=E12 // 20, month_e12=E12 // 5, recycling=self.draw.choice(tuple(Recycling)), loss_max_e12=E12 // 10
        )
        return c.OpenTreasury(
            **self.place(),
            account=self.manager(),
            terms=terms,
            params=params(self.draw),
            guardian=GUARDIAN,
            governor=GOVERNOR,
        )

    def fund_treasury(self) -> c.Order:
        """Money for the reserve."""
        return c.FundTreasury(**self.place(), account=self.person(), amount_micro=self.micro(100 * MICRO))

    def pause(self) -> c.Order:
        """Until later."""
        until = self.venue.now + self.draw.randrange(4 * DAY)
        return c.PauseTreasury(**self.place(), account=self.one_of(GUARDIAN), until_ns=until)

    def resume(self) -> c.Order:
        """Before that."""
        return c.ResumeTreasury(**self.place(), account=self.draw.choice([GUARDIAN, GOVERNOR, INVESTOR]))

    def retire(self) -> c.Order:
        """Burn what was bought."""
        return c.RetireUnits(**self.place(), account=self.one_of(GOVERNOR))

    # --- leaving --------------------------------------------------------------------------------------

    def open_desk(self) -> c.Order:
        """A desk for another tranche."""
        return c.OpenDesk(**self.place(), account=self.manager(), terms=DeskTerms())

    def units(self, place: dict[str, int], account: int) -> int:
        """Return how many units somebody has who may leave."""
        entries = self.venue.protocol.pools
        if place["pool"] >= len(entries) or place["tranche"] >= len(entries[place["pool"]].tranches):
            return MICRO
        return int(self.venue.one.available(account, entries[place["pool"]].tranches[place["tranche"]].asset))

    def redeem(self) -> c.Order:
        """At the desk."""
        place, account = self.place(), self.person()
        return c.Redeem(
            **place,
            account=account,
            units_micro=self.micro(self.units(place, account) // self.draw.choice([1, 20, 50])),
            least_micro=self.draw.choice([0, 0, 0, self.micro(10 * MICRO)]),
            partial=self.draw.random() < 0.6,
        )

    def open_queue(self) -> c.Order:
        """A queue for another tranche."""
        return c.OpenQueue(**self.place(), account=self.manager(), terms=QueueTerms(epoch_ns=DAY))

    def request(self) -> c.Order:
        """In the queue."""
        place, account = self.place(), self.person()
        units = self.units(place, account)
        return c.RequestExit(**place, account=account, units_micro=self.micro(units // self.draw.choice([1, 5, 10])))

    def cancel_exit(self) -> c.Order:
        """Back out of it."""
        return c.CancelExit(**self.place(), account=self.person())

    def claim(self) -> c.Order:
        """Paid out."""
        return c.ClaimExit(**self.place(), account=self.person())

    def tick(self) -> c.Order:
        """Only time."""
        return c.Tick()

    # --- the market -----------------------------------------------------------------------------------

    def order(self) -> m.Command:
        """An order near the price of a unit, selling as often as buying."""
        sells = self.draw.random() < 0.5
        kind = self.draw.random()
        return m.NewOrder(
            account=self.person(),
            side=Side.SELL if sells else Side.BUY,
            qty_lots=self.draw.choice([1, 10, 100, 1000, 5000]),
            price_ticks=0 if kind < 0.1 else self.draw.randint(8_000, 10_500),
            order_type=OrderType.MARKET if kind < 0.1 else OrderType.LIMIT,
            tif=TimeInForce.IOC if kind < 0.6 else TimeInForce.GTC,
            ts_ns=self.time(),
            instrument=self.index(min(len(self.venue.one.listings), 2)),
        )

    def mass_cancel(self) -> m.Command:
        """All orders of somebody."""
        return m.MassCancel(account=self.person(), instrument=0, ts_ns=self.time())

    def deposit(self) -> m.Command:
        """Money from outside."""
        return m.Deposit(account=self.person(), asset=self.venue.usd, amount_atoms=self.micro(200 * MICRO))

    def withdraw(self) -> m.Command:
        """Money that goes outside, more than there is now and then."""
        account = self.person()
        most = self.venue.one.available(account, self.venue.usd) // self.draw.choice([1, 50])
        return m.Withdraw(account=account, asset=self.venue.usd, amount_atoms=self.micro(most + 1), ts_ns=self.time())

    def transfer(self) -> m.Command:
        """Money or units from one to another."""
        source, asset = self.person(), self.draw.randrange(min(len(self.venue.one.assets), 3))
        most = self.venue.one.available(source, asset) // self.draw.choice([1, 5])
        target = self.draw.choice(ROLES)
        return m.Transfer(account=source, target_account=target, asset=asset, amount_atoms=self.micro(most))

    def set_status(self) -> m.Command:
        """Somebody may do less, and mostly all again."""
        statuses = (AccountStatus.SUSPENDED, AccountStatus.REDUCE_ONLY, *(AccountStatus.ACTIVE,) * 4)
        return m.SetStatus(account=self.draw.choice(ROLES), status=self.draw.choice(statuses))

    def set_state(self) -> m.Command:
        """The market halts, gathers, or goes on."""
        states = (SessionState.HALTED, SessionState.PRE_OPEN, SessionState.AUCTION, *(SessionState.CONTINUOUS,) * 5)
        return m.SetState(state=self.draw.choice(states), instrument=0, ts_ns=self.time())

    def set_fees(self) -> m.Command:
        """What trading costs."""
        taker = self.draw.randrange(3000)
        return m.SetFees(tier=0, maker_ppm=self.draw.randint(-taker, taker), taker_ppm=taker)

    # --- what comes next ------------------------------------------------------------------------------

    def next(self) -> c.Order | m.Command:
        """Return the next command."""
        hints = self.hints() if self.draw.random() < 0.15 else []
        kinds, weights = zip(*self.kinds().items(), strict=True)
        kind = self.draw.choice(hints) if hints else self.draw.choices(kinds, weights)[0]
        command: c.Order | m.Command = getattr(self, kind)()
        if isinstance(command, c.Order) and not command.ts_ns:
            command = type(command)(**{**_fields(command), "ts_ns": self.time()})
        self.asked[type(command).__name__] += 1
        return command

    def kinds(self) -> dict[str, int]:
        """Return what may be asked, and how often."""
        return WEIGHTS

    def hints(self) -> list[str]:
        """Return what the venue's state makes possible and seldom lasts, or would last too long."""
        hints = []
        protocol = self.venue.protocol
        if protocol.feeds[0].feed.rounds:
            hints += ["dispute", "judge"]
        if protocol.feeds[0].feed.suspended:
            hints += ["suspend_feed"] * 2
        if not all(member.enabled for member in protocol.feeds[0].feed.members):
            hints.append("set_member")
        for tranche, standing in zip(protocol.pools[0].tranches, protocol.pools[0].pool.tranches, strict=True):
            if standing.state is TrancheState.GATED:
                hints.append("set_tranche")
            if tranche.treasury is not None and tranche.treasury.treasury.status is not TreasuryStatus.ACTIVE:
                hints.append("resume")
            if tranche.treasury is not None and tranche.treasury.treasury.inventory.units_micro:
                hints.append("retire")
            if tranche.queue is not None and tranche.queue.queue.pending:
                hints.append("cancel_exit")
            if tranche.queue is not None and tranche.queue.queue.claims:
                hints.append("claim")
        return hints

    def batch(self, size: int) -> list[m.Command]:
        """Return market commands whose times rise over hours: some things fall due between them."""
        kinds = (self.order, self.order, self.order, self.mass_cancel, self.deposit, self.transfer)
        commands, now = [], self.venue.now
        for _ in range(size):
            command = self.draw.choice(kinds)()
            now += self.draw.choice([0, 0, 1, SECOND, HOUR // 3, 3 * HOUR])
            ts = self.draw.choice([0, now, now, now, max(now - HOUR, 1)])
            commands.append(type(command)(**{**_fields(command), "ts_ns": ts}))
        return commands


def _fields(command: Any) -> dict[str, Any]:
    return {name: getattr(command, name) for name in command.__struct_fields__}


WEIGHTS: dict[str, int] = {
    "open_pool": 1,
    "invest": 6,
    "add_loans": 5,
    "service": 10,
    "run_waterfall": 2,
    "set_pool": 1,
    "set_tranche": 2,
    "open_feed": 1,
    "observe": 34,
    "set_member": 1,
    "dispute": 2,
    "judge": 3,
    "suspend_feed": 1,
    "open_treasury": 1,
    "fund_treasury": 2,
    "pause": 2,
    "resume": 2,
    "retire": 3,
    "open_desk": 1,
    "redeem": 10,
    "open_queue": 1,
    "request": 8,
    "cancel_exit": 2,
    "claim": 5,
    "tick": 2,
    "order": 18,
    "mass_cancel": 1,
    "deposit": 2,
    "withdraw": 2,
    "transfer": 4,
    "set_status": 2,
    "set_state": 2,
    "set_fees": 1,
}
"""How often each is asked, by the name of what draws it."""


class Flows:
    """What came in and left, counted from commands and from what was said alone: what must be inside of every asset."""

    def __init__(self, venue: Venue) -> None:
        self.inside = {asset: venue.one.inside(asset) for asset in range(len(venue.one.assets))}

    def count(self, venue: Venue, said: list[e.Said]) -> None:
        """Count what was issued and burned."""
        entries = venue.protocol.pools
        for one in said:
            if isinstance(one, e.PoolOpened):
                self.inside |= dict.fromkeys(one.assets, 0)
            elif isinstance(one, e.Invested):
                self.inside[entries[one.pool].tranches[one.tranche].asset] += one.units_micro + one.ownerless_micro
            elif isinstance(one, e.Redeemed | e.EpochStruck | e.UnitsRetired | e.BufferLeft):
                self.inside[entries[one.pool].tranches[one.tranche].asset] -= one.units_micro

    def outside(self, events: Iterable[m.Event]) -> None:
        """Count what the venue's own people brought and took by commands of the exchange."""
        for event in events:
            if isinstance(event, m.Deposited) and event.account < RESERVED_ACCOUNT:
                self.inside[event.asset] += event.amount_atoms
            elif isinstance(event, m.Withdrawn) and event.account < RESERVED_ACCOUNT:
                self.inside[event.asset] -= event.amount_atoms


def exit_prices(venue: Venue, number: int) -> list[tuple[int, int]]:
    """Return (low, mid) exit prices of a pool's tranches now; none where there is no fair value."""
    entry = venue.protocol.pools[number]
    pool = msgspec.json.decode(canonical.encode(entry.pool), type=pools.Pool)
    pools.accrue(pool, venue.now)
    if entry.shares is None:
        return []
    low, mid = (pools.tranche_prices(pool, share) for share in (entry.shares.low_nano, entry.shares.mid_nano))
    return [(a.exit_nano, b.exit_nano) for a, b in zip(low, mid, strict=True)]
