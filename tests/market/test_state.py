"""The canonical state says everything a market remembers: each field once at a value that is not its default."""

from __future__ import annotations

from typing import Any

import numpy as np

from parbook.codes import OrderType, Peg, Place, SessionState, Side, Source, StpMode, TimeInForce, Trigger
from parbook.interface import MarketProtocol
from parbook.messages import SetCurve
from parbook.records import CURVE
from parbook.state import ANCHOR, CONFIG, CURVE_STATE, DEAD_ID, HEADER, ORDER
from tests.parity.reading import read
from tests.support.scenario_commands import curve_params, instrument_of, parse_command


def market_after(market_class: Any, settings: str, *lines: str) -> MarketProtocol:
    """The market after these command lines of the scenario grammar."""
    market: MarketProtocol = market_class(instrument_of(settings))
    for line in lines:
        market.apply(parse_command(line))
    return market


def test_the_header(market_class):
    market = market_after(
        market_class,
        "initial_state=auction bust_window=2",
        "account 7 position_lots=1",
        "buy 100 x 1 by 1",
        "sell 100 x 1 by 2 client 5",
        "state continuous at 3",
        "sell 104 x 2 by 2",
        "buy 104 x 1 by 1 at 8",
        "state closing",
        "buy 105 x 4 by 3",
    )
    header = read(market).header
    assert {name: header[name].item() for name in HEADER.names or () if name != "reserved"} == {
        "magic": b"PBSTATE3",
        "now_ns": 8,
        "next_seq": market.next_seq,
        "next_command": 9,
        "next_order_id": 6,
        "last_trade_ticks": 104,
        "last_auction_ticks": 100,
        "phase": SessionState.CLOSING,
        "closed": 0,
        "delisted": 0,
        "indicative_ticks": 105,
        "indicative_paired_lots": 1,
        "indicative_surplus_lots": 3,
        "has_curve": 0,
        "proposed": 0,
        "accounts": 1,
        "trades": 2,
        "open_orders": 2,
        "dead_ids": 1,
    }


def test_what_lies_beneath_a_delisting(market_class):
    header = read(market_after(market_class, "", "state halted", "state closed", "state delisted")).header
    assert (header["phase"], header["closed"], header["delisted"]) == (SessionState.HALTED, 1, 1)


def test_the_configuration(market_class):
    settings = "collar_ppm=7 max_pegs=3 stp=cancel-both market_rests=true bust_window=9 breach_state=halted"
    config = np.frombuffer(market_after(market_class, settings).state_bytes(), CONFIG, 1, HEADER.itemsize)[0]
    named = ("collar_ppm", "max_pegs", "stp", "market_rests", "bust_window", "breach_state")
    assert [config[name] for name in named] == [7, 3, StpMode.CANCEL_BOTH, 1, 9, SessionState.HALTED]


def test_the_curve_and_what_waits(market_class):
    market: MarketProtocol = market_class(instrument_of(""))
    params = curve_params("pmm depth=20 base=50 k=500000 budget=100000")
    market.apply(SetCurve(params=params))
    for line in ("anchor 100..100", "sell 50 x 3 by 1", "anchor 90..94"):
        market.apply(parse_command(line))
    waits = curve_params("pmm depth=20 base=50 k=500000 budget=100000 delay=40")
    state = market.state_bytes()
    at = HEADER.itemsize + CONFIG.itemsize
    record = np.frombuffer(state, CURVE, 1, at)[0]
    assert (record["quote_depth_lots"], record["base_depth_lots"], record["k_ppm"]) == (20, 50, 500_000)
    curve = np.frombuffer(state, CURVE_STATE, 1, at + CURVE.itemsize)[0]
    view = market.curve
    assert view is not None
    assert curve.item() == (1, 90, 94, 3, view.cash_notional, 3)
    market.apply(SetCurve(params=waits))
    market.apply(parse_command("anchor 91..95 at 2"))
    state = market.state_bytes()
    assert np.frombuffer(state, CURVE_STATE, 1, at + CURVE.itemsize)[0].item() == (1, 90, 94, 0, 100_000, 0)
    assert np.frombuffer(state, ANCHOR, 1, at + CURVE.itemsize + CURVE_STATE.itemsize)[0].item() == (91, 95, 42)


def test_an_account_with_its_bucket_and_deadline(market_class):
    market = market_after(
        market_class,
        "",
        "account 7 rate_per_second=2",
        "account 7 rate_burst=3",
        "account 7 stp_group=4",
        "deadman 7 in 50 at 10",
        "buy 99 x 1 by 7",
    )
    (account,) = read(market).accounts
    named = ("account", "stp_group", "rate_per_second", "rate_burst", "bucket", "bucket_at_ns", "deadline_ns")
    assert [account[name] for name in named] == [7, 4, 2, 3, 2 * 10**9, 10, 60]


def test_a_quote_s_window(market_class):
    market = market_after(
        market_class,
        "",
        "account 7 protection_lots=5",
        "account 7 protection_window_ns=100",
        "quote 7 slot 2 bid 99 x 9 ask 101 x 9",
        "sell 99 x 3 by 1 at 6",
        "buy 101 x 2 by 1 at 8",
    )
    (account,) = read(market).accounts
    named = ("protection_lots", "protection_window_ns", "protection_since_ns", "protection_filled_lots", "protected")
    assert [account[name] for name in named] == [5, 100, 6, 5, 1]
    assert account["position_lots"] == 1


def test_a_trade_that_can_be_busted(market_class):
    market = market_after(market_class, "bust_window=3", "sell 100 x 5 by 1", "buy 100 x 2 by 2", "bust 3")
    (trade,) = read(market).trades
    assert trade.item()[:10] == (3, 100, 2, 0, 0, 2, 1, Source.BOOK, Side.BUY, 1)


def rows(market: MarketProtocol) -> dict[int, dict[str, int]]:
    """The ORDER records by id, each with the fields that are not 0."""
    names = [name for name in ORDER.names or () if name != "order_id"]
    return {int(row["order_id"]): {name: int(row[name]) for name in names if row[name]} for row in read(market).orders}


EVERY_TERM = {
    3: {
        "client_id": 8,
        "account": 3,
        "session": 2,
        "place": Place.ICEBERG,
        "price_ticks": 100,
        "qty_lots": 9,
        "filled_lots": 1,
        "shown_lots": 3,
        "display_lots": 4,
    },
    5: {
        "account": 3,
        "place": Place.HIDDEN,
        "hidden": 1,
        "stp": StpMode.DECREMENT,
        "price_ticks": 99,
        "qty_lots": 5,
    },
    6: {
        "account": 5,
        "side": Side.SELL,
        "place": Place.ARMED,
        "price_ticks": 90,
        "qty_lots": 5,
        "stop_ticks": 95,
        "oco_order_id": 7,
    },
    7: {
        "account": 5,
        "tif": TimeInForce.GTD,
        "price_ticks": 90,
        "qty_lots": 5,
        "expire_ns": 70,
        "oco_order_id": 6,
    },
    8: {
        "account": 6,
        "side": Side.SELL,
        "place": Place.ARMED,
        "reduce_only": 1,
        "price_ticks": 80,
        "qty_lots": 2,
        "stop_ticks": 90,
        "trail_ppm": 100_000,
    },
    9: {
        "account": 6,
        "side": Side.SELL,
        "tif": TimeInForce.DAY,
        "place": Place.ARMED,
        "price_ticks": 80,
        "qty_lots": 2,
        "stop_ticks": 93,
        "offset_ticks": 7,
    },
    10: {
        "account": 3,
        "order_type": OrderType.PEGGED,
        "peg": Peg.PRIMARY,
        "price_ticks": 98,
        "qty_lots": 5,
        "offset_ticks": -2,
        "limit_ticks": 98,
    },
    11: {
        "account": 7,
        "side": Side.SELL,
        "order_type": OrderType.POST_ONLY,
        "quote_slot": 3,
        "price_ticks": 120,
        "qty_lots": 9,
    },
}


def test_every_term_of_an_order(market_class):
    market = market_after(
        market_class,
        "stop_through_triggers=false",
        "account 6 position_lots=9",
        "sell 110 x 1 by 1",
        "buy 110 x 1 by 2",
        "buy 100 x 9 by 3 show 4 client 8 session 2",
        "sell 100 x 1 by 4",
        "buy 99 x 5 by 3 hidden stp decrement",
        "sell 90 x 5 by 5 stop 95",
        "buy 90 x 5 by 5 oco #6 gtd 70",
        "sell 80 x 2 by 6 trail 100000 ppm reduce-only",
        "sell 80 x 2 by 6 trail 7 day",
        "buy 98 x 5 by 3 peg primary -2",
        "quote 7 slot 2 ask 120 x 9",
    )
    assert rows(market) == EVERY_TERM


def test_stops_on_the_anchor_and_orders_that_wait_for_an_auction(market_class):
    market: MarketProtocol = market_class(instrument_of("initial_state=auction"))
    market.apply(SetCurve(params=curve_params("pmm depth=4 base=6")))
    for line in ("anchor 100..100", "buy 120 x 2 by 1 stop 110 on-anchor", "sell market x 3 by 2 auction"):
        market.apply(parse_command(line))
    assert rows(market) == {
        1: {
            "account": 1,
            "place": Place.ARMED,
            "trigger": Trigger.ANCHOR,
            "price_ticks": 120,
            "qty_lots": 2,
            "stop_ticks": 110,
        },
        2: {
            "account": 2,
            "side": Side.SELL,
            "order_type": OrderType.MARKET,
            "tif": TimeInForce.AUCTION,
            "place": Place.CALL,
            "qty_lots": 3,
            "limit_ticks": 95,
        },
    }


def test_dead_client_ids_oldest_first(market_class):
    lines = [
        line for client in (5, 3, 9) for line in (f"buy 99 x 1 by 1 client {client}", f"cancel client {client} by 1")
    ]
    state = market_after(market_class, "client_id_window=2", *lines).state_bytes()
    assert np.frombuffer(state[-2 * DEAD_ID.itemsize :], DEAD_ID).tolist() == [(1, 3), (1, 9)]
