"""From the oracle to the bid: anchors, tills, what the curve may spend, and what it must not."""

from __future__ import annotations

import pytest

from parbook.codes import Side
from parbook.messages import NewOrder, Trade
from parbook.oracle.state import FeedState
from parbook.pools.amounts import E12
from parbook.pools.servicing import Action, ServiceRow
from parbook.protocol import commands as c
from parbook.protocol import events as e
from parbook.refusals import Refusal
from parbook.treasury.state import TreasuryStatus
from parbook.treasury.terms import Recycling
from tests.protocol.house import DAY, MANAGER, MICRO
from tests.protocol.venue import ARBITER, FOUNDER, GOVERNOR, GUARDIAN, HOUR, INVESTOR, PAYER, SENIOR, Venue, no_worse


def treasury(venue: Venue):
    """Return the senior's treasury."""
    return venue.protocol.pools[0].tranches[SENIOR].treasury


def test_nothing_is_bid_before_a_fair_value_is_in_force():
    venue = Venue()
    assert not venue.curve.quoting
    assert venue.sell(10) == 0
    venue.report(980_000, 990_000, 1_000_000)
    assert not venue.curve.quoting
    venue.pass_to(venue.now + HOUR - 1)
    assert not venue.curve.quoting
    venue.pass_to(venue.now + 1)
    assert venue.curve.quoting
    # A whole senior claim is worth 1 at every band: 80 % of 1000 is lent, and the junior's 300 lie below.
    assert (venue.curve.low_ticks, venue.curve.high_ticks) == (10_000, 10_001)


def test_an_order_itself_lets_a_round_come_into_force():
    venue = Venue()
    venue.report(980_000, 990_000, 1_000_000)
    assert venue.sell(10, ts=venue.now + HOUR) == 1000
    assert any(isinstance(said, e.Anchored) for said in venue.said)


def test_the_till_holds_a_days_budget_and_the_curve_stops_there():
    venue = Venue().opened()
    day = 700 * MICRO // 20 + 199  # and an hour of the claim's interest
    assert venue.has(venue.protocol.pools[0].tranches[SENIOR].till, venue.usd) == day
    lots = venue.sell(100)
    paid = venue.has(INVESTOR, venue.usd) - 9_000 * MICRO
    assert day - 2 * 10_000 <= paid <= day, "all but what buys no whole lot"
    assert 3400 < lots < 3700
    assert venue.sell(100) <= 1
    assert venue.has(venue.protocol.pools[0].tranches[SENIOR].till, venue.units[SENIOR]) == lots * 10_000


def test_budget_comes_back_with_time_and_good_rounds_and_only_with_both():
    venue = Venue().opened()
    venue.sell(100)
    venue.pass_to(venue.now + 20 * HOUR)
    assert venue.sell(100) <= 1, "time alone gives nothing back"
    venue.report(980_000, 990_000, 1_000_000)
    venue.pass_to(venue.now + HOUR)
    assert 2900 < venue.sell(100) < 3300, "21 of 24 hours of a day's budget"


def test_the_curve_remembers_what_it_bought():
    venue = Venue().opened()
    lots = venue.sell(100)
    venue.pass_to(venue.now + 20 * HOUR)
    venue.report(980_000, 990_000, 1_000_000)
    venue.pass_to(venue.now + HOUR)
    assert venue.curve.net_lots == lots, "a refill is no new target"
    best = venue.one.market(0).depth(1)
    assert best["price_ticks"][0] < 9_990


def test_a_default_lowers_the_bid_before_anybody_reports():
    venue = Venue().opened()
    rows = [ServiceRow(f"L{n}", Action.BILL) for n in range(10)]
    rows += [ServiceRow(f"L{n}", Action.ARREARS, days=120) for n in range(5)]
    venue.do(c.Service(pool=0, account=MANAGER, payer=PAYER, rows=tuple(rows)))
    # 400 of 800 count for nothing: 0.98 x 400 + 200 in cash stand behind a claim of 700.
    assert venue.curve.low_ticks == (400 * 98 // 100 + 200) * 10_000 // 700
    assert venue.pool.tranches[SENIOR].claim_micro >= 700 * MICRO


def test_a_stale_feed_lets_the_bid_fall_to_nothing_and_a_halted_one_ends_it():
    venue = Venue().opened()
    start = venue.now - HOUR
    assert venue.curve.low_ticks == 10_000
    seen = []
    for hour in range(26, 130, 2):
        venue.pass_to(start + hour * HOUR)
        seen.append(venue.curve.low_ticks if venue.curve.quoting else 0)
    peak = seen.index(max(seen))
    assert max(seen) <= 10_006, "the claim grows by 5 % a year while the junior's part covers it"
    assert 10 < peak < len(seen) // 2
    assert seen[peak:] == sorted(seen[peak:], reverse=True)
    assert seen[-1] == 0
    assert not venue.curve.quoting
    invest = c.Invest(pool=0, tranche=1, account=INVESTOR, amount_micro=MICRO)
    assert venue.no(invest) is Refusal.NO_FAIR_VALUE
    venue.report(980_000, 990_000, 1_000_000)
    venue.pass_to(venue.now + HOUR)
    assert venue.curve.quoting


def test_a_share_above_one_is_no_observation():
    venue = Venue()
    assert venue.protocol.feeds[0].feed.terms.price_max_nano == 10**9
    with pytest.raises(AssertionError, match="ORACLE_OUT_OF_RANGE"):
        venue.report(980_000, 990_000, 1_000_001)


def test_a_capped_feed_goes_on_step_by_step():
    venue = Venue(feed={"cap_reference_ppm": 500_000}).opened()
    for step in range(1, 4):
        venue.report(500_000, 500_000, 500_000, ts=venue.now + HOUR)
        venue.pass_to(venue.now + HOUR)
        anchored = [said for said in venue.said if isinstance(said, e.Anchored)][-1]
        assert anchored.state is FeedState.CAPPED
        assert anchored.low_nano == int(980_000_000 * 0.99**step) or abs(anchored.low_nano - 980e6 * 0.99**step) < 4


def test_a_pause_ends_by_itself_and_only_the_guardian_begins_it():
    venue = Venue().opened()
    pause = c.PauseTreasury(pool=0, tranche=SENIOR, account=GUARDIAN, until_ns=venue.now + DAY)
    assert venue.no(c.PauseTreasury(pool=0, tranche=SENIOR, account=GOVERNOR, until_ns=venue.now + DAY)) is (
        Refusal.NOT_ALLOWED
    )
    venue.do(pause)
    assert venue.has(venue.protocol.pools[0].tranches[SENIOR].till, venue.usd) == 0
    assert venue.sell(10) == 0
    assert treasury(venue).treasury.status is TreasuryStatus.PAUSED
    venue.report(980_000, 990_000, 1_000_000, ts=venue.now + 20 * HOUR)
    venue.pass_to(venue.now + 4 * HOUR)
    assert treasury(venue).treasury.status is TreasuryStatus.ACTIVE
    assert venue.sell(10) == 1000
    assert venue.no(c.PauseTreasury(pool=0, tranche=SENIOR, account=GUARDIAN, until_ns=venue.now + HOUR)) is (
        Refusal.TREASURY_PAUSE_TOO_SOON
    )


def test_units_are_resold_above_the_high_price_and_the_reserve_gets_the_money():
    venue = Venue().opened()
    venue.sell(20)
    venue.pass_to(venue.now + HOUR)
    low = venue.one.market(0).best_bid_ticks or venue.one.market(0).depth(1)["price_ticks"][0]
    reserve = treasury(venue).reserve_account
    before = venue.has(reserve, venue.usd)
    order = NewOrder(account=FOUNDER, side=Side.BUY, qty_lots=500, price_ticks=11_000, instrument=0)
    trades = [event for event in venue.apply(order) if isinstance(event, Trade)]
    assert trades
    assert min(trade.price_ticks for trade in trades) >= venue.curve.high_ticks > low
    venue.pass_to(venue.now + HOUR)
    assert venue.has(reserve, venue.usd) > before


def test_losses_stop_it_and_the_governor_restarts():
    venue = Venue(loss_max_e12=E12 // 1000, feed={"cap_ppm": 100_000, "cap_reference_ppm": 400_000}).opened()
    venue.sell(100)
    rows = [ServiceRow(f"L{n}", Action.BILL) for n in range(10)]
    rows += [ServiceRow(f"L{n}", Action.ARREARS, days=120) for n in range(6)]
    venue.do(c.Service(pool=0, account=MANAGER, payer=PAYER, rows=tuple(rows)))
    assert treasury(venue).treasury.status is TreasuryStatus.STOPPED
    assert not venue.curve.quoting
    resume = c.ResumeTreasury(pool=0, tranche=SENIOR, account=GOVERNOR)
    assert venue.no(c.ResumeTreasury(pool=0, tranche=SENIOR, account=GUARDIAN)) is Refusal.NOT_ALLOWED
    venue.do(resume)
    assert treasury(venue).treasury.status is TreasuryStatus.ACTIVE
    assert venue.no(resume) is Refusal.NOT_ALLOWED


def test_units_bought_below_value_are_retired_and_the_rest_is_worth_no_less():
    venue = Venue(recycling=Recycling.RETIRE).opened()
    venue.sell(20)
    before = venue.exit_prices()
    said = venue.do(c.RetireUnits(pool=0, tranche=SENIOR, account=GOVERNOR))
    retired = [one for one in venue.said if isinstance(one, e.UnitsRetired)][-1]
    assert said is not None
    assert retired.units_micro == 20 * MICRO
    assert venue.one.inside(venue.units[SENIOR]) == 680 * MICRO
    assert no_worse(venue.exit_prices(), before)
    assert venue.curve.net_lots == 0
    assert venue.no(c.RetireUnits(pool=0, tranche=SENIOR, account=GOVERNOR)) is Refusal.TREASURY_LACKS_UNITS


def test_a_dispute_holds_a_round_back_and_costs_a_bond():
    venue = Venue()
    venue.report(980_000, 990_000, 1_000_000)
    venue.do(c.Dispute(feed=0, account=FOUNDER, round=1))
    assert venue.has(FOUNDER, venue.usd) == (10_000 - 500 - 1000) * MICRO
    venue.pass_to(venue.now + 2 * HOUR)
    assert not venue.curve.quoting
    assert venue.no(c.Judge(feed=0, account=FOUNDER, round=1, upheld=False)) is Refusal.NOT_ALLOWED
    venue.do(c.Judge(feed=0, account=ARBITER, round=1, upheld=False))
    assert venue.curve.quoting
    assert venue.has(ARBITER, venue.usd) == 11_000 * MICRO
    venue.report(980_000, 990_000, 1_000_000)
    venue.do(c.Dispute(feed=0, account=FOUNDER, round=2))
    venue.do(c.Judge(feed=0, account=ARBITER, round=2, upheld=True))
    assert venue.has(FOUNDER, venue.usd) == (10_000 - 500 - 1000) * MICRO


def test_a_suspended_feed_ends_the_bid():
    venue = Venue().opened()
    venue.do(c.SuspendFeed(feed=0, account=ARBITER, suspended=True))
    assert not venue.curve.quoting
    assert venue.sell(10) == 0


def test_it_goes_on_from_its_state():
    venue, other = Venue().opened(), Venue().opened()
    for one in (venue, other):
        one.sell(30)
        if one is other:
            other.reload()
        one.report(981_000, 990_000, 1_000_000)
        one.pass_to(one.now + HOUR)
        one.sell(30)
    assert venue.one.state_hash() == other.one.state_hash()
