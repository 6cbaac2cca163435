"""States of loans, pools and tranches, and which may follow which."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, TypeVar

from parbook.errors import AssetError


class LoanState(IntEnum):
    """Where a loan stands."""

    DRAFT = 0
    """Described, not paid out."""
    FUNDED = 1
    """Paid out; nothing was due yet."""
    CURRENT = 2
    """Pays as agreed."""
    LATE = 3
    """Something due is unpaid."""
    IMPAIRED = 4
    """Written down, not given up."""
    DEFAULTED = 5
    """Given up: what comes is a recovery."""
    RECOVERING = 6
    """Recoveries have begun."""
    CLOSED = 7
    """Nothing is owed any more."""


class PoolState(IntEnum):
    """Where a pool stands."""

    RAISING = 0
    """Takes money, holds no loans yet."""
    REVOLVING = 1
    """What is repaid buys new loans."""
    AMORTISING = 2
    """What is repaid goes to the tranches."""
    WIND_DOWN = 3
    """Only collects and pays out."""


class TrancheState(IntEnum):
    """Whether units of a tranche are issued and redeemed."""

    OPEN = 0
    """Both."""
    GATED = 1
    """Redemptions wait."""
    CLOSED = 2
    """Neither, for good."""


_L, _P, _T = LoanState, PoolState, TrancheState

# One table a kind: members of different IntEnums are equal by number, and one dict would mix them.
_LOAN: Final[dict[IntEnum, tuple[IntEnum, ...]]] = {
    _L.DRAFT: (_L.FUNDED, _L.CLOSED),
    _L.FUNDED: (_L.CURRENT, _L.LATE, _L.CLOSED),
    _L.CURRENT: (_L.LATE, _L.IMPAIRED, _L.DEFAULTED, _L.CLOSED),
    _L.LATE: (_L.CURRENT, _L.IMPAIRED, _L.DEFAULTED, _L.CLOSED),
    _L.IMPAIRED: (_L.CURRENT, _L.LATE, _L.DEFAULTED, _L.CLOSED),
    _L.DEFAULTED: (_L.RECOVERING, _L.CLOSED),
    _L.RECOVERING: (_L.CLOSED,),
    _L.CLOSED: (),
}
_POOL: Final[dict[IntEnum, tuple[IntEnum, ...]]] = {
    _P.RAISING: (_P.REVOLVING, _P.AMORTISING, _P.WIND_DOWN),
    _P.REVOLVING: (_P.AMORTISING, _P.WIND_DOWN),
    _P.AMORTISING: (_P.WIND_DOWN,),
    _P.WIND_DOWN: (),
}
_TRANCHE: Final[dict[IntEnum, tuple[IntEnum, ...]]] = {
    _T.OPEN: (_T.GATED, _T.CLOSED),
    _T.GATED: (_T.OPEN, _T.CLOSED),
    _T.CLOSED: (),
}
NEXT: Final[dict[type[IntEnum], dict[IntEnum, tuple[IntEnum, ...]]]] = {
    LoanState: _LOAN,
    PoolState: _POOL,
    TrancheState: _TRANCHE,
}
"""What may follow what. A defaulted loan is never current again: what it still pays is a recovery."""

EARNING: Final = frozenset({_L.FUNDED, _L.CURRENT, _L.LATE, _L.IMPAIRED})
"""States in which a loan is valued by its schedule."""
RECOVERED: Final = frozenset({_L.DEFAULTED, _L.RECOVERING})
"""States in which it is valued by what may be recovered."""

_State = TypeVar("_State", bound=IntEnum)


def moved(what: str, state: _State, to: _State) -> _State:
    """Return `to` when it may follow `state`; AssetError names what may."""
    allowed = NEXT[type(state)][state]
    if type(state) is not type(to) or to not in allowed:
        names = ", ".join(member.name for member in allowed) or "nothing"
        raise AssetError(what, f"it cannot go from {state.name} to {to.name}", f"From there it may become: {names}.")
    return to
