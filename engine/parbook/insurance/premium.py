"""What covered pools pay: by amount and time, rounded up. A part streams to stakers, the rest is the fund's cash."""

from __future__ import annotations

from typing import Final

from parbook.insurance.state import Fund, stream
from parbook.pools.accrual import SECONDS_PER_YEAR
from parbook.pools.amounts import E12, MONEY_MICRO_MAX, Rounding, divide, require_int, share_of
from parbook.pools.steps import Plan, carried_out, started
from parbook.refusals import Refusal

WHERE = "insurance fund"
_YEAR_NS: Final = SECONDS_PER_YEAR * 10**9


class PremiumPlan(Plan, frozen=True, kw_only=True):
    """`charge_micro` come in: `stakers_micro` to be streamed, `cash_micro` to bear losses."""

    charge_micro: int
    stakers_micro: int
    cash_micro: int


def premium_micro(covered_micro: int, rate_e12: int, elapsed_ns: int) -> int:
    """Return the premium for what was covered during a time, a charge: rounded up. O(1)."""
    return divide(covered_micro * rate_e12 * elapsed_ns, E12 * _YEAR_NS, Rounding.CEIL)


def plan_premium(fund: Fund, covered_micro: int, now_ns: int) -> Refusal | PremiumPlan:
    """Return the plan to charge for the time since the last charge, during which `covered_micro` stood; FUND_LIMIT.

    Charge before what is covered changes. Charging more often never costs less. O(1).
    """
    started(WHERE, fund, now_ns)
    require_int(WHERE, "covered_micro", covered_micro, 0, MONEY_MICRO_MAX)
    charge = premium_micro(covered_micro, fund.terms.premium_e12, now_ns - fund.charged_ns)
    stakers = share_of(charge, fund.terms.stakers_e12, Rounding.FLOOR)
    return _entering(fund, stakers, charge - stakers, now_ns)


def plan_pay_in(fund: Fund, cash_micro: int, now_ns: int) -> Refusal | PremiumPlan:
    """Return the plan to add cash that bears losses; FUND_LIMIT. The time charged stays. O(1)."""
    started(WHERE, fund, now_ns)
    return _entering(fund, 0, require_int(WHERE, "cash_micro", cash_micro, 1, MONEY_MICRO_MAX), now_ns)


def _entering(fund: Fund, stakers: int, cash: int, now_ns: int) -> Refusal | PremiumPlan:
    if fund.cash_micro + fund.unpaid_micro + fund.owed_micro + stakers + cash > MONEY_MICRO_MAX:
        return Refusal.FUND_LIMIT
    return PremiumPlan(
        revision=fund.revision,
        now_ns=now_ns,
        charge_micro=stakers + cash,
        stakers_micro=stakers,
        cash_micro=cash,
    )


def premium(fund: Fund, plan: PremiumPlan, now_ns: int) -> None:
    """Take a charge."""
    pay_in(fund, plan, now_ns)
    fund.charged_ns = now_ns


def pay_in(fund: Fund, plan: PremiumPlan, now_ns: int) -> None:
    """Take cash. What was to be streamed until now has been: the new part does not pay for the past."""
    carried_out(WHERE, fund, plan, now_ns)
    stream(fund, now_ns)
    fund.unpaid_micro += plan.stakers_micro
    fund.cash_micro += plan.cash_micro
