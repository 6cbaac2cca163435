"""Both markets offer the whole protocol. mypy proves it where the annotations stand; the tests prove the names."""

import inspect

import parbook
import parbook.reference
from parbook.codes import Place, RejectCode, Side, TimeInForce, Trigger
from parbook.instrument import Instrument
from parbook.interface import MarketProtocol, Placed
from parbook.messages import NewOrder, ProposeAnchor, SetCurve
from tests.support.scenario_commands import curve_params

BUY, SELL = Side.BUY, Side.SELL
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


def test_placed_speaks_of_its_own_order_alone(market):
    """A stop that the order elects trades in the same call, with others and with what rests of the order."""
    market.place(1, SELL, 2, 105)
    market.place(2, SELL, 3, 106)
    market.apply(NewOrder(account=3, side=Side.BUY, qty_lots=4, price_ticks=106, stop_ticks=105))
    placed = market.place(4, BUY, 2, 105)
    assert (placed.order_id, placed.filled_lots, placed.notional, placed.leaves_lots) == (4, 2, 210, 0)
    assert market.order(3).filled_lots == 3


def test_placed_counts_what_an_elected_stop_takes_of_the_order(market):
    market.place(1, SELL, 2, 105)
    market.apply(NewOrder(account=3, side=Side.SELL, qty_lots=4, price_ticks=105, stop_ticks=105))
    placed = market.place(4, BUY, 5, 105)
    assert (placed.filled_lots, placed.notional, placed.leaves_lots) == (5, 525, 0)
    assert market.order(2).filled_lots == 3


def test_placed_names_its_order_when_a_partner_leaves(market):
    market.apply(NewOrder(account=1, side=Side.SELL, qty_lots=2, price_ticks=105, client_id=7))
    market.apply(NewOrder(account=1, side=Side.BUY, qty_lots=2, price_ticks=95, oco_order_id=1))
    market.place(2, BUY, 1, 104)
    placed = market.amend(1, client_id=7, qty_lots=2, price_ticks=104)
    assert (placed.order_id, placed.filled_lots, placed.leaves_lots) == (1, 1, 1)
    assert market.order(2) is None


def test_placed_names_its_order_when_an_older_one_expires_first(market):
    market.apply(NewOrder(account=1, side=Side.BUY, qty_lots=1, price_ticks=90, tif=TimeInForce.GTD, expire_ns=50))
    market.place(1, BUY, 2, 91, client_id=7)
    placed = market.amend(1, client_id=7, qty_lots=1, ts_ns=60)
    assert (placed.order_id, placed.filled_lots, placed.leaves_lots) == (2, 0, 1)
    assert market.order(1) is None


def test_placed_speaks_of_the_new_order_when_one_without_a_name_expires_first(market):
    """Neither has a client id: only a change names an order, a new one is told by its own acceptance."""
    market.apply(NewOrder(account=1, side=Side.BUY, qty_lots=1, price_ticks=90, tif=TimeInForce.GTD, expire_ns=50))
    market.place(2, SELL, 1, 95)
    placed = market.place(1, BUY, 3, 95, ts_ns=60)
    assert (placed.order_id, placed.filled_lots, placed.notional, placed.leaves_lots) == (3, 1, 95, 2)


def test_placed_of_a_change_that_its_own_time_made_too_late(market):
    market.apply(
        NewOrder(account=1, side=Side.BUY, qty_lots=1, price_ticks=90, tif=TimeInForce.GTD, expire_ns=50, client_id=7)
    )
    placed = market.amend(1, client_id=7, qty_lots=2, ts_ns=60)
    assert (placed.refusal.name, placed.order_id, placed.leaves_lots) == ("UNKNOWN_ORDER", 0, 0)


def test_a_refused_cancel_says_so_whatever_its_time_let_loose(market):
    """The anchor that falls due elects a stop, which runs after the refusal."""
    market.apply(SetCurve(params=curve_params("pmm depth=100 base=100 budget=1000000 delay=10")))
    market.apply(ProposeAnchor(low_ticks=100, high_ticks=100, ts_ns=5))
    market.apply(NewOrder(account=1, side=Side.BUY, qty_lots=1, price_ticks=90, stop_ticks=95, trigger=Trigger.ANCHOR))
    assert market.cancel(2, order_id=77, ts_ns=20) == RejectCode.UNKNOWN_ORDER
    assert market.order(1).place in (Place.BOOK, Place.ELECTED)
