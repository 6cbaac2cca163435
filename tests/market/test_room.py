"""Room is made ahead for calls that come one at a time; batches and special orders in between take their own."""

from __future__ import annotations

import pytest

from parbook.codes import OrderType, Peg, Side
from parbook.messages import NewOrder
from parbook.records import command_records


@pytest.mark.parametrize("between", [*range(1, 12), 21, 24, 25, 31, 32, 33, 56, 63, 64, 65, 120])
def test_calls_find_their_room_after_a_batch_that_filled_what_there_was(market, between):
    placed = 0

    def place(calls):
        nonlocal placed
        for _ in range(calls):
            placed += 1
            # A price far from every other and a client id each: all that an order may need room for.
            assert market.place(7, Side.BUY, 1, placed << 14, client_id=placed).ok
            market.check()

    for calls in (1, 7, 9, 3):
        place(calls)
        orders = [
            NewOrder(account=7, side=Side.BUY, qty_lots=1, price_ticks=(placed + n + 1) << 14, client_id=placed + n + 1)
            for n in range(between)
        ]
        market.apply_batch(command_records(orders))
        placed += between
        market.check()
    place(20)
    assert market.open_orders == placed


def test_calls_find_their_room_after_special_orders(market):
    for number in range(1, 200):
        assert market.place(7, Side.BUY, 1, number << 14, client_id=number).ok
        if number % 5 == 0:
            # A peg takes a level of its own, and may take another whenever the touch moves.
            market.apply(
                NewOrder(
                    account=8,
                    side=Side.BUY,
                    qty_lots=1,
                    price_ticks=1 << 30,
                    order_type=OrderType.PEGGED,
                    peg=Peg.PRIMARY,
                    offset_ticks=-number,
                )
            )
        market.check()
    assert market.open_orders == 199 + 39
