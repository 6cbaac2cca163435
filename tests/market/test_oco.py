"""One cancels the other: when one leg trades, triggers or leaves, its partner leaves."""

import pytest


def test_a_fill_of_the_limit_even_in_part_takes_the_stop_away(play):
    play("""
    trade: 100
    > sell 110 x 5 by 1
    accepted #3 leaves 5
    > sell market x 5 by 1 ioc stop 90 oco #3
    accepted #4 leaves 5 armed
    > buy 110 x 2 by 9
    accepted #5 leaves 0 ; trade 110 x 2 book #3 leaves 3 ; cancelled #4 x 5 oco
    book: sell 110 x 3 by 1
    """)


def test_the_limit_leaves_before_the_stop_triggers(play):
    play("""
    trade: 100
    book: buy 90 x 1 by 8 ; buy 89 x 9 by 8 ; sell 110 x 5 by 1
    > sell 88 x 5 by 1 stop 90 oco #5
    accepted #6 leaves 5 armed
    > sell 90 x 1 by 9
    accepted #7 leaves 0 ; trade 90 x 1 book #3 leaves 0 ; cancelled #5 x 5 oco ; triggered #6 88 x 5 leaves 0
    ; trade 89 x 5 book #4 leaves 4
    book: buy 89 x 4 by 8
    """)


@pytest.mark.parametrize(("first", "second"), [(3, 4), (4, 3)])
def test_a_cancel_of_either_takes_both(play, first, second):
    play(f"""
    trade: 100
    book: buy 90 x 2 by 1 ; buy 120 x 2 by 1 stop 110 oco #3
    > cancel #{first} by 1
    cancelled #{first} x 2 requested ; cancelled #{second} x 2 oco
    book: empty
    """)


def test_two_limits_on_opposite_sides(play):
    play("""
    book: buy 95 x 2 by 1
    > sell 105 x 3 by 1 oco #1
    accepted #2 leaves 3
    > sell 95 x 1 by 9
    accepted #3 leaves 0 ; trade 95 x 1 book #1 leaves 1 ; cancelled #2 x 3 oco
    book: buy 95 x 1 by 1
    """)


def test_two_stops(play):
    play("""
    trade: 100
    book: sell 110 x 1 by 8
    > sell 80 x 2 by 1 stop 90
    accepted #4 leaves 2 armed
    > buy 109 x 2 by 1 stop 110 oco #4
    accepted #5 leaves 2 armed
    > buy 110 x 1 by 9
    accepted #6 leaves 0 ; trade 110 x 1 book #3 leaves 0 ; cancelled #4 x 2 oco ; triggered #5 109 x 2 leaves 2
    book: buy 109 x 2 by 1
    """)


def test_a_trailing_stop_below_a_limit_above(play):
    play("""
    trade: 100
    book: sell 110 x 5 by 1 ; buy 104 x 1 by 8 ; sell 108 x 1 by 8
    > sell 90 x 5 by 1 trail 5 oco #3
    accepted #6 leaves 5 armed
    > buy 108 x 1 by 9
    accepted #7 leaves 0 ; trade 108 x 1 book #5 leaves 0
    book: buy 104 x 1 by 8 ; sell 110 x 5 by 1 ; sell 90 x 5 by 1 armed 103
    > buy 110 x 1 by 9
    accepted #8 leaves 0 ; trade 110 x 1 book #3 leaves 4 ; cancelled #6 x 5 oco
    book: buy 104 x 1 by 8 ; sell 110 x 4 by 1
    """)


def test_a_leg_that_trades_at_entry_takes_its_partner_and_stays_alone(play):
    play("""
    book: buy 95 x 2 by 1 ; buy 104 x 1 by 9
    > sell 104 x 3 by 1 oco #1
    accepted #3 leaves 2 ; trade 104 x 1 book #2 leaves 0 ; cancelled #1 x 2 oco
    > buy 96 x 2 by 1 oco #3 -- it may be paired again
    accepted #4 leaves 2
    book: buy 96 x 2 by 1 ; sell 104 x 2 by 1
    """)


def test_partners_leave_after_the_step_in_the_order_of_the_trades(play):
    play("""
    book: sell 102 x 1 by 1 ; buy 90 x 1 by 1 oco #1 ; sell 101 x 1 by 2 ; buy 91 x 1 by 2 oco #3 ; sell 103 x 9 by 3
    > buy 103 x 3 by 9
    accepted #6 leaves 0 ; trade 101 x 1 book #3 leaves 0 ; trade 102 x 1 book #1 leaves 0
    ; trade 103 x 1 book #5 leaves 8 ; cancelled #4 x 1 oco ; cancelled #2 x 1 oco
    book: sell 103 x 8 by 3
    """)


def test_partners_leave_before_the_next_stop_runs(play):
    play("""
    trade: 100
    book: buy 95 x 1 by 1 ; sell 120 x 1 by 1 oco #3 ; buy 94 x 9 by 2
    > sell 94 x 1 by 3 stop 95
    accepted #6 leaves 1 armed
    > sell 95 x 1 by 9
    accepted #7 leaves 0 ; trade 95 x 1 book #3 leaves 0 ; cancelled #4 x 1 oco ; triggered #6 94 x 1 leaves 0
    ; trade 94 x 1 book #5 leaves 8
    book: buy 94 x 8 by 2
    """)


def test_reduced_or_amended_without_a_trade_both_stay(play):
    play("""
    trade: 100
    book: sell 110 x 5 by 1 show 2 ; sell 80 x 5 by 1 stop 90 oco #3
    > reduce #3 x 1 by 1
    amended #3 kept 110 x 4 leaves 4
    > amend #3 to 111 by 1
    amended #3 lost 111 x 4 leaves 4 ; shown #3 x 2 of 4
    > amend #4 stop 91 x 4 by 1
    amended #4 lost 80 x 4 leaves 4
    book: sell 111 x 4 by 1 show 2 ; sell 80 x 4 by 1 armed 91
    > reduce #4 x 4 by 1 -- to nothing
    cancelled #4 x 4 requested ; cancelled #3 x 4 oco
    book: empty
    """)


def test_an_amendment_that_trades_takes_the_partner(play):
    play("""
    trade: 100
    book: buy 105 x 1 by 8 ; sell 110 x 5 by 1 ; sell 80 x 5 by 1 stop 90 oco #4
    > amend #4 to 105 by 1
    amended #4 lost 105 x 5 leaves 4 ; trade 105 x 1 book #3 leaves 0 ; cancelled #5 x 5 oco
    book: sell 105 x 4 by 1
    """)


@pytest.mark.parametrize(
    ("mode", "leaves", "then"),
    [
        ("cancel-oldest", 2, "cancelled #1 x 1 self trade ; cancelled #2 x 1 oco"),
        ("decrement", 1, "cancelled #2 x 1 oco"),
    ],
)
def test_a_leg_that_self_trade_prevention_removes_takes_its_partner(play, mode, leaves, then):
    play(f"""
    book: sell 100 x 1 by 1 ; buy 90 x 1 by 1 oco #1
    > buy 100 x 2 by 1 stp {mode}
    accepted #3 leaves {leaves} ; prevented {mode} 100 x 1 #1 leaves 0 ; {then}
    book: buy 100 x {leaves} by 1
    """)


def test_a_stop_that_is_through_at_entry_takes_its_partner_only_if_it_triggers(play):
    orders = "book: buy 98 x 1 by 8 ; sell 110 x 5 by 1"
    play(f"""
    trade: 100
    {orders}
    > sell 98 x 5 by 1 stop 101 oco #4
    rejected stop through
    book: buy 98 x 1 by 8 ; sell 110 x 5 by 1
    """)
    play(f"""
    instrument: stop_through_triggers=true
    trade: 100
    {orders}
    > sell 98 x 5 by 1 stop 101 oco #4
    accepted #5 leaves 5 elected ; cancelled #4 x 5 oco ; triggered #5 98 x 5 leaves 4 ; trade 98 x 1 book #3 leaves 0
    book: sell 98 x 4 by 1
    """)


def test_the_kill_switch_takes_each_leg_once(play):
    play("""
    account: 1 position_lots=0
    trade: 100
    book: sell 110 x 5 by 1 ; sell 80 x 5 by 1 stop 90 oco #3 ; buy 50 x 1 by 2
    > kill 1
    account 1 killed=1 ; cancelled #3 x 5 killed ; cancelled #4 x 5 oco ; mass cancelled 1 killed account 1
    book: buy 50 x 1 by 2
    """)


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ("sell 110 x 1 by 1 oco #99", "invalid oco"),  # no such order
        ("sell 110 x 1 by 2 oco #3", "invalid oco"),  # another account's
        ("buy 90 x 1 by 1 oco #3", "invalid oco"),  # two limits of one side
        ("sell 110 x 1 by 1 oco #4", "invalid oco"),  # it has a partner
        ("sell 110 x 1 by 1 oco #6", "invalid oco"),  # it is pegged
        ("sell 110 x 1 by 1 oco #7", "invalid oco"),  # the one it would become itself
        ("sell 110 x 1 by 1 ioc oco #3", "invalid terms"),
        ("sell 110 x 1 by 1 fok oco #3", "invalid terms"),
        ("sell 110 x 1 by 1 peg primary oco #3", "invalid terms"),
        ("sell market x 1 by 1 ioc oco #3", "invalid terms"),
        ("sell market-to-limit x 1 by 1 oco #3", "invalid terms"),
    ],
)
def test_what_cannot_be_paired(play, order, code):
    play(f"""
    trade: 100
    book: buy 90 x 1 by 1 ; buy 91 x 1 by 1 ; sell 120 x 1 by 1 oco #4 ; buy 92 x 1 by 1 peg primary
    > {order}
    rejected {code}
    book: buy 91 x 1 by 1 ; buy 91 x 1 by 1 ; buy 90 x 1 by 1 ; sell 120 x 1 by 1
    """)


def test_post_only_and_hidden_limits_may_be_paired(play):
    play("""
    book: buy 95 x 2 by 1 hidden
    > sell 105 x 3 by 1 post oco #1
    accepted #2 leaves 3
    > sell 95 x 2 by 9
    accepted #3 leaves 0 ; trade 95 x 2 hidden #1 leaves 0 ; cancelled #2 x 3 oco
    book: empty
    """)


def test_a_stop_that_waits_for_its_turn_is_no_stop_to_be_paired_with(play):
    play("""
    curve: pmm depth=4 base=6
    anchor: 100..100
    book: buy 103 x 5 by 1 stop 105 on-anchor
    > state auction
    state auction from continuous
    > anchor 105..105
    proposed 105..105 for 0 ; anchor 105..105 net 0 cash 1000000000
    > buy 102 x 5 by 1 oco #1
    rejected invalid oco
    book: buy 103 x 5 by 1 elected 105
    """)


def test_a_limit_for_the_auction_and_a_stop(play):
    play("""
    trade: 100
    state: auction
    book: sell 99 x 5 by 1 auction ; sell 80 x 5 by 1 stop 90 oco #3 ; buy 99 x 1 by 2
    > state continuous
    uncrossed 99 x 1 surplus -4 ; trade 99 x 1 uncross #5 with #3 leaves 4 ; cancelled #3 x 4 untraded
    ; cancelled #4 x 5 oco ; state continuous from auction
    book: empty
    """)
