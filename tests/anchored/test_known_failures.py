"""How other backed tokens failed, and what happens here instead."""

from __future__ import annotations

import pytest

from parbook.anchored.state import backing_micro, ratio_e12, token_state
from parbook.anchored.terms import HOUR_NS, TokenState
from parbook.pools.amounts import E12, MICRO, NANO
from parbook.refusals import Refusal
from tests.anchored.support import CASH, LOANS, NATIVE, TOKEN, standing, terms


def test_usdr_2023_par_from_the_liquid_leg_until_it_is_empty():
    """Cash went to the first, houses were left to the rest, and the own token had counted as backing.

    Here cash that is not there is refused, and in kind all get the same of every leg; the ratio does not fall while
    they run.
    """
    case = standing(terms(redeem_fee_e12=E12 // 1000), buffer=20 * MICRO)
    assert case.add(TOKEN) is Refusal.CIRCULAR_BACKING
    assert case.add(NATIVE) is Refusal.CIRCULAR_BACKING
    before, runs = ratio_e12(case.state, case.now), 0
    while case.state.supply_micro > 100 * MICRO:
        assert case.redeem(100 * MICRO, in_kind=True).worth_micro == 100 * MICRO
        assert ratio_e12(case.state, case.now) >= before
        runs += 1
    assert runs == 9
    cash, loans = (leg.quantity_micro for leg in case.state.legs)
    # What is left for the last is the mixture that everybody got.
    assert abs(cash * 500 - loans * 520) <= 1000 * 500
    assert case.redeem(100 * MICRO) is Refusal.LEG_SHORT
    assert case.redeem(100 * MICRO, in_kind=True).worth_micro == 100 * MICRO


def test_iron_2021_and_terra_2022_no_redemption_mints_and_no_mint_takes_a_claim():
    """TITAN was minted to redeem IRON at a lagging price, without bound.

    Here a redemption names units of legs that are there, and never an asset that is not in the basket.
    """
    case = standing(buffer=20 * MICRO)
    for price in (NANO, NANO // 2, NANO // 10, NANO // 1000):
        case.observe({LOANS: price})
        before = {leg.asset: leg.quantity_micro for leg in case.state.legs}
        paid = case.redeem(50 * MICRO, in_kind=True)
        assert {asset for asset, _ in paid.units} <= {CASH, LOANS}
        assert all(units <= before[asset] for asset, units in paid.units)
        assert case.mint(CASH, MICRO) is Refusal.BACKING_TOO_LOW or price == NANO
    assert case.mint(NATIVE, MICRO) is Refusal.UNKNOWN_LEG


@pytest.mark.parametrize("loop", [{20: (21,), 21: (20,)}, {20: (21,), 21: (22,), 22: (TOKEN,)}])
def test_stream_2025_backing_in_a_circle_is_no_backing(loop):
    """Two protocols counted each other's tokens, several times over."""
    case = standing()
    before = backing_micro(case.state, case.now)
    assert case.add(20, claims=loop) is Refusal.CIRCULAR_BACKING
    assert backing_micro(case.state, case.now) == before


def test_goldfinch_a_late_report_keeps_no_value_for_ever():
    """A loan kept its full value while its report was late. Here it counts nothing after five days."""
    case = standing()
    for hour in range(0, 170, 10):
        case.observe({CASH: NANO})
        state = token_state(case.state, case.now)
        if hour < 25:
            assert state is TokenState.SOUND
        elif hour < 25 + 120:
            assert (state, case.mint(CASH, 1)) == (TokenState.IFFY, Refusal.TOKEN_NOT_SOUND)
        else:
            assert state is TokenState.DISABLED
            assert backing_micro(case.state, case.now) == 600 * MICRO
        case.wait(10 * HOUR_NS)
