"""Native units locked in governance, and what weight they have in which vote.

An account's weight in a proposal is the least it had locked at any time from before the proposal was made until it
votes: what is locked afterwards, or at the same moment, or was away for a while, does not count. So all weights
together never exceed the stake there was, and no unit votes twice by changing hands.
"""

from __future__ import annotations

from parbook.governance.clock import begin, ready
from parbook.governance.state import Governance, LockPlan, Past, Proposal, Stake, UnlockPlan, account_key
from parbook.governance.terms import STAKERS_MAX
from parbook.pools.amounts import MONEY_MICRO_MAX, require_int
from parbook.refusals import Refusal
from parbook.units import ACCOUNT_MAX


def plan_lock(state: Governance, account: int, amount_micro: int, now_ns: int) -> Refusal | LockPlan:
    """Plan to lock native units of an account. O(proposals)."""
    ready(state, now_ns)
    require_int("stake", "account", account, 1, ACCOUNT_MAX)
    require_int("stake", "amount_micro", amount_micro, 0, MONEY_MICRO_MAX)
    if amount_micro < state.terms.lock_min_micro:
        return Refusal.GOVERNANCE_AMOUNT_TOO_SMALL
    if account_key(account) not in state.stakes and len(state.stakes) >= STAKERS_MAX:
        return Refusal.GOVERNANCE_STAKERS_FULL
    if state.total_micro + amount_micro > MONEY_MICRO_MAX:
        return Refusal.GOVERNANCE_STAKE_OVERFLOW
    return LockPlan(version=state.version, at_ns=now_ns, account=account, amount_micro=amount_micro)


def lock(state: Governance, plan: LockPlan, now_ns: int) -> None:
    """Carry out `plan_lock`."""
    begin(state, plan, now_ns)
    stake = state.stakes.setdefault(account_key(plan.account), Stake(account=plan.account, amount_micro=0))
    _change(state, stake, plan.amount_micro, now_ns)


def plan_unlock(state: Governance, account: int, amount_micro: int, now_ns: int) -> Refusal | UnlockPlan:
    """Plan to take native units out, but for those that took part in a vote that has not ended. O(proposals).

    What a vote or a proposal held stays until the time that vote was to end, even when the proposal was cancelled.
    """
    ready(state, now_ns)
    require_int("stake", "account", account, 1, ACCOUNT_MAX)
    require_int("stake", "amount_micro", amount_micro, 0, MONEY_MICRO_MAX)
    stake = state.stakes.get(account_key(account))
    if stake is None or stake.amount_micro < amount_micro:
        return Refusal.GOVERNANCE_STAKE_MISSING
    left = stake.amount_micro - amount_micro
    if amount_micro < 1 or 0 < left < state.terms.lock_min_micro:
        return Refusal.GOVERNANCE_AMOUNT_TOO_SMALL
    if left < held_at(stake, now_ns):
        return Refusal.GOVERNANCE_STAKE_HELD
    return UnlockPlan(version=state.version, at_ns=now_ns, account=account, amount_micro=amount_micro)


def unlock(state: Governance, plan: UnlockPlan, now_ns: int) -> None:
    """Carry out `plan_unlock`. What was locked at this very moment leaves first."""
    begin(state, plan, now_ns)
    stake = state.stakes[account_key(plan.account)]
    _change(state, stake, -plan.amount_micro, now_ns)
    if not stake.amount_micro:
        del state.stakes[account_key(plan.account)]


def held_at(stake: Stake, now_ns: int) -> int:
    """Return how much of a stake may not leave yet."""
    return stake.held_micro if now_ns < stake.held_ns else 0


def hold(stake: Stake, amount_micro: int, until_ns: int, now_ns: int) -> None:
    """Keep at least `amount_micro` of a stake until `until_ns`, together with what is held already."""
    stake.held_micro = max(held_at(stake, now_ns), amount_micro)
    stake.held_ns = max(stake.held_ns, until_ns)


def settled_micro(stake: Stake, now_ns: int) -> int:
    """Return what of a stake was locked before `now_ns`."""
    last = stake.pasts[-1]
    return last.last_micro - (last.recent_micro if last.recent_ns == now_ns else 0)


def total_settled_micro(state: Governance, now_ns: int) -> int:
    """Return what of all stake was locked before `now_ns`."""
    return state.total_micro - (state.recent_micro if state.recent_ns == now_ns else 0)


def weight_of(state: Governance, account: int, proposal: Proposal) -> int:
    """Return an account's weight in a proposal as of now. O(open votes)."""
    stake = state.stakes.get(account_key(account))
    if stake is None:
        return 0
    weight = 0
    for past in stake.pasts:
        if past.epoch < proposal.number:
            recent = past.recent_micro if past.recent_ns == proposal.created_ns else 0
            weight = past.last_micro - recent
        else:
            weight = min(weight, past.low_micro)
    return weight


def _change(state: Governance, stake: Stake, amount_micro: int, now_ns: int) -> None:
    """Add to a stake, or take from it, and note what that means for every open vote."""
    stake.amount_micro += amount_micro
    state.total_micro += amount_micro
    before = stake.pasts[-1] if stake.pasts else None
    recent = before.recent_micro if before and before.recent_ns == now_ns else 0
    after = max(recent + amount_micro, 0)
    if state.recent_ns != now_ns:
        state.recent_ns, state.recent_micro = now_ns, 0
    state.recent_micro += after - recent
    past = Past(
        epoch=state.proposals_made,
        low_micro=stake.amount_micro,
        last_micro=stake.amount_micro,
        recent_ns=now_ns,
        recent_micro=after,
    )
    stake.pasts = _merged([*stake.pasts, past], _open_votes(state))


def _open_votes(state: Governance) -> list[int]:
    return [proposal.number for proposal in state.proposals if not proposal.queued]


def _merged(pasts: list[Past], votes: list[int]) -> list[Past]:
    """Return pasts with those made one between which no vote that is still open was begun."""
    merged: list[Past] = []
    groups: list[int] = []
    for past in pasts:
        group = sum(number <= past.epoch for number in votes)
        if groups and groups[-1] == group:
            past.low_micro = min(past.low_micro, merged.pop().low_micro)
            groups.pop()
        merged.append(past)
        groups.append(group)
    return merged
