"""People: holders who stay, holders who leave one way or another, and makers of a market. All from a seed."""

from __future__ import annotations

import random

import msgspec

from parbook.codes import Side
from parbook.errors import InvariantError
from parbook.listing import fee_atoms
from parbook.messages import Accepted, Rejected
from parbook.pools.amounts import E12, MICRO, NANO, Rounding, share_of
from parbook.simulate.bound import Tier
from parbook.simulate.venue import HOLDERS, MAKERS, TICKS, Venue
from parbook.simulate.world import World
from parbook.units import PPM


class Holder(msgspec.Struct, kw_only=True):
    """Somebody with units, `leaving_micro` of them to go, from `mind_day` on; `tier` is what is tried first."""

    account: int
    units_micro: int
    leaving_micro: int = 0
    tier: Tier = Tier.QUEUE
    mind_day: float = 0.0
    asked: bool = False
    """Whether the queue was asked for what is left."""
    out_day: float = -1.0


def ways_of(world: World) -> tuple[Tier, ...]:
    """Return the ways out that a world has."""
    there = {
        Tier.MARKET: world.market,
        Tier.DESK: world.desk_terms is not None,
        Tier.QUEUE: world.queue_terms is not None,
    }
    return tuple(tier for tier in Tier if there[tier])


def way_of(tier: Tier, ways: tuple[Tier, ...]) -> Tier:
    """Return a way out if it is there, else the next that is: market, desk, queue, and around. Itself where none is."""
    around = (Tier((tier + n) % len(Tier)) for n in range(len(Tier)))
    return next((one for one in around if one in ways), tier)


def holders_of(world: World, seed: int, *, running: bool = True) -> list[Holder]:
    """Return the holders of the senior's units, whole ones: patient, but for so many that the world's share leaves.

    Who leaves, how and when comes from the seed. Without a run the same people hold the same and nobody leaves.
    """
    draw = random.Random(f"{seed}:people")
    senior = world.size_micro - share_of(world.size_micro, world.junior_e12, Rounding.FLOOR)
    weights = [draw.lognormvariate(0.0, 0.8) for _ in range(world.holders)]
    total = sum(weights)
    units = [max(int(senior * weight / total) // MICRO, 1) for weight in weights]
    # The largest has what rounding left over: a pool that is lent to the last unit has been paid to the last.
    largest = units.index(max(units))
    units[largest] = max(units[largest] + senior // MICRO - sum(units), 1)
    people = [Holder(account=HOLDERS + n, units_micro=each * MICRO) for n, each in enumerate(units)]
    order, ways = list(people), ways_of(world)
    draw.shuffle(order)
    left = share_of(sum(one.units_micro for one in people), world.leaving_e12, Rounding.FLOOR) // MICRO * MICRO
    for one in order:
        chance, mind = draw.random(), draw.uniform(0, world.run_days)
        if not running or left <= 0:
            continue
        one.leaving_micro = min(one.units_micro, left)
        one.mind_day = world.run_day + mind
        market, desk = world.market_e12 / E12, world.desk_e12 / E12
        wanted = Tier.MARKET if chance < market else Tier.DESK if chance < market + desk else Tier.QUEUE
        one.tier = way_of(wanted, ways)
        left -= one.leaving_micro
    return people


class Maker:
    """Bids below the middle while the feed can be trusted, with the money there is. Loses when the feed is wrong."""

    def __init__(self, number: int, world: World) -> None:
        self.account = MAKERS + number
        self.world = world
        self.spread_ppm = world.maker_spread_ppm * (number + 2) // 2
        self.order_id = 0

    def quote(self, venue: Venue) -> None:
        """Take the old bid back and put a new one in."""
        if self.order_id:
            order = venue.exchange.market(venue.senior.instrument).order(self.order_id)
            if order is not None:
                venue.cancel(self.account, self.order_id)
            self.order_id = 0
        shares = venue.quoted()
        if shares is None or not venue.entry.trusted:
            return
        ticks = venue.exit_nano(shares.mid_nano) * (PPM - self.spread_ppm) // PPM * TICKS // NANO
        if ticks < 1:
            return
        # A bid must have the largest fee there may be beside its price.
        price_micro = ticks * (MICRO // TICKS)
        lots = venue.has(self.account, venue.usd) // (price_micro + fee_atoms(price_micro, venue.max_fee_ppm))
        if lots < 1:
            return
        for event in venue.order(self.account, Side.BUY, lots, ticks):
            if isinstance(event, Rejected):
                raise InvariantError(f"maker {self.account} bid {lots} at {ticks} and was refused: {event.code.name}")
            if isinstance(event, Accepted):
                self.order_id = event.order_id
