"""How holders leave: at the desk at once, in the queue at a price nobody knew."""

from __future__ import annotations

import random

import pytest

from parbook.messages import Transfer
from parbook.pools.servicing import Action, ServiceRow
from parbook.pools.states import TrancheState
from parbook.protocol import commands as c
from parbook.protocol import events as e
from parbook.protocol import prices
from parbook.redemption.queue_state import QueueTerms
from parbook.refusals import Refusal
from tests.protocol.house import DAY, MANAGER, MICRO
from tests.protocol.venue import HOUR, INVESTOR, JUNIOR, PAYER, SENIOR, Venue, no_worse

PLACE = {"pool": 0, "tranche": SENIOR, "account": INVESTOR}


def struck(venue: Venue) -> list[e.EpochStruck]:
    """Return the epochs that got a price."""
    return [said for said in venue.said if isinstance(said, e.EpochStruck)]


def test_the_desk_pays_below_the_low_value_and_those_who_stay_lose_nothing():
    venue = Venue().opened()
    before, money = venue.exit_prices(), venue.has(INVESTOR, venue.usd)
    acted = venue.act(c.Redeem(**PLACE, units_micro=10 * MICRO))
    said = next(one for one in acted.said if isinstance(one, e.Redeemed))
    assert 10 * MICRO <= said.paid_micro + said.fee_micro <= 10_000_100
    assert 25_000 <= said.fee_micro <= 100_000
    assert venue.has(INVESTOR, venue.usd) - money == said.paid_micro
    assert no_worse(venue.exit_prices(), before)


def test_the_desk_in_parts_is_never_better():
    whole, parts = Venue().opened(), Venue(check=False).opened()
    whole.do(c.Redeem(**PLACE, units_micro=10 * MICRO))
    for _ in range(10):
        parts.do(c.Redeem(**PLACE, units_micro=MICRO))
    assert parts.has(INVESTOR, parts.usd) <= whole.has(INVESTOR, whole.usd)


def test_the_desk_is_limited_and_says_no():
    venue = Venue().opened()
    assert venue.no(c.Redeem(**PLACE, units_micro=20 * MICRO)) is Refusal.DESK_THROTTLED
    said = venue.act(c.Redeem(**PLACE, units_micro=20 * MICRO, partial=True)).said[0]
    assert isinstance(said, e.Redeemed)
    assert said.units_micro == 14 * MICRO, "2 % of 700"
    assert venue.no(c.Redeem(**PLACE, units_micro=MICRO)) is Refusal.DESK_THROTTLED
    assert venue.no(c.Redeem(**PLACE, units_micro=1)) is Refusal.DESK_TOO_SMALL
    assert venue.no(c.Redeem(**PLACE, units_micro=701 * MICRO)) is Refusal.INSUFFICIENT_AVAILABLE
    assert venue.no(c.Redeem(pool=0, tranche=JUNIOR, account=INVESTOR, units_micro=MICRO)) is Refusal.NOT_THERE
    venue.do(c.SetTranche(pool=0, tranche=SENIOR, account=MANAGER, state=TrancheState.GATED))
    assert venue.no(c.Redeem(**PLACE, units_micro=MICRO)) is Refusal.TRANCHE_STATE


def test_the_desk_is_shut_while_the_value_is_old():
    venue = Venue().opened()
    venue.pass_to(venue.now + 30 * HOUR)
    assert venue.no(c.Redeem(**PLACE, units_micro=MICRO)) is Refusal.DESK_NO_FAIR_VALUE


def test_the_desk_is_shut_while_the_caps_hold_a_price_up():
    venue = Venue(feed={"cap_reference_ppm": 500_000}).opened()
    venue.report(900_000, 900_000, 900_000)
    # From the report on, not only from when it is in force.
    assert venue.no(c.Redeem(**PLACE, units_micro=MICRO)) is Refusal.DESK_NO_FAIR_VALUE
    venue.pass_to(venue.now + HOUR)
    assert venue.no(c.Redeem(**PLACE, units_micro=MICRO)) is Refusal.DESK_NO_FAIR_VALUE
    venue.report(970_200, 980_100, 990_000)
    venue.pass_to(venue.now + HOUR)
    venue.do(c.Redeem(**PLACE, units_micro=MICRO))


def test_nobody_enters_at_a_price_that_the_caps_hold_down():
    venue = Venue().opened()
    venue.report(700_000, 700_000, 700_000)
    for _ in range(40):
        venue.report(700_000, 700_000, 700_000, ts=venue.now + HOUR)
        venue.pass_to(venue.now + 12 * HOUR)
    invest = c.Invest(pool=0, tranche=JUNIOR, account=INVESTOR, amount_micro=MICRO)
    venue.do(invest)
    venue.report(990_000, 990_000, 990_000)
    for hours in (0, 2):
        venue.pass_to(venue.now + hours * HOUR)
        assert venue.no(invest) is Refusal.NO_FAIR_VALUE


def test_an_epoch_is_struck_at_a_price_seen_after_it_closed():
    venue = Venue().opened()
    venue.do(c.RequestExit(**PLACE, units_micro=50 * MICRO))
    close = venue.protocol.pools[0].tranches[SENIOR].queue.queue.epoch_end_ns
    # A round seen before the close comes into force after it: it is not the price.
    venue.report(985_000, 990_000, 1_000_000, ts=close - HOUR // 2)
    venue.pass_to(close + HOUR)
    assert not struck(venue)
    venue.report(986_000, 990_000, 1_000_000)
    venue.pass_to(venue.now + HOUR)
    (price,) = struck(venue)
    assert price.units_micro == 50 * MICRO
    assert price.paid_micro == price.price_nano * 50 // 1000
    before = venue.has(INVESTOR, venue.usd)
    venue.do(c.ClaimExit(**PLACE))
    assert venue.has(INVESTOR, venue.usd) == before + price.paid_micro
    assert venue.no(c.ClaimExit(**PLACE)) is Refusal.QUEUE_NOTHING_CLAIMABLE


def test_too_little_cash_is_shared_and_the_rest_waits():
    venue = Venue().opened()
    for account, units in ((21, 100), (22, 300)):
        venue.apply(c_transfer(venue, account, units))
        venue.do(c.RequestExit(pool=0, tranche=SENIOR, account=account, units_micro=units * MICRO))
    next_round(venue)
    (price,) = struck(venue)
    assert price.paid_micro <= 200 * MICRO
    assert price.filled_e12 < 500_000_000_001
    claims = venue.protocol.pools[0].tranches[SENIOR].queue.queue.claims
    assert abs(claims["22"] - 3 * claims["21"]) <= 3
    # What is repaid serves them next, at that epoch's price.
    rows = [ServiceRow(f"L{n}", Action.BILL, 0, 80 * MICRO) for n in range(10)]
    rows += [ServiceRow(f"L{n}", Action.PAY, 80 * MICRO) for n in range(10)]
    venue.do(c.Service(pool=0, account=MANAGER, payer=PAYER, rows=tuple(rows)))
    next_round(venue)
    assert struck(venue)[-1].filled_e12 == 10**12


def c_transfer(venue: Venue, account: int, units: int):
    """Return the transfer of senior units to somebody."""
    return Transfer(account=INVESTOR, target_account=account, asset=venue.units[SENIOR], amount_atoms=units * MICRO)


def next_round(venue: Venue) -> None:
    """Let the epoch close and a round come into force after that."""
    close = venue.protocol.pools[0].tranches[SENIOR].queue.queue.epoch_end_ns
    venue.pass_to(close)
    venue.report(980_000, 990_000, 1_000_000, ts=close + HOUR)
    venue.pass_to(close + 2 * HOUR)


@pytest.mark.parametrize("seed", range(4))
def test_who_asks_first_gains_nothing(seed):
    """The same requests in another order: everybody gets the same."""
    got = []
    for shuffled in (False, True):
        venue = Venue(check=False).opened()
        requests = [(account, random.Random(account).randrange(5, 80)) for account in range(30, 36)]
        for account, units in requests:
            venue.apply(c_transfer(venue, account, units))
        if shuffled:
            random.Random(seed).shuffle(requests)
        for account, units in requests:
            venue.do(c.RequestExit(pool=0, tranche=SENIOR, account=account, units_micro=units * MICRO))
        next_round(venue)
        got.append(venue.protocol.pools[0].tranches[SENIOR].queue.queue.claims)
    assert got[0] == got[1]


def test_a_request_can_be_taken_back_until_the_close():
    venue = Venue().opened()
    venue.do(c.RequestExit(**PLACE, units_micro=50 * MICRO))
    assert venue.has(INVESTOR, venue.units[SENIOR]) == 650 * MICRO
    venue.do(c.CancelExit(**PLACE))
    assert venue.has(INVESTOR, venue.units[SENIOR]) == 700 * MICRO
    assert venue.no(c.CancelExit(**PLACE)) is Refusal.QUEUE_NO_REQUEST
    venue.do(c.RequestExit(**PLACE, units_micro=50 * MICRO))
    venue.pass_to(venue.protocol.pools[0].tranches[SENIOR].queue.queue.epoch_end_ns)
    assert venue.no(c.CancelExit(**PLACE)) is Refusal.QUEUE_REQUEST_CLOSED
    venue.pass_to(venue.now + 5 * DAY)
    venue.do(c.CancelExit(**PLACE))


def test_a_price_held_back_by_the_caps_strikes_nothing():
    venue = Venue().opened()
    venue.do(c.RequestExit(**PLACE, units_micro=50 * MICRO))
    close = venue.protocol.pools[0].tranches[SENIOR].queue.queue.epoch_end_ns
    venue.pass_to(close)
    venue.report(500_000, ts=close + HOUR)
    venue.pass_to(close + 2 * HOUR)
    assert not struck(venue)


def test_the_junior_leaves_only_as_far_as_the_senior_stays_protected():
    venue = Venue().opened()
    venue.do(c.OpenQueue(pool=0, tranche=JUNIOR, account=MANAGER, terms=venue_queue()))
    venue.do(c.RequestExit(pool=0, tranche=JUNIOR, account=INVESTOR, units_micro=250 * MICRO))
    close = venue.protocol.pools[0].tranches[JUNIOR].queue.queue.epoch_end_ns
    venue.pass_to(close)
    venue.report(980_000, 990_000, 1_000_000, ts=close + HOUR)
    venue.pass_to(close + 2 * HOUR)
    (price,) = struck(venue)
    values = [value.value_micro for value in prices_of(venue)]
    assert values[1] * 5 >= sum(values), "20 % of the pool stay below the senior"
    assert price.paid_micro > 100 * MICRO


def venue_queue():
    """Return the terms of a queue."""
    return QueueTerms()


def prices_of(venue: Venue):
    """Return the tranches' values at the low band."""
    entry = venue.protocol.pools[0]
    return prices.values(entry, entry.shares.low_nano)
