"""Hypothesis strategies for every message, over the whole range of every record field."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from hypothesis import strategies as st

from parbook import messages as m
from parbook.codes import (
    AccountField,
    AccountStatus,
    AnchorMove,
    CancelReason,
    CommandKind,
    CurveResale,
    CurveShape,
    OrderType,
    Peg,
    Place,
    Priority,
    RejectCode,
    SessionState,
    Side,
    Source,
    StpMode,
    TimeInForce,
    Trigger,
)
from parbook.records import COMMAND, COMMAND_FIELDS, CURVE, EVENT, EVENT_FIELDS, SPECIAL_FIELDS, TERMS

ENUMS: dict[str, Any] = {
    "side": Side,
    "order_type": OrderType,
    "tif": TimeInForce,
    "source": Source,
    "reason": CancelReason,
    "priority": Priority,
    "shape": CurveShape,
    "anchor_move": AnchorMove,
    "resale": CurveResale,
    "code": RejectCode,
    "place": Place,
    "mode": StpMode,
    "state": SessionState,
    "previous": SessionState,
    "field": AccountField,
    "stp": StpMode,
    "peg": Peg,
    "trigger": Trigger,
    "status": AccountStatus,
}


def _field(name: str, dtype: np.dtype[Any]) -> st.SearchStrategy[Any]:
    if name in ("hidden", "reduce_only"):
        return st.booleans()
    if name in ENUMS:
        return st.sampled_from(ENUMS[name])
    bounds = np.iinfo(dtype)
    return st.integers(int(bounds.min), int(bounds.max))


def _message(struct: type[msgspec.Struct], columns: dict[str, str], dtype: np.dtype[Any]) -> st.SearchStrategy[Any]:
    return st.builds(struct, **{name: _field(name, dtype[column]) for name, column in columns.items()})


BATCH_COMMANDS = st.one_of([_message(struct, columns, COMMAND) for struct, columns in COMMAND_FIELDS.values()])


def _special(kind: CommandKind) -> st.SearchStrategy[Any]:
    plain, further, terms = SPECIAL_FIELDS[kind]
    struct, columns = COMMAND_FIELDS[plain]
    fields = {name: _field(name, COMMAND[column]) for name, column in (columns | further).items()}
    return st.builds(struct, **fields, **{name: _field(name, TERMS[name]) for name in terms})


SPECIALS = st.one_of([_special(kind) for kind in SPECIAL_FIELDS])
EVENTS = st.one_of([_message(struct, columns, EVENT) for struct, columns in EVENT_FIELDS.values()])
SET_CURVES = st.builds(
    m.SetCurve,
    params=st.builds(m.CurveParams, **{name: _field(name, CURVE[name]) for name in m.CurveParams.__struct_fields__}),
    ts_ns=_field("ts_ns", CURVE["ts_ns"]),
)
