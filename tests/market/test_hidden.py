"""Hidden orders: never in depth; at their price they trade after everything displayed, and before the curve."""

import pytest


def test_no_view_of_the_market_shows_it(play):
    market = play("""
    > sell 100 x 5 by 1 hidden
    accepted #1 leaves 5 hidden
    > buy 98 x 5 by 1 hidden post
    accepted #2 leaves 5 hidden
    book: buy 98 x 5 by 1 hidden ; sell 100 x 5 by 1 hidden
    """)
    assert market.depth(5).tolist() == []
    assert (market.best_bid_ticks, market.best_ask_ticks) == (0, 0)


def test_gives_way_to_what_is_displayed_at_its_price(play):
    play("""
    book: sell 100 x 2 by 1 hidden ; sell 100 x 2 by 2
    > buy 100 x 3 by 9
    accepted #3 leaves 0 ; trade 100 x 2 book #2 leaves 0 ; trade 100 x 1 hidden #1 leaves 1
    book: sell 100 x 1 by 1 hidden
    """)


def test_gives_way_to_an_icebergs_reserve_too(play):
    play("""
    book: sell 100 x 2 by 1 hidden ; sell 100 x 3 by 2 show 2
    > buy 100 x 4 by 9
    accepted #3 leaves 0 ; trade 100 x 2 book #2 leaves 1 ; shown #2 x 1 of 1 ; trade 100 x 1 book #2 leaves 0
    ; trade 100 x 1 hidden #1 leaves 1
    book: sell 100 x 1 by 1 hidden
    """)


def test_a_better_price_comes_first_though_nobody_sees_it(play):
    play("""
    book: buy 99 x 1 by 1 ; buy 100 x 1 by 2 hidden
    > sell 99 x 2 by 9
    accepted #3 leaves 0 ; trade 100 x 1 hidden #2 leaves 0 ; trade 99 x 1 book #1 leaves 0
    book: empty
    """)


def test_hidden_orders_of_a_price_trade_by_time_even_pro_rata(play):
    play("""
    instrument: allocation=pro-rata
    book: sell 100 x 4 by 1 hidden ; sell 100 x 4 by 2 hidden ; sell 100 x 3 by 3 ; sell 100 x 1 by 4
    > buy 100 x 2 by 9 -- 2 x 3 / 4 is 1, 2 x 1 / 4 is 0, and the lot left over goes to the first
    accepted #5 leaves 0 ; trade 100 x 1 book #3 leaves 2 ; trade 100 x 1 book #3 leaves 1
    > buy 100 x 7 by 9
    accepted #6 leaves 0 ; trade 100 x 1 book #3 leaves 0 ; trade 100 x 1 book #4 leaves 0
    ; trade 100 x 4 hidden #1 leaves 0 ; trade 100 x 1 hidden #2 leaves 3
    book: sell 100 x 3 by 2 hidden
    """)


def test_the_curve_stands_behind_it(play):
    play("""
    book: buy 99 x 2 by 1 hidden
    curve: pmm depth=4 base=6
    anchor: 100..100
    > sell 99 x 3 by 9
    accepted #2 leaves 0 ; trade 99 x 2 hidden #1 leaves 0 ; trade 99 x 1 curve net 1
    book: empty
    """)


def test_the_curve_keeps_one_tick_away_from_it(play):
    play("""
    book: buy 101 x 2 by 1 hidden
    curve: pmm depth=4 base=6 min=-5
    anchor: 100..100
    > buy 101 x 1 by 9 -- the curve would offer at 101, were it alone
    accepted #2 leaves 1
    > cancel #2 by 9
    cancelled #2 x 1 requested
    > buy 102 x 1 by 9
    accepted #3 leaves 0 ; trade 102 x 1 curve net -1
    > cancel #1 by 1
    cancelled #1 x 2 requested
    > buy 101 x 1 by 9
    accepted #4 leaves 0 ; trade 101 x 1 curve net -2
    book: empty
    """)


def test_feasibility_finds_it(play):
    play("""
    book: sell 100 x 2 by 1 hidden ; sell 101 x 1 by 2 hidden
    > buy 101 x 4 by 9 fok
    rejected fok unfillable
    > buy 101 x 3 by 9 fok
    accepted #3 leaves 0 ; trade 100 x 2 hidden #1 leaves 0 ; trade 101 x 1 hidden #2 leaves 0
    book: empty
    """)


def test_post_only_is_refused_or_slides_behind_it(play):
    play("""
    book: sell 100 x 2 by 1 hidden
    > buy 100 x 1 by 2 post
    rejected post only would trade
    > buy 101 x 1 by 2 slide
    accepted #2 leaves 1 at 99
    book: buy 99 x 1 by 2 ; sell 100 x 2 by 1 hidden
    """)


def test_as_an_aggressor_it_is_like_any_other_and_its_rest_is_hidden(play):
    play("""
    book: buy 100 x 2 by 1 ; buy 99 x 2 by 1 hidden
    > sell 99 x 5 by 2 hidden
    accepted #3 leaves 1 hidden ; trade 100 x 2 book #1 leaves 0 ; trade 99 x 2 hidden #2 leaves 0
    book: sell 99 x 1 by 2 hidden
    """)


def test_an_uncross_reaches_it_last_at_its_price(play):
    play("""
    state: auction
    book: sell 100 x 2 by 1 hidden ; sell 100 x 3 by 2 show 1 ; buy 100 x 4 by 9
    > state continuous
    uncrossed 100 x 4 surplus -1 ; trade 100 x 1 uncross #3 with #2 leaves 2 ; shown #2 x 1 of 2
    ; trade 100 x 1 uncross #3 with #2 leaves 1 ; shown #2 x 1 of 1 ; trade 100 x 1 uncross #3 with #2 leaves 0
    ; trade 100 x 1 uncross #3 with #1 leaves 1 ; state continuous from auction
    book: sell 100 x 1 by 1 hidden
    """)


@pytest.mark.parametrize(
    "order",
    [
        "100 x 5 by 1 show 2",
        "100 x 5 by 1 ioc",
        "100 x 5 by 1 fok",
        "100 x 5 by 1 stop 99",
        "100 x 5 by 1 trail 2",
        "100 x 5 by 1 peg anchor",
        "market x 5 by 1 ioc",
        "market x 5 by 1 fok",
        "market-to-limit x 5 by 1",
    ],
)
def test_what_cannot_be_hidden(play, order):
    play(f"""
    book: sell 100 x 9 by 9
    > buy {order} hidden
    rejected invalid terms
    book: sell 100 x 9 by 9
    """)


def test_amended_down_it_keeps_its_turn_and_amended_up_it_loses_it(play):
    play("""
    book: sell 100 x 3 by 1 hidden ; sell 100 x 3 by 2 hidden
    > amend #1 x 2 by 1
    amended #1 kept 100 x 2 leaves 2
    > buy 100 x 1 by 9
    accepted #3 leaves 0 ; trade 100 x 1 hidden #1 leaves 1
    > amend #1 x 5 by 1
    amended #1 lost 100 x 5 leaves 4
    > buy 100 x 4 by 9
    accepted #4 leaves 0 ; trade 100 x 3 hidden #2 leaves 0 ; trade 100 x 1 hidden #1 leaves 3
    > amend #1 x 2 by 1 -- it has traded 2
    cancelled #1 x 3 amended to filled
    book: empty
    """)


def test_reduced_and_cancelled_out_of_the_middle(play):
    play("""
    book: buy 100 x 3 by 1 hidden ; buy 100 x 3 by 2 hidden ; buy 100 x 3 by 3 hidden
    > reduce #1 x 2 by 1
    amended #1 kept 100 x 1 leaves 1
    > cancel #2 by 2
    cancelled #2 x 3 requested
    > sell 100 x 3 by 9
    accepted #4 leaves 0 ; trade 100 x 1 hidden #1 leaves 0 ; trade 100 x 2 hidden #3 leaves 1
    book: buy 100 x 1 by 3 hidden
    """)


def test_own_hidden_orders_are_met_in_their_turn(play):
    play("""
    book: sell 100 x 2 by 1 hidden ; sell 100 x 2 by 2 ; sell 100 x 2 by 3 hidden
    > buy 100 x 6 by 1 stp decrement -- the displayed order first, then two lots of its own
    accepted #4 leaves 0 ; trade 100 x 2 book #2 leaves 0 ; prevented decrement 100 x 2 #1 leaves 0
    ; trade 100 x 2 hidden #3 leaves 0
    book: empty
    """)
