"""What governance is set to, and what a parameter is: both with hard bounds no vote may leave."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from parbook.codes import DocumentedEnum
from parbook.errors import AssetError, shown
from parbook.pools.amounts import MICRO, MONEY_MICRO_MAX, require_int
from parbook.units import PPM

HOUR_NS: Final = 3600 * 10**9
DAY_NS: Final = 24 * HOUR_NS

PARAMETERS_MAX: Final = 1024
"""Most parameters."""
STAKERS_MAX: Final = 2**16
"""Most accounts with stake."""
PROPOSALS_MAX: Final = 64
"""Most open proposals: pending, being voted on or queued."""
CHANGES_MAX: Final = 16
"""Most changes of a proposal."""
VALUE_MAX: Final = 2**63 - 1
"""Largest value of a parameter; its negative is the smallest."""
GUARDIAN: Final = "guardian"
"""The parameter that is the guardian's account; 0: there is none."""
PAUSE: Final = "pause/"
"""How the names of pauses begin; what follows is the mechanism."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_./-]{0,63}")

BOUNDS: Final[dict[str, tuple[int, int]]] = {
    "pending_ns": (HOUR_NS, 30 * DAY_NS),
    "voting_ns": (HOUR_NS, 30 * DAY_NS),
    "grace_ns": (HOUR_NS, 30 * DAY_NS),
    "threshold_micro": (1, MONEY_MICRO_MAX),
    "quorum_ppm": (1, PPM),
    "lock_min_micro": (1, MONEY_MICRO_MAX),
    "guardian_timelock_ns": (HOUR_NS, 90 * DAY_NS),
    "guard_ns": (HOUR_NS, 14 * DAY_NS),
    "guard_cooldown_ns": (HOUR_NS, 90 * DAY_NS),
    "guard_max": (1, 64),
}
"""Hard bounds of every term."""


class Safer(DocumentedEnum):
    """In which direction a parameter bears less risk."""

    NONE = 0, "neither, or nobody can tell: the guardian may not move it"
    LOWER = 1, "a lower value is safer"
    HIGHER = 2, "a higher value is safer"


class GovernanceTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of governance. AssetError outside `BOUNDS`, or with a cool-down shorter than a guard."""

    pending_ns: int = DAY_NS
    """From a proposal to its vote."""
    voting_ns: int = 3 * DAY_NS
    grace_ns: int = 3 * DAY_NS
    """How long a proposal whose timelock has run out may still be executed."""
    threshold_micro: int = 1_000 * MICRO
    """Stake that proposes. It stays locked until the vote ends."""
    quorum_ppm: int = 100_000
    """Share of all stake at the start that must vote, abstentions among it."""
    lock_min_micro: int = MICRO
    """Least that is locked at once, and that is left behind."""
    guardian_timelock_ns: int = 7 * DAY_NS
    """Timelock of replacing the guardian."""
    guard_ns: int = 3 * DAY_NS
    """How long what the guardian sets holds."""
    guard_cooldown_ns: int = 7 * DAY_NS
    """How long it may not set the same parameter again after that."""
    guard_max: int = 8
    """Most parameters the guardian holds at a time."""

    def __post_init__(self) -> None:
        """Refuse what is out of range; AssetError."""
        for name, (low, high) in BOUNDS.items():
            require_int("governance terms", name, getattr(self, name), low, high)
        if self.guard_cooldown_ns < self.guard_ns:
            raise AssetError(
                "governance terms",
                "guard_cooldown_ns is below guard_ns",
                "A guardian may hold a parameter half of the time at most: cool down longer.",
            )


class ParameterTerms(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter as it is registered. low <= value <= high for ever; AssetError otherwise."""

    name: str
    value: int
    low: int
    high: int
    safer: Safer = Safer.NONE
    timelock_ns: int = 2 * DAY_NS

    def __post_init__(self) -> None:
        """Refuse what is out of range; AssetError."""
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise AssetError(
                "parameter", f"{shown(self.name)} is no name", "Use 1 to 64 of a-z, 0-9, `_`, `.`, `/` and `-`."
            )
        where = f"parameter {self.name}"
        require_int(where, "low", self.low, -VALUE_MAX, VALUE_MAX)
        require_int(where, "high", self.high, self.low, VALUE_MAX)
        require_int(where, "value", self.value, self.low, self.high)
        require_int(where, "timelock_ns", self.timelock_ns, HOUR_NS, 90 * DAY_NS)
        if self.name.startswith(PAUSE) and (self.low, self.high, self.safer) != (0, 1, Safer.HIGHER):
            raise AssetError(where, "a pause is 0 or 1, and 1 is safer", "Make it with `pause`.")


def pause(mechanism: str, timelock_ns: int = HOUR_NS) -> ParameterTerms:
    """Return the parameter that pauses a mechanism: 1 paused, 0 not."""
    return ParameterTerms(name=PAUSE + mechanism, value=0, low=0, high=1, safer=Safer.HIGHER, timelock_ns=timelock_ns)


def safer_than(safer: Safer, one: int, other: int) -> bool:
    """Return whether `one` bears strictly less risk than `other`; never where no direction is the safer one."""
    return (safer is Safer.LOWER and one < other) or (safer is Safer.HIGHER and one > other)


def may_increase_risk(safer: Safer, old: int, new: int) -> bool:
    """Return whether a change may increase risk: it does not go in the safer direction, or there is none."""
    return new != old and not safer_than(safer, new, old)
