"""Brackets: a target and a stop that close one position, both reduce-only and partners of each other."""

import pytest

LONG = """
    account: 1 position_lots=10
    trade: 100
    book: sell 110 x 10 by 1 reduce-only ; sell 85 x 10 by 1 stop 95 reduce-only oco #3
"""


def test_the_target_is_reached_and_the_stop_leaves(play):
    play(f"""{LONG}
    > buy 110 x 10 by 2
    accepted #5 leaves 0 ; trade 110 x 10 book #3 leaves 0 ; cancelled #4 x 10 oco
    book: empty
    account: 1 position_lots=0
    """)


def test_the_stop_is_reached_and_the_target_leaves_first(play):
    # Were the target still there, it would take the room of the stop.
    play(f"""{LONG}
    > buy 94 x 10 by 2
    accepted #5 leaves 10
    > buy 95 x 1 by 3
    accepted #6 leaves 1
    > sell 95 x 1 by 4
    accepted #7 leaves 0 ; trade 95 x 1 book #6 leaves 0 ; cancelled #3 x 10 oco ; triggered #4 85 x 10 leaves 0
    ; trade 94 x 10 book #5 leaves 0
    book: empty
    account: 1 position_lots=0
    """)


def test_a_target_filled_in_part_leaves_the_rest_without_a_stop(play):
    play(f"""{LONG}
    > buy 110 x 3 by 2
    accepted #5 leaves 0 ; trade 110 x 3 book #3 leaves 7 ; cancelled #4 x 10 oco
    > sell 85 x 7 by 1 stop 95 reduce-only oco #3 -- so its owner pairs the rest anew; 110 is the last price
    accepted #6 leaves 7 armed
    book: sell 110 x 7 by 1 ; sell 85 x 7 by 1 armed 95
    account: 1 position_lots=7
    """)


def test_a_smaller_position_cuts_the_target_at_once_and_the_stop_when_it_triggers(play):
    play(f"""{LONG}
    > buy 98 x 4 by 2
    accepted #5 leaves 4
    > sell 98 x 4 by 1 ioc
    accepted #6 leaves 0 ; trade 98 x 4 book #5 leaves 0 ; amended #3 kept 110 x 6 leaves 6
    book: sell 110 x 6 by 1 ; sell 85 x 10 by 1 armed 95
    > buy 94 x 20 by 2
    accepted #7 leaves 20
    > buy 95 x 1 by 3
    accepted #8 leaves 1
    > sell 95 x 1 by 4
    accepted #9 leaves 0 ; trade 95 x 1 book #8 leaves 0 ; cancelled #3 x 6 oco ; amended #4 kept 85 x 6 leaves 6
    ; triggered #4 85 x 6 leaves 0 ; trade 94 x 6 book #7 leaves 14
    book: buy 94 x 14 by 2
    account: 1 position_lots=0
    """)


def test_a_position_that_is_gone_takes_the_target_and_with_it_the_stop(play):
    play(f"""{LONG}
    > buy 98 x 10 by 2
    accepted #5 leaves 10
    > sell 98 x 10 by 1 ioc
    accepted #6 leaves 0 ; trade 98 x 10 book #5 leaves 0 ; cancelled #3 x 10 reduce only ; cancelled #4 x 10 oco
    book: empty
    account: 1 position_lots=0
    """)


def test_a_target_that_is_cut_keeps_its_turn(play):
    play(f"""{LONG}
    > sell 110 x 5 by 2
    accepted #5 leaves 5
    > sell 120 x 4 by 1 -- counts before it
    accepted #6 leaves 4 ; amended #3 kept 110 x 6 leaves 6
    > buy 110 x 7 by 3
    accepted #7 leaves 0 ; trade 110 x 6 book #3 leaves 0 ; trade 110 x 1 book #5 leaves 4 ; cancelled #4 x 10 oco
    book: sell 110 x 4 by 2 ; sell 120 x 4 by 1
    account: 1 position_lots=4
    """)


def test_a_short_position_is_the_mirror(play):
    play("""
    account: 1 position_lots=-10
    trade: 100
    book: buy 90 x 10 by 1 reduce-only ; buy 115 x 10 by 1 stop 105 reduce-only oco #3 ; sell 106 x 20 by 2
    ; sell 105 x 1 by 3 ; sell 102 x 4 by 2
    > buy 102 x 4 by 1 ioc
    accepted #8 leaves 0 ; trade 102 x 4 book #7 leaves 0 ; amended #3 kept 90 x 6 leaves 6
    > buy 105 x 1 by 4
    accepted #9 leaves 0 ; trade 105 x 1 book #6 leaves 0 ; cancelled #3 x 6 oco ; amended #4 kept 115 x 6 leaves 6
    ; triggered #4 115 x 6 leaves 0 ; trade 106 x 6 book #5 leaves 14
    book: sell 106 x 14 by 2
    account: 1 position_lots=0
    """)


@pytest.mark.parametrize("which", [3, 4])
def test_cancelling_one_cancels_both(play, which):
    play(f"""{LONG}
    > cancel #{which} by 1
    cancelled #{which} x 10 requested ; cancelled #{7 - which} x 10 oco
    book: empty
    account: 1 position_lots=10
    """)


def test_a_stop_that_an_auction_elects_closes_when_trading_opens(play):
    play(f"""{LONG}
    > state auction
    state auction from continuous
    > buy 94 x 20 by 2
    accepted #5 leaves 20
    > sell 94 x 4 by 3
    accepted #6 leaves 4 ; indicative 94 x 4 surplus 16
    > state continuous
    uncrossed 94 x 4 surplus 16 ; trade 94 x 4 uncross #5 with #6 leaves 0 ; state continuous from auction
    ; cancelled #3 x 10 oco ; triggered #4 85 x 10 leaves 0 ; trade 94 x 10 book #5 leaves 6
    book: buy 94 x 6 by 2
    account: 1 position_lots=0
    """)


def test_what_is_left_of_a_triggered_stop_waits_as_a_reduce_only_limit(play):
    play(f"""{LONG}
    > buy 95 x 3 by 2
    accepted #5 leaves 3
    > sell 95 x 1 by 3
    accepted #6 leaves 0 ; trade 95 x 1 book #5 leaves 2 ; cancelled #3 x 10 oco ; triggered #4 85 x 10 leaves 8
    ; trade 95 x 2 book #5 leaves 0
    book: sell 85 x 8 by 1
    > buy 84 x 3 by 2
    accepted #7 leaves 3
    > sell 84 x 3 by 1 ioc
    accepted #8 leaves 0 ; trade 84 x 3 book #7 leaves 0 ; amended #4 kept 85 x 7 leaves 5
    book: sell 85 x 5 by 1
    account: 1 position_lots=5
    """)
