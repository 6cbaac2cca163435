"""The settings of an insurance fund. Frozen, and checked when made."""

from __future__ import annotations

from typing import Final

import msgspec

from parbook.codes import DocumentedEnum
from parbook.errors import AssetError
from parbook.pools.amounts import E12, E27, MONEY_MICRO_MAX, require_int
from parbook.units import TIME_NS_MAX

SECOND_NS: Final = 10**9
DAY_NS: Final = 86400 * SECOND_NS
STAKERS_MAX: Final = 100_000
"""Most accounts of a fund."""
DRAFTS_MAX: Final = 16
"""Most unstaking drafts of an account."""
ERAS_MAX: Final = 1000
"""Most eras of a fund: after the last it takes no stake."""
PRICE_NANO_MAX: Final = 2**63 - 1


class FundState(DocumentedEnum):
    """Where a fund stands."""

    ACTIVE = 0, "stake enters, drafts leave when they are due"
    SLASHING = 1, "a loss is being assessed: stake neither enters nor leaves; ends by itself"
    DEPLETED = 2, "neither cash nor stake is left"


class FundTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What a fund promises. The stake is native tokens; cash is the money that losses are counted in."""

    unstake_ns: int = 14 * DAY_NS
    alarm_ns: int = 5 * DAY_NS
    """How long a loss may be assessed before stake may leave again."""
    rest_ns: int = DAY_NS
    """How long after an alarm no other may begin, so that nobody is held by alarms without end."""
    haircut_e12: int = E12 // 2
    """What of the stake's value does not count: its price falls when it is sold."""
    premium_e12: int = E12 // 100
    """Yearly, of what is covered."""
    stakers_e12: int = E12 // 2
    """Share of the premium that goes to stakers; the rest is the fund's cash."""
    payout_e27: int = 1146076687500 * 10**9
    """Share of the unpaid premium that a second pays out, at full emission: half of it in a week."""
    target_micro: int = 10**12
    """Stake, in native tokens, at which emission is full."""
    auction_ns: int = 1800 * SECOND_NS
    slippage_e12: int = E12 // 100
    """By how much an auction's last price lies below the low price it was begun at."""

    def __post_init__(self) -> None:
        """Refuse what is out of range; AssetError."""
        where = "insurance fund"
        for name in ("unstake_ns", "alarm_ns", "rest_ns", "auction_ns"):
            require_int(where, name, getattr(self, name), SECOND_NS, TIME_NS_MAX // 8)
        require_int(where, "haircut_e12", self.haircut_e12, 0, E12 - 1)
        require_int(where, "premium_e12", self.premium_e12, 0, E12)
        require_int(where, "stakers_e12", self.stakers_e12, 0, E12)
        require_int(where, "payout_e27", self.payout_e27, 0, E27 - 1)
        require_int(where, "target_micro", self.target_micro, 1, MONEY_MICRO_MAX)
        require_int(where, "slippage_e12", self.slippage_e12, 0, E12 - 1)
        if self.alarm_ns > self.unstake_ns:
            raise AssetError(
                where,
                f"alarm_ns={self.alarm_ns} exceeds unstake_ns={self.unstake_ns}",
                "Assess a loss within the time that stake needs to leave.",
            )
