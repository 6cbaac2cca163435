"""Price bands: the tighter of both, measured from where, rounded inwards, and what becomes of a remainder they stop."""

import pytest


@pytest.mark.parametrize(
    ("static_ppm", "dynamic_ppm", "edge"),
    [
        (20_000, 50_000, 102),
        (50_000, 20_000, 102),
        (29_999, 0, 102),  # a reach of 2.9999 ticks is one of 2
        (0, 29_999, 102),
    ],
)
def test_the_tighter_band_counts_and_its_edge_still_trades(play, static_ppm, dynamic_ppm, edge):
    play(f"""
    instrument: static_band_ppm={static_ppm} dynamic_band_ppm={dynamic_ppm}
    trade: 100
    book: sell 102 x 1 by 1 ; sell 103 x 5 by 1
    > buy 110 x 3 by 2
    accepted #5 leaves 0 ; trade 102 x 1 book #3 leaves 0 ; breached #5 at {edge} ; cancelled #5 x 2 collar
    book: sell 103 x 5 by 1
    """)


def test_the_same_downwards(play):
    play("""
    instrument: static_band_ppm=20000 dynamic_band_ppm=50000
    trade: 100
    book: buy 98 x 1 by 1 ; buy 97 x 5 by 1
    > sell 90 x 3 by 2
    accepted #5 leaves 0 ; trade 98 x 1 book #3 leaves 0 ; breached #5 at 98 ; cancelled #5 x 2 collar
    book: buy 97 x 5 by 1
    """)


def test_the_static_band_stays_at_the_last_auction_while_trades_move(play):
    play("""
    instrument: static_band_ppm=50000
    state: auction
    book: buy 100 x 1 by 1 ; sell 100 x 1 by 2 ; sell 104 x 1 by 2 ; sell 106 x 5 by 2
    > state continuous
    uncrossed 100 x 1 surplus 0 ; trade 100 x 1 uncross #1 with #2 leaves 0 ; state continuous from auction
    > buy 104 x 1 by 3
    accepted #5 leaves 0 ; trade 104 x 1 book #3 leaves 0
    > buy 110 x 1 by 3 -- 5 % above the trade at 104 would be 109
    accepted #6 leaves 0 ; breached #6 at 105 ; cancelled #6 x 1 collar
    book: sell 106 x 5 by 2
    """)


def test_the_anchor_goes_before_the_last_auction(play):
    play("""
    instrument: static_band_ppm=50000
    state: auction
    book: buy 100 x 1 by 1 ; sell 100 x 1 by 2 ; sell 106 x 5 by 2
    curve: pmm depth=4 base=6 min=0 max=0
    anchor: 200..200
    > state continuous
    uncrossed 100 x 1 surplus 0 ; trade 100 x 1 uncross #1 with #2 leaves 0 ; state continuous from auction
    > buy 106 x 1 by 3
    accepted #4 leaves 0 ; trade 106 x 1 book #3 leaves 4
    book: sell 106 x 4 by 2
    """)


@pytest.mark.parametrize(
    ("state", "price", "accepted", "then"),
    [
        ("continuous", 102, "leaves 2 at 102", ""),
        ("auction", 110, "leaves 2", "; state auction from continuous\n    ; indicative 103 x 2 surplus -3"),
    ],
)
def test_what_may_rest_rests_at_the_edge_unless_the_market_leaves_trading(play, state, price, accepted, then):
    play(f"""
    instrument: static_band_ppm=20000 breach_rests=true breach_state={state}
    trade: 100
    book: sell 102 x 1 by 1 ; sell 103 x 5 by 1
    > buy 110 x 3 by 2
    accepted #5 {accepted} ; trade 102 x 1 book #3 leaves 0 ; breached #5 at 102 {then}
    book: buy {price} x 2 by 2 ; sell 103 x 5 by 1
    state: {state}
    """)


def test_what_may_not_rest_leaves_though_the_instrument_lets_others_rest(play):
    play("""
    instrument: static_band_ppm=20000 breach_rests=true
    trade: 100
    book: sell 102 x 1 by 1 ; sell 103 x 5 by 1
    > buy 110 x 3 by 2 fok -- the plan stops at the edge
    rejected fok unfillable
    > buy 110 x 3 by 2 ioc
    accepted #5 leaves 0 ; trade 102 x 1 book #3 leaves 0 ; breached #5 at 102 ; cancelled #5 x 2 collar
    book: sell 103 x 5 by 1
    """)
