"""Random streams on the fund: conservation, a plain model in fractions, slashing, and no gain from splitting."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest

from parbook.insurance.stake import staked_shares
from parbook.insurance.state import at_stake_micro, claimable_micro
from parbook.insurance.terms import DAY_NS, FundTerms
from parbook.pools.amounts import MICRO, NANO
from parbook.refusals import Refusal
from tests.anchored.support import reread
from tests.insurance.support import Case, plain

PEOPLE = (1, 2, 3, 10, 200)


class Plain:
    """What each has by exact fractions: stake, drafts, and what was taken out; a slash takes the same share of all."""

    def __init__(self) -> None:
        self.stake = dict.fromkeys(PEOPLE, Fraction(0))
        self.drafts: dict[int, list[list]] = {who: [] for who in PEOPLE}

    def total(self) -> Fraction:
        return sum(self.stake.values()) + sum(part[0] for drafts in self.drafts.values() for part in drafts)

    def slash(self, stake_share: Fraction, draft_share: Fraction) -> None:
        for who in PEOPLE:
            self.stake[who] *= 1 - stake_share
            for draft in self.drafts[who]:
                draft[0] *= 1 - draft_share


def worth(case: Case, who: int) -> int:
    shares = staked_shares(case.state, who)
    return shares * case.state.stake.micro // case.state.stake.shares if shares else 0


def slash(rng: random.Random, case: Case, model: Plain) -> Any:
    """A slash lowers the price of every share, and takes the same share of stake and drafts, to a micro."""
    fund = case.state
    stake, drafts = fund.stake.micro, fund.drafts.micro
    rate = Fraction(stake, fund.stake.shares) if stake else None
    done = case.loss(fund.cash_micro + rng.randrange(1 + at_stake_micro(fund) // 2), price=NANO)
    if rate is not None:
        assert Fraction(fund.stake.micro, fund.stake.shares) <= rate
    taken = done.seized_stake_micro, done.seized_drafts_micro
    assert abs(taken[0] * drafts - taken[1] * stake) <= max(stake, drafts)
    model.slash(Fraction(taken[0], stake or 1), Fraction(taken[1], drafts or 1))
    return done


def step(rng: random.Random, case: Case, model: Plain, flows: dict[str, int]) -> Any:
    who = rng.choice(PEOPLE)
    amount = rng.choice([rng.randrange(1, 100), rng.randrange(1, 10**9)])
    fund = case.state
    match rng.randrange(14):
        case 0 | 1 | 2:
            done = case.stake(who, amount)
            if not isinstance(done, Refusal):
                model.stake[who] += amount
        case 3 | 4:
            shares = staked_shares(fund, who)
            part = rng.choice([shares, rng.randrange(1, shares + 2)]) if shares else 1
            done = case.unstake(who, max(part, 1))
            if not isinstance(done, Refusal):
                share = model.stake[who] * part / shares
                model.stake[who] -= share
                model.drafts[who].append([share, done.due_ns])
        case 5 | 6:
            done = case.claim_stake(who)
            if not isinstance(done, Refusal):
                due = sum(part[0] for part in model.drafts[who] if part[1] <= case.now)
                model.drafts[who] = [part for part in model.drafts[who] if part[1] > case.now]
                assert due - 40 * max(1, due / 10**6) <= done.native_micro <= due + 40 + due / 10**6
        case 7:
            done = case.claim_premium(who)
            flows["out"] += 0 if isinstance(done, Refusal) else done.cash_micro
        case 8:
            done = case.premium(rng.randrange(10**15))
            flows["in"] += done.charge_micro
        case 9:
            done = case.pay_in(amount)
            flows["in"] += amount
        case 10:
            done = slash(rng, case, model)
            flows["out"] += done.cash_micro
        case 11:
            done = rng.choice([case.alarm, case.stand_down])()
        case 12:
            done = case.auction(rng.randrange(1, NANO), NANO) if rng.random() < 0.4 else case.buy(amount)
            if not isinstance(done, Refusal) and hasattr(done, "cost_micro"):
                flows["in"] += done.cost_micro
                flows["out"] += done.cover_micro
        case _:
            case.wait(rng.choice([1, 10**9, DAY_NS, 5 * DAY_NS])).due()
            done = None
    return done


@pytest.mark.parametrize("seed", range(6))
def test_random_streams_conserve_cash_and_stake(seed):
    rng, case, model = random.Random(seed), Case(FundTerms(haircut_e12=0)), Plain()
    flows, refused = {"in": 0, "out": 0}, set()
    for n in range(500):
        done = step(rng, case, model, flows)
        refused.add(done if isinstance(done, Refusal) else None)
        fund = case.state
        assert flows["in"] - flows["out"] == fund.cash_micro + fund.unpaid_micro + fund.owed_micro
        for who in PEOPLE:
            # Dust goes to those who stay: nobody has less than fractions say by more than roundings, a share each.
            exact = model.stake[who]
            assert abs(worth(case, who) - exact) <= 40 + exact / 10**6
        if n % 9 == 0:
            case.state = reread(case.state)
    assert len(refused) >= 5


@pytest.mark.parametrize("seed", range(3))
def test_splitting_never_gains(seed):
    """Stake, unstake, claim in parts: never more than at once, at any rate of stake and drafts."""
    rng = random.Random(seed)
    for _ in range(60):
        case = Case(plain())
        case.stake(1, rng.randrange(2, 10**6))
        case.unstake(1, max(1, staked_shares(case.state, 1) // 3))
        case.loss(rng.randrange(1, at_stake_micro(case.state)))
        whole, split, amount = case.fork(), case.fork(), rng.randrange(1, 10**6)
        once = whole.stake(2, amount)
        left = amount
        while left:
            part = min(left, rng.randrange(1, amount // 3 + 2))
            split.stake(2, part)
            left -= part
        assert staked_shares(split.state, 2) <= (0 if isinstance(once, Refusal) else once.shares)
        shares = staked_shares(whole.state, 2)
        if not shares:
            continue
        parts = whole.fork()
        whole.unstake(2, shares)
        for n in range(4, 0, -1):
            have = staked_shares(parts.state, 2)
            if have:
                parts.unstake(2, have if n == 1 else max(1, have // n))
        got = [other.wait(14 * DAY_NS).claim_stake(2) for other in (whole, parts)]
        paid = [0 if isinstance(done, Refusal) else done.native_micro for done in got]
        assert paid[1] <= paid[0] <= amount


@pytest.mark.parametrize("seed", range(3))
def test_nobody_gains_by_unstaking_after_the_loss(seed):
    """Two with the same stake; one runs when the loss is known, and gets no more than who stays."""
    rng = random.Random(seed)
    for _ in range(60):
        case = Case(plain())
        stake = rng.randrange(10**3, 10**12)
        case.stake(1, stake)
        case.stake(2, stake)
        case.unstake(1, staked_shares(case.state, 1))
        case.wait(rng.randrange(14 * DAY_NS)).alarm()
        case.wait(rng.randrange(5 * DAY_NS))
        assert case.claim_stake(1) in (Refusal.FUND_SLASHING, Refusal.NOTHING_CLAIMABLE)
        case.loss(rng.randrange(1, stake))
        case.unstake(2, staked_shares(case.state, 2))
        case.wait(14 * DAY_NS)
        ran, stayed = case.claim_stake(1), case.claim_stake(2)
        assert abs(ran.native_micro - stayed.native_micro) <= 1


def test_who_comes_just_before_a_premium_gets_the_share_of_the_time_only():
    case = Case(plain())
    case.stake(1, 10**6 * MICRO)
    case.wait(365 * DAY_NS)
    case.stake(2, 10**6 * MICRO)
    case.premium(10**12)
    case.wait(10**9)
    case.unstake(2, staked_shares(case.state, 2))
    gained = claimable_micro(case.state, 2, case.now)
    case.wait(30 * DAY_NS)
    assert claimable_micro(case.state, 2, case.now) == gained
    # A second of a week in which half is paid: about a millionth of the premium, and half of that.
    assert gained <= 10**10 * 12 // 10**7
    assert claimable_micro(case.state, 1, case.now) > 9 * 10**9
