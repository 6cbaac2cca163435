"""The measured command streams are what they claim, and both markets answer them alike."""

from __future__ import annotations

import numpy as np
import pytest

from bench import core
from bench.workloads import (
    COMPARED,
    INSTRUMENT,
    SHAPES,
    SteadyFlow,
    anchor,
    batches,
    events_of,
    flow,
    ladder_curve,
    reaching,
)
from parbook import Market
from parbook.codes import CommandKind, CurveShape, EventKind, Source, TimeInForce
from parbook.curve import compile_ladder
from parbook.records import COMMAND
from parbook.reference import Market as ReferenceMarket


@pytest.mark.parametrize("shape", SHAPES)
def test_core_and_reference_answer_a_flow_alike_and_accept_all_of_it(shape):
    parts = batches(flow(shape, 3_000), 256)
    events = events_of(Market(INSTRUMENT), parts)
    assert events.tobytes() == events_of(ReferenceMarket(INSTRUMENT), parts).tobytes()
    assert EventKind.REJECTED not in events["kind"]
    assert EventKind.TRADE in events["kind"]


def test_the_shapes_differ_in_what_they_stress():
    share = {}
    for shape in COMPARED:
        commands = flow(shape, 5_000)
        events = events_of(Market(INSTRUMENT), batches(commands))
        prices = np.unique(commands["price_ticks"][commands["kind"] == CommandKind.NEW])
        share[shape] = ((events["kind"] == EventKind.TRADE).sum() / len(commands), len(prices))
    assert share["touch"][0] > 4 * share["own"][0]
    assert share["wide"][1] > 10 * share["own"][1]


def test_reaching_moves_only_limits_of_ioc_orders():
    plain = flow("taken", 3_000)
    far = reaching(plain)
    moved = far != plain
    assert moved.any()
    assert (plain["tif"][moved] == TimeInForce.IOC).all()
    assert (np.abs(far["price_ticks"] - plain["price_ticks"])[moved] == 2_000).all()
    for name in COMMAND.names:
        if name != "price_ticks":
            np.testing.assert_array_equal(far[name], plain[name])


def test_batches_lose_nothing():
    commands = flow("own", 1_000)
    parts = batches(commands, 300)
    assert [len(part) for part in parts] == [300, 300, 300, 100]
    assert np.concatenate(parts).tobytes() == commands.tobytes()


# --- the steady flow ----------------------------------------------------------------------------


@pytest.mark.parametrize(("orders", "levels"), [(200, 20), (64, 64)])
def test_the_steady_flow_leaves_the_book_as_it_is(orders, levels):
    steady = SteadyFlow(orders, levels)
    market, reference = Market(INSTRUMENT), ReferenceMarket(INSTRUMENT)
    parts = list(steady.prefill())
    events_of(market, parts)
    events_of(reference, parts)
    before = market.depth(levels)
    assert market.open_orders == orders
    assert len(before) == levels
    for _ in range(3):
        mix = steady.messages(800)
        assert len(mix) == 800
        events = market.apply_batch(mix)
        assert events.tobytes() == reference.apply_batch(mix).tobytes()
        kinds = dict(zip(*np.unique(events["kind"], return_counts=True), strict=True))
        assert kinds == {EventKind.ACCEPTED: 500, EventKind.TRADE: 100, EventKind.CANCELLED: 300}
        np.testing.assert_array_equal(market.depth(levels), before)


def test_the_steady_flow_cancels_old_and_new_orders():
    steady = SteadyFlow(100, 10)
    list(steady.prefill())
    mix = steady.messages(8_000)
    named = mix["order_id"][mix["kind"] == CommandKind.CANCEL]
    assert len(np.unique(named)) == len(named) == 3_000
    assert named.min() <= 100 < named.max()


# --- ladders and sweeps -------------------------------------------------------------------------


def test_the_curve_compiles_to_full_ladders():
    ladder = compile_ladder(ladder_curve().params, 2_000, 50_000, 0)
    assert len(ladder.bids) == len(ladder.asks) == 256
    ladder = compile_ladder(ladder_curve(CurveShape.PMM, sells=False).params, 100_000, 100_000, 0)
    assert len(ladder.bids) == 256
    assert all(rung.net_lots > 0 for rung in ladder.bids)


def test_the_idle_ladder_is_live_and_idle():
    market = Market(INSTRUMENT)
    market.apply(ladder_curve())
    market.apply_batch(anchor(9_000, 11_000))
    assert market.curve.quoting
    events = events_of(market, batches(reaching(flow("taken", 4_000))))
    assert (events["code"][events["kind"] == EventKind.TRADE] == Source.BOOK).all()
    # An order that reaches behind the whole book meets it: the ladder was there all along.
    assert market.place(9, 1, 10**6, 8_000, tif=TimeInForce.IOC).filled_lots == 10**6
    assert market.curve.net_lots > 0


@pytest.mark.parametrize("k", [1, 8, 64, 200])
def test_a_taker_of_the_sweep_crosses_k_rungs_or_k_levels(k):
    rungs = core._bid_ladder().depth(256)
    assert len(rungs) == 256
    prices, lots = rungs["price_ticks"], rungs["qty_lots"]
    takers = core._takers(prices, lots, k)
    assert len(takers) == 256 // k
    fills = []
    for market in (core._bid_ladder(), core._bid_levels(prices, lots)):
        events = market.apply_batch(takers)
        trades = events[events["kind"] == EventKind.TRADE]
        assert (np.bincount(trades["command"])[trades["command"]] == k).all()
        fills.append((trades["price_ticks"].tolist(), trades["qty_lots"].tolist()))
    assert fills[0] == fills[1]
