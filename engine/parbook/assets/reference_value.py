"""The expected value of one asset in plain Python floats: the specification of parbook._value.

    EV = sum_k DF(k) S(k-1) (1-m_k) [I_k + P_k + c (B(k-1) - P_k)]  +  sum_k DF(k+lag) S(k-1) m_k B(k-1) (1-LGD)
    S(k) = S(k-1) (1-m_k) (1-c)     m_k = 1 - (1-PD)^(w_k/12)     c = 1 - (1-CPR)^(1/12)

for monthly positions, and with d/365 in the place of 1/12 for dated ones; w_k is the term structure of default.
Income and fees belong to I. `FV = min(EV, (1 - writeoff) x owed)`, quantised once, here and nowhere else.

It lives in `assets` and not in `parbook.reference`: that package is core, where no float may be.
"""

from __future__ import annotations

import math
from fractions import Fraction
from statistics import NormalDist

import msgspec
import numpy as np

from parbook.assets.curve import ZeroCurve
from parbook.assets.kinds import Dated, Monthly, Position, Repayment
from parbook.assets.terms import Terms
from parbook.pools.amounts import E12, Rounding, divide, share_of


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """Expected flows of one period, undiscounted, in doubles of micro; the recovery comes `lag` later."""

    interest: float
    scheduled: float
    prepaid: float
    defaulted: float
    recovered: float

    @property
    def paid(self) -> float:
        """What comes in at the period's end."""
        return self.interest + self.scheduled + self.prepaid


def expected_value(position: Position, terms: Terms, curve: ZeroCurve) -> float:
    """Return EV in micro."""
    spread = terms.spread_e12 / E12
    value = 0.0
    if isinstance(position, Monthly):
        for k, flow in enumerate(monthly_flows(position, terms), 1):
            value += curve.discount(k / 12, spread) * flow.paid
            value += curve.discount((k + terms.lag_months) / 12, spread) * flow.recovered
        return value
    for due, flow in zip(position.flows, dated_flows(position, terms), strict=True):
        recovery_day = due.day + terms.lag_days if due.recovery_day < 0 else due.recovery_day
        value += curve.discount(due.day / 365, spread) * flow.paid
        value += curve.discount(recovery_day / 365, spread) * flow.recovered
    return value


def fair_value_micro(ev_micro: float, owed_micro: int, keep_e12: int, rounding: Rounding) -> int:
    """Return min(EV, keep x owed): EV rounded as named, exactly; the cap rounded down."""
    exact = Fraction(ev_micro)
    return min(divide(exact.numerator, exact.denominator, rounding), share_of(owed_micro, keep_e12, Rounding.FLOOR))


# --- flows ------------------------------------------------------------------------------------------


def level_payment(balance: float, rate_month: float, months: int) -> float:
    """Return the payment that repays `balance` in `months`: B r / (1 - (1+r)^-n), or B / n without interest."""
    if rate_month == 0:
        return balance / months
    return balance * rate_month / -math.expm1(-months * math.log1p(rate_month))


def monthly_flows(position: Monthly, terms: Terms) -> list[Expected]:
    """Return the expected flows of months 1..n."""
    balance = float(position.balance_micro)
    rate = position.rate_e12 / E12 / 12
    payment = float(position.payment_micro) or level_payment(balance, rate, position.months)
    c = hazard_part(terms.cpr_e12 / E12, 1 / 12)
    alive = 1.0
    flows = []
    for k in range(1, position.months + 1):
        m = hazard_part(terms.pd_e12 / E12, _multiple(terms, k) / 12)
        interest = balance * rate
        principal = _principal(position, k, balance, payment)
        income = position.income_micro * (1 + position.growth_e12 / E12) ** ((k - 1) // 12)
        survives = alive * (1 - m)
        flows.append(
            Expected(
                interest=survives * (interest + income),
                scheduled=survives * principal,
                prepaid=survives * c * (balance - principal),
                defaulted=alive * m * balance,
                recovered=alive * m * balance * (1 - terms.lgd_e12 / E12),
            )
        )
        alive = survives * (1 - c)
        balance -= principal
    return flows


def dated_flows(position: Dated, terms: Terms) -> list[Expected]:
    """Return the expected flows of a dated position, one a flow."""
    balance = float(position.balance_micro)
    alive, last = 1.0, 0
    flows = []
    for due in position.flows:
        days = due.day - last
        m = period_default(terms, last, days)
        c = hazard_part(terms.cpr_e12 / E12, days / 365)
        survives = alive * (1 - m) * (due.probability_e12 / E12)
        flows.append(
            Expected(
                interest=survives * due.interest_micro,
                scheduled=survives * due.principal_micro,
                prepaid=survives * c * (balance - due.principal_micro),
                defaulted=alive * m * balance,
                recovered=alive * m * balance * (1 - terms.lgd_e12 / E12),
            )
        )
        # A delivery that fails is one flow lost, not the end of the contract.
        alive *= (1 - m) * (1 - c)
        balance -= due.principal_micro
        last = due.day
    return flows


def _principal(position: Monthly, k: int, balance: float, payment: float) -> float:
    if k == position.months:
        return balance
    if position.repayment is Repayment.LEVEL:
        # payment - interest, as what is left of the term makes it: (payment - r balloon) / (1+r)^(n-k+1). The plain
        # difference feeds its error back into the balance, where it grows by 1+r a month.
        rate = position.rate_e12 / E12 / 12
        return (payment - rate * position.balloon_micro) * (1 + rate) ** (k - 1 - position.months)
    return position.balance_micro / position.months if position.repayment is Repayment.LINEAR else 0.0


# --- probabilities ----------------------------------------------------------------------------------


def hazard_part(rate: float, share: float) -> float:
    """Return 1 - (1 - rate)^share without cancellation: the part of a yearly rate that falls into a share of a year."""
    if share == 0:
        return 0.0
    return 1.0 if rate >= 1 else -math.expm1(share * math.log1p(-rate))


def _multiple(terms: Terms, month: int) -> float:
    if not terms.hazard_e12:
        return 1.0
    return terms.hazard_e12[min(month, len(terms.hazard_e12)) - 1] / E12


def period_default(terms: Terms, start_day: int, days: int) -> float:
    """Return the default probability of a dated period; with recourse that of both. The month it starts in counts."""
    share = _multiple(terms, start_day * 12 // 365 + 1) * days / 365
    debtor = hazard_part(terms.pd_e12 / E12, share)
    if terms.seller_pd_e12 < 0:
        return debtor
    return joint_default(debtor, hazard_part(terms.seller_pd_e12 / E12, days / 365), terms.correlation_e12 / E12)


def joint_default(p: float, q: float, rho: float) -> float:
    """Return the probability that both of two default, whose standings are bivariate normal with correlation rho."""
    if min(p, q) <= 0:
        return 0.0
    if max(p, q) >= 1:
        return min(p, q)
    normal = NormalDist()
    return min(max(bivariate_normal(normal.inv_cdf(p), normal.inv_cdf(q), rho), p + q - 1, 0.0), p, q)


def bivariate_normal(h: float, k: float, rho: float) -> float:
    """Return P(X <= h, Y <= k), by Plackett's formula (Biometrika 41, 1954), integrated by Gauss-Legendre.

        Phi(h) Phi(k) + 1/(2 pi) integral_0^asin(rho) exp(-(h^2 + k^2 - 2 h k sin t) / (2 cos^2 t)) dt

    Panels halve the distance to a right angle, where the integrand is steep when rho is near one; 20 nodes each.
    """
    first, second = _phi(h), _phi(k)
    if rho >= 1:
        return min(first, second)
    if rho <= -1:
        return max(first + second - 1, 0.0)
    end, sign = abs(math.asin(rho)), math.copysign(1.0, rho)
    nodes, weights = np.polynomial.legendre.leggauss(20)
    total, left, gap = 0.0, 0.0, math.pi / 2
    while left < end:
        gap /= 2
        right = min(math.pi / 2 - gap, end)
        half = (right - left) / 2
        for node, weight in zip(nodes.tolist(), weights.tolist(), strict=True):
            angle = left + half * (1 + node)
            cosine = math.cos(angle)
            inner = h * h + k * k - sign * 2 * h * k * math.sin(angle)
            total += half * weight * math.exp(-inner / (2 * cosine * cosine))
        left = right
    return first * second + sign * total / (2 * math.pi)


def _phi(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))
