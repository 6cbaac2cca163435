"""Market orders are protected: limit = reference +/- collar, rounded towards the reference."""

import pytest

from parbook.instrument import Instrument
from parbook.messages import Accepted, NewOrder
from parbook.units import PRICE_TICKS_MAX


def test_refused_without_a_reference(play):
    play("""
    book: sell 100 x 1 by 1
    > buy market x 1 by 2 ioc
    rejected no reference price
    book: sell 100 x 1 by 1
    """)


def test_the_last_trade_is_the_reference_when_no_anchor_is_active(play):
    play("""
    instrument: collar_ppm=100000
    book: sell 100 x 1 by 1
    > buy 100 x 1 by 2
    accepted #2 leaves 0 ; trade 100 x 1 book #1 leaves 0
    > sell 110 x 1 by 1
    accepted #3 leaves 1
    > sell 111 x 1 by 1
    accepted #4 leaves 1
    > buy market x 2 by 2 ioc -- reaches 110, not 111
    accepted #5 leaves 0 ; trade 110 x 1 book #3 leaves 0 ; cancelled #5 x 1 remainder
    book: sell 111 x 1 by 1
    """)


def test_the_anchor_outranks_the_last_trade(play):
    play("""
    instrument: collar_ppm=100000
    book: sell 50 x 1 by 1
    > buy 50 x 1 by 2
    accepted #2 leaves 0 ; trade 50 x 1 book #1 leaves 0
    > set pmm depth=0 base=1
    curve set pmm cash 1000000000
    > anchor 100..100
    proposed 100..100 for 0 ; anchor 100..100 net 0 cash 1000000000
    > buy 89 x 1 by 1
    accepted #3 leaves 1
    > buy 90 x 1 by 1
    accepted #4 leaves 1
    > sell market x 2 by 2 ioc -- down to 90
    accepted #5 leaves 0 ; trade 90 x 1 book #4 leaves 0 ; cancelled #5 x 1 remainder
    > withdraw curve
    curve withdrawn net 0 cash 1000000000
    > sell market x 1 by 2 ioc -- around the last trade at 90: down to 81
    accepted #6 leaves 0 ; trade 89 x 1 book #3 leaves 0
    book: empty
    """)


def test_the_reference_is_the_middle_of_two_anchors_rounded_down(play):
    play("""
    instrument: collar_ppm=0
    book: sell 101 x 1 by 1 ; sell 102 x 1 by 1
    curve: pmm depth=0 base=1
    anchor: 100..103
    > buy market x 2 by 2 ioc -- (100 + 103) // 2 = 101
    accepted #3 leaves 0 ; trade 101 x 1 book #1 leaves 0 ; cancelled #3 x 1 remainder
    book: sell 102 x 1 by 1
    """)


@pytest.mark.parametrize(
    ("reference", "collar", "buy_limit", "sell_limit"),
    [
        (100, 50_000, 105, 95),
        (99, 50_000, 103, 95),  # 4.95 becomes 4 on either side
        (19, 50_000, 19, 19),
        (100, 0, 100, 100),
        (100, 1_000_000, 200, 1),
        (999_999, 999_999, 1_999_997, 1),
        (2**41 - 1, 999_999, 2**41 - 1 + (2**41 - 1) * 999_999 // 10**6, (2**41 - 1) - (2**41 - 1) * 999_999 // 10**6),
    ],
)
def test_protected_limit(market_class, reference, collar, buy_limit, sell_limit):
    market = market_class(Instrument(symbol="TEST", collar_ppm=collar))
    market.place(1, 1, 1, reference)
    market.place(1, 0, 1, reference)
    limits = [market.apply(NewOrder(account=1, side=s, qty_lots=1, order_type=1, tif=1))[0] for s in (0, 1)]
    assert [event.price_ticks for event in limits] == [buy_limit, sell_limit]


def test_protected_limit_stays_a_valid_price(market_class):
    market = market_class(Instrument(symbol="TEST", collar_ppm=10**6))
    market.place(1, 1, 1, PRICE_TICKS_MAX)
    market.place(1, 0, 1, PRICE_TICKS_MAX)
    for side, limit in ((0, PRICE_TICKS_MAX), (1, 1)):
        (accepted, _) = market.apply(NewOrder(account=1, side=side, qty_lots=1, order_type=1, tif=1))
        assert isinstance(accepted, Accepted)
        assert accepted.price_ticks == limit


def test_fill_or_kill_within_the_collar(play):
    play("""
    instrument: collar_ppm=10000
    book: sell 101 x 2 by 1 ; sell 102 x 2 by 1
    curve: pmm depth=0 base=1
    anchor: 100..100
    > buy market x 3 by 2 fok
    rejected fok unfillable
    > buy market x 2 by 2 fok
    accepted #3 leaves 0 ; trade 101 x 2 book #1 leaves 0
    book: sell 102 x 2 by 1
    """)


def test_its_own_price_field_is_ignored(market_class):
    market = market_class(Instrument(symbol="TEST"))
    market.place(1, 1, 1, 100)
    market.place(1, 0, 1, 100)
    for price in (-5, 0, 7, 2**63 - 1):
        assert market.place(1, 0, 1, price, order_type=1, tif=1).ok
