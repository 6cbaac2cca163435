"""Default rates: intervals against closed forms and published values; real loans where they are at hand."""

from __future__ import annotations

import csv
import lzma
import math
import random
from collections import Counter
from datetime import date
from fractions import Fraction

import pytest

from parbook.assets.calibration import annual_pd_e12, at_least, clopper_pearson, grade_rates, monotone, wilson
from parbook.assets.curve import flat_bond_equivalent
from parbook.assets.holdings import Asset, Holdings
from parbook.assets.kinds import AssetKind, amortising
from parbook.assets.terms import Band, Terms
from parbook.assets.valuation import value
from parbook.errors import AssetError
from parbook.pools.amounts import E12, MICRO
from tests.support.shared import shared_path

TAIL = 0.025


def test_the_exact_interval_at_its_closed_forms():
    for loans in (1, 10, 1000):
        none, every = clopper_pearson(0, loans), clopper_pearson(loans, loans)
        assert none.low_e12 == 0
        assert none.high_e12 / E12 == pytest.approx(1 - TAIL ** (1 / loans), rel=1e-11)
        assert every.high_e12 == E12
        assert every.low_e12 / E12 == pytest.approx(TAIL ** (1 / loans), rel=1e-11)


def test_intervals_at_published_values():
    """Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    rows = [
        (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
        (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
        (0, 20, (0.0000, 0.1611), (0.0000, 0.1684)),
        (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
    ]
    for defaults, loans, score, exact in rows:
        for got, expected in ((wilson(defaults, loans), score), (clopper_pearson(defaults, loans), exact)):
            assert round(got.low_e12 / E12, 4) == expected[0]
            assert round(got.high_e12 / E12, 4) == expected[1]


def _tail_exactly(count, loans, p):
    return sum(math.comb(loans, k) * p**k * (1 - p) ** (loans - k) for k in range(count, loans + 1))


def test_binomial_tails_against_exact_fractions():
    rng = random.Random(9)
    for _ in range(60):
        loans = rng.randint(1, 80)
        count, p = rng.randint(0, loans), Fraction(rng.randint(1, 99), 100)
        assert at_least(count, loans, float(p)) == pytest.approx(float(_tail_exactly(count, loans, p)), rel=1e-11)
    assert (at_least(0, 5, 0.0), at_least(1, 5, 0.0), at_least(5, 5, 1.0), at_least(6, 5, 0.5)) == (1, 0, 1, 0)


def test_the_exact_interval_covers_what_it_says():
    """For every rate the chance that the interval holds it is at least 95 %; Wilson's falls below somewhere."""
    loans = 40
    exact = [clopper_pearson(k, loans) for k in range(loans + 1)]
    score = [wilson(k, loans) for k in range(loans + 1)]
    worst = 1.0
    for step in range(1, 200):
        p = Fraction(step, 200)
        chances = [float(math.comb(loans, k) * p**k * (1 - p) ** (loans - k)) for k in range(loans + 1)]
        covered = [
            sum(c for c, i in zip(chances, each, strict=True) if i.low_e12 <= p * E12 <= i.high_e12)
            for each in (exact, score)
        ]
        assert covered[0] >= 0.95 - 1e-12
        worst = min(worst, covered[1])
    assert 0.8 < worst < 0.95


def test_intervals_narrow_with_loans_and_widen_with_confidence():
    last = E12
    for loans in (20, 200, 2000, 200_000):
        for got in (wilson(loans // 20, loans), clopper_pearson(loans // 20, loans)):
            assert got.low_e12 < got.rate_e12 == E12 // 20 < got.high_e12
        width = got.high_e12 - got.low_e12
        assert width < last
        last = width
        assert clopper_pearson(loans // 20, loans, 99 * E12 // 100).high_e12 > got.high_e12


def test_worse_grades_do_not_default_less():
    assert monotone([(1, 100), (3, 100), (1, 100), (9, 100)]) == [10**10, 2 * 10**10, 2 * 10**10, 9 * 10**10]
    assert monotone([(5, 10), (4, 10), (3, 10)]) == [4 * 10**11] * 3
    rng = random.Random(10)
    for _ in range(100):
        counts = [(rng.randint(0, 20), rng.randint(20, 40)) for _ in range(rng.randint(1, 9))]
        rates = monotone(counts)
        assert rates == sorted(rates)
        total = sum(rate * loans for rate, (_, loans) in zip(rates, counts, strict=True)) / E12
        assert total == pytest.approx(sum(defaults for defaults, _ in counts), rel=1e-9, abs=1e-9)


def test_a_lifetime_rate_by_the_year():
    assert annual_pd_e12(10**11, 12) == 10**11
    assert annual_pd_e12(E12 * 271 // 1000, 36) == 10**11
    assert (annual_pd_e12(0, 60), annual_pd_e12(E12, 60)) == (0, E12)


def test_counts_that_cannot_be_are_refused():
    for call in (
        lambda: wilson(5, 4),
        lambda: wilson(-1, 4),
        lambda: clopper_pearson(0, 0),
        lambda: wilson(1, 2, E12),
        lambda: annual_pd_e12(1, 0),
    ):
        with pytest.raises(AssetError, match="is outside"):
            call()
    with pytest.raises(AssetError, match=r"grades \['B'\] are counted or ordered alone"):
        grade_rates({"A": (1, 2)}, ["A", "B"])


# --- real loans -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tape():
    path = shared_path("data", "rwa", "modeldata_lending_club.csv.xz")
    with lzma.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_default_rates_of_lending_club(tape):
    loans = Counter(row["sub_grade"][0] for row in tape)
    bad = Counter(row["sub_grade"][0] for row in tape if row["Class"] == "bad")
    assert sum(loans.values()) == 9857
    rates = grade_rates({grade: (bad[grade], loans[grade]) for grade in loans}, "ABCDEFG")
    assert sum(each.defaults for each in rates) == sum(bad.values())
    for each in rates:
        assert each.exact.low_e12 <= each.wilson.rate_e12 <= each.exact.high_e12
        assert each.exact.low_e12 <= each.wilson.low_e12 or each.defaults == 0
    # Best and worst differ beyond doubt; and grades order the whole tape.
    assert rates[0].exact.high_e12 < rates[-1].exact.low_e12
    smooth = [each.smooth_e12 for each in rates]
    assert smooth == sorted(smooth)
    assert smooth[0] < smooth[-1] / 5


def test_a_real_tape_on_a_real_yield(tape):
    """Every loan as if made today, with the PD of its own grade: worth less than it lends, and more than its worst."""
    yields = shared_path("data", "rwa", "treasury", "data", "monthly.csv").read_text().split()
    day, rate = yields[-1].split(",")
    curve = flat_bond_equivalent(round(float(rate) * E12 / 100), date.fromisoformat(day))
    assert 0 < curve.zero(1.0) < float(rate) / 100
    loans = Counter(row["sub_grade"][0] for row in tape)
    bad = Counter(row["sub_grade"][0] for row in tape if row["Class"] == "bad")
    rates = {each.grade: each for each in grade_rates({g: (bad[g], loans[g]) for g in loans}, "ABCDEFG")}
    terms = {
        grade: Terms(pd_e12=each.exact.high_e12, lgd_e12=E12 * 9 // 10, spread_e12=E12 // 20, lag_months=6)
        for grade, each in rates.items()
    }
    assets = []
    for row in tape:
        amount, grade = int(row["funded_amnt"]) * MICRO, row["sub_grade"][0]
        position = amortising(amount, round(float(row["int_rate"]) * E12 / 100), int(row["term"].removeprefix("term_")))
        assets.append(
            Asset(
                asset_id=row["rownames"],
                kind=AssetKind.AMORTISING,
                obligor=row["rownames"],
                group=grade,
                position=position,
                terms=terms[grade],
                owed_micro=amount,
            )
        )
    holdings = Holdings.of(assets)
    assert len(holdings.portfolio.terms) == 7
    valuation = value(holdings, curve)
    low, mid, high = (valuation.total_micro(band) for band in Band)
    lent = int(holdings.owed_micro.sum())
    assert low < mid <= high <= lent
    assert 0.6 * lent < low
