"""CLIP: the curve is a post-only peg. After any anchor it quotes one tick behind the opposite touch and never takes.

The curve in most tables: par 100 for 10 lots, then one lot a tick down to 80; offers at 101 when short.
"""

import pytest

LINEAR = "curve: linear par=10 depth=20 drop=200000 min=-5"


def test_an_anchor_above_resting_asks_trades_nothing(play):
    play(f"""
    book: sell 95 x 2 by 1
    {LINEAR}
    > anchor 100..100
    proposed 100..100 for 0 ; anchor 100..100 net 0 cash 1000000000
    book: sell 95 x 2 by 1
    """)


def test_rungs_inside_the_touch_merge_one_tick_behind_it(play):
    play(f"""
    book: sell 98 x 2 by 1
    {LINEAR}
    anchor: 100..100
    > sell 96 x 99 by 2 ioc -- 100, 99, 98 and 97 are one quote of 13 lots at 97
    accepted #2 leaves 0 ; trade 97 x 13 curve net 13 ; trade 96 x 1 curve net 14 ; cancelled #2 x 85 remainder
    book: sell 98 x 2 by 1
    """)


def test_a_touch_beyond_every_rung_clips_nothing(play):
    play(f"""
    book: sell 101 x 2 by 1
    {LINEAR}
    anchor: 100..100
    > sell 99 x 99 by 2 ioc
    accepted #2 leaves 0 ; trade 100 x 10 curve net 10 ; trade 99 x 1 curve net 11 ; cancelled #2 x 88 remainder
    book: sell 101 x 2 by 1
    """)


def test_a_touch_at_the_best_rung_clips_by_one_tick(play):
    play(f"""
    book: sell 100 x 2 by 1
    {LINEAR}
    anchor: 100..100
    > sell 99 x 99 by 2 ioc
    accepted #2 leaves 0 ; trade 99 x 11 curve net 11 ; cancelled #2 x 88 remainder
    book: sell 100 x 2 by 1
    """)


def test_the_clip_relaxes_when_the_touch_goes(play):
    play(f"""
    book: sell 96 x 2 by 1 ; sell 98 x 2 by 1
    {LINEAR}
    anchor: 100..100
    > sell 95 x 1 by 2 ioc
    accepted #3 leaves 0 ; trade 95 x 1 curve net 1
    > cancel #1 by 1
    cancelled #1 x 2 requested
    > sell 95 x 1 by 2 ioc
    accepted #4 leaves 0 ; trade 97 x 1 curve net 2
    > cancel #2 by 1
    cancelled #2 x 2 requested
    > sell 95 x 1 by 2 ioc
    accepted #5 leaves 0 ; trade 100 x 1 curve net 3
    book: empty
    """)


def test_offers_are_clipped_above_a_resting_bid(play):
    play("""
    book: buy 101 x 2 by 1 ; buy 103 x 2 by 1
    curve: pmm depth=4 base=6 min=-5
    anchor: 100..100
    > buy 104 x 9 by 2 ioc
    accepted #3 leaves 0 ; trade 104 x 5 curve net -5 ; cancelled #3 x 4 remainder
    book: buy 103 x 2 by 1 ; buy 101 x 2 by 1
    """)


def test_no_price_is_left_behind_an_ask_of_one_tick(play):
    play("""
    book: sell 1 x 2 by 1
    curve: pmm depth=4 base=6
    anchor: 100..100
    > sell 1 x 9 by 2 ioc
    accepted #2 leaves 0 ; cancelled #2 x 9 remainder
    book: sell 1 x 2 by 1
    """)


def test_an_incoming_order_meets_a_clipped_curve_and_still_rests_uncrossed(play):
    play(f"""
    book: sell 98 x 2 by 1
    {LINEAR}
    anchor: 100..100
    > sell 97 x 14 by 2 -- takes all the curve has at 97, then becomes the new touch
    accepted #2 leaves 1 ; trade 97 x 13 curve net 13
    > sell 90 x 1 by 3 ioc
    accepted #3 leaves 0 ; trade 96 x 1 curve net 14
    book: sell 97 x 1 by 2 ; sell 98 x 2 by 1
    """)


@pytest.mark.parametrize("ask", range(78, 104))
def test_never_locked_or_crossed_at_any_touch(play, ask):
    market = play(f"""
    book: sell {ask} x 2 by 1
    {LINEAR}
    > anchor 100..100
    proposed 100..100 for 0 ; anchor 100..100 net 0 cash 1000000000
    book: sell {ask} x 2 by 1
    """)
    bids = [row for row in market.depth(100) if row["side"] == 0]
    assert bids[0]["price_ticks"] == min(100, ask - 1)
    assert sum(row["qty_lots"] for row in bids) == 30, "the clip moves prices, never lots"


@pytest.mark.parametrize("bid", range(96, 120))
def test_never_locked_or_crossed_from_below(play, bid):
    market = play(f"""
    book: buy {bid} x 2 by 1
    curve: pmm k=100000 depth=50 base=50 min=-30
    > anchor 100..100
    proposed 100..100 for 0 ; anchor 100..100 net 0 cash 1000000000
    book: buy {bid} x 2 by 1
    """)
    offers = [row for row in market.depth(1000) if row["side"] == 1]
    assert offers[0]["price_ticks"] == max(101, bid + 1)
    assert sum(row["qty_lots"] for row in offers) == 30


def test_no_offer_beyond_the_highest_price(play):
    market = play(f"""
    book: buy {2**60 - 1} x 2 by 1
    curve: pmm k=100000 depth=50 base=50 min=-30
    > anchor 100..100
    proposed 100..100 for 0 ; anchor 100..100 net 0 cash 1000000000
    book: buy {2**60 - 1} x 2 by 1
    """)
    assert not [row for row in market.depth(1000) if row["side"] == 1]


@pytest.mark.parametrize(
    ("others", "answer", "queue"),
    [
        ("", "rejected post only would trade", "buy 99 x 5 by 1"),
        ("; buy 99 x 5 by 2", "amended #1 lost 99 x 6 leaves 6", "buy 99 x 5 by 2 ; buy 99 x 6 by 1"),
    ],
)
@pytest.mark.parametrize("special", ["", "; buy 50 x 1 by 3 hidden"])
def test_a_post_only_order_that_grows_meets_the_curve_its_own_price_held_back(play, others, answer, queue, special):
    play(f"""
    book: buy 99 x 5 by 1 post {others} {special}
    curve: pmm depth=4 base=6 min=-5
    anchor: 95..95
    > amend #1 x 6 by 1
    {answer}
    book: {queue} {special}
    """)
