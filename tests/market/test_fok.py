"""Fill or kill: all or nothing, judged by the very walk that fills; prints at the makers' prices."""


def test_fills_over_several_prices_each_at_the_makers(play):
    play("""
    book: sell 100 x 2 by 1 ; sell 102 x 3 by 2
    > buy 105 x 5 by 3 fok
    accepted #3 leaves 0 ; trade 100 x 2 book #1 leaves 0 ; trade 102 x 3 book #2 leaves 0
    book: empty
    """)


def test_infeasible_by_one_lot_changes_nothing(play):
    play("""
    book: sell 100 x 2 by 1 ; sell 102 x 3 by 2
    > buy 105 x 6 by 3 fok client 7
    rejected fok unfillable
    book: sell 100 x 2 by 1 ; sell 102 x 3 by 2
    """)


def test_lots_beyond_the_limit_do_not_count(play):
    play("""
    book: buy 100 x 2 by 1 ; buy 98 x 3 by 2
    > sell 99 x 3 by 3 fok
    rejected fok unfillable
    > sell 98 x 3 by 3 fok
    accepted #3 leaves 0 ; trade 100 x 2 book #1 leaves 0 ; trade 98 x 1 book #2 leaves 2
    book: buy 98 x 2 by 2
    """)


def test_feasible_only_with_the_curve(play):
    play("""
    book: buy 98 x 2 by 1
    curve: pmm depth=4 base=6
    anchor: 100..100
    > sell 98 x 7 by 2 fok
    rejected fok unfillable
    > sell 98 x 6 by 2 fok
    accepted #2 leaves 0 ; trade 99 x 4 curve net 4 ; trade 98 x 2 book #1 leaves 0
    book: empty
    """)


def test_feasibility_knows_the_curves_budget(play):
    play("""
    book: buy 98 x 2 by 1
    curve: pmm depth=4 base=6 budget=200
    anchor: 100..100
    > sell 98 x 5 by 2 fok
    rejected fok unfillable
    > sell 98 x 4 by 2 fok
    accepted #2 leaves 0 ; trade 99 x 2 curve net 2 ; trade 98 x 2 book #1 leaves 0
    book: empty
    curve: net 2 cash 2
    """)


def test_feasibility_knows_the_clip(play):
    play("""
    book: sell 99 x 1 by 1
    curve: pmm depth=4 base=6
    anchor: 100..100
    > sell 99 x 1 by 2 fok -- the curve bids 98 behind the resting 99
    rejected fok unfillable
    > sell 98 x 4 by 2 fok
    accepted #2 leaves 0 ; trade 98 x 4 curve net 4
    book: sell 99 x 1 by 1
    """)


def test_a_refused_order_frees_its_client_id(play):
    play("""
    book: sell 100 x 2 by 1
    > buy 100 x 3 by 3 fok client 7
    rejected fok unfillable
    > buy 100 x 2 by 3 fok client 7
    accepted #2 leaves 0 ; trade 100 x 2 book #1 leaves 0
    book: empty
    """)


def test_on_an_empty_market(play):
    play("""
    > sell 1 x 1 by 1 fok
    rejected fok unfillable
    book: empty
    """)
