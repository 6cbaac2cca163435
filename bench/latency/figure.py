"""Draws latency and throughput against the offered load, as an SVG that reads in light and in dark."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from bench.latency.load import MODES, Point, Sweep
from bench.latency.native import Percentiles
from bench.latency.page import duration
from bench.latency.service import middle
from bench.measure import Spread

WIDTH: Final = 860
HEIGHT: Final = 520
PANEL_WIDTH: Final = 350
LEFTS: Final = (70, 490)
TOP: Final = 66
LATENCY_HEIGHT: Final = 250
RATE_TOP: Final = 352
RATE_HEIGHT: Final = 90
LINES: Final = {"p50_ns": ("p50", "a"), "p99_ns": ("p99", "b"), "p99_9_ns": ("p99.9", "c")}
STYLE: Final = (
    "text{font:13px system-ui,sans-serif;fill:#333}.title{font-size:17px;font-weight:600}"
    "polyline{fill:none;stroke-width:2}.a{stroke:#1f6fb2}.b{stroke:#2a9d5c}.c{stroke:#d1495b}"
    ".platform{stroke:#888;stroke-dasharray:5 4}.grid{stroke:#8884;stroke-dasharray:2 4}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.a{stroke:#5aa9e6}.b{stroke:#5cc98a}.c{stroke:#f08a97}}"
)


class Axes:
    """Where a rate and a latency stand in a panel: the rate linear from 0, the latency by its logarithm."""

    def __init__(self, left: int, points: list[Point], low_ns: float, high_ns: float) -> None:
        """Span the rates of `points` and whole decades around the latencies."""
        self.left = left
        self.most = max(point.offered_per_second for point in points) * 1.02
        self.low = math.floor(math.log10(low_ns))
        self.high = max(self.low + 1, math.ceil(math.log10(high_ns)))

    def x(self, per_second: float) -> float:
        """Return where a rate stands."""
        return self.left + per_second / self.most * PANEL_WIDTH

    def y(self, ns: float) -> float:
        """Return where a latency stands."""
        return TOP + LATENCY_HEIGHT * (self.high - math.log10(ns)) / (self.high - self.low)

    def rate_y(self, per_second: float) -> float:
        """Return where an achieved rate stands in the lower panel."""
        return RATE_TOP + RATE_HEIGHT * (1 - per_second / self.most)


def draw(sweep: Sweep, arrivals: str) -> str:
    """Return the figure of one kind of arrivals: a column a mode, latency above and achieved rate below."""
    chosen = [point for point in sweep.points if point.arrivals == arrivals]
    every = [middle(rounds, name).median for p in chosen for rounds in (p.core, p.platform) for name in LINES]
    columns: list[str] = []
    for left, mode in zip(LEFTS, MODES, strict=True):
        points = [point for point in chosen if point.mode == mode]
        columns += _column(mode, points, Axes(left, points, min(every), max(every)))
    body = "\n".join(columns)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"
 aria-label="Latency from the intended start, and achieved rate, against the offered rate">
<style>{STYLE}</style>
<text class="title" x="{LEFTS[0]}" y="24">Latency from the intended start, {arrivals} arrivals, {sweep.flow} flow</text>
{body}
{"".join(_legend())}
</svg>
"""


def _column(mode: str, points: list[Point], axes: Axes) -> Iterator[str]:
    right, bottom = axes.left + PANEL_WIDTH, RATE_TOP + RATE_HEIGHT
    yield _text(axes.left, TOP - 14, mode, "start")
    for decade in range(axes.low, axes.high + 1):
        y = axes.y(10.0**decade)
        yield _grid(axes.left, right, y) + _text(axes.left - 8, y + 4, duration(10.0**decade), "end")
    step = _step(axes.most)
    for number in range(int(axes.most / step) + 1):
        yield _text(axes.x(number * step), bottom + 20, f"{number * step / 1e6:g}", "middle")
        yield _grid(axes.left, right, axes.rate_y(number * step))
    for rate in (0, axes.most // step * step):
        yield _text(axes.left - 8, axes.rate_y(rate) + 4, f"{rate / 1e6:g}", "end")
    yield _text(axes.left, RATE_TOP - 10, "achieved, M commands/s", "start")
    yield _text((axes.left + right) / 2, bottom + 42, "offered, M commands/s", "middle")
    yield _line("platform", [(axes.x(p.offered_per_second), axes.y(_median(p.platform, "p99_9_ns"))) for p in points])
    for name, (_, kind) in LINES.items():
        yield _line(kind, [(axes.x(p.offered_per_second), axes.y(_median(p.core, name))) for p in points])
    ideal = [(axes.x(p.offered_per_second), axes.rate_y(Spread.of(p.idle_per_second).median)) for p in points]
    yield _line("platform", ideal)
    yield _line("a", [(axes.x(p.offered_per_second), axes.rate_y(p.achieved.median)) for p in points])


def _median(rounds: list[Percentiles], name: str) -> float:
    return middle(rounds, name).median


def _step(most: float) -> float:
    """A round number of commands a second that divides an axis into four to ten parts."""
    step = 10.0 ** math.floor(math.log10(most / 4))
    return next(step * factor for factor in (5, 2, 1) if most / (step * factor) >= 4)


def _legend() -> Iterator[str]:
    entries = [*LINES.values(), ("the platform alone (p99.9; rate)", "platform")]
    x = LEFTS[0]
    for name, kind in entries:
        yield _line(kind, [(x, HEIGHT - 14), (x + 24, HEIGHT - 14)]) + _text(x + 30, HEIGHT - 10, name, "start")
        x += 100


def _line(kind: str, points: list[tuple[float, float]]) -> str:
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="{kind}" points="{places}"/>'


def _grid(left: float, right: float, y: float) -> str:
    return f'<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'
