"""Large states: everything finds its place again, and what is reserved is what the original had."""

from __future__ import annotations

import time

import numpy as np
import pytest

import parbook
import parbook._exchange
from parbook.codes import CommandKind, TimeInForce
from parbook.instrument import Instrument
from parbook.listing import Asset, Listing
from parbook.messages import Advance, Deposit, MassCancel
from parbook.records import COMMAND, TERMS, Records, command_records

ORDERS = 100_000
SECONDS = 2.0
"""For a hundred thousand orders, in any build on any machine; in a release build it takes a fiftieth of that."""


def orders_of(count: int, seed: int) -> Records:
    """Return so many new orders at 10,000 prices, with client ids."""
    draw = np.random.Generator(np.random.PCG64(seed))
    out = np.zeros(count, COMMAND)
    out["kind"] = CommandKind.NEW
    out["side"] = draw.integers(0, 2, count)
    out["account"] = draw.integers(1, 1000, count)
    distance = draw.integers(1, 5000, count)
    out["price_ticks"] = np.where(out["side"] == 0, 100_000 - distance, 100_000 + distance)
    out["qty_lots"] = draw.integers(1, 1000, count)
    out["client_id"] = np.arange(1, count + 1)
    return out


def with_expiries(orders: Records) -> Records:
    """Return the same orders as GTD, each with its TERMS."""
    out = np.zeros(2 * len(orders), COMMAND)
    out[::2] = orders
    out["kind"][::2] = CommandKind.NEW_SPECIAL
    out["tif"][::2] = TimeInForce.GTD
    terms = out[1::2].copy().view(TERMS)
    terms["kind"] = CommandKind.TERMS
    terms["expire_ns"] = np.random.Generator(np.random.PCG64(5)).integers(10, 10**6, len(orders))
    out[1::2] = terms.view(COMMAND)
    return out


@pytest.mark.parametrize("special", [False, True], ids=["plain", "expiring"])
def test_a_hundred_thousand_orders(special):
    market = parbook.Market(Instrument(symbol="LARGE"))
    orders = orders_of(ORDERS, 1)
    market.apply_batch(with_expiries(orders) if special else orders)
    # Holes in queues and in the index of ids, as a market has them after a day.
    cancels = np.zeros(ORDERS // 3, COMMAND)
    cancels["kind"], cancels["order_id"] = CommandKind.CANCEL, np.arange(1, ORDERS, 3)[: len(cancels)]
    cancels["account"] = orders["account"][cancels["order_id"].astype(int) - 1]
    market.apply_batch(cancels)
    data = market.state_bytes()
    begin = time.perf_counter()
    loaded = parbook.Market.from_state(market.instrument, data)
    assert time.perf_counter() - begin < SECONDS
    assert loaded.open_orders == market.open_orders > ORDERS // 2
    assert loaded.state_bytes() == data
    loaded.check()
    assert loaded.memory_bytes <= 1.1 * market.memory_bytes
    for batch in (orders_of(2000, 2), command_records([Advance(ts_ns=500_000), MassCancel()])):
        batch["client_id"] = 0
        assert loaded.apply_batch(batch).tobytes() == market.apply_batch(batch).tobytes()
        assert loaded.state_bytes() == market.state_bytes()


def test_an_exchange_with_a_hundred_thousand_orders_and_balances():
    exchange = parbook._exchange.Exchange()
    base, quote = exchange.add_asset(Asset(name="BASE")), exchange.add_asset(Asset(name="QUOTE"))
    exchange.add_instrument(Listing(instrument=Instrument(symbol="LARGE"), base=base, quote=quote))
    deposits = np.zeros(2000, COMMAND)
    deposits["kind"], deposits["qty_lots"] = CommandKind.DEPOSIT, 2**50
    deposits["account"], deposits["session"] = np.arange(2000) // 2 + 1, np.arange(2000) % 2
    deposits["order_id"] = np.arange(1, 2001)
    exchange.apply_batch(deposits)
    exchange.apply_batch(orders_of(ORDERS, 3))
    data = exchange.state_bytes()
    begin = time.perf_counter()
    loaded = parbook._exchange.Exchange.from_state(data, exchange.assets, exchange.listings)
    assert time.perf_counter() - begin < SECONDS
    assert loaded.market(0).open_orders > ORDERS * 9 // 10
    assert loaded.state_bytes() == data
    for account in (1, 77, 999):
        assert loaded.held(account, quote) == exchange.held(account, quote) > 0
    more = command_records([Deposit(account=5, asset=0, amount_atoms=1, txn_id=2000)])
    assert loaded.apply_batch(more).tobytes() == exchange.apply_batch(more).tobytes()
    assert loaded.apply_batch(orders_of(500, 4)).tobytes() == exchange.apply_batch(orders_of(500, 4)).tobytes()
