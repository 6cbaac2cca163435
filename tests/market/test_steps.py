"""What follows one step, in its order: partners, protection, reduce-only orders, stops, the breach's state."""


def test_partners_then_protection_then_trimming_then_stops_then_the_state(play):
    play("""
    instrument: dynamic_band_ppm=10000 breach_rests=true breach_state=halted
    account: 7 position_lots=10 protection_lots=5
    trade: 100
    book: buy 99 x 1 by 6 ; buy 97 x 1 by 8
    > sell 120 x 1 by 6 oco #3
    accepted #5 leaves 1
    > sell 90 x 1 by 5 stop 99
    accepted #6 leaves 1 armed
    > sell 110 x 10 by 7 reduce-only
    accepted #7 leaves 10
    > quote 7 slot 0 bid 99 x 5
    accepted #8 leaves 5 ; quoted 7 slot 0 bid #8 ask none
    > quote 7 slot 1 bid 90 x 1
    accepted #9 leaves 1 ; quoted 7 slot 1 bid #9 ask none
    > sell 95 x 9 by 7
    accepted #10 leaves 3 ; trade 99 x 1 book #3 leaves 0 ; trade 99 x 5 book #8 leaves 0 ; breached #10 at 99
    ; cancelled #5 x 1 oco ; protected 7 after 5 ; cancelled #9 x 1 protection ; amended #7 kept 110 x 6 leaves 6
    ; state halted from continuous
    book: buy 97 x 1 by 8 ; sell 95 x 3 by 7 ; sell 110 x 6 by 7 ; sell 90 x 1 by 5 elected 99
    state: halted
    """)


def test_trimming_passes_over_the_partner_that_left_with_the_order_before(play):
    play("""
    account: 7 position_lots=9
    > sell 130 x 4 by 7 reduce-only
    accepted #1 leaves 4
    > sell 80 x 5 by 7 reduce-only stop 90
    accepted #2 leaves 5 armed
    > sell 110 x 5 by 7 reduce-only oco #2
    accepted #3 leaves 5
    > sell 140 x 9 by 7
    accepted #4 leaves 9 ; cancelled #3 x 5 reduce only ; cancelled #2 x 5 oco ; cancelled #1 x 4 reduce only
    book: sell 140 x 9 by 7
    """)


def test_the_first_print_of_a_sweep_elects_what_its_last_does_not_reach(play):
    play("""
    trade: 105
    book: sell 101 x 1 by 1 ; sell 103 x 1 by 1 ; buy 90 x 1 by 3
    > sell 90 x 1 by 2 stop 102
    accepted #6 leaves 1 armed
    > buy 103 x 2 by 4
    accepted #7 leaves 0 ; trade 101 x 1 book #3 leaves 0 ; trade 103 x 1 book #4 leaves 0
    ; triggered #6 90 x 1 leaves 0 ; trade 90 x 1 book #5 leaves 0
    book: empty
    """)


def test_buy_stops_run_before_sell_stops_that_the_first_print_of_all_elects(play):
    play("""
    book: buy 100 x 1 by 1
    > sell 80 x 1 by 2 stop 110 -- no trade yet: nothing is reached
    accepted #2 leaves 1 armed
    > buy 120 x 1 by 3 stop 90
    accepted #3 leaves 1 armed
    > sell 100 x 1 by 4
    accepted #4 leaves 0 ; trade 100 x 1 book #1 leaves 0
    ; triggered #3 120 x 1 leaves 1 ; triggered #2 80 x 1 leaves 0 ; trade 120 x 1 book #3 leaves 0
    book: empty
    """)
