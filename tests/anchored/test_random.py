"""Random streams of operations: conservation of units and tokens, solvency, and no gain from splitting."""

from __future__ import annotations

import random
from typing import Any

import pytest

from parbook.anchored.state import counted, token_state
from parbook.anchored.terms import HOUR_NS, LegStatus, ThrottleTerms, TokenState
from parbook.pools.amounts import E12, MICRO, NANO
from parbook.refusals import Refusal
from tests.anchored.support import CASH, LOANS, Case, reread, standing, terms

LANDS = 12


class Books:
    """What an independent keeper of books knows: units and tokens that came and went."""

    def __init__(self, case: Case) -> None:
        self.supply = case.state.supply_micro
        self.units = {leg.asset: leg.quantity_micro for leg in case.state.legs}

    def agree(self, case: Case) -> None:
        assert case.state.supply_micro == self.supply
        assert {leg.asset: leg.quantity_micro for leg in case.state.legs} == self.units


def step(rng: random.Random, case: Case, books: Books) -> Refusal | None:
    amount = rng.choice([1, rng.randrange(1, 10**4), rng.randrange(1, 200 * MICRO)])
    asset = rng.choice([CASH, LOANS, LANDS])
    before = token_state(case.state, case.now)
    result: Any = None
    match rng.randrange(12):
        case 0 | 1 | 2:
            result = case.mint(asset, amount)
            if not isinstance(result, Refusal):
                assert before is TokenState.SOUND
                books.supply += result.tokens_micro
                books.units[asset] += amount
        case 3 | 4 | 5 | 6:
            result = case.redeem(min(amount, max(case.state.supply_micro, 1)), in_kind=rng.random() < 0.6)
            if not isinstance(result, Refusal):
                assert result.worth_micro <= result.tokens_micro
                books.supply -= result.tokens_micro
                for leg, units in result.units:
                    books.units[leg] -= units
        case 7:
            result = case.endow(asset, amount)
            if not isinstance(result, Refusal):
                books.units[asset] += amount
        case 8:
            result = case.release(asset, amount)
            if not isinstance(result, Refusal):
                books.units[asset] -= amount
        case 9:
            result = case.haircut() if rng.random() < 0.3 else case.lift()
        case 10:
            fall = rng.choice([NANO, NANO, rng.randrange(NANO // 4, 2 * NANO)])
            case.observe({asset: fall}, age_ns=rng.choice([0, 0, HOUR_NS]))
        case 11:
            case.wait(rng.choice([1, 10**9, HOUR_NS, 3 * HOUR_NS]))
            if rng.random() < 0.7:
                case.observe({leg.asset: leg.low_nano for leg in case.state.legs if leg.seen_ns <= case.now})
            case.due()
    return result if isinstance(result, Refusal) else None


@pytest.mark.parametrize("seed", range(6))
def test_random_streams_keep_units_tokens_and_the_state(seed):
    rng = random.Random(seed)
    case = standing(terms(redeem_fee_e12=E12 // 500, mint_fee_e12=E12 // 700, stale_ns=9 * HOUR_NS))
    case.add(LANDS, E12 // 4, claims={LANDS: (40, 41), 40: (41,)})
    case.reweight({CASH: E12 // 3, LOANS: E12 // 3, LANDS: E12 - 2 * (E12 // 3)})
    books, refused, states = Books(case), set(), set()
    for n in range(500):
        refused.add(step(rng, case, books))
        books.agree(case)
        states.add(token_state(case.state, case.now))
        if n % 7 == 0:
            case.state = reread(case.state)
    assert len(states) >= 2
    assert None in refused
    assert len(refused) >= 4


def randomised(rng: random.Random) -> Case:
    """A token anywhere: any ratio, haircuts, level, fee, state."""
    fee = rng.choice([0, E12 // 1000])
    case = standing(
        terms(redeem_fee_e12=fee),
        supply=rng.choice([2000, 1000 * MICRO, 2 * rng.randrange(10**3, 10**12)]),
        buffer=10**12,
        loans_haircut_e12=rng.choice([0, E12 // 10, rng.randrange(E12)]),
    )
    case.release(CASH, rng.randrange(1, 10**12))
    case.observe({LOANS: rng.randrange(NANO // 20, 2 * NANO), CASH: rng.choice([NANO, rng.randrange(NANO // 2, NANO)])})
    if rng.random() < 0.5:
        case.redeem(rng.randrange(1, case.state.supply_micro // 2), in_kind=True)
        case.wait(rng.choice([0, 1, HOUR_NS]))
    if rng.random() < 0.3:
        case.haircut()
    if rng.random() < 0.2:
        case.wait(26 * HOUR_NS)
    return case


def received(paid: Any) -> dict[int, int]:
    return {} if isinstance(paid, Refusal) else dict(paid.units)


@pytest.mark.parametrize("in_kind", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_splitting_a_redemption_never_gains(seed, in_kind):
    rng, compared = random.Random(seed), 0
    for _ in range(60):
        case = randomised(rng)
        tokens = rng.randrange(1, case.state.supply_micro + 1)
        whole, split = case.fork(), case.fork()
        at_once = received(whole.redeem(tokens, in_kind=in_kind))
        if not at_once:
            continue
        compared += 1
        got: dict[int, int] = {}
        left = tokens
        while left:
            part = min(left, rng.randrange(1, tokens // 3 + 2))
            for asset, units in received(split.redeem(part, in_kind=in_kind)).items():
                got[asset] = got.get(asset, 0) + units
            left -= part
        # By value at the prices of the moment, exactly: what is paid in kind is rounded leg by leg.
        price = {leg.asset: leg.low_nano for leg in case.state.legs}
        worth = [sum(units * price[asset] for asset, units in paid.items()) for paid in (got, at_once)]
        slack = sum(price.values()) if in_kind else 0
        assert worth[0] <= worth[1] + slack
        if case.state.haircut and in_kind:
            assert all(units <= at_once.get(asset, 0) for asset, units in got.items())
    assert compared >= 15


@pytest.mark.parametrize("seed", range(4))
def test_those_who_stay_are_never_worse_off_than_pro_rata_says(seed):
    """Where all are alike a redemption never lowers the ratio; nowhere does it pay more than there is, or than par."""
    rng = random.Random(seed)
    for _ in range(80):
        case = randomised(rng)
        before = counted(case.state, case.now, haircut=True), case.state.supply_micro
        value = counted(case.state, case.now, haircut=False)
        alike = case.state.haircut or before[0] >= before[1] * NANO * E12
        paid = case.redeem(rng.randrange(1, case.state.supply_micro + 1), in_kind=rng.random() < 0.5)
        if isinstance(paid, Refusal):
            continue
        after = counted(case.state, case.now, haircut=True), case.state.supply_micro
        assert value - counted(case.state, case.now, haircut=False) <= paid.tokens_micro * NANO * E12
        if alike:
            assert after[0] * before[1] >= before[0] * after[1]


def test_going_in_and_out_again_gains_nothing():
    rng = random.Random(9)
    for _ in range(100):
        case = standing(buffer=1000 * MICRO)
        case.observe({CASH: rng.randrange(NANO * 9 // 10, NANO * 2), LOANS: rng.randrange(NANO // 2, NANO * 2)})
        quantity = rng.randrange(1, 100 * MICRO)
        minted = case.mint(CASH, quantity)
        if isinstance(minted, Refusal):
            continue
        paid = received(case.redeem(minted.tokens_micro))
        assert paid.get(CASH, 0) <= quantity


def test_narrow_throttles_hold_over_any_hour():
    """Whatever is tried, no hour lets out more than two buckets: a full one and its refill."""
    narrow = ThrottleTerms(amount_micro=50 * MICRO, share_e12=0)
    wider = ThrottleTerms(amount_micro=100 * MICRO, share_e12=1)
    rng, case = random.Random(3), standing()
    case.state.terms = terms(issuance=narrow, redemption=wider)
    case.state.redemption.left_micro = 100 * MICRO
    out = []
    for _ in range(300):
        case.wait(rng.randrange(HOUR_NS // 5))
        case.observe({CASH: NANO, LOANS: NANO})
        paid = case.redeem(rng.randrange(1, 60 * MICRO), in_kind=True)
        if isinstance(paid, Refusal):
            if paid is Refusal.ABOVE_SUPPLY:
                break
            continue
        out.append((case.now, paid.tokens_micro))
        assert sum(tokens for at, tokens in out if at > case.now - HOUR_NS) <= 200 * MICRO
    assert len(out) > 10
    assert all(leg.status is not LegStatus.DISABLED for leg in case.state.legs)
