"""pytest-benchmark: the building blocks of the table, one by one. `pytest bench --benchmark-enable`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.workloads import (
    COMPARED,
    INSTRUMENT,
    SteadyFlow,
    anchor,
    batches,
    events_of,
    feed,
    flow,
    ladder_curve,
)
from parbook import Market
from parbook.codes import CurveShape, EventKind
from parbook.reference import Market as ReferenceMarket

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

MESSAGES = 20_000
REFERENCE_MESSAGES = 2_000


@pytest.mark.parametrize("shape", COMPARED)
def test_core_batch(benchmark: BenchmarkFixture, shape: str) -> None:
    parts = batches(flow(shape, MESSAGES))
    events = benchmark.pedantic(  # type: ignore[no-untyped-call]
        events_of, setup=lambda: ((Market(INSTRUMENT), parts), {}), rounds=20
    )
    assert len(events) >= MESSAGES


@pytest.mark.parametrize("shape", COMPARED)
def test_reference_batch(benchmark: BenchmarkFixture, shape: str) -> None:
    parts = batches(flow(shape, REFERENCE_MESSAGES))
    events = benchmark.pedantic(  # type: ignore[no-untyped-call]
        events_of, setup=lambda: ((ReferenceMarket(INSTRUMENT), parts), {}), rounds=7
    )
    assert events.tobytes() == events_of(Market(INSTRUMENT), parts).tobytes()


@pytest.mark.parametrize("orders", [1_000, 100_000])
def test_steady_batch(benchmark: BenchmarkFixture, orders: int) -> None:
    steady = SteadyFlow(orders, 1_000)
    market = Market(INSTRUMENT)
    feed(market, list(steady.prefill()))
    benchmark.pedantic(  # type: ignore[no-untyped-call]
        market.apply_batch, setup=lambda: ((steady.messages(4_000),), {}), rounds=20
    )
    assert market.open_orders == orders


@pytest.mark.parametrize("shape", list(CurveShape))
def test_anchor_change(benchmark: BenchmarkFixture, shape: CurveShape) -> None:
    market = Market(INSTRUMENT)
    market.apply(ladder_curve(shape))
    events = benchmark(market.apply_batch, anchor(1_000_000, 1_001_000))
    assert EventKind.ANCHOR_ACTIVATED in events["kind"]
