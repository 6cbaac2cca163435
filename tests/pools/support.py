"""Loans and pools to test with."""

from __future__ import annotations

import hashlib
from typing import Any

from parbook.pools.amounts import E12, MICRO
from parbook.pools.limits import Limits, PledgeRegister
from parbook.pools.loans import Loan, LoanBook, LoanEntry
from parbook.pools.pool import Pool, PoolTerms, Shares, TrancheTerms, add_entries, issue, opened_pool, plan_issue
from parbook.pools.servicing import ServicePlan, ServiceRow, plan_service, service
from parbook.refusals import Refusal

PAR = Shares(10**9, 10**9, 10**9)


def entry(number: int, micro: int = 100 * MICRO, **changes: Any) -> LoanEntry:
    """Return an asset."""
    fields: dict[str, Any] = {
        "asset_id": f"L{number}",
        "kind": 1,
        "obligor": f"obligor {number}",
        "seller": "seller",
        "group": "A",
        "legal_hash": hashlib.sha256(str(number).encode()).hexdigest(),
        "principal_micro": micro,
        "months": 12,
        "pd_e12": E12 // 50,
    }
    return LoanEntry(**(fields | changes))


def book(count: int = 1, micro: int = 100 * MICRO) -> LoanBook:
    """Return a book of assets just paid out."""
    made = LoanBook()
    for number in range(count):
        made.add(entry(number, micro))
    return made


def served(made: LoanBook, *rows: ServiceRow) -> Loan:
    """Carry out a report that can be, and return the asset of its last row."""
    plan = plan_service(made, rows)
    assert isinstance(plan, ServicePlan), plan
    service(made, plan)
    made.check()
    return made.loans[rows[-1].asset_id]


def terms(**changes: Any) -> PoolTerms:
    """Return a pool of three tranches without limits."""
    fields: dict[str, Any] = {
        "name": "P",
        "manager": 1,
        "tranches": (
            TrancheTerms(name="S", rate_e12=E12 // 20, minimum_subordination_e12=E12 // 5),
            TrancheTerms(name="M", rate_e12=E12 // 10, minimum_subordination_e12=E12 // 10),
            TrancheTerms(name="J"),
        ),
        "limits": Limits(obligor_e12=E12, counterparty_e12=E12),
    }
    return PoolTerms(**(fields | changes))


def invested(made: Pool, tranche: int, micro: int, shares: Shares | None = PAR) -> None:
    """Put money into a tranche."""
    plan = plan_issue(made, tranche, micro, shares)
    assert not isinstance(plan, Refusal), plan
    issue(made, plan)


def filled(loans: int = 8, **changes: Any) -> Pool:
    """Return a pool of 600, 200 and 200 that has lent 100 to so many."""
    made = opened_pool(terms(**changes), 0)
    for tranche, money in ((2, 200), (1, 200), (0, 600)):
        invested(made, tranche, money * MICRO)
    add_entries(made, [entry(number) for number in range(loans)], PledgeRegister())
    return made
