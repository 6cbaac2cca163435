"""Cascades: triggered stops print, prints elect stops, one after another until all is quiet or the bound is reached."""


def test_every_print_elects_the_next(play):
    play("""
    trade: 100
    book: buy 95 x 1 by 1 ; buy 94 x 1 by 1 ; buy 93 x 1 by 1 ; buy 92 x 9 by 1
    > sell 90 x 1 by 2 stop 93
    accepted #7 leaves 1 armed
    > sell 90 x 1 by 3 stop 94
    accepted #8 leaves 1 armed
    > sell 90 x 1 by 4 stop 95
    accepted #9 leaves 1 armed
    > sell 95 x 1 by 9
    accepted #10 leaves 0 ; trade 95 x 1 book #3 leaves 0 ; triggered #9 90 x 1 leaves 0
    ; trade 94 x 1 book #4 leaves 0 ; triggered #8 90 x 1 leaves 0 ; trade 93 x 1 book #5 leaves 0
    ; triggered #7 90 x 1 leaves 0 ; trade 92 x 1 book #6 leaves 8
    book: buy 92 x 8 by 1
    """)


def test_one_print_elects_by_trigger_and_then_by_arrival(play):
    play("""
    trade: 100
    book: buy 93 x 1 by 1 ; buy 92 x 9 by 1
    > sell 90 x 1 by 2 stop 94
    accepted #5 leaves 1 armed
    > sell 90 x 1 by 3 stop 95
    accepted #6 leaves 1 armed
    > sell 90 x 1 by 4 stop 94
    accepted #7 leaves 1 armed
    > sell 93 x 1 by 9
    accepted #8 leaves 0 ; trade 93 x 1 book #3 leaves 0 ; triggered #6 90 x 1 leaves 0
    ; trade 92 x 1 book #4 leaves 8 ; triggered #5 90 x 1 leaves 0 ; trade 92 x 1 book #4 leaves 7
    ; triggered #7 90 x 1 leaves 0 ; trade 92 x 1 book #4 leaves 6
    book: buy 92 x 6 by 1
    """)


def test_the_lowest_buy_trigger_comes_first(play):
    play("""
    trade: 100
    book: sell 107 x 1 by 1 ; sell 108 x 9 by 1
    > buy 110 x 1 by 2 stop 106
    accepted #5 leaves 1 armed
    > buy 110 x 1 by 3 stop 105
    accepted #6 leaves 1 armed
    > buy 107 x 1 by 9
    accepted #7 leaves 0 ; trade 107 x 1 book #3 leaves 0 ; triggered #6 110 x 1 leaves 0
    ; trade 108 x 1 book #4 leaves 8 ; triggered #5 110 x 1 leaves 0 ; trade 108 x 1 book #4 leaves 7
    book: sell 108 x 7 by 1
    """)


def test_those_elected_later_stand_behind_those_elected_before(play):
    play("""
    trade: 100
    book: buy 95 x 1 by 1 ; buy 93 x 1 by 1 ; buy 92 x 9 by 1
    > sell 90 x 1 by 2 stop 95
    accepted #6 leaves 1 armed
    > sell 90 x 1 by 3 stop 93 -- nearer the queue in time, but elected by the first one's print
    accepted #7 leaves 1 armed
    > sell 90 x 1 by 4 stop 95
    accepted #8 leaves 1 armed
    > sell 95 x 1 by 9
    accepted #9 leaves 0 ; trade 95 x 1 book #3 leaves 0 ; triggered #6 90 x 1 leaves 0
    ; trade 93 x 1 book #4 leaves 0 ; triggered #8 90 x 1 leaves 0 ; trade 92 x 1 book #5 leaves 8
    ; triggered #7 90 x 1 leaves 0 ; trade 92 x 1 book #5 leaves 7
    book: buy 92 x 7 by 1
    """)


def test_a_sweep_elects_by_its_first_print_and_by_its_last(play):
    play("""
    trade: 103
    book: sell 101 x 1 by 1 ; sell 105 x 1 by 1
    > sell 100 x 1 by 2 stop 101
    accepted #5 leaves 1 armed
    > buy 99 x 1 by 3 stop 105
    accepted #6 leaves 1 armed
    > buy 105 x 2 by 9
    accepted #7 leaves 0 ; trade 101 x 1 book #3 leaves 0 ; trade 105 x 1 book #4 leaves 0
    ; triggered #5 100 x 1 leaves 1 ; triggered #6 99 x 1 leaves 1
    book: buy 99 x 1 by 3 ; sell 100 x 1 by 2
    """)


def test_a_triggered_stop_that_rests_is_met_by_the_next(play):
    play("""
    trade: 100
    book: buy 95 x 1 by 1
    > sell 95 x 4 by 2 stop 96
    accepted #4 leaves 4 armed
    > buy 97 x 3 by 3 stop 105
    accepted #5 leaves 3 armed
    > sell 95 x 1 by 9
    accepted #6 leaves 0 ; trade 95 x 1 book #3 leaves 0 ; triggered #4 95 x 4 leaves 4
    > sell 105 x 1 by 8
    accepted #7 leaves 1
    > buy 105 x 5 by 9
    accepted #8 leaves 0 ; trade 95 x 4 book #4 leaves 0 ; trade 105 x 1 book #7 leaves 0
    ; triggered #5 97 x 3 leaves 3
    book: buy 97 x 3 by 3
    """)


def test_the_curve_feeds_a_cascade(play):
    play("""
    curve: linear par=2 depth=20 drop=200000
    anchor: 100..100
    > sell 95 x 2 by 1 stop 98
    accepted #1 leaves 2 armed
    > sell 99 x 1 by 2 stop 99 -- at 99 the curve has bought all it wants by then
    accepted #2 leaves 1 armed
    > sell 96 x 1 by 3 stop 99
    accepted #3 leaves 1 armed
    > sell 99 x 3 by 9
    accepted #4 leaves 0 ; trade 100 x 2 curve net 2 ; trade 99 x 1 curve net 3 ; triggered #2 99 x 1 leaves 1
    ; triggered #3 96 x 1 leaves 0 ; trade 98 x 1 curve net 4 ; triggered #1 95 x 2 leaves 0
    ; trade 97 x 1 curve net 5 ; trade 96 x 1 curve net 6
    book: sell 99 x 1 by 2
    """)


def test_stops_beyond_the_bound_run_around_the_next_command_even_a_refused_one(play):
    play("""
    instrument: max_triggers=1
    trade: 100
    book: buy 95 x 1 by 1 ; buy 94 x 9 by 1
    > sell 90 x 1 by 2 stop 95
    accepted #5 leaves 1 armed
    > sell 90 x 1 by 3 stop 95
    accepted #6 leaves 1 armed
    > sell 90 x 1 by 4 stop 95
    accepted #7 leaves 1 armed
    > sell 90 x 1 by 5 stop 95
    accepted #8 leaves 1 armed
    > sell 95 x 1 by 9
    accepted #9 leaves 0 ; trade 95 x 1 book #3 leaves 0 ; triggered #5 90 x 1 leaves 0
    ; trade 94 x 1 book #4 leaves 8
    book: buy 94 x 8 by 1 ; sell 90 x 1 by 3 elected 95 ; sell 90 x 1 by 4 elected 95 ; sell 90 x 1 by 5 elected 95
    > cancel #99 by 9 -- one before it, as a command of its own, and one after it
    triggered #6 90 x 1 leaves 0 ; trade 94 x 1 book #4 leaves 7 ; rejected unknown order
    ; triggered #7 90 x 1 leaves 0 ; trade 94 x 1 book #4 leaves 6
    > time at 5
    triggered #8 90 x 1 leaves 0 ; trade 94 x 1 book #4 leaves 5 ; time 5
    book: buy 94 x 5 by 1
    """)


def test_what_waits_for_its_turn_may_still_be_cancelled(play):
    play("""
    instrument: max_triggers=1
    trade: 100
    book: buy 95 x 1 by 1 ; buy 94 x 9 by 1
    > sell 90 x 1 by 2 stop 95
    accepted #5 leaves 1 armed
    > sell 90 x 1 by 3 stop 95
    accepted #6 leaves 1 armed
    > sell 90 x 1 by 4 stop 95
    accepted #7 leaves 1 armed
    > sell 95 x 1 by 9
    accepted #8 leaves 0 ; trade 95 x 1 book #3 leaves 0 ; triggered #5 90 x 1 leaves 0
    ; trade 94 x 1 book #4 leaves 8
    > cancel #7 by 4 -- too late for number 6, whose turn comes first
    triggered #6 90 x 1 leaves 0 ; trade 94 x 1 book #4 leaves 7 ; cancelled #7 x 1 requested
    book: buy 94 x 7 by 1
    """)


def test_a_leftovers_print_elects_behind_the_bound_as_well(play):
    play("""
    instrument: max_triggers=2
    trade: 100
    book: buy 95 x 1 by 1 ; buy 94 x 1 by 1 ; buy 93 x 1 by 1 ; buy 92 x 9 by 1
    > sell 90 x 1 by 2 stop 95
    accepted #7 leaves 1 armed
    > sell 90 x 1 by 2 stop 94
    accepted #8 leaves 1 armed
    > sell 90 x 1 by 2 stop 93
    accepted #9 leaves 1 armed
    > sell 90 x 1 by 2 stop 92
    accepted #10 leaves 1 armed
    > sell 95 x 1 by 9
    accepted #11 leaves 0 ; trade 95 x 1 book #3 leaves 0 ; triggered #7 90 x 1 leaves 0
    ; trade 94 x 1 book #4 leaves 0 ; triggered #8 90 x 1 leaves 0 ; trade 93 x 1 book #5 leaves 0
    book: buy 92 x 9 by 1 ; sell 90 x 1 by 2 armed 92 ; sell 90 x 1 by 2 elected 93
    > buy 91 x 1 by 9
    triggered #9 90 x 1 leaves 0 ; trade 92 x 1 book #6 leaves 8 ; triggered #10 90 x 1 leaves 0
    ; trade 92 x 1 book #6 leaves 7 ; accepted #12 leaves 1
    book: buy 92 x 7 by 1 ; buy 91 x 1 by 9
    """)


def test_a_halt_holds_them_back_and_the_opening_lets_them_go(play):
    play("""
    instrument: max_triggers=1
    trade: 100
    book: buy 95 x 1 by 1 ; buy 94 x 9 by 1
    > sell 90 x 1 by 2 stop 95
    accepted #5 leaves 1 armed
    > sell 90 x 1 by 3 stop 95
    accepted #6 leaves 1 armed
    > sell 90 x 1 by 4 stop 95
    accepted #7 leaves 1 armed
    > sell 95 x 1 by 9
    accepted #8 leaves 0 ; trade 95 x 1 book #3 leaves 0 ; triggered #5 90 x 1 leaves 0
    ; trade 94 x 1 book #4 leaves 8
    > state halted
    triggered #6 90 x 1 leaves 0 ; trade 94 x 1 book #4 leaves 7 ; state halted from continuous
    > time at 5
    time 5
    book: buy 94 x 7 by 1 ; sell 90 x 1 by 4 elected 95
    > state continuous
    uncrossed 0 x 0 surplus 0 ; state continuous from halted ; triggered #7 90 x 1 leaves 0
    ; trade 94 x 1 book #4 leaves 6
    book: buy 94 x 6 by 1
    """)


def test_a_breach_halts_the_cascade(play):
    play("""
    instrument: dynamic_band_ppm=50000 breach_state=halted
    trade: 100
    book: buy 96 x 1 by 1 ; buy 90 x 9 by 1
    > sell 90 x 2 by 2 stop 96
    accepted #5 leaves 2 armed
    > sell 90 x 1 by 3 stop 96
    accepted #6 leaves 1 armed
    > sell 96 x 1 by 9 -- the band of this whole command is 95..105
    accepted #7 leaves 0 ; trade 96 x 1 book #3 leaves 0 ; triggered #5 90 x 2 leaves 0 ; breached #5 at 95
    ; cancelled #5 x 2 collar ; state halted from continuous
    book: buy 90 x 9 by 1 ; sell 90 x 1 by 3 elected 96
    > state continuous -- the last trade is at 96 now: 92..100
    uncrossed 0 x 0 surplus 0 ; state continuous from halted ; triggered #6 90 x 1 leaves 0 ; breached #6 at 92
    ; cancelled #6 x 1 collar ; state halted from continuous
    book: buy 90 x 9 by 1
    state: halted
    """)


def test_a_market_stop_whose_reference_has_gone_is_cancelled(play):
    play("""
    book: sell 101 x 5 by 1
    curve: pmm depth=4 base=6
    anchor: 100..100
    > buy market x 2 by 2 ioc stop 105 on-anchor
    accepted #2 leaves 2 armed
    > state halted
    state halted from continuous
    > anchor 105..105 -- elected, but nothing runs under a halt
    proposed 105..105 for 0 ; anchor 105..105 net 0 cash 1000000000
    book: sell 101 x 5 by 1 ; buy market x 2 by 2 elected 105
    > withdraw curve
    curve withdrawn net 0 cash 1000000000
    > state continuous
    uncrossed 0 x 0 surplus 0 ; state continuous from halted ; cancelled #2 x 2 no reference
    book: sell 101 x 5 by 1
    """)


def test_stops_run_after_the_command_whose_time_elected_them(play):
    play("""
    curve: pmm depth=4 base=6 delay=10
    book: buy 103 x 2 by 1 stop 105 on-anchor ; buy 102 x 1 by 2 stop 110 on-anchor
    > anchor 105..105 at 1
    proposed 105..105 for 11
    > anchor 110..110 at 2
    proposed 110..110 for 12
    > buy 99 x 1 by 9 at 11
    anchor 105..105 net 0 cash 1000000000 ; accepted #3 leaves 1 ; triggered #1 103 x 2 leaves 2
    > buy 99 x 1 by 9 fok at 12 -- a refusal holds nobody back
    anchor 110..110 net 0 cash 1000000000 ; rejected fok unfillable ; triggered #2 102 x 1 leaves 1
    book: buy 103 x 2 by 1 ; buy 102 x 1 by 2 ; buy 99 x 1 by 9
    """)


def test_pegs_follow_when_the_cascade_is_over(play):
    play("""
    instrument: max_triggers=1
    trade: 100
    book: buy 95 x 1 by 1 ; buy 94 x 1 by 1 ; buy 93 x 9 by 1 ; buy 110 x 2 by 2 peg primary
    > sell 90 x 1 by 3 stop 95
    accepted #7 leaves 1 armed
    > sell 90 x 1 by 4 stop 95
    accepted #8 leaves 1 armed
    > sell 95 x 1 by 9 -- the stop still finds the peg at 95
    accepted #9 leaves 0 ; trade 95 x 1 book #3 leaves 0 ; triggered #7 90 x 1 leaves 0
    ; trade 95 x 1 book #6 leaves 1 ; repriced #6 94 leaves 1
    book: buy 94 x 1 by 1 ; buy 94 x 1 by 2 ; buy 93 x 9 by 1 ; sell 90 x 1 by 4 elected 95
    > sell 93 x 1 by 9 -- and a stop left over has pegs follow before the command itself
    triggered #8 90 x 1 leaves 0 ; trade 94 x 1 book #4 leaves 0 ; repriced #6 93 leaves 1
    ; accepted #10 leaves 0 ; trade 93 x 1 book #5 leaves 8
    book: buy 93 x 8 by 1 ; buy 93 x 1 by 2
    """)
