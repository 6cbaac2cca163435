"""Amend sets total and price. Less quantity at the same price keeps priority; anything else loses it.

A refused amendment leaves every byte of the state as it was: the scenario player compares it.
"""

import pytest

QUEUE = "book: buy 100 x 5 by 1 ; buy 100 x 5 by 2 ; buy 100 x 5 by 3"


@pytest.mark.parametrize(
    ("change", "events", "queue"),
    [
        ("x 3", "kept 100 x 3 leaves 3", [1, 2, 3]),
        ("to 100 x 3", "kept 100 x 3 leaves 3", [1, 2, 3]),
        ("x 5", "kept 100 x 5 leaves 5", [1, 2, 3]),
        ("to 100", "kept 100 x 5 leaves 5", [1, 2, 3]),
        ("", "kept 100 x 5 leaves 5", [1, 2, 3]),
        ("x 6", "lost 100 x 6 leaves 6", [2, 3, 1]),
        ("to 99", "lost 99 x 5 leaves 5", [2, 3]),
        ("to 101", "lost 101 x 5 leaves 5", [2, 3]),
        ("to 99 x 4", "lost 99 x 4 leaves 4", [2, 3]),
    ],
)
def test_priority(play, change, events, queue):
    market = play(f"""
    {QUEUE}
    > amend #1 {change} by 1
    amended #1 {events}
    > buy 1 x 1 by 9
    accepted #4 leaves 1
    > cancel #4 by 9
    cancelled #4 x 1 requested
    book: {_book(change)}
    """)
    assert market.queue(0, 100) == queue


def _book(change):
    others = "buy 100 x 5 by 2 ; buy 100 x 5 by 3"
    words = dict(zip(*[iter(change.split())] * 2, strict=False))
    price, lots = words.get("to", "100"), words.get("x", "5")
    mine = f"buy {price} x {lots} by 1"
    first = price == "101" or (price == "100" and int(lots) <= 5)
    return f"{mine} ; {others}" if first else f"{others} ; {mine}"


def test_from_the_middle_to_the_back_and_to_another_level(play):
    play(f"""
    {QUEUE}
    > buy 99 x 1 by 4
    accepted #4 leaves 1
    > amend #2 to 99 by 2
    amended #2 lost 99 x 5 leaves 5
    > amend #2 to 100 by 2
    amended #2 lost 100 x 5 leaves 5
    book: buy 100 x 5 by 1 ; buy 100 x 5 by 3 ; buy 100 x 5 by 2 ; buy 99 x 1 by 4
    """)


def test_quantity_means_total(play):
    play("""
    book: sell 100 x 10 by 1
    > buy 100 x 4 by 2
    accepted #2 leaves 0 ; trade 100 x 4 book #1 leaves 6
    > amend #1 x 7 by 1 -- total 7, of which 4 have traded
    amended #1 kept 100 x 7 leaves 3
    > amend #1 x 12 by 1
    amended #1 lost 100 x 12 leaves 8
    book: sell 100 x 8 by 1
    """)


@pytest.mark.parametrize(("total", "price"), [(4, 100), (3, 100), (1, 100), (4, 200), (4, 50)])
def test_a_total_at_or_below_the_filled_cancels_whatever_the_price(play, total, price):
    play(f"""
    book: sell 100 x 10 by 1 ; buy 60 x 1 by 3
    > buy 100 x 4 by 2
    accepted #3 leaves 0 ; trade 100 x 4 book #1 leaves 6
    > amend #1 to {price} x {total} by 1
    cancelled #1 x 6 amended to filled
    book: buy 60 x 1 by 3
    """)


def test_that_crosses_trades_and_rests_the_remainder(play):
    play("""
    book: sell 102 x 3 by 1 ; sell 103 x 3 by 2 ; buy 100 x 5 by 3
    > amend #3 to 102 by 3
    amended #3 lost 102 x 5 leaves 2 ; trade 102 x 3 book #1 leaves 0
    > amend #3 to 103 x 6 by 3 -- 3 of 6 have traded
    amended #3 lost 103 x 6 leaves 0 ; trade 103 x 3 book #2 leaves 0
    > cancel #3 by 3
    rejected unknown order
    book: empty
    """)


def test_that_crosses_the_curve(play):
    play("""
    book: buy 100 x 8 by 3
    curve: pmm depth=4 base=6 min=-5
    anchor: 100..100
    > amend #1 to 101 by 3
    amended #1 lost 101 x 8 leaves 3 ; trade 101 x 5 curve net -5
    book: buy 101 x 3 by 3
    curve: net -5 cash 1000000505
    """)


def test_is_not_clipped_by_the_order_itself(play):
    # Resting at 101 after the anchor fell, the order clips the curve's offer from 96 to 102. Amended, it does not.
    play("""
    book: buy 101 x 1 by 1
    curve: pmm depth=4 base=6 min=-5
    anchor: 95..95
    > amend #1 x 2 by 1
    amended #1 lost 101 x 2 leaves 0 ; trade 96 x 2 curve net -2
    book: empty
    """)


def test_another_order_at_its_price_still_clips(play):
    play("""
    book: buy 101 x 1 by 1 ; buy 101 x 1 by 2
    curve: pmm depth=4 base=6 min=-5
    anchor: 95..95
    > amend #1 x 2 by 1
    amended #1 lost 101 x 2 leaves 2
    book: buy 101 x 1 by 2 ; buy 101 x 2 by 1
    """)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("x 274877906944", "qty out of range"),
        ("x -1", "qty out of range"),
        ("to 1152921504606846976", "price out of range"),
        ("to -1", "price out of range"),
        ("to -1 x -1", "qty out of range"),
        ("to 1152921504606846975 x 9", "notional overflow"),
    ],
)
def test_refused_leaves_the_order_as_it_was(play, change, code):
    play(f"""
    {QUEUE}
    > sell 100 x 2 by 9
    accepted #4 leaves 0 ; trade 100 x 2 book #1 leaves 3
    > amend #1 {change} by 1
    rejected {code}
    > sell 100 x 4 by 9 -- it still trades first
    accepted #5 leaves 0 ; trade 100 x 3 book #1 leaves 0 ; trade 100 x 1 book #2 leaves 4
    book: buy 100 x 4 by 2 ; buy 100 x 5 by 3
    """)


def test_notional_is_tested_before_a_cancel_by_total(play):
    # The total is what is judged, not the leaves; the resting price counts when none is given.
    play("""
    book: sell 1152921504606846975 x 8 by 1
    > amend #1 x 9 by 1
    rejected notional overflow
    > amend #1 to 1 x 9 by 1
    amended #1 lost 1 x 9 leaves 9
    book: sell 1 x 9 by 1
    """)


def test_works_in_a_full_book(play):
    play("""
    instrument: max_orders=2
    book: buy 100 x 1 by 1 ; buy 100 x 1 by 2
    > buy 99 x 1 by 3
    rejected book full
    > amend #1 to 99 x 7 by 1
    amended #1 lost 99 x 7 leaves 7
    book: buy 100 x 1 by 2 ; buy 99 x 7 by 1
    """)


def test_by_client_id_keeps_order_id_and_client_id(play):
    play("""
    > buy 100 x 5 by 1 client 7
    accepted #1 leaves 5
    > amend client 7 to 99 x 6 by 1
    amended #1 lost 99 x 6 leaves 6
    > buy 98 x 1 by 1 client 7
    rejected duplicate client id
    > cancel client 7 by 1
    cancelled #1 x 6 requested
    book: empty
    """)


def test_a_cancel_by_total_names_the_order_that_the_client_id_meant(market):
    market.place(1, 1, 5, 90)
    order_id = market.place(2, 1, 5, 91, client_id=7).order_id
    market.place(3, 0, 8, 91)
    placed = market.amend(2, client_id=7, qty_lots=2)
    assert (placed.order_id, placed.ok, placed.leaves_lots) == (order_id, True, 0)
    assert market.order(order_id) is None
