"""Commands in, events out: immutable facts, as msgspec Structs.

Prices are ticks, quantities lots, times nanoseconds; see `parbook.units` for their ranges. Every Struct
has a fixed-size record twin in `parbook.records`. Text and Decimal become integers through `Instrument`.
"""

from __future__ import annotations

import msgspec

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

# --- commands -----------------------------------------------------------------------------------


class NewOrder(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Enter an order. `qty_lots` is its total. `client_id` 0 means none."""

    account: int
    side: Side
    qty_lots: int
    price_ticks: int = 0
    order_type: OrderType = OrderType.LIMIT
    tif: TimeInForce = TimeInForce.GTC
    client_id: int = 0
    ts_ns: int = 0


class CancelOrder(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Cancel a resting order, named by `order_id`, or by `client_id` when `order_id` is 0."""

    account: int
    order_id: int = 0
    client_id: int = 0
    ts_ns: int = 0


class AmendOrder(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Set a resting order's total quantity and price; 0 leaves either as it is.

    A smaller total at the same price keeps priority; anything else loses it. A total at or below what
    has traded cancels the remainder. The order's id stays.
    """

    account: int
    order_id: int = 0
    client_id: int = 0
    qty_lots: int = 0
    price_ticks: int = 0
    ts_ns: int = 0


class ReduceOrder(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Take `qty_lots` off a resting order's total; keeps priority; cancels it when nothing is left."""

    account: int
    qty_lots: int
    order_id: int = 0
    client_id: int = 0
    ts_ns: int = 0


class Advance(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Move the market's clock to `ts_ns`; anchors that fall due activate in order."""

    ts_ns: int


class ProposeAnchor(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Propose the fair price: the curve bids around `low_ticks` and offers around `high_ticks`.

    It activates on the first command whose time is at least ts_ns + the curve's activation_delay_ns;
    with no delay, at once.
    """

    low_ticks: int
    high_ticks: int
    ts_ns: int = 0


class WithdrawAnchors(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Cancel every proposed anchor that has not activated."""

    ts_ns: int = 0


class WithdrawCurve(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Stop quoting the curve; the next anchor that activates brings it back. Cursor and cash stay."""

    ts_ns: int = 0


class CurveParams(msgspec.Struct, frozen=True, kw_only=True):
    """Shape, depth, limits and conduct of a curve. All integers; formulas in `parbook.curve.shapes`.

    base_depth_lots     B0: lots the curve can sell on the way to an infinite price, 1..CURVE_LOTS_MAX
    quote_depth_lots    q0: lots its quote budget buys at the anchor (LINEAR: lots between par and floor)
    k_ppm               PMM's curvature, 0..PPM
    spread_ppm          fee inside the quotes, on each side, 0..PPM/2
    rung_ticks          grid of rung prices, 1..CURVE_PRICE_TICKS_MAX
    par_lots            lots bought at the anchor before the slope begins (LINEAR, REDEMPTION)
    drop_ppm            total price drop from anchor to floor (LINEAR, REDEMPTION), 1..PPM-1 there
    min_net_lots        the cursor never falls below this (net sold since target), -(B0-1)..0
    max_net_lots        the cursor never rises above this (net bought since target), 0..CURVE_LOTS_MAX
    budget_notional     cash the curve holds at its target, in ticks x lots, 0..2**62
    activation_delay_ns time between an anchor's proposal and its activation
    anchor_move         CLIP or LIFT
    lift_max_lots       most lots one activation may LIFT
    """

    shape: CurveShape
    base_depth_lots: int
    quote_depth_lots: int
    budget_notional: int
    k_ppm: int = 0
    spread_ppm: int = 0
    rung_ticks: int = 1
    par_lots: int = 0
    drop_ppm: int = 0
    min_net_lots: int = 0
    max_net_lots: int = 2**32 - 1
    activation_delay_ns: int = 0
    anchor_move: AnchorMove = AnchorMove.CLIP
    lift_max_lots: int = 0


class SetCurve(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Give the market a curve, or replace it: cursor 0, cash = budget, proposed anchors cancelled.

    The anchor that was active, if any, stays active and is compiled anew.
    """

    params: CurveParams
    ts_ns: int = 0


Command = (
    NewOrder
    | CancelOrder
    | AmendOrder
    | ReduceOrder
    | Advance
    | ProposeAnchor
    | WithdrawAnchors
    | WithdrawCurve
    | SetCurve
)

# --- events -------------------------------------------------------------------------------------
# `seq` is gapless per market; `command` is the low 32 bits of the number of the command that caused it.


class Accepted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A new order got `order_id`. `leaves_lots` rests once this command's events are applied."""

    seq: int
    command: int
    order_id: int
    client_id: int
    account: int
    side: Side
    price_ticks: int
    qty_lots: int
    leaves_lots: int


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
    cursor after the fill; for LIFT the taker is the curve and the taker fields are 0.
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
)
