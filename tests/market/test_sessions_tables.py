"""Sessions as days go by: what stays, what leaves and what waits. The matrix of states and commands: test_sessions."""


def test_a_day_and_the_next_morning(play):
    play("""
    instrument: initial_state=pre-open
    book: buy 99 x 5 by 1 ; sell 101 x 5 by 2 day ; buy 98 x 2 by 3 gtd 500
    > state auction at 100
    state auction from pre-open
    > sell 99 x 2 by 4 auction
    accepted #4 leaves 2 ; indicative 99 x 2 surplus 3
    > state continuous at 200
    uncrossed 99 x 2 surplus 3 ; trade 99 x 2 uncross #1 with #4 leaves 0 ; state continuous from auction
    > buy 120 x 1 by 5 stop 105
    accepted #5 leaves 1 armed
    > buy 101 x 1 by 6
    accepted #6 leaves 0 ; trade 101 x 1 book #2 leaves 4
    > buy 99 x 7 by 6
    accepted #7 leaves 7
    > state closing at 300
    state closing from continuous
    > state closed at 400
    uncrossed 0 x 0 surplus 0 ; state closed from closing ; cancelled #2 x 4 expired
    book: buy 99 x 3 by 1 ; buy 99 x 7 by 6 ; buy 98 x 2 by 3 ; buy 120 x 1 by 5 armed 105
    > time at 600
    cancelled #3 x 2 expired ; time 600
    > state pre-open
    state pre-open from closed
    > state auction
    state auction from pre-open
    > state continuous
    uncrossed 0 x 0 surplus 0 ; state continuous from auction
    > sell 99 x 4 by 2
    accepted #8 leaves 0 ; trade 99 x 3 book #1 leaves 0 ; trade 99 x 1 book #7 leaves 6
    book: buy 99 x 6 by 6 ; buy 120 x 1 by 5 armed 105
    """)


def test_a_halt_lets_orders_leave_and_shrink_and_keeps_their_turn(play):
    play("""
    book: buy 99 x 5 by 1 ; buy 99 x 5 by 2 ; buy 99 x 5 by 3
    > state halted
    state halted from continuous
    > sell 99 x 1 by 4
    rejected state forbids
    > sell 99 x 1 by 4 ioc
    rejected state forbids
    > amend #1 x 4 by 1
    rejected state forbids
    > quote 4 ask 101 x 1
    rejected state forbids
    > reduce #1 x 2 by 1
    amended #1 kept 99 x 3 leaves 3
    > cancel #2 by 2
    cancelled #2 x 5 requested
    book: buy 99 x 3 by 1 ; buy 99 x 5 by 3
    > state continuous
    uncrossed 0 x 0 surplus 0 ; state continuous from halted
    > sell 99 x 4 by 4
    accepted #4 leaves 0 ; trade 99 x 3 book #1 leaves 0 ; trade 99 x 1 book #3 leaves 4
    book: buy 99 x 4 by 3
    """)


def test_an_anchor_that_activates_in_a_halt_lifts_nothing_and_its_stops_wait(play):
    # Open again, the curve clips behind the ask that it did not lift.
    play("""
    curve: linear par=10 depth=20 drop=200000 lift lift=100
    anchor: 90..90
    book: sell 95 x 3 by 1
    > buy 95 x 1 by 2 stop 98 on-anchor
    accepted #2 leaves 1 armed
    > state halted
    state halted from continuous
    > anchor 100..100
    proposed 100..100 for 0 ; anchor 100..100 net 0 cash 1000000000
    book: sell 95 x 3 by 1 ; buy 95 x 1 by 2 elected 98
    curve: net 0 cash 1000000000
    > state continuous
    uncrossed 0 x 0 surplus 0 ; state continuous from halted ; triggered #2 95 x 1 leaves 0
    ; trade 95 x 1 book #1 leaves 2
    > sell 94 x 1 by 3
    accepted #3 leaves 0 ; trade 94 x 1 curve net 1
    book: sell 95 x 2 by 1
    curve: net 1 cash 999999906
    """)


def test_a_close_leaves_the_halt_beneath_it(play):
    play("""
    book: buy 99 x 5 by 1 ; buy 98 x 1 by 3 day
    > state halted
    state halted from continuous
    > state closed
    state closed from halted ; cancelled #2 x 1 expired
    > state continuous
    rejected invalid transition
    > state pre-open
    rejected invalid transition
    > state halted
    state halted from closed
    > state continuous
    uncrossed 0 x 0 surplus 0 ; state continuous from halted
    book: buy 99 x 5 by 1
    """)


def test_a_close_leaves_the_auction_beneath_it(play):
    # This close does not uncross; the auction goes on where it was, without the day order.
    play("""
    state: auction
    book: buy 99 x 5 by 1 ; sell 99 x 2 by 2 auction ; buy 99 x 1 by 3 day
    > state closed
    state closed from auction ; cancelled #3 x 1 expired
    > sell 99 x 1 by 4
    rejected state forbids
    > state pre-open
    rejected invalid transition
    > state auction
    state auction from closed ; indicative 99 x 2 surplus 3
    > state continuous
    uncrossed 99 x 2 surplus 3 ; trade 99 x 2 uncross #1 with #2 leaves 0 ; state continuous from auction
    book: buy 99 x 3 by 1
    """)


def test_a_delisting_takes_every_order_and_keeps_accounts_and_clock(play):
    play("""
    trade: 100
    account: 1 position_lots=0
    book: buy 99 x 5 by 1 client 7 ; sell 101 x 5 by 2 show 1 ; sell 102 x 5 by 3 hidden ; buy 120 x 1 by 4 stop 110
    > sell 99 x 2 by 2 at 50
    accepted #7 leaves 0 ; trade 99 x 2 book #3 leaves 3
    > state delisted
    state delisted from continuous ; cancelled #3 x 3 delisted ; cancelled #4 x 5 delisted
    ; cancelled #5 x 5 delisted ; cancelled #6 x 1 delisted
    book: empty
    > buy 99 x 1 by 1
    rejected state forbids
    > mass cancel
    rejected state forbids
    > time at 60
    time 60
    > state halted
    rejected invalid transition
    > state continuous
    uncrossed 0 x 0 surplus 0 ; state continuous from delisted
    > buy 99 x 1 by 1 client 7
    rejected duplicate client id
    > buy 99 x 1 by 1 client 8
    accepted #8 leaves 1
    book: buy 99 x 1 by 1
    account: 1 position_lots=2
    """)


def test_a_delisting_outranks_a_close_over_a_halt(play):
    play("""
    state: halted
    state: closed
    > state delisted
    state delisted from closed
    > state halted
    rejected invalid transition
    > state closed
    state closed from delisted
    > state pre-open
    rejected invalid transition
    > state halted
    state halted from closed
    state: halted
    """)


def test_the_state_is_asked_before_the_account_and_after_the_form(play):
    play("""
    account: 1 killed=1
    state: halted
    > buy 99 x 1 by 1
    rejected state forbids
    > buy 99 x 1 by 1 post ioc
    rejected invalid combination
    > buy 99 x 0 by 1
    rejected state forbids
    > state continuous
    uncrossed 0 x 0 surplus 0 ; state continuous from halted
    > buy 99 x 0 by 1
    rejected account killed
    state: continuous
    """)


def test_a_stop_entered_outside_trading_waits_for_it(play):
    # Its price was reached before it came: it triggers at once, which is when trading begins.
    play("""
    instrument: stop_through_triggers=true
    trade: 100
    book: sell 101 x 1 by 2
    state: auction
    > buy 120 x 1 by 1 stop 100
    accepted #4 leaves 1 elected
    book: sell 101 x 1 by 2 ; buy 120 x 1 by 1 elected 100
    > state continuous
    uncrossed 0 x 0 surplus 0 ; state continuous from auction ; triggered #4 120 x 1 leaves 0
    ; trade 101 x 1 book #3 leaves 0
    book: empty
    """)


def test_an_order_for_the_auction_is_refused_while_trading(play):
    play("""
    trade: 100
    > buy 99 x 1 by 1 auction
    rejected state forbids
    > buy market x 1 by 1 auction
    rejected state forbids
    > state auction
    state auction from continuous
    > buy 99 x 1 by 1 auction
    accepted #3 leaves 1
    > state closed
    state closed from auction
    book: buy 99 x 1 by 1
    > state auction
    state auction from closed
    > state continuous
    uncrossed 0 x 0 surplus 0 ; cancelled #3 x 1 untraded ; state continuous from auction
    book: empty
    """)
