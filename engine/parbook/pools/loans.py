"""A pool's assets one by one: who owes what, how late, in which state; and sums over all that are never recounted.

Everything is whole micro. What an asset still counts for, its *kept* amount, is (1 - writeoff(days past due)) x owed,
rounded down: a fair value is a share of that, so arrears and defaults lower a price at once, whoever reports when.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from parbook.errors import AssetError, InvariantError, shown
from parbook.pools.account import LoanAccount, opened
from parbook.pools.amounts import ASSET_MICRO_MAX, E12, Rounding, require_int, share_of
from parbook.pools.limits import SHA256, Candidate
from parbook.pools.states import EARNING, RECOVERED, LoanState
from parbook.pools.writeoff import STEPS, WriteOffRule, keep_e12

LOANS_MAX: Final = 2**20
"""Most assets of a pool."""
TEXT_MAX: Final = 200
"""Longest name of an asset, an obligor, a seller or a group."""
VALUED: Final = EARNING | RECOVERED


class LoanEntry(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """An asset that enters a pool. `legal_hash` is the SHA-256 of its contract, which backs nothing else.

    AssetError where a field is out of range: a list of assets that cannot all be pledged is refused before it begins.
    """

    asset_id: str
    kind: int
    obligor: str
    seller: str
    group: str
    legal_hash: str
    principal_micro: int
    months: int
    pd_e12: int

    def __post_init__(self) -> None:
        where = f"asset {shown(self.asset_id)}"
        for name, least in (("asset_id", 1), ("obligor", 0), ("seller", 0), ("group", 0)):
            text = getattr(self, name)
            if not least <= len(text) <= TEXT_MAX:
                raise AssetError(
                    where, f"{name} has {len(text)} characters", f"Give {least} to {TEXT_MAX}; longer ones a number."
                )
        if not SHA256.fullmatch(self.legal_hash):
            raise AssetError(where, f"{shown(self.legal_hash)} is no SHA-256", "Give 64 lower-case hexadecimal digits.")
        require_int(where, "principal_micro", self.principal_micro, 1, ASSET_MICRO_MAX)
        require_int(where, "months", self.months, 0, 1200)
        require_int(where, "pd_e12", self.pd_e12, 0, E12)

    def candidate(self) -> Candidate:
        """Return what eligibility asks of it."""
        return Candidate(
            asset_id=self.asset_id,
            kind=self.kind,
            group=self.group,
            months=self.months,
            days_past_due=0,
            balance_micro=self.principal_micro,
            pd_e12=self.pd_e12,
        )


class Loan(msgspec.Struct, kw_only=True, array_like=True):
    """An asset in a pool."""

    entry: LoanEntry
    state: LoanState
    days_past_due: int
    account: LoanAccount

    @property
    def owed_micro(self) -> int:
        """What its obligor owes, where it is valued at all."""
        return self.account.owed_micro if self.state in VALUED else 0

    def kept_micro(self, rules: Iterable[WriteOffRule]) -> int:
        """Return what of that still counts, rounded down."""
        return share_of(self.owed_micro, keep_e12(self.days_past_due, tuple(rules)), Rounding.FLOOR)


class Sums(msgspec.Struct, kw_only=True):
    """Over all assets of a pool. `impaired_micro`: kept amounts of those that are IMPAIRED."""

    owed_micro: int = 0
    kept_micro: int = 0
    impaired_micro: int = 0
    collected_micro: int = 0
    written_off_micro: int = 0


class LoanBook(msgspec.Struct, kw_only=True):
    """The assets of a pool by id. Names of obligors and sellers are summed beside, for the limits."""

    rules: tuple[WriteOffRule, ...] = STEPS
    loans: dict[str, Loan] = {}
    sums: Sums = msgspec.field(default_factory=Sums)
    by_obligor: dict[str, int] = {}
    by_seller: dict[str, int] = {}

    def add(self, entry: LoanEntry) -> None:
        """Take an asset in, paid out in full. Whoever calls has tested it. O(1)."""
        loan = Loan(entry=entry, state=LoanState.FUNDED, days_past_due=0, account=opened(entry.principal_micro))
        if entry.asset_id in self.loans:
            raise AssetError(f"asset {entry.asset_id}", "it is in the pool already", "Give each asset once.")
        self.loans[entry.asset_id] = loan
        self._count(loan, 1)

    def change(
        self, loan: Loan, *, state: LoanState | None = None, days: int | None = None, account: LoanAccount | None = None
    ) -> None:
        """Give an asset another state, other days past due or another account, and move the sums with it. O(1)."""
        self._count(loan, -1)
        loan.state = loan.state if state is None else state
        loan.days_past_due = loan.days_past_due if days is None else days
        loan.account = loan.account if account is None else account
        self._count(loan, 1)

    def _count(self, loan: Loan, sign: int) -> None:
        owed, kept = loan.owed_micro, loan.kept_micro(self.rules)
        sums = self.sums
        sums.owed_micro += sign * owed
        sums.kept_micro += sign * kept
        if loan.state is LoanState.IMPAIRED:
            sums.impaired_micro += sign * kept
        sums.written_off_micro += sign * loan.account.written_off_micro
        for totals, name in ((self.by_obligor, loan.entry.obligor), (self.by_seller, loan.entry.seller)):
            if name and owed:
                left = totals.get(name, 0) + sign * owed
                if left:
                    totals[name] = left
                else:
                    del totals[name]

    def check(self) -> None:
        """Raise InvariantError unless every account is sound and every sum is what counting again gives. O(assets)."""
        again = LoanBook(rules=self.rules)
        for asset_id in sorted(self.loans):
            loan = self.loans[asset_id]
            loan.account.check()
            if loan.entry.asset_id != asset_id or loan.account.opening_micro != loan.entry.principal_micro:
                raise InvariantError(f"asset {asset_id}: its account is another asset's")
            if loan.state is LoanState.CLOSED and loan.account.owed_micro:
                raise InvariantError(f"asset {asset_id} is closed and owes {loan.account.owed_micro}")
            again._count(loan, 1)
        again.sums.collected_micro = self.sums.collected_micro
        if (again.sums, again.by_obligor, again.by_seller) != (self.sums, self.by_obligor, self.by_seller):
            raise InvariantError(f"sums over the assets are {self.sums}, counting again gives {again.sums}")
