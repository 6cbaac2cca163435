"""Settings and state of liquidity support, and its invariants."""

from __future__ import annotations

from typing import Final

import msgspec

from parbook.errors import InvariantError
from parbook.pools.amounts import E12, MONEY_MICRO_MAX, Rounding, divide, require_int
from parbook.pools.shares import Earner, Pot, check_pot, earned, index_step
from parbook.units import TIME_NS_MAX

SECOND_NS: Final = 10**9
DAY_NS: Final = 86400 * SECOND_NS
BONDERS_MAX: Final = 100_000
"""Most accounts that have bonded."""
UNBONDINGS_MAX: Final = 16
"""Most unbondings of an account under way."""


class SupportTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What bonds earn and bear."""

    share_e12: int = E12 // 2
    """Share of the realised spread that goes to bonds; the rest is the reserve's."""
    stream_ns: int = 7 * DAY_NS
    """Over how long a distribution reaches those who are bonded meanwhile."""
    unbond_ns: int = 7 * DAY_NS
    first_loss_e12: int = E12 // 10
    """Share of the reserve that bears a loss before any bond."""
    bonds_micro_max: int = MONEY_MICRO_MAX
    """Most that may be bonded, unbonding included."""

    def __post_init__(self) -> None:
        """Refuse what is out of range; AssetError."""
        where = "liquidity support"
        require_int(where, "share_e12", self.share_e12, 0, E12)
        require_int(where, "stream_ns", self.stream_ns, SECOND_NS, TIME_NS_MAX // 8)
        require_int(where, "unbond_ns", self.unbond_ns, SECOND_NS, TIME_NS_MAX // 8)
        require_int(where, "first_loss_e12", self.first_loss_e12, 0, E12)
        require_int(where, "bonds_micro_max", self.bonds_micro_max, 0, MONEY_MICRO_MAX)


class Unbonding(msgspec.Struct, kw_only=True):
    """Shares of the leavers' pot that may be claimed from `due_ns` on."""

    shares: int
    due_ns: int


class Bonder(msgspec.Struct, kw_only=True):
    """What an account has bonded."""

    bond: Earner
    leaving: list[Unbonding] = []


class Support(msgspec.Struct, kw_only=True):
    """Bonds and leavers in shares, and rewards: `unpaid_micro` streams until `end_ns`, `owed_micro` may be claimed.

    Its terms may be replaced between operations.
    """

    terms: SupportTerms
    bonds: Pot
    leavers: Pot
    bonders: dict[str, Bonder] = {}
    """By account, as text: what is serialised in one order has keys of text."""
    unpaid_micro: int = 0
    streamed_ns: int = 0
    end_ns: int = 0
    index_e18: int = 0
    owed_micro: int = 0
    bonded_in_micro: int = 0
    paid_out_micro: int = 0
    lost_out_micro: int = 0
    reward_in_micro: int = 0
    reward_out_micro: int = 0
    now_ns: int = 0
    revision: int = 0


def opened(terms: SupportTerms, now_ns: int) -> Support:
    """Return support without bonds. AssetError for what is no time."""
    require_int("liquidity support", "now_ns", now_ns, 0, TIME_NS_MAX)
    return Support(terms=terms, bonds=Pot(), leavers=Pot(), streamed_ns=now_ns, end_ns=now_ns, now_ns=now_ns)


def bonded_micro(state: Support) -> int:
    """Return the depth that stands next to the reserve: bonds, and those that are leaving."""
    return state.bonds.micro + state.leavers.micro


def streamed(state: Support, now_ns: int) -> tuple[int, int, int, int]:
    """Return (step of the index, micro given, streamed up to, end) at `now_ns`. Without bonds the stream stands still.

    What the step cannot share out stays in the stream, and after its end until the next distribution. O(1).
    """
    elapsed = now_ns - state.streamed_ns
    if not state.unpaid_micro:
        return 0, 0, now_ns, max(state.end_ns, now_ns)
    if not state.bonds.shares:
        return 0, 0, now_ns, max(state.end_ns, state.streamed_ns) + elapsed
    length = state.end_ns - state.streamed_ns
    released = state.unpaid_micro
    if elapsed < length:
        released = divide(state.unpaid_micro * elapsed, length, Rounding.FLOOR)
    step, given = index_step(released, state.bonds.shares)
    return step, given, now_ns if step else state.streamed_ns, state.end_ns


def stream(state: Support, now_ns: int) -> None:
    """Pay out what the stream has released by `now_ns`."""
    step, given, state.streamed_ns, state.end_ns = streamed(state, now_ns)
    state.index_e18 += step
    state.unpaid_micro -= given
    state.owed_micro += given


def claimable_micro(state: Support, account: int, now_ns: int) -> int:
    """Return the reward that an account may claim at `now_ns`. O(1)."""
    bonder = state.bonders.get(str(account))
    if bonder is None:
        return 0
    return bonder.bond.owed_micro + earned(bonder.bond, state.index_e18 + streamed(state, now_ns)[0])


def check(state: Support) -> None:
    """Raise InvariantError unless every stated invariant holds. O(accounts)."""
    for name, pot in (("bonds", state.bonds), ("leavers", state.leavers)):
        check_pot(f"liquidity support, {name}", pot)
    bonded = bonded_micro(state)
    if state.bonded_in_micro != bonded + state.paid_out_micro + state.lost_out_micro:
        raise InvariantError(
            f"bonds were made or lost: {state.bonded_in_micro} came in, {bonded} is here, {state.paid_out_micro} left, "
            f"{state.lost_out_micro} was lost"
        )
    if state.reward_in_micro != state.unpaid_micro + state.owed_micro + state.reward_out_micro:
        raise InvariantError("rewards were made or lost")
    if min(state.unpaid_micro, state.owed_micro) < 0 or state.streamed_ns > state.now_ns:
        raise InvariantError("a reward is negative, or the stream is ahead of the clock")
    shares, leaving, owed = 0, 0, 0
    for account in sorted(state.bonders):
        bonder = state.bonders[account]
        shares += bonder.bond.shares
        leaving += sum(unbonding.shares for unbonding in bonder.leaving)
        owed += bonder.bond.owed_micro + earned(bonder.bond, state.index_e18)
        if len(bonder.leaving) > UNBONDINGS_MAX:
            raise InvariantError(f"account {account} has too many unbondings")
    if (shares, leaving) != (state.bonds.shares, state.leavers.shares):
        raise InvariantError(f"accounts have {shares} and {leaving} shares, the pots {state.bonds} and {state.leavers}")
    if owed > state.owed_micro:
        raise InvariantError(f"{owed} is owed and {state.owed_micro} is there for it")
    if len(state.bonders) > BONDERS_MAX:
        raise InvariantError("too many accounts have bonded")
