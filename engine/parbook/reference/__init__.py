"""The specification of parbook in plain Python, on sortedcontainers, written to be read.

Where each rule stands:
    book       price-time queues                     entry    NEW: refusals and their order, matching, resting
    quotes     the curve's cursor, quotes, clip      changes  CANCEL, REDUCE, AMEND
    matching   the split between book and curve      anchors  the clock, SET_CURVE, anchors, LIFT
    identity   client ids                            desk     what every command is made of
    market     the public face                       views    depth, state bytes, check
    running    one command in one market
and of an exchange of many markets:
    ledger     balances                              funds    what orders hold, what fills move
    tills      money in, out and across, fees        office   what an exchange remembers
    outcomes   commands sent again                   statuses what an account may do everywhere
    exchange   the public face, routing              exchange_views  state bytes, check
"""

from parbook.reference.exchange import Exchange
from parbook.reference.market import Market

__all__ = ["Exchange", "Market"]
