"""Which faults are chosen, in what order verdicts come, and what is printed and written of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.mutants import report
from tools.mutants.__main__ import chosen, hunt, main
from tools.mutants.fault import Fault, FaultError, all_faults
from tools.mutants.workshop import Check, Outcome, Verdict, Workshop

FAULTS = [Fault(name, "engine/parbook/reference/book.py", "a", "b", "it breaks") for name in ("book-a", "book-b", "c")]
CORE = Fault("core-a", "ext/parbook/_book.pxd", "a", "b", "it breaks a | b")


def names(faults: list[Fault]) -> list[str]:
    """Their ids."""
    return [fault.id for fault in faults]


def test_faults_are_chosen_by_the_beginning_of_their_id():
    assert names(chosen(FAULTS, ["book-", "c"], 0, 0)) == ["book-a", "book-b", "c"]
    assert names(chosen(FAULTS, ["book-"], 0, 0)) == ["book-a", "book-b"]
    with pytest.raises(FaultError, match="begins with x or y"):
        chosen(FAULTS, ["x", "y"], 0, 0)


def test_a_sample_depends_on_its_seed_alone():
    draws = {seed: names(chosen(FAULTS, [], 1, seed)) for seed in range(20)}
    assert {len(draw) for draw in draws.values()} == {1}
    assert len({draw[0] for draw in draws.values()}) == len(FAULTS)
    assert draws[3] == names(chosen(FAULTS, [], 1, 3))
    assert names(chosen(FAULTS, [], 9, 0)) == names(FAULTS)


def test_verdicts_come_in_the_order_of_the_faults(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    workshops = [Workshop(tmp_path / name, ()) for name in "ab"]
    for workshop in workshops:
        (workshop.root / "f").mkdir(parents=True)
        (workshop.root / "f" / "x.py").write_text("v = 1\n")
    faults = [Fault(name, "f/x.py", "1", "2", "") for name in "abcde"]
    red, green = Check("red", ("false",)), Check("green", ("true",))
    verdicts = hunt(faults, workshops, lambda fault: [red if fault.id in "ace" else green])
    assert names([verdict.fault for verdict in verdicts]) == list("abcde")
    assert [verdict.outcome is Outcome.CAUGHT for verdict in verdicts] == [True, False, True, False, True]
    assert len(capsys.readouterr().out.splitlines()) == len(faults)


@pytest.mark.parametrize("arguments", [["--jobs", "0"], ["--sample", "-1"]])
def test_counts_are_not_negative(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as refused:
        main(arguments)
    assert refused.value.code == 2
    assert "--jobs takes 1 or more" in capsys.readouterr().err


def test_unknown_ids_end_with_status_2(capsys: pytest.CaptureFixture[str]):
    assert main(["--only", "no-such-fault"]) == 2
    assert "--list shows them" in capsys.readouterr().err


def test_the_list_shows_every_fault(capsys: pytest.CaptureFixture[str]):
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == names(all_faults())


VERDICTS = [
    Verdict(FAULTS[0], Outcome.CAUGHT, "tests/market/test_limit.py::test_a[core]", 1.4),
    Verdict(FAULTS[1], Outcome.CAUGHT, "parity touch, seed 1, batch 0: events", 2.0),
    Verdict(FAULTS[2], Outcome.SURVIVED, "", 30.0),
    Verdict(CORE, Outcome.CAUGHT, "parity ids, seed 1, batch 0: state", 3.0),
]


def test_the_summary_counts_and_names_what_is_not_caught():
    lines = report.summary(VERDICTS, ["tests/a.py::test_red"]).splitlines()
    assert lines[0] == "3 caught, 1 survived, 0 misplaced, 0 broken of 4"
    assert lines[1] == "1 in the reference seen by parity only: book-b"
    assert lines[2] == "red without any fault, left out: tests/a.py::test_red"
    assert lines[3].startswith("survived: c (engine/parbook/reference/book.py): it breaks")


def test_the_page_remembers_what_saw_each_fault():
    page = report.page([*FAULTS, CORE], VERDICTS)
    assert "3 of 4 caught, 1 of them in the reference by parity alone." in page
    assert report.last_time(page) == {
        verdict.fault.id: verdict.by for verdict in VERDICTS if verdict.outcome is Outcome.CAUGHT
    }


def test_a_page_keeps_the_rows_of_faults_that_did_not_run():
    earlier = report.page([*FAULTS, CORE], VERDICTS)
    caught = Verdict(FAULTS[2], Outcome.CAUGHT, "tests/market/test_fok.py::test_b", 2.0)
    later = report.page([CORE, FAULTS[2], FAULTS[0], Fault("new", "a.py", "a", "b", "")], [caught], earlier)
    assert "3 of 3 caught, 0 of them" in later
    assert "parity alone. 1 further faults of the tables have no row" in later
    assert "further" not in report.page(FAULTS, VERDICTS)
    assert list(report.last_time(later)) == ["core-a", "c", "book-a"]
    assert [line for line in later.splitlines() if "`book-a`" in line] == [
        line for line in earlier.splitlines() if "`book-a`" in line
    ]


def test_a_survivor_stands_out_on_the_terminal():
    assert "SURVIVED" in report.line(VERDICTS[2])
    assert "CAUGHT" not in report.line(VERDICTS[0])
