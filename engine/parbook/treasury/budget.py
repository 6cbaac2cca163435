"""What may be spent: two token buckets that come back with time and good observations, never with time alone.

    capacity = floor(share x supply x low price)

Time between two good rounds is credited at the later one, at most `credit_max_ns` of it, at the capacity that the
earlier one gave: a feed that falls silent, or a price that jumps, buys nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from parbook.errors import InvariantError, MisuseError
from parbook.pools.amounts import E12, NANO, Rounding, divide
from parbook.pools.throttle import Throttle, available_micro, credited, drained, reframed
from parbook.treasury.terms import TreasuryTerms


class Capacities(NamedTuple):
    """Most in each window, in money."""

    day_micro: int
    month_micro: int


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """Both buckets, the capacities of the last good round, and when that was."""

    day: Throttle = Throttle()
    month: Throttle = Throttle()
    day_rate_micro: int = 0
    month_rate_micro: int = 0
    credited_ns: int = 0
    good_rounds: int = 0

    def check(self, terms: TreasuryTerms) -> None:
        """Raise InvariantError unless both buckets are sound."""
        self.day.check(terms.day_ns)
        self.month.check(terms.month_ns)
        if min(self.day_rate_micro, self.month_rate_micro, self.credited_ns, self.good_rounds) < 0:
            raise InvariantError(f"a number of {self} is negative")


def capacities(terms: TreasuryTerms, supply_micro: int, price_low_nano: int) -> Capacities:
    """Return what the shares of the supply are worth at the low price, rounded down once."""
    value = supply_micro * price_low_nano
    return Capacities(*(divide(value * share, NANO * E12, Rounding.FLOOR) for share in (terms.day_e12, terms.month_e12)))


def after_time(budget: Budget, terms: TreasuryTerms, most: Capacities, good_rounds: int, now_ns: int) -> Budget:
    """Return the budget at `now_ns`; `good_rounds` counts the good rounds there ever were. MisuseError if it fell."""
    if good_rounds < budget.good_rounds:
        raise MisuseError(f"{good_rounds} good rounds after {budget.good_rounds}: the count never falls; pass all there were")
    if good_rounds == budget.good_rounds:
        return budget
    elapsed = min(now_ns - budget.credited_ns, terms.credit_max_ns)
    return Budget(
        day=credited(budget.day, budget.day_rate_micro, elapsed, terms.day_ns),
        month=credited(budget.month, budget.month_rate_micro, elapsed, terms.month_ns),
        day_rate_micro=most.day_micro,
        month_rate_micro=most.month_micro,
        credited_ns=now_ns,
        good_rounds=good_rounds,
    )


def after_spending(budget: Budget, spent_micro: int) -> Budget:
    """Return the budget after money was spent: both buckets give it."""
    day, month = drained(budget.day, spent_micro), drained(budget.month, spent_micro)
    return msgspec.structs.replace(budget, day=day, month=month)


def left_micro(budget: Budget, most: Capacities) -> int:
    """Return what may still be spent: the lesser of the two."""
    return min(available_micro(budget.day, most.day_micro), available_micro(budget.month, most.month_micro))


def for_terms(budget: Budget) -> Budget:
    """Return the budget under other terms: what was used stays used."""
    return msgspec.structs.replace(budget, day=reframed(budget.day), month=reframed(budget.month))
