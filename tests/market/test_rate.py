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


def test_what_runs_over_the_brim_is_lost(play):
    play("""
    account: 1 rate_per_second=3 rate_burst=1
    > buy 90 x 1 by 1
    accepted #1 leaves 1
    > buy 91 x 1 by 1 at 333333333 -- a billionth short
    rejected rate limited
    > buy 91 x 1 by 1 at 333333334
    accepted #2 leaves 1
    > buy 92 x 1 by 1 at 666666667 -- the bucket was full: what ran over is lost
    rejected rate limited
    > buy 92 x 1 by 1 at 666666668
    accepted #3 leaves 1
    book: buy 92 x 1 by 1 ; buy 91 x 1 by 1 ; buy 90 x 1 by 1
    """)


def test_a_command_without_a_time_refills_nothing_and_anybodys_time_counts(play):
    play(f"""
    account: 1 rate_per_second=1 rate_burst=1
    > buy 90 x 1 by 1
    accepted #1 leaves 1
    > buy 91 x 1 by 2
    accepted #2 leaves 1
    > buy 92 x 1 by 1
    rejected rate limited
    > sell 110 x 1 by 2 at {SECOND}
    accepted #3 leaves 1
    > buy 93 x 1 by 1
    accepted #4 leaves 1
    book: buy 93 x 1 by 1 ; buy 91 x 1 by 2 ; buy 90 x 1 by 1 ; sell 110 x 1 by 2
    """)


@pytest.mark.parametrize("field", ["rate_per_second=1", "rate_burst=1"])
def test_a_new_rate_begins_with_a_full_bucket(play, field):
    play(f"""
    account: 1 rate_per_second=1 rate_burst=1
    > buy 90 x 1 by 1
    accepted #1 leaves 1
    > buy 91 x 1 by 1
    rejected rate limited
    > account 1 max_order_lots=5 -- another field fills nothing
    account 1 max_order_lots=5
    > buy 91 x 1 by 1
    rejected rate limited
    > account 1 {field}
    account 1 {field}
    > buy 91 x 1 by 1
    accepted #2 leaves 1
    > buy 92 x 1 by 1
    rejected rate limited
    > account 1 rate_per_second=0
    account 1 rate_per_second=0
    > buy 92 x 1 by 1
    accepted #3 leaves 1
    book: buy 92 x 1 by 1 ; buy 91 x 1 by 1 ; buy 90 x 1 by 1
    """)


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("buy 91 x 1 by 1", "accepted #3 leaves 1"),
        ("buy 91 x 1 by 1 ioc", "accepted #3 leaves 0 ; cancelled #3 x 1 remainder"),
        ("buy 110 x 1 by 1 fok", "accepted #3 leaves 0 ; trade 110 x 1 book #1 leaves 8"),
        ("buy 110 x 1 by 1 min 1", "accepted #3 leaves 0 ; trade 110 x 1 book #1 leaves 8"),
        ("buy 91 x 1 by 1 post", "accepted #3 leaves 1"),
        ("buy 120 x 1 by 1 stop 115", "accepted #3 leaves 1 armed"),
        ("buy 95 x 1 by 1 peg anchor", "accepted #3 leaves 1 parked"),
        ("amend #2 x 4 by 1", "amended #2 kept 90 x 4 leaves 4"),
        ("amend #2 to 91 x 6 by 1", "amended #2 lost 91 x 6 leaves 6"),
        ("quote 1 bid 91 x 1", "accepted #3 leaves 1 ; quoted 1 slot 0 bid #3 ask none"),
        (
            "quote 1 bid 91 x 1 ask 109 x 1",
            "accepted #3 leaves 1 ; accepted #4 leaves 1 ; quoted 1 slot 0 bid #3 ask #4",
        ),
    ],
)
def test_new_amend_and_quote_take_one_each(play, command, answer):
    play(f"""
    account: 1 rate_per_second=1 rate_burst=2
    book: sell 110 x 9 by 2 ; buy 90 x 5 by 1
    > {command}
    {answer}
    > buy 80 x 1 by 1
    rejected rate limited
    state: continuous
    """)


@pytest.mark.parametrize(
    "command",
    [
        "amend #4 x 1 by 1",
        "amend #4 x 9 by 1",
        "amend #4 to 100 by 1",
        "amend #4 x 2 by 1",
        "quote 1 bid 95 x 2 ask 98 x 2",
        "quote 1 bid 94 x 1 ask 99 x 3",
        "quote 1",
        "buy 100 x 1 by 1",
        "buy market-to-limit x 1 by 1",
        "buy 120 x 1 by 1 stop 101",
        "buy 120 x 1 by 1 peg primary",
    ],
)
def test_what_is_limited_leaves_order_and_quote_as_they_were(play, command):
    play(f"""
    account: 1 rate_per_second=1 rate_burst=2
    trade: 100
    book: sell 100 x 9 by 2
    > buy 93 x 4 by 1
    accepted #4 leaves 4
    > quote 1 bid 94 x 3 ask 99 x 3
    accepted #5 leaves 3 ; accepted #6 leaves 3 ; quoted 1 slot 0 bid #5 ask #6
    > {command}
    rejected rate limited
    book: buy 94 x 3 by 1 ; buy 93 x 4 by 1 ; sell 99 x 3 by 1 ; sell 100 x 9 by 2
    """)


def test_a_peg_follows_for_nothing(play):
    play("""
    account: 1 rate_per_second=1 rate_burst=1
    curve: pmm depth=0
    anchor: 100..100
    book: buy 120 x 1 by 1 peg anchor
    > anchor 101..101
    proposed 101..101 for 0 ; anchor 101..101 net 0 cash 1000000000 ; repriced #1 101 leaves 1
    > anchor 102..102
    proposed 102..102 for 0 ; anchor 102..102 net 0 cash 1000000000 ; repriced #1 102 leaves 1
    > buy 90 x 1 by 1
    rejected rate limited
    book: buy 102 x 1 by 1
    """)


def test_it_holds_in_an_auction_too(play):
    play("""
    account: 1 rate_per_second=1 rate_burst=1
    trade: 100
    state: auction
    > buy market x 1 by 1 auction
    accepted #3 leaves 1 call
    > buy 110 x 1 by 1
    rejected rate limited
    > sell market x 1 by 1 auction
    rejected rate limited
    book: buy market x 1 by 1 call
    """)
