"""Position and open-order limits: what all live orders of an account could lead to, wherever they stand."""

import pytest


def test_the_position_and_every_open_buy_together(play):
    play("""
    account: 1 max_long_lots=10 position_lots=4
    > buy 90 x 7 by 1
    rejected position limit
    > buy 90 x 4 by 1
    accepted #1 leaves 4
    > buy 91 x 3 by 1
    rejected position limit
    > buy 91 x 2 by 1
    accepted #2 leaves 2
    > sell 110 x 9 by 1 -- the other side has a limit of its own, and makes no room before it trades
    accepted #3 leaves 9
    > buy 92 x 1 by 1
    rejected position limit
    book: buy 91 x 2 by 1 ; buy 90 x 4 by 1 ; sell 110 x 9 by 1
    """)


def test_a_short_position_is_the_mirror(play):
    play("""
    account: 1 max_short_lots=10 position_lots=-4
    > sell 110 x 7 by 1
    rejected position limit
    > sell 110 x 6 by 1
    accepted #1 leaves 6
    > sell 111 x 1 by 1
    rejected position limit
    > buy 90 x 50 by 1
    accepted #2 leaves 50
    book: buy 90 x 50 by 1 ; sell 110 x 6 by 1
    """)


def test_a_fill_moves_lots_from_open_to_held_and_a_cancel_frees_them(play):
    play("""
    account: 1 max_long_lots=5
    book: sell 100 x 3 by 2
    > buy 100 x 5 by 1
    accepted #2 leaves 2 ; trade 100 x 3 book #1 leaves 0
    > buy 90 x 1 by 1
    rejected position limit
    > cancel #2 by 1
    cancelled #2 x 2 requested
    > buy 90 x 3 by 1
    rejected position limit
    > buy 90 x 2 by 1
    accepted #3 leaves 2
    book: buy 90 x 2 by 1
    account: 1 position_lots=3
    """)


def test_a_sale_makes_room_once_it_trades(play):
    play("""
    account: 1 max_long_lots=5 position_lots=5
    book: buy 95 x 2 by 2 ; sell 105 x 9 by 2
    > buy 90 x 1 by 1
    rejected position limit
    > sell 95 x 2 by 1
    accepted #3 leaves 0 ; trade 95 x 2 book #1 leaves 0
    > buy 105 x 2 by 1
    accepted #4 leaves 0 ; trade 105 x 2 book #2 leaves 7
    account: 1 position_lots=5
    book: sell 105 x 7 by 2
    """)


@pytest.mark.parametrize(
    ("order", "answer"),
    [
        ("buy 90 x 4 by 1 hidden", "accepted #3 leaves 4 hidden"),
        ("buy 90 x 4 by 1 show 1", "accepted #3 leaves 4 iceberg ; shown #3 x 1 of 4"),
        ("buy 110 x 4 by 1 stop 106", "accepted #3 leaves 4 armed"),
        ("buy 110 x 4 by 1 trail 5", "accepted #3 leaves 4 armed"),
        ("buy market x 4 by 1 ioc stop 106", "accepted #3 leaves 4 armed"),
        ("buy 99 x 4 by 1 peg anchor", "accepted #3 leaves 4 parked"),
        ("quote 1 bid 90 x 4", "accepted #3 leaves 4 ; quoted 1 slot 0 bid #3 ask none"),
    ],
)
def test_every_live_order_counts_with_all_it_has_left(play, order, answer):
    play(f"""
    account: 1 max_long_lots=5
    trade: 100
    > {order}
    {answer}
    > buy 80 x 2 by 1
    rejected position limit
    > buy 80 x 2 by 1 ioc -- however short its life would be
    rejected position limit
    > buy 80 x 1 by 1 ioc
    accepted #4 leaves 0 ; cancelled #4 x 1 remainder
    > buy 80 x 1 by 1
    accepted #5 leaves 1
    state: continuous
    """)


def test_a_market_order_that_waits_for_the_uncross_counts(play):
    play("""
    account: 1 max_short_lots=5
    trade: 100
    state: auction
    > sell market x 4 by 1 auction
    accepted #3 leaves 4 call
    > sell 100 x 2 by 1
    rejected position limit
    > sell 100 x 1 by 1
    accepted #4 leaves 1
    book: sell 100 x 1 by 1 ; sell market x 4 by 1 call
    """)


def test_both_orders_of_a_pair_count(play):
    play("""
    account: 1 max_long_lots=5
    trade: 100
    > buy 90 x 3 by 1
    accepted #3 leaves 3
    > buy 110 x 3 by 1 stop 106 oco #3 -- only one of them will ever trade, and still
    rejected position limit
    > buy 110 x 2 by 1 stop 106 oco #3
    accepted #4 leaves 2 armed
    book: buy 90 x 3 by 1 ; buy 110 x 2 by 1 armed 106
    """)


def test_reduce_only_orders_are_not_counted_and_not_tested(play):
    play("""
    account: 1 max_short_lots=0 position_lots=6
    > sell 110 x 6 by 1 reduce-only
    accepted #1 leaves 6
    > sell 111 x 7 by 1
    rejected position limit
    > sell 111 x 6 by 1 -- counted first, it leaves nothing to reduce
    accepted #2 leaves 6 ; cancelled #1 x 6 reduce only
    book: sell 111 x 6 by 1
    """)


def test_beyond_its_limit_an_account_may_only_come_back(play):
    play("""
    account: 1 max_long_lots=5 max_short_lots=2 position_lots=8
    book: buy 100 x 9 by 2 ; sell 101 x 9 by 2
    > buy 101 x 1 by 1
    rejected position limit
    > sell 100 x 4 by 1
    accepted #3 leaves 0 ; trade 100 x 4 book #1 leaves 5
    > buy 101 x 2 by 1
    rejected position limit
    > buy 101 x 1 by 1
    accepted #4 leaves 0 ; trade 101 x 1 book #2 leaves 8
    account: 1 position_lots=5
    book: buy 100 x 5 by 2 ; sell 101 x 8 by 2
    """)


def test_an_amendment_is_tested_by_what_it_adds(play):
    play("""
    account: 1 max_long_lots=5
    book: buy 90 x 4 by 1
    > amend #1 x 6 by 1
    rejected position limit
    > amend #1 to 91 x 5 by 1
    amended #1 lost 91 x 5 leaves 5
    > account 1 max_long_lots=2
    account 1 max_long_lots=2
    > amend #1 to 92 by 1 -- adds nothing
    amended #1 lost 92 x 5 leaves 5
    > amend #1 x 4 by 1 -- less, although still too much
    amended #1 kept 92 x 4 leaves 4
    > amend #1 x 5 by 1
    rejected position limit
    book: buy 92 x 4 by 1
    """)


def test_a_quote_is_tested_as_if_the_one_it_replaces_were_gone(play):
    play("""
    account: 1 max_long_lots=5 max_short_lots=3
    > quote 1 bid 90 x 4 ask 110 x 3
    accepted #1 leaves 4 ; accepted #2 leaves 3 ; quoted 1 slot 0 bid #1 ask #2
    > quote 1 bid 91 x 5 ask 110 x 4
    rejected position limit
    > quote 1 bid 91 x 6 ask 110 x 3
    rejected position limit
    > quote 1 bid 91 x 5 ask 110 x 3
    cancelled #1 x 4 quote replaced ; accepted #3 leaves 5 ; quoted 1 slot 0 bid #3 ask #2
    > quote 1 slot 1 bid 89 x 1 -- another slot replaces nothing
    rejected position limit
    book: buy 91 x 5 by 1 ; sell 110 x 3 by 1
    """)


def test_a_stop_has_been_tested_when_it_triggers(play):
    play("""
    account: 1 max_long_lots=5
    trade: 100
    book: buy 110 x 5 by 1 stop 105 ; sell 105 x 1 by 2 ; sell 106 x 9 by 2
    > account 1 max_long_lots=0
    account 1 max_long_lots=0
    > buy 105 x 1 by 3
    accepted #6 leaves 0 ; trade 105 x 1 book #4 leaves 0 ; triggered #3 110 x 5 leaves 0
    ; trade 106 x 5 book #5 leaves 4
    account: 1 position_lots=5
    book: sell 106 x 4 by 2
    """)


# --- open orders --------------------------------------------------------------------------------


def test_so_many_open_orders_wherever_they_stand(play):
    play("""
    account: 1 max_open_orders=3
    book: buy 90 x 5 by 1 ; buy 120 x 1 by 1 stop 110 ; buy 99 x 1 by 1 peg anchor
    > sell 105 x 1 by 1
    rejected open order limit
    > quote 1 bid 91 x 1
    rejected open order limit
    > sell 105 x 1 by 1 ioc stop 80 -- waits
    rejected open order limit
    > sell 90 x 1 by 1 ioc -- never stays, not even when it is all there is to sell
    accepted #4 leaves 0 ; trade 90 x 1 book #1 leaves 4
    > amend #1 x 9 by 1 -- is there already
    amended #1 lost 90 x 9 leaves 8
    > cancel #3 by 1
    cancelled #3 x 1 requested
    > sell 105 x 1 by 1
    accepted #5 leaves 1
    book: buy 90 x 8 by 1 ; sell 105 x 1 by 1 ; buy 120 x 1 by 1 armed 110
    """)


def test_an_order_that_would_trade_at_once_is_counted_all_the_same(play):
    play("""
    account: 1 max_open_orders=1
    book: buy 90 x 1 by 1 ; sell 100 x 5 by 2
    > buy 100 x 5 by 1
    rejected open order limit
    > buy 100 x 5 by 1 fok
    accepted #3 leaves 0 ; trade 100 x 5 book #2 leaves 0
    book: buy 90 x 1 by 1
    """)


def test_the_two_sides_of_a_quote_are_two_and_replacing_them_needs_no_room(play):
    play("""
    account: 1 max_open_orders=2
    > quote 1 bid 90 x 1 ask 110 x 1
    accepted #1 leaves 1 ; accepted #2 leaves 1 ; quoted 1 slot 0 bid #1 ask #2
    > quote 1 bid 91 x 1 ask 109 x 1
    cancelled #1 x 1 quote replaced ; cancelled #2 x 1 quote replaced
    ; accepted #3 leaves 1 ; accepted #4 leaves 1 ; quoted 1 slot 0 bid #3 ask #4
    > quote 1 slot 1 bid 80 x 1
    rejected open order limit
    > quote 1 bid 91 x 1
    cancelled #4 x 1 quote replaced ; quoted 1 slot 0 bid #3 ask none
    > quote 1 slot 1 bid 80 x 1
    accepted #5 leaves 1 ; quoted 1 slot 1 bid #5 ask none
    book: buy 91 x 1 by 1 ; buy 80 x 1 by 1
    """)


def test_a_limit_below_what_is_open_leaves_it_alone(play):
    play("""
    book: buy 90 x 1 by 1 ; buy 91 x 1 by 1
    > account 1 max_open_orders=0
    account 1 max_open_orders=0
    > sell 91 x 1 by 2
    accepted #3 leaves 0 ; trade 91 x 1 book #2 leaves 0
    > buy 92 x 1 by 1
    rejected open order limit
    book: buy 90 x 1 by 1
    """)
