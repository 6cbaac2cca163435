"""The price collar: no aggressor prints outside its bands; what the breach leaves, and the halt that may follow."""

import pytest

# --- the bands ----------------------------------------------------------------------------------


def test_the_sweep_stops_before_the_print_that_would_breach(play):
    # Ten per cent around the last trade: 90 to 110, both included.
    play("""
    instrument: static_band_ppm=100000
    trade: 100
    book: sell 105 x 2 by 1 ; sell 110 x 2 by 1 ; sell 111 x 2 by 1
    > buy 120 x 6 by 2
    accepted #6 leaves 0 ; trade 105 x 2 book #3 leaves 0 ; trade 110 x 2 book #4 leaves 0
    ; breached #6 at 110 ; cancelled #6 x 2 collar
    book: sell 111 x 2 by 1
    """)


def test_for_a_seller_it_is_the_mirror(play):
    play("""
    instrument: static_band_ppm=100000
    trade: 100
    book: buy 95 x 2 by 1 ; buy 90 x 2 by 1 ; buy 89 x 2 by 1
    > sell 80 x 6 by 2
    accepted #6 leaves 0 ; trade 95 x 2 book #3 leaves 0 ; trade 90 x 2 book #4 leaves 0
    ; breached #6 at 90 ; cancelled #6 x 2 collar
    book: buy 89 x 2 by 1
    """)


@pytest.mark.parametrize(("ppm", "edge"), [(1, 100), (9_999, 100), (10_000, 101), (19_999, 101), (20_000, 102)])
def test_the_reach_is_rounded_down(play, ppm, edge):
    # One tick at least is not promised: a band of one millionth leaves only the reference itself.
    play(f"""
    instrument: static_band_ppm={ppm}
    trade: 100
    book: sell {edge} x 1 by 1 ; sell {edge + 1} x 1 by 1
    > buy 120 x 2 by 2
    accepted #5 leaves 0 ; trade {edge} x 1 book #3 leaves 0 ; breached #5 at {edge} ; cancelled #5 x 1 collar
    book: sell {edge + 1} x 1 by 1
    """)


def test_nothing_is_breached_where_the_sweep_ends_by_itself(play):
    # All filled at the edge; a limit with nobody inside it, though it lies beyond the edge.
    play("""
    instrument: static_band_ppm=100000
    trade: 100
    book: sell 110 x 2 by 1 ; sell 116 x 2 by 1
    > buy 120 x 1 by 2
    accepted #5 leaves 0 ; trade 110 x 1 book #3 leaves 1
    > buy 115 x 3 by 2
    accepted #6 leaves 2 ; trade 110 x 1 book #3 leaves 0
    book: buy 115 x 2 by 2 ; sell 116 x 2 by 1
    """)


def test_without_a_reference_there_is_no_band(play):
    play("""
    instrument: static_band_ppm=10000 dynamic_band_ppm=10000
    book: sell 100 x 1 by 1 ; sell 500 x 1 by 1
    > buy 900 x 2 by 2
    accepted #3 leaves 0 ; trade 100 x 1 book #1 leaves 0 ; trade 500 x 1 book #2 leaves 0
    book: empty
    """)


def test_the_dynamic_band_stands_around_the_last_trade_before_the_command(play):
    # Five per cent around 100 for the whole first sweep; around 104 for the next.
    play("""
    instrument: dynamic_band_ppm=50000
    trade: 100
    book: sell 104 x 1 by 1 ; sell 106 x 1 by 1 ; sell 110 x 1 by 1
    > buy 120 x 2 by 2
    accepted #6 leaves 0 ; trade 104 x 1 book #3 leaves 0 ; breached #6 at 105 ; cancelled #6 x 1 collar
    > buy 120 x 2 by 2
    accepted #7 leaves 0 ; trade 106 x 1 book #4 leaves 0 ; breached #7 at 109 ; cancelled #7 x 1 collar
    book: sell 110 x 1 by 1
    """)


@pytest.mark.parametrize(("dynamic_ppm", "edge"), [(20_000, 110), (10_000, 109), (0, 110)])
def test_both_bands_bind(play, dynamic_ppm, edge):
    # Static: 90 to 110 around the anchor. Dynamic: two or one per cent around 108.
    play(f"""
    instrument: static_band_ppm=100000 dynamic_band_ppm={dynamic_ppm}
    curve: linear depth=1 drop=900000
    anchor: 100..100
    trade: 108
    book: sell 109 x 1 by 1 ; sell 110 x 1 by 1 ; sell 111 x 1 by 1
    > buy 120 x 3 by 2
    accepted #6 leaves 0 ; trade 109 x 1 book #3 leaves 0{" ; trade 110 x 1 book #4 leaves 0" if edge == 110 else ""}
    ; breached #6 at {edge} ; cancelled #6 x {3 - (edge - 108)} collar
    book: {"" if edge == 110 else "sell 110 x 1 by 1 ; "}sell 111 x 1 by 1
    """)


def test_the_static_reference_is_the_anchor_then_the_last_auction_then_the_last_trade(play):
    # Edges: 110 around the trade at 100; 132 around the auction at 120, whatever traded since; 220 around the
    # anchor's middle of 200; 132 again once the curve is withdrawn.
    play("""
    instrument: static_band_ppm=100000
    trade: 100
    curve: linear depth=1 drop=1
    book: sell 111 x 1 by 1 ; sell 133 x 1 by 1 ; sell 221 x 1 by 1
    > buy 300 x 1 by 2 ioc
    accepted #6 leaves 0 ; breached #6 at 110 ; cancelled #6 x 1 collar
    > state auction
    state auction from continuous
    > buy 120 x 1 by 2
    accepted #7 leaves 1 ; indicative 111 x 1 surplus 0
    > sell 120 x 1 by 3
    accepted #8 leaves 1
    > cancel #3 by 1
    cancelled #3 x 1 requested ; indicative 120 x 1 surplus 0
    > state continuous
    uncrossed 120 x 1 surplus 0 ; trade 120 x 1 uncross #7 with #8 leaves 0 ; state continuous from auction
    > buy 125 x 1 by 2
    accepted #9 leaves 1
    > sell 125 x 1 by 3
    accepted #10 leaves 0 ; trade 125 x 1 book #9 leaves 0
    > buy 300 x 1 by 2 ioc
    accepted #11 leaves 0 ; breached #11 at 132 ; cancelled #11 x 1 collar
    > anchor 199..202
    proposed 199..202 for 0 ; anchor 199..202 net 0 cash 1000000000
    > buy 300 x 2 by 2 ioc
    accepted #12 leaves 0 ; trade 133 x 1 book #4 leaves 0 ; breached #12 at 220 ; cancelled #12 x 1 collar
    > withdraw curve
    curve withdrawn net 0 cash 1000000000
    > buy 300 x 1 by 2 ioc
    accepted #13 leaves 0 ; breached #13 at 132 ; cancelled #13 x 1 collar
    book: sell 221 x 1 by 1
    """)


# --- what the breach leaves ---------------------------------------------------------------------

SETTINGS = "static_band_ppm=100000 market_rests=true collar_ppm=300000"


@pytest.mark.parametrize("rests", ["true", "false"])
@pytest.mark.parametrize(
    "order", ["120 x 6 by 2 ioc", "market x 6 by 2 ioc", "market x 6 by 2", "market-to-limit x 6 by 2"]
)
def test_the_rest_of_an_order_that_names_no_price_to_wait_at_leaves(play, order, rests):
    play(f"""
    instrument: {SETTINGS} breach_rests={rests}
    trade: 100
    book: sell 105 x 2 by 1 ; sell 111 x 9 by 1
    > buy {order}
    accepted #5 leaves 0 ; trade 105 x 2 book #3 leaves 0 ; breached #5 at 110 ; cancelled #5 x 4 collar
    book: sell 111 x 9 by 1
    """)


def test_the_rest_of_an_amount_is_told_between_breach_and_cancel(play):
    play(f"""
    instrument: {SETTINGS} breach_rests=true
    trade: 100
    book: sell 105 x 2 by 1 ; sell 111 x 9 by 1
    > buy market x 9 by 2 amount 1000 ioc
    accepted #5 leaves 0 ; trade 105 x 2 book #3 leaves 0 ; breached #5 at 110 ; unspent #5 790
    ; cancelled #5 x 7 collar
    book: sell 111 x 9 by 1
    """)


@pytest.mark.parametrize("tif", ["gtc", "day", "gtd 99"])
def test_what_may_rest_rests_at_the_edge(play, tif):
    play(f"""
    instrument: {SETTINGS} breach_rests=true
    trade: 100
    book: sell 105 x 2 by 1 ; sell 111 x 9 by 1
    > buy 120 x 6 by 2 {tif}
    accepted #5 leaves 4 at 110 ; trade 105 x 2 book #3 leaves 0 ; breached #5 at 110
    book: buy 110 x 4 by 2 ; sell 111 x 9 by 1
    > sell 100 x 5 by 3
    accepted #6 leaves 1 ; trade 110 x 4 book #5 leaves 0
    book: sell 100 x 1 by 3 ; sell 111 x 9 by 1
    """)


def test_icebergs_and_hidden_orders_rest_at_the_edge_as_what_they_are(play):
    play(f"""
    instrument: {SETTINGS} breach_rests=true
    trade: 100
    book: sell 105 x 2 by 1 ; sell 111 x 9 by 1
    > buy 120 x 6 by 2 show 1
    accepted #5 leaves 4 iceberg at 110 ; trade 105 x 2 book #3 leaves 0 ; breached #5 at 110 ; shown #5 x 1 of 4
    book: buy 110 x 4 by 2 show 1 ; sell 111 x 9 by 1
    """)
    play(f"""
    instrument: {SETTINGS} breach_rests=true
    trade: 100
    book: sell 105 x 2 by 1 ; sell 111 x 9 by 1
    > buy 120 x 6 by 2 hidden
    accepted #5 leaves 4 hidden at 110 ; trade 105 x 2 book #3 leaves 0 ; breached #5 at 110
    book: sell 111 x 9 by 1 ; buy 110 x 4 by 2 hidden
    """)


def test_orders_that_need_more_lots_than_the_collar_lets_through_are_refused(play):
    play(f"""
    instrument: {SETTINGS} breach_rests=true
    trade: 100
    book: sell 105 x 2 by 1 ; sell 111 x 9 by 1
    > buy 120 x 3 by 2 fok
    rejected fok unfillable
    > buy 120 x 9 by 2 min 3
    rejected min qty unfillable
    > buy 120 x 2 by 2 fok
    accepted #5 leaves 0 ; trade 105 x 2 book #3 leaves 0
    book: sell 111 x 9 by 1
    """)


def test_market_to_limit_needs_a_lot_inside_the_band(play):
    play(f"""
    instrument: {SETTINGS} breach_rests=true
    trade: 100
    book: sell 111 x 9 by 1
    > buy market-to-limit x 1 by 2
    rejected nothing to trade
    book: sell 111 x 9 by 1
    """)


def test_post_only_never_breaches(play):
    play(f"""
    instrument: {SETTINGS} breach_rests=true
    trade: 100
    book: sell 111 x 9 by 1
    > buy 120 x 1 by 2 post
    rejected post only would trade
    > buy 120 x 1 by 2 slide
    accepted #4 leaves 1 at 110
    book: buy 110 x 1 by 2 ; sell 111 x 9 by 1
    """)


def test_an_amendment_is_collared_like_an_entry(play):
    play("""
    instrument: static_band_ppm=100000 breach_rests=true
    trade: 100
    book: buy 95 x 6 by 2 ; sell 105 x 2 by 1 ; sell 111 x 9 by 1
    > amend #3 to 120 by 2
    amended #3 lost 110 x 6 leaves 4 ; trade 105 x 2 book #4 leaves 0 ; breached #3 at 110
    book: buy 110 x 4 by 2 ; sell 111 x 9 by 1
    """)


def test_an_amendment_whose_rest_may_not_stay_leaves(play):
    play("""
    instrument: static_band_ppm=100000
    trade: 100
    book: buy 95 x 6 by 2 ; sell 105 x 2 by 1 ; sell 111 x 9 by 1
    > amend #3 to 120 by 2
    amended #3 lost 120 x 6 leaves 0 ; trade 105 x 2 book #4 leaves 0 ; breached #3 at 110 ; cancelled #3 x 4 collar
    book: sell 111 x 9 by 1
    """)


@pytest.mark.parametrize("mode", ["cancel-newest", "cancel-oldest"])
def test_an_own_order_beyond_the_edge_is_a_breach_too_and_stays(play, mode):
    play(f"""
    instrument: static_band_ppm=100000 stp={mode}
    trade: 100
    book: sell 111 x 2 by 1
    > buy 120 x 1 by 1
    accepted #4 leaves 0 ; breached #4 at 110 ; cancelled #4 x 1 collar
    book: sell 111 x 2 by 1
    """)


def test_the_curve_is_collared_like_the_book(play):
    # A constant price of 100: the curve sells five lots at 101, one tick beyond a band of half a per cent.
    play("""
    instrument: static_band_ppm=5000
    curve: pmm depth=4 base=6 min=-5
    anchor: 100..100
    book: sell 100 x 2 by 1
    > buy 105 x 4 by 2
    accepted #2 leaves 0 ; trade 100 x 2 book #1 leaves 0 ; breached #2 at 100 ; cancelled #2 x 2 collar
    curve: net 0 cash 1000000000
    """)


# --- triggered stops ----------------------------------------------------------------------------


def test_a_stop_triggered_by_a_sweep_stands_under_the_same_band(play):
    # All of it is one command: the band stays around 100.
    play("""
    instrument: dynamic_band_ppm=50000
    trade: 100
    book: sell 103 x 1 by 1 ; sell 105 x 1 by 1 ; sell 106 x 5 by 1
    > buy 120 x 3 by 2 stop 103
    accepted #6 leaves 3 armed
    > buy 103 x 1 by 3
    accepted #7 leaves 0 ; trade 103 x 1 book #3 leaves 0 ; triggered #6 120 x 3 leaves 0
    ; trade 105 x 1 book #4 leaves 0 ; breached #6 at 105 ; cancelled #6 x 2 collar
    book: sell 106 x 5 by 1
    """)


def test_a_stop_left_to_the_next_command_has_a_band_of_its_own(play):
    # It runs in an internal command, before which the last trade was at 105.
    play("""
    instrument: dynamic_band_ppm=50000 max_triggers=1
    trade: 100
    book: sell 103 x 1 by 1 ; sell 105 x 1 by 1 ; sell 106 x 5 by 1
    > buy 120 x 1 by 2 stop 103
    accepted #6 leaves 1 armed
    > buy 120 x 3 by 2 stop 103
    accepted #7 leaves 3 armed
    > buy 103 x 1 by 3
    accepted #8 leaves 0 ; trade 103 x 1 book #3 leaves 0 ; triggered #6 120 x 1 leaves 0
    ; trade 105 x 1 book #4 leaves 0
    book: sell 106 x 5 by 1 ; buy 120 x 3 by 2 elected 103
    > time at 5
    triggered #7 120 x 3 leaves 0 ; trade 106 x 3 book #5 leaves 2 ; time 5
    book: sell 106 x 2 by 1
    """)


# --- the volatility halt ------------------------------------------------------------------------


def test_a_halt_an_auction_and_trading_again(play):
    # What breached waits at its own limit, crossed, because the auction will clear it; an uncross has no collar.
    play("""
    instrument: static_band_ppm=100000 breach_rests=true breach_state=halted
    trade: 100
    book: sell 110 x 2 by 1 ; sell 111 x 2 by 1
    > buy 120 x 5 by 2
    accepted #5 leaves 3 ; trade 110 x 2 book #3 leaves 0 ; breached #5 at 110 ; state halted from continuous
    book: buy 120 x 3 by 2 ; sell 111 x 2 by 1
    state: halted
    > sell 115 x 1 by 3
    rejected state forbids
    > state auction
    state auction from halted ; indicative 120 x 2 surplus 1
    > sell 115 x 1 by 3
    accepted #6 leaves 1 ; indicative 115 x 3 surplus 0
    > state continuous
    uncrossed 115 x 3 surplus 0 ; trade 115 x 2 uncross #5 with #4 leaves 0 ; trade 115 x 1 uncross #5 with #6 leaves 0
    ; state continuous from auction
    book: empty
    > sell 127 x 1 by 1
    accepted #7 leaves 1
    > buy 130 x 1 by 2 ioc
    accepted #8 leaves 0 ; breached #8 at 126 ; cancelled #8 x 1 collar ; state halted from continuous
    state: halted
    """)


def test_a_breach_may_call_the_auction_at_once(play):
    play("""
    instrument: static_band_ppm=100000 breach_rests=true breach_state=auction
    trade: 100
    book: sell 110 x 2 by 1 ; sell 111 x 2 by 1
    > buy 120 x 5 by 2
    accepted #5 leaves 3 ; trade 110 x 2 book #3 leaves 0 ; breached #5 at 110 ; state auction from continuous
    ; indicative 120 x 2 surplus 1
    book: buy 120 x 3 by 2 ; sell 111 x 2 by 1
    state: auction
    """)


@pytest.mark.parametrize("order", ["120 x 5 by 2", "120 x 5 by 2 ioc"])
def test_the_halt_follows_where_the_rest_was_cancelled_too(play, order):
    play(f"""
    instrument: static_band_ppm=100000 breach_state=halted
    trade: 100
    book: sell 110 x 2 by 1 ; sell 111 x 2 by 1
    > buy {order}
    accepted #5 leaves 0 ; trade 110 x 2 book #3 leaves 0 ; breached #5 at 110 ; cancelled #5 x 3 collar
    ; state halted from continuous
    book: sell 111 x 2 by 1
    """)


def test_a_refused_order_halts_nothing(play):
    play("""
    instrument: static_band_ppm=100000 breach_state=halted
    trade: 100
    book: sell 111 x 2 by 1
    > buy 120 x 1 by 2 fok
    rejected fok unfillable
    state: continuous
    """)


def test_stops_elected_before_the_halt_wait_for_the_reopening(play):
    play("""
    instrument: static_band_ppm=100000 breach_state=halted
    trade: 100
    book: sell 110 x 2 by 1 ; sell 111 x 2 by 1
    > buy 130 x 1 by 4 stop 105
    accepted #5 leaves 1 armed
    > buy 120 x 3 by 2
    accepted #6 leaves 0 ; trade 110 x 2 book #3 leaves 0 ; breached #6 at 110 ; cancelled #6 x 1 collar
    ; state halted from continuous
    book: sell 111 x 2 by 1 ; buy 130 x 1 by 4 elected 105
    > time at 5
    time 5
    book: sell 111 x 2 by 1 ; buy 130 x 1 by 4 elected 105
    > state continuous
    uncrossed 0 x 0 surplus 0 ; state continuous from halted ; triggered #5 130 x 1 leaves 0
    ; trade 111 x 1 book #4 leaves 1
    book: sell 111 x 1 by 1
    """)


def test_a_stop_that_breaches_halts_those_behind_it(play):
    play("""
    instrument: static_band_ppm=100000 breach_rests=true breach_state=halted
    curve: linear depth=1 drop=900000
    anchor: 100..100
    trade: 100
    book: sell 103 x 1 by 1 ; sell 111 x 5 by 1
    > buy 120 x 2 by 2 stop 103
    accepted #5 leaves 2 armed
    > buy 120 x 2 by 3 stop 103
    accepted #6 leaves 2 armed
    > buy 103 x 1 by 4
    accepted #7 leaves 0 ; trade 103 x 1 book #3 leaves 0 ; triggered #5 120 x 2 leaves 2
    ; breached #5 at 110 ; state halted from continuous
    book: buy 120 x 2 by 2 ; sell 111 x 5 by 1 ; buy 120 x 2 by 3 elected 103
    """)


def test_stops_that_a_reopening_elects_are_measured_from_its_price(play):
    play("""
    instrument: dynamic_band_ppm=50000 breach_state=auction
    trade: 100
    book: buy 108 x 2 by 1 stop 105 ; sell 109 x 1 by 2
    state: auction
    > buy 108 x 3 by 3
    accepted #5 leaves 3
    > sell 108 x 3 by 4
    accepted #6 leaves 3 ; indicative 108 x 3 surplus 0
    > sell 108 x 2 by 4
    accepted #7 leaves 2 ; indicative 108 x 3 surplus -2
    > state continuous
    uncrossed 108 x 3 surplus -2 ; trade 108 x 3 uncross #5 with #6 leaves 0
    ; state continuous from auction
    ; triggered #3 108 x 2 leaves 0 ; trade 108 x 2 book #7 leaves 0
    book: sell 109 x 1 by 2
    state: continuous
    """)
