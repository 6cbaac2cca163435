"""Post-only: refused when any of it would trade on entry, against the better of book and curve."""


def test_refused_at_or_through_the_book(play):
    play("""
    book: sell 101 x 5 by 1 ; buy 99 x 3 by 2
    > buy 101 x 1 by 3 post
    rejected post only would trade
    > buy 150 x 1 by 3 post
    rejected post only would trade
    > sell 99 x 1 by 3 post
    rejected post only would trade
    > buy 100 x 1 by 3 post
    accepted #3 leaves 1
    book: buy 100 x 1 by 3 ; buy 99 x 3 by 2 ; sell 101 x 5 by 1
    """)


def test_refused_at_or_through_the_curve(play):
    play("""
    curve: pmm depth=4 base=6 min=-5
    anchor: 100..100
    > buy 101 x 1 by 3 post
    rejected post only would trade
    > sell 99 x 1 by 3 post
    rejected post only would trade
    > sell 100 x 1 by 3 post
    accepted #1 leaves 1
    book: sell 100 x 1 by 3
    """)


def test_does_not_see_a_curve_that_cannot_pay(play):
    play("""
    curve: pmm depth=4 base=6 budget=98
    anchor: 100..100
    > sell 99 x 1 by 3 post -- 98 of cash buy no lot at 99
    accepted #1 leaves 1
    book: sell 99 x 1 by 3
    """)


def test_does_not_see_the_part_of_the_curve_that_is_clipped(play):
    play("""
    curve: pmm depth=4 base=6
    anchor: 100..100
    > sell 100 x 1 by 3 post
    accepted #1 leaves 1
    > withdraw curve
    curve withdrawn net 0 cash 1000000000
    > sell 99 x 1 by 3 post
    accepted #2 leaves 1
    > anchor 100..100 -- the curve's bid goes one tick behind the ask of 99
    proposed 100..100 for 0 ; anchor 100..100 net 0 cash 1000000000
    > sell 99 x 1 by 4 post
    accepted #3 leaves 1
    > sell 98 x 1 by 4 post
    rejected post only would trade
    book: sell 99 x 1 by 3 ; sell 99 x 1 by 4 ; sell 100 x 1 by 3
    """)


def test_is_a_limit_order_once_it_rests(play):
    play("""
    > buy 100 x 5 by 1 post
    accepted #1 leaves 5
    > sell 100 x 2 by 2
    accepted #2 leaves 0 ; trade 100 x 2 book #1 leaves 3
    book: buy 100 x 3 by 1
    """)


def test_stays_post_only_through_an_amendment(play):
    play("""
    book: sell 101 x 5 by 1 ; buy 100 x 4 by 2
    > buy 100 x 3 by 3 post
    accepted #3 leaves 3
    > buy 100 x 2 by 4
    accepted #4 leaves 2
    > amend #3 to 101 by 3 -- refused: nothing of it moves, its place in the queue included
    rejected post only would trade
    book: buy 100 x 4 by 2 ; buy 100 x 3 by 3 ; buy 100 x 2 by 4 ; sell 101 x 5 by 1
    > amend #3 to 99 x 8 by 3
    amended #3 lost 99 x 8 leaves 8
    > amend #3 to 101 by 3
    rejected post only would trade
    book: buy 100 x 4 by 2 ; buy 100 x 2 by 4 ; buy 99 x 8 by 3 ; sell 101 x 5 by 1
    """)


def test_amendment_is_judged_without_the_orders_own_clip(play):
    # While it rests at 100 the order keeps the curve's offers behind it; gone from there, it would meet them.
    play("""
    > sell 95 x 1 by 1 post
    accepted #1 leaves 1
    > set pmm depth=4 base=6
    curve set pmm cash 1000000000
    > anchor 100..100
    proposed 100..100 for 0 ; anchor 100..100 net 0 cash 1000000000
    > amend #1 to 99 by 1 -- the curve would bid 99 again
    rejected post only would trade
    > amend #1 to 94 by 1
    rejected post only would trade
    > amend #1 to 100 by 1
    amended #1 lost 100 x 1 leaves 1
    book: sell 100 x 1 by 1
    """)


def test_another_order_at_the_price_keeps_the_clip(play):
    play("""
    > sell 95 x 1 by 1 post
    accepted #1 leaves 1
    > sell 95 x 1 by 2
    accepted #2 leaves 1
    > set pmm depth=4 base=6
    curve set pmm cash 1000000000
    > anchor 100..100
    proposed 100..100 for 0 ; anchor 100..100 net 0 cash 1000000000
    > amend #1 to 99 by 1 -- the curve stays at 94, behind account 2's 95
    amended #1 lost 99 x 1 leaves 1
    book: sell 95 x 1 by 2 ; sell 99 x 1 by 1
    """)
