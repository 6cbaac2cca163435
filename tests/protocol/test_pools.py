"""Pools in the exchange: made, invested in, filled, serviced, paid out of; and every no."""

from __future__ import annotations

import hashlib
from decimal import Decimal

import pytest

from parbook import messages as m
from parbook.codes import AccountStatus
from parbook.errors import InvariantError, MisuseError
from parbook.instrument import Instrument
from parbook.pools.amounts import E12
from parbook.pools.limits import Eligibility, Limits
from parbook.pools.loans import LoanEntry
from parbook.pools.pool import PoolTerms, TrancheTerms
from parbook.pools.servicing import Action, ServiceRow
from parbook.pools.states import LoanState, PoolState, TrancheState
from parbook.protocol import commands as c
from parbook.records import command_records
from parbook.refusals import Refusal
from parbook.units import RESERVED_ACCOUNT
from tests.protocol.house import DAY, MANAGER, MICRO, SECOND, House

SENIOR, JUNIOR = 0, 1
INVESTOR, BORROWER, PAYER = 7, 8, 9


def terms(**changes: object) -> PoolTerms:
    """Return a pool of two tranches."""
    fields: dict[str, object] = {
        "name": "SME",
        "manager": MANAGER,
        "tranches": (
            TrancheTerms(name="S", rate_e12=E12 // 20, minimum_subordination_e12=E12 // 5),
            TrancheTerms(name="J"),
        ),
        "limits": Limits(obligor_e12=E12 // 2, counterparty_e12=E12),
        "planned_micro": 1000 * MICRO,
        "eligibility": Eligibility(months_max=60),
    }
    return PoolTerms(**(fields | changes))


def loan(number: int, principal: int = 100, **changes: object) -> LoanEntry:
    """Return a loan of so many units of money."""
    fields: dict[str, object] = {
        "asset_id": f"L{number}",
        "kind": 1,
        "obligor": f"obligor {number}",
        "seller": "seller",
        "group": "A",
        "legal_hash": hashlib.sha256(str(number).encode()).hexdigest(),
        "principal_micro": principal * MICRO,
        "months": 12,
        "pd_e12": E12 // 50,
    }
    return LoanEntry(**(fields | changes))


def market(symbol: str) -> Instrument:
    """Return an instrument of whole units, priced to a hundredth of a percent."""
    return Instrument(symbol=symbol, tick=Decimal("0.0001"), lot=Decimal(1))


class Place(House):
    """A house with money and a pool."""

    def __init__(self, **changes: object) -> None:
        super().__init__()
        self.usd = self.asset("USD")
        opened = self.do(c.OpenPool(terms=terms(**changes), quote=self.usd, markets=(market("S/USD"), market("J/USD"))))
        self.units = opened.assets
        for account in (INVESTOR, PAYER):
            self.give(account, self.usd, 10_000 * MICRO)

    @property
    def pool(self):
        """The pool."""
        return self.protocol.pools[0].pool

    def invested(self) -> Place:
        """Fill both tranches: 300 below 700."""
        self.do(c.Invest(pool=0, tranche=JUNIOR, account=INVESTOR, amount_micro=300 * MICRO))
        self.do(c.Invest(pool=0, tranche=SENIOR, account=INVESTOR, amount_micro=700 * MICRO))
        return self

    def filled(self, count: int = 8) -> Place:
        """And lend."""
        self.invested()
        self.do(self.adding(*(loan(number) for number in range(count))))
        return self

    def adding(self, *entries: LoanEntry) -> c.AddLoans:
        """Return the command that takes assets in."""
        return c.AddLoans(pool=0, account=MANAGER, originator=BORROWER, entries=entries)

    def report(self, *rows: ServiceRow, **changes: int) -> c.Service:
        """Return a servicer's report."""
        return c.Service(pool=0, account=changes.pop("account", MANAGER), payer=PAYER, rows=rows, **changes)


def test_a_pool_is_made_with_assets_and_instruments():
    place = Place()
    assert [asset.name for asset in place.one.assets] == ["USD", "SME-S", "SME-J"]
    assert [listing.instrument.symbol for listing in place.one.listings] == ["S/USD", "J/USD"]
    assert {listing.treasury >= RESERVED_ACCOUNT for listing in place.one.listings} == {True}
    assert (place.one.listings[0].lot_atoms, place.one.listings[0].tick_atoms) == (MICRO, 100)


def test_units_are_issued_at_par_first_and_claims_follow():
    place = Place().invested()
    assert place.has(INVESTOR, place.units[SENIOR]) == 700 * MICRO
    assert place.pool.tranches[SENIOR].claim_micro == 700 * MICRO
    assert place.pool.tranches[JUNIOR].claim_micro == 0
    assert place.pool.cash_micro == 1000 * MICRO


def test_a_senior_needs_somebody_below_it():
    place = Place()
    invest = c.Invest(pool=0, tranche=SENIOR, account=INVESTOR, amount_micro=1)
    assert place.no(invest) is Refusal.SUBORDINATION
    place.do(c.Invest(pool=0, tranche=JUNIOR, account=INVESTOR, amount_micro=200 * MICRO))
    place.do(c.Invest(pool=0, tranche=SENIOR, account=INVESTOR, amount_micro=800 * MICRO))
    assert place.no(invest) is Refusal.SUBORDINATION


def test_loans_are_paid_out_of_cash():
    place = Place().filled()
    assert place.has(BORROWER, place.usd) == 800 * MICRO
    assert place.pool.cash_micro == 200 * MICRO
    assert place.pool.book.sums.owed_micro == place.pool.book.sums.kept_micro == 800 * MICRO
    assert place.pool.book.loans["L0"].state is LoanState.FUNDED


def test_a_year_of_servicing_a_loan():
    place = Place().filled()
    place.do(place.report(ServiceRow("L0", Action.BILL, 2 * MICRO, 10 * MICRO), ts_ns=30 * DAY))
    place.do(place.report(ServiceRow("L0", Action.PAY, 13 * MICRO)))  # 2 interest, 10 due, 1 prepaid
    account = place.pool.book.loans["L0"].account
    assert (account.interest_paid_micro, account.scheduled_micro, account.prepaid_micro) == (
        2 * MICRO,
        10 * MICRO,
        MICRO,
    )
    assert place.pool.cash_micro == 213 * MICRO
    place.do(place.report(ServiceRow("L0", Action.ARREARS, days=65)))
    assert place.pool.book.sums.kept_micro == 700 * MICRO + 89 * MICRO // 2
    place.do(place.report(ServiceRow("L0", Action.DEFAULT, days=95)))
    assert place.pool.book.sums.kept_micro == 700 * MICRO + 89 * MICRO // 4
    place.do(place.report(ServiceRow("L0", Action.RECOVER, 40 * MICRO), ServiceRow("L0", Action.WRITE_OFF, 49 * MICRO)))
    place.do(place.report(ServiceRow("L0", Action.CLOSE)))
    assert place.pool.book.loans["L0"].state is LoanState.CLOSED
    assert place.pool.book.sums.written_off_micro == 49 * MICRO
    # Its contract backs nothing any more, and may back another.
    place.do(place.adding(loan(0, asset_id="again")))


def test_a_report_is_carried_out_whole_or_not_at_all():
    place = Place().filled()
    rows = (ServiceRow("L0", Action.BILL, MICRO, MICRO), ServiceRow("L1", Action.PAY, 101 * MICRO))
    acted = place.act(place.report(*rows))
    assert acted.no is not None
    assert (acted.no.refusal, acted.no.detail) == (Refusal.LOAN_AMOUNT, "row 1: asset L1")
    assert place.pool.book.loans["L0"].state is LoanState.FUNDED


@pytest.mark.parametrize(
    ("row", "refusal"),
    [
        (ServiceRow("nobody", Action.PAY, 1), Refusal.UNKNOWN_LOAN),
        (ServiceRow("L0", Action.IMPAIR), Refusal.LOAN_STATE),
        (ServiceRow("L0", Action.CURE), Refusal.LOAN_STATE),
        (ServiceRow("L0", Action.DEFAULT), Refusal.LOAN_STATE),
        (ServiceRow("L0", Action.RECOVER, 1), Refusal.LOAN_STATE),
        (ServiceRow("L0", Action.WRITE_OFF, 1), Refusal.LOAN_STATE),
        (ServiceRow("L0", Action.CLOSE), Refusal.LOAN_STATE),
        (ServiceRow("L0", Action.PAY, 0), Refusal.LOAN_AMOUNT),
        (ServiceRow("L0", Action.PAY, 100 * MICRO + 1), Refusal.LOAN_AMOUNT),
        (ServiceRow("L0", Action.BILL, -1), Refusal.LOAN_AMOUNT),
        (ServiceRow("L0", Action.BILL, 2**53 + 1), Refusal.LOAN_AMOUNT),
        (ServiceRow("L0", Action.BILL, 0, 100 * MICRO + 1), Refusal.LOAN_AMOUNT),
        (ServiceRow("L0", Action.ARREARS, days=-1), Refusal.LOAN_AMOUNT),
        (ServiceRow("L0", Action.ARREARS, days=36_501), Refusal.LOAN_AMOUNT),
    ],
    ids=lambda value: value.name if isinstance(value, Refusal) else f"{value.asset_id}-{Action(value.action).name}",
)
def test_rows_that_cannot_be(row, refusal):
    place = Place().filled()
    assert place.no(place.report(row)) is refusal


def test_what_is_not_paid_out_of_a_default_is_bounded():
    place = Place().filled()
    place.do(place.report(ServiceRow("L0", Action.BILL), ServiceRow("L0", Action.ARREARS, days=90)))
    assert place.no(place.report(ServiceRow("L0", Action.DEFAULT, days=89))) is Refusal.LOAN_AMOUNT
    place.do(place.report(ServiceRow("L0", Action.DEFAULT, days=90)))
    for action in (Action.RECOVER, Action.WRITE_OFF):
        assert place.no(place.report(ServiceRow("L0", action, 100 * MICRO + 1))) is Refusal.LOAN_AMOUNT
        assert place.no(place.report(ServiceRow("L0", action, 0))) is Refusal.LOAN_AMOUNT


@pytest.mark.parametrize(
    ("entries", "refusal"),
    [
        ((loan(1, months=61),), Refusal.INELIGIBLE),
        ((loan(1, 501),), Refusal.CONCENTRATION),
        ((loan(1, 300, obligor="one"), loan(2, 201, obligor="one")), Refusal.CONCENTRATION),
        ((loan(1), loan(1)), Refusal.DUPLICATE_ASSET),
        ((loan(1), loan(2, legal_hash=loan(1).legal_hash)), Refusal.DUPLICATE_ASSET),
        (tuple(loan(number) for number in range(11)), Refusal.POOL_CASH),
    ],
)
def test_assets_that_may_not_enter(entries, refusal):
    place = Place().invested()
    assert place.no(place.adding(*entries)) is refusal
    assert not place.pool.book.loans
    acted = place.act(place.adding(*entries))
    assert acted.no is not None
    assert acted.no.detail
    assert getattr(acted.said[-1], "detail", "") == acted.no.detail


def test_an_index_of_all_obligors_has_a_limit():
    place = Place(limits=Limits(obligor_e12=E12, counterparty_e12=E12, hhi_e12=E12 // 10)).invested()
    place.do(place.adding(*(loan(number) for number in range(9))))
    assert place.no(place.adding(loan(9, 100, obligor="obligor 0"))) is Refusal.CONCENTRATION
    place.do(place.adding(loan(9)))


def test_a_contract_backs_one_asset_in_whatever_pool():
    place = Place().filled()
    place.do(c.OpenPool(terms=terms(name="two"), quote=place.usd))
    place.do(c.Invest(pool=1, tranche=JUNIOR, account=INVESTOR, amount_micro=500 * MICRO))
    again = loan(3, asset_id="same contract")
    adding = c.AddLoans(pool=1, account=MANAGER, originator=BORROWER, entries=(again,))
    assert place.no(adding) is Refusal.DUPLICATE_ASSET
    place.reload()
    assert place.no(adding) is Refusal.DUPLICATE_ASSET


def test_fees_and_claims_grow_with_time_and_the_waterfall_pays():
    place = Place(fee_e12=E12 // 100, buffer_e12=E12 // 50).filled()
    year = 365 * DAY
    said = place.do(c.RunWaterfall(pool=0, account=MANAGER, ts_ns=year))
    assert said.fees_micro == 8 * MICRO
    claim = place.pool.tranches[SENIOR].claim_micro
    assert claim == pytest.approx(700 * MICRO * 2.718281828**0.05, rel=1e-8)
    assert said.buffer_micro == -(-claim // 50)
    assert place.has(MANAGER, place.usd) == 8 * MICRO


def test_accruing_often_costs_no_more_than_once():
    once, often = (Place(fee_e12=E12 // 100).filled() for _ in range(2))
    for second in range(1, 50):
        often.do(c.Service(pool=0, account=MANAGER, payer=PAYER, rows=(), ts_ns=second * SECOND * 7 + 3))
    for place in (once, often):
        place.do(c.RunWaterfall(pool=0, account=MANAGER, ts_ns=400 * SECOND))
    assert once.has(MANAGER, once.usd) == often.has(MANAGER, often.usd) == 800 * MICRO * 400 // (100 * 365 * 86400)


def test_only_its_manager_runs_a_pool():
    place = Place().filled()
    for command in (
        c.AddLoans(pool=0, account=2, originator=BORROWER, entries=()),
        c.Service(pool=0, account=2, payer=PAYER, rows=()),
        c.RunWaterfall(pool=0, account=2),
        c.SetPool(pool=0, account=2, state=PoolState.WIND_DOWN),
        c.SetTranche(pool=0, tranche=0, account=2, state=TrancheState.CLOSED),
    ):
        assert place.no(command) is Refusal.NOT_ALLOWED


def test_states_of_pools_and_tranches():
    place = Place().filled()
    place.do(c.SetTranche(pool=0, tranche=JUNIOR, account=MANAGER, state=TrancheState.GATED))
    invest = c.Invest(pool=0, tranche=JUNIOR, account=INVESTOR, amount_micro=MICRO)
    assert place.no(invest) is Refusal.TRANCHE_STATE
    place.do(c.SetTranche(pool=0, tranche=JUNIOR, account=MANAGER, state=TrancheState.OPEN))
    assert place.no(invest) is Refusal.NO_FAIR_VALUE
    place.do(c.SetPool(pool=0, account=MANAGER, state=PoolState.AMORTISING))
    assert place.no(invest) is Refusal.POOL_STATE
    assert place.no(place.adding(loan(20))) is Refusal.POOL_STATE
    assert place.no(c.SetPool(pool=0, account=MANAGER, state=PoolState.RAISING)) is Refusal.POOL_STATE
    closed = c.SetTranche(pool=0, tranche=SENIOR, account=MANAGER, state=TrancheState.CLOSED)
    place.do(closed)
    assert place.no(closed) is Refusal.TRANCHE_STATE


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (c.Invest(pool=1, tranche=0, account=INVESTOR, amount_micro=1), Refusal.NOT_THERE),
        (c.Invest(pool=0, tranche=2, account=INVESTOR, amount_micro=1), Refusal.NOT_THERE),
        (c.Service(pool=9, account=MANAGER, payer=PAYER, rows=()), Refusal.NOT_THERE),
        (c.SetTranche(pool=0, tranche=9, account=MANAGER, state=TrancheState.GATED), Refusal.NOT_THERE),
        (c.Invest(pool=0, tranche=1, account=3, amount_micro=1), Refusal.INSUFFICIENT_AVAILABLE),
        (c.OpenPool(terms=terms(), quote=0), Refusal.NAME_TAKEN),
        (c.OpenPool(terms=terms(name="other"), quote=9), Refusal.NOT_THERE),
        (c.OpenPool(terms=terms(name="other"), quote=0, markets=(None,)), Refusal.NOT_THERE),
        (c.OpenPool(terms=terms(name="other"), quote=0, markets=(market("S/USD"), None)), Refusal.NAME_TAKEN),
        (c.OpenPool(terms=terms(name="other"), quote=0, markets=(market("A"), market("A"))), Refusal.NAME_TAKEN),
    ],
)
def test_what_is_refused(command, refusal):
    assert Place().no(command) is refusal


def test_a_market_must_be_whole_in_micro():
    place = Place()
    fine = Instrument(symbol="X", tick=Decimal("0.0000001"), lot=Decimal(1))
    assert place.no(c.OpenPool(terms=terms(name="o"), quote=0, markets=(fine, None))) is Refusal.AMOUNT_OUT_OF_RANGE


def test_a_suspended_investor_keeps_the_money():
    place = Place()
    place.apply(m.SetStatus(account=INVESTOR, status=AccountStatus.SUSPENDED))
    assert place.no(c.Invest(pool=0, tranche=1, account=INVESTOR, amount_micro=MICRO)) is Refusal.ACCOUNT_SUSPENDED


def test_time_only_rises():
    place = Place()
    place.do(c.Tick(ts_ns=100))
    assert place.no(c.Tick(ts_ns=99)) is Refusal.TIME_REVERSED


def test_what_the_protocol_holds_nobody_moves_from_outside():
    place = Place().invested()
    cash = place.protocol.pools[0].cash_account
    for command in (
        m.Withdraw(account=cash, asset=place.usd, amount_atoms=1),
        m.Transfer(account=INVESTOR, target_account=cash, asset=place.usd, amount_atoms=1),
        m.Deposit(account=cash, asset=place.usd, amount_atoms=1),
    ):
        with pytest.raises(MisuseError, match="is the protocol's"):
            place.one.apply(command)
        with pytest.raises(MisuseError, match="is the protocol's"):
            place.one.apply_batch(m_records(command))
    with pytest.raises(MisuseError, match="is the protocol's"):
        place.one.place(0, cash, 0, 1, 1)


def m_records(command: m.Command):
    """Return a command as records."""
    return command_records([command])


@pytest.mark.parametrize(
    "command",
    [
        c.Invest(pool=0, tranche=1, account=INVESTOR, amount_micro=0),
        c.Invest(pool=0, tranche=1, account=INVESTOR, amount_micro=2**63),
        c.Invest(pool=0, tranche=1, account=RESERVED_ACCOUNT, amount_micro=1),
        c.Invest(pool=0, tranche=1, account=0, amount_micro=1),
        c.Invest(pool=-1, tranche=1, account=1, amount_micro=1),
        c.Invest(pool=0, tranche=1, account=1, amount_micro=1.5),
        c.Invest(pool=0, tranche=1, account=1, amount_micro="1"),
        c.Invest(pool=0, tranche=1, account=1, amount_micro=True),
        c.Tick(ts_ns=-1),
        c.Service(pool=0, account=1, payer=1, rows=(ServiceRow("a", 99),)),
    ],
)
def test_commands_out_of_type_or_range_are_misuse(command):
    with pytest.raises(MisuseError, match=type(command).__name__):
        Place().one.act(command)


def test_a_broken_sum_is_found():
    place = Place().filled()
    place.pool.book.sums.kept_micro += 1
    with pytest.raises(InvariantError, match="counting again"):
        place.one.check()


def test_money_that_is_not_where_it_should_be_is_found():
    place = Place().filled()
    place.pool.cash_micro += 1
    with pytest.raises(InvariantError, match="pool SME, cash"):
        place.one.check()
