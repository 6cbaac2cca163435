"""One order against the market: what it would do, and doing it. NEW, AMEND and triggered stops share this path."""

from __future__ import annotations

from typing import NamedTuple

from parbook.codes import Allocation, CancelReason, OrderType, Place, SessionState, Side, StpMode, TimeInForce
from parbook.messages import Breached, Prevented, Unspent
from parbook.reference.book import Order
from parbook.reference.desk import Desk
from parbook.reference.matching import PlannedFill, PlannedStep, Prevention, Wish, better, plan_fills
from parbook.units import PPM, PRICE_TICKS_MAX

_NEVER_RESTS_AT_COLLAR = frozenset({OrderType.MARKET, OrderType.MARKET_TO_LIMIT})


class Outcome(NamedTuple):
    """What an aggressor will do. `reason` says why its remainder is cancelled; None: it rests, or nothing is left."""

    steps: list[PlannedStep]
    filled_lots: int
    leaves_lots: int
    price_ticks: int
    place: Place
    edge_ticks: int
    reason: CancelReason | None

    @property
    def resting_lots(self) -> int:
        """Lots that stay in the book."""
        return 0 if self.reason else self.leaves_lots


def protected_limit_ticks(side: Side, reference_ticks: int, collar_ppm: int) -> int:
    """Return the limit of a market order: reference +/- collar, rounded towards the reference, kept a valid price.

    Follows CME Globex's market order with protection, with the fair price in place of the touch.
    """
    reach_ticks = reference_ticks * collar_ppm // PPM
    if side is Side.BUY:
        return min(PRICE_TICKS_MAX, reference_ticks + reach_ticks)
    return max(1, reference_ticks - reach_ticks)


def edge_of_collar_ticks(desk: Desk, side: Side) -> int:
    """Return the worst price an aggressor of a side may print at: the tighter of both bands, each rounded inwards.

    Without bands or references the end of the price domain.
    """
    instrument = desk.instrument
    edge_ticks = PRICE_TICKS_MAX if side is Side.BUY else 1
    static_ticks = desk.anchor_ticks or desk.last_auction_ticks or desk.last_trade_ticks
    for ppm, reference_ticks in (
        (instrument.static_band_ppm, static_ticks),
        (instrument.dynamic_band_ppm, desk.band_ticks),
    ):
        if ppm and reference_ticks:
            band_ticks = protected_limit_ticks(side, reference_ticks, ppm)
            edge_ticks = min(edge_ticks, band_ticks) if side is Side.BUY else max(edge_ticks, band_ticks)
    return edge_ticks


def foresee(desk: Desk, order: Order, amount_notional: int = 0) -> Outcome:
    """Return what an order that is nowhere in the market would do, changing nothing."""
    instrument = desk.instrument
    wish = Wish(
        order.side,
        order.price_ticks,
        order.leaves_lots,
        order.stp or instrument.stp,
        lambda maker: desk.accounts.same_group(order.account, maker.account),
        amount_notional or None,
        instrument.allocation is Allocation.PRO_RATA,
    )
    edge_ticks = edge_of_collar_ticks(desk, order.side)
    steps: list[PlannedStep] = []
    filled_lots = decremented_lots = last_ticks = breach_ticks = 0
    stopped = False
    for step in plan_fills(desk.book, desk.curve, wish, desk.book.touch_ticks(order.side)):
        if better(order.side, edge_ticks, step.price_ticks):
            breach_ticks = edge_ticks
            break
        steps.append(step)
        if isinstance(step, PlannedFill):
            filled_lots += step.lots
            last_ticks = step.price_ticks
        elif step.mode is StpMode.DECREMENT:
            decremented_lots += step.lots
        else:
            stopped = step.mode is not StpMode.CANCEL_OLDEST
    leaves_lots = order.leaves_lots - filled_lots - decremented_lots
    reason = _reason_of_cancel(desk, order, stopped, bool(breach_ticks)) if leaves_lots else None
    price_ticks = order.price_ticks
    if leaves_lots and not reason:
        if breach_ticks and instrument.breach_state is SessionState.CONTINUOUS:
            price_ticks = breach_ticks
        elif order.order_type is OrderType.MARKET_TO_LIMIT:
            price_ticks = last_ticks
    return Outcome(steps, filled_lots, leaves_lots, price_ticks, order.place, breach_ticks, reason)


def _reason_of_cancel(desk: Desk, order: Order, stopped: bool, breached: bool) -> CancelReason | None:
    """Return why what is left may not rest; None when it may."""
    never_rests = order.tif in (TimeInForce.IOC, TimeInForce.FOK)
    if stopped:
        return CancelReason.SELF_TRADE
    if breached and (never_rests or order.order_type in _NEVER_RESTS_AT_COLLAR or not desk.instrument.breach_rests):
        return CancelReason.COLLAR
    return CancelReason.REMAINDER if never_rests else None


def carry_out(desk: Desk, order: Order, outcome: Outcome, amount_notional: int = 0) -> None:
    """Do what was foreseen: the steps in order, then the remainder rests, leaves or has gone."""
    for step in outcome.steps:
        if isinstance(step, Prevention):
            _prevent(desk, order, step)
        elif step.order is None:
            desk.trade_curve(order, step.price_ticks, step.lots)
        else:
            desk.trade_resting(step.order, order, step.lots, step.source)
    if outcome.edge_ticks:
        desk.emit(
            Breached, side=order.side, order_id=order.order_id, account=order.account, price_ticks=outcome.edge_ticks
        )
        desk.step.breached = True
    if amount_notional:
        unspent = amount_notional - sum(s.lots * s.price_ticks for s in outcome.steps if isinstance(s, PlannedFill))
        if unspent:
            desk.emit(
                Unspent, order_id=order.order_id, client_id=order.client_id, account=order.account, notional=unspent
            )
    if outcome.reason:
        desk.cancelled(order, outcome.reason)
        desk.step.touched.append(order)
    elif order.leaves_lots:
        order.price_ticks = outcome.price_ticks
        if order.order_type in (OrderType.MARKET, OrderType.MARKET_TO_LIMIT):
            order.order_type = OrderType.LIMIT
        desk.rest(order)
    else:
        desk.close(order)


def _prevent(desk: Desk, taker: Order, step: Prevention) -> None:
    """Carry out a prevention. Partners of orders that leave here follow after the step, like those of a trade."""
    maker, mode = step.order, step.mode
    stays = mode is StpMode.CANCEL_NEWEST
    leaves_lots = maker.leaves_lots if stays else maker.leaves_lots - step.lots if mode is StpMode.DECREMENT else 0
    desk.emit(
        Prevented,
        mode=mode,
        side=taker.side,
        price_ticks=step.price_ticks,
        qty_lots=step.lots,
        taker_order_id=taker.order_id,
        taker_account=taker.account,
        maker_order_id=maker.order_id,
        maker_account=maker.account,
        maker_leaves_lots=leaves_lots,
    )
    if mode is StpMode.DECREMENT:
        taker.qty_lots -= step.lots
        if leaves_lots:
            desk.book.reduce(maker, step.lots)
        else:
            desk.book.remove(maker)
            maker.qty_lots -= step.lots
            desk.close(maker)
        desk.step.touched += [maker] * (not leaves_lots) + [taker] * (not taker.leaves_lots)
    elif not stays:
        desk.book.remove(maker)
        desk.cancelled(maker, CancelReason.SELF_TRADE)
        desk.step.touched.append(maker)
