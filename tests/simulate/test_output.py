"""What a simulation is shown as: quantiles, figures, the page, the command."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from parbook.cli import main as cli
from parbook.cli import simulate as command
from parbook.pools.amounts import MICRO, NANO
from parbook.report.simulate_figures import run_figures, seeds_figure
from parbook.report.simulate_page import number, outcome_rows, quantiles_html, quantiles_text, render_simulation
from parbook.report.theme import SCRIPT
from parbook.simulate import many as many_seeds
from parbook.simulate import scenarios
from parbook.simulate.bound import Exit, Tier
from parbook.simulate.many import outcomes, play
from parbook.simulate.results import QUANTILES, Quantiles, all_held, edge_ppm, plain, quantile, table, tier_results
from parbook.simulate.world import Lateness, World

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "listing"
TINY = World(loans=12, holders=6, horizon_days=20)


@pytest.fixture(scope="module")
def result():
    return play(TINY, 2, paired=True)


@pytest.fixture(scope="module")
def many():
    return outcomes(TINY, range(3), workers=1, paired=True)


def test_quantiles_lie_between_neighbours():
    assert [quantile([4, 1, 3, 2], share) for share in (0, 0.5, 1)] == [1, 2.5, 4]
    assert quantile([7], 0.95) == 7
    assert quantile([], 0.5) is None


def exit_at(ts_ns: int, units: int, paid: int, tier: Tier = Tier.DESK) -> Exit:
    return Exit(
        ts_ns=ts_ns,
        day=ts_ns / 10,
        mind_day=0,
        tier=tier,
        account=1,
        units_micro=units * MICRO,
        paid_micro=paid * MICRO,
        true_nano=NANO,
        quoted_nano=NANO,
    )


def test_the_first_and_the_last_quarter_of_units():
    exits = [exit_at(3, 10, 8), exit_at(1, 10, 11), exit_at(2, 20, 20)]
    assert edge_ppm(exits, first=True) == pytest.approx(100_000)
    assert edge_ppm(exits, first=False) == pytest.approx(-200_000)
    assert edge_ppm([], first=True) is None


def test_ways_are_weighted_by_units():
    market, desk, queue = tier_results([exit_at(10, 30, 30), exit_at(20, 10, 9)])
    assert (market.units_micro, queue.units_micro) == (0, 0)
    assert (desk.units_micro, desk.paid_micro) == (40 * MICRO, 39 * MICRO)
    assert desk.days_mean == pytest.approx((30 * 1 + 10 * 2) / 40)
    assert desk.days_most == 2
    assert desk.gain_ppm_mean == pytest.approx(-25_000)
    assert (market.days_mean, market.days_most, market.gain_ppm_mean, market.gain_ppm_most) == (None,) * 4


def test_figures_have_roles_that_have_colours_and_names_of_their_own(result, many):
    figures = [*run_figures(result, "a"), *run_figures(result, "b"), seeds_figure(many, "a")]
    assert len({figure.name for figure in figures}) == len(figures) == 9
    for figure in figures:
        assert figure.description
        assert len({trace["line"]["dash"] for trace in figure.data}) == len(figure.data)
        for trace in figure.data:
            assert f" {trace['meta']['role']}: " in SCRIPT
            assert len(trace["x"]) == len(trace["y"])
    out = result.points[-1].out_micro
    ways = next(figure for figure in figures if figure.name == "a-ways")
    assert [trace["y"][-1] * MICRO for trace in ways.data] == list(out)


def test_the_page_stands_alone_and_escapes(result, many):
    pytest.importorskip("plotly")
    case = msgspec.structs.replace(scenarios.CASES["terra"](), title="<b>", there="a & b")
    page = render_simulation([("run40", result, many)], [case])
    mine = page.split("<script>")[0]
    assert "<b>" not in mine
    assert "://" not in mine
    assert "a &amp; b" in page
    assert "Held" in page
    assert all(f'data-figure="run40-{name}"' in page for name in ("prices", "cash", "ways", "leavers", "seeds"))
    failed = msgspec.structs.replace(case, held=False)
    assert "Not held" in render_simulation([], [failed])


@pytest.mark.parametrize("bound", ["allowed_nano", "formula_nano"])
def test_a_bound_that_is_passed_is_seen(result, bound):
    """Each of the two by itself, the other being far away."""
    one = msgspec.structs.replace(result.outcome, lost_nano=100.0, allowed_nano=1000.0, formula_nano=1000.0)
    assert one.within_bounds
    assert msgspec.structs.replace(one, **{bound: 100.0}).within_bounds, "equal is within"
    past = msgspec.structs.replace(one, **{bound: 99.9})
    assert not past.within_bounds
    assert all_held([(one, [one])], [])
    assert not all_held([(past, [])], [])
    assert not all_held([(one, [one, past])], [])


def test_where_nobody_stayed_the_second_bound_says_nothing(result):
    pytest.importorskip("plotly")
    one = msgspec.structs.replace(result.outcome, lost_nano=100.0, allowed_nano=100.0, formula_nano=None)
    assert one.within_bounds
    assert not msgspec.structs.replace(one, lost_nano=101.0).within_bounds, "the first bound does"
    (row,) = [row for row in table([one]) if row.name == "bound (2), the formula"]
    assert set(row.values) == {None}
    assert "nobody stayed" in render_simulation([("run40", msgspec.structs.replace(result, outcome=one), [one])], [])


@pytest.mark.parametrize("bound", ["allowed_nano", "formula_nano"])
def test_a_bound_that_is_passed_is_on_the_page_and_in_the_exit_code(tiny, result, bound, monkeypatch, capsys):
    pytest.importorskip("plotly")
    past = msgspec.structs.replace(result.outcome, lost_nano=1e9, **{bound: 0.0})
    past = msgspec.structs.replace(past, **{({"allowed_nano", "formula_nano"} - {bound}).pop(): 1e12})
    shown = msgspec.structs.replace(result, outcome=past)
    assert "Not held" in render_simulation([("run40", shown, [])], [])
    assert "Not held" in render_simulation([("run40", result, [past])], [])
    monkeypatch.setattr(command, "play", lambda *_args, **_kwargs: shown)
    assert cli.main(["simulate", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["held"] is False


def test_where_nobody_is_out_there_is_a_dash_and_no_day(result):
    """Nobody left: nothing is said of the last one out, of first and last quarters, of days and prices."""
    ways = tier_results([])
    none = msgspec.structs.replace(
        result.outcome, out_micro=0, leaving_micro=MICRO, out_day=-1.0, tiers=ways, early_ppm=None, late_ppm=None
    )
    rows = {row.name: row.values for row in table([none])}
    assert rows["units out"] == (0.0,) * 5
    for name in (
        "last leaver out",
        "first quarter of exits, beyond true value",
        "last quarter of exits, beyond true value",
        "queue: days to exit, mean of units",
        "queue: beyond true value, mean of units",
        "queue: share of units out",
    ):
        assert rows[name] == (None,) * 5, name
    (text,) = (row for row in quantiles_text(table([none])).splitlines() if row.startswith("last leaver out"))
    assert text.split()[-5:] == ["-"] * 5
    assert quantiles_html("x", [Quantiles(name="a", unit="b", values=(None,))]).count("<td>-</td>") == 1
    got = json.loads(msgspec.json.encode(plain([none])))
    assert next(row for row in got["table"] if row["name"] == "last leaver out")["values"] == [None] * 5
    shown = dict(outcome_rows(none))
    assert shown["First and last quarter of exits, beyond true value"] == "-, - ppm"
    assert shown["By the queue"] == "nobody"
    assert shown["Last one out, day"] == "not all are out"
    assert dict(outcome_rows(msgspec.structs.replace(none, leaving_micro=0)))["Last one out, day"] == "-"
    out = msgspec.structs.replace(result.outcome, out_day=12.5)
    both = {row.name: row.values for row in table([none, out])}
    assert both["last leaver out"] == (12.5,) * 5, "of the seeds that have one"


def test_quantiles_as_text_and_as_html(many):
    rows = table(many)
    assert all(len(row.values) == len(QUANTILES) for row in rows)
    there = {row.name: row.values for row in rows if row.values[0] is not None}
    assert "last leaver out" not in there, "nobody is in so short a time"
    assert "queue: days to exit, mean of units" in there
    assert all(list(values) == sorted(values) for values in there.values())  # type: ignore[type-var]
    text = quantiles_text(rows)
    assert len({len(line) for line in text.splitlines()}) == 1
    assert quantiles_html("<x>", [Quantiles(name="a&b", unit="%", values=(1.0,))]).count("&amp;") == 1
    assert [number(value) for value in (0, 0.5, 12.34, -1234.5)] == ["0", "0.5000", "12.3", "-1,234"]


# --- the command ------------------------------------------------------------------------------------


@pytest.fixture
def tiny(monkeypatch):
    """The command with a small world."""
    monkeypatch.setitem(scenarios.RUNS, "run40", TINY)


def test_the_command_prints_json(tiny, capsys):
    assert cli.main(["simulate", "--seed", "2", "--seeds", "2", "--workers", "1", "--check", "--paired", "--json"]) == 0
    got = json.loads(capsys.readouterr().out)
    assert got["held"] is True
    (run,) = got["runs"]
    assert run["scenario"] == "run40"
    assert run["world"]["loans"] == 12
    assert run["outcome"]["seed"] == 2
    assert [one["seed"] for one in run["many"]["outcomes"]] == [2, 3]
    assert run["many"]["outcomes"][0] == run["outcome"], "the same seed is the same run"


def test_the_command_prints_text_and_writes_a_page(tiny, capsys, tmp_path):
    pytest.importorskip("plotly")
    page = tmp_path / "out.html"
    assert cli.main(["simulate", "--seed", "2", "--report", str(page)]) == 0
    out = capsys.readouterr().out
    assert "Bound (2), the formula" in out
    assert f"report: {page}" in out
    assert page.read_text().startswith("<!DOCTYPE html>")


def test_the_command_plays_a_failure(capsys):
    assert cli.main(["simulate", "--scenario", "stream"]) == 0
    assert "CIRCULAR_BACKING" in capsys.readouterr().out
    assert cli.main(["simulate", "--scenario", "stream", "--quiet"]) == 0
    assert capsys.readouterr().out == ""


def test_what_is_not_held_is_said_by_the_exit_code(monkeypatch, capsys):
    case = msgspec.structs.replace(scenarios.CASES["terra"](), held=False)
    monkeypatch.setitem(scenarios.CASES, "terra", lambda: case)
    assert cli.main(["simulate", "--scenario", "terra"]) == 1
    assert "Not as described: terra." in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--scenario", "nothing"], ["--seeds", "0"], ["--seed", "-1"]])
def test_bad_usage_is_refused(words, capsys):
    assert cli.main(["simulate", *words]) == 2
    assert capsys.readouterr().err


def test_a_page_that_cannot_be_written_is_said_before_the_work(capsys, tmp_path):
    pytest.importorskip("plotly")
    assert cli.main(["simulate", "--report", str(tmp_path / "no" / "out.html")]) == 2
    assert "there is no directory" in capsys.readouterr().err


def test_a_description_is_never_written_over(tmp_path, capsys):
    listing = tmp_path / "listing.toml"
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    before = listing.read_bytes()
    assert cli.main(["simulate", str(listing), "--report", str(listing)]) == 2
    assert "would replace what is read" in capsys.readouterr().err
    assert listing.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere.toml", "--scenario", "maple"], "LISTING.toml: the scenario maple"),
        (["--scenario", "maple", "--seeds", "3"], "--seeds: the scenario maple"),
        (["--seeds", "100001"], "--seeds: 100001 are more than 100000"),
    ],
)
def test_what_would_change_nothing_or_never_end_is_refused(words, says, capsys):
    assert cli.main(["simulate", *words]) == 2
    assert says in capsys.readouterr().err


def test_no_more_processes_than_portions_of_work(monkeypatch):
    asked = []

    class Pool(ThreadPoolExecutor):
        def __init__(self, workers):
            asked.append(workers)
            super().__init__(workers)

    monkeypatch.setattr(many_seeds, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(ThreadPoolExecutor, "map", lambda self, work, *lists, chunksize: map(work, *lists))
    assert len(outcomes(TINY, range(5), workers=100_000)) == 5
    assert asked == [2]


def test_the_worlds_by_name():
    assert scenarios.RUNS["run40"] == World()
    assert scenarios.RUNS["run40-lagging"].lateness is Lateness.LAGGING
    assert not set(scenarios.RUNS) & set(scenarios.CASES)
