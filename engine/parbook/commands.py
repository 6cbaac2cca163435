"""Commands: what a market or an exchange can be asked to do, as immutable msgspec Structs. See `parbook.messages`.

`instrument` says which market of an exchange is meant; a market of its own ignores it. EVERY_INSTRUMENT means all of
them, in order: for Advance, MassCancel, Kill and DeadMan. `session_ref` rises from command to command of a session; an
exchange answers one that is not above the last with the first outcome (Repeated), and 0 means none.
"""

from __future__ import annotations

import msgspec

from parbook.codes import (
    AccountField,
    AccountStatus,
    AnchorMove,
    CancelReason,
    CurveResale,
    CurveShape,
    OrderType,
    Peg,
    SessionState,
    Side,
    StpMode,
    TimeInForce,
    Trigger,
)


class NewOrder(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Enter an order. `qty_lots` is its total. `client_id` 0 means none, `session` 0 no session.

    The fields from `display_lots` on are its terms. An order that gives one of them a value takes two records.

    display_lots     size of the slice an iceberg shows, 0: all of it
    min_lots         refuse the order unless so much trades at once
    stop_ticks       wait until a trigger reaches this price, 0: no stop
    offset_ticks     trailing stop: distance from the best price since entry; PEGGED: distance from the reference,
                     positive is higher
    trail_ppm        trailing stop: the distance as a share of the best price since entry, rounded down, at least 1
    expire_ns        GTD: the last moment it may trade
    amount_notional  MARKET IOC buy: ticks x lots to spend; qty_lots is then the most lots it may buy
    oco_order_id     live order that leaves when this one trades, triggers or leaves, and the other way round
    hidden           never in depth
    reduce_only      never takes the account's position further from zero
    stp, peg, trigger  see parbook.codes
    """

    account: int
    side: Side
    qty_lots: int
    price_ticks: int = 0
    order_type: OrderType = OrderType.LIMIT
    tif: TimeInForce = TimeInForce.GTC
    client_id: int = 0
    session: int = 0
    ts_ns: int = 0
    display_lots: int = 0
    min_lots: int = 0
    stop_ticks: int = 0
    offset_ticks: int = 0
    trail_ppm: int = 0
    expire_ns: int = 0
    amount_notional: int = 0
    oco_order_id: int = 0
    hidden: bool = False
    reduce_only: bool = False
    stp: StpMode = StpMode.DEFAULT
    peg: Peg = Peg.NONE
    trigger: Trigger = Trigger.TRADE
    session_ref: int = 0
    instrument: int = 0


class CancelOrder(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Cancel a resting order, named by `order_id`, or by `client_id` when `order_id` is 0."""

    account: int
    order_id: int = 0
    client_id: int = 0
    ts_ns: int = 0
    session: int = 0
    session_ref: int = 0
    instrument: int = 0


class AmendOrder(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Set a resting order's total quantity and price; 0 leaves either as it is.

    A smaller total at the same price keeps priority; anything else loses it. A total at or below what
    has traded cancels the remainder. The order's id stays. `display_lots` is for icebergs, `stop_ticks` for
    stops that wait; an amendment that gives either a value takes two records.
    """

    account: int
    order_id: int = 0
    client_id: int = 0
    qty_lots: int = 0
    price_ticks: int = 0
    ts_ns: int = 0
    display_lots: int = 0
    stop_ticks: int = 0
    session: int = 0
    session_ref: int = 0
    instrument: int = 0


class ReduceOrder(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Take `qty_lots` off a resting order's total; keeps priority; cancels it when nothing is left."""

    account: int
    qty_lots: int
    order_id: int = 0
    client_id: int = 0
    ts_ns: int = 0
    session: int = 0
    session_ref: int = 0
    instrument: int = 0


class Advance(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Move the market's clock to `ts_ns`; anchors that fall due activate in order."""

    ts_ns: int
    instrument: int = 0


class ProposeAnchor(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Propose the fair price: the curve bids around `low_ticks` and offers around `high_ticks`.

    It activates on the first command whose time is at least ts_ns + the curve's activation_delay_ns;
    with no delay, at once.
    """

    low_ticks: int
    high_ticks: int
    ts_ns: int = 0
    instrument: int = 0


class WithdrawAnchors(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Cancel every proposed anchor that has not activated."""

    ts_ns: int = 0
    instrument: int = 0


class WithdrawCurve(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Stop quoting the curve; the next anchor that activates brings it back. Cursor and cash stay."""

    ts_ns: int = 0
    instrument: int = 0


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
    resale              ALONG, or ABOVE_HIGH: nothing is sold below the high anchor
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
    resale: CurveResale = CurveResale.ALONG


class SetCurve(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Give the market a curve, or replace it: cursor 0, cash = budget, proposed anchors cancelled.

    The anchor that was active, if any, stays active and is compiled anew.
    """

    params: CurveParams
    ts_ns: int = 0
    instrument: int = 0


class FundCurve(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Set the cash the curve has left, in ticks x lots, 0..2**62. Shape, target, cursor and anchors stay.

    A budget that refills with time needs this: SetCurve would forget what has been bought, and bid as at its target.
    """

    cash_notional: int
    ts_ns: int = 0
    instrument: int = 0


class MassCancel(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Cancel every live order inside the scope: `account` 0 all accounts, `session` 0 all sessions, `side` 2 both.

    `reason` is MASS, or DISCONNECTED when a session went away. O(live orders).
    """

    account: int = 0
    session: int = 0
    side: int = 2
    reason: CancelReason = CancelReason.MASS
    ts_ns: int = 0
    instrument: int = 0


class Kill(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Cancel an account's live orders and refuse its next ones until SetAccount(KILLED, 0). O(live orders)."""

    account: int
    ts_ns: int = 0
    instrument: int = 0


class DeadMan(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Cancel the account's orders at now + timeout_ns unless another DeadMan comes first; 0 disarms."""

    account: int
    timeout_ns: int
    ts_ns: int = 0
    instrument: int = 0


class Quote(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Replace the two-sided quote in an account's `slot`; lots 0 withdraws that side.

    A side that keeps its price and does not grow keeps its priority. Nothing changes when either side would
    trade. A mass quote is many of these in one batch.
    """

    account: int
    slot: int = 0
    bid_ticks: int = 0
    bid_lots: int = 0
    ask_ticks: int = 0
    ask_lots: int = 0
    session: int = 0
    ts_ns: int = 0
    instrument: int = 0


class ResetProtection(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Let an account quote again after its market-maker protection fired."""

    account: int
    ts_ns: int = 0
    instrument: int = 0


class SetAccount(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Set one field of an account. The first one registers the account."""

    account: int
    field: AccountField
    value: int
    ts_ns: int = 0
    instrument: int = 0


class SetState(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Move to another session state; which moves exist: `parbook.sessions.TRANSITIONS`."""

    state: SessionState
    ts_ns: int = 0
    instrument: int = 0


class BustTrade(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Declare the trade whose event had sequence number `trade_seq` void. Positions return, orders do not."""

    trade_seq: int
    ts_ns: int = 0
    instrument: int = 0


class Deposit(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Credit what came from outside. A `txn_id` counts once, 0 means none."""

    account: int
    asset: int
    amount_atoms: int
    txn_id: int = 0
    ts_ns: int = 0


class Withdraw(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Debit what leaves for the outside: at most what is there and not held. A `txn_id` counts once, 0 means none."""

    account: int
    asset: int
    amount_atoms: int
    txn_id: int = 0
    ts_ns: int = 0


class Transfer(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Move what is there and not held from `account` to another. A `txn_id` counts once, 0 means none."""

    account: int
    target_account: int
    asset: int
    amount_atoms: int
    txn_id: int = 0
    ts_ns: int = 0


class SetFees(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Set what a tier pays, in ppm of the notional; a negative `maker_ppm` is a rebate."""

    tier: int
    maker_ppm: int
    taker_ppm: int
    ts_ns: int = 0


class SetTier(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Put an account in a tier whose fees have been set."""

    account: int
    tier: int
    ts_ns: int = 0


class SetStatus(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Set what an account may do in the whole exchange. Its live orders stay; MassCancel takes them out."""

    account: int
    status: AccountStatus
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
    | FundCurve
    | SetCurve
    | MassCancel
    | Kill
    | DeadMan
    | Quote
    | ResetProtection
    | SetAccount
    | SetState
    | BustTrade
    | Deposit
    | Withdraw
    | Transfer
    | SetFees
    | SetTier
    | SetStatus
)
