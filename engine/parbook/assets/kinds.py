"""The kinds of assets, and how each becomes one of two positions that the kernel knows.

A `Monthly` position pays once a month and carries a balance that amortises, falls due at the end, or is no loan at
all; a `Dated` one lists its flows by day. The functions below build them from what a contract says.

| kind | position | how |
|---|---|---|
| amortising loan | Monthly | level payments or equal principal |
| bullet loan | Monthly | interest monthly, principal at the end |
| revolving line | Monthly | the drawn part a bullet; the fee on the undrawn part an income |
| lease, income right | Monthly | rent x occupancy an income; no balance; a perpetual one has a reversion |
| real estate | Monthly | rent x occupancy an income; the reversion a bullet without interest |
| invoice | Dated | one flow, face less dilution; with recourse both must default |
| power | Dated | MWh x (F - K), each with its probability of delivery |
| carbon | Dated | tonnes x price, likewise |
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Final

import msgspec

from parbook.assets.curve import DAYS_MAX, RATE_E12_MAX
from parbook.assets.schedule import PERIODS_MAX
from parbook.errors import AssetError
from parbook.pools.amounts import ASSET_MICRO_MAX, E12, Rounding, divide, require_int, share_of

QUANTITY_E6_MAX: Final = 2**53
"""Most MWh or tonnes of one flow, in millionths."""


class AssetKind(IntEnum):
    """What an asset is; reports and limits speak of it, the kernel does not know it."""

    AMORTISING = 1
    BULLET = 2
    INVOICE = 3
    REVOLVING = 4
    LEASE = 5
    REAL_ESTATE = 6
    POWER = 7
    CARBON = 8


class Repayment(IntEnum):
    """How the balance of a Monthly position is repaid."""

    LEVEL = 0
    """Equal payments of interest and principal; whatever is left is due with the last."""
    LINEAR = 1
    """Equal principal."""
    BULLET = 2
    """All of it at the end."""


class Monthly(msgspec.Struct, frozen=True, kw_only=True):
    """A balance that earns `rate_e12` / 12 a month and is repaid over `months`, beside an income.

    `payment_micro` 0 means the level payment that repays exactly; another makes the last one a balloon.
    `income_micro` comes each month of the first year, `growth_e12` more in each later year. Both are doubles of
    micro: a model's expectation, not money that changes hands.
    """

    repayment: Repayment
    balance_micro: int
    months: int
    rate_e12: int = 0
    payment_micro: int = 0
    income_micro: float = 0.0
    growth_e12: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be; AssetError."""
        require_int("asset", "balance_micro", self.balance_micro, 0, ASSET_MICRO_MAX)
        require_int("asset", "months", self.months, 1, PERIODS_MAX)
        require_int("asset", "rate_e12", self.rate_e12, 0, RATE_E12_MAX)
        require_int("asset", "growth_e12", self.growth_e12, -E12, RATE_E12_MAX)
        require_int("asset", "payment_micro", self.payment_micro, 0, ASSET_MICRO_MAX)
        if not 0 <= self.income_micro <= ASSET_MICRO_MAX:
            raise AssetError("asset", f"income_micro={self.income_micro} is outside 0..2**53", "Check its unit.")
        if self.payment_micro:
            self._check_payment()

    def _check_payment(self) -> None:
        if self.repayment is not Repayment.LEVEL:
            raise AssetError("asset", "only level repayment has a payment", "Leave the payment out.")
        if self.payment_micro * 12 * E12 < self.balance_micro * self.rate_e12:
            raise AssetError(
                "asset",
                f"payment_micro={self.payment_micro} does not cover the first month's interest",
                "Check payment and rate; a balance that grows is not valued.",
            )
        if self.months > 1 and self.balloon_micro < -self.payment_micro:
            raise AssetError(
                "asset",
                f"payment_micro={self.payment_micro} repays {self.balance_micro} before {self.months} months",
                "Check payment and months; or leave the payment out.",
            )

    @property
    def balloon_micro(self) -> float:
        """What is due with the last level payment beside it; negative when that one is smaller than the others."""
        if not self.payment_micro:
            return 0.0
        rate = self.rate_e12 / (12 * E12)
        if rate == 0:
            return float(self.balance_micro - self.payment_micro * self.months)
        # B (1+r)^n - payment ((1+r)^n - 1) / r, without the difference of two large numbers where it is small.
        grown = math.expm1(self.months * math.log1p(rate))
        return self.balance_micro - grown * (self.payment_micro / rate - self.balance_micro)


class Flow(msgspec.Struct, frozen=True):
    """A dated flow: interest and principal due `day` days from the valuation, in doubles of micro.

    `probability_e12` is that of delivery; `recovery_day` -1 means `day` plus the lag of the terms.
    """

    day: int
    interest_micro: float
    principal_micro: float
    probability_e12: int = E12
    recovery_day: int = -1


class Dated(msgspec.Struct, frozen=True, kw_only=True):
    """Flows by day. What may default is `balance_micro` less the principal already due; 0 for mere deliveries."""

    flows: tuple[Flow, ...]
    balance_micro: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be; AssetError."""
        require_int("asset", "balance_micro", self.balance_micro, 0, ASSET_MICRO_MAX)
        if not self.flows:
            raise AssetError("asset", "it has no flow", "Give at least one.")
        last = 0
        for n, flow in enumerate(self.flows):
            where = f"asset, flow {n + 1}"
            require_int(where, "day", flow.day, last, DAYS_MAX)
            require_int(where, "probability_e12", flow.probability_e12, 0, E12)
            require_int(where, "recovery_day", flow.recovery_day, -1, DAYS_MAX)
            for name in ("interest_micro", "principal_micro"):
                # Not >= would let a NaN pass.
                if not -ASSET_MICRO_MAX <= getattr(flow, name) <= ASSET_MICRO_MAX:
                    raise AssetError(where, f"{name}={getattr(flow, name)} is out of range", "Check its unit.")
            last = flow.day


Position = Monthly | Dated


# --- from contracts ---------------------------------------------------------------------------------


def amortising(
    balance_micro: int, rate_e12: int, months: int, *, payment_micro: int = 0, linear: bool = False
) -> Monthly:
    """Return a loan repaid in level payments, or with `linear` in equal principal."""
    repayment = Repayment.LINEAR if linear else Repayment.LEVEL
    return Monthly(
        repayment=repayment,
        balance_micro=balance_micro,
        rate_e12=rate_e12,
        months=months,
        payment_micro=payment_micro,
    )


def bullet(balance_micro: int, rate_e12: int, months: int) -> Monthly:
    """Return a loan that pays interest monthly and its principal at the end."""
    return Monthly(repayment=Repayment.BULLET, balance_micro=balance_micro, rate_e12=rate_e12, months=months)


def revolving(drawn_micro: int, undrawn_micro: int, rate_e12: int, fee_e12: int, months: int) -> Monthly:
    """Return a line: the drawn part a bullet, the yearly fee on the undrawn part an income while the line lives."""
    require_int("asset", "undrawn_micro", undrawn_micro, 0, ASSET_MICRO_MAX)
    require_int("asset", "fee_e12", fee_e12, 0, E12)
    income = undrawn_micro * (fee_e12 / E12) / 12
    return msgspec.structs.replace(bullet(drawn_micro, rate_e12, months), income_micro=income)


def lease(
    rent_micro: int, occupancy_e12: int, months: int, *, growth_e12: int = 0, reversion_micro: int = 0
) -> Monthly:
    """Return an income of rent x occupancy for some months, then `reversion_micro`.

    Real estate is the same with its expected price as the reversion; the tenant's default then costs LGD of it.
    """
    require_int("asset", "rent_micro", rent_micro, 0, ASSET_MICRO_MAX)
    require_int("asset", "occupancy_e12", occupancy_e12, 0, E12)
    return Monthly(
        repayment=Repayment.BULLET,
        balance_micro=reversion_micro,
        months=months,
        income_micro=rent_micro * (occupancy_e12 / E12),
        growth_e12=growth_e12,
    )


def perpetuity_micro(yearly_micro: int, rate_e12: int, growth_e12: int = 0) -> int:
    """Return C / (r - g), rounded down: what an income of C next year, growing by g, is worth at the rate r."""
    require_int("perpetuity", "yearly_micro", yearly_micro, 0, ASSET_MICRO_MAX)
    require_int("perpetuity", "rate_e12", rate_e12, 1, RATE_E12_MAX)
    require_int("perpetuity", "growth_e12", growth_e12, -E12, RATE_E12_MAX)
    if rate_e12 <= growth_e12:
        raise AssetError(
            "perpetuity", f"the rate {rate_e12} is not above the growth {growth_e12}", "Such an income has no value."
        )
    return divide(yearly_micro * E12, rate_e12 - growth_e12, Rounding.FLOOR)


def invoice(face_micro: int, dilution_e12: int, due_day: int) -> Dated:
    """Return an invoice due in `due_day` days: its face less dilution (credit notes, rebates), rounded down.

    One that fell due earlier is valued as due today: its days past due cap it.
    """
    require_int("asset", "face_micro", face_micro, 0, ASSET_MICRO_MAX)
    require_int("asset", "dilution_e12", dilution_e12, 0, E12)
    net = share_of(face_micro, E12 - dilution_e12, Rounding.FLOOR)
    return Dated(flows=(Flow(max(due_day, 0), 0.0, float(net)),), balance_micro=net)


def deliveries(rows: list[tuple[int, int, int, int, int]]) -> Dated:
    """Return power or carbon: rows of (day, quantity_e6, price_micro, strike_micro, probability_e12).

    Each pays quantity x (price - strike) if delivered. An obligation to deliver below cost is worth less than nothing.
    """
    flows = []
    for n, (day, quantity_e6, price_micro, strike_micro, probability_e12) in enumerate(rows):
        where = f"delivery {n + 1}"
        require_int(where, "quantity_e6", quantity_e6, 0, QUANTITY_E6_MAX)
        require_int(where, "price_micro", price_micro, -ASSET_MICRO_MAX, ASSET_MICRO_MAX)
        require_int(where, "strike_micro", strike_micro, -ASSET_MICRO_MAX, ASSET_MICRO_MAX)
        # int / int is correctly rounded, however large the product.
        flows.append(Flow(day, quantity_e6 * (price_micro - strike_micro) / 10**6, 0.0, probability_e12))
    return Dated(flows=tuple(flows))
