"""Helpers of the asset tests: published vectors, QuantLib, random assets."""

from __future__ import annotations

import json
import random
import warnings
from datetime import date
from typing import Any

import pytest

from parbook.assets.curve import ZeroCurve
from parbook.assets.kinds import Dated, Flow, Monthly, Position, amortising, bullet, invoice, lease, revolving
from parbook.assets.reference_value import level_payment
from parbook.assets.terms import Terms
from parbook.pools.amounts import E12, MICRO
from tests.support.shared import shared_path

AS_OF = date(2026, 1, 15)


def vectors(name: str) -> Any:
    """Return a file of published numbers; skip when it is absent."""
    return json.loads(shared_path("vectors", f"{name}.json").read_text())


def quantlib() -> Any:
    """Return QuantLib, evaluated at AS_OF; skip without it."""
    with warnings.catch_warnings():
        # SWIG's own types lack a __module__.
        warnings.simplefilter("ignore", DeprecationWarning)
        ql = pytest.importorskip("QuantLib")
    ql.Settings.instance().evaluationDate = ql.Date(AS_OF.day, AS_OF.month, AS_OF.year)
    return ql


def ql_date(ql: Any, day: date) -> Any:
    return ql.Date(day.day, day.month, day.year)


def py_date(day: Any) -> date:
    return date(day.year(), day.month(), day.dayOfMonth())


def e12(value: object) -> int:
    """Return a rate written as text or float in 1e-12."""
    return round(float(str(value)) * E12)


def random_terms(rng: random.Random) -> Terms:
    return Terms(
        pd_e12=rng.choice([0, 1000, rng.randrange(10**11), rng.randrange(E12), E12]),
        lgd_e12=rng.randrange(E12 + 1),
        cpr_e12=rng.choice([0, rng.randrange(5 * 10**11)]),
        spread_e12=rng.randrange(2 * 10**11),
        lag_months=rng.choice([0, 6, rng.randrange(37)]),
        hazard_e12=tuple(rng.randrange(3 * E12) for _ in range(rng.choice([0, 0, 12, 40]))),
    )


def random_monthly(rng: random.Random) -> Monthly:
    balance, months = (
        rng.randrange(1, 10**13),
        rng.choice([rng.randint(1, 72), rng.randint(1, 72), rng.randint(1, 600)]),
    )
    # From nothing to 1000 % a year: a balance that is rolled forward would lose every digit.
    rate = rng.choice([0, 1, rng.randrange(4 * 10**11), rng.randrange(4 * 10**11), rng.randrange(10 * E12)])
    match rng.randrange(6):
        case 0 | 1:
            return amortising(balance, rate, months, payment_micro=_payment(rng, balance, rate, months))
        case 2:
            return amortising(balance, rate, months, linear=True)
        case 3:
            return bullet(balance, rate, months)
        case 4:
            return revolving(balance, rng.randrange(balance + 1), rate, rng.randrange(5 * 10**10), months)
    growth = rng.randrange(-(10**11), 10**11)
    rent, reversion = rng.randrange(10**10), rng.choice([0, balance])
    return lease(rent, rng.randrange(E12 + 1), months, growth_e12=growth, reversion_micro=reversion)


def _payment(rng: random.Random, balance: int, rate: int, months: int) -> int:
    """Return 0, or a payment between the interest and what repays: the rest is a balloon."""
    least, most = balance * rate // (12 * E12) + 1, level_payment(balance, rate / E12 / 12, months)
    return rng.randint(least, int(most)) if least <= int(most) and rng.random() < 0.4 else 0


def random_dated(rng: random.Random) -> Dated:
    if rng.random() < 0.4:
        return invoice(rng.randrange(1, 10**12), rng.randrange(10**11), rng.randint(-5, 200))
    days = sorted(rng.sample(range(1500), rng.randint(1, 20)))
    part = rng.randrange(1, 10**10)
    flows = tuple(Flow(day, rng.uniform(0, 1e9), part, rng.choice([E12, rng.randrange(E12)])) for day in days)
    return Dated(flows=flows, balance_micro=part * len(flows))


def random_assets(rng: random.Random, count: int) -> list[tuple[Position, Terms]]:
    table = [random_terms(rng) for _ in range(5)]
    return [(random_monthly(rng) if rng.random() < 0.7 else random_dated(rng), rng.choice(table)) for _ in range(count)]


def random_curve(rng: random.Random) -> ZeroCurve:
    days = tuple(sorted(rng.sample(range(3000), rng.randint(1, 8))))
    rates = tuple(rng.randrange(-(10**10), 10**11) for _ in days)
    return ZeroCurve(days=days, zero_e12=rates, interpolation=rng.choice(["linear", "loglinear"]))


def units(micro: float) -> float:
    """Return micro in units of money."""
    return micro / MICRO
