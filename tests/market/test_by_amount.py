"""Market orders by amount: so many ticks x lots to spend, whole lots bought, the change named to the tick."""

import pytest

BOOK = """trade: 100
    book: sell 100 x 3 by 1 ; sell 102 x 9 by 1"""


def test_buys_whole_lots_until_no_other_can_be_paid(play):
    play(f"""
    {BOOK}
    > buy market x 99 by 2 ioc amount 510 -- 3 x 100, then 210 // 102 = 2
    accepted #5 leaves 0 ; trade 100 x 3 book #3 leaves 0 ; trade 102 x 2 book #4 leaves 7
    ; unspent #5 6 ; cancelled #5 x 94 remainder
    book: sell 102 x 7 by 1
    """)


@pytest.mark.parametrize(
    ("lots", "amount", "bought", "unspent", "rest"),
    [
        (99, 504, 2, 0, 94),  # all spent
        (99, 503, 1, 101, 95),  # a tick short of another lot
        (4, 1000, 1, 598, 0),  # all bought
        (4, 402, 1, 0, 0),  # both at once
    ],
)
def test_bounded_by_lots_and_by_amount(play, lots, amount, bought, unspent, rest):
    change = f"; unspent #5 {unspent}" if unspent else ""
    cancelled = f"; cancelled #5 x {rest} remainder" if rest else ""
    play(f"""
    {BOOK}
    > buy market x {lots} by 2 ioc amount {amount}
    accepted #5 leaves 0 ; trade 100 x 3 book #3 leaves 0 ; trade 102 x {bought} book #4 leaves {9 - bought}
    {change}
    {cancelled}
    book: sell 102 x {9 - bought} by 1
    """)


def test_an_amount_too_small_for_one_lot_comes_back_whole(play):
    play(f"""
    {BOOK}
    > buy market x 9 by 2 ioc amount 99
    accepted #5 leaves 0 ; unspent #5 99 ; cancelled #5 x 9 remainder
    > buy market x 9 by 2 ioc amount 100
    accepted #6 leaves 0 ; trade 100 x 1 book #3 leaves 2 ; cancelled #6 x 8 remainder
    book: sell 100 x 2 by 1 ; sell 102 x 9 by 1
    """)


def test_spends_nothing_beyond_the_protected_limit(play):
    play("""
    trade: 100
    book: sell 105 x 1 by 1 ; sell 106 x 9 by 1
    > buy market x 9 by 2 ioc amount 1000
    accepted #5 leaves 0 ; trade 105 x 1 book #3 leaves 0 ; unspent #5 895 ; cancelled #5 x 8 remainder
    book: sell 106 x 9 by 1
    """)


def test_spends_on_book_and_curve(play):
    play("""
    book: sell 101 x 2 by 1
    curve: pmm depth=4 base=6 min=-5
    anchor: 100..100
    > buy market x 9 by 2 ioc amount 450 -- 248 are left for the curve
    accepted #2 leaves 0 ; trade 101 x 2 book #1 leaves 0 ; trade 101 x 2 curve net -2 ; unspent #2 46
    ; cancelled #2 x 5 remainder
    curve: net -2 cash 1000000202
    """)


def test_spends_slice_by_slice(play):
    play("""
    trade: 100
    book: sell 100 x 4 by 1 show 1 ; sell 100 x 1 by 2 ; sell 100 x 9 by 3 hidden
    > buy market x 9 by 9 ioc amount 350
    accepted #6 leaves 0 ; trade 100 x 1 book #3 leaves 3 ; shown #3 x 1 of 3 ; trade 100 x 1 book #4 leaves 0
    ; trade 100 x 1 book #3 leaves 2 ; shown #3 x 1 of 2 ; unspent #6 50 ; cancelled #6 x 6 remainder
    book: sell 100 x 2 by 1 show 1 ; sell 100 x 9 by 3 hidden
    """)


def test_pro_rata_divides_what_can_be_paid(play):
    play("""
    instrument: allocation=pro-rata
    trade: 100
    book: sell 100 x 6 by 1 ; sell 100 x 3 by 2
    > buy market x 99 by 9 ioc amount 350 -- three lots: 3 x 6 / 9 and 3 x 3 / 9
    accepted #5 leaves 0 ; trade 100 x 2 book #3 leaves 4 ; trade 100 x 1 book #4 leaves 2 ; unspent #5 50
    ; cancelled #5 x 96 remainder
    book: sell 100 x 4 by 1 ; sell 100 x 2 by 2
    """)


def test_a_prevented_trade_costs_nothing(play):
    play("""
    trade: 100
    book: sell 100 x 2 by 2 ; sell 100 x 5 by 1
    > buy market x 9 by 2 ioc amount 300 stp cancel-oldest
    accepted #5 leaves 0 ; prevented cancel-oldest 100 x 2 #3 leaves 0 ; cancelled #3 x 2 self trade
    ; trade 100 x 3 book #4 leaves 2 ; cancelled #5 x 6 remainder
    book: sell 100 x 2 by 1
    """)


def test_a_minimum_is_counted_in_what_can_be_paid(play):
    play(f"""
    {BOOK}
    > buy market x 9 by 2 ioc amount 401 min 4
    rejected min qty unfillable
    > buy market x 9 by 2 ioc amount 402 min 4
    accepted #5 leaves 0 ; trade 100 x 3 book #3 leaves 0 ; trade 102 x 1 book #4 leaves 8 ; cancelled #5 x 5 remainder
    book: sell 102 x 8 by 1
    """)


def test_the_collar_is_breached_only_if_another_lot_could_be_paid(play):
    book = """instrument: static_band_ppm=10000
    trade: 100
    book: sell 101 x 2 by 1 ; sell 102 x 5 by 1"""
    play(f"""
    {book}
    > buy market x 9 by 2 ioc amount 303
    accepted #5 leaves 0 ; trade 101 x 2 book #3 leaves 0 ; unspent #5 101 ; cancelled #5 x 7 remainder
    book: sell 102 x 5 by 1
    """)
    play(f"""
    {book}
    > buy market x 9 by 2 ioc amount 304
    accepted #5 leaves 0 ; trade 101 x 2 book #3 leaves 0 ; breached #5 at 101 ; unspent #5 102
    ; cancelled #5 x 7 collar
    book: sell 102 x 5 by 1
    """)


def test_needs_a_reference(play):
    play("""
    book: sell 100 x 5 by 1
    > buy market x 5 by 2 ioc amount 500
    rejected no reference price
    book: sell 100 x 5 by 1
    """)


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ("buy market x 5 by 2 ioc amount -1", "amount out of range"),
        ("sell market x 5 by 2 ioc amount 500", "invalid terms"),
        ("buy market x 5 by 2 fok amount 500", "invalid terms"),
        ("buy market x 5 by 2 amount 500", "invalid terms"),
        ("buy market x 5 by 2 ioc stop 110 amount 500", "invalid terms"),
        ("buy market-to-limit x 5 by 2 amount 500", "invalid terms"),
        ("buy 100 x 5 by 2 ioc amount 500", "invalid terms"),
    ],
)
def test_what_cannot_be_by_amount(play, order, code):
    play(f"""
    instrument: market_rests=true
    trade: 100
    book: sell 101 x 5 by 1
    > {order}
    rejected {code}
    book: sell 101 x 5 by 1
    """)


def test_its_size_is_its_amount(play):
    play("""
    instrument: max_order_notional=1000
    trade: 100
    > buy market x 99 by 2 ioc amount 1001
    rejected notional too large
    > buy market x 99 by 2 ioc amount 1000
    accepted #3 leaves 0 ; unspent #3 1000 ; cancelled #3 x 99 remainder
    book: empty
    """)


@pytest.mark.parametrize("allocation", ["price-time", "pro-rata"])
def test_an_amount_that_is_spent_meets_no_own_order(play, allocation):
    play(f"""
    instrument: allocation={allocation}
    trade: 100
    book: sell 100 x 2 by 2 ; sell 101 x 2 by 1
    > buy market x 9 by 1 ioc amount 250 stp cancel-oldest
    accepted #5 leaves 0 ; trade 100 x 2 book #3 leaves 0 ; unspent #5 50 ; cancelled #5 x 7 remainder
    book: sell 101 x 2 by 1
    """)


def test_a_decrement_takes_what_the_amount_pays_for_off_both(play):
    play("""
    trade: 100
    book: sell 100 x 5 by 1 ; sell 101 x 9 by 2
    > buy market x 9 by 1 ioc amount 250 stp decrement -- 50 are left, and pay for no lot at 101
    accepted #5 leaves 0 ; prevented decrement 100 x 2 #3 leaves 3 ; unspent #5 250 ; cancelled #5 x 7 remainder
    book: sell 100 x 3 by 1 ; sell 101 x 9 by 2
    """)


def test_a_spent_amount_does_not_breach_the_collar_at_an_own_order(play):
    play("""
    instrument: static_band_ppm=100000 breach_state=halted collar_ppm=300000
    trade: 100
    book: sell 100 x 2 by 2 ; sell 111 x 2 by 1
    > buy market x 9 by 1 ioc amount 200 stp cancel-oldest
    accepted #5 leaves 0 ; trade 100 x 2 book #3 leaves 0 ; cancelled #5 x 7 remainder
    book: sell 111 x 2 by 1
    state: continuous
    """)
