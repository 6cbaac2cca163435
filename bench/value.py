"""B13: a million loans valued, against NumPy that does it month by month; and a pool re-priced from its buckets.

Two comparators in NumPy, both over cache-sized blocks, in place, with loans that have ended left out and everything
that does not depend on the curve prepared before the clock starts:

- `formula`: the published formula, with each loan's own parameters as columns;
- `weights`: the kernel's own rearrangement, weights by month for each row of terms and two operations a month.

The verdict is on the faster of the two, round by round. All three give the same values to 1e-12.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.bars import Row, judged
from bench.measure import Settings, Spread, interleave, note, ratios, timed
from parbook._value import BucketedPool, Model, expected_flows, monthly_values
from parbook.assets.curve import ZeroCurve
from parbook.assets.portfolio import Float64, MonthlyColumns, Portfolio, level_payments, terms_columns
from parbook.assets.terms import Terms
from parbook.pools.amounts import E12

LOANS: Final = 1_000_000
TERMS: Final = 24
"""Rows of terms, each a risk group."""
BLOCK: Final = 8192
"""Loans of a block: their columns fit a second-level cache, which measured best for both comparators."""
MOVES: Final = 2000


def pool(count: int, seed: int = 1) -> Portfolio:
    """Return level loans of 1 to 60 months in 24 risk groups."""
    rng = np.random.default_rng(seed)
    terms = [
        Terms(
            pd_e12=round(pd * E12),
            lgd_e12=45 * 10**10 + n * 10**10,
            cpr_e12=5 * 10**10 + n * 10**9,
            spread_e12=5 * 10**10 + n * 2 * 10**9,
            lag_months=6 + n % 7,
        )
        for n, pd in enumerate(np.linspace(0.01, 0.3, TERMS))
    ]
    months = (rng.choice([12, 24, 36, 48, 60], count) - rng.integers(0, 12, count)).astype(np.int32)
    balance = rng.integers(10**8, 4 * 10**10, count)
    rate = rng.integers(5 * 10**10, 3 * 10**11, count)
    columns = MonthlyColumns(
        terms=rng.integers(0, TERMS, count).astype(np.int32),
        repayment=np.zeros(count, np.uint8),
        months=months,
        balance_micro=balance,
        rate_e12=rate,
        payment_micro=level_payments(balance, rate, months),
        balloon_micro=np.zeros(count),
        income_micro=np.zeros(count),
        growth_e12=np.zeros(count, np.int64),
    )
    return Portfolio(terms, columns, np.arange(count))


def curve() -> ZeroCurve:
    """Return four zero rates."""
    return ZeroCurve(days=(0, 365, 730, 1825), zero_e12=(35 * 10**9, 37 * 10**9, 40 * 10**9, 45 * 10**9))


class Block:
    """Some loans as NumPy would have them: doubles, longest first, parameters as columns."""

    def __init__(self, portfolio: Portfolio, start: int, stop: int) -> None:
        loans = portfolio.monthly
        self.rows = start + np.argsort(-loans.months[start:stop], kind="stable")
        months = loans.months[self.rows]
        self.most = int(months[0])
        self.active = [int(np.searchsorted(-months, -k, "right")) for k in range(self.most + 2)]
        self.balance = loans.balance_micro[self.rows].astype(np.float64)
        self.rate = loans.rate_e12[self.rows] / 12e12
        self.payment = loans.payment_micro[self.rows]
        terms = [portfolio.terms[n] for n in loans.terms[self.rows]]
        self.row = int(loans.terms[start])
        self.m = np.array([-np.expm1(np.log1p(-t.pd_e12 / E12) / 12) for t in terms])
        self.c = np.array([-np.expm1(np.log1p(-t.cpr_e12 / E12) / 12) for t in terms])
        self.step = np.array([np.exp(-t.spread_e12 / E12 / 12) for t in terms])
        self.lag = np.array([t.lag_months for t in terms])
        self.recovered = self.m * np.array([1 - t.lgd_e12 / E12 for t in terms]) * self.step**self.lag
        self.stays = 1 - self.m
        self.keeps = self.stays * (1 - self.c)


def blocks(portfolio: Portfolio, *, by_terms: bool) -> list[Block]:
    """Return the portfolio in blocks; `by_terms` never mixes rows of terms in one."""
    count = len(portfolio)
    edges = [0, count]
    if by_terms:
        edges = [*np.flatnonzero(np.diff(portfolio.monthly.terms, prepend=-1)).tolist(), count]
    return [
        Block(portfolio, start, min(start + BLOCK, stop))
        for first, stop in pairwise(edges)
        for start in range(first, stop, BLOCK)
    ]


def by_formula(parts: list[Block], discount: Float64, out: Float64) -> None:
    """Value the blocks by the formula, a month at a time."""
    for part in parts:
        balance, survives = part.balance.copy(), part.step.copy()
        value = np.zeros(len(balance))
        cash, lost = np.empty_like(balance), np.empty_like(balance)
        for k in range(1, part.most + 1):
            n, ended = part.active[k], part.active[k + 1]
            b, s, x, y = balance[:n], survives[:n], cash[:n], lost[:n]
            np.multiply(b, discount[k + part.lag[:n]], out=y)
            y *= part.recovered[:n]
            # The balance after this payment; nothing after the last.
            b *= 1 + part.rate[:n]
            x[:] = b
            b -= part.payment[:n]
            b[ended:] = 0
            x[:ended] = part.payment[:ended]
            x += part.c[:n] * b
            x *= part.stays[:n]
            x *= discount[k]
            x += y
            x *= s
            value[:n] += x
            s *= part.keeps[:n]
            s *= part.step[:n]
        out[part.rows] = value


def by_weights(parts: list[Block], discount: Float64, terms: tuple[Terms, ...], out: Float64) -> None:
    """Value the blocks with weights by month for their row of terms."""
    for part in parts:
        lag, c = terms[part.row].lag_months, part.c[0]
        k = np.arange(1, part.most + 1)
        alive = part.step[0] ** k * part.keeps[0] ** (k - 1)
        w = discount[k] * alive * part.stays[0]
        v = discount[k + lag] * alive * part.recovered[0]
        paid = np.concatenate([[0.0], np.cumsum(w)])
        level = c * w[:-1] + v[1:]
        balance, growth = part.balance.copy(), 1 + part.rate
        value, x = v[0] * balance, np.empty_like(balance)
        for month in range(1, part.most + 1):
            n, ended = part.active[month], part.active[month + 1]
            last = slice(ended, n)
            value[last] += w[month - 1] * growth[last] * balance[last] + paid[month - 1] * part.payment[last]
            b = balance[:ended]
            b *= growth[:ended]
            b -= part.payment[:ended]
            if ended:
                np.multiply(b, level[month - 1], out=x[:ended])
                value[:ended] += x[:ended]
        out[part.rows] = value


def loan_rows(settings: Settings) -> list[Row]:
    """Return B13's first half: the kernel against the faster of two implementations in NumPy. One thread each."""
    count = settings.size(LOANS, 1000)
    note(f"B13 {count:,} loans")
    portfolio = pool(count)
    model, discount = Model(terms_columns(portfolio.terms)), curve().monthly(portfolio.months_needed)
    mixed, pure = blocks(portfolio, by_terms=False), blocks(portfolio, by_terms=True)
    first, second = np.empty(count), np.empty(count)
    by_formula(mixed, discount, first)
    by_weights(pure, discount, portfolio.terms, second)
    # All three write where they wrote before.
    kernel = monthly_values(portfolio.monthly, model, discount, np.empty(count))
    _agree(first, kernel)
    _agree(second, kernel)
    samples = interleave(
        {
            "kernel": partial(timed, partial(monthly_values, portfolio.monthly, model, discount, kernel)),
            "formula": partial(timed, partial(by_formula, mixed, discount, first)),
            "weights": partial(timed, partial(by_weights, pure, discount, portfolio.terms, second)),
        },
        settings.rounds,
    )
    values = {f"{name}_ms": Spread.of(ns / 1e6 for ns in taken) for name, taken in samples.items()}
    best = [min(pair) for pair in zip(samples["formula"], samples["weights"], strict=True)]
    measured = (
        f"kernel {values['kernel_ms']} ms; NumPy by the formula {values['formula_ms']} ms, "
        f"by the kernel's own weights {values['weights_ms']} ms"
    )
    return [judged("B13", f"{count:,} loans / the faster NumPy", measured, ratios(best, samples["kernel"]), values)]


def move_rows(settings: Settings) -> list[Row]:
    """Return B13's second half: one call that re-prices a bucketed pool; the ratio is 5 us over its time."""
    count = settings.size(LOANS, 1000)
    note("B13 a rate move")
    portfolio = pool(count)
    model, discount = Model(terms_columns(portfolio.terms)), curve().monthly(portfolio.months_needed)
    groups = np.ascontiguousarray(portfolio.monthly.terms)
    flows = np.ascontiguousarray(expected_flows(portfolio.monthly, model, groups, TERMS)[:, 5])
    buckets = BucketedPool(flows, discount, np.zeros(TERMS))
    _agree(np.array([buckets.value()]), np.array([monthly_values(portfolio.monthly, model, discount).sum()]))
    moves = settings.size(MOVES, 10)

    def rates() -> float:
        return timed(lambda: [buckets.value(0.0001) for _ in range(moves)]) / moves / 1000

    def spreads() -> float:
        each = np.linspace(0, 0.01, TERMS)
        return timed(lambda: [buckets.values(0.0, each) for _ in range(moves)]) / moves / 1000

    samples = interleave({"rate": rates, "spread": spreads}, settings.rounds)
    values = {f"{name}_us": Spread.of(taken) for name, taken in samples.items()}
    measured = (
        f"{TERMS} groups x {flows.shape[1]} months: a rate move {values['rate_us']} us, "
        f"each group's own spread {values['spread_us']} us"
    )
    worst = [max(pair) for pair in zip(samples["rate"], samples["spread"], strict=True)]
    ratio = Spread.of(5 / us for us in worst)
    return [judged("B13", "5 us / a move of the bucketed pool", measured, ratio, values, limit=1)]


def _agree(got: NDArray[np.float64], expected: NDArray[np.float64]) -> None:
    if not np.allclose(got, expected, rtol=1e-12, atol=0):
        raise AssertionError("NumPy and the kernel give different values")
