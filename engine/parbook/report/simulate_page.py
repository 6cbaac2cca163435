"""The page of a simulation: one section a scenario, tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from parbook.pools.amounts import MICRO
from parbook.report.figures import Figure
from parbook.report.page import document, table
from parbook.report.simulate_figures import case_figure, run_figures, seeds_figure
from parbook.report.summary import Rows
from parbook.simulate.cases import Case
from parbook.simulate.results import QUANTILES, Outcome, Quantiles, Result, TierResult, all_held, in_ppm
from parbook.simulate.results import table as quantile_table

NOTHING: Final = "-"
"""In the place of a figure that nothing has."""


def render_simulation(runs: Sequence[tuple[str, Result, Sequence[Outcome]]], cases: Sequence[Case]) -> str:
    """Return the page: runs (name, one seed in full, outcomes of many or none), then failures. InputError if no plotly.

    All text is escaped; plotly.js is inlined.
    """
    parts: list[str] = []
    drawn: list[Figure] = []
    for name, result, outcomes in runs:
        parts.append(table(f"{name}, seed {result.outcome.seed}", outcome_rows(result.outcome)))
        if outcomes:
            parts.append(quantiles_html(f"{name}, {len(outcomes):,} seeds", quantile_table(outcomes)))
            drawn.append(seeds_figure(outcomes, name))
        drawn += run_figures(result, name)
    for case in cases:
        parts.append(f"<h2>{escape(case.title)}</h2><p>{escape(case.there)} ({escape(case.source)})</p>")
        parts.append(f"<p>{escape(case.here)}</p>{table('Here', list(case.rows))}")
        drawn.append(case_figure(case))
    held = all_held(((result.outcome, outcomes) for _, result, outcomes in runs), cases)
    return document(
        "Simulation: " + ", ".join([name for name, _, _ in runs] + [case.name for case in cases]),
        mark="✓ Held" if held else "✗ Not held",
        held=held,
        sentence=sentence(runs, cases),
        parts=parts,
        drawn=drawn,
        footnote="Everything was played through commands on the exchange; docs/simulate.md says how, and derives the "
        "bounds (1) and (2).",
    )


def sentence(runs: Sequence[tuple[str, Result, Sequence[Outcome]]], cases: Sequence[Case]) -> str:
    """Return the outcome in a sentence or two."""
    out = []
    for name, result, outcomes in runs:
        every = (result.outcome, *outcomes)
        worst = max(one.lost_nano * 1e6 / max(one.shock_nano, 1) for one in every)
        out.append(f"{name}: leavers took at most {worst:,.0f} ppm from a unit that stayed.")
    failed = [case.name for case in cases if not case.held]
    if cases:
        out.append(
            f"Not as described: {', '.join(failed)}."
            if failed
            else f"{len(cases)} failures play as they are described."
        )
    return " ".join(out)


def outcome_rows(one: Outcome) -> Rows:
    """Return what one seed showed as rows of a table."""
    base, most = max(one.shock_nano, 1), in_ppm(one, "formula_nano")
    rows = [
        ("Units that wanted to leave, and left", f"{one.leaving_micro / MICRO:,.0f}, {one.out_micro / MICRO:,.0f}"),
        ("Last one out, day", _last(one)),
        ("True value of a unit when the shock came", f"{one.shock_nano / 1e9:.6f}"),
        ("Taken by leavers from a unit that stayed", f"{one.lost_nano * 1e6 / base:,.1f} ppm"),
        ("of that, in the queue", f"{one.lost_queue_nano * 1e6 / base:,.1f} ppm"),
        ("Bound (1), exit by exit", f"{one.allowed_nano * 1e6 / base:,.1f} ppm"),
        ("Bound (2), the formula", "- (nobody stayed)" if most is None else f"{most:,.1f} ppm"),
        ("Left by leavers to a unit that stayed", f"{one.gained_nano * 1e6 / base:,.1f} ppm"),
        (
            "First and last quarter of exits, beyond true value",
            f"{_signed(one.early_ppm)}, {_signed(one.late_ppm)} ppm",
        ),
        ("Receipts of one epoch, off its price at most", f"{one.epoch_spread_micro} micro"),
        ("Loss of the reserve", f"{one.reserve_loss_micro / MICRO:,.2f}"),
        ("Obligors that failed", str(one.failures)),
        ("Feed not to be trusted", f"{one.feed_down_hours:,.0f} h"),
        ("Commands", f"{one.commands:,}"),
    ]
    if one.end_alone_nano >= 0:
        rows.append(("A unit in the end, with and without the run", f"{one.end_nano / 1e9:.6f}, {_alone(one)}"))
    return rows + [(f"By the {tier.tier}", _way(tier)) for tier in one.tiers]


def _way(tier: TierResult) -> str:
    if tier.days_mean is None:
        return "nobody"
    return (
        f"{tier.units_micro / MICRO:,.0f} units, {tier.days_mean:.1f} days on average, "
        f"{_signed(tier.gain_ppm_mean)} ppm beyond true value"
    )


def _signed(value: float | None) -> str:
    return NOTHING if value is None else f"{value:+,.0f}"


def _last(one: Outcome) -> str:
    if one.out_day >= 0:
        return f"{one.out_day:.1f}"
    return "not all are out" if one.leaving_micro else NOTHING


def _alone(one: Outcome) -> str:
    return f"{one.end_alone_nano / 1e9:.6f}"


def quantiles_html(caption: str, rows: Sequence[Quantiles]) -> str:
    """Return quantiles as a table of HTML."""
    head = "".join(f"<th>{share:.0%}</th>" for share in QUANTILES)
    body = "".join(
        f'<tr><th scope="row">{escape(row.name)}, {escape(row.unit)}</th>'
        + "".join(f"<td>{number(value)}</td>" for value in row.values)
        + "</tr>"
        for row in rows
    )
    top = f"<caption>{escape(caption)}</caption><thead><tr><th></th>{head}</tr></thead>"
    return f"<table>{top}<tbody>{body}</tbody></table>"


def quantiles_text(rows: Sequence[Quantiles]) -> str:
    """Return quantiles as lines of text."""
    width = max(len(f"{row.name}, {row.unit}") for row in rows)
    head = " " * width + "".join(f"{f'{share:.0%}':>12}" for share in QUANTILES)
    return "\n".join(
        [
            head,
            *(
                f"{row.name + ', ' + row.unit:<{width}}" + "".join(f"{number(v):>12}" for v in row.values)
                for row in rows
            ),
        ]
    )


def number(value: float | None) -> str:
    """Return a figure with as many digits as say something; a dash where there is none."""
    if value is None:
        return NOTHING
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 else f"{value:,.1f}" if size >= 10 else f"{value:.4f}" if size else "0"
