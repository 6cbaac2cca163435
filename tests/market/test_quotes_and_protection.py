"""Two-sided quotes in the book among other orders, and the protection that pulls them."""

import pytest

# --- quotes -------------------------------------------------------------------------------------


def test_a_quote_rests_on_both_sides_and_trades_like_any_order(play):
    play("""
    book: buy 99 x 2 by 2
    > quote 1 bid 99 x 5 ask 101 x 5
    accepted #2 leaves 5 ; accepted #3 leaves 5 ; quoted 1 slot 0 bid #2 ask #3
    > sell 99 x 4 by 3
    accepted #4 leaves 0 ; trade 99 x 2 book #1 leaves 0 ; trade 99 x 2 book #2 leaves 3
    book: buy 99 x 3 by 1 ; sell 101 x 5 by 1
    """)


def test_a_new_quote_takes_the_place_of_what_is_left_of_the_old_one(play):
    play("""
    > quote 1 bid 99 x 5 ask 101 x 5
    accepted #1 leaves 5 ; accepted #2 leaves 5 ; quoted 1 slot 0 bid #1 ask #2
    > sell 99 x 4 by 3
    accepted #3 leaves 0 ; trade 99 x 4 book #1 leaves 1
    > quote 1 bid 98 x 5 ask 100 x 5
    cancelled #1 x 1 quote replaced ; cancelled #2 x 5 quote replaced
    ; accepted #4 leaves 5 ; accepted #5 leaves 5 ; quoted 1 slot 0 bid #4 ask #5
    book: buy 98 x 5 by 1 ; sell 100 x 5 by 1
    """)


def test_a_side_keeps_its_place_at_its_price_unless_it_grows(play):
    # What counts is what is left: five lots asked for after four have traded are more than the one that stands.
    play("""
    > quote 1 bid 99 x 5 ask 101 x 5
    accepted #1 leaves 5 ; accepted #2 leaves 5 ; quoted 1 slot 0 bid #1 ask #2
    > buy 99 x 2 by 2
    accepted #3 leaves 2
    > quote 1 bid 99 x 3 ask 102 x 5
    cancelled #2 x 5 quote replaced ; amended #1 kept 99 x 3 leaves 3 ; accepted #4 leaves 5
    ; quoted 1 slot 0 bid #1 ask #4
    book: buy 99 x 3 by 1 ; buy 99 x 2 by 2 ; sell 102 x 5 by 1
    > sell 99 x 2 by 3
    accepted #5 leaves 0 ; trade 99 x 2 book #1 leaves 1
    > quote 1 bid 99 x 1 ask 102 x 5
    quoted 1 slot 0 bid #1 ask #4
    > quote 1 bid 99 x 3 ask 102 x 5
    cancelled #1 x 1 quote replaced ; accepted #6 leaves 3 ; quoted 1 slot 0 bid #6 ask #4
    book: buy 99 x 2 by 2 ; buy 99 x 3 by 1 ; sell 102 x 5 by 1
    """)


def test_no_lots_withdraw_a_side(play):
    play("""
    > quote 1 bid 99 x 5 ask 101 x 5
    accepted #1 leaves 5 ; accepted #2 leaves 5 ; quoted 1 slot 0 bid #1 ask #2
    > quote 1 ask 101 x 5
    cancelled #1 x 5 quote replaced ; quoted 1 slot 0 bid none ask #2
    > quote 1
    cancelled #2 x 5 quote replaced ; quoted 1 slot 0 bid none ask none
    > quote 1
    quoted 1 slot 0 bid none ask none
    book: empty
    """)


def test_slots_stand_side_by_side(play):
    play("""
    > quote 1 bid 99 x 1 ask 101 x 1
    accepted #1 leaves 1 ; accepted #2 leaves 1 ; quoted 1 slot 0 bid #1 ask #2
    > quote 1 slot 15 bid 99 x 2 ask 102 x 2
    accepted #3 leaves 2 ; accepted #4 leaves 2 ; quoted 1 slot 15 bid #3 ask #4
    > quote 1 slot 16 bid 99 x 2
    rejected invalid slot
    > quote 1 slot 15
    cancelled #3 x 2 quote replaced ; cancelled #4 x 2 quote replaced ; quoted 1 slot 15 bid none ask none
    book: buy 99 x 1 by 1 ; sell 101 x 1 by 1
    """)


def test_neither_side_changes_when_either_would_trade(play):
    play("""
    book: sell 101 x 1 by 2
    > quote 1 bid 99 x 5 ask 102 x 5
    accepted #2 leaves 5 ; accepted #3 leaves 5 ; quoted 1 slot 0 bid #2 ask #3
    > quote 1 bid 101 x 5 ask 103 x 5
    rejected post only would trade
    > quote 2 bid 97 x 1 ask 99 x 1
    rejected post only would trade
    book: buy 99 x 5 by 1 ; sell 101 x 1 by 2 ; sell 102 x 5 by 1
    """)


def test_a_quote_would_trade_with_what_is_hidden_and_with_the_curve(play):
    # The curve bids at 99; a hidden ask stands at 103.
    play("""
    curve: pmm depth=4 base=6
    anchor: 100..100
    book: sell 103 x 1 by 2 hidden
    > quote 1 bid 103 x 1 ask 105 x 1
    rejected post only would trade
    > quote 1 bid 98 x 1 ask 99 x 1
    rejected post only would trade
    > quote 1 bid 102 x 1 ask 104 x 1
    accepted #2 leaves 1 ; accepted #3 leaves 1 ; quoted 1 slot 0 bid #2 ask #3
    book: buy 102 x 1 by 1 ; sell 104 x 1 by 1 ; sell 103 x 1 by 2 hidden
    """)


def test_a_quote_may_cross_where_its_own_other_side_stood(play):
    play("""
    > quote 1 bid 99 x 5 ask 101 x 5
    accepted #1 leaves 5 ; accepted #2 leaves 5 ; quoted 1 slot 0 bid #1 ask #2
    > quote 1 bid 103 x 5 ask 105 x 5
    cancelled #1 x 5 quote replaced ; cancelled #2 x 5 quote replaced
    ; accepted #3 leaves 5 ; accepted #4 leaves 5 ; quoted 1 slot 0 bid #3 ask #4
    > quote 1 slot 1 bid 100 x 1 ask 103 x 1 -- another slot is another quote
    rejected post only would trade
    book: buy 103 x 5 by 1 ; sell 105 x 5 by 1
    """)


def test_quotes_gather_untested_before_an_auction_and_trade_in_it(play):
    play("""
    instrument: initial_state=pre-open
    book: sell 98 x 3 by 2
    > quote 1 bid 99 x 5 ask 101 x 5
    accepted #2 leaves 5 ; accepted #3 leaves 5 ; quoted 1 slot 0 bid #2 ask #3
    > state auction
    state auction from pre-open ; indicative 99 x 3 surplus 2
    > quote 1 bid 99 x 2 ask 101 x 5
    amended #2 kept 99 x 2 leaves 2 ; quoted 1 slot 0 bid #2 ask #3 ; indicative 98 x 2 surplus -1
    > state continuous
    uncrossed 98 x 2 surplus -1 ; trade 98 x 2 uncross #2 with #1 leaves 1 ; state continuous from auction
    book: sell 98 x 1 by 2 ; sell 101 x 5 by 1
    """)


def test_the_sides_are_orders_that_can_be_cancelled_and_amended(play):
    play("""
    > quote 1 bid 99 x 5 ask 101 x 5
    accepted #1 leaves 5 ; accepted #2 leaves 5 ; quoted 1 slot 0 bid #1 ask #2
    > reduce #1 x 2 by 1
    amended #1 kept 99 x 3 leaves 3
    > cancel #2 by 1
    cancelled #2 x 5 requested
    > quote 1 bid 99 x 3 ask 101 x 1
    accepted #3 leaves 1 ; quoted 1 slot 0 bid #1 ask #3
    book: buy 99 x 3 by 1 ; sell 101 x 1 by 1
    """)


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ("instrument: max_orders=2", "book full"),
        ("account: 1 max_open_orders=2", "open order limit"),
        ("account: 1 max_long_lots=5", "position limit"),
    ],
)
def test_a_quote_that_replaces_another_needs_no_more_room_than_that_one_had(play, setting, code):
    play(f"""
    {setting}
    > quote 1 bid 99 x 5 ask 101 x 5
    accepted #1 leaves 5 ; accepted #2 leaves 5 ; quoted 1 slot 0 bid #1 ask #2
    > quote 1 bid 98 x 5 ask 100 x 5
    cancelled #1 x 5 quote replaced ; cancelled #2 x 5 quote replaced
    ; accepted #3 leaves 5 ; accepted #4 leaves 5 ; quoted 1 slot 0 bid #3 ask #4
    > quote 1 slot 1 bid 97 x 1
    rejected {code}
    book: buy 98 x 5 by 1 ; sell 100 x 5 by 1
    """)


# --- protection ---------------------------------------------------------------------------------

GUARDED = """
    account: 1 protection_lots=4 protection_window_ns=10
    > quote 1 bid 99 x 9 ask 101 x 9 at 100
    accepted #1 leaves 9 ; accepted #2 leaves 9 ; quoted 1 slot 0 bid #1 ask #2
"""


def test_fills_inside_the_window_pull_every_quote_of_the_account(play):
    play(f"""
    {GUARDED}
    > quote 1 slot 1 bid 98 x 1 ask 102 x 1
    accepted #3 leaves 1 ; accepted #4 leaves 1 ; quoted 1 slot 1 bid #3 ask #4
    > buy 97 x 1 by 1
    accepted #5 leaves 1
    > sell 99 x 3 by 2 at 200
    accepted #6 leaves 0 ; trade 99 x 3 book #1 leaves 6
    > buy 101 x 1 by 2 at 210
    accepted #7 leaves 0 ; trade 101 x 1 book #2 leaves 8 ; protected 1 after 4 ; cancelled #1 x 6 protection
    ; cancelled #3 x 1 protection ; cancelled #2 x 8 protection ; cancelled #4 x 1 protection
    book: buy 97 x 1 by 1
    > quote 1 bid 99 x 1
    rejected protection active
    > buy 98 x 1 by 1
    accepted #8 leaves 1
    > reset protection 1
    protected 1 after 0
    > quote 1 bid 99 x 1
    accepted #9 leaves 1 ; quoted 1 slot 0 bid #9 ask none
    book: buy 99 x 1 by 1 ; buy 98 x 1 by 1 ; buy 97 x 1 by 1
    """)


def test_a_window_begins_with_a_fill_and_ends_after_its_length(play):
    # 3 lots at 200 and one at 211 are two windows; three more at 221 belong to the second.
    play(f"""
    {GUARDED}
    > sell 99 x 3 by 2 at 200
    accepted #3 leaves 0 ; trade 99 x 3 book #1 leaves 6
    > sell 99 x 1 by 2 at 211
    accepted #4 leaves 0 ; trade 99 x 1 book #1 leaves 5
    > sell 99 x 3 by 2 at 221
    accepted #5 leaves 0 ; trade 99 x 3 book #1 leaves 2 ; protected 1 after 4 ; cancelled #1 x 2 protection
    ; cancelled #2 x 9 protection
    book: empty
    """)


def test_protection_fires_after_the_step_not_between_its_fills(play):
    # One order takes both slots' bids; what it takes beyond the limit was on offer.
    play(f"""
    {GUARDED}
    > quote 1 slot 1 bid 98 x 9
    accepted #3 leaves 9 ; quoted 1 slot 1 bid #3 ask none
    > sell 98 x 12 by 2
    accepted #4 leaves 0 ; trade 99 x 9 book #1 leaves 0 ; trade 98 x 3 book #3 leaves 6
    ; protected 1 after 9 ; cancelled #3 x 6 protection ; cancelled #2 x 9 protection
    book: empty
    """)


def test_fills_of_other_orders_do_not_count(play):
    play(f"""
    {GUARDED}
    > buy 100 x 9 by 1
    accepted #3 leaves 9
    > sell 100 x 9 by 2
    accepted #4 leaves 0 ; trade 100 x 9 book #3 leaves 0
    > sell 99 x 3 by 2
    accepted #5 leaves 0 ; trade 99 x 3 book #1 leaves 6
    book: buy 99 x 6 by 1 ; sell 101 x 9 by 1
    """)


def test_two_accounts_are_protected_in_the_order_of_their_trades(play):
    play("""
    account: 1 protection_lots=2 protection_window_ns=10 ; 2 protection_lots=2 protection_window_ns=10
    > quote 1 bid 98 x 5
    accepted #1 leaves 5 ; quoted 1 slot 0 bid #1 ask none
    > quote 2 bid 99 x 2 ask 105 x 5
    accepted #2 leaves 2 ; accepted #3 leaves 5 ; quoted 2 slot 0 bid #2 ask #3
    > sell 98 x 4 by 3
    accepted #4 leaves 0 ; trade 99 x 2 book #2 leaves 0 ; trade 98 x 2 book #1 leaves 3
    ; protected 2 after 2 ; cancelled #3 x 5 protection ; protected 1 after 2 ; cancelled #1 x 3 protection
    book: empty
    """)


def test_quotes_are_pulled_before_a_stop_that_their_fill_elected_meets_them(play):
    play(f"""
    {GUARDED}
    > buy 98 x 5 by 4
    accepted #3 leaves 5
    > sell 90 x 2 by 3 stop 99
    accepted #4 leaves 2 armed
    > sell 99 x 4 by 2
    accepted #5 leaves 0 ; trade 99 x 4 book #1 leaves 5 ; protected 1 after 4 ; cancelled #1 x 5 protection
    ; cancelled #2 x 9 protection ; triggered #4 90 x 2 leaves 0 ; trade 98 x 2 book #3 leaves 3
    book: buy 98 x 3 by 4
    """)


def test_fills_in_an_auction_count(play):
    play(f"""
    {GUARDED}
    > state auction
    state auction from continuous
    > sell 99 x 5 by 2
    accepted #3 leaves 5 ; indicative 99 x 5 surplus 4
    > state continuous
    uncrossed 99 x 5 surplus 4 ; trade 99 x 5 uncross #1 with #3 leaves 0 ; state continuous from auction
    ; protected 1 after 5 ; cancelled #1 x 4 protection ; cancelled #2 x 9 protection
    book: empty
    """)


def test_a_reset_begins_an_empty_window(play):
    play(f"""
    {GUARDED}
    > sell 99 x 3 by 2 at 200
    accepted #3 leaves 0 ; trade 99 x 3 book #1 leaves 6
    > reset protection 1
    protected 1 after 0
    > sell 99 x 3 by 2
    accepted #4 leaves 0 ; trade 99 x 3 book #1 leaves 3
    book: buy 99 x 3 by 1 ; sell 101 x 9 by 1
    """)


@pytest.mark.parametrize("field", ["protection_lots=0", "protection_lots=100"])
def test_without_a_limit_in_reach_nothing_is_pulled(play, field):
    play(f"""
    account: 1 {field} protection_window_ns=10
    > quote 1 bid 99 x 9
    accepted #1 leaves 9 ; quoted 1 slot 0 bid #1 ask none
    > sell 99 x 8 by 2
    accepted #2 leaves 0 ; trade 99 x 8 book #1 leaves 1
    book: buy 99 x 1 by 1
    """)
