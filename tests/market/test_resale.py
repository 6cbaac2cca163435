"""Where the curve sells what it bought: along the curve, from just above its bid, or nothing below the high anchor.

The curve in most tables: par 100 for 2 lots, then one lot a tick down to 80; its high anchor is 102.
"""

import pytest

from parbook.codes import RejectCode, Side, TimeInForce
from parbook.messages import CurveParams, ProposeAnchor, SetCurve
from tests.support.scenario_commands import curve_params

LINEAR = "par=2 depth=20 drop=200000"
BOUGHT_FIVE = """
    > sell 97 x 5 by 1 ioc
    accepted #1 leaves 0 ; trade 100 x 2 curve net 2 ; trade 99 x 1 curve net 3 ; trade 98 x 1 curve net 4
    ; trade 97 x 1 curve net 5
"""


def test_along_sells_from_just_above_the_bid(play):
    play(f"""
    curve: linear {LINEAR}
    anchor: 100..102
    {BOUGHT_FIVE}
    > buy 101 x 9 by 2 ioc -- below its high anchor
    accepted #2 leaves 0 ; trade 100 x 1 curve net 4 ; trade 101 x 1 curve net 3 ; cancelled #2 x 7 remainder
    > buy 110 x 9 by 2 ioc
    accepted #3 leaves 0 ; trade 102 x 1 curve net 2 ; trade 103 x 2 curve net 0 ; cancelled #3 x 6 remainder
    curve: net 0 cash 1000000015
    """)


def test_above_high_sells_nothing_below_the_high_anchor_and_there_all_at_once(play):
    play(f"""
    curve: linear above-high {LINEAR}
    anchor: 100..102
    {BOUGHT_FIVE}
    > buy 101 x 9 by 2 ioc
    accepted #2 leaves 0 ; cancelled #2 x 9 remainder
    > buy 102 x 9 by 2 ioc
    accepted #3 leaves 0 ; trade 102 x 3 curve net 2 ; cancelled #3 x 6 remainder
    > buy 110 x 9 by 2 ioc -- what it bought at par it sells above it
    accepted #4 leaves 0 ; trade 103 x 2 curve net 0 ; cancelled #4 x 7 remainder
    curve: net 0 cash 1000000018
    """)


def test_the_bids_are_the_same_after_a_sale(play):
    play(f"""
    curve: linear above-high {LINEAR}
    anchor: 100..102
    {BOUGHT_FIVE}
    > buy 102 x 1 by 2 ioc
    accepted #2 leaves 0 ; trade 102 x 1 curve net 4
    > sell 96 x 3 by 1 ioc -- the lot at 97 again, then the next
    accepted #3 leaves 0 ; trade 97 x 1 curve net 5 ; trade 96 x 1 curve net 6 ; cancelled #3 x 1 remainder
    curve: net 6 cash 999999415
    """)


def test_a_pmm_sells_short_of_its_target_above_the_high_anchor_only(play):
    play("""
    curve: pmm above-high k=1000000 base=100 depth=20 min=-9
    anchor: 98..102
    > buy 101 x 9 by 1 ioc
    accepted #1 leaves 0 ; cancelled #1 x 9 remainder
    > buy 105 x 9 by 1 ioc
    accepted #2 leaves 0 ; trade 105 x 1 curve net -1 ; cancelled #2 x 8 remainder
    > sell 98 x 9 by 1 ioc
    accepted #3 leaves 0 ; trade 98 x 1 curve net 0 ; cancelled #3 x 8 remainder
    curve: net 0 cash 1000000007
    """)


def test_a_buyer_between_the_anchors_rests_and_meets_the_next_seller(play):
    play(f"""
    curve: linear above-high {LINEAR}
    anchor: 100..102
    {BOUGHT_FIVE}
    > buy 101 x 3 by 2 post -- there is nothing for it to take
    accepted #2 leaves 3
    > sell 97 x 4 by 3 ioc -- the book's 101 is better than the curve's 96
    accepted #3 leaves 0 ; trade 101 x 3 book #2 leaves 0 ; cancelled #3 x 1 remainder
    book: empty
    """)


def test_offers_are_clipped_above_a_bid_that_rests_at_the_high_anchor(play):
    play(f"""
    curve: linear above-high {LINEAR}
    anchor: 100..100
    {BOUGHT_FIVE}
    > buy 99 x 2 by 2
    accepted #2 leaves 2
    > anchor 97..99
    proposed 97..99 for 0 ; anchor 97..99 net 5 cash 999999506
    > buy 99 x 1 by 3 ioc -- a bid stands at 99: the curve offers behind it
    accepted #3 leaves 0 ; cancelled #3 x 1 remainder
    > buy 100 x 9 by 3 ioc
    accepted #4 leaves 0 ; trade 100 x 5 curve net 0 ; cancelled #4 x 4 remainder
    book: buy 99 x 2 by 2
    """)


def test_offers_follow_the_high_anchor(play):
    play(f"""
    curve: linear above-high {LINEAR}
    anchor: 100..102
    {BOUGHT_FIVE}
    > anchor 90..120
    proposed 90..120 for 0 ; anchor 90..120 net 5 cash 999999506
    > buy 119 x 9 by 2 ioc
    accepted #2 leaves 0 ; cancelled #2 x 9 remainder
    > anchor 90..95 -- below what it paid
    proposed 90..95 for 0 ; anchor 90..95 net 5 cash 999999506
    > buy 94 x 9 by 2 ioc
    accepted #3 leaves 0 ; cancelled #3 x 9 remainder
    > buy 95 x 9 by 2 ioc
    accepted #4 leaves 0 ; trade 95 x 3 curve net 2 ; cancelled #4 x 6 remainder
    curve: net 2 cash 999999791
    """)


def test_what_was_lifted_is_sold_at_the_high_anchor_too(play):
    play(f"""
    book: sell 97 x 2 by 1 ; sell 98 x 3 by 1
    curve: linear above-high lift lift=100 {LINEAR}
    > anchor 100..102
    proposed 100..102 for 0 ; anchor 100..102 net 0 cash 1000000000 ; trade 97 x 2 lift #1 leaves 0
    ; trade 98 x 2 lift #2 leaves 1
    > buy 101 x 9 by 2 ioc
    accepted #3 leaves 0 ; trade 98 x 1 book #2 leaves 0 ; cancelled #3 x 8 remainder
    > buy 102 x 9 by 2 ioc
    accepted #4 leaves 0 ; trade 102 x 2 curve net 2 ; cancelled #4 x 7 remainder
    curve: net 2 cash 999999814
    """)


def test_offers_begin_at_the_next_rung_of_the_grid(play):
    play(f"""
    curve: linear above-high {LINEAR} rung=5
    anchor: 100..101
    > sell 95 x 9 by 1 ioc
    accepted #1 leaves 0 ; trade 100 x 2 curve net 2 ; trade 95 x 5 curve net 7 ; cancelled #1 x 2 remainder
    > buy 104 x 9 by 2 ioc -- 100 lies below the anchor, the next rung is 105
    accepted #2 leaves 0 ; cancelled #2 x 9 remainder
    > buy 105 x 9 by 2 ioc
    accepted #3 leaves 0 ; trade 105 x 7 curve net 0 ; cancelled #3 x 2 remainder
    curve: net 0 cash 1000000060
    """)


AUCTION = {
    "": "101 x 2 surplus 0 ; trade 101 x 1 uncross curve #2 net 4 ; trade 101 x 1 uncross curve #2 net 3",
    "above-high": "102 x 2 surplus -1 ; trade 102 x 2 uncross curve #2 net 3",
}


@pytest.mark.parametrize("resale", AUCTION)
def test_supply_in_the_auction_begins_where_the_offers_do(play, resale):
    play(f"""
    instrument: curve_in_auction=true
    curve: linear {resale} {LINEAR}
    anchor: 100..102
    {BOUGHT_FIVE}
    > state auction
    state auction from continuous
    > buy 105 x 2 by 2
    accepted #2 leaves 2 ; indicative {AUCTION[resale].partition(" ;")[0]}
    > state continuous
    uncrossed {AUCTION[resale]} ; state continuous from auction
    book: empty
    """)


def test_depth_shows_the_offers_from_the_high_anchor_on(play):
    market = play(f"""
    curve: linear above-high {LINEAR}
    anchor: 100..102
    {BOUGHT_FIVE}
    curve: net 5 cash 999999506
    """)
    asks = [(row["price_ticks"], row["qty_lots"]) for row in market.depth(9) if row["side"] == 1]
    assert asks == [(102, 3), (103, 2)]


def test_another_curve_under_the_same_anchor_sells_as_it_says(market):
    market.apply(SetCurve(params=curve_params(f"linear {LINEAR}")))
    market.apply(ProposeAnchor(low_ticks=100, high_ticks=102))
    for resale, sold in (("above-high", 0), ("", 2), ("above-high", 0)):
        market.apply(SetCurve(params=curve_params(f"linear {resale} {LINEAR}")))
        assert market.place(1, Side.SELL, 5, 97, tif=TimeInForce.IOC).filled_lots == 5
        assert market.place(2, Side.BUY, 9, 101, tif=TimeInForce.IOC).filled_lots == sold


@pytest.mark.parametrize("resale", [2, 255])
def test_another_number_is_refused(market, resale):
    params = CurveParams(shape=1, base_depth_lots=9, quote_depth_lots=9, budget_notional=9, resale=resale)
    (refusal,) = market.apply(SetCurve(params=params))
    assert refusal.code is RejectCode.CURVE_PARAMETER
    assert market.curve is None
