"""Who owns what: balances of accounts in assets, to the atom. Knows nothing of orders, prices or markets.

Every atom that is inside came by a deposit and stays until a withdrawal: for each asset the balances of all accounts,
the fees taken and the suspense add up to what was deposited and not withdrawn, after every operation. What is held for
live orders and curves is asked of those who hold it, not stored (docs/decisions/0014).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from parbook.codes import RejectCode
from parbook.errors import InvariantError
from parbook.units import ATOMS_MAX

TXN_WINDOW = 2**16
"""How many transaction ids of deposits, withdrawals and transfers are remembered, the latest ones."""

Holder = Callable[[int, int], int]
"""(account, asset) -> atoms that somebody holds of it."""


class Ledger:
    """Balances by (account, asset), the fees and the suspense of each asset, and recent transaction ids."""

    def __init__(self, txn_window: int = TXN_WINDOW) -> None:
        self.balances: dict[tuple[int, int], int] = {}
        self.fees: dict[int, int] = {}
        self.suspense: dict[int, int] = {}
        self.inside: dict[int, int] = {}
        self.holders: list[Holder] = []
        self._txn_window = txn_window
        self._txns: OrderedDict[int, None] = OrderedDict()

    # --- what is there --------------------------------------------------------------------------

    def balance(self, account: int, asset: int) -> int:
        """Atoms an account owns, held ones included. O(1)."""
        return self.balances.get((account, asset), 0)

    def held(self, account: int, asset: int) -> int:
        """Atoms of the balance that live orders or a curve may need. O(live orders of the account)."""
        return sum(holder(account, asset) for holder in self.holders)

    def available(self, account: int, asset: int) -> int:
        """Atoms that the account may withdraw, transfer or hold for something else."""
        return self.balance(account, asset) - self.held(account, asset)

    def overflows(self, asset: int, atoms: int) -> bool:
        """Whether so many more in the accounts, from outside or put up by the venue, would exceed 63 bits all told."""
        return self.inside.get(asset, 0) - self.suspense.get(asset, 0) + atoms > ATOMS_MAX

    # --- from and to the outside ----------------------------------------------------------------

    def deposit(self, account: int, asset: int, amount_atoms: int, txn_id: int) -> RejectCode | None:
        """Credit what came from outside. The same txn_id again changes nothing: DUPLICATE_TXN."""
        code = self.refusal_of_form(account, amount_atoms, txn_id)
        if code:
            return code
        if self.overflows(asset, amount_atoms):
            return RejectCode.BALANCE_OVERFLOW
        self.remember(txn_id)
        self.inside[asset] = self.inside.get(asset, 0) + amount_atoms
        self.credit(account, asset, amount_atoms)
        return None

    def withdraw(self, account: int, asset: int, amount_atoms: int, txn_id: int) -> RejectCode | None:
        """Debit what leaves for the outside; INSUFFICIENT_AVAILABLE when it is not there or is held."""
        code = self.refusal_of_form(account, amount_atoms, txn_id)
        if code:
            return code
        if amount_atoms > self.available(account, asset):
            return RejectCode.INSUFFICIENT_AVAILABLE
        self.remember(txn_id)
        self.inside[asset] -= amount_atoms
        self.credit(account, asset, -amount_atoms)
        return None

    def transfer(self, source: int, target: int, asset: int, amount_atoms: int, txn_id: int) -> RejectCode | None:
        """Move what is available from one account to another, which may not be the same."""
        code = self.refusal_of_form(source, amount_atoms, txn_id)
        if code or not target or target == source:
            return code or RejectCode.INVALID_ACCOUNT
        if amount_atoms > self.available(source, asset):
            return RejectCode.INSUFFICIENT_AVAILABLE
        self.remember(txn_id)
        self.credit(source, asset, -amount_atoms)
        self.credit(target, asset, amount_atoms)
        return None

    def refusal_of_form(self, account: int, amount_atoms: int, txn_id: int) -> RejectCode | None:
        """Test what every movement has: an account, an amount, an id that has not been done before. O(1)."""
        if not account:
            return RejectCode.INVALID_ACCOUNT
        if not 1 <= amount_atoms <= ATOMS_MAX:
            return RejectCode.AMOUNT_OUT_OF_RANGE
        return RejectCode.DUPLICATE_TXN if txn_id in self._txns else None

    def remember(self, txn_id: int) -> None:
        """Note a transaction id, 0 excepted, which means: none; the oldest beyond the window is forgotten."""
        if not txn_id:
            return
        self._txns[txn_id] = None
        if len(self._txns) > self._txn_window:
            self._txns.popitem(last=False)

    # --- inside ---------------------------------------------------------------------------------

    def credit(self, account: int, asset: int, atoms: int) -> None:
        """Add atoms, which may be negative, to an account. Whoever calls takes them from somewhere else. O(1)."""
        left = self.balance(account, asset) + atoms
        if left:
            self.balances[account, asset] = left
        else:
            self.balances.pop((account, asset), None)

    def take_fee(self, asset: int, atoms: int) -> None:
        """Add atoms, negative for a rebate, to the fees."""
        self.fees[asset] = self.fees.get(asset, 0) + atoms

    def suspend(self, asset: int, atoms: int) -> None:
        """Add atoms to the suspense: negative ones, a shortfall that the venue owes."""
        self.suspense[asset] = self.suspense.get(asset, 0) + atoms

    # --- state ----------------------------------------------------------------------------------

    @property
    def txns(self) -> list[int]:
        """The remembered transaction ids, oldest first."""
        return list(self._txns)

    def check(self) -> None:
        """Raise InvariantError unless every asset adds up and nobody owes or holds more than it has. O(state)."""
        totals = {asset: self.fees.get(asset, 0) + self.suspense.get(asset, 0) for asset in self.inside}
        for (account, asset), atoms in self.balances.items():
            totals[asset] = totals.get(asset, 0) + atoms
            if atoms < self.held(account, asset):
                raise InvariantError(f"account {account}, asset {asset}: more is held than the {atoms} atoms there are")
        if totals != self.inside:
            raise InvariantError(f"assets do not add up: {totals} inside, {self.inside} came in")
        if any(atoms < 0 for atoms in (*self.fees.values(), *self.balances.values())):
            raise InvariantError("a balance or a fee is negative")
