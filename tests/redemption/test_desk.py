"""The desk: what it pays, what it refuses, what it forgets."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from parbook.errors import AssetError, InvariantError, MisuseError
from parbook.pools.amounts import E12, E18, MICRO, NANO
from parbook.pools.throttle import Throttle
from parbook.redemption import desk as d
from parbook.redemption.decay import decay_e18
from parbook.refusals import Refusal
from tests.redemption.support import DAY, HOUR, MINUTE, SECOND, Pool, decoded, fee


def test_refusals_of_the_desk_have_their_range():
    assert {int(code) for code in Refusal if code.name.startswith("DESK_")} == set(range(1400, 1407))


# --- what it pays -----------------------------------------------------------------------------------


def test_a_small_redemption_pays_little_less_than_the_low_value():
    pool = Pool(low=990_000_000)
    plan = pool.redeem(100 * MICRO)
    # 25 bp, a hundred-thousandth of a tenth, and 43 bp: 5e-4 / (1/9 + 0.005).
    assert plan.paid_micro == int(99 * MICRO - fee(Pool(low=990_000_000), 100 * MICRO))
    assert plan.paid_micro + plan.fee_micro == 99 * MICRO
    assert plan.fee_e12 == pytest.approx(25e8 + 43e8, rel=0.01)


@pytest.mark.parametrize("units", [MICRO, 12_345_678_901, 20_000 * MICRO])
@pytest.mark.parametrize("cash", [30_000 * MICRO, 999_999 * MICRO])
def test_the_payout_is_that_of_the_formulas_to_sixty_digits(units, cash):
    pool = Pool(cash=cash, other=10**12 - cash + 10**9)
    exact = Decimal(units) - fee(pool, units)
    paid = pool.plan(units).paid_micro
    # Two thousand of 1e-18 of a x L are charged for the logarithm's error: less than a thousandth of a micro.
    assert exact - Decimal("1.001") < paid <= exact


def test_a_pool_all_in_cash_has_no_penalty():
    pool = Pool(cash=10**12, other=0, beta_e12=0)
    assert pool.plan(1000 * MICRO).paid_micro == 997_500_000


def test_the_base_rate_grows_by_a_tenth_of_the_share_redeemed():
    pool = Pool(cash=10**12, other=0)
    assert d.marginal_fee_e12(pool.desk, pool.view, 0) == 25 * 10**8
    pool.redeem(20_000 * MICRO)
    assert d.marginal_fee_e12(pool.desk, pool.view, 0) == 25 * 10**8 + E12 // 10 * 2 // 100
    # The integral charged half of the rise.
    assert pool.desk.held_micro == 20_000 * MICRO * 35 // 10_000


def test_the_base_rate_halves_in_twelve_hours():
    pool = Pool(cash=10**12, other=0)
    pool.redeem(20_000 * MICRO)
    pool.supply += 10**12
    pool.now = 12 * HOUR
    heat = -(-20_000 * MICRO * decay_e18(720) // E18)
    assert heat == pytest.approx(10_000 * MICRO, abs=2)
    share = -(-(E12 // 10) * heat // (pool.supply + heat))
    assert d.marginal_fee_e12(pool.desk, pool.view, pool.now) == 25 * 10**8 + share


def test_seconds_short_of_a_minute_are_kept():
    """A redemption every 59 seconds does not hold the decay up."""
    often, once = Pool(throttle_e12=E12, minimum_units_micro=1), Pool(throttle_e12=E12, minimum_units_micro=1)
    for pool in (often, once):
        pool.redeem(10_000 * MICRO)
    for n in range(1, 61):
        often.now = n * 59 * SECOND
        often.redeem(1000)
    assert often.desk.decayed_ns == 59 * MINUTE
    assert often.desk.heat_micro - 10_000 * MICRO * decay_e18(59) // E18 == pytest.approx(60_000, abs=2000)


def test_what_fees_left_in_the_pool_is_no_liquidity_at_once():
    pool = Pool(cash=20_000 * MICRO, other=980_000 * MICRO, throttle_e12=E12)
    pool.redeem(10_000 * MICRO)
    kept = pool.desk.held_micro
    assert pool.cash == 10_000 * MICRO + kept
    assert pool.most == 10_000 * MICRO
    pool.now = 12 * HOUR
    assert pool.most == pytest.approx(10_000 * MICRO + kept // 2, abs=2)
    pool.now = 400 * DAY
    assert pool.most == pool.cash


# --- what it refuses --------------------------------------------------------------------------------


def test_a_closed_desk_redeems_nothing_until_it_opens():
    pool = Pool()
    d.switch(pool.desk, d.plan_switch(pool.desk, 0, status=d.DeskStatus.CLOSED), 0)
    assert pool.plan(MICRO) is Refusal.DESK_CLOSED
    assert pool.most == 0
    d.switch(pool.desk, d.plan_switch(pool.desk, 0, status=d.DeskStatus.OPEN), 0)
    assert pool.redeem(MICRO).units_micro == MICRO


def test_without_a_fair_value_nothing_is_redeemed():
    pool = Pool(low=0)
    assert pool.plan(MICRO) is Refusal.DESK_NO_FAIR_VALUE
    pool.low, pool.feed_ok = NANO, False
    assert pool.plan(MICRO) is Refusal.DESK_NO_FAIR_VALUE
    assert pool.most == 0


def test_dust_is_refused():
    assert Pool().plan(MICRO - 1) is Refusal.DESK_TOO_SMALL
    assert isinstance(Pool().plan(MICRO), d.Redemption)
    assert Pool(minimum_units_micro=1).plan(1) is Refusal.DESK_TOO_SMALL


def test_the_throttle_lets_a_share_of_the_supply_through_and_says_how_much():
    pool = Pool()
    assert pool.most == 20_000 * MICRO
    assert pool.plan(20_000 * MICRO + 1) is Refusal.DESK_THROTTLED
    plan = pool.redeem(50_000 * MICRO, partial=True)
    assert (plan.units_micro, plan.left_units_micro) == (20_000 * MICRO, 30_000 * MICRO)
    assert pool.plan(MICRO) is Refusal.DESK_THROTTLED
    assert pool.plan(MICRO, partial=True) is Refusal.DESK_THROTTLED
    # 2 % of 980,000 units and of the half of 20,000 that still counts: 19,800 a day.
    pool.now = 12 * HOUR
    assert pool.most == pytest.approx(19_800 * MICRO - (20_000 - 9_900) * MICRO, abs=1)
    pool.now = 400 * DAY
    assert pool.most == 19_600 * MICRO


def test_cash_bounds_what_may_be_redeemed():
    pool = Pool(cash=5_000 * MICRO, other=995_000 * MICRO)
    assert pool.most == 5_000 * MICRO
    assert pool.plan(5_000 * MICRO + 1) is Refusal.DESK_LACKS_CASH
    assert pool.redeem(6_000 * MICRO, partial=True).units_micro == 5_000 * MICRO
    assert pool.most == 0


def test_less_than_the_minimum_is_no_partial_fill():
    pool = Pool(cash=MICRO // 2)
    assert pool.most == 0
    assert pool.plan(10 * MICRO, partial=True) is Refusal.DESK_LACKS_CASH


def test_nobody_is_paid_more_than_the_exit_value():
    """The tranche is worth 0.99 a unit after unrealised losses; the low value says 1."""
    pool = Pool(cash=10**11, other=89 * 10**10, base_e12=0, beta_e12=0, penalty_scale_e12=0)
    assert pool.plan(MICRO) is Refusal.DESK_NAV_WOULD_FALL
    pool.other += 10**10
    assert pool.plan(MICRO).paid_micro == MICRO
    pool.other -= 1
    assert pool.plan(MICRO) is Refusal.DESK_NAV_WOULD_FALL


def test_the_least_payout_asked_for_is_kept():
    paid = Pool().plan(100 * MICRO).paid_micro
    assert Pool().plan(100 * MICRO, least_micro=paid).paid_micro == paid
    assert Pool().plan(100 * MICRO, least_micro=paid + 1) is Refusal.DESK_BELOW_LEAST


# --- misuse, terms, state ---------------------------------------------------------------------------


def test_more_than_the_supply_is_misuse():
    with pytest.raises(AssetError, match="units_micro"):
        Pool().plan(10**12 + 1)


def test_time_never_falls_and_plans_are_carried_out_once():
    pool = Pool()
    pool.now = DAY
    plan = pool.plan(MICRO)
    d.redeem(pool.desk, plan, DAY)
    with pytest.raises(MisuseError, match="plan again"):
        d.redeem(pool.desk, plan, DAY)
    pool.now = DAY - 1
    with pytest.raises(MisuseError, match="never falls"):
        pool.plan(MICRO)


@pytest.mark.parametrize(
    "terms",
    [
        {"base_e12": -1},
        {"penalty_offset_e12": 0},
        {"base_e12": E12 // 2},
        {"minute_factor_e18": E18 + 1},
        {"throttle_ns": 0},
    ],
)
def test_terms_out_of_range_are_refused(terms):
    with pytest.raises(AssetError, match="desk terms"):
        d.DeskTerms(**terms)


def test_a_view_out_of_range_is_refused():
    with pytest.raises(AssetError, match="pool view"):
        msgspec.structs.replace(Pool().view, supply_micro=-1)


def test_other_terms_keep_heat_and_what_was_used():
    pool = Pool()
    pool.redeem(20_000 * MICRO)
    pool.now = HOUR
    d.switch(pool.desk, d.plan_switch(pool.desk, HOUR, terms=d.DeskTerms(throttle_ns=2 * DAY)), HOUR)
    d.check(pool.desk)
    assert pool.desk.heat_micro == 20_000 * MICRO
    # What comes back does so over the new window: an hour of two days, less what an hour's decay takes.
    capacity = (980_000 * MICRO - -20_000 * MICRO * decay_e18(60) // E18) // 50
    assert pool.most == pytest.approx(capacity - 20_000 * MICRO + capacity // 48, abs=2)
    assert d.next_due_ns(pool.desk) == 0


@pytest.mark.parametrize(
    "changes", [{"heat_micro": -1}, {"held_part": NANO}, {"throttle": Throttle(part=1)}, {"decayed_ns": 1}]
)
def test_a_broken_desk_is_found(changes):
    with pytest.raises(InvariantError):
        d.check(msgspec.structs.replace(Pool().desk, **changes))


def test_a_desk_comes_back_from_its_encoding():
    pool = Pool()
    decoded(pool.desk)
    pool.redeem(12_345_678)
    decoded(pool.desk)
