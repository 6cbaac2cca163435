"""Public messages as short text, for tests that say exactly what is published."""

from __future__ import annotations

from typing import Any

from parbook.codes import SessionState, Side, Source
from parbook.feeds import Feed, Flag, MessageKind, Publisher
from parbook.interface import MarketProtocol
from parbook.messages import Command
from parbook.records import Records

QUANTITIES = (MessageKind.ADD, MessageKind.DELETE, MessageKind.MOVE)


def text(row: Any) -> str:
    """Return one message as text; `.` at its end is the END flag."""
    kind = MessageKind(row["kind"])
    name, side = kind.name.lower(), Side(row["side"]).name.lower()
    at = f"{row['price_ticks']} x {row['qty_lots']}"
    if kind in QUANTITIES:
        out = f"{name} #{row['order_id']} {side} {at}"
    elif kind in (MessageKind.EXECUTE, MessageKind.REDUCE):
        out = f"{name} #{row['order_id']} {side} {at} leaves {row['leaves_lots']}"
    elif kind in (MessageKind.LEVEL, MessageKind.TOUCH):
        out = f"{name} {Source(row['code']).name.lower()} {side} {at} in {row['orders']}"
    elif kind in (MessageKind.TRADE, MessageKind.BUST, MessageKind.LAST):
        hidden = " hidden" if row["flags"] & Flag.HIDDEN else ""
        out = f"{name} {Source(row['code']).name.lower()} {side} {at}{hidden}"
    elif kind is MessageKind.STATE:
        out = f"state {SessionState(row['code']).name.lower()}"
    else:
        out = f"{name} {at} surplus {row['leaves_lots']}"
    return out + ("." if row["flags"] & Flag.END else "")


def texts(messages: Records) -> list[str]:
    """Return all messages as text."""
    return [text(row) for row in messages]


def published(market: MarketProtocol, *commands: Command, feeds: Feed = Feed.L3 | Feed.TRADES) -> list[list[str]]:
    """Apply commands to a fresh market and return what a publisher of `feeds` says of each."""
    publisher = Publisher(feeds=feeds, initial_state=market.instrument.initial_state)
    return [texts(publisher.publish(market.apply(command), market.depth(1000))) for command in commands]
