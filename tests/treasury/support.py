"""A treasury with its accounts around it: reserve, till, units; what a composer and an exchange would do."""

from __future__ import annotations

import msgspec

from parbook.pools.amounts import MICRO, NANO
from parbook.treasury import Sync, Treasury, TreasuryTerms, check, opened, plan_sync, sync

HOUR = 3600 * 10**9
DAY = 24 * HOUR
SUPPLY = 1_000_000 * MICRO


def decoded(treasury: Treasury) -> Treasury:
    """Return the treasury as it comes back from its encoding; it must be equal."""
    again = msgspec.json.decode(msgspec.json.encode(treasury, order="deterministic"), type=Treasury)
    assert again == treasury
    assert type(again.status) is type(treasury.status)
    return again


class Venue:
    """The ledger of one treasury: `buy` and `sell` are the curve's trades between two syncs."""

    def __init__(self, *, reserve: int = 200_000 * MICRO, supply: int = SUPPLY, low: int = NANO, **terms) -> None:
        self.treasury = opened(TreasuryTerms(**terms), 0)
        self.reserve, self.supply, self.low = reserve, supply, low
        self.till = self.units = self.now = self.rounds = 0
        self.feed_ok = True

    def plan(self, **changes) -> Sync:
        return plan_sync(
            self.treasury,
            now_ns=self.now,
            till_micro=self.till,
            inventory_units_micro=self.units,
            reserve_micro=self.reserve,
            supply_micro=self.supply,
            price_low_nano=self.low,
            good_rounds=self.rounds,
            feed_ok=self.feed_ok,
            **changes,
        )

    def sync(self, *, after: int = 0, good: bool = True) -> Sync:
        self.now += after
        self.rounds += good
        plan = self.plan()
        sync(self.treasury, plan, self.now)
        check(self.treasury)
        move = plan.top_up_micro - plan.sweep_micro
        self.reserve -= move
        self.till += move
        assert self.till == plan.till_micro == self.treasury.till_micro
        return plan

    def buy(self, money: int, units: int | None = None) -> None:
        assert money <= self.till
        self.till -= money
        self.units += money * NANO // self.low if units is None else units

    def sell(self, units: int, money: int) -> None:
        assert units <= self.units
        self.units -= units
        self.till += money
