"""`parbook listing`: text, JSON, a page without network; what is wrong is said in one message."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import parbook as pb
from parbook.cli import main as cli
from parbook.disclosure import listing_report
from parbook.disclosure.lines import decimal, duration, money, percent
from parbook.pools.amounts import E12, Rounding
from parbook.report.listing_figures import listing_figures
from parbook.report.listing_page import listing_text, render_listing
from parbook.setup import build, load_setup
from tests.listing.test_run import QUEUE, ROWS
from tests.setup.house import EXAMPLE, built, example, loan, small

DESCRIPTION = EXAMPLE / "listing.toml"


@pytest.fixture(scope="module")
def report():
    return listing_report(build(pb.Exchange(), load_setup(DESCRIPTION)))


def call(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    """Run the command."""
    code = cli.main(["listing", *(str(arg) for arg in args)])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_text_json_and_page_from_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path, report):
    pytest.importorskip("plotly")
    page = tmp_path / "out.html"
    code, out, err = call(capsys, DESCRIPTION, "--report", page)
    assert (code, err) == (0, "")
    assert out == f"{listing_text(report)}\nreport: {page}\n"
    assert page.read_text() == render_listing(report)
    code, out, err = call(capsys, DESCRIPTION, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == json.loads(report.to_json())
    assert call(capsys, DESCRIPTION, "--quiet") == (0, "", "")


def test_every_line_is_in_the_text(report):
    text = listing_text(report)
    for line in report.lines:
        assert re.search(f"^{re.escape(line.label)} +{re.escape(line.text)}$", text, re.MULTILINE), line.key
    for note in report.notes:
        assert f"note: {note}" in text


def test_what_is_wrong_is_one_message_and_exit_code_2(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    code, out, err = call(capsys, tmp_path / "none.toml")
    assert (code, out) == (2, "")
    assert re.fullmatch(r"parbook: error: .*none.toml: it cannot be read .*\n", err)
    path = example(tmp_path, ("months_max = 48", "months_max = 3"))
    code, out, err = call(capsys, path)
    assert (code, out) == (2, "")
    assert "INELIGIBLE" in err
    code, _, err = call(capsys, path, "--report", path)
    assert code == 2
    assert "replace what is read" in err
    assert call(capsys, path, "--report", tmp_path / "no" / "out.html")[0] == 2


class Reader(HTMLParser):
    """Gathers what a page shows and what it loads."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.loads: list[str] = []
        self.figures: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        named = dict(attrs)
        self.loads += [str(named[key]) for key in ("src", "href") if key in named]
        if "data-figure" in named:
            self.figures.append(str(named["data-figure"]))

    def handle_data(self, data: str) -> None:
        if self.inside in ("th", "td", "li") and data.strip():
            self.cells.append(data)


def test_the_page_shows_every_line_once_and_loads_nothing(report):
    pytest.importorskip("plotly")
    reader = Reader()
    reader.feed(render_listing(report))
    assert reader.loads == []
    for line in report.lines:
        assert reader.cells.count(line.label) == 1, line.key
        assert line.text in reader.cells, line.key
    assert [note for note in report.notes if note not in reader.cells] == []
    assert reader.figures == [figure.name for figure in listing_figures(report)]
    assert len(reader.figures) == len(set(reader.figures)) == 7


def test_figures_draw_the_numbers_of_the_report(report):
    by_name = {figure.name: figure for figure in listing_figures(report)}
    backing = report.tranches[0].backing
    (bars,) = by_name["coverage-S"].data
    assert bars["y"] == [share * 100 / E12 for share in (*backing.coverage_e12, backing.reserve_ratio_e12)]
    asked = [quote.asked_micro / 10**6 for quote in report.tranches[0].quotes]
    assert [sum(parts) for parts in zip(*(bar["y"] for bar in by_name["quotes-S"].data), strict=True)] == pytest.approx(
        asked
    )
    held = [cut.exits.asked_micro / 10**6 for cut in report.run.haircuts]
    assert [sum(parts) for parts in zip(*(bar["y"] for bar in by_name["ways"].data), strict=True)] == pytest.approx(
        held
    )
    assert by_name["feed"].data[0]["y"] == [day.low_nano / 10**9 for day in report.run.trail]
    assert by_name["left"].data[0]["y"][-1] == report.run.haircuts[0].exits.left_micro / 10**6
    for figure in by_name.values():
        assert figure.description
        # Where several things stand in one figure, they differ in more than colour.
        looks = {
            (trace["marker"]["pattern"]["shape"] if trace["type"] == "bar" else trace["line"]["dash"])
            for trace in figure.data
        }
        assert len(looks) == len(figure.data)


def test_names_of_strangers_are_text(tmp_path: Path):
    pytest.importorskip("plotly")
    rows = [loan("a", obligor="<script>alert(1)</script>"), *ROWS[:3]]
    page = render_listing(listing_report(built(small(tmp_path, rows, senior=QUEUE))))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_passed_limit_is_no_good_news(tmp_path: Path):
    """What entered within its limits may grow beyond them: interest fell due."""
    path = example(tmp_path, ('obligor = "0.05"', 'obligor = "0.045"'))
    report = listing_report(built(load_setup(path)))
    assert [note for note in report.notes if note.startswith("Limit passed: obligor Spruce Logistics holds 4.90 %")]
    pytest.importorskip("plotly")
    assert 'class="outcome failed"' in render_listing(report)


def test_words():
    assert [money(n) for n in (0, 9_999, 1_234_567_890_000, -10_000)] == ["0.00", "0.00", "1,234,567.89", "-0.01"]
    assert (percent(333_333_333_333, Rounding.FLOOR), percent(333_333_333_333, Rounding.CEIL)) == ("33.33 %", "33.34 %")
    hour = 3600 * 10**9
    shown = [duration(ns) for ns in (0, 1, hour, hour + 1, 24 * hour, 73 * hour, 48 * hour + 60 * 10**9)]
    assert shown == ["0 h", "1 min", "1 h", "1 h 1 min", "1 day", "3 days 1 h", "2 days"]
    assert [decimal(n, E12) for n in (3 * E12, E12 // 2, 0)] == ["3", "0.5", "0"]
