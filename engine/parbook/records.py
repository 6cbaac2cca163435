"""The fixed-size little-endian twin of every message, and the conversions between the two.

A batch is a NumPy array of COMMAND records; its answer is an array of EVENT records. Both are 64 bytes,
one cache line. The tables below say which record field carries which Struct field; a field that a kind
does not name is 0 in events and without effect in commands (a Rejected echoes the ids all the same).
SET_CURVE has a record of its own, CURVE.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from operator import attrgetter
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
from parbook.errors import MisuseError, shown

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
_INT_FORMAT: Final = {"|u1": "B", "<u2": "H", "<u4": "I", "<u8": "Q", "<i8": "q"}


class _Packer:
    """Writes one kind of Struct into its record. struct.pack, unlike NumPy, refuses a float and never wraps."""

    def __init__(self, dtype: np.dtype[np.void], columns: dict[str, str], kind: int | None = None) -> None:
        """Pack the Struct fields `columns` (dotted name -> record field) and pad all other record fields."""
        field_of = {column: field for field, column in columns.items()}
        self.fields: list[str] = []
        self._codes: list[str] = []
        self._head: tuple[int, ...] = () if kind is None else (kind,)
        layout = "<"
        for column in dtype.names or ():
            column_dtype = dtype[column]
            if column in field_of:
                code = _INT_FORMAT[column_dtype.str]
                self.fields.append(field_of[column])
                self._codes.append(code)
            else:
                code = "B" if column == "kind" and self._head else f"{column_dtype.itemsize}x"
            layout += code
        self._pack: Callable[..., bytes] = struct.Struct(layout).pack
        # attrgetter of one name returns the bare value; with a second name it always returns a tuple.
        self._values = attrgetter(*self.fields, self.fields[0])

    def pack(self, item: object) -> bytes:
        """Return the record of `item`; MisuseError naming the first field that is no int or does not fit. O(fields)."""
        values = self._values(item)[:-1]
        # A bool would pass for an int.
        if bool not in map(type, values):
            try:
                return self._pack(*self._head, *values)
            except struct.error:
                pass
        for field, code, value in zip(self.fields, self._codes, values, strict=True):
            if isinstance(value, bool) or not isinstance(value, int):
                raise MisuseError(f"{type(item).__name__}.{field}={shown(value)} must be an int.")
            bits = struct.calcsize(code) * 8
            low, high = (0, 2**bits - 1) if code.isupper() else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
            if not low <= value <= high:
                raise MisuseError(f"{type(item).__name__}.{field}={shown(value)} is outside {low}..{high}.")
        raise AssertionError(f"struct refused {item!r} without a reason")  # pragma: no cover


_COMMAND_PACKERS: Final[dict[type[Any], _Packer]] = {
    struct_type: _Packer(COMMAND, columns, int(kind)) for kind, (struct_type, columns) in COMMAND_FIELDS.items()
}
_EVENT_PACKERS: Final[dict[type[Any], _Packer]] = {
    struct_type: _Packer(EVENT, columns, int(kind)) for kind, (struct_type, columns) in EVENT_FIELDS.items()
}
_CURVE_PACKER: Final = _Packer(
    CURVE,
    {f"params.{name}": name for name in m.CurveParams.__struct_fields__} | {"ts_ns": "ts_ns"},
)


def _to_records(items: Iterable[Any], packers: dict[type[Any], _Packer], dtype: np.dtype[np.void]) -> Records:
    packed = bytearray()
    for item in items:
        packer = packers.get(type(item))
        if packer is None:
            raise MisuseError(f"{type(item).__name__} has no place in an array of this kind.")
        packed += packer.pack(item)
    return np.frombuffer(packed, dtype)


def command_records(commands: Iterable[m.Command]) -> Records:
    """Return the COMMAND array of `commands`, writable. O(n).

    MisuseError for SetCurve, which has its own record, and for a field that is not an int or does not fit.
    """
    return _to_records(commands, _COMMAND_PACKERS, COMMAND)


def event_records(events: Iterable[m.Event]) -> Records:
    """Return the EVENT array of `events`, writable. O(n). MisuseError names a field that is no int or does not fit."""
    return _to_records(events, _EVENT_PACKERS, EVENT)


_Reader = tuple[type[msgspec.Struct], list[tuple[str, int, Callable[[int], int]]]]
_EVENT_READERS: Final[dict[int, _Reader]] = {
    int(kind): (
        struct_type,
        [
            (field, (EVENT.names or ()).index(column), RejectCode if field == "code" else _ENUMS.get(field, int))
            for field, column in columns.items()
        ],
    )
    for kind, (struct_type, columns) in EVENT_FIELDS.items()
}


def events_from_records(records: Records) -> list[m.Event]:
    """Return the Structs of an EVENT array. Inverse of `event_records`. O(n).

    MisuseError for another dtype and for a kind or code that no event has.
    """
    if records.dtype != EVENT:
        raise MisuseError("events_from_records takes an array of EVENT records.")
    out: list[Any] = []
    for row in records.tolist():
        try:
            struct_type, fields = _EVENT_READERS[row[0]]
            out.append(struct_type(**{field: convert(row[index]) for field, index, convert in fields}))
        except (KeyError, ValueError):
            raise MisuseError(f"record {len(out)} is no event: kind={row[0]}, side={row[1]}, code={row[2]}.") from None
    return out


def curve_record(command: m.SetCurve) -> Records:
    """Return the one-element CURVE array of `command`, writable; MisuseError when a value does not fit its field."""
    return np.frombuffer(bytearray(_CURVE_PACKER.pack(command)), CURVE)


def curve_from_record(record: Records) -> m.SetCurve:
    """Return the SetCurve of a one-element CURVE array. Inverse of `curve_record`.

    MisuseError for another dtype and for a shape or anchor_move that does not exist.
    """
    if record.dtype != CURVE or record.shape != (1,):
        raise MisuseError("curve_from_record takes an array of one CURVE record.")
    row = dict(zip(CURVE.names or (), record[0].tolist(), strict=True))
    row.pop("reserved")
    ts_ns = row.pop("ts_ns")
    try:
        row["shape"] = CurveShape(row["shape"])
        row["anchor_move"] = AnchorMove(row["anchor_move"])
    except ValueError as error:
        raise MisuseError(f"this CURVE record is no curve: {error}.") from None
    return m.SetCurve(params=m.CurveParams(**row), ts_ns=ts_ns)
