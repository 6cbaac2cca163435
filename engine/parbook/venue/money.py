"""Accounts and their money: deposits, withdrawals, transfers, fees, status, balances."""

from __future__ import annotations

from parbook.codes import AccountStatus
from parbook.errors import MisuseError
from parbook.messages import Deposit, SetFees, SetStatus, SetTier, Transfer, Withdraw
from parbook.units import ACCOUNT_MAX, checked_int
from parbook.venue.base import AssetLike, Base, named
from parbook.venue.choices import chosen
from parbook.venue.grid import AssetHandle, Exact, one_of, ppm_of
from parbook.venue.results import Balance, Outcome


class Money(Base):
    """Who owns what, and what trading costs.

    An amount is text, Decimal or int in units of the asset, or `amount_atoms`. A `txn_id` other than 0 counts once
    among the latest 65,536: sent again it is refused with DUPLICATE_TXN, so that a retry is safe.
    """

    def deposit(
        self,
        account: int,
        asset: AssetLike,
        amount: Exact | None = None,
        *,
        amount_atoms: int | None = None,
        txn_id: int = 0,
        ts: int = 0,
    ) -> Outcome:
        """Credit what came from outside. BALANCE_OVERFLOW beyond 63 bits of an asset inside."""
        handle = self.asset(asset)
        atoms = _atoms(handle, amount, amount_atoms)
        command = Deposit(account=account, asset=int(handle), amount_atoms=atoms, txn_id=txn_id, ts_ns=ts)
        return self._outcome(f"deposit of {handle.amount(atoms)} {handle.name} to {named(account)}", command)

    def withdraw(
        self,
        account: int,
        asset: AssetLike,
        amount: Exact | None = None,
        *,
        amount_atoms: int | None = None,
        txn_id: int = 0,
        ts: int = 0,
    ) -> Outcome:
        """Debit what leaves for the outside. INSUFFICIENT_AVAILABLE when it is not there, or held by live orders."""
        handle = self.asset(asset)
        atoms = _atoms(handle, amount, amount_atoms)
        command = Withdraw(account=account, asset=int(handle), amount_atoms=atoms, txn_id=txn_id, ts_ns=ts)
        return self._outcome(f"withdraw of {handle.amount(atoms)} {handle.name} from {named(account)}", command)

    def transfer(
        self,
        account: int,
        target: int,
        asset: AssetLike,
        amount: Exact | None = None,
        *,
        amount_atoms: int | None = None,
        txn_id: int = 0,
        ts: int = 0,
    ) -> Outcome:
        """Move what `account` has available to `target`. INSUFFICIENT_AVAILABLE as in withdraw()."""
        handle = self.asset(asset)
        atoms = _atoms(handle, amount, amount_atoms)
        command = Transfer(
            account=account,
            target_account=checked_int(target, "target", 0, ACCOUNT_MAX),
            asset=int(handle),
            amount_atoms=atoms,
            txn_id=txn_id,
            ts_ns=ts,
        )
        what = f"transfer of {handle.amount(atoms)} {handle.name} from {named(account)} to {target}"
        return self._outcome(what, command)

    def balances(self, account: int) -> dict[str, Balance]:
        """Return what an account has, by asset name; all assets, in their order. O(assets x its live orders)."""
        self._guard()
        checked_int(account, "account", 1, ACCOUNT_MAX)
        return {
            handle.name: Balance(
                asset=handle,
                total_atoms=self._core.balance(account, int(handle)),
                held_atoms=self._core.held(account, int(handle)),
            )
            for handle in self._assets
        }

    # --- what trading costs, who may trade ------------------------------------------------------

    def set_fees(self, tier: int = 0, *, maker_bps: Exact = 0, taker_bps: Exact = 0, ts: int = 0) -> Outcome:
        """Set what a tier pays from the next fill on; accounts are in tier 0 at first. A negative rate is a rebate.

        A taker's fee rounds up to an atom, a rebate towards zero. FEE_OUT_OF_RANGE above some instrument's max_fee_bps,
        or for a rebate that some tier's taker fee does not cover.
        """
        maker_ppm, taker_ppm = ppm_of(maker_bps, "maker_bps"), ppm_of(taker_bps, "taker_bps")
        command = SetFees(tier=tier, maker_ppm=maker_ppm, taker_ppm=taker_ppm, ts_ns=ts)
        return self._outcome(f"set_fees of tier {checked_int(tier, 'tier', 0, 2**16 - 1)}", command)

    def set_tier(self, account: int, tier: int, *, ts: int = 0) -> Outcome:
        """Put an account in a tier. UNKNOWN_TIER before its set_fees()."""
        return self._outcome(f"set_tier of {named(account)}", SetTier(account=account, tier=tier, ts_ns=ts))

    def set_status(self, account: int, status: AccountStatus | str, *, ts: int = 0) -> Outcome:
        """Set what an account may do everywhere: "active", "reduce_only", "suspended". Its live orders stay."""
        command = SetStatus(account=account, status=chosen(AccountStatus, status, "status"), ts_ns=ts)
        return self._outcome(f"set_status of {named(account)}", command)


def _atoms(handle: AssetHandle, amount: Exact | None, amount_atoms: int | None) -> int:
    one_of(amount, amount_atoms, "amount", "amount_atoms")
    if amount is not None:
        return handle.atoms(amount)
    if amount_atoms is None:
        raise MisuseError(f"{handle.name}: no amount. Give amount= or amount_atoms=.")
    return checked_int(amount_atoms, "amount_atoms", -(2**63), 2**63 - 1)
