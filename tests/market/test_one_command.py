"""What one command sets off, and in which order: the clock, the step and what follows each step, stops, pegs."""


def test_what_follows_a_step(play):
    # Account 1 sells eight of its ten lots. What trades is the bid of a pair, then a quote; the next bid lies outside
    # the band around 100. After the fills: the partner leaves, the quotes are pulled, the reduce-only order is cut to
    # what the position and the remainder allow, the stop is elected, and trading halts before it can run.
    play("""
    instrument: dynamic_band_ppm=50000 breach_rests=true breach_state=halted
    account: 1 position_lots=10 ; 2 protection_lots=5 protection_window_ns=100
    trade: 100
    book: buy 99 x 1 by 3 ; sell 130 x 1 by 3 oco #3 ; sell 120 x 10 by 1 reduce-only ; buy 94 x 9 by 4
    ; sell 90 x 2 by 5 stop 99
    > quote 2 bid 98 x 5 ask 110 x 5
    accepted #8 leaves 5 ; accepted #9 leaves 5 ; quoted 2 slot 0 bid #8 ask #9
    > sell 90 x 8 by 1
    accepted #10 leaves 2 ; trade 99 x 1 book #3 leaves 0 ; trade 98 x 5 book #8 leaves 0 ; breached #10 at 95
    ; cancelled #4 x 1 oco
    ; protected 2 after 5 ; cancelled #9 x 5 protection
    ; amended #5 kept 120 x 2 leaves 2
    ; state halted from continuous
    book: buy 94 x 9 by 4 ; sell 90 x 2 by 1 ; sell 120 x 2 by 1 ; sell 90 x 2 by 5 elected 99
    account: 1 position_lots=4
    state: halted
    > state continuous
    uncrossed 94 x 2 surplus 7 ; trade 94 x 2 uncross #6 with #10 leaves 0 ; state continuous from halted
    ; triggered #7 90 x 2 leaves 0 ; trade 94 x 2 book #6 leaves 5
    book: buy 94 x 5 by 4 ; sell 120 x 2 by 1
    """)


def test_partners_leave_in_the_order_of_the_trades(play):
    play("""
    book: sell 102 x 1 by 1 ; sell 101 x 1 by 2 ; sell 101 x 1 by 3 hidden
    ; buy 80 x 1 by 1 oco #1 ; buy 81 x 1 by 3 oco #3 ; buy 82 x 1 by 2 oco #2 ; buy 100 x 9 by 4
    > buy 102 x 3 by 9
    accepted #8 leaves 0 ; trade 101 x 1 book #2 leaves 0 ; trade 101 x 1 hidden #3 leaves 0
    ; trade 102 x 1 book #1 leaves 0 ; cancelled #6 x 1 oco ; cancelled #5 x 1 oco ; cancelled #4 x 1 oco
    book: buy 100 x 9 by 4
    """)


def test_reduce_only_orders_shrink_account_by_account_and_the_newest_first(play):
    # The void trade leaves account 2 less long and account 1 less short; 1 comes first, though 2 entered first.
    play("""
    instrument: bust_window=4
    account: 1 position_lots=0 ; 2 position_lots=0
    book: sell 100 x 6 by 1
    > buy 100 x 6 by 2
    accepted #2 leaves 0 ; trade 100 x 6 book #1 leaves 0
    > account 1 position_lots=-8
    account 1 position_lots=-8
    > account 2 position_lots=9
    account 2 position_lots=9
    > sell 120 x 5 by 2 reduce-only
    accepted #3 leaves 5
    > sell 119 x 4 by 2 reduce-only
    accepted #4 leaves 4
    > buy 80 x 3 by 1 reduce-only
    accepted #5 leaves 3
    > buy 81 x 5 by 1 reduce-only
    accepted #6 leaves 5
    > bust trade 1
    busted 100 x 6 book
    ; cancelled #6 x 5 reduce only ; amended #5 kept 80 x 2 leaves 2
    ; cancelled #4 x 4 reduce only ; amended #3 kept 120 x 3 leaves 3
    book: buy 80 x 2 by 1 ; sell 120 x 3 by 2
    account: 1 position_lots=-2 ; 2 position_lots=3
    """)


def test_every_triggered_stop_is_a_step_of_its_own(play):
    # What follows a step comes before the next stop runs: the partner of what it met leaves, account 1's order is cut.
    play("""
    account: 1 position_lots=5
    trade: 100
    book: sell 120 x 5 by 1 reduce-only ; buy 99 x 1 by 2 ; buy 98 x 1 by 2 ; sell 130 x 1 by 2 oco #5 ; buy 97 x 9 by 3
    ; sell 90 x 2 by 1 stop 99 ; sell 91 x 2 by 1 stop 99
    > sell 99 x 1 by 4
    accepted #10 leaves 0 ; trade 99 x 1 book #4 leaves 0
    ; triggered #8 90 x 2 leaves 0 ; trade 98 x 1 book #5 leaves 0 ; trade 97 x 1 book #7 leaves 8
    ; cancelled #6 x 1 oco ; amended #3 kept 120 x 3 leaves 3
    ; triggered #9 91 x 2 leaves 0 ; trade 97 x 2 book #7 leaves 6
    ; amended #3 kept 120 x 1 leaves 1
    book: buy 97 x 6 by 3 ; sell 120 x 1 by 1
    account: 1 position_lots=1
    """)


# --- the clock ----------------------------------------------------------------------------------


def test_at_one_time_orders_expire_then_dead_men_then_the_anchor(play):
    # All three fall due at 10. The anchor's lift finds neither the order that expired nor those of the silent account.
    play("""
    curve: pmm lift depth=20 lift=100 delay=10
    > sell 97 x 1 by 2
    accepted #1 leaves 1
    > sell 96 x 1 by 1 gtd 9
    accepted #2 leaves 1
    > sell 98 x 1 by 3
    accepted #3 leaves 1
    > anchor 100..100
    proposed 100..100 for 10
    > deadman 2 in 10
    deadman 2 at 10
    > cancel #9 by 9 at 10
    cancelled #2 x 1 expired ; cancelled #1 x 1 deadman ; mass cancelled 1 deadman account 2
    ; anchor 100..100 net 0 cash 1000000000 ; trade 98 x 1 lift #3 leaves 0 ; rejected unknown order
    book: empty
    """)


def test_what_falls_due_earlier_comes_earlier_whatever_it_is(play):
    # The anchor at 10 lifts what would expire at 11 and what a dead man at 12 would cancel.
    play("""
    curve: pmm lift depth=20 lift=100 delay=10
    > sell 97 x 1 by 2
    accepted #1 leaves 1
    > sell 96 x 1 by 1 gtd 10
    accepted #2 leaves 1
    > sell 101 x 1 by 1 gtd 10
    accepted #3 leaves 1
    > anchor 100..100
    proposed 100..100 for 10
    > deadman 2 in 12
    deadman 2 at 12
    > time at 50
    anchor 100..100 net 0 cash 1000000000 ; trade 96 x 1 lift #2 leaves 0 ; trade 97 x 1 lift #1 leaves 0
    ; cancelled #3 x 1 expired ; mass cancelled 0 deadman account 2 ; time 50
    book: empty
    """)


def test_every_anchor_is_a_step_of_its_own(play):
    play("""
    curve: pmm lift depth=20 lift=100 delay=10
    > sell 97 x 1 by 1
    accepted #1 leaves 1
    > buy 80 x 1 by 1 oco #1
    accepted #2 leaves 1
    > sell 108 x 1 by 3
    accepted #3 leaves 1
    > buy 81 x 1 by 3 oco #3
    accepted #4 leaves 1
    > anchor 100..100
    proposed 100..100 for 10
    > anchor 110..110 at 5
    proposed 110..110 for 15
    > time at 20
    anchor 100..100 net 0 cash 1000000000 ; trade 97 x 1 lift #1 leaves 0 ; cancelled #2 x 1 oco
    ; anchor 110..110 net 1 cash 999999903 ; trade 108 x 1 lift #3 leaves 0 ; cancelled #4 x 1 oco ; time 20
    book: empty
    """)


def test_stops_left_over_run_before_the_clock_moves(play):
    # One stop a command: the second runs ahead of the next one, at the old time, when #5 has not expired yet.
    play("""
    instrument: max_triggers=1
    trade: 100
    book: buy 99 x 1 by 1 ; buy 98 x 1 by 1 ; buy 97 x 1 by 2 gtd 10 ; buy 96 x 1 by 2 gtd 10
    ; sell 90 x 1 by 3 stop 99 ; sell 90 x 1 by 4 stop 99
    > sell 99 x 1 by 5
    accepted #9 leaves 0 ; trade 99 x 1 book #3 leaves 0 ; triggered #7 90 x 1 leaves 0 ; trade 98 x 1 book #4 leaves 0
    > cancel #77 by 5 at 50
    triggered #8 90 x 1 leaves 0 ; trade 97 x 1 book #5 leaves 0 ; cancelled #6 x 1 expired ; rejected unknown order
    book: empty
    """)


def test_stops_run_and_pegs_follow_even_after_a_refusal(play):
    play("""
    curve: pmm depth=0 delay=10
    book: sell 105 x 3 by 1
    > anchor 100..100
    proposed 100..100 for 10
    > buy 104 x 1 by 2 peg anchor
    accepted #2 leaves 1 parked
    > buy 105 x 1 by 3 stop 100 on-anchor
    accepted #3 leaves 1 armed
    > buy 0 x 1 by 4 at 10
    anchor 100..100 net 0 cash 1000000000 ; rejected price out of range
    ; triggered #3 105 x 1 leaves 0 ; trade 105 x 1 book #1 leaves 2
    ; repriced #2 100 leaves 1
    book: buy 100 x 1 by 2 ; sell 105 x 2 by 1
    """)


def test_the_commands_own_order_comes_before_the_stops_its_time_elected(play):
    play("""
    curve: pmm depth=0 delay=10
    book: sell 105 x 1 by 1 ; sell 106 x 1 by 1
    > anchor 100..100
    proposed 100..100 for 10
    > buy 106 x 1 by 3 stop 100 on-anchor
    accepted #3 leaves 1 armed
    > buy 105 x 1 by 4 at 10
    anchor 100..100 net 0 cash 1000000000 ; accepted #4 leaves 0 ; trade 105 x 1 book #1 leaves 0
    ; triggered #3 106 x 1 leaves 0 ; trade 106 x 1 book #2 leaves 0
    book: empty
    """)


def test_no_time_no_clock_and_a_turned_back_one_does_nothing_at_all(play):
    market = play("""
    > buy 90 x 1 by 1 gtd 10 at 5
    accepted #1 leaves 1
    > buy 91 x 1 by 2
    accepted #2 leaves 1
    > buy 92 x 1 by 2 at 4
    rejected time reversed
    > buy 93 x 1 by 2 at 5
    accepted #3 leaves 1
    book: buy 93 x 1 by 2 ; buy 91 x 1 by 2 ; buy 90 x 1 by 1
    """)
    assert market.now_ns == 5
