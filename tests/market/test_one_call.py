"""A call's arguments reach the command one by one, whichever of them are the same object."""

from __future__ import annotations

from itertools import product

import pytest

from parbook.codes import OrderType, RejectCode, TimeInForce
from parbook.errors import MisuseError
from parbook.instrument import Instrument
from parbook.messages import CancelOrder, NewOrder

SMALL = (0, 1, 2)


@pytest.mark.parametrize(
    ("order_type", "tif", "client_id", "ts_ns"), [*product(SMALL, SMALL, (0, 1, 2, 5), (0, 1, 2, 5))]
)
def test_place_is_apply(market_class, order_type, tif, client_id, ts_ns):
    # Small ints are single objects: 0 0 0 0, 1 1 1 1 and 2 2 2 2 are one object four times.
    called, applied = market_class(Instrument(symbol="TEST")), market_class(Instrument(symbol="TEST"))
    for market in (called, applied):
        market.place(1, 1, 5, 100)
        market.place(1, 0, 5, 98)
    called.place(2, 0, 7, 101, order_type, tif, client_id, ts_ns)
    applied.apply(
        NewOrder(
            account=2,
            side=0,
            qty_lots=7,
            price_ticks=101,
            order_type=OrderType(order_type),
            tif=TimeInForce(tif),
            client_id=client_id,
            ts_ns=ts_ns,
        )
    )
    assert called.state_bytes() == applied.state_bytes()


@pytest.mark.parametrize("value", [True, 256, -1, 1.0, None, "0"])
def test_one_wrong_object_four_times_is_refused_by_the_first_name(market, value):
    with pytest.raises(MisuseError, match="order_type"):
        market.place(2, 0, 7, 101, value, value, value, value)
    assert market.open_orders == 0


@pytest.mark.parametrize("value", [True, -1, 1.0, None, "0"])
def test_one_wrong_object_twice_is_refused(market, value):
    market.place(1, 0, 5, 98)
    with pytest.raises(MisuseError, match=r"client_id|ts_ns"):
        market.cancel(1, 1, value, value)
    assert market.open_orders == 1


@pytest.mark.parametrize("number", [0, 7, 300])
def test_cancel_is_apply(market_class, number):
    # 0 and 7 are single objects, 300 is two of them. A client id and a time are different things all the same.
    called, applied = market_class(Instrument(symbol="TEST")), market_class(Instrument(symbol="TEST"))
    for market in (called, applied):
        market.place(1, 0, 5, 98, client_id=number)
    called.cancel(1, 0, number, int(str(number)))
    applied.apply(CancelOrder(account=1, client_id=number, ts_ns=number))
    assert called.state_bytes() == applied.state_bytes()


def told(placed) -> tuple[int, ...]:
    """Return everything an answer says."""
    return (
        placed.code,
        placed.order_id,
        placed.filled_lots,
        placed.leaves_lots,
        placed.first_seq,
        placed.notional,
    )


def test_an_answer_that_was_kept_stays_what_it_was_and_the_next_says_nothing_of_it(market):
    resting = market.place(1, 1, 5, 100)
    assert told(resting) == (0, 1, 0, 5, 1, 0)
    traded = market.place(2, 0, 7, 100)
    assert told(traded) == (0, 2, 5, 2, 2, 500)
    refused = market.place(2, 0, -1, 100)
    amended = market.amend(2, order_id=2, qty_lots=6)
    # One after another, and each let go before the next: what came before must not be seen in it.
    assert told(market.place(1, 1, 1, 100)) == (0, 3, 1, 0, 6, 100)
    assert told(market.place(1, 1, 0, 100)) == (RejectCode.QTY_OUT_OF_RANGE, 0, 0, 0, 8, 0)
    assert told(market.place(1, 1, 3, 105)) == (0, 4, 0, 3, 9, 0)
    assert told(market.amend(1, order_id=9, qty_lots=3)) == (RejectCode.UNKNOWN_ORDER, 9, 0, 0, 10, 0)
    assert told(resting) == (0, 1, 0, 5, 1, 0)
    assert told(traded) == (0, 2, 5, 2, 2, 500)
    assert (refused.code, refused.order_id, refused.first_seq) == (RejectCode.QTY_OUT_OF_RANGE, 0, 4)
    assert (amended.code, amended.order_id, amended.leaves_lots) == (0, 2, 1)


def test_an_answer_outlives_its_market(market_class):
    placed = market_class(Instrument(symbol="TEST")).place(1, 1, 5, 100)
    assert told(placed) == (0, 1, 0, 5, 1, 0)
