"""What is true: the same formula as the valuation's, what is known when, bands."""

from __future__ import annotations

import math

import pytest

from parbook.assets.curve import ZeroCurve
from parbook.assets.kinds import Dated, Flow
from parbook.assets.reference_value import expected_value
from parbook.assets.terms import Terms as ModelTerms
from parbook.errors import AssetError
from parbook.pools.amounts import E12, MICRO, NANO
from parbook.simulate.credit import HIGH, LOW, MID, Credit, Obligor, Terms, value_of
from parbook.simulate.world import World


@pytest.mark.parametrize("due", [1, 30, 90, 240])
@pytest.mark.parametrize(("pd", "lgd"), [(0.06, 0.45), (0.18, 0.65), (0.9, 1.0)])
def test_a_loan_is_worth_what_the_model_says(due, pd, lgd):
    one = Obligor(number=0, principal_micro=1000 * MICRO, due_day=due, coupon_micro=20 * MICRO)
    flow = Flow(due, 20 * MICRO, 1000 * MICRO, recovery_day=due + 45)
    terms = ModelTerms(pd_e12=int(pd * E12), lgd_e12=int(lgd * E12), spread_e12=9 * E12 // 100)
    curve = ZeroCurve(days=(0,), zero_e12=(0,))
    model = expected_value(Dated(flows=(flow,), balance_micro=1000 * MICRO), terms, curve)
    mine = value_of(one, 0, Terms(pd, lgd, 0.09), 45)
    assert mine == pytest.approx(min(model, 1000 * MICRO), rel=1e-9)


def test_the_shock_is_known_to_who_knows_all_and_to_nobody_before():
    world = World(failing_e12=E12 // 10)
    credit = Credit(world, 3)
    kept = sum(one.principal_micro for one in credit.obligors)
    calm = credit.share(world.shock_day - 0.01, kept)
    assert credit.share(world.shock_day, kept, known_day=world.shock_day - 0.01) == pytest.approx(calm, rel=1e-3)
    assert credit.share(world.shock_day, kept) < 0.97 * calm
    assert any(one.fails_day == world.shock_day for one in credit.obligors)


def test_bands_stand_around_the_middle():
    credit = Credit(World(coupon_e12=0), 1)
    kept = sum(one.principal_micro for one in credit.obligors)
    for day in (0, 10, 60, 110):
        low, mid, high = credit.shares(day, kept)
        assert 0 < low < mid < high <= NANO
        assert (low, mid, high) == tuple(credit.share(day, kept, band) for band in (LOW, MID, HIGH))


def test_what_failed_is_worth_its_recovery_and_nothing_of_the_rest():
    one = Obligor(number=0, principal_micro=1000 * MICRO, due_day=100, coupon_micro=0, fails_day=10, lgd=0.65)
    assert one.recovery_micro == 350 * MICRO
    assert value_of(one, 55, Terms(0.5, 0.1, 0.09), 45) == pytest.approx(350 * MICRO)
    assert value_of(one, 10, Terms(0.5, 0.1, 0.09), 45) < 350 * MICRO
    assert value_of(one, 9, Terms(0.0, 0.1, 0.0), 45) == 1000 * MICRO, "the day before nobody knew"
    stressed = Terms(0.5, 0.1, 0.0).band(LOW)
    assert value_of(one, 55, stressed, 45) == pytest.approx(250 * MICRO), "ten points more are lost"


def test_obligors_fail_about_as_often_as_they_should():
    world = World(loans=4000, failing_e12=E12 // 20)
    fates = [one.fails_day for one in Credit(world, 1).obligors]
    shock = sum(day == world.shock_day for day in fates)
    assert 150 < shock < 250, "5 % of 4000"
    later = sum(world.shock_day < day <= world.due_days_max for day in fates)
    # 18 % a year over 65 days on average, less the first week: about 3 %.
    assert 80 < later < 160


@pytest.mark.parametrize("day", [8, 40, 70])
def test_the_value_of_a_day_is_what_the_loans_that_are_open_then_bring(day):
    """Who has lived until a day fails after it as often as the value of that day says: the mean over many loans."""
    world = World(loans=10_000, coupon_e12=0, failing_e12=0, shock_day=5)
    said = brought = face = 0.0
    for seed in range(6):
        credit = Credit(world, seed)
        for one in credit.obligors:
            if one.due_day <= day or one.fails_day <= day:
                continue
            face += one.principal_micro
            said += value_of(one, day, credit.terms(day), world.recovery_days)
            paid, at = (
                (one.recovery_micro, one.fails_day + world.recovery_days)
                if one.fails
                else (one.principal_micro, one.due_day)
            )
            brought += paid * math.exp(-world.discount_e12 / E12 * (at - day) / 365)
    assert said / face == pytest.approx(brought / face, abs=0.001)


def test_the_same_seed_is_the_same_fate_and_another_is_another():
    assert Credit(World(), 4).obligors == Credit(World(), 4).obligors
    assert Credit(World(), 4).obligors != Credit(World(), 5).obligors


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"size_micro": 1}, "size_micro"),
        ({"loans": 0}, "loans"),
        ({"holders": 10_001}, "holders"),
        ({"horizon_days": 1001}, "horizon_days"),
        ({"due_days_max": 5}, "due_days_max"),
        ({"pd_e12": E12 + 1}, "pd_e12"),
        ({"noise_ppm": 100_001}, "noise_ppm"),
        ({"curve_drop_ppm": 0}, "curve_drop_ppm"),
        ({"market_e12": E12, "desk_e12": 1}, "market and desk"),
        ({"junior_e12": 0}, "tranches is empty"),
        ({"servicer_late_days": 50}, "a recovery comes before"),
        ({"default_days": 120}, "default_days"),
    ],
)
def test_a_world_that_cannot_be_is_refused(changes, says):
    with pytest.raises(AssetError, match=says):
        World(**changes)
