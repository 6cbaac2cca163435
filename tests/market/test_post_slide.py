"""Post-slide: instead of trading on entry it takes the price one tick behind what it would trade with."""

import pytest

PRICE_TICKS_MAX = 2**60 - 1


def test_rests_where_it_asked_to_when_nothing_is_in_its_way(play):
    play("""
    book: sell 100 x 1 by 1 ; buy 95 x 1 by 1
    > buy 99 x 2 by 2 slide
    accepted #3 leaves 2
    > sell 96 x 2 by 2 slide -- its own bid at 99 is in its way
    accepted #4 leaves 2 at 100
    book: buy 99 x 2 by 2 ; buy 95 x 1 by 1 ; sell 100 x 1 by 1 ; sell 100 x 2 by 2
    """)


@pytest.mark.parametrize("asked", [100, 103, PRICE_TICKS_MAX])
def test_a_buy_slides_below_the_best_ask(play, asked):
    play(f"""
    book: sell 102 x 9 by 1 ; sell 100 x 1 by 1
    > buy {asked} x 5 by 2 slide
    accepted #3 leaves 5 at 99
    book: buy 99 x 5 by 2 ; sell 100 x 1 by 1 ; sell 102 x 9 by 1
    """)


@pytest.mark.parametrize("asked", [100, 97, 1])
def test_a_sell_slides_above_the_best_bid(play, asked):
    play(f"""
    book: buy 98 x 9 by 1 ; buy 100 x 1 by 1
    > sell {asked} x 5 by 2 slide
    accepted #3 leaves 5 at 101
    book: buy 100 x 1 by 1 ; buy 98 x 9 by 1 ; sell 101 x 5 by 2
    """)


def test_slides_behind_the_curve_where_that_is_better(play):
    play("""
    book: sell 103 x 1 by 1 ; buy 97 x 1 by 1
    curve: pmm depth=4 base=6 min=-5
    anchor: 100..100
    > buy 105 x 1 by 2 slide -- the curve offers at 101
    accepted #3 leaves 1 at 100
    > sell 90 x 1 by 3 slide -- the curve bids at 99, but the new order stands before it
    accepted #4 leaves 1 at 101
    > cancel #3 by 2
    cancelled #3 x 1 requested
    > sell 90 x 1 by 3 slide
    accepted #5 leaves 1 at 100
    book: buy 97 x 1 by 1 ; sell 100 x 1 by 3 ; sell 101 x 1 by 3 ; sell 103 x 1 by 1
    """)


def test_joins_the_back_of_the_price_it_slides_to(play):
    play("""
    book: sell 100 x 1 by 1 ; buy 99 x 1 by 3
    > buy 101 x 1 by 2 slide
    accepted #3 leaves 1 at 99
    > buy 99 x 1 by 4
    accepted #4 leaves 1
    > sell 99 x 2 by 9
    accepted #5 leaves 0 ; trade 99 x 1 book #2 leaves 0 ; trade 99 x 1 book #3 leaves 0
    book: buy 99 x 1 by 4 ; sell 100 x 1 by 1
    """)


def test_slices_and_hidden_orders_slide_too(play):
    play("""
    book: sell 100 x 1 by 1
    > buy 101 x 5 by 2 slide show 2
    accepted #2 leaves 5 iceberg at 99 ; shown #2 x 2 of 5
    > buy 102 x 5 by 2 slide hidden
    accepted #3 leaves 5 hidden at 99
    book: buy 99 x 5 by 2 show 2 ; sell 100 x 1 by 1 ; buy 99 x 5 by 2 hidden
    """)


def test_neither_prevention_nor_collar_clears_its_way(play):
    play("""
    instrument: static_band_ppm=10000
    trade: 100
    book: sell 103 x 1 by 1
    > buy 105 x 1 by 1 slide stp cancel-oldest
    accepted #4 leaves 1 at 102
    book: buy 102 x 1 by 1 ; sell 103 x 1 by 1
    """)


@pytest.mark.parametrize(("side", "edge", "other"), [("buy", 1, "sell"), ("sell", PRICE_TICKS_MAX, "buy")])
def test_refused_where_there_is_no_price_behind(play, side, edge, other):
    play(f"""
    book: {other} {edge} x 1 by 1
    > {side} {edge} x 1 by 2 slide
    rejected post only would trade
    book: {other} {edge} x 1 by 1
    """)


def test_slides_to_the_ends_of_the_price_domain(play):
    play("""
    book: sell 2 x 1 by 1
    > buy 2 x 1 by 2 slide
    accepted #2 leaves 1 at 1
    book: buy 1 x 1 by 2 ; sell 2 x 1 by 1
    """)
    play(f"""
    book: buy {PRICE_TICKS_MAX - 1} x 1 by 1
    > sell 5 x 1 by 2 slide
    accepted #2 leaves 1 at {PRICE_TICKS_MAX}
    book: buy {PRICE_TICKS_MAX - 1} x 1 by 1 ; sell {PRICE_TICKS_MAX} x 1 by 2
    """)


def test_stays_where_it_is_once_it_rests(play):
    play("""
    book: sell 100 x 1 by 1
    > buy 103 x 2 by 2 slide
    accepted #2 leaves 2 at 99
    > cancel #1 by 1
    cancelled #1 x 1 requested
    > sell 95 x 1 by 3
    accepted #3 leaves 0 ; trade 99 x 1 book #2 leaves 1
    book: buy 99 x 1 by 2
    """)


def test_an_amendment_slides_anew(play):
    play("""
    book: sell 100 x 1 by 1 ; sell 104 x 1 by 1
    > buy 103 x 2 by 2 slide
    accepted #3 leaves 2 at 99
    > buy 99 x 1 by 3
    accepted #4 leaves 1
    > amend #3 to 107 by 2 -- to where it stands, but behind the others now
    amended #3 lost 99 x 2 leaves 2
    book: buy 99 x 1 by 3 ; buy 99 x 2 by 2 ; sell 100 x 1 by 1 ; sell 104 x 1 by 1
    > cancel #1 by 1
    cancelled #1 x 1 requested
    > amend #3 to 107 x 1 by 2
    amended #3 lost 103 x 1 leaves 1
    > amend #3 x 5 by 2
    amended #3 lost 103 x 5 leaves 5
    book: buy 103 x 5 by 2 ; buy 99 x 1 by 3 ; sell 104 x 1 by 1
    """)


def test_an_amendment_is_judged_without_the_orders_own_clip(play):
    play("""
    book: sell 95 x 1 by 1 slide
    curve: pmm depth=4 base=6 min=-5
    anchor: 100..100
    > amend #1 to 98 by 1 -- without it the curve would bid 99
    amended #1 lost 100 x 1 leaves 1
    book: sell 100 x 1 by 1
    """)


def test_in_a_call_it_gathers_at_its_limit(play):
    play("""
    state: auction
    book: sell 100 x 1 by 1
    > buy 103 x 1 by 2 slide -- the middle of 100..103
    accepted #2 leaves 1 ; indicative 101 x 1 surplus 0
    > amend #2 to 105 by 2
    amended #2 lost 105 x 1 leaves 1 ; indicative 102 x 1 surplus 0
    > state continuous
    uncrossed 102 x 1 surplus 0 ; trade 102 x 1 uncross #2 with #1 leaves 0 ; state continuous from auction
    book: empty
    """)


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ("ioc", "invalid combination"),
        ("fok", "invalid combination"),
        ("auction", "invalid combination"),
        ("trail 5", "invalid terms"),
        ("reduce-only", "invalid terms"),
        ("amount 500", "invalid terms"),
    ],
)
def test_what_cannot_slide(play, terms, code):
    play(f"""
    account: 2 position_lots=-5
    trade: 100
    > buy 99 x 5 by 2 slide {terms}
    rejected {code}
    book: empty
    """)
