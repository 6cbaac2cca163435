"""A pool: assets, cash, tranches, and what a unit of each is worth. Pure: it says what must move, and moves nothing.

    fair value of a band = floor(share of the band x kept amount of all assets)
    A = fair value + cash - fees;  senior = min(claim, A), the next of what is left, the last the rest

`share` is what the oracle reports, a fraction of 1e9 of what the assets still count for: paying, prepaying and adding
assets leaves it as it is, so that a cap on its moves means something; arrears and defaults lower the kept amount at
once, without waiting for a report. Cash promised to leavers lies elsewhere and is in no tranche's value.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Final

import msgspec

from parbook.errors import AssetError, InvariantError, shown
from parbook.pools.accrual import SECONDS_PER_YEAR, accrued, factor_e27
from parbook.pools.amounts import E12, MONEY_MICRO_MAX, NANO, Rounding, divide, require_int
from parbook.pools.limits import Eligibility, Limits, PledgeRegister, ineligible
from parbook.pools.loans import LOANS_MAX, LoanBook, LoanEntry
from parbook.pools.states import NEXT, PoolState, TrancheState
from parbook.pools.tranches import PRICE_NANO_MAX, TRANCHES_MAX, Tranche, TrancheValue, priced
from parbook.refusals import Refusal

SECOND_NS: Final = 10**9


class TrancheTerms(msgspec.Struct, frozen=True, kw_only=True):
    """A tranche, most senior first; the last has no claim, so `rate_e12`, a year's nominal rate, is 0 there.

    `minimum_subordination_e12`: share of the pool below it under which no more of it is issued, nor of what is below
    redeemed.
    """

    name: str
    rate_e12: int = 0
    minimum_subordination_e12: int = 0

    def __post_init__(self) -> None:
        where = f"tranche {self.name}"
        if not 1 <= len(self.name) <= 24 or not self.name.isprintable():
            raise AssetError(where, "its name is no printable text of 1 to 24 characters", "Give it a short name.")
        require_int(where, "rate_e12", self.rate_e12, 0, 10 * E12)
        require_int(where, "minimum_subordination_e12", self.minimum_subordination_e12, 0, E12)


class PoolTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Rules of a pool. `planned_micro`: shares of obligors are measured against at least so much, while it is built.

    `fee_e12` a year of the kept amount goes to the manager; `buffer_e12` of the claims is what the surplus buffer aims
    at. `manager` alone services, originates and runs the waterfall.
    """

    name: str
    manager: int
    tranches: tuple[TrancheTerms, ...]
    eligibility: Eligibility = Eligibility()
    limits: Limits = Limits()
    planned_micro: int = 0
    fee_e12: int = 0
    buffer_e12: int = 0

    def __post_init__(self) -> None:
        where = f"pool {self.name}"
        if not 1 <= len(self.name) <= 16 or not self.name.isprintable():
            raise AssetError(where, "its name is no printable text of 1 to 16 characters", "Give it a short name.")
        if not 1 <= len(self.tranches) <= TRANCHES_MAX:
            raise AssetError(where, f"it has {len(self.tranches)} tranches", f"Give 1 to {TRANCHES_MAX}.")
        if len({tranche.name for tranche in self.tranches}) < len(self.tranches):
            raise AssetError(where, "two tranches have one name", "Name each differently.")
        if self.tranches[-1].rate_e12:
            raise AssetError(where, "the last tranche has a rate", "It gets the rest: give it none.")
        require_int(where, "manager", self.manager, 1, 2**32 - 1)
        require_int(where, "planned_micro", self.planned_micro, 0, MONEY_MICRO_MAX)
        require_int(where, "fee_e12", self.fee_e12, 0, E12)
        require_int(where, "buffer_e12", self.buffer_e12, 0, E12)


class TrancheStanding(msgspec.Struct, kw_only=True):
    """What a tranche claims, and how many units of it there are, `ownerless_micro` of which are the buffer's."""

    state: TrancheState = TrancheState.OPEN
    claim_micro: int = 0
    supply_micro: int = 0
    ownerless_micro: int = 0


class Shares(msgspec.Struct, frozen=True, array_like=True):
    """Fair value of the three bands as a share of the kept amount, in 1e-9; low <= mid <= high <= 1."""

    low_nano: int
    mid_nano: int
    high_nano: int


class Pool(msgspec.Struct, kw_only=True):
    """A pool as it stands. `cash_micro` is free of what was promised to leavers; `buffer_micro` lies beside it."""

    terms: PoolTerms
    state: PoolState = PoolState.RAISING
    book: LoanBook = msgspec.field(default_factory=LoanBook)
    tranches: list[TrancheStanding] = []
    cash_micro: int = 0
    buffer_micro: int = 0
    fees_micro: int = 0
    fee_remainder: int = 0
    accrued_ns: int = 0

    @property
    def name(self) -> str:
        """Its name."""
        return self.terms.name


def opened_pool(terms: PoolTerms, now_ns: int) -> Pool:
    """Return a new pool: RAISING, empty."""
    return Pool(terms=terms, tranches=[TrancheStanding() for _ in terms.tranches], accrued_ns=now_ns)


# --- time ---------------------------------------------------------------------------------------------------------


def accrue(pool: Pool, now_ns: int) -> None:
    """Let claims and fees grow by the whole seconds since the last time. O(tranches).

    Claims to the nearest: neither side pays. Fees are a charge, and their fraction is carried on, so that accruing
    often costs as much as accruing once.
    """
    seconds = (now_ns - pool.accrued_ns) // SECOND_NS
    if seconds <= 0:
        return
    pool.accrued_ns += seconds * SECOND_NS
    for terms, tranche in zip(pool.terms.tranches, pool.tranches, strict=True):
        if terms.rate_e12 and tranche.claim_micro:
            grown = accrued(tranche.claim_micro, factor_e27(terms.rate_e12), seconds)
            # More than all money there can be is owed to nobody.
            tranche.claim_micro = min(grown, MONEY_MICRO_MAX)
    whole = pool.book.sums.kept_micro * pool.terms.fee_e12 * seconds + pool.fee_remainder
    fees, pool.fee_remainder = divmod(whole, E12 * SECONDS_PER_YEAR)
    pool.fees_micro += fees


def grown(pool: Pool, now_ns: int) -> Pool:
    """Return a copy of a pool whose claims and fees have grown up to now; the book is the same one. O(tranches).

    For whoever only asks: growing is rounded, so that a question that grew the claims themselves would leave a trace.
    """
    copied = msgspec.structs.replace(pool, tranches=[copy.copy(tranche) for tranche in pool.tranches])
    accrue(copied, now_ns)
    return copied


# --- value --------------------------------------------------------------------------------------------------------


def fair_value_micro(pool: Pool, share_nano: int) -> int:
    """Return the fair value of all assets at a share of what they still count for, rounded down."""
    return pool.book.sums.kept_micro * share_nano // NANO


def assets_micro(pool: Pool, share_nano: int) -> int:
    """Return A: fair value and cash after fees due. May be negative."""
    return fair_value_micro(pool, share_nano) + pool.cash_micro - pool.fees_micro


def unrealised_micro(pool: Pool, share_nano: int) -> int:
    """Return what the impaired assets still count for in A, rounded up: leavers do not get it."""
    return divide(pool.book.sums.impaired_micro * share_nano, NANO, Rounding.CEIL)


def tranche_prices(pool: Pool, share_nano: int) -> list[TrancheValue]:
    """Return value and prices of every tranche at a share, most senior first."""
    tranches = [
        Tranche(
            name=terms.name,
            claim_micro=standing.claim_micro,
            supply_micro=standing.supply_micro,
            minimum_subordination_e12=terms.minimum_subordination_e12,
        )
        for terms, standing in zip(pool.terms.tranches, pool.tranches, strict=True)
    ]
    return priced(tranches, assets_micro(pool, share_nano), unrealised_micro(pool, share_nano))


# --- assets in ----------------------------------------------------------------------------------------------------


class EntriesRefused(msgspec.Struct, frozen=True):
    """Why assets may not enter together; `detail` names the first that may not, from 0, and the numbers compared."""

    refusal: Refusal
    detail: str


def refusal_of_entries(pool: Pool, entries: Sequence[LoanEntry], pledges: PledgeRegister) -> EntriesRefused | None:
    """Test that assets may enter together: rules, limits, contracts, cash. O(entries + obligors)."""
    if pool.state not in (PoolState.RAISING, PoolState.REVOLVING):
        return EntriesRefused(Refusal.POOL_STATE, f"the pool is {pool.state.name}")
    book = pool.book
    if len(book.loans) + len(entries) > LOANS_MAX:
        return EntriesRefused(
            Refusal.POOL_LIMIT, f"{len(book.loans)} assets and {len(entries)} more, above {LOANS_MAX}"
        )
    ids: set[str] = set()
    hashes: set[str] = set()
    for index, entry in enumerate(entries):
        where = f"entry {index}, asset {entry.asset_id}"
        if entry.asset_id in ids or entry.asset_id in book.loans:
            return EntriesRefused(Refusal.DUPLICATE_ASSET, f"{where}: it is there already")
        if entry.legal_hash in hashes or pledges.holder(entry.legal_hash):
            holder = pledges.holder(entry.legal_hash) or "another of them"
            return EntriesRefused(Refusal.DUPLICATE_ASSET, f"{where}: its contract backs {holder}")
        ids.add(entry.asset_id)
        hashes.add(entry.legal_hash)
    for index, entry in enumerate(entries):
        reasons = ineligible(entry.candidate(), pool.terms.eligibility)
        if reasons:
            return EntriesRefused(Refusal.INELIGIBLE, f"entry {index}, asset {entry.asset_id}: {'; '.join(reasons)}")
    total = sum(entry.principal_micro for entry in entries)
    if total > pool.cash_micro - pool.fees_micro:
        return EntriesRefused(Refusal.POOL_CASH, f"they cost {total}, and {free_cash_micro(pool)} is free")
    return _refusal_of_concentration(pool, entries, total)


def _refusal_of_concentration(pool: Pool, entries: Sequence[LoanEntry], added_micro: int) -> EntriesRefused | None:
    """Test the limits on names that the entries touch, and the index over all obligors. O(entries); O(obligors) where
    the index has a limit below 1, which it never passes: the square of a sum is no less than the sum of squares."""
    book, limits = pool.book, pool.terms.limits
    base = max(book.sums.owed_micro + added_micro, pool.terms.planned_micro)
    obligors: dict[str, int] = {}
    sellers: dict[str, int] = {}
    for entry in entries:
        for added, held, name in ((obligors, book.by_obligor, entry.obligor), (sellers, book.by_seller, entry.seller)):
            if name:
                added[name] = added.get(name) or held.get(name, 0)
                added[name] += entry.principal_micro
    for kind, totals, limit in (
        ("obligor", obligors, limits.obligor_e12),
        ("counterparty", sellers, limits.counterparty_e12),
    ):
        for name, amount in totals.items():
            if amount * E12 > limit * base:
                detail = f"{kind} {shown(name)} would have {amount} of {base}, above {limit} e-12"
                return EntriesRefused(Refusal.CONCENTRATION, detail)
    if limits.hhi_e12 >= E12:
        return None
    squares = sum(amount * amount for amount in {**book.by_obligor, **obligors}.values())
    if squares * E12 <= limits.hhi_e12 * base * base:
        return None
    index = divide(squares * E12, base * base, Rounding.CEIL)
    return EntriesRefused(Refusal.CONCENTRATION, f"the HHI of obligors would be {index} e-12, above {limits.hhi_e12}")


def add_entries(pool: Pool, entries: Sequence[LoanEntry], pledges: PledgeRegister) -> int:
    """Take assets in and return what is paid out for them. O(entries)."""
    for entry in entries:
        pledges.pledge(entry.legal_hash, f"{pool.name}/{entry.asset_id}")
        pool.book.add(entry)
    paid_micro = sum(entry.principal_micro for entry in entries)
    pool.cash_micro -= paid_micro
    return paid_micro


# --- money in and out ---------------------------------------------------------------------------------------------


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """Units for money: `units_micro` of the tranche at `price_nano`, rounded down.

    `ownerless_micro`: units, at 1 each, for what belongs to a tranche without units. They are the pool's buffer's: who
    comes first after all have left gets what was paid for, and not what they left behind.
    """

    tranche: int
    amount_micro: int
    units_micro: int
    price_nano: int
    ownerless_micro: int = 0


def plan_issue(pool: Pool, tranche: int, amount_micro: int, shares: Shares | None) -> Issue | Refusal:
    """Return what an investor gets: at the entry price of the high band, at 1 for the first units."""
    if pool.state not in (PoolState.RAISING, PoolState.REVOLVING):
        return Refusal.POOL_STATE
    standing = pool.tranches[tranche]
    if standing.state is not TrancheState.OPEN:
        return Refusal.TRANCHE_STATE
    if shares is None and pool.book.sums.kept_micro:
        return Refusal.NO_FAIR_VALUE
    value = tranche_prices(pool, shares.high_nano if shares else 0)[tranche]
    price_nano = value.entry_nano
    ownerless_micro = 0 if standing.supply_micro else value.value_micro
    # A tranche that lost everything has a price of 0 for the units there are: nobody may buy into it.
    if not price_nano:
        return Refusal.NO_FAIR_VALUE
    # Of a price that ends the range the true one is unknown: it is more.
    if price_nano == PRICE_NANO_MAX:
        return Refusal.AMOUNT_OUT_OF_RANGE
    units_micro = amount_micro * NANO // price_nano
    if not units_micro:
        return Refusal.TOO_SMALL
    if (
        standing.supply_micro + units_micro + ownerless_micro > MONEY_MICRO_MAX
        or pool.cash_micro + amount_micro > MONEY_MICRO_MAX
    ):
        return Refusal.AMOUNT_OUT_OF_RANGE
    if not _subordinated(pool, tranche, amount_micro, shares):
        return Refusal.SUBORDINATION
    return Issue(
        tranche=tranche,
        amount_micro=amount_micro,
        units_micro=units_micro,
        price_nano=price_nano,
        ownerless_micro=ownerless_micro,
    )


def _subordinated(pool: Pool, tranche: int, amount_micro: int, shares: Shares | None) -> bool:
    """Whether tranches keep their minimum below them, at the low band, when one takes so much in, or pays out (< 0).

    Only those it makes worse off are asked: what comes in counts against its own tranche and those below, what leaves
    against those above. Otherwise a senior could not leave when its protection is gone already. A tranche that is worth
    nothing needs nothing.
    """
    values = [value.value_micro for value in tranche_prices(pool, shares.low_nano if shares else 0)]
    values[tranche] = max(values[tranche] + amount_micro, 0)
    total = below = sum(values)
    for index, (terms, value) in enumerate(zip(pool.terms.tranches, values, strict=True)):
        below -= value
        asked = index >= tranche if amount_micro > 0 else index < tranche
        if asked and value and below * E12 < terms.minimum_subordination_e12 * total:
            return False
    return True


def issue(pool: Pool, plan: Issue) -> None:
    """Take money in for units. A tranche with a claim claims it."""
    standing = pool.tranches[plan.tranche]
    standing.supply_micro += plan.units_micro + plan.ownerless_micro
    standing.ownerless_micro += plan.ownerless_micro
    if plan.tranche < len(pool.tranches) - 1:
        standing.claim_micro += plan.amount_micro
    pool.cash_micro += plan.amount_micro


def refusal_of_exit(pool: Pool, tranche: int, amount_micro: int, shares: Shares | None) -> Refusal | None:
    """Test that a tranche may pay so much out: cash, state, and what must stay below those above it."""
    if pool.tranches[tranche].state is not TrancheState.OPEN:
        return Refusal.TRANCHE_STATE
    if amount_micro > free_cash_micro(pool):
        return Refusal.POOL_CASH
    return None if _subordinated(pool, tranche, -amount_micro, shares) else Refusal.SUBORDINATION


def free_cash_micro(pool: Pool) -> int:
    """Return the cash that may leave: fees are due before."""
    return max(pool.cash_micro - pool.fees_micro, 0)


def retire(pool: Pool, tranche: int, units_micro: int, amount_micro: int) -> None:
    """Take units out of the supply for money that leaves. Their part of the claim goes with them, rounded down."""
    standing = pool.tranches[tranche]
    if not 0 <= units_micro <= standing.supply_micro or not 0 <= amount_micro <= pool.cash_micro:
        raise InvariantError(f"pool {pool.name}: {units_micro} units for {amount_micro} are more than there is")
    standing.claim_micro -= standing.claim_micro * units_micro // standing.supply_micro if units_micro else 0
    standing.supply_micro -= units_micro
    pool.cash_micro -= amount_micro


def retire_ownerless(pool: Pool, tranche: int, units_micro: int, amount_micro: int) -> None:
    """Take units of the buffer's out of the supply; the money goes to the buffer."""
    retire(pool, tranche, units_micro, amount_micro)
    pool.tranches[tranche].ownerless_micro -= units_micro
    pool.buffer_micro += amount_micro


class Waterfall(msgspec.Struct, frozen=True, kw_only=True):
    """Where a period's cash goes: fees due to the manager, and what fills the surplus buffer up."""

    fees_micro: int
    buffer_micro: int


def plan_waterfall(pool: Pool) -> Waterfall:
    """Return what is paid before anybody may leave with cash: fees, then the buffer up to its target."""
    fees = min(pool.fees_micro, pool.cash_micro)
    claims = sum(tranche.claim_micro for tranche in pool.tranches)
    target = divide(claims * pool.terms.buffer_e12, E12, Rounding.CEIL)
    return Waterfall(fees_micro=fees, buffer_micro=max(min(target - pool.buffer_micro, pool.cash_micro - fees), 0))


def run_waterfall(pool: Pool, plan: Waterfall) -> None:
    """Pay it."""
    pool.fees_micro -= plan.fees_micro
    pool.cash_micro -= plan.fees_micro + plan.buffer_micro
    pool.buffer_micro += plan.buffer_micro


def refusal_of_state(pool: Pool, to: PoolState) -> Refusal | None:
    """Test that a pool may go on to a state."""
    return None if to in NEXT[PoolState][pool.state] else Refusal.POOL_STATE


# --- invariants ---------------------------------------------------------------------------------------------------


def check(pool: Pool, shares: Shares | None) -> None:
    """Raise InvariantError unless book, cash and tranches are sound; values sum to A, none negative. O(assets)."""
    pool.book.check()
    if min(pool.cash_micro, pool.buffer_micro, pool.fees_micro) < 0:
        raise InvariantError(f"pool {pool.name}: cash, buffer or fees are negative")
    for terms, standing in zip(pool.terms.tranches, pool.tranches, strict=True):
        if min(standing.claim_micro, standing.supply_micro) < 0:
            raise InvariantError(f"pool {pool.name}, tranche {terms.name}: claim or supply is negative")
        if not 0 <= standing.ownerless_micro <= standing.supply_micro:
            raise InvariantError(f"pool {pool.name}, tranche {terms.name}: the buffer has more units than there are")
        if standing.claim_micro and not standing.supply_micro:
            raise InvariantError(f"pool {pool.name}, tranche {terms.name}: nobody owns its claim")
    for share_nano in (shares.low_nano, shares.mid_nano, shares.high_nano) if shares else (0,):
        total = assets_micro(pool, share_nano)
        values = tranche_prices(pool, share_nano)
        if sum(value.value_micro for value in values) != max(total, 0):
            raise InvariantError(f"pool {pool.name}: its tranches' values do not sum to {total}")
        if any(not 0 <= value.exit_value_micro <= value.value_micro for value in values):
            raise InvariantError(f"pool {pool.name}: a tranche's value is negative, or leavers get more than it")
