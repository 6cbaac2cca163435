"""Bad days, played through on a copy of the venue: who wants to leave tries every way there is, again and again.

At every step the leavers try, then the sources report, unless they are late, and when that report is in force the
leavers try once more. To try is, first to last: to take back from the queue what may still be taken back; to sell into
book and curve, at whatever price; to redeem at the desk what it takes; to ask the queue for as much as the pool's cash
could pay, since what waits there without cash can go no other way. Nothing is repaid and nobody buys meanwhile; claims
and fees grow as they do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

import msgspec

from parbook.codes import OrderType, Side, Source, TimeInForce
from parbook.disclosure.records import Day, Exits
from parbook.disclosure.standing import copy_of, exit_nano, treasury_worth_micro
from parbook.errors import InvariantError
from parbook.events import Rejected, Trade
from parbook.messages import NewOrder, Transfer
from parbook.oracle.rounds import anchor_at
from parbook.oracle.state import Band
from parbook.pools import pool as pools
from parbook.pools.amounts import NANO, Rounding, divide, share_of
from parbook.protocol import commands as c
from parbook.protocol import events as e
from parbook.protocol.exchange import BackedExchange
from parbook.protocol.state import TrancheEntry
from parbook.redemption.queue_state import standing
from parbook.setup import Built
from parbook.setup.tape import Tape, observation_of
from parbook.setup.terms import DAY_NS, RunTerms
from parbook.units import QTY_LOTS_MAX, RESERVED_ACCOUNT

Progress = Callable[[int, int], None]
_LAST_ACCOUNT: Final = RESERVED_ACCOUNT - 1


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """How it ended. Everything by tranche; `end_nano` is the exit price at the true middle value."""

    exits: tuple[Exits, ...]
    end_nano: tuple[int, ...]
    done_ns: tuple[int | None, ...]
    """From the beginning until the last unit that any way takes has left; None: some are still there."""
    worth_micro: tuple[int, ...]
    """What the treasury has in the end, at that price."""
    trail: tuple[Day, ...]
    refused: dict[str, int]


class _Leaver:
    """Those of one tranche who want to leave, as one account: in which order they stand changes nothing for them."""

    def __init__(self, exchange: BackedExchange, pool: int, index: int, account: int) -> None:
        self.exchange = exchange
        self.place = {"pool": pool, "tranche": index, "account": account}
        self.entry = exchange.protocol.pools[pool]
        self.account = account
        self.index = index
        self.asked = 0
        self.units: Counter[str] = Counter()
        self.paid: Counter[str] = Counter()
        self.done_ns: int | None = None

    @property
    def tranche(self) -> TrancheEntry:
        """The tranche they leave."""
        return self.entry.tranches[self.index]

    @property
    def money(self) -> int:
        """What they have been paid."""
        return self.exchange.balance(self.account, self.entry.quote)

    @property
    def free(self) -> int:
        """Units they can still do something with."""
        return self.exchange.balance(self.account, self.tranche.asset)

    @property
    def held(self) -> int:
        """Units they still have, those in the queue among them."""
        if self.tranche.queue is None:
            return self.free
        there = standing(self.tranche.queue.queue, self.account)
        return self.free + there.pending_units_micro + there.closed_units_micro

    def gather(self, holders: tuple[tuple[int, int], ...], share_e12: int) -> None:
        """Take the same share of every holder's units."""
        asset = self.tranche.asset
        for holder, _ in holders:
            units = share_of(self.exchange.balance(holder, asset), share_e12, Rounding.FLOOR)
            units = min(units, self.exchange.available(holder, asset))
            if units:
                _applied(
                    self.exchange,
                    Transfer(account=holder, target_account=self.account, asset=asset, amount_atoms=units),
                )
                self.asked += units

    def leave(self) -> None:
        """Try every way."""
        if self.tranche.queue is not None:
            there = standing(self.tranche.queue.queue, self.account)
            if there.pending_units_micro:
                self.exchange.act(c.CancelExit(**self.place))
        self._sell()
        if self.tranche.desk is not None and self.free:
            self._redeem()
        if self.tranche.queue is not None:
            self._ask()

    def _sell(self) -> None:
        instrument = self.tranche.instrument
        if instrument < 0:
            return
        listing = self.exchange.listings[instrument]
        lots = min(self.free // listing.lot_atoms, QTY_LOTS_MAX)
        if not lots:
            return
        order = NewOrder(
            account=self.account,
            side=Side.SELL,
            qty_lots=lots,
            price_ticks=1,
            order_type=OrderType.LIMIT,
            tif=TimeInForce.IOC,
            instrument=instrument,
        )
        for event in self.exchange.apply(order):
            if isinstance(event, Trade):
                way = "curve" if event.source is Source.CURVE else "book"
                self.units[way] += event.qty_lots * listing.lot_atoms
                self.paid[way] += event.qty_lots * event.price_ticks * listing.tick_atoms

    def _redeem(self) -> None:
        acted = self.exchange.act(c.Redeem(**self.place, units_micro=self.free, partial=True))
        for said in acted.said:
            if isinstance(said, e.Redeemed):
                self.units["desk"] += said.units_micro
                self.paid["desk"] += said.paid_micro

    def _ask(self) -> None:
        """Ask the queue for what cash there is for, at the middle price, beyond what waits there already."""
        price_nano = exit_nano(self.entry, self.entry.shares.mid_nano)[self.index] if self.entry.shares else 0
        cash_micro = pools.free_cash_micro(self.entry.pool)
        most = divide(cash_micro * NANO, price_nano, Rounding.FLOOR) if price_nano else 0
        units = min(self.free, most - (self.held - self.free))
        if units > 0:
            self.exchange.act(c.RequestExit(**self.place, units_micro=units))

    def claim(self) -> None:
        """Have what was struck paid out, and count what left by the queue."""
        if self.tranche.queue is None:
            return
        before = self.money
        if standing(self.tranche.queue.queue, self.account).claimable_micro:
            self.exchange.act(c.ClaimExit(**self.place))
        self.paid["queue"] += self.money - before
        others = self.units["book"] + self.units["curve"] + self.units["desk"]
        self.units["queue"] = self.asked - self.held - others

    @property
    def dust(self) -> int:
        """Units too few for any way."""
        instrument, desk, queue = self.tranche.instrument, self.tranche.desk, self.tranche.queue
        least = [self.exchange.listings[instrument].lot_atoms] if instrument >= 0 else []
        least += [desk.terms.minimum_units_micro] if desk is not None else []
        least += [queue.queue.terms.minimum_units_micro] if queue is not None else []
        return min(least, default=1)

    def note(self, elapsed_ns: int) -> None:
        """Note when all have left."""
        if self.done_ns is None and self.asked and self.held < self.dust:
            self.done_ns = elapsed_ns

    def exits(self) -> Exits:
        """Return what they got."""
        return Exits(
            asked_micro=self.asked,
            held_micro=self.held,
            **{f"{way}_micro": self.units[way] for way in ("book", "curve", "desk", "queue")},
            **{f"{way}_paid_micro": self.paid[way] for way in ("book", "curve", "desk", "queue")},
        )


def run(
    built: Built,
    terms: RunTerms,
    truth: Tape,
    shares: Band,
    *,
    until_done: bool = False,
    progress: Progress | None = None,
) -> Ran:
    """Play `terms` through on a copy. `truth` and its `shares` are what sources report once they do. O(steps).

    `until_done`: stop when all who wanted have left.
    """
    exchange = copy_of(built.exchange)
    leavers = _leavers(exchange, built, terms.share_e12)
    start_ns, end_ns = exchange.now_ns, exchange.now_ns + terms.days * DAY_NS
    refused: Counter[str] = Counter()
    trail: list[Day] = []
    for step, at_ns in enumerate(range(start_ns, end_ns + 1, terms.every_ns)):
        _pass(exchange, at_ns)
        for leaver in leavers:
            leaver.leave()
        if at_ns - start_ns >= terms.late_ns:
            _report(exchange, built, truth, shares, refused)
        feed = exchange.protocol.feeds[built.entry.feed].feed
        # What was just reported is in force before anything else happens, where its delay is shorter than a step.
        _pass(exchange, min(at_ns + feed.terms.delay_ns, at_ns + terms.every_ns, end_ns))
        for leaver in leavers:
            leaver.claim()
            leaver.leave()
            leaver.note(exchange.now_ns - start_ns)
        trail.append(_day(exchange, built, leavers, shares, start_ns))
        if progress is not None:
            progress(step + 1, (end_ns - start_ns) // terms.every_ns + 1)
        if until_done and all(leaver.done_ns is not None for leaver in leavers if leaver.asked):
            break
    _pass(exchange, end_ns if not until_done else exchange.now_ns)
    return _ended(exchange, built, leavers, shares, trail, refused)


def _ended(
    exchange: BackedExchange,
    built: Built,
    leavers: list[_Leaver],
    shares: Band,
    trail: list[Day],
    refused: Counter[str],
) -> Ran:
    for leaver in leavers:
        leaver.claim()
    exchange.check()
    entry = exchange.protocol.pools[built.pool]
    entry = msgspec.structs.replace(entry, pool=pools.grown(entry.pool, exchange.now_ns))
    end = exit_nano(entry, shares.mid_nano)
    return Ran(
        exits=tuple(leaver.exits() for leaver in leavers),
        end_nano=tuple(end),
        done_ns=tuple(leaver.done_ns for leaver in leavers),
        worth_micro=tuple(treasury_worth_micro(exchange, entry, index, price) for index, price in enumerate(end)),
        trail=tuple(trail),
        refused=dict(sorted(refused.items())),
    )


def _leavers(exchange: BackedExchange, built: Built, share_e12: int) -> list[_Leaver]:
    """Return those who want to leave each tranche, in accounts that nobody has."""
    taken = {account for tranche in built.setup.tranches for account, _ in tranche.holders}
    out = []
    account = _LAST_ACCOUNT
    for index, tranche in enumerate(built.setup.tranches):
        while account in taken or any(exchange.balance(account, asset) for asset in range(len(exchange.assets))):
            account -= 1
        leaver = _Leaver(exchange, built.pool, index, account)
        leaver.gather(tranche.holders, share_e12)
        out.append(leaver)
        account -= 1
    return out


def _report(exchange: BackedExchange, built: Built, truth: Tape, shares: Band, refused: Counter[str]) -> None:
    """Let every source report the truth; what the feed does not take is counted."""
    number, now_ns = built.entry.feed, exchange.now_ns
    for member in exchange.protocol.feeds[number].feed.members:
        observation = observation_of(member, truth, shares, now_ns)
        no = exchange.act(c.Observe(feed=number, observation=observation)).no
        if no is not None:
            refused[no.refusal.name] += 1


def _day(exchange: BackedExchange, built: Built, leavers: list[_Leaver], shares: Band, start_ns: int) -> Day:
    anchor = anchor_at(exchange.protocol.feeds[built.entry.feed].feed, exchange.now_ns)
    return Day(
        at_ns=exchange.now_ns - start_ns,
        left_micro=tuple(leaver.asked - leaver.held for leaver in leavers),
        feed=anchor.state.name,
        low_nano=anchor.low_nano,
        true_nano=shares.mid_nano,
    )


def _pass(exchange: BackedExchange, ts_ns: int) -> None:
    """Let time pass."""
    if ts_ns > exchange.now_ns:
        exchange.act(c.Tick(ts_ns=ts_ns))


def _applied(exchange: BackedExchange, command: Transfer) -> None:
    for event in exchange.apply(command):
        if isinstance(event, Rejected):
            raise InvariantError(f"{command} was refused: {event.code.name}")
