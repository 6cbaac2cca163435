"""The exception tree is the one drawn at the top of errors.py."""

from __future__ import annotations

import inspect
import re

import pytest

from parbook import errors
from parbook.errors import ConversionError, LogFormatError, ParbookError, shown


def _drawn_tree() -> dict[str, str]:
    """Parse the drawing in the module's docstring into {class: parent}."""
    parents: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        drawn = re.match(r"([ │├└─]*)(\w+Error)\b", line)
        if not drawn:
            continue
        depth = len(drawn[1])
        path = [(d, name) for d, name in path if d < depth]
        parents[drawn[2]] = path[-1][1] if path else "Exception"
        path.append((depth, drawn[2]))
    return parents


def test_the_tree_is_as_drawn():
    classes = {name: kind for name, kind in vars(errors).items() if inspect.isclass(kind)}
    assert {name: kind.__bases__[0].__name__ for name, kind in classes.items()} == _drawn_tree()
    assert len(classes) == 20


def test_one_except_catches_all_and_conversions_are_value_errors():
    for kind in vars(errors).values():
        if inspect.isclass(kind):
            assert issubclass(kind, ParbookError)
            assert kind.__doc__
    assert issubclass(ConversionError, ValueError)


def test_input_errors_say_where_why_and_what_to_do():
    error = LogFormatError("flow.pbk byte 12", "the record is cut short", "Fetch the file again.")
    assert str(error) == "flow.pbk byte 12: the record is cut short. Fetch the file again."
    assert (error.where, error.reason, error.remedy) == (
        "flow.pbk byte 12",
        "the record is cut short",
        "Fetch the file again.",
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12, "12"),
        ("a", "'a'"),
        pytest.param(10**5000, "<int of 16610 bits>", id="huge"),
        pytest.param(-(10**5000), "<int of 16610 bits>", id="huge negative"),
        ("x" * 1000, "'" + "x" * 76 + "..."),
    ],
)
def test_values_in_messages_are_short_and_always_printable(value, text):
    assert shown(value) == text
