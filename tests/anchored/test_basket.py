"""The basket: prices and time, legs and the backing graph, weights, and the protocol's own units."""

from __future__ import annotations

import pytest

from parbook.anchored import basket
from parbook.anchored.basket import Quote, circular_leg
from parbook.anchored.graph import circular_path
from parbook.anchored.state import check, leg_of, ratio_e12, status_of, token_state
from parbook.anchored.terms import (
    DAY_NS,
    GRAPH_MAX,
    HOUR_NS,
    LEGS_MAX,
    CurveTerms,
    LegStatus,
    LegTerms,
    TokenState,
    TokenTerms,
)
from parbook.errors import AssetError, InvariantError
from parbook.pools.amounts import E12, MICRO, NANO
from parbook.refusals import Refusal
from tests.anchored.support import CASH, LOANS, NATIVE, START_NS, TOKEN, Case, standing, terms
from tests.style.rules import undocumented_codes

SOUND, IFFY, DISABLED = LegStatus


# --- status ---------------------------------------------------------------------------------------


def statuses(case: Case, asset: int, *after_ns: int) -> list[LegStatus]:
    leg = leg_of(case.state, asset)
    return [status_of(leg, case.state.terms, case.now + ns) for ns in after_ns]


def test_a_stale_price_makes_a_leg_iffy_and_then_disabled():
    case = standing()
    stale, lost = 25 * HOUR_NS, 25 * HOUR_NS + 5 * DAY_NS
    seen = statuses(case, LOANS, stale - 1, stale, lost - 1, lost, lost + 100 * DAY_NS)
    assert seen == [SOUND, IFFY, IFFY, DISABLED, DISABLED]


def test_what_is_due_is_what_time_does_anyway():
    case = standing()
    written = case.fork()
    assert [change[:2] for change in written.due().changes] == [(CASH, SOUND), (LOANS, SOUND)]
    for status in (IFFY, DISABLED):
        due_ns = basket.next_due_ns(written.state)
        written.now = due_ns - 1
        assert written.due().changes == ()
        written.now = due_ns
        assert written.due().changes == ((CASH, status, due_ns), (LOANS, status, due_ns))
    assert basket.next_due_ns(written.state) == 0
    assert statuses(case, CASH, written.now - case.now) == [DISABLED]


def test_a_price_that_lasts_was_never_stale_once_it_was_seen():
    case = standing().wait(100 * DAY_NS)
    lasting = {CASH: Quote(low_nano=NANO, age_ns=0, lasting=True)}
    basket.observe(case.state, basket.plan_observe(case.state, lasting, case.now), case.now)
    assert statuses(case, CASH, 0, 26 * HOUR_NS - 1, 26 * HOUR_NS) == [SOUND, SOUND, IFFY]
    assert statuses(case, LOANS, 0) == [DISABLED]
    fresh = Case()
    fresh.add(CASH)
    fresh.wait(DAY_NS)
    basket.observe(fresh.state, basket.plan_observe(fresh.state, lasting, fresh.now), fresh.now)
    assert statuses(fresh, CASH, 0, HOUR_NS - 1, HOUR_NS) == [IFFY, IFFY, SOUND]


def test_a_leg_recovers_only_after_its_price_stayed_fresh():
    case = standing().wait(26 * HOUR_NS)
    case.observe({CASH: NANO, LOANS: NANO})
    assert statuses(case, LOANS, 0, HOUR_NS - 1, HOUR_NS) == [IFFY, IFFY, SOUND]
    # Prices that come before it is stale again change nothing about when.
    case.wait(HOUR_NS // 2).observe({LOANS: NANO})
    assert statuses(case, LOANS, HOUR_NS // 2 - 1, HOUR_NS // 2) == [IFFY, SOUND]


def test_a_price_that_flickers_is_given_up():
    """Fresh for half an hour, stale again: the clock of the default runs on from the first time."""
    case = Case(terms(stale_ns=HOUR_NS // 2))
    case.add(CASH)
    for _ in range(5 * 24 - 1):
        case.observe({CASH: NANO})
        case.wait(HOUR_NS)
    assert statuses(case, CASH, 0, HOUR_NS - 1, HOUR_NS) == [IFFY, IFFY, DISABLED]


def test_a_stale_observation_counts_and_makes_nothing_fresh():
    case = standing().wait(30 * HOUR_NS)
    case.observe({CASH: NANO, LOANS: NANO // 2}, age_ns=27 * HOUR_NS)
    assert statuses(case, LOANS, 0, HOUR_NS, 2 * HOUR_NS) == [IFFY, IFFY, IFFY]
    assert (leg_of(case.state, LOANS).low_nano, leg_of(case.state, LOANS).fresh_ns) == (NANO // 2, 0)
    assert case.observe({LOANS: NANO}, age_ns=28 * HOUR_NS) is Refusal.QUOTE_OLDER
    assert case.observe({99: NANO}) is Refusal.UNKNOWN_LEG
    with pytest.raises(AssetError, match="age_ns"):
        basket.plan_observe(case.state, {CASH: Quote(low_nano=1, age_ns=case.now + 1)}, case.now)


def test_disabled_is_for_good_and_only_another_basket_leads_out():
    case = standing()
    for _ in range(7):
        case.wait(DAY_NS).observe({CASH: NANO})
    assert token_state(case.state, case.now) is TokenState.DISABLED
    case.observe({LOANS: NANO})
    for _ in range(10):
        case.wait(DAY_NS).observe({CASH: NANO, LOANS: NANO})
        assert token_state(case.state, case.now) is TokenState.DISABLED
    assert case.mint(CASH, MICRO) is Refusal.TOKEN_NOT_SOUND
    assert case.reweight({CASH: E12 // 2, LOANS: E12 // 2}) is Refusal.WEIGHTS_OFF
    assert case.reweight({CASH: E12, LOANS: 0}).weights == ((CASH, E12), (LOANS, 0))
    assert case.state.basket == 2
    assert token_state(case.state, case.now) is TokenState.SOUND
    # The leg itself stays what it is: its units count nothing, and may be sold.
    assert statuses(case, LOANS, 0) == [DISABLED]
    before = ratio_e12(case.state, case.now)
    case.release(LOANS, 500 * MICRO)
    assert ratio_e12(case.state, case.now) == before == 6 * E12 // 10
    assert case.drop(LOANS).asset == LOANS


# --- the backing graph ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "path"),
    [
        ({20: (NATIVE,)}, (20, NATIVE)),
        ({20: (21,), 21: (30, TOKEN)}, (20, 21, TOKEN)),
        ({20: (21,), 21: (22,), 22: (20,)}, (20, 21, 22, 20)),
        ({20: (20,)}, (20, 20)),
        ({20: (21, 22), 21: (23,), 22: (23,), 23: (NATIVE,)}, (20, 21, 23, NATIVE)),
        # What another leg turns out to be a claim on.
        ({20: (), CASH: (40,), 40: (TOKEN,)}, (CASH, 40, TOKEN)),
    ],
)
def test_circular_backing_is_refused_and_its_path_named(claims, path):
    case = standing()
    assert case.add(20, claims=claims) is Refusal.CIRCULAR_BACKING
    assert circular_leg(case.state, LegTerms(asset=20, haircut_e12=0, claims=claims)) == path


@pytest.mark.parametrize("asset", [TOKEN, NATIVE])
def test_token_and_native_token_are_no_backing(asset):
    """Native token adds nothing to backing: it cannot be a leg, nor below one."""
    case = standing()
    assert case.add(asset) is Refusal.CIRCULAR_BACKING
    assert circular_leg(case.state, LegTerms(asset=asset, haircut_e12=0)) == (asset,)


def test_a_later_leg_may_not_close_the_circle_of_an_earlier():
    case = standing()
    assert case.add(20, claims={20: (21,)}).asset == 20
    assert case.add(21, claims={21: (20,)}) is Refusal.CIRCULAR_BACKING
    assert case.add(22, claims={21: (NATIVE,)}) is Refusal.CIRCULAR_BACKING
    # Diamonds are no circles.
    assert case.add(23, claims={23: (20, 21), 20: (24,), 21: (24,)}).asset == 23
    assert circular_path(dict(case.state.claims), 23, (TOKEN, NATIVE)) == ()


def test_legs_and_graph_have_limits():
    case = standing()
    wide = {100: tuple(range(101, 100 + GRAPH_MAX))}
    assert case.fork().add(100, claims={100: (*wide[100], 5000)}) is Refusal.GRAPH_FULL
    assert case.fork().add(100, claims=wide).asset == 100
    for asset in range(20, 18 + LEGS_MAX):
        case.add(asset)
    assert len(case.state.legs) == LEGS_MAX
    assert case.add(90) is Refusal.LEGS_FULL
    assert case.add(CASH) is Refusal.LEG_EXISTS


# --- weights and units ----------------------------------------------------------------------------


def test_weights_name_every_leg_and_sum_to_one():
    case = standing()
    for weights in ({CASH: E12}, {CASH: E12, LOANS: 1}, {CASH: E12, 99: 0}, {}):
        assert case.reweight(weights) is Refusal.WEIGHTS_OFF
    with pytest.raises(AssetError, match="weight"):
        case.reweight({CASH: E12 + 1, LOANS: -1})


def test_units_leave_only_of_what_exceeds_the_buffer():
    case = standing()
    assert case.release(CASH, 80 * MICRO + 1) is Refusal.BACKING_TOO_LOW
    assert case.release(CASH, 80 * MICRO).quantity_micro == -80 * MICRO
    assert case.release(CASH, 600 * MICRO) is Refusal.LEG_SHORT
    for refused in (case.release(99, 1), case.endow(99, 1), case.drop(99)):
        assert refused is Refusal.UNKNOWN_LEG
    assert case.drop(CASH) is Refusal.LEG_IN_USE


def test_a_new_leg_is_not_believed_at_once():
    case = standing()
    case.add(20)
    assert token_state(case.state, case.now) is TokenState.IFFY
    case.observe({20: NANO})
    case.wait(HOUR_NS)
    assert token_state(case.state, case.now) is TokenState.SOUND


# --- terms and invariants -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"token_asset": NATIVE},
        {"token_asset": -1},
        {"cash_leg": -2},
        {"buffer_e12": E12 + 1},
        {"mint_fee_e12": E12 // 10 + 1},
        {"redeem_fee_e12": -1},
        {"memory_e27": 10**27},
        {"stale_ns": 0},
        {"recover_ns": 5 * DAY_NS},
        {"drift_e12": 1.5},
    ],
)
def test_terms_out_of_range_are_refused(changes):
    with pytest.raises(AssetError):
        terms(**changes)


def test_other_terms_out_of_range_are_refused():
    for make in (
        lambda: CurveTerms(floor_e12=E12),
        lambda: CurveTerms(slope_e12=0),
        lambda: CurveTerms(par_e12=E12 + 1),
        lambda: LegTerms(asset=-1, haircut_e12=0),
        lambda: LegTerms(asset=1, haircut_e12=E12 + 1),
        lambda: LegTerms(asset=1, haircut_e12=0, claims={1: (-5,)}),
    ):
        with pytest.raises(AssetError, match="outside"):
            make()
    assert TokenTerms(token_asset=1, native_asset=2).redemption.amount_micro == 2 * 10**12


def test_refusals_are_documented_and_unique():
    assert undocumented_codes(Refusal) == []
    assert [int(refusal) for refusal in Refusal] == sorted(int(refusal) for refusal in Refusal)


def test_check_finds_what_is_broken():
    def broken(change) -> None:
        case = standing()
        change(case.state)
        with pytest.raises(InvariantError):
            check(case.state)

    def curve_of_nothing(state):
        state.anchor_supply_micro, state.supply_micro = 1, 0

    def disabled_recovers(state):
        state.legs[0].status, state.legs[0].fresh_ns = DISABLED, START_NS

    broken(lambda state: state.legs.reverse())
    broken(lambda state: state.claims.append((CASH, [NATIVE])))
    broken(lambda state: setattr(state.legs[0], "weight_e12", 1))
    broken(lambda state: setattr(state.legs[0], "quantity_micro", -1))
    broken(lambda state: setattr(state.legs[0], "seen_ns", state.now_ns + 1))
    broken(lambda state: setattr(state, "supply_micro", -1))
    broken(lambda state: setattr(state.redemption, "left_micro", -1))
    broken(curve_of_nothing)
    broken(disabled_recovers)
