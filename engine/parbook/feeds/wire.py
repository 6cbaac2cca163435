"""The public messages: their kinds, their fixed-size records, which feed each kind belongs to."""

from __future__ import annotations

from enum import IntFlag
from typing import Final

import numpy as np

from parbook.codes import DocumentedEnum


class Feed(IntFlag):
    """What a publisher publishes; any union of these."""

    L1 = 1
    L2 = 2
    L3 = 4
    TRADES = 8
    STATUS = 16
    ALL = 31


class MessageKind(DocumentedEnum):
    """What a public message says. Numbers are stable."""

    ADD = 1, "an order shows qty_lots at the back of its price's queue"
    EXECUTE = 2, "qty_lots of a shown order traded, leaves_lots are still shown; 0: it is not shown any more"
    REDUCE = 3, "a shown order lost qty_lots without trading, shows leaves_lots and keeps its place"
    DELETE = 4, "a shown order left with qty_lots"
    MOVE = 5, "a shown order shows qty_lots at price_ticks now, at the back of the queue there"
    LEVEL = 6, "a price shows qty_lots in `orders` orders, or a rung of the curve offers qty_lots; 0: nothing there"
    TOUCH = 7, "the best price of a side of book or curve; 0: there is none"
    LAST = 8, "the last trade"
    TRADE = 9, "a fill; side is the taker's, code the Source"
    BUST = 10, "the trade of that trade_id is void"
    STATE = 11, "the session went from state leaves_lots to state code"
    INDICATIVE = 12, "what an uncross would do now: price, paired lots, surplus in leaves_lots"
    UNCROSS = 13, "an auction cleared: price (0: nothing crossed), paired lots, surplus in leaves_lots"


class Flag(IntFlag):
    """Bits of a message's flags."""

    END = 1
    """Last message of one command: only now is the book promised to be whole."""
    HIDDEN = 2
    """A TRADE in which an order took part that was never shown."""


MESSAGE: Final[np.dtype[np.void]] = np.dtype(
    [
        ("kind", "u1"),
        ("side", "u1"),
        ("code", "u1"),
        ("flags", "u1"),
        ("instrument", "<u2"),
        ("reserved", "<u2"),
        ("seq", "<u8"),
        ("order_id", "<u8"),
        ("trade_id", "<u8"),
        ("price_ticks", "<i8"),
        ("qty_lots", "<i8"),
        ("leaves_lots", "<i8"),
        ("orders", "<i8"),
    ]
)
"""One public message, 64 bytes, little-endian. A field that a kind does not name is 0."""

CHANNEL: Final[np.dtype[np.void]] = np.dtype([("channel_seq", "<u8"), *MESSAGE.descr])
"""One public message of one of many instruments, with the number it has among all of them. 72 bytes."""

FEED_OF: Final[dict[MessageKind, Feed]] = {
    MessageKind.ADD: Feed.L3,
    MessageKind.EXECUTE: Feed.L3,
    MessageKind.REDUCE: Feed.L3,
    MessageKind.DELETE: Feed.L3,
    MessageKind.MOVE: Feed.L3,
    MessageKind.LEVEL: Feed.L2,
    MessageKind.TOUCH: Feed.L1,
    MessageKind.LAST: Feed.L1,
    MessageKind.TRADE: Feed.TRADES,
    MessageKind.BUST: Feed.TRADES,
    MessageKind.STATE: Feed.STATUS,
    MessageKind.INDICATIVE: Feed.STATUS,
    MessageKind.UNCROSS: Feed.STATUS,
}
"""The feed that carries each kind."""
