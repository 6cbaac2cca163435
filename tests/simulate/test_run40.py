"""Forty percent of the supply on its way out, a shock, an oracle that is late: what those who stay lose, who gains."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import pytest

from parbook.pools.amounts import MICRO, NANO
from parbook.protocol import events as e
from parbook.protocol.exchange import BackedExchange
from parbook.simulate.agents import Maker
from parbook.simulate.bound import Tier
from parbook.simulate.many import outcomes, play
from parbook.simulate.run import Run
from parbook.simulate.venue import Venue
from parbook.simulate.world import Lateness, World
from tests.protocol.house import ReferenceBacked

SHORT = World(loans=40, holders=24, horizon_days=60)
LAGGING = msgspec.structs.replace(SHORT, lateness=Lateness.LAGGING)
DOZEN = range(12)


class Played(Run):
    """A run that keeps its result."""

    def __init__(self, world: World, seed: int) -> None:
        super().__init__(world, seed, checked=True)
        self.result = self.play()


class Seen(NamedTuple):
    """What a maker stood at when it had quoted."""

    trusted: bool
    bid_lots: int
    units_micro: int


class Watched(Maker):
    """A maker that keeps what it quoted."""

    def __init__(self, number: int, world: World) -> None:
        super().__init__(number, world)
        self.seen: list[Seen] = []

    def quote(self, venue: Venue) -> None:
        super().quote(venue)
        order = venue.exchange.market(venue.senior.instrument).order(self.order_id) if self.order_id else None
        bid_lots = order.qty_lots - order.filled_lots if order is not None else 0
        self.seen.append(Seen(venue.entry.trusted, bid_lots, venue.has(self.account, venue.senior.asset)))


class Reloading(Run):
    """A run whose exchange is written and read in its middle."""

    def _report(self) -> None:
        if int(self.day) == 8:
            old = self.venue.exchange
            self.venue.exchange = BackedExchange.from_state(old.state_bytes(), old.assets, old.listings)
        super()._report()


@pytest.fixture(
    scope="module",
    params=[(world, seed) for world, seeds in ((SHORT, DOZEN), (LAGGING, DOZEN[:6])) for seed in seeds],
    ids=lambda case: f"{case[0].lateness.name.lower()}-{case[1]}",
)
def run(request):
    """A run played to its horizon, every invariant and the bound (1) tested after every command."""
    world, seed = request.param
    return Played(world, seed)


def test_those_who_stay_lose_no_more_than_the_formula_says(run):
    one = run.result.outcome
    assert one.within_bounds
    if run.world.lateness is Lateness.SILENT:
        assert one.lost_queue_nano == 0, "nothing is struck until three rounds in a row are good"
        assert one.lost_nano * 1000 < 2 * one.shock_nano, "two thousandths at most, with these settings"


def test_makers_bid_while_the_feed_is_trusted_and_buy_from_leavers():
    run = Run(SHORT, 3)
    run.makers = [Watched(number, SHORT) for number in range(SHORT.makers)]
    run.play()
    for maker in run.makers:
        assert isinstance(maker, Watched)
        first, last = maker.seen[0], maker.seen[-1]
        assert first.bid_lots > 0, "each bids from the first morning on"
        assert all(not seen.bid_lots for seen in maker.seen if not seen.trusted)
        assert first.units_micro == 0 < last.units_micro, "leavers sold to each"


def test_everybody_is_out_and_every_coin_is_where_it_should_be(run):
    one, venue = run.result.outcome, run.venue
    assert one.out_micro == sum(each.units_micro for each in run.exits)
    assert 0 <= one.leaving_micro - one.out_micro < run.world.holders * MICRO, "less than one unit each"
    assert one.out_day > run.world.run_day
    for holder in run.people:
        mine = [each for each in run.exits if each.account == holder.account]
        claim = venue.senior.queue.queue.claims.get(str(holder.account), 0)
        assert venue.has(holder.account, venue.usd) + claim == sum(each.paid_micro for each in mine)
        left = venue.has(holder.account, venue.senior.asset)
        assert left == holder.units_micro - sum(each.units_micro for each in mine)


def test_units_burned_and_bought_are_those_that_left(run):
    gone = {tier: sum(one.units_micro for one in run.exits if one.tier is tier) for tier in Tier}
    supply = run.venue.entry.pool.tranches[0].supply_micro
    assert supply == sum(one.units_micro for one in run.people) - gone[Tier.DESK] - gone[Tier.QUEUE]
    makers = sum(run.venue.has(one.account, run.venue.senior.asset) for one in run.makers)
    assert gone[Tier.MARKET] == makers + run.venue.has(run.venue.senior.till, run.venue.senior.asset)


def test_one_epoch_one_price(run):
    epochs: dict[int, list] = {}
    for one in run.exits:
        if one.tier is Tier.QUEUE:
            epochs.setdefault(one.ts_ns, []).append(one)
    assert epochs
    struck = [said for said in run.venue.said if isinstance(said, e.EpochStruck) and said.units_micro]
    prices = {said.ts_ns: said.price_nano for said in struck}
    assert prices.keys() == epochs.keys()
    for ts_ns, fills in epochs.items():
        for fill in fills:
            assert fill.paid_micro == fill.units_micro * prices[ts_ns] // NANO, "equal to a micro, whoever came first"
    assert run.result.outcome.epoch_spread_micro == 0


def test_a_leaver_never_beats_the_quoted_price_and_a_queue_never_beats_the_true_one(run):
    for one in run.exits:
        price = one.paid_micro * NANO // one.units_micro
        if one.tier is Tier.DESK:
            assert price < one.quoted_nano
        if one.tier is Tier.QUEUE and run.world.lateness is Lateness.SILENT:
            assert price <= one.true_nano


def test_what_first_movers_gain_is_what_stayers_lose_and_the_desk_lets_few_through(run):
    """In the desk: units x (price - true value), all of it, is what the others lost; nothing comes from nowhere."""
    if run.world.lateness is not Lateness.SILENT:
        return
    desk = [one for one in run.exits if one.tier is Tier.DESK]
    taken = sum(max(one.paid_micro - one.units_micro * one.true_nano // NANO, 0) for one in desk)
    supply = run.venue.entry.pool.tranches[0].supply_micro
    allowed, first = run.result.outcome.allowed_nano / NANO, sum(one.units_micro for one in run.people)
    assert allowed * supply - len(desk) <= taken <= allowed * first + len(desk) + 1
    early = sum(one.units_micro for one in desk if one.paid_micro * NANO > one.units_micro * one.true_nano)
    assert early <= first * (1 + 26 / 24) / 50, "2 % at once and 2 % a day, for the 26 hours until the desk shuts"


def test_a_silent_oracle_shuts_the_desk(run):
    if run.world.lateness is Lateness.SILENT:
        assert run.result.outcome.feed_down_hours > 30
    else:
        assert run.result.outcome.feed_down_hours < 30


def test_a_seed_is_a_run_however_it_is_computed():
    world = msgspec.structs.replace(SHORT, horizon_days=14)
    alone = [play(world, seed, checked=False, paired=True).outcome for seed in (3, 4)]
    seen = []
    assert outcomes(world, (3, 4), paired=True, workers=2, progress=lambda *done: seen.append(done)) == alone
    assert outcomes(world, (3, 4), paired=True, workers=1, checked=True) == alone
    assert seen == [(1, 2), (2, 2)]
    assert alone[0].digest != alone[1].digest


def test_the_reference_plays_the_same():
    world = msgspec.structs.replace(SHORT, horizon_days=14)
    compiled = Run(world, 7, checked=False).play()
    reference = Run(world, 7, checked=False, exchange=ReferenceBacked()).play()
    assert reference == compiled


def test_the_venue_goes_on_from_its_state():
    """Half of a run, the exchange written and read, the other half: the same result."""
    world = msgspec.structs.replace(SHORT, horizon_days=14)
    whole = Run(world, 7, checked=False).play()
    assert Reloading(world, 7, checked=False).play() == whole


def test_without_a_run_nobody_leaves_and_nobody_loses():
    run = Run(SHORT, 7, checked=True, running=False)
    one = run.play().outcome
    assert run.exits == []
    assert (one.leaving_micro, one.lost_nano, one.formula_nano, one.out_day) == (0, 0, 0, -1)


def test_obligors_have_their_fate_whoever_leaves():
    with_run, without = Run(SHORT, 5, checked=False), Run(SHORT, 5, checked=False, running=False)
    assert with_run.credit.obligors == without.credit.obligors
    assert with_run.shock_nano == without.shock_nano == -1


def test_a_larger_shock_costs_more_and_the_bound_goes_with_it():
    hard = msgspec.structs.replace(SHORT, failing_e12=2 * 10**11)
    worst = [play(hard, seed, checked=False).outcome for seed in range(3)]
    assert all(one.within_bounds for one in worst)
    mild = [play(SHORT, seed, checked=False).outcome for seed in range(3)]
    assert sum(one.shock_nano for one in worst) < sum(one.shock_nano for one in mild)


def test_a_lag_that_nobody_sees_costs_more_than_silence():
    """What the sources say is old and looks new: the queue, too, pays the old price, out of what cash there is."""
    seeds = (0, 2, 7)
    silent = [play(SHORT, seed, checked=False).outcome for seed in seeds]
    lagging = [play(LAGGING, seed, checked=False).outcome for seed in seeds]
    assert all(one.within_bounds for one in lagging)
    assert sum(one.lost_queue_nano for one in silent) == 0
    assert sum(one.lost_queue_nano for one in lagging) > 0
    assert sum(one.lost_nano for one in lagging) > 2 * sum(one.lost_nano for one in silent)
