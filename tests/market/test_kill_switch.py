"""The kill switch: an account's orders leave, and it enters nothing until the kill is lifted."""

import pytest


def test_a_kill(play):
    play("""
    trade: 100
    book: buy 99 x 2 by 1 ; buy 99 x 3 by 2 ; sell 101 x 4 by 1 show 1 ; sell 105 x 5 by 1 hidden
    book: buy 120 x 6 by 1 stop 110 ; buy 150 x 7 by 1 peg primary -1
    > kill 1
    account 1 killed=1 ; cancelled #3 x 2 killed ; cancelled #8 x 7 killed ; cancelled #5 x 4 killed
    ; cancelled #6 x 5 killed ; cancelled #7 x 6 killed ; mass cancelled 5 killed account 1
    book: buy 99 x 3 by 2
    account: 1 killed=1
    """)


def test_a_killed_account_enters_nothing_until_it_is_lifted(play):
    play("""
    book: buy 99 x 2 by 1 client 5 ; sell 101 x 9 by 2
    > kill 1
    account 1 killed=1 ; cancelled #1 x 2 killed ; mass cancelled 1 killed account 1
    > buy 99 x 2 by 1
    rejected account killed
    > buy 101 x 1 by 1 ioc
    rejected account killed
    > sell 120 x 1 by 1 stop 90
    rejected account killed
    > quote 1 bid 98 x 1
    rejected account killed
    > cancel client 5 by 1
    rejected unknown order
    > buy 99 x 1 by 3
    accepted #3 leaves 1
    > account 1 killed=0
    account 1 killed=0
    > buy 99 x 2 by 1
    accepted #4 leaves 2
    book: buy 99 x 1 by 3 ; buy 99 x 2 by 1 ; sell 101 x 9 by 2
    account: 1 killed=0
    """)


def test_a_kill_of_an_account_nobody_knows_registers_it(play):
    play("""
    > kill 7
    account 7 killed=1 ; mass cancelled 0 killed account 7
    > buy 99 x 2 by 7
    rejected account killed
    book: empty
    account: 7 killed=1 position_lots=0
    """)


def test_a_second_kill_finds_nothing(play):
    play("""
    book: buy 99 x 2 by 1
    > kill 1
    account 1 killed=1 ; cancelled #1 x 2 killed ; mass cancelled 1 killed account 1
    > kill 1
    account 1 killed=1 ; mass cancelled 0 killed account 1
    book: empty
    """)


def test_the_field_alone_refuses_the_next_orders_and_leaves_the_old_ones(play):
    play("""
    book: buy 99 x 5 by 1
    > account 1 killed=1
    account 1 killed=1
    > buy 98 x 2 by 1
    rejected account killed
    > reduce #1 x 2 by 1
    amended #1 kept 99 x 3 leaves 3
    > sell 99 x 1 by 2
    accepted #2 leaves 0 ; trade 99 x 1 book #1 leaves 2
    > cancel #1 by 1
    cancelled #1 x 2 requested
    book: empty
    """)


def test_its_fills_and_limits_stay_as_they_were(play):
    play("""
    account: 1 max_long_lots=9 position_lots=4
    book: buy 99 x 5 by 1
    > sell 99 x 1 by 2
    accepted #2 leaves 0 ; trade 99 x 1 book #1 leaves 4
    > kill 1
    account 1 killed=1 ; cancelled #1 x 4 killed ; mass cancelled 1 killed account 1
    account: 1 max_long_lots=9 position_lots=5 killed=1
    > account 1 killed=0
    account 1 killed=0
    > buy 99 x 5 by 1
    rejected position limit
    > buy 99 x 4 by 1
    accepted #3 leaves 4
    book: buy 99 x 4 by 1
    """)


def test_both_legs_of_a_pair_leave(play):
    play("""
    book: buy 95 x 1 by 1 ; sell 105 x 2 by 1 oco #1
    > kill 1
    account 1 killed=1 ; cancelled #1 x 1 killed ; cancelled #2 x 2 oco ; mass cancelled 1 killed account 1
    book: empty
    """)


def test_a_kill_before_the_uncross_takes_the_orders_out_of_it(play):
    play("""
    trade: 100
    state: auction
    book: buy 102 x 5 by 1 ; sell 98 x 5 by 2 ; buy 99 x 2 by 3
    > kill 1
    account 1 killed=1 ; cancelled #3 x 5 killed ; mass cancelled 1 killed account 1 ; indicative 98 x 2 surplus -3
    > state continuous
    uncrossed 98 x 2 surplus -3 ; trade 98 x 2 uncross #5 with #4 leaves 3 ; state continuous from auction
    book: sell 98 x 3 by 2
    """)


@pytest.mark.parametrize("state", ["halted", "closed"])
def test_a_kill_passes_where_no_order_does(play, state):
    play(f"""
    book: buy 99 x 5 by 1
    > state {state}
    state {state} from continuous
    > kill 1
    account 1 killed=1 ; cancelled #1 x 5 killed ; mass cancelled 1 killed account 1
    book: empty
    """)


def test_a_delisted_market_has_nothing_to_kill(play):
    play("""
    > state delisted
    state delisted from continuous
    > kill 1
    rejected state forbids
    > account 1 killed=1
    account 1 killed=1
    account: 1 killed=1
    """)


def test_a_kill_that_finds_no_room_for_the_account_is_refused_and_cancels_nothing(play):
    play("""
    instrument: max_accounts=1
    account: 9 killed=0
    book: buy 99 x 5 by 1
    > kill 1
    rejected accounts full
    > mass cancel account 1
    cancelled #1 x 5 mass ; mass cancelled 1 mass account 1
    book: empty
    """)
