"""Amendments of orders with terms: what each may change, what that costs in priority, and what never executes."""

import pytest

PRICE_TICKS_MAX = 2**60 - 1


# --- icebergs and hidden orders -----------------------------------------------------------------


@pytest.mark.parametrize("lots", [2, 5, 9])
def test_another_slice_loses_priority(play, lots):
    play(f"""
    book: sell 100 x 9 by 1 show 3 ; sell 100 x 1 by 2
    > amend #1 show {lots} by 1
    amended #1 lost 100 x 9 leaves 9 ; shown #1 x {lots} of 9
    book: sell 100 x 1 by 2 ; sell 100 x 9 by 1 show {lots}
    """)


def test_the_same_slice_is_no_change_and_a_used_one_is_not_filled_up(play):
    play("""
    book: sell 100 x 9 by 1 show 3 ; sell 100 x 1 by 2
    > buy 100 x 2 by 9
    accepted #3 leaves 0 ; trade 100 x 2 book #1 leaves 7
    > amend #1 x 8 show 3 by 1
    amended #1 kept 100 x 8 leaves 6
    book: sell 100 x 6 by 1 show 1 ; sell 100 x 1 by 2
    > amend #1 x 10 by 1 -- more of it: to the back, with a fresh slice
    amended #1 lost 100 x 10 leaves 8 ; shown #1 x 3 of 8
    book: sell 100 x 1 by 2 ; sell 100 x 8 by 1 show 3
    """)


def test_an_iceberg_amended_through_the_market_shows_what_is_left(play):
    play("""
    book: sell 101 x 2 by 8 ; buy 99 x 6 by 1 show 2
    > amend #2 to 101 by 1
    amended #2 lost 101 x 6 leaves 4 ; trade 101 x 2 book #1 leaves 0 ; shown #2 x 2 of 4
    book: buy 101 x 4 by 1 show 2
    """)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("#1 show 7", "display out of range"),
        ("#1 x 2 show 3", "display out of range"),
        ("#1 show -1", "display out of range"),
        ("#2 show 1", "invalid terms"),  # not an iceberg
        ("#3 show 1", "invalid terms"),
        ("#4 show 1", "invalid terms"),
        ("#1 stop 90", "invalid terms"),  # not a stop
        ("#2 stop 90", "invalid terms"),
        ("#4 stop -1", "stop out of range"),
        (f"#4 stop {PRICE_TICKS_MAX + 1}", "stop out of range"),
        ("#4 to -1", "price out of range"),
        ("#4 x -1", "qty out of range"),
    ],
)
def test_terms_that_do_not_suit_the_order(play, change, code):
    play(f"""
    book: buy 95 x 6 by 1 show 3 ; buy 94 x 6 by 1 ; buy 93 x 6 by 1 hidden ; buy 120 x 6 by 1 stop 110
    > amend {change} by 1
    rejected {code}
    book: buy 95 x 6 by 1 show 3 ; buy 94 x 6 by 1 ; buy 93 x 6 by 1 hidden ; buy 120 x 6 by 1 armed 110
    """)


def test_a_hidden_order_amended_through_the_market_stays_hidden(play):
    play("""
    book: sell 101 x 2 by 8 ; buy 99 x 6 by 1 hidden ; buy 100 x 1 by 2
    > amend #2 to 101 by 1
    amended #2 lost 101 x 6 leaves 4 ; trade 101 x 2 book #1 leaves 0
    > amend #2 to 100 by 1
    amended #2 lost 100 x 6 leaves 4
    > sell 100 x 2 by 9
    accepted #4 leaves 0 ; trade 100 x 1 book #3 leaves 0 ; trade 100 x 1 hidden #2 leaves 3
    book: buy 100 x 3 by 1 hidden
    """)


# --- stops --------------------------------------------------------------------------------------


def test_a_stop_that_waits_never_executes_by_an_amendment(play):
    play("""
    trade: 100
    book: sell 101 x 9 by 8 ; buy 95 x 2 by 1 stop 105
    > amend #4 to 103 x 5 by 1 -- a limit through the book
    amended #4 kept 103 x 5 leaves 5
    > amend #4 stop 101 by 1
    amended #4 lost 103 x 5 leaves 5
    book: sell 101 x 9 by 8 ; buy 103 x 5 by 1 armed 101
    > buy 101 x 1 by 9
    accepted #5 leaves 0 ; trade 101 x 1 book #3 leaves 8 ; triggered #4 103 x 5 leaves 0
    ; trade 101 x 5 book #3 leaves 3
    book: sell 101 x 3 by 8
    """)


def test_quantity_and_limit_keep_its_turn_at_the_trigger_and_a_new_trigger_does_not(play):
    orders = """
    trade: 100
    book: buy 95 x 1 by 8 ; sell 99 x 2 by 1 stop 95 ; sell 98 x 2 by 2 stop 95"""
    end = """
    > sell 95 x 1 by 9
    accepted #6 leaves 0 ; trade 95 x 1 book #3 leaves 0"""
    play(f"""
    {orders}
    > amend #4 to 97 x 9 by 1
    amended #4 kept 97 x 9 leaves 9
    {end} ; triggered #4 97 x 9 leaves 9 ; triggered #5 98 x 2 leaves 2
    book: sell 97 x 9 by 1 ; sell 98 x 2 by 2
    """)
    play(f"""
    {orders}
    > amend #4 stop 96 by 1
    amended #4 lost 99 x 2 leaves 2
    > amend #4 stop 95 by 1
    amended #4 lost 99 x 2 leaves 2
    {end} ; triggered #5 98 x 2 leaves 2 ; triggered #4 99 x 2 leaves 2
    book: sell 98 x 2 by 2 ; sell 99 x 2 by 1
    """)


@pytest.mark.parametrize("through_triggers", ["false", "true"])
def test_a_trigger_that_is_reached_already_is_refused_however_it_would_be_at_entry(play, through_triggers):
    play(f"""
    instrument: stop_through_triggers={through_triggers}
    trade: 100
    book: buy 120 x 2 by 1 stop 105 ; sell 80 x 2 by 1 stop 95
    > amend #3 stop 100 by 1
    rejected stop through
    > amend #4 x 1 stop 101 by 1
    rejected stop through
    > amend #3 stop 101 by 1
    amended #3 lost 120 x 2 leaves 2
    > amend #4 stop 99 by 1
    amended #4 lost 80 x 2 leaves 2
    book: sell 80 x 2 by 1 armed 99 ; buy 120 x 2 by 1 armed 101
    """)


def test_a_market_stop_has_no_limit_to_change(play):
    play("""
    trade: 100
    book: sell market x 5 by 1 ioc stop 95
    > amend #3 to 90 by 1
    rejected invalid terms
    > amend #3 x 7 stop 96 by 1
    amended #3 lost 0 x 7 leaves 7
    book: sell market x 7 by 1 armed 96
    """)


def test_a_stop_waiting_for_its_turn_may_only_shrink(play):
    play("""
    curve: pmm depth=4 base=6
    anchor: 100..100
    book: buy 103 x 5 by 1 stop 105 on-anchor
    > state auction
    state auction from continuous
    > anchor 105..105
    proposed 105..105 for 0 ; anchor 105..105 net 0 cash 1000000000
    > amend #1 x 6 by 1
    rejected invalid terms
    > amend #1 to 104 by 1
    rejected invalid terms
    > amend #1 stop 107 by 1
    rejected invalid terms
    > amend #1 x 3 by 1
    amended #1 kept 103 x 3 leaves 3
    book: buy 103 x 3 by 1 elected 105
    > state continuous
    uncrossed 0 x 0 surplus 0 ; state continuous from auction ; triggered #1 103 x 3 leaves 3
    book: buy 103 x 3 by 1
    """)


def test_once_triggered_it_is_an_order_like_any_other(play):
    play("""
    trade: 100
    book: sell 105 x 1 by 8 ; buy 104 x 5 by 1 stop 105
    > buy 105 x 1 by 9
    accepted #5 leaves 0 ; trade 105 x 1 book #3 leaves 0 ; triggered #4 104 x 5 leaves 5
    > amend #4 stop 106 by 1
    rejected invalid terms
    > amend #4 x 4 by 1
    amended #4 kept 104 x 4 leaves 4
    book: buy 104 x 4 by 1
    """)


# --- pegs ---------------------------------------------------------------------------------------


def test_a_peg_keeps_its_place_when_it_shrinks_and_loses_it_when_it_grows_or_gets_another_limit(play):
    play("""
    book: buy 99 x 1 by 1 ; buy 110 x 4 by 2 peg primary ; buy 110 x 4 by 3 peg primary
    > amend #2 x 3 by 2
    amended #2 kept 99 x 3 leaves 3
    book: buy 99 x 1 by 1 ; buy 99 x 3 by 2 ; buy 99 x 4 by 3
    > amend #2 x 5 by 2
    amended #2 lost 0 x 5 leaves 5 ; repriced #2 99 leaves 5
    book: buy 99 x 1 by 1 ; buy 99 x 4 by 3 ; buy 99 x 5 by 2
    > amend #3 to 98 by 3
    amended #3 lost 0 x 4 leaves 4 ; repriced #3 98 leaves 4
    book: buy 99 x 1 by 1 ; buy 99 x 5 by 2 ; buy 98 x 4 by 3
    """)


def test_a_parked_peg_may_change_its_limit(play):
    play("""
    book: buy 110 x 4 by 2 peg primary
    > amend #1 to 105 by 2
    amended #1 lost 0 x 4 leaves 4
    > amend #1 x 2 by 2
    amended #1 kept 0 x 2 leaves 2
    > amend #1 to -1 by 2
    rejected price out of range
    > buy 107 x 1 by 9
    accepted #2 leaves 1 ; repriced #1 105 leaves 2
    book: buy 107 x 1 by 9 ; buy 105 x 2 by 2
    """)


def test_a_peg_that_has_traded_so_much_is_done(play):
    play("""
    book: sell 101 x 1 by 1 ; sell 90 x 4 by 2 peg primary
    > buy 101 x 3 by 9
    accepted #3 leaves 0 ; trade 101 x 1 book #1 leaves 0 ; trade 101 x 2 book #2 leaves 2
    ; repriced #2 parked leaves 2
    > amend #2 x 2 by 2
    cancelled #2 x 2 amended to filled
    book: empty
    """)


# --- calls --------------------------------------------------------------------------------------


def test_a_market_order_waiting_for_the_uncross_may_only_shrink(play):
    play("""
    trade: 100
    state: auction
    book: buy market x 5 by 1 auction ; sell 100 x 4 by 2
    > amend #3 x 6 by 1
    rejected invalid terms
    > amend #3 to 100 by 1
    rejected invalid terms
    > amend #3 x 3 by 1
    amended #3 kept 0 x 3 leaves 3 ; indicative 100 x 3 surplus -1
    book: sell 100 x 4 by 2 ; buy market x 3 by 1 call
    """)


def test_in_a_call_an_amended_order_goes_to_the_back_without_matching(play):
    play("""
    state: auction
    book: buy 99 x 2 by 1 auction ; buy 100 x 3 by 2 ; sell 100 x 4 by 3
    > amend #1 to 100 by 1
    amended #1 lost 100 x 2 leaves 2 ; indicative 100 x 4 surplus 1
    book: buy 100 x 3 by 2 ; buy 100 x 2 by 1 ; sell 100 x 4 by 3
    > state continuous
    uncrossed 100 x 4 surplus 1 ; trade 100 x 3 uncross #2 with #3 leaves 1 ; trade 100 x 1 uncross #1 with #3 leaves 0
    ; cancelled #1 x 1 untraded ; state continuous from auction
    book: empty
    """)


# --- as at entry --------------------------------------------------------------------------------


def test_the_self_trade_mode_survives(play):
    play("""
    book: sell 101 x 2 by 1 ; buy 99 x 3 by 1 stp cancel-newest
    > amend #2 to 101 by 1
    amended #2 lost 101 x 3 leaves 0 ; prevented cancel-newest 101 x 2 #1 leaves 2 ; cancelled #2 x 3 self trade
    book: sell 101 x 2 by 1
    """)


@pytest.mark.parametrize(
    ("rests", "price", "leaves", "end", "book"),
    [
        ("false", 103, 0, " ; cancelled #5 x 2 collar", "sell 102 x 1 by 8"),
        ("true", 101, 2, "", "buy 101 x 2 by 1 ; sell 102 x 1 by 8"),
    ],
)
def test_the_collar_holds_for_amendments(play, rests, price, leaves, end, book):
    play(f"""
    instrument: static_band_ppm=10000 breach_rests={rests}
    trade: 100
    book: sell 101 x 1 by 8 ; sell 102 x 1 by 8 ; buy 99 x 3 by 1
    > amend #5 to 103 by 1
    amended #5 lost {price} x 3 leaves {leaves} ; trade 101 x 1 book #3 leaves 0 ; breached #5 at 101{end}
    book: {book}
    """)


# --- amend as cancel and reinsert ---------------------------------------------------------------


def test_with_reinsertion_even_less_goes_to_the_back(play):
    play("""
    instrument: reinsert_on_amend=true
    book: buy 100 x 5 by 1 ; buy 100 x 5 by 2 ; buy 100 x 5 by 3 hidden ; buy 100 x 5 by 4 hidden
    > amend #1 x 3 by 1
    amended #1 lost 100 x 3 leaves 3
    > amend #3 x 3 by 3
    amended #3 lost 100 x 3 leaves 3
    book: buy 100 x 5 by 2 ; buy 100 x 3 by 1 ; buy 100 x 5 by 4 hidden ; buy 100 x 3 by 3 hidden
    > amend #2 by 2 -- even nothing at all
    amended #2 lost 100 x 5 leaves 5
    > reduce #1 x 1 by 1 -- but a reduction is no amendment
    amended #1 kept 100 x 2 leaves 2
    book: buy 100 x 2 by 1 ; buy 100 x 5 by 2 ; buy 100 x 5 by 4 hidden ; buy 100 x 3 by 3 hidden
    """)


def test_with_reinsertion_an_iceberg_shows_a_fresh_slice(play):
    play("""
    instrument: reinsert_on_amend=true
    book: sell 100 x 9 by 1 show 3 ; sell 100 x 1 by 2
    > buy 100 x 2 by 9
    accepted #3 leaves 0 ; trade 100 x 2 book #1 leaves 7
    > amend #1 x 8 by 1
    amended #1 lost 100 x 8 leaves 6 ; shown #1 x 3 of 6
    book: sell 100 x 1 by 2 ; sell 100 x 6 by 1 show 3
    """)


def test_with_reinsertion_a_stop_still_waits_where_it_waited(play):
    play("""
    instrument: reinsert_on_amend=true
    trade: 100
    book: sell 99 x 2 by 1 stop 95 ; sell 98 x 2 by 2 stop 95
    > amend #3 x 1 by 1
    amended #3 kept 99 x 1 leaves 1
    book: sell 99 x 1 by 1 armed 95 ; sell 98 x 2 by 2 armed 95
    """)


def test_with_reinsertion_what_only_waits_for_its_turn_keeps_it(play):
    play("""
    instrument: reinsert_on_amend=true
    trade: 100
    state: auction
    book: buy market x 5 by 1 auction ; buy market x 5 by 2 auction ; sell 100 x 4 by 3
    > amend #3 x 4 by 1
    amended #3 kept 0 x 4 leaves 4 ; indicative 100 x 4 surplus 5
    book: sell 100 x 4 by 3 ; buy market x 4 by 1 call ; buy market x 5 by 2 call
    """)


def test_a_market_stop_that_grows_is_measured_at_what_would_protect_it_now(play):
    play("""
    instrument: max_order_notional=1000
    trade: 100
    book: sell market x 5 by 1 ioc stop 95
    > amend #3 x 11 by 1 -- 95 x 11, at the collar's 5 %
    rejected notional too large
    > amend #3 x 10 by 1
    amended #3 kept 0 x 10 leaves 10
    > amend #3 x 274877906943 by 1
    rejected notional too large
    book: sell market x 10 by 1 armed 95
    """)
