"""What exactly is published, order by order, level by level."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

import parbook.reference
from parbook import messages as m
from parbook.codes import AnchorMove, CurveShape, OrderType, Peg, SessionState, Side, StpMode, TimeInForce
from parbook.feeds import CHANNEL, FEED_OF, MESSAGE, Feed, MessageKind, Publisher
from parbook.instrument import Instrument
from parbook.records import event_records
from tests.feeds.texts import published, texts

BUY, SELL = Side.BUY, Side.SELL
LINEAR = m.CurveParams(
    shape=CurveShape.LINEAR,
    base_depth_lots=100,
    quote_depth_lots=20,
    budget_notional=10**6,
    par_lots=3,
    drop_ppm=200_000,
    min_net_lots=0,
)


def new(side: Side, price_ticks: int, qty_lots: int, account: int = 1, **terms: Any) -> m.NewOrder:
    return m.NewOrder(account=account, side=side, price_ticks=price_ticks, qty_lots=qty_lots, **terms)


def market(**fields: Any) -> parbook.reference.Market:
    return parbook.reference.Market(Instrument(symbol="TEST", **fields))


def test_records_are_one_cache_line_and_every_kind_has_a_feed():
    assert MESSAGE.itemsize == 64
    assert CHANNEL.itemsize == 72
    assert set(FEED_OF) == set(MessageKind)
    assert {int(kind) for kind in MessageKind} == set(range(1, 14))


def test_a_sweep_executes_before_its_remainder_is_added():
    assert published(
        market(), new(SELL, 100, 5), new(SELL, 101, 5), new(BUY, 101, 12, 2), feeds=Feed.L3 | Feed.TRADES | Feed.L2
    )[2] == [
        "execute #1 sell 100 x 5 leaves 0",
        "trade book buy 100 x 5",
        "execute #2 sell 101 x 5 leaves 0",
        "trade book buy 101 x 5",
        "add #3 buy 101 x 2",
        "level book sell 100 x 0 in 0",
        "level book sell 101 x 0 in 0",
        "level book buy 101 x 2 in 1.",
    ]


def test_an_iceberg_shows_slice_after_slice_and_never_its_total():
    said = published(market(), new(SELL, 100, 10, display_lots=4), new(SELL, 100, 2), new(BUY, 100, 8, 2))
    assert said[0] == ["add #1 sell 100 x 4."]
    assert said[2] == [
        "execute #1 sell 100 x 4 leaves 0",
        "trade book buy 100 x 4",
        "add #1 sell 100 x 4",
        "execute #2 sell 100 x 2 leaves 0",
        "trade book buy 100 x 2",
        "execute #1 sell 100 x 2 leaves 2",
        "trade book buy 100 x 2.",
    ]


def test_an_order_is_added_after_all_the_slices_it_took():
    said = published(market(), new(SELL, 100, 6, display_lots=4), new(BUY, 100, 9, 2))
    assert said[1] == [
        "execute #1 sell 100 x 4 leaves 0",
        "trade book buy 100 x 4",
        "add #1 sell 100 x 2",
        "execute #1 sell 100 x 2 leaves 0",
        "trade book buy 100 x 2",
        "add #2 buy 100 x 3.",
    ]


def test_a_hidden_order_is_only_ever_a_flagged_print():
    said = published(
        market(), new(SELL, 100, 5, hidden=True), new(BUY, 100, 3, 2), m.CancelOrder(account=1, order_id=1)
    )
    assert said == [[], ["trade hidden buy 100 x 3 hidden."], []]


def test_reduce_amend_and_move():
    assert published(
        market(),
        new(BUY, 100, 9),
        m.ReduceOrder(account=1, order_id=1, qty_lots=2),
        m.AmendOrder(account=1, order_id=1, qty_lots=5),
        m.AmendOrder(account=1, order_id=1, price_ticks=101),
        m.AmendOrder(account=1, order_id=1, qty_lots=6),
        m.CancelOrder(account=1, order_id=1),
    ) == [
        ["add #1 buy 100 x 9."],
        ["reduce #1 buy 100 x 2 leaves 7."],
        ["reduce #1 buy 100 x 2 leaves 5."],
        ["move #1 buy 101 x 5."],
        ["move #1 buy 101 x 6."],
        ["delete #1 buy 101 x 6."],
    ]


def test_an_amendment_that_trades_moves_afterwards_or_goes():
    start = (new(SELL, 101, 3), new(BUY, 100, 5, 2))
    part = published(market(), *start, m.AmendOrder(account=2, order_id=2, price_ticks=101))[2]
    assert part == ["execute #1 sell 101 x 3 leaves 0", "trade book buy 101 x 3", "move #2 buy 101 x 2."]
    whole = published(market(), *start, m.AmendOrder(account=2, order_id=2, price_ticks=101, qty_lots=3))[2]
    assert whole == ["execute #1 sell 101 x 3 leaves 0", "trade book buy 101 x 3", "delete #2 buy 100 x 5."]


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        (StpMode.CANCEL_NEWEST, []),
        (StpMode.CANCEL_OLDEST, ["delete #1 sell 100 x 5", "add #2 buy 100 x 8."]),
        (StpMode.CANCEL_BOTH, ["delete #1 sell 100 x 5."]),
        (StpMode.DECREMENT, ["delete #1 sell 100 x 5", "add #2 buy 100 x 3."]),
    ],
)
def test_self_trade_prevention_leaves_no_print(mode: StpMode, said: list[str]):
    assert published(market(), new(SELL, 100, 5), new(BUY, 100, 8, stp=mode))[1] == said


def test_a_decremented_maker_shrinks_in_its_place():
    said = published(market(), new(SELL, 100, 5), new(BUY, 100, 2, stp=StpMode.DECREMENT))
    assert said[1] == ["reduce #1 sell 100 x 2 leaves 3."]


def test_a_decremented_iceberg_loses_its_reserve_first():
    said = published(market(), new(SELL, 100, 10, display_lots=4), new(BUY, 100, 7, stp=StpMode.DECREMENT))
    assert said[1] == ["reduce #1 sell 100 x 1 leaves 3."]


def test_a_stop_is_unseen_until_it_is_triggered():
    said = published(
        market(),
        new(BUY, 102, 4, 3, stop_ticks=101),
        new(SELL, 101, 1),
        new(SELL, 102, 1),
        new(BUY, 101, 1, 2),
    )
    assert said[0] == []
    assert said[3] == [
        "execute #2 sell 101 x 1 leaves 0",
        "trade book buy 101 x 1",
        "execute #3 sell 102 x 1 leaves 0",
        "trade book buy 102 x 1",
        "add #1 buy 102 x 3.",
    ]


def test_a_peg_appears_moves_and_parks():
    peg = new(BUY, 105, 2, 2, order_type=OrderType.PEGGED, peg=Peg.PRIMARY)
    assert published(
        market(),
        peg,
        new(BUY, 100, 1),
        new(BUY, 101, 1),
        m.AmendOrder(account=2, order_id=1, qty_lots=5),
        m.MassCancel(account=1),
    ) == [
        [],
        ["add #2 buy 100 x 1", "add #1 buy 100 x 2."],
        ["add #3 buy 101 x 1", "move #1 buy 101 x 2."],
        ["delete #1 buy 101 x 2", "add #1 buy 101 x 5."],
        ["delete #3 buy 101 x 1", "delete #2 buy 100 x 1", "delete #1 buy 101 x 5."],
    ]


def test_an_uncross_executes_both_sides():
    said = published(
        market(initial_state=SessionState.AUCTION),
        new(BUY, 102, 5, display_lots=2),
        new(SELL, 100, 3, 2),
        m.SetState(state=SessionState.CONTINUOUS),
        feeds=Feed.L3 | Feed.TRADES | Feed.STATUS,
    )
    assert said[1] == ["add #2 sell 100 x 3", "indicative 102 x 3 surplus 2."]
    assert said[2] == [
        "uncross 102 x 3 surplus 2",
        "execute #1 buy 102 x 2 leaves 0",
        "execute #2 sell 100 x 2 leaves 1",
        "trade uncross buy 102 x 2",
        "add #1 buy 102 x 2",
        "execute #1 buy 102 x 1 leaves 1",
        "execute #2 sell 100 x 1 leaves 0",
        "trade uncross buy 102 x 1",
        "state continuous.",
    ]


def test_a_market_order_waiting_for_the_uncross_is_unseen():
    call = new(BUY, 0, 4, order_type=OrderType.MARKET, tif=TimeInForce.AUCTION)
    said = published(
        market(initial_state=SessionState.AUCTION),
        m.SetCurve(params=LINEAR),
        m.ProposeAnchor(low_ticks=100, high_ticks=100),
        call,
        new(SELL, 100, 3, 2),
        m.SetState(state=SessionState.CONTINUOUS),
    )
    assert said[2] == []
    assert said[4] == ["execute #2 sell 100 x 3 leaves 0", "trade uncross buy 100 x 3."]


def test_the_curve_lifts_shown_and_hidden_asks():
    lift = msgspec.structs.replace(LINEAR, anchor_move=AnchorMove.LIFT, lift_max_lots=50, par_lots=20)
    said = published(
        market(),
        new(SELL, 98, 5, display_lots=2),
        new(SELL, 98, 3, 2, hidden=True),
        m.SetCurve(params=lift),
        m.ProposeAnchor(low_ticks=100, high_ticks=100),
    )
    assert said[3] == [
        "execute #1 sell 98 x 2 leaves 0",
        "trade lift buy 98 x 2",
        "add #1 sell 98 x 2",
        "execute #1 sell 98 x 2 leaves 0",
        "trade lift buy 98 x 2",
        "add #1 sell 98 x 1",
        "execute #1 sell 98 x 1 leaves 0",
        "trade lift buy 98 x 1",
        "trade lift buy 98 x 3 hidden.",
    ]


@pytest.mark.parametrize("side", [BUY, SELL])
def test_an_uncross_with_the_curve_executes_the_one_order(side: Side):
    both_ways = msgspec.structs.replace(LINEAR, min_net_lots=-50)
    price_ticks = 110 if side is BUY else 90
    said = published(
        market(initial_state=SessionState.AUCTION, curve_in_auction=True),
        m.SetCurve(params=both_ways),
        m.ProposeAnchor(low_ticks=100, high_ticks=100),
        new(side, price_ticks, 3, display_lots=2),
        m.SetState(state=SessionState.CONTINUOUS),
    )
    lines = [line for line in said[3] if not line.startswith("add")]
    executed = [line for line in lines if line.startswith("execute #1")]
    prints = [line for line in lines if line.startswith(f"trade uncross_curve {side.name.lower()}")]
    assert len(executed) == len(prints) == 2
    assert executed[-1] == f"execute #1 {side.name.lower()} {price_ticks} x 1 leaves 0"
    assert len(lines) == 4


def test_a_stop_through_its_trigger_appears_with_what_is_left_of_it():
    said = published(
        market(stop_through_triggers=True),
        new(SELL, 100, 1),
        new(BUY, 100, 1, 2),
        new(SELL, 101, 2),
        new(BUY, 101, 5, 3, stop_ticks=99),
    )
    assert said[3] == ["execute #3 sell 101 x 2 leaves 0", "trade book buy 101 x 2", "add #4 buy 101 x 3."]


def test_a_bust_names_its_trade():
    engine = market(bust_window=5)
    publisher = Publisher(feeds=Feed.TRADES)
    for command in (new(SELL, 100, 5), new(BUY, 100, 2, 2)):
        messages = publisher.publish(engine.apply(command))
    trade_id = int(messages["trade_id"][0])
    bust = publisher.publish(engine.apply(m.BustTrade(trade_seq=trade_id)))
    assert texts(bust) == ["bust book buy 100 x 2."]
    assert bust["trade_id"].tolist() == [trade_id]


def test_the_curve_stands_apart_in_levels_and_touch():
    said = published(
        market(),
        new(BUY, 99, 2),
        m.SetCurve(params=LINEAR),
        m.ProposeAnchor(low_ticks=100, high_ticks=100),
        new(SELL, 100, 3, 2, tif=TimeInForce.IOC),
        m.WithdrawCurve(),
        m.FundCurve(cash_notional=5),
        feeds=Feed.L1 | Feed.L2,
    )
    assert said[0] == ["level book buy 99 x 2 in 1", "touch book buy 99 x 2 in 1."]
    assert said[2][0] == "level curve buy 100 x 3 in 0"
    assert said[2][-1] == "touch curve buy 100 x 3 in 0."
    assert said[3][:2] == ["last curve sell 100 x 3.", "level curve buy 100 x 0 in 0"]
    assert all(" curve " in line and " x 0 " in line for line in said[4])


def test_each_publisher_numbers_its_own_feeds_without_gaps():
    engine = market()
    publishers = {feeds: Publisher(feeds=feeds) for feeds in (Feed.L1, Feed.L2, Feed.ALL)}
    for command in (new(SELL, 100, 5), new(SELL, 101, 5), new(BUY, 100, 7, 2), new(BUY, 99, 1)):
        events = engine.apply(command)
        for feeds, publisher in publishers.items():
            first = publisher.last_seq + 1
            messages = publisher.publish(events)
            assert messages["seq"].tolist() == list(range(first, first + len(messages)))
            assert all(FEED_OF[MessageKind(kind)] & feeds for kind in messages["kind"].tolist())
    assert publishers[Feed.L1].last_seq < publishers[Feed.ALL].last_seq


def test_refusals_and_private_events_publish_nothing():
    said = published(
        market(),
        new(SELL, 0, 5),
        m.Advance(ts_ns=5),
        m.DeadMan(account=1, timeout_ns=5),
        new(BUY, 10, 1, tif=TimeInForce.IOC),
        feeds=Feed.ALL,
    )
    assert said == [[], [], [], []]


def test_structs_and_records_publish_the_same():
    events = market().apply(new(SELL, 100, 5))
    assert Publisher().publish(events).tobytes() == Publisher().publish(event_records(events)).tobytes()
