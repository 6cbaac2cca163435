"""The check of instruction counts: red when a flow got dearer, silent about nothing, never about other toolchains."""

from __future__ import annotations

import json
import shutil

import msgspec
import pytest

from bench import __main__ as command
from bench import bars, baseline, regression
from bench.measure import Spread
from bench.workloads import BATCH

HERE = baseline.Toolchain(
    compiler="GCC: (here) 12", libc="glibc 2", python="CPython 3", numpy="2", valgrind="3", machine="Linux"
)
FLOWS = {"own": 100.0, "exchange": 200.0}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "baseline.json"


def _written(path, flows=FLOWS, toolchain=HERE):
    counts = baseline.Counts(toolchain=toolchain, commands=1024, flows=flows)
    baseline.write(baseline.renewed(None, "a processor", [], counts), path)


def _check(path, fresh):
    return regression.check(lambda: fresh, HERE, path)


def test_the_same_counts_pass(path, capsys):
    _written(path)
    assert _check(path, {"own": 103.0, "exchange": 150.0}) == 0
    said = capsys.readouterr().out
    assert "own" in said
    assert "cheaper: re-baseline" in said


def test_a_dearer_flow_is_named_with_the_way_out(path, capsys):
    _written(path)
    assert _check(path, {"own": 100.0, "exchange": 206.1}) == 1
    said = capsys.readouterr().out
    assert "regression: exchange: 200.0 before, 206.1 after, tolerance 3%" in said
    assert regression.REBASELINE in said
    assert "regression: own" not in said


def test_a_flow_without_a_baseline_is_red(path, capsys):
    _written(path)
    assert _check(path, FLOWS | {"new": 5.0}) == 1
    assert "new: no baseline" in capsys.readouterr().out


def test_no_baseline_is_red(path, capsys):
    assert _check(path, FLOWS) == 1
    assert regression.REBASELINE in capsys.readouterr().out


def test_counts_of_another_compiler_are_not_compared(path, capsys):
    _written(path, toolchain=msgspec.structs.replace(HERE, compiler="clang version 19"))
    assert _check(path, {"own": 10_000.0}) == 0
    said = capsys.readouterr().out
    assert "not compared: other compiler" in said
    assert "compiler: clang version 19, here GCC: (here) 12" in said


def test_counts_of_another_libc_are_not_compared(path, capsys):
    _written(path, toolchain=msgspec.structs.replace(HERE, libc="musl"))
    assert _check(path, {"own": 10_000.0}) == 0
    assert "not compared: other toolchain\n  libc: musl, here glibc 2" in capsys.readouterr().out


def test_another_numpy_is_no_reason(path):
    _written(path, toolchain=msgspec.structs.replace(HERE, numpy="3", valgrind="4"))
    assert _check(path, {"own": 104.0, "exchange": 200.0}) == 1


def test_this_machine_has_a_toolchain():
    here = baseline.toolchain()
    assert here.compiler.startswith(("GCC: ", "clang version "))
    assert here.differences(here) == []


# --- writing ------------------------------------------------------------------------------------


def _row(bar, what, ratio):
    return bars.judged(bar, what, "measured", Spread.of([ratio]))


def test_rows_renew_the_ratios_of_their_bars(path):
    first = [_row("B10", "a", 1), _row("B3", "a", 1.0), _row("B3", "b", 1.2)]
    regression.rebaseline(first, "one", lambda: FLOWS, path)
    regression.rebaseline([_row("B3", "c", 1.05)], "two", lambda: {"own": 7.125}, path)
    kept = baseline.read(path)
    assert [(r.bar, r.what, r.value, r.verdict) for r in kept.ratios] == [
        ("B3", "c", 1.05, bars.REACHED),
        ("B10", "a", 1, bars.REACHED),
    ]
    assert kept.processor == "two"
    assert kept.instructions.flows == {"own": 7.12}
    assert kept.instructions.toolchain == baseline.toolchain()


def test_json_rows_feed_the_baseline(tmp_path, path, monkeypatch):
    rows = tmp_path / "rows.json"
    report = {"machine": {"processor": "a chip", "core": None}, "rows": [_row("B4", "k = 1", 0.9)]}
    rows.write_bytes(msgspec.json.encode(report))
    taken = []
    monkeypatch.setattr(regression, "rebaseline", lambda *given: taken.append(given))
    assert regression.main(["--rebaseline", "--rows", str(rows)]) == 0
    assert taken == [([_row("B4", "k = 1", 0.9)], "a chip")]


def test_a_quick_run_is_no_baseline(capsys):
    with pytest.raises(SystemExit):
        command.arguments(["--quick", "--rebaseline"])
    assert "baseline" in capsys.readouterr().err


def test_the_baseline_in_the_repository_covers_every_flow():
    kept = baseline.read()
    flows = [name for flows in regression.GROUPS.values() for name in flows]
    assert list(kept.instructions.flows) == flows
    assert json.loads(baseline.PATH.read_text())["instructions"]["commands"] == regression.COMMANDS


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
def test_counts_are_those_of_the_calls(path):
    fresh = regression.count(2 * BATCH)
    assert set(fresh) == {name for flows in regression.GROUPS.values() for name in flows}
    assert all(50 < value < 5_000 for value in fresh.values())
    assert fresh["exchange"] > fresh["own"], "money costs something"
    _written(path, {name: value / 1.04 for name, value in fresh.items()})
    assert _check(path, fresh) == 1
