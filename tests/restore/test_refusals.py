"""Bytes that are no state: each flaw is found by both implementations, at the same record, in the same words."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import parbook._exchange
import parbook.reference
from parbook import exchange_state, state
from parbook import messages as m
from parbook.codes import CurveShape, OrderType, Peg, Place, Source, TimeInForce, Trigger
from parbook.errors import CorruptionError, MisuseError
from parbook.flaws import REMEDY, Flaw
from parbook.instrument import Instrument
from parbook.listing import Asset, Listing
from parbook.records import CURVE
from tests.restore.damage import Parts, cut
from tests.support.scenario_commands import curve_params, instrument_of, parse_command

ACCOUNT, ANCHOR, CURVE_STATE, DEAD_ID, ORDER, TRADE = (
    state.ACCOUNT,
    state.ANCHOR,
    state.CURVE_STATE,
    state.DEAD_ID,
    state.ORDER,
    state.TRADE,
)
SETTINGS = "bust_window=5 max_pegs=2 max_trailing=1 client_id_window=3 max_orders=50"
MARKETS: dict[str, Any] = {"reference": parbook.reference.Market, "core": parbook.Market}
EXCHANGES: dict[str, Any] = {"reference": parbook.reference.Exchange, "core": parbook._exchange.Exchange}
LINES = (
    "account 7 position_lots=9",
    "account 7 rate_per_second=5",
    "account 8 max_open_orders=20",
    "deadman 7 in 500 at 10",
    "buy 90 x 9 by 1 client 5 show 3",
    "buy 90 x 5 by 2 client 6",
    "buy 89 x 5 by 2",
    "sell 110 x 4 by 3 gtd 400",
    "buy 88 x 5 by 1 hidden",
    "sell 95 x 2 by 4",
    "buy 95 x 1 by 5",
    "buy 95 x 1 by 5 client 9",
    "sell 120 x 2 by 3 stop 80 oco #4",
    "sell 70 x 2 by 7 stop 85 reduce-only",
    "sell 70 x 2 by 1 trail 20",
    "buy 85 x 2 by 1 peg primary -3",
    "sell 150 x 2 by 2 peg anchor +1152921504606846975",
    "quote 8 slot 1 bid 80 x 3 ask 130 x 3",
    "anchor 100..101 at 20",
    "time at 60",
    "sell 95 x 1 by 9",
    "anchor 102..103 at 70",
    "anchor 102..104 at 75",
)
"""1 to 3 and 5: bids, 4: an ask with an expiry and a partner, 6 to 8: trades, 9: its partner, 10: a reduce-only stop,
11: a trailing stop, 12: a peg that rests, 13: one that is parked, 14 and 15: a quote, 16: sold to the curve."""


def market_state(settings: str = SETTINGS) -> tuple[Instrument, bytes]:
    """Return the state of a market that holds some of everything."""
    market = parbook.Market(instrument_of(settings))
    market.apply(m.SetCurve(params=curve_params("pmm depth=20 base=50 k=500000 budget=100000 delay=40")))
    for line in LINES:
        market.apply(parse_command(line))
    market.check()
    return market.instrument, market.state_bytes()


def told(load: Callable[[Any], Any]) -> str:
    """Return what both implementations say of the bytes, which must be the same."""
    said = []
    for name in ("reference", "core"):
        with pytest.raises(CorruptionError) as caught:
            load(name)
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert said[0].endswith(REMEDY)
    return said[0]


def damaged(change: Callable[[Parts], None], settings: str = SETTINGS) -> str:
    """Return what is said of the state of a market after a change."""
    instrument, data = market_state(settings)
    parts = cut(data)
    change(parts)
    return told(lambda name: MARKETS[name].from_state(instrument, parts.bytes()))


def of_order(number: int, **fields: int) -> Callable[[Parts], None]:
    """Return the change of an order's fields."""

    def change(parts: Parts) -> None:
        orders = parts.records(ORDER)
        (at,) = np.flatnonzero(orders["order_id"] == number)
        for name, value in fields.items():
            orders[name][at] = value

    return change


def of(dtype: np.dtype[np.void], at: int, **fields: int) -> Callable[[Parts], None]:
    """Return the change of a record's fields."""

    def change(parts: Parts) -> None:
        for name, value in fields.items():
            parts.records(dtype)[name][at] = value

    return change


def test_the_state_they_are_made_of_holds_some_of_everything():
    instrument, data = market_state()
    parts = cut(data)
    assert {name: len(parts.records(dtype)) for name, dtype in (("a", ACCOUNT), ("t", TRADE), ("d", DEAD_ID))} == {
        "a": 2,
        "t": 3,
        "d": 1,
    }
    assert set(parts.records(ORDER)["place"].tolist()) >= {0, 1, 2, 3, 5}
    for kind in MARKETS.values():
        assert kind.from_state(instrument, data).state_bytes() == data


# --- the bytes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: b"", "begins with b'', not with b'PBSTATE3'"),
        (lambda data: b"PBSTATE2" + data[8:], "begins with b'PBSTATE2'"),
        (lambda data: data[:40], "byte 0: 1 header need"),
        (lambda data: data[:-1], r"dead ids need \d+ bytes, \d+ are left"),
        (lambda data: data + b"\0", "1 bytes follow where it should end"),
        (lambda data: data[: state.HEADER.itemsize + 3], "1 configuration need 176 bytes, 3 are left"),
    ],
)
def test_bytes_of_another_length_or_beginning(change, words):
    instrument, data = market_state()
    assert re.search(words, told(lambda name: MARKETS[name].from_state(instrument, change(data))))


@pytest.mark.parametrize("length", range(0, 3000, 37))
def test_a_state_that_was_cut_off(length):
    instrument, data = market_state()
    told(lambda name: MARKETS[name].from_state(instrument, data[: min(length, len(data) - 1)]))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("now_ns", -1),
        ("next_seq", 0),
        ("next_command", 0),
        ("next_order_id", 2**40),
        ("last_trade_ticks", -1),
        ("last_auction_ticks", 2**60),
        ("phase", 5),
        ("closed", 2),
        ("delisted", 2),
        ("indicative_ticks", 5),
        ("has_curve", 2),
        ("proposed", 17),
        ("accounts", 2**63),
        ("trades", 6),
        ("open_orders", 51),
        ("dead_ids", 4),
    ],
)
def test_a_header_s_field_outside_its_range(field, value):
    assert f"header: {field}={value} is outside" in damaged(lambda parts: parts.header.__setitem__(field, value))


def test_a_phase_that_cannot_lie_under_a_close_and_a_surplus_without_a_price():
    assert "phase 0 cannot lie under a close" in damaged(lambda parts: parts.header.__setitem__("closed", 1))
    surplus = damaged(lambda parts: parts.header.__setitem__("indicative_surplus_lots", -3))
    assert "a surplus is indicated without a price" in surplus


def test_a_reserved_byte():
    assert "a reserved byte is not 0" in damaged(lambda parts: parts.header["reserved"].__setitem__((0, 2), 1))


def test_the_configuration_of_another_instrument():
    _, data = market_state()
    other = instrument_of("bust_window=5 max_pegs=3 max_trailing=1 client_id_window=3 max_orders=50")
    said = told(lambda name: MARKETS[name].from_state(other, data))
    assert said.startswith("state of market TEST, configuration: max_pegs is 2 where the instrument says 3.")


# --- the records --------------------------------------------------------------------------------

MARKET_FLAWS: list[tuple[str, int, Flaw, Callable[[Parts], None]]] = [
    ("order", 0, Flaw.ID_OUT_OF_RANGE, of_order(1, order_id=0)),
    ("order", 0, Flaw.ID_OUT_OF_RANGE, of_order(1, order_id=2**60)),
    ("order", 0, Flaw.NO_ACCOUNT, of_order(1, account=0)),
    ("order", 0, Flaw.UNKNOWN_NUMBER, of_order(1, stp=6)),
    ("order", 0, Flaw.UNKNOWN_NUMBER, of_order(1, reserved=1)),
    ("order", 0, Flaw.LOTS_OUT_OF_RANGE, of_order(1, filled_lots=9)),
    ("order", 0, Flaw.LOTS_OUT_OF_RANGE, of_order(1, qty_lots=2**38)),
    ("order", 0, Flaw.PRICE_OUT_OF_RANGE, of_order(1, price_ticks=2**60)),
    ("order", 0, Flaw.PRICE_OUT_OF_RANGE, of_order(1, offset_ticks=-(2**63))),
    ("order", 0, Flaw.DISPLAY_OUT_OF_RANGE, of_order(1, shown_lots=4)),
    ("order", 0, Flaw.DISPLAY_OUT_OF_RANGE, of_order(1, qty_lots=3001)),
    ("order", 1, Flaw.DISPLAY_OUT_OF_RANGE, of_order(2, shown_lots=1)),
    ("order", 0, Flaw.TIME_OUT_OF_RANGE, of_order(1, expire_ns=999)),
    ("order", 0, Flaw.TERMS_CONTRADICT, of_order(1, peg=Peg.MID)),
    ("order", 0, Flaw.TERMS_CONTRADICT, of_order(1, oco_order_id=1)),
    ("order", 0, Flaw.TERMS_CONTRADICT, of_order(1, trigger=Trigger.ANCHOR)),
    ("order", 0, Flaw.TERMS_CONTRADICT, of_order(1, order_type=OrderType.MARKET_TO_LIMIT)),
    ("order", 0, Flaw.TERMS_CONTRADICT, of_order(1, order_type=OrderType.POST_ONLY, reduce_only=1)),
    ("order", 0, Flaw.TERMS_CONTRADICT, of_order(1, limit_ticks=90)),
    ("order", 0, Flaw.WRONG_PLACE, of_order(1, hidden=1)),
    ("order", 1, Flaw.WRONG_PLACE, of_order(2, place=Place.ARMED)),
    ("order", 1, Flaw.WRONG_PLACE, of_order(2, tif=TimeInForce.IOC)),
    ("order", 1, Flaw.WRONG_PLACE, of_order(2, price_ticks=0)),
    ("order", 1, Flaw.NOTIONAL_OVERFLOW, of_order(2, price_ticks=2**59, qty_lots=2**37)),
    ("order", 1, Flaw.OUT_OF_ORDER, of_order(2, price_ticks=91)),
    ("order", 1, Flaw.OUT_OF_ORDER, lambda parts: parts.swap(ORDER, 0, -1)),
    ("order", 1, Flaw.ORDER_ID_TWICE, of_order(2, order_id=1)),
    ("order", 1, Flaw.CLIENT_ID_TWICE, of_order(2, account=1, client_id=5)),
    ("order", 1, Flaw.NOT_REGISTERED, of_order(2, reduce_only=1)),
    ("account", 0, Flaw.NO_ACCOUNT, of(ACCOUNT, 0, account=2**32)),
    ("account", 0, Flaw.LIMIT_OUT_OF_RANGE, of(ACCOUNT, 0, rate_burst=0)),
    ("account", 1, Flaw.LIMIT_OUT_OF_RANGE, of(ACCOUNT, 1, protected=2)),
    ("account", 1, Flaw.LIMIT_OUT_OF_RANGE, of(ACCOUNT, 1, protection_filled_lots=2**63 - 1)),
    ("account", 1, Flaw.LIMIT_OUT_OF_RANGE, of(ACCOUNT, 1, position_lots=-(2**63))),
    ("account", 0, Flaw.BUCKET_OUT_OF_RANGE, of(ACCOUNT, 0, bucket=10**9 + 1)),
    ("account", 0, Flaw.TIME_OUT_OF_RANGE, of(ACCOUNT, 0, bucket_at_ns=76)),
    ("account", 0, Flaw.TIME_OUT_OF_RANGE, of(ACCOUNT, 0, deadline_ns=74)),
    ("account", 1, Flaw.OUT_OF_ORDER, of(ACCOUNT, 1, account=7)),
    ("trade", 0, Flaw.SEQUENCE_OUT_OF_RANGE, of(TRADE, 0, seq=2**62)),
    ("trade", 0, Flaw.UNKNOWN_NUMBER, of(TRADE, 0, busted=2)),
    ("trade", 0, Flaw.PRICE_OUT_OF_RANGE, of(TRADE, 0, price_ticks=0)),
    ("trade", 0, Flaw.LOTS_OUT_OF_RANGE, of(TRADE, 0, qty_lots=0)),
    ("trade", 0, Flaw.ACCOUNTS_CONTRADICT, of(TRADE, 0, maker_account=0)),
    ("trade", 0, Flaw.ACCOUNTS_CONTRADICT, of(TRADE, 0, source=Source.LIFT)),
    ("trade", 0, Flaw.FEES_OUT_OF_RANGE, of(TRADE, 0, taker_fee_atoms=1)),
    ("trade", 1, Flaw.OUT_OF_ORDER, lambda parts: parts.swap(TRADE, 0, 1)),
    ("dead id", 0, Flaw.NO_ACCOUNT, of(DEAD_ID, 0, account=0)),
    ("dead id", 0, Flaw.CLIENT_ID_MISSING, of(DEAD_ID, 0, client_id=0)),
    ("dead id", 0, Flaw.CLIENT_ID_TWICE, of(DEAD_ID, 0, account=1, client_id=5)),
    ("dead id", 1, Flaw.CLIENT_ID_TWICE, lambda parts: parts.twice(DEAD_ID, 0)),
    ("curve", 0, Flaw.UNKNOWN_NUMBER, of(CURVE, 0, instrument=1)),
    ("curve", 0, Flaw.CURVE_PARAMETERS, of(CURVE, 0, shape=9)),
    ("curve", 0, Flaw.UNKNOWN_NUMBER, of(CURVE, 0, reserved=(1, 0, 0))),
    ("curve", 0, Flaw.UNKNOWN_NUMBER, of(CURVE, 0, reserved=(0, 0, 1))),
    ("curve", 0, Flaw.CURVE_PARAMETERS, of(CURVE, 0, anchor_move=2)),
    ("curve", 0, Flaw.CURVE_PARAMETERS, of(CURVE, 0, resale=2)),
    ("curve", 0, Flaw.CURVE_PARAMETERS, of(CURVE, 0, resale=255)),
    ("curve", 0, Flaw.CURVE_PARAMETERS, of(CURVE, 0, k_ppm=-1)),
    ("curve state", 0, Flaw.CURVE_STATE, of(CURVE_STATE, 0, quoting=2)),
    ("curve state", 0, Flaw.CURVE_STATE, of(CURVE_STATE, 0, net_lots=2**40)),
    ("curve state", 0, Flaw.CURVE_STATE, of(CURVE_STATE, 0, cash_notional=-1)),
    ("curve state", 0, Flaw.CURVE_STATE, of(CURVE_STATE, 0, quoting=0, compiled_at_net_lots=1)),
    ("anchor", 0, Flaw.PRICE_OUT_OF_RANGE, of(ANCHOR, 0, low_ticks=0)),
    ("anchor", 0, Flaw.TIME_OUT_OF_RANGE, of(ANCHOR, 0, effective_at_ns=3)),
    ("anchor", 1, Flaw.TIME_OUT_OF_RANGE, lambda parts: parts.swap(ANCHOR, 0, 1)),
]


@pytest.mark.parametrize(("part", "index", "flaw", "change"), MARKET_FLAWS)
def test_a_flaw_of_a_market(part, index, flaw, change):
    assert damaged(change) == f"state of market TEST, {part} {index}: {flaw.doc}. {REMEDY}"


def index_of(order_id: int) -> int:
    """Return where an order stands in the state."""
    _, data = market_state()
    return int(np.flatnonzero(cut(data).records(ORDER)["order_id"] == order_id)[0])


@pytest.mark.parametrize(
    ("order_id", "flaw", "fields"),
    [
        (4, Flaw.TIME_OUT_OF_RANGE, {"expire_ns": 74}),
        (4, Flaw.NO_PARTNER, {"oco_order_id": 2}),
        (4, Flaw.NO_PARTNER, {"oco_order_id": 0}),
        (4, Flaw.NO_PARTNER, {"account": 2}),
        (10, Flaw.NOT_REGISTERED, {"account": 2}),
        (10, Flaw.WRONG_PLACE, {"filled_lots": 1}),
        (12, Flaw.TERMS_CONTRADICT, {"limit_ticks": 0}),
        (13, Flaw.WRONG_PLACE, {"price_ticks": 150}),
        (15, Flaw.TERMS_CONTRADICT, {"tif": TimeInForce.DAY}),
        (15, Flaw.UNKNOWN_NUMBER, {"quote_slot": 17}),
    ],
)
def test_a_flaw_of_an_order_with_terms(order_id, flaw, fields):
    # Whoever stands first of two partners that do not name each other is told of.
    places = [index_of(order_id)] + ([index_of(9)] if flaw is Flaw.NO_PARTNER else [])
    assert damaged(of_order(order_id, **fields)).startswith(
        tuple(f"state of market TEST, order {place}: {flaw.doc}." for place in places)
    )


def test_a_quote_that_stands_twice():
    def change(parts: Parts) -> None:
        of_order(2, account=8, client_id=0, order_type=OrderType.POST_ONLY, quote_slot=2)(parts)

    assert Flaw.QUOTE_TWICE.doc in damaged(change)


def test_more_pegs_and_trailing_stops_than_the_instrument_allows():
    def another_peg(parts: Parts) -> None:
        at = len(parts.records(ORDER)) - 1
        parts.twice(ORDER, at)
        parts.records(ORDER)["order_id"][at + 1] = 17
        parts.header["next_order_id"] = 18

    def another_trailing_stop(parts: Parts) -> None:
        of_order(10, reduce_only=0, trail_ppm=5)(parts)

    assert Flaw.TOO_MANY.doc in damaged(another_peg)
    assert Flaw.TOO_MANY.doc in damaged(another_trailing_stop)


def test_a_crossed_book_where_orders_match():
    said = damaged(of_order(1, price_ticks=120))
    assert said == f"state of market TEST, orders: {Flaw.BOOK_CROSSED.doc}. {REMEDY}"


def test_what_no_command_leaves_behind():
    """The next one would be the first to see it; a market that an exchange has not named since would not."""
    reducing = of_order(3, account=7, reduce_only=1)
    assert damaged(reducing) == f"state of market TEST, account 0: {Flaw.REDUCES_TOO_MUCH.doc}. {REMEDY}"
    elsewhere = of_order(12, limit_ticks=84)
    assert damaged(elsewhere) == f"state of market TEST, order id 12: {Flaw.PEG_ELSEWHERE.doc}. {REMEDY}"


def test_an_indication_that_is_not_what_an_uncross_would_do():
    market = parbook.Market(instrument_of("initial_state=auction"))
    for line in ("buy 101 x 3 by 1", "sell 99 x 5 by 2"):
        market.apply(parse_command(line))
    parts = cut(market.state_bytes())
    parts.header["indicative_paired_lots"] = 2
    said = told(lambda name: MARKETS[name].from_state(market.instrument, parts.bytes()))
    assert said == f"state of market TEST, header: {Flaw.INDICATION_STALE.doc}. {REMEDY}"


@pytest.mark.parametrize("name", list(MARKETS))
def test_what_is_no_bytes_or_no_instrument_is_misuse(name):
    instrument, data = market_state()
    for wrong in (bytearray(data), memoryview(data), "text", None, 5):
        with pytest.raises(MisuseError, match=r"a state is bytes, as state_bytes\(\) returns them, not"):
            MARKETS[name].from_state(instrument, wrong)
    with pytest.raises((MisuseError, AttributeError)):
        MARKETS[name].from_state("TEST", data)


# --- exchanges ----------------------------------------------------------------------------------

ASSETS = [Asset(name="SME"), Asset(name="USD", decimals=6)]
LISTINGS = [
    Listing(instrument=Instrument(symbol="SME/USD", bust_window=5), base=0, quote=1, max_fee_ppm=1000, treasury=9)
]


def exchange_state_of(*more: m.Command) -> bytes:
    """Return the state of an exchange that holds some of everything."""
    exchange = parbook._exchange.Exchange(outcome_window=5)
    for asset in ASSETS:
        exchange.add_asset(asset)
    exchange.add_instrument(LISTINGS[0])
    curve = m.CurveParams(
        shape=CurveShape.PMM, base_depth_lots=50, quote_depth_lots=20, budget_notional=5000, min_net_lots=-10, k_ppm=500
    )
    commands = [
        *(m.Deposit(account=n, asset=a, amount_atoms=10_000, txn_id=10 * n + a) for n in (1, 2, 9) for a in (0, 1)),
        m.SetFees(tier=0, maker_ppm=0, taker_ppm=100),
        m.SetFees(tier=1, maker_ppm=-50, taker_ppm=200),
        m.SetTier(account=1, tier=1),
        m.SetTier(account=2, tier=1),
        m.SetStatus(account=3, status=1),
        m.SetStatus(account=4, status=2),
        m.SetCurve(params=curve),
        m.ProposeAnchor(low_ticks=100, high_ticks=100),
        m.NewOrder(account=1, side=0, price_ticks=50, qty_lots=5, session=4, session_ref=1),
        m.NewOrder(account=2, side=1, price_ticks=50, qty_lots=2, session=2, session_ref=7, ts_ns=77),
        m.NewOrder(account=1, side=0, price_ticks=51, qty_lots=5, session=4, session_ref=2),
        *more,
    ]
    for command in commands:
        exchange.apply(command)
    exchange.check()
    return exchange.state_bytes()


def exchange_damaged(change: Callable[[Parts], None]) -> str:
    """Return what is said of the state of an exchange after a change."""
    parts = cut(exchange_state_of())
    change(parts)
    return told(lambda name: EXCHANGES[name].from_state(parts.bytes(), ASSETS, LISTINGS))


def in_market(change: Callable[[Parts], None]) -> Callable[[Parts], None]:
    """Return the change of the state of an exchange's only market."""

    def outer(parts: Parts) -> None:
        inner = cut(parts.tail[8:])
        change(inner)
        parts.tail = len(inner.bytes()).to_bytes(8, "little") + inner.bytes()

    return outer


BALANCE, TIER, MEMBER, STATUS, TXN, SESSION, OUTCOME = (
    exchange_state.BALANCE,
    exchange_state.TIER,
    exchange_state.MEMBER,
    exchange_state.STATUS,
    exchange_state.TXN,
    exchange_state.SESSION,
    exchange_state.OUTCOME,
)
EXCHANGE_FLAWS: list[tuple[str, int, Flaw, Callable[[Parts], None]]] = [
    ("balance", 0, Flaw.NO_ACCOUNT, of(BALANCE, 0, account=0)),
    ("balance", 1, Flaw.UNKNOWN_ASSET, of(BALANCE, 1, asset=2)),
    ("balance", 1, Flaw.UNKNOWN_NUMBER, of(BALANCE, 1, reserved=1)),
    ("balance", 1, Flaw.ATOMS_OUT_OF_RANGE, of(BALANCE, 1, atoms=0)),
    ("balance", 1, Flaw.OUT_OF_ORDER, lambda parts: parts.swap(BALANCE, 0, 1)),
    ("balance", 1, Flaw.OUT_OF_ORDER, lambda parts: parts.twice(BALANCE, 0)),
    ("asset", 1, Flaw.ATOMS_OUT_OF_RANGE, of(exchange_state.ASSET, 1, fees_atoms=-1)),
    ("asset", 0, Flaw.ATOMS_OUT_OF_RANGE, of(BALANCE, 0, atoms=2**63 - 1)),
    ("asset", 0, Flaw.DOES_NOT_ADD_UP, of(BALANCE, 0, atoms=1)),
    ("asset", 1, Flaw.DOES_NOT_ADD_UP, of(exchange_state.ASSET, 1, suspense_atoms=-5)),
    ("tier", 0, Flaw.UNKNOWN_TIER, lambda parts: parts.drop(TIER, 0)),
    ("tier", 1, Flaw.UNKNOWN_TIER, of(TIER, 1, tier=256)),
    ("tier", 1, Flaw.OUT_OF_ORDER, of(TIER, 1, tier=0)),
    ("tier", 1, Flaw.RATE_OUT_OF_RANGE, of(TIER, 1, taker_ppm=1001)),
    ("tier", 1, Flaw.RATE_OUT_OF_RANGE, of(TIER, 1, maker_ppm=-101)),
    ("member", 0, Flaw.NO_ACCOUNT, of(MEMBER, 0, account=0)),
    ("member", 1, Flaw.OUT_OF_ORDER, of(MEMBER, 1, account=1)),
    ("member", 1, Flaw.UNKNOWN_TIER, of(MEMBER, 1, tier=2)),
    ("status", 0, Flaw.NO_ACCOUNT, of(STATUS, 0, account=0)),
    ("status", 1, Flaw.OUT_OF_ORDER, of(STATUS, 1, account=3)),
    ("status", 1, Flaw.UNKNOWN_STATUS, of(STATUS, 1, status=3)),
    ("status", 1, Flaw.UNKNOWN_STATUS, of(STATUS, 1, status=0)),
    ("txn", 1, Flaw.TXN_TWICE, of(TXN, 1, txn_id=0)),
    ("txn", 1, Flaw.TXN_TWICE, of(TXN, 1, txn_id=10)),
    ("session", 1, Flaw.OUT_OF_ORDER, of(SESSION, 1, session=2)),
    ("session", 1, Flaw.REFERENCE_OUT_OF_RANGE, of(SESSION, 1, session=2**16)),
    ("session", 1, Flaw.REFERENCE_OUT_OF_RANGE, of(SESSION, 1, last_ref=0)),
    ("outcome", 0, Flaw.REFERENCE_OUT_OF_RANGE, of(OUTCOME, 0, session=3)),
    ("outcome", 0, Flaw.REFERENCE_OUT_OF_RANGE, of(OUTCOME, 0, session_ref=3)),
    ("outcome", 2, Flaw.REFERENCE_OUT_OF_RANGE, of(OUTCOME, 2, session_ref=1)),
    ("outcome", 0, Flaw.UNKNOWN_INSTRUMENT, of(OUTCOME, 0, instrument=1)),
    ("outcome", 0, Flaw.SEQUENCE_OUT_OF_RANGE, of(OUTCOME, 0, first_seq=0)),
    ("outcome", 0, Flaw.UNKNOWN_NUMBER, of(OUTCOME, 0, reserved=1)),
]
FLAWS_WITH_MONEY: list[tuple[str, int, Flaw, Callable[[Parts], None]]] = [
    ("trade", 0, Flaw.NOTIONAL_OVERFLOW, of(TRADE, 0, price_ticks=2**59, qty_lots=2**37)),
    ("trade", 0, Flaw.FEES_OUT_OF_RANGE, of(TRADE, 0, taker_fee_atoms=2)),
    ("trade", 0, Flaw.FEES_OUT_OF_RANGE, of(TRADE, 0, maker_fee_atoms=-2)),
    ("order", 0, Flaw.NOTIONAL_OVERFLOW, of(ORDER, 0, price_ticks=2**53 - 1, qty_lots=1024)),
]


@pytest.mark.parametrize(("part", "index", "flaw", "change"), EXCHANGE_FLAWS)
def test_a_flaw_of_an_exchange(part, index, flaw, change):
    assert exchange_damaged(change) == f"state of an exchange, {part} {index}: {flaw.doc}. {REMEDY}"


@pytest.mark.parametrize(("part", "index", "flaw", "change"), FLAWS_WITH_MONEY)
def test_a_flaw_of_a_market_with_money(part, index, flaw, change):
    assert exchange_damaged(in_market(change)) == f"state of market SME/USD, {part} {index}: {flaw.doc}. {REMEDY}"


def test_orders_and_curves_that_hold_what_is_not_there():
    too_much = exchange_damaged(in_market(of(ORDER, 0, qty_lots=200)))
    assert too_much == f"state of an exchange, account 1, asset 1: {Flaw.HELD_TWICE.doc}. {REMEDY}"
    rich = exchange_damaged(in_market(of(CURVE_STATE, 0, cash_notional=20_000)))
    assert rich == f"state of an exchange, account 9, asset 1: {Flaw.HELD_TWICE.doc}. {REMEDY}"


def test_a_curve_that_nobody_pays_for():
    listing = Listing(instrument=LISTINGS[0].instrument, base=0, quote=1, max_fee_ppm=1000)
    parts = cut(exchange_state_of())
    parts.records(exchange_state.LISTING)["treasury"] = 0
    said = told(lambda name: EXCHANGES[name].from_state(parts.bytes(), ASSETS, [listing]))
    assert said == f"state of market SME/USD, curve 0: {Flaw.CURVE_UNFUNDED.doc}. {REMEDY}"


def test_a_market_that_is_ahead_of_its_exchange():
    ahead = in_market(lambda parts: parts.header.__setitem__("now_ns", 78))
    other = in_market(lambda parts: parts.header.__setitem__("next_command", 5))
    for change in (ahead, other):
        assert "its next_command is not the exchange's, or its clock is ahead" in exchange_damaged(change)


def test_other_assets_and_listings():
    data = exchange_state_of()

    def said(assets: list[Asset], listings: list[Listing]) -> str:
        return told(lambda name: EXCHANGES[name].from_state(data, assets, listings))

    assert "it has 2 assets where 1 are given" in said(ASSETS[:1], LISTINGS)
    assert "it has 1 instruments where 0 are given" in said(ASSETS, [])
    assert "asset 1: decimals is 6 where 5 is given" in said([ASSETS[0], Asset(name="USD", decimals=5)], LISTINGS)
    assert "asset 0: name is b'SME' where b'BOND' is given" in said([Asset(name="BOND"), ASSETS[1]], LISTINGS)
    dear = Listing(instrument=LISTINGS[0].instrument, base=0, quote=1, max_fee_ppm=1001, treasury=9)
    assert "instrument 0: max_fee_ppm is 1000 where 1001 is given" in said(ASSETS, [dear])


@pytest.mark.parametrize("name", list(EXCHANGES))
def test_what_is_no_exchange_s_is_misuse(name):
    data = exchange_state_of()
    for arguments in ((bytearray(data), ASSETS, LISTINGS), (data, "SME", LISTINGS), (data, ASSETS, [5])):
        with pytest.raises(MisuseError):
            EXCHANGES[name].from_state(*arguments)
    with pytest.raises(MisuseError, match=r"use Exchange\.from_state"):
        parbook.reference.Exchange.from_state(data, ASSETS, LISTINGS).market(0).from_state(LISTINGS[0].instrument, data)


def test_the_cut_off_state_of_an_exchange():
    data = exchange_state_of()
    for length in range(0, len(data), 29):
        told(lambda name, length=length: EXCHANGES[name].from_state(data[:length], ASSETS, LISTINGS))
    assert "1 bytes follow" in told(lambda name: EXCHANGES[name].from_state(data + b"x", ASSETS, LISTINGS))


def test_every_flaw_is_found_by_a_test_of_this_file():
    text = Path(__file__).read_text("utf-8")
    assert [flaw.name for flaw in Flaw if f"Flaw.{flaw.name}" not in text] == []
