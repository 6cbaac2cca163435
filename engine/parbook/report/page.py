"""The report: one HTML page that needs no network, reads on a phone and in the dark."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from html import escape
from typing import Any, Final

import msgspec

from parbook.errors import InputError
from parbook.replay.result import ReplayResult
from parbook.replay.timeline import SAMPLES_MAX
from parbook.report.figures import PRICE_BANDS, Figure, figures
from parbook.report.summary import Rows, conclusion, curve_rows, outcome, remarks, summary_rows
from parbook.report.theme import SCRIPT, STYLE

_POLICY: Final = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"


def require_plotly() -> Any:
    """Return the plotly.offline module; InputError with the remedy when plotly is not installed."""
    try:
        return importlib.import_module("plotly.offline")
    except ImportError:
        raise InputError(
            "--report", "the figures need plotly, which is not installed", "pip install parbook[plot]"
        ) from None


def render(result: ReplayResult) -> str:
    """Return the page of a replay. InputError without plotly."""
    return document(
        f"Replay of {', '.join(result.symbols[:3]) or result.log}",
        mark=f"{'✓' if result.verified else '✗'} {outcome(result)}",
        held=result.verified,
        sentence=conclusion(result),
        parts=[
            table("What was replayed", summary_rows(result)),
            table("What the curve did", curve_rows(result)),
            "".join(f"<p>{escape(note)}</p>" for note in remarks(result)),
            _mismatches(result),
        ],
        drawn=figures(result),
        footnote=_footnote(result),
    )


def document(
    title: str, *, mark: str, held: bool, sentence: str, parts: Sequence[str], drawn: Sequence[Figure], footnote: str
) -> str:
    """Return a page: a heading, the outcome, parts of HTML, figures. Text is escaped; plotly.js is inlined.

    InputError without plotly.
    """
    script = require_plotly().get_plotlyjs()
    specs = {figure.name: {"data": figure.data, "layout": figure.layout} for figure in drawn}
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>",
        f"<h1>{escape(title)}</h1>",
        f'<p class="outcome {"held" if held else "failed"}"><strong>{mark}.</strong> {escape(sentence)}</p>',
        *parts,
        *(_figure(figure) for figure in drawn),
        "<noscript><p>The figures need JavaScript; the tables above hold the numbers.</p></noscript>",
        f"<footer><p>{escape(footnote)}</p></footer></main>",
        f"<script>{script}</script>",
        f'<script type="application/json" id="figures">{_json(specs)}</script>',
        f"<script>{SCRIPT}</script></body></html>",
    ]
    return "\n".join(line for line in lines if line)


def table(caption: str, rows: Rows) -> str:
    """Return rows of (label, value) as a table; nothing without rows."""
    if not rows:
        return ""
    body = "".join(f'<tr><th scope="row">{escape(label)}</th><td>{escape(value)}</td></tr>' for label, value in rows)
    return f"<table><caption>{escape(caption)}</caption><tbody>{body}</tbody></table>"


def _mismatches(result: ReplayResult) -> str:
    if not result.mismatches:
        return ""
    items = "".join(
        f"<li>{escape(item.where)} {escape(item.side)}{f' level {item.level}' if item.level else ''}: "
        f"{escape(item.reason)}; expected {escape(item.expected)}, got {escape(item.got)}</li>"
        for item in result.mismatches
    )
    return f"<h2>First mismatches of {result.mismatches_total:,}</h2><ul>{items}</ul>"


def _figure(figure: Figure) -> str:
    text = escape(figure.description, quote=True)
    return (
        f"<figure><h2>{escape(figure.title)}</h2>"
        f'<div class="plot" id="plot-{escape(figure.name)}" data-figure="{escape(figure.name)}" role="img" '
        f'aria-label="{text}"></div><figcaption>{text}</figcaption></figure>'
    )


def _footnote(result: ReplayResult) -> str:
    samples = len(result.timeline.samples)
    return (
        f"The figures show {samples:,} samples, one every {result.timeline.stride:,} messages; never more than "
        f"{SAMPLES_MAX} and {PRICE_BANDS} price bands. Times are the log's own clock."
    )


def _json(value: object) -> str:
    """Return JSON that no HTML parser mistakes for the end of its script element."""
    return msgspec.json.encode(value).decode().replace("<", "\\u003c")
