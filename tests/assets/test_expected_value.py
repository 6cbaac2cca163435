"""The expected value: published numbers, and the kernel against its reference."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from parbook._value import joint_defaults, quantised
from parbook.assets.curve import ZeroCurve, flat_annual
from parbook.assets.kinds import (
    Dated,
    Flow,
    Monthly,
    Repayment,
    amortising,
    bullet,
    deliveries,
    invoice,
    lease,
    perpetuity_micro,
    revolving,
)
from parbook.assets.portfolio import Portfolio
from parbook.assets.reference_value import (
    bivariate_normal,
    expected_value,
    fair_value_micro,
    hazard_part,
    joint_default,
    level_payment,
    monthly_flows,
)
from parbook.assets.terms import Terms, yearly_default
from parbook.errors import AssetError, MisuseError
from parbook.pools.amounts import E12, MICRO, Rounding
from tests.assets.support import e12, quantlib, random_assets, random_curve, random_terms, units, vectors

FLAT = flat_annual(e12("0.11"))
NO_RISK = Terms(pd_e12=0, lgd_e12=0)


def kernel(position, terms, curve=FLAT):
    return float(Portfolio.of([(position, terms)]).expected_values(curve)[0])


# --- published ----------------------------------------------------------------------------------


def test_every_published_expected_value():
    rows = vectors("own_formulas")["expected_value"]
    for row in rows:
        given, out = row["inputs"], row["out"]
        balance = int(given["balance"]) * MICRO
        build = amortising if given["kind"] == "level" else bullet
        position = build(balance, e12(given["rate"]), given["months"])
        terms = Terms(
            pd_e12=e12(given["pd"]), lgd_e12=e12(given["lgd"]), cpr_e12=e12(given["cpr"]), lag_months=given["lag"]
        )
        curve = flat_annual(e12(given["discount"]))
        for value in (expected_value(position, terms, curve), kernel(position, terms, curve)):
            assert units(value) == pytest.approx(float(out["ev"]), rel=2e-12), row["id"]
        riskless = expected_value(position, NO_RISK, curve)
        assert units(riskless) == pytest.approx(float(out["riskless"]), rel=2e-12)
        _check_flows(position, terms, given, out)
    assert len(rows) == 8


def _check_flows(position, terms, given, out):
    flows = monthly_flows(position, terms)
    sums = {
        "defaults": [flow.defaulted for flow in flows],
        "interest": [flow.interest for flow in flows],
        "sched_principal": [flow.scheduled for flow in flows],
        "prepaid": [flow.prepaid for flow in flows],
        "recovered": [flow.recovered for flow in flows],
    }
    for name, amounts in sums.items():
        assert units(math.fsum(amounts)) == pytest.approx(float(out[name]), rel=1e-11, abs=2e-12), name
    conserved = sum(math.fsum(sums[name]) for name in ("defaults", "sched_principal", "prepaid"))
    assert units(conserved) == pytest.approx(float(out["conservation"]), rel=1e-13)
    by_month: dict[int, float] = {}
    for k, flow in enumerate(flows, 1):
        by_month[k] = by_month.get(k, 0) + flow.paid
        late = k + given["lag"]
        by_month[late] = by_month.get(late, 0) + flow.recovered
    assert {str(k) for k in by_month} == set(out["flows"])
    for k, amount in by_month.items():
        assert units(amount) == pytest.approx(float(out["flows"][str(k)]), abs=6e-11)
    if given["kind"] == "level":
        payment = level_payment(position.balance_micro, position.rate_e12 / E12 / 12, position.months)
        assert units(payment) == pytest.approx(float(out["payment"]), rel=1e-13)


def test_every_published_rate_conversion():
    rows = vectors("rate_conversions")["cases"]
    for row in rows:
        assert hazard_part(row["annual"], 1 / 12) == pytest.approx(row["monthly_smm"], rel=1e-14)
        assert hazard_part(row["annual"], 1 / 365) == pytest.approx(row["daily"], rel=1e-12)
        for days, expected in row["by_days"].items():
            assert hazard_part(row["annual"], int(days) / 365) == pytest.approx(expected, rel=1e-13)
        assert -math.log1p(-row["annual"]) == pytest.approx(row["hazard"], rel=1e-15)
    assert len(rows) == 4


# --- the kernel against the reference -------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_the_kernel_equals_plain_python(seed):
    rng = random.Random(seed)
    assets, curve = random_assets(rng, 120), random_curve(rng)
    values = Portfolio.of(assets).expected_values(curve)
    for n, (position, terms) in enumerate(assets):
        expected = expected_value(position, terms, curve)
        assert values[n] == pytest.approx(expected, rel=1e-12, abs=1e-3), (n, position, terms)


def test_loans_abreast_do_not_mix():
    """Thirty-five loans of one run: two full blocks and a rest, each as if it were alone."""
    terms = Terms(pd_e12=e12("0.1"), lgd_e12=e12("0.5"), cpr_e12=e12("0.1"), spread_e12=e12("0.03"), lag_months=7)
    assets = [(amortising(10**9 + n * 7, e12("0.1") + n * 10**9, 24), terms) for n in range(35)]
    together = Portfolio.of(assets).expected_values(FLAT)
    alone = [kernel(position, terms) for position, _ in assets]
    assert together.tolist() == alone


@pytest.mark.parametrize("rounding", list(Rounding))
def test_quantised_values_are_equal_unless_a_boundary_lies_between(rounding):
    """The rule: kernel and reference differ by at most 1e-12 of the value, hence in the quantised value only where a
    rounding boundary lies that close, and then by one micro."""
    rng = random.Random(99)
    assets, curve = random_assets(rng, 600), random_curve(rng)
    kernel_micro = quantised(Portfolio.of(assets).expected_values(curve), int(rounding))
    equal = 0
    for n, (position, terms) in enumerate(assets):
        ev = expected_value(position, terms, curve)
        exact = fair_value_micro(ev, 2**62, E12, rounding)
        shifted = ev + (0.5 if rounding is Rounding.NEAREST else 0.0)
        near = abs(shifted - round(shifted)) <= 1e-12 * abs(ev) + 1e-3
        assert abs(int(kernel_micro[n]) - exact) <= (1 if near else 0), (n, ev)
        equal += int(kernel_micro[n]) == exact
    assert equal > 550


def test_quantising_rounds_as_named():
    values = np.array([1.5, 2.5, -1.5, 2.25, 2.0])
    assert quantised(values, Rounding.FLOOR).tolist() == [1, 2, -2, 2, 2]
    assert quantised(values, Rounding.CEIL).tolist() == [2, 3, -1, 3, 2]
    assert quantised(values, Rounding.NEAREST).tolist() == [2, 2, -2, 2, 2]
    for bad in (math.nan, math.inf, 1e19):
        with pytest.raises(MisuseError, match="63 bits"):
            quantised(np.array([bad]), 0)
    with pytest.raises(MisuseError, match="no such rounding"):
        quantised(values, 3)


# --- kinds --------------------------------------------------------------------------------------


def test_a_loan_at_its_own_rate_is_worth_its_balance():
    rate = math.log1p(0.12 / 12) * 12
    curve = ZeroCurve(days=(0,), zero_e12=(round(rate * E12),))
    for linear in (False, True):
        assert kernel(amortising(10**12, e12("0.12"), 37, linear=linear), NO_RISK, curve) == pytest.approx(10**12)
    assert kernel(bullet(10**12, e12("0.12"), 37), NO_RISK, curve) == pytest.approx(10**12)


def test_a_balloon_is_due_with_the_last_payment():
    """The payments of a 30-year loan for three years, then the rest: the level formula says how much is left."""
    rate, payment = 0.09 / 12, level_payment(10**12, 0.09 / 12, 360)
    position = amortising(10**12, e12("0.09"), 36, payment_micro=round(payment))
    flows = monthly_flows(position, NO_RISK)
    left = 10**12 * (1 + rate) ** 35 - payment * ((1 + rate) ** 35 - 1) / rate
    assert flows[-1].scheduled == pytest.approx(left, rel=1e-9)
    assert kernel(position, NO_RISK) == pytest.approx(expected_value(position, NO_RISK, FLAT), rel=1e-13)


def test_a_long_dear_loan_keeps_its_digits():
    """Fifty years at 60 %: rolled forward, the balance would be off by its own size times ten to the fourteenth."""
    from decimal import Decimal, getcontext

    getcontext().prec = 60
    balance, rate, months = Decimal(10**12), Decimal("0.05"), 600
    growth = 1 + rate
    payment = balance * rate / (1 - growth**-months)
    terms = Terms(pd_e12=e12("0.1"), lgd_e12=e12("0.5"), lag_months=6)
    m, alive, value = 1 - Decimal("0.9") ** (Decimal(1) / 12), Decimal(1), Decimal(0)
    discount = Decimal(FLAT.zero_e12[0]) / 10**12
    for k in range(1, months + 1):
        principal = payment - balance * rate
        df, late = ((-discount * t / 12).exp() for t in (k, k + 6))
        value += df * alive * (1 - m) * payment + late * alive * m * balance / 2
        alive *= 1 - m
        balance -= principal
    position = amortising(10**12, e12("0.6"), months)
    assert expected_value(position, terms, FLAT) == pytest.approx(float(value), rel=1e-13)
    assert kernel(position, terms) == pytest.approx(float(value), rel=1e-13)


def test_the_undrawn_part_of_a_line_is_worth_its_fees():
    terms = Terms(pd_e12=e12("0.05"), lgd_e12=e12("0.4"))
    drawn = kernel(bullet(10**11, e12("0.1"), 24), terms)
    line = kernel(revolving(10**11, 6 * 10**10, e12("0.1"), e12("0.012"), 24), terms)
    fee = 6 * 10**10 * 0.012 / 12
    stay = 0.95 ** (1 / 12)
    fees = sum(fee * stay**k * 1.11 ** (-k / 12) for k in range(1, 25))
    assert line - drawn == pytest.approx(fees, rel=1e-9)


def test_rent_grows_by_the_year_and_the_reversion_comes_last():
    position = lease(10**9, e12("0.9"), 30, growth_e12=e12("0.05"), reversion_micro=10**11)
    by_hand = sum(0.9e9 * 1.05 ** ((k - 1) // 12) * 1.11 ** (-k / 12) for k in range(1, 31)) + 1e11 * 1.11**-2.5
    assert kernel(position, NO_RISK) == pytest.approx(by_hand, rel=1e-11)


def test_a_long_lease_approaches_the_perpetuity():
    yearly = 12 * 10**9
    rate = 12 * ((1.11) ** (1 / 12) - 1)
    forever = perpetuity_micro(yearly, e12(rate))
    assert kernel(lease(10**9, E12, 1200), NO_RISK) == pytest.approx(forever, rel=1e-4)
    assert perpetuity_micro(100, e12("0.07"), e12("0.04")) == 3333
    with pytest.raises(AssetError, match="is not above the growth"):
        perpetuity_micro(100, e12("0.04"), e12("0.04"))


def test_an_invoice_is_its_diluted_face_once():
    terms = Terms(pd_e12=e12("0.08"), lgd_e12=e12("0.7"), spread_e12=e12("0.02"), lag_months=6)
    position = invoice(10**9 + 1, e12("0.03"), 60)
    assert position.balance_micro == 970_000_000
    m = 1 - 0.92 ** (60 / 365)
    df, late = (math.exp(-(math.log(1.11) + 0.02) * t / 365) for t in (60, 60 + 183))
    assert terms.lag_days == 183
    assert kernel(position, terms) == pytest.approx(9.7e8 * (df * (1 - m) + late * m * 0.3), rel=1e-11)
    assert invoice(10**9, 0, -12).flows[0].day == 0


def test_what_is_not_delivered_is_one_flow_lost():
    rows = [(30, 500 * 10**6, 40 * MICRO, 30 * MICRO, e12("0.9")), (60, 500 * 10**6, 20 * MICRO, 30 * MICRO, E12)]
    value = kernel(deliveries(rows), NO_RISK)
    assert units(value) == pytest.approx(5000 * 0.9 * 1.11 ** (-30 / 365) - 5000 * 1.11 ** (-60 / 365), rel=1e-11)


def test_a_term_structure_of_default_by_year():
    base, multiples = yearly_default((e12("0.02"), e12("0.05"), e12("0.01")))
    terms = Terms(pd_e12=base, lgd_e12=E12, hazard_e12=multiples)
    flows = monthly_flows(bullet(10**12, 0, 60), terms)
    alive = 1 - math.fsum(flow.defaulted for flow in flows[:24]) / 1e12
    assert alive == pytest.approx(0.98 * 0.95, rel=1e-11)
    assert 1 - math.fsum(flow.defaulted for flow in flows) / 1e12 == pytest.approx(0.98 * 0.95 * 0.99**3, rel=1e-11)


# --- joint default --------------------------------------------------------------------------------


def test_joint_defaults_at_known_points():
    for rho in (-0.9, -0.3, 0.0, 0.5, 0.999):
        assert bivariate_normal(0, 0, rho) == pytest.approx(0.25 + math.asin(rho) / (2 * math.pi), abs=1e-16)
    for p, q in ((0.1, 0.02), (0.5, 0.7), (1e-6, 1e-4)):
        assert joint_default(p, q, 0.0) == pytest.approx(p * q, rel=1e-13)
        assert joint_default(p, q, 1.0) == pytest.approx(min(p, q), rel=1e-13)
        assert joint_default(p, q, -1.0) == pytest.approx(max(p + q - 1, 0), abs=1e-15)
        assert joint_default(p, 1.0, 0.3) == p
        assert joint_default(p, 0.0, 0.3) == 0


def test_joint_defaults_against_quantlib():
    ql = quantlib()
    rng = random.Random(5)
    for _ in range(300):
        h, k, rho = rng.uniform(-5, 5), rng.uniform(-5, 5), rng.choice([-1, 1]) * (1 - 10 ** rng.uniform(-6, 0))
        theirs = ql.BivariateCumulativeNormalDistributionWe04DP(rho)(h, k)
        assert bivariate_normal(h, k, rho) == pytest.approx(theirs, abs=2e-14)


def test_joint_defaults_of_the_kernel_equal_those_of_plain_python():
    rng = np.random.default_rng(6)
    p, q = 10 ** rng.uniform(-9, 0, 400), 10 ** rng.uniform(-9, 0, 400)
    rho = np.concatenate([rng.uniform(-1, 1, 390), [-1, 1, 0, 1 - 1e-12, 1e-12 - 1] * 2])
    both = joint_defaults(p, q, rho)
    for n in range(400):
        expected = joint_default(p[n], q[n], rho[n])
        assert both[n] == pytest.approx(expected, rel=1e-12, abs=1e-17), (p[n], q[n], rho[n])


def test_recourse_is_never_the_product_and_always_helps():
    rng = np.random.default_rng(7)
    p, q, rho = rng.uniform(0, 1, 500), rng.uniform(0, 1, 500), rng.uniform(0.01, 0.999, 500)
    both = joint_defaults(p, q, rho)
    assert (both >= p * q).all()
    assert (both <= np.minimum(p, q)).all()
    assert (joint_defaults(p, q, -rho) <= p * q).all()
    more = joint_defaults(p, q, np.minimum(rho + 0.05, 1))
    assert (more >= both - 1e-15).all()

    bare = Terms(pd_e12=e12("0.2"), lgd_e12=e12("0.8"), lag_months=3)
    backed = Terms(
        pd_e12=e12("0.2"), lgd_e12=e12("0.8"), lag_months=3, seller_pd_e12=e12("0.1"), correlation_e12=e12("0.3")
    )
    position = invoice(10**10, 0, 90)
    assert kernel(position, bare) < kernel(position, backed)
    assert kernel(position, backed) == pytest.approx(expected_value(position, backed, FLAT), rel=1e-13)


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: bullet(-1, 0, 12), "balance_micro=-1 is outside"),
        (lambda: bullet(2**53 + 1, 0, 12), "balance_micro=9007199254740993 is outside"),
        (lambda: bullet(True, 0, 12), "balance_micro=True is a bool"),
        (lambda: bullet(1, 0.1, 12), "rate_e12=0.1 is a float"),
        (lambda: bullet(1, 0, 0), "months=0 is outside 1..1200"),
        (lambda: amortising(10**9, e12("0.12"), 12, payment_micro=10**6), "does not cover the first month's interest"),
        (lambda: amortising(10**9, e12("0.12"), 12, payment_micro=10**9), "before 12 months"),
        (lambda: Monthly(repayment=Repayment.BULLET, balance_micro=1, months=2, payment_micro=1), "only level"),
        (lambda: Monthly(repayment=Repayment.BULLET, balance_micro=1, months=2, income_micro=math.nan), "income_micro"),
        (lambda: Dated(flows=()), "it has no flow"),
        (lambda: Dated(flows=(Flow(5, 1.0, 0.0), Flow(4, 1.0, 0.0))), "flow 2: day=4 is outside 5"),
        (lambda: Dated(flows=(Flow(5, math.nan, 0.0),)), "interest_micro=nan"),
        (lambda: Terms(pd_e12=E12 + 1, lgd_e12=0), "pd_e12=1000000000001 is outside"),
        (lambda: Terms(pd_e12=0, lgd_e12=0, hazard_e12=(-1,)), r"hazard_e12\[0\]=-1"),
        (lambda: Terms(pd_e12=0, lgd_e12=0, correlation_e12=2 * E12), "correlation_e12"),
        (lambda: yearly_default((0, 1)), "first year's PD is 0"),
        (lambda: ZeroCurve(days=(), zero_e12=()), "0 days and 0 rates"),
        (lambda: ZeroCurve(days=(5, 5), zero_e12=(1, 1)), "day 5 does not follow day 5"),
        (lambda: FLAT.discount(-1), "asked for -1 years"),
        (lambda: deliveries([(1, -1, 0, 0, 0)]), "delivery 1: quantity_e6=-1"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(make, says):
    with pytest.raises(AssetError, match=says) as caught:
        make()
    assert caught.value.remedy.endswith(".")


def test_recourse_on_several_flows_is_refused():
    backed = Terms(pd_e12=0, lgd_e12=0, seller_pd_e12=0)
    several = Dated(flows=(Flow(1, 1.0, 1.0), Flow(2, 1.0, 1.0)), balance_micro=2)
    for position in (several, bullet(1, 0, 1)):
        with pytest.raises(AssetError, match="recourse to a seller"):
            Portfolio.of([(position, backed)])


@pytest.mark.parametrize("seed", range(4))
def test_a_loan_is_worth_the_same_whatever_lies_beside_it(seed):
    """Runs of equal terms and months of every length, in any order, against each loan valued by itself; and `out`."""
    from parbook._value import Model, monthly_values
    from parbook.assets.portfolio import MonthlyColumns, terms_columns

    rng = np.random.default_rng(seed)
    lengths = rng.choice([1, 2, 15, 16, 17, 31, 32, 33, 64, 70], 40)
    count = int(lengths.sum())

    def runs(low: int, high: int, kind: type) -> np.ndarray:
        return np.repeat(rng.integers(low, high, len(lengths)), rng.permutation(lengths)).astype(kind)

    loans = MonthlyColumns(
        terms=runs(0, 3, np.int32),
        repayment=runs(0, 3, np.uint8),
        months=runs(1, 5, np.int32),
        balance_micro=rng.integers(1, 10**10, count),
        rate_e12=rng.integers(0, 3 * 10**11, count),
        payment_micro=rng.uniform(0, 10**9, count),
        balloon_micro=rng.uniform(0, 10**9, count),
        income_micro=np.where(rng.random(count) < 0.02, 10.0**8, 0.0),
        growth_e12=rng.integers(0, 10**11, count),
    )
    model = Model(terms_columns([random_terms(random.Random(seed + n)) for n in range(3)]))
    discount = np.exp(-0.004 * np.arange(80 + model.lag_months_max))
    alone = [
        monthly_values(MonthlyColumns(*(column[n : n + 1] for column in loans)), model, discount) for n in range(count)
    ]
    together = monthly_values(loans, model, discount)
    assert together.tobytes() == np.concatenate(alone).tobytes()
    out = np.empty(count)
    assert monthly_values(loans, model, discount, out) is out
    assert out.tobytes() == together.tobytes()
    with pytest.raises(MisuseError, match="out and the columns"):
        monthly_values(loans, model, discount, out[1:])


def test_the_kernel_refuses_columns_that_disagree():
    from parbook._value import Model, monthly_values
    from parbook.assets.portfolio import terms_columns

    rng = random.Random(1)
    terms = random_terms(rng)
    portfolio = Portfolio.of([(bullet(10, 0, 12), terms)])
    model = Model(terms_columns([terms]))
    with pytest.raises(MisuseError, match="end too early"):
        monthly_values(portfolio.monthly, model, np.ones(12))
    with pytest.raises(MisuseError, match="out of range"):
        monthly_values(portfolio.monthly._replace(terms=np.array([1], np.int32)), model, np.ones(99))
    with pytest.raises(MisuseError, match="differ in length"):
        monthly_values(portfolio.monthly._replace(terms=np.array([], np.int32)), model, np.ones(99))
    assert (model.count, model.lag_months_max) == (1, terms.lag_months)
