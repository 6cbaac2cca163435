"""Hypothesis strategies for every message, over the whole range of every record field."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from hypothesis import strategies as st

from parbook import messages as m
from parbook.codes import (
    AnchorMove,
    CancelReason,
    CurveShape,
    OrderType,
    Priority,
    RejectCode,
    Side,
    Source,
    TimeInForce,
)
from parbook.records import COMMAND, COMMAND_FIELDS, CURVE, EVENT, EVENT_FIELDS

ENUMS: dict[str, Any] = {
    "side": Side,
    "order_type": OrderType,
    "tif": TimeInForce,
    "source": Source,
    "reason": CancelReason,
    "priority": Priority,
    "shape": CurveShape,
    "anchor_move": AnchorMove,
    "code": RejectCode,
}


def _field(name: str, dtype: np.dtype[Any]) -> st.SearchStrategy[int]:
    if name in ENUMS:
        return st.sampled_from(ENUMS[name])
    bounds = np.iinfo(dtype)
    return st.integers(int(bounds.min), int(bounds.max))


def _message(struct: type[msgspec.Struct], columns: dict[str, str], dtype: np.dtype[Any]) -> st.SearchStrategy[Any]:
    return st.builds(struct, **{name: _field(name, dtype[column]) for name, column in columns.items()})


BATCH_COMMANDS = st.one_of([_message(struct, columns, COMMAND) for struct, columns in COMMAND_FIELDS.values()])
EVENTS = st.one_of([_message(struct, columns, EVENT) for struct, columns in EVENT_FIELDS.values()])
SET_CURVES = st.builds(
    m.SetCurve,
    params=st.builds(m.CurveParams, **{name: _field(name, CURVE[name]) for name in m.CurveParams.__struct_fields__}),
    ts_ns=_field("ts_ns", CURVE["ts_ns"]),
)
