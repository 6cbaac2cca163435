"""Depth: book levels and curve rungs apart, best first, the book's row first at one price."""

import pytest

from parbook.errors import MisuseError
from parbook.messages import NewOrder, Trade

LINEAR = "linear par=2 depth=20 drop=200000 min=-3"
BOOK, CURVE = 0, 1


def rows(market, levels=10):
    return [tuple(int(value) for value in row) for row in market.depth(levels).tolist()]


def made(play, setup):
    """Play a set-up followed by a command that does nothing to the book."""
    return play(f"""
    {setup}
    > time
    time 0
    book: {BOOKS.get(setup.count("book:"), "empty")}
    """)


BOOKS = {1: "buy 100 x 3 by 1 ; buy 100 x 4 by 2 ; buy 97 x 1 by 1 ; sell 102 x 6 by 3"}
FULL_BOOK = "book: buy 100 x 3 by 1 ; buy 100 x 4 by 2 ; buy 97 x 1 by 1 ; sell 102 x 6 by 3"


def test_empty(market):
    assert rows(market) == []


def test_book_only(play):
    assert rows(made(play, FULL_BOOK)) == [(0, BOOK, 2, 100, 7), (0, BOOK, 1, 97, 1), (1, BOOK, 1, 102, 6)]


def test_curve_only_shows_the_lots_each_rung_adds(play):
    market = made(play, f"curve: {LINEAR}\n    anchor: 100..100")
    assert rows(market, 3) == [(0, CURVE, 0, 100, 2), (0, CURVE, 0, 99, 1), (0, CURVE, 0, 98, 1), (1, CURVE, 0, 101, 3)]


def test_both_in_one_order_the_book_first_at_one_price(play):
    market = made(play, f"{FULL_BOOK}\n    curve: {LINEAR}\n    anchor: 100..100")
    assert rows(market, 4) == [
        (0, BOOK, 2, 100, 7),
        (0, CURVE, 0, 100, 2),
        (0, CURVE, 0, 99, 1),
        (0, CURVE, 0, 98, 1),
        (0, BOOK, 1, 97, 1),
        (0, CURVE, 0, 97, 1),
        (1, CURVE, 0, 101, 3),
        (1, BOOK, 1, 102, 6),
    ]


def test_levels_counts_each_source_apart(play):
    market = made(play, f"{FULL_BOOK}\n    curve: {LINEAR}\n    anchor: 100..100")
    assert rows(market, 1) == [(0, BOOK, 2, 100, 7), (0, CURVE, 0, 100, 2), (1, CURVE, 0, 101, 3), (1, BOOK, 1, 102, 6)]


def test_curve_at_its_clipped_price(play):
    market = play(f"""
    book: sell 98 x 1 by 1
    curve: {LINEAR}
    > anchor 100..100
    proposed 100..100 for 0 ; anchor 100..100 net 0 cash 1000000000
    book: sell 98 x 1 by 1
    """)
    # Bought at 97 are the lots of 100, 99, 98 and 97. Asks need no clip: there is no resting bid.
    assert rows(market, 2) == [(0, CURVE, 0, 97, 5), (0, CURVE, 0, 96, 1), (1, BOOK, 1, 98, 1), (1, CURVE, 0, 101, 3)]


def test_cut_where_the_cash_ends(play):
    market = made(play, f"curve: {LINEAR} budget=396\n    anchor: 100..100")
    assert [row for row in rows(market) if row[0] == 0] == [(0, CURVE, 0, 100, 2), (0, CURVE, 0, 99, 1)]
    market = made(play, f"curve: {LINEAR} budget=199\n    anchor: 100..100")
    assert [row for row in rows(market) if row[0] == 0] == [(0, CURVE, 0, 100, 1)]


def test_withdrawn_curve_is_gone(play):
    market = play(f"""
    curve: {LINEAR}
    anchor: 100..100
    > withdraw curve
    curve withdrawn net 0 cash 1000000000
    book: empty
    """)
    assert rows(market) == []


def test_after_partial_fill_and_amendments_shows_leaves(play):
    # A known fault of other engines: depth wrong after replacing a partly filled order.
    market = play("""
    book: sell 100 x 10 by 1 ; sell 100 x 5 by 2
    > buy 100 x 4 by 3
    accepted #3 leaves 0 ; trade 100 x 4 book #1 leaves 6
    > amend #1 x 8 by 1
    amended #1 kept 100 x 8 leaves 4
    > amend #1 to 101 x 9 by 1
    amended #1 lost 101 x 9 leaves 5
    > reduce #2 x 1 by 2
    amended #2 kept 100 x 4 leaves 4
    book: sell 100 x 4 by 2 ; sell 101 x 5 by 1
    """)
    assert rows(market) == [(1, BOOK, 1, 100, 4), (1, BOOK, 1, 101, 5)]


@pytest.mark.parametrize("levels", [0, -1, 2**31, 2**70, 1.0, True, "3", None])
def test_levels_out_of_range(market, levels):
    with pytest.raises(MisuseError):
        market.depth(levels)


def test_depth_is_what_a_sweep_trades(play):
    """Sweeping either side takes exactly the published rows, in their order."""
    setup = f"{FULL_BOOK}\n    curve: {LINEAR}\n    anchor: 100..100"
    for side, limit in ((1, 80), (0, 200)):
        market = made(play, setup)
        published = [(source, price, lots) for s, source, _, price, lots in rows(market, 1000) if s != side]
        market.place(9, side, sum(lots for _, _, lots in published), limit, tif=2)
        swept: dict[tuple[int, int], int] = {}
        for event in made_trades(made(play, setup), side, limit, sum(lots for _, _, lots in published)):
            key = (int(event.source), event.price_ticks)
            swept[key] = swept.get(key, 0) + event.qty_lots
        assert [(*key, lots) for key, lots in swept.items()] == published
        assert [row for row in rows(market) if row[0] != side] == []


def made_trades(market, side, limit, lots):
    events = market.apply(NewOrder(account=9, side=side, qty_lots=lots, price_ticks=limit, tif=2))
    return [event for event in events if isinstance(event, Trade)]


@pytest.mark.parametrize("state", ["halted", "auction"])
def test_the_curve_shows_nothing_while_nothing_matches(play, state):
    setup = f"{FULL_BOOK}\n    curve: {LINEAR}\n    anchor: 100..100"
    assert [row for row in rows(made(play, setup)) if row[1] == CURVE] != []
    assert [row for row in rows(made(play, f"{setup}\n    state: {state}")) if row[1] == CURVE] == []
