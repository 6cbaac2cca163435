"""Bonding, unbonding, the curve's spread and its losses.

Spread streams over a period, so that who bonds just before a distribution and leaves just after gets the share of the
time between, and no more. Payouts are rounded down and what the index cannot share out stays in the stream; the bonds'
part of a loss is rounded up.
"""

from __future__ import annotations

from parbook.pools.amounts import MONEY_MICRO_MAX, Rounding, divide, require_int, share_of
from parbook.pools.shares import Earner, Pot, is_thin, micro_for, put, settle, shares_for, taken
from parbook.pools.steps import Plan, carried_out, started
from parbook.refusals import Refusal
from parbook.support.state import (
    BONDERS_MAX,
    UNBONDINGS_MAX,
    Bonder,
    Support,
    Unbonding,
    bonded_micro,
    claimable_micro,
    stream,
    streamed,
)
from parbook.units import ACCOUNT_MAX

WHERE = "liquidity support"
SHARES_MAX = 2**127


class BondPlan(Plan, frozen=True, kw_only=True):
    """`money_micro` come in for `shares`, and stand next to the reserve."""

    account: int
    money_micro: int
    shares: int


class UnbondPlan(Plan, frozen=True, kw_only=True):
    """`shares` begin to leave, worth `money_micro` now; they may be claimed from `due_ns` on. Nothing moves yet."""

    account: int
    shares: int
    money_micro: int
    due_ns: int


class PayPlan(Plan, frozen=True, kw_only=True):
    """`bond_micro` of unbondings that are due, or `reward_micro`, go to the account."""

    account: int
    bond_micro: int = 0
    reward_micro: int = 0
    unbondings: int = 0


class SpreadPlan(Plan, frozen=True, kw_only=True):
    """Of the spread realised, `bonds_micro` come in, `reserve_micro` stay with the reserve. `end_ns`: of the stream."""

    bonds_micro: int
    reserve_micro: int
    end_ns: int


class BondLossPlan(Plan, frozen=True, kw_only=True):
    """What the reserve bears first, and beside the bonds; what bonds and leavers bear, and what nobody does."""

    first_micro: int
    reserve_micro: int
    bonds_micro: int
    leavers_micro: int
    uncovered_micro: int
    dust_micro: int
    """What a pot too thin to go on had left: it goes to the reserve."""


def _asked(state: Support, account: int, now_ns: int) -> Bonder | None:
    started(WHERE, state, now_ns)
    require_int(WHERE, "account", account, 0, ACCOUNT_MAX)
    return state.bonders.get(str(account))


def plan_bond(state: Support, account: int, money_micro: int, now_ns: int) -> Refusal | BondPlan:
    """Return the plan to bond; BONDERS_FULL, BOND_LIMIT, BOND_TOO_SMALL. O(1)."""
    bonder = _asked(state, account, now_ns)
    require_int(WHERE, "money_micro", money_micro, 1, MONEY_MICRO_MAX)
    if bonder is None and len(state.bonders) >= BONDERS_MAX:
        return Refusal.BONDERS_FULL
    if bonded_micro(state) + money_micro > state.terms.bonds_micro_max:
        return Refusal.BOND_LIMIT
    shares = shares_for(state.bonds, money_micro)
    if not shares:
        return Refusal.BOND_TOO_SMALL
    return BondPlan(revision=state.revision, now_ns=now_ns, account=account, money_micro=money_micro, shares=shares)


def bond(state: Support, plan: BondPlan, now_ns: int) -> None:
    """Take the bond. Rewards streamed until now belong to those who were there."""
    carried_out(WHERE, state, plan, now_ns)
    stream(state, now_ns)
    if str(plan.account) not in state.bonders:
        state.bonders[str(plan.account)] = Bonder(bond=Earner(index_e18=state.index_e18))
    bonder = state.bonders[str(plan.account)]
    settle(bonder.bond, state.index_e18)
    bonder.bond.shares += put(state.bonds, plan.money_micro)
    state.bonded_in_micro += plan.money_micro


def plan_unbond(state: Support, account: int, shares: int, now_ns: int) -> Refusal | UnbondPlan:
    """Return the plan to begin to leave: no more rewards, losses as before; BOND_SHORT, UNBONDINGS_FULL.

    BOND_TOO_SMALL. O(unbondings of the account).
    """
    bonder = _asked(state, account, now_ns)
    require_int(WHERE, "shares", shares, 1, SHARES_MAX)
    if bonder is None or shares > bonder.bond.shares:
        return Refusal.BOND_SHORT
    if len(bonder.leaving) >= UNBONDINGS_MAX:
        return Refusal.UNBONDINGS_FULL
    money = micro_for(state.bonds, shares)
    if not money or not shares_for(state.leavers, money):
        return Refusal.BOND_TOO_SMALL
    due = now_ns + state.terms.unbond_ns
    return UnbondPlan(
        revision=state.revision, now_ns=now_ns, account=account, shares=shares, money_micro=money, due_ns=due
    )


def unbond(state: Support, plan: UnbondPlan, now_ns: int) -> None:
    """Move the shares to the leavers."""
    carried_out(WHERE, state, plan, now_ns)
    stream(state, now_ns)
    bonder = state.bonders[str(plan.account)]
    settle(bonder.bond, state.index_e18)
    bonder.bond.shares -= plan.shares
    shares = put(state.leavers, taken(state.bonds, plan.shares))
    bonder.leaving.append(Unbonding(shares=shares, due_ns=plan.due_ns))


def plan_claim_bond(state: Support, account: int, now_ns: int) -> Refusal | PayPlan:
    """Return the plan to claim all unbondings that are due; NOTHING_UNBONDED. O(unbondings of the account)."""
    bonder = _asked(state, account, now_ns)
    ready = [unbonding for unbonding in bonder.leaving if unbonding.due_ns <= now_ns] if bonder else []
    money = micro_for(state.leavers, sum(unbonding.shares for unbonding in ready))
    if not money:
        return Refusal.NOTHING_UNBONDED
    return PayPlan(revision=state.revision, now_ns=now_ns, account=account, bond_micro=money, unbondings=len(ready))


def claim_bond(state: Support, plan: PayPlan, now_ns: int) -> None:
    """Pay the unbondings out."""
    carried_out(WHERE, state, plan, now_ns)
    bonder = state.bonders[str(plan.account)]
    ready = [unbonding for unbonding in bonder.leaving if unbonding.due_ns <= now_ns]
    bonder.leaving = [unbonding for unbonding in bonder.leaving if unbonding.due_ns > now_ns]
    state.paid_out_micro += taken(state.leavers, sum(unbonding.shares for unbonding in ready))
    _forget_if_empty(state, str(plan.account))


def plan_claim_reward(state: Support, account: int, now_ns: int) -> Refusal | PayPlan:
    """Return the plan to claim the reward; NO_REWARD. O(1)."""
    _asked(state, account, now_ns)
    reward = claimable_micro(state, account, now_ns)
    if not reward:
        return Refusal.NO_REWARD
    return PayPlan(revision=state.revision, now_ns=now_ns, account=account, reward_micro=reward)


def claim_reward(state: Support, plan: PayPlan, now_ns: int) -> None:
    """Pay the reward out."""
    carried_out(WHERE, state, plan, now_ns)
    stream(state, now_ns)
    bonder = state.bonders[str(plan.account)]
    settle(bonder.bond, state.index_e18)
    bonder.bond.owed_micro -= plan.reward_micro
    state.owed_micro -= plan.reward_micro
    state.reward_out_micro += plan.reward_micro
    _forget_if_empty(state, str(plan.account))


def _forget_if_empty(state: Support, account: str) -> None:
    """Give the account's place back when nothing is left in it."""
    bonder = state.bonders[account]
    settle(bonder.bond, state.index_e18)
    if not bonder.bond.shares and not bonder.bond.owed_micro and not bonder.leaving:
        del state.bonders[account]


def plan_spread(state: Support, realised_micro: int, now_ns: int) -> Refusal | SpreadPlan:
    """Return the plan to share the spread realised since the last time: the bonds' share, rounded down, is streamed.

    Nothing to bonds while there are none; BOND_LIMIT when more would be unpaid than money can be. The stream's new end
    is the mean of the old and of a full period, weighted by money: a small distribution holds no large one back. O(1).
    """
    started(WHERE, state, now_ns)
    require_int(WHERE, "realised_micro", realised_micro, 0, MONEY_MICRO_MAX)
    share = share_of(realised_micro, state.terms.share_e12, Rounding.FLOOR) if state.bonds.shares else 0
    _, given, _, end_ns = streamed(state, now_ns)
    unpaid, left_ns = state.unpaid_micro - given, max(end_ns - now_ns, 0)
    if unpaid + given + state.owed_micro + share > MONEY_MICRO_MAX:
        return Refusal.BOND_LIMIT
    if share:
        mean = divide(unpaid * left_ns + share * state.terms.stream_ns, unpaid + share, Rounding.CEIL)
        end_ns = now_ns + mean
    return SpreadPlan(
        revision=state.revision,
        now_ns=now_ns,
        bonds_micro=share,
        reserve_micro=realised_micro - share,
        end_ns=end_ns,
    )


def spread(state: Support, plan: SpreadPlan, now_ns: int) -> None:
    """Take the bonds' share of the spread."""
    carried_out(WHERE, state, plan, now_ns)
    stream(state, now_ns)
    if plan.bonds_micro:
        state.unpaid_micro += plan.bonds_micro
        state.reward_in_micro += plan.bonds_micro
        # What was too little for a step of the index begins with the new stream.
        state.streamed_ns, state.end_ns = now_ns, plan.end_ns


def plan_loss(state: Support, loss_micro: int, reserve_micro: int, now_ns: int) -> BondLossPlan:
    """Return who bears a loss of the curve: the reserve's first-loss share, then reserve and bonds in proportion.

    `reserve_micro` is what the reserve has. The bonds' part is rounded up, and so is that of bonds among bonds and
    leavers. A pot whose shares are then worth less than 1e-9 micro each is emptied. Never refused. O(1).
    """
    started(WHERE, state, now_ns)
    require_int(WHERE, "loss_micro", loss_micro, 0, MONEY_MICRO_MAX)
    require_int(WHERE, "reserve_micro", reserve_micro, 0, MONEY_MICRO_MAX)
    first = min(loss_micro, share_of(reserve_micro, state.terms.first_loss_e12, Rounding.FLOOR))
    rest, bonded = loss_micro - first, bonded_micro(state)
    both = reserve_micro - first + bonded
    shared = min(rest, both)
    ours = min(divide(shared * bonded, both, Rounding.CEIL), bonded) if both else 0
    bonds = divide(ours * state.bonds.micro, bonded, Rounding.CEIL) if bonded else 0
    return BondLossPlan(
        revision=state.revision,
        now_ns=now_ns,
        first_micro=first,
        reserve_micro=shared - ours,
        bonds_micro=bonds,
        leavers_micro=ours - bonds,
        uncovered_micro=rest - shared,
        dust_micro=_dust(state.bonds, bonds) + _dust(state.leavers, ours - bonds),
    )


def _dust(pot: Pot, loss_micro: int) -> int:
    left = Pot(micro=pot.micro - loss_micro, shares=pot.shares)
    return left.micro if is_thin(left) else 0


def loss(state: Support, plan: BondLossPlan, now_ns: int) -> None:
    """Take the bonds' part of a loss. Rewards already streamed are safe. O(1); O(accounts) when a pot is emptied."""
    carried_out(WHERE, state, plan, now_ns)
    stream(state, now_ns)
    state.bonds.micro -= plan.bonds_micro
    state.leavers.micro -= plan.leavers_micro
    state.lost_out_micro += plan.bonds_micro + plan.leavers_micro + plan.dust_micro
    no_bonds, no_leavers = is_thin(state.bonds), is_thin(state.leavers)
    if no_bonds or no_leavers:
        state.bonds = Pot() if no_bonds else state.bonds
        state.leavers = Pot() if no_leavers else state.leavers
        for account in sorted(state.bonders):
            bonder = state.bonders[account]
            settle(bonder.bond, state.index_e18)
            bonder.bond.shares = 0 if no_bonds else bonder.bond.shares
            bonder.leaving = [] if no_leavers else bonder.leaving
            _forget_if_empty(state, account)
