"""Balances: deposits that count once, withdrawals of what is there, nothing made or lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parbook.codes import RejectCode
from parbook.errors import InvariantError
from parbook.reference.ledger import Ledger
from parbook.units import ATOMS_MAX
from tests.support.markets import examples


@pytest.fixture
def ledger():
    """A ledger in which account 1 owns 100 atoms of asset 0."""
    made = Ledger(txn_window=3)
    assert made.deposit(1, 0, 100, txn_id=1) is None
    return made


def test_a_deposit_counts_once(ledger):
    assert ledger.deposit(1, 0, 100, txn_id=1) is RejectCode.DUPLICATE_TXN
    assert ledger.deposit(2, 1, 7, txn_id=1) is RejectCode.DUPLICATE_TXN
    assert (ledger.balance(1, 0), ledger.balance(2, 1)) == (100, 0)
    ledger.check()


def test_the_window_forgets_the_oldest_id_first(ledger):
    for txn_id in (2, 3, 4):
        assert ledger.deposit(1, 0, 1, txn_id) is None
    assert ledger.txns == [2, 3, 4]
    assert ledger.deposit(1, 0, 1, txn_id=4) is RejectCode.DUPLICATE_TXN
    assert ledger.deposit(1, 0, 1, txn_id=1) is None


def test_id_0_means_none(ledger):
    assert ledger.deposit(1, 0, 1, txn_id=0) is ledger.deposit(1, 0, 1, txn_id=0) is None
    assert ledger.balance(1, 0) == 102


def test_a_refusal_does_not_use_up_its_id(ledger):
    assert ledger.withdraw(1, 0, 101, txn_id=2) is RejectCode.INSUFFICIENT_AVAILABLE
    assert ledger.withdraw(1, 0, 100, txn_id=2) is None
    assert ledger.balances == {}


def test_what_is_held_does_not_leave(ledger):
    ledger.holders.append(lambda account, asset: 60 if (account, asset) == (1, 0) else 0)
    assert ledger.withdraw(1, 0, 41, txn_id=2) is RejectCode.INSUFFICIENT_AVAILABLE
    assert ledger.transfer(1, 2, 0, 41, txn_id=2) is RejectCode.INSUFFICIENT_AVAILABLE
    assert ledger.transfer(1, 2, 0, 40, txn_id=2) is None
    assert (ledger.available(1, 0), ledger.available(2, 0)) == (0, 40)
    ledger.check()


@pytest.mark.parametrize("amount_atoms", [0, -1, ATOMS_MAX + 1])
def test_amounts_have_a_range(ledger, amount_atoms):
    for answer in (
        ledger.deposit(1, 0, amount_atoms, 9),
        ledger.withdraw(1, 0, amount_atoms, 9),
        ledger.transfer(1, 2, 0, amount_atoms, 9),
    ):
        assert answer is RejectCode.AMOUNT_OUT_OF_RANGE


def test_an_asset_never_exceeds_63_bits(ledger):
    assert ledger.deposit(2, 0, ATOMS_MAX - 99, 2) is RejectCode.BALANCE_OVERFLOW
    assert ledger.deposit(2, 0, ATOMS_MAX - 100, 2) is None
    assert ledger.deposit(2, 1, ATOMS_MAX, 3) is None
    ledger.check()


@pytest.mark.parametrize(("source", "target"), [(0, 1), (1, 0), (1, 1)])
def test_a_transfer_needs_two_accounts(ledger, source, target):
    assert ledger.transfer(source, target, 0, 5, 9) is RejectCode.INVALID_ACCOUNT
    assert ledger.balances == {(1, 0): 100}


def test_check_sees_an_atom_too_many_a_hold_too_large_and_a_debt(ledger):
    ledger.credit(2, 0, 1)
    with pytest.raises(InvariantError, match="do not add up"):
        ledger.check()
    ledger.credit(2, 0, -1)
    ledger.holders.append(lambda _account, _asset: 101)
    with pytest.raises(InvariantError, match="account 1, asset 0: more is held than the 100"):
        ledger.check()
    ledger.holders.clear()
    ledger.take_fee(0, -5)
    ledger.credit(2, 0, 5)
    with pytest.raises(InvariantError, match="negative"):
        ledger.check()


MOVES = st.tuples(
    st.sampled_from(["deposit", "withdraw", "transfer"]),
    st.integers(0, 3),
    st.integers(0, 3),
    st.integers(0, 1),
    st.integers(-1, 60),
    st.integers(0, 12),
)


@examples(200)
@given(st.lists(MOVES, max_size=60))
def test_whatever_is_asked_the_assets_add_up(moves):
    ledger = Ledger(txn_window=4)
    inside = [0, 0]
    for what, account, other, asset, atoms, txn_id in moves:
        if what == "transfer":
            ledger.transfer(account, other, asset, atoms, txn_id)
        elif getattr(ledger, what)(account, asset, atoms, txn_id) is None:
            inside[asset] += atoms if what == "deposit" else -atoms
        ledger.check()
    assert [sum(ledger.balance(account, asset) for account in range(4)) for asset in range(2)] == inside
