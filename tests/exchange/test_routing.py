"""Where commands go and how they are answered: numbers, streams, shortcuts, views, misuse."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from parbook import messages as m
from parbook.codes import CommandKind, RejectCode
from parbook.errors import MisuseError
from parbook.instrument import Instrument
from parbook.listing import Asset, Listing
from parbook.records import COMMAND, command_numbers, command_records, event_records, events_from_records
from parbook.units import EVERY_INSTRUMENT
from tests.exchange.house import BUY, SELL, SME, USD, House, buyback


def test_each_instrument_has_a_gapless_stream_and_the_commands_one_count(house):
    house.fund(1, usd=1000, sme=5)
    commands = [
        m.NewOrder(account=1, side=BUY, price_ticks=10, qty_lots=1, instrument=instrument) for instrument in (0, 1, 0)
    ]
    commands += [m.Deposit(account=1, asset=USD, amount_atoms=1), m.MassCancel(instrument=EVERY_INSTRUMENT)]
    first = house.exchange.next_command
    events = house.exchange.apply_batch(command_records(commands))
    for instrument, start in ((0, 1), (1, 1), (EVERY_INSTRUMENT, 3)):
        mine = events["seq"][events["instrument"] == instrument]
        assert mine.tolist() == list(range(start, start + len(mine)))
    assert [int(n) for n in dict.fromkeys(command_numbers(events, first))] == list(range(first, first + 5))
    assert house.exchange.next_command == first + 5


def test_a_batch_is_its_commands_one_by_one(exchange_class):
    commands = [
        m.Deposit(account=1, asset=USD, amount_atoms=1000),
        m.NewOrder(account=1, side=BUY, price_ticks=10, qty_lots=9, display_lots=3, instrument=1),
        m.Advance(ts_ns=5, instrument=EVERY_INSTRUMENT),
        m.CancelOrder(account=1, order_id=1, instrument=1),
    ]
    one, other = House(exchange_class), House(exchange_class)
    events = one.exchange.apply_batch(command_records(commands))
    assert events_from_records(events) == other.do(*commands)
    assert one.exchange.state_hash() == other.exchange.state_hash()


@pytest.mark.parametrize("kind", [0, CommandKind.SET_CURVE, CommandKind.TERMS, 28, 255])
@pytest.mark.parametrize("instrument", [0, 7, EVERY_INSTRUMENT])
def test_unknown_kinds_are_answered_by_the_exchange(house, kind, instrument):
    record = np.zeros(1, COMMAND)
    record["kind"], record["instrument"], record["ts_ns"] = kind, instrument, 9
    record["order_id"], record["client_id"], record["account"] = 4, 5, 6
    (event,) = events_from_records(house.exchange.apply_batch(record))
    assert (event.code, event.instrument) == (RejectCode.UNKNOWN_COMMAND, EVERY_INSTRUMENT)
    assert (event.order_id, event.client_id, event.account) == (4, 5, 6)
    assert house.exchange.now_ns == 0


def test_a_special_command_without_its_terms_is_answered_by_its_market(house):
    record = np.zeros(1, COMMAND)
    record["kind"], record["instrument"], record["ts_ns"] = CommandKind.NEW_SPECIAL, 1, 9
    (event,) = events_from_records(house.exchange.apply_batch(record))
    assert (event.code, event.instrument) == (RejectCode.MISSING_TERMS, 1)
    assert house.exchange.now_ns == 0


@pytest.mark.parametrize(
    "kind", [CommandKind.DEPOSIT, CommandKind.SET_FEES, CommandKind.SET_TIER, CommandKind.SET_STATUS]
)
def test_fields_a_kind_does_not_name_have_no_effect(house, kind):
    record = np.zeros(2, COMMAND)
    record["kind"], record["account"], record["qty_lots"] = kind, 1, 5
    for name in ("side", "tif", "client_id", "instrument"):
        record[name][1] = 9
    first, second = events_from_records(house.exchange.apply_batch(record))
    assert type(first) is type(second)
    assert not isinstance(first, m.Rejected)


@pytest.mark.parametrize(
    ("kind", "order_id"), [(CommandKind.SET_TIER, 0), (CommandKind.SET_STATUS, 0), (CommandKind.TRANSFER, 3)]
)
def test_a_refusal_echoes_only_what_its_kind_names(house, kind, order_id):
    record = np.zeros(1, COMMAND)
    record["kind"], record["order_id"], record["client_id"] = kind, 3, 4
    (event,) = events_from_records(house.exchange.apply_batch(record))
    assert (event.order_id, event.client_id) == (order_id, 0)


# --- shortcuts ----------------------------------------------------------------------------------


def test_the_shortcuts(house):
    exchange = house.exchange
    house.fund(1, usd=1000)
    house.fund(2, bond=10)
    placed = exchange.place(1, 1, BUY, 5, 20, client_id=3)
    assert (placed.ok, placed.order_id, placed.leaves_lots, placed.first_seq) == (True, 1, 5, 1)
    sold = exchange.place(1, 2, SELL, 2, 20)
    assert (sold.filled_lots, sold.notional, sold.leaves_lots, sold.first_seq) == (2, 40, 0, 2)
    amended = exchange.amend(1, 1, client_id=3, price_ticks=30)
    assert (amended.order_id, amended.leaves_lots) == (1, 3)
    assert exchange.cancel(1, 1, order_id=1) == 0
    assert exchange.cancel(1, 1, order_id=1) == RejectCode.UNKNOWN_ORDER
    assert exchange.place(7, 1, BUY, 5, 20).refusal is RejectCode.UNKNOWN_INSTRUMENT
    assert exchange.place(0, 1, BUY, 5, 10**6).refusal is RejectCode.INSUFFICIENT_QUOTE


def test_no_such_instrument_says_nothing_of_the_answer_before(house):
    house.fund(1, usd=1000)
    house.fund(2, bond=10)
    house.exchange.place(1, 1, BUY, 5, 20)
    assert house.exchange.place(1, 2, SELL, 2, 20).notional == 40
    placed = house.exchange.place(7, 1, BUY, 5, 20)
    assert (placed.filled_lots, placed.leaves_lots, placed.notional, placed.order_id) == (0, 0, 0, 0)


def test_a_shortcut_speaks_of_its_own_order_not_of_what_fell_due_before(house):
    house.fund(1, usd=1000)
    house.rest(1, BUY, 40, 1, tif=3, expire_ns=10, client_id=8)
    house.do(m.Advance(ts_ns=50, instrument=1))
    placed = house.exchange.place(0, 1, BUY, 2, 50)
    assert (placed.order_id, placed.leaves_lots, placed.filled_lots) == (2, 2, 0)


# --- views and misuse ---------------------------------------------------------------------------


def test_a_market_can_be_looked_at(house):
    house.fund(99, usd=10_000)
    house.fund(1, usd=1000)
    house.do(buyback())
    order_id = house.rest(1, BUY, 30, 4)
    market = house.exchange.market(0)
    assert (market.best_bid_ticks, market.best_ask_ticks, market.open_orders, market.last_trade_ticks) == (30, 0, 1, 0)
    assert market.order(order_id).qty_lots == 4
    assert market.queue(BUY, 30) == [order_id]
    assert market.depth()["qty_lots"].tolist() == [4]
    assert market.curve.cash_notional == 10_000
    assert (market.instrument.symbol, market.now_ns, market.next_seq) == ("SME/USD", 0, 3)
    market.check()
    house.rest(1, BUY, 31, 1)
    assert market.best_bid_ticks == 31, "it is the market, not a copy"


@pytest.mark.parametrize(
    "use",
    [
        lambda market: market.apply(m.MassCancel()),
        lambda market: market.apply_batch(np.zeros(1, COMMAND)),
        lambda market: market.place(1, BUY, 1, 1),
        lambda market: market.amend(1, order_id=1),
        lambda market: market.cancel(account=1, order_id=1),
    ],
)
def test_a_market_of_an_exchange_takes_no_commands(house, use):
    before = house.exchange.state_hash()
    with pytest.raises(MisuseError, match="belongs to an exchange: send its commands there"):
        use(house.exchange.market(0))
    assert house.exchange.state_hash() == before


def listing(**changes):
    return Listing(**{"instrument": Instrument(symbol="NEW"), "base": SME, "quote": USD} | changes)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda e: e.add_asset(Asset(name="SME")), "asset SME exists"),
        (lambda e: e.add_instrument(listing(quote=3)), "listing NEW: base and quote must be among the 3"),
        (lambda e: e.add_instrument(listing(instrument=Instrument(symbol="SME/USD"))), "SME/USD exists"),
        (lambda e: e.market(2), "instrument=2"),
        (lambda e: e.market(True), "instrument=True"),
        (lambda e: e.balance(1, 3), "asset=3"),
        (lambda e: e.held(1, -1), "asset=-1"),
        (lambda e: e.available(2**32, 0), "account=4294967296"),
        (lambda e: e.fees_taken(1.0), "asset=1.0"),
        (lambda e: e.suspense(9), "asset=9"),
        (lambda e: e.inside(9), "asset=9"),
        (lambda e: e.fees_of("a"), "account='a'"),
        (lambda e: e.status_of(-1), "account=-1"),
        (lambda e: e.apply_batch([m.MassCancel()]), "one-dimensional array"),
        (lambda e: e.place(1.5, 1, BUY, 1), "instrument=1.5"),
        (lambda e: e.place(2**16, 1, BUY, 1), "instrument=65536"),
        (lambda e: e.apply(m.Deposit(account=1, asset=-1, amount_atoms=1)), "asset=-1"),
        (lambda e: e.apply(m.SetFees(tier=0, maker_ppm=0.5, taker_ppm=1)), "maker_ppm=0.5"),
    ],
)
def test_misuse_names_what_is_wrong_and_changes_nothing(house, use, message):
    before = house.exchange.state_hash()
    with pytest.raises(MisuseError, match=message):
        use(house.exchange)
    assert house.exchange.state_hash() == before


def test_a_listing_must_allow_the_fees_there_are(exchange_class):
    house = House(exchange_class, max_fee_ppm=500)
    house.do(m.SetFees(tier=4, maker_ppm=0, taker_ppm=500))
    with pytest.raises(MisuseError, match="max_fee_ppm=499"):
        house.exchange.add_instrument(listing(max_fee_ppm=499))
    assert house.exchange.add_instrument(listing(max_fee_ppm=500)) == 2


def test_an_empty_exchange_says_what_it_lacks(exchange_class):
    exchange = exchange_class()
    with pytest.raises(MisuseError, match="add_instrument first"):
        exchange.market(0)
    with pytest.raises(MisuseError, match="add_asset first"):
        exchange.balance(1, 0)
    assert (exchange.assets, exchange.listings, exchange.now_ns, exchange.next_command) == ((), (), 0, 1)


@pytest.mark.parametrize("window", [0, 2**16 + 1, 1.5])
def test_the_window_of_outcomes_has_a_range(exchange_class, window):
    with pytest.raises(MisuseError, match="outcome_window"):
        exchange_class(outcome_window=window)


def test_records_and_structs_of_every_answer_agree(house):
    house.fund(1, usd=100)
    events = house.do(m.SetFees(tier=1, maker_ppm=0, taker_ppm=0), m.SetTier(account=1, tier=1))
    events += house.do(m.SetStatus(account=1, status=2), m.Withdraw(account=1, asset=USD, amount_atoms=1))
    assert events_from_records(event_records(events)) == events
    assert [later.seq - earlier.seq for earlier, later in pairwise(events)] == [1, 1, 1]
