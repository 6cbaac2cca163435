"""Faults that other engines are known to have had, each shown to be absent here.

Those of special orders stand in `test_known_faults_special`. One is not a matter of this market at all: balances that a
fee turns negative. No money moves here; whoever keeps the ledger tests that.
"""

import pytest


def test_fok_that_prints_at_the_takers_price(play):
    play("""
    book: sell 100 x 1 by 1 ; sell 101 x 1 by 1
    > buy 110 x 2 by 2 fok
    accepted #3 leaves 0 ; trade 100 x 1 book #1 leaves 0 ; trade 101 x 1 book #2 leaves 0
    book: empty
    """)


def test_pre_check_that_counts_orders_instead_of_lots(play):
    play("""
    book: sell 100 x 1 by 1 ; sell 100 x 1 by 2 ; sell 100 x 1 by 3
    > buy 100 x 4 by 4 fok
    rejected fok unfillable
    > buy 100 x 3 by 4 fok
    accepted #4 leaves 0 ; trade 100 x 1 book #1 leaves 0 ; trade 100 x 1 book #2 leaves 0
    ; trade 100 x 1 book #3 leaves 0
    book: empty
    """)


def test_pre_check_that_counts_what_has_traded(play):
    play("""
    book: sell 100 x 5 by 1
    > buy 100 x 3 by 2
    accepted #2 leaves 0 ; trade 100 x 3 book #1 leaves 2
    > buy 100 x 3 by 2 fok
    rejected fok unfillable
    book: sell 100 x 2 by 1
    """)


def test_pre_check_that_ignores_the_curve_or_its_budget(play):
    play("""
    book: buy 99 x 1 by 1
    curve: pmm depth=4 base=6 budget=99
    anchor: 100..100
    > sell 99 x 3 by 2 fok
    rejected fok unfillable
    > sell 99 x 2 by 2 fok
    accepted #2 leaves 0 ; trade 99 x 1 book #1 leaves 0 ; trade 99 x 1 curve net 1
    book: empty
    """)


def test_duplicate_id_that_trades_first(play):
    play("""
    book: sell 100 x 5 by 9
    > buy 100 x 1 by 1 client 7
    accepted #2 leaves 0 ; trade 100 x 1 book #1 leaves 4
    > buy 100 x 1 by 1 client 7
    rejected duplicate client id
    book: sell 100 x 4 by 9
    """)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("to 101 x 3", "post only would trade"),
        ("x 274877906944", "qty out of range"),
        ("to 1152921504606846976", "price out of range"),
    ],
)
def test_replace_that_deletes_before_it_checks(play, change, code):
    play(f"""
    book: sell 101 x 9 by 9
    > buy 100 x 3 by 1 post client 5
    accepted #2 leaves 3
    > buy 100 x 3 by 2
    accepted #3 leaves 3
    > amend #2 {change} by 1
    rejected {code}
    > sell 100 x 4 by 3
    accepted #4 leaves 0 ; trade 100 x 3 book #2 leaves 0 ; trade 100 x 1 book #3 leaves 2
    book: buy 100 x 2 by 2 ; sell 101 x 9 by 9
    """)


def test_depth_wrong_after_replacing_a_partly_filled_order(play):
    market = play("""
    book: sell 100 x 9 by 1
    > buy 100 x 4 by 2
    accepted #2 leaves 0 ; trade 100 x 4 book #1 leaves 5
    > amend #1 to 102 x 8 by 1
    amended #1 lost 102 x 8 leaves 4
    book: sell 102 x 4 by 1
    """)
    assert market.depth(5).tolist() == [(1, 0, 1, 102, 4)]


def test_size_down_that_loses_priority(play):
    play("""
    book: buy 100 x 5 by 1 ; buy 100 x 5 by 2
    > amend #1 x 1 by 1
    amended #1 kept 100 x 1 leaves 1
    > sell 100 x 2 by 3
    accepted #3 leaves 0 ; trade 100 x 1 book #1 leaves 0 ; trade 100 x 1 book #2 leaves 4
    book: buy 100 x 4 by 2
    """)


def test_size_down_that_resurrects_what_has_traded(play):
    play("""
    book: buy 100 x 5 by 1
    > sell 100 x 4 by 2
    accepted #2 leaves 0 ; trade 100 x 4 book #1 leaves 1
    > amend #1 x 3 by 1
    cancelled #1 x 1 amended to filled
    book: empty
    """)


@pytest.mark.parametrize("order", ["100 x 5 by 2 ioc", "market x 5 by 2 ioc"])
def test_ioc_or_market_remainder_that_rests(play, order):
    play(f"""
    book: sell 100 x 1 by 1
    curve: pmm depth=0
    anchor: 100..100
    > buy {order}
    accepted #2 leaves 0 ; trade 100 x 1 book #1 leaves 0 ; cancelled #2 x 4 remainder
    book: empty
    """)


def test_level_cache_holding_a_dead_best_price(play):
    market = play("""
    book: buy 100 x 1 by 1 ; buy 99 x 1 by 1 ; buy 98 x 1 by 1
    > sell 100 x 1 by 2
    accepted #4 leaves 0 ; trade 100 x 1 book #1 leaves 0
    > cancel #2 by 1
    cancelled #2 x 1 requested
    > amend #3 to 97 by 1
    amended #3 lost 97 x 1 leaves 1
    > sell 98 x 1 by 2
    accepted #5 leaves 1
    > cancel #3 by 1
    cancelled #3 x 1 requested
    book: sell 98 x 1 by 2
    """)
    assert (market.best_bid_ticks, market.best_ask_ticks) == (0, 98)


@pytest.mark.parametrize("victim", [1, 2, 3, 4])
def test_cancel_in_a_queue_losing_those_behind(play, victim):
    left = [f"{i}" for i in range(1, 5) if i != victim]
    trades = " ; ".join(f"trade 100 x 1 book #{i} leaves 0" for i in left)
    play(f"""
    book: sell 100 x 1 by 1 ; sell 100 x 1 by 2 ; sell 100 x 1 by 3 ; sell 100 x 1 by 4
    > cancel #{victim} by {victim}
    cancelled #{victim} x 1 requested
    > buy 100 x 3 by 9 fok
    accepted #5 leaves 0 ; {trades}
    book: empty
    """)


def test_order_id_reuse_after_a_fill(play):
    # The filled order's id stays dead; the next order gets a new one even where memory is recycled.
    play("""
    book: sell 100 x 1 by 1
    > buy 100 x 1 by 2
    accepted #2 leaves 0 ; trade 100 x 1 book #1 leaves 0
    > sell 100 x 1 by 1
    accepted #3 leaves 1
    > cancel #1 by 1
    rejected unknown order
    > cancel #2 by 2
    rejected unknown order
    > amend #1 x 5 by 1
    rejected unknown order
    book: sell 100 x 1 by 1
    """)


def test_client_id_reuse_that_reaches_the_old_order(play):
    play("""
    instrument: client_id_window=0
    > sell 100 x 2 by 1 client 7
    accepted #1 leaves 2
    > buy 100 x 2 by 2
    accepted #2 leaves 0 ; trade 100 x 2 book #1 leaves 0
    > sell 105 x 3 by 1 client 7
    accepted #3 leaves 3
    > cancel client 7 by 1
    cancelled #3 x 3 requested
    book: empty
    """)


def test_a_refused_command_that_burns_an_order_id(play):
    play("""
    > buy 100 x 1 by 1 fok
    rejected fok unfillable
    > buy 100 x 1 by 1
    accepted #1 leaves 1
    book: buy 100 x 1 by 1
    """)
