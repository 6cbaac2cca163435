"""Nothing acknowledged is ever lost: journal, snapshots and recovery around an exchange that knows none of them.

layout      what a segment and a frame are, byte by byte
payloads    commands, curves, assets and listings as payloads; schema versions and their upgraders
storage     the only module that touches files; tests put another one in its place
stock       segments of zeros that are made before they are needed
segments    the writer: room first, then frames, then barriers
scan        the reader: what is sound, what is a torn tail, what is damage
snapshots   whole states, two generations
recovery    the newest sound snapshot, then every frame behind it
durable     the core of an exchange that writes down what it did before it says so
exchange    the public exchange over it: events that are durable, running ahead, checkpoints
lock        one writer; how a promoted follower fences another off
retention   what may go
catalogue   what an operator asks a database
opening     `parbook.open`
"""

from parbook.journal.durable import Durability
from parbook.journal.exchange import DurableExchange
from parbook.journal.opening import open_exchange
from parbook.journal.retention import Retention

__all__ = ["Durability", "DurableExchange", "Retention", "open_exchange"]
