"""A pool's figures as Plotly specifications: bars, whose roles differ in pattern as well as in colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from parbook.assets.nav import GroupValue, MonthFlow, Nav
from parbook.pools.amounts import E12, MICRO
from parbook.pools.limits import percent
from parbook.report.figures import Figure
from parbook.report.nav_summary import money

GROUPS_SHOWN: Final = 24
"""Risk groups in a figure; the largest ones."""
BARS_SHOWN: Final = 60
"""Months in a figure; a longer pool is shown by quarters or years."""
_BANDS: Final = (("low", "/"), ("mid", ""), ("high", "\\"))
_FLOWS: Final = (("interest", ""), ("scheduled", "/"), ("prepaid", "x"), ("recovered", "."))


def nav_figures(nav: Nav) -> list[Figure]:
    """Return the figures of a pool; those of tranches and of limits only where there are any."""
    drawn = [bands(nav), flows(nav.flows), lateness(nav.late)]
    if nav.tranches:
        drawn.insert(1, tranches(nav))
    if nav.obligors.shares:
        drawn.append(obligors(nav))
    return drawn


def bands(nav: Nav) -> Figure:
    """Fair value by risk group, low, middle and high, beside what is owed."""
    groups = sorted(nav.groups, key=lambda each: (-each.owed_micro, each.name))[:GROUPS_SHOWN]
    names = [_label(each.name) for each in groups]
    data = [_bar("owed", "owed", names, [each.owed_micro for each in groups], "")]
    for role, pattern in _BANDS:
        data.append(_bar(role, role, names, [getattr(each, f"{role}_micro") for each in groups], pattern))
    hidden = len(nav.groups) - len(groups)
    more = f" {hidden} smaller groups are not shown." if hidden else ""
    return Figure(
        name="bands",
        title="Fair value by risk group",
        description=f"Owed, and the low, middle and high fair value of each risk group; in all {money(nav.low_micro)}, "
        f"{money(nav.mid_micro)} and {money(nav.high_micro)}.{more}",
        data=data,
        layout=_layout("risk group", "group"),
    )


def tranches(nav: Nav) -> Figure:
    """Value of each tranche in each band."""
    names = [each.name for each in nav.tranches["mid"]]
    data = [
        _bar(role, role, names, [each.value_micro for each in nav.tranches[role]], pattern) for role, pattern in _BANDS
    ]
    said = ", ".join(f"{each.name} {money(each.value_micro)}" for each in nav.tranches["mid"])
    return Figure(
        name="tranches",
        title="Net assets by tranche",
        description=f"What each tranche is worth when the pool is valued low, in the middle and high. Middle: {said}.",
        data=data,
        layout=_layout("tranche", "group"),
    )


def flows(months: Sequence[MonthFlow]) -> Figure:
    """Expected cash by month, stacked."""
    step = next((size for size in (1, 3, 12, 120) if len(months) <= BARS_SHOWN * size), 1200)
    starts = range(0, len(months), step)
    names = [str(start) if step == 1 else f"{start}-{start + step - 1}" for start in starts]
    data = []
    for role, pattern in _FLOWS:
        amounts = [getattr(each, f"{role}_micro") for each in months]
        data.append(_bar(role, role, names, [sum(amounts[start : start + step]) for start in starts], pattern))
    total = sum(sum(getattr(each, f"{role}_micro") for role, _ in _FLOWS) for each in months)
    lost = sum(each.defaulted_micro for each in months)
    return Figure(
        name="flows",
        title="Expected cash by month" if step == 1 else f"Expected cash by {step} months",
        description=f"Interest, scheduled principal, prepayments and recoveries, undiscounted: {money(total)} in all, "
        f"after defaults of {money(lost)}.",
        data=data,
        layout=_layout("month from the valuation", "stack"),
    )


def lateness(late: Sequence[GroupValue]) -> Figure:
    """Owed and valued by days past due."""
    names = [each.name for each in late]
    current = sum(each.owed_micro for each in late[:1])
    return Figure(
        name="late",
        title="Days past due",
        description=f"What is owed, and its middle fair value, by days past due; {money(current)} is current.",
        data=[
            _bar("owed", "owed", names, [each.owed_micro for each in late], ""),
            _bar("mid", "mid", names, [each.mid_micro for each in late], "/"),
        ],
        layout=_layout("days past due", "group"),
    )


def obligors(nav: Nav) -> Figure:
    """The largest obligors and counterparties as shares of the pool."""
    data = []
    for role, who, pattern in (("obligor", nav.obligors, ""), ("counterparty", nav.sellers, "/")):
        names = [_label(name) for name, _, _ in who.shares]
        shares = [share * 100 / E12 for _, _, share in who.shares]
        bar = _bar(role, "mid" if role == "obligor" else "prepaid", names, [], pattern)
        data.append({**bar, "y": shares})
    name, _, share = nav.obligors.shares[0]
    return Figure(
        name="obligors",
        title="Largest obligors and counterparties",
        description=f"Shares of the pool's value. The largest obligor is {name} with {percent(share)}; "
        f"the HHI is {percent(nav.obligors.hhi_e12)}.",
        data=data,
        layout=_layout("", "group", "percent of the pool"),
    )


def _label(name: str) -> str:
    short = name if len(name) <= 24 else f"{name[:23]}…"
    return short or "(none)"


def _bar(name: str, role: str, x: list[str], micro: Sequence[int], pattern: str) -> dict[str, Any]:
    return {
        "type": "bar",
        "name": name,
        "x": x,
        "y": [amount / MICRO for amount in micro],
        "marker": {"pattern": {"shape": pattern}},
        "meta": {"role": role},
    }


def _layout(x_title: str, mode: str, y_title: str = "amount") -> dict[str, Any]:
    return {
        "barmode": mode,
        "xaxis": {"type": "category", "title": {"text": x_title}, "automargin": True},
        "yaxis": {"title": {"text": y_title}, "automargin": True, "tickformat": ",~f", "nticks": 7},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
    }
