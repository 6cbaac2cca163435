"""Rate limits: each account has a bucket of tokens that the commands' clock refills. The last test of admission."""

import pytest

HALF = 500_000_000
SECOND = 1_000_000_000


def test_so_many_at_once_and_then_as_time_goes_by(play):
    play(f"""
    account: 1 rate_per_second=2 rate_burst=3
    > buy 90 x 1 by 1
    accepted #1 leaves 1
    > buy 91 x 1 by 1
    accepted #2 leaves 1
    > buy 92 x 1 by 1
    accepted #3 leaves 1
    > buy 93 x 1 by 1
    rejected rate limited
    > buy 94 x 1 by 1 at {HALF - 1}
    rejected rate limited
    > buy 95 x 1 by 1 at {HALF} -- two a second: a whole token now
    accepted #4 leaves 1
    > buy 96 x 1 by 1
    rejected rate limited
    book: buy 95 x 1 by 1 ; buy 92 x 1 by 1 ; buy 91 x 1 by 1 ; buy 90 x 1 by 1
    """)


def test_parts_of_a_token_are_kept(play):
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


def test_what_is_left_over_of_a_refill_counts_for_the_next_token(play):
    play("""
    account: 1 rate_per_second=1 rate_burst=2
    > buy 90 x 1 by 1
    accepted #1 leaves 1
    > buy 91 x 1 by 1
    accepted #2 leaves 1
    > buy 92 x 1 by 1 at 1600000000 -- a token and six tenths
    accepted #3 leaves 1
    > buy 93 x 1 by 1 at 1999999999
    rejected rate limited
    > buy 93 x 1 by 1 at 2000000000
    accepted #4 leaves 1
    book: buy 93 x 1 by 1 ; buy 92 x 1 by 1 ; buy 91 x 1 by 1 ; buy 90 x 1 by 1
    """)


def test_a_long_silence_fills_the_bucket_and_no_more(play):
    play(f"""
    account: 1 rate_per_second=2 rate_burst=2
    > buy 90 x 1 by 1
    accepted #1 leaves 1
    > time at {100 * SECOND}
    time {100 * SECOND}
    > buy 91 x 1 by 1
    accepted #2 leaves 1
    > buy 92 x 1 by 1
    accepted #3 leaves 1
    > buy 93 x 1 by 1
    rejected rate limited
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


def test_each_account_has_a_bucket_of_its_own_though_of_one_group(play):
    play("""
    account: 1 rate_per_second=1 rate_burst=1 stp_group=9 ; 2 rate_per_second=1 rate_burst=1 stp_group=9
    > buy 90 x 1 by 1
    accepted #1 leaves 1
    > buy 91 x 1 by 2
    accepted #2 leaves 1
    > buy 92 x 1 by 1
    rejected rate limited
    > buy 93 x 1 by 2
    rejected rate limited
    > buy 94 x 1 by 3
    accepted #3 leaves 1
    book: buy 94 x 1 by 3 ; buy 91 x 1 by 2 ; buy 90 x 1 by 1
    """)


def test_without_a_rate_there_is_no_limit_whatever_the_burst(play):
    play("""
    account: 1 rate_burst=1
    > buy 90 x 1 by 1
    accepted #1 leaves 1
    > buy 91 x 1 by 1
    accepted #2 leaves 1
    book: buy 91 x 1 by 1 ; buy 90 x 1 by 1
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


# --- what takes a token -------------------------------------------------------------------------


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


def test_what_leaves_or_shrinks_by_other_commands_takes_none(play):
    play("""
    account: 1 rate_per_second=1 rate_burst=3
    book: buy 90 x 5 by 1 ; buy 91 x 5 by 1
    > reduce #1 x 1 by 1
    amended #1 kept 90 x 4 leaves 4
    > cancel #2 by 1
    cancelled #2 x 5 requested
    > deadman 1 in 50
    deadman 1 at 50
    > reset protection 1
    protected 1 after 0
    > mass cancel account 1
    cancelled #1 x 4 mass ; mass cancelled 1 mass account 1
    > buy 92 x 1 by 1 -- the third token is still there
    accepted #3 leaves 1
    > buy 93 x 1 by 1
    rejected rate limited
    book: buy 92 x 1 by 1
    """)


def test_a_stop_that_is_triggered_has_paid_when_it_came(play):
    play("""
    account: 1 rate_per_second=1 rate_burst=1
    trade: 100
    book: sell 105 x 1 by 2 ; sell 106 x 1 by 2 ; buy 110 x 1 by 1 stop 105
    > buy 105 x 1 by 3
    accepted #6 leaves 0 ; trade 105 x 1 book #3 leaves 0 ; triggered #5 110 x 1 leaves 0
    ; trade 106 x 1 book #4 leaves 0
    book: empty
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


# --- the last test ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("buy 0 x 1 by 1", "price out of range"),
        ("buy 90 x 1 by 1 client 7", "duplicate client id"),
        ("buy 90 x 6 by 1", "order too large"),
        ("buy 90 x 1 by 1 fok", "fok unfillable"),
        ("buy 100 x 2 by 1 min 2", "min qty unfillable"),
        ("buy 100 x 1 by 1 post", "post only would trade"),
        ("buy market x 1 by 1 ioc", "no reference price"),
        ("buy 90 x 1 by 1 oco #9", "invalid oco"),
        ("sell 90 x 1 by 1 reduce-only", "reduce only exceeded"),
        ("amend #9 x 1 by 1", "unknown order"),
        ("amend #1 x 1 by 1", "not owner"),
        ("quote 1 bid 101 x 1", "post only would trade"),
        ("quote 1 slot 16 bid 90 x 1", "invalid slot"),
    ],
)
def test_what_is_refused_for_another_reason_takes_no_token(play, command, code):
    # One token is left after the bid; the refusal leaves it for the order, which leaves none.
    play(f"""
    account: 1 rate_per_second=1 rate_burst=2 max_order_lots=5
    book: sell 100 x 1 by 2 ; buy 89 x 1 by 1 client 7
    > {command}
    rejected {code}
    > buy 88 x 1 by 1
    accepted #3 leaves 1
    > {command} -- without a token the first reason is still the same
    rejected {code}
    > buy 87 x 1 by 1
    rejected rate limited
    book: buy 89 x 1 by 1 ; buy 88 x 1 by 1 ; sell 100 x 1 by 2
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


def test_what_a_limited_commands_time_set_off_has_happened(play):
    play(f"""
    account: 1 rate_per_second=1 rate_burst=1
    > buy 90 x 1 by 1 gtd 10 at 1
    accepted #1 leaves 1
    > buy 91 x 1 by 1 at 11
    cancelled #1 x 1 expired ; rejected rate limited
    > buy 91 x 1 by 1 at {SECOND + 1}
    accepted #2 leaves 1
    book: buy 91 x 1 by 1
    """)
