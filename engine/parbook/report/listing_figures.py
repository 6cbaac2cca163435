"""A listing report's figures as Plotly specifications; see `parbook.report.figures` for roles and colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from parbook.disclosure.lines import money, percent
from parbook.disclosure.records import ListingReport, TrancheLines
from parbook.pools.amounts import E12, MICRO, NANO, Rounding
from parbook.report.figures import Figure

_DAY_NS = 86_400 * 10**9


def listing_figures(report: ListingReport) -> list[Figure]:
    """Return the figures; those of the buyback only where there is one."""
    drawn = [_coverage(tranche) for tranche in report.tranches if tranche.backing is not None]
    drawn += [_quotes(tranche) for tranche in report.tranches if tranche.quotes]
    return [*drawn, _late(report), _obligors(report), _feed(report), _left(report), _ways(report)]


def _coverage(tranche: TrancheLines) -> Figure:
    assert tranche.backing is not None, "it was asked for"
    shares = [share * 100 / E12 for share in (*tranche.backing.coverage_e12, tranche.backing.reserve_ratio_e12)]
    return Figure(
        name=f"coverage-{tranche.name}",
        title=f"What could be bought back of {tranche.name}",
        description="Percent of the supply's value that budget and reserve cover within 1, 7 and 30 days: "
        f"{', '.join(percent(share, Rounding.FLOOR) for share in tranche.backing.coverage_e12)}; the reserve is "
        f"{percent(tranche.backing.reserve_ratio_e12, Rounding.FLOOR)} of it.",
        data=[_bar("covered", "bought", ["1 day", "7 days", "30 days", "reserve"], shares, "")],
        layout=_layout("", "group", "percent of the supply's value"),
    )


def _quotes(tranche: TrancheLines) -> Figure:
    names = [f"{percent(quote.share_e12, Rounding.FLOOR)} sold" for quote in tranche.quotes]
    parts = {
        "book": [quote.book_micro / MICRO for quote in tranche.quotes],
        "curve": [quote.curve_micro / MICRO for quote in tranche.quotes],
        "not bid for": [(quote.asked_micro - quote.filled_micro) / MICRO for quote in tranche.quotes],
    }
    said = ", ".join(
        "no bid" if quote.discount_e12 is None else percent(quote.discount_e12, Rounding.CEIL)
        for quote in tranche.quotes
    )
    roles = {"book": ("book", ""), "curve": ("bid", "/"), "not bid for": ("sold", "x")}
    return Figure(
        name=f"quotes-{tranche.name}",
        title=f"Selling {tranche.name} at once",
        description=f"Where units go when 1, 5 and 10 % of the supply are sold at once; discounts to fair: {said}.",
        data=[_bar(name, roles[name][0], names, amounts, roles[name][1]) for name, amounts in parts.items()],
        layout=_layout("", "stack", "units"),
    )


def _late(report: ListingReport) -> Figure:
    names = [each.name for each in report.late]
    return Figure(
        name="late",
        title="Days past due",
        description="What is owed, and its middle fair value, by days past due; "
        f"{money(report.late[0].owed_micro)} of {money(report.nav.owed_micro)} is current.",
        data=[
            _bar("owed", "owed", names, [each.owed_micro / MICRO for each in report.late], ""),
            _bar("fair", "mid", names, [each.mid_micro / MICRO for each in report.late], "/"),
        ],
        layout=_layout("days past due", "group", "amount"),
    )


def _obligors(report: ListingReport) -> Figure:
    names = [_short(name) for name, _, _ in report.obligors.shares]
    shares = [share * 100 / E12 for _, _, share in report.obligors.shares]
    return Figure(
        name="obligors",
        title="Largest obligors",
        description=f"Shares of what is owed; the HHI of all obligors is "
        f"{percent(report.obligors.hhi_e12, Rounding.CEIL)}.",
        data=[_bar("obligor", "mid", names, shares, "")],
        layout=_layout("", "group", "percent of what is owed"),
    )


def _feed(report: ListingReport) -> Figure:
    days = [day.at_ns / _DAY_NS for day in report.run.trail]
    return Figure(
        name="feed",
        title="The run: what the feed said, and what was true",
        description="Low fair value in force, as a share of what the assets still count for, and the true middle.",
        data=[
            _line("in force, low", "low", days, [day.low_nano / NANO for day in report.run.trail], "solid"),
            _line("true, middle", "mid", days, [day.true_nano / NANO for day in report.run.trail], "dash"),
        ],
        layout=_layout("days from the beginning", "", "share of what is kept", kind="linear"),
    )


def _left(report: ListingReport) -> Figure:
    days = [day.at_ns / _DAY_NS for day in report.run.trail]
    dashes, roles = ("solid", "dash", "dot", "dashdot"), ("bought", "sold", "prepaid", "recovered")
    data = []
    for index, cut in enumerate(report.run.haircuts):
        left = [day.left_micro[index] / MICRO for day in report.run.trail]
        data.append(_line(cut.name, roles[index % 4], days, left, dashes[index % 4]))
    said = "; ".join(
        f"{cut.name}: {money(cut.exits.left_micro)} of {money(cut.exits.asked_micro)}" for cut in report.run.haircuts
    )
    return Figure(
        name="left",
        title="The run: who has left",
        description=f"Units that have left by day, of each tranche. In the end {said}.",
        data=data,
        layout=_layout("days from the beginning", "", "units", kind="linear"),
    )


def _ways(report: ListingReport) -> Figure:
    names = [cut.name for cut in report.run.haircuts]
    ways = {
        "book": ("book", ""),
        "curve": ("bid", "/"),
        "desk": ("prepaid", "x"),
        "queue": ("recovered", "."),
        "held": ("owed", "\\"),
    }
    data = [
        _bar(way, role, names, [getattr(cut.exits, f"{way}_micro") / MICRO for cut in report.run.haircuts], pattern)
        for way, (role, pattern) in ways.items()
    ]
    said = "; ".join(f"{cut.name} {percent(cut.worst_e12, Rounding.CEIL)}" for cut in report.run.haircuts)
    return Figure(
        name="ways",
        title="The run: by which way",
        description=f"Units by the way they left, and those that are still held. Worst haircuts: {said}.",
        data=data,
        layout=_layout("tranche", "stack", "units"),
    )


def _short(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:23]}…"


def _bar(name: str, role: str, x: list[str], y: Sequence[float], pattern: str) -> dict[str, Any]:
    return {
        "type": "bar",
        "name": name,
        "x": x,
        "y": list(y),
        "marker": {"pattern": {"shape": pattern}},
        "meta": {"role": role},
    }


def _line(name: str, role: str, x: list[float], y: list[float], dash: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": x,
        "y": y,
        "line": {"dash": dash, "shape": "hv"},
        "meta": {"role": role},
    }


def _layout(x_title: str, mode: str, y_title: str, kind: str = "category") -> dict[str, Any]:
    return {
        **({"barmode": mode} if mode else {}),
        "xaxis": {"type": kind, "title": {"text": x_title}, "automargin": True},
        "yaxis": {"title": {"text": y_title}, "automargin": True, "tickformat": ",~f", "nticks": 7},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
    }
