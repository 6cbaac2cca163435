"""What a failure of others looks like as data: what happened there, what happens here, numbers and lines to draw."""

from __future__ import annotations

import msgspec


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a figure. `role` is a colour of the report."""

    name: str
    role: str
    x: tuple[float, ...]
    y: tuple[float, ...]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A failure, built here. `held`: whether the mechanism did what its page says; `numbers` are what tests assert."""

    name: str
    title: str
    there: str
    source: str
    here: str
    held: bool
    numbers: dict[str, float]
    rows: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]
    x_title: str
    y_title: str

    def to_json(self) -> str:
        """Return it as JSON."""
        return msgspec.json.encode(self).decode()


def line(name: str, role: str, points: list[tuple[float, float]]) -> Line:
    """Return a line through points."""
    return Line(name=name, role=role, x=tuple(x for x, _ in points), y=tuple(y for _, y in points))
