"""Dead-man timers: an account that does not report in time loses its orders."""

import pytest


def test_silence(play):
    play("""
    book: buy 99 x 5 by 1 ; sell 101 x 3 by 1 ; buy 98 x 2 by 2
    > deadman 1 in 10 at 100
    deadman 1 at 110
    > time at 109
    time 109
    > time at 110
    cancelled #1 x 5 deadman ; cancelled #2 x 3 deadman ; mass cancelled 2 deadman account 1 ; time 110
    book: buy 98 x 2 by 2
    """)


def test_a_report_in_time_moves_the_deadline(play):
    play("""
    book: buy 99 x 5 by 1
    > deadman 1 in 10 at 100
    deadman 1 at 110
    > deadman 1 in 10 at 109
    deadman 1 at 119
    > time at 118
    time 118
    > deadman 1 in 5
    deadman 1 at 123
    > time at 122
    time 122
    book: buy 99 x 5 by 1
    """)


def test_a_report_that_comes_at_the_deadline_comes_too_late(play):
    # The timer ends before the command is looked at, which arms it anew.
    play("""
    book: buy 99 x 5 by 1
    > deadman 1 in 10 at 100
    deadman 1 at 110
    > deadman 1 in 10 at 110
    cancelled #1 x 5 deadman ; mass cancelled 1 deadman account 1 ; deadman 1 at 120
    book: empty
    """)


def test_disarmed(play):
    play("""
    book: buy 99 x 5 by 1
    > deadman 1 in 10 at 100
    deadman 1 at 110
    > deadman 1 in 0 at 105
    deadman 1 off
    > time at 200
    time 200
    book: buy 99 x 5 by 1
    """)


def test_it_fires_once_and_does_not_keep_the_account_out(play):
    play("""
    book: buy 99 x 5 by 1
    > deadman 1 in 10 at 100
    deadman 1 at 110
    > time at 150
    cancelled #1 x 5 deadman ; mass cancelled 1 deadman account 1 ; time 150
    > buy 99 x 4 by 1 at 151
    accepted #2 leaves 4
    > time at 900
    time 900
    book: buy 99 x 4 by 1
    """)


def test_no_orders_no_cancels(play):
    play("""
    > deadman 1 in 10 at 100
    deadman 1 at 110
    > time at 110
    mass cancelled 0 deadman account 1 ; time 110
    book: empty
    """)


@pytest.mark.parametrize(
    ("command", "answer", "after"),
    [
        ("sell 99 x 2 by 2", "accepted #3 leaves 2", "sell 99 x 2 by 2"),
        ("sell 99 x 2 by 2 ioc", "accepted #3 leaves 0 ; cancelled #3 x 2 remainder", "empty"),
        ("sell 99 x 2 by 2 fok", "rejected fok unfillable", "empty"),
        ("cancel #1 by 1", "rejected unknown order", "empty"),
        ("mass cancel", "mass cancelled 0 mass", "empty"),
        ("buy 99 x 2 by 1", "accepted #3 leaves 2", "buy 99 x 2 by 1"),
    ],
)
def test_its_orders_are_gone_before_a_later_command_meets_them(play, command, answer, after):
    play(f"""
    book: buy 99 x 5 by 1 ; buy 120 x 1 by 1 hidden
    > deadman 1 in 10 at 100
    deadman 1 at 110
    > {command} at 111
    cancelled #1 x 5 deadman ; cancelled #2 x 1 deadman ; mass cancelled 2 deadman account 1 ; {answer}
    book: {after}
    """)


def test_every_order_leaves_wherever_it_stands_and_pairs_together(play):
    play("""
    trade: 100
    book: sell 105 x 2 by 1 ; buy 95 x 1 by 1 oco #3 ; buy 150 x 7 by 1 stop 110 ; sell 107 x 3 by 1 show 1
    > deadman 1 in 10 at 100
    deadman 1 at 110
    > time at 110
    cancelled #4 x 1 deadman ; cancelled #3 x 2 oco ; cancelled #6 x 3 deadman ; cancelled #5 x 7 deadman
    ; mass cancelled 3 deadman account 1 ; time 110
    book: empty
    """)


def test_several_fall_due_in_order_of_their_time_and_then_by_account(play):
    play("""
    book: buy 91 x 1 by 1 ; buy 92 x 1 by 2 ; buy 93 x 1 by 3
    > deadman 3 in 10 at 100
    deadman 3 at 110
    > deadman 2 in 10
    deadman 2 at 110
    > deadman 1 in 11
    deadman 1 at 111
    > time at 200
    cancelled #2 x 1 deadman ; mass cancelled 1 deadman account 2 ; cancelled #3 x 1 deadman
    ; mass cancelled 1 deadman account 3 ; cancelled #1 x 1 deadman ; mass cancelled 1 deadman account 1 ; time 200
    book: empty
    """)


def test_an_order_that_expires_at_the_deadline_expires(play):
    # GTD 109 may trade through 109 and is due at 110, where orders come before accounts.
    play("""
    book: buy 99 x 5 by 1 gtd 109 ; buy 98 x 5 by 1 gtd 110
    > deadman 1 in 10 at 100
    deadman 1 at 110
    > time at 110
    cancelled #1 x 5 expired ; cancelled #2 x 5 deadman ; mass cancelled 1 deadman account 1 ; time 110
    book: empty
    """)


@pytest.mark.parametrize("state", ["halted", "closed", "auction"])
def test_it_fires_in_every_state(play, state):
    play(f"""
    book: buy 99 x 5 by 1
    > deadman 1 in 10 at 100
    deadman 1 at 110
    > state {state} at 105
    state {state} from continuous
    > time at 110
    cancelled #1 x 5 deadman ; mass cancelled 1 deadman account 1 ; time 110
    book: empty
    """)


def test_a_command_without_a_time_lets_nothing_fall_due(play):
    play("""
    book: buy 99 x 5 by 1
    > deadman 1 in 10 at 100
    deadman 1 at 110
    > sell 99 x 1 by 2
    accepted #2 leaves 0 ; trade 99 x 1 book #1 leaves 4
    book: buy 99 x 4 by 1
    """)
