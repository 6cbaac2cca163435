"""Events: what happened in a market, as immutable msgspec Structs. Read them through `parbook.messages`.

`seq` is gapless per instrument; `command` is the low 16 bits of the number of the command that caused it, gapless as
well (`parbook.records.command_numbers` gives the whole numbers). `instrument` is 0 in a market of its own, and
EVERY_INSTRUMENT for what concerns the exchange as a whole.
"""

from __future__ import annotations

import msgspec

from parbook.codes import (
    AccountField,
    AccountStatus,
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
    instrument: int = 0


class Rejected(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A command was refused with `code`; nothing but the clock moved. The ids are those it carried."""

    seq: int
    command: int
    code: RejectCode
    order_id: int
    client_id: int
    account: int
    instrument: int = 0


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
    instrument: int = 0


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
    instrument: int = 0


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
    instrument: int = 0


class Advanced(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The clock stands at `ts_ns`."""

    seq: int
    command: int
    ts_ns: int
    instrument: int = 0


class AnchorProposed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An anchor waits for `effective_at_ns`."""

    seq: int
    command: int
    low_ticks: int
    high_ticks: int
    effective_at_ns: int
    instrument: int = 0


class AnchorActivated(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The curve quotes around this anchor from cursor `net_lots` with `cash_notional` in hand."""

    seq: int
    command: int
    low_ticks: int
    high_ticks: int
    net_lots: int
    cash_notional: int
    instrument: int = 0


class AnchorsWithdrawn(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """`count` proposed anchors were cancelled."""

    seq: int
    command: int
    count: int
    instrument: int = 0


class CurveSet(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The curve has new parameters, its cursor at 0 and its whole budget."""

    seq: int
    command: int
    shape: CurveShape
    cash_notional: int
    instrument: int = 0


class CurveWithdrawn(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The curve stopped quoting at cursor `net_lots`."""

    seq: int
    command: int
    net_lots: int
    cash_notional: int
    instrument: int = 0


class CurveFunded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The curve has `cash_notional` left from now on; its cursor stayed at `net_lots`."""

    seq: int
    command: int
    net_lots: int
    cash_notional: int
    instrument: int = 0


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
    instrument: int = 0


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
    instrument: int = 0


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
    instrument: int = 0


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
    instrument: int = 0


class StateChanged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The session went from `previous` to `state`. An UNCROSSED and its trades come before it."""

    seq: int
    command: int
    state: SessionState
    previous: SessionState
    instrument: int = 0


class Indicative(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What the uncross would do now: price (0: no cross), paired lots, surplus (positive: buy side)."""

    seq: int
    command: int
    price_ticks: int
    paired_lots: int
    surplus_lots: int
    instrument: int = 0


class Uncrossed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An auction clears at `price_ticks`; its trades follow. price 0: nothing crossed, and none follow."""

    seq: int
    command: int
    price_ticks: int
    paired_lots: int
    surplus_lots: int
    instrument: int = 0


class MassCancelled(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """`count` orders were cancelled, each in an event of its own before this one."""

    seq: int
    command: int
    reason: CancelReason
    account: int
    count: int
    instrument: int = 0


class AccountSet(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An account's `field` has a new value."""

    seq: int
    command: int
    field: AccountField
    account: int
    value: int
    instrument: int = 0


class Quoted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The quote in `slot` stands as asked; 0 is no order on that side."""

    seq: int
    command: int
    account: int
    slot: int
    bid_order_id: int
    ask_order_id: int
    instrument: int = 0


class Protected(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Protection pulled an account's quotes after `filled_lots` traded in its window."""

    seq: int
    command: int
    account: int
    filled_lots: int
    instrument: int = 0


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
    instrument: int = 0


class Unspent(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """`notional` of a market order's amount was not spent."""

    seq: int
    command: int
    order_id: int
    client_id: int
    account: int
    notional: int
    instrument: int = 0


class Breached(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The sweep of an order stopped at `price_ticks`, the collar's edge."""

    seq: int
    command: int
    side: Side
    order_id: int
    account: int
    price_ticks: int
    instrument: int = 0


class DeadManSet(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The account's orders are cancelled at `deadline_ns`; 0: disarmed."""

    seq: int
    command: int
    account: int
    deadline_ns: int
    instrument: int = 0


class Deposited(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An account was credited; it now has `balance_atoms` of the asset, held ones included."""

    seq: int
    command: int
    account: int
    asset: int
    amount_atoms: int
    balance_atoms: int
    txn_id: int
    instrument: int = 0


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An account was debited; it now has `balance_atoms` of the asset, held ones included."""

    seq: int
    command: int
    account: int
    asset: int
    amount_atoms: int
    balance_atoms: int
    txn_id: int
    instrument: int = 0


class Transferred(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Atoms moved from one account to another; `balance_atoms` is what the first one has left, held ones included."""

    seq: int
    command: int
    account: int
    target_account: int
    asset: int
    amount_atoms: int
    balance_atoms: int
    txn_id: int
    instrument: int = 0


class FeesSet(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A tier pays these rates from the next fill on."""

    seq: int
    command: int
    tier: int
    maker_ppm: int
    taker_ppm: int
    instrument: int = 0


class TierSet(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An account pays what `tier` pays from the next fill on."""

    seq: int
    command: int
    account: int
    tier: int
    instrument: int = 0


class StatusSet(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What an account may do in the whole exchange."""

    seq: int
    command: int
    account: int
    status: AccountStatus
    instrument: int = 0


class Repeated(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A session sent a reference again: nothing happened, and this is what came of it the first time.

    `outcome` is 0 or the RejectCode of then, `order_id` the order's, `first_seq` the sequence number of the first event
    in the stream of `of_instrument`.
    """

    seq: int
    command: int
    outcome: int
    session_ref: int
    account: int
    order_id: int
    of_instrument: int
    first_seq: int
    instrument: int = 0


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
    | CurveFunded
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
    | Deposited
    | Withdrawn
    | Transferred
    | FeesSet
    | TierSet
    | StatusSet
    | Repeated
)
