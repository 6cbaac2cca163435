"""Minting and redeeming: what must be so, what is paid, who is turned away."""

from __future__ import annotations

import pytest

from parbook.anchored import token
from parbook.anchored.state import backing_micro, level_now, ratio_e12, token_state
from parbook.anchored.terms import DAY_NS, HOUR_NS, IN_KIND, ThrottleTerms, TokenState
from parbook.errors import AssetError, MisuseError
from parbook.pools.amounts import E12, MICRO, MONEY_MICRO_MAX, NANO
from parbook.refusals import Refusal
from tests.anchored.support import CASH, LOANS, Case, scaled, standing, terms, vectors


def test_a_token_is_minted_at_low_value_and_redeemed_at_par():
    case = standing()
    assert ratio_e12(case.state, case.now) == 11 * E12 // 10
    minted = case.mint(CASH, 50 * MICRO)
    assert (minted.tokens_micro, minted.fee_micro) == (50 * MICRO, 0)
    paid = case.redeem(20 * MICRO)
    assert paid.units == ((CASH, 20 * MICRO),)
    assert case.state.supply_micro == 1030 * MICRO


def test_published_fees_of_a_mint():
    """Of 1000 that come in, the fee is taken off what is made: MakerDAO's PSM."""
    for row in vectors("maker")["psm"]:
        case = standing(terms(mint_fee_e12=int(row["tin"]) // 10**6), buffer=500 * MICRO)
        minted = case.mint(CASH, row["gem_6d"])
        assert minted.tokens_micro == scaled(row["dai"], 1) // 10**12
        assert minted.tokens_micro + minted.fee_micro == row["gem_6d"]


def test_fees_are_rounded_up_and_stay_in_the_basket():
    case = standing(terms(redeem_fee_e12=E12 // 1000, mint_fee_e12=E12 // 1000))
    before = backing_micro(case.state, case.now)
    minted = case.mint(CASH, 1001)
    assert (minted.value_micro, minted.fee_micro, minted.tokens_micro) == (1001, 2, 999)
    paid = case.redeem(1001)
    assert (paid.worth_micro, paid.fee_micro, paid.units) == (1001, 2, ((CASH, 999),))
    assert backing_micro(case.state, case.now) == before + 1001 - 999


def test_in_kind_pays_the_same_fraction_of_every_leg():
    case = standing()
    paid = case.redeem(110 * MICRO, in_kind=True)
    # 1100 of low value: 600 cash, 500 loans.
    assert paid.units == ((CASH, 60 * MICRO), (LOANS, 50 * MICRO))
    assert token.plan_redeem(standing(terms(cash_leg=IN_KIND)).state, 110 * MICRO, case.now).units == paid.units


def test_a_cash_leg_pays_at_its_low_price():
    case = standing()
    case.observe({CASH: 999_999_999})
    assert case.redeem(MICRO).units == ((CASH, 1_000_000),)
    case.observe({CASH: 900_000_000})
    assert case.redeem(9).units == ((CASH, 10),)


def test_nothing_is_minted_unless_every_leg_is_sound():
    case = standing().wait(25 * HOUR_NS)
    case.observe({CASH: NANO})
    case.wait(2 * HOUR_NS)
    assert token_state(case.state, case.now) is TokenState.IFFY
    assert case.mint(CASH, MICRO) is Refusal.TOKEN_NOT_SOUND
    # The other leg's price is fresh at once, and believed after an hour.
    case.observe({LOANS: NANO})
    assert case.mint(CASH, MICRO) is Refusal.TOKEN_NOT_SOUND
    case.wait(HOUR_NS)
    assert case.mint(CASH, MICRO).tokens_micro == MICRO


def test_a_mint_must_leave_the_buffer():
    """1100 backs 1000: at a buffer of 2 % further tokens may bring the ratio down to 1.02, and not below."""
    case = standing(terms(buffer_e12=2 * E12 // 100))
    most = (1100 * MICRO - 1020 * MICRO) * 50
    assert case.mint(CASH, most + 1) is Refusal.BACKING_TOO_LOW
    assert case.mint(CASH, most).tokens_micro == most
    assert ratio_e12(case.state, case.now) == 102 * E12 // 100
    assert case.mint(CASH, MICRO) is Refusal.BACKING_TOO_LOW


def test_a_haircut_counts_at_a_mint():
    case = standing(loans_haircut_e12=E12 // 2, buffer=1000 * MICRO)
    assert backing_micro(case.state, case.now) == 1750 * MICRO
    assert ratio_e12(case.state, case.now) == 175 * E12 // 100
    case.mint(LOANS, 100 * MICRO)
    assert backing_micro(case.state, case.now) == 1800 * MICRO


def test_a_mint_may_not_overweigh_a_leg():
    """Loans at 45.5 % of 1100 may rise to 50 % + 5 %: 1100 + m with 500 + m at most 0.55 of it."""
    case = standing()
    case.state.terms = terms(drift_e12=E12 // 20)
    assert case.mint(LOANS, 233_333_334) is Refusal.OVERWEIGHT
    assert case.mint(LOANS, 233_333_333).tokens_micro == 233_333_333


def test_throttles_hold_and_what_goes_one_way_gives_room_the_other():
    narrow = terms(
        issuance=ThrottleTerms(amount_micro=600 * MICRO, share_e12=0),
        redemption=ThrottleTerms(amount_micro=700 * MICRO, share_e12=1),
    )
    case = standing(narrow, supply=600 * MICRO)
    assert case.mint(CASH, 1) is Refusal.ISSUANCE_THROTTLED
    case.wait(HOUR_NS // 2)
    assert token.issuance_room_micro(case.state, case.now) == 300 * MICRO
    assert case.mint(CASH, 300 * MICRO + 1) is Refusal.ISSUANCE_THROTTLED
    assert case.mint(CASH, 300 * MICRO).tokens_micro == 300 * MICRO
    assert case.redeem(700 * MICRO + 1, in_kind=True) is Refusal.REDEMPTION_THROTTLED
    assert case.redeem(700 * MICRO, in_kind=True).tokens_micro == 700 * MICRO
    assert token.issuance_room_micro(case.state, case.now) == 600 * MICRO
    assert token.redemption_room_micro(case.state, case.now) == 0
    assert case.redeem(1) is Refusal.REDEMPTION_THROTTLED
    assert case.wait(HOUR_NS).redeem(200 * MICRO + 1) is Refusal.ABOVE_SUPPLY


def test_who_is_turned_away():
    case = standing()
    assert case.mint(99, MICRO) is Refusal.UNKNOWN_LEG
    assert case.redeem(1001 * MICRO) is Refusal.ABOVE_SUPPLY
    assert case.redeem(601 * MICRO) is Refusal.LEG_SHORT
    assert case.redeem(601 * MICRO, in_kind=True).tokens_micro == 601 * MICRO
    case.observe({CASH: NANO // 10})
    assert case.mint(CASH, 5) is Refusal.TOKENS_TOO_FEW
    case.observe({CASH: 0})
    assert case.redeem(1) is Refusal.LEG_NOT_SOUND
    case.observe({LOANS: 0})
    assert case.redeem(1, in_kind=True) is Refusal.TOKENS_TOO_FEW


def test_a_leg_out_of_the_basket_takes_no_mint():
    case = standing()
    case.reweight({CASH: E12, LOANS: 0})
    assert case.mint(LOANS, MICRO) is Refusal.LEG_NOT_SOUND


def test_supply_has_a_limit():
    huge = ThrottleTerms(amount_micro=MONEY_MICRO_MAX - 1, share_e12=0)
    huger = ThrottleTerms(amount_micro=MONEY_MICRO_MAX, share_e12=1)
    case = standing(terms(issuance=huge, redemption=huger))
    assert case.mint(CASH, MONEY_MICRO_MAX) is Refusal.SUPPLY_LIMIT
    assert case.endow(CASH, MONEY_MICRO_MAX) is Refusal.SUPPLY_LIMIT


# --- below par ------------------------------------------------------------------------------------


def short(ratio_percent: int, **options) -> Case:
    """A token of 1000 whose loans fell until the ratio is this."""
    case = standing(terms(**options), buffer=20 * MICRO)
    case.observe({LOANS: (ratio_percent * 10 - 520) * NANO // 500})
    assert ratio_e12(case.state, case.now) == ratio_percent * E12 // 100
    return case


def test_below_par_the_curve_pays_the_first_par_and_the_last_what_is_left():
    case = short(70)
    assert case.redeem(50 * MICRO, in_kind=True).worth_micro == 50 * MICRO
    middle = case.redeem(400 * MICRO, in_kind=True)
    assert middle.worth_micro == 320 * MICRO
    assert case.redeem(550 * MICRO, in_kind=True).worth_micro == 330 * MICRO
    assert case.state.supply_micro == 0


def test_splitting_a_redemption_below_par_changes_nothing():
    whole, split = short(80), short(80)
    at_once = whole.redeem(300 * MICRO, in_kind=True).worth_micro
    parts = [split.redeem(60 * MICRO, in_kind=True).worth_micro for _ in range(5)]
    assert sum(parts) == at_once
    assert parts == sorted(parts, reverse=True)


def test_the_level_of_redemptions_fades_with_its_half_life():
    case = short(80)
    case.redeem(200 * MICRO, in_kind=True)
    assert level_now(case.state, case.now)[0] == 200 * MICRO
    assert abs(level_now(case.state, case.now + 12 * HOUR_NS)[0] - 100 * MICRO) <= 1
    case.observe({CASH: NANO, LOANS: NANO})
    case.endow(CASH, 500 * MICRO)
    case.mint(CASH, 150 * MICRO)
    assert case.state.level_micro == 50 * MICRO


def test_a_haircut_is_the_same_for_all_whoever_comes_first():
    """Nobody gains by running, nobody by waiting: the ratio stays what it is while they leave."""
    case = short(80)
    assert case.haircut(holders=200 * MICRO).ratio_e12 == 8 * E12 // 10
    assert token_state(case.state, case.now) is TokenState.HAIRCUT
    for _ in range(4):
        paid = case.redeem(100 * MICRO)
        assert paid.worth_micro == 80 * MICRO
        assert paid.units == ((CASH, 80 * MICRO),)
        assert ratio_e12(case.state, case.now) == 8 * E12 // 10
    kind = case.redeem(300 * MICRO, in_kind=True)
    assert kind.units == ((CASH, 100 * MICRO), (LOANS, 250 * MICRO))
    assert ratio_e12(case.state, case.now) == 8 * E12 // 10


def test_a_haircut_in_kind_is_the_units_share_whatever_counts_of_them():
    case = standing(loans_haircut_e12=E12 // 2, buffer=300 * MICRO)
    case.observe({LOANS: NANO // 5})
    case.haircut()
    first = case.redeem(250 * MICRO, in_kind=True).units
    second = case.redeem(250 * MICRO, in_kind=True).units
    assert first == second == ((CASH, 200 * MICRO), (LOANS, 125 * MICRO))


def test_a_haircut_begins_and_ends_by_the_ratio():
    case = standing()
    assert case.haircut() is Refusal.NOT_SHORT
    assert case.lift() is Refusal.NOT_SHORT
    case = short(80)
    assert case.haircut(holders=0) is Refusal.LOSS_COVERED
    case.haircut()
    assert case.mint(CASH, MICRO) is Refusal.TOKEN_NOT_SOUND
    assert case.lift() is Refusal.STILL_SHORT
    case.endow(CASH, 200 * MICRO)
    assert case.lift().ratio_e12 == E12
    assert token_state(case.state, case.now) is TokenState.SOUND


def test_while_iffy_nobody_takes_more_than_the_units_share():
    """A low price that is not believed would hand out the basket cheaply: 80 % would pay 1 for 0.8."""
    case = short(80)
    case.wait(26 * HOUR_NS)
    assert token_state(case.state, case.now) is TokenState.IFFY
    paid = case.redeem(100 * MICRO, in_kind=True)
    assert paid.worth_micro == 100 * MICRO
    assert paid.units == ((CASH, 52 * MICRO), (LOANS, 50 * MICRO))
    assert case.redeem(MICRO) is Refusal.LEG_NOT_SOUND


def test_disabled_pays_all_alike_and_of_every_leg():
    case = standing()
    case.wait(25 * HOUR_NS).observe({CASH: NANO})
    case.wait(25 * HOUR_NS).observe({CASH: NANO})
    for _ in range(5):
        case.wait(DAY_NS).observe({CASH: NANO})
    assert token_state(case.state, case.now) is TokenState.DISABLED
    # 600 of cash count, and the loans count nothing; but they are everybody's.
    assert ratio_e12(case.state, case.now) == 6 * E12 // 10
    paid = case.redeem(100 * MICRO, in_kind=True)
    assert (paid.worth_micro, paid.units) == (60 * MICRO, ((CASH, 60 * MICRO), (LOANS, 50 * MICRO)))


# --- misuse ---------------------------------------------------------------------------------------


def test_a_plan_is_carried_out_on_the_state_it_is_of():
    case = standing()
    planned = token.plan_redeem(case.state, MICRO, case.now)
    token.redeem(case.state, planned, case.now)
    with pytest.raises(MisuseError, match="Plan again"):
        token.redeem(case.state, planned, case.now)
    again = token.plan_redeem(case.state, MICRO, case.now)
    with pytest.raises(MisuseError, match="Plan again"):
        token.redeem(case.state, again, case.now + 1)


def test_time_never_falls_and_amounts_are_whole():
    case = standing()
    with pytest.raises(MisuseError, match="never falls"):
        token.plan_redeem(case.state, MICRO, case.now - 1)
    for amount in (0, -1, 1.5, True, MONEY_MICRO_MAX + 1):
        with pytest.raises(AssetError):
            token.plan_redeem(case.state, amount, case.now)
        with pytest.raises(AssetError):
            token.plan_mint(case.state, CASH, amount, case.now)
