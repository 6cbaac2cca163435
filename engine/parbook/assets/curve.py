"""The term structure of discount rates: DF(t) = exp(-(z(t) + spread) t), t in years, z continuously compounded.

Between its points a curve interpolates z itself (`linear`) or z t, that is, the logarithm of the discount factor
(`loglinear`); beyond the last point z stays what it was there. Time is days / 365 for dated flows and months / 12 for
monthly ones.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from datetime import date
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from parbook.assets.schedule import days_from
from parbook.errors import AssetError
from parbook.pools.amounts import E12, require_int

RATE_E12_MAX: Final = 10 * E12
"""No rate of a curve is above 1000 % or below -100 %."""
DAYS_MAX: Final = 100 * 366
"""No flow lies further away."""

Interpolation = Literal["linear", "loglinear"]


class ZeroCurve(msgspec.Struct, frozen=True, kw_only=True):
    """Zero rates `zero_e12` at `days` from the day of valuation, which is `as_of` when the dates matter."""

    days: tuple[int, ...]
    zero_e12: tuple[int, ...]
    interpolation: Interpolation = "linear"
    as_of: date | None = None

    def __post_init__(self) -> None:
        """Refuse what is no curve; AssetError."""
        if not self.days or len(self.days) != len(self.zero_e12):
            raise AssetError(
                "curve", f"{len(self.days)} days and {len(self.zero_e12)} rates", "Give one rate a day, at least one."
            )
        for n, (day, rate) in enumerate(zip(self.days, self.zero_e12, strict=True)):
            require_int(f"curve, point {n + 1}", "days", day, 0, DAYS_MAX)
            require_int(f"curve, point {n + 1}", "zero_e12", rate, -E12, RATE_E12_MAX)
            if n and day <= self.days[n - 1]:
                raise AssetError(
                    f"curve, point {n + 1}", f"day {day} does not follow day {self.days[n - 1]}", "Sort the points."
                )

    def zero(self, years: float) -> float:
        """Return z(years)."""
        if years < 0:
            raise AssetError("curve", f"a discount factor is asked for {years} years", "Value from an earlier day.")
        times = [day / 365 for day in self.days]
        at = bisect_right(times, years)
        if at == 0 or at == len(times):
            return self.zero_e12[max(at - 1, 0)] / E12
        left, right = times[at - 1], times[at]
        weight = (years - left) / (right - left)
        z_left, z_right = self.zero_e12[at - 1] / E12, self.zero_e12[at] / E12
        if self.interpolation == "linear":
            return z_left + weight * (z_right - z_left)
        return (z_left * left + weight * (z_right * right - z_left * left)) / years

    def discount(self, years: float, spread: float = 0.0) -> float:
        """Return DF(years) with a spread, both continuously compounded."""
        return math.exp(-(self.zero(years) + spread) * years)

    def moved(self, move_e12: int) -> ZeroCurve:
        """Return the curve with every rate moved by as much."""
        return msgspec.structs.replace(self, zero_e12=tuple(rate + move_e12 for rate in self.zero_e12))

    def monthly(self, months: int) -> NDArray[np.float64]:
        """Return DF(k / 12) for k = 0..months, without spread."""
        return np.array([self.discount(k / 12) for k in range(months + 1)])

    def daily(self, days: int) -> NDArray[np.float64]:
        """Return DF(d / 365) for d = 0..days, without spread."""
        return np.array([self.discount(d / 365) for d in range(days + 1)])


def flat_annual(rate_e12: int, as_of: date | None = None) -> ZeroCurve:
    """Return the flat curve of a rate that is compounded once a year; its continuous rate is rounded to 1e-12."""
    require_int("curve", "rate_e12", rate_e12, 1 - E12, RATE_E12_MAX)
    return ZeroCurve(days=(0,), zero_e12=(round(math.log1p(rate_e12 / E12) * E12),), as_of=as_of)


def flat_bond_equivalent(rate_e12: int, as_of: date | None = None) -> ZeroCurve:
    """Return the flat curve of a rate compounded twice a year, as US Treasury yields are quoted."""
    require_int("curve", "rate_e12", rate_e12, 1 - 2 * E12, RATE_E12_MAX)
    return ZeroCurve(days=(0,), zero_e12=(round(2 * math.log1p(rate_e12 / (2 * E12)) * E12),), as_of=as_of)


def from_discounts(as_of: date, dates: Sequence[date], discounts: Sequence[float]) -> ZeroCurve:
    """Return the log-linear curve through discount factors at `dates`; one of 1 at `as_of` itself may be among them."""
    points = [(days_from(as_of, day), factor) for day, factor in zip(dates, discounts, strict=True)]
    for day, factor in points:
        if not factor > 0 or day < 0:
            raise AssetError("curve", f"discount factor {factor} at day {day}", "Give positive factors of later days.")
    rates = [(day, round(-math.log(factor) / day * 365 * E12)) for day, factor in points if day]
    return ZeroCurve(
        days=tuple(day for day, _ in rates),
        zero_e12=tuple(rate for _, rate in rates),
        interpolation="loglinear",
        as_of=as_of,
    )
