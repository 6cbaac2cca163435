"""Pools in integers: conservation, limits, pledges, states."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parbook.errors import AssetError, InvariantError
from parbook.pools import account as ledger
from parbook.pools.accrual import factor_e27, index_e18, power_e27, reindexed
from parbook.pools.amounts import E12, E18, E27, MICRO, NANO, Rounding, divide, require_int, share_of
from parbook.pools.limits import (
    Candidate,
    Eligibility,
    Limits,
    PledgeRegister,
    admit,
    breaches,
    concentration,
    ineligible,
    legal_hash,
    percent,
)
from parbook.pools.penalty import exit_penalty_bps, ln_e18
from parbook.pools.states import NEXT, LoanState, PoolState, TrancheState, moved
from parbook.pools.tranches import Tranche, net_assets_micro, price_nano, priced, tranche_values
from parbook.pools.waterfall import Due, absorb, distribute, pro_rata
from parbook.pools.writeoff import STEPS, WriteOffRule, checked_rules, keep_e12, kept_micro, straight_line_micro

MONEY = st.integers(0, 10**15)


# --- rounding -----------------------------------------------------------------------------------


def test_divisions_round_as_named():
    quotients = [[divide(n, 4, way) for n in (-6, -2, 2, 5, 6, 7, 8)] for way in Rounding]
    assert quotients == [[-2, -1, 0, 1, 1, 1, 2], [-1, 0, 1, 2, 2, 2, 2], [-2, 0, 0, 1, 2, 2, 2]]
    assert share_of(100, E12 // 3, Rounding.FLOOR) == 33
    assert require_int("x", "y", 5, 5, 5) == 5


# --- tranches -----------------------------------------------------------------------------------


@given(st.integers(-(10**15), 10**15), st.lists(MONEY, max_size=8))
def test_tranche_values_sum_to_the_assets_and_none_is_negative(assets, claims):
    values = tranche_values(assets, claims)
    assert sum(values) == max(assets, 0)
    assert min(values) >= 0
    assert all(value <= claim for value, claim in zip(values, claims, strict=False))
    # Nobody gets anything while somebody before is short.
    for n, claim in enumerate(claims):
        if values[n] < claim:
            assert not any(values[n + 1 :])


@given(MONEY, MONEY, MONEY, st.just(0) | st.integers(10**6, 10**15))
def test_exits_never_pay_more_than_entries_cost(assets, loss, claim, supply):
    tranches = [
        Tranche(name="senior", claim_micro=claim, supply_micro=supply),
        Tranche(name="junior", supply_micro=supply),
    ]
    for value in priced(tranches, assets, loss):
        assert value.exit_nano <= value.entry_nano
        # A payout at the exit price and a charge at the entry price never take from those who stay.
        if supply:
            assert value.exit_nano * supply <= value.exit_value_micro * NANO
            assert value.entry_nano * supply >= value.value_micro * NANO


def test_prices_of_a_pool():
    tranches = [
        Tranche(
            name="senior", claim_micro=70 * MICRO, supply_micro=70 * MICRO, minimum_subordination_e12=3 * E12 // 10
        ),
        Tranche(name="mezzanine", claim_micro=15 * MICRO, supply_micro=15 * MICRO),
        Tranche(name="junior", supply_micro=12 * MICRO),
    ]
    assets = net_assets_micro(90 * MICRO, 15 * MICRO, 4 * MICRO, 1 * MICRO)
    values = priced(tranches, assets, unrealised_micro=20 * MICRO)
    assert [value.value_micro for value in values] == [70 * MICRO, 15 * MICRO, 15 * MICRO]
    assert [value.exit_value_micro for value in values] == [70 * MICRO, 10 * MICRO, 0]
    assert [value.entry_nano for value in values] == [NANO, NANO, 1_250_000_000]
    assert [value.exit_nano for value in values] == [NANO, 666_666_666, 0]
    assert [value.subordination_e12 for value in values] == [3 * E12 // 10, 15 * E12 // 100, 0]
    assert values[0].protected
    assert not priced(tranches, assets - MICRO)[0].protected
    assert price_nano(0, 0, Rounding.FLOOR) == NANO


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: net_assets_micro(0, 5, 6, 0), "claimable 6 exceeds cash 5"),
        (lambda: net_assets_micro(0, 5, 0, -1), "fees_micro=-1"),
        (lambda: priced([], 5), "it has 0 tranches"),
        (lambda: priced([Tranche(name="a", claim_micro=1)], 5), "the last tranche has a claim"),
        (lambda: priced([Tranche(name="a"), Tranche(name="a")], 5), "two tranches have one name"),
        (lambda: Tranche(name="a", claim_micro=1.5), "tranche a: claim_micro=1.5 is a float"),
        (lambda: price_nano(2**62, 1, Rounding.FLOOR), "overflows"),
    ],
)
def test_pools_that_cannot_be_are_refused(make, says):
    with pytest.raises(AssetError, match=says):
        make()


# --- waterfalls ---------------------------------------------------------------------------------


@given(MONEY, MONEY, st.lists(st.tuples(MONEY, MONEY), max_size=5), MONEY, MONEY)
def test_a_waterfall_gives_away_exactly_its_cash(cash, fees, dues, reserve, target):
    paid = distribute(
        cash, fees, [Due(*due) for due in dues], reserve_micro=reserve, reserve_target_micro=target
    )  # fmt: skip
    assert paid.total_micro == cash
    assert paid.fees_micro == min(fees, cash)
    claims = [*(interest for interest, _ in dues), max(target - reserve, 0), *(principal for _, principal in dues)]
    given_away = [*paid.interest_micro, paid.reserve_micro, *paid.principal_micro]
    left = cash - paid.fees_micro
    for claim, part in zip(claims, given_away, strict=True):
        assert part == min(claim, left)
        left -= part
    assert paid.junior_micro == left


@given(MONEY, st.lists(MONEY, max_size=8))
def test_a_loss_is_borne_once(loss, layers):
    borne, holders = absorb(loss, layers)
    assert sum(borne) + holders == loss
    assert all(0 <= part <= layer for part, layer in zip(borne, layers, strict=True))
    assert holders == max(loss - sum(layers), 0)


@given(MONEY, st.lists(MONEY, min_size=1, max_size=30))
def test_pro_rata_gives_all_and_to_nobody_more_than_asked(available, requests):
    filled = pro_rata(available, requests)
    assert sum(filled) == min(available, sum(requests))
    total = sum(requests)
    for part, request in zip(filled, requests, strict=True):
        assert part <= request
        if total > available:
            assert abs(part * total - available * request) < total


def test_money_below_nothing_is_refused():
    for call in (lambda: distribute(-1, 0, []), lambda: absorb(-1, []), lambda: pro_rata(1, [-1])):
        with pytest.raises(AssetError, match="=-1 is outside"):
            call()
    with pytest.raises(AssetError, match="tranche 1: principal_micro=-2"):
        distribute(1, 0, [Due(1, -2)])


# --- a loan's account ---------------------------------------------------------------------------


def _step(rng, account):
    amount = rng.randrange(10**6)
    match rng.randrange(6):
        case 0:
            return ledger.billed(account, amount // 20, min(amount, account.performing_micro))
        case 1 | 2:
            after, returned = ledger.paid(account, amount)
            assert 0 <= returned <= amount
            assert returned == 0 or after.owed_micro == after.outstanding_micro
            return after
        case 3:
            return ledger.defaulted(account) if rng.random() < 0.2 else account
        case 4:
            after, returned = ledger.recovered(account, amount)
            assert after.recovered_micro - account.recovered_micro + returned == amount
            return after
    return ledger.written_off(account, min(amount, account.outstanding_micro))


@pytest.mark.parametrize("seed", range(30))
def test_principal_is_neither_made_nor_lost(seed):
    rng = random.Random(seed)
    account = ledger.opened(rng.randrange(1, 10**7))
    for _ in range(60):
        account = _step(rng, account)
        account.check()
    account = ledger.defaulted(account)
    account = ledger.written_off(account, account.outstanding_micro)
    assert account.owed_micro == 0
    # The invariant of a pool of closed loans.
    assert account.defaulted_micro + account.scheduled_micro + account.prepaid_micro == account.opening_micro


def test_the_order_of_a_payment():
    account = ledger.billed(ledger.opened(1000), 30, 100)
    account, back = ledger.paid(account, 50)
    assert (account.interest_paid_micro, account.scheduled_micro, account.prepaid_micro, back) == (30, 20, 0, 0)
    account, back = ledger.paid(account, 2000)
    assert (account.scheduled_micro, account.prepaid_micro, back) == (100, 900, 1020)
    gone = ledger.defaulted(ledger.billed(ledger.opened(1000), 30, 100))
    assert (gone.outstanding_micro, gone.interest_lost_micro, gone.owed_micro) == (1000, 30, 1000)


def test_accounts_that_cannot_be_are_refused():
    account = ledger.opened(1000)
    with pytest.raises(AssetError, match="5 is to be written off and 0 is outstanding"):
        ledger.written_off(account, 5)
    with pytest.raises(AssetError, match="principal_micro=1001 is outside"):
        ledger.billed(account, 0, 1001)
    with pytest.raises(InvariantError, match="does not add up"):
        ledger.LoanAccount(opening_micro=5, performing_micro=4).check()
    with pytest.raises(InvariantError, match="is negative"):
        ledger.LoanAccount(opening_micro=5, performing_micro=5, interest_due_micro=-1).check()


# --- write-offs, accrual, penalty ---------------------------------------------------------------


def test_steps_of_the_write_off():
    assert [keep_e12(days) * 100 // E12 for days in (0, 29, 30, 59, 60, 90, 119, 120, 9999)] == [
        100, 100, 75, 75, 50, 25, 25, 0, 0,
    ]  # fmt: skip
    assert kept_micro(7, 30) == 5
    assert checked_rules(reversed(STEPS)) == STEPS
    with pytest.raises(AssetError, match="60 days: it gives up less"):
        checked_rules([WriteOffRule(30, 500), WriteOffRule(60, 400)])
    with pytest.raises(AssetError, match="days=-1"):
        keep_e12(-1)
    assert straight_line_micro(1000, 90 * E18) == (50, 500)
    assert straight_line_micro(1000, 900 * E18) == (100, 1000)


@given(st.integers(0, 2 * E12), st.integers(0, 10**8), st.integers(0, 10**8))
def test_growth_in_parts_is_growth_at_once(rate, first, second):
    factor = factor_e27(rate)
    once = power_e27(factor, first + second)
    parts = power_e27(factor, first) * power_e27(factor, second) // E27
    assert parts == pytest.approx(once, rel=1e-17 * (2 + first + second))


def test_an_index_and_its_claims():
    factor = factor_e27(E12 // 20)
    year = index_e18(E18, factor, 31_536_000)
    assert year / E18 == pytest.approx(1.0512710963, rel=1e-9)
    assert reindexed(200_000_000, E18, year) == 210_254_219
    with pytest.raises(AssetError, match="the index would become"):
        index_e18(10**12 * E18, factor, 31_536_000)


def test_a_penalty_grows_as_liquidity_falls_and_parts_cost_what_the_whole_does():
    assert ln_e18(2, 1) / E18 == pytest.approx(0.6931471805599453, rel=1e-15)
    assert ln_e18(10_050, 50) / E18 == pytest.approx(5.303304908059076, rel=1e-15)
    assert ln_e18(7, 7) == 0
    rng = random.Random(8)
    for _ in range(200):
        after, middle, before = sorted(rng.sample(range(10_001), 3))
        whole = exit_penalty_bps(before, after) * (before - after)
        parts = exit_penalty_bps(before, middle) * (before - middle) + exit_penalty_bps(middle, after) * (
            middle - after
        )
        assert abs(whole - parts) <= before - after
        assert exit_penalty_bps(middle, after) >= exit_penalty_bps(before, after) >= exit_penalty_bps(before, middle)
    with pytest.raises(AssetError, match="liquidity grows from 5 to 6"):
        exit_penalty_bps(5, 6)


# --- what a pool may hold -----------------------------------------------------------------------


def candidate(**changes):
    fields = {
        "asset_id": "L1", "kind": 1, "group": "B", "months": 24, "days_past_due": 0, "balance_micro": 5000,
        "pd_e12": E12 // 20,
    }  # fmt: skip
    return Candidate(**(fields | changes))


def test_a_loan_is_refused_with_every_reason():
    rules = Eligibility(
        kinds=frozenset({1, 2}),
        groups=frozenset({"A", "B"}),
        months_max=36,
        balance_micro_max=10_000,
        pd_e12_max=E12 // 10,
    )
    assert ineligible(candidate(), rules) == []
    admit(candidate(), rules)
    bad = candidate(kind=3, group="Z", months=48, days_past_due=1, balance_micro=10_001, pd_e12=E12)
    assert len(ineligible(bad, rules)) == 6
    with pytest.raises(AssetError, match=r"asset L1: its kind 3 is none of .*; its group 'Z' .*48 months"):
        admit(bad, rules)


def test_concentration_and_its_limits():
    held = {f"o{n:02}": 100 for n in range(18)} | {"big": 100, "huge": 101, "none": 0}
    who = concentration(held)
    assert who.total_micro == 2001
    assert who.shares[0] == ("huge", 101, divide(101 * E12, 2001, Rounding.CEIL))
    assert len(who.shares) == 20
    assert who.hhi_e12 == divide((19 * 100**2 + 101**2) * E12, 2001**2, Rounding.CEIL)
    sellers = concentration({"s1": 1900, "s2": 101})
    found = breaches(who, sellers, Limits())
    assert found == [
        "obligor huge holds 5.05 % of the pool, above 5.00 %",
        "counterparty s1 holds 94.96 % of the pool, above 10.00 %",
    ]
    # Exactly at the limit is within it.
    assert breaches(concentration(dict.fromkeys("abcdefghijklmnopqrst", 7)), concentration({}), Limits()) == []
    assert breaches(who, concentration({}), Limits(hhi_e12=E12 // 25))[-1].startswith("the HHI of obligors is 5.01 %")
    assert percent(1) == "0.01 %"
    assert concentration({}).hhi_e12 == 0


def test_a_contract_is_pledged_once():
    register = PledgeRegister()
    paper = legal_hash(b"contract 17")
    register.pledge(paper, "L1")
    with pytest.raises(AssetError, match="already backs asset L1"):
        register.pledge(paper, "L2")
    with pytest.raises(AssetError, match="does not hold"):
        register.release(paper, "L2")
    register.release(paper, "L1")
    register.pledge(paper, "L2")
    assert len(register) == 1
    with pytest.raises(AssetError, match="is no SHA-256"):
        register.pledge("ABC", "L3")


def test_states_follow_each_other_as_the_tables_say():
    for table in NEXT.values():
        for state, allowed in table.items():
            for to in type(state):
                if to in allowed:
                    assert moved("loan", state, to) is to
                else:
                    with pytest.raises(AssetError, match=f"cannot go from {state.name} to {to.name}"):
                        moved("loan", state, to)
    with pytest.raises(AssetError, match="may become: GATED, CLOSED"):
        moved("tranche", TrancheState.OPEN, PoolState.REVOLVING)
    assert LoanState.CURRENT not in NEXT[LoanState][LoanState.DEFAULTED]
