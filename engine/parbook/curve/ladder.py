"""A compiled ladder: the integer steps that matching sees.

Bids are rungs (price, N_bid(price)) with strictly falling prices and strictly rising lots; asks rungs
(price, N_ask(price)) with strictly rising prices and strictly falling lots. See `parbook.curve.shapes`
for the functions and `parbook.curve.compile` for how rungs are chosen.
"""

from __future__ import annotations

from itertools import pairwise

import msgspec

from parbook.errors import InvariantError

MAX_RUNGS = 256
"""A ladder has at most this many rungs a side."""


class Rung(msgspec.Struct, frozen=True):
    """At `price_ticks` the curve trades until its cursor stands at `net_lots`."""

    price_ticks: int
    net_lots: int


class Ladder(msgspec.Struct, frozen=True):
    """The rungs of both sides, best first."""

    bids: tuple[Rung, ...] = ()
    asks: tuple[Rung, ...] = ()

    def check(self) -> None:
        """Raise InvariantError unless rungs are monotone (axiom M) and never cross (axiom X). O(rungs)."""
        for name, rungs, sign in (("bids", self.bids, -1), ("asks", self.asks, 1)):
            if len(rungs) > MAX_RUNGS:
                raise InvariantError(f"ladder {name}: {len(rungs)} rungs, at most {MAX_RUNGS} allowed")
            for a, b in pairwise(rungs):
                if (b.price_ticks - a.price_ticks) * sign <= 0 or (b.net_lots - a.net_lots) * sign >= 0:
                    raise InvariantError(f"ladder {name}: {a} is followed by {b}; axiom M is broken")
        asks = iter(reversed(self.asks))
        ask = next(asks, None)
        for bid in self.bids:
            # N_ask(p) at p = bid.price is set by the dearest ask rung at or below p.
            while ask is not None and ask.price_ticks > bid.price_ticks:
                ask = next(asks, None)
            if ask is not None and bid.net_lots > ask.net_lots:
                raise InvariantError(f"ladder: bid {bid} above ask {ask}; axiom X is broken")
