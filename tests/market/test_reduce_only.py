"""Reduce-only orders: never more of them than the position they may reduce."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parbook import messages as m
from parbook.codes import OrderType, SessionState, TimeInForce
from tests.parity.reading import read
from tests.support.markets import MARKETS, examples
from tests.support.venue import BUY, SELL, Venue, order


@pytest.fixture
def venue(market_class):
    """Account 1 is long 10 lots; the last trade was at 100; the next order is number 3."""
    venue = Venue(market_class)
    venue.trade(100)
    venue.limit(1, position_lots=10)
    return venue


def reduce(side, price_ticks, qty_lots, **terms):
    return order(1, side, price_ticks, qty_lots, reduce_only=True, **terms)


def test_all_of_them_together_may_close_the_position_and_no_more(venue):
    assert venue.do(reduce(SELL, 110, 11)) == [("rejected", "REDUCE_ONLY_EXCEEDED")]
    assert venue.do(reduce(BUY, 90, 1)) == [("rejected", "REDUCE_ONLY_EXCEEDED")]
    assert venue.do(reduce(SELL, 110, 6))[0][0] == "accepted"
    assert venue.do(reduce(SELL, 111, 5, tif=TimeInForce.IOC)) == [("rejected", "REDUCE_ONLY_EXCEEDED")]
    assert venue.do(reduce(SELL, 111, 4))[0][0] == "accepted"
    assert venue.do(m.AmendOrder(account=1, order_id=4, qty_lots=5)) == [("rejected", "REDUCE_ONLY_EXCEEDED")]


def test_a_short_position_is_the_mirror(venue):
    venue.limit(1, position_lots=-3)
    assert venue.do(reduce(BUY, 90, 4)) == [("rejected", "REDUCE_ONLY_EXCEEDED")]
    assert venue.do(reduce(BUY, 90, 3))[0][0] == "accepted"
    assert venue.do(reduce(SELL, 110, 1)) == [("rejected", "REDUCE_ONLY_EXCEEDED")]


def test_other_open_orders_of_the_side_come_first_but_waiting_stops_do_not_count(venue):
    venue.do(order(1, SELL, 110, 4), order(1, SELL, 80, 5, stop_ticks=80))
    assert venue.do(reduce(SELL, 112, 7)) == [("rejected", "REDUCE_ONLY_EXCEEDED")]
    assert venue.do(reduce(SELL, 112, 6))[0][0] == "accepted"


def test_position_limits_do_not_concern_them(venue):
    venue.limit(1, max_short_lots=0)
    assert venue.do(reduce(SELL, 110, 10))[0][0] == "accepted"


def test_a_fill_trims_the_newest_first_and_cancels_those_left_with_nothing(venue):
    venue.do(order(2, BUY, 95, 7), reduce(SELL, 110, 2), reduce(SELL, 111, 5), reduce(SELL, 109, 3))
    told = venue.do(order(1, SELL, 95, 6, tif=TimeInForce.IOC))
    assert told == [
        ("accepted", 7, "BOOK", 95, 0),
        ("trade", 95, 6, 7, 3, "BOOK"),
        ("cancelled", 6, 3, "REDUCE_ONLY"),
        ("amended", 5, 2, "KEPT"),
    ]
    assert venue.leaves() == {3: 1, 4: 2, 5: 2}


def test_a_new_order_of_the_side_pushes_them_out(venue):
    venue.do(reduce(SELL, 110, 8))
    assert venue.do(order(1, SELL, 120, 5)) == [("accepted", 4, "BOOK", 120, 5), ("amended", 3, 5, "KEPT")]


@pytest.mark.parametrize("position_lots", [0, -4])
def test_a_position_set_by_command_trims_too(venue, position_lots):
    venue.do(reduce(SELL, 110, 8))
    told = venue.do(m.SetAccount(account=1, field=2, value=position_lots))
    assert told[1:] == [("cancelled", 3, 8, "REDUCE_ONLY")]


def test_an_iceberg_gives_its_reserve_first(venue):
    venue.do(reduce(SELL, 110, 8, display_lots=3))
    assert venue.do(order(1, SELL, 120, 6))[1:] == [("amended", 3, 4, "KEPT")]
    assert venue.market.depth(1)["qty_lots"].tolist() == [3]
    assert venue.do(order(1, SELL, 120, 2))[1:] == [("amended", 3, 2, "KEPT")]
    assert venue.market.depth(1)["qty_lots"].tolist() == [2]


def test_accounts_are_trimmed_by_number_and_buys_before_sells(venue):
    venue.limit(7, position_lots=-10)
    venue.do(order(7, BUY, 90, 10, reduce_only=True), reduce(SELL, 110, 10))
    # They trade with each other, and neither has a position any more; what they had beside goes.
    venue.do(order(7, BUY, 100, 4), order(7, BUY, 100, 4))
    assert venue.leaves() == {3: 2, 4: 10, 5: 4, 6: 4}
    told = venue.do(order(1, SELL, 100, 8))
    assert told[-2:] == [("trade", 100, 4, 7, 6, "BOOK"), ("amended", 4, 2, "KEPT")]


# --- stops --------------------------------------------------------------------------------------


def stop(qty_lots, **terms):
    """Return a reduce-only market stop that sells at 95."""
    return order(
        1, SELL, 0, qty_lots, order_type=OrderType.MARKET, tif=TimeInForce.IOC, stop_ticks=95, reduce_only=True, **terms
    )


def fall(venue):
    """Print a trade at 95 between others, with 30 lots bid at 95 behind it."""
    return venue.do(order(2, BUY, 95, 31), order(3, SELL, 95, 1))


def test_a_triggered_stop_closes_the_position(venue):
    venue.do(stop(10))
    assert fall(venue)[-2:] == [("triggered", 3, 10, 0), ("trade", 95, 10, 3, 4, "BOOK")]
    assert venue.position(1) == 0


def test_a_stop_larger_than_the_position_is_cut_to_it(venue):
    venue.do(stop(25))
    assert fall(venue)[-3:] == [
        ("amended", 3, 10, "KEPT"),
        ("triggered", 3, 10, 0),
        ("trade", 95, 10, 3, 4, "BOOK"),
    ]
    assert venue.position(1) == 0


def test_a_stop_is_cut_to_what_its_account_has_not_put_up_elsewhere(venue):
    venue.do(stop(10), order(1, SELL, 120, 4))
    assert fall(venue)[-3:-1] == [("amended", 3, 6, "KEPT"), ("triggered", 3, 6, 0)]


def test_a_stop_with_no_position_left_leaves(venue):
    venue.do(stop(10))
    venue.limit(1, position_lots=0)
    assert fall(venue)[-1] == ("cancelled", 3, 10, "REDUCE_ONLY")


def test_two_stops_on_one_position_close_it_once(venue):
    venue.do(stop(10), stop(10))
    assert fall(venue)[-3:] == [
        ("triggered", 3, 10, 0),
        ("trade", 95, 10, 3, 5, "BOOK"),
        ("cancelled", 4, 10, "REDUCE_ONLY"),
    ]
    assert venue.position(1) == 0


def test_the_partner_leaves_before_a_triggered_stop_is_cut(venue):
    """The bracket of a long position: its profit limit must not take the room of its stop."""
    venue.do(reduce(SELL, 120, 10), stop(10, oco_order_id=3))
    assert fall(venue)[-3:] == [
        ("cancelled", 3, 10, "OCO"),
        ("triggered", 4, 10, 0),
        ("trade", 95, 10, 4, 5, "BOOK"),
    ]
    assert venue.position(1) == 0


def test_a_stop_trades_under_a_halt_no_more_than_others(venue):
    venue.do(stop(10), m.SetState(state=SessionState.HALTED))
    assert venue.leaves() == {3: 10}


# --- any course of events -----------------------------------------------------------------------

commands = st.lists(
    st.tuples(
        st.sampled_from([1, 1, 2, 3]),  # account
        st.sampled_from([BUY, SELL]),
        st.integers(95, 105),
        st.integers(1, 9),
        st.sampled_from(["plain", "plain", "reduce", "reduce", "stop", "market stop", "iceberg"]),
    ),
    max_size=25,
)


def command(account, side, price_ticks, qty_lots, kind):
    if kind == "market stop":
        market = {"order_type": OrderType.MARKET, "tif": TimeInForce.IOC}
        return order(account, side, 0, qty_lots, stop_ticks=price_ticks, reduce_only=True, **market)
    terms = {
        "reduce": {"reduce_only": True},
        "stop": {"reduce_only": True, "stop_ticks": price_ticks},
        "iceberg": {"reduce_only": True, "display_lots": 1},
    }.get(kind, {})
    return order(account, side, price_ticks, qty_lots, **terms)


@pytest.mark.parametrize("name", MARKETS)
@examples(150)
@given(commands, st.integers(-9, 9), st.integers(-9, 9))
def test_no_reduce_only_order_ever_turns_a_position_round(name, entered, first_lots, second_lots):
    """What rests of a side that has reduce-only orders closes the position at most, and their fills only reduce it."""
    venue = Venue(MARKETS[name])
    venue.limit(1, position_lots=first_lots)
    venue.limit(2, position_lots=second_lots)
    positions = {1: first_lots, 2: second_lots}
    reducing = set()
    for fields in entered:
        sent = command(*fields)
        for event in venue.raw(sent):
            if isinstance(event, m.Accepted) and sent.reduce_only:
                reducing.add(event.order_id)
            if isinstance(event, m.Trade):
                sign = 1 if event.side is BUY else -1
                for account, order_id, signed_lots in (
                    (event.taker_account, event.taker_order_id, sign * event.qty_lots),
                    (event.maker_account, event.maker_order_id, -sign * event.qty_lots),
                ):
                    if account in positions:
                        before = positions[account]
                        positions[account] += signed_lots
                        if order_id in reducing:
                            assert before * signed_lots < 0
                            assert before * positions[account] >= 0
        for account, position in positions.items():
            assert venue.position(account) == position
            rows = [row for row in read(venue.market).orders if row["account"] == account and row["place"] < 3]
            for side, closable in ((BUY, -position), (SELL, position)):
                mine = [row for row in rows if row["side"] == side]
                if any(row["reduce_only"] for row in mine):
                    assert sum(int(row["qty_lots"] - row["filled_lots"]) for row in mine) <= closable
