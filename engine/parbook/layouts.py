"""Layouts of the fixed-size little-endian records, and which record field carries which field of a Struct.

A batch is a NumPy array of COMMAND records; its answer is an array of EVENT records. Both are 64 bytes,
one cache line. A field that a kind does not name is 0 in events and without effect in commands (a Rejected
echoes order_id and client_id of the kinds that name orders, order_id of those that name a transaction).
SET_CURVE has a record of its own, CURVE.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from parbook import messages as m
from parbook.codes import CommandKind, EventKind

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
        ("trail_ppm", "<u4"),
    ]
)
"""One command. `instrument` is for an exchange of many markets; a market ignores it."""

TERMS: Final[np.dtype[np.void]] = np.dtype(
    [
        ("kind", "u1"),
        ("hidden", "u1"),
        ("reduce_only", "u1"),
        ("stp", "u1"),
        ("peg", "u1"),
        ("trigger", "u1"),
        ("reserved", "<u2"),
        ("display_lots", "<i8"),
        ("min_lots", "<i8"),
        ("stop_ticks", "<i8"),
        ("offset_ticks", "<i8"),
        ("expire_ns", "<i8"),
        ("amount_notional", "<i8"),
        ("oco_order_id", "<u8"),
    ]
)
"""The second record of a special command, in the place of a COMMAND. The two are one command."""

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
        ("instrument", "<u2"),
        ("command", "<u2"),
    ]
)
"""One event. `other_id` is the client id, and in a TRADE the maker's order id; `order_id` there is the taker's.

`command` is the low 16 bits of the command's number. Every command has an event, so that in a gapless run of events
the numbers never step by more than one: docs/decisions/0015."""

CURVE: Final[np.dtype[np.void]] = np.dtype(
    [
        ("shape", "u1"),
        ("anchor_move", "u1"),
        ("instrument", "<u2"),
        ("resale", "u1"),
        ("reserved", "u1", (3,)),
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

_PLACE = {"instrument": "instrument"}
_ROUTE = _PLACE | {"session": "session", "session_ref": "high_ticks"}
_MONEY = {"account": "account", "asset": "session", "amount_atoms": "qty_lots", "txn_id": "order_id", "ts_ns": "ts_ns"}
COMMAND_FIELDS: Final[dict[CommandKind, tuple[type[msgspec.Struct], dict[str, str]]]] = {
    CommandKind.NEW: (
        m.NewOrder,
        {
            f: f
            for f in (
                "account",
                "side",
                "qty_lots",
                "price_ticks",
                "order_type",
                "tif",
                "client_id",
                "session",
                "ts_ns",
            )
        }
        | _ROUTE,
    ),
    CommandKind.CANCEL: (m.CancelOrder, {f: f for f in ("account", "order_id", "client_id", "ts_ns")} | _ROUTE),
    CommandKind.AMEND: (
        m.AmendOrder,
        {f: f for f in ("account", "order_id", "client_id", "qty_lots", "price_ticks", "ts_ns")} | _ROUTE,
    ),
    CommandKind.REDUCE: (
        m.ReduceOrder,
        {f: f for f in ("account", "order_id", "client_id", "qty_lots", "ts_ns")} | _ROUTE,
    ),
    CommandKind.ADVANCE: (m.Advance, _PLACE | {"ts_ns": "ts_ns"}),
    CommandKind.PROPOSE_ANCHOR: (
        m.ProposeAnchor,
        _PLACE | {"low_ticks": "price_ticks", "high_ticks": "high_ticks", "ts_ns": "ts_ns"},
    ),
    CommandKind.WITHDRAW_ANCHORS: (m.WithdrawAnchors, _PLACE | {"ts_ns": "ts_ns"}),
    CommandKind.WITHDRAW_CURVE: (m.WithdrawCurve, _PLACE | {"ts_ns": "ts_ns"}),
    CommandKind.FUND_CURVE: (m.FundCurve, _PLACE | {"cash_notional": "qty_lots", "ts_ns": "ts_ns"}),
    CommandKind.MASS_CANCEL: (
        m.MassCancel,
        _PLACE | {"account": "account", "session": "session", "side": "side", "reason": "order_type", "ts_ns": "ts_ns"},
    ),
    CommandKind.KILL: (m.Kill, _PLACE | {"account": "account", "ts_ns": "ts_ns"}),
    CommandKind.DEADMAN: (m.DeadMan, _PLACE | {"account": "account", "timeout_ns": "qty_lots", "ts_ns": "ts_ns"}),
    CommandKind.QUOTE: (
        m.Quote,
        _PLACE
        | {
            "account": "account",
            "session": "session",
            "slot": "order_id",
            "bid_ticks": "price_ticks",
            "bid_lots": "qty_lots",
            "ask_ticks": "high_ticks",
            "ask_lots": "client_id",
            "ts_ns": "ts_ns",
        },
    ),
    CommandKind.RESET_PROTECTION: (m.ResetProtection, _PLACE | {"account": "account", "ts_ns": "ts_ns"}),
    CommandKind.SET_ACCOUNT: (
        m.SetAccount,
        _PLACE | {"account": "account", "field": "order_type", "value": "qty_lots", "ts_ns": "ts_ns"},
    ),
    CommandKind.SET_STATE: (m.SetState, _PLACE | {"state": "order_type", "ts_ns": "ts_ns"}),
    CommandKind.DEPOSIT: (m.Deposit, _MONEY),
    CommandKind.WITHDRAW: (m.Withdraw, _MONEY),
    CommandKind.TRANSFER: (m.Transfer, _MONEY | {"target_account": "trail_ppm"}),
    CommandKind.SET_FEES: (
        m.SetFees,
        {"tier": "session", "maker_ppm": "price_ticks", "taker_ppm": "high_ticks", "ts_ns": "ts_ns"},
    ),
    CommandKind.SET_TIER: (m.SetTier, {"account": "account", "tier": "session", "ts_ns": "ts_ns"}),
    CommandKind.SET_STATUS: (m.SetStatus, {"account": "account", "status": "order_type", "ts_ns": "ts_ns"}),
    CommandKind.BUST: (m.BustTrade, _PLACE | {"trade_seq": "order_id", "ts_ns": "ts_ns"}),
}
"""kind -> (Struct, {Struct field: record field}). A special command is its plain twin and a TERMS record."""

_NEW_TERMS = (
    "hidden",
    "reduce_only",
    "stp",
    "peg",
    "trigger",
    "display_lots",
    "min_lots",
    "stop_ticks",
    "offset_ticks",
    "expire_ns",
    "amount_notional",
    "oco_order_id",
)
SPECIAL_FIELDS: Final[dict[CommandKind, tuple[CommandKind, dict[str, str], tuple[str, ...]]]] = {
    CommandKind.NEW_SPECIAL: (CommandKind.NEW, {"trail_ppm": "trail_ppm"}, _NEW_TERMS),
    CommandKind.AMEND_SPECIAL: (CommandKind.AMEND, {}, ("display_lots", "stop_ticks")),
}
"""special kind -> (plain twin, further {Struct field: COMMAND field}, TERMS fields)."""

_ORDER = {f: f for f in ("seq", "command", "instrument", "order_id", "account", "side", "price_ticks", "qty_lots")} | {
    "client_id": "other_id"
}
_HEAD = {"seq": "seq", "command": "command", "instrument": "instrument"}
_BOTH_ORDERS = _HEAD | {
    "side": "side",
    "price_ticks": "price_ticks",
    "qty_lots": "qty_lots",
    "taker_order_id": "order_id",
    "taker_account": "account",
    "maker_order_id": "other_id",
    "maker_account": "other_account",
    "maker_leaves_lots": "leaves_lots",
}
_MOVED = _HEAD | {
    "account": "account",
    "asset": "code",
    "amount_atoms": "qty_lots",
    "balance_atoms": "leaves_lots",
    "txn_id": "order_id",
}
_CLEARING = _HEAD | {"price_ticks": "price_ticks", "paired_lots": "qty_lots", "surplus_lots": "leaves_lots"}
EVENT_FIELDS: Final[dict[EventKind, tuple[type[msgspec.Struct], dict[str, str]]]] = {
    EventKind.ACCEPTED: (m.Accepted, _ORDER | {"leaves_lots": "leaves_lots", "place": "code"}),
    EventKind.REJECTED: (
        m.Rejected,
        _HEAD | {"code": "code", "order_id": "order_id", "client_id": "other_id", "account": "account"},
    ),
    EventKind.TRADE: (m.Trade, _BOTH_ORDERS | {"source": "code"}),
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
    EventKind.CURVE_FUNDED: (m.CurveFunded, _HEAD | {"net_lots": "qty_lots", "cash_notional": "other_id"}),
    EventKind.PREVENTED: (m.Prevented, _BOTH_ORDERS | {"mode": "code"}),
    EventKind.TRIGGERED: (m.Triggered, _ORDER | {"leaves_lots": "leaves_lots", "place": "code"}),
    EventKind.SHOWN: (m.Shown, _ORDER | {"leaves_lots": "leaves_lots"}),
    EventKind.REPRICED: (m.Repriced, _ORDER | {"leaves_lots": "leaves_lots"}),
    EventKind.STATE_CHANGED: (m.StateChanged, _HEAD | {"state": "code", "previous": "side"}),
    EventKind.INDICATIVE: (m.Indicative, _CLEARING),
    EventKind.UNCROSSED: (m.Uncrossed, _CLEARING),
    EventKind.MASS_CANCELLED: (
        m.MassCancelled,
        _HEAD | {"reason": "code", "account": "account", "count": "qty_lots"},
    ),
    EventKind.ACCOUNT_SET: (m.AccountSet, _HEAD | {"field": "code", "account": "account", "value": "qty_lots"}),
    EventKind.QUOTED: (
        m.Quoted,
        _HEAD | {"account": "account", "slot": "code", "bid_order_id": "order_id", "ask_order_id": "other_id"},
    ),
    EventKind.PROTECTED: (m.Protected, _HEAD | {"account": "account", "filled_lots": "qty_lots"}),
    EventKind.BUSTED: (
        m.Busted,
        _HEAD
        | {
            "source": "code",
            "side": "side",
            "trade_seq": "order_id",
            "price_ticks": "price_ticks",
            "qty_lots": "qty_lots",
            "taker_account": "account",
            "maker_account": "other_account",
        },
    ),
    EventKind.UNSPENT: (
        m.Unspent,
        _HEAD | {"order_id": "order_id", "client_id": "other_id", "account": "account", "notional": "qty_lots"},
    ),
    EventKind.BREACHED: (
        m.Breached,
        _HEAD | {"side": "side", "order_id": "order_id", "account": "account", "price_ticks": "price_ticks"},
    ),
    EventKind.DEPOSITED: (m.Deposited, _MOVED),
    EventKind.WITHDRAWN: (m.Withdrawn, _MOVED),
    EventKind.TRANSFERRED: (m.Transferred, _MOVED | {"target_account": "other_account"}),
    EventKind.FEES_SET: (
        m.FeesSet,
        _HEAD | {"tier": "code", "maker_ppm": "price_ticks", "taker_ppm": "qty_lots"},
    ),
    EventKind.TIER_SET: (m.TierSet, _HEAD | {"account": "account", "tier": "code"}),
    EventKind.STATUS_SET: (m.StatusSet, _HEAD | {"account": "account", "status": "code"}),
    EventKind.REPEATED: (
        m.Repeated,
        _HEAD
        | {
            "outcome": "code",
            "account": "account",
            "order_id": "order_id",
            "session_ref": "other_id",
            "of_instrument": "other_account",
            "first_seq": "qty_lots",
        },
    ),
    EventKind.DEADMAN_SET: (m.DeadManSet, _HEAD | {"account": "account", "deadline_ns": "qty_lots"}),
}
"""kind -> (Struct, {Struct field: record field})."""
