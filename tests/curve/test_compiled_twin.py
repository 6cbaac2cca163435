"""The compiled twin equals the specification: same rungs, same refusals, exact roots."""

from __future__ import annotations

import random
from itertools import product
from math import isqrt

import msgspec
import pytest

from parbook import curve as specification
from parbook.codes import CurveResale, CurveShape
from parbook.errors import MisuseError
from parbook.units import CURVE_LOTS_MAX, CURVE_PRICE_TICKS_MAX, PPM
from tests.support.curves import curve, random_curve

compiled = pytest.importorskip("parbook._curve", reason="the compiled twin has not been built")


def test_same_ladders_anywhere_in_the_parameter_space() -> None:
    rng = random.Random(1)
    for _ in range(20_000):
        drawn = random_curve(rng)
        assert compiled.compile_ladder(*drawn) == specification.compile_ladder(*drawn), drawn


def test_same_ladders_at_every_extreme() -> None:
    top, lots = CURVE_PRICE_TICKS_MAX, CURVE_LOTS_MAX
    for shape, base, quote, k, spread, rung, drop, low, resale in product(
        CurveShape, (1, lots), (1, lots), (0, 1, PPM), (0, PPM // 2), (1, top), (1, PPM - 1), (1, top), CurveResale
    ):
        fields = {"spread_ppm": spread, "rung_ticks": rung, "drop_ppm": drop, "par_lots": lots, "resale": resale}
        params = curve(shape, base, quote, k_ppm=k, **fields)
        for net in (params.min_net_lots, 0, params.max_net_lots):
            drawn = (params, low, top, net)
            assert compiled.compile_ladder(*drawn) == specification.compile_ladder(*drawn), drawn


def test_same_ladders_wherever_the_high_anchor_lies_on_the_grid() -> None:
    for shape, rung, high, spread, resale in product(
        (CurveShape.PMM, CurveShape.LINEAR), range(1, 9), range(40, 60), (0, 60_000), CurveResale
    ):
        params = curve(shape, 30, 30, k_ppm=PPM, spread_ppm=spread, rung_ticks=rung, drop_ppm=500_000, resale=resale)
        for net in (-29, 0, 12, 30):
            drawn = (params, 40, high, net)
            assert compiled.compile_ladder(*drawn) == specification.compile_ladder(*drawn), drawn


def test_same_refusals() -> None:
    base = curve(CurveShape.LINEAR, 100, 100, drop_ppm=5)
    edges = (
        -(2**80),
        -(2**63),
        -100,
        -99,
        -1,
        0,
        1,
        2,
        4,
        256,
        257,
        PPM // 2 + 1,
        PPM,
        PPM + 1,
        2**32,
        2**41,
        2**62 + 1,
    )
    for name in base.__struct_fields__:
        for value in (*edges, 2**63, 2**80, 1.0, True, "1", None):
            params = msgspec.structs.replace(base, **{name: value})
            assert compiled.validate(params) == specification.validate(params), (name, value)


def test_misuse_is_refused_alike() -> None:
    params = curve()
    for arguments in (
        (msgspec.structs.replace(params, k_ppm=-1), 5, 5, 0),
        (params, 0, 5, 0),
        (params, 6, 5, 0),
        (params, 5, 2**41, 0),
        (params, 5, 5, -(2**32)),
        (params, 5.0, 5, 0),
        (params, 5, 5, True),
    ):
        for module in (compiled, specification):
            with pytest.raises(MisuseError):
                module.compile_ladder(*arguments)


def test_roots_are_exact_at_and_beside_perfect_squares() -> None:
    rng = random.Random(5)
    edges = {2**bits + d for bits in range(64) for d in (-1, 0, 1)}
    roots = {r for r in edges if 0 <= r < 2**63} | {rng.getrandbits(rng.randint(1, 63)) for _ in range(5_000)}
    for r in roots:
        for n in (r * r - 1, r * r, r * r + 1):
            if 0 <= n < 2**126:
                assert compiled.square_root(n, False) == isqrt(n)
                assert compiled.square_root(n, True) == isqrt(max(n - 1, 0)) + (n > 0)


def test_roots_are_exact_anywhere() -> None:
    rng = random.Random(6)
    for n in [2**126 - 1, *(rng.getrandbits(rng.randint(1, 126)) for _ in range(10_000))]:
        assert compiled.square_root(n, False) == isqrt(n)
        assert compiled.square_root(n, True) == isqrt(max(n - 1, 0)) + (n > 0)
