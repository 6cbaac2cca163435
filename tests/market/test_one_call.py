"""A call's arguments reach the command one by one, whichever of them are the same object."""

from __future__ import annotations

from itertools import product

import pytest

from parbook.codes import OrderType, TimeInForce
from parbook.errors import MisuseError
from parbook.instrument import Instrument
from parbook.messages import NewOrder

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
