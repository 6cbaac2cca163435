"""Deposits, withdrawals, transfers, fees and tiers as commands: what each refuses, says and changes."""

from __future__ import annotations

import numpy as np
import pytest

from parbook import messages as m
from parbook.codes import CommandKind
from parbook.records import COMMAND, event_records, events_from_records
from parbook.units import ATOMS_MAX, EVERY_INSTRUMENT
from tests.exchange.house import BUY, SELL, SME, SUSPENDED, USD, House


def deposit(account=1, asset=USD, amount_atoms=100, txn_id=0, **rest):
    return m.Deposit(account=account, asset=asset, amount_atoms=amount_atoms, txn_id=txn_id, **rest)


def withdraw(account=1, asset=USD, amount_atoms=100, txn_id=0, **rest):
    return m.Withdraw(account=account, asset=asset, amount_atoms=amount_atoms, txn_id=txn_id, **rest)


def transfer(account=1, target_account=2, asset=USD, amount_atoms=100, txn_id=0, **rest):
    return m.Transfer(
        account=account, target_account=target_account, asset=asset, amount_atoms=amount_atoms, txn_id=txn_id, **rest
    )


REFUSALS = [
    (deposit(asset=3), "UNKNOWN_ASSET"),
    (deposit(account=0), "INVALID_ACCOUNT"),
    (deposit(amount_atoms=0), "AMOUNT_OUT_OF_RANGE"),
    (deposit(amount_atoms=-1), "AMOUNT_OUT_OF_RANGE"),
    (deposit(txn_id=7), "DUPLICATE_TXN"),
    (deposit(amount_atoms=ATOMS_MAX - 999), "BALANCE_OVERFLOW"),
    (withdraw(asset=3), "UNKNOWN_ASSET"),
    (withdraw(account=0), "INVALID_ACCOUNT"),
    (withdraw(amount_atoms=0), "AMOUNT_OUT_OF_RANGE"),
    (withdraw(txn_id=7), "DUPLICATE_TXN"),
    (withdraw(amount_atoms=601), "INSUFFICIENT_AVAILABLE"),
    (withdraw(asset=SME, amount_atoms=1), "INSUFFICIENT_AVAILABLE"),
    (withdraw(account=3), "ACCOUNT_SUSPENDED"),
    (withdraw(account=3, amount_atoms=10**6), "ACCOUNT_SUSPENDED"),
    (withdraw(account=3, txn_id=7), "DUPLICATE_TXN"),
    (transfer(asset=3), "UNKNOWN_ASSET"),
    (transfer(account=0), "INVALID_ACCOUNT"),
    (transfer(target_account=0), "INVALID_ACCOUNT"),
    (transfer(target_account=1), "INVALID_ACCOUNT"),
    (transfer(amount_atoms=-5), "AMOUNT_OUT_OF_RANGE"),
    (transfer(txn_id=7), "DUPLICATE_TXN"),
    (transfer(amount_atoms=601), "INSUFFICIENT_AVAILABLE"),
    (transfer(account=3, target_account=1), "ACCOUNT_SUSPENDED"),
    (transfer(account=3, target_account=3), "ACCOUNT_SUSPENDED"),
    (m.SetFees(tier=256, maker_ppm=0, taker_ppm=0), "FEE_OUT_OF_RANGE"),
    (m.SetFees(tier=0, maker_ppm=1001, taker_ppm=0), "FEE_OUT_OF_RANGE"),
    (m.SetFees(tier=0, maker_ppm=0, taker_ppm=1001), "FEE_OUT_OF_RANGE"),
    (m.SetFees(tier=0, maker_ppm=0, taker_ppm=-1), "FEE_OUT_OF_RANGE"),
    (m.SetFees(tier=1, maker_ppm=-1, taker_ppm=5), "FEE_OUT_OF_RANGE"),
    (m.SetTier(account=0, tier=0), "INVALID_ACCOUNT"),
    (m.SetTier(account=1, tier=1), "UNKNOWN_TIER"),
    (m.SetTier(account=1, tier=65535), "UNKNOWN_TIER"),
    (m.SetStatus(account=0, status=SUSPENDED), "INVALID_ACCOUNT"),
    (m.SetStatus(account=1, status=3), "UNKNOWN_STATUS"),
]


@pytest.fixture
def funded(exchange_class):
    """Account 1 owns 1000 USD and holds 400 of it, suspended account 3 another thousand; id 7 is used up."""
    house = House(exchange_class, max_fee_ppm=1000)
    house.do(deposit(amount_atoms=1000, txn_id=7), deposit(account=3, amount_atoms=1000, ts_ns=5))
    house.rest(1, BUY, 99, 4)
    assert house.exchange.held(1, USD) == 4 * (99 + 1)
    house.do(m.SetStatus(account=3, status=SUSPENDED))
    return house


@pytest.mark.parametrize(("command", "code"), REFUSALS)
def test_each_refusal_changes_nothing_but_the_clock(funded, command, code):
    exchange = funded.exchange
    before = [(exchange.balance(a, USD), exchange.held(a, USD), exchange.fees_of(a)) for a in (1, 2, 3)]
    numbers = exchange.next_command, exchange.next_seq
    (event,) = funded.do(command)
    assert (event.code.name, event.instrument) == (code, EVERY_INSTRUMENT)
    assert event.order_id == getattr(command, "txn_id", 0)
    assert before == [(exchange.balance(a, USD), exchange.held(a, USD), exchange.fees_of(a)) for a in (1, 2, 3)]
    assert (exchange.next_command, exchange.next_seq) == (numbers[0] + 1, numbers[1] + 1)
    assert exchange.inside(USD) == 2000


@pytest.mark.parametrize("command", [command for command, _ in REFUSALS if hasattr(command, "ts_ns")])
def test_time_is_tested_first_and_a_refused_command_moves_it(funded, command):
    exchange = funded.exchange
    assert funded.refused(type(command)(**{**fields(command), "ts_ns": 4})) == ["TIME_REVERSED"]
    assert exchange.now_ns == 5
    funded.do(type(command)(**{**fields(command), "ts_ns": 6}))
    assert exchange.now_ns == 6


def fields(command):
    return {name: getattr(command, name) for name in command.__struct_fields__}


def test_each_movement_says_what_is_left(house):
    events = house.do(deposit(txn_id=5), withdraw(amount_atoms=30, txn_id=6), transfer(amount_atoms=20, txn_id=8))
    assert [(e.amount_atoms, e.balance_atoms, e.txn_id, e.seq) for e in events] == [
        (100, 100, 5, 1),
        (30, 70, 6, 2),
        (20, 50, 8, 3),
    ]
    assert events[2].target_account == 2
    assert [house.exchange.balance(account, USD) for account in (1, 2)] == [50, 20]
    assert house.exchange.inside(USD) == 70
    assert events_from_records(event_records(events)) == events


def test_the_target_of_a_transfer_travels_in_a_record_too(house):
    house.fund(1, usd=10)
    record = COMMAND_OF_TRANSFER.copy()
    record["trail_ppm"] = 2**32 - 1
    (event,) = events_from_records(house.exchange.apply_batch(record))
    assert isinstance(event, m.Transferred)
    assert house.exchange.balance(2**32 - 1, USD) == 4


COMMAND_OF_TRANSFER = np.zeros(1, COMMAND)
COMMAND_OF_TRANSFER["kind"] = CommandKind.TRANSFER
COMMAND_OF_TRANSFER["account"] = 1
COMMAND_OF_TRANSFER["session"] = USD
COMMAND_OF_TRANSFER["qty_lots"] = 4


def test_what_one_market_holds_cannot_be_spent_in_another(house):
    house.fund(1, usd=1000)
    house.rest(1, BUY, 100, 6)
    order = m.NewOrder(account=1, side=BUY, price_ticks=100, qty_lots=5, instrument=1)
    assert house.refused(order) == ["INSUFFICIENT_QUOTE"]
    house.do(m.ReduceOrder(account=1, order_id=1, qty_lots=1))
    assert house.refused(order) == []
    assert house.money(1) == (1000, 1000)


def test_a_new_tier_counts_from_the_next_fill_on(exchange_class):
    house = House(exchange_class, max_fee_ppm=100_000)
    house.fund(1, sme=10)
    house.fund(2, usd=10_000)
    house.rest(1, SELL, 100, 10)
    house.rest(2, BUY, 100, 1)
    house.do(m.SetFees(tier=3, maker_ppm=0, taker_ppm=50_000), m.SetTier(account=2, tier=3))
    assert house.exchange.fees_of(2).taker_ppm == 50_000
    house.rest(2, BUY, 100, 1)
    assert house.exchange.fees_taken(USD) == 5
    house.do(m.SetFees(tier=3, maker_ppm=0, taker_ppm=100_000))
    house.rest(2, BUY, 100, 1)
    assert house.exchange.fees_taken(USD) == 15
    house.do(m.SetTier(account=2, tier=0))
    house.rest(2, BUY, 100, 1)
    assert house.exchange.fees_taken(USD) == 15
    assert house.exchange.balance(2, USD) == 10_000 - 400 - 15


def test_fees_before_any_listing_are_held_against_the_most_that_any_may_have(exchange_class):
    house = House(exchange_class, instruments=0)
    assert house.refused(m.SetFees(tier=0, maker_ppm=0, taker_ppm=200_001)) == ["FEE_OUT_OF_RANGE"]
    assert house.refused(m.SetFees(tier=0, maker_ppm=0, taker_ppm=200_000)) == []
