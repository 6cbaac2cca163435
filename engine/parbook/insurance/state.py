"""The state of an insurance fund, and its invariants."""

from __future__ import annotations

import msgspec

from parbook.errors import InvariantError
from parbook.insurance.formulas import emission_e12, payout_micro
from parbook.insurance.terms import DRAFTS_MAX, ERAS_MAX, SECOND_NS, STAKERS_MAX, FundState, FundTerms
from parbook.pools.amounts import E12, MONEY_MICRO_MAX, Rounding, divide, require_int
from parbook.pools.shares import Earner, Pot, check_pot, index_step, settle
from parbook.units import TIME_NS_MAX


class Draft(msgspec.Struct, kw_only=True):
    """Shares of the drafts' pot that may leave from `due_ns` on."""

    era: int
    shares: int
    due_ns: int


class Staker(msgspec.Struct, kw_only=True):
    """What an account has in the fund. Shares of an era that is over are worth nothing."""

    era: int = 0
    stake: Earner
    drafts: list[Draft] = []


class Auction(msgspec.Struct, kw_only=True):
    """Seized stake under the hammer, its price falling from `start_ns` on."""

    left_micro: int
    best_nano: int
    worst_nano: int
    start_ns: int
    end_ns: int


class Fund(msgspec.Struct, kw_only=True):
    """An insurance fund.

    `cash_micro` bears losses; `unpaid_micro` is premium on its way to stakers and `owed_micro` what they have earned
    and not claimed: neither bears any. `stake` and `drafts` are native tokens in shares; `seized_micro` waits for its
    sale. `short_micro` is what seized stake still has to fetch; what is beyond is the fund's cash. An era's last index
    stands in `indices_e18`. Totals since the beginning end in `_in_micro` and `_out_micro`. Its terms may be
    replaced between operations.
    """

    terms: FundTerms
    cash_micro: int = 0
    unpaid_micro: int = 0
    owed_micro: int = 0
    streamed_ns: int = 0
    stake: Pot
    drafts: Pot
    stake_era: int = 0
    draft_era: int = 0
    index_e18: int = 0
    indices_e18: list[int] = []
    stakers: dict[str, Staker] = {}
    """By account, as text: what is serialised in one order has keys of text."""
    seized_micro: int = 0
    short_micro: int = 0
    auction: Auction | None = None
    alarm_ns: int = 0
    """When the alarm ends, 0: there is none."""
    calm_ns: int = 0
    """From when on another may begin."""
    charged_ns: int = 0
    stake_in_micro: int = 0
    stake_out_micro: int = 0
    sold_out_micro: int = 0
    now_ns: int = 0
    revision: int = 0


def opened(terms: FundTerms, now_ns: int) -> Fund:
    """Return an empty fund. AssetError for what is no time."""
    require_int("insurance fund", "now_ns", now_ns, 0, TIME_NS_MAX)
    return Fund(terms=terms, stake=Pot(), drafts=Pot(), streamed_ns=now_ns, charged_ns=now_ns, now_ns=now_ns)


def fund_state(fund: Fund, now_ns: int) -> FundState:
    """Return where the fund stands at `now_ns`."""
    if now_ns < fund.alarm_ns:
        return FundState.SLASHING
    if fund.cash_micro or fund.stake.micro or fund.drafts.micro or fund.seized_micro or fund.auction:
        return FundState.ACTIVE
    return FundState.DEPLETED


def at_stake_micro(fund: Fund) -> int:
    """Return the native tokens that a slash reaches: stake and drafts, due or not."""
    return fund.stake.micro + fund.drafts.micro


# --- premiums -------------------------------------------------------------------------------------


def streamed(fund: Fund, now_ns: int) -> tuple[int, int, int]:
    """Return (step of the index, micro given to stakers, time streamed up to) at `now_ns`. Whole seconds; O(log)."""
    seconds = (now_ns - fund.streamed_ns) // SECOND_NS
    if not fund.unpaid_micro or not fund.stake.shares:
        return 0, 0, now_ns
    ratio = divide(fund.terms.payout_e27 * emission_e12(fund.stake.micro, fund.terms.target_micro), E12, Rounding.FLOOR)
    step, given = index_step(payout_micro(fund.unpaid_micro, ratio, seconds), fund.stake.shares)
    # Too little for a step of the index: the time counts next time.
    return step, given, fund.streamed_ns + seconds * SECOND_NS if step else fund.streamed_ns


def stream(fund: Fund, now_ns: int) -> None:
    """Pay out what the stream has released by `now_ns`: shares of that time earn it, and no others."""
    step, given, fund.streamed_ns = streamed(fund, now_ns)
    credit(fund, step, given)


def credit(fund: Fund, step_e18: int, given_micro: int) -> None:
    """Raise the index, and move what it gives away from unpaid to owed."""
    fund.index_e18 += step_e18
    fund.unpaid_micro -= given_micro
    fund.owed_micro += given_micro


def settled(fund: Fund, staker: Staker) -> None:
    """Count an account's premium up to now; shares of an era that is over earn up to its end and are gone."""
    if staker.era < fund.stake_era:
        settle(staker.stake, fund.indices_e18[staker.era])
        staker.stake.shares = 0
        staker.era = fund.stake_era
    settle(staker.stake, fund.index_e18)


def claimable_micro(fund: Fund, account: int, now_ns: int) -> int:
    """Return the premium that an account may claim at `now_ns`. O(log)."""
    staker = fund.stakers.get(str(account))
    if staker is None:
        return 0
    view = msgspec.structs.replace(fund, index_e18=fund.index_e18 + streamed(fund, now_ns)[0])
    copy = msgspec.structs.replace(staker, stake=msgspec.structs.replace(staker.stake))
    settled(view, copy)
    return copy.stake.owed_micro


# --- invariants -----------------------------------------------------------------------------------


def check(fund: Fund) -> None:
    """Raise InvariantError unless every stated invariant holds. O(accounts + drafts)."""
    check_pot("insurance, stake", fund.stake)
    check_pot("insurance, drafts", fund.drafts)
    lot = fund.auction.left_micro if fund.auction else 0
    amounts = (fund.cash_micro, fund.unpaid_micro, fund.owed_micro, fund.seized_micro, fund.short_micro, lot)
    if not 0 <= min(amounts) <= max(amounts) <= MONEY_MICRO_MAX:
        raise InvariantError(f"an amount of {amounts} is out of range")
    inside = at_stake_micro(fund) + fund.seized_micro + lot
    if fund.stake_in_micro != inside + fund.stake_out_micro + fund.sold_out_micro:
        raise InvariantError(
            f"stake was made or lost: {fund.stake_in_micro} came in, {inside} is here, {fund.stake_out_micro} left and "
            f"{fund.sold_out_micro} was sold"
        )
    shares, waiting, owed = 0, 0, 0
    for account in sorted(fund.stakers):
        staker = fund.stakers[account]
        copy = msgspec.structs.replace(staker, stake=msgspec.structs.replace(staker.stake))
        settled(fund, copy)
        shares += copy.stake.shares
        owed += copy.stake.owed_micro
        waiting += sum(draft.shares for draft in staker.drafts if draft.era == fund.draft_era)
        if len(staker.drafts) > DRAFTS_MAX or min((draft.shares for draft in staker.drafts), default=1) < 1:
            raise InvariantError(f"the drafts of account {account} are too many, or one of them is empty")
    if (shares, waiting) != (fund.stake.shares, fund.drafts.shares):
        raise InvariantError(f"accounts have {shares} and {waiting} shares, the pots {fund.stake} and {fund.drafts}")
    if owed > fund.owed_micro:
        raise InvariantError(f"{owed} is owed to stakers and {fund.owed_micro} is there for it")
    if len(fund.stakers) > STAKERS_MAX or len(fund.indices_e18) != fund.stake_era or fund.stake_era > ERAS_MAX:
        raise InvariantError("accounts or eras are too many, or an era's last index is missing")
