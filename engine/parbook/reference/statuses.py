"""What accounts may do in the whole exchange, whatever their limits in one market."""

from __future__ import annotations

from parbook.codes import AccountStatus, RejectCode


class Statuses:
    """The accounts that are not ACTIVE."""

    def __init__(self) -> None:
        self.by_account: dict[int, AccountStatus] = {}

    def of(self, account: int) -> AccountStatus:
        """Return an account's status. O(1)."""
        return self.by_account.get(account, AccountStatus.ACTIVE)

    def set(self, account: int, status: AccountStatus) -> None:
        """Give an account a status; its orders stay."""
        self.by_account[account] = status
        if status is AccountStatus.ACTIVE:
            del self.by_account[account]

    def refusal_of_entry(self, account: int, *, buys: bool) -> RejectCode | None:
        """Test that the account may enter or amend an order or a quote, of which a part buys or none does."""
        status = self.of(account)
        if status is AccountStatus.SUSPENDED:
            return RejectCode.ACCOUNT_SUSPENDED
        return RejectCode.ACCOUNT_REDUCE_ONLY if buys and status is AccountStatus.REDUCE_ONLY else None

    def refusal_of_payment(self, account: int) -> RejectCode | None:
        """Test that atoms may leave the account."""
        return RejectCode.ACCOUNT_SUSPENDED if self.of(account) is AccountStatus.SUSPENDED else None
