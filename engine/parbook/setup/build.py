"""Setup -> a venue that works: by the commands that would build the real one, each of which may refuse.

Sources report what the kernel says of the tape; nothing is signed here, and a real venue's sources must be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NoReturn

import msgspec

from parbook.codes import OrderType, Side
from parbook.errors import InvariantError, ListingError
from parbook.events import Rejected
from parbook.listing import Asset, fee_atoms
from parbook.messages import Command, Deposit, NewOrder
from parbook.oracle.state import Band
from parbook.pools.limits import ineligible, percent
from parbook.pools.loans import LoanEntry
from parbook.pools.servicing import ROWS_MAX
from parbook.pools.states import PoolState
from parbook.protocol import commands as c
from parbook.protocol.answers import No
from parbook.protocol.exchange import BackedExchange
from parbook.protocol.state import PoolEntry
from parbook.refusals import Refusal
from parbook.setup.tape import Tape, entries_of, observation_of, read_tape, require_kept, service_rows, shares_of
from parbook.setup.terms import Setup
from parbook.venue import Exchange

_NAMED: Final = 5
"""How many assets an error names."""
Progress = Callable[[int, int], None]


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """Where in the exchange a description has become a venue. `exchange` is what was given, seen in whole numbers."""

    setup: Setup
    exchange: BackedExchange
    tape: Tape
    shares: Band
    pool: int
    quote: int

    @property
    def entry(self) -> PoolEntry:
        """The pool with its tranches."""
        return self.exchange.protocol.pools[self.pool]


def build(exchange: Exchange | BackedExchange, setup: Setup, progress: Progress | None = None) -> Built:
    """Build a venue and return where it is. ListingError when the exchange refuses a step, with what to change.

    Also TapeError, AssetError: what is wrong with the tape. What was built before a refusal stays: build on an exchange
    of its own. O(assets x months).
    """
    builder = _Builder(exchange, setup, read_tape(setup), progress)
    return builder.run()


class _Builder:
    def __init__(
        self, exchange: Exchange | BackedExchange, setup: Setup, tape: Tape, progress: Progress | None
    ) -> None:
        self.exchange = exchange
        # A public exchange and what it stands on show the same things by one name.
        self.look: BackedExchange = exchange.core if isinstance(exchange, Exchange) else exchange  # type: ignore[assignment]
        self.setup = setup
        self.tape = tape
        self.progress = progress
        self.pool = -1
        self.quote = -1
        self.feed = -1

    def run(self) -> Built:
        """Take all steps."""
        steps: list[Callable[[], None]] = [self.open_pool, self.invest, self.take_in, self.service, self.open_feed]
        steps += [self.open_exits, self.report, self.rest]
        for done, step in enumerate(steps):
            if self.progress is not None:
                self.progress(done, len(steps))
            step()
        if self.progress is not None:
            self.progress(len(steps), len(steps))
        return Built(
            setup=self.setup,
            exchange=self.look,
            tape=self.tape,
            shares=shares_of(self.tape),
            pool=self.pool,
            quote=self.quote,
        )

    # --- commands -------------------------------------------------------------------------------

    def act(self, command: c.Order, where: str, why: str = "", remedy: str = "") -> None:
        """Carry out a command of the protocol; ListingError when it is refused."""
        no = self.exchange.act(command).no
        if no is not None:
            self.refuse(where, no, why, remedy)

    def refuse(self, where: str, no: No, why: str = "", remedy: str = "") -> NoReturn:
        """Raise ListingError about a refused step."""
        said = f"{no.refusal.name}: {no.refusal.doc}"
        said += "".join(f"; {text}" for text in (no.detail, why) if text)
        raise ListingError(f"{self.setup.path}, {where}", said, remedy or "Change what it names and build it again.")

    def apply(self, command: Command, where: str) -> None:
        """Carry out a command of the exchange; ListingError when it is refused."""
        for event in self.exchange.apply(command):
            if isinstance(event, Rejected):
                raise ListingError(
                    f"{self.setup.path}, {where}",
                    f"{event.code.name}: {event.code.doc}",
                    "Change what it names and build it again.",
                )

    def give(self, account: int, micro: int, where: str) -> None:
        """Deposit money."""
        self.apply(Deposit(account=account, asset=self.quote, amount_atoms=micro), where)

    # --- steps ----------------------------------------------------------------------------------

    def open_pool(self) -> None:
        """Make the money, the pool, its assets and instruments, at the day of valuation."""
        setup = self.setup
        if setup.start_ns < self.look.now_ns:
            raise ListingError(
                f"{setup.path}, [venue] as_of",
                f"{setup.as_of} lies before the exchange's own time",
                "Build on a new exchange, or value the tape later.",
            )
        names = [asset.name for asset in self.look.assets]
        if setup.quote in names:
            self.quote = names.index(setup.quote)
        elif isinstance(self.exchange, Exchange):
            self.quote = int(self.exchange.add_asset(setup.quote, decimals=6))
        else:
            self.quote = self.exchange.add_asset(Asset(name=setup.quote, decimals=6))
        # Time passes only in a protocol that lives: this command is the first.
        self.act(
            c.OpenPool(
                terms=setup.pool,
                quote=self.quote,
                markets=tuple(tranche.market for tranche in setup.tranches),
                max_fee_ppm=setup.max_fee_ppm,
                ts_ns=setup.start_ns,
            ),
            "[pool]",
        )
        self.pool = len(self.look.protocol.pools) - 1

    @property
    def entry(self) -> PoolEntry:
        """The pool."""
        return self.look.protocol.pools[self.pool]

    def invest(self) -> None:
        """Let holders buy units, the last tranche first: what protects must be there before what it protects."""
        for number, tranche in reversed(list(enumerate(self.setup.tranches))):
            for account, amount in tranche.holders:
                where = f"[tranche {number + 1}] holders: {account}"
                self.give(account, amount, where)
                self.act(
                    c.Invest(pool=self.pool, tranche=number, account=account, amount_micro=amount),
                    where,
                    remedy="Let more be invested below it, or ask for less protection.",
                )

    def take_in(self) -> None:
        """Take the tape in, by the pool's own rules."""
        entries = entries_of(self.tape.assets)
        for start in range(0, len(entries), ROWS_MAX):
            part = entries[start : start + ROWS_MAX]
            command = c.AddLoans(
                pool=self.pool,
                account=self.setup.pool.manager,
                originator=self.setup.originator,
                entries=part,
            )
            no = self.exchange.act(command).no
            if no is not None:
                self.refuse("[tape] assets", no, *_why_not(self.entry, part, no.refusal))

        self.act(c.SetPool(pool=self.pool, account=self.setup.pool.manager, state=PoolState.REVOLVING), "[pool]")

    def service(self) -> None:
        """Enter interest due, arrears, doubts and defaults; then books and valuation keep the same."""
        rows, manager = service_rows(self.tape.assets), self.setup.pool.manager
        for start in range(0, len(rows), ROWS_MAX):
            part = rows[start : start + ROWS_MAX]
            self.act(c.Service(pool=self.pool, account=manager, payer=manager, rows=part), "[tape] assets")
        require_kept(self.tape, self.entry.pool.book.sums.kept_micro)

    def open_feed(self) -> None:
        """Open the pool's feed."""
        feed = self.setup.feed
        self.act(
            c.OpenFeed(
                terms=feed.terms, arbiter=feed.arbiter, bond_asset=self.quote, pool=self.pool, members=feed.members
            ),
            "[feed]",
        )
        self.feed = self.entry.feed

    def open_exits(self) -> None:
        """Open what buys back and redeems, and fill the reserve."""
        for number, tranche in enumerate(self.setup.tranches):
            place = {"pool": self.pool, "tranche": number, "account": self.setup.pool.manager}
            where = f"[tranche {number + 1}"
            held = tranche.treasury
            if held is not None:
                self.act(
                    c.OpenTreasury(
                        **place,
                        terms=held.terms,
                        params=held.params,
                        guardian=held.guardian,
                        governor=held.governor,
                    ),
                    f"{where}.treasury]",
                )
                self.give(held.founder, held.reserve_micro, f"{where}.treasury] founder")
                fund = c.FundTreasury(
                    pool=self.pool, tranche=number, account=held.founder, amount_micro=held.reserve_micro
                )
                self.act(fund, f"{where}.treasury] reserve")
            if tranche.desk is not None:
                self.act(c.OpenDesk(**place, terms=tranche.desk), f"{where}.desk]")
            if tranche.queue is not None:
                self.act(c.OpenQueue(**place, terms=tranche.queue), f"{where}.queue]")

    def report(self) -> None:
        """Let every source report, as often as a new feed asks for, until the fair value is in force."""
        shares = shares_of(self.tape)
        feed = self.look.protocol.feeds[self.feed].feed
        for _ in range(feed.terms.recovery_rounds):
            ts_ns = self.look.now_ns + feed.terms.min_interval_ns
            for member in feed.members:
                self.act(
                    c.Observe(
                        feed=self.feed, observation=observation_of(member, self.tape, shares, ts_ns), ts_ns=ts_ns
                    ),
                    "[feed]",
                    f"low {shares.low_nano}, middle {shares.mid_nano}, high {shares.high_nano} nano of what is kept",
                    "Compare the bands of the tape with confidence_max, price_min and price_max.",
                )
            self.act(c.Tick(ts_ns=self.look.now_ns + feed.terms.delay_ns), "[feed]")
        if not self.entry.trusted:
            raise InvariantError(f"after {feed.terms.recovery_rounds} rounds of all sources the feed is not trusted")

    def rest(self) -> None:
        """Let orders rest in the books. Who buys gets the money for it, with the largest fee there may be."""
        for number, order in enumerate(self.setup.orders, 1):
            where = f"[order {number}]"
            instrument = self.entry.tranches[order.tranche].instrument
            listing = self.look.listings[instrument]
            if order.side is Side.BUY:
                atoms = order.price_ticks * order.qty_lots * listing.tick_atoms
                self.give(order.account, atoms + fee_atoms(atoms, listing.max_fee_ppm) + order.qty_lots, where)
            self.apply(
                NewOrder(
                    account=order.account,
                    side=order.side,
                    qty_lots=order.qty_lots,
                    price_ticks=order.price_ticks,
                    order_type=OrderType.LIMIT,
                    instrument=instrument,
                ),
                where,
            )


def _why_not(entry: PoolEntry, entries: tuple[LoanEntry, ...], refusal: Refusal) -> tuple[str, str]:
    """Return which assets a pool does not take, and what to do about it."""
    pool, terms = entry.pool, entry.pool.terms
    total = sum(one.principal_micro for one in entries)
    if refusal is Refusal.POOL_CASH:
        return (
            f"the tape costs {total} micro, and holders pay {pool.cash_micro}",
            "Let holders invest at least what the balances of the tape add up to.",
        )
    if refusal is Refusal.INELIGIBLE:
        rows = [(one, ineligible(one.candidate(), terms.eligibility)) for one in entries]
        said = [f"{one.asset_id}: {'; '.join(reasons)}" for one, reasons in rows if reasons]
        return _some(said), "Leave these out, or change [pool.eligibility]."
    if refusal is Refusal.CONCENTRATION:
        return _some(_concentrated(entry, entries, total)), "Leave some out, or change [pool.limits] or planned."
    return "", "Give each asset one id and one contract, which backs nothing else."


def _concentrated(entry: PoolEntry, entries: tuple[LoanEntry, ...], total: int) -> list[str]:
    book, terms = entry.pool.book, entry.pool.terms
    base = max(book.sums.owed_micro + total, terms.planned_micro)
    said = []
    for what, totals, limit, names in (
        ("obligor", dict(book.by_obligor), terms.limits.obligor_e12, [one.obligor for one in entries]),
        ("counterparty", dict(book.by_seller), terms.limits.counterparty_e12, [one.seller for one in entries]),
    ):
        for one, name in zip(entries, names, strict=True):
            if name:
                totals[name] = totals.get(name, 0) + one.principal_micro
        for name in sorted(totals):
            share_e12 = totals[name] * 10**12 // base
            if totals[name] * 10**12 > limit * base:
                said.append(f"{what} {name} holds {percent(share_e12)}, above {percent(limit)}")
    return said or [f"the HHI of obligors is above {percent(terms.limits.hhi_e12)}"]


def _some(said: list[str]) -> str:
    more = f"; and {len(said) - _NAMED} more" if len(said) > _NAMED else ""
    return "; ".join(said[:_NAMED]) + more
