"""An insurance fund on its way: every operation planned, tested for changing nothing, carried out, checked."""

from __future__ import annotations

from typing import Any

from parbook.insurance import loss, premium, stake
from parbook.insurance.state import Fund, check, opened
from parbook.insurance.terms import FundTerms
from parbook.pools.amounts import E12, MICRO, NANO
from tests.anchored.support import do, reread

START_NS = 10**15


class Case:
    """A fund, and the time it is at."""

    def __init__(self, settings: FundTerms | None = None) -> None:
        self.state: Fund = opened(settings or FundTerms(), START_NS)
        self.now = START_NS

    def wait(self, ns: int) -> Case:
        self.now += ns
        return self

    def _do(self, plan: Any, carry_out: Any, *args: Any, **options: Any) -> Any:
        return do(self.state, plan, carry_out, check, *args, now=self.now, **options)

    def stake(self, account: int, native: int) -> Any:
        return self._do(stake.plan_stake, stake.stake, account, native)

    def unstake(self, account: int, shares: int) -> Any:
        return self._do(stake.plan_unstake, stake.unstake, account, shares)

    def claim_stake(self, account: int) -> Any:
        return self._do(stake.plan_claim_stake, stake.claim_stake, account)

    def claim_premium(self, account: int) -> Any:
        return self._do(stake.plan_claim_premium, stake.claim_premium, account)

    def premium(self, covered: int) -> Any:
        return self._do(premium.plan_premium, premium.premium, covered)

    def pay_in(self, cash: int) -> Any:
        return self._do(premium.plan_pay_in, premium.pay_in, cash)

    def alarm(self) -> Any:
        return self._do(loss.plan_alarm, loss.alarm)

    def stand_down(self) -> Any:
        return self._do(loss.plan_stand_down, loss.alarm)

    def loss(self, amount: int, price: int = NANO, spread: int = 0, junior: int = 0, surplus: int = 0) -> Any:
        return self._do(
            loss.plan_loss,
            loss.loss,
            amount,
            excess_spread_micro=spread,
            junior_micro=junior,
            surplus_micro=surplus,
            native_nano=price,
        )

    def auction(self, low: int = NANO, high: int = NANO) -> Any:
        return self._do(loss.plan_auction, loss.auction, low, high)

    def buy(self, native: int) -> Any:
        return self._do(loss.plan_buy, loss.buy, native)

    def give_up(self) -> Any:
        return self._do(loss.plan_give_up, loss.give_up)

    def due(self) -> Any:
        return self._do(loss.plan_due, loss.due)

    def fork(self) -> Case:
        """Return a case of its own in the same state, by way of the serialised form."""
        other = Case.__new__(Case)
        other.state, other.now = reread(self.state), self.now
        return other


def plain(**changes: Any) -> FundTerms:
    """Terms by which stake counts in full and all premium goes to stakers."""
    return FundTerms(**({"haircut_e12": 0, "stakers_e12": E12} | changes))


__all__ = ["E12", "MICRO", "NANO", "START_NS", "Case", "plain"]
