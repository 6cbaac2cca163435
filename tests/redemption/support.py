"""A pool with a desk and a queue beside it, and redemption fees to sixty digits."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import msgspec

from parbook.pools.amounts import E12, MICRO, NANO
from parbook.redemption import desk as d
from parbook.redemption import queue_state as q
from parbook.refusals import Refusal

SECOND = 10**9
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def decoded(state: Any) -> Any:
    """Return a state as it comes back from its encoding; it must be equal."""
    again = msgspec.json.decode(msgspec.json.encode(state, order="deterministic"), type=type(state))
    assert again == state
    return again


class Pool:
    """One tranche's pool: 1,000,000 units at 1, a tenth of it in cash, unless told otherwise."""

    def __init__(self, *, cash: int = 100_000 * MICRO, other: int = 900_000 * MICRO, low: int = NANO, **terms) -> None:
        self.desk = d.opened(d.DeskTerms(**terms), 0)
        self.supply, self.cash, self.other, self.low = 1_000_000 * MICRO, cash, other, low
        self.now, self.feed_ok = 0, True

    @property
    def view(self) -> d.PoolView:
        return d.PoolView(
            price_low_nano=self.low,
            feed_ok=self.feed_ok,
            supply_micro=self.supply,
            exit_value_micro=self.cash + self.other,
            unreserved_micro=self.cash,
            other_assets_micro=self.other,
        )

    def plan(self, units: int, **options) -> Refusal | d.Redemption:
        return d.plan_redeem(self.desk, self.view, units, now_ns=self.now, **options)

    def redeem(self, units: int, **options) -> Refusal | d.Redemption:
        plan = self.plan(units, **options)
        if isinstance(plan, Refusal):
            return plan
        before = self.cash + self.other, self.supply
        d.redeem(self.desk, plan, self.now)
        d.check(self.desk)
        self.cash -= plan.paid_micro
        self.supply -= plan.units_micro
        # What stays is worth no less a unit.
        assert (self.cash + self.other) * before[1] >= before[0] * self.supply
        assert self.cash >= 0
        return plan

    @property
    def most(self) -> int:
        return d.most_units_micro(self.desk, self.view, self.now)


def fee(pool: Pool, units: int, heat: int = 0, kept: int = 0) -> Decimal:
    """Return the fee in micro of redeeming `units`, from the formulas, to sixty digits."""
    terms = pool.desk.terms
    with localcontext() as context:
        context.prec = 60
        value = Decimal(units * pool.low) / NANO
        heat_share = (Decimal(heat) + Decimal(units) / 2) / (pool.supply + heat)
        flat = value * (terms.base_e12 + terms.beta_e12 * heat_share) / E12
        if not pool.other:
            return flat
        scale, offset = Decimal(terms.penalty_scale_e12) / E12, Decimal(terms.penalty_offset_e12) / E12
        before = Decimal(pool.cash - kept) / pool.other + offset
        after = (Decimal(pool.cash - kept) - value) / pool.other + offset
        return flat + scale * pool.other * (before / after).ln()


def waiting(queue: q.Queue) -> dict[int, int]:
    """Return the units of each account, in both epochs."""
    keys = sorted(queue.pending.keys() | queue.closed.keys(), key=int)
    return {int(key): queue.pending.get(key, 0) + queue.closed.get(key, 0) for key in keys}
