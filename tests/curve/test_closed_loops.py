"""Composition: no sequence of trades that comes back to where it began takes cash from the protocol.

One operation proves little: known rounding exploits chain many tiny ones. These tests trade single lots
and dust, 65 times and more, over one ladder that stands still, and add up exact cash.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parbook.codes import CurveResale, CurveShape, Side
from parbook.curve import CurveParams, Ladder, compile_ladder
from parbook.units import PPM
from tests.support.curves import curve, curves, ladder_fills, random_curve, trade


def fill(ladder: Ladder, taker: Side, net: int, qty: int) -> tuple[int, int]:
    """Return the cursor and the protocol's gain in cash after a taker's order against `ladder`."""
    gain = 0
    for price, lots in ladder_fills(ladder, taker, net, qty):
        sign = 1 if taker == Side.BUY else -1
        net -= sign * lots
        gain += sign * price * lots
    return net, gain


def loop(ladder: Ladder, rng: random.Random, start: int, trades: int, largest: int) -> tuple[int, int]:
    """Make random trades from `start`, then try to come back to it; return cursor and protocol's gain."""
    net = start
    cash = 0
    for _ in range(trades):
        net, gain = fill(ladder, rng.choice((Side.BUY, Side.SELL)), net, rng.randint(1, largest))
        cash += gain
    way_back = Side.BUY if net > start else Side.SELL
    net, gain = fill(ladder, way_back, net, abs(net - start))
    return net, cash + gain


DUST = [
    curve(shape, base, quote, k_ppm=k, drop_ppm=drop, par_lots=par, spread_ppm=spread, resale=resale)
    for shape in (CurveShape.PMM, CurveShape.LINEAR)
    for base, quote in ((1, 1), (2, 1), (3, 5), (978, 978))
    for k in (0, 1, 999_966, PPM)
    for drop, par in ((200_000, 0), (999_999, 3))
    for spread in (0, 1, 5_000)
    for resale in CurveResale
]


@pytest.mark.parametrize("largest", [1, 3, 400])
def test_loops_of_micro_trades_at_dust_reserves(largest: int) -> None:
    rng = random.Random(largest)
    closed = moved = 0
    for params in DUST:
        for anchor in (1, 2, 7, 131, 10_000):
            ladder = compile_ladder(params, anchor, anchor, 0)
            start, _ = fill(ladder, rng.choice((Side.BUY, Side.SELL)), 0, rng.randint(0, 5))
            net, cash = loop(ladder, rng, start, 80, largest)
            if net == start:
                closed += 1
                moved += cash > 0
                assert cash >= 0, (params, anchor, start)
    # One-sided ladders cannot come back; most can, and most loops leave the protocol richer.
    assert closed > 1400
    assert moved > 600


def test_loops_anywhere_in_the_parameter_space() -> None:
    rng = random.Random(3)
    closed = 0
    for _ in range(700):
        params, low, high, start = random_curve(rng)
        ladder = compile_ladder(params, low, high, start)
        net, cash = loop(ladder, rng, start, rng.choice((65, 130)), rng.choice((1, 2, 1000, 2**31)))
        if net == start:
            closed += 1
            assert cash >= 0, (params, low, high, start)
    assert closed > 300


@given(curves(), st.randoms(use_true_random=False), st.integers(1, 100))
def test_loops_shrinking(drawn: tuple[CurveParams, int, int, int], rng: random.Random, largest: int) -> None:
    params, low, high, start = drawn
    net, cash = loop(compile_ladder(params, low, high, start), rng, start, 65, largest)
    assert net != start or cash >= 0


@pytest.mark.parametrize("resale", CurveResale)
def test_short_loops_from_every_second_cursor_of_a_small_curve(resale: CurveResale) -> None:
    """From each cursor, a buy followed by the same sale, and the reverse, through one ladder."""
    params = curve(CurveShape.PMM, 60, 60, k_ppm=500_000, resale=resale)
    loops = 0
    for center in range(-59, 60, 7):
        ladder = compile_ladder(params, 50, 52, center)
        for start in range(-59, 60, 2):
            for qty in range(1, 40, 2):
                for there, back in ((Side.BUY, Side.SELL), (Side.SELL, Side.BUY)):
                    net, out = fill(ladder, there, start, qty)
                    net, returned = fill(ladder, back, net, abs(net - start))
                    if net == start:
                        loops += 1
                        assert out + returned >= 0
    assert loops > 5_000


@given(curves(), st.sampled_from(Side), st.integers(1, 500), st.randoms(use_true_random=False))
def test_splitting_an_order_changes_nothing(
    drawn: tuple[CurveParams, int, int, int], taker: Side, qty: int, rng: random.Random
) -> None:
    params, low, high, start = drawn
    ladder = compile_ladder(params, low, high, start)
    whole = fill(ladder, taker, start, qty)
    net, cash, left = start, 0, qty
    while left:
        part = rng.randint(1, left)
        net, gain = fill(ladder, taker, net, part)
        cash, left = cash + gain, left - part
    assert (net, cash) == whole


def test_what_is_bought_and_sold_above_high_earns_at_least_the_spread_of_the_anchors() -> None:
    """Lots go in at the low anchor or below, out at the high one or above: each earns what lies between the two."""
    rng = random.Random(45)
    closed = 0
    for _ in range(300):
        low = rng.randint(5, 200)
        high = low + rng.randint(0, 20)
        params = curve(
            rng.choice([CurveShape.PMM, CurveShape.LINEAR]),
            60,
            60,
            k_ppm=rng.choice([0, 1, 300_000, PPM]),
            drop_ppm=rng.choice([1, 300_000, PPM - 1]),
            par_lots=rng.randint(0, 9),
            rung_ticks=rng.choice([1, 1, 4]),
            min_net_lots=0,
            max_net_lots=50,
            resale=CurveResale.ABOVE_HIGH,
        )
        ladder = compile_ladder(params, low, high, 0)
        net = cash = bought = 0
        for _ in range(65):
            side = rng.choice((Side.BUY, Side.SELL))
            after, gain = fill(ladder, side, net, rng.randint(1, 7))
            bought += max(after - net, 0)
            net, cash = after, cash + gain
        net, gain = fill(ladder, Side.BUY, net, net)
        if net == 0:
            closed += bought > 0
            assert cash + gain >= bought * (high - low), (params, low, high)
    assert closed > 150


@pytest.mark.parametrize("resale", CurveResale)
def test_compiling_anew_between_trades_changes_nothing(resale: CurveResale) -> None:
    """The window follows the cursor; while the cursor stays inside the old one, the rungs are the same."""
    rng = random.Random(8)
    params = curve(CurveShape.PMM, 50_000, 50_000, k_ppm=100_000, spread_ppm=2_000, resale=resale)
    still = compile_ladder(params, 10_000, 10_000, 0)
    net = cash = net_anew = cash_anew = 0
    for _ in range(200):
        taker, qty = Side.BUY if net > 0 else Side.SELL, rng.randint(1, 400)
        net, gain = fill(still, taker, net, qty)
        cash += gain
        net_anew, paid, _ = trade(params, 10_000, taker, net_anew, qty)
        cash_anew += paid if taker == Side.BUY else -paid
        assert (net, cash) == (net_anew, cash_anew)
