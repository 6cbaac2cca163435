"""Gathering, indication and the uncross, as a market shows them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parbook import messages as m
from parbook.codes import OrderType, SessionState, StpMode, TimeInForce
from parbook.reference.auction import Schedule, clearing
from tests.support.markets import MARKETS, examples
from tests.support.scenario import curve_params
from tests.support.venue import BUY, SELL, Venue, order

AUCTION, CONTINUOUS, CLOSED, CLOSING = (
    m.SetState(state=state)
    for state in (SessionState.AUCTION, SessionState.CONTINUOUS, SessionState.CLOSED, SessionState.CLOSING)
)


def call(account, side, qty_lots, **terms):
    """Return a market order for the auction."""
    return order(account, side, 0, qty_lots, order_type=OrderType.MARKET, tif=TimeInForce.AUCTION, **terms)


@pytest.fixture
def venue(market_class):
    """A market in AUCTION whose last trade was at 100; orders 1 and 2 are gone."""
    venue = Venue(market_class)
    venue.trade(100)
    venue.do(AUCTION)
    return venue


def test_orders_gather_and_every_change_of_the_indication_is_told(venue):
    assert venue.do(order(1, BUY, 105, 5)) == [("accepted", 3, "BOOK", 105, 5)]
    assert venue.do(order(2, SELL, 98, 3)) == [("accepted", 4, "BOOK", 98, 3), ("indicative", 105, 3, 2)]
    assert venue.do(order(2, SELL, 106, 3)) == [("accepted", 5, "BOOK", 106, 3)]
    assert venue.do(call(3, SELL, 2)) == [("accepted", 6, "CALL", 0, 2), ("indicative", 100, 5, 0)]
    assert venue.do(m.CancelOrder(account=1, order_id=3)) == [
        ("cancelled", 3, 5, "REQUESTED"),
        ("indicative", 0, 0, 0),
    ]


def test_the_indication_is_what_the_uncross_does(venue):
    venue.do(order(1, BUY, 105, 5), order(2, SELL, 98, 3), call(3, SELL, 1))
    assert venue.do(CONTINUOUS) == [
        ("uncrossed", 105, 4, 1),
        ("trade", 105, 1, 3, 5, "UNCROSS"),
        ("trade", 105, 3, 3, 4, "UNCROSS"),
        ("state", "AUCTION", "CONTINUOUS"),
    ]
    assert venue.leaves() == {3: 1}
    assert venue.market.last_trade_ticks == 105


def test_market_orders_alone_clear_at_the_reference(venue):
    venue.do(call(1, BUY, 50), call(2, SELL, 60))
    assert venue.do(CONTINUOUS) == [
        ("uncrossed", 100, 50, -10),
        ("trade", 100, 50, 3, 4, "UNCROSS"),
        ("cancelled", 4, 10, "UNTRADED"),
        ("state", "AUCTION", "CONTINUOUS"),
    ]


@pytest.mark.parametrize(("reference_ticks", "price_ticks"), [(104, 104), (150, 110)])
def test_a_plateau_goes_to_the_reference(market_class, reference_ticks, price_ticks):
    venue = Venue(market_class)
    venue.trade(reference_ticks)
    venue.do(AUCTION, order(1, BUY, 110, 5), order(2, SELL, 100, 5))
    assert venue.do(CONTINUOUS)[0] == ("uncrossed", price_ticks, 5, 0)


def test_the_last_auction_comes_before_the_last_trade_and_the_anchor_before_both(venue):
    venue.do(order(1, BUY, 108, 5), order(2, SELL, 108, 5), CONTINUOUS)  # an auction price of 108
    venue.trade(103)
    venue.do(AUCTION, order(1, BUY, 110, 5), order(2, SELL, 100, 5))
    assert venue.do(m.AmendOrder(account=1, order_id=7, qty_lots=4))[-1] == ("indicative", 100, 4, -1)
    assert venue.do(m.AmendOrder(account=2, order_id=8, qty_lots=4))[-1] == ("indicative", 108, 4, 0)
    venue.do(m.SetCurve(params=curve_params("pmm depth=4")))
    assert venue.do(m.ProposeAnchor(low_ticks=105, high_ticks=106))[-1] == ("indicative", 105, 4, 0)


def test_without_a_cross_orders_carry_but_those_for_the_auction_leave(venue):
    day = order(1, BUY, 99, 5, tif=TimeInForce.DAY)
    venue.do(day, order(1, BUY, 98, 2, tif=TimeInForce.AUCTION), order(1, BUY, 99, 3, tif=TimeInForce.AUCTION))
    venue.do(call(2, BUY, 7), order(3, BUY, 97, 1))
    assert venue.do(CONTINUOUS) == [
        ("uncrossed", 0, 0, 0),
        ("cancelled", 6, 7, "UNTRADED"),
        ("cancelled", 5, 3, "UNTRADED"),
        ("cancelled", 4, 2, "UNTRADED"),
        ("state", "AUCTION", "CONTINUOUS"),
    ]
    assert venue.live() == [3, 7]


def test_market_then_price_then_displayed_rounds_then_hidden(venue):
    venue.do(
        order(1, SELL, 100, 2, hidden=True),  # 3
        order(2, SELL, 100, 5, display_lots=2),  # 4
        order(3, SELL, 100, 2),  # 5
        order(4, SELL, 99, 1),  # 6
        call(5, SELL, 1),  # 7
        order(6, BUY, 100, 11),  # 8
    )
    assert venue.do(CONTINUOUS) == [
        ("uncrossed", 100, 11, 0),
        ("trade", 100, 1, 8, 7, "UNCROSS"),
        ("trade", 100, 1, 8, 6, "UNCROSS"),
        ("trade", 100, 2, 8, 4, "UNCROSS"),
        ("shown", 4, 2),
        ("trade", 100, 2, 8, 5, "UNCROSS"),
        ("trade", 100, 2, 8, 4, "UNCROSS"),
        ("shown", 4, 1),
        ("trade", 100, 1, 8, 4, "UNCROSS"),
        ("trade", 100, 2, 8, 3, "UNCROSS"),
        ("state", "AUCTION", "CONTINUOUS"),
    ]
    assert venue.live() == []


def test_own_orders_meet_in_an_auction(market_class):
    venue = Venue(market_class, stp=StpMode.CANCEL_BOTH)
    venue.do(AUCTION, order(1, BUY, 100, 5), order(1, SELL, 100, 5))
    assert venue.do(CONTINUOUS)[1] == ("trade", 100, 5, 1, 2, "UNCROSS")


def test_a_stop_is_elected_by_the_uncross_and_runs_once_trading_is_open(venue):
    venue.do(order(1, BUY, 110, 1, stop_ticks=103), order(2, BUY, 104, 2), order(3, SELL, 104, 2))
    venue.do(order(4, SELL, 109, 1))
    assert venue.do(CONTINUOUS) == [
        ("uncrossed", 104, 2, 0),
        ("trade", 104, 2, 4, 5, "UNCROSS"),
        ("state", "AUCTION", "CONTINUOUS"),
        ("triggered", 3, 1, 0),
        ("trade", 109, 1, 3, 6, "BOOK"),
    ]


def test_a_stop_elected_by_the_closing_auction_waits_for_the_next_opening(market_class):
    venue = Venue(market_class)
    venue.trade(100)
    venue.do(order(1, BUY, 110, 1, stop_ticks=103), CLOSING, order(2, BUY, 104, 2), order(3, SELL, 104, 2))
    told = venue.do(CLOSED)
    assert told[-1] == ("state", "CLOSING", "CLOSED")
    assert venue.live() == [3]
    pre_open = m.SetState(state=SessionState.PRE_OPEN)
    told = venue.do(pre_open, AUCTION, order(4, SELL, 109, 1), CONTINUOUS)
    assert told[-2:] == [("triggered", 3, 1, 0), ("trade", 109, 1, 3, 6, "BOOK")]


def test_the_partner_of_an_order_that_traded_leaves_after_the_uncross(venue):
    venue.do(order(1, BUY, 104, 2), order(1, SELL, 120, 2, oco_order_id=3), order(2, SELL, 104, 1))
    assert venue.do(CONTINUOUS) == [
        ("uncrossed", 104, 1, 1),
        ("trade", 104, 1, 3, 5, "UNCROSS"),
        ("state", "AUCTION", "CONTINUOUS"),
        ("cancelled", 4, 2, "OCO"),
    ]


def quoting(market_class, in_auction):
    venue = Venue(market_class, curve_in_auction=in_auction)
    venue.do(m.SetCurve(params=curve_params("pmm depth=10 base=10 k=1000000")))
    venue.do(m.ProposeAnchor(low_ticks=100, high_ticks=100), AUCTION)
    return venue


def test_the_curve_joins_where_the_instrument_says_so(market_class):
    venue = quoting(market_class, in_auction=True)
    told = venue.do(order(1, SELL, 80, 9))
    (name, price_ticks, paired_lots, surplus_lots) = told[-1]
    assert name == "indicative"
    assert paired_lots > 0
    told = venue.do(CONTINUOUS)
    assert told[:2] == [
        ("uncrossed", price_ticks, paired_lots, surplus_lots),
        ("trade", price_ticks, paired_lots, 1, 0, "UNCROSS_CURVE"),
    ]
    assert venue.market.curve.net_lots == paired_lots
    assert venue.market.curve.cash_notional == 10**9 - price_ticks * paired_lots


def test_the_curve_stays_out_where_it_does_not(market_class):
    venue = quoting(market_class, in_auction=False)
    assert venue.do(order(1, SELL, 80, 9)) == [("accepted", 1, "BOOK", 80, 9)]
    assert venue.do(CONTINUOUS)[0] == ("uncrossed", 0, 0, 0)
    assert venue.market.curve.net_lots == 0


@pytest.mark.parametrize(("bid_ticks", "first_is_curve"), [(81, True), (82, False), (83, False)])
def test_the_curve_takes_its_turn_by_its_rung_and_the_book_goes_first_at_a_tie(market_class, bid_ticks, first_is_curve):
    # The curve bids for one lot at 82 and for the next at 69.
    venue = quoting(market_class, in_auction=True)
    venue.do(order(1, BUY, bid_ticks, 2), order(2, SELL, 70, 3))
    told = [trade for trade in venue.do(CONTINUOUS) if trade[0] == "trade"]
    assert [(trade[2], trade[5]) for trade in told] == (
        [(1, "UNCROSS_CURVE"), (2, "UNCROSS")] if first_is_curve else [(2, "UNCROSS"), (1, "UNCROSS_CURVE")]
    )


# --- any book -----------------------------------------------------------------------------------

entries = st.lists(
    st.tuples(
        st.integers(0, 1),  # side
        st.integers(95, 105),  # limit
        st.integers(1, 9),  # lots
        st.sampled_from(["plain", "plain", "hidden", "iceberg", "call", "auction"]),
    ),
    max_size=14,
)


def entry(index, side, price_ticks, qty_lots, kind):
    account = 1 + index
    if kind == "call":
        return call(account, (BUY, SELL)[side], qty_lots)
    terms = {
        "hidden": {"hidden": True},
        "iceberg": {"display_lots": 1 + qty_lots // 3},
        "auction": {"tif": TimeInForce.AUCTION},
    }.get(kind, {})
    return order(account, (BUY, SELL)[side], price_ticks, qty_lots, **terms)


@pytest.mark.parametrize("name", MARKETS)
@examples(150)
@given(entries)
def test_any_book_clears_at_the_best_price_in_priority(name, book):
    venue = Venue(MARKETS[name])
    venue.trade(100)
    venue.do(AUCTION)
    for index, fields in enumerate(book):
        venue.do(entry(index, *fields))
    rows = [(3 + index, *fields) for index, fields in enumerate(book)]
    sides = [[row for row in rows if row[1] == side] for side in (0, 1)]
    bids, asks = ([(row[2], row[3]) for row in rows if row[4] != "call"] for rows in sides)
    buys, sells = (sum(row[3] for row in rows if row[4] == "call") for rows in sides)
    expected = clearing(Schedule(bids, asks, (buys, sells)), 100)
    events = venue.raw(CONTINUOUS)
    assert isinstance(events[0], m.Uncrossed)
    assert (events[0].price_ticks, events[0].paired_lots, events[0].surplus_lots) == expected
    trades = [event for event in events if isinstance(event, m.Trade)]
    assert all(trade.price_ticks == expected.price_ticks for trade in trades)
    for side, ids in ((0, [t.taker_order_id for t in trades]), (1, [t.maker_order_id for t in trades])):
        filled = {}
        for order_id, trade in zip(ids, trades, strict=True):
            filled[order_id] = filled.get(order_id, 0) + trade.qty_lots
        assert sum(filled.values()) == expected.paired_lots
        check_priority(side, sides[side], filled)
    for row in (row for row in rows if row[4] in ("call", "auction")):
        assert row[0] not in venue.live()


def check_priority(side, rows, filled):
    """No order trades while one that stands before it, whatever its slices, still has lots."""

    def rank(row):
        _, _, price_ticks, _, kind = row
        return (0, 0, 0) if kind == "call" else (1, -price_ticks if side == 0 else price_ticks, kind == "hidden")

    for row in rows:
        if filled.get(row[0], 0):
            for ahead in rows:
                plain_ahead = rank(ahead) == rank(row) and ahead[0] < row[0] and "iceberg" not in (ahead[4], row[4])
                if rank(ahead) < rank(row) or plain_ahead:
                    assert filled.get(ahead[0], 0) == ahead[3]
