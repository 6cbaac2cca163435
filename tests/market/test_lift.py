"""LIFT: an activated curve first buys the resting asks below its own bid, at the makers' prices, then clips.

The curve: par 100 for 10 lots, then one lot a tick down to 80.
"""

from parbook.messages import CurveParams, ProposeAnchor, SetCurve, Trade

LIFT = "curve: linear par=10 depth=20 drop=200000 min=-5 lift lift=100"


def test_best_first_at_the_makers_prices(play):
    market = play(f"""
    book: sell 98 x 2 by 1 ; sell 95 x 3 by 2 ; sell 95 x 1 by 3 ; sell 101 x 9 by 4
    {LIFT}
    > anchor 100..100
    proposed 100..100 for 0 ; anchor 100..100 net 0 cash 1000000000 ; trade 95 x 3 lift #2 leaves 0
    ; trade 95 x 1 lift #3 leaves 0 ; trade 98 x 2 lift #1 leaves 0
    book: sell 101 x 9 by 4
    curve: net 6 cash 999999424
    """)
    assert market.last_trade_ticks == 98


def test_never_above_its_own_bid(play):
    # At 100 it wants 10 lots and at 99 one more: of 12 lots offered at 99 it buys 11 and clips the rest.
    play(f"""
    book: sell 99 x 12 by 1
    {LIFT}
    > anchor 100..100
    proposed 100..100 for 0 ; anchor 100..100 net 0 cash 1000000000 ; trade 99 x 11 lift #1 leaves 1
    > sell 1 x 1 by 2 ioc
    accepted #2 leaves 0 ; trade 98 x 1 curve net 12
    book: sell 99 x 1 by 1
    """)


def test_the_dearer_ask_gets_what_the_ladder_still_wants_there(play):
    play(f"""
    book: sell 95 x 8 by 1 ; sell 100 x 5 by 2
    {LIFT}
    > anchor 100..100
    proposed 100..100 for 0 ; anchor 100..100 net 0 cash 1000000000 ; trade 95 x 8 lift #1 leaves 0
    ; trade 100 x 2 lift #2 leaves 3
    book: sell 100 x 3 by 2
    curve: net 10 cash 999999040
    """)


def test_an_ask_at_exactly_its_bid_is_lifted_one_tick_above_is_not(play):
    play(f"""
    book: sell 100 x 1 by 1 ; sell 101 x 1 by 2
    {LIFT}
    > anchor 100..100
    proposed 100..100 for 0 ; anchor 100..100 net 0 cash 1000000000 ; trade 100 x 1 lift #1 leaves 0
    book: sell 101 x 1 by 2
    """)


def test_within_its_rate_limit_and_the_rest_is_clipped(play):
    play(f"""
    book: sell 95 x 3 by 1 ; sell 96 x 3 by 2
    {LIFT.replace("lift=100", "lift=4")}
    > anchor 100..100
    proposed 100..100 for 0 ; anchor 100..100 net 0 cash 1000000000 ; trade 95 x 3 lift #1 leaves 0
    ; trade 96 x 1 lift #2 leaves 2
    > sell 90 x 1 by 3 ioc
    accepted #3 leaves 0 ; trade 95 x 1 curve net 5
    > anchor 100..100 -- each activation may lift anew
    proposed 100..100 for 0 ; anchor 100..100 net 5 cash 999999524 ; trade 96 x 2 lift #2 leaves 0
    book: empty
    """)


def test_a_rate_limit_of_nothing_is_clip(play):
    play(f"""
    book: sell 95 x 3 by 1
    {LIFT.replace("lift=100", "lift=0")}
    > anchor 100..100
    proposed 100..100 for 0 ; anchor 100..100 net 0 cash 1000000000
    book: sell 95 x 3 by 1
    """)


def test_within_its_budget(play):
    play(f"""
    book: sell 95 x 3 by 1 ; sell 96 x 3 by 2
    {LIFT} budget=400
    > anchor 100..100
    proposed 100..100 for 0 ; anchor 100..100 net 0 cash 400 ; trade 95 x 3 lift #1 leaves 0
    ; trade 96 x 1 lift #2 leaves 2
    book: sell 96 x 2 by 2
    curve: net 4 cash 19
    """)


def test_resting_bids_are_never_lifted(play):
    play(f"""
    book: buy 110 x 3 by 1
    {LIFT}
    > anchor 100..100
    proposed 100..100 for 0 ; anchor 100..100 net 0 cash 1000000000
    book: buy 110 x 3 by 1
    """)


def test_each_of_several_due_anchors_lifts(play):
    play(f"""
    book: sell 90 x 1 by 1 ; sell 95 x 1 by 2
    {LIFT} delay=10
    > anchor 92..92 at 1
    proposed 92..92 for 11
    > anchor 100..100 at 2
    proposed 100..100 for 12
    > time at 99
    anchor 92..92 net 0 cash 1000000000 ; trade 90 x 1 lift #1 leaves 0 ; anchor 100..100 net 1 cash 999999910
    ; trade 95 x 1 lift #2 leaves 0 ; time 99
    book: empty
    """)


def test_set_curve_does_not_lift_but_clips(play):
    play(f"""
    book: sell 95 x 3 by 1
    curve: linear par=10 depth=20 drop=200000
    anchor: 100..100
    > set {LIFT.removeprefix("curve: ")}
    curve set linear cash 1000000000
    > sell 90 x 1 by 2 ioc
    accepted #2 leaves 0 ; trade 94 x 1 curve net 1
    > anchor 100..100
    proposed 100..100 for 0 ; anchor 100..100 net 1 cash 999999906 ; trade 95 x 3 lift #1 leaves 0
    book: empty
    """)


def test_happens_before_the_command_whose_time_made_the_anchor_due(play):
    play(f"""
    book: sell 95 x 3 by 1
    {LIFT} delay=10
    > anchor 100..100 at 1
    proposed 100..100 for 11
    > cancel #1 by 1 at 11 -- too late
    anchor 100..100 net 0 cash 1000000000 ; trade 95 x 3 lift #1 leaves 0 ; rejected unknown order
    book: empty
    """)


def test_the_number_of_lift_lifts_as_its_name_does(market):
    """Messages take plain integers wherever an enumeration stands, as their records do."""
    market.place(1, 1, 5, 90)
    params = CurveParams(
        shape=1, base_depth_lots=9, quote_depth_lots=9, budget_notional=10**6, anchor_move=1, lift_max_lots=9
    )
    market.apply(SetCurve(params=params))
    lifted = [e for e in market.apply(ProposeAnchor(low_ticks=100, high_ticks=100)) if isinstance(e, Trade)]
    assert [(e.price_ticks, e.qty_lots) for e in lifted] == [(90, 5)]
