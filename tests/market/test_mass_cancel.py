"""Mass cancels: which orders a scope names, in which order they leave, and what follows them."""

import pytest

EVERYWHERE = """
    trade: 100
    book: buy 98 x 1 by 1 session 7 ; sell 102 x 2 by 1 session 8 ; buy 99 x 3 by 2 session 7
    book: sell 101 x 4 by 2 show 1 session 8 ; buy 97 x 5 by 1 hidden session 7 ; sell 103 x 6 by 2 hidden
    book: buy 110 x 7 by 1 stop 105 session 7 ; sell 90 x 8 by 2 stop 95 session 7
"""
# Order id -> its lots and what the book says of it, in the order in which orders leave: displayed bids, displayed
# asks, hidden orders, stops (sells, buys).
ORDERS = {
    5: (3, "buy 99 x 3 by 2"),
    3: (1, "buy 98 x 1 by 1"),
    6: (4, "sell 101 x 4 by 2 show 1"),
    4: (2, "sell 102 x 2 by 1"),
    7: (5, "buy 97 x 5 by 1 hidden"),
    8: (6, "sell 103 x 6 by 2 hidden"),
    10: (8, "sell 90 x 8 by 2 armed 95"),
    9: (7, "buy 110 x 7 by 1 armed 105"),
}


@pytest.mark.parametrize(
    ("scope", "whose", "gone"),
    [
        ("", "", list(ORDERS)),
        ("account 1", " account 1", [3, 4, 7, 9]),
        ("account 2", " account 2", [5, 6, 8, 10]),
        ("session 7", "", [5, 3, 7, 10, 9]),
        ("buy", "", [5, 3, 7, 9]),
        ("sell", "", [6, 4, 8, 10]),
        ("account 1 session 7", " account 1", [3, 7, 9]),
        ("account 2 session 8 sell", " account 2", [6]),
        ("account 2 session 8 buy", " account 2", []),
        ("account 3", " account 3", []),
        ("session 9", "", []),
    ],
)
@pytest.mark.parametrize(("word", "reason"), [("", "mass"), ("disconnected", "disconnected")])
def test_all_inside_the_scope_leave_wherever_they_stand(play, scope, whose, gone, word, reason):
    cancels = "".join(f"cancelled #{order_id} x {ORDERS[order_id][0]} {reason} ; " for order_id in gone)
    left = " ; ".join(text for order_id, (_, text) in ORDERS.items() if order_id not in gone)
    play(f"""
    {EVERYWHERE}
    > mass cancel {scope} {word}
    {cancels}mass cancelled {len(gone)} {reason}{whose}
    book: {left or "empty"}
    """)


def test_those_behind_keep_their_places(play):
    play("""
    book: buy 99 x 5 by 1 ; buy 99 x 5 by 2 ; buy 99 x 5 by 1 ; buy 99 x 5 by 3
    > mass cancel account 1
    cancelled #1 x 5 mass ; cancelled #3 x 5 mass ; mass cancelled 2 mass account 1
    > sell 99 x 6 by 4
    accepted #5 leaves 0 ; trade 99 x 5 book #2 leaves 0 ; trade 99 x 1 book #4 leaves 4
    book: buy 99 x 4 by 3
    """)


def test_only_what_is_left_of_an_order_is_cancelled(play):
    play("""
    book: buy 99 x 5 by 1
    > sell 99 x 2 by 2
    accepted #2 leaves 0 ; trade 99 x 2 book #1 leaves 3
    > mass cancel
    cancelled #1 x 3 mass ; mass cancelled 1 mass
    book: empty
    """)


def test_a_partner_leaves_with_its_order_though_it_lies_outside_the_scope(play):
    # The count is of those that left for the command's own reason.
    play("""
    book: buy 95 x 1 by 1 ; sell 105 x 2 by 1 oco #1 ; sell 106 x 3 by 1
    > mass cancel buy
    cancelled #1 x 1 mass ; cancelled #2 x 2 oco ; mass cancelled 1 mass
    book: sell 106 x 3 by 1
    """)


def test_pegs_leave_and_those_that_stay_follow(play):
    # Order 3 loses the bid it followed; its next one is at 97.
    play("""
    book: buy 99 x 1 by 1 ; buy 97 x 1 by 2 ; buy 120 x 1 by 3 peg primary ; buy 120 x 1 by 1 peg primary -1
    > mass cancel account 1
    cancelled #1 x 1 mass ; cancelled #4 x 1 mass ; mass cancelled 2 mass account 1 ; repriced #3 97 leaves 1
    book: buy 97 x 1 by 2 ; buy 97 x 1 by 3
    """)


def test_the_curve_comes_back_to_where_orders_held_it(play):
    # The bid at 101 holds the curve's ask back to 102; without it the curve sells at 101.
    play("""
    curve: pmm depth=4 base=6 min=-5
    book: buy 101 x 2 by 1
    > anchor 100..100
    proposed 100..100 for 0 ; anchor 100..100 net 0 cash 1000000000
    > buy 101 x 1 by 2
    accepted #2 leaves 1
    > mass cancel account 1
    cancelled #1 x 2 mass ; mass cancelled 1 mass account 1
    > mass cancel account 2
    cancelled #2 x 1 mass ; mass cancelled 1 mass account 2
    > buy 101 x 1 by 2
    accepted #3 leaves 0 ; trade 101 x 1 curve net -1
    book: empty
    """)


def test_no_denial_stops_the_venue(play):
    play("""
    book: buy 99 x 5 by 2
    > account 2 denied=15
    account 2 denied=15
    > cancel #1 by 2
    rejected cancel denied
    > mass cancel account 2
    cancelled #1 x 5 mass ; mass cancelled 1 mass account 2
    book: empty
    """)


@pytest.mark.parametrize("state", ["halted", "auction", "closing", "closed"])
def test_it_passes_in_every_state_but_one(play, state):
    play(f"""
    book: buy 99 x 5 by 1
    > state {state}
    state {state} from continuous
    > mass cancel account 1
    cancelled #1 x 5 mass ; mass cancelled 1 mass account 1
    > state delisted
    state delisted from {state}
    > mass cancel
    rejected state forbids
    book: empty
    """)
