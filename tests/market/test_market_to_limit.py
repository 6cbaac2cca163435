"""Market-to-limit: trades like a market order; what is left rests at the price of its last fill."""

import pytest


def test_the_remainder_rests_at_the_last_fill(play):
    play("""
    trade: 100
    book: sell 101 x 2 by 1 ; sell 102 x 1 by 1 ; sell 106 x 5 by 1
    > buy market-to-limit x 5 by 2 -- up to 105
    accepted #6 leaves 2 at 102 ; trade 101 x 2 book #3 leaves 0 ; trade 102 x 1 book #4 leaves 0
    book: buy 102 x 2 by 2 ; sell 106 x 5 by 1
    """)


def test_a_seller_is_the_mirror_and_joins_the_back_of_its_price(play):
    play("""
    trade: 100
    book: buy 98 x 2 by 1 hidden ; buy 96 x 1 by 1 ; buy 94 x 5 by 1
    > sell market-to-limit x 4 by 2 day
    accepted #6 leaves 1 at 96 ; trade 98 x 2 hidden #3 leaves 0 ; trade 96 x 1 book #4 leaves 0
    > sell 96 x 1 by 3
    accepted #7 leaves 1
    > buy 96 x 1 by 4
    accepted #8 leaves 0 ; trade 96 x 1 book #6 leaves 0
    book: buy 94 x 5 by 1 ; sell 96 x 1 by 3
    """)


def test_one_that_fills_leaves_nothing(play):
    play("""
    trade: 100
    book: sell 101 x 2 by 1 ; sell 102 x 5 by 1
    > buy market-to-limit x 3 by 2
    accepted #5 leaves 0 ; trade 101 x 2 book #3 leaves 0 ; trade 102 x 1 book #4 leaves 4
    book: sell 102 x 4 by 1
    """)


def test_the_curve_may_set_its_limit(play):
    play("""
    curve: linear par=2 depth=20 drop=200000
    anchor: 100..100
    > sell market-to-limit x 40 by 1 -- down to 95
    accepted #1 leaves 33 at 95 ; trade 100 x 2 curve net 2 ; trade 99 x 1 curve net 3 ; trade 98 x 1 curve net 4
    ; trade 97 x 1 curve net 5 ; trade 96 x 1 curve net 6 ; trade 95 x 1 curve net 7
    book: sell 95 x 33 by 1
    """)


def test_refused_when_there_is_nothing_within_its_protected_limit(play):
    play("""
    trade: 100
    book: sell 106 x 5 by 1
    > buy market-to-limit x 5 by 2
    rejected nothing to trade
    > sell market-to-limit x 5 by 2
    rejected nothing to trade
    > sell 105 x 1 by 1
    accepted #4 leaves 1
    > buy market-to-limit x 5 by 2
    accepted #5 leaves 4 at 105 ; trade 105 x 1 book #4 leaves 0
    book: buy 105 x 4 by 2 ; sell 106 x 5 by 1
    """)


def test_refused_without_a_reference(play):
    play("""
    book: sell 100 x 5 by 1
    > buy market-to-limit x 5 by 2
    rejected no reference price
    book: sell 100 x 5 by 1
    """)


@pytest.mark.parametrize("mode", ["cancel-newest", "cancel-oldest", "cancel-both", "decrement"])
def test_own_orders_are_nothing_to_trade_with(play, mode):
    play(f"""
    trade: 100
    book: sell 101 x 5 by 2
    > buy market-to-limit x 5 by 2 stp {mode}
    rejected nothing to trade
    book: sell 101 x 5 by 2
    """)


def test_prevention_may_take_both(play):
    play("""
    trade: 100
    book: sell 101 x 1 by 1 ; sell 102 x 1 by 2 ; sell 103 x 1 by 1
    > buy market-to-limit x 4 by 2 stp cancel-both
    accepted #6 leaves 0 ; trade 101 x 1 book #3 leaves 0 ; prevented cancel-both 102 x 1 #4 leaves 0
    ; cancelled #4 x 1 self trade ; cancelled #6 x 3 self trade
    book: sell 103 x 1 by 1
    """)


def test_prevention_ends_it_after_its_fills(play):
    play("""
    trade: 100
    book: sell 101 x 1 by 1 ; sell 102 x 1 by 2 ; sell 103 x 1 by 1
    > buy market-to-limit x 4 by 2 stp cancel-newest
    accepted #6 leaves 0 ; trade 101 x 1 book #3 leaves 0 ; prevented cancel-newest 102 x 1 #4 leaves 1
    ; cancelled #6 x 3 self trade
    > buy market-to-limit x 4 by 2 stp decrement -- its last fill is at 103
    accepted #7 leaves 2 at 103 ; prevented decrement 102 x 1 #4 leaves 0 ; trade 103 x 1 book #5 leaves 0
    book: buy 103 x 2 by 2
    """)


@pytest.mark.parametrize("rests", ["false", "true"])
def test_at_the_collar_the_remainder_is_cancelled_even_where_others_rest(play, rests):
    play(f"""
    instrument: static_band_ppm=10000 breach_rests={rests}
    trade: 100
    book: sell 101 x 2 by 1 ; sell 102 x 5 by 1
    > buy market-to-limit x 5 by 2
    accepted #5 leaves 0 ; trade 101 x 2 book #3 leaves 0 ; breached #5 at 101 ; cancelled #5 x 3 collar
    book: sell 102 x 5 by 1
    """)


def test_what_rests_is_a_limit_order_like_any_other(play):
    play("""
    trade: 100
    book: sell 101 x 2 by 1 ; sell 106 x 5 by 1
    > buy market-to-limit x 5 by 2 gtd 10 client 7
    accepted #5 leaves 3 at 101 ; trade 101 x 2 book #3 leaves 0
    > amend client 7 x 4 by 2
    amended #5 kept 101 x 4 leaves 2
    > amend client 7 to 107 x 9 by 2 -- it rests at its own limit now, not at its last fill
    amended #5 lost 107 x 9 leaves 2 ; trade 106 x 5 book #4 leaves 0
    > time at 11
    cancelled #5 x 2 expired ; time 11
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
        ("expire 10", "invalid terms"),
    ],
)
def test_what_cannot_be_market_to_limit(play, terms, code):
    play(f"""
    account: 2 position_lots=-5
    trade: 100
    book: sell 101 x 5 by 1
    > buy market-to-limit x 5 by 2 {terms}
    rejected {code}
    book: sell 101 x 5 by 1
    """)


def test_calls_have_nothing_to_trade_at_once(play):
    play("""
    trade: 100
    state: auction
    book: sell 101 x 5 by 1
    > buy market-to-limit x 5 by 2
    rejected state forbids
    book: sell 101 x 5 by 1
    """)
