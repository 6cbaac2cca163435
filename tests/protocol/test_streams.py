"""Random streams over a whole venue: compiled and reference in lockstep, every invariant after every command.

Beside them a count of what came in, was issued and burned, made of commands and of what was said alone.
"""

from __future__ import annotations

from collections import Counter

import pytest

from parbook import messages as m
from parbook.protocol import commands as c
from parbook.protocol import events as e
from parbook.records import command_records, event_records
from parbook.treasury.terms import Recycling
from tests.protocol.house import MICRO
from tests.protocol.streams import Flows, Stream, exit_prices
from tests.protocol.streams_of_backing import BackedFlows, BackingStream, WholeVenue
from tests.protocol.venue import FOUNDER, INVESTOR, Venue, no_worse

SEEDS = range(6)
COMMANDS = 250


class Run:
    """A venue, a stream of commands for it, and what must always hold. Every third has votes, a token, a fund."""

    def __init__(self, seed: int) -> None:
        recycling = Recycling.RETIRE if seed % 2 else Recycling.RESELL
        whole = WholeVenue().minted() if seed % 3 == 2 else None
        self.venue = whole or Venue(recycling=recycling).opened()
        venue = self.venue
        for account in (FOUNDER, 21, 22, 23):
            for asset in venue.units:
                venue.apply(m.Transfer(account=INVESTOR, target_account=account, asset=asset, amount_atoms=40 * MICRO))
            venue.apply(m.Transfer(account=INVESTOR, target_account=account, asset=venue.usd, amount_atoms=MICRO))
        self.stream = BackingStream(venue, seed) if whole else Stream(venue, seed)
        self.flows = BackedFlows(venue) if whole else Flows(venue)
        self.heard = len(venue.said)

    def step(self) -> None:
        """One command, and everything that must hold after it."""
        command = self.stream.next()
        if isinstance(command, c.Order):
            self._ask(command)
        else:
            self.flows.outside(self.venue.apply(command))
        self._account()

    def _ask(self, command: c.Order) -> None:
        venue = self.venue
        if not command.ts_ns or command.ts_ns >= venue.now:
            venue.act(c.Tick(ts_ns=command.ts_ns))
        before = venue.stands()
        left = command.pool if isinstance(command, c.Redeem | c.RetireUnits) else len(venue.protocol.pools)
        leaving = left < len(venue.protocol.pools)
        prices = exit_prices(venue, left) if leaving else []
        shares = venue.protocol.pools[left].shares if leaving else None
        acted = venue.act(command)
        if acted.no is not None:
            self.stream.refusals[acted.no.refusal.name] += 1
            venue.unmoved(acted, before)
        elif prices and venue.protocol.pools[left].shares == shares:
            assert no_worse(exit_prices(venue, left), prices), command

    def _account(self) -> None:
        said, self.heard = self.venue.said[self.heard :], len(self.venue.said)
        self.flows.count(self.venue, said)
        assert {asset: self.venue.one.inside(asset) for asset in self.flows.inside} == self.flows.inside
        for one in said:
            if isinstance(one, e.EpochStruck) and one.ts_ns == self.venue.now:
                left = exit_prices(self.venue, one.pool)
                supply = self.venue.protocol.pools[one.pool].pool.tranches[one.tranche].supply_micro
                assert not left or not supply or left[one.tranche][0] >= one.price_nano, "stayers lost to leavers"


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_is_asked_everything_adds_up(seed: int):
    run = Run(seed)
    for number in range(COMMANDS):
        run.step()
        if number % 83 == 82:
            run.venue.reload()


def test_a_stream_asks_everything_and_is_refused_for_many_reasons():
    asked: Counter[str] = Counter()
    refusals: Counter[str] = Counter()
    done: Counter[str] = Counter()
    for seed in (101, 104, 116):
        run = Run(seed)
        run.venue.checks = False
        for _ in range(400):
            run.step()
        asked += run.stream.asked
        refusals += run.stream.refusals
        done.update(type(one).__name__ for one in run.venue.said)
    missing = [kind.__name__ for kind in c.Order.__subclasses__() if not asked[kind.__name__]]
    assert missing == []
    assert len(refusals) > 25, refusals
    happened = {kind.__name__ for kind in e.Said.__subclasses__() if done[kind.__name__]}
    assert len(happened) > 45
    assert {"Redeemed", "EpochStruck", "Minted", "TokensRedeemed", "Judged", "Voted", "Staked", "Bonded"} <= happened


@pytest.mark.parametrize("seed", SEEDS)
def test_a_batch_is_its_commands_one_by_one(seed: int):
    run = Run(seed + 50)
    venue, stream = run.venue, run.stream
    for _ in range(12):
        for _ in range(15):
            run.step()
        commands = stream.batch(40)
        state = venue.one.state_bytes()
        single = type(venue.one).from_state(state, venue.one.assets, venue.one.listings)
        events = [event for command in commands for event in single.apply(command)]
        said = single.take_said()
        batch = command_records(commands)
        assert venue.one.apply_batch(batch).tobytes() == event_records(events).tobytes()
        venue.two.apply_batch(batch)
        heard = venue.one.take_said()
        assert heard == said == venue.two.take_said()
        assert venue.one.state_hash() == single.state_hash() == venue.two.state_hash()
        venue.said += heard
        venue.one.check()
        run.flows.outside(events)
        run._account()
