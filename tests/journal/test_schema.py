"""Journals of every version are read: golden files never change, and upgraders lead from each schema to the next."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

import parbook as pb
from parbook.journal import payloads
from parbook.journal.layout import Frame, Kind
from parbook.journal.payloads import SCHEMA, current_payload
from parbook.journal.segments import segment_name

GOLDEN = Path(__file__).parent / "golden"
STATES = {1: ("190df8506230af426ac94f319c656eea5f0394290abdb6d1d3c002d6c99206fd", 88)}
"""schema -> the state a golden journal ends with, and how many events its replay emits."""


def _frame(payload, schema, kind=Kind.ASSET):
    fields = dict.fromkeys(("record", "command", "position", "now_ns", "count", "durable"), 1)
    return Frame(**fields, kind=kind, schema=schema, previous=0, crc=0, payload=payload, offset=0, end=0)


def test_there_is_a_golden_journal_of_every_schema():
    assert sorted(STATES) == list(range(1, SCHEMA + 1))
    assert sorted(path.name for path in GOLDEN.iterdir()) == [f"schema-{n}.segment" for n in sorted(STATES)]


@pytest.mark.parametrize("schema", STATES)
def test_a_golden_journal_is_read(tmp_path, schema):
    shutil.copy(GOLDEN / f"schema-{schema}.segment", tmp_path / segment_name(1, 1))
    with pb.open(tmp_path, segment_bytes=8192) as exchange:
        assert (exchange.state_hash(), exchange.next_event) == STATES[schema]
        exchange.check()
        assert [handle.name for handle in exchange.instruments] == ["SME-A/USDx"]


def test_upgraders_are_taken_one_after_the_other():
    table = {
        (Kind.ASSET, 1): lambda payload: payload + b"+2",
        (Kind.ASSET, 3): lambda payload: payload + b"+4",
        (Kind.CURVE, 2): lambda payload: payload + b"never",
    }
    assert current_payload(_frame(b"1", 1), table, to=4) == b"1+2+4"
    assert current_payload(_frame(b"2", 2), table, to=4) == b"2+4"
    assert current_payload(_frame(b"4", 4), table, to=4) == b"4"
    assert current_payload(_frame(b"1", 1, Kind.CURVE), table, to=4) == b"1never"


@pytest.mark.parametrize("schema", [0, SCHEMA + 1, 2**16 - 1])
def test_a_schema_from_elsewhere_is_refused(schema):
    with pytest.raises(pb.SchemaError, match=f"its schema is {schema}, and this parbook reads 1 to {SCHEMA}"):
        current_payload(_frame(b"", schema))


def test_a_journal_of_an_older_schema_is_upgraded_on_its_way(tmp_path, monkeypatch):
    """As if the decimals of an asset had been called `digits` once."""
    with pb.open(tmp_path) as exchange:
        with monkeypatch.context() as once:
            once.setattr("parbook.journal.durable.encode_value", _old_asset)
            exchange.add_asset("USDx", decimals=6)
        state = exchange.state_hash()
    monkeypatch.setattr(payloads, "SCHEMA", 2)
    monkeypatch.setitem(payloads.UPGRADERS, (Kind.ASSET, 1), lambda payload: payload.replace(b"digits", b"decimals"))
    with pb.open(tmp_path) as exchange:
        assert exchange.state_hash() == state
        assert exchange.assets[0].decimals == 6


def _old_asset(asset):
    return msgspec.json.encode({"name": asset.name, "digits": asset.decimals})
