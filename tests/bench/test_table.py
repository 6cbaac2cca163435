"""The benchmark runs end to end on tiny sizes, and its table leaves no bar out. Nothing here looks at a time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import msgspec
import pytest

from bench import __main__ as command
from bench import against, bars, instructions, memory
from bench.measure import FULL, QUICK, ROOT, Spread, UnavailableError, interleave, last_json, ratios, short

VERDICTS = (bars.REACHED, bars.MISSED, bars.NOT_BUILT, bars.NOT_JUDGED)


def _bench(*words):
    run = subprocess.run([sys.executable, "-m", "bench", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    path = tmp_path_factory.mktemp("bench") / "rows.json"
    run = _bench("--quick", "--json", str(path))
    return run, json.loads(path.read_text())


def test_every_bar_is_in_the_table_with_a_verdict(quick):
    run, report = quick
    rows = report["rows"]
    assert list(dict.fromkeys(row["bar"] for row in rows)) == [*(f"B{n}" for n in range(1, 18)), "peers", "plain"]
    for row in rows:
        assert row["verdict"].startswith(VERDICTS), row
        if row["verdict"].startswith((bars.NOT_BUILT, bars.NOT_JUDGED)):
            assert len(row["verdict"]) > len(bars.NOT_BUILT) + len(": ")
        assert row["measured"]
    for bar in bars.BARS:
        assert f"\n{bar} " in run.stdout
    assert "mean nothing" in run.stdout


def test_what_exists_was_measured(quick):
    rows = quick[1]["rows"]
    measured = {row["bar"] for row in rows if row["values"]}
    assert measured >= {"B3", "B4", "B5", "B6", "B7", "B10", "B14", "B15"}
    for row in rows:
        for spread in row["values"].values():
            assert spread["low"] <= spread["median"] <= spread["high"]
            assert spread["count"] >= 1


def test_progress_goes_to_stderr(quick):
    run, report = quick
    assert "bench: B7" in run.stderr
    assert "bench:" not in run.stdout
    assert report["machine"]["python"]


def test_only_the_named_bars_are_measured():
    run = _bench("--quick", "--only", "B1,B15", "--markdown")
    lines = run.stdout.splitlines()
    assert lines[0].startswith("| bar | what |")
    assert {line.split("|")[1].strip() for line in lines[2:] if line.startswith("|")} == {"B1", "B15"}


def test_an_unknown_bar_is_refused(capsys):
    with pytest.raises(SystemExit) as stopped:
        command.arguments(["--only", "B7,B99"])
    assert stopped.value.code == 2
    assert "B99" in capsys.readouterr().err


def test_what_a_machine_lacks_becomes_a_row(monkeypatch):
    def lacking(_):
        raise UnavailableError("no compiler")

    monkeypatch.setitem(command.MEASURES, "B6", (lacking,))
    (row,) = command.measure(["B6"], QUICK)
    assert row.verdict == f"{bars.NOT_JUDGED}: no compiler"


# --- verdicts and figures -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bar", "value", "verdict"),
    [
        ("B3", 1.10, bars.REACHED),
        ("B3", 1.11, bars.MISSED),
        ("B7", 100, bars.REACHED),
        ("B7", 99.9, bars.MISSED),
        ("B14", 0, bars.REACHED),
        ("B14", 1, bars.MISSED),
    ],
)
def test_a_verdict_follows_from_the_median(bar, value, verdict):
    spread = Spread(value, 0, 1000, 7)
    assert bars.judged(bar, "", "", spread).verdict == verdict


def test_a_second_limit_replaces_the_first():
    assert bars.judged("B9", "", "", Spread.of([5_000]), limit=16_384).verdict == bars.REACHED
    assert bars.judged("B9", "", "", Spread.of([5_000])).verdict == bars.MISSED


def test_long_cells_are_wrapped_not_cut():
    words = [f"word{n}" for n in range(40)]
    row = bars.Row(bar="B7", what="x", measured=" ".join(words), verdict=bars.REACHED)
    text = bars.table([row])
    assert [word for word in text.split() if word.startswith("word")] == words


def test_spread_is_median_and_range():
    assert Spread.of([3, 1, 2, 9]) == Spread(2.5, 1, 9, 4)
    assert str(Spread.of([3, 1, 2])) == "2 (1-3)"
    assert short(12345.6) == "12,346"


def test_contenders_take_turns():
    calls = []

    def contender(name, value):
        def sample():
            calls.append(name)
            return value

        return sample

    samples = interleave({"a": contender("a", 6.0), "b": contender("b", 3.0)}, 3)
    assert calls == ["a", "b", "b", "a", "a", "b"]
    assert ratios(samples["a"], samples["b"]) == Spread(2, 2, 2, 3)


def test_ratios_are_taken_round_by_round():
    assert ratios([10, 200], [5, 100]) == Spread(2, 2, 2, 2)


# --- children -----------------------------------------------------------------------------------


def test_a_failing_child_is_reported():
    with pytest.raises(UnavailableError, match="failed"):
        last_json([sys.executable, "-c", "raise SystemExit(3)"])


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="the resident set is read from /proc")
def test_memory_counts_the_orders_that_rest():
    for found, orders in ((memory.resting(20_000), 20_000), (memory.aged(512), 512)):
        assert found["reserved"] >= 64 * orders
    assert memory.idle(10)["reserved"] >= 10 * 64


def test_an_older_commit_that_does_not_exist_is_named():
    with pytest.raises(UnavailableError, match="is not in this history"):
        against.built("0" * 40)
    (row,) = against.plain_rows(FULL)
    assert row.verdict == "not judged: no commit to compare with; --against COMMIT names one"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
def test_this_commit_costs_what_it_costs(monkeypatch):
    monkeypatch.setattr(against, "built", lambda _commit: ROOT)
    rows = against.plain_rows(msgspec.structs.replace(QUICK, against="HEAD"))
    assert [row.ratio.median for row in rows] == pytest.approx([1] * 3, rel=0.02)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
def test_instructions_and_allocations_are_counted():
    once, twice = (instructions.counted_instructions("own", n) for n in (1_000, 2_000))
    assert 0 < once < twice < 10 * once
    # Addresses and string hashes of the interpreter differ from run to run, which moves the last digits.
    assert instructions.counted_instructions("own", 1_000) == pytest.approx(once, rel=0.01)
    few, many, kept = (
        instructions.counted_allocations(256, n, keep) for n, keep in ((2, False), (12, False), (12, True))
    )
    assert many - few < 10, "a batch whose predecessor's events were dropped allocates nothing"
    assert kept - many >= 8, "the count sees what kept events take"
