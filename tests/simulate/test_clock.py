"""When things happen in a run: reports around midnight, how long they are late, how long nothing is believed."""

from __future__ import annotations

import msgspec
import pytest

from parbook.errors import AssetError
from parbook.oracle.terms import FeedTerms
from parbook.pools.amounts import E12
from parbook.protocol import events as e
from parbook.redemption.queue_state import QueueTerms
from parbook.simulate.many import play
from parbook.simulate.rhythm import DAY_NS, HOUR_NS, stays_fresh
from parbook.simulate.run import Run
from parbook.simulate.world import Lateness, World

SMALL = World(loans=12, holders=6, horizon_days=12, shock_day=3, run_day=2, run_days=2, oracle_late_days=2)


class Noted(Run):
    """A run that notes in hours when its sources reported, and what they said."""

    def __init__(self, world: World, seed: int = 3) -> None:
        super().__init__(world, seed, checked=False)
        self.times: list[float] = []
        self.values: list[int] = []
        report = self.venue.report

        def noted(shares, *rest):
            self.times.append((self.venue.now_ns - self.start_ns) / HOUR_NS)
            self.values.append(shares[1])
            report(shares, *rest)

        self.venue.report = noted  # type: ignore[method-assign]
        self.play()


@pytest.mark.parametrize("every", [5, 7, 9, 10, 12, 24])
def test_late_sources_say_nothing_for_as_long_as_they_are_late(every):
    """However often they report: from the shock's midnight on for whole days, and up to it and from then on they do."""
    times = Noted(msgspec.structs.replace(SMALL, report_hours=every)).times
    shock, back = SMALL.shock_day * 24, (SMALL.shock_day + SMALL.oracle_late_days) * 24
    assert [hours for hours in times if shock <= hours < back] == []
    daily = {(6 + n) % 24 for n in range(0, 24, every)}
    want = [d * 24.0 + h for d in range(SMALL.horizon_days) for h in sorted(daily)]
    assert times == [hours for hours in want if not shock <= hours < back]


def test_late_sources_that_talk_say_what_was_true_before_for_as_long_as_they_are_late():
    world = msgspec.structs.replace(SMALL, report_hours=10, lateness=Lateness.LAGGING, failing_e12=E12 // 2)
    run = Noted(world)
    said = dict(zip(run.times, run.values, strict=True))
    before, last, after = said[2 * 24 + 16.0], said[4 * 24 + 16.0], said[5 * 24 + 2.0]
    assert said[3 * 24 + 2.0] > 0.99 * before, "two hours after the shock it is not known yet"
    assert last > 0.9 * before
    assert after < 0.9 * last, "two hours after the delay ended it is"


def test_how_long_the_feed_was_not_believed_is_exact_whatever_is_looked_at():
    """Nobody reports for ten days and nobody looks: 26 h after the last observation it is stale."""
    run = Run(SMALL, 3, checked=False)
    last_ns = run.venue.feed.active.as_of_ns
    run._pass(run.start_ns + 10 * DAY_NS)
    assert run.down_ns == run.start_ns + 10 * DAY_NS - (last_ns + 26 * HOUR_NS)
    run._pass(run.start_ns + 11 * DAY_NS)
    assert run.down_ns == run.start_ns + 11 * DAY_NS - (last_ns + 26 * HOUR_NS)


def test_how_long_the_feed_was_not_believed_ends_when_a_round_takes_effect():
    """A feed of one good round that is stale after 13.5 h: believed again the moment its delay is over."""
    caps = {"cap_ppm": 500_000, "cap_reference_ppm": 500_000}
    terms = FeedTerms(quorum=2, stale_ns=27 * HOUR_NS // 2, recovery_rounds=1, **caps)
    run = Run(msgspec.structs.replace(SMALL, feed_terms=terms), 3, checked=False)
    last_ns = run.venue.feed.active.as_of_ns
    run._pass(run.start_ns + 20 * HOUR_NS)
    stale_ns = run.start_ns + 20 * HOUR_NS - (last_ns + terms.stale_ns)
    assert run.down_ns == stale_ns > 0
    run.venue.report(run.credit.shares(run.day, run._kept()))
    run._pass(run.start_ns + 23 * HOUR_NS)
    assert run.down_ns == stale_ns + terms.delay_ns


@pytest.mark.parametrize("delay_ns", [0, HOUR_NS // 2, 7 * HOUR_NS, 11 * HOUR_NS])
@pytest.mark.parametrize("epoch_ns", [5 * HOUR_NS, DAY_NS])
def test_every_strike_is_seen_however_feed_and_queue_are_set(delay_ns, epoch_ns):
    """What those who stay lose is measured at each strike, right before and after it; none happens unseen."""
    world = msgspec.structs.replace(
        SMALL,
        horizon_days=40,
        feed_terms=msgspec.structs.replace(SMALL.feed_terms, delay_ns=delay_ns),
        queue_terms=QueueTerms(epoch_ns=epoch_ns),
    )
    run = Run(world, 5, checked=True)
    result = run.play(until_out=True)
    struck = [one for one in run.venue.said if isinstance(one, e.EpochStruck) and one.units_micro]
    assert struck
    queue = [one for one in result.exits if one.tier == 2]
    assert sorted({one.ts_ns for one in queue}) == sorted({one.ts_ns for one in struck})
    assert sum(one.units_micro for one in queue) == sum(one.units_micro for one in struck)
    assert sum(one.paid_micro for one in queue) == sum(one.paid_micro for one in struck)
    assert result.outcome.within_bounds


@pytest.mark.parametrize("field", ["shock_day", "run_day"])
def test_what_begins_after_the_end_is_refused(field):
    assert getattr(World(horizon_days=20, **{field: 19}), field) == 19
    with pytest.raises(AssetError, match=f"world: {field}=20 is outside 1..19"):
        World(horizon_days=20, **{field: 20})


def test_a_run_is_not_over_before_the_shock():
    """All are out by day 5; the shock of day 30 is played all the same, and what it costs is known."""
    world = World(loans=12, holders=6, shock_day=30, run_day=1, run_days=1, leaving_e12=E12 // 100, horizon_days=60)
    one = play(world, 3, checked=False).outcome
    assert 0 <= one.out_day < 30
    assert one.shock_nano > 0


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"loans": 10_000, "size_micro": 10_000 * 10**6}, "some would have less than a unit"),
        ({"sources": 4}, "sources=4 for a quorum of 2"),
        ({"report_hours": 24, "feed_terms": FeedTerms(quorum=2, stale_ns=20 * HOUR_NS)}, "report_hours=24 leave"),
        (
            {"feed_terms": FeedTerms(quorum=2, stale_ns=20 * HOUR_NS, min_interval_ns=13 * HOUR_NS)},
            "report_hours=12 leave",
        ),
        ({"minimum_subordination_e12": 31 * 10**9}, "minimum_subordination_e12=31000000000 is more than the junior"),
        ({"market": False}, "have no market to be in"),
        ({"treasury_terms": None}, "reserve_micro=100000000000 belongs to no treasury"),
        ({"bids": ((0, 5),)}, "bids have no price"),
        ({"bids": ((2**30, 2**36),)}, "bids are worth more than a world has"),
    ],
)
def test_what_contradicts_itself_is_refused(fields, says):
    with pytest.raises(AssetError, match=says):
        World(**fields)


def fresh_by(every: int, stale: float, least: float = 5.0, delay: float = 1.0, fresh: float = 1.0) -> bool:
    """All in hours."""
    names = {"stale_ns": stale, "min_interval_ns": least, "delay_ns": delay, "fresh_ns": fresh}
    hours = {name: int(hours * HOUR_NS) for name, hours in names.items()}
    return stays_fresh(FeedTerms(quorum=2, halt_ns=20 * DAY_NS, **hours), 3, every)


@pytest.mark.parametrize(
    ("every", "least", "longest"),
    [(12, 1, 12), (24, 1, 24), (11, 1, 11), (12, 13, 24), (8, 6, 8), (11, 7, 13)],
)
def test_a_feed_is_as_old_as_its_reports_are_far_apart_and_the_delay(every, least, longest):
    """By hand: every 11 h is 4, 6, 17; with 7 h between rounds that of 6:00 is too old by 11:00, 17:00 is 13 h on."""
    assert not fresh_by(every, longest + 1, least)
    assert fresh_by(every, longest + 1.001, least)


@pytest.mark.parametrize(("every", "least"), [(1, 5), (2, 5), (5, 5), (8, 5), (11, 7), (12, 13), (24, 30), (7, 1)])
def test_no_feed_that_a_world_takes_goes_stale_in_calm(every, least):
    stale = next(hours for hours in range(3, 99) if fresh_by(every, hours, least))
    terms = FeedTerms(quorum=2, stale_ns=stale * HOUR_NS, min_interval_ns=least * HOUR_NS, fresh_ns=HOUR_NS)
    calm = {"failing_e12": 0, "lgd_plus_e12": 0, "oracle_late_days": 0, "pd_times_e12": E12}
    world = World(loans=5, holders=5, horizon_days=12, report_hours=every, feed_terms=terms, leaving_e12=0, **calm)
    points = play(world, 1, checked=False).points
    # The first morning is the opening's: its last round is hours old by then.
    assert all(point.feed == "OK" for point in points[1:])
