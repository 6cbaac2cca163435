"""The page of a pool: what it is worth, to whom, and what may go wrong."""

from __future__ import annotations

from html import escape

from parbook.assets.nav import Nav
from parbook.report.nav_figures import nav_figures
from parbook.report.nav_summary import conclusion, money, remarks, risk_rows, tranche_rows, value_rows
from parbook.report.page import document, table


def render_nav(nav: Nav, name: str) -> str:
    """Return the page. All text is escaped; plotly.js is inlined. InputError without plotly."""
    notes = remarks(nav)
    return document(
        f"Net asset value of {name}",
        mark="✗ Limits passed" if nav.breaches else "✓ Valued",
        held=not notes,
        sentence=conclusion(nav),
        parts=[
            f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in notes)}</ul>" if notes else "",
            table("What it is worth", value_rows(nav)),
            table("What each tranche is worth", tranche_rows(nav)),
            table(
                "By risk group", [(each.name or "(none)", _line(each.assets, each.mid_micro)) for each in nav.groups]
            ),
            table("By kind", [(each.name, _line(each.assets, each.mid_micro)) for each in nav.kinds]),
            table("What may go wrong", risk_rows(nav)),
        ],
        drawn=nav_figures(nav),
        footnote=f"Model {nav.model}; inputs {nav.input_hash}. Low: PD x 1.5, LGD + 10 points, spread + 100 bp; high: "
        "the same steps the other way. A value is never above what is owed less its write-off.",
    )


def _line(assets: int, micro: int) -> str:
    return f"{assets:,} assets, {money(micro)}"
