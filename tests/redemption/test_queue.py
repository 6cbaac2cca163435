"""The queue: requests, the close, the price, claims; every refusal and limit."""

from __future__ import annotations

import random

import msgspec
import pytest

from parbook.errors import AssetError, InvariantError, MisuseError
from parbook.pools.amounts import MICRO, NANO
from parbook.redemption import queue as q
from parbook.redemption import queue_state as s
from parbook.refusals import Refusal
from tests.redemption.support import DAY, decoded, waiting

PRICE = 900_000_000


def opened(**terms):
    return s.opened(s.QueueTerms(**terms), 0)


def ask(queue, account, units, now=0):
    plan = q.plan_request(queue, account, units, now)
    if not isinstance(plan, Refusal):
        q.request(queue, plan, now)
        s.check(queue)
    return plan


def cancel(queue, account, now=0):
    plan = q.plan_cancel(queue, account, now)
    if not isinstance(plan, Refusal):
        q.cancel(queue, plan, now)
        s.check(queue)
    return plan


def close(queue, now):
    plan = q.plan_due(queue, now)
    q.due(queue, plan, now)
    s.check(queue)
    return plan


def strike(queue, now, *, cash=10**15, price=PRICE, observed=None, exit_value=10**15, supply=10**15):
    plan = q.plan_strike(
        queue,
        now_ns=now,
        price_nano=price,
        observed_ns=now if observed is None else observed,
        cash_micro=cash,
        exit_value_micro=exit_value,
        supply_micro=supply,
    )
    if not isinstance(plan, Refusal):
        q.strike(queue, plan, now)
        s.check(queue)
    return plan


def test_refusals_of_the_queue_have_their_range():
    assert {int(code) for code in Refusal if code.name.startswith("QUEUE_")} == set(range(1500, 1510))


# --- the way of a request ---------------------------------------------------------------------------


def test_a_request_is_closed_struck_and_claimed():
    queue = opened()
    assert ask(queue, 7, 10 * MICRO).epoch == 0
    assert q.next_due_ns(queue) == DAY
    plan = close(queue, DAY + 5)
    assert (plan.closed_ns, plan.next_end_ns, plan.requests, plan.units_micro) == (DAY, 2 * DAY, 1, 10 * MICRO)
    assert q.next_due_ns(queue) == 0
    assert q.demand_micro(queue, PRICE) == 9 * MICRO
    done = strike(queue, DAY + 6)
    assert (done.epoch, done.price_nano, done.units_micro, done.paid_micro) == (0, PRICE, 10 * MICRO, 9 * MICRO)
    assert queue.claimable_micro == 9 * MICRO
    assert q.next_due_ns(queue) == 2 * DAY
    payout = q.plan_claim(queue, 7, DAY + 7)
    assert (payout.paid_micro, payout.state) == (9 * MICRO, s.RequestState.CLAIMED)
    q.claim(queue, payout, DAY + 7)
    s.check(queue)
    assert q.plan_claim(queue, 7, DAY + 7) is Refusal.QUEUE_NOTHING_CLAIMABLE
    assert s.standing(queue, 7) == s.Standing(pending_units_micro=0, closed_units_micro=0, claimable_micro=0)


def test_requests_of_one_account_are_one():
    queue = opened()
    ask(queue, 7, 10 * MICRO)
    assert ask(queue, 7, 5 * MICRO).total_units_micro == 15 * MICRO
    assert queue.waiting == 1
    assert cancel(queue, 7).units_micro == 15 * MICRO
    assert queue.waiting == 0
    assert cancel(queue, 7) is Refusal.QUEUE_NO_REQUEST


def test_a_request_after_the_close_is_in_the_next_epoch():
    queue = opened()
    ask(queue, 1, 10 * MICRO)
    with pytest.raises(MisuseError, match="carry out what is due"):
        ask(queue, 2, 10 * MICRO, DAY)
    close(queue, DAY)
    assert ask(queue, 2, 10 * MICRO, DAY).epoch == 1
    assert [fill.account for fill in strike(queue, DAY + 1).fills] == [1]
    assert waiting(queue) == {2: 10 * MICRO}


def test_a_plan_of_before_the_close_is_not_carried_out_after_it():
    queue = opened()
    plan = q.plan_request(queue, 1, MICRO, DAY - 1)
    with pytest.raises(MisuseError, match="carry out what is due"):
        q.request(queue, plan, DAY)
    q.request(queue, plan, DAY - 1)
    back = q.plan_cancel(queue, 1, DAY - 1)
    with pytest.raises(MisuseError, match="carry out what is due"):
        q.cancel(queue, back, DAY)
    close(queue, DAY)
    with pytest.raises(MisuseError, match="plan again"):
        q.cancel(queue, back, DAY)


def test_an_epoch_without_requests_needs_no_price():
    queue = opened()
    close(queue, 10 * DAY + 1)
    assert (queue.epoch, queue.epoch_end_ns, q.next_due_ns(queue)) == (1, 11 * DAY, 11 * DAY)
    assert strike(queue, 10 * DAY + 2) is Refusal.QUEUE_NOT_CLOSED


def test_the_next_epoch_goes_on_to_its_next_end_when_the_price_was_late():
    queue = opened()
    ask(queue, 1, 10 * MICRO)
    close(queue, DAY)
    ask(queue, 2, 10 * MICRO, 3 * DAY)
    assert q.plan_due(queue, 3 * DAY) is None
    strike(queue, 3 * DAY)
    # Ended at once, it would wait again in the same moment, and nobody could take anything back.
    assert q.next_due_ns(queue) == 4 * DAY
    assert cancel(queue, 2, 3 * DAY).units_micro == 10 * MICRO
    ask(queue, 2, 10 * MICRO, 3 * DAY)
    assert close(queue, 4 * DAY).closed_ns == 4 * DAY


def test_prices_that_are_late_every_time_hold_nobody():
    queue = opened()
    ask(queue, 1, 100 * MICRO)
    close(queue, DAY)
    for day in range(2, 20):
        strike(queue, day * DAY + 5, observed=day * DAY + 1, cash=0)
        assert q.plan_due(queue, day * DAY + 5) is None
        assert q.plan_cancel(queue, 1, day * DAY + 5) is not Refusal.QUEUE_REQUEST_CLOSED
        close(queue, (day + 1) * DAY)


# --- the price --------------------------------------------------------------------------------------


def test_no_price_that_was_known_when_somebody_could_ask():
    queue = opened()
    ask(queue, 1, 10 * MICRO, DAY - 1)
    close(queue, DAY)
    assert strike(queue, DAY + 5, observed=DAY) is Refusal.QUEUE_PRICE_TOO_EARLY
    with pytest.raises(MisuseError, match="observed_ns"):
        strike(queue, DAY + 5, observed=DAY + 6)
    assert strike(queue, DAY + 5, observed=DAY + 1).paid_micro == 9 * MICRO


def test_without_a_price_nothing_is_struck():
    queue = opened()
    ask(queue, 1, 10 * MICRO)
    close(queue, DAY)
    assert strike(queue, DAY + 1, price=0) is Refusal.QUEUE_NO_PRICE
    assert strike(queue, DAY + 1, exit_value=0) is Refusal.QUEUE_NO_PRICE


def test_the_price_is_at_most_the_exit_value():
    queue = opened()
    ask(queue, 1, 10 * MICRO)
    close(queue, DAY)
    plan = strike(queue, DAY + 1, exit_value=2 * 10**12, supply=3 * 10**12)
    assert (plan.price_nano, plan.paid_micro) == (666_666_666, 6_666_666)
    assert (2 * 10**12 - plan.paid_micro) * 3 * 10**12 >= 2 * 10**12 * (3 * 10**12 - plan.units_micro)


def test_too_little_cash_fills_everybody_alike_and_the_rest_waits():
    queue = opened()
    for account in (10, 2, 3):
        ask(queue, account, 10 * MICRO)
    close(queue, DAY)
    plan = strike(queue, DAY + 1, cash=10 * MICRO, price=NANO)
    assert plan.fills == (
        s.Fill(2, 3_333_334, 3_333_334, 6_666_666),
        s.Fill(3, 3_333_333, 3_333_333, 6_666_667),
        s.Fill(10, 3_333_333, 3_333_333, 6_666_667),
    )
    ask(queue, 3, MICRO, DAY + 2)
    assert waiting(queue) == {2: 6_666_666, 3: 7_666_667, 10: 6_666_667}
    assert queue.waiting == 3


def test_an_early_request_is_not_filled_before_a_late_one():
    """What an epoch left has no place before what came since."""
    queue = opened()
    ask(queue, 1, 10 * MICRO)
    close(queue, DAY)
    strike(queue, DAY + 1, cash=0)
    ask(queue, 2, 10 * MICRO, 2 * DAY - 1)
    close(queue, 2 * DAY)
    plan = strike(queue, 2 * DAY + 1, cash=9 * MICRO)
    assert [(fill.account, fill.paid_micro) for fill in plan.fills] == [(1, 4_500_000), (2, 4_500_000)]


def test_units_that_would_bring_nothing_are_not_burned():
    queue = opened(minimum_units_micro=1)
    ask(queue, 1, 1)
    ask(queue, 2, 10 * MICRO)
    close(queue, DAY)
    plan = strike(queue, DAY + 1)
    assert plan.fills[0] == s.Fill(1, 0, 0, 1)
    assert plan.units_micro == 10 * MICRO


@pytest.mark.parametrize("seed", range(10))
def test_the_order_of_requests_changes_nothing(seed):
    rng = random.Random(seed)
    asks = [(rng.randrange(1, 30), rng.randrange(MICRO, 10**9)) for _ in range(60)]
    found = []
    for _ in range(3):
        queue = opened()
        for account, units in asks:
            ask(queue, account, units)
        close(queue, DAY)
        found.append((strike(queue, DAY + 1, cash=10**9), queue))
        rng.shuffle(asks)
    plans = [msgspec.structs.replace(plan, version=0) for plan, _ in found]
    assert plans[0] == plans[1] == plans[2]
    encoded = [msgspec.json.encode(queue, order="deterministic") for _, queue in found]
    assert encoded[0] == encoded[1] == encoded[2]


# --- cancelling -------------------------------------------------------------------------------------


def test_a_closed_request_cannot_be_cancelled_until_the_feed_is_given_up():
    queue = opened()
    ask(queue, 1, 10 * MICRO)
    ask(queue, 2, 10 * MICRO)
    close(queue, DAY)
    assert s.cancellable_from_ns(queue) == 6 * DAY
    assert cancel(queue, 1, 6 * DAY - 1) is Refusal.QUEUE_REQUEST_CLOSED
    ask(queue, 1, 3 * MICRO, 6 * DAY - 1)
    assert cancel(queue, 1, 6 * DAY) == s.Withdrawal(account=1, units_micro=3 * MICRO, closed=False, version=4)
    assert cancel(queue, 1, 6 * DAY).closed is True
    assert queue.waiting == 1
    # The epoch still waits, and a late price is struck for who stayed.
    assert [fill.account for fill in strike(queue, 7 * DAY).fills] == [2]


def test_when_all_have_left_a_closed_epoch_the_next_one_goes_on():
    queue = opened()
    ask(queue, 1, 10 * MICRO)
    close(queue, DAY)
    cancel(queue, 1, 6 * DAY)
    assert (s.waits(queue), queue.closed_ns, s.cancellable_from_ns(queue)) == (False, 0, 0)
    assert q.next_due_ns(queue) == 7 * DAY
    close(queue, 7 * DAY)
    assert queue.epoch_end_ns == 8 * DAY


# --- refusals, limits, misuse -----------------------------------------------------------------------


def test_a_shut_queue_takes_no_requests_and_gives_back():
    queue = opened()
    ask(queue, 1, MICRO)
    q.setting(queue, q.plan_setting(queue, 0, accepting=False), 0)
    assert ask(queue, 2, MICRO) is Refusal.QUEUE_SHUT
    assert cancel(queue, 1).units_micro == MICRO
    q.setting(queue, q.plan_setting(queue, 0, terms=s.QueueTerms(minimum_units_micro=5), accepting=True), 0)
    assert ask(queue, 2, 5).units_micro == 5


def test_a_small_request_is_refused():
    assert ask(opened(), 1, MICRO - 1) is Refusal.QUEUE_TOO_SMALL


def test_the_queue_holds_as_many_accounts_as_its_terms_say():
    queue = opened(requests_max=2)
    ask(queue, 1, MICRO)
    close(queue, DAY)
    ask(queue, 2, MICRO, DAY)
    assert ask(queue, 3, MICRO, DAY) is Refusal.QUEUE_FULL
    assert ask(queue, 1, MICRO, DAY).units_micro == MICRO
    assert queue.waiting == 2
    strike(queue, DAY + 1)
    cancel(queue, 1, DAY + 1)
    assert ask(queue, 3, MICRO, DAY + 1).units_micro == MICRO


def test_claims_that_nobody_makes_fill_up_as_well(monkeypatch):
    monkeypatch.setattr(q, "CLAIMS_MAX", 2)
    queue = opened()
    ask(queue, 1, MICRO)
    close(queue, DAY)
    strike(queue, DAY + 1)
    ask(queue, 2, MICRO, DAY + 1)
    assert ask(queue, 3, MICRO, DAY + 1) is Refusal.QUEUE_CLAIMS_FULL
    assert ask(queue, 1, MICRO, DAY + 1).units_micro == MICRO
    # Who has a claim already needs no further place; once it is paid there is one more.
    q.claim(queue, q.plan_claim(queue, 1, DAY + 2), DAY + 2)
    cancel(queue, 1, DAY + 2)
    assert ask(queue, 3, MICRO, DAY + 2).units_micro == MICRO


def test_an_epoch_of_the_most_accounts_is_closed_and_struck():
    queue = opened()
    accounts = list(range(1, s.REQUESTS_MAX + 1))
    random.Random(1).shuffle(accounts)
    for account in accounts:
        q.request(queue, q.plan_request(queue, account, MICRO + account, 0), 0)
    assert q.plan_request(queue, 10**6, MICRO, 0) is Refusal.QUEUE_FULL
    close(queue, DAY)
    plan = strike(queue, DAY + 1, cash=sum(MICRO + account for account in accounts) // 3)
    assert len(plan.fills) == s.REQUESTS_MAX
    assert plan.units_micro == (sum(accounts) + MICRO * len(accounts)) // 3 * NANO // PRICE
    assert decoded(queue).waiting == s.REQUESTS_MAX


def test_numbers_out_of_range_are_refused():
    queue = opened()
    for account in (0, 2**32):
        with pytest.raises(AssetError, match="account"):
            q.plan_request(queue, account, MICRO, 0)
    with pytest.raises(AssetError, match="units_micro"):
        q.plan_request(queue, 1, 0, 0)
    ask(queue, 1, 2**62)
    with pytest.raises(AssetError, match="units_micro"):
        q.plan_request(queue, 1, 2**62, 0)
    with pytest.raises(AssetError, match="queue terms"):
        s.QueueTerms(requests_max=s.REQUESTS_MAX + 1)
    with pytest.raises(AssetError, match="queue terms"):
        s.QueueTerms(epoch_ns=0)


def test_time_never_falls_and_plans_are_carried_out_once():
    queue = opened()
    plan = q.plan_request(queue, 1, MICRO, 5)
    q.request(queue, plan, 5)
    with pytest.raises(MisuseError, match="plan again"):
        q.request(queue, plan, 5)
    with pytest.raises(MisuseError, match="never falls"):
        q.plan_cancel(queue, 1, 4)


@pytest.mark.parametrize(
    "changes",
    [
        {"escrow_units_micro": 1},
        {"claimable_micro": 1},
        {"pending": {"1": 0}, "waiting": 1},
        {"waiting": 1},
        {"closed": {"1": 5}, "waiting": 1, "escrow_units_micro": 5, "closed_ns": DAY},
    ],
)
def test_a_broken_queue_is_found(changes):
    with pytest.raises(InvariantError):
        s.check(msgspec.structs.replace(opened(), **changes))
