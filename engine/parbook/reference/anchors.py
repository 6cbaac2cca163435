"""The rules of the clock and of the curve's commands: SET_CURVE, FUND_CURVE, PROPOSE_ANCHOR, WITHDRAW_*, ADVANCE."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from parbook.codes import CancelReason, CurveShape, RejectCode, Side
from parbook.curve import validate
from parbook.messages import (
    Advanced,
    AnchorActivated,
    AnchorProposed,
    AnchorsWithdrawn,
    CurveFunded,
    CurveSet,
    CurveWithdrawn,
    SetCurve,
)
from parbook.reference import mass, steps
from parbook.reference.desk import Desk, Row
from parbook.reference.quotes import MAX_PROPOSED_ANCHORS, Curve
from parbook.units import BUDGET_NOTIONAL_MAX, CURVE_PRICE_TICKS_MAX


def move_clock(desk: Desk, ts_ns: int) -> RejectCode | None:
    """Move the clock before a command is looked at; what falls due happens first, at its own time.

    In order of due time; at one time orders expire by id, then dead-man timers end by account, then anchors activate,
    oldest first. An order may trade until its expire_ns, so it is due one nanosecond later.
    """
    if ts_ns == 0:
        return None
    if ts_ns < desk.now_ns:
        return RejectCode.TIME_REVERSED
    while due := _next_due(desk, ts_ns):
        desk.now_ns = max(desk.now_ns, due.at_ns)
        due.happens()
    desk.now_ns = ts_ns
    return None


class _Due(NamedTuple):
    at_ns: int
    rank: int
    number: int
    happens: Callable[[], None]


def _next_due(desk: Desk, until_ns: int) -> _Due | None:
    """Return what falls due first at or before a time."""
    dues = [
        _Due(order.expire_ns + 1, 0, order.order_id, partial(desk.cancel, order, CancelReason.EXPIRED))
        for order in desk.expiring.values()
    ]
    dues += [
        _Due(account.deadline_ns, 1, number, partial(mass.deadline_passed, desk, number))
        for number, account in desk.accounts.by_number.items()
        if account.deadline_ns
    ]
    if desk.curve and desk.curve.proposed:
        dues.append(_Due(desk.curve.proposed[0].effective_at_ns, 2, 0, partial(_activate_next, desk)))
    first = min(dues, key=lambda due: due[:3], default=None)
    return first if first and first.at_ns <= until_ns else None


def advance(desk: Desk, _row: Row) -> RejectCode | None:
    """Report the clock, which has moved already."""
    desk.emit(Advanced, ts_ns=desk.now_ns)
    return None


def set_curve(desk: Desk, command: SetCurve) -> RejectCode | None:
    """Install parameters with a fresh target and budget."""
    code = validate(command.params)
    if not code and desk.funds:
        code = desk.funds.refusal_of_curve(command.params.budget_notional, command.params.min_net_lots)
    if code:
        return code
    if desk.curve is None:
        desk.curve = Curve(command.params)
    else:
        desk.curve.replace(command.params)
    desk.emit(CurveSet, shape=CurveShape(command.params.shape), cash_notional=command.params.budget_notional)
    return None


def propose_anchor(desk: Desk, row: Row) -> RejectCode | None:
    """Queue an anchor; without a delay it activates within this command."""
    curve = desk.curve
    if curve is None:
        return RejectCode.NO_CURVE
    low_ticks, high_ticks = row.price_ticks, row.high_ticks
    if not (1 <= low_ticks <= CURVE_PRICE_TICKS_MAX and 1 <= high_ticks <= CURVE_PRICE_TICKS_MAX):
        return RejectCode.ANCHOR_OUT_OF_RANGE
    if low_ticks > high_ticks:
        return RejectCode.ANCHOR_INVERTED
    if len(curve.proposed) >= MAX_PROPOSED_ANCHORS:
        return RejectCode.ANCHOR_QUEUE_FULL
    anchor = curve.propose(low_ticks, high_ticks, desk.now_ns)
    desk.emit(AnchorProposed, low_ticks=low_ticks, high_ticks=high_ticks, effective_at_ns=anchor.effective_at_ns)
    while curve.proposed and curve.proposed[0].effective_at_ns <= desk.now_ns:
        _activate_next(desk)
    return None


def withdraw_anchors(desk: Desk, _row: Row) -> RejectCode | None:
    """Cancel what waits; the active anchor stays."""
    if desk.curve is None:
        return RejectCode.NO_CURVE
    count = len(desk.curve.proposed)
    desk.curve.proposed.clear()
    desk.emit(AnchorsWithdrawn, count=count)
    return None


def withdraw_curve(desk: Desk, _row: Row) -> RejectCode | None:
    """Stop quoting; the book goes on."""
    if desk.curve is None:
        return RejectCode.NO_CURVE
    desk.curve.withdraw()
    net_lots, cash_notional = desk.curve.cursor
    desk.emit(CurveWithdrawn, net_lots=net_lots, cash_notional=cash_notional)
    return None


def fund_curve(desk: Desk, row: Row) -> RejectCode | None:
    """Set the cash that is left, which the treasury must have; target, cursor and anchors stay."""
    curve, cash_notional = desk.curve, row.qty_lots
    if curve is None:
        return RejectCode.NO_CURVE
    if not 0 <= cash_notional <= BUDGET_NOTIONAL_MAX:
        return RejectCode.CURVE_PARAMETER
    code = desk.funds.refusal_of_cash(cash_notional) if desk.funds else None
    if code:
        return code
    curve.cursor = curve.cursor._replace(cash_notional=cash_notional)
    desk.emit(CurveFunded, net_lots=curve.cursor.net_lots, cash_notional=cash_notional)
    return None


def _activate_next(desk: Desk) -> None:
    """Let the oldest proposed anchor become the active one: a step of its own."""
    curve = desk.curve
    assert curve is not None
    anchor = curve.proposed.popleft()
    curve.activate(anchor)
    net_lots, cash_notional = curve.cursor
    desk.emit(
        AnchorActivated,
        low_ticks=anchor.low_ticks,
        high_ticks=anchor.high_ticks,
        net_lots=net_lots,
        cash_notional=cash_notional,
    )
    if desk.session.matches:
        _lift_crossed_asks(desk, curve)
    desk.step.anchor_ticks = desk.anchor_ticks
    steps.finish_step(desk)


def _lift_crossed_asks(desk: Desk, curve: Curve) -> None:
    """LIFT: buy the resting asks at or below the curve's own bid, best first, at the makers' prices.

    Only asks: buying gives sellers the exit they asked for, while selling into resting bids would trade on
    news their owners have not seen. What budget or rate limit leaves crossed is clipped.
    """
    lifted_lots = 0
    while front := next(desk.book.walk(Side.SELL), None):
        order, offered_lots = front
        lots = min(offered_lots, curve.liftable_lots(order.price_ticks, lifted_lots))
        if not lots:
            return
        desk.lift(order, lots)
        lifted_lots += lots
