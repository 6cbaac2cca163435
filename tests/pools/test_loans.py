"""A pool's assets: what of each counts, sums that are never recounted, and what may not be an asset."""

from __future__ import annotations

import random

import pytest

from parbook.errors import AssetError, InvariantError
from parbook.pools import account as accounts
from parbook.pools.amounts import ASSET_MICRO_MAX, E12, MICRO
from parbook.pools.limits import PledgeRegister
from parbook.pools.loans import TEXT_MAX, Loan, LoanBook, Sums
from parbook.pools.states import LoanState
from parbook.pools.writeoff import WriteOffRule
from tests.pools.support import book, entry


@pytest.mark.parametrize(
    ("days", "kept"), [(0, 100), (29, 100), (30, 75), (59, 75), (60, 50), (90, 25), (119, 25), (120, 0), (36_500, 0)]
)
def test_what_counts_falls_with_days_past_due(days: int, kept: int):
    made = book()
    made.change(made.loans["L0"], state=LoanState.LATE, days=days)
    assert made.sums.kept_micro == kept * MICRO
    assert made.sums.owed_micro == 100 * MICRO
    made.check()


def test_what_counts_is_rounded_down():
    made = book(1, 7)
    made.change(made.loans["L0"], days=30)
    assert made.sums.kept_micro == 5


def test_own_rules_of_a_book():
    made = LoanBook(rules=(WriteOffRule(0, E12 // 10), WriteOffRule(5, E12)))
    made.add(entry(1))
    assert made.sums.kept_micro == 90 * MICRO
    made.change(made.loans["L1"], days=5)
    assert made.sums.kept_micro == 0
    made.check()


def test_only_doubted_assets_count_as_an_unrealised_loss():
    made = book(3)
    made.change(made.loans["L0"], state=LoanState.IMPAIRED, days=30)
    made.change(made.loans["L1"], state=LoanState.DEFAULTED, days=95)
    assert made.sums.impaired_micro == 75 * MICRO
    made.change(made.loans["L0"], state=LoanState.CURRENT, days=0)
    assert made.sums.impaired_micro == 0
    made.check()


def test_names_are_summed_while_they_owe():
    made = LoanBook()
    for number, (obligor, seller) in enumerate((("a", "x"), ("a", "y"), ("b", ""), ("", "x"))):
        made.add(entry(number, 100, obligor=obligor, seller=seller))
    assert made.by_obligor == {"a": 200, "b": 100}
    assert made.by_seller == {"x": 200, "y": 100}
    for name in ("L0", "L1"):
        made.change(made.loans[name], account=accounts.paid(made.loans[name].account, 100)[0])
    assert made.by_obligor == {"b": 100}
    assert made.by_seller == {"x": 100}
    made.check()


def test_an_asset_is_there_once():
    made = book()
    before = made.sums.owed_micro
    with pytest.raises(AssetError, match="is in the pool already"):
        made.add(entry(0))
    made.check()
    assert made.sums.owed_micro == before


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"legal_hash": "zz"}, "is no SHA-256"),
        ({"legal_hash": "A" * 64}, "is no SHA-256"),
        ({"asset_id": ""}, "asset_id has 0 characters"),
        ({"asset_id": "x" * (TEXT_MAX + 1)}, "asset_id has 201"),
        ({"obligor": "x" * (TEXT_MAX + 1)}, "obligor has 201"),
        ({"seller": "x" * (TEXT_MAX + 1)}, "seller has 201"),
        ({"group": "x" * (TEXT_MAX + 1)}, "group has 201"),
        ({"principal_micro": 0}, "principal_micro=0"),
        ({"principal_micro": ASSET_MICRO_MAX + 1}, "principal_micro="),
        ({"months": -1}, "months=-1"),
        ({"pd_e12": E12 + 1}, "pd_e12="),
    ],
)
def test_what_is_no_asset(changes: dict[str, object], match: str):
    with pytest.raises(AssetError, match=match):
        entry(1, **changes)


def test_whatever_is_an_asset_can_be_pledged_and_taken_in():
    for changes in ({"obligor": "", "seller": "", "group": ""}, {"principal_micro": ASSET_MICRO_MAX}, {"months": 0}):
        one = entry(1, **changes)
        PledgeRegister().pledge(one.legal_hash, one.asset_id)
        LoanBook().add(one)


SPOILT = {
    "owed_micro": "counting again",
    "kept_micro": "counting again",
    "impaired_micro": "counting again",
    "written_off_micro": "counting again",
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_sum_that_is_off_is_found(name: str):
    made = book(2)
    setattr(made.sums, name, getattr(made.sums, name) + 1)
    with pytest.raises(InvariantError, match=SPOILT[name]):
        made.check()


def test_names_and_accounts_that_are_off_are_found():
    made = book(2)
    made.by_seller["seller"] -= 1
    with pytest.raises(InvariantError, match="counting again"):
        made.check()
    made = book(2)
    made.loans["L0"], made.loans["L1"] = made.loans["L1"], made.loans["L0"]
    with pytest.raises(InvariantError, match="another asset's"):
        made.check()
    made = book(2)
    made.loans["L0"].account = accounts.opened(99)
    with pytest.raises(InvariantError, match="another asset's"):
        made.check()
    made = book(1)
    made.change(made.loans["L0"], state=LoanState.CLOSED)
    with pytest.raises(InvariantError, match="is closed and owes"):
        made.check()


def counted(made: LoanBook) -> tuple[Sums, dict[str, int], dict[str, int]]:
    """Return all sums, counted anew from the assets without the book's help."""
    sums = Sums(collected_micro=made.sums.collected_micro)
    obligors: dict[str, int] = {}
    sellers: dict[str, int] = {}
    for loan in made.loans.values():
        alive = loan.state not in (LoanState.DRAFT, LoanState.CLOSED)
        account = loan.account
        owed = account.performing_micro + account.principal_due_micro + account.interest_due_micro
        owed = (owed + account.outstanding_micro) if alive else 0
        kept = owed * max(4 - min(loan.days_past_due // 30, 4), 0) // 4
        sums.owed_micro += owed
        sums.kept_micro += kept
        sums.impaired_micro += kept if loan.state is LoanState.IMPAIRED else 0
        sums.written_off_micro += account.written_off_micro
        for totals, name in ((obligors, loan.entry.obligor), (sellers, loan.entry.seller)):
            if name and owed:
                totals[name] = totals.get(name, 0) + owed
    return sums, obligors, sellers


@pytest.mark.parametrize("seed", range(6))
def test_sums_are_what_counting_again_gives(seed: int):
    draw = random.Random(seed)
    made = LoanBook()
    for number in range(400):
        if draw.random() < 0.1 or not made.loans:
            obligor, seller = (f"{kind}{draw.randrange(3)}" if draw.random() < 0.8 else "" for kind in "os")
            made.add(entry(number, draw.randint(1, 10**9), obligor=obligor, seller=seller))
            continue
        loan: Loan = made.loans[draw.choice(sorted(made.loans))]
        account = loan.account
        match draw.randrange(4):
            case 0:
                account = accounts.billed(account, draw.randrange(10**6), draw.randint(0, account.performing_micro))
            case 1:
                account = accounts.paid(account, draw.randint(0, account.owed_micro))[0]
            case 2:
                account = accounts.defaulted(account)
            case 3:
                account = accounts.written_off(account, draw.randint(0, account.outstanding_micro))
        states = [state for state in LoanState if state is not LoanState.CLOSED or not account.owed_micro]
        made.change(loan, state=draw.choice(states), days=draw.randrange(200), account=account)
        made.check()
        assert (made.sums, made.by_obligor, made.by_seller) == counted(made)
