"""Planting faults in a tiny checkout: who notices, what is restored, what cannot be told. Nothing is compiled."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from tools.mutants.fault import Fault
from tools.mutants.workshop import (
    BEHAVIOUR,
    PARITY,
    Check,
    MarketChecks,
    Outcome,
    Verdict,
    Workshop,
    copy_checkout,
    culprit,
)

RULE = "def allowed(price, limit):\n    return price <= limit\n"
COMPILED = "cdef answer = 42\n"
BUILD = (
    sys.executable,
    "-c",
    "text = open('ext/core.pyx').read(); assert 'cdef' in text, 'no core'; open('engine/core.so', 'w').write(text)",
)
RED_TEST = "def test_red():\n    assert False\n\n\n"
RULE_TEST = "import rule\n\n\ndef test_rule():\n    assert rule.allowed(1, 1)\n"

Try = Callable[..., Verdict]


def python(code: str, cpu_seconds: int = 20, optional: bool = False) -> Check:
    """A check that is red when the code's last word is a false assertion."""
    return Check("python", (sys.executable, "-c", f"import rule; {code}"), cpu_seconds, optional)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """A checkout with one rule in Python and one that is built."""
    (tmp_path / "engine").mkdir()
    (tmp_path / "ext").mkdir()
    (tmp_path / "engine" / "rule.py").write_text(RULE)
    (tmp_path / "ext" / "core.pyx").write_text(COMPILED)
    workshop = Workshop(tmp_path, BUILD)
    workshop.build()
    return workshop


@pytest.fixture
def attempt(workshop: Workshop) -> Try:
    """Plants one change of the rule, or of another file, and runs checks."""

    def attempt(find: str, replace: str, *checks: Check, file: str = "engine/rule.py") -> Verdict:
        return workshop.try_fault(Fault("fault", file, find, replace, "what"), lambda _fault: checks)

    return attempt


EQUAL_IS_ALLOWED = python("assert rule.allowed(1, 1), 'equal'")
LESS_IS_ALLOWED = python("assert rule.allowed(0, 1), 'less'")


def test_a_fault_is_caught_and_the_file_restored(attempt: Try, workshop: Workshop):
    verdict = attempt("<=", "<", LESS_IS_ALLOWED, EQUAL_IS_ALLOWED)
    assert (verdict.outcome, verdict.by) == (Outcome.CAUGHT, "AssertionError: equal")
    assert (workshop.root / "engine" / "rule.py").read_text() == RULE


def test_a_fault_that_no_check_sees_survives(attempt: Try):
    assert attempt("<=", "<", LESS_IS_ALLOWED).outcome is Outcome.SURVIVED


def test_the_next_fault_meets_sound_sources(attempt: Try):
    attempt("<=", "<", EQUAL_IS_ALLOWED)
    assert attempt("price, limit", "price, limit, *_", EQUAL_IS_ALLOWED, LESS_IS_ALLOWED).outcome is Outcome.SURVIVED


def test_a_fault_that_hangs_is_caught(attempt: Try):
    verdict = attempt("return", "while True: pass\n    return", python("rule.allowed(1, 1)", cpu_seconds=1))
    assert verdict.outcome is Outcome.CAUGHT
    assert verdict.by.startswith("python: hangs")


def test_a_fault_that_crashes_is_caught(attempt: Try):
    verdict = attempt("return", "import os; os.abort()\n    return", python("rule.allowed(1, 1)"))
    assert verdict.outcome is Outcome.CAUGHT
    assert verdict.by.startswith("python: crashes")


def test_the_test_that_hung_is_named(attempt: Try, workshop: Workshop):
    frames = 'Thread 0x1 (most recent call first):\n  File "tests/market/test_x.py", line 3 in test_y'
    crash = python(f"import os; print({frames!r}, flush=True); rule.allowed(1, 1) or os.abort()")
    assert attempt("<=", "<", crash).by == "python: crashes in tests/market/test_x.py::test_y"


@pytest.mark.parametrize("find", ["absent", "price"])
def test_a_fault_without_one_place_is_misplaced(attempt: Try, find: str):
    assert attempt(find, "x", EQUAL_IS_ALLOWED).outcome is Outcome.MISPLACED


def test_a_fault_of_a_file_that_is_gone_is_misplaced(attempt: Try):
    assert attempt("a", "b", EQUAL_IS_ALLOWED, file="engine/gone.py").outcome is Outcome.MISPLACED


def test_a_fault_that_is_no_python_is_broken(attempt: Try, workshop: Workshop):
    verdict = attempt("return", "retrun", EQUAL_IS_ALLOWED)
    assert (verdict.outcome, verdict.by) == (Outcome.BROKEN, "is no Python: invalid syntax")
    assert (workshop.root / "engine" / "rule.py").read_text() == RULE


def test_a_check_that_cannot_run_says_nothing(attempt: Try):
    assert attempt("<=", "<", python("raise SystemExit(4)")).outcome is Outcome.BROKEN


def test_an_optional_check_that_cannot_run_is_passed_over(attempt: Try):
    verdict = attempt("<=", "<", python("raise SystemExit(4)", optional=True), EQUAL_IS_ALLOWED)
    assert verdict.by == "AssertionError: equal"


def test_a_compiled_fault_is_built_and_its_product_restored(attempt: Try, workshop: Workshop):
    reads = python("assert '42' in open('engine/core.so').read(), 'built'")
    verdict = attempt("42", "43", reads, file="ext/core.pyx")
    assert (verdict.outcome, verdict.by) == (Outcome.CAUGHT, "AssertionError: built")
    assert (workshop.root / "engine" / "core.so").read_text() == COMPILED
    assert (workshop.root / "ext" / "core.pyx").read_text() == COMPILED


def test_a_fault_that_does_not_build_is_broken(attempt: Try, workshop: Workshop):
    verdict = attempt("cdef ", "", EQUAL_IS_ALLOWED, file="ext/core.pyx")
    assert (verdict.outcome, verdict.by) == (Outcome.BROKEN, "does not build: AssertionError: no core")
    assert (workshop.root / "engine" / "core.so").read_text() == COMPILED


def test_what_is_red_without_a_fault_catches_none(attempt: Try, workshop: Workshop):
    (workshop.root / "tests").mkdir()
    (workshop.root / "tests" / "test_rule.py").write_text(RED_TEST + RULE_TEST)
    pytest_check = Check("behaviour", (sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", "tests"))
    workshop.skipped += workshop.red_without_fault(pytest_check)
    assert workshop.skipped == ["tests/test_rule.py::test_red"]
    assert attempt("price, limit", "price, limit, *_", pytest_check).outcome is Outcome.SURVIVED
    assert attempt("<=", "<", pytest_check).by == "tests/test_rule.py::test_rule"


def test_a_copy_has_the_sources_and_nothing_built(tmp_path: Path):
    for name in ("engine/a.py", "engine/_a.so", ".git/config", "build/x.c", "engine/__pycache__/a.pyc", ".venv/bin"):
        (tmp_path / "from" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "from" / name).write_text("")
    copy_checkout(tmp_path / "from", tmp_path / "to")
    assert [path.relative_to(tmp_path / "to") for path in (tmp_path / "to").rglob("*") if path.is_file()] == [
        Path("engine/a.py")
    ]


@pytest.mark.parametrize(
    ("output", "name"),
    [
        ("...\nFAILED tests/a/test_b.py::test_c[x - y] - assert 1 == 2\n", "tests/a/test_b.py::test_c[x - y]"),
        ("FAILED tests/a/test_b.py::test_c\nFAILED tests/z.py::test_z\n", "tests/a/test_b.py::test_c"),
        ("ERROR tests/a/test_b.py - ImportError: x\n", "tests/a/test_b.py"),
        ("parity icebergs, seed 1, batch 2: events\n", "parity icebergs, seed 1, batch 2: events"),
        ("", "no output"),
    ],
)
def test_the_culprit_is_the_first_red_test(output: str, name: str):
    assert culprit(output) == name


def commands(checks: MarketChecks, fault: Fault, count: int) -> list[tuple[str, ...]]:
    """The first commands that a fault meets."""
    return [check.command for check in islice(checks(fault), count)]


def test_each_layer_first_meets_what_ought_to_see_it(workshop: Workshop):
    checks = MarketChecks(workshop, {})
    reference, core = Fault("r", "a.py", "a", "b", ""), Fault("c", "a.pxd", "a", "b", "")
    assert commands(checks, reference, 2) == [(*BEHAVIOUR.command, "-k", "reference or not core"), PARITY.command]
    assert commands(checks, core, 2) == [PARITY.command, (*BEHAVIOUR.command, "-k", "core or not reference")]


def test_what_saw_a_fault_last_time_is_asked_first(workshop: Workshop):
    checks = MarketChecks(workshop, {"r": "tests/a.py::test_b", "c": "parity icebergs, seed 2, batch 0: state"})
    reference = Fault("r", "a.py", "a", "b", "", first=("tests/c.py", "tests/d.py"))
    assert commands(checks, reference, 1)[0][-1] == "tests/a.py::test_b"
    assert commands(checks, reference._replace(id="new"), 1)[0][-4:-1] == ("tests/c.py", "tests/d.py", "-k")
    assert commands(checks, Fault("c", "a.pxd", "a", "b", ""), 1) == [(*PARITY.command, "icebergs")]
