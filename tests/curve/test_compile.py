"""Compiled ladders: rungs are exactly where the functions change, windows follow the cursor."""

from __future__ import annotations

import random
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings

from parbook.codes import CurveResale, CurveShape
from parbook.curve import MAX_RUNGS, MAX_RUNGS_BEHIND, CurveParams, Ladder, Rung, compile_ladder, n_ask, n_bid
from parbook.errors import InvariantError, MisuseError
from parbook.units import CURVE_LOTS_MAX, CURVE_PRICE_TICKS_MAX, PPM
from tests.support.curves import curve, curves, random_curve, vector_curve, vectors


def bid_at(params: CurveParams, ladder: Ladder, price: int) -> int:
    """Return N_bid at `price` as the rungs say it: that of the cheapest bid at or above it."""
    return max((rung.net_lots for rung in ladder.bids if rung.price_ticks >= price), default=params.min_net_lots)


def ask_at(params: CurveParams, ladder: Ladder, price: int) -> int:
    """Return N_ask at `price` as the rungs say it: that of the dearest ask at or below it."""
    return min((rung.net_lots for rung in ladder.asks if rung.price_ticks <= price), default=params.max_net_lots)


def test_rungs_give_the_rows_of_the_reference_ladders() -> None:
    compared = 0
    for row in vectors("reference_ladder_and_matching")["ladder"]:
        params, anchor = vector_curve(row), row["anchor"]
        for price, bid, ask in row["rows_price_Nbid_Nask"]:
            # A cursor on the row's own value puts the row inside the window, if the price has a rung.
            if price <= CURVE_PRICE_TICKS_MAX - params.rung_ticks:
                assert bid_at(params, compile_ladder(params, anchor, anchor, bid), price) == bid
                assert ask_at(params, compile_ladder(params, anchor, anchor, ask), price) == ask
                compared += 1
    assert compared == 125


def all_rungs(params: CurveParams, low: int, high: int, top: int) -> Ladder:
    """Return every rung up to the grid price `top`, by looking at every grid price."""
    grid = range(params.rung_ticks, top + 1, params.rung_ticks)
    bids = [
        Rung(g, n_bid(params, low, g))
        for g in grid
        if n_bid(params, low, g) > n_bid(params, low, g + params.rung_ticks)
    ]
    asks = [Rung(g, n_ask(params, high, g)) for g in grid if n_ask(params, high, g) < n_ask(params, high, g - 1)]
    return Ladder(bids=tuple(reversed(bids)), asks=tuple(asks))


def test_small_ladders_hold_exactly_the_prices_where_the_functions_change() -> None:
    rng = random.Random(7)
    for _ in range(300):
        shape = rng.choice(list(CurveShape))
        params = curve(
            shape,
            rng.randint(1, 30),
            rng.randint(1, 30),
            k_ppm=rng.choice([0, 1, 200_000, PPM]),
            spread_ppm=rng.choice([0, 3_000, 200_000]),
            rung_ticks=rng.randint(1, 4),
            drop_ppm=rng.randint(1, PPM - 1),
            par_lots=rng.randint(0, 5),
            max_net_lots=rng.randint(0, 80),
            resale=rng.choice(list(CurveResale)),
        )
        low = rng.randint(1, 60)
        high = low + rng.randint(0, 5)
        # Far above the anchor only a bid at or below min_net_lots is left, which is no rung; asks may go on.
        every = all_rungs(params, low, high, 400)
        built = compile_ladder(params, low, high, rng.randint(params.min_net_lots, params.max_net_lots))
        for got, wanted in ((built.bids, every.bids), (built.asks, every.asks)):
            assert tuple(rung for rung in got if rung.price_ticks <= 400 - params.rung_ticks) == tuple(
                rung for rung in wanted if rung.price_ticks <= 400 - params.rung_ticks
            ), params


@pytest.mark.parametrize("net", [-1500, -300, 0, 200, 1800])
def test_the_window_keeps_64_behind_and_fills_up_ahead(net: int) -> None:
    params = curve(CurveShape.PMM, 5000, 5000, k_ppm=100_000, spread_ppm=3_000, max_net_lots=5000)
    every = all_rungs(params, 10_000, 10_000, 40_000)
    ladder = compile_ladder(params, 10_000, 10_000, net)
    behind = [rung for rung in every.bids if rung.net_lots <= net][-MAX_RUNGS_BEHIND:]
    ahead = [rung for rung in every.bids if rung.net_lots > net]
    assert ladder.bids == tuple((behind + ahead)[:MAX_RUNGS])
    behind = [rung for rung in every.asks if rung.net_lots >= net][-MAX_RUNGS_BEHIND:]
    ahead = [rung for rung in every.asks if rung.net_lots < net]
    assert ladder.asks == tuple((behind + ahead)[:MAX_RUNGS])


def test_fewer_behind_leave_room_ahead() -> None:
    params = curve(CurveShape.LINEAR, 1, 1000, drop_ppm=500_000, min_net_lots=0)
    at_par = compile_ladder(params, 1000, 1000, 0)
    assert [rung.net_lots for rung in at_par.bids] == list(range(2, 2 * MAX_RUNGS + 1, 2))
    further = compile_ladder(params, 1000, 1000, 20)
    assert [rung.net_lots for rung in further.bids] == list(range(2, 2 * MAX_RUNGS + 1, 2)), "10 behind, 246 ahead"
    at_floor = compile_ladder(params, 1000, 1000, 1000)
    assert [rung.net_lots for rung in at_floor.bids] == list(range(874, 1001, 2)), "64 behind, none ahead"


def test_flat_stretches_and_extremes() -> None:
    top = CURVE_PRICE_TICKS_MAX
    constant = curve(CurveShape.PMM, 10, 20, max_net_lots=20)
    assert compile_ladder(constant, top, top, 0) == Ladder(bids=(Rung(top, 0), Rung(top - 1, 20)), asks=(Rung(top, 0),))
    assert compile_ladder(constant, 1, 1, 0) == Ladder(bids=(Rung(1, 0),), asks=(Rung(1, 0), Rung(2, -9)))
    lone = curve(CurveShape.PMM, 1, 1, k_ppm=PPM, max_net_lots=1)
    # One lot is bought at a quarter of the anchor; the flat stretch above it is 2**39 prices long.
    assert compile_ladder(lone, 2**40, 2**40, 0).bids == (Rung(2**38, 1),)
    one_rung = curve(CurveShape.PMM, 5, 5, k_ppm=PPM, rung_ticks=top, max_net_lots=5)
    assert compile_ladder(one_rung, 2**20, 2**20, 0) == Ladder(bids=(), asks=(Rung(top, -4),))
    # 100 lots at 2**39 are 50 at four times the price and just below it: the top price still gets its rung.
    high = curve(CurveShape.PMM, 100, 100, k_ppm=PPM)
    assert compile_ladder(high, 2**39, 2**39, -60).bids[0] == Rung(top, -50)
    deep = curve(CurveShape.PMM, CURVE_LOTS_MAX, CURVE_LOTS_MAX, k_ppm=1)
    ladder = compile_ladder(deep, top, top, 0)
    ladder.check()
    assert (len(ladder.bids), len(ladder.asks)) == (MAX_RUNGS, MAX_RUNGS_BEHIND), "no price is left ahead for asks"


def test_two_anchors_open_a_gap() -> None:
    params = curve(CurveShape.PMM, 100, 100, k_ppm=PPM)
    ladder = compile_ladder(params, 900, 1100, 0)
    assert ladder.bids == compile_ladder(params, 900, 900, 0).bids
    assert ladder.asks == compile_ladder(params, 1100, 1100, 0).asks
    best_bid = max(rung.price_ticks for rung in ladder.bids if rung.net_lots > 0)
    best_ask = min(rung.price_ticks for rung in ladder.asks if rung.net_lots < 0)
    assert best_bid < 900
    assert best_ask > 1100


def test_above_high_is_the_part_of_the_ladder_from_the_high_anchor_on() -> None:
    along = curve(CurveShape.LINEAR, 100, 40, par_lots=3, drop_ppm=200_000, max_net_lots=43)
    above = msgspec.structs.replace(along, resale=CurveResale.ABOVE_HIGH)
    for net in (-99, 0, 3, 20, 43):
        wide, narrow = compile_ladder(along, 98, 100, net), compile_ladder(above, 98, 100, net)
        assert narrow.bids == wide.bids
        assert narrow.asks == tuple(rung for rung in wide.asks if rung.price_ticks >= 100)
        assert narrow.asks[0] == Rung(100, 3), "all it bought on the slope, at once"
        narrow.check()


def test_above_high_begins_at_the_next_rung_of_the_grid() -> None:
    params = curve(CurveShape.LINEAR, 100, 40, drop_ppm=200_000, rung_ticks=7, resale=CurveResale.ABOVE_HIGH)
    assert compile_ladder(params, 98, 98, 40).asks[0] == Rung(98, 0)
    assert compile_ladder(params, 98, 99, 40).asks[0] == Rung(105, n_ask(params, 99, 105))
    top = CURVE_PRICE_TICKS_MAX
    beyond = curve(CurveShape.PMM, 5, 5, rung_ticks=top - 1, resale=CurveResale.ABOVE_HIGH)
    assert compile_ladder(beyond, top, top, 0).asks == (), "no rung lies at the anchor or above it"


def assert_ladder(params: CurveParams, low: int, high: int, net: int) -> None:
    """Every rung states its function's value and is a place of change; the axioms hold."""
    ladder = compile_ladder(params, low, high, net)
    ladder.check()
    top = CURVE_PRICE_TICKS_MAX // params.rung_ticks * params.rung_ticks
    for price, lots in ((rung.price_ticks, rung.net_lots) for rung in ladder.bids):
        assert 1 <= price <= CURVE_PRICE_TICKS_MAX
        assert price % params.rung_ticks == 0
        above = n_bid(params, low, price + params.rung_ticks) if price < top else params.min_net_lots
        assert lots == n_bid(params, low, price) > above
    for price, lots in ((rung.price_ticks, rung.net_lots) for rung in ladder.asks):
        assert 1 <= price <= CURVE_PRICE_TICKS_MAX
        assert price % params.rung_ticks == 0
        below = n_ask(params, high, price - params.rung_ticks) if price > params.rung_ticks else params.max_net_lots
        assert lots == n_ask(params, high, price) < below
    for function, anchor, rungs, step in (
        (n_bid, low, ladder.bids, params.rung_ticks),
        (n_ask, high, ladder.asks, -params.rung_ticks),
    ):
        for a, b in pairwise(rungs):
            assert function(params, anchor, b.price_ticks + step) == a.net_lots, "a place of change was skipped"


@settings(max_examples=150)
@given(curves())
def test_compiled_ladders_shrinking(drawn: tuple[CurveParams, int, int, int]) -> None:
    assert_ladder(*drawn)


def test_compiled_ladders_at_full_scale() -> None:
    rng = random.Random(99)
    for _ in range(400):
        assert_ladder(*random_curve(rng))


def test_ladder_check_finds_broken_axioms() -> None:
    with pytest.raises(InvariantError, match="axiom M"):
        Ladder(bids=(Rung(10, 5), Rung(9, 5))).check()
    with pytest.raises(InvariantError, match="axiom M"):
        Ladder(asks=(Rung(10, 5), Rung(10, 4))).check()
    with pytest.raises(InvariantError, match="axiom X"):
        Ladder(bids=(Rung(10, 5),), asks=(Rung(9, 4),)).check()
    with pytest.raises(InvariantError, match="257 rungs"):
        Ladder(asks=tuple(Rung(i + 1, -i) for i in range(257))).check()


def test_misuse_is_refused() -> None:
    params = curve()
    with pytest.raises(MisuseError, match="rung_ticks=0 is outside"):
        compile_ladder(msgspec.structs.replace(params, rung_ticks=0), 5, 5, 0)
    for low, high, net, name in ((0, 5, 0, "low_ticks"), (6, 5, 0, "high_ticks"), (5, 5, 2**33, "net_lots")):
        with pytest.raises(MisuseError, match=name):
            compile_ladder(params, low, high, net)
