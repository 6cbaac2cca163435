"""What an order may say beyond side, quantity and price, in a person's units or in integers."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, Final, TypedDict

from parbook.codes import Peg, StpMode, Trigger
from parbook.errors import MisuseError, shown
from parbook.units import checked_int
from parbook.venue.choices import chosen
from parbook.venue.grid import Exact, InstrumentHandle, ppm_of


class Terms(TypedDict, total=False):
    """Terms of a new order; what they do: `parbook.NewOrder`. A quantity, price or amount is text, int or Decimal.

    display, min_qty     quantities; or display_lots, min_lots
    stop, offset         prices; or stop_ticks, offset_ticks. A peg's offset may be negative
    trail_bps            or trail_ppm
    amount               in the quote asset, fees not included; or amount_notional, in ticks x lots
    expire               ns: the last moment a "gtd" order may trade
    oco                  order id of the live order it is paired with
    stp, peg, trigger    names or members of StpMode, Peg, Trigger
    session, session_ref  see `parbook.NewOrder`
    """

    display: Exact
    display_lots: int
    min_qty: Exact
    min_lots: int
    stop: Exact
    stop_ticks: int
    offset: Exact
    offset_ticks: int
    trail_bps: Exact
    trail_ppm: int
    amount: Exact
    amount_notional: int
    expire: int
    oco: int
    hidden: bool
    reduce_only: bool
    stp: StpMode | str
    peg: Peg | str
    trigger: Trigger | str
    session: int
    session_ref: int


Convert = Callable[[InstrumentHandle, Any], int]


def _integer(name: str) -> Convert:
    return lambda _, value: checked_int(value, name, -(2**63), 2**64 - 1)


def _flag(name: str) -> Convert:
    def convert(_: InstrumentHandle, value: Any) -> int:
        if not isinstance(value, bool):
            raise MisuseError(f"{name}={shown(value)} must be True or False.")
        return value

    return convert


_TERMS: Final[dict[str, tuple[str, Convert]]] = {
    "display": ("display_lots", lambda handle, value: handle.qty_lots(value, "display")),
    "min_qty": ("min_lots", lambda handle, value: handle.qty_lots(value, "min_qty")),
    "stop": ("stop_ticks", lambda handle, value: handle.price_ticks(value, "stop")),
    "offset": ("offset_ticks", lambda handle, value: handle.price_ticks(value, "offset", None)),
    "trail_bps": ("trail_ppm", lambda _, value: ppm_of(value, "trail_bps")),
    "amount": ("amount_notional", lambda handle, value: handle.notional(value)),
    "expire": ("expire_ns", _integer("expire")),
    "oco": ("oco_order_id", _integer("oco")),
    "stp": ("stp", lambda _, value: chosen(StpMode, value, "stp")),
    "peg": ("peg", lambda _, value: chosen(Peg, value, "peg")),
    "trigger": ("trigger", lambda _, value: chosen(Trigger, value, "trigger")),
    "hidden": ("hidden", _flag("hidden")),
    "reduce_only": ("reduce_only", _flag("reduce_only")),
} | {
    name: (name, _integer(name))
    for name in (
        *("display_lots", "min_lots", "stop_ticks", "offset_ticks", "trail_ppm", "amount_notional"),
        *("session", "session_ref"),
    )
}


def order_fields(handle: InstrumentHandle, terms: Terms) -> dict[str, Any]:
    """Return the NewOrder fields of terms. MisuseError for an unknown one, or for one that is given in both forms."""
    fields: dict[str, Any] = {}
    for name, value in terms.items():
        term = _TERMS.get(name)
        if term is None:
            nearest = difflib.get_close_matches(name, _TERMS, 1, 0.5)
            hint = f"Did you mean {nearest[0]}?" if nearest else f"There are {', '.join(_TERMS)}."
            raise MisuseError(f"{handle.name}: {name}={shown(value)} is no term of an order. {hint}")
        field, convert = term
        if field in fields:
            raise MisuseError(f"{handle.name}: {name}={shown(value)} says {field} a second time. Give one of the two.")
        fields[field] = convert(handle, value)
    return fields
