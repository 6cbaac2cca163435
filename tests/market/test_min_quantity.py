"""Minimum quantity: so much trades at entry or the order is refused; what is left then rests as any order."""

import pytest


def test_trades_its_minimum_and_rests_the_remainder(play):
    play("""
    book: sell 100 x 4 by 1
    > buy 100 x 6 by 2 min 4
    accepted #2 leaves 2 ; trade 100 x 4 book #1 leaves 0
    > sell 100 x 1 by 3 -- no minimum any more
    accepted #3 leaves 0 ; trade 100 x 1 book #2 leaves 1
    book: buy 100 x 1 by 2
    """)


def test_one_lot_too_few_is_refused_and_changes_nothing(play):
    play("""
    book: buy 100 x 4 by 1 ; buy 99 x 3 by 1
    > sell 100 x 6 by 2 min 5
    rejected min qty unfillable
    > sell 99 x 9 by 2 min 8
    rejected min qty unfillable
    > sell 99 x 9 by 2 min 7
    accepted #3 leaves 2 ; trade 100 x 4 book #1 leaves 0 ; trade 99 x 3 book #2 leaves 0
    book: sell 99 x 2 by 2
    """)


def test_reserve_hidden_orders_and_curve_all_count(play):
    play("""
    book: sell 101 x 2 by 1 show 1 ; sell 101 x 1 by 2 hidden
    curve: pmm depth=4 base=6 min=-3
    anchor: 100..100
    > buy 101 x 9 by 9 min 7
    rejected min qty unfillable
    > buy 101 x 9 by 9 min 6
    accepted #3 leaves 3 ; trade 101 x 1 book #1 leaves 1 ; shown #1 x 1 of 1 ; trade 101 x 1 book #1 leaves 0
    ; trade 101 x 1 hidden #2 leaves 0 ; trade 101 x 3 curve net -3
    book: buy 101 x 3 by 9
    """)


def test_the_curve_counts_as_far_as_it_can_pay(play):
    play("""
    curve: pmm depth=4 base=6 budget=200
    anchor: 100..100
    > sell 99 x 4 by 9 min 3 -- 200 buys two lots at 99
    rejected min qty unfillable
    > sell 99 x 4 by 9 min 2 ioc
    accepted #1 leaves 0 ; trade 99 x 2 curve net 2 ; cancelled #1 x 2 remainder
    curve: net 2 cash 2
    """)


def test_the_smallest_and_the_largest_minimum(play):
    play("""
    book: sell 100 x 4 by 1
    > buy 99 x 2 by 2 min 1
    rejected min qty unfillable
    > buy 100 x 5 by 2 min 5
    rejected min qty unfillable
    > buy 100 x 1 by 2 min 1
    accepted #2 leaves 0 ; trade 100 x 1 book #1 leaves 3
    > buy 100 x 3 by 2 min 3
    accepted #3 leaves 0 ; trade 100 x 3 book #1 leaves 0
    book: empty
    """)


@pytest.mark.parametrize("lots", [-1, 6])
def test_a_minimum_is_no_larger_than_the_order(play, lots):
    play(f"""
    book: sell 100 x 9 by 1
    > buy 100 x 5 by 2 min {lots}
    rejected min qty out of range
    book: sell 100 x 9 by 1
    """)


@pytest.mark.parametrize(
    "order",
    [
        "100 x 5 by 2 post",
        "100 x 5 by 2 slide",
        "100 x 5 by 2 auction",
        "100 x 5 by 2 stop 110",
        "100 x 5 by 2 trail 5",
        "100 x 5 by 2 peg primary",
        "market-to-limit x 5 by 2",
        "market x 5 by 2 auction",
        "market x 5 by 2 ioc stop 110",
    ],
)
def test_what_cannot_have_a_minimum(play, order):
    play(f"""
    book: sell 100 x 9 by 1
    > buy {order} min 1
    rejected invalid terms
    book: sell 100 x 9 by 1
    """)


def test_immediate_or_cancel_drops_the_rest(play):
    play("""
    book: buy 100 x 4 by 1
    > sell 100 x 6 by 2 min 4 ioc
    accepted #2 leaves 0 ; trade 100 x 4 book #1 leaves 0 ; cancelled #2 x 2 remainder
    book: empty
    """)


def test_fill_or_kill_is_the_stricter_test_and_says_so(play):
    play("""
    book: sell 100 x 4 by 1
    > buy 100 x 5 by 2 min 4 fok
    rejected fok unfillable
    > buy 100 x 4 by 2 min 2 fok
    accepted #2 leaves 0 ; trade 100 x 4 book #1 leaves 0
    book: empty
    """)


def test_a_market_order_counts_inside_its_protected_limit(play):
    play("""
    trade: 100
    book: sell 105 x 2 by 1 ; sell 106 x 5 by 1
    > buy market x 5 by 2 ioc min 3 -- up to 105
    rejected min qty unfillable
    > buy market x 5 by 2 ioc min 2
    accepted #5 leaves 0 ; trade 105 x 2 book #3 leaves 0 ; cancelled #5 x 3 remainder
    book: sell 106 x 5 by 1
    """)


def test_own_orders_do_not_count(play):
    play("""
    book: sell 100 x 2 by 1 ; sell 100 x 3 by 2
    > buy 100 x 5 by 1 min 1 stp cancel-newest
    rejected min qty unfillable
    > buy 100 x 5 by 1 min 1 stp cancel-both
    rejected min qty unfillable
    > buy 100 x 5 by 1 min 4 stp decrement
    rejected min qty unfillable
    > buy 100 x 5 by 1 min 4 stp cancel-oldest
    rejected min qty unfillable
    > buy 100 x 5 by 1 min 3 stp cancel-oldest
    accepted #3 leaves 2 ; prevented cancel-oldest 100 x 2 #1 leaves 0 ; cancelled #1 x 2 self trade
    ; trade 100 x 3 book #2 leaves 0
    book: buy 100 x 2 by 1
    """)


def test_a_decrement_does_not_trade(play):
    play("""
    book: sell 100 x 2 by 1 ; sell 100 x 3 by 2
    > buy 100 x 5 by 1 min 3 stp decrement
    accepted #3 leaves 0 ; prevented decrement 100 x 2 #1 leaves 0 ; trade 100 x 3 book #2 leaves 0
    book: empty
    """)


def test_what_lies_beyond_the_collar_does_not_count(play):
    play("""
    instrument: static_band_ppm=10000
    trade: 100
    book: sell 101 x 2 by 1 ; sell 102 x 5 by 1
    > buy 102 x 5 by 2 min 3
    rejected min qty unfillable
    > buy 102 x 5 by 2 min 2
    accepted #5 leaves 0 ; trade 101 x 2 book #3 leaves 0 ; breached #5 at 101 ; cancelled #5 x 3 collar
    book: sell 102 x 5 by 1
    """)


def test_the_rest_may_be_an_iceberg_or_hidden(play):
    play("""
    book: buy 100 x 2 by 1 ; buy 99 x 2 by 1
    > sell 100 x 6 by 2 min 2 show 1
    accepted #3 leaves 4 iceberg ; trade 100 x 2 book #1 leaves 0 ; shown #3 x 1 of 4
    > sell 99 x 5 by 2 min 2 hidden
    accepted #4 leaves 3 hidden ; trade 99 x 2 book #2 leaves 0
    book: sell 100 x 4 by 2 show 1 ; sell 99 x 3 by 2 hidden
    """)


def test_an_amendment_is_not_held_to_the_minimum(play):
    play("""
    book: sell 100 x 4 by 1 ; sell 101 x 1 by 1
    > buy 100 x 6 by 2 min 4
    accepted #3 leaves 2 ; trade 100 x 4 book #1 leaves 0
    > amend #3 to 101 by 2
    amended #3 lost 101 x 6 leaves 1 ; trade 101 x 1 book #2 leaves 0
    > cancel #3 by 2
    cancelled #3 x 1 requested
    book: empty
    """)


def test_calls_have_no_fill_at_entry_to_ask_for(play):
    play("""
    state: auction
    book: sell 100 x 4 by 1
    > buy 100 x 4 by 2 min 1
    rejected state forbids
    book: sell 100 x 4 by 1
    """)
