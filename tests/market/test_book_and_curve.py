"""One order over book and curve: best price first, the book first at one price, the curve within its cash."""

LINEAR = "curve: linear par=2 depth=20 drop=200000 min=-5"


def test_at_one_price_the_book_goes_first(play):
    play(f"""
    book: buy 100 x 3 by 1 ; buy 98 x 1 by 2
    {LINEAR}
    anchor: 100..100
    > sell 98 x 9 by 3 ioc
    accepted #3 leaves 0 ; trade 100 x 3 book #1 leaves 0 ; trade 100 x 2 curve net 2 ; trade 99 x 1 curve net 3
    ; trade 98 x 1 book #2 leaves 0 ; trade 98 x 1 curve net 4 ; cancelled #3 x 1 remainder
    book: empty
    """)


def test_a_strictly_better_rung_goes_before_the_book(play):
    play(f"""
    book: buy 99 x 3 by 1
    {LINEAR}
    anchor: 100..100
    > sell 99 x 4 by 3
    accepted #2 leaves 0 ; trade 100 x 2 curve net 2 ; trade 99 x 2 book #1 leaves 1
    book: buy 99 x 1 by 1
    """)


def test_the_same_for_a_buyer(play):
    play("""
    book: sell 101 x 2 by 1 ; sell 102 x 2 by 2
    curve: pmm depth=4 base=6 min=-3
    anchor: 100..100
    > buy 103 x 9 by 3
    accepted #3 leaves 2 ; trade 101 x 2 book #1 leaves 0 ; trade 101 x 3 curve net -3 ; trade 102 x 2 book #2 leaves 0
    book: buy 103 x 2 by 3
    """)


def test_what_it_sold_it_buys_back_at_par_and_no_dearer(play):
    play("""
    curve: pmm depth=4 base=6 min=-3
    anchor: 100..100
    > buy 101 x 3 by 3
    accepted #1 leaves 0 ; trade 101 x 3 curve net -3
    > sell 99 x 4 by 3
    accepted #2 leaves 0 ; trade 100 x 3 curve net 0 ; trade 99 x 1 curve net 1
    curve: net 1 cash 999999904
    """)


def test_stops_where_the_cash_buys_no_whole_lot(play):
    play(f"""
    book: buy 97 x 5 by 1
    {LINEAR} budget=399
    anchor: 100..100
    > sell 97 x 5 by 2 -- 100, 100, 99 leave 100 of cash, 98 leaves 2
    accepted #2 leaves 0 ; trade 100 x 2 curve net 2 ; trade 99 x 1 curve net 3 ; trade 98 x 1 curve net 4
    ; trade 97 x 1 book #1 leaves 4
    book: buy 97 x 4 by 1
    curve: net 4 cash 2
    """)


def test_a_rung_is_filled_as_far_as_the_cash_goes(play):
    play("""
    curve: pmm depth=4 base=6 min=-3 budget=250
    anchor: 100..100
    > sell 98 x 4 by 2
    accepted #1 leaves 2 ; trade 99 x 2 curve net 2
    > buy 101 x 1 by 3 -- the resting ask is the better price
    accepted #2 leaves 0 ; trade 98 x 1 book #1 leaves 1
    book: sell 98 x 1 by 2
    curve: net 2 cash 52
    """)


def test_no_budget_at_all(play):
    play(f"""
    {LINEAR} budget=0
    anchor: 100..100
    > sell 1 x 4 by 2 ioc
    accepted #1 leaves 0 ; cancelled #1 x 4 remainder
    > buy 101 x 4 by 2
    accepted #2 leaves 0 ; trade 101 x 4 curve net -4
    > sell 1 x 4 by 2 ioc -- it spends what it earned
    accepted #3 leaves 0 ; trade 100 x 4 curve net 0
    curve: net 0 cash 4
    """)


def test_sells_until_its_cash_no_longer_fits_63_bits(play):
    price, budget = 2**40 + 1, 2**62
    room = (2**63 - 1 - budget) // price
    play(f"""
    curve: pmm depth=4 base=4294967295 min=-4294967294 budget={budget}
    anchor: {price - 1}..{price - 1}
    > buy {price} x {room + 1} by 1 ioc
    accepted #1 leaves 0 ; trade {price} x {room} curve net -{room} ; cancelled #1 x 1 remainder
    curve: net -{room} cash {budget + room * price}
    """)


def test_the_cursor_stays_within_its_limits(play):
    play("""
    curve: pmm depth=9 base=9 min=-2 max=3
    anchor: 100..100
    > sell 99 x 9 by 1 ioc
    accepted #1 leaves 0 ; trade 99 x 3 curve net 3 ; cancelled #1 x 6 remainder
    > buy 101 x 9 by 1 ioc
    accepted #2 leaves 0 ; trade 100 x 3 curve net 0 ; trade 101 x 2 curve net -2 ; cancelled #2 x 4 remainder
    curve: net -2 cash 1000000205
    """)


def test_redemption_pays_the_floor_for_the_rest_and_never_sells(play):
    play("""
    curve: redemption par=2 depth=2 drop=20000 max=50
    anchor: 100..100
    > buy 1000 x 1 by 1 ioc
    accepted #1 leaves 0 ; cancelled #1 x 1 remainder
    > sell 1 x 60 by 1 ioc
    accepted #2 leaves 0 ; trade 100 x 2 curve net 2 ; trade 99 x 1 curve net 3 ; trade 98 x 47 curve net 50
    ; cancelled #2 x 10 remainder
    curve: net 50 cash 999995095
    """)


def test_rungs_of_several_ticks(play):
    play("""
    book: buy 97 x 1 by 1
    curve: linear par=2 depth=20 drop=200000 rung=5
    anchor: 100..100
    > sell 90 x 13 by 2 ioc
    accepted #2 leaves 0 ; trade 100 x 2 curve net 2 ; trade 97 x 1 book #1 leaves 0 ; trade 95 x 5 curve net 7
    ; trade 90 x 5 curve net 12
    book: empty
    """)
