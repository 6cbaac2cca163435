"""Rate limits: a token bucket an account, refilled by the time of commands."""

import pytest

SECOND = 10**9


def test_a_burst_and_then_as_fast_as_time_refills(play):
    # Two a second, three at once: the bucket is empty after three, and holds one token half a second later.
    play(f"""
    account: 1 rate_per_second=2 rate_burst=3
    > buy 90 x 1 by 1 at {SECOND}
    accepted #1 leaves 1
    > buy 90 x 1 by 1
    accepted #2 leaves 1
    > buy 90 x 1 by 1
    accepted #3 leaves 1
    > buy 90 x 1 by 1
    rejected rate limited
    > buy 90 x 1 by 1 at {SECOND * 3 // 2 - 1}
    rejected rate limited
    > buy 90 x 1 by 1 at {SECOND * 3 // 2}
    accepted #4 leaves 1
    > buy 90 x 1 by 1
    rejected rate limited
    book: buy 90 x 1 by 1 ; buy 90 x 1 by 1 ; buy 90 x 1 by 1 ; buy 90 x 1 by 1
    """)


def test_time_fills_the_bucket_no_further_than_the_burst(play):
    play(f"""
    account: 1 rate_per_second=100 rate_burst=2
    > buy 90 x 1 by 1
    accepted #1 leaves 1
    > time at {1000 * SECOND}
    time {1000 * SECOND}
    > buy 90 x 1 by 1
    accepted #2 leaves 1
    > buy 90 x 1 by 1
    accepted #3 leaves 1
    > buy 90 x 1 by 1
    rejected rate limited
    book: buy 90 x 1 by 1 ; buy 90 x 1 by 1 ; buy 90 x 1 by 1
    """)


def test_a_refusal_takes_nothing_of_what_has_gathered(play):
    # Three times a third of a second is one token at one a second.
    third = SECOND // 3 + 1
    play(f"""
    account: 1 rate_per_second=1 rate_burst=1
    > buy 90 x 1 by 1 at 1
    accepted #1 leaves 1
    > buy 90 x 1 by 1 at {1 + third}
    rejected rate limited
    > buy 90 x 1 by 1 at {1 + 2 * third}
    rejected rate limited
    > buy 90 x 1 by 1 at {1 + 3 * third}
    accepted #2 leaves 1
    book: buy 90 x 1 by 1 ; buy 90 x 1 by 1
    """)


def test_the_rest_of_a_token_stays_in_the_bucket(play):
    # One a second, two at once: a second and a half later one and a half are there, and one of them is taken.
    play(f"""
    account: 1 rate_per_second=1 rate_burst=2
    > buy 90 x 1 by 1 at {SECOND}
    accepted #1 leaves 1
    > buy 90 x 1 by 1
    accepted #2 leaves 1
    > buy 90 x 1 by 1 at {SECOND * 5 // 2}
    accepted #3 leaves 1
    > buy 90 x 1 by 1 at {SECOND * 3 - 1}
    rejected rate limited
    > buy 90 x 1 by 1 at {SECOND * 3}
    accepted #4 leaves 1
    book: buy 90 x 1 by 1 ; buy 90 x 1 by 1 ; buy 90 x 1 by 1 ; buy 90 x 1 by 1
    """)


def test_orders_amendments_and_quotes_take_a_token_and_leaving_is_free(play):
    play("""
    account: 1 rate_per_second=1 rate_burst=3
    > buy 90 x 9 by 1
    accepted #1 leaves 9
    > amend #1 x 8 by 1
    amended #1 kept 90 x 8 leaves 8
    > quote 1 ask 110 x 1
    accepted #2 leaves 1 ; quoted 1 slot 0 bid none ask #2
    > buy 90 x 1 by 1
    rejected rate limited
    > amend #1 x 7 by 1
    rejected rate limited
    > amend #1 to 91 by 1
    rejected rate limited
    > quote 1 ask 111 x 1
    rejected rate limited
    > reduce #1 x 2 by 1
    amended #1 kept 90 x 6 leaves 6
    > deadman 1 in 0
    deadman 1 off
    > cancel #2 by 1
    cancelled #2 x 1 requested
    > mass cancel account 1
    cancelled #1 x 6 mass ; mass cancelled 1 mass account 1
    book: empty
    """)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("buy 99 x 9 by 1 fok", "fok unfillable"),
        ("buy 99 x 9 by 1 min 1", "min qty unfillable"),
        ("buy 101 x 9 by 1 post", "post only would trade"),
        ("buy 0 x 9 by 1", "price out of range"),
        ("amend #2 x 9 by 1", "not owner"),
        ("amend #9 x 9 by 1", "unknown order"),
        ("quote 1 bid 101 x 1", "post only would trade"),
        ("cancel #9 by 1", "unknown order"),
    ],
)
def test_a_refused_command_takes_no_token(play, command, code):
    play(f"""
    account: 1 rate_per_second=1 rate_burst=1
    book: sell 100 x 1 by 2 ; sell 101 x 1 by 2
    > {command}
    rejected {code}
    > buy 99 x 1 by 1
    accepted #3 leaves 1
    > buy 99 x 1 by 1
    rejected rate limited
    > {command}
    rejected {code}
    book: buy 99 x 1 by 1 ; sell 100 x 1 by 2 ; sell 101 x 1 by 2
    """)


def test_a_limited_aggressor_trades_nothing(play):
    play("""
    account: 1 rate_per_second=1 rate_burst=1
    book: sell 100 x 1 by 2 ; sell 100 x 1 by 3
    > buy 100 x 1 by 1
    accepted #3 leaves 0 ; trade 100 x 1 book #1 leaves 0
    > buy 100 x 1 by 1
    rejected rate limited
    book: sell 100 x 1 by 3
    """)


def test_each_account_has_a_bucket_of_its_own(play):
    play("""
    account: 1 rate_per_second=1 rate_burst=1 ; 2 rate_per_second=1 rate_burst=2
    > buy 90 x 1 by 1
    accepted #1 leaves 1
    > buy 90 x 1 by 1
    rejected rate limited
    > buy 90 x 1 by 2
    accepted #2 leaves 1
    > buy 90 x 1 by 2
    accepted #3 leaves 1
    > buy 90 x 1 by 2
    rejected rate limited
    > buy 90 x 1 by 3
    accepted #4 leaves 1
    book: buy 90 x 1 by 1 ; buy 90 x 1 by 2 ; buy 90 x 1 by 2 ; buy 90 x 1 by 3
    """)


def test_a_stop_takes_its_token_when_it_is_entered_and_none_when_it_runs(play):
    play("""
    trade: 100
    account: 1 rate_per_second=1 rate_burst=1
    book: sell 110 x 1 by 2
    > buy 110 x 1 by 1 stop 105
    accepted #4 leaves 1 armed
    > buy 90 x 1 by 1
    rejected rate limited
    > sell 106 x 1 by 3
    accepted #5 leaves 1
    > buy 106 x 1 by 4
    accepted #6 leaves 0 ; trade 106 x 1 book #5 leaves 0 ; triggered #4 110 x 1 leaves 0
    ; trade 110 x 1 book #3 leaves 0
    book: empty
    """)


def test_a_limited_command_has_moved_the_clock(play):
    market = play("""
    account: 1 rate_per_second=1 rate_burst=1
    book: buy 90 x 1 by 2 gtd 20
    > buy 90 x 1 by 1 at 10
    accepted #2 leaves 1
    > buy 90 x 1 by 1 at 30
    cancelled #1 x 1 expired ; rejected rate limited
    book: buy 90 x 1 by 1
    """)
    assert market.now_ns == 30


def test_a_rate_of_nothing_is_no_limit(play):
    play("""
    account: 1 rate_per_second=1 rate_burst=1
    > buy 90 x 1 by 1
    accepted #1 leaves 1
    > account 1 rate_per_second=0
    account 1 rate_per_second=0
    > buy 90 x 1 by 1
    accepted #2 leaves 1
    > buy 90 x 1 by 1
    accepted #3 leaves 1
    book: buy 90 x 1 by 1 ; buy 90 x 1 by 1 ; buy 90 x 1 by 1
    """)
