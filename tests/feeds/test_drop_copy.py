"""One account's events, in order, and nothing of anybody else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import parbook.reference
from parbook.codes import EventKind, Side
from parbook.errors import GapError, MisuseError
from parbook.feeds import DropCopy, Role
from parbook.instrument import Instrument
from parbook.messages import BustTrade, CancelOrder, NewOrder
from parbook.records import Records, event_records
from tests.parity.lockstep import apply
from tests.parity.profiles import EVERYTHING, instrument_of
from tests.parity.streams import Stream

OF_TWO = (EventKind.TRADE, EventKind.PREVENTED, EventKind.BUSTED)


def new(account: int, side: Side, price_ticks: int, qty_lots: int) -> NewOrder:
    return NewOrder(account=account, side=side, price_ticks=price_ticks, qty_lots=qty_lots)


def session() -> Records:
    """Account 1 sells to 2; 2 sells to 1 and withdraws the rest; 1 trades with itself; a bust; a refusal of 1's."""
    market = parbook.reference.Market(Instrument(symbol="X", bust_window=9))
    commands: list[Any] = [
        new(1, Side.SELL, 100, 5),
        new(2, Side.BUY, 100, 2),
        new(2, Side.SELL, 99, 4),
        new(1, Side.BUY, 99, 1),
        CancelOrder(account=2, order_id=3),
        new(1, Side.BUY, 100, 1),
        BustTrade(trade_seq=3),
        CancelOrder(account=1, order_id=99),
        new(3, Side.BUY, 50, 1),
    ]
    return event_records([event for command in commands for event in market.apply(command)])


def short(events: Records) -> list[tuple[str, int]]:
    return [
        (EventKind(kind).name, seq) for kind, seq in zip(events["kind"].tolist(), events["seq"].tolist(), strict=True)
    ]


OWN = [("ACCEPTED", 1), ("ACCEPTED", 5), ("ACCEPTED", 8), ("REJECTED", 11)]


@pytest.mark.parametrize(
    ("role", "fills"),
    [
        (Role.TAKER, [("TRADE", 6), ("TRADE", 9)]),
        (Role.MAKER, [("TRADE", 3), ("TRADE", 9), ("BUSTED", 10)]),
        (Role.EITHER, [("TRADE", 3), ("TRADE", 6), ("TRADE", 9), ("BUSTED", 10)]),
    ],
)
def test_roles(role: Role, fills: list[tuple[str, int]]):
    assert short(DropCopy(1, role).copy(session())) == sorted(OWN + fills, key=lambda row: row[1])


def test_the_other_party_of_a_fill_is_blank():
    copies = DropCopy(1).copy(session())
    made, taken, own = copies[copies["kind"] == EventKind.TRADE]
    names = ["order_id", "account", "other_id", "other_account", "leaves_lots"]
    assert made[names].tolist() == (0, 0, 1, 1, 3)
    assert taken[names].tolist() == (4, 1, 0, 0, 0)
    assert own[names].tolist() == (5, 1, 1, 1, 2)
    bust = copies[copies["kind"] == EventKind.BUSTED][0]
    assert bust[["order_id", "account", "other_account"]].tolist() == (3, 0, 1)


def test_copying_leaves_the_events_as_they_were():
    events = session()
    before = events.tobytes()
    DropCopy(1).copy(events)
    assert events.tobytes() == before


@pytest.mark.parametrize("seed", range(3))
def test_every_event_of_an_account_and_no_other(seed: int):
    market = parbook.reference.Market(instrument_of(EVERYTHING[0], seed))
    stream = Stream(EVERYTHING[0], seed)
    account = 2
    drop = DropCopy(account)
    events, copies = [], []
    for _ in range(8):
        for operation in stream.next(market, 60):
            events.append(apply(market, operation))
            copies.append(drop.copy(events[-1]))
    everything, got = np.concatenate(events), np.concatenate(copies)
    mine = [
        int(e["seq"])
        for e in everything
        if e["account"] == account or (e["kind"] in OF_TWO and e["other_account"] == account)
    ]
    assert got["seq"].tolist() == mine
    assert set(got["account"].tolist()) | set(got["other_account"].tolist()) <= {0, account}
    assert len(mine) > 20


def test_missing_events_are_noticed():
    events = session()
    drop = DropCopy(1)
    drop.copy(events[:2])
    with pytest.raises(GapError, match="3 to 4 are missing"):
        drop.copy(events[4:])
    with pytest.raises(MisuseError, match="event 2 comes after event 2"):
        drop.copy(events[1:])
    assert short(drop.copy(events[2:]))[0] == ("TRADE", 3)


@pytest.mark.parametrize("account", [0, -1, 2**32, 1.0])
def test_the_curve_and_nobody_have_no_drop_copy(account: Any):
    with pytest.raises(MisuseError):
        DropCopy(account)
