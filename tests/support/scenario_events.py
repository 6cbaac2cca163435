"""How scenarios write events, orders and accounts. The grammar stands in `tests.support.scenario`."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from parbook import messages as m
from parbook.codes import OrderType, Place, Side, Source, StpMode
from parbook.interface import MarketProtocol
from tests.parity.reading import live_orders


def spoken(code: IntEnum) -> str:
    """Return a code's name in words: `FOK_UNFILLABLE` is `fok unfillable`."""
    return code.name.lower().replace("_", " ")


def _hyphened(code: IntEnum) -> str:
    return code.name.lower().replace("_", "-")


def _at_place(place: Place) -> str:
    return "" if place is Place.BOOK else f" {spoken(place)}"


def event_text(event: m.Event, command: m.Command) -> str:
    """Return an event as tables write it. An ACCEPTED names its price where it is not the one that was asked for."""
    match event:
        case m.Accepted():
            head = f"accepted #{event.order_id} leaves {event.leaves_lots}{_at_place(event.place)}"
            return f"{head} at {event.price_ticks}" if _price_is_news(event, command) else head
        case m.Rejected():
            return f"rejected {spoken(event.code)}"
        case m.Trade():
            return _trade_text(event)
        case m.Cancelled():
            return f"cancelled #{event.order_id} x {event.qty_lots} {spoken(event.reason)}"
        case m.Amended():
            head = f"amended #{event.order_id} {spoken(event.priority)}"
            return f"{head} {event.price_ticks} x {event.qty_lots} leaves {event.leaves_lots}"
        case m.Prevented():
            maker = f"#{event.maker_order_id} leaves {event.maker_leaves_lots}"
            return f"prevented {_hyphened(StpMode(event.mode))} {event.price_ticks} x {event.qty_lots} {maker}"
        case m.Triggered():
            head = f"triggered #{event.order_id} {event.price_ticks} x {event.qty_lots}"
            return f"{head} leaves {event.leaves_lots}{_at_place(event.place)}"
        case m.Shown():
            return f"shown #{event.order_id} x {event.qty_lots} of {event.leaves_lots}"
        case m.Repriced():
            where = event.price_ticks or "parked"
            return f"repriced #{event.order_id} {where} leaves {event.leaves_lots}"
        case _:
            return _venue_text(event)


def _price_is_news(event: m.Accepted, command: m.Command) -> bool:
    if not isinstance(command, m.NewOrder):
        # A quote's orders rest where it asked for; the witness holds them against it.
        return False
    if command.order_type in (OrderType.MARKET, OrderType.MARKET_TO_LIMIT):
        return event.leaves_lots > 0 and event.price_ticks > 0
    return event.price_ticks != (0 if command.order_type == OrderType.PEGGED else command.price_ticks)


def _trade_text(event: m.Trade) -> str:
    fill = f"trade {event.price_ticks} x {event.qty_lots} {spoken(event.source)}"
    if event.source is Source.UNCROSS:
        return f"{fill} #{event.taker_order_id} with #{event.maker_order_id} leaves {event.maker_leaves_lots}"
    if event.source is Source.UNCROSS_CURVE:
        return f"{fill} #{event.taker_order_id} net {event.maker_leaves_lots}"
    maker = f"#{event.maker_order_id} leaves" if event.maker_order_id else "net"
    return f"{fill} {maker} {event.maker_leaves_lots}"


def _clearing_text(name: str, event: m.Indicative | m.Uncrossed) -> str:
    return f"{name} {event.price_ticks} x {event.paired_lots} surplus {event.surplus_lots}"


def _venue_text(event: m.Event) -> str:
    match event:
        case m.StateChanged():
            return f"state {_hyphened(event.state)} from {_hyphened(event.previous)}"
        case m.Indicative():
            return _clearing_text("indicative", event)
        case m.Uncrossed():
            return _clearing_text("uncrossed", event)
        case m.MassCancelled():
            whose = f" account {event.account}" if event.account else ""
            return f"mass cancelled {event.count} {spoken(event.reason)}{whose}"
        case m.AccountSet():
            return f"account {event.account} {event.field.name.lower()}={event.value}"
        case m.Quoted():
            bid, ask = (f"#{i}" if i else "none" for i in (event.bid_order_id, event.ask_order_id))
            return f"quoted {event.account} slot {event.slot} bid {bid} ask {ask}"
        case m.Protected():
            return f"protected {event.account} after {event.filled_lots}"
        case m.Busted():
            return f"busted {event.price_ticks} x {event.qty_lots} {spoken(event.source)}"
        case m.Unspent():
            return f"unspent #{event.order_id} {event.notional}"
        case m.Breached():
            return f"breached #{event.order_id} at {event.price_ticks}"
        case m.DeadManSet():
            return f"deadman {event.account} " + (f"at {event.deadline_ns}" if event.deadline_ns else "off")
        case _:
            return _curve_text(event)


def _curve_text(event: m.Event) -> str:
    match event:
        case m.Advanced():
            return f"time {event.ts_ns}"
        case m.AnchorProposed():
            return f"proposed {event.low_ticks}..{event.high_ticks} for {event.effective_at_ns}"
        case m.AnchorActivated():
            return f"anchor {event.low_ticks}..{event.high_ticks} net {event.net_lots} cash {event.cash_notional}"
        case m.AnchorsWithdrawn():
            return f"withdrawn {event.count}"
        case m.CurveSet():
            return f"curve set {event.shape.name.lower()} cash {event.cash_notional}"
        case m.CurveFunded():
            return f"curve funded net {event.net_lots} cash {event.cash_notional}"
        case m.CurveWithdrawn():
            return f"curve withdrawn net {event.net_lots} cash {event.cash_notional}"
        case _:
            raise TypeError(f"scenarios cannot write {type(event).__name__}")


def order_text(row: np.void) -> str:
    """Return a live order as `book:` writes it."""
    place = Place(int(row["place"]))
    price: int | str = int(row["price_ticks"])
    if not price:
        # A peg that is parked has no price; the worst one it may reach says more.
        price = int(row["limit_ticks"]) if row["peg"] else "market"
    leaves = int(row["qty_lots"] - row["filled_lots"])
    text = f"{Side(int(row['side'])).name.lower()} {price} x {leaves} by {row['account']}"
    match place:
        case Place.BOOK:
            return text
        case Place.ICEBERG:
            return f"{text} show {row['shown_lots']}"
        case Place.ARMED | Place.ELECTED:
            return f"{text} {spoken(place)} {row['stop_ticks']}"
        case _:
            return f"{text} {spoken(place)}"


def book_text(market: MarketProtocol) -> list[str]:
    """Return all live orders in the order of the state: displayed bids and asks, hidden ones, then those that wait."""
    return [order_text(row) for row in live_orders(market)]
