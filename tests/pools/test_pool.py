"""A pool by itself: who may enter, what units are worth, what is paid first, and what leavers take with them."""

from __future__ import annotations

import random
from fractions import Fraction

import msgspec
import pytest

from parbook import canonical
from parbook.errors import AssetError, InvariantError
from parbook.pools import pool as pools
from parbook.pools.amounts import E12, MICRO, MONEY_MICRO_MAX, NANO
from parbook.pools.limits import Eligibility, Limits, PledgeRegister, breaches, concentration
from parbook.pools.loans import LoanBook, LoanEntry
from parbook.pools.pool import Pool, Shares, TrancheTerms
from parbook.pools.servicing import Action, ServicePlan, ServiceRow, plan_service, service
from parbook.pools.states import NEXT, PoolState, TrancheState
from parbook.pools.tranches import PRICE_NANO_MAX, tranche_values
from parbook.pools.waterfall import distribute
from parbook.refusals import Refusal
from tests.pools.support import PAR, entry, filled, invested, served, terms

YEAR_NS = 365 * 86_400 * 10**9
S, M, J = range(3)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"name": ""}, "its name"),
        ({"name": "x" * 17}, "its name"),
        ({"tranches": ()}, "it has 0 tranches"),
        ({"tranches": (TrancheTerms(name="A"), TrancheTerms(name="A"))}, "two tranches have one name"),
        ({"tranches": (TrancheTerms(name="A", rate_e12=1),)}, "the last tranche has a rate"),
        ({"manager": 0}, "manager=0"),
        ({"planned_micro": -1}, "planned_micro"),
        ({"fee_e12": E12 + 1}, "fee_e12"),
        ({"buffer_e12": E12 + 1}, "buffer_e12"),
    ],
)
def test_terms_that_are_none(changes: dict[str, object], match: str):
    with pytest.raises(AssetError, match=match):
        terms(**changes)


@pytest.mark.parametrize("changes", [{"name": ""}, {"rate_e12": 11 * E12}, {"minimum_subordination_e12": -1}])
def test_tranches_that_are_none(changes: dict[str, object]):
    with pytest.raises(AssetError):
        TrancheTerms(**({"name": "S"} | changes))


# --- assets in ----------------------------------------------------------------------------------------------------


def entering(made: Pool, *numbers: int, pledges: PledgeRegister | None = None) -> Refusal | None:
    """Ask whether assets of these numbers may enter."""
    return asked(made, [entry(number) for number in numbers], pledges or PledgeRegister())


def asked(made: Pool, entries: list[LoanEntry], pledges: PledgeRegister) -> Refusal | None:
    """Ask whether assets may enter."""
    no = pools.refusal_of_entries(made, entries, pledges)
    return no.refusal if no else None


def test_assets_enter_while_there_is_cash_after_fees():
    made = filled(8)
    assert entering(made, 20, 21) is None
    assert entering(made, 20, 21, 22) is Refusal.POOL_CASH
    made.fees_micro = 1
    assert entering(made, 20, 21) is Refusal.POOL_CASH


@pytest.mark.parametrize("state", PoolState, ids=lambda state: state.name)
def test_assets_enter_while_a_pool_raises_or_revolves(state: PoolState):
    made = filled(1)
    made.state = state
    allowed = state in (PoolState.RAISING, PoolState.REVOLVING)
    assert entering(made, 20) is (None if allowed else Refusal.POOL_STATE)
    units = pools.plan_issue(made, J, MICRO, PAR)
    assert isinstance(units, pools.Issue) is allowed


def test_ids_and_contracts_are_there_once():
    made, pledges = filled(2), PledgeRegister()
    assert entering(made, 0) is Refusal.DUPLICATE_ASSET
    assert entering(made, 20, 20) is Refusal.DUPLICATE_ASSET
    twice = [entry(20), entry(21, legal_hash=entry(20).legal_hash)]
    assert asked(made, twice, pledges) is Refusal.DUPLICATE_ASSET
    pledges.pledge(entry(30).legal_hash, "elsewhere")
    assert entering(made, 30, pledges=pledges) is Refusal.DUPLICATE_ASSET
    pools.add_entries(made, [entry(31)], pledges)
    assert pledges.holder(entry(31).legal_hash) == "P/L31"


def test_only_eligible_assets_enter():
    made = filled(1, eligibility=Eligibility(months_max=12, groups=frozenset("A")))
    assert entering(made, 20) is None
    for changes in ({"months": 13}, {"group": "B"}):
        assert asked(made, [entry(20, **changes)], PledgeRegister()) is Refusal.INELIGIBLE


@pytest.mark.parametrize(
    ("entries", "detail"),
    [
        ([entry(20), entry(0)], "entry 1, asset L0: it is there already"),
        ([entry(20), entry(20)], "entry 1, asset L20: it is there already"),
        ([entry(20), entry(21, legal_hash=entry(20).legal_hash)], "entry 1, asset L21: its contract backs another of"),
        ([entry(20, legal_hash=entry(30).legal_hash)], "entry 0, asset L20: its contract backs elsewhere"),
        ([entry(20), entry(21, months=13)], "entry 1, asset L21: it runs 13 months, above 12"),
        ([entry(20, 900 * MICRO)], "they cost 900000000, and 800000000 is free"),
        (
            [entry(number, 70 * MICRO, obligor="a", seller="") for number in (20, 21)],
            "obligor 'a' would have 140000000 of 340000000, above 400000000000 e-12",
        ),
        ([entry(20, 70 * MICRO, seller="b")], "counterparty 'b' would have 70000000 of 270000000, above 25"),
        ([entry(20, 70 * MICRO, seller="")], "the HHI of obligors would be 341563786009 e-12, above 333333333333"),
    ],
    ids=lambda value: value.split(":")[0][:24] if isinstance(value, str) else None,
)
def test_a_refusal_names_the_asset_and_the_numbers(entries: list[LoanEntry], detail: str):
    limits = Limits(obligor_e12=E12 * 2 // 5, counterparty_e12=E12 // 4, hhi_e12=E12 // 3)
    made = filled(2, eligibility=Eligibility(months_max=12), limits=limits)
    pledges = PledgeRegister()
    pledges.pledge(entry(30).legal_hash, "elsewhere")
    no = pools.refusal_of_entries(made, entries, pledges)
    assert no is not None
    assert no.detail.startswith(detail), no.detail


@pytest.mark.parametrize("seed", range(5))
def test_limits_are_those_that_are_counted_from_scratch(seed: int):
    """Against `limits.breaches` over the pool as it would be; names that the entries do not touch are left alone."""
    draw = random.Random(seed)
    refusals = 0
    for _ in range(60):
        share = draw.choice([E12 // 3, E12 // 2, E12])
        limits = Limits(
            obligor_e12=share, counterparty_e12=draw.choice([E12 // 2, E12]), hhi_e12=draw.choice([share, E12])
        )
        made = filled(0, limits=limits, planned_micro=draw.choice([0, 700 * MICRO]))
        pledges = PledgeRegister()
        for round_ in range(4):
            entries = [
                entry(
                    round_ * 10 + number,
                    draw.randint(1, 90) * MICRO,
                    obligor=f"o{draw.randrange(4)}" if draw.random() < 0.8 else "",
                    seller=f"s{draw.randrange(3)}" if draw.random() < 0.8 else "",
                )
                for number in range(draw.randint(1, 3))
            ]
            got = asked(made, entries, pledges)
            wanted = _wanted(made, entries)
            assert (got is Refusal.CONCENTRATION) is wanted, (entries, got)
            refusals += wanted
            if got is None:
                pools.add_entries(made, entries, pledges)
                pools.check(made, PAR)
    assert refusals > 5


def _wanted(made: Pool, entries: list) -> bool:
    """Whether a limit is passed, by counting everything again."""
    book = LoanBook()
    for one in [loan.entry for loan in made.book.loans.values()] + entries:
        book.add(one)
    base = max(book.sums.owed_micro, made.terms.planned_micro)
    limits = made.terms.limits
    touched = {one.obligor for one in entries} | {one.seller for one in entries}
    for totals, limit in ((book.by_obligor, limits.obligor_e12), (book.by_seller, limits.counterparty_e12)):
        if any(name in touched and Fraction(amount, base) > Fraction(limit, E12) for name, amount in totals.items()):
            return True
    # With the rest of what is planned spread over countless others, shares are those of the larger base.
    squares = sum(Fraction(amount, base) ** 2 for amount in book.by_obligor.values())
    if base == book.sums.owed_micro and "" not in touched:
        alone = Limits(obligor_e12=E12, counterparty_e12=E12, hhi_e12=limits.hhi_e12)
        named = concentration(book.by_obligor)
        if named.total_micro == base and squares != Fraction(limits.hhi_e12, E12):
            assert bool(breaches(named, concentration({}), alone)) is (squares > Fraction(limits.hhi_e12, E12))
    return squares > Fraction(limits.hhi_e12, E12)


# --- value --------------------------------------------------------------------------------------------------------


def test_prices_are_those_of_tranches():
    made = filled(8)
    pools.accrue(made, YEAR_NS)
    served(made.book, ServiceRow("L0", Action.BILL), ServiceRow("L0", Action.IMPAIR))
    made.fees_micro = 3 * MICRO
    share = 987_654_321
    fair = made.book.sums.kept_micro * share // NANO
    assert pools.fair_value_micro(made, share) == fair
    total = fair + made.cash_micro - made.fees_micro
    assert pools.assets_micro(made, share) == total
    claims = [standing.claim_micro for standing in made.tranches[:2]]
    unrealised = -(-100 * MICRO * share // NANO)
    values, exits = tranche_values(total, claims), tranche_values(total - unrealised, claims)
    for got, standing, value, exit_value in zip(
        pools.tranche_prices(made, share), made.tranches, values, exits, strict=True
    ):
        assert (got.value_micro, got.exit_value_micro) == (value, exit_value)
        assert got.entry_nano == -(-value * NANO // standing.supply_micro)
        assert got.exit_nano == exit_value * NANO // standing.supply_micro


def test_claims_grow_by_the_second_and_fees_carry_their_fraction():
    made, often = filled(fee_e12=E12 // 100), filled(fee_e12=E12 // 100)
    pools.accrue(made, YEAR_NS)
    assert made.fees_micro == 8 * MICRO
    assert made.tranches[S].claim_micro == pytest.approx(600 * MICRO * 2.718281828459**0.05, rel=1e-9)
    assert made.tranches[M].claim_micro == pytest.approx(200 * MICRO * 2.718281828459**0.1, rel=1e-8)
    assert made.tranches[J].claim_micro == 0
    for part in range(1, 101):
        pools.accrue(often, YEAR_NS * part // 100 + part % 7)
    pools.accrue(often, YEAR_NS)
    assert often.fees_micro == made.fees_micro
    assert abs(often.tranches[S].claim_micro - made.tranches[S].claim_micro) <= 100, "half a micro each time"


def test_a_part_of_a_second_waits_for_the_rest():
    made = filled(fee_e12=E12)
    pools.accrue(made, 10**9 - 1)
    assert (made.accrued_ns, made.fees_micro, made.fee_remainder) == (0, 0, 0)
    pools.accrue(made, 2 * 10**9 + 5)
    assert made.accrued_ns == 2 * 10**9
    pools.accrue(made, 10**9)
    assert made.accrued_ns == 2 * 10**9, "time that fell changes nothing"


def test_a_claim_ends_at_all_money_there_can_be():
    made = filled(tranches=(TrancheTerms(name="S", rate_e12=10 * E12), TrancheTerms(name="M"), TrancheTerms(name="J")))
    pools.accrue(made, 20 * YEAR_NS)
    assert made.tranches[S].claim_micro == MONEY_MICRO_MAX
    pools.check(made, PAR)


def test_a_price_ends_where_its_range_does_and_nobody_enters_there():
    made = filled(8)
    made.tranches[J].supply_micro = 1
    made.cash_micro += 10**12
    value = pools.tranche_prices(made, NANO)[J]
    assert (value.entry_nano, value.exit_nano) == (PRICE_NANO_MAX, PRICE_NANO_MAX)
    assert pools.plan_issue(made, J, MICRO, PAR) is Refusal.AMOUNT_OUT_OF_RANGE
    assert isinstance(pools.plan_issue(made, S, MICRO, PAR), pools.Issue)


# --- money in and out ---------------------------------------------------------------------------------------------


def test_units_cost_the_entry_price_of_the_high_band_rounded_down():
    made = filled(8)
    made.tranches[J].supply_micro = 150 * MICRO
    served(made.book, ServiceRow("L0", Action.BILL), ServiceRow("L0", Action.IMPAIR))
    shares = Shares(900_000_000, 950_000_000, 990_000_000)
    plan = pools.plan_issue(made, J, 10 * MICRO, shares)
    assert isinstance(plan, pools.Issue)
    assert plan.price_nano == pools.tranche_prices(made, 990_000_000)[J].entry_nano
    assert plan.units_micro == 10 * MICRO * NANO // plan.price_nano
    cash, claim = made.cash_micro, made.tranches[J].claim_micro
    pools.issue(made, plan)
    assert (made.cash_micro, made.tranches[J].claim_micro) == (cash + 10 * MICRO, claim)
    plan = pools.plan_issue(made, M, MICRO, PAR)
    assert isinstance(plan, pools.Issue)
    pools.issue(made, plan)
    assert made.tranches[M].claim_micro == 201 * MICRO


def test_what_is_not_issued():
    made = filled(8)
    assert pools.plan_issue(made, J, MICRO, None) is Refusal.NO_FAIR_VALUE
    made.tranches[J].state = TrancheState.GATED
    assert pools.plan_issue(made, J, MICRO, PAR) is Refusal.TRANCHE_STATE
    made.tranches[J].state = TrancheState.OPEN
    made.tranches[J].supply_micro = 1
    assert pools.plan_issue(made, J, 1, PAR) is Refusal.TOO_SMALL
    made = filled(8)
    assert pools.plan_issue(made, J, MONEY_MICRO_MAX, PAR) is Refusal.AMOUNT_OUT_OF_RANGE
    lost = Shares(0, 0, 0)
    made.cash_micro = 0
    assert pools.plan_issue(made, J, MICRO, lost) is Refusal.NO_FAIR_VALUE


def test_every_tranche_keeps_its_minimum_below_it_at_the_low_band():
    made = filled(8)
    # 20 % below S and 10 % below M of 1000 at par; at 0.7 the junior has lost 240, more than its 200.
    assert isinstance(pools.plan_issue(made, S, 10 * MICRO, PAR), pools.Issue)
    assert pools.plan_issue(made, S, 1001 * MICRO, PAR) is Refusal.SUBORDINATION
    assert pools.plan_issue(made, M, 1001 * MICRO, PAR) is Refusal.SUBORDINATION
    assert pools.plan_issue(made, S, 10 * MICRO, Shares(700_000_000, NANO, NANO)) is Refusal.SUBORDINATION
    assert isinstance(pools.plan_issue(made, J, 10 * MICRO, PAR), pools.Issue)


def test_leaving_is_limited_by_state_cash_and_those_above():
    made = filled(8)
    assert pools.refusal_of_exit(made, S, 200 * MICRO, PAR) is None
    assert pools.refusal_of_exit(made, S, 200 * MICRO + 1, PAR) is Refusal.POOL_CASH
    made.fees_micro = 1
    assert pools.refusal_of_exit(made, S, 200 * MICRO, PAR) is Refusal.POOL_CASH
    made.fees_micro = 0
    # 200 - x of 1000 - x are 10 % at x = 111.1
    assert pools.refusal_of_exit(made, J, 111 * MICRO, PAR) is None
    assert pools.refusal_of_exit(made, J, 112 * MICRO, PAR) is Refusal.SUBORDINATION
    made.tranches[S].state = TrancheState.GATED
    assert pools.refusal_of_exit(made, S, 1, PAR) is Refusal.TRANCHE_STATE
    made.fees_micro = 300 * MICRO
    assert pools.free_cash_micro(made) == 0


def test_leavers_take_their_part_of_the_claim_rounded_down():
    made = filled(8)
    made.tranches[S].claim_micro = 601 * MICRO
    pools.retire(made, S, 7, 5)
    assert made.tranches[S].claim_micro == 601 * MICRO - 7, "601 / 600 x 7, rounded down"
    assert (made.tranches[S].supply_micro, made.cash_micro) == (600 * MICRO - 7, 200 * MICRO - 5)
    pools.retire(made, S, 600 * MICRO - 7, 0)
    assert (made.tranches[S].claim_micro, made.tranches[S].supply_micro) == (0, 0)
    pools.retire(made, S, 0, 0)
    for units, money in ((1, 0), (-1, 0), (0, 200 * MICRO), (0, -1)):
        with pytest.raises(InvariantError, match="more than there is"):
            pools.retire(made, S, units, money)


@pytest.mark.parametrize("seed", range(5))
def test_the_waterfall_is_that_of_a_period_without_dues(seed: int):
    draw = random.Random(seed)
    for _ in range(50):
        made = filled(0, buffer_e12=draw.choice([0, E12 // 10, E12 // 3]))
        made.cash_micro = draw.randrange(300 * MICRO)
        made.fees_micro = draw.randrange(200 * MICRO)
        made.buffer_micro = draw.randrange(150 * MICRO)
        made.tranches[S].claim_micro += draw.randrange(10)
        claims = sum(standing.claim_micro for standing in made.tranches)
        target = -(-claims * made.terms.buffer_e12 // E12)
        paid = distribute(
            made.cash_micro, made.fees_micro, [], reserve_micro=made.buffer_micro, reserve_target_micro=target
        )
        plan = pools.plan_waterfall(made)
        assert (plan.fees_micro, plan.buffer_micro) == (paid.fees_micro, paid.reserve_micro)
        before = made.fees_micro, made.cash_micro, made.buffer_micro
        pools.run_waterfall(made, plan)
        assert (made.fees_micro, made.cash_micro, made.buffer_micro) == (
            before[0] - paid.fees_micro,
            paid.junior_micro,
            before[2] + paid.reserve_micro,
        )


def test_states_go_on_and_never_back():
    for state in PoolState:
        for to in PoolState:
            made = filled(0)
            made.state = state
            assert (pools.refusal_of_state(made, to) is None) is (to in NEXT[PoolState][state])


# --- everything together ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cash_micro", "buffer_micro", "fees_micro"])
def test_what_is_negative_is_found(name: str):
    made = filled(0)
    setattr(made, name, -1)
    with pytest.raises(InvariantError, match="cash, buffer or fees are negative"):
        pools.check(made, PAR)


def test_claims_that_are_off_are_found():
    made = filled(0)
    made.tranches[S].claim_micro = -1
    with pytest.raises(InvariantError, match="claim or supply is negative"):
        pools.check(made, PAR)
    made = filled(0)
    made.tranches[S].supply_micro = 0
    with pytest.raises(InvariantError, match="nobody owns its claim"):
        pools.check(made, PAR)


def exits(made: Pool, shares: Shares) -> list[int]:
    """Return what stayers have: exit prices at the low band."""
    return [value.exit_nano for value in pools.tranche_prices(made, shares.low_nano)]


class Stream:
    """Random operations on a pool; `cash_micro` is what it must have, counted from what each said it moved."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.pool = filled(8, fee_e12=E12 // 100, buffer_e12=E12 // 50)
        self.pledges = PledgeRegister()
        self.cash_micro = 200 * MICRO
        self.now_ns = 0
        self.numbers = 100

    def invest(self, tranche: int, shares: Shares) -> None:
        """Money in: who comes pays the high price, so nobody there loses but a rounding."""
        plan = pools.plan_issue(self.pool, tranche, self.draw.randint(1, 20 * MICRO), shares)
        if isinstance(plan, pools.Issue):
            before = exits(self.pool, shares)
            pools.issue(self.pool, plan)
            self.cash_micro += plan.amount_micro
            assert exits(self.pool, shares)[tranche] >= before[tranche] - 1

    def leave(self, tranche: int, shares: Shares) -> None:
        """Money out at the exit price, rounded down: no stayer of any tranche loses anything."""
        before = exits(self.pool, shares)
        units = self.draw.randint(0, self.pool.tranches[tranche].supply_micro)
        money = units * before[tranche] // NANO
        if pools.refusal_of_exit(self.pool, tranche, money, shares) is None:
            pools.retire(self.pool, tranche, units, money)
            self.cash_micro -= money
            assert all(a >= b for a, b in zip(exits(self.pool, shares), before, strict=True))

    def serve(self, *_: object) -> None:
        """A row of a report."""
        name = self.draw.choice(sorted(self.pool.book.loans))
        owed = self.pool.book.loans[name].account.owed_micro
        amount, days = self.draw.randint(0, max(owed // 4, 1)), self.draw.randrange(99)
        plan = plan_service(self.pool.book, (ServiceRow(name, self.draw.choice(tuple(Action)), amount, 0, days),))
        if isinstance(plan, ServicePlan):
            service(self.pool.book, plan)
            self.pool.cash_micro += plan.collected_micro
            self.cash_micro += plan.collected_micro

    def wait(self, *_: object) -> None:
        """Up to a month."""
        self.now_ns += self.draw.randrange(30 * 86_400 * 10**9)
        pools.accrue(self.pool, self.now_ns)

    def pay(self, *_: object) -> None:
        """The waterfall."""
        plan = pools.plan_waterfall(self.pool)
        pools.run_waterfall(self.pool, plan)
        self.cash_micro -= plan.fees_micro + plan.buffer_micro

    def lend(self, *_: object) -> None:
        """Another asset."""
        self.numbers += 1
        new = [entry(self.numbers, self.draw.randint(1, 30) * MICRO)]
        if pools.refusal_of_entries(self.pool, new, self.pledges) is None:
            self.cash_micro -= pools.add_entries(self.pool, new, self.pledges)


@pytest.mark.parametrize("seed", range(8))
def test_streams_of_investing_leaving_and_servicing(seed: int):
    stream = Stream(seed)
    draw = stream.draw
    for number in range(300):
        low = draw.randint(850_000_000, NANO)
        shares = Shares(low, draw.randint(low, NANO), NANO)
        kinds = (stream.invest, stream.leave, stream.serve, stream.wait, stream.pay, stream.lend)
        draw.choice(kinds)(draw.randrange(3), shares)
        pools.check(stream.pool, shares)
        assert stream.pool.cash_micro == stream.cash_micro
        if number % 40 == 39:
            stream.pool = msgspec.json.decode(canonical.encode(stream.pool), type=Pool)


def test_issuing_in_parts_is_never_better():
    for money in (7 * MICRO + 3, 999_999):
        once, parts = filled(8), filled(8)
        once.cash_micro = parts.cash_micro = 217_654_321
        shares = Shares(970_000_000, 980_000_000, 991_234_567)
        invested(once, J, money, shares)
        for part in (money // 3, money - money // 3):
            invested(parts, J, part, shares)
        assert parts.tranches[J].supply_micro <= once.tranches[J].supply_micro
