"""One loan's account: what is billed, paid, prepaid, defaulted, recovered and written off, to the micro.

    opening principal = performing + due + scheduled + prepaid + defaulted
    defaulted = recovered + written off + outstanding

A payment goes to interest due before principal due, oldest debts first (they are one sum here), then to principal not
yet due, which is a prepayment; what is left over is returned. Once all is paid or given up, defaults + scheduled +
prepaid = opening balance.
"""

from __future__ import annotations

import msgspec

from parbook.errors import AssetError, InvariantError
from parbook.pools.amounts import ASSET_MICRO_MAX, require_int


class LoanAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Principal by where it is, and interest by whether it came. Every change is a new account."""

    opening_micro: int
    performing_micro: int
    principal_due_micro: int = 0
    scheduled_micro: int = 0
    prepaid_micro: int = 0
    outstanding_micro: int = 0
    recovered_micro: int = 0
    written_off_micro: int = 0
    interest_due_micro: int = 0
    interest_paid_micro: int = 0
    interest_lost_micro: int = 0

    @property
    def defaulted_micro(self) -> int:
        """Principal that defaulted, whatever became of it."""
        return self.recovered_micro + self.written_off_micro + self.outstanding_micro

    @property
    def owed_micro(self) -> int:
        """Everything the obligor still owes."""
        return self.performing_micro + self.principal_due_micro + self.interest_due_micro + self.outstanding_micro

    def check(self) -> None:
        """Raise InvariantError when principal was made or lost."""
        if min(msgspec.structs.astuple(self)) < 0:
            raise InvariantError(f"an amount of {self} is negative")
        parts = self.performing_micro + self.principal_due_micro + self.scheduled_micro + self.prepaid_micro
        if parts + self.defaulted_micro != self.opening_micro:
            raise InvariantError(f"the principal of {self} does not add up to its opening")


def opened(principal_micro: int) -> LoanAccount:
    """Return the account of a loan just paid out."""
    require_int("account", "principal_micro", principal_micro, 0, ASSET_MICRO_MAX)
    return LoanAccount(opening_micro=principal_micro, performing_micro=principal_micro)


def billed(account: LoanAccount, interest_micro: int, principal_micro: int) -> LoanAccount:
    """Return the account after a period's interest and principal fell due. What stays unpaid is arrears."""
    require_int("account", "interest_micro", interest_micro, 0, ASSET_MICRO_MAX)
    require_int("account", "principal_micro", principal_micro, 0, account.performing_micro)
    return _changed(
        account,
        performing_micro=account.performing_micro - principal_micro,
        principal_due_micro=account.principal_due_micro + principal_micro,
        interest_due_micro=account.interest_due_micro + interest_micro,
    )


def paid(account: LoanAccount, amount_micro: int) -> tuple[LoanAccount, int]:
    """Return the account after a payment, and what was paid too much."""
    left = require_int("account", "amount_micro", amount_micro, 0, ASSET_MICRO_MAX)
    interest = min(account.interest_due_micro, left)
    due = min(account.principal_due_micro, left - interest)
    early = min(account.performing_micro, left - interest - due)
    after = _changed(
        account,
        interest_due_micro=account.interest_due_micro - interest,
        interest_paid_micro=account.interest_paid_micro + interest,
        principal_due_micro=account.principal_due_micro - due,
        scheduled_micro=account.scheduled_micro + due,
        performing_micro=account.performing_micro - early,
        prepaid_micro=account.prepaid_micro + early,
    )
    return after, left - interest - due - early


def defaulted(account: LoanAccount) -> LoanAccount:
    """Return the account after a default: all principal not yet paid is outstanding, the interest due is lost."""
    return _changed(
        account,
        outstanding_micro=account.outstanding_micro + account.performing_micro + account.principal_due_micro,
        performing_micro=0,
        principal_due_micro=0,
        interest_lost_micro=account.interest_lost_micro + account.interest_due_micro,
        interest_due_micro=0,
    )


def recovered(account: LoanAccount, amount_micro: int) -> tuple[LoanAccount, int]:
    """Return the account after a recovery, and what came beyond what was outstanding."""
    require_int("account", "amount_micro", amount_micro, 0, ASSET_MICRO_MAX)
    part = min(account.outstanding_micro, amount_micro)
    after = _changed(
        account,
        outstanding_micro=account.outstanding_micro - part,
        recovered_micro=account.recovered_micro + part,
    )
    return after, amount_micro - part


def written_off(account: LoanAccount, amount_micro: int) -> LoanAccount:
    """Return the account after giving up some of what defaulted; AssetError when that is more than is outstanding."""
    if require_int("account", "amount_micro", amount_micro, 0, ASSET_MICRO_MAX) > account.outstanding_micro:
        raise AssetError(
            "account",
            f"{amount_micro} is to be written off and {account.outstanding_micro} is outstanding",
            "Only what defaulted is written off; default the loan first, or give up less.",
        )
    return _changed(
        account,
        outstanding_micro=account.outstanding_micro - amount_micro,
        written_off_micro=account.written_off_micro + amount_micro,
    )


def _changed(account: LoanAccount, **fields: int) -> LoanAccount:
    after: LoanAccount = msgspec.structs.replace(account, **fields)
    after.check()
    return after
