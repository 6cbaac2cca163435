"""QUOTE and RESET_PROTECTION: two-sided quotes, replaced as a whole or not at all."""

from __future__ import annotations

from parbook.codes import CancelReason, OrderType, Place, Priority, RejectCode, Side
from parbook.messages import Protected, Quoted
from parbook.reference.book import Order
from parbook.reference.desk import Desk, Row
from parbook.reference.entry import refusal_of_distance, refusal_of_size
from parbook.reference.matching import opposite, within
from parbook.sessions import Action
from parbook.units import PRICE_TICKS_MAX, QTY_LOTS_MAX

MAX_QUOTE_SLOTS = 16
"""Two-sided quotes an account may hold in one market."""


def quote(desk: Desk, row: Row) -> RejectCode | None:
    """Replace both sides of the quote in a slot. A side at its old price that does not grow keeps its priority."""
    wanted = ((row.price_ticks, row.qty_lots), (row.high_ticks, row.client_id))
    code = (
        _refusal_of_form(row, wanted)
        or desk.session.forbids(Action.QUOTE)
        or desk.accounts.refusal_of_quote(desk, row.account, [lots for _, lots in wanted])
    )
    if code:
        return code
    old = [_standing(desk, row, side) for side in Side]
    code = _refusal_of_sides(desk, row, wanted, old) or desk.accounts.refusal_of_rate(desk, row.account)
    if code:
        return code
    kept = [_is_kept(order, *wanted[side]) for side, order in zip(Side, old, strict=True)]
    for order, keeps in zip(old, kept, strict=True):
        if order and not keeps:
            desk.cancel(order, CancelReason.QUOTE_REPLACED)
    order_ids = []
    for side, order in zip(Side, old, strict=True):
        price_ticks, lots = wanted[side]
        if order and kept[side]:
            if lots < order.leaves_lots:
                desk.shrink(order, order.leaves_lots - lots)
                desk.amended(order, Priority.KEPT, order.leaves_lots)
        elif lots:
            order_ids.append(_enter(desk, row, side, price_ticks, lots))
            continue
        order_ids.append(order.order_id if order and lots else 0)
    desk.emit(Quoted, account=row.account, slot=row.order_id, bid_order_id=order_ids[0], ask_order_id=order_ids[1])
    return None


def _refusal_of_form(row: Row, wanted: tuple[tuple[int, int], ...]) -> RejectCode | None:
    if not row.account:
        return RejectCode.INVALID_ACCOUNT
    if row.order_id >= MAX_QUOTE_SLOTS:
        return RejectCode.INVALID_SLOT
    for price_ticks, lots in wanted:
        if not 0 <= lots <= QTY_LOTS_MAX:
            return RejectCode.QTY_OUT_OF_RANGE
        if lots and not 1 <= price_ticks <= PRICE_TICKS_MAX:
            return RejectCode.PRICE_OUT_OF_RANGE
    (bid_ticks, bid_lots), (ask_ticks, ask_lots) = wanted
    return RejectCode.QUOTE_CROSSED if bid_lots and ask_lots and bid_ticks >= ask_ticks else None


def _standing(desk: Desk, row: Row, side: Side) -> Order | None:
    """Return the order that stands in the slot on a side."""
    slot = row.order_id + 1
    for order in desk.orders.values():
        if order.account == row.account and order.quote_slot == slot and order.side is side:
            return order
    return None


def _is_kept(order: Order | None, price_ticks: int, lots: int) -> bool:
    return order is not None and order.price_ticks == price_ticks and 0 < lots <= order.leaves_lots


def _refusal_of_sides(
    desk: Desk, row: Row, wanted: tuple[tuple[int, int], ...], old: list[Order | None]
) -> RejectCode | None:
    """Test both new sides as if the old ones they replace were gone."""
    for price_ticks, lots in wanted:
        if lots:
            code = refusal_of_size(desk, row.account, price_ticks, lots) or refusal_of_distance(desk, price_ticks)
            if code:
                return code
    if len(desk.orders) - sum(o is not None for o in old) + sum(lots > 0 for _, lots in wanted) > (
        desk.instrument.max_orders
    ):
        return RejectCode.BOOK_FULL
    code = desk.accounts.refusal_of_exposures(row.account, [lots for _, lots in wanted], old)
    if not code and desk.funds:
        code = desk.funds.refusal_of_quote(row.account, wanted, old)
    if code or not desk.session.matches:
        return code
    for side, order in zip(Side, old, strict=True):
        price_ticks, lots = wanted[side]
        # A side that stays enters nothing; without it the curve that it clips would seem to stand in its way.
        if lots and not _is_kept(order, price_ticks, lots) and _would_trade(desk, side, price_ticks, old):
            return RejectCode.POST_ONLY_WOULD_TRADE
    return None


def _would_trade(desk: Desk, side: Side, price_ticks: int, old: list[Order | None]) -> bool:
    """Whether a side would meet book or curve, the quote it replaces not counted."""
    facing_ticks = desk.book.touch_ticks(opposite(side), without=old[opposite(side)])
    if facing_ticks and within(side, facing_ticks, price_ticks):
        return True
    if desk.curve is None:
        return False
    found = desk.curve.quote(side, desk.book.touch_ticks(side, without=old[side]), desk.curve.cursor)
    return found is not None and within(side, found.price_ticks, price_ticks)


def _enter(desk: Desk, row: Row, side: Side, price_ticks: int, lots: int) -> int:
    """Let one side of a quote rest and return its order id."""
    order = Order(
        desk.next_order_id,
        row.account,
        side,
        price_ticks,
        lots,
        order_type=OrderType.POST_ONLY,
        session=row.session,
        quote_slot=row.order_id + 1,
    )
    desk.next_order_id += 1
    desk.open(order)
    desk.accept(order, Place.BOOK, price_ticks, lots)
    desk.rest(order)
    return order.order_id


def reset_protection(desk: Desk, row: Row) -> RejectCode | None:
    """Let an account quote again, with an empty window."""
    if not row.account:
        return RejectCode.INVALID_ACCOUNT
    account = desk.accounts.get(row.account)
    if account is None:
        return RejectCode.UNKNOWN_ACCOUNT
    account.protected = account.protection_filled_lots = account.protection_since_ns = 0
    desk.emit(Protected, account=row.account, filled_lots=0)
    return None
