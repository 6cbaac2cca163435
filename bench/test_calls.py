"""pytest-benchmark: what one call from Python costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.build import empty_class
from bench.workloads import INSTRUMENT
from parbook import Market

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture


def test_place_and_cancel(benchmark: BenchmarkFixture) -> None:
    market = Market(INSTRUMENT)

    def both() -> int:
        return market.cancel(7, market.place(7, 0, 10, 9_900).order_id)

    assert benchmark(both) == 0
    assert market.open_orders == 0


def test_place_a_taker(benchmark: BenchmarkFixture) -> None:
    market = Market(INSTRUMENT)

    def both() -> int:
        market.place(7, 0, 10, 9_900)
        return market.place(8, 1, 10, 9_900).filled_lots

    assert benchmark(both) == 10


def test_empty_method(benchmark: BenchmarkFixture) -> None:
    assert benchmark(empty_class()().place, 7, 0, 10, 9_900) is None


def test_depth(benchmark: BenchmarkFixture) -> None:
    market = Market(INSTRUMENT)
    for price in range(100):
        market.place(7, 0, 10, 9_900 - price)
    assert len(benchmark(market.depth, 10)) == 10
