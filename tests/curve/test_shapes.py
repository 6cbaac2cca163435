"""The two functions of every shape: published rows, the axioms, the roundings, the parameter checks."""

from __future__ import annotations

import random
from itertools import pairwise, product
from math import isqrt

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parbook.codes import AnchorMove, CurveResale, CurveShape, RejectCode
from parbook.curve import CurveParams, curve_parameter_error, n_ask, n_bid, validate
from parbook.curve.shapes import ceil_div, floor_div, isqrt_ceil, isqrt_floor, snap_down, snap_up
from parbook.units import CURVE_LOTS_MAX, CURVE_PRICE_TICKS_MAX, PPM
from tests.support.curves import curve, curves, pick, random_curve, vector_curve, vectors


def test_every_row_of_the_reference_ladders() -> None:
    ladders = vectors("reference_ladder_and_matching")["ladder"]
    rows = 0
    for row in ladders:
        params = vector_curve(row)
        for price, bid, ask in row["rows_price_Nbid_Nask"]:
            rows += 1
            assert (n_bid(params, row["anchor"], price), n_ask(params, row["anchor"], price)) == (bid, ask), (
                row,
                price,
            )
    assert rows == 126


# --- axioms -------------------------------------------------------------------------------------


def assert_axioms(params: CurveParams, low: int, high: int, prices: list[int]) -> None:
    """M: non-increasing over sorted `prices`; X: the bid never above the ask; both inside their limits."""
    bids = [n_bid(params, low, price) for price in prices]
    asks = [n_ask(params, high, price) for price in prices]
    for name, values in (("bid", bids), ("ask", asks)):
        assert all(a >= b for a, b in pairwise(values)), f"M: {name} of {params} at {low}..{high}"
        assert params.min_net_lots <= values[-1]
        assert values[0] <= params.max_net_lots
    assert all(bid <= ask for bid, ask in zip(bids, asks, strict=True)), f"X: {params} at {low}..{high}"


def test_axioms_at_every_price_of_every_small_pmm() -> None:
    prices = list(range(1, 28))
    for base, quote, k, spread, rung, low, gap, resale in product(
        (1, 2, 7),
        (0, 1, 6),
        (0, 1, 300_000, PPM),
        (0, 150_000, 500_000),
        (1, 2, 5),
        (1, 2, 3, 8),
        (0, 1, 4),
        CurveResale,
    ):
        params = curve(CurveShape.PMM, base, quote, k_ppm=k, spread_ppm=spread, rung_ticks=rung, resale=resale)
        assert_axioms(params, low, low + gap, prices)


@pytest.mark.parametrize("shape", [CurveShape.LINEAR, CurveShape.REDEMPTION])
def test_axioms_at_every_price_of_every_small_sloped_curve(shape: CurveShape) -> None:
    prices = list(range(1, 22))
    for quote, par, drop, spread, rung, low, gap, resale in product(
        (1, 5),
        (0, 2),
        (1, 150_000, 700_000, PPM - 1),
        (0, 200_000, 500_000),
        (1, 2, 5),
        (1, 2, 9),
        (0, 1, 4),
        CurveResale,
    ):
        fields = {"spread_ppm": spread, "rung_ticks": rung, "par_lots": par, "drop_ppm": drop, "resale": resale}
        assert_axioms(curve(shape, 4, quote, k_ppm=250_000, **fields), low, low + gap, prices)


def telling_prices(rng: random.Random, params: CurveParams, low: int, high: int) -> list[int]:
    """Return prices where something may go wrong: around anchors, floors, grid, ends, and at random."""
    floors = [anchor * (PPM - params.drop_ppm) // PPM for anchor in (low, high)]
    around = [
        1,
        low,
        high,
        *floors,
        low * 2,
        CURVE_PRICE_TICKS_MAX,
        *(pick(rng, 1, CURVE_PRICE_TICKS_MAX) for _ in range(12)),
    ]
    near = {price + d for price in around for d in (-params.rung_ticks, -2, -1, 0, 1, 2, params.rung_ticks)}
    return sorted(price for price in near if 1 <= price <= CURVE_PRICE_TICKS_MAX)


def test_axioms_at_full_scale() -> None:
    rng = random.Random(20_240_601)
    for _ in range(2_000):
        params, low, high, _net = random_curve(rng)
        assert_axioms(params, low, high, telling_prices(rng, params, low, high))


@settings(max_examples=150)
@given(curves(), st.randoms(use_true_random=False))
def test_axioms_shrinking(drawn: tuple[CurveParams, int, int, int], rng: random.Random) -> None:
    params, low, high, _net = drawn
    assert_axioms(params, low, high, telling_prices(rng, params, low, high))


# --- what each shape says -----------------------------------------------------------------------


def test_constant_product_is_exact_where_it_is_rational() -> None:
    # x*y = k around 100 lots at price 400: at a quarter of the price 100 more lots, at four times 50 fewer.
    params = curve(CurveShape.PMM, 100, 100, k_ppm=PPM)
    assert n_bid(params, 400, 100) == n_ask(params, 400, 100) == 100
    assert n_bid(params, 400, 1600) == n_ask(params, 400, 1600) == -50
    assert n_bid(params, 400, 400) == n_ask(params, 400, 400) == 0


def test_k_zero_is_a_constant_price() -> None:
    params = curve(CurveShape.PMM, 50, 70)
    assert [n_bid(params, 10, price) for price in (9, 10, 11)] == [70, 0, -49]
    assert [n_ask(params, 10, price) for price in (9, 10, 11)] == [70, 0, -49]


def test_linear_stops_at_its_floor() -> None:
    # Par 3 lots, then 40 lots over a 20 % drop from 100: two lots a tick. The floor price is 80.
    params = curve(CurveShape.LINEAR, 10, 40, par_lots=3, drop_ppm=200_000, k_ppm=PPM)
    assert [n_bid(params, 100, price) for price in (100, 99, 81, 80, 79, 1)] == [3, 5, 41, 43, 43, 43]
    assert n_ask(params, 100, 79) == 45, "asks follow the line below the floor"
    assert n_bid(params, 100, 400) == -5, "resells along the PMM"


def test_linear_with_a_coarse_grid_buys_nothing_below_its_floor() -> None:
    # The rungs are 105, 90, 75: 75 lies below the floor of 80, so 90 is the last one that buys.
    params = curve(CurveShape.LINEAR, 10, 40, drop_ppm=200_000, rung_ticks=15)
    assert n_bid(params, 100, 90) == 20
    assert n_bid(params, 100, 75) == n_bid(params, 100, 1) == 20


def test_redemption_pays_par_then_slopes_then_takes_the_rest_at_the_floor() -> None:
    params = curve(CurveShape.REDEMPTION, 1, 40, par_lots=3, drop_ppm=200_000, max_net_lots=1000)
    assert [n_bid(params, 100, price) for price in (101, 100, 99, 81, 80, 1)] == [0, 3, 5, 41, 1000, 1000]
    assert {n_ask(params, 100, price) for price in (0, 1, 100, CURVE_PRICE_TICKS_MAX)} == {1000}, "it never sells"


def test_prices_snap_before_the_spread() -> None:
    params = curve(CurveShape.LINEAR, 10, 1000, drop_ppm=500_000, spread_ppm=10_000, rung_ticks=10)
    coarse = [n_bid(params, 100, price) for price in (81, 85, 90)]
    assert coarse == [(100 - 91) * 20] * 3  # 90 / 0.99 rounds up to a fair price of 91
    assert n_ask(params, 100, 89) == n_ask(params, 100, 80) == (100 - 79) * 20  # 80 / 1.01 rounds down to 79


# fmt: off
ABOVE_HIGH = [
    # what               shape     fields, k = 1 unless given              high, price: lots ...
    ("on a slope",       "LINEAR", {"par_lots": 3, "drop_ppm": 200_000},   100, {99: 99, 100: 3, 121: -9}),
    ("at no spread",     "PMM",    {},                                     100, {1: 99, 99: 99, 100: 0, 121: -9}),
    ("inside a spread",  "PMM",    {"spread_ppm": 100_000},                100, {99: 99, 100: 6, 109: 1, 110: 0}),
    ("constant price",   "PMM",    {"k_ppm": 0},                           100, {99: 99, 100: 0, 101: -99}),
    ("on a grid",        "LINEAR", {"drop_ppm": 200_000, "rung_ticks": 7}, 100, {98: 99, 104: 99, 105: -2}),
    ("anchor on a rung", "LINEAR", {"drop_ppm": 200_000, "rung_ticks": 7},  98, {97: 99, 104: 0, 105: -3}),
    ("the least price",  "PMM",    {},                                       1, {1: 0, 4: -50}),
]
# fmt: on


@pytest.mark.parametrize(
    ("shape", "fields", "high", "asks"), [row[1:] for row in ABOVE_HIGH], ids=[r[0] for r in ABOVE_HIGH]
)
def test_above_high_sells_nothing_below_the_high_anchor(
    shape: str, fields: dict[str, int], high: int, asks: dict[int, int]
) -> None:
    along = curve(CurveShape[shape], 100, 100, max_net_lots=99, **({"k_ppm": PPM} | fields))
    above = msgspec.structs.replace(along, resale=CurveResale.ABOVE_HIGH)
    assert {price: n_ask(above, high, price) for price in asks} == asks
    for price in range(1, 300):
        rung = snap_down(price, along.rung_ticks)
        assert n_ask(above, high, price) == (99 if rung < high else n_ask(along, high, price)), price
        assert n_bid(above, high, price) == n_bid(along, high, price)


def test_redemption_sells_nothing_either_way() -> None:
    params = curve(CurveShape.REDEMPTION, 1, 40, drop_ppm=200_000, max_net_lots=9, resale=CurveResale.ABOVE_HIGH)
    assert [n_ask(params, 100, price) for price in (1, 99, 100, 101, 10**6)] == [9] * 5


def test_limits_clamp_both_functions() -> None:
    params = curve(CurveShape.PMM, 100, 100, k_ppm=PPM, min_net_lots=-7, max_net_lots=9)
    assert n_bid(params, 400, 1) == n_ask(params, 400, 1) == 9
    assert n_bid(params, 400, 10**6) == n_ask(params, 400, 10**6) == -7


# --- roundings ----------------------------------------------------------------------------------


@given(st.integers(0, 2**126), st.integers(1, 2**64))
def test_divisions_and_snaps_round_as_they_are_named(a: int, b: int) -> None:
    assert floor_div(a, b) * b <= a < (floor_div(a, b) + 1) * b
    assert (ceil_div(a, b) - 1) * b < a <= ceil_div(a, b) * b
    assert snap_down(a, b) <= a <= snap_up(a, b)
    assert snap_up(a, b) - snap_down(a, b) == (b if a % b else 0)


@given(st.integers(0, 2**126))
def test_roots_round_as_they_are_named(n: int) -> None:
    assert isqrt_floor(n) == isqrt(n)
    assert (isqrt_ceil(n) - 1) ** 2 < n <= isqrt_ceil(n) ** 2 or n == isqrt_ceil(n) == 0


# --- parameters ---------------------------------------------------------------------------------

RANGES = [
    ("base_depth_lots", 1, CURVE_LOTS_MAX),
    ("quote_depth_lots", 0, CURVE_LOTS_MAX),
    ("budget_notional", 0, 2**62),
    ("k_ppm", 0, PPM),
    ("spread_ppm", 0, PPM // 2),
    ("rung_ticks", 1, CURVE_PRICE_TICKS_MAX),
    ("par_lots", 0, CURVE_LOTS_MAX),
    ("drop_ppm", 0, PPM - 1),
    ("min_net_lots", -99, 0),
    ("max_net_lots", 0, CURVE_LOTS_MAX),
    ("activation_delay_ns", 0, 2**62),
    ("lift_max_lots", 0, CURVE_LOTS_MAX),
    ("shape", 1, 3),
    ("anchor_move", 0, 1),
    ("resale", 0, 1),
]


@pytest.mark.parametrize(("name", "low", "high"), RANGES, ids=[name for name, _, _ in RANGES])
def test_each_parameter_is_accepted_at_its_ends_and_refused_beyond(name: str, low: int, high: int) -> None:
    base = curve(CurveShape.PMM, 100, 100, drop_ppm=1, min_net_lots=0)
    for value in (low, high):
        assert validate(msgspec.structs.replace(base, **{name: value})) is None
    wrong: tuple[object, ...] = (low - 1, high + 1, -(2**80), 2**80, 1.5, True, "1", None)
    for wrong_value in wrong:
        params = msgspec.structs.replace(base, **{name: wrong_value})
        assert validate(params) == RejectCode.CURVE_PARAMETER
        error = str(curve_parameter_error(params))
        assert error.startswith(f"{name}={wrong_value!r} ")


@pytest.mark.parametrize("shape", [CurveShape.LINEAR, CurveShape.REDEMPTION])
@pytest.mark.parametrize("name", ["drop_ppm", "quote_depth_lots"])
def test_sloped_shapes_need_a_slope(shape: CurveShape, name: str) -> None:
    params = curve(shape, 100, 1, drop_ppm=1)
    assert validate(params) is None
    assert validate(msgspec.structs.replace(params, **{name: 0})) == RejectCode.CURVE_PARAMETER


def test_the_error_names_field_value_and_range() -> None:
    params = msgspec.structs.replace(curve(), spread_ppm=600_000)
    assert curve_parameter_error(params) == "spread_ppm=600000 is outside 0..500000"
    assert curve_parameter_error(msgspec.structs.replace(curve(), anchor_move=9)) == "anchor_move=9 is none of [0, 1]"
    assert validate(curve(anchor_move=AnchorMove.LIFT)) is None
