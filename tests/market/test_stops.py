"""Stops: they wait outside the book until a print or an anchor reaches their trigger, then enter as new orders."""

import pytest

PRICE_TICKS_MAX = 2**60 - 1


def test_a_buy_stop_waits_and_then_takes_up_to_its_limit(play):
    play("""
    trade: 100
    book: sell 105 x 2 by 1 ; sell 106 x 5 by 2
    > buy 107 x 4 by 3 stop 105
    accepted #5 leaves 4 armed
    book: sell 105 x 2 by 1 ; sell 106 x 5 by 2 ; buy 107 x 4 by 3 armed 105
    > buy 105 x 1 by 4
    accepted #6 leaves 0 ; trade 105 x 1 book #3 leaves 1 ; triggered #5 107 x 4 leaves 0
    ; trade 105 x 1 book #3 leaves 0 ; trade 106 x 3 book #4 leaves 2
    book: sell 106 x 2 by 2
    """)


def test_a_sell_stop_is_the_mirror_and_its_remainder_rests(play):
    play("""
    trade: 100
    book: buy 95 x 2 by 1 ; buy 94 x 1 by 2
    > sell 94 x 4 by 3 stop 95
    accepted #5 leaves 4 armed
    > sell 95 x 1 by 4
    accepted #6 leaves 0 ; trade 95 x 1 book #3 leaves 1 ; triggered #5 94 x 4 leaves 2
    ; trade 95 x 1 book #3 leaves 0 ; trade 94 x 1 book #4 leaves 0
    book: sell 94 x 2 by 3
    """)


def test_only_a_print_elects_not_a_price_somebody_shows(play):
    play("""
    trade: 100
    > buy 110 x 1 by 1 stop 105
    accepted #3 leaves 1 armed
    > buy 108 x 1 by 2
    accepted #4 leaves 1
    > sell 109 x 1 by 3
    accepted #5 leaves 1
    book: buy 108 x 1 by 2 ; sell 109 x 1 by 3 ; buy 110 x 1 by 1 armed 105
    """)


def test_at_the_trigger_and_not_a_tick_before_it(play):
    play("""
    trade: 100
    book: sell 104 x 1 by 1 ; sell 105 x 1 by 1 ; buy 96 x 1 by 1 ; buy 95 x 1 by 1
    > buy 103 x 1 by 2 stop 105
    accepted #7 leaves 1 armed
    > sell 97 x 1 by 3 stop 95
    accepted #8 leaves 1 armed
    > buy 104 x 1 by 9
    accepted #9 leaves 0 ; trade 104 x 1 book #3 leaves 0
    > sell 96 x 1 by 9
    accepted #10 leaves 0 ; trade 96 x 1 book #5 leaves 0
    > buy 105 x 1 by 9
    accepted #11 leaves 0 ; trade 105 x 1 book #4 leaves 0 ; triggered #7 103 x 1 leaves 1
    > sell 95 x 1 by 9 -- it meets the triggered buy at 103, which elects nobody
    accepted #12 leaves 0 ; trade 103 x 1 book #7 leaves 0
    > sell 95 x 1 by 9
    accepted #13 leaves 0 ; trade 95 x 1 book #6 leaves 0 ; triggered #8 97 x 1 leaves 1
    book: sell 97 x 1 by 3
    """)


@pytest.mark.parametrize(
    ("side", "limit", "reached", "waits"), [("buy", 110, (1, 99, 100), 101), ("sell", 90, (100, 101), 99)]
)
def test_a_stop_that_is_reached_already_is_refused(play, side, limit, reached, waits):
    refusals = "\n".join(f"> {side} {limit} x 1 by 1 stop {stop}\nrejected stop through" for stop in reached)
    play(f"""
    trade: 100
    {refusals}
    > {side} {limit} x 1 by 1 stop {waits}
    accepted #3 leaves 1 armed
    book: {side} {limit} x 1 by 1 armed {waits}
    """)


def test_before_the_first_trade_nothing_is_reached(play):
    play("""
    book: sell 60 x 1 by 9 ; buy 40 x 1 by 9
    > buy 110 x 1 by 1 stop 50
    accepted #3 leaves 1 armed
    > sell 10 x 1 by 1 stop 50
    accepted #4 leaves 1 armed
    book: buy 40 x 1 by 9 ; sell 60 x 1 by 9 ; sell 10 x 1 by 1 armed 50 ; buy 110 x 1 by 1 armed 50
    """)


def test_a_market_may_trigger_such_a_stop_at_once(play):
    play("""
    instrument: stop_through_triggers=true
    trade: 100
    book: buy 99 x 1 by 1 ; sell 102 x 3 by 1
    > sell 99 x 3 by 2 stop 100
    accepted #5 leaves 3 elected ; triggered #5 99 x 3 leaves 2 ; trade 99 x 1 book #3 leaves 0
    > buy 103 x 1 by 2 stop 99 -- the last trade is at 99 now, and 99 is asked for in the book
    accepted #6 leaves 1 elected ; triggered #6 103 x 1 leaves 0 ; trade 99 x 1 book #5 leaves 1
    book: sell 99 x 1 by 2 ; sell 102 x 3 by 1
    """)


def test_a_market_stop_is_protected_from_the_price_that_triggered_it(play):
    play("""
    trade: 100
    book: buy 90 x 1 by 1 ; buy 86 x 5 by 2 ; buy 85 x 5 by 2
    > sell market x 8 by 3 ioc stop 92
    accepted #6 leaves 8 armed
    > sell 90 x 1 by 4 -- 90 - 90 x 5 % = 86
    accepted #7 leaves 0 ; trade 90 x 1 book #3 leaves 0 ; triggered #6 86 x 8 leaves 0
    ; trade 86 x 5 book #4 leaves 0 ; cancelled #6 x 3 remainder
    book: buy 85 x 5 by 2
    """)


def test_a_market_stop_that_may_rest_rests_at_that_limit(play):
    play("""
    instrument: market_rests=true
    trade: 100
    book: sell 101 x 1 by 1 ; sell 108 x 5 by 2
    > buy market x 3 by 3 stop 101
    accepted #5 leaves 3 armed
    > buy 101 x 1 by 4 -- 101 + 5 = 106
    accepted #6 leaves 0 ; trade 101 x 1 book #3 leaves 0 ; triggered #5 106 x 3 leaves 3
    book: buy 106 x 3 by 3 ; sell 108 x 5 by 2
    """)


def test_immediate_and_all_or_nothing_are_judged_when_it_triggers(play):
    play("""
    trade: 100
    book: sell 105 x 1 by 1 ; sell 106 x 4 by 2
    > buy 106 x 6 by 3 stop 105 fok
    accepted #5 leaves 6 armed
    > buy 106 x 2 by 4 stop 105 fok
    accepted #6 leaves 2 armed
    > buy 106 x 5 by 5 stop 105 ioc
    accepted #7 leaves 5 armed
    > buy 105 x 1 by 9 -- one that cannot fill never enters
    accepted #8 leaves 0 ; trade 105 x 1 book #3 leaves 0 ; cancelled #5 x 6 remainder
    ; triggered #6 106 x 2 leaves 0 ; trade 106 x 2 book #4 leaves 2
    ; triggered #7 106 x 5 leaves 0 ; trade 106 x 2 book #4 leaves 0 ; cancelled #7 x 3 remainder
    book: empty
    """)


def test_an_anchor_elects_those_that_ask_for_it_and_no_others(play):
    play("""
    curve: pmm depth=4 base=6
    anchor: 100..100
    > buy 103 x 2 by 1 stop 105 on-anchor
    accepted #1 leaves 2 armed
    > buy 103 x 3 by 2 stop 107
    accepted #2 leaves 3 armed
    > buy 106 x 1 by 8
    accepted #3 leaves 1
    > sell 106 x 1 by 9
    accepted #4 leaves 0 ; trade 106 x 1 book #3 leaves 0
    > anchor 104..105 -- the middle is 104
    proposed 104..105 for 0 ; anchor 104..105 net 0 cash 1000000000
    > anchor 104..106
    proposed 104..106 for 0 ; anchor 104..106 net 0 cash 1000000000 ; triggered #1 103 x 2 leaves 2
    > anchor 110..110
    proposed 110..110 for 0 ; anchor 110..110 net 0 cash 1000000000
    book: buy 103 x 2 by 1 ; buy 103 x 3 by 2 armed 107
    """)


def test_reached_at_entry_by_the_anchor_while_it_quotes(play):
    play("""
    curve: pmm depth=4 base=6
    anchor: 100..101
    > sell 90 x 1 by 1 stop 100 on-anchor
    rejected stop through
    > sell 90 x 1 by 1 stop 100 -- nothing has traded
    accepted #1 leaves 1 armed
    > withdraw curve
    curve withdrawn net 0 cash 1000000000
    > sell 90 x 1 by 1 stop 100 on-anchor
    accepted #2 leaves 1 armed
    book: sell 90 x 1 by 1 armed 100 ; sell 90 x 1 by 1 armed 100
    """)


def test_a_print_of_the_curve_is_a_print(play):
    play("""
    curve: linear par=2 depth=20 drop=200000
    anchor: 100..100
    > sell 97 x 2 by 1 stop 99
    accepted #1 leaves 2 armed
    > sell 100 x 2 by 9
    accepted #2 leaves 0 ; trade 100 x 2 curve net 2
    > sell 99 x 1 by 9
    accepted #3 leaves 0 ; trade 99 x 1 curve net 3 ; triggered #1 97 x 2 leaves 0 ; trade 98 x 1 curve net 4
    ; trade 97 x 1 curve net 5
    book: empty
    """)


def test_its_self_trade_mode_survives_the_wait(play):
    play("""
    trade: 100
    book: sell 105 x 1 by 2 ; sell 106 x 5 by 1
    > buy 107 x 2 by 1 stop 105 stp cancel-newest
    accepted #5 leaves 2 armed
    > buy 105 x 1 by 3
    accepted #6 leaves 0 ; trade 105 x 1 book #3 leaves 0 ; triggered #5 107 x 2 leaves 0
    ; prevented cancel-newest 106 x 2 #4 leaves 5 ; cancelled #5 x 2 self trade
    book: sell 106 x 5 by 1
    """)


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ("110 x 5 by 1 stop -1", "stop out of range"),
        (f"110 x 5 by 1 stop {PRICE_TICKS_MAX + 1}", "stop out of range"),
        ("110 x 5 by 1 stop 105 post", "invalid terms"),
        ("110 x 5 by 1 stop 105 slide", "invalid terms"),
        ("110 x 5 by 1 stop 105 auction", "invalid terms"),
        ("110 x 5 by 1 stop 105 peg mid", "invalid terms"),
        ("110 x 5 by 1 on-anchor", "invalid terms"),
        ("market-to-limit x 5 by 1 stop 105", "invalid terms"),
        ("market x 5 by 1 stop 105", "invalid combination"),
    ],
)
def test_what_cannot_be_a_stop(play, order, code):
    play(f"""
    trade: 100
    > buy {order}
    rejected {code}
    book: empty
    """)


def test_it_is_reduced_and_cancelled_where_it_waits(play):
    play(f"""
    trade: 100
    > buy {PRICE_TICKS_MAX} x 5 by 1 stop {PRICE_TICKS_MAX} client 7
    accepted #3 leaves 5 armed
    > reduce client 7 x 2 by 1
    amended #3 kept {PRICE_TICKS_MAX} x 3 leaves 3
    > cancel #3 by 2
    rejected not owner
    > cancel #3 by 1
    cancelled #3 x 3 requested
    book: empty
    """)


def test_every_stop_that_waits_takes_room_even_an_immediate_one(play):
    play("""
    instrument: max_orders=2
    trade: 100
    book: sell 105 x 1 by 1
    > buy market x 5 by 2 ioc stop 105
    accepted #4 leaves 5 armed
    > buy market x 5 by 2 ioc stop 106
    rejected book full
    > buy 105 x 1 by 3 ioc -- this one cannot stay
    accepted #5 leaves 0 ; trade 105 x 1 book #3 leaves 0 ; triggered #4 110 x 5 leaves 0 ; cancelled #4 x 5 remainder
    > buy market x 5 by 2 ioc stop 106
    accepted #6 leaves 5 armed
    book: buy market x 5 by 2 armed 106
    """)


def test_a_market_stop_that_its_reference_has_grown_too_dear_for_leaves(play):
    play("""
    instrument: market_rests=true
    trade: 100
    book: buy market x 274877906943 by 1 gtc stop 101 ; sell 33554432 x 1 by 2
    > buy 33554432 x 1 by 3 -- 2**25 x 1.05 x (2**38 - 1) is more than 2**63 - 1
    accepted #5 leaves 0 ; trade 33554432 x 1 book #4 leaves 0 ; cancelled #3 x 274877906943 notional
    book: empty
    """)
