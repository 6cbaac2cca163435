"""The latency command: schedules, verdicts, figure and page, and that it runs end to end. No time is looked at."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from xml.etree import ElementTree

import msgspec
import numpy as np
import pytest

from bench import bars
from bench.latency import __main__ as command
from bench.latency import figure, load, page, service, sources
from bench.latency.native import SYSTEM, Clock, Percentiles
from bench.measure import QUICK, ROOT, Spread, UnavailableError

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
CLOCK = Clock(SYSTEM, 1.0, 1, 20, 40)


def percentiles(p50, p99_9):
    return [Percentiles(p50, (p50 + p99_9) / 2, p99_9, 2 * p99_9)] * 3


def point(mode="per call", load_=0.5, core=(50, 400), platform=(40, 60), achieved=5e6, idle=5e6, share=1.0):
    return load.Point(
        mode,
        "Poisson",
        load_,
        1e7 * load_,
        [achieved] * 3,
        [idle] * 3,
        [share] * 3,
        [1.0] * 3,
        percentiles(*core),
        percentiles(*platform),
    )


def swept(*points):
    """A sweep whose bar is 500 ns: ten times the median at the lightest load."""
    lightest = [point(mode, load.LOADS[0]) for mode in load.MODES]
    return load.Sweep("steady", 1000, dict.fromkeys(load.MODES, Spread(1e7, 9e6, 1.1e7, 3)), [*lightest, *points])


# --- schedules ----------------------------------------------------------------------------------


def test_a_fixed_schedule_is_even():
    assert load.schedule_ns("fixed", 4, 1e6, 1).tolist() == [1_000, 2_000, 3_000, 4_000]


def test_a_poisson_schedule_has_exponential_gaps_and_repeats():
    gaps = load.gaps("Poisson", 200_000, 7)
    assert (gaps > 0).all()
    # Mean and deviation of an exponential are 1; a share of e**-t of it is beyond t.
    assert gaps.mean() == pytest.approx(1, abs=0.01)
    assert gaps.std() == pytest.approx(1, abs=0.02)
    for beyond in (0.1, 1, 3):
        assert (gaps > beyond).mean() == pytest.approx(np.exp(-beyond), abs=0.005)
    assert abs(np.corrcoef(gaps[1:], gaps[:-1])[0, 1]) < 0.01
    np.testing.assert_array_equal(gaps, load.gaps("Poisson", 200_000, 7))
    assert (gaps != load.gaps("Poisson", 200_000, 8)).mean() > 0.99
    assert (np.diff(load.schedule_ns("Poisson", 1_000, 2e6, 1)) > 0).all()


def test_the_integers_are_splitmix64s():
    # The published first output for seed 0 is 0xE220A8397B1DCDAF.
    first = -np.log(((0xE220A8397B1DCDAF >> 11) + 0.5) / 2**53)
    assert load.gaps("Poisson", 1, 0)[0] == pytest.approx(first, rel=1e-12)


# --- verdicts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({"core": (60, 500)}, bars.REACHED),
        ({"core": (60, 501)}, bars.MISSED),
        ({"core": (60, 400), "platform": (40, 501)}, bars.NOT_JUDGED),
        ({"core": (60, 900), "platform": (40, 500)}, bars.MISSED),
        ({"achieved": 4.94e6}, "saturated"),
        ({"achieved": 4.96e6}, bars.REACHED),
        # Somebody else had a part of the core, so it proves nothing that it fell behind.
        ({"achieved": 4.0e6, "share": 0.97}, bars.NOT_JUDGED),
        # The platform itself fell behind the schedule: the core did not.
        ({"achieved": 4.0e6, "idle": 4.0e6}, bars.REACHED),
    ],
)
def test_a_point_is_held_against_the_bar_of_its_mode(given, verdict):
    tried = point(**given)
    assert swept(tried).verdict(tried) == verdict


@pytest.mark.parametrize(
    ("core", "platform", "share", "verdict"),
    [
        ((40, 400), (40, 400), 0.98, bars.REACHED),
        ((40, 401), (40, 60), 1, bars.MISSED),
        ((40, 100), (40, 401), 1, bars.NOT_JUDGED),
        ((40, 401), (40, 60), 0.97, bars.NOT_JUDGED),
    ],
)
def test_the_tail_of_b14(core, platform, share, verdict):
    found = service.Service("own", 1_000, percentiles(*core), percentiles(40, 80), percentiles(*platform), [share] * 3)
    row = service.tail_row(found, CLOCK)
    assert row.verdict.split(":")[0] == verdict
    assert row.ratio.median == pytest.approx(core[1] / core[0])
    assert page.service_table([found]).splitlines()[-1].endswith(f"| {verdict} |")
    assert "p99.9/p50 2" in row.measured


def test_a_flow_that_is_absent_becomes_a_row(monkeypatch):
    def lacking(name, *_):
        if name == "itch":
            raise UnavailableError("no itch here")
        same = percentiles(4, 8)
        return service.Service(name, 1, same, same, same, [1.0])

    monkeypatch.setattr(service, "service", lacking)
    monkeypatch.setattr(service, "best_clock", lambda: CLOCK)
    rows = service.tail_rows(QUICK)
    assert len(rows) == len(sources.FLOWS)
    assert [row.verdict for row in rows if row.verdict != bars.REACHED] == [f"{bars.NOT_JUDGED}: no itch here"]


def test_the_bar_of_a_mode_is_its_best_rounds():
    rounds = [Percentiles(p50, 9e6, 9e6, 9e6) for p50 in (5e6, 60, 5e6)]
    light = msgspec.structs.replace(point("batch", load.LOADS[0]), core=rounds)
    sweep = load.Sweep("steady", 1, {}, [light, point("batch", 0.5, (10, 20)), point("per call", load.LOADS[0])])
    assert [sweep.limit_ns(mode) for mode in ("batch", "per call")] == [600, 500]


# --- the page and the figure --------------------------------------------------------------------


def test_times_have_a_unit_that_suits_them():
    assert [page.duration(ns) for ns in (7.25, 999, 1_234, 5.5e6, 2e9)] == [
        "7.25 ns",
        "999 ns",
        "1.23 us",
        "5.5 ms",
        "2 s",
    ]
    assert page.cell(Spread(40, 30, 50, 3)) == "40 ns (30-50)"
    assert page.cell(Spread(1_500, 900, 2_000, 3)) == "1.5 us (900 ns-2 us)"
    assert page.cell(Spread.of([40])) == "40 ns"


def test_only_what_is_measured_is_rewritten(tmp_path):
    path = tmp_path / "latency.md"
    path.write_text(f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n")
    page.rewrite(path, "new")
    assert path.read_text() == f"before\n{page.BEGIN}\n\nnew\n\n{page.END}\nafter\n"
    path.write_text("no marks")
    with pytest.raises(ValueError, match=r"latency\.md lacks"):
        page.rewrite(path, "new")


def test_the_page_of_the_docs_has_the_marks():
    text = (ROOT / "docs/latency.md").read_text()
    assert text.count(page.BEGIN) == text.count(page.END) == 1
    assert "](latency.svg)" in text


def test_the_figure_shows_every_point_inside_its_frame():
    sweep = swept(*(point(mode, share, (50, 4e6), achieved=1e7 * share) for mode in load.MODES for share in (0.5, 1.1)))
    drawn = ElementTree.fromstring(figure.draw(sweep, "Poisson"))
    lines = [each for each in drawn.iter() if each.tag.endswith("polyline")]
    curves = [line.attrib["points"].split() for line in lines if len(line.attrib["points"].split()) == 3]
    assert len(curves) == 2 * 6, "two modes: three percentiles, the platform's, and two rates"
    for place in (place for curve in curves for place in curve):
        x, y = map(float, place.split(","))
        assert 0 <= x <= figure.WIDTH
        assert figure.TOP <= y <= figure.RATE_TOP + figure.RATE_HEIGHT
    assert "prefers-color-scheme:dark" in figure.STYLE


# --- the command --------------------------------------------------------------------------------


@needs_compiler
def test_a_quick_run_goes_end_to_end(tmp_path):
    out = tmp_path / "latency.json"
    words = [sys.executable, "-m", "bench.latency", "--quick", "--json", str(out)]
    run = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "mean nothing" in run.stdout
    assert "bench: latency" in run.stderr
    assert "bench:" not in run.stdout
    report = msgspec.json.decode(out.read_bytes(), type=page.Report)
    assert {each.flow for each in report.service} >= {sources.STEADY, sources.OWN}
    (sweep,) = report.sweeps
    assert len(sweep.points) == len(load.MODES) * len(load.ARRIVALS) * len(load.LOADS)
    for each in sweep.points:
        assert len(each.core) == len(each.platform) == len(each.achieved_per_second) == report.rounds
    assert json.loads(out.read_bytes())["machine"]["python"]
    assert page.text(report).strip() in run.stdout
    ElementTree.fromstring(figure.draw(sweep, load.ARRIVALS[-1]))


@needs_compiler
def test_a_finite_flow_starts_from_an_empty_market_each_time():
    feed = sources.source(sources.OWN, QUICK)
    first, commands = feed(1_000)
    second, again = feed(1_000)
    assert first is not second
    assert len(commands) == len(again) == 1_000
    assert first.open_orders == second.open_orders == 0


def test_the_steady_flow_goes_on():
    feed = sources.source(sources.STEADY, QUICK)
    market, commands = feed(803)
    assert len(commands) == 800
    open_orders = market.open_orders
    market.apply_batch(commands)
    again, more = feed(80)
    again.apply_batch(more)
    assert again is market
    assert market.open_orders == open_orders > 0


@pytest.mark.parametrize("words", ["--write docs --quick", "--write docs --part load", "--flow x"])
def test_what_makes_no_sense_is_refused(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        command.arguments(words.split())
    assert stopped.value.code == 2
    assert "error" in capsys.readouterr().err


def test_without_a_compiler_it_says_so(monkeypatch, capsys):
    def lacking(*_):
        raise UnavailableError("no C compiler")

    monkeypatch.setattr(command, "measure", lacking)
    assert command.main(["--quick"]) == 1
    assert "no C compiler" in capsys.readouterr().err
