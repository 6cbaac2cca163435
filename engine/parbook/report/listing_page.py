"""The page and the text of a listing report."""

from __future__ import annotations

from html import escape

from parbook.disclosure.lines import duration, money, percent
from parbook.disclosure.records import Line, ListingReport
from parbook.pools.amounts import Rounding
from parbook.report.listing_figures import listing_figures
from parbook.report.page import document, table
from parbook.report.summary import Rows


def conclusion(report: ListingReport) -> str:
    """Return one plain sentence: what the pool is worth, and what bad days cost."""
    worst = max(report.run.haircuts, key=lambda cut: cut.worst_e12)
    nav = report.nav
    return (
        f"{report.assets:,} assets, net {money(nav.mid_micro)} (low {money(nav.low_micro)}, high "
        f"{money(nav.high_micro)}), valued {duration(nav.age_ns)} ago; in the run, holders of {worst.name} lose "
        f"{percent(worst.worst_e12, Rounding.CEIL)} at worst."
    )


def listing_text(report: ListingReport) -> str:
    """Return every line as a table for a terminal."""
    width = max(len(line.label) for line in report.lines)
    rows = [f"{line.label:<{width}}  {line.text}" for line in report.lines]
    notes = [f"note: {note}" for note in report.notes]
    tail = f"model {report.model}, inputs {report.input_hash[:16]}"
    return "\n".join([f"{report.name} on {report.as_of}", conclusion(report), "", *rows, *notes, tail])


def render_listing(report: ListingReport) -> str:
    """Return the page. All text is escaped; plotly.js is inlined. InputError without plotly."""
    notes = report.notes
    parts = [f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in notes)}</ul>" if notes else ""]
    parts += [_table(caption, report.lines, keys) for caption, keys in _sections(report)]
    parts.append(table("How each line was computed", _hows(report)))
    return document(
        f"Listing report of {report.name} on {report.as_of}",
        mark="✓ Built and tried",
        held=not any(note.startswith("Limit passed") for note in notes),
        sentence=conclusion(report),
        parts=parts,
        drawn=listing_figures(report),
        footnote=f"Model {report.model}; inputs {report.input_hash}. Sources' reports were made here and are "
        "unsigned. In trials nothing is repaid and nobody buys: real days are kinder, if the assets pay.",
    )


def _hows(report: ListingReport) -> Rows:
    """Return how lines were computed, each once, with the keys it is about."""
    hows: dict[str, list[str]] = {}
    for line in report.lines:
        key = line.key.split(".")[0]
        if key not in (keys := hows.setdefault(line.how, [])):
            keys.append(key)
    return [(f"{keys[0]} to {keys[-1]}" if len(keys) > 1 else keys[0], how) for how, keys in hows.items()]


def _sections(report: ListingReport) -> list[tuple[str, tuple[str, ...]]]:
    """Return captions and what the keys of their lines begin with."""
    sections = []
    for tranche in report.tranches:
        names = ("reserve_ratio", "coverage_", "exit_", "discount_", "unit_")
        sections.append((f"Behind a unit of {tranche.name}", tuple(f"{name}|{tranche.name}" for name in names)))
    return [
        *sections,
        ("Net assets", ("nav_",)),
        ("Who owes", ("obligor_", "hhi", "insurance_ratio")),
        ("How late", ("past_due_", "stage_")),
        ("Bad days", ("stress_", "haircut", "run_left")),
        ("Anchored token", ("backing_ratio",)),
    ]


def _table(caption: str, lines: tuple[Line, ...], starts: tuple[str, ...]) -> str:
    rows: Rows = []
    for line in lines:
        key, _, tranche = line.key.partition(".")
        for start in starts:
            begins, bar, name = start.partition("|")
            if key.startswith(begins) and (not bar or name == tranche):
                rows.append((line.label, line.text))
                break
    return table(caption, rows)
