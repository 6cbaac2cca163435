"""The rules of NEW: which orders are refused, in which order the reasons are tested, what an accepted one does."""

from __future__ import annotations

from parbook.codes import OrderType, Peg, Place, RejectCode, Side, StpMode, TimeInForce, Trigger
from parbook.reference import stops
from parbook.reference.aggress import Outcome, carry_out, foresee, protected_limit_ticks
from parbook.reference.book import Order
from parbook.reference.desk import Desk, Row
from parbook.reference.form import action_of, is_stop, refusal_of_form, refusal_of_ranges
from parbook.reference.matching import PlannedFill, first_price
from parbook.reference.stopbook import trailing_stop_ticks
from parbook.units import NOTIONAL_MAX, PPM, PRICE_TICKS_MAX


def new_order(desk: Desk, row: Row) -> RejectCode | None:
    """Enter an order: arm, park, call, or match and then rest or leave, by type, terms, time in force and session."""
    code = (
        refusal_of_form(row, desk.instrument.market_rests)
        or desk.session.forbids(action_of(row))
        or desk.accounts.refusal_of_use(desk, row)
        or _refusal_of_numbers(desk, row)
    )
    if code:
        return code
    order = _order_of(desk, row)
    size_ticks = measured_ticks(desk, order, order.limit_ticks or order.price_ticks)
    code = (
        _refusal_of_price(desk, order, row)
        or refusal_of_size(desk, order.account, size_ticks, row.qty_lots, row.terms.amount_notional)
        or _refusal_of_reach(desk, row)
        or _refusal_of_room(desk, order)
        or desk.accounts.refusal_of_exposure(order)
        or _refusal_of_partner(desk, order)
    )
    if code:
        return code
    if is_stop(row):
        return _enter_stop(desk, order)
    if order.peg:
        return _enter_aside(desk, order, Place.PARKED)
    if order.order_type is OrderType.MARKET and order.tif is TimeInForce.AUCTION:
        return _enter_aside(desk, order, Place.CALL)
    if not desk.session.matches:
        return _enter_gathering(desk, order)
    return _enter_matching(desk, order, row)


# --- refusals -----------------------------------------------------------------------------------


def _refusal_of_numbers(desk: Desk, row: Row) -> RejectCode | None:
    if desk.ids.is_taken(row.account, row.client_id):
        return RejectCode.DUPLICATE_CLIENT_ID
    return refusal_of_ranges(row, desk.now_ns)


def _refusal_of_price(desk: Desk, order: Order, row: Row) -> RejectCode | None:
    """Test the limit; a market order's is the protected one, a trailing stop's trigger needs its reference too."""
    if row.order_type in (OrderType.MARKET, OrderType.MARKET_TO_LIMIT):
        if not desk.reference_ticks:
            return RejectCode.NO_REFERENCE_PRICE
    elif not 1 <= row.price_ticks <= PRICE_TICKS_MAX:
        return RejectCode.PRICE_OUT_OF_RANGE
    if order.trailing and not stops.trigger_price_ticks(desk, order.trigger):
        return RejectCode.NO_REFERENCE_PRICE
    return None


def measured_ticks(desk: Desk, order: Order, limit_ticks: int) -> int:
    """Return the price an order's size is measured at: its limit, a peg's worst price, a market order's protection.

    0 for a market order that waits while there is no reference: nothing to measure it by.
    """
    if order.order_type not in (OrderType.MARKET, OrderType.MARKET_TO_LIMIT) or not desk.reference_ticks:
        return limit_ticks
    return limit_ticks or protected_limit_ticks(order.side, desk.reference_ticks, desk.instrument.collar_ppm)


def refusal_of_size(
    desk: Desk, account: int, price_ticks: int, qty_lots: int, amount_notional: int = 0
) -> RejectCode | None:
    """Test lots and ticks x lots, of which no more than an amount that is not 0 can be spent, against the limits."""
    notional = price_ticks * qty_lots
    if notional > NOTIONAL_MAX:
        return RejectCode.NOTIONAL_OVERFLOW
    notional = min(notional, amount_notional or notional)
    max_lots, max_notional = desk.accounts.max_sizes(account)
    if qty_lots > min(desk.instrument.max_order_lots, max_lots):
        return RejectCode.ORDER_TOO_LARGE
    if notional > min(desk.instrument.max_order_notional, max_notional):
        return RejectCode.NOTIONAL_TOO_LARGE
    return None


def _refusal_of_reach(desk: Desk, row: Row) -> RejectCode | None:
    market = row.order_type in (OrderType.MARKET, OrderType.MARKET_TO_LIMIT)
    return None if market else refusal_of_distance(desk, row.price_ticks)


def refusal_of_distance(desk: Desk, price_ticks: int) -> RejectCode | None:
    """Test a price's distance from the reference price, exactly: |price - reference| / reference <= reach."""
    reach_ppm, reference_ticks = desk.instrument.price_reach_ppm, desk.reference_ticks
    if reach_ppm and reference_ticks and abs(price_ticks - reference_ticks) * PPM > reach_ppm * reference_ticks:
        return RejectCode.PRICE_TOO_FAR
    return None


def _refusal_of_room(desk: Desk, order: Order) -> RejectCode | None:
    if order.may_stay and len(desk.orders) >= desk.instrument.max_orders:
        return RejectCode.BOOK_FULL
    if order.peg and len(desk.pegs) >= desk.instrument.max_pegs:
        return RejectCode.PEGS_FULL
    if order.trailing and len(desk.stops.trailing) >= desk.instrument.max_trailing:
        return RejectCode.TRAILING_FULL
    return None


def _refusal_of_partner(desk: Desk, order: Order) -> RejectCode | None:
    """A partner is live, single, of the same account; one of the two is an armed stop, or both are limits that face."""
    if not order.oco_order_id:
        return None
    partner = desk.orders.get(order.oco_order_id)
    if partner is None or partner.account != order.account or partner.oco_order_id or partner.quote_slot or partner.peg:
        return RejectCode.INVALID_OCO
    if order.stop_ticks or order.trailing or partner.place is Place.ARMED:
        return None
    limits = partner.place in (Place.BOOK, Place.ICEBERG, Place.HIDDEN)
    return None if limits and partner.side is not order.side else RejectCode.INVALID_OCO


# --- entering -----------------------------------------------------------------------------------


def _order_of(desk: Desk, row: Row) -> Order:
    terms = row.terms
    pegged = row.order_type == OrderType.PEGGED
    market = row.order_type in (OrderType.MARKET, OrderType.MARKET_TO_LIMIT)
    return Order(
        desk.next_order_id,
        row.account,
        Side(row.side),
        0 if pegged or market else row.price_ticks,
        row.qty_lots,
        client_id=row.client_id,
        session=row.session,
        order_type=OrderType(row.order_type),
        tif=TimeInForce(row.tif),
        display_lots=terms.display_lots,
        stop_ticks=terms.stop_ticks,
        offset_ticks=terms.offset_ticks,
        limit_ticks=row.price_ticks if pegged else 0,
        trail_ppm=0 if pegged else row.trail_ppm,
        expire_ns=terms.expire_ns,
        oco_order_id=terms.oco_order_id,
        hidden=bool(terms.hidden),
        reduce_only=bool(terms.reduce_only),
        stp=StpMode(terms.stp),
        peg=Peg(terms.peg),
        trigger=Trigger(terms.trigger),
    )


def _open(desk: Desk, order: Order) -> None:
    """Make an accepted order live, and its partner know it."""
    desk.next_order_id += 1
    desk.open(order)
    if order.oco_order_id:
        desk.orders[order.oco_order_id].oco_order_id = order.order_id


def _enter_aside(desk: Desk, order: Order, place: Place) -> RejectCode | None:
    """Park a peg, which step 7 of the command places, or let a market order wait for the uncross."""
    code = desk.accounts.refusal_of_rate(desk, order.account)
    if code:
        return code
    _open(desk, order)
    order.place = place
    desk.accept(order, place, 0, order.leaves_lots)
    if place is Place.PARKED:
        desk.pegs[order.order_id] = order
    else:
        desk.calls[order.side][order.order_id] = order
    return None


def _enter_gathering(desk: Desk, order: Order) -> RejectCode | None:
    """Let an order rest untried: nothing matches now."""
    code = desk.accounts.refusal_of_rate(desk, order.account)
    if code:
        return code
    _open(desk, order)
    desk.accept(order, order.place, order.price_ticks, order.leaves_lots)
    desk.rest(order)
    return None


def _enter_stop(desk: Desk, order: Order) -> RejectCode | None:
    price_ticks = stops.trigger_price_ticks(desk, order.trigger)
    if order.trailing:
        order.stop_ticks = trailing_stop_ticks(order, price_ticks)
    through = stops.through(desk, order)
    if through and not desk.instrument.stop_through_triggers:
        return RejectCode.STOP_THROUGH
    code = desk.accounts.refusal_of_rate(desk, order.account)
    if code:
        return code
    _open(desk, order)
    place = Place.ELECTED if through else Place.ARMED
    desk.accept(order, place, order.price_ticks, order.leaves_lots)
    if through:
        order.place = place
        desk.elected.append(order)
    else:
        desk.stops.arm(order)
    return None


def _enter_matching(desk: Desk, order: Order, row: Row) -> RejectCode | None:
    if order.order_type in (OrderType.MARKET, OrderType.MARKET_TO_LIMIT):
        order.price_ticks = protected_limit_ticks(order.side, desk.reference_ticks, desk.instrument.collar_ppm)
    if order.post_only:
        code = make_passive(desk, order)
        if code:
            return code
    outcome = foresee(desk, order, row.terms.amount_notional)
    code = _refusal_of_outcome(order, outcome, row) or desk.accounts.refusal_of_rate(desk, order.account)
    if code:
        return code
    _open(desk, order)
    desk.accept(order, outcome.place, outcome.price_ticks, outcome.resting_lots)
    carry_out(desk, order, outcome, row.terms.amount_notional)
    return None


def make_passive(desk: Desk, order: Order, without: Order | None = None) -> RejectCode | None:
    """Refuse a post-only order that would trade, or slide it one tick behind what it would trade with.

    `without` is the order itself when it rests already: its old price must not clip the curve it is tested against.
    """
    touch_ticks = desk.book.touch_ticks(order.side, without)
    price_ticks = first_price(desk.book, desk.curve, order.side, order.price_ticks, touch_ticks)
    if not price_ticks:
        return None
    behind_ticks = price_ticks - 1 if order.side is Side.BUY else price_ticks + 1
    if order.order_type is OrderType.POST_ONLY or not 1 <= behind_ticks <= PRICE_TICKS_MAX:
        return RejectCode.POST_ONLY_WOULD_TRADE
    order.price_ticks = behind_ticks
    return None


def _refusal_of_outcome(order: Order, outcome: Outcome, row: Row) -> RejectCode | None:
    fills = any(isinstance(step, PlannedFill) for step in outcome.steps)
    if order.order_type is OrderType.MARKET_TO_LIMIT and not fills:
        return RejectCode.NOTHING_TO_TRADE
    if order.tif is TimeInForce.FOK and outcome.filled_lots < order.qty_lots:
        return RejectCode.FOK_UNFILLABLE
    if outcome.filled_lots < row.terms.min_lots:
        return RejectCode.MIN_QTY_UNFILLABLE
    return None
