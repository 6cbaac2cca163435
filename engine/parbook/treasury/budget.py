"""What may be spent: two token buckets that come back with time and good observations, never with time alone.

    capacity = floor(share x supply x low price)

Each window has two buckets. What time gives back is noted at every sync, at the capacity of the last good round and
for at most `credit_max_ns` after it; a good round makes what was noted count. A feed that falls silent, or a price
that jumps, buys nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from parbook.errors import InvariantError, MisuseError
from parbook.pools.amounts import E12, MONEY_MICRO_MAX, NANO, Rounding, divide
from parbook.pools.throttle import Throttle, available_micro, credited, drained, reframed
from parbook.treasury.terms import TreasuryTerms


class Capacities(NamedTuple):
    """Most in each window, in money."""

    day_micro: int
    month_micro: int


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What counts as used (`day`, `month`), what time has given back by now (`_noted`), and the last good round."""

    day: Throttle = Throttle()
    month: Throttle = Throttle()
    day_noted: Throttle = Throttle()
    month_noted: Throttle = Throttle()
    day_rate_micro: int = 0
    month_rate_micro: int = 0
    noted_ns: int = 0
    good_ns: int = 0
    good_rounds: int = 0

    def check(self, terms: TreasuryTerms) -> None:
        """Raise InvariantError unless the buckets are sound, and what counts as used is no less than what is noted."""
        for counted, noted, window_ns in (
            (self.day, self.day_noted, terms.day_ns),
            (self.month, self.month_noted, terms.month_ns),
        ):
            counted.check(window_ns)
            noted.check(window_ns)
            if counted.used_micro < noted.used_micro:
                raise InvariantError(f"{counted} counts as less used than {noted}")
        if min(self.day_rate_micro, self.month_rate_micro, self.good_rounds) < 0 or self.good_ns > self.noted_ns:
            raise InvariantError(f"the rates or times of {self} cannot be")


def capacities(terms: TreasuryTerms, supply_micro: int, price_low_nano: int) -> Capacities:
    """Return what the shares of the supply are worth at the low price, rounded down once, at most all money."""
    value = supply_micro * price_low_nano
    shares = (terms.day_e12, terms.month_e12)
    return Capacities(*(min(divide(value * share, NANO * E12, Rounding.FLOOR), MONEY_MICRO_MAX) for share in shares))


def after_time(budget: Budget, terms: TreasuryTerms, most: Capacities, good_rounds: int, now_ns: int) -> Budget:
    """Return the budget at `now_ns`; `good_rounds` counts the good rounds there ever were. MisuseError if it fell."""
    if good_rounds < budget.good_rounds:
        raise MisuseError(f"{good_rounds} good rounds after {budget.good_rounds}: pass all there ever were")
    until = budget.good_ns + terms.credit_max_ns
    elapsed = max(min(now_ns, until) - budget.noted_ns, 0)
    day = credited(budget.day_noted, budget.day_rate_micro, elapsed, terms.day_ns)
    month = credited(budget.month_noted, budget.month_rate_micro, elapsed, terms.month_ns)
    budget = msgspec.structs.replace(budget, day_noted=day, month_noted=month, noted_ns=now_ns)
    if good_rounds == budget.good_rounds:
        return budget
    return msgspec.structs.replace(
        budget,
        day=day,
        month=month,
        day_rate_micro=most.day_micro,
        month_rate_micro=most.month_micro,
        good_ns=now_ns,
        good_rounds=good_rounds,
    )


def after_spending(budget: Budget, spent_micro: int) -> Budget:
    """Return the budget after money was spent: every bucket gives it."""
    return msgspec.structs.replace(
        budget,
        day=drained(budget.day, spent_micro),
        month=drained(budget.month, spent_micro),
        day_noted=drained(budget.day_noted, spent_micro),
        month_noted=drained(budget.month_noted, spent_micro),
    )


def left_micro(budget: Budget, most: Capacities) -> int:
    """Return what may still be spent: the lesser of the two."""
    return min(available_micro(budget.day, most.day_micro), available_micro(budget.month, most.month_micro))


def for_terms(budget: Budget) -> Budget:
    """Return the budget under other terms: what counts as used stays used, what was noted is given up."""
    day, month = reframed(budget.day), reframed(budget.month)
    return msgspec.structs.replace(budget, day=day, month=month, day_noted=day, month_noted=month)
