"""Both markets offer the whole protocol. mypy proves it where the annotations stand; the tests prove the names."""

import inspect

import parbook
import parbook.reference
from parbook.instrument import Instrument
from parbook.interface import MarketProtocol, Placed

INSTRUMENT = Instrument(symbol="TEST")

reference: MarketProtocol = parbook.reference.Market(INSTRUMENT)
core: MarketProtocol = parbook.Market(INSTRUMENT)
placed_by_reference: Placed = parbook.reference.Market(INSTRUMENT).place(1, 0, 1, 1)
placed_by_core: Placed = parbook.Market(INSTRUMENT).place(1, 0, 1, 1)
make_reference: type[MarketProtocol] = parbook.reference.Market
make_core: type[MarketProtocol] = parbook.Market


def public(thing):
    return {name for name in dir(thing) if not name.startswith("_")}


def test_every_name_of_the_protocol_exists(market):
    assert public(MarketProtocol) <= public(market)


def test_every_name_of_placed_exists(market):
    assert public(Placed) <= public(market.place(1, 0, 1, 1))


def test_place_amend_and_cancel_take_the_same_arguments(market_class):
    for name in ("place", "amend", "cancel"):
        declared = inspect.signature(getattr(MarketProtocol, name)).parameters
        offered = inspect.signature(getattr(market_class, name)).parameters
        assert [(p.name, p.default) for p in offered.values()] == [(p.name, p.default) for p in declared.values()]


def test_views_are_fresh_copies(market):
    market.place(1, 0, 5, 100)
    order, rows = market.order(1), market.depth(1)
    market.place(2, 1, 2, 100)
    assert order.filled_lots == 0
    assert market.order(1).filled_lots == 2
    assert rows[0]["qty_lots"] == 5
    assert market.order(2) is None
    assert market.queue(0, 100) == [1]
    assert market.queue(1, 100) == []
