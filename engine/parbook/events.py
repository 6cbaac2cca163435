"""Events: what happened in a market, as immutable msgspec Structs. Read them through `parbook.messages`.

`seq` is gapless per market; `command` is the low 32 bits of the number of the command that caused it.
"""

from __future__ import annotations

import msgspec

from parbook.codes import (
    AccountField,
    CancelReason,
    CurveShape,
    Place,
    Priority,
    RejectCode,
    SessionState,
    Side,
    Source,
    StpMode,
)


class Accepted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A new order got `order_id`. `leaves_lots` stays at `place` once this command's events are applied.

    `price_ticks` is where it rests, or its limit when nothing stays. An order by amount says its most lots.
    """

    seq: int
    command: int
    order_id: int
    client_id: int
    account: int
    side: Side
    price_ticks: int
    qty_lots: int
    leaves_lots: int
    place: Place = Place.BOOK


class Rejected(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A command was refused with `code`; nothing but the clock moved. The ids are those it carried."""

    seq: int
    command: int
    code: RejectCode
    order_id: int
    client_id: int
    account: int


class Trade(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A fill of `qty_lots` at the maker's price. `seq` serves as its trade id.

    `side` is the taker's. For source CURVE the maker fields are 0 and `maker_leaves_lots` is the curve's
    cursor after the fill; for LIFT the taker is the curve and the taker fields are 0. For UNCROSS the taker fields
    hold the buyer, the maker fields the seller. The same for UNCROSS_CURVE, with the order on the taker's side.
    """

    seq: int
    command: int
    source: Source
    side: Side
    price_ticks: int
    qty_lots: int
    taker_order_id: int
    taker_account: int
    maker_order_id: int
    maker_account: int
    maker_leaves_lots: int


class Cancelled(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """`qty_lots` of an order left the market without trading; the order is gone."""

    seq: int
    command: int
    reason: CancelReason
    order_id: int
    client_id: int
    account: int
    side: Side
    price_ticks: int
    qty_lots: int


class Amended(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An order has a new total and price. `leaves_lots` rests once this command's events are applied."""

    seq: int
    command: int
    priority: Priority
    order_id: int
    client_id: int
    account: int
    side: Side
    price_ticks: int
    qty_lots: int
    leaves_lots: int


class Advanced(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The clock stands at `ts_ns`."""

    seq: int
    command: int
    ts_ns: int


class AnchorProposed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An anchor waits for `effective_at_ns`."""

    seq: int
    command: int
    low_ticks: int
    high_ticks: int
    effective_at_ns: int


class AnchorActivated(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The curve quotes around this anchor from cursor `net_lots` with `cash_notional` in hand."""

    seq: int
    command: int
    low_ticks: int
    high_ticks: int
    net_lots: int
    cash_notional: int


class AnchorsWithdrawn(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """`count` proposed anchors were cancelled."""

    seq: int
    command: int
    count: int


class CurveSet(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The curve has new parameters, its cursor at 0 and its whole budget."""

    seq: int
    command: int
    shape: CurveShape
    cash_notional: int


class CurveWithdrawn(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The curve stopped quoting at cursor `net_lots`."""

    seq: int
    command: int
    net_lots: int
    cash_notional: int


class Prevented(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An aggressor met a resting order of its group; `qty_lots` would have traded at `price_ticks`.

    `mode` says what happened. Under DECREMENT both orders lose qty_lots of their totals, and an order left with
    nothing is gone without a Cancelled; under the other modes a Cancelled follows for each order that leaves.
    `maker_leaves_lots` is what stays of the resting order.
    """

    seq: int
    command: int
    mode: StpMode
    side: Side
    price_ticks: int
    qty_lots: int
    taker_order_id: int
    taker_account: int
    maker_order_id: int
    maker_account: int
    maker_leaves_lots: int


class Triggered(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A stop enters the market; its fills follow. `leaves_lots` rests at `price_ticks` and `place` after them."""

    seq: int
    command: int
    place: Place
    order_id: int
    client_id: int
    account: int
    side: Side
    price_ticks: int
    qty_lots: int
    leaves_lots: int


class Shown(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Depth shows `qty_lots` of an iceberg at the back of its queue; `leaves_lots` includes what is not shown."""

    seq: int
    command: int
    order_id: int
    client_id: int
    account: int
    side: Side
    price_ticks: int
    qty_lots: int
    leaves_lots: int


class Repriced(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A peg rests at `price_ticks`, at the back of the queue; 0: it is parked. Its total is `qty_lots`."""

    seq: int
    command: int
    order_id: int
    client_id: int
    account: int
    side: Side
    price_ticks: int
    qty_lots: int
    leaves_lots: int


class StateChanged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The session went from `previous` to `state`. An UNCROSSED and its trades come before it."""

    seq: int
    command: int
    state: SessionState
    previous: SessionState


class Indicative(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What the uncross would do now: price (0: no cross), paired lots, surplus (positive: buy side)."""

    seq: int
    command: int
    price_ticks: int
    paired_lots: int
    surplus_lots: int


class Uncrossed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An auction clears at `price_ticks`; its trades follow. price 0: nothing crossed, and none follow."""

    seq: int
    command: int
    price_ticks: int
    paired_lots: int
    surplus_lots: int


class MassCancelled(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """`count` orders were cancelled, each in an event of its own before this one."""

    seq: int
    command: int
    reason: CancelReason
    account: int
    count: int


class AccountSet(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An account's `field` has a new value."""

    seq: int
    command: int
    field: AccountField
    account: int
    value: int


class Quoted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The quote in `slot` stands as asked; 0 is no order on that side."""

    seq: int
    command: int
    account: int
    slot: int
    bid_order_id: int
    ask_order_id: int


class Protected(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Protection pulled an account's quotes after `filled_lots` traded in its window."""

    seq: int
    command: int
    account: int
    filled_lots: int


class Busted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The trade of event `trade_seq` is void. `side` is the taker's."""

    seq: int
    command: int
    source: Source
    side: Side
    trade_seq: int
    price_ticks: int
    qty_lots: int
    taker_account: int
    maker_account: int


class Unspent(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """`notional` of a market order's amount was not spent."""

    seq: int
    command: int
    order_id: int
    client_id: int
    account: int
    notional: int


class Breached(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The sweep of an order stopped at `price_ticks`, the collar's edge."""

    seq: int
    command: int
    side: Side
    order_id: int
    account: int
    price_ticks: int


class DeadManSet(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The account's orders are cancelled at `deadline_ns`; 0: disarmed."""

    seq: int
    command: int
    account: int
    deadline_ns: int


Event = (
    Accepted
    | Rejected
    | Trade
    | Cancelled
    | Amended
    | Advanced
    | AnchorProposed
    | AnchorActivated
    | AnchorsWithdrawn
    | CurveSet
    | CurveWithdrawn
    | Prevented
    | Triggered
    | Shown
    | Repriced
    | StateChanged
    | Indicative
    | Uncrossed
    | MassCancelled
    | AccountSet
    | Quoted
    | Protected
    | Busted
    | Unspent
    | Breached
    | DeadManSet
)
