"""Immediate or cancel: match, then cancel the rest and say how much."""


def test_cancels_the_remainder(play):
    play("""
    book: sell 101 x 5 by 1 ; buy 99 x 3 by 2
    > buy 102 x 7 by 3 ioc
    accepted #3 leaves 0 ; trade 101 x 5 book #1 leaves 0 ; cancelled #3 x 2 remainder
    book: buy 99 x 3 by 2
    """)


def test_without_any_fill_is_accepted_and_cancelled_whole(play):
    play("""
    book: sell 101 x 5 by 1
    > buy 100 x 7 by 3 ioc
    accepted #2 leaves 0 ; cancelled #2 x 7 remainder
    book: sell 101 x 5 by 1
    """)


def test_filled_whole_reports_no_cancel(play):
    play("""
    book: buy 99 x 5 by 1
    > sell 99 x 5 by 2 ioc
    accepted #2 leaves 0 ; trade 99 x 5 book #1 leaves 0
    book: empty
    """)


def test_takes_the_curve_as_well(play):
    play("""
    book: buy 98 x 2 by 1
    curve: pmm depth=4 base=6
    anchor: 100..100
    > sell 98 x 10 by 2 ioc
    accepted #2 leaves 0 ; trade 99 x 4 curve net 4 ; trade 98 x 2 book #1 leaves 0 ; cancelled #2 x 4 remainder
    book: empty
    """)


def test_needs_no_room_in_the_book(play):
    play("""
    instrument: max_orders=1
    book: sell 101 x 5 by 1
    > buy 101 x 6 by 2 ioc
    accepted #2 leaves 0 ; trade 101 x 5 book #1 leaves 0 ; cancelled #2 x 1 remainder
    book: empty
    """)
