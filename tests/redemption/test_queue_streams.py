"""Random streams through the queue, against a plain ledger and exact shares."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from parbook.pools.amounts import MICRO, NANO
from parbook.redemption import queue as q
from parbook.redemption import queue_state as s
from parbook.refusals import Refusal
from tests.redemption.support import DAY, HOUR, decoded, waiting


class Ledger:
    """Units and money of everybody, which are only moved as the plans say."""

    def __init__(self, accounts: int) -> None:
        self.queue = s.opened(s.QueueTerms(requests_max=12), 0)
        self.units = dict.fromkeys(range(1, accounts + 1), 1000 * MICRO)
        self.paid = dict.fromkeys(self.units, 0)
        self.total = sum(self.units.values())
        self.burned = self.apart = 0
        self.asked_ns = 0

    def check(self) -> None:
        s.check(self.queue)
        assert sum(self.units.values()) + self.queue.escrow_units_micro + self.burned == self.total
        assert self.queue.claimable_micro + sum(self.paid.values()) == self.apart


def act(rng: random.Random, ledger: Ledger, now: int) -> Refusal | None:
    """Request, cancel or claim for somebody; return the refusal."""
    queue, account = ledger.queue, rng.choice(sorted(ledger.units))
    match rng.randrange(4):
        case 0 | 1:
            units = rng.randrange(1, max(ledger.units[account], 2))
            entry = q.plan_request(queue, account, units, now)
            if isinstance(entry, Refusal):
                return entry
            if entry.units_micro <= ledger.units[account]:
                q.request(queue, entry, now)
                ledger.units[account] -= entry.units_micro
                ledger.asked_ns = now
        case 2:
            withdrawal = q.plan_cancel(queue, account, now)
            if isinstance(withdrawal, Refusal):
                return withdrawal
            q.cancel(queue, withdrawal, now)
            ledger.units[account] += withdrawal.units_micro
        case _:
            payout = q.plan_claim(queue, account, now)
            if isinstance(payout, Refusal):
                return payout
            q.claim(queue, payout, now)
            ledger.paid[account] += payout.paid_micro
    return None


def strike(rng: random.Random, ledger: Ledger, now: int) -> Refusal | None:
    queue = ledger.queue
    cash, price = rng.choice([0, rng.randrange(1000 * MICRO), 10**12]), rng.randrange(NANO // 2, 2 * NANO)
    asked, before = dict(queue.closed), waiting(queue)
    plan = q.plan_strike(
        queue,
        now_ns=now,
        price_nano=price,
        observed_ns=now - rng.choice([0, 1, HOUR, DAY]) if now > DAY else now,
        cash_micro=cash,
        exit_value_micro=ledger.total,
        supply_micro=ledger.total,
    )
    if isinstance(plan, Refusal):
        return plan
    assert plan.price_nano == min(price, NANO)
    assert plan.paid_micro <= cash
    total = sum(asked.values())
    share = min(Fraction(cash * NANO // plan.price_nano, total), Fraction(1))
    for fill in plan.fills:
        exact = share * asked[str(fill.account)]
        assert abs(fill.units_micro - exact) < 1 or not fill.paid_micro
        assert 0 <= fill.units_micro * Fraction(plan.price_nano, NANO) - fill.paid_micro < 1
        # What an account has is never worth more than before.
        assert fill.paid_micro + fill.left_units_micro * Fraction(plan.price_nano, NANO) <= (
            asked[str(fill.account)] * Fraction(plan.price_nano, NANO)
        )
    q.strike(queue, plan, now)
    ledger.burned += plan.units_micro
    ledger.apart += plan.paid_micro
    after = waiting(queue)
    for fill in plan.fills:
        assert before[fill.account] - after.get(fill.account, 0) == fill.units_micro
    return None


@pytest.mark.parametrize("seed", range(12))
def test_a_queue_in_a_random_stream(seed):
    rng = random.Random(seed)
    ledger, now, seen, struck = Ledger(20), 0, set(), 0
    for _ in range(600):
        now += rng.choice([0, 1, HOUR, rng.randrange(8 * HOUR)])
        plan = q.plan_due(ledger.queue, now)
        if plan is not None:
            q.due(ledger.queue, plan, now)
            # Nobody asked after the close that is now to be struck.
            assert plan.closed_ns >= ledger.asked_ns
        for _ in range(rng.randrange(4)):
            seen.add(act(rng, ledger, now))
            ledger.check()
        if rng.random() < 0.1:
            refusal = strike(rng, ledger, now)
            struck += refusal is None
            seen.add(refusal)
            ledger.check()
            plan = q.plan_due(ledger.queue, now)
            if plan is not None:
                q.due(ledger.queue, plan, now)
        if rng.random() < 0.1:
            ledger.queue = decoded(ledger.queue)
    assert struck > 5
    assert {Refusal.QUEUE_FULL, Refusal.QUEUE_REQUEST_CLOSED, Refusal.QUEUE_NOT_CLOSED} <= seen


@pytest.mark.parametrize("seed", range(10))
def test_equal_holders_get_the_same_and_parts_no_better_worth(seed):
    """Twins to a micro; and one who asks through many accounts holds no more worth than one who asks through one."""
    rng = random.Random(seed)
    price, cash = rng.randrange(NANO // 2, NANO), rng.randrange(10**8, 10**9)
    others = {account: rng.randrange(MICRO, 10**8) for account in range(100, 120)}
    parts = [rng.randrange(MICRO, 10**7) for _ in range(70)]
    found = []
    for mine in ({1: sum(parts)}, dict(enumerate(parts, 1))):
        queue = s.opened(s.QueueTerms(), 0)
        for account, units in {**others, **mine, 200: 5_000_001, 201: 5_000_001}.items():
            q.request(queue, q.plan_request(queue, account, units, 0), 0)
        q.due(queue, q.plan_due(queue, DAY), DAY)
        plan = q.plan_strike(
            queue,
            now_ns=DAY + 1,
            price_nano=price,
            observed_ns=DAY + 1,
            cash_micro=cash,
            exit_value_micro=10**15,
            supply_micro=10**15,
        )
        fills = {fill.account: fill for fill in plan.fills}
        assert abs(fills[200].paid_micro - fills[201].paid_micro) <= 1
        found.append(
            (
                sum(fills[account].paid_micro for account in mine),
                sum(fills[account].left_units_micro for account in mine),
            )
        )
    (paid, left), (paid_in_parts, left_in_parts) = found
    worth, worth_in_parts = paid * NANO + left * price, paid_in_parts * NANO + left_in_parts * price
    # A remainder each moves a micro between paid and waiting; a floor each is lost. One floor may be the whole's.
    assert worth_in_parts <= worth + NANO
    assert worth_in_parts <= sum(parts) * price
    assert abs(paid_in_parts - paid) <= len(parts)
