"""Figures of a simulation: prices, cash, who left where, leavers against stayers; many seeds; failures of others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from parbook.pools.amounts import MICRO, NANO
from parbook.report.figures import Figure
from parbook.simulate.bound import Tier
from parbook.simulate.cases import Case
from parbook.simulate.results import Outcome, Result, in_ppm

STEPS_MAX: Final = 2000
"""Most points of a line."""
_DASHES: Final = ("solid", "dash", "dot", "dashdot")


def run_figures(result: Result, name: str) -> list[Figure]:
    """Return the figures of one run. O(days + exits)."""
    return [prices(result, name), cash(result, name), ways(result, name), leavers(result, name)]


def prices(result: Result, name: str) -> Figure:
    """What a unit was truly worth, what was quoted and what was bid."""
    days = [point.day for point in result.points]
    rows = (
        ("true value", "owed", [point.true_nano for point in result.points]),
        ("low, quoted", "low", [point.low_nano for point in result.points]),
        ("middle, quoted", "mid", [point.mid_nano for point in result.points]),
        ("best bid", "high", [point.bid_nano for point in result.points]),
    )
    data = [
        _line(title, role, days, [nano / NANO or None for nano in nanos], dash)
        for (title, role, nanos), dash in zip(rows, _DASHES, strict=True)
    ]
    shut = sum(point.feed not in ("OK", "CAPPED") for point in result.points)
    return Figure(
        name=f"{name}-prices",
        title=f"{name}: value, quotes and bid",
        description=f"True value of a senior unit (solid), its low and middle price as quoted, and the best bid of "
        f"book and curve, at each day's end. On {shut} of {len(days)} days the feed was not trusted; gaps: no price.",
        data=data,
        layout=_layout("day", "price of a unit"),
    )


def cash(result: Result, name: str) -> Figure:
    """Money of the pool and of the reserve, and what the queue waits for."""
    days = [point.day for point in result.points]
    data = [
        _line("cash of the pool", "high", days, [point.cash_micro / MICRO for point in result.points], "solid"),
        _line("reserve of the treasury", "mid", days, [point.reserve_micro / MICRO for point in result.points], "dash"),
        _line(
            "units waiting, at their true value",
            "low",
            days,
            [point.waiting_micro * point.true_nano / NANO / MICRO for point in result.points],
            "dot",
        ),
    ]
    most = max((point.waiting_micro for point in result.points), default=0)
    return Figure(
        name=f"{name}-cash",
        title=f"{name}: cash, reserve, queue",
        description=f"Cash of the pool, reserve behind the curve, and what waits in the queue, of which there were at "
        f"most {most / MICRO:,.0f} units.",
        data=data,
        layout=_layout("day", "money"),
    )


def ways(result: Result, name: str) -> Figure:
    """Units out by way, added up."""
    days = [point.day for point in result.points]
    data = []
    for tier, role, dash in zip(Tier, ("bid", "prepaid", "low"), _DASHES, strict=False):
        data.append(
            _line(tier.name.lower(), role, days, [point.out_micro[tier] / MICRO for point in result.points], dash)
        )
    said = ", ".join(
        f"{one.tier} {one.units_micro / MICRO:,.0f} ({one.days_mean:.1f} days on average, {one.days_most:.1f} at most)"
        if one.days_mean is not None
        else f"{one.tier} 0"
        for one in result.outcome.tiers
    )
    return Figure(
        name=f"{name}-ways",
        title=f"{name}: who left where",
        description=f"Units that left by each way, added up over time: {said}.",
        data=data,
        layout=_layout("day", "units"),
    )


def leavers(result: Result, name: str) -> Figure:
    """What each leaver got against the true value, in the order of exit, and what exits did to those who stay."""
    # Of less than a unit a payout rounded down says nothing.
    whole = [one for one in result.exits if one.units_micro >= MICRO]
    exits = sorted(whole, key=lambda one: (one.ts_ns, one.account))
    total = sum(one.units_micro for one in exits) or 1
    data, done = [], 0
    points: dict[Tier, list[tuple[float, float | None]]] = {tier: [] for tier in Tier}
    for one in exits[:STEPS_MAX]:
        start = done
        done += one.units_micro
        for at in (start, done):
            points[one.tier].append((100 * at / total, one.gain_ppm / 10_000))
        points[one.tier].append((100 * done / total, None))
    for tier, role, dash in zip(Tier, ("bid", "prepaid", "low"), _DASHES, strict=False):
        line = points[tier]
        data.append(_line(tier.name.lower(), role, [x for x, _ in line], [y for _, y in line], dash))
    stayers = (result.outcome.gained_nano - result.outcome.lost_nano) * 100 / max(result.outcome.shock_nano, 1)
    data.append(_line("a unit that stayed", "owed", [0, 100], [stayers, stayers], "dashdot"))
    return Figure(
        name=f"{name}-leavers",
        title=f"{name}: leavers against the true value, in the order of exit",
        description=f"What each exit brought beyond the true value at its time, in percent of it, the first to leave "
        f"on the left; above 0 somebody gained. All exits together changed the value of a unit that stayed by "
        f"{stayers:+.3f} % (line across).",
        data=data,
        layout=_layout("percent of the units that left", "percent beyond true value"),
    )


def seeds_figure(outcomes: Sequence[Outcome], name: str) -> Figure:
    """Loss of a unit that stays, and its bounds, over all seeds from the least to the most."""
    data = []
    for title, field, role, dash in (
        ("lost to leavers", "lost_nano", "low", "solid"),
        ("bound by the formula", "formula_nano", "owed", "dash"),
        ("left by leavers", "gained_nano", "high", "dot"),
    ):
        values = sorted(value for one in outcomes if (value := in_ppm(one, field)) is not None)
        step = max(len(values) // STEPS_MAX, 1)
        picked = values[::step]
        data.append(
            _line(title, role, [100 * n / max(len(picked) - 1, 1) for n in range(len(picked))], list(picked), dash)
        )
    worst = max((one.lost_nano * 1e6 / max(one.shock_nano, 1) for one in outcomes), default=0.0)
    return Figure(
        name=f"{name}-seeds",
        title=f"{name}: those who stay, over {len(outcomes):,} seeds",
        description=f"Each line is sorted by itself: what leavers took from a unit that stays (at most {worst:,.0f} "
        "ppm of its value), what the formula allows, and what leavers left to it.",
        data=data,
        layout=_layout("percent of the seeds", "ppm of the value of a unit"),
    )


def case_figure(case: Case) -> Figure:
    """The lines of a failure."""
    return Figure(
        name=case.name,
        title=case.title,
        description=case.here,
        data=[
            _line(one.name, one.role, list(one.x), list(one.y), dash)
            for one, dash in zip(case.lines, _DASHES, strict=False)
        ],
        layout=_layout(case.x_title, case.y_title),
    )


def _line(name: str, role: str, x: Sequence[float], y: Sequence[float | None], dash: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": list(x),
        "y": list(y),
        "line": {"dash": dash, "width": 2},
        "meta": {"role": role},
    }


def _layout(x_title: str, y_title: str) -> dict[str, Any]:
    return {
        "xaxis": {"title": {"text": x_title}, "automargin": True},
        "yaxis": {"title": {"text": y_title}, "automargin": True, "nticks": 7},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "hovermode": "x unified",
    }
