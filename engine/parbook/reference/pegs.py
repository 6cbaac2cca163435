"""Pegged orders: where each belongs, and moving those that stand elsewhere."""

from __future__ import annotations

from parbook.codes import Peg, Place, Side
from parbook.messages import Repriced
from parbook.reference.book import Order
from parbook.reference.desk import Desk, order_fields
from parbook.reference.matching import opposite
from parbook.units import PRICE_TICKS_MAX


def follow(desk: Desk) -> None:
    """Move every peg that does not stand at its target: all leave, then all return, buys by id, then sells by id."""
    if not desk.pegs:
        return
    pegs = sorted(desk.pegs.values(), key=lambda order: (order.side, order.order_id))
    targets = targets_of(desk, pegs)
    moved = [(order, target) for order, target in zip(pegs, targets, strict=True) if target != order.price_ticks]
    for order, _ in moved:
        desk.take_out(order)
    for order, target_ticks in moved:
        order.price_ticks = target_ticks
        order.place = Place.BOOK if target_ticks else Place.PARKED
        if target_ticks:
            desk.book.add(order)
        desk.emit(Repriced, **order_fields(order), leaves_lots=order.leaves_lots)


def targets_of(desk: Desk, pegs: list[Order]) -> list[int]:
    """Return each peg's price, 0 to park it; they come by side, then by id.

    Buys come first: sells stay one tick above the best of them.
    """
    if not desk.session.matches:
        return [0] * len(pegs)
    targets = []
    best_buy_ticks = 0
    walls = {side: _wall_ticks(desk, side) for side in Side}
    references = {(peg, side): _reference_ticks(desk, peg, side) for peg in Peg for side in Side}
    for order in pegs:
        wall_ticks = walls[order.side]
        if order.side is Side.SELL:
            wall_ticks = max(wall_ticks, best_buy_ticks + 1)
        target_ticks = _target_ticks(order, references[order.peg, order.side], wall_ticks)
        if order.side is Side.BUY:
            best_buy_ticks = max(best_buy_ticks, target_ticks)
        targets.append(target_ticks)
    return targets


def _target_ticks(order: Order, reference_ticks: int, wall_ticks: int) -> int:
    if not reference_ticks:
        return 0
    wanted_ticks = reference_ticks + order.offset_ticks
    if order.side is Side.BUY:
        target_ticks = min(wanted_ticks, order.limit_ticks, wall_ticks)
    else:
        target_ticks = max(wanted_ticks, order.limit_ticks, wall_ticks)
    return target_ticks if 1 <= target_ticks <= PRICE_TICKS_MAX else 0


def _reference_ticks(desk: Desk, peg: Peg, side: Side) -> int:
    """Return what a peg follows, 0 when it is not there. Other pegs do not count: they would follow each other."""
    curve = desk.curve
    if peg is Peg.ANCHOR:
        if not (curve and curve.quoting):
            return 0
        return curve.low_ticks if side is Side.BUY else curve.high_ticks
    bid_ticks, ask_ticks = (desk.book.displayed[each].best(pegs=False) for each in Side)
    if peg is Peg.PRIMARY:
        return bid_ticks if side is Side.BUY else ask_ticks
    if not (bid_ticks and ask_ticks):
        return 0
    return (bid_ticks + ask_ticks) // 2 if side is Side.BUY else -(-(bid_ticks + ask_ticks) // 2)


def _wall_ticks(desk: Desk, side: Side) -> int:
    """Return the most aggressive price a peg of that side may take: one tick behind the best it could trade with."""
    bests = [desk.book.touch_ticks(opposite(side), pegs=False)]
    if desk.curve:
        quote = desk.curve.quote(side, desk.book.touch_ticks(side, pegs=False), desk.curve.cursor)
        bests.append(quote.price_ticks if quote else 0)
    bests = [ticks for ticks in bests if ticks]
    if side is Side.BUY:
        return min(bests) - 1 if bests else PRICE_TICKS_MAX
    return max(bests) + 1 if bests else 1
