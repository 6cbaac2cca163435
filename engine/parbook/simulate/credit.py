"""Obligors, and what is true: the fair value of the book as one who knew everything would give it.

Loans are bullets: principal and coupon at once, on the due day. An obligor fails, on the day of the shock or on one
that its hazard draws, or pays. `truth` values the book by the model's formula (docs/valuation.md) for one flow,

    EV = DF(t) S(t) face + DF(t + recovery) (1 - S(t)) (1 - LGD) owed,   S(t) = (1 - PD)^(t/365)

capped at what is owed, with the PD and LGD of the moment, not with those that reports still have; and a failed loan by
the recovery it will bring. Reports are shares of what the venue still counts (`kept`), so truth is one as well.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from parbook.pools.amounts import E12, MICRO, NANO, Rounding, share_of
from parbook.simulate.world import World

LOW, MID, HIGH = -1, 0, 1
BANDS: Final = (LOW, MID, HIGH)
_POINTS: Final = 0.1
_SPREAD: Final = 0.01
_NEVER: Final = 10**9


class Terms(NamedTuple):
    """Credit of a moment, as fractions of 1 a year."""

    pd: float
    lgd: float
    rate: float
    points: float = 0.0
    """What the band adds to the loss of what has failed already."""

    def band(self, band: int) -> Terms:
        """Return the terms of a band: PD x 1.5, LGD + 10 points, spread + 100 bp; or the same steps the other way."""
        if band == MID:
            return self
        pd = min(self.pd * 1.5, 1.0) if band == LOW else self.pd / 1.5
        lgd = min(max(self.lgd - band * _POINTS, 0.0), 1.0)
        return Terms(pd, lgd, max(self.rate - band * _SPREAD, 0.0), -band * _POINTS)


class Obligor(msgspec.Struct, kw_only=True):
    """A loan and who owes it. `fails_day`: when its obligor can pay no more, known to nobody before."""

    number: int
    principal_micro: int
    due_day: int
    coupon_micro: int
    fails_day: int = _NEVER
    lgd: float = 0.0
    """What is lost where it fails."""
    booked: bool = False
    """Whether the servicer has reported that it failed."""
    closed: bool = False

    @property
    def asset_id(self) -> str:
        """Its name in the pool."""
        return f"L{self.number}"

    @property
    def fails(self) -> bool:
        """Whether it ever does."""
        return self.fails_day < _NEVER

    @property
    def recovery_micro(self) -> int:
        """What will come of it after it failed."""
        return int(self.principal_micro * (1 - self.lgd))


class Credit:
    """All obligors of a world. The same seed gives the same fates, whoever leaves the pool."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        draw = random.Random(f"{seed}:credit")
        lent = share_of(world.size_micro, world.lent_e12, Rounding.FLOOR) // MICRO * MICRO
        weights = [draw.uniform(0.5, 1.5) for _ in range(world.loans)]
        total = sum(weights)
        self.obligors: list[Obligor] = []
        for number, weight in enumerate(weights):
            principal = max(int(lent * weight / total) // MICRO, 1) * MICRO
            due = draw.randint(world.due_days_min, world.due_days_max)
            coupon = principal * world.coupon_e12 * due // (365 * E12)
            one = Obligor(number=number, principal_micro=principal, due_day=due, coupon_micro=coupon)
            one.fails_day = self._fate(one, draw.random(), draw.random(), draw.random())
            one.lgd = self.terms(one.fails_day).lgd
            self.obligors.append(one)

    def terms(self, day: float) -> Terms:
        """Return the credit of a day, before or after the shock."""
        world = self.world
        pd, lgd = world.pd_e12 / E12, world.lgd_e12 / E12
        if day >= world.shock_day:
            pd, lgd = min(pd * (world.pd_times_e12 / E12), 1.0), min(lgd + world.lgd_plus_e12 / E12, 1.0)
        return Terms(pd, lgd, world.discount_e12 / E12)

    def _fate(self, one: Obligor, shock: float, before: float, after: float) -> int:
        """Return the day on which an obligor fails: one that its hazard draws, that of the shock, or never.

        The hazard is that of S(t), so that who has lived until a day has the chance of the formula from there on.
        """
        world = self.world
        calm = min(one.due_day, world.shock_day)
        failed = _days_lived(before, self.terms(0).pd)
        if failed <= calm:
            return failed
        if one.due_day <= world.shock_day:
            return _NEVER
        if shock < world.failing_e12 / E12:
            return world.shock_day
        failed = world.shock_day + _days_lived(after, self.terms(world.shock_day).pd)
        return failed if failed <= one.due_day else _NEVER

    def open(self) -> Iterable[Obligor]:
        """Return the loans that are not closed."""
        return (one for one in self.obligors if not one.closed)

    def share(self, day: float, kept_micro: int, band: int = MID, known_day: float | None = None) -> int:
        """Return the fair value of a band as a share of what the venue counts, in 1e-9, as of what was known on a day.

        `known_day` (default: the day itself) is when the valuer stopped learning: later failures and the shock are
        not in it. O(open loans).
        """
        if not kept_micro:
            return NANO
        known = day if known_day is None else min(known_day, day)
        terms, after = self.terms(known).band(band), self.world.recovery_days
        value = sum(value_of(one, day, terms, after, known) for one in self.obligors if not one.closed)
        return min(int(value * NANO / kept_micro), NANO)

    def shares(self, day: float, kept_micro: int, known_day: float | None = None) -> tuple[int, int, int]:
        """Return low, mid and high."""
        low, mid, high = (self.share(day, kept_micro, band, known_day) for band in BANDS)
        return min(low, mid), mid, max(mid, high)


def _days_lived(drawn: float, pd: float) -> int:
    """Return the day in which (1 - pd) ** (t / 365) falls to what was drawn in [0, 1): 1 is the first."""
    if drawn <= 0 or pd <= 0:
        return _NEVER if pd <= 0 else 1
    if pd >= 1:
        return 1
    return min(max(math.ceil(365 * math.log(drawn) / math.log(1 - pd)), 1), _NEVER)


def value_of(one: Obligor, day: float, terms: Terms, recovery_days: int, known_day: float | None = None) -> float:
    """Return the fair value of one loan, in micro: what it is expected to bring, at most what is owed."""
    known = day if known_day is None else known_day
    if one.fails_day <= known:
        share = 1 - min(max(one.lgd + terms.points, 0.0), 1.0)
        left = max(one.fails_day + recovery_days - day, 0.0)
        return one.principal_micro * share * math.exp(-terms.rate * left / 365)
    left = max(one.due_day - day, 0.0)
    alive: float = (1 - terms.pd) ** (left / 365)
    pays = math.exp(-terms.rate * left / 365) * alive * (one.principal_micro + one.coupon_micro)
    fails = math.exp(-terms.rate * (left + recovery_days) / 365) * (1 - alive) * (1 - terms.lgd) * one.principal_micro
    return min(pays + fails, float(one.principal_micro))
