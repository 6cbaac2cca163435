"""The command streams that are measured, prepared in advance as COMMAND arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from parbook.codes import CommandKind, CurveShape, Side, TimeInForce
from parbook.instrument import MAX_ORDERS_LIMIT, Instrument
from parbook.logs.flow import FlowParams
from parbook.logs.generate import generate
from parbook.messages import CurveParams, SetCurve
from parbook.records import COMMAND, EVENT, Records

Ints = npt.NDArray[np.int64]
Sides = npt.NDArray[np.uint8]

BATCH: Final = 1024
"""Commands handed over at once, unless a row says otherwise."""

INSTRUMENT: Final = Instrument(symbol="BENCH", max_orders=MAX_ORDERS_LIMIT)

SHAPES: Final[dict[str, FlowParams]] = {
    "own": FlowParams(),
    "touch": FlowParams(depth_ticks=2, take_ppm=350_000, cancel_ppm=150_000, resting_orders=500),
    "taken": FlowParams(depth_ticks=4, take_ppm=150_000, cancel_ppm=250_000, seller_ppm=0),
    "wide": FlowParams(fair_ticks=2**24, depth_ticks=2**18, resting_orders=20_000, take_ppm=40_000),
}
"""Flows of the project's own generator: as it comes, emptied at the touch, full but much taken
from, and over half a million prices."""

COMPARED: Final = ("own", "touch", "wide")
"""The shapes on which core and reference are compared."""

_FAR_TICKS: Final = 2_000


class BatchMarket(Protocol):
    """What both markets offer to a batch."""

    def apply_batch(self, commands: Records) -> Records:
        """Apply COMMAND records, return EVENT records."""


def flow(shape: str, messages: int, seed: int = 1) -> Records:
    """Return `messages` commands of a shape; each is accepted by a fresh market. About 5 us of generation each."""
    return flow_of(SHAPES[shape], messages, seed)


def flow_of(params: FlowParams, messages: int, seed: int = 1) -> Records:
    """Return `messages` commands of a flow with these parameters."""
    return np.concatenate(list(generate(seed, messages, flow=params)))


def reaching(commands: Records) -> Records:
    """Return the commands with every IOC limit, once the book is there, moved far beyond the touch."""
    out = commands.copy()
    ioc = (out["kind"] == CommandKind.NEW) & (out["tif"] == TimeInForce.IOC)
    ioc[: len(ioc) // 5] = False
    sign = np.where(out["side"] == Side.BUY, 1, -1)
    out["price_ticks"][ioc] += (_FAR_TICKS * sign)[ioc]
    return out


def batches(commands: Records, size: int = BATCH) -> list[Records]:
    """Return the commands cut into consecutive views of `size`."""
    return [commands[at : at + size] for at in range(0, len(commands), size)]


def feed(market: BatchMarket, parts: list[Records]) -> None:
    """Apply every part and drop the events."""
    for part in parts:
        market.apply_batch(part)


def events_of(market: BatchMarket, parts: list[Records]) -> Records:
    """Apply every part and return all events."""
    return np.concatenate([np.empty(0, EVENT), *(market.apply_batch(part) for part in parts)])


def new_orders(side: int | Sides, prices: Ints | int, lots: Ints | int, count: int, account: int = 1) -> Records:
    """Return `count` limit orders GTC of one account."""
    out = np.zeros(count, COMMAND)
    out["kind"] = CommandKind.NEW
    out["side"] = side
    out["account"] = account
    out["price_ticks"] = prices
    out["qty_lots"] = lots
    return out


def ladder_curve(shape: CurveShape = CurveShape.PMM, sells: bool = True) -> SetCurve:
    """Return a curve that compiles to 256 rungs a side at anchors from 1,000 ticks up.

    One that `sells` below its target keeps 64 bids behind its cursor; one that does not has all 256 ahead of it.
    """
    depth = 2**31
    params = CurveParams(
        shape=shape,
        base_depth_lots=depth,
        quote_depth_lots=depth,
        k_ppm=500_000,
        spread_ppm=500,
        drop_ppm=0 if shape == CurveShape.PMM else 400_000,
        min_net_lots=1 - depth if sells else 0,
        max_net_lots=depth,
        budget_notional=2**61,
    )
    return SetCurve(params=params)


def anchor(low_ticks: int, high_ticks: int, count: int = 1) -> Records:
    """Return `count` anchor proposals."""
    out = np.zeros(count, COMMAND)
    out["kind"] = CommandKind.PROPOSE_ANCHOR
    out["price_ticks"] = low_ticks
    out["high_ticks"] = high_ticks
    return out


class SteadyFlow:
    """A book of `orders` over `levels` prices that stays as it is under an endless mix of commands.

    Of eight messages three enter an order, three cancel one chosen evenly among all (the dearest choice for a
    cache), one quotes inside the spread and one takes that quote. What enters repeats the prices of what is
    cancelled, so the shape of the book does not drift. Every command is accepted.
    """

    def __init__(self, orders: int, levels: int, seed: int = 1) -> None:
        """Lay the book out: order i at level i mod `levels`, levels alternating between the sides."""
        self._random = np.random.default_rng(seed)
        self.middle = 2**30
        level = np.arange(orders, dtype=np.int64) % levels
        self._level = level
        self._ids = np.arange(1, orders + 1, dtype=np.uint64)
        self._next_id = orders + 1

    def prefill(self) -> Iterator[Records]:
        """Yield the commands that build the book, in arrays of BATCH."""
        for at in range(0, len(self._level), BATCH):
            yield self._enter(self._level[at : at + BATCH])

    def messages(self, count: int) -> Records:
        """Return the next `count` messages, a multiple of 8."""
        parts = []
        left = count // 8
        while left:
            groups = min(left, max(1, len(self._ids) // 8))
            parts.append(self._groups(groups))
            left -= groups
        return np.concatenate(parts)

    def _enter(self, level: Ints) -> Records:
        side = (level & 1).astype(np.uint8)
        away = 2 + (level >> 1)
        return new_orders(side, self.middle + np.where(side == Side.BUY, -away, away), 10, len(level))

    def _groups(self, groups: int) -> Records:
        """Eight messages a group; no order is chosen twice, none that enters here."""
        out = np.zeros((groups, 8), COMMAND)
        chosen = self._random.choice(len(self._ids), groups * 3, replace=False, shuffle=True)
        levels = self._level[chosen]
        entering = np.roll(levels, 7)
        out[:, 0:3] = self._enter(entering).reshape(groups, 3)
        out[:, 3:6]["kind"] = CommandKind.CANCEL
        out[:, 3:6]["account"] = 1
        out[:, 3:6]["order_id"] = self._ids[chosen].reshape(groups, 3)
        out[:, 6] = new_orders(Side.BUY, self.middle, 10, groups)
        out[:, 7] = new_orders(Side.SELL, self.middle, 10, groups, account=2)
        out[:, 7]["tif"] = TimeInForce.IOC
        # Five ids a group: two that rest, the quote, its taker, the third that rests.
        first = self._next_id + 5 * np.arange(groups)
        self._ids[chosen] = (first[:, None] + np.array([0, 1, 4])).reshape(-1)
        self._level[chosen] = entering
        self._next_id += 5 * groups
        return out[:, [0, 3, 1, 4, 6, 7, 2, 5]].reshape(-1)
