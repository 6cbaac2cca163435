"""Everything has a limit and says it: the largest accepted value, and one more."""

import pytest

from parbook.codes import RejectCode
from parbook.instrument import Instrument
from parbook.units import ACCOUNT_MAX, CLIENT_ID_MAX, NOTIONAL_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX


def test_greatest_price_and_quantity(play):
    play(f"""
    > sell {PRICE_TICKS_MAX} x 8 by 1
    accepted #1 leaves 8
    > sell {PRICE_TICKS_MAX + 1} x 1 by 1
    rejected price out of range
    > buy 1 x {QTY_LOTS_MAX} by 1
    accepted #2 leaves {QTY_LOTS_MAX}
    > buy 1 x {QTY_LOTS_MAX + 1} by 1
    rejected qty out of range
    > buy {PRICE_TICKS_MAX} x 8 by 2
    accepted #3 leaves 0 ; trade {PRICE_TICKS_MAX} x 8 book #1 leaves 0
    > sell 1 x {QTY_LOTS_MAX} by 2
    accepted #4 leaves 0 ; trade 1 x {QTY_LOTS_MAX} book #2 leaves 0
    book: empty
    """)


def test_greatest_ids(market):
    assert market.place(ACCOUNT_MAX, 0, 1, 1, client_id=CLIENT_ID_MAX).ok
    assert market.order(1).client_id == CLIENT_ID_MAX
    assert market.cancel(ACCOUNT_MAX, client_id=CLIENT_ID_MAX) == 0


# 2**63 - 1 = 7**2 * 73 * 127 * 337 * 92737 * 649657: it can be reached exactly.
FACTOR = 7 * 7 * 73 * 127 * 337
assert NOTIONAL_MAX % FACTOR == 0
assert NOTIONAL_MAX // FACTOR <= PRICE_TICKS_MAX


def test_notional_of_exactly_63_bits(market):
    price = NOTIONAL_MAX // FACTOR
    assert price * FACTOR == NOTIONAL_MAX
    assert market.place(1, 1, FACTOR, price).ok
    filled = market.place(2, 0, FACTOR, price)
    assert (filled.filled_lots, filled.notional) == (FACTOR, NOTIONAL_MAX)
    assert market.place(1, 1, FACTOR, price + 1).code == RejectCode.NOTIONAL_OVERFLOW
    assert market.place(1, 1, FACTOR + 1, price).code == RejectCode.NOTIONAL_OVERFLOW


@pytest.mark.parametrize("lots_exponent", [3, 10, 25, 37])
def test_one_above_63_bits(market, lots_exponent):
    price, lots = 2 ** (63 - lots_exponent), 2**lots_exponent
    assert price * lots == NOTIONAL_MAX + 1
    if price <= PRICE_TICKS_MAX:
        assert market.place(1, 1, lots, price).code == RejectCode.NOTIONAL_OVERFLOW
    assert market.place(1, 1, lots, min(price - 1, PRICE_TICKS_MAX)).ok
    assert market.place(1, 1, lots - 1, min(price, PRICE_TICKS_MAX)).ok


def test_notional_of_a_market_order_counts_at_its_protected_limit(play):
    play(f"""
    instrument: collar_ppm=1000000
    book: sell {2**58} x 1 by 1
    > buy {2**58} x 1 by 2
    accepted #2 leaves 0 ; trade {2**58} x 1 book #1 leaves 0
    > buy market x 16 by 2 ioc -- 16 x 2**59
    rejected notional overflow
    > buy market x 15 by 2 ioc
    accepted #3 leaves 0 ; cancelled #3 x 15 remainder
    > sell market x {QTY_LOTS_MAX} by 2 ioc -- its limit is 1
    accepted #4 leaves 0 ; cancelled #4 x {QTY_LOTS_MAX} remainder
    book: empty
    """)


def test_a_sum_of_fills_beyond_64_bits_is_exact(market):
    price = PRICE_TICKS_MAX
    for _ in range(40):
        assert market.place(1, 1, 8, price - 1).ok
    bought = sum(market.place(2, 0, 8, price).notional for _ in range(40))
    assert bought == 320 * (price - 1)


def test_one_taker_order_never_trades_more_than_its_own_notional(market):
    for _ in range(4):
        market.place(1, 1, 2, PRICE_TICKS_MAX)
    placed = market.place(2, 0, 8, PRICE_TICKS_MAX)
    assert placed.notional == 8 * PRICE_TICKS_MAX <= NOTIONAL_MAX


def test_a_seller_may_receive_more_than_63_bits(market):
    # Its limit is 1, so its notional is small; what the bids pay is not. 64 bits would wrap here.
    for _ in range(3):
        assert market.place(1, 0, 8, PRICE_TICKS_MAX).ok
    placed = market.place(2, 1, 24, 1)
    assert placed.notional == 24 * PRICE_TICKS_MAX > 2**64


def test_book_full_counts_resting_orders_only(play):
    play("""
    instrument: max_orders=2
    book: buy 99 x 1 by 1 ; sell 101 x 1 by 2
    > buy 98 x 1 by 3
    rejected book full
    > buy 101 x 1 by 3 -- would fill at once; still refused, before it is matched
    rejected book full
    > buy 101 x 1 by 3 ioc
    accepted #3 leaves 0 ; trade 101 x 1 book #2 leaves 0
    > sell 99 x 2 by 3
    accepted #4 leaves 1 ; trade 99 x 1 book #1 leaves 0
    > sell 99 x 2 by 3
    accepted #5 leaves 2
    > sell 99 x 2 by 3
    rejected book full
    book: sell 99 x 1 by 3 ; sell 99 x 2 by 3
    """)


def test_sixteen_anchors_may_wait(play):
    rows = "\n".join(f"> anchor {100 + i}..{100 + i}\nproposed {100 + i}..{100 + i} for 10" for i in range(16))
    play(f"""
    curve: pmm depth=4 delay=10
    {rows}
    > anchor 100..100
    rejected anchor queue full
    > anchor 150..150 at 10 -- those that are due make room
    {" ; ".join(f"anchor {100 + i}..{100 + i} net 0 cash 1000000000" for i in range(16))} ; proposed 150..150 for 20
    curve: net 0 cash 1000000000
    """)


def test_a_long_queue_of_levels_at_the_ends_of_the_price_domain(market_class):
    market = market_class(Instrument(symbol="TEST"))
    prices = [1, 2, 63, 64, 65, 4095, 4096, 2**41, 2**59, PRICE_TICKS_MAX - 1, PRICE_TICKS_MAX]
    for price in prices[::2] + prices[1::2]:
        assert market.place(1, 1, 1, price).ok
    market.check()
    for price in prices:
        assert market.best_ask_ticks == price
        assert market.place(2, 0, 1, PRICE_TICKS_MAX, tif=1).notional == price
    market.check()
    assert market.open_orders == 0


def test_an_iceberg_of_a_thousand_slices_at_most(play):
    play("""
    > sell 100 x 2001 by 1 show 2
    rejected display out of range
    > sell 100 x 2000 by 1 show 2
    accepted #1 leaves 2000 iceberg ; shown #1 x 2 of 2000
    > amend #1 x 2001 by 1
    rejected display out of range
    > amend #1 show 1 by 1
    rejected display out of range
    > amend #1 x 2001 show 3 by 1
    amended #1 lost 100 x 2001 leaves 2001 ; shown #1 x 3 of 2001
    book: sell 100 x 2001 by 1 show 3
    """)


@pytest.mark.parametrize(("side", "at", "beyond"), [("buy", 110, 111), ("buy", 90, 89), ("sell", 110, 111)])
def test_a_price_exactly_at_the_reach_is_near_enough(play, side, at, beyond):
    play(f"""
    instrument: price_reach_ppm=100000
    trade: 100
    > {side} {beyond} x 1 by 1
    rejected price too far
    > {side} {at} x 1 by 1
    accepted #3 leaves 1
    > amend #3 to {beyond} by 1
    rejected price too far
    book: {side} {at} x 1 by 1
    """)


def test_a_total_amended_after_fills_grows_by_its_difference_alone(play):
    play("""
    account: 7 max_long_lots=10
    book: buy 100 x 10 by 7
    > sell 100 x 4 by 1
    accepted #2 leaves 0 ; trade 100 x 4 book #1 leaves 6
    > amend #1 to 101 x 11 by 7
    rejected position limit
    > amend #1 to 101 x 10 by 7
    amended #1 lost 101 x 10 leaves 6
    book: buy 101 x 6 by 7
    """)


def test_the_part_of_a_token_that_time_has_filled_is_kept(play):
    play("""
    account: 7 rate_per_second=1 rate_burst=2
    > buy 99 x 1 by 7
    accepted #1 leaves 1
    > buy 99 x 1 by 7
    accepted #2 leaves 1
    > buy 99 x 1 by 7 at 1500000000
    accepted #3 leaves 1
    > buy 99 x 1 by 7 at 1999999999
    rejected rate limited
    > buy 99 x 1 by 7 at 2000000000
    accepted #4 leaves 1
    > buy 99 x 1 by 7
    rejected rate limited
    book: buy 99 x 1 by 7 ; buy 99 x 1 by 7 ; buy 99 x 1 by 7 ; buy 99 x 1 by 7
    """)


@pytest.mark.parametrize("setting", ["rate_per_second=1", "rate_burst=1"])
def test_a_new_rate_or_burst_begins_with_a_full_bucket(play, setting):
    play(f"""
    account: 7 rate_per_second=1
    > buy 99 x 1 by 7
    accepted #1 leaves 1
    > buy 99 x 1 by 7
    rejected rate limited
    > account 7 {setting}
    account 7 {setting}
    > buy 99 x 1 by 7
    accepted #2 leaves 1
    book: buy 99 x 1 by 7 ; buy 99 x 1 by 7
    """)
