"""Contractual cash flows by date: what a loan owes when nothing goes wrong, and the dated position it makes.

Interest of a period is balance x rate x year fraction, in doubles of micro, unrounded: a valuation rounds once.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import date

import msgspec

from parbook.assets.curve import ZeroCurve
from parbook.assets.daycount import DayCount, year_fraction
from parbook.assets.kinds import Dated, Flow, Repayment
from parbook.assets.reference_value import level_payment
from parbook.assets.schedule import days_from, fractions
from parbook.errors import AssetError
from parbook.pools.amounts import ASSET_MICRO_MAX, E12, require_int


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """What is due on a day; `balance` is what was owed before it."""

    start: date
    day: date
    balance: float
    interest: float
    principal: float


def contract(
    dates: Sequence[date], balance_micro: int, rate_e12: int, convention: DayCount, repayment: Repayment
) -> list[Payment]:
    """Return the payments of a loan with interest by `convention` at `dates[1:]`.

    A level loan pays what would repay it exactly with equal periods, at rate / periods a year; the last payment takes
    what the calendar left over.
    """
    require_int("contract", "balance_micro", balance_micro, 0, ASSET_MICRO_MAX)
    if len(dates) < 2:
        raise AssetError("contract", f"{len(dates)} dates", "Give the start and at least one day of payment.")
    rate, count = rate_e12 / E12, len(dates) - 1
    # The whole span tells the length of a period: 18 months in 18 parts are months.
    months = (dates[-1].year - dates[0].year) * 12 + dates[-1].month - dates[0].month
    payment = level_payment(float(balance_micro), rate * max(months, 1) / 12 / count, count)
    balance = float(balance_micro)
    payments = []
    for n, (start, day, share) in enumerate(
        zip(dates[:-1], dates[1:], fractions(list(dates), convention), strict=True), 1
    ):
        interest = balance * rate * share
        if n == count:
            principal = balance
        elif repayment is Repayment.LEVEL:
            principal = payment - interest
        else:
            principal = balance_micro / count if repayment is Repayment.LINEAR else 0.0
        payments.append(Payment(start=start, day=day, balance=balance, interest=interest, principal=principal))
        balance -= principal
    return payments


def floating(
    dates: Sequence[date],
    balance_micro: int,
    margin_e12: int,
    curve: ZeroCurve,
    *,
    first_fixing_e12: int,
    convention: DayCount = DayCount.ACT_360,
) -> list[Payment]:
    """Return a bullet whose rate is the curve's forward of each period plus a margin; the first is already fixed."""
    as_of = _as_of(curve)
    payments = []
    for n, (start, day) in enumerate(itertools.pairwise(dates), 1):
        share = year_fraction(convention, start, day)
        if n == 1:
            forward = first_fixing_e12 / E12
        else:
            near, far = days_from(as_of, start) / 365, days_from(as_of, day) / 365
            forward = (curve.discount(near) / curve.discount(far) - 1) / share
        interest = balance_micro * (forward + margin_e12 / E12) * share
        principal = float(balance_micro) if n == len(dates) - 1 else 0.0
        payments.append(
            Payment(start=start, day=day, balance=float(balance_micro), interest=interest, principal=principal)
        )
    return payments


def dated(payments: Sequence[Payment], as_of: date, *, recover_midway: bool = False) -> Dated:
    """Return the position of the payments after `as_of`.

    With `recover_midway` a default's recovery comes in the middle of its period, as credit desks assume, and not after
    the lag of the terms.
    """
    left = [payment for payment in payments if payment.day > as_of]
    if not left:
        raise AssetError("contract", f"nothing is due after {as_of}", "Value it on an earlier day, or leave it out.")
    flows = []
    for payment in left:
        day = days_from(as_of, payment.day)
        start = max(days_from(as_of, payment.start), 0)
        recovery = start + (day - start) // 2 if recover_midway else -1
        flows.append(Flow(day, payment.interest, payment.principal, E12, recovery))
    return Dated(flows=tuple(flows), balance_micro=round(left[0].balance))


def accrued(payments: Sequence[Payment], as_of: date, convention: DayCount) -> float:
    """Return the interest earned and not yet due on `as_of`."""
    for payment in payments:
        if payment.start <= as_of < payment.day:
            whole = year_fraction(convention, payment.start, payment.day)
            return payment.interest * year_fraction(convention, payment.start, as_of) / whole
    return 0.0


def _as_of(curve: ZeroCurve) -> date:
    if curve.as_of is None:
        raise AssetError("curve", "it has no day of valuation", "Give the curve its as_of.")
    return curve.as_of
