"""An exchange that is dropped gives everything back."""

from __future__ import annotations

import gc
import os
import sys

import pytest

from parbook._exchange import Exchange
from parbook.codes import EventKind
from tests.exchange.leaks import ALLOWED_BYTES, BASE, LISTING, QUOTE, commands, growth_bytes, one


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.skipif("asan" in os.environ.get("LD_PRELOAD", ""), reason="the sanitizer keeps what is freed for a while")
def test_nothing_stays_of_exchanges_that_are_gone():
    # One order's slab alone is over 64 KiB for 1,500 exchanges: a leak of anything passes what is allowed.
    assert growth_bytes(1_500) < ALLOWED_BYTES


def test_what_is_made_and_dropped_has_everything_in_it():
    exchange = Exchange(outcome_window=8)
    for asset in (BASE, QUOTE):
        exchange.add_asset(asset)
    exchange.add_instrument(LISTING)
    events = exchange.apply_batch(commands())
    kinds = {EventKind(int(kind)) for kind in events["kind"]}
    assert kinds >= {EventKind.DEPOSITED, EventKind.TRADE, EventKind.SHOWN, EventKind.QUOTED, EventKind.DEADMAN_SET}
    one(commands())


def test_a_market_can_still_be_read_when_its_exchange_is_gone():
    exchange = Exchange()
    for asset in (BASE, QUOTE):
        exchange.add_asset(asset)
    exchange.add_instrument(LISTING)
    market = exchange.market(0)
    assert sys.getrefcount(exchange) == 2, "a market keeps its exchange alive"
    del exchange
    gc.collect()
    assert market.open_orders == 0
    assert market.state_bytes()
