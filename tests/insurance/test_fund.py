"""Staking, premiums, slashing, eras and sales of the insurance fund."""

from __future__ import annotations

import random

import pytest

from parbook.errors import AssetError, InvariantError, MisuseError
from parbook.insurance import loss as losses
from parbook.insurance import stake as stakes
from parbook.insurance.premium import premium_micro
from parbook.insurance.state import at_stake_micro, check, claimable_micro, credit, fund_state
from parbook.insurance.terms import DAY_NS, DRAFTS_MAX, ERAS_MAX, SECOND_NS, STAKERS_MAX, FundState, FundTerms
from parbook.pools.shares import index_step, micro_for
from parbook.pools.waterfall import absorb
from parbook.refusals import Refusal
from tests.anchored.support import vectors
from tests.insurance.support import E12, MICRO, NANO, START_NS, Case, plain

ANN, BOB, CAT = 1, 2, 3


# --- stake ----------------------------------------------------------------------------------------


def test_stake_leaves_through_a_draft():
    case = Case()
    assert case.stake(ANN, 100 * MICRO).shares == 100 * MICRO
    draft = case.unstake(ANN, 40 * MICRO)
    assert (draft.native_micro, draft.due_ns) == (40 * MICRO, case.now + 14 * DAY_NS)
    assert case.wait(14 * DAY_NS - 1).claim_stake(ANN) is Refusal.NOTHING_CLAIMABLE
    assert case.wait(1).claim_stake(ANN).native_micro == 40 * MICRO
    assert case.claim_stake(ANN) is Refusal.NOTHING_CLAIMABLE
    assert at_stake_micro(case.state) == 60 * MICRO


def test_the_published_slash():
    """Of 1000 slashed by 200 a share is worth 0.8, and 100 buy 125."""
    row = vectors("aave_umbrella")["slash"][0]
    case = Case(plain())
    case.stake(ANN, row["shares"])
    case.loss(row["slash"])
    assert case.state.stake.micro / case.state.stake.shares == row["rate_after"]
    assert case.stake(BOB, 100).shares == row["deposit_100_mints"]


def test_the_published_stability_pool():
    """Liquity's P and S are a rate and an index per share: the same losses and gains, to the digit."""
    pool = vectors("liquity")["stability_pool"]
    case = Case(plain())

    def gain(amount):
        case.state.unpaid_micro += amount
        credit(case.state, *index_step(amount, case.state.stake.shares))
        check(case.state)

    one = MICRO
    case.stake(ANN, 100 * one)
    case.stake(BOB, 300 * one)
    case.loss(80 * one)
    gain(88 * one)
    case.stake(CAT, 80 * one)
    case.loss(40 * one)
    gain(44 * one)
    for account, row in zip((ANN, BOB, CAT), pool["result"], strict=True):
        shares = stakes.staked_shares(case.state, account)
        assert micro_for(case.state.stake, shares) * 10**12 == int(row["compounded"])
        assert claimable_micro(case.state, account, case.now) * 10**12 == int(row["gain"])


def test_who_is_turned_away():
    case = Case(plain())
    case.stake(ANN, 1000)
    assert case.unstake(ANN, 1001) is Refusal.STAKE_SHORT
    assert case.unstake(BOB, 1) is Refusal.STAKE_SHORT
    case.loss(900)
    assert case.unstake(ANN, 9) is Refusal.STAKE_TOO_SMALL
    case.unstake(ANN, 500)
    assert case.claim_premium(ANN) is Refusal.NOTHING_CLAIMABLE
    assert case.claim_premium(BOB) is Refusal.NOTHING_CLAIMABLE
    for _ in range(DRAFTS_MAX - 1):
        case.unstake(ANN, 20)
    assert case.unstake(ANN, 20) is Refusal.DRAFTS_FULL
    case.wait(14 * DAY_NS).claim_stake(ANN)
    assert case.unstake(ANN, 20).native_micro == 2


def test_accounts_stake_and_cash_have_limits(monkeypatch):
    case = Case()
    case.stake(ANN, 1)
    assert case.stake(BOB, 2**63 - 1) is Refusal.FUND_LIMIT
    assert case.pay_in(2**63 - 1).cash_micro == 2**63 - 1
    assert case.pay_in(1) is Refusal.FUND_LIMIT
    monkeypatch.setattr(stakes, "STAKERS_MAX", 2)
    case.stake(BOB, 1)
    assert case.stake(CAT, 1) is Refusal.STAKERS_FULL
    assert STAKERS_MAX == 100_000
    # Who leaves gives the place back.
    case.unstake(BOB, 1)
    case.wait(14 * DAY_NS).claim_stake(BOB)
    assert case.stake(CAT, 1).shares == 1


def test_a_share_that_is_too_dear_is_refused():
    case = Case()
    case.stake(ANN, 3)
    case.state.stake.shares = case.state.stakers["1"].stake.shares = 2
    assert case.stake(BOB, 1) is Refusal.STAKE_TOO_SMALL


# --- premiums -------------------------------------------------------------------------------------


def test_a_premium_is_charged_by_amount_and_time_rounded_up():
    assert premium_micro(10**12, E12 // 100, 365 * DAY_NS) == 10**10
    assert premium_micro(1, 1, 1) == 1
    case = Case()
    charged = case.wait(365 * DAY_NS // 2).premium(10**12)
    assert (charged.charge_micro, charged.stakers_micro, charged.cash_micro) == (5 * 10**9, 25 * 10**8, 25 * 10**8)
    assert case.premium(10**12).charge_micro == 0


def test_charging_more_often_never_costs_less():
    rng = random.Random(6)
    for _ in range(200):
        covered, rate = rng.randrange(10**15), rng.randrange(E12)
        times = [rng.randrange(1, 10**15) for _ in range(5)]
        parts = sum(premium_micro(covered, rate, elapsed) for elapsed in times)
        assert 0 <= parts - premium_micro(covered, rate, sum(times)) <= 4


def test_a_premium_streams_to_those_who_are_there():
    """At full emission half of it is out in a week; who comes after a week shares in what comes then."""
    case = Case(plain(premium_e12=E12 // 100))
    case.stake(ANN, 10**12)
    case.wait(365 * DAY_NS).premium(10**12)
    case.wait(7 * DAY_NS)
    early = claimable_micro(case.state, ANN, case.now)
    assert abs(early - 5_000_000_000) < 3000
    case.stake(BOB, 10**12)
    assert claimable_micro(case.state, BOB, case.now) == 0
    case.wait(7 * DAY_NS)
    # Two at stake, twice the target: 0.8 of the emission.
    ann, bob = (claimable_micro(case.state, account, case.now) for account in (ANN, BOB))
    assert ann - early == bob
    assert 2_000_000_000 < ann - early + bob < 2_500_000_000
    assert case.claim_premium(ANN).cash_micro == ann
    assert case.claim_premium(ANN) is Refusal.NOTHING_CLAIMABLE


def test_half_the_target_earns_three_quarters():
    paid = []
    for stake in (10**12, 5 * 10**11):
        case = Case(plain())
        case.stake(ANN, stake)
        case.wait(365 * DAY_NS).premium(10**12)
        case.wait(SECOND_NS * 100)
        paid.append(claimable_micro(case.state, ANN, case.now))
    assert abs(paid[1] * 4 - paid[0] * 3) <= paid[0] // 1000


def test_a_premium_without_stakers_waits_for_them():
    case = Case(plain())
    case.wait(365 * DAY_NS).premium(10**12)
    case.wait(30 * DAY_NS).stake(ANN, 10**12)
    assert claimable_micro(case.state, ANN, case.now) == 0
    assert case.state.unpaid_micro == 10**10
    assert claimable_micro(case.state, ANN, case.now + 7 * DAY_NS) > 10**9


# --- alarm and loss -------------------------------------------------------------------------------


def test_an_alarm_holds_all_stake_and_ends_by_itself():
    case = Case()
    case.stake(ANN, 1000)
    case.unstake(ANN, 500)
    case.wait(14 * DAY_NS)
    assert case.alarm().until_ns == case.now + 5 * DAY_NS
    assert fund_state(case.state, case.now) is FundState.SLASHING
    assert case.claim_stake(ANN) is Refusal.FUND_SLASHING
    assert case.stake(BOB, 5) is Refusal.FUND_SLASHING
    assert case.alarm() is Refusal.ALREADY_SLASHING
    assert case.unstake(ANN, 100).native_micro == 100
    assert losses.next_due_ns(case.state) == case.now + 5 * DAY_NS
    case.wait(5 * DAY_NS)
    assert case.due().alarm
    assert losses.next_due_ns(case.state) == 0
    assert case.alarm() is Refusal.ALARM_TOO_SOON
    assert case.claim_stake(ANN).native_micro == 500
    case.wait(DAY_NS).alarm()
    assert case.stand_down().until_ns == 0
    assert case.stand_down() is Refusal.NOT_SLASHING


def test_every_published_loss():
    """The fund's layers are those of the published loss order, one function: whole units, stake at no haircut."""
    for row in vectors("own_formulas")["loss_absorption"]:
        layers = dict(row["layers"])
        case = Case(plain())
        case.stake(ANN, layers["native_stake_seizable_at_haircut"])
        case.pay_in(layers["insurance_fund_cash"])
        spread, junior, surplus = layers["excess_spread"], layers["junior"], layers["surplus_buffer"]
        plan = case.loss(row["loss"], spread=spread, junior=junior, surplus=surplus)
        out = {name: int(text) for name, text in row["out"].items()}
        assert plan.excess_spread_micro == out["excess_spread"]
        assert plan.junior_micro == out["junior"]
        assert plan.surplus_micro == out["surplus_buffer"]
        assert plan.cash_micro == out["insurance_fund_cash"]
        assert plan.stake_micro == out["native_stake_seizable_at_haircut"]
        assert plan.holders_micro == out["haircut_holders"]
        assert absorb(row["loss"], list(layers.values()))[1] == plan.holders_micro


def test_a_slash_reaches_drafts_even_those_that_are_due():
    """Nobody escapes by unstaking after the loss: 100 of 400 are seized, a quarter of everybody's."""
    case = Case(plain())
    for account in (ANN, BOB, CAT):
        case.stake(account, 100 * MICRO)
    case.stake(CAT, 100 * MICRO)
    case.unstake(BOB, 100 * MICRO)
    case.wait(14 * DAY_NS).unstake(ANN, 100 * MICRO)
    case.alarm()
    plan = case.loss(100 * MICRO)
    assert (plan.seized_stake_micro, plan.seized_drafts_micro) == (50 * MICRO, 50 * MICRO)
    assert fund_state(case.state, case.now) is FundState.ACTIVE
    assert case.claim_stake(BOB).native_micro == 75 * MICRO
    assert case.wait(14 * DAY_NS).claim_stake(ANN).native_micro == 75 * MICRO
    assert micro_for(case.state.stake, 200 * MICRO) == 150 * MICRO


def test_stake_counts_at_a_haircut_and_is_seized_to_fetch_the_loss():
    case = Case(FundTerms(haircut_e12=E12 // 2))
    case.stake(ANN, 1000 * MICRO)
    plan = case.loss(300 * MICRO, price=2 * NANO)
    assert (plan.stake_micro, plan.seized_stake_micro, plan.holders_micro) == (300 * MICRO, 300 * MICRO, 0)
    plan = case.loss(1000 * MICRO, price=2 * NANO)
    assert (plan.stake_micro, plan.seized_stake_micro, plan.holders_micro) == (700 * MICRO, 700 * MICRO, 300 * MICRO)
    assert case.loss(5, price=0).holders_micro == 5


def test_a_loss_takes_cash_before_stake_and_premiums_from_nobody():
    case = Case()
    case.stake(ANN, 10**12)
    case.pay_in(70)
    case.wait(365 * DAY_NS).premium(10**6)
    case.wait(DAY_NS)
    earned = claimable_micro(case.state, ANN, case.now)
    case.loss(10**13)
    assert case.state.cash_micro == 0
    assert claimable_micro(case.state, ANN, case.now) == earned > 0


# --- eras -----------------------------------------------------------------------------------------


def test_a_share_worth_too_little_begins_a_new_era():
    """10^12 micro lose all but 999: less than 1e-9 each. What is left is seized too, and the premium stays theirs."""
    case = Case(plain())
    case.stake(ANN, 10**12)
    case.wait(365 * DAY_NS).premium(10**12)
    case.wait(7 * DAY_NS)
    earned = claimable_micro(case.state, ANN, case.now)
    plan = case.loss(10**12 - 999)
    assert plan.seized_stake_micro == 10**12 - 999
    assert (case.state.stake_era, case.state.stake.shares, case.state.seized_micro) == (1, 0, 10**12)
    assert stakes.staked_shares(case.state, ANN) == 0
    assert case.unstake(ANN, 1) is Refusal.STAKE_SHORT
    case.stake(BOB, 500)
    case.wait(DAY_NS)
    assert claimable_micro(case.state, ANN, case.now) == earned
    assert case.stake(ANN, 500).shares == 500
    assert case.claim_premium(ANN).cash_micro == earned


def test_just_enough_left_is_no_new_era():
    case = Case(plain())
    case.stake(ANN, 10**12)
    case.loss(10**12 - 1000)
    assert case.state.stake_era == 0
    assert case.stake(BOB, 1).shares == 10**9


def test_drafts_have_eras_of_their_own():
    case = Case(plain())
    case.stake(ANN, 10**10)
    case.unstake(ANN, 10**10)
    case.stake(BOB, 5)
    case.loss(10**10 + 4)
    assert (case.state.draft_era, case.state.stake_era) == (1, 1)
    assert case.wait(14 * DAY_NS).claim_stake(ANN) is Refusal.NOTHING_CLAIMABLE
    assert fund_state(case.state, case.now) is FundState.ACTIVE
    case.stake(ANN, 7)
    case.unstake(ANN, 7)
    assert len(case.state.stakers["1"].drafts) == 1
    assert case.wait(14 * DAY_NS).claim_stake(ANN).native_micro == 7


def test_eras_end():
    case = Case(plain())
    for _ in range(ERAS_MAX):
        case.stake(ANN, 1)
        case.loss(1)
    assert case.stake(ANN, 1) is Refusal.ERAS_FULL


# --- sale -----------------------------------------------------------------------------------------


def seized() -> Case:
    """A fund that owes 500 and has seized 1000 tokens, counted at half their price."""
    case = Case(FundTerms(haircut_e12=E12 // 2))
    case.stake(ANN, 2000 * MICRO)
    case.loss(500 * MICRO)
    return case


def test_what_is_seized_is_sold_and_what_it_fetches_fills_the_hole_first():
    case = seized()
    lot = case.auction(low=NANO, high=NANO)
    assert (lot.lot_micro, lot.best_nano, lot.worst_nano) == (1000 * MICRO, NANO, 99 * NANO // 100)
    case.wait(810 * SECOND_NS)
    first = case.buy(400 * MICRO)
    assert (first.cost_micro, first.cover_micro, first.kept_micro) == (400 * MICRO, 400 * MICRO, 0)
    second = case.buy(600 * MICRO)
    assert (second.cost_micro, second.cover_micro, second.kept_micro) == (600 * MICRO, 100 * MICRO, 500 * MICRO)
    assert case.state.auction is None
    assert (case.state.short_micro, case.state.cash_micro) == (0, 500 * MICRO)
    assert case.give_up() is Refusal.NOTHING_SEIZED


def test_an_auction_ends_and_the_rest_waits_for_another():
    case = seized()
    assert case.buy(1) is Refusal.NO_AUCTION
    case.auction()
    assert case.auction() is Refusal.AUCTION_RUNNING
    assert case.give_up() is Refusal.AUCTION_RUNNING
    assert case.buy(1000 * MICRO + 1) is Refusal.LOT_SHORT
    assert case.buy(1).cost_micro == 1001
    assert losses.next_due_ns(case.state) == case.now + 1800 * SECOND_NS
    case.wait(1800 * SECOND_NS)
    assert case.buy(1) is Refusal.NO_AUCTION
    assert case.due().unsold_micro == 1000 * MICRO - 1
    assert case.auction().lot_micro == 1000 * MICRO - 1


def test_what_a_sale_lacks_is_the_holders():
    case = seized()
    case.auction(low=NANO // 10, high=NANO // 10)
    case.wait(1799 * SECOND_NS)
    assert case.buy(1000 * MICRO).cost_micro == 99 * MICRO
    assert case.give_up().holders_micro == 401 * MICRO
    assert case.state.short_micro == 0
    assert case.auction() is Refusal.NOTHING_SEIZED


def test_a_sale_may_not_overfill_the_fund():
    case = seized()
    case.pay_in(2**63 - 1)
    case.auction()
    assert case.buy(1) is Refusal.FUND_LIMIT


def test_an_empty_fund_is_depleted():
    case = Case(plain())
    assert fund_state(case.state, case.now) is FundState.DEPLETED
    case.stake(ANN, 10)
    case.loss(10)
    case.auction()
    case.buy(10)
    # Sold at 1000.00008 times its price, in the auction's first moment.
    assert case.state.cash_micro == 9991
    case.loss(9991)
    assert fund_state(case.state, case.now) is FundState.DEPLETED


# --- terms, misuse, invariants --------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"unstake_ns": 0},
        {"alarm_ns": 15 * DAY_NS},
        {"haircut_e12": E12},
        {"premium_e12": -1},
        {"stakers_e12": E12 + 1},
        {"payout_e27": 10**27},
        {"target_micro": 0},
        {"slippage_e12": E12},
        {"auction_ns": True},
    ],
)
def test_terms_out_of_range_are_refused(changes):
    with pytest.raises(AssetError):
        FundTerms(**changes)


def test_plans_are_of_one_state_and_time():
    case = Case()
    planned = stakes.plan_stake(case.state, ANN, 5, START_NS)
    stakes.stake(case.state, planned, START_NS)
    with pytest.raises(MisuseError, match="Plan again"):
        stakes.stake(case.state, planned, START_NS)
    with pytest.raises(MisuseError, match="never falls"):
        stakes.plan_stake(case.state, ANN, 5, START_NS - 1)
    with pytest.raises(AssetError, match="account"):
        stakes.plan_stake(case.state, -1, 5, START_NS)


def test_check_finds_what_is_broken():
    def broken(change) -> None:
        case = Case()
        case.stake(ANN, 100)
        case.unstake(ANN, 40)
        change(case.state)
        with pytest.raises(InvariantError):
            check(case.state)

    broken(lambda fund: setattr(fund, "cash_micro", -1))
    broken(lambda fund: setattr(fund.stake, "micro", 61))
    broken(lambda fund: setattr(fund.stake, "shares", 0))
    broken(lambda fund: setattr(fund.drafts, "shares", 41))
    broken(lambda fund: setattr(fund, "sold_out_micro", 1))
    broken(lambda fund: setattr(fund.stakers["1"].stake, "owed_micro", 1))
    broken(lambda fund: fund.indices_e18.append(0))
    broken(lambda fund: setattr(fund.stakers["1"].drafts[0], "shares", 0))
