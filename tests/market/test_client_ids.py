"""Client ids: unique per account among live orders and a bounded window of dead ones, tested before any effect."""


def test_a_duplicate_of_a_live_order_trades_nothing(play):
    play("""
    book: sell 100 x 5 by 9
    > buy 99 x 1 by 1 client 7
    accepted #2 leaves 1
    > buy 100 x 5 by 1 client 7
    rejected duplicate client id
    book: buy 99 x 1 by 1 ; sell 100 x 5 by 9
    """)


def test_is_per_account_and_zero_means_none(play):
    play("""
    > buy 99 x 1 by 1 client 7
    accepted #1 leaves 1
    > buy 99 x 1 by 2 client 7
    accepted #2 leaves 1
    > buy 99 x 1 by 1
    accepted #3 leaves 1
    > buy 99 x 1 by 1
    accepted #4 leaves 1
    book: buy 99 x 1 by 1 ; buy 99 x 1 by 2 ; buy 99 x 1 by 1 ; buy 99 x 1 by 1
    """)


def test_every_way_to_die_enters_the_window(play):
    play("""
    > sell 100 x 1 by 1 client 1
    accepted #1 leaves 1
    > buy 100 x 1 by 1 client 2 -- both die filled: the maker first, then the taker
    accepted #2 leaves 0 ; trade 100 x 1 book #1 leaves 0
    > buy 100 x 1 by 1 ioc client 3
    accepted #3 leaves 0 ; cancelled #3 x 1 remainder
    > buy 100 x 2 by 1 client 4
    accepted #4 leaves 2
    > cancel client 4 by 1
    cancelled #4 x 2 requested
    > buy 100 x 2 by 1 client 5
    accepted #5 leaves 2
    > reduce client 5 x 2 by 1
    cancelled #5 x 2 requested
    > buy 100 x 2 by 1 client 6
    accepted #6 leaves 2
    > sell 100 x 1 by 2
    accepted #7 leaves 0 ; trade 100 x 1 book #6 leaves 1
    > amend client 6 x 1 by 1
    cancelled #6 x 1 amended to filled
    > buy 1 x 1 by 1 client 1
    rejected duplicate client id
    > buy 1 x 1 by 1 client 2
    rejected duplicate client id
    > buy 1 x 1 by 1 client 3
    rejected duplicate client id
    > buy 1 x 1 by 1 client 4
    rejected duplicate client id
    > buy 1 x 1 by 1 client 5
    rejected duplicate client id
    > buy 1 x 1 by 1 client 6
    rejected duplicate client id
    book: empty
    """)


def test_dying_by_amendment_or_lift_enters_the_window_too(play):
    play("""
    > buy 99 x 1 by 1 client 1
    accepted #1 leaves 1
    > sell 100 x 1 by 2
    accepted #2 leaves 1
    > amend client 1 to 100 by 1
    amended #1 lost 100 x 1 leaves 0 ; trade 100 x 1 book #2 leaves 0
    > sell 95 x 1 by 1 client 2
    accepted #3 leaves 1
    > set pmm lift=9 lift depth=4
    curve set pmm cash 1000000000
    > anchor 100..100
    proposed 100..100 for 0 ; anchor 100..100 net 0 cash 1000000000 ; trade 95 x 1 lift #3 leaves 0
    > buy 1 x 1 by 1 client 1
    rejected duplicate client id
    > buy 1 x 1 by 1 client 2
    rejected duplicate client id
    book: empty
    """)


def test_the_oldest_leaves_the_window_first(play):
    play("""
    instrument: client_id_window=2
    > buy 1 x 1 by 1 ioc client 1
    accepted #1 leaves 0 ; cancelled #1 x 1 remainder
    > buy 1 x 1 by 1 ioc client 2
    accepted #2 leaves 0 ; cancelled #2 x 1 remainder
    > buy 1 x 1 by 1 ioc client 3
    accepted #3 leaves 0 ; cancelled #3 x 1 remainder
    > buy 1 x 1 by 1 ioc client 2
    rejected duplicate client id
    > buy 1 x 1 by 1 ioc client 3
    rejected duplicate client id
    > buy 1 x 1 by 1 client 1 -- evicted, so free again; live ids never age
    accepted #4 leaves 1
    > buy 1 x 1 by 1 ioc client 4
    accepted #5 leaves 0 ; cancelled #5 x 1 remainder
    > buy 1 x 1 by 1 ioc client 5
    accepted #6 leaves 0 ; cancelled #6 x 1 remainder
    > buy 1 x 1 by 1 client 1
    rejected duplicate client id
    book: buy 1 x 1 by 1
    """)


def test_window_zero_frees_an_id_at_once(play):
    play("""
    instrument: client_id_window=0
    > sell 100 x 2 by 1 client 7
    accepted #1 leaves 2
    > buy 100 x 2 by 2 client 7
    accepted #2 leaves 0 ; trade 100 x 2 book #1 leaves 0
    > sell 100 x 3 by 1 client 7
    accepted #3 leaves 3
    > cancel client 7 by 1
    cancelled #3 x 3 requested
    > sell 100 x 4 by 1 client 7
    accepted #4 leaves 4
    > sell 100 x 4 by 1 client 7
    rejected duplicate client id
    book: sell 100 x 4 by 1
    """)


def test_a_refused_order_leaves_no_trace_in_the_window(play):
    play("""
    instrument: client_id_window=1
    > buy 1 x 1 by 1 ioc client 1
    accepted #1 leaves 0 ; cancelled #1 x 1 remainder
    > buy 1 x 1 by 1 fok client 2
    rejected fok unfillable
    > buy 1 x 1 by 1 client 1
    rejected duplicate client id
    > buy 1 x 1 by 1 client 2
    accepted #2 leaves 1
    book: buy 1 x 1 by 1
    """)


def test_a_dead_id_names_no_order(play):
    play("""
    > buy 100 x 1 by 1 client 7
    accepted #1 leaves 1
    > cancel client 7 by 1
    cancelled #1 x 1 requested
    > amend client 7 x 1 by 1
    rejected unknown order
    > reduce client 7 x 1 by 1
    rejected unknown order
    > cancel client 7 by 1
    rejected unknown order
    > cancel client 0 by 1
    rejected unknown order
    book: empty
    """)


def test_the_greatest_client_id(play):
    play("""
    > buy 100 x 1 by 4294967295 client 18446744073709551615
    accepted #1 leaves 1
    > buy 100 x 1 by 4294967295 client 18446744073709551615
    rejected duplicate client id
    > cancel client 18446744073709551615 by 4294967295
    cancelled #1 x 1 requested
    book: empty
    """)
