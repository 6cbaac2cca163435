"""A run on the exchange, day by day: who pays, who reports, who leaves, and what it did to those who stay.

A day: 0:30 what fell due is paid or fails, 6:00 and so on the sources report (in force when the feed's delay is over,
an hour by default; then epochs are struck), 8:00 makers quote, 9:00 leavers act in an order drawn anew, 20:00 they
claim. Everything at its own second.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from typing import Final

from parbook.errors import AssetError
from parbook.pools.amounts import MICRO, NANO
from parbook.pools.pool import free_cash_micro
from parbook.pools.servicing import Action, ServiceRow
from parbook.protocol import events as e
from parbook.protocol.events import Said
from parbook.protocol.exchange import BackedExchange
from parbook.redemption.desk import DeskTerms
from parbook.simulate.agents import Holder, Maker, holders_of, ways_of
from parbook.simulate.bound import Exit, Observer, Standing, Tier, standing
from parbook.simulate.credit import Credit
from parbook.simulate.results import Outcome, Point, Result, edge_ppm, tier_results
from parbook.simulate.rhythm import DAY_NS, HOUR_NS, SECOND_NS, report_clock
from parbook.simulate.venue import TICKS, Venue, ticks_of
from parbook.simulate.world import Lateness, World
from parbook.units import PPM

_SERVICE, _REPORT, _QUOTE, _LEAVE, _CLAIM, _NOTE = range(6)
_HOURS: Final = ((0.5, _SERVICE), (8.0, _QUOTE), (9.0, _LEAVE), (20.0, _CLAIM), (23.0, _NOTE))


class Run:
    """One world, one seed. `running=False`: the same without anybody leaving."""

    def __init__(
        self,
        world: World,
        seed: int,
        *,
        checked: bool = True,
        running: bool = True,
        exchange: BackedExchange | None = None,
    ) -> None:
        self.world, self.seed = world, seed
        self.credit = Credit(world, seed)
        self.people = holders_of(world, seed, running=running)
        self.draw = random.Random(f"{seed}:order")
        self.noise = random.Random(f"{seed}:noise")
        self.venue = Venue(checked=checked, exchange=exchange)
        self.makers = [Maker(n, world) for n in range(world.makers)]
        self.ways = ways_of(world)
        self.queue_least_micro = world.queue_terms.minimum_units_micro if world.queue_terms is not None else MICRO
        desk_least_micro = world.desk_terms.minimum_units_micro if world.desk_terms is not None else MICRO
        least = {Tier.MARKET: MICRO, Tier.DESK: desk_least_micro, Tier.QUEUE: self.queue_least_micro}
        self.least_micro = min((least[tier] for tier in self.ways), default=MICRO)
        """Fewest units that any way out takes."""
        self.exits: list[Exit] = []
        self.points: list[Point] = []
        self.epoch_spread_micro = 0
        self.reserve_loss_micro = 0
        self.down_ns = 0
        self.reference_nano = 0
        self.lost_queue = Fraction(0)
        self.shock_nano = -1
        self._open()
        supply = self.venue.entry.pool.tranches[0].supply_micro
        desk = self.venue.senior.desk
        self.observer = Observer(DeskTerms() if desk is None else desk.terms, supply)

    def _open(self) -> None:
        venue, world = self.venue, self.world
        venue.open_pool(world)
        for one in self.people:
            venue.invest(one.account, one.units_micro)
        venue.lend(self.credit.obligors)
        venue.open_feed(world.feed_terms, world.sources)
        venue.open_exits(world)
        venue.rest(world.bids)
        for maker in self.makers:
            venue.give(maker.account, venue.usd, world.maker_micro)
        # So many good rounds, and the feed is trusted.
        gap_ns, rounds = world.opening_ns, world.feed_terms.recovery_rounds
        self.start_ns = -(-(venue.now_ns + gap_ns * rounds) // DAY_NS) * DAY_NS
        for left in range(rounds, 0, -1):
            venue.pass_to(self.start_ns - left * gap_ns)
            venue.report(self.credit.shares(0, self._kept()))
        venue.pass_to(self.start_ns)
        if not venue.entry.trusted:
            reason = f"feed_terms do not trust {rounds} reports of {self.credit.shares(0, self._kept())} nano in a row"
            remedy = "Compare these bands of the loans with confidence_max, price_min and price_max."
            raise AssetError("world", reason, remedy)

    # --- time -----------------------------------------------------------------------------------

    @property
    def day(self) -> float:
        """The time, in days since the beginning."""
        return (self.venue.now_ns - self.start_ns) / DAY_NS

    def play(self, *, until_out: bool = False) -> Result:
        """Play to the horizon and return what it showed; `until_out`: only until the last leaver is out."""
        steps = sorted((*_HOURS, *((float(hour), _REPORT) for hour in report_clock(self.world.report_hours))))
        settled = max(self.world.run_day + self.world.run_days, self.world.shock_day)
        for day in range(self.world.horizon_days):
            if until_out and day > settled and all(one.leaving_micro < self.least_micro for one in self.people):
                break
            for hours, kind in steps:
                at_ns = self.start_ns + day * DAY_NS + int(hours * HOUR_NS)
                self._pass(at_ns)
                if kind == _SERVICE:
                    self._service(day)
                elif kind == _REPORT:
                    self._report()
                elif kind == _QUOTE:
                    for maker in self.makers:
                        maker.quote(self.venue)
                elif kind == _LEAVE:
                    self._leave()
                elif kind == _CLAIM:
                    self._claim()
                else:
                    self._note(day)
        return Result(world=self.world, outcome=self._outcome(), points=tuple(self.points), exits=tuple(self.exits))

    def _kept(self) -> int:
        return self.venue.entry.pool.book.sums.kept_micro

    def _true(self) -> Standing:
        """Return how the senior stands in truth, now."""
        mid = self.credit.share(self.day, self._kept())
        return standing(self.venue.entry, mid, self.venue.now_ns)

    def _quoted_nano(self) -> int:
        shares = self.venue.quoted()
        return self.venue.exit_nano(shares.low_nano) if shares else 0

    def _pass(self, to_ns: int) -> None:
        """Let time pass; stop right before a round takes effect, and there, since epochs are struck by it.

        What is compared with a strike stands right before: claims grow to the nearest micro at every look, and two
        looks may differ by one.
        """
        venue = self.venue
        while 0 < (due_ns := venue.round_due_ns()) <= to_ns:
            self._step(due_ns - 1)
            self._step(max(due_ns, venue.now_ns), always=True)
        self._step(to_ns)

    def _step(self, to_ns: int, *, always: bool = False) -> None:
        """Let time pass in which no round takes effect before the end; `always`: also where it is that time already."""
        venue = self.venue
        if to_ns <= venue.now_ns and not always:
            return
        # Between two rounds a feed only ages: from one moment on it is not trusted.
        self.down_ns += max(to_ns - max(venue.now_ns, venue.stale_at_ns()), 0)
        self._watch(to_ns, lambda: venue.pass_to(to_ns))

    def _watch(self, at_ns: int, step: Callable[[], list[Said]]) -> None:
        """Do what may strike an epoch at a time; see what each leaver got, and what it did to those who stay."""
        venue = self.venue
        held = venue.senior.queue
        if held is None or not held.queue.closed:
            step()
            return
        waiting, claims, pending = (dict(one) for one in (held.queue.closed, held.queue.claims, held.queue.pending))
        mid = self.credit.share((at_ns - self.start_ns) / DAY_NS, self._kept())
        before, quoted = standing(venue.entry, mid, at_ns), self._quoted_nano()
        cash = free_cash_micro(venue.entry.pool)
        struck = [said for said in step() if isinstance(said, e.EpochStruck)]
        if not struck:
            return
        (epoch,) = struck
        self.observer.strike(cash, epoch.price_nano, before)
        self.lost_queue += self.observer.exit(before, standing(venue.entry, mid, at_ns), epoch.paid_micro)
        by_account = {str(one.account): one for one in self.people}
        for key, asked in sorted(waiting.items()):
            units = asked + pending.get(key, 0) - held.queue.pending.get(key, 0) - held.queue.closed.get(key, 0)
            paid = held.queue.claims.get(key, 0) - claims.get(key, 0)
            exact = units * epoch.price_nano / NANO
            self.epoch_spread_micro = max(self.epoch_spread_micro, int(abs(exact - paid)))
            self._exit(by_account[key], Tier.QUEUE, units, paid, before, quoted)

    # --- obligors, sources ----------------------------------------------------------------------

    def _service(self, day: int) -> None:
        """Report what happened to loans: payments, failures a little late, recoveries."""
        rows: list[ServiceRow] = []
        late = self.world.servicer_late_days
        for one in self.credit.open():
            if not one.fails and one.due_day <= day:
                rows.append(ServiceRow(one.asset_id, Action.BILL, one.coupon_micro, one.principal_micro))
                rows.append(ServiceRow(one.asset_id, Action.PAY, one.principal_micro + one.coupon_micro))
                rows.append(ServiceRow(one.asset_id, Action.CLOSE))
                one.closed = True
            elif one.fails_day + late <= day and not one.booked:
                rows.append(ServiceRow(one.asset_id, Action.DEFAULT, days=self.world.default_days))
                one.booked = True
            elif one.booked and one.fails_day + self.world.recovery_days <= day:
                lost = one.principal_micro - one.recovery_micro
                if one.recovery_micro:
                    rows.append(ServiceRow(one.asset_id, Action.RECOVER, one.recovery_micro))
                if lost:
                    rows.append(ServiceRow(one.asset_id, Action.WRITE_OFF, lost))
                rows.append(ServiceRow(one.asset_id, Action.CLOSE))
                one.closed = True
        self.venue.service(rows)
        if day == self.world.shock_day:
            self.shock_nano = self._true().worth_nano

    def _report(self) -> None:
        """Let the sources report; while they are late, nothing or what was true before the shock."""
        world, venue = self.world, self.venue
        is_late = world.shock_day <= self.day < world.shock_day + world.oracle_late_days
        if is_late and world.lateness is Lateness.SILENT:
            return
        known = world.shock_day - 0.001 if is_late else None
        shares = self.credit.shares(self.day, self._kept(), known)

        def said() -> list[Said]:
            start = len(venue.said)
            venue.report(shares, self.noise, world.noise_ppm)
            return venue.said[start:]

        # Without a delay it is in force at once, and may strike an epoch.
        self._watch(venue.now_ns, said)
        wait_ns = min(world.feed_terms.delay_ns, HOUR_NS)
        self._pass(venue.now_ns + wait_ns - 1)
        self._pass(venue.now_ns + 1)

    # --- leavers --------------------------------------------------------------------------------

    def _leave(self) -> None:
        """Let all who want to go try, in an order drawn anew."""
        going = [one for one in self.people if one.leaving_micro and one.mind_day <= self.day and not one.asked]
        self.draw.shuffle(going)
        for one in going:
            self._pass(self.venue.now_ns + SECOND_NS)
            self._try(one)

    def _try(self, one: Holder) -> None:
        if one.leaving_micro < self.least_micro:
            # Less than any way takes: it stays where it is.
            one.leaving_micro = 0
            return
        if one.tier is not Tier.QUEUE and self.day < one.mind_day + self.world.patience_days:
            self._by(one, one.tier)
        elif Tier.QUEUE in self.ways and one.leaving_micro >= self.queue_least_micro:
            if self.venue.request(one.account, one.leaving_micro).no is None:
                one.asked = True
        else:
            # There is no queue, or none for so little: whatever else there is, day by day.
            for tier in self.ways:
                self._by(one, tier)

    def _by(self, one: Holder, tier: Tier) -> None:
        """Let somebody try the market or the desk, if it is there."""
        if tier is Tier.MARKET and tier in self.ways:
            self._sell(one)
        elif tier is Tier.DESK and tier in self.ways and one.leaving_micro:
            self._redeem(one)

    def _sell(self, one: Holder) -> None:
        quoted = self._quoted_nano()
        if self.venue.entry.trusted:
            self.reference_nano = quoted
        # Nobody sells at a price that only decays because nothing was reported.
        least = ticks_of(self.reference_nano * (PPM - self.world.discount_max_ppm) // PPM)
        before, till = self._true(), self.venue.senior.till
        had = self.venue.has(till, self.venue.usd)
        trades = self.venue.sell(one.account, one.leaving_micro, least)
        units = sum(trade.qty_lots for trade in trades) * MICRO
        paid = sum(trade.qty_lots * trade.price_ticks for trade in trades) * (MICRO // TICKS)
        if units:
            spent = had - self.venue.has(till, self.venue.usd)
            bought = sum(trade.qty_lots for trade in trades if not trade.maker_account) * MICRO
            self.reserve_loss_micro += max(spent - bought * before.worth_nano // NANO, 0)
            self._exit(one, Tier.MARKET, units, paid, before, quoted)

    def _redeem(self, one: Holder) -> None:
        quoted, before = self._quoted_nano(), self._true()
        self.observer.price(self.venue.now_ns, quoted if self.venue.entry.trusted else 0, before)
        acted = self.venue.redeem(one.account, one.leaving_micro)
        for said in acted.said:
            if isinstance(said, e.Redeemed):
                self.observer.exit(before, self._true(), said.paid_micro)
                self._exit(one, Tier.DESK, said.units_micro, said.paid_micro, before, quoted)

    def _exit(self, one: Holder, tier: Tier, units: int, paid: int, before: Standing, quoted: int) -> None:
        """Note an exit."""
        if not units:
            return
        one.leaving_micro -= units
        if not one.leaving_micro:
            one.out_day = self.day
        self.exits.append(
            Exit(
                ts_ns=self.venue.now_ns,
                day=self.day,
                mind_day=one.mind_day,
                tier=tier,
                account=one.account,
                units_micro=units,
                paid_micro=paid,
                true_nano=before.worth_nano,
                quoted_nano=quoted,
            )
        )

    def _claim(self) -> None:
        held = self.venue.senior.queue
        for key in sorted(held.queue.claims) if held else []:
            self.venue.claim(int(key))

    # --- what it showed -------------------------------------------------------------------------

    def _note(self, day: int) -> None:
        venue, entry = self.venue, self.venue.entry
        shares, held, treasury = venue.quoted(), venue.senior.queue, venue.senior.treasury
        reserve = venue.has(venue.senior.till, venue.usd)
        self.points.append(
            Point(
                day=day,
                feed=venue.feed_state().name,
                low_nano=venue.exit_nano(shares.low_nano) if shares else 0,
                mid_nano=venue.exit_nano(shares.mid_nano) if shares else 0,
                true_nano=self._true().worth_nano,
                bid_nano=venue.best_bid_ticks() * (NANO // TICKS),
                cash_micro=entry.pool.cash_micro,
                reserve_micro=reserve + (venue.has(treasury.reserve_account, venue.usd) if treasury else 0),
                owed_micro=entry.pool.book.sums.owed_micro,
                supply_micro=entry.pool.tranches[0].supply_micro,
                waiting_micro=held.queue.escrow_units_micro if held else 0,
                held_micro=venue.has(venue.senior.till, venue.senior.asset),
                out_micro=self._out_by_tier(),
            )
        )

    def _out_by_tier(self) -> tuple[int, int, int]:
        out = [0, 0, 0]
        for one in self.exits:
            out[one.tier] += one.units_micro
        return out[0], out[1], out[2]

    def _outcome(self) -> Outcome:
        out = sum(one.units_micro for one in self.exits)
        still = sum(one.leaving_micro for one in self.people if one.leaving_micro >= self.least_micro)
        supply = self.venue.entry.pool.tranches[0].supply_micro
        observer = self.observer
        return Outcome(
            seed=self.seed,
            leaving_micro=out + sum(one.leaving_micro for one in self.people),
            out_micro=out,
            out_day=max((one.day for one in self.exits), default=-1.0) if not still else -1.0,
            tiers=tier_results(self.exits),
            shock_nano=self.shock_nano,
            lost_nano=float(observer.lost * NANO),
            lost_queue_nano=float(self.lost_queue * NANO),
            allowed_nano=float(observer.allowed * NANO),
            formula_nano=None if (most := observer.formula(supply)) is None else float(most * NANO),
            gained_nano=float(observer.gained * NANO),
            end_nano=self._true().worth_nano,
            end_alone_nano=-1,
            epoch_spread_micro=self.epoch_spread_micro,
            early_ppm=edge_ppm(self.exits, first=True),
            late_ppm=edge_ppm(self.exits, first=False),
            reserve_loss_micro=self.reserve_loss_micro,
            failures=sum(one.fails for one in self.credit.obligors),
            feed_down_hours=self.down_ns / HOUR_NS,
            commands=self.venue.commands,
            digest=self.venue.digest(),
        )
