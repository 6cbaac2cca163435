"""The faults in the tables fit the sources as they are now."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.mutants.fault import all_faults, misplaced

ROOT = Path(__file__).resolve().parents[2]
FAULTS = all_faults()


def test_every_fault_finds_its_place_exactly_once():
    assert misplaced(FAULTS, ROOT) == []


@pytest.mark.parametrize(("compiled", "least"), [(False, 30), (True, 30)])
def test_both_markets_have_their_faults(compiled: bool, least: int):
    assert sum(fault.compiled is compiled for fault in FAULTS) >= least


def test_the_tests_a_fault_names_exist():
    named = {test.split("::")[0] for fault in FAULTS for test in fault.first}
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
