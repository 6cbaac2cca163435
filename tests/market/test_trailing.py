"""Trailing stops: the trigger follows every print that is better for the order, at its distance, and never returns."""

import pytest

PRICE_TICKS_MAX = 2**60 - 1


def test_a_sell_follows_prints_up_and_waits_there(play):
    play("""
    trade: 100
    book: sell 103 x 1 by 8 ; buy 101 x 1 by 8 ; buy 98 x 1 by 8 ; buy 97 x 1 by 8
    > sell 90 x 1 by 1 trail 5
    accepted #7 leaves 1 armed
    book: buy 101 x 1 by 8 ; buy 98 x 1 by 8 ; buy 97 x 1 by 8 ; sell 103 x 1 by 8 ; sell 90 x 1 by 1 armed 95
    > buy 103 x 1 by 9
    accepted #8 leaves 0 ; trade 103 x 1 book #3 leaves 0
    book: buy 101 x 1 by 8 ; buy 98 x 1 by 8 ; buy 97 x 1 by 8 ; sell 90 x 1 by 1 armed 98
    > sell 101 x 1 by 9
    accepted #9 leaves 0 ; trade 101 x 1 book #4 leaves 0
    book: buy 98 x 1 by 8 ; buy 97 x 1 by 8 ; sell 90 x 1 by 1 armed 98
    > sell 98 x 1 by 9
    accepted #10 leaves 0 ; trade 98 x 1 book #5 leaves 0 ; triggered #7 90 x 1 leaves 0
    ; trade 97 x 1 book #6 leaves 0
    book: empty
    """)


def test_a_buy_follows_prints_down(play):
    play("""
    trade: 100
    book: buy 96 x 1 by 8 ; sell 98 x 1 by 8 ; sell 99 x 1 by 8
    > buy 110 x 2 by 1 trail 3
    accepted #6 leaves 2 armed
    > sell 96 x 1 by 9
    accepted #7 leaves 0 ; trade 96 x 1 book #3 leaves 0
    book: sell 98 x 1 by 8 ; sell 99 x 1 by 8 ; buy 110 x 2 by 1 armed 99
    > buy 98 x 1 by 9
    accepted #8 leaves 0 ; trade 98 x 1 book #4 leaves 0
    > buy 99 x 1 by 9
    accepted #9 leaves 0 ; trade 99 x 1 book #5 leaves 0 ; triggered #6 110 x 2 leaves 2
    book: buy 110 x 2 by 1
    """)


def test_a_distance_in_ppm_is_rounded_down_and_taken_anew_from_every_print(play):
    play("""
    trade: 1000
    book: sell 1033 x 1 by 8 ; sell 1066 x 1 by 8 ; sell 1067 x 1 by 8
    > sell 900 x 1 by 1 trail 15000 ppm
    accepted #6 leaves 1 armed
    book: sell 1033 x 1 by 8 ; sell 1066 x 1 by 8 ; sell 1067 x 1 by 8 ; sell 900 x 1 by 1 armed 985
    > buy 1033 x 1 by 9 -- 15.495
    accepted #7 leaves 0 ; trade 1033 x 1 book #3 leaves 0
    book: sell 1066 x 1 by 8 ; sell 1067 x 1 by 8 ; sell 900 x 1 by 1 armed 1018
    > buy 1066 x 1 by 9 -- 15.99
    accepted #8 leaves 0 ; trade 1066 x 1 book #4 leaves 0
    book: sell 1067 x 1 by 8 ; sell 900 x 1 by 1 armed 1051
    > buy 1067 x 1 by 9 -- 16.005
    accepted #9 leaves 0 ; trade 1067 x 1 book #5 leaves 0
    book: sell 900 x 1 by 1 armed 1051
    """)


def test_a_distance_in_ppm_is_at_least_a_tick(play):
    play("""
    trade: 100
    > sell 90 x 1 by 1 trail 1 ppm
    accepted #3 leaves 1 armed
    > buy 110 x 1 by 1 trail 9999 ppm
    accepted #4 leaves 1 armed
    > buy 110 x 1 by 1 trail 20000 ppm
    accepted #5 leaves 1 armed
    book: sell 90 x 1 by 1 armed 99 ; buy 110 x 1 by 1 armed 101 ; buy 110 x 1 by 1 armed 102
    """)


def test_only_prints_move_it(play):
    play("""
    trade: 100
    > sell 90 x 1 by 1 trail 5
    accepted #3 leaves 1 armed
    > buy 120 x 1 by 2
    accepted #4 leaves 1
    > sell 130 x 1 by 3
    accepted #5 leaves 1
    book: buy 120 x 1 by 2 ; sell 130 x 1 by 3 ; sell 90 x 1 by 1 armed 95
    """)


def test_a_sweep_away_from_it_moves_it_by_the_last_print(play):
    play("""
    trade: 100
    book: sell 101 x 1 by 8 ; sell 103 x 1 by 8 ; sell 105 x 1 by 8
    > sell 90 x 1 by 1 trail 3
    accepted #6 leaves 1 armed
    > buy 105 x 3 by 9
    accepted #7 leaves 0 ; trade 101 x 1 book #3 leaves 0 ; trade 103 x 1 book #4 leaves 0
    ; trade 105 x 1 book #5 leaves 0
    book: sell 90 x 1 by 1 armed 102
    """)


def test_a_sweep_towards_it_moves_it_by_the_first_print_and_elects_it_by_the_last(play):
    play("""
    trade: 100
    book: buy 110 x 1 by 8 ; buy 105 x 1 by 8
    > sell 104 x 1 by 1 trail 3
    accepted #5 leaves 1 armed
    > sell 105 x 2 by 9 -- 110 takes the trigger to 107
    accepted #6 leaves 0 ; trade 110 x 1 book #3 leaves 0 ; trade 105 x 1 book #4 leaves 0
    ; triggered #5 104 x 1 leaves 1
    book: sell 104 x 1 by 1
    """)


def test_needs_a_price_to_begin_with(play):
    play("""
    curve: pmm depth=4 base=6
    > sell 90 x 1 by 1 trail 5
    rejected no reference price
    > sell 90 x 1 by 1 trail 5 on-anchor
    rejected no reference price
    > anchor 100..100
    proposed 100..100 for 0 ; anchor 100..100 net 0 cash 1000000000
    > sell 90 x 1 by 1 trail 5 -- an anchor is no trade
    rejected no reference price
    > sell 90 x 1 by 1 trail 5 on-anchor
    accepted #1 leaves 1 armed
    book: sell 90 x 1 by 1 armed 95
    """)


def test_on_an_anchor_it_follows_the_middle_and_no_trade(play):
    play("""
    curve: pmm depth=4 base=6
    anchor: 100..101
    > sell 120 x 1 by 1 trail 5 on-anchor -- the middle is 100
    accepted #1 leaves 1 armed
    > buy 130 x 1 by 8
    accepted #2 leaves 1
    > sell 130 x 1 by 9
    accepted #3 leaves 0 ; trade 130 x 1 book #2 leaves 0
    book: sell 120 x 1 by 1 armed 95
    > anchor 110..111
    proposed 110..111 for 0 ; anchor 110..111 net 0 cash 1000000000
    book: sell 120 x 1 by 1 armed 105
    > anchor 104..108
    proposed 104..108 for 0 ; anchor 104..108 net 0 cash 1000000000
    > anchor 105..106
    proposed 105..106 for 0 ; anchor 105..106 net 0 cash 1000000000 ; triggered #1 120 x 1 leaves 1
    book: sell 120 x 1 by 1
    """)


def test_the_trigger_stays_a_valid_price(play):
    play(f"""
    trade: 3
    > sell 1 x 1 by 1 trail 5
    accepted #3 leaves 1 armed
    > buy 9 x 1 by 1 trail {PRICE_TICKS_MAX}
    accepted #4 leaves 1 armed
    book: sell 1 x 1 by 1 armed 1 ; buy 9 x 1 by 1 armed {PRICE_TICKS_MAX}
    """)


@pytest.mark.parametrize(("price", "side"), [(1, "sell"), (PRICE_TICKS_MAX, "buy")])
def test_at_the_end_of_the_price_domain_the_trigger_is_reached_already(play, price, side):
    play(f"""
    trade: {price}
    > {side} {price} x 1 by 1 trail 5
    rejected stop through
    book: empty
    """)


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ("trail 5 stop 90", "invalid terms"),
        ("trail 5 trail 6 ppm", "invalid terms"),
        ("trail 5 post", "invalid terms"),
        ("trail 5 auction", "invalid terms"),
        ("trail -5", "stop out of range"),
        (f"trail {PRICE_TICKS_MAX + 1}", "stop out of range"),
    ],
)
def test_what_cannot_trail(play, terms, code):
    play(f"""
    trade: 100
    > sell 80 x 1 by 1 {terms}
    rejected {code}
    book: empty
    """)


def test_only_so_many_trail(play):
    play("""
    instrument: max_trailing=1
    trade: 100
    > sell 90 x 1 by 1 trail 5
    accepted #3 leaves 1 armed
    > buy 110 x 1 by 2 trail 50000 ppm
    rejected trailing full
    > buy 110 x 1 by 2 stop 105 -- it does not trail
    accepted #4 leaves 1 armed
    > cancel #3 by 1
    cancelled #3 x 1 requested
    > buy 110 x 1 by 2 trail 50000 ppm
    accepted #5 leaves 1 armed
    book: buy 110 x 1 by 2 armed 105 ; buy 110 x 1 by 2 armed 105
    """)


def test_quantity_and_limit_change_in_place_but_not_the_trigger(play):
    play("""
    trade: 100
    book: sell 104 x 1 by 8
    > sell 90 x 4 by 1 trail 5
    accepted #4 leaves 4 armed
    > amend #4 stop 97 by 1
    rejected invalid terms
    > amend #4 to 92 x 6 by 1
    amended #4 kept 92 x 6 leaves 6
    > buy 104 x 1 by 9
    accepted #5 leaves 0 ; trade 104 x 1 book #3 leaves 0
    book: sell 92 x 6 by 1 armed 99
    """)


def test_a_market_stop_trails_too(play):
    play("""
    trade: 100
    book: sell 102 x 1 by 8 ; buy 97 x 1 by 8 ; buy 93 x 2 by 8 ; buy 92 x 9 by 8
    > sell market x 3 by 1 ioc trail 5
    accepted #7 leaves 3 armed
    > buy 102 x 1 by 9
    accepted #8 leaves 0 ; trade 102 x 1 book #3 leaves 0
    > sell 97 x 1 by 9 -- 97 - 97 x 5 % = 93
    accepted #9 leaves 0 ; trade 97 x 1 book #4 leaves 0 ; triggered #7 93 x 3 leaves 0
    ; trade 93 x 2 book #5 leaves 0 ; cancelled #7 x 1 remainder
    book: buy 92 x 9 by 8
    """)


def test_an_uncross_is_a_print_like_any_other(play):
    play("""
    trade: 100
    book: sell 90 x 1 by 1 trail 5 ; buy 120 x 1 by 1 trail 3
    > state auction
    state auction from continuous
    > buy 104 x 2 by 8
    accepted #5 leaves 2
    > sell 104 x 2 by 9
    accepted #6 leaves 2 ; indicative 104 x 2 surplus 0
    book: buy 104 x 2 by 8 ; sell 104 x 2 by 9 ; sell 90 x 1 by 1 armed 95 ; buy 120 x 1 by 1 armed 103
    > state continuous
    uncrossed 104 x 2 surplus 0 ; trade 104 x 2 uncross #5 with #6 leaves 0 ; state continuous from auction
    ; triggered #4 120 x 1 leaves 1
    book: buy 120 x 1 by 1 ; sell 90 x 1 by 1 armed 99
    """)


def test_one_that_moves_stands_behind_those_that_wait_at_its_new_trigger(play):
    play("""
    trade: 100
    book: sell 104 x 1 by 8 ; buy 99 x 1 by 8 ; sell 105 x 1 by 1 trail 5 ; sell 106 x 1 by 2 stop 99
    ; sell 107 x 1 by 3 trail 5
    > buy 104 x 1 by 9 -- both trailing ones go to 99
    accepted #8 leaves 0 ; trade 104 x 1 book #3 leaves 0
    book: buy 99 x 1 by 8 ; sell 106 x 1 by 2 armed 99 ; sell 105 x 1 by 1 armed 99 ; sell 107 x 1 by 3 armed 99
    > sell 99 x 1 by 9
    accepted #9 leaves 0 ; trade 99 x 1 book #4 leaves 0 ; triggered #6 106 x 1 leaves 1
    ; triggered #5 105 x 1 leaves 1 ; triggered #7 107 x 1 leaves 1
    book: sell 105 x 1 by 1 ; sell 106 x 1 by 2 ; sell 107 x 1 by 3
    """)


def test_a_share_is_at_most_the_whole_price(play):
    play("""
    trade: 100
    > sell 90 x 1 by 1 trail 1000001 ppm
    rejected stop out of range
    > sell 90 x 1 by 1 trail 1000000 ppm
    accepted #3 leaves 1 armed
    > buy 110 x 1 by 1 trail 1000000 ppm
    accepted #4 leaves 1 armed
    book: sell 90 x 1 by 1 armed 1 ; buy 110 x 1 by 1 armed 200
    """)
