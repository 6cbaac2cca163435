"""What a live order looks like, whatever brought it about: the rules by which a serialised one is taken or turned down.

They follow from what NEW lets in (`form`, `entry`) and from what becomes of an order afterwards. An order is an object
with the fields of parbook.state.ORDER as plain integers.
"""

from __future__ import annotations

from typing import Any, Final

from parbook.codes import OrderType, Peg, Place, Side, StpMode, TimeInForce, Trigger
from parbook.flaws import Flaw
from parbook.reference.book import RESTING
from parbook.reference.form import too_many_slices
from parbook.reference.quoting import MAX_QUOTE_SLOTS
from parbook.units import NOTIONAL_MAX, PPM, PRICE_TICKS_MAX, QTY_LOTS_MAX

_GATHERING: Final = (TimeInForce.GTC, TimeInForce.GTD, TimeInForce.DAY)
_IMMEDIATE: Final = (TimeInForce.IOC, TimeInForce.FOK)
_GREATEST: Final = {
    "side": max(Side),
    "order_type": max(OrderType),
    "tif": max(TimeInForce),
    "place": max(Place),
    "hidden": 1,
    "reduce_only": 1,
    "stp": max(StpMode),
    "peg": max(Peg),
    "trigger": max(Trigger),
    "quote_slot": MAX_QUOTE_SLOTS,
    "reserved": 0,
}
_NONE_OF_A_QUOTE: Final = (
    "client_id",
    "tif",
    "place",
    "hidden",
    "reduce_only",
    "stp",
    "trigger",
    "display_lots",
    "stop_ticks",
    "offset_ticks",
    "limit_ticks",
    "oco_order_id",
    "trail_ppm",
)


def flaw_of_order(order: Any, next_order_id: int, now_ns: int) -> Flaw | None:
    """Return what is wrong with one order by itself, None when nothing is. O(1)."""
    if not 1 <= order.order_id < next_order_id:
        return Flaw.ID_OUT_OF_RANGE
    if not order.account:
        return Flaw.NO_ACCOUNT
    if any(getattr(order, name) > greatest for name, greatest in _GREATEST.items()):
        return Flaw.UNKNOWN_NUMBER
    if not 0 <= order.filled_lots < order.qty_lots <= QTY_LOTS_MAX:
        return Flaw.LOTS_OUT_OF_RANGE
    if not _prices_in_range(order):
        return Flaw.PRICE_OUT_OF_RANGE
    if not _shows_a_slice(order):
        return Flaw.DISPLAY_OUT_OF_RANGE
    gtd = order.tif == TimeInForce.GTD
    if order.expire_ns < (now_ns if gtd else 0) or (order.expire_ns and not gtd):
        return Flaw.TIME_OUT_OF_RANGE
    if not _terms_go_together(order):
        return Flaw.TERMS_CONTRADICT
    if not _stands_where_it_may(order):
        return Flaw.WRONG_PLACE
    # What a seller asks may have slid or followed beyond; nothing is ever held or spent by it.
    if order.side == Side.BUY and (order.limit_ticks or order.price_ticks) * order.qty_lots > NOTIONAL_MAX:
        return Flaw.NOTIONAL_OVERFLOW
    return None


def _prices_in_range(order: Any) -> bool:
    prices = (order.price_ticks, order.stop_ticks, order.limit_ticks, abs(order.offset_ticks))
    return bool(min(prices) >= 0 and max(prices) <= PRICE_TICKS_MAX and order.trail_ppm <= PPM)


def _shows_a_slice(order: Any) -> bool:
    if not 0 <= order.display_lots <= QTY_LOTS_MAX or too_many_slices(order.qty_lots, order.display_lots):
        return False
    if order.place != Place.ICEBERG:
        return bool(order.shown_lots == 0)
    return bool(1 <= order.shown_lots <= min(order.display_lots, order.qty_lots - order.filled_lots))


def _terms_go_together(order: Any) -> bool:
    """Whether a NEW, or a quote, can have had such terms."""
    if (order.order_type == OrderType.PEGGED) != (order.peg != Peg.NONE) or order.oco_order_id == order.order_id:
        return False
    if order.quote_slot:
        plain = not any(getattr(order, name) for name in _NONE_OF_A_QUOTE)
        return plain and order.order_type == OrderType.POST_ONLY
    if order.peg:
        bare = not (order.display_lots or order.hidden or order.stop_ticks or order.trail_ppm or order.trigger)
        bare = bare and not (order.reduce_only or order.oco_order_id)
        return bare and order.limit_ticks >= 1 and order.tif in _GATHERING
    if order.order_type in (OrderType.POST_ONLY, OrderType.POST_SLIDE):
        may_be_so = order.tif in _GATHERING and not (order.stop_ticks or order.reduce_only)
    elif order.order_type == OrderType.MARKET:
        may_be_so = order.tif not in (TimeInForce.GTD, TimeInForce.DAY) and not (order.display_lots or order.hidden)
    else:
        # What is left of MARKET_TO_LIMIT has become LIMIT.
        may_be_so = order.order_type == OrderType.LIMIT
    follows = order.offset_ticks or order.trail_ppm
    stop_or_none = order.stop_ticks or not (follows or order.trigger)
    one_distance = order.offset_ticks >= 0 and not (order.offset_ticks and order.trail_ppm)
    shown_whole = not (order.stop_ticks and (order.display_lots or order.hidden))
    for_auction = order.tif == TimeInForce.AUCTION and (order.stop_ticks or order.reduce_only)
    worst = order.limit_ticks >= 1 if order.order_type == OrderType.MARKET else order.limit_ticks == 0
    return bool(may_be_so and stop_or_none and one_distance and shown_whole and not for_auction and worst)


def _stands_where_it_may(order: Any) -> bool:
    """Whether an order of such terms can wait or rest in its place."""
    place = order.place
    market = order.order_type == OrderType.MARKET
    if place in RESTING:
        by_terms = Place.HIDDEN if order.hidden else Place.ICEBERG if order.display_lots else Place.BOOK
        # Hidden icebergs there are none.
        one_of_them = not (order.hidden and order.display_lots)
        return (
            place == by_terms and one_of_them and not market and order.tif not in _IMMEDIATE and order.price_ticks >= 1
        )
    if place in (Place.ARMED, Place.ELECTED):
        return bool(order.stop_ticks) and not order.filled_lots and market == (order.price_ticks == 0)
    if place == Place.PARKED:
        return order.peg != Peg.NONE and not order.price_ticks
    calls = market and order.tif == TimeInForce.AUCTION
    return calls and not (order.price_ticks or order.filled_lots or order.reduce_only)
