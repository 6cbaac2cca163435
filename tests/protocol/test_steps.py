"""A step of the price that everybody can see before it is in force: nobody gains by it."""

from __future__ import annotations

from parbook.protocol import commands as c
from parbook.protocol import events as e
from parbook.protocol import prices
from parbook.refusals import Refusal
from tests.protocol.house import MICRO
from tests.protocol.venue import FOUNDER, HOUR, INVESTOR, JUNIOR, SENIOR, Venue, no_worse

WIDE = {"cap_ppm": 400_000, "cap_reference_ppm": 400_000, "confidence_max_ppm": 500_000, "divergence_max_ppm": 500_000}


def entry_price(venue: Venue) -> int:
    """Return what a junior unit costs."""
    said = venue.act(c.Invest(pool=0, tranche=JUNIOR, account=INVESTOR, amount_micro=MICRO)).said
    return next(one.price_nano for one in said if isinstance(one, e.Invested))


def test_a_step_down_counts_before_it_is_in_force():
    venue = Venue(feed=WIDE).opened(620_000, 630_000, 640_000)
    assert venue.curve.low_ticks == (620 * 8 // 10 + 200) * 10_000 // 700
    venue.report(600_000, 630_000, 640_000)
    assert venue.curve.low_ticks == (600 * 8 // 10 + 200) * 10_000 // 700
    before = venue.has(INVESTOR, venue.usd)
    venue.do(c.Redeem(pool=0, tranche=SENIOR, account=INVESTOR, units_micro=MICRO))
    assert venue.has(INVESTOR, venue.usd) - before < 972_000


def test_a_step_up_counts_against_who_buys_and_not_for_who_sells():
    venue = Venue(feed=WIDE).opened(900_000, 910_000, 920_000)
    bid, price = venue.curve.low_ticks, entry_price(venue)
    venue.report(980_000, 990_000, 1_000_000)
    assert venue.curve.low_ticks == bid
    dearer = entry_price(venue)
    assert dearer > price * 11 // 10
    venue.pass_to(venue.now + HOUR)
    assert abs(entry_price(venue) - dearer) < 20_000, "nothing was to be gained by buying before it"


def test_a_dispute_buys_no_old_price():
    venue = Venue(feed=WIDE).opened(620_000, 630_000, 640_000)
    venue.report(600_000, 630_000, 640_000)
    low = venue.curve.low_ticks
    venue.do(c.Dispute(feed=0, account=FOUNDER, round=2))
    venue.pass_to(venue.now + HOUR)
    assert venue.curve.low_ticks == low


def test_a_round_that_lapses_counts_no_longer():
    venue = Venue(feed=WIDE).opened(620_000, 630_000, 640_000)
    high = venue.curve.low_ticks
    venue.report(600_000, 630_000, 640_000)
    venue.do(c.Dispute(feed=0, account=FOUNDER, round=2))
    for _ in range(3):
        venue.report(620_000, 630_000, 640_000, ts=venue.now + 10 * HOUR)
    venue.pass_to(venue.now + HOUR)
    assert venue.curve.low_ticks >= high


def test_a_senior_leaves_when_its_protection_is_gone_already():
    venue = Venue(feed=WIDE).opened(600_000, 610_000, 620_000)
    assert venue.no(c.Invest(pool=0, tranche=SENIOR, account=INVESTOR, amount_micro=MICRO)) is Refusal.SUBORDINATION
    before = venue.exit_prices()
    venue.do(c.Redeem(pool=0, tranche=SENIOR, account=INVESTOR, units_micro=MICRO))
    assert no_worse(venue.exit_prices(), before)


def test_a_fall_that_a_disputed_round_had_held_up_counts_from_the_dispute_on():
    """The second round says less than the price; behind the first, which says more, the caps let it say as much."""
    venue = Venue().opened()
    venue.report(989_000, 995_000, 1_000_000)
    venue.report(900_000, 910_000, 920_000, ts=venue.now + HOUR // 3)
    before = venue.protocol.pools[0].shares.low_nano
    venue.do(c.Dispute(feed=0, account=FOUNDER, round=2))
    known = prices.guarded(venue.protocol.feeds[0].feed, venue.now)
    assert venue.protocol.pools[0].shares.low_nano == known.low_nano < before
