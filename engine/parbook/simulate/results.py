"""What a run showed: one seed's outcome, many seeds' quantiles, as Structs that become JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from parbook.pools.amounts import MICRO, NANO
from parbook.simulate.bound import Exit, Tier
from parbook.simulate.cases import Case
from parbook.simulate.world import World

QUANTILES: Final = (0.0, 0.05, 0.5, 0.95, 1.0)
_DIGITS: Final = 1e-9
"""The last digits of a double."""


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A day's end. Prices a unit of the senior, nano; amounts micro; `feed`: its state's name."""

    day: int
    feed: str
    low_nano: int
    mid_nano: int
    true_nano: int
    bid_nano: int
    cash_micro: int
    reserve_micro: int
    owed_micro: int
    supply_micro: int
    waiting_micro: int
    """Units in the queue."""
    held_micro: int
    """Units that the curve holds."""
    out_micro: tuple[int, int, int]
    """Units out so far, by tier."""


class TierResult(msgspec.Struct, frozen=True, kw_only=True):
    """One way out: how much left by it, for what, how long it took, and what it brought beyond the true value.

    None: nobody left by it (of `gain_ppm_most`: nobody with a whole unit).
    """

    tier: str
    units_micro: int
    paid_micro: int
    days_mean: float | None
    days_most: float | None
    gain_ppm_mean: float | None
    gain_ppm_most: float | None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one seed showed. Prices and losses a unit of the senior, in 1e-9 of money."""

    seed: int
    leaving_micro: int
    out_micro: int
    out_day: float
    """When the last leaver was out; -1: not within the horizon."""
    tiers: tuple[TierResult, ...]
    shock_nano: int
    """True value of a unit once the shock is known to one who knows all, before anybody has left at a wrong price."""
    lost_nano: float
    """What exits took from a unit that stays, exactly (1)."""
    lost_queue_nano: float
    """Of that, in the queue."""
    allowed_nano: float
    """The sum of the right-hand sides of (1)."""
    formula_nano: float | None
    """The right-hand side of (2); None: nobody stayed."""
    gained_nano: float
    """What leavers left to a unit that stays."""
    end_nano: int
    """True value of a unit at the end of the play."""
    end_alone_nano: int
    """The same in the same world without a run; -1: not played."""
    epoch_spread_micro: int
    """Most by which receipts of one epoch differ from units times its price."""
    early_ppm: float | None
    """What the first quarter of exits (in units) brought beyond the true value; None: nobody left."""
    late_ppm: float | None
    """The same of the last quarter."""
    reserve_loss_micro: int
    """What the reserve paid beyond the true value of what it bought."""
    failures: int
    feed_down_hours: float
    """How long the desk was shut because the feed could not be trusted."""
    commands: int
    digest: str

    @property
    def within_bounds(self) -> bool:
        """Whether those who stay lost no more than (1) and (2), but for the last digits of a double."""
        bounds = [most for most in (self.allowed_nano, self.formula_nano) if most is not None]
        return all(self.lost_nano <= most * (1 + _DIGITS) for most in bounds)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A run with all that is drawn of it."""

    world: World
    outcome: Outcome
    points: tuple[Point, ...]
    exits: tuple[Exit, ...]

    def to_json(self) -> str:
        """Return the world and the outcome as JSON."""
        return msgspec.json.encode({"world": self.world, "outcome": self.outcome}).decode()


class Quantiles(msgspec.Struct, frozen=True, kw_only=True):
    """A figure over many seeds: least, 5 %, middle, 95 %, most; None each where no seed has it."""

    name: str
    unit: str
    values: tuple[float | None, ...]


def all_held(runs: Iterable[tuple[Outcome, Iterable[Outcome]]], cases: Iterable[Case]) -> bool:
    """Whether every outcome is within its bounds, one seed's and those of many, and every failure as described."""
    outcomes = (each for one, many in runs for each in (one, *many))
    return all(each.within_bounds for each in outcomes) and all(case.held for case in cases)


def tier_results(exits: Sequence[Exit]) -> tuple[TierResult, ...]:
    """Return what each way out gave, weighted by units."""
    return tuple(_tier(tier, [one for one in exits if one.tier is tier]) for tier in Tier)


def _tier(tier: Tier, exits: Sequence[Exit]) -> TierResult:
    units = sum(one.units_micro for one in exits)
    waits = [(one.day - one.mind_day, one.units_micro) for one in exits]
    return TierResult(
        tier=tier.name.lower(),
        units_micro=units,
        paid_micro=sum(one.paid_micro for one in exits),
        days_mean=sum(wait * amount for wait, amount in waits) / units if units else None,
        days_most=max((wait for wait, _ in waits), default=None),
        gain_ppm_mean=sum(one.gain_ppm * one.units_micro for one in exits) / units if units else None,
        gain_ppm_most=max((one.gain_ppm for one in exits if one.units_micro >= MICRO), default=None),
    )


def edge_ppm(exits: Sequence[Exit], *, first: bool) -> float | None:
    """Return what the first (or last) quarter of the units that left brought beyond the true value, in ppm of it.

    None where none left.
    """
    ordered = sorted(exits, key=lambda one: (one.ts_ns, one.account), reverse=not first)
    room = left = sum(one.units_micro for one in exits) / 4
    gain = 0.0
    for one in ordered:
        units = min(float(one.units_micro), left)
        gain += one.gain_ppm * units
        left -= units
        if left <= 0:
            break
    return gain / room if room else None


def quantile(values: Sequence[float], share: float) -> float | None:
    """Return the value below which a share lies, between neighbours in proportion; None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def in_ppm(one: Outcome, name: str) -> float | None:
    """Return a loss or a bound in ppm of the true value of a unit at the shock; None where there is none."""
    nano = getattr(one, name)
    return None if nano is None else float(nano * 1e6 / max(one.shock_nano, 1))


def table(outcomes: Sequence[Outcome]) -> list[Quantiles]:
    """Return the figures over many seeds. Losses in ppm of the true value of a unit at the shock.

    A figure is of the seeds that have it: of exits where there were any, of the last one out where all are out.
    """

    def over(values: Iterable[float | None]) -> tuple[float | None, ...]:
        there = [value for value in values if value is not None]
        return tuple(quantile(there, share) for share in QUANTILES)

    def ppm(name: str) -> tuple[float | None, ...]:
        return over(in_ppm(one, name) for one in outcomes)

    rows: list[tuple[str, str, tuple[float | None, ...]]] = [
        ("true value of a unit at the shock", "1", over(one.shock_nano / NANO for one in outcomes)),
        ("lost to leavers, a unit that stays", "ppm", ppm("lost_nano")),
        ("of that, in the queue", "ppm", ppm("lost_queue_nano")),
        ("bound (1), exit by exit", "ppm", ppm("allowed_nano")),
        ("bound (2), the formula", "ppm", ppm("formula_nano")),
        ("left by leavers, a unit that stays", "ppm", ppm("gained_nano")),
        ("units out", "%", over(_percent(one.out_micro, one.leaving_micro) for one in outcomes)),
        ("last leaver out", "days", over(one.out_day for one in outcomes if one.out_day >= 0)),
        ("first quarter of exits, beyond true value", "ppm", over(one.early_ppm for one in outcomes)),
        ("last quarter of exits, beyond true value", "ppm", over(one.late_ppm for one in outcomes)),
        ("one epoch's receipts off its price", "micro", over(float(one.epoch_spread_micro) for one in outcomes)),
        ("loss of the reserve", "money", over(one.reserve_loss_micro / MICRO for one in outcomes)),
    ]
    paired = [one for one in outcomes if one.end_alone_nano >= 0]
    if paired:
        rows.append(
            ("end value against no run", "ppm", over((a.end_nano / a.end_alone_nano - 1) * 1e6 for a in paired))
        )
    for n, tier in enumerate(Tier):
        name, used = tier.name.lower(), [one.tiers[n] for one in outcomes]
        rows += [
            (f"{name}: days to exit, mean of units", "days", over(one.days_mean for one in used)),
            (f"{name}: beyond true value, mean of units", "ppm", over(one.gain_ppm_mean for one in used)),
            (
                f"{name}: share of units out",
                "%",
                over(_percent(one.tiers[n].units_micro, one.out_micro) for one in outcomes),
            ),
        ]
    return [Quantiles(name=name, unit=unit, values=values) for name, unit, values in rows]


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None


def plain(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return many seeds as plain data for JSON."""
    return {
        "seeds": len(outcomes),
        "quantiles": list(QUANTILES),
        "table": msgspec.to_builtins(table(outcomes)),
        "outcomes": msgspec.to_builtins(list(outcomes)),
    }
