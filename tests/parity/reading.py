"""What a stream aims at: live orders, accounts, past trades and the session, read from a market's state bytes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from parbook.codes import Place, SessionState
from parbook.interface import MarketProtocol
from parbook.records import CURVE, Records
from parbook.state import ACCOUNT, ANCHOR, CONFIG, CURVE_STATE, HEADER, ORDER, TRADE


class Reading(NamedTuple):
    """The parts of a state that streams and tests look at."""

    header: np.void
    accounts: Records
    trades: Records
    orders: Records

    @property
    def phase(self) -> SessionState:
        """What lies under CLOSED and DELISTED."""
        return SessionState(int(self.header["phase"]))

    @property
    def state(self) -> SessionState:
        """The session state that counts."""
        if self.header["delisted"]:
            return SessionState.DELISTED
        return SessionState.CLOSED if self.header["closed"] else self.phase


def read(market: MarketProtocol) -> Reading:
    """Return the parts of a market's canonical state. The same from either implementation. O(state)."""
    state = market.state_bytes()
    header = np.frombuffer(state, HEADER, count=1)[0]
    at = HEADER.itemsize + CONFIG.itemsize
    if header["has_curve"]:
        at += CURVE.itemsize + CURVE_STATE.itemsize
    at += int(header["proposed"]) * ANCHOR.itemsize
    parts = []
    for dtype, name in ((ACCOUNT, "accounts"), (TRADE, "trades"), (ORDER, "open_orders")):
        count = int(header[name])
        parts.append(np.frombuffer(state, dtype, count=count, offset=at))
        at += count * dtype.itemsize
    return Reading(header, *parts)


def live_orders(market: MarketProtocol) -> Records:
    """Return the ORDER records of a market, in the order of its state."""
    return read(market).orders


def resting_orders(market: MarketProtocol) -> Records:
    """Return the ORDER records of what rests displayed in full or by slices: bids, then asks, best first."""
    orders = live_orders(market)
    return orders[orders["place"] <= Place.ICEBERG]
