"""The fixed-size twin of every message, and the conversions between the two. Layouts: `parbook.layouts`."""

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
    AccountField,
    AccountStatus,
    AnchorMove,
    CancelReason,
    CommandKind,
    CurveResale,
    CurveShape,
    OrderType,
    Place,
    Priority,
    RejectCode,
    SessionState,
    Side,
    Source,
    StpMode,
    TimeInForce,
)
from parbook.errors import MisuseError, shown
from parbook.layouts import (
    COMMAND,
    COMMAND_FIELDS,
    CURVE,
    DEPTH,
    EVENT,
    EVENT_FIELDS,
    SPECIAL_FIELDS,
    TERMS,
    Records,
)

__all__ = [
    "COMMAND",
    "COMMAND_FIELDS",
    "CURVE",
    "DEPTH",
    "EVENT",
    "EVENT_FIELDS",
    "SPECIAL_FIELDS",
    "TERMS",
    "Records",
    "command_numbers",
    "command_records",
    "curve_from_record",
    "curve_record",
    "event_records",
    "events_from_records",
]

_ENUMS: Final[dict[str, type[Any]]] = {
    "side": Side,
    "order_type": OrderType,
    "tif": TimeInForce,
    "source": Source,
    "reason": CancelReason,
    "priority": Priority,
    "shape": CurveShape,
    "place": Place,
    "mode": StpMode,
    "state": SessionState,
    "previous": SessionState,
    "field": AccountField,
    "status": AccountStatus,
}
_CURVE_ENUMS: Final[dict[str, type[Any]]] = {"shape": CurveShape, "anchor_move": AnchorMove, "resale": CurveResale}
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


_COMMAND_PACKERS: dict[type[Any], Any] = {
    struct_type: _Packer(COMMAND, columns, int(kind)) for kind, (struct_type, columns) in COMMAND_FIELDS.items()
}
_EVENT_PACKERS: Final[dict[type[Any], _Packer]] = {
    struct_type: _Packer(EVENT, columns, int(kind)) for kind, (struct_type, columns) in EVENT_FIELDS.items()
}
_CURVE_PACKER: Final = _Packer(
    CURVE,
    {f"params.{name}": name for name in m.CurveParams.__struct_fields__}
    | {"ts_ns": "ts_ns", "instrument": "instrument"},
)


class _SpecialPacker:
    """Writes a Struct that has terms: one record when all of them are at their defaults, else two."""

    def __init__(self, kind: CommandKind) -> None:
        plain_kind, further, terms = SPECIAL_FIELDS[kind]
        struct_type, columns = COMMAND_FIELDS[plain_kind]
        self._plain = _Packer(COMMAND, columns, int(plain_kind))
        self._special = _Packer(COMMAND, columns | further, int(kind))
        self._terms = _Packer(TERMS, {name: name for name in terms}, int(CommandKind.TERMS))
        self._values = attrgetter(*terms, *further)
        self._flags = tuple(name for name in ("hidden", "reduce_only") if name in terms)
        defaults = struct_type.__struct_defaults__
        by_name = dict(zip(struct_type.__struct_fields__[-len(defaults) :], defaults, strict=True))
        self._defaults = tuple(by_name[name] for name in (*terms, *further))

    def pack(self, item: Any) -> bytes:
        """Return the one or two records of `item`; MisuseError as _Packer. O(fields)."""
        values = self._values(item)
        if values == self._defaults and not any(isinstance(v, float) for v in values):
            return self._plain.pack(item)
        for name in self._flags:
            if not isinstance(getattr(item, name), bool):
                raise MisuseError(f"{type(item).__name__}.{name}={shown(getattr(item, name))} must be True or False.")
        numbers = msgspec.structs.replace(item, **{name: int(getattr(item, name)) for name in self._flags})
        return self._special.pack(item) + self._terms.pack(numbers)


_COMMAND_PACKERS |= {COMMAND_FIELDS[SPECIAL_FIELDS[kind][0]][0]: _SpecialPacker(kind) for kind in SPECIAL_FIELDS}


def _to_records(items: Iterable[Any], packers: dict[type[Any], Any], dtype: np.dtype[np.void]) -> Records:
    packed = bytearray()
    for item in items:
        packer = packers.get(type(item))
        if packer is None:
            raise MisuseError(f"{type(item).__name__} has no place in an array of this kind.")
        packed += packer.pack(item)
    return np.frombuffer(packed, dtype)


def command_records(commands: Iterable[m.Command]) -> Records:
    """Return the COMMAND array of `commands`, writable; a command with terms takes two records. O(n).

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


def command_numbers(events: Records, first: int = 0) -> npt.NDArray[np.int64]:
    """Return the whole number of each event's command, in a gapless run of events whose first command is `first`. O(n).

    Records keep the low 16 bits; between neighbours the numbers never step by more than one.
    """
    if not len(events):
        return np.zeros(0, np.int64)
    steps = np.diff(events["command"], prepend=events["command"][:1])
    return first + np.cumsum(steps.astype(np.uint16), dtype=np.int64)


def curve_record(command: m.SetCurve) -> Records:
    """Return the one-element CURVE array of `command`, writable; MisuseError when a value does not fit its field."""
    return np.frombuffer(bytearray(_CURVE_PACKER.pack(command)), CURVE)


def curve_from_record(record: Records, *, as_it_stands: bool = False) -> m.SetCurve:
    """Return the SetCurve of a one-element CURVE array. Inverse of `curve_record`.

    MisuseError for another dtype, for reserved bytes that are not 0 (a later version may mean something by them) and
    for a shape, anchor_move or resale that does not exist. `as_it_stands`: such a number stays a plain int, for a core
    to refuse it.
    """
    if record.dtype != CURVE or record.shape != (1,):
        raise MisuseError("curve_from_record takes an array of one CURVE record.")
    row = dict(zip(CURVE.names or (), record[0].tolist(), strict=True))
    if any(row.pop("reserved")):
        raise MisuseError("this CURVE record is no curve: a reserved byte is not 0.")
    ts_ns, instrument = row.pop("ts_ns"), row.pop("instrument")
    for name, kind in _CURVE_ENUMS.items():
        try:
            row[name] = kind(row[name])
        except ValueError as error:
            if not as_it_stands:
                raise MisuseError(f"this CURVE record is no curve: {error}.") from None
    return m.SetCurve(params=m.CurveParams(**row), ts_ns=ts_ns, instrument=instrument)
