"""Fat-finger limits: the lots of one order, its ticks x lots, and how far its price may stand from the reference."""

import pytest

# --- lots ---------------------------------------------------------------------------------------


def test_the_largest_order(play):
    play("""
    instrument: max_order_lots=5
    > buy 100 x 6 by 1
    rejected order too large
    > buy 100 x 5 by 1
    accepted #1 leaves 5
    > sell 100 x 6 by 2 ioc -- although only five could trade
    rejected order too large
    > buy 100 x 5 by 1 -- each for itself: together they may be more
    accepted #2 leaves 5
    book: buy 100 x 5 by 1 ; buy 100 x 5 by 1
    """)


@pytest.mark.parametrize(
    "terms",
    [
        "100 x 6 by 1 show 1",
        "100 x 6 by 1 hidden",
        "100 x 6 by 1 min 1",
        "100 x 6 by 1 fok",
        "100 x 6 by 1 post",
        "100 x 6 by 1 slide",
        "100 x 6 by 1 gtd 9",
        "100 x 6 by 1 stop 101",
        "100 x 6 by 1 trail 5",
        "100 x 6 by 1 peg primary",
        "market x 6 by 1 ioc",
        "market x 6 by 1 ioc amount 1",
        "market x 6 by 1 ioc stop 101",
        "market-to-limit x 6 by 1",
    ],
)
def test_no_kind_of_order_gets_round_it(play, terms):
    # The limit counts all of an order, not what it shows, wants at least or can pay.
    play(f"""
    instrument: max_order_lots=5
    trade: 100
    > buy {terms}
    rejected order too large
    book: empty
    """)


def test_the_accounts_limit_and_the_instruments_both_hold(play):
    play("""
    instrument: max_order_lots=5
    account: 1 max_order_lots=3 ; 2 max_order_lots=9
    > buy 100 x 4 by 1
    rejected order too large
    > buy 100 x 3 by 1
    accepted #1 leaves 3
    > buy 100 x 6 by 2 -- an account may be granted less than the instrument, not more
    rejected order too large
    > buy 100 x 5 by 2
    accepted #2 leaves 5
    > buy 100 x 5 by 3 -- not registered
    accepted #3 leaves 5
    book: buy 100 x 3 by 1 ; buy 100 x 5 by 2 ; buy 100 x 5 by 3
    """)


def test_an_account_may_be_granted_nothing(play):
    play("""
    account: 1 max_order_lots=0
    > buy 100 x 1 by 1
    rejected order too large
    > account 1 max_order_lots=1
    account 1 max_order_lots=1
    > buy 100 x 1 by 1
    accepted #1 leaves 1
    book: buy 100 x 1 by 1
    """)


# --- ticks x lots -------------------------------------------------------------------------------


def test_the_greatest_notional(play):
    play("""
    instrument: max_order_notional=500
    > buy 100 x 5 by 1
    accepted #1 leaves 5
    > buy 101 x 5 by 1
    rejected notional too large
    > buy 84 x 6 by 1
    rejected notional too large
    > buy 83 x 6 by 1
    accepted #2 leaves 6
    > buy 501 x 1 by 1
    rejected notional too large
    book: buy 100 x 5 by 1 ; buy 83 x 6 by 1
    """)


def test_a_sale_counts_at_its_limit_too_wherever_it_trades(play):
    play("""
    instrument: max_order_notional=500
    account: 2 max_order_notional=300
    book: buy 250 x 2 by 1
    > sell 100 x 4 by 2
    rejected notional too large
    > sell 100 x 3 by 2
    accepted #2 leaves 1 ; trade 250 x 2 book #1 leaves 0
    book: sell 100 x 1 by 2
    """)


@pytest.mark.parametrize(("side", "other", "fits", "last"), [("buy", "sell", 4, 5), ("sell", "buy", 5, 6)])
def test_a_market_order_counts_at_its_protected_limit(play, side, other, fits, last):
    # Five percent round 100: 105 for a buyer, 95 for a seller.
    play(f"""
    instrument: max_order_notional=500
    trade: 100
    book: {other} 100 x 5 by 9
    > {side} market x {last} by 1 ioc
    rejected notional too large
    > {side} market-to-limit x {last} by 1
    rejected notional too large
    > {side} market x {fits} by 1 ioc
    accepted #4 leaves 0 ; trade 100 x {fits} book #3 leaves {5 - fits}
    state: continuous
    """)


def test_a_market_order_for_the_auction_counts_there_too(play):
    play("""
    instrument: max_order_notional=500
    trade: 100
    state: auction
    > buy market x 5 by 1 auction
    rejected notional too large
    > buy market x 4 by 1 auction
    accepted #3 leaves 4 call
    book: buy market x 4 by 1 call
    """)


def test_an_order_by_amount_counts_at_its_amount(play):
    play("""
    instrument: max_order_notional=500
    trade: 100
    book: sell 100 x 5 by 9 ; sell 100 x 4 by 9
    > buy market x 90 by 1 ioc amount 501
    rejected notional too large
    > buy market x 90 by 1 ioc amount 500
    accepted #5 leaves 0 ; trade 100 x 5 book #3 leaves 0 ; cancelled #5 x 85 remainder
    > buy market x 4 by 1 ioc amount 9000 -- or at its lots, where they cost less
    accepted #6 leaves 0 ; trade 100 x 4 book #4 leaves 0 ; unspent #6 8600
    book: empty
    """)


def test_a_peg_counts_at_its_worst_price_and_a_stop_at_its_limit(play):
    play("""
    instrument: max_order_notional=500
    trade: 100
    curve: pmm depth=0
    anchor: 90..90
    > buy 101 x 5 by 1 peg anchor -- though it would stand at 90
    rejected notional too large
    > buy 100 x 5 by 1 peg anchor
    accepted #3 leaves 5 parked ; repriced #3 90 leaves 5
    > buy 126 x 4 by 1 stop 110
    rejected notional too large
    > buy 125 x 4 by 1 stop 120
    accepted #4 leaves 4 armed
    book: buy 90 x 5 by 1 ; buy 125 x 4 by 1 armed 120
    """)


def test_lots_are_tested_before_notional_and_notional_before_distance(play):
    play("""
    instrument: max_order_lots=5 max_order_notional=500 price_reach_ppm=100000
    trade: 100
    > buy 200 x 6 by 1
    rejected order too large
    > buy 200 x 5 by 1
    rejected notional too large
    > buy 200 x 2 by 1
    rejected price too far
    > buy 110 x 2 by 1
    accepted #3 leaves 2
    book: buy 110 x 2 by 1
    """)


# --- distance -----------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize(("reference", "ppm", "low", "high"), [(100, 50_000, 95, 105), (101, 50_000, 96, 106)])
def test_as_far_as_the_reach_either_way_and_not_a_tick_farther(play, side, reference, ppm, low, high):
    # The distance is compared exactly: five percent of 101 are 5.05 ticks, so six are too many.
    play(f"""
    instrument: price_reach_ppm={ppm}
    trade: {reference}
    > {side} {low - 1} x 1 by 1
    rejected price too far
    > {side} {high + 1} x 1 by 1
    rejected price too far
    > {side} {low} x 1 by 1
    accepted #3 leaves 1
    > {side} {high} x 1 by 1
    accepted #4 leaves 1
    state: continuous
    """)


def test_a_reach_beyond_the_price_itself(play):
    play("""
    instrument: price_reach_ppm=2000000
    trade: 100
    > sell 301 x 1 by 1
    rejected price too far
    > sell 300 x 1 by 1
    accepted #3 leaves 1
    > buy 1 x 1 by 1
    accepted #4 leaves 1
    book: buy 1 x 1 by 1 ; sell 300 x 1 by 1
    """)


def test_without_a_reference_no_price_is_too_far(play):
    play("""
    instrument: price_reach_ppm=50000
    > sell 100 x 1 by 1
    accepted #1 leaves 1
    > buy 1 x 1 by 2
    accepted #2 leaves 1
    > buy 100 x 1 by 2 -- now there is one
    accepted #3 leaves 0 ; trade 100 x 1 book #1 leaves 0
    > buy 1 x 1 by 2
    rejected price too far
    book: buy 1 x 1 by 2
    """)


def test_the_anchor_is_the_reference_while_it_quotes_and_the_last_trade_otherwise(play):
    play("""
    instrument: price_reach_ppm=50000
    trade: 100
    curve: pmm depth=0
    anchor: 199..202
    > buy 189 x 1 by 1 -- the middle is 200, rounded down
    rejected price too far
    > buy 190 x 1 by 1
    accepted #3 leaves 1
    > sell 211 x 1 by 1
    rejected price too far
    > withdraw curve
    curve withdrawn net 0 cash 1000000000
    > sell 210 x 1 by 1
    rejected price too far
    > sell 105 x 1 by 1 -- what is the book's own best bid does not count
    accepted #4 leaves 0 ; trade 190 x 1 book #3 leaves 0
    book: empty
    """)


def test_a_reference_that_moves_leaves_resting_orders_alone(play):
    play("""
    instrument: price_reach_ppm=50000
    trade: 100
    book: buy 95 x 5 by 1 ; sell 105 x 1 by 2
    > buy 105 x 1 by 3
    accepted #5 leaves 0 ; trade 105 x 1 book #4 leaves 0
    > buy 95 x 1 by 1 -- would not be let in any more
    rejected price too far
    > amend #3 x 4 by 1 -- names no price
    amended #3 kept 95 x 4 leaves 4
    > amend #3 x 6 by 1
    amended #3 lost 95 x 6 leaves 6
    > amend #3 to 96 by 1
    rejected price too far
    > reduce #3 x 1 by 1
    amended #3 kept 95 x 5 leaves 5
    > amend #3 to 100 by 1
    amended #3 lost 100 x 5 leaves 5
    book: buy 100 x 5 by 1
    """)


def test_a_market_order_names_no_price(play):
    play("""
    instrument: price_reach_ppm=10000 collar_ppm=50000
    trade: 100
    book: sell 101 x 1 by 1
    > buy market x 1 by 2 ioc
    accepted #4 leaves 0 ; trade 101 x 1 book #3 leaves 0
    > buy market x 1 by 2 ioc stop 150 -- nor does a stop's trigger count
    accepted #5 leaves 1 armed
    book: buy market x 1 by 2 armed 150
    """)


def test_a_stop_is_measured_by_its_limit_and_a_peg_by_its_worst_price(play):
    play("""
    instrument: price_reach_ppm=50000
    trade: 100
    > buy 106 x 1 by 1 stop 104
    rejected price too far
    > buy 105 x 1 by 1 stop 150
    accepted #3 leaves 1 armed
    > buy 106 x 1 by 1 peg primary
    rejected price too far
    > buy 105 x 1 by 1 peg primary
    accepted #4 leaves 1 parked
    book: buy 105 x 1 by 1 armed 150 ; buy 105 x 1 by 1 parked
    """)


def test_it_holds_where_orders_gather(play):
    play("""
    instrument: price_reach_ppm=50000 max_order_lots=5
    trade: 100
    state: auction
    > buy 106 x 1 by 1
    rejected price too far
    > buy 105 x 6 by 1
    rejected order too large
    > buy 105 x 5 by 1
    accepted #3 leaves 5
    book: buy 105 x 5 by 1
    """)


# --- amendments and quotes ----------------------------------------------------------------------


def test_an_amendment_is_measured_by_the_total_it_asks_for(play):
    play("""
    instrument: max_order_lots=5 max_order_notional=500
    book: buy 100 x 4 by 1
    > sell 100 x 3 by 2
    accepted #2 leaves 0 ; trade 100 x 3 book #1 leaves 1
    > amend #1 x 6 by 1 -- three would be left, but the order would be six
    rejected order too large
    > amend #1 to 101 x 5 by 1
    rejected notional too large
    > amend #1 to 126 by 1
    rejected notional too large
    > amend #1 x 5 by 1
    amended #1 lost 100 x 5 leaves 2
    book: buy 100 x 2 by 1
    """)


def test_an_order_from_before_a_smaller_limit_can_be_reduced_and_still_trades(play):
    play("""
    account: 1 max_order_lots=9
    trade: 100
    book: buy 90 x 9 by 1 ; buy 110 x 9 by 1 stop 105 ; sell 105 x 1 by 2 ; sell 106 x 9 by 2
    > account 1 max_order_lots=2
    account 1 max_order_lots=2
    > amend #3 x 8 by 1 -- limits hold as at entry
    rejected order too large
    > reduce #3 x 1 by 1
    amended #3 kept 90 x 8 leaves 8
    > amend #3 x 2 by 1
    amended #3 kept 90 x 2 leaves 2
    > buy 105 x 1 by 3
    accepted #7 leaves 0 ; trade 105 x 1 book #5 leaves 0 ; triggered #4 110 x 9 leaves 0
    ; trade 106 x 9 book #6 leaves 0
    book: buy 90 x 2 by 1
    """)


@pytest.mark.parametrize(
    ("quote", "code"),
    [
        ("bid 95 x 6 ask 105 x 1", "order too large"),
        ("bid 95 x 1 ask 105 x 6", "order too large"),
        ("bid 95 x 5 ask 105 x 5", "notional too large"),
        ("bid 94 x 1 ask 105 x 1", "price too far"),
        ("bid 95 x 1 ask 106 x 1", "price too far"),
        ("ask 106 x 1", "price too far"),
    ],
)
def test_a_quote_changes_neither_side_when_one_is_beyond_a_limit(play, quote, code):
    play(f"""
    instrument: max_order_lots=5 max_order_notional=500 price_reach_ppm=50000
    trade: 100
    > quote 1 bid 98 x 2 ask 102 x 2
    accepted #3 leaves 2 ; accepted #4 leaves 2 ; quoted 1 slot 0 bid #3 ask #4
    > quote 1 {quote}
    rejected {code}
    book: buy 98 x 2 by 1 ; sell 102 x 2 by 1
    """)
