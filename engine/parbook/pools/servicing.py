"""What a servicer reports, asset by asset: bills, payments, arrears, defaults, recoveries, write-offs. All or nothing.

An asset never owes more than ASSET_MICRO_MAX, nor all of them together more than OWED_MICRO_MAX.

| action | from state | needs | then |
|---|---|---|---|
| BILL | FUNDED CURRENT LATE IMPAIRED | interest `amount_micro`, performing `principal_micro` | FUNDED is CURRENT |
| PAY | the same | `amount_micro` of 1 to all that is owed | goes to interest due, principal due, then prepays |
| ARREARS | the same | `days` past due | CURRENT when 0, else LATE; IMPAIRED stays |
| IMPAIR | CURRENT LATE | | counts as an unrealised loss for leavers |
| CURE | IMPAIRED | | CURRENT, or LATE when days are past due |
| DEFAULT | CURRENT LATE IMPAIRED | `days` past due, not fewer than there were | all principal is outstanding |
| RECOVER | DEFAULTED RECOVERING | `amount_micro` of 1 to what is outstanding | RECOVERING |
| WRITE_OFF | DEFAULTED RECOVERING | the same | given up |
| CLOSE | any but CLOSED | nothing is owed | CLOSED; its contract may back another asset |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from parbook.codes import DocumentedEnum
from parbook.pools import account as accounts
from parbook.pools.account import LoanAccount
from parbook.pools.amounts import ASSET_MICRO_MAX, MONEY_MICRO_MAX
from parbook.pools.loans import Loan, LoanBook
from parbook.pools.states import EARNING, RECOVERED, LoanState
from parbook.pools.writeoff import DAYS_PAST_DUE_MAX
from parbook.refusals import Refusal

ROWS_MAX: Final = 2**17
"""Most rows of one report."""
OWED_MICRO_MAX: Final = MONEY_MICRO_MAX // 2
"""Most that all assets of a pool owe before a report and by its bills: with its cash it stays within 63 bits."""


class Action(DocumentedEnum):
    """What happened to an asset."""

    BILL = 1, "interest and principal fell due"
    PAY = 2, "its obligor paid"
    ARREARS = 3, "so many days are past due"
    IMPAIR = 4, "its value is doubted"
    CURE = 5, "its value is doubted no longer"
    DEFAULT = 6, "it is given up; what comes is a recovery"
    RECOVER = 7, "something was recovered"
    WRITE_OFF = 8, "something will not be recovered"
    CLOSE = 9, "nothing is owed any more"


class ServiceRow(msgspec.Struct, frozen=True, array_like=True):
    """One line of a servicer's report."""

    asset_id: str
    action: Action
    amount_micro: int = 0
    principal_micro: int = 0
    days: int = 0


class Standing(NamedTuple):
    """What of an asset a report may change."""

    state: LoanState
    days_past_due: int
    account: LoanAccount


class ServicePlan(msgspec.Struct, frozen=True, kw_only=True):
    """A report that can be carried out: where each asset named will stand, and what money comes with it."""

    changes: dict[str, Standing]
    collected_micro: int
    closed: tuple[str, ...]


class RowRefused(msgspec.Struct, frozen=True):
    """The first row that cannot be, from 0, and why."""

    row: int
    refusal: Refusal


_LIVE: Final = EARNING
_DEFAULTABLE: Final = frozenset({LoanState.CURRENT, LoanState.LATE, LoanState.IMPAIRED})
_ALLOWED: Final[dict[Action, frozenset[LoanState]]] = {
    Action.BILL: _LIVE,
    Action.PAY: _LIVE,
    Action.ARREARS: _LIVE,
    Action.IMPAIR: frozenset({LoanState.CURRENT, LoanState.LATE}),
    Action.CURE: frozenset({LoanState.IMPAIRED}),
    Action.DEFAULT: _DEFAULTABLE,
    Action.RECOVER: RECOVERED,
    Action.WRITE_OFF: RECOVERED,
    Action.CLOSE: frozenset(LoanState) - {LoanState.CLOSED},
}


def plan_service(book: LoanBook, rows: Sequence[ServiceRow]) -> ServicePlan | RowRefused:
    """Return what a report does, or the first row that cannot be. Changes nothing. O(rows)."""
    changes: dict[str, Standing] = {}
    collected_micro = billed_micro = 0
    for number, row in enumerate(rows):
        loan = book.loans.get(row.asset_id)
        if loan is None:
            return RowRefused(number, Refusal.UNKNOWN_LOAN)
        before = changes.get(row.asset_id) or Standing(loan.state, loan.days_past_due, loan.account)
        after = _after(row, before)
        if isinstance(after, Refusal):
            return RowRefused(number, after)
        changes[row.asset_id] = after
        if row.action is Action.BILL:
            billed_micro += row.amount_micro
            if book.sums.owed_micro + billed_micro > OWED_MICRO_MAX:
                return RowRefused(number, Refusal.LOAN_AMOUNT)
        elif row.action in (Action.PAY, Action.RECOVER):
            collected_micro += row.amount_micro
    closed = tuple(sorted(name for name, standing in changes.items() if standing.state is LoanState.CLOSED))
    return ServicePlan(changes=changes, collected_micro=collected_micro, closed=closed)


def service(book: LoanBook, plan: ServicePlan) -> None:
    """Carry a report out. O(assets named)."""
    for asset_id in sorted(plan.changes):
        standing = plan.changes[asset_id]
        loan: Loan = book.loans[asset_id]
        book.change(loan, state=standing.state, days=standing.days_past_due, account=standing.account)
    book.sums.collected_micro += plan.collected_micro


def _after(row: ServiceRow, before: Standing) -> Standing | Refusal:
    """Return where one row leaves an asset, or why it cannot be."""
    state, days, account = before
    if row.action not in _ALLOWED or state not in _ALLOWED[row.action]:
        return Refusal.LOAN_STATE
    amount = row.amount_micro
    amounts_fit = 0 <= amount <= ASSET_MICRO_MAX and 0 <= row.principal_micro <= account.performing_micro
    if not amounts_fit or not 0 <= row.days <= DAYS_PAST_DUE_MAX:
        return Refusal.LOAN_AMOUNT
    match row.action:
        case Action.BILL:
            if account.owed_micro + amount > ASSET_MICRO_MAX:
                return Refusal.LOAN_AMOUNT
            billed = accounts.billed(account, amount, row.principal_micro)
            return Standing(LoanState.CURRENT if state is LoanState.FUNDED else state, days, billed)
        case Action.PAY:
            paid = accounts.paid(account, amount)[0] if 1 <= amount <= account.owed_micro else None
            return Standing(state, days, paid) if paid else Refusal.LOAN_AMOUNT
        case Action.ARREARS:
            late = LoanState.LATE if row.days else LoanState.CURRENT
            return Standing(state if state is LoanState.IMPAIRED else late, row.days, account)
        case Action.IMPAIR:
            return Standing(LoanState.IMPAIRED, days, account)
        case Action.CURE:
            return Standing(LoanState.LATE if days else LoanState.CURRENT, days, account)
        case Action.DEFAULT:
            if row.days < days:
                return Refusal.LOAN_AMOUNT
            return Standing(LoanState.DEFAULTED, row.days, accounts.defaulted(account))
        case Action.CLOSE:
            return Standing(LoanState.CLOSED, 0, account) if not account.owed_micro else Refusal.LOAN_STATE
    if not 1 <= amount <= account.outstanding_micro:
        return Refusal.LOAN_AMOUNT
    if row.action is Action.RECOVER:
        return Standing(LoanState.RECOVERING, days, accounts.recovered(account, amount)[0])
    return Standing(state, days, accounts.written_off(account, amount))
