"""Cancel and reduce, by order id or client id, from anywhere in the queue."""


def test_cancel_the_middle_of_a_queue_keeps_those_behind(play):
    play("""
    book: buy 100 x 1 by 1 ; buy 100 x 2 by 2 ; buy 100 x 3 by 3
    > cancel #2 by 2
    cancelled #2 x 2 requested
    > sell 100 x 4 by 4
    accepted #4 leaves 0 ; trade 100 x 1 book #1 leaves 0 ; trade 100 x 3 book #3 leaves 0
    book: empty
    """)


def test_cancel_front_and_back(play):
    play("""
    book: sell 100 x 1 by 1 ; sell 100 x 2 by 2 ; sell 100 x 3 by 3
    > cancel #1 by 1
    cancelled #1 x 1 requested
    > cancel #3 by 3
    cancelled #3 x 3 requested
    book: sell 100 x 2 by 2
    """)


def test_cancel_reports_what_is_left_after_fills(play):
    play("""
    book: buy 100 x 5 by 1
    > sell 100 x 2 by 2
    accepted #2 leaves 0 ; trade 100 x 2 book #1 leaves 3
    > cancel #1 by 1
    cancelled #1 x 3 requested
    > cancel #1 by 1
    rejected unknown order
    book: empty
    """)


def test_the_last_order_of_the_best_price_uncovers_the_next(play):
    market = play("""
    book: buy 100 x 5 by 1 ; buy 98 x 1 by 1 ; sell 103 x 1 by 2 ; sell 102 x 1 by 2
    > cancel #1 by 1
    cancelled #1 x 5 requested
    > cancel #4 by 2
    cancelled #4 x 1 requested
    book: buy 98 x 1 by 1 ; sell 103 x 1 by 2
    """)
    assert (market.best_bid_ticks, market.best_ask_ticks) == (98, 103)


def test_cancel_by_client_id(play):
    play("""
    > buy 100 x 5 by 1 client 77
    accepted #1 leaves 5
    > buy 100 x 6 by 2 client 77
    accepted #2 leaves 6
    > cancel client 77 by 2
    cancelled #2 x 6 requested
    > cancel client 77 by 2
    rejected unknown order
    > cancel client 77 by 3
    rejected unknown order
    book: buy 100 x 5 by 1
    """)


def test_an_order_id_outranks_the_client_id(market):
    market.place(1, 0, 5, 100, client_id=7)
    market.place(1, 0, 5, 100, client_id=8)
    assert market.cancel(1, order_id=1, client_id=8) == 0
    assert market.queue(0, 100) == [2]


def test_reduce_keeps_the_place_in_the_queue(play):
    play("""
    book: buy 100 x 5 by 1 ; buy 100 x 5 by 2
    > reduce #1 x 2 by 1
    amended #1 kept 100 x 3 leaves 3
    > sell 100 x 4 by 3
    accepted #3 leaves 0 ; trade 100 x 3 book #1 leaves 0 ; trade 100 x 1 book #2 leaves 4
    book: buy 100 x 4 by 2
    """)


def test_reduce_after_fills_lowers_the_total_by_as_much(play):
    play("""
    book: buy 100 x 9 by 1
    > sell 100 x 4 by 2
    accepted #2 leaves 0 ; trade 100 x 4 book #1 leaves 5
    > reduce #1 x 2 by 1
    amended #1 kept 100 x 7 leaves 3
    book: buy 100 x 3 by 1
    """)


def test_reduce_to_nothing_or_below_cancels(play):
    play("""
    book: buy 100 x 5 by 1 ; buy 99 x 5 by 1
    > reduce #1 x 5 by 1
    cancelled #1 x 5 requested
    > reduce #2 x 274877906943 by 1
    cancelled #2 x 5 requested
    book: empty
    """)


def test_reduce_by_client_id_and_out_of_range(play):
    play("""
    > sell 100 x 5 by 1 client 7
    accepted #1 leaves 5
    > reduce client 7 x 1 by 1
    amended #1 kept 100 x 4 leaves 4
    > reduce client 7 x 0 by 1
    rejected qty out of range
    > reduce client 7 x -1 by 1
    rejected qty out of range
    > reduce client 7 x 274877906944 by 1
    rejected qty out of range
    book: sell 100 x 4 by 1
    """)


def test_only_the_owner(play):
    play("""
    book: buy 100 x 5 by 1
    > cancel #1 by 2
    rejected not owner
    > reduce #1 x 1 by 2
    rejected not owner
    > amend #1 x 4 by 2
    rejected not owner
    > cancel #9 by 1
    rejected unknown order
    book: buy 100 x 5 by 1
    """)
