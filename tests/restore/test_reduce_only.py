"""Reduce-only orders stand in a state by price; what shrinks them goes by id."""

from __future__ import annotations

import pytest

from parbook.codes import TimeInForce
from tests.support.markets import MARKETS
from tests.support.venue import BUY, SELL, Venue, order


@pytest.mark.parametrize("market_class", MARKETS.values(), ids=MARKETS)
def test_the_newest_reduce_only_order_shrinks_first_after_a_restore(market_class):
    venue = Venue(market_class)
    venue.trade(100)
    venue.limit(1, position_lots=10)
    # The newest is the cheapest: in the state it comes first.
    venue.do(order(2, BUY, 95, 7), *(order(1, SELL, 112 - step, 3, reduce_only=True) for step in range(3)))
    restored = market_class.from_state(venue.market.instrument, venue.market.state_bytes())
    events = venue.do(order(1, SELL, 95, 5, tif=TimeInForce.IOC))
    assert [event[0] for event in events].count("cancelled") >= 1
    venue.market, before = restored, venue.market
    assert venue.do(order(1, SELL, 95, 5, tif=TimeInForce.IOC)) == events
    restored.check()
    assert restored.state_bytes() == before.state_bytes()
