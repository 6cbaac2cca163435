"""Self-trade prevention: the aggressor's mode decides what happens where it meets an order of its own group."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parbook import messages as m
from parbook.codes import StpMode
from tests.parity.reading import live_orders
from tests.support.markets import MARKETS, examples
from tests.support.venue import BUY, SELL, Venue, order

# --- the four modes -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "told", "left"),
    [
        (
            "cancel-newest",
            "accepted #3 leaves 0 ; prevented cancel-newest 100 x 2 #1 leaves 2 ; cancelled #3 x 4 self trade",
            "sell 100 x 2 by 1 ; sell 100 x 3 by 2",
        ),
        (
            "cancel-oldest",
            "accepted #3 leaves 1 ; prevented cancel-oldest 100 x 2 #1 leaves 0 ; cancelled #1 x 2 self trade"
            " ; trade 100 x 3 book #2 leaves 0",
            "buy 100 x 1 by 1",
        ),
        (
            "cancel-both",
            "accepted #3 leaves 0 ; prevented cancel-both 100 x 2 #1 leaves 0 ; cancelled #1 x 2 self trade"
            " ; cancelled #3 x 4 self trade",
            "sell 100 x 3 by 2",
        ),
        (
            "decrement",
            "accepted #3 leaves 0 ; prevented decrement 100 x 2 #1 leaves 0 ; trade 100 x 2 book #2 leaves 1",
            "sell 100 x 1 by 2",
        ),
        (
            "off",
            "accepted #3 leaves 0 ; trade 100 x 2 book #1 leaves 0 ; trade 100 x 2 book #2 leaves 1",
            "sell 100 x 1 by 2",
        ),
    ],
)
class TestModes:
    def test_the_order_names_it(self, play, mode, told, left):
        play(f"""
        book: sell 100 x 2 by 1 ; sell 100 x 3 by 2
        > buy 100 x 4 by 1 stp {mode}
        {told}
        book: {left}
        """)

    def test_the_instrument_names_it(self, play, mode, told, left):
        play(f"""
        instrument: stp={mode}
        book: sell 100 x 2 by 1 ; sell 100 x 3 by 2
        > buy 100 x 4 by 1
        {told}
        book: {left}
        """)

    @pytest.mark.parametrize("other", ["cancel-oldest", "off", "decrement"])
    def test_the_order_comes_before_the_instrument_and_the_makers_mode_counts_for_nothing(
        self, play, mode, told, left, other
    ):
        play(f"""
        instrument: stp={other}
        book: sell 100 x 2 by 1 stp {other} ; sell 100 x 3 by 2
        > buy 100 x 4 by 1 stp {mode}
        {told}
        book: {left}
        """)


@pytest.mark.parametrize("mode", ["cancel-newest", "cancel-both"])
def test_what_stands_before_the_own_order_trades_first(play, mode):
    maker = {"cancel-newest": "leaves 5", "cancel-both": "leaves 0 ; cancelled #2 x 5 self trade"}[mode]
    left = {"cancel-newest": "sell 100 x 5 by 1 ; sell 101 x 9 by 2", "cancel-both": "sell 101 x 9 by 2"}[mode]
    play(f"""
    book: sell 99 x 1 by 2 ; sell 100 x 5 by 1 ; sell 101 x 9 by 2
    > buy 101 x 4 by 1 stp {mode}
    accepted #4 leaves 0 ; trade 99 x 1 book #1 leaves 0 ; prevented {mode} 100 x 3 #2 {maker}
    ; cancelled #4 x 3 self trade
    book: {left}
    """)


def test_an_own_order_that_is_not_reached_is_left_alone(play):
    play("""
    book: sell 100 x 3 by 2 ; sell 100 x 5 by 1 ; sell 101 x 5 by 1
    > buy 101 x 3 by 1 stp cancel-oldest
    accepted #4 leaves 0 ; trade 100 x 3 book #1 leaves 0
    > buy 99 x 3 by 1 stp cancel-oldest
    accepted #5 leaves 3
    book: buy 99 x 3 by 1 ; sell 100 x 5 by 1 ; sell 101 x 5 by 1
    """)


def test_cancel_oldest_goes_through_every_own_order_at_every_price(play):
    play("""
    book: sell 99 x 1 by 1 ; sell 99 x 1 by 2 ; sell 99 x 1 by 1 hidden ; sell 100 x 1 by 1 ; sell 101 x 1 by 2
    > buy 100 x 3 by 1 stp cancel-oldest
    accepted #6 leaves 2 ; prevented cancel-oldest 99 x 1 #1 leaves 0 ; cancelled #1 x 1 self trade
    ; trade 99 x 1 book #2 leaves 0 ; prevented cancel-oldest 99 x 1 #3 leaves 0 ; cancelled #3 x 1 self trade
    ; prevented cancel-oldest 100 x 1 #4 leaves 0 ; cancelled #4 x 1 self trade
    book: buy 100 x 2 by 1 ; sell 101 x 1 by 2
    """)


def test_decrement_takes_the_smaller_of_the_two_off_both(play):
    # The maker keeps its place; the taker that has nothing left is gone, and nobody says CANCELLED.
    play("""
    book: sell 100 x 5 by 1 ; sell 100 x 5 by 2
    > buy 100 x 2 by 1 stp decrement
    accepted #3 leaves 0 ; prevented decrement 100 x 2 #1 leaves 3
    > buy 100 x 1 by 3
    accepted #4 leaves 0 ; trade 100 x 1 book #1 leaves 2
    > buy 100 x 2 by 1 stp decrement
    accepted #5 leaves 0 ; prevented decrement 100 x 2 #1 leaves 0
    > buy 100 x 9 by 2 stp decrement
    accepted #6 leaves 4 ; prevented decrement 100 x 5 #2 leaves 0
    book: buy 100 x 4 by 2
    """)


def test_decrement_takes_off_the_total_of_a_partly_filled_maker(play):
    # Eight lots less four withheld, three of which have traded: an amendment to three finds nothing left.
    play("""
    book: sell 100 x 8 by 1
    > buy 100 x 3 by 2
    accepted #2 leaves 0 ; trade 100 x 3 book #1 leaves 5
    > buy 100 x 4 by 1 stp decrement
    accepted #3 leaves 0 ; prevented decrement 100 x 4 #1 leaves 1
    > amend #1 x 4 by 1
    amended #1 kept 100 x 4 leaves 1
    > amend #1 x 3 by 1
    cancelled #1 x 1 amended to filled
    book: empty
    """)


# --- who is one's own ---------------------------------------------------------------------------


def test_a_group_is_many_accounts(play):
    play("""
    instrument: stp=cancel-newest
    account: 1 stp_group=7 ; 2 stp_group=7 ; 3 stp_group=8
    book: sell 99 x 1 by 3 ; sell 100 x 1 by 1
    > buy 100 x 2 by 2
    accepted #3 leaves 0 ; trade 99 x 1 book #1 leaves 0 ; prevented cancel-newest 100 x 1 #2 leaves 1
    ; cancelled #3 x 1 self trade
    > buy 100 x 1 by 3
    accepted #4 leaves 0 ; trade 100 x 1 book #2 leaves 0
    book: empty
    """)


def test_a_group_is_read_when_orders_meet(play):
    play("""
    instrument: stp=cancel-newest
    account: 1 stp_group=7 ; 2 stp_group=7
    book: sell 100 x 2 by 1
    > account 1 stp_group=1
    account 1 stp_group=1
    > buy 100 x 1 by 2
    accepted #2 leaves 0 ; trade 100 x 1 book #1 leaves 1
    > account 2 stp_group=1
    account 2 stp_group=1
    > buy 100 x 1 by 2
    accepted #3 leaves 0 ; prevented cancel-newest 100 x 1 #1 leaves 1 ; cancelled #3 x 1 self trade
    book: sell 100 x 1 by 1
    """)


def test_an_account_that_is_not_registered_is_a_group_by_its_number(play):
    play("""
    instrument: stp=cancel-newest
    account: 1 stp_group=7
    book: sell 100 x 9 by 1
    > buy 100 x 3 by 4
    accepted #2 leaves 0 ; trade 100 x 3 book #1 leaves 6
    > buy 100 x 1 by 7
    accepted #3 leaves 0 ; prevented cancel-newest 100 x 1 #1 leaves 6 ; cancelled #3 x 1 self trade
    book: sell 100 x 6 by 1
    """)


# --- whom it meets ------------------------------------------------------------------------------


def test_an_iceberg_is_met_with_all_it_has_when_its_slice_is_next(play):
    play("""
    book: sell 100 x 2 by 2 ; sell 100 x 6 by 1 show 2 ; sell 100 x 2 by 3
    > buy 100 x 3 by 1 stp cancel-oldest
    accepted #4 leaves 0 ; trade 100 x 2 book #1 leaves 0 ; prevented cancel-oldest 100 x 1 #2 leaves 0
    ; cancelled #2 x 6 self trade ; trade 100 x 1 book #3 leaves 1
    book: sell 100 x 1 by 3
    """)


def test_an_iceberg_that_shrank_stands_in_no_later_round(play):
    # Order 3 gives its slice, comes back behind, and is next again: the own iceberg was dealt with before.
    play("""
    book: sell 100 x 6 by 1 show 2 ; sell 100 x 1 by 2 ; sell 100 x 3 by 3 show 1
    > buy 100 x 9 by 1 stp decrement
    accepted #4 leaves 0 ; prevented decrement 100 x 6 #1 leaves 0 ; trade 100 x 1 book #2 leaves 0
    ; trade 100 x 1 book #3 leaves 2 ; shown #3 x 1 of 2 ; trade 100 x 1 book #3 leaves 1 ; shown #3 x 1 of 1
    book: sell 100 x 1 by 3 show 1
    """)


def test_an_iceberg_that_cancels_the_newest_keeps_its_slice(play):
    play("""
    book: sell 100 x 6 by 1 show 2 ; sell 100 x 1 by 2
    > buy 100 x 9 by 1 stp cancel-newest
    accepted #3 leaves 0 ; prevented cancel-newest 100 x 6 #1 leaves 6 ; cancelled #3 x 9 self trade
    book: sell 100 x 6 by 1 show 2 ; sell 100 x 1 by 2
    """)


def test_an_own_hidden_order_is_met_after_all_that_is_displayed(play):
    play("""
    book: sell 100 x 2 by 1 hidden ; sell 100 x 2 by 2 ; sell 100 x 3 by 2 hidden
    > buy 100 x 6 by 1 stp decrement
    accepted #4 leaves 0 ; trade 100 x 2 book #2 leaves 0 ; prevented decrement 100 x 2 #1 leaves 0
    ; trade 100 x 2 hidden #3 leaves 1
    book: sell 100 x 1 by 2 hidden
    """)


def test_an_own_quote_is_met_like_any_order(play):
    play("""
    > quote 1 bid 99 x 3 ask 101 x 3
    accepted #1 leaves 3 ; accepted #2 leaves 3 ; quoted 1 slot 0 bid #1 ask #2
    > buy 101 x 2 by 1 stp cancel-oldest
    accepted #3 leaves 2 ; prevented cancel-oldest 101 x 2 #2 leaves 0 ; cancelled #2 x 3 self trade
    book: buy 101 x 2 by 1 ; buy 99 x 3 by 1
    """)


def test_a_peg_is_met_where_it_stands(play):
    play("""
    curve: pmm depth=0
    anchor: 100..102
    book: sell 90 x 3 by 1 peg anchor ; sell 103 x 3 by 2
    > buy 103 x 4 by 1 stp decrement
    accepted #3 leaves 0 ; prevented decrement 102 x 3 #1 leaves 0 ; trade 103 x 1 book #2 leaves 2
    book: sell 103 x 2 by 2
    """)


def test_a_decremented_hidden_order_keeps_its_turn(play):
    play("""
    book: sell 100 x 3 by 1 hidden ; sell 100 x 5 by 3 hidden
    > buy 100 x 2 by 1 stp decrement
    accepted #3 leaves 0 ; prevented decrement 100 x 2 #1 leaves 1
    > buy 100 x 2 by 9
    accepted #4 leaves 0 ; trade 100 x 1 hidden #1 leaves 0 ; trade 100 x 1 hidden #2 leaves 4
    book: sell 100 x 4 by 3 hidden
    """)


@pytest.mark.parametrize(
    ("mode", "told", "net"),
    [
        ("cancel-newest", "#1 leaves 2 ; cancelled #2 x 5 self trade", 0),
        ("cancel-oldest", "#1 leaves 0 ; cancelled #1 x 2 self trade ; trade 99 x 4 curve net 4", 4),
        ("cancel-both", "#1 leaves 0 ; cancelled #1 x 2 self trade ; cancelled #2 x 5 self trade", 0),
        ("decrement", "#1 leaves 0 ; trade 99 x 3 curve net 3", 3),
    ],
)
def test_the_curve_stands_behind_the_own_order(play, mode, told, net):
    # A constant price of 100, one tick below it: four lots at 99.
    leaves = 1 if mode == "cancel-oldest" else 0
    left = {"cancel-newest": "buy 99 x 2 by 1", "cancel-oldest": "sell 99 x 1 by 1"}.get(mode, "empty")
    play(f"""
    curve: pmm depth=4 base=6
    anchor: 100..100
    book: buy 99 x 2 by 1
    > sell 99 x 5 by 1 stp {mode}
    accepted #2 leaves {leaves} ; prevented {mode} 99 x 2 {told}
    book: {left}
    curve: net {net} cash {10**9 - 99 * net}
    """)


# --- together with other terms ------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["cancel-newest", "cancel-both", "decrement"])
def test_a_fok_that_would_meet_its_own_order_cannot_fill(play, mode):
    play(f"""
    book: sell 100 x 1 by 1 ; sell 100 x 9 by 2
    > buy 100 x 3 by 1 stp {mode} fok
    rejected fok unfillable
    book: sell 100 x 1 by 1 ; sell 100 x 9 by 2
    """)


def test_a_fok_that_cancels_the_oldest_counts_what_others_offer(play):
    play("""
    book: sell 100 x 5 by 1 ; sell 100 x 2 by 2 ; sell 101 x 1 by 2
    > buy 101 x 4 by 1 stp cancel-oldest fok
    rejected fok unfillable
    book: sell 100 x 5 by 1 ; sell 100 x 2 by 2 ; sell 101 x 1 by 2
    > buy 101 x 3 by 1 stp cancel-oldest fok
    accepted #4 leaves 0 ; prevented cancel-oldest 100 x 3 #1 leaves 0 ; cancelled #1 x 5 self trade
    ; trade 100 x 2 book #2 leaves 0 ; trade 101 x 1 book #3 leaves 0
    book: empty
    """)


def test_fill_or_kill_reaches_the_curve_past_its_own_order(play):
    play("""
    book: sell 101 x 3 by 1
    curve: pmm depth=4 base=6 min=-5
    anchor: 100..100
    > buy 101 x 6 by 1 fok stp cancel-oldest -- the curve sells 5
    rejected fok unfillable
    > buy 101 x 5 by 1 fok stp cancel-oldest
    accepted #2 leaves 0 ; prevented cancel-oldest 101 x 3 #1 leaves 0 ; cancelled #1 x 3 self trade
    ; trade 101 x 5 curve net -5
    book: empty
    """)


@pytest.mark.parametrize("mode", ["cancel-newest", "cancel-oldest", "cancel-both", "decrement"])
def test_a_minimum_counts_what_trades_and_not_what_is_withheld(play, mode):
    maker = "2" if mode == "cancel-newest" else "0"
    gone = {"cancel-oldest": " ; cancelled #2 x 2 self trade", "cancel-both": " ; cancelled #2 x 2 self trade"}
    taker = " ; cancelled #3 x 3 self trade" if mode in ("cancel-newest", "cancel-both") else ""
    leaves = {"cancel-oldest": 3, "decrement": 1}.get(mode, 0)
    left = {"cancel-newest": "sell 100 x 2 by 1", "cancel-both": "empty"}.get(mode, f"buy 100 x {leaves} by 1")
    play(f"""
    book: sell 99 x 2 by 2 ; sell 100 x 2 by 1
    > buy 100 x 5 by 1 min 3 stp {mode}
    rejected min qty unfillable
    > buy 100 x 5 by 1 min 2 stp {mode}
    accepted #3 leaves {leaves} ; trade 99 x 2 book #1 leaves 0
    ; prevented {mode} 100 x 2 #2 leaves {maker}{gone.get(mode, "")}{taker}
    book: {left}
    """)


@pytest.mark.parametrize("order_terms", ["100 x 5 by 1 ioc", "market x 5 by 1 ioc"])
def test_an_immediate_order_says_why_its_remainder_left(play, order_terms):
    play(f"""
    trade: 100
    book: sell 100 x 2 by 1 ; sell 100 x 2 by 2
    > buy {order_terms} stp cancel-oldest
    accepted #5 leaves 0 ; prevented cancel-oldest 100 x 2 #3 leaves 0 ; cancelled #3 x 2 self trade
    ; trade 100 x 2 book #4 leaves 0 ; cancelled #5 x 3 remainder
    book: empty
    """)


def test_post_only_and_slide_see_own_orders_too(play):
    play("""
    book: sell 100 x 2 by 1
    > buy 100 x 1 by 1 post stp cancel-oldest
    rejected post only would trade
    > buy 100 x 1 by 1 slide stp cancel-oldest
    accepted #2 leaves 1 at 99
    book: buy 99 x 1 by 1 ; sell 100 x 2 by 1
    """)


def test_a_market_to_limit_order_that_meets_only_its_own_finds_nothing_to_trade(play):
    play("""
    trade: 100
    book: sell 100 x 3 by 1 ; sell 101 x 2 by 2
    > buy market-to-limit x 5 by 1 stp cancel-newest
    rejected nothing to trade
    > buy market-to-limit x 5 by 1 stp cancel-oldest
    accepted #5 leaves 3 at 101 ; prevented cancel-oldest 100 x 3 #3 leaves 0 ; cancelled #3 x 3 self trade
    ; trade 101 x 2 book #4 leaves 0
    book: buy 101 x 3 by 1
    """)


def test_a_quote_is_post_only_against_its_owner_too(play):
    play("""
    instrument: stp=cancel-oldest
    book: sell 100 x 3 by 1
    > quote 1 bid 100 x 2 ask 102 x 2
    rejected post only would trade
    book: sell 100 x 3 by 1
    """)


def test_the_mode_survives_an_amendment(play):
    play("""
    book: sell 105 x 2 by 1 ; sell 105 x 2 by 2
    > buy 100 x 3 by 1 stp cancel-oldest
    accepted #3 leaves 3
    > amend #3 to 104 x 4 by 1
    amended #3 lost 104 x 4 leaves 4
    > amend #3 to 105 by 1
    amended #3 lost 105 x 4 leaves 2 ; prevented cancel-oldest 105 x 2 #1 leaves 0 ; cancelled #1 x 2 self trade
    ; trade 105 x 2 book #2 leaves 0
    book: buy 105 x 2 by 1
    """)


def test_the_mode_of_a_stop_waits_with_it(play):
    play("""
    trade: 100
    book: sell 105 x 2 by 1 ; sell 106 x 5 by 2
    > buy 106 x 4 by 1 stop 103 stp decrement
    accepted #5 leaves 4 armed
    > sell 104 x 1 by 3
    accepted #6 leaves 1
    > buy 104 x 1 by 4
    accepted #7 leaves 0 ; trade 104 x 1 book #6 leaves 0 ; triggered #5 106 x 4 leaves 0
    ; prevented decrement 105 x 2 #3 leaves 0 ; trade 106 x 2 book #4 leaves 3
    book: sell 106 x 3 by 2
    """)


def test_the_partner_of_an_order_that_was_withheld_leaves_after_the_step(play):
    play("""
    book: sell 100 x 2 by 1 ; sell 100 x 3 by 2 ; buy 90 x 1 by 1 oco #1
    > buy 100 x 4 by 1 stp cancel-oldest
    accepted #4 leaves 1 ; prevented cancel-oldest 100 x 2 #1 leaves 0 ; cancelled #1 x 2 self trade
    ; trade 100 x 3 book #2 leaves 0 ; cancelled #3 x 1 oco
    book: buy 100 x 1 by 1
    """)


def test_the_partner_of_a_resting_order_that_shrinks_stays_and_of_one_that_is_gone_leaves(play):
    play("""
    book: sell 100 x 4 by 1 ; buy 90 x 4 by 1 oco #1
    > buy 100 x 3 by 1 stp decrement
    accepted #3 leaves 0 ; prevented decrement 100 x 3 #1 leaves 1
    book: buy 90 x 4 by 1 ; sell 100 x 1 by 1
    > buy 100 x 1 by 1 stp decrement
    accepted #4 leaves 0 ; prevented decrement 100 x 1 #1 leaves 0 ; cancelled #2 x 4 oco
    book: empty
    """)


def test_pro_rata_deals_with_own_orders_before_it_splits(play):
    play("""
    instrument: allocation=pro-rata
    book: sell 100 x 2 by 2 ; sell 100 x 4 by 1 ; sell 100 x 6 by 3
    > buy 100 x 8 by 1 stp decrement
    accepted #4 leaves 0 ; prevented decrement 100 x 4 #2 leaves 0 ; trade 100 x 1 book #1 leaves 1
    ; trade 100 x 3 book #3 leaves 3
    > buy 100 x 2 by 2 stp cancel-newest
    accepted #5 leaves 0 ; prevented cancel-newest 100 x 1 #1 leaves 1 ; cancelled #5 x 2 self trade
    book: sell 100 x 1 by 2 ; sell 100 x 3 by 3
    """)


def test_pro_rata_stops_before_the_round_whoever_stands_first_in_it(play):
    play("""
    instrument: allocation=pro-rata
    book: sell 100 x 6 by 2 ; sell 100 x 9 by 1
    > buy 100 x 2 by 1 stp cancel-newest
    accepted #3 leaves 0 ; prevented cancel-newest 100 x 2 #2 leaves 9 ; cancelled #3 x 2 self trade
    book: sell 100 x 6 by 2 ; sell 100 x 9 by 1
    """)


def test_a_buyer_by_amount_that_can_still_pay_meets_its_own_order(play):
    play("""
    trade: 100
    book: sell 100 x 2 by 2 ; sell 100 x 2 by 1 ; sell 101 x 9 by 2
    > buy market x 9 by 1 amount 410 stp cancel-oldest ioc
    accepted #6 leaves 0 ; trade 100 x 2 book #3 leaves 0 ; prevented cancel-oldest 100 x 2 #4 leaves 0
    ; cancelled #4 x 2 self trade ; trade 101 x 2 book #5 leaves 7 ; unspent #6 8 ; cancelled #6 x 5 remainder
    book: sell 101 x 7 by 2
    """)


# --- any book -----------------------------------------------------------------------------------

entries = st.lists(
    st.tuples(
        st.integers(1, 4),  # account; 3 and 4 are one group
        st.sampled_from([BUY, SELL]),
        st.integers(97, 103),
        st.integers(1, 9),
        st.sampled_from(["plain", "hidden", "iceberg"]),
        st.sampled_from([mode for mode in StpMode if mode is not StpMode.OFF]),
    ),
    max_size=25,
)


@pytest.mark.parametrize("name", MARKETS)
@pytest.mark.parametrize("default", [mode for mode in StpMode if mode.name.startswith(("CANCEL", "DECREMENT"))])
@examples(60)
@given(entries)
def test_no_group_trades_with_itself_and_no_residual_rests_crossed(name, default, entered):
    venue = Venue(MARKETS[name], stp=default)
    venue.limit(3, stp_group=4)
    for account, side, price_ticks, qty_lots, kind, mode in entered:
        terms = {"hidden": {"hidden": True}, "iceberg": {"display_lots": 1}}.get(kind, {})
        for event in venue.raw(order(account, side, price_ticks, qty_lots, stp=mode, **terms)):
            if isinstance(event, m.Trade):
                assert event.taker_account != event.maker_account
                assert {event.taker_account, event.maker_account} != {3, 4}
        rows = live_orders(venue.market)
        bids, asks = (rows[rows["side"] == side]["price_ticks"] for side in (BUY, SELL))
        assert not len(bids) or not len(asks) or max(bids) < min(asks)
