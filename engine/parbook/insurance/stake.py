"""Stake enters in shares, leaves through drafts, and earns premiums.

Shares to stake, stake to drafts and drafts to native tokens are rounded down: the dust stays with those who remain. A
draft is a share of the drafts' pot until the moment it is claimed, so that a slash reaches it too.
"""

from __future__ import annotations

from parbook.insurance.state import (
    Draft,
    Fund,
    Staker,
    claimable_micro,
    fund_state,
    settled,
    stream,
)
from parbook.insurance.terms import DRAFTS_MAX, ERAS_MAX, STAKERS_MAX, FundState
from parbook.pools.amounts import MONEY_MICRO_MAX, require_int
from parbook.pools.shares import Earner, micro_for, put, shares_for, taken
from parbook.pools.steps import Plan, carried_out, started
from parbook.refusals import Refusal
from parbook.units import ACCOUNT_MAX

WHERE = "insurance fund"
SHARES_MAX = 2**127


class StakePlan(Plan, frozen=True, kw_only=True):
    """`native_micro` come in for `shares`."""

    account: int
    native_micro: int
    shares: int


class UnstakePlan(Plan, frozen=True, kw_only=True):
    """`shares` become a draft of `native_micro`, to be claimed from `due_ns` on. Nothing moves yet."""

    account: int
    shares: int
    native_micro: int
    due_ns: int


class ClaimPlan(Plan, frozen=True, kw_only=True):
    """`native_micro` of drafts that are due, or `cash_micro` of premium, go to the account."""

    account: int
    native_micro: int = 0
    cash_micro: int = 0
    drafts: int = 0
    """How many drafts."""


def _asked(fund: Fund, account: int, now_ns: int) -> Staker | None:
    started(WHERE, fund, now_ns)
    require_int(WHERE, "account", account, 0, ACCOUNT_MAX)
    return fund.stakers.get(str(account))


def staked_shares(fund: Fund, account: int) -> int:
    """Return an account's shares of the present era."""
    staker = fund.stakers.get(str(account))
    return staker.stake.shares if staker and staker.era == fund.stake_era else 0


def plan_stake(fund: Fund, account: int, native_micro: int, now_ns: int) -> Refusal | StakePlan:
    """Return the plan to stake; FUND_SLASHING, ERAS_FULL, STAKERS_FULL, FUND_LIMIT, STAKE_TOO_SMALL. O(1)."""
    staker = _asked(fund, account, now_ns)
    require_int(WHERE, "native_micro", native_micro, 1, MONEY_MICRO_MAX)
    if fund_state(fund, now_ns) is FundState.SLASHING:
        return Refusal.FUND_SLASHING
    if fund.stake_era >= ERAS_MAX:
        return Refusal.ERAS_FULL
    if staker is None and len(fund.stakers) >= STAKERS_MAX:
        return Refusal.STAKERS_FULL
    if fund.stake_in_micro + native_micro > MONEY_MICRO_MAX + fund.stake_out_micro + fund.sold_out_micro:
        return Refusal.FUND_LIMIT
    shares = shares_for(fund.stake, native_micro)
    if not shares:
        return Refusal.STAKE_TOO_SMALL
    return StakePlan(revision=fund.revision, now_ns=now_ns, account=account, native_micro=native_micro, shares=shares)


def stake(fund: Fund, plan: StakePlan, now_ns: int) -> None:
    """Take the stake. Premium streamed until now belongs to those who were there."""
    carried_out(WHERE, fund, plan, now_ns)
    stream(fund, now_ns)
    if str(plan.account) not in fund.stakers:
        fund.stakers[str(plan.account)] = Staker(era=fund.stake_era, stake=Earner(index_e18=fund.index_e18))
    staker = fund.stakers[str(plan.account)]
    settled(fund, staker)
    staker.stake.shares += put(fund.stake, plan.native_micro)
    fund.stake_in_micro += plan.native_micro


def plan_unstake(fund: Fund, account: int, shares: int, now_ns: int) -> Refusal | UnstakePlan:
    """Return the plan to begin to leave, in any state: what waits is reached by a slash as before.

    STAKE_SHORT, DRAFTS_FULL, STAKE_TOO_SMALL. O(drafts of the account).
    """
    staker = _asked(fund, account, now_ns)
    require_int(WHERE, "shares", shares, 1, SHARES_MAX)
    if staker is None or shares > staked_shares(fund, account):
        return Refusal.STAKE_SHORT
    if sum(draft.era == fund.draft_era for draft in staker.drafts) >= DRAFTS_MAX:
        return Refusal.DRAFTS_FULL
    native = micro_for(fund.stake, shares)
    if not native or not shares_for(fund.drafts, native):
        return Refusal.STAKE_TOO_SMALL
    return UnstakePlan(
        revision=fund.revision,
        now_ns=now_ns,
        account=account,
        shares=shares,
        native_micro=native,
        due_ns=now_ns + fund.terms.unstake_ns,
    )


def unstake(fund: Fund, plan: UnstakePlan, now_ns: int) -> None:
    """Make the draft. It earns no premium."""
    carried_out(WHERE, fund, plan, now_ns)
    stream(fund, now_ns)
    staker = fund.stakers[str(plan.account)]
    settled(fund, staker)
    staker.stake.shares -= plan.shares
    shares = put(fund.drafts, taken(fund.stake, plan.shares))
    staker.drafts = [draft for draft in staker.drafts if draft.era == fund.draft_era]
    staker.drafts.append(Draft(era=fund.draft_era, shares=shares, due_ns=plan.due_ns))


def plan_claim_stake(fund: Fund, account: int, now_ns: int) -> Refusal | ClaimPlan:
    """Return the plan to claim all drafts that are due; FUND_SLASHING, NOTHING_CLAIMABLE. O(drafts of the account)."""
    staker = _asked(fund, account, now_ns)
    if fund_state(fund, now_ns) is FundState.SLASHING:
        return Refusal.FUND_SLASHING
    ready = _ready(fund, staker, now_ns) if staker else []
    native = micro_for(fund.drafts, sum(draft.shares for draft in ready))
    if not native:
        return Refusal.NOTHING_CLAIMABLE
    return ClaimPlan(revision=fund.revision, now_ns=now_ns, account=account, native_micro=native, drafts=len(ready))


def _ready(fund: Fund, staker: Staker, now_ns: int) -> list[Draft]:
    return [draft for draft in staker.drafts if draft.era == fund.draft_era and draft.due_ns <= now_ns]


def claim_stake(fund: Fund, plan: ClaimPlan, now_ns: int) -> None:
    """Pay the drafts out."""
    carried_out(WHERE, fund, plan, now_ns)
    staker = fund.stakers[str(plan.account)]
    ready = _ready(fund, staker, now_ns)
    fund.stake_out_micro += taken(fund.drafts, sum(draft.shares for draft in ready))
    staker.drafts = [draft for draft in staker.drafts if draft.era == fund.draft_era and draft not in ready]
    _forget_if_empty(fund, plan.account)


def plan_claim_premium(fund: Fund, account: int, now_ns: int) -> Refusal | ClaimPlan:
    """Return the plan to claim the premium earned, in any state: it is the account's; NOTHING_CLAIMABLE. O(log)."""
    _asked(fund, account, now_ns)
    cash = claimable_micro(fund, account, now_ns)
    if not cash:
        return Refusal.NOTHING_CLAIMABLE
    return ClaimPlan(revision=fund.revision, now_ns=now_ns, account=account, cash_micro=cash)


def claim_premium(fund: Fund, plan: ClaimPlan, now_ns: int) -> None:
    """Pay the premium out."""
    carried_out(WHERE, fund, plan, now_ns)
    stream(fund, now_ns)
    staker = fund.stakers[str(plan.account)]
    settled(fund, staker)
    staker.stake.owed_micro -= plan.cash_micro
    fund.owed_micro -= plan.cash_micro
    _forget_if_empty(fund, plan.account)


def _forget_if_empty(fund: Fund, account: int) -> None:
    """Give the account's place back when nothing is left in it."""
    staker = fund.stakers[str(account)]
    settled(fund, staker)
    living = any(draft.era == fund.draft_era for draft in staker.drafts)
    if not staker.stake.shares and not staker.stake.owed_micro and not living:
        del fund.stakers[str(account)]
