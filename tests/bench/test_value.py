"""The comparators of B13 value what the kernel values, or the bar would compare different work."""

from __future__ import annotations

import numpy as np

from bench.measure import Settings
from bench.value import blocks, by_formula, by_weights, curve, loan_rows, move_rows, pool
from parbook._value import Model, monthly_values
from parbook.assets.portfolio import terms_columns


def test_numpy_and_the_kernel_agree():
    portfolio = pool(3000, seed=5)
    discount = curve().monthly(portfolio.months_needed)
    kernel = monthly_values(portfolio.monthly, Model(terms_columns(portfolio.terms)), discount)
    out = np.empty(len(portfolio))
    by_formula(blocks(portfolio, by_terms=False), discount, out)
    np.testing.assert_allclose(out, kernel, rtol=1e-12)
    by_weights(blocks(portfolio, by_terms=True), discount, portfolio.terms, out)
    np.testing.assert_allclose(out, kernel, rtol=1e-12)


def test_the_rows_say_what_was_measured():
    settings = Settings(rounds=1, scale=1000)
    loans, moves = loan_rows(settings)[0], move_rows(settings)[0]
    assert loans.bar == moves.bar == "B13"
    assert set(loans.values) == {"kernel_ms", "formula_ms", "weights_ms"}
    assert set(moves.values) == {"rate_us", "spread_us"}
