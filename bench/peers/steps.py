"""What the peers are given: limit orders and cancels that every one of them understands, and a venue's messages."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from enum import Enum
from functools import cache
from typing import NamedTuple

import numpy as np

from bench.flows import FLOWS, load
from bench.measure import BUILD
from bench.workloads import INSTRUMENT, flow
from parbook import Market
from parbook._itch import ItchDecoder
from parbook._itchbook import BookBuilder
from parbook.codes import CommandKind, EventKind, TimeInForce
from parbook.logs.generate import write_itch
from parbook.logs.records import LogKind
from parbook.records import COMMAND, Records

ACCOUNT = 7
Levels = dict[tuple[int, int], int]
"""(side, price) -> resting lots."""


class Step(NamedTuple):
    """An order for `lots` at `price`, or, with no lots, the cancel of order `order_id`. Orders are numbered from 1."""

    side: int
    lots: int
    price: int
    order_id: int


class Outcome(NamedTuple):
    """What a matcher made of the steps: (maker's id, price, lots) of each trade in order, and what rests."""

    trades: list[tuple[int, int, int]]
    levels: Levels


@cache
def steps(name: str, messages: int) -> list[Step]:
    """Return a public flow, or one of the generator's shapes, as limit orders and cancels.

    An immediate order becomes a limit order and, if something of it rests, its cancel. Reductions and amendments are
    left out, and so are cancels of orders that are gone because of that. UnavailableError without the public flows.
    """
    market = Market(INSTRUMENT)
    out: list[Step] = []
    number = 0
    for command in load(name, messages) if name in FLOWS else flow(name, messages):
        if command["kind"] == CommandKind.NEW:
            number += 1
            out.append(Step(int(command["side"]), int(command["qty_lots"]), int(command["price_ticks"]), number))
            market.place(ACCOUNT, *out[-1][:3])
            cancelled = number if command["tif"] == TimeInForce.IOC else 0
        else:
            cancelled = int(command["order_id"]) if command["kind"] == CommandKind.CANCEL else 0
        if cancelled and market.order(cancelled) is not None:
            out.append(Step(0, 0, 0, cancelled))
            market.cancel(ACCOUNT, cancelled)
    return out


def commands(given: list[Step]) -> Records:
    """Return the steps as COMMAND records."""
    out = np.zeros(len(given), COMMAND)
    out["account"] = ACCOUNT
    for row, step in zip(out, given, strict=True):
        row["kind"] = CommandKind.NEW if step.lots else CommandKind.CANCEL
        row["side"], row["qty_lots"], row["price_ticks"] = step[:3]
        row["order_id"] = 0 if step.lots else step.order_id
    return out


def parbook_run(given: list[Step]) -> Callable[[], object]:
    """Return the run of the steps through a fresh market, one Python call each."""
    market = Market(INSTRUMENT)
    place, cancel = market.place, market.cancel

    def run() -> None:
        for side, lots, price, order_id in given:
            if lots:
                place(ACCOUNT, side, lots, price)
            else:
                cancel(ACCOUNT, order_id)

    return run


def parbook_outcome(given: list[Step]) -> Outcome:
    """Return what a market makes of the steps; AssertionError when it refuses one."""
    market = Market(INSTRUMENT)
    events = market.apply_batch(commands(given))
    if (events["kind"] == EventKind.REJECTED).any():
        raise AssertionError("a step of the peers' flow was refused")
    trades = events[events["kind"] == EventKind.TRADE]
    columns = (trades[name].tolist() for name in ("other_id", "price_ticks", "qty_lots"))
    depth = market.depth(2**31 - 1)
    levels = {(int(row["side"]), int(row["price_ticks"])): int(row["qty_lots"]) for row in depth}
    return Outcome(list(zip(*columns, strict=True)), levels)


@cache
def log(commands_count: int) -> Records:
    """Return the LOG records of an ITCH file of one stock."""
    BUILD.mkdir(parents=True, exist_ok=True)
    path = BUILD / f"peers-{os.getpid()}.itch"
    write_itch(path, 1, commands_count, "BENCH")
    records, _, _ = ItchDecoder().decode(path.read_bytes())
    path.unlink()
    return records


class Change(Enum):
    """What a message does to one order of a book."""

    ADD = 1
    UPDATE = 2
    DELETE = 3


def changes(records: Records) -> Iterator[tuple[Change, int, int, int, int]]:
    """Yield (change, order, side, price, lots) for each LOG record that changes the book, two for a replace."""
    builder = BookBuilder()
    for at, record in enumerate(records):
        if record["kind"] > LogKind.REPLACE:
            continue
        order_id = int(record["order_id"])
        before = builder.order(order_id)
        builder.feed(records[at : at + 1])
        after = builder.order(order_id)
        if before is not None:
            left = after or before
            yield Change.DELETE if after is None else Change.UPDATE, order_id, left.side, left.price_ticks, left.lots
        new_id = int(record["new_order_id"]) if record["kind"] == LogKind.REPLACE else order_id
        new = builder.order(new_id)
        if new is not None and (before is None or new_id != order_id):
            yield Change.ADD, new_id, new.side, new.price_ticks, new.lots
