"""Half-lives, redemption fees, penalties and queue fills of other systems."""

from __future__ import annotations

from fractions import Fraction

import pytest

from parbook.pools.amounts import E12, E18, MICRO, NANO
from parbook.redemption import queue as q
from parbook.redemption.decay import MINUTE_FACTOR_E18, decay_e18
from parbook.redemption.fee import Path, marginal_e12, payout_micro
from parbook.redemption.queue_state import QueueTerms, opened
from parbook.redemption.tranches import Demand, allocate
from tests.assets.support import vectors
from tests.redemption.support import DAY


def test_liquity_every_decayed_base_rate():
    """Within 3e-14 of the number, or 10e-18: the published ones have fifteen digits, of a power taken in doubles."""
    data = vectors("liquity")
    assert int(data["constants"]["minute_decay"]) == MINUTE_FACTOR_E18
    for row in data["decay"]:
        base = int(Fraction(row["base_rate0"]) * E18)
        for seconds, decayed in zip(row["seconds"], row["decayed"], strict=True):
            found = base * decay_e18(seconds // 60) // E18
            assert abs(found - int(decayed)) <= max(10, 3 * int(decayed) // 10**14), seconds


def test_a_decay_is_the_power_of_its_factor():
    for minutes in (0, 1, 2, 7, 59, 720, 1440, 10_072):
        exact = int(Fraction(MINUTE_FACTOR_E18, E18) ** minutes * E18)
        assert abs(decay_e18(minutes) - exact) <= 200, minutes
    assert decay_e18(720) == pytest.approx(E18 // 2, rel=1e-12)
    assert decay_e18(10**12) == 0


def test_liquity_the_rate_after_a_redemption():
    """Liquity charges the rate *after* a redemption for all of it; our marginal rate there is the same number.

    Its base rate decays itself, ours is heat over supply before heat; so the decayed rate is made into heat here.
    """
    for row in vectors("liquity")["redemption_fee"]:
        rate = int(row["base_rate"]) * decay_e18(row["minutes_since"]) // E18
        # beta is a half: h / (S + h) = 2 rate. 10^15 units before all heat.
        before = 10**15
        heat = round(2 * Fraction(rate, E18) * before)
        units = round(Fraction(str(row["redeemed_fraction_of_supply"])) * before)
        path = Path(NANO, before - heat - units, heat + units, 0, 0)
        found = marginal_e12(path, base_e12=5 * E12 // 1000, beta_e12=E12 // 2, scale_e12=0, offset_e12=1)
        assert abs(found - Fraction(int(row["fee_rate"]) * E12, E18)) <= 1
        assert abs(found - 5 * E12 // 1000 - Fraction(int(row["new_base_rate"]) * E12, E18)) <= 1


def test_truefi_every_penalty():
    """The average between, as our fee on a whole redemption; C/L is the liquid share. Whole basis points, down."""
    scale, offset, other = 5 * E12 // 10_000, 50 * E12 // 10_000, 10**15
    for row in vectors("truefi_exit_penalty")["cases"]:
        before, after = row["before_bps"], row["after_bps"]
        cash = other * before // 10_000
        path = Path(NANO, 10**18, 0, cash * NANO, other)
        if before == after:
            rate = marginal_e12(path, base_e12=0, beta_e12=0, scale_e12=scale, offset_e12=offset)
            # A pool all of whose assets are cash pays nothing there; here that is L = 0, and C = L is half.
            assert rate * 10_000 // E12 == (row["penalty_bps"] if before < 10_000 else 4), row
            continue
        units = other * (before - after) // 10_000
        paid = payout_micro(path, units, base_e12=0, beta_e12=0, scale_e12=scale, offset_e12=offset)
        assert (units - paid) * 10_000 // units == row["penalty_bps"], row
    nothing = marginal_e12(Path(NANO, 1, 0, 1, 0), base_e12=0, beta_e12=0, scale_e12=scale, offset_e12=offset)
    assert nothing == 0


@pytest.mark.parametrize("number", range(4))
def test_maple_every_redemption(number):
    """One request alone: as many shares as the cash pays at the exit price; 1e18 there, micro here."""
    row = vectors("maple")["redeem"][number]
    shares, assets, losses, supply, cash, filled, paid = (int(text) // 10**12 for text in row.values())
    queue = opened(QueueTerms(), 0)
    q.request(queue, q.plan_request(queue, 1, shares, 0), 0)
    q.due(queue, q.plan_due(queue, DAY), DAY)
    plan = q.plan_strike(
        queue,
        now_ns=DAY + 1,
        price_nano=10 * NANO,
        observed_ns=DAY + 1,
        cash_micro=cash,
        exit_value_micro=assets - losses,
        supply_micro=supply,
    )
    assert (plan.units_micro, plan.paid_micro) == (filled, paid)
    assert plan.fills[0].left_units_micro == shares - filled


def test_every_published_pro_rata_is_a_fill():
    for row in vectors("own_formulas")["pro_rata"]:
        queue = opened(QueueTerms(minimum_units_micro=1), 0)
        for account, units in enumerate(row["requests"], 1):
            q.request(queue, q.plan_request(queue, account, units * MICRO, 0), 0)
        q.due(queue, q.plan_due(queue, DAY), DAY)
        plan = q.plan_strike(
            queue,
            now_ns=DAY + 1,
            # A price of a million, so that a micro of units costs a unit of money and the rows' cash is whole.
            price_nano=NANO,
            observed_ns=DAY + 1,
            cash_micro=row["available"],
            exit_value_micro=10**15,
            supply_micro=10**15,
        )
        asked = sum(row["requests"])
        if asked > row["available"]:
            expected = [units * row["available"] / asked for units in row["requests"]]
            assert [fill.units_micro for fill in plan.fills] == pytest.approx(expected, abs=1)
            assert [fill.units_micro for fill in plan.fills] == row["filled"]


@pytest.mark.parametrize("cash", [0, 5, 12, 30])
def test_weights_of_tinlake_and_centrifuge_ask_for_seniority(cash):
    """Brute force over all payments: the greatest weighted sum that keeps the senior's protection is ours."""
    weights = vectors("tinlake_nav_tranche")["cases"]
    tinlake = next(case for case in weights if case["name"] == "Coordinator")["weights"]
    two = (tinlake["seniorRedeem"], tinlake["juniorRedeem"])
    assert "redeem 10^n*10^(seniority+1)" in vectors("centrifuge_chain")["order_weights_3_tranches"]
    three = tuple(10**3 * 10 ** (seniority + 1) for seniority in (2, 1, 0))
    cases = [
        (
            two,
            [
                Demand(value_micro=20, demand_micro=12, minimum_subordination_e12=E12 // 4),
                Demand(value_micro=8, demand_micro=8),
            ],
        ),
        (
            three,
            [
                Demand(value_micro=20, demand_micro=9, minimum_subordination_e12=E12 // 3),
                Demand(value_micro=9, demand_micro=8, minimum_subordination_e12=E12 // 5),
                Demand(value_micro=6, demand_micro=6),
            ],
        ),
    ]
    for weight, demands in cases:
        best = max(_payments(cash, demands), key=lambda paid: sum(w * x for w, x in zip(weight, paid, strict=True)))
        assert allocate(cash, demands) == list(best)


def _payments(cash, demands):
    """Yield every payment in whole micro that keeps each tranche's protection where it was kept before."""
    found = [()]
    for demand in demands:
        found = [(*paid, x) for paid in found for x in range(demand.demand_micro + 1) if sum(paid) + x <= cash]
    for paid in found:
        left = [demand.value_micro - x for demand, x in zip(demands, paid, strict=True)]
        if all(
            sum(left[n + 1 :]) * E12 >= demand.minimum_subordination_e12 * sum(left) or not any(paid[n + 1 :])
            for n, demand in enumerate(demands)
        ):
            yield paid
