"""Pro-rata allocation: the orders of one price share an aggressor by what each shows; leftover lots go by time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parbook import messages as m
from parbook.codes import Allocation
from tests.support.markets import MARKETS, examples
from tests.support.venue import BUY, SELL, Venue, order


def test_each_order_gets_its_share(play):
    play("""
    instrument: allocation=pro-rata
    book: sell 100 x 10 by 1 ; sell 100 x 30 by 2 ; sell 100 x 60 by 3
    > buy 100 x 10 by 4
    accepted #4 leaves 0 ; trade 100 x 1 book #1 leaves 9 ; trade 100 x 3 book #2 leaves 27
    ; trade 100 x 6 book #3 leaves 54
    book: sell 100 x 9 by 1 ; sell 100 x 27 by 2 ; sell 100 x 54 by 3
    """)


def test_price_comes_before_the_share(play):
    play("""
    instrument: allocation=pro-rata
    book: buy 99 x 90 by 1 ; buy 100 x 2 by 2 ; buy 100 x 1 by 3
    > sell 99 x 33 by 4
    accepted #4 leaves 0 ; trade 100 x 2 book #2 leaves 0 ; trade 100 x 1 book #3 leaves 0
    ; trade 99 x 30 book #1 leaves 60
    book: buy 99 x 60 by 1
    """)


def test_leftover_lots_are_a_second_pass_by_time(play):
    # 7 x 5/15 = 2.33 three times: six lots in shares, the seventh to the oldest.
    play("""
    instrument: allocation=pro-rata
    book: sell 100 x 5 by 1 ; sell 100 x 5 by 2 ; sell 100 x 5 by 3
    > buy 100 x 7 by 4
    accepted #4 leaves 0 ; trade 100 x 2 book #1 leaves 3 ; trade 100 x 2 book #2 leaves 3
    ; trade 100 x 2 book #3 leaves 3 ; trade 100 x 1 book #1 leaves 2
    book: sell 100 x 2 by 1 ; sell 100 x 3 by 2 ; sell 100 x 3 by 3
    """)


def test_a_share_of_nothing_is_skipped(play):
    # 3 x 1/12 and 3 x 2/12 round to nothing, 3 x 9/12 to two.
    play("""
    instrument: allocation=pro-rata
    book: sell 100 x 1 by 1 ; sell 100 x 2 by 2 ; sell 100 x 9 by 3
    > buy 100 x 3 by 4
    accepted #4 leaves 0 ; trade 100 x 2 book #3 leaves 7 ; trade 100 x 1 book #1 leaves 0
    book: sell 100 x 2 by 2 ; sell 100 x 7 by 3
    """)


def test_leftover_lots_fill_each_order_up_to_what_it_shows(play):
    # Four orders of one lot and three wanted: every share is nothing, and the second pass is price-time.
    play("""
    instrument: allocation=pro-rata
    book: sell 100 x 1 by 1 ; sell 100 x 1 by 2 ; sell 100 x 1 by 3 ; sell 100 x 1 by 4
    > buy 100 x 3 by 5
    accepted #5 leaves 0 ; trade 100 x 1 book #1 leaves 0 ; trade 100 x 1 book #2 leaves 0
    ; trade 100 x 1 book #3 leaves 0
    book: sell 100 x 1 by 4
    """)


@pytest.mark.parametrize(("wanted", "rests"), [(6, 0), (8, 2)])
def test_who_wants_all_of_it_takes_it_by_time(play, wanted, rests):
    play(f"""
    instrument: allocation=pro-rata
    book: sell 100 x 1 by 1 ; sell 100 x 3 by 2 ; sell 100 x 2 by 3
    > buy 100 x {wanted} by 4
    accepted #4 leaves {rests} ; trade 100 x 1 book #1 leaves 0 ; trade 100 x 3 book #2 leaves 0
    ; trade 100 x 2 book #3 leaves 0
    book: {f"buy 100 x {rests} by 4" if rests else "empty"}
    """)


def test_time_still_decides_who_is_served_first_after_a_fill(play):
    # The second pass goes to the older order 1, though order 2 has had less of what it wanted.
    play("""
    instrument: allocation=pro-rata
    book: sell 100 x 3 by 1 ; sell 100 x 3 by 2
    > buy 100 x 1 by 3
    accepted #3 leaves 0 ; trade 100 x 1 book #1 leaves 2
    > buy 100 x 1 by 3
    accepted #4 leaves 0 ; trade 100 x 1 book #1 leaves 1
    > buy 100 x 2 by 3
    accepted #5 leaves 0 ; trade 100 x 1 book #2 leaves 2 ; trade 100 x 1 book #1 leaves 0
    book: sell 100 x 2 by 2
    """)


def test_a_smaller_order_keeps_its_turn_and_a_larger_one_loses_it(play):
    play("""
    instrument: allocation=pro-rata
    book: sell 100 x 3 by 1 ; sell 100 x 3 by 2
    > amend #1 x 2 by 1
    amended #1 kept 100 x 2 leaves 2
    > buy 100 x 1 by 3
    accepted #3 leaves 0 ; trade 100 x 1 book #1 leaves 1
    > amend #1 x 4 by 1
    amended #1 lost 100 x 4 leaves 3
    > buy 100 x 1 by 3
    accepted #4 leaves 0 ; trade 100 x 1 book #2 leaves 2
    book: sell 100 x 2 by 2 ; sell 100 x 3 by 1
    """)


# --- icebergs and hidden orders -----------------------------------------------------------------


def test_an_iceberg_shares_by_its_slice_not_by_its_total(play):
    play("""
    instrument: allocation=pro-rata
    book: sell 100 x 90 by 1 show 2 ; sell 100 x 6 by 2
    > buy 100 x 4 by 3
    accepted #3 leaves 0 ; trade 100 x 1 book #1 leaves 89 ; trade 100 x 3 book #2 leaves 3
    book: sell 100 x 89 by 1 show 1 ; sell 100 x 3 by 2
    """)


def test_each_round_is_split_anew(play):
    # Round one is taken whole: 2 and 2. In round two the slices are 2 and 1, and two lots are wanted.
    play("""
    instrument: allocation=pro-rata
    book: sell 100 x 5 by 1 show 2 ; sell 100 x 3 by 2 show 2
    > buy 100 x 6 by 3
    accepted #3 leaves 0 ; trade 100 x 2 book #1 leaves 3 ; shown #1 x 2 of 3
    ; trade 100 x 2 book #2 leaves 1 ; shown #2 x 1 of 1
    ; trade 100 x 1 book #1 leaves 2 ; trade 100 x 1 book #1 leaves 1 ; shown #1 x 1 of 1
    book: sell 100 x 1 by 2 show 1 ; sell 100 x 1 by 1 show 1
    """)


def test_a_slice_used_up_in_the_first_pass_of_a_split_returns_at_the_back(play):
    # 3 x 1/4 is nothing; 3 x 3/4 is two, and the leftover lot takes the one lot that is shown in front.
    play("""
    instrument: allocation=pro-rata
    book: sell 100 x 4 by 1 show 1 ; sell 100 x 3 by 2
    > buy 100 x 3 by 3
    accepted #3 leaves 0 ; trade 100 x 2 book #2 leaves 1 ; trade 100 x 1 book #1 leaves 3 ; shown #1 x 1 of 3
    book: sell 100 x 1 by 2 ; sell 100 x 3 by 1 show 1
    """)


def test_hidden_orders_come_after_all_that_is_shown_and_by_time(play):
    play("""
    instrument: allocation=pro-rata
    book: sell 100 x 2 by 1 hidden ; sell 100 x 8 by 2 hidden ; sell 100 x 4 by 3
    > buy 100 x 2 by 4
    accepted #4 leaves 0 ; trade 100 x 2 book #3 leaves 2
    > buy 100 x 5 by 4
    accepted #5 leaves 0 ; trade 100 x 2 book #3 leaves 0 ; trade 100 x 2 hidden #1 leaves 0
    ; trade 100 x 1 hidden #2 leaves 7
    book: sell 100 x 7 by 2 hidden
    """)


# --- together with other rules ------------------------------------------------------------------


def test_the_curve_stands_behind_every_order_of_its_price(play):
    # A constant price of 100: the curve bids for four lots at 99.
    play("""
    instrument: allocation=pro-rata
    curve: pmm depth=4 base=6
    anchor: 100..100
    book: buy 99 x 2 by 1 ; buy 99 x 6 by 2
    > sell 99 x 4 by 3
    accepted #3 leaves 0 ; trade 99 x 1 book #1 leaves 1 ; trade 99 x 3 book #2 leaves 3
    curve: net 0 cash 1000000000
    > sell 99 x 6 by 3
    accepted #4 leaves 0 ; trade 99 x 1 book #1 leaves 0 ; trade 99 x 3 book #2 leaves 0 ; trade 99 x 2 curve net 2
    curve: net 2 cash 999999802
    """)


def test_fok_and_minimum_count_all_that_can_be_had(play):
    play("""
    instrument: allocation=pro-rata
    book: sell 100 x 4 by 1 show 1 ; sell 100 x 2 by 2 ; sell 100 x 1 by 3 hidden
    > buy 100 x 8 by 4 fok
    rejected fok unfillable
    > buy 100 x 9 by 4 min 8
    rejected min qty unfillable
    > buy 100 x 7 by 4 fok
    accepted #4 leaves 0 ; trade 100 x 1 book #1 leaves 3 ; shown #1 x 1 of 3 ; trade 100 x 2 book #2 leaves 0
    ; trade 100 x 1 book #1 leaves 2 ; shown #1 x 1 of 2 ; trade 100 x 1 book #1 leaves 1 ; shown #1 x 1 of 1
    ; trade 100 x 1 book #1 leaves 0 ; trade 100 x 1 hidden #3 leaves 0
    book: empty
    """)


def test_an_amount_is_split_by_the_lots_it_buys(play):
    # 450 ticks x lots buy four lots at 100.
    play("""
    instrument: allocation=pro-rata
    trade: 100
    book: sell 100 x 2 by 1 ; sell 100 x 6 by 2
    > buy market x 99 by 3 amount 450 ioc
    accepted #5 leaves 0 ; trade 100 x 1 book #3 leaves 1 ; trade 100 x 3 book #4 leaves 3 ; unspent #5 50
    ; cancelled #5 x 95 remainder
    book: sell 100 x 1 by 1 ; sell 100 x 3 by 2
    """)


def test_own_orders_do_not_enter_the_split(play):
    play("""
    instrument: allocation=pro-rata stp=cancel-oldest
    book: sell 100 x 2 by 1 ; sell 100 x 50 by 4 ; sell 100 x 6 by 2
    > buy 100 x 4 by 4
    accepted #4 leaves 0 ; prevented cancel-oldest 100 x 4 #2 leaves 0 ; cancelled #2 x 50 self trade
    ; trade 100 x 1 book #1 leaves 1 ; trade 100 x 3 book #3 leaves 3
    book: sell 100 x 1 by 1 ; sell 100 x 3 by 2
    """)


def test_the_uncross_goes_by_time_all_the_same(play):
    play("""
    instrument: allocation=pro-rata initial_state=auction
    book: sell 100 x 5 by 1 ; sell 100 x 5 by 2 ; buy 100 x 4 by 3
    > state continuous
    uncrossed 100 x 4 surplus -6 ; trade 100 x 4 uncross #3 with #1 leaves 1 ; state continuous from auction
    book: sell 100 x 1 by 1 ; sell 100 x 5 by 2
    """)


# --- any level ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MARKETS)
@examples(200)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=8), st.integers(1, 400))
def test_no_order_gets_less_than_its_share_and_leftovers_go_to_the_oldest(name, shown, wanted):
    venue = Venue(MARKETS[name], allocation=Allocation.PRO_RATA)
    for account, lots in enumerate(shown, start=1):
        venue.do(order(account, SELL, 100, lots))
    got = dict.fromkeys(range(1, len(shown) + 1), 0)
    for event in venue.raw(order(99, BUY, 100, wanted)):
        if isinstance(event, m.Trade):
            got[event.maker_order_id] += event.qty_lots
    traded = min(wanted, sum(shown))
    leftover = traded - sum(traded * lots // sum(shown) for lots in shown)
    for order_id, lots in enumerate(shown, start=1):
        share = traded * lots // sum(shown)
        more = min(leftover, lots - share)
        leftover -= more
        assert got[order_id] == share + more
    assert sum(got.values()) == traded
