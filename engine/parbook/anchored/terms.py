"""The settings of an anchored token. Frozen, and checked when made."""

from __future__ import annotations

from typing import Final

import msgspec

from parbook.codes import DocumentedEnum
from parbook.errors import AssetError
from parbook.pools.amounts import E12, E27, MONEY_MICRO_MAX, require_int
from parbook.units import TIME_NS_MAX

SECOND_NS: Final = 10**9
HOUR_NS: Final = 3600 * SECOND_NS
DAY_NS: Final = 24 * HOUR_NS
LEGS_MAX: Final = 32
"""Most legs of a basket."""
GRAPH_MAX: Final = 1024
"""Most assets of the backing graph."""
ASSET_MAX: Final = 2**31 - 1
"""Largest asset index."""
IN_KIND: Final = -1
"""As a cash leg: there is none, every redemption is paid in kind."""


class LegStatus(DocumentedEnum):
    """Whether a leg's price is believed."""

    SOUND = 0, "its price is fresh"
    IFFY = 1, "its price is, or was a moment ago, stale: it counts, and nothing is minted"
    DISABLED = 2, "it was IFFY for too long: it counts nothing, for good"


class TokenState(DocumentedEnum):
    """Where an anchored token stands. The worst of what is true."""

    SOUND = 0, "mints; redeems along the curve"
    IFFY = 1, "a leg is IFFY: mints nothing; redeems along the curve, in kind at most the unit's share"
    DISABLED = 2, "a weighted leg is DISABLED: mints nothing; redeems all alike, until governance makes another basket"
    HAIRCUT = 3, "the loss order is exhausted: mints nothing; redeems all alike at the backing ratio"


class CurveTerms(msgspec.Struct, frozen=True, kw_only=True):
    """The redemption curve's parameters, on a supply of 1: par up to `par_e12`, a slope of at least `slope_e12`."""

    par_e12: int = 3 * E12 // 10
    slope_e12: int = E12
    floor_e12: int = 6 * E12 // 10
    """The price below which the curve does not go while the ratio lies above it."""

    def __post_init__(self) -> None:
        """Refuse what is out of range; AssetError."""
        require_int("redemption curve", "par_e12", self.par_e12, 0, E12)
        require_int("redemption curve", "slope_e12", self.slope_e12, 1, 1000 * E12)
        require_int("redemption curve", "floor_e12", self.floor_e12, 0, E12 - 1)


class ThrottleTerms(msgspec.Struct, frozen=True, kw_only=True):
    """How much may pass in `period_ns`: the larger of an amount and a share of the supply."""

    amount_micro: int
    share_e12: int
    period_ns: int = HOUR_NS

    def __post_init__(self) -> None:
        """Refuse what is out of range; AssetError."""
        require_int("throttle", "amount_micro", self.amount_micro, 1, MONEY_MICRO_MAX)
        require_int("throttle", "share_e12", self.share_e12, 0, E12)
        require_int("throttle", "period_ns", self.period_ns, SECOND_NS, 365 * DAY_NS)


class TokenTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What an anchored token is. Assets are indices of the exchange's assets."""

    token_asset: int
    native_asset: int
    cash_leg: int = IN_KIND
    buffer_e12: int = E12 // 50
    """What the backing must exceed the supply by after a mint."""
    drift_e12: int = E12 // 20
    """How far a mint may carry a leg's share beyond its target weight."""
    mint_fee_e12: int = 0
    redeem_fee_e12: int = E12 // 1000
    curve: CurveTerms = CurveTerms()
    memory_e27: int = 999983955055097432543272791
    """What a second leaves of the redemption level: 2 ** (-1 / 43200), a half-life of 12 h."""
    issuance: ThrottleTerms = ThrottleTerms(amount_micro=10**12, share_e12=E12 // 20)
    redemption: ThrottleTerms = ThrottleTerms(amount_micro=2 * 10**12, share_e12=3 * E12 // 40)
    stale_ns: int = 26 * HOUR_NS
    default_ns: int = 5 * DAY_NS
    recover_ns: int = HOUR_NS

    def __post_init__(self) -> None:
        """Refuse what is out of range, or a redemption throttle that is not above the issuance throttle; AssetError."""
        where = "anchored token"
        require_int(where, "token_asset", self.token_asset, 0, ASSET_MAX)
        require_int(where, "native_asset", self.native_asset, 0, ASSET_MAX)
        require_int(where, "cash_leg", self.cash_leg, IN_KIND, ASSET_MAX)
        require_int(where, "buffer_e12", self.buffer_e12, 0, E12)
        require_int(where, "drift_e12", self.drift_e12, 0, E12)
        require_int(where, "mint_fee_e12", self.mint_fee_e12, 0, E12 // 10)
        require_int(where, "redeem_fee_e12", self.redeem_fee_e12, 0, E12 // 10)
        require_int(where, "memory_e27", self.memory_e27, 1, E27 - 1)
        for name in ("stale_ns", "default_ns", "recover_ns"):
            require_int(where, name, getattr(self, name), SECOND_NS, TIME_NS_MAX // 8)
        if self.token_asset == self.native_asset:
            raise AssetError(where, "token and native token are one asset", "Issue the token as an asset of its own.")
        if self.recover_ns >= self.default_ns:
            raise AssetError(
                where,
                f"recover_ns={self.recover_ns} is not below default_ns={self.default_ns}",
                "A leg must be able to recover before it is given up.",
            )
        issued, redeemed = self.issuance, self.redemption
        # Per period compared crosswise: amounts of unlike periods are no rates.
        if (
            redeemed.amount_micro * issued.period_ns <= issued.amount_micro * redeemed.period_ns
            or redeemed.share_e12 * issued.period_ns <= issued.share_e12 * redeemed.period_ns
        ):
            raise AssetError(
                where,
                "the redemption throttle is not greater than the issuance throttle",
                "Give redemption the larger amount and the larger share a period: what came in must be able to leave.",
            )


class LegTerms(msgspec.Struct, frozen=True, kw_only=True):
    """A leg to be added. `claims` tells which assets it, and what lies below it, are claims on."""

    asset: int
    haircut_e12: int
    claims: dict[int, tuple[int, ...]] = {}

    def __post_init__(self) -> None:
        """Refuse what is out of range; AssetError."""
        require_int("leg", "asset", self.asset, 0, ASSET_MAX)
        require_int("leg", "haircut_e12", self.haircut_e12, 0, E12)
        for asset in sorted(self.claims):
            for below in (asset, *self.claims[asset]):
                require_int(f"leg {self.asset}, claims", "asset", below, 0, ASSET_MAX)
