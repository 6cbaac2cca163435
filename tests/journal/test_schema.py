"""Journals of every version are read: golden files never change, and upgraders lead from each schema to the next."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

import parbook as pb
from parbook.codes import RejectCode
from parbook.journal import payloads
from parbook.journal.export import command_lines
from parbook.journal.layout import KNOWN_LAYOUTS, LAYOUTS_HASH, Frame, Kind, read_segment
from parbook.journal.payloads import SCHEMA, current_payload
from parbook.journal.segments import segment_name
from parbook.journal.storage import DiskStorage
from tests.journal.house import furnish

GOLDEN = Path(__file__).parent / "golden"
STATES = {
    1: ("190df8506230af426ac94f319c656eea5f0394290abdb6d1d3c002d6c99206fd", 88),
    2: ("a3178949270dd091969385ba44bd7957792d9b2b42ff85add56eb4678361149d", 174),
}
"""schema -> the state a golden journal ends with, and how many events its replay emits."""

BUYBACK = pb.LinearBuyback(budget="2500", drop_bps=300, depth_lots=2_400)


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


def test_every_layout_that_ever_was_is_known():
    """Whoever changes a record counts the schema up and says so here; the golden journals hold the older layouts."""
    assert KNOWN_LAYOUTS[LAYOUTS_HASH] == max(KNOWN_LAYOUTS.values()) <= SCHEMA
    heads = {schema: read_segment((GOLDEN / f"schema-{schema}.segment").read_bytes()).layouts for schema in STATES}
    assert all(KNOWN_LAYOUTS[layouts] <= schema for schema, layouts in heads.items())
    assert set(heads.values()) == set(KNOWN_LAYOUTS)


def test_a_journal_of_schema_1_goes_on_with_what_it_could_not_say(tmp_path, monkeypatch):
    """In the same segment: the new records carry the new schema, so that an older parbook does not misread them."""
    segment = tmp_path / segment_name(1, 1)
    shutil.copy(GOLDEN / "schema-1.segment", segment)
    with pb.open(tmp_path, segment_bytes=8192) as exchange:
        market = exchange.instruments[0]
        exchange.set_curve(market, msgspec.structs.replace(BUYBACK, resale="above_high"))
        exchange.place(market, account=1, side="sell", qty="900", price="0.9700")
        bought = exchange.core.market(0).curve
        assert bought.net_lots > 0
        exchange.place(market, account=2, side="buy", qty="900", price=market.price(bought.high_ticks - 1), tif="ioc")
        assert exchange.core.market(0).curve == bought, "nothing is sold below the high anchor"
        exchange.place(market, account=2, side="buy", qty="900", price=market.price(bought.high_ticks), tif="ioc")
        assert exchange.core.market(0).curve.net_lots < bought.net_lots
        state = exchange.state_hash()
    assert KNOWN_LAYOUTS[read_segment(segment.read_bytes()).layouts] == 1
    with pb.open(tmp_path) as exchange:
        assert exchange.state_hash() == state
        exchange.check()
    monkeypatch.setattr(payloads, "SCHEMA", 1)
    with pytest.raises(pb.SchemaError, match="its schema is 2, and this parbook reads 1 to 1"):
        pb.open(tmp_path)


@pytest.mark.parametrize("field", ["shape", "anchor_move", "resale"])
def test_a_curve_that_was_refused_is_refused_again(tmp_path, field):
    """A number that means nothing is a refusal in the stream of events; it must not keep the journal from opening."""
    with pb.open(tmp_path) as exchange:
        params = msgspec.structs.replace(BUYBACK.params(furnish(exchange)), **{field: 9})
        (refusal,) = exchange.apply(pb.SetCurve(params=params))
        assert refusal.code is RejectCode.CURVE_PARAMETER
        state, events = exchange.state_hash(), exchange.next_event
    with pb.open(tmp_path) as exchange:
        assert (exchange.state_hash(), exchange.next_event) == (state, events)
    assert f'"{field}":9'.encode() in b"".join(command_lines(DiskStorage(tmp_path)))


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
    monkeypatch.setattr(payloads, "SCHEMA", SCHEMA + 1)
    monkeypatch.setitem(
        payloads.UPGRADERS, (Kind.ASSET, SCHEMA), lambda payload: payload.replace(b"digits", b"decimals")
    )
    with pb.open(tmp_path) as exchange:
        assert exchange.state_hash() == state
        assert exchange.assets[0].decimals == 6


def _old_asset(asset):
    return msgspec.json.encode({"name": asset.name, "digits": asset.decimals})
