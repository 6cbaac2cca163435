"""Pegged orders: after every command each stands at its distance from its reference, never in anybody's way."""

import pytest

PRICE_TICKS_MAX = 2**60 - 1


def test_a_primary_buy_follows_the_best_bid_of_others(play):
    play("""
    book: buy 99 x 1 by 1 ; sell 105 x 1 by 2
    > buy 110 x 2 by 3 peg primary
    accepted #3 leaves 2 parked ; repriced #3 99 leaves 2
    book: buy 99 x 1 by 1 ; buy 99 x 2 by 3 ; sell 105 x 1 by 2
    > buy 101 x 1 by 4
    accepted #4 leaves 1 ; repriced #3 101 leaves 2
    > sell 101 x 2 by 5 -- both trade, and the one that is left has only 99 to follow
    accepted #5 leaves 0 ; trade 101 x 1 book #4 leaves 0 ; trade 101 x 1 book #3 leaves 1 ; repriced #3 99 leaves 1
    book: buy 99 x 1 by 1 ; buy 99 x 1 by 3 ; sell 105 x 1 by 2
    """)


def test_a_positive_offset_is_higher_on_either_side(play):
    play("""
    book: buy 99 x 1 by 1 ; sell 105 x 1 by 2
    > buy 110 x 2 by 3 peg primary +2
    accepted #3 leaves 2 parked ; repriced #3 101 leaves 2
    > buy 110 x 2 by 3 peg primary -2
    accepted #4 leaves 2 parked ; repriced #4 97 leaves 2
    > sell 90 x 2 by 3 peg primary +1
    accepted #5 leaves 2 parked ; repriced #5 106 leaves 2
    > sell 90 x 2 by 3 peg primary -1
    accepted #6 leaves 2 parked ; repriced #6 104 leaves 2
    book: buy 101 x 2 by 3 ; buy 99 x 1 by 1 ; buy 97 x 2 by 3
    ; sell 104 x 2 by 3 ; sell 105 x 1 by 2 ; sell 106 x 2 by 3
    """)


def test_its_limit_is_the_worst_it_reaches(play):
    play("""
    book: buy 99 x 1 by 1 ; sell 105 x 1 by 2
    > buy 98 x 1 by 3 peg primary
    accepted #3 leaves 1 parked ; repriced #3 98 leaves 1
    > sell 104 x 1 by 3 peg primary -3
    accepted #4 leaves 1 parked ; repriced #4 104 leaves 1
    book: buy 99 x 1 by 1 ; buy 98 x 1 by 3 ; sell 104 x 1 by 3 ; sell 105 x 1 by 2
    """)


def test_the_middle_is_rounded_away_from_the_other_side(play):
    play("""
    book: buy 99 x 1 by 1 ; sell 104 x 1 by 2
    > sell 90 x 1 by 4 peg mid
    accepted #3 leaves 1 parked ; repriced #3 102 leaves 1
    > buy 110 x 1 by 3 peg mid
    accepted #4 leaves 1 parked ; repriced #4 101 leaves 1
    > cancel #1 by 1 -- no middle without both sides
    cancelled #1 x 1 requested ; repriced #4 parked leaves 1 ; repriced #3 parked leaves 1
    book: sell 104 x 1 by 2 ; sell 90 x 1 by 4 parked ; buy 110 x 1 by 3 parked
    """)


def test_at_one_middle_the_sell_stays_a_tick_above_the_buy(play):
    play("""
    book: buy 99 x 1 by 1 ; sell 105 x 1 by 2
    > sell 90 x 1 by 4 peg mid
    accepted #3 leaves 1 parked ; repriced #3 102 leaves 1
    > buy 110 x 1 by 3 peg mid
    accepted #4 leaves 1 parked ; repriced #4 102 leaves 1 ; repriced #3 103 leaves 1
    > sell 102 x 1 by 9
    accepted #5 leaves 0 ; trade 102 x 1 book #4 leaves 0 ; repriced #3 102 leaves 1
    book: buy 99 x 1 by 1 ; sell 102 x 1 by 4 ; sell 105 x 1 by 2
    """)


def test_on_the_anchor_a_buy_follows_its_low_and_a_sell_its_high(play):
    play("""
    curve: pmm depth=4 base=6
    anchor: 98..102
    > sell 1 x 1 by 1 peg anchor +1
    accepted #1 leaves 1 parked ; repriced #1 103 leaves 1
    > buy 200 x 1 by 2 peg anchor
    accepted #2 leaves 1 parked ; repriced #2 98 leaves 1
    > anchor 108..112
    proposed 108..112 for 0 ; anchor 108..112 net 0 cash 1000000000
    ; repriced #2 108 leaves 1 ; repriced #1 113 leaves 1
    > withdraw curve
    curve withdrawn net 0 cash 1000000000 ; repriced #2 parked leaves 1 ; repriced #1 parked leaves 1
    book: sell 1 x 1 by 1 parked ; buy 200 x 1 by 2 parked
    """)


def test_stays_a_tick_behind_the_book_even_where_it_is_hidden(play):
    play("""
    book: buy 99 x 1 by 1 ; sell 102 x 1 by 2 hidden ; sell 105 x 1 by 2
    > buy 110 x 1 by 3 peg primary +9
    accepted #4 leaves 1 parked ; repriced #4 101 leaves 1
    > cancel #2 by 2
    cancelled #2 x 1 requested ; repriced #4 104 leaves 1
    > sell 104 x 1 by 9 -- what comes in may trade with it
    accepted #5 leaves 0 ; trade 104 x 1 book #4 leaves 0
    book: buy 99 x 1 by 1 ; sell 105 x 1 by 2
    """)


def test_stays_a_tick_behind_the_curve(play):
    play("""
    book: buy 90 x 1 by 1
    curve: pmm depth=4 base=6 min=-5
    anchor: 100..100
    > buy 110 x 1 by 2 peg primary +15 -- the curve offers at 101
    accepted #2 leaves 1 parked ; repriced #2 100 leaves 1
    > anchor 95..95
    proposed 95..95 for 0 ; anchor 95..95 net 0 cash 1000000000 ; repriced #2 95 leaves 1
    > buy 96 x 5 by 9 -- until the curve has nothing left to offer
    accepted #3 leaves 0 ; trade 96 x 5 curve net -5 ; repriced #2 105 leaves 1
    book: buy 105 x 1 by 2 ; buy 90 x 1 by 1
    """)


def test_without_a_reference_it_is_parked_and_it_is_none_to_itself(play):
    play("""
    > buy 110 x 1 by 1 peg primary
    accepted #1 leaves 1 parked
    > buy 98 x 1 by 2 hidden
    accepted #2 leaves 1 hidden
    > buy 97 x 1 by 3
    accepted #3 leaves 1 ; repriced #1 97 leaves 1
    > cancel #3 by 3
    cancelled #3 x 1 requested ; repriced #1 parked leaves 1
    book: buy 98 x 1 by 2 hidden ; buy 110 x 1 by 1 parked
    """)


def test_a_target_that_is_no_price_parks_it(play):
    play("""
    book: buy 99 x 1 by 1
    > buy 110 x 1 by 2 peg primary -99
    accepted #2 leaves 1 parked
    > buy 100 x 1 by 3
    accepted #3 leaves 1 ; repriced #2 1 leaves 1
    > cancel #3 by 3
    cancelled #3 x 1 requested ; repriced #2 parked leaves 1
    book: buy 99 x 1 by 1 ; buy 110 x 1 by 2 parked
    """)


def test_pegs_move_together_by_id_and_those_that_need_not_move_keep_their_turn(play):
    play("""
    book: buy 99 x 1 by 1 ; buy 200 x 1 by 2 peg primary ; buy 100 x 1 by 3 peg primary ; buy 200 x 1 by 4 peg primary
    > buy 101 x 1 by 5 -- number 3 stops at its limit
    accepted #5 leaves 1 ; repriced #2 101 leaves 1 ; repriced #3 100 leaves 1 ; repriced #4 101 leaves 1
    > buy 101 x 1 by 6
    accepted #6 leaves 1
    > sell 101 x 3 by 9
    accepted #7 leaves 0 ; trade 101 x 1 book #5 leaves 0 ; trade 101 x 1 book #2 leaves 0
    ; trade 101 x 1 book #4 leaves 0
    book: buy 101 x 1 by 6 ; buy 100 x 1 by 3 ; buy 99 x 1 by 1
    """)


def test_outside_continuous_trading_it_is_parked(play):
    play("""
    book: buy 99 x 1 by 1 ; buy 110 x 1 by 2 peg primary
    > state auction
    state auction from continuous ; repriced #2 parked leaves 1
    > buy 110 x 1 by 3 peg primary
    accepted #3 leaves 1 parked
    > state continuous
    uncrossed 0 x 0 surplus 0 ; state continuous from auction ; repriced #2 99 leaves 1 ; repriced #3 99 leaves 1
    book: buy 99 x 1 by 1 ; buy 99 x 1 by 2 ; buy 99 x 1 by 3
    """)


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ("110 x 5 by 1 peg none", "invalid terms"),
        ("110 x 5 by 1 peg mid min 1", "invalid terms"),
        ("110 x 5 by 1 peg mid stop 105", "invalid terms"),
        ("110 x 5 by 1 peg mid amount 500", "invalid terms"),
        ("110 x 5 by 1 peg mid ioc", "invalid combination"),
        ("110 x 5 by 1 peg mid fok", "invalid combination"),
        ("110 x 5 by 1 peg mid auction", "invalid combination"),
        ("0 x 5 by 1 peg mid", "price out of range"),
        (f"110 x 5 by 1 peg mid +{PRICE_TICKS_MAX + 1}", "offset out of range"),
        (f"110 x 5 by 1 peg mid -{PRICE_TICKS_MAX + 1}", "offset out of range"),
    ],
)
def test_what_cannot_be_pegged(play, order, code):
    play(f"""
    book: buy 99 x 1 by 9 ; sell 105 x 1 by 9
    > buy {order}
    rejected {code}
    book: buy 99 x 1 by 9 ; sell 105 x 1 by 9
    """)


def test_the_greatest_offsets(play):
    play(f"""
    book: buy 99 x 1 by 9
    > buy 110 x 1 by 1 peg primary +{PRICE_TICKS_MAX} -- the limit stops it
    accepted #2 leaves 1 parked ; repriced #2 110 leaves 1
    > buy 110 x 1 by 1 peg primary -{PRICE_TICKS_MAX}
    accepted #3 leaves 1 parked
    book: buy 110 x 1 by 1 ; buy 99 x 1 by 9 ; buy 110 x 1 by 1 parked
    """)


def test_quotes_are_followed_too(play):
    play("""
    > quote 1 bid 99 x 5 ask 105 x 5
    accepted #1 leaves 5 ; accepted #2 leaves 5 ; quoted 1 slot 0 bid #1 ask #2
    > buy 110 x 1 by 2 peg mid
    accepted #3 leaves 1 parked ; repriced #3 102 leaves 1
    > quote 1 bid 101 x 5 ask 105 x 5 -- the ask keeps its turn
    cancelled #1 x 5 quote replaced ; accepted #4 leaves 5 ; quoted 1 slot 0 bid #4 ask #2 ; repriced #3 103 leaves 1
    book: buy 103 x 1 by 2 ; buy 101 x 5 by 1 ; sell 105 x 5 by 1
    """)


def test_only_so_many_are_pegged(play):
    play("""
    instrument: max_pegs=1
    book: buy 99 x 1 by 9
    > buy 110 x 1 by 1 peg primary
    accepted #2 leaves 1 parked ; repriced #2 99 leaves 1
    > buy 110 x 1 by 2 peg primary
    rejected pegs full
    > sell 99 x 2 by 3
    accepted #3 leaves 0 ; trade 99 x 1 book #1 leaves 0 ; trade 99 x 1 book #2 leaves 0
    > buy 110 x 1 by 2 peg primary
    accepted #4 leaves 1 parked
    > cancel #4 by 2
    cancelled #4 x 1 requested
    book: empty
    """)


def test_reduced_and_cancelled_in_the_book_and_parked(play):
    play("""
    book: buy 99 x 1 by 9 ; buy 110 x 4 by 1 peg primary ; buy 110 x 4 by 2 peg primary ; sell 90 x 4 by 3 peg mid
    > reduce #2 x 1 by 1
    amended #2 kept 99 x 3 leaves 3
    > reduce #4 x 1 by 3
    amended #4 kept 0 x 3 leaves 3
    book: buy 99 x 1 by 9 ; buy 99 x 3 by 1 ; buy 99 x 4 by 2 ; sell 90 x 3 by 3 parked
    > cancel #4 by 3
    cancelled #4 x 3 requested
    > cancel #2 by 1
    cancelled #2 x 3 requested
    > reduce #3 x 4 by 2
    cancelled #3 x 4 requested
    book: buy 99 x 1 by 9
    """)


def test_a_peg_that_trades_keeps_what_is_left_of_it(play):
    play("""
    book: sell 101 x 5 by 9 ; sell 90 x 4 by 1 peg primary -1
    > buy 100 x 1 by 2
    accepted #3 leaves 0 ; trade 100 x 1 book #2 leaves 3
    > buy 99 x 2 by 2
    accepted #4 leaves 2
    > sell 101 x 1 by 3
    accepted #5 leaves 1
    > cancel #1 by 9
    cancelled #1 x 5 requested
    book: buy 99 x 2 by 2 ; sell 100 x 3 by 1 ; sell 101 x 1 by 3
    """)


def test_a_peg_does_not_trail(play):
    play("""
    book: buy 99 x 1 by 9 ; sell 105 x 1 by 9
    > buy 110 x 5 by 1 peg mid trail 5 ppm
    rejected invalid terms
    book: buy 99 x 1 by 9 ; sell 105 x 1 by 9
    """)
