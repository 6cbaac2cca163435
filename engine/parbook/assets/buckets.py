"""Expected flows by risk group and month: a move of rates or spreads re-prices a pool without touching a loan.

Each flow is discounted by its asset's own spread when it is put into its bucket, so that only the curve and a common
move of spreads are left to apply: for monthly positions exactly. A dated flow lies between two months; its present
value is split between them so that value and first moment hold on the day, and a move of the curve misses by
(1/12)^2 / 8 of its square: 1e-7 of the flow for one percent.

What FV caps: `min(EV, cap)` is not linear, so assets at their cap stay there and the others never reach it. That is
exact where no asset crosses its cap, and otherwise never less than a full valuation; `drift_micro` says by how much.
It is the full valuation that is journaled.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from parbook._value import BucketedPool, Model, dated_values, expected_flows
from parbook.assets.curve import ZeroCurve
from parbook.assets.holdings import Holdings, sum_micro
from parbook.assets.portfolio import Float64, terms_columns
from parbook.assets.valuation import Valuation, value
from parbook.pools.amounts import E12

COMPONENTS = ("interest", "scheduled", "prepaid", "defaulted", "recovered")
"""Of an expected flow; all but the defaulted part are cash."""


class Buckets(msgspec.Struct, frozen=True, kw_only=True):
    """By group and month: `flows` of the assets below their cap, spreads applied; `expected` of all, by component.

    `expected` is undiscounted. Of dated positions it knows what is paid, as interest, and what is recovered.
    """

    groups: tuple[str, ...]
    flows: Float64
    fixed_micro: Float64
    expected: Float64
    pool: BucketedPool

    def value_micro(self, rate_move_e12: int = 0, spread_move_e12: int = 0) -> float:
        """Return the pool's value after a move of every rate and every spread, in doubles of micro."""
        return self.pool.value(rate_move_e12 / E12, spread_move_e12 / E12)

    def by_group_micro(self, rate_move_e12: int, spread_moves_e12: Sequence[int]) -> dict[str, float]:
        """Return each group's value after a move of every rate and of its own spread."""
        moves = np.array([move / E12 for move in spread_moves_e12])
        return dict(zip(self.groups, self.pool.values(rate_move_e12 / E12, moves).tolist(), strict=True))


def bucketed(holdings: Holdings, curve: ZeroCurve, valuation: Valuation) -> Buckets:
    """Return the buckets of a pool under a curve. O(flows)."""
    portfolio, groups = holdings.portfolio, holdings.groups
    count = max(len(groups.names), 1)
    months = max(portfolio.months_needed, portfolio.days_needed * 12 // 365 + 2)
    floating = holdings.earning & ~valuation.capped
    flows = np.zeros((count, months + 1))
    expected = np.zeros((count, len(COMPONENTS), months + 1))
    code = groups.codes[portfolio.monthly_rows].astype(np.int32)
    model = Model(terms_columns(portfolio.terms))
    alive = np.flatnonzero(holdings.earning[portfolio.monthly_rows])
    free = np.flatnonzero(floating[portfolio.monthly_rows])
    _add(expected, expected_flows(portfolio.monthly.take(alive), model, code[alive], count)[:, :5])
    _add(flows, expected_flows(portfolio.monthly.take(free), model, code[free], count)[:, 5])
    if len(portfolio.dated_rows):
        _add_dated(holdings, curve, model, floating, flows, expected)
    held = np.where(floating, 0, valuation.mid_micro).astype(np.float64)
    fixed: Float64 = np.bincount(groups.codes, held, count).astype(np.float64)
    names = groups.names or ("",)
    pool = BucketedPool(flows, curve.monthly(months), fixed)
    return Buckets(groups=names, flows=flows, fixed_micro=fixed, expected=expected, pool=pool)


def drift_micro(holdings: Holdings, curve: ZeroCurve, buckets: Buckets, rate_move_e12: int) -> float:
    """Return how much more the buckets say than a full valuation does after a parallel move of the curve."""
    full = sum_micro(value(holdings, curve.moved(rate_move_e12)).mid_micro)
    return buckets.value_micro(rate_move_e12) - full


def _add(total: Float64, part: Float64) -> None:
    total[..., : part.shape[-1]] += part


def _add_dated(
    holdings: Holdings,
    curve: ZeroCurve,
    model: Model,
    floating: NDArray[np.bool_],
    flows: Float64,
    expected: Float64,
) -> None:
    portfolio, dated = holdings.portfolio, holdings.portfolio.dated
    owner = np.repeat(np.arange(len(dated.terms)), np.diff(dated.offsets))
    rows = portfolio.dated_rows[owner]
    spread = np.array([row.spread_e12 / E12 for row in portfolio.terms])[dated.terms[owner]]
    lag = np.array([row.lag_days for row in portfolio.terms])[dated.terms[owner]]
    recovery = np.where(dated.recovery_day < 0, dated.day + lag, dated.recovery_day)
    factors = curve.daily(portfolio.days_needed)
    _, paid, recovered = dated_values(dated, model, factors)
    for component, days, amounts in ((0, dated.day, paid), (4, recovery, recovered)):
        group = holdings.groups.codes[rows]
        nearest = np.rint(days * 12 / 365).astype(np.intp)
        np.add.at(expected[:, component], (group, nearest), np.where(holdings.earning[rows], amounts, 0.0))
        worth = np.where(floating[rows], amounts * np.exp(-spread * days / 365), 0.0) * factors[days]
        place = days * 12 / 365
        month = place.astype(np.intp)
        monthly = curve.monthly(flows.shape[1] - 1)
        for step, share in ((0, 1 - (place - month)), (1, place - month)):
            np.add.at(flows, (group, month + step), worth * share / monthly[month + step])
