"""Good till date and good for the day: an order whose time is over leaves before anything later is matched."""

import pytest

from parbook.units import TIME_NS_MAX


def test_it_trades_in_its_last_moment(play):
    play("""
    > buy 100 x 2 by 1 gtd 10 at 1
    accepted #1 leaves 2
    > sell 100 x 1 by 2 at 10
    accepted #2 leaves 0 ; trade 100 x 1 book #1 leaves 1
    book: buy 100 x 1 by 1
    """)


def test_a_moment_later_it_is_gone_before_the_command_matches(play):
    play("""
    > sell 100 x 2 by 1 gtd 10 at 1
    accepted #1 leaves 2
    > buy 100 x 1 by 2 at 11
    cancelled #1 x 2 expired ; accepted #2 leaves 1
    book: buy 100 x 1 by 2
    """)


def test_in_order_of_time_and_then_of_ids(play):
    play("""
    > buy 99 x 1 by 1 gtd 20
    accepted #1 leaves 1
    > sell 105 x 1 by 1 gtd 10
    accepted #2 leaves 1
    > buy 98 x 1 by 1 gtd 10
    accepted #3 leaves 1
    > buy 97 x 1 by 1 gtd 30
    accepted #4 leaves 1
    > time at 30
    cancelled #2 x 1 expired ; cancelled #3 x 1 expired ; cancelled #1 x 1 expired ; time 30
    book: buy 97 x 1 by 1
    """)


def test_a_refused_command_moves_the_clock_too_unless_it_turns_it_back(play):
    play("""
    > buy 99 x 1 by 1 gtd 10 at 5
    accepted #1 leaves 1
    > cancel #9 by 1 at 4
    rejected time reversed
    > cancel #9 by 1 at 11
    cancelled #1 x 1 expired ; rejected unknown order
    book: empty
    """)


def test_the_date_may_be_now_but_not_past(play):
    play("""
    > time at 10
    time 10
    > buy 99 x 1 by 1 gtd 9
    rejected expiry out of range
    > buy 99 x 1 by 1 gtd 11 at 12 -- the command's own time counts
    rejected expiry out of range
    > buy 99 x 1 by 1 gtd 12
    accepted #1 leaves 1
    > sell 99 x 1 by 2 gtd 12 -- it never had to wait
    accepted #2 leaves 0 ; trade 99 x 1 book #1 leaves 0
    book: empty
    """)


def test_the_end_of_time(play):
    play(f"""
    > buy 99 x 1 by 1 gtd {TIME_NS_MAX} at {TIME_NS_MAX - 1}
    accepted #1 leaves 1
    > time at {TIME_NS_MAX}
    time {TIME_NS_MAX}
    book: buy 99 x 1 by 1
    """)


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ("99 x 1 by 1 expire 10", "invalid terms"),
        ("99 x 1 by 1 ioc expire 10", "invalid terms"),
        ("99 x 1 by 1 day expire 10", "invalid terms"),
        ("99 x 1 by 1 gtd 0", "expiry out of range"),
        ("99 x 1 by 1 gtd -1", "expiry out of range"),
        ("market x 1 by 1 gtd 10", "invalid combination"),
        ("market x 1 by 1 day", "invalid combination"),
    ],
)
def test_only_good_till_date_has_a_date(play, order, code):
    play(f"""
    trade: 100
    > time at 5
    time 5
    > buy {order}
    rejected {code}
    book: empty
    """)


def test_wherever_it_stands_it_leaves(play):
    play("""
    trade: 100
    book: sell 105 x 9 by 1 show 2 gtd 10 ; sell 104 x 3 by 1 hidden gtd 10 ; buy 120 x 2 by 1 stop 110 gtd 10
    ; buy 95 x 4 by 1 post gtd 10 ; buy 96 x 1 by 1 peg anchor gtd 10 ; sell 80 x 1 by 1 trail 5 gtd 10
    > sell 106 x 1 by 1 slide gtd 10
    accepted #9 leaves 1
    > time at 11
    cancelled #3 x 9 expired ; cancelled #4 x 3 expired ; cancelled #5 x 2 expired ; cancelled #6 x 4 expired
    ; cancelled #7 x 1 expired ; cancelled #8 x 1 expired ; cancelled #9 x 1 expired ; time 11
    book: empty
    """)


def test_an_elected_stop_may_expire_while_it_waits_for_its_turn(play):
    play("""
    curve: pmm depth=4 base=6
    anchor: 100..100
    > buy 103 x 2 by 1 stop 105 on-anchor gtd 10
    accepted #1 leaves 2 armed
    > state halted
    state halted from continuous
    > anchor 105..105
    proposed 105..105 for 0 ; anchor 105..105 net 0 cash 1000000000
    > time at 11
    cancelled #1 x 2 expired ; time 11
    > state continuous
    uncrossed 0 x 0 surplus 0 ; state continuous from halted
    book: empty
    """)


def test_a_triggered_stop_keeps_its_date(play):
    play("""
    trade: 100
    book: sell 105 x 1 by 8 ; buy 104 x 2 by 1 stop 105 gtd 10
    > buy 105 x 1 by 9
    accepted #5 leaves 0 ; trade 105 x 1 book #3 leaves 0 ; triggered #4 104 x 2 leaves 2
    > time at 11
    cancelled #4 x 2 expired ; time 11
    book: empty
    """)


def test_its_partner_leaves_with_it(play):
    play("""
    trade: 100
    book: sell 110 x 5 by 1 gtd 10 ; sell 80 x 5 by 1 stop 90 gtd 10 oco #3 ; buy 70 x 1 by 2 gtd 10
    > time at 11
    cancelled #3 x 5 expired ; cancelled #4 x 5 oco ; cancelled #5 x 1 expired ; time 11
    book: empty
    """)


def test_at_one_time_orders_expire_before_accounts_fall_silent_and_anchors_activate(play):
    play("""
    curve: linear par=10 depth=20 drop=200000 delay=10 lift lift=100
    > sell 95 x 1 by 1 gtd 10 at 1
    accepted #1 leaves 1
    > sell 95 x 2 by 1
    accepted #2 leaves 2
    > sell 95 x 4 by 2 gtd 11
    accepted #3 leaves 4
    > deadman 1 in 10
    deadman 1 at 11
    > anchor 100..100
    proposed 100..100 for 11
    > time at 11 -- of the three, the curve finds the one whose date is not over
    cancelled #1 x 1 expired ; cancelled #2 x 2 deadman ; mass cancelled 1 deadman account 1
    ; anchor 100..100 net 0 cash 1000000000 ; trade 95 x 4 lift #3 leaves 0 ; time 11
    book: empty
    """)


def test_no_amendment_moves_the_date(play):
    play("""
    > buy 99 x 1 by 1 gtd 10 at 1
    accepted #1 leaves 1
    > amend #1 to 98 x 5 by 1 at 2
    amended #1 lost 98 x 5 leaves 5
    > buy 97 x 1 by 1 gtd 10
    accepted #2 leaves 1
    > cancel #2 by 1
    cancelled #2 x 1 requested
    > time at 11
    cancelled #1 x 5 expired ; time 11
    book: empty
    """)


@pytest.mark.parametrize("state", ["auction", "halted", "closing", "closed"])
def test_time_goes_on_whatever_the_session_does(play, state):
    play(f"""
    book: buy 99 x 1 by 1 gtd 10 ; sell 105 x 1 by 1 gtd 11
    > state {state}
    state {state} from continuous
    > time at 11
    cancelled #1 x 1 expired ; time 11
    book: sell 105 x 1 by 1
    """)


def test_day_orders_leave_at_the_close_and_no_others(play):
    play("""
    trade: 100
    book: sell 105 x 2 by 1 day ; sell 104 x 3 by 1 day hidden ; buy 120 x 2 by 1 stop 110 day
    ; buy 95 x 4 by 1 post day ; buy 94 x 1 by 1 ; buy 93 x 1 by 1 gtd 10 ; buy 200 x 1 by 1 peg anchor day
    > state halted -- not yet
    state halted from continuous
    > state closed
    state closed from halted ; cancelled #6 x 4 expired ; cancelled #3 x 2 expired ; cancelled #4 x 3 expired
    ; cancelled #5 x 2 expired ; cancelled #9 x 1 expired
    book: buy 94 x 1 by 1 ; buy 93 x 1 by 1
    """)


def test_a_change_that_comes_too_late_finds_nothing(play):
    play("""
    > buy 99 x 5 by 1 gtd 10
    accepted #1 leaves 5
    > amend #1 x 4 by 1 at 10
    amended #1 kept 99 x 4 leaves 4
    > amend #1 x 3 by 1 at 11
    cancelled #1 x 4 expired ; rejected unknown order
    book: empty
    """)


def test_a_stop_left_over_has_its_turn_before_the_clock_moves(play):
    play("""
    instrument: max_triggers=1
    trade: 100
    book: buy 95 x 1 by 1 ; buy 94 x 9 by 1 ; sell 90 x 1 by 2 stop 95 gtd 10 ; sell 90 x 1 by 3 stop 95 gtd 10
    ; sell 90 x 1 by 4 stop 95 gtd 10
    > sell 95 x 1 by 9
    accepted #8 leaves 0 ; trade 95 x 1 book #3 leaves 0 ; triggered #5 90 x 1 leaves 0 ; trade 94 x 1 book #4 leaves 8
    > time at 11 -- one of the two trades at its old time, the other is too late
    triggered #6 90 x 1 leaves 0 ; trade 94 x 1 book #4 leaves 7 ; cancelled #7 x 1 expired ; time 11
    book: buy 94 x 7 by 1
    """)
