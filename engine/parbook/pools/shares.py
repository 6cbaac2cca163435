"""Money owned in shares: who enters gets shares at the present rate, who leaves gets money for them, a loss hits all.

    rate = micro / shares

Both directions round down, so the dust stays with those who remain, the rate never falls but by a loss, and splitting
never gains. Income has an index per share beside it: what an account gets is the index's growth times its shares.
"""

from __future__ import annotations

from typing import Final

import msgspec

from parbook.errors import InvariantError
from parbook.pools.amounts import E18, MONEY_MICRO_MAX, Rounding, divide

THIN: Final = 10**9
"""A pot with more shares than this for each micro is too thin to go on: its shares are worth nothing."""


class Pot(msgspec.Struct, kw_only=True):
    """Money, and the shares in it."""

    micro: int = 0
    shares: int = 0


class Earner(msgspec.Struct, kw_only=True):
    """Shares, the index up to which their income was counted (1e-18), and the income not paid out yet."""

    shares: int = 0
    index_e18: int = 0
    owed_micro: int = 0


def shares_for(pot: Pot, micro: int) -> int:
    """Return the shares that `micro` buys, rounded down; one for one in an empty pot."""
    return divide(micro * pot.shares, pot.micro, Rounding.FLOOR) if pot.shares else micro


def micro_for(pot: Pot, shares: int) -> int:
    """Return what `shares` are worth, rounded down; all of the pot for all of its shares."""
    return divide(pot.micro * shares, pot.shares, Rounding.FLOOR) if pot.shares else 0


def put(pot: Pot, micro: int) -> int:
    """Put money in and return the shares it bought."""
    shares = shares_for(pot, micro)
    pot.micro += micro
    pot.shares += shares
    return shares


def taken(pot: Pot, shares: int) -> int:
    """Take shares out and return what they were worth."""
    micro = micro_for(pot, shares)
    pot.micro -= micro
    pot.shares -= shares
    return micro


def is_thin(pot: Pot) -> bool:
    """Return whether the shares are worth less than 1e-9 micro each."""
    return pot.micro * THIN < pot.shares


def earned(earner: Earner, index_e18: int) -> int:
    """Return what the shares earned since their income was last counted, rounded down; the rest stays in the fund."""
    return divide(earner.shares * (index_e18 - earner.index_e18), E18, Rounding.FLOOR)


def settle(earner: Earner, index_e18: int) -> None:
    """Count the income up to `index_e18`."""
    earner.owed_micro += earned(earner, index_e18)
    earner.index_e18 = index_e18


def index_step(micro: int, shares: int) -> tuple[int, int]:
    """Return by how much the index per share grows, rounded down, and the whole micro that this gives away, rounded up.

    What remains of `micro` was not given to anybody.
    """
    if not shares:
        return 0, 0
    step = divide(micro * E18, shares, Rounding.FLOOR)
    return step, divide(step * shares, E18, Rounding.CEIL)


def check_pot(where: str, pot: Pot) -> None:
    """Raise InvariantError unless money and shares are in range, and neither is there without the other."""
    if not 0 <= pot.micro <= MONEY_MICRO_MAX or not pot.shares >= 0:
        raise InvariantError(f"{where}: {pot} is out of range")
    if bool(pot.micro) != bool(pot.shares):
        raise InvariantError(f"{where}: {pot} has money without an owner, or owners without money")
