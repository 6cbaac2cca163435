"""A venue in which nothing but feeds was opened, or nothing at all: it goes on from its state as well."""

from __future__ import annotations

from decimal import Decimal

from parbook.instrument import Instrument
from parbook.listing import Asset, Listing
from parbook.oracle.terms import FeedTerms
from parbook.protocol import commands as c
from parbook.protocol.exchange import BackedExchange
from tests.protocol.house import MICRO
from tests.protocol.venue import ARBITER, key


def test_a_venue_without_pools_goes_on_from_its_state():
    exchange = BackedExchange()
    for name in ("USD", "X"):
        exchange.add_asset(Asset(name=name, decimals=6))
    market = Instrument(symbol="X/USD", tick=Decimal("0.0001"), lot=Decimal(1))
    exchange.add_instrument(Listing(instrument=market, base=1, quote=0, lot_atoms=MICRO, tick_atoms=100))
    members = ((1, key(1)),)
    feed = c.OpenFeed(instrument=0, terms=FeedTerms(quorum=1), arbiter=ARBITER, bond_asset=0, members=members)
    assert exchange.act(feed).no is None
    again = BackedExchange.from_state(exchange.state_bytes(), exchange.assets, exchange.listings)
    assert len(again.protocol.feeds) == 1


def test_numbers_of_what_is_said_go_on_from_the_state():
    exchange = BackedExchange()
    assert exchange.act(c.RunWaterfall(pool=0, account=1)).no is not None
    again = BackedExchange.from_state(exchange.state_bytes(), exchange.assets, exchange.listings)
    assert again.protocol.next_said == exchange.protocol.next_said
