"""Drawing curves at random, and trading against a ladder alone: no book, no fees, no budget."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from parbook.codes import CurveResale, CurveShape, Side
from parbook.curve import CurveParams, Ladder, compile_ladder, curve_parameter_error
from parbook.units import CURVE_LOTS_MAX, CURVE_PRICE_TICKS_MAX, PPM
from tests.support.shared import shared_path


def vectors(name: str) -> dict[str, Any]:
    """Return the vector file `name`.json of the shared folder; skip the test when it is absent."""
    with shared_path("vectors", f"{name}.json").open() as file:
        loaded: dict[str, Any] = json.load(file)
    return loaded


def curve(
    shape: CurveShape = CurveShape.PMM, base_depth_lots: int = 100, quote_depth_lots: int = 100, **fields: int
) -> CurveParams:
    """Return valid parameters; cursor limits default to the whole depth."""
    fields = {"budget_notional": 0, "min_net_lots": 1 - base_depth_lots, "max_net_lots": CURVE_LOTS_MAX} | fields
    params = CurveParams(
        shape=shape,
        base_depth_lots=base_depth_lots,
        quote_depth_lots=quote_depth_lots,
        **fields,
    )
    assert curve_parameter_error(params) is None, curve_parameter_error(params)
    return params


def vector_curve(row: dict[str, Any]) -> CurveParams:
    """Return the parameters of a curve of reference_ladder_and_matching; its rung counts ticks of `tick`."""
    return curve(
        CurveShape.PMM if row["kind"] == "pmm" else CurveShape.LINEAR,
        row["B0_lots"],
        row["q0_lots"],
        k_ppm=row["k_ppm"],
        spread_ppm=row["fee_ppm"],
        rung_ticks=row["rung_ticks"] * row["tick"],
        par_lots=row["xu"],
        drop_ppm=row["G_ppm"],
        max_net_lots=row["q0_lots"],
    )


# --- random curves ------------------------------------------------------------------------------


def pick(rng: random.Random, low: int, high: int) -> int:
    """Return an int of low..high: often an end, often of a small magnitude, else uniform."""
    draw = rng.random()
    if draw < 0.1:
        return low
    if draw < 0.2:
        return high
    if draw < 0.6:
        return low + min(high - low, rng.getrandbits(rng.randint(1, max(1, (high - low).bit_length()))))
    return rng.randint(low, high)


def random_curve(rng: random.Random) -> tuple[CurveParams, int, int, int]:
    """Return valid parameters anywhere in their ranges, low and high anchor, and a cursor."""
    shape = rng.choice(list(CurveShape))
    least = 0 if shape == CurveShape.PMM else 1
    base = pick(rng, 1, CURVE_LOTS_MAX)
    params = curve(
        shape,
        base,
        pick(rng, least, CURVE_LOTS_MAX),
        k_ppm=pick(rng, 0, PPM),
        spread_ppm=rng.choice([0, pick(rng, 0, PPM // 2)]),
        rung_ticks=rng.choice([rng.randint(1, 1000), pick(rng, 1, CURVE_PRICE_TICKS_MAX)]),
        par_lots=pick(rng, 0, CURVE_LOTS_MAX),
        drop_ppm=pick(rng, least, PPM - 1),
        min_net_lots=-pick(rng, 0, base - 1),
        max_net_lots=pick(rng, 0, CURVE_LOTS_MAX),
        resale=rng.choice(list(CurveResale)),
    )
    low = pick(rng, 1, CURVE_PRICE_TICKS_MAX)
    high = rng.choice([low, pick(rng, low, CURVE_PRICE_TICKS_MAX)])
    net = rng.choice([0, params.min_net_lots, params.max_net_lots, pick(rng, params.min_net_lots, params.max_net_lots)])
    return params, low, high, net


def curves() -> st.SearchStrategy[tuple[CurveParams, int, int, int]]:
    """Strategy for what `random_curve` returns; shrinks towards a small PMM."""

    @st.composite
    def build(draw: st.DrawFn) -> tuple[CurveParams, int, int, int]:
        def of(low: int, high: int) -> int:
            return draw(st.one_of(st.integers(low, min(high, low + 100)), st.integers(low, high), st.just(high)))

        shape = draw(st.sampled_from(CurveShape))
        least = 0 if shape == CurveShape.PMM else 1
        base = of(1, CURVE_LOTS_MAX)
        params = curve(
            shape,
            base,
            of(least, CURVE_LOTS_MAX),
            k_ppm=of(0, PPM),
            spread_ppm=of(0, PPM // 2),
            rung_ticks=of(1, CURVE_PRICE_TICKS_MAX),
            par_lots=of(0, CURVE_LOTS_MAX),
            drop_ppm=of(least, PPM - 1),
            min_net_lots=-of(0, base - 1),
            max_net_lots=of(0, CURVE_LOTS_MAX),
            resale=draw(st.sampled_from(CurveResale)),
        )
        low = of(1, CURVE_PRICE_TICKS_MAX)
        return params, low, of(low, CURVE_PRICE_TICKS_MAX), draw(st.integers(params.min_net_lots, params.max_net_lots))

    return build()


# --- trading ------------------------------------------------------------------------------------


def ladder_fills(ladder: Ladder, taker: Side, net_lots: int, qty_lots: int) -> Iterator[tuple[int, int]]:
    """Yield (price, lots) of a taker's order against the rungs, best first, until it or they run out."""
    for rung in ladder.asks if taker == Side.BUY else ladder.bids:
        room = net_lots - rung.net_lots if taker == Side.BUY else rung.net_lots - net_lots
        lots = min(room, qty_lots)
        if lots > 0:
            yield rung.price_ticks, lots
            qty_lots -= lots
            net_lots += -lots if taker == Side.BUY else lots


def trade(
    params: CurveParams, anchor: int, taker: Side, net_lots: int, qty_lots: int, high: int = 0
) -> tuple[int, int, int]:
    """Trade `qty_lots` through the whole curve, compiling anew wherever the window ends.

    Returns the cursor afterwards, the cash that changed hands (price x lots) and the last price.
    """
    cash = last_price = 0
    while qty_lots:
        ladder = compile_ladder(params, anchor, high or anchor, net_lots)
        fills = list(ladder_fills(ladder, taker, net_lots, qty_lots))
        if not fills:
            break
        for last_price, lots in fills:
            cash += last_price * lots
            qty_lots -= lots
            net_lots += -lots if taker == Side.BUY else lots
    return net_lots, cash, last_price
