"""The canonical state of an exchange: equal histories agree, and whatever could matter later tells them apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parbook import exchange_state as layout
from parbook import messages as m
from parbook.errors import InvariantError
from parbook.instrument import Instrument
from parbook.listing import Asset, Listing
from parbook.state import HEADER as MARKET_HEADER
from tests.exchange.house import BUY, REDUCE_ONLY, SELL, SME, SUSPENDED, USD, House

HISTORY = [
    m.Deposit(account=1, asset=USD, amount_atoms=1000, txn_id=9),
    m.Deposit(account=2, asset=SME, amount_atoms=50, txn_id=3),
    m.SetFees(tier=2, maker_ppm=100, taker_ppm=1000),
    m.SetTier(account=2, tier=2),
    m.SetStatus(account=3, status=REDUCE_ONLY),
    m.NewOrder(account=1, side=BUY, price_ticks=50, qty_lots=5, session=4, session_ref=10),
    m.NewOrder(account=2, side=SELL, price_ticks=50, qty_lots=2, session=2, session_ref=1, ts_ns=77),
    m.Advance(ts_ns=90, instrument=1),
]


def state_of(exchange_class, *more, history=HISTORY, **settings):
    """Return the parts of the state after a history, by name, and the house itself."""
    house = House(exchange_class, max_fee_ppm=100_000, **settings)
    house.do(*history, *more)
    return read(house.exchange.state_bytes()), house.exchange


def read(state):
    """Return {part: records, "markets": [bytes]} of a state, all of it accounted for."""
    header = np.frombuffer(state, layout.HEADER, count=1)
    parts: dict[str, Any] = {"header": header, "markets": []}
    at = layout.HEADER.itemsize
    for name, dtype in (
        ("assets", layout.ASSET),
        ("instruments", layout.LISTING),
        ("balances", layout.BALANCE),
        ("tiers", layout.TIER),
        ("members", layout.MEMBER),
        ("statuses", layout.STATUS),
        ("txns", layout.TXN),
        ("sessions", layout.SESSION),
        ("outcomes", layout.OUTCOME),
    ):
        count = int(header[name][0])
        parts[name] = np.frombuffer(state, dtype, count=count, offset=at)
        at += count * dtype.itemsize
    for _ in range(int(header["instruments"][0])):
        size = int(np.frombuffer(state, layout.SIZE, count=1, offset=at)["bytes"][0])
        at += layout.SIZE.itemsize
        parts["markets"].append(state[at : at + size])
        at += size
    assert at == len(state)
    return parts


def test_every_part(exchange_class):
    parts, exchange = state_of(exchange_class)
    (header,) = parts["header"].tolist()
    assert header == (b"PBXSTAT1", 90, 9, 6, 2**16, 3, 2, 4, 2, 1, 1, 2, 2, 2)
    assert parts["assets"].tolist() == [(b"SME", 0, 50, 0, 0), (b"BOND", 0, 0, 0, 0), (b"USD", 0, 1000, 1, 0)]
    assert parts["instruments"].tolist() == [
        (b"SME/USD", 0, 2, 1, 1, 100_000, 99),
        (b"BOND/USD", 1, 2, 1, 1, 100_000, 99),
    ]
    balances = [(1, SME, 0, 2), (1, USD, 0, 900), (2, SME, 0, 48), (2, USD, 0, 99)]
    assert parts["balances"].tolist() == balances
    assert parts["tiers"].tolist() == [(0, 0, 0), (2, 100, 1000)]
    assert parts["members"].tolist() == [(2, 2)]
    assert parts["statuses"].tolist() == [(3, 1)]
    assert parts["txns"].tolist() == [(9,), (3,)]
    assert parts["sessions"].tolist() == [(2, 1), (4, 10)]
    assert parts["outcomes"].tolist() == [(10, 1, 1, 4, 0, 0, 0), (1, 2, 2, 2, 0, 0, 0)]
    assert parts["markets"] == [exchange.market(number).state_bytes() for number in (0, 1)]
    headers = [np.frombuffer(state, MARKET_HEADER, count=1)[0] for state in parts["markets"]]
    assert [int(each["now_ns"]) for each in headers] == [77, 90]
    assert [int(each["next_command"]) for each in headers] == [9, 9]


def test_equal_histories_have_equal_states_however_they_are_sent(exchange_class):
    _, one = state_of(exchange_class)
    _, other = state_of(exchange_class)
    assert one.state_bytes() == other.state_bytes()
    assert one.state_hash() == other.state_hash() == layout.digest(one.state_bytes())
    assert one.state_bytes() == one.state_bytes(), "looking changes nothing"


DIFFERENCES = [
    m.Deposit(account=1, asset=USD, amount_atoms=1),
    m.Deposit(account=4, asset=USD, amount_atoms=1),
    m.Withdraw(account=1, asset=USD, amount_atoms=1),
    m.Transfer(account=1, target_account=2, asset=USD, amount_atoms=1),
    m.Deposit(account=1, asset=USD, amount_atoms=1, txn_id=10),
    m.SetFees(tier=2, maker_ppm=101, taker_ppm=1000),
    m.SetFees(tier=3, maker_ppm=100, taker_ppm=1000),
    m.SetTier(account=4, tier=2),
    m.SetTier(account=2, tier=0),
    m.SetStatus(account=3, status=SUSPENDED),
    m.SetStatus(account=3, status=0),
    m.CancelOrder(account=1, order_id=99, session=4, session_ref=11),
    m.CancelOrder(account=1, order_id=99, session=5, session_ref=11),
    m.CancelOrder(account=1, order_id=98, session=5, session_ref=11),
    m.NewOrder(account=1, side=BUY, price_ticks=40, qty_lots=1),
    m.NewOrder(account=1, side=BUY, price_ticks=40, qty_lots=1, instrument=1),
    m.SetTier(account=2, tier=2, ts_ns=91),
    m.SetTier(account=2, tier=2),
    m.BustTrade(trade_seq=3),
]


def without_numbers(exchange):
    """Return a state without how many commands and own events there were: a difference must show elsewhere."""
    parts = read(exchange.state_bytes())
    header = parts.pop("header").copy()
    header["next_command"] = header["next_seq"] = 0
    markets = [bytearray(market) for market in parts.pop("markets")]
    for market in markets:
        np.frombuffer(market, MARKET_HEADER, count=1)["next_command"] = 0
    return header.tobytes(), *map(bytes, markets), *(part.tobytes() for part in parts.values())


def test_whatever_differs_shows(exchange_class):
    states = [without_numbers(state_of(exchange_class, command)[1]) for command in DIFFERENCES]
    same = [(DIFFERENCES[i], DIFFERENCES[j]) for j in range(len(states)) for i in range(j) if states[i] == states[j]]
    assert not same


def test_the_window_of_outcomes_belongs_to_the_state(exchange_class):
    assert state_of(exchange_class)[1].state_hash() != state_of(exchange_class, outcome_window=5)[1].state_hash()


@pytest.mark.parametrize(
    "change", [{"lot_atoms": 2}, {"tick_atoms": 2}, {"max_fee_ppm": 1}, {"treasury": 5}, {"base": 1}, {"quote": 1}]
)
def test_what_a_lot_is_worth_belongs_to_the_state(exchange_class, change):
    states = set()
    for fields in ({}, change):
        exchange = exchange_class()
        for name in ("Ä" * 32, "\N{MATHEMATICAL BOLD CAPITAL A}" * 32, "C"):
            exchange.add_asset(Asset(name=name))
        listing = {"instrument": Instrument(symbol="X" * 32), "base": 0, "quote": 2} | fields
        exchange.add_instrument(Listing(**listing))
        states.add(exchange.state_hash())
        names = [name.decode() for name in read(exchange.state_bytes())["assets"]["name"]]
        assert names == [asset.name for asset in exchange.assets]
    assert len(states) == 2


def test_what_is_as_at_the_beginning_takes_no_room(exchange_class):
    tiers = [m.SetTier(account=2, tier=0), m.SetTier(account=9, tier=0)]
    parts, _ = state_of(exchange_class, *tiers, m.SetStatus(account=3, status=0), m.SetStatus(account=9, status=0))
    assert [len(parts[name]) for name in ("members", "statuses")] == [0, 0]


def test_a_balance_of_nothing_is_no_balance(exchange_class):
    parts, _ = state_of(
        exchange_class,
        history=[
            m.Deposit(account=5, asset=USD, amount_atoms=10),
            m.Withdraw(account=5, asset=USD, amount_atoms=10),
        ],
    )
    assert len(parts["balances"]) == 0
    assert parts["assets"]["inside_atoms"].tolist() == [0, 0, 0]


def test_check_sees_money_made_and_a_clock_ahead():
    """The reference alone lets a test reach into it."""
    import parbook.reference

    _, exchange = state_of(parbook.reference.Exchange)
    exchange.check()
    exchange._office.ledger.credit(1, USD, 1)
    with pytest.raises(InvariantError, match="do not add up"):
        exchange.check()
    exchange._office.ledger.credit(1, USD, -1)
    exchange._desks[0].now_ns = 91
    with pytest.raises(InvariantError, match="ahead"):
        exchange.check()
