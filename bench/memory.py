"""B9: what orders and idle markets weigh, each measured in a process of its own by its resident set.

`python -m bench.memory resting 1000000` and `python -m bench.memory idle 10000` are those processes;
`exchange_resting` and `exchange_idle` are the same inside one exchange.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from bench.bars import BARS, Row, judged
from bench.funded import funded, listed
from bench.measure import Settings, Spread, UnavailableError, child, note, short
from bench.workloads import INSTRUMENT, new_orders
from parbook import Market
from parbook._exchange import Exchange
from parbook.codes import CommandKind, Side
from parbook.records import COMMAND, Records

Venue = TypeVar("Venue", Market, Exchange)

_BATCH: Final = 8192
_LEVELS: Final = 1_000
_IDLE_LIMIT: Final = 16 * 1024


def resident_bytes() -> int:
    """Return the resident set of this process."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError as error:
        raise UnavailableError("the resident set is read from /proc") from error
    return pages * os.sysconf("SC_PAGE_SIZE")


def _resting_batch() -> Records:
    """Return orders of account 1 on 1,000 levels that do not meet each other, however often they come."""
    number = np.arange(_BATCH)
    side = (number & 1).astype(np.uint8)
    away = 1 + number % _LEVELS // 2
    batch = new_orders(0, 1, 10, _BATCH)
    batch["side"] = side
    batch["price_ticks"] = 10_000 + np.where(side == Side.BUY, -away, away)
    return batch


def resting(orders: int) -> dict[str, int]:
    """Enter `orders` that rest on 1,000 levels; return the growth of the resident set and Market.memory_bytes."""
    return _grown(lambda: Market(INSTRUMENT), lambda market: market, orders)


def exchange_resting(orders: int) -> dict[str, int]:
    """Do the same in an exchange that tests and holds the money of each: growth and Exchange.memory_bytes."""
    return _grown(lambda: funded((1,)), lambda exchange: exchange.market(0), orders)


def _grown(make: Callable[[], Venue], market_of: Callable[[Venue], Market], orders: int) -> dict[str, int]:
    batch = _resting_batch()
    make().apply_batch(batch)
    before = resident_bytes()
    venue = make()
    for at in range(0, orders, _BATCH):
        venue.apply_batch(batch[: min(_BATCH, orders - at)])
    after = resident_bytes()
    if market_of(venue).open_orders != orders:
        raise AssertionError(f"{market_of(venue).open_orders} orders rest, not {orders}")
    return {"resident": after - before, "reserved": venue.memory_bytes}


def aged(orders: int) -> dict[str, int]:
    """Let one of every 64 orders that enter stay, until `orders` rest; return the same two numbers."""
    market = Market(INSTRUMENT)
    entering = new_orders(Side.BUY, 10_000 - np.arange(_BATCH) % _LEVELS, 10, _BATCH)
    leaving = np.zeros(_BATCH, COMMAND)
    leaving["kind"] = CommandKind.CANCEL
    leaving["account"] = 1
    gone = np.arange(_BATCH)[np.arange(_BATCH) % 64 != 0]
    Market(INSTRUMENT).apply_batch(entering)
    before = resident_bytes()
    first = 1
    while market.open_orders < orders:
        market.apply_batch(entering)
        leaving["order_id"] = first + np.arange(_BATCH)
        market.apply_batch(leaving[gone])
        first += _BATCH
    return {"resident": resident_bytes() - before, "reserved": market.memory_bytes}


def idle(count: int) -> dict[str, int]:
    """Make `count` markets and leave them; return the growth of the resident set and the sum of memory_bytes."""
    held: list[Market] = [Market(INSTRUMENT)]
    before = resident_bytes()
    held += [Market(INSTRUMENT) for _ in range(count)]
    return {"resident": resident_bytes() - before, "reserved": sum(market.memory_bytes for market in held[1:])}


def exchange_idle(count: int) -> dict[str, int]:
    """Make an exchange of `count` instruments, each with an asset of its own; return what it has grown by over one."""
    small = listed(1)
    before = resident_bytes()
    exchange = listed(count)
    return {"resident": resident_bytes() - before, "reserved": exchange.memory_bytes - small.memory_bytes}


def memory_rows(settings: Settings) -> list[Row]:
    """Return B9. The verdict is on the resident set; what is reserved and not yet touched is printed beside it."""
    rows = []
    for orders in (settings.size(1_000_000), settings.size(10_000_000)):
        note(f"B9 {orders:,} resting orders")
        rows.append(_row("resting", orders, f"{orders:,} resting orders", BARS["B9"].limit))
    orders = settings.size(250_000) // 128 * 128
    note(f"B9 {orders:,} orders, one of 64 stayed")
    rows.append(_row("aged", orders, f"{orders:,} resting orders, one of 64 entered", BARS["B9"].limit))
    count = settings.size(10_000, 1_000)
    note(f"B9 {count:,} idle markets")
    rows.append(_row("idle", count, f"{count:,} idle markets", _IDLE_LIMIT))
    return rows


def exchange_memory_rows(settings: Settings) -> list[Row]:
    """Return B9 inside an exchange."""
    rows = []
    for orders in (settings.size(1_000_000), settings.size(10_000_000)):
        note(f"B9 {orders:,} resting orders in an exchange")
        rows.append(_row("exchange_resting", orders, f"exchange, {orders:,} resting orders", BARS["B9"].limit))
    count = settings.size(10_000, 1_000)
    note(f"B9 {count:,} idle instruments")
    rows.append(_row("exchange_idle", count, f"exchange, {count:,} idle instruments", _IDLE_LIMIT))
    return rows


def _row(kind: str, count: int, what: str, limit: float) -> Row:
    where = "Exchange" if kind.startswith("exchange") else "Market"
    found = {name: Spread.of([total / count]) for name, total in child("bench.memory", kind, count).items()}
    values = {f"{name}_bytes_each": spread for name, spread in found.items()}
    resident, reserved = (short(found[name].median) for name in ("resident", "reserved"))
    measured = f"{resident} B each resident, {reserved} B each reserved ({where}.memory_bytes)"
    return judged("B9", what, measured, found["resident"], values, limit=limit)


_KINDS: Final = {
    "resting": resting,
    "aged": aged,
    "idle": idle,
    "exchange_resting": exchange_resting,
    "exchange_idle": exchange_idle,
}

if __name__ == "__main__":
    print(json.dumps(_KINDS[sys.argv[1]](int(sys.argv[2]))))
