"""One way to write a state down: the same value gives the same bytes, whatever order its dicts were filled in."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from parbook.errors import CorruptionError

_Value = TypeVar("_Value")


def encode(value: Any) -> bytes:
    """Return a value of msgspec Structs, dicts, lists, text and integers of any size as JSON, keys sorted. O(value)."""
    return msgspec.json.encode(msgspec.to_builtins(value, str_keys=True), order="deterministic")


def decode(data: bytes | memoryview, kind: type[_Value], where: str) -> _Value:
    """Return what `encode` wrote; CorruptionError names `where` when it is no `kind`."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as error:
        raise CorruptionError(f"{where}: {error}. It was not written by this version, or it was changed.") from error
