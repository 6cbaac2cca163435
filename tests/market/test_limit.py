"""Limit orders: price, then time; every fill at the resting side's price; the rest rests."""


def test_rests_when_nothing_crosses(play):
    play("""
    > buy 99 x 3 by 1
    accepted #1 leaves 3
    > sell 100 x 4 by 2
    accepted #2 leaves 4
    book: buy 99 x 3 by 1 ; sell 100 x 4 by 2
    """)


def test_trades_at_the_makers_price_and_rests_the_remainder(play):
    play("""
    book: sell 101 x 5 by 1 ; buy 99 x 3 by 2
    > buy 102 x 7 by 3
    accepted #3 leaves 2 ; trade 101 x 5 book #1 leaves 0
    book: buy 102 x 2 by 3 ; buy 99 x 3 by 2
    """)


def test_best_price_first_whatever_the_order_of_entry(play):
    play("""
    book: sell 103 x 1 by 1 ; sell 101 x 1 by 2 ; sell 102 x 1 by 3
    > buy 103 x 3 by 4
    accepted #4 leaves 0 ; trade 101 x 1 book #2 leaves 0 ; trade 102 x 1 book #3 leaves 0
    ; trade 103 x 1 book #1 leaves 0
    book: empty
    """)


def test_best_bid_first_for_a_seller(play):
    play("""
    book: buy 97 x 1 by 1 ; buy 99 x 1 by 2 ; buy 98 x 1 by 3
    > sell 98 x 3 by 4
    accepted #4 leaves 1 ; trade 99 x 1 book #2 leaves 0 ; trade 98 x 1 book #3 leaves 0
    book: buy 97 x 1 by 1 ; sell 98 x 1 by 4
    """)


def test_time_priority_within_a_price_survives_a_partial_fill(play):
    play("""
    book: sell 100 x 5 by 1 ; sell 100 x 5 by 2 ; sell 100 x 5 by 3
    > buy 100 x 3 by 9
    accepted #4 leaves 0 ; trade 100 x 3 book #1 leaves 2
    > buy 100 x 4 by 9
    accepted #5 leaves 0 ; trade 100 x 2 book #1 leaves 0 ; trade 100 x 2 book #2 leaves 3
    book: sell 100 x 3 by 2 ; sell 100 x 5 by 3
    """)


def test_never_trades_through_its_limit(play):
    play("""
    book: sell 100 x 1 by 1 ; sell 101 x 1 by 1
    > buy 100 x 5 by 2
    accepted #3 leaves 4 ; trade 100 x 1 book #1 leaves 0
    book: buy 100 x 4 by 2 ; sell 101 x 1 by 1
    """)


def test_fills_at_an_equal_price(play):
    play("""
    book: buy 100 x 2 by 1
    > sell 100 x 2 by 2
    accepted #2 leaves 0 ; trade 100 x 2 book #1 leaves 0
    book: empty
    """)


def test_order_ids_are_dense_over_accepted_orders_only(play):
    play("""
    > buy 99 x 1 by 1
    accepted #1 leaves 1
    > buy 0 x 1 by 1
    rejected price out of range
    > buy 98 x 1 by 1
    accepted #2 leaves 1
    book: buy 99 x 1 by 1 ; buy 98 x 1 by 1
    """)


def test_an_account_may_trade_with_itself(play):
    # Where neither order nor instrument asks for self-trade prevention; the trade names the account on both sides.
    play("""
    book: sell 100 x 1 by 1
    > buy 100 x 1 by 1
    accepted #2 leaves 0 ; trade 100 x 1 book #1 leaves 0
    book: empty
    """)
