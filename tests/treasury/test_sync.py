"""How much lies in the till: budget, bounds, floor, feed, resale, losses."""

from __future__ import annotations

import pytest

from parbook.errors import AssetError, MisuseError
from parbook.pools.amounts import E12, MICRO, NANO
from parbook.treasury import TreasuryStatus, sync
from tests.treasury.support import DAY, HOUR, Venue

DAY_BUDGET = 20_000 * MICRO
MONTH_BUDGET = 50_000 * MICRO


def test_the_till_is_filled_to_the_day_s_budget():
    venue = Venue()
    plan = venue.sync()
    assert (plan.top_up_micro, plan.sweep_micro, plan.budget_micro) == (DAY_BUDGET, 0, DAY_BUDGET)
    assert venue.sync(after=HOUR).top_up_micro == 0


def test_what_was_spent_is_read_off_the_till_and_comes_back_with_time():
    venue = Venue()
    venue.sync()
    venue.buy(8_000 * MICRO)
    assert venue.sync().spent_micro == 8_000 * MICRO
    assert venue.till == 12_000 * MICRO
    assert venue.sync(after=6 * HOUR).top_up_micro == 5_000 * MICRO
    assert venue.sync(after=6 * HOUR).top_up_micro == 3_000 * MICRO


def test_a_month_gives_less_than_thirty_days():
    venue = Venue(reserve=10**6 * MICRO, inventory_units_max_e12=E12, loss_max_e12=E12)
    spent = []
    for _ in range(4):
        venue.sync(after=DAY)
        spent.append(venue.till)
        venue.buy(venue.till)
        venue.sync(good=False)
    # 50,000, and 1,667 a day more: the third day finds what is left.
    assert spent[0] == spent[1] == DAY_BUDGET
    assert spent[2] == MONTH_BUDGET - 2 * DAY_BUDGET + 2 * MONTH_BUDGET // 30
    assert sum(spent[2:]) == MONTH_BUDGET - 2 * DAY_BUDGET + 3 * MONTH_BUDGET // 30


def test_time_alone_gives_nothing_back():
    venue = Venue()
    venue.sync()
    venue.buy(DAY_BUDGET)
    venue.sync()
    assert venue.sync(after=12 * HOUR, good=False).top_up_micro == 0
    assert venue.sync(after=6 * HOUR).top_up_micro == 15_000 * MICRO


def test_a_good_round_alone_gives_nothing_back():
    venue = Venue()
    venue.sync()
    venue.buy(DAY_BUDGET)
    assert [venue.sync().top_up_micro for _ in range(5)] == [0] * 5


def test_what_is_spent_late_does_not_come_back_early():
    """A whole day since the last good round, and one hour since the money was spent."""
    venue = Venue()
    venue.sync()
    venue.sync(after=23 * HOUR, good=False)
    venue.buy(DAY_BUDGET)
    venue.sync(good=False)
    assert venue.sync(after=HOUR).budget_micro == DAY_BUDGET // 24


def test_silence_is_credited_up_to_its_limit():
    venue = Venue(credit_max_ns=6 * HOUR)
    venue.sync()
    venue.buy(DAY_BUDGET)
    venue.sync()
    assert venue.sync(after=4 * DAY).top_up_micro == 5_000 * MICRO


def test_time_is_credited_at_the_capacity_of_the_round_before():
    venue = Venue()
    venue.sync()
    venue.buy(DAY_BUDGET)
    venue.sync()
    venue.supply *= 2
    # The capacity grew by 20,000, of which nothing was used; half a day at the old rate gives 10,000.
    assert venue.sync(after=12 * HOUR).budget_micro == 30_000 * MICRO


def test_the_capacity_is_rounded_down_once():
    venue = Venue(supply=999_999, low=999_999_999)
    assert venue.plan().budget_micro == 999_999 * 999_999_999 * 2 // (100 * NANO)


def test_the_till_stays_within_the_units_that_may_be_held():
    venue = Venue(inventory_units_max_e12=E12 // 100)
    assert venue.sync().top_up_micro == 10_000 * MICRO
    venue.buy(7_000 * MICRO)
    plan = venue.sync(after=DAY)
    assert (plan.units_room_micro, venue.till) == (3_000 * MICRO, 3_000 * MICRO)
    venue.buy(3_000 * MICRO)
    assert venue.sync(after=DAY).units_room_micro == 0
    assert venue.till == 0


def test_the_till_stays_within_the_value_that_may_be_held():
    venue = Venue(inventory_value_max_micro=9_000 * MICRO)
    assert venue.sync().top_up_micro == 9_000 * MICRO
    venue.buy(4_000 * MICRO)
    assert venue.sync(after=DAY).till_micro == 5_000 * MICRO


def test_what_is_held_is_rounded_up_against_its_bound():
    venue = Venue(inventory_value_max_micro=10, low=1_500_000_000)
    venue.units = 3
    # 3 units are worth 4.5, counted as 5; 5 more buy 3 units, which are worth 4 rounded down.
    plan = venue.plan()
    assert (plan.units_room_micro, plan.till_micro) == (3, 4)


def test_the_reserve_keeps_its_floor():
    venue = Venue(reserve=15_000 * MICRO, reserve_floor_micro=4_000 * MICRO)
    assert venue.sync().top_up_micro == 11_000 * MICRO
    venue.reserve -= 1_000 * MICRO
    plan = venue.sync()
    assert (plan.sweep_micro, venue.reserve) == (1_000 * MICRO, 4_000 * MICRO)


def test_a_feed_in_doubt_tops_nothing_up_and_shrinks_the_till_with_the_price():
    venue = Venue()
    venue.sync()
    venue.buy(4_000 * MICRO)
    venue.sync()
    venue.feed_ok = False
    assert venue.sync(after=DAY).top_up_micro == 0
    venue.low = NANO // 2
    # Capacity 10,000, of which 4,000 came back with the good round before.
    assert venue.sync(after=HOUR, good=False).till_micro == 10_000 * MICRO
    venue.low = 0
    plan = venue.sync(after=HOUR, good=False)
    assert (plan.till_micro, plan.units_room_micro, plan.loss_micro, plan.stopped) == (0, 0, 0, False)


def test_resale_goes_to_the_reserve_and_gives_no_budget_back():
    venue = Venue()
    venue.sync()
    venue.buy(10_000 * MICRO)
    venue.sync()
    venue.sell(5_000 * MICRO, 5_100 * MICRO)
    plan = venue.sync()
    assert (plan.returned_micro, plan.spent_micro, plan.sweep_micro) == (5_100 * MICRO, 0, 5_100 * MICRO)
    assert venue.till == 10_000 * MICRO
    assert plan.inventory.realised_micro == 100 * MICRO


# --- losses -----------------------------------------------------------------------------------------


def held(venue, money=20_000 * MICRO):
    venue.sync()
    venue.buy(money)
    return venue.sync()


def test_a_loss_above_the_limit_stops_the_treasury_and_empties_the_till():
    venue = Venue(reserve=10**6 * MICRO)
    held(venue)
    venue.sync(after=DAY)
    venue.low = 800_000_000
    # 20,000 units at 0.80: 4,000 lost, and 0.5 % of the supply's value is 4,000.
    assert venue.sync().stopped is False
    venue.low -= 1
    plan = venue.sync()
    assert (plan.stopped, plan.status, venue.till) == (True, TreasuryStatus.STOPPED, 0)
    assert (plan.loss_micro, plan.loss_max_micro) == (4_000 * MICRO + 20, 4_000 * MICRO - 5)
    venue.low = NANO
    assert venue.sync(after=DAY).till_micro == 0


def test_a_loss_is_a_fall_from_the_best_result_of_the_window():
    venue = Venue()
    held(venue)
    venue.low = 1_050_000_000
    assert venue.sync(after=DAY).loss_micro == 0
    venue.low = NANO
    assert venue.sync(after=DAY).loss_micro == 1_000 * MICRO


def test_a_fall_is_forgotten_after_its_window():
    venue = Venue(loss_window_ns=32 * DAY)
    held(venue)
    venue.low = 900_000_000
    assert venue.sync(after=DAY).loss_micro == 2_000 * MICRO
    assert venue.sync(after=31 * DAY).loss_micro == 2_000 * MICRO
    assert venue.sync(after=DAY).loss_micro == 0


def test_a_loss_counts_whether_realised_or_not():
    venue = Venue()
    held(venue)
    venue.low = 900_000_000
    assert venue.sync().loss_micro == 2_000 * MICRO
    venue.sell(20_000 * MICRO, 18_000 * MICRO)
    plan = venue.sync()
    assert plan.loss_micro == 2_000 * MICRO
    assert (plan.inventory.realised_micro, plan.inventory.cost_micro) == (-2_000 * MICRO, 0)


def test_a_decayed_price_is_no_observation_and_no_loss():
    venue = Venue()
    held(venue)
    venue.feed_ok, venue.low = False, NANO // 10
    assert venue.sync(after=DAY, good=False).loss_micro == 0
    venue.feed_ok, venue.low = True, NANO
    assert venue.sync(after=DAY).stopped is False


def test_average_cost_leaves_rounded_up_and_the_result_stays_exact():
    venue = Venue()
    venue.sync()
    venue.buy(10, units=3)
    venue.sync()
    venue.sell(1, 5)
    plan = venue.sync()
    # 10 / 3 = 3.33 leaves as 4.
    assert (plan.inventory.cost_micro, plan.inventory.realised_micro) == (6, 1)
    venue.sell(2, 5)
    assert venue.sync().inventory.realised_micro == 0


@pytest.mark.parametrize(
    ("paid", "change", "cost", "realised"),
    [(60, 6, 160, 0), (-60, 6, 100, 60), (60, 0, 100, -60), (0, 6, 100, 0), (-60, -5, 50, 10), (60, -5, 50, -110)],
)
def test_what_trades_between_two_syncs_make_of_cost_and_result(paid, change, cost, realised):
    """Ten units are held for 100."""
    venue = Venue()
    venue.sync()
    venue.buy(100, units=10)
    venue.sync()
    venue.till -= paid
    venue.units += change
    inventory = venue.plan().inventory
    assert (inventory.cost_micro, inventory.realised_micro) == (cost, realised)


def test_a_supply_worth_more_than_all_money_has_a_budget():
    venue = Venue(supply=2**63 - 1, low=2**63 - 1, inventory_units_max_e12=E12)
    assert venue.sync().budget_micro == 2**63 - 1
    assert venue.sync(after=DAY).till_micro == 200_000 * MICRO


# --- misuse -----------------------------------------------------------------------------------------


def test_time_and_rounds_never_fall():
    venue = Venue()
    venue.sync(after=DAY)
    venue.now -= 1
    with pytest.raises(MisuseError, match="never falls"):
        venue.plan()
    venue.now += 1
    venue.rounds -= 1
    with pytest.raises(MisuseError, match="good rounds"):
        venue.plan()


def test_a_plan_is_carried_out_once():
    venue = Venue()
    plan = venue.plan()
    sync(venue.treasury, plan, 0)
    with pytest.raises(MisuseError, match="plan again"):
        sync(venue.treasury, plan, 0)


@pytest.mark.parametrize("name", ["till", "units", "reserve", "supply", "low"])
def test_numbers_out_of_range_are_refused(name):
    venue = Venue()
    setattr(venue, name, -1)
    with pytest.raises(AssetError, match="outside"):
        venue.plan()
    setattr(venue, name, 2**63)
    with pytest.raises(AssetError, match="outside"):
        venue.plan()
