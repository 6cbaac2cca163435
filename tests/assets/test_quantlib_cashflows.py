"""Discounted cash flows: QuantLib's published cases, rebuilt from their contracts, to 1e-10."""

from __future__ import annotations

import math
from datetime import date

import pytest

from parbook.assets.analytics import internal_rate, yield_measures
from parbook.assets.calendars import CALENDARS, Convention
from parbook.assets.cashflows import accrued, contract, dated, floating
from parbook.assets.curve import ZeroCurve, flat_annual, from_discounts
from parbook.assets.daycount import DayCount
from parbook.assets.kinds import Dated, Flow, Repayment, deliveries, invoice
from parbook.assets.portfolio import Portfolio
from parbook.assets.reference_value import expected_value
from parbook.assets.schedule import days_from, monthly_dates
from parbook.assets.terms import Terms
from parbook.errors import AssetError
from parbook.pools.amounts import E12, MICRO
from tests.assets.support import AS_OF, e12, units, vectors

NO_RISK = Terms(pd_e12=0, lgd_e12=0)
TOLERANCE = 1e-10


def case(name):
    return next(row for row in vectors("quantlib_cashflow_cases")["cases"] if row["id"] == name)


def curve_of(row):
    curve = row["curve"]
    if curve["type"] == "flat":
        return flat_annual(e12(curve["rate"]), AS_OF)
    dates = [date.fromisoformat(text) for text in curve["dates"]]
    if curve["type"] == "discount_loglinear":
        return from_discounts(AS_OF, dates, curve["dfs"])
    days = tuple(days_from(AS_OF, day) for day in dates)
    return ZeroCurve(days=days, zero_e12=tuple(e12(zero) for zero in curve["zeros"]), as_of=AS_OF)


def agrees(row, position, terms=NO_RISK, curve=None):
    """Reference and kernel give the case's value."""
    curve = curve or curve_of(row)
    for value in (expected_value(position, terms, curve), Portfolio.of([(position, terms)]).expected_values(curve)[0]):
        assert units(float(value)) == pytest.approx(row["npv"], rel=TOLERANCE), row["id"]


def same_flows(row, payments):
    ours = []
    for payment in payments:
        parts = (payment.interest, payment.principal)
        ours += [(str(payment.day), units(part)) for part in parts if part]
    theirs = [tuple(flow) for flow in row["cashflows"]]
    assert [day for day, _ in ours] == [day for day, _ in theirs]
    for (_, amount), (_, expected) in zip(ours, theirs, strict=True):
        assert amount == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("name", ["QL04", "QL05"])
def test_invoices_due_on_a_holiday(name):
    row = case(name)
    given = row["inputs"]
    due = date.fromisoformat(given["due"])
    paid = CALENDARS[given["calendar"]].adjust(due, Convention(given["convention"]))
    assert str(paid) == given["payment_date"]
    agrees(row, invoice(round(given["face"] * MICRO), 0, days_from(AS_OF, paid)))


@pytest.mark.parametrize(("name", "convention"), [("QL06", DayCount.BOND_30_360), ("QL07", DayCount.ACT_360)])
def test_bullets_with_monthly_interest(name, convention):
    row = case(name)
    payments = contract(
        monthly_dates(AS_OF, 12), round(row["inputs"]["face"] * MICRO), e12("0.14"), convention, Repayment.BULLET
    )
    same_flows(row, payments)
    agrees(row, dated(payments, AS_OF))


def test_a_level_loan_over_zeros_and_a_spread():
    row = case("QL10")
    payments = contract(monthly_dates(AS_OF, 18), 60_000 * MICRO, e12("0.18"), DayCount.BOND_30_360, Repayment.LEVEL)
    same_flows(row, payments)
    agrees(row, dated(payments, AS_OF), Terms(pd_e12=0, lgd_e12=0, spread_e12=e12(row["curve"]["spread"])))


def test_equal_principal_over_discount_factors():
    row = case("QL11")
    payments = contract(monthly_dates(AS_OF, 12), 120_000 * MICRO, e12("0.15"), DayCount.ACT_365F, Repayment.LINEAR)
    same_flows(row, payments)
    agrees(row, dated(payments, AS_OF))


def test_a_seasoned_loan():
    row = case("QL13")
    start = date.fromisoformat(row["inputs"]["start"])
    payments = contract(monthly_dates(start, 24), 30_000 * MICRO, e12("0.2"), DayCount.BOND_30_360, Repayment.LEVEL)
    left = [payment for payment in payments if payment.day > AS_OF]
    same_flows(row, left)
    agrees(row, dated(payments, AS_OF))
    earned = units(accrued(payments, AS_OF, DayCount.BOND_30_360))
    assert earned == pytest.approx(row["accrued"], rel=TOLERANCE)
    assert units(left[0].balance) == pytest.approx(row["outstanding"], rel=TOLERANCE)
    assert row["npv"] - earned == pytest.approx(row["clean_value"], rel=TOLERANCE)
    assert accrued(payments, date(2030, 1, 1), DayCount.BOND_30_360) == 0


def test_a_bullet_that_may_default():
    """QuantLib's RiskyBondEngine: recovery of the period's nominal in the period's middle."""
    row = case("QL14")
    given = row["inputs"]
    payments = contract(monthly_dates(AS_OF, 12), 250_000 * MICRO, e12("0.14"), DayCount.BOND_30_360, Repayment.BULLET)
    terms = Terms(pd_e12=e12(given["pd_annual"]), lgd_e12=E12 - e12(given["recovery"]))
    assert -math.log1p(-given["pd_annual"]) == pytest.approx(given["hazard"], rel=1e-15)
    position = dated(payments, AS_OF, recover_midway=True)
    agrees(row, position, terms)
    riskless = units(expected_value(position, NO_RISK, curve_of(row)))
    assert riskless == pytest.approx(row["riskless_npv"], rel=TOLERANCE)
    assert riskless - row["npv"] == pytest.approx(row["expected_loss"], rel=1e-8)


def test_yield_measures():
    row = case("QL19")
    flows = [(days_from(AS_OF, date.fromisoformat(day)) / 365, amount) for day, amount in row["cashflows"]]
    got = yield_measures(flows, 0.145)
    assert got.value == pytest.approx(row["npv"], rel=TOLERANCE)
    assert got.modified == pytest.approx(row["modified_duration"], rel=TOLERANCE)
    assert got.macaulay == pytest.approx(row["macaulay"], rel=TOLERANCE)
    assert got.convexity == pytest.approx(row["convexity"], rel=TOLERANCE)
    assert got.basis_point_value == pytest.approx(row["bpv"], rel=TOLERANCE)
    assert internal_rate(flows, row["npv"]) == pytest.approx(0.145, abs=1e-13)
    with pytest.raises(AssetError, match="no rate in"):
        internal_rate(flows, -1.0)
    with pytest.raises(AssetError, match="worth 0"):
        yield_measures([(1.0, 0.0)], 0.1)


def test_a_strip_of_power():
    row = case("QL22")
    days = [days_from(AS_OF, date.fromisoformat(day)) for day, _ in row["cashflows"]]
    given = row["inputs"]
    rows = [
        (day, mwh * 10**6, round(forward * MICRO), round(given["strike"] * MICRO), E12)
        for day, mwh, forward in zip(days, given["mwh"], given["forward"], strict=True)
    ]
    position = deliveries(rows)
    for flow, (_, amount) in zip(position.flows, row["cashflows"], strict=True):
        assert units(flow.interest_micro) == pytest.approx(amount, rel=1e-12)
    agrees(row, position)


def test_carbon_by_vintage():
    row = case("QL23")
    given = row["inputs"]
    rows = [
        (days_from(AS_OF, date(int(year), 12, 31)), given["tonnes_per_vintage"] * 10**6, 9_500_000, 0, e12(p))
        for year, p in given["delivery_prob"].items()
    ]
    agrees(row, deliveries(rows))


def test_a_floating_bullet():
    row = case("QL24")
    given = row["inputs"]
    curve = curve_of(row)
    payments = floating(
        monthly_dates(AS_OF, 6), round(given["face"] * MICRO), e12(given["margin"]), curve,
        first_fixing_e12=e12(given["first_fixing"]),
    )  # fmt: skip
    same_flows(row, payments)
    agrees(row, dated(payments, AS_OF), Terms(pd_e12=0, lgd_e12=0, spread_e12=e12("0.065")))


def test_every_case_is_tested_here():
    tested = {f"QL{n:02}" for n in (4, 5, 6, 7, 10, 11, 13, 14, 19, 22, 23, 24)}
    assert {row["id"] for row in vectors("quantlib_cashflow_cases")["cases"]} == tested


def test_contracts_that_cannot_be_are_refused():
    with pytest.raises(AssetError, match="1 dates"):
        contract([AS_OF], 1, 0, DayCount.ACT_360, Repayment.LEVEL)
    payments = contract(monthly_dates(AS_OF, 2), 1, 0, DayCount.ACT_360, Repayment.LEVEL)
    with pytest.raises(AssetError, match="nothing is due after 2030-01-01"):
        dated(payments, date(2030, 1, 1))
    with pytest.raises(AssetError, match="no day of valuation"):
        floating(monthly_dates(AS_OF, 2), 1, 0, flat_annual(0), first_fixing_e12=0)
    assert Dated(flows=(Flow(1, 0.0, 1.0),)).balance_micro == 0
