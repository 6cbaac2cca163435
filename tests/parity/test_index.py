"""The price index keeps levels and leaves that lie idle: prices that come and go must not tell the difference.

Streams that wander over so many prices that what is idle is swept, more than once, next to a book that stays.
"""

from __future__ import annotations

import numpy as np
import pytest

import parbook
from parbook import messages as m
from parbook import reference
from parbook.codes import CommandKind, EventKind, Side, TimeInForce
from parbook.instrument import Instrument
from parbook.records import COMMAND, Records, event_records
from parbook.units import PRICE_TICKS_MAX

INSTRUMENT = Instrument(symbol="IDX")
STEPS = 12_000


def wander(seed: int, spread_ticks: int, base_ticks: int) -> Records:
    """Orders at ever new prices, most of them cancelled at once, some taken, a few that stay."""
    rng = np.random.default_rng(seed)
    rows = np.zeros(STEPS * 2, COMMAND)
    rows["account"] = 1
    next_id = 0
    at = 0
    for step in range(STEPS):
        side = Side.BUY if rng.random() < 0.5 else Side.SELL
        distance = 1 + int(rng.integers(spread_ticks))
        price = base_ticks - distance if side is Side.BUY else base_ticks + distance
        next_id += 1
        rows[at]["kind"], rows[at]["side"] = CommandKind.NEW, side
        rows[at]["price_ticks"], rows[at]["qty_lots"] = price, 1 + int(rng.integers(9))
        at += 1
        if step % 997 == 5:
            # A taker through whatever rests on the other side, far beyond the touch.
            next_id += 1
            rows[at]["kind"], rows[at]["side"], rows[at]["tif"] = CommandKind.NEW, 1 - side, TimeInForce.IOC
            rows[at]["price_ticks"], rows[at]["qty_lots"] = price, 40
        elif step % 61:
            rows[at]["kind"], rows[at]["order_id"] = CommandKind.CANCEL, next_id
        else:
            continue
        at += 1
    return rows[:at]


@pytest.mark.parametrize(
    ("spread_ticks", "base_ticks"),
    [
        (40_000, 50_000),
        (2**22, 2**23),
        (2**50, 2**55),
        (60_000, 60_001),
        (30_000, PRICE_TICKS_MAX - 30_000),
    ],
)
def test_wandering_prices_match_the_reference(spread_ticks, base_ticks):
    commands = wander(spread_ticks, spread_ticks, base_ticks)
    core, plain = parbook.Market(INSTRUMENT), reference.Market(INSTRUMENT)
    for start in range(0, len(commands), 500):
        part = commands[start : start + 500]
        assert core.apply_batch(part).tobytes() == plain.apply_batch(part).tobytes()
        core.check()
    assert core.depth(10_000).tobytes() == plain.depth(10_000).tobytes()
    assert core.state_hash() == plain.state_hash()


def test_what_lies_idle_is_bounded():
    """A price that is new every time: memory stops growing once idle levels are half of all."""
    market = parbook.Market(INSTRUMENT)
    sizes = []
    for lap in range(6):
        rows = np.zeros(60_000, COMMAND)
        rows["account"] = 1
        rows["kind"][0::2], rows["kind"][1::2] = CommandKind.NEW, CommandKind.CANCEL
        rows["price_ticks"][0::2] = np.arange(30_000) * 64 + 1 + lap * 30_000 * 64
        rows["qty_lots"][0::2] = 1
        rows["order_id"][1::2] = np.arange(30_000) + 1 + lap * 30_000
        events = market.apply_batch(rows)
        assert len(events) == len(rows)
        sizes.append(market.memory_bytes)
        market.check()
    assert sizes[-1] == sizes[1]


def test_a_sweep_leaves_what_rests():
    """Every hundredth price keeps its order through many sweeps of the ones between."""
    market = parbook.Market(INSTRUMENT)
    prices = np.arange(60_000) * 7 + 1
    rows = np.zeros(120_000, COMMAND)
    rows["account"] = 1
    rows["kind"][0::2], rows["kind"][1::2] = CommandKind.NEW, CommandKind.CANCEL
    rows["price_ticks"][0::2], rows["qty_lots"][0::2] = prices, 1
    rows["order_id"][1::2] = np.arange(60_000) + 1
    market.apply_batch(rows[(np.arange(120_000) % 200) != 1])
    market.check()
    assert market.depth(1_000)["price_ticks"].tolist() == prices[::100][::-1].tolist()


def test_an_idle_price_is_not_in_the_book():
    market = parbook.Market(INSTRUMENT)
    market.place(account=1, side=0, qty_lots=5, price_ticks=100)
    market.cancel(account=1, order_id=1)
    assert (market.best_bid_ticks, len(market.depth()), market.queue(Side.BUY, 100)) == (0, 0, [])
    market.place(account=1, side=0, qty_lots=3, price_ticks=100)
    assert (market.best_bid_ticks, market.queue(Side.BUY, 100)) == (100, [2])
    market.check()


@pytest.mark.parametrize("apart_ticks", [67, 1], ids=["leaves run out", "levels run out"])
def test_one_command_may_move_orders_over_more_prices_than_room_was_made_for(apart_ticks):
    """A cascade of stops prints ever higher; every print moves every trailing stop to a price that is new."""
    instrument = Instrument(symbol="IDX", max_trailing=100, max_triggers=1_000)
    markets = parbook.Market(instrument), reference.Market(instrument)
    steps, trailing = 150, 80
    prints = [1_000_000 + 10_000 * step for step in range(steps)]
    orders = [m.NewOrder(account=1, side=Side.SELL, qty_lots=1, price_ticks=price) for price in prints]
    orders.append(m.NewOrder(account=2, side=Side.BUY, qty_lots=1, price_ticks=prints[0], tif=TimeInForce.IOC))
    orders += [
        m.NewOrder(account=3, side=Side.SELL, qty_lots=1, price_ticks=1, offset_ticks=7 + apart_ticks * number)
        for number in range(trailing)
    ]
    orders += [
        m.NewOrder(account=4, side=Side.BUY, qty_lots=1, price_ticks=prints[-1], stop_ticks=price)
        for price in prints[1:-1]
    ]
    orders.append(m.NewOrder(account=2, side=Side.BUY, qty_lots=1, price_ticks=prints[1], tif=TimeInForce.IOC))
    answers = [event_records([event for order in orders for event in market.apply(order)]) for market in markets]
    assert answers[0].tobytes() == answers[1].tobytes()
    assert int((answers[0]["kind"] == EventKind.TRADE).sum()) == steps
    markets[0].check()
    assert markets[0].state_hash() == markets[1].state_hash()


def test_a_leaf_that_was_swept_and_taken_by_another_line_is_not_taken_for_the_old_one():
    """Displayed and hidden asks by turns in the same few leaves, and a sweep in between."""
    market = parbook.Market(INSTRUMENT)
    rng = np.random.default_rng(11)
    prices = [1 + 64 * number for number in range(1, 13)]
    for lap in range(60):
        for price in rng.permutation(prices).tolist():
            shown = market.place(account=1, side=Side.SELL, qty_lots=1, price_ticks=price)
            market.cancel(account=1, order_id=shown.order_id)
        # Bids at ever new prices until the levels run out, and what lies idle is given back.
        rows = np.zeros(80_000, COMMAND)
        rows["account"] = 1
        rows["kind"][0::2], rows["kind"][1::2] = CommandKind.NEW, CommandKind.CANCEL
        rows["price_ticks"][0::2] = 2**40 + lap * 40_000 + np.arange(40_000)
        rows["qty_lots"][0::2] = 1
        rows["client_id"][0::2] = rows["client_id"][1::2] = 1 + lap * 40_000 + np.arange(40_000)
        assert len(market.apply_batch(rows)) == len(rows)
        for price in rng.permutation(prices).tolist():
            market.apply(m.NewOrder(account=1, side=Side.SELL, qty_lots=2, price_ticks=price, hidden=True, client_id=0))
        for price in rng.permutation(prices).tolist():
            market.place(account=2, side=Side.SELL, qty_lots=1, price_ticks=price)
        market.check()
        assert market.depth(20)["price_ticks"].tolist() == prices
        assert market.depth(20)["qty_lots"].tolist() == [1] * len(prices)
        market.apply(m.MassCancel(account=1))
        market.apply(m.MassCancel(account=2))
