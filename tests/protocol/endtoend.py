"""The whole way, from a tape of loans to money for those who leave: `python -m tests.protocol.endtoend --count 100000`.

Default rates by grade, a tape, a journaled venue, a pool with three tranches, a valuation by the kernel, three sources
that sign and report, a curve, a desk and a queue, a month of payments and defaults, a second valuation, an epoch that
is struck, claims, an anchored token, recovery from the journal and from a snapshot, and a follower.
`make endtoend COUNT=100000`.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import parbook as pb
from parbook import messages as m
from parbook.anchored.state import ratio_e12
from parbook.anchored.terms import TokenTerms
from parbook.cli.progress import ProgressBar
from parbook.codes import CurveShape, Side, TimeInForce
from parbook.instrument import Instrument
from parbook.journal.follower import Follower
from parbook.messages import CurveParams
from parbook.oracle.signing import Domain, public_key_of, sign
from parbook.oracle.state import Observation
from parbook.oracle.terms import FeedTerms
from parbook.pools.amounts import E12, MICRO
from parbook.pools.limits import Limits
from parbook.pools.pool import PoolTerms, TrancheTerms
from parbook.pools.servicing import Action, ServiceRow
from parbook.protocol import commands as c
from parbook.protocol import events as e
from parbook.redemption.desk import DeskTerms
from parbook.redemption.queue_state import QueueTerms
from parbook.refusals import Refusal
from parbook.treasury.terms import TreasuryTerms
from parbook.venue.acts import feed_domain
from tests.protocol.loans import Model, calibrated, discount_curve, level_payment_micro, standing_of, tape

SECOND = 10**9
HOUR, DAY = 3600 * SECOND, 86_400 * SECOND
MANAGER, INVESTOR, ORIGINATOR, SERVICER, FOUNDER, GUARDIAN, GOVERNOR, ARBITER, HOLDER, WAITER = range(1, 11)
SENIOR, MEZZANINE, JUNIOR = 0, 1, 2
SOURCES = (1, 2, 3)
ENTRIES, ROWS = 10_000, 10_000
"""Assets of one AddLoans, rows of one Service."""
ALONE = 100
"""Assets that come alone, reports of one row."""
DOMAIN = Domain(exchange="end to end", feed=feed_domain(0))
PLACE = {"pool": 0, "tranche": SENIOR}


def private_key(source: int) -> str:
    """Return a source's private key."""
    return hashlib.sha256(f"source {source}".encode()).hexdigest()


class Way:
    """Goes the whole way in a folder. `seconds` has how long each stage took, `numbers` what came of it."""

    def __init__(self, folder: Path, count: int, *, seed: int = 1, report: Any = None) -> None:
        self.folder, self.count, self.seed = folder, count, seed
        self.report = report
        self.seconds: dict[str, float] = {}
        self.numbers: dict[str, Any] = {}
        self.bar = ProgressBar("end to end", unit="stages", quiet=report is None)
        self.sequence = 0
        self.months_gone = 0
        self.rng = random.Random(seed)

    @contextmanager
    def stage(self, name: str) -> Iterator[dict[str, Any]]:
        """Time a stage; what is put into the dict is told with it."""
        said: dict[str, Any] = {}
        start = time.perf_counter()
        yield said
        self.seconds[name] = time.perf_counter() - start
        self.numbers |= {f"{name}: {key}": value for key, value in said.items()}
        if self.report is not None:
            told = ", ".join(
                f"{key} {value:,}" if isinstance(value, int) else f"{key} {value}" for key, value in said.items()
            )
            self.report(f"{name:34s} {self.seconds[name]:9.3f} s  {told}")

    def do(self, command: c.Order) -> tuple[e.Said, ...]:
        """Carry out a command that must succeed."""
        done = self.exchange.act(command)
        done.raise_for_refusal()
        return tuple(done.said)

    @property
    def entry(self) -> Any:
        """The pool with its place in the exchange."""
        return self.exchange.protocol.pools[0]

    @property
    def now(self) -> int:
        """The clock."""
        return self.exchange.now_ns

    def balance(self, account: int, asset: int) -> int:
        """Return a balance in micro."""
        return int(self.exchange.core.balance(account, asset))

    # --- the way ------------------------------------------------------------------------------------

    def go(self) -> Way:
        """Go all of it."""
        stages = (
            self.draw,
            self.open,
            self.lend,
            self.back,
            self.first_value,
            self.leave,
            self.month,
            self.second_value,
            self.claim,
            self.anchor,
            self.look,
            self.again,
        )
        with self.bar as bar:
            for number, stage in enumerate(stages):
                stage()
                bar(number + 1, len(stages))
        return self

    def draw(self) -> None:
        """Rates by grade, a curve, a tape."""
        with self.stage("default rates by grade") as said:
            self.grades, said["source"] = calibrated()
            for grade in self.grades:
                said[grade.name] = f"{grade.low_e12 / E12:.2%}..{grade.high_e12 / E12:.2%}"
        with self.stage("discount curve") as said:
            self.curve, said["yield"] = discount_curve()
        with self.stage("tape drawn") as said:
            self.loans = tape(self.count, self.grades, self.seed)
            self.lent = sum(drawn.entry.principal_micro for drawn in self.loans)
            said["loans"], said["principal_micro"] = len(self.loans), self.lent
        self.model = Model(self.loans, self.grades, self.curve)

    def open(self) -> None:
        """A journaled venue with a pool, invested in."""
        with self.stage("venue and pool opened") as said:
            self.exchange = pb.open(self.folder, checkpoint_bytes=0)
            self.usd = int(self.exchange.add_asset("USD", decimals=6))
            money = self.lent * 12 // 10 // MICRO * MICRO
            for account in (INVESTOR, SERVICER, FOUNDER):
                self.exchange.apply(m.Deposit(account=account, asset=self.usd, amount_atoms=2 * money))
            terms = PoolTerms(
                name="SME",
                manager=MANAGER,
                tranches=(
                    TrancheTerms(name="S", rate_e12=E12 // 20, minimum_subordination_e12=E12 // 5),
                    TrancheTerms(name="M", rate_e12=E12 * 9 // 100, minimum_subordination_e12=E12 // 10),
                    TrancheTerms(name="J"),
                ),
                limits=Limits(obligor_e12=E12 // 20, counterparty_e12=E12 // 10),
                planned_micro=self.lent,
                fee_e12=E12 // 100,
                buffer_e12=E12 // 200,
            )
            market = Instrument(symbol="SME-S/USD", tick=Decimal("0.0001"), lot=Decimal(1))
            (opened,) = self.do(c.OpenPool(terms=terms, quote=self.usd, markets=(market, None, None), ts_ns=DAY))
            assert isinstance(opened, e.PoolOpened)
            self.units = opened.assets
            for tranche, percent in ((JUNIOR, 15), (MEZZANINE, 15), (SENIOR, 70)):
                amount = money * percent // 100
                self.do(c.Invest(pool=0, tranche=tranche, account=INVESTOR, amount_micro=amount))
            said["cash_micro"] = self.entry.pool.cash_micro

    def lend(self) -> None:
        """The loans, in commands of 10,000; the last ones alone, which must not cost what all do."""
        slowest = 0.0
        alone = min(ALONE, self.count // 10)
        entries = [drawn.entry for drawn in self.loans]
        with self.stage("loans taken in") as said:
            for first in range(0, self.count - alone, ENTRIES):
                part = tuple(entries[first : min(first + ENTRIES, self.count - alone)])
                start = time.perf_counter()
                self.do(c.AddLoans(pool=0, account=MANAGER, originator=ORIGINATOR, entries=part))
                slowest = max(slowest, time.perf_counter() - start)
            said["slowest command"] = f"{slowest:.3f} s"
        with self.stage("loans taken in one by one") as said:
            for entry in entries[self.count - alone :]:
                self.do(c.AddLoans(pool=0, account=MANAGER, originator=ORIGINATOR, entries=(entry,)))
            said["loans"], said["owed_micro"] = alone, self.entry.pool.book.sums.owed_micro

    def back(self) -> None:
        """A feed with keys, a curve with a treasury, a desk, a queue."""
        with self.stage("feed, treasury, desk, queue") as said:
            members = tuple((source, public_key_of(private_key(source))) for source in SOURCES)
            terms = FeedTerms(quorum=2, recovery_rounds=1)
            self.do(c.OpenFeed(pool=0, terms=terms, arbiter=ARBITER, bond_asset=self.usd, members=members))
            lots = max(self.entry.pool.tranches[SENIOR].supply_micro // MICRO, 1000)
            params = CurveParams(
                shape=CurveShape.LINEAR,
                base_depth_lots=lots,
                quote_depth_lots=lots // 10,
                par_lots=lots // 100,
                drop_ppm=100_000,
                spread_ppm=1_000,
                rung_ticks=10,
                budget_notional=0,
            )
            place = {**PLACE, "account": MANAGER}
            self.do(c.OpenTreasury(**place, terms=TreasuryTerms(), params=params, guardian=GUARDIAN, governor=GOVERNOR))
            reserve = self.lent // 10
            self.do(c.FundTreasury(**PLACE, account=FOUNDER, amount_micro=reserve))
            self.do(c.OpenDesk(**place, terms=DeskTerms()))
            self.do(c.OpenQueue(**place, terms=QueueTerms()))
            said["reserve_micro"] = reserve

    def value_and_report(self, name: str, ts_ns: int) -> None:
        """Value the book, let three sources sign and report what they make of it, and wait until it is in force."""
        book = self.entry.pool.book
        with self.stage(f"{name}: holdings"):
            holdings = self.model.holdings(book, self.months_gone)
        with self.stage(f"{name}: valued three times") as said:
            # Each source has a slightly different curve.
            valued = [self.model.value(holdings, book, (source - 2) * E12 // 10_000) for source in SOURCES]
            low, mid, high = (total / valued[1].kept_micro for total in valued[1].total_micro)
            said["share of kept"] = f"{low:.4f} {mid:.4f} {high:.4f}"
        self.sequence += 1
        slowest = 0.0
        with self.stage(f"{name}: signed, verified, reported") as said:
            for source, one in zip(SOURCES, valued, strict=True):
                observation = Observation(
                    source=source,
                    sequence=self.sequence,
                    observed_ns=ts_ns,
                    low_nano=one.shares.low_nano,
                    mid_nano=one.shares.mid_nano,
                    high_nano=one.shares.high_nano,
                    model_hash=one.model_hash,
                    input_hash=one.input_hash,
                )
                signature = sign(private_key(source), DOMAIN, observation)
                forged = self.exchange.report(0, observation, "0" * 128, exchange=DOMAIN.exchange, ts=ts_ns)
                assert forged.code is Refusal.BAD_SIGNATURE
                start = time.perf_counter()
                done = self.exchange.report(0, observation, signature, exchange=DOMAIN.exchange, ts=ts_ns)
                done.raise_for_refusal()
                slowest = max(slowest, time.perf_counter() - start)
            said["slowest command"] = f"{slowest * 1000:.2f} ms"
        with self.stage(f"{name}: in force, re-priced") as said:
            self.do(c.Tick(ts_ns=ts_ns + HOUR))
            curve = self.exchange.core.market(0).curve
            assert curve is not None
            said["low_ticks"], said["high_ticks"] = curve.low_ticks, curve.high_ticks

    def first_value(self) -> None:
        """The first fair value."""
        self.value_and_report("first value", self.now + HOUR)

    def leave(self) -> None:
        """A holder sells in the market, redeems at the desk, and asks in the queue; so does somebody else there."""
        units = self.units[SENIOR]
        each = self.entry.pool.tranches[SENIOR].supply_micro // 100
        for account in (HOLDER, WAITER):
            self.exchange.apply(m.Transfer(account=INVESTOR, target_account=account, asset=units, amount_atoms=each))
        with self.stage("sold in the market") as said:
            lots = each // (4 * MICRO)
            order = m.NewOrder(
                account=HOLDER, side=Side.SELL, qty_lots=lots, price_ticks=5_000, tif=TimeInForce.IOC, instrument=0
            )
            trades = [event for event in self.exchange.apply(order) if isinstance(event, m.Trade)]
            said["lots"] = sum(trade.qty_lots for trade in trades)
            said["of"] = lots
            said["got_micro"] = self.balance(HOLDER, self.usd)
        with self.stage("redeemed at the desk") as said:
            done = self.do(c.Redeem(**PLACE, account=HOLDER, units_micro=each // 4))
            (redeemed,) = (one for one in done if isinstance(one, e.Redeemed))
            said["paid_micro"], said["fee_micro"] = redeemed.paid_micro, redeemed.fee_micro
        with self.stage("asked in the queue") as said:
            for account in (HOLDER, WAITER):
                self.do(c.RequestExit(**PLACE, account=account, units_micro=each // 3))
            said["units_micro"] = 2 * (each // 3)

    def month(self) -> None:
        """A month: everything is billed, most pay, some are late, some default, some of that is recovered."""
        late = [drawn for drawn in self.loans if self.rng.random() < 0.04]
        names = {drawn.entry.asset_id for drawn in late}
        paying = [drawn for drawn in self.loans if drawn.entry.asset_id not in names]
        book = self.entry.pool.book
        bills = []
        for drawn in self.loans:
            owed = book.loans[drawn.entry.asset_id].account.performing_micro
            interest = owed * drawn.rate_e12 // (12 * E12)
            bills.append((interest, min(max(level_payment_micro(drawn) - interest, 0), owed)))
        ids = [drawn.entry.asset_id for drawn in self.loans]
        self.serve("billed", [ServiceRow(name, Action.BILL, *bill) for name, bill in zip(ids, bills, strict=True)])
        due = {name: sum(bill) for name, bill in zip(ids, bills, strict=True)}
        self.serve("paid", [ServiceRow(d.entry.asset_id, Action.PAY, due[d.entry.asset_id]) for d in paying])
        self.serve("in arrears", [ServiceRow(d.entry.asset_id, Action.ARREARS, days=35) for d in late])
        gone = late[: len(late) // 8]
        self.serve("defaulted", [ServiceRow(d.entry.asset_id, Action.DEFAULT, days=95) for d in gone])
        rows = []
        for drawn in gone[::2]:
            left = book.loans[drawn.entry.asset_id].account.outstanding_micro
            rows += [
                ServiceRow(drawn.entry.asset_id, Action.RECOVER, left // 3),
                ServiceRow(drawn.entry.asset_id, Action.WRITE_OFF, left - left // 3),
                ServiceRow(drawn.entry.asset_id, Action.CLOSE),
            ]
        self.serve("recovered and closed", rows)
        with self.stage("service: one row at a time") as said:
            for drawn in paying[:ALONE]:
                row = ServiceRow(drawn.entry.asset_id, Action.ARREARS)
                self.do(c.Service(pool=0, account=MANAGER, payer=SERVICER, rows=(row,)))
            said["commands"] = len(paying[:ALONE])
        self.months_gone += 1
        with self.stage("waterfall") as said:
            (run,) = (
                one for one in self.do(c.RunWaterfall(pool=0, account=MANAGER)) if isinstance(one, e.WaterfallRun)
            )
            said["fees_micro"], said["buffer_micro"] = run.fees_micro, run.buffer_micro

    def serve(self, name: str, rows: Sequence[ServiceRow]) -> None:
        """Report rows, 10,000 at a time."""
        slowest = 0.0
        with self.stage(f"service: {name}") as said:
            for first in range(0, len(rows), ROWS):
                part = tuple(rows[first : first + ROWS])
                start = time.perf_counter()
                self.do(c.Service(pool=0, account=MANAGER, payer=SERVICER, rows=part))
                slowest = max(slowest, time.perf_counter() - start)
            said["rows"], said["kept_micro"] = len(rows), self.entry.pool.book.sums.kept_micro
            said["slowest command"] = f"{slowest:.3f} s"

    def second_value(self) -> None:
        """The book is valued again after the epoch has closed: the price of those who wait."""
        queue = self.entry.tranches[SENIOR].queue.queue
        self.value_and_report("second value", queue.epoch_end_ns + HOUR)
        struck = [one for one in self.exchange.said() if isinstance(one, e.EpochStruck)]
        assert len(struck) == 1, struck
        self.struck = struck[0]
        self.numbers["struck"] = self.struck

    def claim(self) -> None:
        """Those who waited are paid."""
        with self.stage("claimed") as said:
            for account in (HOLDER, WAITER):
                before = self.balance(account, self.usd)
                self.do(c.ClaimExit(**PLACE, account=account))
                said[f"account {account}"] = self.balance(account, self.usd) - before

    def anchor(self) -> None:
        """A token anchored to senior units and cash: minted against units, and redeemed in kind."""
        unit, governed = self.units[SENIOR], {"token": 0, "account": GOVERNOR}
        with self.stage("token opened and endowed") as said:
            native = int(self.exchange.add_asset("NTV", decimals=6))
            terms = TokenTerms(token_asset=0, native_asset=1)
            (opened,) = self.do(c.OpenToken(name="ANC", native=native, cash=self.usd, governor=GOVERNOR, terms=terms))
            assert isinstance(opened, e.TokenOpened)
            self.token = opened.asset
            self.do(c.AddLeg(**governed, asset=unit, haircut_e12=E12 // 10, claims=((unit, (self.usd,)),)))
            self.do(c.AddLeg(**governed, asset=self.usd, haircut_e12=0))
            self.do(c.Reweight(**governed, weights=((self.usd, E12 // 2), (unit, E12 // 2))))
            each = self.entry.pool.tranches[SENIOR].supply_micro // 1000
            for account, asset in ((FOUNDER, self.usd), (INVESTOR, unit)):
                self.do(c.Endow(token=0, account=account, asset=asset, quantity_micro=each))
            self.do(c.Tick(ts_ns=self.now + HOUR))
            said["each leg"] = each
        with self.stage("tokens minted") as said:
            for _ in range(5):
                for asset in (unit, self.usd):
                    self.do(c.MintTokens(token=0, account=INVESTOR, asset=asset, quantity_micro=each // 20))
            said["tokens_micro"] = self.balance(INVESTOR, self.token)
        with self.stage("tokens redeemed in kind") as said:
            tokens = self.balance(INVESTOR, self.token) // 10
            (redeemed,) = self.do(c.RedeemTokens(token=0, account=INVESTOR, tokens_micro=tokens, in_kind=True))
            assert isinstance(redeemed, e.TokensRedeemed)
            said["worth_micro"], said["fee_micro"] = redeemed.worth_micro, redeemed.fee_micro
            said["ratio"] = f"{ratio_e12(self.exchange.protocol.tokens[0].token, self.now) / E12:.4f}"

    def look(self) -> None:
        """Every invariant, and how large everything is."""
        with self.stage("check()") as said:
            self.exchange.check()
            said.update(standing_of(self.entry.pool.book))
        with self.stage("state") as said:
            said["bytes"] = len(self.exchange.core.state_bytes())
        with self.stage("state hash"):
            self.digest = self.exchange.state_hash()
        self.heard = self.exchange.said()

    def again(self) -> None:
        """From the journal alone, from a snapshot, and by a follower: the same state each time."""
        written = self.exchange._durable.writer.written_bytes
        self.exchange.close()
        with self.stage("reopened from the journal") as said:
            self.exchange = pb.open(self.folder, checkpoint_bytes=0)
            said["records"], said["journal bytes"] = self.exchange.recovered.replayed_records, written
        assert self.exchange.state_hash() == self.digest
        with self.stage("follower from the journal"):
            assert Follower(self.folder).state_hash() == self.digest
        with self.stage("snapshot") as said:
            name = self.exchange.checkpoint()
            said["bytes"] = os.path.getsize(next(path for path in self.folder.rglob(name)))
        self.do(c.Tick(ts_ns=self.now + 1))
        digest = self.exchange.state_hash()
        self.exchange.close()
        with self.stage("reopened from the snapshot") as said:
            self.exchange = pb.open(self.folder, checkpoint_bytes=0)
            said["records"] = self.exchange.recovered.replayed_records
        assert self.exchange.state_hash() == digest
        with self.stage("follower from the snapshot"):
            assert Follower(self.folder).state_hash() == digest
        self.exchange.check()
        self.exchange.close()


def main() -> int:
    """Read the arguments and go."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="parbook-endtoend-") as folder:
        way = Way(Path(folder) / "venue", options.count, seed=options.seed, report=lambda line: print(line, flush=True))
        way.go()
    print(f"end to end: {options.count:,} loans in {time.perf_counter() - start:.1f} s, all states agree")
    return 0


if __name__ == "__main__":
    sys.exit(main())
