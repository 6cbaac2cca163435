"""What guardians and governance may do, what is for sale, what may be burned: every refusal once."""

from __future__ import annotations

import msgspec
import pytest

from parbook.errors import AssetError, InvariantError, MisuseError
from parbook.pools.amounts import E12, MICRO, NANO
from parbook.refusals import Refusal
from parbook.treasury import (
    Offer,
    Recycling,
    TreasuryStatus,
    TreasuryTerms,
    amend,
    check,
    next_due_ns,
    offer,
    opened,
    pause,
    plan_amend,
    plan_due,
    plan_pause,
    plan_restart,
    plan_resume,
    plan_retire,
    retire,
    turn,
)
from parbook.treasury.inventory import Inventory, Mark
from tests.style.rules import undocumented_codes
from tests.treasury.support import DAY, HOUR, Venue, decoded


def test_refusals_have_numbers_and_docs_of_their_own():
    assert undocumented_codes(Refusal) == []
    assert [int(code) for code in Refusal] == sorted(int(code) for code in Refusal)
    treasury = {int(code) for code in Refusal if code.name.startswith("TREASURY_")}
    assert treasury == set(range(1300, 1309))


# --- pause ------------------------------------------------------------------------------------------


def paused(venue, until):
    plan = plan_pause(venue.treasury, until, venue.now)
    if isinstance(plan, Refusal):
        return plan
    pause(venue.treasury, plan, venue.now)
    venue.sync()
    return venue.treasury.status


def test_a_pause_empties_the_till_and_ends_by_itself():
    venue = Venue()
    venue.sync()
    assert paused(venue, DAY) is TreasuryStatus.PAUSED
    assert venue.till == 0
    assert next_due_ns(venue.treasury) == HOUR
    assert venue.sync(after=DAY - 1).till_micro == 0
    assert plan_due(venue.treasury, venue.now) is None
    assert next_due_ns(venue.treasury) == DAY
    venue.now = DAY
    turn(venue.treasury, plan_due(venue.treasury, DAY), DAY)
    check(venue.treasury)
    assert next_due_ns(venue.treasury) == DAY - 1 + HOUR
    assert venue.sync().till_micro == 20_000 * MICRO


def test_a_pause_is_over_at_its_end_though_nobody_said_so():
    venue = Venue()
    venue.sync()
    paused(venue, DAY)
    assert venue.sync(after=2 * DAY).till_micro == 20_000 * MICRO
    assert venue.treasury.status is TreasuryStatus.ACTIVE
    assert venue.treasury.pause_allowed_ns == 8 * DAY


def test_a_pause_may_last_as_long_as_the_terms_say():
    venue = Venue()
    for until in (0, 3 * DAY + 1):
        assert paused(venue, until) is Refusal.TREASURY_PAUSE_TOO_LONG
    assert paused(venue, 3 * DAY) is TreasuryStatus.PAUSED
    assert paused(venue, 3 * DAY) is Refusal.TREASURY_PAUSED


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_pause_cannot_be_made_permanent_by_repetition(carried_out):
    venue = Venue()
    paused(venue, 3 * DAY)
    venue.now = 3 * DAY
    if carried_out:
        turn(venue.treasury, plan_due(venue.treasury, venue.now), venue.now)
    assert paused(venue, 4 * DAY) is Refusal.TREASURY_PAUSE_TOO_SOON
    venue.now = 10 * DAY - 1
    assert paused(venue, 11 * DAY) is Refusal.TREASURY_PAUSE_TOO_SOON
    venue.now = 10 * DAY
    assert paused(venue, 11 * DAY) is TreasuryStatus.PAUSED


def test_an_early_end_begins_the_rest():
    venue = Venue()
    assert plan_resume(venue.treasury, 0) is Refusal.TREASURY_NOT_PAUSED
    paused(venue, 3 * DAY)
    venue.now = HOUR
    turn(venue.treasury, plan_resume(venue.treasury, HOUR), HOUR)
    assert venue.treasury.pause_allowed_ns == HOUR + 7 * DAY
    assert venue.sync().till_micro == 20_000 * MICRO


# --- stop -------------------------------------------------------------------------------------------


def stopped():
    venue = Venue()
    venue.sync()
    venue.buy(20_000 * MICRO)
    venue.sync()
    venue.low = 700_000_000
    assert venue.sync().stopped
    return venue


def test_only_a_restart_ends_a_stop_and_it_begins_with_a_clean_slate():
    venue = stopped()
    assert paused(venue, DAY) is Refusal.TREASURY_STOPPED
    assert plan_resume(venue.treasury, 0) is Refusal.TREASURY_NOT_PAUSED
    assert plan_due(venue.treasury, 0) is None
    turn(venue.treasury, plan_restart(venue.treasury, 0), 0)
    assert plan_restart(venue.treasury, 0) is Refusal.TREASURY_NOT_STOPPED
    plan = venue.sync(after=DAY)
    assert (plan.status, plan.loss_micro) == (TreasuryStatus.ACTIVE, 0)
    assert plan.till_micro > 0


def test_losses_stop_a_treasury_that_is_paused():
    venue = Venue()
    venue.sync()
    venue.buy(20_000 * MICRO)
    venue.sync()
    paused(venue, DAY)
    venue.low = 700_000_000
    assert venue.sync(after=HOUR).stopped
    assert venue.treasury.paused_until_ns == 0
    assert venue.treasury.pause_allowed_ns == HOUR + 7 * DAY


# --- units ------------------------------------------------------------------------------------------


def offered(venue, high=1_020_000_000):
    return offer(
        venue.treasury, now_ns=venue.now, supply_micro=venue.supply, price_high_nano=high, feed_ok=venue.feed_ok
    )


def bought(**terms):
    venue = Venue(**terms)
    venue.sync()
    venue.buy(20_000 * MICRO)
    venue.sync()
    return venue


def test_units_are_resold_at_the_high_band_though_they_cost_more():
    venue = bought()
    assert offered(venue) == Offer(units_micro=20_000 * MICRO, least_nano=1_020_000_000)
    assert offered(venue, 950_000_000) == Offer(units_micro=20_000 * MICRO, least_nano=950_000_000)


def test_no_more_is_offered_than_may_be_held():
    venue = bought()
    plan = plan_amend(venue.treasury, TreasuryTerms(inventory_units_max_e12=E12 // 100), 0)
    amend(venue.treasury, plan, 0)
    assert offered(venue).units_micro == 10_000 * MICRO


def test_nothing_is_offered_while_the_price_is_in_doubt():
    nothing = Offer(units_micro=0, least_nano=0)
    venue = bought()
    assert offered(venue, 0) == nothing
    venue.feed_ok = False
    assert offered(venue) == nothing
    venue.feed_ok = True
    paused(venue, DAY)
    assert offered(venue) == nothing
    assert offered(stopped()) == nothing
    assert offered(bought(recycling=Recycling.RETIRE)) == nothing


def retirement(venue, units, exit_value=10**12, supply=10**12):
    return plan_retire(
        venue.treasury,
        units,
        now_ns=venue.now,
        exit_value_micro=exit_value,
        supply_micro=supply,
        price_low_nano=venue.low,
    )


def test_units_are_burned_where_they_cost_no_more_than_their_exit_value():
    venue = bought(recycling=Recycling.RETIRE)
    plan = retirement(venue, 5_000 * MICRO)
    assert (plan.units_micro, plan.cost_micro) == (5_000 * MICRO, 5_000 * MICRO)
    assert retirement(venue, 5_000 * MICRO, exit_value=10**12 - 1) is Refusal.TREASURY_ABOVE_NAV
    assert retirement(venue, 20_000 * MICRO + 1) is Refusal.TREASURY_LACKS_UNITS
    assert retirement(bought(), 1) is Refusal.TREASURY_KEEPS_UNITS
    retire(venue.treasury, plan, 0)
    check(venue.treasury)
    venue.units -= 5_000 * MICRO
    assert venue.sync().inventory.cost_micro == 15_000 * MICRO


def test_burning_neither_makes_a_loss_nor_hides_one():
    venue = bought(recycling=Recycling.RETIRE)
    venue.low = 900_000_000
    assert venue.sync().loss_micro == 2_000 * MICRO
    retire(venue.treasury, retirement(venue, 7_777_777), 0)
    venue.units -= 7_777_777
    plan = venue.sync()
    assert plan.loss_micro == 2_000 * MICRO
    assert plan.inventory.realised_micro == -777_777


def test_the_rest_is_worth_no_less_a_unit_after_a_purchase_and_a_burning():
    """By the pool's own cash: bought at or below its exit value, then burned."""
    for value, supply, paid, units in [(970, 1000, 90, 100), (970, 1000, 97, 100), (97, 100, 1, 2), (10, 7, 9, 7)]:
        treasury = opened(TreasuryTerms(recycling=Recycling.RETIRE), 0)
        treasury.inventory = Inventory(units_micro=units, cost_micro=paid)
        fits = paid * supply <= value * units
        plan = plan_retire(treasury, units, now_ns=0, exit_value_micro=value, supply_micro=supply, price_low_nano=NANO)
        assert isinstance(plan, Refusal) is not fits
        assert (value - paid) * supply >= value * (supply - units) or not fits


# --- terms, misuse ----------------------------------------------------------------------------------


def test_other_terms_leave_what_was_used():
    venue = bought()
    terms = TreasuryTerms(day_ns=7 * DAY, loss_window_ns=10 * DAY)
    amend(venue.treasury, plan_amend(venue.treasury, terms, 0), 0)
    check(venue.treasury)
    assert venue.plan().budget_micro == 0
    assert len(venue.treasury.marks) == 1
    venue.low = 900_000_000
    assert venue.sync(after=DAY).loss_micro == 2_000 * MICRO


@pytest.mark.parametrize(
    "terms",
    [{"day_e12": E12 + 1}, {"day_ns": 0}, {"pause_max_ns": 8 * DAY}, {"credit_max_ns": -1}, {"loss_max_e12": 0.5}],
)
def test_terms_out_of_range_are_refused(terms):
    with pytest.raises(AssetError, match="treasury terms"):
        TreasuryTerms(**terms)


def test_plans_are_not_carried_out_twice():
    venue = Venue()
    plan = plan_pause(venue.treasury, DAY, 0)
    pause(venue.treasury, plan, 0)
    with pytest.raises(MisuseError, match="plan again"):
        pause(venue.treasury, plan, 0)


def test_the_state_comes_back_from_its_encoding():
    for venue in (Venue(), bought(), stopped()):
        decoded(venue.treasury)


@pytest.mark.parametrize(
    "changes",
    [
        {"inventory": Inventory(cost_micro=1)},
        {"till_micro": -1},
        {"paused_until_ns": 1},
        {"marks": [Mark(slot=2, best_micro=0), Mark(slot=1, best_micro=0)]},
        {"now_ns": -1},
    ],
)
def test_a_broken_state_is_found(changes):
    treasury = msgspec.structs.replace(Venue().treasury, **changes)
    with pytest.raises(InvariantError):
        check(treasury)
