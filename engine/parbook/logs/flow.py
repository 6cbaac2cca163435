"""The order flow behind the generator: who does what next, and the book that says what is possible.

Integers only and a random generator of its own, so that one seed gives the same flow on every machine and
every Python. The fair price wanders and reverts to par; limit orders arrive at geometric-like distances from
it; orders are cancelled, reduced and amended; impatient orders sweep; messages come in bursts; now and then a
large holder wants out and leans on the bid until its holding is sold. That last one is the flow a buyback
curve is for.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from parbook.codes import CommandKind, Side, TimeInForce
from parbook.units import checked_int

Fill = tuple[int, int, int, int]
"""Maker's order id, price, lots, and the lots it has left."""

_M64: Final = 2**64 - 1
_PPM: Final = 10**6
_FAIR_SHIFT: Final = 16
_FAIR_SPAN: Final = 2
_NOTHING: Final[tuple[Fill, ...]] = ()


class Random:
    """splitmix64 (Steele, Lea, Flood 2014): 64 bits from a counter, by two multiplications and three shifts."""

    __slots__ = ("state",)

    def __init__(self, seed: int, stream: bytes = b"") -> None:
        """Start the sequence of `seed`; another `stream` gives an unrelated sequence."""
        self.state = seed & _M64
        for byte in stream:
            self.state = self.bits() ^ byte

    def bits(self) -> int:
        """Return the next 64 bits."""
        self.state = z = (self.state + 0x9E3779B97F4A7C15) & _M64
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _M64
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _M64
        return z ^ (z >> 31)


def exponential(bits: int, mean: int) -> int:
    """Return an exponential-like integer with about that `mean`, from 16 random bits; at most 11.1 x mean.

    -log2(u) is read off the bit length of u, linearly in between: at most 0.09 too large, and without floats.
    """
    v = (bits & 0xFFFF) + 1
    length = v.bit_length()
    x = ((18 - length) << 8) - (v << 8 >> (length - 1))
    # 177 / 256 is ln 2.
    return mean * x * 177 >> 16


class FlowParams(msgspec.Struct, frozen=True, kw_only=True):
    """What the flow looks like. Shares of messages are ppm of all; what they leave over enters limit orders.

    fair_ticks       par: where the fair price starts and reverts to
    grid_ticks       prices are multiples of this
    depth_ticks      mean distance of a limit order from the fair price
    half_spread_ticks  distance no limit order goes below
    volatility_ppm   size of the fair price's step per message, of fair_ticks
    reversion_shift  the fair price comes back by 1 / 2**this of its distance per message
    qty_lots         mean size of an order
    accounts         ordinary accounts, numbered from 1; sellers take the 16 numbers above
    resting_orders   how many resting orders the flow tends to
    cancel_ppm, reduce_ppm, amend_ppm, take_ppm   share of cancels (at resting_orders), reduces, amends, IOC orders
    start_ns         time of the first message
    gap_ns           mean time between messages
    burst_gap_ns     the same inside a burst
    burst_ppm        share of messages that start a burst of 16 messages in the mean
    seller_ppm       share of messages at which a large holder starts to sell
    seller_lots      what that holder sells
    anchor_every     one PROPOSE_ANCHOR after this many messages; 0 for none
    anchor_lag_shift the anchor closes 1 / 2**this of its distance to the fair price each time
    anchor_band_ticks  low and high anchor lie this far from the middle
    """

    fair_ticks: int = 10_000
    grid_ticks: int = 1
    depth_ticks: int = 12
    half_spread_ticks: int = 1
    volatility_ppm: int = 4
    reversion_shift: int = 14
    qty_lots: int = 150
    accounts: int = 500
    resting_orders: int = 2_000
    cancel_ppm: int = 430_000
    reduce_ppm: int = 20_000
    amend_ppm: int = 40_000
    take_ppm: int = 40_000
    start_ns: int = 34_200_000_000_000
    gap_ns: int = 1_000_000
    burst_gap_ns: int = 2_000
    burst_ppm: int = 15_000
    seller_ppm: int = 20
    seller_lots: int = 100_000
    anchor_every: int = 0
    anchor_lag_shift: int = 2
    anchor_band_ticks: int = 5

    def __post_init__(self) -> None:
        """Check every range; MisuseError names the parameter."""
        for name, low, high in (
            ("fair_ticks", 8, 2**30),
            ("grid_ticks", 1, self.fair_ticks // 8),
            ("depth_ticks", 0, 2**20),
            ("half_spread_ticks", 0, self.fair_ticks // 4),
            ("volatility_ppm", 0, 10_000),
            ("reversion_shift", 0, 40),
            ("qty_lots", 1, 2**20),
            ("accounts", 1, 2**24),
            ("resting_orders", 1, 2**22),
            ("cancel_ppm", 0, _PPM),
            ("reduce_ppm", 0, _PPM),
            ("amend_ppm", 0, _PPM),
            ("take_ppm", 0, _PPM),
            ("start_ns", 1, 2**62),
            ("gap_ns", 1, 10**12),
            ("burst_gap_ns", 1, 10**12),
            ("burst_ppm", 0, _PPM),
            ("seller_ppm", 0, _PPM),
            ("seller_lots", 1, 2**31),
            ("anchor_every", 0, 2**40),
            ("anchor_lag_shift", 0, 40),
            ("anchor_band_ticks", 0, self.fair_ticks // 4),
        ):
            checked_int(getattr(self, name), name, low, high)
        shares = self.reduce_ppm + self.amend_ppm + self.take_ppm
        checked_int(shares, "reduce_ppm + amend_ppm + take_ppm", 0, _PPM // 2)


class FlowOrder:
    """One resting order. `leaves` 0 marks one that left its queue's middle; the queue drops it later."""

    __slots__ = ("account", "leaves", "order_id", "price", "side", "slot", "total")

    def __init__(self, order_id: int, account: int, side: int, price: int, total: int, leaves: int) -> None:
        self.order_id = order_id
        self.account = account
        self.side = side
        self.price = price
        self.total = total
        self.leaves = leaves
        self.slot = 0


class FlowBook:
    """A price-time book that is just enough to know which command is possible.

    Invariants: `live` holds every resting order once, at index `slot`; a queue exists for exactly the prices
    where an order with leaves rests; each heap holds the price of every queue of its side.
    """

    def __init__(self) -> None:
        self.live: list[FlowOrder] = []
        self._queues: tuple[dict[int, deque[FlowOrder]], ...] = ({}, {})
        self._resting: tuple[dict[int, int], ...] = ({}, {})
        self._heaps: tuple[list[int], ...] = ([], [])
        self._heaped: tuple[set[int], ...] = (set(), set())

    def best(self, side: int) -> int:
        """Return the best price of `side`, 0 when it is empty. Amortised O(log levels)."""
        heap = self._heaps[side]
        resting = self._resting[side]
        while heap:
            price = -heap[0] if side == Side.BUY else heap[0]
            if price in resting:
                return price
            heapq.heappop(heap)
            self._heaped[side].discard(price)
            del self._queues[side][price]
        return 0

    def add(self, order: FlowOrder) -> None:
        """Put `order` at the back of its price's queue. O(log levels)."""
        side, price = order.side, order.price
        order.slot = len(self.live)
        self.live.append(order)
        resting = self._resting[side]
        resting[price] = resting.get(price, 0) + 1
        if price in self._heaped[side]:
            self._queues[side][price].append(order)
        else:
            self._heaped[side].add(price)
            heapq.heappush(self._heaps[side], -price if side == Side.BUY else price)
            self._queues[side][price] = deque((order,))

    def remove(self, order: FlowOrder) -> None:
        """Take `order` out. O(1)."""
        order.leaves = 0
        last = self.live.pop()
        if last is not order:
            self.live[order.slot] = last
            last.slot = order.slot
        resting = self._resting[order.side]
        left = resting[order.price] - 1
        if left:
            resting[order.price] = left
        else:
            del resting[order.price]
            self._queues[order.side][order.price].clear()

    def take(self, side: int, limit: int, qty: int) -> tuple[int, list[Fill]]:
        """Trade `qty` of an aggressor on `side` up to `limit`; return what is left and the fills."""
        against = 1 - side
        fills = []
        while qty:
            price = self.best(against)
            if price == 0 or (price > limit if side == Side.BUY else price < limit):
                break
            queue = self._queues[against][price]
            maker = queue[0]
            while maker.leaves == 0:
                queue.popleft()
                maker = queue[0]
            lots = min(qty, maker.leaves)
            fills.append((maker.order_id, price, lots, maker.leaves - lots))
            qty -= lots
            if lots == maker.leaves:
                queue.popleft()
                self.remove(maker)
            else:
                maker.leaves -= lots
        return qty, fills


class Step(NamedTuple):
    """One command and what it did to the book.

    `order_id` is the engine's id: of the order acted on, or the one a NEW order gets. `leaves` is what rests
    of that order afterwards; `fills` are in order of trading. An AMEND states both price and total.
    """

    kind: int
    side: int
    tif: int
    account: int
    order_id: int
    price_ticks: int
    qty_lots: int
    ts_ns: int
    high_ticks: int
    leaves: int
    fills: Sequence[Fill]


class Flow:
    """Endless flow of commands, each valid for a market that has seen exactly those before it."""

    def __init__(self, seed: int, symbol: str, params: FlowParams) -> None:
        """Start the flow of `seed` and `symbol`: the same seed gives every symbol a flow of its own."""
        self.book = FlowBook()
        self._p = params
        self._random = Random(seed, symbol.encode())
        self._fair = self._anchor = params.fair_ticks << _FAIR_SHIFT
        self._step_size = max(1, (params.volatility_ppm * params.fair_ticks << _FAIR_SHIFT) // _PPM)
        self._now = params.start_ns
        self._count = 0
        self._next_id = 1
        self._burst = 0
        self._seller = 0
        self._seller_left = 0

    def step(self) -> Step:
        """Return the next command. Amortised O(log levels)."""
        p = self._p
        r = self._random.bits()
        self._count += 1
        self._wander(r >> 48)
        self._tick((r >> 28) & 0xFFFFF)
        if p.anchor_every and self._count % p.anchor_every == 0:
            return self._propose()
        r2 = self._random.bits()
        if self._seller_left and not r2 >> 62:
            return self._sell(r2)
        choice = (r & 0xFFFFF) * _PPM >> 20
        live = self.book.live
        if choice < p.take_ppm:
            return self._take(r2)
        if live:
            order = live[(r2 & 0xFFFFFFFF) * len(live) >> 32]
            choice -= p.take_ppm
            if choice < p.reduce_ppm:
                return self._reduce(order, r2)
            choice -= p.reduce_ppm
            if choice < p.amend_ppm:
                return self._amend(order, r2)
            choice -= p.amend_ppm
            if choice * p.resting_orders < p.cancel_ppm * len(live):
                return self._cancel(order)
        return self._limit(r2)

    def _wander(self, bits: int) -> None:
        """Move the fair price by a step of even size either way, and back towards par."""
        p = self._p
        par = p.fair_ticks << _FAIR_SHIFT
        fair = self._fair + (self._step_size if bits & 1 else -self._step_size)
        fair += (par - fair) >> p.reversion_shift
        self._fair = min(max(fair, par // _FAIR_SPAN), par * _FAIR_SPAN)

    def _tick(self, bits: int) -> None:
        """Move the clock; start bursts and sellers. Uses 20 bits."""
        p = self._p
        chance = bits * _PPM >> 20
        if chance < p.burst_ppm:
            self._burst = 1 + exponential(self._random.bits(), 16)
        elif _PPM - chance <= p.seller_ppm and not self._seller_left:
            self._seller = p.accounts + 1 + self._count % 16
            self._seller_left = p.seller_lots
        if self._burst:
            self._burst -= 1
            self._now += 1 + exponential(bits, p.burst_gap_ns)
        else:
            self._now += 1 + exponential(bits, p.gap_ns)

    def _passive_price(self, side: int, bits: int) -> int:
        """Return a grid price on `side` of the fair price, at least one grid step above 0."""
        p = self._p
        away = p.half_spread_ticks + exponential(bits, p.depth_ticks)
        fair = self._fair >> _FAIR_SHIFT
        if side == Side.BUY:
            return max((fair - away) // p.grid_ticks, 1) * p.grid_ticks
        return -(-(fair + away) // p.grid_ticks) * p.grid_ticks

    def _enter(self, account: int, side: int, price: int, qty: int, tif: int) -> Step:
        order_id = self._next_id
        self._next_id = order_id + 1
        leaves, fills = self.book.take(side, price, qty)
        if tif == TimeInForce.IOC:
            leaves = 0
        elif leaves:
            self.book.add(FlowOrder(order_id, account, side, price, qty, leaves))
        return Step(_NEW, side, tif, account, order_id, price, qty, self._now, 0, leaves, fills)

    def _limit(self, r: int) -> Step:
        side = r & 1
        qty = 1 + exponential(r >> 16, self._p.qty_lots)
        return self._enter(self._account(r), side, self._passive_price(side, r >> 32), qty, _GTC)

    def _take(self, r: int) -> Step:
        """An IOC order at the touch; one in eight is large and reaches through it."""
        p = self._p
        side = r & 1
        touch = self.book.best(1 - side) or self._passive_price(1 - side, r >> 16)
        qty = 1 + exponential(r >> 32, p.qty_lots)
        reach = 0
        if r & 0b1110 == 0:
            qty *= 8
            reach = exponential(r >> 16, p.depth_ticks) // p.grid_ticks * p.grid_ticks
        limit = touch + reach if side == Side.BUY else max(touch - reach, p.grid_ticks)
        return self._enter(self._account(r), side, limit, qty, _IOC)

    def _sell(self, r: int) -> Step:
        """The large holder hits the bid, or leaves an offer one step inside the ask when nobody bids."""
        p = self._p
        qty = min(self._seller_left, 1 + exponential(r >> 16, p.qty_lots * 4))
        self._seller_left -= qty
        # Selling that everybody sees weighs on what the asset is thought to be worth.
        self._fair = max(self._fair - self._step_size * 4, (p.fair_ticks << _FAIR_SHIFT) // _FAIR_SPAN)
        bid, ask = self.book.best(Side.BUY), self.book.best(Side.SELL)
        if bid and r & 7:
            limit = max(bid - 2 * p.grid_ticks, p.grid_ticks)
            return self._enter(self._seller, Side.SELL, limit, qty, _IOC)
        inside = max(ask - p.grid_ticks, bid + p.grid_ticks) if ask else self._passive_price(Side.SELL, r >> 32)
        return self._enter(self._seller, Side.SELL, inside, qty, _GTC)

    def _cancel(self, order: FlowOrder) -> Step:
        self.book.remove(order)
        return Step(_CANCEL, order.side, 0, order.account, order.order_id, 0, 0, self._now, 0, 0, _NOTHING)

    def _reduce(self, order: FlowOrder, r: int) -> Step:
        if order.leaves == 1:
            return self._cancel(order)
        qty = 1 + (r >> 32) % (order.leaves - 1)
        order.leaves -= qty
        order.total -= qty
        side, account = order.side, order.account
        return Step(_REDUCE, side, 0, account, order.order_id, 0, qty, self._now, 0, order.leaves, _NOTHING)

    def _amend(self, order: FlowOrder, r: int) -> Step:
        """One in four adds lots; the others move to a new price that trades with nobody."""
        book = self.book
        side, grid, total, price = order.side, self._p.grid_ticks, order.total, order.price
        if r >> 62:
            price = self._passive_price(side, r >> 32)
            other = book.best(1 - side)
            if side == Side.SELL:
                price = max(price, other + grid)
            elif other:
                price = min(price, other - grid)
            if price == order.price:
                price += grid if side == Side.SELL else -grid
            if price < grid:
                return self._cancel(order)
        else:
            total += 1 + exponential(r >> 32, self._p.qty_lots)
        leaves = order.leaves + total - order.total
        book.remove(order)
        moved = FlowOrder(order.order_id, order.account, side, price, total, leaves)
        book.add(moved)
        return Step(_AMEND, side, 0, moved.account, moved.order_id, price, total, self._now, 0, leaves, _NOTHING)

    def _propose(self) -> Step:
        self._anchor += (self._fair - self._anchor) >> self._p.anchor_lag_shift
        middle = self._anchor >> _FAIR_SHIFT
        low, high = middle - self._p.anchor_band_ticks, middle + self._p.anchor_band_ticks
        return Step(_PROPOSE, 0, 0, 0, 0, low, 0, self._now, high, 0, _NOTHING)

    def _account(self, r: int) -> int:
        return 1 + (r >> 40) % self._p.accounts


_NEW: Final = int(CommandKind.NEW)
_CANCEL: Final = int(CommandKind.CANCEL)
_REDUCE: Final = int(CommandKind.REDUCE)
_AMEND: Final = int(CommandKind.AMEND)
_PROPOSE: Final = int(CommandKind.PROPOSE_ANCHOR)
_GTC: Final = int(TimeInForce.GTC)
_IOC: Final = int(TimeInForce.IOC)
