"""Every message and its fixed-size record carry the same facts, and records refuse what does not fit."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parbook import messages as m
from parbook.codes import CommandKind, CurveResale, CurveShape, EventKind, RejectCode, Side
from parbook.errors import MisuseError
from parbook.records import (
    COMMAND,
    COMMAND_FIELDS,
    CURVE,
    DEPTH,
    EVENT,
    EVENT_FIELDS,
    SPECIAL_FIELDS,
    TERMS,
    command_records,
    curve_from_record,
    curve_record,
    event_records,
    events_from_records,
)
from tests.messages.strategies import BATCH_COMMANDS, EVENTS, SET_CURVES, SPECIALS

OFFSETS = {
    "COMMAND": "kind:u1@0 side:u1@1 order_type:u1@2 tif:u1@3 account:u4@4 order_id:u8@8 client_id:u8@16 "
    "price_ticks:i8@24 qty_lots:i8@32 ts_ns:i8@40 high_ticks:i8@48 instrument:u2@56 session:u2@58 trail_ppm:u4@60",
    "TERMS": "kind:u1@0 hidden:u1@1 reduce_only:u1@2 stp:u1@3 peg:u1@4 trigger:u1@5 reserved:u2@6 display_lots:i8@8 "
    "min_lots:i8@16 stop_ticks:i8@24 offset_ticks:i8@32 expire_ns:i8@40 amount_notional:i8@48 oco_order_id:u8@56",
    "EVENT": "kind:u1@0 side:u1@1 code:u2@2 account:u4@4 seq:u8@8 order_id:u8@16 other_id:u8@24 price_ticks:i8@32 "
    "qty_lots:i8@40 leaves_lots:i8@48 other_account:u4@56 instrument:u2@60 command:u2@62",
    "CURVE": "shape:u1@0 anchor_move:u1@1 instrument:u2@2 resale:u1@4 reserved:V3@5 base_depth_lots:i8@8 "
    "quote_depth_lots:i8@16 budget_notional:i8@24 k_ppm:i8@32 spread_ppm:i8@40 rung_ticks:i8@48 par_lots:i8@56 "
    "drop_ppm:i8@64 min_net_lots:i8@72 max_net_lots:i8@80 activation_delay_ns:i8@88 lift_max_lots:i8@96 ts_ns:i8@104",
    "DEPTH": "side:u1@0 source:u1@1 orders:u4@2 price_ticks:i8@6 qty_lots:i8@14",
}


@pytest.mark.parametrize(
    ("name", "dtype", "size"),
    [("COMMAND", COMMAND, 64), ("TERMS", TERMS, 64), ("EVENT", EVENT, 64), ("CURVE", CURVE, 112), ("DEPTH", DEPTH, 22)],
)
def test_layouts_are_pinned(name, dtype, size):
    fields = [f"{field}:{dtype[field].str.lstrip('<|')}@{dtype.fields[field][1]}" for field in dtype.names]
    assert " ".join(fields) == OFFSETS[name]
    assert dtype.itemsize == size


def test_no_field_is_big_endian():
    for dtype in (COMMAND, TERMS, EVENT, CURVE, DEPTH):
        assert not [name for name in dtype.names if dtype[name].str.startswith(">")]


def test_every_message_has_a_record_and_every_field_a_column():
    commands = {struct for struct, _ in COMMAND_FIELDS.values()} | {m.SetCurve}
    assert commands == set(m.Command.__args__)
    without_columns = {CommandKind.SET_CURVE, CommandKind.TERMS, *SPECIAL_FIELDS}
    assert set(COMMAND_FIELDS) == set(CommandKind) - without_columns
    assert {struct for struct, _ in EVENT_FIELDS.values()} == set(m.Event.__args__)
    assert set(EVENT_FIELDS) == set(EventKind)
    for struct, columns in [*COMMAND_FIELDS.values(), *EVENT_FIELDS.values()]:
        terms = {name for plain, more, names in SPECIAL_FIELDS.values() for name in (*more, *names)}
        assert set(columns) <= set(struct.__struct_fields__) <= set(columns) | terms
        assert len(set(columns.values())) == len(columns), f"{struct.__name__}: two fields share a column"


@given(st.lists(EVENTS, max_size=8))
def test_events_survive_their_records(events):
    records = event_records(events)
    assert records.dtype == EVENT
    assert events_from_records(records) == events
    assert event_records(events_from_records(records)).tobytes() == records.tobytes()


@given(EVENTS)
def test_fields_an_event_does_not_name_are_zero(event):
    row = event_records([event])[0]
    _, columns = EVENT_FIELDS[EventKind(int(row["kind"]))]
    assert not [name for name in EVENT.names if name not in {"kind", *columns.values()} and row[name] != 0]


@given(st.lists(BATCH_COMMANDS, max_size=8))
def test_command_records_carry_every_field(commands):
    records = command_records(commands)
    assert records.shape == (len(commands),)
    for row, command in zip(records, commands, strict=True):
        struct, columns = COMMAND_FIELDS[CommandKind(int(row["kind"]))]
        assert struct(**{name: int(row[column]) for name, column in columns.items()}) == command
        assert not [name for name in COMMAND.names if name not in {"kind", *columns.values()} and row[name] != 0]


@given(SPECIALS)
def test_terms_take_a_second_record_when_there_are_any(command):
    records = command_records([command])
    kind = CommandKind(int(records[0]["kind"]))
    if len(records) == 1:
        assert kind not in SPECIAL_FIELDS
        _, columns = COMMAND_FIELDS[kind]
        fields = {name: int(records[0][column]) for name, column in columns.items()}
    else:
        plain, more, names = SPECIAL_FIELDS[kind]
        _, columns = COMMAND_FIELDS[plain]
        terms = records[1:].view(TERMS)[0]
        assert terms["kind"] == CommandKind.TERMS
        assert not [name for name in TERMS.names if name not in {"kind", *names} and terms[name] != 0]
        fields = {name: int(records[0][column]) for name, column in (columns | more).items()}
        fields |= {name: int(terms[name]) for name in names}
        fields |= {name: bool(fields[name]) for name in ("hidden", "reduce_only") if name in fields}
    assert type(command)(**fields) == command


@pytest.mark.parametrize("name", ["hidden", "reduce_only"])
@pytest.mark.parametrize("value", [1, "yes", None, 0.0])
def test_a_flag_that_is_no_bool_is_refused_by_name(name, value):
    order = m.NewOrder(account=1, side=Side.BUY, qty_lots=1, min_lots=1, **{name: value})
    with pytest.raises(MisuseError, match=f"NewOrder.{name}"):
        command_records([order])


@given(SET_CURVES)
def test_curves_survive_their_record(command):
    record = curve_record(command)
    assert record.shape == (1,)
    assert curve_from_record(record) == command


@given(st.one_of(BATCH_COMMANDS, SPECIALS, SET_CURVES))
def test_commands_survive_json_and_messagepack(command):
    for codec in (msgspec.json, msgspec.msgpack):
        decoded = codec.decode(codec.encode(command), type=m.Command)
        assert decoded == command
        assert type(decoded) is type(command)


@given(EVENTS)
def test_events_survive_json_and_messagepack(event):
    for codec in (msgspec.json, msgspec.msgpack):
        decoded = codec.decode(codec.encode(event), type=m.Event)
        assert decoded == event
        assert type(decoded) is type(event)


def test_structs_are_frozen():
    for struct in [*m.Command.__args__, *m.Event.__args__, m.CurveParams]:
        assert struct.__struct_config__.frozen, struct
    with pytest.raises(AttributeError):
        m.Advance(ts_ns=1).ts_ns = 2


@pytest.mark.parametrize("value", [1.5, 2.0, True, "12", None, float("nan"), b"1"])
def test_what_is_not_an_int_is_refused_by_name(value):
    with pytest.raises(MisuseError, match=r"NewOrder\.qty_lots=.* must be an int"):
        command_records([m.NewOrder(account=1, side=Side.BUY, qty_lots=value)])
    with pytest.raises(MisuseError, match=r"Advanced\.ts_ns=.* must be an int"):
        event_records([m.Advanced(seq=1, command=1, ts_ns=value)])
    with pytest.raises(MisuseError, match=r"SetCurve\.params\.k_ppm=.* must be an int"):
        curve_record(_curve(k_ppm=value))


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (m.CancelOrder(account=-1), "account"),
        (m.CancelOrder(account=2**32), "account"),
        (m.CancelOrder(account=1, order_id=2**64), "order_id"),
        (m.CancelOrder(account=1, client_id=-1), "client_id"),
        (m.Advance(ts_ns=2**63), "ts_ns"),
        (m.Advance(ts_ns=-(2**63) - 1), "ts_ns"),
        (m.NewOrder(account=1, side=256, qty_lots=1), "side"),
        (m.ReduceOrder(account=1, qty_lots=10**5000), "qty_lots"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(command, field):
    with pytest.raises(MisuseError, match=rf"{type(command).__name__}\.{field}=.* is outside") as caught:
        command_records([command])
    assert len(str(caught.value)) < 200


def test_set_curve_and_events_have_no_place_among_command_records():
    with pytest.raises(MisuseError, match="SetCurve has no place"):
        command_records([_curve()])
    with pytest.raises(MisuseError, match="Advanced has no place"):
        command_records([m.Advanced(seq=1, command=1, ts_ns=1)])
    with pytest.raises(MisuseError, match="Advance has no place"):
        event_records([m.Advance(ts_ns=1)])


@pytest.mark.parametrize(("field", "number"), [("kind", 0), ("kind", 200), ("side", 7), ("code", 9999)])
def test_a_record_that_is_no_event_is_refused(field, number):
    records = event_records([m.Trade(**dict.fromkeys(m.Trade.__struct_fields__, 0))])
    records[field] = number
    with pytest.raises(MisuseError, match="record 0 is no event"):
        events_from_records(records)


def test_a_rejection_with_an_unknown_code_is_refused():
    rejected = m.Rejected(seq=1, command=1, code=RejectCode.UNKNOWN_ORDER, order_id=0, client_id=0, account=1)
    records = event_records([rejected])
    records["code"] = 200
    with pytest.raises(MisuseError, match="record 0 is no event"):
        events_from_records(records)


def test_arrays_of_another_kind_are_refused():
    with pytest.raises(MisuseError, match="EVENT records"):
        events_from_records(np.zeros(1, COMMAND))
    with pytest.raises(MisuseError, match="one CURVE record"):
        curve_from_record(np.zeros(2, CURVE))
    with pytest.raises(MisuseError, match="no curve"):
        curve_from_record(np.zeros(1, CURVE))


@pytest.mark.parametrize("field", ["shape", "anchor_move", "resale"])
def test_a_number_that_means_nothing_is_no_curve(field):
    record = curve_record(_curve())
    record[field] = 9
    with pytest.raises(MisuseError, match="this CURVE record is no curve: 9 is not a valid"):
        curve_from_record(record)
    assert getattr(curve_from_record(record, as_it_stands=True).params, field) == 9


@pytest.mark.parametrize("byte", range(3))
@pytest.mark.parametrize("as_it_stands", [False, True])
def test_a_reserved_byte_of_a_curve_is_refused(byte, as_it_stands):
    record = curve_record(_curve(resale=CurveResale.ABOVE_HIGH))
    assert not record["reserved"].any()
    record["reserved"][0, byte] = 1
    with pytest.raises(MisuseError, match="a reserved byte is not 0"):
        curve_from_record(record, as_it_stands=as_it_stands)


def test_empty_batches_are_empty_arrays():
    assert command_records([]).shape == (0,)
    assert events_from_records(event_records([])) == []


def test_arrays_can_be_written_to():
    records = command_records([m.Advance(ts_ns=1)])
    records["ts_ns"] = 5
    assert records["ts_ns"].tolist() == [5]


def _curve(**params) -> m.SetCurve:
    defaults = {"shape": CurveShape.PMM, "base_depth_lots": 1, "quote_depth_lots": 1, "budget_notional": 1}
    return m.SetCurve(params=m.CurveParams(**(defaults | params)))
