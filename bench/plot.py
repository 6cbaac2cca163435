"""One small figure: medians with their range over a logarithmic axis of sizes, as SVG for light and dark pages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple

_WIDTH: Final = 640
_HEIGHT: Final = 260
_LEFT: Final = 56
_RIGHT: Final = 20
_TOP: Final = 34
_BOTTOM: Final = 46
_CAP: Final = 4
_TICKS: Final = 5

_STYLE: Final = """
text { font: 12px system-ui, sans-serif; fill: #24292f } .title { font-weight: 600 } .value { font-size: 11px }
.axis { stroke: #57606a } .grid { stroke: #d0d7de } .line { stroke: #0969da; fill: none; stroke-width: 1.5 }
.range { stroke: #0969da } .dot { fill: #0969da }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .axis { stroke: #8d96a0 } .grid { stroke: #30363d } .line, .range { stroke: #58a6ff }
  .dot { fill: #58a6ff }
}
"""


class Point(NamedTuple):
    """One size, and the median, least and greatest of what was measured there."""

    size: int
    median: float
    low: float
    high: float


def short_count(size: int) -> str:
    """Return a count as an axis has it: 10 k, 4 M."""
    for unit, name in ((10**6, " M"), (10**3, " k")):
        if size >= unit:
            return f"{size / unit:g}{name}"
    return str(size)


def step_above(value: float) -> float:
    """Return the least of 1, 2, 5 times a power of ten that is not below `value`, which is positive."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value * (1 - 1e-9))


def figure(title: str, axis: str, points: Sequence[Point]) -> str:
    """Return the figure. Sizes rise; a size of 0 stands one step left of the next. The y axis begins at 0, in ns."""
    step = step_above(max(point.high for point in points) / _TICKS)
    top = step * math.ceil(max(point.high for point in points) / step)
    x = _places([point.size for point in points])
    base = _HEIGHT - _BOTTOM

    def y(value: float) -> float:
        return round(base - (base - _TOP) * value / top, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<text class="title" x="{_LEFT}" y="18">{escape(title)}</text>',
    ]
    for number in range(round(top / step) + 1):
        at = y(number * step)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at}" y2="{at}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{number * step:g}</text>')
    parts.append(f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{base}" y2="{base}"/>')
    line = " ".join(f"{at},{y(point.median)}" for at, point in zip(x, points, strict=True))
    parts.append(f'<polyline class="line" points="{line}"/>')
    for at, point in zip(x, points, strict=True):
        parts += _mark(at, point, y(point.low), y(point.median), y(point.high))
        parts.append(f'<text x="{at}" y="{base + 18}" text-anchor="middle">{short_count(point.size)}</text>')
    parts.append(
        f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(axis)}</text>'
    )
    return "\n".join([*parts, "</svg>", ""])


def _places(sizes: Sequence[int]) -> list[float]:
    """Return where each size stands, logarithmically."""
    logs = [math.log(size) if size else None for size in sizes]
    known = [value for value in logs if value is not None]
    apart = (known[-1] - known[0]) / max(1, len(known) - 1) or 1.0
    values = [known[0] - apart if value is None else value for value in logs]
    low, span = values[0], (values[-1] - values[0]) or 1.0
    width = _WIDTH - _LEFT - _RIGHT - 48
    return [round(_LEFT + 24 + width * (value - low) / span, 1) for value in values]


def _mark(x: float, point: Point, low: float, middle: float, high: float) -> list[str]:
    bar = f'<path class="range" d="M{x - _CAP} {high}h{2 * _CAP}m-{_CAP} 0V{low}m-{_CAP} 0h{2 * _CAP}"/>'
    dot = f'<circle class="dot" cx="{x}" cy="{middle}" r="3"/>'
    value = f'<text class="value" x="{x}" y="{high - 5:.1f}" text-anchor="middle">{point.median:.3g}</text>'
    return [bar, dot, value]
