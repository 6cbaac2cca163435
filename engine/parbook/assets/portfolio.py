"""A million assets as arrays: what parbook._value reads, laid out so that it need not jump.

A portfolio keeps its positions by terms, repayment and months; `monthly_rows` and `dated_rows` say which row of the
tape each of them was. Results come back in the order of the tape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from parbook._value import Model, dated_values, monthly_values
from parbook.assets.curve import DAYS_MAX, ZeroCurve
from parbook.assets.kinds import Dated, Monthly, Position, Repayment
from parbook.assets.terms import Terms
from parbook.errors import AssetError
from parbook.pools.amounts import E12

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
UInt8 = NDArray[np.uint8]
Float64 = NDArray[np.float64]


class TermsColumns(NamedTuple):
    """Rows of terms. `shape` is a row of `hazards`, multiples by month, or -1."""

    pd_e12: Int64
    lgd_e12: Int64
    cpr_e12: Int64
    spread_e12: Int64
    lag_months: Int32
    seller_pd_e12: Int64
    correlation_e12: Int64
    shape: Int32
    hazards: Float64


class MonthlyColumns(NamedTuple):
    """Monthly positions. `payment_micro` of a level loan is its contract's or the one that repays exactly, and
    `balloon_micro` what is due with the last one beside it."""

    terms: Int32
    repayment: UInt8
    months: Int32
    balance_micro: Int64
    rate_e12: Int64
    payment_micro: Float64
    balloon_micro: Float64
    income_micro: Float64
    growth_e12: Int64

    def take(self, rows: NDArray[np.intp]) -> MonthlyColumns:
        """Return some rows, in the order given."""
        return MonthlyColumns._make(np.ascontiguousarray(column[rows]) for column in self)


class DatedColumns(NamedTuple):
    """Dated positions; the flows of asset i are offsets[i] to offsets[i + 1]."""

    terms: Int32
    offsets: Int64
    balance_micro: Int64
    day: Int32
    recovery_day: Int32
    interest_micro: Float64
    principal_micro: Float64
    probability_e12: Int64


def terms_columns(terms: Sequence[Terms]) -> TermsColumns:
    """Return rows of terms as arrays."""
    shapes = list(dict.fromkeys(row.hazard_e12 for row in terms if row.hazard_e12))
    width = max((len(shape) for shape in shapes), default=1)
    hazards = np.ones((max(len(shapes), 1), width))
    for n, shape in enumerate(shapes):
        hazards[n] = [multiple / E12 for multiple in shape] + [shape[-1] / E12] * (width - len(shape))
    place = {shape: n for n, shape in enumerate(shapes)}

    def column(name: str) -> Int64:
        return np.array([getattr(row, name) for row in terms], np.int64)

    return TermsColumns(
        pd_e12=column("pd_e12"),
        lgd_e12=column("lgd_e12"),
        cpr_e12=column("cpr_e12"),
        spread_e12=column("spread_e12"),
        lag_months=column("lag_months").astype(np.int32),
        seller_pd_e12=column("seller_pd_e12"),
        correlation_e12=column("correlation_e12"),
        shape=np.array([place.get(row.hazard_e12, -1) for row in terms], np.int32),
        hazards=hazards,
    )


def level_payments(balance_micro: Int64, rate_e12: Int64, months: Int32) -> Float64:
    """Return the payments that repay exactly: B r / (1 - (1+r)^-n), or B / n without interest. Unrounded."""
    rate = rate_e12 / 1e12 / 12
    free = rate_e12 == 0
    share = -np.expm1(-months * np.log1p(np.where(free, 1.0, rate)))
    payments: Float64 = np.where(free, balance_micro / months, balance_micro * rate / share)
    return payments


class Portfolio:
    """Positions and their terms as arrays, checked and in the kernel's order."""

    def __init__(
        self,
        terms: Sequence[Terms],
        monthly: MonthlyColumns,
        monthly_rows: NDArray[np.intp],
        dated: DatedColumns | None = None,
        dated_rows: NDArray[np.intp] | None = None,
    ) -> None:
        """Columns in any order; `monthly_rows` and `dated_rows` together are the rows 0..n-1 of the tape."""
        order = np.lexsort((monthly.months, monthly.repayment, monthly.terms))
        self.terms = tuple(terms)
        self.monthly = monthly.take(order)
        self.monthly_rows = monthly_rows[order]
        self.dated = _no_dated() if dated is None else dated
        self.dated_rows = np.empty(0, np.intp) if dated_rows is None else dated_rows
        self._check()

    def _check(self) -> None:
        rows = np.concatenate([self.monthly_rows, self.dated_rows])
        if not np.array_equal(np.sort(rows), np.arange(len(rows))):
            raise AssetError("portfolio", "its rows are not 0..n-1, each once", "Number the assets from 0.")
        recourse = np.array([row.seller_pd_e12 >= 0 for row in self.terms] or [False])
        several = np.diff(self.dated.offsets) > 1
        if recourse[self.monthly.terms].any() or (recourse[self.dated.terms] & several).any():
            raise AssetError(
                "portfolio", "recourse to a seller on more than one flow", "Only invoices of one flow may have it."
            )

    @classmethod
    def of(cls, assets: Sequence[tuple[Position, Terms]]) -> Portfolio:
        """Return the portfolio of some assets, in their order."""
        table: dict[Terms, int] = {}
        index = [table.setdefault(terms, len(table)) for _, terms in assets]
        months = [n for n, (position, _) in enumerate(assets) if isinstance(position, Monthly)]
        dates = [n for n, (position, _) in enumerate(assets) if isinstance(position, Dated)]
        return cls(
            list(table),
            monthly_columns([assets[n][0] for n in months], [index[n] for n in months]),  # type: ignore[misc]
            np.array(months, np.intp),
            dated_columns([assets[n][0] for n in dates], [index[n] for n in dates]),  # type: ignore[misc]
            np.array(dates, np.intp),
        )

    def __len__(self) -> int:
        return len(self.monthly_rows) + len(self.dated_rows)

    @property
    def months_needed(self) -> int:
        """The month of the last monthly flow, recoveries included."""
        return int(self.monthly.months.max(initial=0)) + max((row.lag_months for row in self.terms), default=0)

    @property
    def days_needed(self) -> int:
        """The day of the last dated flow, recoveries included."""
        lag = max((row.lag_days for row in self.terms), default=0)
        last = max(int(self.dated.day.max(initial=0)) + lag, int(self.dated.recovery_day.max(initial=0)))
        if last > DAYS_MAX + lag:
            raise AssetError("portfolio", f"a flow lies {last} days away", f"Keep within {DAYS_MAX}.")
        return last

    def expected_values(self, curve: ZeroCurve, terms: Sequence[Terms] | None = None) -> Float64:
        """Return EV of every asset in micro, in the tape's order; `terms` replace the portfolio's own (a band's)."""
        rows = self.terms if terms is None else tuple(terms)
        if len(rows) != len(self.terms):
            raise AssetError("portfolio", f"{len(rows)} rows of terms for {len(self.terms)}", "Stress each row.")
        model = Model(terms_columns(rows))
        values = np.empty(len(self))
        values[self.monthly_rows] = monthly_values(self.monthly, model, curve.monthly(self.months_needed))
        if len(self.dated_rows):
            values[self.dated_rows] = dated_values(self.dated, model, curve.daily(self.days_needed))[0]
        return values


def monthly_columns(positions: Sequence[Monthly], terms: Sequence[int]) -> MonthlyColumns:
    """Return monthly positions as arrays, level payments filled in."""
    balance = np.array([p.balance_micro for p in positions], np.int64)
    rate = np.array([p.rate_e12 for p in positions], np.int64)
    months = np.array([p.months for p in positions], np.int32)
    repayment = np.array([p.repayment for p in positions], np.uint8)
    given = np.array([p.payment_micro for p in positions], np.float64)
    derived = (repayment == Repayment.LEVEL) & (given == 0)
    return MonthlyColumns(
        terms=np.array(terms, np.int32),
        repayment=repayment,
        months=months,
        balance_micro=balance,
        rate_e12=rate,
        payment_micro=np.where(derived, level_payments(balance, rate, months), given),
        balloon_micro=np.array([p.balloon_micro for p in positions], np.float64),
        income_micro=np.array([p.income_micro for p in positions], np.float64),
        growth_e12=np.array([p.growth_e12 for p in positions], np.int64),
    )


def dated_columns(positions: Sequence[Dated], terms: Sequence[int]) -> DatedColumns:
    """Return dated positions as arrays."""
    flows = [flow for position in positions for flow in position.flows]
    counts = [0, *(len(position.flows) for position in positions)]
    return DatedColumns(
        terms=np.array(terms, np.int32),
        offsets=np.cumsum(counts, dtype=np.int64),
        balance_micro=np.array([p.balance_micro for p in positions], np.int64),
        day=np.array([flow.day for flow in flows], np.int32),
        recovery_day=np.array([flow.recovery_day for flow in flows], np.int32),
        interest_micro=np.array([flow.interest_micro for flow in flows], np.float64),
        principal_micro=np.array([flow.principal_micro for flow in flows], np.float64),
        probability_e12=np.array([flow.probability_e12 for flow in flows], np.int64),
    )


def _no_dated() -> DatedColumns:
    return dated_columns([], [])
