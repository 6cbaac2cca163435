"""The payment function of redemptions: published points, and what holds at every point."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from parbook.anchored.redemption_curve import anchor_micro, marginal_e12, paid_micro, shape_of
from parbook.anchored.terms import CurveTerms
from parbook.pools.amounts import E12
from tests.anchored.support import scaled, vectors

ONE = 10**18


def of_row(row):
    names = {"par_e12": "xuBar", "slope_e12": "alphaBar", "floor_e12": "thetaBar"}
    return CurveTerms(**{name: scaled(row["params"][there], E12) for name, there in names.items()})


def test_every_published_redemption():
    """13 cases on a supply of 1e18: within 1 of what the integer port pays, from the anchor and from the state."""
    rows = vectors("gyroscope_pamm")["cases"]
    assert len(rows) == 13
    for row in rows:
        curve, backing = of_row(row), scaled(row["anchor"]["ba"], ONE)
        x, more = scaled(row["x"], ONE), scaled(row["redeem"], ONE)
        published = int(row["redeemAmount_integer_port"])
        pays = paid_micro(curve, backing, ONE, x + more) - paid_micro(curve, backing, ONE, x)
        assert abs(pays - published) <= 1, row
        held, supply = int(row["state_18dec"]["b"]), int(row["state_18dec"]["y"])
        # The text of one x has 16 digits: its state is that of a neighbour.
        found = anchor_micro(curve, held, supply, x)
        again = paid_micro(curve, found, supply + x, x + more) - paid_micro(curve, found, supply + x, x)
        assert abs(again - published) <= 2, row
        assert abs(marginal_e12(curve, backing, ONE, x) - scaled(row["marginal_before"], E12)) <= 1
        assert abs(marginal_e12(curve, backing, ONE, x + more) - scaled(row["marginal_after"], E12)) <= 1


def test_every_published_shape():
    for row in vectors("gyroscope_pamm")["cases"]:
        shape = shape_of(of_row(row), scaled(row["anchor"]["ba"], ONE), ONE)
        derived = {name: int(text) for name, text in row["derived_18dec"].items()}
        assert abs(ONE * shape.slope_over // shape.slope_under - derived["alpha"]) <= 1
        assert abs((shape.par >> 96) - derived["xu"]) <= 1
        assert abs((shape.par + shape.width >> 96) - derived["xl"]) <= 1


def test_every_published_edge():
    rows = vectors("gyroscope_pamm")["edges"]
    assert len(rows) == 4
    for row in rows:
        pays = paid_micro(of_row(row), int(row["b"]), int(row["y"]), int(row["redeem"]))
        # Where the ratio exceeds 1 the anchor is par as well.
        assert pays == int(row["out"]), row["case"]


def random_curve(rng):
    curve = CurveTerms(
        par_e12=rng.choice([0, E12, rng.randrange(E12)]),
        slope_e12=rng.choice([1, E12, rng.randrange(1, 20 * E12)]),
        floor_e12=rng.choice([0, E12 - 1, rng.randrange(E12)]),
    )
    supply = rng.choice([1, 7, 10**6, rng.randrange(1, 10**9), rng.randrange(1, 2**62)])
    near = supply * curve.floor_e12 // E12
    backing = rng.choice([rng.randrange(supply + 1), min(supply, near + rng.randrange(3)), max(supply - 1, 0), supply])
    return curve, backing, supply


@pytest.mark.parametrize("seed", range(4))
def test_payments_are_par_at_most_fall_and_leave_the_last_one_paid(seed):
    rng = random.Random(seed)
    for _ in range(400):
        curve, backing, supply = random_curve(rng)
        points = sorted({0, supply, *(rng.randrange(supply + 1) for _ in range(8))})
        paid = [paid_micro(curve, backing, supply, x) for x in points]
        prices = [marginal_e12(curve, backing, supply, x) for x in points]
        assert paid[0] == 0
        # All of the backing but two micro, and never more, when everybody has left.
        assert backing - 2 <= paid[-1] <= backing
        for n in range(1, len(points)):
            more = points[n] - points[n - 1]
            assert 0 <= paid[n] - paid[n - 1] <= more
            # Prices fall, and everybody who stays can be paid the lowest of them.
            assert prices[n] <= prices[n - 1]
            assert (backing - paid[n]) * E12 >= (supply - points[n]) * (prices[-1] - 1)


def exact_lack(curve, backing, supply, shape, x):
    """The integral of 1 - price by fractions, from the thresholds as they are held."""
    par, width = Fraction(shape.par, 2**96), Fraction(shape.width, 2**96)
    slope = Fraction(shape.slope_over, shape.slope_under * supply)
    behind = max(Fraction(x) - par, Fraction(0))
    sloped = min(behind, width)
    return slope * sloped * sloped / 2 + slope * sloped * (behind - sloped)


@pytest.mark.parametrize("seed", range(3))
def test_a_payment_is_the_integral_of_the_price_rounded_down_once(seed):
    rng = random.Random(seed)
    tested = 0
    while tested < 200:
        curve, backing, supply = random_curve(rng)
        if not curve.floor_e12 * supply < backing * E12 < supply * E12:
            continue
        tested += 1
        shape = shape_of(curve, backing, supply)
        for x in (0, supply, rng.randrange(supply + 1)):
            exact = x - exact_lack(curve, backing, supply, shape, x)
            assert paid_micro(curve, backing, supply, x) == exact.numerator // exact.denominator
        # The curve ends where the backing does.
        short = supply - backing - exact_lack(curve, backing, supply, shape, supply)
        assert -1 <= short <= 0


@pytest.mark.parametrize("seed", range(3))
def test_the_anchor_of_a_state_covers_what_the_curve_promises(seed):
    """Going back from a state to its anchor finds the same curve, or one that what is there still covers."""
    rng = random.Random(seed)
    for _ in range(150):
        curve, backing, supply = random_curve(rng)
        if supply < 2:
            continue
        x = rng.randrange(supply)
        left = backing - paid_micro(curve, backing, supply, x)
        found = anchor_micro(curve, left, supply - x, x)
        assert found - paid_micro(curve, found, supply, x) <= left
        assert found >= backing or backing >= supply or found >= backing - 1
        more = rng.randrange(1, supply - x + 1)
        pays = paid_micro(curve, found, supply, x + more) - paid_micro(curve, found, supply, x)
        assert pays <= min(more, left)


def test_par_then_a_slope_then_pro_rata():
    """0.7 of backing for 1: 5 % at par, down to 0.6 at 45 %, and 0.6 for the rest."""
    curve = CurveTerms()
    prices = [marginal_e12(curve, 700_000, 10**6, x * 10**4) // 10**9 for x in (0, 5, 25, 45, 80)]
    assert prices == [1000, 1000, 800, 600, 600]
    assert paid_micro(curve, 700_000, 10**6, 10**6) == 700_000
