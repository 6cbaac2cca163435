"""Anchors: proposed, activated when due, oldest first; withdrawn while they wait; SetCurve clears what waits."""


def test_two_phases(play):
    play("""
    curve: pmm depth=4 base=6 min=-5 delay=10
    > anchor 100..100 at 5
    proposed 100..100 for 15
    > sell 99 x 1 by 1 ioc at 14 -- nothing quotes yet
    accepted #1 leaves 0 ; cancelled #1 x 1 remainder
    > sell 99 x 1 by 1 ioc at 15 -- due: activates before the order is looked at
    anchor 100..100 net 0 cash 1000000000 ; accepted #2 leaves 0 ; trade 99 x 1 curve net 1
    book: empty
    curve: net 1 cash 999999901
    """)


def test_a_plain_time_command_activates(play):
    market = play("""
    curve: pmm depth=4 delay=10
    > anchor 100..102 at 5
    proposed 100..102 for 15
    > time at 100
    anchor 100..102 net 0 cash 1000000000 ; time 100
    curve: net 0 cash 1000000000
    """)
    state = market.curve
    assert (state.quoting, state.low_ticks, state.high_ticks, state.proposed) == (True, 100, 102, 0)


def test_the_cancel_window(play):
    market = play("""
    curve: pmm depth=4 delay=10
    > anchor 100..100 at 5
    proposed 100..100 for 15
    > withdraw anchors at 14
    withdrawn 1
    > time at 99
    time 99
    > withdraw anchors
    withdrawn 0
    book: empty
    """)
    assert not market.curve.quoting


def test_too_late_to_withdraw(play):
    play("""
    curve: pmm depth=4 delay=10
    > anchor 100..100 at 5
    proposed 100..100 for 15
    > anchor 101..101 at 6
    proposed 101..101 for 16
    > withdraw anchors at 15
    anchor 100..100 net 0 cash 1000000000 ; withdrawn 1
    book: empty
    """)


def test_the_active_anchor_quotes_while_the_next_waits(play):
    play("""
    curve: pmm depth=4 base=6 delay=10
    anchor: 100..100
    > time at 10
    anchor 100..100 net 0 cash 1000000000 ; time 10
    > anchor 50..50 at 11
    proposed 50..50 for 21
    > sell 99 x 1 by 1 at 20
    accepted #1 leaves 0 ; trade 99 x 1 curve net 1
    > sell 49 x 1 by 1 at 21
    anchor 50..50 net 1 cash 999999901 ; accepted #2 leaves 0 ; trade 49 x 1 curve net 2
    book: empty
    """)


def test_first_in_first_out(play):
    play("""
    curve: pmm depth=4 delay=10
    > anchor 100..100 at 1
    proposed 100..100 for 11
    > anchor 101..101 at 2
    proposed 101..101 for 12
    > anchor 102..102 at 3
    proposed 102..102 for 13
    > time at 12
    anchor 100..100 net 0 cash 1000000000 ; anchor 101..101 net 0 cash 1000000000 ; time 12
    > time at 13
    anchor 102..102 net 0 cash 1000000000 ; time 13
    book: empty
    """)


def test_without_delay_activates_within_the_command(play):
    play("""
    curve: pmm depth=4
    > anchor 100..100 at 7
    proposed 100..100 for 7 ; anchor 100..100 net 0 cash 1000000000
    book: empty
    """)


def test_set_curve_clears_what_waits_and_keeps_what_is_active(play):
    market = play("""
    curve: pmm depth=4 base=6
    anchor: 100..100
    > sell 99 x 3 by 1
    accepted #1 leaves 0 ; trade 99 x 3 curve net 3
    > set pmm depth=7 base=6 delay=10 budget=5000
    curve set pmm cash 5000
    > anchor 200..200 at 1
    proposed 200..200 for 11
    > set pmm depth=7 base=6 delay=10 budget=6000
    curve set pmm cash 6000
    > time at 50 -- nothing is due any more
    time 50
    > sell 99 x 9 by 1 ioc -- the old anchor, the new depth, a fresh target
    accepted #2 leaves 0 ; trade 99 x 7 curve net 7 ; cancelled #2 x 2 remainder
    book: empty
    curve: net 7 cash 5307
    """)
    assert market.curve.low_ticks == 100


def test_withdraw_curve_until_the_next_activation(play):
    market = play("""
    curve: pmm depth=4 base=6
    anchor: 100..100
    > sell 99 x 1 by 1
    accepted #1 leaves 0 ; trade 99 x 1 curve net 1
    > withdraw curve
    curve withdrawn net 1 cash 999999901
    > sell 99 x 1 by 1 ioc
    accepted #2 leaves 0 ; cancelled #2 x 1 remainder
    > set pmm depth=9 base=6 -- does not bring it back
    curve set pmm cash 1000000000
    > sell 99 x 1 by 1 ioc
    accepted #3 leaves 0 ; cancelled #3 x 1 remainder
    > withdraw curve
    curve withdrawn net 0 cash 1000000000
    > anchor 100..100
    proposed 100..100 for 0 ; anchor 100..100 net 0 cash 1000000000
    > sell 99 x 1 by 1 ioc
    accepted #4 leaves 0 ; trade 99 x 1 curve net 1
    book: empty
    """)
    assert market.curve.quoting


def test_withdraw_curve_leaves_waiting_anchors(play):
    play("""
    curve: pmm depth=4 base=6 delay=10
    > anchor 100..100 at 5
    proposed 100..100 for 15
    > withdraw curve at 6
    curve withdrawn net 0 cash 1000000000
    > time at 15
    anchor 100..100 net 0 cash 1000000000 ; time 15
    curve: net 0 cash 1000000000
    """)


def test_bids_hang_on_the_low_anchor_and_asks_on_the_high(play):
    play("""
    curve: pmm depth=4 base=6 min=-5
    anchor: 100..110
    > sell 100 x 1 by 1 ioc
    accepted #1 leaves 0 ; cancelled #1 x 1 remainder
    > buy 110 x 1 by 1 ioc
    accepted #2 leaves 0 ; cancelled #2 x 1 remainder
    > buy 111 x 2 by 1 ioc
    accepted #3 leaves 0 ; trade 111 x 2 curve net -2
    > sell 99 x 1 by 1 ioc
    accepted #4 leaves 0 ; trade 100 x 1 curve net -1
    curve: net -1 cash 1000000122
    """)


def test_an_anchor_at_either_end_of_its_range(play):
    play(f"""
    curve: pmm depth=4 base=6 min=-5
    > anchor 1..1
    proposed 1..1 for 0 ; anchor 1..1 net 0 cash 1000000000
    > buy 2 x 1 by 1 ioc
    accepted #1 leaves 0 ; trade 2 x 1 curve net -1
    > anchor {2**41 - 1}..{2**41 - 1}
    proposed {2**41 - 1}..{2**41 - 1} for 0 ; anchor {2**41 - 1}..{2**41 - 1} net -1 cash 1000000002
    > buy {2**60 - 1} x 1 by 1 ioc -- the grid ends at 2**41 - 1: no offer above it
    accepted #2 leaves 0 ; cancelled #2 x 1 remainder
    curve: net -1 cash 1000000002
    """)


def test_a_time_beyond_the_end_of_time_saturates(play):
    play(f"""
    curve: pmm depth=4 delay={2**62}
    > anchor 100..100 at {2**63 - 100}
    proposed 100..100 for {2**63 - 1}
    > time at {2**63 - 2}
    time {2**63 - 2}
    book: empty
    """)


def test_fund_curve_changes_the_cash_and_nothing_else(play):
    market = play("""
    curve: linear depth=10 base=10 drop=100000 par=2 budget=1000
    anchor: 100..100
    > sell 90 x 3 by 1
    accepted #1 leaves 0 ; trade 100 x 2 curve net 2 ; trade 99 x 1 curve net 3
    > fund 98
    curve funded net 3 cash 98
    > sell 90 x 3 by 1 ioc -- one lot at 98, where the cursor stands: not at par, and no second
    accepted #2 leaves 0 ; trade 98 x 1 curve net 4 ; cancelled #2 x 2 remainder
    > fund 0
    curve funded net 4 cash 0
    > sell 90 x 1 by 1 ioc
    accepted #3 leaves 0 ; cancelled #3 x 1 remainder
    > fund 4611686018427387904 -- the most
    curve funded net 4 cash 4611686018427387904
    > sell 97 x 1 by 1 ioc
    accepted #4 leaves 0 ; trade 97 x 1 curve net 5
    book: empty
    """)
    assert market.curve.net_lots == 5


def test_fund_curve_leaves_what_waits_and_what_does_not_quote(play):
    market = play("""
    curve: linear depth=10 base=10 drop=100000 par=2 budget=1000 delay=50
    > anchor 100..100
    proposed 100..100 for 50
    > fund 500
    curve funded net 0 cash 500
    > time at 50
    anchor 100..100 net 0 cash 500 ; time 50
    > withdraw curve
    curve withdrawn net 0 cash 500
    > fund 700
    curve funded net 0 cash 700
    > sell 90 x 1 by 1 ioc
    accepted #1 leaves 0 ; cancelled #1 x 1 remainder
    book: empty
    """)
    assert not market.curve.quoting
