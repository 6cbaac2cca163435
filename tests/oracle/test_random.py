"""Random commands: invariants after each, states replaced by their own encoding, bonds that add up."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from parbook.oracle.aggregate import decayed
from parbook.oracle.state import DueKind, FeedState
from parbook.oracle.terms import DAY_NS, HOUR_NS, MINUTE_NS
from parbook.pools.amounts import NANO
from parbook.refusals import Refusal
from tests.oracle.support import Desk, decoded, encoded, terms

EVERYTHING = ["report"] * 30 + ["wait"] * 8 + ["idle", "dispute", "dispute", "resolve", "resolve", "member", "suspend"]


class Stream:
    """A feed, and what a ledger would say of its bonds."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.desk = Desk(terms(recovery_rounds=2, delay_ns=self.rng.choice([0, HOUR_NS, 5 * HOUR_NS])), sources=5)
        self.mid = NANO
        self.posted = self.returned = self.forfeited = 0
        self.refusals: set[Refusal] = set()
        self.anchors: list[tuple[int, int, int]] = []
        self.told: list[object] = []

    def run(self, steps: int, trips: random.Random | None = None) -> None:
        """Take steps; now and then, as `trips` draws, go on with the state's decoded encoding."""
        for _ in range(steps):
            resume = self.desk.feed.suspended and self.rng.random() < 0.3
            self.step("suspend" if resume else self.rng.choice(EVERYTHING))
            if trips and trips.random() < 0.2:
                self.desk.feed = decoded(self.desk.feed)

    def step(self, what: str) -> None:
        rng, desk = self.rng, self.desk
        out = None
        if what == "report":
            self.mid = max(10**7, self.mid * rng.randint(9994, 10007) // 10_000)
            mid = self.mid * rng.choice([999, 1000, 1000, 1000, 1001, 3000]) // 1000
            age = rng.choice([0] * 12 + [HOUR_NS, 5 * HOUR_NS, 7 * HOUR_NS, -1])
            low, high = mid * rng.randint(979, 1001) // 1000, mid * rng.randint(999, 1021) // 1000
            out = desk.report(rng.randint(1, 6), mid, age, low_nano=low, high_nano=high)
        elif what in ("wait", "idle"):
            self.wait(
                rng.choice([MINUTE_NS, 10 * MINUTE_NS, HOUR_NS]) if what == "wait" else rng.choice([DAY_NS, 6 * DAY_NS])
            )
        elif what == "dispute":
            out = desk.dispute(desk.feed.rounds_closed - rng.randint(0, 2), rng.randint(1, 9))
            self.posted += 0 if isinstance(out, Refusal) else out.bond_micro
        elif what == "resolve":
            out = desk.resolve(desk.feed.rounds_closed - rng.randint(0, 3), rng.random() < 0.5)
            if not isinstance(out, Refusal):
                self.returned += out.returned_micro
                self.forfeited += out.forfeited_micro
        elif what == "member":
            out = desk.member(rng.randint(1, 6), rng.random() < 0.9)
        elif rng.random() < 0.2 or desk.feed.suspended:
            out = desk.suspend(not desk.feed.suspended if rng.random() < 0.9 else desk.feed.suspended)
            self.returned += 0 if isinstance(out, Refusal) else sum(bond for _, bond in out.returned)
        if isinstance(out, Refusal):
            self.refusals.add(out)
        self.told.append(out)
        self.look()

    def wait(self, by: int) -> None:
        for plan in self.desk.later(by):
            self.returned += plan.returned_micro

    def look(self) -> None:
        """The anchor is what the active round is at its age, and every bond is somewhere."""
        # Without a delay, a command may make something due at its own time.
        self.wait(0)
        feed, anchor = self.desk.feed, self.desk.anchor()
        assert self.posted == self.returned + self.forfeited + sum(waiting.bond_micro for waiting in feed.rounds)
        if anchor.state is FeedState.HALTED:
            assert (anchor.low_nano, anchor.mid_nano, anchor.high_nano) == (0, 0, 0)
            return
        assert 0 <= anchor.low_nano <= anchor.mid_nano <= anchor.high_nano <= 2 * feed.active.band.high_nano
        assert anchor.age_ns == self.desk.now - min(one.observed_ns for one in feed.active.observations) >= 0
        kept = decayed(feed.active.band, anchor.age_ns, feed.terms)
        assert (anchor.low_nano, anchor.high_nano) == (kept.low_nano, kept.high_nano)
        assert (anchor.low_nano < feed.active.band.low_nano) is (anchor.age_ns > feed.terms.stale_ns)
        for last, mark in pairwise(feed.marks):
            assert abs(mark.band.low_nano - last.band.low_nano) * 100 <= last.band.low_nano
        for mark in feed.marks:
            if feed.marks[-1].at_ns - mark.at_ns < DAY_NS:
                assert abs(feed.marks[-1].band.low_nano - mark.band.low_nano) * 50 <= mark.band.low_nano


@pytest.mark.parametrize("seed", range(12))
def test_random_commands(seed):
    plain, again = Stream(seed), Stream(seed)
    plain.run(1500)
    again.run(1500, trips=random.Random(seed))
    assert again.told == plain.told
    assert encoded(again.desk.feed) == encoded(plain.desk.feed)
    assert plain.desk.feed.rounds_closed > 5


def test_the_streams_reach_what_they_should():
    streams = [Stream(seed) for seed in range(100, 108)]
    for stream in streams:
        stream.run(1500)
    assert len(set().union(*(stream.refusals for stream in streams))) >= 10
    kinds = {plan.kind for stream in streams for plan in stream.desk.dues}
    assert kinds == set(DueKind)
    assert all(sum(getattr(stream, name) for stream in streams) > 0 for name in ("posted", "returned", "forfeited"))
    for name in ("rounds_good", "rounds_capped", "rounds_bad"):
        assert sum(getattr(stream.desk.feed, name) for stream in streams) > 10
