"""Busted trades: positions return, orders and the last price do not."""

import pytest


def test_a_bust_undoes_the_positions_of_both_sides_and_nothing_else(play):
    market = play("""
    instrument: bust_window=4
    account: 1 position_lots=0 ; 2 position_lots=10
    book: buy 99 x 5 by 1
    > sell 99 x 3 by 2
    accepted #2 leaves 0 ; trade 99 x 3 book #1 leaves 2
    book: buy 99 x 2 by 1
    account: 1 position_lots=3 ; 2 position_lots=7
    > bust trade 1
    busted 99 x 3 book
    book: buy 99 x 2 by 1
    account: 1 position_lots=0 ; 2 position_lots=10
    """)
    assert market.last_trade_ticks == 99


def test_a_trade_is_busted_once(play):
    play("""
    instrument: bust_window=4
    account: 1 position_lots=0
    book: buy 99 x 5 by 1
    > sell 99 x 3 by 2
    accepted #2 leaves 0 ; trade 99 x 3 book #1 leaves 2
    > bust trade 1
    busted 99 x 3 book
    > bust trade 1
    rejected already busted
    account: 1 position_lots=0
    """)


def test_one_fill_of_a_sweep(play):
    play("""
    instrument: bust_window=4
    account: 1 position_lots=0 ; 2 position_lots=0
    book: sell 100 x 1 by 3 ; sell 101 x 2 by 2 ; sell 102 x 4 by 2
    > buy 102 x 7 by 1
    accepted #4 leaves 0 ; trade 100 x 1 book #1 leaves 0 ; trade 101 x 2 book #2 leaves 0
    ; trade 102 x 4 book #3 leaves 0
    > bust trade 2
    busted 101 x 2 book
    account: 1 position_lots=5 ; 2 position_lots=-4
    > bust trade 1
    busted 100 x 1 book
    account: 1 position_lots=4 ; 2 position_lots=-4
    """)


def test_only_the_last_trades_can_be_named(play):
    play("""
    instrument: bust_window=2
    book: sell 100 x 9 by 2
    > buy 100 x 1 by 1
    accepted #2 leaves 0 ; trade 100 x 1 book #1 leaves 8
    > buy 100 x 2 by 1
    accepted #3 leaves 0 ; trade 100 x 2 book #1 leaves 6
    > buy 100 x 3 by 1
    accepted #4 leaves 0 ; trade 100 x 3 book #1 leaves 3
    > bust trade 1
    rejected unknown trade
    > bust trade 3
    busted 100 x 3 book
    > bust trade 2
    busted 100 x 2 book
    book: sell 100 x 3 by 2
    """)


@pytest.mark.parametrize("seq", [1, 2, 4, 99])
def test_no_other_event_is_a_trade(play, seq):
    # Events 1 and 2 accept the orders, 3 is the trade, 4 the refusal or nothing yet.
    play(f"""
    instrument: bust_window=4
    book: sell 100 x 1 by 2
    > buy 100 x 1 by 1
    accepted #2 leaves 0 ; trade 100 x 1 book #1 leaves 0
    > bust {seq}
    rejected unknown trade
    > bust 3
    busted 100 x 1 book
    book: empty
    """)


def test_without_a_window_nothing_can_be_busted(play):
    play("""
    book: sell 100 x 1 by 2
    > buy 100 x 1 by 1
    accepted #2 leaves 0 ; trade 100 x 1 book #1 leaves 0
    > bust trade 1
    rejected unknown trade
    book: empty
    """)


def test_a_position_that_returns_makes_room_again(play):
    play("""
    instrument: bust_window=4
    account: 1 position_lots=0 max_long_lots=5
    book: sell 100 x 5 by 2
    > buy 100 x 5 by 1
    accepted #2 leaves 0 ; trade 100 x 5 book #1 leaves 0
    > buy 90 x 1 by 1
    rejected position limit
    > bust trade 1
    busted 100 x 5 book
    > buy 90 x 5 by 1
    accepted #3 leaves 5
    book: buy 90 x 5 by 1
    """)


def test_reduce_only_orders_follow_the_position_that_returned(play):
    # Five lots bought, all of them on offer; three of the five are void.
    play("""
    instrument: bust_window=4
    account: 1 position_lots=0
    book: sell 100 x 2 by 2 ; sell 100 x 3 by 3
    > buy 100 x 5 by 1
    accepted #3 leaves 0 ; trade 100 x 2 book #1 leaves 0 ; trade 100 x 3 book #2 leaves 0
    > sell 105 x 4 by 1 reduce-only
    accepted #4 leaves 4
    > sell 106 x 1 by 1 reduce-only
    accepted #5 leaves 1
    > bust trade 2
    busted 100 x 3 book ; cancelled #5 x 1 reduce only ; amended #4 kept 105 x 2 leaves 2
    book: sell 105 x 2 by 1
    account: 1 position_lots=2
    > bust trade 1
    busted 100 x 2 book ; cancelled #4 x 2 reduce only
    book: empty
    account: 1 position_lots=0
    """)


def test_a_bust_triggers_nothing_and_leaves_the_last_price(play):
    play("""
    instrument: bust_window=4
    trade: 100
    book: sell 105 x 1 by 2
    > buy 105 x 1 by 1
    accepted #4 leaves 0 ; trade 105 x 1 book #3 leaves 0
    > sell 95 x 1 by 3 stop 103
    accepted #5 leaves 1 armed
    > bust trade 2
    busted 105 x 1 book
    > buy 110 x 1 by 4 stop 105
    rejected stop through
    book: sell 95 x 1 by 3 armed 103
    """)


def test_the_curve_keeps_what_it_traded(play):
    # The bust is a matter between accounts; the curve's lots and cash are the venue's to put right.
    play("""
    instrument: bust_window=4
    account: 1 position_lots=0
    curve: pmm depth=4 base=6
    anchor: 100..100
    > sell 99 x 3 by 1
    accepted #1 leaves 0 ; trade 99 x 3 curve net 3
    account: 1 position_lots=-3
    > bust trade 1
    busted 99 x 3 curve
    account: 1 position_lots=0
    curve: net 3 cash 999999703
    """)


def test_fills_of_an_auction_and_of_hidden_orders(play):
    play("""
    instrument: bust_window=4 initial_state=auction
    account: 1 position_lots=0 ; 2 position_lots=0
    book: sell 100 x 3 by 2 hidden ; sell 101 x 3 by 2 hidden ; buy 100 x 3 by 1
    > state continuous
    uncrossed 100 x 3 surplus 0 ; trade 100 x 3 uncross #3 with #1 leaves 0 ; state continuous from auction
    > buy 101 x 2 by 1
    accepted #4 leaves 0 ; trade 101 x 2 hidden #2 leaves 1
    account: 1 position_lots=5 ; 2 position_lots=-5
    > bust trade 1
    busted 100 x 3 uncross
    account: 1 position_lots=2 ; 2 position_lots=-2
    > bust trade 2
    busted 101 x 2 hidden
    account: 1 position_lots=0 ; 2 position_lots=0
    """)


@pytest.mark.parametrize("state", ["halted", "auction", "closing", "closed", "delisted"])
def test_a_trade_can_be_busted_in_every_state(play, state):
    play(f"""
    instrument: bust_window=4
    account: 1 position_lots=0
    book: sell 100 x 1 by 2
    > buy 100 x 1 by 1
    accepted #2 leaves 0 ; trade 100 x 1 book #1 leaves 0
    > state {state}
    state {state} from continuous
    > bust trade 1
    busted 100 x 1 book
    account: 1 position_lots=0
    """)


def test_what_the_curve_lifted(play):
    play("""
    instrument: bust_window=4
    account: 1 position_lots=10
    curve: pmm lift depth=4 lift=9
    book: sell 90 x 3 by 1
    > anchor 100..100
    proposed 100..100 for 0 ; anchor 100..100 net 0 cash 1000000000 ; trade 90 x 3 lift #1 leaves 0
    account: 1 position_lots=7
    > bust trade 1
    busted 90 x 3 lift
    account: 1 position_lots=10
    """)


def test_an_order_that_met_the_curve_in_an_auction(play):
    play("""
    instrument: bust_window=4 curve_in_auction=true
    account: 1 position_lots=0
    curve: pmm depth=4 base=6
    anchor: 100..100
    state: auction
    book: sell 99 x 3 by 1
    > state continuous
    uncrossed 99 x 3 surplus 1 ; trade 99 x 3 uncross curve #1 net 3 ; state continuous from auction
    account: 1 position_lots=-3
    > bust trade 1
    busted 99 x 3 uncross curve
    account: 1 position_lots=0
    """)


def test_an_account_that_nobody_keeps_a_position_for_has_none_to_return(play):
    play("""
    instrument: bust_window=4
    account: 2 position_lots=7
    book: sell 100 x 2 by 1
    > buy 100 x 2 by 2
    accepted #2 leaves 0 ; trade 100 x 2 book #1 leaves 0
    > bust trade 1
    busted 100 x 2 book
    account: 2 position_lots=7
    """)


def test_a_trade_with_oneself_moves_nothing(play):
    play("""
    instrument: bust_window=4
    account: 1 position_lots=7
    book: sell 100 x 2 by 1
    > buy 100 x 2 by 1
    accepted #2 leaves 0 ; trade 100 x 2 book #1 leaves 0
    > bust trade 1
    busted 100 x 2 book
    account: 1 position_lots=7
    """)


def test_a_position_set_in_between_moves_by_the_lots_of_the_trade(play):
    play("""
    instrument: bust_window=4
    account: 1 position_lots=0
    book: sell 100 x 2 by 1
    > buy 100 x 2 by 2
    accepted #2 leaves 0 ; trade 100 x 2 book #1 leaves 0
    > account 1 position_lots=50
    account 1 position_lots=50
    > bust trade 1
    busted 100 x 2 book
    account: 1 position_lots=52
    """)


def test_the_window_holds_the_last_trades_and_busts_make_no_room(play):
    play("""
    instrument: bust_window=2
    book: sell 100 x 1 by 1 ; sell 101 x 1 by 1 ; sell 102 x 1 by 1 ; sell 103 x 1 by 1
    > buy 102 x 3 by 2
    accepted #5 leaves 0 ; trade 100 x 1 book #1 leaves 0 ; trade 101 x 1 book #2 leaves 0
    ; trade 102 x 1 book #3 leaves 0
    > bust trade 1
    rejected unknown trade
    > bust trade 3
    busted 102 x 1 book
    > bust trade 1
    rejected unknown trade
    > buy 103 x 1 by 2
    accepted #6 leaves 0 ; trade 103 x 1 book #4 leaves 0
    > bust trade 2 -- pushed out
    rejected unknown trade
    > bust trade 3 -- still inside
    rejected already busted
    > bust trade 4
    busted 103 x 1 book
    book: empty
    """)


# --- what does not come back ---------------------------------------------------------------------


def test_a_stop_that_was_triggered_has_traded_and_one_that_waits_is_not_elected(play):
    play("""
    instrument: bust_window=4
    account: 3 position_lots=0
    trade: 100
    book: sell 105 x 1 by 1 ; sell 106 x 9 by 1
    > buy 110 x 2 by 3 stop 104
    accepted #5 leaves 2 armed
    > sell 90 x 2 by 4 stop 95
    accepted #6 leaves 2 armed
    > buy 105 x 1 by 9
    accepted #7 leaves 0 ; trade 105 x 1 book #3 leaves 0 ; triggered #5 110 x 2 leaves 0
    ; trade 106 x 2 book #4 leaves 7
    > bust trade 2 -- the print that triggered it
    busted 105 x 1 book
    account: 3 position_lots=2
    book: sell 106 x 7 by 1 ; sell 90 x 2 by 4 armed 95
    """)


def test_a_partner_that_left_with_the_trade_stays_away(play):
    play("""
    instrument: bust_window=4
    book: sell 110 x 2 by 1 ; buy 90 x 2 by 1 oco #1
    > buy 110 x 1 by 2
    accepted #3 leaves 0 ; trade 110 x 1 book #1 leaves 1 ; cancelled #2 x 2 oco
    > bust trade 1
    busted 110 x 1 book
    book: sell 110 x 1 by 1
    """)


def test_protection_that_fired_has_fired(play):
    play("""
    instrument: bust_window=4
    account: 1 protection_lots=2 protection_window_ns=100
    > quote 1 bid 99 x 5 ask 101 x 5
    accepted #1 leaves 5 ; accepted #2 leaves 5 ; quoted 1 slot 0 bid #1 ask #2
    > buy 101 x 2 by 2
    accepted #3 leaves 0 ; trade 101 x 2 book #2 leaves 3 ; protected 1 after 2
    ; cancelled #1 x 5 protection ; cancelled #2 x 3 protection
    > bust trade 1
    busted 101 x 2 book
    > quote 1 bid 99 x 5 ask 101 x 5
    rejected protection active
    book: empty
    """)


def test_an_auctions_indication_does_not_move(play):
    play("""
    instrument: bust_window=4
    trade: 104
    state: auction
    book: buy 110 x 2 by 1 ; sell 100 x 2 by 2
    > bust trade 1
    busted 104 x 1 book
    > state continuous
    uncrossed 104 x 2 surplus 0 ; trade 104 x 2 uncross #3 with #4 leaves 0 ; state continuous from auction
    book: empty
    """)


def test_open_orders_may_lead_beyond_a_limit_afterwards_and_stay(play):
    play("""
    instrument: bust_window=4
    account: 1 max_long_lots=5 position_lots=2
    book: buy 100 x 2 by 2
    > sell 100 x 2 by 1
    accepted #2 leaves 0 ; trade 100 x 2 book #1 leaves 0
    > buy 99 x 5 by 1
    accepted #3 leaves 5
    > bust trade 1
    busted 100 x 2 book
    account: 1 position_lots=2
    book: buy 99 x 5 by 1
    """)
