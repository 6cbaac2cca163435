"""Auctions from the first order to the last fill: opening, closing, reopening. The price rules: test_clearing."""

import pytest

# --- golden cases -------------------------------------------------------------------------------


def test_market_pressure_takes_the_published_example_to_639(play):
    # 1000 lots can trade from 610 to 639; from 631 on, 500 buyers are left over, so the price goes to the top.
    play("""
    instrument: initial_state=pre-open
    book: buy 641 x 400 by 1 ; buy 639 x 600 by 2 ; buy 639 x 500 by 3 ; buy 630 x 700 by 4
    book: sell 610 x 1000 by 5 ; sell 645 x 300 by 6
    > state auction
    state auction from pre-open ; indicative 639 x 1000 surplus 500
    > state continuous
    uncrossed 639 x 1000 surplus 500 ; trade 639 x 400 uncross #1 with #5 leaves 600
    ; trade 639 x 600 uncross #2 with #5 leaves 0 ; state continuous from auction
    book: buy 639 x 500 by 3 ; buy 630 x 700 by 4 ; sell 645 x 300 by 6
    """)


@pytest.mark.parametrize(("buys", "sells"), [(50, 60), (60, 50)])
def test_market_orders_alone_clear_at_the_reference(play, buys, sells):
    left = "#4 x 10" if sells > buys else "#3 x 10"
    play(f"""
    trade: 104
    state: auction
    > buy market x {buys} by 1 auction
    accepted #3 leaves {buys} call
    > sell market x {sells} by 2 auction
    accepted #4 leaves {sells} call ; indicative 104 x 50 surplus {buys - sells}
    book: buy market x {buys} by 1 call ; sell market x {sells} by 2 call
    > state continuous
    uncrossed 104 x 50 surplus {buys - sells} ; trade 104 x 50 uncross #3 with #4 leaves {max(0, sells - buys)}
    ; cancelled {left} untraded ; state continuous from auction
    book: empty
    """)


def test_market_orders_alone_do_not_clear_once_their_reference_is_gone(play):
    play("""
    curve: linear depth=1 drop=900000
    state: auction
    > buy market x 50 by 1 auction
    rejected no reference price
    > anchor 104..104
    proposed 104..104 for 0 ; anchor 104..104 net 0 cash 1000000000
    > buy market x 50 by 1 auction
    accepted #1 leaves 50 call
    > sell market x 60 by 2 auction
    accepted #2 leaves 60 call ; indicative 104 x 50 surplus -10
    > withdraw curve
    curve withdrawn net 0 cash 1000000000 ; indicative 0 x 0 surplus 0
    > state continuous
    uncrossed 0 x 0 surplus 0 ; cancelled #1 x 50 untraded ; cancelled #2 x 60 untraded
    ; state continuous from auction
    book: empty
    """)


@pytest.mark.parametrize(
    ("reference", "price"),
    [("trade: 104", 104), ("trade: 150", 110), ("trade: 1", 100), ("anchor: 103..106", 104), ("anchor: 149..152", 110)],
)
def test_a_plateau_from_100_to_110_goes_to_the_price_nearest_the_reference(play, reference, price):
    made = "" if reference.startswith("anchor") else f"{reference}\n"
    first = 3 if made else 1
    play(f"""
    {made}curve: linear depth=1 drop=900000
    {"" if made else reference}
    state: auction
    book: buy 110 x 7 by 1
    > sell 100 x 7 by 2
    accepted #{first + 1} leaves 7 ; indicative {price} x 7 surplus 0
    > state continuous
    uncrossed {price} x 7 surplus 0 ; trade {price} x 7 uncross #{first} with #{first + 1} leaves 0
    ; state continuous from auction
    book: empty
    """)


def test_a_plateau_without_a_reference_clears_in_its_middle(play):
    play("""
    instrument: initial_state=auction
    book: buy 103 x 7 by 1
    > sell 100 x 7 by 2
    accepted #2 leaves 7 ; indicative 101 x 7 surplus 0
    book: buy 103 x 7 by 1 ; sell 100 x 7 by 2
    """)


# --- opening ------------------------------------------------------------------------------------


def test_an_opening(play):
    # PRE_OPEN gathers in silence; AUCTION tells each change of the indication, and only changes.
    play("""
    trade: 100
    state: closed
    state: pre-open
    > buy 102 x 5 by 1
    accepted #3 leaves 5
    > sell 99 x 3 by 2
    accepted #4 leaves 3
    > buy 98 x 4 by 3 post
    accepted #5 leaves 4
    book: buy 102 x 5 by 1 ; buy 98 x 4 by 3 ; sell 99 x 3 by 2
    > state auction
    state auction from pre-open ; indicative 102 x 3 surplus 2
    > buy 97 x 9 by 4
    accepted #6 leaves 9
    > sell market x 2 by 5 auction
    accepted #7 leaves 2 call ; indicative 100 x 5 surplus 0
    > sell 100 x 1 by 6 auction
    accepted #8 leaves 1 ; indicative 99 x 5 surplus 0
    > buy 100 x 1 by 7 ioc
    rejected state forbids
    > state continuous
    uncrossed 99 x 5 surplus 0 ; trade 99 x 2 uncross #3 with #7 leaves 0
    ; trade 99 x 3 uncross #3 with #4 leaves 0 ; cancelled #8 x 1 untraded ; state continuous from auction
    book: buy 98 x 4 by 3 ; buy 97 x 9 by 4
    """)


def test_a_post_only_order_that_gathered_crossed_takes_part(play):
    play("""
    instrument: initial_state=pre-open
    book: sell 99 x 3 by 2 ; buy 102 x 5 by 1 post ; buy 103 x 1 by 3 slide
    > state auction
    state auction from pre-open ; indicative 102 x 3 surplus 3
    > state continuous
    uncrossed 102 x 3 surplus 3 ; trade 102 x 1 uncross #3 with #1 leaves 2
    ; trade 102 x 2 uncross #2 with #1 leaves 0 ; state continuous from auction
    book: buy 102 x 3 by 1
    """)


def test_nothing_crosses_and_orders_carry(play):
    play("""
    instrument: initial_state=auction
    book: buy 99 x 5 by 1 ; sell 101 x 5 by 2 show 2 ; buy 98 x 2 by 3 auction ; sell 102 x 2 by 4 auction hidden
    > state continuous
    uncrossed 0 x 0 surplus 0 ; cancelled #3 x 2 untraded ; cancelled #4 x 2 untraded ; state continuous from auction
    book: buy 99 x 5 by 1 ; sell 101 x 5 by 2 show 2
    """)


def test_market_orders_come_first_then_price_then_slices_then_what_is_hidden(play):
    play("""
    trade: 100
    state: auction
    book: sell 100 x 3 by 1 hidden ; sell 100 x 4 by 2 show 1 ; sell 100 x 2 by 3 ; sell 98 x 1 by 4
    book: sell market x 1 by 5 auction ; buy 100 x 10 by 6
    > state continuous
    uncrossed 100 x 10 surplus -1 ; trade 100 x 1 uncross #8 with #7 leaves 0
    ; trade 100 x 1 uncross #8 with #6 leaves 0
    ; trade 100 x 1 uncross #8 with #4 leaves 3 ; shown #4 x 1 of 3
    ; trade 100 x 2 uncross #8 with #5 leaves 0
    ; trade 100 x 1 uncross #8 with #4 leaves 2 ; shown #4 x 1 of 2
    ; trade 100 x 1 uncross #8 with #4 leaves 1 ; shown #4 x 1 of 1
    ; trade 100 x 1 uncross #8 with #4 leaves 0
    ; trade 100 x 2 uncross #8 with #3 leaves 1 ; state continuous from auction
    book: sell 100 x 1 by 1 hidden
    """)


def test_buys_and_sells_are_paired_in_turn(play):
    play("""
    instrument: initial_state=auction
    book: buy 101 x 3 by 1 ; buy 102 x 2 by 2 ; sell 99 x 4 by 3 ; sell 100 x 5 by 4
    > state continuous
    uncrossed 100 x 5 surplus -4 ; trade 100 x 2 uncross #2 with #3 leaves 2
    ; trade 100 x 2 uncross #1 with #3 leaves 0 ; trade 100 x 1 uncross #1 with #4 leaves 4
    ; state continuous from auction
    book: sell 100 x 4 by 4
    """)


# --- what changes the indication ----------------------------------------------------------------


def test_amending_reducing_and_cancelling_move_the_indication(play):
    play("""
    instrument: initial_state=auction
    book: buy 102 x 5 by 1 ; buy 102 x 5 by 2 ; sell 100 x 8 by 3
    > amend #1 x 2 by 1
    amended #1 kept 102 x 2 leaves 2 ; indicative 100 x 7 surplus -1
    > amend #1 to 103 x 4 by 1
    amended #1 lost 103 x 4 leaves 4 ; indicative 102 x 8 surplus 1
    > reduce #2 x 1 by 2
    amended #2 kept 102 x 4 leaves 4 ; indicative 101 x 8 surplus 0
    > amend #3 to 110 by 3
    amended #3 lost 110 x 8 leaves 8 ; indicative 0 x 0 surplus 0
    > amend #3 to 102 by 3
    amended #3 lost 102 x 8 leaves 8 ; indicative 102 x 8 surplus 0
    > cancel #2 by 2
    cancelled #2 x 4 requested ; indicative 102 x 4 surplus -4
    > mass cancel buy
    cancelled #1 x 4 mass ; mass cancelled 1 mass ; indicative 0 x 0 surplus 0
    book: sell 102 x 8 by 3
    """)


def test_a_market_order_that_waits_can_shrink_and_nothing_else(play):
    play("""
    trade: 100
    state: auction
    book: buy market x 5 by 1 auction ; sell market x 5 by 2 auction
    > amend #3 x 6 by 1
    rejected invalid terms
    > amend #3 to 101 by 1
    rejected invalid terms
    > amend #3 x 3 by 1
    amended #3 kept 0 x 3 leaves 3 ; indicative 100 x 3 surplus -2
    book: buy market x 3 by 1 call ; sell market x 5 by 2 call
    """)


def test_time_and_anchors_move_the_indication(play):
    play("""
    curve: linear depth=1 drop=900000
    state: auction
    book: buy 110 x 5 by 1 ; sell 100 x 5 by 2 ; buy 105 x 9 by 3 gtd 50
    > anchor 106..106
    proposed 106..106 for 0 ; anchor 106..106 net 0 cash 1000000000 ; indicative 106 x 5 surplus 0
    > anchor 101..108
    proposed 101..108 for 0 ; anchor 101..108 net 0 cash 1000000000
    > time at 51
    cancelled #3 x 9 expired ; time 51 ; indicative 104 x 5 surplus 0
    book: buy 110 x 5 by 1 ; sell 100 x 5 by 2
    """)


def test_a_refused_command_indicates_nothing_new(play):
    play("""
    instrument: initial_state=auction
    book: buy 102 x 5 by 1 ; sell 100 x 5 by 2
    > cancel #1 by 2
    rejected not owner
    > buy market x 1 by 3 ioc
    rejected state forbids
    state: auction
    """)


# --- closing and reopening ----------------------------------------------------------------------


def test_a_closing_auction(play):
    # Day orders trade once more, then leave; what was for the auction alone leaves before them.
    play("""
    trade: 100
    book: buy 99 x 5 by 1 day ; sell 101 x 5 by 2 ; buy 97 x 3 by 5 day
    > state closing
    state closing from continuous
    > sell 99 x 3 by 3 auction
    accepted #6 leaves 3 ; indicative 99 x 3 surplus 2
    > sell market x 4 by 4 auction
    accepted #7 leaves 4 call ; indicative 99 x 5 surplus -2
    > state closed
    uncrossed 99 x 5 surplus -2 ; trade 99 x 4 uncross #3 with #7 leaves 0
    ; trade 99 x 1 uncross #3 with #6 leaves 2 ; cancelled #6 x 2 untraded
    ; state closed from closing ; cancelled #5 x 3 expired
    book: sell 101 x 5 by 2
    state: closed
    """)


def test_the_closing_price_is_the_reference_of_the_next_opening(play):
    play("""
    book: buy 99 x 1 by 1
    state: closing
    > sell 99 x 1 by 2
    accepted #2 leaves 1 ; indicative 99 x 1 surplus 0
    > state closed
    uncrossed 99 x 1 surplus 0 ; trade 99 x 1 uncross #1 with #2 leaves 0 ; state closed from closing
    > state pre-open
    state pre-open from closed
    > buy 110 x 2 by 1
    accepted #3 leaves 2
    > sell 90 x 2 by 2
    accepted #4 leaves 2
    > state auction
    state auction from pre-open ; indicative 99 x 2 surplus 0
    book: buy 110 x 2 by 1 ; sell 90 x 2 by 2
    """)


def test_a_reopening_from_a_halt_uncrosses_without_indication(play):
    # The halt came in the auction; it keeps the crossed book until trading opens.
    play("""
    instrument: initial_state=auction
    book: buy 102 x 2 by 1
    > sell 100 x 5 by 2
    accepted #2 leaves 5 ; indicative 100 x 2 surplus -3
    > state halted
    state halted from auction
    > reduce #2 x 4 by 2
    amended #2 kept 100 x 1 leaves 1
    > state auction
    state auction from halted ; indicative 102 x 1 surplus 1
    > state halted
    state halted from auction
    > state continuous
    uncrossed 102 x 1 surplus 1 ; trade 102 x 1 uncross #1 with #2 leaves 0 ; state continuous from halted
    book: buy 102 x 1 by 1
    """)


def test_a_halt_without_a_crossed_book_opens_where_it_was(play):
    play("""
    trade: 100
    book: buy 99 x 5 by 1 show 2 ; sell 101 x 5 by 2
    > state halted
    state halted from continuous
    > buy 100 x 1 by 3
    rejected state forbids
    > state continuous
    uncrossed 0 x 0 surplus 0 ; state continuous from halted
    > buy 101 x 1 by 3
    accepted #5 leaves 0 ; trade 101 x 1 book #4 leaves 4
    book: buy 99 x 5 by 1 show 2 ; sell 101 x 4 by 2
    """)


# --- what follows the uncross -------------------------------------------------------------------


def test_all_of_the_uncross_is_one_step(play):
    # The partner leaves, then the stop that the one price elected runs, in an open market. What may close the
    # position of account 1 has room as before.
    play("""
    account: 1 position_lots=5
    trade: 100
    state: auction
    book: buy 104 x 2 by 2 ; sell 120 x 2 by 2 oco #3 ; sell 104 x 3 by 1 ; sell 125 x 2 by 1 reduce-only
    book: sell 109 x 1 by 4
    > buy 110 x 1 by 5 stop 103
    accepted #8 leaves 1 armed
    > buy 104 x 3 by 3
    accepted #9 leaves 3 ; indicative 104 x 3 surplus 2
    > state continuous
    uncrossed 104 x 3 surplus 2 ; trade 104 x 2 uncross #3 with #5 leaves 1
    ; trade 104 x 1 uncross #9 with #5 leaves 0 ; state continuous from auction ; cancelled #4 x 2 oco
    ; triggered #8 110 x 1 leaves 0 ; trade 109 x 1 book #7 leaves 0
    book: buy 104 x 2 by 3 ; sell 125 x 2 by 1
    account: 1 position_lots=2
    """)


@pytest.mark.parametrize("mode", ["cancel-newest", "cancel-oldest", "cancel-both", "decrement"])
def test_a_group_meets_itself_in_an_auction_only(play, mode):
    play(f"""
    instrument: initial_state=auction stp={mode}
    account: 1 stp_group=7 ; 2 stp_group=7
    book: buy 102 x 2 by 1 ; sell 100 x 5 by 2
    > state continuous
    uncrossed 100 x 2 surplus -3 ; trade 100 x 2 uncross #1 with #2 leaves 3 ; state continuous from auction
    > buy 100 x 3 by 1 fok stp cancel-newest
    rejected fok unfillable
    book: sell 100 x 3 by 2
    """)


def test_pegs_wait_outside_and_return_after_the_uncross(play):
    play("""
    book: buy 99 x 2 by 1 ; sell 105 x 2 by 2
    > buy 120 x 3 by 3 peg primary
    accepted #3 leaves 3 parked ; repriced #3 99 leaves 3
    > state auction
    state auction from continuous ; repriced #3 parked leaves 3
    book: buy 99 x 2 by 1 ; sell 105 x 2 by 2 ; buy 120 x 3 by 3 parked
    > buy 105 x 1 by 4
    accepted #4 leaves 1 ; indicative 105 x 1 surplus -1
    > state continuous
    uncrossed 105 x 1 surplus -1 ; trade 105 x 1 uncross #4 with #2 leaves 1 ; state continuous from auction
    ; repriced #3 99 leaves 3
    book: buy 99 x 2 by 1 ; buy 99 x 3 by 3 ; sell 105 x 1 by 2
    """)


# --- the curve ----------------------------------------------------------------------------------


def test_the_curve_buys_in_the_auction_where_the_instrument_lets_it(play):
    # A constant price of 100: four lots at 99 or less. Three are sold to it; one is left over, so 99 it is.
    play("""
    instrument: curve_in_auction=true
    curve: pmm depth=4 base=6
    anchor: 100..100
    state: auction
    > sell 95 x 3 by 1
    accepted #1 leaves 3 ; indicative 99 x 3 surplus 1
    > sell market x 3 by 2 auction
    accepted #2 leaves 3 call ; indicative 95 x 4 surplus -2
    > buy 97 x 2 by 3
    accepted #3 leaves 2 ; indicative 97 x 6 surplus 0
    > state continuous
    uncrossed 97 x 6 surplus 0 ; trade 97 x 3 uncross curve #2 net 3 ; trade 97 x 1 uncross curve #1 net 4
    ; trade 97 x 2 uncross #3 with #1 leaves 0 ; state continuous from auction
    book: empty
    curve: net 4 cash 999999612
    """)


def test_the_curve_sells_in_the_auction(play):
    play("""
    instrument: curve_in_auction=true
    curve: pmm depth=4 base=6 min=-5
    anchor: 100..100
    state: auction
    > buy 105 x 2 by 1
    accepted #1 leaves 2 ; indicative 101 x 2 surplus -3
    > state continuous
    uncrossed 101 x 2 surplus -3 ; trade 101 x 2 uncross curve #1 net -2 ; state continuous from auction
    book: empty
    curve: net -2 cash 1000000202
    """)


def test_the_curve_bids_no_more_in_the_auction_than_it_can_pay(play):
    play("""
    instrument: curve_in_auction=true
    curve: pmm depth=4 base=6 budget=200
    anchor: 100..100
    state: auction
    > sell 95 x 3 by 1
    accepted #1 leaves 3 ; indicative 95 x 2 surplus -1
    > state continuous
    uncrossed 95 x 2 surplus -1 ; trade 95 x 2 uncross curve #1 net 2 ; state continuous from auction
    book: sell 95 x 1 by 1
    curve: net 2 cash 10
    """)


def test_the_curve_stays_out_where_the_instrument_says_nothing(play):
    play("""
    curve: pmm depth=4 base=6
    anchor: 100..100
    state: auction
    > sell 99 x 3 by 1
    accepted #1 leaves 3
    > state continuous
    uncrossed 0 x 0 surplus 0 ; state continuous from auction
    book: sell 99 x 3 by 1
    curve: net 0 cash 1000000000
    """)


def test_the_curve_s_cash_is_spent_once_though_its_rung_goes_before_the_book(play):
    play("""
    instrument: curve_in_auction=true
    state: auction
    curve: pmm depth=20 base=50 budget=300
    anchor: 100..100
    book: buy 97 x 5 by 1 ; sell 95 x 6 by 2
    > state continuous -- at 97 the curve pays for 3 lots; its rung stands at 99
    uncrossed 97 x 6 surplus 2 ; trade 97 x 3 uncross curve #2 net 3 ; trade 97 x 3 uncross #1 with #2 leaves 0
    ; state continuous from auction
    book: buy 97 x 2 by 1
    """)
