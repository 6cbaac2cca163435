"""Books so large that the core asks memory ahead for what a batch will touch: it must answer as it does without.

Small books are never asked ahead in the release build, so the other streams do not come here.
"""

from __future__ import annotations

import numpy as np
import pytest

import parbook
import parbook._exchange
from parbook import messages as m
from parbook import reference
from parbook.codes import CommandKind, EventKind, Side, TimeInForce
from parbook.instrument import Instrument
from parbook.listing import Asset, Listing
from parbook.records import COMMAND, Records, command_records

RESTING = 18_000
MESSAGES = 6_000
ACCOUNTS = 5
MIDDLE_TICKS = 1_000_000
NOWHERE = (2**64 - 1, 2**63, 2**40, RESTING * 9)


def crowd(draw: np.random.Generator, count: int, spread_ticks: int) -> Records:
    """Orders that rest on both sides, half of them with a client id."""
    rows = np.zeros(count, COMMAND)
    rows["kind"] = CommandKind.NEW
    rows["side"] = draw.integers(0, 2, count)
    away = draw.integers(1, spread_ticks, count)
    rows["price_ticks"] = np.where(rows["side"] == Side.BUY, MIDDLE_TICKS - away, MIDDLE_TICKS + away)
    rows["qty_lots"] = draw.integers(1, 30, count)
    rows["account"] = draw.integers(1, ACCOUNTS + 1, count)
    rows["client_id"] = np.where(draw.random(count) < 0.5, np.arange(1, count + 1), 0)
    return rows


def traffic(draw: np.random.Generator, spread_ticks: int) -> Records:
    """Every plain command, sent to orders that live, have lived, or never did, by either of their names."""
    rows = crowd(draw, MESSAGES, spread_ticks)
    rows["client_id"] = np.where(rows["client_id"] != 0, rows["client_id"] + RESTING, 0)
    takers = draw.random(MESSAGES) < 0.1
    rows["price_ticks"][takers] = 2 * MIDDLE_TICKS - rows["price_ticks"][takers]
    rows["tif"][takers] = draw.choice([TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK], int(takers.sum()))
    kinds = [CommandKind.CANCEL, CommandKind.REDUCE, CommandKind.AMEND]
    changes = draw.random(MESSAGES) < 0.6
    number = int(changes.sum())
    rows["kind"][changes] = draw.choice(kinds, number, p=[0.7, 0.15, 0.15])
    rows["side"][changes] = rows["tif"][changes] = 0
    rows["price_ticks"][changes & (rows["kind"] != CommandKind.AMEND)] = 0
    rows["qty_lots"][changes & (rows["kind"] == CommandKind.CANCEL)] = 0
    by_id = draw.random(number) < 0.8
    ids = draw.integers(1, RESTING + MESSAGES, number).astype(np.uint64)
    astray = draw.random(number) < 0.05
    ids[astray] = draw.choice(np.array(NOWHERE, np.uint64), int(astray.sum()))
    rows["order_id"][changes] = np.where(by_id, ids, 0)
    rows["client_id"][changes] = np.where(by_id, 0, ids)
    return rows


def in_step(core, plain, commands: Records, batch: int) -> Records:
    """Apply the commands to both and return the events, which must be the same bytes."""
    said = []
    for start in range(0, len(commands), batch):
        part = commands[start : start + batch]
        events = core.apply_batch(part)
        assert events.tobytes() == plain.apply_batch(part).tobytes()
        said.append(events.copy())
    return np.concatenate(said)


@pytest.mark.parametrize(("spread_ticks", "batch"), [(200, 1_000), (900_000, 37)])
def test_a_large_book_answers_as_the_reference_does(spread_ticks, batch):
    draw = np.random.default_rng(spread_ticks)
    instrument = Instrument(symbol="LARGE")
    core, plain = parbook.Market(instrument), reference.Market(instrument)
    in_step(core, plain, crowd(draw, RESTING, spread_ticks), 1_000)
    events = in_step(core, plain, traffic(draw, spread_ticks), batch)
    core.check()
    assert core.open_orders > 12_288  # from which on the core looks ahead
    assert {EventKind.TRADE, EventKind.CANCELLED, EventKind.AMENDED, EventKind.REJECTED} <= set(events["kind"])
    assert core.state_bytes() == plain.state_bytes()


@pytest.mark.parametrize("instruments", [12])
def test_many_books_that_are_large_together_answer_as_the_reference_does(instruments):
    """Instruments take turns at random, and some commands name one that does not exist."""
    draw = np.random.default_rng(instruments)
    exchanges = parbook._exchange.Exchange(), reference.Exchange()
    for exchange in exchanges:
        cash = exchange.add_asset(Asset(name="CASH"))
        for number in range(instruments):
            base = exchange.add_asset(Asset(name=f"A{number}"))
            exchange.add_instrument(Listing(instrument=Instrument(symbol=f"I{number}"), base=base, quote=cash))
    given = [
        m.Deposit(account=account, asset=asset, amount_atoms=2**40)
        for account in range(1, ACCOUNTS + 1)
        for asset in range(instruments + 1)
    ]
    in_step(*exchanges, command_records(given), 1_000)
    rows = np.concatenate([crowd(draw, RESTING, 50_000), traffic(draw, 50_000)])
    rows["instrument"] = draw.integers(0, instruments, len(rows))
    rows["order_id"] = np.where(rows["order_id"] < 2**32, rows["order_id"] // instruments, rows["order_id"])
    rows["instrument"][draw.random(len(rows)) < 0.002] = instruments
    events = in_step(*exchanges, rows, 1_000)
    exchanges[0].check()
    assert {EventKind.TRADE, EventKind.CANCELLED, EventKind.AMENDED, EventKind.REJECTED} <= set(events["kind"])
    assert exchanges[0].state_bytes() == exchanges[1].state_bytes()
