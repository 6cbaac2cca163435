"""Fat-finger limits: lots, ticks x lots and distance of one order; refused before anything happens."""

import pytest

# --- lots and notional --------------------------------------------------------------------------


def test_too_many_lots(play):
    play("""
    instrument: max_order_lots=10
    > buy 100 x 11 by 1
    rejected order too large
    > buy 100 x 10 by 1
    accepted #1 leaves 10
    > quote 2 ask 105 x 11
    rejected order too large
    > sell 90 x 11 by 2 ioc
    rejected order too large
    book: buy 100 x 10 by 1
    """)


def test_too_many_ticks_times_lots(play):
    play("""
    instrument: max_order_notional=1000
    > buy 100 x 11 by 1
    rejected notional too large
    > buy 101 x 10 by 1
    rejected notional too large
    > buy 100 x 10 by 1
    accepted #1 leaves 10
    > quote 2 bid 90 x 1 ask 101 x 10
    rejected notional too large
    book: buy 100 x 10 by 1
    """)


def test_a_market_order_counts_at_its_protected_limit(play):
    # Five per cent above 100: nine lots are 945, ten are 1050. A sale counts at 95.
    play("""
    instrument: max_order_notional=1000
    trade: 100
    book: sell 100 x 10 by 2
    > buy market x 10 by 1 ioc
    rejected notional too large
    > buy market x 9 by 1 ioc
    accepted #4 leaves 0 ; trade 100 x 9 book #3 leaves 1
    > sell market x 11 by 3 ioc
    rejected notional too large
    > sell market x 10 by 3 ioc
    accepted #5 leaves 0 ; cancelled #5 x 10 remainder
    book: sell 100 x 1 by 2
    """)


@pytest.mark.parametrize(
    ("field", "code"), [("max_order_lots=10", "order too large"), ("max_order_notional=1000", "notional too large")]
)
def test_an_account_has_limits_of_its_own(play, field, code):
    play(f"""
    account: 1 {field}
    > buy 100 x 11 by 1
    rejected {code}
    > buy 100 x 11 by 2
    accepted #1 leaves 11
    > buy 100 x 10 by 1
    accepted #2 leaves 10
    book: buy 100 x 11 by 2 ; buy 100 x 10 by 1
    """)


def test_the_tighter_of_both_binds(play):
    play("""
    instrument: max_order_lots=10
    account: 1 max_order_lots=20 ; 2 max_order_lots=5
    > buy 100 x 11 by 1
    rejected order too large
    > buy 100 x 6 by 2
    rejected order too large
    > buy 100 x 5 by 2
    accepted #1 leaves 5
    book: buy 100 x 5 by 2
    """)


def test_lots_come_before_notional_and_both_before_distance(play):
    play("""
    instrument: max_order_lots=10 max_order_notional=500 price_reach_ppm=100000
    trade: 100
    > buy 111 x 11 by 1
    rejected order too large
    > buy 111 x 10 by 1
    rejected notional too large
    > buy 111 x 4 by 1
    rejected price too far
    > buy 110 x 4 by 1
    accepted #3 leaves 4
    book: buy 110 x 4 by 1
    """)


def test_an_amendment_counts_its_new_total(play):
    play("""
    instrument: max_order_lots=10 max_order_notional=1000
    book: buy 100 x 8 by 1
    > sell 100 x 3 by 2
    accepted #2 leaves 0 ; trade 100 x 3 book #1 leaves 5
    > amend #1 x 11 by 1
    rejected order too large
    > amend #1 to 101 x 10 by 1
    rejected notional too large
    > amend #1 x 10 by 1
    amended #1 lost 100 x 10 leaves 7
    book: buy 100 x 7 by 1
    """)


def test_an_order_that_waits_is_tested_when_it_is_entered(play):
    play("""
    instrument: max_order_lots=10
    trade: 100
    > buy 110 x 11 by 1 stop 105
    rejected order too large
    > sell 110 x 11 by 1 show 1
    rejected order too large
    > buy 100 x 11 by 1 peg primary
    rejected order too large
    book: empty
    """)


def test_a_limit_that_comes_later_leaves_old_orders_alone(play):
    play("""
    book: buy 100 x 8 by 1
    > account 1 max_order_lots=5
    account 1 max_order_lots=5
    > reduce #1 x 1 by 1
    amended #1 kept 100 x 7 leaves 7
    > sell 100 x 6 by 2
    accepted #2 leaves 0 ; trade 100 x 6 book #1 leaves 1
    book: buy 100 x 1 by 1
    """)


# --- distance -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "refused"), [(90, False), (89, True), (110, False), (111, True), (100, False), (1, True)]
)
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_price_too_far_from_the_last_trade_either_way(play, side, price, refused):
    answer = "rejected price too far" if refused else "accepted #3 leaves 1"
    play(f"""
    instrument: price_reach_ppm=100000
    trade: 100
    > {side} {price} x 1 by 1
    {answer}
    book: {"empty" if refused else f"{side} {price} x 1 by 1"}
    """)


def test_the_distance_is_exact_and_not_of_a_rounded_reach(play):
    # 1.5 per cent of 199 are 2.985: two ticks are inside, three are not. Of 200 they are three, both ends included.
    play("""
    instrument: price_reach_ppm=15000
    trade: 199
    > buy 196 x 1 by 1
    rejected price too far
    > buy 197 x 1 by 1
    accepted #3 leaves 1
    > sell 200 x 1 by 1
    accepted #4 leaves 1
    > buy 200 x 1 by 2
    accepted #5 leaves 0 ; trade 200 x 1 book #4 leaves 0
    > sell 203 x 1 by 1
    accepted #6 leaves 1
    > sell 204 x 1 by 1
    rejected price too far
    book: buy 197 x 1 by 1 ; sell 203 x 1 by 1
    """)


def test_without_a_reference_every_price_is_near(play):
    play("""
    instrument: price_reach_ppm=1
    > buy 5 x 1 by 1
    accepted #1 leaves 1
    > sell 500 x 1 by 1
    accepted #2 leaves 1
    book: buy 5 x 1 by 1 ; sell 500 x 1 by 1
    """)


def test_the_anchor_comes_before_the_last_trade(play):
    play("""
    instrument: price_reach_ppm=100000
    trade: 100
    curve: linear depth=1 drop=1
    > anchor 199..202
    proposed 199..202 for 0 ; anchor 199..202 net 0 cash 1000000000
    > buy 100 x 1 by 1
    rejected price too far
    > buy 180 x 1 by 1
    accepted #3 leaves 1
    > withdraw curve
    curve withdrawn net 0 cash 1000000000
    > buy 180 x 1 by 1
    rejected price too far
    book: buy 180 x 1 by 1
    """)


def test_amendments_and_quotes_are_measured_too(play):
    # An amendment that names no price asks nothing of the one it has.
    play("""
    instrument: price_reach_ppm=100000
    book: buy 80 x 2 by 1
    trade: 100
    > amend #1 x 3 by 1
    amended #1 lost 80 x 3 leaves 3
    > amend #1 to 81 by 1
    rejected price too far
    > amend #1 to 90 by 1
    amended #1 lost 90 x 3 leaves 3
    > quote 2 bid 91 x 1 ask 111 x 1
    rejected price too far
    > quote 2 bid 89 x 1 ask 110 x 1
    rejected price too far
    > quote 2 bid 91 x 1 ask 110 x 1
    accepted #4 leaves 1 ; accepted #5 leaves 1 ; quoted 2 slot 0 bid #4 ask #5
    book: buy 91 x 1 by 2 ; buy 90 x 3 by 1 ; sell 110 x 1 by 2
    """)


def test_it_is_measured_before_matching_and_for_every_state(play):
    play("""
    instrument: price_reach_ppm=100000
    trade: 100
    book: sell 100 x 5 by 2
    > buy 111 x 1 by 1 fok
    rejected price too far
    > state auction
    state auction from continuous
    > buy 111 x 1 by 1
    rejected price too far
    > buy 110 x 1 by 1
    accepted #4 leaves 1 ; indicative 100 x 1 surplus -4
    book: buy 110 x 1 by 1 ; sell 100 x 5 by 2
    """)


# --- every kind of order -------------------------------------------------------------------------


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
