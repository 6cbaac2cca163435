"""Market-data feeds: what the public, one account and a slow reader are told of a market.

Publisher, Snapshot              private events in, public messages out; what a late joiner begins with
BookBuilder                      the subscriber: snapshot and messages in, the displayed book out
Channel, ChannelBuilder,         the same for many instruments in one sequence
    ChannelSnapshot
DropCopy, Role                   one account's private events
Outbox                           a bounded queue of events that pushes back before matching
Feed, Flag, MessageKind          what is published, bits of a message, what a message says
MESSAGE, CHANNEL                 layouts of public messages
"""

from __future__ import annotations

from parbook.feeds.builder import BookBuilder, Clearing, LastTrade
from parbook.feeds.channel import Channel, ChannelBuilder, ChannelSnapshot
from parbook.feeds.displayed import DisplayedBook, Level, ShownOrder
from parbook.feeds.dropcopy import DropCopy, Role
from parbook.feeds.outbox import Outbox
from parbook.feeds.publisher import Publisher, Snapshot
from parbook.feeds.wire import CHANNEL, FEED_OF, MESSAGE, Feed, Flag, MessageKind

__all__ = [
    "CHANNEL",
    "FEED_OF",
    "MESSAGE",
    "BookBuilder",
    "Channel",
    "ChannelBuilder",
    "ChannelSnapshot",
    "Clearing",
    "DisplayedBook",
    "DropCopy",
    "Feed",
    "Flag",
    "LastTrade",
    "Level",
    "MessageKind",
    "Outbox",
    "Publisher",
    "Role",
    "ShownOrder",
    "Snapshot",
]
