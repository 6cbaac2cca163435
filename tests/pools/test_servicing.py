"""A servicer's report: every row of its table, from every state, all or nothing; streams against arithmetic."""

from __future__ import annotations

import random

import msgspec
import pytest

from parbook import canonical
from parbook.pools.amounts import ASSET_MICRO_MAX, E12, MICRO
from parbook.pools.loans import Loan, LoanBook
from parbook.pools.servicing import OWED_MICRO_MAX, Action, RowRefused, ServicePlan, ServiceRow, plan_service, service
from parbook.pools.states import NEXT, LoanState
from parbook.pools.writeoff import DAYS_PAST_DUE_MAX
from parbook.refusals import Refusal
from tests.pools.support import book, entry, served

S, A = LoanState, Action
OWED = 100 * MICRO
BILL = ServiceRow("L0", A.BILL, 2 * MICRO, 10 * MICRO)
WAYS: dict[LoanState, tuple[ServiceRow, ...]] = {
    S.FUNDED: (),
    S.CURRENT: (BILL,),
    S.LATE: (BILL, ServiceRow("L0", A.ARREARS, days=40)),
    S.IMPAIRED: (BILL, ServiceRow("L0", A.ARREARS, days=40), ServiceRow("L0", A.IMPAIR)),
    S.DEFAULTED: (BILL, ServiceRow("L0", A.ARREARS, days=40), ServiceRow("L0", A.DEFAULT, days=95)),
    S.RECOVERING: (BILL, ServiceRow("L0", A.DEFAULT, days=95), ServiceRow("L0", A.RECOVER, MICRO)),
    S.CLOSED: (ServiceRow("L0", A.PAY, OWED), ServiceRow("L0", A.CLOSE)),
}
"""How an asset gets into each state."""
LIVE = {S.FUNDED, S.CURRENT, S.LATE, S.IMPAIRED}
ROWS = {
    A.BILL: ServiceRow("L0", A.BILL, MICRO, MICRO),
    A.PAY: ServiceRow("L0", A.PAY, MICRO),
    A.ARREARS: ServiceRow("L0", A.ARREARS, days=50),
    A.IMPAIR: ServiceRow("L0", A.IMPAIR),
    A.CURE: ServiceRow("L0", A.CURE),
    A.DEFAULT: ServiceRow("L0", A.DEFAULT, days=100),
    A.RECOVER: ServiceRow("L0", A.RECOVER, MICRO),
    A.WRITE_OFF: ServiceRow("L0", A.WRITE_OFF, MICRO),
}
TABLE: dict[tuple[Action, LoanState], LoanState] = {
    **{(A.BILL, state): state for state in LIVE},
    (A.BILL, S.FUNDED): S.CURRENT,
    **{(A.PAY, state): state for state in LIVE},
    **{(A.ARREARS, state): S.LATE for state in LIVE},
    (A.ARREARS, S.IMPAIRED): S.IMPAIRED,
    (A.IMPAIR, S.CURRENT): S.IMPAIRED,
    (A.IMPAIR, S.LATE): S.IMPAIRED,
    (A.CURE, S.IMPAIRED): S.LATE,
    **{(A.DEFAULT, state): S.DEFAULTED for state in LIVE - {S.FUNDED}},
    (A.RECOVER, S.DEFAULTED): S.RECOVERING,
    (A.RECOVER, S.RECOVERING): S.RECOVERING,
    (A.WRITE_OFF, S.DEFAULTED): S.DEFAULTED,
    (A.WRITE_OFF, S.RECOVERING): S.RECOVERING,
}
"""What each action makes of each state; what is not here is refused. Written from the table, not from the code."""


def arrived(state: LoanState) -> LoanBook:
    """Return a book whose one asset stands there."""
    made = book()
    if WAYS[state]:
        served(made, *WAYS[state])
    assert made.loans["L0"].state is state
    return made


def refused(made: LoanBook, *rows: ServiceRow) -> tuple[int, Refusal]:
    """Return the row that cannot be and why; nothing has changed."""
    before = canonical.encode(made)
    plan = plan_service(made, rows)
    assert isinstance(plan, RowRefused)
    assert canonical.encode(made) == before
    return plan.row, plan.refusal


@pytest.mark.parametrize("state", WAYS, ids=lambda state: state.name)
@pytest.mark.parametrize("action", ROWS, ids=lambda action: action.name)
def test_every_action_from_every_state(action: Action, state: LoanState):
    made = arrived(state)
    if (action, state) in TABLE:
        after = served(made, ROWS[action]).state
        assert after is TABLE[action, state]
        assert after is state or after in NEXT[LoanState][state]
    else:
        assert refused(made, ROWS[action]) == (0, Refusal.LOAN_STATE)


def account(made: LoanBook) -> dict[str, int]:
    """Return what is not nothing of the one account, its opening left out."""
    fields = msgspec.structs.asdict(made.loans["L0"].account)
    del fields["opening_micro"]
    return {name.removesuffix("_micro"): value // MICRO for name, value in fields.items() if value}


def test_a_bill_moves_principal_to_what_is_due_and_adds_interest():
    made = arrived(S.CURRENT)
    assert account(made) == {"performing": 90, "principal_due": 10, "interest_due": 2}
    assert made.sums.owed_micro == 102 * MICRO


def test_a_payment_goes_to_interest_then_what_is_due_then_ahead():
    for paid, after in (
        (1, {"performing": 90, "principal_due": 10, "interest_due": 1, "interest_paid": 1}),
        (5, {"performing": 90, "principal_due": 7, "scheduled": 3, "interest_paid": 2}),
        (20, {"performing": 82, "scheduled": 10, "prepaid": 8, "interest_paid": 2}),
        (102, {"scheduled": 10, "prepaid": 90, "interest_paid": 2}),
    ):
        made = arrived(S.CURRENT)
        served(made, ServiceRow("L0", A.PAY, paid * MICRO))
        assert account(made) == after
        assert made.sums.collected_micro == paid * MICRO


def test_a_default_makes_all_principal_outstanding_and_loses_the_interest_due():
    made = arrived(S.LATE)
    served(made, ServiceRow("L0", A.DEFAULT, days=40))
    assert account(made) == {"outstanding": 100, "interest_lost": 2}
    assert made.loans["L0"].days_past_due == 40


def test_what_was_lost_and_what_came_back_add_up():
    made = arrived(S.RECOVERING)
    served(made, ServiceRow("L0", A.RECOVER, 29 * MICRO), ServiceRow("L0", A.WRITE_OFF, 70 * MICRO))
    assert account(made) == {"recovered": 30, "written_off": 70, "interest_lost": 2}
    assert (made.sums.collected_micro, made.sums.written_off_micro) == (30 * MICRO, 70 * MICRO)
    assert served(made, ServiceRow("L0", A.CLOSE)).state is S.CLOSED
    assert (made.sums.owed_micro, made.sums.kept_micro, made.by_obligor) == (0, 0, {})


def test_days_and_doubts():
    made = arrived(S.IMPAIRED)
    assert served(made, ServiceRow("L0", A.ARREARS, days=0)).state is S.IMPAIRED, "doubted still"
    assert served(made, ServiceRow("L0", A.CURE)).state is S.CURRENT, "nothing is past due"
    assert served(made, ServiceRow("L0", A.ARREARS, days=1)).state is S.LATE
    assert served(made, ServiceRow("L0", A.ARREARS, days=0)).state is S.CURRENT
    assert served(arrived(S.IMPAIRED), ServiceRow("L0", A.CURE)).state is S.LATE, "40 days are past due"


@pytest.mark.parametrize("state", [state for state in WAYS if state is not S.CLOSED], ids=lambda state: state.name)
def test_an_asset_closes_when_nothing_is_owed_and_not_before(state: LoanState):
    made = arrived(state)
    assert refused(made, ServiceRow("L0", A.CLOSE)) == (0, Refusal.LOAN_STATE)
    action = A.PAY if state in LIVE else A.RECOVER
    owed = made.loans["L0"].account.owed_micro
    loan = served(made, ServiceRow("L0", action, owed), ServiceRow("L0", A.CLOSE))
    assert (loan.state, loan.days_past_due) == (S.CLOSED, 0)
    assert refused(made, ServiceRow("L0", A.CLOSE)) == (0, Refusal.LOAN_STATE)


@pytest.mark.parametrize(
    ("state", "row"),
    [
        (S.CURRENT, ServiceRow("L0", A.PAY, 0)),
        (S.CURRENT, ServiceRow("L0", A.PAY, 102 * MICRO + 1)),
        (S.CURRENT, ServiceRow("L0", A.PAY, -1)),
        (S.CURRENT, ServiceRow("L0", A.BILL, 0, 90 * MICRO + 1)),
        (S.CURRENT, ServiceRow("L0", A.BILL, 0, -1)),
        (S.CURRENT, ServiceRow("L0", A.BILL, ASSET_MICRO_MAX - 102 * MICRO + 1)),
        (S.LATE, ServiceRow("L0", A.DEFAULT, days=39)),
        (S.LATE, ServiceRow("L0", A.DEFAULT, days=DAYS_PAST_DUE_MAX + 1)),
        (S.LATE, ServiceRow("L0", A.ARREARS, days=-1)),
        (S.DEFAULTED, ServiceRow("L0", A.RECOVER, 100 * MICRO + 1)),
        (S.DEFAULTED, ServiceRow("L0", A.RECOVER, 0)),
        (S.DEFAULTED, ServiceRow("L0", A.WRITE_OFF, 100 * MICRO + 1)),
        (S.DEFAULTED, ServiceRow("L0", A.WRITE_OFF, 0)),
    ],
    ids=lambda value: value.name if isinstance(value, LoanState) else Action(value.action).name,
)
def test_amounts_and_days_out_of_range(state: LoanState, row: ServiceRow):
    assert refused(arrived(state), row) == (0, Refusal.LOAN_AMOUNT)


def test_exactly_at_a_limit_is_within_it():
    for state, row in (
        (S.CURRENT, ServiceRow("L0", A.BILL, ASSET_MICRO_MAX - 102 * MICRO)),
        (S.CURRENT, ServiceRow("L0", A.BILL, 0, 90 * MICRO)),
        (S.LATE, ServiceRow("L0", A.ARREARS, days=DAYS_PAST_DUE_MAX)),
        (S.DEFAULTED, ServiceRow("L0", A.WRITE_OFF, 100 * MICRO)),
    ):
        served(arrived(state), row)


def test_all_assets_together_owe_at_most_so_much():
    made = book(600)
    most = ASSET_MICRO_MAX - 100 * MICRO
    rows = [ServiceRow(f"L{number}", A.BILL, most) for number in range(600)]
    row, refusal = refused(made, *rows)
    assert refusal is Refusal.LOAN_AMOUNT
    assert made.sums.owed_micro + row * most <= OWED_MICRO_MAX < made.sums.owed_micro + (row + 1) * most


def test_a_report_is_all_or_nothing_and_names_its_first_fault():
    made = book(3)
    rows = (
        ServiceRow("L0", A.BILL, MICRO),
        ServiceRow("L1", A.PAY, MICRO),
        ServiceRow("nobody", A.PAY, MICRO),
        ServiceRow("L2", A.CURE),
    )
    assert refused(made, *rows) == (2, Refusal.UNKNOWN_LOAN)
    assert refused(made, *rows[:2], rows[3]) == (2, Refusal.LOAN_STATE)


def test_rows_of_one_asset_follow_each_other():
    made = book()
    rows = (BILL, ServiceRow("L0", A.PAY, 102 * MICRO), ServiceRow("L0", A.CLOSE))
    plan = plan_service(made, rows)
    assert isinstance(plan, ServicePlan)
    assert (plan.collected_micro, plan.closed, list(plan.changes)) == (102 * MICRO, ("L0",), ["L0"])
    assert refused(made, *rows, ServiceRow("L0", A.PAY, 1)) == (3, Refusal.LOAN_STATE)


class Plain:
    """What an obligor owes by arithmetic alone: lent and billed, less paid and given up."""

    def __init__(self) -> None:
        self.owed = OWED
        self.came = 0
        self.interest = 0

    def count(self, row: ServiceRow, before: Loan) -> None:
        """Count a row that was carried out."""
        if row.action is A.BILL:
            self.owed += row.amount_micro
        elif row.action in (A.PAY, A.RECOVER):
            self.owed -= row.amount_micro
            self.came += row.amount_micro
        elif row.action is A.WRITE_OFF:
            self.owed -= row.amount_micro
        elif row.action is A.DEFAULT:
            self.owed -= before.account.interest_due_micro


@pytest.mark.parametrize("seed", range(8))
def test_streams_of_reports_against_plain_arithmetic(seed: int):
    draw = random.Random(seed)
    made = book(12)
    plain = {name: Plain() for name in made.loans}
    for number in range(400):
        name = draw.choice(sorted(made.loans))
        loan = made.loans[name]
        action = draw.choice(tuple(A))
        most = max(loan.account.owed_micro, 1)
        principal = draw.randint(0, loan.account.performing_micro) if action is A.BILL else 0
        amount = draw.choice([1, draw.randint(0, most), most])
        row = ServiceRow(name, action, amount // (20 if action is A.BILL else 1), principal, draw.randrange(200))
        before: Loan = msgspec.json.decode(msgspec.json.encode(loan), type=Loan)
        plan = plan_service(made, (row,))
        if isinstance(plan, ServicePlan):
            service(made, plan)
            plain[name].count(row, before)
        made.check()
        assert loan.account.owed_micro == plain[name].owed
        if number % 50 == 49:
            made = msgspec.json.decode(canonical.encode(made), type=LoanBook)
    assert made.sums.collected_micro == sum(one.came for one in plain.values())
    assert made.sums.owed_micro == sum(one.owed for one in plain.values())
    keep = {0: E12, 30: E12 * 3 // 4, 60: E12 // 2, 90: E12 // 4, 120: 0}
    kept = sum(
        loan.owed_micro * keep[max(days for days in keep if days <= loan.days_past_due)] // E12
        for loan in made.loans.values()
    )
    assert made.sums.kept_micro == kept


def test_reports_in_parts_are_one_report():
    rows = [BILL, ServiceRow("L0", A.PAY, 5 * MICRO), ServiceRow("L1", A.PAY, MICRO), ServiceRow("L0", A.PAY, MICRO)]
    at_once, parts = book(2), book(2)
    served(at_once, *rows)
    for row in rows:
        served(parts, row)
    assert canonical.encode(at_once) == canonical.encode(parts)
    assert entry(0) == at_once.loans["L0"].entry
