"""No sequence of trades that ends where it began takes value from the curve, as long as its anchor stays.

Approximated curves leak by rounding, and the large losses came from many tiny trades composed. So these are
sequences of 65 and more, many of one lot, also where almost nothing is left to trade or to pay with.
"""

import random

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from parbook.codes import Side
from parbook.instrument import Instrument
from parbook.messages import ProposeAnchor, SetCurve
from tests.parity.reading import resting_orders
from tests.support.curves import random_curve
from tests.support.markets import MARKETS, examples
from tests.support.scenario import curve_params
from tests.support.small_cases import small_case, small_params

both = pytest.mark.parametrize("market_class", MARKETS.values(), ids=MARKETS.keys())
BUY, SELL, IOC = 0, 1, 1


class Taker:
    """An adversary with an account of its own; notes the curve's cash each time its cursor is where it was."""

    def __init__(self, market):
        self.market = market
        self.lots = self.money = 0
        state = market.curve
        self.cash_at = {state.net_lots: state.cash_notional}

    def trade(self, side, lots, limit):
        placed = self.market.place(7, side, lots, limit, tif=IOC)
        sign = 1 if side == BUY else -1
        self.lots += sign * placed.filled_lots
        self.money -= sign * placed.notional
        state = self.market.curve
        known = self.cash_at.get(state.net_lots)
        assert known is None or state.cash_notional >= known, "the curve lost money on a closed loop"
        self.cash_at[state.net_lots] = state.cash_notional
        return placed.filled_lots

    def go_home(self, high):
        """Trade back to where the taker began; return whether it got there."""
        while self.lots:
            side = SELL if self.lots > 0 else BUY
            if not self.trade(side, min(abs(self.lots), 2**37), 1 if side == SELL else high):
                return False
        return True


def quoting(market_class, params, low, high):
    market = market_class(Instrument(symbol="LOOP"))
    market.apply(SetCurve(params=params))
    market.apply(ProposeAnchor(low_ticks=low, high_ticks=high))
    return market


@both
@examples(120)
@given(rng=st.randoms(use_true_random=False), trades=st.integers(65, 90))
def test_against_the_curve_alone(market_class, rng: random.Random, trades):
    low = rng.randint(1, 120)
    market = quoting(market_class, small_params(rng), low, low + rng.randint(0, 2))
    start = market.curve
    taker = Taker(market)
    for _ in range(trades):
        side = rng.randint(0, 1)
        taker.trade(side, rng.choice([1, 1, 1, 2, rng.randint(1, 12)]), rng.choice([low, 10**6 if side == BUY else 1]))
    if taker.go_home(10**9):
        assert taker.money <= 0
        assert market.curve.net_lots == start.net_lots
        assert market.curve.cash_notional == start.cash_notional - taker.money
    else:
        event("could not go home: out of cash or at a limit")


@both
@pytest.mark.parametrize("seed", range(25))
def test_against_curves_of_any_size(market_class, seed):
    """Every parameter over its whole range: deep and shallow, flat and steep, one tick and 2**41."""
    rng = random.Random(seed)
    params, low, high, _ = random_curve(rng)
    cash = rng.choice([0, 2**62, rng.randint(0, 2**62), min(2**62, rng.randint(0, 50) * low)])
    market = quoting(market_class, msgspec.structs.replace(params, budget_notional=cash), low, high)
    taker = Taker(market)
    for _ in range(80):
        side = rng.randint(0, 1)
        lots = rng.choice([1, 1, rng.randint(1, 100), 2 ** rng.randint(0, 22)])
        taker.trade(side, lots, 2**41 if side == BUY else 1)
    if taker.go_home(2**41):
        assert taker.money <= 0


@both
@examples(120)
@given(rng=st.randoms(use_true_random=False))
def test_with_a_book_beside_it(market_class, rng: random.Random):
    """Others' orders clip the curve and come and go. Its cash at one cursor still never falls."""
    case = small_case(rng)
    market = quoting(market_class, case.params, case.low_ticks, case.high_ticks)
    taker = Taker(market)
    for _ in range(80):
        resting = resting_orders(market)
        roll = rng.random()
        if roll < 0.2:
            market.place(9, rng.randint(0, 1), rng.randint(1, 4), case.low_ticks + rng.randint(-8, 8), order_type=2)
        elif roll < 0.35 and len(resting):
            order = rng.choice(resting.tolist())
            market.cancel(order[2], order_id=order[0])
        else:
            side = rng.randint(0, 1)
            taker.trade(side, rng.choice([1, 1, 2, 5]), rng.choice([case.low_ticks, 150 if side == BUY else 50]))
    market.check()


@both
def test_a_single_lot_back_and_forth_a_thousand_times(market_class):
    """At the target, without a spread, a round trip costs the taker something or nothing, never less."""
    params = curve_params("pmm k=100000 base=40 depth=40 min=-20")
    taker = Taker(quoting(market_class, params, 101, 101))
    for number in range(1000):
        taker.trade(Side(number % 2), 1, 10**6 if number % 2 == BUY else 1)
    assert taker.go_home(10**6)
    assert taker.money <= 0


def test_the_loops_close():
    """Most random walks do get home, so that the property above is about something."""
    home = 0
    for seed in range(60):
        rng = random.Random(seed)
        taker = Taker(quoting(MARKETS["core"], small_params(rng), 100, 100))
        sides = [rng.randint(0, 1) for _ in range(65)]
        traded = sum(taker.trade(side, rng.randint(1, 3), 10**6 if side == BUY else 1) > 0 for side in sides)
        home += taker.go_home(10**9) and traded > 5
    assert home >= 20
