"""Two-sided quotes: replaced as a whole or not at all; protection pulls them."""

from __future__ import annotations

import pytest

from parbook import messages as m
from parbook.units import PRICE_TICKS_MAX, QTY_LOTS_MAX
from tests.support.scenario import curve_params, state_but_counters
from tests.support.venue import BUY, SELL, Venue, order


def quote(bid_ticks=0, bid_lots=0, ask_ticks=0, ask_lots=0, **fields):
    return m.Quote(
        **{"account": 1}
        | fields
        | {"bid_ticks": bid_ticks, "bid_lots": bid_lots, "ask_ticks": ask_ticks, "ask_lots": ask_lots}
    )


@pytest.fixture
def venue(market_class):
    """Account 1 quotes 5 lots each way: order 1 bids 99, order 2 asks 101."""
    venue = Venue(market_class, bust_window=4)
    assert venue.do(quote(99, 5, 101, 5)) == [
        ("accepted", 1, "BOOK", 99, 5),
        ("accepted", 2, "BOOK", 101, 5),
        ("quoted", 1, 0, 1, 2),
    ]
    return venue


def test_a_side_that_keeps_its_price_and_does_not_grow_keeps_its_place(venue):
    venue.do(order(2, BUY, 99, 5), order(2, SELL, 101, 5))
    assert venue.do(quote(99, 4, 101, 6)) == [
        ("cancelled", 2, 5, "QUOTE_REPLACED"),
        ("amended", 1, 4, "KEPT"),
        ("accepted", 5, "BOOK", 101, 6),
        ("quoted", 1, 0, 1, 5),
    ]
    assert (venue.market.queue(BUY, 99), venue.market.queue(SELL, 101)) == ([1, 3], [4, 5])


def test_the_same_quote_again_changes_nothing(venue):
    assert venue.do(quote(99, 5, 101, 5)) == [("quoted", 1, 0, 1, 2)]


def test_no_lots_withdraw_a_side(venue):
    assert venue.do(quote(99, 5)) == [("cancelled", 2, 5, "QUOTE_REPLACED"), ("quoted", 1, 0, 1, 0)]
    assert venue.do(quote()) == [("cancelled", 1, 5, "QUOTE_REPLACED"), ("quoted", 1, 0, 0, 0)]


def test_a_quote_may_move_past_its_own_old_side(venue):
    assert venue.do(quote(101, 5, 103, 5))[-1] == ("quoted", 1, 0, 3, 4)
    assert venue.leaves() == {3: 5, 4: 5}


def test_slots_and_accounts_do_not_touch_each_other(venue):
    assert venue.do(quote(98, 1, 102, 1, slot=15))[-1] == ("quoted", 1, 15, 3, 4)
    assert venue.do(quote(98, 1, 102, 1, account=2))[-1] == ("quoted", 2, 0, 5, 6)
    assert venue.live() == [1, 3, 5, 2, 4, 6]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (quote(99, 5, 101, 5, slot=16), "INVALID_SLOT"),
        (quote(99, -1, 101, 5), "QTY_OUT_OF_RANGE"),
        (quote(99, 5, 101, QTY_LOTS_MAX + 1), "QTY_OUT_OF_RANGE"),
        (quote(0, 5, 101, 5), "PRICE_OUT_OF_RANGE"),
        (quote(99, 5, PRICE_TICKS_MAX + 1, 5), "PRICE_OUT_OF_RANGE"),
        (quote(100, 5, 100, 5), "QUOTE_CROSSED"),
        (quote(1, 5, PRICE_TICKS_MAX, 9), "NOTIONAL_OVERFLOW"),
        (quote(100, 5, 105, 5), "POST_ONLY_WOULD_TRADE"),
        (quote(97, 5, 99, 5, account=2), "POST_ONLY_WOULD_TRADE"),
    ],
)
def test_a_refused_quote_leaves_the_old_one(venue, bad, code):
    venue.do(order(2, SELL, 100, 1))
    before = state_but_counters(venue.market)
    assert venue.do(bad) == [("rejected", code)]
    assert state_but_counters(venue.market) == before


def test_protection_pulls_every_quote_of_the_account_until_reset(venue):
    venue.limit(1, protection_lots=4, protection_window_ns=10)
    venue.do(quote(95, 1, 105, 1, slot=1), order(1, BUY, 90, 1))
    assert venue.do(order(2, SELL, 99, 3, ts_ns=100))[-1][0] == "trade"
    assert venue.do(order(2, SELL, 99, 1, ts_ns=110))[1:] == [
        ("trade", 99, 1, 7, 1, "BOOK"),
        ("protected", 1, 4),
        ("cancelled", 1, 1, "PROTECTION"),
        ("cancelled", 3, 1, "PROTECTION"),
        ("cancelled", 2, 5, "PROTECTION"),
        ("cancelled", 4, 1, "PROTECTION"),
    ]
    assert venue.live() == [5]
    assert venue.do(quote(99, 1)) == [("rejected", "PROTECTION_ACTIVE")]
    assert venue.do(m.ResetProtection(account=1), quote(99, 1))[0] == ("protected", 1, 0)
    assert venue.live() == [8, 5]


def test_a_window_that_is_over_begins_anew_with_the_next_fill(venue):
    venue.limit(1, protection_lots=4, protection_window_ns=10)
    venue.do(order(2, SELL, 99, 3, ts_ns=100), order(2, SELL, 99, 1, ts_ns=111))
    assert venue.leaves() == {1: 1, 2: 5}


def test_other_orders_do_not_count(venue):
    venue.limit(1, protection_lots=4, protection_window_ns=10)
    venue.do(order(1, BUY, 100, 9), order(2, SELL, 100, 9))
    assert venue.leaves() == {1: 5, 2: 5}


def test_a_side_that_stays_is_not_tested_against_the_curve_it_clips(venue):
    """The anchor fell below the bid, which holds the curve's ask back; its owner must be able to shrink it."""
    venue.do(m.SetCurve(params=curve_params("pmm depth=4 base=6 min=-5")))
    venue.do(m.ProposeAnchor(low_ticks=90, high_ticks=90))
    assert venue.do(quote(99, 4, 101, 5)) == [("amended", 1, 4, "KEPT"), ("quoted", 1, 0, 1, 2)]


# --- busts --------------------------------------------------------------------------------------


def test_a_bust_undoes_the_positions_once_and_nothing_else(venue):
    venue.limit(1, position_lots=0)
    venue.limit(2, position_lots=0)
    trade = venue.raw(order(2, SELL, 99, 3))[1]
    assert (venue.position(1), venue.position(2)) == (3, -3)
    assert venue.do(m.BustTrade(trade_seq=trade.seq)) == [("busted", trade.seq, 3, 2, 1)]
    assert (venue.position(1), venue.position(2)) == (0, 0)
    assert venue.leaves() == {1: 2, 2: 5}
    assert venue.market.last_trade_ticks == 99
    assert venue.do(m.BustTrade(trade_seq=trade.seq)) == [("rejected", "ALREADY_BUSTED")]
    assert venue.do(m.BustTrade(trade_seq=trade.seq - 1)) == [("rejected", "UNKNOWN_TRADE")]


def test_only_the_last_trades_can_be_busted(venue):
    seqs = [venue.raw(order(2, SELL, 99, 1))[1].seq for _ in range(5)]
    assert venue.do(m.BustTrade(trade_seq=seqs[0])) == [("rejected", "UNKNOWN_TRADE")]
    assert venue.do(m.BustTrade(trade_seq=seqs[1]))[0][0] == "busted"
