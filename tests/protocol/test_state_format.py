"""The format of a venue's state: another set of fields is another format, and a state of an older one is refused."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from parbook.errors import SchemaError
from parbook.protocol.exchange import MAGIC, BackedExchange
from parbook.protocol.state import ProtocolState
from tests.protocol.venue import Venue

FIELDS = {b"PBVENUE2": "4b44d34f7905ebab7aa4b1b86e490443"}
"""Magic -> what `fields` says of that format. A state with other fields counts the magic up."""


def fields(kind: type[msgspec.Struct]) -> str:
    """Return a digest of the names and types of all that a kind of Struct can hold, whatever its docstrings say."""
    known: dict[str, Any] = {}

    def told(held: inspect.Type) -> Any:
        if isinstance(held, inspect.StructType):
            name = held.cls.__name__
            if name not in known:
                known[name] = []
                known[name] += [(field.encode_name, told(field.type), field.required) for field in held.fields]
            return name
        if isinstance(held, inspect.EnumType):
            return [member.name for member in held.cls]
        parts = [getattr(held, name, None) for name in ("key_type", "value_type", "item_type")]
        parts += getattr(held, "types", ()) if isinstance(held, inspect.UnionType) else getattr(held, "item_types", ())
        return [type(held).__name__, *(told(part) for part in parts if part is not None)]

    told(inspect.type_info(kind))
    return hashlib.blake2b(msgspec.json.encode(sorted(known.items())), digest_size=16).hexdigest()


def test_other_fields_are_another_format():
    assert {MAGIC: fields(ProtocolState)} == FIELDS


@pytest.mark.parametrize("magic", [b"PBVENUE1", b"PBVENUE3"])
def test_a_state_of_another_format_is_refused_and_not_misread(magic: bytes):
    venue = Venue()
    state = venue.one.state_bytes()
    with pytest.raises(SchemaError, match="PBVENUE2") as refused:
        BackedExchange.from_state(magic + state[len(magic) :], venue.one.assets, venue.one.listings)
    assert magic.decode() in refused.value.reason
    assert "parbook that wrote it" in refused.value.remedy
