"""What a NEW must look like, whatever the market holds: known numbers, and terms that go with type and tif."""

from __future__ import annotations

from parbook.codes import OrderType as T
from parbook.codes import Peg, RejectCode, Side, StpMode, TimeInForce, Trigger
from parbook.reference.desk import Row
from parbook.sessions import Action
from parbook.units import ICEBERG_SLICES_MAX, PPM, PRICE_TICKS_MAX, QTY_LOTS_MAX

_SIDES, _TYPES, _TIFS = frozenset(Side), frozenset(T), frozenset(TimeInForce)
_STPS, _PEGS, _TRIGGERS = frozenset(StpMode), frozenset(Peg), frozenset(Trigger)
_GATHERING = frozenset({TimeInForce.GTC, TimeInForce.GTD, TimeInForce.DAY})
_IMMEDIATE = frozenset({TimeInForce.IOC, TimeInForce.FOK})

TIFS_OF_TYPE = {
    T.LIMIT: _TIFS,
    T.MARKET: _IMMEDIATE | {TimeInForce.AUCTION},
    T.POST_ONLY: _GATHERING,
    T.POST_SLIDE: _GATHERING,
    T.MARKET_TO_LIMIT: _GATHERING,
    T.PEGGED: _GATHERING,
}
"""Which times in force an order type may have; MARKET may also be GTC where the instrument lets it rest."""


def is_stop(row: Row) -> bool:
    """Whether a NEW waits for a trigger."""
    trailing = row.order_type != T.PEGGED and (row.terms.offset_ticks or row.trail_ppm)
    return bool(row.terms.stop_ticks or trailing)


def action_of(row: Row) -> Action:
    """Return what the session states call a NEW."""
    if row.tif == TimeInForce.AUCTION:
        return Action.CALL
    if is_stop(row):
        return Action.GATHER
    if row.tif in _IMMEDIATE or row.order_type in (T.MARKET, T.MARKET_TO_LIMIT) or row.terms.min_lots:
        return Action.IMMEDIATE
    return Action.GATHER


def refusal_of_form(row: Row, market_rests: bool) -> RejectCode | None:
    """Test account, side, type, time in force and their combination, then the terms."""
    if not row.account:
        return RejectCode.INVALID_ACCOUNT
    if row.side not in _SIDES:
        return RejectCode.INVALID_SIDE
    if row.order_type not in _TYPES:
        return RejectCode.INVALID_ORDER_TYPE
    if row.tif not in _TIFS:
        return RejectCode.INVALID_TIF
    resting_market = market_rests and row.order_type == T.MARKET and row.tif == TimeInForce.GTC
    if row.tif not in TIFS_OF_TYPE[T(row.order_type)] and not resting_market:
        return RejectCode.INVALID_COMBINATION
    return None if _terms_go_together(row) else RejectCode.INVALID_TERMS


def _terms_go_together(row: Row) -> bool:
    terms, kind, stop = row.terms, row.order_type, is_stop(row)
    market = kind in (T.MARKET, T.MARKET_TO_LIMIT)
    immediate = row.tif in _IMMEDIATE
    known = terms.stp in _STPS and terms.peg in _PEGS and terms.trigger in _TRIGGERS
    return (
        known
        and terms.hidden <= 1
        and terms.reduce_only <= 1
        and (kind == T.PEGGED) == (terms.peg != Peg.NONE)
        and not (kind == T.PEGGED and row.trail_ppm)
        and (terms.expire_ns == 0 or row.tif == TimeInForce.GTD)
        and not (terms.display_lots and (terms.hidden or market or kind == T.PEGGED or stop or immediate))
        and not (terms.hidden and (market or kind == T.PEGGED or stop or immediate))
        and not (terms.min_lots and (kind not in (T.LIMIT, T.MARKET) or stop or row.tif == TimeInForce.AUCTION))
        and not (stop and (kind not in (T.LIMIT, T.MARKET) or row.tif == TimeInForce.AUCTION))
        and not (terms.trigger and not stop)
        and not (stop and bool(terms.stop_ticks) + bool(terms.offset_ticks) + bool(row.trail_ppm) > 1)
        and not (terms.reduce_only and (kind not in (T.LIMIT, T.MARKET) or row.tif == TimeInForce.AUCTION))
        and not (terms.amount_notional and not _may_have_amount(row, stop))
        and not (terms.oco_order_id and ((immediate and not stop) or kind == T.PEGGED or (market and not stop)))
    )


def _may_have_amount(row: Row, stop: bool) -> bool:
    return row.order_type == T.MARKET and row.tif == TimeInForce.IOC and row.side == Side.BUY and not stop


def too_many_slices(qty_lots: int, display_lots: int) -> bool:
    """Whether an iceberg would take more than ICEBERG_SLICES_MAX slices; False without a display."""
    return 0 < display_lots * ICEBERG_SLICES_MAX < qty_lots


def refusal_of_ranges(row: Row, now_ns: int) -> RejectCode | None:
    """Test quantity and terms against their ranges."""
    terms = row.terms
    if not 1 <= row.qty_lots <= QTY_LOTS_MAX:
        return RejectCode.QTY_OUT_OF_RANGE
    if not 0 <= terms.display_lots <= row.qty_lots or too_many_slices(row.qty_lots, terms.display_lots):
        return RejectCode.DISPLAY_OUT_OF_RANGE
    if not 0 <= terms.min_lots <= row.qty_lots:
        return RejectCode.MIN_QTY_OUT_OF_RANGE
    if terms.amount_notional < 0:
        return RejectCode.AMOUNT_OUT_OF_RANGE
    if row.tif == TimeInForce.GTD and terms.expire_ns < now_ns:
        return RejectCode.EXPIRY_OUT_OF_RANGE
    if row.order_type == T.PEGGED:
        if not -PRICE_TICKS_MAX <= terms.offset_ticks <= PRICE_TICKS_MAX:
            return RejectCode.OFFSET_OUT_OF_RANGE
    elif not (
        0 <= terms.stop_ticks <= PRICE_TICKS_MAX and 0 <= terms.offset_ticks <= PRICE_TICKS_MAX and row.trail_ppm <= PPM
    ):
        return RejectCode.STOP_OUT_OF_RANGE
    return None
