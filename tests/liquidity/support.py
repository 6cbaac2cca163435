"""Liquidity support on its way: every operation planned, tested for changing nothing, carried out, checked."""

from __future__ import annotations

from typing import Any

from parbook.support import bonds
from parbook.support.state import Support, SupportTerms, check, opened
from tests.anchored.support import do, reread

START_NS = 10**15


class Case:
    """Support, and the time it is at."""

    def __init__(self, settings: SupportTerms | None = None) -> None:
        self.state: Support = opened(settings or SupportTerms(), START_NS)
        self.now = START_NS

    def wait(self, ns: int) -> Case:
        self.now += ns
        return self

    def _do(self, plan: Any, carry_out: Any, *args: Any) -> Any:
        return do(self.state, plan, carry_out, check, *args, now=self.now)

    def bond(self, account: int, money: int) -> Any:
        return self._do(bonds.plan_bond, bonds.bond, account, money)

    def unbond(self, account: int, shares: int) -> Any:
        return self._do(bonds.plan_unbond, bonds.unbond, account, shares)

    def claim_bond(self, account: int) -> Any:
        return self._do(bonds.plan_claim_bond, bonds.claim_bond, account)

    def claim_reward(self, account: int) -> Any:
        return self._do(bonds.plan_claim_reward, bonds.claim_reward, account)

    def spread(self, realised: int) -> Any:
        return self._do(bonds.plan_spread, bonds.spread, realised)

    def loss(self, amount: int, reserve: int) -> Any:
        return self._do(bonds.plan_loss, bonds.loss, amount, reserve)

    def shares(self, account: int) -> int:
        bonder = self.state.bonders.get(str(account))
        return bonder.bond.shares if bonder else 0

    def fork(self) -> Case:
        """Return a case of its own in the same state, by way of the serialised form."""
        other = Case.__new__(Case)
        other.state, other.now = reread(self.state), self.now
        return other
