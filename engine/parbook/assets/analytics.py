"""Yield measures of dated flows, compounded once a year on Act/365F: present value, durations, convexity, IRR."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from parbook.errors import AssetError

CashFlows = Sequence[tuple[float, float]]
"""(years, amount)."""
_BASIS_POINT: Final = 1e-4


class YieldMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """What a yield says about some flows. `basis_point_value` is the change of value for one basis point more."""

    value: float
    macaulay: float
    modified: float
    convexity: float
    basis_point_value: float


def present_value(flows: CashFlows, rate: float) -> float:
    """Return sum of amount x (1 + rate)^-years."""
    return math.fsum(amount * (1 + rate) ** -years for years, amount in flows)


def yield_measures(flows: CashFlows, rate: float) -> YieldMeasures:
    """Return value, durations and convexity at a yield above -100 %. AssetError when the value is 0."""
    value = present_value(flows, rate)
    if value == 0:
        raise AssetError("yield", "the flows are worth 0", "A duration needs a value to divide by.")
    first = math.fsum(years * amount * (1 + rate) ** -years for years, amount in flows)
    second = math.fsum(years * (years + 1) * amount * (1 + rate) ** -(years + 2) for years, amount in flows)
    modified = first / (1 + rate) / value
    convexity = second / value
    change = -modified * _BASIS_POINT + convexity * _BASIS_POINT**2 / 2
    return YieldMeasures(
        value=value,
        macaulay=first / value,
        modified=modified,
        convexity=convexity,
        basis_point_value=change * value,
    )


def internal_rate(flows: CashFlows, price: float, *, low: float = -0.99, high: float = 100.0) -> float:
    """Return the yield at which the flows are worth `price`, by bisection to the last bit. AssetError without one."""
    at_low, at_high = (present_value(flows, rate) - price for rate in (low, high))
    if not at_low * at_high <= 0:
        raise AssetError(
            "yield", f"no rate in {low}..{high} makes the flows worth {price}", "Check price, amounts and their signs."
        )
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if (present_value(flows, middle) - price) * at_low > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
