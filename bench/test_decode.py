"""pytest-benchmark: reading logs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.itch import decode
from parbook.logs.generate import write_itch

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture


def test_itch_decode(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    path = tmp_path / "flow.itch"
    written = write_itch(path, 1, 5_000)
    assert benchmark(decode, path.read_bytes()) == written
