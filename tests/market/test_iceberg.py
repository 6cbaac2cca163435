"""Icebergs: a slice is shown, the reserve is not; a slice used up is replaced at the back of its price."""

import pytest

from parbook.units import ICEBERG_SLICES_MAX


def test_shows_its_slice_and_no_more(play):
    market = play("""
    > sell 100 x 10 by 1 show 3
    accepted #1 leaves 10 iceberg ; shown #1 x 3 of 10
    > buy 98 x 2 by 2 show 2 -- all of it may be the slice
    accepted #2 leaves 2 iceberg ; shown #2 x 2 of 2
    book: buy 98 x 2 by 2 show 2 ; sell 100 x 10 by 1 show 3
    """)
    assert market.depth(5).tolist() == [(0, 0, 1, 98, 2), (1, 0, 1, 100, 3)]


def test_a_slice_used_up_goes_to_the_back(play):
    play("""
    book: sell 100 x 7 by 1 show 3 ; sell 100 x 4 by 2
    > buy 100 x 5 by 9
    accepted #3 leaves 0 ; trade 100 x 3 book #1 leaves 4 ; shown #1 x 3 of 4 ; trade 100 x 2 book #2 leaves 2
    book: sell 100 x 2 by 2 ; sell 100 x 4 by 1 show 3
    """)


def test_a_slice_used_in_part_keeps_its_place(play):
    play("""
    book: sell 100 x 6 by 1 show 3 ; sell 100 x 1 by 2
    > buy 100 x 2 by 9
    accepted #3 leaves 0 ; trade 100 x 2 book #1 leaves 4
    > buy 100 x 2 by 9
    accepted #4 leaves 0 ; trade 100 x 1 book #1 leaves 3 ; shown #1 x 3 of 3 ; trade 100 x 1 book #2 leaves 0
    book: sell 100 x 3 by 1 show 3
    """)


def test_one_aggressor_goes_round_until_the_reserve_is_gone(play):
    play("""
    book: sell 100 x 7 by 1 show 3 ; sell 100 x 4 by 2 ; sell 101 x 1 by 3
    > buy 101 x 12 by 9
    accepted #4 leaves 0 ; trade 100 x 3 book #1 leaves 4 ; shown #1 x 3 of 4 ; trade 100 x 4 book #2 leaves 0
    ; trade 100 x 3 book #1 leaves 1 ; shown #1 x 1 of 1 ; trade 100 x 1 book #1 leaves 0
    ; trade 101 x 1 book #3 leaves 0
    book: empty
    """)


def test_two_icebergs_take_turns(play):
    play("""
    book: buy 100 x 5 by 1 show 2 ; buy 100 x 4 by 2 show 2
    > sell 100 x 7 by 9
    accepted #3 leaves 0 ; trade 100 x 2 book #1 leaves 3 ; shown #1 x 2 of 3 ; trade 100 x 2 book #2 leaves 2
    ; shown #2 x 2 of 2 ; trade 100 x 2 book #1 leaves 1 ; shown #1 x 1 of 1 ; trade 100 x 1 book #2 leaves 1
    book: buy 100 x 1 by 2 show 1 ; buy 100 x 1 by 1 show 1
    """)


def test_it_takes_with_all_its_size_and_shows_a_slice_of_the_rest(play):
    play("""
    book: sell 100 x 4 by 1 ; sell 101 x 4 by 1
    > buy 100 x 10 by 2 show 2
    accepted #3 leaves 6 iceberg ; trade 100 x 4 book #1 leaves 0 ; shown #3 x 2 of 6
    > buy 101 x 5 by 3 show 3 -- what is left is less than a slice
    accepted #4 leaves 1 iceberg ; trade 101 x 4 book #2 leaves 0 ; shown #4 x 1 of 1
    book: buy 101 x 1 by 3 show 1 ; buy 100 x 6 by 2 show 2
    """)


def test_the_curve_waits_for_the_reserve_of_its_price(play):
    play("""
    book: sell 101 x 3 by 1 show 1
    curve: pmm depth=4 base=6 min=-5
    anchor: 100..100
    > buy 101 x 5 by 9
    accepted #2 leaves 0 ; trade 101 x 1 book #1 leaves 2 ; shown #1 x 1 of 2 ; trade 101 x 1 book #1 leaves 1
    ; shown #1 x 1 of 1 ; trade 101 x 1 book #1 leaves 0 ; trade 101 x 2 curve net -2
    book: empty
    """)


def test_fill_or_kill_finds_the_reserve(play):
    play("""
    book: buy 100 x 3 by 1 show 1
    > sell 100 x 4 by 9 fok
    rejected fok unfillable
    > sell 100 x 3 by 9 fok
    accepted #2 leaves 0 ; trade 100 x 1 book #1 leaves 2 ; shown #1 x 1 of 2 ; trade 100 x 1 book #1 leaves 1
    ; shown #1 x 1 of 1 ; trade 100 x 1 book #1 leaves 0
    book: empty
    """)


def test_pro_rata_counts_what_is_shown(play):
    play("""
    instrument: allocation=pro-rata
    book: sell 100 x 6 by 1 show 2 ; sell 100 x 6 by 2
    > buy 100 x 4 by 9 -- 4 x 2 / 8 and 4 x 6 / 8
    accepted #3 leaves 0 ; trade 100 x 1 book #1 leaves 5 ; trade 100 x 3 book #2 leaves 3
    > buy 100 x 9 by 9 -- more than is shown, round after round
    accepted #4 leaves 1 ; trade 100 x 1 book #1 leaves 4 ; shown #1 x 2 of 4 ; trade 100 x 3 book #2 leaves 0
    ; trade 100 x 2 book #1 leaves 2 ; shown #1 x 2 of 2 ; trade 100 x 2 book #1 leaves 0
    book: buy 100 x 1 by 9
    """)


def test_a_decrement_takes_the_reserve_first_and_strands_none_of_it(play):
    play("""
    book: sell 100 x 6 by 1 show 2 ; sell 100 x 1 by 2
    > buy 100 x 3 by 1 stp decrement
    accepted #3 leaves 0 ; prevented decrement 100 x 3 #1 leaves 3
    book: sell 100 x 3 by 1 show 2 ; sell 100 x 1 by 2
    > buy 100 x 2 by 1 stp decrement
    accepted #4 leaves 0 ; prevented decrement 100 x 2 #1 leaves 1
    book: sell 100 x 1 by 1 show 1 ; sell 100 x 1 by 2
    """)


def test_an_uncross_takes_it_round_by_round(play):
    play("""
    state: auction
    book: sell 100 x 5 by 1 show 2 ; sell 100 x 3 by 2 ; buy 100 x 6 by 9
    > state continuous
    uncrossed 100 x 6 surplus -2 ; trade 100 x 2 uncross #3 with #1 leaves 3 ; shown #1 x 2 of 3
    ; trade 100 x 3 uncross #3 with #2 leaves 0 ; trade 100 x 1 uncross #3 with #1 leaves 2
    ; state continuous from auction
    book: sell 100 x 2 by 1 show 1
    """)


@pytest.mark.parametrize("lots", [-1, 6])
def test_a_slice_is_no_larger_than_the_order(play, lots):
    play(f"""
    > buy 100 x 5 by 1 show {lots}
    rejected display out of range
    book: empty
    """)


def test_no_order_has_more_slices_than_a_sweep_may_have_to_walk(play):
    play(f"""
    > sell 100 x {3 * ICEBERG_SLICES_MAX + 1} by 1 show 3
    rejected display out of range
    > sell 100 x {3 * ICEBERG_SLICES_MAX} by 1 show 3
    accepted #1 leaves {3 * ICEBERG_SLICES_MAX} iceberg ; shown #1 x 3 of {3 * ICEBERG_SLICES_MAX}
    > amend #1 x {3 * ICEBERG_SLICES_MAX + 1} by 1
    rejected display out of range
    > amend #1 show 2 by 1
    rejected display out of range
    > amend #1 x {4 * ICEBERG_SLICES_MAX} show 4 by 1
    amended #1 lost 100 x {4 * ICEBERG_SLICES_MAX} leaves {4 * ICEBERG_SLICES_MAX}
    ; shown #1 x 4 of {4 * ICEBERG_SLICES_MAX}
    book: sell 100 x {4 * ICEBERG_SLICES_MAX} by 1 show 4
    """)


@pytest.mark.parametrize(
    "order",
    [
        "100 x 5 by 1 hidden",
        "100 x 5 by 1 ioc",
        "100 x 5 by 1 fok",
        "100 x 5 by 1 stop 99",
        "100 x 5 by 1 peg primary",
        "market x 5 by 1 ioc",
        "market-to-limit x 5 by 1",
    ],
)
def test_what_cannot_be_an_iceberg(play, order):
    play(f"""
    book: sell 100 x 9 by 9
    > buy {order} show 2
    rejected invalid terms
    book: sell 100 x 9 by 9
    """)


def test_less_comes_off_the_reserve_and_then_off_the_slice(play):
    play("""
    book: sell 100 x 10 by 1 show 3 ; sell 100 x 1 by 2
    > amend #1 x 7 by 1
    amended #1 kept 100 x 7 leaves 7
    > reduce #1 x 3 by 1
    amended #1 kept 100 x 4 leaves 4
    book: sell 100 x 4 by 1 show 3 ; sell 100 x 1 by 2
    > reduce #1 x 2 by 1
    amended #1 kept 100 x 2 leaves 2
    book: sell 100 x 2 by 1 show 2 ; sell 100 x 1 by 2
    > buy 100 x 3 by 9
    accepted #3 leaves 0 ; trade 100 x 2 book #1 leaves 0 ; trade 100 x 1 book #2 leaves 0
    book: empty
    """)


def test_a_cancel_takes_slice_and_reserve(play):
    play("""
    book: buy 100 x 10 by 1 show 3
    > sell 100 x 4 by 2
    accepted #2 leaves 0 ; trade 100 x 3 book #1 leaves 7 ; shown #1 x 3 of 7 ; trade 100 x 1 book #1 leaves 6
    > cancel #1 by 1
    cancelled #1 x 6 requested
    book: empty
    """)


def test_a_lift_takes_the_reserve_and_then_what_is_hidden(play):
    play("""
    book: sell 98 x 1 by 2 hidden ; sell 98 x 3 by 1 show 2
    curve: linear par=10 depth=20 drop=200000 lift lift=100
    > anchor 100..100
    proposed 100..100 for 0 ; anchor 100..100 net 0 cash 1000000000 ; trade 98 x 2 lift #2 leaves 1
    ; shown #2 x 1 of 1 ; trade 98 x 1 lift #2 leaves 0 ; trade 98 x 1 lift #1 leaves 0
    book: empty
    """)


def test_what_rests_at_the_collar_shows_a_slice_there(play):
    play("""
    instrument: dynamic_band_ppm=50000 breach_rests=true
    trade: 100
    book: sell 104 x 1 by 1 ; sell 105 x 3 by 2 hidden ; sell 110 x 1 by 1
    > buy 112 x 9 by 3 show 2
    accepted #6 leaves 5 iceberg at 105 ; trade 104 x 1 book #3 leaves 0 ; trade 105 x 3 hidden #4 leaves 0
    ; breached #6 at 105 ; shown #6 x 2 of 5
    book: buy 105 x 5 by 3 show 2 ; sell 110 x 1 by 1
    """)


def test_own_icebergs_are_dealt_with_whole_and_once(play):
    play("""
    book: sell 100 x 5 by 1 show 2 ; sell 100 x 3 by 2 show 1
    > buy 100 x 9 by 1 stp cancel-oldest
    accepted #3 leaves 6 ; prevented cancel-oldest 100 x 5 #1 leaves 0 ; cancelled #1 x 5 self trade
    ; trade 100 x 1 book #2 leaves 2 ; shown #2 x 1 of 2 ; trade 100 x 1 book #2 leaves 1 ; shown #2 x 1 of 1
    ; trade 100 x 1 book #2 leaves 0
    book: buy 100 x 6 by 1
    """)
