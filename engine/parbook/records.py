"""The fixed-size little-endian twin of every message, and the conversions between the two.

A batch is a NumPy array of COMMAND records; its answer is an array of EVENT records. Both are 64 bytes,
one cache line. The tables below say which record field carries which Struct field; a field that a kind
does not name is 0 in events and ignored in commands. SET_CURVE has a record of its own, CURVE.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from parbook import messages as m
from parbook.codes import (
    AnchorMove,
    CancelReason,
    CommandKind,
    CurveShape,
    EventKind,
    OrderType,
    Priority,
    RejectCode,
    Side,
    Source,
    TimeInForce,
)
from parbook.errors import MisuseError

Records = npt.NDArray[np.void]

COMMAND: Final[np.dtype[np.void]] = np.dtype(
    [
        ("kind", "u1"),
        ("side", "u1"),
        ("order_type", "u1"),
        ("tif", "u1"),
        ("account", "<u4"),
        ("order_id", "<u8"),
        ("client_id", "<u8"),
        ("price_ticks", "<i8"),
        ("qty_lots", "<i8"),
        ("ts_ns", "<i8"),
        ("high_ticks", "<i8"),
        ("instrument", "<u2"),
        ("session", "<u2"),
        ("reserved", "<u4"),
    ]
)
"""One command. `instrument` and `session` are for an exchange of many markets; a market ignores them."""

EVENT: Final[np.dtype[np.void]] = np.dtype(
    [
        ("kind", "u1"),
        ("side", "u1"),
        ("code", "<u2"),
        ("account", "<u4"),
        ("seq", "<u8"),
        ("order_id", "<u8"),
        ("other_id", "<u8"),
        ("price_ticks", "<i8"),
        ("qty_lots", "<i8"),
        ("leaves_lots", "<i8"),
        ("other_account", "<u4"),
        ("command", "<u4"),
    ]
)
"""One event. `other_id` is the client id, and in a TRADE the maker's order id; `order_id` there is the taker's."""

CURVE: Final[np.dtype[np.void]] = np.dtype(
    [
        ("shape", "u1"),
        ("anchor_move", "u1"),
        ("reserved", "u1", (6,)),
        ("base_depth_lots", "<i8"),
        ("quote_depth_lots", "<i8"),
        ("budget_notional", "<i8"),
        ("k_ppm", "<i8"),
        ("spread_ppm", "<i8"),
        ("rung_ticks", "<i8"),
        ("par_lots", "<i8"),
        ("drop_ppm", "<i8"),
        ("min_net_lots", "<i8"),
        ("max_net_lots", "<i8"),
        ("activation_delay_ns", "<i8"),
        ("lift_max_lots", "<i8"),
        ("ts_ns", "<i8"),
    ]
)
"""One SET_CURVE command: 112 bytes."""

DEPTH: Final[np.dtype[np.void]] = np.dtype(
    [("side", "u1"), ("source", "u1"), ("orders", "<u4"), ("price_ticks", "<i8"), ("qty_lots", "<i8")]
)
"""One row of depth: a price level of the book, or a rung of the curve, flagged by `source`."""

COMMAND_FIELDS: Final[dict[CommandKind, tuple[type[msgspec.Struct], dict[str, str]]]] = {
    CommandKind.NEW: (
        m.NewOrder,
        {f: f for f in ("account", "side", "qty_lots", "price_ticks", "order_type", "tif", "client_id", "ts_ns")},
    ),
    CommandKind.CANCEL: (m.CancelOrder, {f: f for f in ("account", "order_id", "client_id", "ts_ns")}),
    CommandKind.AMEND: (
        m.AmendOrder,
        {f: f for f in ("account", "order_id", "client_id", "qty_lots", "price_ticks", "ts_ns")},
    ),
    CommandKind.REDUCE: (m.ReduceOrder, {f: f for f in ("account", "order_id", "client_id", "qty_lots", "ts_ns")}),
    CommandKind.ADVANCE: (m.Advance, {"ts_ns": "ts_ns"}),
    CommandKind.PROPOSE_ANCHOR: (
        m.ProposeAnchor,
        {"low_ticks": "price_ticks", "high_ticks": "high_ticks", "ts_ns": "ts_ns"},
    ),
    CommandKind.WITHDRAW_ANCHORS: (m.WithdrawAnchors, {"ts_ns": "ts_ns"}),
    CommandKind.WITHDRAW_CURVE: (m.WithdrawCurve, {"ts_ns": "ts_ns"}),
}
"""kind -> (Struct, {Struct field: record field})."""

_ORDER = {f: f for f in ("seq", "command", "order_id", "account", "side", "price_ticks", "qty_lots")} | {
    "client_id": "other_id"
}
_HEAD = {"seq": "seq", "command": "command"}
EVENT_FIELDS: Final[dict[EventKind, tuple[type[msgspec.Struct], dict[str, str]]]] = {
    EventKind.ACCEPTED: (m.Accepted, _ORDER | {"leaves_lots": "leaves_lots"}),
    EventKind.REJECTED: (
        m.Rejected,
        _HEAD | {"code": "code", "order_id": "order_id", "client_id": "other_id", "account": "account"},
    ),
    EventKind.TRADE: (
        m.Trade,
        _HEAD
        | {
            "source": "code",
            "side": "side",
            "price_ticks": "price_ticks",
            "qty_lots": "qty_lots",
            "taker_order_id": "order_id",
            "taker_account": "account",
            "maker_order_id": "other_id",
            "maker_account": "other_account",
            "maker_leaves_lots": "leaves_lots",
        },
    ),
    EventKind.CANCELLED: (m.Cancelled, _ORDER | {"reason": "code"}),
    EventKind.AMENDED: (m.Amended, _ORDER | {"leaves_lots": "leaves_lots", "priority": "code"}),
    EventKind.ADVANCED: (m.Advanced, _HEAD | {"ts_ns": "qty_lots"}),
    EventKind.ANCHOR_PROPOSED: (
        m.AnchorProposed,
        _HEAD | {"low_ticks": "price_ticks", "high_ticks": "leaves_lots", "effective_at_ns": "qty_lots"},
    ),
    EventKind.ANCHOR_ACTIVATED: (
        m.AnchorActivated,
        _HEAD
        | {
            "low_ticks": "price_ticks",
            "high_ticks": "leaves_lots",
            "net_lots": "qty_lots",
            "cash_notional": "other_id",
        },
    ),
    EventKind.ANCHORS_WITHDRAWN: (m.AnchorsWithdrawn, _HEAD | {"count": "qty_lots"}),
    EventKind.CURVE_SET: (m.CurveSet, _HEAD | {"shape": "code", "cash_notional": "other_id"}),
    EventKind.CURVE_WITHDRAWN: (m.CurveWithdrawn, _HEAD | {"net_lots": "qty_lots", "cash_notional": "other_id"}),
}
"""kind -> (Struct, {Struct field: record field})."""

_ENUMS: Final[dict[str, type[Any]]] = {
    "side": Side,
    "order_type": OrderType,
    "tif": TimeInForce,
    "source": Source,
    "reason": CancelReason,
    "priority": Priority,
    "shape": CurveShape,
}
_KIND_OF: Final[dict[type[Any], tuple[int, dict[str, str]]]] = {
    struct: (int(kind), fields) for table in (COMMAND_FIELDS, EVENT_FIELDS) for kind, (struct, fields) in table.items()
}


def _to_records(items: Iterable[Any], dtype: np.dtype[np.void]) -> Records:
    items = list(items)
    out = np.zeros(len(items), dtype)
    for row, item in zip(out, items, strict=True):
        try:
            kind, fields = _KIND_OF[type(item)]
        except KeyError:
            raise MisuseError(f"{type(item).__name__} has no place in an array of this kind.") from None
        row["kind"] = kind
        for name, column in fields.items():
            value = getattr(item, name)
            try:
                # NumPy would cut 1.5 down to 1 and take True for 1 without a word.
                if isinstance(value, bool) or not isinstance(value, int):
                    raise TypeError
                row[column] = value
            except (OverflowError, TypeError):
                raise MisuseError(
                    f"{type(item).__name__}.{name}={value!r} is not an int that fits its record field."
                ) from None
    return out


def command_records(commands: Iterable[m.Command]) -> Records:
    """Return the COMMAND array of `commands`; MisuseError for SetCurve, which has its own record. O(n)."""
    return _to_records(commands, COMMAND)


def event_records(events: Iterable[m.Event]) -> Records:
    """Return the EVENT array of `events`. O(n)."""
    return _to_records(events, EVENT)


def events_from_records(records: Records) -> list[m.Event]:
    """Return the Structs of an EVENT array. Inverse of `event_records`. O(n)."""
    names = records.dtype.names or ()
    out: list[Any] = []
    for values in records.tolist():
        row = dict(zip(names, values, strict=True))
        struct, fields = EVENT_FIELDS[EventKind(row["kind"])]
        code = RejectCode if struct is m.Rejected else int
        out.append(
            struct(
                **{
                    name: (code if name == "code" else _ENUMS.get(name, int))(row[column])
                    for name, column in fields.items()
                }
            )
        )
    return out


def curve_record(command: m.SetCurve) -> Records:
    """Return the one-element CURVE array of `command`; MisuseError when a value is no int that fits."""
    out = np.zeros(1, CURVE)
    for name in CURVE.names or ():
        if name == "reserved":
            continue
        value = command.ts_ns if name == "ts_ns" else getattr(command.params, name)
        try:
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError
            out[0][name] = value
        except (OverflowError, TypeError):
            raise MisuseError(f"CurveParams.{name}={value!r} is not an int that fits its record field.") from None
    return out


def curve_from_record(record: Records) -> m.SetCurve:
    """Return the SetCurve of a one-element CURVE array. Inverse of `curve_record`."""
    row = dict(zip(CURVE.names or (), record[0].tolist(), strict=True))
    row.pop("reserved")
    ts_ns = row.pop("ts_ns")
    row["shape"] = CurveShape(row["shape"])
    row["anchor_move"] = AnchorMove(row["anchor_move"])
    return m.SetCurve(params=m.CurveParams(**row), ts_ns=ts_ns)
